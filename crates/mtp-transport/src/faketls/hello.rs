//! A client's hello as the server sees it: collected from its records, judged.
//!
//! Everything here fails for a connection that is not a client of ours, which is the usual case for
//! a server that fronts a web site: an error means "hand all bytes to the site", never an answer.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use mtp_crypto::hash::hmac_sha256;
use mtp_env::UnixTime;
use subtle::ConstantTimeEq;

use super::{GROUP_HYBRID, HANDSHAKE, RANDOM_AT, RANDOM_LEN, RECORD_HEADER_LEN, SUITES, Split};
use crate::replay::ReplayKey;
use crate::secret::SecretKey;

/// The shortest and the longest hello, in bytes without record headers.
// spec: transport 15
pub const HELLO_BODY_LEN: core::ops::RangeInclusive<usize> = 100..=16_384;

/// Over how many records a hello may be spread.
// spec: transport 8.3
pub const HELLO_RECORDS_MAX: usize = 10;

/// How far a client's clock may be from ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeWindow {
    /// A hello must be younger than this; 10 minutes by default.
    pub past: Duration,
    /// A hello may be so far ahead of our clock; 3 seconds by default.
    pub future: Duration,
}

impl TimeWindow {
    /// Returns how long a hello can be accepted at all, hence for how long it must be remembered.
    // spec: transport 7.4
    #[must_use]
    pub const fn span(&self) -> Duration {
        self.past.saturating_add(self.future)
    }

    // spec: transport 8.3
    fn check(&self, now: UnixTime, stamp: u32) -> Result<(), HelloError> {
        // The stamp is the time modulo 2^32, so the difference is taken modulo 2^32 as well.
        let [a, b, c, d, ..] = now.as_secs().to_le_bytes();
        let age = u32::from_le_bytes([a, b, c, d]).wrapping_sub(stamp).cast_signed();
        let seconds = u64::from(age.unsigned_abs());
        if age < 0 && seconds > self.future.as_secs() {
            Err(HelloError::Future { seconds })
        } else if age >= 0 && seconds >= self.past.as_secs() {
            Err(HelloError::Stale { seconds })
        } else {
            Ok(())
        }
    }
}

// spec: transport 7.4
impl Default for TimeWindow {
    fn default() -> Self {
        Self { past: Duration::from_secs(600), future: Duration::from_secs(3) }
    }
}

/// Which site a client may pretend to visit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerName {
    /// Exactly the domain of the secret it knows.
    // spec: transport 14
    #[default]
    Exact,
    /// Any, or none.
    Any,
}

/// A hello in one piece.
#[derive(Clone, PartialEq, Eq)]
pub struct Hello {
    /// The hello as a single record, whatever it came in.
    record: Vec<u8>,
    /// How many bytes of the connection it took.
    consumed: usize,
}

impl Hello {
    /// Collects a hello from the first bytes of a connection, `None` while bytes are missing.
    ///
    /// # Errors
    /// [`HelloError::NotHello`], [`HelloError::Length`], [`HelloError::TooManyRecords`].
    // spec: transport 8.3
    pub fn collect(bytes: &[u8]) -> Result<Option<Self>, HelloError> {
        let mut record = Vec::new();
        let mut rest = bytes;
        for _ in 0..HELLO_RECORDS_MAX {
            // Only later records may carry the newer version.
            let versions: &[u8] = if record.is_empty() { &[1] } else { &[1, 3] };
            let Some((part, after)) = split_record(rest, versions)? else { return Ok(None) };
            rest = after;
            if record.is_empty() {
                record.extend_from_slice(&[HANDSHAKE, 3, 1, 0, 0]);
            }
            record.extend_from_slice(part);
            if let Some(len) = declared_len(&record)?
                && record.len() >= len
            {
                if record.len() > len {
                    return Err(HelloError::Malformed);
                }
                let body_len = u16::try_from(len.saturating_sub(RECORD_HEADER_LEN));
                let [high, low] = body_len.map_err(|_| HelloError::Malformed)?.to_be_bytes();
                if let Some([_, _, _, place_high, place_low]) = record.first_chunk_mut() {
                    (*place_high, *place_low) = (high, low);
                }
                let consumed = bytes.len().saturating_sub(rest.len());
                return Ok(Some(Self { record, consumed }));
            }
        }
        Err(HelloError::TooManyRecords)
    }

