//! Both sides after the upgrade: data messages, pings and the close.

use alloc::vec::Vec;
use core::fmt::Write;
use core::time::Duration;

use mtp_env::{Deadline, Entropy, Instant, Now};

use super::WebSocketError;
use super::header::{CONTROL_LEN_MAX, HEADER_LEN_MAX, Header, Kind, Mask, Role};
use crate::code::TransportCode;
use crate::layer::Step;
use crate::room::place_header;

/// One side of an open WebSocket.
pub(super) struct Messages {
    role: Role,
    /// Outstanding payload of the message whose header was read.
    payload: Option<Payload>,
    /// The last fragment of a message is outstanding.
    in_fragments: bool,
    pong: Option<Control>,
    close: Close,
    ping: Option<Ping>,
}

struct Payload {
    left: u64,
    mask: Option<Mask>,
}

/// Payload of a control message.
struct Control {
    bytes: [u8; CONTROL_LEN_MAX],
    len: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Close {
    Open,
    /// A close must be sent, with a transport error code as its reason.
    Due(Option<TransportCode>),
    Sent,
}

struct Ping {
    interval: Duration,
    at: Instant,
    due: bool,
}

impl Messages {
    pub(super) fn new(role: Role, now: Now, ping_interval: Option<Duration>) -> Self {
        let ping =
            ping_interval.map(|interval| Ping { interval, at: now.mono + interval, due: false });
        Self { role, payload: None, in_fragments: false, pong: None, close: Close::Open, ping }
    }

    /// Consumes one message, or a part of one.
    // spec: transport 9.3
    pub(super) fn open(&mut self, outer: &mut [u8]) -> Result<Step, WebSocketError> {
        if outer.is_empty() {
            return Ok(Step::Wait);
        }
        if self.close != Close::Open {
            return Ok(Step::Stream { skip: outer.len(), len: 0 });
        }
        if self.payload.is_some() {
            return Ok(self.take_payload(0, outer));
        }
        let peer = if self.role == Role::Client { Role::Server } else { Role::Client };
        let Some((header, head_len)) = Header::parse(outer, peer)? else { return Ok(Step::Wait) };
        if header.kind.is_control() {
            return Ok(self.take_control(header, head_len, outer));
        }
        if self.in_fragments != (header.kind == Kind::Continuation) {
            return Err(WebSocketError::Fragment);
        }
        self.in_fragments = !header.fin;
        self.payload = Some(Payload { left: header.len, mask: header.mask });
        Ok(self.take_payload(head_len, outer))
    }

    fn take_payload(&mut self, skip: usize, outer: &mut [u8]) -> Step {
        let Some(payload) = &mut self.payload else { return Step::Wait };
        let inner = outer.get_mut(skip..).unwrap_or_default();
        let len = usize::try_from(payload.left).unwrap_or(usize::MAX).min(inner.len());
        if let Some(mask) = payload.mask {
            payload.mask = Some(mask.apply(inner.get_mut(..len).unwrap_or_default()));
        }
        payload.left = payload.left.saturating_sub(len as u64);
        if payload.left == 0 {
            self.payload = None;
        }
        Step::Stream { skip, len }
    }

    /// Consumes a complete control message, which may occur between the fragments of another.
    fn take_control(&mut self, header: Header, head_len: usize, outer: &[u8]) -> Step {
        let len = usize::try_from(header.len).unwrap_or(usize::MAX);
        let end = head_len.saturating_add(len);
        let Some(payload) = outer.get(head_len..end) else { return Step::Wait };
        match header.kind {
            Kind::Close => self.close = Close::Due(None),
            Kind::Ping => {
                // Only the latest ping needs a pong, so a flood of pings needs no memory.
                let mut pong = Control { bytes: [0; CONTROL_LEN_MAX], len };
                let bytes = pong.bytes.get_mut(..len).unwrap_or_default();
                bytes.copy_from_slice(payload);
                if let Some(mask) = header.mask {
                    mask.apply(bytes);
                }
                self.pong = Some(pong);
            }
            Kind::Pong | Kind::Continuation | Kind::Binary => {}
        }
        Step::Stream { skip: end, len: 0 }
    }

    pub(super) const fn room(&self) -> usize {
        match self.role {
            Role::Client => 8,
            Role::Server => 4,
        }
    }

