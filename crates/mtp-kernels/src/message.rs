//! Arguments and results of the kernels.

use core::fmt;

/// A cipher block.
pub type Block = [u8; 16];

/// A SHA-256 hash.
pub type Digest = [u8; 32];
/// The parts of an auth key that hash and encrypt the messages of one side.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "the protocol's key derivation takes these three")]
pub struct Secret<'k> {
    /// Hashed after the message key.
    pub first: &'k [u8; 36],
    /// Hashed before the message key.
    pub second: &'k [u8; 36],
    /// Hashed before the plaintext.
    pub prefix: &'k [u8; 32],
}

/// Prints the type's name only.
impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// One message of a batch.
#[non_exhaustive]
pub struct MessageJob<'m> {
    /// The secret of the sending side.
    pub secret: Secret<'m>,
    /// The message key: input when opening, output when sealing.
    pub msg_key: Block,
    /// The padded plaintext or the ciphertext, transformed in place.
    pub blocks: &'m mut [Block],
    /// The hash over prefix and plaintext, an output.
    pub digest: Digest,
}

impl<'m> MessageJob<'m> {
    /// Creates a job. Its digest, and its message key when sealing, are outputs.
    #[must_use]
    pub const fn new(secret: Secret<'m>, msg_key: Block, blocks: &'m mut [Block]) -> Self {
        Self { secret, msg_key, blocks, digest: [0; 32] }
    }
}

/// An empty job, to fill an array with.
impl Default for MessageJob<'_> {
    fn default() -> Self {
        let secret = Secret { first: &[0; 36], second: &[0; 36], prefix: &[0; 32] };
        Self::new(secret, [0; 16], &mut [])
    }
}

/// Prints the number of blocks, never the message.
impl fmt::Debug for MessageJob<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageJob").field("blocks", &self.blocks.len()).finish_non_exhaustive()
    }
}

/// Returns the message key: the middle 16 bytes of the hash over prefix and plaintext.
// spec: crypto 4.2
#[must_use]
pub fn msg_key(digest: &Digest) -> Block {
    let [_, _, _, _, _, _, _, _, key @ .., _, _, _, _, _, _, _, _] = *digest;
    key
}
