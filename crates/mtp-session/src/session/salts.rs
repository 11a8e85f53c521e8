//! Server salts: the client's schedule of them, and the server's way to make them.

use alloc::vec::Vec;
use core::time::Duration;

use mtp_crypto::hash::hmac_sha256;
use mtp_crypto::{AuthKeyId, MsgId, Salt};
use mtp_env::{Instant, UnixTime};
use zeroize::Zeroize;

use crate::service::FutureSalt;

/// The salt a client uses now, and those it will use.
// spec: session 6.2
#[derive(Clone, Debug)]
pub(crate) struct ClientSalts {
    current: Salt,
    /// When the current salt stops being accepted, in seconds of server time, if that is known.
    current_until: Option<u64>,
    /// Salts to come, sorted by the start of their validity.
    future: Vec<FutureSalt>,
    asked_at: Option<Instant>,
    /// The `bad_server_salt` that gave the current salt.
    witness: MsgId,
}

impl ClientSalts {
    /// Starts with the salt of the key exchange, or a saved one.
    pub(crate) const fn new(salt: Salt) -> Self {
        Self {
            current: salt,
            current_until: None,
            future: Vec::new(),
            asked_at: None,
            witness: MsgId::from_raw(0),
        }
    }

    /// Returns the salt in use.
    pub(crate) const fn current(&self) -> Salt {
        self.current
    }

    /// Switches to the newest salt that has become valid and returns it.
    ///
    /// If none is valid any more the newest is still the best guess: the server will correct it.
    pub(crate) fn pick(&mut self, server_time: UnixTime) -> Salt {
        let now = server_time.as_secs();
        let begun = self.future.partition_point(|salt| u64::from(salt.valid_since) <= now);
        if let Some(newest) = self.future.drain(..begun).next_back() {
            self.current = newest.salt;
            self.current_until = Some(u64::from(newest.valid_until));
        }
        self.current
    }

    /// Adopts the salt that `witness`, a `bad_server_salt`, demands.
    ///
    /// Several arrive in a burst when several packets were on their way: the youngest wins. One that demands the
    /// salt in use is about a packet from before, so the schedule stays.
    // spec: session 6.1
    pub(crate) fn correct(&mut self, salt: Salt, witness: MsgId) -> bool {
        if witness < self.witness {
            return false;
        }
        self.witness = witness;
        if salt == self.current {
            return false;
        }
        self.current = salt;
        self.future.clear();
        self.current_until = None;
        true
    }

    /// Adopts the salt that `new_session_created` brings; the schedule stays.
    // spec: session 8.10
    pub(crate) fn adopt(&mut self, salt: Salt) -> bool {
        if salt == self.current {
            return false;
        }
        self.current = salt;
        self.current_until = None;
        true
    }

    /// Stores a schedule from the server.
    pub(crate) fn store(&mut self, salts: impl Iterator<Item = FutureSalt>) {
        self.future = salts.take(FUTURE_SALTS_MAX).collect();
        self.future.sort_unstable_by_key(|salt| salt.valid_since);
    }

    /// Reports whether it is time to ask for a schedule.
    pub(crate) fn wants_schedule(&self, now: Instant, server_time: UnixTime) -> bool {
        let due = self.asked_at.is_none_or(|at| now.saturating_since(at) >= ASK_INTERVAL);
        let ends = self
            .current_until
            .is_none_or(|until| until <= server_time.as_secs().saturating_add(ASK_BEFORE_END_S));
        due && (self.future.len() < FUTURE_SALTS_MIN || ends)
    }

    /// Notes that a schedule was asked for.
    pub(crate) const fn asked(&mut self, now: Instant) {
        self.asked_at = Some(now);
    }

    /// Lets the next packet ask: the last request was refused.
    pub(crate) const fn ask_at_once(&mut self) {
        self.asked_at = None;
    }

    /// Returns the salts to come, for saving.
    pub(crate) fn future(&self) -> &[FutureSalt] {
        &self.future
    }
}

/// The salts of a server: a keyed function of the auth key and of the time, so nothing is stored.
///
/// Servers that share the secret accept each other's salts.
// spec: session 6.2
pub struct ServerSalts {
    secret: [u8; 32],
}

