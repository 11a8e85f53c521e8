//! Lists of message ids.

use alloc::borrow::Cow;
use core::fmt;

use mtp_crypto::MsgId;
use mtp_tl::VECTOR;
use mtp_tl::{DecodeError, DecodeErrorKind, Decoder, Encode, Output};

use super::field::Field;

/// A boxed `Vector<long>` of message ids, borrowed from its message.
// spec: session 8
#[derive(Clone, PartialEq, Eq)]
pub struct MsgIds<'a>(Cow<'a, [[u8; 8]]>);

impl MsgIds<'_> {
    /// Collects ids into a list.
    #[must_use]
    pub fn new(ids: impl IntoIterator<Item = MsgId>) -> Self {
        Self(ids.into_iter().map(MsgId::to_le_bytes).collect())
    }

    /// Returns the ids in order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = MsgId> + '_ {
        self.0.iter().map(|id| MsgId::from_le_bytes(*id))
    }

    /// Returns the number of ids.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns `true` if there are no ids.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Field<'a> for MsgIds<'a> {
    fn read(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.expect_id(VECTOR, "Vector")?;
        let count = d.count(8)?;
        if count > IDS_MAX {
            return Err(d.error(DecodeErrorKind::ElementsLimit { max: IDS_MAX }));
        }
        let (ids, _) = d.take(count.saturating_mul(8))?.as_chunks();
        Ok(Self(Cow::Borrowed(ids)))
    }

    fn write<O: Output + ?Sized>(&self, out: &mut O) {
        VECTOR.encode(out);
        out.put_count(self.len());
        out.put(self.0.as_flattened());
    }
}

impl fmt::Debug for MsgIds<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Maximum number of ids in one message, sent or accepted.
// spec: session 8
pub const IDS_MAX: usize = 8192;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use mtp_tl::Decode;

    use super::*;
    use crate::service::MsgsAck;
    use crate::vectors;

    fn ids(count: u64) -> Vec<MsgId> {
        (0..count).map(MsgId::from_raw).collect()
    }

    // spec: session 8
    #[test]
    fn id_lists_are_limited() {
        let limit = vectors::whole("id_list_limit");
        assert_eq!(limit.number("limit"), IDS_MAX as u64);
        for (count, fits) in [(IDS_MAX as u64, true), (IDS_MAX as u64 + 1, false)] {
            let bytes = MsgsAck { msg_ids: MsgIds::new(ids(count)) }.to_bytes();
            assert_eq!(MsgsAck::from_bytes(&bytes).is_ok(), fits, "{count}");
        }
    }

    #[test]
    fn count_larger_than_the_ids_is_rejected() {
        let mut bytes = MsgsAck { msg_ids: MsgIds::new(ids(2)) }.to_bytes();
        bytes[8..12].copy_from_slice(&3_u32.to_le_bytes());
        assert!(MsgsAck::from_bytes(&bytes).is_err());
        bytes[8..12].copy_from_slice(&[0xff; 4]);
        assert!(MsgsAck::from_bytes(&bytes).is_err());
    }
}
