//! The steps of a run whose HPA it does not apply itself: that HPA exists, and acts, before it is judged.

use super::RunError;
use super::phases::phase_budget;
use super::run_state::RunState;
use crate::model::hpa_source::HpaSource;
use crate::model::plan::BoundName;
use crate::{hpa, install};

/// Applies the scenario's ScaledObject, when the metric no longer shows the first chat: KEDA serves the metric from then on, and
/// its HPA acts on it at once.
pub(super) async fn apply_scaled_object(state: &mut RunState<'_>) -> Result<(), RunError> {
    let inputs = state.inputs;
    if inputs.scenario.hpa_source() != HpaSource::ScaledObject {
        return Ok(());
    }
    let chat_ended_ms = state.env().clock.now_ms();
    let deadline = chat_ended_ms + phase_budget(state, &[BoundName::MetricFallsBack]).ms();
    state.wait_while(|evaluator| evaluator.view().metric_busy_reason(chat_ended_ms, deadline)).await?;
    let journal = state.journal;
    state
        .unless_interrupted(async {
            Ok(install::apply_scaled_object(inputs.env, journal, inputs.scenario, inputs.plan).await?)
        })
        .await
}

/// Waits until the target has minReplicas and no earlier change limits the next one: the HPA may have scaled it on the first chat,
/// or on load before the run.
pub(super) async fn await_settled(state: &mut RunState<'_>) -> Result<(), RunError> {
    if state.inputs.scenario.hpa_source() == HpaSource::Applied {
        return Ok(());
    }
    let (plan, spec) = (state.inputs.plan, &state.inputs.scenario.hpa.spec);
    let budget_ms = phase_budget(state, &[BoundName::ScaleDown]).ms() + hpa::longest_policy_period_ms(spec);
    let deadline = state.env().clock.now_ms() + budget_ms;
    state.wait_while(|evaluator| evaluator.view().unsettled_reason(&plan.hpa, deadline)).await
}

/// Waits until the HPA exists, and adopts it: from here on it is judged. Without an HPA in time the checks say so.
pub(super) async fn adopt(state: &mut RunState<'_>) -> Result<(), RunError> {
    let inputs = state.inputs;
    let deadline = state.env().clock.now_ms() + phase_budget(state, &[BoundName::HpaActive]).ms();
    state.wait_while(|evaluator| evaluator.view().no_hpa_reason(&inputs.plan.hpa, deadline)).await?;
    let journal = state.journal;
    state
        .unless_interrupted(async {
            let (scenario, inventory) = (inputs.scenario, inputs.inventory);
            Ok(install::adopt_hpa(inputs.env, journal, scenario, inventory, inputs.plan).await?)
        })
        .await
}
