//! A client's handling of rare service messages and of those a server must not send.
//!
//! Goal: each has its defined effect; unsolicited ones have none. Method: a puppet server chooses ids, sequence numbers
//! and bodies; the client's events and packets are checked.

use mtp_crypto::{MsgId, SeqNo};
use mtp_session::client::RequestId;
use mtp_session::service::{
    HttpWait, Message, MsgDetailedInfo, MsgIds, MsgNewDetailedInfo, MsgResendReq, MsgsAllInfo,
    MsgsStateReq, Ping,
};
use mtp_session::session::{Discard, PacketError};
use mtp_tl::Encode;

use crate::peers::{
    self, DrivenClient, LINK, Observed, Puppet, Read, TRUE, copy, discarded, gzip, quiet, result,
    update,
};

struct Client {
    driven: DrivenClient,
    puppet: Puppet,
}

impl Client {
    fn new() -> Self {
        let (driven, puppet) = DrivenClient::ready_client(quiet());
        Self { driven, puppet }
    }

    /// Makes a call and returns it with the id of its message.
    fn call(&mut self, number: u32) -> (RequestId, MsgId) {
        let request = self.driven.call(number);
        (request, self.messages().iter().find(|read| read.is_odd()).unwrap().msg_id)
    }

    /// Labels a server notification.
    fn label(&mut self, odd: bool) -> (MsgId, SeqNo) {
        self.puppet.label(self.driven.now, 3, odd)
    }

    fn take_as(&mut self, label: (MsgId, SeqNo), body: &[u8]) -> Vec<Observed> {
        let packet = self.puppet.seal(label, body);
        self.driven.take(&packet);
        self.driven.events()
    }

    fn take(&mut self, body: &[u8]) -> Vec<Observed> {
        let label = self.label(false);
        self.take_as(label, body)
    }

    fn messages(&mut self) -> Vec<Read> {
        let packets = self.driven.transmit(LINK).expect("the link stays open");
        packets.iter().flat_map(|packet| self.puppet.read(packet).messages).collect()
    }
}

fn updates(events: &[Observed]) -> Vec<Vec<u8>> {
    let update = |event: &Observed| match event {
        Observed::Update(body) => Some(body.clone()),
        _ => None,
    };
    events.iter().filter_map(update).collect()
}

