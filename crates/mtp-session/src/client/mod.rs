//! One client of one data centre: its keys, and one session on top of them.
//!
//! ```text
//!                 permanent key                temporary key             auth.bindTempAuthKey
//!  [NoPermanent] ───────────────▶ [NoTraffic] ───────────────▶ [Binding] ────────────────────▶ [Ready]
//!        ▲                          ▲   ▲                         │                             │  │
//!        │ new_permanent_key        │   └──── refused, −404 ──────┘                             │  │
//!        │                          └──────── −404, expired, before its end ────────────────────┘  │
//!     [Lost] ◀── the server says so under a temporary key; or −404 twice for a permanent one ──────┘
//! ```
//!
//! Without forward secrecy the permanent key carries traffic and the middle is left out; at content
//! delivery centres it is the permanent key that is left out.
//!
//! Four bytes that anybody can forge (transport error −404) cost a temporary key, which is made again
//! after a pause that grows. They never cost a permanent key: that is the application's decision.
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
    BindInputs, CALL_BYTES_MAX, CallError, ClientInfo, ClientSession, ClientSessionConfig,
    ClientSessionEvent, InitParams, Priority, Repetition, RequestError, RequestId, RequestOptions,
    ResetCause, SessionResumeError, Wrap,
};
pub use state::ResumeError;

use crate::established::Established;
use crate::exchange::HandshakeError;
use crate::exchange::plain::is_plain;
use crate::link::{AfterSend, BatchLimits, LinkId, Outgoing, Transmit};
use crate::session::LinkKind;
use exchange::Exchange;
use traffic::Traffic;

/// One client of one data centre.
///
/// Calls may be made at any time; they wait until there is a key. After every verb but the polls:
/// drain [`poll_event`](Self::poll_event), then [`poll_transmit`](Self::poll_transmit) of every link
/// that can take data.
pub struct ClientMachine {
    config: ClientConfig,
    entropy: Box<dyn Entropy + Send>,
    session: ClientSession,
    links: Vec<Link>,
    permanent: Option<Permanent>,
    traffic: Traffic,
    /// The last call that was to bind a key which was left before the answer came.
    left_binding: Option<RequestId>,
    /// A temporary key made ahead, and since when it waits for a quiet moment.
    next: Option<(Established, Instant)>,
    exchange: Option<Exchange>,
    happened: VecDeque<ClientEvent<'static>>,
    /// Failures in a row, which make the pauses longer.
    failures: u32,
    /// No exchange and no binding before this.
    pause_until: Option<Instant>,
    /// The latest time that any verb brought.
    now: Now,
    /// Pieces of arithmetic given away.
    works: u32,
}

#[derive(Debug)]
struct Link {
    id: LinkId,
    kind: LinkKind,
    end: LinkEnd,
}

/// Whether a link is to be closed: the peer misbehaved, or said that it will close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LinkEnd {
    No,
    Wanted,
    /// The driver knows.
    Told,
}

/// The permanent key and what speaks against it.
#[derive(Debug)]
struct Permanent {
    established: Established,
    /// When it was made, if that was in this run.
    made_at: Option<Instant>,
    /// Links in a row that ended with −404.
    strikes: u8,
    /// The application has been asked what to do.
    is_lost: bool,
}

