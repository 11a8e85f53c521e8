//! What a server says to messages that break the rules, and what it makes of rare ones that keep them.
//!
//! Goal: every `bad_msg_notification` is sent for its own fault, and what is refused runs nothing. Method: a puppet
//! chooses ids, numbers and bodies; the server's packets are read.

use mtp_crypto::{CtrEntropy, InnerHeader, MsgId, Salt, SeqNo, SessionId};
use mtp_session::server::{Refusal, StatelessReplies};
use mtp_session::service::{Message, MsgIds, MsgResendReq, MsgsAck, MsgsStateReq, Ping, RpcError};
use mtp_session::session::{Discard, SessionConfig};
use mtp_tl::Encode;

use crate::peers::{
    Driven, FIRST_SALT, LINK, Packet, Puppet, Read, START, Told, call, copy, discarded, gzip, key,
    update,
};

struct Server {
    driven: Driven,
    puppet: Puppet,
}

impl Server {
    fn new(config: SessionConfig) -> Self {
        let (driven, puppet) = Driven::ready_server(config);
        Self { driven, puppet }
    }

    /// Hands over a message and returns what the server tells its application.
    fn take(&mut self, id: MsgId, seq_no: i32, body: &[u8]) -> Vec<Told> {
        let packet = self.puppet.seal((id, SeqNo::from_raw(seq_no)), body);
        self.driven.take(&packet);
        self.driven.events()
    }

    /// All messages that the server wants to send.
    fn says(&mut self) -> Vec<Read> {
        let packets = self.driven.transmit(LINK).expect("the link stays open");
        let read = |packet: &Vec<u8>| -> Packet { self.puppet.read(packet) };
        packets.iter().map(read).flat_map(|packet| packet.messages).collect()
    }

    /// Which messages were refused, and why.
    fn refuses(&mut self) -> Vec<(MsgId, i32)> {
        let refusal = |read: &Read| match read.message() {
            Message::BadMsgNotification(bad) => Some((bad.bad_msg_id, bad.error_code)),
            _ => None,
        };
        self.says().iter().filter_map(refusal).collect()
    }
}

/// A client's id so many units after the first.
fn id(number: u64) -> MsgId {
    MsgId::from_raw((START << 32) + number * 4)
}

/// The calls, each by its message.
fn queries(events: &[Told]) -> Vec<(MsgId, Vec<u8>)> {
    let call = |told: &Told| match told {
        Told::Call(id, _, query) => Some((id.msg_id(), query.clone())),
        _ => None,
    };
    events.iter().filter_map(call).collect()
}

// spec: session 4
// spec: session 5.2#8
#[test]
fn numbers_out_of_order_and_of_the_wrong_parity() {
    let ack = MsgsAck { msg_ids: MsgIds::new([id(1)]) }.to_bytes();
    let cases = [
        ("an older message has a larger number", 30, 9, call(2), 32),
        ("an older message has this number", 30, 11, call(2), 32),
        ("a younger message has a smaller number", 10, 13, call(2), 33),
        ("an acknowledgement that asks for one", 30, 13, ack, 34),
        ("a call that asks for none", 30, 12, call(2), 35),
    ];
    for (what, number, seq_no, body, code) in cases {
        let mut server = Server::new(SessionConfig::server());
        assert_eq!(queries(&server.take(id(20), 11, &call(1))).len(), 1);
        server.says();
        assert_eq!(server.take(id(number), seq_no, &body), [], "{what}: nothing runs");
        assert_eq!(server.refuses(), [(id(number), code)], "{what}");
        // It was received all the same, so its repetition is none of the application's business.
        let again = server.take(id(number), seq_no, &body);
        assert_eq!((queries(&again).len(), discarded(&again)), (0, vec![Discard::Duplicate]));
    }
}

// spec: session 5.2#6
// spec: session 5.2#7
#[test]
fn containers_are_refused_as_a_whole() {
    let inner = call(1);
    let sound = Puppet::container(&[(id(5), SeqNo::from_raw(1), &inner)]);
    let mut cut = sound.clone();
    cut.truncate(sound.len() - 4);
    for (what, seq_no, body, code) in
        [("asks for an acknowledgement", 3, &sound, 34), ("is cut short", 2, &cut, 64)]
    {
        let mut server = Server::new(SessionConfig::server());
        assert_eq!(server.take(id(9), seq_no, body), [], "{what}");
        assert_eq!(server.refuses(), [(id(9), code)], "{what}");
    }
    let mut server = Server::new(SessionConfig::server());
    assert_eq!(queries(&server.take(id(9), 2, &sound)).len(), 1);
    assert_eq!(server.refuses(), []);
    assert_eq!(server.take(id(9), 2, &sound), []);
    assert_eq!(server.refuses(), [(id(9), 19)]);
}

