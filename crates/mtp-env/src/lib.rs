//! Time and randomness as values, for every sans-IO crate of this workspace.
//!
//! This crate reads no clock and generates no random bytes. A driver reads its clocks once per
//! wake-up, builds a [`Now`] and passes it in; `mtp-tokio` and the examples of `mtp-proto` show how.
//!
//! ```text
//!   driver ── Now { mono, unix } ──▶ state machine ── Deadline { at, reason } ──▶ driver
//!   driver ── Entropy, once at construction ──▶
//! ```
//!
//! ```
//! use core::time::Duration;
//! use mtp_env::{Deadline, Instant, Now, UnixTime};
//!
//! let now = Now { mono: Instant::from_micros(5_000_000), unix: UnixTime::from_secs(1_700_000_000) };
//! let ping = Deadline::new(now.mono + Duration::from_secs(60), "ping");
//! let acks = Deadline::new(now.mono + Duration::from_secs(30), "acks");
//! assert_eq!(Deadline::earliest(Some(ping), Some(acks)), Some(acks));
//! assert_eq!(acks.at.saturating_since(now.mono), Duration::from_secs(30));
//! ```
//!
//! | type | meaning |
//! |---|---|
//! | [`Now`] | both clocks, read together |
//! | [`Instant`], [`UnixTime`] | a monotonic clock for timers, a wall clock for message ids and salts |
//! | [`Deadline`] | when a machine wants to be called, and for which timer |
//! | [`Work`], [`Meter`] | what a step costs, in units that do not depend on the clock |
//! | [`Entropy`] | a source of random bytes, the only trait an embedder implements |
//!
//! No features, no dependencies. Nothing panics: time arithmetic saturates.
#![no_std]

extern crate alloc;

mod entropy;
mod time;
mod work;

pub use entropy::Entropy;
pub use time::{Deadline, Instant, Now, UnixTime};
pub use work::{Meter, Work};
