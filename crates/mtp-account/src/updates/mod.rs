//! Updates: the sequences of an account, their gaps, and the differences that close them.
// spec: account 3
//!
//! ```text
//!   containers, answers ──▶ UpdateMachine ──▶ events, each update once and in order
//!                             │       ▲
//!                   poll_call ▼       │ handle_answer, handle_error
//!                            the server
//! ```
//!
//! The machine does not know what an update contains. The caller decodes it and says where it belongs ([`UpdatePlace`]) and
//! whether it names an unknown peer ([`MissingPeer`]).
//!
//! Each event has a number. [`UpdateMachine::acknowledge`] moves [`UpdateMachine::stored_state`] past the events that the
//! application has taken. An application that stores this state together with the effects of these events loses nothing
//! and repeats nothing, whenever it is restarted.

mod answer;
mod channel;
mod config;
mod item;
mod machine;
mod order;
mod process;
mod sequence;
mod state;

pub use config::UpdateConfig;
pub use item::{
    CommonState, MissingPeer, UpdateAnswer, UpdateCall, UpdateContainer, UpdateEvent,
    UpdateEventKind, UpdateFailure, UpdateItem, UpdatePlace, UpdateStart, UpdateToken,
};
pub use machine::UpdateMachine;
pub use state::{ChannelState, UpdateState};
