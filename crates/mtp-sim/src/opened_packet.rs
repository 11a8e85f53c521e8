//! Decrypted packets, as an observer with all keys sees them.

use core::fmt;

use mtp_crypto::{AuthKey, AuthKeyId, InnerHeader, MsgId, SeqNo, Side, open};
use mtp_session::service::{Container, MSG_CONTAINER, Message};

use crate::workload;

/// A decrypted packet.
#[derive(Clone, Debug)]
pub(crate) struct OpenedPacket {
    pub(crate) sender: Side,
    pub(crate) key: AuthKeyId,
    pub(crate) header: InnerHeader,
    pub(crate) is_container: bool,
    /// The messages of the container, or the single message.
    pub(crate) messages: Vec<PacketMessage>,
    /// The encrypted packet.
    pub(crate) bytes: Vec<u8>,
    /// The position of the packet in the run: later packets have higher numbers.
    pub(crate) order: u64,
}

/// A message of a packet.
#[derive(Clone, Debug)]
pub(crate) struct PacketMessage {
    pub(crate) msg_id: MsgId,
    pub(crate) seq_no: SeqNo,
    pub(crate) body: Vec<u8>,
}

impl OpenedPacket {
    /// Decrypts a packet of `sender`. An error describes what an honest sender never does.
    pub(crate) fn read(
        sender: Side,
        key: &AuthKey,
        bytes: &[u8],
        order: u64,
    ) -> Result<Self, String> {
        let mut copy = bytes.to_vec();
        let opened = open(key, sender, &mut copy).map_err(|error| error.to_string())?;
        let header = opened.header;
        let is_container = opened.body.starts_with(&MSG_CONTAINER.get().to_le_bytes());
        let messages = if is_container {
            let container = Container::parse(header.msg_id, header.seq_no, opened.body)
                .map_err(|error| error.to_string())?;
            let raw =
                |msg_id, seq_no, body: &[u8]| PacketMessage { msg_id, seq_no, body: body.to_vec() };
            container.iter().map(|it| raw(it.msg_id, it.seq_no, it.body)).collect()
        } else {
            let (msg_id, seq_no) = (header.msg_id, header.seq_no);
            vec![PacketMessage { msg_id, seq_no, body: opened.body.to_vec() }]
        };
        Ok(Self {
            sender,
            key: key.id(),
            header,
            is_container,
            messages,
            bytes: bytes.to_vec(),
            order,
        })
    }

    /// Returns the messages that can be parsed, with their values.
    pub(crate) fn parsed(&self) -> impl Iterator<Item = (&PacketMessage, Message<'_>)> {
        self.messages.iter().filter_map(|raw| Some((raw, raw.parse()?)))
    }

    /// Returns `true` for a refusal alone.
    pub(crate) fn is_refusal(&self) -> bool {
        let is_bad = |(_, message)| {
            matches!(message, Message::BadMsgNotification(_) | Message::BadServerSalt(_))
        };
        self.messages.len() == 1 && !self.is_container && self.parsed().all(is_bad)
    }

    /// Returns the ids of the messages and, for a container, the id of the packet.
    pub(crate) fn ids(&self) -> impl Iterator<Item = (MsgId, SeqNo)> {
        let outer = self.is_container.then_some((self.header.msg_id, self.header.seq_no));
        self.messages.iter().map(|raw| (raw.msg_id, raw.seq_no)).chain(outer)
    }
}

impl PacketMessage {
    /// Parses the message.
    pub(crate) fn parse(&self) -> Option<Message<'_>> {
        Message::parse(&self.body).ok()
    }

    /// Returns `true` if the message must be acknowledged.
    pub(crate) fn is_odd(&self) -> bool {
        self.seq_no.as_raw() & 1 == 1
    }
}

/// One line of a trace.
impl fmt::Display for OpenedPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (session, id) = (self.header.session_id.as_raw(), self.header.msg_id.as_raw());
        write!(f, "session {:04x} ", session >> 48)?;
        if self.is_container {
            write!(f, "{id:016x}/{} ", self.header.seq_no.as_raw())?;
        }
        f.write_str("[")?;
        for (index, raw) in self.messages.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{raw}")?;
        }
        f.write_str("]")
    }
}

impl fmt::Display for PacketMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}/{} ", self.msg_id.as_raw(), self.seq_no.as_raw())?;
        let hex = |id: MsgId| format!("{:016x}", id.as_raw());
        match self.parse() {
            Some(Message::RpcResult(result)) => {
                write!(f, "rpc_result({}, ", hex(result.req_msg_id))?;
                match workload::answer_number(&result.result.0) {
                    Some(number) => write!(f, "to call {number})"),
                    None => write!(f, "{} B)", result.result.0.len()),
                }
            }
            Some(Message::MsgsAck(acks)) => {
                let ids: Vec<String> = acks.msg_ids.iter().map(hex).collect();
                write!(f, "msgs_ack({})", ids.join(" "))
            }
            Some(Message::BadMsgNotification(bad)) => {
                write!(f, "bad_msg({}, {})", hex(bad.bad_msg_id), bad.error_code)
            }
            Some(Message::BadServerSalt(bad)) => write!(f, "bad_salt({})", hex(bad.bad_msg_id)),
            Some(Message::PingDelayDisconnect(_)) => f.write_str("ping"),
            Some(Message::Pong(pong)) => write!(f, "pong({})", hex(pong.msg_id)),
            Some(Message::MsgsStateReq(request)) => {
                let ids: Vec<String> = request.msg_ids.iter().map(hex).collect();
                write!(f, "state_req({})", ids.join(" "))
            }
            Some(Message::MsgsStateInfo(info)) => {
                write!(f, "state_info({}, {:x?})", hex(info.req_msg_id), info.info)
            }
            Some(Message::NewSessionCreated(new)) => {
                write!(f, "new_session_created({})", hex(new.first_msg_id))
            }
            Some(Message::MsgDetailedInfo(info)) => {
                let (call, answer) = (hex(info.msg_id), hex(info.answer_msg_id));
                write!(f, "detailed_info({call}, {answer})")
            }
            Some(Message::FutureSalts(salts)) => write!(f, "future_salts({})", salts.salts.len()),
            Some(Message::Object(body)) => match workload::call_in(body) {
                Some(number) => write!(f, "call {number}"),
                None => write!(f, "object({} B)", body.len()),
            },
            Some(other) => {
                let text = format!("{other:?}");
                f.write_str(text.get(..text.len().min(60)).unwrap_or("message"))
            }
            None => write!(f, "unreadable({} B)", self.body.len()),
        }
    }
}
