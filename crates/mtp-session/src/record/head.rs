//! The head of a log.

use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::CtrEntropy;
use mtp_env::Now;
use mtp_tl::{Decoder, Encode as _, Output as _};

use super::LogError;
use super::field::{put_bytes, put_time, read_bytes, read_time};

/// The head of a log.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// Time at which the client was created.
    pub now: Now,
    /// Note of the owner for readers of the log; for example the configuration.
    pub note: &'a [u8],
    pub(super) seed: [u8; 32],
}

/// Leaves out the seed, which is as secret as the keys made from it.
impl fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("now", &self.now)
            .field("note", &self.note)
            .finish_non_exhaustive()
    }
}

impl<'a> Head<'a> {
    /// Reads the head of a log; returns a decoder of the rest.
    pub(super) fn read(log: &'a [u8]) -> Result<(Self, Decoder<'a>), LogError> {
        let mut d = Decoder::new(log);
        if d.array::<4>()? != &MAGIC || d.read::<u32>()? != CLIENT {
            return Err(LogError::UnknownFormat);
        }
        let seed = *d.array()?;
        let now = read_time(&mut d)?;
        Ok((Self { now, note: read_bytes(&mut d)?, seed }, d))
    }

    pub(super) fn put(&self, to: &mut Vec<u8>) {
        to.put(&MAGIC);
        CLIENT.encode(to);
        to.put(&self.seed);
        put_time(self.now, to);
        put_bytes(self.note, to);
    }

    /// Returns the entropy of the recorded client.
    pub(super) fn entropy(&self) -> CtrEntropy {
        CtrEntropy::new(self.seed)
    }
}

/// First bytes of a log: name and version of the format.
const MAGIC: [u8; 4] = *b"mtl2";
/// Kind of machine. Kinds 0 (session) and 2 (server) were written by earlier versions.
const CLIENT: u32 = 1;
