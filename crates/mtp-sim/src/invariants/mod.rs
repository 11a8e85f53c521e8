//! The 27 invariants of the specification, each a function over one fact and what was known before it.
//!
//! An invariant that only the whole run can show is judged at the facts which end a step or the run. The table
//! [`INVARIANTS`] names every one; those that cannot be seen from outside say where they are checked instead.

mod calls;
mod ids;
mod links;
mod salts;
mod server;
mod session;
mod time;

use core::fmt;

use mtp_env::Instant;

use crate::book::{Book, Fact};

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The invariant's number in the specification.
    pub invariant: u8,
    /// Its name.
    pub name: &'static str,
    /// What was seen.
    pub what: String,
    /// When, in true time.
    pub at: Instant,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at.as_micros() / 1_000_000;
        let micros = self.at.as_micros() % 1_000_000;
        let Self { invariant, name, what, .. } = self;
        write!(f, "invariant {invariant} ({name}) broken at {seconds}.{micros:06} s: {what}")
    }
}

impl core::error::Error for Violation {}

/// One invariant.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Invariant {
    /// Its number in the specification.
    pub number: u8,
    /// Its name.
    pub name: &'static str,
    /// Where else than here it is checked.
    pub elsewhere: Option<&'static str>,
    check: fn(&Book, &Fact<'_>) -> Verdict,
}

impl fmt::Debug for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invariant({}: {})", self.number, self.name)
    }
}

/// Whether a fact keeps an invariant; the error says why not.
pub(crate) type Verdict = Result<(), String>;

/// Every invariant of the specification, in its order.
// spec: session 20
pub const INVARIANTS: [Invariant; 27] = [
    here(1, "client ids increase, in time", ids::client_ids_increase),
    here(2, "containers are well formed", ids::containers_are_well_formed),
    here(3, "numbers count what must be acknowledged", ids::client_numbers_count),
    here(4, "a call ends once", calls::a_call_ends_once),
    here(5, "no call ends by an acknowledgement", calls::only_answers_end_calls),
    here(6, "an update is told once", calls::an_update_is_told_once),
    here(7, "what was received is acknowledged", session::received_is_acknowledged),
    here(8, "what names nothing of ours changes nothing", session::strangers_change_nothing),
    here(9, "a once call runs once", calls::a_once_call_runs_once),
    here(10, "every call ends in time", calls::every_call_ends_in_time),
    here(11, "a new session takes nothing over", session::a_new_session_takes_nothing_over),
    here(12, "sessions change for a reason", session::sessions_change_for_a_reason),
    here(13, "time moves by verified messages", time::time_moves_by_verified_messages),
    both(
        14,
        "memory is bounded",
        links::nobody_storms,
        "calls and packets are counted here; bytes in benches and fuzz targets",
    ),
    not_here(15, "no bytes panic", "the runner catches panics; fuzz targets search for them"),
    here(16, "timers make progress", links::timers_make_progress),
    both(
        17,
        "unpacking is bounded",
        session::unpacking_is_bounded,
        "limits at plus and minus one in mtp-session's gzip tests",
    ),
    here(18, "messages read back as written", ids::messages_read_back),
    here(19, "a call is answered once", server::a_call_is_answered_once),
    here(20, "messages stay until acknowledged", server::messages_stay_until_acknowledged),
    here(21, "server ids increase", ids::server_ids_increase),
    here(22, "refused packets leave nothing", server::refused_packets_leave_nothing),
    here(23, "a session begins with its greeting", server::a_session_begins_with_its_greeting),
    here(24, "two salts are accepted", salts::two_salts_are_accepted),
    here(25, "states are told in full", server::states_are_told_in_full),
    here(26, "what was asked comes true", calls::what_was_asked_comes_true),
    here(27, "silent links are closed in time", links::silent_links_are_closed),
];

/// Lets every invariant judge a fact.
pub(crate) fn check(book: &Book, fact: &Fact<'_>) -> Result<(), Violation> {
    for invariant in INVARIANTS.iter().filter(|it| book.is_judged_by(it.number)) {
        (invariant.check)(book, fact).map_err(|what| Violation {
            invariant: invariant.number,
            name: invariant.name,
            what,
            at: book.at,
        })?;
    }
    Ok(())
}

const fn here(number: u8, name: &'static str, check: fn(&Book, &Fact<'_>) -> Verdict) -> Invariant {
    Invariant { number, name, elsewhere: None, check }
}

const fn both(
    number: u8,
    name: &'static str,
    check: fn(&Book, &Fact<'_>) -> Verdict,
    elsewhere: &'static str,
) -> Invariant {
    Invariant { number, name, elsewhere: Some(elsewhere), check }
}

const fn not_here(number: u8, name: &'static str, elsewhere: &'static str) -> Invariant {
    #[expect(clippy::unnecessary_wraps, reason = "it stands among checks that can fail")]
    fn nothing(_: &Book, _: &Fact<'_>) -> Verdict {
        Ok(())
    }
    Invariant { number, name, elsewhere: Some(elsewhere), check: nothing }
}

/// Fails with a message unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}
pub(crate) use ensure;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        for (index, invariant) in INVARIANTS.iter().enumerate() {
            assert_eq!(usize::from(invariant.number), index + 1);
        }
    }
}
