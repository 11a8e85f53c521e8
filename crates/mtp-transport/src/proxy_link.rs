//! Proxy links: `tg://proxy?…` and `https://t.me/proxy?…`.
//!
//! ```
//! use mtp_transport::proxy_link::ProxyLink;
//!
//! let link = "t.me/proxy?server=a.example&port=443&secret=dd1234567890abcdef1234567890abcdef";
//! let link: ProxyLink = link.parse()?;
//! assert_eq!((link.server(), link.port().get()), ("a.example", 443));
//! assert!(link.to_tg().starts_with("tg://proxy?server=a.example&port=443&secret=dd12"));
//! # Ok::<(), mtp_transport::proxy_link::ProxyLinkError>(())
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::num::NonZeroU16;
use core::str::FromStr;

use zeroize::Zeroizing;

use crate::secret::{ProxySecret, SecretError};

/// The longest server name in a link, in bytes.
// spec: transport 6.3
pub const SERVER_LEN_MAX: usize = 255;

/// Proxy link: the address of a proxy and the credentials for it.
#[derive(Clone, Debug)]
pub struct ProxyLink {
    server: String,
    port: NonZeroU16,
    access: Access,
}

/// Kind of a proxy, with the credentials for it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Access {
    /// An MTProxy.
    MtProxy(ProxySecret),
    /// A SOCKS5 proxy, which is below all transports and independent of them.
    Socks5(Credentials),
}

/// SOCKS5 user name and password; both are empty for a proxy without authentication.
#[derive(Clone, Default)]
pub struct Credentials {
    user: String,
    password: Zeroizing<String>,
}

impl ProxyLink {
    /// Returns a link.
    ///
    /// # Errors
    ///
    /// [`ProxyLinkError::EmptyServer`] and [`ProxyLinkError::ServerTooLong`].
    pub fn new(server: String, port: NonZeroU16, access: Access) -> Result<Self, ProxyLinkError> {
        if server.is_empty() {
            return Err(ProxyLinkError::EmptyServer);
        }
        if server.len() > SERVER_LEN_MAX {
            return Err(ProxyLinkError::ServerTooLong { len: server.len() });
        }
        Ok(Self { server, port, access })
    }

    /// Returns the `tg://` form, which opens the application directly.
    #[must_use]
    pub fn to_tg(&self) -> String {
        self.build("tg://")
    }

    /// Returns the `https://t.me` form, which also works in browsers.
    #[must_use]
    pub fn to_https(&self) -> String {
        self.build("https://t.me/")
    }

    /// Returns the host name or address, IPv6 without brackets.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Returns the port.
    #[must_use]
    pub const fn port(&self) -> NonZeroU16 {
        self.port
    }

    /// Returns the kind of the proxy with the credentials.
    #[must_use]
    pub const fn access(&self) -> &Access {
        &self.access
    }

    fn build(&self, base: &str) -> String {
        let mut link = String::from(base);
        link.push_str(match self.access {
            Access::MtProxy(_) => "proxy?server=",
            Access::Socks5(_) => "socks?server=",
        });
        push_encoded(&mut link, &self.server);
        // Writing to a `String` cannot fail.
        let _ = write!(link, "&port={}", self.port);
        match &self.access {
            Access::MtProxy(secret) => {
                link.push_str("&secret=");
                link.push_str(&secret.to_text());
            }
            Access::Socks5(credentials) => {
                for (name, value) in
                    [("&user=", &credentials.user), ("&pass=", &credentials.password)]
                {
                    if !value.is_empty() {
                        link.push_str(name);
                        push_encoded(&mut link, value);
                    }
                }
            }
        }
        link
    }
}

impl Credentials {
    /// Returns credentials with a user name and a password.
    #[must_use]
    pub const fn new(user: String, password: Zeroizing<String>) -> Self {
        Self { user, password }
    }

    /// Returns the user name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Returns the password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

impl FromStr for ProxyLink {
    type Err = ProxyLinkError;

    // spec: transport 6.3
    fn from_str(link: &str) -> Result<Self, ProxyLinkError> {
        let path = strip_base(link).ok_or(ProxyLinkError::NotProxyLink)?;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query = Query(query.split_once('#').map_or(query, |(query, _fragment)| query));
        let access = match path {
            "proxy" => {
                let secret = query.text("secret", ProxyLinkError::NotDecodable)?;
                Access::MtProxy(secret.unwrap_or_default().parse().map_err(ProxyLinkError::Secret)?)
            }
            "socks" => Access::Socks5(Credentials {
                user: query.text("user", ProxyLinkError::NotDecodable)?.unwrap_or_default(),
                password: Zeroizing::new(
                    query.text("pass", ProxyLinkError::NotDecodable)?.unwrap_or_default(),
                ),
            }),
            _ => return Err(ProxyLinkError::NotProxyLink),
        };
        let server = query.text("server", ProxyLinkError::ServerNotText)?.unwrap_or_default();
        let port = query.text("port", ProxyLinkError::Port)?.unwrap_or_default();
        Self::new(server, parse_port(&port)?, access)
    }
}

/// Errors in a proxy link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyLinkError {
    /// Not a proxy link. All other errors are for proxy links that are invalid.
    NotProxyLink,
    /// The server is missing or empty.
    EmptyServer,
    /// The server is longer than [`SERVER_LEN_MAX`] bytes.
    ServerTooLong {
        /// The length in bytes.
        len: usize,
    },
    /// The server is not UTF-8.
    ServerNotText,
    /// The port is missing or not in 1..=65535.
    Port,
    /// Another parameter is not UTF-8.
    NotDecodable,
    /// The secret is missing or invalid.
    Secret(SecretError),
}

