//! ScaleUp/ReplicasRise, ScaleUp/NewPodsRunOnAccelerators, ScaleUp/NewPodsServe.

use super::run::{
    CLEANUP, FALL, OLD, RISE, Run, SCALED_TO_2, SCALED_TO_3, SECOND, THIRD, TWO_PODS, healthy, is_api, object_metric,
    real_cards, recorded, samples, slow_metric,
};
use crate::judge::{Bench, Check, State, new_pods_serve};
use crate::record::observation::{Condition, EventSeen, FailuresSeen, Phase, PodSeen, Seen, Trouble};
use crate::record::reading::{Answer, Hop};
use crate::record::verdict::CaseResult;
use crate::units::{Milli, Span};

use Check::{NewPodsRunOnAccelerators, NewPodsServe, ReplicasRise};

#[test]
fn replicas_rise_within_the_bound() {
    healthy().passes(ReplicasRise, "2 replicas 3.4s after the metric began to ask for 2");
}

#[test]
fn a_controller_that_does_not_act_fails() {
    let run = stays_at_one();
    run.fails(ReplicasRise, "the metric asked for 2 replicas, but");
}

#[test]
fn a_rise_within_twice_the_assumed_times_is_inconclusive() {
    // 13 s from 32.555 s on, 23 s with twice the sync period.
    slow_metric().longer(35_900, 12_000).unclear(ReplicasRise, "later than 13s");
    slow_metric().longer(35_900, 25_000).fails(ReplicasRise, "the metric asked for 2 replicas, but");
    slow_metric().longer(35_900, 9_000).passes(ReplicasRise, "2 replicas 12.4s");
}

#[test]
fn what_replicas_rise_needs_turns_fail_into_inconclusive() {
    stays_at_one().metric(RISE, CLEANUP, Some(20_000)).unclear(ReplicasRise, "needs Control/MetricFollowsLoad (rise)");
    let by_hand =
        slow_metric().longer(35_900, 25_000).written_by(50_000, "kubectl", "scale").hpas(|_, h| h.desired = 1);
    by_hand.unclear(ReplicasRise, "needs Control/ByTheAutoscaler");
}

#[test]
fn a_moment_of_asking_does_not_start_the_clock() {
    // One reading asks for two long before the metric does so for good.
    let run = slow_metric().longer(28_000, 40_000).metric(29_000, 30_000, Some(100_000));
    run.passes(ReplicasRise, "2 replicas 3.4s");
}

#[test]
fn a_metric_that_asks_now_and_then_blames_nobody() {
    // It asks for a sync period and the lag, and then no more; a controller of twice the period may have missed it.
    let run = stays_at_one().metric(46_000, CLEANUP, Some(40_000));
    run.unclear(ReplicasRise, "not for as long as");
}

#[test]
fn a_scale_up_window_delays_the_rise() {
    let run = stays_at_one().scenario(|s| scale_up(s).stabilization_window_seconds = Some(60));
    let ruling = run.rule(ReplicasRise);
    assert_ne!(ruling.state, State::Broken, "{}", ruling.reason);
    assert_eq!(run.result(), CaseResult::Inconclusive);
}

#[test]
fn a_size_that_the_autoscaler_set_and_a_quota_kept_down_blames_nobody() {
    let quota = "pods \"ollama\" is forbidden: exceeded quota: gpus";
    let event = EventSeen {
        object: "ReplicaSet/ollama-7fd697578d".to_owned(),
        kind: "Warning".to_owned(),
        reason: "FailedCreate".to_owned(),
        message: quota.to_owned(),
        ..EventSeen::default()
    };
    // With one pod nothing asks for more than two.
    let run = healthy().workloads(|at, w| {
        (w.replicas, w.spec_replicas, w.generation) = (1, w.spec_replicas.min(2), w.generation.map(|g| g.min(2)));
        if at >= super::run::SCALED_TO_1 {
            w.generation = Some(3);
        }
    });
    let run = run.without(|o| matches!(&o.seen, Seen::Pod(p) if p.name != OLD));
    run.note(SCALED_TO_2 + 20, Seen::Event(event)).unclear(ReplicasRise, quota);
}

