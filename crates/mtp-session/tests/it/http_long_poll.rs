//! What a client asks of a server over HTTP, where no answer comes by itself.
//!
//! Goal: late answers are fetched over whatever links there are. Method: a puppet server that answers each packet
//! of the client as it likes; the client's packets are read.

use mtp_crypto::{MsgId, Side};
use mtp_session::established::KeyKind;
use mtp_session::link::LinkId;
use mtp_session::service::{HttpWait, Message, MsgIds, MsgsAck};
use mtp_session::session::{LinkKind, SessionConfig};

use crate::peers::{Driven, LINK, Packet, Puppet, TRUE, Told, established, key, quiet, result};

const NEWS: LinkId = LinkId::new(2);

struct Client {
    driven: Driven,
    puppet: Puppet,
}

impl Client {
    /// A client with one link that carries calls, and another for news if it is wanted.
    fn new(for_news: bool) -> Self {
        let (mut driven, key) = (Driven::client(quiet()), key(3));
        driven.session.set_key(driven.now, &established(&key, KeyKind::Permanent));
        driven.session.link_up(driven.now, LINK, LinkKind::Http);
        if for_news {
            driven.session.link_up(driven.now, NEWS, LinkKind::HttpPoll);
        }
        let puppet = Puppet::new(&key, Side::Server, driven.session.session_id());
        Self { driven, puppet }
    }

    /// What the client asks for on a link, if it asks.
    fn asks(&mut self, link: LinkId) -> Option<Packet> {
        let packets = self.driven.transmit(link).unwrap();
        assert!(packets.len() < 2, "a request before the answer to the last");
        packets.first().map(|packet| self.puppet.read(packet))
    }

    /// Answers a link's request with the acknowledgement of a message.
    fn acknowledges(&mut self, msg_id: MsgId) {
        let ack = MsgsAck { msg_ids: MsgIds::new([msg_id]) };
        let packet = self.puppet.even_message(self.driven.now, &ack);
        self.driven.take(&packet);
    }

    /// Answers it with nothing.
    fn is_told_nothing(&mut self) {
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
fn a_late_answer_is_fetched_over_the_only_link() {
    let mut client = Client::new(false);
    let config = SessionConfig::client().client;
    assert!(client.asks(LINK).is_none(), "nothing is out");
    let request = client.driven.call(1);
    let packet = client.asks(LINK).unwrap();
    assert_eq!(wait(&packet), config.http_calls);
    let call = packet.calls()[0].msg_id;
    client.acknowledges(call);
    // As long as the server has nothing to say.
    for _ in 0..3 {
        let packet = client.asks(LINK).unwrap();
        assert_eq!((wait(&packet), packet.calls().len()), (config.http_alone, 0));
        client.is_told_nothing();
    }
    client.asks(LINK).unwrap();
    let (_, answer) = client.puppet.odd_message(client.driven.now, 1, &result(call, &TRUE));
    client.driven.take(&answer);
    assert!(client.driven.events().contains(&Told::Result(request, TRUE.to_vec())));
    assert!(client.asks(LINK).is_none(), "nothing is out");
}

// spec: session 14
#[test]
fn a_link_for_news_leaves_the_other_alone() {
    let mut client = Client::new(true);
    let config = SessionConfig::client().client;
    client.driven.call(1);
    let packet = client.asks(LINK).unwrap();
    assert_eq!(wait(&packet), config.http_calls);
    let call = packet.calls()[0].msg_id;
    client.acknowledges(call);
    assert!(client.asks(LINK).is_none(), "the answer comes by the link for news");
    assert_eq!(wait(&client.asks(NEWS).unwrap()), config.http_poll);
    // Until it is gone.
    client.driven.session.link_down(client.driven.now, NEWS);
    assert_eq!(wait(&client.asks(LINK).unwrap()), config.http_alone);
}
