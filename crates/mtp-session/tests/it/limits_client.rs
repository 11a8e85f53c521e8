//! Limits of a client, each tested one below, at and one above.
//!
//! Method: a puppet server announces, refuses and answers, or says nothing; time passes from deadline to deadline.

use std::time::Duration;

use mtp_crypto::{CtrEntropy, MsgId, QuickAckToken};
use mtp_env::{Now, UnixTime};
use mtp_session::client::{
    CallError, ClientEvent, ClientSessionEvent, Evidence, RequestId, RequestOptions, Secrecy,
    TemporaryKeyEnd,
};
use mtp_session::link::{AfterSend, LinkId, Outgoing};
use mtp_session::record::RecordedClient;
use mtp_session::service::{Message, MsgDetailedInfo, MsgNewDetailedInfo, Pong};
use mtp_session::session::{Discard, LinkKind, PacketError};
use mtp_tl::Encode;

use crate::peers::{
    DrivenClient, LINK, Observed, Puppet, Read, START, TRUE, bad_msg, call, discarded, quiet,
    result, update,
};
use crate::support::world::{ClientSaw, ServerSaw, World, client_config, server_config};
use crate::support::{around, at};

/// Returns the messages that the client sends.
fn messages(client: &mut DrivenClient, puppet: &mut Puppet) -> Vec<Read> {
    let packets = client.transmit(LINK).expect("the link stays open");
    packets.iter().flat_map(|packet| puppet.read(packet).messages).collect()
}

/// Returns the ids of server messages that the client asks for again.
fn resends(messages: &[Read]) -> Vec<MsgId> {
    let ids = |read: &Read| match read.message() {
        Message::MsgResendReq(request) => request.msg_ids.iter().collect(),
        _ => Vec::new(),
    };
    messages.iter().flat_map(ids).collect()
}

fn failed(events: &[Observed]) -> Vec<(RequestId, CallError)> {
    let failed = |event: &Observed| match event {
        Observed::Client(ClientSessionEvent::Failed { request, error }) => Some((*request, *error)),
        _ => None,
    };
    events.iter().filter_map(failed).collect()
}

/// The `number`th server message that a puppet announces: above all ids that it uses in the same second.
fn announced(number: u64) -> MsgId {
    MsgId::from_raw((START << 32) + (1 << 30) + number * 4 + 3)
}

fn announcement(number: u64) -> MsgNewDetailedInfo {
    MsgNewDetailedInfo { answer_msg_id: announced(number), bytes: 40, status: 0 }
}

/// Sends updates to a client whose application takes no events; returns how many are accepted.
fn accepted(event_bytes_max: usize) -> usize {
    let mut config = quiet();
    config.event_bytes_max = event_bytes_max;
    let (mut client, mut puppet) = DrivenClient::ready_client(config);
    for count in 0.. {
        let (_, mut packet) = puppet.odd_message(client.now, 3, &update(1));
        let before = packet.clone();
        let wanted = client.session.wants_packets();
        let result = client.session.handle_packet(client.now, LINK, &mut packet);
        assert_eq!(result.is_ok(), wanted, "{count} of {event_bytes_max}");
        if let Err(error) = result {
            assert_eq!(error, PacketError::Backlog);
            // The application catches up, and the packet is accepted.
            assert_eq!(client.events().len(), count);
            client.take(&before);
            assert_eq!(client.events().len(), 1);
            return count;
        }
    }
    unreachable!("the loop has no end")
}

// spec: session 11.7
#[test]
fn bytes_of_waiting_events_of_a_client_are_limited() {
    // What one event takes.
    let one = (0..10_000).find(|max| accepted(*max) == 2).expect("an event has a size");
    assert!(one > update(1).len());
    for (max, count) in [(0, 1), (3 * one - 1, 3), (3 * one, 4), (3 * one + 1, 4)] {
        assert_eq!(accepted(max), count, "{max}, where one takes {one}");
    }
}