#[test]
fn pods_of_a_rollout_are_no_replicas() {
    // A surge makes two pods of one replica.
    let run = stays_at_one().workloads(|at, w| w.replicas = if at > SCALED_TO_2 { 2 } else { w.replicas });
    assert_ne!(run.rule(ReplicasRise).state, State::Holds);
    assert_ne!(run.result(), CaseResult::Pass);
}

#[test]
fn a_target_that_could_not_be_watched_blames_nobody() {
    stays_at_one().gap("workload", 34_000, 70_000).unclear(ReplicasRise, "workload could not be read");
    stays_at_one().gap("observer", 34_000, 70_000).unclear(ReplicasRise, "observer could not be read");
}

#[test]
fn an_hpa_that_somebody_touched_blames_nobody() {
    let edited = |change: fn(&mut crate::record::observation::HpaSeen)| {
        stays_at_one().hpas(move |at, hpa| {
            if at > 30_000 {
                change(hpa)
            }
        })
    };
    edited(|hpa| hpa.spec_digest = "another".to_owned()).unclear(ReplicasRise, "the HPA was edited");
    edited(|hpa| hpa.max = 1).unclear(ReplicasRise, "the HPA was edited");
    edited(|hpa| hpa.generation = Some(3)).unclear(ReplicasRise, "the HPA was edited");
    edited(|hpa| hpa.uid = "another".to_owned()).unclear(ReplicasRise, "the HPA was replaced");
    edited(|hpa| hpa.conditions = vec![ambiguous()]).unclear(ReplicasRise, "another HPA selects the same pods");
    let gone = stays_at_one();
    let uid = gone.hpa_at(30_909).uid;
    let seen =
        crate::record::observation::Gone { kind: "HorizontalPodAutoscaler".to_owned(), name: String::new(), uid };
    gone.note(40_000, Seen::ObjectGone(seen)).unclear(ReplicasRise, "the HPA was removed");
}

#[test]
fn a_bound_that_the_server_changed_from_the_start_is_somebodys_doing() {
    let run = healthy().hpas(|_, hpa| hpa.max = 2);
    assert_eq!(run.result(), CaseResult::Inconclusive, "the HPA is not the one that the scenario states");
}

#[test]
fn new_pods_are_ready_on_nodes_with_accelerators_with_a_device_each() {
    healthy().passes(NewPodsRunOnAccelerators, "GPU-6f1d2c3a-0000-4a5b-8c9d-000000000000");
    healthy().passes(NewPodsRunOnAccelerators, "GPU-6f1d2c3a-0001-4a5b-8c9d-000000000001");
}

#[test]
fn a_device_that_came_after_ready_is_remembered_when_the_pod_is_gone() {
    let run = healthy().pods(SECOND, |_, pod| pod.devices.clear());
    let mut later = healthy().pod_at(SECOND, 37_300);
    later.devices = vec!["GPU-late".to_owned()];
    run.note(39_000, Seen::Pod(later)).passes(NewPodsRunOnAccelerators, "GPU-late");
}

#[test]
fn a_device_may_be_known_from_the_labels_of_the_pods_series() {
    let bare = healthy().each(|o| {
        if let Seen::Pod(pod) = &mut o.seen {
            pod.devices.clear()
        }
    });
    bare.passes(NewPodsRunOnAccelerators, "(by the exporter's labels)");
    let unlabelled = bare.each(|o| {
        if let Seen::Metric(reading) = &mut o.seen {
            super::run::samples(&mut reading.answer, |sample| sample.labels = std::sync::Arc::default());
        }
    });
    unlabelled.unclear(NewPodsRunOnAccelerators, "no device of it is recorded");
}

#[test]
fn pods_that_share_a_card_are_named() {
    let run = healthy().each(|o| match &mut o.seen {
        Seen::Pod(pod) if !pod.devices.is_empty() => pod.devices = vec![format!("GPU-1::{}", pod.name.len())],
        _ => {}
    });
    let findings = run.rule(NewPodsRunOnAccelerators).findings;
    assert!(findings.iter().any(|f| f.contains("sharing: ") && f.contains("hold GPU-1 together")), "{findings:?}");
}

