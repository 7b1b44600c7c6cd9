//! Why a run cannot pass, known before anything is changed; and what a reader should know besides.

use super::{capacity, obstacles, twice_divided};
use crate::bounds::Times;
use crate::record::inventory::Inventory;
use crate::record::plan::{Plan, Refusal};
use crate::record::scenario::{IfExists, Scenario};
use crate::units::Span;

pub(super) fn refusal(what: String, hint: &str) -> Refusal {
    Refusal { what, hint: hint.to_owned() }
}

pub(super) fn refusals(scenario: &Scenario, inventory: &Inventory, plan: &Plan) -> Vec<Refusal> {
    let mut all = Vec::new();
    let top = plan.reachable.last().copied().unwrap_or(1);
    if let Some([_, high]) = scenario.metric.range
        && top < plan.expect
    {
        all.push(refusal(
            format!(
                "the HPA can never ask for {} replicas: with every series at {high} (metric.range) it asks for {top} at most",
                plan.expect
            ),
            "check the target's unit (a ratio of 0..1 against a percent target?), lower the target, or use another target type",
        ));
    }
    all.extend(occupied(inventory));
    let by_run = |name: &str| inventory.releases.get(name).is_some_and(|release| release.by_run);
    for (name, release) in &scenario.releases {
        if release.if_exists != IfExists::Fail && (by_run(name) || leans_on_a_run(inventory, name)) {
            all.push(refusal(
                format!("release {name} exists because another run of gpuhpa made it, and that run is going to remove it"),
                "wait until it has ended; if it was killed, `gpuhpa clean --run-id` removes what it left (`kubectl get ns -L gpuhpa.dev/run` shows ids)",
            ));
        } else if inventory.releases.contains_key(name) && release.if_exists == IfExists::Fail {
            all.push(refusal(
                format!("helm release {name} exists already"),
                "uninstall it, or set ifExists: adopt (use it as it is) or upgrade for this release",
            ));
        } else if let Some(why) = unfit(inventory, name, release.if_exists) {
            all.push(refusal(
                why,
                "see `helm list --all` and `helm history`; wait, repair or uninstall it, then plan again",
            ));
        } else if let Some((service, owner)) = taken_api(inventory, name)
            && release.if_exists != IfExists::Adopt
        {
            all.push(refusal(
                format!("release {name} would take APIService {service}, which {owner} serves already"),
                "set ifExists: adopt for this release to use the one that is there; gpuhpa never overwrites it",
            ));
        }
    }
    all.extend(obstacles::refusals(scenario, inventory));
    for (rights, why) in denied(inventory, true) {
        all.push(refusal(
            format!("missing right: {rights}, needed to {why}"),
            "let an administrator grant it; ci/rbac.yaml in gpuhpa's repository holds all that the built-in scenario needs",
        ));
    }
    all
}

/// Rights that we do not hold, the verbs on one object together: as text, and what they are for.
fn denied(inventory: &Inventory, required: bool) -> Vec<(String, String)> {
    let mut groups: Vec<(String, &str, Vec<&str>)> = Vec::new();
    for right in inventory.rights.iter().filter(|right| right.required == required && !right.allowed) {
        let object = right.object();
        match groups.iter_mut().find(|(known, why, _)| *known == object && *why == right.why) {
            Some((_, _, verbs)) if verbs.contains(&right.verb.as_str()) => {}
            Some((_, _, verbs)) => verbs.push(&right.verb),
            None => groups.push((object, &right.why, vec![&right.verb])),
        }
    }
    groups
        .into_iter()
        .map(|(object, why, verbs)| (format!("{} of {object}", verbs.join("/")), why.to_owned()))
        .collect()
}

/// The target is another run's, or its namespace is on its way out.
fn occupied(inventory: &Inventory) -> Vec<Refusal> {
    let mut all = Vec::new();
    if let Some(claim) = &inventory.claim {
        let clean = format!("gpuhpa clean --run-id {}", claim.run);
        all.push(if claim.is_over(inventory.started) {
            let what = format!("{claim}: it was killed, or left what it made standing");
            refusal(what, &format!("{clean} removes what it left (add --dry-run to see it first); then start again"))
        } else {
            refusal(claim.to_string(), &format!("wait until it has ended; if it is known to be dead: {clean}"))
        });
    }
    for namespace in &inventory.leaving {
        all.push(refusal(
            format!("namespace {namespace} is being deleted, so nothing can be made in it"),
            "wait until it is gone; `kubectl get namespace -o yaml` says in its conditions what it waits for",
        ));
    }
    all
}