/// Refuses the packet with the call; returns the calls that failed.
fn refuse(
    client: &mut DrivenClient,
    puppet: &mut Puppet,
    code: i32,
) -> Vec<(RequestId, CallError)> {
    let sent = messages(client, puppet);
    let is_call = |read: &&Read| read.body == call(1);
    let refused = sent.iter().find(is_call).expect("the call is written").container;
    let refusal = puppet.even_message(client.now, &bad_msg(refused, code));
    client.take(&refusal);
    failed(&client.events())
}

// spec: session 8.15
#[test]
fn recoveries_are_limited_by_number() {
    // 20 costs the call a new id, 32 the session its id.
    for code in [20, 32] {
        for max in [0, 1, 2, 5] {
            let mut config = quiet();
            config.recoveries_max = max;
            let (mut client, mut puppet) = DrivenClient::ready_client(config);
            let request = client.call(1);
            for number in 0..max {
                let session = client.session.session_id();
                assert_eq!(refuse(&mut client, &mut puppet, code), [], "{code}: {number} of {max}");
                assert_eq!(client.session.calls_open(), 1);
                assert_eq!(client.session.session_id() != session, code == 32);
            }
            let refused = (request, CallError::Refused { code });
            assert_eq!(refuse(&mut client, &mut puppet, code), [refused], "{code}: {max}");
            assert_eq!(client.session.calls_open(), 0);
        }
    }
}

// spec: session 8.15
#[test]
fn recoveries_by_a_new_session_are_counted_for_a_minute() {
    for (waited, is_over) in around(Duration::from_secs(60)) {
        let mut config = quiet();
        config.recoveries_max = 1;
        let (mut client, mut puppet) = DrivenClient::ready_client(config);
        client.call(1);
        assert_eq!(refuse(&mut client, &mut puppet, 32), []);
        client.pass(waited);
        let failed = refuse(&mut client, &mut puppet, 32);
        assert_eq!(failed.is_empty(), is_over, "{waited:?}");
    }
}

// spec: session 8.18
#[test]
fn messages_asked_for_again_at_a_time_are_limited() {
    for (count, asked) in [(8191, 8191), (8192, 8192), (8193, 8192)] {
        let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
        let numbers: Vec<u64> = (0..count).collect();
        for numbers in numbers.chunks(1024) {
            let bodies: Vec<_> = numbers.iter().map(|it| announcement(*it).to_bytes()).collect();
            let now = client.now;
            let mut label = |body| {
                let (msg_id, seq_no) = puppet.label(now, 3, false);
                (msg_id, seq_no, Vec::as_slice(body))
            };
            let labeled: Vec<_> = bodies.iter().map(&mut label).collect();
            let packet = puppet.seal_container(now, &labeled);
            client.take(&packet);
        }
        let found = resends(&messages(&mut client, &mut puppet));
        assert!(found.iter().copied().eq((0..asked).map(announced)), "{count}: {}", found.len());
        // What was left out may be asked for next.
        let packet = puppet.even_message(client.now, &announcement(count));
        client.take(&packet);
        assert_eq!(resends(&messages(&mut client, &mut puppet)), [announced(count)]);
    }
}

// spec: session 8.16
#[test]
fn questions_without_an_answer_are_limited() {
    const QUESTIONS_MAX: u64 = 1000;
    let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
    client.call(1);
    let of_call = messages(&mut client, &mut puppet)[0].msg_id;
    for number in 0..QUESTIONS_MAX {
        let packet = puppet.even_message(client.now, &announcement(number));
        client.take(&packet);
        assert_eq!(resends(&messages(&mut client, &mut puppet)), [announced(number)], "{number}");
    }
    let packet = puppet.even_message(client.now, &announcement(QUESTIONS_MAX));
    client.take(&packet);
    client.silent();
    // The state of a call without news is asked for by the same measure.
    client.pass_s(10);
    client.silent();
    let states = |messages: &[Read]| -> Vec<MsgId> {
        let ids = |read: &Read| match read.message() {
            Message::MsgsStateReq(request) => request.msg_ids.iter().collect(),
            _ => Vec::new(),
        };
        messages.iter().flat_map(ids).collect()
    };
    let mut arrive = |client: &mut DrivenClient, number| {
        let label = (announced(number), puppet.odd());
        let packet = puppet.seal(label, &update(1));
        client.take(&packet);
        let sent = messages(client, &mut puppet);
        (states(&sent), resends(&sent))
    };
    // Each answer makes room for one question.
    assert_eq!(arrive(&mut client, 0), (vec![of_call], vec![]));
    assert_eq!(arrive(&mut client, 1), (vec![], vec![announced(QUESTIONS_MAX)]));
}

