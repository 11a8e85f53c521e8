//! The server's link, which detects the client's stack.
//!
//! ```text
//!             first bytes              64 bytes
//!  [Detect] ───────────────▶ [Header] ───────────▶ [Open]
//!      │     obfuscated, FakeTLS, WebSocket          ▲
//!      └─────────────────────────────────────────────┘
//!            a framing without obfuscation, HTTP
//! ```
//!
//! A server with secrets can check openings for replays. The driver owns one
//! [`ReplayStore`](crate::replay::ReplayStore) for all connections, and the link pauses until the
//! driver has looked up the opening:
//!
//! ```
//! use mtp_env::Now;
//! use mtp_transport::link::ServerLink;
//! use mtp_transport::replay::ReplayStore;
//!
//! fn on_readable(link: &mut ServerLink, store: &mut ReplayStore, now: Now, bytes: &[u8]) {
//!     link.handle_bytes(bytes);
//!     let _ = link.settle(now);
//!     if let Some(key) = link.replay_key() {
//!         link.handle_seen(store.check(now, key));
//!     }
//!     // Then call `next_frame` and `poll_transmit` as usual.
//! }
//! ```

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use mtp_crypto::{DcId, QuickAckToken, Side};
use mtp_env::{Entropy, Now};

use super::outer::Outer;
use super::pipe::{Advance, Pipe};
use super::shared::shared_by_links;
use super::{HANDSHAKE_TIMEOUT, LinkError, LinkSendError};
use crate::code::TransportCode;
use crate::detect::{Protocol, detect};
use crate::faketls::{FakeTlsServer, FakeTlsServerConfig};
use crate::framing::{Frame, FrameAt, Framing, SERVER_BODY_LEN_MAX, Tag};
use crate::http::{HttpServer, HttpServerConfig};
use crate::obfuscation::{self, AcceptedHeader, HEADER_LEN};
use crate::replay::{ReplayKey, Seen};
use crate::secret::SecretKey;
use crate::websocket::WebSocketServer;

/// Server link configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerLinkConfig {
    /// Accepted protocols; all by default, as in a data center.
    pub accepted: Vec<Protocol>,
    /// Framings accepted inside obfuscation; all three by default.
    pub tags: Vec<Tag>,
    /// Secrets for obfuscated headers outside FakeTLS. If empty, only headers without a secret are
    /// accepted.
    pub secrets: Vec<SecretKey>,
    /// The longest frame body accepted, in bytes; at most
    /// [`BODY_LEN_CEILING`](crate::framing::BODY_LEN_CEILING).
    pub body_len_max: usize,
    /// FakeTLS configuration; without it, TLS is not accepted.
    pub fake_tls: Option<FakeTlsServerConfig>,
    /// Whether an opening that matches a secret waits for [`ServerLink::handle_seen`]. Off by
    /// default. The hubs of links do the look-up themselves.
    pub check_replays: bool,
    /// HTTP configuration. HTTP bodies must be shorter than `body_len_max`.
    pub http: HttpServerConfig,
    /// Limit for detection, handshake and obfuscated header together.
    pub handshake_timeout: Duration,
}

impl Default for ServerLinkConfig {
    fn default() -> Self {
        Self {
            accepted: Protocol::ALL.to_vec(),
            tags: Tag::ALL.to_vec(),
            secrets: Vec::new(),
            body_len_max: SERVER_BODY_LEN_MAX,
            fake_tls: None,
            check_replays: false,
            http: HttpServerConfig::default(),
            handshake_timeout: HANDSHAKE_TIMEOUT,
        }
    }
}

/// The detected stack of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// The protocol detected from the first bytes.
    pub protocol: Protocol,
    /// The framing; `None` for HTTP.
    pub framing: Option<Framing>,
    /// The data center named by the obfuscated header.
    pub dc: Option<DcId>,
    /// Index of the secret that matched: in [`ServerLinkConfig::secrets`], for FakeTLS in its own
    /// list.
    pub secret: Option<usize>,
}

/// The server's link, for every stack.
pub struct ServerLink {
    pipe: Pipe,
    stage: Stage,
    config: ServerLinkConfig,
}

/// Progress of the detection.
#[derive(Clone, Copy)]
enum Stage {
    Detect,
    Header(Protocol),
    /// The header matches a secret but may be a replay.
    Check {
        protocol: Protocol,
        key: ReplayKey,
        seen: Option<Seen>,
    },
    Open(Peer),
}

shared_by_links!(ServerLink);

impl ServerLink {
    /// Returns a link for a connection accepted at `now`.
    #[must_use]
    pub fn new(now: Now, config: ServerLinkConfig, entropy: Box<dyn Entropy + Send>) -> Self {
        let pipe = Pipe::new(now.mono + config.handshake_timeout, entropy);
        Self { pipe, stage: Stage::Detect, config }
    }

