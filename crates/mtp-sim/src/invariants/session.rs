//! One session of a client: acknowledgements, refusals, the change to another session.

use core::time::Duration;

use mtp_crypto::{MsgId, Side};
use mtp_session::client::ClientEvent;
use mtp_session::service::Message;
use mtp_session::session::{Discard, Event, ResetCause};

use super::{Verdict, ensure};
use crate::book::{Book, ClientSession, Context, Fact, Outcome};
use crate::letter::Letter;

/// 7: an id is acknowledged only if a message with it was received and its number is odd; every such message is
/// acknowledged within the delay while a link is up, and again for every duplicate.
// spec: session 20 (7)
pub(super) fn received_is_acknowledged(book: &Book, fact: &Fact<'_>) -> Verdict {
    match fact {
        Fact::Wrote { side: Side::Client, client, letter, .. } => {
            let session = book.session_of(*client, letter);
            for (_, message) in letter.messages() {
                let Message::MsgsAck(acks) = message else { continue };
                for msg_id in acks.msg_ids.iter() {
                    let received = session.and_then(|session| session.received.get(&msg_id));
                    ensure!(received.is_some(), "{msg_id:?} is acknowledged unseen");
                    ensure!(received == Some(&true), "{msg_id:?} is acknowledged for nothing");
                }
            }
        }
        Fact::Moment => {
            for client in &book.clients {
                let (Some(able), Some(current)) = (client.able_since, client.current) else {
                    continue;
                };
                let paired = client.links.values().any(|(_, kind)| kind.is_http());
                if client.links.is_empty() || paired {
                    // Packets wait for the answers to others there.
                    continue;
                }
                let Some(session) = client.sessions.get(&current) else { continue };
                for (msg_id, at) in &session.owed {
                    let due = (*at).max(able) + book.limits.ack_delay + SLACK;
                    ensure!(book.at <= due, "{msg_id:?} is not acknowledged");
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// 8: a service message that names nothing of ours changes neither salt nor session.
// spec: session 20 (8)
pub(super) fn strangers_change_nothing(book: &Book, fact: &Fact<'_>) -> Verdict {
    let Fact::Done { after: Some(after) } = fact else { return Ok(()) };
    let of_client = |it: &&Context| it.side == Side::Client && !it.rekeyed;
    let Some(context) = book.context.as_ref().filter(of_client) else { return Ok(()) };
    let Some(before) = context.before else { return Ok(()) };
    let changed = before.salt != after.salt;
    let nothing = ClientSession::default();
    let session = book.session_before().map_or(&nothing, |(_, session)| session);
    let letter = context.letter.as_ref().filter(|_| context.outcome == Outcome::Taken);
    let Some(letter) = letter else {
        ensure!(!changed, "a packet that was not taken changed the salt");
        ensure!(before.session == after.session, "a packet that was not taken ended the session");
        return Ok(());
    };
    let ours = |msg_id: &MsgId| session.written.contains_key(msg_id);
    let named = letter.messages().any(|(_, message)| match message {
        Message::BadServerSalt(bad) => ours(&bad.bad_msg_id),
        Message::FutureSalts(salts) => ours(&salts.req_msg_id),
        Message::NewSessionCreated(new) => ours(&new.first_msg_id),
        _ => false,
    });
    ensure!(!changed || named, "the salt changed for {letter}");
    Ok(())
}

/// 11: a new session counts from zero, and nothing of an old one is written in it or after it.
// spec: session 20 (11)
pub(super) fn a_new_session_takes_nothing_over(book: &Book, fact: &Fact<'_>) -> Verdict {
    let Fact::Wrote { side: Side::Client, client, letter, .. } = fact else { return Ok(()) };
    let client = &book.clients[*client];
    if client.current == Some(letter.header.session_id) {
        return Ok(());
    }
    let known = client.sessions.get(&letter.header.session_id);
    let over = known.is_some_and(|session| session.is_over);
    ensure!(!over, "a session that is over is used again: {letter}");
    let Some(old) = client.current.and_then(|old| client.sessions.get(&old)) else {
        return Ok(());
    };
    for (msg_id, _) in letter.ids().filter(|_| !client.is_set_back) {
        ensure!(!old.written.contains_key(&msg_id), "{msg_id:?} was used in the session before");
    }
    // That numbers begin at zero follows from invariant 3, that no old id is acknowledged from 7.
    Ok(())
}

/// 12: a session changes only for a reason, of which a reconnection is none; and it does change when nothing
/// else can mend it.
// spec: session 20 (12)
pub(super) fn sessions_change_for_a_reason(book: &Book, fact: &Fact<'_>) -> Verdict {
    match fact {
        Fact::ClientTold {
            client,
            event: ClientEvent::Session(Event::SessionReplaced { cause, .. }),
        } => {
            let context = book.context.as_ref().filter(|it| it.side == Side::Client);
            let reason = match cause {
                ResetCause::BadMsg { code } => {
                    let refusal = book.session_before().map(|(context, session)| {
                        refusals(context, session).any(|known| known == *code)
                    });
                    refusal == Some(true)
                }
                ResetCause::BelowFloor => context.is_some(),
                ResetCause::NewKey => book.clients[*client].rekeyed,
                ResetCause::ClockSetBack => is_ahead(book, *client),
                _ => false,
            };
            ensure!(reason, "the session was replaced for no reason: {cause:?}");
        }
        Fact::Done { after: Some(after) } => {
            let Some((context, session)) = book.session_before() else { return Ok(()) };
            let Some(before) = context.before else { return Ok(()) };
            let fatal = refusals(context, session).find(|code| FATAL.contains(code));
            let stayed = before.session == after.session;
            ensure!(!stayed || fatal.is_none(), "the session survived code {fatal:?}");
        }
        Fact::Wrote { side: Side::Client, client, view: Some(view), .. } => {
            let client = &book.clients[*client];
            let Some(known) = client.view.filter(|_| !client.rekeyed) else { return Ok(()) };
            // Writing replaces a session too, and says so before it is asked for the packet again.
            let told = client.upheavals.last() == Some(&book.at);
            ensure!(known.session == view.session || told, "the session was replaced silently");
        }
        _ => {}
    }
    Ok(())
}

/// 17: what is unpacked stays within the limit, and nothing is unpacked twice.
// spec: session 20 (17)
pub(super) fn unpacking_is_bounded(book: &Book, fact: &Fact<'_>) -> Verdict {
    let Fact::ClientTold { event: ClientEvent::Session(event), .. } = fact else { return Ok(()) };
    let (Event::Result { body, .. } | Event::Update { body }) = event else { return Ok(()) };
    let max = book.limits.client_unpacked_max;
    ensure!(body.len() <= max, "{} bytes were unpacked", body.len());
    ensure!(!body.starts_with(&GZIP_PACKED), "something packed was told");
    Ok(())
}

/// Returns the codes of the refusals in a packet that name something of the session's, and are new.
fn refusals<'a>(
    context: &'a Context,
    session: &'a ClientSession,
) -> impl Iterator<Item = i32> + 'a {
    let letter: Option<&'a Letter> =
        context.letter.as_deref().filter(|_| context.outcome == Outcome::Taken);
    let messages = letter.into_iter().flat_map(Letter::messages);
    messages.filter_map(|(note, message)| match message {
        Message::BadMsgNotification(bad) if session.written.contains_key(&bad.bad_msg_id) => {
            let unused = |(msg_id, why): &(MsgId, Discard)| {
                let outer = context.letter.as_ref().map(|letter| letter.header.msg_id);
                *why != Discard::Malformed && (*msg_id == note.msg_id || Some(*msg_id) == outer)
            };
            (!context.discards.iter().any(unused)).then_some(bad.error_code)
        }
        _ => None,
    })
}

/// Reports whether a client's ids are so far ahead that the next would be refused.
fn is_ahead(book: &Book, client: usize) -> bool {
    let client = &book.clients[client];
    let last = client.current.and_then(|id| client.sessions.get(&id)).map(|session| session.last);
    match (last, client.view) {
        (Some(last), Some(view)) => last.unix_secs() > view.time.as_secs() + 20,
        // It has just been resumed, and the wall clock may have been set in between.
        (Some(_), None) => true,
        _ => false,
    }
}

/// Refusals that nothing but a new session mends.
const FATAL: [i32; 7] = [17, 18, 19, 32, 33, 34, 35];
/// `gzip_packed`
const GZIP_PACKED: [u8; 4] = [0xa1, 0xcf, 0x72, 0x30];
/// How late an acknowledgement may be.
const SLACK: Duration = Duration::from_secs(1);
