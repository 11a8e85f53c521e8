//! What one packet can cost: work, memory and links of a server session.
//!
//! Method: a puppet client sends the packets that cost most for their length. Costs are counted in units of work and in
//! bytes, never in time.

use std::thread;

use mtp_crypto::{MsgId, SeqNo};
use mtp_session::link::LinkId;
use mtp_session::server::{
    AnswerError, Cut, IncomingId, ServerSessionConfig, ServerSessionEvent, WORK_PER_BYTE,
    WORK_PER_PACKET,
};
use mtp_session::service::{Message, MsgIds, MsgsAck, MsgsStateReq, Ping, RpcError, RpcResult};
use mtp_session::session::{LinkKind, PacketError};
use mtp_tl::{Decode, Encode};

use crate::peers::{DrivenServer, LINK, Observed, Puppet, START, call, gzip};

/// `gzip_packed` of nothing: a call that fails at once.
const UNREADABLE: [u8; 8] = [0xa1, 0xcf, 0x72, 0x30, 0, 0, 0, 0];

fn id(number: u64) -> MsgId {
    MsgId::from_raw((START << 32) + number * 4)
}

/// Returns `invokeAfterMsgs` of a call.
fn after(ids: impl ExactSizeIterator<Item = MsgId>, query: &[u8]) -> Vec<u8> {
    let mut body = 0x3dc4_b4f0_u32.to_le_bytes().to_vec();
    body.extend(0x1cb5_c415_u32.to_le_bytes());
    body.extend(u32::try_from(ids.len()).unwrap().to_le_bytes());
    ids.for_each(|id| body.extend(id.to_le_bytes()));
    body.extend(query);
    body
}

/// Returns a container of bodies numbered from 1, and the number of the container.
fn container(bodies: &[Vec<u8>]) -> (Vec<u8>, u64) {
    let number = |at: usize| u64::try_from(at).unwrap() + 1;
    let seq_no = |at: usize| SeqNo::from_raw(i32::try_from(at).unwrap() * 2 + 1);
    let label = |(at, body)| (id(number(at)), seq_no(at), Vec::as_slice(body));
    let messages: Vec<_> = bodies.iter().enumerate().map(label).collect();
    (Puppet::container(&messages), number(bodies.len()))
}

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
    fn take(&mut self, number: u64, seq_no: i32, body: &[u8]) -> Vec<Observed> {
        let packet = self.puppet.seal((id(number), SeqNo::from_raw(seq_no)), body);
        self.driven.take(&packet);
        self.driven.events()
    }

    /// Delivers a container of bodies, numbered from 1.
    fn take_all(&mut self, bodies: &[Vec<u8>], pack: bool) -> Vec<Observed> {
        let (body, number) = container(bodies);
        let seq_no = i32::try_from(bodies.len()).unwrap() * 2;
        let body = if pack { gzip(&body) } else { body };
        self.take(number, seq_no, &body)
    }

    /// Returns the calls that were answered with an error, with its text, in the order of the answers.
    fn errors(&mut self) -> Vec<(MsgId, String)> {
        let packets = self.driven.transmit(LINK).expect("the link stays open");
        let mut errors = Vec::new();
        for packet in packets {
            for read in self.puppet.read(&packet).messages {
                if let Ok(result) = RpcResult::from_bytes(&read.body)
                    && let Ok(error) = RpcError::parse(result.result.as_bytes())
                {
                    errors.push((result.req_msg_id, error.message().to_owned()));
                }
            }
        }
        errors
    }
}

fn calls(events: &[Observed]) -> Vec<IncomingId> {
    let call = |event: &Observed| match event {
        Observed::Call(id, ..) => Some(*id),
        _ => None,
    };
    events.iter().filter_map(call).collect()
}

/// Calls 1 to 190 wait for 600 others each; the others fail at once.
fn waiting_for_failures() -> Vec<Vec<u8>> {
    let waiting = (0..190_u64).map(|number| {
        let first = 191 + number;
        after((first..first + 600).collect::<Vec<_>>().into_iter().map(id), &call(1))
    });
    waiting.chain((0..800).map(|_| UNREADABLE.to_vec())).collect()
}

// spec: session 9
#[test]
fn failures_reach_every_waiting_call_once() {
    let mut config = ServerSessionConfig::default();
    config.after_ids_max = 600;
    config.after_edges_max = 190 * 600;
    let mut server = Server::new(config);
    let mut rounds = 0;
    // Each packet does what its allowance is enough for.
    while !cuts(&server.take_all(&waiting_for_failures(), true)).is_empty() {
        rounds += 1;
        assert!(rounds < 100);
    }
    let mut errors = server.errors();
    errors.sort();
    assert_eq!(errors.len(), 990);
    let failed = errors.iter().filter(|(_, text)| text == "MSG_WAIT_FAILED");
    assert!(failed.map(|(call, _)| *call).eq((1..=190).map(id)));
}

