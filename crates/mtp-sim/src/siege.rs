//! A server under attack by a client that has a key: what its bytes may cost.
//!
//! ```text
//!   attacker ── fans, chains, floods, large answers, duplicates on strange links ──▶ ┌────────┐
//!   honest client ── a call each second ───────────────────────────────────────────▶ │ Server │
//!                                                                                    └────────┘
//!   after every step: work ≤ what the packet pays for; bytes held ≤ the limit; bytes sent without news ≤ what was held
//! ```
//!
//! These rules are no invariants of the specification. They have the number [`COST`].

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use mtp_crypto::{
    AuthKey, DcId, InnerHeader, MsgId, Padding, SeqNo, SessionId, Side, begin, open, pad, seal,
};
use mtp_env::{Instant, Now};
use mtp_session::client::{
    ClientConfig, ClientEvent, ClientMachine, ClientSessionEvent, RequestOptions, Secrecy,
};
use mtp_session::established::{Established, KeyKind};
use mtp_session::link::{AfterSend, LinkId, QuickAck};
use mtp_session::server::{
    KeySalts, ServerConfig, ServerEvent, ServerHandshakeConfig, ServerMachine, ServerSalts,
    ServerSessionConfig, ServerSessionEvent, SessionName,
};
use mtp_session::service::{
    Container, GetFutureSalts, MSG_CONTAINER, MsgIds, MsgResendReq, MsgsAck, MsgsStateReq, Ping,
    RpcDropAnswer,
};
use mtp_session::session::LinkKind;
use mtp_tl::Encode;

use crate::clock::SideClock;
use crate::dice::Dice;
use crate::tally::Tally;
use crate::violation::Violation;
use crate::world::rsa_keys;

/// The number of the rules about cost among the invariants.
pub const COST: u8 = 28;

/// The parameters of a siege.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a parameter list for tests")]
pub struct Siege {
    /// Determines all random choices.
    pub seed: u64,
    /// The number of steps, each with an attack.
    pub steps: usize,
    /// Modifies the configuration of the server's sessions.
    pub server: Option<fn(&mut ServerSessionConfig)>,
}

impl Siege {
    /// Returns the siege of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, steps: 40, server: None }
    }

    /// Runs the siege; the tally has the largest costs.
    ///
    /// # Errors
    /// [`Violation`] if something costs more than it pays for, or the honest client is not served.
    pub fn run(&self) -> Result<Tally, Violation> {
        let mut field = Field::new(self);
        for step in 0..self.steps {
            field.step(step)?;
        }
        field.finish()
    }
}

/// The state of a siege.
struct Field {
    at: Instant,
    clock: SideClock,
    dice: Dice,
    server: ServerMachine,
    held_max: usize,
    attacker: Attacker,
    honest: ClientMachine,
    asked: u64,
    answered: u64,
    tally: Tally,
    calls: Vec<(SessionName, mtp_session::server::IncomingId, usize)>,
    /// Bytes sent on each link since a packet was received on it, and what may be sent.
    unpaid: BTreeMap<LinkId, (usize, usize)>,
}

/// The attacker's side of its session.
struct Attacker {
    key: Arc<AuthKey>,
    session: SessionName,
    salt: mtp_crypto::Salt,
    last: u64,
    odd: i32,
    mine: Vec<u64>,
    theirs: Vec<u64>,
    old: Vec<Vec<u8>>,
}

