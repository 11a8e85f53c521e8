//! The 27 invariants of the specification and three over restarts of the server. Each is a function of a fact and of the
//! observer's knowledge before it.
//!
//! Invariants over a whole step or run are checked at the facts that end the step or the run. The table [`INVARIANTS`]
//! lists all of them; for those that are not observable here it names the place of the check.

mod calls;
mod ids;
mod links;
mod restarts;
mod salts;
mod server;
mod session;
mod time;

use core::fmt;

use crate::observer::{Fact, Observer};
use crate::violation::Violation;

/// An invariant.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Invariant {
    /// The number in the specification.
    pub number: u8,
    /// The name.
    pub name: &'static str,
    /// Other places of the check.
    pub elsewhere: Option<&'static str>,
    check: fn(&Observer, &Fact<'_>) -> Verdict,
}

impl fmt::Debug for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invariant({}: {})", self.number, self.name)
    }
}

/// The result of a check; the error describes the violation.
pub(crate) type Verdict = Result<(), String>;

/// All invariants of the specification, in its order, then those over restarts of the server.
// spec: session 20
pub const INVARIANTS: [Invariant; 30] = [
    here(1, "client ids increase and match the time", ids::client_ids_increase),
    here(2, "containers are well formed", ids::containers_are_well_formed),
    here(3, "sequence numbers count content-related messages", ids::client_numbers_count),
    here(4, "a call ends once", calls::a_call_ends_once),
    here(5, "an acknowledgment ends no call", calls::only_answers_end_calls),
    here(6, "an update is delivered once", calls::an_update_is_delivered_once),
    here(7, "received messages are acknowledged", session::received_is_acknowledged),
    here(8, "unknown ids change nothing", session::unknown_ids_change_nothing),
    here(9, "a once call runs once", calls::a_once_call_runs_once),
    here(10, "every call ends in time", calls::every_call_ends_in_time),
    here(11, "a new session inherits nothing", session::a_new_session_inherits_nothing),
    here(
        12,
        "sessions are replaced only for a reason",
        session::sessions_are_replaced_for_a_reason,
    ),
    here(13, "only verified messages move the time", time::only_verified_messages_move_the_time),
    both(
        14,
        "memory is bounded",
        links::traffic_is_bounded,
        "calls and packets are counted here, bytes in benches and fuzz targets",
    ),
    not_here(15, "no bytes panic", "the runner catches panics, fuzz targets search for them"),
    here(16, "timers make progress", links::timers_make_progress),
    both(
        17,
        "unpacking is bounded",
        session::unpacking_is_bounded,
        "the gzip tests of mtp-session check limits at plus and minus one",
    ),
    here(18, "messages survive a round trip", ids::messages_survive_a_round_trip),
    here(19, "a call is answered once", server::a_call_is_answered_once),
    here(20, "messages stay until acknowledged", server::messages_stay_until_acknowledged),
    here(21, "server ids increase", ids::server_ids_increase),
    here(22, "refused packets leave no state", server::refused_packets_leave_no_state),
    here(23, "new_session_created comes first", server::new_session_created_comes_first),
    here(24, "two salts are accepted", salts::two_salts_are_accepted),
    here(25, "state info is complete", server::state_info_is_complete),
    here(26, "calls end as planned", calls::calls_end_as_planned),
    here(27, "silent links are closed in time", links::silent_links_are_closed),
    here(28, "a message runs once", restarts::a_message_runs_once),
    here(29, "an acknowledged key is kept", restarts::an_acknowledged_key_is_kept),
    here(30, "a journaled call takes effect once", restarts::a_journaled_call_takes_effect_once),
];

/// Checks a fact against the observer's knowledge before it, then records it.
pub(crate) fn observe(observer: &mut Observer, fact: &Fact<'_>) -> Result<(), Violation> {
    check(observer, fact)?;
    observer.record(fact);
    Ok(())
}

/// Checks a fact against all invariants.
fn check(observer: &Observer, fact: &Fact<'_>) -> Result<(), Violation> {
    for invariant in INVARIANTS.iter().filter(|it| observer.is_checked_by(it.number)) {
        (invariant.check)(observer, fact).map_err(|what| Violation {
            invariant: invariant.number,
            name: invariant.name,
            what,
            at: observer.at,
        })?;
    }
    Ok(())
}

const fn here(
    number: u8,
    name: &'static str,
    check: fn(&Observer, &Fact<'_>) -> Verdict,
) -> Invariant {
    Invariant { number, name, elsewhere: None, check }
}

const fn both(
    number: u8,
    name: &'static str,
    check: fn(&Observer, &Fact<'_>) -> Verdict,
    elsewhere: &'static str,
) -> Invariant {
    Invariant { number, name, elsewhere: Some(elsewhere), check }
}

const fn not_here(number: u8, name: &'static str, elsewhere: &'static str) -> Invariant {
    #[expect(clippy::unnecessary_wraps, reason = "the signature of a check")]
    fn nothing(_: &Observer, _: &Fact<'_>) -> Verdict {
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
    fn invariants_are_sorted_by_number() {
        for (index, invariant) in INVARIANTS.iter().enumerate() {
            assert_eq!(usize::from(invariant.number), index + 1);
        }
    }
}
