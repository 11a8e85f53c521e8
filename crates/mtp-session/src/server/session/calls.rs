//! Calls that are received and not yet answered.

use alloc::boxed::Box;
use alloc::vec::Vec;

use mtp_crypto::MsgId;
use mtp_env::{Instant, Now};

use super::event::Pending;
use super::{IncomingId, ServerSession, ServerSessionConfig, ServerSessionEvent};
use crate::link::LinkId;
use crate::service::RpcError;
use crate::session::Mutation;
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
    /// The application runs it.
    Running { acked: bool, dropped: bool },
    /// It waits for its predecessors.
    Waiting(Box<Waiting>),
}

/// A call that waits for its predecessors.
// spec: session 9
#[derive(Debug)]
struct Waiting {
    after: Vec<MsgId>,
    /// Wrappers and query.
    body: Vec<u8>,
    wrappers_len: usize,
}

/// The state of a call's predecessors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Succeeded,
    Failed,
    Open,
}

impl Incoming {
    pub(crate) const fn is_dropped(&self) -> bool {
        matches!(self.state, State::Running { dropped: true, .. })
    }
}

/// All unanswered calls, sorted by id.
#[derive(Debug, Default)]
pub(crate) struct Incomings {
    calls: Vec<Incoming>,
    waiting: usize,
}

impl Incomings {
    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    /// Frees unused capacity.
    pub(crate) fn trim(&mut self) {
        self.calls.shrink_to_fit();
    }

    fn position(&self, msg_id: MsgId) -> Result<usize, usize> {
        match self.calls.last() {
            Some(last) if last.msg_id < msg_id => Err(self.calls.len()),
            _ => self.calls.binary_search_by_key(&msg_id, |call| call.msg_id),
        }
    }

    /// Returns `true` if a call runs or waits.
    pub(crate) fn contains(&self, msg_id: MsgId) -> bool {
        self.position(msg_id).is_ok()
    }

    fn insert(&mut self, call: Incoming) {
        if let Err(position) = self.position(call.msg_id) {
            self.waiting =
                self.waiting.saturating_add(usize::from(matches!(call.state, State::Waiting(_))));
            self.calls.insert(position, call);
        }
    }

    /// Removes a running call.
    pub(crate) fn remove_running(&mut self, msg_id: MsgId) -> Option<Incoming> {
        let position = self.position(msg_id).ok()?;
        let call = self.calls.get(position)?;
        if matches!(call.state, State::Waiting(_)) {
            return None;
        }
        Some(self.calls.remove(position))
    }

    /// Marks the answer of a call as unwanted; returns `true` if the call runs, `None` if there is none.
    pub(crate) fn drop_answer(&mut self, msg_id: MsgId) -> Option<bool> {
        let position = self.position(msg_id).ok()?;
        match &mut self.calls.get_mut(position)?.state {
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
        self.calls.iter().map(due).min()
    }
}

/// Time after which a running call is acknowledged without waiting for its answer.
// spec: session 8.14
const ACK_AFTER: core::time::Duration = core::time::Duration::from_millis(1500);

impl ServerSession {
    /// Passes a call to the application, or lets it wait for its predecessors.
    pub(super) fn take_call(
        &mut self,
        now: Now,
        (msg_id, link): (MsgId, LinkId),
        after: Vec<MsgId>,
        (wrappers, query): (&[u8], &[u8]),
    ) {
        let call = |state| Incoming { msg_id, link, received_at: now.mono, state };
        match self.before(&after) {
            Before::Succeeded => {
                self.calls.insert(call(State::Running { acked: false, dropped: false }));
                let span = self.events.store_parts(&[wrappers, query]);
                let id = IncomingId::new(msg_id);
                let event = Pending::Call(id, link, span, wrappers.len());
                self.events.push(event);
                self.check_by(now.mono + ACK_AFTER);
            }
            Before::Failed => {
                let call = call(State::Running { acked: false, dropped: false });
                self.end_with_error(now, &call, &WAIT_FAILED);
            }
            Before::Open => {
                let mut body = self.core.buffers.take();
                body.extend_from_slice(wrappers);
                body.extend_from_slice(query);
                let waiting = Waiting { after, body, wrappers_len: wrappers.len() };
                self.calls.insert(call(State::Waiting(Box::new(waiting))));
                self.check_by(now.mono + self.config.after_timeout);
            }
        }
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
        let state = State::Running { acked: false, dropped: false };
        let call = Incoming { msg_id, link, received_at: now.mono, state };
        self.end_with_error(now, &call, error);
    }

