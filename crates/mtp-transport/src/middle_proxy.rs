//! Parts of the protocol between proxies and Telegram's middle proxies, which show promoted channels.
//!
//! This module derives the keys of a link and encodes the request around a client's packet. The link
//! itself is [full framing](crate::framing::Framing::Full), padded with [`fill_block`] and encrypted
//! with AES-256-CBC. The [`relay`](crate::relay) uses the direct mode and does not need it.

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::ops::BitOr;

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
    // spec: transport 7.5
    #[must_use]
    pub fn key(&self, direction: Direction) -> LinkKey {
        let ((server_v4, server_v6), (client_v4, client_v6)) =
            (ip_fields(self.server.ip()), ip_fields(self.client.ip()));
        let both_v6 = [client_v6, server_v6].concat();
        // Over IPv6 the short fields are zero and the long ones are appended.
        let (server_v4, client_v4, v6): (_, _, &[u8]) =
            if self.server.is_ipv6() || self.client.is_ipv6() {
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

/// Flags of a request: the client's transport and properties of the packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestFlags(u32);

// spec: transport 7.5
impl RequestFlags {
    /// The packet is unencrypted.
    pub const UNENCRYPTED: Self = Self(0x2);
    /// The client uses HTTP.
    pub const HTTP: Self = Self(0x4);
    /// The client uses TCP.
    pub const TCP: Self = Self(0x1000);
    /// The client uses obfuscation.
    pub const OBFUSCATED: Self = Self(0x2_0000);
    /// The client uses padded intermediate framing; together with [`Self::INTERMEDIATE`].
    pub const PADDED: Self = Self(0x800_0000);
    /// The client uses intermediate framing.
    pub const INTERMEDIATE: Self = Self(0x2000_0000);
    /// The client uses abridged framing.
    pub const ABRIDGED: Self = Self(0x4000_0000);
    /// The client requests a quick ack.
    pub const QUICK_ACK: Self = Self(0x8000_0000);
    const AD_TAG: Self = Self(0x8);

    /// Returns the flags as sent.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl BitOr for RequestFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A client's packet on its way to a middle proxy.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the request has exactly these fields")]
pub struct Request<'a> {
    /// The flags.
    pub flags: RequestFlags,
    /// The random connection id of the client on the link.
    pub connection: [u8; 8],
    /// The client's address.
    pub client: SocketAddr,
    /// The proxy's address that the client connected to.
    pub our: SocketAddr,
    /// The tag of the promoted channel.
    pub ad_tag: Option<[u8; 16]>,
    /// The packet.
    pub packet: &'a [u8],
}

impl Request<'_> {
    /// Appends the request, which is the body of one full frame.
    // spec: transport 7.5
    pub fn encode(&self, out: &mut Vec<u8>) {
        let flags =
            if self.ad_tag.is_some() { self.flags | RequestFlags::AD_TAG } else { self.flags };
        out.extend_from_slice(&PROXY_REQ);
        out.extend_from_slice(&flags.bits().to_le_bytes());
        out.extend_from_slice(&self.connection);
        for address in [self.client, self.our] {
            let (_, ip) = ip_fields(address.ip());
            out.extend_from_slice(&ip);
            out.extend_from_slice(&u32::from(address.port()).to_le_bytes());
        }
        if let Some(tag) = &self.ad_tag {
            // A TL string of 16 bytes: a one-byte length and three bytes of padding.
            out.extend_from_slice(&24_u32.to_le_bytes());
            out.extend_from_slice(&AD_TAG);
            out.push(16);
            out.extend_from_slice(tag);
            out.extend_from_slice(&[0; 3]);
        }
        out.extend_from_slice(self.packet);
    }
}

/// Pads the bytes since `start` to whole cipher blocks, with empty frames.
// spec: transport 7.5
pub fn fill_block(out: &mut Vec<u8>, start: usize) {
    debug_assert!(out.len().saturating_sub(start).is_multiple_of(4), "frames consist of words");
    while !out.len().saturating_sub(start).is_multiple_of(16) {
        out.extend_from_slice(&FILLER);
    }
}

/// Returns an address as four bytes in reverse order and as 16 bytes of IPv6.
fn ip_fields(ip: IpAddr) -> ([u8; 4], [u8; 16]) {
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

const PROXY_REQ: [u8; 4] = [0xee, 0xf1, 0xce, 0x36];
const AD_TAG: [u8; 4] = [0xae, 0x26, 0x1e, 0xdb];
const FILLER: [u8; 4] = [4, 0, 0, 0];

#[cfg(test)]
mod tests {
    use mtp_crypto::{CtrEntropy, Side};
    use serde_json::Value;

    use super::*;
    use crate::framing::{FrameEncoder, FrameFlags, Framing};
    use crate::rig::{hex, vectors};

    fn array<const N: usize>(value: &Value) -> [u8; N] {
        hex(value).try_into().unwrap()
    }

    // spec: transport 7.5
    #[test]
    fn derived_keys_match_the_vectors() {
        let kdf = &vectors("middle_proxy")["kdf"];
        let address = |ip: &str, port: &str| {
            let [d, c, b, a] = array(&kdf[ip]);
            SocketAddr::from(([a, b, c, d], u16::from_le_bytes(array(&kdf[port]))))
        };
        let secret = hex(&kdf["proxy_secret"]);
        let parts = LinkParts {
            server_nonce: &array(&kdf["nonce_server"]),
            client_nonce: &array(&kdf["nonce_client"]),
            client_time: u32::from_le_bytes(array(&kdf["timestamp_le"])),
            server: address("server_ip_le", "server_port_le"),
            client: address("client_ip_le", "client_port_le"),
            secret: &secret,
        };
        for (direction, name) in [(Direction::Up, "proxy_to_dc"), (Direction::Down, "dc_to_proxy")]
        {
            let key = parts.key(direction);
            assert_eq!(key.key(), &array(&kdf[alloc::format!("{name}_key")]));
            assert_eq!(key.iv(), &array(&kdf[alloc::format!("{name}_iv")]));
        }
        // IPv6 addresses have other fields and yield other keys.
        let six = LinkParts { client: "[2001:db8::1]:40000".parse().unwrap(), ..parts };
        assert_ne!(six.key(Direction::Up).key(), parts.key(Direction::Up).key());
        let shown = alloc::format!("{parts:?} {:?}", parts.key(Direction::Up));
        assert!(!shown.contains("[4, 13"), "{shown}");
    }

    // spec: transport 7.5
    #[test]
    fn encoded_request_matches_the_vectors() {
        let section = vectors("middle_proxy");
        assert_eq!(section.as_object().unwrap().len(), 4);
        let entry = &section["proxy_req"];
        let packet = hex(&entry["message"]);
        let request = Request {
            flags: RequestFlags::UNENCRYPTED
                | RequestFlags::TCP
                | RequestFlags::OBFUSCATED
                | RequestFlags::PADDED
                | RequestFlags::INTERMEDIATE,
            connection: array(&entry["conn_id"]),
            client: entry["client"].as_str().unwrap().parse().unwrap(),
            our: entry["our"].as_str().unwrap().parse().unwrap(),
            ad_tag: Some(array(&entry["ad_tag"])),
            packet: &packet,
        };
        let mut bytes = Vec::new();
        request.encode(&mut bytes);
        assert_eq!(bytes, hex(&entry["encoded"]));
        let flags = u32::from_le_bytes(*bytes[4..].first_chunk().unwrap());
        assert_eq!(u64::from(flags), entry["flags"].as_u64().unwrap());

        let mut encoder = FrameEncoder::new(Framing::Full, Side::Client);
        let mut frame = Vec::new();
        let mark = encoder.begin(&mut frame);
        request.encode(&mut frame);
        let mut entropy = CtrEntropy::from_number(1);
        encoder.finish(&mut frame, mark, FrameFlags::default(), &mut entropy).unwrap();
        assert_eq!(frame, hex(&section["rpc_frame_seq0"]));
        fill_block(&mut frame, 0);
        assert_eq!((frame.len(), &frame[136..]), (144, &[4, 0, 0, 0, 4, 0, 0, 0][..]));
        fill_block(&mut frame, 0);
        assert_eq!(frame.len(), 144);
    }

    #[test]
    fn request_without_ad_tag_has_no_extra_field() {
        let any = SocketAddr::from(([0; 4], 0));
        let flags = RequestFlags::TCP | RequestFlags::ABRIDGED;
        let request = Request {
            flags,
            connection: [0; 8],
            client: any,
            our: any,
            ad_tag: None,
            packet: b"1234",
        };
        let mut bytes = Vec::new();
        request.encode(&mut bytes);
        assert_eq!((bytes.len(), &bytes[4..8]), (60, &[0, 0x10, 0, 0x40][..]));
    }
}
