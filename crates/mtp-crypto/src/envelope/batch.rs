//! Batches of packets.
//!
//! Sealing hashes a message before encrypting it, and the serial encryption leaves the processor
//! mostly idle. In a batch, kernels process several messages in parallel; portable code hashes
//! message n + 1 while it encrypts message n.

use core::fmt;

use mtp_kernels::{Digest, MessageJob, msg_key};

use super::kdf::secret;
use super::{
    InnerHeader, OpenError, Opened, SealError, authenticate, encrypted, open, padded_blocks,
    quick_ack, seal, split_whole,
};
use crate::auth_key::AuthKey;
use crate::engine::Engine;
use crate::ids::QuickAckToken;
use crate::side::Side;

/// One packet to [`seal`] in a batch.
#[must_use]
pub struct SealJob<'a> {
    key: &'a AuthKey,
    sender: Side,
    packet: &'a mut [u8],
    sealed: Option<Result<QuickAckToken, SealError>>,
}

impl<'a> SealJob<'a> {
    /// Creates a job from the arguments of [`seal`].
    pub const fn new(key: &'a AuthKey, sender: Side, packet: &'a mut [u8]) -> Self {
        Self { key, sender, packet, sealed: None }
    }

    /// Returns the result of [`seal`]. A job that was not part of a batch is run now.
    ///
    /// # Errors
    /// As [`seal`].
    pub fn into_result(self) -> Result<QuickAckToken, SealError> {
        let Self { key, sender, packet, sealed } = self;
        sealed.unwrap_or_else(|| seal(key, sender, packet))
    }

    /// Fills in `message`, or sets the result to an error if the packet cannot be sealed.
    fn begin<'m>(&'m mut self, message: &mut MessageJob<'m>) {
        if self.sealed.is_some() {
            return;
        }
        match padded_blocks(self.packet) {
            Ok(blocks) => {
                *message = MessageJob::new(secret(self.key, self.sender), [0; 16], blocks);
            }
            Err(error) => self.sealed = Some(Err(error)),
        }
    }

    /// Writes the external header of the encrypted message.
    fn end(&mut self, digest: &Digest) {
        if self.sealed.is_some() {
            return;
        }
        let header = split_whole(self.packet).map(|(key_id, msg_key_room, _)| {
            *key_id = self.key.id().to_le_bytes();
            *msg_key_room = msg_key(digest);
            quick_ack(digest)
        });
        self.sealed = Some(header);
    }
}

impl fmt::Debug for SealJob<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealJob")
            .field("key", self.key)
            .field("sender", &self.sender)
            .field("packet_len", &self.packet.len())
            .field("sealed", &self.sealed)
            .finish()
    }
}

/// One packet to [`open`] in a batch.
#[must_use]
pub struct OpenJob<'p> {
    key: &'p AuthKey,
    sender: Side,
    state: OpenState<'p>,
}

enum OpenState<'p> {
    Waiting(&'p mut [u8]),
    Done(Result<Opened<'p>, OpenError>),
}

impl<'p> OpenJob<'p> {
    /// Creates a job from the arguments of [`open`].
    pub const fn new(key: &'p AuthKey, sender: Side, packet: &'p mut [u8]) -> Self {
        Self { key, sender, state: OpenState::Waiting(packet) }
    }

    /// Returns the result of [`open`]. A job that was not part of a batch is run now.
    ///
    /// # Errors
    /// As [`open`].
    pub fn into_result(self) -> Result<Opened<'p>, OpenError> {
        match self.state {
            OpenState::Waiting(packet) => open(self.key, self.sender, packet),
            OpenState::Done(result) => result,
        }
    }

    /// Fills in `message` if the packet can be decrypted.
    fn begin<'m>(&'m mut self, message: &mut MessageJob<'m>) {
        if let OpenState::Waiting(packet) = &mut self.state
            && let Ok((msg_key, blocks)) = encrypted(self.key, packet, InnerHeader::LEN)
        {
            *message = MessageJob::new(secret(self.key, self.sender), *msg_key, blocks);
        }
    }

    /// Checks the packet after decryption, or rejects it if it could not be decrypted.
    fn end(&mut self, digest: &Digest) {
        if let OpenState::Waiting(packet) = &mut self.state {
            let opened = encrypted(self.key, core::mem::take(packet), InnerHeader::LEN)
                .and_then(|(msg_key, blocks)| {
                    authenticate(msg_key, blocks, digest, InnerHeader::LEN)
                })
                .and_then(|plain| Opened::new(&plain));
            self.state = OpenState::Done(opened);
        }
    }
}

impl fmt::Debug for OpenJob<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("OpenJob");
        out.field("key", self.key).field("sender", &self.sender);
        match &self.state {
            OpenState::Waiting(packet) => out.field("packet_len", &packet.len()),
            OpenState::Done(result) => out.field("result", result),
        };
        out.finish()
    }
}

/// Seals a batch of packets. Each job keeps its own result.
pub fn seal_batch(jobs: &mut [SealJob<'_>]) {
    for group in jobs.chunks_mut(GROUP) {
        let mut messages = [(); GROUP].map(|()| MessageJob::default());
        let count = group.len();
        for (job, message) in group.iter_mut().zip(&mut messages) {
            job.begin(message);
        }
        Engine::best().seal_each(messages.get_mut(..count).unwrap_or_default());
        let digests = messages.map(|message| message.digest);
        for (job, digest) in group.iter_mut().zip(&digests) {
            job.end(digest);
        }
    }
}

/// Opens a batch of packets. Each job keeps its own result.
pub fn open_batch(jobs: &mut [OpenJob<'_>]) {
    for group in jobs.chunks_mut(GROUP) {
        let mut messages = [(); GROUP].map(|()| MessageJob::default());
        let count = group.len();
        for (job, message) in group.iter_mut().zip(&mut messages) {
            job.begin(message);
        }
        Engine::best().open_each(messages.get_mut(..count).unwrap_or_default());
        let digests = messages.map(|message| message.digest);
        for (job, digest) in group.iter_mut().zip(&digests) {
            job.end(digest);
        }
    }
}

/// Messages processed at once: as many as the kernels run in parallel.
const GROUP: usize = 8;
