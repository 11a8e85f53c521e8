//! What the cryptography alone costs: the arithmetic of both sides and nothing else.

use core::hint::black_box;
use core::time::Duration;

use mtp_crypto::exchange::{DhGroup, DhSecret, Pq, RsaPrivateKey, RsaSchemes, factor};
use mtp_crypto::{
    AuthKey, CtrEntropy, InnerHeader, MsgId, OsEntropy, Padding, Salt, SeqNo, SessionId, Side,
};
use mtp_env::Entropy;

use super::load::CHUNK_LEN;
use super::meter::Meter;
use super::process::Process;

/// Seconds of a processor that the arithmetic takes.
pub(super) struct Floor {
    /// A key exchange.
    pub(super) exchange: f64,
    /// A call and its answer, each alone in a packet.
    pub(super) call: f64,
    /// A byte downloaded.
    pub(super) byte: f64,
}

impl Floor {
    pub(super) fn measure(time: Duration) -> anyhow::Result<Self> {
        let mut work = Work::new()?;
        Ok(Self {
            exchange: repeat(time, || work.exchange())?,
            call: repeat(time, || work.call(CALL_LEN, ANSWER_LEN))?,
            byte: repeat(time, || work.call(REQUEST_LEN, CHUNK_LEN))? / super::whole(CHUNK_LEN),
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
        let start = mtp_crypto::begin(&mut self.packet, header);
        self.packet.resize(self.packet.len().saturating_add(body_len), 7);
        mtp_crypto::pad(&mut self.packet, start, Padding::Minimum, &mut self.entropy)?;
        mtp_crypto::seal(&self.key, sender, &mut self.packet)?;
        black_box(mtp_crypto::open(&self.key, sender, &mut self.packet)?);
        Ok(())
    }
}

/// Returns the seconds that a processor needs for it.
fn repeat(time: Duration, mut once: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let meter = Meter::start([Process::Own]);
    let mut count = 0_usize;
    let mut end = time;
    // Where others use the processor too, it takes longer until its time can be read off.
    while count == 0 || meter.elapsed() < end {
        once()?;
        count = count.saturating_add(1);
        if meter.elapsed() >= end && meter.is_rough() {
            end = end.saturating_add(time);
        }
    }
    let done = meter.stop(super::whole(count));
    // Where the system does not tell what was used, one thread uses one processor.
    Ok(done.cost.filter(|cost| *cost > 0.0).unwrap_or(1.0 / done.per_second))
}

/// `p_q_inner_data_temp_dc`, roughly.
const INNER_DATA_LEN: usize = 140;
/// `help.getNearestDc`.
const CALL_LEN: usize = 4;
/// `rpc_result` with a `nearestDc`.
const ANSWER_LEN: usize = 28;
/// `upload.getFile`.
const REQUEST_LEN: usize = 56;
