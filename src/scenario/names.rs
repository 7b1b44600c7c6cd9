//! Validates the names of a scenario that become part of a request's URL or of a command line, as the API server does
//! (kubernetes v1.37.2, staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go) and helm (v4.0.0,
//! pkg/chart/v2/util/validate_name.go). Without this check `A/../b` asks for another object.

use k8s_openapi::api::autoscaling::v2::MetricSpec;

use super::scenario_error::ScenarioProblem;
use crate::model::scenario::Scenario;

/// What a name must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NameRule {
    /// RFC 1123 label: namespaces and Services.
    Label,
    /// RFC 1123 subdomain of at most this many characters.
    Subdomain(usize),
    /// Number or name of a port of a Service.
    Port,
    /// One segment of a URL's path.
    PathSegment,
    /// Segments of a URL's path, or nothing.
    Path,
}

impl NameRule {
    fn holds(self, name: &str) -> bool {
        match self {
            Self::Label => name.len() <= 63 && is_label(name),
            Self::Subdomain(most) => name.len() <= most && name.split('.').all(is_label),
            Self::Port => match name.parse::<u32>() {
                Ok(number) => (1..=65535).contains(&number),
                // Too large a number is no name: that has a letter.
                Err(_) => name.len() <= 15 && is_label(name) && name.contains(|c: char| c.is_ascii_lowercase()),
            },
            Self::PathSegment => is_path_segment(name),
            Self::Path => name.is_empty() || name.strip_prefix('/').is_some_and(|path| path.split('/').all(is_plain)),
        }
    }

    fn describe(self) -> (String, &'static str) {
        match self {
            Self::Label => (
                "is no RFC 1123 label".to_owned(),
                "write at most 63 lower-case letters, digits and hyphens; the first and the last are no hyphens",
            ),
            Self::Subdomain(most) => (
                format!("is no RFC 1123 subdomain of at most {most} characters"),
                "write lower-case letters, digits, hyphens and dots, with a letter or digit at both ends and beside each dot",
            ),
            Self::Port => (
                "is neither the number nor the name of a port".to_owned(),
                "write 1 to 65535, or the name of the Service's port",
            ),
            Self::PathSegment => (
                "is no name in the Kubernetes API".to_owned(),
                "write it without /, %, control characters, and not . or ..",
            ),
            Self::Path => (
                "is no path of a URL".to_owned(),
                "write it from its / on, without ., .., %, ? and #, for example /select/0",
            ),
        }
    }
}

fn is_label(label: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !label.is_empty() && label.bytes().all(inside) && !label.starts_with('-') && !label.ends_with('-')
}

/// True for a name as `ValidatePathSegmentName` takes it (k8s.io/apimachinery, pkg/api/validation/path/name.go).
fn is_path_segment(name: &str) -> bool {
    !name.is_empty() && is_plain(name)
}

fn is_plain(segment: &str) -> bool {
    let is_special = |c: char| matches!(c, '/' | '%' | '?' | '#' | '\\') || c.is_control() || c.is_whitespace();
    segment != "." && segment != ".." && !segment.contains(is_special)
}

/// All names that are not valid, in the order of the fields. An empty name is a missing one, which other checks report.
pub(super) fn find_problems(scenario: &Scenario) -> Vec<ScenarioProblem> {
    let mut problems = Vec::new();
    let mut check = |field: &str, name: &str, rule: NameRule| {
        if !name.is_empty() && !rule.holds(name) {
            let (what, hint) = rule.describe();
            problems.push(ScenarioProblem::new(field, format!("`{}` {what}", printable(name)), hint));
        }
    };
    check("namespace", &scenario.namespace, NameRule::Label);
    if let Some(adopt) = &scenario.adopt {
        check("adopt.hpa", &adopt.hpa, NameRule::Subdomain(253));
    }
    for (name, release) in &scenario.releases {
        // helm keeps room for the names of its own objects.
        check(&format!("releases.{name}"), if name.is_empty() { "." } else { name }, NameRule::Subdomain(53));
        if let Some(namespace) = &release.namespace {
            check(&format!("releases.{name}.namespace"), namespace, NameRule::Label);
        }
    }
    check("hpa.spec.scaleTargetRef.name", &scenario.hpa.spec.scale_target_ref.name, NameRule::Subdomain(253));
    for (index, metric) in scenario.hpa.spec.metrics.iter().flatten().enumerate() {
        for (field, name) in metric_names(metric) {
            check(&format!("hpa.spec.metrics.{index}.{field}"), name, NameRule::PathSegment);
        }
    }
    if let Some(service) = scenario.metric.store.as_ref().and_then(|store| store.service.as_ref()) {
        check("metric.store.service.namespace", &service.namespace, NameRule::Label);
        check("metric.store.service.name", &service.name, NameRule::Label);
        check("metric.store.service.port", &service.port, NameRule::Port);
        check("metric.store.service.path", &service.path, NameRule::Path);
    }
    if let Some(exporter) = &scenario.metric.exporter {
        check("metric.exporter.namespace", &exporter.namespace, NameRule::Label);
    }
    problems
}

/// The names of a metric that the metrics API takes as segments of its path.
fn metric_names(metric: &MetricSpec) -> Vec<(&'static str, &str)> {
    let mut names = Vec::new();
    if let Some(pods) = &metric.pods {
        names.push(("pods.metric.name", pods.metric.name.as_str()));
    }
    if let Some(object) = &metric.object {
        names.push(("object.describedObject.kind", object.described_object.kind.as_str()));
        names.push(("object.describedObject.name", object.described_object.name.as_str()));
        names.push(("object.metric.name", object.metric.name.as_str()));
    }
    if let Some(external) = &metric.external {
        names.push(("external.metric.name", external.metric.name.as_str()));
    }
    names
}

/// A name in a message: short, and without what controls a terminal.
fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::NameRule::{self, Label, Path, PathSegment, Port, Subdomain};

    #[test]
    fn each_rule_takes_what_the_api_server_takes() {
        let long = "x".repeat(64);
        let cases: [(NameRule, &[&str], &[&str]); 5] = [
            (Label, &["a", "gpu-1", "0a"], &["A", "a/../b", "a.b", "-a", "a-", "a_b", "\u{e4}", "a b", &long]),
            (Subdomain(53), &["ollama", "a.b-c"], &["a..b", ".a", "a.", "--post-renderer", "a/b", &long]),
            (Port, &["9090", "http", "1"], &["0", "65536", "99999999999", "a/b", "sixteen-letters-"]),
            (PathSegment, &["gpu_utilization", "a:b", "Namespace"], &[".", "..", "a/b", "a%2fb", "a?b", "a\nb"]),
            (Path, &["", "/select/0/prometheus", "/a/"], &["select", "/..", "/a/../b", "/a?b", "/%2e%2e"]),
        ];
        for (rule, good, bad) in cases {
            assert_eq!(
                good.iter().filter(|name| !rule.holds(name)).collect::<Vec<_>>(),
                Vec::<&&str>::new(),
                "{rule:?}"
            );
            assert_eq!(bad.iter().filter(|name| rule.holds(name)).collect::<Vec<_>>(), Vec::<&&str>::new(), "{rule:?}");
        }
    }
}
