//! Who may connect, how often, and for how long without showing a key.
//!
//! ```text
//!  accept ──▶ [Unproven] ── a packet that opens ──▶ [Proven]
//!    │            │ proof_time over, or pushed out by newer ones
//!    │            └────────────────────────────────▶ closed
//!    ├─ above links_per_address_max ──▶ [Doomed] ── its first bytes ──▶ −429, closed
//!    └─ above any other limit ──▶ Refused: the driver closes the socket
//! ```
//!
//! A link proves itself by a packet that opens under a key of the data centre: only that tells a
//! client from somebody who holds sockets. Links that have not are bounded in number, together and
//! for each address, and in time; when there are too many the oldest makes room for the newest, so
//! that whoever hurries gets through. Arithmetic of key exchanges is paid for by address. An address
//! is one of the fourth version of the internet protocol, or the upper half of one of the sixth: who
//! has one of these has all in it.

use alloc::collections::{BTreeMap, BTreeSet};
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use mtp_env::{Deadline, Instant, Now};
use mtp_session::LinkId;

use crate::flood::{Bucket, Rate};

/// Limits on links, in all and by address.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AdmissionConfig {
    /// Links in all. Default 65,536.
    pub links_max: usize,
    /// Links of one address, many of which may stand behind one translator. Default 1024.
    pub links_per_address_max: usize,
    /// Links in all that have not shown a key; one more closes the oldest. Default 4096.
    pub unproven_max: usize,
    /// The same for one address, where one more is refused. Default 256.
    pub unproven_per_address_max: usize,
    /// How long a link may take to show a key: a slow client makes two of them first. Default 60 s.
    pub proof_time: Duration,
    /// How often an address may connect. Default: 512 at once, then 50 a second.
    pub connects: Rate,
    /// How often an address may have a step of a key exchange computed, of which a key takes two and
    /// each some milliseconds. Default: 256 at once, then 20 a second.
    pub exchange_steps: Rate,
    /// Steps of key exchanges that may wait to be computed, for all addresses. Default 1024: some
    /// seconds of one processor, the time that a client waits for an answer.
    pub exchange_steps_waiting_max: usize,
    /// Bytes of memory that received and unfinished frames may take, over all links. Default 512 MiB.
    pub input_bytes_max: usize,
    /// Addresses remembered beyond their last link. Default 131,072.
    pub addresses_max: usize,
}

impl AdmissionConfig {
    /// The default limits, for servers that anybody can reach.
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

    /// No limit for one address, only those for all: for tests, benches and servers behind a proxy,
    /// where everybody comes from one address.
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

/// Why a connection is not taken on. There is nothing to tell its client yet: close the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// There are as many links as there may be.
    Full,
    /// The address has too many links, or too many that have not shown a key.
    TooMany,
    /// The address connects too often.
    TooOften,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "there are as many links as there may be",
            Self::TooMany => "the address has too many links",
            Self::TooOften => "the address connects too often",
        })
    }
}

impl core::error::Error for Refused {}

/// The doorkeeper's books: which links there are, whose they are, and what they have shown.
#[derive(Debug)]
pub(crate) struct Admission {
    config: AdmissionConfig,
    networks: BTreeMap<Network, Books>,
    links: BTreeMap<LinkId, Guest>,
    /// The links that have not shown a key, oldest first.
    unproven: BTreeSet<(Instant, LinkId)>,
    /// What links hold of memory: those without a key in front, and the largest last in each half.
    held: BTreeSet<(Standing, usize, LinkId)>,
    held_bytes: usize,
}

/// An address as far as it names somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Network {
    V4([u8; 4]),
    V6(u64),
}

/// What is known of an address.
#[derive(Clone, Copy, Debug, Default)]
struct Books {
    links: usize,
    unproven: usize,
    connects: Bucket,
    exchange_steps: Bucket,
}

/// What is known of a link.
#[derive(Clone, Copy, Debug)]
struct Guest {
    network: Network,
    standing: Standing,
    came: Instant,
    held: usize,
}