#[test]
fn a_pod_on_a_node_that_never_had_an_accelerator_fails() {
    let run = healthy().each(|o| {
        if let Seen::Node(node) = &mut o.seen {
            node.allocatable.clear()
        }
    });
    run.fails(NewPodsRunOnAccelerators, "runs on node rig-node, which has no accelerator");
}

#[test]
fn a_claim_needs_no_extended_resource_of_its_node() {
    let run = healthy().each(|o| match &mut o.seen {
        Seen::Node(node) => node.allocatable.clear(),
        Seen::Pod(pod) => {
            pod.resources.clear();
            pod.devices.clear();
            pod.claims = vec![format!("{}-gpu", pod.name)];
        }
        _ => {}
    });
    run.passes(NewPodsRunOnAccelerators, "with claim ollama-7fd697578d-fcd5l-gpu");
}

#[test]
fn a_device_plugin_that_restarts_after_the_pod_was_placed_blames_nobody() {
    let bare = crate::record::observation::NodeSeen { name: "rig-node".to_owned(), ready: true, ..Default::default() };
    healthy().note(60_000, Seen::Node(bare)).passes(NewPodsRunOnAccelerators, "Ready on node rig-node");
}

#[test]
fn a_node_that_could_not_be_read_is_inconclusive() {
    let run = healthy().without(|o| matches!(o.seen, Seen::Node(_)));
    run.unclear(NewPodsRunOnAccelerators, "runs on node rig-node, which could not be read");
}

#[test]
fn a_pod_that_finds_no_card_is_a_matter_of_capacity() {
    let message = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.";
    never_ready(Some(("Unschedulable", message)))
        .unclear(NewPodsRunOnAccelerators, "(capacity) pod ollama-7fd697578d-fcd5l finds no free accelerator");
    let nodes_unread = never_ready(Some(("Unschedulable", message))).without(|o| matches!(o.seen, Seen::Node(_)));
    nodes_unread.unclear(NewPodsRunOnAccelerators, "(capacity)");
    let claims = "0/1 nodes are available: 1 cannot allocate all claims.";
    never_ready(Some(("Unschedulable", claims))).unclear(NewPodsRunOnAccelerators, "(capacity)");
}

#[test]
fn a_pod_whose_image_or_volume_does_not_come_is_the_workloads_matter() {
    for (reason, message) in [
        ("ImagePullBackOff", "Back-off pulling image"),
        ("CrashLoopBackOff", "back-off 10s restarting failed container"),
        ("Unschedulable", "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."),
    ] {
        never_ready(Some((reason, message)))
            .unclear(NewPodsRunOnAccelerators, "(workload) pod ollama-7fd697578d-fcd5l");
    }
    let event = EventSeen {
        object: format!("Pod/{SECOND}"),
        kind: "Warning".to_owned(),
        reason: "FailedMount".to_owned(),
        message: "MountVolume.SetUp failed".to_owned(),
        ..EventSeen::default()
    };
    never_ready(None).note(40_000, Seen::Event(event)).unclear(NewPodsRunOnAccelerators, "FailedMount");
}

#[test]
fn a_pod_that_does_not_start_and_nothing_says_why_fails() {
    never_ready(None).fails(NewPodsRunOnAccelerators, "and nothing says why");
}

#[test]
fn a_pod_that_runs_but_does_not_become_ready_is_the_workloads_matter() {
    let run = never_ready(None).pods(SECOND, |_, pod| pod.phase = "Running".to_owned());
    run.unclear(NewPodsRunOnAccelerators, "(workload)");
}

#[test]
fn what_new_pods_on_accelerators_needs_turns_fail_into_inconclusive() {
    never_ready(None)
        .pods(OLD, |_, pod| pod.resources.clear())
        .unclear(NewPodsRunOnAccelerators, "needs Setup/PodsRequestAccelerators");
    never_ready(None)
        .written_by(SCALED_TO_2, "kubectl", "")
        .unclear(NewPodsRunOnAccelerators, "needs ScaleUp/ReplicasRise");
}

#[test]
fn pods_that_could_not_be_watched_blame_nobody() {
    let bare = healthy().each(|o| {
        if let Seen::Node(node) = &mut o.seen {
            node.allocatable.clear();
        }
    });
    bare.gap("nodes", 10_000, 60_000).unclear(NewPodsRunOnAccelerators, "nodes could not be read");
    never_ready(None).gap("pods", 36_500, 70_000).unclear(NewPodsRunOnAccelerators, "pods could not be read");
}