impl Field {
    fn new(siege: &Siege) -> Self {
        let mut dice = Dice::new(siege.seed);
        let at = Instant::default();
        let clock = SideClock::new(Instant::from_micros(1 << 40), 0);
        let now = clock.now(at);
        let secret = Arc::new(ServerSalts::new([0x5a; 32]));
        let handshake = ServerHandshakeConfig::new(DcId::new(2), rsa_keys().0);
        let mut config = ServerConfig::new(handshake, secret);
        // Small, so that the limits are reached.
        config.session.held_bytes_max = 2 << 20;
        config.session.unacked_bytes_max = 512 << 10;
        config.session.output_bytes_max = 256 << 10;
        if let Some(change) = siege.server {
            change(&mut config.session);
        }
        let held_max = config.session.held_bytes_max;
        let mut server = ServerMachine::new(config, Box::new(dice.entropy()));
        // Each run of a server has salts of its own.
        let salts = server.salts();
        let (mine, theirs) = (key(&mut dice, salts, now), key(&mut dice, salts, now));
        for key in [&mine, &theirs] {
            server.insert_key(now, key, None);
        }
        let mut config = ClientConfig::new(DcId::new(2), rsa_keys().1);
        config.secrecy = Secrecy::Off;
        let mut honest = ClientMachine::new(config, now, Some(mine), Box::new(dice.entropy()));
        for link in [HONEST, HOSTILE, STRANGE] {
            server.link_up(now, link, LinkKind::Stream);
        }
        honest.link_up(now, HONEST, LinkKind::Stream);
        let session =
            SessionName { key: theirs.key.id(), id: SessionId::from_raw(dice.number() | 1) };
        let attacker = Attacker {
            key: theirs.key,
            session,
            salt: theirs.salt,
            last: 0,
            odd: 0,
            mine: Vec::new(),
            theirs: Vec::new(),
            old: Vec::new(),
        };
        Self {
            at,
            clock,
            dice,
            server,
            held_max,
            attacker,
            honest,
            asked: 0,
            answered: 0,
            tally: Tally::default(),
            calls: Vec::new(),
            unpaid: BTreeMap::new(),
        }
    }

    fn now(&self) -> Now {
        self.clock.now(self.at)
    }

    fn violated(&self, what: String) -> Violation {
        Violation { invariant: COST, name: "cost is paid for", what, at: self.at }
    }

    fn step(&mut self, step: usize) -> Result<(), Violation> {
        if step.is_multiple_of(4) {
            let now = self.now();
            let made = self.honest.request(now, &question(16, 0), RequestOptions::new());
            self.asked += u64::from(made.is_ok());
        }
        self.move_honest()?;
        for _ in 0..self.dice.between(1, 4) {
            self.attack()?;
        }
        self.serve()?;
        if self.dice.once_in(2) {
            self.read_hostile()?;
        }
        self.move_honest()?;
        let pause = self.dice.span(Duration::from_millis(1), Duration::from_secs(2));
        self.at = self.at + pause;
        let now = self.now();
        self.server.handle_timeout(now);
        self.honest.handle_timeout(now);
        self.check_held()
    }

    fn finish(mut self) -> Result<Tally, Violation> {
        for _ in 0..4 {
            self.at = self.at + Duration::from_secs(2);
            self.serve()?;
            self.move_honest()?;
        }
        let (asked, answered) = (self.asked, self.answered);
        if answered < asked {
            return Err(self.violated(format!("{answered} of {asked} honest calls were answered")));
        }
        self.tally.count("sieges");
        Ok(self.tally)
    }

    /// Delivers a packet, and checks what it cost.
    fn deliver(&mut self, link: LinkId, bytes: &[u8]) -> Result<(), Violation> {
        if !self.server.wants_packets(link) {
            self.tally.count("packets left unread");
            return Ok(());
        }
        let (now, mut packet) = (self.now(), bytes.to_vec());
        let result = self.server.handle_packet(now, link, &mut packet, QuickAck::NotWanted);
        self.tally.count(if result.is_ok() { "packets" } else { "packets refused" });
        let (work, len) = (self.server.work_of_last_packet().as_u64(), bytes.len() as u64);
        self.tally.most("work of a packet", work);
        self.tally.most("work per thousand bytes", work * 1000 / len.max(1));
        let allowed = PACKET_WORK + BYTE_WORK * len;
        if work > allowed {
            let what = format!("{work} units of work for {len} bytes, {allowed} are paid for");
            return Err(self.violated(what));
        }
        let held = self.server.held_bytes();
        self.unpaid.insert(link, (0, held));
        self.check_held()
    }

