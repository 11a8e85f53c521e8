//! A server's handling of invalid messages and of rare valid ones.
//!
//! Goal: every `bad_msg_notification` code is sent for its own fault, and a rejected message runs nothing. Method: a
//! puppet client chooses ids, sequence numbers and bodies; the server's packets are checked.

use mtp_crypto::{CtrEntropy, InnerHeader, MsgId, Salt, SeqNo, SessionId};
use mtp_session::server::ServerSessionConfig;
use mtp_session::server::{Refusal, StatelessReplies};
use mtp_session::service::{Message, MsgIds, MsgResendReq, MsgsAck, MsgsStateReq, Ping, RpcError};
use mtp_session::session::Discard;
use mtp_tl::Encode;

use crate::peers::{
    DrivenServer, FIRST_SALT, LINK, Observed, Packet, Puppet, Read, START, call, copy, discarded,
    gzip, key, update,
};

struct Server {
    driven: DrivenServer,
    puppet: Puppet,
}

impl Server {
    fn new(config: ServerSessionConfig) -> Self {
        let (driven, puppet) = DrivenServer::ready_server(config);
        Self { driven, puppet }
    }

    /// Delivers a message and returns the resulting events.
    fn take(&mut self, id: MsgId, seq_no: i32, body: &[u8]) -> Vec<Observed> {
        let packet = self.puppet.seal((id, SeqNo::from_raw(seq_no)), body);
        self.driven.take(&packet);
        self.driven.events()
    }

    /// Returns all messages that the server sends.
    fn messages(&mut self) -> Vec<Read> {
        let packets = self.driven.transmit(LINK).expect("the link stays open");
        let read = |packet: &Vec<u8>| -> Packet { self.puppet.read(packet) };
        packets.iter().map(read).flat_map(|packet| packet.messages).collect()
    }

    /// Returns the rejected message ids with their codes.
    fn rejections(&mut self) -> Vec<(MsgId, i32)> {
        let refusal = |read: &Read| match read.message() {
            Message::BadMsgNotification(bad) => Some((bad.bad_msg_id, bad.error_code)),
            _ => None,
        };
        self.messages().iter().filter_map(refusal).collect()
    }
}

/// Returns the `number`th client message id.
fn id(number: u64) -> MsgId {
    MsgId::from_raw((START << 32) + number * 4)
}

/// Returns the calls with their message ids.
fn queries(events: &[Observed]) -> Vec<(MsgId, Vec<u8>)> {
    let call = |event: &Observed| match event {
        Observed::Call(id, _, query) => Some((id.msg_id(), query.clone())),
        _ => None,
    };
    events.iter().filter_map(call).collect()
}

// spec: session 4
// spec: session 5.2#8
#[test]
fn seq_no_out_of_order_or_of_wrong_parity_is_rejected() {
    let ack = MsgsAck { msg_ids: MsgIds::new([id(1)]) }.to_bytes();
    let cases = [
        ("an older message has a larger seq_no", 30, 9, call(2), 32),
        ("an older message has this seq_no", 30, 11, call(2), 32),
        ("a newer message has a smaller seq_no", 10, 13, call(2), 33),
        ("an acknowledgment with an odd seq_no", 30, 13, ack, 34),
        ("a call with an even seq_no", 30, 12, call(2), 35),
    ];
    for (what, number, seq_no, body, code) in cases {
        let mut server = Server::new(ServerSessionConfig::default());
        assert_eq!(queries(&server.take(id(20), 11, &call(1))).len(), 1);
        server.messages();
        assert_eq!(server.take(id(number), seq_no, &body), [], "{what}: nothing runs");
        assert_eq!(server.rejections(), [(id(number), code)], "{what}");
        // It counts as received, so its repetition is a duplicate.
        let again = server.take(id(number), seq_no, &body);
        assert_eq!((queries(&again).len(), discarded(&again)), (0, vec![Discard::Duplicate]));
    }
}

