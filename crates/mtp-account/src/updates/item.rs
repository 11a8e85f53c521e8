//! What goes into the update machine and what comes out.

use alloc::vec::Vec;

use super::state::UpdateState;

/// The sequence that an update belongs to, with its numbers.
// spec: account 3.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdatePlace {
    /// Private chats and basic groups: `pts` and `pts_count`.
    Common {
        /// The value after the update.
        pts: i32,
        /// How far the update moves the value.
        count: i32,
    },
    /// Secret chats and updates for bots: `qts`, each counts 1.
    Secondary {
        /// The value after the update.
        qts: i32,
    },
    /// One channel or supergroup.
    Channel {
        /// The bare id of the channel.
        channel: i64,
        /// The value after the update.
        pts: i32,
        /// How far the update moves the value; 0 for `updateReadChannelInbox`.
        count: i32,
    },
    /// No sequence of its own: the order of the containers' `seq`.
    Unordered,
    /// Outside of all order: typing notices, updates of the login.
    Immediate,
    /// `updateChannelTooLong`: an order to fetch, without content.
    ChannelTooLong {
        /// The bare id of the channel.
        channel: i64,
        /// The channel's value at the server, if it says so.
        pts: Option<i32>,
    },
    /// `updateChannel`: the access to a channel may have changed.
    ChannelChanged {
        /// The bare id of the channel.
        channel: i64,
    },
    /// `updatePtsChanged`: the common value was set anew.
    PtsChanged,
}

/// What an update names that the application does not know.
// spec: account 3.5
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingPeer {
    /// Everything is known.
    #[default]
    None,
    /// A user or chat in the content.
    Named,
    /// A user or chat in a service message.
    NamedByService,
    /// The channel of the update itself.
    Channel,
}

/// One update with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpdateItem<T> {
    /// Where the update belongs.
    pub place: UpdatePlace,
    /// The update itself; none for answers that only move a value.
    pub content: Option<T>,
    /// The length of the content in bytes, for the limit of what is kept.
    pub size: usize,
    /// What it names that is not known.
    pub missing: MissingPeer,
}

impl<T> UpdateItem<T> {
    /// Returns an update at `place` whose peers are all known.
    #[must_use]
    pub fn new(place: UpdatePlace, content: T, size: usize) -> Self {
        Self { place, content: Some(content), size, missing: MissingPeer::None }
    }

    /// Returns the update with a note of what is not known.
    #[must_use]
    pub fn with_missing(mut self, missing: MissingPeer) -> Self {
        self.missing = missing;
        self
    }

    pub(super) fn moving(place: UpdatePlace) -> Self {
        Self { place, content: None, size: 0, missing: MissingPeer::None }
    }
}

/// A container of updates: `updates`, `updatesCombined`, or a short form with `seq` 0.
// spec: account 3.2
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpdateContainer<T> {
    /// The updates in the order of the vector.
    pub items: Vec<UpdateItem<T>>,
    /// The first number that the container covers.
    pub seq_start: i32,
    /// The last number that the container covers; 0 without numbers.
    pub seq: i32,
    /// The server's time.
    pub date: i32,
}

impl<T> UpdateContainer<T> {
    /// Returns a container that covers one number, or none if `seq` is 0.
    #[must_use]
    pub fn new(items: Vec<UpdateItem<T>>, seq: i32, date: i32) -> Self {
        Self { items, seq_start: seq, seq, date }
    }

    /// Returns the container with the first of several numbers.
    #[must_use]
    pub fn with_seq_start(mut self, seq_start: i32) -> Self {
        self.seq_start = seq_start;
        self
    }
}

/// Names a call until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpdateToken(pub(super) u64);

/// A call that the machine asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateCall {
    /// `updates.getState`.
    GetState,
    /// `updates.getDifference` without limits.
    GetDifference {
        /// The common value.
        pts: i32,
        /// The date of the state, at least 1.
        date: i32,
        /// The secondary value.
        qts: i32,
    },
    /// `updates.getChannelDifference` with an empty filter.
    GetChannelDifference {
        /// The bare id of the channel.
        channel: i64,
        /// The channel's value; 1 if it is not known.
        pts: i32,
        /// How many updates at most.
        limit: i32,
        /// The flag `force`: the reason is a gap.
        force: bool,
    },
}

