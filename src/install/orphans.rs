//! Orphans: objects that a release created outside of its namespace, and whose helm record is gone. Deleting the namespace
//! deletes helm's record, and without it helm cannot find the chart's cluster-wide objects.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, Preconditions};
use kube::core::DynamicObject;

use super::InstallError;
use crate::env::{RunEnv, api_for_object};
use crate::model::journal::{NewRelease, ObjectRef, ReleaseRef};

/// Removes the orphans of a release.
///
/// # Errors
/// The API server or helm fails, or denies the request.
pub(super) async fn remove(env: &RunEnv, installed: &NewRelease) -> Result<(), InstallError> {
    for (object, uid) in find(env, installed).await? {
        let preconditions = Preconditions { uid: Some(uid), resource_version: None };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
        match api_for_object(&env.kube.retrying, &object).delete(&object.name, &params).await {
            // Gone, or replaced by another object meanwhile.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
            result => drop(result.map_err(|e| InstallError::object("remove", &object, &e))?),
        }
    }
    Ok(())
}

/// The orphans of a release, each with its uid; none while a release of that name exists.
///
/// # Errors
/// The API server or helm fails.
pub(super) async fn find(env: &RunEnv, installed: &NewRelease) -> Result<Vec<(ObjectRef, String)>, InstallError> {
    let mut all = Vec::new();
    for object in &installed.outside_objects {
        let found = api_for_object(&env.kube.retrying, object)
            .get_opt(&object.name)
            .await
            .map_err(|e| InstallError::object("read", object, &e))?;
        let found = found.filter(|found| {
            is_owned_by(&found.metadata, &installed.release)
                && !is_kept(found)
                && found.metadata.deletion_timestamp.is_none()
        });
        all.extend(found.and_then(|found| found.metadata.uid).map(|uid| (object.clone(), uid)));
    }
    let owner = if all.is_empty() { None } else { env.helm.status(&installed.release, None).await? };
    Ok(if owner.is_none() { all } else { Vec::new() })
}

/// Whether helm's own annotations name this release.
pub(super) fn is_owned_by(metadata: &ObjectMeta, release: &ReleaseRef) -> bool {
    annotation(metadata, "meta.helm.sh/release-name") == Some(&release.name)
        && annotation(metadata, "meta.helm.sh/release-namespace") == Some(&release.namespace)
}

/// Whether helm itself keeps the object when it uninstalls the release.
fn is_kept(object: &DynamicObject) -> bool {
    annotation(&object.metadata, "helm.sh/resource-policy").is_some_and(|policy| policy == "keep")
}

fn annotation<'a>(metadata: &'a ObjectMeta, name: &str) -> Option<&'a String> {
    metadata.annotations.as_ref().and_then(|all| all.get(name))
}
