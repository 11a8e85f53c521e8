//! Lost, forgotten, late and duplicate messages.

use super::*;

// spec: session 20#12
#[test]
pub(crate) fn connection_lost() {
    let (mut client, mut puppet) = open_client(quiet());
    let (one, two) = (client.call(1), client.call(2));
    let packet = puppet.read(&client.packet());
    let (c1, c2) = (packet.calls()[0].msg_id, packet.calls()[1].msg_id);
    let session = packet.header.session_id;
    let acks = puppet.even_message(client.now, &MsgsAck { msg_ids: MsgIds::new([c1]) });
    client.take(&acks);
    let (update_id, packet) = puppet.odd_message(client.now, 3, &update(1));
    client.take(&packet);
    assert!(
        client.events().contains(&Observed::Client(ClientSessionEvent::Delivered { request: one }))
    );
    client.session.link_down(client.now, LINK);
    client.pass_s(3);
    client.session.link_up(client.now, LINK, LinkKind::Stream);

    let packet = puppet.read(&client.packet());
    assert_eq!(packet.header.session_id, session);
    assert_eq!(acked(&packet), [update_id]);
    let question = packet.only(|read, message| match message {
        Message::MsgsStateReq(request) => {
            assert_eq!(request.msg_ids.iter().collect::<Vec<_>>(), [c2]);
            Some(read.msg_id)
        }
        _ => None,
    });
    assert!(packet.calls().is_empty());

    let info = MsgsStateInfo { req_msg_id: question, info: &[2] };
    let info = puppet.even_message(client.now, &info);
    client.take(&info);
    let packet = puppet.read(&client.packet());
    let again = packet.calls()[0].clone();
    assert_eq!(again.body, call(2));
    assert!(again.msg_id > c2);
    let (_, answer) = puppet.odd_message(client.now, 1, &result(again.msg_id, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Observed::Result(two, TRUE.to_vec())));

    let label = puppet.label(client.now, 1, true);
    let answer = result(c1, &TRUE);
    for copy in 0..2 {
        let packet = puppet.seal_container(client.now, &[(label.0, label.1, &answer)]);
        client.take(&packet);
        let delivered = client.events().contains(&Observed::Result(one, TRUE.to_vec()));
        assert_eq!(delivered, copy == 0);
        client.pass_s(31);
        let packet = puppet.read(&client.packet());
        assert!(acked(&packet).contains(&label.0), "every copy is acknowledged");
    }
}

