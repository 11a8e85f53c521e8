//! A single session of either side. Its peer is the fuzzer.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mtp_crypto::{CtrEntropy, QuickAckToken, Salt, SessionId, Side};
use mtp_env::{Deadline, Now};
use mtp_session::client::{
    BindInputs, ClientSession, ClientSessionConfig, ClientSessionEvent, Priority, RequestId,
    RequestOptions,
};
use mtp_session::established::{Established, KeyKind};
use mtp_session::link::{AfterSend, LinkId, Outgoing, Transmit};
use mtp_session::server::{
    IncomingId, KeySalts, ServerSalts, ServerSession, ServerSessionConfig, ServerSessionEvent,
};
use mtp_session::service::RpcError;
use mtp_session::session::{KeyOutcome, LinkKind, PacketError};

use super::peer::{Inspector, Peer};
use crate::input::Input;
use crate::known;

/// Drives a client session with calls, time and messages of a server that has the key.
///
/// Input: options, then operations with operands.
pub fn session_client(data: &[u8]) {
    let mut input = Input::new(data);
    let options = input.byte();
    let mut config = ClientSessionConfig::default();
    config.ping = options & 1 != 0;
    config.future_salts = options & 2 != 0;
    config.unpacked_bytes_max = 1 << 16;
    let mut entropy = known::entropy(51);
    let mut session = ClientSession::new(known::start(), Arc::new(config), &mut entropy);
    let kind = if options & 4 == 0 {
        KeyKind::Permanent
    } else {
        KeyKind::Temporary { expires_at: known::start().after(DAY).unix, media: false }
    };
    let established = Established {
        key: Arc::clone(known::auth_key()),
        salt: FIRST_SALT,
        time_offset_ns: i64::from(input.byte().cast_signed()) * 1_000_000_000,
        kind,
    };
    session.set_key(known::start(), &established);
    let peer = Peer::new(Side::Server, session.session_id(), FIRST_SALT);
    let mut run = Run::new(session, entropy, peer, options);
    let mut calls = Calls::default();
    while !input.is_empty() {
        match input.byte() & 15 {
            0 | 1 => calls.make(&mut run, &mut input),
            2 => calls.cancel(&mut run, &mut input),
            3 => run.session.set_online(input.flag()),
            4 => match input.byte() {
                0 => run.session.replace(run.now),
                1 => run.session.destroy_session(SessionId::from_raw(input.u64())),
                2 => run.session.destroy_key(),
                3 => run.session.drop_key(),
                4 => run.session.set_key(run.now, &established),
                5 => run.session.set_bound(),
                6 => {
                    let expires_at = input.u32().cast_signed();
                    let perm_key = Arc::clone(known::auth_key());
                    if let Ok(request) =
                        run.session.bind(run.now, BindInputs { perm_key, expires_at })
                    {
                        calls.open.insert(request, None);
                    }
                }
                _ => {}
            },
            5 => run.session.handle_quick_ack(QuickAckToken::from_raw(input.u32() | 1 << 31)),
            6 => run.session.handle_transport_error(LINK, -i32::from(input.u16())),
            operation => run.step(operation, &mut input),
        }
        run.transmit();
        calls.events(&mut run);
        run.check_timer();
    }
    run.session.close();
    calls.events(&mut run);
    assert!(calls.open.values().all(Option::is_some), "calls are open in a closed session");
    assert_eq!(run.session.calls_open(), 0);
}

/// Drives a server session with answers, updates, time and messages of a client that has the key.
///
/// Input: options, then operations with operands.
pub fn session_server(data: &[u8]) {
    let mut input = Input::new(data);
    let options = input.byte();
    let mut config = ServerSessionConfig::default();
    config.unpacked_bytes_max = 1 << 16;
    config.strict_numbers = options & 1 != 0;
    let mut entropy = known::entropy(52);
    let salts = Arc::new(ServerSalts::new([9; 32]));
    let key = Arc::clone(known::auth_key());
    let key_salts = KeySalts::new(key.id(), Some((known::start().unix, FIRST_SALT)));
    let session_id = SessionId::from_raw(0xc0_ffee);
    let session = ServerSession::new(
        known::start(),
        key,
        session_id,
        (salts, key_salts),
        Arc::new(config),
        &mut entropy,
    );
    let peer = Peer::new(Side::Client, session_id, FIRST_SALT);
    let mut run = Run::new(session, entropy, peer, options);
    let mut running: Vec<IncomingId> = Vec::new();
    let mut ran = BTreeSet::new();
    while !input.is_empty() {
        let now = run.now;
        match input.byte() & 15 {
            0 | 1 if !running.is_empty() => {
                let id = running.remove(usize::from(input.byte()) % running.len());
                let body = body(&mut input);
                let _ = run.session.answer(now, id, &body);
                assert!(
                    run.session.answer(now, id, &body).is_err(),
                    "the second answer is rejected"
                );
            }
            2 if !running.is_empty() => {
                let id = running.remove(0);
                let error = RpcError::new(420, "FLOOD_WAIT_7");
                let _ = run.session.answer_error(now, id, &error);
            }
            3 => drop(run.session.push(now, &body(&mut input))),
            4 => run.session.session_destroyed(SessionId::from_raw(input.u64()), input.flag()),
            5 => run.session.key_destroyed(KeyOutcome::Failed),
            6 => run.peer.salt = Salt::from_raw(FIRST_SALT.as_raw() ^ u64::from(input.byte() & 1)),
            operation => run.step(operation, &mut input),
        }
        run.transmit();
        while let Some(event) = run.session.poll_event() {
            match event {
                // spec: session 20#19
                ServerSessionEvent::Call { id, .. } => {
                    assert!(ran.insert(id), "a call runs twice");
                    running.push(id);
                }
                ServerSessionEvent::CallTimedOut { id } => running.retain(|running| *running != id),
                _ => {}
            }
        }
        run.check_timer();
    }
}

