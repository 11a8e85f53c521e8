//! The two versions of the envelope, and which of them a packet is in.

use alloc::vec::Vec;

use mtp_crypto::{
    AuthKey, OpenError, Opened, Padding, QuickAckToken, SealError, Side, open, pad, seal, v1,
};
use mtp_env::Entropy;

/// A version of the envelope. Everything else is the same in both.
// spec: session 16
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two")]
pub enum Version {
    /// MTProto 2.0.
    #[default]
    V2,
    /// MTProto 1.0, which old clients still speak. Its message keys do not cover the padding.
    V1,
}

impl Version {
    /// Finds out in which version a packet is, at the cost of a copy; `None` if in neither.
    pub(crate) fn of(key: &AuthKey, sender: Side, packet: &[u8]) -> Option<Self> {
        let opens = |version: Self| version.open(key, sender, &mut packet.to_vec()).is_ok();
        [Self::V2, Self::V1].into_iter().find(|version| opens(*version))
    }

    /// Decrypts a packet in place.
    pub(crate) fn open<'p>(
        self,
        key: &AuthKey,
        sender: Side,
        packet: &'p mut [u8],
    ) -> Result<Opened<'p>, OpenError> {
        match self {
            Self::V2 => open(key, sender, packet),
            Self::V1 => v1::open(key, sender, packet),
        }
    }

    /// Pads and encrypts what stands in `out` from `start` on.
    pub(crate) fn seal(
        self,
        key: &AuthKey,
        sender: Side,
        (out, start): (&mut Vec<u8>, usize),
        padding: Padding,
        entropy: &mut dyn Entropy,
    ) -> Result<QuickAckToken, SealError> {
        match self {
            Self::V2 => {
                pad(out, start, padding, entropy)?;
                seal(key, sender, out.get_mut(start..).unwrap_or_default())
            }
            Self::V1 => {
                v1::pad(out, start, entropy)?;
                v1::seal(key, sender, out.get_mut(start..).unwrap_or_default())
            }
        }
    }
}
