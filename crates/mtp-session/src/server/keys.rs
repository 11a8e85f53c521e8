//! Authorization keys of a server and the bindings between temporary and permanent ones.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use mtp_crypto::bind::{Binding, open_bind};
use mtp_crypto::{AuthKey, AuthKeyId, MsgId, SessionId};
use mtp_env::{Instant, UnixTime};

use super::session::KeySalts;
use crate::established::{Established, KeyKind};
use crate::service::{BindTempAuthKey, RpcError};

/// Keys in memory.
#[derive(Debug, Default)]
pub(super) struct Keys {
    by_id: BTreeMap<AuthKeyId, Key>,
}

/// A key and its state.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) secret: Arc<AuthKey>,
    pub(super) salts: KeySalts,
    pub(super) role: Role,
    /// It comes from a store: an earlier run of the server may have used it.
    pub(super) is_stored: bool,
    /// Number of sessions of this key.
    pub(super) sessions: usize,
    /// The key carried a session, or a temporary key was bound to it.
    pub(super) used: bool,
    /// Deadline of its timer.
    pub(super) timer: Option<Instant>,
}

/// Role of a key. The two kinds are never interchangeable.
// spec: crypto 11.1, 18.12
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Permanent {
        /// Temporary key bound to it for ordinary traffic.
        ordinary: Option<AuthKeyId>,
        /// Temporary key bound to it for media.
        media: Option<AuthKeyId>,
    },
    Temporary {
        expires_at: UnixTime,
        media: bool,
        /// Permanent key that it is bound to.
        bound_to: Option<AuthKeyId>,
    },
}

impl Role {
    const fn new(kind: KeyKind, bound_to: Option<AuthKeyId>) -> Self {
        match kind {
            KeyKind::Permanent => Self::Permanent { ordinary: None, media: None },
            KeyKind::Temporary { expires_at, media } => {
                Self::Temporary { expires_at, media, bound_to }
            }
        }
    }

    /// Returns the expiry of the key, if it has one.
    pub(super) const fn expires_at(self) -> Option<UnixTime> {
        match self {
            Self::Permanent { .. } => None,
            Self::Temporary { expires_at, .. } => Some(expires_at),
        }
    }

    /// Returns `true` if the key has expired.
    pub(super) fn is_over(self, now: UnixTime) -> bool {
        self.expires_at().is_some_and(|expires_at| expires_at <= now)
    }

    /// Returns `true` if calls under this key need a binding first.
    // spec: crypto 17#27
    pub(super) const fn is_unbound(self) -> bool {
        matches!(self, Self::Temporary { bound_to: None, .. })
    }
}

/// Origin of a binding call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carrier {
    /// Key that encrypted it.
    pub(super) key: AuthKeyId,
    /// Its session.
    pub(super) session_id: SessionId,
    /// Its message id; never a container's.
    pub(super) msg_id: MsgId,
}

/// Reasons to refuse a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BindRefusal {
    /// The key of the call is not temporary or has expired.
    NotTemporary,
    /// The key is bound to another permanent key.
    AlreadyBound,
    /// The requested expiry has passed or is later than granted.
    ExpiresAt,
    /// Any other violation.
    Invalid,
}

impl BindRefusal {
    pub(super) const fn as_error(self) -> RpcError<'static> {
        let name = match self {
            Self::NotTemporary => "TEMP_AUTH_KEY_EMPTY",
            Self::AlreadyBound => "TEMP_AUTH_KEY_ALREADY_BOUND",
            Self::ExpiresAt => "EXPIRES_AT_INVALID",
            Self::Invalid => "ENCRYPTED_MESSAGE_INVALID",
        };
        RpcError::new(400, name)
    }
}

impl Keys {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn get(&self, id: AuthKeyId) -> Option<&Key> {
        self.by_id.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: AuthKeyId) -> Option<&mut Key> {
        self.by_id.get_mut(&id)
    }

