//! Strings of mtcute.

use alloc::string::String;
use alloc::vec::Vec;
use core::str;

use mtp_crypto::AuthKey;
use zeroize::Zeroizing;

use super::bytes::{Reader, decode, encode_url, key, put_tl_bytes};
use super::session::{ForeignAddress, ForeignError, ForeignSession, ForeignUser};

const VERSION: u8 = 3;
const OPTION_VERSION: u8 = 2;
const HAS_SELF: i32 = 1;
const HAS_MEDIA: i32 = 4;
const OPTION_IPV6: u8 = 1;
const OPTION_TEST: u8 = 4;
const BOOL_TRUE: u32 = 0x9972_75b5;
const BOOL_FALSE: u32 = 0xbc79_9737;

/// Reads a string of mtcute. The option for media is skipped.
///
/// # Errors
/// [`ForeignError`] if the string is no session.
// spec: account 9.5
pub fn read_mtcute(string: &str) -> Result<ForeignSession, ForeignError> {
    let bytes = decode(string)?;
    let mut reader = Reader(&bytes);
    if reader.byte()? != VERSION {
        return Err(ForeignError::Form);
    }
    let flags = i32::from_le_bytes(reader.array()?);
    let (center, test, address) = option(reader.tl_bytes()?)?;
    if flags & HAS_MEDIA != 0 {
        reader.tl_bytes()?;
    }
    let user = if flags & HAS_SELF != 0 {
        let id = i64::from_le_bytes(reader.array()?);
        let bot = match u32::from_le_bytes(reader.array()?) {
            BOOL_TRUE => true,
            BOOL_FALSE => false,
            _ => return Err(ForeignError::Form),
        };
        Some(ForeignUser { id, bot })
    } else {
        None
    };
    let key = key(reader.tl_bytes()?)?;
    reader.end()?;
    let mut session = ForeignSession::new(center, key)?.in_environment(test)?;
    session.address = Some(address);
    session.user = user.filter(|user| user.id > 0);
    Ok(session)
}

fn option(bytes: &[u8]) -> Result<(u8, bool, ForeignAddress), ForeignError> {
    let mut reader = Reader(bytes);
    let version = reader.byte()?;
    let center = reader.byte()?;
    let flags = reader.byte()?;
    let host = str::from_utf8(reader.tl_bytes()?).map_err(|_| ForeignError::Form)?;
    let port = i32::from_le_bytes(reader.array()?);
    reader.end()?;
    let port = u16::try_from(port).map_err(|_| ForeignError::Form)?;
    let test = match version {
        1 => false,
        OPTION_VERSION => flags & OPTION_TEST != 0,
        _ => return Err(ForeignError::Form),
    };
    Ok((center, test, ForeignAddress { host: host.into(), port }))
}

/// Writes a string for mtcute, without an option for media.
///
/// # Errors
/// [`ForeignError::Missing`] without an address, or with one of more than 253 characters.
// spec: account 9.5
pub fn write_mtcute(session: &ForeignSession) -> Result<Zeroizing<String>, ForeignError> {
    let address = session.address.as_ref().ok_or(ForeignError::Missing)?;
    if address.host.len() > 253 {
        return Err(ForeignError::Missing);
    }
    let ipv6 = if address.host.contains(':') { OPTION_IPV6 } else { 0 };
    let test = if session.test == Some(true) { OPTION_TEST } else { 0 };
    let mut option = Vec::from([OPTION_VERSION, session.center, ipv6 | test]);
    put_tl_bytes(&mut option, address.host.as_bytes());
    option.extend(i32::from(address.port).to_le_bytes());
    // Room for all of it, so that no copy of the key is left behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(AuthKey::LEN + option.len() + 64));
    bytes.push(VERSION);
    bytes.extend(session.user.map_or(0, |_| HAS_SELF).to_le_bytes());
    put_tl_bytes(&mut bytes, &option);
    if let Some(user) = session.user {
        bytes.extend(user.id.to_le_bytes());
        bytes.extend(if user.bot { BOOL_TRUE } else { BOOL_FALSE }.to_le_bytes());
    }
    put_tl_bytes(&mut bytes, session.key.as_bytes());
    Ok(encode_url(&bytes))
}
