//! A client of a server that refuses everything, and what may move its clock.
//!
//! Method: a puppet server refuses each packet at once; time passes from deadline to deadline.

use std::time::Duration;

use mtp_crypto::{MsgId, Salt};
use mtp_env::UnixTime;
use mtp_session::client::{
    BindInputs, CallError, ClientSessionConfig, ClientSessionEvent, RequestError, RequestId,
    RequestOptions,
};
use mtp_session::established::KeyKind;
use mtp_session::service::{DestroyAuthKey, DestroySession, GetFutureSalts, HttpWait, MsgsAck};
use mtp_session::service::{MsgIds, MsgsStateReq, Ping, PingDelayDisconnect};
use mtp_session::session::{Discard, LinkKind};
use mtp_tl::Encode;

use crate::peers::{
    DrivenClient, LINK, Observed, Puppet, TRUE, bad_msg, bad_salt, call, discarded, established,
    key, quiet, result,
};

/// Refuses each packet for some time; returns how many there were, and the events.
fn refuse(
    client: &mut DrivenClient,
    puppet: &mut Puppet,
    code: i32,
    time: Duration,
) -> (usize, Vec<Observed>) {
    let end = client.now.after(time);
    let (mut packets, mut events) = (0, Vec::new());
    let mut salt = 1;
    while client.now.mono < end.mono && packets < 10_000 {
        for packet in client.transmit(LINK).unwrap_or_default() {
            packets += 1;
            let header = puppet.read(&packet).header;
            salt += 1;
            let refusal = if code == 48 {
                let refusal = bad_salt(header.msg_id, Salt::from_raw(salt));
                puppet.even_message(client.now, &refusal)
            } else {
                puppet.even_message(client.now, &bad_msg(header.msg_id, code))
            };
            client.take(&refusal);
        }
        events.extend(client.events());
        client.pass(Duration::from_millis(1));
        client.session.handle_timeout(client.now);
    }
    (packets, events)
}

fn failed(events: &[Observed]) -> Vec<(RequestId, CallError)> {
    let failed = |event: &Observed| match event {
        Observed::Client(ClientSessionEvent::Failed { request, error }) => Some((*request, *error)),
        _ => None,
    };
    events.iter().filter_map(failed).collect()
}

fn is_named(events: &[Observed], code: i32) -> bool {
    events.iter().any(|event| {
        matches!(event, Observed::Client(ClientSessionEvent::RefusedRepeatedly { code: it, .. })
            if *it == code)
    })
}

// spec: session 8.15
#[test]
fn server_that_refuses_everything_is_asked_ever_more_slowly() {
    for code in [48, 16, 17] {
        let (mut client, mut puppet) = DrivenClient::ready_client(ClientSessionConfig::default());
        let request = client.call(1);
        let (packets, events) = refuse(&mut client, &mut puppet, code, Duration::from_secs(14));
        println!("code {code}: {packets} packets in 14 s");
        assert!((2..20).contains(&packets), "{code}: {packets}");
        assert_eq!(failed(&events), [(request, CallError::Refused { code })]);
        let (more, later) = refuse(&mut client, &mut puppet, code, Duration::from_secs(60));
        assert!(more < 10, "{code}: {more}");
        let all = [events, later].concat();
        assert!(is_named(&all, code), "{code}");
    }
}

// spec: session 8.15, 15
#[test]
fn refused_binding_ends_with_a_name() {
    let mut client = DrivenClient::client(ClientSessionConfig::default());
    let (temporary, permanent) = (key(3), key(4));
    let expires_at = UnixTime::from_secs(1_700_086_400);
    let kind = KeyKind::Temporary { expires_at, media: false };
    client.session.set_key(client.now, &established(&temporary, kind));
    client.session.link_up(client.now, LINK, LinkKind::Stream);
    let side = mtp_crypto::Side::Server;
    let mut puppet = Puppet::new(&temporary, side, client.session.session_id());
    let inputs = BindInputs { perm_key: permanent, expires_at: 1_700_086_400 };
    let binding = client.session.bind(client.now, inputs).unwrap();
    let (packets, events) = refuse(&mut client, &mut puppet, 48, Duration::from_secs(14));
    assert!((2..20).contains(&packets), "{packets}");
    assert_eq!(failed(&events), [(binding, CallError::Refused { code: 48 })]);
}