    /// Adds a key. `created_at` is the end of its exchange, from which its first salt is valid.
    ///
    /// Returns `true` if its id was free.
    // spec: crypto 8.10, 17#16
    pub(super) fn insert(&mut self, new: &Established, created_at: Option<UnixTime>) -> bool {
        let id = new.key.id();
        if self.by_id.contains_key(&id) {
            return false;
        }
        let key = Key {
            secret: Arc::clone(&new.key),
            salts: KeySalts::new(id, created_at.map(|at| (at, new.salt))),
            role: Role::new(new.kind, None),
            is_stored: created_at.is_none(),
            sessions: 0,
            used: false,
            timer: None,
        };
        self.by_id.insert(id, key);
        true
    }

    /// Restores a binding from a store.
    pub(super) fn restore_binding(&mut self, temporary: AuthKeyId, permanent: AuthKeyId) {
        let _ = self.link(temporary, permanent);
    }

    /// Removes a key and its bindings.
    pub(super) fn remove(&mut self, id: AuthKeyId) -> Option<Key> {
        let removed = self.by_id.remove(&id)?;
        match removed.role {
            Role::Permanent { ordinary, media } => {
                for temporary in [ordinary, media].into_iter().flatten() {
                    self.unbind(temporary);
                }
            }
            Role::Temporary { bound_to, media: is_media, .. } => {
                let permanent = bound_to.and_then(|permanent| self.by_id.get_mut(&permanent));
                if let Some(Key { role: Role::Permanent { ordinary, media }, .. }) = permanent {
                    let slot = if is_media { media } else { ordinary };
                    *slot = slot.filter(|temporary| *temporary != id);
                }
            }
        }
        Some(removed)
    }

    /// Returns the permanent key behind a key: itself or the one it is bound to.
    pub(super) fn identity(&self, id: AuthKeyId) -> Option<AuthKeyId> {
        match self.by_id.get(&id)?.role {
            Role::Permanent { .. } => Some(id),
            Role::Temporary { bound_to, .. } => bound_to,
        }
    }

    /// Binds the key that carried the request. Returns the temporary key that it replaces.
    ///
    /// Binding the same pair again changes nothing.
    // spec: crypto 11.2
    // spec: session 15
    pub(super) fn bind(
        &mut self,
        now: UnixTime,
        carrier: Carrier,
        request: &BindTempAuthKey<'_>,
    ) -> Result<Option<AuthKeyId>, BindRefusal> {
        let temporary = self.by_id.get(&carrier.key).ok_or(BindRefusal::NotTemporary)?;
        let Role::Temporary { expires_at: granted, bound_to, .. } = temporary.role else {
            return Err(BindRefusal::NotTemporary);
        };
        if granted <= now {
            return Err(BindRefusal::NotTemporary);
        }
        if bound_to.is_some_and(|permanent| permanent != request.perm_auth_key_id) {
            return Err(BindRefusal::AlreadyBound);
        }
        let permanent = self.by_id.get(&request.perm_auth_key_id);
        let permanent = permanent
            .filter(|key| matches!(key.role, Role::Permanent { .. }))
            .ok_or(BindRefusal::Invalid)?;
        let binding = Binding {
            nonce: request.nonce,
            temp_auth_key_id: carrier.key,
            perm_auth_key_id: request.perm_auth_key_id,
            temp_session_id: carrier.session_id,
            expires_at: request.expires_at,
        };
        open_bind(&permanent.secret, carrier.msg_id, &binding, request.encrypted_message)
            .map_err(|_| BindRefusal::Invalid)?;
        let wanted = u64::from(request.expires_at.cast_unsigned());
        if wanted <= now.as_secs() || wanted > granted.as_secs().saturating_add(EXPIRY_SLACK_S) {
            return Err(BindRefusal::ExpiresAt);
        }
        Ok(self.link(carrier.key, request.perm_auth_key_id))
    }

