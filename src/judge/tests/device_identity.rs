//! Which accelerator a pod has, and whether pods have the same one.

use std::sync::Arc;

use super::run_fixture::{FALL, OLD, RunFixture, SECOND, edit_samples, healthy, real_accelerators};
use crate::judge::Check;
use crate::model::observation::{ClaimedDevice, NodeSnapshot, Observation, ObservationKind, PodSnapshot, ProbeRecord};
use crate::model::scenario::Accelerator;

use Check::{NewPodsRunOnAccelerators, NewPodsServe, PodsRequestAccelerators};

/// Changes all pods; the number of a pod is that of its first observation.
fn each_pod(run: RunFixture, change: impl Fn(usize, &mut PodSnapshot)) -> RunFixture {
    let mut names: Vec<String> = Vec::new();
    run.each(|o| {
        if let ObservationKind::Pod(pod) = &mut o.kind {
            let number = names.iter().position(|name| *name == pod.name).unwrap_or_else(|| {
                names.push(pod.name.clone());
                names.len() - 1
            });
            change(number, pod);
        }
    })
}

/// Pods that request only this resource, on nodes that offer it.
fn with_resource(run: RunFixture, resource: &'static str) -> RunFixture {
    let run = each_pod(run, |_, pod| pod.extended_resources = [(resource.to_owned(), 1)].into());
    run.each(|o| {
        if let ObservationKind::Node(node) = &mut o.kind {
            node.allocatable = [(resource.to_owned(), 110)].into();
        }
    })
}

fn auto(run: RunFixture) -> RunFixture {
    let run = run.scenario(|s| s.accelerator = Accelerator::Auto);
    run.probes(|probe| probe.model_accelerator_bytes = probe.model_bytes)
}

#[test]
fn a_resource_that_is_known_to_be_something_else_is_no_accelerator() {
    for (resource, kind) in [
        ("vpc.amazonaws.com/pod-eni", "a network interface"),
        ("rdma/hca_shared_devices", "an RDMA device"),
        ("devices.kubevirt.io/kvm", "a device for virtual machines"),
        ("smarter-devices/fuse", "a device for file systems"),
        ("example.com/hugepages-2Mi", "memory"),
    ] {
        let run = with_resource(auto(healthy()), resource);
        run.assert_inconclusive(PodsRequestAccelerators, &format!("extended resources: {resource}=1, which is {kind}"));
        let named = run.scenario(|s| s.accelerator = Accelerator::Resource(resource.to_owned()));
        named.assert_inconclusive(PodsRequestAccelerators, kind);
    }
    with_resource(auto(healthy()), "vendor.example/chip")
        .assert_passes(PodsRequestAccelerators, "vendor.example/chip=1");
}

#[test]
fn with_a_named_resource_a_claim_does_not_count() {
    let claims = each_pod(real_accelerators(), |_, pod| {
        pod.extended_resources.clear();
        pod.allocated_devices.clear();
        pod.resource_claims = vec![format!("nic-{}", pod.name)];
    });
    let claims = claims.each(|o| {
        if let ObservationKind::Node(node) = &mut o.kind {
            node.allocatable.clear();
        }
    });
    claims.assert_inconclusive(PodsRequestAccelerators, "the scenario names nvidia.com/gpu, so a claim does not count");
    let of_auto = claims.scenario(|s| s.accelerator = Accelerator::Auto);
    of_auto.assert_passes_with_finding(
        PodsRequestAccelerators,
        "no known driver of accelerators is recorded for claim nic-",
    );
    let shared = each_pod(of_auto, |_, pod| pod.resource_claims = vec!["one".to_owned()]);
    shared.assert_passes_with_finding(
        PodsRequestAccelerators,
        "no known driver of accelerators is recorded for claim one: that it is one shows only by where the model is",
    );
}

/// Pods with a claim each, whose allocation the probes of the new pods record.
fn claimed(driver: &'static str) -> RunFixture {
    let run = each_pod(auto(healthy()), |_, pod| {
        pod.extended_resources.clear();
        pod.allocated_devices.clear();
        pod.resource_claims = vec![format!("claim-{}", pod.name)];
    });
    run.probes(|probe| {
        probe.claimed_devices = vec![ClaimedDevice {
            claim: format!("claim-{}", probe.pod),
            driver: driver.to_owned(),
            pool: "rig-node".to_owned(),
            device: format!("dev-{}", probe.pod),
            ..ClaimedDevice::default()
        }];
    })
}

#[test]
fn the_driver_of_a_claim_decides_what_it_is() {
    let gpu = claimed("gpu.nvidia.com");
    gpu.assert_passes_with_finding(NewPodsRunOnAccelerators, "of gpu.nvidia.com)");
    claimed("dra.net").assert_inconclusive(
        PodsRequestAccelerators,
        "(dev-ollama-7fd697578d-fcd5l of dra.net), which is a network interface",
    );
    claimed("new.example").assert_passes_with_finding(PodsRequestAccelerators, "of new.example)");
}

