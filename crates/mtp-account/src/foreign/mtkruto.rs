//! Strings of `MTKruto`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::str;

use mtp_crypto::AuthKey;
use zeroize::Zeroizing;

use super::bytes::{Reader, decode, encode_url, key, put_tl_bytes};
use super::session::{ForeignError, ForeignSession, STRING_LEN_MAX};

const TEST: &str = "-test";

/// Reads a string of `MTKruto`.
///
/// # Errors
/// [`ForeignError`] if the string is no session.
// spec: account 9.7
pub fn read_mtkruto(string: &str) -> Result<ForeignSession, ForeignError> {
    let coded = decode(string)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(STRING_LEN_MAX));
    let mut coded = coded.iter();
    while let Some(&byte) = coded.next() {
        let run = if byte == 0 { *coded.next().ok_or(ForeignError::Form)? } else { 1 };
        if bytes.len() + usize::from(run) > STRING_LEN_MAX {
            return Err(ForeignError::Form);
        }
        bytes.extend(core::iter::repeat_n(byte, run.into()));
    }
    let mut reader = Reader(&bytes);
    let name = str::from_utf8(reader.tl_bytes()?).map_err(|_| ForeignError::Form)?;
    let (number, test) = name.strip_suffix(TEST).map_or((name, false), |number| (number, true));
    let center = number.parse().map_err(|_| ForeignError::Form)?;
    let key = key(reader.tl_bytes()?)?;
    reader.end()?;
    ForeignSession::new(center, key)?.in_environment(test)
}

/// Writes a string for `MTKruto`.
///
/// # Errors
/// None so far: the form needs what every session has.
// spec: account 9.7
pub fn write_mtkruto(session: &ForeignSession) -> Result<Zeroizing<String>, ForeignError> {
    let test = if session.test == Some(true) { TEST } else { "" };
    let mut bytes = Zeroizing::new(Vec::with_capacity(AuthKey::LEN + 32));
    put_tl_bytes(&mut bytes, format!("{}{test}", session.center).as_bytes());
    put_tl_bytes(&mut bytes, session.key.as_bytes());
    let mut coded = Zeroizing::new(Vec::with_capacity(2 * bytes.len()));
    let mut zeros = 0_u8;
    for &byte in bytes.iter() {
        if byte == 0 && zeros < u8::MAX {
            zeros += 1;
            continue;
        }
        if zeros > 0 {
            coded.extend([0, zeros]);
            zeros = 0;
        }
        if byte == 0 {
            zeros = 1;
        } else {
            coded.push(byte);
        }
    }
    if zeros > 0 {
        coded.extend([0, zeros]);
    }
    Ok(encode_url(&coded))
}
