//! The range of every number of a scenario, in one table: for the files of a user, and for the scenario of a bundle from anyone.
//! Beyond them a run or a review has no bound in time and memory. The Kubernetes limits are those of kubernetes v1.37.2,
//! pkg/apis/autoscaling/validation/validation.go.

use std::fmt::Display;
use std::ops::RangeInclusive;

use k8s_openapi::api::autoscaling::v2::{HPAScalingRules, HorizontalPodAutoscalerSpec, MetricSpec, MetricTarget};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::assumptions::Assumptions;
use super::load::LoadSpec;
use super::scenario::{MetricSources, Scenario};
use crate::units::{HumanDuration, Milli, ParseQuantityError};

/// Whose limit a range is.
const API_SERVER: &str = "the limits of the API server";
const GPUHPA: &str = "the limits of gpuhpa";
const BOTH: &str = "the lower limit is the API server's, the upper one is gpuhpa's";

/// Most replicas of a target: each has a pod in every simulated pass of the HPA controller.
const REPLICAS: RangeInclusive<i32> = 1..=1000;
/// Most scaling policies of one direction.
const POLICIES: RangeInclusive<usize> = 1..=100;
/// Largest absolute value of a metric, a peta: an i64 of thousandths holds it nine times.
const MAX_METRIC: f64 = 1e15;
/// Longest timeout.
const MAX_TIMEOUT: HumanDuration = HumanDuration::from_secs(24 * 3600);
/// Longest sync period: a baseline of the most periods then takes 17 hours.
const MAX_SYNC_PERIOD: HumanDuration = HumanDuration::from_secs(600);
/// Longest interval of the metric's pipeline, and longest stabilization window (that of the API server).
const MAX_INTERVAL: HumanDuration = HumanDuration::from_secs(3600);

/// A number outside its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutOfRange {
    /// The field, for example `hpa.spec.maxReplicas`.
    pub(crate) field: String,
    /// The number, its range, and whose limit that is.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: String,
}

/// All numbers of a scenario that are out of range, in the order of the fields.
pub(crate) fn find_out_of_range(scenario: &Scenario) -> Vec<OutOfRange> {
    let mut check = RangeCheck::default();
    check_hpa(&scenario.hpa.spec, &mut check);
    check_metric(&scenario.metric, &mut check);
    check_load(&scenario.load, &mut check);
    let second = HumanDuration::from_secs(1);
    check.value("phases.installTimeout", scenario.phases.install_timeout, second..=MAX_TIMEOUT, GPUHPA);
    check.value("phases.cleanupTimeout", scenario.phases.cleanup_timeout, second..=MAX_TIMEOUT, GPUHPA);
    let periods = scenario.phases.baseline_sync_periods;
    check.value("phases.baselineSyncPeriods", periods, 2..=100, "one idle HPA pass proves nothing; use at least 3");
    if let Some(expect) = scenario.expect.replicas {
        check.value("expect.replicas", expect, REPLICAS, GPUHPA);
    }
    check_assumptions(&scenario.assumptions, &mut check);
    check.problems
}

/// A number as people write it: with an exponent where it would have many digits.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
struct ReadableNumber(f64);

impl Display for ReadableNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size = self.0.abs();
        if size >= 1e15 || size > 0.0 && size < 1e-6 { write!(f, "{:e}", self.0) } else { write!(f, "{}", self.0) }
    }
}

/// Collects the numbers that are out of range.
#[derive(Default)]
struct RangeCheck {
    problems: Vec<OutOfRange>,
}

impl RangeCheck {
    /// Checks one number. `because` says whose limit the range is, or what a number outside it does.
    fn value<T: PartialOrd + Display>(&mut self, field: &str, value: T, range: RangeInclusive<T>, because: &str) {
        // NaN is in no range.
        if !range.contains(&value) {
            let (low, high) = range.into_inner();
            self.report(
                field,
                &format!("is {value}, outside {low}..={high}: {because}"),
                &format!("choose {low} to {high}"),
            );
        }
    }

    /// Checks a quantity of the HPA's spec, which the API server takes in many spellings.
    fn quantity(&mut self, field: &str, quantity: Option<&Quantity>, low: Milli, high: Milli) {
        let Some(Quantity(text)) = quantity else { return };
        match text.parse::<Milli>() {
            Ok(value) => self.value(field, value, low..=high, BOTH),
            Err(error @ ParseQuantityError::OutOfRange(_)) => {
                self.report(field, &error.to_string(), &format!("choose {low} to {high}"));
            }
            Err(error) => self.report(field, &format!("is no number: {error}"), "write a number, for example \"60\""),
        }
    }

    fn report(&mut self, field: &str, message: &str, hint: &str) {
        self.problems.push(OutOfRange { field: field.to_owned(), message: message.to_owned(), hint: hint.to_owned() });
    }
}

