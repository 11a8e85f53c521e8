//! What an endpoint knows of its clients: sessions, bindings, layers and users.
//!
//! It follows the events that the application takes, so both always agree on what exists.

use alloc::collections::{BTreeMap, BTreeSet};

use mtp_crypto::{AuthKeyId, SessionId};
use mtp_session::server::SessionName;

use super::UserId;

/// Sessions, bindings, layers and users, by key.
#[derive(Debug)]
pub(super) struct Clients {
    sessions: BTreeSet<SessionName>,
    /// The sessions whose last call was wrapped in `invokeWithoutUpdates`.
    // spec: session 9
    muted: BTreeSet<SessionName>,
    /// The permanent key of each bound temporary key.
    bound_to: BTreeMap<AuthKeyId, AuthKeyId>,
    /// The same pairs, permanent key first.
    temporaries: BTreeSet<(AuthKeyId, AuthKeyId)>,
    layers: BTreeMap<AuthKeyId, i32>,
    layers_max: usize,
    users: BTreeMap<AuthKeyId, UserId>,
    /// The same pairs, user first.
    keys: BTreeSet<(UserId, AuthKeyId)>,
}

impl Clients {
    pub(super) const fn new(layers_max: usize) -> Self {
        Self {
            sessions: BTreeSet::new(),
            muted: BTreeSet::new(),
            bound_to: BTreeMap::new(),
            temporaries: BTreeSet::new(),
            layers: BTreeMap::new(),
            layers_max,
            users: BTreeMap::new(),
            keys: BTreeSet::new(),
        }
    }

    /// Returns the permanent key behind a key: the one it is bound to, or itself.
    pub(super) fn identity(&self, key: AuthKeyId) -> AuthKeyId {
        self.bound_to.get(&key).copied().unwrap_or(key)
    }

    pub(super) fn bind(&mut self, temporary: AuthKeyId, permanent: AuthKeyId) {
        self.unbind(temporary);
        self.bound_to.insert(temporary, permanent);
        self.temporaries.insert((permanent, temporary));
    }

    fn unbind(&mut self, temporary: AuthKeyId) {
        if let Some(permanent) = self.bound_to.remove(&temporary) {
            self.temporaries.remove(&(permanent, temporary));
        }
    }

    /// Forgets a key, its bindings, its layer and its user.
    pub(super) fn remove_key(&mut self, key: AuthKeyId) {
        self.unbind(key);
        while let Some((_, temporary)) = self.temporaries.range(pairs_of(key)).next().copied() {
            self.unbind(temporary);
        }
        self.layers.remove(&key);
        self.set_user(key, None);
    }

    pub(super) fn open(&mut self, session: SessionName) {
        self.sessions.insert(session);
    }

    pub(super) fn close(&mut self, session: SessionName) {
        self.sessions.remove(&session);
        self.muted.remove(&session);
    }

    /// Notes whether a session wants pushes that are not addressed to itself.
    pub(super) fn mute(&mut self, session: SessionName, without_updates: bool) {
        if without_updates {
            self.muted.insert(session);
        } else if !self.muted.is_empty() {
            self.muted.remove(&session);
        }
    }

    /// Returns the layer of an identity's client, after noting what its call said.
    // spec: session 2
    pub(super) fn layer(&mut self, identity: AuthKeyId, said: Option<i32>) -> Option<i32> {
        let Some(layer) = said else { return self.layers.get(&identity).copied() };
        if self.layers.len() >= self.layers_max && !self.layers.contains_key(&identity) {
            self.layers.pop_first();
        }
        self.layers.insert(identity, layer);
        Some(layer)
    }

    pub(super) fn user(&self, identity: AuthKeyId) -> Option<UserId> {
        self.users.get(&identity).copied()
    }

    pub(super) fn set_user(&mut self, identity: AuthKeyId, user: Option<UserId>) {
        let former = match user {
            Some(user) => self.users.insert(identity, user),
            None => self.users.remove(&identity),
        };
        if let Some(former) = former {
            self.keys.remove(&(former, identity));
        }
        if let Some(user) = user {
            self.keys.insert((user, identity));
        }
    }

    /// Returns the permanent keys of a user.
    pub(super) fn keys_of(&self, user: UserId) -> impl Iterator<Item = AuthKeyId> {
        let (first, last) = (AuthKeyId::from_raw(0), AuthKeyId::from_raw(u64::MAX));
        self.keys.range((user, first)..=(user, last)).map(|(_, key)| *key)
    }

