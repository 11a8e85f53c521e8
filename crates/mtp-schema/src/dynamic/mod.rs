//! Bytes ⇄ JSON with a schema that is loaded at run time.
//!
//! | TL | JSON |
//! |---|---|
//! | a constructor | `{"_": "inputPeerUser", …}` with the schema's field names |
//! | a call | the same with `"_": "fn:users.getUsers"` |
//! | `int`, `#`, `double`, `float` | a number; `"inf"`, `"-inf"`, `"nan"`, other NaNs as `"nan:7ff8000000000001"` |
//! | `long` | a decimal string |
//! | `int128`, `int256`, `int512`, `bytes` | a hexadecimal string |
//! | `string` | a string, or `{"$bytes": "c328"}` where it is not UTF-8 |
//! | `Bool` | `true`, `false` |
//! | a conditional field | the value if present; a `true` flag is `true` or absent |
//! | a flags word | implied; it may be given for bits that no field has. A `#` that no condition refers to is listed if it is not 0 |
//! | an unknown constructor | `{"$unknown": "deadbeef", "offset": 12, "bytes": "…"}`, see [`Unknown::Keep`] |
//!
//! `gzip_packed` is decompressed: JSON shows its contents. The result of a call is decoded with the type that the
//! function declares, never by a guess.

mod decode;
mod encode;
mod error;
mod gzip;
mod hex;
mod sample;

pub use error::{
    DynamicDecodeError, DynamicDecodeErrorKind, DynamicEncodeError, DynamicEncodeErrorKind,
};
use mtp_tl::Budget;
pub use sample::Sampler;
use serde_json::Value;

use crate::{
    model::{CombinatorIx, Model, ModelField, Primitive, Ty},
    tree::Section,
};

/// A codec for the types of a schema, with limits.
#[derive(Clone, Debug)]
pub struct Codec {
    model: Model,
    limits: Limits,
    unknown: Unknown,
}

impl Codec {
    /// Creates a codec with default limits. Unknown constructors are errors.
    #[must_use]
    pub fn new(model: Model) -> Self {
        Self { model, limits: Limits::default(), unknown: Unknown::default() }
    }

    /// Sets the limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the treatment of unknown constructors.
    #[must_use]
    pub fn with_unknown(mut self, unknown: Unknown) -> Self {
        self.unknown = unknown;
        self
    }

    /// Returns the schema.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Decodes one value of a type, which must fill `bytes`. [`Ty::Object`] decodes any boxed value, [`Ty::Call`] any
    /// call.
    ///
    /// # Errors
    /// The first item that cannot be decoded.
    pub fn decode(&self, ty: &Ty, bytes: &[u8]) -> Result<Decoded, DynamicDecodeError> {
        decode::decode(self, ty, bytes)
    }

    /// Decodes the result of a call with the type that the function declares. For a call in wrappers, pass the innermost
    /// function.
    ///
    /// # Errors
    /// As [`Codec::decode`]. An `rpc_error` decodes to [`DecodedAnswer::Error`].
    // spec: tl 8
    pub fn decode_result(
        &self,
        function: CombinatorIx,
        bytes: &[u8],
    ) -> Result<DecodedAnswer, DynamicDecodeError> {
        decode::decode_result(self, function, bytes)
    }

    /// Decodes a whole `rpc_result` to the message id of the call and its result. `function` maps the message id to the
    /// function that was called; without a function, the result is decoded as an `Object`.
    ///
    /// # Errors
    /// As [`Codec::decode_result`].
    // spec: tl 8
    pub fn decode_rpc_result(
        &self,
        bytes: &[u8],
        function: impl FnOnce(i64) -> Option<CombinatorIx>,
    ) -> Result<(i64, DecodedAnswer), DynamicDecodeError> {
        decode::decode_rpc_result(self, bytes, function)
    }