/// A release that is there and that nothing can be built on: adopted while helm is at work on it, or not whole.
fn unfit(inventory: &Inventory, name: &str, if_exists: IfExists) -> Option<String> {
    let status = inventory.releases.get(name)?.status.as_str();
    let fit = match if_exists {
        IfExists::Adopt => status == "deployed",
        // A failed one may be upgraded, which repairs it.
        IfExists::Upgrade => matches!(status, "deployed" | "failed"),
        IfExists::Fail => true,
    };
    (!fit).then(|| format!("helm release {name} is there, and helm says of it `{status}`: it cannot be used so"))
}

/// An APIService that this release renders and somebody else serves: its name and who that is.
pub(super) fn taken_api(inventory: &Inventory, name: &str) -> Option<(String, String)> {
    if inventory.releases.contains_key(name) {
        return None;
    }
    let rendered = &inventory.charts.get(name)?.api_services;
    let (service, api) = inventory.metrics_apis.iter().find(|(service, _)| rendered.contains(service))?;
    let owner = api.release.clone().map_or(api.service.clone(), |release| format!("helm release {release}"));
    Some((service.clone(), owner))
}

/// The APIService that this release would serve is served by a release of another run.
fn leans_on_a_run(inventory: &Inventory, name: &str) -> bool {
    let rendered = inventory.charts.get(name).map(|chart| &chart.api_services);
    inventory.metrics_apis.iter().any(|(service, api)| api.by_run && rendered.is_some_and(|all| all.contains(service)))
}

