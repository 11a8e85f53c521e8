//! What can be done to a session, as values and as bytes.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::{AuthKey, MsgId, QuickAckToken, SessionId};
use mtp_env::Now;
use mtp_tl::{DecodeError, Decoder, Encode as _, Output as _};

use super::field::{
    is_set, long, put_bytes, put_kind, put_link, put_options, put_time, read_bytes, read_kind,
    read_link, read_options, read_time,
};
use crate::established::Established;
use crate::link::{LinkId, Transmit};
use crate::session::{
    BindInputs, Event, IncomingId, KeyOutcome, LinkKind, PacketError, PushId, RequestId,
    RequestOptions, SendError,
};

/// One thing done to a session: a verb of [`Session`](crate::session::Session) with its arguments.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "recorders and replayers handle all of them")]
#[expect(missing_docs, reason = "the fields are the arguments of the verbs")]
pub enum Input<'a> {
    /// `set_key`
    SetKey(Established),
    /// `drop_key`
    DropKey,
    /// `set_bound`
    SetBound,
    /// `bind`
    Bind(BindInputs),
    /// `request`
    Request { body: &'a [u8], options: RequestOptions },
    /// `cancel`
    Cancel(RequestId),
    /// `destroy_session`
    DestroySession(SessionId),
    /// `destroy_key`
    DestroyKey,
    /// `ping`
    Ping(LinkId),
    /// `set_online`
    SetOnline(bool),
    /// `replace`
    Replace,
    /// `respond`, and `respond_error` with the error as the body
    Respond { to: IncomingId, body: &'a [u8] },
    /// `push`
    Push { body: &'a [u8] },
    /// `session_destroyed`
    SessionDestroyed { session_id: SessionId, existed: bool },
    /// `key_destroyed`
    KeyDestroyed(KeyOutcome),
    /// `close`
    Close,
    /// `link_up`
    LinkUp { link: LinkId, kind: LinkKind },
    /// `link_down`
    LinkDown(LinkId),
    /// `handle_packet`
    Packet { link: LinkId, bytes: &'a [u8] },
    /// `handle_quick_ack`
    QuickAck(QuickAckToken),
    /// `handle_transport_error`
    TransportError { link: LinkId, code: i32 },
    /// `poll_transmit`
    Transmit(LinkId),
    /// `poll_event`
    Event,
    /// `handle_timeout`
    Timeout,
    /// `trim`
    Trim,
}

/// One line, for timelines: never a body, never a secret.
impl fmt::Display for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetKey(key) => write!(f, "set_key {:016x}", key.key.id().as_raw()),
            Self::DropKey => f.write_str("drop_key"),
            Self::SetBound => f.write_str("set_bound"),
            Self::Bind(_) => f.write_str("bind"),
            Self::Request { body, .. } => write!(f, "request, {} B", body.len()),
            Self::Cancel(request) => write!(f, "cancel {request:?}"),
            Self::DestroySession(session_id) => {
                write!(f, "destroy_session {:016x}", session_id.as_raw())
            }
            Self::DestroyKey => f.write_str("destroy_key"),
            Self::Ping(link) => write!(f, "ping link {}", link.as_u64()),
            Self::SetOnline(online) => write!(f, "set_online {online}"),
            Self::Replace => f.write_str("replace"),
            Self::Respond { to, body } => write!(f, "respond to {to:?}, {} B", body.len()),
            Self::Push { body } => write!(f, "push, {} B", body.len()),
            Self::SessionDestroyed { session_id, existed } => {
                write!(f, "session_destroyed {:016x}, existed {existed}", session_id.as_raw())
            }
            Self::KeyDestroyed(outcome) => write!(f, "key_destroyed {outcome:?}"),
            Self::Close => f.write_str("close"),
            Self::LinkUp { link, kind } => write!(f, "link {} up, {kind:?}", link.as_u64()),
            Self::LinkDown(link) => write!(f, "link {} down", link.as_u64()),
            Self::Packet { link, bytes } => {
                write!(f, "packet on link {}, {} B", link.as_u64(), bytes.len())
            }
            Self::QuickAck(token) => write!(f, "quick_ack {token:?}"),
            Self::TransportError { link, code } => {
                write!(f, "transport error {code} on link {}", link.as_u64())
            }
            Self::Transmit(link) => write!(f, "transmit on link {}", link.as_u64()),
            Self::Event => f.write_str("event"),
            Self::Timeout => f.write_str("timeout"),
            Self::Trim => f.write_str("trim"),
        }
    }
}

/// What an input led to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what the verbs of a session return")]
pub enum Outcome<'a> {
    /// The verb returns nothing.
    Done,
    /// Of [`Input::Ping`].
    Ping(bool),
    /// Of [`Input::Request`] and [`Input::Bind`].
    Request(Result<RequestId, SendError>),
    /// Of [`Input::Cancel`] and [`Input::Respond`].
    Taken(Result<(), SendError>),
    /// Of [`Input::Push`].
    Push(Result<PushId, SendError>),
    /// Of [`Input::Packet`].
    Packet(Result<(), PacketError>),
    /// Of [`Input::Transmit`]; the bytes are in the caller's buffer.
    Transmit(Option<Transmit>),
    /// Of [`Input::Event`].
    Event(Option<Event<'a>>),
}

