//! What the cryptography alone costs: the arithmetic of both sides and nothing else.

use core::hint::black_box;
use core::time::Duration;
use std::time::Instant;

use mtp_crypto::exchange::{DhGroup, DhSecret, Pq, RsaPrivateKey, RsaSchemes, factor};
use mtp_crypto::{
    AuthKey, CtrEntropy, Entropy, InnerHeader, MsgId, OsEntropy, Padding, Salt, SeqNo, SessionId,
    Side,
};

use super::load::CHUNK_LEN;

/// How often a second all processors could do the arithmetic.
pub(super) struct Floor {
    /// Key exchanges.
    pub(super) exchanges: f64,
    /// Calls and their answers, each alone in a packet.
    pub(super) calls: f64,
    /// Bytes downloaded.
    pub(super) download: f64,
}

impl Floor {
    pub(super) fn measure(time: Duration, processors: usize) -> anyhow::Result<Self> {
        let mut work = Work::new()?;
        let rate = |per_second: f64| per_second * super::whole(processors);
        Ok(Self {
            exchanges: rate(repeat(time, || work.exchange())?),
            calls: rate(repeat(time, || work.call(CALL_LEN, ANSWER_LEN))?),
            download: rate(repeat(time, || work.call(REQUEST_LEN, CHUNK_LEN))?)
                * super::whole(CHUNK_LEN),
        })
    }
}

struct Work {
    rsa: RsaPrivateKey,
    key: AuthKey,
    entropy: CtrEntropy,
    packet: Vec<u8>,
}

impl Work {
    fn new() -> anyhow::Result<Self> {
        let mut key = [0; AuthKey::LEN];
        OsEntropy.fill(&mut key);
        Ok(Self {
            rsa: RsaPrivateKey::generate(&mut OsEntropy)?,
            key: AuthKey::new(key)?,
            entropy: OsEntropy::seeded(),
            packet: Vec::new(),
        })
    }

    /// Both sides of one key exchange.
    fn exchange(&mut self) -> anyhow::Result<()> {
        let entropy = &mut self.entropy;
        let pq = Pq::generate(entropy);
        black_box(factor(pq.pq())?);
        let encrypted = self.rsa.public().pad_encrypt(&[7; INNER_DATA_LEN], entropy)?;
        black_box(self.rsa.decrypt(&encrypted, RsaSchemes::Current, entropy)?);
        let server = DhSecret::generate(&DhGroup::KNOWN, entropy)?;
        let client = DhSecret::generate(&DhGroup::KNOWN, entropy)?;
        black_box(server.shared(client.public())?.into_auth_key()?);
        black_box(client.shared(server.public())?.into_auth_key()?);
        Ok(())
    }

    /// A call and its answer, sealed and opened.
    fn call(&mut self, call_len: usize, answer_len: usize) -> anyhow::Result<()> {
        self.carry(Side::Client, call_len)?;
        self.carry(Side::Server, answer_len)
    }

    fn carry(&mut self, sender: Side, body_len: usize) -> anyhow::Result<()> {
        let header = InnerHeader {
            salt: Salt::from_raw(1),
            session_id: SessionId::from_raw(2),
            msg_id: MsgId::from_raw(4),
            seq_no: SeqNo::from_raw(1),
        };
        self.packet.clear();
        let start = mtp_crypto::envelope::begin(&mut self.packet, header);
        self.packet.resize(self.packet.len().saturating_add(body_len), 7);
        mtp_crypto::pad(&mut self.packet, start, Padding::Minimum, &mut self.entropy)?;
        mtp_crypto::seal(&self.key, sender, &mut self.packet)?;
        black_box(mtp_crypto::open(&self.key, sender, &mut self.packet)?);
        Ok(())
    }
}

/// Returns how often a second one processor does it.
fn repeat(time: Duration, mut once: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let started = Instant::now();
    let mut count = 0_usize;
    while count == 0 || started.elapsed() < time {
        once()?;
        count = count.saturating_add(1);
    }
    Ok(super::whole(count) / started.elapsed().as_secs_f64())
}

/// `p_q_inner_data_temp_dc`, roughly.
const INNER_DATA_LEN: usize = 140;
/// `help.getNearestDc`.
const CALL_LEN: usize = 4;
/// `rpc_result` with a `nearestDc`.
const ANSWER_LEN: usize = 28;
/// `upload.getFile`.
const REQUEST_LEN: usize = 56;
