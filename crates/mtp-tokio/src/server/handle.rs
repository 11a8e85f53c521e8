//! A handle for answers and pushes from anywhere.

use core::fmt;
use core::sync::atomic::Ordering;
use std::sync::Arc;

use mtp_crypto::AuthKeyId;
use mtp_env::Now;
use mtp_server::{Answer, CallToken, Endpoint, UnknownKey, UserId};
use mtp_session::server::{AnswerError, PushId, SessionName};

use super::shared::{Shared, State};

/// A handle to a server: answers calls later and pushes, from any task or thread. Clones are cheap.
///
/// Nothing is queued in between: a method acts on the endpoint at once, and what it holds for a session is
/// bounded by the session's configuration. For back-pressure the `async` methods wait first until the
/// session keeps up with its output; the others are for callers that cannot wait.
#[derive(Clone)]
pub struct ServerHandle {
    shared: Arc<Shared>,
}

impl ServerHandle {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Waits until the session of a call keeps up with its output, then answers the call.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub async fn answer(&self, call: CallToken, answer: &Answer) -> Result<(), AnswerError> {
        self.keeps_up(call.session()).await;
        self.answer_now(call, answer)
    }

    /// Answers a call.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub fn answer_now(&self, call: CallToken, answer: &Answer) -> Result<(), AnswerError> {
        self.with(|endpoint, now| endpoint.answer(now, call, answer))
    }

    /// Waits until a session keeps up with its output, then sends it an update: a boxed TL value.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub async fn push(&self, session: SessionName, body: &[u8]) -> Result<PushId, AnswerError> {
        self.keeps_up(session).await;
        self.push_now(session, body)
    }

    /// Sends an update to a session. A session that takes no more gets `updatesTooLong` in place of its
    /// pushes.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub fn push_now(&self, session: SessionName, body: &[u8]) -> Result<PushId, AnswerError> {
        self.with(|endpoint, now| endpoint.push(now, session, body))
    }

    /// Sends an update to all sessions of a key: see [`Endpoint::push_to_key`].
    #[expect(clippy::must_use_candidate, reason = "a push to nobody is a push")]
    pub fn push_to_key(&self, key: AuthKeyId, body: &[u8]) -> usize {
        self.with(|endpoint, now| endpoint.push_to_key(now, key, body))
    }

    /// Sends an update to all sessions of a user: see [`Endpoint::push_to_user`].
    #[expect(clippy::must_use_candidate, reason = "a push to nobody is a push")]
    pub fn push_to_user(&self, user: UserId, body: &[u8]) -> usize {
        self.with(|endpoint, now| endpoint.push_to_user(now, user, body))
    }

    /// Sets the user of a key: see [`Endpoint::set_user`].
    ///
    /// # Errors
    /// [`UnknownKey`].
    pub fn set_user(&self, key: AuthKeyId, user: Option<UserId>) -> Result<(), UnknownKey> {
        self.with(|endpoint, _| endpoint.set_user(key, user))
    }

    /// Runs something on the endpoint. It must not wait: every socket waits for it.
    pub fn with<T>(&self, verb: impl FnOnce(&mut Endpoint, Now) -> T) -> T {
        self.shared.with(None, |state: &mut State, now| verb(&mut state.endpoint, now))
    }

    /// Waits until a session keeps up with its output, or is closed.
    async fn keeps_up(&self, session: SessionName) {
        let is_behind = || self.shared.lock().endpoint.keeps_up(session) == Some(false);
        if !is_behind() {
            return;
        }
        let _waiter = Waiter::new(&self.shared);
        loop {
            let progress = self.shared.progress.notified();
            tokio::pin!(progress);
            // From here on nothing is missed.
            progress.as_mut().enable();
            if !is_behind() {
                return;
            }
            progress.await;
        }
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHandle").finish_non_exhaustive()
    }
}

/// One who waits for progress, for as long as it is kept.
struct Waiter<'a>(&'a Shared);

impl<'a> Waiter<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.waiters.fetch_add(1, Ordering::AcqRel);
        Self(shared)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.waiters.fetch_sub(1, Ordering::AcqRel);
    }
}
