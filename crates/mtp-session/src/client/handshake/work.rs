//! The client's arithmetic as jobs that can run on another thread.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::exchange::{
    DhGroup, DhSecret, NewNonce, PrimeCache, RsaPublicKey, ShortNumber, TmpAes, factor,
};
use mtp_crypto::{AuthKey, CtrEntropy, DcId};
use mtp_env::{Entropy, UnixTime};
use mtp_tl::{Decode as _, Encode as _};

use super::state::{AwaitDhGen, AwaitDhParams, Nonces, State};
use crate::established::KeyKind;
use crate::exchange::messages::{
    ClientDhInnerData, PqInnerData, ReqDhParams, ServerDhInnerData, SetClientDhParams,
};
use crate::exchange::{HandshakeError, KeyRequest, fork};

/// Deferred arithmetic of a [`ClientHandshake`](super::ClientHandshake).
///
/// If it is dropped, the exchange ends at its deadline.
#[must_use]
pub struct ClientWork {
    step: Step,
    entropy: CtrEntropy,
    /// Number of the job, assigned by the machine to detect stale results.
    pub(crate) ticket: u32,
}

impl ClientWork {
    pub(super) fn new(step: Step, entropy: &mut dyn Entropy) -> Self {
        Self { step, entropy: fork(entropy), ticket: 0 }
    }

    /// Runs the job: milliseconds, or up to seconds for an unknown Diffie-Hellman group.
    pub fn run(mut self) -> ClientWorkDone {
        ClientWorkDone { result: self.step.run(&mut self.entropy), ticket: self.ticket }
    }
}

impl fmt::Debug for ClientWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match self.step {
            Step::Factor(_) => "Factor",
            Step::Agree(_) => "Agree",
            Step::Retry(_) => "Retry",
        };
        f.debug_struct("ClientWork").field("step", &step).finish_non_exhaustive()
    }
}

/// Result of a [`ClientWork`], for `handle_work`.
#[must_use]
pub struct ClientWorkDone {
    pub(crate) ticket: u32,
    pub(super) result: Result<(State, Vec<u8>), HandshakeError>,
}

impl fmt::Debug for ClientWorkDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientWorkDone").finish_non_exhaustive()
    }
}

/// Computation whose result is the next state and the body of the next query.
pub(super) enum Step {
    Factor(Box<Factor>),
    Agree(Box<Agree>),
    Retry(Box<AwaitDhGen>),
}

impl Step {
    pub(super) fn run(self, entropy: &mut dyn Entropy) -> Result<(State, Vec<u8>), HandshakeError> {
        match self {
            Self::Factor(step) => step.run(entropy),
            Self::Agree(step) => step.run(entropy),
            Self::Retry(state) => retry(*state, entropy),
        }
    }
}

/// Factors `pq` and encrypts the inner data.
pub(super) struct Factor {
    pub(super) nonces: Nonces,
    pub(super) pq: u64,
    pub(super) server_key: RsaPublicKey,
    pub(super) dc: DcId,
    pub(super) request: KeyRequest,
}

impl Factor {
    // spec: crypto 8.3, 8.4
    fn run(self, entropy: &mut dyn Entropy) -> Result<(State, Vec<u8>), HandshakeError> {
        let nonces = self.nonces;
        let factors = factor(self.pq)?;
        let [pq, p, q] = [factors.pq(), factors.p(), factors.q()].map(ShortNumber::new);
        let new_nonce = NewNonce::generate(entropy);
        let inner = PqInnerData {
            pq: pq.as_bytes(),
            p: p.as_bytes(),
            q: q.as_bytes(),
            nonce: *nonces.client.as_bytes(),
            server_nonce: *nonces.server.as_bytes(),
            new_nonce: new_nonce.as_bytes(),
            dc: Some(self.dc),
            request: self.request,
        };
        let encrypted_data = self.server_key.pad_encrypt(&inner.to_bytes(), entropy)?;
        let body = ReqDhParams {
            nonce: *nonces.client.as_bytes(),
            server_nonce: *nonces.server.as_bytes(),
            p: p.as_bytes(),
            q: q.as_bytes(),
            fingerprint: self.server_key.fingerprint().as_raw().cast_signed(),
            encrypted_data: &encrypted_data,
        }
        .to_bytes();
        Ok((State::AwaitDhParams(AwaitDhParams { nonces, new_nonce }), body))
    }
}