// spec: session 5.2#6
// spec: session 5.2#7
#[test]
fn malformed_container_is_rejected_as_a_whole() {
    let inner = call(1);
    let sound = Puppet::container(&[(id(5), SeqNo::from_raw(1), &inner)]);
    let mut cut = sound.clone();
    cut.truncate(sound.len() - 4);
    for (what, seq_no, body, code) in
        [("has an odd seq_no", 3, &sound, 34), ("is truncated", 2, &cut, 64)]
    {
        let mut server = Server::new(ServerSessionConfig::default());
        assert_eq!(server.take(id(9), seq_no, body), [], "{what}");
        assert_eq!(server.rejections(), [(id(9), code)], "{what}");
    }
    let mut server = Server::new(ServerSessionConfig::default());
    assert_eq!(queries(&server.take(id(9), 2, &sound)).len(), 1);
    assert_eq!(server.rejections(), []);
    assert_eq!(server.take(id(9), 2, &sound), []);
    assert_eq!(server.rejections(), [(id(9), 19)]);
}

// spec: session 5.2#8
#[test]
fn container_member_with_a_server_msg_id_is_rejected() {
    let mut server = Server::new(ServerSessionConfig::default());
    let (bad, good) = (MsgId::from_raw(id(4).as_raw() | 1), id(5));
    let (one, other) = (call(1), call(2));
    let body =
        Puppet::container(&[(bad, SeqNo::from_raw(1), &one), (good, SeqNo::from_raw(3), &other)]);
    assert_eq!(queries(&server.take(id(9), 4, &body)), [(good, other)]);
    assert_eq!(server.rejections(), [(bad, 18)]);
}

// spec: session 3.5
// spec: session 5.3
#[test]
fn msg_id_below_all_remembered_ones_is_too_old() {
    let mut config = ServerSessionConfig::default();
    config.duplicates_max = 4;
    let mut server = Server::new(config);
    let ping = Ping { ping_id: 7 }.to_bytes();
    for number in 10..14 {
        server.take(id(number), 0, &ping);
    }
    server.messages();
    assert_eq!(server.take(id(9), 1, &call(1)), []);
    assert_eq!(server.rejections(), [(id(9), 20)]);
    let inner = call(1);
    let container = Puppet::container(&[(id(3), SeqNo::from_raw(1), &inner)]);
    assert_eq!(server.take(id(8), 2, &container), []);
    assert_eq!(server.rejections(), [(id(8), 20)]);
    // A remembered id is a duplicate, however low it is.
    assert_eq!(discarded(&server.take(id(10), 0, &ping)), [Discard::Duplicate]);
}

// spec: session 5.2#10, 8.13
#[test]
fn gzipped_container_is_accepted() {
    let mut server = Server::new(ServerSessionConfig::default());
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
fn msg_copy_is_handled_as_its_inner_message() {
    let mut server = Server::new(ServerSessionConfig::default());
    let events = server.take(id(9), 2, &copy((id(4), SeqNo::from_raw(1)), &call(1)));
    assert_eq!(queries(&events), [(id(4), call(1))]);
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
        let events = server.take(id(number), 2, &body);
        assert_eq!((queries(&events).len(), discarded(&events)), (0, vec![Discard::Malformed]));
    }
}

// spec: session 8.12
// spec: session 8.13
#[test]
fn msg_copy_inside_a_gzipped_msg_copy_is_rejected() {
    let within = gzip(&copy((id(3), SeqNo::from_raw(1)), &call(1)));
    let mut server = Server::new(ServerSessionConfig::default());
    let events = server.take(id(9), 4, &copy((id(4), SeqNo::from_raw(3)), &within));
    assert_eq!((queries(&events), discarded(&events)), (vec![], vec![Discard::Malformed]));
    // Two copies side by side are accepted.
    let (one, other) = (
        copy((id(10), SeqNo::from_raw(5)), &call(1)),
        copy((id(11), SeqNo::from_raw(7)), &call(2)),
    );
    let body = Puppet::container(&[
        (id(12), SeqNo::from_raw(8), &one),
        (id(13), SeqNo::from_raw(8), &other),
    ]);
    let events = server.take(id(14), 8, &body);
    assert_eq!(queries(&events), [(id(10), call(1)), (id(11), call(2))]);
}

