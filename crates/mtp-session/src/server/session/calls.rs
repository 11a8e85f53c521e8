//! Calls that are received and not yet answered.
//!
//! A call may wait for others. Each id that it waits for is an edge, and edges are indexed by that id: when a call ends,
//! only the calls that wait for it are looked at, and what follows from it is a list of work, however long the chain.

use alloc::boxed::Box;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use mtp_crypto::MsgId;
use mtp_env::{Instant, Now, Work};

use super::event::Pending;
use super::{IncomingId, ServerSession, ServerSessionConfig, ServerSessionEvent};
use crate::link::LinkId;
use crate::service::RpcError;
use crate::session::Mutation;
use crate::session::ordered::Ordered;
use crate::session::window::Fate;

/// One call.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) msg_id: MsgId,
    pub(crate) link: LinkId,
    pub(crate) received_at: Instant,
    state: State,
}

/// The state of a call.
#[derive(Debug)]
enum State {
    /// The application runs it, once it has taken the event.
    Running { acked: bool, dropped: bool, taken: bool },
    /// It waits for its predecessors.
    Waiting(Box<Waiting>),
}

/// A call that waits for its predecessors.
// spec: session 9
#[derive(Debug)]
struct Waiting {
    /// The predecessors that had not succeeded when it arrived.
    after: Vec<MsgId>,
    /// How many of them have not succeeded yet.
    open: usize,
    /// Wrappers and query.
    body: Vec<u8>,
    wrappers_len: usize,
}

/// A predecessor has failed.
#[derive(Clone, Copy, Debug)]
struct PredecessorFailed;

/// How a message ended for the calls that wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Succeeded,
    Failed,
}

impl Incoming {
    pub(crate) const fn is_dropped(&self) -> bool {
        matches!(self.state, State::Running { dropped: true, .. })
    }

    const fn is_taken(&self) -> bool {
        matches!(self.state, State::Running { taken: true, .. })
    }
}

/// All unanswered calls.
#[derive(Debug, Default)]
pub(crate) struct Incomings {
    calls: Ordered<MsgId, Incoming>,
    /// Edges: an id and a call that waits for it.
    edges: BTreeSet<(MsgId, MsgId)>,
    /// Number of running calls that the application has taken.
    taken: usize,
    /// Bytes of the bodies of waiting calls.
    body_bytes: usize,
}

impl Incomings {
    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    /// Frees unused capacity.
    pub(crate) fn trim(&mut self) {
        self.calls.trim();
        if self.edges.is_empty() {
            self.edges = BTreeSet::new();
        }
    }

    /// Returns `true` if a call runs or waits.
    pub(crate) fn contains(&self, msg_id: MsgId) -> bool {
        self.calls.contains(msg_id)
    }

    /// Returns `true` if calls wait for others.
    pub(super) fn any_waits(&self) -> bool {
        !self.edges.is_empty()
    }

    /// Adds a call. Returns how many others were moved.
    fn insert(&mut self, call: Incoming) -> usize {
        self.calls.insert(call.msg_id, call)
    }

    /// Returns the number of running calls that the application has taken.
    pub(super) const fn taken(&self) -> usize {
        self.taken
    }

    /// Returns the memory that calls take, beside their events.
    pub(super) fn held_bytes(&self) -> usize {
        let entries = self.calls.len().saturating_mul(size_of::<Incoming>());
        let edges = self.edges.len().saturating_mul(size_of::<[MsgId; 3]>());
        self.body_bytes.saturating_add(entries).saturating_add(edges)
    }

    /// Returns `true` if a call runs.
    pub(super) fn runs(&self, msg_id: MsgId) -> bool {
        self.calls.get(msg_id).is_some_and(|call| matches!(call.state, State::Running { .. }))
    }

    /// Records that the application takes the event of a call.
    pub(super) fn take(&mut self, msg_id: MsgId) {
        if let Some(State::Running { taken, .. }) =
            self.calls.get_mut(msg_id).map(|call| &mut call.state)
        {
            self.taken = self.taken.saturating_add(usize::from(!*taken));
            *taken = true;
        }
    }

    /// Removes a running call.
    pub(crate) fn remove_running(&mut self, msg_id: MsgId) -> Option<Incoming> {
        let State::Running { taken, .. } = self.calls.get(msg_id)?.state else { return None };
        self.taken = self.taken.saturating_sub(usize::from(taken));
        self.calls.remove(msg_id)
    }

    /// Removes a waiting call and its edges.
    fn remove_waiting(&mut self, msg_id: MsgId) -> Option<(Incoming, Waiting)> {
        if matches!(self.calls.get(msg_id)?.state, State::Running { .. }) {
            return None;
        }
        let mut call = self.calls.remove(msg_id)?;
        match core::mem::replace(&mut call.state, RUNNING) {
            State::Waiting(waiting) => {
                self.body_bytes = self.body_bytes.saturating_sub(waiting.body.len());
                for before in &waiting.after {
                    self.edges.remove(&(*before, msg_id));
                }
                Some((call, *waiting))
            }
            State::Running { .. } => None,
        }
    }

