//! Messages of a link: packets of clients, answers, ends, pings.

use alloc::vec::Vec;
use core::fmt;
use core::net::{Ipv6Addr, SocketAddr};
use core::ops::BitOr;

use super::keys::ip_fields;

/// Number of a client on a link, chosen by the proxy and never used again on that link.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

impl ConnectionId {
    /// Returns the id with this number.
    #[must_use]
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// Returns the number.
    #[must_use]
    pub const fn as_raw(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectionId({:016x})", self.0)
    }
}

/// Flags of a request: the client's transport and properties of the packet.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestFlags(u32);

// spec: proxy 3.1
impl RequestFlags {
    /// The client uses HTTP; set with [`Self::HTTP`].
    pub const HTTP_EXTRA: Self = Self(0x1);
    /// The packet is unencrypted.
    pub const UNENCRYPTED: Self = Self(0x2);
    /// The request has HTTP headers.
    pub const HTTP: Self = Self(0x4);
    /// Set in every request, for TCP and HTTP.
    pub const TCP: Self = Self(0x1000);
    /// The client uses obfuscation.
    pub const OBFUSCATED: Self = Self(0x2_0000);
    /// The client uses padded intermediate framing; together with [`Self::INTERMEDIATE`].
    pub const PADDED: Self = Self(0x800_0000);
    /// The client uses intermediate framing.
    pub const INTERMEDIATE: Self = Self(0x2000_0000);
    /// The client uses abridged framing.
    pub const ABRIDGED: Self = Self(0x4000_0000);
    /// The client requests a quick ack.
    pub const QUICK_ACK: Self = Self(0x8000_0000);
    const AD_TAG: Self = Self(0x8);

    /// Returns the flags with these bits.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Returns the flags as sent.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Returns `true` if all flags of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns the flags that stay equal for all packets of a client.
    #[must_use]
    pub const fn of_connection(self) -> Self {
        Self(self.0 & !(Self::UNENCRYPTED.0 | Self::QUICK_ACK.0))
    }
}

impl BitOr for RequestFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for RequestFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestFlags({:#x})", self.0)
    }
}

/// Headers of an HTTP client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the request has exactly these headers")]
pub struct HttpOrigin<'a> {
    /// `Origin`.
    pub origin: &'a [u8],
    /// `Referer`.
    pub referer: &'a [u8],
    /// `User-Agent`.
    pub user_agent: &'a [u8],
}

/// A client's packet on its way to a middle proxy.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the request has exactly these fields")]
pub struct Request<'a> {
    /// The flags. Those of the optional fields are set when the request is encoded.
    pub flags: RequestFlags,
    /// The client on the link.
    pub connection: ConnectionId,
    /// The client's address.
    pub client: SocketAddr,
    /// The proxy's address that the client connected to.
    pub our: SocketAddr,
    /// The tag of the promoted channel.
    pub ad_tag: Option<[u8; 16]>,
    /// The headers of an HTTP client.
    pub http: Option<HttpOrigin<'a>>,
    /// The packet.
    pub packet: &'a [u8],
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("flags", &self.flags)
            .field("connection", &self.connection)
            .field("client", &self.client)
            .field("packet_len", &self.packet.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Request<'a> {
    /// Appends the request, which is the payload of one frame.
    // spec: proxy 3.1
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut flags = self.flags.bits() & !(RequestFlags::AD_TAG.0 | RequestFlags::HTTP.0);
        if self.ad_tag.is_some() {
            flags |= RequestFlags::AD_TAG.0;
        }
        if self.http.is_some() {
            flags |= RequestFlags::HTTP.0;
        }
        out.extend_from_slice(&PROXY_REQ.to_le_bytes());
        out.extend_from_slice(&flags.to_le_bytes());
        out.extend_from_slice(&self.connection.0.to_le_bytes());
        for address in [self.client, self.our] {
            let (_, ip) = ip_fields(address.ip());
            out.extend_from_slice(&ip);
            out.extend_from_slice(&u32::from(address.port()).to_le_bytes());
        }
        if self.ad_tag.is_some() || self.http.is_some() {
            self.encode_extra(out);
        }
        out.extend_from_slice(self.packet);
    }

    fn encode_extra(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        let body = out.len();
        if let Some(tag) = &self.ad_tag {
            out.extend_from_slice(&AD_TAG.to_le_bytes());
            push_string(out, tag);
        }
        if let Some(http) = &self.http {
            out.extend_from_slice(&HTTP_HEADERS.to_le_bytes());
            for header in [http.origin, http.referer, http.user_agent] {
                push_string(out, header);
            }
        }
        let len = u32::try_from(out.len().saturating_sub(body)).unwrap_or(u32::MAX);
        if let Some(field) = out.get_mut(start..body) {
            field.copy_from_slice(&len.to_le_bytes());
        }
    }

    /// Decodes what follows the type.
    fn decode(mut rest: &'a [u8]) -> Option<Self> {
        let flags = RequestFlags(u32::from_le_bytes(take(&mut rest)?));
        let connection = ConnectionId(u64::from_le_bytes(take(&mut rest)?));
        let client = take_address(&mut rest)?;
        let our = take_address(&mut rest)?;
        let (mut ad_tag, mut http) = (None, None);
        if flags.0 & (RequestFlags::AD_TAG.0 | RequestFlags::HTTP.0) != 0 {
            let len = usize::try_from(u32::from_le_bytes(take(&mut rest)?)).ok()?;
            let (mut extra, packet) = rest.split_at_checked(len)?;
            rest = packet;
            // An unknown constructor hides what follows it, and nothing else.
            while let Some(kind) = take(&mut extra).map(u32::from_le_bytes) {
                match kind {
                    AD_TAG => ad_tag = take_string(&mut extra)?.try_into().ok(),
                    HTTP_HEADERS => {
                        http = Some(HttpOrigin {
                            origin: take_string(&mut extra)?,
                            referer: take_string(&mut extra)?,
                            user_agent: take_string(&mut extra)?,
                        });
                    }
                    _ => break,
                }
            }
        }
        (!rest.is_empty()).then_some(Self {
            flags,
            connection,
            client,
            our,
            ad_tag,
            http,
            packet: rest,
        })
    }
}

