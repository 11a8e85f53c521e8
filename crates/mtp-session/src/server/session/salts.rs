//! Server salts: which ones a server issues and accepts.

use mtp_crypto::hash::hmac_sha256;
use mtp_crypto::{AuthKeyId, Salt};
use mtp_env::{Entropy, UnixTime};
use zeroize::{Zeroize, Zeroizing};

use crate::service::FutureSalt;
use crate::session::FUTURE_SALTS_MAX;

/// Salts of a server, derived from the auth key and the time with a secret, so that nothing is stored.
///
/// A [`ServerMachine`](super::super::ServerMachine) mixes the secret with entropy of its own: no other run of the
/// server, and no other server, accepts its salts.
// spec: session 6.2
pub struct ServerSalts {
    secret: [u8; 32],
}

impl ServerSalts {
    /// Takes the secret.
    #[must_use]
    pub const fn new(secret: [u8; 32]) -> Self {
        Self { secret }
    }

    /// Returns the salts of one run of a server.
    ///
    /// No other run accepts them, so a packet with one of them was made for this run.
    #[must_use]
    pub(crate) fn of_run(&self, entropy: &mut dyn Entropy) -> Self {
        let mut run = Zeroizing::new([0; 32]);
        entropy.fill(&mut *run);
        Self::new(hmac_sha256(&self.secret, &[&*run]))
    }

    fn salt(&self, key: AuthKeyId, epoch: u64) -> Salt {
        let digest = hmac_sha256(&self.secret, &[&key.to_le_bytes(), &epoch.to_le_bytes()]);
        let first: Option<&[u8; 8]> = digest.first_chunk();
        first.map_or(Salt::from_raw(0), |first| Salt::from_le_bytes(*first))
    }
}

impl Drop for ServerSalts {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

/// Hides the secret.
impl core::fmt::Debug for ServerSalts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ServerSalts(..)")
    }
}

/// Which salts of one auth key a server issues and accepts.
///
/// The first salt comes from the key exchange and replaces that of its epoch, so that at
/// any time exactly two salts are accepted.
// spec: session 6, 20 (24)
#[derive(Clone, Copy, Debug)]
pub struct KeySalts {
    key: AuthKeyId,
    first: Option<(u64, Salt)>,
}

impl KeySalts {
    /// Takes the key with the salt of its exchange and the time of that exchange.
    #[must_use]
    pub fn new(key: AuthKeyId, first: Option<(UnixTime, Salt)>) -> Self {
        Self { key, first: first.map(|(at, salt)| (epoch(at), salt)) }
    }

    /// Returns the salt to issue at `now`.
    #[must_use]
    pub fn current(&self, salts: &ServerSalts, now: UnixTime) -> Salt {
        self.salt(salts, epoch(now))
    }

    /// Returns `true` if a packet with this salt is accepted at `now`.
    #[must_use]
    pub fn accepts(&self, salts: &ServerSalts, now: UnixTime, salt: Salt) -> bool {
        accepts(now, salt, |epoch| self.salt(salts, epoch))
    }

    /// Returns the current salt and its successors, as many as the client requested.
    pub fn schedule(
        &self,
        salts: &ServerSalts,
        now: UnixTime,
        asked: i32,
    ) -> impl Iterator<Item = FutureSalt> {
        schedule(now, asked, |epoch| self.salt(salts, epoch))
    }

    fn salt(&self, salts: &ServerSalts, epoch: u64) -> Salt {
        match self.first {
            Some((first_epoch, salt)) if first_epoch == epoch => salt,
            _ => salts.salt(self.key, epoch),
        }
    }
}

/// Seconds for which a salt is current; it is accepted for as long again.
pub(crate) const EPOCH_S: u64 = 1800;

fn epoch(now: UnixTime) -> u64 {
    now.as_secs() / EPOCH_S
}

fn accepts(now: UnixTime, salt: Salt, salt_of: impl Fn(u64) -> Salt) -> bool {
    let current = epoch(now);
    // The age of a salt is not secret, so a comparison in variable time reveals nothing.
    salt == salt_of(current) || salt == salt_of(current.saturating_sub(1))
}

fn schedule(
    now: UnixTime,
    asked: i32,
    salt_of: impl Fn(u64) -> Salt,
) -> impl Iterator<Item = FutureSalt> {
    let count = u64::try_from(asked).unwrap_or(0).clamp(1, FUTURE_SALTS_MAX as u64);
    let first = epoch(now);
    (first..first.saturating_add(count)).map(move |epoch| {
        let since = epoch.saturating_mul(EPOCH_S);
        FutureSalt {
            valid_since: u32::try_from(since).unwrap_or(u32::MAX),
            valid_until: u32::try_from(since.saturating_add(2 * EPOCH_S)).unwrap_or(u32::MAX),
            salt: salt_of(epoch),
        }
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::session::salt_vectors::{future_salts, salt_at};
    use crate::vectors;

    // spec: session 6.2
    #[test]
    fn server_schedule_matches_the_vectors() {
        let now = UnixTime::from_secs(vectors::whole("salts").number("now"));
        let made: Vec<FutureSalt> = schedule(now, 6, salt_at).collect();
        assert_eq!(made, future_salts());
        let counts = vectors::whole("salts").entries("count_answered");
        assert_eq!(counts.len(), 8);
        for entry in counts {
            let asked = i32::try_from(entry.signed("num")).unwrap();
            let given = schedule(now, asked, salt_at).count();
            assert_eq!(given as u64, entry.number("given"), "{entry:?}");
        }
    }

    // spec: session 20#24
    #[test]
    fn current_and_previous_salts_are_accepted() {
        let cases = vectors::whole("salts").entries("accept");
        assert_eq!(cases.len(), 10);
        for entry in cases {
            let now = UnixTime::from_secs(entry.number("t"));
            let salt = salt_at(entry.number("salt_epoch"));
            assert_eq!(accepts(now, salt, salt_at), entry.flag("accepted"), "{entry:?}");
        }
    }

    #[test]
    fn debug_hides_the_secret() {
        assert_eq!(alloc::format!("{:?}", ServerSalts::new([9; 32])), "ServerSalts(..)");
    }

    #[test]
    fn first_salt_comes_from_the_key_exchange() {
        let salts = ServerSalts::new([7; 32]);
        let born = UnixTime::from_secs(1_700_000_000);
        let first = Salt::from_raw(0xabc);
        let key = KeySalts::new(AuthKeyId::from_raw(5), Some((born, first)));
        assert_eq!(key.current(&salts, born), first);
        assert!(key.accepts(&salts, UnixTime::from_secs(1_700_002_799), first));
        assert!(!key.accepts(&salts, UnixTime::from_secs(1_700_002_800), first));
        let other = KeySalts::new(AuthKeyId::from_raw(6), None);
        assert_ne!(other.current(&salts, born), first);
        assert_eq!(key.schedule(&salts, born, 3).count(), 3);
    }
}
