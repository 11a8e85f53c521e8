//! Auth keys at rest, under a password.
//!
//! ```text
//!   header      "MTPK" | version 1 | memory_kib 4 | passes 4 | lanes 4 | salt 16 | nonce 24      57 bytes
//!   contents    sealed by XChaCha20-Poly1305; the header is authenticated with it
//!   tag         16
//!
//!   password ── Argon2id(salt, cost of the header) ──▶ key of 32 bytes
//! ```
//!
//! Numbers are little-endian. The contents are a clock offset and keys with their salts. A cost
//! above [`Cost::MAX`] is rejected before the key is derived, so that a hostile file cannot exhaust
//! memory or time.
//!
//! Deriving the key blocks for the time that the cost implies: run it on a thread that may block.

mod contents;

use alloc::vec::Vec;
use core::fmt;

use argon2::{Algorithm, Argon2, Params};
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
pub use contents::{KEYS_MAX, KeyFile, KeyFileEntry, KeyFileSalt, SALTS_MAX};
use zeroize::Zeroizing;

use crate::parts::part;
use mtp_env::Entropy;

/// The cost of deriving the key from a password, and of each guess at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// The default: 64 MiB in three passes, a few tenths of a second. RFC 9106 recommends it with
    /// four lanes; this crate has no threads and uses one.
    pub const DEFAULT: Self = Self { memory_kib: 64 << 10, passes: 3, lanes: 1 };

    /// The maximum that is accepted: 256 MiB, 16 passes, 4 lanes.
    pub const MAX: Self = Self { memory_kib: 256 << 10, passes: 16, lanes: 4 };

    /// Creates a cost from the memory in KiB, at least 8 for each lane, and the passes over it.
    ///
    /// # Errors
    /// [`CostError`] if a number is zero or above its [`MAX`](Self::MAX), or the memory is too small.
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, CostError> {
        let within = passes >= 1
            && passes <= Self::MAX.passes
            && lanes >= 1
            && lanes <= Self::MAX.lanes
            && memory_kib <= Self::MAX.memory_kib
            && memory_kib / MEMORY_KIB_PER_LANE >= lanes;
        let cost = Self { memory_kib, passes, lanes };
        if within { Ok(cost) } else { Err(CostError { memory_kib, passes, lanes }) }
    }
}

impl Default for Cost {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A cost outside the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CostError {
    /// The requested memory in KiB.
    pub memory_kib: u32,
    /// The requested passes.
    pub passes: u32,
    /// The requested lanes.
    pub lanes: u32,
}

impl fmt::Display for CostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory_kib, passes, lanes } = self;
        write!(f, "{memory_kib} KiB in {passes} passes on {lanes} lanes is outside the limits")
    }
}

impl core::error::Error for CostError {}

/// Seals keys under a password.
///
/// # Errors
/// [`SealFileError`] if the contents exceed the limits or memory is exhausted.
pub fn seal_file(
    file: &KeyFile,
    password: &[u8],
    cost: Cost,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, SealFileError> {
    let mut contents = file.encode()?;
    let mut random = [0; SALT_LEN + NONCE_LEN];
    entropy.fill(&mut random);
    let mut out = Vec::new();
    out.extend_from_slice(MAGIC);
    out.push(VERSION);
    for number in [cost.memory_kib, cost.passes, cost.lanes] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&random);
    let key = derive(password, cost, part(&random, 0)).ok_or(SealFileError::Memory)?;
    let tag = XChaCha20Poly1305::new((&*key).into())
        .encrypt_inout_detached(
            part::<NONCE_LEN>(&random, SALT_LEN).into(),
            &out,
            (&mut **contents).into(),
        )
        .map_err(|_| SealFileError::TooLarge)?;
    out.extend_from_slice(&contents);
    out.extend_from_slice(&tag);
    Ok(out)
}