// spec: session 8.16
#[test]
fn unanswered_question_counts_for_a_minute() {
    for (waited, is_over) in around(Duration::from_secs(60)) {
        let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
        for number in 0..1001 {
            let packet = puppet.even_message(client.now, &announcement(number));
            client.take(&packet);
            let _ = messages(&mut client, &mut puppet);
        }
        client.pass(waited);
        let asked = resends(&messages(&mut client, &mut puppet));
        assert_eq!(asked, Vec::from_iter(is_over.then(|| announced(1000))), "{waited:?}");
    }
}

/// Makes a call and writes it in a packet of its own; returns it with the token of the quick acknowledgment.
fn quick_call(client: &mut DrivenClient, number: u32) -> (RequestId, QuickAckToken) {
    let request = client.request(&call(number), RequestOptions::new().quick_ack());
    let (session, entropy) = (&mut client.session, &mut client.entropy);
    let sent = session.poll_transmit(client.now, LINK, &mut Vec::new(), entropy).expect("a packet");
    let Outgoing::Packet { quick_ack: Some(token) } = sent.what else { panic!("{sent:?}") };
    (request, token)
}

// spec: session 11.2
#[test]
fn packets_whose_quick_ack_is_awaited_are_limited() {
    for (count, first_is_known) in [(63, true), (64, true), (65, false)] {
        let (mut client, _) = DrivenClient::ready_client(quiet());
        let sent: Vec<_> = (0..count).map(|number| quick_call(&mut client, number)).collect();
        for (at, (request, token)) in sent.into_iter().enumerate() {
            client.session.handle_quick_ack(token);
            let acked = Observed::Client(ClientSessionEvent::QuickAcked { request });
            let is_known = at > 0 || first_is_known;
            assert_eq!(
                client.events(),
                Vec::from_iter(is_known.then_some(acked)),
                "{at} of {count}"
            );
        }
    }
}

// spec: session 8.5
#[test]
fn unanswered_pings_of_a_link_are_limited() {
    for (count, forgotten) in [(15, None), (16, None), (17, Some(15)), (18, Some(15))] {
        let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
        let mut pings = Vec::new();
        for _ in 0..count {
            assert!(client.session.ping(LINK));
            let sent = messages(&mut client, &mut puppet);
            pings.extend(sent.iter().filter_map(|read| match read.message() {
                Message::PingDelayDisconnect(ping) => Some((read.msg_id, ping.ping_id)),
                _ => None,
            }));
        }
        assert_eq!(pings.len(), count);
        for (at, (msg_id, ping_id)) in pings.into_iter().enumerate() {
            let pong = puppet.even_message(client.now, &Pong { msg_id, ping_id });
            client.take(&pong);
            let events = client.events();
            // The oldest ones tell how long the link has been silent, the latest one is about to be answered.
            let is_forgotten = forgotten.is_some_and(|from| (from..count - 1).contains(&at));
            let reasons = if is_forgotten { vec![Discard::NotOurs] } else { vec![] };
            assert_eq!(discarded(&events), reasons, "{at} of {count}");
            let is_pong = |event: &Observed| {
                matches!(event, Observed::Client(ClientSessionEvent::Pong { .. }))
            };
            assert_eq!(events.iter().any(is_pong), !is_forgotten, "{at} of {count}");
        }
    }
}

