//! What a message's wrapper says: which layer the peer understands, when MTProto 1.0 ends, and
//! whether there is enough randomness.

use core::fmt;

use super::{Version, Versions};

/// What is known of the peer's layer: it only rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerLayer {
    /// What the peer surely understands.
    known: i32,
    /// The highest layer a message declared.
    declared: i32,
    v2_seen: bool,
}

impl PeerLayer {
    /// The layer to assume of the peer in a new chat.
    // spec: crypto 14.4
    pub const ASSUMED: i32 = 73;

    /// The lowest layer that a peer may declare.
    pub const MIN: i32 = 46;

    /// Starts a chat, or goes on with a stored one, with the layer the peer is known to understand.
    #[must_use]
    pub const fn new(known: i32) -> Self {
        Self { known, declared: Self::MIN, v2_seen: false }
    }

    /// Returns the peer's layer: use the constructors of this one or of one's own if that is lower.
    #[must_use]
    pub const fn layer(self) -> i32 {
        self.known
    }

    /// Returns the version to encrypt with.
    // spec: crypto 14.3
    #[must_use]
    pub const fn sending(self) -> Version {
        if self.known >= V2_SINCE { Version::Two } else { Version::One }
    }

    /// Returns the versions to decrypt with: 1.0 is over after the first message that shows 2.0.
    // spec: crypto 14.3
    #[must_use]
    pub const fn receiving(self) -> Versions {
        if self.known >= V2_SINCE || self.v2_seen { Versions::Two } else { Versions::TwoThenOne }
    }

    /// Takes note of a decrypted message and the layer it declares.
    ///
    /// # Errors
    /// [`LayerError`]: the message is not acceptable, and nothing was noted.
    // spec: crypto 14.3
    // spec: crypto 14.4
    pub fn received(&mut self, version: Version, layer: i32) -> Result<(), LayerError> {
        if layer < self.declared {
            return Err(LayerError::NotMonotonic { layer, declared: self.declared });
        }
        if version == Version::One && (layer >= V2_SINCE || self.receiving() == Versions::Two) {
            return Err(LayerError::Downgrade { layer });
        }
        self.declared = layer;
        self.known = self.known.max(layer);
        self.v2_seen |= version == Version::Two;
        Ok(())
    }
}

/// A message's layer contradicts what is known of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayerError {
    /// The layer is below one declared before, or below [`PeerLayer::MIN`].
    NotMonotonic {
        /// The message's layer.
        layer: i32,
        /// The layer it must at least have.
        declared: i32,
    },
    /// The message is MTProto 1.0 from a peer that knows 2.0.
    Downgrade {
        /// The message's layer.
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
                write!(f, "an MTProto 1.0 message of layer {layer} from a peer that knows 2.0")
            }
        }
    }
}

impl core::error::Error for LayerError {}

/// The least length of `random_bytes` in a message's wrapper; whoever sends draws as many or more.
pub const RANDOM_BYTES_MIN: usize = 15;

/// Checks the length of `random_bytes` in the wrapper of a decrypted message.
///
/// # Errors
/// [`FewRandomBytes`] below [`RANDOM_BYTES_MIN`]: drop the message.
// spec: crypto 14.4, 17#35
pub const fn check_random_bytes(random_bytes: &[u8]) -> Result<(), FewRandomBytes> {
    let len = random_bytes.len();
    if len < RANDOM_BYTES_MIN { Err(FewRandomBytes { len }) } else { Ok(()) }
}

/// The wrapper of a message has too few random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FewRandomBytes {
    /// The number found.
    pub len: usize,
}

impl fmt::Display for FewRandomBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} random bytes, at least {RANDOM_BYTES_MIN} are asked for", self.len)
    }
}

impl core::error::Error for FewRandomBytes {}

/// The layer that brought MTProto 2.0.
const V2_SINCE: i32 = 73;
