//! Renders the charts that the simulator supports: those of `fixtures/charts`, with the default values from there. It
//! names values whose effect is not simulated.

use serde_json::{Value, json};

use super::{adapter, ollama};
use crate::env::ReleaseArgs;
use crate::model::journal::ReleaseRef;

/// A chart with the values of one release.
pub(super) struct ChartInstance<'a> {
    /// Name of the chart.
    pub(super) name: &'static str,
    /// Version of the chart: the requested one, or that of `fixtures/charts`.
    pub(super) version: String,
    /// The version that the release requests; `None` for a chart in a folder.
    pub(super) requested_version: Option<String>,
    /// Version of the application.
    pub(super) app_version: &'static str,
    /// Name and namespace of the release.
    pub(super) release: &'a ReleaseRef,
    /// The chart's values, overridden by those of the release.
    pub(super) values: Value,
}

/// A chart that the simulator supports.
struct SupportedChart {
    name: &'static str,
    version: &'static str,
    app_version: &'static str,
    values: &'static str,
    /// What of the values the simulator does not support.
    find_unsupported: fn(&ChartInstance<'_>) -> Vec<String>,
    render: fn(&ChartInstance<'_>) -> Result<Vec<Value>, String>,
}

const SUPPORTED_CHARTS: [SupportedChart; 4] = [
    SupportedChart {
        name: "ollama",
        version: "1.26.0",
        app_version: "0.11.2",
        values: include_str!("../../../fixtures/charts/ollama/values.yaml"),
        find_unsupported: ollama::find_unsupported,
        render: ollama::render,
    },
    SupportedChart {
        name: "ollama-statefulset",
        version: "0.1.0",
        app_version: "0.11.2",
        values: include_str!("../../../fixtures/charts/ollama-statefulset/values.yaml"),
        find_unsupported: ollama::find_unsupported,
        render: ollama::render,
    },
    SupportedChart {
        name: "ollama-claims",
        version: "0.1.0",
        app_version: "0.11.2",
        values: include_str!("../../../fixtures/charts/ollama-claims/values.yaml"),
        find_unsupported: ollama::find_unsupported,
        render: ollama::render,
    },
    SupportedChart {
        name: "prometheus-adapter",
        version: "5.3.0",
        app_version: "v0.12.0",
        values: include_str!("../../../fixtures/charts/prometheus-adapter/values.yaml"),
        find_unsupported: adapter::find_unsupported,
        render: adapter::render,
    },
];

/// The chart of a release, found by the last segment of its reference: repositories and registries are not simulated.
///
/// # Errors
/// If the simulator does not support the chart; the message lists the supported ones.
pub(super) fn load_chart(args: &ReleaseArgs) -> Result<ChartInstance<'_>, String> {
    let chart = find_chart(args)?;
    let mut values = default_values(args)?;
    merge_values(&mut values, &Value::Object(args.values.clone()));
    let version = args.version.clone().unwrap_or_else(|| chart.version.to_owned());
    let (name, app_version, requested_version) = (chart.name, chart.app_version, args.version.clone());
    Ok(ChartInstance { name, version, requested_version, app_version, release: &args.release, values })
}

/// The chart's own values.
///
/// # Errors
/// If the simulator does not support the chart.
pub(super) fn default_values(args: &ReleaseArgs) -> Result<Value, String> {
    serde_saphyr::from_str(find_chart(args)?.values).map_err(|e| e.without_snippet().to_string())
}

/// The path of a value that is no map where the chart has one with keys.
fn find_replaced_map(defaults: &Value, values: &serde_json::Map<String, Value>) -> Option<String> {
    values.iter().find_map(|(key, value)| match (&defaults[key], value) {
        (Value::Object(below), _) if below.is_empty() => None,
        (below @ Value::Object(_), Value::Object(value)) => {
            find_replaced_map(below, value).map(|path| format!("{key}.{path}"))
        }
        (Value::Object(_), other) if !other.is_null() => Some(key.clone()),
        _ => None,
    })
}

/// The objects of a release.
///
/// # Errors
/// If the simulator does not support the chart or its values.
pub(super) fn render(args: &ReleaseArgs) -> Result<Vec<Value>, String> {
    let chart = find_chart(args)?;
    if let Some(path) = find_replaced_map(&default_values(args)?, &args.values) {
        return Err(format!("value {path} replaces a map of chart {}, whose template then fails", chart.name));
    }
    let lacks = find_unsupported(args);
    if !lacks.is_empty() {
        return Err(format!("the simulator does not support {}", lacks.join("; ")));
    }
    (chart.render)(&load_chart(args)?)
}

/// What of a release the simulator does not support: its chart, or some of its values, each by name. Empty for values that make
/// helm itself fail.
pub(super) fn find_unsupported(args: &ReleaseArgs) -> Vec<String> {
    let chart = match find_chart(args) {
        Ok(chart) => chart,
        Err(error) => return vec![error],
    };
    let (Ok(instance), Ok(defaults)) = (load_chart(args), default_values(args)) else { return Vec::new() };
    if find_replaced_map(&defaults, &args.values).is_some() {
        return Vec::new();
    }
    let mut lacks = (chart.find_unsupported)(&instance);
    // helm ignores a value that the chart does not have; another version may have it.
    if instance.version != chart.version {
        let unknown = find_unknown_values(&defaults, &args.values);
        let unknown = unknown.iter().filter(|path| !lacks.iter().any(|lack| lack.contains(path.as_str())));
        let place = format!("chart {} {} (simulated: {})", chart.name, instance.version, chart.version);
        let unknown: Vec<String> = unknown.map(|path| format!("the value {path} of {place}")).collect();
        lacks.extend(unknown);
    }
    lacks
}

/// The paths of the values that the chart's values.yaml does not have. An empty map there takes any key.
fn find_unknown_values(defaults: &Value, values: &serde_json::Map<String, Value>) -> Vec<String> {
    let mut unknown = Vec::new();
    for (key, value) in values.iter().filter(|(key, _)| *key != "global") {
        match (defaults.get(key), value) {
            (None, _) => unknown.push(key.clone()),
            (Some(Value::Object(below)), _) if below.is_empty() => {}
            (Some(below @ Value::Object(_)), Value::Object(value)) => {
                unknown.extend(find_unknown_values(below, value).into_iter().map(|path| format!("{key}.{path}")));
            }
            _ => {}
        }
    }
    unknown
}

fn find_chart(args: &ReleaseArgs) -> Result<&'static SupportedChart, String> {
    let last = args.chart.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    SUPPORTED_CHARTS.iter().find(|chart| chart.name == last).ok_or_else(|| {
        let names: Vec<&str> = SUPPORTED_CHARTS.iter().map(|chart| chart.name).collect();
        format!("chart `{}`, only the charts {}", args.chart, names.join(", "))
    })
}

