//! The proxy: any client bytes against the relay, any text and any datagram against their readers.

use std::sync::Arc;

use mtp_crypto::CtrEntropy;
use mtp_env::Now;
use mtp_transport::datagram;
use mtp_transport::faketls::Profile;
use mtp_transport::proxy_link::ProxyLink;
use mtp_transport::proxy_protocol::Preface;
use mtp_transport::relay::{NamedSecret, Relay, RelayConfig, RelayEvent};
use mtp_transport::replay::Seen;
use mtp_transport::secret::{Domain, ProxySecret, SecretKey};

/// Any bytes of a client: what goes up, what comes down and what happens must not depend on the cut.
///
/// The first byte cuts; its top bit makes every opening a replay.
pub fn relay(input: &[u8]) {
    let Some((first, stream)) = input.split_first() else { return };
    let seen = if first & 0x80 == 0 { Seen::Never } else { Seen::Before };
    let whole = carry(stream, usize::MAX, seen);
    assert!(whole == carry(stream, usize::from(first & 0x7f).max(1), seen), "the cut matters");
}

/// Whatever is read from text or from a single message is written the same way again.
pub fn proxy_texts(input: &[u8]) {
    if let Ok(datagram) = datagram::decode(input) {
        let mut out = Vec::new();
        assert_eq!(datagram::encode(&datagram, &mut out), Ok(()));
        assert_eq!(out, input);
    }
    if let Ok(Some((_, len))) = Preface::parse(input) {
        assert!(len <= input.len(), "a preface longer than what was received");
    }
    if let Ok(secret) = ProxySecret::from_bytes(input) {
        assert_eq!(secret.to_bytes(), input);
    }
    let Ok(text) = core::str::from_utf8(input) else { return };
    let _ = text.parse::<Profile>();
    if let Ok(secret) = text.parse::<ProxySecret>() {
        let again = secret.to_text().parse::<ProxySecret>();
        assert_eq!(again.map(|again| again.to_bytes()), Ok(secret.to_bytes()));
    }
    if let Ok(link) = text.parse::<ProxyLink>() {
        for text in [link.to_tg(), link.to_https()] {
            let again = text.parse::<ProxyLink>().map(|again| again.to_tg());
            assert_eq!(again, Ok(link.to_tg()));
        }
    }
}

/// Returns what went up, what came down and what happened.
fn carry(stream: &[u8], piece: usize, seen: Seen) -> (Vec<u8>, Vec<u8>, Vec<RelayEvent>) {
    let now = Now::default();
    let entropy = Box::new(CtrEntropy::from_number(9));
    let mut relay = Relay::new(now, Arc::new(config()), entropy);
    let (mut up, mut down, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for piece in stream.chunks(piece) {
        let taken = relay.handle_client_bytes(now, piece);
        assert_eq!(taken.is_err(), matches!(events.last(), Some(RelayEvent::Close { .. })));
        while let Some(event) = relay.poll_event() {
            if let RelayEvent::CheckReplay(_) = event {
                relay.handle_seen(now, seen);
            }
            events.push(event);
        }
        let _ = relay.poll_upstream_transmit(&mut up);
        let _ = relay.poll_client_transmit(&mut down);
    }
    let proved = events.iter().any(|event| matches!(event, RelayEvent::CheckReplay(_)));
    assert!(down.is_empty() || proved && seen == Seen::Never, "a probe was answered");
    (up, down, events)
}

fn config() -> RelayConfig {
    let key = || SecretKey::new([3; 16]);
    let domain = Domain::new(b"example.com").unwrap_or_else(|error| unreachable!("{error}"));
    let fake_tls = ProxySecret::fake_tls(key(), domain);
    let fake_tls = fake_tls.unwrap_or_else(|error| unreachable!("{error}"));
    let mut config = RelayConfig::default();
    config.secrets = [("plain", ProxySecret::plain(key())), ("tls", fake_tls)]
        .map(|(name, secret)| NamedSecret { name: name.to_owned(), secret })
        .to_vec();
    config
}