// spec: session 9
#[test]
fn chain_of_failing_calls_needs_little_stack() {
    let chain = || {
        let mut server = Server::new(ServerSessionConfig::default());
        let waiting = (1..1000_u64).map(|number| after([id(number + 1)].into_iter(), &call(1)));
        let bodies: Vec<Vec<u8>> = waiting.chain([UNREADABLE.to_vec()]).collect();
        assert_eq!(calls(&server.take_all(&bodies, false)), []);
        let errors = server.errors();
        assert_eq!(errors.len(), 1000);
        assert_eq!(errors[0], (id(1000), "INPUT_FETCH_ERROR".to_owned()));
        assert!(errors[1..].iter().map(|(call, _)| *call).eq((1..1000).rev().map(id)));
    };
    thread::Builder::new().stack_size(128 << 10).spawn(chain).unwrap().join().unwrap();
}

// spec: session 9
#[test]
fn chain_of_calls_runs_in_order() {
    let mut server = Server::new(ServerSessionConfig::default());
    let waiting = (2..=100_u64).map(|number| after([id(number - 1)].into_iter(), &call(1)));
    let bodies: Vec<Vec<u8>> = [call(1)].into_iter().chain(waiting).collect();
    let mut running = calls(&server.take_all(&bodies, false));
    for number in 1..=100 {
        let [only] = running[..] else { panic!("{running:?}") };
        assert_eq!(only.msg_id(), id(number));
        server.driven.session.answer(server.driven.now, only, &call(7)).unwrap();
        running = calls(&server.driven.events());
    }
    assert_eq!(running, []);
}

// spec: session 9
#[test]
fn ids_that_one_call_waits_for_are_limited() {
    for (count, waits) in [(511, true), (512, true), (513, false)] {
        let mut server = Server::new(ServerSessionConfig::default());
        let ids: Vec<MsgId> = (10..10 + count).map(id).collect();
        server.take(1, 1, &after(ids.into_iter(), &call(1)));
        assert_eq!(server.errors().is_empty(), waits, "{count}");
    }
}

// spec: session 9
#[test]
fn ids_that_all_calls_wait_for_are_limited() {
    for (max, refused) in [(9, vec![id(5)]), (10, vec![]), (11, vec![])] {
        let mut config = ServerSessionConfig::default();
        config.after_edges_max = max;
        let mut server = Server::new(config);
        let bodies: Vec<Vec<u8>> =
            (0..5).map(|_| after([id(90), id(91)].into_iter(), &call(1))).collect();
        server.take_all(&bodies, false);
        let errors: Vec<MsgId> = server.errors().into_iter().map(|(call, _)| call).collect();
        assert_eq!(errors, refused, "{max}");
    }
}

#[test]
fn links_of_a_session_are_limited() {
    let mut config = ServerSessionConfig::default();
    config.links_max = 3;
    let mut server = Server::new(config);
    server.take(1, 1, &call(1));
    for number in 2..=3 {
        server.driven.pass_s(1);
        server.driven.session.link_up(server.driven.now, LinkId::new(number), LinkKind::Stream);
    }
    assert!(!server.driven.transmit(LINK).unwrap().is_empty(), "three links are kept");
    server.take(2, 3, &call(2));
    server.driven.pass_s(1);
    server.driven.session.link_up(server.driven.now, LinkId::new(4), LinkKind::Stream);
    assert!(server.driven.transmit(LinkId::new(2)).unwrap().is_empty(), "the second is given up");
    let push = server.driven.session.push(server.driven.now, &call(3));
    assert!(push.is_ok());
    let sent = [1, 3, 4].map(|link| server.driven.transmit(LinkId::new(link)).unwrap().len());
    assert_eq!(sent.iter().sum::<usize>(), 1);
}

