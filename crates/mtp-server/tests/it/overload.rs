//! More demand than a limit allows.
//!
//! Goal: what gets through stays at the limit, however much is asked for, and keys and places are there for those who
//! use them. Method: clients arrive at a constant rate on a virtual clock, whatever becomes of the earlier ones.

use core::time::Duration;

use mtp_env::Entropy as _;
use mtp_server::{AdmissionConfig, EndpointConfig, EndpointEvent, Rate, Refused};
use mtp_session::exchange::Arithmetic;
use mtp_session::link::LinkId;
use mtp_session::server::{KeyEnd, SessionName};

use super::crowd::{Crowd, TICK, endpoint_config, host, stranger};
use super::peers::entropy;

const SECONDS: u64 = 9;
const TICKS_PER_S: u64 = 50;

/// Keys made per second over the last two thirds of the time, with so many clients arriving in a second.
fn keys_per_s(config: EndpointConfig, demand_per_s: u64, steps_per_s: Option<u64>) -> f64 {
    let mut crowd = Crowd::new(config);
    let keys = |crowd: &Crowd| {
        let counters = crowd.endpoint.counters();
        counters.keys_permanent + counters.keys_temporary
    };
    let mut at_start = 0;
    for tick in 0..SECONDS * TICKS_PER_S {
        if tick == SECONDS * TICKS_PER_S / 3 {
            at_start = keys(&crowd);
        }
        let until = |tick: u64, per_s: u64| per_s * tick / TICKS_PER_S;
        for _ in until(tick, demand_per_s)..until(tick + 1, demand_per_s) {
            crowd.arrive(host(1)).unwrap();
        }
        let steps_per_s = steps_per_s.unwrap_or(0);
        for _ in until(tick, steps_per_s)..until(tick + 1, steps_per_s) {
            if let Some((link, work)) = crowd.endpoint.poll_work(crowd.now) {
                let _ = crowd.endpoint.handle_work(crowd.now, link, work.run());
            }
        }
        crowd.step();
        crowd.dismiss();
    }
    float(keys(&crowd) - at_start) / float(SECONDS * 2 / 3)
}

fn float(number: u64) -> f64 {
    u32::try_from(number).unwrap().into()
}

#[track_caller]
fn check_curve(what: &str, limit_per_s: u64, measure: impl Fn(u64) -> f64) {
    let curve = [1, 2, 10, 100].map(|times| (times, measure(times * limit_per_s)));
    println!("{what}: limit {limit_per_s}/s: (demand, goodput/s) {curve:?}");
    for (times, goodput) in curve.into_iter().skip(1) {
        let limit = float(limit_per_s);
        assert!((0.9 * limit..=1.1 * limit).contains(&goodput), "{times}x: {goodput} of {limit}");
    }
}

#[test]
fn goodput_of_exchanges_stays_at_the_rate_of_an_address() {
    check_curve("exchanges of one address", 2, |demand| {
        let mut config = endpoint_config();
        config.admission = AdmissionConfig::trusting();
        config.admission.exchanges = Rate::new(2, Duration::from_millis(500));
        keys_per_s(config, demand, None)
    });
}

#[test]
fn goodput_of_exchanges_stays_at_the_rate_of_a_network() {
    check_curve("exchanges of one network", 2, |demand| {
        let mut config = endpoint_config();
        config.admission = AdmissionConfig::trusting();
        config.admission.exchanges_per_network = Rate::new(2, Duration::from_millis(500));
        keys_per_s(config, demand, None)
    });
}

#[test]
fn goodput_of_exchanges_stays_at_what_the_processor_computes() {
    check_curve("exchanges of one processor", 2, |demand| {
        let mut config = endpoint_config();
        config.server.handshake.arithmetic = Arithmetic::Deferred;
        config.admission = AdmissionConfig::trusting();
        config.admission.exchanges_waiting_max = 6;
        keys_per_s(config, demand, Some(4))
    });
}

#[test]
fn begun_exchanges_are_computed_before_new_ones() {
    let mut config = endpoint_config();
    config.server.handshake.arithmetic = Arithmetic::Deferred;
    let mut crowd = Crowd::new(config);
    let first = crowd.arrive(host(1)).unwrap();
    crowd.steps(4);
    let (link, work) = crowd.endpoint.poll_work(crowd.now).unwrap();
    assert!(link == first && work.is_first());
    for number in 2..=9 {
        crowd.arrive(host(number)).unwrap();
    }
    crowd.steps(4);
    let _ = crowd.endpoint.handle_work(crowd.now, link, work.run());
    crowd.steps(4);
    let (link, work) = crowd.endpoint.poll_work(crowd.now).unwrap();
    assert!(link == first && !work.is_first(), "eight others wait");
}

