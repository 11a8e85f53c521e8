//! Behavior tests of the crate's public API; one module per behavior.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::std_instead_of_core,
    clippy::precedence,
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    clippy::similar_names,
    clippy::struct_excessive_bools,
    clippy::match_same_arms,
    clippy::type_complexity,
    clippy::single_match_else,
    clippy::wildcard_imports,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

mod bounded;
mod bounded_client;
mod client_keys;
mod client_messages;
mod containers;
mod errors;
mod exchanges;
mod field_defects;
mod handshake_behavior;
mod handshake_damage;
mod handshake_transcripts;
mod handshake_violations;
mod http_long_poll;
mod idle_memory;
mod invariants;
mod limits;
mod limits_client;
mod limits_server;
mod peers;
mod pings;
mod recording;
mod refusals;
mod restarts;
mod resume;
mod roundtrip;
mod server_machine;
mod server_messages;
mod session_violations;
mod simulation_findings;
mod support;
mod traces;
mod version_1;
