//! What both sides of a session need: identity, counters, stores.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::{
    AuthKey, MsgId, MsgIdKind, OpenError, QuickAckToken, Salt, SealError, SessionId, Side,
};
use mtp_env::{Entropy, Now, UnixTime};

use super::acks::Acks;
use super::buffers::Buffers;
use super::config::SessionConfig;
use super::event::{Discard, Event, Events};
use super::link_state::Links;
use super::msg_id::MsgIdGenerator;
use super::mutation::Mutation;
use super::packer::Packer;
use super::seq_no::{Label, SeqNoCounter};
use super::window::Window;
use crate::gzip::{Deflater, GunzipError, Inflater};
use crate::link::LinkId;
use crate::service::{ContainerError, GzipPacked};
use crate::version::Version;

/// The state that does not depend on the side.
pub(crate) struct Base {
    pub(crate) side: Side,
    pub(crate) config: Arc<SessionConfig>,
    pub(crate) key: Option<Arc<AuthKey>>,
    pub(crate) session_id: SessionId,
    pub(crate) ids: MsgIdGenerator,
    pub(crate) numbers: SeqNoCounter,
    pub(crate) window: Window,
    pub(crate) acks: Acks,
    pub(crate) links: Links,
    pub(crate) events: Events,
    pub(crate) buffers: Buffers,
    inflater: Option<Box<Inflater>>,
    deflater: Option<Box<Deflater>>,
}

/// A packet that is written but not yet encrypted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft {
    /// Where it starts in the buffer.
    pub(crate) start: usize,
    /// The label of the packet.
    pub(crate) label: Label,
    /// A quick acknowledgement is wanted.
    pub(crate) quick_ack: bool,
}

impl Base {
    pub(crate) fn new(side: Side, config: Arc<SessionConfig>, session_id: SessionId) -> Self {
        Self {
            side,
            key: None,
            session_id,
            ids: MsgIdGenerator::default(),
            numbers: SeqNoCounter::default(),
            window: Window::new(config.duplicates_max),
            acks: Acks::default(),
            links: Links::default(),
            events: Events::new(config.spare_bytes_max),
            buffers: Buffers::new(config.spare_bytes_max),
            inflater: None,
            deflater: None,
            config,
        }
    }

    /// Labels a message that must be acknowledged.
    pub(crate) fn label_content(&mut self, time: UnixTime, kind: MsgIdKind) -> Label {
        let kind = if self.breaks(Mutation::OddClientIds) { MsgIdKind::Answer } else { kind };
        let last = self.ids.last();
        let msg_id = self.ids.next(time, kind);
        let msg_id = if self.breaks(Mutation::SameIdAgain) { last } else { msg_id };
        let mut numbers = self.numbers;
        let seq_no = numbers.content_related();
        if !self.breaks(Mutation::NumbersStandStill) {
            self.numbers = numbers;
        }
        Label { msg_id, seq_no }
    }

    /// Reports whether this rule is to be broken.
    pub(crate) fn breaks(&self, rule: Mutation) -> bool {
        self.config.breaks(rule)
    }

    /// Labels a message that needs no acknowledgement.
    pub(crate) fn label_service(&mut self, time: UnixTime, kind: MsgIdKind) -> Label {
        Label { msg_id: self.ids.next(time, kind), seq_no: self.numbers.service() }
    }

    /// Writes the headers of a packet; a container gets an id of `kind`.
    pub(crate) fn finish(
        &mut self,
        packer: Packer<'_>,
        time: UnixTime,
        salt: Salt,
        kind: MsgIdKind,
    ) -> (Label, usize) {
        let session_id = self.session_id;
        let low = self.breaks(Mutation::ContainerIdLow);
        let mut made = None;
        let (written, start) = packer.finish(salt, session_id, || {
            let label = self.label_service(time, kind);
            made = Some(label);
            if low { Label { msg_id: MsgId::from_raw(4), ..label } } else { label }
        });
        (made.unwrap_or(written), start)
    }

