//! What people paste and load balancers say: secrets, links, the PROXY protocol.

use mtp_transport::datagram;
use mtp_transport::proxy_link::{Access, ProxyLink};
use mtp_transport::proxy_protocol::{HEADER_LEN_MAX, LINE_LEN_MAX, Preface};
use mtp_transport::secret::ProxySecret;

/// Reads a secret, as text and as bytes, a link, a datagram: text → value → text → value agree.
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
                _ => panic!("another kind of proxy: {written}"),
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

/// Reads a load balancer's header: never another answer when more bytes come.
///
/// Input: the first bytes of a connection.
pub fn preface(data: &[u8]) {
    let whole = Preface::parse(data);
    for len in 0..data.len().min(LINE_LEN_MAX + 1) {
        match (Preface::parse(&data[..len]), &whole) {
            (Ok(None), _) => {}
            (early, whole) => assert_eq!(early, *whole, "after {len} bytes"),
        }
    }
    match whole {
        Ok(Some((_, len))) => assert!(len <= data.len() && len <= HEADER_LEN_MAX),
        Ok(None) => assert!(data.len() < HEADER_LEN_MAX),
        Err(_) => {}
    }
}
