//! Watches: the changes after a version, as a stream of lines, until their time is up or the server breaks them off.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;

use bytes::Bytes;
use futures::{Stream, stream};
use serde_json::{Value, json};
use tokio::time::{Sleep, sleep};

use super::asked::Asked;
use super::kinds::KindFacts;
use super::reply::{Reply, metadata, status};
use super::selector::Selector;
use crate::sim::cluster::{Became, Change, Cluster, Refusal, Told, resource};
use crate::units::Span;

/// How a watch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// As asked, with a bookmark where one was asked for.
    Asked,
    /// Without a word.
    Early,
    /// 410 Gone.
    Gone,
    /// The connection breaks.
    Broken,
}

struct Watch {
    cluster: Cluster,
    told: Told,
    facts: &'static KindFacts,
    resource: String,
    selector: Selector,
    metadata_only: bool,
    bookmarks: bool,
    version: u64,
    left: Pin<Box<Sleep>>,
    end: Option<End>,
}

/// # Errors
/// Something is asked that is not simulated.
pub(super) fn open(cluster: &Cluster, facts: &'static KindFacts, asked: &Asked) -> Result<Reply, Refusal> {
    const KNOWN: [&str; 6] =
        ["watch", "timeoutSeconds", "labelSelector", "fieldSelector", "allowWatchBookmarks", "resourceVersion"];
    asked.only(&KNOWN)?;
    let number = |parameter: &str| {
        let wanted = asked.text(parameter).parse::<u64>().ok().filter(|number| *number > 0);
        wanted.ok_or_else(|| Refusal::unknown(&format!("a watch without {parameter}")))
    };
    let (after_ms, end) = end(cluster, number("timeoutSeconds")? * 1000);
    let watch = Watch {
        told: cluster.told(),
        facts,
        resource: resource(&facts.kind),
        selector: Selector::of(asked)?,
        metadata_only: asked.wants_metadata(),
        bookmarks: asked.is("allowWatchBookmarks"),
        version: number("resourceVersion")?,
        left: Box::pin(sleep(Span::from_ms(after_ms).duration())),
        end: Some(end),
        cluster: cluster.clone(),
    };
    Ok(Reply::stream(200, "application/json", lines(watch)))
}

/// What ends it first, and in how many milliseconds.
fn end(cluster: &Cluster, asked_ms: u64) -> (u64, End) {
    let (setting, now_ms) = (&cluster.setting().api, cluster.clock().now_ms());
    let to_come = |at: Option<Span>| at.and_then(|at| at.ms().checked_sub(now_ms));
    let ends = [
        Some((asked_ms, End::Asked)),
        setting.watch_lasts.map(|lasts| (lasts.ms(), End::Early)),
        setting.gone_every.map(|every| (every.ms() - now_ms % every.ms().max(1), End::Gone)),
        to_come(setting.away.map(|away| away.from)).map(|ms| (ms, End::Broken)),
    ];
    ends.into_iter().flatten().min_by_key(|(ms, _)| *ms).unwrap_or((asked_ms, End::Asked))
}

fn lines(watch: Watch) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::unfold((watch, VecDeque::new()), |(mut watch, mut ready): (Watch, VecDeque<String>)| async move {
        loop {
            if let Some(line) = ready.pop_front() {
                return Some((Ok(Bytes::from(line)), (watch, ready)));
            }
            watch.end?;
            let Some((changes, newest)) = watch.cluster.since_of(&watch.resource, watch.version) else {
                watch.end = None;
                ready.push_back(watch.gone());
                continue;
            };
            ready.extend(changes.iter().filter_map(|change| watch.line(change)));
            watch.version = newest;
            if !ready.is_empty() {
                continue;
            }
            let is_over = tokio::select! {
                biased;
                () = watch.told.changed() => false,
                () = &mut watch.left => true,
            };
            match watch.end.take_if(|_| is_over) {
                Some(End::Asked) if watch.bookmarks => ready.push_back(watch.bookmark()),
                Some(End::Gone) => ready.push_back(watch.gone()),
                Some(End::Broken) => {
                    let broken = io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer");
                    return Some((Err(broken), (watch, ready)));
                }
                Some(End::Asked | End::Early) | None => {}
            }
        }
    })
}

impl Watch {
    /// A change as this watch tells it: an object that begins to match is added for it, one that stops is deleted.
    fn line(&self, change: &Change) -> Option<String> {
        let is = change.became != Became::Deleted && self.selector.matches(&change.object);
        let was = change.before.as_ref().is_some_and(|before| self.selector.matches(before));
        let kind = match (was, is) {
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
            (false, false) => return None,
        };
        Some(self.event(kind, &change.object))
    }

    fn event(&self, kind: &str, object: &Value) -> String {
        let object = if self.metadata_only { metadata(object).to_string() } else { object.to_string() };
        format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n")
    }

    fn bookmark(&self) -> String {
        let kind = &self.facts.kind;
        let version = json!({"resourceVersion": self.version.to_string(), "creationTimestamp": null});
        self.event("BOOKMARK", &json!({"kind": kind.kind, "apiVersion": kind.api_version(), "metadata": version}))
    }

    fn gone(&self) -> String {
        let message = format!("too old resource version: {} ({})", self.version, self.cluster.version());
        let refusal = Refusal::new(410, "Expired", message);
        format!("{}\n", json!({"type": "ERROR", "object": status(&refusal)}))
    }
}