#[test]
fn without_new_pods_nothing_is_shown_and_not_waited_for_for_ever() {
    let run = slow_metric().without(|o| matches!(&o.seen, Seen::Pod(p) if p.name != OLD));
    assert_ne!(run.rule(NewPodsRunOnAccelerators).state, State::Holds);
    assert_eq!(run.result(), CaseResult::Inconclusive);
    let run = run.scenario(|s| s.assumptions.pod_start = Span::from_secs(10));
    let live = run.longer(73_000, 150_000).without(|o| matches!(o.seen, Seen::Phase(m) if m.phase > Phase::Hold));
    let live = live.without(|o| o.at_ms > 220_000);
    assert_eq!(live.rule(NewPodsRunOnAccelerators).state, State::Unclear);
}

#[test]
fn a_pod_that_only_replaced_the_old_one_adds_nothing() {
    // The old pod goes when the new one comes, so there is never more than one Ready.
    let run = healthy().without(|o| {
        matches!(&o.seen, Seen::Pod(p) if p.name == THIRD)
            || o.at_ms > RISE && matches!(&o.seen, Seen::Pod(p) if p.name == OLD)
    });
    let gone = crate::record::observation::Gone {
        kind: "Pod".to_owned(),
        name: OLD.to_owned(),
        uid: run.pod_at(OLD, RISE).uid,
    };
    run.note(TWO_PODS, Seen::PodGone(gone)).unclear(NewPodsRunOnAccelerators, "at the same time");
}

#[test]
fn new_pods_answer_and_take_traffic() {
    healthy().passes(NewPodsServe, "size_vram 0, waived by accelerator: standIn");
    real_cards().passes(NewPodsServe, "answered a chat of its own with 16 tokens (size_vram 67724288)");
    healthy().passes(NewPodsServe, "takes traffic by the Service");
}

#[test]
fn chats_that_all_fail_are_not_served_however_busy_the_pods_are() {
    let all_fail = |from: u64| {
        healthy().loads(move |at, load| {
            if at >= from {
                let failures = FailuresSeen { count: load.good, example: "connection reset".into() };
                (load.failed, load.good) = (load.good, 0);
                load.failures = [("read-body".to_owned(), failures)].into();
            }
        })
    };
    let silent = healthy().without(|o| matches!(o.seen, Seen::Load(_)));
    assert_ne!(silent.rule(NewPodsServe).state, State::Holds, "{}", silent.rule(NewPodsServe).reason);
    let run = all_fail(0);
    run.unclear(NewPodsServe, "(workload) none of the ");
    run.unclear(NewPodsServe, "was good: read-body: connection reset");
    assert_eq!(run.result(), CaseResult::Inconclusive);
}

#[test]
fn a_model_outside_the_accelerators_memory_fails_unless_it_is_a_stand_in() {
    real_cards().probes(|p| p.size_vram = Some(0)).fails(NewPodsServe, "size_vram 0): it computes on the CPU");
    real_cards().probes(|p| p.size_vram = None).unclear(NewPodsServe, "does not say where its model is");
}

#[test]
fn a_pod_that_does_not_answer_fails_where_the_service_answers() {
    probe_fails(Some(500), false).fails(NewPodsServe, "does not answer a chat of its own");
    probe_fails(Some(404), false).unclear(NewPodsServe, "(workload) pod ollama-7fd697578d-fcd5l refuses the chat");
    probe_fails(None, true).unclear(NewPodsServe, "could not be carried through the pod proxy");
    probe_fails(Some(500), false).loads(|_, load| load.good = 0).unclear(NewPodsServe, "no pod answers any chat");
    let failing = |kind: &str, from: u64| {
        let failures = FailuresSeen { count: 3, example: "HTTP 500: runner terminated".into() };
        let run = probe_fails(Some(500), false).probes(|probe| probe.error = Some("http-5xx: HTTP 500: again".into()));
        run.loads(|at, load| {
            if at >= from {
                (load.failed, load.failures) = (3, [(kind.to_owned(), failures.clone())].into());
            }
        })
    };
    let before = "(workload) 3 chats failed as http-5xx before pod ollama-7fd697578d-fcd5l was Ready";
    failing("http-5xx", 0).unclear(NewPodsServe, before);
    failing("truncated", 0).fails(NewPodsServe, "does not answer a chat of its own");
    failing("http-5xx", TWO_PODS + 20_000).fails(NewPodsServe, "does not answer a chat of its own");
}

