//! Deterministic simulation of MTProto clients and servers over bad links, for tests of this workspace.
//!
//! It opens no socket, reads no clock and waits for nothing: a run is a loop over virtual time. It checks
//! [`mtp_session`]'s clients and server against each other and against what the specification says of both; other
//! implementations are not its business.
//!
//! ```text
//!             agenda: calls, cuts, clocks set, restarts …
//!                              │
//!   applications ── Client ══ wire: packets or bytes ══ Server ── application
//!                    │         loss, delay, replay …      │
//!                    └───────── every fact ───────────────┘
//!                                   ▼
//!                     27 invariants ── book: the reference
//! ```
//!
//! Everything follows from one number:
//!
//! ```
//! use mtp_sim::{Scenario, run};
//!
//! let report = run(&Scenario::new(7)).expect("all invariants hold");
//! assert!(report.tally.of("calls run") > 0);
//! let again = run(&Scenario::new(7)).expect("and again");
//! assert_eq!(report.facts, again.facts);
//! ```
//!
//! | module | idea |
//! |---|---|
//! | [`scenario`] | what a run is made of |
//! | [`faults`] | everything that can go wrong, in one list |
//! | [`wire`] | links: what becomes of what is sent |
//! | [`clock`], [`dice`] | wrong time and seeded choice |
//! | [`invariants`] | the rules, each a function |
//! | [`report`] | what a run came to |
//! | [`campaign`] | many seeds over several threads |
//! | `world`, `workload`, `book`, `letter` | the loop, the applications, the reference, the packets |
//!
//! No features. A broken invariant and a panic in a run are both a [`Failure`], which prints its seed and the
//! command that replays it; everything else here may panic, for it only sees its own data.
#![allow(
    clippy::similar_names,
    clippy::single_match_else,
    clippy::semicolon_if_nothing_returned,
    clippy::unnecessary_wraps,
    clippy::type_complexity,
    clippy::needless_pass_by_value,
    clippy::redundant_closure_for_method_calls,
    clippy::manual_is_multiple_of,
    clippy::std_instead_of_core,
    reason = "matters of taste, in a tool that only tests use"
)]
#![expect(clippy::indexing_slicing, reason = "indices of a simulation's own tables")]

mod book;
pub mod campaign;
pub mod clock;
pub mod dice;
pub mod faults;
pub mod invariants;
mod letter;
pub mod report;
pub mod scenario;
pub mod wire;
mod workload;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use mtp_env::Instant;

pub use faults::Faults;
pub use invariants::Violation;
pub use report::{Failure, Report, Tally};
pub use scenario::{Keys, Scenario};

/// Runs a scenario to its end.
///
/// # Errors
/// [`Failure`]: an invariant was broken, or something panicked.
pub fn run(scenario: &Scenario) -> Result<Report, Box<Failure>> {
    let faults = world::World::faults_of(scenario);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut world = world::World::new(scenario);
        world.run().map(|()| world.report(scenario.seed))
    }));
    let violation = match outcome {
        Ok(Ok(report)) => return Ok(report),
        Ok(Err(violation)) => violation,
        Err(panic) => Violation {
            invariant: 15,
            name: "no bytes panic",
            what: panic_text(panic.as_ref()),
            at: Instant::default(),
        },
    };
    Err(Box::new(Failure { seed: scenario.seed, faults, violation }))
}

fn panic_text(panic: &(dyn core::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}
