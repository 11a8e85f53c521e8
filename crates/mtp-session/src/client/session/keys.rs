//! The key of a client session and how far it is usable.
//!
//! ```text
//!              set            first valid packet
//!  [Absent] ────────▶ [Fresh] ─────────────────▶ [Open]
//!     ▲  │              ▲                         │ ▲ │
//!     │  │ temporary    └── session replaced ─────┘ │ │ binding lost
//!     │  └────────────────────────────▶ [Unbound] ──┘ │
//!     │                                     ▲  bound  │
//!     └── dropped: from any                 └─────────┘
//! ```

use alloc::sync::Arc;

use mtp_crypto::{AuthKey, AuthKeyId};

use crate::established::Established;

/// The key of a client session.
// spec: session 12
#[derive(Clone, Debug)]
pub(crate) enum Keys {
    /// No key: calls are queued, nothing is written.
    Absent {
        /// The key that the session belongs to.
        last: Option<AuthKeyId>,
    },
    /// A temporary key that is not bound: only calls that may precede the binding are written.
    Unbound {
        /// The key.
        key: Arc<AuthKey>,
    },
    /// A key under which no packet of this session has been received.
    Fresh {
        /// The key.
        key: Arc<AuthKey>,
        /// The key needs to be bound.
        temporary: bool,
    },
    /// A key under which packets were received.
    Open {
        /// The key.
        key: Arc<AuthKey>,
        /// The key needs to be bound.
        temporary: bool,
    },
}

impl Keys {
    pub(crate) const fn absent(last: Option<AuthKeyId>) -> Self {
        Self::Absent { last }
    }

    /// Returns the key, if there is one.
    pub(crate) const fn key(&self) -> Option<&Arc<AuthKey>> {
        match self {
            Self::Absent { .. } => None,
            Self::Unbound { key } | Self::Fresh { key, .. } | Self::Open { key, .. } => Some(key),
        }
    }

    /// Returns the id of the key that the session belongs to, even after the key was dropped.
    pub(crate) fn id(&self) -> Option<AuthKeyId> {
        match self {
            Self::Absent { last } => *last,
            Self::Unbound { key } | Self::Fresh { key, .. } | Self::Open { key, .. } => {
                Some(key.id())
            }
        }
    }

    pub(crate) const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent { .. })
    }

    pub(crate) const fn is_unbound(&self) -> bool {
        matches!(self, Self::Unbound { .. })
    }

    pub(crate) const fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    /// Takes a key; a temporary one must be bound first.
    pub(crate) fn set(&mut self, established: &Established) {
        let key = Arc::clone(&established.key);
        *self = if established.kind.is_temporary() {
            Self::Unbound { key }
        } else {
            Self::Fresh { key, temporary: false }
        };
    }

    /// Drops the key and remembers its id.
    pub(crate) fn drop_key(&mut self) {
        *self = Self::Absent { last: self.id() };
    }

    /// Makes an unbound key usable; returns `true` if there was one.
    pub(crate) fn bound(&mut self) -> bool {
        let Self::Unbound { key } = self else { return false };
        *self = Self::Open { key: Arc::clone(key), temporary: true };
        true
    }

    /// Demands a new binding; returns `false` if the key needs none.
    pub(crate) fn binding_lost(&mut self) -> bool {
        match self {
            Self::Fresh { key, temporary: true } | Self::Open { key, temporary: true } => {
                *self = Self::Unbound { key: Arc::clone(key) };
                true
            }
            Self::Unbound { .. } => true,
            _ => false,
        }
    }

    /// Records that a packet of this session was received.
    pub(crate) fn confirm(&mut self) {
        if let Self::Fresh { key, temporary } = self {
            *self = Self::Open { key: Arc::clone(key), temporary: *temporary };
        }
    }

    /// Records that the session was replaced by one of the same key.
    pub(crate) fn restart(&mut self) {
        if let Self::Open { key, temporary } = self {
            *self = Self::Fresh { key: Arc::clone(key), temporary: *temporary };
        }
    }
}

#[cfg(test)]
mod tests {
    use mtp_crypto::Salt;
    use mtp_env::UnixTime;

    use super::*;
    use crate::established::KeyKind;

    fn established(kind: KeyKind) -> Established {
        let key = Arc::new(AuthKey::new([7; 256]).unwrap());
        Established { key, salt: Salt::from_raw(1), time_offset_ns: 0, kind }
    }

    #[test]
    fn permanent_key_is_fresh_until_a_packet_confirms_it() {
        let mut keys = Keys::absent(None);
        keys.set(&established(KeyKind::Permanent));
        assert!(!keys.is_open() && !keys.is_unbound());
        assert!(!keys.bound() && !keys.binding_lost());
        keys.confirm();
        assert!(keys.is_open());
        keys.restart();
        assert!(!keys.is_open());
    }

    #[test]
    fn temporary_key_is_unbound_until_it_is_bound_and_again_when_the_binding_is_lost() {
        let mut keys = Keys::absent(None);
        let kind = KeyKind::Temporary { expires_at: UnixTime::from_secs(1), media: false };
        keys.set(&established(kind));
        keys.confirm();
        assert!(keys.is_unbound());
        assert!(keys.bound() && keys.is_open());
        assert!(keys.binding_lost() && keys.is_unbound());
    }

    #[test]
    fn dropped_key_leaves_its_id() {
        let mut keys = Keys::absent(None);
        let established = established(KeyKind::Permanent);
        keys.set(&established);
        keys.drop_key();
        assert!(keys.is_absent() && keys.key().is_none());
        assert_eq!(keys.id(), Some(established.key.id()));
        keys.drop_key();
        assert_eq!(keys.id(), Some(established.key.id()));
    }
}
