//! Preflight warnings about a metric that does not rise with the load as the HPA needs it: the HPA adds replicas while the metric
//! lies above its target.

use crate::model::metric_under_test::MetricUnderTest;
use crate::model::scenario::Scenario;

/// Largest share of the metric's largest value at which a target reads like one of another unit.
const SMALL_SHARE: f64 = 0.01;

pub(super) fn warnings(scenario: &Scenario, metric: Option<&MetricUnderTest>) -> Vec<String> {
    let Some(metric) = metric else { return Vec::new() };
    falling_series(scenario, metric).into_iter().chain(small_target(scenario, metric)).collect()
}

/// Warns of a series that falls while the load rises, by its profile.
fn falling_series(scenario: &Scenario, metric: &MetricUnderTest) -> Option<String> {
    let (name, _) = scenario.metric.profile_series().filter(|(_, series)| series.falls_under_load)?;
    let profile = scenario.metric.profile.as_ref().map_or("", |profile| profile.name.as_str());
    Some(format!(
        "{name} falls while the load rises (profile {profile}), and the HPA adds replicas while {} lies above its target: unless the rule of the metrics adapter turns it round, the HPA scales the wrong way; use a series that rises with the load",
        metric.name
    ))
}

/// Warns of a target below a hundredth of the metric's largest value: a ratio against a metric in percent.
fn small_target(scenario: &Scenario, metric: &MetricUnderTest) -> Option<String> {
    let [low, high] = scenario.metric.value_range()?;
    #[expect(clippy::cast_precision_loss, reason = "a target is compared with a hundredth of the range")]
    let target = metric.target_value?.0 as f64 / 1000.0;
    let unit = scenario.metric.value_unit();
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    (target > 0.0 && target - low <= (high - low) * SMALL_SHARE).then(|| {
        format!(
            "the target {target} of {} is below a hundredth of its largest value, {high}{unit}: nearly every reading asks for more replicas, at idle as well; is it a ratio against a metric in percent?",
            metric.name
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::model::inventory::Inventory;
    use crate::model::scenario::Scenario;

    fn warn(series: &str, target: &str) -> String {
        let mut scenario: Scenario =
            serde_saphyr::from_str(include_str!("../../scenarios/ollama-gpu-utilization.yaml")).unwrap();
        scenario.metric.exporter.as_mut().unwrap().metric_name = series.to_owned();
        let spec = scenario.hpa.spec.metrics.as_mut().and_then(|all| all[0].pods.as_mut()).unwrap();
        spec.target.average_value.as_mut().unwrap().0 = target.to_owned();
        crate::plan::plan(&scenario, &Inventory::default(), "x").warnings.join("; ")
    }

    #[test]
    fn a_series_that_falls_under_load_is_named_by_its_profile() {
        assert!(
            warn("DCGM_FI_DEV_FB_FREE", "60").contains("DCGM_FI_DEV_FB_FREE falls while the load rises (profile dcgm)")
        );
        assert!(!warn("DCGM_FI_DEV_GPU_UTIL", "60").contains("falls while"));
    }

    #[test]
    fn a_ratio_against_percent_is_named() {
        assert!(
            warn("DCGM_FI_DEV_GPU_UTIL", "600m").contains("the target 0.6 of gpu_utilization is below a hundredth")
        );
        assert!(!warn("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "600m").contains("below a hundredth"));
        assert!(!warn("DCGM_FI_DEV_GPU_UTIL", "5").contains("below a hundredth"));
    }
}
