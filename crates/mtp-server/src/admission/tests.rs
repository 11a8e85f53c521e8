//! Limits of the admission, at their values and one beyond.

use core::net::Ipv4Addr;
use core::time::Duration;

use super::*;

fn config() -> AdmissionConfig {
    AdmissionConfig {
        links_max: 8,
        links_per_address_max: 3,
        links_per_network_max: 7,
        unproven_max: 6,
        unproven_per_address_max: 4,
        unproven_per_network_max: 6,
        proof_time: Duration::from_secs(60),
        prompt_time: Duration::from_secs(5),
        exchange_time: Duration::from_secs(20),
        silence_time: Duration::from_secs(90),
        connects: Rate::new(5, Duration::from_secs(1)),
        connects_per_network: Rate::new(9, Duration::from_millis(500)),
        exchanges: Rate::new(2, Duration::from_secs(1)),
        exchanges_per_network: Rate::new(3, Duration::from_millis(500)),
        exchanges_waiting_max: 7,
        exchanges_waiting_per_network_max: 5,
        keys_per_network_max: 3,
        unused_key_life: Duration::from_secs(1000),
        input_bytes_max: 100,
        input_bytes_per_network_max: 99,
        stranger_bytes_max: 60,
        work_per_network: WorkRate::new(1000, 100),
        work_per_key: WorkRate::new(500, 100),
        addresses_max: 10,
    }
}

fn at(secs: u64) -> Now {
    Now::default().after(Duration::from_secs(secs))
}

/// The only host of a network.
fn host(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, number, 1))
}

/// A host of the network of `host(0)`.
fn neighbor(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, number))
}

/// An admission that numbers links.
struct Door {
    admission: Admission,
    next: u64,
}

impl Door {
    fn new(config: &AdmissionConfig) -> Self {
        Self { admission: Admission::new(config), next: 0 }
    }

    /// Connects; returns the standing, the link and the displaced link.
    fn knock(
        &mut self,
        now: Now,
        address: IpAddr,
    ) -> Result<(Standing, LinkId, Option<LinkId>), Refused> {
        let Ticket { standing, displaced } = self.admission.judge(now, Some(address))?;
        if let Some(displaced) = displaced {
            self.admission.leave(now, displaced);
        }
        self.next += 1;
        let link = LinkId::new(self.next);
        self.admission.enter(now, Some(address), standing, link);
        Ok((standing, link, displaced))
    }

    /// Connects and proves a key.
    fn admit(&mut self, now: Now, address: IpAddr) -> LinkId {
        let (_, link, _) = self.knock(now, address).unwrap();
        self.admission.prove(now, link);
        link
    }

    fn allows_exchange(&mut self, now: Now, link: LinkId, waiting: usize) -> bool {
        let admitted = self.admission.admit_exchange(now, link, waiting);
        if let Some(address) = admitted {
            self.admission.exchange_began(now, address);
        }
        admitted.is_some()
    }
}

#[test]
fn links_above_the_limit_of_an_address_are_doomed_then_refused() {
    let mut door = Door::new(&config());
    for number in 1..=4 {
        let (standing, ..) = door.knock(at(number), host(1)).unwrap();
        let expected = if number <= 3 { Standing::Unproven } else { Standing::Doomed };
        assert_eq!(standing, expected);
    }
    assert_eq!(door.knock(at(5), host(1)), Err(Refused::TooMany), "none is idle");
    assert!(door.knock(at(5), host(2)).is_ok());
    for number in 1..=3 {
        door.admission.prove(at(9), LinkId::new(number));
    }
    assert_eq!(door.knock(at(10), host(1)).unwrap().0, Standing::Doomed);
    door.admission.leave(at(0), LinkId::new(1));
    door.admission.leave(at(0), LinkId::new(2));
    door.admission.leave(at(0), LinkId::new(3));
    assert_eq!(door.knock(at(11), host(1)).unwrap().0, Standing::Unproven);
}

