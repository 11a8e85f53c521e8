//! Server salts.

use core::time::Duration;

use mtp_crypto::Side;
use mtp_env::UnixTime;
use mtp_session::service::Message;

use super::server::has_floor;
use super::{Verdict, ensure};
use crate::observer::{Fact, Observer, Outcome};

/// 24: the server accepts exactly two salts at every time, and none that is older than 3600 s. A client does not request
/// future salts that it knows.
// spec: session 20 (24)
pub(super) fn two_salts_are_accepted(observer: &Observer, fact: &Fact<'_>) -> Verdict {
    if let Fact::Sent { side: Side::Client, client, opened, view: Some(view), .. } = fact {
        let asks = |message| matches!(message, Message::GetFutureSalts(_));
        let known = observer.clients[*client].salts_until;
        let late = view.time.as_secs() >= known;
        let needed = late || !opened.parsed().any(|(_, message)| asks(message));
        ensure!(needed, "requests salts although they are known until {known}");
    }
    let Fact::Received { side: Side::Server, opened: Some(opened), outcome, .. } = fact else {
        return Ok(());
    };
    let (Some(salts), Some(secret)) =
        (observer.server.salts.get(&opened.key), &observer.server.secret)
    else {
        return Ok(());
    };
    let now = observer.server_now.unix;
    let before = now.as_nanos().saturating_sub(nanos(SALT_LIFE));
    let current = salts.current(secret, now);
    let previous = salts.current(secret, UnixTime::from_nanos(before));
    let fits = opened.header.salt == current || opened.header.salt == previous;
    match outcome {
        Outcome::Accepted => ensure!(fits, "{:?} is accepted", opened.header.salt),
        Outcome::Refused(48) => {
            let is_early = has_floor(observer, opened);
            ensure!(!fits || is_early, "{:?} is refused", opened.header.salt);
        }
        _ => {}
    }
    Ok(())
}

/// The time for which a salt is the current one.
const SALT_LIFE: Duration = Duration::from_secs(1800);

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
