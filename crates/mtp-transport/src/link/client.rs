//! A client's end of a connection.

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use mtp_crypto::Side;
use mtp_env::{Entropy, Now};

use super::outer::Outer;
use super::pipe::Pipe;
use super::shared::shared_by_links;
use super::{HANDSHAKE_TIMEOUT, LinkError, Stack};
use crate::faketls::FakeTlsClient;
use crate::framing::{CLIENT_BODY_LEN_MAX, Frame, Tag};
use crate::http::HttpClient;
use crate::obfuscation::{self, DcId, Filter};
use crate::secret::SecretKey;
use crate::websocket::WebSocketClient;

/// What a client speaks and puts up with.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// What to speak.
    pub stack: Stack,
    /// The longest frame body accepted, in bytes; at most
    /// [`BODY_LEN_CEILING`](crate::framing::BODY_LEN_CEILING).
    pub body_len_max: usize,
    /// How long the layers' handshakes may take together.
    pub handshake_timeout: Duration,
}

impl ClientConfig {
    /// Returns the usual limits for a stack.
    #[must_use]
    pub const fn new(stack: Stack) -> Self {
        Self { stack, body_len_max: CLIENT_BODY_LEN_MAX, handshake_timeout: HANDSHAKE_TIMEOUT }
    }
}

/// A client's end of a connection, for every stack.
pub struct ClientLink {
    pipe: Pipe,
}

shared_by_links!(ClientLink);

impl ClientLink {
    /// Returns the link of a connection that was opened just now.
    #[must_use]
    pub fn new(now: Now, config: ClientConfig, entropy: Box<dyn Entropy + Send>) -> Self {
        let limit = config.body_len_max;
        let mut pipe = Pipe::new(now.mono + config.handshake_timeout, entropy);
        match config.stack {
            Stack::Plain(framing) => {
                pipe.frame(Side::Client, framing, limit, None);
                pipe.send_first(framing.init());
            }
            Stack::Obfuscated { tag, dc, secret } => {
                obfuscate(&mut pipe, limit, (tag, dc), secret.as_ref(), Filter::Redraw);
            }
            // Official clients skip the filter inside FakeTLS, so we look like them.
            Stack::FakeTls { dc, config } => {
                let key = config.key.clone();
                pipe.outer = Outer::FakeTlsClient(Box::new(FakeTlsClient::new(config)));
                let inside = (Tag::PADDED_INTERMEDIATE, dc);
                obfuscate(&mut pipe, limit, inside, Some(&key), Filter::Any);
            }
            // The server does not look for anything else here, but the fronts before it may.
            Stack::WebSocket { tag, dc, config } => {
                pipe.outer = Outer::WebSocketClient(Box::new(WebSocketClient::new(config)));
                obfuscate(&mut pipe, limit, (tag, dc), None, Filter::Redraw);
            }
            Stack::Http(config) => {
                pipe.outer = Outer::HttpClient(Box::new(HttpClient::new(&config, limit)));
                pipe.packets();
            }
        }
        pipe.settle();
        Self { pipe }
    }

    /// Reports whether every packet is answered by one: the stack is HTTP.
    #[must_use]
    pub const fn is_http(&self) -> bool {
        matches!(self.pipe.outer, Outer::HttpClient(_))
    }

    /// Returns the next frame, or `None` when more bytes are needed.
    ///
    /// After a transport error there are no further frames, and the link is closed.
    ///
    /// # Errors
    ///
    /// The server broke a rule or let the time run out. The link is closed, and every later call
    /// returns the same error.
    #[must_use = "a frame that is dropped is lost"]
    pub fn next_frame(&mut self, now: Now) -> Result<Option<Frame<'_>>, LinkError> {
        let cut = self.pipe.next(now)?;
        Ok(cut.map(|cut| cut.lend(&mut self.pipe.buffer)))
    }
}

/// Puts frames inside obfuscation; the header goes out with the first of them.
fn obfuscate(
    pipe: &mut Pipe,
    body_len_max: usize,
    (tag, dc): (Tag, DcId),
    secret: Option<&SecretKey>,
    filter: Filter,
) {
    let (header, streams) = obfuscation::start(tag, dc, secret, filter, pipe.entropy());
    pipe.frame(Side::Client, tag.framing(), body_len_max, Some(streams));
    pipe.send_first(&header);
}

impl fmt::Debug for ClientLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientLink").finish_non_exhaustive()
    }
}
