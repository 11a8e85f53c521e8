//! Guesses, requests for codes and look-ups, limited for each number and network.
//!
//! Goal: numbers without an account are limited as those with one, over any number of keys, and a stranger's attempts do
//! not hold back the owner. Method: clients of two networks on a virtual clock; each limit at its value and one beyond.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use mtp_server::Rate;
use serde_json::{Value, json};

use super::desk::{ANN, CODE, Client, Desk, Outcome, config, error};

const NOBODY: &str = "4912345";

fn home() -> IpAddr {
    Ipv4Addr::new(192, 0, 2, 1).into()
}

fn away(number: u8) -> IpAddr {
    Ipv4Addr::new(198, 51, 100, number).into()
}

fn desk() -> Desk {
    let mut config = config();
    config.code_requests = Rate::UNLIMITED;
    config.code_requests_per_network = Rate::UNLIMITED;
    config.accounts_max = 100_000;
    Desk::new(config)
}

/// Guesses a code with a new key.
fn guess(desk: &mut Desk, key: u64, phone: &str) -> Outcome {
    let hash = desk.send_code(Client(key), phone).unwrap();
    desk.sign_in(Client(key), phone, &hash, "00000")
}

#[test]
fn guesses_are_limited_for_each_number_and_network_over_all_keys() {
    for phone in [ANN, NOBODY] {
        let mut desk = desk();
        desk.address = Some(away(1));
        for key in 0..10 {
            assert_eq!(guess(&mut desk, key, phone), error(400, "PHONE_CODE_INVALID"), "{phone}");
        }
        desk.address = Some(away(2));
        assert_eq!(guess(&mut desk, 10, phone), error(420, "FLOOD_WAIT_60"), "{phone}");
        desk.address = Some(home());
        desk.log_in(Client(99), phone);
    }
}

#[test]
fn wrong_codes_of_a_network_are_limited_over_all_numbers() {
    let mut desk = desk();
    desk.address = Some(away(1));
    let wrong = (0..840).filter(|key| {
        let phone = format!("{}", 4_900_000 + key % 84);
        if key % 100 == 99 {
            desk.wait(1);
        }
        guess(&mut desk, *key, &phone) == error(400, "PHONE_CODE_INVALID")
    });
    assert_eq!(wrong.count(), 30, "840 guesses in 8 s");
    desk.address = Some(home());
    desk.log_in(Client(9999), ANN);
}

#[test]
fn requests_for_codes_are_limited_for_each_number_and_network() {
    let mut config = config();
    config.code_requests = Rate::new(3, Duration::from_secs(60));
    config.code_requests_per_network = Rate::new(5, Duration::from_secs(10));
    let mut desk = Desk::new(config);
    desk.address = Some(away(1));
    let mut key = 0;
    let mut send = |desk: &mut Desk, phone: &str| {
        key += 1;
        desk.send_code(Client(key), phone).map(|_| Value::Null)
    };
    for _ in 0..3 {
        assert!(send(&mut desk, NOBODY).is_ok());
    }
    assert_eq!(send(&mut desk, NOBODY), error(420, "FLOOD_WAIT_60"));
    for _ in 0..2 {
        assert!(send(&mut desk, ANN).is_ok());
    }
    assert_eq!(send(&mut desk, ANN), error(420, "FLOOD_WAIT_10"), "five of the network");
    desk.address = Some(home());
    assert!(send(&mut desk, NOBODY).is_ok() && send(&mut desk, ANN).is_ok());
}

#[test]
fn five_thousand_numbers_are_looked_up_and_no_more() {
    let mut desk = desk();
    desk.address = Some(away(1));
    desk.log_in(Client(1), ANN);
    let import = |desk: &mut Desk, client: Client, count: usize| {
        let contact = |number: usize| {
            json!({
                "_": "inputPhoneContact", "client_id": "1", "first_name": "", "last_name": "",
                "phone": format!("{}", 4_900_000 + number)
            })
        };
        let contacts: Vec<_> = (0..count).map(contact).collect();
        desk.call(client, "contacts.importContacts", json!({ "contacts": contacts }))
    };
    for _ in 0..9 {
        assert!(import(&mut desk, Client(1), 500).is_ok());
    }
    assert!(import(&mut desk, Client(1), 499).is_ok());
    assert_eq!(import(&mut desk, Client(1), 2), error(420, "FLOOD_WAIT_20"));
    assert!(import(&mut desk, Client(1), 1).is_ok());
    let resolve = |desk: &mut Desk, client| {
        desk.call(client, "contacts.resolvePhone", json!({ "phone": ANN }))
    };
    assert_eq!(resolve(&mut desk, Client(1)), error(420, "FLOOD_WAIT_20"));
    desk.log_in(Client(2), NOBODY);
    assert_eq!(resolve(&mut desk, Client(2)), error(420, "FLOOD_WAIT_20"), "the same network");
    desk.address = Some(home());
    assert_eq!(resolve(&mut desk, Client(1)), error(420, "FLOOD_WAIT_20"), "the same user");
    assert!(resolve(&mut desk, Client(2)).is_ok());
}

#[test]
fn a_login_that_has_begun_keeps_its_place_for_a_minute() {
    let mut config = config();
    config.logins_pending_max = 2;
    let mut desk = Desk::new(config);
    let hash = desk.send_code(Client(1), ANN).unwrap();
    desk.send_code(Client(2), NOBODY).unwrap();
    desk.wait(59);
    let third = |desk: &mut Desk| desk.send_code(Client(3), NOBODY).map(|_| Value::Null);
    assert_eq!(third(&mut desk), error(420, "FLOOD_WAIT_1"));
    assert!(desk.sign_in(Client(1), ANN, &hash, CODE).is_ok(), "what has begun completes");
    assert!(third(&mut desk).is_ok());
    desk.wait(60);
    assert!(desk.send_code(Client(4), NOBODY).is_ok());
}

/// Logins per second, with so many clients of one network that ask for a code in a second and type it 5 s later.
fn logins_per_s(demand_per_s: u64) -> f64 {
    const SECONDS: u64 = 30;
    let mut config = config();
    config.code_requests_per_network = Rate::new(2, Duration::from_millis(500));
    config.accounts_max = 100_000;
    config.logins_pending_max = 16;
    let mut desk = Desk::new(config);
    desk.address = Some(away(1));
    let mut typing = std::collections::VecDeque::new();
    let (mut logins, mut key) = (0, 0);
    for second in 0..SECONDS {
        for _ in 0..demand_per_s {
            key += 1;
            let phone = format!("{}", 4_900_000 + key);
            if let Ok(hash) = desk.send_code(Client(key), &phone) {
                typing.push_back((second + 5, key, phone, hash));
            }
        }
        while typing.front().is_some_and(|(at, ..)| *at <= second) {
            let (_, key, phone, hash) = typing.pop_front().unwrap();
            let signed_in = desk.sign_in(Client(key), &phone, &hash, CODE);
            logins += u64::from(signed_in.is_ok() && second >= 10);
        }
        desk.wait(1);
    }
    float(logins) / float(SECONDS - 10)
}

fn float(number: u64) -> f64 {
    u32::try_from(number).unwrap().into()
}

#[test]
fn goodput_of_logins_stays_at_the_limit() {
    let curve = [1, 2, 10, 100].map(|times| (times, logins_per_s(2 * times)));
    println!("logins of one network: limit 2/s: (demand, logins/s) {curve:?}");
    for (times, goodput) in curve {
        assert!((1.8..=2.2).contains(&goodput), "{times}x: {goodput} of 2");
    }
}
