//! The relay of a proxy. Both sides are hostile.

use std::sync::Arc;

use mtp_transport::relay::{Relay, RelayConfig, RelayEvent};
use mtp_transport::replay::ReplayStore;

use super::gauge::{Gauge, RELAY, Rate, Rates};
use crate::input::Input;
use crate::known;
use crate::transport::{opening_of, relay_config};

/// Searches for bytes that cost a relay more than they pay for.
///
/// Input: the configuration, the client's stack, then operations: bytes of both sides, time, output.
pub fn cost_relay(data: &[u8]) {
    cost_relay_with(data, |_| {});
}

/// Does the same with a changed configuration.
pub fn cost_relay_with(data: &[u8], change: fn(&mut RelayConfig)) {
    let mut input = Input::new(data);
    let (options, kind) = (input.byte(), input.byte());
    let mut config = relay_config(options);
    config.buffer_len_max = BUFFER_LEN_MAX;
    change(&mut config);
    let mut now = known::start();
    let mut gauge = Gauge::new(&RELAY, RELAY_RATES);
    let mut seen = ReplayStore::new(16, config.window.span());
    let config = Arc::new(config);
    let mut relay = gauge.run(|| Relay::new(now, config, Box::new(known::entropy(75))));
    let opening = if kind & 0x80 == 0 { Vec::new() } else { opening_of(kind) };
    let mut first = Some(opening);
    for _ in 0..OPERATIONS_MAX {
        if input.is_empty() {
            break;
        }
        let operation = input.byte();
        match operation & 7 {
            0..=2 if relay.wants_client_bytes() => {
                let bytes = match first.take() {
                    Some(opening) => opening,
                    None => input.short().repeat(1 << (operation >> 4).min(9)),
                };
                gauge.receive(bytes.len(), bytes.len());
                let _ = gauge.run(|| relay.handle_client_bytes(now, &bytes));
            }
            3 if relay.wants_upstream_bytes() => {
                let bytes = input.short().repeat(1 << (operation >> 4).min(9));
                gauge.receive(bytes.len(), bytes.len());
                let _ = gauge.run(|| relay.handle_upstream_bytes(now, &bytes));
            }
            4 => gauge.run(|| relay.handle_upstream_connected(now)),
            5 => {
                now = now.after(core::time::Duration::from_secs(u64::from(input.byte())));
                gauge.run(|| relay.handle_timeout(now));
            }
            6 => {
                let mut out = Vec::with_capacity(4 << 20);
                let _ = gauge.run(|| relay.poll_client_transmit(&mut out));
                let _ = gauge.run(|| relay.poll_upstream_transmit(&mut out));
                gauge.send(out.len());
            }
            _ => {}
        }
        while let Some(event) = gauge.run(|| relay.poll_event()) {
            if let RelayEvent::CheckReplay(key) = event {
                let before = seen.check(now, key);
                gauge.run(|| relay.handle_seen(now, before));
            }
        }
        gauge.check(0);
    }
}

/// What a relay may cost: it has no meter of its own, so bytes allocated and sent stand for its work.
const RELAY_RATES: Rates = Rates {
    work: Rate::new(0, 0),
    allocated: Rate::new(64 << 10, 16),
    sent: Rate::new(33 << 10, 4),
    live: Rate::new(LIVE_MAX, 0),
};
const BUFFER_LEN_MAX: usize = 64 << 10;
/// Both buffers with room to grow, one read beyond them, and the state.
const LIVE_MAX: u64 = 2 << 20;
const OPERATIONS_MAX: usize = 128;
