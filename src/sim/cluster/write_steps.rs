//! Progress of the client's writes, and the objects that remain after them: for tests that interrupt a run at each write.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use super::SimCluster;

impl SimCluster {
    /// Counts a step of a client's write: sent, carried out, or carried out in part.
    pub(in crate::sim) fn count_write_step(&self) {
        self.0.write_steps.send_modify(|steps| *steps += 1);
    }

    /// Subscribes to the number of such steps.
    pub(in crate::sim) fn write_steps(&self) -> watch::Receiver<u64> {
        self.0.write_steps.subscribe()
    }

    /// Returns all objects, ordered by their keys.
    pub(in crate::sim) fn all_objects(&self) -> Vec<((String, String, String), Arc<Value>)> {
        self.state().objects.iter().map(|(key, object)| (key.clone(), Arc::clone(object))).collect()
    }
}
