//! One client on several links.
//!
//! Goal: over HTTP calls and updates have links of their own. Method: a hub with a client, driven by hand.

use mtp_proto::ClientHub;
use mtp_session::client::RequestOptions;
use mtp_transport::http::{ApiPath, HttpClientConfig};
use mtp_transport::link::{ClientLink, ClientLinkConfig, Stack};

use super::peers::{QUESTION, begin, client, entropy};

#[test]
fn a_client_has_a_link_for_calls_and_one_for_updates() {
    let now = begin();
    let http = || {
        let stack = Stack::Http(HttpClientConfig::new("example.org".into(), ApiPath::default()));
        ClientLink::new(now, ClientLinkConfig::new(stack), entropy(4))
    };
    let mut clients = ClientHub::new(client(now, 1));
    let news = clients.accept_for_news(now, http());
    let mut out = Vec::new();
    assert!(!clients.poll_transmit(now, news, &mut out), "no key exchange runs on it");
    let calls = clients.accept(now, http());
    assert!(clients.poll_transmit(now, calls, &mut out), "but here");
    assert_eq!((clients.len(), news == calls), (2, false));
    clients.client_mut().request(now, &QUESTION, RequestOptions::new()).unwrap();
    assert!(!clients.client().is_ready());
}
