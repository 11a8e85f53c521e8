//! Both sides' links behind one face.

use alloc::vec::Vec;

use mtp_crypto::QuickAckToken;
use mtp_env::{Deadline, Now};
use mtp_session::session::LinkKind;
use mtp_transport::detect::Spoken;
use mtp_transport::link::{LinkError, Mark, SendError};
use mtp_transport::replay::{ReplayKey, Seen};
use mtp_transport::{ClientLink, Frame, FrameFlags, ServerLink, TransportCode};

/// What a pipe needs of a link; `error` and `quick_ack` are the server's.
pub(crate) trait Wire {
    /// What kind of link it is, once that is known.
    fn kind(&mut self, now: Now) -> Option<LinkKind>;
    fn spare(&mut self, min: usize) -> &mut [u8];
    fn filled(&mut self, len: usize);
    fn handle_eof(&mut self) -> Result<(), LinkError>;
    fn next_frame(&mut self, now: Now) -> Result<Option<Frame<'_>>, LinkError>;
    fn can_send(&self) -> bool;
    fn begin(&mut self, out: &mut Vec<u8>) -> Mark;
    fn finish(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        mark: Mark,
        flags: FrameFlags,
    ) -> Result<(), SendError>;
    fn cancel(&mut self, out: &mut Vec<u8>, mark: Mark);
    fn error(&mut self, now: Now, code: TransportCode, out: &mut Vec<u8>) -> Result<(), SendError>;
    fn quick_ack(
        &mut self,
        now: Now,
        token: QuickAckToken,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError>;
    fn poll_transmit(&mut self, now: Now, out: &mut Vec<u8>) -> bool;
    fn poll_timeout(&self) -> Option<Deadline>;
    fn handle_timeout(&mut self, now: Now);
    fn is_closed(&self) -> bool;
    fn held(&self) -> usize;
    fn release(&mut self);
    /// See [`ServerLink::make_way`].
    fn make_way(&mut self) -> bool {
        false
    }
    /// An opening that waits for whether it is new; see [`ServerLink::replay_key`].
    fn replay_key(&self) -> Option<ReplayKey> {
        None
    }
    fn handle_seen(&mut self, _: Seen) {}
}

/// The verbs that both links have under the same names.
macro_rules! shared_verbs {
    ($link:ty) => {
        fn spare(&mut self, min: usize) -> &mut [u8] {
            <$link>::spare(self, min)
        }
        fn filled(&mut self, len: usize) {
            <$link>::filled(self, len);
        }
        fn handle_eof(&mut self) -> Result<(), LinkError> {
            <$link>::handle_eof(self)
        }
        fn next_frame(&mut self, now: Now) -> Result<Option<Frame<'_>>, LinkError> {
            <$link>::next_frame(self, now)
        }
        fn can_send(&self) -> bool {
            <$link>::can_send(self)
        }
        fn begin(&mut self, out: &mut Vec<u8>) -> Mark {
            <$link>::begin(self, out)
        }
        fn finish(
            &mut self,
            now: Now,
            out: &mut Vec<u8>,
            mark: Mark,
            flags: FrameFlags,
        ) -> Result<(), SendError> {
            <$link>::finish(self, now, out, mark, flags)
        }
        fn cancel(&mut self, out: &mut Vec<u8>, mark: Mark) {
            <$link>::cancel(self, out, mark);
        }
        fn poll_transmit(&mut self, now: Now, out: &mut Vec<u8>) -> bool {
            <$link>::poll_transmit(self, now, out)
        }
        fn poll_timeout(&self) -> Option<Deadline> {
            <$link>::poll_timeout(self)
        }
        fn handle_timeout(&mut self, now: Now) {
            <$link>::handle_timeout(self, now);
        }
        fn is_closed(&self) -> bool {
            <$link>::is_closed(self)
        }
        fn held(&self) -> usize {
            <$link>::held(self)
        }
        fn release(&mut self) {
            <$link>::release(self);
        }
    };
}

impl Wire for ClientLink {
    shared_verbs!(ClientLink);

    fn kind(&mut self, _: Now) -> Option<LinkKind> {
        Some(if self.is_http() { LinkKind::Http } else { LinkKind::Stream })
    }

    /// A client has nothing to refuse: it closes.
    fn error(&mut self, _: Now, _: TransportCode, _: &mut Vec<u8>) -> Result<(), SendError> {
        Ok(())
    }

    /// Only servers acknowledge packets.
    fn quick_ack(&mut self, _: Now, _: QuickAckToken, _: &mut Vec<u8>) -> Result<(), SendError> {
        Ok(())
    }
}

impl Wire for ServerLink {
    shared_verbs!(ServerLink);

    fn kind(&mut self, now: Now) -> Option<LinkKind> {
        self.settle(now).map(|peer| match peer.spoken {
            Spoken::Http => LinkKind::Http,
            _ => LinkKind::Stream,
        })
    }

    fn make_way(&mut self) -> bool {
        ServerLink::make_way(self)
    }

    fn replay_key(&self) -> Option<ReplayKey> {
        ServerLink::replay_key(self)
    }

    fn handle_seen(&mut self, answer: Seen) {
        ServerLink::handle_seen(self, answer);
    }

    fn error(&mut self, now: Now, code: TransportCode, out: &mut Vec<u8>) -> Result<(), SendError> {
        ServerLink::error(self, now, code, out)
    }

    fn quick_ack(
        &mut self,
        now: Now,
        token: QuickAckToken,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        ServerLink::quick_ack(self, now, token, out)
    }
}
