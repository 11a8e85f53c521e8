//! The relay of a proxy. The fuzzer is both the client and the upstream.

use core::time::Duration;
use std::sync::Arc;

use mtp_transport::relay::{
    NamedSecret, OnRefusal, OnUnknownDc, Relay, RelayConfig, RelayCounters, RelayEvent, Target,
};
use mtp_transport::replay::{ReplayStore, Seen};
use mtp_transport::secret::ProxySecret;

use super::links::opening;
use super::{client, domain, key};
use crate::input::{Cuts, Input};
use crate::known;

/// Drives a relay with bytes of both sides, connects, failures, disconnects and time.
///
/// Input: the configuration, the client's stack, cuts, then operations with operands.
pub fn relay(data: &[u8]) {
    let mut input = Input::new(data);
    let options = input.byte();
    let kind = input.byte();
    let cuts = input.cuts();
    let mut run = Run::new(config(options));
    if kind & 0x80 != 0 {
        let words = opening(&mut client(kind));
        run.client_bytes(&words, cuts);
    }
    while !input.is_empty() && !run.is_closed {
        let operation = input.byte();
        match operation & 7 {
            0 | 1 => run.client_bytes(input.short(), cuts),
            2 => run.upstream_bytes(input.short(), cuts),
            3 => run.relay.handle_upstream_connected(run.now),
            4 => run.pass(u64::from(input.byte())),
            5 => run.take(),
            6 if operation & 8 == 0 => run.relay.handle_client_eof(run.now),
            6 => run.relay.handle_upstream_eof(run.now),
            _ if operation & 0x18 == 0 => run.relay.handle_upstream_failed(run.now),
            _ => {}
        }
        run.drive();
    }
    run.end();
}

/// Feeds a relay with a client's bytes. Its output and its events must not depend on the cuts.
///
/// Input: the configuration with a flag for replays, cuts, then the stream.
pub fn relay_cuts(data: &[u8]) {
    let mut input = Input::new(data);
    let options = input.byte();
    let cuts = input.cuts();
    let stream = input.rest();
    let seen = if options & 0x80 == 0 { Seen::Never } else { Seen::Before };
    let run = |cuts: Cuts<'_>| {
        let mut config = config(options);
        config.buffer_len_max = usize::MAX;
        let config = Arc::new(config);
        let mut relay = Relay::new(known::start(), config, Box::new(known::entropy(22)));
        let (mut up, mut down, mut events) = (Vec::new(), Vec::new(), Vec::new());
        for piece in cuts.of(stream) {
            let taken = relay.handle_client_bytes(known::start(), piece);
            assert_eq!(taken.is_err(), matches!(events.last(), Some(RelayEvent::Close { .. })));
            drain_events(&mut relay, seen, &mut events);
            let _ = relay.poll_upstream_transmit(&mut up);
            let _ = relay.poll_client_transmit(&mut down);
            // The close event waits until the output is drained.
            drain_events(&mut relay, seen, &mut events);
        }
        let proved = events.iter().any(|event| matches!(event, RelayEvent::CheckReplay(_)));
        assert!(down.is_empty() || (proved && seen == Seen::Never), "the relay answered a probe");
        (up, down, events)
    };
    assert_eq!(run(cuts), run(Cuts::WHOLE), "the result depends on the cuts");
}

fn drain_events(relay: &mut Relay, seen: Seen, events: &mut Vec<RelayEvent>) {
    while let Some(event) = relay.poll_event() {
        if let RelayEvent::CheckReplay(_) = event {
            relay.handle_seen(known::start(), seen);
        }
        events.push(event);
    }
}

