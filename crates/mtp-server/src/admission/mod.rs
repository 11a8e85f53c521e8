//! Admission: who may connect, how often, and for how long without proof of a key.
//!
//! ```text
//!  accept ──▶ [Unproven] ── a packet that decrypts ──▶ [Proven]
//!    │            │ proof_time is over                    │
//!    │            ├────────────────────────▶ closed ◀─────┤
//!    │            └── idle, and its place is needed ──────┘
//!    ├─ above links_per_address_max ──▶ [Doomed] ── its first bytes ──▶ −429, closed
//!    └─ above any other limit ──▶ Refused: the driver closes the socket
//! ```
//!
//! A link is proven by a packet that decrypts under a key of the server: nothing less distinguishes a
//! client from one who only holds sockets. Links are bounded in number, in all, for each address and for
//! each network. When a bound is reached, a new link takes the place of one that is idle, so that a prompt
//! client gets through; a link that is not idle is not displaced, unless its network has more links than
//! the new one's.
//!
//! Key exchanges are admitted whole: the address and its network are charged before the first
//! arithmetic. What is admitted completes, however many others ask. What is refused costs no token, so
//! with any demand above a limit as many get through as the limit allows.

use alloc::collections::{BTreeMap, BTreeSet};
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use mtp_crypto::AuthKeyId;
use mtp_env::{Deadline, Instant, Now, Work};
use mtp_session::link::LinkId;

mod accounts;
mod budgets;
mod config;
mod input;
mod keys;
mod network;
mod places;

pub use budgets::WorkRate;
pub use config::AdmissionConfig;
pub use network::{Network, NetworkError};

use crate::flood::Rate;
use accounts::{Account, Accounts};
use budgets::Budgets;
use input::{Holding, Input};
use keys::MadeKeys;
use places::{Place, Places};

/// Why a connection is refused. The client's transport is not known yet, so close the socket without
/// an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The limit of links in all is reached.
    Full,
    /// The address or its network has too many links, or too many unproven ones.
    TooMany,
    /// The address or its network connects too often.
    TooOften,
    /// Little memory is left.
    NoMemory,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the limit of links is reached",
            Self::TooMany => "the address has too many links",
            Self::TooOften => "the address connects too often",
            Self::NoMemory => "little memory is left",
        })
    }
}

impl core::error::Error for Refused {}

/// The state of the admission: the links, their addresses and their standing.
#[derive(Debug)]
pub(crate) struct Admission {
    config: AdmissionConfig,
    accounts: Accounts,
    links: BTreeMap<LinkId, Entry>,
    /// The unproven links, oldest first.
    unproven: BTreeSet<(Instant, LinkId)>,
    places: Places,
    /// The memory that links hold.
    input: Input,
    keys: MadeKeys,
    work_of_networks: Budgets<Network>,
    work_of_keys: Budgets<AuthKeyId>,
}

/// One link.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The client's address, unless a proxy has yet to name it.
    address: Option<IpAddr>,
    standing: Standing,
    accepted_at: Instant,
    /// From then on it counts as idle.
    idle_at: Instant,
    held: usize,
}

/// How far a link is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// One link too many of its address: it gets −429 once its transport is known.
    Doomed,
    /// No proof of a key yet.
    Unproven,
    /// A packet of it decrypted.
    Proven,
}

/// A connection that may enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) standing: Standing,
    /// The link that has to leave first.
    pub(crate) displaced: Option<LinkId>,
}

/// The limits of an address or of a network.
#[derive(Clone, Copy)]
struct Limits {
    links_max: usize,
    unproven_max: usize,
    connects: Rate,
    exchanges: Rate,
    waiting_max: usize,
}

impl AdmissionConfig {
    const fn of_address(&self) -> Limits {
        Limits {
            links_max: self.links_per_address_max,
            unproven_max: self.unproven_per_address_max,
            connects: self.connects,
            exchanges: self.exchanges,
            waiting_max: self.exchanges_waiting_per_network_max,
        }
    }

    const fn of_network(&self) -> Limits {
        Limits {
            links_max: self.links_per_network_max,
            unproven_max: self.unproven_per_network_max,
            connects: self.connects_per_network,
            exchanges: self.exchanges_per_network,
            waiting_max: self.exchanges_waiting_per_network_max,
        }
    }

    /// Returns the address and the network, each with its limits.
    fn levels(&self, address: IpAddr) -> [(Network, Limits); 2] {
        [(Network::host(address), self.of_address()), (Network::site(address), self.of_network())]
    }
}

impl Admission {
    pub(crate) fn new(config: &AdmissionConfig) -> Self {
        Self {
            config: *config,
            accounts: Accounts::default(),
            links: BTreeMap::new(),
            unproven: BTreeSet::new(),
            places: Places::default(),
            input: Input::default(),
            keys: MadeKeys::default(),
            work_of_networks: Budgets::default(),
            work_of_keys: Budgets::default(),
        }
    }

