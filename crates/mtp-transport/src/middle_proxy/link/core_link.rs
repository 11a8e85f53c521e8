//! The machine of a link; the two ends differ in who speaks first.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use mtp_env::{Deadline, Entropy, Instant, Now};

use super::config::{FRAME_LEN_CEILING, LinkAddresses, MiddleLinkConfig};
use crate::middle_proxy::cbc::{Decryptor, Encryptor};
use crate::middle_proxy::checksum::Checksum;
use crate::middle_proxy::error::{MiddleLinkError, MiddleSendError};
use crate::middle_proxy::frames::{FRAME_OVERHEAD, FrameReader, FrameWriter};
use crate::middle_proxy::hello::{
    self, FLAG_CRC32C, FLAGS_LOW, HANDSHAKE, Handshake, Nonce, PLACEHOLDER, ProcessId, SCHEMA_AES,
};
use crate::middle_proxy::keys::{Direction, LinkParts};
use crate::middle_proxy::rpc::MiddleMessage;
use crate::middle_proxy::secret::MiddleSecret;

pub(super) struct CoreLink {
    config: Arc<MiddleLinkConfig>,
    role: Role,
    addresses: LinkAddresses,
    process: ProcessId,
    entropy: Box<dyn Entropy + Send>,
    reader: FrameReader,
    writer: FrameWriter,
    state: State,
    /// When the last byte was received.
    heard: Instant,
    deadline: Deadline,
    pings: u64,
}

/// What an end knows from the beginning.
pub(super) enum Role {
    Client { secret: Arc<MiddleSecret> },
    Server { secrets: Arc<[Arc<MiddleSecret>]> },
}

enum State {
    /// Waits for the peer's nonce. A client has sent its own.
    Nonce {
        own: Option<Nonce>,
    },
    Handshake,
    Ready,
    Ended(MiddleLinkError),
}

impl CoreLink {
    pub(super) fn new(
        now: Now,
        config: Arc<MiddleLinkConfig>,
        role: Role,
        addresses: LinkAddresses,
        process: ProcessId,
        entropy: Box<dyn Entropy + Send>,
    ) -> Self {
        let deadline = Deadline::new(now.mono + config.handshake_timeout, "middle link handshake");
        Self {
            config,
            role,
            addresses,
            process,
            entropy,
            reader: FrameReader::new(),
            writer: FrameWriter::new(),
            state: State::Nonce { own: None },
            heard: now.mono,
            deadline,
            pings: 0,
        }
    }

    /// Sends the client's nonce.
    pub(super) fn begin(&mut self, now: Now) {
        let Role::Client { secret } = &self.role else { return };
        let own = self.draw_nonce(now, secret.selector());
        self.state = State::Nonce { own: Some(own) };
    }

    pub(super) fn handle_bytes(&mut self, now: Now, bytes: &[u8]) {
        if !matches!(self.state, State::Ended(_)) {
            self.heard = self.heard.max(now.mono);
            self.reader.put(bytes);
        }
    }