    /// Judges the hello with each of the secrets in turn.
    ///
    /// # Errors
    /// Named in the order of the checks: malformed, digest, time, server name, cipher suite.
    // spec: transport 8.3
    pub fn judge<'s>(
        &self,
        secrets: impl IntoIterator<Item = (&'s SecretKey, Option<&'s [u8]>)>,
        now: UnixTime,
        window: TimeWindow,
        name_rule: ServerName,
    ) -> Result<AcceptedHello, HelloError> {
        let parts = Parts::parse(&self.record).ok_or(HelloError::Malformed)?;
        let (before, rest) =
            self.record.split_at_checked(RANDOM_AT).ok_or(HelloError::Malformed)?;
        let (random, after) =
            rest.split_first_chunk::<RANDOM_LEN>().ok_or(HelloError::Malformed)?;
        let (claimed, claimed_time) = random
            .split_last_chunk::<4>()
            .map_or_else(|| (&random[..0], [0; 4]), |(claimed, time)| (claimed, *time));
        let found = secrets.into_iter().enumerate().find_map(|(index, (key, domain))| {
            let digest = hmac_sha256(key.as_bytes(), &[before, &[0; RANDOM_LEN], after]);
            let (expected, pad) = digest.split_last_chunk::<4>()?;
            let fits = bool::from(expected.ct_eq(claimed));
            fits.then(|| (index, domain, u32::from_le_bytes(*pad)))
        });
        let (secret, domain, pad) = found.ok_or(HelloError::Digest)?;
        window.check(now, u32::from_le_bytes(claimed_time) ^ pad)?;
        if name_rule == ServerName::Exact && parts.server_name != domain {
            return Err(HelloError::ServerName);
        }
        let suite = parts.suite.ok_or(HelloError::CipherSuite)?;
        let session_id = *parts.session_id;
        Ok(AcceptedHello { secret, random: *random, session_id, suite, hybrid: parts.hybrid })
    }

    /// Returns the site the client pretends to visit, if it names one.
    #[must_use]
    pub fn server_name(&self) -> Option<&[u8]> {
        Parts::parse(&self.record)?.server_name
    }

    /// Returns how many bytes of the connection the hello took.
    #[must_use]
    pub const fn consumed(&self) -> usize {
        self.consumed
    }
}

impl fmt::Debug for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hello({} bytes)", self.record.len())
    }
}

/// A hello of a client that knows one of our secrets: all that the answer needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedHello {
    /// The number of the secret that fitted.
    pub(crate) secret: usize,
    pub(crate) random: [u8; RANDOM_LEN],
    pub(crate) session_id: [u8; 32],
    pub(crate) suite: u16,
    /// The client offered a hybrid key share.
    pub(crate) hybrid: bool,
}

impl AcceptedHello {
    /// Returns the number of the secret that the client knows.
    #[must_use]
    pub const fn secret(&self) -> usize {
        self.secret
    }

    /// Returns what to remember against replays.
    // spec: transport 7.4
    #[must_use]
    pub fn replay_key(&self) -> ReplayKey {
        ReplayKey::new(*self.random.first_chunk().unwrap_or(&[0; 16]))
    }
}

/// Says why a server hands a connection to the fronting site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HelloError {
    /// No record with a client's hello.
    NotHello,
    /// A hello whose length is outside [`HELLO_BODY_LEN`].
    Length {
        /// The length announced, in bytes.
        len: usize,
    },
    /// A hello over more than [`HELLO_RECORDS_MAX`] records.
    TooManyRecords,
    /// A hello whose inner lengths do not add up, or without a session id of 32 bytes.
    Malformed,
    /// The digest fits none of our secrets.
    Digest,
    /// The hello is too old.
    Stale {
        /// Its age in seconds.
        seconds: u64,
    },
    /// The hello comes from the future.
    Future {
        /// How far, in seconds.
        seconds: u64,
    },
    /// The same hello was seen before.
    Replayed,
    /// The server name is not the secret's domain.
    ServerName,
    /// No cipher suite of TLS 1.3 is offered.
    CipherSuite,
}

