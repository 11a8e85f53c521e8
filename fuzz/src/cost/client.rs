//! A client whose server is hostile.

use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::{Salt, Side};
use mtp_session::client::{ClientSession, ClientSessionConfig, RequestOptions};
use mtp_session::established::{Established, KeyKind};
use mtp_session::link::{AfterSend, LinkId, Outgoing};
use mtp_session::session::LinkKind;

use super::attacker::Attacker;
use super::gauge::{CLIENT, Gauge, Rate, Rates};
use crate::input::Input;
use crate::known;

/// Searches for packets of a server that cost a client more than they pay for.
///
/// Input: options, then operations: calls of the application, packets, output, time.
pub fn cost_client(data: &[u8]) {
    cost_client_with(data, |_| {});
}

/// Does the same with a changed configuration.
pub fn cost_client_with(data: &[u8], change: fn(&mut ClientSessionConfig)) {
    let mut input = Input::new(data);
    let options = input.byte();
    let mut config = ClientSessionConfig::default();
    config.ping = options & 1 != 0;
    config.future_salts = options & 2 != 0;
    config.unpacked_bytes_max = 1 << 20;
    change(&mut config);
    let mut run = Run::new(config);
    for _ in 0..OPERATIONS_MAX {
        if input.is_empty() {
            break;
        }
        match input.byte() & 7 {
            0..=2 => run.packet(&mut input),
            3 => run.calls(1 << (input.byte() & 15).min(10), input.flag()),
            4 => run.pass(Duration::from_millis(u64::from(input.byte()) << 6)),
            _ => run.transmit(usize::from(input.byte() & 31) + 1),
        }
        run.events();
        run.gauge.check(0);
    }
}

struct Run {
    session: ClientSession,
    attacker: Attacker,
    gauge: Gauge,
    entropy: mtp_crypto::CtrEntropy,
    now: mtp_env::Now,
    last: Option<mtp_session::client::RequestId>,
}

impl Run {
    fn new(config: ClientSessionConfig) -> Self {
        let mut gauge = Gauge::new(&CLIENT, CLIENT_RATES);
        let mut entropy = known::entropy(72);
        let now = known::start();
        let config = Arc::new(config);
        let mut session = gauge.run(|| ClientSession::new(now, config, &mut entropy));
        let key = known::auth_key();
        let salt = Salt::from_raw(0x5a17);
        let kind = KeyKind::Permanent;
        session.set_key(now, &Established { key: Arc::clone(key), salt, time_offset_ns: 0, kind });
        session.link_up(now, LINK, LinkKind::Stream);
        let attacker = Attacker::new(Arc::clone(key), Side::Server, session.session_id(), salt);
        Self { session, attacker, gauge, entropy, now, last: None }
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

    fn calls(&mut self, count: usize, is_chain: bool) {
        for _ in 0..count {
            let mut options = RequestOptions::new();
            if let Some(last) = self.last.filter(|_| is_chain) {
                options = options.after(last);
            }
            self.gauge.grant(CALL.len());
            let (session, now) = (&mut self.session, self.now);
            let Ok(request) = self.gauge.run(|| session.request(now, &CALL, options)) else {
                return;
            };
            self.last = Some(request);
        }
    }

    fn events(&mut self) {
        for _ in 0..EVENTS_MAX {
            let session = &mut self.session;
            if self.gauge.run(|| session.poll_event().is_none()) {
                return;
            }
        }
    }

    fn transmit(&mut self, count: usize) {
        for _ in 0..count {
            let (session, entropy, now) = (&mut self.session, &mut self.entropy, self.now);
            let mut out = Vec::with_capacity(2 << 20);
            let transmit = self.gauge.run(|| session.poll_transmit(now, LINK, &mut out, entropy));
            let Some(transmit) = transmit else { return };
            self.gauge.send(out.len());
            if let Outgoing::Packet { .. } = transmit.what {
                self.attacker.read(&out);
            }
            if transmit.then == AfterSend::Close {
                self.session.link_down(self.now, LINK);
                self.session.link_up(self.now, LINK, LinkKind::Stream);
                return;
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
        let (session, now) = (&mut self.session, self.now);
        self.gauge.run(|| session.handle_timeout(now));
    }
}

/// What a client's session may cost.
const CLIENT_RATES: Rates = Rates {
    work: Rate::new(65_536, 12),
    allocated: Rate::new(256 << 10, 256),
    sent: Rate::new(256 << 10, 64),
    live: Rate::new(64 << 20, 1),
};
const CALL: [u8; 16] = *b"\x16\x5a\x15\x5aquestion....";
const OPERATIONS_MAX: usize = 64;
const EVENTS_MAX: usize = 4096;
const LINK: LinkId = LinkId::new(1);
