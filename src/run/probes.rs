//! Direct chats: while the load runs, each new pod that becomes Ready is sent one chat through the API server's pod proxy,
//! one pod after the other.

use std::time::Duration;

use k8s_openapi::api::resource::v1::ResourceClaim;
use kube::Api;

use super::RunError;
use super::run_state::RunState;
use crate::judge::{self, Prerequisite};
use crate::load::{self, LoadError};
use crate::model::observation::{ClaimedDevice, ObservationKind, ProbeRecord};
use crate::snapshot;
use crate::units::HumanDuration;

/// How long a probe is repeated that the API server did not deliver: one that restarts is back within half a minute. A time and no
/// number of attempts, since one that no answer ends takes as long as the load's timeouts.
const RETRY_TIME: HumanDuration = HumanDuration::from_secs(30);

/// Between two attempts.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Sends a chat to this pod alone. Sends it again if the API server was busy or unreachable, which is no result of the pod.
async fn probe_with_retry(inputs: &super::RunInputs<'_>, pod: &str) -> Result<ProbeRecord, LoadError> {
    let clock = inputs.env.clock;
    let end_ms = clock.now_ms() + RETRY_TIME.ms();
    loop {
        let probe = load::probe_pod(inputs.env, inputs.scenario, pod).await?;
        let is_transient = probe.status.is_none_or(|status| status == 429 || status >= 500);
        if !probe.not_delivered || !is_transient || clock.now_ms() >= end_ms {
            return Ok(probe);
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

/// The devices of a pod's resource claims, which tell what its claims are. A claim that cannot be read is left out: the
/// judge says then that its devices are not recorded.
pub(super) async fn read_claims(inputs: &super::RunInputs<'_>, claims: &[String]) -> Vec<ClaimedDevice> {
    let kube = inputs.env.kube.retrying.clone();
    let api: Api<ResourceClaim> = Api::namespaced(kube, &inputs.scenario.namespace);
    let mut devices = Vec::new();
    for name in claims {
        if let Ok(claim) = api.get(name).await {
            devices.extend(snapshot::claimed_devices(&claim));
        }
    }
    devices
}

/// As [`RunState::wait_for_checks`], and probes each new pod that becomes Ready meanwhile.
pub(super) async fn wait_for_checks(state: &mut RunState<'_>, prerequisites: &[Prerequisite]) -> Result<(), RunError> {
    loop {
        for pod in state.unprobed_pods() {
            let inputs = state.inputs;
            inputs.progress.step(&format!("direct chat to pod {pod}"));
            let claims = state.with_evaluator(|evaluator| evaluator.view().resource_claims_of(&pod));
            let probe = state
                .unless_interrupted(async {
                    let mut probe = probe_with_retry(inputs, &pod).await?;
                    probe.claimed_devices = read_claims(inputs, &claims).await;
                    Ok(probe)
                })
                .await?;
            match &probe.error {
                Some(error) => inputs.progress.message(&format!("direct chat to pod {pod}: {error}")),
                None => inputs.progress.step(&format!("direct chat to pod {pod}: {} tokens", probe.tokens)),
            }
            inputs.env.timeline.record(ObservationKind::Probe(probe), None);
        }
        state
            .wait_while(|evaluator| {
                let has_unprobed = !evaluator.view().unprobed_pods().is_empty();
                let reason = judge::waiting_for(evaluator, prerequisites);
                reason.filter(|_| !has_unprobed && !evaluator.is_settled())
            })
            .await?;
        if state.unprobed_pods().is_empty() {
            return Ok(());
        }
    }
}
