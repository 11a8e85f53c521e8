//! All vectors of the obfuscation.

use mtp_crypto::DcId;
use mtp_env::Entropy;
use mtp_transport::framing::Tag;
use mtp_transport::obfuscation::{self, Filter, Streams};
use mtp_transport::secret::SecretKey;
use serde_json::Value;

use crate::vectors::{hex, section};

/// Entropy that returns the header of a vector.
struct Fixed(Vec<u8>);

impl Entropy for Fixed {
    fn fill(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&self.0);
    }
}

fn secret_of(entry: &Value) -> Option<SecretKey> {
    let secret = &entry["secret"];
    (!secret.is_null()).then(|| SecretKey::new(hex(secret).try_into().unwrap()))
}

/// Encrypts a frame twice with one end's cipher, in pieces, and decrypts it with the other's.
#[track_caller]
fn check_stream(entry: &Value, name: &str, from: &mut Streams, to: &mut Streams) {
    for turn in ["wire_1", "wire_2"] {
        let clear = hex(&entry[name]);
        let mut wire = clear.clone();
        for piece in wire.chunks_mut(7) {
            from.outgoing.apply(piece);
        }
        assert_eq!(wire, hex(&entry[format!("{name}_{turn}")]), "{name} {turn}");
        to.incoming.apply(&mut wire);
        assert_eq!(wire, clear);
    }
}

// spec: transport 5.1
// spec: transport 5.2
// spec: transport 5.3
// spec: transport 5.4
#[test]
fn headers_and_streams_match_the_vectors() {
    let all = section("obfuscated2");
    let entries = all["cases"].as_array().unwrap();
    for entry in entries {
        let plain = hex(&entry["init_plain"]);
        let tag = Tag::from_bytes(hex(&entry["tag"]).try_into().unwrap()).unwrap();
        // Without a data center the field keeps its random bytes.
        let dc = DcId::from(i16::from_le_bytes([plain[60], plain[61]]));
        if let Some(named) = entry["dc"].as_i64() {
            assert_eq!(i64::from(dc.as_i32()), named);
        }
        let secret = secret_of(entry);
        let (header, mut client) =
            obfuscation::start(tag, dc, secret.as_ref(), Filter::Redraw, &mut Fixed(plain));
        assert_eq!(header[..], hex(&entry["wire_header"])[..], "{}", entry["name"]);

        let mut server = obfuscation::accept(&header, secret.as_ref()).unwrap();
        assert_eq!((server.tag, server.dc), (tag, dc));
        assert_eq!(server.secret, secret.as_ref().map(|_| 0));
        check_stream(entry, "client_frame", &mut client, &mut server.streams);
        check_stream(entry, "server_frame", &mut server.streams, &mut client);
    }
    assert_eq!(entries.len(), 10);
}

// spec: transport 5.5
#[test]
fn invalid_headers_are_rejected_as_in_the_vectors() {
    let all = section("obfuscated2");
    let entries = all["rejects"].as_array().unwrap();
    for entry in entries {
        let header = hex(&entry["wire_header"]).try_into().unwrap();
        let secret = secret_of(entry).unwrap();
        assert!(obfuscation::accept(&header, [&secret]).is_none(), "{}", entry["name"]);
    }
    assert_eq!(entries.len(), 2);
    assert_eq!(
        all["prefix_filter"].as_array().unwrap().len(),
        15,
        "tested in the module of the filter"
    );
}

// spec: transport 5.4
#[test]
fn matching_secret_is_found_in_a_list() {
    let secrets: Vec<_> = (0..5).map(|n| SecretKey::new([n; 16])).collect();
    let plain: Vec<_> = (1..=64).collect();
    for (index, secret) in secrets.iter().enumerate() {
        let (header, _) = obfuscation::start(
            Tag::ABRIDGED,
            DcId::new(5),
            Some(secret),
            Filter::Redraw,
            &mut Fixed(plain.clone()),
        );
        let accepted = obfuscation::accept(&header, &secrets).unwrap();
        assert_eq!(accepted.secret, Some(index));
        assert!(obfuscation::accept(&header, []).is_none(), "the header requires a secret");
    }
}

#[test]
fn data_center_that_does_not_fit_the_header_is_sent_as_unspecified() {
    for (dc, sent) in [(32_767, 32_767), (32_768, 0), (-32_768, -32_768), (-32_769, 0)] {
        let plain: Vec<_> = (1..=64).collect();
        let (header, _) = obfuscation::start(
            Tag::ABRIDGED,
            DcId::new(dc),
            None,
            Filter::Redraw,
            &mut Fixed(plain),
        );
        let accepted = obfuscation::accept(&header, []).unwrap();
        assert_eq!(accepted.dc, DcId::new(sent));
    }
}