pub(super) fn warnings(scenario: &Scenario, inventory: &Inventory, plan: &Plan, times: &Times<'_>) -> Vec<String> {
    let mut all = Vec::new();
    let (max, top) = (scenario.hpa.spec.max_replicas, plan.reachable.last().copied().unwrap_or(1));
    if top >= plan.expect {
        all.extend(twice_divided::warnings(scenario, plan));
    }
    if scenario.metric.range.is_none() {
        all.push(
            "metric.range is not stated, so it is not known whether the HPA can ask for enough replicas".to_owned(),
        );
    }
    let need = capacity::capacity(scenario, inventory);
    match (&need.resource, need.free) {
        (Some(resource), Some(free)) if free < need.needed => all.push(format!(
            "{free} of {} {resource} are free that {max} replicas need: new pods may stay Pending, which is INCONCLUSIVE (capacity)",
            need.needed
        )),
        (Some(resource), None) => all.push(format!("free {resource} could not be read")),
        (None, _) if !scenario.releases.is_empty() => {
            all.push("no chart of the scenario renders the target with an accelerator request".to_owned());
        }
        _ => {}
    }
    let blind = times.assumed.sync_period.ms() + times.lag().ms();
    if times.window.ms <= blind {
        all.push(format!(
            "the scale-down window {} is not longer than sync period and lag together ({}): ScaleDown/NotEarly will be INCONCLUSIVE",
            Span::from_ms(times.window.ms),
            Span::from_ms(blind)
        ));
    }
    if scenario.hpa.spec.behavior.is_none() {
        all.push("hpa.spec.behavior is not stated: the controller's legacy rules and its window flag apply, which are assumed".to_owned());
    }
    all.extend(obstacles::warnings(scenario, inventory));
    for (rights, why) in denied(inventory, false) {
        all.push(format!("no right to {rights}, wanted to {why}; the run goes on without"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::inventory::Claim;

    #[test]
    fn a_claim_that_is_renewed_is_told_from_one_that_is_not() {
        let at = |text: &str| Some(text.parse().unwrap());
        let claim = Claim {
            run: "r1".to_owned(),
            since: at("2026-11-24T10:00:00Z"),
            renewed: at("2026-11-24T10:05:00Z"),
            until: at("2026-11-24T10:06:00Z"),
        };
        let hint = |now: &str| {
            let inventory =
                Inventory { started: now.parse().unwrap(), claim: Some(claim.clone()), ..Inventory::default() };
            let all = refusals(&Scenario::default(), &inventory, &Plan::default());
            let claim = all.into_iter().find(|one| one.what.contains("has claimed the target")).unwrap();
            format!("{} / {}", claim.what, claim.hint)
        };
        let said = "run r1 has claimed the target since 2026-11-24T10:00:00Z, and last renewed its claim at 2026-11-24T10:05:00Z";
        assert_eq!(
            hint("2026-11-24T10:05:59Z"),
            format!("{said} / wait until it has ended; if it is known to be dead: gpuhpa clean --run-id r1")
        );
        assert_eq!(
            hint("2026-11-24T10:06:01Z"),
            format!(
                "{said}: it was killed, or left what it made standing / gpuhpa clean --run-id r1 removes what it left (add --dry-run to see it first); then start again"
            )
        );
    }

    #[test]
    fn a_namespace_that_is_being_deleted_is_refused() {
        let inventory = Inventory { leaving: vec!["gpuhpa".to_owned()], ..Inventory::default() };
        let all = refusals(&Scenario::default(), &inventory, &Plan::default());
        assert!(all.iter().any(|one| one.what == "namespace gpuhpa is being deleted, so nothing can be made in it"));
    }

    fn of_adapter(if_exists: IfExists, inventory: &Inventory) -> (Vec<String>, bool) {
        let mut scenario = Scenario::default();
        let release = crate::record::scenario::Release { if_exists, ..Default::default() };
        scenario.releases.insert("adapter".to_owned(), release);
        let said = refusals(&scenario, inventory, &Plan::default()).into_iter().map(|one| one.what);
        (
            said.filter(|what| what.contains("adapter")).collect(),
            super::super::is_adopted(&scenario, inventory, "adapter"),
        )
    }

    /// KEDA, Datadog or a hand-made adapter: no helm release of the scenario's name, or none at all.
    #[test]
    fn a_metrics_api_that_somebody_serves_is_adopted_or_refused_and_never_taken() {
        for service in ["v1beta1.custom.metrics.k8s.io", "v1beta1.external.metrics.k8s.io"] {
            let mut inventory = Inventory::default();
            let chart =
                crate::record::inventory::ChartFacts { api_services: vec![service.to_owned()], ..Default::default() };
            inventory.charts.insert("adapter".to_owned(), chart);
            assert_eq!(of_adapter(IfExists::Fail, &inventory), (vec![], false));
            let api = crate::record::inventory::MetricsApi { service: "keda/metrics".to_owned(), ..Default::default() };
            inventory.metrics_apis.insert(service.to_owned(), api);
            let taken = format!("release adapter would take APIService {service}, which keda/metrics serves already");
            for if_exists in [IfExists::Fail, IfExists::Upgrade] {
                assert_eq!(of_adapter(if_exists, &inventory), (vec![taken.clone()], false));
            }
            assert_eq!(of_adapter(IfExists::Adopt, &inventory), (vec![], true));
        }
    }

    #[test]
    fn a_release_that_is_there_is_used_only_when_it_is_whole() {
        let with = |status: &str| {
            let mut inventory = Inventory::default();
            let release = crate::record::inventory::ExistingRelease { status: status.to_owned(), ..Default::default() };
            inventory.releases.insert("adapter".to_owned(), release);
            inventory
        };
        let said = |if_exists, status: &str| of_adapter(if_exists, &with(status)).0.join("; ");
        assert_eq!(said(IfExists::Adopt, "deployed"), "");
        assert_eq!(said(IfExists::Upgrade, "failed"), "");
        assert_eq!(said(IfExists::Fail, "deployed"), "helm release adapter exists already");
        for (if_exists, status) in [
            (IfExists::Adopt, "failed"),
            (IfExists::Adopt, "uninstalled"),
            (IfExists::Adopt, "pending-install"),
            (IfExists::Upgrade, "pending-upgrade"),
            (IfExists::Upgrade, "uninstalling"),
        ] {
            let words = format!("helm release adapter is there, and helm says of it `{status}`: it cannot be used so");
            assert_eq!(said(if_exists, status), words);
        }
    }
}