#[test]
fn an_idle_link_gives_way_when_all_places_are_taken() {
    let mut config = endpoint_config();
    config.admission.links_max = 3;
    config.admission.prompt_time = Duration::from_secs(1);
    let mut crowd = Crowd::new(config);
    for number in 1..=2 {
        crowd.arrive(host(number)).unwrap();
    }
    crowd.steps(40);
    assert!(crowd.guests.iter().all(|guest| guest.answers == 1));
    let squatter = crowd.endpoint.accept(crowd.now, host(3)).unwrap();
    assert_eq!(crowd.endpoint.accept(crowd.now, host(4)), Err(Refused::Full));
    crowd.now = crowd.now.after(Duration::from_secs(1));
    let late = crowd.endpoint.accept(crowd.now, host(4)).unwrap();
    assert!(crowd.endpoint.is_closed(squatter) && !crowd.endpoint.is_closed(late));
    assert_eq!((crowd.endpoint.links(), crowd.endpoint.counters().cut.displaced), (3, 1));
    // Another network has fewer links, so that one of these gives way at once.
    crowd.endpoint.accept(crowd.now, stranger(1)).unwrap();
    assert_eq!((crowd.endpoint.links(), crowd.endpoint.counters().cut.displaced), (3, 2));
}

#[test]
fn keys_without_a_session_are_collected_and_used_ones_stay() {
    let mut config = endpoint_config();
    config.admission.unused_key_life = Duration::from_secs(600);
    let mut crowd = Crowd::new(config);
    crowd.arrive(host(1)).unwrap();
    crowd.steps(60);
    let used = crowd.endpoint.counters().keys_permanent + crowd.endpoint.counters().keys_temporary;
    assert_eq!((crowd.guests[0].answers, used), (1, 2));
    let idle = abandoned_key(&mut crowd, 2);
    crowd.now = crowd.now.after(Duration::from_secs(500));
    crowd.step();
    assert_eq!(crowd.endpoint.counters().keys_collected, 0);
    let due = crowd.endpoint.poll_timeout().unwrap();
    assert!(due.at <= crowd.now.after(Duration::from_secs(101)).mono);
    crowd.now = crowd.now.after(Duration::from_secs(101));
    crowd.step();
    let destroyed: Vec<_> = crowd.events.iter().filter_map(destroyed).collect();
    assert_eq!(destroyed, [idle]);
    assert_eq!(crowd.endpoint.counters().keys_collected, 1, "the keys of the first client stay");
}

#[test]
fn the_oldest_unused_key_gives_way_at_the_limit_of_keys() {
    let mut config = endpoint_config();
    config.server.keys_max = 3;
    let mut crowd = Crowd::new(config);
    crowd.arrive(host(1)).unwrap();
    crowd.steps(60);
    crowd.dismiss();
    let idle = abandoned_key(&mut crowd, 2);
    let refused = |crowd: &Crowd| crowd.endpoint.counters().exchanges_refused;
    crowd.arrive(stranger(3)).unwrap();
    crowd.steps(20);
    assert_eq!(refused(&crowd), 1, "the unused key is young, and the others are used");
    crowd.dismiss();
    crowd.now = crowd.now.after(Duration::from_secs(60));
    crowd.step();
    let next = abandoned_key(&mut crowd, 4);
    assert_eq!(crowd.events.iter().filter_map(destroyed).collect::<Vec<_>>(), [idle]);
    assert_ne!(next, idle);
    assert_eq!(refused(&crowd), 1);
}

#[test]
fn a_network_makes_as_many_keys_as_its_limit_allows() {
    let mut config = endpoint_config();
    config.admission.keys_per_network_max = 2;
    let mut crowd = Crowd::new(config);
    crowd.arrive(host(1)).unwrap();
    crowd.steps(60);
    assert_eq!(crowd.guests[0].answers, 1, "two keys");
    crowd.arrive(host(2)).unwrap();
    crowd.steps(20);
    assert_eq!(crowd.endpoint.counters().exchanges_refused, 1);
    crowd.arrive(stranger(1)).unwrap();
    crowd.steps(60);
    assert_eq!(crowd.guests[2].answers, 1, "another network");
}

/// Makes one key and leaves before it is used.
fn abandoned_key(crowd: &mut Crowd, number: u8) -> mtp_crypto::AuthKeyId {
    let before = crowd.events.len();
    let link = crowd.arrive(host(number)).unwrap();
    for _ in 0..100 {
        crowd.step();
        let made = crowd.events[before..].iter().find_map(|event| match event {
            EndpointEvent::KeyCreated { established } => Some(established.key.id()),
            _ => None,
        });
        if let Some(key) = made {
            crowd.guests.retain(|guest| guest.link != link);
            crowd.endpoint.remove(crowd.now, link);
            return key;
        }
    }
    panic!("no key within {:?}", TICK * 100);
}