    fn check_held(&mut self) -> Result<(), Violation> {
        let Some(greediest) = self.server.greediest() else { return Ok(()) };
        let held = self.server.held_bytes_of(greediest);
        self.tally.most("bytes held by a session", held as u64);
        // The check comes before a message: one may be held beyond the limit.
        if held > self.held_max + MESSAGE_MAX {
            let limit = self.held_max;
            return Err(self.violated(format!("{held} bytes held, the limit is {limit}")));
        }
        Ok(())
    }

    /// Writes a link's output; returns the packets.
    fn output(&mut self, link: LinkId, count: usize) -> Result<Vec<Vec<u8>>, Violation> {
        let mut packets = Vec::new();
        for _ in 0..count {
            let (now, mut out) = (self.now(), Vec::new());
            let Some(transmit) = self.server.poll_transmit(now, link, &mut out) else { break };
            let (sent, paid) = self.unpaid.entry(link).or_default();
            *sent += out.len();
            let (sent, paid) = (*sent, *paid);
            self.tally.most("bytes sent without news", sent as u64);
            if sent > SENT_TIMES * paid + SENT_BESIDE {
                let what = format!("{sent} bytes sent without news, {paid} were held then");
                return Err(self.violated(what));
            }
            if !out.is_empty() {
                packets.push(out);
            }
            if transmit.then == AfterSend::Close {
                self.server.link_down(now, link);
                self.server.link_up(now, link, LinkKind::Stream);
                break;
            }
        }
        Ok(packets)
    }

    fn move_honest(&mut self) -> Result<(), Violation> {
        for _ in 0..8 {
            let (now, mut out) = (self.now(), Vec::new());
            if self.honest.poll_transmit(now, HONEST, &mut out).is_none() {
                break;
            }
            self.deliver(HONEST, &out)?;
        }
        self.serve()?;
        for mut packet in self.output(HONEST, 64)? {
            let now = self.now();
            if self.honest.handle_packet(now, HONEST, &mut packet).is_err() {
                self.tally.count("packets rejected by the honest client");
            }
        }
        while let Some(event) = self.honest.poll_event() {
            if let ClientEvent::Session(ClientSessionEvent::Result { .. }) = event {
                self.answered += 1;
            }
        }
        Ok(())
    }

    /// The application: answers calls with as many bytes as they ask for.
    fn serve(&mut self) -> Result<(), Violation> {
        while let Some(event) = self.server.poll_event() {
            if let ServerEvent::Session { session, event } = event
                && let ServerSessionEvent::Call { id, query, .. } = event
            {
                let len = query.get(4..8).and_then(|len| len.first_chunk());
                let len = len.map_or(4, |len| u32::from_le_bytes(*len) as usize);
                self.calls.push((session, id, len.clamp(4, 1 << 20) / 4 * 4));
            }
        }
        let now = self.now();
        for (session, id, len) in core::mem::take(&mut self.calls) {
            let mut body = vec![1; len];
            body[0] = u8::try_from(self.dice.below(250)).unwrap_or(1);
            let result = self.server.answer(now, session, id, &body);
            self.tally.count(if result.is_ok() { "calls answered" } else { "answers refused" });
            if result.is_ok() {
                for (_, paid) in self.unpaid.values_mut() {
                    *paid += len;
                }
            }
        }
        self.check_held()
    }

    // ── attacks ────────────────────────────────────────────────────────────────────────────────