    /// Returns the next frame, or `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// The client violated the protocol or missed a deadline. The link is closed, and later calls
    /// return the same error. [`Self::received`] returns the bytes if none were consumed.
    #[must_use = "a dropped frame is lost"]
    pub fn next_frame(&mut self, now: Now) -> Result<Option<Frame<'_>>, LinkError> {
        let frame = self.next_at(now)?;
        Ok(frame.map(|frame| frame.lend(&mut self.pipe.buffer)))
    }

    /// Appends a transport error and closes the link.
    ///
    /// # Errors
    ///
    /// The client's stack is not detected yet, or the link is closed.
    // spec: transport 4
    pub fn error(
        &mut self,
        now: Now,
        code: TransportCode,
        out: &mut Vec<u8>,
    ) -> Result<(), LinkSendError> {
        self.pipe.error(now, code, out)
    }

    /// Appends a quick ack.
    ///
    /// # Errors
    ///
    /// The client's stack has no quick acks, or the link cannot send now.
    // spec: transport 3.2
    pub fn quick_ack(
        &mut self,
        now: Now,
        token: QuickAckToken,
        out: &mut Vec<u8>,
    ) -> Result<(), LinkSendError> {
        self.pipe.quick_ack(now, token, out)
    }

    /// Answers a held HTTP request with an empty response if another request waits behind it.
    /// Returns `true` if it did.
    ///
    /// Call it when there is nothing to send. Afterwards poll `poll_transmit` and `next_frame`.
    // spec: transport 10.2
    pub fn make_way(&mut self) -> bool {
        self.pipe.make_way()
    }

    /// Returns the client's stack once it is detected.
    #[must_use]
    pub const fn peer(&self) -> Option<Peer> {
        match self.stage {
            Stage::Open(peer) => Some(peer),
            Stage::Detect | Stage::Header(_) | Stage::Check { .. } => None,
        }
    }

    /// Continues detection and returns the client's stack once it is detected.
    ///
    /// For drivers that need it before the first packet. Errors are returned by
    /// [`Self::next_frame`].
    pub fn settle(&mut self, now: Now) -> Option<Peer> {
        if self.pipe.is_reading()
            && let Err(error) = self.negotiate(now)
        {
            self.pipe.fail(error);
        }
        self.peer()
    }

    /// Returns the key to look up in the replay store while the link waits for the result.
    ///
    /// Call it after [`Self::settle`] or [`Self::next_frame`]. Requires
    /// [`ServerLinkConfig::check_replays`]; a connection has at most one key.
    // spec: transport 7.4
    #[must_use]
    pub fn replay_key(&self) -> Option<ReplayKey> {
        match (self.stage, &self.pipe.outer) {
            (Stage::Check { key, seen: None, .. }, _) => Some(key),
            (Stage::Header(_), Outer::FakeTlsServer(layer)) => layer.replay_key(),
            _ => None,
        }
    }

    /// Handles the result of looking up [`Self::replay_key`].
    ///
    /// A replay closes the link like any other failed opening: nothing is sent.
    pub fn handle_seen(&mut self, answer: Seen) {
        match (&mut self.stage, &mut self.pipe.outer) {
            (Stage::Check { seen: seen @ None, .. }, _) => *seen = Some(answer),
            (Stage::Header(_), Outer::FakeTlsServer(layer)) => layer.handle_seen(answer),
            _ => {}
        }
    }

    /// Returns all bytes received so far, unless some were consumed.
    ///
    /// After a failed opening the driver can forward them to the fronting site.
    // spec: transport 8.6
    #[must_use]
    pub fn received(&self) -> Option<&[u8]> {
        self.pipe.buffer.untouched()
    }

    #[inline]
    fn next_at(&mut self, now: Now) -> Result<Option<FrameAt>, LinkError> {
        if let Stage::Open(_) = self.stage {
            return self.pipe.next(now);
        }
        if !self.pipe.is_reading() {
            return self.pipe.next(now);
        }
        match self.negotiate(now) {
            Ok(Some(_)) => self.pipe.next(now),
            Ok(None) => Ok(None),
            Err(error) => Err(self.pipe.fail(error)),
        }
    }

    /// Continues detection until the client's stack is known or more bytes are needed.
    // spec: transport 13.2
    fn negotiate(&mut self, now: Now) -> Result<Option<Peer>, LinkError> {
        loop {
            self.stage = match self.stage {
                Stage::Open(peer) => return Ok(Some(peer)),
                Stage::Detect => match detect(self.pipe.buffer.outer()) {
                    Some(protocol) => self.on_protocol(protocol)?,
                    None => return Ok(None),
                },
                Stage::Header(protocol) => match self.pipe.buffer.inner().first_chunk() {
                    Some(header) => {
                        let accepted = self.accept(header)?;
                        let key = ReplayKey::of_header(header);
                        self.on_header(protocol, key, accepted)
                    }
                    None => match self.pipe.advance(now)? {
                        Advance::Wait => return Ok(None),
                        Advance::More => Stage::Header(protocol),
                        Advance::Frame(_) => return Err(LinkError::Header),
                    },
                },
                Stage::Check { seen: None, .. } => return Ok(None),
                Stage::Check { seen: Some(Seen::Before), .. } => return Err(LinkError::Replayed),
                Stage::Check { protocol, seen: Some(Seen::Never), .. } => {
                    let header = self.pipe.buffer.inner().first_chunk().ok_or(LinkError::Header)?;
                    self.open(protocol, self.accept(header)?)
                }
            }
        }
    }

    // spec: transport 1.1
    fn on_protocol(&mut self, protocol: Protocol) -> Result<Stage, LinkError> {
        if !self.config.accepted.contains(&protocol) {
            return Err(LinkError::NotAccepted(protocol));
        }
        match protocol {
            Protocol::Plain(framing) => {
                self.pipe.buffer.accept(protocol.consumed(), 0);
                self.pipe.set_framing(Side::Server, framing, self.config.body_len_max, None);
                Ok(Stage::Open(Peer { protocol, framing: Some(framing), dc: None, secret: None }))
            }
            Protocol::Obfuscated => Ok(Stage::Header(protocol)),
            Protocol::HttpGet => {
                self.pipe.outer = Outer::WebSocketServer(Box::new(WebSocketServer::new()));
                Ok(Stage::Header(protocol))
            }
            Protocol::Http => {
                let layer = HttpServer::new(self.config.http.clone(), self.config.body_len_max);
                self.pipe.outer = Outer::HttpServer(Box::new(layer));
                self.pipe.packets();
                Ok(Stage::Open(Peer { protocol, framing: None, dc: None, secret: None }))
            }
            Protocol::Tls => {
                let config =
                    self.config.fake_tls.clone().ok_or(LinkError::NotAccepted(protocol))?;
                let layer = FakeTlsServer::new(config, self.config.check_replays);
                self.pipe.outer = Outer::FakeTlsServer(Box::new(layer));
                Ok(Stage::Header(protocol))
            }
        }
    }

    /// Reads an obfuscated header with the secrets and framings accepted for its stack.
    // spec: transport 5.4
    fn accept(&self, header: &[u8; HEADER_LEN]) -> Result<AcceptedHeader, LinkError> {
        let accepted = match (&self.pipe.outer, &self.config.fake_tls) {
            // Only the secret that matched the hello can match the header.
            (Outer::FakeTlsServer(layer), Some(config)) => {
                let index = layer.secret().ok_or(LinkError::Header)?;
                let (key, _) = config.secrets.get(index).ok_or(LinkError::Header)?;
                let accepted = obfuscation::accept(header, [key])
                    .map(|accepted| AcceptedHeader { secret: Some(index), ..accepted });
                accepted.filter(|accepted| accepted.tag == Tag::PADDED_INTERMEDIATE)
            }
            // There is never a secret inside a WebSocket.
            (Outer::WebSocketServer(_), _) => obfuscation::accept(header, []),
            _ => obfuscation::accept(header, &self.config.secrets),
        };
        let accepted = accepted.ok_or(LinkError::Header)?;
        if !self.config.tags.contains(&accepted.tag) {
            return Err(LinkError::Header);
        }
        Ok(accepted)
    }

    /// Requests a replay check for a header, unless FakeTLS checked the hello already or no secret
    /// is involved.
    // spec: transport 7.4
    fn on_header(&mut self, protocol: Protocol, key: ReplayKey, accepted: AcceptedHeader) -> Stage {
        let is_bare = self.pipe.outer.is_bare();
        if self.config.check_replays && is_bare && accepted.secret.is_some() {
            return Stage::Check { protocol, key, seen: None };
        }
        self.open(protocol, accepted)
    }

    fn open(&mut self, protocol: Protocol, accepted: AcceptedHeader) -> Stage {
        self.pipe.buffer.take(HEADER_LEN);
        let (framing, limit) = (accepted.tag.framing(), self.config.body_len_max);
        self.pipe.set_framing(Side::Server, framing, limit, Some(accepted.streams));
        let (dc, secret) = (Some(accepted.dc), accepted.secret);
        Stage::Open(Peer { protocol, framing: Some(framing), dc, secret })
    }
}

impl fmt::Debug for ServerLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerLink").field("peer", &self.peer()).finish_non_exhaustive()
    }
}
