//! Client and server machines behind one face.

use alloc::vec::Vec;

use mtp_crypto::QuickAckToken;
use mtp_env::{Deadline, Now};
use mtp_session::client::Client;
use mtp_session::link::QuickAck;
use mtp_session::server::Server;
use mtp_session::session::LinkKind;
use mtp_session::{BatchLimits, LinkId, Transmit};
use mtp_transport::TransportCode;

use crate::error::ConnectionError;
use crate::pipe::Peer;

impl Peer for Client {
    fn link_up(&mut self, now: Now, link: LinkId, kind: LinkKind) {
        Self::link_up(self, now, link, kind);
    }

    fn link_down(&mut self, now: Now, link: LinkId) {
        Self::link_down(self, now, link);
    }

    fn handle_packet(
        &mut self,
        now: Now,
        link: LinkId,
        packet: &mut [u8],
        _: QuickAck,
    ) -> Result<(), ConnectionError> {
        Self::handle_packet(self, now, link, packet).map_err(ConnectionError::FromServer)
    }

    fn handle_quick_ack(&mut self, now: Now, _: LinkId, token: QuickAckToken) {
        Self::handle_quick_ack(self, now, token);
    }

    fn handle_transport_error(&mut self, now: Now, link: LinkId, code: TransportCode) {
        Self::handle_transport_error(self, now, link, code.get());
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

impl Peer for Server {
    fn link_up(&mut self, now: Now, link: LinkId, kind: LinkKind) {
        Self::link_up(self, now, link, kind);
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

    /// Clients send none.
    fn handle_quick_ack(&mut self, _: Now, _: LinkId, _: QuickAckToken) {}

    /// Clients send none.
    fn handle_transport_error(&mut self, _: Now, _: LinkId, _: TransportCode) {}

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
