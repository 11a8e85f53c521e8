//! Errors of calls: their grammar and the required reaction.

use core::fmt;

/// Error answer to a call.
// spec: session 8.2, 10
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RpcError<'a> {
    code: i32,
    message: &'a str,
}

impl<'a> RpcError<'a> {
    /// Returns an error with this code and text.
    #[must_use]
    pub const fn new(code: i32, message: &'a str) -> Self {
        Self { code, message }
    }

    /// Returns an error as received.
    ///
    /// An implausible code becomes 500; a text that is not UTF-8 is replaced by a fixed one.
    #[must_use]
    pub fn from_wire(code: i32, message: &'a [u8]) -> Self {
        let plausible = code != 0 && (-CODE_MAX..=CODE_MAX).contains(&code);
        Self {
            code: if plausible { code } else { 500 },
            message: core::str::from_utf8(message).unwrap_or(NOT_UTF8),
        }
    }

    /// Returns the code, for example 420.
    #[must_use]
    pub const fn code(&self) -> i32 {
        self.code
    }

    /// Returns the text, for example `FLOOD_WAIT_33`.
    #[must_use]
    pub const fn message(&self) -> &'a str {
        self.message
    }

    /// Splits the text into a name and an argument.
    #[must_use]
    pub fn name(&self) -> ErrorName<'a> {
        ErrorName::parse(self.message)
    }

    /// Returns the reaction that the error requires from the caller.
    // spec: session 10
    #[must_use]
    pub fn reaction(&self) -> Reaction {
        let name = self.name();
        let argument = name.argument.unwrap_or(0);
        match (self.code, name.before) {
            (303, "PHONE_MIGRATE" | "NETWORK_MIGRATE") => Reaction::MoveLogin { dc: argument },
            (303, "USER_MIGRATE") => Reaction::MoveAccount { dc: argument },
            (303, "FILE_MIGRATE" | "STATS_MIGRATE") => Reaction::RepeatAt { dc: argument },
            (400, "CONNECTION_NOT_INITED" | "CONNECTION_LAYER_INVALID") => Reaction::InitAgain,
            (400, "MSG_WAIT_FAILED" | "MSG_WAIT_TIMEOUT") => Reaction::ResendInOrder,
            (401, "AUTH_KEY_PERM_EMPTY") => Reaction::BindAgain,
            (
                401,
                "AUTH_KEY_UNREGISTERED"
                | "AUTH_KEY_INVALID"
                | "SESSION_REVOKED"
                | "SESSION_EXPIRED"
                | "USER_DEACTIVATED"
                | "USER_DEACTIVATED_BAN",
            ) => Reaction::LogInAgain,
            (406, "AUTH_KEY_DUPLICATED") => Reaction::DropKey,
            (420, "FLOOD_WAIT" | "FLOOD_PREMIUM_WAIT") => Reaction::Wait { seconds: argument },
            (420, "SLOWMODE_WAIT") => Reaction::WaitInChat { seconds: argument },
            (420, "FLOOD_SKIP_FAILED_WAIT") => Reaction::Wait { seconds: 1 },
            (500, "WORKER_BUSY_TOO_LONG_RETRY") => Reaction::Retry { after_s: 1 },
            (303 | 400 | 401 | 403 | 404 | 406 | 420, _) => Reaction::Report,
            _ => Reaction::Retry { after_s: 0 },
        }
    }
}

impl fmt::Display for RpcError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.message)
    }
}

impl core::error::Error for RpcError<'_> {}

/// Name of an error without its argument; printed like `FILE_PART_X_MISSING`.
// spec: session 10
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorName<'a> {
    before: &'a str,
    /// Text after the argument with its leading underscore; empty if there is none.
    after: &'a str,
    argument: Option<u64>,
}

impl<'a> ErrorName<'a> {
    /// Splits a text into its name and its decimal argument.
    ///
    /// If there are several numbers, none is the argument; trailing ones do not belong to the name.
    #[must_use]
    pub fn parse(message: &'a str) -> Self {
        let whole = Self { before: message, after: "", argument: None };
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let mut found = None;
        let mut count = 0_u32;
        let mut start = 0_usize;
        for part in message.split('_') {
            let end = start.saturating_add(part.len());
            if is_number(part) {
                found = Some((start, end));
                count = count.saturating_add(1);
            }
            start = end.saturating_add(1);
        }
        if count > 1 {
            let mut before = message;
            while let Some((rest, _)) = before.rsplit_once('_').filter(|(_, it)| is_number(it)) {
                before = rest;
            }
            return Self { before, ..whole };
        }
        let split = || {
            let (start, end) = found?;
            Some(Self {
                before: message.get(..start.checked_sub(1)?)?,
                after: message.get(end..)?,
                argument: Some(message.get(start..end)?.parse().ok()?),
            })
        };
        split().unwrap_or(whole)
    }

    /// Returns the decimal argument, for example the seconds to wait.
    #[must_use]
    pub const fn argument(&self) -> Option<u64> {
        self.argument
    }
}

