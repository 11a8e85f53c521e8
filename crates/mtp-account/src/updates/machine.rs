//! The machine: containers in, calls and events out.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use mtp_env::Instant;

use super::channel::{ChannelFetch, Channels};
use super::config::UpdateConfig;
use super::item::{
    CommonState, UpdateCall, UpdateContainer, UpdateEvent, UpdateEventKind, UpdateItem,
    UpdatePlace, UpdateStart, UpdateToken,
};
use super::order::Orders;
use super::sequence::Sequence;
use super::state::{Journal, StateChange, UpdateState};

/// What the fetch of the common state asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FetchKind {
    Difference,
    State,
}

/// Where the fetch of the common state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommonFetch {
    Idle,
    Due { at: Instant, kind: FetchKind },
    InFlight { token: UpdateToken, kind: FetchKind },
}

/// Keeps an account in step with the server; see the [module](super).
#[derive(Debug)]
pub struct UpdateMachine<T> {
    pub(super) config: UpdateConfig,
    pub(super) now: Instant,
    pub(super) started: bool,
    pub(super) common: Sequence<T>,
    pub(super) secondary: Sequence<T>,
    pub(super) orders: Orders<T>,
    pub(super) seq: i32,
    pub(super) date: i32,
    /// When the gaps of the common box, the secondary box and the containers have been open too long.
    pub(super) gaps: [Option<Instant>; 3],
    pub(super) fetch: CommonFetch,
    pub(super) again: bool,
    pub(super) failures: u32,
    pub(super) idle_slices: u32,
    pub(super) heard: Instant,
    pub(super) channels: Channels<T>,
    pub(super) events: VecDeque<UpdateEvent<T>>,
    pub(super) journal: Journal,
    early: Vec<UpdateContainer<T>>,
    early_items: usize,
    early_bytes: usize,
    tokens: u64,
}

impl<T> UpdateMachine<T> {
    /// Returns a machine that starts from `start`.
    // spec: account 3.10
    #[must_use]
    pub fn new(config: UpdateConfig, start: UpdateStart, now: Instant) -> Self {
        let (state, kind) = match start {
            UpdateStart::Fresh => (UpdateState::default(), Some(FetchKind::State)),
            UpdateStart::CatchUp(state) => (state, Some(FetchKind::Difference)),
            UpdateStart::InStep(state) => (state, None),
        };
        let common = state.common;
        let mut channels = Channels::new();
        for (&id, stored) in &state.channels {
            let channel = channels.touch(id);
            channel.sequence.value = (stored.pts > 0).then_some(i64::from(stored.pts));
            if stored.pending {
                channel.fetch = ChannelFetch::Due(now);
                channel.force = true;
            }
            channels.set_timer(id);
        }
        let fetch = kind.map_or(CommonFetch::Idle, |kind| CommonFetch::Due { at: now, kind });
        Self {
            config,
            now,
            started: kind.is_none(),
            common: Sequence::new(Some(common.pts.into())),
            secondary: Sequence::from_zero(common.qts.into()),
            orders: Orders::new(),
            seq: common.seq,
            date: common.date,
            gaps: [None; 3],
            fetch,
            again: false,
            failures: 0,
            idle_slices: 0,
            heard: now,
            channels,
            events: VecDeque::new(),
            journal: Journal::new(state),
            early: Vec::new(),
            early_items: 0,
            early_bytes: 0,
            tokens: 0,
        }
    }

    /// Takes a container that was pushed, or that answers a call of the application.
    // spec: account 3.3
    pub fn handle_updates(&mut self, container: UpdateContainer<T>, now: Instant) {
        self.advance(now);
        self.heard = self.now;
        if self.started {
            self.process(container);
            return;
        }
        self.early_items += container.items.len().max(1);
        let bytes = container.items.iter().map(|item| item.size);
        self.early_bytes = bytes.fold(self.early_bytes, usize::saturating_add);
        self.early.push(container);
        if self.early_items > self.config.kept_items_max
            || self.early_bytes > self.config.kept_bytes_max
        {
            self.early.clear();
            (self.early_items, self.early_bytes) = (0, 0);
            self.again = true;
        }
    }

