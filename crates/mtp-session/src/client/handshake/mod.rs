//! Client side of a key exchange.
//!
//! ```text
//!            res_pq             dh_params_ok           dh_gen_ok
//! [AwaitPq] ────────▶ [AwaitDhParams] ───────▶ [AwaitDhGen] ───────▶ [Done]
//!                                                  │  ▲
//!                                                  └──┘ dh_gen_retry (at most retries_max)
//!  any state ── violation or deadline ──▶ [Failed]
//! ```
//!
//! Each transition runs a [`ClientWork`]: milliseconds of arithmetic, run at once or where the driver chooses.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::mem;

use mtp_crypto::MsgIdKind;
use mtp_crypto::exchange::{
    DhGenAnswer, Fingerprint, NewNonceHash, Nonce, RsaPublicKey, ServerNonce, ShortNumber,
    first_salt,
};
use mtp_env::{Deadline, Entropy, Instant, Now};
use mtp_tl::Encode as _;

mod config;
mod state;
mod work;

pub use config::ClientHandshakeConfig;
pub use work::{ClientWork, ClientWorkDone};

use crate::established::Established;
use crate::exchange::messages::{Answer, DhGen, DhParamsFail, DhParamsOk, ReqPqMulti, ResPq};
use crate::exchange::plain::{open_plain, seal_plain};
use crate::exchange::{Arithmetic, HandshakeError};
use crate::link::{AfterSend, Outgoing, Transmit};
use crate::session::msg_id::MsgIdGenerator;
use state::{AwaitDhGen, AwaitDhParams, AwaitPq, Nonces, State};
use work::Step;

/// Key exchange of a client, from the first query to an [`Established`] key.
///
/// It does not retransmit and does not restart: the owner drops a failed exchange and starts a new one, after a pause of
/// its choice.
///
/// After each call of `handle_packet` or `handle_work`, poll for work and for packets.
pub struct ClientHandshake {
    config: ClientHandshakeConfig,
    state: State,
    entropy: Box<dyn Entropy + Send>,
    work: Option<ClientWork>,
    /// Body of the next query.
    outgoing: Option<Vec<u8>>,
    /// Last handled answer, to detect its repetition.
    last_answer: Vec<u8>,
    ids: MsgIdGenerator,
    deadline: Option<Instant>,
}

impl ClientHandshake {
    /// Starts an exchange: draws its nonce and prepares the first query.
    #[must_use]
    pub fn new(config: ClientHandshakeConfig, mut entropy: Box<dyn Entropy + Send>) -> Self {
        let nonce = Nonce::generate(&mut entropy);
        Self {
            config,
            state: State::AwaitPq(AwaitPq { nonce }),
            entropy,
            work: None,
            outgoing: Some(ReqPqMulti { nonce: *nonce.as_bytes() }.to_bytes()),
            last_answer: Vec::new(),
            ids: MsgIdGenerator::default(),
            deadline: None,
        }
    }

    /// Handles a plain packet from the server.
    ///
    /// A repetition of the last answer is ignored, as is any packet after the end of the exchange or while a job is
    /// pending.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`]; every error ends the exchange. Close the link.
    pub fn handle_packet(&mut self, now: Now, packet: &[u8]) -> Result<(), HandshakeError> {
        self.handle_timeout(now);
        if matches!(self.state, State::Computing | State::Done(_) | State::Failed(_)) {
            return Ok(());
        }
        let result = self.handle_answer(now, packet);
        if let Err(error) = result {
            self.fail(error);
        }
        result
    }

