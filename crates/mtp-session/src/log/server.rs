//! What can be done to a server, as values and as bytes, and the run that they make again.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::{AuthKeyId, MsgId, SessionId};
use mtp_env::Now;
use mtp_tl::{DecodeError, Decoder, Encode as _, Output as _};

use super::field::{
    Written, is_set, long, put_bytes, put_kind, put_link, put_time, read_bytes, read_kind,
    read_link, read_time,
};
use super::head::{Head, MachineKind, Tape};
use super::run::LogError;
use crate::established::Established;
use crate::exchange::HandshakeError;
use crate::link::{BatchLimits, LinkId, QuickAck, Transmit};
use crate::server::ServerWork;
use crate::server::{ServerConfig, ServerEvent, ServerMachine, ServerPacketError, SessionName};
use crate::session::{IncomingId, LinkKind, PushId, SendError};

/// One thing done to a server: a verb of [`ServerMachine`] with its arguments.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "replayers handle all of them")]
#[expect(missing_docs, reason = "the fields are the arguments of the verbs")]
pub enum ServerInput<'a> {
    /// `insert_key`
    InsertKey { key: Established, bound_to: Option<AuthKeyId> },
    /// `remove_key`
    RemoveKey(AuthKeyId),
    /// `answer`
    Answer { session: SessionName, call: IncomingId, body: &'a [u8] },
    /// `push`
    Push { session: SessionName, body: &'a [u8] },
    /// `link_up`
    LinkUp { link: LinkId, kind: LinkKind },
    /// `link_down`
    LinkDown(LinkId),
    /// `close_link`
    CloseLink { link: LinkId, code: i32 },
    /// `handle_packet`
    Packet { link: LinkId, bytes: &'a [u8], quick_ack: QuickAck },
    /// `poll_link`
    PollLink,
    /// `poll_transmit`, and what it wrote
    Transmit { link: LinkId, written: Written },
    /// `poll_transmit_batch`, and what it wrote
    TransmitBatch { link: LinkId, limits: BatchLimits, written: Written },
    /// `poll_work`
    PollWork,
    /// `handle_work`, and the how many-th piece of work it was
    Work { link: LinkId, number: u32 },
    /// `poll_event`
    Event,
    /// `handle_timeout`
    Timeout,
}

/// What an input led to.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "what the verbs of a server return")]
pub enum ServerOutcome<'a> {
    /// The verb returns nothing that is not in the input already.
    Done,
    /// Of [`ServerInput::InsertKey`].
    Known(bool),
    /// Of [`ServerInput::Answer`].
    Taken(Result<(), SendError>),
    /// Of [`ServerInput::Push`].
    Push(Result<PushId, SendError>),
    /// Of [`ServerInput::Packet`].
    Packet(Result<(), ServerPacketError>),
    /// Of [`ServerInput::PollLink`].
    Link(Option<LinkId>),
    /// Of [`ServerInput::Work`].
    Work(Result<(), HandshakeError>),
    /// Of [`ServerInput::Transmit`]; the bytes are in the caller's buffer.
    Transmit(Option<Transmit>),
    /// Of [`ServerInput::TransmitBatch`]: where each packet ends in the caller's buffer.
    TransmitBatch(Vec<(usize, Transmit)>),
    /// Of [`ServerInput::Event`].
    Event(Option<ServerEvent<'a>>),
}

/// A server's log that is run again.
#[derive(Debug)]
pub struct ServerReplay<'a> {
    server: ServerMachine,
    left: &'a [u8],
    works: VecDeque<(u32, ServerWork)>,
    given: u32,
    /// A packet is decrypted here, because the input is only lent.
    packet: Vec<u8>,
}

/// An input that was done to a server again.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "when, what, and what of it")]
pub struct ServerStep<'a, 's> {
    /// When.
    pub now: Now,
    /// What.
    pub input: ServerInput<'a>,
    /// What it led to.
    pub outcome: ServerOutcome<'s>,
}

impl<'a> ServerReplay<'a> {
    /// Makes the server of a log; `configure` makes its configuration, perhaps of the log's note.
    ///
    /// # Errors
    /// [`LogError`]: the bytes are no server's log, or of an unknown version.
    pub fn new(
        log: &'a [u8],
        configure: impl FnOnce(&[u8]) -> ServerConfig,
    ) -> Result<Self, LogError> {
        let (head, mut d) = Head::read_of(MachineKind::Server, log)?;
        let config = ServerConfig { record: None, ..configure(head.note) };
        let server = ServerMachine::new(config, Box::new(head.entropy()));
        let works = VecDeque::new();
        Ok(Self { server, left: d.take_rest(), works, given: 0, packet: Vec::new() })
    }

    /// Does the next input again; packets are appended to `out`. `None` at the end of the log.
    ///
    /// # Errors
    /// [`LogError`]: the log is damaged here and nothing was done, or the server wrote something else than it did
    /// when the log was made.
    pub fn step(&mut self, out: &mut Vec<u8>) -> Result<Option<ServerStep<'a, '_>>, LogError> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let mut d = Decoder::new(self.left);
        let (now, input) = ServerInput::read(&mut d)?.ok_or(LogError::NotAnInput)?;
        self.left = d.take_rest();
        let outcome = self.apply(now, &input, out)?;
        Ok(Some(ServerStep { now, input, outcome }))
    }

    /// Returns the server, to look at.
    #[must_use]
    pub const fn server(&self) -> &ServerMachine {
        &self.server
    }

    fn apply(
        &mut self,
        now: Now,
        input: &ServerInput<'_>,
        out: &mut Vec<u8>,
    ) -> Result<ServerOutcome<'_>, LogError> {
        let (server, start) = (&mut self.server, out.len());
        Ok(match *input {
            ServerInput::InsertKey { ref key, bound_to } => {
                ServerOutcome::Known(server.insert_key(now, key, bound_to))
            }
            ServerInput::RemoveKey(key) => {
                server.remove_key(now, key);
                ServerOutcome::Done
            }
            ServerInput::Answer { session, call, body } => {
                ServerOutcome::Taken(server.answer(now, session, call, body))
            }
            ServerInput::Push { session, body } => {
                ServerOutcome::Push(server.push(now, session, body))
            }
            ServerInput::LinkUp { link, kind } => {
                server.link_up(now, link, kind);
                ServerOutcome::Done
            }
            ServerInput::LinkDown(link) => {
                server.link_down(now, link);
                ServerOutcome::Done
            }
            ServerInput::CloseLink { link, code } => {
                server.close_link(now, link, code);
                ServerOutcome::Done
            }
            ServerInput::Packet { link, bytes, quick_ack } => {
                self.packet.clear();
                self.packet.extend_from_slice(bytes);
                let outcome = server.handle_packet(now, link, &mut self.packet, quick_ack);
                ServerOutcome::Packet(outcome)
            }
            ServerInput::PollLink => ServerOutcome::Link(server.poll_link()),
            ServerInput::Transmit { link, written } => {
                let transmit = server.poll_transmit(now, link, out);
                written.compare(out, start)?;
                ServerOutcome::Transmit(transmit)
            }
            ServerInput::TransmitBatch { link, limits, written } => {
                let mut packets = Vec::new();
                server.poll_transmit_batch(now, link, limits, out, &mut packets);
                written.compare(out, start)?;
                ServerOutcome::TransmitBatch(packets)
            }
            ServerInput::PollWork => {
                if let Some((_, work)) = server.poll_work() {
                    self.works.push_back((self.given, work));
                    self.given = self.given.wrapping_add(1);
                }
                ServerOutcome::Done
            }
            ServerInput::Work { link, number } => {
                let position = self.works.iter().position(|(known, _)| *known == number);
                let work = position.and_then(|position| self.works.remove(position));
                let (_, work) = work.ok_or(LogError::NotAnInput)?;
                ServerOutcome::Work(server.handle_work(now, link, work.run()))
            }
            ServerInput::Event => ServerOutcome::Event(server.poll_event()),
            ServerInput::Timeout => {
                server.handle_timeout(now);
                ServerOutcome::Done
            }
        })
    }
}

