//! The state that survives a restart.

use alloc::collections::{BTreeMap, VecDeque};

use super::item::CommonState;

/// The state at which the application is, complete for a restart.
// spec: account 3.11
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpdateState {
    /// The account's own values.
    pub common: CommonState,
    /// The channels by bare id.
    pub channels: BTreeMap<i64, ChannelState>,
}

impl UpdateState {
    /// Returns a state without channels.
    #[must_use]
    pub fn new(common: CommonState) -> Self {
        Self { common, channels: BTreeMap::new() }
    }
}

/// The state of one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "what a store keeps of one channel")]
pub struct ChannelState {
    /// The channel's value; 0 if it is not known.
    pub pts: i32,
    /// A fetch was due, or updates waited: after a restart the channel is fetched at once.
    pub pending: bool,
}

/// A change of the state that counts when an event is acknowledged.
#[derive(Clone, Copy, Debug)]
pub(super) enum StateChange {
    Common(CommonState),
    Channel { channel: i64, pts: i32 },
    Settled { channel: i64, generation: u64 },
    Forgotten { channel: i64 },
}

/// The acknowledged state, and the changes that wait for acknowledgment.
#[derive(Debug)]
pub(super) struct Journal {
    stored: UpdateState,
    waiting: VecDeque<(u64, StateChange)>,
    emitted: u64,
    acknowledged: u64,
    /// The last mark of each channel: an older settlement does not count.
    marks: BTreeMap<i64, u64>,
    marked: u64,
}

impl Journal {
    pub(super) fn new(stored: UpdateState) -> Self {
        Self {
            stored,
            waiting: VecDeque::new(),
            emitted: 0,
            acknowledged: 0,
            marks: BTreeMap::new(),
            marked: 0,
        }
    }

    pub(super) fn stored(&self) -> &UpdateState {
        &self.stored
    }

    /// Returns the number of the next event.
    pub(super) fn number(&mut self) -> u64 {
        self.emitted += 1;
        self.emitted
    }

    /// Makes `change` count once all events so far are acknowledged.
    pub(super) fn record(&mut self, change: StateChange) {
        if self.acknowledged >= self.emitted {
            self.apply(change);
            return;
        }
        // Values of one box between two events replace each other.
        if let Some((number, last)) = self.waiting.back_mut()
            && *number == self.emitted
            && matches!((&last, &change), (StateChange::Common(_), StateChange::Common(_)))
        {
            *last = change;
            return;
        }
        self.waiting.push_back((self.emitted, change));
    }

    /// Marks a channel for a fetch after a restart; at once, as a fetch too many is harmless.
    pub(super) fn mark_pending(&mut self, channel: i64) {
        self.marked += 1;
        self.marks.insert(channel, self.marked);
        self.stored.channels.entry(channel).or_default().pending = true;
    }

    /// Takes the mark back once all events so far are acknowledged.
    pub(super) fn settle(&mut self, channel: i64) {
        if let Some(&generation) = self.marks.get(&channel) {
            self.record(StateChange::Settled { channel, generation });
        }
    }

    pub(super) fn acknowledge(&mut self, number: u64) {
        self.acknowledged = self.acknowledged.max(number.min(self.emitted));
        while let Some((at, change)) = self.waiting.front().copied() {
            if at > self.acknowledged {
                break;
            }
            self.waiting.pop_front();
            self.apply(change);
        }
    }

    fn apply(&mut self, change: StateChange) {
        let channels = &mut self.stored.channels;
        match change {
            StateChange::Common(common) => self.stored.common = common,
            StateChange::Channel { channel, pts } => channels.entry(channel).or_default().pts = pts,
            StateChange::Settled { channel, generation } => {
                if self.marks.get(&channel) != Some(&generation) {
                    return;
                }
                self.marks.remove(&channel);
                if let Some(state) = channels.get_mut(&channel) {
                    state.pending = false;
                }
            }
            StateChange::Forgotten { channel } => {
                channels.remove(&channel);
                if self.marks.contains_key(&channel) {
                    channels.insert(channel, ChannelState { pts: 0, pending: true });
                }
            }
        }
    }
}
