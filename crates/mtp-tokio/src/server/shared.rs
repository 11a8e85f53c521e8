//! What the tasks of a server share: the data centre under a lock.

use core::net::IpAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mtp_dc::{DataCenter, Refused};
use mtp_env::{Deadline, Now};
use mtp_proto::{ConnectionError, TRANSMIT_LEN};
use mtp_session::LinkId;
use tokio::sync::Notify;

use super::journal::{Journal, Progress};
use super::{EventHandler, RefusalHandler, ServerOptions};
use crate::clock::{Alarm, Clock};
use crate::store::StoredKey;
use crate::trace::note;

pub(crate) struct Shared {
    state: Mutex<State>,
    clock: Clock,
    pub(super) options: ServerOptions,
    pub(super) progress: Progress,
    /// Key exchanges computed at once. Asked of the system only once: it reads files for the answer.
    working_max: usize,
    /// Rung when a deadline has come nearer.
    time_changed: Notify,
    /// Sockets are to end.
    stopping: AtomicBool,
}

pub(super) struct State {
    center: DataCenter,
    handler: EventHandler,
    /// Hears why links were refused.
    refusals: Option<RefusalHandler>,
    /// One bell for each link, rung when it may have something to write.
    bells: HashMap<LinkId, Arc<Notify>>,
    pub(super) journal: Journal,
    /// Key exchanges whose arithmetic runs on a blocking thread.
    working: usize,
    /// When the task for time looks again by itself.
    alarm: Option<Deadline>,
}

/// How a link stands after a turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// Everything is written: the socket is to be closed.
    pub(super) closed: bool,
    /// More may be read.
    pub(super) wants_bytes: bool,
    /// What was written may leave once the store is so far.
    pub(super) gate: u64,
    /// Once it is written there may be more to write: nobody rings for that.
    pub(super) again: bool,
}

impl Shared {
    pub(super) fn new(center: DataCenter, handler: EventHandler, options: ServerOptions) -> Self {
        let state = State {
            center,
            handler,
            refusals: None,
            bells: HashMap::new(),
            journal: Journal::default(),
            working: 0,
            alarm: None,
        };
        Self {
            state: Mutex::new(state),
            clock: Clock::start(),
            options,
            progress: Progress::new(),
            working_max: std::thread::available_parallelism().map_or(1, usize::from),
            time_changed: Notify::new(),
            stopping: AtomicBool::new(false),
        }
    }

    /// Gives stored keys to the data centre.
    pub(super) fn restore(&self, keys: Vec<StoredKey>) {
        let now = self.clock.now();
        let mut state = self.lock();
        for StoredKey { established, bound_to } in keys {
            if !state.center.insert_key(now, &established, bound_to) {
                // Expired while nobody looked: nothing will say so later.
                let gone = mtp_dc::DcEvent::KeyDestroyed {
                    key: established.key.id(),
                    cause: mtp_session::server::KeyEnd::Expired,
                };
                state.journal.note(&gone);
            }
        }
    }

    pub(super) fn accept(
        self: &Arc<Self>,
        address: IpAddr,
        bell: Arc<Notify>,
    ) -> Result<LinkId, Refused> {
        self.with(|state, now| {
            let link = state.center.accept(now, address)?;
            state.bells.insert(link, bell);
            Ok(link)
        })
    }

    pub(super) fn remove(self: &Arc<Self>, link: LinkId) {
        self.with(|state, now| {
            state.bells.remove(&link);
            state.center.remove(now, link);
        });
    }

    /// Gives a link what was received, then takes what it is to write if the buffer is empty.
    pub(super) fn turn(
        self: &Arc<Self>,
        link: LinkId,
        input: Input<'_>,
        out: &mut Vec<u8>,
    ) -> Turn {
        self.with(|state, now| {
            let center = &mut state.center;
            // A link that broke the rules is closed once its output is drained.
            let handled = match input {
                Input::Nothing => Ok(()),
                Input::Bytes(bytes) => center.handle_bytes(now, link, bytes),
                Input::End => center.handle_eof(now, link),
            };
            if let Err(why) = handled {
                state.tell_refusal(link, &why);
            }
            // Answers come before output, so that both leave together.
            state.handle_events(now);
            let waits = !out.is_empty();
            // The link is asked here and now, or when there is room again.
            state.ring_bells(Some(link));
            let center = &mut state.center;
            let wrote = !waits && center.poll_transmit(now, link, out);
            let wants_bytes = center.wants_bytes(link);
            let unsettled = out.len() >= TRANSMIT_LEN || center.is_ending(link) || !wants_bytes;
            Turn {
                closed: !wrote && center.is_closed(link),
                wants_bytes,
                gate: state.journal.last(),
                again: waits || wrote && unsettled,
            }
        })
    }

