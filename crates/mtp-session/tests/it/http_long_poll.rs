//! Long polling over HTTP, where the server can only answer requests.
//!
//! Goal: late answers are fetched over any available link. Method: a puppet server answers each packet; the client's
//! packets are checked.

use mtp_crypto::{MsgId, Side};
use mtp_session::client::ClientSessionConfig;
use mtp_session::established::KeyKind;
use mtp_session::link::LinkId;
use mtp_session::service::{HttpWait, Message, MsgIds, MsgsAck};
use mtp_session::session::LinkKind;

use crate::peers::{
    DrivenClient, LINK, Observed, Packet, Puppet, TRUE, established, key, quiet, result,
};

const POLL: LinkId = LinkId::new(2);

struct Client {
    driven: DrivenClient,
    puppet: Puppet,
}

impl Client {
    /// A client with a link for calls and, if `long_poll` is true, another for long polling.
    fn new(long_poll: bool) -> Self {
        let (mut driven, key) = (DrivenClient::client(quiet()), key(3));
        driven.session.set_key(driven.now, &established(&key, KeyKind::Permanent));
        driven.session.link_up(driven.now, LINK, LinkKind::Http);
        if long_poll {
            driven.session.link_up(driven.now, POLL, LinkKind::HttpPoll);
        }
        let puppet = Puppet::new(&key, Side::Server, driven.session.session_id());
        Self { driven, puppet }
    }

    /// Returns the client's next HTTP request on a link.
    fn request(&mut self, link: LinkId) -> Option<Packet> {
        let packets = self.driven.transmit(link).unwrap();
        assert!(packets.len() < 2, "a second request before the response to the first");
        packets.first().map(|packet| self.puppet.read(packet))
    }

    /// Responds with an acknowledgment of a message.
    fn respond_with_ack(&mut self, msg_id: MsgId) {
        let ack = MsgsAck { msg_ids: MsgIds::new([msg_id]) };
        let packet = self.puppet.even_message(self.driven.now, &ack);
        self.driven.take(&packet);
    }

    /// Responds with an empty container.
    fn respond_empty(&mut self) {
        let packet = self.puppet.seal_container(self.driven.now, &[]);
        self.driven.take(&packet);
    }
}

fn wait(packet: &Packet) -> HttpWait {
    packet.only(|_, message| match message {
        Message::HttpWait(wait) => Some(wait),
        _ => None,
    })
}

// Found by fuzzing whole connections.
// spec: session 14
#[test]
fn late_answer_is_fetched_over_the_only_http_link() {
    let mut client = Client::new(false);
    let config = ClientSessionConfig::default();
    assert!(client.request(LINK).is_none(), "no call is open");
    let request = client.driven.call(1);
    let packet = client.request(LINK).unwrap();
    assert_eq!(wait(&packet), config.http_calls);
    let call = packet.calls()[0].msg_id;
    client.respond_with_ack(call);
    // While the server has nothing to send.
    for _ in 0..3 {
        let packet = client.request(LINK).unwrap();
        assert_eq!((wait(&packet), packet.calls().len()), (config.http_alone, 0));
        client.respond_empty();
    }
    client.request(LINK).unwrap();
    let (_, answer) = client.puppet.odd_message(client.driven.now, 1, &result(call, &TRUE));
    client.driven.take(&answer);
    assert!(client.driven.events().contains(&Observed::Result(request, TRUE.to_vec())));
    assert!(client.request(LINK).is_none(), "no call is open");
}

// spec: session 14
#[test]
fn long_poll_link_relieves_the_call_link() {
    let mut client = Client::new(true);
    let config = ClientSessionConfig::default();
    client.driven.call(1);
    let packet = client.request(LINK).unwrap();
    assert_eq!(wait(&packet), config.http_calls);
    let call = packet.calls()[0].msg_id;
    client.respond_with_ack(call);
    assert!(client.request(LINK).is_none(), "the answer arrives on the long-poll link");
    assert_eq!(wait(&client.request(POLL).unwrap()), config.http_poll);
    // Until that link is gone.
    client.driven.session.link_down(client.driven.now, POLL);
    assert_eq!(wait(&client.request(LINK).unwrap()), config.http_alone);
}
