//! Authorization keys.

use alloc::boxed::Box;
use core::fmt;

use zeroize::Zeroize;

use crate::hash::sha1;
use crate::ids::AuthKeyId;
use crate::parts::part;

/// The 256-byte secret shared by a client and a data center.
///
/// The bytes live on the heap and are wiped on drop, so that moving the key leaves no copies. Share
/// a key by `Arc`; compare keys by [`id`](Self::id).
pub struct AuthKey {
    bytes: Box<[u8; AuthKey::LEN]>,
    id: AuthKeyId,
    aux_hash: [u8; 8],
}

impl AuthKey {
    /// The length of a key in bytes.
    pub const LEN: usize = 256;

    /// Creates a key from the shared secret of a key exchange or from storage.
    ///
    /// # Errors
    /// [`ZeroKeyId`] if the key's id is zero, which the protocol reserves. A client must then restart
    /// the exchange, and a server must treat it as a collision.
    // spec: crypto 3, 17#9
    pub fn new(mut bytes: [u8; Self::LEN]) -> Result<Self, ZeroKeyId> {
        let boxed = Box::new(bytes);
        bytes.zeroize();
        let hash = sha1(&[&boxed[..]]);
        let id = AuthKeyId::from_le_bytes(*part(&hash, 12));
        let key = Self { bytes: boxed, id, aux_hash: *part(&hash, 0) };
        if id == AuthKeyId::NONE { Err(ZeroKeyId { aux_hash: key.aux_hash }) } else { Ok(key) }
    }

    /// Returns the id at the start of every packet under this key.
    #[must_use]
    pub const fn id(&self) -> AuthKeyId {
        self.id
    }

    /// Returns the high 64 bits of the key's SHA-1, which the key exchange uses for its answer hashes
    /// and as the `retry_id`.
    #[must_use]
    pub const fn aux_hash(&self) -> [u8; 8] {
        self.aux_hash
    }

    /// Returns the secret bytes, for storage. The feature `key-file` adds a sealed form.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.bytes
    }

    /// Returns the `N` bytes at `start`. Both are constants, or a constant plus x ≤ 8.
    pub(crate) fn part<const N: usize>(&self, start: usize) -> &[u8; N] {
        part(&self.bytes[..], start)
    }
}

impl Drop for AuthKey {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// Prints the id, never the secret.
impl fmt::Debug for AuthKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthKey(id: {:016x})", self.id.as_raw())
    }
}

/// A key whose id is zero, the id of unencrypted packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ZeroKeyId {
    /// The rejected key's [`aux_hash`](AuthKey::aux_hash), for the request to retry.
    pub aux_hash: [u8; 8],
}

impl fmt::Display for ZeroKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the auth key's id is zero")
    }
}

impl core::error::Error for ZeroKeyId {}
