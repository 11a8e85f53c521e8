//! What a client makes of messages that servers seldom send, and of those they must not send.
//!
//! Goal: each has its own effect, and none that is nobody's does anything. Method: a puppet server chooses ids,
//! numbers and bodies; the client's events and packets are read.

use mtp_crypto::{MsgId, SeqNo};
use mtp_session::service::{
    HttpWait, Message, MsgDetailedInfo, MsgIds, MsgNewDetailedInfo, MsgResendReq, MsgsAllInfo,
    MsgsStateReq, Ping,
};
use mtp_session::session::{Discard, PacketError, RequestId};
use mtp_tl::Encode;

use crate::peers::{
    self, Driven, LINK, Puppet, Read, TRUE, Told, copy, discarded, gzip, quiet, result, update,
};

struct Client {
    driven: Driven,
    puppet: Puppet,
}

impl Client {
    fn new() -> Self {
        let (driven, puppet) = Driven::ready_client(quiet());
        Self { driven, puppet }
    }

    /// Makes a call and returns it with the message that carries it.
    fn call(&mut self, number: u32) -> (RequestId, MsgId) {
        let request = self.driven.call(number);
        (request, self.says().iter().find(|read| read.is_odd()).unwrap().msg_id)
    }

    /// Makes a label for a notice of the server.
    fn label(&mut self, odd: bool) -> (MsgId, SeqNo) {
        self.puppet.label(self.driven.now, 3, odd)
    }

    fn take_as(&mut self, label: (MsgId, SeqNo), body: &[u8]) -> Vec<Told> {
        let packet = self.puppet.seal(label, body);
        self.driven.take(&packet);
        self.driven.events()
    }

    fn take(&mut self, body: &[u8]) -> Vec<Told> {
        let label = self.label(false);
        self.take_as(label, body)
    }

    fn says(&mut self) -> Vec<Read> {
        let packets = self.driven.transmit(LINK).expect("the link stays open");
        packets.iter().flat_map(|packet| self.puppet.read(packet).messages).collect()
    }
}

fn updates(events: &[Told]) -> Vec<Vec<u8>> {
    let update = |told: &Told| match told {
        Told::Update(body) => Some(body.clone()),
        _ => None,
    };
    events.iter().filter_map(update).collect()
}

// spec: session 8.5
#[test]
fn a_ping_of_the_server_is_answered() {
    let mut client = Client::new();
    let label = client.label(false);
    assert_eq!(client.take_as(label, &Ping { ping_id: 77 }.to_bytes()), []);
    let pongs: Vec<_> = client
        .says()
        .iter()
        .filter_map(|read| match read.message() {
            Message::Pong(pong) => Some((pong.msg_id, pong.ping_id)),
            _ => None,
        })
        .collect();
    assert_eq!(pongs, [(label.0, 77)]);
}

// spec: session 8.16
#[test]
fn the_server_may_ask_what_became_of_its_messages() {
    let mut client = Client::new();
    let (_, call) = client.call(1);
    let came = client.label(true);
    assert_eq!(updates(&client.take_as(came, &update(1))).len(), 1);
    let never = MsgId::from_raw(came.0.as_raw() + 4000);
    let asked = client.label(false);
    let ask = MsgsStateReq { msg_ids: MsgIds::new([came.0, never, call]) };
    assert_eq!(client.take_as(asked, &ask.to_bytes()), []);
    let states: Vec<_> = client
        .says()
        .iter()
        .filter_map(|read| match read.message() {
            Message::MsgsStateInfo(info) => Some((info.req_msg_id, info.info.to_vec())),
            _ => None,
        })
        .collect();
    assert_eq!(states.len(), 1);
    let (asked_by, info) = &states[0];
    assert_eq!((*asked_by, info.len()), (asked.0, 3));
    // Received; not received yet; and of one's own call the server knows more.
    assert_eq!((info[0] & 7, info[1] & 7, info[2]), (4, 3, 1), "{info:?}");
}

// spec: session 8.16
#[test]
fn states_told_without_being_asked_count_if_there_is_one_for_each() {
    let mut client = Client::new();
    let (request, call) = client.call(1);
    let short = MsgsAllInfo { msg_ids: MsgIds::new([call, call]), info: &[4] };
    assert_eq!(discarded(&client.take(&short.to_bytes())), [Discard::Malformed]);
    // Nothing of the message was received, says the server: it is sent again.
    let lost = MsgsAllInfo { msg_ids: MsgIds::new([call]), info: &[2] };
    assert_eq!(discarded(&client.take(&lost.to_bytes())), []);
    let again = client.says();
    let body = peers::call(1);
    let sent: Vec<_> = again.iter().filter(|read| read.body.ends_with(&body)).collect();
    assert_eq!(sent.len(), 1, "{again:?}");
    let id = sent[0].msg_id;
    let label = client.puppet.label(client.driven.now, 1, true);
    let told = client.take_as(label, &result(id, &TRUE));
    assert!(told.contains(&Told::Result(request, TRUE.to_vec())), "{told:?}");
}

