//! The HPA controller.

use super::*;
use crate::sim::controllers::config::{HpaControllerConfig, HpaFault};
use crate::units::HumanDuration;

#[tokio::test(start_paused = true)]
async fn the_metric_drives_the_size_up_and_after_the_window_down() {
    let bench = ControllerFixture::with_config(ControllerConfig::default());
    bench.advance(20).await;
    bench.create_hpa();
    bench.advance(45).await;
    assert_eq!((bench.replicas(), bench.hpa_condition("ScalingActive").as_str()), (1, "True/ValidMetricFound"));
    let averaged = bench.hpa()["status"]["currentMetrics"][0]["pods"].clone();
    assert_eq!(averaged, json!({"metric": {"name": "gpu"}, "current": {"averageValue": "10"}}));
    bench.set_metric(Ok(100));
    bench.advance(20).await;
    assert_eq!(bench.replicas(), 2);
    let target = bench.cluster.get(&DEPLOYMENT, "ai", "ollama").unwrap();
    assert_eq!(bench.hpa()["status"]["desiredReplicas"], 2);
    assert!(bench.hpa()["status"]["lastScaleTime"].is_string() && target["metadata"]["generation"] == 2);
    bench.set_metric(Ok(0));
    bench.advance(40).await;
    assert_eq!((bench.replicas(), bench.hpa_condition("AbleToScale").as_str()), (2, "True/ScaleDownStabilized"));
    bench.advance(40).await;
    assert_eq!(bench.replicas(), 1);
    let rescaled: Vec<_> = bench
        .recorded_events("HorizontalPodAutoscaler")
        .into_iter()
        .filter(|told| told.0 == "SuccessfulRescale")
        .map(|t| t.1)
        .collect();
    assert!(rescaled.contains(&"New size: 2; reason: pods metric gpu above target".to_owned()));
    assert!(rescaled.contains(&"New size: 1; reason: All metrics below target".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_metric_that_is_not_served_makes_it_inactive_in_the_controllers_words() {
    let bench = ControllerFixture::with_config(ControllerConfig::default());
    bench.set_metric(Err("the server could not find the metric gpu for pods"));
    bench.advance(20).await;
    bench.create_hpa();
    bench.advance(16).await;
    assert_eq!(bench.hpa_condition("ScalingActive"), "False/FailedGetPodsMetric");
    let message = "unable to get metric gpu: unable to fetch metrics from custom metrics API: the server could not find \
                   the metric gpu for pods";
    assert!(
        bench
            .recorded_events("HorizontalPodAutoscaler")
            .contains(&("FailedGetPodsMetric".to_owned(), message.to_owned()))
    );
    assert_eq!(bench.hpa()["status"]["currentMetrics"], json!([{"type": ""}]));
}

/// Largest and smallest size over a loaded minute and two idle ones.
async fn sizes_under_fault(behaves: HpaFault) -> (i64, i64, i64) {
    let autoscaler = HpaControllerConfig { fault: behaves, ..HpaControllerConfig::default() };
    let bench =
        ControllerFixture::with_config(ControllerConfig { hpa_controller: autoscaler, ..ControllerConfig::default() });
    bench.advance(20).await;
    bench.create_hpa();
    bench.advance(75).await;
    let idle = bench.replicas();
    bench.set_metric(Ok(100));
    bench.advance(45).await;
    let loaded = bench.replicas();
    bench.set_metric(Ok(0));
    bench.advance(35).await;
    (idle, loaded, bench.replicas())
}

#[tokio::test(start_paused = true)]
async fn one_that_flaps_never_rests() {
    let autoscaler =
        HpaControllerConfig { fault: HpaFault::FlapsAfter(HumanDuration::default()), ..HpaControllerConfig::default() };
    let bench =
        ControllerFixture::with_config(ControllerConfig { hpa_controller: autoscaler, ..ControllerConfig::default() });
    bench.create_hpa();
    bench.advance(30).await;
    bench.set_metric(Ok(100));
    let mut sizes = Vec::new();
    for _ in 0..12 {
        bench.advance(15).await;
        sizes.push(bench.replicas());
    }
    assert!(sizes.windows(2).filter(|two| two[1] < two[0]).count() > 3, "{sizes:?}");
}

#[tokio::test(start_paused = true)]
async fn each_hpa_fault_shows() {
    let cases = [
        (HpaFault::None, (1, 3, 3)),
        (HpaFault::Off, (1, 1, 1)),
        (HpaFault::StuckAfter(2), (1, 1, 1)),
        (HpaFault::StopsAfterScaleUp, (1, 2, 2)),
        (HpaFault::NeverScalesUp, (1, 1, 1)),
        (HpaFault::NeverScalesDown, (1, 3, 3)),
        (HpaFault::StabilizationPercent(0), (1, 3, 1)),
        (HpaFault::ExceedsMax(2), (1, 5, 5)),
        (HpaFault::SpuriousScaleUp(HumanDuration::from_secs(30)), (2, 3, 3)),
    ];
    for (behaves, expected) in cases {
        assert_eq!(sizes_under_fault(behaves).await, expected, "{behaves:?}");
    }
}
