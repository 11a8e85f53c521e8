//! What the tasks of a server share: the endpoint under a lock.

use core::net::IpAddr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use mtp_env::{Deadline, Now};
use mtp_proto::{ConnectionError, TRANSMIT_LEN};
use mtp_server::{Endpoint, Refused};
use mtp_session::link::LinkId;
use mtp_store::ServerKeyRecord;
use tokio::sync::Notify;

use super::journal::Journal;
use super::notice::Noticed;
use super::{EventHandler, ServerNotice, ServerObserver, ServerOptions};
use crate::clock::{Alarm, Clock};
use crate::trace::note;

pub(crate) struct Shared {
    state: Mutex<State>,
    /// Apart from the state: it may write to a log, which nobody else should wait for.
    observer: OnceLock<ServerObserver>,
    clock: Clock,
    pub(super) options: ServerOptions,
    /// Rung when changes of keys wait.
    pub(super) journal_bell: Notify,
    /// Rung when changes of keys were stored, or could not be.
    pub(super) flushed: Notify,
    /// Key exchanges computed at once. Asked of the system only once: it reads files for the answer.
    jobs_max: usize,
    /// Rung when a deadline has come nearer.
    time_changed: Notify,
    /// Rung after each verb while a task waits for a session to keep up.
    pub(super) progress: Notify,
    /// Those who wait for it.
    pub(super) waiters: AtomicUsize,
    /// Sockets are to end.
    stopping: AtomicBool,
}

pub(super) struct State {
    pub(super) endpoint: Endpoint,
    handler: EventHandler,
    /// What the observer gets once the lock is released.
    pub(super) noticed: Vec<Noticed>,
    /// One bell for each link, rung when it may have something to write.
    bells: HashMap<LinkId, Arc<Notify>>,
    pub(super) journal: Journal,
    /// Key exchanges whose arithmetic runs on a blocking thread.
    jobs: usize,
    /// When the task for time looks again by itself.
    alarm: Option<Deadline>,
}

/// The state of a link after a turn.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts about a socket")]
pub(super) struct Turn {
    /// Everything is written: the socket is to be closed.
    pub(super) closed: bool,
    /// More may be read.
    pub(super) wants_bytes: bool,
    /// Output waits for the store; the bell rings when it may leave.
    pub(super) held: bool,
    /// Once the output is written there may be more, for which no bell rings.
    pub(super) again: bool,
}

impl Shared {
    pub(super) fn new(endpoint: Endpoint, handler: EventHandler, options: ServerOptions) -> Self {
        let state = State {
            endpoint,
            handler,
            noticed: Vec::new(),
            bells: HashMap::new(),
            journal: Journal::default(),
            jobs: 0,
            alarm: None,
        };
        Self {
            state: Mutex::new(state),
            observer: OnceLock::new(),
            clock: Clock::start(),
            options,
            journal_bell: Notify::new(),
            flushed: Notify::new(),
            jobs_max: std::thread::available_parallelism().map_or(1, usize::from),
            time_changed: Notify::new(),
            progress: Notify::new(),
            waiters: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
        }
    }

    /// Sets the observer, unless there is one.
    pub(super) fn set_observer(&self, observer: ServerObserver) {
        let _ = self.observer.set(observer);
    }

    /// Passes a notice to the observer. The endpoint must not be locked: a log may be slow.
    pub(super) fn notice(&self, notice: &ServerNotice<'_>) {
        note!(what = %notice, "noticed");
        if let Some(observer) = self.observer.get() {
            observer(notice);
        }
    }

    /// Gives stored keys to the endpoint, and stores changes from now on.
    pub(super) fn restore(&self, keys: Vec<ServerKeyRecord>) {
        let now = self.clock.now();
        let mut state = self.lock();
        state.journal.enable();
        for ServerKeyRecord { established, bound_to, .. } in keys {
            if !state.endpoint.insert_key(now, &established, bound_to) {
                // Expired while no server ran: no event will say so.
                state.journal.note_expired(established.key.id());
            }
        }
    }

    pub(super) fn accept(
        self: &Arc<Self>,
        address: IpAddr,
        bell: Arc<Notify>,
    ) -> Result<LinkId, Refused> {
        self.with(None, |state, now| {
            let accepted = state.endpoint.accept(now, address);
            match &accepted {
                Ok(link) => drop(state.bells.insert(*link, bell)),
                Err(error) => state.noticed.push(Noticed::NotAccepted { address, error: *error }),
            }
            accepted
        })
    }

    pub(super) fn remove(self: &Arc<Self>, link: LinkId) {
        self.with(Some(link), |state, now| {
            state.bells.remove(&link);
            state.journal.forget_link(link);
            state.endpoint.remove(now, link);
        });
    }