#[test]
fn the_device_of_a_pod_is_that_of_its_accelerator_and_not_its_network_card() {
    let with_network_card = |accelerators: bool| {
        each_pod(healthy(), move |number, pod| {
            pod.extended_resources.insert("vpc.amazonaws.com/efa".to_owned(), 1);
            if let Some(id) = pod.allocated_devices.first().cloned() {
                let card = format!("0000:00:1{number}.0");
                pod.devices_by_resource = [("vpc.amazonaws.com/efa".to_owned(), vec![card.clone()])].into();
                if accelerators {
                    pod.devices_by_resource.insert("nvidia.com/gpu".to_owned(), vec![id.clone()]);
                }
                pod.allocated_devices = if accelerators { vec![card, id] } else { vec![card] };
            }
        })
    };
    let both = with_network_card(true);
    both.assert_passes_with_finding(NewPodsRunOnAccelerators, "with GPU-6f1d2c3a-0001-4a5b-8c9d-000000000001 after");
    with_network_card(false).assert_passes_with_finding(NewPodsRunOnAccelerators, "(by the exporter's labels)");
}

#[test]
fn a_pod_whose_node_offers_another_accelerator_alone_is_a_contradiction() {
    let run = healthy().each(|o| {
        if let ObservationKind::Node(node) = &mut o.kind {
            node.allocatable = [("amd.com/gpu".to_owned(), 8), ("nvidia.com/gpu".to_owned(), 0)].into();
        }
    });
    run.assert_inconclusive(NewPodsRunOnAccelerators, "requests nvidia.com/gpu, which its node rig-node never offered");
}

#[test]
fn one_resource_is_not_missing_because_of_another_one() {
    // 300 devices for file systems do not make up for GPUs, nor do 300 of another accelerator.
    for other in ["github.com/fuse", "vendor.example/chip"] {
        let message = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.";
        let run = each_pod(auto(healthy()), |_, pod| {
            pod.extended_resources.insert(other.to_owned(), 1);
        });
        let run = run.pods(SECOND, |_, pod| {
            pod.ready = false;
            pod.phase = "Pending".to_owned();
            pod.not_running = Some(crate::model::observation::NotRunningReason {
                reason: "Unschedulable".to_owned(),
                message: message.to_owned(),
            });
        });
        let run = run.each(|o| {
            if let ObservationKind::Node(node) = &mut o.kind {
                node.allocatable = [(other.to_owned(), 300), ("nvidia.com/gpu".to_owned(), 1)].into();
            }
        });
        // Waiting does not help: the result is final while the load runs.
        let live = run.without(|o| o.at_ms > 48_000);
        let result = live.evaluate(NewPodsRunOnAccelerators);
        assert_eq!(result.status, crate::judge::CheckStatus::Inconclusive, "{other}: {}", result.reason);
    }
}

#[test]
fn ids_of_replicas_of_one_device_are_named_in_every_form() {
    let with_ids = |id: fn(usize) -> String| {
        let run = each_pod(healthy(), move |number, pod| {
            if !pod.allocated_devices.is_empty() {
                pod.allocated_devices = vec![id(number)];
            }
        });
        // The recorded labels are of other devices.
        run.each(|o| {
            if let ObservationKind::Metric(reading) = &mut o.kind {
                edit_samples(&mut reading.result, |sample| drop(Arc::make_mut(&mut sample.labels).remove("UUID")));
            }
        })
    };
    let shared = |id: fn(usize) -> String, text: &str| {
        with_ids(id).assert_passes_with_finding(NewPodsRunOnAccelerators, text);
    };
    shared(|n| format!("nvidia0/vgpu{n}"), "share nvidia0 of node rig-node, so no accelerator was added");
    shared(
        |n| format!("GPU-6f1d2c3a-0003-4a5b-8c9d-000000000003::{n}"),
        "share GPU-6f1d2c3a-0003-4a5b-8c9d-000000000003, so",
    );
    shared(
        |n| format!("GPU-6f1d2c3a-0003-4a5b-8c9d-000000000003-{n}"),
        "share GPU-6f1d2c3a-0003-4a5b-8c9d-000000000003, so",
    );
    shared(|n| format!("GPU-0-{n}"), "may be parts or replicas of GPU-0 of node rig-node");
    shared(|n| format!("card0-{n}"), "may be parts or replicas of card0 of node rig-node");
    let findings = with_ids(|n| format!("nvidia{n}")).evaluate(NewPodsRunOnAccelerators).findings;
    assert!(!findings.iter().any(|finding| finding.contains("sharing")), "{findings:?}");
}

