//! A server's end of a connection, which finds out what the client speaks.
//!
//! ```text
//!             first bytes              64 bytes
//!  [Detect] ───────────────▶ [Header] ───────────▶ [Open]
//!      │     obfuscated, FakeTLS, WebSocket          ▲
//!      └─────────────────────────────────────────────┘
//!            a framing without obfuscation, HTTP
//! ```
//!
//! A server with secrets may ask its driver, which has a [`ReplayStore`](crate::replay::ReplayStore)
//! for all connections, whether an opening was seen before; until that is answered nothing moves:
//!
//! ```
//! use mtp_env::Now;
//! use mtp_transport::ServerLink;
//! use mtp_transport::replay::ReplayStore;
//!
//! fn on_readable(link: &mut ServerLink, store: &mut ReplayStore, now: Now, bytes: &[u8]) {
//!     link.handle_bytes(bytes);
//!     let _ = link.settle(now);
//!     if let Some(key) = link.replay_key() {
//!         link.handle_seen(store.check(now, key));
//!     }
//!     // Then `next_frame` and `poll_transmit` as usual.
//! }
//! ```

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use mtp_crypto::{QuickAckToken, Side};
use mtp_env::{Entropy, Now};

use super::outer::Outer;
use super::pipe::{Advance, Pipe};
use super::shared::shared_by_links;
use super::{HANDSHAKE_TIMEOUT, LinkError, SendError};
use crate::code::TransportCode;
use crate::detect::{Spoken, detect};
use crate::faketls::{FakeTlsServer, FakeTlsServerConfig};
use crate::framing::decoder::Cut;
use crate::framing::{Frame, Framing, SERVER_BODY_LEN_MAX, Tag};
use crate::http::{HttpServer, HttpServerConfig};
use crate::obfuscation::{self, Accepted, DcId, HEADER_LEN};
use crate::replay::{ReplayKey, Seen};
use crate::secret::SecretKey;
use crate::websocket::WebSocketServer;

/// What a server understands and puts up with.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// What a connection may begin with; by default everything, as a data centre does.
    pub accepted: Vec<Spoken>,
    /// The framings accepted inside obfuscation; by default all three.
    pub tags: Vec<Tag>,
    /// The secrets of bare obfuscated headers. Without any, headers without a secret are read.
    pub secrets: Vec<SecretKey>,
    /// The longest frame body accepted, in bytes; at most
    /// [`BODY_LEN_CEILING`](crate::framing::BODY_LEN_CEILING).
    pub body_len_max: usize,
    /// What FakeTLS needs; without it TLS is not accepted.
    pub fake_tls: Option<FakeTlsServerConfig>,
    /// Whether an opening that fits a secret, obfuscated header or FakeTLS hello, waits until
    /// [`ServerLink::handle_seen`] says that it is new. Off by default; `mtp-proto`'s hub of links
    /// answers by itself.
    pub check_replays: bool,
    /// What only HTTP needs; its bodies must stay below `body_len_max`.
    pub http: HttpServerConfig,
    /// How long detection, handshake and header may take together.
    pub handshake_timeout: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            accepted: Spoken::ALL.to_vec(),
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

/// What a client turned out to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// What its first bytes showed.
    pub spoken: Spoken,
    /// Its framing; HTTP has none.
    pub framing: Option<Framing>,
    /// The data centre that its obfuscated header names.
    pub dc: Option<DcId>,
    /// The number of the secret that its header fits: in `secrets`, for FakeTLS in its own list.
    pub secret: Option<usize>,
}

/// A server's end of a connection, for every stack.
pub struct ServerLink {
    pipe: Pipe,
    stage: Stage,
    config: ServerConfig,
}

/// What is known of the client.
#[derive(Clone, Copy)]
enum Stage {
    Detect,
    Header(Spoken),
    /// The header fits a secret and may still be a replay.
    Check {
        spoken: Spoken,
        key: ReplayKey,
        seen: Option<Seen>,
    },
    Open(Peer),
}

shared_by_links!(ServerLink);

impl ServerLink {
    /// Returns the link of a connection that was accepted just now.
    #[must_use]
    pub fn new(now: Now, config: ServerConfig, entropy: Box<dyn Entropy + Send>) -> Self {
        let pipe = Pipe::new(now.mono + config.handshake_timeout, entropy);
        Self { pipe, stage: Stage::Detect, config }
    }

