//! A client session saved to bytes and resumed.
//!
//! Goal: nothing is lost and nothing runs twice. Method: save mid-traffic, resume, and let the puppet answer as a server
//! that kept the session.

use std::sync::Arc;

use mtp_crypto::{CtrEntropy, Side};
use mtp_session::client::SessionResumeError;
use mtp_session::client::{CallError, ClientSession, ClientSessionEvent, RequestOptions};
use mtp_session::established::KeyKind;
use mtp_session::service::{Message, MsgIds, MsgsAck, MsgsStateInfo, RpcResult};
use mtp_session::session::{Discard, LinkKind};
use mtp_tl::{Encode, Rest};

use crate::peers::{
    DrivenClient, LINK, Observed, Puppet, TRUE, call, established, key, quiet, start, update,
};

/// Saves a session and resumes it, as a restarted process would.
fn restart(client: &DrivenClient) -> DrivenClient {
    let saved = client.session.save(client.now);
    let mut entropy = CtrEntropy::from_number(99);
    // A new process has another monotonic clock.
    let mut now = client.now;
    now.mono = mtp_env::Instant::from_micros(1);
    let config = Arc::new(quiet());
    let mut session = ClientSession::resume(now, &saved, config, &mut entropy).unwrap();
    let again = session.save(now);
    assert_eq!(again.len(), saved.len());
    session.set_key(now, &established(&key(3), KeyKind::Permanent));
    session.link_up(now, LINK, LinkKind::Stream);
    DrivenClient { session, entropy, now }
}

// spec: session 7.6
#[test]
fn open_calls_survive_save_and_resume() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    let acked = client.call(1);
    let sent = client.call(2);
    let packet = puppet.read(&client.packet());
    let (c1, c2) = (packet.calls()[0].clone(), packet.calls()[1].clone());
    let news = puppet.even_message(client.now, &MsgsAck { msg_ids: MsgIds::new([c1.msg_id]) });
    client.take(&news);
    let label = puppet.label(client.now, 3, true);
    let pushed = puppet.seal(label, &update(1));
    client.take(&pushed);
    client.session.link_down(client.now, LINK);
    let queued = client.request(&call(3), RequestOptions::new().after(sent));
    client.events();

    let mut client = restart(&client);
    assert_eq!(client.session.calls_open(), 3);
    let packet = puppet.read(&client.packet());
    assert!(packet.header.msg_id > c2.msg_id);
    let requested = packet.only(|read, message| match message {
        Message::MsgsStateReq(requested) => {
            assert_eq!(requested.msg_ids.iter().collect::<Vec<_>>(), [c2.msg_id]);
            Some(read.msg_id)
        }
        _ => None,
    });
    let acks = packet.only(|_, message| match message {
        Message::MsgsAck(acks) => Some(acks.msg_ids.iter().collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(acks, [label.0]);
    assert!(packet.calls().is_empty(), "a call waits for its predecessor");

    // Messages received before are still duplicates.
    client.take(&pushed);
    let duplicate = ClientSessionEvent::Discarded { msg_id: label.0, reason: Discard::Duplicate };
    assert_eq!(client.events(), [Observed::Client(duplicate)]);

    let info =
        puppet.even_message(client.now, &MsgsStateInfo { req_msg_id: requested, info: &[2] });
    client.take(&info);
    let packet = puppet.read(&client.packet());
    let calls = packet.calls();
    assert_eq!((calls.len(), &calls[0].body), (2, &call(2)));
    assert_eq!((calls[0].seq_no.as_raw(), calls[1].seq_no.as_raw()), (5, 7));
    let answers = [(acked, c1.msg_id), (sent, calls[0].msg_id), (queued, calls[1].msg_id)];
    for (request, req_msg_id) in answers {
        let result = RpcResult { req_msg_id, result: Rest::from(&TRUE[..]) }.to_bytes();
        let (_, packet) = puppet.odd_message(client.now, 1, &result);
        client.take(&packet);
        assert!(client.events().contains(&Observed::Result(request, TRUE.to_vec())));
    }
    assert_eq!(client.session.calls_open(), 0);
    assert!(client.call(4) > queued, "request ids continue");
}

#[test]
fn set_key_with_another_key_starts_a_new_session() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    let (plain, once) = (client.call(1), client.request(&call(2), RequestOptions::new().once()));
    let old = puppet.read(&client.packet()).header.session_id;
    let saved = client.session.save(client.now);
    let mut client = DrivenClient::client(quiet());
    client.session =
        ClientSession::resume(client.now, &saved, Arc::new(quiet()), &mut client.entropy).unwrap();
    let other = key(8);
    client.session.set_key(client.now, &established(&other, KeyKind::Permanent));
    client.session.link_up(client.now, LINK, LinkKind::Stream);
    let failed = ClientSessionEvent::Failed { request: once, error: CallError::MaybeExecuted };
    assert!(client.events().contains(&Observed::Client(failed)));
    let packet = Puppet::new(&other, Side::Server, old).read(&client.packet());
    assert_ne!(packet.header.session_id, old);
    assert_eq!((packet.calls().len(), &packet.calls()[0].body), (1, &call(1)));
    client.session.cancel(plain).unwrap();
}

#[test]
fn damaged_saved_state_is_rejected() {
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    client.call(1);
    puppet.read(&client.packet());
    client.call(2);
    let saved = client.session.save(client.now);
    let mut entropy = CtrEntropy::from_number(1);
    let mut resume = |bytes: &[u8]| {
        ClientSession::resume(start(), bytes, Arc::new(quiet()), &mut entropy).map(drop)
    };
    assert_eq!(resume(&saved), Ok(()));
    for len in 0..saved.len() {
        assert!(resume(&saved[..len]).is_err(), "cut to {len}");
    }
    let mut longer = saved.clone();
    longer.push(0);
    assert!(resume(&longer).is_err());
    let mut other = saved.clone();
    other[3] ^= 1;
    assert_eq!(resume(&other), Err(SessionResumeError::UnknownFormat));
    // Any other flipped bit: no panic, and a session that resumes is usable.
    for bit in 32..saved.len() * 8 {
        let mut flipped = saved.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let mut entropy = CtrEntropy::from_number(1);
        if let Ok(session) =
            ClientSession::resume(start(), &flipped, Arc::new(quiet()), &mut entropy)
        {
            let mut client = DrivenClient { session, entropy, now: start() };
            client.session.set_key(client.now, &established(&key(3), KeyKind::Permanent));
            client.session.link_up(client.now, LINK, LinkKind::Stream);
            let _ = client.transmit(LINK);
            client.session.close();
        }
    }
}
