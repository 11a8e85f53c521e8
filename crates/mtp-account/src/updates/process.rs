//! Containers: the gap rule for each sequence, and the order of the rest.

use alloc::vec::Vec;

use super::channel::{Channel, ChannelFetch};
use super::item::{MissingPeer, UpdateContainer, UpdateEventKind, UpdateItem, UpdatePlace};
use super::machine::{CommonFetch, FetchKind, UpdateMachine, narrow};
use super::order::Rest;
use super::sequence::{Sequence, Verdict};
use super::state::StateChange;

/// The sequences of the account itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Common = 0,
    Secondary = 1,
}

/// Where the containers' gap has its place beside those of [`Own`].
const ORDER_GAP: usize = 2;

impl<T> UpdateMachine<T> {
    // spec: account 3.3
    pub(super) fn process(&mut self, container: UpdateContainer<T>) {
        if self.config.complete && container.items.iter().any(|item| self.is_incomplete(item)) {
            self.want_again();
            return;
        }
        let UpdateContainer { items, seq_start, seq, date } = container;
        let mut boxed = Vec::new();
        let mut rest = Vec::new();
        let mut changed = false;
        for item in items {
            match item.place {
                UpdatePlace::Immediate => self.deliver(item.content),
                UpdatePlace::PtsChanged => changed = true,
                UpdatePlace::Unordered | UpdatePlace::ChannelChanged { .. } => rest.push(item),
                _ => boxed.push(item),
            }
        }
        boxed.sort_by_key(|item| sort_key(item.place));
        for item in boxed {
            self.offer(item);
        }
        self.offer_rest(Rest::new(rest, seq_start, seq, date));
        if changed {
            self.want(FetchKind::State);
        }
    }

    /// Whether an item of the common box names what is not known, and is news.
    // spec: account 3.5
    fn is_incomplete(&self, item: &UpdateItem<T>) -> bool {
        let UpdatePlace::Common { pts, .. } = item.place else { return false };
        item.missing != MissingPeer::None && i64::from(pts) > self.common.value.unwrap_or(0)
    }

    /// Fetches the difference, once more if a fetch is under way: its answer may be older.
    pub(super) fn want_again(&mut self) {
        if matches!(self.fetch, CommonFetch::InFlight { .. }) {
            self.again = true;
        } else {
            self.want(FetchKind::Difference);
        }
    }

    pub(super) fn offer(&mut self, item: UpdateItem<T>) {
        match item.place {
            UpdatePlace::Common { pts, count } => {
                self.offer_own(Own::Common, item, pts.into(), count.into());
            }
            UpdatePlace::Secondary { qts } => {
                if self.secondary.value.unwrap_or(0) == 0 && qts > 0 && !self.is_fetching() {
                    self.secondary.value = Some(i64::from(qts) - 1);
                }
                self.offer_own(Own::Secondary, item, qts.into(), 1);
            }
            UpdatePlace::Channel { channel, pts, count } => {
                self.offer_channel(item, channel, pts.into(), count.into());
            }
            UpdatePlace::ChannelTooLong { channel, pts } => {
                if item.missing != MissingPeer::Channel || !self.config.complete {
                    self.channel_too_long(channel, pts);
                }
            }
            _ => self.deliver(item.content),
        }
    }

    fn is_fetching(&self) -> bool {
        self.fetch != CommonFetch::Idle
    }

    fn is_taking_state(&self) -> bool {
        matches!(
            self.fetch,
            CommonFetch::Due { kind: FetchKind::State, .. }
                | CommonFetch::InFlight { kind: FetchKind::State, .. }
        )
    }

    fn own(&mut self, own: Own) -> &mut Sequence<T> {
        match own {
            Own::Common => &mut self.common,
            Own::Secondary => &mut self.secondary,
        }
    }

    // spec: account 3.4
    fn offer_own(&mut self, own: Own, item: UpdateItem<T>, value: i64, count: i64) {
        let fetching = self.is_fetching();
        let verdict = match self.own(own).judge(value, count) {
            // The state is taken anew: what is old now may be news then.
            Verdict::Duplicate if self.is_taking_state() => Verdict::Gap,
            verdict => verdict,
        };
        match verdict {
            Verdict::DeliverWithoutEffect => self.deliver(item.content),
            Verdict::Invalid => self.emit(UpdateEventKind::Invalid { place: item.place }),
            Verdict::Duplicate => {}
            Verdict::Reset if !fetching && own == Own::Common => self.want(FetchKind::State),
            Verdict::Deliver | Verdict::Reset if !fetching => {
                self.apply_own(own, value, item.content);
                self.pump_own(own, false);
            }
            Verdict::Deliver | Verdict::Reset | Verdict::Gap | Verdict::Overlap => {
                self.own(own).keep(value, count, item.content, item.size);
                if verdict == Verdict::Overlap {
                    self.want(FetchKind::Difference);
                }
                let (items, bytes) = (self.config.kept_items_max, self.config.kept_bytes_max);
                if self.own(own).exceeds(items, bytes) {
                    self.own(own).clear_kept();
                    self.want_again();
                }
                self.watch_gap(own as usize);
            }
        }
    }

