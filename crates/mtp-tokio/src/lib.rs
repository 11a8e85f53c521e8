//! MTProto on tokio: the drivers that own sockets and clocks for the machines of `mtp-proto`.
//!
//! They hold no protocol of their own: a client's task and a server's tasks move bytes, read clocks
//! and wait. What is sent, when it is repeated and what it means is decided in `mtp-session`.
//!
//! ```text
//!   Client handle ── calls ──▶ ┌ task ─────────────────────┐ ◀─ bytes ─▶ TcpStream
//!                 ◀─ answers ─ │ ClientConnection + Clock  │
//!   Notices       ◀─ updates ─ └───────────────────────────┘
//!
//!   Server ── one task a socket ──▶ Mutex<DataCenter> ◀── one task for time
//! ```
//!
//! | module | idea |
//! |---|---|
//! | [`client`] | a client of one data centre, with reconnection |
//! | [`server`] | a data centre behind a listener |
//! | [`proxy`] | an MTProxy behind a listener |
//! | [`store`] | keys that survive a restart: memory, sealed file, database |
//! | [`datagram`] | packets in UDP, experimental |
//! | [`clock`] | the two clocks |
//! | `metrics` (feature `metrics`) | counters as a page for Prometheus, and a listener for it |
//!
//! | feature | adds |
//! |---|---|
//! | `kernels` (default) | what the processor offers for encryption |
//! | `redb` | `store::DatabaseStore` |
//! | `metrics` | `Server::metrics`, `Proxy::metrics`, `metrics::Exporter` |
//! | `tracing` | a span for each connection and client, events at level debug |
//!
//! Dependencies: `tokio` for sockets, time and tasks; `zeroize` because stores handle keys; what the
//! features name.

pub mod client;
pub mod clock;
pub mod datagram;
mod listen;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod proxy;
pub mod server;
pub mod store;
mod trace;

pub use client::pool::Pool;
pub use client::{Client, ClientOptions, InvokeError, Notice, Notices, Saved};
pub use clock::Clock;
pub use proxy::{Proxy, ProxyObserver, ProxyOptions};
pub use server::{Server, ServerOptions};

/// The page whose code is compiled with this crate's documentation tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/embedding.md")]
    struct Embedding;
}