    /// Appends the next packet to `out`, if there is one.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Now, out: &mut Vec<u8>) -> Option<Transmit> {
        let body = self.outgoing.take()?;
        self.deadline.get_or_insert(now.mono + self.config.lifetime);
        seal_plain(out, self.ids.next(now.unix, MsgIdKind::Client), &body);
        Some(Transmit { what: Outgoing::Packet { quick_ack: None }, then: AfterSend::Keep })
    }

    /// Returns the pending job, if the configuration defers arithmetic.
    #[must_use]
    pub fn poll_work(&mut self) -> Option<ClientWork> {
        self.work.take()
    }

    /// Handles the result of a job.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`] as of [`handle_packet`](Self::handle_packet).
    pub fn handle_work(&mut self, now: Now, done: ClientWorkDone) -> Result<(), HandshakeError> {
        self.handle_timeout(now);
        if !matches!(self.state, State::Computing) {
            return Ok(());
        }
        match done.result {
            Ok((state, body)) => {
                self.state = state;
                self.outgoing = Some(body);
                Ok(())
            }
            Err(error) => {
                self.fail(error);
                Err(error)
            }
        }
    }

    /// Returns the deadline of the exchange.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        match self.state {
            State::Done(_) | State::Failed(_) => None,
            _ => self.deadline.map(|at| Deadline::new(at, "key exchange")),
        }
    }

    /// Fails the exchange if its deadline has passed.
    // spec: crypto 8.11
    pub fn handle_timeout(&mut self, now: Now) {
        if self.poll_timeout().is_some_and(|deadline| deadline.is_due(now)) {
            self.fail(HandshakeError::Deadline);
        }
    }

    /// Returns `true` if the key is established.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.state, State::Done(_))
    }

    /// Returns the error that ended the exchange.
    #[must_use]
    pub const fn failure(&self) -> Option<HandshakeError> {
        match self.state {
            State::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Returns the key, or the exchange if it is not done.
    ///
    /// # Errors
    ///
    /// The exchange itself.
    pub fn finish(self) -> Result<Established, Box<Self>> {
        match self.state {
            State::Done(established) => Ok(*established),
            _ => Err(Box::new(self)),
        }
    }

    fn handle_answer(&mut self, now: Now, packet: &[u8]) -> Result<(), HandshakeError> {
        let body = open_plain(packet)?;
        // spec: crypto 8.2
        if body == self.last_answer {
            return Ok(());
        }
        let answer = Answer::parse(body)?;
        let id = answer.id();
        let next = match (mem::replace(&mut self.state, State::Computing), answer) {
            (State::AwaitPq(state), Answer::ResPq(msg)) => state.on_res_pq(&msg, &self.config),
            (State::AwaitDhParams(state), Answer::DhParamsOk(msg)) => {
                state.on_ok(&msg, now, &self.config)
            }
            (State::AwaitDhParams(state), Answer::DhParamsFail(msg)) => Err(state.on_fail(&msg)),
            (State::AwaitDhGen(state), answer) => match answer.as_dh_gen() {
                Some(msg) => state.on_dh_gen(&msg, &self.config),
                None => Err(HandshakeError::Unexpected(id)),
            },
            _ => Err(HandshakeError::Unexpected(id)),
        }?;
        self.last_answer.clear();
        self.last_answer.extend_from_slice(body);
        match next {
            Next::Compute(step) => self.compute(now, step),
            Next::Done(established) => {
                self.state = State::Done(established);
                Ok(())
            }
        }
    }

    fn compute(&mut self, now: Now, step: Step) -> Result<(), HandshakeError> {
        self.state = State::Computing;
        match self.config.arithmetic {
            Arithmetic::Inline => {
                let result = step.run(&mut self.entropy);
                self.handle_work(now, ClientWorkDone { result, ticket: 0 })
            }
            Arithmetic::Deferred => {
                self.work = Some(ClientWork::new(step, &mut self.entropy));
                Ok(())
            }
        }
    }

    fn fail(&mut self, error: HandshakeError) {
        self.state = State::Failed(error);
        self.work = None;
        self.outgoing = None;
    }
}

impl fmt::Debug for ClientHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::AwaitPq(_) => "AwaitPq",
            State::AwaitDhParams(_) => "AwaitDhParams",
            State::AwaitDhGen(_) => "AwaitDhGen",
            State::Computing => "Computing",
            State::Done(_) => "Done",
            State::Failed(_) => "Failed",
        };
        f.debug_struct("ClientHandshake").field("state", &state).finish_non_exhaustive()
    }
}