// spec: session 5.2#8
#[test]
fn a_message_of_a_container_needs_a_clients_id() {
    let mut server = Server::new(SessionConfig::server());
    let (bad, good) = (MsgId::from_raw(id(4).as_raw() | 1), id(5));
    let (one, other) = (call(1), call(2));
    let body =
        Puppet::container(&[(bad, SeqNo::from_raw(1), &one), (good, SeqNo::from_raw(3), &other)]);
    assert_eq!(queries(&server.take(id(9), 4, &body)), [(good, other)]);
    assert_eq!(server.refuses(), [(bad, 18)]);
}

// spec: session 3.5
// spec: session 5.3
#[test]
fn what_lies_below_all_that_is_remembered_is_too_old() {
    let mut config = SessionConfig::server();
    config.duplicates_max = 4;
    let mut server = Server::new(config);
    let ping = Ping { ping_id: 7 }.to_bytes();
    for number in 10..14 {
        server.take(id(number), 0, &ping);
    }
    server.says();
    assert_eq!(server.take(id(9), 1, &call(1)), []);
    assert_eq!(server.refuses(), [(id(9), 20)]);
    let inner = call(1);
    let container = Puppet::container(&[(id(3), SeqNo::from_raw(1), &inner)]);
    assert_eq!(server.take(id(8), 2, &container), []);
    assert_eq!(server.refuses(), [(id(8), 20)]);
    // One that is remembered is a duplicate, however low it is.
    assert_eq!(discarded(&server.take(id(10), 0, &ping)), [Discard::Duplicate]);
}

// spec: session 5.2#10, 8.13
#[test]
fn a_container_may_be_packed() {
    let mut server = Server::new(SessionConfig::server());
    let (one, other) = (call(1), call(2));
    let container = Puppet::container(&[
        (id(4), SeqNo::from_raw(1), &one),
        (id(5), SeqNo::from_raw(3), &other),
    ]);
    let calls = queries(&server.take(id(9), 4, &gzip(&container)));
    assert_eq!(calls, [(id(4), one), (id(5), other)]);
}

// spec: session 8.12
#[test]
fn a_copy_is_the_message_it_holds() {
    let mut server = Server::new(SessionConfig::server());
    let told = server.take(id(9), 2, &copy((id(4), SeqNo::from_raw(1)), &call(1)));
    assert_eq!(queries(&told), [(id(4), call(1))]);
    let again = server.take(id(10), 2, &copy((id(4), SeqNo::from_raw(1)), &call(1)));
    assert_eq!((queries(&again).len(), discarded(&again)), (0, vec![Discard::Duplicate]));

    let nested = copy((id(4), SeqNo::from_raw(1)), &copy((id(3), SeqNo::from_raw(1)), &call(1)));
    let within = Puppet::container(&[(id(3), SeqNo::from_raw(1), &[7; 4])]);
    for (number, body) in [
        (20, nested),
        (21, copy((id(4), SeqNo::from_raw(2)), &within)),
        (22, copy((id(22), SeqNo::from_raw(1)), &call(1))),
        (23, copy((id(24), SeqNo::from_raw(1)), &call(1))),
    ] {
        let told = server.take(id(number), 2, &body);
        assert_eq!((queries(&told).len(), discarded(&told)), (0, vec![Discard::Malformed]));
    }
}

// spec: session 8.12
// spec: session 8.13
#[test]
fn a_copy_within_a_packed_copy_is_refused_so_depth_has_a_limit() {
    let within = gzip(&copy((id(3), SeqNo::from_raw(1)), &call(1)));
    let mut server = Server::new(SessionConfig::server());
    let told = server.take(id(9), 4, &copy((id(4), SeqNo::from_raw(3)), &within));
    assert_eq!((queries(&told), discarded(&told)), (vec![], vec![Discard::Malformed]));
    // One beside another is another matter.
    let (one, other) = (
        copy((id(10), SeqNo::from_raw(5)), &call(1)),
        copy((id(11), SeqNo::from_raw(7)), &call(2)),
    );
    let body = Puppet::container(&[
        (id(12), SeqNo::from_raw(8), &one),
        (id(13), SeqNo::from_raw(8), &other),
    ]);
    let told = server.take(id(14), 8, &body);
    assert_eq!(queries(&told), [(id(10), call(1)), (id(11), call(2))]);
}

// spec: session 10
#[test]
fn a_call_that_cannot_be_unpacked_is_answered_with_an_error() {
    let mut broken = gzip(&call(1));
    let at = broken.len() / 2;
    broken[at] ^= 0x55;
    // `invokeWithoutUpdates` around nothing, and around what does not unpack.
    let wrapper = 0xbf94_59b7_u32.to_le_bytes().to_vec();
    for body in [broken.clone(), wrapper.clone(), [wrapper, broken].concat()] {
        let mut server = Server::new(SessionConfig::server());
        assert_eq!(queries(&server.take(id(4), 1, &body)), []);
        let errors: Vec<_> = server
            .says()
            .iter()
            .filter_map(|read| match read.message() {
                Message::RpcResult(result) => {
                    let error = RpcError::parse(result.result.as_bytes()).unwrap();
                    Some((result.req_msg_id, error.code(), error.message().to_owned()))
                }
                _ => None,
            })
            .collect();
        assert_eq!(errors, [(id(4), 400, "INPUT_FETCH_ERROR".to_owned())]);
    }
}