/// Opens a file sealed by [`seal_file`].
///
/// # Errors
/// [`OpenFileError`] names the defect. A wrong password cannot be distinguished from a damaged file.
pub fn open_file(file: &[u8], password: &[u8]) -> Result<KeyFile, OpenFileError> {
    let (header, rest) =
        file.split_first_chunk::<HEADER_LEN>().ok_or(OpenFileError::NotAKeyFile)?;
    if part::<4>(header, 0) != MAGIC {
        return Err(OpenFileError::NotAKeyFile);
    }
    let [version] = *part(header, 4);
    if version != VERSION {
        return Err(OpenFileError::Version { found: version });
    }
    let number = |at| u32::from_le_bytes(*part(header, at));
    let cost = Cost::new(number(5), number(9), number(13)).map_err(OpenFileError::Cost)?;
    let (sealed, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(OpenFileError::NotAKeyFile)?;
    if sealed.len() > contents::LEN_MAX {
        return Err(OpenFileError::TooLarge { len: sealed.len() });
    }
    let key = derive(password, cost, part(header, SALT_AT)).ok_or(OpenFileError::Memory)?;
    let nonce = part::<NONCE_LEN>(header, SALT_AT + SALT_LEN);
    let mut contents = Zeroizing::new(sealed.to_vec());
    XChaCha20Poly1305::new((&*key).into())
        .decrypt_inout_detached(nonce.into(), header, (&mut **contents).into(), tag.into())
        .map_err(|_| OpenFileError::Password)?;
    KeyFile::decode(&contents).ok_or(OpenFileError::Contents)
}

/// Derives the key, or returns `None` if memory is exhausted.
fn derive(password: &[u8], cost: Cost, salt: &[u8; SALT_LEN]) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(key.len())).ok()?;
    let argon2 = Argon2::new(Algorithm::Argon2id, argon2::Version::V0x13, params);
    argon2.hash_password_into(password, salt, &mut *key).ok()?;
    Some(key)
}

/// Errors of [`seal_file`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealFileError {
    /// More than [`KEYS_MAX`] keys, or [`SALTS_MAX`] salts of one key.
    TooLarge,
    /// The memory for the key derivation cannot be allocated, or the password is longer than 2^32
    /// bytes.
    Memory,
}

impl fmt::Display for SealFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "too many keys or salts for one file",
            Self::Memory => "not enough memory to derive a key from the password",
        })
    }
}

impl core::error::Error for SealFileError {}

/// Errors of [`open_file`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenFileError {
    /// The file does not start like a key file, or ends within the header.
    NotAKeyFile,
    /// The file has a version that this crate does not support.
    Version {
        /// The version of the file.
        found: u8,
    },
    /// The file demands more time or memory than the limits allow.
    Cost(CostError),
    /// The contents are larger than the limits allow.
    TooLarge {
        /// The length of the contents in bytes.
        len: usize,
    },
    /// The memory for the key derivation cannot be allocated.
    Memory,
    /// The password is wrong or the file was modified.
    Password,
    /// The decrypted contents are malformed.
    Contents,
}

impl fmt::Display for OpenFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAKeyFile => f.write_str("not a key file"),
            Self::Version { found } => write!(f, "key file version {found} is not supported"),
            Self::Cost(_) => f.write_str("the key file demands too much time or memory"),
            Self::TooLarge { len } => write!(f, "{len} bytes are too many for a key file"),
            Self::Memory => f.write_str("not enough memory to derive the key from the password"),
            Self::Password => f.write_str("the password is wrong or the key file is damaged"),
            Self::Contents => f.write_str("the contents of the key file are malformed"),
        }
    }
}

impl core::error::Error for OpenFileError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Cost(error) => Some(error),
            _ => None,
        }
    }
}

const MAGIC: &[u8; 4] = b"MTPK";
const VERSION: u8 = 1;
const SALT_LEN: usize = 16;
const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;
const SALT_AT: usize = 4 + 1 + 3 * 4;
const HEADER_LEN: usize = SALT_AT + SALT_LEN + NONCE_LEN;
/// Argon2's minimum: eight blocks of 1 KiB for each lane.
const MEMORY_KIB_PER_LANE: u32 = 8;
