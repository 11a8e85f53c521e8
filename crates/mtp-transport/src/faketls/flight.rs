//! The server's answer to a hello: three records with one digest.
//!
//! ```text
//!   16 03 03  ServerHello with the digest as its random
//!   14 03 03  change cipher spec
//!   17 03 03  noise in place of the encrypted flight
//! ```
//!
//! There must be exactly one record of noise: official clients treat everything behind it as part of
//! the stream.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use mtp_crypto::hash::hmac_sha256;
use mtp_env::Entropy;
use subtle::ConstantTimeEq;

use super::FakeTlsError;
use super::hello::AcceptedHello;
use super::wire::{
    APPLICATION_DATA, CHANGE_CIPHER_SPEC_RECORD, GROUP_HYBRID, GROUP_X25519, HANDSHAKE, RANDOM_AT,
    RANDOM_LEN, RECORD_HEADER_LEN, Split, TLS_1_2, draw_below, record_header,
};
use super::x25519::draw_public_key;
use crate::secret::SecretKey;

/// Maximum length of an answer, in bytes.
///
/// Three 16-bit lengths would allow four times as much. Genuine answers have about 5,000 bytes.
// spec: transport 8.5
pub const ANSWER_LEN_MAX: usize = 32_768;

/// Maximum number of handshake records in an answer.
// spec: transport 8.5
const HANDSHAKE_RECORDS_MAX: usize = 17;

/// Shape of the server's answer. It should resemble the answer of the fronting site.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FlightShape {
    /// Range from which the length of the noise is drawn, in bytes, clamped to 64..=16384;
    /// 2500..=3619 by default.
    // spec: transport 8.4
    pub noise_len: RangeInclusive<u16>,
    /// Answers a hybrid key share with a hybrid one instead of plain X25519. Off by default.
    pub hybrid: bool,
    /// Writes the version extension before the key share. Off by default.
    pub version_first: bool,
}

// spec: transport 8.4
impl Default for FlightShape {
    fn default() -> Self {
        Self { noise_len: 2500..=3619, hybrid: false, version_first: false }
    }
}

/// Generates the answer to an accepted hello.
pub(crate) fn write(
    key: &SecretKey,
    hello: &AcceptedHello,
    shape: &FlightShape,
    entropy: &mut dyn Entropy,
) -> Vec<u8> {
    let key_share = key_share(shape.hybrid && hello.hybrid, entropy);
    let extensions = if shape.version_first {
        [&VERSION_EXTENSION[..], &key_share].concat()
    } else {
        [&key_share, &VERSION_EXTENSION[..]].concat()
    };
    let (low, high) = (*shape.noise_len.start(), *shape.noise_len.end());
    let span = u32::from(high.saturating_sub(low)).saturating_add(1);
    let drawn = u16::try_from(draw_below(span, entropy)).unwrap_or(0);
    let len = low.saturating_add(drawn).clamp(NOISE_LEN_MIN, NOISE_LEN_MAX);
    let mut noise = [0; NOISE_LEN_MAX as usize];
    let noise = noise.get_mut(..usize::from(len)).unwrap_or_default();
    entropy.fill(noise);
    assemble(key, hello, &extensions, noise)
}

/// Assembles the three records and writes the digest into the first one.
// spec: transport 8.4
pub(super) fn assemble(
    key: &SecretKey,
    hello: &AcceptedHello,
    extensions: &[u8],
    noise: &[u8],
) -> Vec<u8> {
    let [extensions_high, extensions_low] = len16(extensions.len()).to_be_bytes();
    let [suite_high, suite_low] = hello.suite.to_be_bytes();
    let body_len = len16(extensions.len().saturating_add(SERVER_HELLO_FIXED_LEN));
    let [body_high, body_low] = body_len.to_be_bytes();
    let mut out = Vec::with_capacity(noise.len().saturating_add(256));
    out.extend_from_slice(&record_header(HANDSHAKE, body_len.saturating_add(4)));
    out.extend_from_slice(&[2, 0, body_high, body_low]);
    out.extend_from_slice(&TLS_1_2);
    out.extend_from_slice(&[0; RANDOM_LEN]);
    out.push(len16(hello.session_id.len()).to_le_bytes()[0]);
    out.extend_from_slice(&hello.session_id);
    out.extend_from_slice(&[suite_high, suite_low, 0, extensions_high, extensions_low]);
    out.extend_from_slice(extensions);
    out.extend_from_slice(&CHANGE_CIPHER_SPEC_RECORD);
    out.extend_from_slice(&record_header(APPLICATION_DATA, len16(noise.len())));
    out.extend_from_slice(noise);
    let digest = hmac_sha256(key.as_bytes(), &[&hello.random, &out]);
    if let Some(random) = out.get_mut(RANDOM_AT..).and_then(|rest| rest.first_chunk_mut()) {
        *random = digest;
    }
    out
}

