//! The HPA controller: for each HPA a pass each sync period, whose decisions are those of `hpa::reconcile`.

mod behave;
mod input;
mod metrics;
mod status;

use serde_json::Value;

use super::event;
use super::kinds::HPA;
use super::manager::{MANAGER, Manager};
use super::queue::Duty;
use super::setting::Behaves;
use crate::hpa::{EventType, HpaStatus, Logs, ReconcileOutput, reconcile};
use crate::record::kind::Kind;
use crate::sim::api;
use crate::sim::cluster::{Hand, text};
use crate::units::Span;

/// How long a pass takes at most, by which the period stretches.
const PASS_MS: u64 = 40;

/// What the controller remembers of one HPA.
#[derive(Debug, Default)]
pub(super) struct Memory {
    logs: Logs,
    /// The status as it was written last.
    status: HpaStatus,
    /// When the logs' ages were right.
    last_ms: u64,
    /// When the next pass of the rhythm is due; passes for an edited spec come in between.
    next_ms: u64,
    first_ms: Option<u64>,
    passes: u32,
    /// When it first raised a size.
    rose_ms: Option<u64>,
}

impl Memory {
    /// The process has started anew: what stands in the HPA's status stays.
    pub(super) fn forget(&mut self) {
        self.logs = Logs::default();
    }
}

/// One pass over an HPA.
pub(super) fn sync(manager: &mut Manager, namespace: &str, name: &str) {
    let Some(hpa) = manager.cluster.get(&HPA, namespace, name) else { return };
    let (now_ms, uid) = (manager.now_ms(), text(&hpa, "uid"));
    let mut memory = manager.autoscalers.remove(&uid).unwrap_or_default();
    if memory.next_ms <= now_ms {
        let pass = 1 + manager.cluster.chance(PASS_MS);
        memory.next_ms = now_ms + manager.setting.autoscaler.sync_period.ms() + pass;
    }
    manager.plan(Duty::Autoscaler, namespace, name, Span::from_ms(memory.next_ms - now_ms));
    if runs(manager.setting.autoscaler.behaves, &memory) {
        memory.first_ms.get_or_insert(now_ms);
        memory.passes += 1;
        pass(manager, &hpa, &mut memory, now_ms);
    }
    manager.autoscalers.insert(uid, memory);
}

/// Whether it runs at all.
fn runs(behaves: Behaves, memory: &Memory) -> bool {
    match behaves {
        Behaves::Off => false,
        Behaves::StuckAfter(passes) => memory.passes < passes,
        Behaves::StopsAfterRise => memory.rose_ms.is_none(),
        _ => true,
    }
}

fn pass(manager: &Manager, hpa: &Value, memory: &mut Memory, now_ms: u64) {
    memory.logs = std::mem::take(&mut memory.logs).older_by(Span::from_ms(now_ms - memory.last_ms).duration());
    memory.last_ms = now_ms;
    let mut input = match input::of(manager, hpa, memory) {
        Ok(input) => input,
        Err(unknown) => return status::unknown(manager, hpa, &unknown),
    };
    let behaves = manager.setting.autoscaler.behaves;
    behave::before(behaves, &mut input);
    let mut out = reconcile(&input);
    behave::after(behaves, &input, memory, now_ms, &mut out);
    if let Some(size) = out.scale_written {
        let found = input.scale.as_ref().map_or(0, |scale| scale.spec_replicas);
        if size > found {
            memory.rose_ms.get_or_insert(now_ms);
        }
        scale(manager, hpa, size);
    }
    tell(manager, hpa, &out);
    status::write(manager, hpa, &input, &out);
    memory.logs = out.logs;
    memory.status = out.status;
}

fn scale(manager: &Manager, hpa: &Value, size: i32) {
    let Some((kind, name)) = target(hpa) else { return };
    let (hand, namespace) = (Hand::scale(MANAGER), text(hpa, "namespace"));
    // It was there a moment ago.
    let _ = api::scale(&manager.cluster, hand, &kind, &namespace, &name, size.into());
}

/// Kind and name of an HPA's target, if it is of a kind that the simulation knows.
fn target(hpa: &Value) -> Option<(Kind, String)> {
    let of = &hpa["spec"]["scaleTargetRef"];
    let known = [super::kinds::DEPLOYMENT, super::kinds::STATEFUL_SET];
    let kind = known.into_iter().find(|kind| of["kind"] == kind.kind)?;
    Some((kind, of["name"].as_str()?.to_owned()))
}

fn tell(manager: &Manager, hpa: &Value, out: &ReconcileOutput) {
    if manager.setting.autoscaler.events_lost {
        return;
    }
    for one in &out.events {
        let kind = if one.kind == EventType::Normal { "Normal" } else { "Warning" };
        let component = "horizontal-pod-autoscaler";
        event::tell(&manager.cluster, component, hpa, (kind, one.reason), one.message.clone());
    }
}
