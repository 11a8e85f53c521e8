//! An attacker who has the key: many messages in a packet, from few bytes of the fuzzer.

use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use mtp_crypto::{
    AuthKey, CtrEntropy, InnerHeader, MsgId, Padding, Salt, SeqNo, SessionId, Side, begin, open,
    pad, seal,
};
use mtp_env::Now;
use mtp_session::service::{
    BadMsgNotification, BadServerSalt, Container, DestroySession, FutureSalts, GetFutureSalts,
    GzipPacked, HttpWait, MSG_CONTAINER, Message, MsgDetailedInfo, MsgIds, MsgNewDetailedInfo,
    MsgResendReq, MsgsAck, MsgsStateInfo, MsgsStateReq, NewSessionCreated, Ping, Pong,
    RpcDropAnswer,
};
use mtp_tl::Encode;

use crate::input::Input;
use crate::known;

/// One end of a session.
pub(super) struct Attacker {
    key: Arc<AuthKey>,
    side: Side,
    pub(super) salt: Salt,
    pub(super) session_id: SessionId,
    last: u64,
    odd: i32,
    /// Ids of own messages and of the victim's.
    mine: Vec<u64>,
    theirs: Vec<u64>,
    old: Vec<Packet>,
    entropy: CtrEntropy,
}

/// A sealed packet, and the length of its content when it is unpacked.
#[derive(Clone)]
pub(super) struct Packet {
    pub(super) bytes: Vec<u8>,
    pub(super) plain_len: usize,
}

impl Attacker {
    pub(super) fn new(key: Arc<AuthKey>, side: Side, session_id: SessionId, salt: Salt) -> Self {
        let entropy = known::entropy(70);
        Self {
            key,
            side,
            salt,
            session_id,
            last: 0,
            odd: 0,
            mine: Vec::new(),
            theirs: Vec::new(),
            old: Vec::new(),
            entropy,
        }
    }

    /// Returns an earlier packet again, or a new one.
    ///
    /// Input: the shape of the packet, then one or two patterns of messages.
    pub(super) fn packet(&mut self, now: Now, input: &mut Input<'_>) -> Packet {
        let shape = input.byte();
        if shape & 0xc0 == 0xc0 && !self.old.is_empty() {
            return self.old[usize::from(input.byte()) % self.old.len()].clone();
        }
        let count = (1_usize << (shape & 0x0f).min(10)).min(CONTAINER_MAX);
        let patterns = [Pattern::read(input), Pattern::read(input)];
        let patterns = if shape & 0x20 == 0 { &patterns[..1] } else { &patterns[..] };
        let (is_packed, is_alone) = (shape & 0x10 != 0, count == 1);
        let mut body = Vec::new();
        if !is_alone {
            MSG_CONTAINER.get().encode(&mut body);
            body.extend_from_slice(&[0; 4]);
        }
        let (mut written, mut plain_len) = (0_u32, 0);
        let mut label = (MsgId::from_raw(0), SeqNo::from_raw(0));
        for index in 0..count {
            let pattern = patterns[index % patterns.len()];
            let (inner, unpacked) = self.body(pattern, index, input);
            plain_len += unpacked;
            label = self.label(now, pattern.is_odd());
            if is_alone {
                body = inner;
            } else if body.len() + inner.len() > PLAIN_LEN_MAX {
                break;
            } else {
                let len = u32::try_from(inner.len()).expect("short");
                body.extend_from_slice(&label.0.as_raw().to_le_bytes());
                body.extend_from_slice(&label.1.as_raw().to_le_bytes());
                body.extend_from_slice(&len.to_le_bytes());
                body.extend_from_slice(&inner);
                written += 1;
            }
        }
        if !is_alone {
            body[4..8].copy_from_slice(&written.to_le_bytes());
            label = self.label(now, false);
        }
        plain_len += body.len();
        if is_packed {
            body = packed(&body);
        }
        let packet = Packet { bytes: self.sealed(label, &body), plain_len };
        if self.old.len() < 16 {
            self.old.push(packet.clone());
        }
        packet
    }

