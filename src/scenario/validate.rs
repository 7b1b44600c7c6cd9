//! What makes a scenario impossible before any cluster is asked. Each problem names its field and what to do.

use k8s_openapi::api::autoscaling::v2::{HPAScalingRules, MetricSpec};

use crate::model::scenario::{EndpointSpec, EndpointType, MetricSources, ReleaseSpec, Scenario};

/// One problem; the path leads to the field.
pub(super) struct FieldProblem {
    pub(super) field: Vec<String>,
    pub(super) what: String,
    pub(super) hint: String,
}

fn field_problem(field: &str, what: impl Into<String>, hint: impl Into<String>) -> FieldProblem {
    FieldProblem { field: field.split('.').map(ToOwned::to_owned).collect(), what: what.into(), hint: hint.into() }
}

/// Everything that is wrong, in the order of the fields.
pub(super) fn find_problems(scenario: &Scenario) -> Vec<FieldProblem> {
    let mut found = Vec::new();
    if scenario.namespace.is_empty() {
        found.push(field_problem("namespace", "is empty", "name the namespace of the target"));
    }
    for (name, release) in &scenario.releases {
        release_problems(name, release, &mut found);
    }
    target_problems(scenario, &mut found);
    size_problems(scenario, &mut found);
    metric_spec_problems(&scenario.hpa.spec.metrics.clone().unwrap_or_default(), &mut found);
    metric_problems(&scenario.metric, &mut found);
    endpoint_problems(&scenario.endpoint, &mut found);
    load_problems(scenario, &mut found);
    assumption_problems(scenario, &mut found);
    found
}

fn release_problems(name: &str, release: &ReleaseSpec, found: &mut Vec<FieldProblem>) {
    let field = format!("releases.{name}");
    if release.chart.is_empty() {
        found.push(field_problem(
            &format!("{field}.chart"),
            "is missing",
            "name a path, an oci:// reference or a chart of `repo`",
        ));
    }
    let is_path = release.chart.starts_with(['.', '/']);
    if !is_path && release.version.is_none() && !release.chart.is_empty() {
        found.push(field_problem(
            &format!("{field}.version"),
            "is missing: evidence of an unpinned chart cannot be reproduced",
            "pin the chart's version",
        ));
    }
    if is_path && release.repo.is_some() {
        found.push(field_problem(
            &format!("{field}.repo"),
            "does not go with a chart that is a path",
            "remove one of the two",
        ));
    }
}

fn target_problems(scenario: &Scenario, found: &mut Vec<FieldProblem>) {
    let target = &scenario.hpa.spec.scale_target_ref;
    let known = matches!(target.kind.as_str(), "Deployment" | "StatefulSet");
    if !known || target.api_version.as_deref() != Some("apps/v1") || target.name.is_empty() {
        found.push(field_problem(
            "hpa.spec.scaleTargetRef",
            "must name an apps/v1 Deployment or StatefulSet",
            "write {apiVersion: apps/v1, kind: Deployment, name: ...}",
        ));
    }
}

fn size_problems(scenario: &Scenario, found: &mut Vec<FieldProblem>) {
    let spec = &scenario.hpa.spec;
    let (min, max) = (spec.min_replicas.unwrap_or(1), spec.max_replicas);
    if min < 1 {
        found.push(field_problem(
            "hpa.spec.minReplicas",
            format!("is {min}: without a pod there is no accelerator metric, and nothing would ever be scaled"),
            "set it to at least 1",
        ));
    }
    if max <= min {
        found.push(field_problem(
            "hpa.spec.maxReplicas",
            format!("is {max} with minReplicas {min}: the HPA has no room, and \"the ability to scale these Pods\" cannot be shown"),
            "set it above minReplicas",
        ));
    } else if let Some(expect) = scenario.expect.replicas
        && (expect <= min || expect > max)
    {
        found.push(field_problem(
            "expect.replicas",
            format!("is {expect}, outside {}..={max}", min + 1),
            "choose a size above minReplicas and not above maxReplicas",
        ));
    }
    let behavior = spec.behavior.clone().unwrap_or_default();
    for (side, rules) in [("scaleUp", &behavior.scale_up), ("scaleDown", &behavior.scale_down)] {
        rules_problems(side, rules.as_ref(), found);
    }
}

fn rules_problems(side: &str, rules: Option<&HPAScalingRules>, found: &mut Vec<FieldProblem>) {
    if rules.and_then(|rules| rules.select_policy.as_deref()) == Some("Disabled") {
        found.push(field_problem(
            &format!("hpa.spec.behavior.{side}.selectPolicy"),
            "is Disabled: the requirement's test wants replicas to rise with the metric and to fall with it (KAR-0057)",
            "use Max or Min",
        ));
    }
}

