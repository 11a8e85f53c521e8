//! Runs of sessions recorded and run again.
//!
//! Goal: the same outcomes and the same bytes. Method: a client and a server over a bad wire, each behind a recorder;
//! then each log alone.

use std::sync::Arc;
use std::time::Duration;

use mtp_crypto::{CtrEntropy, Entropy, SessionId};
use mtp_env::Now;
use mtp_session::established::KeyKind;
use mtp_session::link::LinkId;
use mtp_session::log::{Input, LogError, Outcome, Recorder, Replay};
use mtp_session::session::{
    Event, IncomingId, KeyOutcome, KeySalts, LinkKind, Priority, RequestOptions, ServerSalts,
    Session, SessionConfig,
};

use crate::peers::{FIRST_SALT, LINK, call, established, key, start, update};

type Line = (String, Vec<u8>);

/// A session behind a recorder, and what came of all its inputs.
struct Side {
    recorder: Recorder,
    lines: Vec<Line>,
}

impl Side {
    fn new(seed: u8, make: fn(Now, &mut dyn Entropy) -> Session) -> Self {
        Self { recorder: Recorder::new(start(), [seed; 32], make), lines: Vec::new() }
    }

    /// Does something and returns the bytes that came of it, and the call to be answered.
    fn apply(&mut self, now: Now, input: &Input<'_>) -> (bool, Vec<u8>, Option<IncomingId>) {
        let mut out = Vec::new();
        let outcome = self.recorder.apply(now, input, &mut out);
        let asked = match outcome {
            Outcome::Event(Some(Event::Call { id, .. })) => Some(id),
            _ => None,
        };
        let is_more = matches!(outcome, Outcome::Event(Some(_)) | Outcome::Transmit(Some(_)));
        self.lines.push((format!("{input:?} {outcome:?}"), out.clone()));
        (is_more, out, asked)
    }

    fn packets(&mut self, now: Now) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        loop {
            let (is_more, packet, _) = self.apply(now, &Input::Transmit(LINK));
            if !is_more || packet.is_empty() {
                return packets;
            }
            packets.push(packet);
        }
    }

    fn calls(&mut self, now: Now) -> Vec<IncomingId> {
        let mut calls = Vec::new();
        loop {
            let (is_more, _, asked) = self.apply(now, &Input::Event);
            calls.extend(asked);
            if !is_more {
                return calls;
            }
        }
    }
}

fn client(now: Now, entropy: &mut dyn Entropy) -> Session {
    Session::client(now, Arc::new(SessionConfig::client()), entropy)
}

/// The client's first session has this id because its seed gives it.
fn server(now: Now, entropy: &mut dyn Entropy) -> Session {
    let client = client(now, &mut CtrEntropy::new([1; 32]));
    let salts = Arc::new(ServerSalts::new([9; 32]));
    let key_salts = KeySalts::new(key(3).id(), Some((start().unix, FIRST_SALT)));
    let config = Arc::new(SessionConfig::server());
    Session::server(now, key(3), client.session_id(), (salts, key_salts), config, entropy)
}

/// A client and a server for a while; of packets every fifth is lost and every seventh comes twice.
fn history() -> [Side; 2] {
    let (mut client, mut server) = (Side::new(1, client), Side::new(2, server));
    let mut now = start();
    client.apply(now, &Input::SetKey(established(&key(3), KeyKind::Permanent)));
    for side in [&mut client, &mut server] {
        side.apply(now, &Input::LinkUp { link: LINK, kind: LinkKind::Stream });
    }
    let mut moved = 0_usize;
    for round in 0..200_u32 {
        now = now.after(Duration::from_millis(700));
        let mut options = RequestOptions::new();
        options.priority = [Priority::High, Priority::Normal, Priority::Low][round as usize % 3];
        let body = call(round).repeat(round as usize % 90 + 1);
        client.apply(now, &Input::Request { body: &body, options });
        if round % 50 == 20 {
            for side in [&mut client, &mut server] {
                side.apply(now, &Input::LinkDown(LINK));
                side.apply(now, &Input::LinkUp { link: LINK, kind: LinkKind::Stream });
            }
        }
        for side in [&mut client, &mut server] {
            side.apply(now, &Input::Timeout);
        }
        for (from, to) in [(0, 1), (1, 0)] {
            let sides = [&mut client, &mut server];
            let packets = sides.into_iter().nth(from).unwrap().packets(now);
            for packet in packets {
                moved += 1;
                let copies = [1, 1, 1, 1, 0, 1, 2][moved % 7];
                let receiver = if to == 0 { &mut client } else { &mut server };
                for _ in 0..copies {
                    receiver.apply(now, &Input::Packet { link: LINK, bytes: &packet });
                }
            }
            client.calls(now);
            for to in server.calls(now) {
                let body = update(round).repeat(100);
                server.apply(now, &Input::Respond { to, body: &body });
            }
        }
        server.apply(now, &Input::Push { body: &update(round) });
    }
    client.apply(now, &Input::Close);
    client.calls(now);
    [client, server]
}

