//! The session of a server.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;

use mtp_crypto::{Salt, SessionId, Side};
use mtp_session::link::{AfterSend, LinkId, Outgoing};
use mtp_session::server::{
    IncomingId, KeySalts, ServerSalts, ServerSession, ServerSessionConfig, ServerSessionEvent,
};
use mtp_session::service::RpcError;
use mtp_session::session::LinkKind;

use super::attacker::{Attacker, asked};
use super::gauge::{Gauge, Rate, Rates, SESSION};
use crate::input::Input;
use crate::known;

/// Searches for packets that cost a server's session more than they pay for.
///
/// Input: options, then operations: packets, answers of the application, time, acknowledgments of what was sent.
pub fn cost_session(data: &[u8]) {
    cost_session_with(data, |_| {});
}

/// Does the same with a changed configuration.
pub fn cost_session_with(data: &[u8], change: fn(&mut ServerSessionConfig)) {
    let mut input = Input::new(data);
    let options = input.byte();
    let mut config = ServerSessionConfig::default();
    if options & 1 != 0 {
        config.held_bytes_max = 1 << 20;
        config.unacked_bytes_max = 256 << 10;
        config.output_bytes_max = 64 << 10;
    }
    change(&mut config);
    let mut run = Run::new(config);
    for _ in 0..OPERATIONS_MAX {
        if input.is_empty() {
            break;
        }
        match input.byte() & 7 {
            0..=3 => run.packet(&mut input),
            4 => run.answer(usize::from(input.byte()) + 1, false),
            5 => run.answer(usize::from(input.byte()) + 1, true),
            6 => run.pass(Duration::from_millis(u64::from(input.byte()) << 6)),
            _ => run.transmit(usize::from(input.byte()) + 1),
        }
        run.events();
        let held = run.session.held_bytes();
        run.gauge.check(held);
        let limit = run.held_bytes_max + HELD_OVER;
        assert!(held <= limit, "{held} bytes held, the limit is {limit}");
    }
}

struct Run {
    session: ServerSession,
    attacker: Attacker,
    gauge: Gauge,
    entropy: mtp_crypto::CtrEntropy,
    now: mtp_env::Now,
    calls: VecDeque<(IncomingId, Option<usize>)>,
    held_bytes_max: usize,
}

impl Run {
    fn new(config: ServerSessionConfig) -> Self {
        let mut gauge = Gauge::new(&SESSION, SESSION_RATES);
        let mut entropy = known::entropy(71);
        let salts = Arc::new(ServerSalts::new([9; 32]));
        let key = known::auth_key();
        let key_salts = KeySalts::new(key.id(), Some((known::start().unix, SALT)));
        let held_bytes_max = config.held_bytes_max;
        let config = Arc::new(config);
        let mut session = gauge.run(|| {
            let keep = (salts, key_salts);
            let now = known::start();
            ServerSession::new(now, Arc::clone(key), SESSION_ID, keep, config, &mut entropy)
        });
        session.link_up(known::start(), LINK, LinkKind::Stream);
        let attacker = Attacker::new(Arc::clone(key), Side::Client, SESSION_ID, SALT);
        let now = known::start();
        Self { session, attacker, gauge, entropy, now, calls: VecDeque::new(), held_bytes_max }
    }

    fn packet(&mut self, input: &mut Input<'_>) {
        if !self.session.wants_packets() {
            return;
        }
        let mut packet = self.attacker.packet(self.now, input);
        self.gauge.receive(packet.bytes.len(), packet.plain_len);
        let (session, now) = (&mut self.session, self.now);
        let _ = self.gauge.run(|| session.handle_packet(now, LINK, &mut packet.bytes));
        self.gauge.set_work(self.session.work().as_u64());
    }

    fn events(&mut self) {
        for _ in 0..EVENTS_MAX {
            let (session, calls) = (&mut self.session, &mut self.calls);
            let event = self.gauge.run(|| {
                Some(match session.poll_event()? {
                    ServerSessionEvent::Call { id, query, .. } => Some((id, asked(query))),
                    _ => None,
                })
            });
            match event {
                None => return,
                Some(Some(call)) => calls.push_back(call),
                Some(None) => {}
            }
        }
    }

    fn answer(&mut self, count: usize, fails: bool) {
        for _ in 0..count {
            let Some((id, len)) = self.calls.pop_front() else { return };
            let (session, now) = (&mut self.session, self.now);
            let len = len.filter(|_| !fails);
            self.gauge.grant(len.unwrap_or(64));
            let body = len.map(|len| {
                let mut body = vec![0x5a; len.max(4)];
                body[0] = 1;
                body
            });
            let _ = self.gauge.run(|| match body {
                Some(body) => session.answer(now, id, &body),
                None => session.answer_error(now, id, &RpcError::new(400, "NO")),
            });
        }
        self.gauge.set_work(self.session.work().as_u64());
    }

    fn transmit(&mut self, count: usize) {
        for _ in 0..count {
            let (session, entropy, now) = (&mut self.session, &mut self.entropy, self.now);
            let mut out = Vec::with_capacity(2 << 20);
            let transmit = self.gauge.run(|| session.poll_transmit(now, LINK, &mut out, entropy));
            let Some(transmit) = transmit else { break };
            self.gauge.send(out.len());
            if let Outgoing::Packet { .. } = transmit.what {
                self.attacker.read(&out);
            }
            if transmit.then == AfterSend::Close {
                self.session.link_down(self.now, LINK);
                self.session.link_up(self.now, LINK, LinkKind::Stream);
                break;
            }
        }
        self.gauge.set_work(self.session.work().as_u64());
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
        let (session, now) = (&mut self.session, self.now);
        self.gauge.run(|| session.handle_timeout(now));
    }
}

/// What a server's session may cost. The rate of work is far below the allowance that the session itself enforces, so
/// that an index that is missing is noticed although the session cuts what it causes. Most of it is for messages that come out
/// of order: each moves up to half of the thousand that are remembered.
pub(super) const SESSION_RATES: Rates = Rates {
    work: Rate::new(32_768, 12),
    allocated: Rate::new(64 << 10, 256),
    sent: Rate::new(32 << 10, 64),
    live: Rate::new(1 << 20, 4),
};
/// What one message may hold beyond the limit: the check comes before it.
const HELD_OVER: usize = 2 << 20;
const OPERATIONS_MAX: usize = 64;
const EVENTS_MAX: usize = 4096;
const SALT: Salt = Salt::from_raw(0x5a17);
const SESSION_ID: SessionId = SessionId::from_raw(0xc0_ffee);
const LINK: LinkId = LinkId::new(1);
