//! Every request of the load against their sum, and both against what was observed of the load last.

use std::collections::BTreeMap;

use super::BundleCheck;
use crate::evidence::{LoadedBundle, OpenError};
use crate::load::void_reason;
use crate::model::load::{LoadReport, RequestOutcome, RequestRecord};
use crate::model::observation::{LoadSnapshot, ObservationKind};

/// The requests, summed again.
#[derive(Debug, Default)]
struct ReviewRequestTotals {
    count: u64,
    outcomes: BTreeMap<&'static str, u64>,
    tokens: u64,
    answered: u64,
    began_us: Option<u64>,
    ended_us: u64,
    workers: u32,
    /// A number for every request, seen or not.
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

/// Count, outcomes, tokens and span of requests.jsonl.zst, load.json and the last observation of the load.
pub(super) fn check_requests(held: &LoadedBundle) -> Result<BundleCheck, OpenError> {
    let expected = held.load.as_ref().map_or(0, |load| load.requests);
    // One bit of a request would do; a file that holds more than it says is found by its count.
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
        differences.push("load.json sums requests, and requests.jsonl.zst is missing".to_owned());
    }
    if held.load.is_none() && held.manifest.complete && sum.count > 0 {
        differences.push("there are requests, and load.json is missing".to_owned());
    }
    if let Some(load) = &held.load {
        differences.extend(compare_with_report(&sum, load));
        differences.extend(compare_with_timeline(&sum, load, last));
    }
    Ok(BundleCheck::new(
        "requests",
        format!("{} requests are what load.json sums, and the last observation counts", sum.count),
        differences,
    ))
}

/// Numbers that are looked at one by one: as many as a run can send.
const MAX_REQUEST_IDS: u64 = 20_000_000;

fn compare_with_report(sum: &ReviewRequestTotals, load: &LoadReport) -> Vec<String> {
    let mut differences = Vec::new();
    let mut same = |what: &str, found: String, stated: String| {
        if found != stated {
            differences.push(format!("{what}: load.json says {stated}, and the requests come to {found}"));
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
    same("good requests in the times of whole requests", good.to_string(), load.duration_us.count.to_string());
    let void = |void: Option<&str>| void.unwrap_or("the load stands").to_owned();
    same("clientBound", void(void_reason(load).as_deref()), void(load.client_bound.as_deref()));
    if sum.workers > load.concurrency {
        differences.push(format!("{} workers sent requests, and load.json has {}", sum.workers, load.concurrency));
    }
    if sum.duplicates > 0 {
        differences
            .push(format!("{} requests have a number that is another's, or that was never given", sum.duplicates));
    }
    if sum.out_of_order > 0 {
        differences.push(format!("{} requests have moments that are not in their order", sum.out_of_order));
    }
    differences
}

fn compare_with_timeline(sum: &ReviewRequestTotals, load: &LoadReport, last: Option<&LoadSnapshot>) -> Vec<String> {
    let Some(last) = last else {
        return vec!["load.json sums requests, and the timeline has no observation of the load".to_owned()];
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
        .map(|(field, seen, stated)| {
            format!("{field}: the last observation of the load has {seen}, and should have {stated}")
        })
        .collect()
}
