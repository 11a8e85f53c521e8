//! MTProto on tokio: drivers that own sockets and clocks for the machines of `mtp-proto` and `mtp-server`.
//!
//! For applications, authors of servers and operators of proxies. Drivers hold no protocol: a client's task
//! and a server's tasks move bytes, read clocks and wait. What is sent, when it is repeated and what it means
//! is decided in `mtp-session`. Keys are stored by `mtp-store`.
//!
//! ```text
//!   Client handle ── calls ──▶ ┌ task ────────────────┐ ◀─ bytes ─▶ TcpStream
//!                 ◀─ answers ─ │ ClientHub + Clock    │
//!   Notices       ◀─ updates ─ └──────────────────────┘
//!
//!   Server ── one task a socket ──▶ Mutex<Endpoint> ◀── ServerHandle, one task for time
//! ```
//!
//! ```no_run
//! use mtp_tokio::crypto::DcId;
//! use mtp_tokio::crypto::exchange::RsaPublicKey;
//! use mtp_tokio::session::client::{ClientConfig, RequestOptions};
//! use mtp_tokio::transport::framing::Framing;
//! use mtp_tokio::transport::link::Stack;
//! use mtp_tokio::{Client, ClientOptions, InvokeError};
//!
//! /// Connects to data center 2, makes one call and returns the bytes of its answer.
//! async fn ask(server_key: RsaPublicKey, call: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
//!     let config = ClientConfig::new(DcId::new(2), [server_key].into());
//!     let stack = Stack::Plain(Framing::Intermediate);
//!     let (client, _notices) = Client::start(ClientOptions::new("dc2.example.org:443", stack, config));
//!     let answer = client.invoke_raw(call, RequestOptions::new()).await;
//!     client.close().await;
//!     answer
//! }
//! # fn main() {}
//! ```
//!
//! | item | idea |
//! |---|---|
//! | [`Client`], [`Pool`] (feature `client`) | a client of one data center, with reconnection; a pool of several |
//! | `Server`, `ServerHandle` (feature `server`) | an endpoint behind a listener |
//! | `Proxy` (feature `proxy`) | an MTProxy behind a listener |
//! | `MiddleProxies`, `MiddleServer` (feature `proxy`) | links of a proxy to middle proxies; a middle proxy |
//! | `datagram` (feature `datagram`) | packets in UDP, experimental |
//! | `metrics` (feature `metrics`) | counters as a page for Prometheus, and a listener for it |
//! | [`Destination`] | connecting to names with several addresses |
//! | [`Clock`] | the two clocks |
//! | [`store`] | `mtp-store`, whole: keys that survive a restart |
//! | [`session`], [`transport`], [`crypto`], [`mod@env`], [`tl`] | the crates below, whole: one import is enough |
//!
//! | feature | adds |
//! |---|---|
//! | `kernels` (default) | the processor's instructions for encryption |
//! | `client` (default) | `Client`, `Pool` |
//! | `server` | `Server`, `ServerHandle`; they drive `mtp-server` |
//! | `proxy` | `Proxy`, `MiddleProxies`, `MiddleServer` |
//! | `datagram` | `Client::start_datagram`, `Server::listen_datagram` |
//! | `redb` | `store::DatabaseStore` |
//! | `metrics` | `Server::metrics`, `Proxy::metrics`, `metrics::Exporter` |
//! | `tracing` | a span for each connection and client, events at level debug |
//!
//! Dependencies: `tokio` for sockets, time and tasks; `zeroize` because saved clients are secret; what the
//! features name. Received bytes never panic; what a peer can make a driver hold is bounded by options.

#[cfg(any(feature = "client", feature = "server"))]
mod chain;
#[cfg(feature = "client")]
mod client;
mod clock;
#[cfg(feature = "datagram")]
pub mod datagram;
mod dial;
#[cfg(any(feature = "server", feature = "proxy"))]
mod listen;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "proxy")]
mod middle;
#[cfg(feature = "proxy")]
mod proxy;
#[cfg(feature = "server")]
mod server;
#[cfg(any(feature = "client", feature = "server", feature = "proxy"))]
mod trace;

#[cfg(feature = "client")]
pub use client::pool::Pool;
#[cfg(feature = "client")]
pub use client::{
    Client, ClientLog, ClientOptions, InvokeError, Notice, Notices, RefusalCause, Saved, Setback,
};
pub use clock::Clock;
pub use dial::{ADDRESSES_MAX, Destination};
#[cfg(feature = "proxy")]
pub use middle::{
    MiddleMode, MiddleNotice, MiddleObserver, MiddleProxies, MiddleServer, MiddleServerNotice,
    MiddleServerObserver, MiddleServerOptions,
};
#[cfg(feature = "proxy")]
pub use proxy::{Proxy, ProxyGate, ProxyNotice, ProxyObserver, ProxyOptions};
#[cfg(feature = "server")]
pub use server::{
    EventHandler, Listener, ServeError, Server, ServerHandle, ServerNotice, ServerObserver,
    ServerOptions,
};

pub use mtp_proto::{crypto, env, session, tl, transport};
#[cfg(any(feature = "client", feature = "server"))]
pub use mtp_store as store;

/// The pages whose code is compiled with this crate's documentation tests.
#[cfg(all(doctest, feature = "client", feature = "server"))]
mod pages {
    #[doc = include_str!("../../../README.md")]
    struct Readme;

    #[doc = include_str!("../../../docs/embedding.md")]
    struct Embedding;
}
