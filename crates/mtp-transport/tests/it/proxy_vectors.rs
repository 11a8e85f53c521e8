//! All vectors of proxy secrets and proxy links.
//!
//! Each test counts its entries, so that none is skipped.

use core::num::NonZeroU16;

use mtp_transport::proxy_link::{Access, ProxyLink};
use mtp_transport::secret::{ProxySecret, SecretError, SecretKind};
use serde_json::Value;

use crate::vectors::section as vectors;

fn text<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry[name].as_str().unwrap_or_else(|| panic!("no text {name} in {entry}"))
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

// spec: transport 6.1
// spec: transport 6.2
#[test]
fn secrets_match_the_vectors() {
    let entries = vectors("secrets");
    let mut counted = (0, 0);
    for entry in entries.as_array().unwrap() {
        let parsed = text(entry, "input").parse::<ProxySecret>();
        if let Some(expected) = entry["error"].as_str() {
            let found = match parsed.unwrap_err() {
                SecretError::TooShort { .. } => "too_short",
                SecretError::TooLong { .. } => "too_long",
                SecretError::Unsupported { .. } => "unsupported",
                SecretError::NotDecodable => "not_decodable",
                other => panic!("{other}"),
            };
            assert_eq!(found, expected, "{entry}");
            counted.1 += 1;
            continue;
        }
        let secret = parsed.unwrap();
        let (kind, domain) = match secret.kind() {
            SecretKind::Plain => ("plain", None),
            SecretKind::Padded => ("padded", None),
            SecretKind::FakeTls(domain) => ("faketls", domain.as_str()),
            _ => panic!("{secret:?}"),
        };
        assert_eq!((kind, domain), (text(entry, "kind"), entry["domain"].as_str()), "{entry}");
        assert_eq!(hex(secret.key().as_bytes()), text(entry, "key"));
        if let Some(canonical) = entry["canonical"].as_str() {
            assert_eq!(secret.to_text(), canonical);
        }
        let again: ProxySecret = secret.to_text().parse().unwrap();
        assert_eq!(again.to_bytes(), secret.to_bytes());
        counted.0 += 1;
    }
    assert_eq!(counted, (11, 9));
}

// spec: transport 6.3
#[test]
fn links_match_the_vectors() {
    let entries = vectors("links");
    let mut counted = (0, 0);
    for entry in entries.as_array().unwrap() {
        let parsed = text(entry, "link").parse::<ProxyLink>();
        if entry["ok"] == false {
            assert!(parsed.is_err(), "{entry}");
            counted.1 += 1;
            continue;
        }
        let link = parsed.unwrap();
        assert_eq!(link.server(), text(entry, "server"), "{entry}");
        assert_eq!(u64::from(link.port().get()), entry["port"].as_u64().unwrap());
        match link.access() {
            Access::MtProxy(secret) => {
                assert_eq!(text(entry, "type"), "mtproto");
                assert_eq!(secret.to_text(), text(entry, "secret"));
            }
            Access::Socks5(credentials) => {
                assert_eq!(text(entry, "type"), "socks5");
                assert_eq!(credentials.user(), text(entry, "user"));
                assert_eq!(credentials.password(), text(entry, "pass"));
            }
            _ => panic!("{link:?}"),
        }
        counted.0 += 1;
    }
    assert_eq!(counted, (14, 12));
}

// spec: transport 6.3
#[test]
fn built_links_match_the_vectors() {
    let entries = vectors("link_build");
    let mut counted = 0;
    for entry in entries.as_array().unwrap() {
        let secret = ProxySecret::from_bytes(&bytes(text(entry, "secret_bytes"))).unwrap();
        let port = u16::try_from(entry["port"].as_u64().unwrap()).unwrap();
        let port = NonZeroU16::new(port).unwrap();
        let link =
            ProxyLink::new(text(entry, "server").into(), port, Access::MtProxy(secret)).unwrap();
        assert_eq!(link.to_tg(), text(entry, "tg"));
        assert_eq!(link.to_https(), text(entry, "https"));
        counted += 1;
    }
    assert_eq!(counted, 2);
}
