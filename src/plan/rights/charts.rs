//! What helm needs, release by release: its own records, the objects that the chart renders, and as much as the
//! chart's roles grant, because nobody may give what he does not hold.

use super::table::{Table, core, of};
use crate::plan::changes;
use crate::record::inventory::{ChartFacts, Inventory, Part, Right};
use crate::record::kind::Kind;
use crate::record::scenario::Scenario;

/// helm 4 watches what it deletes until it is gone; helm 3 asks.
const OBJECT: &str = "get list watch create patch delete";

/// In the whole cluster and in somebody else's namespace the rights to change an object are asked for by its name.
/// `create`, `list` and `watch` know no names.
const NAMED: &str = "get patch delete";
const UNNAMED: &str = "list watch create";

/// The rights to install these releases and to remove them.
pub(in crate::plan) fn installing<'a>(
    scenario: &Scenario,
    inventory: &Inventory,
    releases: impl Iterator<Item = &'a String>,
) -> Vec<Right> {
    let mut table = Table::default();
    for name in releases {
        let Some(release) = scenario.releases.get(name) else { continue };
        let namespace = release.namespace.as_ref().unwrap_or(&scenario.namespace);
        table.part(Part::Install);
        let why = "keep helm's record of a release";
        table.must("get list create update delete", core("secrets").within(namespace), why);
        if let Some(chart) = inventory.charts.get(name) {
            objects(scenario, name, chart, &mut table);
            grants(chart, &mut table);
            needs(chart, &mut table);
        }
    }
    table.rights()
}

fn objects(scenario: &Scenario, release: &str, chart: &ChartFacts, table: &mut Table) {
    let ours = changes::namespaces(scenario);
    for object in &chart.objects {
        // A kind that is not served cannot be granted either; the plan warns of it.
        let Some(resource) = &object.resource else { continue };
        let on = of(object.group(), resource).within(object.namespace.as_deref().unwrap_or_default());
        let why = format!("make the objects of release {release} and remove them");
        if object.namespace.as_ref().is_some_and(|namespace| ours.contains(namespace)) {
            table.must(OBJECT, on, &why);
        } else {
            table.must(UNNAMED, on, &why);
            table.must(NAMED, on.called(&object.name), &why);
        }
    }
}

/// What the chart's objects name is looked for.
fn needs(chart: &ChartFacts, table: &mut Table) {
    table.part(Part::Read);
    for need in &chart.needs {
        let why = format!("see whether {} {} exists, which {} needs", need.kind, need.name, need.by);
        let Some(kind) = kind_of(&need.kind) else { continue };
        let verb = if need.name.is_empty() { "list" } else { "get" };
        let on = of(kind.group, kind.plural).within(need.namespace.as_deref().unwrap_or_default());
        table.may(verb, on.called(&need.name), &why);
    }
}

/// The kinds that are needed.
pub(in crate::plan) fn kind_of(kind: &str) -> Option<Kind> {
    const KINDS: [Kind; 4] = [
        Kind::of("storage.k8s.io", "v1", "StorageClass", "storageclasses"),
        Kind::of("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses"),
        Kind::of("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses"),
        Kind::of("", "v1", "Secret", "secrets"),
    ];
    KINDS.into_iter().find(|one| one.kind == kind)
}

fn grants(chart: &ChartFacts, table: &mut Table) {
    for grant in &chart.grants {
        let on = of(&grant.group, &grant.resource).within(grant.namespace.as_deref().unwrap_or_default());
        table.must(&grant.verb, on.called(&grant.name), &format!("give {} the same", grant.role));
    }
    for binding in &chart.bindings {
        let kind = format!("{}s", binding.kind.to_lowercase());
        let on = of("rbac.authorization.k8s.io", &kind).within(binding.namespace.as_deref().unwrap_or_default());
        table.must("bind", on.called(&binding.role), "let the chart bind this role to its own account");
    }
}
