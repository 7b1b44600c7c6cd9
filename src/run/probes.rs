//! While the load runs, each new pod that becomes Ready is sent one chat of its own, one pod after the other.

use super::RunError;
use super::run_state::RunState;
use crate::judge::{CheckStatus, Prerequisite};
use crate::load::{self, LoadError};
use crate::model::observation::{ObservationKind, ProbeRecord};

/// Tries of a probe that the API server did not carry, a second apart: as long as one that is started again takes.
const MAX_TRIES: u32 = 30;

/// One chat to this pod alone, sent again where the API server was busy or away: that says nothing about the pod.
async fn probe_with_retry(script: &super::RunInputs<'_>, pod: &str) -> Result<ProbeRecord, LoadError> {
    let mut tries = 1;
    loop {
        let seen = load::probe_pod(script.env, script.scenario, pod).await?;
        let passing = seen.status.is_none_or(|status| status == 429 || status >= 500);
        if !seen.not_delivered || !passing || tries >= MAX_TRIES {
            return Ok(seen);
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        tries += 1;
    }
}

/// As [`Stage::until_ruled`], with probes on the way.
pub(super) async fn wait_for_checks(stage: &mut RunState<'_>, parts: &[Prerequisite]) -> Result<(), RunError> {
    loop {
        for pod in stage.unprobed_pods() {
            let script = stage.inputs;
            let seen = stage.unless_interrupted(async { Ok(probe_with_retry(script, &pod).await?) }).await?;
            let words = seen.error.as_ref().map_or(format!("{} tokens", seen.tokens), Clone::clone);
            script.progress.message(&format!("chat to pod {pod} alone: {words}"));
            script.env.timeline.record(ObservationKind::Probe(seen), None);
            stage.probed_pods.insert(pod);
        }
        let probed = stage.probed_pods.clone();
        stage
            .wait_while(|bench| {
                let fresh = bench.view().new_ready_pods().iter().any(|pod| !probed.contains(pod));
                let open = parts
                    .iter()
                    .map(|part| bench.evaluate_prerequisite(*part))
                    .find(|ruling| ruling.status == CheckStatus::Pending);
                open.filter(|_| !fresh && !bench.is_settled()).map(|ruling| ruling.reason)
            })
            .await?;
        if stage.unprobed_pods().is_empty() {
            return Ok(());
        }
    }
}
