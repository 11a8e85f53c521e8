//! The simulated world: clients, a server, links, time and faults.
//!
//! ```text
//!   agenda ─┐
//!   wires ──┼─▶ next step ─▶ deliver, call, break, fire timers ─▶ settle ─▶ check ─▶ next step …
//!   timers ─┘
//! ```

mod carry;
mod chaos;
mod hosts;
mod journal;
mod kills;
mod strange;

use core::cmp::Reverse;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::rc::Rc;
use std::sync::Arc;

use mtp_crypto::{AuthKey, AuthKeyId, DcId, Salt, Side};
use mtp_env::Instant;
use mtp_session::client::{
    ClientConfig, ClientEvent, ClientMachine, ClientSessionEvent, RequestOptions,
};
use mtp_session::established::{Established, KeyKind};
use mtp_session::link::LinkId;
use mtp_session::server::{
    AnswerError, IncomingId, KeySalts, ServerEvent, ServerSessionEvent, SessionName,
};
use mtp_session::session::LinkKind;

use crate::clock::SideClock;
use crate::dice::Dice;
use crate::faults::{Faults, SERVER_JUMP_MAX_S, SKEW_MAX_S};
use crate::invariants;
use crate::observer::{End, Fact, Limits, Observer};
use crate::opened_packet::OpenedPacket;
use crate::report::Report;
use crate::scenario::{Drawn, DrawnClient, HostRule, Scenario};
use crate::tally::Tally;
use crate::violation::Violation;
use crate::wire::Wire;
use crate::workload::{CallSpec, Plan, PlannedCall};

pub(crate) use hosts::rsa_keys;
use hosts::{ClientHost, ServerHost, Slot};
use journal::Change;

/// The state of a run.
#[derive(Debug)]
pub(crate) struct World {
    at: Instant,
    faults: Faults,
    /// Faults are active.
    is_chaotic: bool,
    pauses: Vec<(Instant, Instant)>,
    cut_at_the_end: bool,
    clients: Vec<ClientHost>,
    server: ServerHost,
    wires: BTreeMap<LinkId, Wire>,
    links: u64,
    agenda: BinaryHeap<Reverse<Entry>>,
    entries: u64,
    plans: BTreeMap<u32, PlannedCall>,
    observer: Observer,
    /// All sent packets by message key.
    archive: BTreeMap<[u8; 16], Rc<OpenedPacket>>,
    /// All packets that clients sent, for those who repeat them.
    captured: Vec<Rc<OpenedPacket>>,
    /// Temporary keys that the server has removed.
    expired: BTreeSet<AuthKeyId>,
    /// The link whose packet the server handles.
    serving: Option<LinkId>,
    /// The broken rule of the server's host.
    broken: Option<HostRule>,
    /// Keys for decrypting packets.
    keys: BTreeMap<AuthKeyId, Arc<AuthKey>>,
    chaos: Dice,
    pushes: u32,
    strange: u32,
    tally: Tally,
    /// Number of facts, to distinguish progress from spinning.
    facts: u64,
    spins: u32,
    trace: bool,
    ending: Option<Instant>,
}

/// A scheduled action.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Instant,
    order: u64,
    what: Action,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    Call(u32),
    Cancel(u32),
    Answer { session: SessionName, call: IncomingId, number: u32, run: u64 },
    Connect { client: usize, slot: usize },
    Wake { client: usize },
    Start,
    Decide { client: usize },
    Tick,
    Heal,
}

