//! Client sessions of `mtp-session` and grammers, with a server that is not measured.

use std::sync::Arc;

#[cfg(feature = "peers")]
use grammers_crypto::DequeBuffer;
#[cfg(feature = "peers")]
use grammers_mtproto::mtp::{Deserialization, Encrypted, Mtp};
use mtp_crypto::{
    AuthKey, CtrEntropy, InnerHeader, MsgId, Padding, Salt, SeqNo, SessionId, Side, begin, open,
    pad, seal,
};
use mtp_env::{Instant, Now, UnixTime};
use mtp_session::client::{ClientSession, ClientSessionConfig, ClientSessionEvent, RequestOptions};
use mtp_session::established::{Established, KeyKind};
use mtp_session::link::LinkId;
use mtp_session::session::LinkKind;

/// Length of a call and of an answer: a typical message.
pub const BODY_LEN: usize = 96;
/// Number of calls in one container and of single calls in one round.
pub const CALLS: usize = 90;

/// The operations of both clients.
pub trait Client {
    /// Queues a call.
    fn call(&mut self, body: &[u8]);
    /// Builds one packet of the queued calls and returns it.
    fn packet(&mut self) -> &mut [u8];
    /// Clears the packet.
    fn clear(&mut self);
    /// Handles a packet and returns the number of answers in it.
    fn take(&mut self, packet: &mut [u8]) -> usize;
}

/// A client session of `mtp-session`.
pub struct Ours {
    session: ClientSession,
    now: Now,
    entropy: CtrEntropy,
    out: Vec<u8>,
}

impl Ours {
    /// Makes a session that can send.
    #[must_use]
    pub fn new(key: &Arc<AuthKey>) -> Self {
        let mut entropy = CtrEntropy::from_number(1);
        let mut config = ClientSessionConfig::default();
        config.ping = false;
        config.future_salts = false;
        let mut session = ClientSession::new(now(), Arc::new(config), &mut entropy);
        let salt = Salt::from_raw(0);
        let kind = KeyKind::Permanent;
        let established = Established { key: Arc::clone(key), salt, time_offset_ns: 0, kind };
        session.set_key(now(), &established);
        session.link_up(now(), LINK, LinkKind::Stream);
        Self { session, now: now(), entropy, out: Vec::with_capacity(1 << 16) }
    }
}

impl Client for Ours {
    fn call(&mut self, body: &[u8]) {
        let _ = self
            .session
            .request(self.now, body, RequestOptions::new())
            .expect("the call is accepted");
    }

    fn packet(&mut self) -> &mut [u8] {
        let _ = self
            .session
            .poll_transmit(self.now, LINK, &mut self.out, &mut self.entropy)
            .expect("a call is queued");
        &mut self.out
    }

    fn clear(&mut self) {
        self.out.clear();
    }

    fn take(&mut self, packet: &mut [u8]) -> usize {
        self.session.handle_packet(self.now, LINK, packet).expect("the packet is valid");
        let mut answers = 0;
        while let Some(event) = self.session.poll_event() {
            if let ClientSessionEvent::Result { body, .. } = event {
                answers += usize::from(body.len() == BODY_LEN);
            }
        }
        answers
    }
}

/// A session of grammers.
#[cfg(feature = "peers")]
pub struct Grammers {
    session: Encrypted,
    buffer: DequeBuffer<u8>,
}

#[cfg(feature = "peers")]
impl Grammers {
    /// Makes a session that can send. The salt is given, so it is not requested.
    #[must_use]
    pub fn new(key: &AuthKey) -> Self {
        let session = Encrypted::build().first_salt(0).finish(*key.as_bytes());
        Self { session, buffer: DequeBuffer::with_capacity(1 << 16, 128) }
    }
}

#[cfg(feature = "peers")]
impl Client for Grammers {
    fn call(&mut self, body: &[u8]) {
        let _ = self.session.push(&mut self.buffer, body).expect("the call fits");
    }

    fn packet(&mut self) -> &mut [u8] {
        let _ = self.session.finalize(&mut self.buffer).expect("a call is queued");
        &mut self.buffer[..]
    }

    fn clear(&mut self) {
        self.buffer.clear();
    }

    fn take(&mut self, packet: &mut [u8]) -> usize {
        let events = self.session.deserialize(packet).expect("the packet is valid");
        let is_answer = |event: &&Deserialization| matches!(event, Deserialization::RpcResult(result) if result.body.len() == BODY_LEN);
        events.iter().filter(is_answer).count()
    }
}

