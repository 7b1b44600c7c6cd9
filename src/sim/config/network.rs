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
    /// How the node port chooses a pod for a connection.
    pub(crate) endpoint_choice: EndpointChoice,
    /// An admission plugin sets `sessionAffinity: ClientIP` on every Service.
    pub(crate) sets_client_ip_affinity: bool,
    /// Fault: connections are refused.
    pub(crate) connections_refused: Option<ActiveWindow>,
    /// Fault: time that a connection takes.
    pub(crate) slow_accept: Option<(ActiveWindow, HumanDuration)>,
    /// Fault: every n-th connection is reset in the middle of its response.
    pub(crate) connection_resets: Option<(ActiveWindow, u64)>,
}

/// The choice of a ready endpoint for a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum EndpointChoice {
    /// Any of them, as kube-proxy in iptables mode.
    #[default]
    Random,
    /// Fault: the oldest one.
    Oldest,
    /// The same one for the same client, as kube-proxy in IPVS mode with the scheduler sh.
    SourceHash,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            round_trip: HumanDuration::from_ms(1),
            connect_timeout: HumanDuration::from_secs(10),
            store_url: String::new(),
            endpoint_choice: EndpointChoice::Random,
            sets_client_ip_affinity: false,
            connections_refused: None,
            slow_accept: None,
            connection_resets: None,
        }
    }
}