    /// Checks a connection against the limits and charges it; if it passes, let the displaced link
    /// [leave](Self::leave), then [enter](Self::enter) it.
    pub(crate) fn judge(&mut self, now: Now, address: Option<IpAddr>) -> Result<Ticket, Refused> {
        let mut ticket = self.judge_address(now, address)?;
        if ticket.displaced.is_none() {
            ticket.displaced = self.make_room(now, address)?;
        }
        self.charge_connect(now, address);
        Ok(ticket)
    }

    /// Checks a connection against the limits of its address and its network.
    fn judge_address(&self, now: Now, address: Option<IpAddr>) -> Result<Ticket, Refused> {
        let mut ticket = Ticket { standing: Standing::Unproven, displaced: None };
        let levels = address.map(|address| self.config.levels(address));
        for (network, limits) in levels.into_iter().flatten() {
            let account = self.accounts.get(network);
            if account.connects.check(now, limits.connects).is_err() {
                return Err(Refused::TooOften);
            }
            if account.unproven >= limits.unproven_max && ticket.displaced.is_none() {
                let idle = self.places.idle_unproven(now, Some(network));
                ticket.displaced = Some(idle.ok_or(Refused::TooMany)?);
            }
            if account.links >= limits.links_max {
                ticket.standing = Standing::Doomed;
            }
        }
        Ok(ticket)
    }

    /// Returns the link whose place a new one takes, if all places are taken.
    fn make_room(&self, now: Now, address: Option<IpAddr>) -> Result<Option<LinkId>, Refused> {
        let is_full = self.links.len() >= self.config.links_max;
        if !is_full && self.unproven.len() < self.config.unproven_max {
            return Ok(None);
        }
        let own = address.map_or(0, |address| self.accounts.get(Network::site(address)).links);
        let greediest = self.accounts.greediest();
        // Among networks with one link each none is greedy.
        let site = greediest.filter(|(links, _)| *links > 1).map(|(_, site)| site);
        // To displace a link of a network with as many links would only exchange the two.
        let greedier = greediest.filter(|(links, _)| *links > own.saturating_add(1));
        let greedier = greedier.map(|(_, site)| site);
        let places = &self.places;
        let displaced = if is_full {
            site.and_then(|site| places.idle(now, Some(site)))
                .or_else(|| places.idle(now, None))
                .or_else(|| greedier.and_then(|site| places.next_idle(site)))
        } else {
            site.and_then(|site| places.idle_unproven(now, Some(site)))
                .or_else(|| places.idle_unproven(now, None))
                .or_else(|| greedier.and_then(|site| places.next_idle_unproven(site)))
        };
        displaced.map(Some).ok_or(Refused::Full)
    }

    fn charge_connect(&mut self, now: Now, address: Option<IpAddr>) {
        let levels = address.map(|address| self.config.levels(address));
        for (network, limits) in levels.into_iter().flatten() {
            self.change(now, network, |account| {
                // It was checked before.
                let _ = account.connects.take(now, limits.connects);
            });
        }
    }

    /// Adds a link.
    pub(crate) fn enter(
        &mut self,
        now: Now,
        address: Option<IpAddr>,
        standing: Standing,
        link: LinkId,
    ) {
        let idle_at = now.mono + self.config.prompt_time;
        let entry = Entry { address, standing, accepted_at: now.mono, idle_at, held: 0 };
        self.links.insert(link, entry);
        self.unproven.insert((now.mono, link));
        self.places.insert(link, entry.place());
        self.count(now, entry, |count| count.saturating_add(1));
    }

    /// Sets the address of a link that a proxy passed on, checking it as a new connection.
    ///
    /// Returns the link that has to leave. Nothing changes for a link with an address.
    pub(crate) fn set_address(
        &mut self,
        now: Now,
        link: LinkId,
        address: IpAddr,
    ) -> Result<Option<LinkId>, Refused> {
        let Some(entry) = self.links.get(&link).filter(|entry| entry.address.is_none()) else {
            return Ok(None);
        };
        let old = *entry;
        let ticket = self.judge_address(now, Some(address))?;
        self.charge_connect(now, Some(address));
        let standing = old.standing.min(ticket.standing);
        self.replace(link, old, Entry { address: Some(address), standing, ..old });
        self.count(now, Entry { address: Some(address), ..old }, |count| count.saturating_add(1));
        Ok(ticket.displaced)
    }

    /// Notes that a packet of a link decrypted.
    pub(crate) fn prove(&mut self, now: Now, link: LinkId) {
        let Some(entry) = self.links.get(&link).filter(|it| it.standing == Standing::Unproven)
        else {
            return;
        };
        let old = *entry;
        let idle_at = now.mono + self.config.silence_time;
        self.replace(link, old, Entry { standing: Standing::Proven, idle_at, ..old });
        self.unproven.remove(&(old.accepted_at, link));
        for network in old.networks() {
            self.change(now, network, |account| {
                account.unproven = account.unproven.saturating_sub(1);
            });
        }
    }