fn metric_spec_problems(metrics: &[MetricSpec], found: &mut Vec<FieldProblem>) {
    let [metric] = metrics else {
        found.push(field_problem(
            "hpa.spec.metrics",
            format!(
                "holds {} metrics; a verdict needs exactly one, so that it is clear what scaled the pods",
                metrics.len()
            ),
            "name one Pods, Object or External metric",
        ));
        return;
    };
    let has_target = match metric.type_.as_str() {
        "Pods" => metric.pods.as_ref().is_some_and(|m| m.target.average_value.is_some()),
        "Object" => metric.object.as_ref().is_some_and(|m| match m.target.type_.as_str() {
            "Value" => m.target.value.is_some(),
            _ => m.target.average_value.is_some(),
        }),
        "External" => {
            metric.external.as_ref().is_some_and(|m| m.target.average_value.is_some() || m.target.value.is_some())
        }
        "Resource" | "ContainerResource" => {
            found.push(field_problem(
                "hpa.spec.metrics.0.type",
                format!(
                    "is {}: CPU and memory say nothing of accelerators; pod_autoscaling asks for \"custom metrics relevant to AI/ML workloads\"",
                    metric.type_
                ),
                "use a Pods, Object or External metric such as accelerator utilization",
            ));
            return;
        }
        other => {
            found.push(field_problem(
                "hpa.spec.metrics.0.type",
                format!("`{other}` is no metric type"),
                "use Pods, Object or External",
            ));
            return;
        }
    };
    if !has_target {
        found.push(field_problem(
            "hpa.spec.metrics.0",
            format!("has no target that a {} metric can use", metric.type_),
            "Pods: target.averageValue; Object: value or averageValue by target.type; External: one of the two",
        ));
    }
}

fn metric_problems(metric: &MetricSources, found: &mut Vec<FieldProblem>) {
    if let Some([low, high]) = metric.range
        && !(low.is_finite() && high.is_finite() && low < high)
    {
        found.push(field_problem("metric.range", "is no range", "write [smallest, largest], for utilization [0, 100]"));
    }
    if let Some(store) = &metric.store
        && store.url.is_some() == store.service.is_some()
    {
        found.push(field_problem("metric.store", "needs a url or a service, and not both", "keep one of the two"));
    }
    let mut missing = |empty: bool, field: &str| {
        if empty {
            found.push(field_problem(field, "is missing", "write it, or set the whole section to null"));
        }
    };
    if let Some(store) = &metric.store {
        missing(store.series.is_empty(), "metric.store.series");
        if let Some(service) = &store.service {
            missing(service.namespace.is_empty(), "metric.store.service.namespace");
            missing(service.name.is_empty(), "metric.store.service.name");
            missing(service.port.is_empty(), "metric.store.service.port");
        }
    }
    if let Some(exporter) = &metric.exporter {
        missing(exporter.namespace.is_empty(), "metric.exporter.namespace");
        missing(exporter.pod_labels.is_empty(), "metric.exporter.podLabels");
        missing(exporter.port == 0, "metric.exporter.port");
        missing(exporter.metric_name.is_empty(), "metric.exporter.name");
    }
}

fn endpoint_problems(endpoint: &EndpointSpec, found: &mut Vec<FieldProblem>) {
    match (endpoint.kind, &endpoint.url) {
        (EndpointType::Url, None) => {
            found.push(field_problem("endpoint.url", "is missing", "write the base URL of the target"))
        }
        (EndpointType::Url, Some(url)) if !url.starts_with("http://") && !url.starts_with("https://") => {
            found.push(field_problem("endpoint.url", format!("`{url}` is no http URL"), "write http://host:port"));
        }
        (EndpointType::NodePort | EndpointType::LoadBalancer, Some(_)) => {
            found.push(field_problem(
                "endpoint.url",
                "does not go with endpoint.type",
                "set `type: URL`, or remove the url",
            ));
        }
        _ => {}
    }
}

fn load_problems(scenario: &Scenario, found: &mut Vec<FieldProblem>) {
    let load = &scenario.load;
    if load.model.is_empty() {
        found.push(field_problem("load.model", "is empty", "name the model that the target serves"));
    }
    if !(1..=10_000).contains(&load.concurrency) {
        found.push(field_problem("load.concurrency", format!("is {}", load.concurrency), "choose 1 to 10000 workers"));
    }
    let bounded = load.options.get("num_predict").and_then(serde_json::Value::as_i64).is_some_and(|n| n > 0);
    if !bounded {
        found.push(field_problem(
            "load.options.num_predict",
            "is missing or not positive: nothing else bounds a generation, and one answer could last the whole run",
            "set it to a number of tokens, for example 256",
        ));
    }
}

fn assumption_problems(scenario: &Scenario, found: &mut Vec<FieldProblem>) {
    let assumptions = &scenario.assumptions;
    if assumptions.sync_period.ms() < 1000 {
        found.push(field_problem(
            "assumptions.syncPeriod",
            "is below 1s",
            "state the controller manager's sync period",
        ));
    }
    if !(assumptions.tolerance >= 0.0 && assumptions.tolerance < 1.0) {
        found.push(field_problem(
            "assumptions.tolerance",
            "is no ratio from 0 to below 1",
            "the controller's default is 0.1",
        ));
    }
    if scenario.phases.baseline_sync_periods < 2 {
        found.push(field_problem(
            "phases.baselineSyncPeriods",
            "is below 2: one quiet pass shows nothing",
            "use at least 3",
        ));
    }
}
