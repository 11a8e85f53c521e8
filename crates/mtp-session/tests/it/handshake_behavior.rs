//! Key exchanges between our client and our server: retransmission, limits, expiry.
//!
//! Method: packets are moved by hand; randomness is seeded and time is an argument.

use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::exchange::RsaSchemes;
use mtp_crypto::{CtrEntropy, DcId};
use mtp_env::Now;
use mtp_session::client::{ClientHandshake, ClientHandshakeConfig};
use mtp_session::established::{Established, KeyKind};
use mtp_session::exchange::{Arithmetic, HandshakeError, KeyRequest};
use mtp_session::link::{AfterSend, Outgoing};
use mtp_session::server::{RunId, ServerHandshake, ServerHandshakeConfig, Verdict};

use crate::support::{self, at, private_keys, public_keys, unhex, vectors};

/// A client and a server with an empty wire between them.
struct Pair {
    client: ClientHandshake,
    server: ServerHandshake,
    now: Now,
    /// Every packet written, in order.
    wire: Vec<Vec<u8>>,
    /// Verdicts of the server's key store, in turn; `Unique` once exhausted.
    verdicts: Vec<Verdict>,
    made: Option<Established>,
    run: Option<RunId>,
}

impl Pair {
    fn new(seed: u64) -> Self {
        Self::with(client_config(KeyRequest::Permanent), server_config(), seed)
    }

    fn with(client: ClientHandshakeConfig, server: ServerHandshakeConfig, seed: u64) -> Self {
        let entropy = |number| Box::new(CtrEntropy::from_number(number));
        Self {
            client: ClientHandshake::new(client, entropy(seed)),
            server: ServerHandshake::new(Arc::new(server), entropy(seed + 1)),
            now: at(1_800_000_000, 0),
            wire: Vec::new(),
            verdicts: Vec::new(),
            made: None,
            run: None,
        }
    }

    /// Moves packets until both sides are silent. Returns the client's errors.
    fn run(&mut self) -> Result<(), HandshakeError> {
        loop {
            while let Some(work) = self.client.poll_work() {
                self.client.handle_work(self.now, work.run())?;
            }
            if let Some(packet) = self.take(true) {
                let _ = self.server.handle_packet(self.now, &packet);
                self.settle();
            }
            let Some(packet) = self.take(false) else { return Ok(()) };
            self.client.handle_packet(self.now, &packet)?;
        }
    }

    /// Runs the server's deferred arithmetic and answers for its key store.
    fn settle(&mut self) {
        while let Some(work) = self.server.poll_work() {
            let _ = self.server.handle_work(self.now, work.run());
        }
        while let Some(key) = self.server.poll_key() {
            let verdict =
                if self.verdicts.is_empty() { Verdict::Unique } else { self.verdicts.remove(0) };
            self.server.decide(key.run, verdict);
            self.made = Some(key.established);
            self.run = Some(key.run);
        }
    }

    fn take(&mut self, from_client: bool) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let transmit = if from_client {
            self.client.poll_transmit(self.now, &mut out)
        } else {
            self.server.poll_transmit(self.now, &mut out)
        }?;
        if transmit.what != (Outgoing::Packet { quick_ack: None }) {
            return None;
        }
        self.wire.push(out.clone());
        Some(out)
    }
}

fn client_config(request: KeyRequest) -> ClientHandshakeConfig {
    ClientHandshakeConfig::new(DcId::new(2), request, public_keys(&vectors("crypto")))
}

fn server_config() -> ServerHandshakeConfig {
    ServerHandshakeConfig::new(DcId::new(2), private_keys(&vectors("crypto")))
}

fn check_agreement(client: ClientHandshake, server: &Established) -> Established {
    let client = client.finish().expect("the client has a key");
    assert_eq!(client.key.id(), server.key.id());
    assert_eq!(client.key.as_bytes(), server.key.as_bytes());
    assert_eq!(client.salt, server.salt);
    assert_eq!(client.kind, server.kind);
    client
}

