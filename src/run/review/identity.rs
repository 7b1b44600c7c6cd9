//! One run: the same id, names and objects in every file, and the stamps that it must have.

use std::collections::BTreeSet;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Service};

use super::BundleCheck;
use crate::evidence::LoadedBundle;
use crate::model::hpa_source::HpaSource;
use crate::model::inventory::Inventory;
use crate::model::journal::{ChangeState, NewRelease, ObjectRef, RunChange};
use crate::model::manifest::Manifest;
use crate::model::observation::{Observation, ObservationKind};
use crate::model::resource_kind::{ResourceKind, SCALED_OBJECT};
use crate::model::scenario::Scenario;
use crate::model::simulated_uid::is_simulated_uid;
use crate::model::stamp::RunStamp;
use crate::run::resolve_hpa::scenario_of_scaled_object;
use crate::run::run_id;

/// Compares the id of the run, the names of its objects and the observed objects over all files.
pub(super) fn check_run_identity(held: &LoadedBundle) -> BundleCheck {
    let run = &held.manifest.run;
    let mut differences = Vec::new();
    let mut same = |place: &str, found: &str, expected: &str| {
        if found != expected {
            differences.push(format!("{place} is `{found}`, expected `{expected}`"));
        }
    };
    same("plan.json: run", &held.plan.run, run);
    same("inventory.json: the run that started at `started`", &run_id(held.inventory.started), run);
    for (n, entry) in held.journal.iter().enumerate() {
        same(&format!("journal.jsonl:{}: run", n + 1), &entry.run, run);
    }
    let target = &held.scenario.hpa.spec.scale_target_ref;
    for observation in &held.timeline {
        let place = |what: &str| format!("observation {}: {what}", observation.seq);
        match &observation.kind {
            ObservationKind::Workload(workload) => {
                let found = format!("{} {}", workload.kind, workload.name);
                same(&place("the target"), &found, &format!("{} {}", target.kind, target.name));
            }
            ObservationKind::Hpa(hpa) => {
                if let Some(spec) = &hpa.spec {
                    let sizes = (hpa.min_replicas, hpa.max_replicas);
                    let of_spec = (spec.min_replicas.unwrap_or(1), spec.max_replicas);
                    same(&place("minReplicas and maxReplicas"), &format!("{sizes:?}"), &format!("{of_spec:?}"));
                }
            }
            ObservationKind::Endpoints(endpoints) if !held.plan.service.is_empty() => {
                same(&place("the Service"), &endpoints.service, &held.plan.service);
            }
            _ => {}
        }
    }
    check_changes(held, &mut differences);
    check_hpa_source(held, &mut differences);
    check_hpa_uid(held, &mut differences);
    let what = format!(
        "run {run} in manifest, plan, inventory, {} lines of the journal, and the observations",
        held.journal.len()
    );
    BundleCheck::new("run identity", what, differences)
}

/// Checks that the journal's objects have the plan's names and the scenario's namespaces.
fn check_changes(held: &LoadedBundle, differences: &mut Vec<String>) {
    let scenario = &held.scenario;
    let of_release = |name: &str| {
        let release = scenario.releases.get(name);
        release.map(|release| release.namespace.clone().unwrap_or(scenario.namespace.clone()))
    };
    for (n, entry) in held.journal.iter().enumerate() {
        let ChangeState::Intended(change) = &entry.state else { continue };
        let wrong = match change {
            RunChange::HelmInstall(NewRelease { release, .. }) | RunChange::HelmUpgrade { release, .. } => {
                (of_release(&release.name).as_deref() != Some(release.namespace.as_str()))
                    .then(|| format!("{release} is not in the scenario"))
            }
            RunChange::Create(object) => (!created_objects(held, &object.name).contains(object))
                .then(|| format!("{object} ({}, {}) is none that the plan creates", object.api_version, object.plural)),
            RunChange::Adopt { object, .. } if object.kind == "HorizontalPodAutoscaler" => {
                let is_of_plan = object.name == held.plan.hpa && scenario.hpa_source() != HpaSource::Applied;
                (!is_of_plan).then(|| format!("{object} is none that the scenario adopts"))
            }
            RunChange::VolumeClaims(_) | RunChange::Scale { .. } | RunChange::Adopt { .. } => None,
        };
        differences.extend(wrong.map(|what| format!("journal.jsonl:{}: {what}", n + 1)));
    }
}