impl Tape {
    /// Writes down what is done to a server.
    pub(crate) fn put_server(&mut self, now: Now, input: &ServerInput<'_>) {
        input.put(now, &mut self.log);
    }
}

impl<'a> ServerInput<'a> {
    /// Appends the input; bodies are the last fields and preceded by their length.
    fn put(&self, now: Now, to: &mut Vec<u8>) {
        self.kind().encode(to);
        put_time(now, to);
        match self {
            Self::InsertKey { key, bound_to } => {
                key.put(to);
                u32::from(bound_to.is_some()).encode(to);
                to.put(&bound_to.unwrap_or(AuthKeyId::NONE).to_le_bytes());
            }
            Self::RemoveKey(key) => to.put(&key.to_le_bytes()),
            Self::Answer { session, call, body } => {
                put_name(*session, to);
                to.put(&call.msg_id().to_le_bytes());
                put_bytes(body, to);
            }
            Self::Push { session, body } => {
                put_name(*session, to);
                put_bytes(body, to);
            }
            Self::LinkUp { link, kind } => {
                put_link(*link, to);
                put_kind(*kind, to);
            }
            Self::LinkDown(link) => put_link(*link, to),
            Self::CloseLink { link, code } => {
                put_link(*link, to);
                code.encode(to);
            }
            Self::Packet { link, bytes, quick_ack } => {
                put_link(*link, to);
                u32::from(*quick_ack == QuickAck::Wanted).encode(to);
                put_bytes(bytes, to);
            }
            Self::Transmit { link, written } => {
                put_link(*link, to);
                written.put(to);
            }
            Self::TransmitBatch { link, limits, written } => {
                put_link(*link, to);
                limits.put(to);
                written.put(to);
            }
            Self::Work { link, number } => {
                put_link(*link, to);
                number.encode(to);
            }
            Self::PollLink | Self::PollWork | Self::Event | Self::Timeout => {}
        }
    }

