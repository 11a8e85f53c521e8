//! Client of one data center: its keys and one session on top of them.
//!
//! ```text
//!                 permanent key                temporary key             auth.bindTempAuthKey
//!  [NoPermanent] ───────────────▶ [NoTraffic] ───────────────▶ [Binding] ────────────────────▶ [Ready]
//!        ▲                          ▲   ▲                         │                             │  │
//!        │ new_permanent_key        │   └──── refused, −404 ──────┘                             │  │
//!        │                          └──────── −404, expired, before its end ────────────────────┘  │
//!     [Lost] ◀── reported by the server under a temporary key; or −404 twice for a permanent one ──┘
//! ```
//!
//! Without forward secrecy the permanent key carries traffic and the middle is skipped. For CDNs the permanent key is
//! skipped.
//!
//! Transport error −404 is four bytes that an attacker can forge. It costs a temporary key, which is replaced after a
//! growing pause. It never costs a permanent key: that is the application's decision.
// spec: crypto 18.13

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::ControlFlow;

use mtp_crypto::QuickAckToken;
use mtp_env::{Deadline, Entropy, Instant, Now};

mod config;
mod error;
mod event;
mod exchange;
mod handshake;
mod session;
mod state;
mod traffic;

pub use config::{ClientConfig, Secrecy};
pub use error::ClientPacketError;
pub use event::{ClientEvent, Evidence, ExchangeError, TemporaryKeyEnd};
pub use handshake::{ClientHandshake, ClientHandshakeConfig, ClientWork, ClientWorkDone};
pub use session::{
    BindInputs, CALL_BYTES_MAX, CLIENT_WORK_PER_BYTE, CLIENT_WORK_PER_PACKET, CallError,
    ClientInfo, ClientSession, ClientSessionConfig, ClientSessionEvent, InitParams, Priority,
    Repetition, RequestError, RequestId, RequestOptions, ResetCause, SessionResumeError, Wrap,
};
pub use state::ResumeError;

use crate::established::Established;
use crate::exchange::HandshakeError;
use crate::exchange::plain::is_plain;
use crate::link::{AfterSend, BatchLimits, LinkId, Outgoing, Transmit};
use crate::session::LinkKind;
use exchange::Exchange;
use traffic::Traffic;

/// Client of one data center.
///
/// Calls may be made at any time and wait until there is a key. After every verb except the polls, drain
/// [`poll_event`](Self::poll_event), then [`poll_transmit`](Self::poll_transmit) of every writable link.
pub struct ClientMachine {
    config: ClientConfig,
    entropy: Box<dyn Entropy + Send>,
    session: ClientSession,
    links: Vec<Link>,
    permanent: Option<Permanent>,
    traffic: Traffic,
    /// Binding call of a key that was abandoned before the answer arrived.
    abandoned_binding: Option<RequestId>,
    /// Next temporary key, created ahead of time, and since when it waits for calls in flight.
    next: Option<(Established, Instant)>,
    exchange: Option<Exchange>,
    events: VecDeque<ClientEvent<'static>>,
    /// Consecutive failures, which lengthen the pauses.
    failures: u32,
    /// No exchange and no binding before this time.
    pause_until: Option<Instant>,
    /// Latest time passed to any verb.
    now: Now,
    /// Number of jobs returned by `poll_work`.
    jobs: u32,
}

#[derive(Debug)]
struct Link {
    id: LinkId,
    kind: LinkKind,
    state: LinkState,
}

/// Whether a link is being closed, after a violation or a transport error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LinkState {
    Open,
    /// Closing is not yet signaled to the driver.
    Closing,
    /// Closing is signaled to the driver.
    Closed,
}

/// The permanent key and the evidence that the server has lost it.
#[derive(Debug)]
struct Permanent {
    established: Established,
    /// Time of its creation, if it was created by this machine.
    created_at: Option<Instant>,
    /// Consecutive links that ended with −404.
    strikes: u8,
    /// The application was notified and must decide.
    is_lost: bool,
}

impl ClientMachine {
    /// Creates a client without keys or with a stored permanent key.
    #[must_use]
    pub fn new(
        config: ClientConfig,
        now: Now,
        permanent: Option<Established>,
        mut entropy: Box<dyn Entropy + Send>,
    ) -> Self {
        let session_config = Arc::new(config.session.clone());
        let session = ClientSession::new(now, session_config, &mut entropy);
        Self::with_session(config, now, permanent, session, entropy)
    }

