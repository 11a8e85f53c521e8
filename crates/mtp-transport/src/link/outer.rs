//! The closed set of layers.

use crate::layer::Layer;

/// What stands between the socket and the obfuscation or the frames.
pub(crate) enum Outer {
    /// Nothing: outer bytes are inner bytes.
    Bare,
}

impl Outer {
    /// Returns the layer, if there is one.
    pub(crate) fn layer(&self) -> Option<&dyn Layer> {
        match self {
            Self::Bare => None,
        }
    }

    /// Returns the layer, if there is one.
    pub(crate) fn layer_mut(&mut self) -> Option<&mut dyn Layer> {
        match self {
            Self::Bare => None,
        }
    }
}
