//! Compares the requests of the load with load.json, and both with the last observation of the load.

use super::{BundleCheck, ReviewInput};
use crate::evidence::OpenError;
use crate::load::{LoadError, RecordedLoad, client_bound_reason};
use crate::model::load::{LoadReport, Quantiles, RequestOutcome, RequestRecord};
use crate::model::observation::{LoadSnapshot, ObservationKind};

/// What the requests say.
#[derive(Debug)]
struct RequestsReview<'a> {
    recorded: RecordedLoad,
    answered: u64,
    workers: u32,
    /// Whether each id was found, by id.
    ids: Vec<bool>,
    duplicates: u64,
    out_of_order: u64,
    /// Outcomes and error messages that load.json states, and no request has.
    unknown_errors: Vec<(&'a str, &'a str)>,
}

impl RequestsReview<'_> {
    fn add(&mut self, request: &RequestRecord) {
        self.recorded.add(request);
        self.answered += u64::from(request.status.is_some());
        self.workers = self.workers.max(request.worker.saturating_add(1));
        match usize::try_from(request.id).ok().and_then(|id| self.ids.get_mut(id)) {
            Some(seen) if !*seen => *seen = true,
            _ => self.duplicates += 1,
        }
        let moments = [Some(request.scheduled_us), Some(request.sent_us), request.headers_us, request.first_token_us];
        let moments: Vec<u64> = moments.into_iter().flatten().chain([request.ended_us]).collect();
        self.out_of_order += u64::from(!moments.is_sorted());
        let stated = (request.outcome.as_str(), request.error.as_deref().unwrap_or_default());
        self.unknown_errors.retain(|unknown| *unknown != stated);
    }
}

/// Compares count, outcomes, tokens and times.
pub(super) fn check_requests(input: &ReviewInput<'_>) -> Result<BundleCheck, OpenError> {
    let held = input.bundle;
    let expected = held.load.as_ref().map_or(0, |load| load.requests);
    // A file with more requests than load.json states is found by its count.
    let most = usize::try_from(expected.min(MAX_REQUEST_IDS)).unwrap_or(0);
    let examples = held.load.iter().flat_map(|load| &load.error_examples);
    let mut sum = RequestsReview {
        recorded: RecordedLoad::new().map_err(histogram_error)?,
        answered: 0,
        workers: 0,
        ids: vec![false; most],
        duplicates: 0,
        out_of_order: 0,
        unknown_errors: examples.map(|(outcome, error)| (outcome.as_str(), error.as_str())).collect(),
    };
    let read = held.read_requests(&mut |request| sum.add(&request))?;
    let derived = sum.recorded.report(held.load.as_ref().map_or(0, |load| load.concurrency));
    let mut differences = Vec::new();
    if let Some(read) = &read
        && held.digests.get("requests.jsonl.zst").is_some_and(|digest| *digest != read.digest)
    {
        differences.push("requests.jsonl.zst changed while it was read".to_owned());
    }
    let last = held.timeline.iter().rev().find_map(|observation| match &observation.kind {
        ObservationKind::Load(load) => Some(load),
        _ => None,
    });
    if held.load.is_some() && read.is_none() {
        differences.push("requests.jsonl.zst is missing".to_owned());
    }
    if held.load.is_none() && held.manifest.complete && derived.requests > 0 {
        differences.push("load.json is missing".to_owned());
    }
    if let Some(load) = &held.load {
        differences.extend(compare_reports(load, &derived));
        differences.extend(contradictions(&sum, load));
        differences.extend(compare_with_timeline(sum.answered, load, last));
    }
    let (client_bound, changed) = match (compare_client_bound(held.load.as_ref()), input.has_current_rules()) {
        (found, true) => (found, None),
        (found, false) => (None, found),
    };
    differences.extend(client_bound);
    Ok(BundleCheck::new(
        "requests",
        format!("{} requests agree with load.json and with the last observation of the load", derived.requests),
        differences,
    )
    .with_changed_by_rules(changed.into_iter().collect()))
}

