//! Schemas as text and JSON, and the dynamic codec.

mod dynamic;
mod text;

pub(crate) use dynamic::REFUSING;
pub use dynamic::{dynamic_bytes, dynamic_json};
pub use text::{schema_generate, schema_json, schema_pair, schema_text};
