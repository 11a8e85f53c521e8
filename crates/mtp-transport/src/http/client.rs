//! The client side: one request at a time.
//!
//! ```text
//!           packet sent            complete head          complete body
//!  [Idle] ──────────────▶ [Waiting] ────────────▶ [Body] ─────────────▶ [Idle]
//!                             │ status not 200 ──▶ transport error, [Closed]
//!                             └ no response in time ──▶ error
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::time::Duration;

use mtp_env::{Deadline, Entropy, Instant, Now};
use zeroize::Zeroizing;

use super::head::{Facts, complete};
use super::{ApiPath, HEADERS_MAX, HeadScanner, HttpError};
use crate::code::TransportCode;
use crate::layer::{Layer, Step};
use crate::room::place_header;

/// HTTP client configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpClientConfig {
    /// Value of the `Host` header: an address or a name, with the port unless it is the default.
    pub host: String,
    /// The endpoint.
    pub path: ApiPath,
    /// The forward proxy, if any.
    pub proxy: Option<ForwardProxy>,
    /// Limit for a response; 30 s by default, because a server holds a request for up to 25 s.
    // spec: transport 10.2
    pub answer_timeout: Duration,
}

/// An HTTP forward proxy, which requires the absolute form of the request target.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ForwardProxy {
    /// Value of `Proxy-Authorization`, if the proxy requires authentication.
    pub authorization: Option<Zeroizing<String>>,
}

impl HttpClientConfig {
    /// Returns the default configuration for one host.
    #[must_use]
    pub const fn new(host: String, path: ApiPath) -> Self {
        Self { host, path, proxy: None, answer_timeout: Duration::from_secs(30) }
    }
}

impl fmt::Debug for ForwardProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForwardProxy(..)")
    }
}

/// Client side of an HTTP connection.
pub(crate) struct HttpClient {
    /// The head up to the length of the body.
    prefix: Zeroizing<String>,
    head: Zeroizing<String>,
    body_len_max: usize,
    answer_timeout: Duration,
    state: State,
    at_eof: bool,
}

enum State {
    Idle,
    Waiting { scanner: HeadScanner, until: Instant },
    Body { head_len: usize, body_len: Option<usize>, close: bool, until: Instant },
    Closed,
}

impl HttpClient {
    pub(crate) fn new(config: &HttpClientConfig, body_len_max: usize) -> Self {
        Self {
            prefix: Zeroizing::new(request_prefix(config)),
            head: Zeroizing::default(),
            body_len_max,
            answer_timeout: config.answer_timeout,
            state: State::Idle,
            at_eof: false,
        }
    }

    fn try_open(&mut self, outer: &[u8]) -> Result<Step, HttpError> {
        if let State::Waiting { scanner, until } = &mut self.state {
            let Some(head_len) = scanner.end(outer)? else { return Ok(Step::Wait) };
            let head = outer.get(..head_len).unwrap_or_default();
            match parse_response(head, self.body_len_max)? {
                Verdict::Interim => return Ok(Step::Stream { skip: head_len, len: 0 }),
                Verdict::Error(code) => {
                    self.state = State::Closed;
                    return Ok(Step::Error { skip: outer.len(), code });
                }
                Verdict::Answer { body_len, close } => {
                    self.state = State::Body { head_len, body_len, close, until: *until };
                }
            }
        }
        match self.state {
            State::Body { head_len, body_len, close, .. } => {
                let received = outer.len().saturating_sub(head_len);
                let whole = match body_len {
                    Some(body_len) => (received >= body_len).then_some(body_len),
                    None if received > self.body_len_max => {
                        return Err(too_long(received as u64, self.body_len_max));
                    }
                    None => self.at_eof.then_some(received),
                };
                let Some(body_len) = whole else { return Ok(Step::Wait) };
                self.state = if close { State::Closed } else { State::Idle };
                Ok(deliver(outer, head_len, body_len))
            }
            State::Idle => Err(HttpError::Unasked),
            State::Waiting { .. } => Ok(Step::Wait),
            State::Closed => Ok(Step::Stream { skip: outer.len(), len: 0 }),
        }
    }
}

impl Layer for HttpClient {
    type Error = HttpError;

    fn open(&mut self, _: Now, outer: &mut [u8]) -> Result<Step, HttpError> {
        self.try_open(outer)
    }

