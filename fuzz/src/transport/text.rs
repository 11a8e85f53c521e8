//! Secrets, links and datagrams, and the PROXY protocol.

use mtp_transport::datagram;
use mtp_transport::proxy_link::{Access, ProxyLink};
use mtp_transport::proxy_protocol::{
    HEADER_LEN_MAX, ProxyHeader, ProxyHeaderDecoder, ProxyHeaderError, ProxyVersion,
};
use mtp_transport::secret::ProxySecret;

use crate::input::Input;

/// Parses a secret as text and as bytes, a proxy link and a datagram: text → value → text → value agree.
///
/// Input: the text.
pub fn proxy_text(data: &[u8]) {
    if let Ok(secret) = ProxySecret::from_bytes(data) {
        check_secret(&secret);
    }
    if let Ok(datagram) = datagram::decode(data) {
        let mut out = Vec::new();
        assert_eq!(datagram::encode(&datagram, &mut out), Ok(()));
        assert_eq!(out, data);
    }
    let Ok(text) = core::str::from_utf8(data) else { return };
    if let Ok(secret) = text.parse::<ProxySecret>() {
        check_secret(&secret);
    }
    if let Ok(link) = text.parse::<ProxyLink>() {
        for written in [link.to_tg(), link.to_https()] {
            let again: ProxyLink =
                written.parse().unwrap_or_else(|error| panic!("{error}: {written}"));
            assert_eq!((again.server(), again.port()), (link.server(), link.port()));
            assert_eq!(again.to_tg(), link.to_tg());
            match (again.access(), link.access()) {
                (Access::MtProxy(one), Access::MtProxy(other)) => {
                    assert_eq!(one.to_bytes(), other.to_bytes());
                }
                (Access::Socks5(one), Access::Socks5(other)) => {
                    assert_eq!((one.user(), one.password()), (other.user(), other.password()));
                }
                _ => panic!("the kind of proxy changed: {written}"),
            }
        }
    }
}

fn check_secret(secret: &ProxySecret) {
    let bytes = secret.to_bytes();
    let again = ProxySecret::from_bytes(&bytes).expect("as written");
    assert_eq!(again.to_bytes(), bytes);
    let again: ProxySecret = secret.to_text().parse().expect("as written");
    assert_eq!(again.to_bytes(), bytes);
    assert!(!format!("{secret:?}").contains(&secret.to_text()), "secrets are not printed");
}

/// Decodes a PROXY protocol header in pieces: the result does not depend on the split, exactly the
/// header is consumed, and an encoded header decodes to the same one.
///
/// Input: cuts, then the first bytes of a connection.
pub fn proxy_protocol(data: &[u8]) {
    let mut input = Input::new(data);
    let cuts = input.cuts();
    let bytes = input.rest();
    let whole = ProxyHeader::parse(bytes);
    let mut decoder = ProxyHeaderDecoder::new();
    let (mut consumed, mut result) = (0, Ok(None));
    for piece in cuts.of(bytes) {
        match decoder.handle_bytes(piece) {
            Ok((taken, None)) => {
                assert_eq!(taken, piece.len(), "an incomplete header consumes everything");
                consumed += taken;
                assert!(consumed < HEADER_LEN_MAX);
            }
            Ok((taken, Some(header))) => {
                consumed += taken;
                result = Ok(Some((header, consumed)));
                break;
            }
            Err(error) => {
                result = Err(error);
                break;
            }
        }
    }
    if !bytes.is_empty() {
        assert_eq!(result, whole, "the split matters");
    }
    match (decoder.handle_eof(), whole) {
        (Ok(()), Ok(Some(_))) | (Err(ProxyHeaderError::Truncated), Ok(None)) => {}
        (Err(end), Err(error)) if end == error => {}
        (end, whole) => assert!(bytes.is_empty(), "{whole:?}, then {end:?}"),
    }
    let Ok(Some((header, len))) = whole else { return };
    assert!(len <= bytes.len() && len <= HEADER_LEN_MAX);
    assert_eq!(header.source().is_some(), header.destination().is_some());
    for version in [ProxyVersion::V1, ProxyVersion::V2] {
        let mut out = Vec::new();
        header.encode(version, &mut out);
        let (again, len) = ProxyHeader::parse(&out).expect("as encoded").expect("complete");
        assert_eq!(len, out.len());
        let is_lossy = matches!(version, ProxyVersion::V1) && again == ProxyHeader::Unknown;
        assert!(again == header || is_lossy, "{again:?} from {header:?}");
    }
}