impl fmt::Display for ProxyLinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotProxyLink => f.write_str("not a proxy link"),
            Self::EmptyServer => f.write_str("proxy link without a server"),
            Self::ServerTooLong { len } => {
                write!(f, "server of {len} bytes, expected at most {SERVER_LEN_MAX}")
            }
            Self::ServerNotText => f.write_str("server is not valid UTF-8"),
            Self::Port => f.write_str("port is not a number from 1 to 65535"),
            Self::NotDecodable => f.write_str("parameter is not valid UTF-8"),
            Self::Secret(_) => f.write_str("proxy link with an invalid secret"),
        }
    }
}

impl core::error::Error for ProxyLinkError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Secret(error) => Some(error),
            _ => None,
        }
    }
}

const HOSTS: [&str; 3] = ["t.me/", "telegram.me/", "telegram.dog/"];

/// Returns the part after `tg://`, `tg:` or a known host, ignoring case.
fn strip_base(link: &str) -> Option<&str> {
    if let Some(rest) = strip_prefix_ignoring_case(link, "tg:") {
        return Some(rest.strip_prefix("//").unwrap_or(rest));
    }
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| strip_prefix_ignoring_case(link, scheme))
        .unwrap_or(link);
    HOSTS.iter().find_map(|host| strip_prefix_ignoring_case(rest, host))
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(tail)
}

/// The query of a link.
struct Query<'a>(&'a str);

impl Query<'_> {
    /// Returns the first parameter with this name, percent-decoded.
    fn text(&self, name: &str, error: ProxyLinkError) -> Result<Option<String>, ProxyLinkError> {
        let value = self.0.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        });
        value.map(|value| String::from_utf8(percent_decode(value)).map_err(|_| error)).transpose()
    }
}

/// Decodes `%XX`. A percent sign without two hex digits is literal, and so is `+`.
fn percent_decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if let (b'%', Some(([high, low], after))) = (first, tail.split_first_chunk())
            && let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low))
        {
            bytes.push(high << 4 | low);
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    bytes
}

#[expect(clippy::cast_possible_truncation, reason = "a hex digit is below 16")]
fn hex_digit(char: u8) -> Option<u8> {
    char::from(char).to_digit(16).map(|digit| digit as u8)
}

/// Appends `text`, percent-encoding all but the unreserved characters of RFC 3986.
fn push_encoded(link: &mut String, text: &str) {
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            link.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(link, "%{byte:02X}");
        }
    }
}

/// Parses a port strictly. Reference clients use the leading digits and ignore the rest.
fn parse_port(text: &str) -> Result<NonZeroU16, ProxyLinkError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().ok_or(ProxyLinkError::Port)
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    const KEY: &str = "1234567890abcdef1234567890abcdef";

    #[track_caller]
    fn refused(link: &str, expected: ProxyLinkError) {
        assert_eq!(link.parse::<ProxyLink>().unwrap_err(), expected);
    }

    // spec: transport 6.3
    #[test]
    fn invalid_link_is_rejected_with_its_error() {
        refused("https://t.me/durov", ProxyLinkError::NotProxyLink);
        refused("ftp://t.me/proxy", ProxyLinkError::NotProxyLink);
        let secret = format!("&secret={KEY}");
        refused(&format!("tg://proxy?port=1{secret}"), ProxyLinkError::EmptyServer);
        refused(&format!("tg://proxy?server=%ff&port=1{secret}"), ProxyLinkError::ServerNotText);
        for port in ["0", "65536", "80abc", "+80", "", "-1", "%FF"] {
            refused(&format!("tg://proxy?server=a&port={port}{secret}"), ProxyLinkError::Port);
        }
        refused(
            "tg://proxy?server=a&port=1",
            ProxyLinkError::Secret(SecretError::TooShort { len: 0 }),
        );
        refused("tg://socks?server=a&port=1&user=%ff", ProxyLinkError::NotDecodable);
    }

    #[test]
    fn server_length_is_accepted_at_the_limit_and_rejected_above() {
        let link = |len: usize| format!("tg://socks?port=1&server={}", "a".repeat(len));
        assert!(link(SERVER_LEN_MAX).parse::<ProxyLink>().is_ok());
        refused(&link(256), ProxyLinkError::ServerTooLong { len: 256 });
    }

    #[test]
    fn lowest_and_highest_port_are_accepted() {
        for port in [1, 65535] {
            let link: ProxyLink = format!("tg:socks?server=a&port={port}").parse().unwrap();
            assert_eq!(link.port().get(), port);
        }
    }

    #[test]
    fn built_link_parses_to_the_same_parts() {
        let credentials = Credentials::new("u&=#% ü".into(), Zeroizing::new(String::from("p+/?")));
        let port = NonZeroU16::new(1080).unwrap();
        let link = ProxyLink::new("2001:db8::1".into(), port, Access::Socks5(credentials)).unwrap();
        for text in [link.to_tg(), link.to_https()] {
            let read: ProxyLink = text.parse().unwrap();
            let Access::Socks5(read_credentials) = read.access() else { panic!("{text}") };
            assert_eq!((read.server(), read.port()), (link.server(), link.port()));
            assert_eq!(read_credentials.user(), "u&=#% ü");
            assert_eq!(read_credentials.password(), "p+/?");
        }
        assert!(!format!("{link:?}").contains("p+/?"));
    }
}
