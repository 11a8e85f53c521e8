//! Authorizations on their way from one key to another.

use alloc::collections::VecDeque;

use mtp_env::{Instant, Now};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::account::UserId;
use super::login::EXPORT_LEN;

/// Exported authorizations that were not imported yet, oldest first.
#[derive(Default)]
pub(super) struct Exports {
    waiting: VecDeque<Export>,
}

struct Export {
    user: UserId,
    secret: Zeroizing<[u8; EXPORT_LEN]>,
    until: Instant,
}

impl Exports {
    /// Keeps one; the oldest makes room.
    pub(super) fn put(&mut self, now: Now, user: UserId, secret: [u8; EXPORT_LEN], until: Instant) {
        self.waiting.retain(|export| export.until > now.mono);
        if self.waiting.len() >= WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Export { user, secret: Zeroizing::new(secret), until });
    }

    /// Uses one up; reports whether there was one with that secret for that user.
    pub(super) fn take(&mut self, now: Now, user: UserId, secret: &[u8]) -> bool {
        self.waiting.retain(|export| export.until > now.mono);
        let fits = |export: &Export| {
            export.user == user && bool::from(export.secret.as_slice().ct_eq(secret))
        };
        let found = self.waiting.iter().position(fits);
        found.is_some_and(|at| self.waiting.remove(at).is_some())
    }
}

impl core::fmt::Debug for Exports {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Exports").field("waiting", &self.waiting.len()).finish()
    }
}

/// Exported authorizations kept.
const WAITING_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn each_is_good_once_for_its_user_and_in_time() {
        let (now, user) = (Now::default(), UserId::new(7));
        let until = now.mono + Duration::from_secs(60);
        let mut exports = Exports::default();
        exports.put(now, user, [1; EXPORT_LEN], until);
        assert!(!exports.take(now, UserId::new(8), &[1; EXPORT_LEN]));
        assert!(!exports.take(now, user, &[2; EXPORT_LEN]));
        assert!(exports.take(now, user, &[1; EXPORT_LEN]));
        assert!(!exports.take(now, user, &[1; EXPORT_LEN]));
        exports.put(now, user, [1; EXPORT_LEN], until);
        assert!(!exports.take(now.after(Duration::from_secs(60)), user, &[1; EXPORT_LEN]));
        for _ in 0..=WAITING_MAX {
            exports.put(now, user, [3; EXPORT_LEN], until);
        }
        assert_eq!(exports.waiting.len(), WAITING_MAX);
    }
}