    /// Passes on the calls whose predecessors have been answered.
    // spec: session 9
    pub(super) fn release(&mut self, now: Now) {
        if self.calls.waiting == 0 {
            return;
        }
        let ready = |call: &Incoming| match &call.state {
            State::Waiting(waiting) => self.before(&waiting.after) != Before::Open,
            State::Running { .. } => false,
        };
        let ready: Vec<MsgId> =
            self.calls.calls.iter().filter(|call| ready(call)).map(|call| call.msg_id).collect();
        for msg_id in ready {
            if let Some((call, waiting)) = self.take_waiting(msg_id) {
                let (wrappers, query) =
                    waiting.body.split_at_checked(waiting.wrappers_len).unwrap_or_default();
                // An answer given here releases further calls the same way.
                self.take_call(now, (msg_id, call.link), waiting.after, (wrappers, query));
                self.core.buffers.put(waiting.body);
            }
        }
    }

    fn take_waiting(&mut self, msg_id: MsgId) -> Option<(Incoming, Waiting)> {
        let position = self.calls.position(msg_id).ok()?;
        if matches!(self.calls.calls.get(position)?.state, State::Running { .. }) {
            return None;
        }
        let mut call = self.calls.calls.remove(position);
        self.calls.waiting = self.calls.waiting.saturating_sub(1);
        let running = State::Running { acked: false, dropped: false };
        match core::mem::replace(&mut call.state, running) {
            State::Waiting(waiting) => Some((call, *waiting)),
            State::Running { .. } => None,
        }
    }

    /// Acknowledges calls that run long, ends calls that run too long.
    // spec: session 13
    pub(super) fn check_calls(&mut self, now: Now) {
        let limits = &self.config;
        let (mut timed_out, mut gave_up) = (Vec::new(), Vec::new());
        for call in &mut self.calls.calls {
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
            if let Some((call, waiting)) = self.take_waiting(msg_id) {
                self.core.buffers.put(waiting.body);
                self.end_with_error(now, &call, &WAIT_TIMEOUT);
            }
        }
        for msg_id in timed_out {
            if let Some(call) = self.calls.remove_running(msg_id) {
                self.end_with_error(now, &call, &TIMEOUT);
                self.event(ServerSessionEvent::CallTimedOut { id: IncomingId::new(msg_id) });
            }
        }
    }

    /// Returns the state of a call's predecessors.
    fn before(&self, after: &[MsgId]) -> Before {
        let mut open = false;
        let after = if self.breaks(Mutation::OrderIgnored) { &[] } else { after };
        for msg_id in after {
            match self.core.window.get(*msg_id).map(|received| received.fate) {
                Some(Fate::Answered { failed: false } | Fate::Settled { failed: false }) => {}
                Some(Fate::Running { .. }) | None => open = true,
                Some(_) => return Before::Failed,
            }
        }
        if open { Before::Open } else { Before::Succeeded }
    }
}

const WAIT_FAILED: RpcError<'static> = RpcError::new(400, "MSG_WAIT_FAILED");
const WAIT_TIMEOUT: RpcError<'static> = RpcError::new(400, "MSG_WAIT_TIMEOUT");
const TIMEOUT: RpcError<'static> = RpcError::new(-503, "Timeout");