#[test]
fn a_log_makes_the_same_run_again() {
    let makers = [client as fn(Now, &mut dyn Entropy) -> Session, server];
    for (side, make) in history().into_iter().zip(makers) {
        let log = side.recorder.log();
        let mut replay = Replay::new(log, make).unwrap();
        let mut lines = Vec::new();
        let mut out = Vec::new();
        while let Some(step) = replay.step(&mut out).unwrap() {
            lines.push((format!("{:?} {:?}", step.input, step.outcome), out.clone()));
            out.clear();
        }
        assert!(lines.len() > 1000);
        let packets = lines.iter().filter(|(_, bytes)| !bytes.is_empty()).count();
        assert!(packets > 50, "{packets} packets");
        assert!(lines == side.lines, "another run");
        assert_eq!(format!("{:?}", replay.session()), format!("{:?}", side.recorder.session()));
    }
    let [first, again] = [history(), history()];
    assert!(first[0].recorder.log() == again[0].recorder.log(), "one seed is one run");
}

#[test]
fn every_input_is_read_back() {
    let mut options = RequestOptions::new().once().quick_ack().bare().unpacked();
    options.after = Some(mtp_session::session::RequestId::from_u64(7));
    let key = key(3);
    let inputs = mtp_session::session::BindInputs { perm_key: key.clone(), expires_at: -5 };
    let link = LinkId::new(u64::MAX);
    let temporary = KeyKind::Temporary { expires_at: start().unix, media: true };
    let all = [
        Input::SetKey(established(&key, temporary)),
        Input::DropKey,
        Input::SetBound,
        Input::Bind(inputs),
        Input::Request { body: &[1, 2, 3, 4], options },
        Input::Cancel(mtp_session::session::RequestId::from_u64(9)),
        Input::DestroySession(SessionId::from_raw(5)),
        Input::DestroyKey,
        Input::Ping(link),
        Input::SetOnline(true),
        Input::Replace,
        Input::Push { body: &[] },
        Input::SessionDestroyed { session_id: SessionId::from_raw(6), existed: true },
        Input::KeyDestroyed(KeyOutcome::Destroyed),
        Input::KeyDestroyed(KeyOutcome::Unknown),
        Input::KeyDestroyed(KeyOutcome::Failed),
        Input::LinkUp { link, kind: LinkKind::HttpPoll },
        Input::LinkUp { link, kind: LinkKind::Http },
        Input::Packet { link, bytes: &[0; 5] },
        Input::QuickAck(mtp_crypto::QuickAckToken::from_raw(0x8000_0001)),
        Input::TransportError { link, code: -404 },
        Input::Transmit(link),
        Input::Event,
        Input::Timeout,
        Input::Trim,
        Input::LinkDown(link),
        Input::Close,
    ];
    let mut recorder = Recorder::new(start(), [3; 32], client);
    for input in &all {
        let _ = recorder.apply(start(), input, &mut Vec::new());
    }
    let mut replay = Replay::new(recorder.log(), client).unwrap();
    for input in &all {
        let step = replay.step(&mut Vec::new()).unwrap().unwrap();
        assert_eq!(format!("{:?}", step.input), format!("{input:?}"));
        assert_eq!(step.now, start());
    }
    assert!(replay.step(&mut Vec::new()).unwrap().is_none());
}

#[test]
fn damaged_logs_are_refused() {
    let mut recorder = Recorder::new(start(), [3; 32], client);
    let input = Input::Request { body: &[1, 2, 3, 4], options: RequestOptions::new() };
    let _ = recorder.apply(start(), &input, &mut Vec::new());
    let log = recorder.log().to_vec();
    let head = 4 + 4 + 32 + 16 + 8;
    for len in 0..log.len() {
        match Replay::new(&log[..len], client) {
            Ok(mut replay) if len == head => {
                assert!(replay.step(&mut Vec::new()).unwrap().is_none());
            }
            Ok(mut replay) => {
                assert!(matches!(replay.step(&mut Vec::new()), Err(LogError::Malformed(_))));
            }
            Err(error) => assert!(len < head && matches!(error, LogError::Malformed(_))),
        }
    }
    let mut other = log.clone();
    other[3] = b'9';
    assert_eq!(Replay::new(&other, client).err(), Some(LogError::UnknownFormat));
    let mut unknown = log;
    unknown[head] = 200;
    let mut replay = Replay::new(&unknown, client).unwrap();
    assert_eq!(replay.step(&mut Vec::new()).err(), Some(LogError::NotAnInput));
}
