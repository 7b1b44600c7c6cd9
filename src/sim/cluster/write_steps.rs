//! How far those have come who change the cluster from outside, and what stands in it when they are gone.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use super::SimCluster;

impl SimCluster {
    /// Those who come from outside have come one step further with a change: it is on its way, done, or done in part.
    pub(in crate::sim) fn count_write_step(&self) {
        self.0.write_steps.send_modify(|steps| *steps += 1);
    }

    /// How many such steps there were.
    pub(in crate::sim) fn write_steps(&self) -> watch::Receiver<u64> {
        self.0.write_steps.subscribe()
    }

    /// Everything that is kept, in order.
    pub(in crate::sim) fn all_objects(&self) -> Vec<((String, String, String), Arc<Value>)> {
        self.state().objects.iter().map(|(key, object)| (key.clone(), Arc::clone(object))).collect()
    }
}