    /// Wraps the bytes behind the reserved space into one binary message.
    pub(super) fn seal(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        start: usize,
        entropy: &mut dyn Entropy,
    ) {
        let room = self.room();
        let inner = out.get_mut(start.saturating_add(room)..).unwrap_or_default();
        let mask = self.mask(entropy);
        if let Some(mask) = mask {
            mask.apply(inner);
        }
        let header = Header { fin: true, kind: Kind::Binary, mask, len: inner.len() as u64 };
        place_header(out, start, room, header.write(&mut [0; HEADER_LEN_MAX]));
        if let Some(ping) = &mut self.ping {
            (ping.at, ping.due) = (now.mono + ping.interval, false);
        }
    }

    /// Appends pending control messages.
    pub(super) fn poll_transmit(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> bool {
        let start = out.len();
        if self.close == Close::Sent {
            return false;
        }
        if let Some(pong) = self.pong.take() {
            self.put_control(
                Kind::Pong,
                pong.bytes.get(..pong.len).unwrap_or_default(),
                out,
                entropy,
            );
        }
        if self.ping.as_ref().is_some_and(|ping| ping.due) {
            self.put_control(Kind::Ping, &[], out, entropy);
        }
        if let Close::Due(code) = self.close {
            let mut reason = CloseReason::default();
            if let Some(code) = code {
                // Cannot fail: the reason has space for ten digits and a sign.
                let _ = write!(reason, "{}", code.get());
            }
            self.put_control(Kind::Close, reason.as_bytes(), out, entropy);
            self.close = Close::Sent;
        }
        let any = out.len() > start;
        if any && let Some(ping) = &mut self.ping {
            (ping.at, ping.due) = (now.mono + ping.interval, false);
        }
        any
    }

    /// Schedules a close behind the messages sealed before.
    // spec: transport 9.3
    pub(super) fn close(&mut self, code: Option<TransportCode>) {
        if self.close == Close::Open {
            self.close = Close::Due(code);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Deadline> {
        let ping = self.ping.as_ref().filter(|ping| !ping.due && self.close == Close::Open)?;
        Some(Deadline::new(ping.at, "websocket ping"))
    }

    pub(super) fn handle_timeout(&mut self, now: Now) {
        if let Some(ping) = &mut self.ping
            && ping.at <= now.mono
        {
            ping.due = true;
        }
    }

    /// Accepts the end of the stream after a close and, because many peers send none, between two
    /// messages.
    pub(super) fn handle_eof(&mut self, rest: &[u8]) -> Result<(), WebSocketError> {
        let whole = self.payload.is_none() && !self.in_fragments && rest.is_empty();
        let ended = self.close != Close::Open || whole;
        self.close = Close::Sent;
        if ended { Ok(()) } else { Err(WebSocketError::Truncated) }
    }

    pub(super) fn can_send(&self) -> bool {
        // The frame with a transport error is sent between the call of `close` and the close itself.
        self.close != Close::Sent
    }

    pub(super) fn is_closed(&self) -> bool {
        self.close != Close::Open
    }

    fn mask(&self, entropy: &mut dyn Entropy) -> Option<Mask> {
        (self.role == Role::Client).then(|| {
            let mut mask = [0; 4];
            entropy.fill(&mut mask);
            Mask(mask)
        })
    }

    fn put_control(
        &self,
        kind: Kind,
        payload: &[u8],
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) {
        let mask = self.mask(entropy);
        let header = Header { fin: true, kind, mask, len: payload.len() as u64 };
        out.extend_from_slice(header.write(&mut [0; HEADER_LEN_MAX]));
        let start = out.len();
        out.extend_from_slice(payload);
        if let Some(mask) = mask {
            mask.apply(out.get_mut(start..).unwrap_or_default());
        }
    }
}

/// Payload of a close: the status, which is always 1000, and a number as text.
struct CloseReason {
    bytes: [u8; 13],
    len: usize,
}

impl CloseReason {
    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Default for CloseReason {
    fn default() -> Self {
        let mut bytes = [0; 13];
        [bytes[0], bytes[1]] = 1000_u16.to_be_bytes();
        Self { bytes, len: 2 }
    }
}

impl Write for CloseReason {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let end = self.len.saturating_add(text.len());
        let place = self.bytes.get_mut(self.len..end).ok_or(core::fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
