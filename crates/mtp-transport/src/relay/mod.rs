//! The relay of an MTProxy: carries one client's connection to a data center.
//!
//! ```text
//!             known secret, not a replay           connected
//!  [Opening] ──────────────────────────────▶ [Dialing] ──────▶ [Running] ──▶ [Closing]
//!      │                                         ▲                              ▲
//!      └─ rejected ── forwarded to a real site, ─┘                              │
//!                     with all bytes received                                   │
//!                  ── or discarded, or closed ──────────────────────────────────┘
//! ```
//!
//! A relay has no socket, no clock and no state shared with other connections. The driver moves
//! bytes, connects to the target of [`RelayEvent::Dial`], and looks up the key of
//! [`RelayEvent::CheckReplay`] in its [`ReplayStore`](crate::replay::ReplayStore):
//!
//! ```
//! use mtp_transport::relay::{Relay, RelayEvent};
//! use mtp_transport::replay::ReplayStore;
//! # use mtp_env::Now;
//!
//! fn on_client_readable(relay: &mut Relay, seen: &mut ReplayStore, now: Now, bytes: &[u8]) {
//!     // Stop reading the socket while `relay.wants_client_bytes()` is false.
//!     let _ = relay.handle_client_bytes(now, bytes);
//!     while let Some(event) = relay.poll_event() {
//!         match event {
//!             RelayEvent::CheckReplay(key) => relay.handle_seen(now, seen.check(now, key)),
//!             RelayEvent::Dial(target) => println!("connect to {target:?}"),
//!             RelayEvent::Close { reason, .. } => println!("close both: {reason}"),
//!             _ => {}
//!         }
//!     }
//!     // Then write the output of `poll_client_transmit` and `poll_upstream_transmit`.
//! }
//! ```
//!
//! In the direct mode frames are not decoded: only the encryption is replaced. In the middle mode,
//! [`Carry::Middle`], the relay yields the client's packets for a
//! [`MiddlePool`](crate::middle_proxy::pool::MiddlePool), and frames the answers.
//!
//! | module | contents |
//! |---|---|
//! | `config` | secrets, policies, limits |
//! | `event` | requests to the driver, and why a relay ended |
//! | `opening` | from the first byte to a secret and a data center, or to a refusal |
//! | `carrier` | bytes from one side to the other |
//! | `framed` | packets of a client in the middle mode |
//! | `counters` | counters of each secret |

mod carrier;
mod config;
mod counters;
mod event;
mod framed;
mod opening;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use mtp_env::{Deadline, Entropy, Now};

pub use config::{Carry, NamedSecret, OnRefusal, OnUnknownDc, RelayConfig};
pub use counters::{RelayCounters, SecretCounters};
pub use event::{CloseReason, Overrun, RelayEvent, RelayRefusal, Target, Traffic};

use crate::proxy_protocol::ProxyHeader;
use crate::replay::Seen;
use carrier::Carrier;
use framed::Framed;
use opening::{Accepted, Opening, Progress};

/// Relay of one client's connection to a data center or to the fronting site.
pub struct Relay {
    config: Arc<RelayConfig>,
    entropy: Box<dyn Entropy + Send>,
    state: State,
    to_client: Vec<u8>,
    to_upstream: Vec<u8>,
    events: VecDeque<RelayEvent>,
    deadline: Option<Deadline>,
    proxy_header: Option<ProxyHeader>,
    secret: Option<usize>,
    traffic: Traffic,
}

enum State {
    Opening(Box<Opening>),
    Dialing(Carrier),
    Running(Carrier),
    /// The client's packets are carried, not its bytes.
    Framed(Box<Framed>),
    /// Input is read and discarded.
    Discarding {
        left: u64,
        refusal: RelayRefusal,
    },
    /// Waits until the remaining output is drained.
    Closing(CloseReason),
    Closed,
}

impl Relay {
    /// Returns a relay for a connection accepted at `now`.
    #[must_use]
    pub fn new(now: Now, config: Arc<RelayConfig>, entropy: Box<dyn Entropy + Send>) -> Self {
        let deadline = Deadline::new(now.mono + config.handshake_timeout, "proxy handshake");
        let opening = Opening::new(config.proxy_protocol);
        Self {
            config,
            entropy,
            state: State::Opening(Box::new(opening)),
            to_client: Vec::new(),
            to_upstream: Vec::new(),
            events: VecDeque::new(),
            deadline: Some(deadline),
            proxy_header: None,
            secret: None,
            traffic: Traffic::default(),
        }
    }

