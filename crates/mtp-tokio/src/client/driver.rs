//! The task that owns a client's sockets.

use core::future::poll_fn;
use core::time::Duration;
use std::collections::BTreeMap;

use mtp_crypto::OsEntropy;
use mtp_env::Now;
use mtp_proto::ClientHub;
use mtp_session::client::{self, ClientEvent, Evidence};
use mtp_session::handshake::{Arithmetic, ClientWorkDone};
use mtp_session::session::{Event, RequestId};
use mtp_session::{Established, KeyKind};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinSet, yield_now};

use super::notice::Outbox;
use super::slots::{Opener, Slots};
use super::{Answer, Call, ClientOptions, Control, InvokeError, Notice, Saved};
use crate::clock::{Alarm, Clock};

/// Everything the task owns.
pub(super) struct Driver<S> {
    options: Box<ClientOptions>,
    clock: Clock,
    alarm: Alarm,
    hub: ClientHub,
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
    /// A permanent key that the store does not have yet.
    unsaved: Option<Established>,
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

/// What the task woke up for.
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
    ) -> Box<Self> {
        let clock = Clock::start();
        options.client.arithmetic = Arithmetic::Deferred;
        if options.permanent.is_none() {
            options.permanent = load(&options, &mut outbox).await;
        }
        let machine = machine(&mut options, clock.now(), &mut outbox);
        Box::new(Self {
            hub: ClientHub::new(machine),
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

    /// Waits for whatever comes first.
    async fn wake(&mut self) -> Woken {
        let takes_calls = self.stage == Stage::Running
            && self.waiting.len() < self.options.client.session.client.calls_max;
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
            // Nobody waits any more.
            return;
        }
        match self.hub.client_mut().request(now, &body, options) {
            Ok(request) => {
                self.requests.insert(number, request);
                self.waiting.insert(request, Waiting { number, answer });
            }
            Err(why) => {
                // The caller may have gone; then nobody wants to know.
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

    /// Ends open calls, which are not repeated by a later run: their callers hear that they ended.
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
            self.outbox.tell(notice);
        }
        while let Some(event) = self.hub.client_mut().poll_event() {
            let notice = match event {
                ClientEvent::KeyCreated { established } => {
                    if established.kind == KeyKind::Permanent {
                        self.unsaved = Some(established.clone());
                    }
                    Notice::KeyCreated(established)
                }
                ClientEvent::Ready => Notice::Ready,
                ClientEvent::PermanentKeyLost { evidence } => {
                    Notice::PermanentKeyLost { authenticated: evidence == Evidence::Authenticated }
                }
                ClientEvent::ExchangeFailed { error } => Notice::ExchangeFailed(error.to_string()),
                ClientEvent::Session(Event::Update { body }) => Notice::Update(body.to_vec()),
                ClientEvent::Session(Event::SessionCreated { .. }) => Notice::UpdatesLost,
                ClientEvent::Session(Event::Pong { round_trip, .. }) => {
                    for waiting in self.pings.drain(..) {
                        // The caller may have gone; then nobody wants to know.
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
            self.outbox.tell(notice);
        }
    }

    /// Gives away what was written down since.
    fn send_log(&mut self) {
        if let Some(log) = &self.options.log {
            let part = self.hub.client_mut().take_log();
            if !part.is_empty() {
                // Whoever does not listen any more has enough.
                let _ = log.send(part);
            }
        }
    }

    /// Keeps a new permanent key before anything else is done with it.
    async fn save_key(&mut self) {
        let (Some(key), Some(store)) = (self.unsaved.take(), self.options.store.clone()) else {
            return;
        };
        let dc = self.options.client.dc;
        let outcome = store.with(move |store| store.save(dc, &key)).await;
        if let Err(why) = outcome {
            self.outbox.tell(Notice::StoreFailed(why.to_string()));
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

/// Takes the permanent key out of the store.
async fn load(options: &ClientOptions, outbox: &mut Outbox) -> Option<Established> {
    let (store, dc) = (options.store.clone()?, options.client.dc);
    match store.with(move |store| store.load(dc)).await {
        Ok(key) => key,
        Err(why) => {
            outbox.tell(Notice::StoreFailed(why.to_string()));
            None
        }
    }
}

/// Makes the machine, from an earlier run if there was one.
fn machine(options: &mut ClientOptions, now: Now, outbox: &mut Outbox) -> client::Client {
    let config = options.client.clone();
    if let Some(saved) = options.saved.take() {
        let entropy = Box::new(OsEntropy::seeded());
        match client::Client::resume(config.clone(), now, saved.as_bytes(), entropy) {
            Ok(machine) => return machine,
            Err(why) => outbox.tell(Notice::StoreFailed(why.to_string())),
        }
    }
    client::Client::new(config, now, options.permanent.take(), Box::new(OsEntropy::seeded()))
}

/// Returns which call an event ends, and how.
fn answer(event: &Event<'_>) -> Option<(RequestId, Answer)> {
    Some(match event {
        Event::Result { request, body } => (*request, Ok(body.to_vec())),
        Event::RpcError { request, error } => {
            let message = error.message().to_owned();
            (*request, Err(InvokeError::Rpc { code: error.code(), message }))
        }
        Event::Failed { request, error } => (*request, Err(InvokeError::Failed(*error))),
        _ => return None,
    })
}

/// Calls taken at once, so that a caller with many does not hold up the sockets.
const TOGETHER_MAX: usize = 64;