/// Goal: a message stays with its link, returns when the link is gone, and order is kept.
#[test]
fn messages_of_a_lost_link_use_another_in_their_order() {
    let mut server = Server::new(ServerSessionConfig::default());
    let bodies: Vec<Vec<u8>> = (0..3).map(call).collect();
    let running = calls(&server.take_all(&bodies, false));
    let now = server.driven.now;
    server.driven.session.push(now, &call(70)).unwrap();
    for (number, id) in (80..).zip(running) {
        server.driven.session.answer(now, id, &call(number)).unwrap();
        server.driven.session.push(now, &call(number + 10)).unwrap();
    }
    let second = LinkId::new(2);
    server.driven.session.link_up(now, second, LinkKind::Stream);
    server.driven.session.link_down(now, LINK);
    let packets = server.driven.transmit(second).unwrap();
    let mut tails = Vec::new();
    for packet in packets {
        for read in server.puppet.read(&packet).messages {
            if read.is_odd() && !matches!(read.message(), Message::NewSessionCreated(_)) {
                tails.push(read.body[read.body.len() - 4]);
            }
        }
    }
    assert_eq!(tails, [70, 80, 90, 81, 91, 82, 92]);
}

/// Returns the work that a packet with a body of `len` bytes may cause before it is cut.
fn allowance(len: usize) -> u64 {
    WORK_PER_PACKET + WORK_PER_BYTE * u64::try_from(len).unwrap()
}

fn cuts(events: &[Observed]) -> Vec<(MsgId, usize, Cut)> {
    let cut = |event: &Observed| match event {
        Observed::Server(ServerSessionEvent::PacketCut { msg_id, refused, cause }) => {
            Some((*msg_id, *refused, *cause))
        }
        _ => None,
    };
    events.iter().filter_map(cut).collect()
}

#[test]
fn costly_packets_stay_within_their_allowance() {
    let states: Vec<Vec<u8>> = (0..13)
        .map(|_| MsgsStateReq { msg_ids: MsgIds::new((1..8000).map(id)) }.to_bytes())
        .collect();
    let mut shuffled: Vec<(MsgId, SeqNo)> = Vec::new();
    for number in 0..1020_u64 {
        shuffled.push((id(1 + number * 617 % 1020), SeqNo::from_raw(0)));
    }
    let ping = Ping { ping_id: 1 }.to_bytes();
    let shuffled: Vec<_> = shuffled.into_iter().map(|(id, no)| (id, no, &ping[..])).collect();
    let cases = [
        ("waiting calls", container(&waiting_for_failures()).0, 1980),
        ("states", container(&states).0, 26),
        ("shuffled", Puppet::container(&shuffled), 0),
    ];
    for (what, body, seq_no) in cases {
        let mut server = Server::new(ServerSessionConfig::default());
        let packed = gzip(&body);
        server.take(5000, seq_no, &packed);
        let work = server.driven.session.work_of_last_packet().as_u64();
        println!("{what}: {} bytes, {work} units", packed.len());
        // The message during which the allowance ends is completed.
        assert!(work <= allowance(packed.len() + 64) + 60_000, "{what}: {work}");
        assert_eq!(server.driven.session.work().as_u64(), work);
    }
}

#[test]
fn rest_of_a_packet_beyond_its_allowance_is_refused() {
    let mut config = ServerSessionConfig::default();
    config.after_ids_max = 600;
    config.after_edges_max = 190 * 600;
    let mut server = Server::new(config);
    let (body, number) = container(&waiting_for_failures());
    let packed = gzip(&body);
    let events = server.take(number, 1980, &packed);
    let [(cut, refused, Cut::Work)] = cuts(&events)[..] else { panic!("{events:?}") };
    assert_eq!(cut, id(number));
    assert!((1..990).contains(&refused), "{refused}");
    // What was refused is unknown to the server and may come again, in the same packet or in others.
    let mut left = refused;
    for _ in 0..100 {
        let events = server.take(number, 1980, &packed);
        let Some((_, refused, _)) = cuts(&events).pop() else { break };
        assert!(refused < left, "each packet gets further");
        left = refused;
    }
    let mut errors = server.errors();
    errors.sort();
    errors.dedup();
    assert_eq!(errors.len(), 990);
}

#[test]
fn ordinary_packets_are_not_cut() {
    let calls_of = |count: u32| (0..count).map(call).collect::<Vec<_>>();
    for pack in [false, true] {
        let mut server = Server::new(ServerSessionConfig::default());
        let events = server.take_all(&calls_of(1020), pack);
        assert_eq!((calls(&events).len(), cuts(&events)), (128, vec![]));
    }
}

/// Sends acknowledgments of all messages of the packets that need one.
fn acknowledge(server: &mut Server, packets: &[Vec<u8>]) {
    let reads: Vec<_> = packets.iter().flat_map(|it| server.puppet.read(it).messages).collect();
    let ids = reads.iter().filter(|read| read.is_odd()).map(|read| read.msg_id);
    let acks = MsgsAck { msg_ids: MsgIds::new(ids) };
    server.puppet.last = server.puppet.last.max(id(100_000).as_raw());
    server.puppet.odd = 5000;
    let packet = server.puppet.even_message(server.driven.now, &acks);
    server.driven.take(&packet);
}