    /// Returns the sessions under a permanent key and the temporary keys bound to it.
    pub(super) fn sessions_of(&self, identity: AuthKeyId) -> impl Iterator<Item = SessionName> {
        let temporaries = self.temporaries.range(pairs_of(identity)).map(|(_, key)| *key);
        temporaries.chain([identity]).flat_map(|key| self.sessions.range(names_of(key)).copied())
    }

    pub(super) fn is_muted(&self, session: SessionName) -> bool {
        self.muted.contains(&session)
    }
}

fn pairs_of(key: AuthKeyId) -> core::ops::RangeInclusive<(AuthKeyId, AuthKeyId)> {
    (key, AuthKeyId::from_raw(0))..=(key, AuthKeyId::from_raw(u64::MAX))
}

fn names_of(key: AuthKeyId) -> core::ops::RangeInclusive<SessionName> {
    let name = |id| SessionName { key, id: SessionId::from_raw(id) };
    name(0)..=name(u64::MAX)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const USER: UserId = UserId::new(7);

    fn key(number: u64) -> AuthKeyId {
        AuthKeyId::from_raw(number)
    }

    fn session(of: u64, id: u64) -> SessionName {
        SessionName { key: key(of), id: SessionId::from_raw(id) }
    }

    fn sessions_of(clients: &Clients, of: u64) -> Vec<SessionName> {
        clients.sessions_of(key(of)).collect()
    }

    #[test]
    fn sessions_of_a_permanent_key_include_those_of_its_temporary_keys() {
        let mut clients = Clients::new(9);
        for name in [session(1, 1), session(2, 0), session(2, u64::MAX), session(3, 1)] {
            clients.open(name);
        }
        assert_eq!(sessions_of(&clients, 1), [session(1, 1)]);
        clients.bind(key(2), key(1));
        assert_eq!(clients.identity(key(2)), key(1));
        let all = [session(2, 0), session(2, u64::MAX), session(1, 1)];
        assert_eq!(sessions_of(&clients, 1), all);
        clients.close(session(2, 0));
        clients.remove_key(key(2));
        assert_eq!(sessions_of(&clients, 1), [session(1, 1)]);
        assert_eq!(clients.identity(key(2)), key(2));
    }

    #[test]
    fn a_removed_permanent_key_takes_bindings_layer_and_user_along() {
        let mut clients = Clients::new(9);
        clients.bind(key(2), key(1));
        clients.bind(key(3), key(1));
        clients.set_user(key(1), Some(USER));
        assert_eq!(clients.layer(key(1), Some(200)), Some(200));
        clients.remove_key(key(1));
        assert!(clients.bound_to.is_empty() && clients.temporaries.is_empty());
        assert!(clients.users.is_empty() && clients.keys.is_empty() && clients.layers.is_empty());
    }

    #[test]
    fn a_user_has_many_keys_and_a_key_one_user() {
        let mut clients = Clients::new(9);
        let keys = |clients: &Clients, user| clients.keys_of(user).collect::<Vec<_>>();
        clients.set_user(key(1), Some(USER));
        clients.set_user(key(2), Some(USER));
        assert_eq!(keys(&clients, USER), [key(1), key(2)]);
        clients.set_user(key(1), Some(UserId::new(8)));
        assert_eq!(keys(&clients, USER), [key(2)]);
        assert_eq!(clients.user(key(1)), Some(UserId::new(8)));
        clients.set_user(key(2), None);
        assert!(keys(&clients, USER).is_empty());
        assert_eq!(clients.user(key(2)), None);
    }

    #[test]
    fn layers_are_bounded_in_number() {
        let mut clients = Clients::new(2);
        for number in 1..=3 {
            clients.layer(key(number), Some(200));
        }
        assert_eq!(clients.layer(key(1), None), None, "the lowest key is forgotten");
        assert_eq!(clients.layer(key(3), None), Some(200));
        clients.layer(key(3), Some(201));
        assert_eq!(clients.layer(key(2), None), Some(200), "a known key needs no room");
    }

    #[test]
    fn a_session_is_muted_until_its_next_ordinary_call() {
        let mut clients = Clients::new(1);
        clients.open(session(1, 1));
        clients.mute(session(1, 1), true);
        assert!(clients.is_muted(session(1, 1)));
        clients.mute(session(1, 1), false);
        assert!(!clients.is_muted(session(1, 1)));
        clients.mute(session(1, 1), true);
        clients.close(session(1, 1));
        assert!(clients.muted.is_empty());
    }
}
