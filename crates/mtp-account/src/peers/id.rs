//! One signed number for each peer.

use core::fmt;

const USER_MAX: i64 = (1 << 40) - 1;
const GROUP_MAX: i64 = 999_999_999_999;
const CHANNEL_BASE: i64 = -1_000_000_000_000;
const CHANNEL_MAX: i64 = 997_852_516_352;
const MONOFORUM_MIN: i64 = 1_002_147_483_649;
const MONOFORUM_MAX: i64 = 3_000_000_000_000;
const SECRET_BASE: i64 = -2_000_000_000_000;

/// Whom a message is from or to.
// spec: account 4.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the marked form has room for these only")]
pub enum PeerId {
    /// A user or bot.
    User(i64),
    /// A basic group.
    Group(i64),
    /// A channel or supergroup, also the direct messages of a channel.
    Channel(i64),
    /// A secret chat of this device.
    Secret(i32),
}

impl PeerId {
    /// Reads the marked form.
    ///
    /// # Errors
    /// [`InvalidPeerId`] for a number that no peer has.
    pub fn from_marked(marked: i64) -> Result<Self, InvalidPeerId> {
        let bare = |base: i64| base.checked_sub(marked).ok_or(InvalidPeerId(()));
        match marked {
            1..=USER_MAX => Ok(Self::User(marked)),
            0.. => Err(InvalidPeerId(())),
            _ if marked >= -GROUP_MAX => Ok(Self::Group(-marked)),
            _ => {
                let channel = bare(CHANNEL_BASE)?;
                if Self::is_channel(channel) {
                    return Ok(Self::Channel(channel));
                }
                match i32::try_from(-bare(SECRET_BASE)?) {
                    Ok(secret) if secret != 0 => Ok(Self::Secret(secret)),
                    _ => Err(InvalidPeerId(())),
                }
            }
        }
    }

    /// Returns the marked form.
    ///
    /// # Errors
    /// [`InvalidPeerId`] for an id outside its range.
    pub fn to_marked(self) -> Result<i64, InvalidPeerId> {
        match self {
            Self::User(id @ 1..=USER_MAX) => Ok(id),
            Self::Group(id @ 1..=GROUP_MAX) => Ok(-id),
            Self::Channel(id) if Self::is_channel(id) => Ok(CHANNEL_BASE - id),
            Self::Secret(id) if id != 0 => Ok(SECRET_BASE + i64::from(id)),
            _ => Err(InvalidPeerId(())),
        }
    }

    /// Returns `true` if it is the chat for direct messages of a channel.
    #[must_use]
    pub fn is_monoforum(self) -> bool {
        matches!(self, Self::Channel(MONOFORUM_MIN..=MONOFORUM_MAX))
    }

    fn is_channel(id: i64) -> bool {
        matches!(id, 1..=CHANNEL_MAX | MONOFORUM_MIN..=MONOFORUM_MAX)
    }
}

/// A number that no peer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPeerId(());

impl fmt::Display for InvalidPeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no peer has this id")
    }
}

impl core::error::Error for InvalidPeerId {}
