//! The fuzzer's side of a session: it seals messages with the shared key and inspects those of the session.

use std::collections::BTreeMap;

use mtp_crypto::{
    CtrEntropy, InnerHeader, MsgId, Padding, Salt, SeqNo, SessionId, Side, begin, open, pad, seal,
};
use mtp_env::Now;
use mtp_session::service::{Container, MSG_CONTAINER};

use crate::input::Input;
use crate::known;

/// One end of a session, controlled by the fuzzer.
pub(super) struct Peer {
    side: Side,
    pub(super) salt: Salt,
    pub(super) session_id: SessionId,
    last: u64,
    odd: i32,
    /// Ids that marks can stand for.
    ids: Vec<u64>,
    entropy: CtrEntropy,
}

impl Peer {
    pub(super) fn new(side: Side, session_id: SessionId, salt: Salt) -> Self {
        let entropy = known::entropy(50);
        Self { side, salt, session_id, last: 0, odd: 0, ids: Vec::new(), entropy }
    }

    /// Seals a message with valid or invalid labels.
    ///
    /// Input: the labels, then the body, in which marks stand for ids.
    pub(super) fn message(&mut self, now: Now, input: &mut Input<'_>) -> Vec<u8> {
        let (msg_id, seq_no) = self.label(now, input);
        let body = self.body(input.long());
        self.sealed(msg_id, seq_no, &body)
    }

    /// Seals several messages in a container.
    pub(super) fn container(&mut self, now: Now, input: &mut Input<'_>) -> Vec<u8> {
        let count = input.byte() & 15;
        let mut body = MSG_CONTAINER.get().to_le_bytes().to_vec();
        body.extend_from_slice(&u32::from(count).to_le_bytes());
        for _ in 0..count {
            let (msg_id, seq_no) = self.label(now, input);
            let inner = self.body(input.short());
            body.extend_from_slice(&msg_id.to_le_bytes());
            body.extend_from_slice(&seq_no.to_le_bytes());
            body.extend_from_slice(&u32::try_from(inner.len()).unwrap_or(0).to_le_bytes());
            body.extend_from_slice(&inner);
        }
        let (msg_id, seq_no) = self.label(now, input);
        self.sealed(msg_id, seq_no, &body)
    }

    fn label(&mut self, now: Now, input: &mut Input<'_>) -> (MsgId, SeqNo) {
        let how = input.byte();
        let low = match self.side {
            Side::Client => 0,
            Side::Server if how & 1 == 0 => 1,
            Side::Server => 3,
        };
        let fraction = (u64::from(now.unix.subsec_nanos()) << 32) | 0xffff_ffff;
        let fresh = ((now.unix.as_secs() << 32) | (fraction / 1_000_000_000)) & !3;
        self.last = fresh.max(self.last + 4) & !3;
        let mut msg_id = self.last | low;
        let is_odd = how & 2 != 0;
        let mut seq_no = self.odd * 2 + i32::from(is_odd);
        self.odd += i32::from(is_odd);
        match how >> 4 {
            // Most labels are valid; the others have one error.
            1 => msg_id = msg_id.wrapping_add_signed(i64::from(input.u32().cast_signed()) << 24),
            2 => msg_id = self.pick(input.byte()),
            3 => seq_no = input.u32().cast_signed(),
            4 => msg_id ^= u64::from(input.byte() & 3),
            _ => {}
        }
        self.ids.push(msg_id);
        (MsgId::from_raw(msg_id), SeqNo::from_raw(seq_no))
    }

    /// Replaces marks with ids. A mark is seven bytes `0xee` and the index of the id.
    fn body(&self, bytes: &[u8]) -> Vec<u8> {
        let mut body = bytes[..bytes.len() / 4 * 4].to_vec();
        let mut at = 0;
        while let Some(place) = body.get_mut(at..at + 8) {
            if let [number, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee] = *place {
                place.copy_from_slice(&self.pick(number).to_le_bytes());
            }
            at += 4;
        }
        body
    }

    fn pick(&self, number: u8) -> u64 {
        let from_end = usize::from(number) % self.ids.len().max(1);
        self.ids.iter().rev().nth(from_end).copied().unwrap_or(0)
    }

    pub(super) fn sealed(&mut self, msg_id: MsgId, seq_no: SeqNo, body: &[u8]) -> Vec<u8> {
        let (salt, session_id) = (self.salt, self.session_id);
        let mut out = Vec::new();
        let start = begin(&mut out, InnerHeader { salt, session_id, msg_id, seq_no });
        out.extend_from_slice(body);
        pad(&mut out, start, Padding::Minimum, &mut self.entropy)
            .expect("the length is a multiple of four");
        seal(known::auth_key(), self.side, &mut out).expect("padded");
        out
    }