// spec: session 11.7
#[test]
fn calls_wait_for_room_and_none_is_lost() {
    const ANSWER: usize = 16 << 10;
    let mut config = ServerSessionConfig::default();
    config.output_bytes_max = 64 << 10;
    config.unacked_bytes_max = 256 << 10;
    config.pack_from_bytes = usize::MAX;
    let mut server = Server::new(config);
    let bodies: Vec<Vec<u8>> = (0..500).map(call).collect();
    let (body, number) = container(&bodies);
    let packet = server.puppet.seal((id(number), SeqNo::from_raw(1000)), &body);
    server.driven.take(&packet);
    let (mut answered, mut most) = (0, 0);
    for _ in 0..500 {
        while let Some(event) = server.driven.session.poll_event() {
            let ServerSessionEvent::Call { id: taken, .. } = event else { continue };
            let answer = call(u32::try_from(answered).unwrap()).repeat(ANSWER / 8);
            server.driven.session.answer(server.driven.now, taken, &answer).unwrap();
            answered += 1;
            most = most.max(server.driven.session.held_bytes());
        }
        let packets = server.driven.transmit(LINK).unwrap();
        if packets.is_empty() {
            break;
        }
        acknowledge(&mut server, &packets);
    }
    assert_eq!(answered, 500);
    assert!(most < 400 << 10, "{most} bytes at a time of {} in all", 500 * ANSWER);
}

// spec: session 11.7
#[test]
fn calls_are_passed_on_up_to_the_reserve_for_their_answers() {
    for (more, passed) in [(-1, 3), (0, 3), (1, 4)] {
        let mut config = ServerSessionConfig::default();
        config.answer_reserve = 1000;
        config.output_bytes_max = usize::try_from(3000 + more).unwrap();
        let mut server = Server::new(config);
        server.take(0, 0, &Ping { ping_id: 1 }.to_bytes());
        server.driven.transmit(LINK).unwrap();
        let running = calls(&server.take_all(&(0..10).map(call).collect::<Vec<_>>(), false));
        assert_eq!(running.len(), passed, "{more}");
        assert!(!server.driven.session.has_events());
        server.driven.session.answer(server.driven.now, running[0], &call(1)).unwrap();
        server.driven.transmit(LINK).unwrap();
        assert!(server.driven.session.has_events());
        assert_eq!(calls(&server.driven.events()).len(), 1);
    }
}

// spec: session 11.7
#[test]
fn answers_that_pack_well_count_by_their_content_until_they_are_written() {
    let mut config = ServerSessionConfig::default();
    config.answer_reserve = 100_000;
    config.output_bytes_max = 300_000;
    let mut server = Server::new(config);
    server.take(0, 0, &Ping { ping_id: 1 }.to_bytes());
    server.driven.transmit(LINK).unwrap();
    let running = calls(&server.take_all(&(0..10).map(call).collect::<Vec<_>>(), false));
    assert_eq!(running.len(), 3);
    // Zeros: a thousandth of it is kept, but making and packing took all.
    server.driven.session.answer(server.driven.now, running[0], &vec![0; 100_000]).unwrap();
    assert!(server.driven.session.held_bytes() < 20_000);
    assert!(!server.driven.session.has_events(), "no further call until that is written");
    server.driven.transmit(LINK).unwrap();
    assert_eq!(calls(&server.driven.events()).len(), 1);
}

// spec: session 11.7
#[test]
fn call_that_times_out_before_it_is_taken_never_runs() {
    let mut config = ServerSessionConfig::default();
    config.answer_reserve = config.output_bytes_max;
    let mut server = Server::new(config);
    let running = calls(&server.take_all(&[call(1), call(2)], false));
    assert_eq!(running.len(), 1);
    let later = server.driven.now.after(std::time::Duration::from_secs(31));
    server.driven.idle(later);
    let events = server.driven.events();
    assert_eq!(calls(&events), []);
    let timed_out = |event: &&Observed| {
        matches!(event, Observed::Server(ServerSessionEvent::CallTimedOut { .. }))
    };
    assert_eq!(events.iter().filter(timed_out).count(), 1, "the one that was taken");
    assert_eq!(server.errors().len(), 2);
}