fn destroyed(event: &EndpointEvent) -> Option<mtp_crypto::AuthKeyId> {
    match event {
        EndpointEvent::KeyDestroyed { key, cause: KeyEnd::Removed } => Some(*key),
        _ => None,
    }
}

#[test]
fn the_address_of_a_proxied_client_is_charged_and_not_the_proxys() {
    let mut config = endpoint_config();
    config.admission.connects = Rate::new(1, Duration::from_secs(60));
    let mut crowd = Crowd::new(config);
    let links: Vec<_> = (0..5).map(|_| crowd.endpoint.accept_proxied(crowd.now).unwrap()).collect();
    for (number, link) in (1..).zip(&links[..4]) {
        assert_eq!(crowd.endpoint.address(*link), None);
        crowd.endpoint.set_address(crowd.now, *link, host(number)).unwrap();
        assert_eq!(crowd.endpoint.address(*link), Some(host(number)));
    }
    let again = crowd.endpoint.set_address(crowd.now, links[4], host(1));
    assert_eq!(again, Err(Refused::TooOften));
    assert!(crowd.endpoint.is_closed(links[4]));
    crowd.enter(links[0]);
    crowd.steps(60);
    assert_eq!(crowd.guests[0].answers, 1);
    let address = crowd.events.iter().find_map(|event| match event {
        EndpointEvent::Call(call) => Some(call.address),
        _ => None,
    });
    assert_eq!(address, Some(Some(host(1))));
}

#[test]
fn refusals_are_summed_up_and_reported_at_most_once_in_ten_seconds() {
    let mut config = endpoint_config();
    config.admission.connects = Rate::new(1, Duration::from_secs(3600));
    let mut crowd = Crowd::new(config);
    let take = |crowd: &mut Crowd| {
        crowd.steps(1);
        let events = core::mem::take(&mut crowd.events);
        let refused = |event| match event {
            EndpointEvent::Refused(refusals) => Some(refusals),
            _ => None,
        };
        events.into_iter().find_map(refused)
    };
    crowd.endpoint.accept(crowd.now, host(1)).unwrap();
    assert_eq!(take(&mut crowd), None);
    assert_eq!(crowd.endpoint.accept(crowd.now, host(1)), Err(Refused::TooOften));
    let first = take(&mut crowd).unwrap();
    assert_eq!((first.connections.too_often, first.address), (1, Some(host(1))));
    for _ in 0..1000 {
        assert_eq!(crowd.endpoint.accept(crowd.now, host(1)), Err(Refused::TooOften));
    }
    assert_eq!(take(&mut crowd), None, "ten seconds are not over");
    let due = crowd.endpoint.poll_timeout().unwrap();
    assert!(due.at <= crowd.now.after(Duration::from_secs(10)).mono);
    crowd.now = crowd.now.after(Duration::from_secs(10));
    let sum = take(&mut crowd).unwrap();
    assert_eq!((sum.connections.too_often, sum.connections.full), (1000, 0));
    assert_eq!(crowd.endpoint.counters().refused.too_often, 1001);
}

#[test]
fn memory_is_limited_over_all_links_and_sessions() {
    let mut config = endpoint_config();
    config.memory_max = 4 << 20;
    let mut crowd = Crowd::new(config);
    for number in 1..=2 {
        crowd.arrive(host(number)).unwrap();
    }
    crowd.steps(60);
    let sessions: Vec<_> = crowd
        .events
        .iter()
        .filter_map(|event| match event {
            EndpointEvent::Call(call) => Some(call.session),
            _ => None,
        })
        .collect();
    let push = |crowd: &mut Crowd, session, len: usize| {
        // Random, so that it does not get shorter when packed.
        let mut body = vec![0; len];
        entropy(7).fill(&mut body);
        crowd.endpoint.push(crowd.now, sessions[session], &body).map(|_| ())
    };
    let before = crowd.endpoint.held_bytes();
    push(&mut crowd, 0, 200 << 10).unwrap();
    let held = crowd.endpoint.held_bytes();
    assert!(held >= before + (200 << 10), "{before} {held}");
    assert!(crowd.endpoint.accept(crowd.now, host(3)).is_ok());
    for _ in 0..5 {
        push(&mut crowd, 1, 700 << 10).unwrap();
    }
    let stranger = crowd.endpoint.accept(crowd.now, host(4));
    assert_eq!(stranger, Err(Refused::NoMemory), "an eighth is left at most");
    assert!(crowd.endpoint.held_bytes() <= 4 << 20);
    let _ = push(&mut crowd, 1, 700 << 10);
    assert!(crowd.endpoint.held_bytes() <= 1 << 20, "the greediest session is closed");
    assert_eq!(crowd.endpoint.counters().cut.greedy_sessions, 1);
    push(&mut crowd, 0, 4).unwrap();
    assert!(crowd.endpoint.accept(crowd.now, host(4)).is_ok());
}

