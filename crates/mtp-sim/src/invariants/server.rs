//! Sessions of the server.

use mtp_crypto::{MsgId, MsgIdKind, Side};
use mtp_session::link::LinkId;
use mtp_session::server::{ServerEvent, ServerSessionEvent};
use mtp_session::service::{Meaning, Message, MessageState};

use super::{Verdict, ensure};
use crate::observer::{Fact, Observer, Outcome, hash};
use crate::opened_packet::{OpenedPacket, PacketMessage};

/// 19: a call runs at most once per session and id. It has one answer, which may be resent unchanged.
// spec: session 20 (19)
pub(super) fn a_call_is_answered_once(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    match fact {
        Fact::ServerEvent { event: ServerEvent::Session { session, event }, .. } => {
            let ServerSessionEvent::Call { id, .. } = event else { return Ok(()) };
            let known = observer.server.sessions.get(session);
            let again = known.is_some_and(|session| session.executed.contains(&id.msg_id()));
            ensure!(!again, "{id:?} runs again");
        }
        Fact::Sent { side: Side::Server, opened, .. } => {
            let Some(session) = observer.incarnation_of(opened) else { return Ok(()) };
            for (raw, message) in opened.parsed() {
                let Message::RpcResult(result) = message else { continue };
                let is_drop = mtp_session::service::DropAnswer::parse(&result.result.0).is_some();
                let before = session.results.get(&result.req_msg_id);
                let same = before.is_none_or(|before| *before == raw.msg_id);
                ensure!(same || is_drop, "{:?} is answered twice", result.req_msg_id);
            }
        }
        _ => {}
    }
    Ok(())
}

/// 20: content-related messages are resent unchanged until they are acknowledged; others are sent once.
// spec: session 20 (20)
pub(super) fn messages_stay_until_acknowledged(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::Sent { side: Side::Server, opened, .. } = fact else { return Ok(()) };
    let Some(session) = observer.incarnation_of(opened) else { return Ok(()) };
    for raw in &opened.messages {
        let Some((_, body)) = session.written.get(&raw.msg_id) else { continue };
        ensure!(raw.is_odd(), "{raw} is resent");
        ensure!(opened.is_container, "{raw} is resent outside of a container");
        ensure!(!session.acked.contains(&raw.msg_id), "{raw} is resent after its acknowledgment");
        ensure!(*body == hash(&raw.body), "{raw} had another body before");
    }
    Ok(())
}

/// 22: packets that fail the checks of the gate leave no state and cause no call. No packet fails them without a reason.
// spec: session 20 (22)
pub(super) fn refused_packets_leave_no_state(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    match fact {
        Fact::Handled { .. } => {
            let Some(context) = observer.context.as_ref().filter(|it| it.side == Side::Server)
            else {
                return Ok(());
            };
            if context.outcome != Outcome::Accepted {
                ensure!(context.calls == 0, "a refused packet caused calls");
            }
            if matches!(context.outcome, Outcome::Refused(_)) {
                // A packet with a salt of this run begins a session, even if an earlier run may have received it.
                let begins = context.outcome == Outcome::Refused(48)
                    && context.opened.as_ref().is_some_and(|opened| has_floor(observer, opened));
                ensure!(begins || context.new_sessions == 0, "a refused packet created a session");
            }
        }
        Fact::Received { side: Side::Server, opened: Some(opened), outcome, .. } => {
            let now = observer.server_now.unix.as_secs();
            let made = opened.header.msg_id.unix_secs();
            let is_clients = opened.header.msg_id.kind() == MsgIdKind::Client;
            match outcome {
                // The tolerance of a second is due to rounding.
                Outcome::Accepted => {
                    let valid = is_clients && made + 301 >= now && made <= now + 31;
                    ensure!(valid, "{:?} is accepted at {now}", opened.header.msg_id);
                }
                Outcome::Refused(16) => {
                    ensure!(made + 299 <= now, "code 16 for an id of {made} at {now}");
                }
                Outcome::Refused(17) => {
                    ensure!(made >= now + 29, "code 17 for an id of {made} at {now}");
                }
                Outcome::Refused(18) => {
                    ensure!(!is_clients, "code 18 for {:?}", opened.header.msg_id);
                }
                _ => {}
            }
        }
        Fact::Received { side: Side::Server, opened: None, outcome, .. } => {
            ensure!(*outcome != Outcome::Accepted, "a forged packet is accepted");
        }
        _ => {}
    }
    Ok(())
}

/// Returns `true` if an earlier run of the server may have received a packet.
pub(super) fn has_floor(observer: &Observer, opened: &OpenedPacket) -> bool {
    let id = opened.header.msg_id;
    observer.floor(opened.key, id) == Some(id)
}

/// 23: `new_session_created` is the first message of a session. It is repeated only with a lower first id and the same
/// unique id.
// spec: session 20 (23)
pub(super) fn new_session_created_comes_first(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::Sent { side: Side::Server, opened, client, link, .. } = fact else { return Ok(()) };
    let Some(session) = observer.incarnation_of(opened) else {
        ensure!(opened.is_refusal(), "{opened} is sent outside of a session");
        return Ok(());
    };
    // Refusals and HTTP responses may be faster on another link.
    let has_content = opened.messages.iter().any(PacketMessage::is_odd);
    // Refusals do not wait for the session.
    let refuses = opened.is_refusal();
    if !session.greeted && !refuses && (has_content || !is_http(observer, *client, *link)) {
        let first = opened.messages.iter().min_by_key(|raw| raw.msg_id);
        let greets = first.and_then(PacketMessage::parse);
        let Some(Message::NewSessionCreated(new)) = greets else {
            return Err(format!("first packet of a session: {opened}"));
        };
        // A message with a lower id may have arrived before the announcement was sent.
        let right = session.lowest.is_some_and(|lowest| new.first_msg_id <= lowest);
        ensure!(right, "{opened} announces a session from {:?}", session.lowest);
    }
    for (raw, message) in opened.parsed() {
        let Message::NewSessionCreated(new) = message else { continue };
        if session.written.contains_key(&raw.msg_id) {
            continue;
        }
        let same = session.unique_id.is_none_or(|known| known == new.unique_id);
        ensure!(same, "a session has two unique ids");
        let lower = session.first.is_none_or(|first: MsgId| new.first_msg_id < first);
        ensure!(lower, "{raw} is repeated without a lower id");
    }
    Ok(())
}

/// 25: `msgs_state_info` has one valid byte for each requested id.
// spec: session 20 (25)
pub(super) fn state_info_is_complete(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::Sent { side: Side::Server, opened, .. } = fact else { return Ok(()) };
    let Some(session) = observer.incarnation_of(opened) else { return Ok(()) };
    for (raw, message) in opened.parsed() {
        let Message::MsgsStateInfo(info) = message else { continue };
        let asked = session.asked.get(&info.req_msg_id);
        ensure!(asked == Some(&info.info.len()), "{raw} answers a request for {asked:?} ids");
        for byte in info.info {
            let state = MessageState::from_byte(*byte);
            let bare = state.meaning() != Meaning::NotReceived || *byte <= 3;
            let legal = state.meaning() != Meaning::Invalid && bare;
            ensure!(legal, "{raw} has invalid state {byte:#x}");
        }
    }
    Ok(())
}

/// Returns `true` for HTTP links.
fn is_http(observer: &Observer, client: usize, link: LinkId) -> bool {
    let links = &observer.clients[client].links;
    // A link that the client has closed is unknown here.
    links.get(&link).is_none_or(|(_, kind)| kind.is_http())
}