/// An answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateAnswer<T> {
    /// `updates.state`.
    State(CommonState),
    /// `updates.differenceEmpty`.
    Empty {
        /// The new date.
        date: i32,
        /// The new number of containers.
        seq: i32,
    },
    /// `updates.difference` and `updates.differenceSlice`.
    Difference {
        /// `new_messages`, then `new_encrypted_messages`.
        messages: Vec<T>,
        /// `other_updates`.
        other: Vec<UpdateItem<T>>,
        /// `state` or `intermediate_state`.
        state: CommonState,
        /// `true` for the last or only slice.
        last: bool,
    },
    /// `updates.differenceTooLong`.
    TooLong {
        /// The common value from which to ask again.
        pts: i32,
    },
    /// `updates.channelDifferenceEmpty` and `updates.channelDifference`.
    Channel {
        /// `new_messages`.
        messages: Vec<T>,
        /// `other_updates`.
        other: Vec<UpdateItem<T>>,
        /// The channel's new value.
        pts: i32,
        /// The flag `final`.
        last: bool,
    },
    /// `updates.channelDifferenceTooLong`.
    ChannelTooLong {
        /// The latest messages.
        messages: Vec<T>,
        /// The value in the dialog.
        pts: i32,
        /// The flag `final`.
        last: bool,
    },
}

/// Why a call has no answer.
// spec: account 3.7; account 3.8
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateFailure {
    /// The server or the link failed; the machine asks again later.
    Later,
    /// `FLOOD_WAIT_n`.
    Wait {
        /// Seconds.
        secs: u32,
    },
    /// `PERSISTENT_TIMESTAMP_INVALID` or `_EMPTY`: the state is of no use.
    StateInvalid,
    /// `CHANNEL_PRIVATE`, `CHANNEL_INVALID`, `CHANNEL_PUBLIC_GROUP_NA`.
    ChannelLost,
}

impl UpdateFailure {
    /// Returns the failure that an RPC error means for a fetch.
    #[must_use]
    pub fn from_error(code: i32, text: &str) -> Self {
        match text {
            "PERSISTENT_TIMESTAMP_INVALID" | "PERSISTENT_TIMESTAMP_EMPTY" => Self::StateInvalid,
            "CHANNEL_PRIVATE" | "CHANNEL_INVALID" | "CHANNEL_PUBLIC_GROUP_NA" => Self::ChannelLost,
            _ => match text.strip_prefix("FLOOD_WAIT_").and_then(|secs| secs.parse().ok()) {
                Some(secs) if code == 420 => Self::Wait { secs },
                _ => Self::Later,
            },
        }
    }
}

/// The values of the common and the secondary box and of the containers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "the four fields of updates.state")]
pub struct CommonState {
    /// The common value.
    pub pts: i32,
    /// The secondary value.
    pub qts: i32,
    /// The number of the last container.
    pub seq: i32,
    /// The server's time of the state.
    pub date: i32,
}

/// Something for the application, numbered for [`acknowledge`](super::UpdateMachine::acknowledge).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpdateEvent<T> {
    /// The number; each event's is one above the last.
    pub number: u64,
    /// What happened.
    pub kind: UpdateEventKind<T>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateEventKind<T> {
    /// Updates in order; those of one difference come together and are acknowledged together.
    Items(Vec<T>),
    /// Updates of the common box may have been skipped: dialogs have to be loaded again.
    DifferenceTooLong,
    /// The state was taken anew from the server.
    StateReset,
    /// Updates of a channel may have been skipped: its history has to be loaded again.
    ChannelTooLong {
        /// The bare id of the channel.
        channel: i64,
    },
    /// A channel is no longer accessible.
    ChannelLost {
        /// The bare id of the channel.
        channel: i64,
    },
    /// A channel is no longer tracked, because there are too many; its value, for the store.
    ChannelEvicted {
        /// The bare id of the channel.
        channel: i64,
        /// The channel's value.
        pts: i32,
    },
    /// An update had numbers that cannot be, and was dropped.
    Invalid {
        /// Its place.
        place: UpdatePlace,
    },
}

/// From where the machine starts.
// spec: account 3.10
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateStart {
    /// No state, or one that is not to be used: takes the server's, without history.
    Fresh,
    /// Catches up from a stored state.
    CatchUp(UpdateState),
    /// The state is known to be the server's of this moment.
    InStep(UpdateState),
}
