//! Ids, sequence numbers and containers: checks of single packets.

use mtp_crypto::{MsgId, MsgIdKind, SeqNo, Side};
use mtp_session::service::Message;
use mtp_tl::Encode;

use super::{Verdict, ensure};
use crate::observer::{Fact, Observer, hash};
use crate::opened_packet::OpenedPacket;

/// 1: the ids of a client strictly increase per session and are divisible by four. The ids of packets are at most 150 s
/// behind and 30 s ahead of the client's estimate of server time.
// spec: session 20 (1)
pub(super) fn client_ids_increase(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::Sent { side: Side::Client, client, opened, view, .. } = fact else { return Ok(()) };
    let session = observer.session_of(*client, opened);
    let mut last = session.map_or(MsgId::from_raw(0), |session| session.last);
    for (msg_id, _) in opened.ids() {
        ensure!(msg_id.kind() == MsgIdKind::Client, "{msg_id:?} is not a client id");
        let known = session.is_some_and(|session| session.written.contains_key(&msg_id));
        if known {
            ensure!(opened.is_container, "{msg_id:?} is resent outside of a container");
        } else {
            ensure!(msg_id > last, "{msg_id:?} comes after {last:?}");
            last = msg_id;
        }
    }
    let Some(view) = view else { return Ok(()) };
    let (made, believed) = (opened.header.msg_id.unix_secs(), view.time.as_secs());
    ensure!(
        made + 151 >= believed && made <= believed + 31,
        "{:?} is sent at estimated time {believed}",
        opened.header.msg_id
    );
    Ok(())
}

/// 2: the id of a container is above those of its messages, its sequence number not below theirs. Containers are not
/// nested, not empty on streams, have at most 1020 messages and do not exceed the size that servers accept.
///
/// [`OpenedPacket::read`] checks order, counts and nesting; this function checks the rest.
// spec: session 20 (2)
pub(super) fn containers_are_well_formed(_: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::Sent { side, opened, .. } = fact else { return Ok(()) };
    if !opened.is_container {
        return Ok(());
    }
    let count = opened.messages.len();
    ensure!(*side == Side::Server || count >= 1, "empty container");
    ensure!(count <= MESSAGES_MAX, "{count} messages in a container");
    ensure!(opened.bytes.len() <= PACKET_MAX, "packet of {} bytes", opened.bytes.len());
    for (raw, message) in opened.parsed() {
        let nested = matches!(message, Message::Container(_));
        ensure!(!nested, "{:?} is a nested container", raw.msg_id);
    }
    Ok(())
}

/// 3: calls have odd sequence numbers, acknowledgments even ones. An odd number is twice the count of earlier odd ones
/// plus one, an even number twice that count. A pair of id and number is never reused for another body.
// spec: session 20 (3)
pub(super) fn client_numbers_count(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::Sent { side: Side::Client, client, opened, .. } = fact else { return Ok(()) };
    let session = observer.session_of(*client, opened);
    for (raw, message) in opened.parsed() {
        match message {
            Message::MsgsAck(_) => ensure!(!raw.is_odd(), "{raw} requires an acknowledgment"),
            Message::Object(_) => ensure!(raw.is_odd(), "{raw} requires no acknowledgment"),
            _ => {}
        }
    }
    for raw in &opened.messages {
        if let Some(known) = session.and_then(|session| session.written.get(&raw.msg_id)) {
            ensure!(
                known.seq_no == raw.seq_no,
                "{raw} had sequence number {:?} before",
                known.seq_no
            );
            ensure!(known.body == hash(&raw.body), "{raw} had another body before");
        }
    }
    let is_new = |msg_id| session.is_none_or(|session| !session.written.contains_key(&msg_id));
    count_numbers(opened, session.map_or(0, |session| session.odd), is_new)
}

/// 21: the ids of a server are odd and increase for new messages, across all links and messages outside of sessions.
// spec: session 20 (21)
pub(super) fn server_ids_increase(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::Sent { side: Side::Server, opened, .. } = fact else { return Ok(()) };
    let session = observer.incarnation_of(opened);
    let mut last = observer.server.last;
    for (msg_id, seq_no) in opened.ids() {
        let is_servers = matches!(msg_id.kind(), MsgIdKind::Answer | MsgIdKind::Notice);
        ensure!(is_servers, "{msg_id:?} is not a server id");
        let known = session.and_then(|session| session.written.get(&msg_id));
        if let Some((known, _)) = known {
            ensure!(*known == seq_no, "{msg_id:?} had sequence number {known:?} before");
        } else {
            ensure!(msg_id > last, "{msg_id:?} comes after {last:?}");
            last = msg_id;
        }
    }
    let Some(session) = session else { return Ok(()) };
    count_numbers(opened, session.odd, |msg_id| !session.written.contains_key(&msg_id))
}

/// 18: every message can be parsed and encodes to the same bytes.
// spec: session 20 (18)
pub(super) fn messages_survive_a_round_trip(_: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::Sent { opened, .. } = fact else { return Ok(()) };
    for raw in &opened.messages {
        let Some(message) = raw.parse() else {
            return Err(format!("{raw} cannot be parsed"));
        };
        ensure!(message.to_bytes() == raw.body, "{raw} encodes to other bytes");
    }
    Ok(())
}

/// Checks the sequence numbers of new messages, in the order of their ids.
fn count_numbers(opened: &OpenedPacket, mut odd: u32, is_new: impl Fn(MsgId) -> bool) -> Verdict {
    let mut new: Vec<(MsgId, SeqNo)> = opened.ids().filter(|(id, _)| is_new(*id)).collect();
    new.sort_unstable();
    for (msg_id, seq_no) in new {
        let is_odd = seq_no.as_raw() & 1 == 1;
        let expected = (odd << 1 | u32::from(is_odd)).cast_signed();
        ensure!(seq_no.as_raw() == expected, "{msg_id:?} has {seq_no:?}, expected {expected}");
        odd += u32::from(is_odd);
    }
    Ok(())
}

/// Maximum number of messages in a container.
const MESSAGES_MAX: usize = 1020;
/// Maximum length of a packet with a container.
const PACKET_MAX: usize = 1_044_456 + 2048;
