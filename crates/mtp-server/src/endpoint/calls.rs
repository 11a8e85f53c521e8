//! Between sessions and application: events out, answers, pushes and users in.

use alloc::vec::Vec;
use core::error::Error;
use core::fmt;

use mtp_crypto::AuthKeyId;
use mtp_env::Now;
use mtp_session::server::{AnswerError, PushId, ServerEvent, ServerSessionEvent, SessionName};
use mtp_session::service::Wrappers;

use super::clients::Clients;
use super::refusals::Refusal;
use super::{CallToken, Endpoint, EndpointEvent, IncomingCall, UserId};
use crate::admission::Admission;
use crate::answer::Answer;
use crate::counters::{Counters, add_one};

impl Endpoint {
    /// Returns the next event.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<EndpointEvent> {
        if let Some(refusals) = self.refusals.poll(self.now, self.refusals_every) {
            return Some(EndpointEvent::Refused(refusals));
        }
        let (clients, counters) = (&mut self.clients, &mut self.counters);
        let (admission, now) = (&mut self.admission, self.now);
        let server = self.hub.server_mut();
        loop {
            return Some(match server.poll_event()? {
                ServerEvent::KeyCreated { established } => {
                    counters.note_key(&established);
                    let maker = self.exchanges.makers.pop_front().flatten();
                    admission.key_made(now, established.key.id(), maker);
                    EndpointEvent::KeyCreated { established }
                }
                ServerEvent::KeyBound { temporary, permanent } => {
                    add_one(&mut counters.keys_bound);
                    clients.bind(temporary, permanent);
                    admission.key_used(permanent);
                    EndpointEvent::KeyBound { temporary, permanent }
                }
                ServerEvent::KeyDestroyed { key, cause } => {
                    add_one(&mut counters.keys_destroyed);
                    clients.remove_key(key);
                    admission.key_gone(now, key);
                    EndpointEvent::KeyDestroyed { key, cause }
                }
                ServerEvent::SessionNew { session, link } => {
                    add_one(&mut counters.sessions);
                    clients.open(session);
                    admission.key_used(session.key);
                    EndpointEvent::SessionOpened { session, link }
                }
                ServerEvent::SessionGone { session, cause } => {
                    add_one(&mut counters.sessions_gone);
                    clients.close(session);
                    let identity = clients.identity(session.key);
                    EndpointEvent::SessionClosed { session, identity, cause }
                }
                ServerEvent::Session { session, event } => {
                    match session_event(clients, counters, admission, session, &event) {
                        Some(event) => event,
                        None => continue,
                    }
                }
                _ => continue,
            });
        }
    }

    /// Answers a call, at once or later.
    ///
    /// # Errors
    /// [`AnswerError::Closed`]: the session is closed. [`AnswerError::UnknownCall`]: the call is answered
    /// already, by the application or with `-503 Timeout` by its session. [`AnswerError::NotAnObject`]:
    /// the body cannot be sent; the call is still open. [`AnswerError::Full`]: the session holds too much;
    /// the call is still open.
    pub fn answer(
        &mut self,
        now: Now,
        call: CallToken,
        answer: &Answer,
    ) -> Result<(), AnswerError> {
        let body = answer.to_body();
        self.hub.server_mut().answer(now, call.session, call.id, &body)?;
        self.enforce_memory(now);
        if let Answer::Error { message, .. } = answer {
            add_one(&mut self.counters.calls_failed);
            if answer.is_unknown_method() {
                add_one(&mut self.counters.calls_unknown);
                self.advance(now);
                self.refusals.note(Refusal::Call(message), None);
            }
        }
        Ok(())
    }

    /// Sends an update to a session: a boxed TL value. Its id comes back in
    /// [`EndpointEvent::PushAcked`].
    ///
    /// A session that takes no more gets `updatesTooLong` in place of its pushes.
    ///
    /// # Errors
    /// [`AnswerError::Closed`]: the session is closed. [`AnswerError::NotAnObject`]: the body cannot be
    /// sent.
    pub fn push(
        &mut self,
        now: Now,
        session: SessionName,
        body: &[u8],
    ) -> Result<PushId, AnswerError> {
        let pushed = self.hub.server_mut().push(now, session, body)?;
        add_one(&mut self.counters.updates);
        self.enforce_memory(now);
        Ok(pushed)
    }

    /// Sends an update to all sessions of a key and returns how many took it.
    ///
    /// The sessions of a permanent key are those under it and under the temporary keys bound to it,
    /// except those whose last call was wrapped in `invokeWithoutUpdates`.
    // spec: session 9
    pub fn push_to_key(&mut self, now: Now, key: AuthKeyId, body: &[u8]) -> usize {
        let sessions: Vec<_> = self.sessions_of_key(key).collect();
        self.push_to(now, &sessions, body)
    }

    /// Sends an update to all sessions of all keys of a user and returns how many took it.
    ///
    /// As [`push_to_key`](Self::push_to_key), for every key of the user.
    pub fn push_to_user(&mut self, now: Now, user: UserId, body: &[u8]) -> usize {
        let sessions: Vec<_> = self.sessions_of_user(user).collect();
        self.push_to(now, &sessions, body)
    }

    fn push_to(&mut self, now: Now, sessions: &[SessionName], body: &[u8]) -> usize {
        let open = sessions.iter().filter(|session| !self.clients.is_muted(**session));
        let open: Vec<_> = open.copied().collect();
        open.into_iter().filter(|session| self.push(now, *session, body).is_ok()).count()
    }

    /// Returns `true` if a session keeps up with its output: at most half of what may wait for
    /// acknowledgment does. `None` if the session is closed.
    ///
    /// Answers and pushes are taken in any case. A sender that can wait should wait for this: a link whose
    /// session is full is not read.
    #[must_use]
    pub fn keeps_up(&self, session: SessionName) -> Option<bool> {
        self.hub.server().keeps_up(session)
    }

    /// Sets the user of a key, or of the permanent key that it is bound to; `None` logs it out.
    ///
    /// The user stands in every later call of the key, until the key is destroyed. It is not stored: set
    /// it again after [`insert_key`](Self::insert_key).
    ///
    /// # Errors
    /// [`UnknownKey`]: there is no such key.
    pub fn set_user(&mut self, key: AuthKeyId, user: Option<UserId>) -> Result<(), UnknownKey> {
        let identity = self.clients.identity(key);
        if user.is_some() && self.hub.server().identity(identity).is_none() {
            return Err(UnknownKey(key));
        }
        self.clients.set_user(identity, user);
        Ok(())
    }

    /// Returns the user of a key, or of the permanent key that it is bound to.
    #[must_use]
    pub fn user(&self, key: AuthKeyId) -> Option<UserId> {
        self.clients.user(self.clients.identity(key))
    }

    /// Returns the permanent key behind a key: the one it is bound to, or itself.
    #[must_use]
    pub fn identity(&self, key: AuthKeyId) -> AuthKeyId {
        self.clients.identity(key)
    }

    /// Returns the keys of a user.
    pub fn keys_of_user(&self, user: UserId) -> impl Iterator<Item = AuthKeyId> {
        self.clients.keys_of(user)
    }

    /// Returns the open sessions of a key, or of the permanent key that it is bound to.
    pub fn sessions_of_key(&self, key: AuthKeyId) -> impl Iterator<Item = SessionName> {
        self.clients.sessions_of(self.clients.identity(key))
    }

    /// Returns the open sessions of a user.
    pub fn sessions_of_user(&self, user: UserId) -> impl Iterator<Item = SessionName> {
        self.clients.keys_of(user).flat_map(|key| self.clients.sessions_of(key))
    }
}

