//! What holds over restarts of the server.

use mtp_session::server::{ServerEvent, ServerSessionEvent};

use super::{Verdict, ensure};
use crate::observer::{End, Fact, Observer};

/// 28: no message id runs twice, before or after a restart of the server.
pub(super) fn a_message_runs_once(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::ServerEvent { event: ServerEvent::Session { session, event }, .. } = fact else {
        return Ok(());
    };
    let ServerSessionEvent::Call { id, .. } = event else { return Ok(()) };
    let again = observer.server.ran.contains(&(*session, id.msg_id()));
    ensure!(!again, "{id:?} of {session:?} runs again");
    Ok(())
}

/// 29: a key that a client has is in the store when the server is started again.
pub(super) fn an_acknowledged_key_is_kept(_: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::Started { lost } = fact else { return Ok(()) };
    ensure!(lost.is_none(), "a client has {lost:?}, and the store does not");
    Ok(())
}

/// 30: a call that the application journals takes effect once, and not at all only if its caller knows of no result.
pub(super) fn a_journaled_call_takes_effect_once(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::RunEnd { effects } = fact else { return Ok(()) };
    for (number, call) in &observer.calls {
        if !call.planned.spec.is_journaled() {
            continue;
        }
        let count = effects.get(number).copied().unwrap_or(0);
        ensure!(count <= 1, "call {number} took effect {count} times");
        let answered = call.end == Some(End::Result);
        ensure!(count == 1 || !answered, "call {number} was answered and took no effect");
    }
    Ok(())
}