    fn apply_own(&mut self, own: Own, value: i64, content: Option<T>) {
        self.own(own).value = Some(value);
        self.deliver(content);
        self.record_common();
    }

    /// Applies what a closed gap has freed; `settled` after a fetch, when what crosses the value is wrong.
    fn pump_own(&mut self, own: Own, settled: bool) {
        while !self.is_fetching()
            && let Some(kept) = self.own(own).take_reached()
        {
            match self.own(own).judge(kept.value, kept.count) {
                Verdict::Deliver => self.apply_own(own, kept.value, kept.content),
                Verdict::Overlap if !settled => self.want(FetchKind::Difference),
                _ => {}
            }
        }
        self.watch_gap(own as usize);
    }

    /// Starts the timer of a gap that has opened, and stops it when nothing waits.
    fn watch_gap(&mut self, index: usize) {
        let waiting = match index {
            0 => self.common.is_waiting(),
            1 => self.secondary.is_waiting(),
            _ => self.orders.is_waiting(),
        };
        let Some(gap) = self.gaps.get_mut(index) else { return };
        if !waiting || self.fetch != CommonFetch::Idle {
            *gap = None;
        } else if gap.is_none() {
            *gap = Some(self.now + self.config.gap_wait);
        }
    }

    /// Ends the fetch of the common state and applies what was kept.
    // spec: account 3.9
    pub(super) fn finish_common(&mut self) {
        self.fetch = CommonFetch::Idle;
        self.gaps = [None; 3];
        self.idle_slices = 0;
        self.heard = self.now;
        if core::mem::take(&mut self.again) {
            self.want(FetchKind::Difference);
        } else {
            self.pump_own(Own::Common, true);
            self.pump_own(Own::Secondary, true);
            self.pump_orders();
        }
        self.start();
    }

    // spec: account 3.4
    pub(super) fn offer_rest(&mut self, rest: Rest<T>) {
        let (first, last) = (rest.seq_start, rest.seq);
        let numbered = first != 0 || last != 0;
        if last < first || first < 0 {
            self.want_again();
        } else if numbered && last <= self.seq && !self.is_taking_state()
            || !numbered && rest.items.is_empty()
        {
            // Old, or nothing.
        } else if self.is_fetching() {
            self.keep_rest(rest);
        } else if !numbered {
            self.apply_rest(rest);
        } else if first <= self.seq {
            self.want(FetchKind::Difference);
        } else if first == self.seq.saturating_add(1) {
            self.apply_rest(rest);
            self.pump_orders();
        } else {
            self.keep_rest(rest);
        }
    }

    fn keep_rest(&mut self, rest: Rest<T>) {
        self.orders.keep(rest);
        if self.orders.exceeds(self.config.kept_items_max, self.config.kept_bytes_max) {
            self.orders.clear();
            self.want_again();
        }
        self.watch_gap(ORDER_GAP);
    }

    fn pump_orders(&mut self) {
        while self.fetch == CommonFetch::Idle
            && let Some(rest) = self.orders.take_reached(self.seq)
        {
            if rest.seq == 0 || rest.seq_start == self.seq.saturating_add(1) {
                self.apply_rest(rest);
            } else if rest.seq > self.seq {
                self.want(FetchKind::Difference);
            }
        }
        self.watch_gap(ORDER_GAP);
    }

    fn apply_rest(&mut self, rest: Rest<T>) {
        let mut contents = Vec::new();
        for item in rest.items {
            if let UpdatePlace::ChannelChanged { channel } = item.place {
                self.readmit(channel);
            }
            contents.extend(item.content);
        }
        if !contents.is_empty() {
            self.emit(UpdateEventKind::Items(contents));
        }
        if rest.seq != 0 {
            self.seq = rest.seq;
            self.date = self.date.max(rest.date);
            self.record_common();
        }
    }

    pub(super) fn readmit(&mut self, id: i64) {
        if let Some(channel) = self.channels.by_id.get_mut(&id) {
            channel.lost = false;
        }
    }

    /// Returns a tracked channel; one too many puts the one that changed longest ago out.
    pub(super) fn track(&mut self, id: i64) -> &mut Channel<T> {
        if !self.channels.by_id.contains_key(&id)
            && self.channels.by_id.len() >= self.config.channels_max
            && let Some(oldest) = self.channels.oldest()
            && let Some(channel) = self.channels.remove(oldest)
        {
            let pts = channel.sequence.value.map_or(0, narrow);
            self.emit(UpdateEventKind::ChannelEvicted { channel: oldest, pts });
            self.journal.record(StateChange::Forgotten { channel: oldest });
        }
        self.channels.touch(id)
    }

