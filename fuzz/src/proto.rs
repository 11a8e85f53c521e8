//! Whole connections over a wire whose bytes the fuzzer cuts and damages.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use mtp_env::Now;
use mtp_proto::{ClientConnection, ServerConnection};
use mtp_session::client::{ClientEvent, ClientSessionEvent, RequestId, RequestOptions};
use mtp_session::server::{IncomingId, ServerEvent, ServerSessionEvent, SessionName};

use crate::input::Input;
use crate::session::machines;
use crate::{known, transport};

/// Connects a client and a server and runs operations: calls, answers, partial transfers, damage, disconnects, time. In
/// the end the wire is repaired, and every call must have ended once with its own answer.
///
/// Input: the stack, then operations of one byte with operands.
pub fn connection_pair(data: &[u8]) {
    let mut input = Input::new(data);
    let mut world = World::new(input.byte());
    for _ in 0..100 {
        if input.is_empty() {
            break;
        }
        world.step(&mut input);
        world.events();
    }
    world.heal();
}

struct World {
    stack: u8,
    client: ClientConnection,
    server: ServerConnection,
    now: Now,
    up: VecDeque<u8>,
    down: VecDeque<u8>,
    calls: BTreeMap<RequestId, (u32, bool)>,
    running: Vec<(SessionName, IncomingId, u32)>,
    /// The client suspects that the server lost its key: damage can look like that.
    doubts_key: bool,
}