/// Compares with a name in which `X` stands for an inner argument.
impl PartialEq<str> for ErrorName<'_> {
    fn eq(&self, other: &str) -> bool {
        match other.strip_prefix(self.before) {
            Some(rest) if self.after.is_empty() => rest.is_empty(),
            Some(rest) => rest.strip_prefix("_X") == Some(self.after),
            None => false,
        }
    }
}

impl fmt::Display for ErrorName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.before)?;
        if self.after.is_empty() { Ok(()) } else { write!(f, "_X{}", self.after) }
    }
}

/// Reaction that an error requires from the caller.
///
/// The session itself handles only [`InitAgain`](Self::InitAgain) and [`ResendInOrder`](Self::ResendInOrder), because
/// such calls never ran.
// spec: session 10
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reaction {
    /// Report the error to the user.
    Report,
    /// Repeat the call after a pause.
    Wait {
        /// Length of the pause in seconds.
        seconds: u64,
    },
    /// Repeat the call after a pause; other chats are not affected.
    WaitInChat {
        /// Length of the pause in seconds.
        seconds: u64,
    },
    /// Move the login to another data center.
    MoveLogin {
        /// Number of the data center.
        dc: u64,
    },
    /// The account is in another data center.
    MoveAccount {
        /// Number of the data center.
        dc: u64,
    },
    /// Repeat the call in another data center, with exported authorization.
    RepeatAt {
        /// Number of the data center.
        dc: u64,
    },
    /// `initConnection` is missing; the session adds it and resends the call.
    InitAgain,
    /// A preceding call failed; the session resends this one in order.
    ResendInOrder,
    /// The temporary key is not bound; create and bind a new one.
    BindAgain,
    /// Log in again.
    LogInAgain,
    /// Drop the key.
    DropKey,
    /// Server error; retry later, a limited number of times.
    Retry {
        /// Minimum pause in seconds.
        after_s: u64,
    },
}

/// Maximum magnitude of a plausible code.
const CODE_MAX: i32 = 10_000;
/// Replacement for texts that are not UTF-8.
const NOT_UTF8: &str = "ERROR_TEXT_NOT_UTF8";

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::vectors;

    // spec: session 10
    #[test]
    fn errors_of_the_vectors_have_their_reactions() {
        for entry in &vectors::section("rpc_errors", 26) {
            let code = i32::try_from(entry.signed("code")).unwrap();
            let error = RpcError::from_wire(code, entry.text("message").as_bytes());
            let name = error.name();
            assert_eq!(name.to_string(), entry.text("type"));
            assert_eq!(name, *entry.text("type"));
            assert_eq!(name.argument(), entry.optional_number("argument"), "{entry:?}");
            let action = match error.reaction() {
                Reaction::Report => "report",
                Reaction::Wait { .. } => "wait",
                Reaction::WaitInChat { .. } => "wait, per chat",
                Reaction::MoveLogin { .. } => "move login",
                Reaction::MoveAccount { .. } => "move account",
                Reaction::RepeatAt { .. } => "repeat on that centre",
                Reaction::InitAgain => "init again, resend",
                Reaction::ResendInOrder if error.message() == "MSG_WAIT_FAILED" => {
                    "resend in order"
                }
                Reaction::ResendInOrder => "resend, same wrapper",
                Reaction::BindAgain => "bind again, resend",
                Reaction::LogInAgain => "log in again",
                Reaction::DropKey => "drop key, log in again",
                Reaction::Retry { after_s: 0 } => "retry with delay",
                Reaction::Retry { .. } => "retry after 1 s",
            };
            assert_eq!(action, entry.text("action"), "{entry:?}");
        }
    }

    #[track_caller]
    fn check(message: &str, name: &str, argument: Option<u64>) {
        let parsed = ErrorName::parse(message);
        assert_eq!((parsed.to_string().as_str(), parsed.argument()), (name, argument));
    }

    #[test]
    fn name_and_argument_are_split_at_the_edges_of_the_grammar() {
        check("", "", None);
        check("33", "33", None);
        check("33_A", "33_A", None);
        check("A_33_B_44", "A_33_B", None);
        check("A_33_44", "A", None);
        check("33_44", "33", None);
        check("A_", "A_", None);
        check("A_33_", "A_X_", Some(33));
        check("A__33", "A_", Some(33));
        check("A_18446744073709551615", "A", Some(u64::MAX));
        check("A_18446744073709551616", "A_18446744073709551616", None);
        check("2FA_X", "2FA_X", None);
        check("INTERDC_3_CALL_ERROR", "INTERDC_X_CALL_ERROR", Some(3));
    }

    #[test]
    fn implausible_code_or_text_is_replaced() {
        for code in [0, 10_001, -10_001, i32::MIN, i32::MAX] {
            assert_eq!(RpcError::from_wire(code, b"A").code(), 500);
        }
        assert_eq!(RpcError::from_wire(10_000, b"A").code(), 10_000);
        assert_eq!(RpcError::from_wire(-503, b"\xff").message(), NOT_UTF8);
    }
}
