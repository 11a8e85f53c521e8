//! Sessions of other programs, as the strings that these exchange.
// spec: account 9
//!
//! Each string holds the permanent key: its owner is logged in. Two programs must never run with one key.
//!
//! | program | reads | writes |
//! |---|---|---|
//! | Telethon | [`read_numbered`] | [`write_telethon`] |
//! | `GramJS` | [`read_numbered`] | [`write_gramjs`] |
//! | Pyrogram and its forks | [`read_pyrogram`] | [`write_pyrogram`] |
//! | mtcute | [`read_mtcute`] | [`write_mtcute`] |
//! | `MTKruto` | [`read_mtkruto`] | [`write_mtkruto`] |

mod bytes;
mod mtcute;
mod mtkruto;
mod numbered;
mod pyrogram;
mod session;

pub use mtcute::{read_mtcute, write_mtcute};
pub use mtkruto::{read_mtkruto, write_mtkruto};
pub use numbered::{read_numbered, write_gramjs, write_telethon};
pub use pyrogram::{read_pyrogram, write_pyrogram};
pub use session::{ForeignAddress, ForeignError, ForeignSession, ForeignUser};
