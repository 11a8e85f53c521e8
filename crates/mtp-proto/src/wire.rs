//! Both sides' links as one trait.

use alloc::vec::Vec;

use mtp_crypto::QuickAckToken;
use mtp_env::{Deadline, Now};
use mtp_session::session::LinkKind;
use mtp_transport::code::TransportCode;
use mtp_transport::detect::Protocol;
use mtp_transport::framing::{Frame, FrameFlags};
use mtp_transport::link::{ClientLink, LinkError, LinkSendError, PacketMark, ServerLink};

/// The verbs of a link that a pipe uses; only servers use `error` and `quick_ack`.
pub(crate) trait Wire {
    /// Returns the kind of the link, once it is known.
    fn kind(&mut self, now: Now) -> Option<LinkKind>;
    fn spare(&mut self, min: usize) -> &mut [u8];
    fn filled(&mut self, len: usize);
    fn handle_eof(&mut self) -> Result<(), LinkError>;
    fn next_frame(&mut self, now: Now) -> Result<Option<Frame<'_>>, LinkError>;
    fn can_send(&self) -> bool;
    fn begin(&mut self, out: &mut Vec<u8>) -> PacketMark;
    fn finish(
        &mut self,
        now: Now,
        out: &mut Vec<u8>,
        mark: PacketMark,
        flags: FrameFlags,
    ) -> Result<(), LinkSendError>;
    fn cancel(&mut self, out: &mut Vec<u8>, mark: PacketMark);
    fn error(
        &mut self,
        now: Now,
        code: TransportCode,
        out: &mut Vec<u8>,
    ) -> Result<(), LinkSendError>;
    fn quick_ack(
        &mut self,
        now: Now,
        token: QuickAckToken,
        out: &mut Vec<u8>,
    ) -> Result<(), LinkSendError>;
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
        fn begin(&mut self, out: &mut Vec<u8>) -> PacketMark {
            <$link>::begin(self, out)
        }
        fn finish(
            &mut self,
            now: Now,
            out: &mut Vec<u8>,
            mark: PacketMark,
            flags: FrameFlags,
        ) -> Result<(), LinkSendError> {
            <$link>::finish(self, now, out, mark, flags)
        }
        fn cancel(&mut self, out: &mut Vec<u8>, mark: PacketMark) {
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

    /// Clients refuse nothing, they close.
    fn error(&mut self, _: Now, _: TransportCode, _: &mut Vec<u8>) -> Result<(), LinkSendError> {
        Ok(())
    }

    /// Only servers acknowledge packets.
    fn quick_ack(
        &mut self,
        _: Now,
        _: QuickAckToken,
        _: &mut Vec<u8>,
    ) -> Result<(), LinkSendError> {
        Ok(())
    }
}

impl Wire for ServerLink {
    shared_verbs!(ServerLink);

    fn kind(&mut self, now: Now) -> Option<LinkKind> {
        self.settle(now).map(|peer| match peer.protocol {
            Protocol::Http => LinkKind::Http,
            _ => LinkKind::Stream,
        })
    }

    fn make_way(&mut self) -> bool {
        ServerLink::make_way(self)
    }

    fn error(
        &mut self,
        now: Now,
        code: TransportCode,
        out: &mut Vec<u8>,
    ) -> Result<(), LinkSendError> {
        ServerLink::error(self, now, code, out)
    }

    fn quick_ack(
        &mut self,
        now: Now,
        token: QuickAckToken,
        out: &mut Vec<u8>,
    ) -> Result<(), LinkSendError> {
        ServerLink::quick_ack(self, now, token, out)
    }
}