#[test]
fn a_pod_that_crashed_or_was_taken_away_while_it_was_asked_blames_nobody() {
    let mut crashed = healthy().pod_at(SECOND, 37_300);
    crashed.restarts = 1;
    probe_fails(Some(502), false)
        .probes(mend_third)
        .note(37_800, Seen::Pod(crashed))
        .unclear(NewPodsServe, "(workload)");
    let mut leaving = healthy().pod_at(SECOND, 37_300);
    leaving.deleting = true;
    let run = probe_fails(Some(502), false).probes(mend_third).note(37_800, Seen::Pod(leaving));
    assert_eq!(run.result(), CaseResult::Inconclusive, "{}", run.verdict().reason);
}

#[test]
fn a_pod_that_was_not_probed_is_inconclusive() {
    let run = healthy().without(|o| matches!(&o.seen, Seen::Probe(p) if p.pod == THIRD));
    run.unclear(NewPodsServe, "pod ollama-7fd697578d-lb9np was not probed while the load was on");
    healthy()
        .probes(|p| {
            if p.pod == THIRD {
                p.began_ms = FALL + 10
            }
        })
        .unclear(NewPodsServe, "was not probed while");
}

#[test]
fn a_pod_in_the_balance_that_takes_nothing_of_many_connections_fails() {
    idle_second().fails(NewPodsServe, "shows no traffic after");
}

#[test]
fn noise_is_no_traffic() {
    // A tenth of the target is 6.
    let at = |milli: i64| {
        idle_second().each(move |o| {
            if let Seen::Metric(reading) = &mut o.seen {
                super::run::samples(&mut reading.answer, |sample| {
                    if sample.object.as_deref() == Some(SECOND) && reading.asked_ms > RISE {
                        sample.value = Some(Milli(milli));
                    }
                });
            }
        })
    };
    at(6_000).fails(NewPodsServe, "shows no traffic after");
    at(6_001).passes(NewPodsServe, "takes traffic by the Service");
}

#[test]
fn too_few_connections_or_a_pod_out_of_the_balance_blame_nobody() {
    idle_second().loads(|_, load| load.connections /= 100).unclear(NewPodsServe, "shows no traffic after");
    let out = idle_second().each(|o| {
        if let Seen::Endpoints(e) = &mut o.seen {
            e.ready.retain(|pod| pod != SECOND)
        }
    });
    out.unclear(NewPodsServe, "shows no traffic after");
    let misses = idle_second().each(|o| match &mut o.seen {
        Seen::Endpoints(e) if o.at_ms < CLEANUP => {
            e.selector.insert("role".to_owned(), "leader".to_owned());
        }
        _ => {}
    });
    misses.unclear(NewPodsServe, "misses pod ollama-7fd697578d-fcd5l");
}

/// An exporter that samples more seldom than is assumed has no sample yet of a pod at work.
#[test]
fn a_metric_that_was_not_seen_to_be_sampled_often_enough_blames_nobody() {
    fn others(value: fn(u64) -> i64) -> Run {
        idle_second().each(move |o| {
            let at_ms = o.at_ms;
            if let Seen::Metric(reading) = &mut o.seen {
                super::run::samples(&mut reading.answer, |sample| {
                    if sample.object.as_deref() != Some(SECOND) {
                        sample.value = Some(Milli(value(at_ms)));
                    }
                });
            }
        })
    }
    fn busy(at_ms: u64) -> i64 {
        i64::from(at_ms > RISE) * 90_000
    }
    others(busy).unclear(NewPodsServe, "how often it is sampled is not known");
    others(|at_ms| busy(at_ms) + i64::from(at_ms > 60_000)).unclear(NewPodsServe, "seen to change every 3");
    others(|at_ms| busy(at_ms) + i64::from(at_ms > 40_000)).fails(NewPodsServe, "shows no traffic after");
}