// spec: session 8.16
// spec: session 8.17
#[test]
fn states_are_told_and_what_is_known_is_sent_again() {
    let mut server = Server::new(SessionConfig::server());
    let told = server.take(id(4), 1, &call(1));
    let Some(Told::Call(incoming, ..)) = told.last() else { panic!("no call: {told:?}") };
    let pending = server.says();
    assert!(!pending.iter().any(|read| matches!(read.message(), Message::RpcResult(_))));
    let now = server.driven.now;
    server.driven.session.respond(now, *incoming, &update(5)).unwrap();
    let said = server.says();
    let answers = |said: &[Read]| -> Vec<(MsgId, Vec<u8>)> {
        let is = |read: &&Read| matches!(read.message(), Message::RpcResult(_));
        said.iter().filter(is).map(|read| (read.msg_id, read.body.clone())).collect()
    };
    let (answer, body) = answers(&said).remove(0);

    let states = |said: &[Read]| -> Vec<(MsgId, Vec<u8>)> {
        let info = |read: &Read| match read.message() {
            Message::MsgsStateInfo(info) => Some((info.req_msg_id, info.info.to_vec())),
            _ => None,
        };
        said.iter().filter_map(info).collect()
    };
    // The call, one that never came, one above all that came, and one of the server's own.
    let ask = [id(4), id(2), id(40), answer];
    server.take(id(6), 2, &MsgsStateReq { msg_ids: MsgIds::new(ask) }.to_bytes());
    let found = states(&server.says());
    assert_eq!(found.len(), 1);
    let (asked_by, info) = &found[0];
    assert_eq!((*asked_by, info.len()), (id(6), 4));
    assert_eq!((info[0] & 7, info[1], info[2] & 7, info[3]), (4, 1, 3, 1), "{info:?}");

    server.take(id(7), 2, &MsgResendReq { msg_ids: MsgIds::new([answer]) }.to_bytes());
    let again = server.says();
    assert_eq!(answers(&again), [(answer, body)]);
    let unknown = MsgId::from_raw(answer.as_raw() + 400);
    server.take(id(8), 2, &MsgResendReq { msg_ids: MsgIds::new([answer, unknown]) }.to_bytes());
    let said = server.says();
    assert_eq!(answers(&said), [], "all or none");
    assert_eq!(states(&said), [(id(8), vec![1, 1])]);
}

// spec: session 8.14
#[test]
fn a_service_message_that_asks_for_it_is_acknowledged_as_often_as_it_comes() {
    let mut server = Server::new(SessionConfig::server());
    let ping = Ping { ping_id: 7 }.to_bytes();
    for _ in 0..2 {
        server.take(id(4), 1, &ping);
        server.driven.pass_s(60);
        let now = server.driven.now;
        server.driven.session.handle_timeout(now);
        let acked: Vec<MsgId> = server
            .says()
            .iter()
            .filter_map(|read| match read.message() {
                Message::MsgsAck(acks) => Some(acks.msg_ids.iter().collect::<Vec<_>>()),
                _ => None,
            })
            .flatten()
            .collect();
        assert_eq!(acked, [id(4)]);
    }
}

/// For gateways that keep no sessions.
// spec: session 13
#[test]
fn refusals_are_written_without_a_session_too() {
    let (server, mut puppet) = Driven::ready_server(SessionConfig::server());
    let session_id = SessionId::from_raw(7);
    let header =
        InnerHeader { salt: FIRST_SALT, session_id, msg_id: id(4), seq_no: SeqNo::from_raw(1) };
    let (mut replies, mut entropy) = (StatelessReplies::new(), CtrEntropy::from_number(1));
    let mut write = |refusal: &Refusal| {
        let mut out = vec![9];
        replies.write(server.now, &key(3), FIRST_SALT, refusal, &mut out, &mut entropy).unwrap();
        out
    };
    let packet = puppet.read(&write(&Refusal::BadMsg { header, code: 17 })[1..]);
    assert_eq!((packet.header.session_id, packet.header.salt), (session_id, FIRST_SALT));
    let said = packet.only(|_, message| match message {
        Message::BadMsgNotification(bad) => Some((bad.bad_msg_id, bad.error_code)),
        _ => None,
    });
    assert_eq!(said, (id(4), 17));
    let packet = puppet.read(&write(&Refusal::BadSalt { header, salt: Salt::from_raw(8) })[1..]);
    let said = packet.only(|_, message| match message {
        Message::BadServerSalt(bad) => Some((bad.bad_msg_id, bad.new_server_salt)),
        _ => None,
    });
    assert_eq!(said, (id(4), Salt::from_raw(8)));
    assert_eq!(write(&Refusal::NoSession), [9], "that is the transport's to say");
}