// spec: session 8.18
#[test]
fn unwanted_answer_is_fetched_up_to_a_length() {
    const MIB: i32 = 1 << 20;
    let cases = [
        ("one below", MIB - 1, true, true),
        ("at the limit", MIB, true, true),
        ("one above", MIB + 1, true, false),
        ("one above, and wanted", MIB + 1, false, true),
        ("any length, and wanted", i32::MAX, false, true),
    ];
    for (what, bytes, has_ended, is_fetched) in cases {
        let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
        client.call(1);
        let msg_id = messages(&mut client, &mut puppet)[0].msg_id;
        if has_ended {
            let (_, answer) = puppet.odd_message(client.now, 1, &result(msg_id, &TRUE));
            client.take(&answer);
        }
        let info = MsgDetailedInfo { msg_id, answer_msg_id: announced(0), bytes, status: 0 };
        let packet = puppet.even_message(client.now, &info);
        client.take(&packet);
        client.idle(client.now.after(Duration::from_secs(30)));
        let sent = messages(&mut client, &mut puppet);
        let expected = if is_fetched { vec![announced(0)] } else { vec![] };
        assert_eq!(resends(&sent), expected, "{what}");
        let acks = |read: &Read| match read.message() {
            Message::MsgsAck(acks) => acks.msg_ids.iter().any(|id| id == announced(0)),
            _ => false,
        };
        assert_eq!(sent.iter().any(acks), !is_fetched, "{what}");
    }
}

// spec: session 7
#[test]
fn answer_much_older_than_its_request_sets_the_clock_back() {
    for (older_s, is_corrected) in [(14, false), (15, false), (16, true)] {
        let (mut client, mut puppet) = DrivenClient::ready_client(quiet());
        let request = client.call(1);
        let msg_id = messages(&mut client, &mut puppet)[0].msg_id;
        assert_eq!(msg_id.unix_secs(), START);
        let before = Now { unix: UnixTime::from_secs(START - older_s), ..client.now };
        let (_, answer) = puppet.odd_message(before, 1, &result(msg_id, &TRUE));
        client.take(&answer);
        let offset_ns = -1_000_000_000 * i64::try_from(older_s).unwrap();
        let changed = Observed::Client(ClientSessionEvent::TimeChanged { offset_ns });
        let answered = Observed::Result(request, TRUE.to_vec());
        let events = client.events();
        assert!(events.contains(&answered), "{older_s}: {events:?}");
        assert_eq!(events.contains(&changed), is_corrected, "{older_s}: {events:?}");
        let expected = if is_corrected { offset_ns } else { 0 };
        assert_eq!(client.session.time_offset_ns(client.now), expected, "{older_s}");
    }
}

/// A client machine without a server.
struct Lone {
    client: RecordedClient,
    now: Now,
    links: u64,
}

impl Lone {
    fn new(config: mtp_session::client::ClientConfig) -> Self {
        let now = at(1_800_000_000, 0);
        let entropy = Box::new(CtrEntropy::from_number(1));
        Self { client: RecordedClient::new(config, now, None, entropy, None), now, links: 0 }
    }

    fn link_up(&mut self) -> LinkId {
        self.links += 1;
        let link = LinkId::new(self.links);
        self.client.link_up(self.now, link, LinkKind::Stream);
        link
    }

    /// Returns `true` if the client begins a key exchange on the link; `None` if it closes it.
    fn begins(&mut self, link: LinkId) -> Option<bool> {
        let mut out = Vec::new();
        let Some(sent) = self.client.poll_transmit(self.now, link, &mut out) else {
            return Some(false);
        };
        (sent.then != AfterSend::Close).then(|| {
            assert_eq!(out[..8], [0; 8], "a packet without a key");
            true
        })
    }

