//! The scenario for what a cluster showed: each fact as a key with a comment that says where it is from, and what was not found as
//! a comment that says what to do.

mod assumptions;
mod autoscaler;
mod header;
mod hpa;
mod metric;
mod releases;

use super::ClusterFindings;
use super::servers::ExistingHpa;
use super::yaml_text::YamlText;
use crate::model::adapter_rule::AdapterRules;
use crate::model::scenario::{EndpointType, Scenario};

/// The scenario that the written one extends.
#[derive(Clone, Debug)]
pub(crate) struct ScenarioBase {
    /// What `extends` says.
    pub(crate) reference: String,
    /// Its content.
    pub(crate) scenario: Scenario,
}

/// What the parts of the scenario have in common.
struct ScenarioFacts<'a> {
    found: &'a ClusterFindings,
    base: &'a Scenario,
    /// Namespace of the target.
    namespace: String,
    /// The exporter's series to scale on.
    series: String,
    /// Whether its values are a ratio from 0 to 1.
    is_ratio: bool,
    /// Whether an adapter serves the custom metrics API already.
    is_adapter_there: bool,
    /// Name of the HPA's metric.
    metric: String,
    /// The HPA that scales the target already and that the run tests.
    adopted: Option<&'a ExistingHpa>,
}

/// The series of DCGM for instances of cards, a ratio.
const RATIO_SERIES: &str = "DCGM_FI_PROF_GR_ENGINE_ACTIVE";
/// The name that the written rule gives it.
const RATIO_METRIC: &str = "gpu_engine_active";

impl<'a> ScenarioFacts<'a> {
    fn new(found: &'a ClusterFindings, base: &'a Scenario) -> Self {
        let own = found.exporter.as_ref().and_then(|exporter| exporter.page.series.clone());
        let of_base = || base.metric.series_names().first().map(|name| (*name).to_owned()).unwrap_or_default();
        let series = own.unwrap_or_else(of_base);
        let is_ratio = series == RATIO_SERIES;
        let is_adapter_there = found.metrics_apis.custom.is_some();
        let served = found.metrics_apis.pod_metric().filter(|_| is_adapter_there).map(|metric| metric.name);
        let spec = base.hpa.spec.metrics.iter().flatten().next();
        let of_base = spec.and_then(|metric| metric.pods.as_ref()).map(|pods| pods.metric.name.clone());
        let metric = served.or(is_ratio.then(|| RATIO_METRIC.to_owned())).or(of_base).unwrap_or_default();
        let namespace = found.ollama.as_ref().map_or(&base.namespace, |server| &server.namespace).clone();
        let adopted = found.ollama.as_ref().and_then(|server| match server.autoscalers.as_slice() {
            [only] if only.untestable().is_none() => Some(only),
            _ => None,
        });
        Self { found, base, namespace, series, is_ratio, is_adapter_there, metric, adopted }
    }

    /// The base's release of a metrics adapter.
    fn adapter_release(&self) -> Option<&'a str> {
        AdapterRules::from_scenario(self.base).map(|rules| rules.release).next()
    }

    /// The base's release of Ollama.
    fn ollama_release(&self) -> Option<&'a str> {
        let all = self.base.releases.iter();
        let mut named =
            all.filter(|(name, release)| name.as_str() == "ollama" || release.values.contains_key("ollama"));
        named.next().map(|(name, _)| name.as_str())
    }

    /// The name of a label of the store's series: Prometheus renames one that conflicts with its own.
    fn store_label(&self, label: &str) -> String {
        let is_renamed = self.found.store.as_ref().is_some_and(|store| store.renames_labels);
        if is_renamed { format!("exported_{label}") } else { label.to_owned() }
    }
}

/// A part of the scenario: comments, and the keys below its own.
#[derive(Default)]
struct ScenarioSection {
    comments: Vec<String>,
    keys: YamlText,
}

impl ScenarioSection {
    fn say(&mut self, text: impl Into<String>) {
        self.comments.push(text.into());
    }

