//! What a client's task tells besides answers.

use core::fmt;
use core::time::Duration;

use mtp_session::Established;
use tokio::sync::mpsc;

use crate::trace::note;

/// What a client's task tells besides answers.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// A socket is open.
    Connected,
    /// No socket is open any more, or none could be opened; another will be tried after a pause.
    Disconnected {
        /// What happened.
        reason: String,
        /// How long until the next try.
        retry_in: Duration,
    },
    /// A key was made. A permanent one carries the login; with a store it is kept already.
    KeyCreated(Established),
    /// The store of the options failed; the client goes on without it.
    StoreFailed(String),
    /// There is a key, bound if it is temporary: calls flow.
    Ready,
    /// The server does not know the permanent key any more, or somebody wants us to think so.
    ///
    /// Calls wait until [`Client::new_permanent_key`](super::Client::new_permanent_key) or
    /// [`Client::try_again`](super::Client::try_again).
    PermanentKeyLost {
        /// The server said so under a key that it proved to have.
        authenticated: bool,
    },
    /// A key exchange failed and will be tried again.
    ExchangeFailed(String),
    /// An update: a boxed API object.
    Update(Vec<u8>),
    /// Updates may have been lost: fetch the difference.
    UpdatesLost,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("connected"),
            Self::Disconnected { reason, retry_in } => {
                write!(f, "disconnected: {reason}; next try in {retry_in:?}")
            }
            Self::KeyCreated(established) => write!(f, "key {:?} made", established.key.id()),
            Self::StoreFailed(why) => write!(f, "the store failed: {why}"),
            Self::Ready => f.write_str("ready"),
            Self::PermanentKeyLost { .. } => f.write_str("the server does not know the key"),
            Self::ExchangeFailed(why) => write!(f, "the key exchange failed: {why}"),
            Self::Update(body) => write!(f, "an update of {} bytes", body.len()),
            Self::UpdatesLost => f.write_str("updates may have been lost"),
        }
    }
}

/// Notices in their order.
///
/// A limited number of them waits. Who does not take them loses updates, and gets a
/// [`Notice::UpdatesLost`] in their place as soon as there is room.
pub type Notices = mpsc::Receiver<Notice>;

/// Where notices wait.
#[derive(Debug)]
pub(super) struct Outbox {
    notices: mpsc::Sender<Notice>,
    /// Updates did not find room, and nobody knows yet.
    lost: bool,
}

impl Outbox {
    pub(super) fn new(updates_max: usize) -> (Self, Notices) {
        let (notices, inbox) = mpsc::channel(updates_max.saturating_add(RESERVED));
        (Self { notices, lost: false }, inbox)
    }

    /// Passes a notice on. Who does not listen is not interested.
    pub(super) fn tell(&mut self, notice: Notice) {
        note!(what = %notice, "noticed");
        let is_update = matches!(notice, Notice::Update(_) | Notice::UpdatesLost);
        let room = self.notices.capacity() > if is_update { RESERVED } else { 0 };
        if !room {
            self.lost |= is_update;
            return;
        }
        if is_update && core::mem::take(&mut self.lost) {
            // The update behind the gap is of no use without what was lost.
            let _ = self.notices.try_send(Notice::UpdatesLost);
            return;
        }
        let _ = self.notices.try_send(notice);
    }
}

/// Places that updates cannot take.
const RESERVED: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_updates_leave_a_mark() {
        let (mut outbox, mut inbox) = Outbox::new(2);
        for number in 0..5 {
            outbox.tell(Notice::Update(vec![number]));
        }
        outbox.tell(Notice::Ready);
        let mut take = || inbox.try_recv();
        assert!(matches!(take(), Ok(Notice::Update(body)) if body == [0]));
        assert!(matches!(take(), Ok(Notice::Update(body)) if body == [1]));
        assert!(matches!(take(), Ok(Notice::Ready)));
        assert!(take().is_err());
        outbox.tell(Notice::Update(vec![5]));
        outbox.tell(Notice::Update(vec![6]));
        assert!(matches!(take(), Ok(Notice::UpdatesLost)));
        assert!(matches!(take(), Ok(Notice::Update(body)) if body == [6]));
    }

    #[test]
    fn nothing_grows_without_a_listener() {
        let (mut outbox, inbox) = Outbox::new(2);
        for _ in 0..1000 {
            outbox.tell(Notice::Connected);
        }
        assert_eq!(inbox.len(), 2 + RESERVED);
    }
}