    /// Ends every socket.
    #[expect(clippy::iter_over_hash_type, reason = "each hears the same, in whatever order")]
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        for bell in self.lock().bells.values() {
            bell.notify_one();
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Runs one verb on the data centre, then tells everybody whom it concerns.
    fn with<T>(self: &Arc<Self>, verb: impl FnOnce(&mut State, Now) -> T) -> T {
        let now = self.clock.now();
        let mut state = self.lock();
        let outcome = verb(&mut state, now);
        state.handle_events(now);
        state.ring_bells(None);
        self.give_work_away(&mut state, now);
        if !state.journal.is_empty() {
            self.progress.bell.notify_one();
        }
        if state.rings_too_late() {
            self.time_changed.notify_one();
        }
        outcome
    }

    /// Starts arithmetic on blocking threads, no more at once than there are processors.
    fn give_work_away(self: &Arc<Self>, state: &mut State, now: Now) {
        while state.working < self.working_max {
            let Some((link, work)) = state.center.poll_work(now) else { return };
            state.working = state.working.saturating_add(1);
            let shared = self.clone();
            tokio::task::spawn_blocking(move || {
                let done = work.run();
                shared.with(|state, now| {
                    state.working = state.working.saturating_sub(1);
                    // A client whose numbers are wrong loses its link by the machine's own doing.
                    let handled = state.center.handle_work(now, link, done);
                    if let Err(why) = handled {
                        state.tell_refusal(link, &ConnectionError::FromClient(why.into()));
                    }
                });
            });
        }
    }

    /// Returns what the data centre counted, and how many links there are.
    #[cfg(feature = "metrics")]
    pub(crate) fn counters(&self) -> (mtp_dc::Counters, usize) {
        let state = self.lock();
        (*state.center.counters(), state.center.links())
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
    pub(super) fn tell_refusals(&mut self, handler: RefusalHandler) {
        self.refusals = Some(handler);
    }

    fn tell_refusal(&self, link: LinkId, why: &ConnectionError) {
        note!(why = %why, "refused");
        if let Some(handler) = &self.refusals {
            handler(link, why);
        }
    }

    fn handle_events(&mut self, now: Now) {
        while let Some(event) = self.center.poll_event(now) {
            self.journal.note(&event);
            (self.handler)(&mut self.center, now, event);
        }
    }

    /// Returns when time has something to do, for the task that waits for it.
    fn set_alarm(&mut self) -> Option<Deadline> {
        self.alarm = self.center.poll_timeout();
        self.alarm
    }

    /// Reports whether a deadline has come nearer than the alarm. One that went away costs a look in vain at
    /// most, not one for every packet.
    fn rings_too_late(&self) -> bool {
        let next = self.center.poll_timeout();
        next.is_some_and(|next| self.alarm.is_none_or(|alarm| next.at < alarm.at))
    }

    /// Rings for the links that may have something to write, but not for one that is asked anyway.
    fn ring_bells(&mut self, asked: Option<LinkId>) {
        while let Some(link) = self.center.poll_link() {
            if asked != Some(link)
                && let Some(bell) = self.bells.get(&link)
            {
                bell.notify_one();
            }
        }
    }
}

/// Lets time pass for the data centre, for ever.
pub(super) async fn keep_time(shared: &Arc<Shared>) {
    let mut alarm = Alarm::new(shared.clock);
    loop {
        let deadline = shared.lock().set_alarm();
        tokio::select! {
            () = alarm.wait(deadline) => {
                shared.with(|state, now| state.center.handle_timeout(now));
            }
            () = shared.time_changed.notified() => {}
        }
    }
}