    fn offer_channel(&mut self, item: UpdateItem<T>, id: i64, value: i64, count: i64) {
        let known = self.channels.by_id.get(&id);
        if known.is_some_and(|channel| channel.lost) {
            return;
        }
        let local = known.and_then(|channel| channel.sequence.value);
        let news = value != 0 && local.is_none_or(|local| value > local);
        let missing = if self.config.complete && news { item.missing } else { MissingPeer::None };
        if matches!(missing, MissingPeer::Channel | MissingPeer::NamedByService) {
            self.want_again();
            return;
        }
        if value == 0 {
            self.deliver(item.content);
            return;
        }
        if count < 0 || value <= count {
            self.emit(UpdateEventKind::Invalid { place: item.place });
            return;
        }
        let (items, bytes) = (self.config.kept_items_max, self.config.kept_bytes_max);
        let channel = self.track(id);
        let verdict = channel.sequence.judge(value, count);
        let idle = channel.fetch == ChannelFetch::Idle;
        if missing == MissingPeer::Named {
            channel.again |= !idle;
            self.want_channel(id, true);
            return;
        }
        match verdict {
            Verdict::Deliver if idle => {
                self.apply_channel(id, value, item.content);
                self.pump_channel(id, false);
            }
            Verdict::Deliver | Verdict::Gap | Verdict::Overlap => {
                channel.sequence.keep(value, count, item.content, item.size);
                let overflow = channel.sequence.exceeds(items, bytes);
                if overflow {
                    channel.sequence.clear_kept();
                    channel.again |= !idle;
                }
                self.journal.mark_pending(id);
                if overflow || verdict == Verdict::Overlap {
                    self.want_channel(id, true);
                }
                self.watch_channel(id);
            }
            _ => {}
        }
    }

    fn apply_channel(&mut self, id: i64, value: i64, content: Option<T>) {
        if let Some(channel) = self.channels.by_id.get_mut(&id) {
            channel.sequence.value = Some(value);
        }
        self.deliver(content);
        self.journal.record(StateChange::Channel { channel: id, pts: narrow(value) });
    }

    pub(super) fn pump_channel(&mut self, id: i64, settled: bool) {
        loop {
            let Some(channel) = self.channels.by_id.get_mut(&id) else { return };
            if channel.fetch != ChannelFetch::Idle {
                break;
            }
            let Some(kept) = channel.sequence.take_reached() else { break };
            match channel.sequence.judge(kept.value, kept.count) {
                Verdict::Deliver => self.apply_channel(id, kept.value, kept.content),
                Verdict::Overlap if !settled => self.want_channel(id, true),
                _ => {}
            }
        }
        self.watch_channel(id);
    }

    /// Starts or stops the timer of a channel's gap.
    pub(super) fn watch_channel(&mut self, id: i64) {
        let expiry = self.now + self.config.gap_wait;
        let Some(channel) = self.channels.by_id.get_mut(&id) else { return };
        if channel.fetch != ChannelFetch::Idle {
            channel.gap = None;
        } else if !channel.sequence.is_waiting() {
            channel.gap = None;
            self.journal.settle(id);
        } else if channel.gap.is_none() {
            channel.gap = Some(expiry);
        }
        self.channels.set_timer(id);
    }

    // spec: account 3.8
    fn channel_too_long(&mut self, id: i64, pts: Option<i32>) {
        let local = self.channels.by_id.get(&id).and_then(|channel| channel.sequence.value);
        if pts.is_some_and(|pts| local.is_some_and(|local| i64::from(pts) <= local)) {
            return;
        }
        let channel = self.track(id);
        if channel.lost {
            return;
        }
        // The answer under way may be older than the order.
        if matches!(channel.fetch, ChannelFetch::InFlight { .. }) {
            match pts {
                Some(pts) => channel.reach = channel.reach.max(pts.into()),
                None => channel.again = true,
            }
        }
        self.want_channel(id, true);
    }
}

/// Common, secondary, channels by id; within a box by the value before the item.
fn sort_key(place: UpdatePlace) -> (u8, i64, i64) {
    match place {
        UpdatePlace::Common { pts, count } => (0, 0, i64::from(pts) - i64::from(count)),
        UpdatePlace::Secondary { qts } => (1, 0, qts.into()),
        UpdatePlace::Channel { channel, pts, count } => {
            (2, channel, i64::from(pts) - i64::from(count))
        }
        UpdatePlace::ChannelTooLong { channel, .. } => (2, channel, i64::MAX),
        _ => (3, 0, 0),
    }
}
