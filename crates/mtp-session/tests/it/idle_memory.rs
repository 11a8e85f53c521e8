//! Memory of an idle server session.
//!
//! Goal: at most 4 KiB, including after traffic. Method: serve 20 calls, let time pass, count the bytes still allocated.

use mtp_session::server::{ServerSession, ServerSessionConfig};
use mtp_session::service::{MsgIds, MsgsAck};

use crate::peers::{DrivenServer, LINK, Observed, call, update};

const IDLE_BYTES_MAX: i64 = 4096;

/// Returns a server session that has answered 20 calls, each acknowledged.
fn served() -> DrivenServer {
    let (mut server, mut puppet) = DrivenServer::ready_server(ServerSessionConfig::default());
    for number in 0..20 {
        let (_, packet) = puppet.odd_message(server.now, 0, &call(number));
        server.take(&packet);
        let Some(Observed::Call(id, ..)) = server.events().pop() else { panic!("no call") };
        // Longer than what the event arena keeps allocated.
        let answer = update(number).repeat(200);
        server.session.answer(server.now, id, &answer).unwrap();
        let packet = puppet.read(&server.packet());
        let odd = packet.messages.iter().filter(|read| read.is_odd()).map(|read| read.msg_id);
        let acks = puppet.even_message(server.now, &MsgsAck { msg_ids: MsgIds::new(odd) });
        server.take(&acks);
        server.events();
    }
    server
}

/// Returns the bytes a session takes, including its key and configuration, which sessions normally share.
fn bytes_of(make: impl FnOnce() -> ServerSession) -> i64 {
    let mut session = None;
    let memory = allocation_counter::measure(|| session = Some(make()));
    drop(session);
    memory.bytes_current + i64::try_from(size_of::<ServerSession>()).unwrap()
}

#[test]
fn idle_session_releases_its_buffers() {
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
fn session_without_link_releases_its_buffers_at_once() {
    let bytes = bytes_of(|| {
        let mut server = served();
        server.session.link_down(server.now, LINK);
        server.session
    });
    println!("{bytes} bytes without a link");
    assert!((512..=IDLE_BYTES_MAX).contains(&bytes), "{bytes} bytes");
}
