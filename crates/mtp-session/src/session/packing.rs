//! Packing of bodies, and the budget that bounds unpacking.

use alloc::boxed::Box;
use alloc::vec::Vec;

use mtp_tl::{Constructor, Encode};

use super::buffers::Buffers;
use crate::gzip::{Deflater, GunzipError, Inflater};
use crate::service::GzipPacked;

/// Packs and unpacks bodies; the state of both is made on first use and kept.
pub(crate) struct Packing {
    /// Bodies of at least this length are packed if that makes them shorter.
    from_bytes: usize,
    /// Bytes that one object may unpack to.
    unpacked_bytes_max: usize,
    inflater: Option<Box<Inflater>>,
    deflater: Option<Box<Deflater>>,
}

/// Bytes that the objects of one packet may still unpack to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnpackBudget {
    each: usize,
    left: usize,
}

impl Packing {
    pub(crate) const fn new(from_bytes: usize, unpacked_bytes_max: usize) -> Self {
        Self { from_bytes, unpacked_bytes_max, inflater: None, deflater: None }
    }

    /// Returns the budget of one packet.
    pub(crate) const fn budget(&self) -> UnpackBudget {
        let each = self.unpacked_bytes_max;
        UnpackBudget { each, left: each.saturating_mul(2) }
    }

    /// Appends an unpacked object to `out`, within the packet's budget.
    // spec: session 8.13
    pub(crate) fn unpack(
        &mut self,
        packed: &GzipPacked<'_>,
        budget: &mut UnpackBudget,
        out: &mut Vec<u8>,
    ) -> Result<(), GunzipError> {
        let inflater = self.inflater.get_or_insert_with(|| Box::new(Inflater::new()));
        let start = out.len();
        inflater.unpack(packed.packed_data, budget.each.min(budget.left), out)?;
        let content = out.get(start..).unwrap_or_default();
        budget.left = budget.left.saturating_sub(content.len());
        // One level only: nothing legitimate packs twice.
        if content.starts_with(&GzipPacked::ID.get().to_le_bytes()) {
            out.truncate(start);
            return Err(GunzipError::Malformed);
        }
        Ok(())
    }

    /// Appends `gzip_packed` of a body if that is shorter; returns `true` if it did.
    // spec: session 8.13
    pub(crate) fn pack(&mut self, buffers: &mut Buffers, body: &[u8], out: &mut Vec<u8>) -> bool {
        if body.len() < self.from_bytes {
            return false;
        }
        let deflater = self.deflater.get_or_insert_with(|| Box::new(Deflater::new()));
        let mut member = buffers.take();
        let packs = deflater.pack(body, &mut member);
        if packs {
            GzipPacked { packed_data: &member }.encode(out);
        }
        buffers.put(member);
        packs
    }

    /// Frees the state, to be made again when needed.
    pub(crate) fn trim(&mut self) {
        self.inflater = None;
        self.deflater = None;
    }
}