    /// Seals a ping, whose answer has the salt.
    pub(super) fn ping(&mut self, now: Now) -> Vec<u8> {
        let label = self.label(now, true);
        self.sealed(label, &Ping { ping_id: 1 }.to_bytes())
    }

    /// Opens a packet of the victim: its ids can be named from then on.
    pub(super) fn read(&mut self, packet: &[u8]) {
        let mut packet = packet.to_vec();
        let Ok(opened) = open(&self.key, self.side.peer(), &mut packet) else { return };
        let header = opened.header;
        self.session_id = header.session_id;
        if let Ok(Message::BadServerSalt(bad)) = Message::parse(opened.body) {
            self.salt = bad.new_server_salt;
        }
        if let Ok(container) = Container::parse(header.msg_id, header.seq_no, opened.body) {
            self.theirs.extend(container.iter().map(|inner| inner.msg_id.as_raw()));
        }
        self.theirs.push(header.msg_id.as_raw());
        if self.theirs.len() > IDS_KEPT {
            self.theirs.drain(..IDS_KEPT / 2);
        }
    }

    fn label(&mut self, now: Now, is_odd: bool) -> (MsgId, SeqNo) {
        let fraction = (u64::from(now.unix.subsec_nanos()) << 32) / 1_000_000_000;
        let fresh = ((now.unix.as_secs() << 32) | fraction) & !3;
        self.last = fresh.max((self.last & !3) + 4);
        let kind = if self.side == Side::Client { 0 } else { 1 + 2 * (self.last >> 2 & 1) };
        self.last |= kind;
        let seq_no = self.odd.wrapping_mul(2).wrapping_add(i32::from(is_odd));
        self.odd = self.odd.wrapping_add(i32::from(is_odd));
        self.mine.push(self.last);
        if self.mine.len() > IDS_KEPT {
            self.mine.drain(..IDS_KEPT / 2);
        }
        (MsgId::from_raw(self.last), SeqNo::from_raw(seq_no))
    }

    /// Returns the ids that a message names.
    fn ids(&self, pattern: Pattern, index: usize) -> Vec<MsgId> {
        let count = 1_usize << (pattern.count & 0x0f).min(13);
        let back = usize::from(pattern.ids >> 3);
        let of = |ids: &[u64], count: usize, back: usize| -> Vec<u64> {
            ids.iter().rev().skip(back).take(count).copied().collect()
        };
        let ids = match pattern.ids & 7 {
            // The last ones, the same one again and again, ids to come, unknown ids.
            0 | 1 => of(&self.mine, count, back),
            2 => of(&self.theirs, count, back),
            3 => of(&self.mine, 1, back + index).repeat(count),
            4 => of(&self.theirs, 1, back + index).repeat(count),
            5 => (1..).map(|step| (self.last & !3) + 4 * step).skip(back).take(count).collect(),
            6 => (0..count as u64).map(|step| 4 * (step + index as u64)).collect(),
            _ => of(&self.mine, 1, back),
        };
        ids.into_iter().map(MsgId::from_raw).collect()
    }

    /// Returns a body and the length of what is packed in it.
    fn body(&self, pattern: Pattern, index: usize, input: &mut Input<'_>) -> (Vec<u8>, usize) {
        let plain = match self.side {
            Side::Client => self.client_body(pattern, index, input),
            Side::Server => self.server_body(pattern, index, input),
        };
        if pattern.kind & 0x40 == 0 { (plain, 0) } else { (packed(&plain), plain.len()) }
    }