/// Next step after a valid answer.
enum Next {
    Compute(Step),
    Done(Box<Established>),
}

impl AwaitPq {
    // spec: crypto 8.3
    fn on_res_pq(
        self,
        msg: &ResPq<'_>,
        config: &ClientHandshakeConfig,
    ) -> Result<Next, HandshakeError> {
        let nonces = Nonces { client: self.nonce, server: ServerNonce::new(msg.server_nonce) };
        nonces.check(msg.nonce, msg.server_nonce)?;
        Ok(Next::Compute(Step::Factor(Box::new(work::Factor {
            nonces,
            pq: ShortNumber::read(msg.pq).ok_or(HandshakeError::PqLen { len: msg.pq.len() })?,
            server_key: choose_key(&msg.fingerprints, &config.server_keys)?,
            dc: config.dc,
            request: config.request,
        }))))
    }
}

/// Returns the first offered key that the client trusts.
// spec: crypto 8.3, 17#2
fn choose_key(offered: &[i64], known: &[RsaPublicKey]) -> Result<RsaPublicKey, HandshakeError> {
    offered
        .iter()
        .map(|number| Fingerprint::from_raw(number.cast_unsigned()))
        .find_map(|offered| known.iter().find(|key| key.fingerprint() == offered))
        .cloned()
        .ok_or(HandshakeError::UnknownFingerprint)
}

impl AwaitDhParams {
    // spec: crypto 8.8
    fn on_ok(
        self,
        msg: &DhParamsOk<'_>,
        now: Now,
        config: &ClientHandshakeConfig,
    ) -> Result<Next, HandshakeError> {
        self.nonces.check(msg.nonce, msg.server_nonce)?;
        Ok(Next::Compute(Step::Agree(Box::new(work::Agree {
            nonces: self.nonces,
            new_nonce: self.new_nonce,
            encrypted_answer: msg.encrypted_answer.to_vec(),
            received: now.unix,
            request: config.request,
            media: config.dc.is_media(),
        }))))
    }

    /// Current servers do not send this. The exchange fails in any case.
    // spec: crypto 8.6
    fn on_fail(self, msg: &DhParamsFail) -> HandshakeError {
        match self.nonces.check(msg.nonce, msg.server_nonce) {
            Ok(()) if NewNonceHash::of_params_fail(&self.new_nonce).matches(&msg.hash) => {
                HandshakeError::Refused
            }
            Ok(()) => HandshakeError::KeyHash,
            Err(error) => error,
        }
    }
}

impl AwaitDhGen {
    // spec: crypto 8.10
    fn on_dh_gen(
        self: Box<Self>,
        msg: &DhGen,
        config: &ClientHandshakeConfig,
    ) -> Result<Next, HandshakeError> {
        self.nonces.check(msg.nonce, msg.server_nonce)?;
        let proof = NewNonceHash::of_dh_gen(&self.new_nonce, msg.outcome, self.key.aux_hash());
        if !proof.matches(&msg.hash) {
            return Err(HandshakeError::KeyHash);
        }
        match msg.outcome {
            DhGenAnswer::Ok => Ok(Next::Done(Box::new(self.establish()))),
            DhGenAnswer::Retry if self.retries < config.retries_max => {
                Ok(Next::Compute(Step::Retry(self)))
            }
            DhGenAnswer::Retry => Err(HandshakeError::Retries),
            DhGenAnswer::Fail => Err(HandshakeError::Refused),
        }
    }

    fn establish(self) -> Established {
        Established {
            salt: first_salt(&self.new_nonce, &self.nonces.server),
            key: Arc::new(self.key),
            time_offset_ns: self.time_offset_ns,
            kind: self.kind,
        }
    }
}
