//! The state that both wings build on.

use alloc::vec::Vec;

use mtp_crypto::{AuthKey, MsgIdKind, Padding, QuickAckToken, Salt, SealError, SessionId, Side};
use mtp_env::{Entropy, UnixTime};

use super::Ledger;
use super::buffers::Buffers;
use super::link_state::Links;
use super::packer::Packer;
use super::packing::{Packing, UnpackBudget};
use super::seq_no::Label;
use super::window::Window;
use crate::gzip::GunzipError;
use crate::link::LinkId;
use crate::service::GzipPacked;
use crate::version::Version;

/// The state that both wings build on: identity, labels, stores. `W` is the wing's part of a link.
pub(crate) struct SessionCore<W> {
    pub(crate) side: Side,
    pub(crate) session_id: SessionId,
    pub(crate) ledger: Ledger,
    pub(crate) window: Window,
    pub(crate) links: Links<W>,
    pub(crate) buffers: Buffers,
    pub(crate) packing: Packing,
    pub(crate) padding: Padding,
}

/// A packet that is written but not yet encrypted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft {
    /// Where it starts in the buffer.
    pub(crate) start: usize,
    /// The label of the packet.
    pub(crate) label: Label,
    /// A quick acknowledgment is wanted.
    pub(crate) quick_ack: bool,
}

impl<W: Default> SessionCore<W> {
    /// Writes the headers of a packet; a container gets an id of `kind`.
    pub(crate) fn finish(
        &mut self,
        packer: Packer<'_>,
        time: UnixTime,
        salt: Salt,
        kind: MsgIdKind,
    ) -> (Label, usize) {
        self.ledger.finish(packer, (salt, self.session_id), time, kind)
    }

    /// Pads and encrypts a draft.
    pub(crate) fn seal(
        &self,
        key: &AuthKey,
        link: LinkId,
        draft: Draft,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> Result<QuickAckToken, SealError> {
        let version = self.version(link);
        version.seal(key, self.side, (out, draft.start), self.padding, entropy)
    }

    /// Returns how packets of a link are encrypted.
    pub(crate) fn version(&self, link: LinkId) -> Version {
        self.links.get(link).map(|link| link.version).unwrap_or_default()
    }

    /// Appends an unpacked object to `out`, within the packet's budget.
    pub(crate) fn unpack(
        &mut self,
        packed: &GzipPacked<'_>,
        budget: &mut UnpackBudget,
        out: &mut Vec<u8>,
    ) -> Result<(), GunzipError> {
        self.packing.unpack(packed, budget, out)
    }

    /// Appends `gzip_packed` of a body if that is shorter; returns `true` if it did.
    pub(crate) fn pack(&mut self, body: &[u8], out: &mut Vec<u8>) -> bool {
        self.packing.pack(&mut self.buffers, body, out)
    }

    /// Frees what can be made again, for sessions that are many and idle.
    pub(crate) fn trim(&mut self) {
        self.packing.trim();
        self.buffers.trim();
        self.window.trim();
        self.ledger.acks.trim();
        self.links.trim();
    }
}