/// Operations that client and server sessions share.
trait Session {
    const SIDE: Side;

    fn link_up(&mut self, now: Now, link: LinkId, kind: LinkKind);
    fn link_down(&mut self, now: Now, link: LinkId);
    fn handle_packet(
        &mut self,
        now: Now,
        link: LinkId,
        packet: &mut [u8],
    ) -> Result<(), PacketError>;
    fn poll_transmit(
        &mut self,
        now: Now,
        link: LinkId,
        out: &mut Vec<u8>,
        entropy: &mut CtrEntropy,
    ) -> Option<Transmit>;
    fn handle_timeout(&mut self, now: Now);
    fn poll_timeout(&self) -> Option<Deadline>;
    fn has_events(&self) -> bool;
    fn trim(&mut self);
}

macro_rules! session {
    ($session:ty, $side:expr) => {
        impl Session for $session {
            const SIDE: Side = $side;

            fn link_up(&mut self, now: Now, link: LinkId, kind: LinkKind) {
                self.link_up(now, link, kind);
            }

            fn link_down(&mut self, now: Now, link: LinkId) {
                self.link_down(now, link);
            }

            fn handle_packet(
                &mut self,
                now: Now,
                link: LinkId,
                packet: &mut [u8],
            ) -> Result<(), PacketError> {
                self.handle_packet(now, link, packet)
            }

            fn poll_transmit(
                &mut self,
                now: Now,
                link: LinkId,
                out: &mut Vec<u8>,
                entropy: &mut CtrEntropy,
            ) -> Option<Transmit> {
                self.poll_transmit(now, link, out, entropy)
            }

            fn handle_timeout(&mut self, now: Now) {
                self.handle_timeout(now);
            }

            fn poll_timeout(&self) -> Option<Deadline> {
                self.poll_timeout()
            }

            fn has_events(&self) -> bool {
                self.has_events()
            }

            fn trim(&mut self) {
                self.trim();
            }
        }
    };
}

session!(ClientSession, Side::Client);
session!(ServerSession, Side::Server);

/// A session, its link, and the peer.
struct Run<S> {
    session: S,
    entropy: CtrEntropy,
    peer: Peer,
    inspector: Inspector,
    now: Now,
    kind: LinkKind,
    is_up: bool,
    old: Vec<Vec<u8>>,
}

impl<S: Session> Run<S> {
    fn new(session: S, entropy: CtrEntropy, peer: Peer, options: u8) -> Self {
        let kind = match options >> 6 {
            2 => LinkKind::Http,
            3 => LinkKind::HttpPoll,
            _ => LinkKind::Stream,
        };
        let mut run = Self {
            session,
            entropy,
            peer,
            inspector: Inspector::default(),
            now: known::start(),
            kind,
            is_up: true,
            old: Vec::new(),
        };
        run.session.link_up(run.now, LINK, kind);
        run
    }

    /// Runs an operation that applies to both sides.
    fn step(&mut self, operation: u8, input: &mut Input<'_>) {
        match operation {
            7..=9 => {
                let packet = self.peer.message(self.now, input);
                self.take(packet);
            }
            10 | 11 => {
                let packet = self.peer.container(self.now, input);
                self.take(packet);
            }
            12 => {
                let unit = [1, 1_000, 60_000, 3_600_000][usize::from(input.byte() & 3)];
                self.pass(Duration::from_millis(unit * u64::from(input.byte())));
            }
            13 => {
                if self.is_up {
                    self.session.link_down(self.now, LINK);
                } else {
                    self.session.link_up(self.now, LINK, self.kind);
                }
                self.is_up = !self.is_up;
            }
            14 if !self.old.is_empty() => {
                let again = self.old[usize::from(input.byte()) % self.old.len()].clone();
                self.take(again);
            }
            15 => {
                let mut packet = input.long().to_vec();
                let _ = self.session.handle_packet(self.now, LINK, &mut packet);
            }
            _ => self.session.trim(),
        }
    }

