//! Writes an object: creates it, or applies it by server-side apply, always after the journal entry.

use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use serde::Serialize;

use super::{FIELD_MANAGER, InstallError, Journal};
use crate::env::{RunEnv, api_for_object};
use crate::error_chain;
use crate::model::journal::{ObjectRef, RUN_LABEL, RunChange};

/// How an object is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteMethod {
    /// Fails if the object exists.
    Create,
    /// Server-side apply under our own field manager.
    Apply,
}

/// Writes an object, after the intent was journalled.
pub(super) async fn write_object(
    env: &RunEnv,
    journal: &Journal,
    method: WriteMethod,
    object: ObjectRef,
    content: &impl Serialize,
) -> Result<(), InstallError> {
    let api = api_for_object(&env.kube.retrying, &object);
    let body = to_dynamic_object(&object, content)?;
    let change = journal.record_intent(RunChange::Create(object.clone()))?;
    let (verb, result) = match method {
        WriteMethod::Create => ("create", create(&api, &body).await),
        WriteMethod::Apply => {
            let params = PatchParams::apply(FIELD_MANAGER);
            ("apply", api.patch(&object.name, &params, &Patch::Apply(&body)).await)
        }
    };
    let to_error = |e: kube::Error| match (method, &e) {
        (WriteMethod::Create, kube::Error::Api(status)) if status.code == 409 => {
            InstallError::AlreadyExists { object: object.to_string(), message: error_message(&e) }
        }
        _ => InstallError::object(verb, &object, &e),
    };
    journal.record_result(change, result.map_err(to_error), |written| written.metadata.uid.clone())?.map(drop)
}

/// Creates the object. If an object of this run exists already, an earlier attempt created it and its response was lost.
async fn create(api: &Api<DynamicObject>, body: &DynamicObject) -> kube::Result<DynamicObject> {
    let conflict = match api.create(&PostParams::default(), body).await {
        Err(kube::Error::Api(status)) if status.code == 409 => kube::Error::Api(status),
        created => return created,
    };
    let run_label =
        |object: &DynamicObject| object.metadata.labels.as_ref().and_then(|all| all.get(RUN_LABEL)).cloned();
    let existing = api.get_opt(body.metadata.name.as_deref().unwrap_or_default()).await?;
    existing.filter(|existing| run_label(existing).is_some() && run_label(existing) == run_label(body)).ok_or(conflict)
}

/// The API server's own message, without kube's wrapping.
pub(super) fn error_message(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.code == 401 => {
            format!(
                "{}: the cluster does not accept the credentials of this kubeconfig (any more); log in again",
                status.message
            )
        }
        kube::Error::Api(status) => status.message.clone(),
        other => error_chain::format_chain(other),
    }
}

fn to_dynamic_object(object: &ObjectRef, content: &impl Serialize) -> Result<DynamicObject, InstallError> {
    let to_error = |e: serde_json::Error| InstallError::object_message("write", object, e.to_string());
    let mut value = serde_json::to_value(content).map_err(to_error)?;
    let metadata: ObjectMeta = serde_json::from_value(value["metadata"].take()).map_err(to_error)?;
    if let Some(map) = value.as_object_mut() {
        map.remove("metadata");
        map.remove("apiVersion");
        map.remove("kind");
        map.remove("status");
    }
    Ok(DynamicObject {
        types: Some(kube::core::TypeMeta { api_version: object.api_version.clone(), kind: object.kind.clone() }),
        metadata,
        data: value,
    })
}
