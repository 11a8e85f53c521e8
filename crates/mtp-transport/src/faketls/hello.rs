//! Parsing and verification of client hellos by the server.
//!
//! A server behind a fronting site receives mostly connections of other clients. An error therefore
//! means that all bytes are forwarded to the site and nothing is answered.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use mtp_crypto::hash::hmac_sha256;
use mtp_env::UnixTime;
use subtle::ConstantTimeEq;

use super::wire::{
    GROUP_HYBRID, HANDSHAKE, RANDOM_AT, RANDOM_LEN, RECORD_HEADER_LEN, SUITES, Split,
};
use crate::replay::ReplayKey;
use crate::secret::SecretKey;

/// Accepted length of a hello, in bytes without record headers.
// spec: transport 15
pub const HELLO_BODY_LEN: core::ops::RangeInclusive<usize> = 100..=16_384;

/// Maximum number of records in a hello.
// spec: transport 8.3
pub const HELLO_RECORDS_MAX: usize = 10;

/// Accepted difference between the clocks of client and server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a window has two ends")]
pub struct TimeWindow {
    /// A hello is rejected at this age; 10 minutes by default.
    pub past: Duration,
    /// A hello may be ahead of the server's clock by this much; 3 seconds by default.
    pub future: Duration,
}

impl TimeWindow {
    /// Returns the length of the window, which is how long a replay store must keep a hello.
    // spec: transport 7.4
    #[must_use]
    pub const fn span(&self) -> Duration {
        self.past.saturating_add(self.future)
    }

    // spec: transport 8.3
    fn check(&self, now: UnixTime, stamp: u32) -> Result<(), HelloError> {
        // The stamp is the time modulo 2^32, so the difference is computed modulo 2^32.
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

/// Accepted server names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerName {
    /// Exactly the domain of the client's secret.
    // spec: transport 14
    #[default]
    Exact,
    /// Any name, or no name.
    Any,
}

/// A complete client hello.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientHello {
    /// The hello as a single record, however many it was sent in.
    record: Vec<u8>,
    /// Length of the hello on the wire, with all record headers.
    consumed: usize,
}

impl ClientHello {
    /// Reassembles a hello from the first bytes of a connection. Returns `None` if bytes are missing.
    ///
    /// # Errors
    ///
    /// [`HelloError::NotHello`], [`HelloError::Length`], [`HelloError::TooManyRecords`].
    // spec: transport 8.3
    pub fn collect(bytes: &[u8]) -> Result<Option<Self>, HelloError> {
        let mut record = Vec::new();
        let mut rest = bytes;
        for _ in 0..HELLO_RECORDS_MAX {
            // The first record must have version 3.1; the others may have 3.3.
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

    /// Verifies the hello against each of the secrets in turn.
    ///
    /// # Errors
    ///
    /// In the order of the checks: malformed, digest, time, server name, cipher suite.
    // spec: transport 8.3
    pub fn verify<'s>(
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

    /// Returns the server name, if there is one.
    #[must_use]
    pub fn server_name(&self) -> Option<&[u8]> {
        Parts::parse(&self.record)?.server_name
    }

    /// Returns the length of the hello on the wire, with all record headers.
    #[must_use]
    pub const fn consumed(&self) -> usize {
        self.consumed
    }
}

impl fmt::Debug for ClientHello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hello({} bytes)", self.record.len())
    }
}

/// A verified hello: everything that the answer needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedHello {
    /// Index of the secret that matched.
    pub(crate) secret: usize,
    pub(crate) random: [u8; RANDOM_LEN],
    pub(crate) session_id: [u8; 32],
    pub(crate) suite: u16,
    /// The client offered a hybrid key share.
    pub(crate) hybrid: bool,
}

impl AcceptedHello {
    /// Returns the index of the client's secret.
    #[must_use]
    pub const fn secret(&self) -> usize {
        self.secret
    }

    /// Returns the key for the replay store.
    // spec: transport 7.4
    #[must_use]
    pub fn replay_key(&self) -> ReplayKey {
        ReplayKey::new(*self.random.first_chunk().unwrap_or(&[0; 16]))
    }
}

/// Errors for hellos the server rejects. The connection is forwarded to the fronting site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HelloError {
    /// Not a record with a client hello.
    NotHello,
    /// A length outside [`HELLO_BODY_LEN`].
    Length {
        /// The declared length in bytes.
        len: usize,
    },
    /// More than [`HELLO_RECORDS_MAX`] records.
    TooManyRecords,
    /// Inconsistent inner lengths, or no session id of 32 bytes.
    Malformed,
    /// The digest matches no secret.
    Digest,
    /// The hello is too old.
    Stale {
        /// The age in seconds.
        seconds: u64,
    },
    /// The hello is too far ahead of the server's clock.
    Future {
        /// The difference in seconds.
        seconds: u64,
    },
    /// The hello was seen before.
    Replayed,
    /// The server name is not the secret's domain.
    ServerName,
    /// No TLS 1.3 cipher suite is offered.
    CipherSuite,
}

impl fmt::Display for HelloError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHello => f.write_str("not a TLS client hello"),
            Self::Length { len } => write!(f, "TLS hello of {len} bytes"),
            Self::TooManyRecords => f.write_str("TLS hello in too many records"),
            Self::Malformed => f.write_str("malformed TLS hello"),
            Self::Digest => f.write_str("digest of the TLS hello matches no secret"),
            Self::Stale { seconds } => write!(f, "TLS hello is {seconds} s old"),
            Self::Future { seconds } => write!(f, "TLS hello is {seconds} s ahead of the clock"),
            Self::Replayed => f.write_str("replayed TLS hello"),
            Self::ServerName => f.write_str("server name is not the domain of the secret"),
            Self::CipherSuite => f.write_str("TLS hello offers no TLS 1.3 cipher suite"),
        }
    }
}

impl core::error::Error for HelloError {}

/// Splits off the content of a handshake record. Fails as early as possible.
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

/// Returns the length of the hello as a single record, or `None` if its header is incomplete.
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

/// The parts of a hello that the server checks.
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

/// Cursor over TLS structures. Returns `None` where bytes are missing.
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

    /// Takes a vector with a one-byte length.
    fn short(&mut self) -> Option<Self> {
        let len = *self.take(1)?.first()?;
        self.take(usize::from(len)).map(Self)
    }

    /// Takes a vector with a two-byte length.
    fn long(&mut self) -> Option<Self> {
        let len = self.u16()?;
        self.take(usize::from(len)).map(Self)
    }
}
