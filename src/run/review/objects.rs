//! Records of one object or fact against each other: what must not change under one uid, what a file says of objects that no
//! observation shows, and numbers that stand in two files.

use std::collections::{BTreeMap, BTreeSet};

use super::BundleCheck;
use super::claims::can_follow;
use crate::evidence::LoadedBundle;
use crate::model::journal::{ChangeState, RunChange};
use crate::model::observation::{LoadSnapshot, Observation, ObservationKind, PodSnapshot};

/// The first observation of an object, and what the object keeps from its creation to its end, as text.
struct FirstObservation<'a> {
    seq: u64,
    kind: &'a str,
    name: &'a str,
    constants: String,
}

/// The records of one object or fact.
#[derive(Default)]
struct RecordedObjects<'a> {
    by_uid: BTreeMap<&'a str, FirstObservation<'a>>,
    /// The node of each pod, by uid. It is set once.
    pod_nodes: BTreeMap<&'a str, &'a str>,
    /// Restarts of each pod, and whether it is being deleted, by uid: neither goes back.
    pod_progress: BTreeMap<&'a str, (i32, bool)>,
    /// The last resource claims of each pod, by uid.
    pod_claims: BTreeMap<&'a str, &'a [String]>,
    pod_names: BTreeSet<&'a str>,
    node_names: BTreeSet<&'a str>,
    /// The sources that were not read all the time.
    gaps: BTreeSet<&'a str>,
    load: Option<&'a LoadSnapshot>,
    differences: Vec<String>,
}

impl<'a> RecordedObjects<'a> {
    fn differ(&mut self, seq: u64, what: &str) {
        self.differences.push(format!("observation {seq}: {what}"));
    }

    /// True where a source was read all the time.
    fn is_complete(&self, source: &str) -> bool {
        !self.gaps.contains(source) && !self.gaps.contains("observer")
    }

    fn add_constants(&mut self, seq: u64, uid: &'a str, (kind, name): (&'a str, &'a str), constants: String) {
        let first = || FirstObservation { seq, kind, name, constants: constants.clone() };
        let first = self.by_uid.entry(uid).or_insert_with(first);
        if (first.name, &first.constants) != (name, &constants) {
            let text = format!(
                "{name}: {constants}, which differs from observation {} of the same uid: {}: {}",
                first.seq, first.name, first.constants
            );
            self.differ(seq, &text);
        }
    }

    fn add(&mut self, observation: &'a Observation) {
        let seq = observation.seq;
        match &observation.kind {
            ObservationKind::Pod(pod) => {
                self.pod_names.insert(&pod.name);
                let PodSnapshot { created, owner, extended_resources, resource_claims, .. } = pod;
                let constants = format!("created {created:?}, owner {owner:?}, requests {extended_resources:?}");
                self.add_constants(seq, &pod.uid, ("Pod", &pod.name), constants);
                let before = self.pod_claims.insert(&pod.uid, resource_claims).unwrap_or(resource_claims);
                if !can_follow(&pod.name, before, resource_claims) {
                    let text = format!("pod {} has the claims {resource_claims:?}, and had {before:?}", pod.name);
                    self.differ(seq, &text);
                }
                let before = self.pod_progress.insert(&pod.uid, (pod.restarts, pod.deleting));
                if before.is_some_and(|(restarts, deleting)| restarts > pod.restarts || (deleting && !pod.deleting)) {
                    self.differ(
                        seq,
                        &format!("pod {} has fewer restarts than before, or is no longer deleted", pod.name),
                    );
                }
                let Some(node) = pod.node.as_deref() else { return };
                if *self.pod_nodes.entry(&pod.uid).or_insert(node) != node {
                    self.differ(seq, &format!("pod {} is on another node than before", pod.name));
                }
            }
            ObservationKind::Hpa(hpa) => {
                let constants = format!("created {:?}", hpa.created);
                self.add_constants(seq, &hpa.uid, ("HorizontalPodAutoscaler", &hpa.name), constants);
            }
            ObservationKind::Workload(workload) => {
                let constants = format!("selector {:?}", workload.selector);
                self.add_constants(seq, &workload.uid, (&workload.kind, &workload.name), constants);
                // The digest is that of the template, which states the termination grace period.
                let grace = format!("termination grace period {} s", workload.termination_grace_period_seconds);
                self.add_constants(seq, &workload.template_digest, ("", "the pod template"), grace);
            }
            // Without its Service there is no selector any more.
            ObservationKind::Endpoints(endpoints) if !endpoints.selector.is_empty() => {
                let selector = format!("selector {:?}", endpoints.selector);
                self.add_constants(seq, &endpoints.service, ("Service", &endpoints.service), selector);
            }
            ObservationKind::Node(node) => {
                self.node_names.insert(&node.name);
            }
            ObservationKind::Gap(gap) => {
                self.gaps.insert(&gap.source);
            }
            ObservationKind::Load(load) => self.add_load(seq, load),
            _ => {}
        }
    }

