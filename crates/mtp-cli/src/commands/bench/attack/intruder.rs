//! An attacker's connection: packets as it likes them, read or not.

use core::net::{IpAddr, SocketAddr};
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::io::ErrorKind;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use mtp_crypto::{
    CtrEntropy, InnerHeader, MsgId, OsEntropy, Padding, Salt, SeqNo, SessionId, Side,
};
use mtp_env::{Entropy, UnixTime};
use mtp_session::client::{ClientHandshake, ClientHandshakeConfig};
use mtp_session::established::Established;
use mtp_session::exchange::KeyRequest;
use mtp_tokio::Clock;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::bodies::{self, Item};
use super::victim::Victim;
use crate::api::Api;
use crate::commands::bench::center::DC;

/// A connection, its key and its session.
pub(super) struct Intruder {
    stream: TcpStream,
    pub(super) key: Option<Arc<Established>>,
    salt: Salt,
    pub(super) session: SessionId,
    last_id: u64,
    contents: u32,
    entropy: CtrEntropy,
    /// Bytes written by all.
    pub(super) sent: Arc<AtomicU64>,
}

impl Intruder {
    /// Connects from an address.
    pub(super) async fn connect(
        victim: SocketAddr,
        from: IpAddr,
        sent: &Arc<AtomicU64>,
    ) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // Where loopback has one address only, all have the same.
        let _ = socket.bind(SocketAddr::new(from, 0));
        // A reset at the end: no port is left behind in TIME_WAIT.
        socket.set_zero_linger()?;
        let mut stream = timeout(PATIENCE, socket.connect(victim)).await??;
        stream.set_nodelay(true)?;
        stream.write_all(&INTERMEDIATE).await?;
        let mut intruder = Self {
            stream,
            key: None,
            salt: Salt::from_raw(0),
            session: SessionId::from_raw(0),
            last_id: 0,
            contents: 0,
            entropy: OsEntropy::seeded(),
            sent: sent.clone(),
        };
        intruder.session = SessionId::from_raw(intruder.random());
        Ok(intruder)
    }

    /// Connects, makes a key and learns the salt.
    pub(super) async fn with_key(
        victim: &Victim,
        from: IpAddr,
        sent: &Arc<AtomicU64>,
    ) -> anyhow::Result<Self> {
        let mut intruder = Self::connect(victim.address, from, sent).await?;
        intruder.exchange(victim).await?;
        intruder.ping().await?;
        Ok(intruder)
    }

    /// Opens one more connection with the same key, in a session of its own.
    pub(super) async fn twin(&self, victim: SocketAddr, from: IpAddr) -> anyhow::Result<Self> {
        let mut twin = Self::connect(victim, from, &self.sent).await?;
        (twin.key, twin.salt) = (self.key.clone(), self.salt);
        Ok(twin)
    }

    /// Makes a key.
    pub(super) async fn exchange(&mut self, victim: &Victim) -> anyhow::Result<()> {
        let config =
            ClientHandshakeConfig::new(DC, KeyRequest::Permanent, [victim.key.clone()].into());
        let mut handshake = ClientHandshake::new(config, Box::new(OsEntropy::seeded()));
        let clock = Clock::start();
        while !handshake.is_done() {
            let mut packet = Vec::new();
            if handshake.poll_transmit(clock.now(), &mut packet).is_some() {
                self.send(&packet).await?;
            }
            let answer = self.receive(PATIENCE).await?;
            handshake.handle_packet(clock.now(), &answer)?;
        }
        let key = handshake.finish().map_err(|_| anyhow!("the exchange is not done"))?;
        self.salt = key.salt;
        self.key = Some(Arc::new(key));
        Ok(())
    }

    /// Returns the next message id.
    pub(super) fn next_id(&mut self) -> u64 {
        let now = Clock::start().now().unix;
        self.last_id = id_of(now).max(self.last_id.saturating_add(4));
        self.last_id
    }

    /// Returns the next sequence number of a message that wants an answer.
    pub(super) fn next_seq(&mut self) -> u32 {
        let seq = self.contents.saturating_mul(2).saturating_add(1);
        self.contents = self.contents.saturating_add(1);
        seq
    }

    /// Returns messages with ids and numbers in a row.
    pub(super) fn items(&mut self, bodies: impl IntoIterator<Item = Vec<u8>>) -> Vec<Item> {
        bodies
            .into_iter()
            .map(|body| Item { msg_id: self.next_id(), seq_no: self.next_seq(), body })
            .collect()
    }

    /// Seals a message that is no content, in the session.
    pub(super) fn seal_plain(&mut self, body: &[u8]) -> anyhow::Result<Vec<u8>> {
        let item = Item {
            msg_id: self.next_id(),
            seq_no: self.contents.saturating_mul(2),
            body: body.to_vec(),
        };
        self.seal(&item)
    }

    /// Seals a packet of a packed container.
    pub(super) fn seal_packed(&mut self, items: &[Item]) -> anyhow::Result<Vec<u8>> {
        let packed = bodies::gzip_packed(&bodies::container(items))?;
        self.seal_plain(&packed)
    }

    pub(super) fn seal(&mut self, item: &Item) -> anyhow::Result<Vec<u8>> {
        let key = self.key.clone().context("no key")?;
        let header = InnerHeader {
            salt: self.salt,
            session_id: self.session,
            msg_id: MsgId::from_raw(item.msg_id),
            seq_no: SeqNo::from_le_bytes(item.seq_no.to_le_bytes()),
        };
        let mut packet = Vec::new();
        let start = mtp_crypto::begin(&mut packet, header);
        packet.extend(&item.body);
        mtp_crypto::pad(&mut packet, start, Padding::Minimum, &mut self.entropy)?;
        mtp_crypto::seal(&key.key, Side::Client, &mut packet)?;
        Ok(packet)
    }

    /// Sends a packet.
    pub(super) async fn send(&mut self, packet: &[u8]) -> anyhow::Result<()> {
        self.send_raw(&frame(packet)).await
    }

    /// Sends bytes without a frame.
    pub(super) async fn send_raw(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.context("not read")??;
        self.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Sends what the socket takes at once; returns `true` if that was all.
    pub(super) async fn offer(&mut self, packet: &[u8], limit: Duration) -> bool {
        let frame = frame(packet);
        let outcome = timeout(limit, self.stream.write_all(&frame)).await;
        // Of what was taken only in part nobody knows how much.
        self.sent.fetch_add(frame.len() as u64, Ordering::Relaxed);
        matches!(outcome, Ok(Ok(())))
    }

    /// Receives a packet.
    pub(super) async fn receive(&mut self, limit: Duration) -> anyhow::Result<Vec<u8>> {
        timeout(limit, async {
            let len = usize::try_from(self.stream.read_u32_le().await?)?;
            if len > PACKET_LEN_MAX {
                bail!("a packet of {len} bytes");
            }
            let mut packet = vec![0; len];
            self.stream.read_exact(&mut packet).await?;
            if len == 4 {
                bail!("transport error {}", i32::from_le_bytes(packet.as_slice().try_into()?));
            }
            Ok(packet)
        })
        .await
        .context("no packet in time")?
    }

    /// Receives a packet and opens it; other sessions' packets are empty.
    async fn receive_body(&mut self, limit: Duration) -> anyhow::Result<Vec<u8>> {
        let mut packet = self.receive(limit).await?;
        let key = self.key.clone().context("no key")?;
        let Ok(opened) = mtp_crypto::open(&key.key, Side::Server, &mut packet) else {
            return Ok(Vec::new());
        };
        let body = opened.body.to_vec();
        if let Some(at) = find(&body, &bodies::words(&[bodies::BAD_SERVER_SALT]))
            && let Some(salt) = body.get(at..).and_then(|found| found.get(20..28))
        {
            self.salt = Salt::from_le_bytes(salt.try_into()?);
        }
        Ok(body)
    }

    /// Pings until a pong comes: the first answer may bring the salt.
    pub(super) async fn ping(&mut self) -> anyhow::Result<()> {
        let mut ping = bodies::words(&[bodies::PING]);
        ping.extend(1_i64.to_le_bytes());
        for _ in 0..4 {
            let packet = self.seal_plain(&ping)?;
            self.send(&packet).await?;
            loop {
                let body = self.receive_body(PATIENCE).await?;
                if find(&body, &bodies::words(&[bodies::PONG])).is_some() {
                    return Ok(());
                }
                if find(&body, &bodies::words(&[bodies::BAD_SERVER_SALT])).is_some() {
                    break;
                }
            }
        }
        bail!("no pong")
    }

    /// Sends pings as fast as the server reads them, and forgets what comes.
    pub(super) async fn flood_pings(&mut self, end: std::time::Instant) -> anyhow::Result<()> {
        let mut ping = bodies::words(&[bodies::PING]);
        ping.extend(3_i64.to_le_bytes());
        let mut answers = vec![0; 1 << 16];
        while std::time::Instant::now() < end {
            let mut packets = Vec::new();
            for _ in 0..PINGS_TOGETHER {
                packets.extend(frame(&self.seal_plain(&ping)?));
            }
            let writing = self.write_and_read(&packets, &mut answers);
            // A server may read no more until the end.
            let Ok(written) = timeout_at(end.into(), writing).await else { break };
            written?;
        }
        Ok(())
    }

    /// Writes bytes, and reads into a buffer that is overwritten so that both sides go on.
    async fn write_and_read(&mut self, mut left: &[u8], answers: &mut [u8]) -> anyhow::Result<()> {
        while !left.is_empty() {
            self.stream.ready(Interest::READABLE | Interest::WRITABLE).await?;
            match self.stream.try_read(answers) {
                Ok(0) => bail!("closed"),
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.into()),
                Ok(_) | Err(_) => {}
            }
            match self.stream.try_write(left) {
                Ok(count) => {
                    self.sent.fetch_add(count as u64, Ordering::Relaxed);
                    left = left.get(count..).unwrap_or_default();
                }
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.into()),
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Makes a call; returns its result, which may be an `rpc_error`.
    pub(super) async fn call(&mut self, body: &[u8]) -> anyhow::Result<Vec<u8>> {
        let item = Item { msg_id: self.next_id(), seq_no: self.next_seq(), body: body.to_vec() };
        let packet = self.seal(&item)?;
        self.send(&packet).await?;
        let mut mark = bodies::words(&[bodies::RPC_RESULT]);
        mark.extend(item.msg_id.to_le_bytes());
        let end = Instant::now() + PATIENCE;
        loop {
            let body =
                timeout_at(end, self.receive_body(PATIENCE)).await.context("no answer")??;
            if let Some(at) = find(&body, &mark) {
                return Ok(body.get(at.saturating_add(mark.len())..).unwrap_or_default().to_vec());
            }
        }
    }

    /// Reads and forgets what comes, for a while; returns how many packets came.
    pub(super) async fn drain(&mut self, limit: Duration) -> usize {
        let end = Instant::now() + limit;
        let mut count = 0_usize;
        while let Ok(Ok(_)) = timeout_at(end, self.receive(limit)).await {
            count = count.saturating_add(1);
        }
        count
    }

    /// Logs in with the code that the server prints.
    pub(super) async fn log_in(
        &mut self,
        victim: &Victim,
        api: &Api,
        phone: &str,
    ) -> anyhow::Result<()> {
        let answer = self.call(&send_code(api, phone)?).await?;
        let sent = api.read(&answer)?;
        let hash = sent.get("phone_code_hash").and_then(Value::as_str).context("no code sent")?;
        let mut code = None;
        for _ in 0..200 {
            code = victim.code(phone);
            if code.is_some() {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        let code = code.context("no login code in the log")?;
        let answer = self.call(&sign_in(api, phone, hash, &code)?).await?;
        let name = api.name_of(&answer);
        if name == "auth.authorization" { Ok(()) } else { bail!("not logged in: {name}") }
    }

    fn random(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.entropy.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// Encodes `auth.sendCode`.
pub(super) fn send_code(api: &Api, phone: &str) -> anyhow::Result<Vec<u8>> {
    let settings = json!({ "_": "codeSettings" });
    let call = json!({ "phone_number": phone, "api_id": 1, "api_hash": "h", "settings": settings });
    Ok(api.call("auth.sendCode", call)?.body)
}

/// Encodes `auth.signIn`.
pub(super) fn sign_in(api: &Api, phone: &str, hash: &str, code: &str) -> anyhow::Result<Vec<u8>> {
    let call = json!({ "phone_number": phone, "phone_code_hash": hash, "phone_code": code });
    Ok(api.call("auth.signIn", call)?.body)
}

fn frame(packet: &[u8]) -> Vec<u8> {
    let len = u32::try_from(packet.len()).unwrap_or(u32::MAX);
    [&len.to_le_bytes(), packet].concat()
}

/// Returns the message id of a time.
fn id_of(time: UnixTime) -> u64 {
    let nanos = u128::from(time.as_nanos());
    u64::try_from((nanos << 32) / 1_000_000_000).unwrap_or(u64::MAX) & !3
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// The tag of the intermediate framing.
const INTERMEDIATE: [u8; 4] = [0xee; 4];

/// Pings in one write.
const PINGS_TOGETHER: usize = 64;

/// How long an attacker waits for anything.
const PATIENCE: Duration = Duration::from_secs(10);

const PACKET_LEN_MAX: usize = 4 << 20;
