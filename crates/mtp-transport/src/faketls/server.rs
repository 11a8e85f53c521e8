//! The server's layer: verifies the hello, answers it, then exchanges records.
//!
//! ```text
//!           complete and valid hello                not seen before
//!  [Hello] ─────────────────────────────▶ [Check] ─────────────────▶ answer, [Open]
//!     └─ anything else ──▶ error; ◀── replay ┘
//!                          nothing was sent: forward the bytes to the fronting site
//! ```
//!
//! The layer does not store hellos. The replay store is shared by all connections and belongs to the
//! driver.

use alloc::vec::Vec;

use mtp_env::{Entropy, Now};

use super::hello::{AcceptedHello, ClientHello};
use super::{FakeTlsError, FlightShape, HelloError, Records, ServerName, TimeWindow, flight};
use crate::layer::{Layer, Step};
use crate::replay::{ReplayKey, Seen};
use crate::secret::{Domain, SecretKey};

/// FakeTLS server configuration.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FakeTlsServerConfig {
    /// Keys and domains of the `ee` secrets, tried in this order.
    pub secrets: Vec<(SecretKey, Domain)>,
    /// Accepted difference between the clocks of client and server.
    pub window: TimeWindow,
    /// Accepted server names.
    pub server_name: ServerName,
    /// The shape of the answer.
    pub shape: FlightShape,
}

/// Server side of a FakeTLS connection.
pub(crate) struct FakeTlsServer {
    config: FakeTlsServerConfig,
    /// Whether a valid hello waits for the driver's replay check.
    check_replays: bool,
    state: State,
}

enum State {
    Hello,
    /// A valid hello that may be a replay. Its bytes are not consumed yet.
    Check {
        hello: AcceptedHello,
        consumed: usize,
        seen: Option<Seen>,
    },
    Accepted(AcceptedHello),
    Open {
        records: Records,
        secret: usize,
    },
}

impl FakeTlsServer {
    pub(crate) const fn new(config: FakeTlsServerConfig, check_replays: bool) -> Self {
        Self { config, check_replays, state: State::Hello }
    }

    /// Returns the key to look up before the client is answered.
    pub(crate) fn replay_key(&self) -> Option<ReplayKey> {
        match &self.state {
            State::Check { hello, seen: None, .. } => Some(hello.replay_key()),
            _ => None,
        }
    }

    /// Handles the result of looking up [`Self::replay_key`].
    pub(crate) fn handle_seen(&mut self, answer: Seen) {
        if let State::Check { seen: seen @ None, .. } = &mut self.state {
            *seen = Some(answer);
        }
    }

    /// Returns the index of the client's secret once the hello is verified.
    pub(crate) const fn secret(&self) -> Option<usize> {
        match &self.state {
            State::Hello => None,
            State::Check { hello, .. } | State::Accepted(hello) => Some(hello.secret()),
            State::Open { secret, .. } => Some(*secret),
        }
    }

    // spec: transport 13.4
    fn try_open(&mut self, now: Now, outer: &[u8]) -> Result<Step, FakeTlsError> {
        if matches!(self.state, State::Hello) {
            let Some(hello) = ClientHello::collect(outer)? else { return Ok(Step::Wait) };
            let FakeTlsServerConfig { secrets, window, server_name, .. } = &self.config;
            let secrets = secrets.iter().map(|(key, domain)| (key, Some(domain.as_bytes())));
            let accepted = hello.verify(secrets, now.unix, *window, *server_name)?;
            let seen = (!self.check_replays).then_some(Seen::Never);
            let consumed = hello.consumed();
            self.state = State::Check { hello: accepted, consumed, seen };
        }
        match &mut self.state {
            State::Check { seen: Some(Seen::Before), .. } => Err(HelloError::Replayed.into()),
            State::Check { hello, consumed, seen: Some(Seen::Never) } => {
                let skip = *consumed;
                self.state = State::Accepted(hello.clone());
                Ok(Step::Stream { skip, len: 0 })
            }
            State::Hello | State::Check { .. } | State::Accepted(_) => Ok(Step::Wait),
            State::Open { records, .. } => records.open(outer),
        }
    }
}

impl Layer for FakeTlsServer {
    type Error = FakeTlsError;

    fn open(&mut self, now: Now, outer: &mut [u8]) -> Result<Step, FakeTlsError> {
        self.try_open(now, outer)
    }

    fn can_send(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    fn room(&self) -> usize {
        if let State::Open { records, .. } = &self.state { records.room() } else { 0 }
    }

    fn seal(&mut self, _: Now, out: &mut Vec<u8>, start: usize, _: &mut dyn Entropy) {
        if let State::Open { records, .. } = &mut self.state {
            records.seal(out, start);
        }
    }

    fn poll_transmit(&mut self, _: Now, out: &mut Vec<u8>, entropy: &mut dyn Entropy) -> bool {
        let State::Accepted(hello) = &self.state else { return false };
        let Some((key, _)) = self.config.secrets.get(hello.secret()) else { return false };
        out.extend_from_slice(&flight::write(key, hello, &self.config.shape, entropy));
        self.state = State::Open { records: Records::server(), secret: hello.secret() };
        true
    }

    fn handle_eof(&mut self, rest: &[u8]) -> Result<(), FakeTlsError> {
        match &self.state {
            State::Hello if rest.is_empty() => Ok(()),
            State::Hello | State::Check { .. } | State::Accepted(_) => Err(FakeTlsError::Truncated),
            State::Open { records, .. } => records.handle_eof(rest),
        }
    }
}
