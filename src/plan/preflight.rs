//! Why a run cannot pass, known before anything is changed; and what a reader should know besides.

use super::{capacity, double_average, install_preflight};
use crate::bounds::TimingModel;
use crate::model::inventory::Inventory;
use crate::model::plan::{Plan, PreflightProblem};
use crate::model::scenario::{IfExists, Scenario};
use crate::units::HumanDuration;

pub(super) fn preflight_error(what: String, hint: &str) -> PreflightProblem {
    PreflightProblem { message: what, hint: hint.to_owned() }
}

pub(super) fn errors(scenario: &Scenario, inventory: &Inventory, plan: &Plan) -> Vec<PreflightProblem> {
    let mut all = Vec::new();
    let top = plan.reachable_replicas.last().copied().unwrap_or(1);
    if let Some([_, high]) = scenario.metric.range
        && top < plan.expected_replicas
    {
        all.push(preflight_error(
            format!(
                "the HPA can never ask for {} replicas: with every series at {high} (metric.range) it asks for {top} at most",
                plan.expected_replicas
            ),
            "check the target's unit (a ratio of 0..1 against a percent target?), lower the target, or use another target type",
        ));
    }
    all.extend(target_errors(inventory));
    let by_run = |name: &str| inventory.existing_releases.get(name).is_some_and(|release| release.made_by_run);
    for (name, release) in &scenario.releases {
        if release.if_exists != IfExists::Fail && (by_run(name) || is_served_by_other_run(inventory, name)) {
            all.push(preflight_error(
                format!("release {name} exists because another run of gpuhpa made it, and that run is going to remove it"),
                "wait until it has ended; if it was killed, `gpuhpa clean --run-id` removes what it left (`kubectl get ns -L gpuhpa.dev/run` shows ids)",
            ));
        } else if inventory.existing_releases.contains_key(name) && release.if_exists == IfExists::Fail {
            all.push(preflight_error(
                format!("helm release {name} exists already"),
                "uninstall it, or set ifExists: adopt (use it as it is) or upgrade for this release",
            ));
        } else if let Some(why) = unusable_release(inventory, name, release.if_exists) {
            all.push(preflight_error(
                why,
                "see `helm list --all` and `helm history`; wait, repair or uninstall it, then plan again",
            ));
        } else if let Some((service, owner)) = conflicting_api_service(inventory, name)
            && release.if_exists != IfExists::Adopt
        {
            all.push(preflight_error(
                format!("release {name} would take APIService {service}, which {owner} serves already"),
                "set ifExists: adopt for this release to use the one that is there; gpuhpa never overwrites it",
            ));
        }
    }
    all.extend(install_preflight::errors(scenario, inventory));
    for (rights, why) in denied_permissions(inventory, true) {
        all.push(preflight_error(
            format!("missing right: {rights}, needed to {why}"),
            "let an administrator grant it; ci/rbac.yaml in gpuhpa's repository holds all that the built-in scenario needs",
        ));
    }
    all
}

/// Rights that we do not hold, the verbs on one object together: as text, and what they are for.
fn denied_permissions(inventory: &Inventory, required: bool) -> Vec<(String, String)> {
    let mut groups: Vec<(String, &str, Vec<&str>)> = Vec::new();
    for right in inventory.permissions.iter().filter(|right| right.required == required && !right.allowed) {
        let object = right.describe_object();
        match groups.iter_mut().find(|(known, why, _)| *known == object && *why == right.purpose) {
            Some((_, _, verbs)) if verbs.contains(&right.verb.as_str()) => {}
            Some((_, _, verbs)) => verbs.push(&right.verb),
            None => groups.push((object, &right.purpose, vec![&right.verb])),
        }
    }
    groups
        .into_iter()
        .map(|(object, why, verbs)| (format!("{} of {object}", verbs.join("/")), why.to_owned()))
        .collect()
}

/// The target is another run's, or its namespace is on its way out.
fn target_errors(inventory: &Inventory) -> Vec<PreflightProblem> {
    let mut all = Vec::new();
    if let Some(claim) = &inventory.target_lease {
        let clean = format!("gpuhpa clean --run-id {}", claim.run);
        all.push(if claim.is_expired(inventory.started) {
            let what = format!("{claim}: it was killed, or left what it made standing");
            preflight_error(
                what,
                &format!("{clean} removes what it left (add --dry-run to see it first); then start again"),
            )
        } else {
            preflight_error(claim.to_string(), &format!("wait until it has ended; if it is known to be dead: {clean}"))
        });
    }
    for namespace in &inventory.terminating_namespaces {
        all.push(preflight_error(
            format!("namespace {namespace} is being deleted, so nothing can be made in it"),
            "wait until it is gone; `kubectl get namespace -o yaml` says in its conditions what it waits for",
        ));
    }
    all
}

/// A release that is there and that nothing can be built on: adopted while helm is at work on it, or not whole.
fn unusable_release(inventory: &Inventory, name: &str, if_exists: IfExists) -> Option<String> {
    let status = inventory.existing_releases.get(name)?.status.as_str();
    let fit = match if_exists {
        IfExists::Adopt => status == "deployed",
        // A failed one may be upgraded, which repairs it.
        IfExists::Upgrade => matches!(status, "deployed" | "failed"),
        IfExists::Fail => true,
    };
    (!fit).then(|| format!("helm release {name} is there, and helm says of it `{status}`: it cannot be used so"))
}

