//! What an account needs above calls, as machines and tables without I/O. Each part is usable alone.
//!
//! ```text
//!   application      events ▲    │ acknowledgments
//!                    ┌──────┴────▼──────┐
//!   mtp-account      │ updates          │   errors   login   peers   foreign
//!                    └──────┬────▲──────┘
//!   a client          calls ▼    │ containers, answers
//! ```
//!
//! | module | contents |
//! |---|---|
//! | [`updates`] | the gap machine: each update once and in order, over losses, repetitions and restarts |
//! | [`errors`] | RPC errors by name, and what to do about them |
//! | [`login`] | the link behind a QR code |
//! | [`peers`] | one number for each user, group, channel and secret chat |
//! | [`foreign`] | session strings of Telethon, `GramJS`, Pyrogram, mtcute and `MTKruto` |
//!
//! ```
//! use mtp_account::updates::{CommonState, UpdateConfig, UpdateContainer, UpdateEventKind};
//! use mtp_account::updates::{UpdateItem, UpdateMachine, UpdatePlace, UpdateStart, UpdateState};
//! use mtp_env::Instant;
//!
//! let now = Instant::from_micros(0);
//! let state = UpdateState::new(CommonState { pts: 100, qts: 1, seq: 1, date: 1000 });
//! let mut machine = UpdateMachine::new(UpdateConfig::default(), UpdateStart::InStep(state), now);
//! for (pts, text) in [(102, "second"), (101, "first")] {
//!     let item = UpdateItem::new(UpdatePlace::Common { pts, count: 1 }, text, text.len());
//!     machine.handle_updates(UpdateContainer::new(vec![item], 0, 0), now);
//! }
//! let first = machine.poll_event().expect("the gap is closed");
//! assert_eq!(first.kind, UpdateEventKind::Items(vec!["first"]));
//! machine.acknowledge(first.number);
//! assert_eq!(machine.stored_state().common.pts, 101);
//! ```
//!
//! | feature | effect |
//! |---|---|
//! | `kernels` (default) | SIMD kernels of `mtp-crypto` where the processor has them |
//!
//! The crate decodes no TL: the caller decodes updates, with `mtp-api` or its own types, and says where each
//! belongs. It makes no calls either: [`updates`] returns those to make, and takes their answers.
//!
//! Dependencies: `base64ct` for links and session strings, `zeroize` for their secrets.
//!
//! Nothing panics on what a server sends. Limits are constants and fields of [`updates::UpdateConfig`];
//! `docs/limits.md` lists them.
#![no_std]

extern crate alloc;

pub mod errors;
pub mod foreign;
pub mod login;
pub mod peers;
pub mod updates;
