//! FakeTLS hellos and their profiles.

use mtp_transport::faketls::{
    ClientHello, HELLO_BODY_LEN, HelloError, Profile, ServerName, TimeWindow,
};

use super::links::signed;
use super::{domain, key};
use crate::input::Input;
use crate::known;

/// Parses and verifies a hello, unmodified or with a valid digest.
///
/// Input: whether to sign, then the first bytes of a connection.
pub fn faketls_hello(data: &[u8]) {
    let mut input = Input::new(data);
    let is_signed = input.flag();
    let rest = input.rest();
    let bytes = if is_signed { signed(rest) } else { rest.to_vec() };
    let collected = ClientHello::collect(&bytes);
    let step = (bytes.len() / 16).max(1);
    for len in (0..bytes.len()).step_by(step) {
        match (ClientHello::collect(&bytes[..len]), &collected) {
            (Ok(None), _) => {}
            (Ok(Some(early)), Ok(Some(hello))) => assert!(early == *hello),
            (Err(early), Err(error)) => assert_eq!(early, *error),
            (early, _) => panic!("{early:?} after {len} bytes, then {collected:?}"),
        }
    }
    let Ok(Some(hello)) = collected else { return };
    assert!(hello.consumed() <= bytes.len() && hello.consumed() > *HELLO_BODY_LEN.start());
    let (secret, domain) = (key(), domain());
    let verify = |rule| {
        let secrets = [(&secret, Some(domain.as_bytes()))];
        hello.verify(secrets, known::start().unix, TimeWindow::default(), rule)
    };
    match (verify(ServerName::Exact), verify(ServerName::Any)) {
        (Ok(exact), Ok(any)) => {
            assert_eq!(exact, any);
            assert_eq!(hello.server_name(), Some(domain.as_bytes()));
            assert_eq!(exact.secret(), 0);
        }
        (Err(HelloError::ServerName), Ok(_) | Err(HelloError::CipherSuite)) => {
            assert_ne!(hello.server_name(), Some(domain.as_bytes()));
        }
        (Err(exact), Err(any)) => assert_eq!(exact, any),
        (exact, any) => panic!("{exact:?}, but with any name {any:?}"),
    }
}

/// Parses a profile of a hello.
///
/// Input: the text.
pub fn faketls_profile(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    if let Err(error) = text.parse::<Profile>() {
        assert!(!error.to_string().is_empty());
    }
}
