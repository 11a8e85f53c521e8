//! Record and replay: a session's inputs as bytes, and the run that they make again.
//!
//! A session does nothing but what its inputs make it do, so a log of them is the whole run: a failure in the field comes
//! back on a desk, byte for byte.
//!
//! ```text
//!   Input ──▶ Recorder ──▶ Session ──▶ Outcome, packet bytes
//!                │
//!                ▼ log
//!             Replay  ───▶ Session ──▶ the same
//! ```
//!
//! The log is little-endian:
//!
//! ```text
//!   "mtl1" | seed 32 | time
//!   for each input:  kind u32 | time | what belongs to the kind
//!   time:  mono_us u64 | unix_ns u64
//! ```
//!
//! How the session is made is not in the log: the same maker, hence the same configuration, is given to both sides. A
//! log holds the keys that were given to the session, and is as secret.

mod input;
mod run;

pub use input::{Input, Outcome};
pub use run::{LogError, Recorder, Replay, Step};

/// The first bytes of a log: a name and the format's version.
const MAGIC: [u8; 4] = *b"mtl1";
