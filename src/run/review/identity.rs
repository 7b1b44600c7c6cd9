//! One run: the same id, names and objects in every file, and the stamps that it must have.

use super::BundleCheck;
use crate::evidence::LoadedBundle;
use crate::model::journal::{ChangeState, NewRelease, RunChange};
use crate::model::manifest::Manifest;
use crate::model::observation::ObservationKind;
use crate::model::stamp::RunStamp;
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
            ObservationKind::Endpoints(endpoints) if !held.plan.service.is_empty() => {
                same(&place("the Service"), &endpoints.service, &held.plan.service);
            }
            _ => {}
        }
    }
    check_changes(held, &mut differences);
    check_hpa_uid(held, &mut differences);
    let what = format!(
        "run {run} in manifest, plan, inventory, {} lines of the journal, and the observations",
        held.journal.len()
    );
    BundleCheck::new("run identity", what, differences)
}

/// Checks that the journal's objects have the plan's names and the scenario's namespaces.
fn check_changes(held: &LoadedBundle, differences: &mut Vec<String>) {
    let (scenario, plan) = (&held.scenario, &held.plan);
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
            RunChange::Create(object) => {
                let planned = match object.kind.as_str() {
                    "HorizontalPodAutoscaler" => Some(&plan.hpa),
                    "Service" => Some(&plan.service),
                    "Lease" => Some(&plan.lease),
                    _ => None,
                };
                planned.filter(|name| **name != object.name).map(|name| format!("{object} is not the plan's `{name}`"))
            }
            RunChange::VolumeClaims(_) | RunChange::Scale { .. } | RunChange::Adopt { .. } => None,
        };
        differences.extend(wrong.map(|what| format!("journal.jsonl:{}: {what}", n + 1)));
    }
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
    let by = match held.inventory.gpuhpa_version.as_str() {
        "" => "a gpuhpa that recorded no version".to_owned(),
        _ => held.inventory.gpuhpa_build(),
    };
    let Manifest { format, rules, .. } = held.manifest;
    let stamps = if stamps.is_empty() { "none".to_owned() } else { stamps.join(", ") };
    BundleCheck::new(
        "stamps",
        format!("written by {by}, format {format}, rules {rules}; stamps: {stamps}"),
        differences,
    )
}
