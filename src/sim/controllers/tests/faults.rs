//! What is wrong with pods, and what others do.

use super::*;
use crate::sim::controllers::config::{
    ClusterInjection, InjectionAction, InjectionTime, InjectionTrigger, NewPodFault,
};
use crate::sim::controllers::kinds::{LEASE, NODE};
use crate::units::HumanDuration;

async fn scaled_up(new_pods: NewPodFault) -> ControllerFixture {
    let bench =
        ControllerFixture::with_config(ControllerConfig { new_pod_fault: new_pods, ..ControllerConfig::default() });
    bench.advance(20).await;
    bench.set_replicas(2);
    bench.advance(40).await;
    bench
}

fn waiting_reason(bench: &ControllerFixture) -> Option<String> {
    let pods = bench.pods().0;
    let mut reasons =
        pods.iter().map(|pod| pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].clone());
    reasons.find_map(|reason| reason.as_str().map(str::to_owned))
}

#[tokio::test(start_paused = true)]
async fn pods_beyond_the_first_fail_as_they_are_told_to() {
    assert_eq!(
        (scaled_up(NewPodFault::None).await.pods().1, scaled_up(NewPodFault::NeverReady).await.pods().1),
        (2, 1)
    );
    assert_eq!(scaled_up(NewPodFault::ReadyLate(HumanDuration::from_secs(60))).await.pods().1, 1);
    let looping = scaled_up(NewPodFault::CrashLoop).await;
    assert_eq!((looping.pods().1, waiting_reason(&looping).as_deref()), (1, Some("CrashLoopBackOff")));
    assert_eq!(waiting_reason(&scaled_up(NewPodFault::ImagePullFailure).await).as_deref(), Some("ImagePullBackOff"));
    let astray = scaled_up(NewPodFault::WrongNode).await;
    let on = |node: &str| astray.pods().0.iter().filter(|pod| pod["spec"]["nodeName"] == node).count();
    assert_eq!((astray.pods().1, on("cpu-1")), (2, 1));
    let unending = scaled_up(NewPodFault::NeverTerminates).await;
    unending.set_replicas(1);
    unending.advance(300).await;
    assert_eq!(unending.pods().0.len(), 2);
}

async fn after_injection(what: InjectionAction) -> ControllerFixture {
    let when = InjectionTime { trigger: InjectionTrigger::FirstScaleUp, after: HumanDuration::from_secs(50) };
    let bench = ControllerFixture::with_config(ControllerConfig {
        injections: vec![ClusterInjection { time: when, action: what }],
        ..ControllerConfig::default()
    });
    bench.advance(20).await;
    bench.create_hpa();
    bench.advance(20).await;
    bench.set_metric(Ok(62));
    bench.set_replicas(2);
    bench.advance(52).await;
    bench
}

#[tokio::test(start_paused = true)]
async fn others_interfere_when_they_are_told_to() {
    assert_eq!(after_injection(InjectionAction::PatchScale(1)).await.replicas(), 3);
    assert_eq!(after_injection(InjectionAction::PatchWorkload(-1)).await.replicas(), 1);
    let bench = after_injection(InjectionAction::SecondHpa).await;
    bench.advance(20).await;
    assert_eq!(bench.hpa_condition("ScalingActive"), "False/AmbiguousSelector");
    let bench = after_injection(InjectionAction::KubeletRestart(HumanDuration::from_secs(5))).await;
    assert_eq!(bench.pods().1, 0);
    bench.advance(5).await;
    assert_eq!(bench.pods().1, 2);
    let bench = after_injection(InjectionAction::NodeLost).await;
    let ready = || {
        let nodes = bench.cluster.list(&NODE, None);
        (bench.pods().1, nodes.iter().filter(|node| condition::is_condition_true(node, "Ready")).count())
    };
    assert_eq!(ready(), (2, 2), "nobody knows it yet");
    bench.advance(50).await;
    assert_eq!(ready(), (1, 1));
    bench.advance(320).await;
    assert_eq!((ready(), bench.pods().0.len()), ((2, 1), 3), "one in its place, and it never ends");
    let bench = after_injection(InjectionAction::TenantPods(9)).await;
    bench.set_replicas(3);
    bench.advance(20).await;
    assert_eq!(bench.pods().1, 2, "none is left");
    let bench = after_injection(InjectionAction::ManagerRestart).await;
    let lease = bench.cluster.get(&LEASE, "kube-system", "kube-controller-manager").unwrap();
    assert_eq!(lease["spec"]["leaseTransitions"], 2);
}
