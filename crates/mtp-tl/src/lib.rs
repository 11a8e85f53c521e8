//! TL, the type language's binary form: decoding that borrows and is bounded, encoding that is exact.
//!
//! For anyone who reads or writes TL: generated types (`mtp-schema` writes them, `mtp-api` holds
//! Telegram's), hand-written service messages (`mtp-session`), or bytes by hand. It does no I/O, knows
//! no schema, and unpacks no gzip: the crates above do.
//!
//! ```text
//!              Decoder (Budget: depth, elements, bytes)
//!   &'a [u8] ────────────────────────────────────────────▶ T: Decode<'a>   borrows the input
//!            ◀────────────────────────────────────────────  T: Encode
//!   Vec<u8> or &mut [u8]          Output
//! ```
//!
//! ```
//! use mtp_tl::{tl_struct, Decode, Encode, DecodeError, TlStr};
//!
//! tl_struct! {
//!     /// Names a place.
//!     pub struct Place<'a> = "place" # 0x1f2e_3d4c {
//!         /// The number under which the server knows it.
//!         pub id: i64,
//!         /// What people call it.
//!         pub title: TlStr<'a>,
//!         /// Who has been there.
//!         pub visitors: Vec<i64>,
//!     }
//! }
//!
//! # fn main() -> Result<(), DecodeError> {
//! let place = Place { id: 7, title: "Ütliberg".into(), visitors: vec![1, 2] };
//! let bytes = place.to_bytes();
//! assert_eq!(bytes.len(), place.encoded_len());
//!
//! let read = Place::from_bytes(&bytes)?; // `title` points into `bytes`
//! assert_eq!(read.title, "Ütliberg");
//! assert_eq!(read.visitors, [1, 2]);
//! # Ok(())
//! # }
//! ```
//!
//! | TL | Rust |
//! |---|---|
//! | `int` `#` `long` `double` | `i32` `u32` `i64` `f64` |
//! | `int128` `int256` `int512` | `[u8; 16]` `[u8; 32]` `[u8; 64]` |
//! | `string`, `bytes` | [`TlStr`] (UTF-8 or not), `Cow<[u8]>` or `&[u8]` |
//! | `Bool` | `bool` |
//! | `Vector<T>`, `vector<T>` | `Vec<T>`, [`BareVec<T>`](BareVec) |
//! | a constructor, boxed and bare | the struct, [`Bare`] around the struct |
//! | `flags:#`, `flags.3?T` | [`Flags`], `Option<T>` |
//! | `Object` or `!X` that ends a message | [`Rest`] |
//!
//! | module | idea |
//! |---|---|
//! | [`decoder`] | the cursor, and what can be read from it |
//! | [`encoder`] | what can be written, and whereto |
//! | [`budget`] | limits on what a peer's bytes may cost |
//! | [`combinator`] | ids, names, bare and boxed forms, functions and their results |
//! | [`declare`] | [`tl_struct!`] and [`tl_enum!`] for hand-written types |
//! | [`owned`] | parting a value from the input it borrows |
//! | [`registry`] | tables of a whole schema, for tools that meet any id |
//! | [`error`] | what goes wrong, where, and what was expected |
//! | [`flags`], [`number`], [`string`], [`vector`] | the forms of values |
//!
//! No features, no dependencies. Nothing panics on any input; decoding recurses at most
//! [`Budget::depth_max`] deep and allocates at most [`Budget::bytes_max`] bytes, never from a declared
//! count or length alone.
#![no_std]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

extern crate alloc;

pub mod budget;
pub mod combinator;
pub mod declare;
pub mod decoder;
pub mod encoder;
pub mod error;
pub mod flags;
pub mod number;
pub mod owned;
pub mod registry;
pub mod string;
pub mod vector;

pub use budget::Budget;
pub use combinator::{Bare, Constructor, ConstructorId, DecodeBare, EncodeBare, Fill, Function};
pub use decoder::{Decode, Decoder, Rest};
pub use encoder::{Encode, Output};
pub use error::{DecodeError, DecodeErrorKind, EncodeError};
pub use flags::Flags;
pub use owned::IntoOwned;
pub use string::TlStr;
pub use vector::BareVec;

/// What the macros need by path; not part of the API.
#[doc(hidden)]
pub mod __private {
    pub use core::result::Result;
}
