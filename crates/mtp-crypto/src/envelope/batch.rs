//! Many packets at once.
//!
//! Sealing hashes a message before encrypting it; in a batch, message n + 1 is hashed while message
//! n is being encrypted, which takes the time of the encryption alone. Opening does both at once
//! anyway and is a loop. Kernels that interleave several messages fit under the same calls.

use core::fmt;

use super::{Hashed, OpenError, Opened, PlainHash, SealError, check_padded, encrypt, open, seal};
use crate::auth_key::AuthKey;
use crate::ids::QuickAckToken;
use crate::ige::{Ignore, Observer};
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
    /// Names what [`seal`] takes.
    pub const fn new(key: &'a AuthKey, sender: Side, packet: &'a mut [u8]) -> Self {
        Self { key, sender, packet, sealed: None }
    }

    /// Returns what [`seal`] returns. A job that was in no batch is done now.
    ///
    /// # Errors
    /// As [`seal`].
    pub fn into_result(self) -> Result<QuickAckToken, SealError> {
        let Self { key, sender, packet, sealed } = self;
        sealed.unwrap_or_else(|| seal(key, sender, packet))
    }

    fn encrypt(&mut self, hashed: Hashed, observer: impl Observer) {
        self.sealed = Some(Ok(hashed.quick_ack));
        encrypt(self.key, self.sender, self.packet, hashed, observer);
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
    /// Names what [`open`] takes.
    pub const fn new(key: &'p AuthKey, sender: Side, packet: &'p mut [u8]) -> Self {
        Self { key, sender, state: OpenState::Waiting(packet) }
    }

    /// Returns what [`open`] returns. A job that was in no batch is done now.
    ///
    /// # Errors
    /// As [`open`].
    pub fn into_result(self) -> Result<Opened<'p>, OpenError> {
        match self.state {
            OpenState::Waiting(packet) => open(self.key, self.sender, packet),
            OpenState::Done(result) => result,
        }
    }

    fn run(&mut self) {
        if let OpenState::Waiting(packet) = &mut self.state {
            let packet = core::mem::take(packet);
            self.state = OpenState::Done(open(self.key, self.sender, packet));
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

/// Seals every packet; each job keeps its own result.
pub fn seal_batch(jobs: &mut [SealJob<'_>]) {
    let mut before: Option<(&mut SealJob<'_>, Hashed)> = None;
    for job in jobs.iter_mut().filter(|job| job.sealed.is_none()) {
        let checked = check_padded(job.packet);
        match checked.and_then(|()| PlainHash::new(job.key, job.sender, job.packet)) {
            Ok(mut hash) => {
                if let Some((before, hashed)) = before.take() {
                    before.encrypt(hashed, &mut hash);
                }
                let hashed = hash.finish();
                before = Some((job, hashed));
            }
            Err(error) => job.sealed = Some(Err(error)),
        }
    }
    if let Some((last, hashed)) = before {
        last.encrypt(hashed, Ignore);
    }
}

/// Opens every packet; each job keeps its own result.
pub fn open_batch(jobs: &mut [OpenJob<'_>]) {
    for job in jobs {
        job.run();
    }
}
