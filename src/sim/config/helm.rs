//! Configuration of helm.

use crate::units::HumanDuration;

/// Configuration of helm.
#[derive(Clone, Debug)]
pub struct HelmConfig {
    /// Duration of a command, without that of its requests.
    pub(crate) latency: HumanDuration,
    /// Fault of `helm install` and `helm upgrade`.
    pub(crate) fault: Option<HelmFault>,
}

/// A fault of `helm install` and `helm upgrade`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HelmFault {
    /// helm fails before it creates an object.
    Fails,
    /// helm fails after half of the objects.
    FailsHalfWay,
    /// helm does not return before its timeout.
    Hangs,
}

impl Default for HelmConfig {
    fn default() -> Self {
        Self { latency: HumanDuration::from_ms(700), fault: None }
    }
}
