//! Built-in addresses of the data centers, for the first connection of a client.
//!
//! A connected client requests the current list from the server.
//!
//! ```
//! use mtp_transport::address;
//! use mtp_crypto::DcId;
//!
//! let first = address::of(DcId::new(4)).next();
//! assert_eq!(first.map(|address| address.to_string()).as_deref(), Some("149.154.167.91"));
//! assert_eq!(address::web_host(DcId::new(2).media()).as_deref(), Some("venus-1.web.telegram.org"));
//! ```

use alloc::string::String;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mtp_crypto::DcId;

/// The ports to try, in this order. Each port serves every transport.
// spec: transport 11
pub const PORTS: [u16; 3] = [443, 80, 5222];

/// One address of one data center.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a row of a table")]
pub struct DcAddress {
    /// The data center and its environment; media means an address that serves files only.
    pub dc: DcId,
    /// The address.
    pub address: IpAddr,
}

/// Returns the addresses of a data center, IPv4 first.
///
/// A media id falls back to the regular addresses if there are no media-only ones.
pub fn of(dc: DcId) -> impl Iterator<Item = IpAddr> {
    let own = ADDRESSES.iter().any(|row| row.dc == dc);
    let dc = if own || !dc.is_media() { dc } else { DcId::new(dc.as_i32().saturating_neg()) };
    ADDRESSES.iter().filter(move |row| row.dc == dc).map(|row| row.address)
}

/// Returns the host name of a data center for browsers, or `None` if it has none.
// spec: transport 9.1
#[must_use]
pub fn web_host(dc: DcId) -> Option<String> {
    let index = usize::try_from(dc.number()).ok()?.checked_sub(1)?;
    let mut host = String::from(*WEB_NAMES.get(index)?);
    if dc.is_media() {
        host.push_str("-1");
    }
    host.push_str(".web.telegram.org");
    Some(host)
}

/// Host names of data centers 1 to 5.
// spec: transport 9.1
pub const WEB_NAMES: [&str; 5] = ["pluto", "venus", "aurora", "vesta", "flora"];

/// All built-in addresses.
// spec: transport 11
pub const ADDRESSES: &[DcAddress] = &[
    v4(DcId::new(1), [149, 154, 175, 50]),
    v4(DcId::new(1), [149, 154, 175, 52]),
    v4(DcId::new(1), [149, 154, 175, 53]),
    v6(DcId::new(1), 0x2001_0b28_f23d_f001_0000_0000_0000_000a),
    v4(DcId::new(2), [149, 154, 167, 51]),
    v4(DcId::new(2), [149, 154, 167, 41]),
    v4(DcId::new(2), [149, 154, 167, 50]),
    v4(DcId::new(2), [95, 161, 76, 100]),
    v6(DcId::new(2), 0x2001_067c_04e8_f002_0000_0000_0000_000a),
    v4(DcId::new(2).media(), [149, 154, 167, 222]),
    v6(DcId::new(2).media(), 0x2001_067c_04e8_f002_0000_0000_0000_000b),
    v4(DcId::new(3), [149, 154, 175, 100]),
    v6(DcId::new(3), 0x2001_0b28_f23d_f003_0000_0000_0000_000a),
    v4(DcId::new(4), [149, 154, 167, 91]),
    v6(DcId::new(4), 0x2001_067c_04e8_f004_0000_0000_0000_000a),
    v4(DcId::new(4).media(), [149, 154, 166, 120]),
    v6(DcId::new(4).media(), 0x2001_067c_04e8_f004_0000_0000_0000_000b),
    v4(DcId::new(5), [149, 154, 171, 5]),
    v4(DcId::new(5), [91, 108, 56, 191]),
    v6(DcId::new(5), 0x2001_0b28_f23f_f005_0000_0000_0000_000a),
    v4(DcId::new(203), [91, 105, 192, 100]),
    v6(DcId::new(203), 0x2a0a_f280_0203_000a_5000_0000_0000_0100),
    v4(DcId::new(1).test(), [149, 154, 175, 10]),
    v6(DcId::new(1).test(), 0x2001_0b28_f23d_f001_0000_0000_0000_000e),
    v4(DcId::new(2).test(), [149, 154, 167, 40]),
    v6(DcId::new(2).test(), 0x2001_067c_04e8_f002_0000_0000_0000_000e),
    v4(DcId::new(3).test(), [149, 154, 175, 117]),
    v6(DcId::new(3).test(), 0x2001_0b28_f23d_f003_0000_0000_0000_000e),
];

const fn v4(dc: DcId, [a, b, c, d]: [u8; 4]) -> DcAddress {
    DcAddress { dc, address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)) }
}

const fn v6(dc: DcId, bits: u128) -> DcAddress {
    DcAddress { dc, address: IpAddr::V6(Ipv6Addr::from_bits(bits)) }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::*;

    fn texts(dc: DcId) -> Vec<String> {
        of(dc).map(|address| address.to_string()).collect()
    }

    // spec: transport 11
    #[test]
    fn data_centers_have_addresses() {
        assert_eq!(texts(DcId::new(1))[..2], ["149.154.175.50", "149.154.175.52"]);
        assert_eq!(texts(DcId::new(203)), ["91.105.192.100", "2a0a:f280:203:a:5000::100"]);
        assert_eq!(texts(DcId::new(4).media()), ["149.154.166.120", "2001:67c:4e8:f004::b"]);
        assert_eq!(texts(DcId::new(5).media()), texts(DcId::new(5)));
        assert_eq!(texts(DcId::new(2).test()), ["149.154.167.40", "2001:67c:4e8:f002::e"]);
        assert_eq!(texts(DcId::new(2).test().media()), texts(DcId::new(2).test()));
        assert!(texts(DcId::new(6)).is_empty() && texts(DcId::UNSPECIFIED).is_empty());
        assert_eq!(ADDRESSES.len(), 28);
    }

    #[test]
    fn web_host_exists_for_data_centers_one_to_five() {
        assert_eq!(web_host(DcId::new(1)).as_deref(), Some("pluto.web.telegram.org"));
        assert_eq!(web_host(DcId::new(5).media()).as_deref(), Some("flora-1.web.telegram.org"));
        assert_eq!(web_host(DcId::new(203)), None);
        assert_eq!(web_host(DcId::UNSPECIFIED), None);
    }
}
