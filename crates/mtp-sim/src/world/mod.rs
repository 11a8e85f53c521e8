//! The simulated world: clients, a server, links, time, and whatever goes wrong.
//!
//! ```text
//!   agenda ─┐
//!   wires ──┼─▶ next moment ─▶ deliver, call, break, fire timers ─▶ settle ─▶ judge ─▶ next moment …
//!   timers ─┘
//! ```

mod carry;
mod chaos;
mod hosts;
mod strange;

use core::time::Duration;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::rc::Rc;
use std::sync::Arc;

use mtp_crypto::{AuthKey, AuthKeyId, Salt, Side};
use mtp_env::Instant;
use mtp_session::client::{Client, ClientConfig, ClientEvent};
use mtp_session::handshake::DcId;
use mtp_session::server::{ServerEvent, SessionName};
use mtp_session::session::{Event, IncomingId, KeySalts, LinkKind, RequestOptions, SendError};
use mtp_session::{Established, KeyKind, LinkId};

use crate::book::{Book, End, Fact, Limits};
use crate::clock::SideClock;
use crate::dice::Dice;
use crate::faults::{Faults, SERVER_JUMP_MAX_S, SKEW_MAX_S};
use crate::invariants::Violation;
use crate::letter::Letter;
use crate::report::{Report, Tally};
use crate::scenario::{Drawn, DrawnClient, Scenario};
use crate::wire::Wire;
use crate::workload::{Order, Plan, Planned};

use hosts::{ClientHost, ServerHost, Slot, rsa_keys};

/// Everything, at one moment.
#[derive(Debug)]
pub(crate) struct World {
    at: Instant,
    faults: Faults,
    /// Faults happen.
    is_chaotic: bool,
    pauses: Vec<(Instant, Instant)>,
    cut_at_the_end: bool,
    clients: Vec<ClientHost>,
    server: ServerHost,
    wires: BTreeMap<LinkId, Wire>,
    links: u64,
    agenda: BinaryHeap<Reverse<Entry>>,
    entries: u64,
    plans: BTreeMap<u32, Planned>,
    book: Book,
    /// Every packet that was written, by its message key.
    archive: BTreeMap<[u8; 16], Rc<Letter>>,
    /// Keys by which packets are read.
    keys: BTreeMap<AuthKeyId, Arc<AuthKey>>,
    chaos: Dice,
    pushes: u32,
    strange: u32,
    tally: Tally,
    /// Facts seen, to tell progress from spinning.
    facts: u64,
    spins: u32,
    trace: bool,
    ending: Option<Instant>,
}