    /// Lets time pass from deadline to deadline.
    fn idle(&mut self, time: Duration) {
        let until = self.now.after(time);
        for _ in 0..1000 {
            match self.client.poll_timeout() {
                Some(deadline) if deadline.at <= until.mono => {
                    self.now = self.now.after(deadline.at.saturating_since(self.now.mono));
                    self.client.handle_timeout(self.now);
                }
                _ => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("timers spin: {:?}", self.client.poll_timeout());
    }

    /// Returns how many exchanges have failed since the last time.
    fn failures(&mut self) -> usize {
        let mut failures = 0;
        while let Some(event) = self.client.poll_event() {
            failures += usize::from(matches!(event, ClientEvent::ExchangeFailed { .. }));
        }
        failures
    }
}

// spec: crypto 18.13
#[test]
fn duration_of_a_key_exchange_is_limited() {
    for (waited, is_over) in around(Duration::from_secs(20)) {
        let mut config = client_config();
        config.exchange_max = Duration::from_secs(20);
        let mut lone = Lone::new(config);
        let link = lone.link_up();
        assert_eq!(lone.begins(link), Some(true));
        lone.idle(waited);
        assert_eq!(lone.failures(), usize::from(is_over), "{waited:?}");
        assert_eq!(lone.begins(link), (!is_over).then_some(false), "{waited:?}");
        if is_over {
            // The exchange is repeated on another link, after a pause.
            lone.client.link_down(lone.now, link);
            let link = lone.link_up();
            assert_eq!(lone.begins(link), Some(false));
            lone.idle(Duration::from_secs(1));
            assert_eq!(lone.begins(link), Some(true));
        }
    }
}

// spec: crypto 18.13
#[test]
fn pause_between_failed_exchanges_is_doubled_six_times() {
    const STEP: Duration = Duration::from_micros(1);
    let mut config = client_config();
    config.retry_pause = Duration::from_secs(3);
    let mut lone = Lone::new(config);
    let mut link = lone.link_up();
    for factor in [1, 2, 4, 8, 16, 32, 64, 64, 64] {
        assert_eq!(lone.begins(link), Some(true), "{factor}");
        lone.client.handle_transport_error(lone.now, link, -444);
        assert_eq!(lone.failures(), 1, "{factor}");
        assert_eq!(lone.begins(link), None, "{factor}");
        lone.client.link_down(lone.now, link);
        link = lone.link_up();
        let pause = Duration::from_secs(3) * factor;
        lone.idle(pause.checked_sub(STEP).unwrap());
        assert_eq!(lone.begins(link), Some(false), "{factor}");
        lone.idle(STEP);
    }
}

// spec: session 15
#[test]
fn temporary_key_is_replaced_after_three_refused_bindings() {
    let not_bound = ClientSaw::TemporaryKeyLost(TemporaryKeyEnd::NotBound);
    for is_known_again in [true, false] {
        let mut world = World::new();
        world.connect();
        let permanent = world.keys[0].clone();
        for key in world.keys.clone() {
            world.server.remove_key(world.now, key.key.id());
        }
        let request = world.call();
        let made = |world: &World| world.count(&ClientSaw::KeyCreated { temporary: true });
        // The next temporary key is made after one second. Its binding is refused at once, 2 s and 4 s later.
        world.wait(Duration::from_millis(6900));
        assert_eq!((made(&world), world.count(&not_bound)), (2, 0));
        if is_known_again {
            assert!(world.server.insert_key(world.now, &permanent, None));
        }
        world.wait(Duration::from_millis(200));
        let bound = |event: &&ServerSaw| **event == ServerSaw::KeyBound;
        let bound = world.server_events.iter().filter(bound).count();
        if is_known_again {
            assert_eq!((bound, world.count(&not_bound)), (2, 0), "the third attempt succeeds");
            world.assert_answered(request);
        } else {
            assert_eq!((bound, world.count(&not_bound)), (1, 1), "the third refusal is the last");
        }
        world.wait(Duration::from_secs(9));
        assert_eq!(made(&world), if is_known_again { 2 } else { 3 });
        assert_eq!(world.count(&ClientSaw::PermanentKeyLost(Evidence::Authenticated)), 0);
    }
}

// spec: session 10
#[test]
fn permanent_key_is_doubted_at_the_second_link_that_ends_with_404() {
    let mut config = client_config();
    config.secrecy = Secrecy::Off;
    let mut world = World::with(config, server_config(), None);
    world.reconnects = false;
    let lost = ClientSaw::PermanentKeyLost(Evidence::Forgeable);
    for (links, doubted) in [(1, 0), (2, 1), (3, 1)] {
        world.connect();
        let link = world.link.unwrap();
        // However often one link says so, it is one link.
        for _ in 0..3 {
            world.client.handle_transport_error(world.client_now(), link, -404);
        }
        world.run();
        assert_eq!(world.count(&lost), doubted, "{links}");
        assert_eq!(world.client.is_ready(), doubted == 0, "{links}");
    }
}