// spec: crypto 8.2
#[test]
fn both_sides_agree_and_the_same_seed_gives_the_same_bytes() {
    let wires: Vec<_> = [7, 7, 8]
        .map(|seed| {
            let mut pair = Pair::new(seed);
            pair.run().unwrap();
            check_agreement(pair.client, &pair.made.unwrap());
            pair.wire
        })
        .into();
    assert_eq!(wires[0].len(), 6);
    assert_eq!(wires[0], wires[1]);
    assert_ne!(wires[0], wires[2]);
}

// spec: crypto 8.6, 11.1
#[test]
fn lifetime_of_a_temporary_key_is_capped_by_the_server() {
    for (dc, wanted, granted, media) in
        [(2, 86_399, 86_399, false), (-2, 86_400, 86_400, true), (2, 86_401, 86_400, false)]
    {
        let request = KeyRequest::Temporary { expires_in_s: wanted };
        let mut config = client_config(request);
        config.dc = DcId::new(dc);
        let mut pair = Pair::with(config, server_config(), 1);
        pair.run().unwrap();
        let made = pair.made.unwrap();
        let KeyKind::Temporary { expires_at, media: is_media } = made.kind else {
            panic!("{:?}", made.kind)
        };
        assert_eq!((expires_at.as_secs(), is_media), (1_800_000_000 + granted, media));
        assert!(pair.client.is_done());
    }
}

// spec: crypto 8.8
#[test]
fn client_learns_its_clock_offset() {
    let mut pair = Pair::new(3);
    let mut server_time = pair.now;
    server_time.unix = mtp_env::UnixTime::from_secs(1_800_000_123);
    while let Some(packet) = pair.take(true) {
        pair.server.handle_packet(server_time, &packet).unwrap();
        pair.settle();
        let answer = pair.take(false).unwrap();
        pair.client.handle_packet(pair.now, &answer).unwrap();
    }
    assert_eq!(pair.client.finish().unwrap().time_offset_ns, 123_000_000_000);
}

// spec: crypto 8.9
#[test]
fn key_collision_is_retried_a_limited_number_of_times() {
    for (collisions, established) in [(0, true), (1, true), (5, true), (6, false)] {
        let mut pair = Pair::new(4);
        pair.verdicts = vec![Verdict::Collides; collisions];
        let result = pair.run();
        if established {
            assert_eq!(result, Ok(()));
            check_agreement(pair.client, &pair.made.unwrap());
        } else {
            assert_eq!(result, Err(HandshakeError::Refused), "the server gives up first");
        }
        assert_eq!(pair.wire.len(), 6 + 2 * collisions.min(5));
    }
    let mut patient = server_config();
    patient.retries_max = 9;
    let mut pair = Pair::with(client_config(KeyRequest::Permanent), patient, 4);
    pair.verdicts = vec![Verdict::Collides; 6];
    assert_eq!(pair.run(), Err(HandshakeError::Retries));
}

// spec: crypto 8.2
#[test]
fn repeated_query_gets_the_same_answer() {
    let mut pair = Pair::new(5);
    let mut queries = 0;
    while let Some(query) = pair.take(true) {
        let mut answers = Vec::new();
        for _ in 0..3 {
            pair.server.handle_packet(pair.now, &query).unwrap();
            pair.settle();
            answers.push(pair.take(false).expect("an answer"));
        }
        // Message ids differ, bodies are equal.
        assert_eq!(answers[0][16..], answers[1][16..]);
        assert_eq!(answers[0][16..], answers[2][16..]);
        for answer in answers {
            pair.client.handle_packet(pair.now, &answer).unwrap();
        }
        queries += 1;
    }
    assert_eq!(queries, 3);
    check_agreement(pair.client, &pair.made.unwrap());
}