/// What a link has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// One too many: it is told so as soon as it is known what it speaks.
    Doomed,
    /// Nothing yet.
    Unproven,
    /// A packet that opened.
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

    /// Judges a connection; a good one is to be [entered](Self::enter).
    pub(crate) fn judge(&mut self, now: Now, address: IpAddr) -> Result<Standing, Refused> {
        if self.is_full() && self.unproven.is_empty() {
            return Err(Refused::Full);
        }
        self.forget_idle();
        let books = self.networks.entry(Network::of(address)).or_default();
        if books.connects.take(now, self.config.connects).is_err() {
            return Err(Refused::TooOften);
        }
        if books.unproven >= self.config.unproven_per_address_max {
            return Err(Refused::TooMany);
        }
        let is_over = books.links >= self.config.links_per_address_max;
        Ok(if is_over { Standing::Doomed } else { Standing::Unproven })
    }

    /// Takes a link down and returns the one that has to make room.
    pub(crate) fn enter(
        &mut self,
        now: Now,
        address: IpAddr,
        standing: Standing,
        link: LinkId,
    ) -> Option<LinkId> {
        let network = Network::of(address);
        let books = self.networks.entry(network).or_default();
        books.links = books.links.saturating_add(1);
        books.unproven = books.unproven.saturating_add(1);
        let oldest = self.unproven.first().map(|(_, oldest)| *oldest);
        let is_over = self.is_full() || self.unproven.len() >= self.config.unproven_max;
        let displaced = oldest.filter(|_| is_over);
        self.links.insert(link, Guest { network, standing, came: now.mono, held: 0 });
        self.unproven.insert((now.mono, link));
        displaced
    }

    /// Notes that a packet of a link opened.
    pub(crate) fn prove(&mut self, link: LinkId) {
        let Some(guest) = self.links.get_mut(&link) else { return };
        if guest.standing != Standing::Unproven {
            return;
        }
        self.held.remove(&(guest.standing, guest.held, link));
        guest.standing = Standing::Proven;
        self.held.insert((guest.standing, guest.held, link));
        self.unproven.remove(&(guest.came, link));
        if let Some(books) = self.networks.get_mut(&guest.network) {
            books.unproven = books.unproven.saturating_sub(1);
        }
    }

    /// Forgets a link that is gone.
    pub(crate) fn leave(&mut self, link: LinkId) {
        let Some(guest) = self.links.remove(&link) else { return };
        self.unproven.remove(&(guest.came, link));
        self.held.remove(&(guest.standing, guest.held, link));
        self.held_bytes = self.held_bytes.saturating_sub(guest.held);
        if let Some(books) = self.networks.get_mut(&guest.network) {
            books.links = books.links.saturating_sub(1);
            if guest.standing != Standing::Proven {
                books.unproven = books.unproven.saturating_sub(1);
            }
        }
    }

    /// Notes how much memory the input of a link takes.
    pub(crate) fn note_held(&mut self, link: LinkId, held: usize) {
        let Some(guest) = self.links.get_mut(&link).filter(|guest| guest.held != held) else {
            return;
        };
        self.held.remove(&(guest.standing, guest.held, link));
        self.held_bytes = self.held_bytes.saturating_sub(guest.held).saturating_add(held);
        guest.held = held;
        self.held.insert((guest.standing, held, link));
    }

    /// Names a link that has to give memory back: the largest, and of those without a key first.
    pub(crate) fn greediest(&self) -> Option<LinkId> {
        if self.held_bytes <= self.config.input_bytes_max {
            return None;
        }
        let proven = (Standing::Proven, 0, LinkId::new(0));
        let unproven = self.held.range(..proven).next_back();
        let (.., link) = unproven.filter(|(_, held, _)| *held > 0).or(self.held.last())?;
        Some(*link)
    }

    /// Takes a step of a key exchange out of the bucket of a link's address, while so many wait.
    pub(crate) fn allows_exchange(&mut self, now: Now, link: LinkId, waiting: usize) -> bool {
        if waiting >= self.config.exchange_steps_waiting_max {
            return false;
        }
        let network = self.links.get(&link).map(|guest| guest.network);
        let books = network.and_then(|network| self.networks.get_mut(&network));
        let rate = self.config.exchange_steps;
        books.is_some_and(|books| books.exchange_steps.take(now, rate).is_ok())
    }

    pub(crate) fn standing(&self, link: LinkId) -> Option<Standing> {
        self.links.get(&link).map(|guest| guest.standing)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Deadline> {
        let (came, _) = self.unproven.first()?;
        Some(Deadline::new(*came + self.config.proof_time, "proof of a key"))
    }

    /// Names a link whose time to show a key is over; it is to be closed.
    pub(crate) fn poll_overdue(&self, now: Now) -> Option<LinkId> {
        let (came, link) = self.unproven.first()?;
        (*came + self.config.proof_time <= now.mono).then_some(*link)
    }

    fn is_full(&self) -> bool {
        self.links.len() >= self.config.links_max
    }

    /// Forgets the addresses without links once there are too many of any kind.
    fn forget_idle(&mut self) {
        if self.networks.len() >= self.config.addresses_max {
            self.networks.retain(|_, books| books.links > 0);
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

    /// A door with a counter for links.
    struct Door {
        admission: Admission,
        next: u64,
    }

    impl Door {
        fn new(config: AdmissionConfig) -> Self {
            Self { admission: Admission::new(config), next: 0 }
        }

        /// Lets one in; returns its standing, its link and who had to go.
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
    fn one_address_has_so_many_links_then_is_told_then_refused() {
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
    fn one_address_connects_so_often() {
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
    fn the_oldest_without_a_key_makes_room() {
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
    fn time_without_a_key_is_over() {
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
    fn steps_of_exchanges_are_paid_by_the_address() {
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
        assert!(!door.admission.allows_exchange(at(9), LinkId::new(99), 0), "nobody");
    }

    #[test]
    fn who_holds_most_gives_back_first_and_keys_protect() {
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
    fn addresses_of_the_sixth_version_count_by_their_upper_half() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }

    #[test]
    fn addresses_are_not_remembered_without_end() {
        let mut door = Door::new(config());
        for number in 0..100 {
            let (_, link, _) = door.knock(at(1), host(number)).unwrap();
            door.admission.leave(link);
            assert!(door.admission.networks.len() <= 10);
        }
        assert!(door.admission.links.is_empty() && door.admission.held.is_empty());
    }
}