impl fmt::Display for HelloError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHello => f.write_str("not a tls hello"),
            Self::Length { len } => write!(f, "tls hello of {len} bytes"),
            Self::TooManyRecords => f.write_str("tls hello in too many records"),
            Self::Malformed => f.write_str("malformed tls hello"),
            Self::Digest => f.write_str("digest of the tls hello fits no secret"),
            Self::Stale { seconds } => write!(f, "tls hello is {seconds} s old"),
            Self::Future { seconds } => write!(f, "tls hello is {seconds} s ahead"),
            Self::Replayed => f.write_str("tls hello was seen before"),
            Self::ServerName => f.write_str("server name is not the secret's domain"),
            Self::CipherSuite => f.write_str("no cipher suite of tls 1.3 is offered"),
        }
    }
}

impl core::error::Error for HelloError {}

/// Splits off the content of a handshake record; decides as early as the header allows.
fn split_record<'a>(bytes: &'a [u8], versions: &[u8]) -> Result<Split<'a>, HelloError> {
    let start = [HANDSHAKE, 3];
    if bytes.iter().zip(&start).any(|(found, expected)| found != expected) {
        return Err(HelloError::NotHello);
    }
    let Some((&[_, _, minor, high, low], rest)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    let len = usize::from(u16::from_be_bytes([high, low]));
    if !versions.contains(&minor) {
        return Err(HelloError::NotHello);
    }
    if len == 0 || len > *HELLO_BODY_LEN.end() {
        return Err(HelloError::Length { len });
    }
    Ok(rest.split_at_checked(len))
}

/// Returns the length of the single record that the collected bytes announce.
fn declared_len(record: &[u8]) -> Result<Option<usize>, HelloError> {
    let Some(&[kind, a, b, c]) = record.get(RECORD_HEADER_LEN..).and_then(|r| r.first_chunk())
    else {
        return Ok(None);
    };
    if kind != 1 {
        return Err(HelloError::NotHello);
    }
    let len = u32::from_be_bytes([0, a, b, c]);
    let len = usize::try_from(len).unwrap_or(usize::MAX).saturating_add(4);
    if !HELLO_BODY_LEN.contains(&len) {
        return Err(HelloError::Length { len });
    }
    Ok(Some(len.saturating_add(RECORD_HEADER_LEN)))
}

/// What a server looks at in a hello.
struct Parts<'a> {
    session_id: &'a [u8; 32],
    suite: Option<u16>,
    server_name: Option<&'a [u8]>,
    hybrid: bool,
}

impl<'a> Parts<'a> {
    fn parse(record: &'a [u8]) -> Option<Self> {
        let mut body = Reader(record.get(RANDOM_AT.checked_add(RANDOM_LEN)?..)?);
        let session_id = body.short()?.0.try_into().ok()?;
        let mut ciphers = body.long()?;
        let mut suite = None;
        while let Some(cipher) = ciphers.u16() {
            suite = suite.or(Some(cipher).filter(|cipher| SUITES.contains(cipher)));
        }
        body.short()?;
        let mut parts = Self { session_id, suite, server_name: None, hybrid: false };
        let mut extensions = body.long()?;
        while !extensions.0.is_empty() {
            let kind = extensions.u16()?;
            let mut content = extensions.long()?;
            match kind {
                0x0000 if parts.server_name.is_none() => {
                    let mut names = content.long()?;
                    if names.take(1)? == [0] {
                        parts.server_name = Some(names.long()?.0);
                    }
                }
                0x0033 => {
                    let mut shares = content.long()?;
                    while !shares.0.is_empty() {
                        parts.hybrid |= shares.u16()? == GROUP_HYBRID;
                        shares.long()?;
                    }
                }
                _ => {}
            }
        }
        (ciphers.0.is_empty() && body.0.is_empty()).then_some(parts)
    }
}

/// A cursor over the structures of TLS; `None` where bytes are missing.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*bytes))
    }

    /// Takes what stands behind a length of one byte.
    fn short(&mut self) -> Option<Self> {
        let len = *self.take(1)?.first()?;
        self.take(usize::from(len)).map(Self)
    }

    /// Takes what stands behind a length of two bytes.
    fn long(&mut self) -> Option<Self> {
        let len = self.u16()?;
        self.take(usize::from(len)).map(Self)
    }
}
