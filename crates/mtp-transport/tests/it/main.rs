//! Tests of the public interface. `allocations` is a binary of its own: it counts the allocations of
//! its process.
#![allow(
    clippy::format_collect,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a failing test panics"
)]

mod detection;
mod errors;
mod framing_values;
mod framing_vectors;
mod links;
mod middle_files;
mod middle_link;
mod middle_net;
mod middle_path;
mod obfuscation_vectors;
mod pair;
mod proxy_protocol;
mod proxy_vectors;
mod relay;
mod splits;
mod vectors;
