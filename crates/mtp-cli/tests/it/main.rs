//! The program as its users run it: arguments in, output and exit code out.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test panics to fail"
)]

mod bench;
mod demo;
mod keygen;
mod kill;
mod kills;
mod link;
mod manual;
mod middle;
mod old_clients;
mod operating;
mod program;
mod replay;
mod schema;
mod serving;
mod tl;
mod visiting;
