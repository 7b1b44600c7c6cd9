//! While the load runs, each new pod that becomes Ready is sent one chat of its own, one pod after the other.

use super::RunError;
use super::stage::Stage;
use crate::judge::{Part, State};
use crate::load::{self, LoadError};
use crate::record::observation::{ProbeSeen, Seen};

/// Tries of a probe that the API server did not carry, a second apart: as long as one that is started again takes.
const TRIES: u32 = 30;

/// One chat to this pod alone, sent again where the API server was busy or away: that says nothing about the pod.
async fn carried(script: &super::Script<'_>, pod: &str) -> Result<ProbeSeen, LoadError> {
    let mut tries = 1;
    loop {
        let seen = load::probe(script.world, script.scenario, pod).await?;
        let passing = seen.status.is_none_or(|status| status == 429 || status >= 500);
        if !seen.not_carried || !passing || tries >= TRIES {
            return Ok(seen);
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        tries += 1;
    }
}

/// As [`Stage::until_ruled`], with probes on the way.
pub(super) async fn until_ruled(stage: &mut Stage<'_>, parts: &[Part]) -> Result<(), RunError> {
    loop {
        for pod in stage.unprobed() {
            let script = stage.script;
            let seen = stage.heeding(async { Ok(carried(script, &pod).await?) }).await?;
            let words = seen.error.as_ref().map_or(format!("{} tokens", seen.tokens), Clone::clone);
            script.progress.line(&format!("chat to pod {pod} alone: {words}"));
            script.world.book.note(Seen::Probe(seen), None);
            stage.probed.insert(pod);
        }
        let probed = stage.probed.clone();
        stage
            .until(|bench| {
                let fresh = bench.view().new_ready_pods().iter().any(|pod| !probed.contains(pod));
                let open = parts.iter().map(|part| bench.part(*part)).find(|ruling| ruling.state == State::Open);
                open.filter(|_| !fresh && !bench.is_settled()).map(|ruling| ruling.reason)
            })
            .await?;
        if stage.unprobed().is_empty() {
            return Ok(());
        }
    }
}
