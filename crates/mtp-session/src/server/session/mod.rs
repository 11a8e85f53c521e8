//! The server's side of a session.
//!
//! ```text
//!           first packet            last link down
//!  (none) ───────────────▶ [Live] ◀───────────────▶ [Parked]
//!                            │        packet on a link │
//!                            │ store full too long     │ idle too long
//!                            └───────▶ [Gone] ◀────────┘
//! ```
//!
//! A session exists from its first acceptable packet on; before, [`gate`] answers without keeping
//! anything.

mod calls;
pub(crate) mod gate;
mod outgoing;
mod receive;
mod transmit;

use alloc::sync::Arc;
use alloc::vec::Vec;

use mtp_crypto::{MsgId, SessionId};
use mtp_env::{Deadline, Entropy, Instant, Now};
use mtp_tl::{Constructor, Encode, Output};

use self::calls::{Incoming, Incomings};
use self::outgoing::{Again, Made, Outgoing, Store};
use crate::link::LinkId;
use crate::service::{RPC_ERROR, RpcAnswerDroppedRunning, RpcError, RpcResult, UpdatesTooLong};
use crate::session::event::{Event, KeyOutcome};
use crate::session::link_state::Link;
use crate::session::reply::Reply;
use crate::session::request::{IncomingId, PushId, SendError, is_object};
use crate::session::salts::{KeySalts, ServerSalts};
use crate::session::state::Base;
use crate::session::window::Fate;

/// What a server's session has beyond the common state.
#[derive(Debug)]
pub(crate) struct ServerSide {
    salts: Arc<ServerSalts>,
    key_salts: KeySalts,
    /// Names this incarnation of the session.
    unique_id: u64,
    /// The lowest id heard of.
    first_msg_id: Option<MsgId>,
    calls: Incomings,
    store: Store,
    pushes: u64,
    /// When calls or the store must be looked at.
    check_at: Option<Instant>,
    /// Since when there is no link.
    parked_at: Option<Instant>,
    /// Since when the store is full.
    full_at: Option<Instant>,
    gone: bool,
}

impl ServerSide {
    pub(crate) fn new(
        now: Now,
        salts: Arc<ServerSalts>,
        key_salts: KeySalts,
        entropy: &mut dyn Entropy,
    ) -> Self {
        let mut unique_id = [0; 8];
        entropy.fill(&mut unique_id);
        Self {
            salts,
            key_salts,
            unique_id: u64::from_le_bytes(unique_id),
            first_msg_id: None,
            calls: Incomings::default(),
            store: Store::default(),
            pushes: 0,
            check_at: None,
            parked_at: Some(now.mono),
            full_at: None,
            gone: false,
        }
    }

    pub(crate) const fn is_gone(&self) -> bool {
        self.gone
    }

    pub(crate) fn gate(
        &self,
        now: Now,
        header: &mtp_crypto::InnerHeader,
    ) -> Result<(), gate::Refusal> {
        gate::server_gate(now, header, &self.salts, &self.key_salts)
    }

    /// Reports whether the session can take more packets.
    // spec: session 11.7
    pub(crate) fn wants_packets(&self, base: &Base) -> bool {
        self.calls.len() < base.config.server.running_max && !self.is_full(base)
    }

    fn is_full(&self, base: &Base) -> bool {
        let limits = &base.config.server;
        self.store.len() >= limits.unacked_max || self.store.bytes() >= limits.unacked_bytes_max
    }

    /// Answers a call.
    // spec: session 13
    pub(crate) fn respond(
        &mut self,
        base: &mut Base,
        now: Now,
        id: IncomingId,
        body: &[u8],
    ) -> Result<(), SendError> {
        if !is_object(body) {
            return Err(SendError::NotAnObject { len: body.len() });
        }
        let call = self.calls.remove_running(id.msg_id()).ok_or(SendError::UnknownCall)?;
        self.answer(base, now, &call, body);
        Ok(())
    }

    pub(crate) fn respond_error(
        &mut self,
        base: &mut Base,
        now: Now,
        id: IncomingId,
        error: &RpcError<'_>,
    ) -> Result<(), SendError> {
        let mut body = base.buffers.take();
        error.encode(&mut body);
        let result = self.respond(base, now, id, &body);
        base.buffers.put(body);
        result
    }

    /// Puts the answer to a call into the store; one that was dropped becomes the word that it was.
    // spec: session 8.3
    fn answer(&mut self, base: &mut Base, now: Now, call: &Incoming, body: &[u8]) {
        let failed = body.starts_with(&RPC_ERROR.get().to_le_bytes());
        if call.is_dropped() {
            let dropped = RpcAnswerDroppedRunning {}.to_bytes();
            self.keep_answer(base, call, &dropped);
            base.window.set_fate(call.msg_id, Fate::Dropped);
        } else {
            self.keep_answer(base, call, body);
            base.window.set_fate(call.msg_id, Fate::Answered { failed });
        }
        self.release(base, now);
    }

    fn keep_answer(&mut self, base: &mut Base, call: &Incoming, content: &[u8]) {
        let mut body = base.buffers.take();
        RpcResult::ID.encode(&mut body);
        body.put(&call.msg_id.to_le_bytes());
        if !base.pack(content, &mut body) {
            body.put(content);
        }
        self.store.push(Outgoing::new(body, Made::Answer(call.msg_id), Some(call.link)));
    }

