//! Sessions of a client: acknowledgments, refusals and replacement.

use core::time::Duration;

use mtp_crypto::{MsgId, Side};
use mtp_session::client::{ClientEvent, ClientSessionEvent, ResetCause};
use mtp_session::service::Message;
use mtp_session::session::Discard;

use super::{Verdict, ensure};
use crate::observer::{ClientSession, Context, Fact, Observer, Outcome};
use crate::opened_packet::OpenedPacket;

/// 7: only ids of received content-related messages are acknowledged. Each is acknowledged within the delay while a link
/// is up, and again for each duplicate.
// spec: session 20 (7)
pub(super) fn received_is_acknowledged(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    match fact {
        Fact::Sent { side: Side::Client, client, opened, .. } => {
            let session = observer.session_of(*client, opened);
            for (_, message) in opened.parsed() {
                let Message::MsgsAck(acks) = message else { continue };
                for msg_id in acks.msg_ids.iter() {
                    let received = session.and_then(|session| session.received.get(&msg_id));
                    ensure!(received.is_some(), "{msg_id:?} is acknowledged but was not received");
                    ensure!(
                        received == Some(&true),
                        "{msg_id:?} is acknowledged but requires no acknowledgment"
                    );
                }
            }
        }
        Fact::StepEnd => {
            for client in &observer.clients {
                let (Some(able), Some(current)) = (client.able_since, client.current) else {
                    continue;
                };
                let paired = client.links.values().any(|(_, kind)| kind.is_http());
                if client.links.is_empty() || paired {
                    // On HTTP links acknowledgments wait for a request.
                    continue;
                }
                let Some(session) = client.sessions.get(&current) else { continue };
                for (msg_id, at) in &session.owed {
                    let due = (*at).max(able) + observer.limits.ack_delay + SLACK;
                    ensure!(observer.at <= due, "{msg_id:?} is not acknowledged in time");
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// 8: a service message with unknown ids changes neither salt nor session.
// spec: session 20 (8)
pub(super) fn unknown_ids_change_nothing(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::Handled { after: Some(after) } = fact else { return Ok(()) };
    let of_client = |it: &&Context| it.side == Side::Client && !it.rekeyed;
    let Some(context) = observer.context.as_ref().filter(of_client) else { return Ok(()) };
    let Some(before) = context.before else { return Ok(()) };
    let changed = before.salt != after.salt;
    let nothing = ClientSession::default();
    let session = observer.session_before().map_or(&nothing, |(_, session)| session);
    let opened = context.opened.as_ref().filter(|_| context.outcome == Outcome::Accepted);
    let Some(opened) = opened else {
        ensure!(!changed, "a rejected packet changed the salt");
        ensure!(before.session == after.session, "a rejected packet replaced the session");
        return Ok(());
    };
    let ours = |msg_id: &MsgId| session.written.contains_key(msg_id);
    let named = opened.parsed().any(|(_, message)| match message {
        Message::BadServerSalt(bad) => ours(&bad.bad_msg_id),
        Message::FutureSalts(salts) => ours(&salts.req_msg_id),
        Message::NewSessionCreated(new) => ours(&new.first_msg_id),
        _ => false,
    });
    ensure!(!changed || named, "the salt changed for {opened}");
    Ok(())
}

/// 11: a new session counts from zero and reuses nothing of an old one.
// spec: session 20 (11)
pub(super) fn a_new_session_inherits_nothing(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::Sent { side: Side::Client, client, opened, .. } = fact else { return Ok(()) };
    let client = &observer.clients[*client];
    if client.current == Some(opened.header.session_id) {
        return Ok(());
    }
    let known = client.sessions.get(&opened.header.session_id);
    let over = known.is_some_and(|session| session.is_over);
    ensure!(!over, "an old session is used again: {opened}");
    let Some(old) = client.current.and_then(|old| client.sessions.get(&old)) else {
        return Ok(());
    };
    for (msg_id, _) in opened.ids().filter(|_| !client.ids_may_repeat) {
        ensure!(!old.written.contains_key(&msg_id), "{msg_id:?} was used in the previous session");
    }
    // Invariant 3 implies that sequence numbers begin at zero, invariant 7 that no old id is acknowledged.
    Ok(())
}

/// 12: a session is replaced only for a reason. A reconnection is not a reason; an unrecoverable refusal is.
// spec: session 20 (12)
pub(super) fn sessions_are_replaced_for_a_reason(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    match fact {
        Fact::ClientEvent {
            client,
            event: ClientEvent::Session(ClientSessionEvent::SessionReplaced { cause, .. }),
        } => {
            let context = observer.context.as_ref().filter(|it| it.side == Side::Client);
            let reason = match cause {
                ResetCause::BadMsg { code } => {
                    let refusal = observer.session_before().map(|(context, session)| {
                        refusals(context, session).any(|known| known == *code)
                    });
                    refusal == Some(true)
                }
                ResetCause::BelowFloor => context.is_some(),
                ResetCause::NewKey => observer.clients[*client].rekeyed,
                ResetCause::ClockSetBack => is_ahead(observer, *client),
                _ => false,
            };
            ensure!(reason, "the session was replaced without a reason: {cause:?}");
        }
        Fact::Handled { after: Some(after) } => {
            let Some((context, session)) = observer.session_before() else { return Ok(()) };
            let Some(before) = context.before else { return Ok(()) };
            let fatal = refusals(context, session).find(|code| FATAL.contains(code));
            let stayed = before.session == after.session;
            ensure!(
                !stayed || fatal.is_none(),
                "the session was not replaced after code {fatal:?}"
            );
        }
        Fact::Sent { side: Side::Client, client, view: Some(view), .. } => {
            let client = &observer.clients[*client];
            let Some(known) = client.view.filter(|_| !client.rekeyed) else { return Ok(()) };
            // The session may be replaced while a packet is built; its event precedes the packet.
            let announced = client.disruptions.last() == Some(&observer.at);
            ensure!(
                known.session == view.session || announced,
                "the session was replaced without an event"
            );
        }
        _ => {}
    }
    Ok(())
}

/// 17: unpacked bodies do not exceed the limit, and packed bodies are not nested.
// spec: session 20 (17)
pub(super) fn unpacking_is_bounded(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::ClientEvent { event: ClientEvent::Session(event), .. } = fact else { return Ok(()) };
    let (ClientSessionEvent::Result { body, .. } | ClientSessionEvent::Update { body }) = event
    else {
        return Ok(());
    };
    let max = observer.limits.client_unpacked_max;
    ensure!(body.len() <= max, "{} bytes were unpacked", body.len());
    ensure!(!body.starts_with(&GZIP_PACKED), "a packed body was delivered");
    Ok(())
}

/// Returns the codes of new refusals in a packet that name messages of the session.
fn refusals<'a>(
    context: &'a Context,
    session: &'a ClientSession,
) -> impl Iterator<Item = i32> + 'a {
    let opened: Option<&'a OpenedPacket> =
        context.opened.as_deref().filter(|_| context.outcome == Outcome::Accepted);
    let messages = opened.into_iter().flat_map(OpenedPacket::parsed);
    messages.filter_map(|(raw, message)| match message {
        Message::BadMsgNotification(bad) if session.written.contains_key(&bad.bad_msg_id) => {
            let unused = |(msg_id, why): &(MsgId, Discard)| {
                let outer = context.opened.as_ref().map(|opened| opened.header.msg_id);
                *why != Discard::Malformed && (*msg_id == raw.msg_id || Some(*msg_id) == outer)
            };
            (!context.discards.iter().any(unused)).then_some(bad.error_code)
        }
        _ => None,
    })
}

/// Returns `true` if a client's ids are so far ahead that the next one would be refused.
fn is_ahead(observer: &Observer, client: usize) -> bool {
    let client = &observer.clients[client];
    let last = client.current.and_then(|id| client.sessions.get(&id)).map(|session| session.last);
    match (last, client.view) {
        (Some(last), Some(view)) => last.unix_secs() > view.time.as_secs() + 20,
        // The client has resumed, and the wall clock may have been set in the meantime.
        (Some(_), None) => true,
        _ => false,
    }
}

/// Codes of refusals that require a new session.
const FATAL: [i32; 7] = [17, 18, 19, 32, 33, 34, 35];
/// `gzip_packed`
const GZIP_PACKED: [u8; 4] = [0xa1, 0xcf, 0x72, 0x30];
/// Maximum delay of an acknowledgment beyond the configured one.
const SLACK: Duration = Duration::from_secs(1);