impl<'a> Input<'a> {
    /// Appends the input; bodies are the last fields and preceded by their length.
    pub(super) fn put(&self, now: Now, to: &mut Vec<u8>) {
        self.kind().encode(to);
        put_time(now, to);
        match self {
            Self::SetKey(key) => key.put(to),
            Self::Bind(inputs) => {
                to.put(inputs.perm_key.as_bytes());
                inputs.expires_at.encode(to);
            }
            Self::Request { body, options } => {
                put_options(options, to);
                put_bytes(body, to);
            }
            Self::Cancel(request) => to.put(&request.as_u64().to_le_bytes()),
            Self::DestroySession(session_id) => to.put(&session_id.to_le_bytes()),
            Self::Ping(link) | Self::LinkDown(link) | Self::Transmit(link) => put_link(*link, to),
            Self::SetOnline(online) => u32::from(*online).encode(to),
            Self::Respond { to: call, body } => {
                to.put(&call.msg_id().to_le_bytes());
                put_bytes(body, to);
            }
            Self::Push { body } => put_bytes(body, to),
            Self::SessionDestroyed { session_id, existed } => {
                to.put(&session_id.to_le_bytes());
                u32::from(*existed).encode(to);
            }
            Self::KeyDestroyed(outcome) => match outcome {
                KeyOutcome::Destroyed => 0_u32,
                KeyOutcome::Unknown => 1,
                KeyOutcome::Failed => 2,
            }
            .encode(to),
            Self::LinkUp { link, kind } => {
                put_link(*link, to);
                put_kind(*kind, to);
            }
            Self::Packet { link, bytes } => {
                put_link(*link, to);
                put_bytes(bytes, to);
            }
            Self::QuickAck(token) => token.as_raw().encode(to),
            Self::TransportError { link, code } => {
                put_link(*link, to);
                code.encode(to);
            }
            Self::DropKey
            | Self::SetBound
            | Self::DestroyKey
            | Self::Replace
            | Self::Close
            | Self::Event
            | Self::Timeout
            | Self::Trim => {}
        }
    }

    /// Reads what [`put`](Self::put) wrote; `None` if that is no input.
    pub(super) fn read(d: &mut Decoder<'a>) -> Result<Option<(Now, Self)>, DecodeError> {
        let kind: u32 = d.read()?;
        let now = read_time(d)?;
        let input = match kind {
            0 => Established::read(d)?.map(Self::SetKey),
            1 => Some(Self::DropKey),
            2 => Some(Self::SetBound),
            3 => {
                let (key, expires_at) = (AuthKey::new(*d.array()?), d.read()?);
                let inputs = |key| BindInputs { perm_key: Arc::new(key), expires_at };
                key.ok().map(|key| Self::Bind(inputs(key)))
            }
            4 => {
                let options = read_options(d)?;
                Some(Self::Request { options, body: read_bytes(d)? })
            }
            5 => Some(Self::Cancel(RequestId::from_u64(long(d)?))),
            6 => Some(Self::DestroySession(SessionId::from_raw(long(d)?))),
            7 => Some(Self::DestroyKey),
            8 => Some(Self::Ping(read_link(d)?)),
            9 => Some(Self::SetOnline(is_set(d)?)),
            10 => Some(Self::Replace),
            11 => {
                let to = IncomingId::new(MsgId::from_raw(long(d)?));
                Some(Self::Respond { to, body: read_bytes(d)? })
            }
            12 => Some(Self::Push { body: read_bytes(d)? }),
            13 => {
                let session_id = SessionId::from_raw(long(d)?);
                Some(Self::SessionDestroyed { session_id, existed: is_set(d)? })
            }
            14 => match d.read()? {
                0_u32 => Some(Self::KeyDestroyed(KeyOutcome::Destroyed)),
                1 => Some(Self::KeyDestroyed(KeyOutcome::Unknown)),
                2 => Some(Self::KeyDestroyed(KeyOutcome::Failed)),
                _ => None,
            },
            15 => Some(Self::Close),
            16 => {
                let link = read_link(d)?;
                read_kind(d)?.map(|kind| Self::LinkUp { link, kind })
            }
            17 => Some(Self::LinkDown(read_link(d)?)),
            18 => {
                let link = read_link(d)?;
                Some(Self::Packet { link, bytes: read_bytes(d)? })
            }
            19 => Some(Self::QuickAck(QuickAckToken::from_raw(d.read()?))),
            20 => {
                let link = read_link(d)?;
                Some(Self::TransportError { link, code: d.read()? })
            }
            21 => Some(Self::Transmit(read_link(d)?)),
            22 => Some(Self::Event),
            23 => Some(Self::Timeout),
            24 => Some(Self::Trim),
            _ => None,
        };
        Ok(input.map(|input| (now, input)))
    }

    const fn kind(&self) -> u32 {
        match self {
            Self::SetKey(_) => 0,
            Self::DropKey => 1,
            Self::SetBound => 2,
            Self::Bind(_) => 3,
            Self::Request { .. } => 4,
            Self::Cancel(_) => 5,
            Self::DestroySession(_) => 6,
            Self::DestroyKey => 7,
            Self::Ping(_) => 8,
            Self::SetOnline(_) => 9,
            Self::Replace => 10,
            Self::Respond { .. } => 11,
            Self::Push { .. } => 12,
            Self::SessionDestroyed { .. } => 13,
            Self::KeyDestroyed(_) => 14,
            Self::Close => 15,
            Self::LinkUp { .. } => 16,
            Self::LinkDown(_) => 17,
            Self::Packet { .. } => 18,
            Self::QuickAck(_) => 19,
            Self::TransportError { .. } => 20,
            Self::Transmit(_) => 21,
            Self::Event => 22,
            Self::Timeout => 23,
            Self::Trim => 24,
        }
    }
}