    /// Handles bytes from the client.
    ///
    /// # Errors
    ///
    /// [`Overrun`] while [`Self::wants_client_bytes`] is false; pass the bytes again later.
    pub fn handle_client_bytes(&mut self, now: Now, bytes: &[u8]) -> Result<(), Overrun> {
        if !self.wants_client_bytes() {
            return Err(Overrun);
        }
        match &mut self.state {
            State::Opening(opening) => {
                opening.receive(bytes);
                self.advance(now, None);
            }
            State::Dialing(_) | State::Running(_) => self.carry_up(now, bytes),
            State::Framed(framed) => {
                let result = framed.receive(bytes);
                self.traffic.up = self.traffic.up.saturating_add(bytes.len() as u64);
                match result {
                    Ok(()) => self.touch(now),
                    Err(error) => self.close(now, CloseReason::Records(error)),
                }
            }
            State::Discarding { left, refusal } => {
                *left = left.saturating_sub(bytes.len() as u64);
                if *left == 0 {
                    let reason = CloseReason::Refused(*refusal);
                    self.close(now, reason);
                }
            }
            State::Closing(_) | State::Closed => {}
        }
        Ok(())
    }

    /// Handles bytes from the upstream.
    ///
    /// # Errors
    ///
    /// [`Overrun`] while [`Self::wants_upstream_bytes`] is false; pass the bytes again later.
    pub fn handle_upstream_bytes(&mut self, now: Now, bytes: &[u8]) -> Result<(), Overrun> {
        if !self.wants_upstream_bytes() {
            return Err(Overrun);
        }
        if let State::Running(carrier) = &mut self.state {
            carrier.carry_down(bytes, &mut self.to_client);
            self.traffic.down = self.traffic.down.saturating_add(bytes.len() as u64);
            self.touch(now);
        }
        Ok(())
    }

    /// Returns the client's next packet in the middle mode, and whether a quick ack is requested.
    ///
    /// The client is not read until all its packets are taken.
    pub fn next_packet(&mut self, now: Now) -> Option<(&[u8], bool)> {
        // A violation ends the relay, so it is looked for before a packet is lent.
        let State::Framed(framed) = &mut self.state else { return None };
        if let Some(error) = framed.violation() {
            self.close(now, CloseReason::Frames(error));
            return None;
        }
        let State::Framed(framed) = &mut self.state else { return None };
        framed.next_packet()
    }

    /// Handles a packet for the client in the middle mode. An empty one is dropped.
    ///
    /// # Errors
    ///
    /// [`Overrun`] while [`Self::wants_upstream_bytes`] is false; pass the packet again later.
    pub fn handle_answer(&mut self, now: Now, packet: &[u8]) -> Result<(), Overrun> {
        if !self.wants_upstream_bytes() {
            return Err(Overrun);
        }
        if let State::Framed(framed) = &mut self.state
            && !packet.is_empty()
        {
            // A packet that cannot be framed is for no client: it is dropped.
            let _ = framed.answer(packet, &mut *self.entropy, &mut self.to_client);
            self.traffic.down = self.traffic.down.saturating_add(packet.len() as u64);
            self.touch(now);
        }
        Ok(())
    }

    /// Handles a quick ack for the client in the middle mode.
    pub fn handle_quick_ack(&mut self, now: Now, token: u32) {
        if let State::Framed(framed) = &mut self.state {
            let _ = framed.quick_ack(token, &mut *self.entropy, &mut self.to_client);
            self.touch(now);
        }
    }

    /// Handles the result of [`RelayEvent::CheckReplay`].
    pub fn handle_seen(&mut self, now: Now, seen: Seen) {
        if let State::Opening(_) = self.state {
            self.advance(now, Some(seen));
        }
    }

    /// Handles the connection to the upstream.
    pub fn handle_upstream_connected(&mut self, now: Now) {
        self.state = match core::mem::replace(&mut self.state, State::Closed) {
            State::Dialing(carrier) => State::Running(carrier),
            other => other,
        };
        self.touch(now);
    }

    /// Handles the failure to connect to the upstream.
    pub fn handle_upstream_failed(&mut self, now: Now) {
        self.to_upstream.clear();
        self.close(now, CloseReason::DialFailed);
    }

