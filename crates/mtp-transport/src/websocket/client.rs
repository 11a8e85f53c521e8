//! The client side: requests the upgrade, checks the response, then exchanges messages.
//!
//! ```text
//!            request drained             101 and the right accept
//!  [Start] ─────────────────▶ [Waiting] ────────────────────────────▶ [Open]
//!                                │ anything else ──▶ error
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use base64ct::{Base64, Encoding};
use mtp_env::{Deadline, Entropy, Now};

use super::header::Role;
use super::messages::Messages;
use super::{
    ACCEPT_TEXT_LEN, KEY_TEXT_LEN, SUBPROTOCOL, WebSocketError, WebSocketPath, accept_for,
};
use crate::code::TransportCode;
use crate::http::{HEADERS_MAX, HeadScanner, complete, lists, value};
use crate::layer::{Layer, Step};

/// WebSocket client configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WebSocketClientConfig {
    /// Value of the `Host` header, for example `venus.web.telegram.org`.
    pub host: String,
    /// The endpoint.
    pub path: WebSocketPath,
    /// Interval without output after which a ping is sent; 45 s by default, because the reverse
    /// proxies in front of the servers close idle connections.
    // spec: transport 9.3
    pub ping_interval: Option<Duration>,
}

impl WebSocketClientConfig {
    /// Returns the default configuration for one host.
    #[must_use]
    pub const fn new(host: String, path: WebSocketPath) -> Self {
        Self { host, path, ping_interval: Some(Duration::from_secs(45)) }
    }
}

/// Client side of a WebSocket.
pub(crate) struct WebSocketClient {
    config: WebSocketClientConfig,
    state: State,
}

enum State {
    Start,
    Waiting { scanner: HeadScanner, key: [u8; KEY_TEXT_LEN] },
    Open(Messages),
}

impl WebSocketClient {
    pub(crate) const fn new(config: WebSocketClientConfig) -> Self {
        Self { config, state: State::Start }
    }

    fn try_open(&mut self, now: Now, outer: &mut [u8]) -> Result<Step, WebSocketError> {
        match &mut self.state {
            State::Start => Err(WebSocketError::BadAnswer),
            State::Waiting { scanner, key } => {
                let end = scanner.end(outer).map_err(WebSocketError::Head)?;
                let Some(len) = end else { return Ok(Step::Wait) };
                check_response(outer.get(..len).unwrap_or_default(), key)?;
                self.state =
                    State::Open(Messages::new(Role::Client, now, self.config.ping_interval));
                Ok(Step::Stream { skip: len, len: 0 })
            }
            State::Open(messages) => messages.open(outer),
        }
    }

    // spec: transport 9.2
    fn request_upgrade(&mut self, out: &mut Vec<u8>, entropy: &mut dyn Entropy) {
        let mut nonce = [0; 16];
        entropy.fill(&mut nonce);
        let mut key = [0; KEY_TEXT_LEN];
        // 16 bytes encode to 24 characters, so the buffer is long enough.
        let key_text = Base64::encode(&nonce, &mut key).unwrap_or_default();
        for line in [
            "GET ",
            self.config.path.as_str(),
            " HTTP/1.1\r\nHost: ",
            &self.config.host,
            "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ",
            key_text,
            "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ",
            SUBPROTOCOL,
            "\r\n\r\n",
        ] {
            out.extend_from_slice(line.as_bytes());
        }
        self.state = State::Waiting { scanner: HeadScanner::default(), key };
    }
}

impl Layer for WebSocketClient {
    type Error = WebSocketError;

    fn open(&mut self, now: Now, outer: &mut [u8]) -> Result<Step, WebSocketError> {
        self.try_open(now, outer)
    }

    fn can_send(&self) -> bool {
        matches!(&self.state, State::Open(messages) if messages.can_send())
    }

    fn room(&self) -> usize {
        if let State::Open(messages) = &self.state { messages.room() } else { 0 }
    }

    fn seal(&mut self, now: Now, out: &mut Vec<u8>, start: usize, entropy: &mut dyn Entropy) {
        if let State::Open(messages) = &mut self.state {
            messages.seal(now, out, start, entropy);
        }
    }

    fn poll_transmit(&mut self, now: Now, out: &mut Vec<u8>, entropy: &mut dyn Entropy) -> bool {
        match &mut self.state {
            State::Start => {
                self.request_upgrade(out, entropy);
                true
            }
            State::Waiting { .. } => false,
            State::Open(messages) => messages.poll_transmit(now, out, entropy),
        }
    }

    // spec: transport 9.3
    fn close(&mut self, code: Option<TransportCode>) {
        if let State::Open(messages) = &mut self.state {
            messages.close(code);
        }
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        if let State::Open(messages) = &self.state { messages.poll_timeout() } else { None }
    }

    fn handle_timeout(&mut self, now: Now) -> Result<(), WebSocketError> {
        if let State::Open(messages) = &mut self.state {
            messages.handle_timeout(now);
        }
        Ok(())
    }

    fn handle_eof(&mut self, rest: &[u8]) -> Result<(), WebSocketError> {
        match &mut self.state {
            State::Start | State::Waiting { .. } => Err(WebSocketError::Truncated),
            State::Open(messages) => messages.handle_eof(rest),
        }
    }

    fn is_closed(&self) -> bool {
        matches!(&self.state, State::Open(messages) if messages.is_closed())
    }
}

/// Checks the response to the upgrade request.
fn check_response(head: &[u8], key: &[u8]) -> Result<(), WebSocketError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    complete(response.parse(head)).map_err(WebSocketError::Head)?;
    let status = response.code.unwrap_or_default();
    if status != 101 {
        return Err(WebSocketError::Refused { status });
    }
    let headers = &*response.headers;
    let mut buffer = [0; ACCEPT_TEXT_LEN];
    let fits = lists(headers, "upgrade", "websocket")
        && lists(headers, "connection", "upgrade")
        && value(headers, "sec-websocket-accept") == Some(accept_for(key, &mut buffer).as_bytes())
        && value(headers, "sec-websocket-protocol") == Some(SUBPROTOCOL.as_bytes())
        && value(headers, "sec-websocket-extensions").is_none();
    if fits { Ok(()) } else { Err(WebSocketError::BadAnswer) }
}
