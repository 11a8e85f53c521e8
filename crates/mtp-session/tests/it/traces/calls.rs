//! Calls: the first of a session, canceled, rate limited.

use super::*;

// spec: session 5.1#6
#[test]
pub(crate) fn fresh_session() {
    let (mut client, mut puppet) = DrivenClient::ready_client(init());
    let request = client.request(&CALL, RequestOptions::new());
    let packet = puppet.read(&client.packet());
    let first = packet.calls()[0].clone();
    assert_eq!(first.seq_no.as_raw(), 1);
    assert_eq!(packet.header.salt, peers::FIRST_SALT);
    let (wrappers, query) = Wrappers::peel(&first.body).unwrap();
    assert!(wrappers.layer.is_some() && wrappers.init.is_some());
    assert_eq!(query, CALL);

    let now = client.now;
    let created = NewSessionCreated {
        first_msg_id: first.msg_id,
        unique_id: 9,
        server_salt: peers::FIRST_SALT,
    }
    .to_bytes();
    let answer = result(first.msg_id, &TRUE);
    let (a, b) = (puppet.label(now, 3, true), puppet.label(now, 1, true));
    let packet = puppet.seal_container(now, &[(a.0, a.1, &created), (b.0, b.1, &answer)]);
    client.take(&packet);
    let events = client.events();
    assert!(events.contains(&Observed::Result(request, TRUE.to_vec())));
    assert!(
        events.contains(&Observed::Client(ClientSessionEvent::SessionCreated { unique_id: 9 }))
    );

    client.silent();
    client.pass_s(30);
    let packet = puppet.read(&client.packet());
    assert!(!packet.is_container && packet.header.seq_no.as_raw() == 2);
    assert_eq!(acked(&packet), [a.0, b.0]);
    client.silent();

    // At a server, both messages are dropped from the store once acknowledged.
    let (mut server, mut puppet) = DrivenServer::ready_server(ServerSessionConfig::default());
    let (_, packet) = puppet.odd_message(server.now, 0, &call(1));
    server.take(&packet);
    let Some(Observed::Call(id, ..)) = server.events().pop() else { panic!() };
    server.session.answer(server.now, id, &TRUE).unwrap();
    let packet = puppet.read(&server.packet());
    assert!(packet.is_container);
    let ids: Vec<MsgId> = packet.messages.iter().map(|read| read.msg_id).collect();
    let kinds: Vec<u64> = ids.iter().map(|id| id.as_raw() % 4).collect();
    assert_eq!(kinds, [3, 1]);
    assert!(packet.messages.iter().all(Read::is_odd));
    assert!(matches!(packet.messages[0].message(), Message::NewSessionCreated(_)));
    let acks = puppet.even_message(server.now, &MsgsAck { msg_ids: MsgIds::new(ids) });
    server.take(&acks);
    assert_eq!(server.events(), [Observed::Server(ServerSessionEvent::AnswerAcked { id })]);
    // Nothing is left to retransmit.
    let later = server.now.after(Duration::from_secs(100));
    server.idle(later);
    server.silent();
}

// spec: session 8.3
#[test]
pub(crate) fn cancel() {
    let dropped = RpcAnswerDroppedRunning {}.to_bytes();
    let unknown = RpcAnswerUnknown {}.to_bytes();
    for crosses in [false, true] {
        let (mut client, mut puppet) = open_client(quiet());
        let request = client.call(1);
        let c1 = puppet.read(&client.packet()).calls()[0].msg_id;
        client.session.cancel(request).unwrap();
        assert_eq!(client.session.cancel(request), Err(RequestError::UnknownCall));
        let packet = puppet.read(&client.packet());
        let d1 = packet.only(|read, message| match message {
            Message::RpcDropAnswer(drop) if drop.req_msg_id == c1 => Some(read.msg_id),
            _ => None,
        });
        let answers = if crosses {
            [result(c1, &TRUE), result(d1, &unknown)]
        } else {
            [result(d1, &dropped), result(c1, &dropped)]
        };
        let ids = answers.map(|answer| {
            let (id, packet) = puppet.odd_message(client.now, 1, &answer);
            client.take(&packet);
            id
        });
        let reached_user = |event: &Observed| {
            !matches!(event, Observed::Client(ClientSessionEvent::Discarded { .. }))
        };
        assert!(!client.events().iter().any(reached_user));
        client.pass_s(31);
        assert_eq!(acked(&puppet.read(&client.packet())), ids);
    }

    // A server answers both the drop request and the call with `rpc_answer_dropped_running`.
    let (mut server, mut puppet) = DrivenServer::ready_server(ServerSessionConfig::default());
    let (c1, packet) = puppet.odd_message(server.now, 0, &call(1));
    server.take(&packet);
    let Some(Observed::Call(id, ..)) = server.events().pop() else { panic!() };
    server.packet();
    let drop_answer = mtp_session::service::RpcDropAnswer { req_msg_id: c1 };
    let label = puppet.label(server.now, 0, false);
    let packet = puppet.seal(label, &drop_answer.to_bytes());
    server.take(&packet);
    assert_eq!(server.events(), [Observed::Server(ServerSessionEvent::CallDropped { id })]);
    let to = |packet: &Packet| {
        packet.only(|read, message| match message {
            Message::RpcResult(result) if read.is_odd() => {
                Some((result.req_msg_id, result.result.as_bytes().to_vec()))
            }
            _ => None,
        })
    };
    assert_eq!(to(&puppet.read(&server.packet())), (label.0, dropped.clone()));
    server.session.answer(server.now, id, &TRUE).unwrap();
    assert_eq!(to(&puppet.read(&server.packet())), (c1, dropped));
}

#[test]
pub(crate) fn flood_wait() {
    let (mut client, mut puppet) = open_client(quiet());
    let request = client.call(1);
    let c1 = puppet.read(&client.packet()).calls()[0].msg_id;
    let error = mtp_session::service::RpcError::new(420, "FLOOD_WAIT_33").to_bytes();
    let (_, packet) = puppet.odd_message(client.now, 1, &result(c1, &error));
    client.take(&packet);
    assert_eq!(client.events(), [Observed::RpcError(request, 420, "FLOOD_WAIT_33".to_owned())]);
    client.pass_s(29);
    client.silent();
    client.pass_s(4);
    let again = client.call(1);
    assert_ne!(again, request);
    assert!(puppet.read(&client.packet()).calls()[0].msg_id > c1);
}
