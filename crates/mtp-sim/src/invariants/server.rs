//! The server's side of sessions.

use mtp_crypto::{MsgId, MsgIdKind, Side};
use mtp_session::LinkId;
use mtp_session::server::ServerEvent;
use mtp_session::service::{Meaning, Message, MessageState};
use mtp_session::session::Event;

use super::{Verdict, ensure};
use crate::book::{Book, Fact, Outcome, hash};
use crate::letter::Note;

/// 19: a call runs at most once per session and id; it gets one answer, and identical repetitions of it.
// spec: session 20 (19)
pub(super) fn a_call_is_answered_once(book: &Book, fact: &Fact<'_>) -> Verdict {
    match fact {
        Fact::ServerTold { event: ServerEvent::Session { session, event }, .. } => {
            let Event::Call { id, .. } = event else { return Ok(()) };
            let known = book.server.sessions.get(session);
            let again = known.is_some_and(|session| session.executed.contains(&id.msg_id()));
            ensure!(!again, "{id:?} runs again");
        }
        Fact::Wrote { side: Side::Server, letter, .. } => {
            let Some(session) = book.incarnation_of(letter) else { return Ok(()) };
            for (note, message) in letter.messages() {
                let Message::RpcResult(result) = message else { continue };
                let is_drop = mtp_session::service::DropAnswer::parse(&result.result.0).is_some();
                let before = session.results.get(&result.req_msg_id);
                let same = before.is_none_or(|before| *before == note.msg_id);
                ensure!(same || is_drop, "{:?} is answered twice", result.req_msg_id);
            }
        }
        _ => {}
    }
    Ok(())
}

/// 20: messages that must be acknowledged are repeated as they were until they are; others are written once.
// spec: session 20 (20)
pub(super) fn messages_stay_until_acknowledged(book: &Book, fact: &Fact<'_>) -> Verdict {
    let Fact::Wrote { side: Side::Server, letter, .. } = fact else { return Ok(()) };
    let Some(session) = book.incarnation_of(letter) else { return Ok(()) };
    for note in &letter.notes {
        let Some((_, body)) = session.written.get(&note.msg_id) else { continue };
        ensure!(note.is_odd(), "{note} is written again");
        ensure!(letter.is_container, "{note} is written again outside of a container");
        ensure!(!session.acked.contains(&note.msg_id), "{note} is written again once acknowledged");
        ensure!(*body == hash(&note.body), "{note} had another body");
    }
    Ok(())
}

/// 22: packets that fail the checks before a session leave no state and cause no call; those that pass them do
/// not deserve to fail.
// spec: session 20 (22)
pub(super) fn refused_packets_leave_nothing(book: &Book, fact: &Fact<'_>) -> Verdict {
    match fact {
        Fact::Done { .. } => {
            let Some(context) = book.context.as_ref().filter(|it| it.side == Side::Server) else {
                return Ok(());
            };
            if context.outcome != Outcome::Taken {
                ensure!(context.calls == 0, "a refused packet made calls");
            }
            if matches!(context.outcome, Outcome::Screened(_)) {
                ensure!(context.new_sessions == 0, "a refused packet made a session");
            }
        }
        Fact::Took { side: Side::Server, letter: Some(letter), outcome, .. } => {
            let now = book.server_now.unix.as_secs();
            let made = letter.header.msg_id.unix_secs();
            let is_clients = letter.header.msg_id.kind() == MsgIdKind::Client;
            match outcome {
                // Whole seconds cannot tell the boundaries.
                Outcome::Taken => {
                    let valid = is_clients && made + 301 >= now && made <= now + 31;
                    ensure!(valid, "{:?} is taken at {now}", letter.header.msg_id);
                }
                Outcome::Screened(16) => {
                    ensure!(made + 299 <= now, "16 for an id of {made} at {now}");
                }
                Outcome::Screened(17) => {
                    ensure!(made >= now + 29, "17 for an id of {made} at {now}");
                }
                Outcome::Screened(18) => ensure!(!is_clients, "18 for {:?}", letter.header.msg_id),
                _ => {}
            }
        }
        Fact::Took { side: Side::Server, letter: None, outcome, .. } => {
            ensure!(*outcome != Outcome::Taken, "a packet that nobody wrote is taken");
        }
        _ => {}
    }
    Ok(())
}

/// 23: `new_session_created` precedes everything else in a new session; it is said again only for lower ids,
/// with the same unique id.
// spec: session 20 (23)
pub(super) fn a_session_begins_with_its_greeting(book: &Book, fact: &Fact<'_>) -> Verdict {
    let Fact::Wrote { side: Side::Server, letter, client, link, .. } = fact else { return Ok(()) };
    let Some(session) = book.incarnation_of(letter) else {
        let alone = letter.notes.len() == 1 && !letter.is_container;
        let refusal = letter.messages().all(|(_, message)| {
            matches!(message, Message::BadMsgNotification(_) | Message::BadServerSalt(_))
        });
        ensure!(alone && refusal, "{letter} is written outside of a session");
        return Ok(());
    };
    // On another link of the session something may be faster: a refusal, or an answer to an HTTP request.
    let has_content = letter.notes.iter().any(Note::is_odd);
    if !session.greeted && (has_content || !is_http(book, *client, *link)) {
        let first = letter.notes.iter().min_by_key(|note| note.msg_id);
        let greets = first.and_then(Note::message);
        let Some(Message::NewSessionCreated(new)) = greets else {
            return Err(format!("a session begins with {letter}"));
        };
        // A lower one may have come before the greeting could be written.
        let right = session.lowest.is_some_and(|lowest| new.first_msg_id <= lowest);
        ensure!(right, "{letter} greets {:?}", session.lowest);
    }
    for (note, message) in letter.messages() {
        let Message::NewSessionCreated(new) = message else { continue };
        if session.written.contains_key(&note.msg_id) {
            continue;
        }
        let same = session.unique_id.is_none_or(|known| known == new.unique_id);
        ensure!(same, "a session has two unique ids");
        let lower = session.first.is_none_or(|first: MsgId| new.first_msg_id < first);
        ensure!(lower, "{note} is said again");
    }
    Ok(())
}

/// 25: `msgs_state_info` has one byte for each id asked about, and each byte is a legal one.
// spec: session 20 (25)
pub(super) fn states_are_told_in_full(book: &Book, fact: &Fact<'_>) -> Verdict {
    let Fact::Wrote { side: Side::Server, letter, .. } = fact else { return Ok(()) };
    let Some(session) = book.incarnation_of(letter) else { return Ok(()) };
    for (note, message) in letter.messages() {
        let Message::MsgsStateInfo(info) = message else { continue };
        let asked = session.asked.get(&info.req_msg_id);
        ensure!(asked == Some(&info.info.len()), "{note} answers a question for {asked:?} ids");
        for byte in info.info {
            let state = MessageState::from_byte(*byte);
            let bare = state.meaning() != Meaning::NotReceived || *byte <= 3;
            let legal = state.meaning() != Meaning::Invalid && bare;
            ensure!(legal, "{note} says {byte:#x}");
        }
    }
    Ok(())
}

/// Reports whether a link is one on which every packet answers another.
fn is_http(book: &Book, client: usize, link: LinkId) -> bool {
    let links = &book.clients[client].links;
    // One that the client has given up already is not known any more.
    links.get(&link).is_none_or(|(_, kind)| kind.is_http())
}
