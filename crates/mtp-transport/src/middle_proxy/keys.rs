//! Keys of a link, derived from nonces, addresses and the secret.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use md5::{Digest, Md5};
use mtp_crypto::hash::sha1;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Inputs of the key derivation, known to both ends of a link.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "the key derivation takes exactly these")]
pub struct LinkParts<'a> {
    /// The middle proxy's nonce.
    pub server_nonce: &'a [u8; 16],
    /// The proxy's nonce.
    pub client_nonce: &'a [u8; 16],
    /// The time in the proxy's nonce packet, in seconds since 1970.
    pub client_time: u32,
    /// The middle proxy's address.
    pub server: SocketAddr,
    /// The proxy's address as seen by the middle proxy; behind a NAT, the public one.
    pub client: SocketAddr,
    /// The secret published by Telegram for proxies.
    pub secret: &'a [u8],
}

impl fmt::Debug for LinkParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = f.debug_struct("LinkParts");
        parts.field("server", &self.server).field("client", &self.client).finish_non_exhaustive()
    }
}

/// Key and IV of one direction of a link.
pub struct LinkKey {
    key: [u8; 32],
    iv: [u8; 16],
}

impl Drop for LinkKey {
    fn drop(&mut self) {
        self.key.zeroize();
        self.iv.zeroize();
    }
}

impl ZeroizeOnDrop for LinkKey {}

impl LinkKey {
    /// Returns the AES-256 key.
    #[must_use]
    pub const fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Returns the initialization vector.
    #[must_use]
    pub const fn iv(&self) -> &[u8; 16] {
        &self.iv
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey(..)")
    }
}

/// Direction of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a link has two ends")]
pub enum Direction {
    /// From the proxy to the middle proxy.
    Up,
    /// From the middle proxy to the proxy.
    Down,
}

impl LinkParts<'_> {
    /// Derives the key of one direction.
    // spec: proxy 2.3
    // spec: transport 7.5
    #[must_use]
    pub fn key(&self, direction: Direction) -> LinkKey {
        let ((server_v4, server_v6), (client_v4, client_v6)) = (
            ip_fields(self.server.ip().to_canonical()),
            ip_fields(self.client.ip().to_canonical()),
        );
        let both_v6 = [client_v6, server_v6].concat();
        // Over IPv6 the short fields are zero and the long ones are appended.
        let (server_v4, client_v4, v6): (_, _, &[u8]) = if self.server.ip().to_canonical().is_ipv6()
            || self.client.ip().to_canonical().is_ipv6()
        {
            ([0; 4], [0; 4], &both_v6)
        } else {
            (server_v4, client_v4, &[])
        };
        let purpose = match direction {
            Direction::Up => b"CLIENT",
            Direction::Down => b"SERVER",
        };
        let fields: [&[u8]; 12] = [
            self.server_nonce,
            self.client_nonce,
            &self.client_time.to_le_bytes(),
            &server_v4,
            &self.client.port().to_le_bytes(),
            purpose,
            &client_v4,
            &self.server.port().to_le_bytes(),
            self.secret,
            self.server_nonce,
            v6,
            self.client_nonce,
        ];
        let joined = Zeroizing::new(fields.concat());
        let mut key = [0; 32];
        let md5_part = md5(joined.get(1..).unwrap_or_default());
        let sha1_part = sha1(&[&joined]);
        for (to, from) in key.iter_mut().zip(md5_part.iter().take(12).chain(&sha1_part)) {
            *to = *from;
        }
        LinkKey { key, iv: md5(joined.get(2..).unwrap_or_default()) }
    }
}

/// Returns an address as four bytes in reverse order and as 16 bytes of IPv6.
pub(super) fn ip_fields(ip: IpAddr) -> ([u8; 4], [u8; 16]) {
    match ip {
        IpAddr::V4(ip) => {
            let mut reversed = ip.octets();
            reversed.reverse();
            (reversed, ip.to_ipv6_mapped().octets())
        }
        IpAddr::V6(ip) => ([0; 4], ip.octets()),
    }
}

fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::rig::hex;

    fn array<const N: usize>(value: &Value) -> [u8; N] {
        hex(value).try_into().unwrap()
    }

    // spec: proxy 2.3
    // spec: transport 7.5
    #[test]
    fn derived_keys_match_the_vectors() {
        let all: Value =
            serde_json::from_str(include_str!("../../../../vectors/proxy.json")).unwrap();
        let address = |value: &Value| {
            let (ip, port) = value.as_str().unwrap().rsplit_once('|').unwrap();
            SocketAddr::new(ip.parse().unwrap(), port.parse().unwrap())
        };
        let mut counted = 0;
        for entry in all["kdf"].as_array().unwrap() {
            if !entry["dh_shared"].is_null() {
                continue;
            }
            let secret = hex(&entry["secret"]);
            let parts = LinkParts {
                server_nonce: &array(&entry["nonce_server"]),
                client_nonce: &array(&entry["nonce_client"]),
                client_time: u32::try_from(entry["client_time"].as_u64().unwrap()).unwrap(),
                server: address(&entry["server"]),
                client: address(&entry["client"]),
                secret: &secret,
            };
            for (direction, name) in
                [(Direction::Up, "proxy_to_dc"), (Direction::Down, "dc_to_proxy")]
            {
                let key = parts.key(direction);
                assert_eq!(key.key(), &array(&entry[alloc::format!("{name}_key")]), "{entry}");
                assert_eq!(key.iv(), &array(&entry[alloc::format!("{name}_iv")]), "{entry}");
            }
            counted += 1;
        }
        assert_eq!(counted, 6);
    }

    // spec: proxy 2.3
    #[test]
    fn mapped_addresses_count_as_ipv4_and_debug_shows_no_secret() {
        let parts = LinkParts {
            server_nonce: &[1; 16],
            client_nonce: &[2; 16],
            client_time: 3,
            server: "192.0.2.1:80".parse().unwrap(),
            client: "192.0.2.2:81".parse().unwrap(),
            secret: &[0xab; 32],
        };
        let mapped = LinkParts { client: "[::ffff:192.0.2.2]:81".parse().unwrap(), ..parts };
        assert_eq!(parts.key(Direction::Up).key(), mapped.key(Direction::Up).key());
        let shown = alloc::format!("{parts:?} {:?}", parts.key(Direction::Up));
        assert!(!shown.contains("171") && shown.contains("LinkKey(..)"), "{shown}");
    }
}
