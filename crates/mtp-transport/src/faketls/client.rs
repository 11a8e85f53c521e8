//! The client's layer: a hello, the answer checked, then records.
//!
//! ```text
//!           hello drained             answer whole and its digest right
//!  [Start] ──────────────▶ [Asked] ─────────────────────────────────────▶ [Open]
//!                             │ anything else ──▶ error
//! ```

use alloc::vec::Vec;

use mtp_env::{Entropy, Now};

use super::{FakeTlsError, Profile, RANDOM_LEN, Records, client_hello, flight};
use crate::layer::{Layer, Step};
use crate::link::LinkError;
use crate::secret::{Domain, SecretKey};

/// Says how a client approaches a FakeTLS proxy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FakeTlsClientConfig {
    /// The secret's key.
    pub key: SecretKey,
    /// The secret's domain.
    pub domain: Domain,
    /// What the hello looks like.
    pub profile: Profile,
}

impl FakeTlsClientConfig {
    /// Builds the usual configuration from an `ee` secret's parts.
    #[must_use]
    pub const fn new(key: SecretKey, domain: Domain, profile: Profile) -> Self {
        Self { key, domain, profile }
    }
}

/// The client's half of a FakeTLS connection.
pub(crate) struct FakeTlsClient {
    config: FakeTlsClientConfig,
    state: State,
}

enum State {
    Start,
    Asked { random: [u8; RANDOM_LEN] },
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
            State::Asked { random } => {
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
    fn open(&mut self, _: Now, outer: &mut [u8]) -> Result<Step, LinkError> {
        Ok(self.try_open(outer)?)
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
        self.state = State::Asked { random };
        true
    }

    fn handle_eof(&mut self, rest: &[u8]) -> Result<(), LinkError> {
        match &self.state {
            State::Start | State::Asked { .. } => Err(FakeTlsError::Truncated.into()),
            State::Open(records) => Ok(records.handle_eof(rest)?),
        }
    }
}
