//! Links, timers and the amount of traffic.

use core::time::Duration;

use mtp_crypto::Side;

use super::{Verdict, ensure};
use crate::observer::{Fact, Observer};

/// 14: a client keeps at most the configured number of calls and does not flood its links, whatever the peer sends.
// spec: session 20 (14)
pub(super) fn traffic_is_bounded(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let Fact::Sent { side: Side::Client, client, view, .. } = fact else { return Ok(()) };
    let recent_packets = observer.clients[*client].recent_packets.len();
    ensure!(recent_packets <= PACKETS_PER_SECOND_MAX, "{recent_packets} packets within a second");
    let open = view.map_or(0, |view| view.calls_open);
    ensure!(open <= observer.limits.calls_max, "{open} open calls");
    Ok(())
}

/// 16: a timer does not fire repeatedly without effect, and a timer is set while calls are open.
// spec: session 20 (16)
pub(super) fn timers_make_progress(_: &Observer, fact: &Fact<'_>) -> Verdict {
    match fact {
        Fact::Spin { reason } => Err(format!("timer {reason:?} fires repeatedly without effect")),
        Fact::Stuck => Err("calls are open and a link is up, but no timer is set".to_owned()),
        _ => Ok(()),
    }
}

/// 27: a link with `ping_delay_disconnect` is closed after the requested delay, not earlier.
// spec: session 20 (27)
pub(super) fn silent_links_are_closed(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    let deadline = |link| {
        observer.server.disconnects.get(link).and_then(|sessions| sessions.values().min().copied())
    };
    match fact {
        Fact::ServerClosed { link } if !observer.server.faulty.contains(link) => {
            let Some(deadline) = deadline(link) else {
                return Err(format!("{link:?} was closed without a reason"));
            };
            ensure!(observer.at >= deadline, "{link:?} was closed before its deadline");
        }
        Fact::StepEnd => {
            for link in observer.server.disconnects.keys() {
                let late = deadline(link).is_some_and(|at| at + TOLERANCE < observer.at);
                ensure!(!late, "{link:?} is still open after its deadline");
            }
        }
        _ => {}
    }
    Ok(())
}

/// Maximum number of packets of a client per second.
const PACKETS_PER_SECOND_MAX: usize = 300;
/// Maximum delay of closing a link.
const TOLERANCE: Duration = Duration::from_secs(1);