    fn attack(&mut self) -> Result<(), Violation> {
        let kind = self.dice.below(10);
        let link = if self.dice.once_in(8) { STRANGE } else { HOSTILE };
        if kind == 9 && !self.attacker.old.is_empty() {
            // A duplicate, now and then from a link of another client.
            let again = self.dice.index(self.attacker.old.len());
            let packet = self.attacker.old[again].clone();
            return self.deliver(link, &packet);
        }
        let count = 1 << self.dice.below(11);
        let (ids, back) = (1_usize << self.dice.below(14), self.dice.index(64));
        let asked = 4_u32 << self.dice.below(19);
        let now = self.now();
        let mut bodies = Vec::new();
        let attacker = &self.attacker;
        for index in 0..count.min(CONTAINER_MAX) {
            let ahead = |steps: usize| (attacker.last & !3) + 4 * steps as u64;
            bodies.push(match kind {
                // A fan, a chain, and calls that fail at once and with them those that wait.
                0 => after((0..ids.min(512)).map(|step| ahead(step + back))),
                1 => after([ahead(index)]),
                2 | 8 => INVOKE_AFTER_MSG.to_le_bytes().to_vec(),
                3 => MsgsStateReq { msg_ids: named(&attacker.mine, ids, back) }.to_bytes(),
                4 => question(asked, index),
                5 => MsgResendReq { msg_ids: named(&attacker.theirs, ids, back) }.to_bytes(),
                6 => MsgsAck { msg_ids: named(&attacker.theirs, ids, 0) }.to_bytes(),
                7 if index % 2 == 0 => GetFutureSalts { num: 64 }.to_bytes(),
                7 => Ping { ping_id: index as u64 }.to_bytes(),
                _ => RpcDropAnswer { req_msg_id: MsgId::from_raw(ahead(index)) }.to_bytes(),
            });
            if bodies.iter().map(Vec::len).sum::<usize>() > PACKET_MAX {
                break;
            }
        }
        self.tally.count(ATTACKS[usize::try_from(kind).unwrap_or(0)]);
        let packet = self.attacker.container(now, &bodies, &mut self.dice);
        if self.attacker.old.len() < 32 {
            self.attacker.old.push(packet.clone());
        }
        self.deliver(link, &packet)
    }

    fn read_hostile(&mut self) -> Result<(), Violation> {
        let count = self.dice.index(200);
        for link in [HOSTILE, STRANGE] {
            for packet in self.output(link, count)? {
                self.attacker.read(packet);
            }
        }
        Ok(())
    }
}

impl Attacker {
    fn label(&mut self, now: Now, is_odd: bool) -> (MsgId, SeqNo) {
        let fraction = (u64::from(now.unix.subsec_nanos()) << 32) / 1_000_000_000;
        self.last = ((now.unix.as_secs() << 32 | fraction) & !3).max(self.last + 4);
        let seq_no = self.odd.wrapping_mul(2) + i32::from(is_odd);
        self.odd = self.odd.wrapping_add(i32::from(is_odd));
        self.mine.push(self.last);
        (MsgId::from_raw(self.last), SeqNo::from_raw(seq_no))
    }

    /// Seals messages in a container.
    #[expect(clippy::expect_used, reason = "the harness makes valid packets")]
    fn container(&mut self, now: Now, bodies: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
        let mut body = Vec::new();
        MSG_CONTAINER.get().encode(&mut body);
        u32::try_from(bodies.len()).unwrap_or(0).encode(&mut body);
        for inner in bodies {
            let is_odd = !inner.starts_with(&MSGS_ACK.to_le_bytes());
            let (msg_id, seq_no) = self.label(now, is_odd);
            body.extend_from_slice(&msg_id.as_raw().to_le_bytes());
            body.extend_from_slice(&seq_no.as_raw().to_le_bytes());
            u32::try_from(inner.len()).unwrap_or(0).encode(&mut body);
            body.extend_from_slice(inner);
        }
        let (msg_id, seq_no) = self.label(now, false);
        let (salt, session_id) = (self.salt, self.session.id);
        let mut out = Vec::new();
        let start = begin(&mut out, InnerHeader { salt, session_id, msg_id, seq_no });
        out.extend_from_slice(&body);
        pad(&mut out, start, Padding::Minimum, &mut dice.entropy()).expect("a multiple of four");
        seal(&self.key, Side::Client, &mut out).expect("padded");
        out
    }

