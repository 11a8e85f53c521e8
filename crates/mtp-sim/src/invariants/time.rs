//! The client's estimate of the server's time.

use mtp_crypto::{MsgId, Side};
use mtp_session::service::Message;

use super::{Verdict, ensure};
use crate::book::{Book, ClientSession, Context, Fact, Outcome, View};

/// 13: the estimate never moves on unverified input; it is only raised, except by what forces it.
// spec: session 20 (13)
pub(super) fn time_moves_by_verified_messages(book: &Book, fact: &Fact<'_>) -> Verdict {
    match fact {
        // Between packets nothing moves it but another key.
        Fact::Wrote { side: Side::Client, client, view: Some(view), .. } => {
            let client = &book.clients[*client];
            let known = client.view.filter(|_| !client.rekeyed);
            let moved = known.is_some_and(|known| known.shift_ns != view.shift_ns);
            ensure!(!moved, "time moved without a packet");
            Ok(())
        }
        Fact::Done { after: Some(after) } => {
            let Some((context, session)) = book.session_before() else { return Ok(()) };
            judge(context, session, *after)
        }
        _ => Ok(()),
    }
}

fn judge(context: &Context, session: &ClientSession, after: View) -> Verdict {
    let Some(before) = context.before else { return Ok(()) };
    let moved = after.shift_ns - before.shift_ns;
    let Some(letter) = context.letter.as_ref().filter(|_| context.outcome == Outcome::Taken) else {
        ensure!(moved == 0, "a packet that was not taken moved time by {moved} ns");
        return Ok(());
    };
    let (mut latest, mut forced) = (letter.header.msg_id.unix_secs(), false);
    for (note, message) in letter.messages() {
        let ours = |msg_id: &MsgId| session.written.contains_key(msg_id);
        let before_ours =
            |msg_id: &MsgId| ours(msg_id) && note.msg_id.unix_secs() + 15 < msg_id.unix_secs();
        latest = latest.max(note.msg_id.unix_secs());
        match message {
            Message::BadMsgNotification(bad) if matches!(bad.error_code, 16 | 17) => {
                forced |= ours(&bad.bad_msg_id);
            }
            Message::RpcResult(result) => forced |= before_ours(&result.req_msg_id),
            Message::Pong(pong) => forced |= before_ours(&pong.msg_id),
            Message::FutureSalts(salts) => latest = latest.max(salts.now.into()),
            _ => {}
        }
    }
    ensure!(moved >= 0 || forced, "time fell by {moved} ns for {letter}");
    let witness_ns = i128::from(latest) * 1_000_000_000;
    let believed_ns = i128::from(after.time.as_nanos());
    ensure!(
        moved <= 0 || forced || believed_ns <= witness_ns,
        "time rose by {moved} ns for {letter}"
    );
    Ok(())
}
