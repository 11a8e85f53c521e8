//! One session of one key, client or server.

mod clock;
mod gzip;
pub(crate) mod msg_id;
mod salts;
mod seq_no;
#[cfg(test)]
pub(crate) mod vectors;
mod window;

pub use salts::{KeySalts, ServerSalts};
