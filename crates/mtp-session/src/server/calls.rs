//! Events of sessions: handled by the server itself or passed on to the embedder.

use alloc::vec::Vec;

use mtp_crypto::SessionId;
use mtp_tl::{Constructor as _, ConstructorId, Decode as _, Decoder, Encode as _};

use super::handshake::Verdict;
use super::keys::{BindRefusal, Carrier};
use super::links::Reply;
use super::session::{IncomingId, ServerSessionEvent};
use super::{KeyEnd, QueuedEvent, ServerEvent, ServerMachine, SessionEnd, SessionName};
use crate::link::Outgoing;
use crate::service::{BindTempAuthKey, RpcError};
use crate::session::KeyOutcome;

/// Handler of a session's next event.
enum Next {
    None,
    Server(Action),
    Embedder,
}

/// Action of the server on an event of a session.
enum Action {
    Bind { call: IncomingId, query: Vec<u8> },
    Refuse { call: IncomingId },
    DestroySession { id: SessionId },
    DestroyKey,
}

impl ServerMachine {
    /// Returns the next event.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<ServerEvent<'_>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(self.publish(event));
            }
            let session = *self.with_events.front()?;
            match self.peek(session) {
                Next::Server(action) => self.act(session, action),
                Next::Embedder => break,
                Next::None => self.events_drained(session),
            }
        }
        let session = *self.with_events.front()?;
        let entry = self.sessions.get_mut(&session)?;
        entry.session.poll_event().map(|event| ServerEvent::Session { session, event })
    }

    fn publish(&mut self, event: QueuedEvent) -> ServerEvent<'static> {
        match event {
            QueuedEvent::KeyCreated { link, run, established } => {
                self.decide(link, run, Verdict::Unique);
                ServerEvent::KeyCreated { established }
            }
            QueuedEvent::KeyBound { temporary, permanent } => {
                ServerEvent::KeyBound { temporary, permanent }
            }
            QueuedEvent::KeyDestroyed { key, cause } => ServerEvent::KeyDestroyed { key, cause },
            QueuedEvent::SessionNew { session, link } => ServerEvent::SessionNew { session, link },
            QueuedEvent::SessionGone { session, cause } => {
                ServerEvent::SessionGone { session, cause }
            }
        }
    }

    fn peek(&mut self, name: SessionName) -> Next {
        let is_unbound = self.keys.get(name.key).is_none_or(|key| key.role.is_unbound());
        match self.sessions.get_mut(&name).and_then(|entry| entry.session.peek_event()) {
            Some(ServerSessionEvent::Call { id, query, .. }) => peek_call(is_unbound, id, query),
            Some(ServerSessionEvent::DestroySession { session_id: id }) => {
                Next::Server(Action::DestroySession { id })
            }
            Some(ServerSessionEvent::DestroyKey) => Next::Server(Action::DestroyKey),
            Some(_) => Next::Embedder,
            None => Next::None,
        }
    }

    fn act(&mut self, name: SessionName, action: Action) {
        let now = self.now;
        let _ = self.with_session(name, |session| session.poll_event().is_some());
        match action {
            Action::Bind { call, query } => {
                let result = self.bind(name, call, &query);
                let body = match result {
                    Ok(()) => true.to_bytes(),
                    Err(refusal) => refusal.as_error().to_bytes(),
                };
                let _ = self.answer(now, name, call, &body);
            }
            Action::Refuse { call } => {
                let _ = self.answer(now, name, call, &AUTH_KEY_PERM_EMPTY.to_bytes());
            }
            Action::DestroySession { id } => {
                let other = SessionName { key: name.key, id };
                // The protocol does not define the destruction of the requesting session; it is kept.
                // spec: session 8.8
                let existed = other != name && self.end_session(other, SessionEnd::Destroyed);
                self.with_session(name, |session| session.session_destroyed(id, existed));
            }
            Action::DestroyKey => self.destroy_key(name),
        }
    }

    // spec: crypto 11.2
    fn bind(
        &mut self,
        name: SessionName,
        call: IncomingId,
        query: &[u8],
    ) -> Result<(), BindRefusal> {
        let request = BindTempAuthKey::from_bytes(query).map_err(|_| BindRefusal::Invalid)?;
        let carrier = Carrier { key: name.key, session_id: name.id, msg_id: call.msg_id() };
        let replaced = self.keys.bind(self.now.unix, carrier, &request)?;
        let (temporary, permanent) = (name.key, request.perm_auth_key_id);
        self.events.push_back(QueuedEvent::KeyBound { temporary, permanent });
        if let Some(replaced) = replaced {
            self.end_key(replaced, KeyEnd::Replaced);
        }
        Ok(())
    }

    /// Answers under the key a last time, then removes it.
    // spec: session 8.9
    fn destroy_key(&mut self, name: SessionName) {
        let links = self.sessions.get(&name).map(|entry| entry.links.clone()).unwrap_or_default();
        self.with_session(name, |session| session.key_destroyed(KeyOutcome::Destroyed));
        for link in links {
            let (mut packet, now) = (Vec::new(), self.now);
            let written = self.write_session(name, |session, entropy| {
                session.poll_transmit(now, link, &mut packet, entropy)
            });
            if let (Some(Outgoing::Packet { .. }), Some(found)) =
                (written.flatten().map(|transmit| transmit.what), self.links.get_mut(&link))
            {
                found.reply(Reply::Packet(packet));
                found.close(None);
                self.wake(link);
            }
        }
        self.end_key(name.key, KeyEnd::Destroyed);
    }

    /// Removes a session from the queue of those with events.
    fn events_drained(&mut self, name: SessionName) {
        self.with_events.pop_front();
        if let Some(entry) = self.sessions.get_mut(&name) {
            entry.is_queued = false;
        }
    }
}

fn peek_call(is_unbound: bool, call: IncomingId, query: &[u8]) -> Next {
    match Decoder::new(query).peek_id() {
        Some(BindTempAuthKey::ID) => Next::Server(Action::Bind { call, query: query.to_vec() }),
        Some(HELP_GET_CONFIG | HELP_GET_NEAREST_DC) => Next::Embedder,
        // spec: crypto 17#27
        _ if is_unbound => Next::Server(Action::Refuse { call }),
        _ => Next::Embedder,
    }
}

/// Answer to calls under an unbound temporary key.
const AUTH_KEY_PERM_EMPTY: RpcError<'static> = RpcError::new(401, "AUTH_KEY_PERM_EMPTY");

/// Allowed under an unbound temporary key.
// spec: crypto 11.1
const HELP_GET_CONFIG: ConstructorId = ConstructorId::new(0xc4f9_186b);
/// Allowed under an unbound temporary key.
const HELP_GET_NEAREST_DC: ConstructorId = ConstructorId::new(0x1fb3_3026);
