//! The machine of an MTProxy: one client's connection carried on to a data centre.
//!
//! ```text
//!             known secret, not seen before        connected
//!  [Opening] ──────────────────────────────▶ [Dialing] ──────▶ [Running] ──▶ [Closing]
//!      │                                         ▲                              ▲
//!      └─ anything else ── a real site, given ───┘                              │
//!                          every byte received                                  │
//!                       ── or read and forgotten, or closed ────────────────────┘
//! ```
//!
//! It owns no socket, no clock and no table shared with other connections. The driver moves bytes,
//! dials what [`RelayEvent::Dial`] names, and asks its one [`ReplayStore`](crate::replay::ReplayStore)
//! when [`RelayEvent::CheckReplay`] says so:
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
//!     // Then write what `poll_client_transmit` and `poll_upstream_transmit` give.
//! }
//! ```
//!
//! Frames are never taken apart: what the client's framing says passes untouched. This is what the
//! specification calls direct mode; the middle mode of promoted channels is not here.
//!
//! | module | idea |
//! |---|---|
//! | `config` | secrets, policies, limits |
//! | `event` | what the driver is asked to do, and how a relay ends |
//! | `opening` | from the first byte to a secret and a data centre, or to a refusal |
//! | `carrier` | bytes from one side to the other |
//! | [`ledger`] | counters of each secret |

mod carrier;
mod config;
mod event;
pub mod ledger;
mod opening;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use mtp_env::{Deadline, Entropy, Now};

pub use config::{NamedSecret, OnRefusal, OnUnknownDc, RelayConfig};
pub use event::{CloseReason, Overrun, RelayEvent, Target, Traffic};
pub use opening::Refusal;

use crate::proxy_protocol::Preface;
use crate::replay::Seen;
use carrier::Carrier;
use opening::{Opening, Progress};

/// Carries one client's connection on to a data centre, or to the site that it pretends to be.
pub struct Relay {
    config: Arc<RelayConfig>,
    entropy: Box<dyn Entropy + Send>,
    state: State,
    to_client: Vec<u8>,
    to_upstream: Vec<u8>,
    events: VecDeque<RelayEvent>,
    deadline: Option<Deadline>,
    preface: Option<Preface>,
    secret: Option<usize>,
    traffic: Traffic,
}

enum State {
    Opening(Box<Opening>),
    Dialing(Carrier),
    Running(Carrier),
    /// Whatever comes is read and forgotten.
    Swallowing {
        left: u64,
        refusal: Refusal,
    },
    /// What is still to be sent is waited for.
    Closing(CloseReason),
    Closed,
}

