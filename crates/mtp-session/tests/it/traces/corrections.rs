//! Corrections of salt, clock and sequence number.

use super::*;

#[test]
pub(crate) fn wrong_salt() {
    let mut config = quiet();
    config.future_salts = true;
    let (mut client, mut puppet) = DrivenClient::ready_client(config);
    let request = client.call(1);
    let packet = puppet.read(&client.packet());
    let first = packet.calls()[0].clone();
    let asked = |packet: &Packet| {
        packet.all(|_, message| matches!(message, Message::GetFutureSalts(_)).then_some(())).len()
    };
    assert_eq!(asked(&packet), 1);

    let salt = Salt::from_raw(0x4e);
    client.pass(Duration::from_millis(50));
    let refusal = puppet.even_message(client.now, &bad_salt(packet.header.msg_id, salt));
    client.take(&refusal);
    let packet = puppet.read(&client.packet());
    let second = packet.calls()[0].clone();
    assert_eq!(packet.header.salt, salt);
    assert_eq!(second.body, first.body);
    assert!(second.msg_id > first.msg_id && second.seq_no.as_raw() == 3);
    // The rejected salt request is repeated, and then not again for a minute.
    assert_eq!(asked(&packet), 1);
    let (_, answer) = puppet.odd_message(client.now, 1, &result(second.msg_id, &TRUE));
    client.take(&answer);
    let results: Vec<_> =
        client.events().into_iter().filter(|event| matches!(event, Observed::Result(..))).collect();
    assert_eq!(results, [Observed::Result(request, TRUE.to_vec())]);
    for (wait, expected) in [(58, 0), (2, 1), (59, 0)] {
        client.pass_s(wait);
        client.call(2);
        assert_eq!(asked(&puppet.read(&client.packet())), expected, "after {wait} s");
    }

    // A server stores nothing of a packet with a wrong salt.
    let (mut server, mut puppet) = DrivenServer::ready_server(ServerSessionConfig::default());
    puppet.salt = Salt::from_raw(0xbad);
    let (bad_id, packet) = puppet.odd_message(server.now, 0, &call(1));
    server.take(&packet);
    assert_eq!(server.events(), []);
    let packet = puppet.read(&server.packet());
    let salt = packet.only(|_, message| match message {
        Message::BadServerSalt(bad) => {
            assert_eq!((bad.bad_msg_id, bad.error_code), (bad_id, 48));
            Some(bad.new_server_salt)
        }
        _ => None,
    });
    assert_eq!((salt, packet.messages[0].is_odd()), (peers::FIRST_SALT, false));
}

#[test]
pub(crate) fn wrong_salt_for_a_container() {
    let mut config = quiet();
    config.ping = true;
    let (mut client, mut puppet) = DrivenClient::ready_client(config);
    let earlier = client.call(0);
    let packet = puppet.read(&client.packet());
    let earlier_id = packet.calls()[0].msg_id;
    let (update_id, packet) = puppet.odd_message(client.now, 3, &update(1));
    client.take(&packet);
    client.pass_s(2);
    client.call(1);
    let packet = puppet.read(&client.packet());
    let ping = |packet: &Packet| {
        packet.only(|read, message| match message {
            Message::PingDelayDisconnect(_) => Some(read.msg_id),
            _ => None,
        })
    };
    let (first_ping, container) = (ping(&packet), packet.header.msg_id);
    assert_eq!(acked(&packet), [update_id]);
    assert_eq!(packet.calls()[0].body, call(1));

    let salt = Salt::from_raw(0x4e);
    let refusal = puppet.even_message(client.now, &bad_salt(container, salt));
    client.take(&refusal);
    let packet = puppet.read(&client.packet());
    assert_eq!(packet.header.salt, salt);
    assert_eq!(acked(&packet), [update_id]);
    assert!(ping(&packet) > first_ping);
    let calls: Vec<&[u8]> = packet.calls().iter().map(|read| &read.body[..]).collect();
    assert_eq!(calls, [&call(1)[..]], "the earlier call is untouched");
    let (_, answer) = puppet.odd_message(client.now, 1, &result(earlier_id, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Observed::Result(earlier, TRUE.to_vec())));
}

// spec: session 20#8
#[test]
pub(crate) fn wrong_salt_for_an_unknown_id() {
    let (mut client, mut puppet) = open_client(quiet());
    let never = MsgId::from_raw(start().unix.as_secs() << 32 | 0x1234_5678);
    let refusal = puppet.even_message(client.now, &bad_salt(never, Salt::from_raw(0x666)));
    client.take(&refusal);
    assert!(matches!(
        client.events()[..],
        [Observed::Client(ClientSessionEvent::Discarded { reason: Discard::NotOurs, .. })]
    ));
    assert_eq!(client.session.salt(), peers::FIRST_SALT);
    client.silent();
}