    /// Takes `updatesTooLong`, or learns that updates may have been lost: a new link or session.
    // spec: account 3.7
    pub fn handle_too_long(&mut self, now: Instant) {
        self.advance(now);
        self.heard = self.now;
        self.want(FetchKind::Difference);
    }

    /// Takes the numbers of `messages.affectedMessages` and the like; `channel` if the call was about one.
    // spec: account 3.6
    pub fn handle_affected(&mut self, channel: Option<i64>, pts: i32, count: i32, now: Instant) {
        self.advance(now);
        if pts == 0 {
            return;
        }
        let place = match channel {
            Some(channel) => {
                let known = self.channels.by_id.get(&channel);
                if known.is_none_or(|known| known.sequence.value.is_none()) {
                    return;
                }
                UpdatePlace::Channel { channel, pts, count }
            }
            None => UpdatePlace::Common { pts, count },
        };
        let item = UpdateItem::moving(place);
        self.handle_updates(UpdateContainer::new(Vec::from([item]), 0, 0), now);
    }

    /// Takes the value of a channel from a dialog or a full channel, unless it is known already.
    // spec: account 3.6
    pub fn handle_channel_state(&mut self, channel: i64, pts: i32, now: Instant) {
        self.advance(now);
        if pts <= 0 {
            return;
        }
        let found = self.track(channel);
        if found.sequence.value.is_none() && found.fetch == ChannelFetch::Idle {
            found.sequence.value = Some(pts.into());
            self.journal.record(StateChange::Channel { channel, pts });
        }
    }

    /// Fetches a channel: the user looks at it, or asked for it.
    pub fn fetch_channel(&mut self, channel: i64, now: Instant) {
        self.advance(now);
        self.track(channel);
        self.want_channel(channel, false);
    }

    /// Returns the next call to make.
    pub fn poll_call(&mut self) -> Option<(UpdateToken, UpdateCall)> {
        if let CommonFetch::Due { at, kind } = self.fetch
            && at <= self.now
        {
            let token = self.token();
            self.fetch = CommonFetch::InFlight { token, kind };
            self.gaps = [None; 3];
            let state = self.common_state();
            let call = match kind {
                FetchKind::State => UpdateCall::GetState,
                FetchKind::Difference => UpdateCall::GetDifference {
                    pts: state.pts,
                    date: state.date.max(1),
                    qts: state.qts,
                },
            };
            return Some((token, call));
        }
        if !self.started || self.channels.in_flight.len() >= self.config.channel_fetches_max {
            return None;
        }
        let id = self.channels.next_due(self.now)?;
        let token = self.token();
        let most =
            if self.config.bot { self.config.bot_channel_limit } else { self.config.channel_limit };
        let channel = self.channels.by_id.get_mut(&id)?;
        let known = channel.sequence.value.filter(|value| *value > 0).map(narrow);
        let (pts, limit) = known.map_or((1, 1), |pts| (pts, most));
        let force = channel.force;
        channel.gap = None;
        channel.fetch = ChannelFetch::InFlight { token, asked: pts };
        self.channels.in_flight.insert(token, id);
        self.channels.set_timer(id);
        Some((token, UpdateCall::GetChannelDifference { channel: id, pts, limit, force }))
    }

    /// Returns the next event.
    pub fn poll_event(&mut self) -> Option<UpdateEvent<T>> {
        self.events.pop_front()
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let common = match self.fetch {
            CommonFetch::InFlight { .. } => None,
            CommonFetch::Due { at, .. } => Some(at),
            CommonFetch::Idle => {
                let silence = self.heard + self.config.silence_max;
                self.gaps.into_iter().flatten().chain([silence]).min()
            }
        };
        let full = self.channels.in_flight.len() >= self.config.channel_fetches_max;
        let channel = self.channels.next_timer().map(|(at, _)| at);
        let channel = channel.filter(|_| self.started && !full);
        [common, channel].into_iter().flatten().min()
    }

