//! Message headers and masks.

use super::WebSocketError;

/// The side of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Server,
}

/// Opcode of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Continuation,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Kind {
    pub(super) const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// The header of a message or fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The last fragment of its message.
    pub(super) fin: bool,
    pub(super) kind: Kind,
    pub(super) mask: Option<Mask>,
    /// Length of the payload in bytes, below 2^63.
    pub(super) len: u64,
}

/// The longest payload of a control message, in bytes.
pub(super) const CONTROL_LEN_MAX: usize = 125;

impl Header {
    /// Parses a header sent by `from`. Returns it with its length, or `None` if bytes are missing.
    pub(super) fn parse(bytes: &[u8], from: Role) -> Result<Option<(Self, usize)>, WebSocketError> {
        let Some((&[first, second], rest)) = bytes.split_first_chunk() else { return Ok(None) };
        let kind = match first & 0x7f {
            0x00 => Kind::Continuation,
            // spec: transport 9.3
            0x01 => return Err(WebSocketError::Text),
            0x02 => Kind::Binary,
            0x08 => Kind::Close,
            0x09 => Kind::Ping,
            0x0a => Kind::Pong,
            _ => return Err(WebSocketError::Reserved { first }),
        };
        let (fin, masked) = (first & 0x80 != 0, second & 0x80 != 0);
        if masked != (from == Role::Client) {
            return Err(WebSocketError::Mask);
        }
        let short = second & 0x7f;
        if kind.is_control() && (!fin || usize::from(short) > CONTROL_LEN_MAX) {
            return Err(WebSocketError::Control);
        }
        let (len, rest) = match short {
            LEN_IN_TWO => {
                let Some((len, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (u64::from(u16::from_be_bytes(*len)), rest)
            }
            LEN_IN_EIGHT => {
                let Some((len, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (u64::from_be_bytes(*len), rest)
            }
            short => (u64::from(short), rest),
        };
        let shortest = match len {
            0..=125 => short < LEN_IN_TWO,
            126..=0xffff => short == LEN_IN_TWO,
            _ => short == LEN_IN_EIGHT,
        };
        if !shortest || len >= 1 << 63 {
            return Err(WebSocketError::Length);
        }
        let (mask, rest) = if masked {
            let Some((mask, rest)) = rest.split_first_chunk() else { return Ok(None) };
            (Some(Mask(*mask)), rest)
        } else {
            (None, rest)
        };
        Ok(Some((Self { fin, kind, mask, len }, bytes.len().saturating_sub(rest.len()))))
    }

    /// Writes the header into `buffer` and returns the written part.
    pub(super) fn write(self, buffer: &mut [u8; HEADER_LEN_MAX]) -> &[u8] {
        let kind = match self.kind {
            Kind::Continuation => 0x00,
            Kind::Binary => 0x02,
            Kind::Close => 0x08,
            Kind::Ping => 0x09,
            Kind::Pong => 0x0a,
        };
        let first = kind | if self.fin { 0x80 } else { 0 };
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        let len = self.len.to_be_bytes();
        let [.., l6, l7] = len;
        let mut writer = Writer { buffer, len: 0 };
        match self.len {
            0..=125 => writer.put(&[first, masked | l7]),
            126..=0xffff => writer.put(&[first, masked | LEN_IN_TWO, l6, l7]),
            _ => {
                writer.put(&[first, masked | LEN_IN_EIGHT]);
                writer.put(&len);
            }
        }
        if let Some(Mask(mask)) = self.mask {
            writer.put(&mask);
        }
        let Writer { buffer, len } = writer;
        buffer.get(..len).unwrap_or_default()
    }
}

/// Marks a length in the two bytes that follow.
const LEN_IN_TWO: u8 = 0x7e;

/// Marks a length in the eight bytes that follow.
const LEN_IN_EIGHT: u8 = 0x7f;

/// The longest header: two bytes, an eight-byte length and a four-byte mask.
pub(super) const HEADER_LEN_MAX: usize = 14;

struct Writer<'a> {
    buffer: &'a mut [u8; HEADER_LEN_MAX],
    len: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        if let Some(place) = self.buffer.get_mut(self.len..end) {
            place.copy_from_slice(bytes);
            self.len = end;
        }
    }
}

/// The mask of a client's payload, which prevents web pages from choosing the bytes on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mask(pub(super) [u8; 4]);

impl Mask {
    /// Masks or unmasks `data`, eight bytes at a time. Returns the mask for the bytes that follow.
    pub(super) fn apply(self, data: &mut [u8]) -> Self {
        let [a, b, c, d] = self.0;
        let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let (chunks, rest) = data.as_chunks_mut::<8>();
        for chunk in chunks {
            *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
        }
        for (byte, mask) in rest.iter_mut().zip(self.0.iter().cycle()) {
            *byte ^= mask;
        }
        let mut next = self.0;
        next.rotate_left(rest.len() % 4);
        Self(next)
    }
}