impl ClientMachine {
    /// Starts without keys, or with a permanent key from storage.
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
            left_binding: None,
            next: None,
            exchange: None,
            happened: VecDeque::new(),
            failures: 0,
            pause_until: None,
            now,
            works: 0,
        };
        client.choose_traffic();
        client
    }

    // ── application ────────────────────────────────────────────────────────────────────────────

    /// Makes a call, now or as soon as there is a key.
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

    /// Ends a call; the server may run it all the same.
    ///
    /// # Errors
    ///
    /// As [`ClientSession::cancel`].
    pub fn cancel(&mut self, now: Now, request: RequestId) -> Result<(), RequestError> {
        self.advance(now);
        self.session.cancel(request)
    }

    /// Pings every link that carries the session; [`ClientSessionEvent::Pong`] says how long it took.
    ///
    /// Reports whether a ping will go: not without a link, as long as there is none. One that goes is answered in
    /// the end, by another link if need be.
    // spec: session 8.5
    pub fn ping(&mut self) -> bool {
        self.links.iter().fold(false, |pinged, link| self.session.ping(link.id) | pinged)
    }

    /// Returns the session, to look at.
    #[must_use]
    pub const fn session(&self) -> &ClientSession {
        &self.session
    }

    /// Reports whether packets should be read: the application is not behind with its events.
    #[must_use]
    pub fn wants_packets(&self) -> bool {
        self.session.wants_packets()
    }

    /// Tells that somebody waits: links are watched closely, as while calls are out.
    pub fn set_online(&mut self, now: Now, online: bool) {
        self.advance(now);
        self.session.set_online(online);
    }

    /// Reports whether calls flow.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self.traffic, Traffic::Ready { .. })
    }

    /// Returns the permanent key, if there is one.
    #[must_use]
    pub fn permanent_key(&self) -> Option<&Established> {
        self.permanent.as_ref().map(|permanent| &permanent.established)
    }

    /// Gives the permanent key up, after [`ClientEvent::PermanentKeyLost`] or a log-out, and makes
    /// another. Calls wait for it.
    pub fn new_permanent_key(&mut self, now: Now) {
        self.advance(now);
        self.permanent = None;
        self.leave_key();
        self.next = None;
        self.exchange = None;
        self.session.drop_key();
        self.begin_exchange();
    }

    /// Asks the server to destroy the permanent key, after a log-out; without one, the key that carries traffic.
    ///
    /// [`ClientSessionEvent::KeyDestroyed`] tells the answer; a good one ends the client: open calls end with it. Temporary keys
    /// are left for it, because a key can be destroyed only by itself. Reports whether there is a key.
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

    /// Goes on with the permanent key after [`ClientEvent::PermanentKeyLost`].
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

    /// Takes a new link.
    pub fn link_up(&mut self, now: Now, link: LinkId, kind: LinkKind) {
        self.advance(now);
        self.links.push(Link { id: link, kind, end: LinkEnd::No });
        self.session.link_up(self.now, link, kind);
        self.begin_exchange();
    }

    /// Forgets a link; calls wait for the next one.
    pub fn link_down(&mut self, now: Now, link: LinkId) {
        self.advance(now);
        self.links.retain(|known| known.id != link);
        self.session.link_down(self.now, link);
        if self.abandon_exchange(link) {
            self.begin_exchange();
        }
    }

    /// Handles a packet of a link, decrypting it in place.
    ///
    /// # Errors
    ///
    /// What was wrong with it; the link is closed where that is the peer's fault.
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
            // Nothing plain belongs into an encrypted session.
            // spec: session 1
            self.close_link(link);
            return Err(ClientPacketError::Plain);
        };
        let result = exchange.handshake.handle_packet(self.now, packet);
        self.settle_exchange();
        Ok(result?)
    }

    /// Handles a bare transport error of a link, which is about to end.
    // spec: session 10
    pub fn handle_transport_error(&mut self, now: Now, link: LinkId, code: i32) {
        self.advance(now);
        self.close_link(link);
        self.session.handle_transport_error(link, code);
        // With a key exchange on the link nobody can tell which key was not found.
        if self.abandon_exchange(link) {
            self.exchange_failed(ExchangeError::Transport { code });
        } else if code == NOT_FOUND {
            self.key_not_found();
        }
        self.begin_exchange();
    }

    /// Handles a quick acknowledgement.
    pub fn handle_quick_ack(&mut self, now: Now, token: QuickAckToken) {
        self.advance(now);
        self.session.handle_quick_ack(token);
    }

    /// Appends the next packet for a link to `out`, or names what else to do with the link.
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

    /// Appends several packets for a link to `out`, encrypted together: what as many calls of
    /// [`poll_transmit`](Self::poll_transmit) would, faster.
    ///
    /// `packets` gets for each where it ends in `out`.
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

    /// Lets what goes before the session's packets have its turn.
    fn poll_own(&mut self, link: LinkId, out: &mut Vec<u8>) -> ControlFlow<Option<Transmit>> {
        let now = self.now;
        let Some(known) = self.links.iter_mut().find(|known| known.id == link) else {
            return ControlFlow::Break(None);
        };
        match known.end {
            LinkEnd::No => {}
            LinkEnd::Wanted => {
                known.end = LinkEnd::Told;
                let close = Transmit { what: Outgoing::Nothing, then: AfterSend::Close };
                return ControlFlow::Break(Some(close));
            }
            LinkEnd::Told => return ControlFlow::Break(None),
        }
        let exchange = self.exchange.as_mut().filter(|exchange| exchange.link == link);
        match exchange.and_then(|exchange| exchange.handshake.poll_transmit(now, out)) {
            Some(query) => ControlFlow::Break(Some(query)),
            None => ControlFlow::Continue(()),
        }
    }

    /// Notes that the driver was told to close a link.
    fn note_close(&mut self, link: LinkId, transmit: Option<Transmit>) {
        if let (Some(Transmit { then: AfterSend::Close, .. }), Some(known)) =
            (transmit, self.links.iter_mut().find(|known| known.id == link))
        {
            known.end = LinkEnd::Told;
        }
    }

    /// Gives arithmetic of a key exchange away, if the configuration defers it and some waits.
    #[must_use]
    pub fn poll_work(&mut self) -> Option<ClientWork> {
        let exchange = self.exchange.as_mut()?;
        let mut work = exchange.handshake.poll_work()?;
        work.ticket = self.works;
        exchange.ticket = Some(work.ticket);
        self.works = self.works.wrapping_add(1);
        Some(work)
    }

    /// Takes the result of arithmetic back; that of an exchange which is over is of no use and changes nothing.
    ///
    /// # Errors
    ///
    /// What the arithmetic found wrong; the link is closed.
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
            if let Some(happened) = self.happened.pop_front() {
                return Some(happened);
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

    /// Returns when `handle_timeout` is wanted.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let pause = self.pause_until.map(|at| Deadline::new(at, "pause"));
        let expiry = self.expiry_at().map(|at| Deadline::new(at, "key expiry"));
        let renewal = match (&self.next, &self.exchange) {
            // Without a link a renewal that is due has to wait for one, not for time.
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

    /// Does what time has brought.
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

    /// Moves on wherever nothing is in the way any more.
    fn step(&mut self) {
        if self.pause_until.is_some_and(|until| until <= self.now.mono) {
            self.pause_until = None;
        }
        self.change_key();
        self.bind();
        self.begin_exchange();
    }

    /// Clamps time that steps back.
    fn advance(&mut self, now: Now) {
        self.now = Now { mono: now.mono.max(self.now.mono), unix: now.unix };
    }

    /// Returns a link for a key exchange; one that waits for news would answer too late.
    fn open_link(&self) -> Option<LinkId> {
        let may_carry = |link: &&Link| link.end == LinkEnd::No && link.kind != LinkKind::HttpPoll;
        self.links.iter().find(may_carry).map(|link| link.id)
    }

    fn close_link(&mut self, link: LinkId) {
        let open = self.links.iter_mut().find(|known| known.id == link && known.end == LinkEnd::No);
        if let Some(link) = open {
            link.end = LinkEnd::Wanted;
        }
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

/// The transport error that says "I do not know this key"; unauthenticated.
const NOT_FOUND: i32 = -404;
