//! Links, timers, and how much is said.

use core::time::Duration;

use mtp_crypto::Side;

use super::{Verdict, ensure};
use crate::book::{Book, Fact};

/// 14: whatever a peer sends, a client holds no more calls than configured and does not flood its links.
// spec: session 20 (14)
pub(super) fn nobody_storms(book: &Book, fact: &Fact<'_>) -> Verdict {
    let Fact::Wrote { side: Side::Client, client, view, .. } = fact else { return Ok(()) };
    let lately = book.clients[*client].lately.len();
    ensure!(lately <= PACKETS_PER_SECOND_MAX, "{lately} packets within a second");
    let open = view.map_or(0, |view| view.calls_open);
    ensure!(open <= book.limits.calls_max, "{open} calls are held");
    Ok(())
}

/// 16: a timer does not fire again and again without effect; none is missing while something waits.
// spec: session 20 (16)
pub(super) fn timers_make_progress(_: &Book, fact: &Fact<'_>) -> Verdict {
    match fact {
        Fact::Spin { reason } => Err(format!("timer {reason:?} is due again and again")),
        Fact::Stuck => Err("calls are open, a link is up, and no timer is set".to_owned()),
        _ => Ok(()),
    }
}

/// 27: a link with `ping_delay_disconnect` is closed that much later, not earlier.
// spec: session 20 (27)
pub(super) fn silent_links_are_closed(book: &Book, fact: &Fact<'_>) -> Verdict {
    let deadline = |link| {
        book.server.disconnects.get(link).and_then(|sessions| sessions.values().min().copied())
    };
    match fact {
        Fact::ServerClosed { link } if !book.server.faulty.contains(link) => {
            let Some(deadline) = deadline(link) else {
                return Err(format!("{link:?} was closed without reason"));
            };
            ensure!(book.at >= deadline, "{link:?} was closed before its time");
        }
        Fact::Moment => {
            for link in book.server.disconnects.keys() {
                let late = deadline(link).is_some_and(|at| at + TOLERANCE < book.at);
                ensure!(!late, "{link:?} is still open after its time");
            }
        }
        _ => {}
    }
    Ok(())
}

/// No client has reason to write more packets in a second than this.
const PACKETS_PER_SECOND_MAX: usize = 300;
/// How late a link may be closed.
const TOLERANCE: Duration = Duration::from_secs(1);
