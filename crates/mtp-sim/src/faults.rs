//! Everything that can go wrong, in one list.

use core::fmt;
use core::time::Duration;

use crate::dice::{Dice, Odds};

macro_rules! faults {
    ($($(#[$meta:meta])* $name:ident: $text:literal = $strength:expr,)*) => {
        /// How likely each fault is. Each run activates some of them ([`Faults::swarm`]).
        ///
        /// "For each packet" means each packet carried, "in a second" each second of virtual time.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[expect(clippy::exhaustive_structs, reason = "the list of faults, for tests to fill in")]
        pub struct Faults {
            $($(#[$meta])* pub $name: Odds,)*
        }

        impl Faults {
            /// Draws which faults are active in a run, and how strongly: each with the odds of one in
            /// `spread`. All of them at once would hide one behind another.
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

            /// Returns every fault at its strongest, to pick from.
            #[must_use]
            pub const fn strongest() -> Self {
                Self { $($name: $strength,)* }
            }

            /// Returns the names of the faults, and how likely each is.
            pub fn list(&self) -> impl Iterator<Item = (&'static str, Odds)> {
                [$(($text, self.$name),)*].into_iter()
            }
        }
    };
}

faults! {
    // What the network does to packets, on links that carry packets.

    /// For each packet: it does not arrive.
    loss: "loss" = Odds::percent(20),
    /// For each packet: it arrives twice.
    duplication: "duplication" = Odds::percent(20),
    /// For each packet: it arrives after later ones.
    reordering: "reordering" = Odds::percent(20),
    /// For each packet: some of its bits arrive flipped.
    bit_flips: "bit flips" = Odds::percent(5),

    // What the network does to all links.

    /// For each piece of bytes: it is cut into pieces at arbitrary positions, some of one byte.
    chunking: "chunking" = Odds::percent(100),
    /// For each packet: it takes up to three seconds more.
    jitter: "jitter" = Odds::percent(50),
    /// For each packet: this direction stands still for up to 40 seconds.
    stalls: "stalls" = Odds::percent(2),
    /// In a second: a link is cut, in the middle of whatever it carries.
    cuts: "cuts" = Odds::percent(10),
    /// For each cut: only one side notices.
    half_open: "half open" = Odds::percent(80),
    /// For each reconnection: it takes up to a minute.
    slow_reconnects: "slow reconnects" = Odds::percent(40),

    // What an attacker on the path does, who does not have the key.

    /// For each packet: an older one of the same direction follows it.
    replays: "replays" = Odds::percent(5),
    /// In a second: a packet of random bytes, plain or under the right key id.
    garbage: "garbage" = Odds::percent(10),
    /// In a second: a forged transport error.
    forged_errors: "forged errors" = Odds::percent(3),
    /// In a second: a packet goes back to its sender.
    reflections: "reflections" = Odds::percent(4),

    // What a peer does that has the key but is no honest implementation.

    /// In a second: a sealed service message for the client that names nothing of its own.
    strange_messages: "strange messages" = Odds::percent(30),
    /// In a second: a sealed packet for another session of the same key, to either side.
    strange_sessions: "strange sessions" = Odds::percent(4),

    // What clocks do.

    /// At the start: a side's wall clock is wrong by up to a day.
    skew: "skew" = Odds::percent(100),
    /// In a second: a client's wall clock is set, by up to a day.
    client_jumps: "client clock jumps" = Odds::percent(3),
    /// In a second: the server's wall clock is set forward by up to an hour, or a little back.
    server_jumps: "server clock jumps" = Odds::percent(2),
    /// In a second: a client sleeps for up to two hours, and its monotonic clock with it.
    hibernation: "hibernation" = Odds::percent(2),

    // What hosts do.

    /// In a second: the server forgets all sessions while links stay up.
    forgetting: "forgetting" = Odds::percent(5),
    /// In a second: the server restarts; keys are stored, sessions are not.
    server_restarts: "server restarts" = Odds::percent(2),
    /// For each restart of the server: the keys are lost as well.
    key_losses: "key losses" = Odds::percent(30),
    /// In a second: a client restarts with nothing but its key.
    client_restarts: "client restarts" = Odds::percent(2),
    /// In a second: a client restarts from what it saved.
    client_resumes: "client resumes" = Odds::percent(5),
    /// For each pause between calls: it takes up to five hours, so that salts change.
    long_pauses: "long pauses" = Odds::percent(10),

    // What applications do.

    /// For each call: it is cancelled after a while.
    cancels: "cancels" = Odds::percent(30),
    /// For each call: it must run after another one.
    chains: "chains" = Odds::percent(40),
    /// For each call: it must not run twice.
    once_calls: "once" = Odds::percent(50),
    /// For each call: the server takes long to answer, or never does.
    late_answers: "late answers" = Odds::percent(20),
    /// For each call: the server answers with an error.
    error_answers: "error answers" = Odds::percent(30),
    /// For each call: it, or its answer, is long.
    long_bodies: "long bodies" = Odds::percent(20),
    /// In a second: the server pushes a few updates.
    pushes: "pushes" = Odds::percent(30),
}

impl Faults {
    /// Returns no faults.
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

/// The longest that a stall lasts.
pub const STALL_MAX: Duration = Duration::from_secs(40);
/// The most that jitter adds.
pub const JITTER_MAX: Duration = Duration::from_secs(3);
/// The most by which a wall clock is wrong, or jumps at a client.
pub const SKEW_MAX_S: u64 = 86_400;
/// The most by which a server's clock jumps.
pub const SERVER_JUMP_MAX_S: u64 = 3600;
/// The most by which it is behind what it has shown before.
pub const SERVER_BACK_MAX_S: u64 = 15;
/// The longest sleep of a client.
pub const SLEEP_MAX: Duration = Duration::from_secs(7200);
/// The longest pause between calls.
pub const PAUSE_MAX: Duration = Duration::from_secs(5 * 3600);
/// The longest that a slow reconnection takes.
pub const RECONNECT_MAX: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_gets_its_turn_and_none_is_always_on() {
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
