//! What the record layer and its kernels hand each other.

use core::fmt;

use crate::{Block, Digest};

/// The pieces of an auth key that the messages of one side are hashed and encrypted with.
#[derive(Clone, Copy)]
pub struct Secret<'k> {
    /// Hashed behind the message key.
    pub first: &'k [u8; 36],
    /// Hashed in front of the message key.
    pub second: &'k [u8; 36],
    /// Hashed in front of the plaintext.
    pub prefix: &'k [u8; 32],
}

/// Prints the type's name only.
impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// One message of several.
pub struct Message<'m> {
    /// What both sides share.
    pub secret: Secret<'m>,
    /// What the message's keys are derived from: read when opening, written when sealing.
    pub msg_key: Block,
    /// The padded plaintext or the ciphertext, changed in place.
    pub blocks: &'m mut [Block],
    /// The hash over prefix and plaintext, written.
    pub digest: Digest,
}

impl<'m> Message<'m> {
    /// Names a message; digest and, for one to be sealed, message key come later.
    #[must_use]
    pub const fn new(secret: Secret<'m>, msg_key: Block, blocks: &'m mut [Block]) -> Self {
        Self { secret, msg_key, blocks, digest: [0; 32] }
    }
}

/// A message of no blocks under no secret, to fill an array with.
impl Default for Message<'_> {
    fn default() -> Self {
        let secret = Secret { first: &[0; 36], second: &[0; 36], prefix: &[0; 32] };
        Self::new(secret, [0; 16], &mut [])
    }
}

/// Prints the number of blocks, never the message.
impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("blocks", &self.blocks.len()).finish_non_exhaustive()
    }
}

/// Returns the message key, the middle of the hash over prefix and plaintext.
// spec: crypto 4.2
#[must_use]
pub fn msg_key(digest: &Digest) -> Block {
    let [_, _, _, _, _, _, _, _, key @ .., _, _, _, _, _, _, _, _] = *digest;
    key
}