#[test]
fn one_claim_for_all_replicas_is_sharing() {
    let run = each_pod(healthy(), |_, pod| {
        pod.extended_resources.clear();
        pod.allocated_devices.clear();
        pod.resource_claims = vec!["the-one-gpu".to_owned()];
    });
    run.assert_passes_with_finding(NewPodsRunOnAccelerators, "share the resource claim the-one-gpu");
}

/// Pods with a claim each, whose devices the kubelet names by these ids.
fn with_claim_ids(run: RunFixture, id: fn(usize) -> String) -> RunFixture {
    each_pod(run, move |number, pod| {
        pod.extended_resources.clear();
        pod.resource_claims = vec![format!("claim-{number}")];
        if !pod.allocated_devices.is_empty() {
            pod.allocated_devices = vec![id(number)];
            pod.devices_by_resource = [("claim:gpu".to_owned(), vec![id(number)])].into();
        }
    })
}

#[test]
fn the_devices_of_claims_are_devices_of_their_own_whatever_their_numbers() {
    for id in [|n| format!("gpu.nvidia.com/node-1/gpu-{n}"), |n| format!("k8s.gpu.nvidia.com/device=gpu-{n}")] {
        let findings = with_claim_ids(healthy(), id).evaluate(NewPodsRunOnAccelerators).findings;
        assert!(!findings.iter().any(|finding| finding.contains("sharing")), "{findings:?}");
    }
    // A driver may offer one card as several devices: the exporter's label tells.
    let shares =
        with_claim_ids(healthy(), |n| format!("gpu.rig.local/node-1/gpu-0-share-{n}")).each(label_all("GPU-0"));
    shares.assert_passes_with_finding(NewPodsRunOnAccelerators, "share GPU-0, so no accelerator was added");
}

#[test]
fn a_claim_of_another_device_is_told_from_the_first_chat_on() {
    let run = each_pod(auto(healthy()), |_, pod| {
        pod.extended_resources.clear();
        pod.allocated_devices.clear();
        pod.resource_claims = vec!["nic".to_owned()];
    });
    let claimed_devices =
        vec![ClaimedDevice { claim: "nic".to_owned(), driver: "dra.net".to_owned(), ..ClaimedDevice::default() }];
    let chat = ProbeRecord { claimed_devices, tokens: 1, ..ProbeRecord::default() };
    let first_chat = run.clone().with_observation(5_000, ObservationKind::Probe(chat));
    first_chat.assert_inconclusive(PodsRequestAccelerators, "of dra.net), which is a network interface");
    // Each pod is first seen before its claim's object exists, with the name of the entry in its spec.
    let mut seen = std::collections::BTreeSet::new();
    let named_late = first_chat.each(|o| {
        if let ObservationKind::Pod(pod) = &mut o.kind
            && seen.insert(pod.uid.clone())
        {
            pod.resource_claims = vec!["entry".to_owned()];
        }
    });
    named_late.assert_inconclusive(PodsRequestAccelerators, "of dra.net), which is a network interface");
    run.assert_passes_with_finding(PodsRequestAccelerators, "no known driver of accelerators");
}

/// The kubelet reports no device, and the exporter's labels name this one for each pod.
fn labelled(uuid: &'static str) -> RunFixture {
    each_pod(healthy(), |_, pod| pod.allocated_devices.clear()).each(label_all(uuid))
}

/// The exporter's labels name this device for each pod.
fn label_all(uuid: &'static str) -> impl FnMut(&mut Observation) {
    move |o| {
        if let ObservationKind::Metric(reading) = &mut o.kind {
            edit_samples(&mut reading.result, |sample| {
                if let Some(value) = Arc::make_mut(&mut sample.labels).get_mut("UUID") {
                    *value = uuid.to_owned();
                }
            });
        }
    }
}

#[test]
fn one_device_in_the_exporters_labels_is_sharing_and_on_two_nodes_a_contradiction() {
    let shared = labelled("GPU-0");
    shared.assert_passes_with_finding(NewPodsRunOnAccelerators, "share GPU-0, so no accelerator was added");
    let on_two_nodes = shared.pods(SECOND, |_, pod| {
        pod.node = pod.node.as_ref().map(|_| "other-node".to_owned());
    });
    let node = NodeSnapshot {
        name: "other-node".to_owned(),
        ready: true,
        allocatable: [("nvidia.com/gpu".to_owned(), 4)].into(),
    };
    let on_two_nodes = on_two_nodes.with_observation(600, ObservationKind::Node(node));
    on_two_nodes.assert_inconclusive(NewPodsRunOnAccelerators, "so one of the records is wrong");
}

#[test]
fn the_healthy_run_shares_nothing() {
    for check in [NewPodsRunOnAccelerators, NewPodsServe, PodsRequestAccelerators] {
        let findings = healthy().evaluate(check).findings;
        assert!(!findings.iter().any(|finding| finding.contains("shar")), "{findings:?}");
    }
    assert!(healthy().pod_at(OLD, FALL).devices_by_resource.is_empty(), "an old record");
}
