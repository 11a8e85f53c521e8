//! The server's salts.

use core::time::Duration;

use mtp_crypto::Side;
use mtp_env::UnixTime;
use mtp_session::service::Message;

use super::{Verdict, ensure};
use crate::book::{Book, Fact, Outcome};

/// 24: a client that knows the salts to come does not ask for them, and what the server accepts is this: at every time exactly two salts are accepted; after 3600 s a salt never is.
// spec: session 20 (24)
pub(super) fn two_salts_are_accepted(book: &Book, fact: &Fact<'_>) -> Verdict {
    if let Fact::Wrote { side: Side::Client, client, letter, view: Some(view), .. } = fact {
        let asks = |message| matches!(message, Message::GetFutureSalts(_));
        let known = book.clients[*client].salts_until;
        let late = view.time.as_secs() >= known;
        let needed = late || !letter.messages().any(|(_, message)| asks(message));
        ensure!(needed, "salts are asked for that are known until {known}");
    }
    let Fact::Took { side: Side::Server, letter: Some(letter), outcome, .. } = fact else {
        return Ok(());
    };
    let (Some(salts), Some(secret)) = (book.server.salts.get(&letter.key), &book.server.secret)
    else {
        return Ok(());
    };
    let now = book.server_now.unix;
    let before = now.as_nanos().saturating_sub(nanos(SALT_LIFE));
    let current = salts.current(secret, now);
    let previous = salts.current(secret, UnixTime::from_nanos(before));
    let fits = letter.header.salt == current || letter.header.salt == previous;
    match outcome {
        Outcome::Taken => ensure!(fits, "{:?} is accepted", letter.header.salt),
        Outcome::Screened(48) => ensure!(!fits, "{:?} is refused", letter.header.salt),
        _ => {}
    }
    Ok(())
}

/// How long a salt is the current one.
const SALT_LIFE: Duration = Duration::from_secs(1800);

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
