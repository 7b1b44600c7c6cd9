//! The charts that the simulated helm knows, by their name: what they make of their values. Those of `fixtures/charts`,
//! whose defaults are read from there; a value with an effect that is not simulated is refused.

use serde_json::{Value, json};

use super::{adapter, ollama};
use crate::env::ReleaseArgs;
use crate::model::journal::ReleaseRef;

/// A chart with the values of one release.
pub(super) struct ChartInstance<'a> {
    /// Name of the chart.
    pub(super) name: &'static str,
    /// Version of the chart: the one that was asked for.
    pub(super) version: String,
    /// Version of the application.
    pub(super) app_version: &'static str,
    /// Name and namespace of the release.
    pub(super) release: &'a ReleaseRef,
    /// The chart's values with those of the release laid over.
    pub(super) values: Value,
}

/// What is known of a chart.
struct KnownChart {
    name: &'static str,
    version: &'static str,
    app_version: &'static str,
    values: &'static str,
    render: fn(&ChartInstance<'_>) -> Result<Vec<Value>, String>,
}

const KNOWN_CHARTS: [KnownChart; 3] = [
    KnownChart {
        name: "ollama",
        version: "1.26.0",
        app_version: "0.11.2",
        values: include_str!("../../../fixtures/charts/ollama/values.yaml"),
        render: ollama::render,
    },
    KnownChart {
        name: "ollama-statefulset",
        version: "0.1.0",
        app_version: "0.11.2",
        values: include_str!("../../../fixtures/charts/ollama-statefulset/values.yaml"),
        render: ollama::render,
    },
    KnownChart {
        name: "prometheus-adapter",
        version: "5.3.0",
        app_version: "v0.12.0",
        values: include_str!("../../../fixtures/charts/prometheus-adapter/values.yaml"),
        render: adapter::render,
    },
];

/// The chart that a release names, by the last part of the reference: where it would come from is not simulated.
///
/// # Errors
/// It is not known; the text says which are.
pub(super) fn load_chart(args: &ReleaseArgs) -> Result<ChartInstance<'_>, String> {
    let known = find_chart(args)?;
    let mut values: Value = serde_saphyr::from_str(known.values).map_err(|e| e.without_snippet().to_string())?;
    merge_values(&mut values, &Value::Object(args.values.clone()));
    let version = args.version.clone().unwrap_or_else(|| known.version.to_owned());
    let (name, app_version) = (known.name, known.app_version);
    Ok(ChartInstance { name, version, app_version, release: &args.release, values })
}

/// The objects of a release.
///
/// # Errors
/// Chart or values are not known to the simulation.
pub(super) fn render(args: &ReleaseArgs) -> Result<Vec<Value>, String> {
    (find_chart(args)?.render)(&load_chart(args)?)
}

fn find_chart(args: &ReleaseArgs) -> Result<&'static KnownChart, String> {
    let last = args.chart.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    KNOWN_CHARTS.iter().find(|known| known.name == last).ok_or_else(|| {
        let names: Vec<&str> = KNOWN_CHARTS.iter().map(|known| known.name).collect();
        format!("the simulated helm knows the charts {}, and not `{}`", names.join(", "), args.chart)
    })
}

/// As helm lays values over a chart's own: maps are merged, null takes a key away, everything else replaces.
fn merge_values(values: &mut Value, over: &Value) {
    match (values, over) {
        (Value::Object(values), Value::Object(over)) => {
            for (key, value) in over {
                if value.is_null() {
                    values.shift_remove(key);
                } else {
                    merge_values(values.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (values, over) => *values = over.clone(),
    }
}

impl ChartInstance<'_> {
    /// A value by its path.
    pub(super) fn value(&self, path: &str) -> &Value {
        path.split('.').fold(&self.values, |value, key| &value[key])
    }

    /// A value that is a text; empty where there is none.
    pub(super) fn string_value(&self, path: &str) -> &str {
        self.value(path).as_str().unwrap_or_default()
    }

    /// A value that switches something on.
    pub(super) fn is_enabled(&self, path: &str) -> bool {
        self.value(path).as_bool().unwrap_or(false)
    }

    /// The release's own name, or with the chart's behind it.
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

    /// The labels by which a release's pods are selected.
    pub(super) fn selector_labels(&self) -> Value {
        let name = match self.string_value("nameOverride") {
            "" if self.name == "ollama-statefulset" => "ollama",
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

    /// An object of the release, in its namespace unless it says another.
    pub(super) fn build_object(&self, api_version: &str, kind: &str, name: &str, rest: Value) -> Value {
        let mut object = json!({
            "apiVersion": api_version, "kind": kind,
            "metadata": {"name": name, "namespace": self.release.namespace, "labels": self.labels()},
        });
        merge_values(&mut object, &rest);
        object
    }

    /// The image and how it is pulled.
    pub(super) fn image_ref(&self, tag: &str) -> Value {
        let tag = if self.string_value("image.tag").is_empty() { tag } else { self.string_value("image.tag") };
        json!(format!("{}:{tag}", self.string_value("image.repository")))
    }

    /// A service account's name, and the account where the chart makes it.
    pub(super) fn service_account(&self) -> (String, Option<Value>) {
        let own = if self.string_value("serviceAccount.name").is_empty() {
            None
        } else {
            Some(self.string_value("serviceAccount.name"))
        };
        if !self.is_enabled("serviceAccount.create") {
            return (own.unwrap_or("default").to_owned(), None);
        }
        let name = own.map_or_else(|| self.full_name(), ToOwned::to_owned);
        let account = self.build_object("v1", "ServiceAccount", &name, json!({}));
        (name, Some(account))
    }

    /// Refuses values that would have an effect which is not simulated.
    pub(super) fn reject_unsupported(&self, switches: &[&str], lists: &[&str]) -> Result<(), String> {
        let is_set = |value: &Value| match value {
            Value::Array(all) => !all.is_empty(),
            Value::Object(all) => !all.is_empty(),
            Value::String(text) => !text.is_empty(),
            _ => false,
        };
        let on = switches.iter().filter(|path| self.is_enabled(path));
        let unknown: Vec<&str> = on.chain(lists.iter().filter(|path| is_set(self.value(path)))).copied().collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(format!("the simulated chart {} does not know {} as it is set here", self.name, unknown.join(", ")))
    }
}

/// Sets a field of an object to a value that says something.
pub(super) fn set_nonempty(object: &mut Value, field: &str, value: &Value) {
    let says_nothing = match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    if !says_nothing {
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
    fn values_are_laid_over_the_charts_own_as_helm_does() {
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
    fn what_is_not_known_is_refused() {
        let said = render(&release_args("vllm", json!({}))).unwrap_err();
        assert!(said.contains("ollama, ollama-statefulset, prometheus-adapter") && said.contains("`vllm`"), "{said}");
        let said = render(&release_args("ollama", json!({"autoscaling": {"enabled": true}}))).unwrap_err();
        assert!(said.contains("autoscaling.enabled"), "{said}");
        let rules = json!({"rules": {"existing": "mine"}});
        assert!(render(&release_args("prometheus-adapter", rules)).unwrap_err().contains("rules.existing"));
    }
}
