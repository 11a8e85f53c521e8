//! Blocks of addresses.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use mtp_session::link::NetworkId;

/// A block of addresses, such as `10.0.0.0/8` or `2001:db8::/32`.
///
/// Limits apply to two blocks around each address: its [host](Self::host) and its [site](Self::site).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    first: IpAddr,
    prefix_len: u8,
}

impl Network {
    /// Returns the block of addresses that share the first `prefix_len` bits with an address.
    ///
    /// A longer prefix than an address has counts as a whole address.
    #[must_use]
    pub fn new(address: IpAddr, prefix_len: u8) -> Self {
        let address = address.to_canonical();
        match address {
            IpAddr::V4(address) => {
                let prefix_len = prefix_len.min(V4_BITS);
                let cleared = u32::from(V4_BITS.saturating_sub(prefix_len));
                let kept = u32::MAX.checked_shl(cleared).unwrap_or(0);
                let first = Ipv4Addr::from_bits(address.to_bits() & kept).into();
                Self { first, prefix_len }
            }
            IpAddr::V6(address) => {
                let prefix_len = prefix_len.min(V6_BITS);
                let cleared = u32::from(V6_BITS.saturating_sub(prefix_len));
                let kept = u128::MAX.checked_shl(cleared).unwrap_or(0);
                let first = Ipv6Addr::from_bits(address.to_bits() & kept).into();
                Self { first, prefix_len }
            }
        }
    }

    /// Returns the block that counts as one address: an IPv4 address, or the /64 of an IPv6 address,
    /// because a host with one IPv6 address has its whole /64.
    #[must_use]
    pub fn host(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self::new(address, if address.is_ipv4() { V4_BITS } else { 64 })
    }

    /// Returns the block that counts as one network: the /24 of an IPv4 address, or the /48 of an IPv6
    /// address.
    #[must_use]
    pub fn site(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self::new(address, if address.is_ipv4() { 24 } else { 48 })
    }

    /// Returns the name of an address's [site](Self::site) for key exchanges.
    pub(crate) fn id_of_site(address: IpAddr) -> NetworkId {
        // The number 0 stands for links whose address is unknown.
        NetworkId::new(match Self::site(address).first {
            IpAddr::V4(first) => 1 << 48 | u64::from(first.to_bits()),
            IpAddr::V6(first) => 2 << 48 | u64::try_from(first.to_bits() >> 80).unwrap_or(0),
        })
    }

    /// Returns the first address of the block.
    #[must_use]
    pub const fn first(self) -> IpAddr {
        self.first
    }

    /// Returns the number of bits that all addresses of the block share.
    #[must_use]
    pub const fn prefix_len(self) -> u8 {
        self.prefix_len
    }

    /// Returns `true` if an address belongs to the block. An IPv4 address mapped to IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && Self::new(address, self.prefix_len) == self
    }
}

/// Prints the first address and the length of the prefix, which [`FromStr`] reads.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix_len)
    }
}

/// Reads `address/bits`, or an address alone for a block of one. Bits behind the prefix are ignored.
impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let max = if address.is_ipv4() { V4_BITS } else { V6_BITS };
        let prefix_len = match bits {
            None => max,
            // `u8` would read "+8" too.
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().ok().filter(|bits| *bits <= max).ok_or(NetworkError::PrefixLen)?
            }
            Some(_) => return Err(NetworkError::PrefixLen),
        };
        if address.to_canonical().is_ipv4() == address.is_ipv4() {
            return Ok(Self::new(address, prefix_len));
        }
        // The IPv4 part of a mapped address begins at bit 96.
        let prefix_len = prefix_len.checked_sub(MAPPED_BITS).ok_or(NetworkError::PrefixLen)?;
        Ok(Self::new(address, prefix_len))
    }
}

/// Why a text names no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkError {
    /// It does not begin with an IP address.
    Address,
    /// The number behind the slash is not the length of a prefix.
    PrefixLen,
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "a network begins with an IP address",
            Self::PrefixLen => "the prefix of a network is a number of bits, at most 32 or 128",
        })
    }
}

impl core::error::Error for NetworkError {}

const V4_BITS: u8 = 32;
const V6_BITS: u8 = 128;
const MAPPED_BITS: u8 = 96;

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn networks_are_read_and_printed() {
        for (text, printed) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("2001:db8::1", "2001:db8::1/128"),
            ("::/0", "::/0"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
        ] {
            assert_eq!(network(text).to_string(), printed);
            assert_eq!(network(printed), network(text));
        }
        for (text, why) in [
            ("", NetworkError::Address),
            ("10.0.0/8", NetworkError::Address),
            ("10.0.0.0/33", NetworkError::PrefixLen),
            ("10.0.0.0/+8", NetworkError::PrefixLen),
            ("10.0.0.0/", NetworkError::PrefixLen),
            ("2001:db8::/129", NetworkError::PrefixLen),
            ("::ffff:10.1.2.3/95", NetworkError::PrefixLen),
        ] {
            assert_eq!(text.parse::<Network>(), Err(why), "{text}");
        }
    }

    #[test]
    fn network_contains_the_addresses_that_share_its_prefix() {
        let block = network("192.0.2.128/25");
        assert!(block.contains(ip("192.0.2.128")) && block.contains(ip("::ffff:192.0.2.255")));
        assert!(!block.contains(ip("192.0.2.127")) && !block.contains(ip("192.0.3.128")));
        assert!(network("0.0.0.0/0").contains(ip("255.255.255.255")));
        assert!(!network("0.0.0.0/0").contains(ip("2001:db8::1")));
        assert!(!network("::/0").contains(ip("10.0.0.1")));
        assert!(network("2001:db8::/33").contains(ip("2001:db8:7fff::1")));
        assert!(!network("2001:db8::/33").contains(ip("2001:db8:8000::1")));
    }

    #[test]
    fn addresses_are_limited_by_host_and_site() {
        assert_eq!(Network::host(ip("192.0.2.7")), network("192.0.2.7/32"));
        assert_eq!(Network::site(ip("192.0.2.7")), network("192.0.2.0/24"));
        assert_eq!(Network::host(ip("2001:db8:1:2::1")), network("2001:db8:1:2::/64"));
        assert_eq!(Network::site(ip("2001:db8:1:2::1")), network("2001:db8:1::/48"));
        assert_eq!(Network::host(ip("::ffff:192.0.2.1")), Network::host(ip("192.0.2.1")));
    }
}
