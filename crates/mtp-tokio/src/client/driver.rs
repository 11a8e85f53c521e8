//! The task that owns a client's sockets.

use core::future::poll_fn;
use core::time::Duration;
use std::collections::BTreeMap;

use mtp_crypto::OsEntropy;
use mtp_env::Now;
use mtp_session::client::{
    ClientEvent, ClientSessionEvent, ClientWorkDone, Evidence, RequestId, TemporaryKeyEnd,
};
use mtp_session::established::{Established, KeyKind};
use mtp_session::exchange::Arithmetic;
use mtp_session::record::RecordedClient;
use mtp_store::{ClientKeyChange, ClientKeyRecord};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet, yield_now};

use super::notice::Outbox;
use super::refusals::{BackOff, Refusals};
use super::setback::{Setback, Status};
use super::slots::{Hub, Opener, Slots};
use super::{Answer, Call, ClientOptions, Control, InvokeError, Notice, Saved};
use crate::clock::{Alarm, Clock};

/// Everything the task owns.
pub(super) struct Driver<S> {
    options: Box<ClientOptions>,
    clock: Clock,
    alarm: Alarm,
    hub: Hub,
    slots: Slots<S>,
    calls: mpsc::Receiver<Box<Call>>,
    controls: mpsc::UnboundedReceiver<Control>,
    outbox: Outbox,
    waiting: BTreeMap<RequestId, Waiting>,
    /// The requests by the numbers that the handle gave its calls.
    requests: BTreeMap<u64, RequestId>,
    /// The last call did not go alone: others were out with it.
    in_company: bool,
    pings: Vec<oneshot::Sender<Duration>>,
    /// Arithmetic on blocking threads.
    works: JoinSet<ClientWorkDone>,
    /// A permanent key that is not stored yet.
    unsaved: Option<Established>,
    refusals: Refusals,
    /// A key was created that no call has gone through yet.
    fresh_key: bool,
    status: watch::Sender<Status>,
    stage: Stage,
}

/// Who waits for an answer.
struct Waiting {
    number: u64,
    answer: oneshot::Sender<Answer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Running,
    /// No more calls are taken; those that are open are waited for.
    Finishing,
    Closed,
}

/// Why the task woke up.
enum Woken {
    Moved,
    Call(Option<Box<Call>>),
    Control(Option<Control>),
    Worked(Result<ClientWorkDone, JoinError>),
    Timeout,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    pub(super) async fn new(
        mut options: Box<ClientOptions>,
        opener: Opener<S>,
        calls: mpsc::Receiver<Box<Call>>,
        controls: mpsc::UnboundedReceiver<Control>,
        mut outbox: Outbox,
        status: watch::Sender<Status>,
    ) -> Box<Self> {
        let clock = Clock::start();
        options.client.arithmetic = Arithmetic::Deferred;
        if options.permanent.is_none() {
            options.permanent = load(&options, &mut outbox).await;
        }
        let machine = machine(&mut options, clock.now(), &mut outbox);
        Box::new(Self {
            hub: Hub::new(machine),
            slots: Slots::new(&options, opener),
            options,
            clock,
            alarm: Alarm::new(clock),
            calls,
            controls,
            outbox,
            waiting: BTreeMap::new(),
            requests: BTreeMap::new(),
            in_company: false,
            pings: Vec::new(),
            works: JoinSet::new(),
            unsaved: None,
            refusals: Refusals::default(),
            fresh_key: false,
            status,
            stage: Stage::Running,
        })
    }

    /// Runs until the client is closed; returns what a later run can go on from.
    pub(super) async fn run(mut self: Box<Self>) -> Saved {
        loop {
            self.drain_events();
            self.save_key().await;
            self.send_log();
            while let Some(work) = self.hub.client_mut().poll_work() {
                self.works.spawn_blocking(move || work.run());
            }
            if self.is_over() {
                return self.end();
            }
            match self.wake().await {
                // Arithmetic that did not end leaves the exchange to its deadline.
                Woken::Moved | Woken::Worked(Err(_)) => {}
                Woken::Call(Some(call)) => self.begin(call).await,
                Woken::Call(None) => self.stage = Stage::Closed,
                Woken::Control(control) => self.obey(control),
                Woken::Worked(Ok(done)) => {
                    // What it found wrong comes out as an event.
                    let _ = self.hub.client_mut().handle_work(self.clock.now(), done);
                }
                Woken::Timeout => self.hub.handle_timeout(self.clock.now()),
            }
        }
    }

