//! The API of the data centre: one call in, one answer out, no I/O.

mod help;

use alloc::string::String;
use alloc::vec::Vec;

pub use help::DcOption;
use mtp_env::Now;
use mtp_tl::{Encode, Output, TlStr};

/// What the API is configured with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiConfig {
    /// This data centre's number.
    pub this_dc: i32,
    /// The data centre belongs to the test environment.
    pub test_mode: bool,
    /// Where data centres can be reached; clients ask for it first.
    pub dc_options: Vec<DcOption>,
}

impl ApiConfig {
    /// Configures a data centre of this number without addresses.
    #[must_use]
    pub const fn new(this_dc: i32) -> Self {
        Self { this_dc, test_mode: false, dc_options: Vec::new() }
    }
}

/// An answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// The result, a boxed TL value.
    Result(Vec<u8>),
    /// An error.
    Error(RpcError),
    /// Not a method of this data centre: the embedder's to answer.
    Unknown,
}

/// What `rpc_error` carries.
// spec: session 8.2
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RpcError {
    /// Like a status of HTTP.
    pub code: i32,
    /// Capitals, digits and underscores.
    pub message: String,
}

impl RpcError {
    /// Makes an error of this code and text.
    #[must_use]
    pub fn new(code: i32, message: &str) -> Self {
        Self { code, message: message.into() }
    }

    /// The answer to a method nobody knows: `INPUT_METHOD_INVALID_<id>_<layer>`.
    // spec: session 10
    #[must_use]
    pub fn unknown_method(id: u32, layer: Option<i32>) -> Self {
        let layer = layer.unwrap_or_default();
        Self { code: 400, message: alloc::format!("INPUT_METHOD_INVALID_{id}_{layer}") }
    }
}

impl Encode for RpcError {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        RPC_ERROR.encode(out);
        self.code.encode(out);
        TlStr::from(self.message.as_str()).encode(out);
    }
}

/// The data centre's methods and what they remember.
#[derive(Debug)]
pub struct Api {
    config: ApiConfig,
}

impl Api {
    /// Makes an API that remembers nothing yet.
    #[must_use]
    pub const fn new(config: ApiConfig) -> Self {
        Self { config }
    }

    /// Answers a call.
    #[must_use]
    pub fn handle_call(&mut self, now: Now, query: &[u8]) -> Answer {
        let Some(id) = query.first_chunk().map(|id| u32::from_le_bytes(*id)) else {
            return Answer::Error(RpcError::new(400, "INPUT_REQUEST_EMPTY"));
        };
        match id {
            HELP_GET_CONFIG => result(&help::Config {
                now,
                test_mode: self.config.test_mode,
                this_dc: self.config.this_dc,
                dc_options: &self.config.dc_options,
            }),
            HELP_GET_NEAREST_DC => result(&help::NearestDc {
                country: TlStr::from("ZZ"), // no country: nothing is looked up by address
                this_dc: self.config.this_dc,
                nearest_dc: self.config.this_dc,
            }),
            _ => Answer::Unknown,
        }
    }
}

fn result(value: &impl Encode) -> Answer {
    Answer::Result(value.to_bytes())
}

const RPC_ERROR: u32 = 0x2144_ca19;
const HELP_GET_CONFIG: u32 = 0xc4f9_186b;
const HELP_GET_NEAREST_DC: u32 = 0x1fb3_3026;
