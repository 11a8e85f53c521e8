//! Whole stacks, one type for each side.

mod error;

pub use error::{LinkError, SendError};
