//! Captured packets on another link attach nothing: only a new message does.

use super::*;

/// Returns packets with the same calls: alone, in a container, in a packed container, in a container in a new one.
fn captured(bench: &mut Bench) -> Vec<(&'static str, Fields, Vec<u8>)> {
    let mut number = -1;
    let mut label = |bench: &mut Bench| {
        number += 2;
        let fields = bench.fields(5);
        (MsgId::from_raw(fields.msg_id), SeqNo::from_raw(number))
    };
    let single = bench.fields(5);
    let labels = [label(bench), label(bench)];
    let in_container = |(id, seq_no)| (id, seq_no, &CALL[..]);
    let plain = Puppet::container(&[in_container(labels[0])]);
    let packed = gzip(&Puppet::container(&[in_container(labels[1])]));
    let outer = |bench: &mut Bench, seq_no| Fields { seq_no, ..bench.fields(5) };
    vec![
        ("single", single, PING.to_vec()),
        ("container", outer(bench, 4), plain),
        ("packed", outer(bench, 6), packed),
    ]
}

// spec: session 2, 5.3
#[test]
fn replayed_packet_attaches_no_link() {
    let mut bench = Bench::new();
    let own = bench.up(1);
    let packets = captured(&mut bench);
    for (what, fields, body) in &packets {
        assert_eq!(bench.send(own, *fields, body), Ok(()), "{what}");
    }
    bench.events();
    bench.bodies(own);
    for (number, (what, fields, body)) in packets.iter().enumerate() {
        let stranger = bench.up(10 + number as u64);
        assert_eq!(bench.send(stranger, *fields, body), Ok(()), "{what}");
        assert!(!bench.server.has_session(stranger), "{what} proves nothing");
        assert_eq!(bench.bodies(stranger).len(), 0, "{what}");
        let name = SessionName { key: bench.key.id(), id: SessionId::from_raw(5) };
        bench.server.push(bench.now, name, &CALL).unwrap();
        assert_eq!(bench.bodies(stranger).len(), 0, "{what}: pushes stay with the client");
        assert!(bench.bodies(own).iter().any(|body| body == &CALL), "{what}");
    }
    assert!(bench.server.has_session(own));
    let next = bench.up(20);
    let fields = Fields { seq_no: 7, ..bench.fields(5) };
    bench.send(next, fields, &CALL).unwrap();
    assert!(bench.server.has_session(next), "a new message attaches its link");
}

// spec: session 2, 5.3
#[test]
fn container_of_received_messages_attaches_no_link() {
    let mut bench = Bench::new();
    let (own, stranger) = (bench.up(1), bench.up(2));
    let old = Fields { seq_no: 1, ..bench.fields(5) };
    bench.send(own, old, &CALL).unwrap();
    let (id, seq_no) = (MsgId::from_raw(old.msg_id), SeqNo::from_raw(1));
    let body = Puppet::container(&[(id, seq_no, &CALL)]);
    let outer = Fields { seq_no: 2, ..bench.fields(5) };
    bench.send(stranger, outer, &body).unwrap();
    assert!(!bench.server.has_session(stranger));
    let fresh = bench.fields(5);
    let ping = (MsgId::from_raw(fresh.msg_id), SeqNo::from_raw(2));
    let body = Puppet::container(&[(id, seq_no, &CALL), (ping.0, ping.1, &PING)]);
    let outer = Fields { seq_no: 2, ..bench.fields(5) };
    bench.send(stranger, outer, &body).unwrap();
    assert!(bench.server.has_session(stranger));
}

// spec: session 5.2
#[test]
fn refused_packet_attaches_no_link() {
    let mut bench = Bench::new();
    let (own, stranger) = (bench.up(1), bench.up(2));
    let old = bench.fields(5);
    bench.send(own, old, &PING).unwrap();
    let never = Fields { salt: Salt::from_raw(9), ..bench.fields(5) };
    assert!(bench.send(stranger, never, &PING).is_err());
    assert_eq!(bench.bodies(stranger).len(), 1, "it is answered");
    bench.now = bench.now.after(Duration::from_secs(301));
    assert!(bench.send(stranger, old, &PING).is_err());
    assert_eq!(bench.bodies(stranger).len(), 0, "a replay of a received message is not");
    assert!(!bench.server.has_session(stranger));
}
