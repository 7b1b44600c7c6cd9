//! The HPA controller: one pass per HPA and sync period, whose decisions are those of `hpa::reconcile`.

mod faults;
mod input;
mod metrics;
mod status;

use serde_json::Value;

use super::event;
use super::manager::{CONTROLLER_MANAGER, ControllerManager};
use super::work_queue::WorkKind;
use crate::hpa::{HpaEventType, HpaLogs, HpaStatus, ReconcileOutput, reconcile};
use crate::model::resource_kind::ResourceKind;
use crate::sim::api;
use crate::sim::cluster::{FieldManager, metadata_text};
use crate::sim::config::HpaFault;
use crate::sim::objects::kinds::HPA;
use crate::units::HumanDuration;

/// Longest duration of a pass, which extends the sync period.
const MAX_PASS_MS: u64 = 40;

/// State of the controller for one HPA.
#[derive(Debug, Default)]
pub(super) struct HpaControllerState {
    logs: HpaLogs,
    /// The status last written.
    status: HpaStatus,
    /// Time of the last pass, to which the ages in the logs refer.
    last_pass_ms: u64,
    /// Due time of the next periodic pass; a change of the spec adds passes in between.
    next_pass_ms: u64,
    first_pass_ms: Option<u64>,
    passes: u32,
    /// Time of the first scale-up.
    first_scale_up_ms: Option<u64>,
}

impl HpaControllerState {
    /// Clears what a restart of the process loses; the HPA's status remains.
    pub(super) fn reset_logs(&mut self) {
        self.logs = HpaLogs::default();
    }
}

/// Runs a pass over an HPA.
pub(super) fn sync(manager: &mut ControllerManager, namespace: &str, name: &str) {
    let Some(hpa) = manager.cluster.get(&HPA, namespace, name) else { return };
    let (now_ms, uid) = (manager.now_ms(), metadata_text(&hpa, "uid"));
    let mut state = manager.hpa_states.remove(&uid).unwrap_or_default();
    if state.next_pass_ms <= now_ms {
        let pass = 1 + manager.cluster.random_below(MAX_PASS_MS);
        state.next_pass_ms = now_ms + manager.config.hpa_controller.sync_period.ms() + pass;
    }
    manager.enqueue_after(WorkKind::Hpa, namespace, name, HumanDuration::from_ms(state.next_pass_ms - now_ms));
    if is_running(manager.config.hpa_controller.fault, &state) {
        state.first_pass_ms.get_or_insert(now_ms);
        state.passes += 1;
        run_pass(manager, &hpa, &mut state, now_ms);
    }
    manager.hpa_states.insert(uid, state);
}

/// Whether the fault lets the controller run.
fn is_running(fault: HpaFault, state: &HpaControllerState) -> bool {
    match fault {
        HpaFault::Off => false,
        HpaFault::StuckAfter(passes) => state.passes < passes,
        HpaFault::StopsAfterScaleUp => state.first_scale_up_ms.is_none(),
        _ => true,
    }
}

fn run_pass(manager: &ControllerManager, hpa: &Value, state: &mut HpaControllerState, now_ms: u64) {
    state.logs = std::mem::take(&mut state.logs).older_by(HumanDuration::from_ms(now_ms - state.last_pass_ms).to_std());
    state.last_pass_ms = now_ms;
    let mut input = match input::read_input(manager, hpa, state) {
        Ok(input) => input,
        Err(message) => return status::write_not_simulated(manager, hpa, &message),
    };
    let fault = manager.config.hpa_controller.fault;
    faults::alter_input(fault, &mut input);
    let mut out = reconcile(&input);
    faults::alter_output(fault, &input, state, now_ms, &mut out);
    if let Some(size) = out.scale_written {
        let current = input.scale.as_ref().map_or(0, |scale| scale.spec_replicas);
        if size > current {
            state.first_scale_up_ms.get_or_insert(now_ms);
        }
        write_scale(manager, hpa, size);
    }
    record_events(manager, hpa, &out);
    status::write_status(manager, hpa, &input, &out);
    state.logs = out.logs;
    state.status = out.status;
}

fn write_scale(manager: &ControllerManager, hpa: &Value, size: i32) {
    let Some((kind, name)) = scale_target_ref(hpa) else { return };
    let (field_manager, namespace) = (FieldManager::update_scale(CONTROLLER_MANAGER), metadata_text(hpa, "namespace"));
    // The error is NotFound: the target is deleted.
    let _ = api::update_scale(&manager.cluster, field_manager, &kind, &namespace, &name, size.into());
}

/// Kind and name of an HPA's target, if the simulator supports its kind.
fn scale_target_ref(hpa: &Value) -> Option<(ResourceKind, String)> {
    let target_ref = &hpa["spec"]["scaleTargetRef"];
    let known = [crate::sim::objects::kinds::DEPLOYMENT, crate::sim::objects::kinds::STATEFUL_SET];
    let kind = known.into_iter().find(|kind| target_ref["kind"] == kind.kind)?;
    Some((kind, target_ref["name"].as_str()?.to_owned()))
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