// spec: crypto 8.11
#[test]
fn oldest_run_is_dropped_when_too_many_are_in_progress() {
    let mut pair = Pair::new(6);
    let first = pair.take(true).unwrap();
    pair.server.handle_packet(pair.now, &first).unwrap();
    let first_answer = pair.take(false).unwrap();
    // Eight runs are kept: after eight more, the first is dropped.
    let mut burst: Vec<_> = (0..8).map(|seed| Pair::new(100 + seed).client).collect();
    let mut answers = Vec::new();
    for client in &mut burst {
        let mut query = Vec::new();
        let _ = client.poll_transmit(pair.now, &mut query).expect("a query");
        pair.server.handle_packet(pair.now, &query).unwrap();
        answers.push(pair.take(false).expect("each run is answered"));
    }
    let mut last = burst.pop().unwrap();
    last.handle_packet(pair.now, answers.last().unwrap()).unwrap();
    core::mem::swap(&mut pair.client, &mut last);
    pair.run().unwrap();
    assert!(pair.client.is_done(), "the last run completes");
    // The client of the first run is too late.
    last.handle_packet(pair.now, &first_answer).unwrap();
    pair.client = last;
    let late = pair.take(true).unwrap();
    assert_eq!(pair.server.handle_packet(pair.now, &late), Err(HandshakeError::UnknownRun));
}

// spec: crypto 8.11
#[test]
fn runs_per_link_are_limited() {
    let mut config = server_config();
    config.runs_total_max = 3;
    let mut pair = Pair::with(client_config(KeyRequest::Permanent), config, 7);
    for seed in 0..4 {
        let mut query = Vec::new();
        let _ = Pair::new(200 + seed).client.poll_transmit(pair.now, &mut query);
        let result = pair.server.handle_packet(pair.now, &query);
        let transmit = pair.server.poll_transmit(pair.now, &mut Vec::new()).unwrap();
        if seed < 3 {
            assert_eq!(result, Ok(()));
        } else {
            assert_eq!(result, Err(HandshakeError::TooManyRuns));
            assert_eq!((transmit.what, transmit.then), (Outgoing::Error(-429), AfterSend::Close));
        }
    }
}

// spec: crypto 8.11
#[test]
fn unread_answers_are_limited() {
    let mut pair = Pair::new(8);
    let query = pair.take(true).unwrap();
    for _ in 0..100 {
        pair.server.handle_packet(pair.now, &query).unwrap();
    }
    let answers = core::iter::from_fn(|| pair.take(false)).count();
    assert_eq!(answers, 16);
}

// spec: crypto 8.11
#[test]
fn exchange_expires_after_ten_minutes() {
    let nearly = Duration::from_secs(600) - Duration::from_micros(1);
    for (wait, is_alive) in [(nearly, true), (Duration::from_secs(600), false)] {
        let mut pair = Pair::new(9);
        let query = pair.take(true).unwrap();
        pair.server.handle_packet(pair.now, &query).unwrap();
        let answer = pair.take(false).unwrap();
        assert_eq!(
            pair.client.poll_timeout().unwrap().at,
            pair.now.mono + Duration::from_secs(600)
        );
        pair.now = pair.now.after(wait);
        pair.client.handle_timeout(pair.now);
        pair.server.handle_timeout(pair.now);
        assert_eq!(pair.server.is_idle(), !is_alive);
        assert_eq!(pair.client.failure(), (!is_alive).then_some(HandshakeError::Deadline));
        assert_eq!(pair.client.handle_packet(pair.now, &answer), Ok(()));
        assert_eq!(pair.take(true).is_some(), is_alive);
    }
}

#[test]
fn deferred_arithmetic_may_run_on_another_thread() {
    let mut client = client_config(KeyRequest::Permanent);
    client.arithmetic = Arithmetic::Deferred;
    let mut server = server_config();
    server.arithmetic = Arithmetic::Deferred;
    let mut pair = Pair::with(client, server, 10);
    let query = pair.take(true).unwrap();
    pair.server.handle_packet(pair.now, &query).unwrap();
    let answer = pair.take(false).unwrap();
    pair.client.handle_packet(pair.now, &answer).unwrap();
    assert!(pair.take(true).is_none(), "nothing is sent before the arithmetic is done");
    let work = pair.client.poll_work().expect("a factorization is pending");
    assert!(pair.client.poll_work().is_none());
    let done = std::thread::scope(|scope| scope.spawn(|| work.run()).join().unwrap());
    pair.client.handle_work(pair.now, done).unwrap();
    pair.run().unwrap();
    check_agreement(pair.client, &pair.made.unwrap());
}

