//! A client and a server machine over a wire that the fuzzer controls.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mtp_crypto::Side;
use mtp_env::Now;
use mtp_session::client::{
    CallError, ClientEvent, ClientMachine, ClientSessionEvent, RequestId, RequestOptions,
};
use mtp_session::link::{AfterSend, LinkId, Outgoing, QuickAck};
use mtp_session::server::{
    IncomingId, ServerEvent, ServerMachine, ServerSessionEvent, SessionName,
};
use mtp_session::session::LinkKind;

use super::machines;
use super::peer::{Inspector, Packet};
use crate::input::Input;
use crate::known;

/// Runs operations on both machines and their wire: calls, answers, updates, delivery, loss and duplication of packets,
/// disconnects, loss of the server's sessions, time. In the end the wire is repaired, and every call must have ended once
/// with its own answer.
///
/// Input: options, then operations of one byte with operands.
pub fn session_pair(data: &[u8]) {
    let mut input = Input::new(data);
    let mut world = World::new(input.byte());
    for _ in 0..200 {
        if input.is_empty() {
            break;
        }
        world.step(&mut input);
        world.collect();
    }
    world.heal();
}

struct Call {
    number: u32,
    once: bool,
    ended: bool,
}

struct World {
    client: ClientMachine,
    server: ServerMachine,
    now: Now,
    link: LinkId,
    links: u64,
    is_up: bool,
    to_server: VecDeque<Vec<u8>>,
    to_client: VecDeque<Vec<u8>>,
    calls: BTreeMap<RequestId, Call>,
    running: Vec<(SessionName, IncomingId, u32)>,
    /// Calls that ran: incarnation of the server, session, message.
    ran: BTreeSet<(u32, SessionName, IncomingId)>,
    incarnation: u32,
    sessions: BTreeSet<SessionName>,
    pushed: u32,
    updates: BTreeSet<u32>,
    from_client: Inspector,
    from_server: BTreeMap<u32, Inspector>,
}

impl World {
    fn new(options: u8) -> Self {
        let mut world = Self {
            client: machines::client(options),
            server: machines::server(known::start()),
            now: known::start(),
            link: LinkId::new(0),
            links: 0,
            is_up: false,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            calls: BTreeMap::new(),
            running: Vec::new(),
            ran: BTreeSet::new(),
            incarnation: 0,
            sessions: BTreeSet::new(),
            pushed: 0,
            updates: BTreeSet::new(),
            from_client: Inspector::default(),
            from_server: BTreeMap::new(),
        };
        world.connect();
        world
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let operation = input.byte();
        let operand = usize::from(operation >> 4);
        match operation & 15 {
            0 | 1 => self.call(operand),
            2 | 3 => self.deliver_to_server(0),
            4 | 5 => self.deliver_to_client(0),
            6 if !self.running.is_empty() => self.answer(operand % self.running.len()),
            7 => self.deliver_to_server(operand),
            8 => self.deliver_to_client(operand),
            9 => drop(self.to_server.remove(operand)),
            10 => drop(self.to_client.remove(operand)),
            11 => {
                let wire = if operand & 1 == 0 { &mut self.to_server } else { &mut self.to_client };
                if let Some(packet) = wire.get(operand >> 1).cloned() {
                    wire.push_back(packet);
                }
            }
            12 if operand == 15 => self.forget(),
            12 if self.is_up => self.cut(),
            12 => self.connect(),
            13 => self.pass(Duration::from_millis(100 << operand)),
            14 => self.push(),
            _ => self.cancel(operand),
        }
    }

    fn call(&mut self, how: usize) {
        let number = u32::try_from(self.calls.len()).expect("few");
        let mut options = RequestOptions::new();
        if how & 1 != 0 {
            options = options.once();
        }
        if how & 2 != 0
            && let Some((before, _)) = self.calls.last_key_value()
        {
            options = options.after(*before);
        }
        let request = self.client.request(self.now, &body(CALL, number), options);
        let request = request.expect("the calls are few and short");
        self.calls.insert(request, Call { number, once: how & 1 != 0, ended: false });
    }

    fn cancel(&mut self, which: usize) {
        let open = self.calls.iter_mut().filter(|(_, call)| !call.ended);
        let Some((request, call)) = open.rev().nth(which) else { return };
        let request = *request;
        if self.client.cancel(self.now, request).is_ok() {
            call.ended = true;
        } else {
            // Its end is a pending event.
            self.client_events();
            assert!(self.calls[&request].ended, "the call was open");
        }
    }

    fn push(&mut self) {
        if let Some(session) = self.sessions.last() {
            self.pushed += 1;
            let _ = self.server.push(self.now, *session, &body(UPDATE, self.pushed));
        }
    }

    fn answer(&mut self, which: usize) {
        let (session, id, number) = self.running.remove(which);
        // The session may be gone.
        let _ = self.server.answer(self.now, session, id, &body(ANSWER, number));
    }

    fn connect(&mut self) {
        self.links += 1;
        self.link = LinkId::new(self.links);
        self.is_up = true;
        self.client.link_up(self.now, self.link, LinkKind::Stream);
        self.server.link_up(self.now, self.link, LinkKind::Stream);
    }

    fn cut(&mut self) {
        self.is_up = false;
        self.to_server.clear();
        self.to_client.clear();
        self.client.link_down(self.now, self.link);
        self.server.link_down(self.now, self.link);
    }

    /// Restarts the server with the key, but without sessions.
    fn forget(&mut self) {
        if self.is_up {
            self.cut();
        }
        self.server = machines::server(self.now);
        self.incarnation += 1;
        self.running.clear();
        self.sessions.clear();
    }