    /// Gives a link what was received, then takes what it is to write if the buffer is empty.
    pub(super) fn turn(
        self: &Arc<Self>,
        link: LinkId,
        input: Input<'_>,
        out: &mut Vec<u8>,
    ) -> Turn {
        self.with(Some(link), |state, now| {
            let endpoint = &mut state.endpoint;
            // A link that broke the protocol is closed once its output is drained.
            let handled = match input {
                Input::Nothing => Ok(()),
                Input::Bytes(bytes) => endpoint.handle_bytes(now, link, bytes),
                Input::End => endpoint.handle_eof(now, link),
            };
            if let Err(error) = handled {
                state.noticed.push(Noticed::Refused { link, error });
            }
            // Answers come before output, so that both leave together.
            state.handle_events(now, Some(link));
            let waits = !out.is_empty();
            // The link is asked here and now, or when there is room again.
            state.ring_bells(Some(link));
            let State { endpoint, journal, .. } = state;
            let held = journal.holds(link, endpoint.link_keys(link));
            let wrote = !waits && !held && endpoint.poll_transmit(now, link, out);
            let wants_bytes = endpoint.wants_bytes(link);
            let unsettled = out.len() >= TRANSMIT_LEN || endpoint.is_ending(link) || !wants_bytes;
            Turn {
                closed: !wrote && !held && endpoint.is_closed(link),
                wants_bytes,
                held,
                again: waits || wrote && unsettled,
            }
        })
    }

    /// Ends every socket.
    #[expect(clippy::iter_over_hash_type, reason = "each is rung, in whatever order")]
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        for bell in self.lock().bells.values() {
            bell.notify_one();
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Runs one verb on the endpoint, on behalf of a link if there is one, then wakes all that it concerns.
    pub(super) fn with<T>(
        self: &Arc<Self>,
        link: Option<LinkId>,
        verb: impl FnOnce(&mut State, Now) -> T,
    ) -> T {
        let now = self.clock.now();
        let mut state = self.lock();
        let outcome = verb(&mut state, now);
        state.handle_events(now, link);
        state.ring_bells(None);
        self.start_jobs(&mut state, now);
        if state.journal.is_waiting() {
            self.journal_bell.notify_one();
        }
        if state.rings_too_late() {
            self.time_changed.notify_one();
        }
        let noticed = core::mem::take(&mut state.noticed);
        drop(state);
        for noticed in &noticed {
            self.notice(&noticed.as_notice());
        }
        if self.waiters.load(Ordering::Acquire) > 0 {
            self.progress.notify_waiters();
        }
        outcome
    }

    /// Starts arithmetic on blocking threads, no more at once than there are processors.
    fn start_jobs(self: &Arc<Self>, state: &mut State, now: Now) {
        while state.jobs < self.jobs_max {
            let Some((link, work)) = state.endpoint.poll_work(now) else { return };
            if state.journal.is_paused() {
                // The key could not be stored.
                state.endpoint.close(now, link);
                state.ring_bells(None);
                continue;
            }
            state.jobs = state.jobs.saturating_add(1);
            let shared = self.clone();
            tokio::task::spawn_blocking(move || {
                let done = work.run();
                shared.with(Some(link), |state, now| {
                    state.jobs = state.jobs.saturating_sub(1);
                    // The machine closes the link of a client whose numbers are wrong.
                    let handled = state.endpoint.handle_work(now, link, done);
                    if let Err(why) = handled {
                        let error = ConnectionError::FromClient(why.into());
                        state.noticed.push(Noticed::Refused { link, error });
                    }
                });
            });
        }
    }

    /// Returns the endpoint's counters and the number of links.
    #[cfg(feature = "metrics")]
    pub(crate) fn counters(&self) -> (mtp_server::Counters, usize) {
        let state = self.lock();
        (*state.endpoint.counters(), state.endpoint.links())
    }

    /// A task that panicked while it held the lock has left the machine between two verbs: the
    /// machines commit at their end, so the others can go on.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a socket brought.
#[derive(Clone, Copy, Debug)]
pub(super) enum Input<'a> {
    Nothing,
    Bytes(&'a [u8]),
    End,
}

impl State {
    /// Handles events that a verb on behalf of a link caused.
    fn handle_events(&mut self, now: Now, link: Option<LinkId>) {
        while let Some(event) = self.endpoint.poll_event() {
            self.journal.note(&event, link);
            (self.handler)(&mut self.endpoint, now, event);
        }
    }

    /// Returns the next deadline, for the task that waits for it.
    fn set_alarm(&mut self) -> Option<Deadline> {
        self.alarm = self.endpoint.poll_timeout();
        self.alarm
    }

    /// Returns `true` if a deadline is nearer than the alarm. One that went away costs one needless look at
    /// most, not one for every packet.
    fn rings_too_late(&self) -> bool {
        let next = self.endpoint.poll_timeout();
        next.is_some_and(|next| self.alarm.is_none_or(|alarm| next.at < alarm.at))
    }

    /// Rings for the links that may have something to write, except for one that is asked anyway.
    fn ring_bells(&mut self, asked: Option<LinkId>) {
        while let Some(link) = self.endpoint.poll_link() {
            if asked != Some(link) {
                self.ring(link);
            }
        }
    }

    pub(super) fn ring(&self, link: LinkId) {
        if let Some(bell) = self.bells.get(&link) {
            bell.notify_one();
        }
    }
}

/// Lets time pass for the endpoint, for ever.
pub(super) async fn keep_time(shared: &Arc<Shared>) {
    let mut alarm = Alarm::new(shared.clock);
    loop {
        let deadline = shared.lock().set_alarm();
        tokio::select! {
            () = alarm.wait(deadline) => {
                shared.with(None, |state, now| state.endpoint.handle_timeout(now));
            }
            () = shared.time_changed.notified() => {}
        }
    }
}