pub(crate) fn config(options: u8) -> RelayConfig {
    let named = |name: &str, secret| NamedSecret { name: name.to_owned(), secret };
    let mut config = RelayConfig::default();
    config.secrets = vec![
        named("plain", ProxySecret::plain(key())),
        named("padded", ProxySecret::padded(key())),
        named("tls", ProxySecret::fake_tls(key(), domain()).expect("long enough")),
    ];
    config.on_refusal =
        [OnRefusal::Site, OnRefusal::Discard, OnRefusal::Close][usize::from(options & 3) % 3];
    if options & 4 != 0 {
        config.on_unknown_dc = OnUnknownDc::Close;
    }
    config.shortcut = options & 8 != 0;
    config.proxy_protocol = options & 16 != 0;
    config.buffer_len_max = 1024;
    config
}

struct Run {
    relay: Relay,
    seen: ReplayStore,
    counters: RelayCounters,
    now: mtp_env::Now,
    from_client: Vec<u8>,
    to_site: bool,
    to_upstream: Vec<u8>,
    is_closed: bool,
}

impl Run {
    fn new(config: RelayConfig) -> Self {
        let seen = ReplayStore::new(16, config.window.span());
        let counters = RelayCounters::new(&config);
        let now = known::start();
        let relay = Relay::new(now, Arc::new(config), Box::new(known::entropy(21)));
        Self {
            relay,
            seen,
            counters,
            now,
            from_client: Vec::new(),
            to_site: false,
            to_upstream: Vec::new(),
            is_closed: false,
        }
    }

    fn client_bytes(&mut self, bytes: &[u8], cuts: Cuts<'_>) {
        for piece in cuts.of(bytes) {
            let wanted = self.relay.wants_client_bytes();
            let taken = self.relay.handle_client_bytes(self.now, piece);
            assert_eq!(taken.is_ok(), wanted);
            if taken.is_ok() {
                self.from_client.extend_from_slice(piece);
            }
            self.drive();
        }
    }

    fn upstream_bytes(&mut self, bytes: &[u8], cuts: Cuts<'_>) {
        for piece in cuts.of(bytes) {
            let wanted = self.relay.wants_upstream_bytes();
            assert_eq!(self.relay.handle_upstream_bytes(self.now, piece).is_ok(), wanted);
        }
    }

    fn pass(&mut self, secs: u64) {
        self.now = self.now.after(Duration::from_secs(secs));
        self.relay.handle_timeout(self.now);
        assert!(self.relay.poll_timeout().is_none_or(|next| next.at > self.now.mono));
    }

    fn take(&mut self) {
        let mut out = Vec::new();
        assert_eq!(self.relay.poll_client_transmit(&mut out), !out.is_empty());
        let before = self.to_upstream.len();
        let any = self.relay.poll_upstream_transmit(&mut self.to_upstream);
        assert_eq!(any, self.to_upstream.len() > before);
    }

    fn drive(&mut self) {
        while let Some(event) = self.relay.poll_event() {
            assert!(!self.is_closed, "an event follows the close");
            self.counters.count(&event);
            match event {
                RelayEvent::CheckReplay(key) => {
                    let seen = self.seen.check(self.now, key);
                    self.relay.handle_seen(self.now, seen);
                }
                RelayEvent::Dial(target) => self.to_site |= matches!(target, Target::Site { .. }),
                RelayEvent::Close { reason, .. } => {
                    assert!(!reason.to_string().is_empty());
                    self.is_closed = true;
                }
                _ => {}
            }
        }
    }

    /// Ends the run: accepted bytes for the site are unmodified, and timeouts close the relay.
    fn end(&mut self) {
        self.take();
        if self.to_site && !self.to_upstream.is_empty() {
            // Without the PROXY header, and possibly cut short by timeouts and failures.
            let mut parts = self.from_client.windows(self.to_upstream.len());
            assert!(parts.any(|part| part == self.to_upstream), "untouched");
        }
        for _ in 0..4 {
            self.pass(1000);
            self.take();
            self.drive();
        }
        assert!(self.is_closed && self.relay.poll_timeout().is_none());
        let open: u64 = self.counters.secrets().iter().map(|secret| secret.open).sum();
        assert_eq!(open, 0);
    }
}
