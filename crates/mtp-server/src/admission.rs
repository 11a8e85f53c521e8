//! Admission: who may connect, how often, and for how long without proof of a key.
//!
//! ```text
//!  accept ──▶ [Unproven] ── a packet that decrypts ──▶ [Proven]
//!    │            │ proof_time is over, or displaced by newer links
//!    │            └────────────────────────────────▶ closed
//!    ├─ above links_per_address_max ──▶ [Doomed] ── its first bytes ──▶ −429, closed
//!    └─ above any other limit ──▶ Refused: the driver closes the socket
//! ```
//!
//! A link is proven by a packet that decrypts under a key of the server: nothing less distinguishes a
//! client from one who only holds sockets. Unproven links are bounded in number, in all and for each
//! address, and in time. When there are too many, the newest displaces the oldest, so that a prompt
//! client gets through. The arithmetic of key exchanges is charged to the address. An address is an
//! IPv4 address or the upper half of an IPv6 address, because a host with one IPv6 address has its
//! whole /64.

use alloc::collections::{BTreeMap, BTreeSet};
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use mtp_env::{Deadline, Instant, Now};
use mtp_session::link::LinkId;

use crate::flood::{Rate, TokenBucket};

/// Admission limits, in all and for each address.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AdmissionConfig {
    /// Links in all. Default 65,536.
    pub links_max: usize,
    /// Links of one address; many clients may share it behind a NAT. Default 1024.
    pub links_per_address_max: usize,
    /// Unproven links in all; one more closes the oldest. Default 4096.
    pub unproven_max: usize,
    /// Unproven links of one address; one more is refused. Default 256.
    pub unproven_per_address_max: usize,
    /// How long a link may stay unproven: a slow client makes two keys first. Default 60 s.
    pub proof_time: Duration,
    /// Connections of one address. Default: 512 at once, then 50 a second.
    pub connects: Rate,
    /// Steps of key exchanges computed for one address; a key takes two, of some milliseconds each.
    /// Default: 256 at once, then 20 a second.
    pub exchange_steps: Rate,
    /// Steps of key exchanges that may wait to be computed, for all addresses. Default 1024: some
    /// seconds of one processor, which is as long as a client waits for an answer.
    pub exchange_steps_waiting_max: usize,
    /// Bytes of memory for incomplete frames, over all links. Default 512 MiB.
    pub input_bytes_max: usize,
    /// Addresses remembered after their last link is gone. Default 131,072.
    pub addresses_max: usize,
}

impl AdmissionConfig {
    /// Returns the default limits, for servers that anybody can reach.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            links_max: 1 << 16,
            links_per_address_max: 1024,
            unproven_max: 4096,
            unproven_per_address_max: 256,
            proof_time: Duration::from_secs(60),
            connects: Rate::new(512, Duration::from_millis(20)),
            exchange_steps: Rate::new(256, Duration::from_millis(50)),
            exchange_steps_waiting_max: 1024,
            input_bytes_max: 512 << 20,
            addresses_max: 1 << 17,
        }
    }

    /// Returns limits in all but none for each address: for tests, benches and servers behind a proxy,
    /// where all clients share one address.
    #[must_use]
    pub const fn trusting() -> Self {
        let all = Self::new();
        Self {
            links_per_address_max: all.links_max,
            unproven_max: all.links_max,
            unproven_per_address_max: all.links_max,
            connects: Rate::UNLIMITED,
            exchange_steps: Rate::UNLIMITED,
            exchange_steps_waiting_max: all.links_max,
            ..all
        }
    }
}

impl Default for AdmissionConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a connection is refused. The client's transport is not known yet, so close the socket without
/// an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The limit of links in all is reached.
    Full,
    /// The address has too many links, or too many unproven ones.
    TooMany,
    /// The address connects too often.
    TooOften,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the limit of links is reached",
            Self::TooMany => "the address has too many links",
            Self::TooOften => "the address connects too often",
        })
    }
}

impl core::error::Error for Refused {}

/// The state of the admission: the links, their addresses and their standing.
#[derive(Debug)]
pub(crate) struct Admission {
    config: AdmissionConfig,
    networks: BTreeMap<Network, Account>,
    links: BTreeMap<LinkId, Entry>,
    /// The unproven links, oldest first.
    unproven: BTreeSet<(Instant, LinkId)>,
    /// The memory that links hold: unproven links first, and the largest last for each standing.
    held: BTreeSet<(Standing, usize, LinkId)>,
    held_bytes: usize,
}

