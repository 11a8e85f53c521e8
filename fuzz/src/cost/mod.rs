//! What a peer's bytes cost: work, memory and output in proportion to what was received.
//!
//! ```text
//!   fuzzer ─▶ Attacker: fans, chains, floods, duplicates, packed ─▶ sealed packets ─▶ the machine under test
//!                                                                          │
//!   new maxima are new coverage ◀── Gauge: work, allocated, live, sent ◀───┘
//!                                     └─▶ panics above the constants of its Rates
//! ```
//!
//! The constants are in `docs/limits.md`. Each target also takes a change of the configuration, with which tests break a
//! rule on purpose and show that the search notices.

mod attacker;
mod client;
mod gauge;
mod many;
mod relay;
mod session;

pub use client::{cost_client, cost_client_with};
pub use gauge::{Largest, largest};
pub use many::{cost_center, cost_center_with, cost_server, cost_server_with};
pub use relay::{cost_relay, cost_relay_with};
pub use session::{cost_session, cost_session_with};
