//! What makes a scenario impossible before any cluster is asked. Each problem names its field and what to do.

use k8s_openapi::api::autoscaling::v2::{HPAScalingRules, MetricSpec};

use crate::record::scenario::{Metric, Reach, ReachBy, Release, Scenario};

/// One problem; the path leads to the field.
pub(super) struct Problem {
    pub(super) field: Vec<String>,
    pub(super) what: String,
    pub(super) hint: String,
}

fn problem(field: &str, what: impl Into<String>, hint: impl Into<String>) -> Problem {
    Problem { field: field.split('.').map(ToOwned::to_owned).collect(), what: what.into(), hint: hint.into() }
}

/// Everything that is wrong, in the order of the fields.
pub(super) fn problems(scenario: &Scenario) -> Vec<Problem> {
    let mut found = Vec::new();
    if scenario.namespace.is_empty() {
        found.push(problem("namespace", "is empty", "name the namespace of the target"));
    }
    for (name, release) in &scenario.releases {
        release_problems(name, release, &mut found);
    }
    target_problems(scenario, &mut found);
    size_problems(scenario, &mut found);
    metric_spec_problems(&scenario.hpa.spec.metrics.clone().unwrap_or_default(), &mut found);
    metric_problems(&scenario.metric, &mut found);
    reach_problems(&scenario.reach, &mut found);
    load_problems(scenario, &mut found);
    assumption_problems(scenario, &mut found);
    found
}

fn release_problems(name: &str, release: &Release, found: &mut Vec<Problem>) {
    let field = format!("releases.{name}");
    if release.chart.is_empty() {
        found.push(problem(
            &format!("{field}.chart"),
            "is missing",
            "name a path, an oci:// reference or a chart of `repo`",
        ));
    }
    let is_path = release.chart.starts_with(['.', '/']);
    if !is_path && release.version.is_none() && !release.chart.is_empty() {
        found.push(problem(
            &format!("{field}.version"),
            "is missing: evidence of an unpinned chart cannot be reproduced",
            "pin the chart's version",
        ));
    }
    if is_path && release.repo.is_some() {
        found.push(problem(
            &format!("{field}.repo"),
            "does not go with a chart that is a path",
            "remove one of the two",
        ));
    }
}

fn target_problems(scenario: &Scenario, found: &mut Vec<Problem>) {
    let target = &scenario.hpa.spec.scale_target_ref;
    let known = matches!(target.kind.as_str(), "Deployment" | "StatefulSet");
    if !known || target.api_version.as_deref() != Some("apps/v1") || target.name.is_empty() {
        found.push(problem(
            "hpa.spec.scaleTargetRef",
            "must name an apps/v1 Deployment or StatefulSet",
            "write {apiVersion: apps/v1, kind: Deployment, name: ...}",
        ));
    }
}

fn size_problems(scenario: &Scenario, found: &mut Vec<Problem>) {
    let spec = &scenario.hpa.spec;
    let (min, max) = (spec.min_replicas.unwrap_or(1), spec.max_replicas);
    if min < 1 {
        found.push(problem(
            "hpa.spec.minReplicas",
            format!("is {min}: without a pod there is no accelerator metric, and nothing would ever be scaled"),
            "set it to at least 1",
        ));
    }
    if max <= min {
        found.push(problem(
            "hpa.spec.maxReplicas",
            format!("is {max} with minReplicas {min}: the HPA has no room, and \"the ability to scale these Pods\" cannot be shown"),
            "set it above minReplicas",
        ));
    } else if let Some(expect) = scenario.expect.replicas
        && (expect <= min || expect > max)
    {
        found.push(problem(
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

fn rules_problems(side: &str, rules: Option<&HPAScalingRules>, found: &mut Vec<Problem>) {
    if rules.and_then(|rules| rules.select_policy.as_deref()) == Some("Disabled") {
        found.push(problem(
            &format!("hpa.spec.behavior.{side}.selectPolicy"),
            "is Disabled: the requirement's test wants replicas to rise with the metric and to fall with it (KAR-0057)",
            "use Max or Min",
        ));
    }
}

fn metric_spec_problems(metrics: &[MetricSpec], found: &mut Vec<Problem>) {
    let [metric] = metrics else {
        found.push(problem(
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
            found.push(problem(
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
            found.push(problem(
                "hpa.spec.metrics.0.type",
                format!("`{other}` is no metric type"),
                "use Pods, Object or External",
            ));
            return;
        }
    };
    if !has_target {
        found.push(problem(
            "hpa.spec.metrics.0",
            format!("has no target that a {} metric can use", metric.type_),
            "Pods: target.averageValue; Object: value or averageValue by target.type; External: one of the two",
        ));
    }
}

fn metric_problems(metric: &Metric, found: &mut Vec<Problem>) {
    if let Some([low, high]) = metric.range
        && !(low.is_finite() && high.is_finite() && low < high)
    {
        found.push(problem("metric.range", "is no range", "write [smallest, largest], for utilization [0, 100]"));
    }
    if let Some(store) = &metric.store
        && store.url.is_some() == store.service.is_some()
    {
        found.push(problem("metric.store", "needs a url or a service, and not both", "keep one of the two"));
    }
    let mut missing = |empty: bool, field: &str| {
        if empty {
            found.push(problem(field, "is missing", "write it, or set the whole section to null"));
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
        missing(exporter.name.is_empty(), "metric.exporter.name");
    }
}

fn reach_problems(reach: &Reach, found: &mut Vec<Problem>) {
    match (reach.by, &reach.url) {
        (ReachBy::Url, None) => found.push(problem("reach.url", "is missing", "write the base URL of the target")),
        (ReachBy::Url, Some(url)) if !url.starts_with("http://") && !url.starts_with("https://") => {
            found.push(problem("reach.url", format!("`{url}` is no http URL"), "write http://host:port"));
        }
        (ReachBy::NodePort | ReachBy::LoadBalancer, Some(_)) => {
            found.push(problem("reach.url", "does not go with reach.by", "set `by: URL`, or remove the url"));
        }
        _ => {}
    }
}

fn load_problems(scenario: &Scenario, found: &mut Vec<Problem>) {
    let load = &scenario.load;
    if load.model.is_empty() {
        found.push(problem("load.model", "is empty", "name the model that the target serves"));
    }
    if !(1..=10_000).contains(&load.concurrency) {
        found.push(problem("load.concurrency", format!("is {}", load.concurrency), "choose 1 to 10000 workers"));
    }
    let bounded = load.options.get("num_predict").and_then(serde_json::Value::as_i64).is_some_and(|n| n > 0);
    if !bounded {
        found.push(problem(
            "load.options.num_predict",
            "is missing or not positive: nothing else bounds a generation, and one answer could last the whole run",
            "set it to a number of tokens, for example 256",
        ));
    }
}

fn assumption_problems(scenario: &Scenario, found: &mut Vec<Problem>) {
    let assumptions = &scenario.assumptions;
    if assumptions.sync_period.ms() < 1000 {
        found.push(problem("assumptions.syncPeriod", "is below 1s", "state the controller manager's sync period"));
    }
    if !(assumptions.tolerance >= 0.0 && assumptions.tolerance < 1.0) {
        found.push(problem(
            "assumptions.tolerance",
            "is no ratio from 0 to below 1",
            "the controller's default is 0.1",
        ));
    }
    if scenario.phases.idle_sync_periods < 2 {
        found.push(problem("phases.idleSyncPeriods", "is below 2: one quiet pass shows nothing", "use at least 3"));
    }
}
