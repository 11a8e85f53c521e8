//! The client's link.

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use mtp_crypto::{DcId, Side};
use mtp_env::{Entropy, Now};

use super::outer::Outer;
use super::pipe::Pipe;
use super::shared::shared_by_links;
use super::{HANDSHAKE_TIMEOUT, LinkError, Stack};
use crate::faketls::FakeTlsClient;
use crate::framing::{CLIENT_BODY_LEN_MAX, Frame, Tag};
use crate::http::HttpClient;
use crate::obfuscation::{self, Filter};
use crate::secret::SecretKey;
use crate::websocket::WebSocketClient;

/// Client link configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientLinkConfig {
    /// The stack.
    pub stack: Stack,
    /// The longest frame body accepted, in bytes; at most
    /// [`BODY_LEN_CEILING`](crate::framing::BODY_LEN_CEILING).
    pub body_len_max: usize,
    /// Limit for the handshake.
    pub handshake_timeout: Duration,
}

impl ClientLinkConfig {
    /// Returns the default limits for a stack.
    #[must_use]
    pub const fn new(stack: Stack) -> Self {
        Self { stack, body_len_max: CLIENT_BODY_LEN_MAX, handshake_timeout: HANDSHAKE_TIMEOUT }
    }
}

/// The client's link, for every stack.
pub struct ClientLink {
    pipe: Pipe,
}

shared_by_links!(ClientLink);

impl ClientLink {
    /// Returns a link for a connection opened at `now`.
    #[must_use]
    pub fn new(now: Now, config: ClientLinkConfig, entropy: Box<dyn Entropy + Send>) -> Self {
        let limit = config.body_len_max;
        let mut pipe = Pipe::new(now.mono + config.handshake_timeout, entropy);
        match config.stack {
            Stack::Plain(framing) => {
                pipe.set_framing(Side::Client, framing, limit, None);
                pipe.send_first(framing.init());
            }
            Stack::Obfuscated { tag, dc, secret } => {
                obfuscate(&mut pipe, limit, (tag, dc), secret.as_ref(), Filter::Redraw);
            }
            // Official clients do not filter the header inside FakeTLS; match them.
            Stack::FakeTls { dc, config } => {
                let key = config.key.clone();
                pipe.outer = Outer::FakeTlsClient(Box::new(FakeTlsClient::new(config)));
                let inside = (Tag::PADDED_INTERMEDIATE, dc);
                obfuscate(&mut pipe, limit, inside, Some(&key), Filter::Any);
            }
            // The server expects nothing else here, but reverse proxies in front of it might.
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

    /// Returns `true` if the stack is HTTP, which pairs every packet with one response.
    #[must_use]
    pub const fn is_http(&self) -> bool {
        matches!(self.pipe.outer, Outer::HttpClient(_))
    }

    /// Returns the next frame, or `None` when more bytes are needed.
    ///
    /// A transport error closes the link; no frame follows it.
    ///
    /// # Errors
    ///
    /// The server violated the protocol or missed a deadline. The link is closed, and later calls
    /// return the same error.
    #[must_use = "a dropped frame is lost"]
    pub fn next_frame(&mut self, now: Now) -> Result<Option<Frame<'_>>, LinkError> {
        let frame = self.pipe.next(now)?;
        Ok(frame.map(|frame| frame.lend(&mut self.pipe.buffer)))
    }
}

/// Sets up framing inside obfuscation. The header is sent together with the first frame.
fn obfuscate(
    pipe: &mut Pipe,
    body_len_max: usize,
    (tag, dc): (Tag, DcId),
    secret: Option<&SecretKey>,
    filter: Filter,
) {
    let (header, streams) = obfuscation::start(tag, dc, secret, filter, pipe.entropy());
    pipe.set_framing(Side::Client, tag.framing(), body_len_max, Some(streams));
    pipe.send_first(&header);
}

impl fmt::Debug for ClientLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientLink").finish_non_exhaustive()
    }
}