    /// Stores a binding on both keys. Returns the temporary key that it replaces.
    fn link(&mut self, temporary: AuthKeyId, permanent: AuthKeyId) -> Option<AuthKeyId> {
        let Some(Key { role: Role::Temporary { media: is_media, .. }, .. }) =
            self.by_id.get(&temporary)
        else {
            return None;
        };
        let is_media = *is_media;
        let Some(Key { role: Role::Permanent { ordinary, media }, used, .. }) =
            self.by_id.get_mut(&permanent)
        else {
            return None;
        };
        *used = true;
        let slot = if is_media { media } else { ordinary };
        let replaced = slot.replace(temporary).filter(|former| *former != temporary);
        if let Some(Key { role: Role::Temporary { bound_to, .. }, .. }) =
            self.by_id.get_mut(&temporary)
        {
            *bound_to = Some(permanent);
        }
        replaced
    }

    fn unbind(&mut self, temporary: AuthKeyId) {
        if let Some(Key { role: Role::Temporary { bound_to, .. }, .. }) =
            self.by_id.get_mut(&temporary)
        {
            *bound_to = None;
        }
    }
}

/// Tolerance in seconds for the client's expiry of a key: both sides count from its creation but round differently.
const EXPIRY_SLACK_S: u64 = 10;

#[cfg(test)]
mod tests {
    extern crate std;

    use alloc::vec::Vec;

    use mtp_crypto::CtrEntropy;
    use mtp_crypto::bind::seal_bind;

    use super::*;

    const CREATED_AT: u64 = 1_705_754_877;
    const EXPIRES_AT: i32 = 1_705_841_277;

    /// A permanent key, a temporary one of each kind, and a store with them.
    struct Bench {
        keys: Keys,
        permanent: Arc<AuthKey>,
        carrier: Carrier,
        media: AuthKeyId,
        proof: Vec<u8>,
    }

    impl Bench {
        fn new() -> Self {
            let permanent = key(1);
            let mut keys = Keys::default();
            assert!(keys.insert(&established(&permanent, KeyKind::Permanent), None));
            assert!(keys.insert(&established(&key(2), temporary(false)), None));
            assert!(keys.insert(&established(&key(3), temporary(true)), None));
            let carrier = Carrier {
                key: key(2).id(),
                session_id: SessionId::from_raw(77),
                msg_id: MsgId::from_raw(1_705_754_880 << 32),
            };
            let mut bench =
                Self { keys, permanent, carrier, media: key(3).id(), proof: Vec::new() };
            bench.prove(EXPIRES_AT);
            bench
        }

        fn prove(&mut self, expires_at: i32) {
            let binding = Binding {
                nonce: 5,
                temp_auth_key_id: self.carrier.key,
                perm_auth_key_id: self.permanent.id(),
                temp_session_id: self.carrier.session_id,
                expires_at,
            };
            let mut entropy = CtrEntropy::from_number(9);
            self.proof =
                seal_bind(&self.permanent, self.carrier.msg_id, &binding, &mut entropy).to_vec();
        }

        fn bind_until(&mut self, expires_at: i32) -> Result<Option<AuthKeyId>, BindRefusal> {
            let request = BindTempAuthKey {
                perm_auth_key_id: self.permanent.id(),
                nonce: 5,
                expires_at,
                encrypted_message: &self.proof,
            };
            self.keys.bind(UnixTime::from_secs(CREATED_AT + 3), self.carrier, &request)
        }

        fn bind(&mut self) -> Result<Option<AuthKeyId>, BindRefusal> {
            self.bind_until(EXPIRES_AT)
        }
    }

    fn key(seed: u8) -> Arc<AuthKey> {
        Arc::new(AuthKey::new([seed; 256]).unwrap())
    }

    fn established(key: &Arc<AuthKey>, kind: KeyKind) -> Established {
        let salt = mtp_crypto::Salt::from_raw(1);
        Established { key: Arc::clone(key), salt, time_offset_ns: 0, kind }
    }

