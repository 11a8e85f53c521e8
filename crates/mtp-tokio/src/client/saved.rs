//! What a client leaves for its next run.

use core::fmt;

use zeroize::Zeroizing;

/// Keys and session of a client at its end, for [`ClientOptions::saved`](super::ClientOptions::saved).
///
/// As secret as the keys in it. It grows stale: use it once.
#[derive(Clone)]
pub struct Saved(Zeroizing<Vec<u8>>);

impl Saved {
    pub(super) const fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// Takes bytes out of a store; whether they are any good shows when they are used.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Returns the bytes, for a store that keeps secrets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Saved({} bytes)", self.0.len())
    }
}
