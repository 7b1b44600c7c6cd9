//! Configuration of the connections from outside the cluster to the pods.

use super::fault_scope::ActiveWindow;
use crate::units::HumanDuration;

/// Configuration of the network.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
    /// Round-trip time.
    pub(crate) round_trip: HumanDuration,
    /// The client's connect timeout: the load's `timeouts.connect`.
    pub(crate) connect_timeout: HumanDuration,
    /// The store's URL (`metric.store.url`); empty if the scenario has none.
    pub(crate) store_url: String,
    /// Fault: every connection goes to the first endpoint.
    pub(crate) one_pod_only: bool,
    /// Fault: connections are refused.
    pub(crate) connections_refused: Option<ActiveWindow>,
    /// Fault: time that a connection takes.
    pub(crate) slow_accept: Option<(ActiveWindow, HumanDuration)>,
    /// Fault: every n-th connection is reset in the middle of its response.
    pub(crate) connection_resets: Option<(ActiveWindow, u64)>,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            round_trip: HumanDuration::from_ms(1),
            connect_timeout: HumanDuration::from_secs(10),
            store_url: String::new(),
            one_pod_only: false,
            connections_refused: None,
            slow_accept: None,
            connection_resets: None,
        }
    }
}
