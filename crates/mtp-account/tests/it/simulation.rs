//! A server that drops, delays, repeats, reorders, cuts and joins updates, and an application that crashes.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use mtp_account::updates::{
    CommonState, UpdateAnswer, UpdateCall, UpdateConfig, UpdateContainer, UpdateEvent,
    UpdateEventKind, UpdateFailure, UpdateItem, UpdateMachine, UpdatePlace, UpdateStart,
    UpdateState, UpdateToken,
};
use mtp_env::Instant;

/// A content: its sequence (0 common, −1 secondary, else the channel) and its place in the log.
type Content = (i64, i32);

/// A rule of the client that is broken on purpose, to see that the judge notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    Nothing,
    /// Stores the present state instead of the acknowledged one.
    StoresTooEarly,
    /// Stores no state at all after the start.
    StoresNothing,
    /// Ignores differences.
    IgnoresAnswers,
    /// Feeds updates to the application without the machine.
    DeliversAtOnce,
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// One entry of a log: the value after it, and the server's date when it was made.
#[derive(Clone, Copy)]
struct Entry {
    value: i32,
    count: i32,
    date: i32,
}

/// The server: a log for each sequence, and answers that tell the truth.
struct Server {
    logs: BTreeMap<i64, Vec<Entry>>,
    date: i32,
    page: usize,
}

const FIRST: i32 = 100;

impl Server {
    fn value(&self, of: i64) -> i32 {
        self.logs.get(&of).and_then(|log| log.last()).map_or(FIRST, |entry| entry.value)
    }

    fn make(&mut self, of: i64, count: i32) -> UpdateItem<Content> {
        self.date += 1;
        let value = self.value(of) + count;
        self.logs.entry(of).or_default().push(Entry { value, count, date: self.date });
        Self::item(of, value, count)
    }

    fn item(of: i64, value: i32, count: i32) -> UpdateItem<Content> {
        let place = match of {
            0 => UpdatePlace::Common { pts: value, count },
            -1 => UpdatePlace::Secondary { qts: value },
            channel => UpdatePlace::Channel { channel, pts: value, count },
        };
        UpdateItem::new(place, (of, value), 10)
    }

    fn state(&self) -> CommonState {
        CommonState { pts: self.value(0), qts: self.value(-1), seq: 1, date: self.date }
    }

    fn after(&self, of: i64, value: i32) -> Vec<Entry> {
        let log = self.logs.get(&of).into_iter().flatten();
        log.filter(|entry| entry.value > value).copied().collect()
    }

    fn difference(&self, pts: i32, qts: i32, date: i32) -> UpdateAnswer<Content> {
        let common = self.after(0, pts);
        let secondary = self.after(-1, qts);
        let last = common.len() <= self.page;
        let mut messages: Vec<Content> =
            common.iter().take(self.page).map(|entry| (0, entry.value)).collect();
        let mut state = self.state();
        if !last {
            state = CommonState { pts: messages.last().map_or(pts, |m| m.1), qts, seq: 1, date };
            return UpdateAnswer::Difference { messages, other: Vec::new(), state, last };
        }
        messages.extend(secondary.iter().map(|entry| (-1, entry.value)));
        let changed = self
            .logs
            .iter()
            .filter(|(of, log)| **of > 0 && log.last().is_some_and(|entry| entry.date > date));
        let mut other: Vec<UpdateItem<Content>> = Vec::new();
        for (of, log) in changed {
            let entry = log.last().unwrap();
            // Half of the channels are named, of the others the latest item stands in the difference.
            if of % 2 == 0 {
                other.push(Self::item(*of, entry.value, entry.count));
            } else {
                let place = UpdatePlace::ChannelTooLong { channel: *of, pts: Some(entry.value) };
                other.push(UpdateItem::new(place, (*of, 0), 0));
            }
        }
        if messages.is_empty() && other.is_empty() {
            return UpdateAnswer::Empty { date: state.date, seq: state.seq };
        }
        UpdateAnswer::Difference { messages, other, state, last }
    }

    fn channel(&self, of: i64, pts: i32, limit: i32) -> UpdateAnswer<Content> {
        let missing = self.after(of, pts);
        let most = self.page.min(usize::try_from(limit).unwrap());
        let messages: Vec<Content> =
            missing.iter().take(most).map(|entry| (of, entry.value)).collect();
        let last = missing.len() <= most;
        let pts = messages.last().map_or(pts, |message| message.1);
        UpdateAnswer::Channel { messages, other: Vec::new(), pts, last }
    }
}

enum Wire {
    Push(UpdateContainer<Content>),
    TooLong,
    Answer(UpdateToken, UpdateAnswer<Content>),
    Failure(UpdateToken, UpdateFailure),
}

/// What the application has on its disk: changed in one step.
#[derive(Clone)]
struct Disk {
    state: UpdateState,
    seen: Vec<Content>,
}

