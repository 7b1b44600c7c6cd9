//! One run: the same id, the same names and the same objects in every file; and the marks that it must carry.

use super::BundleCheck;
use crate::evidence::LoadedBundle;
use crate::model::journal::{ChangeState, NewRelease, RunChange};
use crate::model::observation::ObservationKind;
use crate::model::stamp::RunStamp;
use crate::run::run_id;

/// The id of the run, the names of what it made, and the objects that were seen, in every file that has them.
pub(super) fn check_run_identity(held: &LoadedBundle) -> BundleCheck {
    let run = &held.manifest.run;
    let mut differences = Vec::new();
    let mut same = |place: &str, found: &str, expected: &str| {
        if found != expected {
            differences.push(format!("{place} is `{found}`, and should be `{expected}`"));
        }
    };
    same("plan.json: run", &held.plan.run, run);
    same("inventory.json: the run that began at `started`", &run_id(held.inventory.started), run);
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
        "run {run} in manifest, plan, inventory, {} lines of the journal, and what was seen",
        held.journal.len()
    );
    BundleCheck::new("one run", what, differences)
}

/// What the journal made has the plan's names and the scenario's namespaces.
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
                    .then(|| format!("{release} is none of the scenario's"))
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

/// The HPA that the API server made for the journal is the one that was seen first under its name.
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
        differences.push(format!("observation {seq}: the HPA has the uid {first}, and the journal made {made}"));
    }
}

/// Versions, and the marks that every reader must see.
pub(super) fn check_stamps(held: &LoadedBundle) -> BundleCheck {
    let mut differences = Vec::new();
    let due = RunStamp::from_run(&held.scenario, &held.inventory);
    let stamps = &held.manifest.stamps;
    for stamp in due.iter().filter(|stamp| !stamps.iter().any(|other| other == stamp.as_str())) {
        differences.push(format!("manifest.json lacks the stamp {}", stamp.full_text()));
    }
    for (n, stamp) in stamps.iter().enumerate() {
        if !due.iter().any(|due| due.as_str() == stamp) || stamps[..n].contains(stamp) {
            differences.push(format!("manifest.json has the stamp `{stamp}`, which is not this run's, or twice"));
        }
    }
    let own = env!("CARGO_PKG_VERSION");
    let wrote = &held.inventory.gpuhpa_version;
    let by = match wrote.as_str() {
        version if version == own => format!("gpuhpa {own}, as this one"),
        "" => "a gpuhpa that did not get as far as to say its version".to_owned(),
        // Another one may know better; what it derives may differ for that reason alone.
        other => format!("gpuhpa {other}; this is {own}, so that a difference may be the program's"),
    };
    let marks = if stamps.is_empty() { "none".to_owned() } else { stamps.join(", ") };
    BundleCheck::new("marks", format!("written by {by}; stamps: {marks}"), differences)
}
