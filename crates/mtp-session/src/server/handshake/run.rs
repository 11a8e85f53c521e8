//! A run at the server: its states and the last query with its answer.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use mtp_crypto::exchange::{
    DhGenAnswer, NewNonceHash, Pq, RsaPrivateKey, ServerNonce, ShortNumber, first_salt,
};
use mtp_env::{Entropy, Instant, Now};
use mtp_tl::{Constructor as _, Encode as _};

use super::config::ServerHandshakeConfig;
use super::state::{AwaitGb, AwaitVerdict, Name, RunId};
use super::work::{Agree, Computed, OpenInner, Step};
use crate::established::Established;
use crate::exchange::HandshakeError;
use crate::exchange::messages::{DhGen, ReqDhParams, ResPq, SetClientDhParams};

/// New key of a run, not yet confirmed to the client.
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub struct NewKey {
    /// Run to [`decide`](super::ServerHandshake::decide).
    pub run: RunId,
    /// Key, first salt and kind.
    pub established: Established,
}

/// Decision of the key store about a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The key id is unique and the key is stored.
    Unique,
    /// The key id is taken; the client must create another key.
    Collides,
    /// The key is refused.
    Refuse,
}

pub(in crate::server) struct Run {
    pub(super) id: RunId,
    pub(super) name: Name,
    pub(super) born: Instant,
    state: State,
    /// Last handled query and its answer, once there is one.
    last_query: Vec<u8>,
    last_answer: Option<Vec<u8>>,
}

/// State of a run, with exactly what the next step needs.
enum State {
    AwaitReqDh(Pq),
    AwaitGb(Box<AwaitGb>),
    AwaitVerdict(Box<AwaitVerdict>),
    /// A job holds the next state.
    Computing,
    /// Only the last answer is kept, for repetitions.
    Done,
}

/// Result of comparing a query with the last one.
pub(super) enum Repetition {
    /// New query.
    No,
    /// Repetition of the last query, with its answer.
    Answered(Vec<u8>),
    /// Repetition of the last query, whose answer is being computed.
    Computing,
}

impl Run {
    /// Starts a run: answers the first query with a new `pq`.
    // spec: crypto 8.2
    pub(super) fn start(
        id: RunId,
        now: Now,
        nonce: [u8; 16],
        query: &[u8],
        config: &ServerHandshakeConfig,
        entropy: &mut dyn Entropy,
    ) -> (Self, Vec<u8>) {
        let server_nonce = *ServerNonce::generate(entropy).as_bytes();
        let pq = Pq::generate(entropy);
        let fingerprint = |key: &RsaPrivateKey| key.public().fingerprint().as_raw().cast_signed();
        let answer = ResPq {
            nonce,
            server_nonce,
            pq: ShortNumber::new(pq.pq()).as_bytes(),
            fingerprints: config.keys.iter().map(fingerprint).collect(),
        }
        .to_bytes();
        let run = Self {
            id,
            name: Name { nonce, server_nonce },
            born: now.mono,
            state: State::AwaitReqDh(pq),
            last_query: query.to_vec(),
            last_answer: Some(answer.clone()),
        };
        (run, answer)
    }

    /// Returns `true` if a job or the key store holds the next step, and knows the run by its link.
    pub(super) const fn is_pending(&self) -> bool {
        matches!(self.state, State::Computing | State::AwaitVerdict(_))
    }

    /// Returns the answer to the last query, once there is one.
    pub(super) fn last_answer(&self) -> Option<Vec<u8>> {
        self.last_answer.clone()
    }

    /// Returns the first answer again if the query is a repetition of the first query.
    // spec: crypto 8.2
    pub(super) fn repeat_first(&self, nonce: [u8; 16], query: &[u8]) -> Option<Vec<u8>> {
        match self.repeat(query) {
            Repetition::Answered(answer) if self.name.nonce == nonce => Some(answer),
            _ => None,
        }
    }

