//! Record and replay of a client.
//!
//! A machine is a function of its inputs, so a log of them is the whole run: a failure in the field is reproduced on a
//! desk byte for byte.
//!
//! ```text
//!   RecordedClient ──▶ take_log() ──▶ log ──┬──▶ ClientReplay   runs the client again, input by input
//!    └ ClientMachine                        └──▶ Timeline       lists the inputs
//! ```
//!
//! The log is little-endian. Parts returned by successive calls of [`RecordedClient::take_log`] are concatenated.
//!
//! ```text
//!   "mtl2" | machine u32: 1 client | seed 32 | time | note: len u64, bytes
//!   origin u32: 0 no key, 1 key 288, 2 saved state: len u64, bytes
//!   for each input:  kind u32 | time | arguments
//!   time:  mono_us u64 | unix_ns u64
//! ```
//!
//! The log does not hold the configuration: a replay needs the same one, for example rebuilt from the note. A recorded
//! client draws all its randomness from the log's seed. The bytes it wrote are logged as length and checksum, so that a
//! replay detects where it diverges.
//!
//! A log holds the keys given to the client and the seed of those it created: it is as secret as they are.

mod client;
mod error;
mod field;
mod head;
mod input;
mod replay;
mod timeline;

pub use client::RecordedClient;
pub use error::LogError;
pub use field::Written;
pub use head::Head;
pub use input::ClientInput;
pub use replay::{ClientOutcome, ClientReplay, ClientStep};
pub use timeline::{Moment, Timeline};