    /// Removes the edges of an id; returns the calls that waited for it.
    fn take_edges(&mut self, before: MsgId) -> Vec<MsgId> {
        let all = (before, MsgId::from_raw(0))..=(before, MsgId::from_raw(u64::MAX));
        let waiters: Vec<MsgId> = self.edges.range(all).map(|(_, waiter)| *waiter).collect();
        self.without_edges(before, &waiters);
        waiters
    }

    /// Does what [`take_edges`](Self::take_edges) does without the index: returns how many edges were looked at.
    fn search_edges(&mut self, before: MsgId) -> (Vec<MsgId>, u64) {
        let looked_at = self.edges.len() as u64;
        let of = self.edges.iter().filter(|(awaited, _)| *awaited == before);
        let waiters: Vec<MsgId> = of.map(|(_, waiter)| *waiter).collect();
        self.without_edges(before, &waiters);
        (waiters, looked_at)
    }

    fn without_edges(&mut self, before: MsgId, waiters: &[MsgId]) {
        for waiter in waiters {
            self.edges.remove(&(before, *waiter));
        }
    }

    /// Counts a success of a predecessor; returns `true` if it was the last.
    fn is_released(&mut self, waiter: MsgId) -> bool {
        match self.calls.get_mut(waiter).map(|call| &mut call.state) {
            Some(State::Waiting(waiting)) => {
                waiting.open = waiting.open.saturating_sub(1);
                waiting.open == 0
            }
            _ => false,
        }
    }

    /// Marks the answer of a call as unwanted; returns `true` if the call runs, `None` if there is none.
    pub(crate) fn drop_answer(&mut self, msg_id: MsgId) -> Option<bool> {
        match &mut self.calls.get_mut(msg_id)?.state {
            State::Running { dropped, .. } => {
                *dropped = true;
                Some(true)
            }
            State::Waiting(_) => Some(false),
        }
    }

    /// Returns when the next call must be acknowledged or given up.
    pub(crate) fn next_check(&self, limits: &ServerSessionConfig) -> Option<Instant> {
        let due = |call: &Incoming| {
            call.received_at
                + match call.state {
                    State::Running { acked: false, .. } => ACK_AFTER,
                    State::Running { .. } => limits.answer_timeout,
                    State::Waiting(_) => limits.after_timeout,
                }
        };
        self.calls.iter().map(|(_, call)| due(call)).min()
    }
}

/// The state of a call that was just passed to the application.
const RUNNING: State = State::Running { acked: false, dropped: false, taken: false };

/// Look-ups and entries of a call that is passed on.
const CALL_WORK: u64 = 4;
/// Look-ups and entries of an edge.
const EDGE_WORK: u64 = 2;
/// Time after which a running call is acknowledged without waiting for its answer.
// spec: session 8.14
const ACK_AFTER: core::time::Duration = core::time::Duration::from_millis(1500);

impl ServerSession {
    /// Passes a call to the application, or lets it wait for its predecessors.
    pub(super) fn take_call(
        &mut self,
        now: Now,
        (msg_id, link): (MsgId, LinkId),
        after: &[MsgId],
        (wrappers, query): (&[u8], &[u8]),
    ) {
        let call = |state| Incoming { msg_id, link, received_at: now.mono, state };
        self.meter.charge(after.len() as u64);
        let open = match self.open_predecessors(after) {
            Ok(open) if open.is_empty() => {
                let moved = self.calls.insert(call(RUNNING));
                self.meter.charge(moved as u64);
                self.hand_over(now, (msg_id, link), (wrappers, query));
                return;
            }
            Ok(open) => open,
            Err(PredecessorFailed) => {
                return self.end_with_error(now, &call(RUNNING), &WAIT_FAILED);
            }
        };
        if self.calls.edges.len().saturating_add(open.len()) > self.config.after_edges_max {
            return self.end_with_error(now, &call(RUNNING), &WAIT_FAILED);
        }
        let mut body = self.core.buffers.take();
        body.extend_from_slice(wrappers);
        body.extend_from_slice(query);
        self.meter.charge(EDGE_WORK.saturating_mul(open.len() as u64));
        self.meter.add(Work::of_bytes(body.len()));
        self.calls.edges.extend(open.iter().map(|before| (*before, msg_id)));
        self.calls.body_bytes = self.calls.body_bytes.saturating_add(body.len());
        let (count, wrappers_len) = (open.len(), wrappers.len());
        let waiting = Waiting { after: open, open: count, body, wrappers_len };
        let moved = self.calls.insert(call(State::Waiting(Box::new(waiting))));
        self.meter.charge(moved as u64);
        self.check_by(now.mono + self.config.after_timeout);
    }

