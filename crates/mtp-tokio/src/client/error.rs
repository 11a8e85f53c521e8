//! Why a call has no result.

use core::fmt;
use core::time::Duration;

use mtp_session::session::{CallError, SendError};
use mtp_tl::DecodeError;

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvokeError {
    /// The server answered with an error.
    Rpc {
        /// Like a status of HTTP.
        code: i32,
        /// Capitals, digits and underscores.
        message: String,
    },
    /// The session gave the call up.
    Failed(CallError),
    /// The call was not taken.
    Refused(SendError),
    /// The answer is not what the method returns.
    Undecodable(DecodeError),
    /// The call belongs to a data centre that nobody told how to reach.
    Unreachable {
        /// The data centre.
        dc: i32,
    },
    /// The client was closed.
    Closed,
}

impl InvokeError {
    /// Returns how long the server wants this client to wait before it repeats the call.
    #[must_use]
    pub fn flood_wait(&self) -> Option<Duration> {
        let Self::Rpc { code: 420, message } = self else { return None };
        let seconds = ["FLOOD_WAIT_", "FLOOD_PREMIUM_WAIT_"]
            .iter()
            .find_map(|prefix| message.strip_prefix(prefix))?;
        seconds.parse().ok().map(Duration::from_secs)
    }

    /// Returns to which data centre the call belongs, and whether that is the user's home from now on.
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

/// What belongs to another data centre.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Migration {
    /// The user.
    Home,
    /// What the call asks for: a file, statistics.
    ThisCall,
}

impl fmt::Display for InvokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rpc { code, message } => write!(f, "the server answered {code} {message}"),
            Self::Failed(why) => write!(f, "no answer: {why}"),
            Self::Refused(why) => write!(f, "not sent: {why}"),
            Self::Undecodable(why) => write!(f, "the answer cannot be read: {why}"),
            Self::Unreachable { dc } => write!(f, "data centre {dc} is not known"),
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
    fn waits_are_read_from_the_name() {
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
    fn migrations_are_read_from_the_name() {
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