impl World {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let mut dice = Dice::new(scenario.seed);
        let drawn = Drawn::from(scenario, &mut dice);
        let limits = limits(&drawn);
        let server_skew = skew(&mut dice, &drawn.faults, SERVER_JUMP_MAX_S);
        let server_clock = SideClock::new(Instant::from_micros(dice.below(1 << 40)), server_skew);
        let server = ServerHost::new(drawn.server, server_clock, dice.fork());
        let secret = Arc::clone(server.machine.salts());
        let mut world = Self {
            at: Instant::default(),
            faults: drawn.faults,
            is_chaotic: true,
            pauses: drawn.plan.pauses.clone(),
            cut_at_the_end: drawn.cut_at_the_end,
            clients: Vec::new(),
            server,
            wires: BTreeMap::new(),
            links: 0,
            agenda: BinaryHeap::new(),
            entries: 0,
            plans: BTreeMap::new(),
            observer: Observer::new(drawn.clients.len(), limits, secret),
            archive: BTreeMap::new(),
            captured: Vec::new(),
            expired: BTreeSet::new(),
            serving: None,
            broken: scenario.broken,
            keys: BTreeMap::new(),
            chaos: dice.fork(),
            pushes: 0,
            strange: 0,
            tally: Tally::default(),
            facts: 0,
            spins: 0,
            trace: scenario.trace,
            ending: None,
        };
        world.observer.server_started = world.server.now(world.at);
        if server_skew != 0 {
            world.tally.fault("skew");
        }
        for client in drawn.clients {
            world.add_client(client, &mut dice);
        }
        drawn.plan.count(&mut world.tally);
        world.observer.only = scenario.only;
        world.schedule(&drawn.plan);
        world
    }

    /// Returns the faults of a scenario.
    pub(crate) fn faults_of(scenario: &Scenario) -> Faults {
        Drawn::from(scenario, &mut Dice::new(scenario.seed)).faults
    }

    /// Runs to the end.
    pub(crate) fn run(&mut self) -> Result<(), Violation> {
        while let Some(at) = self.next_at() {
            self.advance(at);
            self.step()?;
            if self.is_over() {
                break;
            }
        }
        let effects = core::mem::take(&mut self.server.journal.counts);
        self.see(&Fact::RunEnd { effects: &effects })
    }

    pub(crate) fn report(&self, seed: u64) -> Report {
        let healed = self.observer.healed_at.unwrap_or(self.at);
        let late = self.observer.calls.values().filter_map(|call| call.ended_at);
        let mut tally = self.tally.clone();
        for call in self.observer.calls.values() {
            tally.count(match call.end {
                Some(End::Result) => "calls with a result",
                Some(End::Error(_)) => "calls with an error",
                Some(End::Failed(_)) => "calls in doubt or refused",
                Some(End::Cancelled) => "calls cancelled",
                Some(End::Abandoned) => "calls whose client restarted",
                None => "calls open",
            });
        }
        Report {
            seed,
            faults: self.faults.clone(),
            virtual_time: self.at.saturating_since(Instant::default()),
            last_call_after: late
                .max()
                .map_or(Duration::ZERO, |latest| latest.saturating_since(healed)),
            facts: self.facts,
            tally,
        }
    }

    fn add_client(&mut self, drawn: DrawnClient, dice: &mut Dice) {
        let index = self.clients.len();
        let skew_ns = skew(dice, &self.faults, SKEW_MAX_S);
        if skew_ns != 0 {
            self.tally.fault("skew");
        }
        let clock = SideClock::new(Instant::from_micros(dice.below(1 << 40)), skew_ns);
        let mut config = ClientConfig::new(DcId::new(2), rsa_keys().1);
        config.session = drawn.session;
        config.secrecy = drawn.secrecy;
        let now = clock.now(self.at);
        let permanent = drawn.has_key.then(|| self.make_key(index, dice));
        let machine = ClientMachine::new(config.clone(), now, permanent, Box::new(dice.entropy()));
        let slots = drawn.links.into_iter();
        let slots = slots.map(|(carriage, kind)| Slot { carriage, kind, link: None }).collect();
        self.clients.push(ClientHost {
            machine,
            config,
            clock,
            asleep_since: Instant::default(),
            asleep_until: None,
            deferred: Vec::new(),
            slots,
            requests: BTreeMap::new(),
            dice: dice.fork(),
        });
        for slot in 0..self.clients[index].slots.len() {
            self.after(Duration::from_millis(1), Action::Connect { client: index, slot });
        }
    }

    /// Makes a permanent key for both sides.
    #[expect(clippy::expect_used, reason = "the id of a random key is not zero")]
    fn make_key(&mut self, client: usize, dice: &mut Dice) -> Established {
        let mut bytes = [0; 256];
        bytes.copy_from_slice(&dice.bytes(256));
        let key = Arc::new(AuthKey::new(bytes).expect("an id that is not zero"));
        // The first salt is the server's current one or an unknown one.
        let id = key.id();
        let salts = KeySalts::new(id, None);
        let now = self.server.now(self.at);
        let salt = if dice.once_in(2) {
            salts.current(self.server.machine.salts(), now.unix)
        } else {
            Salt::from_raw(dice.number())
        };
        let established = Established { key, salt, time_offset_ns: 0, kind: KeyKind::Permanent };
        self.server.add_key(self.at, established.clone());
        self.observer.server.stored.insert(id);
        self.learn_key(client, &established, salts);
        established
    }

    /// Gives a key to the observer.
    fn learn_key(&mut self, client: usize, key: &Established, salts: KeySalts) {
        let id = key.key.id();
        self.keys.insert(id, Arc::clone(&key.key));
        self.observer.owners.insert(id, client);
        self.observer.server.salts.insert(id, salts);
    }

    fn schedule(&mut self, plan: &Plan) {
        for call in &plan.calls {
            self.plans.insert(call.spec.number, *call);
            self.at_time(call.at, Action::Call(call.spec.number));
        }
        self.at_time(plan.end, Action::Heal);
        self.after(TICK, Action::Tick);
    }

    fn at_time(&mut self, at: Instant, what: Action) {
        self.entries += 1;
        self.agenda.push(Reverse(Entry { at, order: self.entries, what }));
    }

    fn after(&mut self, delay: Duration, what: Action) {
        self.at_time(self.at + delay, what);
    }

    // ── time ───────────────────────────────────────────────────────────────────────────────────

    fn next_at(&self) -> Option<Instant> {
        let agenda = self.agenda.peek().map(|Reverse(entry)| entry.at);
        let wires = self.wires.values().filter_map(|wire| self.wire_at(wire)).min();
        let timers = self.timers().map(|(at, _, _)| at).min();
        let store = self.server.journal.next_at();
        let next = [agenda, wires, timers, store, self.ending].into_iter().flatten().min()?;
        Some(next.max(self.at))
    }

    /// Returns the timers of all awake sides: time, reason and client.
    fn timers(&self) -> impl Iterator<Item = (Instant, &'static str, Option<usize>)> {
        let clients = self.clients.iter().enumerate().filter_map(|(index, client)| {
            let (at, reason) = client.timer_at()?;
            client.asleep_until.is_none().then_some((at, reason, Some(index)))
        });
        let server = self.server.timer_at().map(|(at, reason)| (at, reason, None));
        clients.chain(server)
    }

    fn advance(&mut self, at: Instant) {
        self.at = at;
        self.observer.at = at;
        self.observer.server_now = self.server.now(at);
    }

    /// Performs one step: everything that is due, and its consequences.
    fn step(&mut self) -> Result<(), Violation> {
        let facts = self.facts;
        self.tally.count("steps");
        self.deliver()?;
        while let Some(Reverse(entry)) = self.agenda.peek()
            && entry.at <= self.at
        {
            if let Some(Reverse(entry)) = self.agenda.pop() {
                self.perform(&entry.what)?;
            }
        }
        let due: Vec<_> = self.timers().filter(|(at, _, _)| *at <= self.at).collect();
        for (_, _, side) in &due {
            if let Some(client) = side {
                let now = self.clients[*client].now(self.at);
                self.clients[*client].machine.handle_timeout(now);
            } else {
                let now = self.server.now(self.at);
                self.server.machine.handle_timeout(now);
            }
        }
        self.acknowledge()?;
        self.settle()?;
        self.check_timers(facts, !due.is_empty())?;
        self.see(&Fact::StepEnd)
    }

    /// Detects a timer that fires repeatedly without effect.
    fn check_timers(&mut self, facts_before: u64, fired: bool) -> Result<(), Violation> {
        let due = self.timers().find(|(at, _, _)| *at <= self.at);
        let idle = self.facts == facts_before;
        self.spins = if fired && idle && due.is_some() { self.spins + 1 } else { 0 };
        match due {
            Some((_, reason, _)) if self.spins >= SPINS_MAX => self.see(&Fact::Spin { reason }),
            _ => self.check_stuck(),
        }
    }

    /// Detects open calls that nothing can end: no timer is set and nothing is in transit.
    fn check_stuck(&mut self) -> Result<(), Violation> {
        let quiet = self.wires.values().all(|wire| self.wire_at(wire).is_none());
        for index in 0..self.clients.len() {
            let host = &self.clients[index];
            // Over HTTP the server has the timer: it answers every request eventually.
            let is_up = |slot: &Slot| slot.kind == LinkKind::Stream && slot.link.is_some();
            let linked = host.slots.iter().any(is_up);
            let waiting = host.machine.session().calls_open() > 0 && host.machine.is_ready();
            if quiet && linked && waiting && host.machine.poll_timeout().is_none() {
                return self.see(&Fact::Stuck);
            }
        }
        Ok(())
    }

    /// Returns `true` when all calls have ended and the settling time has passed.
    fn is_over(&mut self) -> bool {
        let Some(healed) = self.observer.healed_at else { return false };
        if self.ending.is_none() {
            let made = self.plans.len() == self.observer.calls.len();
            let open = self.observer.calls.values().any(|call| call.end.is_none());
            let late = self.at > healed + CALL_END_MAX;
            // If only one invariant is checked, calls that others would require to end may stay open.
            let stops_waiting = late && self.observer.only.is_some();
            if stops_waiting
                || made && !open && (late || self.observer.awaited_pushes().next().is_none())
            {
                self.ending = Some(self.at.max(healed) + SETTLING_TIME);
            }
        }
        self.ending.is_some_and(|at| at <= self.at)
    }

    // ── actions ───────────────────────────────────────────────────────────────────────────

    fn perform(&mut self, what: &Action) -> Result<(), Violation> {
        match *what {
            Action::Call(number) => self.call(number),
            Action::Cancel(number) => self.cancel(number),
            Action::Answer { run, .. } if run != self.server.run || self.server.is_down => Ok(()),
            Action::Answer { session, call, number, .. } => self.answer(session, call, number),
            Action::Connect { client, slot } => self.connect(client, slot),
            Action::Wake { client } => self.wake(client),
            Action::Decide { client } => {
                self.decide(client);
                Ok(())
            }
            Action::Start => self.start_server(),
            Action::Tick => self.tick(),
            Action::Heal => self.heal(),
        }
    }

    fn call(&mut self, number: u32) -> Result<(), Violation> {
        let Some(planned) = self.plans.get(&number).copied() else { return Ok(()) };
        let host = &mut self.clients[planned.client];
        if host.asleep_until.is_some() {
            host.deferred.push(Action::Call(number));
            return Ok(());
        }
        let mut options = RequestOptions::new().priority(planned.priority);
        if planned.once {
            options = options.once();
        }
        if planned.quick_ack {
            options = options.quick_ack();
        }
        let mut planned = planned;
        match planned.after.and_then(|before| host.requests.get(&before)) {
            Some(before) => options = options.after(*before),
            None => planned.after = None,
        }
        let now = host.now(self.at);
        let request = match host.machine.request(now, &planned.spec.call(), options) {
            Ok(request) => request,
            Err(error) => {
                debug_assert!(false, "a planned call is refused: {error}");
                return Ok(());
            }
        };
        host.requests.insert(number, request);
        if let Some(after) = planned.cancel_after {
            self.after(after, Action::Cancel(number));
        }
        self.see(&Fact::Called { planned, request })
    }

    fn cancel(&mut self, number: u32) -> Result<(), Violation> {
        let Some(client) = self.plans.get(&number).map(|planned| planned.client) else {
            return Ok(());
        };
        if self.clients[client].asleep_until.is_some() {
            self.clients[client].deferred.push(Action::Cancel(number));
            return Ok(());
        }
        let host = &mut self.clients[client];
        let Some(request) = host.requests.get(&number).copied() else { return Ok(()) };
        let now = host.now(self.at);
        match host.machine.cancel(now, request) {
            Ok(()) => self.see(&Fact::Cancelled { number }),
            // The call has ended or was made before a restart.
            Err(_) => Ok(()),
        }
    }

    fn answer(
        &mut self,
        session: SessionName,
        call: IncomingId,
        number: u32,
    ) -> Result<(), Violation> {
        let Some(planned) = self.plans.get(&number).copied() else { return Ok(()) };
        let Some(body) = planned.spec.response() else { return Ok(()) };
        let now = self.server.now(self.at);
        match self.server.machine.answer(now, session, call, &body) {
            Ok(()) => {
                let succeeded = matches!(planned.spec.reply, crate::workload::Reply::Value);
                if succeeded { self.see(&Fact::Answered { number }) } else { Ok(()) }
            }
            // The session is gone or the call has timed out.
            Err(AnswerError::Closed | AnswerError::UnknownCall) => Ok(()),
            Err(error) => {
                debug_assert!(false, "a planned answer is refused: {error}");
                Ok(())
            }
        }
    }

    /// Makes the application's decision about a permanent key that may be lost.
    fn decide(&mut self, client: usize) {
        let host = &mut self.clients[client];
        if host.asleep_until.is_some() {
            host.deferred.push(Action::Decide { client });
            return;
        }
        let now = host.now(self.at);
        // The application knows whether the server still has the key.
        let known = host
            .machine
            .permanent_key()
            .is_some_and(|key| self.server.stored.contains_key(&key.key.id()));
        if known {
            host.machine.try_again(now);
        } else {
            host.machine.new_permanent_key(now);
        }
    }

    // ── events ───────────────────────────────────────────────────────────────────────────

    /// Drains events and output of both sides.
    fn settle(&mut self) -> Result<(), Violation> {
        loop {
            self.drain_events()?;
            self.pass_point()?;
            let mut moved = false;
            for client in 0..self.clients.len() {
                moved |= self.transmit_client(client)?;
            }
            moved |= self.transmit_server()?;
            if !moved {
                return Ok(());
            }
        }
    }

    fn drain_events(&mut self) -> Result<(), Violation> {
        for client in 0..self.clients.len() {
            self.drain_client_events(client)?;
        }
        self.drain_server_events()
    }

    fn drain_client_events(&mut self, client: usize) -> Result<(), Violation> {
        let mut key_changed = None;
        let mut lost = false;
        while let Some(event) = self.clients[client].machine.poll_event() {
            match &event {
                ClientEvent::KeyCreated { established } => key_changed = Some(established.clone()),
                ClientEvent::Ready | ClientEvent::TemporaryKeyLost { .. } => {
                    invariants::observe(&mut self.observer, &Fact::KeyChanged { client })?;
                }
                ClientEvent::PermanentKeyLost { .. } => {
                    lost = true;
                    invariants::observe(&mut self.observer, &Fact::KeyChanged { client })?;
                }
                ClientEvent::Session(event) => self.tally.session_event(event),
                _ => {}
            }
            self.tally.client_event(&event);
            if self.trace {
                carry::print_event(self.at, &format!("Client {client}"), &event, None);
            }
            let not_a_discard =
                !matches!(&event, ClientEvent::Session(ClientSessionEvent::Discarded { .. }));
            self.facts += u64::from(not_a_discard);
            invariants::observe(&mut self.observer, &Fact::ClientEvent { client, event: &event })?;
        }
        if let Some(key) = key_changed {
            self.keys.insert(key.key.id(), Arc::clone(&key.key));
            self.observer.owners.insert(key.key.id(), client);
            self.see(&Fact::KeyChanged { client })?;
        }
        if lost {
            self.after(Duration::from_secs(1), Action::Decide { client });
        }
        Ok(())
    }

    fn drain_server_events(&mut self) -> Result<(), Violation> {
        let mut calls = Vec::new();
        let (mut keys, mut bound) = (Vec::new(), Vec::new());
        if self.server.is_down {
            return Ok(());
        }
        while let Some(event) = self.server.machine.poll_event() {
            let mut number = None;
            match &event {
                ServerEvent::Session {
                    session,
                    event: ServerSessionEvent::Call { id, query, wrappers, .. },
                } => {
                    let read = CallSpec::read(query);
                    let inited = !wrappers.is_empty() && wrappers.starts_with(&INVOKE_WITH_LAYER);
                    number = read.map(|spec| spec.number);
                    calls.push((*session, *id, read, inited));
                }
                ServerEvent::KeyCreated { established } => keys.push((established.clone(), None)),
                ServerEvent::KeyBound { temporary, permanent } => {
                    bound.push((*temporary, *permanent));
                }
                ServerEvent::KeyDestroyed { key, .. } => {
                    self.server.stored.remove(key);
                    self.expired.insert(*key);
                }
                _ => {}
            }
            if self.trace {
                carry::print_event(self.at, "Server", &event, number);
            }
            self.facts += 1;
            self.tally.server_event(&event);
            invariants::observe(
                &mut self.observer,
                &Fact::ServerEvent { event: &event, call: number },
            )?;
        }
        for (temporary, permanent) in bound {
            let made = keys.iter().find(|(key, _)| key.key.id() == temporary);
            let key = made.map(|(key, _)| key.clone()).or_else(|| self.server.key(temporary));
            keys.extend(key.map(|key| (key, Some(permanent))));
        }
        for (key, bound) in keys {
            self.keys.insert(key.key.id(), Arc::clone(&key.key));
            let made_at = self.server.now(self.at).unix;
            let salts = KeySalts::new(key.key.id(), Some((made_at, key.salt)));
            self.observer.server.salts.entry(key.key.id()).or_insert(salts);
            self.write_down(Change::Key { key, bound_to: bound })?;
        }
        for (session, call, spec, inited) in calls {
            self.serve(session, call, spec, inited)?;
        }
        Ok(())
    }

    /// Schedules the answer of the server's application to a call.
    fn serve(
        &mut self,
        session: SessionName,
        call: IncomingId,
        spec: Option<CallSpec>,
        inited: bool,
    ) -> Result<(), Violation> {
        let Some(spec) = spec else { return Ok(()) };
        if inited {
            self.server.known.insert(session.key);
        }
        let number = spec.number;
        if !spec.is_journaled() || self.server.journal.has_effect(number) {
            self.answer_later(session, call, number);
            return Ok(());
        }
        self.write_down(Change::Effect { number, session, call })
    }

    /// Checks and records a fact.
    fn see(&mut self, fact: &Fact<'_>) -> Result<(), Violation> {
        if self.trace && !matches!(fact, Fact::StepEnd | Fact::Handled { .. }) {
            carry::print(self.at, fact);
        }
        if !matches!(fact, Fact::StepEnd) {
            self.facts += 1;
        }
        invariants::observe(&mut self.observer, fact)
    }

    fn side_now(&self, side: Side, client: usize) -> mtp_env::Now {
        match side {
            Side::Client => self.clients[client].now(self.at),
            Side::Server => self.server.now(self.at),
        }
    }
}

