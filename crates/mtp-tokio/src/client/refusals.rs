//! Back-off while a server refuses message after message.

use core::time::Duration;

use mtp_session::client::ClientSessionEvent;

use super::setback::{RefusalCause, Setback};

/// Refusals since the server last accepted something.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    count: u32,
}

/// A pause before anything is sent again, and why.
#[derive(Debug)]
pub(super) struct BackOff {
    pub(super) pause: Duration,
    pub(super) setback: Setback,
}

impl Refusals {
    /// Notes an event of the session; returns a pause after the second refusal in a row.
    pub(super) fn note(&mut self, event: &ClientSessionEvent<'_>) -> Option<BackOff> {
        let cause = match event {
            ClientSessionEvent::SaltsChanged => RefusalCause::Salt,
            ClientSessionEvent::TimeChanged { .. } => RefusalCause::Time,
            ClientSessionEvent::SessionReplaced { cause, .. } => RefusalCause::Session(*cause),
            ClientSessionEvent::Result { .. }
            | ClientSessionEvent::RpcError { .. }
            | ClientSessionEvent::Delivered { .. }
            | ClientSessionEvent::Update { .. }
            | ClientSessionEvent::Pong { .. } => {
                self.count = 0;
                return None;
            }
            _ => return None,
        };
        self.count = self.count.saturating_add(1);
        let doublings = self.count.checked_sub(2)?.min(DOUBLINGS_MAX);
        Some(BackOff {
            pause: FIRST_PAUSE.saturating_mul(1 << doublings),
            setback: Setback::Refused { cause, count: self.count },
        })
    }

    /// Notes that calls flow.
    pub(super) fn clear(&mut self) {
        self.count = 0;
    }
}

/// The pause after the second refusal in a row. It doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause is 12.8 s.
const DOUBLINGS_MAX: u32 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_begin_with_the_second_refusal_in_a_row_and_double() {
        let mut refusals = Refusals::default();
        let mut pause = |event: &ClientSessionEvent<'_>| {
            refusals.note(event).map(|back_off| back_off.pause.as_millis())
        };
        assert_eq!(pause(&ClientSessionEvent::SaltsChanged), None);
        assert_eq!(pause(&ClientSessionEvent::TimeChanged { offset_ns: 1 }), Some(100));
        assert_eq!(pause(&ClientSessionEvent::SaltsChanged), Some(200));
        assert_eq!(pause(&ClientSessionEvent::Update { body: &[] }), None);
        assert_eq!(pause(&ClientSessionEvent::SaltsChanged), None);
        for _ in 0..20 {
            pause(&ClientSessionEvent::SaltsChanged);
        }
        assert_eq!(pause(&ClientSessionEvent::SaltsChanged), Some(12_800));
    }
}
