//! How a log begins, and how what follows is taken apart.

use alloc::boxed::Box;
use alloc::vec::Vec;

use mtp_crypto::CtrEntropy;
use mtp_env::{Entropy, Now};
use mtp_tl::{Decoder, Encode as _, Output as _};

use super::LogError;
use super::field::{put_bytes, put_time, read_bytes, read_time};

/// Whose inputs a log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MachineKind {
    /// One session.
    Session,
    /// A client.
    Client,
    /// A server.
    Server,
}

/// The beginning of a log.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// Whose inputs follow.
    pub machine: MachineKind,
    /// When the machine was made.
    pub now: Now,
    /// What its owner wanted to say to whoever reads the log: which configuration it had, say.
    pub note: &'a [u8],
    pub(super) seed: [u8; 32],
}

/// Leaves out the seed, which is as secret as what it made.
impl core::fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Head")
            .field("machine", &self.machine)
            .field("now", &self.now)
            .field("note", &self.note)
            .finish_non_exhaustive()
    }
}

impl<'a> Head<'a> {
    /// Reads the beginning of a log; returns what follows.
    pub(super) fn read(log: &'a [u8]) -> Result<(Self, Decoder<'a>), LogError> {
        let mut d = Decoder::new(log);
        if d.array::<4>()? != &MAGIC {
            return Err(LogError::UnknownFormat);
        }
        let machine = match d.read()? {
            0_u32 => MachineKind::Session,
            1 => MachineKind::Client,
            2 => MachineKind::Server,
            _ => return Err(LogError::UnknownFormat),
        };
        let seed = *d.array()?;
        let now = read_time(&mut d)?;
        Ok((Self { machine, now, note: read_bytes(&mut d)?, seed }, d))
    }

    /// Reads the beginning of a log of one kind of machine.
    pub(super) fn read_of(
        kind: MachineKind,
        log: &'a [u8],
    ) -> Result<(Self, Decoder<'a>), LogError> {
        let (head, d) = Self::read(log)?;
        if head.machine == kind { Ok((head, d)) } else { Err(LogError::OtherMachine(head.machine)) }
    }

    pub(super) fn put(&self, to: &mut Vec<u8>) {
        to.put(&MAGIC);
        match self.machine {
            MachineKind::Session => 0_u32,
            MachineKind::Client => 1,
            MachineKind::Server => 2,
        }
        .encode(to);
        to.put(&self.seed);
        put_time(self.now, to);
        put_bytes(self.note, to);
    }

    /// Returns the source of all that the machine draws.
    pub(super) fn entropy(&self) -> CtrEntropy {
        CtrEntropy::new(self.seed)
    }
}

/// Where a machine writes down what is done to it.
#[derive(Default)]
pub(crate) struct Tape {
    pub(super) log: Vec<u8>,
}

impl Tape {
    /// Begins a log; returns it with the entropy that its machine is to use from now on.
    pub(crate) fn begin(
        machine: MachineKind,
        now: Now,
        note: &[u8],
        entropy: &mut dyn Entropy,
    ) -> (Box<Self>, Box<dyn Entropy + Send>) {
        let mut seed = [0; 32];
        entropy.fill(&mut seed);
        let head = Head { machine, now, note, seed };
        let mut tape = Box::new(Self::default());
        head.put(&mut tape.log);
        (tape, Box::new(head.entropy()))
    }

    /// Takes what has been written since this was asked last.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.log)
    }
}

/// The first bytes of a log: a name and the format's version.
const MAGIC: [u8; 4] = *b"mtl2";
