//! Key binding, key destruction and HTTP long polling.

use super::*;

// spec: crypto 11
#[test]
pub(crate) fn temporary_key_binding() {
    let (temp, perm) = (key(3), key(7));
    let mut client = DrivenClient::client(init());
    let mut puppet = Puppet::new(&temp, Side::Server, client.session.session_id());
    let kind = KeyKind::Temporary { expires_at: start().unix, media: false };
    client.session.set_key(client.now, &established(&temp, kind));
    client.session.link_up(client.now, LINK, LinkKind::Stream);
    let waiting = client.call(1);
    client.silent();
    let config = client.request(&CALL, RequestOptions::new().bare());
    let inputs = BindInputs { perm_key: perm.clone(), expires_at: 1_700_086_400 };
    let bind = client.session.bind(client.now, inputs).unwrap();

    let check = |packet: &Packet| {
        let read = packet.calls().into_iter().find(|read| read.body.len() > 100).unwrap().clone();
        let fields = &read.body[4..24];
        let number = |at: usize| u64::from_le_bytes(fields[at..at + 8].try_into().unwrap());
        let binding = mtp_crypto::bind::Binding {
            perm_auth_key_id: mtp_crypto::AuthKeyId::from_raw(number(0)),
            nonce: number(8),
            expires_at: 1_700_086_400,
            temp_auth_key_id: temp.id(),
            temp_session_id: packet.header.session_id,
        };
        assert_eq!((binding.perm_auth_key_id, read.body.len()), (perm.id(), 132));
        mtp_crypto::bind::open_bind(&perm, read.msg_id, &binding, &read.body[25..][..104]).unwrap();
        (read.msg_id, read.body)
    };
    let packet = puppet.read(&client.packet());
    let (b1, body1) = check(&packet);
    let bodies: Vec<&[u8]> = packet.calls().iter().map(|read| &read.body[..]).collect();
    assert!(
        bodies.contains(&&CALL[..]) && bodies.len() == 2,
        "nothing else is sent before the binding: {bodies:?}"
    );

    let salt = Salt::from_raw(0x4e);
    let refusal = puppet.even_message(client.now, &bad_salt(b1, salt));
    client.take(&refusal);
    let packet = puppet.read(&client.packet());
    let (b2, body2) = check(&packet);
    assert!(b2 > b1 && body2 != body1 && packet.header.salt == salt);

    let (_, answer) = puppet.odd_message(client.now, 1, &result(b2, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Observed::Result(bind, TRUE.to_vec())));
    let packet = puppet.read(&client.packet());
    let next = packet.calls()[0].clone();
    let (wrappers, query) = Wrappers::peel(&next.body).unwrap();
    assert!(wrappers.init.is_some() && query == call(1));
    let (_, answer) = puppet.odd_message(client.now, 1, &result(next.msg_id, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Observed::Result(waiting, TRUE.to_vec())));
    client.session.cancel(config).unwrap();
}

#[test]
pub(crate) fn http_long_poll() {
    let wait = HttpWait { max_delay: 100, wait_after: 30, max_wait: 25_000 };
    let poll = LinkId::new(2);
    let mut config = quiet();
    config.http_poll = wait;
    let (mut client, _) = DrivenClient::ready_client(config);
    client.session.link_down(client.now, LINK);
    client.session.link_up(client.now, poll, LinkKind::HttpPoll);
    let (mut server, _) = DrivenServer::ready_server(ServerSessionConfig::default());
    let mut entropy = mtp_crypto::CtrEntropy::from_number(5);
    let mut as_server = Puppet::new(&key(3), Side::Server, client.session.session_id());
    let mut as_client = Puppet::new(&key(3), Side::Client, server.session.session_id());
    server.session.link_down(server.now, LINK);
    server.session.link_up(server.now, poll, LinkKind::Http);

    for round in 0..2 {
        let packets = client.transmit(poll).unwrap();
        assert_eq!(packets.len(), 1, "one request at a time");
        let packet = as_server.read(&packets[0]);
        assert_eq!(packet.messages.len(), 1, "no acknowledgment of an empty container");
        assert_eq!(packet.messages[0].message(), Message::HttpWait(wait));
        assert!(!packet.messages[0].is_odd());
        // A server holds its response to the same request for 25 seconds.
        let request = as_client.even_message(server.now, &wait);
        server.session.handle_packet(server.now, poll, &mut request.clone()).unwrap();
        if round == 0 {
            // `new_session_created` is pending, so the first response is immediate.
            server.pass(Duration::from_millis(30));
            let answer = as_client.read(&server.transmit(poll).unwrap()[0]);
            let created = answer.messages[0].clone();
            assert!(matches!(created.message(), Message::NewSessionCreated(_)));
            let acks = MsgsAck { msg_ids: MsgIds::new([created.msg_id]) }.to_bytes();
            let (a, b) =
                (as_client.label(server.now, 0, false), as_client.label(server.now, 0, false));
            let messages = [(a.0, a.1, &acks[..]), (b.0, b.1, &wait.to_bytes()[..])];
            let packet = as_client.seal_container(server.now, &messages);
            server.session.handle_packet(server.now, poll, &mut packet.clone()).unwrap();
        }
        server.pass(Duration::from_millis(24_999));
        assert_eq!(server.transmit(poll), Ok(Vec::new()));
        server.pass(Duration::from_millis(1));
        let answer = as_client.read(&server.transmit(poll).unwrap()[0]);
        assert!(answer.is_container && answer.messages.is_empty());
        // The client polls again after an empty response.
        client.pass_s(25);
        assert_eq!(client.transmit(poll), Ok(Vec::new()));
        let empty = as_server.seal_container(client.now, &[]);
        client.session.handle_packet(client.now, poll, &mut empty.clone()).unwrap();
        assert_eq!(client.events(), []);
    }
    let mut out = Vec::new();
    assert!(client.session.poll_transmit(client.now, poll, &mut out, &mut entropy).is_some());
}

#[test]
pub(crate) fn destroy_key() {
    let (mut client, mut puppet) = open_client(quiet());
    let open = client.call(1);
    client.session.destroy_key();
    let packet = puppet.read(&client.packet());
    packet.only(|_, message| matches!(message, Message::DestroyAuthKey(_)).then_some(()));
    let answer = puppet.even_message(client.now, &DestroyAuthKeyOk {});
    client.take(&answer);
    let gone = Observed::Client(ClientSessionEvent::KeyDestroyed(KeyOutcome::Destroyed));
    let events = client.events();
    assert_eq!(events, [gone.clone(), failed(open, CallError::Closed)]);
    client.session.handle_transport_error(LINK, -404);
    assert!(!client.events().contains(&gone), "reported once");
    client.session.link_up(client.now, LinkId::new(9), LinkKind::Stream);
    assert_eq!(client.transmit(LinkId::new(9)), Ok(Vec::new()));
    assert_eq!(
        client.session.request(client.now, &CALL, RequestOptions::new()),
        Err(RequestError::Closed)
    );

    // A transport error instead of the answer has the same meaning.
    let (mut client, _) = open_client(quiet());
    client.session.destroy_key();
    client.packet();
    client.session.handle_transport_error(LINK, -404);
    assert_eq!(client.events(), [gone]);
    assert!(client.session.is_closed());
}