    fn client_body(&self, pattern: Pattern, index: usize, input: &mut Input<'_>) -> Vec<u8> {
        let ids = self.ids(pattern, index);
        let first = ids.first().copied().unwrap_or(MsgId::from_raw(0));
        let number = u64::from(pattern.count) << 32 | index as u64;
        match pattern.kind & 0x1f {
            0..=3 => call(pattern, index),
            // A call that waits for others: a fan, or a chain if it names the one before it.
            4..=9 => {
                let mut body = INVOKE_AFTER_MSGS.to_le_bytes().to_vec();
                MsgIds::new(ids).encode_into(&mut body);
                if pattern.kind & 0x1f < 8 {
                    body.extend_from_slice(&call(pattern, index));
                }
                body
            }
            10 | 11 => MsgsStateReq { msg_ids: MsgIds::new(ids) }.to_bytes(),
            12 | 13 => MsgResendReq { msg_ids: MsgIds::new(ids) }.to_bytes(),
            14 | 15 => MsgsAck { msg_ids: MsgIds::new(ids) }.to_bytes(),
            16 => Ping { ping_id: number }.to_bytes(),
            17 => GetFutureSalts { num: i32::from(pattern.count) << 4 }.to_bytes(),
            18 => RpcDropAnswer { req_msg_id: first }.to_bytes(),
            19 => DestroySession { session_id: SessionId::from_raw(number) }.to_bytes(),
            20 => HttpWait { max_delay: 0, wait_after: 0, max_wait: 1000 }.to_bytes(),
            21 => {
                [API[usize::from(pattern.count) % API.len()].to_le_bytes().to_vec(), words(input)]
                    .concat()
            }
            22 => call(pattern, index)[..4].to_vec(),
            23 => vec![0; 1 << (pattern.count & 15).max(2)],
            _ => words(input),
        }
    }

    fn server_body(&self, pattern: Pattern, index: usize, input: &mut Input<'_>) -> Vec<u8> {
        let ids = self.ids(pattern, index);
        let first = ids.first().copied().unwrap_or(MsgId::from_raw(0));
        let number = u64::from(pattern.count) << 32 | index as u64;
        let (bad_msg_seqno, salt) = (SeqNo::from_raw(1), Salt::from_raw(number));
        let new = MsgId::from_raw(self.last & !3 | 1).as_raw() + 4 * (index as u64 + 99_999);
        let answer_msg_id = MsgId::from_raw(new);
        match pattern.kind & 0x1f {
            0 | 1 => {
                let mut body = RPC_RESULT.to_le_bytes().to_vec();
                body.extend_from_slice(&first.as_raw().to_le_bytes());
                body.extend_from_slice(&call(pattern, index));
                body
            }
            2 | 3 => MsgsAck { msg_ids: MsgIds::new(ids) }.to_bytes(),
            4 | 5 => MsgsStateReq { msg_ids: MsgIds::new(ids) }.to_bytes(),
            6 | 7 => MsgResendReq { msg_ids: MsgIds::new(ids) }.to_bytes(),
            8 => {
                let error_code =
                    [16, 17, 18, 19, 20, 32, 33, 34, 35, 48, 64][usize::from(pattern.count) % 11];
                BadMsgNotification { bad_msg_id: first, bad_msg_seqno, error_code }.to_bytes()
            }
            9 => BadServerSalt {
                bad_msg_id: first,
                bad_msg_seqno,
                error_code: 48,
                new_server_salt: salt,
            }
            .to_bytes(),
            10 | 11 => {
                MsgDetailedInfo { msg_id: first, answer_msg_id, bytes: 40, status: 0 }.to_bytes()
            }
            12 | 13 => MsgNewDetailedInfo { answer_msg_id, bytes: 40, status: 0 }.to_bytes(),
            14 => NewSessionCreated { first_msg_id: first, unique_id: number, server_salt: salt }
                .to_bytes(),
            15 => Pong { msg_id: first, ping_id: number }.to_bytes(),
            16 => MsgsStateInfo { req_msg_id: first, info: &vec![4; ids.len()] }.to_bytes(),
            17 => {
                let mut body = MSGS_ALL_INFO.to_le_bytes().to_vec();
                let states = vec![pattern.count >> 4; ids.len()];
                MsgIds::new(ids).encode_into(&mut body);
                states.encode(&mut body);
                body
            }
            18 => FutureSalts { req_msg_id: first, now: 0, salts: Vec::new() }.to_bytes(),
            19 => Ping { ping_id: number }.to_bytes(),
            20 | 21 => call(pattern, index),
            _ => words(input),
        }
    }

