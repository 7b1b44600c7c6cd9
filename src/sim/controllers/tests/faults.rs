//! What is wrong with pods, and what others do.

use super::*;
use crate::sim::controllers::kinds::{LEASE, NODE};
use crate::sim::controllers::setting::{Mishap, Moment, NewPods, What, When};
use crate::units::Span;

async fn grown(new_pods: NewPods) -> Bench {
    let bench = Bench::with(ControllerSetting { new_pods, ..ControllerSetting::default() });
    bench.pass(20).await;
    bench.scale(2);
    bench.pass(40).await;
    bench
}

fn waiting(bench: &Bench) -> Option<String> {
    let pods = bench.pods().0;
    let mut reasons =
        pods.iter().map(|pod| pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].clone());
    reasons.find_map(|reason| reason.as_str().map(str::to_owned))
}

#[tokio::test(start_paused = true)]
async fn pods_beyond_the_first_fail_as_they_are_told_to() {
    assert_eq!((grown(NewPods::Healthy).await.pods().1, grown(NewPods::NeverReady).await.pods().1), (2, 1));
    assert_eq!(grown(NewPods::Late(Span::from_secs(60))).await.pods().1, 1);
    let looping = grown(NewPods::CrashLoop).await;
    assert_eq!((looping.pods().1, waiting(&looping).as_deref()), (1, Some("CrashLoopBackOff")));
    assert_eq!(waiting(&grown(NewPods::NoImage).await).as_deref(), Some("ImagePullBackOff"));
    let astray = grown(NewPods::WrongNode).await;
    let on = |node: &str| astray.pods().0.iter().filter(|pod| pod["spec"]["nodeName"] == node).count();
    assert_eq!((astray.pods().1, on("cpu-1")), (2, 1));
    let unending = grown(NewPods::Unending).await;
    unending.scale(1);
    unending.pass(300).await;
    assert_eq!(unending.pods().0.len(), 2);
}

async fn befallen(what: What) -> Bench {
    let when = When { moment: Moment::FirstRise, after: Span::from_secs(50) };
    let bench = Bench::with(ControllerSetting { mishaps: vec![Mishap { when, what }], ..ControllerSetting::default() });
    bench.pass(20).await;
    bench.autoscale();
    bench.pass(20).await;
    bench.serve(Ok(62));
    bench.scale(2);
    bench.pass(52).await;
    bench
}

#[tokio::test(start_paused = true)]
async fn others_interfere_when_they_are_told_to() {
    assert_eq!(befallen(What::Scales(1)).await.size(), 3);
    assert_eq!(befallen(What::Edits(-1)).await.size(), 1);
    let bench = befallen(What::SecondAutoscaler).await;
    bench.pass(20).await;
    assert_eq!(bench.hpa_says("ScalingActive"), "False/AmbiguousSelector");
    let bench = befallen(What::KubeletRestart(Span::from_secs(5))).await;
    assert_eq!(bench.pods().1, 0);
    bench.pass(5).await;
    assert_eq!(bench.pods().1, 2);
    let bench = befallen(What::NodeLost).await;
    let ready = || {
        let nodes = bench.cluster.list(&NODE, None);
        (bench.pods().1, nodes.iter().filter(|node| condition::holds(node, "Ready")).count())
    };
    assert_eq!(ready(), (2, 2), "nobody knows it yet");
    bench.pass(50).await;
    assert_eq!(ready(), (1, 1));
    bench.pass(320).await;
    assert_eq!((ready(), bench.pods().0.len()), ((2, 1), 3), "one in its place, and it never ends");
    let bench = befallen(What::Tenant(9)).await;
    bench.scale(3);
    bench.pass(20).await;
    assert_eq!(bench.pods().1, 2, "none is left");
    let bench = befallen(What::ManagerRestart).await;
    let lease = bench.cluster.get(&LEASE, "kube-system", "kube-controller-manager").unwrap();
    assert_eq!(lease["spec"]["leaseTransitions"], 2);
}