/// Verifies an answer against the client's random. Returns its length, or `None` if bytes are
/// missing.
// spec: transport 8.5
pub(super) fn check(
    key: &SecretKey,
    client_random: &[u8; RANDOM_LEN],
    bytes: &[u8],
) -> Result<Option<usize>, FakeTlsError> {
    let Some(len) = answer_len(bytes)? else { return Ok(None) };
    let answer = bytes.get(..len).ok_or(FakeTlsError::Answer)?;
    let (before, rest) = answer.split_at_checked(RANDOM_AT).ok_or(FakeTlsError::Answer)?;
    let (random, after) = rest.split_first_chunk::<RANDOM_LEN>().ok_or(FakeTlsError::Answer)?;
    let parts = [client_random.as_slice(), before, &[0; RANDOM_LEN], after];
    let digest = hmac_sha256(key.as_bytes(), &parts);
    if bool::from(digest.ct_eq(random)) { Ok(Some(len)) } else { Err(FakeTlsError::AnswerDigest) }
}

/// Parses the records of an answer. Returns its length, or `None` if bytes are missing.
fn answer_len(bytes: &[u8]) -> Result<Option<usize>, FakeTlsError> {
    let mut rest = bytes;
    for index in 0..=HANDSHAKE_RECORDS_MAX {
        let may_change = index > 0;
        match rest.first() {
            None => return Ok(None),
            Some(&HANDSHAKE) => {
                let Some((content, after)) = split_record(rest, HANDSHAKE)? else {
                    return too_long_or_wait(bytes);
                };
                // The record must be long enough to hold the random.
                if index == 0 && content.len() < SERVER_HELLO_FIXED_LEN {
                    return Err(FakeTlsError::Answer);
                }
                rest = after;
            }
            Some(_) if may_change => {
                let start = CHANGE_CIPHER_SPEC_RECORD;
                if rest.iter().zip(&start).any(|(found, expected)| found != expected) {
                    return Err(FakeTlsError::Answer);
                }
                let Some(after) = rest.get(start.len()..) else { return Ok(None) };
                return match split_record(after, APPLICATION_DATA)? {
                    Some((_, after)) => Ok(Some(bytes.len().saturating_sub(after.len()))),
                    None => too_long_or_wait(bytes),
                };
            }
            Some(_) => return Err(FakeTlsError::Answer),
        }
    }
    Err(FakeTlsError::Answer)
}

fn too_long_or_wait(bytes: &[u8]) -> Result<Option<usize>, FakeTlsError> {
    if bytes.len() > ANSWER_LEN_MAX { Err(FakeTlsError::AnswerTooLong) } else { Ok(None) }
}

/// Splits off the content of a record of one type. Fails as early as possible.
fn split_record(bytes: &[u8], kind: u8) -> Result<Split<'_>, FakeTlsError> {
    let [major, minor] = TLS_1_2;
    if bytes.iter().zip(&[kind, major, minor]).any(|(found, expected)| found != expected) {
        return Err(FakeTlsError::Answer);
    }
    let Some((&[_, _, _, high, low], rest)) = bytes.split_first_chunk::<RECORD_HEADER_LEN>() else {
        return Ok(None);
    };
    Ok(rest.split_at_checked(usize::from(u16::from_be_bytes([high, low]))))
}

fn key_share(hybrid: bool, entropy: &mut dyn Entropy) -> Vec<u8> {
    let (group, ciphertext_len) =
        if hybrid { (GROUP_HYBRID, ML_KEM_768_CIPHERTEXT_LEN) } else { (GROUP_X25519, 0) };
    // Every byte string is a well-formed ciphertext.
    let mut share = vec![0; ciphertext_len];
    entropy.fill(&mut share);
    share.extend_from_slice(&draw_public_key(entropy));
    let [group_high, group_low] = group.to_be_bytes();
    let [len_high, len_low] = len16(share.len()).to_be_bytes();
    let [content_high, content_low] = len16(share.len().saturating_add(4)).to_be_bytes();
    let header = [0x00, 0x33, content_high, content_low, group_high, group_low, len_high, len_low];
    [&header[..], &share].concat()
}

/// Converts a length that is known to fit 16 bits.
fn len16(len: usize) -> u16 {
    debug_assert!(u16::try_from(len).is_ok(), "{len} does not fit");
    u16::try_from(len).unwrap_or(u16::MAX)
}

/// The `supported_versions` extension with TLS 1.3.
const VERSION_EXTENSION: [u8; 6] = [0x00, 0x2b, 0x00, 0x02, 0x03, 0x04];

/// Length of a ServerHello without extensions: version, random, session id, suite, compression and
/// the length of the extensions.
const SERVER_HELLO_FIXED_LEN: usize = 2 + RANDOM_LEN + 1 + 32 + 2 + 1 + 2;

const ML_KEM_768_CIPHERTEXT_LEN: usize = 1088;

/// Limits of the noise: the shortest plausible encrypted flight and the longest record.
const NOISE_LEN_MIN: u16 = 64;
const NOISE_LEN_MAX: u16 = 16_384;