    fn temporary(media: bool) -> KeyKind {
        KeyKind::Temporary { expires_at: UnixTime::from_secs(CREATED_AT + 86_400), media }
    }

    // spec: crypto 11.2
    #[test]
    fn valid_proof_binds_and_rebinding_changes_nothing() {
        let mut bench = Bench::new();
        let temporary = bench.carrier.key;
        assert!(bench.keys.get(temporary).unwrap().role.is_unbound());
        assert_eq!(bench.bind(), Ok(None));
        assert_eq!(bench.bind(), Ok(None));
        assert_eq!(bench.keys.identity(temporary), Some(bench.permanent.id()));
    }

    // spec: crypto 11.1
    #[test]
    fn one_temporary_key_of_each_kind_is_bound() {
        let mut bench = Bench::new();
        let first = bench.carrier.key;
        bench.bind().unwrap();
        bench.carrier.key = bench.media;
        bench.prove(EXPIRES_AT);
        assert_eq!(bench.bind(), Ok(None), "the media key does not replace the other one");
        let second = key(4);
        bench.keys.insert(&established(&second, temporary(false)), None);
        bench.carrier.key = second.id();
        bench.prove(EXPIRES_AT);
        assert_eq!(bench.bind(), Ok(Some(first)));
        bench.keys.remove(first);
        assert_eq!(bench.bind(), Ok(None), "a replaced key does not return");
    }

    // spec: crypto 11.2, 17#26
    #[test]
    fn invalid_binding_is_refused() {
        let refused = |change: fn(&mut Bench), refusal| {
            let mut bench = Bench::new();
            change(&mut bench);
            assert_eq!(bench.bind(), Err(refusal));
        };
        refused(|bench| bench.carrier.key = bench.permanent.id(), BindRefusal::NotTemporary);
        refused(|bench| bench.carrier.key = key(9).id(), BindRefusal::NotTemporary);
        refused(|bench| bench.carrier.key = bench.media, BindRefusal::Invalid);
        refused(|bench| bench.carrier.session_id = SessionId::from_raw(78), BindRefusal::Invalid);
        refused(|bench| bench.carrier.msg_id = MsgId::from_raw(4), BindRefusal::Invalid);
        refused(|bench| bench.proof[50] ^= 1, BindRefusal::Invalid);
        refused(|bench| bench.proof.push(0), BindRefusal::Invalid);
        refused(|bench| bench.permanent = key(8), BindRefusal::Invalid);
        refused(|bench| drop(bench.keys.remove(bench.permanent.id())), BindRefusal::Invalid);
        refused(|bench| bench.permanent = key(3), BindRefusal::Invalid);
        let bound_elsewhere = |bench: &mut Bench| {
            let other = key(6);
            bench.keys.insert(&established(&other, KeyKind::Permanent), None);
            bench.keys.restore_binding(bench.carrier.key, other.id());
        };
        refused(bound_elsewhere, BindRefusal::AlreadyBound);
    }

    // spec: crypto 11.2
    #[test]
    fn binding_beyond_the_granted_expiry_is_refused() {
        let granted = EXPIRES_AT;
        for (until, answer) in [
            (granted, Ok(None)),
            (granted + 10, Ok(None)),
            (granted + 11, Err(BindRefusal::ExpiresAt)),
            (1_705_754_880, Err(BindRefusal::ExpiresAt)),
            (1_705_754_881, Ok(None)),
        ] {
            let mut bench = Bench::new();
            bench.prove(until);
            assert_eq!(bench.bind_until(until), answer, "{until}");
        }
    }

    // spec: crypto 3
    // spec: crypto 17#16
    #[test]
    fn key_with_a_taken_id_is_not_inserted() {
        let mut bench = Bench::new();
        assert!(!bench.keys.insert(&established(&key(1), temporary(false)), None));
        assert_eq!(bench.keys.len(), 3);
    }
}
