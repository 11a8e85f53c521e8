//! Key exchanges and sessions of clients and servers. The fuzzer has the key.

mod handshake;
pub(crate) mod machines;
mod pair;
mod peer;
mod service;
mod single;

pub use handshake::{client_handshake, server_handshake};
pub use pair::session_pair;
pub use service::{client_resume, salts, service_messages};
pub use single::{session_client, session_server};

/// Replaces every aligned occurrence of a mark.
///
/// A fuzzer cannot guess message ids and nonces, so inputs contain marks for them.
fn substitute(bytes: &mut [u8], mark: &[u8], replacement: &[u8]) {
    let mut at = 0;
    while let Some(place) = bytes.get_mut(at..at + mark.len()) {
        if place == mark {
            place.copy_from_slice(replacement);
        }
        at += 4;
    }
}
