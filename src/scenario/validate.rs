//! Validates a scenario without a cluster.

use k8s_openapi::api::autoscaling::v2::HPAScalingRules;

use super::scenario_error::ScenarioProblem;
use super::{metric_spec, names, profile};
use crate::model::load::{BearerTokenSource, LoadSpec};
use crate::model::scenario::{EndpointSpec, EndpointType, MetricSources, ReleaseSpec, Scenario};
use crate::model::scenario_limits;
use crate::protocol;

/// All problems, in the order of the fields.
pub(super) fn find_problems(scenario: &Scenario) -> Vec<ScenarioProblem> {
    let mut problems = Vec::new();
    if scenario.namespace.is_empty() {
        problems.push(ScenarioProblem::new("namespace", "is empty", "name the namespace of the target"));
    }
    for (name, release) in &scenario.releases {
        release_problems(name, release, &mut problems);
    }
    target_problems(scenario, &mut problems);
    replicas_problems(scenario, &mut problems);
    problems.extend(metric_spec::find_problems(scenario.hpa.spec.metrics.as_deref().unwrap_or_default()));
    metric_problems(&scenario.metric, &mut problems);
    endpoint_problems(&scenario.endpoint, &mut problems);
    let protocol = protocol::by_name(scenario.load.protocol);
    if let Some((message, hint)) = scenario.endpoint.url.as_deref().and_then(|url| protocol.base_url_problem(url)) {
        problems.push(ScenarioProblem::new("endpoint.url", message, hint));
    }
    load_problems(&scenario.load, &mut problems);
    problems.extend(names::find_problems(scenario));
    let out_of_range = scenario_limits::find_out_of_range(scenario).into_iter();
    problems.extend(out_of_range.map(|one| ScenarioProblem::new(&one.field, one.message, one.hint)));
    problems
}

fn release_problems(name: &str, release: &ReleaseSpec, problems: &mut Vec<ScenarioProblem>) {
    let field = format!("releases.{name}");
    if release.chart.is_empty() {
        problems.push(ScenarioProblem::new(
            &format!("{field}.chart"),
            "is missing",
            "name a path, an oci:// reference or a chart of `repo`",
        ));
    }
    let is_path = release.chart.starts_with(['.', '/']);
    if !is_path && release.version.is_none() && !release.chart.is_empty() {
        problems.push(ScenarioProblem::new(
            &format!("{field}.version"),
            "is missing: evidence of an unpinned chart cannot be reproduced",
            "pin the chart's version",
        ));
    }
    if is_path && release.repo.is_some() {
        problems.push(ScenarioProblem::new(
            &format!("{field}.repo"),
            "is not valid for a chart that is a path",
            "remove one of the two",
        ));
    }
}

fn target_problems(scenario: &Scenario, problems: &mut Vec<ScenarioProblem>) {
    let target = &scenario.hpa.spec.scale_target_ref;
    let known = matches!(target.kind.as_str(), "Deployment" | "StatefulSet");
    let version = target.api_version.as_deref().unwrap_or_default();
    if known && version == "apps/v1" && !target.name.is_empty() {
        return;
    }
    let parts = [("apiVersion", version), ("kind", target.kind.as_str()), ("name", target.name.as_str())];
    let missing: Vec<&str> = parts.into_iter().filter(|(_, text)| text.is_empty()).map(|(key, _)| key).collect();
    let found = match missing.len() {
        0 => format!("is {version} {} {}", target.kind, target.name),
        3 => "is missing".to_owned(),
        _ => format!("has no {}", missing.join(" and no ")),
    };
    let hint = match target.kind.as_str() {
        // It scales ReplicaSets of its own, and leaves a Deployment that it refers to at 0 replicas.
        "Rollout" => "gpuhpa does not test a Rollout; use a Deployment or StatefulSet that runs the pods itself",
        _ => "write {apiVersion: apps/v1, kind: Deployment, name: ...}",
    };
    problems.push(ScenarioProblem::new(
        "hpa.spec.scaleTargetRef",
        format!("must name an apps/v1 Deployment or StatefulSet, and {found}"),
        hint,
    ));
}

fn replicas_problems(scenario: &Scenario, problems: &mut Vec<ScenarioProblem>) {
    let spec = &scenario.hpa.spec;
    let (min, max) = (spec.min_replicas.unwrap_or(1), spec.max_replicas);
    if max <= min {
        problems.push(ScenarioProblem::new(
            "hpa.spec.maxReplicas",
            format!("is {max} with minReplicas {min}: the HPA cannot scale, and \"the ability to scale these Pods\" cannot be shown"),
            "set it above minReplicas",
        ));
    } else if let Some(expect) = scenario.expect.replicas
        && (expect <= min || expect > max)
    {
        problems.push(ScenarioProblem::new(
            "expect.replicas",
            format!("is {expect}, outside {}..={max}", min.saturating_add(1)),
            "choose a number above minReplicas and at most maxReplicas",
        ));
    }
    let behavior = spec.behavior.clone().unwrap_or_default();
    for (side, rules) in [("scaleUp", &behavior.scale_up), ("scaleDown", &behavior.scale_down)] {
        rules_problems(side, rules.as_ref(), problems);
    }
}