/// The objects that a run creates itself, the namespace with this name among them.
fn created_objects(held: &LoadedBundle, namespace: &str) -> [ObjectRef; 5] {
    let (scenario, plan) = (&held.scenario, &held.plan);
    let created = |kind: ResourceKind, name: &str, is_namespaced: bool| ObjectRef {
        api_version: kind.api_version(),
        kind: kind.kind.to_owned(),
        plural: kind.plural.to_owned(),
        namespace: is_namespaced.then(|| scenario.namespace.clone()),
        name: name.to_owned(),
    };
    let is_of_run = scenario.namespaces().iter().any(|name| *name == namespace);
    [
        created(ResourceKind::from_type::<HorizontalPodAutoscaler>(), &plan.hpa, true),
        created(SCALED_OBJECT, &plan.service, true),
        created(ResourceKind::from_type::<Service>(), &plan.service, true),
        created(ResourceKind::from_type::<Lease>(), &plan.lease, true),
        created(ResourceKind::from_type::<Namespace>(), if is_of_run { namespace } else { "" }, false),
    ]
}

/// Checks that the HPA of the scenario is the one that was adopted, or that KEDA makes of the ScaledObject.
fn check_hpa_source(held: &LoadedBundle, differences: &mut Vec<String>) {
    if held.records().not_started().is_none() {
        let names = (held.manifest.run.as_str(), held.plan.hpa.as_str());
        differences.extend(find_source_differences(&held.scenario, &held.inventory, names, &held.timeline));
    }
}

/// How scenario, inventory and timeline of the run with this id and this name of its HPA disagree about where the HPA is from.
fn find_source_differences(
    scenario: &Scenario,
    inventory: &Inventory,
    (run, hpa_name): (&str, &str),
    timeline: &[Observation],
) -> Vec<String> {
    let mut differences = Vec::new();
    let expected = match scenario.hpa_source() {
        HpaSource::Applied => None,
        HpaSource::ScaledObject => Some(scenario_of_scaled_object(scenario, run).hpa.spec),
        HpaSource::Adopted(_) => inventory.adopted_hpa.as_ref().map(|adopted| adopted.spec.clone()),
    };
    if inventory.adopted_hpa.is_some() != matches!(scenario.hpa_source(), HpaSource::Adopted(_)) {
        differences
            .push("inventory.json: adoptedHpa, and scenario.yaml: adopt: one is there without the other".to_owned());
    }
    if expected.is_some_and(|expected| expected != scenario.hpa.spec) {
        differences.push("scenario.yaml: hpa.spec is not that of the HPA that the scenario names".to_owned());
    }
    let of_other = timeline.iter().find_map(|observation| match &observation.kind {
        ObservationKind::Hpa(hpa) if hpa.name != hpa_name => Some((observation.seq, &hpa.name)),
        _ => None,
    });
    if let Some((seq, name)) = of_other.filter(|_| scenario.hpa_source() != HpaSource::Applied) {
        differences.push(format!("observation {seq}: HPA {name} is not the HPA under test, {hpa_name}"));
    }
    differences
}

/// Checks that the HPA of the journal is the first one that was observed under its name.
fn check_hpa_uid(held: &LoadedBundle, differences: &mut Vec<String>) {
    let hpa = |step: &ChangeState| matches!(step, ChangeState::Intended(RunChange::Create(o)) if o.kind == "HorizontalPodAutoscaler");
    let Some(change) = held.journal.iter().find(|entry| hpa(&entry.state)).map(|entry| entry.change) else { return };
    let made = held.journal.iter().find_map(|entry| match &entry.state {
        ChangeState::Done { uid: Some(uid) } if entry.change == change => Some(uid),
        _ => None,
    });
    let mut seen = held.timeline.iter().filter_map(|observation| match &observation.kind {
        ObservationKind::Hpa(hpa) if hpa.name == held.plan.hpa => Some((observation.seq, &hpa.uid)),
        _ => None,
    });
    if let (Some(made), Some((seq, first))) = (made, seen.next())
        && made != first
    {
        differences.push(format!("observation {seq}: the HPA has the uid {first}, and the journal created {made}"));
    }
}

/// The build that wrote the bundle, and the stamps that every reader must see.
pub(super) fn check_stamps(held: &LoadedBundle) -> BundleCheck {
    let mut differences = Vec::new();
    let due = RunStamp::from_run(&held.scenario, &held.inventory);
    let stamps = &held.manifest.stamps;
    for stamp in due.iter().filter(|stamp| !stamps.iter().any(|other| other == stamp.as_str())) {
        differences.push(format!("manifest.json lacks the stamp {}", stamp.full_text()));
    }
    for (n, stamp) in stamps.iter().enumerate() {
        if !due.iter().any(|due| due.as_str() == stamp) || stamps[..n].contains(stamp) {
            differences
                .push(format!("manifest.json has the stamp `{stamp}`, which this run does not have, or has twice"));
        }
    }
    if held.inventory.simulated.is_none() {
        differences.extend(find_signs_of_rehearsal(held));
    }
    let by = held.inventory.gpuhpa_build();
    let Manifest { format, rules, .. } = held.manifest;
    let stamps = if stamps.is_empty() { "none".to_owned() } else { stamps.join(", ") };
    BundleCheck::new(
        "stamps",
        format!("written by {by}, format {format}, rules {rules}; stamps: {stamps}"),
        differences,
    )
}

