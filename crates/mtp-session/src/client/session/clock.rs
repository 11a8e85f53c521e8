//! The client's estimate of the server's time.

use mtp_crypto::MsgId;
use mtp_env::{Now, UnixTime};

/// Server time as a constant distance from the driver's monotonic clock.
///
/// The wall clock is read once, at the start: setting it does not move message ids.
// spec: session 7
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Server time minus monotonic time, in nanoseconds.
    shift_ns: i128,
    known: bool,
}

impl Clock {
    /// Starts from the wall clock and a hint of the server's offset from it.
    pub(crate) fn new(now: Now, offset_ns: i64) -> Self {
        Self {
            shift_ns: i128::from(now.unix.as_nanos()) + i128::from(offset_ns) - mono_ns(now),
            known: false,
        }
    }

    /// Returns the estimated server time.
    pub(crate) fn server_time(&self, now: Now) -> UnixTime {
        UnixTime::from_nanos(
            u64::try_from((mono_ns(now) + self.shift_ns).max(0)).unwrap_or(u64::MAX),
        )
    }

    /// Returns server time minus the driver's wall clock, in nanoseconds.
    pub(crate) fn offset_ns(&self, now: Now) -> i64 {
        let offset = mono_ns(now) + self.shift_ns - i128::from(now.unix.as_nanos());
        i64::try_from(offset).unwrap_or(if offset < 0 { i64::MIN } else { i64::MAX })
    }

    /// Returns `true` if a server message has confirmed the time in this run.
    pub(crate) const fn is_known(&self) -> bool {
        self.known
    }

    /// Adopts the time offset of a key, from its exchange or from storage.
    ///
    /// Both are treated alike: the first packet of the session, whose id nobody could predict,
    /// confirms the time before anything is dropped because of it.
    // spec: session 7, 7.6
    pub(crate) fn set_offset(&mut self, now: Now, offset_ns: i64) {
        *self = Self::new(now, offset_ns);
    }

    /// Sets the time to the seconds of a server message, forward or back.
    ///
    /// Only for messages that prove to answer ours. Returns `true` if the estimate moved.
    // spec: session 7.3
    pub(crate) fn force(&mut self, now: Now, witness: MsgId) -> bool {
        self.set(now, witness, true)
    }

    /// Raises the time to the seconds of a server message, its lower bound.
    ///
    /// Messages are created before they arrive, so the highest of these bounds is the best estimate.
    // spec: session 7 (raise only)
    pub(crate) fn raise(&mut self, now: Now, witness: MsgId) -> bool {
        self.set(now, witness, false)
    }

    fn set(&mut self, now: Now, witness: MsgId, forced: bool) -> bool {
        let shift_ns =
            i128::from(UnixTime::from_secs(witness.unix_secs()).as_nanos()) - mono_ns(now);
        self.known = true;
        let moves = if forced { shift_ns != self.shift_ns } else { shift_ns > self.shift_ns };
        if moves {
            self.shift_ns = shift_ns;
        }
        moves
    }
}

fn mono_ns(now: Now) -> i128 {
    i128::from(now.mono.as_micros()) * 1_000
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use mtp_env::Instant;

    use super::*;
    use crate::vectors;

    const SECOND: i64 = 1_000_000_000;

    fn at(unix: u64) -> Now {
        Now { mono: Instant::from_micros(77_000_123), unix: UnixTime::from_secs(unix) }
    }

    // spec: session 7
    #[test]
    fn trusted_message_sets_the_offset() {
        for entry in &vectors::section("time_offset", 4) {
            let now = at(entry.number("local_unix"));
            let mut clock = Clock::new(now, 0);
            if let Some(witness) = entry.optional_number("trusted_server_msg_id") {
                clock.force(now, MsgId::from_raw(witness));
            } else {
                let (server, local) = (entry.signed("server_time"), entry.signed("local_unix"));
                clock.set_offset(now, (server - local) * SECOND);
            }
            assert_eq!(clock.offset_ns(now), entry.signed("offset") * SECOND, "{entry:?}");
            assert_eq!(clock.is_known(), !entry.has("server_time"));
        }
    }

    // spec: session 20#13
    #[test]
    fn packet_raises_the_time_but_never_lowers_it() {
        let now = at(1_700_000_000);
        let mut clock = Clock::new(now, 0);
        assert!(!clock.is_known());
        assert!(!clock.raise(now, MsgId::from_raw(1_699_999_000 << 32)));
        assert_eq!(clock.offset_ns(now), 0);
        assert!(clock.raise(now, MsgId::from_raw(1_700_000_009 << 32 | 0xffff_ffff)));
        assert_eq!(clock.offset_ns(now), 9 * SECOND);
        assert!(clock.force(now, MsgId::from_raw(1_699_999_000 << 32)));
        assert_eq!(clock.offset_ns(now), -1000 * SECOND);
    }

    // spec: session 21#3
    #[test]
    fn server_time_ignores_changes_of_the_wall_clock() {
        let now = at(1_700_000_000);
        let clock = Clock::new(now, 0);
        let mut later = now.after(Duration::from_secs(10));
        later.unix = UnixTime::from_secs(5);
        assert_eq!(clock.server_time(later), UnixTime::from_secs(1_700_000_010));
    }

    // spec: session 20#15
    #[test]
    fn extreme_times_do_not_overflow() {
        for mono in [0, u64::MAX] {
            for unix in [0, u64::MAX] {
                let now =
                    Now { mono: Instant::from_micros(mono), unix: UnixTime::from_nanos(unix) };
                for offset in [i64::MIN, 0, i64::MAX] {
                    let mut clock = Clock::new(now, offset);
                    for witness in [0, 1 << 63, u64::MAX] {
                        clock.force(now, MsgId::from_raw(witness));
                        let _ = (clock.server_time(now), clock.offset_ns(now));
                        let _ = clock.server_time(Now::default());
                        let _ = clock.server_time(now.after(Duration::MAX));
                    }
                }
            }
        }
    }
}
