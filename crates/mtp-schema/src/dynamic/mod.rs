//! Bytes ⇄ JSON by a schema that is loaded at run time.
//!
//! | TL | JSON |
//! |---|---|
//! | a constructor | `{"_": "inputPeerUser", …}` with the schema's field names |
//! | a call | the same with `"_": "fn:users.getUsers"` |
//! | `int`, `#`, `double`, `float` | a number; `"inf"`, `"-inf"`, `"nan"`, other not-a-numbers as `"nan:7ff8000000000001"` |
//! | `long` | a decimal string |
//! | `int128`, `int256`, `int512`, `bytes` | a hexadecimal string |
//! | `string` | a string, or `{"$bytes": "c328"}` where it is not UTF-8 |
//! | `Bool` | `true`, `false` |
//! | a conditional field | absent if it is; a `true` flag is `true` or absent; flags words are not listed, but may be given for bits that no field has |
//! | an unknown constructor | `{"$unknown": "deadbeef", "offset": 12, "bytes": "…"}`, see [`Unknown::Keep`] |
//!
//! `gzip_packed` is shown as what is in it. A call's result has the type that the call's function
//! declares; nothing is ever guessed.

mod decode;
mod encode;
mod error;
mod gzip;
mod hex;
mod sample;

pub use error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
use mtp_tl::Budget;
pub use sample::Sampler;
use serde_json::Value;

use crate::{
    model::{CombinatorIx, Model, Ty},
    tree::Section,
};

/// A schema together with limits, ready to read and write.
#[derive(Clone, Debug)]
pub struct Codec {
    model: Model,
    limits: Limits,
    unknown: Unknown,
}

impl Codec {
    /// Takes a schema; the limits are the defaults, unknown constructors are errors.
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

    /// Sets what an unknown constructor does.
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

    /// Reads one value of a type, which must fill `bytes`. [`Ty::Object`] reads any boxed value,
    /// [`Ty::Call`] any call.
    ///
    /// # Errors
    /// The first item that cannot be read.
    pub fn decode(&self, ty: &Ty, bytes: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(self, ty, bytes)
    }

    /// Reads the result of a call: the type is the one its function declares. A wrapper's result is
    /// that of the call in it, so name the innermost function.
    ///
    /// # Errors
    /// As [`Codec::decode`]. An `rpc_error` is no error here but [`Answer::Error`].
    // spec: tl 8
    pub fn decode_result(
        &self,
        function: CombinatorIx,
        bytes: &[u8],
    ) -> Result<Answer, DecodeError> {
        decode::decode_result(self, function, bytes)
    }

    /// Reads a whole `rpc_result`: the message id of the call, and its result.
    /// `function` names the function that was called with that message id.
    ///
    /// # Errors
    /// As [`Codec::decode_result`]; a result whose function is not known is read as an `Object`.
    // spec: tl 8
    pub fn decode_rpc_result(
        &self,
        bytes: &[u8],
        function: impl FnOnce(i64) -> Option<CombinatorIx>,
    ) -> Result<(i64, Answer), DecodeError> {
        decode::decode_rpc_result(self, bytes, function)
    }

    /// Writes a value of a type.
    ///
    /// # Errors
    /// The first thing in `value` that the schema does not allow.
    pub fn encode(&self, ty: &Ty, value: &Value) -> Result<Vec<u8>, EncodeError> {
        encode::encode(self, ty, value)
    }

    /// Writes the result of a call, as a server does.
    ///
    /// # Errors
    /// As [`Codec::encode`].
    // spec: tl 8
    pub fn encode_result(
        &self,
        function: CombinatorIx,
        value: &Value,
    ) -> Result<Vec<u8>, EncodeError> {
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

/// What decoding one input may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Depth (at most [`Limits::DEPTH_CEILING`]), vector items, and bytes of heap.
    pub budget: Budget,
    /// Bytes that one `gzip_packed` may unpack to.
    pub unpacked_max: usize,
}

impl Limits {
    /// The depth that no setting exceeds, as the stack has to hold it.
    pub const DEPTH_CEILING: u32 = 512;

    /// Makes limits; the default ones are `Limits::default()`.
    #[must_use]
    pub const fn new(budget: Budget, unpacked_max: usize) -> Self {
        Self { budget, unpacked_max }
    }

    fn depth_max(&self) -> u32 {
        self.budget.depth_max.min(Self::DEPTH_CEILING)
    }
}

impl Default for Limits {
    /// The default budget, and 16 MiB unpacked.
    // spec: tl 6.3
    fn default() -> Self {
        Self::new(Budget::DEFAULT, 16 << 20)
    }
}

/// What to do with an id that the schema does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unknown {
    /// Report an error.
    #[default]
    Refuse,
    /// Keep its bytes up to where a length says that it ends: the end of the input, of the message in
    /// a container, of the unpacked data. What stands between it and that end is lost with it.
    // spec: tl 6.4
    Keep,
}

/// A decoded value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Decoded {
    /// The value.
    pub value: Value,
    /// The unknown constructors in it; empty means that nothing is missing.
    pub lost: Vec<Lost>,
}

/// An unknown constructor that was kept as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// Its id.
    pub id: u32,
    /// Where it begins, from the start of the input or of the unpacked data it is in.
    pub offset: usize,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// The result.
    Result(Decoded),
    /// An `rpc_error`.
    Error {
        /// The code, in classes as HTTP has them.
        code: i32,
        /// The name, such as `FLOOD_WAIT_31`.
        message: String,
    },
}

// Ids that have a meaning of their own, whether or not the schema declares them.
const VECTOR: u32 = 0x1cb5_c415;
const BOOL_TRUE: u32 = 0x9972_75b5;
const BOOL_FALSE: u32 = 0xbc79_9737;
const GZIP_PACKED: u32 = 0x3072_cfa1;
const RPC_RESULT: u32 = 0xf35c_6d01;
const RPC_ERROR: u32 = 0x2144_ca19;
/// `message` in a container: its `bytes` bounds its `body`.
const MESSAGE: u32 = 0x5bb8_e511;

/// Marks an object that stands for an unknown constructor.
const UNKNOWN_KEY: &str = "$unknown";
/// Marks an object that stands for a string that is not UTF-8.
const BYTES_KEY: &str = "$bytes";
/// Before the name of a function in `_`.
const FUNCTION_PREFIX: &str = "fn:";
