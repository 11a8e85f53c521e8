//! Peers: their ids in one number.
// spec: account 4

mod id;

pub use id::{InvalidPeerId, PeerId};
