//! States of a client's key exchange.

use alloc::boxed::Box;
use alloc::vec::Vec;

use mtp_crypto::AuthKey;
use mtp_crypto::exchange::{DhGroup, NewNonce, Nonce, ServerNonce, TmpAes};

use crate::established::{Established, KeyKind};
use crate::exchange::HandshakeError;

/// State of the exchange, with exactly what the next step needs.
pub(super) enum State {
    AwaitPq(AwaitPq),
    AwaitDhParams(AwaitDhParams),
    AwaitDhGen(Box<AwaitDhGen>),
    /// A [`ClientWork`](super::ClientWork) holds the next state.
    Computing,
    Done(Box<Established>),
    Failed(HandshakeError),
}

/// Identity of a run: the nonces of both sides.
#[derive(Clone, Copy)]
pub(super) struct Nonces {
    pub(super) client: Nonce,
    pub(super) server: ServerNonce,
}

impl Nonces {
    // spec: crypto 17#1
    pub(super) fn check(
        &self,
        nonce: [u8; 16],
        server_nonce: [u8; 16],
    ) -> Result<(), HandshakeError> {
        let same = nonce == *self.client.as_bytes() && server_nonce == *self.server.as_bytes();
        if same { Ok(()) } else { Err(HandshakeError::Nonce) }
    }
}

pub(super) struct AwaitPq {
    pub(super) nonce: Nonce,
}

pub(super) struct AwaitDhParams {
    pub(super) nonces: Nonces,
    pub(super) new_nonce: NewNonce,
}

pub(super) struct AwaitDhGen {
    pub(super) nonces: Nonces,
    pub(super) new_nonce: NewNonce,
    pub(super) tmp_aes: TmpAes,
    pub(super) group: DhGroup,
    pub(super) g_a: Vec<u8>,
    /// Key computed by the client, not yet confirmed by the server.
    pub(super) key: AuthKey,
    pub(super) retries: u8,
    pub(super) time_offset_ns: i64,
    pub(super) kind: KeyKind,
}