fn check_hpa(spec: &HorizontalPodAutoscalerSpec, check: &mut RangeCheck) {
    let without_pod = "without a pod there is no accelerator metric, and the HPA never scales up; \
                       the upper limit is gpuhpa's";
    check.value("hpa.spec.minReplicas", spec.min_replicas.unwrap_or(1), REPLICAS, without_pod);
    // A missing value is 0 here, and the scenario's validation reports it.
    if spec.max_replicas != 0 {
        check.value("hpa.spec.maxReplicas", spec.max_replicas, REPLICAS, BOTH);
    }
    for (index, metric) in spec.metrics.iter().flatten().enumerate() {
        check_metric_target(index, metric, check);
    }
    let behavior = spec.behavior.as_ref();
    let sides = [
        ("scaleUp", behavior.and_then(|behavior| behavior.scale_up.as_ref())),
        ("scaleDown", behavior.and_then(|behavior| behavior.scale_down.as_ref())),
    ];
    for (side, rules) in sides {
        let Some(rules) = rules else { continue };
        check_rules(&format!("hpa.spec.behavior.{side}"), rules, check);
    }
}

fn check_rules(field: &str, rules: &HPAScalingRules, check: &mut RangeCheck) {
    if let Some(window) = rules.stabilization_window_seconds {
        check.value(&format!("{field}.stabilizationWindowSeconds"), window, 0..=3600, API_SERVER);
    }
    check.quantity(&format!("{field}.tolerance"), rules.tolerance.as_ref(), Milli(0), Milli(100_000));
    let Some(policies) = &rules.policies else { return };
    check.value(&format!("{field}.policies"), policies.len(), POLICIES, BOTH);
    for (index, policy) in policies.iter().enumerate() {
        let field = format!("{field}.policies.{index}");
        check.value(&format!("{field}.value"), policy.value, 1..=1_000_000, BOTH);
        check.value(&format!("{field}.periodSeconds"), policy.period_seconds, 1..=1800, API_SERVER);
    }
}

fn check_metric_target(index: usize, metric: &MetricSpec, check: &mut RangeCheck) {
    let targets: [(&str, Option<&MetricTarget>); 3] = [
        ("pods", metric.pods.as_ref().map(|source| &source.target)),
        ("object", metric.object.as_ref().map(|source| &source.target)),
        ("external", metric.external.as_ref().map(|source| &source.target)),
    ];
    for (source, target) in targets {
        let Some(target) = target else { continue };
        let field = |key: &str| format!("hpa.spec.metrics.{index}.{source}.target.{key}");
        let high = Milli(1_000_000_000_000_000_000);
        check.quantity(&field("value"), target.value.as_ref(), Milli(1), high);
        check.quantity(&field("averageValue"), target.average_value.as_ref(), Milli(1), high);
    }
}

fn check_metric(metric: &MetricSources, check: &mut RangeCheck) {
    let mut range = |field: &str, range: Option<[f64; 2]>| {
        for (index, value) in range.into_iter().flatten().enumerate() {
            check.value(
                &format!("{field}.{index}"),
                ReadableNumber(value),
                ReadableNumber(-MAX_METRIC)..=ReadableNumber(MAX_METRIC),
                GPUHPA,
            );
        }
    };
    range("metric.range", metric.range);
    for (name, series) in metric.profile.iter().flat_map(|profile| &profile.series) {
        range(&format!("metric.profile.series.{name}.range"), series.range);
    }
}

fn check_load(load: &LoadSpec, check: &mut RangeCheck) {
    check.value("load.concurrency", load.concurrency, 1..=10_000, GPUHPA);
    let unbounded = "nothing else bounds a generation, and one response could last the whole run";
    check.value("load.maxTokens", load.max_tokens, 1..=1_000_000, unbounded);
    let timeouts = &load.timeouts;
    let low = HumanDuration::from_ms(1);
    check.value("load.timeouts.connect", timeouts.connect, low..=MAX_TIMEOUT, GPUHPA);
    check.value("load.timeouts.firstToken", timeouts.first_token, low..=MAX_TIMEOUT, GPUHPA);
    check.value("load.timeouts.idle", timeouts.idle, low..=MAX_TIMEOUT, GPUHPA);
    check.value("load.timeouts.total", timeouts.total, low..=MAX_TIMEOUT, GPUHPA);
}

