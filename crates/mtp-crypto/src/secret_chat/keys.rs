//! The keys of a chat and their replacement (re-keying).
//!
//! ```text
//!   A                                         B
//!   [Idle] ── request ──▶                     [Idle]
//!   [Requested]  ──── Request(id, g_a) ────▶  on_request
//!   on_accept    ◀─── Accept(id, g_b, fp) ──  [Accepted]
//!   [Idle], sends under the new key
//!                ──── Commit(id, fp) ──────▶  on_commit, or any message under the new key
//!                ◀─── Noop or anything ─────  [Idle], sends under the new key
//!   both: forget_old once no message is missing and the peer has used the new key
//! ```
//!
//! Only pass actions that were decrypted under a key of the same chat. Otherwise an attacker could
//! inject the key of one chat into another.

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use mtp_env::UnixTime;

use super::{AgreementError, accept, confirm};
use crate::auth_key::AuthKey;
use crate::exchange::{DhGroup, DhSecret};
use crate::ids::AuthKeyId;
use mtp_env::Entropy;

/// The keys of one chat: current, previous and next.
pub struct ChatKeys {
    group: DhGroup,
    current: AuthKey,
    since: UnixTime,
    uses: u32,
    old: Option<AuthKey>,
    state: State,
}

enum State {
    Idle,
    /// We requested a new key.
    Requested {
        exchange_id: i64,
        secret: Box<DhSecret>,
    },
    /// We accepted and await the commitment or a message under the new key.
    Accepted {
        exchange_id: i64,
        key: AuthKey,
    },
    /// A message under the new key arrived before the commitment.
    Overtaken {
        exchange_id: i64,
    },
}

impl ChatKeys {
    /// Creates the keys of a chat from its group and its first key.
    #[must_use]
    pub const fn new(group: DhGroup, key: AuthKey, since: UnixTime) -> Self {
        Self { group, current: key, since, uses: 0, old: None, state: State::Idle }
    }

    /// Returns the key to encrypt with.
    #[must_use]
    pub const fn current(&self) -> &AuthKey {
        &self.current
    }

    /// Returns the key of a message with this fingerprint.
    // spec: crypto 14.3
    #[must_use]
    pub fn key(&self, fingerprint: AuthKeyId) -> Option<&AuthKey> {
        let coming = match &self.state {
            State::Accepted { key, .. } => Some(key),
            _ => None,
        };
        let mut keys = [Some(&self.current), self.old.as_ref(), coming].into_iter().flatten();
        keys.find(|key| key.id() == fingerprint)
    }

    /// Counts a message sent under the current key.
    pub const fn note_sent(&mut self) {
        self.uses = self.uses.saturating_add(1);
    }

