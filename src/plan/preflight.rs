//! Preflight: why a run cannot pass, found before the first change, and warnings.

use std::collections::BTreeMap;

use super::api_services::conflicting_api_service;
use super::permissions::CONTENT_PURPOSE;
use super::preflight_error::preflight_error;
use super::{capacity, claims, double_average, hpa_preflight, install_preflight, offline};
use crate::bounds::TimingModel;
use crate::model::inventory::Inventory;
use crate::model::metric_profile::MetricProfile;
use crate::model::plan::{Plan, PreflightProblem};
use crate::model::scenario::{IfExists, MetricSources, Scenario};
use crate::units::HumanDuration;

pub(super) fn errors(scenario: &Scenario, inventory: &Inventory, plan: &Plan) -> Vec<PreflightProblem> {
    let mut all = Vec::new();
    let top = plan.reachable_replicas.last().copied().unwrap_or(1);
    if let Some([_, high]) = scenario.metric.value_range()
        && top < plan.expected_replicas
    {
        all.push(preflight_error(
            format!(
                "the HPA can never reach {} replicas: with every series at {high} ({}), its desired replicas are {top} at most",
                plan.expected_replicas,
                range_source(&scenario.metric)
            ),
            "check the target's unit (a ratio of 0..1 against a percent target?) and whether the server's slots cap the value (parallelism), lower the target, or use another target type",
        ));
    }
    all.extend(target_errors(inventory));
    let is_by_run = |name: &str| inventory.existing_releases.get(name).is_some_and(|release| release.made_by_run);
    for (name, release) in &scenario.releases {
        if release.if_exists != IfExists::Fail && (is_by_run(name) || is_served_by_other_run(inventory, name)) {
            all.push(preflight_error(
                format!("release {name} exists because another run of gpuhpa installed it, and that run will remove it"),
                "wait until it has ended; if it was killed, `gpuhpa clean --run-id` removes its leftovers (`kubectl get ns -L gpuhpa.dev/run` shows ids)",
            ));
        } else if inventory.existing_releases.contains_key(name) && release.if_exists == IfExists::Fail {
            all.push(preflight_error(
                format!("helm release {name} exists already"),
                "uninstall it, or set ifExists: adopt (use it as it is) or upgrade for this release",
            ));
        } else if let Some(message) = unusable_release(inventory, name, release.if_exists) {
            all.push(preflight_error(
                message,
                "see `helm list --all` and `helm history`; wait, repair or uninstall it, then plan again",
            ));
        } else if let Some((service, owner)) = conflicting_api_service(inventory, name)
            && release.if_exists != IfExists::Adopt
        {
            all.push(preflight_error(
                format!("release {name} would replace APIService {service}, which {owner} already serves"),
                "set ifExists: adopt for this release to use the existing one; gpuhpa never overwrites it",
            ));
        }
    }
    all.extend(install_preflight::errors(scenario, inventory));
    all.extend(claims::errors(inventory));
    all.extend(hpa_preflight::errors(scenario, inventory));
    for (permissions, purpose) in denied_permissions(inventory, true) {
        let hint = if purpose == CONTENT_PURPOSE {
            "ask an administrator to grant `list` of every kind there (apiGroups, resources: \"*\"), or to create the namespace: a run keeps one that exists"
        } else {
            "ask an administrator to grant it; ci/rbac.yaml in gpuhpa's repository has all that the built-in scenario needs, and ci/rbac-keda.yaml what a ScaledObject needs beside it"
        };
        all.push(preflight_error(format!("missing permission: {permissions}, needed to {purpose}"), hint));
    }
    all
}

