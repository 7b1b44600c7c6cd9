//! Configuration of the HPA controller, and its faults.

use crate::units::HumanDuration;

/// Configuration of the HPA controller.
#[derive(Clone, Debug)]
pub struct HpaControllerConfig {
    /// `--horizontal-pod-autoscaler-sync-period`.
    pub(crate) sync_period: HumanDuration,
    /// `--horizontal-pod-autoscaler-tolerance`, a fraction.
    pub(crate) tolerance: f64,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`.
    pub(crate) downscale_stabilization: HumanDuration,
    /// Fault: of its behavior.
    pub(crate) fault: HpaFault,
    /// Fault: its events are lost.
    pub(crate) events_lost: bool,
}

impl Default for HpaControllerConfig {
    fn default() -> Self {
        Self {
            sync_period: HumanDuration::from_secs(15),
            tolerance: 0.1,
            downscale_stabilization: HumanDuration::from_secs(300),
            fault: HpaFault::None,
            events_lost: false,
        }
    }
}

/// A fault of the HPA controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HpaFault {
    /// It behaves as in Kubernetes 1.37.
    #[default]
    None,
    /// It does not run.
    Off,
    /// It stops after this many passes.
    StuckAfter(u32),
    /// It stops after its first scale-up.
    StopsAfterScaleUp,
    /// It never scales down.
    NeverScalesDown,
    /// It never scales up.
    NeverScalesUp,
    /// This long after its first pass it scales up by one replica, once, with CPU utilization as the reason.
    SpuriousScaleUp(HumanDuration),
    /// This long after its first scale-up it removes a replica and adds it again, in alternate passes.
    FlapsAfter(HumanDuration),
    /// It applies only this share of the scale-down stabilization window, percent.
    StabilizationPercent(i32),
    /// It scales up to this many replicas above maxReplicas.
    ExceedsMax(i32),
}