/// Flag of an answer: send it to the client at once.
// spec: proxy 3.3
pub const ANSWER_FLUSH: u32 = 0x8;

/// Flag of an answer: the packet is a transport error.
// spec: proxy 3.3
pub const ANSWER_ERROR: u32 = 0x10;

/// A message of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MiddleMessage<'a> {
    /// A client's packet, to the middle proxy.
    Request(Request<'a>),
    /// A packet for a client, to the proxy.
    Answer {
        /// The client.
        connection: ConnectionId,
        /// [`ANSWER_FLUSH`] and [`ANSWER_ERROR`].
        flags: u32,
        /// The packet; empty if there is nothing for the client.
        packet: &'a [u8],
    },
    /// A quick ack for a client, to the proxy.
    SimpleAck {
        /// The client.
        connection: ConnectionId,
        /// The token.
        token: u32,
    },
    /// The data center closed the client's connection, to the proxy.
    CloseExt(ConnectionId),
    /// The client is gone, to the middle proxy.
    CloseConn(ConnectionId),
    /// A request for a pong.
    Ping(u64),
    /// The answer to a ping.
    Pong(u64),
}

impl<'a> MiddleMessage<'a> {
    /// Appends the message, which is the payload of one frame.
    // spec: proxy 3
    pub fn encode(&self, out: &mut Vec<u8>) {
        let simple = |out: &mut Vec<u8>, kind: u32, id: u64| {
            out.extend_from_slice(&kind.to_le_bytes());
            out.extend_from_slice(&id.to_le_bytes());
        };
        match *self {
            Self::Request(request) => request.encode(out),
            Self::Answer { connection, flags, packet } => {
                out.extend_from_slice(&PROXY_ANS.to_le_bytes());
                out.extend_from_slice(&flags.to_le_bytes());
                out.extend_from_slice(&connection.0.to_le_bytes());
                out.extend_from_slice(packet);
            }
            Self::SimpleAck { connection, token } => {
                simple(out, SIMPLE_ACK, connection.0);
                out.extend_from_slice(&token.to_le_bytes());
            }
            Self::CloseExt(connection) => simple(out, CLOSE_EXT, connection.0),
            Self::CloseConn(connection) => simple(out, CLOSE_CONN, connection.0),
            Self::Ping(id) => simple(out, PING, id),
            Self::Pong(id) => simple(out, PONG, id),
        }
    }

    /// Decodes the payload of a frame. `None` if its type is unknown or its length does not fit the
    /// type: such a frame is ignored.
    // spec: proxy 3
    #[must_use]
    pub fn decode(payload: &'a [u8]) -> Option<Self> {
        let mut rest = payload;
        let kind = u32::from_le_bytes(take(&mut rest)?);
        let exactly = |rest: &[u8]| rest.try_into().map(u64::from_le_bytes).ok();
        match kind {
            PROXY_REQ => Request::decode(rest).map(Self::Request),
            PROXY_ANS => {
                let flags = u32::from_le_bytes(take(&mut rest)?);
                let connection = ConnectionId(u64::from_le_bytes(take(&mut rest)?));
                Some(Self::Answer { connection, flags, packet: rest })
            }
            SIMPLE_ACK => {
                let connection = ConnectionId(u64::from_le_bytes(take(&mut rest)?));
                let token = rest.try_into().map(u32::from_le_bytes).ok()?;
                Some(Self::SimpleAck { connection, token })
            }
            CLOSE_EXT => exactly(rest).map(ConnectionId).map(Self::CloseExt),
            CLOSE_CONN => exactly(rest).map(ConnectionId).map(Self::CloseConn),
            PING => exactly(rest).map(Self::Ping),
            PONG => exactly(rest).map(Self::Pong),
            _ => None,
        }
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*first)
}

fn take_address(rest: &mut &[u8]) -> Option<SocketAddr> {
    let ip = Ipv6Addr::from(take::<16>(rest)?).to_canonical();
    let port = u16::try_from(u32::from_le_bytes(take(rest)?)).ok()?;
    Some(SocketAddr::new(ip, port))
}

