//! The rights that a run needs, each with what it is for: one table. `ci/rbac.yaml` grants exactly these for the
//! built-in scenario, and a test holds the two together.
//!
//! Left out is what Kubernetes gives to everybody who is known to it: `/version`, discovery, and asking for one's own
//! rights (system:discovery, system:basic-user).

mod charts;
mod table;
#[cfg(test)]
mod tests;

pub(super) use charts::{installing, kind_of};

use self::table::{On, Table, core, of};
use super::changes;
use super::survey::METRICS_APIS;
use crate::metrics::question;
use crate::record::inventory::{Part, Right};
use crate::record::journal::ObjectRef;
use crate::record::kind::MISSED;
use crate::record::scenario::{IfExists, ReachBy, Scenario};

/// The rights of plan and run themselves, when these namespaces are missing. Charts come on top: [`installing`].
pub(super) fn own(scenario: &Scenario, missing: &[String]) -> Vec<Right> {
    let mut table = Table::default();
    read(scenario, &mut table);
    hops(scenario, &mut table);
    run(scenario, missing, &mut table);
    if !missing.is_empty() {
        let why = format!("make the missing namespaces ({}) and remove them", missing.join(", "));
        table.part(Part::Install).must("list watch create delete", core("namespaces"), &why);
        for namespace in missing {
            for kind in MISSED {
                let on = of(kind.group, kind.plural).within(namespace);
                table.must("list", on, "see whether it holds another's by then");
            }
        }
    }
    diagnostics(scenario, &mut table);
    table.rights()
}

/// What is read before the first change.
fn read(scenario: &Scenario, table: &mut Table) {
    table.part(Part::Read);
    for namespace in changes::namespaces(scenario) {
        table.must("get", core("namespaces").called(&namespace), "see whether the namespace exists");
    }
    for name in METRICS_APIS {
        let on = of("apiregistration.k8s.io", "apiservices").called(name);
        table.must("get", on, "see who serves the metrics API");
    }
    table.must("list watch", core("nodes"), "see the accelerators of the nodes, and an address for the load");
    table.may("list", core("pods"), "count the accelerators that others use");
    for release in scenario.releases.values() {
        let on = core("secrets").within(release.namespace.as_ref().unwrap_or(&scenario.namespace));
        // What is adopted may be known by the APIService that it serves.
        table.line(release.if_exists != IfExists::Adopt, "list", on, "see whether helm has the release");
    }
    table.may("list", core("services"), "see whether a node port is in use");
    let quotas = core("resourcequotas").within(&scenario.namespace);
    table.may("list", quotas, "see whether a quota leaves room for the pods");
}

/// The metric at the metrics API, as the HPA controller asks for it, and at the hops behind it, which a PASS can do
/// without.
fn hops(scenario: &Scenario, table: &mut Table) {
    table.part(Part::Read);
    if let Some(right) = scenario.hpa.spec.metrics.iter().flatten().find_map(question::right) {
        let on = of(right.group, &right.resource).within(&scenario.namespace).called(&right.name);
        table.must(right.verb, on, "read what the HPA controller reads");
    }
    if let Some(service) = scenario.metric.store.as_ref().and_then(|store| store.service.as_ref()) {
        table.may("get", core("services/proxy").within(&service.namespace), "read the raw samples of the store");
    }
    if let Some(exporter) = &scenario.metric.exporter {
        table.may("list", core("pods").within(&exporter.namespace), "find the exporter's pods");
        table.may("get", core("pods/proxy").within(&exporter.namespace), "read the exporter's own text");
    }
}

/// What the run does in the target's namespace.
fn run(scenario: &Scenario, missing: &[String], table: &mut Table) {
    let own = |on: On<'static>| on.within(scenario.namespace.as_str());
    let target = ObjectRef::target(scenario).plural;
    let hpas = own(of("autoscaling", "horizontalpodautoscalers"));
    table.part(Part::Run);
    table.must("get list watch create patch delete", hpas, "apply the HPA, watch it and remove it");
    table.must("get list watch", of("apps", &target).within(&scenario.namespace), "watch the target's size");
    let leases = own(of("coordination.k8s.io", "leases"));
    let why = "claim the target, so that two runs do not disturb each other, renew the claim and give it back";
    table.must("get list watch create patch delete", leases, why);
    if scenario.hpa.spec.scale_target_ref.kind == "StatefulSet" && !missing.contains(&scenario.namespace) {
        let why = "remove the volume claims that came with the run, and see that they are gone";
        table.must("list watch delete", own(core("persistentvolumeclaims")), why);
    }
    table.must("list watch", own(core("pods")), "watch the target's pods");
    table.must("get create", own(core("pods/proxy")), "send a chat to each new pod by itself");
    table.must("list watch", own(core("events")), "read the controller's and the scheduler's reasons");
    let leader = of("coordination.k8s.io", "leases").within("kube-system").called("kube-controller-manager");
    table.may("list watch", leader, "see whether the controller manager began anew, which forgets what it did");
    if scenario.reach.by != ReachBy::Url {
        let why = "make the Service of the load, watch it and remove it";
        table.must("get list watch create patch delete", own(core("services")), why);
        let slices = own(of("discovery.k8s.io", "endpointslices"));
        table.must("list watch", slices, "see which pods the Service reaches");
    }
}

/// A target that stands already keeps its size in the end.
pub(super) fn standing(scenario: &Scenario) -> Vec<Right> {
    let mut table = Table::default();
    let scale = format!("{}/scale", ObjectRef::target(scenario).plural);
    let on = of("apps", &scale).within(&scenario.namespace);
    table.part(Part::Run).must("patch", on, "set the target, which stands already, back to its size");
    table.rights()
}

/// What is kept of a run that did not pass. Without it the evidence says less.
fn diagnostics(scenario: &Scenario, table: &mut Table) {
    let why = "keep objects and logs of a run that did not pass";
    let own = scenario.namespace.as_str();
    table.part(Part::Run);
    for other in [of("apps", "deployments"), of("apps", "statefulsets"), core("persistentvolumeclaims")] {
        table.may("list", other.within(own), why);
    }
    for namespace in changes::namespaces(scenario) {
        for resource in ["pods", "events", "pods/log"] {
            let verb = if resource == "pods/log" { "get" } else { "list" };
            table.may(verb, core(resource).within(&namespace), why);
        }
    }
}
