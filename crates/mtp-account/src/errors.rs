//! RPC errors: their names, arguments, and what to do about them.
// spec: account 6
//!
//! ```
//! use mtp_account::errors::{ApiError, ErrorAction, ApiErrorName};
//!
//! let error = ApiError::parse(420, "FLOOD_WAIT_33");
//! assert_eq!(error.name, ApiErrorName::FloodWait(33));
//! assert_eq!(error.action(), ErrorAction::Wait { secs: 33 });
//! ```

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

#[allow(clippy::too_many_lines, clippy::match_same_arms, reason = "generated code")]
mod names {
    use super::{Action, String, ToOwned};

    include!(concat!(env!("OUT_DIR"), "/errors.rs"));
}

pub use names::ApiErrorName;

/// The longest wait that an error can demand, in seconds.
pub const WAIT_SECS_MAX: u32 = 1_209_600;
/// The highest number of a data center that an error can name.
pub const CENTER_MAX: u32 = 1000;

/// The actions of `errors.tsv`, without arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Wait,
    WaitChat,
    MoveMain,
    MoveCall,
    LoggedOut,
    Rebind,
    Password,
    Init,
    Chain,
    RetryLater,
    ResetState,
    RefreshReference,
    ReuploadPart,
    RefreshConfig,
    LeaveCdn,
    RetryCdn,
    AlreadyDone,
    Report,
}

/// What a client does about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorAction {
    /// Waits and calls again; all calls of the method wait.
    Wait {
        /// Seconds, 1 to [`WAIT_SECS_MAX`].
        secs: u32,
    },
    /// Reports a wait that concerns one chat.
    WaitChat {
        /// Seconds, 1 to [`WAIT_SECS_MAX`].
        secs: u32,
    },
    /// Makes another data center the main one.
    MoveMain {
        /// Its number; none if the server named one that cannot be.
        center: Option<u32>,
    },
    /// Makes this call at another data center.
    MoveCall {
        /// Its number; none if the server named one that cannot be.
        center: Option<u32>,
    },
    /// The login is lost; at another data center than the main one, the authorization is exported again.
    LoggedOut,
    /// Binds the temporary key again.
    Rebind,
    /// Asks for the password, a step of the login.
    Password,
    /// Calls again with `initConnection`.
    Init,
    /// Follows the rule for calls that wait for others.
    Chain,
    /// Calls again later, if the call may be repeated.
    RetryLater,
    /// Takes the state of updates anew.
    ResetState,
    /// Fetches the source of the file again.
    RefreshReference,
    /// Sends one part of the file again.
    ReuploadPart {
        /// The part.
        part: u32,
    },
    /// Fetches the configuration again.
    RefreshConfig,
    /// Fetches the file from its own data center.
    LeaveCdn,
    /// Asks the CDN for the part again.
    RetryCdn,
    /// Nothing: the call has succeeded before.
    AlreadyDone,
    /// Nothing: the application gets the error.
    Report,
}

/// An error of a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ApiError {
    /// The code.
    pub code: i32,
    /// The name.
    pub name: ApiErrorName,
    /// The number in the text.
    pub argument: Option<u32>,
}

impl ApiError {
    /// Splits the text of an error into name and argument.
    #[must_use]
    pub fn parse(code: i32, text: &str) -> Self {
        let (name, argument) = split(text);
        // A name that takes an argument but came without one is another name.
        Self { code, name: ApiErrorName::of(&name, argument), argument }
    }

    /// Returns what to do about the error.
    #[must_use]
    pub fn action(&self) -> ErrorAction {
        let secs = self.argument.unwrap_or(1).clamp(1, WAIT_SECS_MAX);
        let center = self.argument.filter(|center| (1..=CENTER_MAX).contains(center));
        let action = self.name.action();
        if action == Action::Report && (self.code >= 500 || matches!(self.code, -500 | -503)) {
            return ErrorAction::RetryLater;
        }
        match action {
            Action::Wait => ErrorAction::Wait { secs },
            Action::WaitChat => ErrorAction::WaitChat { secs },
            Action::MoveMain => ErrorAction::MoveMain { center },
            Action::MoveCall => ErrorAction::MoveCall { center },
            Action::LoggedOut => ErrorAction::LoggedOut,
            Action::Rebind => ErrorAction::Rebind,
            Action::Password => ErrorAction::Password,
            Action::Init => ErrorAction::Init,
            Action::Chain => ErrorAction::Chain,
            Action::RetryLater => ErrorAction::RetryLater,
            Action::ResetState => ErrorAction::ResetState,
            Action::RefreshReference => ErrorAction::RefreshReference,
            Action::ReuploadPart => {
                ErrorAction::ReuploadPart { part: self.argument.unwrap_or_default() }
            }
            Action::RefreshConfig => ErrorAction::RefreshConfig,
            Action::LeaveCdn => ErrorAction::LeaveCdn,
            Action::RetryCdn => ErrorAction::RetryCdn,
            Action::AlreadyDone => ErrorAction::AlreadyDone,
            Action::Report => ErrorAction::Report,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.name.as_str(), self.code)?;
        match self.argument {
            Some(argument) => write!(f, ", {argument})"),
            None => f.write_str(")"),
        }
    }
}

impl core::error::Error for ApiError {}

/// Splits a text; exactly one part between underscores may be a number below 2^31.
// spec: session 10
fn split(text: &str) -> (String, Option<u32>) {
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let mut numbers = text.split('_').filter(is_number);
    let (Some(number), None) = (numbers.next(), numbers.next()) else {
        return (text.to_owned(), None);
    };
    let Some(argument) = number.parse().ok().filter(|n: &u32| *n <= i32::MAX.unsigned_abs()) else {
        return (text.to_owned(), None);
    };
    let mut name = String::with_capacity(text.len());
    let count = text.split('_').count();
    for (index, part) in text.split('_').enumerate() {
        let numeric = is_number(&part);
        if numeric && index + 1 == count {
            break;
        }
        if index > 0 {
            name.push('_');
        }
        name.push_str(if numeric { "X" } else { part });
    }
    (name, Some(argument))
}
