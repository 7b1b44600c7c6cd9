//! Completes a scenario whose HPA the run does not apply itself: `hpa.spec` is then the spec of the HPA that exists, or of the
//! one that KEDA will create. Plan, run and judge read it as that of any other HPA.

use crate::env::RunEnv;
use crate::error_chain::format_chain;
use crate::hpa;
use crate::model::hpa_source::HpaSource;
use crate::model::inventory::{AdoptedHpa, SimulationInfo};
use crate::model::plan::PreflightProblem;
use crate::model::resource_kind::SCALED_OBJECT;
use crate::model::scenario::Scenario;
use crate::plan::{self, SurveyError};
use crate::scenario::find_hpa_problems;

/// A scenario with its HPA, and the adopted HPA as it was read; or why there is no HPA to test.
pub(super) type ResolvedScenario = Result<(Scenario, Option<AdoptedHpa>), Vec<PreflightProblem>>;

/// The beginning of each message about what the simulator, and not the scenario, lacks.
pub(super) const NOT_SIMULATED: &str = "the simulator does not know";

/// Resolves the HPA of the run with this id.
///
/// # Errors
/// The API server fails.
pub(super) async fn resolve_hpa(
    env: &RunEnv,
    scenario: &Scenario,
    run: &str,
    simulated: Option<&SimulationInfo>,
) -> Result<ResolvedScenario, SurveyError> {
    match scenario.hpa_source() {
        HpaSource::Applied => Ok(Ok((scenario.clone(), None))),
        HpaSource::ScaledObject if !is_keda_served(env).await? => Ok(refuse(
            "the cluster does not serve ScaledObjects (keda.sh/v1alpha1)",
            "install KEDA, or state `hpa` in place of `scaledObject`",
        )),
        HpaSource::ScaledObject => Ok(Ok((scenario_of_scaled_object(scenario, run), None))),
        HpaSource::Adopted(name) => adopt(env, scenario, name, simulated.is_some()).await,
    }
}

/// The scenario with the HPA that KEDA makes of its ScaledObject in this run; without a ScaledObject as it is.
#[must_use]
pub(super) fn scenario_of_scaled_object(scenario: &Scenario, run: &str) -> Scenario {
    let mut resolved = scenario.clone();
    let spec = scenario.scaled_object.as_ref().map(|scaled_object| {
        // A scenario with another ScaledObject is not loaded.
        hpa::scaled_object_hpa_spec(&scaled_object.spec, &plan::run_object_name(run)).unwrap_or_default()
    });
    if let Some(spec) = spec {
        resolved.hpa.spec = spec;
    }
    resolved
}

/// How the HPA that a run adopts differs from the `hpa.spec` that its scenario states beside `adopt`, at this place; `None` where
/// nothing differs. Only rehearse and `plan --offline`, which have no cluster, use that spec.
#[must_use]
pub(crate) fn describe_unused_hpa(place: &str, stated: &Scenario, resolved: &Scenario) -> Option<String> {
    const MOST_NAMED: usize = 3;
    let HpaSource::Adopted(name) = stated.hpa_source() else { return None };
    let all = hpa::find_spec_differences(&stated.hpa.spec, &resolved.hpa.spec);
    let named = all.iter().take(MOST_NAMED).map(|one| one.replace("(applied: ", "(hpa.spec: ")).collect::<Vec<_>>();
    let more = if all.len() > MOST_NAMED { format!("; and {} more", all.len() - MOST_NAMED) } else { String::new() };
    (!all.is_empty()).then(|| {
        format!(
            "{place}: hpa is stated beside adopt, and the run tests HPA {name} as it is in the cluster, which differs: {}{more}",
            named.join("; ")
        )
    })
}

async fn adopt(
    env: &RunEnv,
    scenario: &Scenario,
    name: &str,
    is_simulated: bool,
) -> Result<ResolvedScenario, SurveyError> {
    let Some(adopted) = plan::read_adopted_hpa(env, scenario, name).await? else {
        if is_simulated {
            return Ok(refuse(
                &format!("{NOT_SIMULATED} the spec of the adopted HPA {name}"),
                "state it as `hpa.spec` (`kubectl get hpa -o yaml` shows it); the scenario.yaml of a bundle has it",
            ));
        }
        return Ok(refuse(
            &format!("HPA {}/{name}, which the scenario adopts, does not exist", scenario.namespace),
            "see `kubectl get hpa -A`; namespace and adopt.hpa name it",
        ));
    };
    let mut resolved = scenario.clone();
    resolved.hpa.spec = adopted.spec.clone();
    let problems = find_hpa_problems(&resolved);
    if problems.is_empty() {
        return Ok(Ok((resolved, Some(adopted))));
    }
    let problem = |one: crate::scenario::ScenarioProblem| PreflightProblem {
        message: format!("the adopted HPA {}/{name}: {}: {}", scenario.namespace, one.field, one.message),
        hint: one.hint,
    };
    Ok(Err(problems.into_iter().map(problem).collect()))
}

async fn is_keda_served(env: &RunEnv) -> Result<bool, SurveyError> {
    match env.kube.retrying.list_api_group_resources(&SCALED_OBJECT.api_version()).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(e) => Err(SurveyError::Cluster { resource: "keda.sh/v1alpha1", message: format_chain(&e) }),
    }
}

fn refuse(message: &str, hint: &str) -> ResolvedScenario {
    Err(vec![PreflightProblem { message: message.to_owned(), hint: hint.to_owned() }])
}
