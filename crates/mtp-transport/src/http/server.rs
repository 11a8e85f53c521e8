//! The server side: checks requests, holds them, answers each exactly once.
//!
//! ```text
//!                                                packet to send, another request behind it,
//!           complete head       complete body                or the hold time expired
//!  [Head] ───────────────▶ [Body] ──────────▶ [Answering] ───────────────────────▶ [Head]
//!    │ OPTIONS: answered at once                  │ Connection: close ──▶ [Closed]
//!    └─ rejected ──▶ status, [Closed]              └─ transport error ──▶ status, [Closed]
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::time::Duration;

use mtp_env::{Deadline, Entropy, Instant, Now};

use super::head::{Facts, complete};
use super::{ApiPath, HEAD_LEN_MAX, HEADERS_MAX, HeadScanner, HttpError, PATH_LEN_MAX};
use crate::code::TransportCode;
use crate::layer::{Layer, Step};
use crate::room::place_header;

/// HTTP server configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpServerConfig {
    /// How long a request is held before it gets an empty response; 25 s by default, which clients
    /// expect unless they request another time.
    // spec: transport 15
    pub hold: Duration,
}

impl Default for HttpServerConfig {
    fn default() -> Self {
        Self { hold: Duration::from_secs(25) }
    }
}

/// Server side of an HTTP connection.
pub(crate) struct HttpServer {
    config: HttpServerConfig,
    body_len_limit: usize,
    state: State,
    output: Vec<u8>,
    head: String,
}

enum State {
    Head(HeadScanner),
    Body { head_len: usize, body_len: usize, answer: Answer },
    Answering { answer: Answer, until: Instant },
    Closed,
}

/// Properties of a request that determine its response.
#[derive(Clone, Copy)]
struct Answer {
    cors: bool,
    close: bool,
}

impl HttpServer {
    /// Bodies must be shorter than `body_len_limit` bytes.
    pub(crate) fn new(config: HttpServerConfig, body_len_limit: usize) -> Self {
        Self {
            config,
            body_len_limit,
            state: State::Head(HeadScanner::default()),
            output: Vec::new(),
            head: String::new(),
        }
    }

    fn try_open(&mut self, now: Now, outer: &[u8]) -> Result<Step, HttpError> {
        if let State::Head(scanner) = &mut self.state {
            let Some(head_len) = scanner.end(outer)? else { return Ok(Step::Wait) };
            let head = outer.get(..head_len).unwrap_or_default();
            match check_request(head, self.body_len_limit)? {
                Verdict::Packet { body_len, answer } => {
                    self.state = State::Body { head_len, body_len, answer };
                }
                Verdict::Preflight { answer } => return self.answer_preflight(answer, head_len),
            }
        }
        match self.state {
            State::Body { head_len, body_len, answer } => {
                if outer.len() < head_len.saturating_add(body_len) {
                    return Ok(Step::Wait);
                }
                self.state = State::Answering { answer, until: now.mono + self.config.hold };
                Ok(Step::Packet { skip: head_len, len: body_len })
            }
            // At most one whole request may wait behind the held one.
            // spec: transport 10.3
            State::Answering { .. }
                if outer.len() >= HEAD_LEN_MAX.saturating_add(self.body_len_limit) =>
            {
                Err(HttpError::TooManyRequests)
            }
            State::Answering { .. } | State::Head(_) => Ok(Step::Wait),
            State::Closed => Ok(Step::Stream { skip: outer.len(), len: 0 }),
        }
    }

    fn answer_preflight(&mut self, answer: Answer, head_len: usize) -> Result<Step, HttpError> {
        if self.output.len() > OUTPUT_LEN_MAX {
            return Err(HttpError::TooManyRequests);
        }
        write_head(&mut self.head, 200, "text/plain", Answer { cors: true, ..answer }, 0);
        self.output.extend_from_slice(self.head.as_bytes());
        self.state = next_state(answer);
        Ok(Step::Stream { skip: head_len, len: 0 })
    }

    fn answer_empty(&mut self, answer: Answer) {
        write_head(&mut self.head, 200, "application/octet-stream", answer, 0);
        self.output.extend_from_slice(self.head.as_bytes());
        self.state = next_state(answer);
    }

    /// Appends an error response and closes the connection.
    fn refuse(&mut self, status: u16, out: &mut Vec<u8>) {
        let cors = match self.state {
            State::Body { answer, .. } | State::Answering { answer, .. } => answer.cors,
            State::Head(_) | State::Closed => false,
        };
        write_head(&mut self.head, status, "text/plain", Answer { cors, close: true }, 0);
        out.extend_from_slice(self.head.as_bytes());
        self.state = State::Closed;
    }
}

impl Layer for HttpServer {
    type Error = HttpError;

    fn open(&mut self, now: Now, outer: &mut [u8]) -> Result<Step, HttpError> {
        self.try_open(now, outer).inspect_err(|error| {
            let mut output = core::mem::take(&mut self.output);
            if let Some(status) = error.status() {
                self.refuse(status, &mut output);
            }
            self.output = output;
        })
    }

    /// Responses are sent in the order of the requests.
    fn can_send(&self) -> bool {
        matches!(self.state, State::Answering { .. }) && self.output.is_empty()
    }

    fn room(&self) -> usize {
        ROOM
    }

    // spec: transport 10.2
    fn seal(&mut self, _: Now, out: &mut Vec<u8>, start: usize, _: &mut dyn Entropy) {
        let State::Answering { answer, .. } = self.state else { return };
        let len = out.len().saturating_sub(start).saturating_sub(ROOM);
        write_head(&mut self.head, 200, "application/octet-stream", answer, len);
        place_header(out, start, ROOM, self.head.as_bytes());
        self.state = next_state(answer);
    }