    /// Compares a query with the last one byte for byte.
    // spec: crypto 8.2
    pub(super) fn repeat(&self, query: &[u8]) -> Repetition {
        match &self.last_answer {
            _ if self.last_query != query => Repetition::No,
            Some(answer) => Repetition::Answered(answer.clone()),
            None => Repetition::Computing,
        }
    }

    // The order of the checks is that of their cost; the private key comes last.
    // spec: crypto 8.6, 17#11
    pub(super) fn on_req_dh(
        &self,
        msg: &ReqDhParams<'_>,
        now: Now,
        config: &Arc<ServerHandshakeConfig>,
    ) -> Result<Step, HandshakeError> {
        let State::AwaitReqDh(pq) = &self.state else {
            return Err(HandshakeError::Unexpected(ReqDhParams::ID));
        };
        let proof = (ShortNumber::read(msg.p), ShortNumber::read(msg.q));
        if proof != (Some(pq.p()), Some(pq.q())) {
            return Err(HandshakeError::WrongFactors);
        }
        let key = config
            .keys
            .iter()
            .position(|key| key.public().fingerprint().as_raw().cast_signed() == msg.fingerprint)
            .ok_or(HandshakeError::NotOffered)?;
        let len = msg.encrypted_data.len();
        let encrypted = <&[u8; 256]>::try_from(msg.encrypted_data)
            .map_err(|_| HandshakeError::EncryptedLen { len })?;
        Ok(Step::OpenInner(Box::new(OpenInner {
            name: self.name,
            pq: *pq,
            key,
            encrypted: *encrypted,
            received: now.unix,
            config: Arc::clone(config),
        })))
    }

    // spec: crypto 8.9
    pub(super) fn on_set_client_dh(
        &mut self,
        msg: &SetClientDhParams<'_>,
    ) -> Result<Step, HandshakeError> {
        match mem::replace(&mut self.state, State::Computing) {
            State::AwaitGb(run) => Ok(Step::Agree(Box::new(Agree {
                run: *run,
                encrypted: msg.encrypted_data.to_vec(),
            }))),
            _ => Err(HandshakeError::Unexpected(SetClientDhParams::ID)),
        }
    }

    /// Stores the query whose answer is being computed.
    pub(super) fn compute(&mut self, query: &[u8]) {
        self.state = State::Computing;
        self.last_query.clear();
        self.last_query.extend_from_slice(query);
        self.last_answer = None;
    }

    /// Handles the result of a job; returns the answer if there is one.
    pub(super) fn computed(
        &mut self,
        result: Result<Computed, HandshakeError>,
        retries_max: u8,
    ) -> Result<Option<Vec<u8>>, HandshakeError> {
        match (&self.state, result?) {
            (State::Computing, Computed::Params(next, answer)) => {
                self.state = State::AwaitGb(next);
                Ok(Some(self.answer(answer)))
            }
            (State::Computing, Computed::Key(next)) => {
                self.state = State::AwaitVerdict(next);
                Ok(None)
            }
            // The id zero denotes a plain message, so it counts as taken.
            // spec: crypto 8.10, 17#16
            (State::Computing, Computed::Unusable(run, aux_hash)) => {
                let outcome = collision(&run, retries_max);
                Ok(Some(self.conclude(*run, aux_hash, outcome)))
            }
            _ => Ok(None),
        }
    }

    /// Returns the new key once.
    pub(super) fn take_key(&mut self) -> Option<NewKey> {
        let State::AwaitVerdict(state) = &mut self.state else { return None };
        if mem::replace(&mut state.announced, true) {
            return None;
        }
        let established = Established {
            key: Arc::clone(&state.key),
            salt: first_salt(&state.run.new_nonce, &state.run.name.server()),
            time_offset_ns: 0,
            kind: state.run.kind,
        };
        Some(NewKey { run: self.id, established })
    }

