//! The releases: what is there is used as it is, the rest is installed.

use super::{ScenarioFacts, ScenarioSection};
use crate::init::accelerators::AcceleratorResource;
use crate::init::servers::OllamaServer;
use crate::init::yaml_text::quoted;

pub(super) fn section(facts: &ScenarioFacts<'_>) -> ScenarioSection {
    let mut section = ScenarioSection::default();
    ollama(facts, &mut section);
    adapter(facts, &mut section);
    section
}

fn ollama(facts: &ScenarioFacts<'_>, section: &mut ScenarioSection) {
    let base_release = facts.ollama_release();
    match &facts.found.ollama {
        Some(server) => existing_ollama(facts, server, base_release, section),
        None => {
            section.say(match facts.found.are_workloads_read {
                true => "No workload runs Ollama: the run installs it, and removes it at the end.",
                false => "Whether Ollama runs already could not be read; the run installs a release of its own.",
            });
            if let (Some(release), Some(resource)) = (base_release, facts.found.accelerators.best()) {
                gpu_values(facts, release, resource, section);
            }
        }
    }
}

/// The accelerator in the values of the chart ollama, where it is another one than the base's.
fn gpu_values(facts: &ScenarioFacts<'_>, release: &str, resource: &AcceleratorResource, section: &mut ScenarioSection) {
    let gpu = facts.base.releases.get(release).map(|spec| &spec.values["ollama"]["gpu"]);
    let of_base = gpu.and_then(|gpu| gpu["nvidiaResource"].as_str()).unwrap_or("nvidia.com/gpu");
    let value = match resource.name.as_str() {
        name if name == of_base => return,
        "amd.com/gpu" => "{enabled: true, type: amd, number: 1}".to_owned(),
        name if name.starts_with("nvidia.com/") => {
            format!("{{enabled: true, type: nvidia, number: 1, nvidiaResource: {}}}", quoted(name))
        }
        name => {
            section.say(format!(
                "The chart of Ollama has no value for {name}: set resources.limits in releases.{release}.values, and the image for this accelerator."
            ));
            return;
        }
    };
    section.say(format!("Each pod requests {}.", resource.name));
    section.keys.map(1, release);
    section.keys.map(2, "values");
    section.keys.map(3, "ollama");
    section.keys.value(4, "gpu", &value);
}

fn existing_ollama(
    facts: &ScenarioFacts<'_>,
    server: &OllamaServer,
    base: Option<&str>,
    section: &mut ScenarioSection,
) {
    let OllamaServer { kind, namespace, name, requests, .. } = server;
    let requests = if requests.is_empty() { "no accelerator" } else { requests };
    section.say(format!(
        "Ollama is there: {kind} {namespace}/{name}, whose pods request {requests}. It is used as it is."
    ));
    if facts.adopted.is_none() && !server.autoscalers.is_empty() {
        let all = server.autoscalers.iter().map(|hpa| {
            let why = hpa.untestable().map_or(String::new(), |why| format!(", {why}"));
            format!("{} ({}{why})", hpa.name, hpa.describe_metrics())
        });
        section.say(format!(
            "It is scaled already by HPA {}, and the controller acts on none of two HPAs: no run can pass while it is there. A run can test an HPA that is there itself, `adopt: {{hpa: NAME}}`, if it is the only one.",
            all.collect::<Vec<_>>().join(" and HPA ")
        ));
    }
    let adopted = server.release.as_ref().zip(server.chart.as_ref());
    let Some(((release, release_namespace), (chart, version))) = adopted else {
        section.say("It belongs to no helm release that could be read, so that no release is named.");
        if let Some(base) = base {
            section.keys.value(1, base, "null");
        }
        return;
    };
    if let Some(base) = base.filter(|base| base != release) {
        section.keys.value(1, base, "null");
    }
    section.keys.map(1, release);
    section.keys.value(2, "ifExists", "adopt");
    if release_namespace != &facts.namespace {
        section.keys.text(2, "namespace", release_namespace);
    }
    let of_base = facts.base.releases.get(release.as_str()).filter(|_| base == Some(release.as_str()));
    match of_base {
        // A chart that is a path has no version.
        Some(spec) if spec.version.is_none() => {}
        Some(_) => section.keys.text(2, "version", version),
        None => {
            section.keys.text(2, "repo", "https://otwld.github.io/ollama-helm/");
            section.keys.text(2, "chart", chart);
            section.keys.text(2, "version", version);
        }
    }
}

fn adapter(facts: &ScenarioFacts<'_>, section: &mut ScenarioSection) {
    let Some(release) = facts.adapter_release() else { return };
    let apis = &facts.found.metrics_apis;
    if let Some(hpa) = facts.adopted {
        section
            .say(format!("The metric of HPA {} is served already, and the run installs no metrics adapter.", hpa.name));
        section.keys.value(1, release, "null");
        return;
    }
    if let Some(api) = &apis.custom {
        section.say(format!(
            "Service {} serves custom.metrics.k8s.io already, and the run installs no second adapter.",
            api.service
        ));
        if apis.pod_metric().is_none() {
            let rules = if apis.are_rules_read { "has no rule" } else { "shows no rule" };
            section.say(format!(
                "It {rules} that serves {} for each pod: have this one added to it, and no run can pass before: {}",
                facts.series,
                rule(facts)
            ));
        }
        section.keys.value(1, release, "null");
        return;
    }
    section.say(match apis.is_read {
        true => "No metrics adapter serves custom metrics: the run installs one, and removes it at the end.",
        false => "Whether a metrics adapter is there could not be read; the run installs one, and changes none that is there.",
    });
    let store = facts.found.store.as_ref();
    let needs_rule = needs_rule(facts, release);
    if store.is_none() && !needs_rule {
        return;
    }
    section.keys.map(1, release);
    section.keys.map(2, "values");
    if let Some(store) = store {
        let service = &store.service;
        let url = quoted(&format!("http://{}.{}.svc", service.name, service.namespace));
        let path = if service.path.is_empty() { String::new() } else { format!(", path: {}", quoted(&service.path)) };
        section.keys.value(3, "prometheus", &format!("{{url: {url}, port: {}{path}}}", service.port));
    }
    if needs_rule {
        section.keys.map(3, "rules");
        section.keys.value(4, "custom", &format!("[{}]", rule(facts)));
    }
}

/// Whether the base's rules are for another series, or for labels that the store renames.
fn needs_rule(facts: &ScenarioFacts<'_>, release: &str) -> bool {
    let values = facts.base.releases.get(release).map(|spec| &spec.values);
    let rules = values.and_then(|values| values.get("rules")?["custom"].as_array());
    let series = |rule: &serde_json::Value| {
        rule["seriesQuery"].as_str().unwrap_or_default().split('{').next() == Some(facts.series.as_str())
    };
    let is_renamed = facts.store_label("pod") != "pod";
    is_renamed || !rules.is_some_and(|rules| rules.iter().any(series))
}

/// The rule that serves the series for each pod, as one line of YAML.
fn rule(facts: &ScenarioFacts<'_>) -> String {
    let (namespace, pod) = (facts.store_label("namespace"), facts.store_label("pod"));
    let query = quoted(&format!("{}{{{namespace}!=\"\",{pod}!=\"\"}}", facts.series));
    format!(
        "{{seriesQuery: {query}, resources: {{overrides: {{{namespace}: {{resource: namespace}}, {pod}: {{resource: pod}}}}}}, name: {{as: {}}}, metricsQuery: \"avg(<<.Series>>{{<<.LabelMatchers>>}}) by (<<.GroupBy>>)\"}}",
        quoted(&facts.metric)
    )
}