// spec: session 20#11
#[test]
pub(crate) fn clock_far_ahead() {
    let hour = Duration::from_secs(3600);
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    let truth = client.now;
    // The client's wall clock is an hour ahead from the start.
    let mut ahead = DrivenClient::client(quiet());
    ahead.now.unix = truth.after(hour).unix;
    ahead.session = ClientSession::new(ahead.now, std::sync::Arc::new(quiet()), &mut ahead.entropy);
    ahead.session.set_key(ahead.now, &established(&puppet.key, KeyKind::Permanent));
    ahead.session.link_up(ahead.now, LINK, LinkKind::Stream);
    core::mem::swap(&mut client, &mut ahead);

    let requests = [client.call(1), client.call(2)];
    let packet = puppet.read(&client.packet());
    let old_session = packet.header.session_id;
    assert!(packet.header.msg_id.unix_secs() >= truth.unix.as_secs() + 3600);
    let refusal = puppet.even_message(truth, &bad_msg(packet.header.msg_id, 17));
    client.take(&refusal);
    let events = client.events();
    assert_eq!(replaced(&events), Some(ResetCause::BadMsg { code: 17 }));
    assert!(events.iter().any(
        |event| matches!(event, Observed::Client(ClientSessionEvent::TimeChanged { offset_ns })
        if (offset_ns + 3_600_000_000_000).abs() <= 1_000_000_000)
    ));

    let packet = puppet.read(&client.packet());
    assert_ne!(packet.header.session_id, old_session);
    let seconds = packet.header.msg_id.unix_secs();
    assert!(seconds.abs_diff(truth.unix.as_secs()) <= 1);
    let calls = packet.calls();
    assert_eq!((calls[0].seq_no.as_raw(), calls[1].seq_no.as_raw()), (1, 3));
    assert_eq!((&calls[0].body, &calls[1].body), (&call(1), &call(2)));
    let destroyed = packet.only(|_, message| match message {
        Message::DestroySession(request) => Some(request.session_id),
        _ => None,
    });
    assert_eq!(destroyed, old_session);
    for (request, read) in requests.into_iter().zip(calls) {
        let (_, answer) = puppet.odd_message(truth, 1, &result(read.msg_id, &TRUE));
        client.take(&answer);
        assert!(client.events().contains(&Observed::Result(request, TRUE.to_vec())));
    }
}

#[test]
pub(crate) fn clock_behind() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    let truth = client.now.after(Duration::from_secs(600));
    let request = client.call(1);
    let packet = puppet.read(&client.packet());
    let (session, first) = (packet.header.session_id, packet.calls()[0].clone());
    let refusal = puppet.even_message(truth, &bad_msg(first.msg_id, 16));
    client.take(&refusal);
    assert_eq!(replaced(&client.events()), None);
    let packet = puppet.read(&client.packet());
    let second = packet.calls()[0].clone();
    assert_eq!(packet.header.session_id, session);
    assert_eq!((second.body, second.seq_no.as_raw()), (first.body, 3));
    assert!(second.msg_id.unix_secs().abs_diff(truth.unix.as_secs()) <= 1);
    let (_, answer) = puppet.odd_message(truth, 1, &result(second.msg_id, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Observed::Result(request, TRUE.to_vec())));
}

#[test]
pub(crate) fn stale_but_resent_properly() {
    let (mut client, _) = DrivenClient::ready_client(quiet());
    let (mut server, _) = DrivenServer::ready_server(ServerSessionConfig::default());
    let mut puppet = Puppet::new(&key(3), Side::Server, client.session.session_id());
    client.call(1);
    client.pass_s(400);
    server.pass_s(400);
    let packet = puppet.read(&client.packet());
    let age = client.now.unix.as_secs() - packet.header.msg_id.unix_secs();
    assert!(age <= 1, "the id is made when the message is written");
    // A server accepts it.
    let mut as_client = Puppet::new(&key(3), Side::Client, server.session.session_id());
    as_client.salt = peers::FIRST_SALT;
    let label = (packet.header.msg_id, packet.header.seq_no);
    let packet = as_client.seal(label, &call(1));
    server.take(&packet);
    assert!(matches!(server.events()[..], [Observed::Call(..)]));
}

#[test]
pub(crate) fn seqno_mismatch() {
    for code in [32, 33] {
        let (mut client, mut puppet) = open_client(quiet());
        client.call(1);
        let other = puppet.read(&client.packet());
        client.call(2);
        let packet = puppet.read(&client.packet());
        let old = packet.header.session_id;
        let refusal = puppet.even_message(client.now, &bad_msg(packet.header.msg_id, code));
        client.take(&refusal);
        assert_eq!(replaced(&client.events()), Some(ResetCause::BadMsg { code }));
        let packet = puppet.read(&client.packet());
        assert_ne!(packet.header.session_id, old);
        let bodies: Vec<&[u8]> = packet.calls().iter().map(|read| &read.body[..]).collect();
        assert_eq!(bodies, [&call(1)[..], &call(2)[..]]);
        assert!(packet.calls().iter().all(|read| read.msg_id > other.header.msg_id));
        packet.only(|_, message| match message {
            Message::DestroySession(request) if request.session_id == old => Some(()),
            _ => None,
        });
    }
}