    pub(super) fn next_message(
        &mut self,
        now: Now,
    ) -> Result<Option<MiddleMessage<'_>>, MiddleLinkError> {
        loop {
            if let State::Ended(error) = self.state {
                return Err(error);
            }
            let at = match self.reader.next() {
                Ok(Some(at)) => at,
                Ok(None) => {
                    self.reader.release();
                    return Ok(None);
                }
                Err(error) => return Err(self.end(error)),
            };
            let opened = match self.state {
                State::Nonce { own } => self.on_nonce(now, own, at),
                State::Handshake => self.on_handshake(now, at),
                State::Ready => {
                    if self.is_for_caller(at.clone()) {
                        return Ok(MiddleMessage::decode(self.reader.lend(at)));
                    }
                    Ok(())
                }
                State::Ended(error) => Err(error),
            };
            if let Err(error) = opened {
                return Err(self.end(error));
            }
        }
    }

    pub(super) fn handle_eof(&mut self) -> MiddleLinkError {
        match self.state {
            State::Ended(error) => error,
            State::Nonce { .. } | State::Handshake => self.end(MiddleLinkError::ClosedEarly),
            State::Ready if self.reader.is_between_frames() => self.end(MiddleLinkError::Closed),
            State::Ready => self.end(MiddleLinkError::Truncated),
        }
    }

    pub(super) fn send(&mut self, message: &MiddleMessage<'_>) -> Result<(), MiddleSendError> {
        if !self.is_ready() {
            return Err(MiddleSendError::NotReady);
        }
        let packet = match message {
            MiddleMessage::Request(request) => request.packet,
            MiddleMessage::Answer { packet, .. } => packet,
            // In order with the answers of the same client.
            MiddleMessage::SimpleAck { .. } | MiddleMessage::CloseExt(_) => &[],
            MiddleMessage::CloseConn(_) => {
                // Always accepted, because there is one for each client. It may not overtake the
                // packets of its client.
                if self.writer.queued_len() > 0 {
                    self.writer.queue(|out| message.encode(out));
                } else {
                    self.writer.queue_urgent(|out| message.encode(out));
                }
                return Ok(());
            }
            MiddleMessage::Ping(_) | MiddleMessage::Pong(_) => {
                if self.writer.urgent_len() >= self.config.urgent_len_max {
                    return Err(MiddleSendError::Full);
                }
                self.writer.queue_urgent(|out| message.encode(out));
                return Ok(());
            }
        };
        let len = packet.len();
        if !len.is_multiple_of(4) || len.saturating_add(HEADS_MAX) > self.frame_len_max() {
            return Err(MiddleSendError::Length { len });
        }
        if len > 0 && !self.wants_packets() {
            return Err(MiddleSendError::Full);
        }
        self.writer.queue(|out| message.encode(out));
        Ok(())
    }

    pub(super) fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        self.writer.drain(out)
    }

    pub(super) fn has_output(&self) -> bool {
        !self.writer.is_empty()
    }

    pub(super) fn wants_packets(&self) -> bool {
        self.is_ready() && self.writer.queued_len() < self.config.queue_len_max
    }

    pub(super) const fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready)
    }

    pub(super) const fn ended(&self) -> Option<MiddleLinkError> {
        match self.state {
            State::Ended(error) => Some(error),
            _ => None,
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Deadline> {
        self.ended().is_none().then_some(self.deadline)
    }

    // spec: proxy 4.4
    pub(super) fn handle_timeout(&mut self, now: Now) {
        if self.ended().is_some() || !self.deadline.is_due(now) {
            return;
        }
        if !self.is_ready() {
            self.end(MiddleLinkError::HandshakeTimeout);
            return;
        }
        let silence = now.mono.saturating_since(self.heard);
        if silence >= self.config.ping_interval.saturating_mul(2) {
            self.end(MiddleLinkError::Silent);
            return;
        }
        if silence >= self.config.ping_interval.saturating_sub(self.config.ping_jitter) {
            self.pings = self.pings.wrapping_add(1);
            let _ = self.send(&MiddleMessage::Ping(self.pings));
        }
        self.wait_for_ping(now);
    }

    /// Answers pings. Returns `true` if the message is for the caller.
    // spec: proxy 3.6
    fn is_for_caller(&mut self, at: core::ops::Range<usize>) -> bool {
        match MiddleMessage::decode(self.reader.lend(at)) {
            Some(MiddleMessage::Ping(id)) => {
                // A peer that pings without reading gets no further pongs.
                let _ = self.send(&MiddleMessage::Pong(id));
                false
            }
            Some(MiddleMessage::Pong(_)) | None => false,
            Some(MiddleMessage::Request(_) | MiddleMessage::CloseConn(_)) => {
                matches!(self.role, Role::Server { .. })
            }
            Some(_) => matches!(self.role, Role::Client { .. }),
        }
    }

    // spec: proxy 2.2
    fn on_nonce(
        &mut self,
        now: Now,
        own: Option<Nonce>,
        at: core::ops::Range<usize>,
    ) -> Result<(), MiddleLinkError> {
        let peer = Nonce::decode(self.reader.lend(at)).ok_or(MiddleLinkError::NotNonce)?;
        if peer.schema != SCHEMA_AES {
            return Err(MiddleLinkError::Schema { schema: peer.schema });
        }
        let secret = self.secret(peer.selector);
        let secret = secret.ok_or(MiddleLinkError::Selector { selector: peer.selector })?;
        let offset_s = i64::from(peer.time).saturating_sub(i64::from(seconds(now)));
        if offset_s.unsigned_abs() > self.config.clock_skew_max.as_secs() {
            return Err(MiddleLinkError::Clock { offset_s });
        }
        let own = match own {
            Some(own) => own,
            None => self.draw_nonce(now, peer.selector),
        };
        let (client, server) = match self.role {
            Role::Client { .. } => (&own, &peer),
            Role::Server { .. } => (&peer, &own),
        };
        let parts = LinkParts {
            server_nonce: &server.random,
            client_nonce: &client.random,
            client_time: client.time,
            server: self.addresses.middle,
            client: self.addresses.proxy,
            secret: secret.as_bytes(),
        };
        let (up, down) = (parts.key(Direction::Up), parts.key(Direction::Down));
        let is_client = matches!(self.role, Role::Client { .. });
        let (incoming, outgoing) = if is_client { (down, up) } else { (up, down) };
        self.reader.set_cipher(Decryptor::new(&incoming), !is_client);
        self.reader.frame_len_max = HANDSHAKE_LEN_MAX;
        self.writer.set_cipher(Encryptor::new(&outgoing));
        self.state = State::Handshake;
        if is_client {
            let sender = self.process.at(None);
            let peer = ProcessId::default().at(Some(self.addresses.middle));
            let flags = if self.config.crc32c { FLAG_CRC32C } else { 0 };
            self.write_handshake(&Handshake { flags, sender, peer });
        }
        Ok(())
    }

    // spec: proxy 2.4
    fn on_handshake(
        &mut self,
        now: Now,
        at: core::ops::Range<usize>,
    ) -> Result<(), MiddleLinkError> {
        let payload = self.reader.lend(at);
        if let Some(code) = hello::refused(payload) {
            return Err(MiddleLinkError::Refused { code });
        }
        if payload.first_chunk() != Some(&HANDSHAKE.to_le_bytes()) {
            return Err(MiddleLinkError::NotHandshake);
        }
        let len = payload.len();
        let handshake = payload.try_into().map(|payload: &mut [u8; 32]| Handshake::decode(payload));
        let checked = handshake
            .map_err(|_| MiddleLinkError::HandshakeLength { len })
            .and_then(|handshake| self.check_handshake(&handshake).map(|()| handshake));
        let handshake = match checked {
            Ok(handshake) => handshake,
            Err(error) => {
                self.refuse(error);
                return Err(error);
            }
        };
        let crc32c = self.config.crc32c && handshake.flags & FLAG_CRC32C != 0;
        if let Role::Server { .. } = self.role {
            let flags = if crc32c { FLAG_CRC32C } else { 0 };
            let sender = self.process.at(Some(self.addresses.middle));
            self.write_handshake(&Handshake { flags, sender, peer: handshake.sender });
        }
        if crc32c {
            // Both handshakes have the usual checksum.
            self.reader.set_checksum(Checksum::Crc32c);
            self.writer.set_checksum(Checksum::Crc32c);
        }
        self.reader.frame_len_max = self.frame_len_max();
        self.state = State::Ready;
        self.wait_for_ping(now);
        Ok(())
    }

    fn check_handshake(&self, handshake: &Handshake) -> Result<(), MiddleLinkError> {
        if handshake.flags & FLAGS_LOW != 0 {
            return Err(MiddleLinkError::Flags { flags: handshake.flags });
        }
        let is_us = match self.role {
            // What the peer repeats is what was sent.
            Role::Client { .. } => hello::fits(&self.process.at(None), &handshake.peer),
            Role::Server { .. } => {
                let own = self.process.at(Some(self.addresses.middle));
                handshake.peer == PLACEHOLDER || hello::fits(&own, &handshake.peer)
            }
        };
        if !is_us {
            return Err(MiddleLinkError::WrongProcess);
        }
        let accepted = handshake.flags & FLAG_CRC32C != 0;
        if accepted && !self.config.crc32c && matches!(self.role, Role::Client { .. }) {
            return Err(MiddleLinkError::ChecksumNotOffered);
        }
        Ok(())
    }

    /// Sends the reason for a refused handshake to the proxy.
    fn refuse(&mut self, error: MiddleLinkError) {
        let code = match error {
            MiddleLinkError::HandshakeLength { .. } => -3,
            MiddleLinkError::WrongProcess => -4,
            MiddleLinkError::Flags { .. } => -7,
            _ => return,
        };
        if let Role::Server { .. } = self.role {
            let sender = self.process.at(Some(self.addresses.middle));
            let refusal = hello::refusal(code, &sender);
            self.writer.queue(|out| out.extend_from_slice(&refusal));
            self.writer.seal();
        }
    }

    fn write_handshake(&mut self, handshake: &Handshake) {
        let bytes = handshake.encode();
        self.writer.queue(|out| out.extend_from_slice(&bytes));
        self.writer.seal();
    }

    fn draw_nonce(&mut self, now: Now, selector: [u8; 4]) -> Nonce {
        let mut nonce = Nonce { selector, schema: SCHEMA_AES, time: seconds(now), random: [0; 16] };
        self.entropy.fill(&mut nonce.random);
        let bytes = nonce.encode();
        self.writer.queue(|out| out.extend_from_slice(&bytes));
        self.writer.seal();
        nonce
    }

    fn secret(&self, selector: [u8; 4]) -> Option<Arc<MiddleSecret>> {
        let fits = |secret: &&Arc<MiddleSecret>| secret.selector() == selector;
        match &self.role {
            Role::Client { secret } => Some(secret).filter(fits).cloned(),
            Role::Server { secrets } => secrets.iter().find(fits).cloned(),
        }
    }

    fn frame_len_max(&self) -> usize {
        self.config.frame_len_max.min(FRAME_LEN_CEILING)
    }

    fn wait_for_ping(&mut self, now: Now) {
        let mut draw = [0; 4];
        self.entropy.fill(&mut draw);
        let jitter = self.config.ping_jitter.as_micros().saturating_mul(2);
        let jitter = u64::try_from(jitter).unwrap_or(u64::MAX);
        let part = u64::from(u32::from_le_bytes(draw));
        let late = u128::from(jitter).saturating_mul(u128::from(part)) >> 32;
        let late = core::time::Duration::from_micros(u64::try_from(late).unwrap_or(u64::MAX));
        let least = self.config.ping_interval.saturating_sub(self.config.ping_jitter);
        self.deadline = Deadline::new(now.mono + least.saturating_add(late), "middle link ping");
    }

    /// Ends the link. The first reason is kept; sealed output can still be drained.
    fn end(&mut self, error: MiddleLinkError) -> MiddleLinkError {
        if let State::Ended(first) = self.state {
            return first;
        }
        self.writer.discard();
        self.state = State::Ended(error);
        error
    }
}

impl fmt::Debug for CoreLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Nonce { .. } => "nonce",
            State::Handshake => "handshake",
            State::Ready => "ready",
            State::Ended(_) => "ended",
        };
        f.debug_struct("CoreLink")
            .field("state", &state)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

/// Returns the time as sent; the field wraps in 2106.
fn seconds(now: Now) -> u32 {
    u32::try_from(now.unix.as_secs() & u64::from(u32::MAX)).unwrap_or_default()
}

/// The longest handshake; a shorter one is refused by its length, not by its frame.
const HANDSHAKE_LEN_MAX: usize = 256;
/// Room for the heads of the longest message around a packet.
const HEADS_MAX: usize = FRAME_OVERHEAD + 128;