    /// Waits for what comes first.
    async fn wake(&mut self) -> Woken {
        let takes_calls = self.stage == Stage::Running
            && self.waiting.len() < self.options.client.session.calls_max;
        let Self { clock, alarm, hub, slots, calls, controls, works, .. } = self;
        let deadline = hub.poll_timeout();
        tokio::select! {
            () = poll_fn(|cx| slots.poll(cx, clock.now(), hub)) => Woken::Moved,
            call = calls.recv(), if takes_calls => Woken::Call(call),
            control = controls.recv() => Woken::Control(control),
            Some(done) = works.join_next(), if !works.is_empty() => Woken::Worked(done),
            () = alarm.wait(deadline) => Woken::Timeout,
        }
    }

    /// Makes a call, and those behind it, so that they leave in one packet.
    async fn begin(&mut self, call: Box<Call>) {
        // Callers whose answers came together call again together: those that are ready go first.
        if self.in_company {
            yield_now().await;
        }
        let now = self.clock.now();
        self.request(now, *call);
        for _ in 1..TOGETHER_MAX {
            match self.calls.try_recv() {
                Ok(call) => self.request(now, *call),
                Err(_) => break,
            }
        }
        self.in_company = self.waiting.len() > 1;
    }

    fn request(&mut self, now: Now, call: Call) {
        let Call { number, body, options, answer } = call;
        if answer.is_closed() {
            // The caller is gone.
            return;
        }
        match self.hub.client_mut().request(now, &body, options) {
            Ok(request) => {
                self.requests.insert(number, request);
                self.waiting.insert(request, Waiting { number, answer });
            }
            Err(why) => {
                // The caller may be gone.
                let _ = answer.send(Err(InvokeError::Refused(why)));
            }
        }
    }

    fn obey(&mut self, control: Option<Control>) {
        let now = self.clock.now();
        let client = self.hub.client_mut();
        match control {
            Some(Control::Cancel { number }) => {
                if let Some(request) = self.requests.remove(&number) {
                    self.waiting.remove(&request);
                    // One that has been answered meanwhile needs no cancelling.
                    let _ = client.cancel(now, request);
                }
            }
            Some(Control::Ping { answer }) => {
                client.ping();
                self.pings.push(answer);
            }
            Some(Control::NewPermanentKey) => client.new_permanent_key(now),
            Some(Control::TryAgain) => client.try_again(now),
            Some(Control::SetOnline(online)) => client.set_online(now, online),
            Some(Control::Finish) => self.stage = self.stage.max_of(Stage::Finishing),
            Some(Control::Close) | None => self.stage = Stage::Closed,
        }
    }

    fn is_over(&self) -> bool {
        match self.stage {
            Stage::Running => false,
            Stage::Finishing => {
                self.waiting.is_empty() && self.calls.is_empty() && self.slots.is_written()
            }
            Stage::Closed => true,
        }
    }

    /// Cancels open calls: a later run must not repeat what failed for its caller.
    fn end(mut self: Box<Self>) -> Saved {
        let now = self.clock.now();
        for request in core::mem::take(&mut self.waiting).into_keys() {
            let _ = self.hub.client_mut().cancel(now, request);
        }
        self.send_log();
        Saved::new(self.hub.client().save())
    }

    fn drain_events(&mut self) {
        for notice in self.slots.notices.drain(..) {
            if let Notice::Disconnected { reason, .. } = &notice {
                set_back(&self.status, reason.clone());
            }
            self.outbox.send(notice);
        }
        while let Some(event) = self.hub.client_mut().poll_event() {
            if let ClientEvent::Session(event) = &event
                && let Some(BackOff { pause, setback }) = self.refusals.note(event)
            {
                self.slots.hold(pause);
                set_back(&self.status, setback.clone());
                self.outbox.send(Notice::Refused(setback));
            }
            let notice = match event {
                ClientEvent::KeyCreated { established } => {
                    if established.kind == KeyKind::Permanent {
                        self.unsaved = Some(established.clone());
                    }
                    self.fresh_key = true;
                    Notice::KeyCreated(established)
                }
                ClientEvent::Ready => {
                    self.refusals.clear();
                    self.fresh_key = false;
                    self.status.send_replace(Status { ready: true, setback: None });
                    Notice::Ready
                }
                ClientEvent::PermanentKeyLost { evidence } => {
                    set_back(&self.status, Setback::KeyUnknown(evidence));
                    Notice::PermanentKeyLost { authenticated: evidence == Evidence::Authenticated }
                }
                ClientEvent::ExchangeFailed { error } => {
                    set_back(&self.status, Setback::Exchange(error));
                    Notice::ExchangeFailed(error)
                }
                ClientEvent::TemporaryKeyLost { cause } => {
                    self.status.send_modify(|status| status.ready = false);
                    if self.fresh_key && cause == TemporaryKeyEnd::NotFound {
                        // A server that does not know a key it has just agreed to never will.
                        set_back(&self.status, Setback::KeyUnknown(Evidence::Forgeable));
                    }
                    continue;
                }
                ClientEvent::Session(ClientSessionEvent::TransportError { code, .. }) => {
                    set_back(&self.status, Setback::TransportError { code });
                    continue;
                }
                ClientEvent::Session(ClientSessionEvent::Update { body }) => {
                    Notice::Update(body.to_vec())
                }
                ClientEvent::Session(ClientSessionEvent::SessionCreated { .. }) => {
                    Notice::UpdatesLost
                }
                ClientEvent::Session(ClientSessionEvent::Pong { round_trip, .. }) => {
                    for waiting in self.pings.drain(..) {
                        // The caller may be gone.
                        let _ = waiting.send(round_trip);
                    }
                    continue;
                }
                ClientEvent::Session(event) => {
                    if let Some((request, answer)) = answer(&event)
                        && let Some(waiting) = self.waiting.remove(&request)
                    {
                        self.requests.remove(&waiting.number);
                        let _ = waiting.answer.send(answer);
                    }
                    continue;
                }
                _ => continue,
            };
            self.outbox.send(notice);
        }
    }