/// The part of an address that limits apply to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Network {
    V4([u8; 4]),
    V6(u64),
}

/// The links and rates of one network.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    links: usize,
    unproven: usize,
    connects: TokenBucket,
    exchange_steps: TokenBucket,
}

/// One link.
#[derive(Clone, Copy, Debug)]
struct Entry {
    network: Network,
    standing: Standing,
    accepted_at: Instant,
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

impl Admission {
    pub(crate) const fn new(config: AdmissionConfig) -> Self {
        Self {
            config,
            networks: BTreeMap::new(),
            links: BTreeMap::new(),
            unproven: BTreeSet::new(),
            held: BTreeSet::new(),
            held_bytes: 0,
        }
    }

    /// Checks a connection against the limits; if it passes, [enter](Self::enter) it.
    pub(crate) fn judge(&mut self, now: Now, address: IpAddr) -> Result<Standing, Refused> {
        if self.is_full() && self.unproven.is_empty() {
            return Err(Refused::Full);
        }
        self.forget_idle();
        let account = self.networks.entry(Network::of(address)).or_default();
        if account.connects.take(now, self.config.connects).is_err() {
            return Err(Refused::TooOften);
        }
        if account.unproven >= self.config.unproven_per_address_max {
            return Err(Refused::TooMany);
        }
        let is_over = account.links >= self.config.links_per_address_max;
        Ok(if is_over { Standing::Doomed } else { Standing::Unproven })
    }

    /// Adds a link and returns the one it displaces.
    pub(crate) fn enter(
        &mut self,
        now: Now,
        address: IpAddr,
        standing: Standing,
        link: LinkId,
    ) -> Option<LinkId> {
        let network = Network::of(address);
        let account = self.networks.entry(network).or_default();
        account.links = account.links.saturating_add(1);
        account.unproven = account.unproven.saturating_add(1);
        let oldest = self.unproven.first().map(|(_, oldest)| *oldest);
        let is_over = self.is_full() || self.unproven.len() >= self.config.unproven_max;
        let displaced = oldest.filter(|_| is_over);
        self.links.insert(link, Entry { network, standing, accepted_at: now.mono, held: 0 });
        self.unproven.insert((now.mono, link));
        displaced
    }

    /// Notes that a packet of a link decrypted.
    pub(crate) fn prove(&mut self, link: LinkId) {
        let Some(entry) = self.links.get_mut(&link) else { return };
        if entry.standing != Standing::Unproven {
            return;
        }
        self.held.remove(&(entry.standing, entry.held, link));
        entry.standing = Standing::Proven;
        self.held.insert((entry.standing, entry.held, link));
        self.unproven.remove(&(entry.accepted_at, link));
        if let Some(account) = self.networks.get_mut(&entry.network) {
            account.unproven = account.unproven.saturating_sub(1);
        }
    }

    /// Removes a link.
    pub(crate) fn leave(&mut self, link: LinkId) {
        let Some(entry) = self.links.remove(&link) else { return };
        self.unproven.remove(&(entry.accepted_at, link));
        self.held.remove(&(entry.standing, entry.held, link));
        self.held_bytes = self.held_bytes.saturating_sub(entry.held);
        if let Some(account) = self.networks.get_mut(&entry.network) {
            account.links = account.links.saturating_sub(1);
            if entry.standing != Standing::Proven {
                account.unproven = account.unproven.saturating_sub(1);
            }
        }
    }

    /// Notes how much memory the input buffer of a link takes.
    pub(crate) fn note_held(&mut self, link: LinkId, held: usize) {
        let Some(entry) = self.links.get_mut(&link).filter(|entry| entry.held != held) else {
            return;
        };
        self.held.remove(&(entry.standing, entry.held, link));
        self.held_bytes = self.held_bytes.saturating_sub(entry.held).saturating_add(held);
        entry.held = held;
        self.held.insert((entry.standing, held, link));
    }

    /// Returns the link that has to free memory, if the limit is exceeded: the largest unproven one,
    /// otherwise the largest.
    pub(crate) fn greediest(&self) -> Option<LinkId> {
        if self.held_bytes <= self.config.input_bytes_max {
            return None;
        }
        let proven = (Standing::Proven, 0, LinkId::new(0));
        let unproven = self.held.range(..proven).next_back();
        let (.., link) = unproven.filter(|(_, held, _)| *held > 0).or(self.held.last())?;
        Some(*link)
    }

