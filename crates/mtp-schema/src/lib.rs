//! Starts here.

mod check;
pub mod diagnostic;
pub mod diff;
pub mod dynamic;
pub mod generate;
pub mod id;
pub mod json;
mod lexer;
pub mod merge;
pub mod model;
mod parser;
pub mod print;
pub mod source;
pub mod tree;

pub use check::check;
pub use parser::{parse, parse_text};