    /// Pads and encrypts a draft.
    pub(crate) fn seal(
        &self,
        link: LinkId,
        draft: Draft,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> Result<QuickAckToken, SealError> {
        let Some(key) = &self.key else { return Err(SealError::NotPadded { len: 0 }) };
        let version = self.version(link);
        version.seal(key, self.side, (out, draft.start), self.config.padding, entropy)
    }

    /// Returns how packets of a link are encrypted.
    pub(crate) fn version(&self, link: LinkId) -> Version {
        self.links.get(link).map(|link| link.version).unwrap_or_default()
    }

    /// Notes that a content-related message was received.
    pub(crate) fn ack(&mut self, now: Now, msg_id: MsgId) {
        if self.breaks(Mutation::AcksNever) {
            return;
        }
        self.acks.push(now, &self.config, msg_id);
    }

    /// Notes that it was received again.
    pub(crate) fn ack_again(&mut self, now: Now, msg_id: MsgId) {
        if self.breaks(Mutation::AcksNever) || self.breaks(Mutation::DuplicatesNotAcked) {
            return;
        }
        self.acks.push_again(now, &self.config, msg_id);
    }

    /// Tells that something was not used.
    pub(crate) fn discard(&mut self, msg_id: MsgId, reason: Discard) {
        self.events.push(Event::Discarded { msg_id, reason });
    }

    /// Unpacks an object at the end of `out`, within what the packet may still cost.
    // spec: session 8.13
    pub(crate) fn unpack(
        &mut self,
        packed: &GzipPacked<'_>,
        budget: &mut UnpackBudget,
        out: &mut Vec<u8>,
    ) -> Result<(), GunzipError> {
        let inflater = self.inflater.get_or_insert_with(|| Box::new(Inflater::new()));
        unpack(inflater, packed, budget, out)
    }

    /// The same into the arena of events; returns where the content starts.
    pub(crate) fn unpack_into_arena(
        &mut self,
        packed: &GzipPacked<'_>,
        budget: &mut UnpackBudget,
    ) -> Result<usize, GunzipError> {
        let inflater = self.inflater.get_or_insert_with(|| Box::new(Inflater::new()));
        let arena = self.events.arena();
        let start = arena.len();
        unpack(inflater, packed, budget, arena)?;
        Ok(start)
    }

    /// Returns how much one packet may unpack to.
    pub(crate) fn unpack_budget(&self) -> UnpackBudget {
        let each = self.config.unpacked_bytes_max;
        UnpackBudget { each, left: each.saturating_mul(2) }
    }

    /// Appends `gzip_packed` of a body if that is worth it.
    // spec: session 8.13
    pub(crate) fn pack(&mut self, body: &[u8], out: &mut Vec<u8>) -> bool {
        if body.len() < self.config.pack_from_bytes {
            return false;
        }
        let deflater = self.deflater.get_or_insert_with(|| Box::new(Deflater::new()));
        let mut member = self.buffers.take();
        let packs = deflater.pack(body, &mut member);
        if packs {
            mtp_tl::Encode::encode(&GzipPacked { packed_data: &member }, out);
        }
        self.buffers.put(member);
        packs
    }

    /// Drops what can be made again, for sessions that are many and idle.
    pub(crate) fn trim(&mut self) {
        self.inflater = None;
        self.deflater = None;
        self.buffers.trim();
        self.window.trim();
        self.acks.trim();
        self.links.trim();
        self.events.trim();
    }
}

/// What unpacking may still cost within one packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnpackBudget {
    each: usize,
    left: usize,
}

fn unpack(
    inflater: &mut Inflater,
    packed: &GzipPacked<'_>,
    budget: &mut UnpackBudget,
    out: &mut Vec<u8>,
) -> Result<(), GunzipError> {
    let start = out.len();
    inflater.unpack(packed.packed_data, budget.each.min(budget.left), out)?;
    let content = out.get(start..).unwrap_or_default();
    budget.left = budget.left.saturating_sub(content.len());
    // One level only: nothing legitimate packs twice.
    let id = <GzipPacked<'_> as mtp_tl::Constructor>::ID.get().to_le_bytes();
    if content.starts_with(&id) {
        out.truncate(start);
        return Err(GunzipError::Malformed);
    }
    Ok(())
}

/// Why a packet was refused. It changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacketError {
    /// There is no key yet.
    NoKey,
    /// The session is closed.
    Closed,
    /// The envelope was not acceptable.
    Envelope(OpenError),
    /// The packet belongs to no session that this one knows.
    WrongSession,
    /// A message id cannot come from the peer.
    WrongParity {
        /// The id.
        msg_id: MsgId,
    },
    /// A container breaks the rules.
    Container(ContainerError),
    /// A result names no message at all.
    NamesNothing,
    /// The application has to take events, or to answer calls, before more packets are taken.
    Backlog,
}

impl PacketError {
    /// Reports whether the link must be closed: the peer misbehaved.
    #[must_use]
    pub const fn closes_link(self) -> bool {
        !matches!(self, Self::Backlog | Self::Closed | Self::NoKey)
    }
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey => f.write_str("there is no key yet"),
            Self::Closed => f.write_str("the session is closed"),
            Self::Envelope(error) => error.fmt(f),
            Self::WrongSession => f.write_str("the packet belongs to another session"),
            Self::WrongParity { msg_id } => write!(f, "{msg_id:?} cannot come from the peer"),
            Self::Container(error) => error.fmt(f),
            Self::NamesNothing => f.write_str("a result names message 0"),
            Self::Backlog => f.write_str("events or calls must be taken first"),
        }
    }
}

impl core::error::Error for PacketError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Envelope(error) => Some(error),
            Self::Container(error) => Some(error),
            _ => None,
        }
    }
}

impl From<OpenError> for PacketError {
    fn from(error: OpenError) -> Self {
        Self::Envelope(error)
    }
}

impl From<ContainerError> for PacketError {
    fn from(error: ContainerError) -> Self {
        Self::Container(error)
    }
}