fn rules_problems(side: &str, rules: Option<&HPAScalingRules>, problems: &mut Vec<ScenarioProblem>) {
    let field = |key: &str| format!("hpa.spec.behavior.{side}.{key}");
    let Some(rules) = rules else { return };
    match rules.select_policy.as_deref() {
        None | Some("Max" | "Min") => {}
        Some("Disabled") => problems.push(ScenarioProblem::new(
            &field("selectPolicy"),
            "is Disabled: the requirement's test expects a scale-up and a scale-down (KAR-0057)",
            "use Max or Min",
        )),
        Some(other) => problems.push(ScenarioProblem::new(
            &field("selectPolicy"),
            format!("`{other}` is unknown to the API server"),
            "use Max or Min",
        )),
    }
    for (index, policy) in rules.policies.iter().flatten().enumerate() {
        if !matches!(policy.type_.as_str(), "Pods" | "Percent") {
            problems.push(ScenarioProblem::new(
                &field(&format!("policies.{index}.type")),
                format!("`{}` is unknown to the API server", policy.type_),
                "use Pods or Percent",
            ));
        }
    }
}

fn metric_problems(metric: &MetricSources, problems: &mut Vec<ScenarioProblem>) {
    problems.extend(metric.profile.iter().flat_map(profile::find_problems));
    if metric.range.is_some_and(|range| !profile::is_range(range)) {
        problems.push(ScenarioProblem::new(
            "metric.range",
            "is not a range",
            "write [smallest, largest], for utilization [0, 100]",
        ));
    }
    if let Some(store) = &metric.store
        && store.url.is_some() == store.service.is_some()
    {
        problems.push(ScenarioProblem::new("metric.store", "needs either a url or a service", "keep one of the two"));
    }
    let mut missing = |empty: bool, field: &str| {
        if empty {
            problems.push(ScenarioProblem::new(field, "is missing", "set it, or set the whole section to null"));
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

fn endpoint_problems(endpoint: &EndpointSpec, problems: &mut Vec<ScenarioProblem>) {
    if endpoint.port == 0 {
        problems.push(ScenarioProblem::new(
            "endpoint.port",
            "is 0",
            "name the container port of the target, or remove the key",
        ));
    }
    match (endpoint.kind, &endpoint.url) {
        (EndpointType::Url, None) => {
            problems.push(ScenarioProblem::new("endpoint.url", "is missing", "write the base URL of the target"))
        }
        (EndpointType::Url, Some(url)) if !url.starts_with("http://") && !url.starts_with("https://") => {
            problems.push(ScenarioProblem::new(
                "endpoint.url",
                format!("`{url}` is not an http URL"),
                "write http://host:port",
            ));
        }
        (EndpointType::NodePort | EndpointType::LoadBalancer, Some(_)) => {
            problems.push(ScenarioProblem::new(
                "endpoint.url",
                "is not valid with this endpoint.type",
                "set `type: URL`, or remove the url",
            ));
        }
        _ => {}
    }
}

fn load_problems(load: &LoadSpec, problems: &mut Vec<ScenarioProblem>) {
    if load.model.is_empty() {
        problems.push(ScenarioProblem::new("load.model", "is empty", "name the model that the target serves"));
    }
    problems.extend(load.bearer_token.as_ref().and_then(token_problem));
    let parameters = protocol::by_name(load.protocol).parameter_problems(&load.parameters);
    problems.extend(parameters.into_iter().map(|problem| {
        ScenarioProblem::new(&format!("load.parameters.{}", problem.field), problem.message, problem.hint)
    }));
}

fn token_problem(source: &BearerTokenSource) -> Option<ScenarioProblem> {
    let is_named = |name: &Option<String>| name.as_deref().is_some_and(|name| !name.is_empty());
    let (message, hint) = match (is_named(&source.file), is_named(&source.env)) {
        (true, true) => ("has both file and env", "keep one of the two; an overlay removes the other one with null"),
        (false, false) => ("has neither file nor env", "write {file: PATH} or {env: NAME}, or remove the key"),
        _ => return None,
    };
    Some(ScenarioProblem::new("load.bearerToken", message, hint))
}
