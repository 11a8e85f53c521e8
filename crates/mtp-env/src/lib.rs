//! Clock and randomness as arguments, for every sans-IO crate of this workspace.
//!
//! It reads no clock and draws no random byte: drivers build these values once per wake-up and
//! pass them in. `mtp-tokio` and the examples of `mtp-proto` show how.
//!
//! ```text
//!   driver ── Now { mono, unix } ──▶ any state machine ── Deadline { at, reason } ──▶ driver
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
//! | module | idea |
//! |---|---|
//! | [`time`] | two clocks read together, and what a machine waits for |
//! | [`entropy`] | the one thing an embedder implements |
//!
//! No features, no dependencies. Nothing here panics: arithmetic on times saturates.
#![no_std]

extern crate alloc;

pub mod entropy;
pub mod time;

pub use entropy::Entropy;
pub use time::{Deadline, Instant, Now, UnixTime};
