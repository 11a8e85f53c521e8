//! Budgets of work over time: who causes more than bytes pay for is left unread, and nobody else notices.
//!
//! Method: a client with a key sends packed questions, which cost a hundred times what their bytes pay for; honest clients move
//! calls and files.

use core::net::IpAddr;
use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::{
    AuthKey, CtrEntropy, InnerHeader, MsgId, Padding, Salt, SeqNo, SessionId, Side,
    begin as begin_packet, open, pad, seal,
};
use mtp_env::{Entropy as _, Now};
use mtp_server::{AdmissionConfig, Endpoint, EndpointConfig, EndpointEvent, WorkRate};
use mtp_session::client::RequestOptions;
use mtp_session::established::{Established, KeyKind};
use mtp_session::link::LinkId;
use mtp_session::service::{GzipPacked, Message};
use mtp_tl::Encode;

use super::crowd::{Crowd, endpoint_config, host, stranger};

/// An endpoint with hostile clients.
struct Siege {
    now: Now,
    endpoint: Endpoint,
    packets: u64,
}

/// A client that has a key and sends what it likes.
struct Hostile {
    key: Arc<AuthKey>,
    link: LinkId,
    salt: Salt,
}

impl Siege {
    fn new(network: WorkRate, key: WorkRate) -> Self {
        let mut config: EndpointConfig = endpoint_config();
        config.admission = AdmissionConfig::trusting();
        config.admission.work_per_network = network;
        config.admission.work_per_key = key;
        let endpoint = Endpoint::new(config, Box::new(CtrEntropy::from_number(5)));
        Self { now: super::peers::begin(), endpoint, packets: 0 }
    }

    fn connect(&mut self, number: u8, address: IpAddr) -> Hostile {
        let key = Arc::new(
            AuthKey::new(core::array::from_fn(|at| {
                u8::try_from((at + 1) * usize::from(number) % 251).unwrap()
            }))
            .unwrap(),
        );
        let salt = Salt::from_raw(0);
        let established = Established {
            key: Arc::clone(&key),
            salt,
            time_offset_ns: 0,
            kind: KeyKind::Permanent,
        };
        self.endpoint.insert_key(self.now, &established, None);
        let link = self.endpoint.accept(self.now, address).unwrap();
        self.endpoint.handle_bytes(self.now, link, &[0xee; 4]).unwrap();
        let mut hostile = Hostile { key, link, salt };
        // Each run of a server has salts of its own; a refusal names one.
        let bytes = self.question(&hostile);
        assert!(self.endpoint.handle_bytes(self.now, link, &bytes).is_err());
        let mut answer = Vec::new();
        assert!(self.endpoint.poll_transmit(self.now, link, &mut answer));
        let opened = open(&hostile.key, Side::Server, &mut answer[4..]).unwrap();
        let Ok(Message::BadServerSalt(bad)) = Message::parse(opened.body) else { panic!() };
        hostile.salt = bad.new_server_salt;
        // The packet that begins the session may be from before the run, and comes again.
        let bytes = self.question(&hostile);
        let _ = self.endpoint.handle_bytes(self.now, link, &bytes);
        hostile
    }

    /// Sends one packed question, if the link is read. Returns `true` if it is read afterwards.
    fn flood(&mut self, from: &Hostile) -> bool {
        assert!(self.endpoint.wants_bytes(from.link));
        let bytes = self.question(from);
        self.endpoint.handle_bytes(self.now, from.link, &bytes).unwrap();
        self.endpoint.wants_bytes(from.link)
    }

    fn question(&mut self, from: &Hostile) -> Vec<u8> {
        // The server starts with the first packet, and refuses ids from before.
        self.packets += 1;
        let msg_id = MsgId::from_raw((self.now.unix.as_secs() + 1) << 32 | self.packets << 2);
        let (salt, session_id) = (from.salt, SessionId::from_raw(9));
        let seq_no = SeqNo::from_raw(i32::try_from(self.packets).unwrap() * 2 + 1);
        let mut packet = Vec::new();
        let start = begin_packet(&mut packet, InnerHeader { salt, session_id, msg_id, seq_no });
        GzipPacked { packed_data: &packed_questions() }.encode(&mut packet);
        pad(&mut packet, start, Padding::Minimum, &mut CtrEntropy::from_number(6)).unwrap();
        seal(&from.key, Side::Client, &mut packet).unwrap();
        let len = u32::try_from(packet.len()).unwrap();
        [&len.to_le_bytes()[..], &packet].concat()
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
        self.endpoint.handle_timeout(self.now);
    }
}