    /// Acts on what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        if self.fetch == CommonFetch::Idle {
            let silent = self.heard + self.config.silence_max <= self.now;
            if silent || self.gaps.into_iter().flatten().any(|gap| gap <= self.now) {
                self.want(FetchKind::Difference);
            }
        }
        let gaps = self.channels.gaps_until(self.now);
        for id in gaps {
            self.want_channel(id, true);
        }
    }

    /// Notes that the application has taken all events up to `number`, with their effects stored.
    // spec: account 3.11
    pub fn acknowledge(&mut self, number: u64) {
        self.journal.acknowledge(number);
    }

    /// Returns the state that covers exactly the acknowledged events: what is to be stored with them.
    #[must_use]
    pub fn stored_state(&self) -> &UpdateState {
        self.journal.stored()
    }

    /// Returns the present values of the account's own sequences.
    #[must_use]
    pub fn common_state(&self) -> CommonState {
        CommonState {
            pts: narrow(self.common.value.unwrap_or(0)),
            qts: narrow(self.secondary.value.unwrap_or(0)),
            seq: self.seq,
            date: self.date,
        }
    }

    /// Returns the present value of a channel.
    #[must_use]
    pub fn channel_pts(&self, channel: i64) -> Option<i32> {
        self.channels.by_id.get(&channel)?.sequence.value.map(narrow)
    }

    /// Returns the ids of the tracked channels.
    pub fn channels(&self) -> impl Iterator<Item = i64> {
        self.channels.by_id.keys().copied()
    }

    pub(super) fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    pub(super) fn token(&mut self) -> UpdateToken {
        self.tokens += 1;
        UpdateToken(self.tokens)
    }

    pub(super) fn emit(&mut self, kind: UpdateEventKind<T>) {
        let number = self.journal.number();
        self.events.push_back(UpdateEvent { number, kind });
    }

    pub(super) fn deliver(&mut self, content: Option<T>) {
        if let Some(content) = content {
            self.emit(UpdateEventKind::Items(Vec::from([content])));
        }
    }

    pub(super) fn record_common(&mut self) {
        let state = self.common_state();
        self.journal.record(StateChange::Common(state));
    }

    /// Makes a fetch of the common state due, unless one is.
    pub(super) fn want(&mut self, kind: FetchKind) {
        match &mut self.fetch {
            CommonFetch::Idle => {
                self.fetch = CommonFetch::Due { at: self.now, kind };
                self.gaps = [None; 3];
            }
            CommonFetch::Due { kind: due, .. } if kind == FetchKind::State => *due = kind,
            CommonFetch::Due { .. } | CommonFetch::InFlight { .. } => {}
        }
    }

    pub(super) fn want_channel(&mut self, id: i64, force: bool) {
        let now = self.now;
        let Some(channel) = self.channels.by_id.get_mut(&id) else { return };
        if channel.lost {
            return;
        }
        channel.force |= force;
        if channel.fetch == ChannelFetch::Idle {
            channel.fetch = ChannelFetch::Due(now);
            self.channels.set_timer(id);
            self.journal.mark_pending(id);
        }
    }

    /// Processes what arrived before the first answer.
    pub(super) fn start(&mut self) {
        if mem::replace(&mut self.started, true) {
            return;
        }
        (self.early_items, self.early_bytes) = (0, 0);
        for container in mem::take(&mut self.early) {
            self.process(container);
        }
    }

    /// Returns the wait after so many failures: 1, 2, 4 … seconds.
    pub(super) fn backoff(&self, failures: u32, jitter: Duration) -> Duration {
        let wait = Duration::from_secs(1 << failures.min(16));
        if wait < self.config.retry_wait_max { wait } else { self.config.retry_wait_max + jitter }
    }
}

/// Values are kept in 64 bits and come from 32.
pub(super) fn narrow(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