/// What only a rehearsal records: a bundle that has it and lacks the stamp was made from one.
fn find_signs_of_rehearsal(held: &LoadedBundle) -> Vec<String> {
    let created = held.journal.iter().filter_map(|entry| match &entry.state {
        ChangeState::Done { uid } => uid.as_deref(),
        _ => None,
    });
    let observed = held.timeline.iter().filter_map(|observation| match &observation.kind {
        ObservationKind::Pod(pod) => Some(pod.uid.as_str()),
        ObservationKind::Hpa(hpa) => Some(hpa.uid.as_str()),
        ObservationKind::Workload(workload) => Some(workload.uid.as_str()),
        ObservationKind::Event(event) => Some(event.uid.as_str()),
        ObservationKind::PodDeleted(deleted) | ObservationKind::ObjectDeleted(deleted) => Some(deleted.uid.as_str()),
        _ => None,
    });
    let uids: BTreeSet<&str> = created.chain(observed).filter(|uid| is_simulated_uid(uid)).collect();
    let by_uid = uids.first().map(|first| {
        format!(
            "{} objects, the first with the uid {first}, have uids that only a rehearsal gives; the bundle lacks the stamp {}",
            uids.len(),
            RunStamp::Rehearsal.full_text()
        )
    });
    let documentation = held.inventory.node_addresses.iter().find(|address| is_documentation_address(address));
    let by_address = documentation.map(|address| {
        format!("inventory.json: no node has the address {address}, which is reserved for documentation (RFC 5737)")
    });
    by_uid.into_iter().chain(by_address).collect()
}

/// True for an address of TEST-NET-1, -2 or -3. The nodes of a simulated cluster have such addresses.
fn is_documentation_address(address: &str) -> bool {
    address.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_documentation())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::inventory::AdoptedHpa;
    use crate::model::observation::HpaSnapshot;

    const RUN: &str = "20260101-000000-000";

    fn scenario(source: &str) -> Scenario {
        let target = "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}";
        serde_saphyr::from_str(&format!("{{hpa: {{spec: {{maxReplicas: 3, {target}}}}}, {source}}}")).unwrap()
    }

    fn inventory(max_replicas: i32) -> Inventory {
        let mut spec = scenario("name: a").hpa.spec;
        spec.max_replicas = max_replicas;
        Inventory { adopted_hpa: Some(AdoptedHpa { spec, ..AdoptedHpa::default() }), ..Inventory::default() }
    }

    fn seen(name: &str) -> [Observation; 1] {
        let hpa = HpaSnapshot { name: name.to_owned(), ..HpaSnapshot::default() };
        [Observation { seq: 7, at_ms: 0, source_time: None, kind: ObservationKind::Hpa(hpa) }]
    }

    fn differences(scenario: &Scenario, inventory: &Inventory, seen_name: &str) -> String {
        find_source_differences(scenario, inventory, (RUN, "ours"), &seen(seen_name)).join("; ")
    }

    #[test]
    fn an_adopted_hpa_is_the_one_that_was_read_before_the_run() {
        let adopting = scenario("adopt: {hpa: ours}");
        assert_eq!(differences(&adopting, &inventory(3), "ours"), "");
        assert!(differences(&adopting, &inventory(4), "ours").contains("hpa.spec is not that of the HPA"));
        let without = differences(&adopting, &Inventory::default(), "ours");
        assert!(without.contains("one is there without the other"), "{without}");
        let applying = scenario("name: a");
        assert_eq!(differences(&applying, &Inventory::default(), "ours"), "");
        assert!(differences(&applying, &inventory(3), "ours").contains("one is there without the other"));
    }

    #[test]
    fn no_other_hpa_is_observed_in_place_of_an_adopted_one() {
        let adopting = scenario("adopt: {hpa: ours}");
        let found = differences(&adopting, &inventory(3), "theirs");
        assert_eq!(found, "observation 7: HPA theirs is not the HPA under test, ours");
        assert_eq!(differences(&scenario("name: a"), &Inventory::default(), "theirs"), "");
    }

    #[test]
    fn the_hpa_of_a_scaled_object_is_that_of_this_run() {
        let trigger = "{type: prometheus, metadata: {serverAddress: http://p, query: up, threshold: '5'}}";
        let spec =
            format!("{{scaleTargetRef: {{name: x}}, minReplicaCount: 1, maxReplicaCount: 3, triggers: [{trigger}]}}");
        let stated = scenario(&format!("scaledObject: {{spec: {spec}}}"));
        let made = scenario_of_scaled_object(&stated, RUN);
        assert_eq!(differences(&made, &Inventory::default(), "ours"), "");
        let of_other_run = scenario_of_scaled_object(&stated, "20260101-000000-001");
        assert!(differences(&of_other_run, &Inventory::default(), "ours").contains("hpa.spec is not that of the HPA"));
    }
}
