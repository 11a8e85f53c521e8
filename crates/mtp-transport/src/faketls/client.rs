//! The client's layer: sends a hello, verifies the answer, then exchanges records.
//!
//! ```text
//!           hello drained             complete answer with the right digest
//!  [Start] ──────────────▶ [Waiting] ───────────────────────────────────▶ [Open]
//!                              │ anything else ──▶ error
//! ```

use alloc::vec::Vec;

use mtp_env::{Entropy, Now};

use super::wire::RANDOM_LEN;
use super::{FakeTlsError, Profile, Records, client_hello, flight};
use crate::layer::{Layer, Step};
use crate::secret::{Domain, SecretKey};

/// FakeTLS client configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FakeTlsClientConfig {
    /// The secret's key.
    pub key: SecretKey,
    /// The secret's domain.
    pub domain: Domain,
    /// The template of the hello.
    pub profile: Profile,
}

impl FakeTlsClientConfig {
    /// Returns the configuration for the parts of an `ee` secret.
    #[must_use]
    pub const fn new(key: SecretKey, domain: Domain, profile: Profile) -> Self {
        Self { key, domain, profile }
    }
}

/// Client side of a FakeTLS connection.
pub(crate) struct FakeTlsClient {
    config: FakeTlsClientConfig,
    state: State,
}

enum State {
    Start,
    Waiting { random: [u8; RANDOM_LEN] },
    Open(Records),
}

impl FakeTlsClient {
    pub(crate) const fn new(config: FakeTlsClientConfig) -> Self {
        Self { config, state: State::Start }
    }

    // spec: transport 13.3
    fn try_open(&mut self, outer: &[u8]) -> Result<Step, FakeTlsError> {
        match &mut self.state {
            State::Start => Err(FakeTlsError::Answer),
            State::Waiting { random } => {
                let Some(len) = flight::check(&self.config.key, random, outer)? else {
                    return Ok(Step::Wait);
                };
                self.state = State::Open(Records::client());
                Ok(Step::Stream { skip: len, len: 0 })
            }
            State::Open(records) => records.open(outer),
        }
    }
}

impl Layer for FakeTlsClient {
    type Error = FakeTlsError;

    fn open(&mut self, _: Now, outer: &mut [u8]) -> Result<Step, FakeTlsError> {
        self.try_open(outer)
    }

    fn can_send(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    fn room(&self) -> usize {
        if let State::Open(records) = &self.state { records.room() } else { 0 }
    }

    fn seal(&mut self, _: Now, out: &mut Vec<u8>, start: usize, _: &mut dyn Entropy) {
        if let State::Open(records) = &mut self.state {
            records.seal(out, start);
        }
    }

    fn poll_transmit(&mut self, now: Now, out: &mut Vec<u8>, entropy: &mut dyn Entropy) -> bool {
        let State::Start = self.state else { return false };
        let FakeTlsClientConfig { key, domain, profile } = &self.config;
        let mut hello = client_hello::write(profile, domain, entropy);
        let random = client_hello::sign(&mut hello, key, now.unix);
        out.extend_from_slice(&hello);
        self.state = State::Waiting { random };
        true
    }

    fn handle_eof(&mut self, rest: &[u8]) -> Result<(), FakeTlsError> {
        match &self.state {
            State::Start | State::Waiting { .. } => Err(FakeTlsError::Truncated),
            State::Open(records) => records.handle_eof(rest),
        }
    }
}