impl ServerSalts {
    /// Takes the secret that all servers of one data centre share.
    #[must_use]
    pub const fn new(secret: [u8; 32]) -> Self {
        Self { secret }
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

/// Prints nothing of the secret.
impl core::fmt::Debug for ServerSalts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ServerSalts(..)")
    }
}

/// Which salts of one auth key a server issues and accepts.
///
/// The first salt comes from the key exchange and takes the place of the epoch's own, so that at
/// every time exactly two salts are accepted.
// spec: session 6, 20 (24)
#[derive(Clone, Copy, Debug)]
pub struct KeySalts {
    key: AuthKeyId,
    first: Option<(u64, Salt)>,
}

impl KeySalts {
    /// Names the key, with the salt of its exchange and when that ended.
    #[must_use]
    pub fn new(key: AuthKeyId, first: Option<(UnixTime, Salt)>) -> Self {
        Self { key, first: first.map(|(at, salt)| (epoch(at), salt)) }
    }

    /// Returns the salt to issue at `now`.
    #[must_use]
    pub fn current(&self, salts: &ServerSalts, now: UnixTime) -> Salt {
        self.salt(salts, epoch(now))
    }

    /// Reports whether a packet with this salt may be handled at `now`.
    #[must_use]
    pub fn accepts(&self, salts: &ServerSalts, now: UnixTime, salt: Salt) -> bool {
        accepts(now, salt, |epoch| self.salt(salts, epoch))
    }

