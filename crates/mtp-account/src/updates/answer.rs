//! Answers to the fetches, and their failures.

use alloc::vec::Vec;
use core::time::Duration;

use mtp_env::Instant;

use super::channel::ChannelFetch;
use super::item::{
    CommonState, MissingPeer, UpdateAnswer, UpdateEventKind, UpdateFailure, UpdateItem,
    UpdatePlace, UpdateToken,
};
use super::machine::{CommonFetch, FetchKind, UpdateMachine, narrow};
use super::state::StateChange;

/// The wait after slices that do not move the state.
const LOOP_WAIT: Duration = Duration::from_secs(1);
/// The longest wait that a server can demand.
const WAIT_SECS_MAX: u32 = 1_209_600;

impl<T> UpdateMachine<T> {
    /// Takes the answer to the call named `token`; answers to others are ignored.
    // spec: account 3.7; account 3.8
    pub fn handle_answer(&mut self, token: UpdateToken, answer: UpdateAnswer<T>, now: Instant) {
        self.advance(now);
        if let Some(&id) = self.channels.in_flight.get(&token) {
            self.answer_channel(id, token, answer);
            return;
        }
        match self.fetch {
            CommonFetch::InFlight { token: own, kind } if own == token => {
                self.answer_common(kind, answer);
            }
            _ => {}
        }
    }

    /// Takes the failure of the call named `token`. `jitter`, 0 to 20 s, is added to the longest wait.
    // spec: account 3.7; account 3.8
    pub fn handle_error(
        &mut self,
        token: UpdateToken,
        failure: UpdateFailure,
        jitter: Duration,
        now: Instant,
    ) {
        self.advance(now);
        if let Some(id) = self.channels.in_flight.remove(&token) {
            self.fail_channel(id, failure, jitter);
            return;
        }
        match self.fetch {
            CommonFetch::InFlight { token: own, kind } if own == token => {
                self.fail_common(kind, failure, jitter);
            }
            _ => {}
        }
    }

    fn fail_common(&mut self, kind: FetchKind, failure: UpdateFailure, jitter: Duration) {
        let (wait, kind) = match failure {
            UpdateFailure::StateInvalid if kind == FetchKind::Difference => {
                (Duration::ZERO, FetchKind::State)
            }
            UpdateFailure::Wait { secs } => (flood_wait(secs), kind),
            _ => (self.backoff(self.failures, jitter), kind),
        };
        if failure == UpdateFailure::Later {
            self.failures = self.failures.saturating_add(1);
        }
        self.fetch = CommonFetch::Due { at: self.now + wait, kind };
    }

    fn answer_common(&mut self, kind: FetchKind, answer: UpdateAnswer<T>) {
        self.failures = 0;
        match (kind, answer) {
            (FetchKind::State, UpdateAnswer::State(state)) => {
                if self.started {
                    self.emit(UpdateEventKind::StateReset);
                }
                self.set_common(state);
                self.finish_common();
            }
            (FetchKind::Difference, UpdateAnswer::Empty { date, seq }) => {
                let state = CommonState { seq, date, ..self.common_state() };
                self.set_common(state);
                self.finish_common();
            }
            (FetchKind::Difference, UpdateAnswer::Difference { messages, other, state, last }) => {
                self.apply_difference(messages, other, state, last);
            }
            (FetchKind::Difference, UpdateAnswer::TooLong { pts }) => {
                let moved = self.common.value != Some(pts.into());
                self.emit(UpdateEventKind::DifferenceTooLong);
                self.set_common(CommonState { pts, ..self.common_state() });
                self.ask_again(moved);
            }
            // An answer of another function: a server that cannot be followed.
            (kind, _) => self.fail_common(kind, UpdateFailure::Later, Duration::ZERO),
        }
    }

    fn set_common(&mut self, state: CommonState) {
        self.common.value = Some(state.pts.into());
        self.secondary.value = Some(state.qts.into());
        (self.seq, self.date) = (state.seq, state.date);
        self.record_common();
    }

    fn ask_again(&mut self, moved: bool) {
        self.idle_slices = if moved { 0 } else { self.idle_slices + 1 };
        let mut at = self.now;
        if self.idle_slices >= self.config.idle_slices_max {
            self.idle_slices = 0;
            at = at + LOOP_WAIT;
        }
        self.fetch = CommonFetch::Due { at, kind: FetchKind::Difference };
    }

