//! A log read, not run: what was done when.

use core::fmt;

use mtp_env::{Instant, Now};
use mtp_tl::Decoder;

use super::client::{Beginning, ClientInput};
use super::head::{Head, MachineKind};
use super::run::LogError;
use super::server::ServerInput;
use super::session::Input;

/// The inputs of any log, in order; it ends after the first that cannot be read.
#[derive(Clone, Debug)]
pub struct Timeline<'a> {
    head: Head<'a>,
    left: &'a [u8],
    /// When the first input came.
    start: Option<Instant>,
}

/// One input of a log.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "when and what")]
pub struct Moment<'a> {
    /// When, by the machine's clocks.
    pub now: Now,
    /// How long after the first input.
    pub since_start: core::time::Duration,
    /// What was done.
    pub what: What<'a>,
}

/// What was done to a machine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum What<'a> {
    /// To a session.
    Session(Input<'a>),
    /// To a client.
    Client(ClientInput<'a>),
    /// To a server.
    Server(ServerInput<'a>),
}

impl<'a> Timeline<'a> {
    /// Reads the beginning of a log.
    ///
    /// # Errors
    /// [`LogError`]: the bytes are no log, or of an unknown version.
    pub fn new(log: &'a [u8]) -> Result<Self, LogError> {
        let (head, mut d) = Head::read(log)?;
        if head.machine == MachineKind::Client {
            Beginning::read(&mut d)?.ok_or(LogError::NotAnInput)?;
        }
        Ok(Self { head, left: d.take_rest(), start: None })
    }

    /// Returns how the log begins.
    #[must_use]
    pub const fn head(&self) -> &Head<'a> {
        &self.head
    }

    fn read(&mut self) -> Result<Moment<'a>, LogError> {
        let mut d = Decoder::new(self.left);
        let read = match self.head.machine {
            MachineKind::Session => {
                Input::read(&mut d)?.map(|(now, input)| (now, What::Session(input)))
            }
            MachineKind::Client => {
                ClientInput::read(&mut d)?.map(|(now, input)| (now, What::Client(input)))
            }
            MachineKind::Server => {
                ServerInput::read(&mut d)?.map(|(now, input)| (now, What::Server(input)))
            }
        };
        let (now, what) = read.ok_or(LogError::NotAnInput)?;
        self.left = d.take_rest();
        let since_start = now.mono.saturating_since(*self.start.get_or_insert(now.mono));
        Ok(Moment { now, since_start, what })
    }
}

impl<'a> Iterator for Timeline<'a> {
    type Item = Result<Moment<'a>, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left.is_empty() {
            return None;
        }
        let read = self.read();
        if read.is_err() {
            self.left = &[];
        }
        Some(read)
    }
}

/// One line: the time since the first input, and what was done; never a body, never a secret.
impl fmt::Display for Moment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, micros) = (self.since_start.as_secs(), self.since_start.subsec_micros());
        write!(f, "{secs:>6}.{micros:06} ")?;
        match &self.what {
            What::Session(input) => input.fmt(f),
            What::Client(input) => input.fmt(f),
            What::Server(input) => input.fmt(f),
        }
    }
}