    fn can_send(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    fn room(&self) -> usize {
        self.prefix.len().saturating_add(LENGTH_ROOM)
    }

    // spec: transport 10.1
    fn seal(&mut self, now: Now, out: &mut Vec<u8>, start: usize, _: &mut dyn Entropy) {
        let len = out.len().saturating_sub(start).saturating_sub(self.room());
        self.head.clear();
        self.head.push_str(&self.prefix);
        // Writing to a `String` cannot fail.
        let _ = write!(self.head, "{len}\r\n\r\n");
        place_header(out, start, self.room(), self.head.as_bytes());
        let until = now.mono + self.answer_timeout;
        self.state = State::Waiting { scanner: HeadScanner::default(), until };
    }

    fn poll_transmit(&mut self, _: Now, _: &mut Vec<u8>, _: &mut dyn Entropy) -> bool {
        false
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        match self.state {
            State::Waiting { until, .. } | State::Body { until, .. } => {
                Some(Deadline::new(until, "http answer"))
            }
            State::Idle | State::Closed => None,
        }
    }

    fn handle_timeout(&mut self, now: Now) -> Result<(), HttpError> {
        match self.state {
            State::Waiting { until, .. } | State::Body { until, .. } if until <= now.mono => {
                self.state = State::Closed;
                Err(HttpError::NoAnswer)
            }
            _ => Ok(()),
        }
    }

    fn handle_eof(&mut self, rest: &[u8]) -> Result<(), HttpError> {
        self.at_eof = true;
        match self.state {
            State::Waiting { .. } | State::Body { body_len: Some(_), .. } => {
                Err(HttpError::Truncated)
            }
            State::Body { body_len: None, .. } if rest.is_empty() => Err(HttpError::Truncated),
            _ => Ok(()),
        }
    }

    fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }
}

enum Verdict {
    Interim,
    Error(TransportCode),
    Answer { body_len: Option<usize>, close: bool },
}

// spec: transport 13.5
fn parse_response(head: &[u8], body_len_max: usize) -> Result<Verdict, HttpError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    complete(response.parse(head))?;
    let status = response.code.unwrap_or_default();
    if status == 100 {
        return Ok(Verdict::Interim);
    }
    if status != 200 {
        let code = TransportCode::new(i32::from(status).saturating_neg());
        return code.map(Verdict::Error).ok_or(HttpError::Malformed);
    }
    let facts = Facts::read(response.headers, response.version)?;
    let body_len = match facts.length {
        // Without a length, the body ends with the connection, if the server closes it.
        None if facts.close => None,
        None => return Err(HttpError::LengthRequired),
        Some(len) => match usize::try_from(len) {
            Ok(short) if short <= body_len_max => Some(short),
            _ => return Err(too_long(len, body_len_max)),
        },
    };
    Ok(Verdict::Answer { body_len, close: facts.close })
}

/// Classifies the body of a response: empty, a transport error in one word, or a packet.
// spec: transport 4
fn deliver(outer: &[u8], head_len: usize, body_len: usize) -> Step {
    let skip = head_len.saturating_add(body_len);
    match outer.get(head_len..skip) {
        None | Some([]) => Step::Stream { skip, len: 0 },
        Some(&[a, b, c, d]) => match TransportCode::new(i32::from_le_bytes([a, b, c, d])) {
            Some(code) => Step::Error { skip, code },
            None => Step::Stream { skip, len: 0 },
        },
        Some(_) => Step::Packet { skip: head_len, len: body_len },
    }
}

fn too_long(len: u64, max: usize) -> HttpError {
    HttpError::BodyTooLong { len, limit: max.saturating_add(1) }
}

// spec: transport 10.1
// spec: transport 10.3
fn request_prefix(config: &HttpClientConfig) -> String {
    let HttpClientConfig { host, path, .. } = config;
    let path = path.as_str();
    let mut prefix = String::new();
    // Writing to a `String` cannot fail.
    let _ = match &config.proxy {
        None => {
            write!(prefix, "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive\r\n")
        }
        Some(proxy) => {
            let line = write!(
                prefix,
                "POST HTTP://{host}{path} HTTP/1.1\r\nHost: {host}\r\nProxy-Connection: keep-alive\r\n"
            );
            line.and_then(|()| match &proxy.authorization {
                Some(value) => write!(prefix, "Proxy-Authorization: {}\r\n", value.as_str()),
                None => Ok(()),
            })
        }
    };
    prefix.push_str("Content-Length: ");
    prefix
}

/// Usual length of the rest of the head: three digits and two line breaks.
const LENGTH_ROOM: usize = 7;