/// A server that answers every call.
pub struct Server {
    key: Arc<AuthKey>,
    session_id: SessionId,
    ids: u64,
    odd: i32,
    entropy: CtrEntropy,
}

impl Server {
    /// Makes a server for one client, with its clock at `seconds`.
    #[must_use]
    pub fn new(key: &Arc<AuthKey>, seconds: u64) -> Self {
        let (session_id, entropy) = (SessionId::from_raw(0), CtrEntropy::from_number(3));
        Self { key: Arc::clone(key), session_id, ids: seconds << 32, odd: 0, entropy }
    }

    /// Returns the ids of the calls in a packet of the client.
    pub fn calls(&mut self, packet: &[u8]) -> Vec<u64> {
        let mut packet = packet.to_vec();
        let opened = open(&self.key, Side::Client, &mut packet).expect("the packet is valid");
        self.session_id = opened.header.session_id;
        let mut calls = Vec::new();
        if opened.body.starts_with(&MSG_CONTAINER) {
            let mut rest = &opened.body[8..];
            while let Some((head, after)) = rest.split_first_chunk::<16>() {
                let id = u64::from_le_bytes(*head.first_chunk().expect("8 of 16 bytes"));
                let len = u32::from_le_bytes(*head.last_chunk().expect("4 of 16 bytes"));
                let (body, after) = after.split_at(len as usize);
                if body.starts_with(&CALL) {
                    calls.push(id);
                }
                rest = after;
            }
        } else if opened.body.starts_with(&CALL) {
            calls.push(opened.header.msg_id.as_raw());
        }
        calls
    }

    /// Answers each call in its own packet.
    pub fn singly(&mut self, calls: &[u64]) -> Vec<Vec<u8>> {
        calls
            .iter()
            .map(|call| {
                let (msg_id, seq_no) = self.label();
                self.seal(msg_id, seq_no, &answer(*call))
            })
            .collect()
    }

    /// Answers calls in one container.
    pub fn together(&mut self, calls: &[u64]) -> Vec<u8> {
        let mut body = MSG_CONTAINER.to_vec();
        body.extend(u32::try_from(calls.len()).expect("few").to_le_bytes());
        for call in calls {
            let (msg_id, seq_no) = self.label();
            let answer = answer(*call);
            body.extend(msg_id.to_le_bytes());
            body.extend(seq_no.to_le_bytes());
            body.extend(u32::try_from(answer.len()).expect("short").to_le_bytes());
            body.extend(answer);
        }
        self.ids += 4;
        let (msg_id, seq_no) = (self.ids | 1, self.odd * 2);
        self.seal(msg_id, seq_no, &body)
    }

    fn label(&mut self) -> (u64, i32) {
        self.ids += 4;
        self.odd += 1;
        (self.ids | 1, self.odd * 2 - 1)
    }

    fn seal(&mut self, msg_id: u64, seq_no: i32, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let header = InnerHeader {
            salt: Salt::from_raw(0),
            session_id: self.session_id,
            msg_id: MsgId::from_raw(msg_id),
            seq_no: SeqNo::from_raw(seq_no),
        };
        let start = begin(&mut out, header);
        out.extend_from_slice(body);
        pad(&mut out, start, Padding::Minimum, &mut self.entropy).expect("the body is short");
        seal(&self.key, Side::Server, &mut out).expect("the packet is padded");
        out
    }
}

/// Returns the key of all benches.
#[must_use]
pub fn key() -> Arc<AuthKey> {
    Arc::new(AuthKey::new([7; 256]).expect("the key id is not zero"))
}

/// Returns the constant time of our client: reading a clock is not measured.
#[must_use]
pub fn now() -> Now {
    Now { mono: Instant::from_micros(1_000_000), unix: UnixTime::from_secs(SECONDS) }
}

/// Returns a call.
#[must_use]
pub fn call() -> [u8; BODY_LEN] {
    let mut body = [9; BODY_LEN];
    body[..4].copy_from_slice(&CALL);
    body
}

fn answer(call: u64) -> Vec<u8> {
    let mut body = RPC_RESULT.to_vec();
    body.extend(call.to_le_bytes());
    body.extend(CALL);
    body.resize(12 + BODY_LEN, 9);
    body
}

/// The link of our client.
pub const LINK: LinkId = LinkId::new(1);
/// The constant time of our clocks.
pub const SECONDS: u64 = 1_800_000_000;
const MSG_CONTAINER: [u8; 4] = 0x73f1_f8dc_u32.to_le_bytes();
const RPC_RESULT: [u8; 4] = 0xf35c_6d01_u32.to_le_bytes();
const CALL: [u8; 4] = 0x1111_1111_u32.to_le_bytes();