struct World {
    random: Random,
    server: Server,
    machine: UpdateMachine<Content>,
    disk: Disk,
    taken: Vec<UpdateEvent<Content>>,
    wire: Vec<(u64, u64, Wire)>,
    sent: u64,
    now: u64,
    broken: Broken,
    open: BTreeSet<UpdateToken>,
    open_channels: BTreeMap<UpdateToken, i64>,
    open_common: usize,
    calls: u64,
}

const CHANNELS: i64 = 3;

impl World {
    fn new(seed: u64, broken: Broken) -> Self {
        let mut random = Random(seed);
        let page = 1 + usize::try_from(random.below(6)).unwrap();
        let server = Server { logs: BTreeMap::new(), date: 1000, page };
        let mut state = UpdateState::new(server.state());
        for channel in 1..=CHANNELS {
            let known = mtp_account::updates::ChannelState { pts: FIRST, pending: false };
            state.channels.insert(channel, known);
        }
        let start = UpdateStart::InStep(state.clone());
        Self {
            random,
            server,
            machine: UpdateMachine::new(config(), start, Instant::from_micros(0)),
            disk: Disk { state, seen: Vec::new() },
            taken: Vec::new(),
            wire: Vec::new(),
            sent: 0,
            now: 0,
            broken,
            open: BTreeSet::new(),
            open_channels: BTreeMap::new(),
            open_common: 0,
            calls: 0,
        }
    }

    fn instant(&self) -> Instant {
        Instant::from_micros(self.now * 1000)
    }

    fn send(&mut self, delay: u64, what: Wire) {
        self.sent += 1;
        self.wire.push((self.now + delay, self.sent, what));
    }

    /// Makes some items and pushes them, more or less.
    fn produce(&mut self) {
        let mut items = Vec::new();
        for _ in 0..=self.random.below(3) {
            let of = self.random.below(u64::try_from(CHANNELS).unwrap() + 2).cast_signed() - 1;
            let count = if of < 0 { 1 } else { 1 + i32::try_from(self.random.below(3)).unwrap() };
            items.push(self.server.make(of, count));
        }
        if self.random.percent(10) {
            self.send(1, Wire::TooLong);
        }
        if self.random.percent(30) {
            let at = usize::try_from(self.random.below(items.len() as u64)).unwrap();
            items.rotate_left(at);
        }
        let cut = usize::try_from(self.random.below(items.len() as u64 + 1)).unwrap();
        let tail = items.split_off(cut);
        for part in [items, tail] {
            for _ in 0..=u64::from(self.random.percent(15)) {
                if !part.is_empty() && !self.random.percent(15) {
                    let delay = if self.random.percent(20) { self.random.below(900) } else { 5 };
                    self.send(delay, Wire::Push(UpdateContainer::new(part.clone(), 0, 0)));
                }
            }
        }
    }

    fn receive(&mut self) {
        let now = self.now;
        let (mut due, later): (Vec<_>, Vec<_>) =
            self.wire.drain(..).partition(|(at, _, _)| *at <= now);
        self.wire = later;
        due.sort_by_key(|(at, order, _)| (*at, *order));
        for (_, _, what) in due {
            match what {
                Wire::Push(container) => {
                    if self.broken == Broken::DeliversAtOnce {
                        let contents = container.items.iter().filter_map(|item| item.content);
                        self.disk.seen.extend(contents);
                    } else {
                        self.machine.handle_updates(container, self.instant());
                    }
                }
                Wire::TooLong => self.machine.handle_too_long(self.instant()),
                Wire::Answer(token, answer) => {
                    self.close(token);
                    let answer = if self.broken == Broken::IgnoresAnswers {
                        UpdateAnswer::Empty { date: self.server.date, seq: 1 }
                    } else {
                        answer
                    };
                    self.machine.handle_answer(token, answer, self.instant());
                }
                Wire::Failure(token, failure) => {
                    self.close(token);
                    let now = self.instant();
                    self.machine.handle_error(token, failure, Duration::ZERO, now);
                }
            }
            self.drain();
        }
    }

    fn close(&mut self, token: UpdateToken) {
        if self.open.remove(&token) && self.open_channels.remove(&token).is_none() {
            self.open_common -= 1;
        }
    }

    fn drain(&mut self) {
        while let Some(event) = self.machine.poll_event() {
            self.taken.push(event);
        }
        if self.random.percent(70) {
            self.store();
        }
        let mut calls = 0;
        while let Some((token, call)) = self.machine.poll_call() {
            calls += 1;
            assert!(calls < 50, "the machine spins");
            self.calls += 1;
            self.answer(token, call);
        }
    }