    /// Queues the event of a call that runs from now on.
    fn hand_over(
        &mut self,
        now: Now,
        (msg_id, link): (MsgId, LinkId),
        (wrappers, query): (&[u8], &[u8]),
    ) {
        self.meter.charge(CALL_WORK);
        self.meter.add(Work::of_bytes(wrappers.len().saturating_add(query.len())));
        let span = self.events.store_parts(&[wrappers, query]);
        self.events.push(Pending::Call(IncomingId::new(msg_id), link, span, wrappers.len()));
        self.check_by(now.mono + ACK_AFTER);
    }

    /// Answers a call with an error of the session.
    pub(super) fn end_with_error(&mut self, now: Now, call: &Incoming, error: &RpcError<'_>) {
        let body = mtp_tl::Encode::to_bytes(error);
        self.end_call(now, call, &body);
    }

    /// Answers a call that the application never sees.
    pub(super) fn refuse_call(
        &mut self,
        now: Now,
        (msg_id, link): (MsgId, LinkId),
        error: &RpcError<'_>,
    ) {
        let call = Incoming { msg_id, link, received_at: now.mono, state: RUNNING };
        self.end_with_error(now, &call, error);
    }

    /// Passes on the calls that waited for a message, and ends those whose predecessors failed, with all that follow.
    // spec: session 9
    pub(super) fn release(&mut self, now: Now, msg_id: MsgId, end: End) {
        if !self.calls.any_waits() {
            return;
        }
        let mut ended = VecDeque::from([(msg_id, end)]);
        while let Some((before, end)) = ended.pop_front() {
            let waiters = if self.breaks(Mutation::WaitersSearched) {
                let (waiters, looked_at) = self.calls.search_edges(before);
                self.meter.charge(looked_at);
                waiters
            } else {
                self.calls.take_edges(before)
            };
            for waiter in waiters {
                self.meter.charge(EDGE_WORK);
                if end == End::Failed {
                    if let Some((call, waiting)) = self.calls.remove_waiting(waiter) {
                        self.core.buffers.put(waiting.body);
                        let error = mtp_tl::Encode::to_bytes(&WAIT_FAILED);
                        ended.push_back((waiter, self.conclude(&call, &error)));
                    }
                } else if self.calls.is_released(waiter)
                    && let Some((mut call, waiting)) = self.calls.remove_waiting(waiter)
                {
                    call.received_at = now.mono;
                    let of = (waiter, call.link);
                    self.calls.insert(call);
                    let parts = waiting.body.split_at_checked(waiting.wrappers_len);
                    self.hand_over(now, of, parts.unwrap_or_default());
                    self.core.buffers.put(waiting.body);
                }
            }
        }
    }

    /// Acknowledges calls that run long, ends calls that run too long.
    // spec: session 13
    pub(super) fn check_calls(&mut self, now: Now) {
        let limits = &self.config;
        let (mut timed_out, mut gave_up) = (Vec::new(), Vec::new());
        for (_, call) in self.calls.calls.iter_mut() {
            let age = now.mono.saturating_since(call.received_at);
            match &mut call.state {
                State::Waiting(_) if age >= limits.after_timeout => gave_up.push(call.msg_id),
                State::Running { .. } if age >= limits.answer_timeout => {
                    timed_out.push(call.msg_id);
                }
                State::Running { acked, .. } if !*acked && age >= ACK_AFTER => {
                    *acked = true;
                    self.core.ledger.acks.push(now, call.msg_id);
                    self.core.ledger.acks.flush();
                    self.core.window.set_fate(call.msg_id, Fate::Running { acked: true });
                }
                State::Waiting(_) | State::Running { .. } => {}
            }
        }
        for msg_id in gave_up {
            if let Some((call, waiting)) = self.calls.remove_waiting(msg_id) {
                self.core.buffers.put(waiting.body);
                self.end_with_error(now, &call, &WAIT_TIMEOUT);
            }
        }
        for msg_id in timed_out {
            if let Some(call) = self.calls.remove_running(msg_id) {
                self.end_with_error(now, &call, &TIMEOUT);
                if call.is_taken() {
                    self.event(ServerSessionEvent::CallTimedOut { id: IncomingId::new(msg_id) });
                }
            }
        }
    }

    /// Returns the predecessors of a call that have not ended, each once.
    fn open_predecessors(&self, after: &[MsgId]) -> Result<Vec<MsgId>, PredecessorFailed> {
        let mut open = Vec::new();
        let after = if self.breaks(Mutation::OrderIgnored) { &[] } else { after };
        for msg_id in after {
            match self.core.window.get(*msg_id).map(|received| received.fate) {
                Some(Fate::Answered { failed: false } | Fate::Settled { failed: false }) => {}
                Some(Fate::Running { .. }) | None => open.push(*msg_id),
                Some(_) => return Err(PredecessorFailed),
            }
        }
        open.sort_unstable();
        open.dedup();
        Ok(open)
    }
}

pub(super) const WAIT_FAILED: RpcError<'static> = RpcError::new(400, "MSG_WAIT_FAILED");
const WAIT_TIMEOUT: RpcError<'static> = RpcError::new(400, "MSG_WAIT_TIMEOUT");
const TIMEOUT: RpcError<'static> = RpcError::new(-503, "Timeout");
