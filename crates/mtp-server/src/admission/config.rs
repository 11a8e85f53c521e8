//! Limits of the admission.

use core::time::Duration;

use super::budgets::WorkRate;
use crate::flood::Rate;

/// Admission limits: in all, for each address, and for each network.
///
/// An address is an IPv4 address or the /64 of an IPv6 address; its network is the /24 or the /48 around
/// it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AdmissionConfig {
    /// Links in all. One more displaces an idle link, of the network with the most links if it has one.
    /// Default 65,536.
    pub links_max: usize,
    /// Links of one address; many clients may share it behind a NAT. Default 1024.
    pub links_per_address_max: usize,
    /// Links of one network. Default 8192.
    pub links_per_network_max: usize,
    /// Unproven links in all; one more displaces an idle one. Default 4096.
    pub unproven_max: usize,
    /// Unproven links of one address; one more displaces an idle one or is refused. Default 256.
    pub unproven_per_address_max: usize,
    /// Unproven links of one network; one more displaces an idle one or is refused. Default 1024.
    pub unproven_per_network_max: usize,
    /// How long a link may stay unproven: a slow client makes two keys first. Default 60 s.
    pub proof_time: Duration,
    /// How long a link without proof of a key is not displaced, so that a prompt client gets through.
    /// Default 5 s.
    pub prompt_time: Duration,
    /// How long a link is not displaced after a key exchange on it was admitted. Default 20 s.
    pub exchange_time: Duration,
    /// How long a proven link is silent before it counts as idle. Default 90 s: clients ping every
    /// minute.
    pub silence_time: Duration,
    /// Connections of one address. Default: 512 at once, then 50 a second.
    pub connects: Rate,
    /// Connections of one network. Default: 2048 at once, then 200 a second.
    pub connects_per_network: Rate,
    /// Key exchanges of one address, each of some milliseconds. An exchange is charged before its
    /// first arithmetic, and what is admitted completes. Default: 128 at once, then 10 a second.
    pub exchanges: Rate,
    /// Key exchanges of one network. Default: 512 at once, then 40 a second.
    pub exchanges_per_network: Rate,
    /// Key exchanges whose first arithmetic waits, for all addresses. Default 512: some seconds of one
    /// processor, which is as long as a client waits for an answer.
    pub exchanges_waiting_max: usize,
    /// The same for one network. Default 128.
    pub exchanges_waiting_per_network_max: usize,
    /// Keys made by one network that exist at a time; more exchanges of it are refused. Keys from a store
    /// are not counted. Default 2^18.
    pub keys_per_network_max: usize,
    /// How long a key is kept that never carried a session. Those older than `proof_time` go sooner when
    /// their place is needed. Keys from a store are kept. Default 1 hour.
    pub unused_key_life: Duration,
    /// Bytes of memory for incomplete frames, over all links. Default 512 MiB.
    pub input_bytes_max: usize,
    /// The same over the links of one network. Default 32 MiB.
    pub input_bytes_per_network_max: usize,
    /// The same over the links without proof of a key. Default 16 MiB: 4 KiB, the longest packet of a key
    /// exchange, for each of them.
    pub stranger_bytes_max: usize,
    /// Work that bytes of one network cause beyond what bytes pay for: calls and files, however many and fast,
    /// stay below that. Beyond it the links of the network are left unread until it is worked off. Default:
    /// 16 million units at once, then 4 million a second, a fifth of a processor or so.
    pub work_per_network: WorkRate,
    /// The same for one key. Default: 4 million units at once, then 1 million a second.
    pub work_per_key: WorkRate,
    /// Addresses and networks remembered after their last link is gone. Default 131,072.
    pub addresses_max: usize,
}

impl AdmissionConfig {
    /// Returns the default limits, for servers that anybody can reach.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            links_max: 1 << 16,
            links_per_address_max: 1024,
            links_per_network_max: 8192,
            unproven_max: 4096,
            unproven_per_address_max: 256,
            unproven_per_network_max: 1024,
            proof_time: Duration::from_secs(60),
            prompt_time: Duration::from_secs(5),
            exchange_time: Duration::from_secs(20),
            silence_time: Duration::from_secs(90),
            connects: Rate::new(512, Duration::from_millis(20)),
            connects_per_network: Rate::new(2048, Duration::from_millis(5)),
            exchanges: Rate::new(128, Duration::from_millis(100)),
            exchanges_per_network: Rate::new(512, Duration::from_millis(25)),
            exchanges_waiting_max: 512,
            exchanges_waiting_per_network_max: 128,
            keys_per_network_max: 1 << 18,
            unused_key_life: Duration::from_secs(3600),
            input_bytes_max: 512 << 20,
            input_bytes_per_network_max: 32 << 20,
            stranger_bytes_max: 16 << 20,
            work_per_network: WorkRate::new(16_000_000, 4_000_000),
            work_per_key: WorkRate::new(4_000_000, 1_000_000),
            addresses_max: 1 << 17,
        }
    }

    /// Returns limits in all but none for each address and network: for tests, benches and servers
    /// behind a proxy that does not name its clients' addresses.
    #[must_use]
    pub const fn trusting() -> Self {
        let all = Self::new();
        Self {
            links_per_address_max: all.links_max,
            links_per_network_max: all.links_max,
            unproven_max: all.links_max,
            unproven_per_address_max: all.links_max,
            unproven_per_network_max: all.links_max,
            connects: Rate::UNLIMITED,
            connects_per_network: Rate::UNLIMITED,
            exchanges: Rate::UNLIMITED,
            exchanges_per_network: Rate::UNLIMITED,
            exchanges_waiting_max: all.links_max,
            exchanges_waiting_per_network_max: all.links_max,
            keys_per_network_max: usize::MAX,
            input_bytes_per_network_max: all.input_bytes_max,
            work_per_network: WorkRate::UNLIMITED,
            ..all
        }
    }
}

impl Default for AdmissionConfig {
    fn default() -> Self {
        Self::new()
    }
}
