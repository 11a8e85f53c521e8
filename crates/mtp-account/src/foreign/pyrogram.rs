//! Strings of Pyrogram and its forks.

use alloc::string::String;
use alloc::vec::Vec;

use mtp_crypto::AuthKey;
use zeroize::Zeroizing;

use super::bytes::{Reader, decode, encode_url};
use super::session::{ForeignError, ForeignSession, ForeignUser};

/// Reads a string of Pyrogram, in one of the three forms that differ in length.
///
/// # Errors
/// [`ForeignError`] if the string is no session.
// spec: account 9.3
pub fn read_pyrogram(string: &str) -> Result<ForeignSession, ForeignError> {
    let string = string.trim_end_matches('=');
    let (with_api_id, long) = match string.len() {
        0 => return Err(ForeignError::Empty),
        351 => (false, false),
        356 => (false, true),
        362 => (true, true),
        _ => return Err(ForeignError::Form),
    };
    let bytes = decode(string)?;
    let mut reader = Reader(&bytes);
    let center = reader.byte()?;
    let api_id = if with_api_id { Some(u32::from_be_bytes(reader.array()?)) } else { None };
    let test = reader.byte()? != 0;
    let key = reader.key()?;
    let id = if long {
        u64::from_be_bytes(reader.array()?)
    } else {
        u32::from_be_bytes(reader.array()?).into()
    };
    let bot = reader.byte()? != 0;
    reader.end()?;
    let mut session = ForeignSession::new(center, key)?.in_environment(test)?;
    let id = i64::try_from(id).map_err(|_| ForeignError::Form)?;
    session.user = (id != 0).then_some(ForeignUser { id, bot });
    session.api_id = api_id.filter(|id| *id != 0);
    Ok(session)
}

/// Writes a string for Pyrogram: the new form, or the old one without the program's id.
///
/// # Errors
/// [`ForeignError::Missing`] without a user.
// spec: account 9.3, 9.12
pub fn write_pyrogram(session: &ForeignSession) -> Result<Zeroizing<String>, ForeignError> {
    let user = session.user.ok_or(ForeignError::Missing)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(AuthKey::LEN + 15));
    bytes.push(session.center);
    if let Some(api_id) = session.api_id {
        bytes.extend(api_id.to_be_bytes());
    }
    bytes.push(session.test.unwrap_or(false).into());
    bytes.extend_from_slice(session.key.as_bytes());
    bytes.extend(user.id.to_be_bytes());
    bytes.push(user.bot.into());
    Ok(encode_url(&bytes))
}
