//! Binding of a temporary key: the call `auth.bindTempAuthKey`, from its inputs to its answer.
//!
//! The call proves its own message id, so it is built anew at every write and never repeated under its old id.
// spec: session 15

use alloc::boxed::Box;
use alloc::vec::Vec;

use mtp_crypto::MsgId;
use mtp_crypto::bind::{Binding, seal_bind};
use mtp_env::{Entropy, Now};
use mtp_tl::BOOL_TRUE;
use mtp_tl::{ConstructorId, Decoder, Encode};

use super::ClientSession;
use super::calls::{Body, Call, Flight};
use super::event::ClientSessionEvent;
use super::request::{BindInputs, RequestError, RequestId, RequestOptions};
use crate::service::BindTempAuthKey;
use crate::service::wrappers::{HELP_GET_CONFIG, HELP_GET_NEAREST_DC};

impl ClientSession {
    /// Queues the call that binds the temporary key; a positive answer releases the other calls.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn bind(&mut self, now: Now, inputs: BindInputs) -> Result<RequestId, RequestError> {
        let options = RequestOptions::new().bare();
        self.insert(now, Body::Bind(Box::new(inputs)), options, true)
    }

    /// Releases all calls: the temporary key is bound elsewhere, or needs no binding.
    pub fn set_bound(&mut self) {
        if self.keys.bound() {
            self.calls.blocked = false;
        }
        // The server keeps what a client says of itself with the binding.
        self.need_init();
    }

    /// Handles the answer to a call, if it is the one that binds.
    pub(super) fn binding_answered(&mut self, key: u64, answer: ConstructorId) {
        if answer == BOOL_TRUE && self.is_bind(key) {
            self.set_bound();
        }
    }

    /// Handles the server's demand to bind the key again; returns `false` if the key needs no binding.
    pub(super) fn binding_lost(&mut self, key: u64) -> bool {
        let lost = self.keys.binding_lost();
        if lost {
            self.put_back(key, |_| {});
            self.event(ClientSessionEvent::BindingLost);
        }
        lost
    }

    /// Sends the call that binds again at once if it was lost.
    pub(super) fn rebuild_bindings(&mut self, lost: impl Fn(&Flight) -> bool) {
        let keys: Vec<u64> = self
            .calls
            .flights()
            .filter(|(_, call, flight)| is_bind(call) && lost(flight))
            .map(|(key, ..)| key)
            .collect();
        for key in keys {
            self.calls.requeue(key);
        }
    }

    /// Returns `true` if the call is the one that binds a temporary key.
    pub(super) fn is_bind(&self, key: u64) -> bool {
        self.calls.get(key).is_some_and(is_bind)
    }

    /// Writes the call that binds the key in use.
    pub(super) fn write_binding(
        &self,
        inputs: &BindInputs,
        msg_id: MsgId,
        out: &mut Vec<u8>,
        entropy: &mut dyn Entropy,
    ) {
        let Some(key) = self.keys.key() else { return };
        let mut nonce = [0; 8];
        entropy.fill(&mut nonce);
        let binding = Binding {
            nonce: u64::from_le_bytes(nonce),
            temp_auth_key_id: key.id(),
            perm_auth_key_id: inputs.perm_key.id(),
            temp_session_id: self.core.session_id,
            expires_at: inputs.expires_at,
        };
        let proof = seal_bind(&inputs.perm_key, msg_id, &binding, entropy);
        BindTempAuthKey {
            perm_auth_key_id: binding.perm_auth_key_id,
            nonce: binding.nonce,
            expires_at: binding.expires_at,
            encrypted_message: &proof,
        }
        .encode(out);
    }
}

fn is_bind(call: &Call) -> bool {
    matches!(call.body, Body::Bind(_))
}

/// Returns `true` if a call may be written before the temporary key is bound.
// spec: session 12
pub(super) fn may_precede_binding(body: &[u8]) -> bool {
    let id: Option<ConstructorId> = Decoder::new(body).peek_id();
    matches!(id, Some(HELP_GET_CONFIG | HELP_GET_NEAREST_DC))
}
