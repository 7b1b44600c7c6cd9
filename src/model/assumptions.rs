//! Times and settings of a cluster that ordinary rights cannot read. Each is an assumption until something shows it,
//! and every bound names the assumptions that it rests on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::HumanDuration;

/// Assumed times and settings. The defaults are those of Kubernetes 1.37, dcgm-exporter and prometheus-adapter's chart.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Assumptions {
    /// `--horizontal-pod-autoscaler-sync-period` of the controller manager.
    pub sync_period: HumanDuration,
    /// `--horizontal-pod-autoscaler-tolerance` of the controller manager, a ratio.
    pub tolerance: f64,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`; used where the HPA states no window of its own.
    pub downscale_stabilization: HumanDuration,
    /// Sampling interval of the exporter.
    pub exporter_interval: HumanDuration,
    /// Scrape interval of the store.
    pub scrape_interval: HumanDuration,
    /// How far behind now the store answers (VictoriaMetrics: `-search.latencyOffset`).
    pub store_offset: HumanDuration,
    /// Relist interval of the metrics adapter: how long until a new series is served at all.
    pub relist_interval: HumanDuration,
    /// From a pod's creation to Ready, image pull and model load included.
    pub pod_start: HumanDuration,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self {
            sync_period: HumanDuration::from_secs(15),
            tolerance: 0.1,
            downscale_stabilization: HumanDuration::from_secs(300),
            exporter_interval: HumanDuration::from_secs(30),
            scrape_interval: HumanDuration::from_secs(15),
            store_offset: HumanDuration::from_secs(30),
            relist_interval: HumanDuration::from_secs(60),
            pod_start: HumanDuration::from_secs(300),
        }
    }
}
