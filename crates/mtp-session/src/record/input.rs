//! Inputs of a client, as values and as bytes.

use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::QuickAckToken;
use mtp_env::Now;
use mtp_tl::{DecodeError, Decoder, Encode as _, Output as _};

use super::field::{
    Written, is_set, long, put_bytes, put_kind, put_link, put_options, put_time, read_bytes,
    read_kind, read_link, read_options, read_time,
};
use crate::client::{RequestId, RequestOptions};
use crate::established::Established;
use crate::link::{BatchLimits, LinkId};
use crate::session::LinkKind;

/// A verb of [`ClientMachine`](crate::client::ClientMachine) with its arguments.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "replayers handle every variant")]
#[expect(missing_docs, reason = "the fields are the arguments of the verbs")]
pub enum ClientInput<'a> {
    /// `request`
    Request { body: &'a [u8], options: RequestOptions },
    /// `cancel`
    Cancel(RequestId),
    /// `ping`
    Ping,
    /// `set_online`
    SetOnline(bool),
    /// `new_permanent_key`
    NewPermanentKey,
    /// `destroy_key`
    DestroyKey,
    /// `try_again`
    TryAgain,
    /// `link_up`
    LinkUp { link: LinkId, kind: LinkKind },
    /// `link_down`
    LinkDown(LinkId),
    /// `handle_packet`
    Packet { link: LinkId, bytes: &'a [u8] },
    /// `handle_transport_error`
    TransportError { link: LinkId, code: i32 },
    /// `handle_quick_ack`
    QuickAck(QuickAckToken),
    /// `poll_transmit` and the bytes it wrote
    Transmit { link: LinkId, written: Written },
    /// `poll_transmit_batch` and the bytes it wrote
    TransmitBatch { link: LinkId, limits: BatchLimits, written: Written },
    /// `poll_work` that returned a job
    PollWork,
    /// `handle_work` with the number of the job
    Work(u32),
    /// `poll_event`
    Event,
    /// `handle_timeout`
    Timeout,
}

/// Origin of a client: the constructor and its argument.
pub(super) enum Origin<'a> {
    New(Option<Established>),
    Resumed(&'a [u8]),
}

impl<'a> Origin<'a> {
    pub(super) fn put(&self, to: &mut Vec<u8>) {
        match self {
            Self::New(None) => 0_u32.encode(to),
            Self::New(Some(key)) => {
                1_u32.encode(to);
                key.put(to);
            }
            Self::Resumed(saved) => {
                2_u32.encode(to);
                put_bytes(saved, to);
            }
        }
    }

    /// Reads what [`put`](Self::put) wrote; `None` if the bytes are not an origin.
    pub(super) fn read(d: &mut Decoder<'a>) -> Result<Option<Self>, DecodeError> {
        Ok(match d.read()? {
            0_u32 => Some(Self::New(None)),
            1 => Established::read(d)?.map(|key| Self::New(Some(key))),
            2 => Some(Self::Resumed(read_bytes(d)?)),
            _ => None,
        })
    }
}

impl<'a> ClientInput<'a> {
    /// Appends the input. Bodies come last and are preceded by their length.
    pub(super) fn put(&self, now: Now, to: &mut Vec<u8>) {
        self.kind().encode(to);
        put_time(now, to);
        match self {
            Self::Request { body, options } => {
                put_options(options, to);
                put_bytes(body, to);
            }
            Self::Cancel(request) => to.put(&request.as_u64().to_le_bytes()),
            Self::SetOnline(online) => u32::from(*online).encode(to),
            Self::LinkUp { link, kind } => {
                put_link(*link, to);
                put_kind(*kind, to);
            }
            Self::LinkDown(link) => put_link(*link, to),
            Self::Packet { link, bytes } => {
                put_link(*link, to);
                put_bytes(bytes, to);
            }
            Self::TransportError { link, code } => {
                put_link(*link, to);
                code.encode(to);
            }
            Self::QuickAck(token) => token.as_raw().encode(to),
            Self::Transmit { link, written } => {
                put_link(*link, to);
                written.put(to);
            }
            Self::TransmitBatch { link, limits, written } => {
                put_link(*link, to);
                limits.put(to);
                written.put(to);
            }
            Self::Work(number) => number.encode(to),
            Self::Ping
            | Self::NewPermanentKey
            | Self::DestroyKey
            | Self::TryAgain
            | Self::PollWork
            | Self::Event
            | Self::Timeout => {}
        }
    }

    /// Reads what [`put`](Self::put) wrote; `None` if the bytes are not an input.
    pub(super) fn read(d: &mut Decoder<'a>) -> Result<Option<(Now, Self)>, DecodeError> {
        let kind: u32 = d.read()?;
        let now = read_time(d)?;
        let input = match kind {
            0 => {
                let options = read_options(d)?;
                Some(Self::Request { options, body: read_bytes(d)? })
            }
            1 => Some(Self::Cancel(RequestId::from_u64(long(d)?))),
            2 => Some(Self::Ping),
            3 => Some(Self::SetOnline(is_set(d)?)),
            4 => Some(Self::NewPermanentKey),
            5 => Some(Self::DestroyKey),
            6 => Some(Self::TryAgain),
            7 => {
                let link = read_link(d)?;
                read_kind(d)?.map(|kind| Self::LinkUp { link, kind })
            }
            8 => Some(Self::LinkDown(read_link(d)?)),
            9 => {
                let link = read_link(d)?;
                Some(Self::Packet { link, bytes: read_bytes(d)? })
            }
            10 => {
                let link = read_link(d)?;
                Some(Self::TransportError { link, code: d.read()? })
            }
            11 => Some(Self::QuickAck(QuickAckToken::from_raw(d.read()?))),
            12 => {
                let link = read_link(d)?;
                Some(Self::Transmit { link, written: Written::read(d)? })
            }
            13 => {
                let (link, limits) = (read_link(d)?, BatchLimits::read(d)?);
                Some(Self::TransmitBatch { link, limits, written: Written::read(d)? })
            }
            14 => Some(Self::PollWork),
            15 => Some(Self::Work(d.read()?)),
            16 => Some(Self::Event),
            17 => Some(Self::Timeout),
            _ => None,
        };
        Ok(input.map(|input| (now, input)))
    }

    const fn kind(&self) -> u32 {
        match self {
            Self::Request { .. } => 0,
            Self::Cancel(_) => 1,
            Self::Ping => 2,
            Self::SetOnline(_) => 3,
            Self::NewPermanentKey => 4,
            Self::DestroyKey => 5,
            Self::TryAgain => 6,
            Self::LinkUp { .. } => 7,
            Self::LinkDown(_) => 8,
            Self::Packet { .. } => 9,
            Self::TransportError { .. } => 10,
            Self::QuickAck(_) => 11,
            Self::Transmit { .. } => 12,
            Self::TransmitBatch { .. } => 13,
            Self::PollWork => 14,
            Self::Work(_) => 15,
            Self::Event => 16,
            Self::Timeout => 17,
        }
    }
}

/// One line for timelines, without bodies and secrets.
impl fmt::Display for ClientInput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { body, .. } => write!(f, "request, {} B", body.len()),
            Self::Cancel(request) => write!(f, "cancel {request:?}"),
            Self::Ping => f.write_str("ping"),
            Self::SetOnline(online) => write!(f, "set_online {online}"),
            Self::NewPermanentKey => f.write_str("new_permanent_key"),
            Self::DestroyKey => f.write_str("destroy_key"),
            Self::TryAgain => f.write_str("try_again"),
            Self::LinkUp { link, kind } => write!(f, "link {} up, {kind:?}", link.as_u64()),
            Self::LinkDown(link) => write!(f, "link {} down", link.as_u64()),
            Self::Packet { link, bytes } => {
                write!(f, "packet on link {}, {} B", link.as_u64(), bytes.len())
            }
            Self::TransportError { link, code } => {
                write!(f, "transport error {code} on link {}", link.as_u64())
            }
            Self::QuickAck(token) => write!(f, "quick_ack {token:?}"),
            Self::Transmit { link, written } | Self::TransmitBatch { link, written, .. } => {
                write!(f, "transmit on link {}, {} B", link.as_u64(), written.len)
            }
            Self::PollWork => f.write_str("poll_work"),
            Self::Work(number) => write!(f, "work {number} done"),
            Self::Event => f.write_str("event"),
            Self::Timeout => f.write_str("timeout"),
        }
    }
}
