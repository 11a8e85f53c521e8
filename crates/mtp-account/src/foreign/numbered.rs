//! Strings that begin with `1`: Telethon and `GramJS`.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str;

use base64ct::{Base64, Base64Url, Encoding as _};
use mtp_crypto::AuthKey;
use zeroize::Zeroizing;

use super::bytes::{Reader, decode};
use super::session::{ForeignAddress, ForeignError, ForeignSession};

const VERSION: &str = "1";
/// Center, port and key of every form.
const FIXED: usize = 3 + AuthKey::LEN;
/// The addresses of the test environment.
const TEST_HOSTS: [&str; 6] = [
    "149.154.175.10",
    "149.154.167.40",
    "149.154.175.117",
    "2001:b28:f23d:f001::e",
    "2001:67c:4e8:f002::e",
    "2001:b28:f23d:f003::e",
];

/// Reads a string of Telethon or of `GramJS`, which differ in their length.
///
/// # Errors
/// [`ForeignError`] if the string is no session.
// spec: account 9.1, 9.6
pub fn read_numbered(string: &str) -> Result<ForeignSession, ForeignError> {
    if string.is_empty() {
        return Err(ForeignError::Empty);
    }
    let bytes = decode(string.strip_prefix(VERSION).ok_or(ForeignError::Form)?)?;
    let mut reader = Reader(&bytes);
    let center = reader.byte()?;
    let host = match bytes.len() {
        len if len == FIXED + 4 => Ipv4Addr::from(reader.array()?).to_string(),
        len => {
            let named = bytes.get(1..3).and_then(|n| n.try_into().ok()).map(u16::from_be_bytes);
            if named.is_some_and(|n| len == FIXED + 2 + usize::from(n)) {
                let host = reader.take(2).and_then(|_| reader.take(len - FIXED - 2))?;
                str::from_utf8(host).map_err(|_| ForeignError::Form)?.into()
            } else if len == FIXED + 16 {
                Ipv6Addr::from(reader.array::<16>()?).to_string()
            } else {
                return Err(ForeignError::Form);
            }
        }
    };
    let port = u16::from_be_bytes(reader.array()?);
    let key = reader.key()?;
    reader.end()?;
    let test = TEST_HOSTS.contains(&host.as_str());
    let mut session = ForeignSession::new(center, key)?.in_environment(test)?;
    session.address = Some(ForeignAddress { host, port });
    Ok(session)
}

/// Writes a string for Telethon, which needs an IP address.
///
/// # Errors
/// [`ForeignError::Missing`] without an IP address.
// spec: account 9.1
pub fn write_telethon(session: &ForeignSession) -> Result<Zeroizing<String>, ForeignError> {
    let address = session.address.as_ref().ok_or(ForeignError::Missing)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(FIXED + 16));
    bytes.push(session.center);
    match address.host.parse() {
        Ok(IpAddr::V4(ip)) => bytes.extend(ip.octets()),
        Ok(IpAddr::V6(ip)) => bytes.extend(ip.octets()),
        Err(_) => return Err(ForeignError::Missing),
    }
    bytes.extend(address.port.to_be_bytes());
    bytes.extend_from_slice(session.key.as_bytes());
    let body = Zeroizing::new(Base64Url::encode_string(&bytes));
    Ok(Zeroizing::new([VERSION, &body].concat()))
}

/// Writes a string for `GramJS`.
///
/// # Errors
/// [`ForeignError::Missing`] without an address, or with one of more than 100 characters.
// spec: account 9.6
pub fn write_gramjs(session: &ForeignSession) -> Result<Zeroizing<String>, ForeignError> {
    let address = session.address.as_ref().ok_or(ForeignError::Missing)?;
    // Its reader takes a longer name for an IPv6 address of Telethon.
    let len = u8::try_from(address.host.len()).ok().filter(|len| *len <= 100);
    let len = u16::from(len.ok_or(ForeignError::Missing)?);
    let mut bytes = Zeroizing::new(Vec::with_capacity(FIXED + 2 + address.host.len()));
    bytes.push(session.center);
    bytes.extend(len.to_be_bytes());
    bytes.extend_from_slice(address.host.as_bytes());
    bytes.extend(address.port.to_be_bytes());
    bytes.extend_from_slice(session.key.as_bytes());
    let body = Zeroizing::new(Base64::encode_string(&bytes));
    Ok(Zeroizing::new([VERSION, &body].concat()))
}
