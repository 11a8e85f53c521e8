//! The TL schema compiler: for anyone who has a `.tl` file, or bytes, and wants to know what they say.
//!
//! It parses, checks, prints, compares and merges schemas, writes Rust for them, and translates between bytes
//! and JSON by a schema that is loaded at run time. It does not encode or decode by itself what the
//! generated types do: that is `mtp-tl`, their runtime; and nothing here is needed once a program is built,
//! apart from the dynamic codec.
//!
//! ```text
//!   .tl text ──parse──▶ Schema ──Model::new──▶ Model ──Generator──▶ Rust
//!   JSON form ─json──▶  │ ▲                      └────Codec──▶ bytes ⇄ JSON values
//!                       │ └ merge
//!                       ├─ print, to_json, diff
//!                       └─ check ──▶ Report: file, line, column, caret
//! ```
//!
//! ```
//! use mtp_schema::{check, diagnostic::Report, dynamic::Codec, id::IdRule, model::Model, parse_text, source::Sources};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = "peerUser user_id:long = Peer; message from:Peer text:string = Message;";
//! let schema = parse_text("small.tl", text, IdRule::Api)?;
//! assert!(check(&schema).is_empty());
//!
//! let codec = Codec::new(Model::new(&schema).map_err(|found| Report::new(Sources::new(), found))?);
//! let value = serde_json::json!({
//!     "_": "message", "from": { "_": "peerUser", "user_id": "7" }, "text": "hello"
//! });
//! let ty = codec.model().type_of("Message")?;
//! let bytes = codec.encode(&ty, &value)?;
//! assert_eq!(codec.decode(&ty, &bytes)?.value, value);
//! # Ok(())
//! # }
//! ```
//!
//! | module | idea |
//! |---|---|
//! | [`source`], [`diagnostic`] | files, places in them, and what is to be said about them |
//! | [`tree`] | what was written |
//! | [`id`] | constructor ids by both rules |
//! | [`mod@print`] | the canonical form |
//! | [`files`], [`merge`] | many files, one schema |
//! | [`diff`] | what changed between two |
//! | [`json`] | the official JSON form |
//! | [`model`] | the schema with its names resolved |
//! | [`generate`] | Rust for a `build.rs` or a file |
//! | [`dynamic`] | bytes ⇄ JSON |
//! | [`command`] | what the commands of `mtp` do |
//! | [`fuzz`] | promises as functions |
//!
//! | feature | adds |
//! |---|---|
//! | `json` (default) | [`json`], differences as JSON; `serde_json` |
//! | `dynamic` (default) | [`dynamic`], [`command`], [`fuzz`]; `flate2`, `mtp-tl` |
//!
//! Without features there are no dependencies, which is what a `build.rs` wants.
//!
//! No text and no bytes panic. Errors in a schema come as a [`diagnostic::Report`] with all of them at once,
//! errors in values with their offset or path; every limit is a documented constant or a field of
//! [`dynamic::Limits`].
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod check;
pub mod diagnostic;
pub mod diff;
#[cfg(feature = "dynamic")]
pub mod dynamic;
pub mod files;
pub mod generate;
pub mod id;
#[cfg(feature = "json")]
pub mod json;
mod layers;
mod lexer;
pub mod merge;
pub mod model;
mod parser;
pub mod print;
pub mod source;
pub mod tree;

pub use check::check;
pub use parser::{parse, parse_text};