    /// Reads what [`put`](Self::put) wrote; `None` if that is no input.
    pub(super) fn read(d: &mut Decoder<'a>) -> Result<Option<(Now, Self)>, DecodeError> {
        let kind: u32 = d.read()?;
        let now = read_time(d)?;
        let input = match kind {
            0 => {
                let key = Established::read(d)?;
                let (is_bound, permanent) = (is_set(d)?, AuthKeyId::from_raw(long(d)?));
                let bound_to = is_bound.then_some(permanent);
                key.map(|key| Self::InsertKey { key, bound_to })
            }
            1 => Some(Self::RemoveKey(AuthKeyId::from_raw(long(d)?))),
            2 => {
                let session = read_name(d)?;
                let call = IncomingId::new(MsgId::from_raw(long(d)?));
                Some(Self::Answer { session, call, body: read_bytes(d)? })
            }
            3 => {
                let session = read_name(d)?;
                Some(Self::Push { session, body: read_bytes(d)? })
            }
            4 => {
                let link = read_link(d)?;
                read_kind(d)?.map(|kind| Self::LinkUp { link, kind })
            }
            5 => Some(Self::LinkDown(read_link(d)?)),
            6 => {
                let link = read_link(d)?;
                Some(Self::CloseLink { link, code: d.read()? })
            }
            7 => {
                let (link, wanted) = (read_link(d)?, is_set(d)?);
                let quick_ack = if wanted { QuickAck::Wanted } else { QuickAck::NotWanted };
                Some(Self::Packet { link, quick_ack, bytes: read_bytes(d)? })
            }
            8 => Some(Self::PollLink),
            9 => {
                let link = read_link(d)?;
                Some(Self::Transmit { link, written: Written::read(d)? })
            }
            10 => {
                let (link, limits) = (read_link(d)?, BatchLimits::read(d)?);
                Some(Self::TransmitBatch { link, limits, written: Written::read(d)? })
            }
            11 => Some(Self::PollWork),
            12 => {
                let link = read_link(d)?;
                Some(Self::Work { link, number: d.read()? })
            }
            13 => Some(Self::Event),
            14 => Some(Self::Timeout),
            _ => None,
        };
        Ok(input.map(|input| (now, input)))
    }

    const fn kind(&self) -> u32 {
        match self {
            Self::InsertKey { .. } => 0,
            Self::RemoveKey(_) => 1,
            Self::Answer { .. } => 2,
            Self::Push { .. } => 3,
            Self::LinkUp { .. } => 4,
            Self::LinkDown(_) => 5,
            Self::CloseLink { .. } => 6,
            Self::Packet { .. } => 7,
            Self::PollLink => 8,
            Self::Transmit { .. } => 9,
            Self::TransmitBatch { .. } => 10,
            Self::PollWork => 11,
            Self::Work { .. } => 12,
            Self::Event => 13,
            Self::Timeout => 14,
        }
    }
}

/// One line, for timelines: never a body, never a secret.
impl fmt::Display for ServerInput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InsertKey { key, .. } => write!(f, "insert_key {:016x}", key.key.id().as_raw()),
            Self::RemoveKey(key) => write!(f, "remove_key {:016x}", key.as_raw()),
            Self::Answer { call, body, .. } => write!(f, "answer {call:?}, {} B", body.len()),
            Self::Push { session, body } => write!(f, "push to {session:?}, {} B", body.len()),
            Self::LinkUp { link, kind } => write!(f, "link {} up, {kind:?}", link.as_u64()),
            Self::LinkDown(link) => write!(f, "link {} down", link.as_u64()),
            Self::CloseLink { link, code } => {
                write!(f, "close_link {} with {code}", link.as_u64())
            }
            Self::Packet { link, bytes, .. } => {
                write!(f, "packet on link {}, {} B", link.as_u64(), bytes.len())
            }
            Self::PollLink => f.write_str("poll_link"),
            Self::Transmit { link, written } | Self::TransmitBatch { link, written, .. } => {
                write!(f, "transmit on link {}, {} B", link.as_u64(), written.len)
            }
            Self::PollWork => f.write_str("poll_work"),
            Self::Work { link, number } => {
                write!(f, "work {number} done for link {}", link.as_u64())
            }
            Self::Event => f.write_str("event"),
            Self::Timeout => f.write_str("timeout"),
        }
    }
}

fn put_name(name: SessionName, to: &mut Vec<u8>) {
    to.put(&name.key.to_le_bytes());
    to.put(&name.id.to_le_bytes());
}

fn read_name(d: &mut Decoder<'_>) -> Result<SessionName, DecodeError> {
    let key = AuthKeyId::from_raw(long(d)?);
    Ok(SessionName { key, id: SessionId::from_raw(long(d)?) })
}