    fn answer(&mut self, token: UpdateToken, call: UpdateCall) {
        self.open.insert(token);
        let answer = match call {
            UpdateCall::GetState => UpdateAnswer::State(self.server.state()),
            UpdateCall::GetDifference { pts, date, qts } => self.server.difference(pts, qts, date),
            UpdateCall::GetChannelDifference { channel, pts, limit, .. } => {
                let twice = self.open_channels.values().any(|open| *open == channel);
                assert!(!twice, "two fetches of one channel");
                self.open_channels.insert(token, channel);
                self.server.channel(channel, pts, limit)
            }
            other => panic!("{other:?}"),
        };
        if !self.open_channels.contains_key(&token) {
            self.open_common += 1;
            assert_eq!(self.open_common, 1, "two differences at once");
        }
        let delay = 1 + self.random.below(400);
        let what = if self.random.percent(10) {
            Wire::Failure(token, UpdateFailure::Later)
        } else {
            Wire::Answer(token, answer)
        };
        self.send(delay, what);
    }

    /// Stores the effects of some of the events, and the state that covers them, in one step.
    fn store(&mut self) {
        if self.taken.is_empty() {
            return;
        }
        let count = 1 + usize::try_from(self.random.below(self.taken.len() as u64)).unwrap();
        for event in self.taken.drain(..count) {
            self.machine.acknowledge(event.number);
            if let UpdateEventKind::Items(items) = event.kind {
                self.disk.seen.extend(items);
            }
        }
        match self.broken {
            Broken::StoresNothing => {}
            Broken::StoresTooEarly => {
                self.disk.state = self.machine.stored_state().clone();
                self.disk.state.common = self.machine.common_state();
            }
            _ => self.disk.state = self.machine.stored_state().clone(),
        }
    }

    fn crash(&mut self) {
        self.taken.clear();
        self.wire.retain(|(_, _, what)| matches!(what, Wire::Push(_) | Wire::TooLong));
        if self.random.percent(50) {
            self.wire.clear();
        }
        self.open.clear();
        self.open_channels.clear();
        self.open_common = 0;
        let start = UpdateStart::CatchUp(self.disk.state.clone());
        self.machine = UpdateMachine::new(config(), start, self.instant());
        self.drain();
    }

    /// Lets time pass until everything is quiet, without loss.
    fn settle(&mut self) {
        let end = self.now + 3_000_000;
        while self.now < end {
            let timeout = self.machine.poll_timeout().map_or(end, |at| at.as_micros() / 1000);
            let wire = self.wire.iter().map(|(at, _, _)| *at).min().unwrap_or(end);
            self.now = timeout.min(wire).max(self.now + 1).min(end);
            self.machine.handle_timeout(self.instant());
            self.drain();
            self.receive();
        }
        while !self.taken.is_empty() {
            self.store();
        }
    }

    fn judge(&self) -> Result<(), String> {
        let mut seen: BTreeMap<i64, Vec<i32>> = BTreeMap::new();
        for (of, value) in &self.disk.seen {
            seen.entry(*of).or_default().push(*value);
        }
        for of in -1..=CHANNELS {
            let log = self.server.logs.get(&of).into_iter().flatten();
            let made: Vec<i32> = log.map(|entry| entry.value).collect();
            let seen = seen.remove(&of).unwrap_or_default();
            if made != seen {
                return Err(format!("sequence {of}: made {made:?}, seen {seen:?}"));
            }
        }
        let state = self.machine.common_state();
        if state.pts != self.server.value(0) || state.qts != self.server.value(-1) {
            return Err(format!("the state is {state:?}"));
        }
        // 3000 s of quiet take at most four calls of silence and the retries of failures.
        if self.calls > 2000 { Err(format!("{} calls", self.calls)) } else { Ok(()) }
    }
}

fn config() -> UpdateConfig {
    UpdateConfig::default()
}

/// Runs one seed and judges what the application has at the end.
pub(crate) fn run(seed: u64, broken: Broken) -> Result<(), String> {
    let mut world = World::new(seed, broken);
    let steps = 10 + world.random.below(30);
    for _ in 0..steps {
        world.now += world.random.below(400);
        world.machine.handle_timeout(world.instant());
        world.drain();
        world.receive();
        world.produce();
        if world.random.percent(8) {
            world.crash();
        }
    }
    world.settle();
    world.judge()
}

/// Seeds of an ordinary run; a longer one sets `MTP_UPDATE_SEEDS`.
fn seeds() -> u64 {
    std::env::var("MTP_UPDATE_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000)
}

#[test]
fn every_update_arrives_once_and_in_order_over_all_seeds() {
    for seed in 0..seeds() {
        if let Err(error) = run(seed, Broken::Nothing) {
            panic!("seed {seed}: {error}");
        }
    }
}

#[test]
fn rules_broken_on_purpose_are_noticed() {
    for broken in [
        Broken::StoresTooEarly,
        Broken::StoresNothing,
        Broken::IgnoresAnswers,
        Broken::DeliversAtOnce,
    ] {
        let noticed = (0..200).filter(|seed| run(*seed, broken).is_err()).count();
        assert!(noticed >= 10, "{broken:?} is noticed by {noticed} of 200 seeds");
    }
}
