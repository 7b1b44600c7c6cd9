//! What a journal may say. A run writes nothing else, and what a stranger writes reaches the API server in paths and selectors.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Service};
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;

use crate::model::journal::{ChangeState, JournalEntry, ObjectRef, ReleaseRef, RunChange, VolumeClaims};
use crate::model::resource_kind::{ResourceKind, SCALED_OBJECT};

/// Entries of a journal. A run makes some dozens of changes, with three entries each.
const MAX_ENTRIES: usize = 5_000;

/// Longest name of an object.
const MAX_NAME: usize = 253;

/// The kinds of objects that a run creates by itself.
const CREATED_KINDS: [ResourceKind; 5] = [
    ResourceKind::from_type::<Namespace>(),
    ResourceKind::from_type::<Lease>(),
    ResourceKind::from_type::<Service>(),
    ResourceKind::from_type::<HorizontalPodAutoscaler>(),
    SCALED_OBJECT,
];

/// Checks the entries of a journal.
///
/// # Errors
/// The first entry that no run writes, with what is wrong.
pub(super) fn check_entries(entries: &[JournalEntry]) -> Result<(), String> {
    if entries.len() > MAX_ENTRIES {
        return Err(format!("it has {} entries, more than {MAX_ENTRIES}", entries.len()));
    }
    let run = entries.first().map(|entry| entry.run.as_str()).unwrap_or_default();
    for (number, entry) in entries.iter().enumerate() {
        let result = check_run(entry, run).and_then(|()| match &entry.state {
            ChangeState::Intended(change) => check_change(change),
            _ => Ok(()),
        });
        result.map_err(|why| format!("line {}: {why}", number + 1))?;
    }
    Ok(())
}

fn check_run(entry: &JournalEntry, run: &str) -> Result<(), String> {
    let id = &entry.run;
    if id != run {
        return Err(format!("it is of run {id:?}, and the first line of run {run:?}"));
    }
    // The value of a label.
    let is_id = !id.is_empty() && id.len() <= 63 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_id { Ok(()) } else { Err(format!("{id:?} is no id of a run")) }
}

fn check_change(change: &RunChange) -> Result<(), String> {
    match change {
        RunChange::Create(object) => {
            check_object(object)?;
            let is_created = CREATED_KINDS.iter().any(|kind| is_of_kind(object, kind));
            if is_created { Ok(()) } else { Err(format!("no run creates {} {}", object.api_version, object.kind)) }
        }
        RunChange::HelmInstall(installed) => {
            check_release(&installed.release)?;
            installed.outside_objects.iter().try_for_each(check_object)
        }
        RunChange::HelmUpgrade { release, .. } => check_release(release),
        RunChange::VolumeClaims(VolumeClaims { namespace, stateful_set, templates, .. }) => {
            [namespace, stateful_set].into_iter().chain(templates).try_for_each(|name| check_name(name))
        }
        RunChange::Scale { object, .. } => {
            check_object(object)?;
            if is_target(object) {
                Ok(())
            } else {
                Err(format!("no run scales {} {}", object.api_version, object.kind))
            }
        }
        RunChange::Adopt { object, .. } => {
            check_object(object)?;
            let is_adopted = is_target(object)
                || is_of_kind(object, &ResourceKind::from_type::<APIService>())
                || is_of_kind(object, &ResourceKind::from_type::<HorizontalPodAutoscaler>())
                || is_of_kind(object, &SCALED_OBJECT);
            if is_adopted { Ok(()) } else { Err(format!("no run adopts {} {}", object.api_version, object.kind)) }
        }
    }
}

fn is_of_kind(object: &ObjectRef, kind: &ResourceKind) -> bool {
    let (api_version, plural) = (kind.api_version(), kind.plural);
    (object.api_version.as_str(), object.kind.as_str(), object.plural.as_str()) == (&api_version, kind.kind, plural)
}

/// Whether an HPA of a scenario can have this target.
fn is_target(object: &ObjectRef) -> bool {
    object.api_version == "apps/v1"
        && object.plural == format!("{}s", object.kind.to_lowercase())
        && object.namespace.is_some()
}

fn check_object(object: &ObjectRef) -> Result<(), String> {
    let (group, version) = object.api_version.split_once('/').unwrap_or(("v1", &object.api_version));
    let names = [group, version, &object.kind, &object.plural, &object.name];
    names.into_iter().chain(object.namespace.as_deref()).try_for_each(check_name)
}

fn check_release(release: &ReleaseRef) -> Result<(), String> {
    [&release.name, &release.namespace].into_iter().try_for_each(|name| check_name(name))
}

/// A name that is one segment of a path, one value of a selector, and no flag. Names of roles have colons.
fn check_name(name: &str) -> Result<(), String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_part);
    if is_name && name.len() <= MAX_NAME { Ok(()) } else { Err(format!("{name:?} is no name of an object")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: &str) -> Result<(), String> {
        let line = format!(r#"{{"run":"1","change":0,"atMs":0,"intended":{change}}}"#);
        check_entries(&[serde_json::from_str(&line).unwrap()])
    }

    fn object(api_version: &str, kind: &str, plural: &str, name: &str) -> String {
        format!(
            r#"{{"apiVersion":"{api_version}","kind":"{kind}","plural":"{plural}","namespace":"llm","name":"{name}"}}"#
        )
    }

    #[test]
    fn a_journal_names_only_what_a_run_changes() {
        let create = |object: String| check(&format!(r#"{{"create":{object}}}"#));
        create(object("v1", "Service", "services", "gpuhpa-1")).unwrap();
        for (api_version, kind, plural, name) in [
            ("v1", "Secret", "secrets", "x"),
            ("v1", "Service", "secrets", "x"),
            ("v1", "Service", "services", "../../../kube-system/services/x"),
            ("v1", "Service", "services", "x?a=b"),
            ("v1", "Service", "services", ".."),
            ("v1", "Service", "services", ""),
        ] {
            create(object(api_version, kind, plural, name)).unwrap_err();
        }
        let scale = |object: String| check(&format!(r#"{{"scale":{{"object":{object},"previousReplicas":0}}}}"#));
        scale(object("apps/v1", "Deployment", "deployments", "ollama")).unwrap();
        scale(object("v1", "Node", "nodes", "x")).unwrap_err();
        check(r#"{"helmInstall":{"name":"--kubeconfig=x","namespace":"llm"}}"#).unwrap_err();
        check(r#"{"volumeClaims":{"namespace":"a/b","statefulSet":"x","templates":[],"existing":[]}}"#).unwrap_err();
    }

    #[test]
    fn all_lines_are_of_one_run_with_an_id() {
        let entry = |run: &str| {
            serde_json::from_str(&format!(r#"{{"run":"{run}","change":0,"atMs":0,"undone":null}}"#)).unwrap()
        };
        let check = |runs: &[&str]| check_entries(&runs.iter().map(|run| entry(run)).collect::<Vec<JournalEntry>>());
        check(&["20261124-101500-042", "20261124-101500-042"]).unwrap();
        check(&["1", "2"]).unwrap_err();
        check(&[""]).unwrap_err();
        check(&["1,app=x"]).unwrap_err();
        check(&vec!["1"; MAX_ENTRIES + 1]).unwrap_err();
    }
}
