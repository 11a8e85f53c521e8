//! The state of each key's login.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use core::time::Duration;

use mtp_crypto::AuthKeyId;
use mtp_crypto::srp::Challenge;
use mtp_env::{Instant, Now};
use zeroize::Zeroizing;

use mtp_server::TokenBucket;
use mtp_server::UserId;

/// The login of one key.
#[derive(Debug, Default)]
pub(crate) struct Login {
    /// The user who is logged in with the key.
    pub(crate) user: Option<UserId>,
    /// The login in progress.
    pub(crate) attempt: Option<Attempt>,
    /// The latest password check that was handed out.
    // spec: crypto 13
    pub(crate) challenge: Option<Box<Asked>>,
    /// The rate of requests for codes and password checks.
    pub(crate) requests: TokenBucket,
    /// The time of the last use, as it stands in `by_age`.
    touched: Instant,
}

/// A login in progress.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) step: Step,
    /// When it expires.
    pub(crate) until: Instant,
}

/// What a login waits for.
#[derive(Debug)]
pub(crate) enum Step {
    Code {
        phone: String,
        /// `phone_code_hash`, which names the code.
        hash: String,
        code: Code,
        /// Attempts left.
        tries: u32,
    },
    /// The code was right; the number has no account.
    Name { phone: String, hash: String },
    /// The code was right; the account has a password.
    Password { user: UserId },
}

/// A password check that was handed out.
#[derive(Debug)]
pub(crate) struct Asked {
    /// `srp_id`, which names it.
    pub(crate) id: i64,
    pub(crate) user: UserId,
    /// The version of the account's password.
    pub(crate) version: i64,
    pub(crate) challenge: Challenge,
    pub(crate) until: Instant,
}

/// The logins of all keys. Those without a user are bounded here, the others by the accounts.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    by_key: BTreeMap<AuthKeyId, Login>,
    /// The keys without a user, by the time of their last use.
    by_age: BTreeSet<(Instant, AuthKeyId)>,
}

impl Logins {
    pub(crate) fn user(&self, key: AuthKeyId) -> Option<UserId> {
        self.by_key.get(&key)?.user
    }

    pub(crate) fn get_mut(&mut self, key: AuthKeyId) -> Option<&mut Login> {
        self.by_key.get_mut(&key)
    }

    /// Returns how long a key without a login has to wait for room: a login that has just begun is not
    /// ended for another.
    pub(crate) fn wait_for_room(&self, now: Now, key: AuthKeyId, max: usize) -> Option<Duration> {
        if self.by_age.len() < max.max(1) || self.by_key.contains_key(&key) {
            return None;
        }
        let (touched, _) = self.by_age.first()?;
        let wait = (*touched + PROMPT_TIME).saturating_since(now.mono);
        (wait > Duration::ZERO).then_some(wait)
    }

    /// Returns the login of a key, creating it if there is none; the oldest unfinished login makes room.
    pub(crate) fn touch(&mut self, now: Now, key: AuthKeyId, max: usize) -> &mut Login {
        let old = self.by_key.get(&key).map(|login| (login.touched, login.user.is_some()));
        match old {
            Some((_, true)) => {}
            Some((touched, false)) => {
                self.by_age.remove(&(touched, key));
                self.by_age.insert((now.mono, key));
            }
            None => {
                while self.by_age.len() >= max.max(1) {
                    let Some((_, oldest)) = self.by_age.pop_first() else { break };
                    self.by_key.remove(&oldest);
                }
                self.by_age.insert((now.mono, key));
            }
        }
        let login = self.by_key.entry(key).or_default();
        login.touched = now.mono;
        login
    }

    /// Ends a key's login in progress with a user.
    pub(crate) fn log_in(&mut self, key: AuthKeyId, user: UserId) {
        let login = self.by_key.entry(key).or_default();
        self.by_age.remove(&(login.touched, key));
        login.user = Some(user);
        login.attempt = None;
        login.challenge = None;
    }

    /// Removes the login of a key and returns its user.
    pub(crate) fn remove(&mut self, key: AuthKeyId) -> Option<UserId> {
        let login = self.by_key.remove(&key)?;
        self.by_age.remove(&(login.touched, key));
        login.user
    }
}

impl Login {
    /// Returns the step of the login in progress, unless it has expired.
    pub(crate) fn step(&mut self, now: Now) -> Option<&mut Step> {
        self.attempt.take_if(|attempt| attempt.until <= now.mono);
        self.attempt.as_mut().map(|attempt| &mut attempt.step)
    }

    /// Takes the password check with an id, unless it has expired. It is good for one attempt.
    // spec: crypto 13
    pub(crate) fn take_challenge(&mut self, now: Now, id: i64) -> Option<Asked> {
        let asked = self.challenge.take_if(|asked| asked.id == id)?;
        (asked.until > now.mono).then_some(*asked)
    }
}

/// The code of a login: a secret between the data center and the owner of the number.
#[derive(Clone)]
pub struct Code(Zeroizing<String>);

impl Code {
    pub(crate) fn new(digits: &str) -> Self {
        Self(Zeroizing::new(digits.into()))
    }

    /// Returns the digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Prints the type's name only.
impl core::fmt::Debug for Code {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Code(..)")
    }
}

/// How long a login in progress keeps its place at least.
const PROMPT_TIME: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> AuthKeyId {
        AuthKeyId::from_raw(number)
    }

    #[test]
    fn unfinished_logins_are_bounded_and_finished_ones_are_kept() {
        let mut logins = Logins::default();
        let at = |secs| Now::default().after(Duration::from_secs(secs));
        logins.touch(at(0), key(100), 3);
        logins.log_in(key(100), UserId::new(1));
        for number in 0..3 {
            logins.touch(at(number), key(number), 3);
        }
        logins.touch(at(8), key(0), 3); // used again, so key 1 is the oldest
        logins.touch(at(9), key(3), 3);
        assert!(logins.get_mut(key(1)).is_none());
        assert!([0, 2, 3, 100].iter().all(|number| logins.get_mut(key(*number)).is_some()));
        assert_eq!(logins.user(key(100)), Some(UserId::new(1)));
        assert_eq!(logins.remove(key(100)), Some(UserId::new(1)));
        assert_eq!(logins.by_age.len(), 3);
        logins.remove(key(0));
        assert_eq!((logins.by_age.len(), logins.by_key.len()), (2, 2));
    }
}
