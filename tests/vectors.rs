//! Runs `gpuhpa::hpa` on recorded inputs of the real controller and compares the whole outputs, texts included.
//!
//! The vectors are the `.ndjson` files in `fixtures/hpa/`, or in the directory that `HPA_VECTORS` names. `SCHEMA.md`
//! there defines each field. A line that does not parse, an unknown field or kind, and a directory without vectors fail
//! the test.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gpuhpa::hpa;
use serde::Deserialize;
use serde_json::{Value, json};

/// Number of mismatches that are printed in full.
const MAX_PRINTED: usize = 5;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HpaVector {
    id: String,
    kind: String,
    #[serde(rename = "in")]
    input: Value,
    out: Value,
}

#[derive(Default)]
struct VectorTally {
    passed: usize,
    failed: usize,
}

#[test]
fn vectors() {
    let dir = match std::env::var_os("HPA_VECTORS") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hpa"),
    };
    let vectors = read_vectors(&dir);
    assert!(vectors.is_ok(), "{}: {}", dir.display(), vectors.err().unwrap_or_default());
    let vectors = vectors.unwrap_or_default();
    let (tallies, mismatches) = compare_vectors(&vectors);
    let mut report = format!("\nvectors of {}\n", dir.display());
    for (kind, VectorTally { passed, failed }) in &tallies {
        let _ = writeln!(report, "{kind:>24}: {passed} passed, {failed} failed");
    }
    // Written to stderr directly, because the test harness captures the output of passing tests.
    let _ = std::io::stderr().write_all(report.as_bytes());
    let printed: String = mismatches.iter().take(MAX_PRINTED).map(String::as_str).collect();
    assert!(mismatches.is_empty(), "{} mismatches, the first:\n{printed}", mismatches.len());
}

fn read_vectors(dir: &Path) -> Result<Vec<HpaVector>, String> {
    let entries = fs::read_dir(dir).map_err(|error| error.to_string())?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.extension().is_some_and(|extension| extension == "ndjson") {
            files.push(path);
        }
    }
    files.sort();
    let mut vectors = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        for (index, line) in text.lines().enumerate() {
            let with_position = |error| format!("{}:{}: {error}", file.display(), index + 1);
            vectors.push(serde_json::from_str(line).map_err(with_position)?);
        }
    }
    if vectors.is_empty() { Err("no vectors".to_owned()) } else { Ok(vectors) }
}

fn compare_vectors(vectors: &[HpaVector]) -> (BTreeMap<&str, VectorTally>, Vec<String>) {
    let mut tallies = BTreeMap::<&str, VectorTally>::new();
    let mut mismatches = Vec::new();
    for HpaVector { id, kind, input, out } in vectors {
        let tally = tallies.entry(kind).or_default();
        match compute_output(kind, input) {
            Ok(actual) if actual == *out => tally.passed += 1,
            Ok(actual) => {
                tally.failed += 1;
                mismatches.push(format!("{id}\n  expected {out}\n  actual   {actual}\n"));
            }
            Err(error) => {
                tally.failed += 1;
                mismatches.push(format!("{id}\n  {error}\n"));
            }
        }
    }
    (tallies, mismatches)
}

fn compute_output(kind: &str, input: &Value) -> Result<Value, String> {
    Ok(match kind {
        "pods_metric" => parse_input::<PodsVectorInput>(input)?.compute(),
        "object_value" | "object_average_value" => parse_input::<ObjectVectorInput>(input)?.compute(),
        "external_value" | "external_average_value" => parse_input::<ExternalVectorInput>(input)?.compute(),
        "behavior" | "legacy" => parse_input::<SizingVectorInput>(input)?.compute(),
        "reconcile" => run_reconcile(parse_input(input)?)?,
        _ => return Err(format!("unknown kind {kind}")),
    })
}

fn parse_input<'a, T: Deserialize<'a>>(input: &'a Value) -> Result<T, String> {
    T::deserialize(input).map_err(|error| error.to_string())
}

// From one metric to a proposal.

type VectorLabels = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PodsVectorInput {
    current_replicas: i32,
    target_average_value_milli: i64,
    tolerance_up: f64,
    tolerance_down: f64,
    metric_name: String,
    pods: Vec<hpa::PodState>,
    pod_metrics: BTreeMap<String, i64>,
    fetch_error: Option<String>,
}