    /// Writes the section. Without keys it leaves its own key out: an empty one would remove the base's.
    fn write(self, name: &str, yaml: &mut YamlText) {
        if self.comments.is_empty() && self.keys.is_empty() {
            return;
        }
        yaml.blank();
        self.comments.iter().for_each(|comment| yaml.comment(0, comment));
        if !self.keys.is_empty() {
            yaml.map(0, name);
            yaml.append(&self.keys);
        }
    }
}

/// The scenario as YAML. `origin` says of which cluster it is, `next` is the command to go on with.
pub(crate) fn write_scenario(found: &ClusterFindings, base: &ScenarioBase, origin: &str, next: &str) -> String {
    let facts = ScenarioFacts::new(found, &base.scenario);
    let mut yaml = YamlText::default();
    header::write(&mut yaml, found, origin);
    yaml.text(0, "extends", &base.reference);
    yaml.text(0, "name", "from-init");
    // The base's sentence need not be true of this metric and this way in.
    yaml.text(0, "description", "A scenario that gpuhpa init wrote for this cluster");
    if facts.namespace != base.scenario.namespace {
        yaml.text(0, "namespace", &facts.namespace);
    }
    releases::section(&facts).write("releases", &mut yaml);
    match facts.adopted {
        Some(hpa) => autoscaler::adopt_section(hpa).write("adopt", &mut yaml),
        None => {
            hpa::section(&facts).write("hpa", &mut yaml);
            autoscaler::propose_external(&facts, &mut yaml);
            autoscaler::propose_scaled_object(&facts, &mut yaml);
        }
    }
    metric::section(&facts).write("metric", &mut yaml);
    endpoint_section(&facts).write("endpoint", &mut yaml);
    load_section(&facts).write("load", &mut yaml);
    assumptions::section(&facts).write("assumptions", &mut yaml);
    yaml.blank();
    yaml.comment(0, "Next, what a run would do and whether it can pass:");
    yaml.verbatim_comment(next);
    yaml.into_text()
}

fn endpoint_section(facts: &ScenarioFacts<'_>) -> ScenarioSection {
    let mut section = ScenarioSection::default();
    let found = &facts.found.endpoint;
    if facts.base.endpoint.kind == EndpointType::Url {
        return section;
    }
    match (&found.answering_node, &found.load_balancer) {
        (Some(address), _) => {
            section.say(format!("The way in: a node port answered at {address} from this machine."));
            section.keys.value(1, "type", "NodePort");
            if !found.is_internal {
                section.keys.text(1, "nodeAddress", address);
            }
        }
        (None, Some(balancer)) if !found.refused.is_empty() => {
            section.say(format!(
                "The way in: no node port answered from this machine ({}), and load balancers get addresses: Service {balancer}.",
                found.refused.join("; ")
            ));
            section.keys.value(1, "type", "LoadBalancer");
        }
        (None, balancer) => {
            let tried = match found.refused.as_slice() {
                [] if !facts.found.are_services_read => "the Services could not be read".to_owned(),
                [] => "no Service has a node port that could be tried".to_owned(),
                refused => format!("no node port answered ({})", refused.join("; ")),
            };
            section.say(format!(
                "The way in is not known: {tried}. The run makes a NodePort Service; where this machine does not reach the nodes, set endpoint: {{type: LoadBalancer}} or {{type: URL, url: ...}}."
            ));
            if let Some(balancer) = balancer {
                section.say(format!("Load balancers get addresses here: Service {balancer}."));
            }
        }
    }
    section
}

fn load_section(facts: &ScenarioFacts<'_>) -> ScenarioSection {
    let mut section = ScenarioSection::default();
    let Some(server) = &facts.found.ollama else { return section };
    let model = &facts.base.load.model;
    match &server.models {
        Some(models) if models.iter().any(|one| one == model || *one == format!("{model}:latest")) => {
            section.say(format!("Ollama has the model {model}."));
        }
        Some(models) => match models.first() {
            Some(smallest) => {
                section.say(format!("The smallest model that Ollama has; it has {}.", models.join(", ")));
                section.keys.text(1, "model", smallest);
            }
            None => section.say(format!("Ollama has no model: pull one, and name it as load.model (now {model}).")),
        },
        None => section
            .say(format!("Which models Ollama has could not be read: load.model must be one of them (now {model}).")),
    }
    section
}
