//! Preflight of an HPA that the run does not apply itself: an adopted one, and that of a ScaledObject.

use super::preflight_error::preflight_error;
use crate::model::hpa_source::TriggerUnderTest;
use crate::model::inventory::{AdoptedHpa, Inventory, ScaledObjectSizes};
use crate::model::plan::PreflightProblem;
use crate::model::promql_query::find_unclosed;
use crate::model::scenario::Scenario;

/// Reasons for which KEDA's operator, and not the HPA, would decide the target's size, or the HPA has no metric.
pub(super) fn errors(inventory: &Inventory) -> Vec<PreflightProblem> {
    let scaled_object = inventory.adopted_hpa.as_ref().and_then(|adopted| adopted.scaled_object.as_ref());
    let Some(ScaledObjectSizes { name, min_replica_count, idle_replica_count, paused_by, trigger, .. }) = scaled_object
    else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let mut refuse = |what: String, hint: &str| all.push(preflight_error(format!("ScaledObject {name} {what}"), hint));
    if let Some(what) = trigger.as_ref().and_then(|trigger| find_unclosed(&trigger.query)) {
        refuse(
            format!(
                "has a query that no store takes: it {what}; the store answers with an error, and the HPA never gets a value"
            ),
            "correct the PromQL query of its trigger",
        );
    }
    if *min_replica_count < 1 {
        refuse(
            "has minReplicaCount 0: KEDA's operator, and not the HPA, scales between 0 and 1, which is no part of the claim, and without a pod there is no accelerator to measure".to_owned(),
            "set its minReplicaCount to 1 or more for the run",
        );
    }
    if let Some(idle) = idle_replica_count {
        refuse(
            format!(
                "has idleReplicaCount {idle}: KEDA's operator, and not the HPA, scales between it and minReplicaCount, which is no part of the claim"
            ),
            "remove its idleReplicaCount for the run",
        );
    }
    if let Some(annotation) = paused_by {
        refuse(format!("is paused by its annotation {annotation}"), "remove the annotation for the run");
    }
    all
}

/// What a reader of the evidence must know of the HPA.
pub(super) fn warnings(scenario: &Scenario, inventory: &Inventory) -> Vec<String> {
    let mut all = Vec::new();
    let unread = inventory.adopted_hpa.as_ref().filter(|hpa| hpa.is_of_scaled_object() && hpa.scaled_object.is_none());
    if let Some(AdoptedHpa { controller: Some(controller), .. }) = unread {
        all.push(format!(
            "{controller}, which controls the adopted HPA, could not be read (get of scaledobjects.keda.sh in {}): with minReplicaCount 0 or a pause KEDA's operator writes sizes too, and Control/ByTheAutoscaler is INCONCLUSIVE; its query is not looked at, and a range or an offset in it is not in the bounds",
            scenario.namespace
        ));
    }
    let adopted = inventory.adopted_hpa.as_ref().and_then(|adopted| adopted.scaled_object.as_ref());
    if let Some(ScaledObjectSizes { name, .. }) = adopted.filter(|one| one.is_falling_back) {
        all.push(format!(
            "ScaledObject {name} has the condition Fallback=True: its trigger fails, and KEDA serves a constant number, which is no metric; until it ends, Control/MetricFollowsLoad is INCONCLUSIVE"
        ));
    }
    let trigger = TriggerUnderTest::new(scenario, inventory.adopted_hpa.as_ref());
    if let Some(found) = trigger.filter(|found| found.trigger.ignores_null_values) {
        all.push(format!(
            "{} is not \"false\": KEDA serves 0 where its query finds nothing, so a broken pipeline looks like an idle target",
            found.place_of("ignoreNullValues")
        ));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hpa_source::PrometheusTrigger;

    #[test]
    fn sizes_that_keda_itself_writes_are_refused() {
        let found = |edit: &dyn Fn(&mut ScaledObjectSizes)| {
            let mut sizes = ScaledObjectSizes { name: "x".to_owned(), min_replica_count: 1, ..Default::default() };
            edit(&mut sizes);
            let adopted = AdoptedHpa { scaled_object: Some(sizes), ..AdoptedHpa::default() };
            let inventory = Inventory { adopted_hpa: Some(adopted), ..Inventory::default() };
            errors(&inventory).into_iter().map(|one| one.message).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(found(&|_| ()), "");
        assert!(found(&|sizes| sizes.min_replica_count = 0).contains("no part of the claim"));
        assert!(found(&|sizes| sizes.idle_replica_count = Some(0)).contains("idleReplicaCount 0"));
        let with_query = |query: &str| Some(PrometheusTrigger { query: query.to_owned(), ..Default::default() });
        assert_eq!(found(&|sizes| sizes.trigger = with_query("sum(up{a=\"}\"})")), "");
        let broken = found(&|sizes| sizes.trigger = with_query("sum(up{)"));
        assert!(
            broken.starts_with("ScaledObject x has a query that no store takes: it has a `{` that `)`"),
            "{broken}"
        );
        let paused = found(&|sizes| sizes.paused_by = Some("autoscaling.keda.sh/paused".to_owned()));
        assert_eq!(paused, "ScaledObject x is paused by its annotation autoscaling.keda.sh/paused");
    }

    #[test]
    fn a_fallback_before_the_run_is_a_warning_and_an_old_inventory_has_none() {
        let sizes: ScaledObjectSizes = serde_json::from_str(r#"{"name":"x","minReplicaCount":1}"#).unwrap();
        assert_eq!(serde_json::to_string(&sizes).unwrap(), r#"{"name":"x","minReplicaCount":1}"#);
        let warn = |is_falling_back| {
            let scaled_object = Some(ScaledObjectSizes { is_falling_back, ..sizes.clone() });
            let adopted = AdoptedHpa { scaled_object, ..AdoptedHpa::default() };
            let inventory = Inventory { adopted_hpa: Some(adopted), ..Inventory::default() };
            warnings(&Scenario::default(), &inventory).join("; ")
        };
        assert_eq!(warn(false), "");
        assert!(warn(true).starts_with("ScaledObject x has the condition Fallback=True"));
    }

    #[test]
    fn a_scaled_object_that_cannot_be_read_is_a_warning() {
        let adopted = AdoptedHpa { controller: Some("ScaledObject x".to_owned()), ..AdoptedHpa::default() };
        let inventory = Inventory { adopted_hpa: Some(adopted), ..Inventory::default() };
        assert!(warnings(&Scenario::default(), &inventory)[0].starts_with("ScaledObject x, which controls"));
    }
}