/// Permissions that we do not have, as text, with their purpose. The verbs on one object are one entry.
fn denied_permissions(inventory: &Inventory, required: bool) -> Vec<(String, String)> {
    let mut groups: Vec<(String, &str, Vec<&str>)> = Vec::new();
    // A cluster has some dozens of kinds: one entry for each namespace.
    let mut content: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for permission in inventory.permissions.iter().filter(|one| one.required == required && !one.allowed) {
        if permission.purpose == CONTENT_PURPOSE {
            let group = if permission.group.is_empty() { String::new() } else { format!(".{}", permission.group) };
            content.entry(&permission.namespace).or_default().push(format!("{}{group}", permission.resource));
            continue;
        }
        let object = permission.describe_object();
        match groups.iter_mut().find(|(known, purpose, _)| *known == object && *purpose == permission.purpose) {
            Some((_, _, verbs)) if verbs.contains(&permission.verb.as_str()) => {}
            Some((_, _, verbs)) => verbs.push(&permission.verb),
            None => groups.push((object, &permission.purpose, vec![&permission.verb])),
        }
    }
    for (namespace, kinds) in content {
        groups.push((format!("{} in namespace {namespace}", kinds.join(", ")), CONTENT_PURPOSE, vec!["list"]));
    }
    groups
        .into_iter()
        .map(|(object, purpose, verbs)| (format!("{} of {object}", verbs.join("/")), purpose.to_owned()))
        .collect()
}

/// Another run holds the target's Lease, or the target's namespace is terminating.
fn target_errors(inventory: &Inventory) -> Vec<PreflightProblem> {
    let mut all = Vec::new();
    if let Some(lease) = &inventory.target_lease {
        let clean = format!("gpuhpa clean --run-id {}", lease.run);
        all.push(if lease.is_expired(inventory.started) {
            preflight_error(
                format!("{lease}: it was killed, or its objects were kept (--keep)"),
                &format!("{clean} removes its leftovers (--dry-run shows them first); then start again"),
            )
        } else {
            preflight_error(lease.to_string(), &format!("wait until it has ended; if it was killed: {clean}"))
        });
    }
    for namespace in &inventory.terminating_namespaces {
        all.push(preflight_error(
            format!("namespace {namespace} is being deleted, so nothing can be created in it"),
            "wait until it is gone; its conditions (`kubectl get namespace -o yaml`) show what blocks the deletion",
        ));
    }
    all
}

/// Why an existing release cannot be used: its helm status does not allow `ifExists`.
fn unusable_release(inventory: &Inventory, name: &str, if_exists: IfExists) -> Option<String> {
    let status = inventory.existing_releases.get(name)?.status.as_str();
    let is_usable = match if_exists {
        IfExists::Adopt => status == "deployed",
        // A failed one may be upgraded, which repairs it.
        IfExists::Upgrade => matches!(status, "deployed" | "failed"),
        IfExists::Fail => true,
    };
    (!is_usable).then(|| format!("helm release {name} exists with status `{status}`: it is not usable in this status"))
}

/// Whether a release of another run serves an APIService of this release.
fn is_served_by_other_run(inventory: &Inventory, name: &str) -> bool {
    let rendered = inventory.charts.get(name).map(|chart| &chart.api_services);
    inventory
        .metrics_apis
        .iter()
        .any(|(service, api)| api.made_by_run && rendered.is_some_and(|all| all.contains(service)))
}

/// Where the range of the metric comes from.
fn range_source(metric: &MetricSources) -> String {
    match &metric.profile {
        Some(profile) if metric.range.is_none() => format!("the range in profile {}", profile.name),
        _ => "metric.range".to_owned(),
    }
}

/// Warns of a metric without a range, and says why its profile has none.
fn unknown_range(metric: &MetricSources) -> Option<String> {
    if metric.value_range().is_some() {
        return None;
    }
    let of_profile = match (&metric.profile, metric.profile_series()) {
        (None, _) => String::new(),
        (Some(profile), Some((series, _))) => format!(", and profile {} has no range of {series}", profile.name),
        (Some(profile), None) => match metric.series_names().join(" and ").as_str() {
            "" => format!(", and no exporter and no store names a series of profile {}", profile.name),
            names => {
                let has_series =
                    |other: &MetricProfile| metric.series_names().iter().any(|name| other.series.contains_key(*name));
                let others = capacity::describe_profiles(has_series);
                format!(", and profile {} has no series {names}{others}", profile.name)
            }
        },
    };
    Some(format!(
        "metric.range is not stated{of_profile}, so it is unknown whether the HPA can reach the expected replicas"
    ))
}

