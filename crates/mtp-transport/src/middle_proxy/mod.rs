//! Links between proxies and middle proxies: how promoted channels and media reach clients.
//!
//! ```text
//!  client ──▶ relay ──▶ pool ══ link ══▶ door ──▶ data center
//!            packets    many clients,    packets of each client
//!                       few links
//! ```
//!
//! A proxy in the middle mode decodes the packets of its clients and sends each in a request that names
//! the client. One link carries many clients. The answers come back on the same link.
//!
//! | module | contents |
//! |---|---|
//! | [`link`] | one link, both ends: key exchange, frames, pings |
//! | [`pool`] | many clients over few links |
//! | [`rpc`] | the messages of a link |
//! | [`clusters`] | the published configuration |
//! | [`door`] | the middle proxy: requests to packets of clients |
//! | [`keys`] | key derivation |
//! | [`secret`] | the secret that both ends share |

mod cbc;
mod checksum;
pub mod clusters;
pub mod door;
mod error;
mod frames;
mod hello;
pub mod keys;
pub mod link;
pub mod pool;
pub mod rpc;
pub mod secret;

pub use hello::ProcessId;