    /// Notes that a link was read. Unproven links become idle all the same.
    pub(crate) fn touch(&mut self, now: Now, link: LinkId) {
        let Some(entry) = self.links.get(&link).filter(|it| it.standing == Standing::Proven) else {
            return;
        };
        let idle_at = now.mono + self.config.silence_time;
        // Not for each read: an entry moves in two trees.
        if idle_at.saturating_since(entry.idle_at) >= TOUCH_STEP {
            let old = *entry;
            self.replace(link, old, Entry { idle_at, ..old });
        }
    }

    /// Removes a link.
    pub(crate) fn leave(&mut self, now: Now, link: LinkId) {
        let Some(entry) = self.links.remove(&link) else { return };
        self.unproven.remove(&(entry.accepted_at, link));
        self.places.remove(link, entry.place());
        self.input.remove(link, entry.holding());
        self.count(now, entry, |count| count.saturating_sub(1));
    }

    /// Notes how much memory the input buffer of a link takes.
    pub(crate) fn note_held(&mut self, link: LinkId, held: usize) {
        let Some(entry) = self.links.get_mut(&link).filter(|entry| entry.held != held) else {
            return;
        };
        self.input.remove(link, entry.holding());
        entry.held = held;
        self.input.insert(link, entry.holding());
    }

    /// Returns the link that has to free memory, if a limit is exceeded after a change of `link`: the
    /// largest unproven one, otherwise the largest, or the largest of its network.
    pub(crate) fn greediest(&self, link: LinkId) -> Option<LinkId> {
        let site = self.links.get(&link).and_then(|entry| entry.holding().site);
        self.input.greediest(&self.config, site)
    }

    /// Returns the bytes of memory that all links hold.
    pub(crate) const fn held_bytes(&self) -> usize {
        self.input.bytes()
    }

    /// Returns the link that holds the most memory, if any holds some: unproven links first.
    pub(crate) fn largest(&self) -> Option<(usize, LinkId)> {
        self.input.largest()
    }

    /// Returns all links.
    pub(crate) fn links(&self) -> impl Iterator<Item = LinkId> {
        self.links.keys().copied()
    }

    /// Charges a whole key exchange to a link's address and network, while `waiting` others wait.
    ///
    /// Returns the address, to be passed to [`Self::exchange_began`] before the first arithmetic.
    pub(crate) fn admit_exchange(
        &mut self,
        now: Now,
        link: LinkId,
        waiting: usize,
    ) -> Option<IpAddr> {
        let old = *self.links.get(&link)?;
        let address = old.address?;
        let levels = self.config.levels(address);
        let has_room = waiting < self.config.exchanges_waiting_max;
        let is_allowed = levels.iter().all(|(network, limits)| {
            let account = self.accounts.get(*network);
            account.waiting < limits.waiting_max
                && account.exchanges.check(now, limits.exchanges).is_ok()
        });
        if !has_room || !is_allowed {
            return None;
        }
        for (network, limits) in levels {
            self.change(now, network, |account| {
                account.waiting = account.waiting.saturating_add(1);
                // It was checked before.
                let _ = account.exchanges.take(now, limits.exchanges);
            });
        }
        let idle_at = old.idle_at.max(now.mono + self.config.exchange_time);
        self.replace(link, old, Entry { idle_at, ..old });
        Some(address)
    }

    /// Notes that the first arithmetic of an exchange waits no more.
    pub(crate) fn exchange_began(&mut self, now: Now, address: IpAddr) {
        for (network, _) in self.config.levels(address) {
            self.change(now, network, |account| {
                account.waiting = account.waiting.saturating_sub(1);
            });
        }
    }

    // ── work ───────────────────────────────────────────────────────────────────────────────────

    /// Charges work to a network. Returns until when its links are left unread, if its budget is spent.
    pub(crate) fn charge_network(
        &mut self,
        now: Now,
        address: Option<IpAddr>,
        work: Work,
    ) -> Option<Instant> {
        let rate = self.config.work_per_network;
        self.work_of_networks.charge(now, Network::site(address?), rate, work)
    }

    /// Charges work to keys. Returns until when their links are left unread, if a budget is spent.
    pub(crate) fn charge_keys(
        &mut self,
        now: Now,
        keys: impl Iterator<Item = AuthKeyId>,
        work: Work,
    ) -> Option<Instant> {
        let (rate, budgets) = (self.config.work_per_key, &mut self.work_of_keys);
        keys.filter_map(|key| budgets.charge(now, key, rate, work)).max()
    }

