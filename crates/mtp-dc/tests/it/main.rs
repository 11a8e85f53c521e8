//! The API alone: a schema loaded at run time encodes every call and decodes every answer, so that a
//! mistake of the API's own encoders cannot go unnoticed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::format_collect,
    clippy::needless_pass_by_value,
    reason = "tests"
)]

mod center;
mod chat;
mod desk;
mod files;
mod guesses;
mod help;
mod layers;
mod limits;
mod login;
