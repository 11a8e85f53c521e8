//! Deterministic simulation of MTProto clients and servers over faulty links, for tests of this workspace.
//!
//! There are no sockets, clocks or sleeps: a run is a loop over virtual time. Clients and a server of [`mtp_session`] are
//! checked against each other and against the specification. Other implementations are out of scope.
//!
//! ```text
//!             agenda: calls, cuts, clock changes, restarts …
//!                              │
//!   applications ── Client ══ wire: packets or bytes ══ Server ── application
//!                    │         loss, delay, replay …      │
//!                    └───────── every fact ───────────────┘
//!                                   ▼
//!                  30 invariants ── observer: the reference
//! ```
//!
//! The seed determines everything:
//!
//! ```
//! use mtp_sim::{Scenario, run};
//!
//! let report = run(&Scenario::new(7)).expect("all invariants hold");
//! assert!(report.tally.of("calls run") > 0);
//! let again = run(&Scenario::new(7)).expect("all invariants hold");
//! assert_eq!(report.facts, again.facts);
//! ```
//!
//! | module | content |
//! |---|---|
//! | `scenario` | the parameters of a run |
//! | `faults` | the list of faults |
//! | [`wire`] | links: loss, delay, corruption |
//! | [`clock`], [`dice`] | wrong clocks and seeded random choices |
//! | [`invariants`] | the rules, one function each |
//! | `report`, `tally`, `violation` | results of a run |
//! | [`campaign`] | many seeds on several threads |
//! | [`siege`] | attackers with a key, and what they cost |
//! | `world` | the event loop |
//! | `workload` | the applications |
//! | `observer` | the reference that invariants compare with |
//! | `opened_packet` | decrypted packets |
//!
//! There are no features. A broken invariant and a panic during a run are both a [`Failure`], which prints its seed and
//! the command that replays it. All other code here may panic, because it handles no foreign data.
#![expect(clippy::indexing_slicing, reason = "indices into the simulation's own tables")]

pub mod campaign;
pub mod clock;
pub mod dice;
mod faults;
pub mod invariants;
mod observer;
mod opened_packet;
mod report;
mod scenario;
pub mod siege;
mod tally;
mod violation;
pub mod wire;
mod workload;
mod world;

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use mtp_env::Instant;

pub use faults::Faults;
pub use report::{Failure, Report};
pub use scenario::{HostRule, Keys, Scenario};
pub use tally::Tally;
pub use violation::Violation;

/// Runs a scenario to its end.
///
/// # Errors
/// [`Failure`] if an invariant was broken or the run panicked.
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
    Err(Box::new(Failure { seed: scenario.seed, faults, violation, killing: scenario.killing }))
}

fn panic_text(panic: &(dyn core::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}
