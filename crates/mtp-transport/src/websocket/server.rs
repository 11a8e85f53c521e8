//! The server side: checks the upgrade request, then exchanges messages.
//!
//! ```text
//!           GET, version 13, key, binary, known path
//!  [Head] ───────────────────────────────────────────▶ 101, [Open]
//!    └─ anything else ──▶ 400 or 501, [Refused]
//! ```

use alloc::vec::Vec;

use base64ct::{Base64, Encoding};
use mtp_env::{Deadline, Entropy, Now};

use super::header::Role;
use super::messages::Messages;
use super::{
    ACCEPT_TEXT_LEN, KEY_TEXT_LEN, SUBPROTOCOL, WebSocketError, WebSocketPath, accept_for,
};
use crate::code::TransportCode;
use crate::http::{self, HEADERS_MAX, HeadScanner, complete, lists, value};
use crate::layer::{Layer, Step};

/// Server side of a WebSocket.
pub(crate) struct WebSocketServer {
    state: State,
    output: Vec<u8>,
}

enum State {
    Head(HeadScanner),
    Open(Messages),
    Refused,
}

impl WebSocketServer {
    pub(crate) fn new() -> Self {
        Self { state: State::Head(HeadScanner::default()), output: Vec::new() }
    }

    fn try_open(&mut self, now: Now, outer: &mut [u8]) -> Result<Step, WebSocketError> {
        match &mut self.state {
            State::Head(scanner) => {
                let end = scanner.end(outer).map_err(WebSocketError::Head)?;
                let Some(len) = end else { return Ok(Step::Wait) };
                let key = check_request(outer.get(..len).unwrap_or_default())?;
                self.answer(&key);
                self.state = State::Open(Messages::new(Role::Server, now, None));
                Ok(Step::Stream { skip: len, len: 0 })
            }
            State::Open(messages) => messages.open(outer),
            State::Refused => Ok(Step::Stream { skip: outer.len(), len: 0 }),
        }
    }

    fn answer(&mut self, key: &[u8]) {
        for line in [
            "HTTP/1.1 101 Switching Protocols\r\n\
             Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
            accept_for(key, &mut [0; ACCEPT_TEXT_LEN]),
            "\r\nSec-WebSocket-Protocol: ",
            SUBPROTOCOL,
            "\r\n\r\n",
        ] {
            self.output.extend_from_slice(line.as_bytes());
        }
    }

    /// Ends the connection after a violation: with an HTTP status before the upgrade, with a close
    /// frame of status 1000 after it.
    // spec: transport 9.2
    // spec: transport 9.3
    fn refuse(&mut self, error: WebSocketError) {
        match &mut self.state {
            State::Open(messages) => messages.close(None),
            State::Head(_) | State::Refused => {
                let status = match error {
                    WebSocketError::NotUpgrade => 501,
                    WebSocketError::Head(error) => error.status().unwrap_or(400),
                    _ => 400,
                };
                http::refuse(status, &mut self.output);
                self.state = State::Refused;
            }
        }
    }
}

impl Layer for WebSocketServer {
    type Error = WebSocketError;

    fn open(&mut self, now: Now, outer: &mut [u8]) -> Result<Step, WebSocketError> {
        self.try_open(now, outer).inspect_err(|error| self.refuse(*error))
    }

    /// The response to the upgrade request must be sent first.
    fn can_send(&self) -> bool {
        matches!(&self.state, State::Open(messages) if messages.can_send())
            && self.output.is_empty()
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
        let any = !self.output.is_empty();
        out.append(&mut self.output);
        match &mut self.state {
            State::Open(messages) => messages.poll_transmit(now, out, entropy) || any,
            State::Head(_) | State::Refused => any,
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
            State::Head(_) if !rest.is_empty() => Err(WebSocketError::Truncated),
            State::Head(_) | State::Refused => Ok(()),
            State::Open(messages) => messages.handle_eof(rest),
        }
    }

    fn is_closed(&self) -> bool {
        match &self.state {
            State::Head(_) => false,
            State::Open(messages) => messages.is_closed(),
            State::Refused => true,
        }
    }
}

/// Checks the upgrade request and returns its key.
// spec: transport 9.2
fn check_request(head: &[u8]) -> Result<[u8; KEY_TEXT_LEN], WebSocketError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    complete(request.parse(head)).map_err(WebSocketError::Head)?;
    let headers = &*request.headers;
    if request.method != Some("GET") || !lists(headers, "upgrade", "websocket") {
        return Err(WebSocketError::NotUpgrade);
    }
    let fits = request.version == Some(1)
        && lists(headers, "connection", "upgrade")
        && value(headers, "sec-websocket-version") == Some(b"13")
        && lists(headers, "sec-websocket-protocol", SUBPROTOCOL)
        && request.path.and_then(WebSocketPath::parse).is_some();
    let key = value(headers, "sec-websocket-key")
        .and_then(|key| <[u8; KEY_TEXT_LEN]>::try_from(key).ok());
    let key = key.filter(|key| Base64::decode(key, &mut [0; 16]).is_ok_and(|key| key.len() == 16));
    key.filter(|_| fits).ok_or(WebSocketError::BadUpgrade)
}
