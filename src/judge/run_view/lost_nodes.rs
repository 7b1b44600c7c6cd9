//! Nodes of the target's pods that were lost for a time.

use std::collections::BTreeMap;

use super::RunView;
use crate::judge::check_result::format_ms;
use crate::model::observation::NodeSnapshot;

impl RunView<'_> {
    /// Describes each node that was not Ready for a time under load, and on which a pod of the target was then.
    pub(crate) fn describe_lost_nodes(&self) -> Vec<String> {
        let Some((began, end)) = self.load_span() else { return Vec::new() };
        let mut lost_ms: BTreeMap<&str, u64> = BTreeMap::new();
        let mut since: BTreeMap<&str, u64> = BTreeMap::new();
        let mut add = |name, from_ms: u64, to_ms: u64| {
            let (from_ms, to_ms) = (from_ms.max(began), to_ms.min(end));
            if from_ms < to_ms && self.had_pod_on(name, from_ms, to_ms) {
                *lost_ms.entry(name).or_default() += to_ms - from_ms;
            }
        };
        for (o, node) in &self.nodes {
            let NodeSnapshot { name, ready, .. } = node;
            if !ready {
                since.entry(name).or_insert(o.at_ms);
            } else if let Some(from_ms) = since.remove(name.as_str()) {
                add(name, from_ms, o.at_ms);
            }
        }
        since.into_iter().for_each(|(name, from_ms)| add(name, from_ms, end));
        let text = |(name, ms): (&str, u64)| {
            format!("node {name}, with pods of the target on it, was not Ready for {} under load", format_ms(ms))
        };
        lost_ms.into_iter().map(text).collect()
    }

    /// True when a pod of the target was on this node within a span of time.
    fn had_pod_on(&self, node: &str, from_ms: u64, to_ms: u64) -> bool {
        self.target_pods().iter().any(|pod| {
            let is_on = pod.last_observation().is_some_and(|(_, last)| last.node.as_deref() == Some(node));
            is_on && pod.first_seen_ms() <= to_ms && pod.gone_ms.is_none_or(|gone_ms| gone_ms >= from_ms)
        })
    }
}
