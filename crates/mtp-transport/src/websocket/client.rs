//! The client's half: asks for the upgrade, checks the answer, then talks.
//!
//! ```text
//!            request drained              101 and the right accept
//!  [Start] ─────────────────▶ [Asked] ──────────────────────────────▶ [Open]
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
use crate::link::LinkError;

/// Says whom a client asks.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WebSocketClientConfig {
    /// The value of the `Host` line, for example `venus.web.telegram.org`.
    pub host: String,
    /// The end point.
    pub path: WebSocketPath,
    /// After how long a silence of ours a ping is sent; 45 s by default, because the servers'
    /// fronts drop sockets that are idle.
    // spec: transport 9.3
    pub ping_interval: Option<Duration>,
}

impl WebSocketClientConfig {
    /// Builds the usual configuration for one host.
    #[must_use]
    pub const fn new(host: String, path: WebSocketPath) -> Self {
        Self { host, path, ping_interval: Some(Duration::from_secs(45)) }
    }
}

/// The client's half of a WebSocket.
pub(crate) struct WebSocketClient {
    config: WebSocketClientConfig,
    state: State,
}

enum State {
    Start,
    Asked { scanner: HeadScanner, key: [u8; KEY_TEXT_LEN] },
    Open(Messages),
}

impl WebSocketClient {
    pub(crate) const fn new(config: WebSocketClientConfig) -> Self {
        Self { config, state: State::Start }
    }

    fn try_open(&mut self, now: Now, outer: &mut [u8]) -> Result<Step, WebSocketError> {
        match &mut self.state {
            State::Start => Err(WebSocketError::BadAnswer),
            State::Asked { scanner, key } => {
                let end = scanner.end(outer).map_err(WebSocketError::Head)?;
                let Some(len) = end else { return Ok(Step::Wait) };
                judge(outer.get(..len).unwrap_or_default(), key)?;
                self.state =
                    State::Open(Messages::new(Role::Client, now, self.config.ping_interval));
                Ok(Step::Stream { skip: len, len: 0 })
            }
            State::Open(messages) => messages.open(outer),
        }
    }

    // spec: transport 9.2
    fn ask(&mut self, out: &mut Vec<u8>, entropy: &mut dyn Entropy) {
        let mut nonce = [0; 16];
        entropy.fill(&mut nonce);
        let mut key = [0; KEY_TEXT_LEN];
        // 16 bytes are 24 characters, so the buffer is never too short.
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
        self.state = State::Asked { scanner: HeadScanner::default(), key };
    }
}

impl Layer for WebSocketClient {
    fn open(&mut self, now: Now, outer: &mut [u8]) -> Result<Step, LinkError> {
        Ok(self.try_open(now, outer)?)
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
                self.ask(out, entropy);
                true
            }
            State::Asked { .. } => false,
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

    fn handle_timeout(&mut self, now: Now) -> Result<(), LinkError> {
        if let State::Open(messages) = &mut self.state {
            messages.handle_timeout(now);
        }
        Ok(())
    }

    fn handle_eof(&mut self, rest: &[u8]) -> Result<(), LinkError> {
        match &mut self.state {
            State::Start | State::Asked { .. } => Err(WebSocketError::Truncated.into()),
            State::Open(messages) => Ok(messages.handle_eof(rest)?),
        }
    }

    fn is_closed(&self) -> bool {
        matches!(&self.state, State::Open(messages) if messages.is_closed())
    }
}

/// Checks the answer to the upgrade.
fn judge(head: &[u8], key: &[u8]) -> Result<(), WebSocketError> {
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