#[test]
fn connects_above_the_rate_of_an_address_are_refused() {
    let mut door = Door::new(&config());
    for _ in 0..5 {
        let (_, link, _) = door.knock(at(1), host(1)).unwrap();
        door.admission.leave(at(0), link);
    }
    assert_eq!(door.knock(at(1), host(1)), Err(Refused::TooOften));
    assert!(door.knock(at(1), host(2)).is_ok());
    assert!(door.knock(at(2), host(1)).is_ok());
}

#[test]
fn the_oldest_idle_unproven_link_is_displaced() {
    let mut door = Door::new(&config());
    for number in 1..=6 {
        assert_eq!(door.knock(at(number.into()), host(number)).unwrap().2, None);
    }
    door.admission.prove(at(6), LinkId::new(1));
    assert_eq!(door.knock(at(6), host(7)).unwrap().2, None);
    assert_eq!(door.knock(at(6), host(8)), Err(Refused::Full), "the oldest is 4 s old");
    assert_eq!(door.knock(at(7), host(8)).unwrap().2, Some(LinkId::new(2)));
    for link in 3..=8 {
        door.admission.prove(at(7), LinkId::new(link));
    }
    assert_eq!(door.knock(at(9), host(9)).unwrap().2, None, "eight of eight");
    assert_eq!(door.knock(at(9), host(10)), Err(Refused::Full), "nobody is idle");
    assert_eq!(door.knock(at(14), host(10)).unwrap().2, Some(LinkId::new(9)));
}

#[test]
fn the_longest_silent_link_is_displaced_when_all_are_proven() {
    let mut door = Door::new(&config());
    for number in 1..=8 {
        door.admit(at(number.into()), host(number));
    }
    door.admission.touch(at(20), LinkId::new(1));
    assert_eq!(door.knock(at(91), host(9)), Err(Refused::Full), "89 s of silence");
    let (_, link, displaced) = door.knock(at(92), host(9)).unwrap();
    assert_eq!(displaced, Some(LinkId::new(2)));
    door.admission.prove(at(92), link);
    assert_eq!(door.knock(at(92), host(10)), Err(Refused::Full));
}

#[test]
fn links_of_the_greediest_network_are_displaced_though_they_are_not_idle() {
    let mut door = Door::new(&config());
    for number in 1..=3 {
        door.admit(at(1), neighbor(number));
    }
    for number in 1..=5 {
        door.admit(at(1), host(number));
    }
    assert_eq!(
        door.knock(at(2), neighbor(9)),
        Err(Refused::Full),
        "its own network is the greediest"
    );
    door.admission.touch(at(3), LinkId::new(1));
    assert_eq!(door.knock(at(3), host(6)).unwrap().2, Some(LinkId::new(2)));
    assert_eq!(door.knock(at(3), host(6)), Err(Refused::Full), "two links against one");
}

#[test]
fn idle_links_of_the_greediest_network_are_displaced_first() {
    let mut door = Door::new(&config());
    door.admit(at(0), host(1));
    for number in 1..=4 {
        door.admit(at(1), neighbor(number));
    }
    for number in 2..=4 {
        door.admit(at(2), host(number));
    }
    let (_, _, displaced) = door.knock(at(95), host(9)).unwrap();
    assert_eq!(displaced, Some(LinkId::new(2)), "though another is silent for longer");
}

#[test]
fn a_network_has_limits_beside_those_of_its_addresses() {
    let mut door = Door::new(&config());
    for number in 1..=6 {
        assert!(door.knock(at(1), neighbor(number)).is_ok());
    }
    assert_eq!(door.knock(at(1), neighbor(7)), Err(Refused::TooMany), "six unproven links");
    for link in 1..=6 {
        door.admission.prove(at(1), LinkId::new(link));
    }
    assert_eq!(door.knock(at(1), neighbor(7)).unwrap().0, Standing::Unproven, "seven links");
    assert_eq!(door.knock(at(1), neighbor(8)).unwrap().0, Standing::Doomed);
    for link in 7..=8 {
        door.admission.leave(at(1), LinkId::new(link));
    }
    assert!(door.knock(at(1), neighbor(9)).is_ok(), "nine at once");
    door.admission.leave(at(1), LinkId::new(9));
    assert_eq!(door.knock(at(1), neighbor(10)), Err(Refused::TooOften));
    assert!(door.knock(at(1), host(1)).is_ok(), "another network");
}

