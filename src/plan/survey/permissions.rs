//! Which rights we hold: the API server is asked for each.

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::api::{Api, PostParams};

use super::{SurveyError, cluster_error};
use crate::model::inventory::PermissionCheck;

/// Questions under way at the same time: there are about a hundred.
const MAX_CONCURRENT_REVIEWS: usize = 8;

/// The rights, each with whether we hold it.
pub(super) async fn review_access(
    client: &kube::Client,
    rights: Vec<PermissionCheck>,
) -> Result<Vec<PermissionCheck>, SurveyError> {
    stream::iter(rights)
        .map(|right| review_permission(client, right))
        .buffered(MAX_CONCURRENT_REVIEWS)
        .try_collect()
        .await
}

async fn review_permission(client: &kube::Client, right: PermissionCheck) -> Result<PermissionCheck, SurveyError> {
    let (resource, subresource) = match right.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (right.resource.as_str(), None),
    };
    let stated = |text: &String| (!text.is_empty()).then(|| text.clone());
    let attributes = ResourceAttributes {
        verb: Some(right.verb.clone()),
        group: Some(right.group.clone()),
        resource: Some(resource.to_owned()),
        subresource,
        namespace: stated(&right.namespace),
        name: stated(&right.resource_name),
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
    let answer = api.create(&PostParams::default(), &review).await.map_err(cluster_error("our rights"))?;
    Ok(PermissionCheck { allowed: answer.status.is_some_and(|status| status.allowed), ..right })
}