// spec: session 8.5
#[test]
fn ping_from_the_server_is_answered() {
    let mut client = Client::new();
    let label = client.label(false);
    assert_eq!(client.take_as(label, &Ping { ping_id: 77 }.to_bytes()), []);
    let pongs: Vec<_> = client
        .messages()
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
fn state_request_from_the_server_is_answered() {
    let mut client = Client::new();
    let (_, call) = client.call(1);
    let received = client.label(true);
    assert_eq!(updates(&client.take_as(received, &update(1))).len(), 1);
    let never = MsgId::from_raw(received.0.as_raw() + 4000);
    let asked = client.label(false);
    let ask = MsgsStateReq { msg_ids: MsgIds::new([received.0, never, call]) };
    assert_eq!(client.take_as(asked, &ask.to_bytes()), []);
    let states: Vec<_> = client
        .messages()
        .iter()
        .filter_map(|read| match read.message() {
            Message::MsgsStateInfo(info) => Some((info.req_msg_id, info.info.to_vec())),
            _ => None,
        })
        .collect();
    assert_eq!(states.len(), 1);
    let (asked_by, info) = &states[0];
    assert_eq!((*asked_by, info.len()), (asked.0, 3));
    // Received; not received yet; unknown, because the message is the client's own.
    assert_eq!((info[0] & 7, info[1] & 7, info[2]), (4, 3, 1), "{info:?}");
}

// spec: session 8.16
#[test]
fn msgs_all_info_is_used_only_with_one_state_per_id() {
    let mut client = Client::new();
    let (request, call) = client.call(1);
    let short = MsgsAllInfo { msg_ids: MsgIds::new([call, call]), info: &[4] };
    assert_eq!(discarded(&client.take(&short.to_bytes())), [Discard::Malformed]);
    // The server reports the message as not received, so it is resent.
    let lost = MsgsAllInfo { msg_ids: MsgIds::new([call]), info: &[2] };
    assert_eq!(discarded(&client.take(&lost.to_bytes())), []);
    let again = client.messages();
    let body = peers::call(1);
    let sent: Vec<_> = again.iter().filter(|read| read.body.ends_with(&body)).collect();
    assert_eq!(sent.len(), 1, "{again:?}");
    let id = sent[0].msg_id;
    let label = client.puppet.label(client.driven.now, 1, true);
    let events = client.take_as(label, &result(id, &TRUE));
    assert!(events.contains(&Observed::Result(request, TRUE.to_vec())), "{events:?}");
}

// spec: session 8.17
// spec: session 8.18
#[test]
fn announced_answer_is_requested_or_acknowledged() {
    let mut client = Client::new();
    let (_, call) = client.call(1);
    let received = client.label(true);
    client.take_as(received, &update(1));
    let missing = MsgId::from_raw(client.puppet.id(client.driven.now, 1).as_raw());
    let announce = |answer_msg_id| MsgNewDetailedInfo { answer_msg_id, bytes: 40, status: 0 };
    client.take(&announce(missing).to_bytes());
    let messages = client.messages();
    let wanted: Vec<_> = messages
        .iter()
        .filter_map(|read| match read.message() {
            Message::MsgResendReq(ask) => Some(ask.msg_ids.iter().collect::<Vec<_>>()),
            _ => None,
        })
        .collect();
    assert_eq!(wanted, [vec![missing]]);

    client.take(&announce(received.0).to_bytes());
    client.driven.pass_s(60);
    client.driven.session.handle_timeout(client.driven.now);
    let acked: Vec<_> = client
        .messages()
        .iter()
        .filter_map(|read| match read.message() {
            Message::MsgsAck(acks) => Some(acks.msg_ids.iter().collect::<Vec<_>>()),
            _ => None,
        })
        .flatten()
        .collect();
    assert!(acked.contains(&received.0), "{acked:?}");

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
fn resend_request_resends_the_same_message() {
    let mut client = Client::new();
    let (_, call) = client.call(1);
    let ask = |id| MsgResendReq { msg_ids: MsgIds::new([id]) }.to_bytes();
    client.take(&ask(call));
    let again = client.messages();
    let bodies: Vec<_> = again.iter().filter(|read| read.body.ends_with(&peers::call(1))).collect();
    assert_eq!(bodies.len(), 1);
    assert_eq!(bodies[0].msg_id, call, "the same message id, so that the call cannot run twice");
    client.take(&ask(MsgId::from_raw(call.as_raw() + 400)));
    let infos = client.messages();
    let is_info = |read: &&Read| matches!(read.message(), Message::MsgsStateInfo(_));
    assert_eq!(infos.iter().filter(is_info).count(), 1, "an unknown id is reported");
}

// spec: session 8.12
// spec: session 8.13
#[test]
fn msg_copy_delivers_one_message_and_rejects_nesting() {
    let mut client = Client::new();
    let inner = client.label(true);
    assert_eq!(updates(&client.take(&copy(inner, &update(1)))), [update(1)]);
    let again = client.take(&copy(inner, &update(1)));
    assert_eq!((updates(&again).len(), discarded(&again)), (0, vec![Discard::Duplicate]));

    let (innermost, inner) = (client.label(true), client.label(true));
    let wrapped = copy(inner, &gzip(&copy(innermost, &update(2))));
    let plain = copy(innermost, &copy(innermost, &update(2)));
    for body in [wrapped, plain, copy(innermost, &Puppet::container(&[]))] {
        let events = client.take(&body);
        assert_eq!((updates(&events).len(), discarded(&events)), (0, vec![Discard::Malformed]));
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
fn gzipped_container_is_accepted_but_not_inside_a_container() {
    let mut client = Client::new();
    let (one, other, third) = (client.label(true), client.label(true), client.label(true));
    let (first, second) = (update(1), gzip(&update(2)));
    let body = Puppet::container(&[(one.0, one.1, &first), (other.0, other.1, &second)]);
    assert_eq!(updates(&client.take(&gzip(&body))), [update(1), update(2)]);
    let within = gzip(&Puppet::container(&[(third.0, third.1, &first)]));
    let (outer, last) = (client.label(true), client.label(true));
    let body = Puppet::container(&[(outer.0, outer.1, &within), (last.0, last.1, &first)]);
    let events = client.take(&body);
    assert_eq!(
        (updates(&events), discarded(&events)),
        (vec![update(1)], vec![Discard::Unpackable])
    );
}

// spec: session 8
#[test]
fn client_only_message_is_discarded() {
    let mut client = Client::new();
    let wait = HttpWait { max_delay: 0, wait_after: 0, max_wait: 9 };
    assert_eq!(discarded(&client.take(&wait.to_bytes())), [Discard::Unexpected]);
    assert_eq!(client.messages(), []);
}

// spec: session 8.1
#[test]
fn results_for_unknown_calls_close_the_link_beyond_a_limit() {
    let mut client = Client::new();
    let (_, call) = client.call(1);
    let stranger = MsgId::from_raw(call.as_raw() + 400);
    let body = result(stranger, &vec![7; 40 << 10]);
    for round in 0..7 {
        let label = client.puppet.label(client.driven.now, 1, true);
        let events = client.take_as(label, &body);
        assert_eq!(discarded(&events), [Discard::NoSuchCall]);
        // 256 KiB are tolerated.
        assert_eq!(client.driven.transmit(LINK).is_err(), round == 6, "{round}");
    }
    let label = client.puppet.label(client.driven.now, 1, true);
    let packet = client.puppet.seal(label, &result(MsgId::from_raw(0), &TRUE));
    let (now, session) = (client.driven.now, &mut client.driven.session);
    let refused = session.handle_packet(now, LINK, &mut packet.clone());
    assert_eq!(refused, Err(PacketError::NamesNothing));
}
