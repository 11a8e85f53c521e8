//! Why a call has no result.

use core::fmt;
use core::time::Duration;

use mtp_session::client::{CallError, RequestError};
use mtp_tl::DecodeError;

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvokeError {
    /// The server answered with an error.
    Rpc {
        /// Similar to an HTTP status.
        code: i32,
        /// Capitals, digits and underscores.
        message: String,
    },
    /// The session gave up the call.
    Failed(CallError),
    /// The session did not take the call.
    Refused(RequestError),
    /// The answer is not what the method returns.
    Undecodable(DecodeError),
    /// The call belongs to a data center that the pool has no options for.
    Unreachable {
        /// The data center.
        dc: i32,
    },
    /// The client was closed.
    Closed,
}

impl InvokeError {
    /// Returns how long the server asks to wait before the call is repeated.
    #[must_use]
    pub fn flood_wait(&self) -> Option<Duration> {
        let Self::Rpc { code: 420, message } = self else { return None };
        let seconds = ["FLOOD_WAIT_", "FLOOD_PREMIUM_WAIT_"]
            .iter()
            .find_map(|prefix| message.strip_prefix(prefix))?;
        seconds.parse().ok().map(Duration::from_secs)
    }

    /// Returns the data center that the call belongs to, and whether it is the user's home from now on.
    pub(super) fn migration(&self) -> Option<(i32, Migration)> {
        let Self::Rpc { code: 303, message } = self else { return None };
        let (what, dc) = message.split_once("_MIGRATE_")?;
        let migration = match what {
            "PHONE" | "NETWORK" | "USER" => Migration::Home,
            _ => Migration::ThisCall,
        };
        Some((dc.parse().ok()?, migration))
    }
}

/// What belongs to another data center.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Migration {
    /// The user.
    Home,
    /// The object of the call: a file, statistics.
    ThisCall,
}

impl fmt::Display for InvokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rpc { code, message } => write!(f, "the server answered {code} {message}"),
            Self::Failed(_) => f.write_str("the call has no answer"),
            Self::Refused(_) => f.write_str("the call cannot be sent"),
            Self::Undecodable(_) => f.write_str("the answer cannot be decoded"),
            Self::Unreachable { dc } => write!(f, "data center {dc} is not known"),
            Self::Closed => f.write_str("the client is closed"),
        }
    }
}

impl core::error::Error for InvokeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Failed(why) => Some(why),
            Self::Refused(why) => Some(why),
            Self::Undecodable(why) => Some(why),
            Self::Rpc { .. } | Self::Unreachable { .. } | Self::Closed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rpc(code: i32, message: &str) -> InvokeError {
        InvokeError::Rpc { code, message: message.into() }
    }

    #[test]
    fn flood_waits_are_parsed() {
        let wait = |code, message| rpc(code, message).flood_wait().map(|wait| wait.as_secs());
        assert_eq!(wait(420, "FLOOD_WAIT_17"), Some(17));
        assert_eq!(wait(420, "FLOOD_PREMIUM_WAIT_3"), Some(3));
        assert_eq!(wait(420, "SLOWMODE_WAIT_3"), None, "a rule of the chat, not of the server");
        assert_eq!(wait(420, "FLOOD_WAIT_"), None);
        assert_eq!(wait(420, "FLOOD_WAIT_-1"), None);
        assert_eq!(wait(400, "FLOOD_WAIT_17"), None);
        assert_eq!(InvokeError::Closed.flood_wait(), None);
    }

    #[test]
    fn migrations_are_parsed() {
        let to = |code, message| rpc(code, message).migration();
        assert_eq!(to(303, "PHONE_MIGRATE_4"), Some((4, Migration::Home)));
        assert_eq!(to(303, "USER_MIGRATE_1"), Some((1, Migration::Home)));
        assert_eq!(to(303, "NETWORK_MIGRATE_1"), Some((1, Migration::Home)));
        assert_eq!(to(303, "FILE_MIGRATE_5"), Some((5, Migration::ThisCall)));
        assert_eq!(to(303, "STATS_MIGRATE_5"), Some((5, Migration::ThisCall)));
        assert_eq!(to(303, "FILE_MIGRATE_X"), None);
        assert_eq!(to(400, "FILE_MIGRATE_5"), None);
    }
}
