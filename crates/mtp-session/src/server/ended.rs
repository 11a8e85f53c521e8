//! Ended sessions, remembered for as long as their packets could be replayed.

use alloc::collections::{BTreeMap, VecDeque};

use mtp_crypto::{MsgId, SessionId};
use mtp_env::UnixTime;

use super::SessionName;
use crate::session::is_too_old;

/// Highest message id received in each recently ended session.
///
/// Any packet creates the session it belongs to. Without this memory a replayed packet would recreate an ended session
/// and run its calls again. Ids that are too old are rejected anyway.
// spec: session 5.3, 8.8
#[derive(Debug, Default)]
pub(super) struct Ended {
    highest: BTreeMap<SessionName, MsgId>,
    /// Sessions in the order of their ends; one that ended again occurs twice.
    order: VecDeque<(SessionName, MsgId)>,
}

impl Ended {
    /// Remembers a session. Forgets another of its key if there are `per_key`, and the first of all if there are `max`.
    pub(super) fn insert(
        &mut self,
        now: UnixTime,
        name: SessionName,
        highest: MsgId,
        (per_key, max): (usize, usize),
    ) {
        while let Some((first, id)) = self.order.front().copied()
            && (is_too_old(id, now) || self.order.len() >= max)
        {
            self.order.pop_front();
            if self.highest.get(&first) == Some(&id) {
                self.highest.remove(&first);
            }
        }
        let of_key = |id| SessionName { key: name.key, id: SessionId::from_raw(id) };
        let of_key = self.highest.range(of_key(0)..=of_key(u64::MAX));
        if of_key.clone().count() >= per_key
            && let Some((oldest, _)) = of_key.min_by_key(|(_, id)| **id)
        {
            let oldest = *oldest;
            self.highest.remove(&oldest);
        }
        self.highest.insert(name, highest);
        self.order.push_back((name, highest));
    }

    /// Returns `true` if a packet may have been received before its session ended.
    pub(super) fn may_have_seen(&self, name: SessionName, msg_id: MsgId) -> bool {
        self.highest.get(&name).is_some_and(|highest| msg_id <= *highest)
    }
}

#[cfg(test)]
mod tests {
    use mtp_crypto::AuthKeyId;

    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
    const LIMITS: (usize, usize) = (2, 4);

    fn name(key: u64, id: u64) -> SessionName {
        SessionName { key: AuthKeyId::from_raw(key), id: SessionId::from_raw(id) }
    }

    fn at(seconds: u64) -> MsgId {
        MsgId::from_raw((1_700_000_000 + seconds) << 32)
    }

    #[test]
    fn msg_ids_up_to_the_highest_may_have_been_seen() {
        let mut ended = Ended::default();
        ended.insert(NOW, name(1, 1), at(5), LIMITS);
        assert!(ended.may_have_seen(name(1, 1), at(4)));
        assert!(ended.may_have_seen(name(1, 1), at(5)));
        assert!(!ended.may_have_seen(name(1, 1), at(6)));
        assert!(!ended.may_have_seen(name(1, 2), at(5)));
        assert!(!ended.may_have_seen(name(2, 1), at(5)));
    }

    #[test]
    fn oldest_session_of_a_full_key_is_forgotten() {
        let mut ended = Ended::default();
        ended.insert(NOW, name(2, 9), at(0), LIMITS);
        for id in 1..=3 {
            ended.insert(NOW, name(1, id), at(10 - id), LIMITS);
        }
        let known = [1, 2, 3].map(|id| ended.may_have_seen(name(1, id), at(0)));
        assert_eq!(known, [true, false, true], "the session with the lowest id is forgotten");
        assert!(ended.may_have_seen(name(2, 9), at(0)));
    }

    #[test]
    fn first_session_is_forgotten_when_full_and_old_ids_are_dropped() {
        let mut ended = Ended::default();
        for key in 1..=5 {
            ended.insert(NOW, name(key, 1), at(key), LIMITS);
        }
        let known = [1, 2, 5].map(|key| ended.may_have_seen(name(key, 1), at(0)));
        assert_eq!((known, ended.order.len()), ([false, true, true], 4));
        let later = UnixTime::from_secs(NOW.as_secs() + 304);
        ended.insert(later, name(6, 1), at(300), LIMITS);
        // The ids of seconds 2 and 3 are too old.
        assert_eq!((ended.order.len(), ended.highest.len()), (3, 3));
    }

    #[test]
    fn session_that_ended_twice_is_remembered_by_its_last_end() {
        let mut ended = Ended::default();
        ended.insert(NOW, name(1, 1), at(1), LIMITS);
        ended.insert(NOW, name(1, 1), at(200), LIMITS);
        let later = UnixTime::from_secs(NOW.as_secs() + 304);
        ended.insert(later, name(2, 1), at(300), LIMITS);
        assert!(ended.may_have_seen(name(1, 1), at(200)));
    }
}
