//! The two versions of message encryption, where a server may meet both.
//!
//! Version 1 differs in padding and key derivation; ids, containers and service messages are the
//! same. Our clients speak version 2 only, and so do our servers unless told otherwise. A link speaks
//! one version: that of its first encrypted packet.

use alloc::vec::Vec;

use mtp_crypto::{
    AuthKey, OpenError, Opened, Padding, QuickAckToken, SealError, Side, open, pad, seal, v1,
};
use mtp_env::Entropy;

/// A version of message encryption.
// spec: session 16
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Version {
    /// MTProto 2.0.
    #[default]
    Two,
    /// MTProto 1.0, which is deprecated.
    One,
}

/// The versions that a server speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there will be no older one")]
pub enum Versions {
    /// MTProto 2.0 only.
    #[default]
    Current,
    /// MTProto 1.0 as well, for clients from before 2018.
    CurrentAndOld,
}

impl Version {
    /// Decrypts in place.
    pub(crate) fn open<'p>(
        self,
        key: &AuthKey,
        sender: Side,
        packet: &'p mut [u8],
    ) -> Result<Opened<'p>, OpenError> {
        match self {
            Self::Two => open(key, sender, packet),
            Self::One => v1::open(key, sender, packet),
        }
    }

    /// Pads and encrypts what follows `start`. Version 1 has a padding of its own.
    pub(crate) fn seal(
        self,
        key: &AuthKey,
        sender: Side,
        (out, start): (&mut Vec<u8>, usize),
        padding: Padding,
        entropy: &mut dyn Entropy,
    ) -> Result<QuickAckToken, SealError> {
        match self {
            Self::Two => {
                pad(out, start, padding, entropy)?;
                seal(key, sender, out.get_mut(start..).unwrap_or_default())
            }
            Self::One => {
                v1::pad(out, start, entropy)?;
                v1::seal(key, sender, out.get_mut(start..).unwrap_or_default())
            }
        }
    }
}
