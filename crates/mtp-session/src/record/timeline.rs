//! A log listed without running it.

use core::fmt;
use core::time::Duration;

use mtp_env::{Instant, Now};
use mtp_tl::Decoder;

use super::LogError;
use super::head::Head;
use super::input::{ClientInput, Origin};

/// Iterator over the inputs of a log; ends after the first that cannot be read.
#[derive(Clone, Debug)]
pub struct Timeline<'a> {
    head: Head<'a>,
    rest: &'a [u8],
    /// Time of the first input.
    start: Option<Instant>,
}

/// An input of a log with its time.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a time and an input")]
pub struct Moment<'a> {
    /// Clocks of the client.
    pub now: Now,
    /// Time since the first input.
    pub since_start: Duration,
    /// The input.
    pub input: ClientInput<'a>,
}

impl<'a> Timeline<'a> {
    /// Reads the head of a log.
    ///
    /// # Errors
    /// [`LogError`] if the bytes are not a log of a known version.
    pub fn new(log: &'a [u8]) -> Result<Self, LogError> {
        let (head, mut d) = Head::read(log)?;
        Origin::read(&mut d)?.ok_or(LogError::UnknownInput)?;
        Ok(Self { head, rest: d.take_rest(), start: None })
    }

    /// Returns the head of the log.
    #[must_use]
    pub const fn head(&self) -> &Head<'a> {
        &self.head
    }

    fn read(&mut self) -> Result<Moment<'a>, LogError> {
        let mut d = Decoder::new(self.rest);
        let (now, input) = ClientInput::read(&mut d)?.ok_or(LogError::UnknownInput)?;
        self.rest = d.take_rest();
        let since_start = now.mono.saturating_since(*self.start.get_or_insert(now.mono));
        Ok(Moment { now, since_start, input })
    }
}

impl<'a> Iterator for Timeline<'a> {
    type Item = Result<Moment<'a>, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let read = self.read();
        if read.is_err() {
            self.rest = &[];
        }
        Some(read)
    }
}

/// One line: time since the first input, then the input, without bodies and secrets.
impl fmt::Display for Moment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, micros) = (self.since_start.as_secs(), self.since_start.subsec_micros());
        write!(f, "{secs:>6}.{micros:06} {}", self.input)
    }
}
