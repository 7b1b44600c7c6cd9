//! Making an object: created when it must not be there yet, or applied by server-side apply, always after the journal.

use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use serde::Serialize;

use super::{FIELD_MANAGER, InstallError, Journal};
use crate::env::{RunEnv, api_for_object};
use crate::error_chain;
use crate::model::journal::{ObjectRef, RUN_LABEL, RunChange};

/// How an object is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteMethod {
    /// It must not be there yet.
    Create,
    /// Server-side apply under our own name.
    Apply,
}

/// Makes an object, after its intention was journalled.
pub(super) async fn write_object(
    world: &RunEnv,
    journal: &Journal,
    how: WriteMethod,
    object: ObjectRef,
    content: &impl Serialize,
) -> Result<(), InstallError> {
    let api = api_for_object(&world.kube, &object);
    let body = to_dynamic_object(&object, content)?;
    let change = journal.record_intent(RunChange::Create(object.clone()))?;
    let (verb, result) = match how {
        WriteMethod::Create => ("create", create(&api, &body).await),
        WriteMethod::Apply => {
            let params = PatchParams::apply(FIELD_MANAGER);
            ("apply", api.patch(&object.name, &params, &Patch::Apply(&body)).await)
        }
    };
    let named = |e: kube::Error| match (how, &e) {
        (WriteMethod::Create, kube::Error::Api(status)) if status.code == 409 => {
            InstallError::AlreadyExists { object: object.to_string(), why: error_message(&e) }
        }
        _ => InstallError::Object { verb, object: object.to_string(), why: error_message(&e) },
    };
    journal.record_result(change, result.map_err(named), |made| made.metadata.uid.clone())?.map(drop)
}

/// Creates the object. One of this very run that is there already is the first try of it, whose answer was lost.
async fn create(api: &Api<DynamicObject>, body: &DynamicObject) -> kube::Result<DynamicObject> {
    let refused = match api.create(&PostParams::default(), body).await {
        Err(kube::Error::Api(status)) if status.code == 409 => kube::Error::Api(status),
        made => return made,
    };
    let run = |object: &DynamicObject| object.metadata.labels.as_ref().and_then(|all| all.get(RUN_LABEL)).cloned();
    let there = api.get_opt(body.metadata.name.as_deref().unwrap_or_default()).await?;
    there.filter(|there| run(there).is_some() && run(there) == run(body)).ok_or(refused)
}

/// The API server's own message, without the wrapping.
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
    let wrong =
        |e: serde_json::Error| InstallError::Object { verb: "write", object: object.to_string(), why: e.to_string() };
    let mut value = serde_json::to_value(content).map_err(wrong)?;
    let metadata: ObjectMeta = serde_json::from_value(value["metadata"].take()).map_err(wrong)?;
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
