//! Versions of message encryption.
//!
//! Version 1 differs in padding and key derivation; ids, containers and service messages are the same. Clients use
//! version 2 by default, and servers accept only version 2 unless configured otherwise. A link uses one version: that of
//! its first encrypted packet.

use alloc::vec::Vec;

use mtp_crypto::{
    AuthKey, OpenError, Opened, Padding, QuickAckToken, SealError, Side, open, pad, seal, v1,
};
use mtp_env::Entropy;

/// Version of message encryption.
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

/// Versions that a server accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no older version")]
pub enum Versions {
    /// MTProto 2.0 only.
    #[default]
    Current,
    /// MTProto 2.0 and 1.0, for clients from before 2018.
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

    /// Pads and encrypts the bytes from `start` on. Version 1 has its own padding and ignores `padding`.
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