// spec: session 6.1, 7.3
#[test]
fn one_correction_of_each_kind_costs_no_pause_but_the_last() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    client.call(1);
    let first = puppet.read(&client.packet()).header.msg_id;
    let refusal = puppet.even_message(client.now, &bad_salt(first, Salt::from_raw(7)));
    client.take(&refusal);
    let second = puppet.read(&client.packet()).calls()[0].msg_id;
    let refusal = puppet.even_message(client.now, &bad_salt(second, Salt::from_raw(8)));
    client.take(&refusal);
    client.silent();
    client.pass(Duration::from_millis(99));
    client.silent();
    client.pass(Duration::from_millis(1));
    client.session.handle_timeout(client.now);
    let third = puppet.read(&client.packet()).calls()[0].msg_id;
    let (_, answer) = puppet.odd_message(client.now, 1, &result(third, &TRUE));
    client.take(&answer);
    // An answer ends the row.
    client.call(2);
    let fourth = puppet.read(&client.packet()).calls()[0].msg_id;
    let refusal = puppet.even_message(client.now, &bad_salt(fourth, Salt::from_raw(9)));
    client.take(&refusal);
    assert_eq!(puppet.read(&client.packet()).calls().len(), 1);
}

// spec: session 6.1
#[test]
fn packets_sent_together_count_as_one_refusal() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    let mut ids = Vec::new();
    for number in 0..5 {
        client.call(number);
        ids.push(puppet.read(&client.packet()).header.msg_id);
    }
    for id in ids {
        let refusal = puppet.even_message(client.now, &bad_salt(id, Salt::from_raw(7)));
        client.take(&refusal);
    }
    let packets = client.transmit(LINK).unwrap();
    assert!(!packets.is_empty(), "no pause");
}

// spec: session 7
#[test]
fn discarded_answer_does_not_move_the_clock() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    let request = client.call(1);
    let sent = puppet.read(&client.packet()).calls()[0].msg_id;
    let (_, answer) = puppet.odd_message(client.now, 1, &result(sent, &TRUE));
    client.take(&answer);
    assert!(client.events().contains(&Observed::Result(request, TRUE.to_vec())));
    let offset = client.session.time_offset_ns(client.now);
    for unknown in [sent, MsgId::from_raw(sent.as_raw() + 400)] {
        let ahead = client.now.after(Duration::from_secs(600));
        let (_, answer) = puppet.odd_message(ahead, 1, &result(unknown, &TRUE));
        client.take(&answer);
        let events = client.events();
        assert_eq!(discarded(&events).len(), 1, "{events:?}");
        assert_ne!(discarded(&events), [Discard::Duplicate]);
        assert_eq!(client.session.time_offset_ns(client.now), offset);
    }
}

// spec: session 8
#[test]
fn message_of_the_protocol_is_no_call() {
    let (mut client, _) = DrivenClient::ready_client(quiet());
    let session_id = client.session.session_id();
    let ids = || MsgIds::new([MsgId::from_raw(4)]);
    let bodies = [
        Ping { ping_id: 1 }.to_bytes(),
        PingDelayDisconnect { ping_id: 1, disconnect_delay: 75 }.to_bytes(),
        GetFutureSalts { num: 1 }.to_bytes(),
        DestroySession { session_id }.to_bytes(),
        DestroyAuthKey {}.to_bytes(),
        MsgsAck { msg_ids: ids() }.to_bytes(),
        MsgsStateReq { msg_ids: ids() }.to_bytes(),
        HttpWait { max_delay: 0, wait_after: 0, max_wait: 0 }.to_bytes(),
        Puppet::container(&[]),
    ];
    for body in bodies {
        let refused = client.session.request(client.now, &body, RequestOptions::new());
        assert!(matches!(refused, Err(RequestError::ServiceMessage { .. })), "{refused:?}");
    }
    client.silent();
    assert!(client.session.request(client.now, &call(1), RequestOptions::new()).is_ok());
}
