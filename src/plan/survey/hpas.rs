//! HPAs that already scale the target.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::ResourceExt;
use kube::api::{Api, ListParams};

use super::{SurveyError, cluster_error};
use crate::model::scenario::Scenario;

/// Names of the HPAs in the target's namespace whose scaleTargetRef is the scenario's target. The controller also reports other
/// HPAs that select the same pods (AmbiguousSelector).
pub(super) async fn read(client: &kube::Client, scenario: &Scenario) -> Result<Vec<String>, SurveyError> {
    let api: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), &scenario.namespace);
    let listed = api.list(&ListParams::default()).await.map_err(cluster_error("the HPAs of the target's namespace"))?;
    let target = &scenario.hpa.spec.scale_target_ref;
    let is_on_target = |hpa: &HorizontalPodAutoscaler| {
        let other = &hpa.spec.scale_target_ref;
        (&other.kind, &other.name) == (&target.kind, &target.name)
    };
    Ok(listed.into_iter().filter(is_on_target).map(|hpa| hpa.name_any()).collect())
}
