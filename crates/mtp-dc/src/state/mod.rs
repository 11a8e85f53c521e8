//! What the data center remembers, in memory.

pub(crate) mod accounts;
pub(crate) mod exports;
pub(crate) mod files;
pub(crate) mod guesses;
pub(crate) mod logins;
pub(crate) mod mailbox;
