//! Calls and updates, end to end.

use core::time::Duration;
use std::collections::BTreeSet;

use mtp_crypto::Side;
use mtp_session::client::{CallError, ClientEvent, ClientSessionEvent};
use mtp_session::server::{ServerEvent, ServerSessionEvent};
use mtp_session::service::Message;

use super::{Verdict, ensure};
use crate::observer::{CallRecord, End, Fact, Observer, Run};
use crate::workload::{Reply, error_of, update_number};

/// 4: every call ends exactly once. There are no events of a cancelled call.
// spec: session 20 (4)
pub(super) fn a_call_ends_once(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::ClientEvent { client, event: ClientEvent::Session(event) } = fact else {
        return Ok(());
    };
    let (ClientSessionEvent::Result { request, .. }
    | ClientSessionEvent::RpcError { request, .. }
    | ClientSessionEvent::Failed { request, .. }
    | ClientSessionEvent::Delivered { request }
    | ClientSessionEvent::QuickAcked { request }) = event
    else {
        return Ok(());
    };
    let Some(call) = observer.call_of(*client, *request) else {
        return Err(format!("{request:?} was never made"));
    };
    let number = call.planned.spec.number;
    ensure!(call.end.is_none(), "call {number} ended with {:?} and then with {event:?}", call.end);
    Ok(())
}

/// 5: only an answer ends a call, not an acknowledgment.
// spec: session 20 (5)
pub(super) fn only_answers_end_calls(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::ClientEvent { client, event: ClientEvent::Session(event) } = fact else {
        return Ok(());
    };
    let (ClientSessionEvent::Result { request, .. } | ClientSessionEvent::RpcError { request, .. }) =
        event
    else {
        return Ok(());
    };
    let Some((context, session)) = observer.session_before() else {
        return Err(format!("{request:?} ended without a packet"));
    };
    let opened = context.opened.as_ref().filter(|_| context.side == Side::Client);
    let number = observer.clients[*client].requests.get(request);
    let answered = opened.is_some_and(|opened| {
        opened.parsed().any(|(_, message)| match message {
            // The number of a packed call is unknown.
            Message::RpcResult(result) => session
                .written
                .get(&result.req_msg_id)
                .is_some_and(|written| written.call.is_none_or(|call| Some(&call) == number)),
            _ => false,
        })
    });
    ensure!(answered && context.client == *client, "{request:?} ended without a result");
    Ok(())
}

/// 6: an update is delivered to the application at most once.
// spec: session 20 (6)
pub(super) fn an_update_is_delivered_once(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::ClientEvent {
        client,
        event: ClientEvent::Session(ClientSessionEvent::Update { body }),
    } = fact
    else {
        return Ok(());
    };
    let Some(number) = update_number(body) else { return Ok(()) };
    if let Some(push) = observer.pushes.get(&number) {
        ensure!(push.client == *client, "update {number} was delivered to another client");
        let delivered = observer.clients[*client].updates.contains(&number);
        ensure!(!delivered, "update {number} is delivered again");
    } else {
        let delivered = observer.strange_updates.contains(&number);
        ensure!(!delivered, "forged update {number} is delivered again");
    }
    Ok(())
}

/// 9: a call that must not run twice never runs under two ids.
// spec: session 20 (9)
pub(super) fn a_once_call_runs_once(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Some((call, session, msg_id)) = running(observer, fact) else { return Ok(()) };
    // An overtaken packet may arrive after the client has learned that it was not received. The protocol cannot prevent
    // that it runs.
    if !call.planned.once || call.overtaken > 0 || observer.is_overtaken(session, msg_id) {
        return Ok(());
    }
    let is_other = |run: &&Run| {
        (run.session, run.msg_id) != (session, msg_id) && !observer.seems_never_received(run)
    };
    let other = call.runs.iter().find(is_other);
    let number = call.planned.spec.number;
    ensure!(other.is_none(), "call {number} runs with id {msg_id:?} after {other:?}");
    Ok(())
}

/// 10: every call ends within bounded time after the last fault. Refused calls are resent at once.
// spec: session 20 (10)
pub(super) fn every_call_ends_in_time(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    if !matches!(fact, Fact::StepEnd) {
        return Ok(());
    }
    for client in &observer.clients {
        let Some(able) = client.able_since else { continue };
        if client.links.is_empty() || client.links.values().any(|(_, kind)| kind.is_http()) {
            continue;
        }
        for (number, at) in &client.refused {
            // A call that waits for another one is not sent yet.
            let waits = observer.calls.get(number).is_some_and(|call| {
                let before = call.planned.after.and_then(|before| observer.calls.get(&before));
                before.is_some_and(|before| before.end.is_none())
            });
            let due = (*at).max(able) + RESEND_MAX;
            ensure!(waits || observer.at <= due, "call {number} was refused and not resent");
        }
    }
    let Some(healed) = observer.healed_at else { return Ok(()) };
    for call in observer.calls.values().filter(|call| call.end.is_none()) {
        let due = healed.max(call.made_at) + observer.limits.call_end_max;
        let number = call.planned.spec.number;
        ensure!(observer.at <= due, "call {number} is still open long after the last fault");
    }
    Ok(())
}

