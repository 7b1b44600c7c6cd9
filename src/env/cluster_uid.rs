//! Which cluster it is: the uid of kube-system, which every cluster has and no user can delete.

use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::Api;

/// The namespace whose uid identifies a cluster. Kubernetes has no other identifier of a cluster.
pub(crate) const CLUSTER_NAMESPACE: &str = "kube-system";

/// The uid of the cluster.
///
/// # Errors
/// The API server fails, or denies the request.
pub(crate) async fn read_cluster_uid(client: &Client) -> kube::Result<String> {
    let namespace = Api::<Namespace>::all(client.clone()).get_metadata(CLUSTER_NAMESPACE).await?;
    Ok(namespace.metadata.uid.unwrap_or_default())
}
