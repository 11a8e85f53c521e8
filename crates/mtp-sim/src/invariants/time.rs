//! The client's estimate of server time.

use mtp_crypto::{MsgId, Side};
use mtp_session::service::Message;

use super::{Verdict, ensure};
use crate::observer::{ClientSession, Context, Fact, Observer, Outcome, View};

/// 13: unverified input never moves the estimate. Only certain messages lower it.
// spec: session 20 (13)
pub(super) fn only_verified_messages_move_the_time(
    observer: &Observer,
    fact: &Fact<'_>,
) -> Verdict {
    match fact {
        // Between packets, only another key moves the estimate.
        Fact::Sent { side: Side::Client, client, view: Some(view), .. } => {
            let client = &observer.clients[*client];
            let known = client.view.filter(|_| !client.rekeyed);
            let moved = known.is_some_and(|known| known.shift_ns != view.shift_ns);
            ensure!(!moved, "the estimate moved without a packet");
            Ok(())
        }
        Fact::Handled { after: Some(after) } => {
            let Some((context, session)) = observer.session_before() else { return Ok(()) };
            check(context, session, *after)
        }
        _ => Ok(()),
    }
}

fn check(context: &Context, session: &ClientSession, after: View) -> Verdict {
    let Some(before) = context.before else { return Ok(()) };
    let moved = after.shift_ns - before.shift_ns;
    let Some(opened) = context.opened.as_ref().filter(|_| context.outcome == Outcome::Accepted)
    else {
        ensure!(moved == 0, "a rejected packet moved the estimate by {moved} ns");
        return Ok(());
    };
    let (mut latest, mut forced) = (opened.header.msg_id.unix_secs(), false);
    for (raw, message) in opened.parsed() {
        let ours = |msg_id: &MsgId| session.written.contains_key(msg_id);
        let before_ours =
            |msg_id: &MsgId| ours(msg_id) && raw.msg_id.unix_secs() + 15 < msg_id.unix_secs();
        latest = latest.max(raw.msg_id.unix_secs());
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
    ensure!(moved >= 0 || forced, "the estimate fell by {moved} ns after {opened}");
    let witness_ns = i128::from(latest) * 1_000_000_000;
    let believed_ns = i128::from(after.time.as_nanos());
    ensure!(
        moved <= 0 || forced || believed_ns <= witness_ns,
        "the estimate rose by {moved} ns after {opened}"
    );
    Ok(())
}
