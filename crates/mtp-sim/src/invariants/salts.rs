//! The server's salts.

use core::time::Duration;

use mtp_crypto::Side;
use mtp_env::UnixTime;

use super::{Verdict, ensure};
use crate::book::{Book, Fact, Outcome};

/// 24: at every time exactly two salts are accepted; after 3600 s a salt never is.
// spec: session 20 (24)
pub(super) fn two_salts_are_accepted(book: &Book, fact: &Fact<'_>) -> Verdict {
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
