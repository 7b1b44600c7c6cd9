//! Assumed times and flags of a cluster, which a user without access to the control plane and the metric pipeline's
//! configuration cannot read. Each time bound marks its assumed terms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::HumanDuration;

/// Assumed times and flags of the cluster. The defaults are those of Kubernetes 1.37, dcgm-exporter and the
/// prometheus-adapter chart. A check that fails only because an assumed time is too short is INCONCLUSIVE: assumed
/// times are doubled before a result is FAIL.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Assumptions {
    /// `--horizontal-pod-autoscaler-sync-period` of kube-controller-manager: the time between two syncs of an HPA. At
    /// least 1s. Default: 15s.
    pub sync_period: HumanDuration,
    /// `--horizontal-pod-autoscaler-tolerance` of kube-controller-manager: the HPA ignores a ratio of metric to target
    /// that differs from 1 by no more than this. A fraction from 0 to below 1. Default: 0.1.
    pub tolerance: f64,
    /// `--horizontal-pod-autoscaler-downscale-stabilization` of kube-controller-manager. Used only when the HPA has no
    /// `behavior.scaleDown.stabilizationWindowSeconds`. Default: 5m.
    pub downscale_stabilization: HumanDuration,
    /// Sampling interval of the exporter (dcgm-exporter: `--collect-interval`). Default: 30s.
    pub exporter_interval: HumanDuration,
    /// Scrape interval of the Prometheus-compatible store. Default: 15s.
    pub scrape_interval: HumanDuration,
    /// Delay of the store's instant queries: the age of the newest sample that they return (VictoriaMetrics:
    /// `-search.latencyOffset`). Default: 30s.
    pub store_offset: HumanDuration,
    /// Relist interval of the metrics adapter (prometheus-adapter: `--metrics-relist-interval`): the time until the
    /// adapter serves a new series. Default: 1m.
    pub relist_interval: HumanDuration,
    /// Time from a pod's creation until it is Ready, image pull and model load included. Default: 5m.
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
