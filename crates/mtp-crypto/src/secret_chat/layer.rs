//! Checks of a message's wrapper: the peer's layer, the MTProto version, the random bytes.

use core::fmt;

use super::{ChatVersion, ChatVersions};

/// The layer that the peer supports. It never decreases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerLayer {
    /// The layer that the peer is known to support.
    known: i32,
    /// The highest layer that a message declared.
    declared: i32,
    v2_seen: bool,
}

impl PeerLayer {
    /// The layer to assume for the peer of a new chat.
    // spec: crypto 14.4
    pub const ASSUMED: i32 = 73;

    /// The lowest layer that a peer may declare.
    pub const MIN: i32 = 46;

    /// Starts a chat, or resumes a stored one, with the layer that the peer is known to support.
    #[must_use]
    pub const fn new(known: i32) -> Self {
        Self { known, declared: Self::MIN, v2_seen: false }
    }

    /// Returns the peer's layer. Messages use the lower of this and our own layer.
    #[must_use]
    pub const fn layer(self) -> i32 {
        self.known
    }

    /// Returns the MTProto version to encrypt with.
    // spec: crypto 14.3
    #[must_use]
    pub const fn sending(self) -> ChatVersion {
        if self.known >= V2_SINCE { ChatVersion::Two } else { ChatVersion::One }
    }

    /// Returns the MTProto versions to decrypt with. The first message in 2.0 ends the use of 1.0.
    // spec: crypto 14.3
    #[must_use]
    pub const fn receiving(self) -> ChatVersions {
        if self.known >= V2_SINCE || self.v2_seen {
            ChatVersions::Two
        } else {
            ChatVersions::TwoThenOne
        }
    }

    /// Records a decrypted message and the layer it declares.
    ///
    /// # Errors
    /// [`LayerError`] if the message must be rejected; nothing is recorded then.
    // spec: crypto 14.3
    // spec: crypto 14.4
    pub fn received(&mut self, version: ChatVersion, layer: i32) -> Result<(), LayerError> {
        if layer < self.declared {
            return Err(LayerError::NotMonotonic { layer, declared: self.declared });
        }
        if version == ChatVersion::One
            && (layer >= V2_SINCE || self.receiving() == ChatVersions::Two)
        {
            return Err(LayerError::Downgrade { layer });
        }
        self.declared = layer;
        self.known = self.known.max(layer);
        self.v2_seen |= version == ChatVersion::Two;
        Ok(())
    }
}

/// A message's layer contradicts the known layer of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayerError {
    /// The layer is below an earlier one, or below [`PeerLayer::MIN`].
    NotMonotonic {
        /// The layer of the message.
        layer: i32,
        /// The least layer that is accepted.
        declared: i32,
    },
    /// The message uses MTProto 1.0 although the peer supports 2.0.
    Downgrade {
        /// The layer of the message.
        layer: i32,
    },
}

impl fmt::Display for LayerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMonotonic { layer, declared } => {
                write!(f, "layer {layer} after layer {declared}")
            }
            Self::Downgrade { layer } => {
                write!(f, "an MTProto 1.0 message of layer {layer} from a peer that supports 2.0")
            }
        }
    }
}

impl core::error::Error for LayerError {}

/// The least length of `random_bytes` in the wrapper of a message.
pub const RANDOM_BYTES_MIN: usize = 15;

/// Checks the length of `random_bytes` in the wrapper of a decrypted message.
///
/// # Errors
/// [`FewRandomBytes`] below [`RANDOM_BYTES_MIN`]; the message must be dropped.
// spec: crypto 14.4, 17#35
pub const fn check_random_bytes(random_bytes: &[u8]) -> Result<(), FewRandomBytes> {
    let len = random_bytes.len();
    if len < RANDOM_BYTES_MIN { Err(FewRandomBytes { len }) } else { Ok(()) }
}

/// Too few random bytes in the wrapper of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FewRandomBytes {
    /// The number of random bytes.
    pub len: usize,
}

impl fmt::Display for FewRandomBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} random bytes, at least {RANDOM_BYTES_MIN} are required", self.len)
    }
}

impl core::error::Error for FewRandomBytes {}

/// The first layer with MTProto 2.0.
const V2_SINCE: i32 = 73;
