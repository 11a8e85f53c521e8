//! Ids, numbers, containers: what can be judged by looking at written packets alone.

use mtp_crypto::{MsgId, MsgIdKind, SeqNo, Side};
use mtp_session::service::Message;
use mtp_tl::Encode;

use super::{Verdict, ensure};
use crate::book::{Book, Fact, hash};
use crate::letter::Letter;

/// 1: own ids strictly increase per session; each is divisible by four; packets' ids are within 150 s before and
/// 30 s behind what the client believes to be the server's time.
// spec: session 20 (1)
pub(super) fn client_ids_increase(book: &Book, fact: &Fact<'_>) -> Verdict {
    let Fact::Wrote { side: Side::Client, client, letter, view, .. } = fact else { return Ok(()) };
    let session = book.session_of(*client, letter);
    let mut last = session.map_or(MsgId::from_raw(0), |session| session.last);
    for (msg_id, _) in letter.ids() {
        ensure!(msg_id.kind() == MsgIdKind::Client, "{msg_id:?} is no client's");
        let known = session.is_some_and(|session| session.written.contains_key(&msg_id));
        if known {
            ensure!(letter.is_container, "{msg_id:?} is written again outside of a container");
        } else {
            ensure!(msg_id > last, "{msg_id:?} comes after {last:?}");
            last = msg_id;
        }
    }
    let Some(view) = view else { return Ok(()) };
    let (made, believed) = (letter.header.msg_id.unix_secs(), view.time.as_secs());
    ensure!(
        made + 151 >= believed && made <= believed + 31,
        "{:?} is written at believed time {believed}",
        letter.header.msg_id
    );
    Ok(())
}

/// 2: a container's id is above those within, its number not below; containers are not nested, not empty over
/// streams, at most 1020 messages long and within the size that servers take.
///
/// Reading a letter checks order, counts and nesting; here is what remains.
// spec: session 20 (2)
pub(super) fn containers_are_well_formed(_: &Book, fact: &Fact<'_>) -> Verdict {
    let Fact::Wrote { side, letter, .. } = fact else { return Ok(()) };
    if !letter.is_container {
        return Ok(());
    }
    let count = letter.notes.len();
    ensure!(*side == Side::Server || count >= 1, "an empty container");
    ensure!(count <= MESSAGES_MAX, "{count} messages in a container");
    ensure!(letter.bytes.len() <= PACKET_MAX, "a packet of {} bytes", letter.bytes.len());
    for (note, message) in letter.messages() {
        let nested = matches!(message, Message::Container(_));
        ensure!(!nested, "{:?} is a container in a container", note.msg_id);
    }
    Ok(())
}

/// 3: calls have odd numbers, acknowledgements even ones; an odd number is twice the odd ones before it plus one, an even one twice as many; a pair of id and number
/// is never used for another body.
// spec: session 20 (3)
pub(super) fn client_numbers_count(book: &Book, fact: &Fact<'_>) -> Verdict {
    let Fact::Wrote { side: Side::Client, client, letter, .. } = fact else { return Ok(()) };
    let session = book.session_of(*client, letter);
    for (note, message) in letter.messages() {
        match message {
            Message::MsgsAck(_) => ensure!(!note.is_odd(), "{note} asks for an acknowledgement"),
            Message::Object(_) => ensure!(note.is_odd(), "{note} asks for no acknowledgement"),
            _ => {}
        }
    }
    for note in &letter.notes {
        if let Some(known) = session.and_then(|session| session.written.get(&note.msg_id)) {
            ensure!(known.seq_no == note.seq_no, "{note} had number {:?}", known.seq_no);
            ensure!(known.body == hash(&note.body), "{note} had another body");
        }
    }
    let is_new = |msg_id| session.is_none_or(|session| !session.written.contains_key(&msg_id));
    count_numbers(letter, session.map_or(0, |session| session.odd), is_new)
}

/// 21: a server's ids are odd, and increase for new messages, over all links and all that it says outside of sessions.
// spec: session 20 (21)
pub(super) fn server_ids_increase(book: &Book, fact: &Fact<'_>) -> Verdict {
    let Fact::Wrote { side: Side::Server, letter, .. } = fact else { return Ok(()) };
    let session = book.incarnation_of(letter);
    let mut last = book.server.last;
    for (msg_id, seq_no) in letter.ids() {
        let is_servers = matches!(msg_id.kind(), MsgIdKind::Answer | MsgIdKind::Notice);
        ensure!(is_servers, "{msg_id:?} is no server's");
        let known = session.and_then(|session| session.written.get(&msg_id));
        if let Some((known, _)) = known {
            ensure!(*known == seq_no, "{msg_id:?} had number {known:?}");
        } else {
            ensure!(msg_id > last, "{msg_id:?} comes after {last:?}");
            last = msg_id;
        }
    }
    let Some(session) = session else { return Ok(()) };
    count_numbers(letter, session.odd, |msg_id| !session.written.contains_key(&msg_id))
}

/// 18: what is written can be read, and gives the same bytes again.
// spec: session 20 (18)
pub(super) fn messages_read_back(_: &Book, fact: &Fact<'_>) -> Verdict {
    let Fact::Wrote { letter, .. } = fact else { return Ok(()) };
    for note in &letter.notes {
        let Some(message) = note.message() else {
            return Err(format!("{note} cannot be read"));
        };
        ensure!(message.to_bytes() == note.body, "{note} is not what it was read as");
    }
    Ok(())
}

/// Checks the numbers of new messages, which count in the order of their ids.
fn count_numbers(letter: &Letter, mut odd: u32, is_new: impl Fn(MsgId) -> bool) -> Verdict {
    let mut new: Vec<(MsgId, SeqNo)> = letter.ids().filter(|(id, _)| is_new(*id)).collect();
    new.sort_unstable();
    for (msg_id, seq_no) in new {
        let is_odd = seq_no.as_raw() & 1 == 1;
        let expected = (odd << 1 | u32::from(is_odd)).cast_signed();
        ensure!(seq_no.as_raw() == expected, "{msg_id:?} has {seq_no:?} for {expected}");
        odd += u32::from(is_odd);
    }
    Ok(())
}

/// The most messages that we put into a container.
const MESSAGES_MAX: usize = 1020;
/// A packet with the longest container that servers take.
const PACKET_MAX: usize = 1_044_456 + 2048;
