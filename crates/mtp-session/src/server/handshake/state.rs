//! Identity and states of a run.

use alloc::sync::Arc;

use mtp_crypto::AuthKey;
use mtp_crypto::exchange::{DhSecret, NewNonce, ServerNonce, TmpAes};

use crate::established::KeyKind;

/// Id of a run, unique within its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunId(pub(super) u32);

/// Identity of a run: the nonces of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::server) struct Name {
    pub(super) nonce: [u8; 16],
    pub(super) server_nonce: [u8; 16],
}

impl Name {
    pub(super) const fn server(&self) -> ServerNonce {
        ServerNonce::new(self.server_nonce)
    }
}

/// State while the run waits for the client's half of the agreement.
pub(super) struct AwaitGb {
    pub(super) name: Name,
    pub(super) new_nonce: NewNonce,
    pub(super) tmp_aes: TmpAes,
    pub(super) secret: DhSecret,
    /// `retry_id` expected from the client; zero at the first attempt.
    pub(super) retry_id: [u8; 8],
    pub(super) retries: u8,
    pub(super) kind: KeyKind,
}

/// State while the run waits for the decision of the key store.
pub(super) struct AwaitVerdict {
    pub(super) run: AwaitGb,
    pub(super) key: Arc<AuthKey>,
    pub(super) announced: bool,
}
