//! The servers of the metrics APIs.

use std::collections::BTreeMap;

use kube::api::Api;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};

use super::{SurveyError, cluster_error};
use crate::model::inventory::MetricsApi;
use crate::plan::api_services::METRICS_APIS;

pub(super) async fn read(client: &kube::Client) -> Result<BTreeMap<String, MetricsApi>, SurveyError> {
    let kind = GroupVersionKind::gvk("apiregistration.k8s.io", "v1", "APIService");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
    let mut found = BTreeMap::new();
    for name in METRICS_APIS {
        let Some(object) = api.get_opt(name).await.map_err(cluster_error("APIServices"))? else { continue };
        let (spec, status) = (&object.data["spec"]["service"], &object.data["status"]["conditions"]);
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let available = |c: &serde_json::Value| c["type"] == "Available" && c["status"] == "True";
        let annotations = object.metadata.annotations.unwrap_or_default();
        let by_helm = |key: &str| annotations.get(&format!("meta.helm.sh/{key}"));
        let release =
            by_helm("release-namespace").zip(by_helm("release-name")).map(|(ns, name)| format!("{ns}/{name}"));
        let service = format!("{}/{}", text(&spec["namespace"]), text(&spec["name"]));
        let available = status.as_array().is_some_and(|all| all.iter().any(available));
        found.insert(name.to_owned(), MetricsApi { service, available, release, made_by_run: false });
    }
    Ok(found)
}
