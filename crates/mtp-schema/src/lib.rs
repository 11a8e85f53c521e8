//! Starts here.

pub mod diagnostic;
pub mod id;
mod lexer;
mod parser;
pub mod print;
pub mod source;
pub mod tree;

pub use parser::{parse, parse_text};
