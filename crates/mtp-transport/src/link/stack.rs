//! What a client speaks.

use crate::framing::{Framing, Tag};
use crate::obfuscation::DcId;
use crate::secret::SecretKey;

/// A stack for a client to speak.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Stack {
    /// A framing and nothing else.
    Plain(Framing),
    /// A framing inside obfuscation: to a data centre without a secret, to a proxy with one.
    Obfuscated {
        /// The framing.
        tag: Tag,
        /// The data centre; a proxy chooses its upstream by it.
        dc: DcId,
        /// The proxy's secret or that of the data centre's option.
        secret: Option<SecretKey>,
    },
}