    /// Learns the ids of what the server sent.
    fn read(&mut self, mut packet: Vec<u8>) {
        let Ok(opened) = open(&self.key, Side::Server, &mut packet) else { return };
        let (msg_id, seq_no) = (opened.header.msg_id, opened.header.seq_no);
        self.theirs.push(msg_id.as_raw());
        if let Ok(container) = Container::parse(msg_id, seq_no, opened.body) {
            self.theirs.extend(container.iter().map(|inner| inner.msg_id.as_raw()));
        }
    }
}

/// Makes a key that both sides know.
#[expect(clippy::expect_used, reason = "the id of a random key is not zero")]
fn key(dice: &mut Dice, secret: &ServerSalts, now: Now) -> Established {
    let mut bytes = [0; 256];
    bytes.copy_from_slice(&dice.bytes(256));
    let key = Arc::new(AuthKey::new(bytes).expect("an id that is not zero"));
    let salt = KeySalts::new(key.id(), None).current(secret, now.unix);
    Established { key, salt, time_offset_ns: 0, kind: KeyKind::Permanent }
}

/// A call that asks for an answer of some length.
fn question(len: u32, index: usize) -> Vec<u8> {
    let index = u32::try_from(index).unwrap_or(0);
    [QUESTION.to_le_bytes(), len.to_le_bytes(), index.to_le_bytes()].concat()
}

/// A call that waits for others.
fn after(ids: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let ids: Vec<MsgId> = ids.into_iter().map(MsgId::from_raw).collect();
    let listed = MsgsAck { msg_ids: MsgIds::new(ids) }.to_bytes();
    let listed = listed.get(4..).unwrap_or_default();
    [&INVOKE_AFTER_MSGS.to_le_bytes()[..], listed, &question(16, 0)].concat()
}

fn named(ids: &[u64], count: usize, back: usize) -> MsgIds<'static> {
    let last = ids.iter().rev().skip(back).take(count.min(8192));
    let named: Vec<MsgId> = last.map(|id| MsgId::from_raw(*id)).collect();
    MsgIds::new(named)
}

/// The attacks by number.
const ATTACKS: [&str; 10] = [
    "fans of waiting calls",
    "chains of waiting calls",
    "calls that fail at once",
    "floods of state requests",
    "calls with large answers",
    "floods of resend requests",
    "acknowledgments",
    "floods of pings and salt requests",
    "calls that fail at once",
    "dropped answers",
];
/// Work that a packet of the siege may cause. Nothing in it is packed, so that this is far below what a session allows.
pub const PACKET_WORK: u64 = 32_768;
/// Work that each byte may cause besides. A message that comes out of order moves up to half of the thousand that are
/// remembered, which is most of it.
pub const BYTE_WORK: u64 = 8;
/// What one message may hold beyond the limit.
const MESSAGE_MAX: usize = 2 << 20;
/// A message is sent once and repeated five times at most.
const SENT_TIMES: usize = 8;
/// Service messages without news.
const SENT_BESIDE: usize = 1 << 20;
const CONTAINER_MAX: usize = 1000;
const PACKET_MAX: usize = 400_000;
const HONEST: LinkId = LinkId::new(1);
const HOSTILE: LinkId = LinkId::new(2);
const STRANGE: LinkId = LinkId::new(3);
const QUESTION: u32 = 0x5a15_5a16;
const INVOKE_AFTER_MSG: u32 = 0xcb9f_372d;
const INVOKE_AFTER_MSGS: u32 = 0x3dc4_b4f0;
const MSGS_ACK: u32 = 0x62d6_b459;
