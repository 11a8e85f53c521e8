//! MTProto's cryptography for clients and servers: values in, values out.
#![no_std]

extern crate alloc;

pub mod auth_key;
pub mod bind;
pub mod calls;
pub mod cdn;
pub mod ctr;
pub mod entropy;
pub mod envelope;
pub mod exchange;
pub mod hash;
pub mod ids;
pub mod ige;
pub mod key_file;
mod parts;
pub mod secret_chat;
pub mod side;
pub mod srp;
pub mod v1;
#[cfg(test)]
mod vectors;

pub use auth_key::{AuthKey, ZeroKeyId};
#[cfg(feature = "getrandom")]
pub use entropy::OsEntropy;
pub use entropy::{CtrEntropy, Entropy};
pub use envelope::{
    InnerHeader, OpenError, OpenJob, Opened, PREFIX_LEN, Padding, SealError, SealJob, open,
    open_batch, pad, seal, seal_batch,
};
pub use ids::{AuthKeyId, MsgId, MsgIdKind, QuickAckToken, Salt, SeqNo, SessionId};
pub use side::Side;