    /// Charges a step of a key exchange to a link's address, while `waiting` others wait.
    pub(crate) fn allows_exchange(&mut self, now: Now, link: LinkId, waiting: usize) -> bool {
        if waiting >= self.config.exchange_steps_waiting_max {
            return false;
        }
        let network = self.links.get(&link).map(|entry| entry.network);
        let account = network.and_then(|network| self.networks.get_mut(&network));
        let rate = self.config.exchange_steps;
        account.is_some_and(|account| account.exchange_steps.take(now, rate).is_ok())
    }

    pub(crate) fn standing(&self, link: LinkId) -> Option<Standing> {
        self.links.get(&link).map(|entry| entry.standing)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Deadline> {
        let (accepted_at, _) = self.unproven.first()?;
        Some(Deadline::new(*accepted_at + self.config.proof_time, "proof of a key"))
    }

    /// Returns an unproven link whose time is over; it is to be closed.
    pub(crate) fn poll_overdue(&self, now: Now) -> Option<LinkId> {
        let (accepted_at, link) = self.unproven.first()?;
        (*accepted_at + self.config.proof_time <= now.mono).then_some(*link)
    }

    fn is_full(&self) -> bool {
        self.links.len() >= self.config.links_max
    }

    /// Forgets the addresses without links once there are too many.
    fn forget_idle(&mut self) {
        if self.networks.len() >= self.config.addresses_max {
            self.networks.retain(|_, account| account.links > 0);
        }
    }
}

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                let upper = [a, b, c, d].into_iter();
                Self::V6(upper.fold(0, |upper, segment| upper << 16 | u64::from(segment)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    fn config() -> AdmissionConfig {
        AdmissionConfig {
            links_max: 8,
            links_per_address_max: 3,
            unproven_max: 6,
            unproven_per_address_max: 4,
            proof_time: Duration::from_secs(60),
            connects: Rate::new(5, Duration::from_secs(1)),
            exchange_steps: Rate::new(2, Duration::from_secs(1)),
            exchange_steps_waiting_max: 7,
            input_bytes_max: 100,
            addresses_max: 10,
        }
    }

    fn at(secs: u64) -> Now {
        Now::default().after(Duration::from_secs(secs))
    }

    fn host(number: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, number))
    }

    /// An admission that numbers links.
    struct Door {
        admission: Admission,
        next: u64,
    }

    impl Door {
        fn new(config: AdmissionConfig) -> Self {
            Self { admission: Admission::new(config), next: 0 }
        }

        /// Connects; returns the standing, the link and the displaced link.
        fn knock(
            &mut self,
            now: Now,
            address: IpAddr,
        ) -> Result<(Standing, LinkId, Option<LinkId>), Refused> {
            let standing = self.admission.judge(now, address)?;
            self.next += 1;
            let link = LinkId::new(self.next);
            let displaced = self.admission.enter(now, address, standing, link);
            if let Some(displaced) = displaced {
                self.admission.leave(displaced);
            }
            Ok((standing, link, displaced))
        }
    }

    #[test]
    fn links_above_the_limit_of_an_address_are_doomed_then_refused() {
        let mut door = Door::new(config());
        for number in 1..=4 {
            let (standing, ..) = door.knock(at(number), host(1)).unwrap();
            let expected = if number <= 3 { Standing::Unproven } else { Standing::Doomed };
            assert_eq!(standing, expected);
        }
        assert_eq!(door.knock(at(9), host(1)), Err(Refused::TooMany));
        assert!(door.knock(at(9), host(2)).is_ok());
        for number in 1..=3 {
            door.admission.prove(LinkId::new(number));
        }
        assert_eq!(door.knock(at(10), host(1)).unwrap().0, Standing::Doomed);
        door.admission.leave(LinkId::new(1));
        door.admission.leave(LinkId::new(2));
        door.admission.leave(LinkId::new(3));
        assert_eq!(door.knock(at(11), host(1)).unwrap().0, Standing::Unproven);
    }