#[test]
fn network_that_causes_too_much_work_is_left_unread_until_it_is_worked_off() {
    let mut siege = Siege::new(WorkRate::new(60_000, 10_000), WorkRate::UNLIMITED);
    let (one, neighbor) = (siege.connect(1, host(1)), siege.connect(2, host(2)));
    let other = siege.connect(3, stranger(1));
    assert!(siege.flood(&one), "the burst is not spent");
    assert!(siege.flood(&neighbor));
    assert!(!siege.flood(&one), "all hosts of the network share it");
    assert!(siege.flood(&other), "another network has its own");
    let mut paused = 0;
    while let Some(event) = siege.endpoint.poll_event() {
        if let EndpointEvent::Refused(refusals) = event {
            paused += refusals.paused;
        }
    }
    assert_eq!(paused, 1);
    while siege.endpoint.poll_link().is_some() {}
    let mut woken = Vec::new();
    for _ in 0..20 {
        if siege.endpoint.wants_bytes(one.link) {
            break;
        }
        let due = siege.endpoint.poll_timeout().unwrap();
        siege.pass(due.at.saturating_since(siege.now.mono));
        woken.extend(core::iter::from_fn(|| siege.endpoint.poll_link()));
    }
    assert!(siege.endpoint.wants_bytes(one.link));
    assert!(woken.contains(&one.link), "its driver reads again");
    let counters = *siege.endpoint.counters();
    assert_eq!(counters.links_paused, 1);
    assert!(counters.work_beyond > 60_000 && counters.work >= counters.work_beyond);
}

#[test]
fn key_that_causes_too_much_work_is_left_unread_wherever_it_connects() {
    let mut siege = Siege::new(WorkRate::UNLIMITED, WorkRate::new(90_000, 10_000));
    let one = siege.connect(1, host(1));
    let again = siege.connect(1, stranger(1));
    let neighbor = siege.connect(2, host(2));
    assert!(siege.flood(&one));
    assert!(siege.flood(&again));
    assert!(!siege.flood(&one));
    assert!(siege.flood(&neighbor), "another key of the network has its own");
    siege.endpoint.remove(siege.now, one.link);
    assert!(
        siege.endpoint.poll_timeout().is_none_or(|due| due.reason != "work of a network or a key")
    );
}

#[test]
fn calls_and_files_are_charged_to_no_budget() {
    let mut config = endpoint_config();
    config.admission.work_per_network = WorkRate::new(0, 0);
    config.admission.work_per_key = WorkRate::new(0, 0);
    let mut crowd = Crowd::new(config);
    crowd.arrive(host(1)).unwrap();
    crowd.steps(60);
    for round in 0..20_usize {
        // Many small calls, then long ones: uploads.
        let body = [&super::peers::QUESTION[..], &noise((round % 4) << 16)].concat();
        for _ in 0..if round % 4 == 0 { 200 } else { 4 } {
            let client = crowd.guests[0].connection.client_mut();
            client.request(crowd.now, &body, RequestOptions::new()).unwrap();
        }
        crowd.steps(4);
    }
    assert!(crowd.guests[0].answers > 1000, "{}", crowd.guests[0].answers);
    let counters = crowd.endpoint.counters();
    assert_eq!((counters.work_beyond, counters.links_paused), (0, 0));
    assert!(counters.bytes_in > 1 << 20);
}

/// Bytes that cannot be packed.
fn noise(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    CtrEntropy::from_number(8).fill(&mut bytes);
    bytes
}

/// `msgs_state_req` with the same id 8192 times, packed by Python's `gzip`.
fn packed_questions() -> Vec<u8> {
    let digits = PACKED.as_bytes();
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

const PACKED: &str = concat!(
    "1f8b0800000000000203edc54111001100004019ccf879082189c775b8068a6920852a3e66d4b0fbd9b6ff95e6c8a184",
    "ab7f35dab66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66d",
    "dbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66ddbb66d",
    "dbb6dffe00a298b5e80c000100",
);