/// 26: every call ends with the planned answer, runs no more often than the protocol must allow, and only after its
/// predecessor. Every update arrives.
// spec: session 20 (26)
pub(super) fn calls_end_as_planned(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    match fact {
        Fact::ClientEvent { client, event: ClientEvent::Session(event) } => match event {
            ClientSessionEvent::Result { request, body } => {
                let Some(call) = observer.call_of(*client, *request) else { return Ok(()) };
                let expected_answer = call.planned.spec.response();
                let right = expected_answer.as_deref() == Some(*body) && is_value(call);
                ensure!(right, "call {} has a wrong answer", call.planned.spec.number);
            }
            ClientSessionEvent::RpcError { request, error } => {
                let Some(call) = observer.call_of(*client, *request) else { return Ok(()) };
                let (code, text) = (error.code(), error.message());
                ensure!(
                    may_fail_with(call, code, text),
                    "call {} failed with error {code} {text}",
                    call.planned.spec.number
                );
            }
            ClientSessionEvent::Failed { request, error } => {
                let Some(call) = observer.call_of(*client, *request) else { return Ok(()) };
                check_failure(observer, call, *error)?;
            }
            _ => {}
        },
        Fact::ServerEvent { .. } => check_run(observer, fact)?,
        Fact::RunEnd { .. } => check_end(observer)?,
        _ => {}
    }
    Ok(())
}

fn is_value(call: &CallRecord) -> bool {
    call.planned.spec.reply == Reply::Value && !call.planned.spec.times_out()
}

fn may_fail_with(call: &CallRecord, code: i32, text: &str) -> bool {
    let spec = &call.planned.spec;
    let expected_answer = match spec.reply {
        Reply::Error(expected) => {
            let error = error_of(expected);
            (code, text) == (error.code(), error.message())
        }
        _ => false,
    };
    let timed_out = spec.times_out() && (code, text) == (-503, "Timeout");
    // The server waits half a second for the predecessor; the client retries a limited number of times.
    let waited = call.planned.after.is_some() && code == 400 && text.starts_with("MSG_WAIT_");
    expected_answer || timed_out || waited
}

/// Checks a call that ended without an answer.
fn check_failure(observer: &Observer, call: &CallRecord, error: CallError) -> Verdict {
    let client = &observer.clients[call.planned.client];
    // The limit of replaced sessions applies to a minute of the client's clock, which stops while the client sleeps.
    let minute = client.awake_since(observer.at, Duration::from_secs(60)).min(call.made_at);
    let refusals = client.refusals.iter().filter(|at| **at >= minute).count();
    let disruptions = client.disruptions.iter().filter(|at| **at >= call.made_at).count();
    let number = call.planned.spec.number;
    let excused = match error {
        CallError::MaybeExecuted => {
            call.planned.once && (disruptions > 0 || is_disruption(observer))
        }
        // The client gives up only after repeated refusals.
        CallError::Refused { .. } => refusals >= observer.limits.recoveries_max,
        _ => false,
    };
    ensure!(excused, "call {number} failed: {error}");
    Ok(())
}

/// Returns `true` if the packet that a client handles casts doubt on the state of its calls.
fn is_disruption(observer: &Observer) -> bool {
    let opened = observer.context.as_ref().and_then(|context| context.opened.as_ref());
    opened.is_some_and(|opened| {
        opened.parsed().any(|(_, message)| {
            matches!(
                message,
                Message::NewSessionCreated(_)
                    | Message::BadMsgNotification(_)
                    | Message::BadServerSalt(_)
            )
        })
    })
}

/// Checks a call that starts to run at the server.
fn check_run(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Some((call, session, msg_id)) = running(observer, fact) else { return Ok(()) };
    let number = call.planned.spec.number;
    // A call runs again with the same id only if the server has lost its session.
    let mut ids: BTreeSet<_> = call.runs.iter().map(|run| (run.session, run.msg_id)).collect();
    ids.insert((session, msg_id));
    let disruptions = &observer.clients[call.planned.client].disruptions;
    let unseen = call.runs.iter().filter(|run| observer.seems_never_received(run)).count();
    let late = unseen + call.overtaken + usize::from(observer.is_overtaken(session, msg_id));
    let excuses = late + disruptions.iter().filter(|at| **at >= call.made_at).count();
    ensure!(ids.len() <= 1 + excuses, "call {number} runs with {} ids", ids.len());
    check_order(observer, call)
}

/// A call runs only after its predecessor has succeeded or ended for its application.
fn check_order(observer: &Observer, call: &CallRecord) -> Verdict {
    let Some(before) = call.planned.after.and_then(|before| observer.calls.get(&before)) else {
        return Ok(());
    };
    let numbers = (call.planned.spec.number, before.planned.spec.number);
    let free = before.succeeded || before.end.is_some();
    ensure!(free, "call {} runs before its predecessor {} has succeeded", numbers.0, numbers.1);
    Ok(())
}

fn check_end(observer: &Observer) -> Verdict {
    for call in observer.calls.values() {
        let number = call.planned.spec.number;
        let Some(end) = call.end else { return Err(format!("call {number} never ended")) };
        let ran = !call.runs.is_empty();
        let answered = matches!(end, End::Result | End::Error(_));
        ensure!(ran || !answered || end == End::Error(400), "call {number} never ran: {end:?}");
    }
    match observer.awaited_pushes().next() {
        Some(number) => Err(format!("update {number} never arrived")),
        None => Ok(()),
    }
}

/// Returns the call that starts to run at the server.
fn running<'a>(
    observer: &'a Observer,
    fact: &Fact<'_>,
) -> Option<(&'a CallRecord, mtp_session::server::SessionName, mtp_crypto::MsgId)> {
    let Fact::ServerEvent { event: ServerEvent::Session { session, event }, call } = fact else {
        return None;
    };
    let ServerSessionEvent::Call { id, .. } = event else { return None };
    Some((observer.calls.get(&(*call)?)?, *session, id.msg_id()))
}

/// Maximum time until a refused call is resent: a client pauses for up to 12.8 seconds after refusals in a row.
const RESEND_MAX: Duration = Duration::from_secs(15);
