//! The fingerprint image of a chat, which two people compare to detect an interceptor.

use alloc::string::String;
use core::fmt;

use crate::auth_key::AuthKey;
use crate::hash::{sha1, sha256};

/// The 36 bytes of a chat's fingerprint image. They do not change when the key does: store them as
/// long as the chat exists.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash([u8; 36]);

impl KeyHash {
    /// Hashes the first key of the chat and the key in use when the chat reached layer 46. For a
    /// chat that started at that layer or above, both are the first key.
    // spec: crypto 14.2
    #[must_use]
    pub fn new(first_key: &AuthKey, key_at_layer_46: &AuthKey) -> Self {
        let (old, new) = (sha1(&[first_key.as_bytes()]), sha256(&[key_at_layer_46.as_bytes()]));
        let mut hash = [0; 36];
        for (byte, from) in hash.iter_mut().zip(old.iter().take(16).chain(&new)) {
            *byte = *from;
        }
        Self(hash)
    }

    /// Creates the hash from the stored bytes of [`as_bytes`](Self::as_bytes).
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 36]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, for storage.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 36] {
        &self.0
    }

    /// Returns the image of 12 by 12 pixels row by row, as indices into [`PALETTE`].
    ///
    /// The first 64 indices are the image of 8 by 8 pixels of chats below layer 46.
    // spec: crypto 14.2
    pub fn pixels(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.iter().flat_map(|byte| [0, 2, 4, 6].map(|shift| (byte >> shift) & 3))
    }

    /// Returns the text form: 64 hex digits.
    // spec: crypto 14.2
    #[must_use]
    pub fn to_hex(&self) -> String {
        let digits = self.0.iter().take(32).flat_map(|byte| [byte >> 4, byte & 15]);
        digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
    }
}

/// Prints the type's name only: the two people compare the image in private.
impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}

/// The colors of the image as 0xRRGGBB.
pub const PALETTE: [u32; 4] = [0xff_ff_ff, 0xd5_e6_f3, 0x2d_57_75, 0x2f_99_c9];
