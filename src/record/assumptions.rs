//! Times and settings of a cluster that ordinary rights cannot read. Each is an assumption until something shows it,
//! and every bound names the assumptions that it rests on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Span;

/// Assumed times and settings. The defaults are those of Kubernetes 1.37, dcgm-exporter and prometheus-adapter's chart.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Assumptions {
    /// `--horizontal-pod-autoscaler-sync-period` of the controller manager.
    pub sync_period: Span,
    /// `--horizontal-pod-autoscaler-tolerance` of the controller manager, a ratio.
    pub tolerance: f64,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`; used where the HPA states no window of its own.
    pub downscale_stabilization: Span,
    /// Sampling interval of the exporter.
    pub exporter_interval: Span,
    /// Scrape interval of the store.
    pub scrape_interval: Span,
    /// How far behind now the store answers (VictoriaMetrics: `-search.latencyOffset`).
    pub store_offset: Span,
    /// Relist interval of the metrics adapter: how long until a new series is served at all.
    pub relist_interval: Span,
    /// From a pod's creation to Ready, image pull and model load included.
    pub pod_start: Span,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self {
            sync_period: Span::from_secs(15),
            tolerance: 0.1,
            downscale_stabilization: Span::from_secs(300),
            exporter_interval: Span::from_secs(30),
            scrape_interval: Span::from_secs(15),
            store_offset: Span::from_secs(30),
            relist_interval: Span::from_secs(60),
            pod_start: Span::from_secs(300),
        }
    }
}