#[test]
fn exchanges_are_charged_to_the_network_too() {
    let mut door = Door::new(&config());
    let links = [1, 2, 3].map(|number| door.admit(at(1), neighbor(number)));
    for link in links {
        assert!(door.allows_exchange(at(1), link, 0));
    }
    assert!(!door.allows_exchange(at(1), links[0], 0), "three at once");
    let other = door.admit(at(1), host(1));
    assert!(door.allows_exchange(at(1), other, 0));
}

#[test]
fn exchanges_that_wait_are_limited_in_all_and_for_each_network() {
    let mut config = config();
    config.exchanges = Rate::UNLIMITED;
    config.exchanges_per_network = Rate::UNLIMITED;
    let mut door = Door::new(&config);
    let (one, other) = (door.admit(at(1), neighbor(1)), door.admit(at(1), host(1)));
    for _ in 0..5 {
        assert!(door.admission.admit_exchange(at(1), one, 0).is_some());
    }
    assert!(door.admission.admit_exchange(at(1), one, 5).is_none(), "five of a network");
    assert!(door.admission.admit_exchange(at(1), other, 6).is_some());
    assert!(door.admission.admit_exchange(at(1), other, 7).is_none(), "seven in all");
    door.admission.exchange_began(at(1), neighbor(1));
    assert!(door.admission.admit_exchange(at(1), one, 6).is_some());
}

#[test]
fn a_link_with_an_admitted_exchange_keeps_its_place() {
    let mut door = Door::new(&config());
    for number in 1..=6 {
        door.knock(at(1), host(number)).unwrap();
    }
    assert!(door.allows_exchange(at(2), LinkId::new(1), 0));
    assert_eq!(door.knock(at(8), host(7)).unwrap().2, Some(LinkId::new(2)));
    for number in 3..=7 {
        door.admission.prove(at(8), LinkId::new(number));
    }
    for number in 8..=9 {
        door.knock(at(8), host(number)).unwrap();
    }
    assert_eq!(door.knock(at(12), host(10)), Err(Refused::Full));
    assert_eq!(door.knock(at(13), host(10)).unwrap().2, Some(LinkId::new(8)));
}

#[test]
fn a_link_behind_a_proxy_counts_once_its_address_is_known() {
    let mut door = Door::new(&config());
    for number in 1..=4 {
        let ticket = door.admission.judge(at(1), None).unwrap();
        door.admission.enter(at(1), None, ticket.standing, LinkId::new(100 + number));
    }
    let link = LinkId::new(101);
    assert!(door.admission.admit_exchange(at(1), link, 0).is_none(), "nobody to charge");
    assert_eq!(door.admission.set_address(at(1), link, host(1)), Ok(None));
    assert_eq!(door.admission.address(link), Some(host(1)));
    assert!(door.admission.admit_exchange(at(1), link, 0).is_some());
    assert_eq!(door.admission.set_address(at(1), link, host(2)), Ok(None), "an address stays");
    assert_eq!(door.admission.address(link), Some(host(1)));
    for number in 2..=3 {
        let link = LinkId::new(100 + number);
        assert_eq!(door.admission.set_address(at(1), link, host(1)), Ok(None));
    }
    assert_eq!(door.admission.standing(LinkId::new(103)), Some(Standing::Unproven));
    assert_eq!(door.admission.set_address(at(1), LinkId::new(104), host(1)), Ok(None));
    assert_eq!(door.admission.standing(LinkId::new(104)), Some(Standing::Doomed));
    assert_eq!(door.knock(at(1), host(1)), Err(Refused::TooMany));
    for number in 1..=4 {
        door.admission.leave(at(1), LinkId::new(100 + number));
    }
    let account = door.admission.accounts.get(Network::host(host(1)));
    assert_eq!((account.links, account.unproven), (0, 0));
    assert!(door.admission.places.is_empty() && door.admission.unproven.is_empty());
}

