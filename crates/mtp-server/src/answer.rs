//! Answers to calls.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use mtp_session::service::RpcError;
use mtp_tl::Encode;

/// The answer to a call.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// A result: a boxed TL value.
    Result(Vec<u8>),
    /// An `rpc_error`.
    // spec: session 8.2
    Error {
        /// Similar to an HTTP status, for example 420.
        code: i32,
        /// Capitals, digits and underscores, for example `FLOOD_WAIT_33`.
        message: Cow<'static, str>,
    },
}

impl Answer {
    /// Encodes a result.
    #[must_use]
    pub fn result(value: &impl Encode) -> Self {
        Self::Result(value.to_bytes())
    }

    /// Creates an error.
    #[must_use]
    pub fn error(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Error { code, message: message.into() }
    }

    /// Creates the error for an unknown method: `INPUT_METHOD_INVALID_<id>_<layer>`.
    // spec: session 10
    #[must_use]
    pub fn unknown_method(id: u32, layer: Option<i32>) -> Self {
        let layer = layer.unwrap_or_default();
        Self::error(400, alloc::format!("{UNKNOWN_METHOD}{id}_{layer}"))
    }

    /// Returns `true` for the error of an unknown method.
    #[must_use]
    pub fn is_unknown_method(&self) -> bool {
        matches!(self, Self::Error { code: 400, message } if message.starts_with(UNKNOWN_METHOD))
    }

    /// Returns the answer as the session sends it: the result, or an `rpc_error`.
    #[must_use]
    pub fn to_body(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Result(body) => Cow::Borrowed(body),
            Self::Error { code, message } => Cow::Owned(RpcError::new(*code, message).to_bytes()),
        }
    }
}

/// Prints a result's length and not its bytes, which may be secret.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Result(body) => write!(f, "Result({} bytes)", body.len()),
            Self::Error { code, message } => write!(f, "Error({code} {message})"),
        }
    }
}

const UNKNOWN_METHOD: &str = "INPUT_METHOD_INVALID_";