#[test]
fn few_connections_are_waited_for_under_load_but_not_for_ever() {
    let few = || idle_second().loads(|_, load| load.connections /= 100);
    let state_at = |run: Run, at_ms: u64| run.without(|o| o.at_ms >= at_ms).rule(NewPodsServe).state;
    assert_eq!(state_at(few(), FALL - 500), State::Open, "chance may have kept the pod out");
    assert_eq!(state_at(idle_second(), FALL - 500), State::Broken, "chance has not");
    let longer = few().longer(FALL - 1000, 300_000);
    assert_eq!(state_at(longer, FALL + 299_500), State::Unclear, "each worker has had its turn");
}

#[test]
fn a_pod_that_a_smaller_size_takes_away_at_once_is_not_judged_where_another_shows() {
    let idle = || {
        healthy().each(|o| {
            if let Seen::Metric(reading) = &mut o.seen {
                super::run::samples(&mut reading.answer, |sample| {
                    if sample.object.as_deref() == Some(THIRD) {
                        sample.value = Some(Milli(0));
                    }
                });
            }
        })
    };
    let leaves = |run: Run| {
        let leaving = PodSeen { deleting: true, ..run.pod_at(THIRD, 58_000) };
        run.note(58_000, Seen::Pod(leaving))
    };
    let smaller = |run: Run| leaves(run).sized_by(57_900, 2, "kube-controller-manager", "scale");
    // What it needs is another matter here.
    let rule = |run: Run| run.bench(|bench| crate::judge::new_pods_serve::rule(bench.view()));
    assert_eq!(rule(idle()).state, State::Unclear);
    assert_eq!(rule(leaves(idle())).state, State::Unclear, "nobody made the target smaller");
    let ruling = rule(smaller(idle()));
    let told = ruling.findings.iter().any(|finding| finding.contains("too soon to show its share of the traffic"));
    assert_eq!((ruling.state, told), (State::Holds, true), "{}", ruling.reason);
    let mute = smaller(idle()).without(|o| matches!(&o.seen, Seen::Probe(p) if p.pod == THIRD));
    assert_eq!(rule(mute).state, State::Unclear, "only its traffic is excused");
    let three = rule(smaller(idle()).scenario(|s| s.expect.replicas = Some(3)));
    assert_eq!(three.state, State::Unclear, "{}", three.reason);
}

#[test]
fn a_pod_whose_activity_cannot_be_read_is_inconclusive() {
    let run = idle_second().each(|o| {
        if let Seen::Metric(reading) = &mut o.seen
            && let Answer::Samples(samples) = &mut reading.answer
        {
            samples.retain(|sample| sample.object.as_deref() != Some(SECOND) || reading.asked_ms < RISE);
        }
    });
    run.unclear(NewPodsServe, "no readable hop shows the activity of pod ollama-7fd697578d-fcd5l");
    // Not read for most of the time: its traffic may have been then.
    let seldom = idle_second().without(|o| matches!(o.seen, Seen::Metric(_)) && !is_api(o));
    let seldom = seldom.readings(Hop::Api, 50_000, 70_000, |answer| {
        if let Answer::Samples(samples) = answer {
            samples.retain(|sample| sample.object.as_deref() != Some(SECOND));
        }
    });
    seldom.unclear(NewPodsServe, "shows no traffic after");
}

#[test]
fn activity_while_a_probe_may_show_in_it_is_no_traffic() {
    let run = healthy().each(|o| {
        let at = o.at_ms;
        if let Seen::Metric(reading) = &mut o.seen {
            super::run::samples(&mut reading.answer, |s| {
                if s.object.as_deref() == Some(SECOND) && at > 47_000 {
                    s.value = Some(Milli(0));
                }
            });
        }
    });
    assert_ne!(run.rule(NewPodsServe).state, State::Holds, "what it did until 47 s may be the probe's");
}

#[test]
fn new_pods_serve_needs_their_accelerators() {
    recorded("one-gpu").unclear(NewPodsServe, "needs ScaleUp/NewPodsRunOnAccelerators");
    probe_fails(Some(500), false)
        .without(|o| matches!(o.seen, Seen::Node(_)))
        .unclear(NewPodsServe, "needs ScaleUp/NewPodsRunOnAccelerators");
}