    /// Returns the current salt and those that follow, as many as the client asked for.
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

/// Seconds for which a salt is the current one; it is accepted for as long again.
pub(crate) const EPOCH_S: u64 = 1800;
/// The most salts one answer holds.
pub(crate) const FUTURE_SALTS_MAX: usize = 64;

/// Fewer salts to come than this make the client ask for more.
const FUTURE_SALTS_MIN: usize = 2;
/// Requests for salts are at least this far apart.
const ASK_INTERVAL: Duration = Duration::from_secs(60);
/// The client asks this many seconds before its salt ends.
const ASK_BEFORE_END_S: u64 = 60;

fn epoch(now: UnixTime) -> u64 {
    now.as_secs() / EPOCH_S
}

fn accepts(now: UnixTime, salt: Salt, salt_of: impl Fn(u64) -> Salt) -> bool {
    let current = epoch(now);
    // The age of a salt is no secret, so comparing in variable time gives nothing away.
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
    use mtp_crypto::hash::sha256;

    use super::*;
    use crate::vectors;

    /// The vectors' own derivation.
    fn illustration(epoch: u64) -> Salt {
        let key = vectors::whole("salts").bytes("key");
        let digest = sha256(&[&key, &epoch.to_le_bytes()]);
        Salt::from_le_bytes(digest[..8].try_into().unwrap())
    }

    fn schedule_of_vectors() -> Vec<FutureSalt> {
        let entries = vectors::whole("salts").entries("schedule");
        assert_eq!(entries.len(), 6);
        entries
            .iter()
            .map(|entry| FutureSalt {
                valid_since: u32::try_from(entry.number("valid_since")).unwrap(),
                valid_until: u32::try_from(entry.number("valid_until")).unwrap(),
                salt: Salt::from_raw(entry.number("salt")),
            })
            .collect()
    }

    // spec: session 6.2
    #[test]
    fn the_schedule_of_a_server() {
        let now = UnixTime::from_secs(vectors::whole("salts").number("now"));
        let made: Vec<FutureSalt> = schedule(now, 6, illustration).collect();
        assert_eq!(made, schedule_of_vectors());
        let counts = vectors::whole("salts").entries("count_answered");
        assert_eq!(counts.len(), 8);
        for entry in counts {
            let asked = i32::try_from(entry.signed("num")).unwrap();
            let given = schedule(now, asked, illustration).count();
            assert_eq!(given as u64, entry.number("given"), "{entry:?}");
        }
    }

    // spec: session 20#24
    #[test]
    fn two_salts_are_accepted() {
        let cases = vectors::whole("salts").entries("accept");
        assert_eq!(cases.len(), 10);
        for entry in cases {
            let now = UnixTime::from_secs(entry.number("t"));
            let salt = illustration(entry.number("salt_epoch"));
            assert_eq!(accepts(now, salt, illustration), entry.flag("accepted"), "{entry:?}");
        }
    }

    // spec: session 6.2
    #[test]
    fn a_client_switches_in_time() {
        let picks = vectors::whole("salts").entries("client_pick");
        assert_eq!(picks.len(), 8);
        for entry in picks {
            let mut salts = ClientSalts::new(Salt::from_raw(1));
            salts.store(schedule_of_vectors().into_iter());
            let picked = salts.pick(UnixTime::from_secs(entry.number("t")));
            assert_eq!(picked, illustration(entry.number("pick_epoch")), "{entry:?}");
        }
    }

    // spec: session 6.1
    #[test]
    fn the_youngest_correction_wins() {
        let mut salts = ClientSalts::new(Salt::from_raw(1));
        salts.store(schedule_of_vectors().into_iter());
        assert!(salts.correct(Salt::from_raw(2), MsgId::from_raw(9)));
        assert!(salts.future().is_empty());
        assert!(!salts.correct(Salt::from_raw(3), MsgId::from_raw(5)));
        assert_eq!(salts.current(), Salt::from_raw(2));
    }

    // spec: session 6.1
    #[test]
    fn a_correction_to_the_salt_in_use_leaves_the_schedule() {
        let mut salts = ClientSalts::new(Salt::from_raw(1));
        salts.store(schedule_of_vectors().into_iter());
        let (picked, left) = (salts.pick(UnixTime::from_secs(1_700_000_137)), salts.future().len());
        assert!(left > 0);
        assert!(!salts.correct(picked, MsgId::from_raw(9)));
        assert_eq!(salts.future().len(), left);
    }

    // spec: session 6.2
    #[test]
    fn schedules_are_asked_for_once_a_minute() {
        let second = Duration::from_secs(1);
        let (now, time) = (Instant::from_micros(0), UnixTime::from_secs(1_700_000_137));
        let mut salts = ClientSalts::new(Salt::from_raw(1));
        assert!(salts.wants_schedule(now, time));
        salts.asked(now);
        assert!(!salts.wants_schedule(now + 59 * second, time));
        assert!(salts.wants_schedule(now + 60 * second, time));
        salts.store(schedule_of_vectors().into_iter());
        salts.pick(time);
        assert!(!salts.wants_schedule(now + 60 * second, time));
        // 1699999200 + 3600 - 60
        assert!(salts.wants_schedule(now + 60 * second, UnixTime::from_secs(1_700_002_740)));
        assert!(!salts.wants_schedule(now + 60 * second, UnixTime::from_secs(1_700_002_739)));
    }

    // spec: session 6.2
    #[test]
    fn a_client_asks_while_fewer_than_two_salts_are_to_come() {
        let (now, time) = (Instant::from_micros(0), UnixTime::from_secs(1_700_000_000));
        let salt = |number: u32| FutureSalt {
            valid_since: 1_700_000_000 + number * 1800,
            valid_until: 1_700_000_000 + number * 1800 + 3600,
            salt: Salt::from_raw(u64::from(number) + 10),
        };
        for (to_come, asks) in [(0, true), (1, true), (2, false), (3, false)] {
            let mut salts = ClientSalts::new(Salt::from_raw(1));
            salts.store((0..=to_come).map(salt));
            assert_eq!(salts.pick(time), Salt::from_raw(10));
            assert_eq!(salts.wants_schedule(now, time), asks, "{to_come}");
        }
    }

    // spec: session 8.10
    #[test]
    fn a_new_session_brings_a_salt_and_leaves_the_schedule() {
        let mut salts = ClientSalts::new(Salt::from_raw(1));
        salts.store(schedule_of_vectors().into_iter());
        assert!(!salts.adopt(Salt::from_raw(1)), "nothing changes");
        assert!(salts.adopt(Salt::from_raw(2)));
        assert_eq!((salts.current(), salts.future().len()), (Salt::from_raw(2), 6));
    }

    #[test]
    fn the_secret_is_not_shown() {
        assert_eq!(alloc::format!("{:?}", ServerSalts::new([9; 32])), "ServerSalts(..)");
    }

    #[test]
    fn the_exchange_gives_the_first_salt() {
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