impl Relay {
    /// Builds the machine for a connection accepted just now.
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
            preface: None,
            secret: None,
            traffic: Traffic::default(),
        }
    }

    /// Takes bytes that the client sent.
    ///
    /// # Errors
    /// [`Overrun`] while [`Self::wants_client_bytes`] is false; offer the bytes again later.
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
            State::Swallowing { left, refusal } => {
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

    /// Takes bytes that the upstream sent.
    ///
    /// # Errors
    /// [`Overrun`] while [`Self::wants_upstream_bytes`] is false; offer the bytes again later.
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

    /// Takes the answer to [`RelayEvent::CheckReplay`].
    pub fn handle_seen(&mut self, now: Now, seen: Seen) {
        if let State::Opening(_) = self.state {
            self.advance(now, Some(seen));
        }
    }

    /// Notes that the upstream is connected.
    pub fn handle_upstream_connected(&mut self, now: Now) {
        self.state = match core::mem::replace(&mut self.state, State::Closed) {
            State::Dialing(carrier) => State::Running(carrier),
            other => other,
        };
        self.touch(now);
    }

    /// Notes that the upstream cannot be reached.
    pub fn handle_upstream_failed(&mut self, now: Now) {
        self.to_upstream.clear();
        self.close(now, CloseReason::DialFailed);
    }

    /// Notes that the client closed. What it sent before is still to be taken.
    pub fn handle_client_eof(&mut self, now: Now) {
        self.close(now, CloseReason::ClientEof);
    }

    /// Notes that the upstream closed. What it sent before is still to be taken.
    pub fn handle_upstream_eof(&mut self, now: Now) {
        self.close(now, CloseReason::UpstreamEof);
    }

    /// Appends what is to be sent to the client, and reports whether that was anything.
    #[must_use]
    pub fn poll_client_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        hand_over(&mut self.to_client, out)
    }

    /// Appends what is to be sent to the upstream, and reports whether that was anything.
    ///
    /// Ask only once it is connected.
    #[must_use]
    pub fn poll_upstream_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        hand_over(&mut self.to_upstream, out)
    }

    /// Returns the next thing to do.
    ///
    /// A close comes when what was to be sent to the side that is still there has been taken.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<RelayEvent> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        let State::Closing(reason) = self.state else { return None };
        let drained = match reason {
            CloseReason::ClientEof => self.to_upstream.is_empty(),
            CloseReason::UpstreamEof => self.to_client.is_empty(),
            _ => true,
        };
        drained.then(|| {
            self.state = State::Closed;
            self.deadline = None;
            RelayEvent::Close { reason, secret: self.secret, traffic: self.traffic }
        })
    }

    /// Returns when to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.deadline
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Now) {
        if !self.deadline.is_some_and(|deadline| deadline.is_due(now)) {
            return;
        }
        match &self.state {
            State::Opening(_) => self.refuse(now, Refusal::Timeout),
            State::Dialing(_) => self.close(now, CloseReason::DialTimeout),
            State::Running(_) => self.close(now, CloseReason::Idle),
            State::Swallowing { refusal, .. } => {
                let reason = CloseReason::Refused(*refusal);
                self.close(now, reason);
            }
            // Nobody took what was to be sent.
            State::Closing(_) | State::Closed => {
                self.to_client.clear();
                self.to_upstream.clear();
                self.deadline = None;
            }
        }
    }

    /// Reports whether the client's socket is to be read.
    #[must_use]
    pub fn wants_client_bytes(&self) -> bool {
        match &self.state {
            State::Opening(opening) => opening.len() < self.config.buffer_len_max,
            State::Dialing(_) | State::Running(_) => {
                self.to_upstream.len() < self.config.buffer_len_max
            }
            State::Swallowing { .. } => true,
            State::Closing(_) | State::Closed => false,
        }
    }

    /// Reports whether the upstream's socket is to be read.
    #[must_use]
    pub fn wants_upstream_bytes(&self) -> bool {
        match &self.state {
            State::Running(_) => self.to_client.len() < self.config.buffer_len_max,
            _ => false,
        }
    }

    /// Returns what the load balancer said about the client, if one is there and has spoken.
    #[must_use]
    pub const fn preface(&self) -> Option<Preface> {
        self.preface
    }

    /// Returns what was carried so far.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Goes on with the opening as far as the bytes allow.
    fn advance(&mut self, now: Now, seen: Option<Seen>) {
        let State::Opening(opening) = &mut self.state else { return };
        let config = &*self.config;
        let progress = opening.advance(config, now, seen, &mut *self.entropy, &mut self.to_client);
        self.preface = opening.preface();
        match progress {
            Progress::Wait => {}
            Progress::Check(key) => self.events.push_back(RelayEvent::CheckReplay(key)),
            Progress::Refused(refusal) => self.refuse(now, refusal),
            Progress::Broken(reason) => self.close(now, reason),
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

    /// Treats the client as a visitor of the site, or as nobody.
    // spec: transport 8.6
    // spec: transport 5.5
    fn refuse(&mut self, now: Now, refusal: Refusal) {
        let State::Opening(opening) = &mut self.state else { return };
        let on_refusal =
            if opening.has_answered() { OnRefusal::Swallow } else { self.config.on_refusal };
        self.events.push_back(RelayEvent::Refused(refusal));
        match on_refusal {
            OnRefusal::Site => {
                let (received, name) = opening.give_back(&self.config);
                self.traffic.up = received.len() as u64;
                self.to_upstream = received;
                self.dial(now, Carrier::Raw, Target::Site { name });
            }
            OnRefusal::Swallow => {
                self.state = State::Swallowing { left: SWALLOWED_MAX, refusal };
                self.wait(now, self.config.idle_timeout, "proxy swallow");
            }
            OnRefusal::Close => self.close(now, CloseReason::Refused(refusal)),
        }
    }

    fn dial(&mut self, now: Now, carrier: Carrier, target: Target) {
        self.state = State::Dialing(carrier);
        self.wait(now, self.config.dial_timeout, "proxy dial");
        self.events.push_back(RelayEvent::Dial(target));
    }

    /// Starts the wait for the next byte anew.
    fn touch(&mut self, now: Now) {
        let idle = match &self.state {
            State::Running(Carrier::Raw) => self.config.site_idle_timeout,
            State::Running(_) => self.config.idle_timeout,
            _ => return,
        };
        self.wait(now, idle, "proxy idle");
    }

    fn wait(&mut self, now: Now, time: Duration, reason: &'static str) {
        self.deadline = Some(Deadline::new(now.mono + time, reason));
    }

    /// Ends the relay; the first reason counts.
    fn close(&mut self, now: Now, reason: CloseReason) {
        if !matches!(self.state, State::Closing(_) | State::Closed) {
            self.state = State::Closing(reason);
            self.wait(now, self.config.dial_timeout, "proxy drain");
        }
    }
}

/// Moves bytes to the driver's buffer, by a swap where that is possible.
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
            State::Swallowing { .. } => "swallowing",
            State::Closing(_) => "closing",
            State::Closed => "closed",
        };
        f.debug_struct("Relay").field("state", &state).finish_non_exhaustive()
    }
}

/// How many bytes are read and forgotten before the connection is closed after all.
// spec: transport 5.5
const SWALLOWED_MAX: u64 = 1 << 28;