/// Whether the client limited the load is decided by limits, which are rules.
fn compare_client_bound(load: Option<&LoadReport>) -> Option<String> {
    let load = load?;
    let (stored, derived) = (load.client_bound.clone(), client_bound_reason(load));
    let text = |reason: Option<String>| reason.unwrap_or_else(|| "no".to_owned());
    (stored != derived).then(|| format!("clientBound: stored is `{}`, derived is `{}`", text(stored), text(derived)))
}

/// Most ids that are tracked: as many requests as a run can send.
const MAX_REQUEST_IDS: u64 = 20_000_000;

/// Everything in load.json that follows from the requests.
fn compare_reports(stored: &LoadReport, derived: &LoadReport) -> Vec<String> {
    let mut differences = Vec::new();
    let mut same = |what: &str, stated: String, found: String| {
        if found != stated {
            differences.push(format!("{what}: load.json has {stated}, the requests give {found}"));
        }
    };
    let outcomes = |load: &LoadReport| {
        load.outcomes.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
    };
    let quantiles = |all: &Quantiles| {
        let Quantiles { count, min, p50, p90, p99, max } = all;
        format!("{count} values: min {min}, p50 {p50}, p90 {p90}, p99 {p99}, max {max}")
    };
    let mut number =
        |what: &str, get: fn(&LoadReport) -> u64| same(what, get(stored).to_string(), get(derived).to_string());
    number("requests", |load| load.requests);
    number("tokens", |load| load.tokens);
    number("beganMs", |load| load.began_ms);
    number("endedMs", |load| load.ended_ms);
    number("chunkGapUs.max", |load| load.chunk_gap_us.max);
    same("outcomes", outcomes(stored), outcomes(derived));
    same("ttftUs", quantiles(&stored.ttft_us), quantiles(&derived.ttft_us));
    same("durationUs", quantiles(&stored.duration_us), quantiles(&derived.duration_us));
    same("sendDelayUs", quantiles(&stored.send_delay_us), quantiles(&derived.send_delay_us));
    differences
}

/// Requests that no load of this report sends.
fn contradictions(sum: &RequestsReview<'_>, load: &LoadReport) -> Vec<String> {
    let mut differences = Vec::new();
    if sum.workers > load.concurrency {
        differences.push(format!("{} workers sent requests, and load.json has {}", sum.workers, load.concurrency));
    }
    if sum.duplicates > 0 {
        differences.push(format!("{} requests have a duplicate or unknown id", sum.duplicates));
    }
    if sum.out_of_order > 0 {
        differences.push(format!("{} requests have timestamps out of order", sum.out_of_order));
    }
    let unknown = sum.unknown_errors.iter();
    differences
        .extend(unknown.map(|(outcome, _)| format!("errorExamples: no {outcome} request has the error of load.json")));
    differences
}

/// The histograms have fixed bounds, so this cannot happen.
fn histogram_error(error: LoadError) -> OpenError {
    OpenError::Read { file: "load.json".to_owned(), why: error.to_string() }
}

fn compare_with_timeline(answered: u64, load: &LoadReport, last: Option<&LoadSnapshot>) -> Vec<String> {
    let Some(last) = last else {
        return vec!["the timeline has no observation of the load".to_owned()];
    };
    let count = |name: &str| load.outcomes.get(name).copied().unwrap_or(0);
    let (good, cancelled) =
        (count(RequestOutcome::Succeeded.as_str()), count(RequestOutcome::CancelledByRampDown.as_str()));
    let fields = [
        ("in flight", last.in_flight, 0),
        ("succeeded", last.succeeded, good),
        ("failed", last.failed, load.requests.saturating_sub(good).saturating_sub(cancelled)),
        ("tokens", last.tokens, load.tokens),
        ("connections", last.answered_connections, answered),
        ("median TTFT", last.ttft_p50_us, load.ttft_us.p50),
    ];
    let parted = fields.iter().filter(|(_, seen, stated)| seen != stated);
    parted
        .map(|(field, seen, stated)| format!("{field}: the last observation of the load has {seen}, expected {stated}"))
        .collect()
}