/// Something that will happen.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Instant,
    order: u64,
    what: Happening,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Happening {
    Call(u32),
    Cancel(u32),
    Answer { session: SessionName, call: IncomingId, number: u32 },
    Connect { client: usize, slot: usize },
    Wake { client: usize },
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
        let secret = Rc::clone(&server.secret);
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
            book: Book::new(drawn.clients.len(), limits, secret),
            archive: BTreeMap::new(),
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
        if server_skew != 0 {
            world.tally.fault("skew");
        }
        for client in drawn.clients {
            world.add_client(client, &mut dice);
        }
        drawn.plan.count(&mut world.tally);
        world.schedule(&drawn.plan);
        world
    }

    /// Returns the faults of a scenario's run.
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
        self.see(&Fact::End)
    }

    pub(crate) fn report(&self, seed: u64) -> Report {
        let healed = self.book.healed_at.unwrap_or(self.at);
        let late = self.book.calls.values().filter_map(|call| call.ended_at);
        let mut tally = self.tally.clone();
        for call in self.book.calls.values() {
            tally.count(match call.end {
                Some(End::Result) => "calls with a result",
                Some(End::Error(_)) => "calls with an error",
                Some(End::Failed(_)) => "calls that may have run, or were refused for good",
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
        let machine = Client::new(config.clone(), now, permanent, Box::new(dice.entropy()));
        let slots = drawn.links.into_iter();
        let slots = slots.map(|(carriage, kind)| Slot { carriage, kind, link: None }).collect();
        self.clients.push(ClientHost {
            machine,
            config,
            clock,
            asleep_since: Instant::default(),
            asleep_until: None,
            put_off: Vec::new(),
            slots,
            requests: BTreeMap::new(),
            dice: dice.fork(),
        });
        for slot in 0..self.clients[index].slots.len() {
            self.after(Duration::from_millis(1), Happening::Connect { client: index, slot });
        }
    }

    /// Makes a permanent key that both sides have.
    #[expect(clippy::expect_used, reason = "a random key's id is not zero")]
    fn make_key(&mut self, client: usize, dice: &mut Dice) -> Established {
        let mut bytes = [0; 256];
        bytes.copy_from_slice(&dice.bytes(256));
        let key = Arc::new(AuthKey::new(bytes).expect("an id that is not zero"));
        // The first salt is the server's own, or one that it has never heard of.
        let id = key.id();
        let salts = KeySalts::new(id, None);
        let now = self.server.now(self.at);
        let salt = if dice.once_in(2) {
            salts.current(&self.server.secret, now.unix)
        } else {
            Salt::from_raw(dice.number())
        };
        let established = Established { key, salt, time_offset_ns: 0, kind: KeyKind::Permanent };
        self.server.add_key(self.at, established.clone());
        self.learn_key(client, &established, salts);
        established
    }

    /// Lets the observer read what a key encrypts.
    fn learn_key(&mut self, client: usize, key: &Established, salts: KeySalts) {
        let id = key.key.id();
        self.keys.insert(id, Arc::clone(&key.key));
        self.book.owners.insert(id, client);
        self.book.server.salts.insert(id, salts);
    }

    fn schedule(&mut self, plan: &Plan) {
        for call in &plan.calls {
            self.plans.insert(call.order.number, *call);
            self.at_time(call.at, Happening::Call(call.order.number));
        }
        self.at_time(plan.end, Happening::Heal);
        self.after(TICK, Happening::Tick);
    }

    fn at_time(&mut self, at: Instant, what: Happening) {
        self.entries += 1;
        self.agenda.push(Reverse(Entry { at, order: self.entries, what }));
    }

    fn after(&mut self, delay: Duration, what: Happening) {
        self.at_time(self.at + delay, what);
    }

    // ── time ───────────────────────────────────────────────────────────────────────────────────

    fn next_at(&self) -> Option<Instant> {
        let agenda = self.agenda.peek().map(|Reverse(entry)| entry.at);
        let wires = self.wires.values().filter_map(|wire| self.wire_at(wire)).min();
        let timers = self.timers().map(|(at, _, _)| at).min();
        let next = [agenda, wires, timers, self.ending].into_iter().flatten().min()?;
        Some(next.max(self.at))
    }

    /// Returns when each side's timer is due; a client that sleeps has none.
    fn timers(&self) -> impl Iterator<Item = (Instant, &'static str, Option<usize>)> {
        let clients = self.clients.iter().enumerate().filter_map(|(index, client)| {
            let (at, reason) = client.wakes_at()?;
            client.asleep_until.is_none().then_some((at, reason, Some(index)))
        });
        let server = self.server.wakes_at().map(|(at, reason)| (at, reason, None));
        clients.chain(server)
    }

    fn advance(&mut self, at: Instant) {
        self.at = at;
        self.book.at = at;
        self.book.server_now = self.server.now(at);
    }

    /// One moment: everything that is due, and what follows from it.
    fn step(&mut self) -> Result<(), Violation> {
        let facts = self.facts;
        self.tally.count("steps");
        self.deliver()?;
        while let Some(Reverse(entry)) = self.agenda.peek()
            && entry.at <= self.at
        {
            if let Some(Reverse(entry)) = self.agenda.pop() {
                self.happen(entry.what)?;
            }
        }
        let due: Vec<_> = self.timers().filter(|(at, _, _)| *at <= self.at).collect();
        for (_, _, side) in &due {
            match side {
                Some(client) => {
                    let now = self.clients[*client].now(self.at);
                    self.clients[*client].machine.handle_timeout(now);
                }
                None => {
                    let now = self.server.now(self.at);
                    self.server.machine.handle_timeout(now);
                }
            }
        }
        self.settle()?;
        self.check_timers(facts, !due.is_empty())?;
        self.see(&Fact::Moment)
    }

    /// A timer that is due again without anything having come of it spins.
    fn check_timers(&mut self, facts_before: u64, fired: bool) -> Result<(), Violation> {
        let due = self.timers().find(|(at, _, _)| *at <= self.at);
        let idle = self.facts == facts_before;
        self.spins = if fired && idle && due.is_some() { self.spins + 1 } else { 0 };
        match due {
            Some((_, reason, _)) if self.spins >= SPINS_MAX => self.see(&Fact::Spin { reason }),
            _ => self.check_stuck(),
        }
    }

    /// Calls that wait while a link is up need a timer, unless something is on its way.
    fn check_stuck(&mut self) -> Result<(), Violation> {
        let quiet = self.wires.values().all(|wire| self.wire_at(wire).is_none());
        for index in 0..self.clients.len() {
            let host = &self.clients[index];
            // Over HTTP the server has the timer: every request is answered in the end.
            let is_up = |slot: &Slot| slot.kind == LinkKind::Stream && slot.link.is_some();
            let linked = host.slots.iter().any(is_up);
            let waiting = host.machine.session().calls_open() > 0 && host.machine.is_ready();
            if quiet && linked && waiting && host.machine.poll_timeout().is_none() {
                return self.see(&Fact::Stuck);
            }
        }
        Ok(())
    }

    /// A run is over when all calls are, and a while has passed in which the rest could be settled.
    fn is_over(&mut self) -> bool {
        let Some(healed) = self.book.healed_at else { return false };
        if self.ending.is_none() {
            let made = self.plans.len() == self.book.calls.len();
            let open = self.book.calls.values().any(|call| call.end.is_none());
            let late = self.at > healed + PATIENCE;
            if made && !open && (late || self.book.awaited_pushes().next().is_none()) {
                self.ending = Some(self.at.max(healed) + AFTERMATH);
            }
        }
        self.ending.is_some_and(|at| at <= self.at)
    }

    // ── what happens ───────────────────────────────────────────────────────────────────────────

    fn happen(&mut self, what: Happening) -> Result<(), Violation> {
        match what {
            Happening::Call(number) => self.call(number),
            Happening::Cancel(number) => self.cancel(number),
            Happening::Answer { session, call, number } => self.answer(session, call, number),
            Happening::Connect { client, slot } => self.connect(client, slot),
            Happening::Wake { client } => self.wake(client),
            Happening::Decide { client } => {
                self.decide(client);
                Ok(())
            }
            Happening::Tick => self.tick(),
            Happening::Heal => self.heal(),
        }
    }

    fn call(&mut self, number: u32) -> Result<(), Violation> {
        let Some(planned) = self.plans.get(&number).copied() else { return Ok(()) };
        let host = &mut self.clients[planned.client];
        if host.asleep_until.is_some() {
            host.put_off.push(Happening::Call(number));
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
        let request = match host.machine.request(now, &planned.order.call(), options) {
            Ok(request) => request,
            Err(error) => {
                debug_assert!(false, "a call of the workload is refused: {error}");
                return Ok(());
            }
        };
        host.requests.insert(number, request);
        if let Some(after) = planned.cancel_after {
            self.after(after, Happening::Cancel(number));
        }
        self.see(&Fact::Called { planned, request })
    }

    fn cancel(&mut self, number: u32) -> Result<(), Violation> {
        let Some(client) = self.plans.get(&number).map(|planned| planned.client) else {
            return Ok(());
        };
        if self.clients[client].asleep_until.is_some() {
            self.clients[client].put_off.push(Happening::Cancel(number));
            return Ok(());
        }
        let host = &mut self.clients[client];
        let Some(request) = host.requests.get(&number).copied() else { return Ok(()) };
        let now = host.now(self.at);
        match host.machine.cancel(now, request) {
            Ok(()) => self.see(&Fact::Cancelled { number }),
            // It is over, or was made before a restart.
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
        let Some(body) = planned.order.response() else { return Ok(()) };
        let now = self.server.now(self.at);
        match self.server.machine.answer(now, session, call, &body) {
            Ok(()) => {
                let succeeded = matches!(planned.order.reply, crate::workload::Reply::Value);
                if succeeded { self.see(&Fact::Answered { number }) } else { Ok(()) }
            }
            // The session is gone, or the server has given the call up.
            Err(SendError::Closed | SendError::UnknownCall) => Ok(()),
            Err(error) => {
                debug_assert!(false, "an answer of the workload is refused: {error}");
                Ok(())
            }
        }
    }

    /// The application's decision when its permanent key seems to be lost.
    fn decide(&mut self, client: usize) {
        let host = &mut self.clients[client];
        if host.asleep_until.is_some() {
            host.put_off.push(Happening::Decide { client });
            return;
        }
        let now = host.now(self.at);
        // It asks its user, who happens to know the truth.
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

    // ── what is told ───────────────────────────────────────────────────────────────────────────

    /// Drains events and packets of both sides until there are none.
    fn settle(&mut self) -> Result<(), Violation> {
        loop {
            self.hear_all()?;
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

    fn hear_all(&mut self) -> Result<(), Violation> {
        for client in 0..self.clients.len() {
            self.hear_client(client)?;
        }
        self.hear_server()
    }

    fn hear_client(&mut self, client: usize) -> Result<(), Violation> {
        let mut key_changed = None;
        let mut lost = false;
        while let Some(event) = self.clients[client].machine.poll_event() {
            match &event {
                ClientEvent::KeyCreated { established } => key_changed = Some(established.clone()),
                ClientEvent::Ready | ClientEvent::TemporaryKeyLost { .. } => {
                    self.book.see(&Fact::KeyChanged { client })?;
                }
                ClientEvent::PermanentKeyLost { .. } => {
                    lost = true;
                    self.book.see(&Fact::KeyChanged { client })?;
                }
                ClientEvent::Session(event) => self.tally.event(event),
                _ => {}
            }
            self.tally.client_event(&event);
            if self.trace {
                carry::print_event(self.at, &format!("Client {client}"), &event, None);
            }
            let not_a_discard = !matches!(&event, ClientEvent::Session(Event::Discarded { .. }));
            self.facts += u64::from(not_a_discard);
            self.book.see(&Fact::ClientTold { client, event: &event })?;
        }
        if let Some(key) = key_changed {
            self.keys.insert(key.key.id(), Arc::clone(&key.key));
            self.book.owners.insert(key.key.id(), client);
            self.see(&Fact::KeyChanged { client })?;
        }
        if lost {
            self.after(Duration::from_secs(1), Happening::Decide { client });
        }
        Ok(())
    }

    fn hear_server(&mut self) -> Result<(), Violation> {
        let mut calls = Vec::new();
        let mut keys = Vec::new();
        while let Some(event) = self.server.machine.poll_event() {
            let mut order = None;
            match &event {
                ServerEvent::Session {
                    session,
                    event: Event::Call { id, query, wrappers, .. },
                } => {
                    let read = Order::read(query);
                    let inited = !wrappers.is_empty() && wrappers.starts_with(&INVOKE_WITH_LAYER);
                    order = read.map(|order| order.number);
                    calls.push((*session, *id, read, inited));
                }
                ServerEvent::KeyCreated { established } => keys.push((established.clone(), None)),
                ServerEvent::KeyBound { temporary, permanent } => {
                    if let Some((key, _)) = self.server.stored.get(temporary) {
                        keys.push((key.clone(), Some(*permanent)));
                    }
                }
                ServerEvent::KeyDestroyed { key, .. } => {
                    self.server.stored.remove(key);
                }
                _ => {}
            }
            if self.trace {
                carry::print_event(self.at, "Server", &event, order);
            }
            self.facts += 1;
            self.tally.server_event(&event);
            self.book.see(&Fact::ServerTold { event: &event, order })?;
        }
        for (key, bound) in keys {
            self.keys.insert(key.key.id(), Arc::clone(&key.key));
            let made_at = self.server.now(self.at).unix;
            let salts = KeySalts::new(key.key.id(), Some((made_at, key.salt)));
            self.book.server.salts.entry(key.key.id()).or_insert(salts);
            self.server.stored.insert(key.key.id(), (key, bound));
        }
        for (session, call, order, inited) in calls {
            self.serve(session, call, order, inited);
        }
        Ok(())
    }

    /// The server's application: answers as the call wants it, after the time that it wants.
    fn serve(
        &mut self,
        session: SessionName,
        call: IncomingId,
        order: Option<Order>,
        inited: bool,
    ) {
        let Some(order) = order else { return };
        if inited {
            self.server.known.insert(session.key);
        }
        self.after(order.delay(), Happening::Answer { session, call, number: order.number });
    }

    /// Lets the observer see a fact.
    fn see(&mut self, fact: &Fact<'_>) -> Result<(), Violation> {
        if self.trace && !matches!(fact, Fact::Moment | Fact::Done { .. }) {
            carry::print(self.at, fact);
        }
        if !matches!(fact, Fact::Moment) {
            self.facts += 1;
        }
        self.book.see(fact)
    }

    fn side_now(&self, side: Side, client: usize) -> mtp_env::Now {
        match side {
            Side::Client => self.clients[client].now(self.at),
            Side::Server => self.server.now(self.at),
        }
    }
}

/// Returns a moment for traces.
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
    let session = |read: fn(&mtp_session::session::SessionConfig) -> usize| {
        drawn.clients.iter().map(|client| read(&client.session)).max().unwrap_or(0)
    };
    Limits {
        client_unpacked_max: session(|config| config.unpacked_bytes_max),
        calls_max: session(|config| config.client.calls_max),
        ack_delay: drawn
            .clients
            .iter()
            .map(|client| client.session.ack_delay)
            .max()
            .unwrap_or_default(),
        recoveries_max: session(|config| config.client.recoveries_max.into()),
        patience: PATIENCE,
    }
}

/// How often chaos is given a chance.
const TICK: Duration = Duration::from_secs(1);
/// How long a run goes on after its last call, so that acknowledgements and timers can be judged.
const AFTERMATH: Duration = Duration::from_secs(45);
/// A timer may be due again at once so often.
const SPINS_MAX: u32 = 3;
/// How soon after the end of all faults every call must be over.
const PATIENCE: Duration = Duration::from_secs(700);
/// `invokeWithLayer`
const INVOKE_WITH_LAYER: [u8; 4] = [0x0d, 0x0d, 0x9b, 0xda];
