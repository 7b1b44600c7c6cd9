//! The HPA controller: one pass per HPA and sync period, whose decisions are those of `hpa::reconcile`.

mod faults;
mod input;
mod metrics;
mod state;
mod status;

use std::collections::BTreeMap;

use serde_json::Value;

use super::context::{CONTROLLER_MANAGER, ControllerContext};
use super::event;
use super::work_queue::WorkKind;
use crate::hpa::{HpaEventType, HpaLogs, ReconcileOutput, reconcile};
use crate::sim::api;
use crate::sim::cluster::{FieldManager, SimCluster, metadata_text};
use crate::sim::config::HpaFault;
use crate::sim::objects::kinds::HPA;
use crate::units::HumanDuration;
use input::scale_target_ref;
pub(super) use metrics::MetricsApiHandler;
use metrics::MetricsClient;
use state::HpaControllerState;

/// Longest duration of a pass, which extends the sync period.
const MAX_PASS_MS: u64 = 40;

/// The HPA controller.
pub(super) struct HpaController {
    metrics_client: MetricsClient,
    /// State of each HPA, by its uid.
    states: BTreeMap<String, HpaControllerState>,
}

impl HpaController {
    pub(super) fn new(cluster: SimCluster, metrics_api: MetricsApiHandler) -> Self {
        Self { metrics_client: MetricsClient { cluster, metrics_api }, states: BTreeMap::new() }
    }

    /// Clears what a restart of the process loses; the status of the HPAs remains.
    pub(super) fn reset_logs(&mut self) {
        self.states.values_mut().for_each(|state| state.logs = HpaLogs::default());
    }

    /// Runs a pass over an HPA.
    pub(super) fn sync(&mut self, context: &mut ControllerContext, namespace: &str, name: &str) {
        let Some(hpa) = context.cluster.get(&HPA, namespace, name) else { return };
        let (now_ms, uid) = (context.now_ms(), metadata_text(&hpa, "uid"));
        let mut state = self.states.remove(&uid).unwrap_or_default();
        if state.next_pass_ms <= now_ms {
            let pass = 1 + context.cluster.random_below(MAX_PASS_MS);
            state.next_pass_ms = now_ms + context.config.hpa_controller.sync_period.ms() + pass;
        }
        context.enqueue_after(WorkKind::Hpa, namespace, name, HumanDuration::from_ms(state.next_pass_ms - now_ms));
        if is_running(context.config.hpa_controller.fault, &state) {
            state.first_pass_ms.get_or_insert(now_ms);
            state.passes += 1;
            self.run_pass(context, &hpa, &mut state, now_ms);
        }
        self.states.insert(uid, state);
    }

    fn run_pass(&self, context: &ControllerContext, hpa: &Value, state: &mut HpaControllerState, now_ms: u64) {
        state.logs =
            std::mem::take(&mut state.logs).older_by(HumanDuration::from_ms(now_ms - state.last_pass_ms).to_std());
        state.last_pass_ms = now_ms;
        let mut input = match input::read_input(context, &self.metrics_client, hpa, state) {
            Ok(input) => input,
            Err(message) => return status::write_not_simulated(context, hpa, &message),
        };
        let fault = context.config.hpa_controller.fault;
        faults::alter_input(fault, &mut input);
        let mut out = reconcile(&input);
        faults::alter_output(fault, &input, state, now_ms, &mut out);
        if let Some(size) = out.scale_written {
            let current = input.scale.as_ref().map_or(0, |scale| scale.spec_replicas);
            if size > current {
                state.first_scale_up_ms.get_or_insert(now_ms);
            }
            write_scale(context, hpa, size);
        }
        record_events(context, hpa, &out);
        status::write_status(context, hpa, &input, &out);
        state.logs = out.logs;
        state.status = out.status;
    }
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

fn write_scale(context: &ControllerContext, hpa: &Value, size: i32) {
    let Some((kind, name)) = scale_target_ref(hpa) else { return };
    let (field_manager, namespace) = (FieldManager::update_scale(CONTROLLER_MANAGER), metadata_text(hpa, "namespace"));
    // The error is NotFound: the target is deleted.
    let _ = api::update_scale(&context.cluster, field_manager, &kind, &namespace, &name, size.into());
}

fn record_events(context: &ControllerContext, hpa: &Value, out: &ReconcileOutput) {
    if context.config.hpa_controller.events_lost {
        return;
    }
    for one in &out.events {
        let kind = if one.kind == HpaEventType::Normal { "Normal" } else { "Warning" };
        let component = "horizontal-pod-autoscaler";
        event::record(&context.cluster, component, hpa, (kind, one.reason), one.message.clone());
    }
}
