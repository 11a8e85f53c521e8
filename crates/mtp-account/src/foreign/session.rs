//! What a session of another program says.

use alloc::string::String;
use core::fmt;

use mtp_crypto::AuthKey;

/// A session of another program, or one for it.
// spec: account 9, 9.12
#[derive(Debug)]
#[non_exhaustive]
pub struct ForeignSession {
    /// The main data center, 1 to 5.
    pub center: u8,
    /// Its address: a hint only.
    pub address: Option<ForeignAddress>,
    /// Whether it belongs to the test environment; none if the form does not say.
    pub test: Option<bool>,
    /// The permanent key of the main data center.
    pub key: AuthKey,
    /// Who is logged in.
    pub user: Option<ForeignUser>,
    /// The program's id at the server.
    pub api_id: Option<u32>,
}

impl ForeignSession {
    /// Returns a session with what every form has.
    ///
    /// # Errors
    /// [`ForeignError::Center`] unless `center` is 1 to 5.
    pub fn new(center: u8, key: AuthKey) -> Result<Self, ForeignError> {
        if !(1..=CENTERS).contains(&center) {
            return Err(ForeignError::Center);
        }
        Ok(Self { center, address: None, test: None, key, user: None, api_id: None })
    }

    /// Notes the environment, which has fewer data centers for tests.
    pub(super) fn in_environment(mut self, test: bool) -> Result<Self, ForeignError> {
        if test && self.center > TEST_CENTERS {
            return Err(ForeignError::Center);
        }
        self.test = Some(test);
        Ok(self)
    }
}

const CENTERS: u8 = 5;
const TEST_CENTERS: u8 = 3;

/// The longest string that is read, in characters.
pub(super) const STRING_LEN_MAX: usize = 2048;

/// The address of a data center.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "an address has two parts")]
pub struct ForeignAddress {
    /// The IP address or the name of the host.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Who is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "what the forms have")]
pub struct ForeignUser {
    /// The id of the user.
    pub id: i64,
    /// Whether it is a bot.
    pub bot: bool,
}

/// Why a session is not read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForeignError {
    /// The string is empty: there is no session.
    Empty,
    /// The string is longer than any session.
    TooLong,
    /// The string has another form.
    Form,
    /// The string contains no key, or one of zero bytes.
    NoKey,
    /// The number of the data center cannot be that of a main one.
    Center,
    /// The form needs a field that the session lacks.
    Missing,
}

impl fmt::Display for ForeignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "there is no session",
            Self::TooLong => "the string is too long for a session",
            Self::Form => "the string is not a session of this form",
            Self::NoKey => "the session has no key",
            Self::Center => "the session names an unknown main data center",
            Self::Missing => "the session lacks a field that this form needs",
        })
    }
}

impl core::error::Error for ForeignError {}
