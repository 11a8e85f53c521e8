//! Exported authorizations.

use alloc::collections::VecDeque;

use mtp_env::{Instant, Now};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use mtp_server::UserId;

/// Exported authorizations that wait to be imported, oldest first.
#[derive(Default)]
pub(crate) struct Exports {
    waiting: VecDeque<Export>,
}

struct Export {
    user: UserId,
    secret: Zeroizing<[u8; EXPORT_LEN]>,
    until: Instant,
}

impl Exports {
    /// Adds an authorization; the oldest makes room.
    pub(crate) fn put(&mut self, now: Now, user: UserId, secret: [u8; EXPORT_LEN], until: Instant) {
        self.waiting.retain(|export| export.until > now.mono);
        if self.waiting.len() >= WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Export { user, secret: Zeroizing::new(secret), until });
    }

    /// Removes the authorization with a secret; returns `true` if there was one for the user.
    pub(crate) fn take(&mut self, now: Now, user: UserId, secret: &[u8]) -> bool {
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

/// Bytes of the secret of an exported authorization.
pub(crate) const EXPORT_LEN: usize = 32;
/// Exported authorizations kept.
const WAITING_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn an_export_is_good_once_for_its_user_until_it_expires() {
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
