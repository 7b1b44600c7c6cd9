//! Watches: a stream of the changes after a version, until the timeout or until the server ends it.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;

use bytes::Bytes;
use futures::{Stream, stream};
use serde_json::{Value, json};
use tokio::time::{Sleep, sleep};

use super::request::ApiRequest;
use super::response::{ApiResponse, partial_metadata, status_object};
use super::selector::ApiSelector;
use super::served_kinds::ServedKind;
use crate::sim::cluster::{ChangeSignal, ObjectChange, SimCluster, StatusError, WatchEventType, group_resource};
use crate::units::HumanDuration;

/// How a watch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WatchEnd {
    /// At `timeoutSeconds`, with a bookmark if the client allows bookmarks.
    Timeout,
    /// End of the stream without a bookmark or an error.
    Closed,
    /// An ERROR event with 410 Gone.
    Gone,
    /// A connection reset.
    Reset,
}

struct WatchStream {
    cluster: SimCluster,
    signal: ChangeSignal,
    served: &'static ServedKind,
    group_resource: String,
    selector: ApiSelector,
    metadata_only: bool,
    bookmarks: bool,
    resource_version: u64,
    deadline: Pin<Box<Sleep>>,
    end: Option<WatchEnd>,
}

/// # Errors
/// A parameter is missing or not supported.
pub(super) fn handle_watch(
    cluster: &SimCluster,
    served: &'static ServedKind,
    request: &ApiRequest,
) -> Result<ApiResponse, StatusError> {
    const KNOWN: [&str; 6] =
        ["watch", "timeoutSeconds", "labelSelector", "fieldSelector", "allowWatchBookmarks", "resourceVersion"];
    request.check_params(&KNOWN)?;
    let number = |parameter: &str| {
        let value = request.param(parameter).parse::<u64>().ok().filter(|number| *number > 0);
        value.ok_or_else(|| StatusError::not_simulated(&format!("a watch without {parameter}")))
    };
    let (after_ms, end) = first_end(cluster, number("timeoutSeconds")? * 1000);
    let watch = WatchStream {
        signal: cluster.change_signal(),
        served,
        group_resource: group_resource(&served.kind),
        selector: ApiSelector::from_request(request)?,
        metadata_only: request.is_metadata_only(),
        bookmarks: request.is_true("allowWatchBookmarks"),
        resource_version: number("resourceVersion")?,
        deadline: Box::pin(sleep(HumanDuration::from_ms(after_ms).to_std())),
        end: Some(end),
        cluster: cluster.clone(),
    };
    Ok(ApiResponse::stream(200, "application/json", stream_lines(watch)))
}

/// Returns what ends the watch first, and in how many milliseconds.
fn first_end(cluster: &SimCluster, timeout_ms: u64) -> (u64, WatchEnd) {
    let (config, now_ms) = (&cluster.config().api, cluster.clock().now_ms());
    let time_until = |at: Option<HumanDuration>| at.and_then(|at| at.ms().checked_sub(now_ms));
    let candidates = [
        Some((timeout_ms, WatchEnd::Timeout)),
        config.watch_lifetime.map(|lifetime| (lifetime.ms(), WatchEnd::Closed)),
        config.gone_interval.map(|interval| (interval.ms() - now_ms % interval.ms().max(1), WatchEnd::Gone)),
        time_until(config.unavailable.map(|window| window.start)).map(|ms| (ms, WatchEnd::Reset)),
    ];
    candidates.into_iter().flatten().min_by_key(|(ms, _)| *ms).unwrap_or((timeout_ms, WatchEnd::Timeout))
}

fn stream_lines(watch: WatchStream) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::unfold((watch, VecDeque::new()), |(mut watch, mut ready): (WatchStream, VecDeque<String>)| async move {
        loop {
            if let Some(line) = ready.pop_front() {
                return Some((Ok(Bytes::from(line)), (watch, ready)));
            }
            watch.end?;
            let Some((changes, newest)) =
                watch.cluster.resource_changes_since(&watch.group_resource, watch.resource_version)
            else {
                watch.end = None;
                ready.push_back(watch.gone_line());
                continue;
            };
            ready.extend(changes.iter().filter_map(|change| watch.change_line(change)));
            watch.resource_version = newest;
            if !ready.is_empty() {
                continue;
            }
            let is_over = tokio::select! {
                biased;
                () = watch.signal.changed() => false,
                () = &mut watch.deadline => true,
            };
            match watch.end.take_if(|_| is_over) {
                Some(WatchEnd::Timeout) if watch.bookmarks => ready.push_back(watch.bookmark_line()),
                Some(WatchEnd::Gone) => ready.push_back(watch.gone_line()),
                Some(WatchEnd::Reset) => {
                    let reset = io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer");
                    return Some((Err(reset), (watch, ready)));
                }
                Some(WatchEnd::Timeout | WatchEnd::Closed) | None => {}
            }
        }
    })
}

impl WatchStream {
    /// Formats a change as an event: an object that begins to match the selector is ADDED, one that stops is DELETED.
    fn change_line(&self, change: &ObjectChange) -> Option<String> {
        let is = change.event_type != WatchEventType::Deleted && self.selector.matches(&change.object);
        let was = change.previous.as_ref().is_some_and(|previous| self.selector.matches(previous));
        let kind = match (was, is) {
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
            (false, false) => return None,
        };
        Some(self.event_line(kind, &change.object))
    }

    fn event_line(&self, kind: &str, object: &Value) -> String {
        let object = if self.metadata_only { partial_metadata(object).to_string() } else { object.to_string() };
        format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n")
    }

    fn bookmark_line(&self) -> String {
        let kind = &self.served.kind;
        let version = json!({"resourceVersion": self.resource_version.to_string(), "creationTimestamp": null});
        self.event_line("BOOKMARK", &json!({"kind": kind.kind, "apiVersion": kind.api_version(), "metadata": version}))
    }

    fn gone_line(&self) -> String {
        let message =
            format!("too old resource version: {} ({})", self.resource_version, self.cluster.resource_version());
        let error = StatusError::new(410, "Expired", message);
        format!("{}\n", json!({"type": "ERROR", "object": status_object(&error)}))
    }
}
