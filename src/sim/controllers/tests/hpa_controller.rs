//! The HPA controller.

use super::*;
use crate::sim::config::HpaFault;
use crate::sim::config::hpa_controller::HpaControllerConfig;
use crate::units::HumanDuration;

#[tokio::test(start_paused = true)]
async fn the_metric_scales_up_and_after_the_window_down() {
    let fixture = ControllerFixture::with_config(ControllerConfig::default());
    fixture.advance(20).await;
    fixture.create_hpa();
    fixture.advance(45).await;
    assert_eq!((fixture.replicas(), fixture.hpa_condition("ScalingActive").as_str()), (1, "True/ValidMetricFound"));
    let averaged = fixture.hpa()["status"]["currentMetrics"][0]["pods"].clone();
    assert_eq!(averaged, json!({"metric": {"name": "gpu"}, "current": {"averageValue": "10"}}));
    fixture.set_metric(Ok(100));
    fixture.advance(20).await;
    assert_eq!(fixture.replicas(), 2);
    let target = fixture.cluster.get(&DEPLOYMENT, "ai", "ollama").unwrap();
    assert_eq!(fixture.hpa()["status"]["desiredReplicas"], 2);
    assert!(fixture.hpa()["status"]["lastScaleTime"].is_string() && target["metadata"]["generation"] == 2);
    fixture.set_metric(Ok(0));
    fixture.advance(40).await;
    assert_eq!((fixture.replicas(), fixture.hpa_condition("AbleToScale").as_str()), (2, "True/ScaleDownStabilized"));
    fixture.advance(40).await;
    assert_eq!(fixture.replicas(), 1);
    let rescaled: Vec<_> = fixture
        .recorded_events("HorizontalPodAutoscaler")
        .into_iter()
        .filter(|event| event.0 == "SuccessfulRescale")
        .map(|t| t.1)
        .collect();
    assert!(rescaled.contains(&"New size: 2; reason: pods metric gpu above target".to_owned()));
    assert!(rescaled.contains(&"New size: 1; reason: All metrics below target".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_metric_that_is_not_served_makes_it_inactive_in_the_controllers_words() {
    let fixture = ControllerFixture::with_config(ControllerConfig::default());
    fixture.set_metric(Err("the server could not find the metric gpu for pods"));
    fixture.advance(20).await;
    fixture.create_hpa();
    fixture.advance(16).await;
    assert_eq!(fixture.hpa_condition("ScalingActive"), "False/FailedGetPodsMetric");
    let message = "unable to get metric gpu: unable to fetch metrics from custom metrics API: the server could not find \
                   the metric gpu for pods";
    assert!(
        fixture
            .recorded_events("HorizontalPodAutoscaler")
            .contains(&("FailedGetPodsMetric".to_owned(), message.to_owned()))
    );
    assert_eq!(fixture.hpa()["status"]["currentMetrics"], json!([{"type": ""}]));
}

/// Replicas at the end of an idle, a loaded and another idle period.
async fn sizes_under_fault(fault: HpaFault) -> (i64, i64, i64) {
    let hpa_controller = HpaControllerConfig { fault, ..HpaControllerConfig::default() };
    let fixture = ControllerFixture::with_config(ControllerConfig { hpa_controller, ..ControllerConfig::default() });
    fixture.advance(20).await;
    fixture.create_hpa();
    fixture.advance(75).await;
    let idle = fixture.replicas();
    fixture.set_metric(Ok(100));
    fixture.advance(45).await;
    let loaded = fixture.replicas();
    fixture.set_metric(Ok(0));
    fixture.advance(35).await;
    (idle, loaded, fixture.replicas())
}

#[tokio::test(start_paused = true)]
async fn a_flapping_controller_keeps_scaling() {
    let hpa_controller =
        HpaControllerConfig { fault: HpaFault::FlapsAfter(HumanDuration::default()), ..HpaControllerConfig::default() };
    let fixture = ControllerFixture::with_config(ControllerConfig { hpa_controller, ..ControllerConfig::default() });
    fixture.create_hpa();
    fixture.advance(30).await;
    fixture.set_metric(Ok(100));
    let mut sizes = Vec::new();
    for _ in 0..12 {
        fixture.advance(15).await;
        sizes.push(fixture.replicas());
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
    for (fault, expected) in cases {
        assert_eq!(sizes_under_fault(fault).await, expected, "{fault:?}");
    }
}