/// The controller leaves the target at one replica although the metric asks for more, under load for long enough.
fn stays_at_one() -> Run {
    let run = slow_metric().without(|o| {
        let pod =
            matches!(&o.seen, Seen::Pod(p) if p.name != OLD) || matches!(o.seen, Seen::Probe(_) | Seen::PodGone(_));
        o.at_ms > 33_000 && (pod || matches!(o.seen, Seen::Event(_) | Seen::Hpa(_)))
    });
    let run = run.workloads(|at, w| {
        if at > RISE {
            (w.spec_replicas, w.replicas, w.ready, w.generation) = (1, 1, 1, Some(1));
        }
    });
    run.readings(Hop::Api, 33_000, FALL, |answer| {
        if let Answer::Samples(samples) = answer {
            samples.retain(|sample| sample.object.as_deref() == Some(OLD));
        }
    })
    .ended_at(FALL)
}

/// The second pod never becomes Ready, for this reason, in a hold that lasts long enough.
fn never_ready(trouble: Option<(&str, &str)>) -> Run {
    let run = slow_metric().workloads(|at, w| {
        if at >= SCALED_TO_3 {
            (w.spec_replicas, w.replicas, w.generation) = (2, 2, Some(2));
        }
    });
    let run = run.without(|o| match &o.seen {
        Seen::Hpa(_) | Seen::Event(_) => o.at_ms >= SCALED_TO_3,
        Seen::Pod(pod) => pod.name == THIRD,
        _ => false,
    });
    let run = run.scenario(|s| s.assumptions.pod_start = Span::from_secs(10)).pods(SECOND, |_, pod| {
        pod.ready = false;
        pod.phase = "Pending".to_owned();
        pod.trouble =
            trouble.map(|(reason, message)| Trouble { reason: reason.to_owned(), message: message.to_owned() });
    });
    run.without(|o| matches!(&o.seen, Seen::Probe(p) if p.pod == SECOND)).ended_at(FALL)
}

fn probe_fails(status: Option<u16>, not_carried: bool) -> Run {
    healthy().probes(|probe| {
        probe.error = Some("it went wrong".to_owned());
        probe.status = status;
        probe.not_carried = not_carried;
    })
}

fn mend_third(probe: &mut crate::record::observation::ProbeSeen) {
    if probe.pod == THIRD {
        (probe.error, probe.status) = (None, Some(200));
    }
}

/// The second pod does nothing although connections are many, for long enough.
fn idle_second() -> Run {
    let run = healthy().each(|o| {
        if let Seen::Metric(reading) = &mut o.seen {
            super::run::samples(&mut reading.answer, |s| {
                if s.object.as_deref() == Some(SECOND) {
                    s.value = Some(Milli(0));
                }
            });
        }
    });
    run.loads(|_, load| load.connections *= 100)
}

fn ambiguous() -> Condition {
    Condition {
        kind: "ScalingActive".to_owned(),
        status: "False".to_owned(),
        reason: "AmbiguousSelector".to_owned(),
        ..Condition::default()
    }
}

fn scale_up(s: &mut crate::record::scenario::Scenario) -> &mut k8s_openapi::api::autoscaling::v2::HPAScalingRules {
    s.hpa.spec.behavior.as_mut().unwrap().scale_up.as_mut().unwrap()
}

/// With an Object metric too, a pod's own activity has to stand out from noise.
#[test]
fn noise_is_no_traffic_whatever_the_metric_is_of() {
    let quiet = |level: i64| {
        let set = move |answer: &mut Answer| {
            samples(answer, |sample| {
                if matches!(sample.object.as_deref(), Some(SECOND | THIRD)) {
                    sample.value = Some(Milli(level));
                }
            });
        };
        let run = object_metric().readings(Hop::Exporter, 0, u64::MAX, set).readings(Hop::Store, 0, u64::MAX, set);
        // The claim by itself: what it needs is about the HPA's own words, which are those of a Pods metric here.
        new_pods_serve::rule(Bench::new(run.records()).view())
    };
    assert!(quiet(50_000).is(State::Holds), "{}", quiet(50_000).reason);
    assert!(!quiet(1_000).is(State::Holds), "{}", quiet(1_000).reason);
}