/// Takes a TL string.
fn take_string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, head) = match *rest {
        [LONG_STRING, a, b, c, ..] => (u32::from_le_bytes([*a, *b, *c, 0]), 4_usize),
        [len, ..] if *len < LONG_STRING => (u32::from(*len), 1),
        _ => return None,
    };
    let end = head.checked_add(usize::try_from(len).ok()?)?;
    let string = rest.get(head..end)?;
    *rest = rest.get(end.checked_next_multiple_of(4)?..)?;
    Some(string)
}

/// Appends a TL string. Longer ones than TL allows do not occur: a frame is shorter.
fn push_string(out: &mut Vec<u8>, string: &[u8]) {
    let start = out.len();
    let string = string.get(..STRING_LEN_MAX).unwrap_or(string);
    match u8::try_from(string.len()) {
        Ok(len) if len < LONG_STRING => out.push(len),
        _ => {
            let [a, b, c, _] = u32::try_from(string.len()).unwrap_or_default().to_le_bytes();
            out.extend_from_slice(&[LONG_STRING, a, b, c]);
        }
    }
    out.extend_from_slice(string);
    while !out.len().saturating_sub(start).is_multiple_of(4) {
        out.push(0);
    }
}

/// Checks that a client's packet may be forwarded. The caller has cut it to whole words.
///
/// # Errors
///
/// The client is broken: close it.
// spec: proxy 3.2
pub fn check_forwardable(packet: &[u8], len_max: usize) -> Result<(), NotForwardable> {
    let len = packet.len();
    if len < PACKET_LEN_MIN || !len.is_multiple_of(4) || len > len_max {
        return Err(NotForwardable::Length { len });
    }
    let word = |at: usize| {
        let bytes = packet.get(at..).and_then(|rest| rest.first_chunk::<4>());
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    };
    if word(0) != 0 || word(4) != 0 {
        return Ok(());
    }
    let inner = usize::try_from(word(16)).unwrap_or(usize::MAX);
    if inner < 20 || inner > len.saturating_sub(UNENCRYPTED_HEAD_LEN) {
        return Err(NotForwardable::InnerLength { len: inner });
    }
    match word(20) {
        0x6046_9778 | 0xbe7e_8ef1 | 0xd712_e4be | 0xf504_5f1f => Ok(()),
        id => Err(NotForwardable::Constructor { id }),
    }
}

/// Returns `true` if a packet is unencrypted.
#[must_use]
pub fn is_unencrypted(packet: &[u8]) -> bool {
    packet.first_chunk::<8>() == Some(&[0; 8])
}

/// Returns the message at the front of a packet, without the padding of the client's framing.
// spec: transport 2.3
#[must_use]
pub fn without_tail(packet: &[u8]) -> &[u8] {
    let len = if is_unencrypted(packet) {
        let inner = packet.get(16..).and_then(|rest| rest.first_chunk::<4>());
        let inner = inner.map_or(0, |len| u32::from_le_bytes(*len));
        usize::try_from(inner).ok().and_then(|len| len.checked_add(UNENCRYPTED_HEAD_LEN))
    } else {
        let rest = packet.len().checked_sub(ENCRYPTED_HEAD_LEN);
        rest.and_then(|rest| packet.len().checked_sub(rest % 16))
    };
    len.and_then(|len| packet.get(..len)).unwrap_or(packet)
}

/// Why a client's packet is not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotForwardable {
    /// The packet is too short, too long or no multiple of four bytes.
    Length {
        /// The length.
        len: usize,
    },
    /// The message of an unencrypted packet does not fit it.
    InnerLength {
        /// The declared length.
        len: usize,
    },
    /// The message of an unencrypted packet does not belong to a key exchange.
    Constructor {
        /// The constructor.
        id: u32,
    },
}

impl fmt::Display for NotForwardable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { len } => write!(f, "packet of {len} bytes is not forwarded"),
            Self::InnerLength { len } => write!(f, "unencrypted message of {len} bytes"),
            Self::Constructor { id } => write!(f, "unencrypted message of type {id:08x}"),
        }
    }
}

impl core::error::Error for NotForwardable {}

const PROXY_REQ: u32 = 0x36ce_f1ee;
const PROXY_ANS: u32 = 0x4403_da0d;
const SIMPLE_ACK: u32 = 0x3bac_409b;
const CLOSE_EXT: u32 = 0x5eb6_34a2;
const CLOSE_CONN: u32 = 0x1fcf_425d;
const PING: u32 = 0x5730_a2df;
const PONG: u32 = 0x8430_eaa7;
const AD_TAG: u32 = 0xdb1e_26ae;
const HTTP_HEADERS: u32 = 0xd45a_b381;
/// First byte of a string with a length of three bytes.
const LONG_STRING: u8 = 254;
/// The longest TL string.
const STRING_LEN_MAX: usize = (1 << 24) - 1;
/// The shortest packet that is forwarded.
const PACKET_LEN_MIN: usize = 28;
const UNENCRYPTED_HEAD_LEN: usize = 20;
const ENCRYPTED_HEAD_LEN: usize = 24;