/// Connects of one address above its rate, half of them squatters that never prove a key.
fn proven_connects(demand_per_s: u64) -> u64 {
    const SECONDS: u64 = 60;
    let mut config = AdmissionConfig::new();
    config.connects = Rate::new(50, Duration::from_millis(20));
    let mut door = Door::new(&config);
    let mut proven = 0;
    let mut prompt = alloc::collections::VecDeque::new();
    for tick in 0..SECONDS * 100 {
        let now = Now::default().after(Duration::from_millis(tick * 10));
        let demand = demand_per_s * (tick + 1) / 100 - demand_per_s * tick / 100;
        for _ in 0..demand {
            let is_prompt = door.next.is_multiple_of(2);
            if let Ok((Standing::Unproven, link, _)) = door.knock(now, host(1))
                && is_prompt
            {
                prompt.push_back((tick, link));
            }
        }
        // A prompt client proves its key after 100 ms and leaves after a second.
        while prompt.front().is_some_and(|(since, _)| *since + 100 <= tick) {
            let (_, link) = prompt.pop_front().unwrap();
            door.admission.leave(now, link);
        }
        for (since, link) in &prompt {
            if since + 10 == tick && door.admission.standing(*link) == Some(Standing::Unproven) {
                door.admission.prove(now, *link);
                proven += 1;
            }
        }
    }
    proven / SECONDS
}

#[test]
fn goodput_of_connects_stays_at_the_limit() {
    extern crate std;
    let curve = [1, 2, 10, 100].map(|times| (times, proven_connects(50 * times)));
    std::println!("connects: limit 50/s, half of them prompt: (demand, proven/s) {curve:?}");
    for (times, proven) in curve {
        assert!(proven >= 22, "{times}x: {proven} of 25 prompt connects a second");
    }
}

#[test]
fn an_unproven_link_is_overdue_after_proof_time() {
    let mut door = Door::new(&config());
    assert!(door.admission.poll_timeout().is_none());
    door.knock(at(1), host(1)).unwrap();
    door.knock(at(2), host(2)).unwrap();
    door.admission.prove(at(9), LinkId::new(1));
    assert_eq!(door.admission.poll_timeout().unwrap().at, at(62).mono);
    assert_eq!(door.admission.poll_overdue(at(61)), None);
    assert_eq!(door.admission.poll_overdue(at(62)), Some(LinkId::new(2)));
    door.admission.leave(at(0), LinkId::new(2));
    assert_eq!(door.admission.poll_overdue(at(99)), None);
}

#[test]
fn exchanges_are_charged_to_the_address() {
    let mut door = Door::new(&config());
    let (_, one, _) = door.knock(at(1), host(1)).unwrap();
    let (_, other, _) = door.knock(at(1), host(1)).unwrap();
    let (_, stranger, _) = door.knock(at(1), host(2)).unwrap();
    assert!(door.allows_exchange(at(1), one, 0));
    assert!(door.allows_exchange(at(1), other, 0));
    assert!(!door.allows_exchange(at(1), one, 0));
    assert!(door.allows_exchange(at(1), stranger, 0));
    assert!(!door.allows_exchange(at(2), one, 7), "seven wait");
    assert!(door.allows_exchange(at(2), one, 6));
    assert!(!door.allows_exchange(at(9), LinkId::new(99), 0), "an unknown link");
}

#[test]
fn the_largest_unproven_link_frees_memory_first() {
    let mut door = Door::new(&config());
    for number in 1..=3 {
        door.knock(at(1), host(number)).unwrap();
    }
    door.admission.prove(at(9), LinkId::new(1));
    door.admission.note_held(LinkId::new(1), 90);
    door.admission.note_held(LinkId::new(2), 4);
    door.admission.note_held(LinkId::new(3), 6);
    let greediest = |door: &Door, link| door.admission.greediest(LinkId::new(link));
    assert_eq!(greediest(&door, 3), None, "exactly what is allowed");
    door.admission.note_held(LinkId::new(2), 5);
    assert_eq!(greediest(&door, 2), Some(LinkId::new(3)));
    door.admission.leave(at(0), LinkId::new(3));
    door.admission.note_held(LinkId::new(2), 0);
    door.admission.note_held(LinkId::new(1), 101);
    assert_eq!(greediest(&door, 1), Some(LinkId::new(1)));
    door.admission.leave(at(0), LinkId::new(1));
    assert_eq!(greediest(&door, 1), None);
    assert!(door.admission.largest().is_none() && door.admission.held_bytes() == 0);
}

