//! What can be done to a client, as values and as bytes, and the run that they make again.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::QuickAckToken;
use mtp_env::Now;
use mtp_tl::{DecodeError, Decoder, Encode as _, Output as _};

use super::field::{
    Written, is_set, long, put_bytes, put_kind, put_link, put_options, put_time, read_bytes,
    read_kind, read_link, read_options, read_time,
};
use super::head::{Head, MachineKind, Tape};
use super::run::LogError;
use crate::client::ClientWork;
use crate::client::{ClientConfig, ClientEvent, ClientMachine, ClientPacketError};
use crate::established::Established;
use crate::exchange::HandshakeError;
use crate::link::{BatchLimits, LinkId, Transmit};
use crate::session::{LinkKind, RequestId, RequestOptions, SendError};

/// One thing done to a client: a verb of [`ClientMachine`] with its arguments.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "replayers handle all of them")]
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
    /// `poll_transmit`, and what it wrote
    Transmit { link: LinkId, written: Written },
    /// `poll_transmit_batch`, and what it wrote
    TransmitBatch { link: LinkId, limits: BatchLimits, written: Written },
    /// `poll_work`
    PollWork,
    /// `handle_work`, and the how many-th piece of work it was
    Work(u32),
    /// `poll_event`
    Event,
    /// `handle_timeout`
    Timeout,
}

/// What an input led to.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "what the verbs of a client return")]
pub enum ClientOutcome<'a> {
    /// The verb returns nothing that is not in the input already.
    Done,
    /// Of [`ClientInput::Request`].
    Request(Result<RequestId, SendError>),
    /// Of [`ClientInput::Cancel`].
    Taken(Result<(), SendError>),
    /// Of [`ClientInput::Ping`] and [`ClientInput::DestroyKey`].
    Goes(bool),
    /// Of [`ClientInput::Packet`].
    Packet(Result<(), ClientPacketError>),
    /// Of [`ClientInput::Work`].
    Work(Result<(), HandshakeError>),
    /// Of [`ClientInput::Transmit`]; the bytes are in the caller's buffer.
    Transmit(Option<Transmit>),
    /// Of [`ClientInput::TransmitBatch`]: where each packet ends in the caller's buffer.
    TransmitBatch(Vec<(usize, Transmit)>),
    /// Of [`ClientInput::Event`].
    Event(Option<ClientEvent<'a>>),
}

/// A client's log that is run again.
#[derive(Debug)]
pub struct ClientReplay<'a> {
    client: ClientMachine,
    left: &'a [u8],
    works: VecDeque<(u32, ClientWork)>,
    given: u32,
    /// A packet is decrypted here, because the input is only lent.
    packet: Vec<u8>,
}

/// An input that was done to a client again.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "when, what, and what of it")]
pub struct ClientStep<'a, 'c> {
    /// When.
    pub now: Now,
    /// What.
    pub input: ClientInput<'a>,
    /// What it led to.
    pub outcome: ClientOutcome<'c>,
}

impl<'a> ClientReplay<'a> {
    /// Makes the client of a log; `configure` makes its configuration, perhaps of the log's note.
    ///
    /// # Errors
    /// [`LogError`]: the bytes are no client's log, or of an unknown version.
    pub fn new(
        log: &'a [u8],
        configure: impl FnOnce(&[u8]) -> ClientConfig,
    ) -> Result<Self, LogError> {
        let (head, mut d) = Head::read_of(MachineKind::Client, log)?;
        let config = ClientConfig { record: None, ..configure(head.note) };
        let entropy = Box::new(head.entropy());
        let client = match Beginning::read(&mut d)?.ok_or(LogError::NotAnInput)? {
            Beginning::New(permanent) => ClientMachine::new(config, head.now, permanent, entropy),
            Beginning::Resumed(saved) => {
                ClientMachine::resume(config, head.now, saved, entropy).map_err(LogError::Resume)?
            }
        };
        let works = VecDeque::new();
        Ok(Self { client, left: d.take_rest(), works, given: 0, packet: Vec::new() })
    }

