//! What keeps a pod from being made: classes that are not there, and quotas.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::record::kind::Kind;
use crate::sim::cluster::{Cluster, Hand, Refusal, text};
use crate::units::Milli;

const QUOTA: Kind = Kind::of("", "v1", "ResourceQuota", "resourcequotas");
const POD: Kind = Kind::of("", "v1", "Pod", "pods");

/// Amounts by the names that quotas have for them.
type Amounts = BTreeMap<String, Milli>;

/// # Errors
/// 403 in the API server's words.
pub(super) fn pod(cluster: &Cluster, object: &Value, dry_run: bool) -> Result<(), Refusal> {
    let forbidden =
        |why: String| Refusal::new(403, "Forbidden", format!("pods \"{}\" is forbidden: {why}", text(object, "name")));
    classes(cluster, object).map_err(forbidden)?;
    let asked = amounts([object]);
    for quota in cluster.list(&QUOTA, Some(&text(object, "namespace"))) {
        let used = used(cluster, &text(object, "namespace"));
        let over = hard(&quota).into_iter().filter(|(name, hard)| {
            let amount = |of: &Amounts| of.get(name).map_or(0, |amount| amount.0);
            amount(&asked) > 0 && amount(&used) + amount(&asked) > hard.0
        });
        let over: Amounts = over.collect();
        if !over.is_empty() {
            let of = |amounts: &Amounts| listed(over.keys().map(|name| (name, amounts.get(name))));
            let (asked, used) = (of(&asked), of(&used));
            let (name, limited) = (text(&quota, "name"), of(&over));
            let why = format!("exceeded quota: {name}, requested: {asked}, used: {used}, limited: {limited}");
            return Err(forbidden(why));
        }
        if !dry_run {
            report(cluster, &quota, &used, &asked)?;
        }
    }
    Ok(())
}

/// A quota that is new: what is used of it already.
pub(super) fn quota(cluster: &Cluster, object: &mut Value) {
    let used = used(cluster, &text(object, "namespace"));
    object["status"] = status(object, &used, &Amounts::new());
}

fn classes(cluster: &Cluster, object: &Value) -> Result<(), String> {
    const RUNTIME: Kind = Kind::of("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses");
    const PRIORITY: Kind = Kind::of("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses");
    let spec = &object["spec"];
    if let Some(name) = spec["runtimeClassName"].as_str().filter(|name| cluster.get(&RUNTIME, "", name).is_none()) {
        return Err(format!("pod rejected: RuntimeClass \"{name}\" not found"));
    }
    let own = |name: &&str| name.starts_with("system-") || cluster.get(&PRIORITY, "", name).is_some();
    match spec["priorityClassName"].as_str().filter(|name| !own(name)) {
        Some(name) => Err(format!("no PriorityClass with name {name} was found")),
        None => Ok(()),
    }
}

fn used(cluster: &Cluster, namespace: &str) -> Amounts {
    let pods = cluster.list(&POD, Some(namespace));
    let has_ended = |pod: &Value| matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    amounts(pods.iter().map(std::sync::Arc::as_ref).filter(|pod| !has_ended(pod)))
}

/// What pods take of a quota: their number, and what their containers request.
fn amounts<'a>(pods: impl IntoIterator<Item = &'a Value>) -> Amounts {
    let mut all = Amounts::new();
    let mut add = |name: String, amount: i64| all.entry(name).or_insert(Milli(0)).0 += amount;
    for pod in pods {
        add("pods".to_owned(), 1000);
        add("count/pods".to_owned(), 1000);
        for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
            for (name, quantity) in container["resources"]["requests"].as_object().into_iter().flatten() {
                let amount = quantity.as_str().and_then(|text| text.parse::<Milli>().ok()).unwrap_or(Milli(0));
                add(format!("requests.{name}"), amount.0);
            }
        }
    }
    all
}

fn hard(quota: &Value) -> Amounts {
    let hard = quota["spec"]["hard"].as_object().into_iter().flatten();
    hard.filter_map(|(name, amount)| Some((name.clone(), amount.as_str()?.parse().ok()?))).collect()
}

fn listed<'a>(amounts: impl Iterator<Item = (&'a String, Option<&'a Milli>)>) -> String {
    let all = amounts.map(|(name, amount)| format!("{name}={}", amount.copied().unwrap_or(Milli(0))));
    all.collect::<Vec<_>>().join(",")
}

fn report(cluster: &Cluster, quota: &Value, used: &Amounts, more: &Amounts) -> Result<(), Refusal> {
    let (namespace, name) = (text(quota, "namespace"), text(quota, "name"));
    let status = status(quota, used, more);
    let hand = Hand::status("kube-apiserver");
    cluster.change(hand, &QUOTA, &namespace, &name, |object| object["status"] = status).map(drop)
}

fn status(quota: &Value, used: &Amounts, more: &Amounts) -> Value {
    let amount = |of: &Amounts, name: &String| of.get(name).map_or(0, |amount| amount.0);
    let used: BTreeMap<String, String> = hard(quota)
        .into_keys()
        .map(|name| {
            let sum = Milli(amount(used, &name) + amount(more, &name)).to_string();
            (name, sum)
        })
        .collect();
    json!({"hard": quota["spec"]["hard"], "used": used})
}
