//! The channels that are tracked.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use mtp_env::Instant;

use super::item::UpdateToken;
use super::sequence::Sequence;

/// Where the fetch of a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChannelFetch {
    Idle,
    /// Due at the instant.
    Due(Instant),
    InFlight {
        token: UpdateToken,
        asked: i32,
    },
}

#[derive(Debug)]
pub(super) struct Channel<T> {
    pub(super) sequence: Sequence<T>,
    pub(super) fetch: ChannelFetch,
    pub(super) gap: Option<Instant>,
    /// Not before this instant does a new fetch begin.
    pub(super) rested: Instant,
    pub(super) failures: u32,
    pub(super) idle_slices: u32,
    pub(super) lost: bool,
    pub(super) force: bool,
    pub(super) again: bool,
    /// The value that the server is known to have reached.
    pub(super) reach: i64,
    stamp: u64,
    timer: Option<Instant>,
}

/// All channels, their timers, and the order of their last changes.
#[derive(Debug)]
pub(super) struct Channels<T> {
    pub(super) by_id: BTreeMap<i64, Channel<T>>,
    by_age: BTreeSet<(u64, i64)>,
    timers: BTreeSet<(Instant, i64)>,
    pub(super) in_flight: BTreeMap<UpdateToken, i64>,
    stamp: u64,
}

impl<T> Channels<T> {
    pub(super) fn new() -> Self {
        Self {
            by_id: BTreeMap::new(),
            by_age: BTreeSet::new(),
            timers: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            stamp: 0,
        }
    }

    /// Returns a channel; a new one has no value yet.
    pub(super) fn touch(&mut self, id: i64) -> &mut Channel<T> {
        self.stamp += 1;
        let stamp = self.stamp;
        let channel = self.by_id.entry(id).or_insert_with(|| Channel {
            sequence: Sequence::new(None),
            fetch: ChannelFetch::Idle,
            gap: None,
            rested: Instant::from_micros(0),
            failures: 0,
            idle_slices: 0,
            lost: false,
            force: false,
            again: false,
            reach: 0,
            stamp,
            timer: None,
        });
        self.by_age.remove(&(channel.stamp, id));
        channel.stamp = stamp;
        self.by_age.insert((stamp, id));
        channel
    }

    /// Brings the timer of a channel in step with its gap and its fetch.
    pub(super) fn set_timer(&mut self, id: i64) {
        let Some(channel) = self.by_id.get_mut(&id) else { return };
        let due = match channel.fetch {
            ChannelFetch::Due(at) => Some(at.max(channel.rested)),
            ChannelFetch::InFlight { .. } => None,
            ChannelFetch::Idle => channel.gap,
        };
        if due == channel.timer {
            return;
        }
        if let Some(old) = channel.timer.take() {
            self.timers.remove(&(old, id));
        }
        if let Some(new) = due {
            self.timers.insert((new, id));
        }
        channel.timer = due;
    }

    /// Returns the first channel whose timer is set, with the timer.
    pub(super) fn next_timer(&self) -> Option<(Instant, i64)> {
        self.timers.first().copied()
    }

    /// Returns the first channel whose fetch may begin.
    pub(super) fn next_due(&self, now: Instant) -> Option<i64> {
        let reached = self.timers.iter().take_while(|(at, _)| *at <= now);
        reached
            .map(|(_, id)| *id)
            .find(|id| self.by_id.get(id).is_some_and(|c| matches!(c.fetch, ChannelFetch::Due(_))))
    }

    /// Returns the channels whose gap has been open too long.
    pub(super) fn gaps_until(&self, now: Instant) -> Vec<i64> {
        let reached = self.timers.iter().take_while(|(at, _)| *at <= now);
        let idle = |id: &i64| self.by_id.get(id).is_some_and(|c| c.fetch == ChannelFetch::Idle);
        reached.map(|(_, id)| *id).filter(idle).collect()
    }

    /// Returns the channel that changed longest ago and is not being fetched.
    pub(super) fn oldest(&self) -> Option<i64> {
        let idle = |id: &i64| {
            self.by_id.get(id).is_some_and(|c| !matches!(c.fetch, ChannelFetch::InFlight { .. }))
        };
        self.by_age.iter().map(|(_, id)| *id).find(idle)
    }

    pub(super) fn remove(&mut self, id: i64) -> Option<Channel<T>> {
        let channel = self.by_id.remove(&id)?;
        self.by_age.remove(&(channel.stamp, id));
        if let Some(timer) = channel.timer {
            self.timers.remove(&(timer, id));
        }
        if let ChannelFetch::InFlight { token, .. } = channel.fetch {
            self.in_flight.remove(&token);
        }
        Some(channel)
    }
}
