//! Record and replay: what was done to a machine as bytes, and the run that it makes again.
//!
//! A machine does nothing but what its inputs make it do, so a log of them is the whole run: a failure in the field comes
//! back on a desk, byte for byte.
//!
//! ```text
//!   config.record ─▶ Client- and ServerMachine ─▶ take_log()     Recorder ─▶ Session, its log()
//!                                          │                                │
//!                                          └──────────────┬─────────────────┘
//!                        read, not run: Timeline ◀── log ─┴─▶ ClientReplay, ServerReplay, Replay
//! ```
//!
//! The log is little-endian, and parts taken one after the other are joined by putting them behind each other:
//!
//! ```text
//!   "mtl2" | machine u32: 0 session, 1 client, 2 server | seed 32 | time | note: len u64, bytes
//!   a client's:      begun u32: 0 without key, 1 key 288, 2 resumed from len u64, bytes
//!   for each input:  kind u32 | time | what belongs to the kind
//!   time:  mono_us u64 | unix_ns u64
//! ```
//!
//! The configuration is not in the log: replayers are given the same again, perhaps made of the note. A machine that is
//! recorded draws all its randomness from the log's seed. What a client or a server wrote is in the log as lengths
//! and check sums, so that a replay notices where it becomes another run.
//!
//! A log holds the keys that were given to the machine, and the seed of those that it made: it is as secret as they are.
//!
//! | module | idea |
//! |---|---|
//! | `head`, `field` | the format |
//! | `session`, `client`, `server` | what can be done to each, and what comes of it |
//! | `run` | a session recorded and run again |
//! | `timeline` | what was done when |

pub(crate) mod client;
mod field;
pub(crate) mod head;
mod run;
pub(crate) mod server;
mod session;
mod timeline;

pub use client::{ClientInput, ClientOutcome, ClientReplay, ClientStep};
pub use field::Written;
pub use head::{Head, MachineKind};
pub use run::{LogError, Recorder, Replay, Step};
pub use server::{ServerInput, ServerOutcome, ServerReplay, ServerStep};
pub use session::{Input, Outcome};
pub use timeline::{Moment, Timeline, What};
