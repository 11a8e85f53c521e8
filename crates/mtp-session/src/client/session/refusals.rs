//! Refusals in a row, and the pauses after them.

use core::time::Duration;

use mtp_crypto::MsgId;
use mtp_env::{Deadline, Instant, Now};

/// Refusals in a row: wrong salt, id too low, id too high.
///
/// Each is repaired by what it says, so the next packet is normally accepted. A server that refuses without end would
/// otherwise be asked as fast as it answers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refusals {
    in_a_row: u32,
    /// The last id that was made before the last counted refusal: what was sent together is refused together.
    sent_before: Option<MsgId>,
    /// Nothing is written before.
    resume_at: Option<Instant>,
}

impl Refusals {
    /// Counts the refusal of a message, unless it was sent before the last one arrived. Returns the number in a row.
    pub(super) fn count(&mut self, now: Now, refused: MsgId, last_sent: MsgId) -> Option<u32> {
        if self.sent_before.is_some_and(|before| refused <= before) {
            return None;
        }
        self.sent_before = Some(last_sent);
        self.in_a_row = self.in_a_row.saturating_add(1);
        if let Some(doublings) = self.in_a_row.checked_sub(REFUSALS_FREE) {
            let pause = PAUSE_MIN.saturating_mul(1 << doublings.min(PAUSE_DOUBLINGS_MAX));
            self.resume_at = Some(now.mono + pause);
        }
        Some(self.in_a_row)
    }

    /// Records that the server accepted a message.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Records that ids start anew.
    pub(super) fn ids_restart(&mut self) {
        self.sent_before = None;
    }

    /// Returns `true` while nothing is to be written.
    pub(super) fn is_paused(&self, now: Now) -> bool {
        self.resume_at.is_some_and(|at| at > now.mono)
    }

    pub(super) fn handle_timeout(&mut self, now: Now) {
        self.resume_at = self.resume_at.filter(|at| *at > now.mono);
    }

    pub(super) fn deadline(&self) -> Option<Deadline> {
        self.resume_at.map(|at| Deadline::new(at, "refusals"))
    }
}

/// Refusals in a row without a pause, less one: the second is followed by one.
const REFUSALS_FREE: u32 = 2;
/// The first pause, doubled by each further refusal.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Doublings of the pause: 12.8 s at most.
const PAUSE_DOUBLINGS_MAX: u32 = 7;
/// Refusals in a row after which all calls end.
pub(super) const REFUSALS_MAX: u32 = 10;
