//! Calls and updates, end to end.

use core::time::Duration;
use std::collections::BTreeSet;

use mtp_crypto::Side;
use mtp_session::client::ClientEvent;
use mtp_session::server::ServerEvent;
use mtp_session::service::Message;
use mtp_session::session::{CallError, Event};

use super::{Verdict, ensure};
use crate::book::{Book, CallBook, End, Fact, Run};
use crate::workload::{Reply, error_of, update_number};

/// 4: every call ends exactly once, and one that was cancelled is not spoken of again.
// spec: session 20 (4)
pub(super) fn a_call_ends_once(book: &Book, fact: &Fact<'_>) -> Verdict {
    let Fact::ClientTold { client, event: ClientEvent::Session(event) } = fact else {
        return Ok(());
    };
    let (Event::Result { request, .. }
    | Event::RpcError { request, .. }
    | Event::Failed { request, .. }
    | Event::Delivered { request }
    | Event::QuickAcked { request }) = event
    else {
        return Ok(());
    };
    let Some(call) = book.call_of(*client, *request) else {
        return Err(format!("{request:?} was never made"));
    };
    let number = call.planned.order.number;
    ensure!(call.end.is_none(), "call {number} ended as {:?}, and then {event:?}", call.end);
    Ok(())
}

/// 5: a call ends by an answer; no acknowledgement ends it.
// spec: session 20 (5)
pub(super) fn only_answers_end_calls(book: &Book, fact: &Fact<'_>) -> Verdict {
    let Fact::ClientTold { client, event: ClientEvent::Session(event) } = fact else {
        return Ok(());
    };
    let (Event::Result { request, .. } | Event::RpcError { request, .. }) = event else {
        return Ok(());
    };
    let Some((context, session)) = book.session_before() else {
        return Err(format!("{request:?} was answered out of nothing"));
    };
    let letter = context.letter.as_ref().filter(|_| context.side == Side::Client);
    let number = book.clients[*client].requests.get(request);
    let answered = letter.is_some_and(|letter| {
        letter.messages().any(|(_, message)| match message {
            // Which call a packed one is cannot be told from its message.
            Message::RpcResult(result) => session
                .written
                .get(&result.req_msg_id)
                .is_some_and(|written| written.call.is_none_or(|call| Some(&call) == number)),
            _ => false,
        })
    });
    ensure!(answered && context.client == *client, "{request:?} was answered by no result");
    Ok(())
}

/// 6: an update is told to the application at most once.
// spec: session 20 (6)
pub(super) fn an_update_is_told_once(book: &Book, fact: &Fact<'_>) -> Verdict {
    let Fact::ClientTold { client, event: ClientEvent::Session(Event::Update { body }) } = fact
    else {
        return Ok(());
    };
    let Some(number) = update_number(body) else { return Ok(()) };
    if let Some(push) = book.pushes.get(&number) {
        ensure!(push.client == *client, "update {number} reached another client");
        let told = book.clients[*client].updates.contains(&number);
        ensure!(!told, "update {number} is told again");
    } else {
        let told = book.strange_updates.contains(&number);
        ensure!(!told, "strange update {number} is told again");
    }
    Ok(())
}

/// 9: a call that must not run twice never runs under two ids.
// spec: session 20 (9)
pub(super) fn a_once_call_runs_once(book: &Book, fact: &Fact<'_>) -> Verdict {
    let Some((call, session, msg_id)) = running(book, fact) else { return Ok(()) };
    // A packet that is overtaken arrives after its client was told that it never would: the protocol cannot
    // keep it from running then.
    if !call.planned.once || call.overtaken > 0 || book.is_overtaken(session, msg_id) {
        return Ok(());
    }
    let is_other = |run: &&Run| {
        (run.session, run.msg_id) != (session, msg_id) && !book.seems_never_received(run)
    };
    let other = call.runs.iter().find(is_other);
    let number = call.planned.order.number;
    ensure!(other.is_none(), "call {number} runs as {msg_id:?} after {other:?}");
    Ok(())
}

/// 10: when faults are over, every call ends within bounded time; what a server refuses is sent again at once.
// spec: session 20 (10)
pub(super) fn every_call_ends_in_time(book: &Book, fact: &Fact<'_>) -> Verdict {
    if !matches!(fact, Fact::Moment) {
        return Ok(());
    }
    for client in &book.clients {
        let Some(able) = client.able_since else { continue };
        if client.links.is_empty() || client.links.values().any(|(_, kind)| kind.is_http()) {
            continue;
        }
        for (number, at) in &client.refused {
            // A call that must wait for another one is not written yet.
            let waits = book.calls.get(number).is_some_and(|call| {
                let before = call.planned.after.and_then(|before| book.calls.get(&before));
                before.is_some_and(|before| before.end.is_none())
            });
            let due = (*at).max(able) + REPAIR_MAX;
            ensure!(waits || book.at <= due, "call {number} was refused and not sent again");
        }
    }
    let Some(healed) = book.healed_at else { return Ok(()) };
    for call in book.calls.values().filter(|call| call.end.is_none()) {
        let due = healed.max(call.made_at) + book.limits.patience;
        let number = call.planned.order.number;
        ensure!(book.at <= due, "call {number} has not ended long after all faults");
    }
    Ok(())
}

