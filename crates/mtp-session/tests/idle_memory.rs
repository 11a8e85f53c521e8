//! What an idle session of a server takes.
//!
//! Goal: at most 4 KiB, also after it has worked. Method: serve 20 calls, let time pass, count what is left allocated.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::std_instead_of_core,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

// The allocation counter counts for the whole process, so this test has a binary of its own.
#[path = "it/peers/mod.rs"]
mod peers;

use mtp_session::service::{MsgIds, MsgsAck};
use mtp_session::session::{Session, SessionConfig};
use peers::{Driven, LINK, Told, call, update};

const IDLE_BYTES_MAX: i64 = 4096;

/// Returns a server that has answered 20 calls, each acknowledged.
fn served() -> Driven {
    let (mut server, mut puppet) = Driven::ready_server(SessionConfig::server());
    for number in 0..20 {
        let (_, packet) = puppet.odd_message(server.now, 0, &call(number));
        server.take(&packet);
        let Some(Told::Call(id, ..)) = server.events().pop() else { panic!("no call") };
        // Too long for the arena to be kept whole.
        let answer = update(number).repeat(200);
        server.session.respond(server.now, id, &answer).unwrap();
        let packet = puppet.read(&server.packet());
        let odd = packet.messages.iter().filter(|read| read.is_odd()).map(|read| read.msg_id);
        let acks = puppet.even_message(server.now, &MsgsAck { msg_ids: MsgIds::new(odd) });
        server.take(&acks);
        server.events();
    }
    server
}

/// Returns what a session takes, with its key and configuration, which others would share.
fn bytes_of(make: impl FnOnce() -> Session) -> i64 {
    let mut session = None;
    let memory = allocation_counter::measure(|| session = Some(make()));
    drop(session);
    memory.bytes_current + i64::try_from(size_of::<Session>()).unwrap()
}

#[test]
fn a_session_that_falls_silent_frees_its_room() {
    let bytes = bytes_of(|| {
        let mut server = served();
        let later = server.now.after(std::time::Duration::from_secs(31));
        server.idle(later);
        server.silent();
        server.session
    });
    println!("{bytes} bytes with a link");
    assert!((512..=IDLE_BYTES_MAX).contains(&bytes), "{bytes} bytes");
}

#[test]
fn a_parked_session_frees_its_room_at_once() {
    let bytes = bytes_of(|| {
        let mut server = served();
        server.session.link_down(server.now, LINK);
        server.session
    });
    println!("{bytes} bytes without a link");
    assert!((512..=IDLE_BYTES_MAX).contains(&bytes), "{bytes} bytes");
}
