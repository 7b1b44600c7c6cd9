//! The problems of a scenario whose HPA the run does not apply itself: `adopt` and `scaledObject` in place of `hpa`.

use super::scenario_error::ScenarioProblem;
use super::validate;
use crate::hpa;
use crate::model::hpa_source::HpaSource;
use crate::model::scenario::Scenario;

/// The fields that are known only when the HPA is.
const OF_HPA: [&str; 2] = ["hpa.", "expect."];

/// All problems that can be known without a cluster. Fills in the HPA that KEDA will create from a ScaledObject.
pub(super) fn find_problems(scenario: &mut Scenario) -> Vec<ScenarioProblem> {
    if scenario.adopt.is_some() && scenario.scaled_object.is_some() {
        let hint = "keep one of the two; an overlay removes the other one with null";
        return vec![ScenarioProblem::new("scaledObject", "is not valid beside adopt", hint)];
    }
    match scenario.hpa_source() {
        HpaSource::Applied => validate::find_problems(scenario),
        HpaSource::Adopted("") => vec![ScenarioProblem::new("adopt.hpa", "is missing", "name an HPA that exists")],
        HpaSource::Adopted(_) => validate::find_problems(scenario).into_iter().filter(|one| !is_of_hpa(one)).collect(),
        HpaSource::ScaledObject => match fill_in(scenario) {
            Ok(()) => validate::find_problems(scenario),
            Err(problem) => vec![problem],
        },
    }
}

/// The problems of the HPA, once it is known.
#[must_use]
pub(crate) fn find_hpa_problems(scenario: &Scenario) -> Vec<ScenarioProblem> {
    validate::find_problems(scenario).into_iter().filter(is_of_hpa).collect()
}

fn is_of_hpa(problem: &ScenarioProblem) -> bool {
    OF_HPA.iter().any(|prefix| problem.field.starts_with(prefix))
}

/// Sets `hpa.spec` to what KEDA makes of the ScaledObject; each run sets it again with the ScaledObject's name.
fn fill_in(scenario: &mut Scenario) -> Result<(), ScenarioProblem> {
    let Some(scaled_object) = &scenario.scaled_object else { return Ok(()) };
    scenario.hpa.spec = hpa::scaled_object_hpa_spec(&scaled_object.spec, "").map_err(|problem| {
        ScenarioProblem::new(&format!("scaledObject.spec.{}", problem.field), problem.message, problem.hint)
    })?;
    Ok(())
}