/// TDLib appends up to 255 random bytes within the declared length, and different ones when it resends.
// spec: crypto 7
#[test]
fn trailing_bytes_of_plain_messages_are_ignored() {
    let with_tail = |packet: &[u8], tail: usize| {
        let body = packet.get(20..).unwrap();
        let len = u32::try_from(body.len() + tail).unwrap();
        [&packet[..16], &len.to_le_bytes(), body, &vec![0xa5; tail]].concat()
    };
    let mut pair = Pair::new(13);
    for (first, second) in [(0, 16), (255, 1), (12, 240)] {
        let query = pair.take(true).expect("a query");
        for tail in [first, second] {
            pair.server.handle_packet(pair.now, &with_tail(&query, tail)).unwrap();
        }
        pair.settle();
        let answer = pair.take(false).expect("an answer");
        let again = pair.take(false);
        assert!(again.is_none_or(|again| again[16..] == answer[16..]), "the same run");
        pair.client.handle_packet(pair.now, &with_tail(&answer, second)).unwrap();
        while let Some(work) = pair.client.poll_work() {
            pair.client.handle_work(pair.now, work.run()).unwrap();
        }
    }
    check_agreement(pair.client, &pair.made.unwrap());
}

// spec: crypto 7, 8.11
#[test]
fn packets_foreign_to_the_exchange_are_rejected() {
    let plain = |body: &[u8]| {
        let mut packet = vec![0; 16];
        packet.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
        packet.extend(body);
        packet
    };
    let mut pair = Pair::new(11);
    // A `msgs_ack` of one id is ignored.
    let ack = plain(&unhex("59b4d66215c4b51c010000000100000000000000"));
    assert_eq!(pair.server.handle_packet(pair.now, &ack), Ok(()));
    assert!(pair.server.is_idle());
    let ping = plain(&unhex("ec77be7a0000000000000000"));
    let encrypted = vec![1; 72];
    let long = vec![0; 4097];
    let cut = plain(&[1; 20])[..39].to_vec();
    let negative = [vec![0; 16], vec![0xff; 4]].concat();
    for packet in [ping, encrypted, long, cut, negative, Vec::new(), vec![0; 19]] {
        let mut victim = Pair::new(12);
        let _ = victim.take(true);
        assert!(victim.server.handle_packet(victim.now, &packet).is_err());
        let transmit = victim.server.poll_transmit(victim.now, &mut Vec::new()).unwrap();
        assert_eq!((transmit.what, transmit.then), (Outgoing::Error(-404), AfterSend::Close));
        assert!(victim.client.handle_packet(victim.now, &packet).is_err());
        assert!(victim.client.failure().is_some());
    }
}

// spec: crypto 8.5
#[test]
fn legacy_rsa_clients_are_served_only_when_enabled() {
    for (schemes, served) in [(RsaSchemes::Current, false), (RsaSchemes::CurrentAndLegacy, true)] {
        let mut config = server_config();
        config.rsa_schemes = schemes;
        let mut server =
            ServerHandshake::new(Arc::new(config), Box::new(CtrEntropy::from_number(1)));
        let (now, mut out) = (at(1_800_000_000, 0), Vec::new());
        server.handle_packet(now, &support::legacy_client::first_query()).unwrap();
        assert!(server.poll_transmit(now, &mut out).is_some());
        let second = support::legacy_client::second_query(&out);
        let refused = Err(HandshakeError::LegacyScheme);
        let expected = if served { Ok(()) } else { refused };
        assert_eq!(server.handle_packet(now, &second), expected);
        out.clear();
        let transmit = server.poll_transmit(now, &mut out).unwrap();
        let expected =
            if served { Outgoing::Packet { quick_ack: None } } else { Outgoing::Error(-404) };
        assert_eq!(transmit.what, expected);
    }
}

#[test]
fn verdict_for_a_finished_run_is_ignored() {
    let mut pair = Pair::new(13);
    pair.run().unwrap();
    let key = pair.server.poll_key();
    assert!(key.is_none(), "each key is announced once");
    pair.server.decide(pair.run.unwrap(), Verdict::Collides);
    assert!(pair.server.poll_transmit(pair.now, &mut Vec::new()).is_none());
}
