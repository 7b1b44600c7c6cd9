//! Pod faults and injections.

use super::*;
use crate::sim::config::{ClusterInjection, InjectionAction, InjectionTime, InjectionTrigger, NewPodFault};
use crate::sim::objects::condition;
use crate::sim::objects::kinds::{LEASE, NODE};
use crate::units::HumanDuration;

async fn scaled_up(new_pod_fault: NewPodFault) -> ControllerFixture {
    let fixture = ControllerFixture::with_config(ControllerConfig { new_pod_fault, ..ControllerConfig::default() });
    fixture.advance(20).await;
    fixture.set_replicas(2);
    fixture.advance(40).await;
    fixture
}

fn waiting_reason(fixture: &ControllerFixture) -> Option<String> {
    let pods = fixture.pods().0;
    let mut reasons =
        pods.iter().map(|pod| pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].clone());
    reasons.find_map(|reason| reason.as_str().map(str::to_owned))
}

#[tokio::test(start_paused = true)]
async fn pods_beyond_the_first_fail_as_configured() {
    assert_eq!(
        (scaled_up(NewPodFault::None).await.pods().1, scaled_up(NewPodFault::NeverReady).await.pods().1),
        (2, 1)
    );
    assert_eq!(scaled_up(NewPodFault::ReadyLate(HumanDuration::from_secs(60))).await.pods().1, 1);
    let looping = scaled_up(NewPodFault::CrashLoop).await;
    assert_eq!((looping.pods().1, waiting_reason(&looping).as_deref()), (1, Some("CrashLoopBackOff")));
    assert_eq!(waiting_reason(&scaled_up(NewPodFault::ImagePullFailure).await).as_deref(), Some("ImagePullBackOff"));
    let wrong_node = scaled_up(NewPodFault::WrongNode).await;
    let on = |node: &str| wrong_node.pods().0.iter().filter(|pod| pod["spec"]["nodeName"] == node).count();
    assert_eq!((wrong_node.pods().1, on("cpu-1")), (2, 1));
    let never_terminates = scaled_up(NewPodFault::NeverTerminates).await;
    never_terminates.set_replicas(1);
    never_terminates.advance(300).await;
    assert_eq!(never_terminates.pods().0.len(), 2);
}

/// The number of ready pods in each of the next seconds.
async fn ready_pods(fixture: &ControllerFixture, seconds: usize) -> Vec<usize> {
    let mut ready = Vec::new();
    for _ in 0..seconds {
        fixture.advance(1).await;
        ready.push(fixture.pods().1);
    }
    ready
}

#[tokio::test(start_paused = true)]
async fn new_pods_that_are_killed_lose_their_readiness_and_start_again() {
    let killed = async |kills: u32| {
        let new_pod_fault = NewPodFault::KilledAfterReady { after: HumanDuration::from_secs(6), kills };
        let fixture = ControllerFixture::with_config(ControllerConfig { new_pod_fault, ..ControllerConfig::default() });
        fixture.advance(20).await;
        fixture.set_replicas(2);
        let ready = ready_pods(&fixture, 200).await;
        let restarts = |pod: &Arc<Value>| pod["status"]["containerStatuses"][0]["restartCount"].as_i64().unwrap();
        let restarts: Vec<i64> = fixture.pods().0.iter().map(restarts).collect();
        let spans = ready.chunk_by(|one, other| one == other).map(|span| (span[0], span.len())).collect::<Vec<_>>();
        (fixture, spans, restarts.into_iter().max().unwrap())
    };
    let (_, spans, restarts) = killed(1).await;
    assert!(matches!(spans[..], [(1, _), (2, 5..=7), (1, 1..), (2, 100..)]) && restarts == 1, "{spans:?} {restarts}");
    let (fixture, spans, restarts) = killed(u32::MAX).await;
    let pauses: Vec<usize> = spans.iter().filter(|(ready, _)| *ready == 1).map(|(_, length)| *length).collect();
    let moments = spans.iter().filter(|(ready, _)| *ready == 2).skip(1);
    assert!(restarts >= 4 && pauses.is_sorted_by(|one, other| one + 5 <= *other || *one < 12), "{spans:?}");
    assert!(moments.clone().count() >= 3 && moments.clone().all(|(_, length)| *length <= 4), "{spans:?}");
    let last = fixture.pods().0.into_iter().find(|pod| !condition::is_condition_true(pod, "Ready")).unwrap();
    let status = &last["status"]["containerStatuses"][0];
    assert_eq!(status["lastState"]["terminated"]["reason"], "OOMKilled");
    assert_eq!(waiting_reason(&fixture).as_deref(), Some("CrashLoopBackOff"));
}