    fn poll_transmit(&mut self, _: Now, out: &mut Vec<u8>, _: &mut dyn Entropy) -> bool {
        let any = !self.output.is_empty();
        out.append(&mut self.output);
        any
    }

    /// A pipelining client waits for the response to the held request.
    // spec: transport 10.2
    fn make_way(&mut self, outer: &[u8]) -> bool {
        match self.state {
            State::Answering { answer, .. }
                if !answer.close && is_whole(outer, self.body_len_limit) =>
            {
                self.answer_empty(answer);
                true
            }
            _ => false,
        }
    }

    // spec: transport 10.3
    fn error(&mut self, _: Now, code: TransportCode, out: &mut Vec<u8>) -> bool {
        if matches!(self.state, State::Answering { .. }) {
            let status = u16::try_from(code.get().unsigned_abs()).unwrap_or(500);
            // A status has three digits.
            self.refuse(if (300..1000).contains(&status) { status } else { 500 }, out);
        }
        self.state = State::Closed;
        true
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        match self.state {
            State::Answering { until, .. } => Some(Deadline::new(until, "http hold")),
            _ => None,
        }
    }

    /// Sends an empty response when the hold time expires.
    fn handle_timeout(&mut self, now: Now) -> Result<(), HttpError> {
        if let State::Answering { answer, until } = self.state
            && until <= now.mono
        {
            self.answer_empty(answer);
        }
        Ok(())
    }

    fn handle_eof(&mut self, rest: &[u8]) -> Result<(), HttpError> {
        match self.state {
            State::Head(_) | State::Body { .. } if !rest.is_empty() => Err(HttpError::Truncated),
            _ => Ok(()),
        }
    }

    fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }
}

/// Appends an error response without a body to a request that could not be parsed.
pub(crate) fn refuse(status: u16, out: &mut Vec<u8>) {
    let mut head = String::new();
    write_head(&mut head, status, "text/plain", Answer { cors: false, close: true }, 0);
    out.extend_from_slice(head.as_bytes());
}

enum Verdict {
    Packet { body_len: usize, answer: Answer },
    Preflight { answer: Answer },
}

/// Checks the head of a request, in the same order as the reference server.
// spec: transport 10.3
fn check_request(head: &[u8], body_len_limit: usize) -> Result<Verdict, HttpError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    complete(request.parse(head))?;
    let method = request.method.unwrap_or_default();
    if !matches!(method, "POST" | "OPTIONS") {
        return Err(HttpError::NotImplemented);
    }
    let facts = Facts::read(request.headers, request.version)?;
    let limit = body_len_limit;
    let body_len = match facts.length {
        None => None,
        Some(len) => match usize::try_from(len) {
            Ok(short) if short < limit => Some(short),
            _ => return Err(HttpError::BodyTooLong { len, limit }),
        },
    };
    let path = request.path.unwrap_or_default();
    if path.len() > PATH_LEN_MAX {
        return Err(HttpError::HeadTooLong);
    }
    if method == "OPTIONS" {
        ApiPath::parse(path).ok_or(HttpError::NotFound)?;
        let empty = body_len.is_none_or(|len| len == 0);
        let answer = Answer { cors: true, close: facts.close };
        return if empty { Ok(Verdict::Preflight { answer }) } else { Err(HttpError::Malformed) };
    }
    match body_len {
        None => Err(HttpError::LengthRequired),
        Some(0) => Err(HttpError::NotImplemented),
        Some(body_len) => {
            let path = ApiPath::parse(path).ok_or(HttpError::NotFound)?;
            if body_len % 4 != 0 {
                return Err(HttpError::NotFound);
            }
            let answer = Answer { cors: path.cors, close: facts.close };
            Ok(Verdict::Packet { body_len, answer })
        }
    }
}

/// Returns `true` if `outer` holds a whole request, or enough of one to reject it.
fn is_whole(outer: &[u8], body_len_limit: usize) -> bool {
    let head_len = match HeadScanner::default().end(outer) {
        Ok(Some(head_len)) => head_len,
        Ok(None) => return false,
        Err(_) => return true,
    };
    match check_request(outer.get(..head_len).unwrap_or_default(), body_len_limit) {
        Ok(Verdict::Packet { body_len, .. }) => outer.len() >= head_len.saturating_add(body_len),
        Ok(Verdict::Preflight { .. }) | Err(_) => true,
    }
}

fn next_state(answer: Answer) -> State {
    if answer.close { State::Closed } else { State::Head(HeadScanner::default()) }
}

// spec: transport 10.2
fn write_head(head: &mut String, status: u16, kind: &str, answer: Answer, len: usize) {
    let connection = if answer.close { "close" } else { "keep-alive" };
    let cors = if answer.cors { CORS } else { "" };
    head.clear();
    // Writing to a `String` cannot fail.
    let _ = write!(
        head,
        "HTTP/1.1 {status} {}\r\n\
         Connection: {connection}\r\n\
         Content-type: {kind}\r\n\
         Pragma: no-cache\r\n\
         Cache-control: no-store\r\n\
         {cors}\
         Content-length: {len}\r\n\r\n",
        reason(status),
    );
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        411 => "Length Required",
        413 => "Payload Too Large",
        414 => "URI Too Long",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        _ => "Error",
    }
}

const CORS: &str = "Access-Control-Allow-Origin: *\r\n\
    Access-Control-Allow-Methods: POST, OPTIONS\r\n\
    Access-Control-Allow-Headers: origin, content-type\r\n\
    Access-Control-Max-Age: 1728000\r\n";

/// Space reserved in front of a response: the usual head, without CORS headers.
const ROOM: usize = 150;

/// Limit of undrained responses to preflights, in bytes: about ten responses.
const OUTPUT_LEN_MAX: usize = 4096;
