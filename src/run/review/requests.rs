//! Compares the requests of the load with load.json, and both with the last observation of the load.

use std::collections::BTreeMap;

use super::{BundleCheck, ReviewInput};
use crate::evidence::OpenError;
use crate::load::client_bound_reason;
use crate::model::load::{LoadReport, RequestOutcome, RequestRecord};
use crate::model::observation::{LoadSnapshot, ObservationKind};

/// Totals of the requests.
#[derive(Debug, Default)]
struct ReviewRequestTotals {
    count: u64,
    outcomes: BTreeMap<&'static str, u64>,
    tokens: u64,
    answered: u64,
    began_us: Option<u64>,
    ended_us: u64,
    workers: u32,
    /// Whether each id was found, by id.
    ids: Vec<bool>,
    duplicates: u64,
    out_of_order: u64,
}

impl ReviewRequestTotals {
    fn add(&mut self, request: &RequestRecord) {
        self.count += 1;
        *self.outcomes.entry(request.outcome.as_str()).or_default() += 1;
        self.tokens += if request.outcome == RequestOutcome::Succeeded { request.tokens } else { 0 };
        self.answered += u64::from(request.status.is_some());
        self.began_us = Some(self.began_us.map_or(request.sent_us, |began| began.min(request.sent_us)));
        self.ended_us = self.ended_us.max(request.ended_us);
        self.workers = self.workers.max(request.worker.saturating_add(1));
        match usize::try_from(request.id).ok().and_then(|id| self.ids.get_mut(id)) {
            Some(seen) if !*seen => *seen = true,
            _ => self.duplicates += 1,
        }
        let moments = [Some(request.scheduled_us), Some(request.sent_us), request.headers_us, request.first_token_us];
        let moments: Vec<u64> = moments.into_iter().flatten().chain([request.ended_us]).collect();
        self.out_of_order += u64::from(!moments.is_sorted());
    }
}

/// Compares count, outcomes, tokens and times.
pub(super) fn check_requests(input: &ReviewInput<'_>) -> Result<BundleCheck, OpenError> {
    let held = input.bundle;
    let expected = held.load.as_ref().map_or(0, |load| load.requests);
    // A file with more requests than load.json states is found by its count.
    let most = usize::try_from(expected.min(MAX_REQUEST_IDS)).unwrap_or(0);
    let mut sum = ReviewRequestTotals { ids: vec![false; most], ..ReviewRequestTotals::default() };
    let read = held.read_requests(&mut |request| sum.add(&request))?;
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
    if held.load.is_none() && held.manifest.complete && sum.count > 0 {
        differences.push("load.json is missing".to_owned());
    }
    if let Some(load) = &held.load {
        differences.extend(compare_with_report(&sum, load));
        differences.extend(compare_with_timeline(&sum, load, last));
    }
    let (client_bound, changed) = match (compare_client_bound(held.load.as_ref()), input.has_current_rules()) {
        (found, true) => (found, None),
        (found, false) => (None, found),
    };
    differences.extend(client_bound);
    Ok(BundleCheck::new(
        "requests",
        format!("{} requests agree with load.json and with the last observation of the load", sum.count),
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

fn compare_with_report(sum: &ReviewRequestTotals, load: &LoadReport) -> Vec<String> {
    let mut differences = Vec::new();
    let mut same = |what: &str, found: String, stated: String| {
        if found != stated {
            differences.push(format!("{what}: load.json has {stated}, the requests give {found}"));
        }
    };
    let outcomes = |counts: &mut dyn Iterator<Item = (String, u64)>| {
        counts.map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
    };
    same("requests", sum.count.to_string(), load.requests.to_string());
    same(
        "outcomes",
        outcomes(&mut sum.outcomes.iter().map(|(name, count)| ((*name).to_owned(), *count))),
        outcomes(&mut load.outcomes.iter().map(|(name, count)| (name.clone(), *count))),
    );
    same("tokens", sum.tokens.to_string(), load.tokens.to_string());
    same("beganMs", (sum.began_us.unwrap_or(0) / 1000).to_string(), load.began_ms.to_string());
    same("endedMs", (sum.ended_us / 1000).to_string(), load.ended_ms.to_string());
    let good = sum.outcomes.get(RequestOutcome::Succeeded.as_str()).copied().unwrap_or(0);
    same("succeeded requests in durationUs", good.to_string(), load.duration_us.count.to_string());
    if sum.workers > load.concurrency {
        differences.push(format!("{} workers sent requests, and load.json has {}", sum.workers, load.concurrency));
    }
    if sum.duplicates > 0 {
        differences.push(format!("{} requests have a duplicate or unknown id", sum.duplicates));
    }
    if sum.out_of_order > 0 {
        differences.push(format!("{} requests have timestamps out of order", sum.out_of_order));
    }
    differences
}

fn compare_with_timeline(sum: &ReviewRequestTotals, load: &LoadReport, last: Option<&LoadSnapshot>) -> Vec<String> {
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
        ("connections", last.answered_connections, sum.answered),
    ];
    let parted = fields.iter().filter(|(_, seen, stated)| seen != stated);
    parted
        .map(|(field, seen, stated)| format!("{field}: the last observation of the load has {seen}, expected {stated}"))
        .collect()
}
