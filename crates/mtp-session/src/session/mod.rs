//! Common ground of client and server sessions.
//!
//! A session numbers, packs, acknowledges and retransmits messages. It remembers what it sent and received, so that a
//! call is answered once however often links break. It outlives its links and may use several at once.
//! [`ClientSession`] and [`ServerSession`] are two types; each owns a core with what they share.
//!
//! | module | idea |
//! |---|---|
//! | `session_core` | the state that both wings build on |
//! | `labels` | message ids, sequence numbers and acknowledgments as one part |
//! | `msg_id`, `seq_no` | how messages are labeled, and which labels are accepted |
//! | `acks` | pending acknowledgments |
//! | `window` | duplicate detection |
//! | `packer`, `packing` | messages into one packet, bodies into fewer bytes |
//! | `transmitting` | drafts into encrypted packets, one by one or as a batch |
//! | `link_state`, `reply` | the links of a session, and messages bound to one of them |
//! | `arena` | pending events and their bodies |
//! | `ordered`, `recent` | queues sorted by id |
//! | `rules` | rules that tests break on purpose |
//!
//! [`ClientSession`]: crate::client::ClientSession
//! [`ServerSession`]: crate::server::ServerSession

pub(crate) mod acks;
pub(crate) mod arena;
pub(crate) mod buffers;
mod error;
mod labels;
pub(crate) mod link_state;
pub(crate) mod msg_id;
pub(crate) mod ordered;
mod outcome;
pub(crate) mod packer;
pub(crate) mod packing;
pub(crate) mod recent;
pub(crate) mod reply;
pub(crate) mod rules;
#[cfg(test)]
pub(crate) mod salt_vectors;
pub(crate) mod seq_no;
pub(crate) mod session_core;
pub(crate) mod transmitting;
pub(crate) mod window;

pub use self::error::PacketError;
#[cfg(not(feature = "__mutations"))]
pub(crate) use self::labels::Ledger;
pub use self::link_state::LinkKind;
pub(crate) use self::msg_id::is_too_old;
pub use self::outcome::{Discard, KeyOutcome};
#[cfg(feature = "__mutations")]
pub use self::rules::Mutation;
#[cfg(not(feature = "__mutations"))]
pub(crate) use self::rules::Mutation;
#[cfg(feature = "__mutations")]
pub(crate) use self::rules::broken::Ledger;

/// Returns `true` if a body can be a boxed object.
pub(crate) const fn is_object(body: &[u8]) -> bool {
    !body.is_empty() && body.len().is_multiple_of(4)
}

/// Salts in one schedule.
pub(crate) const FUTURE_SALTS_MAX: usize = 64;
