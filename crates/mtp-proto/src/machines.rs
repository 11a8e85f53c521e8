//! The client's and the server's machines as one trait.

use alloc::vec::Vec;

use mtp_crypto::QuickAckToken;
use mtp_env::{Deadline, Now};
use mtp_session::client::ClientMachine;
use mtp_session::link::{BatchLimits, LinkId, NetworkId, QuickAck, Transmit};
use mtp_session::record::RecordedClient;
use mtp_session::server::ServerMachine;
use mtp_session::session::LinkKind;
use mtp_transport::code::TransportCode;

use crate::error::ConnectionError;
use crate::pipe::Machine;

/// The verbs of a client's machine, recorded or not.
macro_rules! client_machine {
    ($machine:ty) => {
        impl Machine for $machine {
            fn link_up(&mut self, now: Now, link: LinkId, kind: LinkKind, _: NetworkId) {
                <$machine>::link_up(self, now, link, kind);
            }

            fn link_down(&mut self, now: Now, link: LinkId) {
                <$machine>::link_down(self, now, link);
            }

            fn handle_packet(
                &mut self,
                now: Now,
                link: LinkId,
                packet: &mut [u8],
                _: QuickAck,
            ) -> Result<(), ConnectionError> {
                <$machine>::handle_packet(self, now, link, packet)
                    .map_err(ConnectionError::FromServer)
            }

            fn handle_quick_ack(&mut self, now: Now, _: LinkId, token: QuickAckToken) {
                <$machine>::handle_quick_ack(self, now, token);
            }

            fn handle_transport_error(&mut self, now: Now, link: LinkId, code: TransportCode) {
                <$machine>::handle_transport_error(self, now, link, code.get());
            }

            fn is_closing(&self, link: LinkId) -> bool {
                ClientMachine::is_closing(self, link)
            }

            fn poll_transmit(
                &mut self,
                now: Now,
                link: LinkId,
                out: &mut Vec<u8>,
            ) -> Option<Transmit> {
                <$machine>::poll_transmit(self, now, link, out)
            }

            fn poll_transmit_batch(
                &mut self,
                now: Now,
                link: LinkId,
                limits: BatchLimits,
                out: &mut Vec<u8>,
                packets: &mut Vec<(usize, Transmit)>,
            ) {
                <$machine>::poll_transmit_batch(self, now, link, limits, out, packets);
            }

            fn poll_timeout(&self) -> Option<Deadline> {
                ClientMachine::poll_timeout(self)
            }

            fn handle_timeout(&mut self, now: Now) {
                <$machine>::handle_timeout(self, now);
            }
        }
    };
}

client_machine!(ClientMachine);
client_machine!(RecordedClient);

impl Machine for ServerMachine {
    fn link_up(&mut self, now: Now, link: LinkId, kind: LinkKind, network: NetworkId) {
        Self::link_up_from(self, now, link, kind, network);
    }

    fn link_down(&mut self, now: Now, link: LinkId) {
        Self::link_down(self, now, link);
    }

    fn handle_packet(
        &mut self,
        now: Now,
        link: LinkId,
        packet: &mut [u8],
        quick_ack: QuickAck,
    ) -> Result<(), ConnectionError> {
        Self::handle_packet(self, now, link, packet, quick_ack).map_err(ConnectionError::FromClient)
    }

    /// Only servers send them.
    fn handle_quick_ack(&mut self, _: Now, _: LinkId, _: QuickAckToken) {}

    /// Only servers send them.
    fn handle_transport_error(&mut self, _: Now, _: LinkId, _: TransportCode) {}

    fn is_closing(&self, link: LinkId) -> bool {
        Self::is_closing(self, link)
    }

    fn poll_transmit(&mut self, now: Now, link: LinkId, out: &mut Vec<u8>) -> Option<Transmit> {
        Self::poll_transmit(self, now, link, out)
    }

    fn poll_transmit_batch(
        &mut self,
        now: Now,
        link: LinkId,
        limits: BatchLimits,
        out: &mut Vec<u8>,
        packets: &mut Vec<(usize, Transmit)>,
    ) {
        Self::poll_transmit_batch(self, now, link, limits, out, packets);
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        Self::poll_timeout(self)
    }

    fn handle_timeout(&mut self, now: Now) {
        Self::handle_timeout(self, now);
    }
}