// spec: session 8.17, 8.18, 11.5, 5.2#6
#[test]
pub(crate) fn large_answer_lost() {
    // The server announces the stored long answer when the call is repeated.
    let (mut server, mut puppet) = DrivenServer::ready_server(ServerSessionConfig::default());
    let now = server.now;
    let c1 = puppet.label(now, 0, true);
    let packet = puppet.seal(c1, &call(1));
    server.take(&packet);
    let Some(Observed::Call(id, ..)) = server.events().pop() else { panic!() };
    let answer: Vec<u8> =
        (0..1 << 16).map(|n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    server.session.answer(now, id, &answer).unwrap();
    // `new_session_created` first, then the long message alone.
    let packets = server.transmit(LINK).unwrap();
    assert_eq!(packets.len(), 2);
    let packet = puppet.read(&packets[1]);
    let r1 = packet.messages.last().unwrap().clone();
    let packet = puppet.seal_container(now, &[(c1.0, c1.1, &call(1))]);
    server.take(&packet);
    let packet = puppet.read(&server.packet());
    let info = packet.only(|read, message| match message {
        Message::MsgDetailedInfo(info) => Some((read.clone(), info)),
        _ => None,
    });
    assert_eq!((info.1.msg_id, info.1.answer_msg_id, info.1.status), (c1.0, r1.msg_id, 0));
    assert_eq!(info.1.bytes as usize, r1.body.len());
    assert!(!server.events().iter().any(|event| matches!(event, Observed::Call(..))));
    let fetch = mtp_session::service::MsgResendReq { msg_ids: MsgIds::new([r1.msg_id]) };
    let fetch = puppet.even_message(now, &fetch);
    server.take(&fetch);
    let packet = puppet.read(&server.packet());
    let again =
        packet.only(|read, message| matches!(message, Message::RpcResult(_)).then(|| read.clone()));
    assert_eq!((again.msg_id, again.seq_no, again.body), (r1.msg_id, r1.seq_no, r1.body));

    // The client requests the announced answer and acknowledges it only once received.
    let (mut client, mut puppet) = open_client(quiet());
    let request = client.call(1);
    let packet = puppet.read(&client.packet());
    let c1 = packet.calls()[0].msg_id;
    let r1 = puppet.label(client.now, 1, true);
    let info = MsgDetailedInfo { msg_id: c1, answer_msg_id: r1.0, bytes: 1 << 16, status: 0 };
    let info = puppet.even_message(client.now, &info);
    client.take(&info);
    assert!(client.events().contains(&Observed::Client(ClientSessionEvent::Delivered { request })));
    let packet = puppet.read(&client.packet());
    assert!(acked(&packet).is_empty());
    packet.only(|_, message| match message {
        Message::MsgResendReq(asked) => {
            assert_eq!(asked.msg_ids.iter().collect::<Vec<_>>(), [r1.0]);
            Some(())
        }
        _ => None,
    });
    client.pass_s(31);
    client.silent();
    let packet = puppet.seal(r1, &result(c1, &TRUE));
    client.take(&packet);
    assert!(client.events().contains(&Observed::Result(request, TRUE.to_vec())));
    client.pass_s(31);
    let packet = puppet.read(&client.packet());
    assert_eq!(acked(&packet), [r1.0]);
}

// spec: session 11.6
#[test]
pub(crate) fn server_forgot() {
    let (mut client, mut puppet) = open_client(quiet());
    let before = client.call(6);
    let packet = puppet.read(&client.packet());
    let c6 = packet.calls()[0].msg_id;
    client.pass_s(1);
    let request = client.call(7);
    let packet = puppet.read(&client.packet());
    let c7 = packet.calls()[0].msg_id;
    let created =
        NewSessionCreated { first_msg_id: c7, unique_id: 0x22, server_salt: Salt::from_raw(0x77) };
    let label = puppet.label(client.now, 3, true);
    let packet = puppet.seal(label, &created.to_bytes());
    client.take(&packet);
    let events = client.events();
    assert!(
        events.contains(&Observed::Client(ClientSessionEvent::SessionCreated { unique_id: 0x22 }))
    );
    assert_eq!(client.session.salt(), Salt::from_raw(0x77));
    let again = puppet.read(&client.packet());
    assert_eq!(again.calls().len(), 1, "later calls are not resent");
    assert_eq!(again.calls()[0].body, call(6));
    assert!(again.calls()[0].msg_id > c6);

    client.take(&packet);
    let events = client.events();
    assert!(matches!(
        events[..],
        [Observed::Client(ClientSessionEvent::Discarded { reason: Discard::Duplicate, .. })]
    ));
    client.silent();
    client.pass_s(31);
    assert_eq!(acked(&puppet.read(&client.transmit(LINK).unwrap()[0])), [label.0]);
    for (request, msg_id) in [(before, again.calls()[0].msg_id), (request, c7)] {
        let (_, answer) = puppet.odd_message(client.now, 1, &result(msg_id, &TRUE));
        client.take(&answer);
        assert!(client.events().contains(&Observed::Result(request, TRUE.to_vec())));
    }
}

// spec: session 5.2#9, 8.10
#[test]
pub(crate) fn late_smaller_id() {
    let (mut server, mut puppet) = DrivenServer::ready_server(ServerSessionConfig::default());
    let now = server.now;
    let c8 = puppet.label(now, 0, true);
    let c9 = puppet.label(now, 0, true);
    let created = |packet: &Packet| {
        packet.only(|_, message| match message {
            Message::NewSessionCreated(created) => Some((created.first_msg_id, created.unique_id)),
            _ => None,
        })
    };
    let packet = puppet.seal(c9, &call(9));
    server.take(&packet);
    let first = created(&puppet.read(&server.packet()));
    let packet = puppet.seal(c8, &call(8));
    server.take(&packet);
    let second = created(&puppet.read(&server.packet()));
    assert_eq!((first.0, second.0, first.1), (c9.0, c8.0, second.1));
    assert_eq!(server.events().len(), 2, "both calls run");

    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    client.call(8);
    let c8 = puppet.read(&client.packet()).header.msg_id;
    client.call(9);
    let c9 = puppet.read(&client.packet()).header.msg_id;
    for (first_msg_id, calls) in [(c9, 1), (c8, 0)] {
        let created =
            NewSessionCreated { first_msg_id, unique_id: 5, server_salt: peers::FIRST_SALT };
        let (_, packet) = puppet.odd_message(client.now, 3, &created.to_bytes());
        client.take(&packet);
        let delivered = client.events().len();
        let sent = client.transmit(LINK).unwrap();
        // C8 is below C9 and may have been lost, so it is resent. The second message changes nothing.
        assert_eq!((delivered, sent.len()), (calls, calls));
    }
}

// spec: session 5.1#4
#[test]
pub(crate) fn duplicate_packet() {
    let (mut client, mut puppet) = open_client(quiet());
    let request = client.call(1);
    let c1 = puppet.read(&client.packet()).calls()[0].msg_id;
    let (r1, packet) = puppet.odd_message(client.now, 1, &result(c1, &TRUE));
    client.take(&packet);
    assert_eq!(client.events(), [Observed::Result(request, TRUE.to_vec())]);
    client.pass_s(31);
    assert_eq!(acked(&puppet.read(&client.packet())), [r1]);
    client.take(&packet);
    let events = client.events();
    let duplicate = ClientSessionEvent::Discarded { msg_id: r1, reason: Discard::Duplicate };
    assert_eq!(events, [Observed::Client(duplicate)]);
    client.pass_s(31);
    assert_eq!(acked(&puppet.read(&client.packet())), [r1]);
}