    /// Does the next input again; packets are appended to `out`. `None` at the end of the log.
    ///
    /// # Errors
    /// [`LogError`]: the log is damaged here and nothing was done, or the client wrote something else than it did
    /// when the log was made.
    pub fn step(&mut self, out: &mut Vec<u8>) -> Result<Option<ClientStep<'a, '_>>, LogError> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let mut d = Decoder::new(self.left);
        let (now, input) = ClientInput::read(&mut d)?.ok_or(LogError::NotAnInput)?;
        self.left = d.take_rest();
        let outcome = self.apply(now, &input, out)?;
        Ok(Some(ClientStep { now, input, outcome }))
    }

    /// Returns the client, to look at.
    #[must_use]
    pub const fn client(&self) -> &ClientMachine {
        &self.client
    }

    fn apply(
        &mut self,
        now: Now,
        input: &ClientInput<'_>,
        out: &mut Vec<u8>,
    ) -> Result<ClientOutcome<'_>, LogError> {
        let (client, start) = (&mut self.client, out.len());
        match *input {
            ClientInput::Request { body, options } => {
                return Ok(ClientOutcome::Request(client.request(now, body, options)));
            }
            ClientInput::Cancel(request) => {
                return Ok(ClientOutcome::Taken(client.cancel(now, request)));
            }
            ClientInput::Ping => return Ok(ClientOutcome::Goes(client.ping())),
            ClientInput::SetOnline(online) => client.set_online(now, online),
            ClientInput::NewPermanentKey => client.new_permanent_key(now),
            ClientInput::DestroyKey => return Ok(ClientOutcome::Goes(client.destroy_key(now))),
            ClientInput::TryAgain => client.try_again(now),
            ClientInput::LinkUp { link, kind } => client.link_up(now, link, kind),
            ClientInput::LinkDown(link) => client.link_down(now, link),
            ClientInput::Packet { link, bytes } => {
                self.packet.clear();
                self.packet.extend_from_slice(bytes);
                let outcome = client.handle_packet(now, link, &mut self.packet);
                return Ok(ClientOutcome::Packet(outcome));
            }
            ClientInput::TransportError { link, code } => {
                client.handle_transport_error(now, link, code);
            }
            ClientInput::QuickAck(token) => client.handle_quick_ack(now, token),
            ClientInput::Transmit { link, written } => {
                let transmit = client.poll_transmit(now, link, out);
                written.compare(out, start)?;
                return Ok(ClientOutcome::Transmit(transmit));
            }
            ClientInput::TransmitBatch { link, limits, written } => {
                let mut packets = Vec::new();
                client.poll_transmit_batch(now, link, limits, out, &mut packets);
                written.compare(out, start)?;
                return Ok(ClientOutcome::TransmitBatch(packets));
            }
            ClientInput::PollWork => {
                if let Some(work) = client.poll_work() {
                    self.works.push_back((self.given, work));
                    self.given = self.given.wrapping_add(1);
                }
            }
            ClientInput::Work(number) => {
                let position = self.works.iter().position(|(known, _)| *known == number);
                let work = position.and_then(|position| self.works.remove(position));
                let (_, work) = work.ok_or(LogError::NotAnInput)?;
                return Ok(ClientOutcome::Work(client.handle_work(now, work.run())));
            }
            ClientInput::Event => return Ok(ClientOutcome::Event(client.poll_event())),
            ClientInput::Timeout => client.handle_timeout(now),
        }
        Ok(ClientOutcome::Done)
    }
}

/// How a client came to be.
pub(crate) enum Beginning<'a> {
    New(Option<Established>),
    Resumed(&'a [u8]),
}

impl<'a> Beginning<'a> {
    pub(super) fn read(d: &mut Decoder<'a>) -> Result<Option<Self>, DecodeError> {
        Ok(match d.read()? {
            0_u32 => Some(Self::New(None)),
            1 => Established::read(d)?.map(|key| Self::New(Some(key))),
            2 => Some(Self::Resumed(read_bytes(d)?)),
            _ => None,
        })
    }
}

impl Tape {
    /// Writes down how a client came to be.
    pub(crate) fn put_beginning(&mut self, beginning: &Beginning<'_>) {
        let to = &mut self.log;
        match beginning {
            Beginning::New(None) => 0_u32.encode(to),
            Beginning::New(Some(key)) => {
                1_u32.encode(to);
                key.put(to);
            }
            Beginning::Resumed(saved) => {
                2_u32.encode(to);
                put_bytes(saved, to);
            }
        }
    }

    /// Writes down what is done to a client.
    pub(crate) fn put_client(&mut self, now: Now, input: &ClientInput<'_>) {
        input.put(now, &mut self.log);
    }
}

impl<'a> ClientInput<'a> {
    /// Appends the input; bodies are the last fields and preceded by their length.
    fn put(&self, now: Now, to: &mut Vec<u8>) {
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

    /// Reads what [`put`](Self::put) wrote; `None` if that is no input.
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

/// One line, for timelines: never a body, never a secret.
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
