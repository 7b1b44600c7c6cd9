//! Preflight warnings about the query of a ScaledObject's prometheus trigger: KEDA's metrics server answers with its result as it
//! is, without a rule that restricts it (kedacore/keda v2.21.0, pkg/scalers/prometheus_scaler.go, `ExecutePromQuery`).

use regex::Regex;

use super::adapter_rule::{average_warning, delay_warning, sum_warning};
use crate::model::hpa_source::TriggerUnderTest;
use crate::model::inventory::Inventory;
use crate::model::metric_under_test::MetricUnderTest;
use crate::model::promql_query::{Matcher, QuerySelector, find_selectors, outer_aggregation};
use crate::model::scenario::Scenario;

pub(super) fn warnings(scenario: &Scenario, inventory: &Inventory, metric: Option<&MetricUnderTest>) -> Vec<String> {
    let found = TriggerUnderTest::new(scenario, inventory.adopted_hpa.as_ref());
    let (Some(found), Some(metric)) = (found, metric) else { return Vec::new() };
    let (subject, query) = (&found.place_of("query"), found.trigger.query.as_str());
    let selectors = find_selectors(query);
    let mut all = Vec::new();
    if !found.trigger.is_restricted {
        all.extend(selectors.iter().filter_map(|one| namespace_warning(subject, one, scenario)));
    }
    let range_unknown = scenario.metric.range.is_none();
    all.dedup();
    all.extend(delay_warning(subject, query));
    all.extend(result_warning(subject, query, &selectors, scenario));
    all.extend(average_warning(subject, query, scenario, metric));
    all.extend(sum_warning(subject, query, scenario, metric));
    all.extend(range_of_sum_warning(subject, query, scenario).filter(|_| range_unknown));
    all
}

/// Which namespaces the matchers of a selector let through.
enum SelectedNamespaces<'a> {
    Every,
    /// Not the target's, by this matcher.
    Other(Matcher<'a>),
    Restricted,
}

fn selected_namespaces<'a>(selector: &QuerySelector<'a>, scenario: &Scenario) -> SelectedNamespaces<'a> {
    let labels = &scenario.metric.profile_or_generic().labels.namespace;
    let is_namespace = |label: &str| label.contains("namespace") || labels.iter().any(|known| known == label);
    let mut selected = SelectedNamespaces::Every;
    for matcher in selector.matchers.iter().filter(|matcher| is_namespace(matcher.label)) {
        // A name that no cluster has: what lets it through lets others through as well.
        let [target, any] = [scenario.namespace.as_str(), "x--any--x"].map(|name| lets_through(*matcher, name));
        match (target, any) {
            (Some(false), _) => return SelectedNamespaces::Other(*matcher),
            (_, Some(true)) => {}
            _ => selected = SelectedNamespaces::Restricted,
        }
    }
    selected
}

/// Whether a matcher lets this value through; `None` for an expression that is not understood.
fn lets_through(matcher: Matcher<'_>, value: &str) -> Option<bool> {
    let matches = || Some(Regex::new(&format!("^(?s:{})$", matcher.value)).ok()?.is_match(value));
    match matcher.operator {
        "=" => Some(matcher.value == value),
        "!=" => Some(matcher.value != value),
        "=~" => matches(),
        _ => matches().map(|is_match| !is_match),
    }
}

fn namespace_warning(subject: &str, selector: &QuerySelector<'_>, scenario: &Scenario) -> Option<String> {
    let series = if selector.name.is_empty() { "a selector without a name" } else { selector.name };
    let namespace = &scenario.namespace;
    let label = scenario.metric.profile_or_generic().labels.namespace.first().map_or("namespace", String::as_str);
    match selected_namespaces(selector, scenario) {
        SelectedNamespaces::Restricted => None,
        SelectedNamespaces::Every => Some(format!(
            "{subject} has no namespace for {series}: it is computed over every namespace of the store, so that other workloads may count in it; add {label}=\"{namespace}\""
        )),
        SelectedNamespaces::Other(Matcher { label, operator, value }) => Some(format!(
            "{subject} selects {series} by {label}{operator}\"{value}\", and the target is in namespace {namespace}: it has no value of the target's pods"
        )),
    }
}

