//! The HPA controller.

use super::*;
use crate::sim::controllers::setting::{AutoscalerSetting, Behaves};
use crate::units::Span;

#[tokio::test(start_paused = true)]
async fn the_metric_drives_the_size_up_and_after_the_window_down() {
    let bench = Bench::with(ControllerSetting::default());
    bench.pass(20).await;
    bench.autoscale();
    bench.pass(45).await;
    assert_eq!((bench.size(), bench.hpa_says("ScalingActive").as_str()), (1, "True/ValidMetricFound"));
    let averaged = bench.hpa()["status"]["currentMetrics"][0]["pods"].clone();
    assert_eq!(averaged, json!({"metric": {"name": "gpu"}, "current": {"averageValue": "10"}}));
    bench.serve(Ok(100));
    bench.pass(20).await;
    assert_eq!(bench.size(), 2);
    let target = bench.cluster.get(&DEPLOYMENT, "ai", "ollama").unwrap();
    assert_eq!(bench.hpa()["status"]["desiredReplicas"], 2);
    assert!(bench.hpa()["status"]["lastScaleTime"].is_string() && target["metadata"]["generation"] == 2);
    bench.serve(Ok(0));
    bench.pass(40).await;
    assert_eq!((bench.size(), bench.hpa_says("AbleToScale").as_str()), (2, "True/ScaleDownStabilized"));
    bench.pass(40).await;
    assert_eq!(bench.size(), 1);
    let rescaled: Vec<_> = bench
        .told("HorizontalPodAutoscaler")
        .into_iter()
        .filter(|told| told.0 == "SuccessfulRescale")
        .map(|t| t.1)
        .collect();
    assert!(rescaled.contains(&"New size: 2; reason: pods metric gpu above target".to_owned()));
    assert!(rescaled.contains(&"New size: 1; reason: All metrics below target".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_metric_that_is_not_served_makes_it_inactive_in_the_controllers_words() {
    let bench = Bench::with(ControllerSetting::default());
    bench.serve(Err("the server could not find the metric gpu for pods"));
    bench.pass(20).await;
    bench.autoscale();
    bench.pass(16).await;
    assert_eq!(bench.hpa_says("ScalingActive"), "False/FailedGetPodsMetric");
    let message = "unable to get metric gpu: unable to fetch metrics from custom metrics API: the server could not find \
                   the metric gpu for pods";
    assert!(bench.told("HorizontalPodAutoscaler").contains(&("FailedGetPodsMetric".to_owned(), message.to_owned())));
    assert_eq!(bench.hpa()["status"]["currentMetrics"], json!([{"type": ""}]));
}

/// Largest and smallest size over a loaded minute and two idle ones.
async fn under(behaves: Behaves) -> (i64, i64, i64) {
    let autoscaler = AutoscalerSetting { behaves, ..AutoscalerSetting::default() };
    let bench = Bench::with(ControllerSetting { autoscaler, ..ControllerSetting::default() });
    bench.pass(20).await;
    bench.autoscale();
    bench.pass(75).await;
    let idle = bench.size();
    bench.serve(Ok(100));
    bench.pass(45).await;
    let loaded = bench.size();
    bench.serve(Ok(0));
    bench.pass(35).await;
    (idle, loaded, bench.size())
}

#[tokio::test(start_paused = true)]
async fn one_that_flaps_never_rests() {
    let autoscaler =
        AutoscalerSetting { behaves: Behaves::FlapsAfter(Span::default()), ..AutoscalerSetting::default() };
    let bench = Bench::with(ControllerSetting { autoscaler, ..ControllerSetting::default() });
    bench.autoscale();
    bench.pass(30).await;
    bench.serve(Ok(100));
    let mut sizes = Vec::new();
    for _ in 0..12 {
        bench.pass(15).await;
        sizes.push(bench.size());
    }
    assert!(sizes.windows(2).filter(|two| two[1] < two[0]).count() > 3, "{sizes:?}");
}

#[tokio::test(start_paused = true)]
async fn each_misbehaviour_shows() {
    let cases = [
        (Behaves::Lawfully, (1, 3, 3)),
        (Behaves::Off, (1, 1, 1)),
        (Behaves::StuckAfter(2), (1, 1, 1)),
        (Behaves::StopsAfterRise, (1, 2, 2)),
        (Behaves::NeverUp, (1, 1, 1)),
        (Behaves::NeverDown, (1, 3, 3)),
        (Behaves::WindowPercent(0), (1, 3, 1)),
        (Behaves::BeyondMax(2), (1, 5, 5)),
        (Behaves::Alone(Span::from_secs(30)), (2, 3, 3)),
    ];
    for (behaves, expected) in cases {
        assert_eq!(under(behaves).await, expected, "{behaves:?}");
    }
}
