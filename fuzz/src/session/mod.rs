//! Key exchanges and sessions of both roles, with the fuzzer holding the key.

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

/// Replaces every occurrence of a pattern of 8 or 16 equal bytes followed by what only a run knows.
///
/// Message ids and nonces are nothing that a fuzzer guesses; inputs name them by marks.
fn substitute(bytes: &mut [u8], mark: &[u8], replacement: &[u8]) {
    let mut at = 0;
    while let Some(place) = bytes.get_mut(at..at + mark.len()) {
        if place == mark {
            place.copy_from_slice(replacement);
        }
        at += 4;
    }
}
