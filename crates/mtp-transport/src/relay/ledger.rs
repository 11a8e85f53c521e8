//! What a proxy counts, for each of its secrets and for those who know none.

use alloc::string::String;
use alloc::vec::Vec;

use super::{RelayConfig, RelayEvent, Target, Traffic};

/// Counts the events of all relays of one proxy.
///
/// ```
/// use mtp_transport::relay::RelayConfig;
/// use mtp_transport::relay::ledger::Ledger;
///
/// let mut ledger = Ledger::new(&RelayConfig::default());
/// // For each event of each relay: ledger.note(&event);
/// assert_eq!(ledger.refused(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Ledger {
    accounts: Vec<Account>,
    refused: u64,
}

/// Holds the counters of one secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// What the operator calls the secret.
    pub name: String,
    /// Connections that proved to know it.
    pub accepted: u64,
    /// Those of them that are not closed yet.
    pub open: u64,
    /// Bytes carried by those that are closed.
    pub traffic: Traffic,
}

impl Ledger {
    /// Opens an account for each secret.
    #[must_use]
    pub fn new(config: &RelayConfig) -> Self {
        let account = |name: &String| Account { name: name.clone(), ..Account::default() };
        let accounts = config.secrets.iter().map(|named| account(&named.name)).collect();
        Self { accounts, refused: 0 }
    }

    /// Counts an event.
    pub fn note(&mut self, event: &RelayEvent) {
        match event {
            RelayEvent::Dial(Target::DataCenter { secret, .. }) => {
                if let Some(account) = self.accounts.get_mut(*secret) {
                    account.accepted = account.accepted.saturating_add(1);
                    account.open = account.open.saturating_add(1);
                }
            }
            RelayEvent::Refused(_) => {
                self.refused = self.refused.saturating_add(1);
            }
            RelayEvent::Close { secret: Some(secret), traffic, .. } => {
                if let Some(account) = self.accounts.get_mut(*secret) {
                    account.open = account.open.saturating_sub(1);
                    let total = &mut account.traffic;
                    total.up = total.up.saturating_add(traffic.up);
                    total.down = total.down.saturating_add(traffic.down);
                }
            }
            RelayEvent::Dial(Target::Site { .. })
            | RelayEvent::Close { secret: None, .. }
            | RelayEvent::CheckReplay(_) => {}
        }
    }

    /// Returns the accounts in the order of the secrets.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// Returns how many connections were refused because they knew no secret.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}