/// Warns of a query with a result for each pod: KEDA takes one result.
fn result_warning(subject: &str, query: &str, selectors: &[QuerySelector<'_>], scenario: &Scenario) -> Option<String> {
    let pods = &scenario.metric.profile_or_generic().labels.pod;
    let is_pod = |label: &str| label.contains("pod") || pods.iter().any(|known| known == label);
    let what = match (outer_aggregation(query), selectors) {
        (Some(aggregation), _) => aggregation
            .by
            .is_some_and(|by| by.iter().any(|label| is_pod(label)))
            .then(|| "groups by the pod".to_owned()),
        // A series of the profile is there for each pod, or for each of its devices.
        (None, [only]) if !query.contains('(') => {
            let is_per_pod = scenario.metric.profile.as_ref().is_some_and(|one| one.series.contains_key(only.name));
            is_per_pod.then(|| "is no aggregation".to_owned())
        }
        _ => None,
    }?;
    Some(format!(
        "{subject} {what}: it has a result for each pod, and KEDA takes a query with one (\"multiple elements\" is its error), so that the metrics API serves no value with more than one pod; use sum or avg without `by`"
    ))
}

/// Warns of a sum whose largest value is taken for that of one series.
fn range_of_sum_warning(subject: &str, query: &str, scenario: &Scenario) -> Option<String> {
    let [low, high] = scenario.metric.value_range()?;
    let is_sum = outer_aggregation(query).is_some_and(|one| one.operator.eq_ignore_ascii_case("sum"));
    let max = scenario.hpa.spec.max_replicas;
    is_sum.then(|| {
        format!(
            "{subject} is a sum, and metric.range is not stated: the range of the profile, [{low}, {high}], is that of one series, and the sizes that the metric can reach are computed with it; state that of the sum, for {max} pods with one series each [{low}, {}]",
            high * f64::from(max)
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::hpa_source::{AdoptSpec, PrometheusTrigger, ScaledObjectSizes};
    use crate::model::inventory::AdoptedHpa;

    /// The shipped scenario for KEDA.
    fn shipped() -> Scenario {
        let mut scenario: Scenario =
            serde_saphyr::from_str(include_str!("../../scenarios/ollama-gpu-utilization.yaml")).unwrap();
        let keda: Scenario = serde_saphyr::from_str(include_str!("../../scenarios/ollama-keda.yaml")).unwrap();
        scenario.releases.clear();
        (scenario.scaled_object, scenario.metric.range) = (keda.scaled_object, keda.metric.range);
        scenario.hpa.spec =
            crate::hpa::scaled_object_hpa_spec(&scenario.scaled_object.as_ref().unwrap().spec, "").unwrap();
        scenario
    }

    /// The warnings about its query after an edit of its trigger: those of the run's own ScaledObject, which are those of an adopted
    /// one as well.
    fn warn(edit: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut scenario = shipped();
        let spec = &mut scenario.scaled_object.as_mut().unwrap().spec;
        edit(&mut spec.get_mut("triggers").unwrap()[0]);
        scenario.hpa.spec = crate::hpa::scaled_object_hpa_spec(spec, "").unwrap();
        let warn_at = |scenario: &Scenario, inventory: &Inventory, place: &str| -> Vec<String> {
            let of_query = crate::plan::plan(scenario, inventory, "x").warnings.into_iter();
            of_query.filter_map(|warning| Some(warning.strip_prefix(place)?.to_owned())).collect()
        };
        let own = warn_at(&scenario, &Inventory::default(), "scaledObject.spec.triggers.0.metadata.query");
        let trigger = PrometheusTrigger::from_triggers(&scenario.scaled_object.take().unwrap().spec["triggers"]);
        scenario.adopt = Some(AdoptSpec { hpa: "theirs".to_owned() });
        let owner = ScaledObjectSizes { name: "x".to_owned(), min_replica_count: 1, trigger, ..Default::default() };
        let adopted = AdoptedHpa { scaled_object: Some(owner), ..AdoptedHpa::default() };
        let inventory = Inventory { adopted_hpa: Some(adopted), ..Inventory::default() };
        assert_eq!(warn_at(&scenario, &inventory, "metadata.query of ScaledObject x's trigger"), own);
        own
    }

    fn with_query(query: &str) -> String {
        warn(|trigger| trigger["metadata"]["query"] = json!(query)).join("; ")
    }

    #[test]
    fn the_shipped_query_has_no_warning() {
        assert_eq!(warn(|_| ()), Vec::<String>::new());
    }

    #[test]
    fn a_query_over_other_namespaces_than_the_targets_is_named() {
        let every = "has no namespace for DCGM_FI_DEV_GPU_UTIL";
        for (matchers, told) in [
            ("", every),
            ("{pod=~\"ollama-.*\"}", every),
            ("{namespace=~\".+\"}", every),
            ("{namespace!=\"kube-system\"}", every),
            ("{namespace=\"gpuhpa\"}", ""),
            ("{exported_namespace=~\"gpuhpa|other\"}", ""),
            ("{namespace=\"other\"}", "by namespace=\"other\", and the target is in namespace gpuhpa"),
            ("{namespace=~\"ai-.*\"}", "by namespace=~\"ai-.*\", and the target is in namespace gpuhpa"),
        ] {
            let found = with_query(&format!("sum(DCGM_FI_DEV_GPU_UTIL{matchers})"));
            assert!(found.contains(told) && found.is_empty() == told.is_empty(), "{matchers}: {found}");
        }
        let of_proxy = |key: &str, value: &str| {
            warn(|trigger| {
                trigger["metadata"]["query"] = json!("sum(x)");
                trigger["metadata"][key] = json!(value);
            })
        };
        assert_eq!(of_proxy("namespace", "gpuhpa"), Vec::<String>::new());
        assert_eq!(of_proxy("queryParameters", "extra_label=namespace=gpuhpa"), Vec::<String>::new());
        assert_eq!(of_proxy("queryParameters", "dedup=true").len(), 1);
    }

    #[test]
    fn a_query_with_a_result_for_each_pod_is_named() {
        let series = "DCGM_FI_DEV_GPU_UTIL{namespace=\"gpuhpa\"}";
        assert!(with_query(&format!("sum by (pod) ({series})")).contains("groups by the pod"));
        assert!(with_query(&format!("sum({series}) by (exported_pod)")).contains("groups by the pod"));
        assert!(with_query(series).contains("is no aggregation"));
        for query in ["sum(max by (pod) (S))", "sum by (namespace) (S)", "queue_length{namespace=\"gpuhpa\"}"] {
            assert_eq!(with_query(&query.replace('S', series)), "", "{query}");
        }
    }

    #[test]
    fn an_average_that_is_divided_again_and_a_sum_that_is_multiplied_are_named() {
        let average = "avg(DCGM_FI_DEV_GPU_UTIL{namespace=\"gpuhpa\"})";
        let found = with_query(average);
        assert!(found.contains("is an average, and target type AverageValue divides it"), "{found}");
        let as_value = |query: &str| {
            warn(|trigger| {
                trigger["metricType"] = json!("Value");
                trigger["metadata"]["query"] = json!(query);
            })
        };
        assert_eq!(as_value(average), Vec::<String>::new());
    }

    #[test]
    fn a_range_and_an_offset_of_the_query_are_named_with_their_time() {
        let found = with_query("sum(avg_over_time(x{namespace=\"gpuhpa\"}[2m] offset 1m))");
        assert!(found.contains("up to 3m later"), "{found}");
    }

    #[test]
    fn the_range_of_one_series_is_not_that_of_a_sum() {
        let mut scenario = shipped();
        scenario.metric.range = None;
        let plan = crate::plan::plan(&scenario, &Inventory::default(), "x");
        assert!(plan.warnings.iter().any(|one| one.contains("for 3 pods with one series each [0, 300]")), "{plan:?}");
    }
}