    /// Returns the next frame, or `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// The client broke a rule or let the time run out. The link is closed, and every later call
    /// returns the same error. [`Self::received`] has the bytes if none were used.
    #[must_use = "a frame that is dropped is lost"]
    pub fn next_frame(&mut self, now: Now) -> Result<Option<Frame<'_>>, LinkError> {
        let cut = self.next_cut(now)?;
        Ok(cut.map(|cut| cut.lend(&mut self.pipe.buffer)))
    }

    /// Appends a transport error; the link is closed then.
    ///
    /// # Errors
    ///
    /// It is not known yet what the client speaks, or the link is closed.
    // spec: transport 4
    pub fn error(
        &mut self,
        now: Now,
        code: TransportCode,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.pipe.error(now, code, out)
    }

    /// Appends a quick ack.
    ///
    /// # Errors
    ///
    /// The client's stack has none, or the link cannot send now.
    // spec: transport 3.2
    pub fn quick_ack(
        &mut self,
        now: Now,
        token: QuickAckToken,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.pipe.quick_ack(now, token, out)
    }

    /// Answers a held request with nothing if another waits behind it, and reports whether it did.
    ///
    /// For HTTP, when there is nothing to send: then `poll_transmit` and `next_frame` have something.
    // spec: transport 10.2
    pub fn make_way(&mut self) -> bool {
        self.pipe.make_way()
    }

    /// Returns what the client speaks, once that is settled.
    #[must_use]
    pub const fn peer(&self) -> Option<Peer> {
        match self.stage {
            Stage::Open(peer) => Some(peer),
            Stage::Detect | Stage::Header(_) | Stage::Check { .. } => None,
        }
    }

    /// Goes on with detection and returns what the client speaks, once that is settled.
    ///
    /// For drivers that want to know before the first packet. What goes wrong comes out of
    /// [`Self::next_frame`].
    pub fn settle(&mut self, now: Now) -> Option<Peer> {
        if self.pipe.failure().is_none()
            && let Err(error) = self.negotiate(now)
        {
            self.pipe.fail(error);
        }
        self.peer()
    }

    /// Returns what to look up in the store that all connections share, if the client waits for that.
    ///
    /// Ask after [`Self::settle`] or [`Self::next_frame`]. It is there only if
    /// [`ServerConfig::check_replays`] is set, and once for each connection.
    // spec: transport 7.4
    #[must_use]
    pub fn replay_key(&self) -> Option<ReplayKey> {
        match (self.stage, &self.pipe.outer) {
            (Stage::Check { key, seen: None, .. }, _) => Some(key),
            (Stage::Header(_), Outer::FakeTlsServer(layer)) => layer.replay_key(),
            _ => None,
        }
    }

    /// Takes the answer to [`Self::replay_key`].
    ///
    /// A replay ends the link like any other failed opening, without a word.
    pub fn handle_seen(&mut self, answer: Seen) {
        match (&mut self.stage, &mut self.pipe.outer) {
            (Stage::Check { seen: seen @ None, .. }, _) => *seen = Some(answer),
            (Stage::Header(_), Outer::FakeTlsServer(layer)) => layer.handle_seen(answer),
            _ => {}
        }
    }

    /// Returns every byte received so far, if the client was not understood and got no answer.
    ///
    /// A driver may hand them to the site that the server pretends to be.
    // spec: transport 8.6
    #[must_use]
    pub fn received(&self) -> Option<&[u8]> {
        self.pipe.buffer.untouched()
    }

    #[inline]
    fn next_cut(&mut self, now: Now) -> Result<Option<Cut>, LinkError> {
        if let Stage::Open(_) = self.stage {
            return self.pipe.next(now);
        }
        if let Some(error) = self.pipe.failure() {
            return Err(error.clone());
        }
        match self.negotiate(now) {
            Ok(Some(_)) => self.pipe.next(now),
            Ok(None) => Ok(None),
            Err(error) => Err(self.pipe.fail(error)),
        }
    }

    /// Goes on until it is known what the client speaks or more bytes are needed.
    // spec: transport 13.2
    fn negotiate(&mut self, now: Now) -> Result<Option<Peer>, LinkError> {
        loop {
            self.stage = match self.stage {
                Stage::Open(peer) => return Ok(Some(peer)),
                Stage::Detect => match detect(self.pipe.buffer.outer()) {
                    Some(spoken) => self.on_spoken(spoken)?,
                    None => return Ok(None),
                },
                Stage::Header(spoken) => match self.pipe.buffer.inner().first_chunk() {
                    Some(header) => {
                        let accepted = self.accept(header)?;
                        let key = ReplayKey::of_header(header);
                        self.on_header(spoken, key, accepted)
                    }
                    None => match self.pipe.advance(now)? {
                        Advance::Wait => return Ok(None),
                        Advance::More => Stage::Header(spoken),
                        Advance::Cut(_) => return Err(LinkError::Header),
                    },
                },
                Stage::Check { seen: None, .. } => return Ok(None),
                Stage::Check { seen: Some(Seen::Before), .. } => return Err(LinkError::Replayed),
                Stage::Check { spoken, seen: Some(Seen::Never), .. } => {
                    let header = self.pipe.buffer.inner().first_chunk().ok_or(LinkError::Header)?;
                    self.open(spoken, self.accept(header)?)
                }
            }
        }
    }

    // spec: transport 1.1
    fn on_spoken(&mut self, spoken: Spoken) -> Result<Stage, LinkError> {
        if !self.config.accepted.contains(&spoken) {
            return Err(LinkError::NotAccepted(spoken));
        }
        match spoken {
            Spoken::Plain(framing) => {
                self.pipe.buffer.accept(spoken.consumed(), 0);
                self.pipe.frame(Side::Server, framing, self.config.body_len_max, None);
                Ok(Stage::Open(Peer { spoken, framing: Some(framing), dc: None, secret: None }))
            }
            Spoken::Obfuscated => Ok(Stage::Header(spoken)),
            Spoken::HttpGet => {
                self.pipe.outer = Outer::WebSocketServer(Box::new(WebSocketServer::new()));
                Ok(Stage::Header(spoken))
            }
            Spoken::Http => {
                let layer = HttpServer::new(self.config.http.clone(), self.config.body_len_max);
                self.pipe.outer = Outer::HttpServer(Box::new(layer));
                self.pipe.packets();
                Ok(Stage::Open(Peer { spoken, framing: None, dc: None, secret: None }))
            }
            Spoken::Tls => {
                let config = self.config.fake_tls.clone().ok_or(LinkError::NotAccepted(spoken))?;
                let layer = FakeTlsServer::new(config, self.config.check_replays);
                self.pipe.outer = Outer::FakeTlsServer(Box::new(layer));
                Ok(Stage::Header(spoken))
            }
        }
    }

    /// Reads a header with what the configuration allows for its stack.
    // spec: transport 5.4
    fn accept(&self, header: &[u8; HEADER_LEN]) -> Result<Accepted, LinkError> {
        let accepted = match (&self.pipe.outer, &self.config.fake_tls) {
            // The secret that matched the hello is the only one that can fit.
            (Outer::FakeTlsServer(layer), Some(config)) => {
                let index = layer.secret().ok_or(LinkError::Header)?;
                let (key, _) = config.secrets.get(index).ok_or(LinkError::Header)?;
                let accepted = obfuscation::accept(header, [key])
                    .map(|accepted| Accepted { secret: Some(index), ..accepted });
                accepted.filter(|accepted| accepted.tag == Tag::PADDED_INTERMEDIATE)
            }
            // Inside a WebSocket there is never a secret.
            (Outer::WebSocketServer(_), _) => obfuscation::accept(header, []),
            _ => obfuscation::accept(header, &self.config.secrets),
        };
        let accepted = accepted.ok_or(LinkError::Header)?;
        if !self.config.tags.contains(&accepted.tag) {
            return Err(LinkError::Header);
        }
        Ok(accepted)
    }

    /// Asks whether a header was seen before, unless its hello was asked for or nothing proves
    /// that its sender knows anything.
    // spec: transport 7.4
    fn on_header(&mut self, spoken: Spoken, key: ReplayKey, accepted: Accepted) -> Stage {
        let is_bare = matches!(self.pipe.outer, Outer::Bare);
        if self.config.check_replays && is_bare && accepted.secret.is_some() {
            return Stage::Check { spoken, key, seen: None };
        }
        self.open(spoken, accepted)
    }

    fn open(&mut self, spoken: Spoken, accepted: Accepted) -> Stage {
        self.pipe.buffer.take(HEADER_LEN);
        let (framing, limit) = (accepted.tag.framing(), self.config.body_len_max);
        self.pipe.frame(Side::Server, framing, limit, Some(accepted.streams));
        let (dc, secret) = (Some(accepted.dc), accepted.secret);
        Stage::Open(Peer { spoken, framing: Some(framing), dc, secret })
    }
}

impl fmt::Debug for ServerLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerLink").field("peer", &self.peer()).finish_non_exhaustive()
    }
}