    /// Deletions, each of an object that was observed or that the run created.
    fn check_deletions(&mut self, held: &'a LoadedBundle) {
        let created = created_names(held);
        for observation in &held.timeline {
            let (deleted, sources) = match &observation.kind {
                ObservationKind::PodDeleted(deleted) => (deleted, ["pods"].as_slice()),
                ObservationKind::ObjectDeleted(deleted) => (deleted, ["hpa", "workload"].as_slice()),
                _ => continue,
            };
            let observed = self.by_uid.get(deleted.uid.as_str()).map(|first| (first.kind, first.name));
            let known = observed.or_else(|| created.get(deleted.uid.as_str()).copied());
            let is_contradicted = match known {
                Some(known) => known != (deleted.kind.as_str(), deleted.name.as_str()),
                None => sources.iter().all(|source| self.is_complete(source)),
            };
            if is_contradicted {
                let text = format!(
                    "{} {} was deleted under a uid that no other observation gives it",
                    deleted.kind, deleted.name
                );
                self.differ(observation.seq, &text);
            }
        }
    }

    /// The nodes of pods, each in the inventory or observed.
    fn check_nodes(&mut self, held: &'a LoadedBundle) {
        if held.inventory.nodes.is_empty() || !self.is_complete("nodes") {
            return;
        }
        let known: BTreeSet<&str> = held.inventory.nodes.iter().map(|node| node.name.as_str()).collect();
        let unknown: BTreeSet<&str> = self
            .pod_nodes
            .values()
            .copied()
            .filter(|node| !known.contains(node) && !self.node_names.contains(node))
            .collect();
        self.differences.extend(unknown.iter().map(|node| format!("pods run on node {node}, which no record shows")));
    }

    /// Counters of the load never fall.
    fn add_load(&mut self, seq: u64, load: &'a LoadSnapshot) {
        let counters = |load: &LoadSnapshot| [load.answered_connections, load.succeeded, load.failed, load.tokens];
        if let Some(before) = self.load.replace(load)
            && counters(before).iter().zip(counters(load)).any(|(before, now)| *before > now)
        {
            self.differ(seq, "a counter of the load is smaller than before");
        }
    }

    /// Pods that another record names, and that no observation shows.
    fn check_named_pods(&mut self, held: &'a LoadedBundle) {
        if !self.is_complete("pods") {
            return;
        }
        let mut unknown = BTreeMap::new();
        for observation in &held.timeline {
            let (what, names) = match &observation.kind {
                ObservationKind::Endpoints(endpoints) => ("endpoints", endpoints.ready_pods.as_slice()),
                ObservationKind::Probe(probe) if !probe.pod.is_empty() => {
                    ("a direct chat", std::slice::from_ref(&probe.pod))
                }
                _ => continue,
            };
            for name in names.iter().filter(|name| !self.pod_names.contains(name.as_str())) {
                unknown.entry(name.as_str()).or_insert((observation.seq, what));
            }
        }
        for (name, (seq, what)) in unknown {
            self.differ(seq, &format!("{what} of pod {name}, which no observation shows"));
        }
        let most = held.timeline.iter().filter_map(|observation| match &observation.kind {
            ObservationKind::Workload(workload) => Some((workload.replicas, observation.seq)),
            _ => None,
        });
        if let Some((replicas, seq)) = most.max()
            && usize::try_from(replicas).is_ok_and(|replicas| replicas > self.pod_names.len())
        {
            self.differ(seq, &format!("{replicas} replicas, and only {} pods were observed", self.pod_names.len()));
        }
    }
}

/// Kind and name of the objects that the run created, by uid.
fn created_names(held: &LoadedBundle) -> BTreeMap<&str, (&str, &str)> {
    let mut names = BTreeMap::new();
    let mut by_uid = BTreeMap::new();
    for entry in &held.journal {
        match &entry.state {
            ChangeState::Intended(RunChange::Create(object)) => {
                names.insert(entry.change, (object.kind.as_str(), object.name.as_str()));
            }
            ChangeState::Done { uid: Some(uid) } => {
                by_uid.extend(names.get(&entry.change).map(|name| (uid.as_str(), *name)));
            }
            _ => {}
        }
    }
    by_uid
}

/// Compares the records that state one fact twice.
pub(super) fn check_objects(held: &LoadedBundle) -> BundleCheck {
    let mut recorded = RecordedObjects::default();
    for observation in &held.timeline {
        recorded.add(observation);
    }
    recorded.check_deletions(held);
    recorded.check_nodes(held);
    recorded.check_named_pods(held);
    let in_flight = held.timeline.iter().find_map(|observation| match &observation.kind {
        ObservationKind::Load(load) if load.in_flight > u64::from(held.scenario.load.concurrency) => {
            Some(format!("observation {}: more requests in flight than the scenario has workers", observation.seq))
        }
        _ => None,
    });
    recorded.differences.extend(in_flight);
    if let Some(load) = held.load.as_ref().filter(|load| load.concurrency != held.scenario.load.concurrency) {
        recorded.differences.push(format!(
            "load.json: concurrency is {}, and the scenario has {}",
            load.concurrency, held.scenario.load.concurrency
        ));
    }
    let what = format!("{} objects agree in all that is recorded of them", recorded.by_uid.len());
    BundleCheck::new("objects", what, recorded.differences)
}
