//! Load balancers in front of a listener, which send the PROXY protocol.

use clap::Args;

use crate::system::network::Network;

/// Options about load balancers in front of a listener.
#[derive(Args)]
pub(crate) struct BalancerOptions {
    /// Connections come from load balancers that send the PROXY protocol, version 1 or 2
    #[arg(long, requires = "trusted_networks")]
    pub(crate) proxy_protocol: bool,
    /// Network of the balancers, such as 10.0.0.0/8; others are refused. May be repeated
    #[arg(
        long = "trusted-network",
        id = "trusted_networks",
        value_name = "CIDR",
        requires = "proxy_protocol"
    )]
    pub(crate) trusted_networks: Vec<Network>,
}
