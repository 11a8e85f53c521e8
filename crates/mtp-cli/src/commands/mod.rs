//! One module for each command.

pub(crate) mod bench;
pub(crate) mod client;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod keygen;
pub(crate) mod link;
pub(crate) mod middle;
mod middle_mode;
pub(crate) mod proxy;
pub(crate) mod replay;
pub(crate) mod schema;
pub(crate) mod server;
pub(crate) mod tl;
