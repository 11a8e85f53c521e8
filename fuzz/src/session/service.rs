//! Service messages and other small parsers of the session layer.

use std::sync::Arc;

use mtp_crypto::{AuthKeyId, DcId, MsgId, Salt, SeqNo};
use mtp_env::UnixTime;
use mtp_session::client::{ClientConfig, ClientMachine};
use mtp_session::server::{KeySalts, ServerSalts};
use mtp_session::service::{
    CONTAINER_HEADER_LEN, CONTAINER_MESSAGES_MAX, Container, DropAnswer, ErrorName,
    INNER_HEADER_LEN, Message, RpcError, Wrappers, copied,
};
use mtp_tl::Encode;

use crate::input::Input;
use crate::known;

/// Decodes service messages: bytes → message → bytes → message agree.
///
/// Input: the kind of message, then the bytes.
pub fn service_messages(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte() % 5;
    match kind {
        0 => message(input.rest()),
        1 => container(MsgId::from_raw(input.u64()), input.u32().cast_signed(), input.rest()),
        2 => rpc_error(input.u32().cast_signed(), input.rest()),
        3 => wrappers(input.rest()),
        _ => {
            let bytes = input.rest();
            if let Ok(inner) = copied(bytes) {
                assert!(bytes.ends_with(inner.body));
            }
            let _ = DropAnswer::parse(bytes);
        }
    }
}

fn message(bytes: &[u8]) {
    match Message::parse(bytes) {
        Ok(message) => {
            let written = message.to_bytes();
            assert_eq!(written.len(), message.encoded_len());
            assert_eq!(Message::parse(&written).as_ref(), Ok(&message));
            // Encoding normalizes padding and lengths.
            assert!(written.len() <= bytes.len());
        }
        Err(error) => assert!(error.offset() <= bytes.len()),
    }
}

fn container(msg_id: MsgId, seq_no: i32, body: &[u8]) {
    let seq_no = SeqNo::from_raw(seq_no);
    let Ok(container) = Container::parse(msg_id, seq_no, body) else { return };
    let mut ids = Vec::new();
    let mut len = CONTAINER_HEADER_LEN;
    for inner in container.iter() {
        assert!(inner.msg_id < msg_id && inner.seq_no <= seq_no);
        assert!(inner.body.len() >= 4 && inner.body.len().is_multiple_of(4));
        len += INNER_HEADER_LEN + inner.body.len();
        ids.push(inner.msg_id);
    }
    assert_eq!(len, body.len());
    assert!(ids.len() <= CONTAINER_MESSAGES_MAX as usize);
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
}

fn rpc_error(code: i32, bytes: &[u8]) {
    let _ = RpcError::parse(bytes);
    let error = RpcError::from_wire(code, bytes);
    let written = error.to_bytes();
    let again = RpcError::parse(&written).expect("as written");
    assert_eq!((again.code(), again.message()), (error.code(), error.message()));
    let _ = error.reaction();
    assert!(!error.to_string().is_empty());
    let name = error.name();
    assert_eq!(name.argument(), ErrorName::parse(error.message()).argument());
    assert!(name == *name.to_string(), "{name} equals its text");
    if let Some(argument) = name.argument() {
        let digits = argument.to_string();
        assert!(error.message().contains(&digits), "{} contains {digits}", error.message());
    }
}

fn wrappers(body: &[u8]) {
    let Ok((wrappers, query)) = Wrappers::peel(body) else { return };
    assert!(body.ends_with(query));
    assert_eq!(query.len() == body.len(), wrappers == Wrappers::default());
    let (inside, same) = Wrappers::peel(query).expect("all wrappers are removed");
    assert_eq!((inside, same), (Wrappers::default(), query));
}

/// Checks server salts at arbitrary times: two are valid at each time, none after an hour, and scheduled salts are accepted.
///
/// Input: the requested number, a key, a first salt, then times.
pub fn salts(data: &[u8]) {
    let mut input = Input::new(data);
    let salts = ServerSalts::new([7; 32]);
    let asked = input.u32().cast_signed();
    let first = input.flag().then(|| (time(&mut input), Salt::from_raw(input.u64())));
    let key = KeySalts::new(AuthKeyId::from_raw(input.u64()), first);
    for _ in 0..8 {
        let now = time(&mut input);
        let current = key.current(&salts, now);
        assert!(key.accepts(&salts, now, current));
        let half_hour = |half_hours: u64| UnixTime::from_secs(now.as_secs() + 1800 * half_hours);
        assert!(key.accepts(&salts, half_hour(1), current) || first.is_some());
        assert!(!key.accepts(&salts, half_hour(4), current) || first.is_some());
        let mut promised = 0;
        let mut until = 0;
        for salt in key.schedule(&salts, now, asked) {
            assert!(salt.valid_since < salt.valid_until);
            assert!(promised == 0 || salt.valid_since <= until, "no gap");
            until = salt.valid_until;
            for at in [salt.valid_since, salt.valid_until - 1] {
                let at = UnixTime::from_secs(at.into());
                assert!(key.accepts(&salts, at, salt.salt));
            }
            promised += 1;
        }
        assert!((1..=64).contains(&promised), "{promised} salts for {asked} requested");
        if input.is_empty() {
            return;
        }
    }
}

/// Returns a time between 1970 and 2100.
fn time(input: &mut Input<'_>) -> UnixTime {
    // The schedule of the following day must fit 32 bits.
    let secs = input.u32() % (u32::MAX - 1_000_000);
    let nanos = u64::from(secs) * 1_000_000_000 + u64::from(input.u32() % 1_000_000_000);
    UnixTime::from_nanos(nanos)
}

/// Resumes a client from any bytes. Its saved state must resume to an equal client.
///
/// Input: the bytes.
pub fn client_resume(data: &[u8]) {
    let resume = |bytes: &[u8]| {
        let public = known::rsa_keys()[0].public().clone();
        let config = ClientConfig::new(DcId::new(2), Arc::new([public]));
        ClientMachine::resume(config, known::start(), bytes, Box::new(known::entropy(40)))
    };
    match resume(data) {
        Ok(client) => {
            let saved = client.save();
            let again = resume(&saved).expect("as saved");
            assert_eq!(*again.save(), *saved);
            // Only an expired key is dropped.
            assert!(saved.len() <= data.len());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
