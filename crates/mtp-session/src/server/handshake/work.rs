//! The server's arithmetic as jobs that can run on another thread.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::exchange::{
    DhGroup, DhSecret, NewNonce, Pq, RsaPrivateKey, RsaScheme, RsaSchemes, ShortNumber, TmpAes,
};
use mtp_crypto::{AuthKey, CtrEntropy, DcId, ZeroKeyId};
use mtp_env::{Entropy, UnixTime};
use mtp_tl::{Decode as _, Encode as _};

use super::config::ServerHandshakeConfig;
use super::state::{AwaitGb, AwaitVerdict, Name, RunId};
use crate::established::KeyKind;
use crate::exchange::messages::{ClientDhInnerData, DhParamsOk, PqInnerData, ServerDhInnerData};
use crate::exchange::{HandshakeError, KeyRequest, fork};

/// Deferred arithmetic of a [`ServerHandshake`](super::ServerHandshake).
///
/// If it is dropped, its run ends at its deadline.
#[must_use]
pub struct ServerWork {
    run: RunId,
    step: Step,
    entropy: CtrEntropy,
}

impl ServerWork {
    pub(super) fn new(run: RunId, step: Step, entropy: &mut dyn Entropy) -> Self {
        Self { run, step, entropy: fork(entropy) }
    }

    /// Returns `true` if this is the first job of an exchange. Those that follow belong to exchanges whose first
    /// one was run.
    #[must_use]
    pub const fn is_first(&self) -> bool {
        matches!(self.step, Step::OpenInner(_))
    }

    /// Runs the job, which takes a few milliseconds.
    pub fn run(mut self) -> ServerWorkDone {
        let run = self.run;
        ServerWorkDone { run, result: self.step.run(&mut self.entropy) }
    }
}

impl fmt::Debug for ServerWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match self.step {
            Step::OpenInner(_) => "OpenInner",
            Step::Agree(_) => "Agree",
        };
        f.debug_struct("ServerWork").field("step", &step).finish_non_exhaustive()
    }
}

/// Result of a [`ServerWork`], for `handle_work`.
#[must_use]
pub struct ServerWorkDone {
    pub(super) run: RunId,
    pub(super) result: Result<Computed, HandshakeError>,
}

impl fmt::Debug for ServerWorkDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerWorkDone").field("run", &self.run).finish_non_exhaustive()
    }
}

/// Computation of a job.
pub(super) enum Step {
    OpenInner(Box<OpenInner>),
    Agree(Box<Agree>),
}

impl Step {
    pub(super) fn run(self, entropy: &mut dyn Entropy) -> Result<Computed, HandshakeError> {
        match self {
            Self::OpenInner(step) => step.run(entropy),
            Self::Agree(step) => step.run(),
        }
    }
}

/// Result of a computation.
pub(super) enum Computed {
    /// The server's half of the agreement and the answer that carries it.
    Params(Box<AwaitGb>, Vec<u8>),
    /// The key.
    Key(Box<AwaitVerdict>),
    /// A key with the id zero and its auxiliary hash.
    Unusable(Box<AwaitGb>, [u8; 8]),
}

/// Decrypts the client's inner data and creates the server's half of the agreement.
pub(super) struct OpenInner {
    pub(super) name: Name,
    pub(super) pq: Pq,
    pub(super) key: usize,
    pub(super) encrypted: [u8; 256],
    pub(super) received: UnixTime,
    pub(super) config: Arc<ServerHandshakeConfig>,
}

impl OpenInner {
    // spec: crypto 8.6, 8.7
    fn run(self, entropy: &mut dyn Entropy) -> Result<Computed, HandshakeError> {
        let key = self.config.keys.get(self.key).ok_or(HandshakeError::NotOffered)?;
        let (new_nonce, kind) = self.open(key, entropy)?;
        let tmp_aes = TmpAes::derive(&new_nonce, &self.name.server());
        let group = DhGroup::KNOWN;
        let secret = DhSecret::generate(&group, entropy)?;
        let inner = ServerDhInnerData {
            nonce: self.name.nonce,
            server_nonce: self.name.server_nonce,
            g: group.generator(),
            dh_prime: &group.prime(),
            g_a: secret.public(),
            server_time: wire_secs(self.received),
        };
        let encrypted_answer = tmp_aes.seal(&inner.to_bytes(), entropy);
        let answer = DhParamsOk {
            nonce: self.name.nonce,
            server_nonce: self.name.server_nonce,
            encrypted_answer: &encrypted_answer,
        };
        let body = answer.to_bytes();
        let retry_id = [0; 8];
        let next =
            AwaitGb { name: self.name, new_nonce, tmp_aes, secret, retry_id, retries: 0, kind };
        Ok(Computed::Params(Box::new(next), body))
    }

