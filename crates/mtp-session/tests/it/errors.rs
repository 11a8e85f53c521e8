//! Error types of the crate.
//!
//! Goal: an error prints its own context and leaves its cause to `source()`, so that a printed chain repeats nothing.
//! Method: one value per variant that wraps another error; each link of its chain must say something new.

use std::error::Error;

use mtp_crypto::exchange::{DhGroupError, DhValueError, FactorError, RsaEncryptError};
use mtp_crypto::{DcId, MsgId, OpenError};
use mtp_session::client::{
    CallError, ClientPacketError, ExchangeError, RequestError, ResumeError, SessionResumeError,
};
use mtp_session::exchange::HandshakeError;
use mtp_session::record::{ClientReplay, LogError, Timeline};
use mtp_session::server::{AnswerError, ServerPacketError};
use mtp_session::service::{ContainerError, RpcError};
use mtp_session::session::PacketError;
use mtp_tl::{Decode as _, DecodeError};

use crate::support::world::client_config;

fn decode_error() -> DecodeError {
    u32::from_bytes(&[1]).unwrap_err()
}

/// Asserts that no error of the chain prints its source.
#[track_caller]
fn check(error: &dyn Error) {
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        assert!(!text.is_empty() && !text.ends_with('.'), "{text:?}");
        next = error.source();
        if let Some(source) = next {
            let inner = source.to_string();
            assert!(!text.contains(&inner), "{text:?} repeats its source {inner:?}");
        }
    }
}

#[test]
fn error_prints_its_context_and_not_its_source() {
    let handshake = [
        HandshakeError::Malformed(decode_error()),
        HandshakeError::Factor(FactorError::Even),
        HandshakeError::Encrypt(RsaEncryptError::Entropy),
        HandshakeError::Group(DhGroupError::NotSafePrime),
        HandshakeError::PublicValue(DhValueError::TooSmall),
        HandshakeError::WrongDc(DcId::new(3)),
        HandshakeError::Deadline,
    ];
    let container = ContainerError::TooMany { count: 1025 };
    let packet = [
        PacketError::Envelope(OpenError),
        PacketError::Container(container),
        PacketError::WrongParity { msg_id: MsgId::from_raw(4) },
        PacketError::Closed,
    ];
    let session = [
        SessionResumeError::UnknownFormat,
        SessionResumeError::Malformed(decode_error()),
        SessionResumeError::NoSession,
    ];
    let resume = [
        ResumeError::Version { version: 1 },
        ResumeError::Malformed(decode_error()),
        ResumeError::Key,
        ResumeError::Session(session[1]),
    ];
    for error in handshake {
        check(&error);
        check(&ClientPacketError::Handshake(error));
        check(&ServerPacketError::Handshake(error));
        check(&ExchangeError::Handshake(error));
    }
    for error in packet {
        check(&error);
        check(&ClientPacketError::Session(error));
        check(&ServerPacketError::Session(error));
    }
    for error in session {
        check(&error);
    }
    for error in resume {
        check(&error);
        check(&LogError::Resume(error));
    }
    check(&LogError::Malformed(decode_error()));
    check(&LogError::UnknownInput);
    check(&ClientPacketError::Plain);
    check(&ServerPacketError::OldVersion);
    check(&ExchangeError::Transport { code: -444 });
    check(&container);
    check(&RpcError::new(420, "FLOOD_WAIT_33"));
    check(&CallError::MaybeExecuted);
    check(&RequestError::Closed);
    check(&AnswerError::Closed);
}

#[test]
fn log_errors_name_the_damaged_part() {
    let truncated = Timeline::new(b"mtl").unwrap_err();
    assert_eq!(truncated.to_string(), "damaged log");
    assert!(truncated.source().is_some());
    let unknown = ClientReplay::new(b"nothing to replay", |_| client_config()).unwrap_err();
    assert_eq!(unknown.to_string(), "not a client log of a known version");
    assert!(unknown.source().is_none());
}

#[test]
fn every_error_type_of_the_crate_is_checked() {
    fn error_types(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                error_types(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for line in text.lines().filter(|line| line.contains("Error for ")) {
                let name = line.rsplit("Error for ").next().unwrap();
                found.push(name.split(['<', ' ']).next().unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    error_types(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut found);
    assert!(found.len() >= 11, "{found:?}");
    let checks = include_str!("errors.rs");
    for name in found {
        assert!(checks.contains(&format!("{name}::")), "{name} is not checked above");
    }
}
