//! The wait for the workloads of an uninstalled release. `helm uninstall --wait` may end before they are gone: a status that it has
//! not seen yet counts as gone (helm v4.3.1, pkg/kube/statuswait.go, `waitForDelete`). Their pods keep accelerators until then.

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use kube::api::{Api, ListParams};
use kube::core::DynamicObject;
use kube::runtime::wait::{await_condition, conditions};

use super::InstallError;
use super::orphans::is_owned_by;
use crate::env::{RunEnv, api_for_kind};
use crate::model::journal::ReleaseRef;
use crate::model::resource_kind::ResourceKind;

/// Between two reads of an object under deletion, if the watch fails.
const POLL_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);

/// Waits until the workloads of a release that are being deleted are gone. A kind that may not be listed is none of the chart: its
/// installation needs that right.
///
/// # Errors
/// The API server fails.
pub(super) async fn await_gone(env: &RunEnv, release: &ReleaseRef) -> Result<(), InstallError> {
    const KINDS: [ResourceKind; 2] =
        [ResourceKind::from_type::<Deployment>(), ResourceKind::from_type::<StatefulSet>()];
    for kind in &KINDS {
        let api = api_for_kind(&env.kube.retrying, kind, Some(&release.namespace));
        let list = match api.list_metadata(&ListParams::default()).await {
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => continue,
            result => result.map_err(|e| InstallError::object("list the workloads of", release, &e))?,
        };
        for metadata in list.items.into_iter().map(|item| item.metadata) {
            if metadata.deletion_timestamp.is_none() || !is_owned_by(&metadata, release) {
                continue;
            }
            let (name, uid) = (metadata.name.unwrap_or_default(), metadata.uid.unwrap_or_default());
            let gone = await_deletion(&api, &name, &uid).await;
            gone.map_err(|e| InstallError::object("wait for the deletion of the workloads of", release, &e))?;
        }
    }
    Ok(())
}

/// Waits until the object with this uid is gone. A watch that breaks off is no result: then this reads the object.
///
/// # Errors
/// The API server fails.
pub(super) async fn await_deletion(api: &Api<DynamicObject>, name: &str, uid: &str) -> Result<(), kube::Error> {
    while await_condition(api.clone(), name, conditions::is_deleted(uid)).await.is_err() {
        if api.get_metadata_opt(name).await?.is_none_or(|found| found.metadata.uid.as_deref() != Some(uid)) {
            break;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(())
}
