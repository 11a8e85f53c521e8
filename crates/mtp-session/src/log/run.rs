//! A session driven by inputs: recording them, and reading them back.

use alloc::vec::Vec;
use core::fmt;

use mtp_crypto::CtrEntropy;
use mtp_env::{Entropy, Now};
use mtp_tl::{DecodeError, Decoder};

use super::field::Written;
use super::head::{Head, MachineKind};
use super::session::{Input, Outcome};
use crate::client::ResumeError;
use crate::session::Session;

/// A session whose inputs are written down.
#[derive(Debug)]
pub struct Recorder {
    run: Run,
    log: Vec<u8>,
}

/// A log that is run again.
#[derive(Debug)]
pub struct Replay<'a> {
    run: Run,
    left: &'a [u8],
}

/// A session and its entropy.
struct Run {
    session: Session,
    entropy: CtrEntropy,
    /// A packet is decrypted here, because the input is only lent.
    packet: Vec<u8>,
}

impl Recorder {
    /// Makes a session with entropy from a seed, and begins its log.
    pub fn new(
        now: Now,
        seed: [u8; 32],
        make: impl FnOnce(Now, &mut dyn Entropy) -> Session,
    ) -> Self {
        let mut log = Vec::new();
        Head { machine: MachineKind::Session, now, note: &[], seed }.put(&mut log);
        Self { run: Run::new(now, seed, make), log }
    }

    /// Writes an input down, then does it; packets are appended to `out`.
    pub fn apply(&mut self, now: Now, input: &Input<'_>, out: &mut Vec<u8>) -> Outcome<'_> {
        input.put(now, &mut self.log);
        self.run.apply(now, input, out)
    }

    /// Returns the session, to look at.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.run.session
    }

    /// Returns the log as far as it goes; it grows with every input.
    #[must_use]
    pub fn log(&self) -> &[u8] {
        &self.log
    }
}

impl<'a> Replay<'a> {
    /// Makes the session of a log, with the maker that the recorder was given.
    ///
    /// # Errors
    /// [`LogError`]: the bytes are no log, or of an unknown version.
    pub fn new(
        log: &'a [u8],
        make: impl FnOnce(Now, &mut dyn Entropy) -> Session,
    ) -> Result<Self, LogError> {
        let (head, mut d) = Head::read_of(MachineKind::Session, log)?;
        Ok(Self { run: Run::new(head.now, head.seed, make), left: d.take_rest() })
    }

    /// Does the next input again; packets are appended to `out`. `None` at the end of the log.
    ///
    /// # Errors
    /// [`LogError`]: the log is damaged here; nothing was done.
    pub fn step(&mut self, out: &mut Vec<u8>) -> Result<Option<Step<'a, '_>>, LogError> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let mut d = Decoder::new(self.left);
        let (now, input) = Input::read(&mut d)?.ok_or(LogError::NotAnInput)?;
        self.left = d.take_rest();
        let outcome = self.run.apply(now, &input, out);
        Ok(Some(Step { now, input, outcome }))
    }

    /// Returns the session, to look at.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.run.session
    }
}

/// An input that was done again.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "when, what, and what of it")]
pub struct Step<'a, 's> {
    /// When.
    pub now: Now,
    /// What.
    pub input: Input<'a>,
    /// What it led to.
    pub outcome: Outcome<'s>,
}

impl Run {
    fn new(now: Now, seed: [u8; 32], make: impl FnOnce(Now, &mut dyn Entropy) -> Session) -> Self {
        let mut entropy = CtrEntropy::new(seed);
        let session = make(now, &mut entropy);
        Self { session, entropy, packet: Vec::new() }
    }

    fn apply(&mut self, now: Now, input: &Input<'_>, out: &mut Vec<u8>) -> Outcome<'_> {
        let session = &mut self.session;
        match *input {
            Input::SetKey(ref established) => session.set_key(now, established),
            Input::DropKey => session.drop_key(),
            Input::SetBound => session.set_bound(),
            Input::Bind(ref inputs) => return Outcome::Request(session.bind(now, inputs.clone())),
            Input::Request { body, options } => {
                return Outcome::Request(session.request(now, body, options));
            }
            Input::Cancel(request) => return Outcome::Taken(session.cancel(request)),
            Input::DestroySession(session_id) => session.destroy_session(session_id),
            Input::DestroyKey => session.destroy_key(),
            Input::Ping(link) => return Outcome::Ping(session.ping(link)),
            Input::SetOnline(online) => session.set_online(online),
            Input::Replace => session.replace(now),
            Input::Respond { to, body } => return Outcome::Taken(session.respond(now, to, body)),
            Input::Push { body } => return Outcome::Push(session.push(now, body)),
            Input::SessionDestroyed { session_id, existed } => {
                session.session_destroyed(session_id, existed);
            }
            Input::KeyDestroyed(outcome) => session.key_destroyed(outcome),
            Input::Close => session.close(),
            Input::LinkUp { link, kind } => session.link_up(now, link, kind),
            Input::LinkDown(link) => session.link_down(now, link),
            Input::Packet { link, bytes } => {
                self.packet.clear();
                self.packet.extend_from_slice(bytes);
                return Outcome::Packet(session.handle_packet(now, link, &mut self.packet));
            }
            Input::QuickAck(token) => session.handle_quick_ack(token),
            Input::TransportError { link, code } => session.handle_transport_error(link, code),
            Input::Transmit(link) => {
                let transmit = session.poll_transmit(now, link, out, &mut self.entropy);
                return Outcome::Transmit(transmit);
            }
            Input::Event => return Outcome::Event(session.poll_event()),
            Input::Timeout => session.handle_timeout(now),
            Input::Trim => session.trim(),
        }
        Outcome::Done
    }
}

/// Leaves the state of the entropy out.
impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)
    }
}

/// Why a log is not run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogError {
    /// The bytes are of another kind, or of a version that is not known.
    UnknownFormat,
    /// An input is cut short.
    Malformed(DecodeError),
    /// What stands where an input should is none.
    NotAnInput,
    /// It is the log of another kind of machine.
    OtherMachine(MachineKind),
    /// What the client had saved, and was resumed from, is refused now.
    Resume(ResumeError),
    /// The machine writes something else than it did when the log was made: its code or its configuration differs.
    Differs {
        /// What it wrote then.
        then: Written,
        /// What it writes now.
        now: Written,
    },
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFormat => f.write_str("the bytes are no log of a known version"),
            Self::Malformed(error) => write!(f, "a damaged log: {error}"),
            Self::NotAnInput => f.write_str("a damaged log: not an input"),
            Self::OtherMachine(machine) => write!(f, "the log of a {machine:?}"),
            Self::Resume(error) => error.fmt(f),
            Self::Differs { then, now } => {
                write!(f, "another run: {} bytes written for {}", now.len, then.len)
            }
        }
    }
}

impl core::error::Error for LogError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            Self::Resume(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DecodeError> for LogError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}
