//! The way out of the sessions: what the server answers itself, and what it hands on.

use alloc::vec::Vec;

use mtp_crypto::{AuthKeyId, SessionId};
use mtp_tl::{Constructor as _, ConstructorId, Decode as _, Decoder, Encode as _};

use super::handshake::Verdict;
use super::keys::{BindRefusal, Carrier};
use super::links::Reply;
use super::session::{IncomingId, ServerSessionEvent};
use super::{Happened, KeyEnd, ServerEvent, ServerMachine, SessionEnd, SessionName};
use crate::link::Outgoing;
use crate::service::{BindTempAuthKey, RpcError};
use crate::session::KeyOutcome;

/// Whose a session's next event is.
enum Next {
    Nothing,
    Ours(Own),
    Theirs,
}

/// What the server does itself with an event of a session.
enum Own {
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
            if let Some(happened) = self.happened.pop_front() {
                return Some(self.tell(happened));
            }
            let session = *self.noisy.front()?;
            match self.peek(session) {
                Next::Ours(own) => self.act(session, own),
                Next::Theirs => break,
                Next::Nothing => self.silence(session),
            }
        }
        let session = *self.noisy.front()?;
        let entry = self.sessions.get_mut(&session)?;
        entry.session.poll_event().map(|event| ServerEvent::Session { session, event })
    }

    fn tell(&mut self, happened: Happened) -> ServerEvent<'static> {
        match happened {
            Happened::KeyCreated { link, run, established } => {
                self.decide(link, run, Verdict::Unique);
                ServerEvent::KeyCreated { established }
            }
            Happened::KeyBound { temporary, permanent } => {
                ServerEvent::KeyBound { temporary, permanent }
            }
            Happened::KeyDestroyed { key, cause } => ServerEvent::KeyDestroyed { key, cause },
            Happened::SessionNew { session, link } => ServerEvent::SessionNew { session, link },
            Happened::SessionGone { session, cause } => ServerEvent::SessionGone { session, cause },
        }
    }

    fn peek(&self, name: SessionName) -> Next {
        match self.sessions.get(&name).and_then(|entry| entry.session.peek_event()) {
            Some(ServerSessionEvent::Call { id, query, .. }) => self.peek_call(name.key, id, query),
            Some(ServerSessionEvent::DestroySession { session_id: id }) => {
                Next::Ours(Own::DestroySession { id })
            }
            Some(ServerSessionEvent::DestroyKey) => Next::Ours(Own::DestroyKey),
            Some(_) => Next::Theirs,
            None => Next::Nothing,
        }
    }

    fn peek_call(&self, key: AuthKeyId, call: IncomingId, query: &[u8]) -> Next {
        let unbound = self.keys.get(key).is_none_or(|key| key.role.is_unbound());
        match Decoder::new(query).peek_id() {
            Some(BindTempAuthKey::ID) => Next::Ours(Own::Bind { call, query: query.to_vec() }),
            Some(HELP_GET_CONFIG | HELP_GET_NEAREST_DC) => Next::Theirs,
            // spec: crypto 17#27
            _ if unbound => Next::Ours(Own::Refuse { call }),
            _ => Next::Theirs,
        }
    }

    fn act(&mut self, name: SessionName, own: Own) {
        let now = self.now;
        let _ = self.with_session(name, |session| session.poll_event().is_some());
        match own {
            Own::Bind { call, query } => {
                let result = self.bind(name, call, &query);
                let body = match result {
                    Ok(()) => true.to_bytes(),
                    Err(refusal) => refusal.as_error().to_bytes(),
                };
                let _ = self.answer(now, name, call, &body);
            }
            Own::Refuse { call } => {
                let _ = self.answer(now, name, call, &AUTH_KEY_PERM_EMPTY.to_bytes());
            }
            Own::DestroySession { id } => {
                let other = SessionName { key: name.key, id };
                // What happens to the session that asks is not defined; it stays.
                // spec: session 8.8
                let existed = other != name && self.end_session(other, SessionEnd::Destroyed);
                self.with_session(name, |session| session.session_destroyed(id, existed));
            }
            Own::DestroyKey => self.destroy_key(name),
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
        self.happened.push_back(Happened::KeyBound { temporary, permanent });
        if let Some(replaced) = replaced {
            self.end_key(replaced, KeyEnd::Replaced);
        }
        Ok(())
    }

    /// Answers with the key once more, then forgets it.
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

    /// Takes a session off the list of those with events.
    fn silence(&mut self, name: SessionName) {
        self.noisy.pop_front();
        if let Some(entry) = self.sessions.get_mut(&name) {
            entry.is_noisy = false;
        }
    }
}

/// What a call under a temporary key that is not bound yet is answered with.
const AUTH_KEY_PERM_EMPTY: RpcError<'static> = RpcError::new(401, "AUTH_KEY_PERM_EMPTY");

/// Allowed before a temporary key is bound.
// spec: crypto 11.1
const HELP_GET_CONFIG: ConstructorId = ConstructorId::new(0xc4f9_186b);
/// Allowed before a temporary key is bound.
const HELP_GET_NEAREST_DC: ConstructorId = ConstructorId::new(0x1fb3_3026);