// spec: session 8.17
// spec: session 8.18
#[test]
fn what_was_announced_is_asked_for_or_acknowledged() {
    let mut client = Client::new();
    let (_, call) = client.call(1);
    let come = client.label(true);
    client.take_as(come, &update(1));
    let missing = MsgId::from_raw(client.puppet.id(client.driven.now, 1).as_raw());
    let announce = |answer_msg_id| MsgNewDetailedInfo { answer_msg_id, bytes: 40, status: 0 };
    client.take(&announce(missing).to_bytes());
    let said = client.says();
    let wanted: Vec<_> = said
        .iter()
        .filter_map(|read| match read.message() {
            Message::MsgResendReq(ask) => Some(ask.msg_ids.iter().collect::<Vec<_>>()),
            _ => None,
        })
        .collect();
    assert_eq!(wanted, [vec![missing]]);

    client.take(&announce(come.0).to_bytes());
    client.driven.pass_s(60);
    client.driven.session.handle_timeout(client.driven.now);
    let acked: Vec<_> = client
        .says()
        .iter()
        .filter_map(|read| match read.message() {
            Message::MsgsAck(acks) => Some(acks.msg_ids.iter().collect::<Vec<_>>()),
            _ => None,
        })
        .flatten()
        .collect();
    assert!(acked.contains(&come.0), "{acked:?}");

    let foreign = MsgDetailedInfo {
        msg_id: MsgId::from_raw(call.as_raw() + 400),
        answer_msg_id: missing,
        bytes: 40,
        status: 0,
    };
    assert_eq!(discarded(&client.take(&foreign.to_bytes())), [Discard::NotOurs]);
}

// spec: session 8.17
#[test]
fn a_call_is_sent_again_when_the_server_asks() {
    let mut client = Client::new();
    let (_, call) = client.call(1);
    let ask = |id| MsgResendReq { msg_ids: MsgIds::new([id]) }.to_bytes();
    client.take(&ask(call));
    let again = client.says();
    let bodies: Vec<_> = again.iter().filter(|read| read.body.ends_with(&peers::call(1))).collect();
    assert_eq!(bodies.len(), 1);
    assert_eq!(bodies[0].msg_id, call, "the same message: it must not run twice");
    client.take(&ask(MsgId::from_raw(call.as_raw() + 400)));
    let infos = client.says();
    let is_info = |read: &&Read| matches!(read.message(), Message::MsgsStateInfo(_));
    assert_eq!(infos.iter().filter(is_info).count(), 1, "what is not known is said");
}

// spec: session 8.12
// spec: session 8.13
#[test]
fn copies_hold_one_message_and_nothing_that_nests() {
    let mut client = Client::new();
    let inner = client.label(true);
    assert_eq!(updates(&client.take(&copy(inner, &update(1)))), [update(1)]);
    let again = client.take(&copy(inner, &update(1)));
    assert_eq!((updates(&again).len(), discarded(&again)), (0, vec![Discard::Duplicate]));

    let (innermost, inner) = (client.label(true), client.label(true));
    let wrapped = copy(inner, &gzip(&copy(innermost, &update(2))));
    let plain = copy(innermost, &copy(innermost, &update(2)));
    for body in [wrapped, plain, copy(innermost, &Puppet::container(&[]))] {
        let told = client.take(&body);
        assert_eq!((updates(&told).len(), discarded(&told)), (0, vec![Discard::Malformed]));
    }
    let mut later = client.label(true);
    later.0 = MsgId::from_raw(later.0.as_raw() + 4000);
    assert_eq!(discarded(&client.take(&copy(later, &update(3)))), [Discard::Malformed]);
    let even = (MsgId::from_raw(innermost.0.as_raw() & !3), innermost.1);
    let label = client.label(false);
    let packet = client.puppet.seal(label, &copy(even, &update(4)));
    let (now, session) = (client.driven.now, &mut client.driven.session);
    let refused = session.handle_packet(now, LINK, &mut packet.clone());
    assert_eq!(refused, Err(PacketError::WrongParity { msg_id: even.0 }));
}

// spec: session 8.11
// spec: session 8.13
#[test]
fn a_packed_container_is_one_and_none_stands_packed_within_another() {
    let mut client = Client::new();
    let (one, other, third) = (client.label(true), client.label(true), client.label(true));
    let (first, second) = (update(1), gzip(&update(2)));
    let body = Puppet::container(&[(one.0, one.1, &first), (other.0, other.1, &second)]);
    assert_eq!(updates(&client.take(&gzip(&body))), [update(1), update(2)]);
    let within = gzip(&Puppet::container(&[(third.0, third.1, &first)]));
    let (outer, last) = (client.label(true), client.label(true));
    let body = Puppet::container(&[(outer.0, outer.1, &within), (last.0, last.1, &first)]);
    let told = client.take(&body);
    assert_eq!((updates(&told), discarded(&told)), (vec![update(1)], vec![Discard::Unpackable]));
}

// spec: session 8
#[test]
fn what_only_clients_send_does_nothing() {
    let mut client = Client::new();
    let wait = HttpWait { max_delay: 0, wait_after: 0, max_wait: 9 };
    assert_eq!(discarded(&client.take(&wait.to_bytes())), [Discard::Unexpected]);
    assert_eq!(client.says(), []);
}

// spec: session 8.1
#[test]
fn results_that_nobody_waits_for_close_the_link_in_the_end() {
    let mut client = Client::new();
    let (_, call) = client.call(1);
    let stranger = MsgId::from_raw(call.as_raw() + 400);
    let body = result(stranger, &vec![7; 40 << 10]);
    for round in 0..7 {
        let label = client.puppet.label(client.driven.now, 1, true);
        let told = client.take_as(label, &body);
        assert_eq!(discarded(&told), [Discard::NoSuchCall]);
        // 256 KiB are borne.
        assert_eq!(client.driven.transmit(LINK).is_err(), round == 6, "{round}");
    }
    let label = client.puppet.label(client.driven.now, 1, true);
    let packet = client.puppet.seal(label, &result(MsgId::from_raw(0), &TRUE));
    let (now, session) = (client.driven.now, &mut client.driven.session);
    let refused = session.handle_packet(now, LINK, &mut packet.clone());
    assert_eq!(refused, Err(PacketError::NamesNothing));
}