/// An APIService that this release renders and somebody else serves: its name and who that is.
pub(super) fn conflicting_api_service(inventory: &Inventory, name: &str) -> Option<(String, String)> {
    if inventory.existing_releases.contains_key(name) {
        return None;
    }
    let rendered = &inventory.charts.get(name)?.api_services;
    let (service, api) = inventory.metrics_apis.iter().find(|(service, _)| rendered.contains(service))?;
    let owner = api.release.clone().map_or(api.service.clone(), |release| format!("helm release {release}"));
    Some((service.clone(), owner))
}

/// The APIService that this release would serve is served by a release of another run.
fn is_served_by_other_run(inventory: &Inventory, name: &str) -> bool {
    let rendered = inventory.charts.get(name).map(|chart| &chart.api_services);
    inventory
        .metrics_apis
        .iter()
        .any(|(service, api)| api.made_by_run && rendered.is_some_and(|all| all.contains(service)))
}

pub(super) fn warnings(
    scenario: &Scenario,
    inventory: &Inventory,
    plan: &Plan,
    times: &TimingModel<'_>,
) -> Vec<String> {
    let mut all = Vec::new();
    let (max, top) = (scenario.hpa.spec.max_replicas, plan.reachable_replicas.last().copied().unwrap_or(1));
    if top >= plan.expected_replicas {
        all.extend(double_average::warnings(scenario, plan));
    }
    if scenario.metric.range.is_none() {
        all.push(
            "metric.range is not stated, so it is not known whether the HPA can ask for enough replicas".to_owned(),
        );
    }
    let need = capacity::accelerator_capacity(scenario, inventory);
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
    let blind = times.assumptions.sync_period.ms() + times.metric_lag().total_ms();
    if times.down_window.ms <= blind {
        all.push(format!(
            "the scale-down window {} is not longer than sync period and lag together ({}): ScaleDown/NotEarly will be INCONCLUSIVE",
            HumanDuration::from_ms(times.down_window.ms),
            HumanDuration::from_ms(blind)
        ));
    }
    if scenario.hpa.spec.behavior.is_none() {
        all.push("hpa.spec.behavior is not stated: the controller's legacy rules and its window flag apply, which are assumed".to_owned());
    }
    all.extend(install_preflight::warnings(scenario, inventory));
    for (rights, why) in denied_permissions(inventory, false) {
        all.push(format!("no right to {rights}, wanted to {why}; the run goes on without"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inventory::TargetLease;

    #[test]
    fn a_lease_that_is_renewed_is_told_from_one_that_is_not() {
        let at = |text: &str| Some(text.parse().unwrap());
        let claim = TargetLease {
            run: "r1".to_owned(),
            acquired: at("2026-11-24T10:00:00Z"),
            renewed: at("2026-11-24T10:05:00Z"),
            expires: at("2026-11-24T10:06:00Z"),
        };
        let hint = |now: &str| {
            let inventory =
                Inventory { started: now.parse().unwrap(), target_lease: Some(claim.clone()), ..Inventory::default() };
            let all = errors(&Scenario::default(), &inventory, &Plan::default());
            let claim = all.into_iter().find(|one| one.message.contains("has claimed the target")).unwrap();
            format!("{} / {}", claim.message, claim.hint)
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
        let inventory = Inventory { terminating_namespaces: vec!["gpuhpa".to_owned()], ..Inventory::default() };
        let all = errors(&Scenario::default(), &inventory, &Plan::default());
        assert!(all.iter().any(|one| one.message == "namespace gpuhpa is being deleted, so nothing can be made in it"));
    }

    fn adapter_errors(if_exists: IfExists, inventory: &Inventory) -> (Vec<String>, bool) {
        let mut scenario = Scenario::default();
        let release = crate::model::scenario::ReleaseSpec { if_exists, ..Default::default() };
        scenario.releases.insert("adapter".to_owned(), release);
        let said = errors(&scenario, inventory, &Plan::default()).into_iter().map(|one| one.message);
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
                crate::model::inventory::ChartSummary { api_services: vec![service.to_owned()], ..Default::default() };
            inventory.charts.insert("adapter".to_owned(), chart);
            assert_eq!(adapter_errors(IfExists::Fail, &inventory), (vec![], false));
            let api = crate::model::inventory::MetricsApi { service: "keda/metrics".to_owned(), ..Default::default() };
            inventory.metrics_apis.insert(service.to_owned(), api);
            let taken = format!("release adapter would take APIService {service}, which keda/metrics serves already");
            for if_exists in [IfExists::Fail, IfExists::Upgrade] {
                assert_eq!(adapter_errors(if_exists, &inventory), (vec![taken.clone()], false));
            }
            assert_eq!(adapter_errors(IfExists::Adopt, &inventory), (vec![], true));
        }
    }

    #[test]
    fn a_release_that_is_there_is_used_only_when_it_is_whole() {
        let with = |status: &str| {
            let mut inventory = Inventory::default();
            let release = crate::model::inventory::ExistingRelease { status: status.to_owned(), ..Default::default() };
            inventory.existing_releases.insert("adapter".to_owned(), release);
            inventory
        };
        let said = |if_exists, status: &str| adapter_errors(if_exists, &with(status)).0.join("; ");
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