async fn after_injection(action: InjectionAction) -> ControllerFixture {
    let time = InjectionTime { trigger: InjectionTrigger::FirstScaleUp, after: HumanDuration::from_secs(50) };
    let fixture = ControllerFixture::with_config(ControllerConfig {
        injections: vec![ClusterInjection { time, action }],
        ..ControllerConfig::default()
    });
    fixture.advance(20).await;
    fixture.create_hpa();
    fixture.advance(20).await;
    fixture.set_metric(Ok(62));
    fixture.set_replicas(2);
    fixture.advance(52).await;
    fixture
}

#[tokio::test(start_paused = true)]
async fn injections_happen_at_their_trigger() {
    assert_eq!(after_injection(InjectionAction::PatchScale(1)).await.replicas(), 3);
    assert_eq!(after_injection(InjectionAction::PatchWorkload(-1)).await.replicas(), 1);
    let fixture = after_injection(InjectionAction::SecondHpa).await;
    fixture.advance(20).await;
    assert_eq!(fixture.hpa_condition("ScalingActive"), "False/AmbiguousSelector");
    let fixture = after_injection(InjectionAction::KubeletRestart(HumanDuration::from_secs(5))).await;
    assert_eq!(fixture.pods().1, 0);
    fixture.advance(5).await;
    assert_eq!(fixture.pods().1, 2);
    let fixture = after_injection(InjectionAction::NodeLost).await;
    let ready = || {
        let nodes = fixture.cluster.list(&NODE, None);
        (fixture.pods().1, nodes.iter().filter(|node| condition::is_condition_true(node, "Ready")).count())
    };
    assert_eq!(ready(), (2, 2), "the cluster does not know it yet");
    fixture.advance(50).await;
    assert_eq!(ready(), (1, 1));
    fixture.advance(320).await;
    assert_eq!((ready(), fixture.pods().0.len()), ((2, 1), 3), "one pod replaces it, and it never terminates");
    let fixture = after_injection(InjectionAction::TenantPods(9)).await;
    fixture.set_replicas(3);
    fixture.advance(20).await;
    assert_eq!(fixture.pods().1, 2, "no accelerator is free");
    let fixture = after_injection(InjectionAction::ManagerRestart).await;
    let lease = fixture.cluster.get(&LEASE, "kube-system", "kube-controller-manager").unwrap();
    assert_eq!(lease["spec"]["leaseTransitions"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_drained_node_gives_its_pods_to_another_and_takes_pods_again_later() {
    let fixture = after_injection(InjectionAction::NodeDrained(HumanDuration::from_secs(60))).await;
    let nodes = || {
        let mut nodes: Vec<_> = fixture.pods().0.iter().map(|pod| pod["spec"]["nodeName"].to_string()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes.len()
    };
    fixture.advance(30).await;
    let cordoned = fixture.cluster.list(&NODE, None);
    assert_eq!(cordoned.iter().filter(|node| node["spec"]["unschedulable"] == true).count(), 1);
    assert_eq!((fixture.pods().1, nodes()), (2, 1), "both pods are on the other node");
    fixture.set_replicas(3);
    fixture.advance(20).await;
    let message = "1 node(s) were unschedulable";
    assert!(fixture.recorded_events("Pod").iter().any(|(_, text)| text.contains(message)), "the other node is full");
    fixture.advance(30).await;
    assert_eq!((fixture.pods().1, nodes()), (3, 2));
}