    #[test]
    fn connects_above_the_rate_of_an_address_are_refused() {
        let mut door = Door::new(config());
        for _ in 0..5 {
            let (_, link, _) = door.knock(at(1), host(1)).unwrap();
            door.admission.leave(link);
        }
        assert_eq!(door.knock(at(1), host(1)), Err(Refused::TooOften));
        assert!(door.knock(at(1), host(2)).is_ok());
        assert!(door.knock(at(2), host(1)).is_ok());
    }

    #[test]
    fn the_oldest_unproven_link_is_displaced() {
        let mut door = Door::new(config());
        for number in 1..=6 {
            assert_eq!(door.knock(at(number.into()), host(number)).unwrap().2, None);
        }
        door.admission.prove(LinkId::new(1));
        assert_eq!(door.knock(at(7), host(7)).unwrap().2, None);
        assert_eq!(door.knock(at(8), host(8)).unwrap().2, Some(LinkId::new(2)));
        for link in 3..=8 {
            door.admission.prove(LinkId::new(link));
        }
        assert_eq!(door.knock(at(9), host(9)).unwrap().2, None, "eight of eight");
        assert_eq!(door.knock(at(9), host(10)).unwrap().2, Some(LinkId::new(9)));
        door.admission.prove(LinkId::new(10));
        assert_eq!(door.knock(at(9), host(11)), Err(Refused::Full));
    }

    #[test]
    fn an_unproven_link_is_overdue_after_proof_time() {
        let mut door = Door::new(config());
        assert!(door.admission.poll_timeout().is_none());
        door.knock(at(1), host(1)).unwrap();
        door.knock(at(2), host(2)).unwrap();
        door.admission.prove(LinkId::new(1));
        assert_eq!(door.admission.poll_timeout().unwrap().at, at(62).mono);
        assert_eq!(door.admission.poll_overdue(at(61)), None);
        assert_eq!(door.admission.poll_overdue(at(62)), Some(LinkId::new(2)));
        door.admission.leave(LinkId::new(2));
        assert_eq!(door.admission.poll_overdue(at(99)), None);
    }

    #[test]
    fn exchange_steps_are_charged_to_the_address() {
        let mut door = Door::new(config());
        let (_, one, _) = door.knock(at(1), host(1)).unwrap();
        let (_, other, _) = door.knock(at(1), host(1)).unwrap();
        let (_, stranger, _) = door.knock(at(1), host(2)).unwrap();
        assert!(door.admission.allows_exchange(at(1), one, 0));
        assert!(door.admission.allows_exchange(at(1), other, 0));
        assert!(!door.admission.allows_exchange(at(1), one, 0));
        assert!(door.admission.allows_exchange(at(1), stranger, 0));
        assert!(!door.admission.allows_exchange(at(2), one, 7), "seven wait");
        assert!(door.admission.allows_exchange(at(2), one, 6));
        assert!(!door.admission.allows_exchange(at(9), LinkId::new(99), 0), "an unknown link");
    }

    #[test]
    fn the_largest_unproven_link_frees_memory_first() {
        let mut door = Door::new(config());
        for number in 1..=3 {
            door.knock(at(1), host(number)).unwrap();
        }
        door.admission.prove(LinkId::new(1));
        door.admission.note_held(LinkId::new(1), 90);
        door.admission.note_held(LinkId::new(2), 4);
        door.admission.note_held(LinkId::new(3), 6);
        assert_eq!(door.admission.greediest(), None, "exactly what is allowed");
        door.admission.note_held(LinkId::new(2), 5);
        assert_eq!(door.admission.greediest(), Some(LinkId::new(3)));
        door.admission.leave(LinkId::new(3));
        door.admission.note_held(LinkId::new(2), 0);
        door.admission.note_held(LinkId::new(1), 101);
        assert_eq!(door.admission.greediest(), Some(LinkId::new(1)));
        door.admission.leave(LinkId::new(1));
        assert_eq!((door.admission.greediest(), door.admission.held_bytes), (None, 0));
    }

    #[test]
    fn ipv6_addresses_are_limited_by_their_upper_half() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }

    #[test]
    fn remembered_addresses_are_bounded() {
        let mut door = Door::new(config());
        for number in 0..100 {
            let (_, link, _) = door.knock(at(1), host(number)).unwrap();
            door.admission.leave(link);
            assert!(door.admission.networks.len() <= 10);
        }
        assert!(door.admission.links.is_empty() && door.admission.held.is_empty());
    }
}