    fn take(&mut self, mut packet: Vec<u8>) {
        if self.old.len() < 64 {
            self.old.push(packet.clone());
        }
        let _ = self.session.handle_packet(self.now, LINK, &mut packet);
    }

    fn pass(&mut self, duration: Duration) {
        let until = self.now.after(duration);
        for _ in 0..2000 {
            let deadline = self.session.poll_timeout().filter(|next| next.at <= until.mono);
            let Some(deadline) = deadline else { break };
            self.now = self.now.after(deadline.at.saturating_since(self.now.mono));
            self.session.handle_timeout(self.now);
            self.transmit();
            // Events are drained later, by the reference model.
        }
        self.now = until;
        self.session.handle_timeout(self.now);
    }

    /// Drains the output of the session.
    fn transmit(&mut self) {
        for _ in 0..100 {
            let mut out = b"before".to_vec();
            let transmit = self.session.poll_transmit(self.now, LINK, &mut out, &mut self.entropy);
            let Some(transmit) = transmit else {
                assert_eq!(out, b"before", "the buffer is unchanged");
                return;
            };
            if let Outgoing::Packet { .. } = transmit.what {
                let packet = self.peer.read(&out[6..]);
                self.inspector.check(&packet, S::SIDE);
            }
            if transmit.then == AfterSend::Close {
                self.session.link_down(self.now, LINK);
                self.is_up = false;
                return;
            }
        }
        panic!("the output never ends");
    }

    /// Checks that no deadline is in the past after handling it.
    // spec: session 20#16
    fn check_timer(&mut self) {
        for _ in 0..20 {
            match self.session.poll_timeout() {
                Some(next) if next.at <= self.now.mono => {
                    self.session.handle_timeout(self.now);
                    self.transmit();
                }
                _ => return,
            }
        }
        // Only pending events may delay it.
        let next = self.session.poll_timeout();
        assert!(
            self.session.has_events() || next.is_none_or(|next| next.at > self.now.mono),
            "{next:?}"
        );
    }
}

/// The reference model of a client: open calls and the ends of the others.
#[derive(Default)]
struct Calls {
    open: BTreeMap<RequestId, Option<&'static str>>,
}

impl Calls {
    fn make(&mut self, run: &mut Run<ClientSession>, input: &mut Input<'_>) {
        let how = input.byte();
        let mut options = RequestOptions::new().priority(match how & 3 {
            0 => Priority::High,
            1 => Priority::Low,
            _ => Priority::Normal,
        });
        if how & 4 != 0 {
            options = options.once();
        }
        if how & 8 != 0 {
            options = options.quick_ack();
        }
        if how & 16 != 0
            && let Some((before, _)) = self.open.last_key_value()
        {
            options = options.after(*before);
        }
        if let Ok(request) = run.session.request(run.now, &body(input), options) {
            assert!(self.open.insert(request, None).is_none(), "request ids are unique");
        }
    }

    fn cancel(&mut self, run: &mut Run<ClientSession>, input: &mut Input<'_>) {
        let open = self.open.iter_mut().filter(|(_, end)| end.is_none());
        let which = usize::from(input.byte());
        if let Some((request, end)) = open.rev().nth(which & 3) {
            assert!(run.session.cancel(*request).is_ok(), "the call was open");
            *end = Some("cancelled");
        }
    }

    // spec: session 20#4
    fn events(&mut self, run: &mut Run<ClientSession>) {
        while let Some(event) = run.session.poll_event() {
            let (request, how) = match event {
                ClientSessionEvent::Result { request, .. } => (request, "result"),
                ClientSessionEvent::RpcError { request, error } => {
                    let _ = error.reaction();
                    (request, "error")
                }
                ClientSessionEvent::Failed { request, .. } => (request, "failed"),
                ClientSessionEvent::Delivered { request }
                | ClientSessionEvent::QuickAcked { request } => {
                    assert!(self.open.contains_key(&request));
                    continue;
                }
                _ => continue,
            };
            let end = self.open.get_mut(&request).expect("a known call");
            assert_eq!(*end, None, "{request:?} ends twice, the second time with {how}");
            *end = Some(how);
        }
        let open = self.open.values().filter(|end| end.is_none()).count();
        assert!(run.session.calls_open() >= open, "the session lost a call");
    }
}

/// Returns the body of a call, an answer or an update.
fn body(input: &mut Input<'_>) -> Vec<u8> {
    let id = 0x1111_1111_u32.to_le_bytes();
    let repeat = usize::from(input.byte());
    [&id[..], &input.byte().to_le_bytes().repeat(4 * repeat)].concat()
}

const LINK: LinkId = LinkId::new(1);
const FIRST_SALT: Salt = Salt::from_raw(0x5a17);
const DAY: Duration = Duration::from_secs(86_400);
