//! One run: the same id, the same names and the same objects in every file; and the marks that it must carry.

use super::Checked;
use crate::evidence::Held;
use crate::record::journal::{Change, NewRelease, Step};
use crate::record::observation::Seen;
use crate::record::stamp::Stamp;
use crate::run::run_id;

/// The id of the run, the names of what it made, and the objects that were seen, in every file that has them.
pub(super) fn one_run(held: &Held) -> Checked {
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
        match &observation.seen {
            Seen::Workload(workload) => {
                let found = format!("{} {}", workload.kind, workload.name);
                same(&place("the target"), &found, &format!("{} {}", target.kind, target.name));
            }
            Seen::Endpoints(endpoints) if !held.plan.service.is_empty() => {
                same(&place("the Service"), &endpoints.service, &held.plan.service);
            }
            _ => {}
        }
    }
    changes(held, &mut differences);
    uid(held, &mut differences);
    let what = format!(
        "run {run} in manifest, plan, inventory, {} lines of the journal, and what was seen",
        held.journal.len()
    );
    Checked::new("one run", what, differences)
}

/// What the journal made has the plan's names and the scenario's namespaces.
fn changes(held: &Held, differences: &mut Vec<String>) {
    let (scenario, plan) = (&held.scenario, &held.plan);
    let of_release = |name: &str| {
        let release = scenario.releases.get(name);
        release.map(|release| release.namespace.clone().unwrap_or(scenario.namespace.clone()))
    };
    for (n, entry) in held.journal.iter().enumerate() {
        let Step::Intended(change) = &entry.step else { continue };
        let wrong = match change {
            Change::HelmInstall(NewRelease { release, .. }) | Change::HelmUpgrade { release, .. } => {
                (of_release(&release.name).as_deref() != Some(release.namespace.as_str()))
                    .then(|| format!("{release} is none of the scenario's"))
            }
            Change::Create(object) => {
                let planned = match object.kind.as_str() {
                    "HorizontalPodAutoscaler" => Some(&plan.hpa),
                    "Service" => Some(&plan.service),
                    "Lease" => Some(&plan.claim),
                    _ => None,
                };
                planned.filter(|name| **name != object.name).map(|name| format!("{object} is not the plan's `{name}`"))
            }
            Change::Volumes(_) | Change::Scale { .. } | Change::Adopt { .. } => None,
        };
        differences.extend(wrong.map(|what| format!("journal.jsonl:{}: {what}", n + 1)));
    }
}

/// The HPA that the API server made for the journal is the one that was seen first under its name.
fn uid(held: &Held, differences: &mut Vec<String>) {
    let hpa = |step: &Step| matches!(step, Step::Intended(Change::Create(o)) if o.kind == "HorizontalPodAutoscaler");
    let Some(change) = held.journal.iter().find(|entry| hpa(&entry.step)).map(|entry| entry.change) else { return };
    let made = held.journal.iter().find_map(|entry| match &entry.step {
        Step::Done { uid: Some(uid) } if entry.change == change => Some(uid),
        _ => None,
    });
    let mut seen = held.timeline.iter().filter_map(|observation| match &observation.seen {
        Seen::Hpa(hpa) if hpa.name == held.plan.hpa => Some((observation.seq, &hpa.uid)),
        _ => None,
    });
    if let (Some(made), Some((seq, first))) = (made, seen.next())
        && made != first
    {
        differences.push(format!("observation {seq}: the HPA has the uid {first}, and the journal made {made}"));
    }
}

/// Versions, and the marks that every reader must see.
pub(super) fn marks(held: &Held) -> Checked {
    let mut differences = Vec::new();
    let due = Stamp::of(&held.scenario, &held.inventory);
    let stamps = &held.manifest.stamps;
    for stamp in due.iter().filter(|stamp| !stamps.iter().any(|other| other == stamp.word())) {
        differences.push(format!("manifest.json lacks the stamp {}", stamp.line()));
    }
    for (n, stamp) in stamps.iter().enumerate() {
        if !due.iter().any(|due| due.word() == stamp) || stamps[..n].contains(stamp) {
            differences.push(format!("manifest.json has the stamp `{stamp}`, which is not this run's, or twice"));
        }
    }
    let own = env!("CARGO_PKG_VERSION");
    let wrote = &held.inventory.gpuhpa;
    let by = match wrote.as_str() {
        version if version == own => format!("gpuhpa {own}, as this one"),
        "" => "a gpuhpa that did not get as far as to say its version".to_owned(),
        // Another one may know better; what it derives may differ for that reason alone.
        other => format!("gpuhpa {other}; this is {own}, so that a difference may be the program's"),
    };
    let marks = if stamps.is_empty() { "none".to_owned() } else { stamps.join(", ") };
    Checked::new("marks", format!("written by {by}; stamps: {marks}"), differences)
}