// spec: session 10
#[test]
fn call_that_cannot_be_unpacked_gets_an_rpc_error() {
    let mut broken = gzip(&call(1));
    let at = broken.len() / 2;
    broken[at] ^= 0x55;
    // `invokeWithoutUpdates` around nothing and around a body that does not unpack.
    let wrapper = 0xbf94_59b7_u32.to_le_bytes().to_vec();
    for body in [broken.clone(), wrapper.clone(), [wrapper, broken].concat()] {
        let mut server = Server::new(ServerSessionConfig::default());
        assert_eq!(queries(&server.take(id(4), 1, &body)), []);
        let errors: Vec<_> = server
            .messages()
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
fn state_and_resend_requests_are_answered() {
    let mut server = Server::new(ServerSessionConfig::default());
    let events = server.take(id(4), 1, &call(1));
    let Some(Observed::Call(incoming, ..)) = events.last() else { panic!("no call: {events:?}") };
    let pending = server.messages();
    assert!(!pending.iter().any(|read| matches!(read.message(), Message::RpcResult(_))));
    let now = server.driven.now;
    server.driven.session.answer(now, *incoming, &update(5)).unwrap();
    let messages = server.messages();
    let answers = |messages: &[Read]| -> Vec<(MsgId, Vec<u8>)> {
        let is = |read: &&Read| matches!(read.message(), Message::RpcResult(_));
        messages.iter().filter(is).map(|read| (read.msg_id, read.body.clone())).collect()
    };
    let (answer, body) = answers(&messages).remove(0);

    let states = |messages: &[Read]| -> Vec<(MsgId, Vec<u8>)> {
        let info = |read: &Read| match read.message() {
            Message::MsgsStateInfo(info) => Some((info.req_msg_id, info.info.to_vec())),
            _ => None,
        };
        messages.iter().filter_map(info).collect()
    };
    // The call, an id never received, an id above all received ones, and one of the server's own.
    let ids = [id(4), id(2), id(40), answer];
    server.take(id(6), 2, &MsgsStateReq { msg_ids: MsgIds::new(ids) }.to_bytes());
    let found = states(&server.messages());
    assert_eq!(found.len(), 1);
    let (asked_by, info) = &found[0];
    assert_eq!((*asked_by, info.len()), (id(6), 4));
    assert_eq!((info[0] & 7, info[1], info[2] & 7, info[3]), (4, 1, 3, 1), "{info:?}");

    server.take(id(7), 2, &MsgResendReq { msg_ids: MsgIds::new([answer]) }.to_bytes());
    let again = server.messages();
    assert_eq!(answers(&again), [(answer, body)]);
    let unknown = MsgId::from_raw(answer.as_raw() + 400);
    server.take(id(8), 2, &MsgResendReq { msg_ids: MsgIds::new([answer, unknown]) }.to_bytes());
    let messages = server.messages();
    assert_eq!(answers(&messages), [], "all are resent or none");
    assert_eq!(states(&messages), [(id(8), vec![1, 1])]);
}

// spec: session 8.14
#[test]
fn duplicate_content_related_ping_is_acknowledged_again() {
    let mut server = Server::new(ServerSessionConfig::default());
    let ping = Ping { ping_id: 7 }.to_bytes();
    for _ in 0..2 {
        server.take(id(4), 1, &ping);
        server.driven.pass_s(60);
        let now = server.driven.now;
        server.driven.session.handle_timeout(now);
        let acked: Vec<MsgId> = server
            .messages()
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

// spec: session 13
#[test]
fn rejections_are_written_without_a_session() {
    let (server, mut puppet) = DrivenServer::ready_server(ServerSessionConfig::default());
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
    let rejected = packet.only(|_, message| match message {
        Message::BadMsgNotification(bad) => Some((bad.bad_msg_id, bad.error_code)),
        _ => None,
    });
    assert_eq!(rejected, (id(4), 17));
    let packet = puppet.read(&write(&Refusal::BadSalt { header, salt: Salt::from_raw(8) })[1..]);
    let rejected = packet.only(|_, message| match message {
        Message::BadServerSalt(bad) => Some((bad.bad_msg_id, bad.new_server_salt)),
        _ => None,
    });
    assert_eq!(rejected, (id(4), Salt::from_raw(8)));
    assert_eq!(write(&Refusal::NoSession), [9], "the transport reports it");
}