/// Merges values as helm does: merges maps, removes a key whose value is null, and replaces everything else.
fn merge_values(values: &mut Value, overrides: &Value) {
    match (values, overrides) {
        (Value::Object(values), Value::Object(overrides)) => {
            for (key, value) in overrides {
                if value.is_null() {
                    values.shift_remove(key);
                } else {
                    merge_values(values.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (values, overrides) => *values = overrides.clone(),
    }
}

impl ChartInstance<'_> {
    /// A value by its path.
    pub(super) fn value(&self, path: &str) -> &Value {
        path.split('.').fold(&self.values, |value, key| &value[key])
    }

    /// A string value; empty if it is missing.
    pub(super) fn string_value(&self, path: &str) -> &str {
        self.value(path).as_str().unwrap_or_default()
    }

    /// A boolean value; false if it is missing.
    pub(super) fn is_enabled(&self, path: &str) -> bool {
        self.value(path).as_bool().unwrap_or(false)
    }

    /// The chart's `fullname` template: the release's name, followed by the chart's unless it contains that.
    pub(super) fn full_name(&self) -> String {
        let name = match self.string_value("nameOverride") {
            "" => self.name,
            name => name,
        };
        match self.string_value("fullnameOverride") {
            "" if self.release.name.contains(name) => self.release.name.clone(),
            "" => format!("{}-{name}", self.release.name),
            full => full.to_owned(),
        }
    }

    /// The selector labels of the release's pods.
    pub(super) fn selector_labels(&self) -> Value {
        let name = match self.string_value("nameOverride") {
            "" if self.name.starts_with("ollama-") => "ollama",
            "" => self.name,
            name => name,
        };
        json!({"app.kubernetes.io/name": name, "app.kubernetes.io/instance": self.release.name})
    }

    /// All labels of an object.
    pub(super) fn labels(&self) -> Value {
        let mut labels = self.selector_labels();
        labels["helm.sh/chart"] = json!(format!("{}-{}", self.name, self.version));
        labels["app.kubernetes.io/version"] = json!(self.app_version);
        labels["app.kubernetes.io/managed-by"] = json!("Helm");
        labels
    }

    /// An object in the namespace of the release, unless `rest` sets another.
    pub(super) fn build_object(&self, api_version: &str, kind: &str, name: &str, rest: Value) -> Value {
        let mut object = json!({
            "apiVersion": api_version, "kind": kind,
            "metadata": {"name": name, "namespace": self.release.namespace, "labels": self.labels()},
        });
        merge_values(&mut object, &rest);
        object
    }

    /// The image reference; `tag` is the default tag.
    pub(super) fn image_ref(&self, tag: &str) -> Value {
        let tag = if self.string_value("image.tag").is_empty() { tag } else { self.string_value("image.tag") };
        json!(format!("{}:{tag}", self.string_value("image.repository")))
    }

    /// The name of the service account, and its object if the chart creates it.
    pub(super) fn service_account(&self) -> (String, Option<Value>) {
        let configured = if self.string_value("serviceAccount.name").is_empty() {
            None
        } else {
            Some(self.string_value("serviceAccount.name"))
        };
        if !self.is_enabled("serviceAccount.create") {
            return (configured.unwrap_or("default").to_owned(), None);
        }
        let name = configured.map_or_else(|| self.full_name(), ToOwned::to_owned);
        let account = self.build_object("v1", "ServiceAccount", &name, json!({}));
        (name, Some(account))
    }

    /// The values whose effect is not simulated: switches that are on, and lists or maps that are not empty.
    pub(super) fn find_set_values(&self, switches: &[&str], lists: &[&str]) -> Vec<String> {
        let is_set = |value: &Value| match value {
            Value::Array(all) => !all.is_empty(),
            Value::Object(all) => !all.is_empty(),
            Value::String(text) => !text.is_empty(),
            _ => false,
        };
        let enabled = switches.iter().filter(|path| self.is_enabled(path));
        let set = enabled.chain(lists.iter().filter(|path| is_set(self.value(path))));
        set.map(|path| format!("the value {path} of chart {}", self.name)).collect()
    }
}

/// Sets a field of an object unless the value is empty.
pub(super) fn set_nonempty(object: &mut Value, field: &str, value: &Value) {
    let is_empty = match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    if !is_empty {
        object[field] = value.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::HumanDuration;

    fn release_args(chart: &str, values: Value) -> ReleaseArgs {
        ReleaseArgs {
            release: ReleaseRef { name: "ollama".to_owned(), namespace: "llm".to_owned() },
            chart: chart.to_owned(),
            repo: None,
            version: None,
            values: values.as_object().cloned().unwrap_or_default(),
            labels: Vec::new(),
            plain_http: false,
            ca_file: None,
            registry_config: None,
            timeout: HumanDuration::from_secs(60),
        }
    }

    #[test]
    fn values_override_those_of_the_chart_as_helm_merges_them() {
        let args = release_args(
            "oci://example.org/charts/ollama",
            json!({"ollama": {"gpu": {"enabled": true}}, "resources": null}),
        );
        let chart = load_chart(&args).unwrap();
        assert!(
            chart.is_enabled("ollama.gpu.enabled")
                && chart.string_value("ollama.gpu.nvidiaResource") == "nvidia.com/gpu"
        );
        assert!(chart.value("resources").is_null());
        assert_eq!(chart.full_name(), "ollama");
    }

    #[test]
    fn unsupported_charts_and_values_are_rejected() {
        let error = render(&release_args("vllm", json!({}))).unwrap_err();
        assert!(
            error.contains("ollama, ollama-statefulset, ollama-claims, prometheus-adapter") && error.contains("`vllm`"),
            "{error}"
        );
        let error = render(&release_args("ollama", json!({"autoscaling": {"enabled": true}}))).unwrap_err();
        assert!(error.contains("autoscaling.enabled"), "{error}");
        let error = render(&release_args("ollama", json!({"ollama": {"models": ["tinyllama"]}}))).unwrap_err();
        assert!(error.contains("value ollama.models replaces a map of chart ollama"), "{error}");
        let rules = json!({"rules": {"existing": "mine"}});
        let error = render(&release_args("prometheus-adapter", rules)).unwrap_err();
        assert!(error.contains("the value rules.existing of chart prometheus-adapter"), "{error}");
    }

    /// helm ignores a value that the chart lacks, and warns of nothing; a later version of the chart may have it.
    #[test]
    fn existing_claim_templates_and_values_of_another_version_are_not_simulated() {
        let gpu =
            json!({"ollama": {"gpu": {"enabled": true, "draExistingClaimTemplate": "mine", "hbm": 3}, "more": {}}});
        let same = release_args("ollama", gpu);
        let template = "resource claims (DRA): the value ollama.gpu.draExistingClaimTemplate of chart ollama";
        assert_eq!(find_unsupported(&same), [template]);
        let other = ReleaseArgs { version: Some("1.77.0".to_owned()), ..same };
        let lacks = find_unsupported(&other);
        let place = "of chart ollama 1.77.0 (simulated: 1.26.0)";
        assert_eq!(lacks[1..], [format!("the value ollama.gpu.hbm {place}"), format!("the value ollama.more {place}")]);
    }

    #[test]
    fn a_chart_makes_claims_in_the_form_of_its_version() {
        let claiming = |version: Option<&str>| {
            let gpu =
                json!({"ollama": {"gpu": {"enabled": true, "draEnabled": true, "draDriverClass": "gpu.example"}}});
            ReleaseArgs { version: version.map(str::to_owned), ..release_args("ollama", gpu) }
        };
        let nested = json!({"name": "gpu", "exactly": {"deviceClassName": "gpu.example", "count": 1}});
        let flat = json!({"deviceClassName": "gpu.example", "count": 1, "name": "gpu"});
        for (version, request) in [(None, &nested), (Some("1.54.0"), &flat), (Some("1.55.0"), &nested)] {
            let objects = render(&claiming(version)).unwrap();
            let of_kind = |kind: &str| objects.iter().find(|object| object["kind"] == kind).unwrap();
            assert_eq!(&of_kind("ResourceClaimTemplate")["spec"]["spec"]["devices"]["requests"][0], request);
            let pod = &of_kind("Deployment")["spec"]["template"]["spec"];
            assert_eq!(pod["resourceClaims"], json!([{"name": "gpu", "resourceClaimTemplateName": "ollama"}]));
            assert_eq!(pod["containers"][0]["resources"]["claims"], json!([{"name": "gpu"}]));
            assert!(pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"].is_null());
        }
        let before = find_unsupported(&claiming(Some("1.24.0")));
        assert_eq!(before, ["resource claims (DRA): the value ollama.gpu.draEnabled of chart ollama"]);
        let shared = render(&release_args("./fixtures/charts/ollama-claims", json!({}))).unwrap();
        assert_eq!((&shared[0]["kind"], &shared[0]["metadata"]["name"]), (&json!("ResourceClaim"), &json!("ollama")));
        let pod = &shared[1]["spec"]["template"]["spec"];
        assert_eq!(pod["resourceClaims"], json!([{"name": "gpu", "resourceClaimName": "ollama"}]));
    }
}