    /// Encodes a value of a type.
    ///
    /// # Errors
    /// The first part of `value` that the schema does not allow.
    pub fn encode(&self, ty: &Ty, value: &Value) -> Result<Vec<u8>, DynamicEncodeError> {
        encode::encode(self, ty, value)
    }

    /// Encodes the result of a call, as a server does.
    ///
    /// # Errors
    /// As [`Codec::encode`].
    // spec: tl 8
    pub fn encode_result(
        &self,
        function: CombinatorIx,
        value: &Value,
    ) -> Result<Vec<u8>, DynamicEncodeError> {
        encode::encode(self, self.result_type(function), value)
    }

    fn result_type(&self, function: CombinatorIx) -> &Ty {
        let function = self.model.combinator(function);
        match (&function.result, function.section) {
            (Ty::ResultOfCall, _) | (_, Section::Types) => &Ty::Object,
            (result, Section::Functions) => result,
        }
    }
}

/// Limits on the cost of decoding one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Depth (at most [`Limits::DEPTH_CEILING`]), vector items, and bytes of heap.
    pub budget: Budget,
    /// Maximum decompressed size of one `gzip_packed`, in bytes.
    pub unpacked_max: usize,
}

impl Limits {
    /// Maximum of `depth_max`, because decoding recurses on the stack.
    pub const DEPTH_CEILING: u32 = 512;

    /// Creates limits.
    #[must_use]
    pub const fn new(budget: Budget, unpacked_max: usize) -> Self {
        Self { budget, unpacked_max }
    }

    fn depth_max(&self) -> u32 {
        self.budget.depth_max.min(Self::DEPTH_CEILING)
    }
}

impl Default for Limits {
    /// Returns the default budget and 16 MiB of decompressed data.
    // spec: tl 6.3
    fn default() -> Self {
        Self::new(Budget::DEFAULT, 16 << 20)
    }
}

/// Treatment of ids that the schema does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unknown {
    /// Report an error.
    #[default]
    Refuse,
    /// Keep the bytes up to the next known end: that of the input, of the message in a container, or of the decompressed
    /// data. Values between the unknown constructor and that end are lost.
    // spec: tl 6.4
    Keep,
}

/// A decoded value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Decoded {
    /// The value.
    pub value: Value,
    /// The unknown constructors in it; empty if the value is complete.
    pub lost: Vec<Lost>,
}

/// An unknown constructor that was kept as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// Its id.
    pub id: u32,
    /// Its offset from the start of the input, or of the decompressed data that contains it.
    pub offset: usize,
}

/// The decoded answer to a call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DecodedAnswer {
    /// The result.
    Result(Decoded),
    /// An `rpc_error`.
    Error {
        /// The code, in classes as in HTTP.
        code: i32,
        /// The name, such as `FLOOD_WAIT_31`.
        message: String,
    },
}

/// Returns `true` for a `#` that no condition refers to: a flags word without optional fields, or a number.
fn is_unused_word(field: &ModelField) -> bool {
    field.ty == Ty::Primitive(Primitive::Nat) && !field.is_flags && field.condition.is_none()
}

// Ids with a built-in meaning, whether or not the schema declares them.
const VECTOR: u32 = 0x1cb5_c415;
const BOOL_TRUE: u32 = 0x9972_75b5;
const BOOL_FALSE: u32 = 0xbc79_9737;
const GZIP_PACKED: u32 = 0x3072_cfa1;
const RPC_RESULT: u32 = 0xf35c_6d01;
const RPC_ERROR: u32 = 0x2144_ca19;
/// `message` in a container; its field `bytes` is the length of `body`.
const MESSAGE: u32 = 0x5bb8_e511;

/// The key of an object that represents an unknown constructor.
const UNKNOWN_KEY: &str = "$unknown";
/// The key of an object that represents a string that is not UTF-8.
const BYTES_KEY: &str = "$bytes";
/// The prefix of a function's name in `_`.
const FUNCTION_PREFIX: &str = "fn:";