    // ── keys ───────────────────────────────────────────────────────────────────────────────────

    /// Notes that a client at an address made a key.
    pub(crate) fn key_made(&mut self, now: Now, key: AuthKeyId, address: Option<IpAddr>) {
        let site = address.map(Network::site);
        self.keys.insert(now.mono, key, site);
        if let Some(site) = site {
            self.change(now, site, |account| account.keys = account.keys.saturating_add(1));
        }
    }

    /// Notes that a key carried a session, so that it is not collected.
    pub(crate) fn key_used(&mut self, key: AuthKeyId) {
        self.keys.note_used(key);
    }

    /// Notes that a key is gone.
    pub(crate) fn key_gone(&mut self, now: Now, key: AuthKeyId) {
        if let Some(site) = self.keys.remove(key) {
            self.change(now, site, |account| account.keys = account.keys.saturating_sub(1));
        }
    }

    /// Returns `true` if the network of an address may make another key.
    pub(crate) fn allows_key(&self, address: IpAddr) -> bool {
        self.accounts.get(Network::site(address)).keys < self.config.keys_per_network_max
    }

    /// Returns the oldest unused key of an address's network, if another key needs its place.
    pub(crate) fn replaceable_key_of(&self, now: Now, address: IpAddr) -> Option<AuthKeyId> {
        self.replaceable(now, self.keys.oldest_of(Network::site(address)))
    }

    /// Returns the oldest unused key, if another key needs its place.
    pub(crate) fn replaceable_key(&self, now: Now) -> Option<AuthKeyId> {
        self.replaceable(now, self.keys.oldest())
    }

    /// A client that has just made a key is about to use it.
    fn replaceable(&self, now: Now, oldest: Option<(Instant, AuthKeyId)>) -> Option<AuthKeyId> {
        let (made_at, key) = oldest?;
        (made_at + self.config.proof_time <= now.mono).then_some(key)
    }

    /// Returns an unused key whose time is over.
    pub(crate) fn poll_unused_key(&self, now: Now) -> Option<AuthKeyId> {
        let (made_at, key) = self.keys.oldest()?;
        (made_at + self.config.unused_key_life <= now.mono).then_some(key)
    }

    pub(crate) fn standing(&self, link: LinkId) -> Option<Standing> {
        self.links.get(&link).map(|entry| entry.standing)
    }

    /// Returns the address of a link's client, if it is known.
    pub(crate) fn address(&self, link: LinkId) -> Option<IpAddr> {
        self.links.get(&link)?.address
    }

    pub(crate) fn poll_timeout(&self) -> Option<Deadline> {
        let proof = self.unproven.first().map(|(accepted_at, _)| {
            Deadline::new(*accepted_at + self.config.proof_time, "proof of a key")
        });
        let unused = self.keys.oldest().map(|(made_at, _)| {
            Deadline::new(made_at + self.config.unused_key_life, "use of a key")
        });
        Deadline::earliest(proof, unused)
    }

    /// Returns an unproven link whose time is over; it is to be closed.
    pub(crate) fn poll_overdue(&self, now: Now) -> Option<LinkId> {
        let (accepted_at, link) = self.unproven.first()?;
        (*accepted_at + self.config.proof_time <= now.mono).then_some(*link)
    }

    /// Replaces what is known of a link, in all orders.
    fn replace(&mut self, link: LinkId, old: Entry, new: Entry) {
        self.places.remove(link, old.place());
        self.places.insert(link, new.place());
        if old.holding() != new.holding() {
            self.input.remove(link, old.holding());
            self.input.insert(link, new.holding());
        }
        self.links.insert(link, new);
    }

    /// Changes the number of links at the address and the network of a link.
    fn count(&mut self, now: Now, entry: Entry, change: impl Fn(usize) -> usize) {
        for network in entry.networks() {
            self.change(now, network, |account| {
                account.links = change(account.links);
                if entry.standing != Standing::Proven {
                    account.unproven = change(account.unproven);
                }
            });
        }
    }

    fn change<T>(
        &mut self,
        now: Now,
        network: Network,
        change: impl FnOnce(&mut Account) -> T,
    ) -> T {
        self.accounts.change(now, network, self.config.addresses_max, change)
    }
}

impl Entry {
    fn holding(self) -> Holding {
        let site = self.address.map(Network::site);
        Holding { standing: self.standing, site, bytes: self.held }
    }

    const fn place(self) -> Place {
        let is_proven = matches!(self.standing, Standing::Proven);
        Place { is_proven, idle_at: self.idle_at, address: self.address }
    }

    fn networks(self) -> impl Iterator<Item = Network> {
        let address = self.address;
        address.into_iter().flat_map(|address| [Network::host(address), Network::site(address)])
    }
}

/// The least step by which the time of a link's last read moves.
const TOUCH_STEP: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
