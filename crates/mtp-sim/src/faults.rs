//! The list of faults.

use core::fmt;
use core::time::Duration;

use crate::dice::{Dice, Odds};

macro_rules! faults {
    ($($(#[$meta:meta])* $name:ident: $text:literal = $strength:expr,)*) => {
        /// The odds of each fault. Each run activates some of them ([`Faults::swarm`]).
        ///
        /// "Per packet" means for each packet carried, "per second" for each second of virtual time.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[expect(clippy::exhaustive_structs, reason = "a parameter list for tests")]
        pub struct Faults {
            $($(#[$meta])* pub $name: Odds,)*
        }

        impl Faults {
            /// Draws the active faults of a run and their odds. Each fault is active in one of `spread` runs,
            /// because faults that are all active at once mask each other.
            #[must_use]
            pub fn swarm(dice: &mut Dice, spread: u64) -> Self {
                let mut faults = Self::default();
                $(if dice.once_in(spread) {
                    let strongest: Odds = $strength;
                    let low = u64::from(strongest.as_per_million() / 8).max(1);
                    let strength = dice.between(low, u64::from(strongest.as_per_million()));
                    faults.$name = Odds::per_million(u32::try_from(strength).unwrap_or(0));
                })*
                faults
            }

            /// Returns all faults with their maximum odds.
            #[must_use]
            pub const fn strongest() -> Self {
                Self { $($name: $strength,)* }
            }

            /// Returns the names and odds of all faults.
            pub fn list(&self) -> impl Iterator<Item = (&'static str, Odds)> {
                [$(($text, self.$name),)*].into_iter()
            }
        }
    };
}

faults! {
    // Faults of the network on links that carry packets.

    /// Per packet: it is lost.
    loss: "loss" = Odds::percent(20),
    /// Per packet: it arrives twice.
    duplication: "duplication" = Odds::percent(20),
    /// Per packet: later packets overtake it.
    reordering: "reordering" = Odds::percent(20),
    /// Per packet: some of its bits are flipped.
    bit_flips: "bit flips" = Odds::percent(5),

    // Faults of the network on all links.

    /// Per write of bytes: it is split at arbitrary positions, down to single bytes.
    chunking: "chunking" = Odds::percent(100),
    /// Per packet: it is delayed by up to three seconds.
    jitter: "jitter" = Odds::percent(50),
    /// Per packet: the direction stalls for up to 40 seconds.
    stalls: "stalls" = Odds::percent(2),
    /// Per second: a link is cut, possibly within a frame.
    cuts: "cuts" = Odds::percent(10),
    /// Per cut: only one side notices.
    half_open: "half open" = Odds::percent(80),
    /// Per reconnection: it takes up to a minute.
    slow_reconnects: "slow reconnects" = Odds::percent(40),

    // An attacker on the path, without the key.

    /// Per packet: an earlier packet of the same direction is replayed after it.
    replays: "replays" = Odds::percent(5),
    /// Per second: a packet of random bytes, possibly with a known key id.
    garbage: "garbage" = Odds::percent(10),
    /// Per second: a forged transport error.
    forged_errors: "forged errors" = Odds::percent(3),
    /// Per second: a packet is sent back to its sender.
    reflections: "reflections" = Odds::percent(4),

    /// Per second: a packet of a client, captured at any time before, arrives over a link of its own.
    captures: "captures" = Odds::percent(40),

    // A dishonest peer with the key.

    /// Per second: an encrypted service message for the client with unknown references.
    strange_messages: "strange messages" = Odds::percent(30),
    /// Per second: an encrypted packet for another session of the same key, to either side.
    strange_sessions: "strange sessions" = Odds::percent(4),

    // Clocks.

    /// At the start: the wall clock of a side is wrong by up to a day.
    skew: "skew" = Odds::percent(100),
    /// Per second: the wall clock of a client is set forward or back by up to a day.
    client_jumps: "client clock jumps" = Odds::percent(3),
    /// Per second: the wall clock of the server is set forward by up to an hour, or back by a few seconds.
    server_jumps: "server clock jumps" = Odds::percent(2),
    /// Per second: a client and its monotonic clock are suspended for up to two hours.
    hibernation: "hibernation" = Odds::percent(2),

    // Hosts.

    /// Per second: the server loses all sessions while links stay up.
    forgetting: "forgetting" = Odds::percent(5),
    /// Per second: the server restarts. Keys are stored, sessions are not.
    server_restarts: "server restarts" = Odds::percent(2),
    /// Per second: the server is killed at a random point, and started again at once or later. Its store keeps what it
    /// has acknowledged, and may lose the rest.
    kills: "kills" = Odds::percent(10),
    /// Per second: a client repeats a message under its old id, with the salt of the server's current run.
    repeats: "repeats" = Odds::percent(40),
    /// Per restart of the server: the keys are lost, too.
    key_losses: "key losses" = Odds::percent(30),
    /// Per second: a client restarts with its key only.
    client_restarts: "client restarts" = Odds::percent(2),
    /// Per second: a client restarts and resumes from saved state.
    client_resumes: "client resumes" = Odds::percent(5),
    /// Per pause between calls: it takes up to five hours, so that salts expire.
    long_pauses: "long pauses" = Odds::percent(10),

    // Applications.

    /// Per call: it is canceled after a while.
    cancels: "cancels" = Odds::percent(30),
    /// Per call: it must run after another one.
    chains: "chains" = Odds::percent(40),
    /// Per call: it must not run twice.
    once_calls: "once" = Odds::percent(50),
    /// Per call: the server answers late or never.
    late_answers: "late answers" = Odds::percent(20),
    /// Per call: the server answers with an error.
    error_answers: "error answers" = Odds::percent(30),
    /// Per call: its body or its answer is long.
    long_bodies: "long bodies" = Odds::percent(20),
    /// Per second: the server pushes a few updates.
    pushes: "pushes" = Odds::percent(30),
}

impl Faults {
    /// Returns odds of zero for all faults.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }
}

/// Prints the active faults only.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (name, odds) in self.list().filter(|(_, odds)| odds.is_possible()) {
            if !core::mem::take(&mut first) {
                f.write_str(", ")?;
            }
            write!(f, "{name} {odds}")?;
        }
        if first { f.write_str("none") } else { Ok(()) }
    }
}

/// Maximum duration of a stall.
pub(crate) const STALL_MAX: Duration = Duration::from_secs(40);
/// Maximum delay by jitter.
pub(crate) const JITTER_MAX: Duration = Duration::from_secs(3);
/// Maximum initial error of a wall clock and maximum jump of a client's clock, in seconds.
pub(crate) const SKEW_MAX_S: u64 = 86_400;
/// Maximum forward jump of the server's clock, in seconds.
pub(crate) const SERVER_JUMP_MAX_S: u64 = 3600;
/// Maximum lag of the server's clock behind its latest time, in seconds.
pub(crate) const SERVER_BACK_MAX_S: u64 = 15;
/// Maximum suspension of a client.
pub(crate) const SLEEP_MAX: Duration = Duration::from_secs(7200);
/// Maximum pause between calls.
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(5 * 3600);
/// Maximum time until a killed server is started again.
pub(crate) const DOWN_MAX: Duration = Duration::from_secs(40);
/// Maximum time in which the store of a server that may be killed acknowledges a change.
pub(crate) const STORE_MAX: Duration = Duration::from_millis(400);
/// Maximum duration of a slow reconnection.
pub(crate) const RECONNECT_MAX: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swarm_activates_every_fault_in_some_runs() {
        let mut dice = Dice::new(5);
        let names: Vec<&str> = Faults::none().list().map(|(name, _)| name).collect();
        let mut active = vec![0; names.len()];
        for _ in 0..300 {
            for (count, (_, odds)) in active.iter_mut().zip(Faults::swarm(&mut dice, 3).list()) {
                *count += usize::from(odds.is_possible());
            }
        }
        for (name, count) in names.iter().zip(active) {
            assert!((50..150).contains(&count), "{name}: {count} of 300");
        }
        assert_eq!(Faults::none().to_string(), "none");
    }
}
