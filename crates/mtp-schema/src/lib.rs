//! A compiler for TL schemas.
//!
//! It parses, checks, prints, compares and merges schemas, generates Rust, and translates between bytes and JSON with a
//! schema that is loaded at run time. Generated types are encoded and decoded by `mtp-tl`. A program needs this crate to
//! be built, and at run time only for the dynamic codec.
//!
//! ```text
//!   .tl text ──parse──▶ Schema ──Model::new──▶ Model ──Generator──▶ Rust
//!   JSON form ─json──▶  │ ▲                      └────Codec──▶ bytes ⇄ JSON values
//!                       │ └ merge
//!                       ├─ print, to_json, diff
//!                       └─ check ──▶ SchemaReport: file, line, column, caret
//! ```
//!
//! ```
//! use mtp_schema::{check, diagnostic::SchemaReport, dynamic::Codec, id::IdRule, model::Model, parse_text, source::Sources};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = "peerUser user_id:long = Peer; message from:Peer text:string = Message;";
//! let schema = parse_text("small.tl", text, IdRule::Api)?;
//! assert!(check(&schema).is_empty());
//!
//! let codec = Codec::new(Model::new(&schema).map_err(|found| SchemaReport::new(Sources::new(), found))?);
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
//! | module | contents |
//! |---|---|
//! | [`source`], [`diagnostic`] | source files, spans, findings and reports |
//! | [`tree`] | the syntax tree |
//! | [`id`] | constructor ids by both rules |
//! | [`mod@print`] | the canonical form |
//! | [`files`], [`merge`] | several files as one schema |
//! | [`diff`] | differences between two schemas |
//! | [`json`] | the official JSON form |
//! | [`model`] | a schema with its names resolved |
//! | [`generate`] | Rust code for a `build.rs` or a file |
//! | [`dynamic`] | bytes ⇄ JSON |
//!
//! | feature | adds |
//! |---|---|
//! | `json` (default) | [`json`], differences as JSON; depends on `serde_json` |
//! | `dynamic` (default) | [`dynamic`]; depends on `flate2` and `mtp-tl` |
//!
//! Without features the crate has no dependencies, so that a `build.rs` is quick to build.
//!
//! No input panics. A [`diagnostic::SchemaReport`] holds all errors of a schema; errors in values have an offset or a
//! path. Every limit is a documented constant or a field of [`dynamic::Limits`].
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
