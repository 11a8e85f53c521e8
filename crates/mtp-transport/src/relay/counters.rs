//! Counters of a proxy, for each secret and for rejected connections.

use alloc::string::String;
use alloc::vec::Vec;

use super::{RelayConfig, RelayEvent, Target, Traffic};

/// Counters for the events of all relays of one proxy.
///
/// ```
/// use mtp_transport::relay::{RelayConfig, RelayCounters};
///
/// let counters = RelayCounters::new(&RelayConfig::default());
/// // For each event of each relay: counters.count(&event);
/// assert_eq!(counters.refused(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct RelayCounters {
    secrets: Vec<SecretCounters>,
    refused: u64,
}

/// Counters of one secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretCounters {
    /// The operator's name for the secret.
    pub name: String,
    /// Connections that proved knowledge of the secret.
    pub accepted: u64,
    /// Accepted connections that are not closed yet.
    pub open: u64,
    /// Traffic of the closed connections.
    pub traffic: Traffic,
}

impl RelayCounters {
    /// Returns zero counters for each secret.
    #[must_use]
    pub fn new(config: &RelayConfig) -> Self {
        let zero =
            |name: &String| SecretCounters { name: name.clone(), ..SecretCounters::default() };
        let secrets = config.secrets.iter().map(|named| zero(&named.name)).collect();
        Self { secrets, refused: 0 }
    }

    /// Counts an event.
    pub fn count(&mut self, event: &RelayEvent) {
        match event {
            RelayEvent::Dial(Target::DataCenter { secret, .. })
            | RelayEvent::OpenMiddle { secret, .. } => {
                if let Some(counters) = self.secrets.get_mut(*secret) {
                    counters.accepted = counters.accepted.saturating_add(1);
                    counters.open = counters.open.saturating_add(1);
                }
            }
            RelayEvent::Refused(_) => {
                self.refused = self.refused.saturating_add(1);
            }
            RelayEvent::Close { secret: Some(secret), traffic, .. } => {
                if let Some(counters) = self.secrets.get_mut(*secret) {
                    counters.open = counters.open.saturating_sub(1);
                    let total = &mut counters.traffic;
                    total.up = total.up.saturating_add(traffic.up);
                    total.down = total.down.saturating_add(traffic.down);
                }
            }
            RelayEvent::Dial(Target::Site { .. })
            | RelayEvent::Close { secret: None, .. }
            | RelayEvent::CheckReplay(_) => {}
        }
    }

    /// Returns the counters of the secrets, in the order of the configuration.
    #[must_use]
    pub fn secrets(&self) -> &[SecretCounters] {
        &self.secrets
    }

    /// Returns the number of rejected connections.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}