    fn apply_difference(
        &mut self,
        messages: Vec<T>,
        other: Vec<UpdateItem<T>>,
        state: CommonState,
        last: bool,
    ) {
        let moved = state != self.common_state();
        let mut contents = messages;
        let mut channels = Vec::new();
        let mut changed = false;
        for mut item in other {
            match item.place {
                UpdatePlace::Channel { .. } | UpdatePlace::ChannelTooLong { .. } => {
                    if matches!(item.place, UpdatePlace::Channel { .. }) {
                        item.missing = MissingPeer::None;
                    }
                    channels.push(item);
                }
                UpdatePlace::PtsChanged => changed = true,
                UpdatePlace::ChannelChanged { channel } => {
                    self.readmit(channel);
                    contents.extend(item.content);
                }
                _ => contents.extend(item.content),
            }
        }
        if !contents.is_empty() {
            self.emit(UpdateEventKind::Items(contents));
        }
        // The state moves past the channels' items, so a restart has to fetch them until they are taken.
        for item in &channels {
            if let UpdatePlace::Channel { channel, .. } = item.place
                && self.channels.by_id.contains_key(&channel)
            {
                self.journal.mark_pending(channel);
            }
        }
        self.set_common(state);
        for item in channels {
            let place = item.place;
            self.offer(item);
            if let UpdatePlace::Channel { channel, .. } = place {
                self.watch_channel(channel);
            }
        }
        if changed {
            self.fetch = CommonFetch::Due { at: self.now, kind: FetchKind::State };
            self.start();
        } else if last {
            self.finish_common();
        } else {
            self.ask_again(moved);
        }
    }

    fn answer_channel(&mut self, id: i64, token: UpdateToken, answer: UpdateAnswer<T>) {
        self.channels.in_flight.remove(&token);
        let Some(channel) = self.channels.by_id.get_mut(&id) else { return };
        let ChannelFetch::InFlight { asked, .. } = channel.fetch else { return };
        channel.failures = 0;
        let before = channel.sequence.value;
        let (contents, pts, last) = match answer {
            UpdateAnswer::Channel { messages, other, pts, last } => {
                let mut contents = messages;
                contents.extend(other.into_iter().filter_map(|item| item.content));
                let stuck = !contents.is_empty() && pts <= asked;
                (contents, if stuck { asked.saturating_add(1) } else { pts }, last)
            }
            UpdateAnswer::ChannelTooLong { messages, pts, last } => {
                self.emit(UpdateEventKind::ChannelTooLong { channel: id });
                (messages, pts, last)
            }
            _ => {
                self.fail_channel(id, UpdateFailure::Later, Duration::ZERO);
                return;
            }
        };
        if !contents.is_empty() {
            self.emit(UpdateEventKind::Items(contents));
        }
        let value = before.unwrap_or(0).max(pts.into());
        self.journal.record(StateChange::Channel { channel: id, pts: narrow(value) });
        let (now, pause) = (self.now, self.config.channel_pause);
        let most = self.config.idle_slices_max;
        let Some(channel) = self.channels.by_id.get_mut(&id) else { return };
        channel.sequence.value = Some(value);
        if !last {
            let moved = before != Some(value);
            channel.idle_slices = if moved { 0 } else { channel.idle_slices + 1 };
            let wait = if channel.idle_slices >= most { LOOP_WAIT } else { Duration::ZERO };
            channel.fetch = ChannelFetch::Due(now + wait);
            channel.rested = now;
            self.channels.set_timer(id);
            return;
        }
        channel.fetch = ChannelFetch::Idle;
        channel.rested = now + pause;
        channel.idle_slices = 0;
        channel.force = false;
        let again = core::mem::take(&mut channel.again) || channel.reach > value;
        channel.reach = 0;
        self.pump_channel(id, true);
        if again {
            self.want_channel(id, true);
        }
    }

    fn fail_channel(&mut self, id: i64, failure: UpdateFailure, jitter: Duration) {
        let failures = self.channels.by_id.get(&id).map_or(0, |channel| channel.failures);
        let wait = match failure {
            UpdateFailure::Wait { secs } => flood_wait(secs),
            UpdateFailure::StateInvalid => self.config.channel_pause,
            _ => self.backoff(failures, jitter),
        };
        let due = self.now + wait;
        let Some(channel) = self.channels.by_id.get_mut(&id) else { return };
        channel.sequence.clear_kept();
        channel.failures = channel.failures.saturating_add(1);
        channel.fetch = ChannelFetch::Due(due);
        if matches!(failure, UpdateFailure::StateInvalid | UpdateFailure::ChannelLost) {
            channel.sequence.value = None;
        }
        if failure == UpdateFailure::ChannelLost {
            channel.lost = true;
            channel.again = false;
            channel.reach = 0;
            channel.failures = 0;
            channel.fetch = ChannelFetch::Idle;
            channel.gap = None;
            self.emit(UpdateEventKind::ChannelLost { channel: id });
            self.journal.settle(id);
            self.journal.record(StateChange::Forgotten { channel: id });
        }
        self.channels.set_timer(id);
    }
}

fn flood_wait(secs: u32) -> Duration {
    Duration::from_secs(secs.clamp(1, WAIT_SECS_MAX).into())
}