    /// Passes on what was recorded since.
    fn send_log(&mut self) {
        if let Some(log) = &self.options.log {
            let part = self.hub.client_mut().take_log();
            if !part.is_empty() {
                // The reader may be gone.
                let _ = log.parts.send(part);
            }
        }
    }

    /// Stores a new permanent key before it is used.
    async fn save_key(&mut self) {
        let (Some(key), Some(store)) = (self.unsaved.take(), &self.options.store) else { return };
        let record = ClientKeyRecord::new(self.options.client.dc, key);
        if let Err(error) = store.apply(vec![ClientKeyChange::Stored(record)]).await {
            self.outbox.send(Notice::StoreFailed(error));
        }
    }
}

impl Stage {
    /// Returns the later of two stages.
    const fn max_of(self, other: Self) -> Self {
        match self {
            Self::Closed => self,
            Self::Running | Self::Finishing => other,
        }
    }
}

/// Notes the latest setback.
fn set_back(status: &watch::Sender<Status>, setback: Setback) {
    status.send_modify(|status| {
        status.ready &= !setback.is_final();
        // The cause of an end is worth more than the end.
        if !matches!(setback, Setback::Closed) || status.setback.is_none() {
            status.setback = Some(setback);
        }
    });
}

/// Loads the permanent key from the store.
async fn load(options: &ClientOptions, outbox: &mut Outbox) -> Option<Established> {
    let (store, dc) = (options.store.as_ref()?, options.client.dc);
    match store.load().await {
        Ok(loaded) => {
            for damage in loaded.damage {
                outbox.send(Notice::StoreDamaged(damage));
            }
            let mut records = loaded.records.into_iter();
            records.find(|record| record.dc == dc).map(|record| record.established)
        }
        Err(error) => {
            outbox.send(Notice::StoreFailed(error));
            None
        }
    }
}

/// Makes the machine, from an earlier run if there was one.
fn machine(options: &mut ClientOptions, now: Now, outbox: &mut Outbox) -> RecordedClient {
    let config = options.client.clone();
    let log = options.log.as_ref();
    let note = log.map(|log| log.note.clone());
    let note = note.as_deref();
    if let Some(saved) = options.saved.take() {
        let entropy = Box::new(OsEntropy::seeded());
        match RecordedClient::resume(config.clone(), now, saved.as_bytes(), entropy, note) {
            Ok(machine) => return machine,
            Err(error) => outbox.send(Notice::NotResumed(error)),
        }
    }
    let entropy = Box::new(OsEntropy::seeded());
    RecordedClient::new(config, now, options.permanent.take(), entropy, note)
}

/// Returns which call an event ends, and how.
fn answer(event: &ClientSessionEvent<'_>) -> Option<(RequestId, Answer)> {
    Some(match event {
        ClientSessionEvent::Result { request, body } => (*request, Ok(body.to_vec())),
        ClientSessionEvent::RpcError { request, error } => {
            let message = error.message().to_owned();
            (*request, Err(InvokeError::Rpc { code: error.code(), message }))
        }
        ClientSessionEvent::Failed { request, error } => {
            (*request, Err(InvokeError::Failed(*error)))
        }
        _ => return None,
    })
}

/// Calls taken at once, so that a caller with many does not hold up the sockets.
const TOGETHER_MAX: usize = 64;