    /// Opens a packet of the session under test. Marks can stand for its ids from then on.
    pub(super) fn read(&mut self, packet: &[u8]) -> Packet {
        let packet = Packet::open(packet, self.side.peer());
        self.ids.extend(packet.messages.iter().map(|message| message.id));
        if packet.is_container {
            self.ids.push(packet.header.msg_id.as_raw());
        }
        self.session_id = packet.header.session_id;
        packet
    }
}

/// A decrypted packet.
pub(super) struct Packet {
    pub(super) header: InnerHeader,
    pub(super) messages: Vec<Labeled>,
    is_container: bool,
}

/// A message with its labels.
pub(super) struct Labeled {
    pub(super) id: u64,
    seq_no: i32,
    pub(super) body: Vec<u8>,
}

impl Packet {
    pub(super) fn open(packet: &[u8], sender: Side) -> Self {
        let mut packet = packet.to_vec();
        let opened = open(known::auth_key(), sender, &mut packet)
            .expect("the packet is sealed with the key");
        let (header, body) = (opened.header, opened.body);
        let labeled = |id: MsgId, seq_no: SeqNo, body: &[u8]| Labeled {
            id: id.as_raw(),
            seq_no: seq_no.as_raw(),
            body: body.to_vec(),
        };
        let is_container = body.starts_with(&MSG_CONTAINER.get().to_le_bytes());
        let messages: Vec<_> = if is_container {
            let container = Container::parse(header.msg_id, header.seq_no, body);
            let inner = container.expect("our containers are valid");
            inner.iter().map(|inner| labeled(inner.msg_id, inner.seq_no, inner.body)).collect()
        } else {
            vec![labeled(header.msg_id, header.seq_no, body)]
        };
        // An HTTP response without news has no messages.
        // spec: session 20#2
        assert!(messages.len() <= 1020, "{} messages", messages.len());
        Self { header, messages, is_container }
    }
}

impl Packet {
    /// The packet is a single `bad_msg_notification` or `bad_server_salt`.
    fn is_refusal(&self) -> bool {
        let ids = [0xa7ef_f811_u32, 0xedab_447b].map(u32::to_le_bytes);
        let mut bodies = self.messages.iter().map(|message| &message.body);
        !self.is_container && bodies.all(|body| ids.iter().any(|id| body.starts_with(id)))
    }
}

/// The state of one direction of a session.
#[derive(Default)]
pub(super) struct Inspector {
    sessions: BTreeMap<u64, Seen>,
}

#[derive(Default)]
struct Seen {
    bodies: BTreeMap<u64, (i32, Vec<u8>)>,
    highest: u64,
    odd: i32,
}

impl Inspector {
    /// Forgets a session, whose id may be reused.
    pub(super) fn forget(&mut self, session: u64) {
        self.sessions.remove(&session);
    }

    /// Checks the labels of a packet against those of earlier packets.
    // spec: session 20#1, 20#3, 20#21
    pub(super) fn check(&mut self, packet: &Packet, sender: Side) {
        let seen = self.sessions.entry(packet.header.session_id.as_raw()).or_default();
        if sender == Side::Server && seen.bodies.is_empty() && packet.is_refusal() {
            // Refusals outside of a session have their own sequence numbers.
            return;
        }
        for Labeled { id, seq_no, body } in &packet.messages {
            match sender {
                Side::Client => assert_eq!(id % 4, 0),
                Side::Server => assert!(matches!(id % 4, 1 | 3)),
            }
            if let Some(before) = seen.bodies.get(id) {
                assert_eq!(*before, (*seq_no, body.clone()), "an id is used for two messages");
                continue;
            }
            assert!(*id > seen.highest, "{sender:?}: {id:x} after {:x}", seen.highest);
            seen.highest = *id;
            let odd = seq_no & 1;
            assert_eq!(*seq_no, seen.odd.wrapping_mul(2) + odd, "numbers count");
            seen.odd += odd;
            seen.bodies.insert(*id, (*seq_no, body.clone()));
        }
        if packet.is_container {
            assert!(
                packet.header.msg_id.as_raw() > seen.highest,
                "the id of a container is the highest"
            );
            seen.highest = packet.header.msg_id.as_raw();
            assert_eq!(packet.header.seq_no.as_raw(), seen.odd * 2);
        }
    }
}
