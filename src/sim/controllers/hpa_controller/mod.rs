//! The HPA controller: for each HPA a pass each sync period, whose decisions are those of `hpa::reconcile`.

mod faults;
mod input;
mod metrics;
mod status;

use serde_json::Value;

use super::config::HpaFault;
use super::event;
use super::kinds::HPA;
use super::manager::{CONTROLLER_MANAGER, ControllerManager};
use super::work_queue::WorkKind;
use crate::hpa::{HpaEventType, HpaLogs, HpaStatus, ReconcileOutput, reconcile};
use crate::model::resource_kind::ResourceKind;
use crate::sim::api;
use crate::sim::cluster::{FieldManager, metadata_text};
use crate::units::HumanDuration;

/// How long a pass takes at most, by which the period stretches.
const MAX_PASS_MS: u64 = 40;

/// What the controller remembers of one HPA.
#[derive(Debug, Default)]
pub(super) struct HpaControllerState {
    logs: HpaLogs,
    /// The status as it was written last.
    status: HpaStatus,
    /// When the logs' ages were right.
    last_pass_ms: u64,
    /// When the next pass of the rhythm is due; passes for an edited spec come in between.
    next_pass_ms: u64,
    first_pass_ms: Option<u64>,
    passes: u32,
    /// When it first raised a size.
    first_scale_up_ms: Option<u64>,
}

impl HpaControllerState {
    /// The process has started anew: what stands in the HPA's status stays.
    pub(super) fn reset_logs(&mut self) {
        self.logs = HpaLogs::default();
    }
}

/// One pass over an HPA.
pub(super) fn sync(manager: &mut ControllerManager, namespace: &str, name: &str) {
    let Some(hpa) = manager.cluster.get(&HPA, namespace, name) else { return };
    let (now_ms, uid) = (manager.now_ms(), metadata_text(&hpa, "uid"));
    let mut memory = manager.hpa_states.remove(&uid).unwrap_or_default();
    if memory.next_pass_ms <= now_ms {
        let pass = 1 + manager.cluster.random_below(MAX_PASS_MS);
        memory.next_pass_ms = now_ms + manager.config.hpa_controller.sync_period.ms() + pass;
    }
    manager.enqueue_after(WorkKind::Hpa, namespace, name, HumanDuration::from_ms(memory.next_pass_ms - now_ms));
    if is_running(manager.config.hpa_controller.fault, &memory) {
        memory.first_pass_ms.get_or_insert(now_ms);
        memory.passes += 1;
        run_pass(manager, &hpa, &mut memory, now_ms);
    }
    manager.hpa_states.insert(uid, memory);
}

/// Whether it runs at all.
fn is_running(behaves: HpaFault, memory: &HpaControllerState) -> bool {
    match behaves {
        HpaFault::Off => false,
        HpaFault::StuckAfter(passes) => memory.passes < passes,
        HpaFault::StopsAfterScaleUp => memory.first_scale_up_ms.is_none(),
        _ => true,
    }
}

fn run_pass(manager: &ControllerManager, hpa: &Value, memory: &mut HpaControllerState, now_ms: u64) {
    memory.logs =
        std::mem::take(&mut memory.logs).older_by(HumanDuration::from_ms(now_ms - memory.last_pass_ms).to_std());
    memory.last_pass_ms = now_ms;
    let mut input = match input::read_input(manager, hpa, memory) {
        Ok(input) => input,
        Err(unknown) => return status::write_not_simulated(manager, hpa, &unknown),
    };
    let behaves = manager.config.hpa_controller.fault;
    faults::alter_input(behaves, &mut input);
    let mut out = reconcile(&input);
    faults::alter_output(behaves, &input, memory, now_ms, &mut out);
    if let Some(size) = out.scale_written {
        let found = input.scale.as_ref().map_or(0, |scale| scale.spec_replicas);
        if size > found {
            memory.first_scale_up_ms.get_or_insert(now_ms);
        }
        write_scale(manager, hpa, size);
    }
    record_events(manager, hpa, &out);
    status::write_status(manager, hpa, &input, &out);
    memory.logs = out.logs;
    memory.status = out.status;
}

fn write_scale(manager: &ControllerManager, hpa: &Value, size: i32) {
    let Some((kind, name)) = scale_target_ref(hpa) else { return };
    let (hand, namespace) = (FieldManager::update_scale(CONTROLLER_MANAGER), metadata_text(hpa, "namespace"));
    // It was there a moment ago.
    let _ = api::update_scale(&manager.cluster, hand, &kind, &namespace, &name, size.into());
}

/// Kind and name of an HPA's target, if it is of a kind that the simulation knows.
fn scale_target_ref(hpa: &Value) -> Option<(ResourceKind, String)> {
    let of = &hpa["spec"]["scaleTargetRef"];
    let known = [super::kinds::DEPLOYMENT, super::kinds::STATEFUL_SET];
    let kind = known.into_iter().find(|kind| of["kind"] == kind.kind)?;
    Some((kind, of["name"].as_str()?.to_owned()))
}

fn record_events(manager: &ControllerManager, hpa: &Value, out: &ReconcileOutput) {
    if manager.config.hpa_controller.events_lost {
        return;
    }
    for one in &out.events {
        let kind = if one.kind == HpaEventType::Normal { "Normal" } else { "Warning" };
        let component = "horizontal-pod-autoscaler";
        event::record(&manager.cluster, component, hpa, (kind, one.reason), one.message.clone());
    }
}
