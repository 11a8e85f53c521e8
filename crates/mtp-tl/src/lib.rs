//! The binary form of TL, MTProto's type language: bounded decoding that borrows, exact encoding.
//!
//! This is the runtime of generated types (`mtp-schema` generates them, `mtp-api` holds Telegram's)
//! and of hand-written ones (the service messages of `mtp-session`). It does no I/O, parses no
//! schema and unpacks no gzip; the crates above do.
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
//!     /// A place.
//!     pub struct Place<'a> = "place" # 0x1f2e_3d4c {
//!         /// The server's id of the place.
//!         pub id: i64,
//!         /// The name of the place.
//!         pub title: TlStr<'a>,
//!         /// The ids of its visitors.
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
//! | `Object` or `!X` at the end of a message | [`Rest`] |
//!
//! | items | purpose |
//! |---|---|
//! | [`Decoder`], [`Decode`], [`Budget`] | a cursor over the input, and limits on the cost of decoding it |
//! | [`Encode`], [`Output`] | writing to a vector, to a buffer, or only counting |
//! | [`Constructor`], [`EncodeBare`], [`DecodeBare`], [`Fill`], [`Function`] | ids, names, bare and boxed forms, results of functions |
//! | [`tl_struct!`], [`tl_enum!`] | declarations of hand-written types |
//! | [`IntoOwned`] | detaching a value from the input it borrows |
//! | [`DecodeError`], [`EncodeError`] | the defect, its offset, and what was expected |
//! | [`registry`] | tables of a whole schema, for tools that handle any id |
//!
//! No features, no dependencies. No input causes a panic. Decoding recurses at most
//! [`Budget::depth_max`] levels and allocates at most [`Budget::bytes_max`] bytes; a declared count
//! or length alone never causes an allocation.
#![no_std]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

extern crate alloc;

mod budget;
mod combinator;
mod declare;
mod decoder;
mod encoder;
mod error;
mod flags;
mod number;
mod owned;
pub mod registry;
mod string;
mod vector;

pub use budget::Budget;
pub use combinator::{Bare, Constructor, ConstructorId, DecodeBare, EncodeBare, Fill, Function};
pub use decoder::{Decode, Decoder, Rest};
pub use encoder::{Encode, Output};
pub use error::{CallDecodeError, DecodeError, DecodeErrorKind, EncodeError};
pub use flags::Flags;
pub use number::{BOOL_FALSE, BOOL_TRUE, TRUE, True};
pub use owned::IntoOwned;
pub use string::{STRING_LEN_MAX, TlStr};
pub use vector::{BareVec, VECTOR};

/// Paths for the expansions of the macros. Not part of the API.
#[doc(hidden)]
pub mod __private {
    pub use core::result::Result;

    pub use crate::declare::sum;
}