/// Formats a time for traces.
pub(crate) fn stamp(at: Instant) -> String {
    format!("{:>6}.{:06}", at.as_micros() / 1_000_000, at.as_micros() % 1_000_000)
}

fn skew(dice: &mut Dice, faults: &Faults, max_s: u64) -> i64 {
    if !faults.skew.is_possible() {
        return 0;
    }
    // Small errors are as likely as large ones.
    let max = dice.pick(&[2, 20, 60, 400, max_s]);
    let seconds = i64::try_from(dice.below(2 * max)).unwrap_or(0) - max.cast_signed();
    seconds * 1_000_000_000
}

fn limits(drawn: &Drawn) -> Limits {
    let session = |read: fn(&mtp_session::client::ClientSessionConfig) -> usize| {
        drawn.clients.iter().map(|client| read(&client.session)).max().unwrap_or(0)
    };
    Limits {
        client_unpacked_max: session(|config| config.unpacked_bytes_max),
        calls_max: session(|config| config.calls_max),
        ack_delay: drawn
            .clients
            .iter()
            .map(|client| client.session.ack_delay)
            .max()
            .unwrap_or_default(),
        recoveries_max: session(|config| config.recoveries_max.into()),
        call_end_max: CALL_END_MAX,
    }
}

/// The interval of fault injection.
const TICK: Duration = Duration::from_secs(1);
/// Time for which a run continues after the last call, to check acknowledgments and timers.
const SETTLING_TIME: Duration = Duration::from_secs(45);
/// Maximum number of firings of a timer without effect.
const SPINS_MAX: u32 = 3;
/// Maximum time from the end of all faults to the end of a call.
const CALL_END_MAX: Duration = Duration::from_secs(700);
/// `invokeWithLayer`
const INVOKE_WITH_LAYER: [u8; 4] = [0x0d, 0x0d, 0x9b, 0xda];