    /// Every failure except a wrong data center and a disallowed scheme is the same error, whatever the cause.
    // spec: crypto 8.11
    fn open(
        &self,
        key: &RsaPrivateKey,
        entropy: &mut dyn Entropy,
    ) -> Result<(NewNonce, KeyKind), HandshakeError> {
        let data = key
            .decrypt(&self.encrypted, RsaSchemes::CurrentAndLegacy, entropy)
            .map_err(|_| HandshakeError::InnerData)?;
        // On the wire this looks like any other violation; only our own logs may name it.
        let is_old = data.scheme() == RsaScheme::Legacy;
        if is_old && self.config.rsa_schemes == RsaSchemes::Current {
            return Err(HandshakeError::LegacyScheme);
        }
        self.check(data.as_bytes())
    }

    // spec: crypto 8.6, 17#13
    fn check(&self, data: &[u8]) -> Result<(NewNonce, KeyKind), HandshakeError> {
        let inner = PqInnerData::parse(data).map_err(|_| HandshakeError::InnerData)?;
        let read = ShortNumber::read;
        let same = read(inner.pq) == Some(self.pq.pq())
            && read(inner.p) == Some(self.pq.p())
            && read(inner.q) == Some(self.pq.q())
            && inner.nonce == self.name.nonce
            && inner.server_nonce == self.name.server_nonce;
        let kind = self.kind(inner.request, inner.dc.is_some_and(DcId::is_media));
        match (same, kind, inner.dc) {
            (true, Some(_), Some(dc)) if !self.config.dcs.contains(&dc) => {
                Err(HandshakeError::WrongDc(dc))
            }
            (true, Some(kind), _) => Ok((NewNonce::new(*inner.new_nonce), kind)),
            _ => Err(HandshakeError::InnerData),
        }
    }

    // spec: crypto 8.6, 11.1, 17#14
    fn kind(&self, request: KeyRequest, media: bool) -> Option<KeyKind> {
        match request {
            KeyRequest::Permanent => Some(KeyKind::Permanent),
            KeyRequest::Temporary { expires_in_s } => {
                let wanted = u64::try_from(expires_in_s).ok().filter(|wanted| *wanted > 0)?;
                let life = wanted.min(self.config.temporary_life_max.as_secs());
                let expires_at = UnixTime::from_secs(self.received.as_secs().saturating_add(life));
                Some(KeyKind::Temporary { expires_at, media })
            }
        }
    }
}

/// Decrypts the client's half of the agreement and computes the key.
pub(super) struct Agree {
    pub(super) run: AwaitGb,
    pub(super) encrypted: Vec<u8>,
}

impl Agree {
    // spec: crypto 8.9
    fn run(self) -> Result<Computed, HandshakeError> {
        let Self { run, encrypted } = self;
        let plain = run.tmp_aes.open(&encrypted).map_err(|_| HandshakeError::InnerData)?;
        let inner = ClientDhInnerData::from_bytes(plain.as_bytes())
            .map_err(|_| HandshakeError::InnerData)?;
        if inner.nonce != run.name.nonce
            || inner.server_nonce != run.name.server_nonce
            || inner.retry_id.to_le_bytes() != run.retry_id
        {
            return Err(HandshakeError::InnerData);
        }
        // A peer that sent 0, 1 or p − 1 would know the key without a secret. `dh_gen_fail` could not prove a key
        // either, so the run ends like any other violation.
        // spec: crypto 10.3
        let shared = run.secret.shared(inner.g_b)?;
        Ok(match AuthKey::new(*shared.as_bytes()) {
            Ok(key) => {
                let key = Arc::new(key);
                Computed::Key(Box::new(AwaitVerdict { run, key, announced: false }))
            }
            Err(ZeroKeyId { aux_hash, .. }) => Computed::Unusable(Box::new(run), aux_hash),
        })
    }
}

/// Returns Unix time in seconds as on the wire: 32 bits, unsigned until 2106.
fn wire_secs(time: UnixTime) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}