    /// Sends an update.
    // spec: session 8.20
    pub(crate) fn push(
        &mut self,
        base: &mut Base,
        now: Now,
        body: &[u8],
    ) -> Result<PushId, SendError> {
        if !is_object(body) {
            return Err(SendError::NotAnObject { len: body.len() });
        }
        self.pushes = self.pushes.saturating_add(1);
        let id = PushId::new(self.pushes);
        let limits = base.config.server;
        let bytes = self.store.bytes().saturating_add(body.len());
        if self.store.len() >= limits.unacked_max || bytes > limits.unacked_bytes_max {
            let dropped = self.store.remove_pushes();
            base.events.push(Event::PushesDropped { count: dropped.saturating_add(1) });
            let too_long = UpdatesTooLong {}.to_bytes();
            self.store.push(Outgoing::new(too_long, Made::TooLong, None));
        } else {
            let mut stored = base.buffers.take();
            if !base.pack(body, &mut stored) {
                stored.put(body);
            }
            self.store.push(Outgoing::new(stored, Made::Push(id), None));
        }
        self.note_queued(base, now);
        Ok(id)
    }

    /// Answers [`Event::DestroySession`].
    // spec: session 8.8
    pub(crate) fn session_destroyed(base: &mut Base, session_id: SessionId, existed: bool) {
        if let Some(link) = base.links.latest().map(|link| link.id) {
            base.links.reply(link, Reply::SessionDestroyed { session_id, existed });
        }
    }

    /// Answers [`Event::DestroyKey`].
    // spec: session 8.9
    pub(crate) fn key_destroyed(base: &mut Base, outcome: KeyOutcome) {
        if let Some(link) = base.links.latest().map(|link| link.id) {
            base.links.reply(link, Reply::KeyDestroyed(outcome));
        }
    }

    pub(crate) fn link_up(&mut self) {
        self.parked_at = None;
    }

    /// Lets everything that went by a link go by others.
    // spec: session 13
    pub(crate) fn link_down(&mut self, base: &mut Base, now: Now) {
        let lost: Vec<MsgId> = self
            .store
            .sent
            .iter()
            .filter(|message| message.link.is_none_or(|link| base.links.get(link).is_none()))
            .map(|message| message.label.msg_id)
            .collect();
        for msg_id in lost {
            self.store.repeat(msg_id, None, Again::Announced);
        }
        if base.links.is_empty() {
            self.parked_at = Some(now.mono);
            base.trim();
            self.trim();
        }
    }

    /// Frees room that nothing fills.
    pub(crate) fn trim(&mut self) {
        self.calls.trim();
        self.store.trim();
    }

    /// Ends the session.
    pub(crate) fn close(&mut self, base: &mut Base) {
        if !core::mem::replace(&mut self.gone, true) {
            base.events.push(Event::SessionGone);
            for link in base.links.iter_mut() {
                link.closing = true;
            }
        }
    }

    pub(crate) fn handle_timeout(&mut self, base: &mut Base, now: Now) {
        if self.gone {
            return;
        }
        base.acks.handle_timeout(now, &base.config);
        if self.check_at.is_some_and(|at| at <= now.mono) {
            self.check_calls(base, now);
            let calls = self.calls.next_check(&base.config.server);
            let latest = base.links.latest().map(|link| link.id);
            let store = self.store.check(now.mono, base.config.server.repeats_max, latest);
            self.check_at = calls.into_iter().chain(store).min();
            if self.check_at.is_none() && self.store.len() == 0 {
                base.trim();
                self.trim();
            }
        }
        for link in base.links.iter_mut() {
            if link.disconnect_at.is_some_and(|at| at <= now.mono) {
                link.closing = true;
            }
        }
        self.tell_due(base, now);
        let full = self.is_full(base);
        self.full_at = full.then(|| self.full_at.unwrap_or(now.mono));
        let limits = base.config.server;
        let over = |since: Option<Instant>, keep| since.is_some_and(|at| at + keep <= now.mono);
        if over(self.parked_at, limits.idle_keep) || over(self.full_at, limits.full_max) {
            self.close(base);
        }
    }

    /// Notes on which HTTP links an answer is due: a link that cannot take it now is asked when it can, and
    /// is not to be woken for it again and again.
    fn tell_due(&self, base: &mut Base, now: Now) {
        let due = |link: &&Link| self.http_due(base, link).is_some_and(|at| at <= now.mono);
        let due: Vec<LinkId> = base.links.iter().filter(due).map(|link| link.id).collect();
        for id in due {
            if let Some(held) = base.links.get_mut(id).and_then(|link| link.held.as_mut()) {
                held.is_due = true;
            }
        }
    }

    pub(crate) fn deadline(&self, base: &Base) -> Option<Deadline> {
        if self.gone {
            return None;
        }
        let limits = &base.config.server;
        let named = |at: Option<Instant>, reason| at.map(|at| Deadline::new(at, reason));
        let mut next = Deadline::earliest(
            named(self.check_at, "calls"),
            named(self.parked_at.map(|at| at + limits.idle_keep), "idle session"),
        );
        next =
            Deadline::earliest(next, named(self.full_at.map(|at| at + limits.full_max), "store"));
        if self.parked_at.is_none() {
            next = Deadline::earliest(next, base.acks.deadline(&base.config));
        }
        for link in base.links.iter().filter(|link| !link.closing) {
            next = Deadline::earliest(next, named(link.disconnect_at, "disconnect"));
            if link.held.is_some_and(|held| !held.is_due) {
                next = Deadline::earliest(next, named(self.http_due(base, link), "http"));
            }
        }
        next
    }

    fn check_by(&mut self, at: Instant) {
        self.check_at = Some(self.check_at.map_or(at, |known| known.min(at)));
    }
}