    /// Answers the client with the decision of the key store.
    // spec: crypto 8.9, 8.10
    pub(super) fn decide(&mut self, verdict: Verdict, retries_max: u8) -> Option<Vec<u8>> {
        let state = match mem::replace(&mut self.state, State::Done) {
            State::AwaitVerdict(state) => state,
            other => {
                self.state = other;
                return None;
            }
        };
        let AwaitVerdict { run, key, .. } = *state;
        let outcome = match verdict {
            Verdict::Unique => DhGenAnswer::Ok,
            Verdict::Collides => collision(&run, retries_max),
            Verdict::Refuse => DhGenAnswer::Fail,
        };
        Some(self.conclude(run, key.aux_hash(), outcome))
    }

    /// Answers the client and, on a collision, waits for another key.
    // spec: crypto 8.10
    fn conclude(&mut self, mut run: AwaitGb, aux_hash: [u8; 8], outcome: DhGenAnswer) -> Vec<u8> {
        self.state = State::Done;
        let answer = DhGen {
            nonce: run.name.nonce,
            server_nonce: run.name.server_nonce,
            outcome,
            hash: *NewNonceHash::of_dh_gen(&run.new_nonce, outcome, aux_hash).as_bytes(),
        };
        if outcome == DhGenAnswer::Retry {
            run.retry_id = aux_hash;
            run.retries = run.retries.saturating_add(1);
            self.state = State::AwaitGb(Box::new(run));
        }
        self.answer(answer.to_bytes())
    }

    fn answer(&mut self, answer: Vec<u8>) -> Vec<u8> {
        self.last_answer = Some(answer.clone());
        answer
    }
}

/// Returns the answer to a key whose id is taken.
fn collision(run: &AwaitGb, retries_max: u8) -> DhGenAnswer {
    if run.retries < retries_max { DhGenAnswer::Retry } else { DhGenAnswer::Fail }
}

#[cfg(test)]
mod tests {
    use mtp_crypto::exchange::{DhGroup, DhSecret, NewNonce, Nonce, TmpAes};
    use mtp_crypto::{CtrEntropy, DcId};

    use super::*;
    use crate::established::KeyKind;

    // Such a key cannot be created on purpose, so the result of the job is made up.
    // spec: crypto 17#16
    #[test]
    fn key_with_id_zero_counts_as_a_collision() {
        let mut entropy = CtrEntropy::from_number(5);
        let config = ServerHandshakeConfig::new(DcId::new(2), Arc::new([]));
        let nonce = *Nonce::generate(&mut entropy).as_bytes();
        let now = Now::default();
        let id = RunId(1);
        let (mut run, _) = Run::start(id, now, nonce, b"first", &config, &mut entropy);
        let new_nonce = || NewNonce::new([7; 32]);
        for retries in 0..=config.retries_max {
            run.compute(b"query");
            let await_gb = AwaitGb {
                name: run.name,
                new_nonce: new_nonce(),
                tmp_aes: TmpAes::derive(&new_nonce(), &run.name.server()),
                secret: DhSecret::generate(&DhGroup::KNOWN, &mut entropy).unwrap(),
                retry_id: [0; 8],
                retries,
                kind: KeyKind::Permanent,
            };
            let computed = Computed::Unusable(Box::new(await_gb), [9; 8]);
            let answer = run.computed(Ok(computed), config.retries_max).unwrap().unwrap();
            let outcome = if retries < 5 { DhGenAnswer::Retry } else { DhGenAnswer::Fail };
            let proof = NewNonceHash::of_dh_gen(&new_nonce(), outcome, [9; 8]);
            assert!(answer.ends_with(proof.as_bytes()), "{retries}");
            match &run.state {
                State::AwaitGb(next) => {
                    assert_eq!((next.retry_id, next.retries), ([9; 8], retries + 1));
                }
                _ => assert_eq!(retries, 5),
            }
        }
    }
}
