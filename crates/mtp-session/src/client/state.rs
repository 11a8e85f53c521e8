//! Saved state of a client.
//!
//! ```text
//!   version u32 = 2 | what u32: 1 permanent key, 2 bound temporary key
//!   for each:  secret 256 | salt u64 | offset_ns i64 | kind u32 | expires_at_ns u64
//!   the session, to the end
//! ```
//!
//! All numbers are little-endian. The session and its open calls continue under its key. If that key has expired, a new
//! session repeats the calls. The saved state is as secret as the keys in it.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use mtp_env::{Entropy, Now};
use mtp_tl::{DecodeError, Decoder, Encode as _, Output as _};
use zeroize::Zeroizing;

use super::session::{ClientSession, SessionResumeError};
use super::traffic::Traffic;
use super::{ClientConfig, ClientMachine, Secrecy};
use crate::established::Established;

impl ClientMachine {
    /// Returns the state to keep across a restart.
    ///
    /// It includes open calls, which keep their ids, and leaves out unconfirmed keys, which are cheap to create again.
    /// Any further use of the client makes it stale: save last, then drop the client.
    #[must_use]
    pub fn save(&self) -> Zeroizing<Vec<u8>> {
        let permanent = self.permanent_key();
        let temporary = match &self.traffic {
            Traffic::Ready { key, .. } if key.kind.is_temporary() => Some(key),
            _ => None,
        };
        let what = permanent.map_or(0, |_| HAS_PERMANENT) | temporary.map_or(0, |_| HAS_TEMPORARY);
        let session = Zeroizing::new(self.session.save(self.now));
        // A single allocation, so that no partial copy of a key is left behind.
        let len = KEYS_LEN_MAX.saturating_add(session.len());
        let mut out = Zeroizing::new(Vec::with_capacity(len));
        let to: &mut Vec<u8> = &mut out;
        VERSION.encode(to);
        what.encode(to);
        for key in [permanent, temporary].into_iter().flatten() {
            key.put(to);
        }
        to.put(&session);
        out
    }

    /// Resumes a client from its [`save`](Self::save)d state.
    ///
    /// An expired temporary key is dropped, and open calls are resent under the next one.
    ///
    /// # Errors
    ///
    /// [`ResumeError`] if the bytes are not a saved state.
    pub fn resume(
        config: ClientConfig,
        now: Now,
        saved: &[u8],
        mut entropy: Box<dyn Entropy + Send>,
    ) -> Result<Self, ResumeError> {
        let mut d = Decoder::new(saved);
        let version: u32 = d.read()?;
        if version != VERSION {
            return Err(ResumeError::Version { version });
        }
        let what: u32 = d.read()?;
        let mut read = |flag: u32| (what & flag != 0).then(|| read_key(&mut d)).transpose();
        let (permanent, temporary) = (read(HAS_PERMANENT)?, read(HAS_TEMPORARY)?);
        let session_config = Arc::new(config.session.clone());
        let session = ClientSession::resume(now, d.take_rest(), session_config, &mut entropy)?;
        let mut client = Self::with_session(config, now, permanent, session, entropy);
        if let Some(key) = temporary {
            client.resume_temporary(key);
        }
        Ok(client)
    }

    /// Continues with a temporary key that is already bound.
    fn resume_temporary(&mut self, key: Established) {
        let has_identity =
            self.permanent.is_some() || matches!(self.config.secrecy, Secrecy::Anonymous { .. });
        if self.config.secrecy != Secrecy::Off && has_identity && !self.is_over(&key) {
            self.session.set_key(self.now, &key);
            self.session.set_bound();
            self.become_ready(key);
        }
    }
}

/// Errors of [`ClientMachine::resume`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResumeError {
    /// The saved state has an unknown version.
    Version {
        /// The version.
        version: u32,
    },
    /// The saved state is truncated.
    Malformed(DecodeError),
    /// A saved key is invalid.
    Key,
    /// The saved session is invalid.
    Session(SessionResumeError),
}

impl fmt::Display for ResumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { version } => write!(f, "saved state has unknown version {version}"),
            Self::Malformed(_) => f.write_str("saved state is truncated"),
            Self::Key => f.write_str("saved state holds an invalid key"),
            Self::Session(_) => f.write_str("saved state holds an invalid session"),
        }
    }
}

impl core::error::Error for ResumeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::Session(error) => Some(error),
            Self::Version { .. } | Self::Key => None,
        }
    }
}

impl From<DecodeError> for ResumeError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl From<SessionResumeError> for ResumeError {
    fn from(error: SessionResumeError) -> Self {
        Self::Session(error)
    }
}

fn read_key(d: &mut Decoder<'_>) -> Result<Established, ResumeError> {
    Established::read(d)?.ok_or(ResumeError::Key)
}

const VERSION: u32 = 2;
const HAS_PERMANENT: u32 = 1;
const HAS_TEMPORARY: u32 = 2;
const KEYS_LEN_MAX: usize = 4 + 4 + 2 * Established::LEN;