/// 26: end to end, every call ends as its order foretells, runs no more often than the protocol must allow, and
/// only after what it was to come after; every update arrives.
// spec: session 20 (26)
pub(super) fn what_was_asked_comes_true(book: &Book, fact: &Fact<'_>) -> Verdict {
    match fact {
        Fact::ClientTold { client, event: ClientEvent::Session(event) } => match event {
            Event::Result { request, body } => {
                let Some(call) = book.call_of(*client, *request) else { return Ok(()) };
                let foretold = call.planned.order.response();
                let right = foretold.as_deref() == Some(*body) && is_value(call);
                ensure!(right, "call {} got another's answer", call.planned.order.number);
            }
            Event::RpcError { request, error } => {
                let Some(call) = book.call_of(*client, *request) else { return Ok(()) };
                let (code, text) = (error.code(), error.message());
                ensure!(
                    may_fail_with(call, code, text),
                    "call {} got error {code} {text}",
                    call.planned.order.number
                );
            }
            Event::Failed { request, error } => {
                let Some(call) = book.call_of(*client, *request) else { return Ok(()) };
                judge_failure(book, call, *error)?;
            }
            _ => {}
        },
        Fact::ServerTold { .. } => judge_run(book, fact)?,
        Fact::End => judge_end(book)?,
        _ => {}
    }
    Ok(())
}

fn is_value(call: &CallBook) -> bool {
    call.planned.order.reply == Reply::Value && !call.planned.order.times_out()
}

fn may_fail_with(call: &CallBook, code: i32, text: &str) -> bool {
    let order = &call.planned.order;
    let foretold = match order.reply {
        Reply::Error(expected) => {
            let error = error_of(expected);
            (code, text) == (error.code(), error.message())
        }
        _ => false,
    };
    let timed_out = order.times_out() && (code, text) == (-503, "Timeout");
    // The server waits half a second for the call before; the client tries again, but not for ever.
    let waited = call.planned.after.is_some() && code == 400 && text.starts_with("MSG_WAIT_");
    foretold || timed_out || waited
}

/// Judges a call that ended without an answer.
fn judge_failure(book: &Book, call: &CallBook, error: CallError) -> Verdict {
    let client = &book.clients[call.planned.client];
    // Sessions are replaced only so often in a minute, whenever the call was made. Of a minute that the client
    // slept through its clock knows nothing.
    let minute = client.awake_since(book.at, Duration::from_secs(60)).min(call.made_at);
    let refusals = client.refusals.iter().filter(|at| **at >= minute).count();
    let upheavals = client.upheavals.iter().filter(|at| **at >= call.made_at).count();
    let number = call.planned.order.number;
    let excused = match error {
        CallError::MaybeExecuted => call.planned.once && (upheavals > 0 || is_upheaval(book)),
        // The client gave up only after it had been refused again and again.
        CallError::Refused { .. } => refusals >= book.limits.recoveries_max,
        _ => false,
    };
    ensure!(excused, "call {number} failed: {error}");
    Ok(())
}

/// Reports whether the packet that a client handles shakes what it knows of its calls.
fn is_upheaval(book: &Book) -> bool {
    let letter = book.context.as_ref().and_then(|context| context.letter.as_ref());
    letter.is_some_and(|letter| {
        letter.messages().any(|(_, message)| {
            matches!(message, Message::NewSessionCreated(_) | Message::BadMsgNotification(_))
        })
    })
}

/// Judges the beginning of a call at the server.
fn judge_run(book: &Book, fact: &Fact<'_>) -> Verdict {
    let Some((call, session, msg_id)) = running(book, fact) else { return Ok(()) };
    let number = call.planned.order.number;
    // Under one id a call runs again only where the server forgot that it had run.
    let mut ids: BTreeSet<_> = call.runs.iter().map(|run| (run.session, run.msg_id)).collect();
    ids.insert((session, msg_id));
    let upheavals = &book.clients[call.planned.client].upheavals;
    let unseen = call.runs.iter().filter(|run| book.seems_never_received(run)).count();
    let late = unseen + call.overtaken + usize::from(book.is_overtaken(session, msg_id));
    let excuses = late + upheavals.iter().filter(|at| **at >= call.made_at).count();
    ensure!(ids.len() <= 1 + excuses, "call {number} runs under {} ids", ids.len());
    judge_order(book, call)
}

/// A call runs only after the call that it comes after has succeeded, or is over for its application.
fn judge_order(book: &Book, call: &CallBook) -> Verdict {
    let Some(before) = call.planned.after.and_then(|before| book.calls.get(&before)) else {
        return Ok(());
    };
    let numbers = (call.planned.order.number, before.planned.order.number);
    let free = before.succeeded || before.end.is_some();
    ensure!(free, "call {} runs before {} has succeeded", numbers.0, numbers.1);
    Ok(())
}

fn judge_end(book: &Book) -> Verdict {
    for call in book.calls.values() {
        let number = call.planned.order.number;
        let Some(end) = call.end else { return Err(format!("call {number} never ended")) };
        let ran = !call.runs.is_empty();
        let answered = matches!(end, End::Result | End::Error(_));
        ensure!(ran || !answered || end == End::Error(400), "call {number} never ran: {end:?}");
    }
    match book.awaited_pushes().next() {
        Some(number) => Err(format!("update {number} never arrived")),
        None => Ok(()),
    }
}

/// Returns the call that begins to run at the server.
fn running<'a>(
    book: &'a Book,
    fact: &Fact<'_>,
) -> Option<(&'a CallBook, mtp_session::server::SessionName, mtp_crypto::MsgId)> {
    let Fact::ServerTold { event: ServerEvent::Session { session, event }, order } = fact else {
        return None;
    };
    let Event::Call { id, .. } = event else { return None };
    Some((book.calls.get(&(*order)?)?, *session, id.msg_id()))
}

/// How long a refused call may wait to be written again.
const REPAIR_MAX: Duration = Duration::from_secs(5);
