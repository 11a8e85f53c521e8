//! `tg://login?token=…`.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use zeroize::Zeroizing;

const PREFIX: &str = "tg://login?";
const TOKEN: &str = "token=";

/// The longest link that is read, in bytes.
const LINK_LEN_MAX: usize = 1024;

/// The token of `auth.loginToken`: a user who accepts it logs in the program that made it.
// spec: account 1.5
pub struct LoginToken(Zeroizing<Vec<u8>>);

impl LoginToken {
    /// Returns the token that a server has sent.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// Returns the link to show as a QR code.
    #[must_use]
    pub fn to_link(&self) -> Zeroizing<String> {
        let token = Zeroizing::new(Base64UrlUnpadded::encode_string(&self.0));
        Zeroizing::new([PREFIX, TOKEN, &token].concat())
    }

    /// Reads a link, which must have exactly one token. Ask the user before it is accepted.
    ///
    /// # Errors
    /// [`InvalidLoginLink`] if it is another link, or has no token or several.
    pub fn from_link(link: &str) -> Result<Self, InvalidLoginLink> {
        if link.len() > LINK_LEN_MAX {
            return Err(InvalidLoginLink(()));
        }
        let query = link.strip_prefix(PREFIX).ok_or(InvalidLoginLink(()))?;
        let mut tokens = query.split('&').filter_map(|part| part.strip_prefix(TOKEN));
        let (Some(token), None) = (tokens.next(), tokens.next()) else {
            return Err(InvalidLoginLink(()));
        };
        match Base64UrlUnpadded::decode_vec(token.trim_end_matches('=')) {
            Ok(bytes) if !bytes.is_empty() => Ok(Self(Zeroizing::new(bytes))),
            _ => Err(InvalidLoginLink(())),
        }
    }

    /// Returns the bytes for `auth.acceptLoginToken`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for LoginToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginToken(..)")
    }
}

/// A link that logs nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLoginLink(());

impl fmt::Display for InvalidLoginLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the link has no login token")
    }
}

impl core::error::Error for InvalidLoginLink {}
