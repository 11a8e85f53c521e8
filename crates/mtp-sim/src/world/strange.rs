//! A dishonest peer that has the key: properly encrypted nonsense.

use std::rc::Rc;

use mtp_crypto::{InnerHeader, MsgId, Padding, Salt, SeqNo, SessionId, Side, begin, pad, seal};
use mtp_session::link::LinkId;
use mtp_session::service::{
    BadMsgNotification, BadServerSalt, DestroyAuthKeyOk, DestroySessionOk, FutureSalts, GzipPacked,
    MsgDetailedInfo, MsgIds, MsgNewDetailedInfo, MsgResendReq, MsgsAck, MsgsStateInfo,
    MsgsStateReq, NewSessionCreated, Ping, Pong, RpcResult,
};
use mtp_tl::{Encode, Rest};

use super::World;
use crate::clock::true_unix;
use crate::opened_packet::OpenedPacket;
use crate::workload::update;

impl World {
    /// Sends a client a message of its session with unknown ids.
    pub(super) fn send_strange_message(&mut self, link: LinkId) {
        let Some(client) = self.wires.get(&link).map(|wire| wire.client) else { return };
        let body = self.strange_body();
        let session = self.clients[client].machine.session().session_id();
        let old = self.chaos.once_in(8);
        let (kind, odd) = (self.chaos.pick(&[1, 3]), self.chaos.once_in(2));
        let msg_id = self.strange_id(kind, old);
        if let Some(packet) = self.seal_strange(Side::Server, client, session, (msg_id, odd), &body)
        {
            self.tally.fault("strange messages");
            self.inject(Side::Client, link, packet);
        }
    }

    /// Sends either side a packet of an unknown session.
    pub(super) fn send_strange_session(&mut self, link: LinkId) {
        let Some(client) = self.wires.get(&link).map(|wire| wire.client) else { return };
        let sender = self.chaos.pick(&[Side::Client, Side::Server]);
        let session = SessionId::from_raw(self.chaos.number());
        let kind = if sender == Side::Client { self.chaos.pick(&[0, 0, 0, 1]) } else { 1 };
        let (odd, old) = (self.chaos.once_in(2), self.chaos.once_in(4));
        let msg_id = self.strange_id(kind, old);
        let body = Ping { ping_id: self.chaos.number() }.to_bytes();
        if let Some(packet) = self.seal_strange(sender, client, session, (msg_id, odd), &body) {
            self.tally.fault("strange sessions");
            self.inject(sender.peer(), link, packet);
        }
    }

    /// Returns an id of the current true time or of a past one. It is never ahead of the server's clock.
    fn strange_id(&mut self, kind: u64, old: bool) -> MsgId {
        let now = self.server.now(self.at).unix.as_secs().min(true_unix(self.at).as_secs());
        let seconds =
            if old { self.chaos.pick(&[0, 1, now - 100_000, now - 400]) } else { now - 1 };
        let fraction = self.chaos.number() >> 32;
        MsgId::from_raw((seconds << 32 | fraction) & !3 | kind)
    }

    fn strange_body(&mut self) -> Vec<u8> {
        let dice = &mut self.chaos;
        let msg_id = MsgId::from_raw(dice.number() & !3);
        let server_id = MsgId::from_raw(dice.number() | 1);
        let number = dice.number();
        match dice.below(18) {
            0 => BadServerSalt {
                bad_msg_id: msg_id,
                bad_msg_seqno: SeqNo::from_raw(1),
                error_code: 48,
                new_server_salt: Salt::from_raw(number),
            }
            .to_bytes(),
            1 => {
                let error_code = dice.pick(&[16, 17, 18, 19, 20, 32, 33, 34, 35, 48, 64, 0, -1]);
                let bad_msg_seqno = SeqNo::from_raw(0);
                BadMsgNotification { bad_msg_id: msg_id, bad_msg_seqno, error_code }.to_bytes()
            }
            2 => Pong { msg_id, ping_id: number }.to_bytes(),
            3 => FutureSalts { req_msg_id: msg_id, now: u32::MAX, salts: Vec::new() }.to_bytes(),
            4 => MsgsStateInfo { req_msg_id: msg_id, info: &[1, 2, 3] }.to_bytes(),
            5 => NewSessionCreated {
                first_msg_id: msg_id,
                unique_id: number,
                server_salt: Salt::from_raw(number),
            }
            .to_bytes(),
            6 => MsgDetailedInfo { msg_id, answer_msg_id: server_id, bytes: 40, status: 0 }
                .to_bytes(),
            7 => MsgNewDetailedInfo { answer_msg_id: server_id, bytes: 40, status: 0 }.to_bytes(),
            8 => RpcResult { req_msg_id: msg_id, result: Rest((&[7; 8][..]).into()) }.to_bytes(),
            9 => MsgsAck { msg_ids: MsgIds::new([msg_id, server_id]) }.to_bytes(),
            10 => MsgResendReq { msg_ids: MsgIds::new([msg_id]) }.to_bytes(),
            11 => MsgsStateReq { msg_ids: MsgIds::new([server_id]) }.to_bytes(),
            12 => DestroyAuthKeyOk {}.to_bytes(),
            13 => DestroySessionOk { session_id: SessionId::from_raw(number) }.to_bytes(),
            14 => Ping { ping_id: number }.to_bytes(),
            15 => dice.bytes(16),
            // Invalid packed data, and a forged update.
            16 => GzipPacked { packed_data: &dice.bytes(40) }.to_bytes(),
            _ => {
                self.strange += 1;
                update(HOSTILE_UPDATES_FROM + self.strange, 2)
            }
        }
    }

    fn seal_strange(
        &mut self,
        sender: Side,
        client: usize,
        session_id: SessionId,
        (msg_id, odd): (MsgId, bool),
        body: &[u8],
    ) -> Option<Vec<u8>> {
        let key = self.clients[client].machine.session().key()?.clone();
        let now = self.server.now(self.at);
        let salts = self.observer.server.salts.get(&key.id())?;
        let salt = salts.current(self.server.machine.salts(), now.unix);
        let seq_no = SeqNo::from_raw(i32::from(odd));
        let mut out = Vec::new();
        let start = begin(&mut out, InnerHeader { salt, session_id, msg_id, seq_no });
        out.extend_from_slice(body);
        pad(&mut out, start, Padding::Minimum, &mut self.chaos.entropy()).ok()?;
        seal(&key, sender, &mut out).ok()?;
        // The observer knows the packet, too.
        if let Ok(opened) = OpenedPacket::read(sender, &key, &out, 0)
            && let Some(msg_key) = out.get(8..24).and_then(|bytes| bytes.first_chunk())
        {
            self.archive.insert(*msg_key, Rc::new(opened));
        }
        Some(out)
    }
}

/// First number of forged updates.
const HOSTILE_UPDATES_FROM: u32 = 1 << 30;