/// Returns session and link of each guest's call.
fn sessions(crowd: &Crowd) -> Vec<(SessionName, LinkId)> {
    let sessions = crowd.events.iter().filter_map(|event| match event {
        EndpointEvent::Call(call) => Some((call.session, call.link)),
        _ => None,
    });
    sessions.collect()
}

#[test]
fn memory_that_runs_out_stops_reading_then_new_connections_then_the_greediest() {
    let mut config = endpoint_config();
    config.memory_max = 4 << 20;
    let mut crowd = Crowd::new(config);
    let links = [1, 2].map(|number| crowd.arrive(host(number)).unwrap());
    crowd.steps(60);
    let (session, greedy) = sessions(&crowd)[0];
    let unproven = crowd.endpoint.accept(crowd.now, host(3)).unwrap();
    let other = links.into_iter().find(|link| *link != greedy).unwrap();
    let mut noise = entropy(7);
    let mut grow = |crowd: &mut Crowd, to: usize| {
        while crowd.endpoint.held_bytes() < to {
            let left = to - crowd.endpoint.held_bytes();
            let mut body = vec![0; left.clamp(4, 64 << 10) & !3];
            noise.fill(&mut body);
            crowd.endpoint.push(crowd.now, session, &body).unwrap();
        }
    };
    let wants = |crowd: &Crowd| [greedy, other, unproven].map(|it| crowd.endpoint.wants_bytes(it));
    grow(&mut crowd, (3 << 20) - 4096);
    assert_eq!(wants(&crowd), [true; 3]);
    grow(&mut crowd, 3 << 20);
    assert_eq!(wants(&crowd), [false, true, false], "who holds nothing is read");
    let fourth = crowd.endpoint.accept(crowd.now, host(4));
    assert!(fourth.is_ok(), "not read, but not refused");
    grow(&mut crowd, 7 << 19);
    assert_eq!(crowd.endpoint.accept(crowd.now, host(5)), Err(Refused::NoMemory));
    assert_eq!(crowd.endpoint.counters().cut.greedy_sessions, 0);
    while crowd.endpoint.poll_link().is_some() {}
    let mut body = vec![0; 1 << 20];
    noise.fill(&mut body);
    crowd.endpoint.push(crowd.now, session, &body).unwrap();
    assert_eq!(crowd.endpoint.counters().cut.greedy_sessions, 1);
    // Those that waited hear of it.
    let mut roused = Vec::new();
    while let Some(link) = crowd.endpoint.poll_link() {
        roused.push(link);
    }
    assert!(roused.contains(&unproven) && roused.contains(&fourth.unwrap()), "{roused:?}");
    assert!(crowd.endpoint.wants_bytes(unproven) && crowd.endpoint.wants_bytes(other));
    assert!(crowd.endpoint.accept(crowd.now, host(5)).is_ok());
}

#[test]
fn client_that_takes_its_answers_is_read_while_memory_is_tight() {
    let mut config = endpoint_config();
    config.memory_max = 4 << 20;
    let mut crowd = Crowd::new(config);
    let link = crowd.arrive(host(1)).unwrap();
    crowd.steps(60);
    let (session, _) = sessions(&crowd)[0];
    let mut body = vec![0; 800 << 10];
    entropy(7).fill(&mut body);
    for _ in 0..4 {
        crowd.endpoint.push(crowd.now, session, &body).unwrap();
    }
    assert!(!crowd.endpoint.wants_bytes(link));
    let mut out = Vec::new();
    while crowd.endpoint.poll_transmit(crowd.now, link, &mut out) {}
    assert!(out.len() > 3 << 20 && crowd.endpoint.held_bytes() > 3 << 20);
    // Only its acknowledgments can free the memory now.
    assert!(crowd.endpoint.wants_bytes(link));
}

#[test]
fn work_is_counted() {
    let mut crowd = Crowd::new(endpoint_config());
    crowd.arrive(host(1)).unwrap();
    crowd.steps(60);
    let work = crowd.endpoint.counters().work;
    crowd.arrive(host(2)).unwrap();
    crowd.steps(60);
    assert!(work > 0 && crowd.endpoint.counters().work > work);
}