    fn with_session(
        config: ClientConfig,
        now: Now,
        permanent: Option<Established>,
        session: ClientSession,
        entropy: Box<dyn Entropy + Send>,
    ) -> Self {
        let mut client = Self {
            config,
            entropy,
            session,
            links: Vec::new(),
            permanent: permanent.map(Permanent::stored),
            traffic: Traffic::None,
            abandoned_binding: None,
            next: None,
            exchange: None,
            events: VecDeque::new(),
            failures: 0,
            pause_until: None,
            now,
            jobs: 0,
        };
        client.choose_traffic();
        client
    }

    // ── application ────────────────────────────────────────────────────────────────────────────

    /// Queues a call. It is sent once there is a key.
    ///
    /// # Errors
    ///
    /// As [`ClientSession::request`].
    pub fn request(
        &mut self,
        now: Now,
        body: &[u8],
        options: RequestOptions,
    ) -> Result<RequestId, RequestError> {
        self.advance(now);
        self.session.request(self.now, body, options)
    }

    /// Cancels a call. The server may still run it.
    ///
    /// # Errors
    ///
    /// As [`ClientSession::cancel`].
    pub fn cancel(&mut self, now: Now, request: RequestId) -> Result<(), RequestError> {
        self.advance(now);
        self.session.cancel(request)
    }

    /// Pings every link of the session. [`ClientSessionEvent::Pong`] reports the round-trip time.
    ///
    /// Returns `true` if a ping will be sent, which needs a link. It is eventually answered, on another link if necessary.
    // spec: session 8.5
    pub fn ping(&mut self) -> bool {
        self.links.iter().fold(false, |pinged, link| self.session.ping(link.id) | pinged)
    }

    /// Returns the session for inspection.
    #[must_use]
    pub const fn session(&self) -> &ClientSession {
        &self.session
    }

    /// Returns `true` if packets should be read; `false` while the application lags behind with its events.
    #[must_use]
    pub fn wants_packets(&self) -> bool {
        self.session.wants_packets()
    }

    /// Sets whether a user is waiting. If so, links are probed as often as during calls.
    pub fn set_online(&mut self, now: Now, online: bool) {
        self.advance(now);
        self.session.set_online(online);
    }

