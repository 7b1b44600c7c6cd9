//! Reviews our permissions with the API server.

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::api::{Api, PostParams};

use super::{SurveyError, cluster_error};
use crate::model::inventory::PermissionCheck;

/// Concurrent reviews; a run needs about a hundred.
const MAX_CONCURRENT_REVIEWS: usize = 8;

/// Sets `allowed` of each permission.
pub(super) async fn review_access(
    client: &kube::Client,
    permissions: Vec<PermissionCheck>,
) -> Result<Vec<PermissionCheck>, SurveyError> {
    stream::iter(permissions)
        .map(|permission| review_permission(client, permission))
        .buffered(MAX_CONCURRENT_REVIEWS)
        .try_collect()
        .await
}

async fn review_permission(client: &kube::Client, permission: PermissionCheck) -> Result<PermissionCheck, SurveyError> {
    let (resource, subresource) = match permission.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (permission.resource.as_str(), None),
    };
    let non_empty = |text: &String| (!text.is_empty()).then(|| text.clone());
    let attributes = ResourceAttributes {
        verb: Some(permission.verb.clone()),
        group: Some(permission.group.clone()),
        resource: Some(resource.to_owned()),
        subresource,
        namespace: non_empty(&permission.namespace),
        name: non_empty(&permission.resource_name),
        ..ResourceAttributes::default()
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let review = api.create(&PostParams::default(), &review).await.map_err(cluster_error("our permissions"))?;
    Ok(PermissionCheck { allowed: review.status.is_some_and(|status| status.allowed), ..permission })
}