impl PodsVectorInput {
    fn compute(&self) -> Value {
        let workload = hpa::Workload {
            spec_replicas: self.current_replicas,
            status_replicas: 0,
            pods: &self.pods,
            tolerance: hpa::Tolerance { up: self.tolerance_up, down: self.tolerance_down },
        };
        let metric = hpa::PodsMetric { name: self.metric_name.clone() };
        let samples = self.fetch_error.as_deref().map_or(Ok(&self.pod_metrics), Err);
        proposal_json(
            hpa::pods_metric(&metric, samples, self.target_average_value_milli, &workload),
            "averageValueMilli",
        )
    }
}

/// Input of `object_value` and `object_average_value`; each kind lacks the other's fields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ObjectVectorInput {
    current_replicas: Option<i32>,
    status_replicas: Option<i32>,
    target_value_milli: Option<i64>,
    target_average_value_milli: Option<i64>,
    tolerance_up: f64,
    tolerance_down: f64,
    metric_name: String,
    object_kind: String,
    object_name: String,
    #[serde(default)]
    pods: Vec<hpa::PodState>,
    value_milli: i64,
    fetch_error: Option<String>,
}

impl ObjectVectorInput {
    fn compute(&self) -> Value {
        let workload = hpa::Workload {
            spec_replicas: self.current_replicas.unwrap_or_default(),
            status_replicas: self.status_replicas.unwrap_or_default(),
            pods: &self.pods,
            tolerance: hpa::Tolerance { up: self.tolerance_up, down: self.tolerance_down },
        };
        let metric = object_metric(&self.metric_name, None, &self.object_kind, &self.object_name);
        let value = self.fetch_error.as_deref().map_or(Ok(self.value_milli), Err);
        match (self.target_value_milli, self.target_average_value_milli) {
            (Some(target), None) => proposal_json(hpa::object_value(&metric, value, target, &workload), "valueMilli"),
            (None, Some(target)) => {
                proposal_json(hpa::object_average_value(&metric, value, target, &workload), "averageValueMilli")
            }
            _ => json!("not exactly one target"),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExternalVectorInput {
    current_replicas: Option<i32>,
    status_replicas: Option<i32>,
    target_value_milli: Option<i64>,
    target_average_value_milli: Option<i64>,
    tolerance_up: f64,
    tolerance_down: f64,
    metric_name: String,
    metric_selector: Option<VectorLabels>,
    #[serde(default)]
    pods: Vec<hpa::PodState>,
    values_milli: Vec<i64>,
    fetch_error: Option<String>,
}

impl ExternalVectorInput {
    fn compute(&self) -> Value {
        let workload = hpa::Workload {
            spec_replicas: self.current_replicas.unwrap_or_default(),
            status_replicas: self.status_replicas.unwrap_or_default(),
            pods: &self.pods,
            tolerance: hpa::Tolerance { up: self.tolerance_up, down: self.tolerance_down },
        };
        let metric = external_metric(&self.metric_name, self.metric_selector.clone());
        let values = self.fetch_error.as_deref().map_or(Ok(self.values_milli.as_slice()), Err);
        match (self.target_value_milli, self.target_average_value_milli) {
            (Some(target), None) => {
                proposal_json(hpa::external_value(&metric, values, target, &workload), "valueMilli")
            }
            (None, Some(target)) => {
                proposal_json(hpa::external_average_value(&metric, values, target, &workload), "averageValueMilli")
            }
            _ => json!("not exactly one target"),
        }
    }
}

fn object_metric(name: &str, selector: Option<VectorLabels>, kind: &str, object: &str) -> hpa::ObjectMetric {
    let object = hpa::DescribedObjectRef { kind: kind.into(), namespace: "default".into(), name: object.into() };
    hpa::ObjectMetric { name: name.into(), selector, object }
}

fn external_metric(name: &str, selector: Option<VectorLabels>) -> hpa::ExternalMetric {
    hpa::ExternalMetric { name: name.into(), namespace: "default".into(), selector }
}

fn proposal_json(result: Result<hpa::Proposal, hpa::MetricError>, value_field: &str) -> Value {
    match result {
        Ok(proposal) => json!({ "replicas": proposal.replicas, value_field: proposal.value_milli }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

// From a proposal to the desired replicas.

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SizingVectorInput {
    current_replicas: i32,
    desired_replicas: i32,
    min_replicas: i32,
    max_replicas: i32,
    behavior: Option<hpa::Behavior>,
    downscale_stabilization_seconds: u64,
    recommendations: Vec<(u64, i32)>,
    #[serde(default)]
    scale_up_events: Vec<(u64, i32)>,
    #[serde(default)]
    scale_down_events: Vec<(u64, i32)>,
}

impl SizingVectorInput {
    fn compute(&self) -> Value {
        let sizing = hpa::Sizing {
            current_replicas: self.current_replicas,
            proposal: self.desired_replicas,
            min_replicas: self.min_replicas,
            max_replicas: self.max_replicas,
            downscale_stabilization: Duration::from_secs(self.downscale_stabilization_seconds),
            recommendations: &to_log(&self.recommendations),
        };
        let events = hpa::ScaleEvents { ups: to_log(&self.scale_up_events), downs: to_log(&self.scale_down_events) };
        let size = match &self.behavior {
            Some(rules) => hpa::behavior(&sizing, rules, &events),
            None => hpa::legacy(&sizing),
        };
        json!({
            "stabilizedReplicas": size.stabilized_replicas,
            "rateLimit": size.rate_limit,
            "desiredReplicas": size.desired_replicas,
            "conditions": size.conditions(),
            "recommendations": to_slots(&size.recommendations),
        })
    }
}

fn to_log(slots: &[(u64, i32)]) -> Vec<hpa::LogSlot> {
    slots.iter().map(|&(age, count)| hpa::LogSlot { age: Duration::from_secs(age), count }).collect()
}

fn to_slots(log: &[hpa::LogSlot]) -> Vec<(u64, i32)> {
    log.iter().map(|slot| (slot.age.as_secs(), slot.count)).collect()
}

// One pass.

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReconcileVectorInput {
    spec_replicas: i32,
    status_replicas: i32,
    selector: String,
    #[serde(default)]
    competing_hpa: bool,
    min_replicas: Option<i32>,
    max_replicas: i32,
    behavior: Option<hpa::Behavior>,
    metrics: Vec<MetricVectorInput>,
    tolerance: f64,
    downscale_stabilization_seconds: u64,
    pods: Vec<hpa::PodState>,
    status_desired_replicas: i32,
    conditions: Vec<hpa::HpaCondition>,
    recommendations: Vec<(u64, i32)>,
    scale_up_events: Vec<(u64, i32)>,
    scale_down_events: Vec<(u64, i32)>,
    scale_get_error: Option<String>,
    scale_update_error: Option<String>,
    #[serde(default)]
    scale_update_conflicts: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MetricVectorInput {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    selector: Option<VectorLabels>,
    target_type: hpa::TargetType,
    target_value_milli: Option<i64>,
    target_average_value_milli: Option<i64>,
    fetch_error: Option<String>,
    pod_metrics: Option<BTreeMap<String, i64>>,
    object_kind: Option<String>,
    object_name: Option<String>,
    value_milli: Option<i64>,
    values_milli: Option<Vec<i64>>,
}

impl MetricVectorInput {
    fn into_metric(self) -> Result<hpa::MetricInput, String> {
        let target = hpa::MetricTargetSpec {
            kind: self.target_type,
            value_milli: self.target_value_milli,
            average_value_milli: self.target_average_value_milli,
        };
        let missing = |field: &str| format!("{} metric without {field}", self.kind);
        Ok(match self.kind.as_str() {
            "Pods" => hpa::MetricInput::Pods {
                metric: hpa::PodsMetric { name: self.name },
                target_average_value_milli: target.average_value_milli.ok_or_else(|| missing("averageValue"))?,
                samples_milli: self.fetch_error.map_or(self.pod_metrics.ok_or_else(|| missing("samples")), Err),
            },
            "Object" => hpa::MetricInput::Object {
                metric: object_metric(
                    &self.name,
                    self.selector,
                    &self.object_kind.ok_or_else(|| missing("kind"))?,
                    &self.object_name.ok_or_else(|| missing("object"))?,
                ),
                target,
                value_milli: self.fetch_error.map_or(self.value_milli.ok_or_else(|| missing("value")), Err),
            },
            "External" => hpa::MetricInput::External {
                metric: external_metric(&self.name, self.selector),
                target,
                values_milli: self.fetch_error.map_or(self.values_milli.ok_or_else(|| missing("values")), Err),
            },
            _ => return Err(format!("unknown metric type {}", self.kind)),
        })
    }
}

/// Parses the selectors that occur in the vectors. The controller's parser is not modelled, so its error texts are
/// copied.
fn pod_selector(text: String) -> Result<hpa::PodSelector, String> {
    let unparsable = |error: &str| hpa::PodSelector::Unparsable { error: error.to_owned() };
    Ok(match text.as_str() {
        "" => hpa::PodSelector::Missing,
        "app in (llm" => unparsable("unable to parse requirement: found '', expected: ',' or ')'"),
        "app=llm,=x" => unparsable("found '=', expected: identifier after ','"),
        "app=llm" => hpa::PodSelector::Parsed(text),
        _ => return Err(format!("unknown selector {text}")),
    })
}

fn run_reconcile(input: ReconcileVectorInput) -> Result<Value, String> {
    let conflict = "Operation cannot be fulfilled on deployments.apps \"llm\": the object has been modified; \
                    please apply your changes to the latest version and try again";
    let mut put_failures = vec![hpa::PutFailure::Conflict(conflict.to_owned()); input.scale_update_conflicts];
    put_failures.extend(input.scale_update_error.map(hpa::PutFailure::Other));
    let scale = hpa::ScaleSubresource {
        spec_replicas: input.spec_replicas,
        status_replicas: input.status_replicas,
        selector: pod_selector(input.selector)?,
    };
    let metrics: Result<Vec<_>, _> = input.metrics.into_iter().map(MetricVectorInput::into_metric).collect();
    let out = hpa::reconcile(&hpa::ReconcileInput {
        names: hpa::HpaNames {
            namespace: "default".to_owned(),
            hpa: "llm".to_owned(),
            target_kind: "Deployment".to_owned(),
            target_name: "llm".to_owned(),
        },
        spec: hpa::HpaSpec {
            min_replicas: input.min_replicas,
            max_replicas: input.max_replicas,
            behavior: input.behavior,
            metrics: metrics?,
        },
        status: hpa::HpaStatus {
            current_replicas: input.spec_replicas,
            desired_replicas: input.status_desired_replicas,
            conditions: input.conditions,
            current_metrics: Vec::new(),
        },
        flags: hpa::ControllerFlags {
            tolerance: input.tolerance,
            downscale_stabilization: Duration::from_secs(input.downscale_stabilization_seconds),
        },
        scale: input.scale_get_error.map_or(Ok(scale), Err),
        pods: input.pods,
        competing_hpa: input.competing_hpa.then(|| "default/other".to_owned()),
        put_failures,
        logs: hpa::HpaLogs {
            recommendations: to_log(&input.recommendations),
            events: hpa::ScaleEvents { ups: to_log(&input.scale_up_events), downs: to_log(&input.scale_down_events) },
        },
    });
    Ok(reconcile_json(&out))
}

fn reconcile_json(out: &hpa::ReconcileOutput) -> Value {
    let current_metrics: Vec<Value> =
        out.status.current_metrics.iter().map(|m| current_metric_json(m.as_ref())).collect();
    json!({
        "currentReplicas": out.status.current_replicas,
        "desiredReplicas": out.status.desired_replicas,
        "scaleWritten": out.scale_written,
        "scaleUpdateCalls": out.scale_update_calls,
        "error": out.error.as_ref().map(ToString::to_string),
        "conditions": out.status.conditions,
        "events": out.events,
        "currentMetrics": current_metrics,
        "recommendations": to_slots(&out.logs.recommendations),
        "scaleUpEvents": to_slots(&out.logs.events.ups),
        "scaleDownEvents": to_slots(&out.logs.events.downs),
    })
}

fn current_metric_json(metric: Option<&hpa::CurrentMetric>) -> Value {
    let Some(metric) = metric else {
        return json!({ "type": "", "name": "", "valueMilli": null, "averageValueMilli": null });
    };
    let (value, average) = match metric.reported {
        hpa::ReportedValue::Value(value) => (Some(value), None),
        hpa::ReportedValue::AverageValue(value) => (None, Some(value)),
    };
    json!({ "type": metric.kind, "name": metric.name, "valueMilli": value, "averageValueMilli": average })
}