    fn sealed(&mut self, (msg_id, seq_no): (MsgId, SeqNo), body: &[u8]) -> Vec<u8> {
        let (salt, session_id) = (self.salt, self.session_id);
        let mut out = Vec::new();
        let start = begin(&mut out, InnerHeader { salt, session_id, msg_id, seq_no });
        out.extend_from_slice(&body[..body.len() / 4 * 4]);
        pad(&mut out, start, Padding::Minimum, &mut self.entropy).expect("a multiple of four");
        seal(&self.key, self.side, &mut out).expect("padded");
        out
    }
}

/// Messages that are alike.
#[derive(Clone, Copy)]
struct Pattern {
    kind: u8,
    /// Which ids are named.
    ids: u8,
    /// How many, and other numbers.
    count: u8,
}

impl Pattern {
    fn read(input: &mut Input<'_>) -> Self {
        let [kind, ids, count] = input.array();
        Self { kind, ids, count }
    }

    /// The number is wrong for some kinds if the bit is flipped.
    const fn is_odd(self) -> bool {
        let is_content = !matches!(self.kind & 0x1f, 14 | 15 | 20);
        is_content != (self.kind & 0x80 != 0)
    }
}

/// A call, or an object: the number of bytes that it asks for follows its id.
fn call(pattern: Pattern, index: usize) -> Vec<u8> {
    let answer = 4_u32 << (pattern.count & 0x0f);
    let mut body = ANSWER_OF.to_le_bytes().to_vec();
    body.extend_from_slice(&answer.to_le_bytes());
    let index = u32::try_from(index).unwrap_or(0);
    body.extend_from_slice(&index.to_le_bytes());
    body.resize(body.len() + (usize::from(pattern.count >> 4) << 6), 0);
    body
}

/// Returns how many bytes a call asks for; `None` for a call that fails.
pub(super) fn asked(body: &[u8]) -> Option<usize> {
    let words = body.get(..8)?;
    let [id, len] = [0, 4].map(|at| u32::from_le_bytes(crate::textbook::part(words, at)));
    (id == ANSWER_OF && len <= 1 << 17).then_some(len as usize)
}

fn words(input: &mut Input<'_>) -> Vec<u8> {
    let bytes = input.short();
    bytes[..bytes.len() / 4 * 4].to_vec()
}

fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("memory takes all");
    let packed_data = encoder.finish().expect("memory takes all");
    GzipPacked { packed_data: &packed_data }.to_bytes()
}

trait EncodeInto {
    fn encode_into(&self, out: &mut Vec<u8>);
}

impl EncodeInto for MsgIds<'_> {
    /// Writes the ids as a vector.
    fn encode_into(&self, out: &mut Vec<u8>) {
        // The same as in `msgs_ack`, whose id is cut off.
        let ids: Vec<MsgId> = self.iter().collect();
        out.extend_from_slice(&MsgsAck { msg_ids: Self::new(ids) }.to_bytes()[4..]);
    }
}

const INVOKE_AFTER_MSGS: u32 = 0x3dc4_b4f0;
const RPC_RESULT: u32 = 0xf35c_6d01;
const MSGS_ALL_INFO: u32 = 0x8cc0_d131;
const ANSWER_OF: u32 = 0x5a15_5a16;
/// Methods of the data center: `help.getConfig`, `upload.saveFilePart`, `upload.getFile`, `users.getUsers`,
/// `contacts.importContacts`, `auth.sendCode`, `messages.getHistory`, `langpack.getStrings`, `updates.getDifference`.
const API: [u32; 9] = [
    0xc4f9_186b,
    0xb304_a621,
    0xbe53_35be,
    0x0d91_a548,
    0x2c80_0be5,
    0xa677_244f,
    0x4423_e6c5,
    0xefea_3803,
    0x19c2_f763,
];
const CONTAINER_MAX: usize = 1020;
/// Longest content of a packet, unpacked.
const PLAIN_LEN_MAX: usize = 900_000;
const IDS_KEPT: usize = 16_384;
