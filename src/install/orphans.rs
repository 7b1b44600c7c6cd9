//! What a release left outside of its namespace, when its record is gone: whoever deletes the namespace takes helm's record
//! along, and with it the only way to the chart's objects of the whole cluster.

use kube::api::{DeleteParams, Preconditions};
use kube::core::DynamicObject;

use super::InstallError;
use super::apply::error_message;
use crate::env::{RunEnv, api_for_object};
use crate::model::journal::{NewRelease, ObjectRef, ReleaseRef};

/// Removes it.
///
/// # Errors
/// The API server or helm cannot be asked, or does not let us.
pub(super) async fn remove(world: &RunEnv, made: &NewRelease) -> Result<(), InstallError> {
    for (object, uid) in find(world, made).await? {
        let preconditions = Preconditions { uid: Some(uid), resource_version: None };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
        match api_for_object(&world.kube, &object).delete(&object.name, &params).await {
            // Gone, or replaced by another one meanwhile.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
            result => drop(result.map_err(|e| object_error("remove", &object, &e))?),
        }
    }
    Ok(())
}

/// What there is of it, each with its uid; nothing while there is a release of that name.
///
/// # Errors
/// The API server or helm cannot be asked.
pub(super) async fn find(world: &RunEnv, made: &NewRelease) -> Result<Vec<(ObjectRef, String)>, InstallError> {
    let mut all = Vec::new();
    for object in &made.outside_objects {
        let found = api_for_object(&world.kube, object)
            .get_opt(&object.name)
            .await
            .map_err(|e| object_error("read", object, &e))?;
        let found =
            found.filter(|found| is_owned_by(found, &made.release) && found.metadata.deletion_timestamp.is_none());
        all.extend(found.and_then(|found| found.metadata.uid).map(|uid| (object.clone(), uid)));
    }
    let owner = if all.is_empty() { None } else { world.helm.status(&made.release, None).await? };
    Ok(if owner.is_none() { all } else { Vec::new() })
}

/// helm's own mark on what it makes.
fn is_owned_by(object: &DynamicObject, release: &ReleaseRef) -> bool {
    let annotation = |name: &str| object.metadata.annotations.as_ref().and_then(|all| all.get(name));
    annotation("meta.helm.sh/release-name") == Some(&release.name)
        && annotation("meta.helm.sh/release-namespace") == Some(&release.namespace)
}

fn object_error(verb: &'static str, object: &ObjectRef, error: &kube::Error) -> InstallError {
    InstallError::Object { verb, object: object.to_string(), why: error_message(error) }
}