    /// Counts a message that was opened under the key with this fingerprint. If it is the next key,
    /// it becomes the current one.
    // spec: crypto 14.6
    pub fn note_received(&mut self, now: UnixTime, fingerprint: AuthKeyId) {
        self.uses = self.uses.saturating_add(1);
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Accepted { exchange_id, key } if key.id() == fingerprint => {
                self.switch(now, key);
                self.state = State::Overtaken { exchange_id };
            }
            state => self.state = state,
        }
    }

    /// Returns `true` if the key is due for replacement and no exchange is in progress.
    // spec: crypto 14.6
    #[must_use]
    pub fn wants_new_key(&self, now: UnixTime) -> bool {
        let age = now.as_nanos().saturating_sub(self.since.as_nanos());
        let is_old = u128::from(age) > KEY_AGE_MAX.as_nanos();
        let is_used = self.uses > KEY_USES_MAX || (is_old && self.uses > 0);
        is_used && matches!(self.state, State::Idle)
    }

    /// Requests a new key. Send the action under the current one.
    ///
    /// # Errors
    /// [`RekeyError::Unexpected`] if an exchange is in progress; [`RekeyError::Agreement`] if the
    /// entropy source is broken.
    // spec: crypto 14.6
    pub fn request(&mut self, entropy: &mut dyn Entropy) -> Result<KeyAction, RekeyError> {
        if !matches!(self.state, State::Idle) {
            return Err(RekeyError::Unexpected);
        }
        let secret = Box::new(self.draw(entropy)?);
        let mut id = [0; 8];
        entropy.fill(&mut id);
        let exchange_id = i64::from_le_bytes(id);
        let g_a = *secret.public();
        self.state = State::Requested { exchange_id, secret };
        Ok(KeyAction::Request { exchange_id, g_a })
    }

    /// Handles the peer's request. Postpone it while messages are missing.
    ///
    /// If both parties request a key, both silently drop the exchange with the smaller id.
    ///
    /// # Errors
    /// [`RekeyError::Agreement`] if the peer's value is rejected; answer `Abort`, or abort the chat.
    /// [`RekeyError::Unexpected`] during another exchange; abort the chat.
    // spec: crypto 14.6
    pub fn on_request(
        &mut self,
        exchange_id: i64,
        g_a: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<Option<KeyAction>, RekeyError> {
        match &self.state {
            State::Requested { exchange_id: ours, .. } if *ours > exchange_id => return Ok(None),
            State::Requested { exchange_id: ours, .. } if *ours == exchange_id => {
                self.state = State::Idle;
                return Ok(None);
            }
            State::Requested { .. } | State::Idle => self.state = State::Idle,
            State::Accepted { .. } | State::Overtaken { .. } => return Err(RekeyError::Unexpected),
        }
        let secret = self.draw(entropy)?;
        let key = accept(&secret, g_a).map_err(RekeyError::Agreement)?;
        let fingerprint = key.id();
        self.state = State::Accepted { exchange_id, key };
        Ok(Some(KeyAction::Accept { exchange_id, g_b: *secret.public(), fingerprint }))
    }

    /// Handles the peer's acceptance. Postpone it while messages are missing.
    ///
    /// Send the returned action under the [`old`](Self::old) key, and everything after it under the
    /// new one.
    ///
    /// # Errors
    /// [`RekeyError::Agreement`] if the peer's value or fingerprint is rejected; answer `Abort`, or
    /// abort the chat. [`RekeyError::Unexpected`] if no key was requested; abort the chat.
    // spec: crypto 14.6
    pub fn on_accept(
        &mut self,
        now: UnixTime,
        exchange_id: i64,
        g_b: &[u8],
        fingerprint: AuthKeyId,
    ) -> Result<KeyAction, RekeyError> {
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Requested { exchange_id: ours, secret } if ours == exchange_id => {
                let key = confirm(&secret, g_b, fingerprint).map_err(RekeyError::Agreement)?;
                self.switch(now, key);
                Ok(KeyAction::Commit { exchange_id, fingerprint })
            }
            state => {
                self.state = state;
                Err(RekeyError::Unexpected)
            }
        }
    }

    /// Handles the peer's commitment. Answer with a message under the new key, at least the returned
    /// `Noop`.
    ///
    /// # Errors
    /// [`RekeyError::Unexpected`] if it does not match the accepted exchange; abort the chat.
    // spec: crypto 14.6
    pub fn on_commit(
        &mut self,
        now: UnixTime,
        exchange_id: i64,
        fingerprint: AuthKeyId,
    ) -> Result<KeyAction, RekeyError> {
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Accepted { exchange_id: ours, key }
                if ours == exchange_id && key.id() == fingerprint =>
            {
                self.switch(now, key);
                Ok(KeyAction::Noop)
            }
            State::Overtaken { exchange_id: ours }
                if ours == exchange_id && self.current.id() == fingerprint =>
            {
                Ok(KeyAction::Noop)
            }
            state => {
                self.state = state;
                Err(RekeyError::Unexpected)
            }
        }
    }

    /// Handles the peer's abort. An unknown exchange is ignored.
    // spec: crypto 14.6
    pub fn on_abort(&mut self, exchange_id: i64) {
        match &self.state {
            State::Requested { exchange_id: ours, .. }
            | State::Accepted { exchange_id: ours, .. }
                if *ours == exchange_id =>
            {
                self.state = State::Idle;
            }
            _ => {}
        }
    }

    /// Returns the previous key, if it is still kept.
    #[must_use]
    pub const fn old(&self) -> Option<&AuthKey> {
        self.old.as_ref()
    }

    /// Wipes the previous key. Call it once no message under it is missing and the peer has used the
    /// current one.
    // spec: crypto 14.6
    pub fn forget_old(&mut self) {
        self.old = None;
    }

    fn switch(&mut self, now: UnixTime, key: AuthKey) {
        self.old = Some(core::mem::replace(&mut self.current, key));
        self.since = now;
        self.uses = 0;
    }

    fn draw(&self, entropy: &mut dyn Entropy) -> Result<DhSecret, RekeyError> {
        let secret = DhSecret::generate(&self.group, entropy);
        secret.map_err(|error| RekeyError::Agreement(AgreementError::Value(error)))
    }
}

/// Prints the ids of the keys and the name of the state.
impl fmt::Debug for ChatKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Idle => "idle",
            State::Requested { .. } => "requested",
            State::Accepted { .. } => "accepted",
            State::Overtaken { .. } => "overtaken",
        };
        f.debug_struct("ChatKeys")
            .field("current", &self.current)
            .field("old", &self.old)
            .field("uses", &self.uses)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

/// A service message to send to the peer.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "these are the protocol's actions")]
pub enum KeyAction {
    /// `decryptedMessageActionRequestKey`.
    Request {
        /// The id of the exchange.
        exchange_id: i64,
        /// The requester's public value.
        g_a: [u8; 256],
    },
    /// `decryptedMessageActionAcceptKey`.
    Accept {
        /// The id of the exchange.
        exchange_id: i64,
        /// The acceptor's public value.
        g_b: [u8; 256],
        /// The id of the new key.
        fingerprint: AuthKeyId,
    },
    /// `decryptedMessageActionCommitKey`, under the old key.
    Commit {
        /// The id of the exchange.
        exchange_id: i64,
        /// The id of the new key.
        fingerprint: AuthKeyId,
    },
    /// `decryptedMessageActionAbortKey`.
    Abort {
        /// The id of the exchange.
        exchange_id: i64,
    },
    /// `decryptedMessageActionNoop`, under the new key.
    Noop,
}

/// Omits the public values, which are long.
impl fmt::Debug for KeyAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { exchange_id, .. } => write!(f, "Request({exchange_id})"),
            Self::Accept { exchange_id, fingerprint, .. } => {
                write!(f, "Accept({exchange_id}, {fingerprint:?})")
            }
            Self::Commit { exchange_id, fingerprint } => {
                write!(f, "Commit({exchange_id}, {fingerprint:?})")
            }
            Self::Abort { exchange_id } => write!(f, "Abort({exchange_id})"),
            Self::Noop => f.write_str("Noop"),
        }
    }
}

/// Errors of re-keying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RekeyError {
    /// The two parties could not agree on a new key.
    Agreement(AgreementError),
    /// The action does not match the state of the exchange.
    Unexpected,
}

impl fmt::Display for RekeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agreement(_) => "the new key could not be agreed on",
            Self::Unexpected => "the action does not match the state of the key exchange",
        })
    }
}

impl core::error::Error for RekeyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Agreement(error) => Some(error),
            Self::Unexpected => None,
        }
    }
}

/// Messages sent and received under one key before it is due for replacement.
pub const KEY_USES_MAX: u32 = 100;

/// Age at which a used key is due for replacement.
pub const KEY_AGE_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);