impl World {
    fn new(stack: u8) -> Self {
        let stack = stack % transport::STACKS;
        let now = known::start();
        let (client, server) = (machines::client(3), machines::server(now));
        Self {
            stack,
            client: ClientConnection::new(now, transport::client_at(now, stack), client),
            server: ServerConnection::new(now, transport::server_at(now, stack), server),
            now,
            up: VecDeque::new(),
            down: VecDeque::new(),
            calls: BTreeMap::new(),
            running: Vec::new(),
            doubts_key: false,
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let operation = input.byte();
        let operand = usize::from(operation >> 4);
        match operation & 15 {
            0 | 1 => self.call(operand),
            2 if !self.running.is_empty() => self.answer(operand % self.running.len()),
            3 | 4 => self.carry_up(usize::from(input.u16())),
            5 | 6 => self.carry_down(usize::from(input.u16())),
            7 => self.carry(),
            8 => {
                let wire = if operand & 1 == 0 { &mut self.up } else { &mut self.down };
                let at = usize::from(input.u16()) % wire.len().max(1);
                if let Some(byte) = wire.get_mut(at) {
                    *byte ^= input.byte();
                }
            }
            9 => {
                let _ = self.client.handle_eof(self.now);
            }
            10 => {
                let _ = self.server.handle_eof(self.now);
            }
            11 => self.reconnect(),
            12 => {
                let garbage = input.short();
                self.up.extend(garbage);
            }
            13 => {
                let garbage = input.short();
                self.down.extend(garbage);
            }
            _ => self.pass(Duration::from_millis(10 << operand)),
        }
    }

    fn call(&mut self, how: usize) {
        let number = u32::try_from(self.calls.len()).expect("few");
        let options = RequestOptions::new();
        let options = if how & 1 == 0 { options } else { options.quick_ack() };
        let body = [CALL, number].map(u32::to_le_bytes).concat().repeat(1 + how * how);
        let request = self.client.client_mut().request(self.now, &body, options);
        self.calls.insert(request.expect("few calls"), (number, false));
    }

    fn answer(&mut self, which: usize) {
        let (session, id, number) = self.running.remove(which);
        let body = [ANSWER, number].map(u32::to_le_bytes).concat();
        let _ = self.server.server_mut().answer(self.now, session, id, &body);
    }

    fn transmit(&mut self) {
        for _ in 0..1000 {
            let mut out = Vec::new();
            let any = self.client.poll_transmit(self.now, &mut out);
            assert_eq!(any, !out.is_empty());
            self.up.extend(&out);
            out.clear();
            let more = self.server.poll_transmit(self.now, &mut out);
            assert_eq!(more, !out.is_empty());
            self.down.extend(&out);
            if !any && !more {
                return;
            }
        }
        panic!("the output never ends");
    }

    fn carry_up(&mut self, len: usize) {
        self.transmit();
        let bytes: Vec<u8> = self.up.drain(..len.min(self.up.len())).collect();
        let _ = self.server.handle_bytes(self.now, &bytes);
    }

    fn carry_down(&mut self, len: usize) {
        self.transmit();
        let bytes: Vec<u8> = self.down.drain(..len.min(self.down.len())).collect();
        let _ = self.client.handle_bytes(self.now, &bytes);
    }

    fn carry(&mut self) {
        for _ in 0..8 {
            self.carry_up(usize::MAX);
            self.events();
            self.carry_down(usize::MAX);
            self.events();
        }
    }

    /// Reconnects after one end has closed, and keeps the key, like a driver.
    fn mend(&mut self) {
        if core::mem::take(&mut self.doubts_key) {
            self.client.client_mut().try_again(self.now);
        }
        self.transmit();
        let over = self.client.is_ending() || self.server.is_ending();
        if over || self.client.is_closed() || self.server.is_closed() {
            self.reconnect();
        }
    }

    fn reconnect(&mut self) {
        self.up.clear();
        self.down.clear();
        self.client.reconnect(self.now, transport::client_at(self.now, self.stack));
        self.server.reconnect(self.now, transport::server_at(self.now, self.stack));
    }

    fn pass(&mut self, duration: Duration) {
        let until = self.now.after(duration);
        for _ in 0..10_000 {
            self.transmit();
            let next = [self.client.poll_timeout(), self.server.poll_timeout()];
            let next = next.into_iter().flatten().map(|deadline| deadline.at).min();
            let next = next.filter(|next| *next < until.mono);
            self.now =
                next.map_or(until, |next| self.now.after(next.saturating_since(self.now.mono)));
            let _ = self.client.handle_timeout(self.now);
            let _ = self.server.handle_timeout(self.now);
            self.events();
            if next.is_none() {
                return;
            }
        }
        let next = (self.client.poll_timeout(), self.server.poll_timeout());
        panic!("timers spin: {next:?} at {:?}", self.now);
    }

    fn events(&mut self) {
        while let Some(event) = self.client.client_mut().poll_event() {
            let event = match event {
                ClientEvent::Session(event) => event,
                ClientEvent::PermanentKeyLost { .. } => {
                    self.doubts_key = true;
                    continue;
                }
                _ => continue,
            };
            let (request, body) = match event {
                ClientSessionEvent::Result { request, body } => (request, Some(body)),
                ClientSessionEvent::RpcError { request, .. }
                | ClientSessionEvent::Failed { request, .. } => (request, None),
                _ => continue,
            };
            let (number, ended) = self.calls.get_mut(&request).expect("a known call");
            assert!(!*ended, "{request:?} ends twice");
            *ended = true;
            if let Some(body) = body {
                assert_eq!(body, [ANSWER, *number].map(u32::to_le_bytes).concat());
            }
        }
        while let Some(event) = self.server.server_mut().poll_event() {
            if let ServerEvent::Session {
                session,
                event: ServerSessionEvent::Call { id, query, .. },
            } = event
            {
                let number = query.get(4..8).and_then(|four| four.try_into().ok());
                self.running.push((
                    session,
                    id,
                    u32::from_le_bytes(number.expect("the body of a call")),
                ));
            }
        }
    }

    /// Repairs the wire: every call must end.
    fn heal(&mut self) {
        for _ in 0..600 {
            self.mend();
            self.carry();
            while !self.running.is_empty() {
                self.answer(0);
            }
            self.carry();
            if self.calls.values().all(|(_, ended)| *ended) {
                return;
            }
            self.pass(Duration::from_secs(1));
        }
        let open = self.calls.values().filter(|(_, ended)| !ended).count();
        panic!("{open} calls are still open on stack {}", self.stack);
    }
}

const CALL: u32 = 0x1111_1111;
const ANSWER: u32 = 0x3333_3333;