fn check_assumptions(assumptions: &Assumptions, check: &mut RangeCheck) {
    let low = HumanDuration::from_secs(0);
    let mut interval = |name: &str, value: HumanDuration, low: HumanDuration, high: HumanDuration| {
        check.value(&format!("assumptions.{name}"), value, low..=high, GPUHPA);
    };
    interval("syncPeriod", assumptions.sync_period, HumanDuration::from_secs(1), MAX_SYNC_PERIOD);
    interval("downscaleStabilization", assumptions.downscale_stabilization, low, MAX_INTERVAL);
    // A simulation of intervals without a length has no end.
    let shortest = HumanDuration::from_ms(100);
    interval("exporterInterval", assumptions.exporter_interval, shortest, MAX_INTERVAL);
    interval("scrapeInterval", assumptions.scrape_interval, shortest, MAX_INTERVAL);
    interval("storeOffset", assumptions.store_offset, low, MAX_INTERVAL);
    interval("relistInterval", assumptions.relist_interval, shortest, MAX_INTERVAL);
    check.value("assumptions.podStart", assumptions.pod_start, low..=MAX_TIMEOUT, GPUHPA);
    if !(0.0..1.0).contains(&assumptions.tolerance) {
        let message = format!("is {}, not a ratio from 0 to below 1", ReadableNumber(assumptions.tolerance));
        check.report("assumptions.tolerance", &message, "the controller's default is 0.1");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The built-in scenario with the value at this path replaced.
    fn with(path: &str, value: serde_json::Value) -> Scenario {
        let mut scenario: serde_json::Value =
            serde_saphyr::from_str(include_str!("../../scenarios/ollama-gpu-utilization.yaml")).unwrap();
        let mut node = &mut scenario;
        for key in path.split('.') {
            node = match key.parse::<usize>() {
                Ok(index) => &mut node[index],
                Err(_) => &mut node[key],
            };
        }
        *node = value;
        serde_json::from_value(scenario).unwrap()
    }

    #[test]
    fn each_number_has_a_range_and_its_ends_are_inside() {
        use serde_json::json;
        let cases = [
            ("hpa.spec.maxReplicas", json!(1000), json!(1001)),
            ("hpa.spec.minReplicas", json!(1), json!(0)),
            ("expect.replicas", json!(1000), json!(i32::MAX)),
            ("hpa.spec.behavior.scaleUp.stabilizationWindowSeconds", json!(3600), json!(3601)),
            ("hpa.spec.behavior.scaleDown.stabilizationWindowSeconds", json!(0), json!(-1)),
            ("hpa.spec.behavior.scaleUp.tolerance", json!("100"), json!("-1m")),
            ("hpa.spec.behavior.scaleUp.policies.0.periodSeconds", json!(1800), json!(1801)),
            ("hpa.spec.behavior.scaleDown.policies.0.periodSeconds", json!(1), json!(0)),
            ("hpa.spec.behavior.scaleUp.policies.0.value", json!(1_000_000), json!(i32::MAX)),
            ("hpa.spec.behavior.scaleUp.policies.0.value", json!(1), json!(-1)),
            ("hpa.spec.metrics.0.pods.target.averageValue", json!("1m"), json!("0")),
            ("hpa.spec.metrics.0.pods.target.averageValue", json!("1P"), json!("2P")),
            ("hpa.spec.metrics.0.pods.target.averageValue", json!("60"), json!("sixty")),
            ("load.concurrency", json!(10_000), json!(u32::MAX)),
            ("load.maxTokens", json!(1), json!(u64::MAX)),
            ("load.timeouts.connect", json!("24h"), json!("25h")),
            ("load.timeouts.firstToken", json!("1ms"), json!("0s")),
            ("load.timeouts.idle", json!("24h"), json!("100000h")),
            ("load.timeouts.total", json!("24h"), json!("100000h")),
            ("phases.installTimeout", json!("24h"), json!("100000h")),
            ("phases.cleanupTimeout", json!("1s"), json!("0s")),
            ("phases.baselineSyncPeriods", json!(100), json!(u32::MAX)),
            ("assumptions.syncPeriod", json!("1s"), json!("999ms")),
            ("assumptions.syncPeriod", json!("10m"), json!("11m")),
            ("assumptions.tolerance", json!(0.0), json!(1.0)),
            ("assumptions.downscaleStabilization", json!("1h"), json!("61m")),
            ("assumptions.exporterInterval", json!("1h"), json!("61m")),
            ("assumptions.scrapeInterval", json!("1h"), json!("61m")),
            ("assumptions.storeOffset", json!("0s"), json!("61m")),
            ("assumptions.relistInterval", json!("1h"), json!("61m")),
            ("assumptions.podStart", json!("24h"), json!("25h")),
        ];
        for (path, good, bad) in cases {
            assert_eq!(find_out_of_range(&with(path, good)), [], "{path}");
            let found: Vec<String> =
                find_out_of_range(&with(path, bad)).into_iter().map(|problem| problem.field).collect();
            assert_eq!(found, [path]);
        }
        let found = find_out_of_range(&with("metric.range", json!([0, 1e300])));
        assert_eq!(found.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(), ["metric.range.1"]);
        assert_eq!(found[0].message, "is 1e300, outside -1e15..=1e15: the limits of gpuhpa");
        let found = find_out_of_range(&with("assumptions.tolerance", json!(1e300)));
        assert_eq!(found[0].message, "is 1e300, not a ratio from 0 to below 1");
        let found = find_out_of_range(&with("assumptions.tolerance", json!(-0.25)));
        assert_eq!(found[0].message, "is -0.25, not a ratio from 0 to below 1");
    }

    #[test]
    fn an_error_says_whose_limit_it_is() {
        let text = |path: &str, value: i64| find_out_of_range(&with(path, value.into()))[0].message.clone();
        assert_eq!(
            text("hpa.spec.behavior.scaleUp.stabilizationWindowSeconds", 4000),
            "is 4000, outside 0..=3600: the limits of the API server"
        );
        assert!(text("hpa.spec.maxReplicas", 2_147_483_647).ends_with("the upper one is gpuhpa's"));
    }
}