/// Decrypts and checks the server's half of the agreement and creates the client's half.
pub(super) struct Agree {
    pub(super) nonces: Nonces,
    pub(super) new_nonce: NewNonce,
    pub(super) encrypted_answer: Vec<u8>,
    pub(super) received: UnixTime,
    pub(super) request: KeyRequest,
    pub(super) media: bool,
}

impl Agree {
    // spec: crypto 8.8
    fn run(self, entropy: &mut dyn Entropy) -> Result<(State, Vec<u8>), HandshakeError> {
        let Self { nonces, new_nonce, .. } = self;
        let tmp_aes = TmpAes::derive(&new_nonce, &nonces.server);
        let plain = tmp_aes.open(&self.encrypted_answer).map_err(|_| HandshakeError::Answer)?;
        let inner = ServerDhInnerData::from_bytes(plain.as_bytes())?;
        nonces.check(inner.nonce, inner.server_nonce)?;
        let group = DhGroup::check(inner.g, inner.dh_prime, &mut PrimeCache::new(), entropy)?;
        let (key, g_b) = agree(&group, inner.g_a, entropy)?;
        let state = AwaitDhGen {
            g_a: inner.g_a.to_vec(),
            key,
            group,
            tmp_aes,
            retries: 0,
            time_offset_ns: offset_ns(inner.server_time, self.received),
            kind: kind(self.request, self.media, inner.server_time),
            nonces,
            new_nonce,
        };
        Ok(state.offer([0; 8], &g_b, entropy))
    }
}

/// Creates another key after a collision.
// spec: crypto 8.8, 8.10
fn retry(
    mut state: AwaitDhGen,
    entropy: &mut dyn Entropy,
) -> Result<(State, Vec<u8>), HandshakeError> {
    let retry_id = state.key.aux_hash();
    let (key, g_b) = agree(&state.group, &state.g_a, entropy)?;
    state.key = key;
    state.retries = state.retries.saturating_add(1);
    Ok(state.offer(retry_id, &g_b, entropy))
}

/// Draws the client's secret; returns the key and the public value.
///
/// A key with the id zero ends the exchange. The probability is negligible.
// spec: crypto 8.8, 17#9
fn agree(
    group: &DhGroup,
    g_a: &[u8],
    entropy: &mut dyn Entropy,
) -> Result<(AuthKey, [u8; 256]), HandshakeError> {
    let secret = DhSecret::generate(group, entropy)?;
    let shared = secret.shared(g_a)?;
    let key = AuthKey::new(*shared.as_bytes()).map_err(|_| HandshakeError::ZeroKeyId)?;
    Ok((key, *secret.public()))
}

impl AwaitDhGen {
    fn offer(
        self,
        retry_id: [u8; 8],
        g_b: &[u8; 256],
        entropy: &mut dyn Entropy,
    ) -> (State, Vec<u8>) {
        let (nonce, server_nonce) =
            (*self.nonces.client.as_bytes(), *self.nonces.server.as_bytes());
        let retry_id = i64::from_le_bytes(retry_id);
        let inner = ClientDhInnerData { nonce, server_nonce, retry_id, g_b };
        let encrypted_data = self.tmp_aes.seal(&inner.to_bytes(), entropy);
        let query = SetClientDhParams { nonce, server_nonce, encrypted_data: &encrypted_data };
        let body = query.to_bytes();
        (State::AwaitDhGen(Box::new(self)), body)
    }
}

/// Returns server time minus local time in nanoseconds.
fn offset_ns(server_secs: u32, local: UnixTime) -> i64 {
    let server = UnixTime::from_secs(server_secs.into()).as_nanos();
    server.wrapping_sub(local.as_nanos()).cast_signed()
}

fn kind(request: KeyRequest, media: bool, server_secs: u32) -> KeyKind {
    match request {
        KeyRequest::Permanent => KeyKind::Permanent,
        KeyRequest::Temporary { expires_in_s } => {
            let life = u64::try_from(expires_in_s).unwrap_or(0);
            let expires_at = UnixTime::from_secs(u64::from(server_secs).saturating_add(life));
            KeyKind::Temporary { expires_at, media }
        }
    }
}