    /// Handles the end of the client's stream. Its bytes are still sent to the upstream.
    pub fn handle_client_eof(&mut self, now: Now) {
        self.close(now, CloseReason::ClientEof);
    }

    /// Handles the end of the upstream's stream. Its bytes are still sent to the client.
    pub fn handle_upstream_eof(&mut self, now: Now) {
        self.close(now, CloseReason::UpstreamEof);
    }

    /// Appends output for the client. Returns `true` if there was any.
    #[must_use]
    pub fn poll_client_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        hand_over(&mut self.to_client, out)
    }

    /// Appends output for the upstream. Returns `true` if there was any.
    ///
    /// Poll it only while the upstream is connected.
    #[must_use]
    pub fn poll_upstream_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        hand_over(&mut self.to_upstream, out)
    }

    /// Returns the next event.
    ///
    /// [`RelayEvent::Close`] is the last one. It is returned when the output for the remaining side is
    /// drained.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<RelayEvent> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        let State::Closing(reason) = self.state else { return None };
        let drained = match reason {
            // What the client sent before its end or its violation is delivered, however the bytes
            // were split into reads.
            CloseReason::ClientEof | CloseReason::Records(_) => self.to_upstream.is_empty(),
            CloseReason::UpstreamEof => self.to_client.is_empty(),
            _ => true,
        };
        drained.then(|| {
            self.state = State::Closed;
            self.deadline = None;
            RelayEvent::Close { reason, secret: self.secret, traffic: self.traffic }
        })
    }

    /// Returns the next deadline of [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.deadline
    }

    /// Handles a deadline.
    pub fn handle_timeout(&mut self, now: Now) {
        if !self.deadline.is_some_and(|deadline| deadline.is_due(now)) {
            return;
        }
        match &self.state {
            State::Opening(_) => self.refuse(now, RelayRefusal::Timeout),
            State::Dialing(_) => self.close(now, CloseReason::DialTimeout),
            State::Running(_) | State::Framed(_) => self.close(now, CloseReason::Idle),
            State::Discarding { refusal, .. } => {
                let reason = CloseReason::Refused(*refusal);
                self.close(now, reason);
            }
            // The remaining output was not drained in time.
            State::Closing(_) | State::Closed => {
                self.to_client.clear();
                self.to_upstream.clear();
                self.deadline = None;
            }
        }
    }

    /// Returns `true` if the client's socket should be read.
    #[must_use]
    pub fn wants_client_bytes(&self) -> bool {
        match &self.state {
            State::Opening(opening) => opening.len() < self.config.buffer_len_max,
            State::Dialing(_) | State::Running(_) => {
                self.to_upstream.len() < self.config.buffer_len_max
            }
            State::Framed(framed) => !framed.has_packets,
            State::Discarding { .. } => true,
            State::Closing(_) | State::Closed => false,
        }
    }

    /// Returns `true` if the upstream's socket should be read.
    #[must_use]
    pub fn wants_upstream_bytes(&self) -> bool {
        match &self.state {
            State::Running(_) | State::Framed(_) => {
                self.to_client.len() < self.config.buffer_len_max
            }
            _ => false,
        }
    }

    /// Returns `true` until the relay closes. The remaining output is drained afterwards.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !matches!(self.state, State::Closing(_) | State::Closed)
    }

    /// Returns the PROXY protocol header of the load balancer, once it is received.
    #[must_use]
    pub const fn proxy_header(&self) -> Option<ProxyHeader> {
        self.proxy_header
    }

    /// Returns the traffic so far.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Continues the opening as far as the received bytes allow.
    fn advance(&mut self, now: Now, seen: Option<Seen>) {
        let State::Opening(opening) = &mut self.state else { return };
        let config = &*self.config;
        let progress = opening.advance(config, now, seen, &mut *self.entropy, &mut self.to_client);
        self.proxy_header = opening.proxy_header();
        match progress {
            Progress::Wait => {}
            Progress::Check(key) => self.events.push_back(RelayEvent::CheckReplay(key)),
            Progress::Refused(refusal) => self.refuse(now, refusal),
            Progress::Broken(reason) => self.close(now, reason),
            Progress::Accepted(accepted) if config.carry == Carry::Middle => {
                self.carry_packets(now, accepted);
            }
            Progress::Accepted(mut accepted) => {
                let secret = accepted.secret;
                let Some(dc) = config.upstream_for(accepted.dc) else {
                    return self.close(now, CloseReason::UnknownDc(accepted.dc));
                };
                let rest = core::mem::take(&mut accepted.rest);
                let (carrier, header) =
                    Carrier::new(*accepted, dc, config.shortcut, &mut *self.entropy);
                self.to_upstream.extend_from_slice(&header);
                self.secret = Some(secret);
                self.dial(now, carrier, Target::DataCenter { dc, secret });
                self.carry_up(now, &rest);
            }
        }
    }

    /// Continues with packets instead of bytes.
    fn carry_packets(&mut self, now: Now, mut accepted: Box<Accepted>) {
        let (secret, dc, tag) = (accepted.secret, accepted.dc, accepted.tag);
        let rest = core::mem::take(&mut accepted.rest);
        let framed = Framed::new(*accepted, self.config.packet_len_max);
        self.state = State::Framed(Box::new(framed));
        self.secret = Some(secret);
        let flags = framed::request_flags(tag);
        self.events.push_back(RelayEvent::OpenMiddle { dc, secret, flags });
        self.touch(now);
        let _ = self.handle_client_bytes(now, &rest);
    }

    fn carry_up(&mut self, now: Now, bytes: &[u8]) {
        let (State::Dialing(carrier) | State::Running(carrier)) = &mut self.state else { return };
        let before = self.to_upstream.len();
        let result = carrier.carry_up(bytes, &mut self.to_upstream);
        let count = self.to_upstream.len().saturating_sub(before) as u64;
        self.traffic.up = self.traffic.up.saturating_add(count);
        match result {
            Ok(()) => self.touch(now),
            Err(error) => self.close(now, CloseReason::Records(error)),
        }
    }

    /// Applies the policy for rejected connections.
    // spec: transport 8.6
    // spec: transport 5.5
    fn refuse(&mut self, now: Now, refusal: RelayRefusal) {
        let State::Opening(opening) = &mut self.state else { return };
        let on_refusal =
            if opening.has_answered() { OnRefusal::Discard } else { self.config.on_refusal };
        self.events.push_back(RelayEvent::Refused(refusal));
        match on_refusal {
            OnRefusal::Site => {
                let (received, name) = opening.take_received(&self.config);
                self.traffic.up = received.len() as u64;
                self.to_upstream = received;
                self.dial(now, Carrier::Raw, Target::Site { name });
            }
            OnRefusal::Discard => {
                self.state = State::Discarding { left: DISCARDED_MAX, refusal };
                self.wait(now, self.config.idle_timeout, "proxy discard");
            }
            OnRefusal::Close => self.close(now, CloseReason::Refused(refusal)),
        }
    }

    fn dial(&mut self, now: Now, carrier: Carrier, target: Target) {
        self.state = State::Dialing(carrier);
        self.wait(now, self.config.dial_timeout, "proxy dial");
        self.events.push_back(RelayEvent::Dial(target));
    }

    /// Restarts the idle timer.
    fn touch(&mut self, now: Now) {
        let idle = match &self.state {
            State::Running(Carrier::Raw) => self.config.site_idle_timeout,
            State::Running(_) | State::Framed(_) => self.config.idle_timeout,
            _ => return,
        };
        self.wait(now, idle, "proxy idle");
    }

    fn wait(&mut self, now: Now, time: Duration, reason: &'static str) {
        self.deadline = Some(Deadline::new(now.mono + time, reason));
    }

    /// Closes the relay. The first reason is kept.
    fn close(&mut self, now: Now, reason: CloseReason) {
        if !matches!(self.state, State::Closing(_) | State::Closed) {
            self.state = State::Closing(reason);
            self.wait(now, self.config.dial_timeout, "proxy drain");
        }
    }
}

/// Moves output to the driver's buffer, by swapping if possible.
fn hand_over(from: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
    let any = !from.is_empty();
    if out.is_empty() {
        core::mem::swap(from, out);
    } else {
        out.append(from);
    }
    any
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Opening(_) => "opening",
            State::Dialing(_) => "dialing",
            State::Running(_) => "running",
            State::Framed(_) => "framed",
            State::Discarding { .. } => "discarding",
            State::Closing(_) => "closing",
            State::Closed => "closed",
        };
        f.debug_struct("Relay").field("state", &state).finish_non_exhaustive()
    }
}

/// Discarded bytes after which the connection is closed.
// spec: transport 5.5
const DISCARDED_MAX: u64 = 1 << 28;