    /// Returns `true` if calls are sent without waiting for a key.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self.traffic, Traffic::Ready { .. })
    }

    /// Returns the permanent key.
    #[must_use]
    pub fn permanent_key(&self) -> Option<&Established> {
        self.permanent.as_ref().map(|permanent| &permanent.established)
    }

    /// Drops the permanent key, after [`ClientEvent::PermanentKeyLost`] or a logout, and creates another. Calls wait for
    /// it.
    pub fn new_permanent_key(&mut self, now: Now) {
        self.advance(now);
        self.permanent = None;
        self.leave_key();
        self.next = None;
        self.exchange = None;
        self.session.drop_key();
        self.begin_exchange();
    }

    /// Asks the server to destroy the permanent key, after a logout; without one, the key that carries traffic.
    ///
    /// [`ClientSessionEvent::KeyDestroyed`] reports the answer; success closes the client and fails open calls. The
    /// client switches to the permanent key first, because a key can only be destroyed under itself. Returns `true` if
    /// there is a key.
    // spec: session 8.9
    pub fn destroy_key(&mut self, now: Now) -> bool {
        self.advance(now);
        if self.permanent.is_some() && self.config.secrecy != Secrecy::Off {
            self.config.secrecy = Secrecy::Off;
            self.leave_key();
            (self.next, self.exchange) = (None, None);
            self.choose_traffic();
        }
        let has_key = self.traffic.key().is_some();
        if has_key {
            self.session.destroy_key();
        }
        has_key
    }

    /// Continues with the permanent key after [`ClientEvent::PermanentKeyLost`].
    pub fn try_again(&mut self, now: Now) {
        self.advance(now);
        if let Some(permanent) = &mut self.permanent {
            permanent.is_lost = false;
            permanent.strikes = 0;
        }
        self.choose_traffic();
        self.begin_exchange();
    }

    // ── links ──────────────────────────────────────────────────────────────────────────────────

    /// Adds a link.
    pub fn link_up(&mut self, now: Now, link: LinkId, kind: LinkKind) {
        self.advance(now);
        self.links.push(Link { id: link, kind, state: LinkState::Open });
        self.session.link_up(self.now, link, kind);
        self.begin_exchange();
    }

    /// Removes a link. Calls wait for the next one.
    pub fn link_down(&mut self, now: Now, link: LinkId) {
        self.advance(now);
        self.links.retain(|known| known.id != link);
        self.session.link_down(self.now, link);
        if self.abandon_exchange(link) {
            self.begin_exchange();
        }
    }

    /// Handles a packet from a link, decrypting it in place.
    ///
    /// # Errors
    ///
    /// [`ClientPacketError`] if the packet is rejected; the link is closed after a violation by the peer.
    pub fn handle_packet(
        &mut self,
        now: Now,
        link: LinkId,
        packet: &mut [u8],
    ) -> Result<(), ClientPacketError> {
        self.advance(now);
        if is_plain(packet) {
            return self.handle_plain(link, packet);
        }
        match self.session.handle_packet(self.now, link, packet) {
            Ok(()) => {
                self.key_works();
                self.step();
                Ok(())
            }
            Err(error) => {
                if error.closes_link() {
                    self.close_link(link);
                }
                Err(error.into())
            }
        }
    }

    fn handle_plain(&mut self, link: LinkId, packet: &[u8]) -> Result<(), ClientPacketError> {
        let exchange = self.exchange.as_mut().filter(|exchange| exchange.link == link);
        let Some(exchange) = exchange else {
            // Plain packets are not allowed in an encrypted session.
            // spec: session 1
            self.close_link(link);
            return Err(ClientPacketError::Plain);
        };
        let result = exchange.handshake.handle_packet(self.now, packet);
        self.settle_exchange();
        Ok(result?)
    }

    /// Handles a transport error. The link is closed.
    // spec: session 10
    pub fn handle_transport_error(&mut self, now: Now, link: LinkId, code: i32) {
        self.advance(now);
        let was_open = self.close_link(link);
        self.session.handle_transport_error(link, code);
        // During a key exchange on the link the error does not say which key was not found.
        if self.abandon_exchange(link) {
            self.exchange_failed(ExchangeError::Transport { code });
        } else if code == NOT_FOUND && was_open {
            // However often one link says so, it is one piece of evidence.
            self.key_not_found();
        }
        self.begin_exchange();
    }

    /// Returns `true` if a link is to be closed: its input is not read any more.
    #[must_use]
    pub fn is_closing(&self, link: LinkId) -> bool {
        let known = self.links.iter().find(|known| known.id == link);
        known.is_some_and(|known| known.state != LinkState::Open) || self.session.is_closing(link)
    }

    /// Handles a quick acknowledgment.
    pub fn handle_quick_ack(&mut self, now: Now, token: QuickAckToken) {
        self.advance(now);
        self.session.handle_quick_ack(token);
    }

    /// Appends the next packet for a link to `out` or returns another action for the link.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Now, link: LinkId, out: &mut Vec<u8>) -> Option<Transmit> {
        self.advance(now);
        match self.poll_own(link, out) {
            ControlFlow::Break(transmit) => transmit,
            ControlFlow::Continue(()) => {
                let transmit = self.session.poll_transmit(self.now, link, out, &mut self.entropy);
                self.note_close(link, transmit);
                transmit
            }
        }
    }

    /// Appends several packets for a link to `out`, encrypted together. Equivalent to repeated calls of
    /// [`poll_transmit`](Self::poll_transmit), but faster.
    ///
    /// Appends the end of each packet in `out` to `packets`.
    pub fn poll_transmit_batch(
        &mut self,
        now: Now,
        link: LinkId,
        limits: BatchLimits,
        out: &mut Vec<u8>,
        packets: &mut Vec<(usize, Transmit)>,
    ) {
        self.advance(now);
        match self.poll_own(link, out) {
            ControlFlow::Break(transmit) => packets.extend(transmit.map(|it| (out.len(), it))),
            ControlFlow::Continue(()) => {
                let (session, entropy) = (&mut self.session, &mut self.entropy);
                session.poll_transmit_batch(self.now, link, limits, out, packets, entropy);
                self.note_close(link, packets.last().map(|(_, transmit)| *transmit));
            }
        }
    }

    /// Polls everything that takes precedence over the session's packets.
    fn poll_own(&mut self, link: LinkId, out: &mut Vec<u8>) -> ControlFlow<Option<Transmit>> {
        let now = self.now;
        let Some(known) = self.links.iter_mut().find(|known| known.id == link) else {
            return ControlFlow::Break(None);
        };
        match known.state {
            LinkState::Open => {}
            LinkState::Closing => {
                known.state = LinkState::Closed;
                let close = Transmit { what: Outgoing::Nothing, then: AfterSend::Close };
                return ControlFlow::Break(Some(close));
            }
            LinkState::Closed => return ControlFlow::Break(None),
        }
        let exchange = self.exchange.as_mut().filter(|exchange| exchange.link == link);
        match exchange.and_then(|exchange| exchange.handshake.poll_transmit(now, out)) {
            Some(query) => ControlFlow::Break(Some(query)),
            None => ControlFlow::Continue(()),
        }
    }

    /// Records that a link was handed to the driver for closing.
    fn note_close(&mut self, link: LinkId, transmit: Option<Transmit>) {
        if let (Some(Transmit { then: AfterSend::Close, .. }), Some(known)) =
            (transmit, self.links.iter_mut().find(|known| known.id == link))
        {
            known.state = LinkState::Closed;
        }
    }

    /// Returns the pending job of a key exchange, if the configuration defers arithmetic.
    #[must_use]
    pub fn poll_work(&mut self) -> Option<ClientWork> {
        let exchange = self.exchange.as_mut()?;
        let mut work = exchange.handshake.poll_work()?;
        work.ticket = self.jobs;
        exchange.ticket = Some(work.ticket);
        self.jobs = self.jobs.wrapping_add(1);
        Some(work)
    }

    /// Handles the result of a job. Results for an ended exchange are ignored.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`] if the exchange failed; the link is closed.
    pub fn handle_work(&mut self, now: Now, done: ClientWorkDone) -> Result<(), HandshakeError> {
        self.advance(now);
        let now = self.now;
        let is_its = |exchange: &&mut Exchange| exchange.ticket == Some(done.ticket);
        let Some(exchange) = self.exchange.as_mut().filter(is_its) else { return Ok(()) };
        let result = exchange.handshake.handle_work(now, done);
        self.settle_exchange();
        result
    }

    // ── events ─────────────────────────────────────────────────────────────────────────────────

    /// Returns the next event.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<ClientEvent<'_>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let event = self.session.peek_event()?;
            let (answer, is_own) = (self.bind_answer(&event), self.is_own(&event));
            if answer.is_none() && !is_own {
                break;
            }
            let _ = self.session.poll_event();
            if let Some(answer) = answer {
                self.bind_answered(answer);
            }
        }
        self.session.poll_event().map(ClientEvent::Session)
    }

    // ── time ───────────────────────────────────────────────────────────────────────────────────

    /// Returns the time to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let pause = self.pause_until.map(|at| Deadline::new(at, "pause"));
        let expiry = self.expiry_at().map(|at| Deadline::new(at, "key expiry"));
        let renewal = match (&self.next, &self.exchange) {
            // Without a link, a due renewal waits for a link and not for a deadline.
            (None, None) if self.pause_until.is_none() && self.open_link().is_some() => {
                self.renewal_at().map(|at| Deadline::new(at, "key renewal"))
            }
            (Some((_, since)), _) => {
                Some(Deadline::new(*since + self.config.renew_patience, "key change"))
            }
            _ => None,
        };
        let exchange =
            self.exchange.as_ref().and_then(|exchange| exchange.handshake.poll_timeout());
        [pause, expiry, renewal, exchange, self.session.poll_timeout()]
            .into_iter()
            .fold(None, Deadline::earliest)
    }

    /// Handles all deadlines that have passed.
    pub fn handle_timeout(&mut self, now: Now) {
        self.advance(now);
        let now = self.now;
        if let Some(exchange) = &mut self.exchange {
            exchange.handshake.handle_timeout(now);
        }
        self.settle_exchange();
        self.session.handle_timeout(now);
        self.expire();
        self.step();
    }

    /// Takes every step that is no longer blocked.
    fn step(&mut self) {
        if self.pause_until.is_some_and(|until| until <= self.now.mono) {
            self.pause_until = None;
        }
        self.change_key();
        self.bind();
        self.begin_exchange();
    }

    /// Advances the clock; monotonic time never steps back.
    fn advance(&mut self, now: Now) {
        self.now = Now { mono: now.mono.max(self.now.mono), unix: now.unix };
    }

    /// Returns a link for a key exchange. Long-poll links respond too late.
    fn open_link(&self) -> Option<LinkId> {
        let may_carry =
            |link: &&Link| link.state == LinkState::Open && link.kind != LinkKind::HttpPoll;
        self.links.iter().find(may_carry).map(|link| link.id)
    }

    /// Begins to close a link; returns `true` if it was open.
    fn close_link(&mut self, link: LinkId) -> bool {
        let open =
            self.links.iter_mut().find(|known| known.id == link && known.state == LinkState::Open);
        open.is_some_and(|link| {
            link.state = LinkState::Closing;
            true
        })
    }
}

impl fmt::Debug for ClientMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientMachine")
            .field("dc", &self.config.dc)
            .field("traffic", &self.traffic)
            .field("exchange", &self.exchange)
            .finish_non_exhaustive()
    }
}

/// Transport error for an unknown key; not authenticated.
const NOT_FOUND: i32 = -404;