#[test]
fn strangers_share_a_part_of_the_memory() {
    let mut door = Door::new(&config());
    for number in 1..=3 {
        door.knock(at(1), host(number)).unwrap();
    }
    let greediest = |door: &Door, link| door.admission.greediest(LinkId::new(link));
    door.admission.note_held(LinkId::new(1), 35);
    door.admission.note_held(LinkId::new(2), 25);
    assert_eq!(greediest(&door, 2), None, "exactly what is allowed");
    door.admission.note_held(LinkId::new(2), 26);
    assert_eq!(greediest(&door, 2), Some(LinkId::new(1)));
    // Who proves a key is no stranger.
    door.admission.prove(at(9), LinkId::new(1));
    assert_eq!(greediest(&door, 2), None);
    door.admission.note_held(LinkId::new(2), 61);
    assert_eq!(greediest(&door, 3), Some(LinkId::new(2)));
    for link in 1..=3 {
        door.admission.leave(at(9), LinkId::new(link));
    }
    assert!(door.admission.input.is_empty());
}

#[test]
fn a_network_has_a_part_of_the_memory() {
    let mut config = config();
    (config.input_bytes_per_network_max, config.input_bytes_max) = (80, 1000);
    let mut door = Door::new(&config);
    for (link, address) in [(1, neighbor(1)), (2, neighbor(2)), (3, host(3))] {
        door.knock(at(1), address).unwrap();
        door.admission.prove(at(1), LinkId::new(link));
    }
    let greediest = |door: &Door, link| door.admission.greediest(LinkId::new(link));
    door.admission.note_held(LinkId::new(1), 50);
    door.admission.note_held(LinkId::new(2), 30);
    door.admission.note_held(LinkId::new(3), 80);
    assert_eq!([1, 2, 3].map(|link| greediest(&door, link)), [None; 3], "exactly what is allowed");
    door.admission.note_held(LinkId::new(2), 31);
    assert_eq!(greediest(&door, 2), Some(LinkId::new(1)), "the largest of its network");
    assert_eq!(greediest(&door, 3), None, "another network is not concerned");
    door.admission.leave(at(2), LinkId::new(1));
    assert_eq!(greediest(&door, 2), None);
}

#[test]
fn remembered_addresses_are_bounded() {
    let mut door = Door::new(&config());
    for number in 0..100 {
        let (_, link, _) = door.knock(at(1), host(number)).unwrap();
        door.admission.leave(at(0), link);
        assert!(door.admission.accounts.len() <= 10);
    }
    assert!(door.admission.links.is_empty() && door.admission.input.is_empty());
}

#[test]
fn keys_without_a_session_are_collected_and_limited_for_each_network() {
    let mut admission = Admission::new(&config());
    let key = AuthKeyId::from_raw;
    for number in 1..=3 {
        assert!(admission.allows_key(neighbor(1)));
        admission.key_made(at(number), key(number), Some(neighbor(1)));
    }
    assert!(!admission.allows_key(neighbor(2)) && admission.allows_key(host(1)));
    assert_eq!(admission.replaceable_key_of(at(60), neighbor(2)), None, "59 s old");
    assert_eq!(admission.replaceable_key_of(at(61), neighbor(2)), Some(key(1)));
    admission.key_used(key(1));
    assert_eq!(admission.replaceable_key(at(62)), Some(key(2)));
    assert_eq!(admission.poll_timeout().unwrap().at, at(1002).mono);
    assert_eq!(admission.poll_unused_key(at(1001)), None);
    assert_eq!(admission.poll_unused_key(at(1002)), Some(key(2)));
    admission.key_gone(at(1002), key(2));
    assert!(admission.allows_key(neighbor(2)));
    admission.key_gone(at(1002), key(1));
    admission.key_gone(at(1002), key(3));
    assert_eq!((admission.poll_timeout(), admission.replaceable_key(at(9999))), (None, None));
    assert_eq!(admission.accounts.get(Network::site(host(0))).keys, 0);
}