/// Makes an endpoint's event of a session's, if the application needs it.
fn session_event(
    clients: &mut Clients,
    counters: &mut Counters,
    admission: &Admission,
    session: SessionName,
    event: &ServerSessionEvent<'_>,
) -> Option<EndpointEvent> {
    let token = |id| CallToken { session, id };
    Some(match *event {
        ServerSessionEvent::Call { id, link, wrappers, query } => {
            add_one(&mut counters.calls);
            let identity = clients.identity(session.key);
            let (said, _) = Wrappers::peel(wrappers).unwrap_or_default();
            clients.mute(session, said.without_updates);
            EndpointEvent::Call(IncomingCall {
                token: token(id),
                session,
                identity,
                user: clients.user(identity),
                link,
                address: admission.address(link),
                layer: clients.layer(identity, said.layer),
                without_updates: said.without_updates,
                wrapped: wrappers.to_vec(),
                query: query.to_vec(),
            })
        }
        ServerSessionEvent::PacketCut { .. } => {
            add_one(&mut counters.packets_cut);
            return None;
        }
        ServerSessionEvent::CallDropped { id } => EndpointEvent::CallDropped { token: token(id) },
        ServerSessionEvent::CallTimedOut { id } => EndpointEvent::CallTimedOut { token: token(id) },
        ServerSessionEvent::PushAcked { id } => EndpointEvent::PushAcked { session, push: id },
        ServerSessionEvent::PushesDropped { count } => {
            EndpointEvent::PushesDropped { session, count }
        }
        _ => return None,
    })
}

/// A key that the server does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the key is all there is to say")]
pub struct UnknownKey(pub AuthKeyId);

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown key {:016x}", self.0.as_raw())
    }
}

impl Error for UnknownKey {}