    fn deliver_to_server(&mut self, which: usize) {
        let Some(mut packet) = self.to_server.remove(which) else { return };
        let result =
            self.server.handle_packet(self.now, self.link, &mut packet, QuickAck::NotWanted);
        if let Err(error) = result {
            assert!(!error.to_string().is_empty());
        }
    }

    fn deliver_to_client(&mut self, which: usize) {
        let Some(mut packet) = self.to_client.remove(which) else { return };
        let _ = self.client.handle_packet(self.now, self.link, &mut packet);
    }

    fn pass(&mut self, duration: Duration) {
        let until = self.now.after(duration);
        for _ in 0..10_000 {
            self.collect();
            let next = [self.client.poll_timeout(), self.server.poll_timeout()];
            let next = next.into_iter().flatten().map(|deadline| deadline.at).min();
            let Some(next) = next.filter(|next| *next < until.mono) else {
                self.now = until;
                self.client.handle_timeout(self.now);
                self.server.handle_timeout(self.now);
                return;
            };
            self.now = self.now.after(next.saturating_since(self.now.mono));
            self.client.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
        }
        let next = (self.client.poll_timeout(), self.server.poll_timeout());
        panic!("timers spin: {next:?} at {:?}", self.now);
    }

    /// Drains the output and the events of both sides.
    fn collect(&mut self) {
        self.client_events();
        self.server_events();
        for _ in 0..1000 {
            let mut out = Vec::new();
            match self.client.poll_transmit(self.now, self.link, &mut out) {
                None => break,
                Some(transmit) => {
                    if let Outgoing::Packet { .. } = transmit.what {
                        self.from_client.check(&Packet::open(&out, Side::Client), Side::Client);
                        self.to_server.push_back(out);
                    }
                    if transmit.then == AfterSend::Close && self.is_up {
                        self.cut();
                    }
                }
            }
        }
        while self.server.poll_link().is_some() {}
        for _ in 0..1000 {
            let mut out = Vec::new();
            match self.server.poll_transmit(self.now, self.link, &mut out) {
                None => return,
                Some(transmit) => {
                    if let Outgoing::Packet { .. } = transmit.what {
                        let inspector = self.from_server.entry(self.incarnation).or_default();
                        inspector.check(&Packet::open(&out, Side::Server), Side::Server);
                        self.to_client.push_back(out);
                    }
                    if transmit.then == AfterSend::Close && self.is_up {
                        self.cut();
                    }
                }
            }
        }
        panic!("the output of the server never ends");
    }

    fn client_events(&mut self) {
        while let Some(event) = self.client.poll_event() {
            let ClientEvent::Session(event) = event else { continue };
            let request = match event {
                ClientSessionEvent::Result { request, body: found } => {
                    assert_eq!(found, body(ANSWER, self.calls[&request].number));
                    request
                }
                ClientSessionEvent::RpcError { request, .. } => request,
                ClientSessionEvent::Failed { request, error } => {
                    assert!(error != CallError::MaybeExecuted || self.calls[&request].once);
                    request
                }
                // spec: session 20#6
                ClientSessionEvent::Update { body } => {
                    let number = u32::from_le_bytes(body[4..8].try_into().expect("four bytes"));
                    assert!(self.updates.insert(number), "duplicate update");
                    continue;
                }
                _ => continue,
            };
            // spec: session 20#4
            let call = self.calls.get_mut(&request).expect("a known call");
            assert!(!call.ended, "{request:?} ends twice");
            call.ended = true;
        }
    }

    fn server_events(&mut self) {
        while let Some(event) = self.server.poll_event() {
            match event {
                ServerEvent::SessionNew { session, .. } => {
                    self.sessions.insert(session);
                }
                ServerEvent::SessionGone { session, .. } => {
                    self.sessions.remove(&session);
                    if let Some(inspector) = self.from_server.get_mut(&self.incarnation) {
                        inspector.forget(session.id.as_raw());
                    }
                    self.running.retain(|(running, ..)| *running != session);
                }
                ServerEvent::Session {
                    session,
                    event: ServerSessionEvent::Call { id, query, .. },
                } => {
                    // spec: session 20#19
                    let fresh = self.ran.insert((self.incarnation, session, id));
                    assert!(fresh, "a call runs twice");
                    let number = query.get(4..8).and_then(|four| four.try_into().ok());
                    let number = u32::from_le_bytes(number.expect("the body of a call"));
                    self.running.push((session, id, number));
                }
                ServerEvent::Session {
                    session,
                    event: ServerSessionEvent::CallTimedOut { id },
                } => {
                    self.running.retain(|(running, call, _)| (*running, *call) != (session, id));
                }
                _ => {}
            }
        }
    }

    /// Repairs the wire: every call must end.
    // spec: session 20#10, 20#26
    fn heal(&mut self) {
        for _ in 0..600 {
            if !self.is_up {
                self.connect();
            }
            for _ in 0..20 {
                self.collect();
                while !self.to_server.is_empty() {
                    self.deliver_to_server(0);
                }
                self.collect();
                while !self.running.is_empty() {
                    self.answer(0);
                }
                self.collect();
                while !self.to_client.is_empty() {
                    self.deliver_to_client(0);
                }
            }
            self.collect();
            if self.calls.values().all(|call| call.ended) {
                return;
            }
            self.pass(Duration::from_secs(1));
        }
        let open: Vec<_> = self.calls.iter().filter(|(_, call)| !call.ended).collect();
        let open: Vec<_> = open.iter().map(|(request, call)| (request, call.number)).collect();
        panic!("calls are still open: {open:?}");
    }
}

fn body(id: u32, number: u32) -> Vec<u8> {
    [id.to_le_bytes(), number.to_le_bytes()].concat()
}

const CALL: u32 = 0x1111_1111;
const UPDATE: u32 = 0x2222_2222;
const ANSWER: u32 = 0x3333_3333;
