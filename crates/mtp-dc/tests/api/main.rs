//! The API by itself: every call is written and every answer read by a schema loaded at run time,
//! so that no answer can be malformed in a way its own encoder would not notice.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::format_collect,
    clippy::needless_pass_by_value,
    reason = "tests"
)]

mod chat;
mod desk;
mod files;
mod help;
mod layers;
mod login;