// spec: session 11.7
#[test]
fn bytes_of_a_session_are_limited_before_an_answer_is_kept() {
    let run = |max: usize| {
        let mut config = ServerSessionConfig::default();
        config.held_bytes_max = max;
        let mut server = Server::new(config);
        let running = calls(&server.take(1, 1, &call(1)));
        let held = server.driven.session.held_bytes();
        let answer = call(9).repeat(100);
        (held, server.driven.session.answer(server.driven.now, running[0], &answer))
    };
    let (held, kept) = run(1 << 20);
    assert_eq!(kept, Ok(()));
    let needed = held + 800;
    assert_eq!(run(needed + 1).1, Ok(()));
    assert_eq!(run(needed).1, Ok(()));
    assert_eq!(run(needed - 1).1, Err(AnswerError::Full { max: needed - 1 }));
}

/// Bodies of calls that the application has taken are held until something is done with the session.
#[test]
fn bytes_of_taken_calls_are_counted_until_they_are_freed() {
    let mut server = Server::new(ServerSessionConfig::default());
    let body = call(1).repeat(10_000);
    let running = calls(&server.take(1, 1, &body));
    assert!(!server.driven.session.has_events());
    let counted = server.driven.session.held_bytes();
    let now = server.driven.now;
    assert_eq!(server.driven.session.answer(now, running[0], &call(2)), Ok(()));
    let freed = server.driven.session.held_bytes();
    assert!(freed < 4096, "{counted} bytes before the answer, {freed} after it");
}

// spec: session 11.7
#[test]
fn bytes_of_a_session_are_checked_before_each_message_of_a_container() {
    let mut config = ServerSessionConfig::default();
    config.held_bytes_max = 8 << 10;
    let mut server = Server::new(config);
    let bodies: Vec<Vec<u8>> = (0..40).map(|number| call(number).repeat(128)).collect();
    let (body, number) = container(&bodies);
    let packet = server.puppet.seal((id(number), SeqNo::from_raw(80)), &body);
    server.driven.take(&packet);
    assert!(!server.driven.session.wants_packets());
    assert!(server.driven.session.held_bytes() < 10 << 10);
    let refused = server.driven.session.handle_packet(server.driven.now, LINK, &mut packet.clone());
    assert_eq!(refused, Ok(()), "a container may hold acknowledgments");
    let (_, single) = server.puppet.odd_message(server.driven.now, 0, &call(1));
    let refused = server.driven.session.handle_packet(server.driven.now, LINK, &mut single.clone());
    assert_eq!(refused, Err(PacketError::Backlog));
    let events = server.driven.events();
    let taken = calls(&events);
    assert!((4..12).contains(&taken.len()), "{}", taken.len());
    assert_eq!(cuts(&events)[0], (id(number), 40 - taken.len(), Cut::Memory));
    for call_id in taken {
        server.driven.session.answer(server.driven.now, call_id, &call(1)).unwrap();
    }
    let packets = server.driven.transmit(LINK).unwrap();
    acknowledge(&mut server, &packets);
    assert!(server.driven.session.wants_packets());
    let again = server.take(number, 80, &body);
    assert!(calls(&again).len() >= 4, "what was refused runs when it comes again");
}

// spec: session 8.16
#[test]
fn replies_are_limited_by_bytes() {
    let mut server = Server::new(ServerSessionConfig::default());
    let body = MsgsStateReq { msg_ids: MsgIds::new((1..8000).map(id)) }.to_bytes();
    let (mut sent, mut wanted) = (0, 0);
    for number in 1..200 {
        wanted += usize::from(server.driven.session.wants_packets());
        sent += body.len();
        server.take(number, 0, &body);
    }
    let held = server.driven.session.held_bytes();
    println!("{sent} bytes sent, {wanted} packets wanted, {held} bytes held");
    assert!(wanted < 20, "{wanted}");
    assert!(held < (256 << 10) + 16_000, "{held}");
    server.driven.transmit(LINK).unwrap();
    assert!(server.driven.session.wants_packets());
    assert!(server.driven.session.held_bytes() < 1000);
}

#[test]
fn unacknowledged_messages_do_not_stop_reading() {
    let mut config = ServerSessionConfig::default();
    config.unacked_max = 4;
    let mut server = Server::new(config);
    server.take(1, 1, &call(1));
    for number in 0..3 {
        server.driven.session.push(server.driven.now, &call(number)).unwrap();
    }
    assert!(!server.driven.session.wants_packets(), "the client does not read");
    let packets = server.driven.transmit(LINK).unwrap();
    assert!(server.driven.session.wants_packets(), "acknowledgments have to be read");
    acknowledge(&mut server, &packets);
    assert!(server.driven.session.wants_packets());
}