/// What the profile says of the metric as one to scale on.
fn series_advice(metric: &MetricSources) -> Option<String> {
    let (name, series) = metric.profile_series()?;
    (!series.advice.is_empty()).then(|| format!("{name}: {}", series.advice))
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
    all.extend(unknown_range(&scenario.metric));
    all.extend(series_advice(&scenario.metric));
    let need = capacity::accelerator_capacity(scenario, inventory);
    match (&need.resource, need.free) {
        (Some(resource), Some(free)) if free < need.needed => all.push(format!(
            "{max} replicas need {} {resource}, {free} are free: new pods may stay Pending, which is INCONCLUSIVE (capacity){}",
            need.needed,
            capacity::describe_other_offers(inventory, resource)
        )),
        (Some(resource), None) if offline::has_cluster(inventory) => all.push(format!("free {resource} could not be read")),
        (None, _) if !scenario.releases.is_empty() && offline::knows_target(inventory) => {
            let other = capacity::describe_other_requests(scenario, inventory);
            let other = other.map_or(String::new(), |other| format!("; it requests {other}"));
            all.push(format!("no chart of the scenario renders the target with an accelerator request{other}"));
        }
        _ => {}
    }
    if let Some(min_window_ms) = times.unobservable_window_ms() {
        all.push(format!(
            "the scale-down window {} is not longer than sync period and lag together ({}): ScaleDown/NotEarly does not apply, and the run does not test it",
            HumanDuration::from_ms(times.down_window.ms),
            HumanDuration::from_ms(min_window_ms)
        ));
    }
    if scenario.load.bearer_token.is_some() {
        all.push(
            "ScaleUp/NewPodsServe needs pods that answer without the bearer token, behind a gateway that demands it: the pod proxy of the API server, which carries direct chats, forwards no header Authorization"
                .to_owned(),
        );
    }
    if scenario.hpa.spec.behavior.is_none() {
        all.push("hpa.spec.behavior is not stated: the controller's legacy rules and its window flag apply, which are assumed".to_owned());
    }
    all.extend(claims::warnings(scenario, inventory));
    all.extend(install_preflight::warnings(scenario, inventory));
    for (permissions, purpose) in denied_permissions(inventory, false) {
        all.push(format!("no permission to {permissions}, needed to {purpose}; the run continues without it"));
    }
    if !inventory.preflight.undiscovered_kinds.is_empty() {
        all.push(format!(
            "the API server does not list {}: a namespace of the run is deleted only when its whole content is known, so it may stay after the run",
            inventory.preflight.undiscovered_kinds.join(", ")
        ));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inventory::{PermissionCheck, TargetLease};

    #[test]
    fn an_expired_lease_is_told_from_one_that_is_renewed() {
        let at = |text: &str| Some(text.parse().unwrap());
        let lease = TargetLease {
            run: "r1".to_owned(),
            acquired: at("2026-11-24T10:00:00Z"),
            renewed: at("2026-11-24T10:05:00Z"),
            expires: at("2026-11-24T10:06:00Z"),
        };
        let hint = |now: &str| {
            let inventory =
                Inventory { started: now.parse().unwrap(), target_lease: Some(lease.clone()), ..Inventory::default() };
            let all = errors(&Scenario::default(), &inventory, &Plan::default());
            let error = all.into_iter().find(|one| one.message.contains("run r1")).unwrap();
            format!("{} / {}", error.message, error.hint)
        };
        let message = "run r1 holds the Lease on the target since 2026-11-24T10:00:00Z (renewed 2026-11-24T10:05:00Z)";
        assert_eq!(
            hint("2026-11-24T10:05:59Z"),
            format!("{message} / wait until it has ended; if it was killed: gpuhpa clean --run-id r1")
        );
        assert_eq!(
            hint("2026-11-24T10:06:01Z"),
            format!(
                "{message}: it was killed, or its objects were kept (--keep) / gpuhpa clean --run-id r1 removes its leftovers (--dry-run shows them first); then start again"
            )
        );
    }

    #[test]
    fn the_range_is_the_one_of_the_series_in_the_profile_or_the_plan_says_why_there_is_none() {
        let plan = |metric: &str, target: &str| {
            let mut scenario: Scenario =
                serde_saphyr::from_str(include_str!("../../scenarios/ollama-gpu-utilization.yaml")).unwrap();
            let spec = scenario.hpa.spec.metrics.as_mut().and_then(|all| all[0].pods.as_mut()).unwrap();
            spec.target.average_value.as_mut().unwrap().0 = target.to_owned();
            let profile = scenario.metric.profile.take();
            scenario.metric = serde_saphyr::from_str(metric).unwrap();
            scenario.metric.profile = scenario.metric.profile.or(profile);
            let plan = crate::plan::plan(&scenario, &Inventory::default(), "x");
            let unreachable = plan.errors.iter().map(|one| &one.message).find(|text| text.contains("can never reach"));
            let unknown = plan.warnings.iter().find(|text| text.starts_with("metric.range is not stated"));
            (plan.reachable_replicas, unreachable.or(unknown).cloned().unwrap_or_default())
        };
        let util = "exporter: {metricName: DCGM_FI_DEV_GPU_UTIL}";
        assert_eq!(plan(util, "60"), (vec![1, 2, 3], String::new()));
        let (reachable, text) = plan(util, "120");
        assert_eq!(reachable, [1]);
        assert!(text.contains("with every series at 100 (the range in profile dcgm)"), "{text}");
        let (_, text) = plan(&format!("{{{util}, range: [0, 1]}}"), "60");
        assert!(text.contains("with every series at 1 (metric.range)"), "{text}");
        for (metric, reason) in [
            ("store: {series: DCGM_FI_DEV_FB_USED}", ", and profile dcgm has no range of DCGM_FI_DEV_FB_USED"),
            ("{exporter: {metricName: a}, store: {series: 'b{}'}}", ", and profile dcgm has no series a and b"),
            (
                "{exporter: {metricName: gpu_gfx_activity}}",
                ", and profile dcgm has no series gpu_gfx_activity (metric.profile: amd has it)",
            ),
            ("{}", ", and no exporter and no store names a series of profile dcgm"),
            ("{profile: {name: own}, exporter: {metricName: a}}", ", and profile own has no series a"),
        ] {
            let expected = format!(
                "metric.range is not stated{reason}, so it is unknown whether the HPA can reach the expected replicas"
            );
            assert_eq!(plan(metric, "60"), (vec![1], expected));
        }
    }

    #[test]
    fn kinds_that_may_not_be_listed_in_a_namespace_of_the_run_are_one_error() {
        let denied = |group: &str, resource: &str, namespace: &str| PermissionCheck {
            verb: "list".to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.to_owned(),
            purpose: CONTENT_PURPOSE.to_owned(),
            required: true,
            ..PermissionCheck::default()
        };
        let permissions =
            vec![denied("", "secrets", "a"), denied("example.org", "widgets", "a"), denied("", "pods", "b")];
        let mut inventory = Inventory { permissions, ..Inventory::default() };
        let messages = |inventory: &Inventory| {
            let all = errors(&Scenario::default(), inventory, &Plan::default());
            all.into_iter().map(|one| one.message).filter(|text| text.contains("foreign")).collect::<Vec<_>>()
        };
        assert_eq!(
            messages(&inventory),
            ["secrets, widgets.example.org in namespace a", "pods in namespace b"].map(|kinds| format!(
                "missing permission: list of {kinds}, needed to check whether it contains foreign objects before it is deleted"
            ))
        );
        inventory.preflight.undiscovered_kinds = vec!["the kinds of x/v1 (no server)".to_owned()];
        let warned = crate::plan::plan(&Scenario::default(), &inventory, "x").warnings;
        assert!(warned.iter().any(|text| text.contains("does not list the kinds of x/v1 (no server)")), "{warned:?}");
    }

    #[test]
    fn a_terminating_namespace_is_an_error() {
        let inventory = Inventory { terminating_namespaces: vec!["gpuhpa".to_owned()], ..Inventory::default() };
        let all = errors(&Scenario::default(), &inventory, &Plan::default());
        assert!(
            all.iter().any(|one| one.message == "namespace gpuhpa is being deleted, so nothing can be created in it")
        );
    }

    fn adapter_errors(if_exists: IfExists, inventory: &Inventory) -> (Vec<String>, bool) {
        let mut scenario = Scenario::default();
        let release = crate::model::scenario::ReleaseSpec { if_exists, ..Default::default() };
        scenario.releases.insert("adapter".to_owned(), release);
        let messages = errors(&scenario, inventory, &Plan::default()).into_iter().map(|one| one.message);
        (
            messages.filter(|message| message.contains("adapter")).collect(),
            super::super::is_adopted(&scenario, inventory, "adapter"),
        )
    }

    /// The server is KEDA, Datadog or a hand-made adapter: a helm release of another name, or none.
    #[test]
    fn a_metrics_api_that_is_served_already_is_adopted_or_refused_and_never_replaced() {
        for service in ["v1beta1.custom.metrics.k8s.io", "v1beta1.external.metrics.k8s.io"] {
            let mut inventory = Inventory::default();
            let chart =
                crate::model::inventory::ChartSummary { api_services: vec![service.to_owned()], ..Default::default() };
            inventory.charts.insert("adapter".to_owned(), chart);
            assert_eq!(adapter_errors(IfExists::Fail, &inventory), (vec![], false));
            let api = crate::model::inventory::MetricsApi { service: "keda/metrics".to_owned(), ..Default::default() };
            inventory.metrics_apis.insert(service.to_owned(), api);
            let message =
                format!("release adapter would replace APIService {service}, which keda/metrics already serves");
            for if_exists in [IfExists::Fail, IfExists::Upgrade] {
                assert_eq!(adapter_errors(if_exists, &inventory), (vec![message.clone()], false));
            }
            assert_eq!(adapter_errors(IfExists::Adopt, &inventory), (vec![], true));
        }
    }

    #[test]
    fn an_existing_release_is_used_only_in_a_usable_status() {
        let with = |status: &str| {
            let mut inventory = Inventory::default();
            let release = crate::model::inventory::ExistingRelease { status: status.to_owned(), ..Default::default() };
            inventory.existing_releases.insert("adapter".to_owned(), release);
            inventory
        };
        let message = |if_exists, status: &str| adapter_errors(if_exists, &with(status)).0.join("; ");
        assert_eq!(message(IfExists::Adopt, "deployed"), "");
        assert_eq!(message(IfExists::Upgrade, "failed"), "");
        assert_eq!(message(IfExists::Fail, "deployed"), "helm release adapter exists already");
        for (if_exists, status) in [
            (IfExists::Adopt, "failed"),
            (IfExists::Adopt, "uninstalled"),
            (IfExists::Adopt, "pending-install"),
            (IfExists::Upgrade, "pending-upgrade"),
            (IfExists::Upgrade, "uninstalling"),
        ] {
            let expected =
                format!("helm release adapter exists with status `{status}`: it is not usable in this status");
            assert_eq!(message(if_exists, status), expected);
        }
    }
}
