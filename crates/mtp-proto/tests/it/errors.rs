//! Errors of the core crates as text.
//!
//! Goal: an error says what was wrong, and says it once in a chain of sources. Method: every error that can be made
//! from outside is printed: a different text for each, in lower case, without a full stop, with its numbers and
//! without its source's text.

use core::error::Error;
use core::fmt::{Debug, Display};
use std::collections::BTreeSet;

use mtp_crypto::SealError;
use mtp_crypto::bind::BindError;
use mtp_crypto::calls::CallKeyError;
use mtp_crypto::cdn::CdnError;
use mtp_crypto::exchange::{
    DhGroupError, DhValueError, FactorError, OpenAnswerError, RsaDecryptError, RsaEncryptError,
    RsaKeyError,
};
use mtp_crypto::key_file::{OpenFileError, SealFileError};
use mtp_crypto::secret_chat::{AgreementError, LayerError, RekeyError, SequenceError};
use mtp_crypto::srp::{NewPasswordError, ProveError, VerifyError};
use mtp_crypto::{AuthKeyId, DcId, MsgId, OpenError, ige};
use mtp_proto::ConnectionError;
use mtp_session::client::{
    CallError as RequestFailure, ClientPacketError, ExchangeError, RequestError, SessionResumeError,
};
use mtp_session::exchange::HandshakeError;
use mtp_session::record::LogError;
use mtp_session::server::{AnswerError, ServerPacketError};
use mtp_session::service::ContainerError;
use mtp_session::session::PacketError;
use mtp_tl::{ConstructorId, DecodeErrorKind, Decoder, EncodeError};
use mtp_transport::datagram::DatagramError;
use mtp_transport::detect::Protocol;
use mtp_transport::faketls::{FakeTlsError, HelloError, ProfileError};
use mtp_transport::framing::{self, FrameError, Framing};
use mtp_transport::http::HttpError;
use mtp_transport::link::{self, LinkError};
use mtp_transport::proxy_link::ProxyLinkError;
use mtp_transport::proxy_protocol::ProxyHeaderError;
use mtp_transport::relay::{CloseReason, RelayRefusal};
use mtp_transport::secret::SecretError;
use mtp_transport::websocket::WebSocketError;

/// Checks the texts of one error type's values, and that none prints its source.
#[track_caller]
fn check<E: Error>(errors: impl IntoIterator<Item = E>) {
    let errors: Vec<E> = errors.into_iter().collect();
    for error in &errors {
        if let Some(source) = error.source() {
            assert!(
                !error.to_string().contains(&source.to_string()),
                "{error:?} prints its source"
            );
        }
    }
    check_texts(errors);
}

/// Checks the texts of one type's values, and that they differ.
#[track_caller]
fn check_texts<E: Debug + Display>(errors: impl IntoIterator<Item = E>) {
    let mut texts = BTreeSet::new();
    for error in errors {
        let text = error.to_string();
        assert!(text.contains(' ') && !text.ends_with('.'), "{error:?}: {text:?}");
        // Names such as RSA and MsgId(..) keep their case.
        let word = text.split(' ').next().unwrap();
        let is_name = word.chars().skip(1).any(|c| !c.is_ascii_lowercase());
        assert!(is_name || word.chars().all(char::is_lowercase), "{text:?}");
        // The text has the numbers of all fields, in decimal or hexadecimal.
        let debugged = format!("{error:?}");
        let numbers = debugged.split(|c: char| !c.is_ascii_alphanumeric());
        for number in numbers.filter_map(|word| word.parse::<u64>().ok()).filter(|n| *n > 99) {
            let said = text.contains(&number.to_string()) || text.contains(&format!("{number:x}"));
            assert!(said, "{debugged} says {text:?}");
        }
        assert!(texts.insert(text), "two errors with one text: {texts:?}");
    }
}

#[test]
fn errors_of_packets() {
    check([OpenError]);
    check([BindError]);
    check([SealError::Body { len: 1003 }, SealError::NotPadded { len: 1003 }]);
    check([ige::encrypt(&[0; 32], &mut [0; 32], &mut [0; 117]).unwrap_err()]);
    check([
        CdnError::KeySize { key: 317, iv: 163 },
        CdnError::Offset { offset: 1003 },
        CdnError::Hash,
    ]);
}

#[test]
fn errors_of_key_exchanges() {
    check([OpenAnswerError]);
    check([RsaDecryptError]);
    check([RsaEncryptError::TooLong { len: 1003 }, RsaEncryptError::Entropy]);
    check([
        RsaKeyError::Pem,
        RsaKeyError::Label,
        RsaKeyError::Der,
        RsaKeyError::Algorithm,
        RsaKeyError::ModulusSize { bits: 1024 },
        RsaKeyError::ModulusEven,
        RsaKeyError::Exponent,
        RsaKeyError::Inconsistent,
        RsaKeyError::Entropy,
    ]);
    check([
        FactorError::TooSmall,
        FactorError::Even,
        FactorError::Prime,
        FactorError::Square,
        FactorError::ManyFactors,
        FactorError::GivenUp,
    ]);
    check([
        DhGroupError::PrimeSize,
        DhGroupError::GeneratorRange { generator: 117 },
        DhGroupError::GeneratorNotResidue { generator: 117 },
        DhGroupError::NotSafePrime,
    ]);
    check([
        DhValueError::TooLong { len: 317 },
        DhValueError::TooSmall,
        DhValueError::TooLarge,
        DhValueError::Entropy,
    ]);
}

#[test]
fn errors_of_passwords_and_key_files() {
    check([ProveError::ServerValue, ProveError::Entropy]);
    check([VerifyError::ClientValue, VerifyError::Proof]);
    check([NewPasswordError::Salt, NewPasswordError::Hash]);
    check([SealFileError::TooLarge, SealFileError::Memory]);
    check([
        OpenFileError::NotAKeyFile,
        OpenFileError::Version { found: 117 },
        OpenFileError::TooLarge { len: 1003 },
        OpenFileError::Memory,
        OpenFileError::Password,
        OpenFileError::Contents,
    ]);
}

#[test]
fn errors_of_chats_and_calls() {
    check([
        CallKeyError::Value(DhValueError::TooSmall),
        CallKeyError::Commitment,
        CallKeyError::Fingerprint,
    ]);
    let agreement = [AgreementError::Value(DhValueError::TooSmall), AgreementError::Fingerprint];
    check(agreement);
    check([RekeyError::Agreement(AgreementError::Fingerprint), RekeyError::Unexpected]);
    check([
        LayerError::NotMonotonic { layer: 117, declared: 118 },
        LayerError::Downgrade { layer: 117 },
    ]);
    check([
        SequenceError::Parity { seq_no: 117 },
        SequenceError::Acknowledgment { accepted: 117, before: 118, created: 119 },
        SequenceError::Gap { missing: 117 },
        SequenceError::Exhausted,
    ]);
}

#[test]
fn errors_of_values() {
    check([
        EncodeError::BufferTooSmall { needed: 1003, have: 1002 },
        EncodeError::StringTooLong { len: 1003 },
        EncodeError::VectorTooLong { len: 1003 },
    ]);
    let id = ConstructorId::new(0x1234_5678);
    let kinds = [
        DecodeErrorKind::UnexpectedEof { needed: 1003, have: 1002 },
        DecodeErrorKind::UnknownConstructor { id },
        DecodeErrorKind::UnexpectedConstructor { id, expected: "Bool" },
        DecodeErrorKind::InvalidLength { count: -117 },
        DecodeErrorKind::RecursionLimit { max: 117 },
        DecodeErrorKind::ElementsLimit { max: 1003 },
        DecodeErrorKind::BytesLimit { max: 1003 },
        DecodeErrorKind::TrailingBytes { remaining: 1003 },
        DecodeErrorKind::NotCanonical,
    ];
    check(kinds.map(|kind| Decoder::new(&[]).error(kind)));
}

#[test]
fn errors_of_links() {
    check([
        FrameError::Empty,
        FrameError::Overlong { words: 117 },
        FrameError::TooLong { len: 1003, max: 1002 },
        FrameError::TooShort { len: 117, min: 118 },
        FrameError::Misaligned { len: 117 },
        FrameError::SeqNo { expected: 117, found: 118 },
        FrameError::Checksum { expected: 0x1234_5678, found: 0x1234_5679 },
        FrameError::ShortPacket { len: 117 },
        FrameError::UnknownControl { word: 117 },
        FrameError::InnerLength { declared: 117, available: 118 },
        FrameError::Truncated { have: 117 },
    ]);
    let encode = [
        framing::FrameEncodeError::Empty,
        framing::FrameEncodeError::Misaligned { len: 117 },
        framing::FrameEncodeError::TooLong { len: 117 },
        framing::FrameEncodeError::NotOurs,
    ];
    check(encode);
    check([
        link::LinkSendError::NotReady,
        link::LinkSendError::StaleMark,
        link::LinkSendError::Encode(encode[0]),
    ]);
    check([
        LinkError::Frame(FrameError::Empty),
        LinkError::HandshakeTimeout,
        LinkError::HandshakeTruncated,
        LinkError::NotAccepted(Protocol::Plain(Framing::Full)),
        LinkError::NotAccepted(Protocol::Obfuscated),
        LinkError::NotAccepted(Protocol::Tls),
        LinkError::NotAccepted(Protocol::Http),
        LinkError::Header,
        LinkError::Replayed,
        LinkError::Http(HttpError::NotFound),
        LinkError::WebSocket(WebSocketError::Mask),
        LinkError::FakeTls(FakeTlsError::Alert),
    ]);
    check([
        DatagramError::Empty,
        DatagramError::Kind { kind: 117 },
        DatagramError::Length { kind: 117, len: 118 },
        DatagramError::Code { code: 117 },
    ]);
}

#[test]
fn errors_of_http_and_websocket() {
    check([
        HttpError::HeadTooLong,
        HttpError::Malformed,
        HttpError::LengthRequired,
        HttpError::BodyTooLong { len: 1003, limit: 1002 },
        HttpError::NotImplemented,
        HttpError::NotFound,
        HttpError::TooManyRequests,
        HttpError::NoAnswer,
        HttpError::Truncated,
        HttpError::Unasked,
    ]);
    check([
        WebSocketError::Head(HttpError::Malformed),
        WebSocketError::NotUpgrade,
        WebSocketError::BadUpgrade,
        WebSocketError::Refused { status: 503 },
        WebSocketError::BadAnswer,
        WebSocketError::Reserved { first: 0x7f },
        WebSocketError::Length,
        WebSocketError::Mask,
        WebSocketError::Control,
        WebSocketError::Fragment,
        WebSocketError::Text,
        WebSocketError::Truncated,
    ]);
}

#[test]
fn errors_of_proxies() {
    check([
        SecretError::TooShort { len: 117 },
        SecretError::TooLong { len: 117 },
        SecretError::Unsupported { first: 0xcc, len: 117 },
        SecretError::NotDecodable,
        SecretError::DomainTooShort { len: 117 },
    ]);
    check([
        ProxyLinkError::NotProxyLink,
        ProxyLinkError::EmptyServer,
        ProxyLinkError::ServerTooLong { len: 1003 },
        ProxyLinkError::ServerNotText,
        ProxyLinkError::Port,
        ProxyLinkError::NotDecodable,
        ProxyLinkError::Secret(SecretError::NotDecodable),
    ]);
    check([
        ProxyHeaderError::NoSignature,
        ProxyHeaderError::TooLong,
        ProxyHeaderError::Line,
        ProxyHeaderError::Command { found: 117 },
        ProxyHeaderError::Addresses,
    ]);
    check([
        ProfileError::Line { line_number: 117 },
        ProfileError::Items { line_number: 117 },
        ProfileError::Incomplete,
        ProfileError::TooLong { len: 1003 },
    ]);
    check([
        FakeTlsError::Hello(HelloError::Digest),
        FakeTlsError::Answer,
        FakeTlsError::AnswerTooLong,
        FakeTlsError::AnswerDigest,
        FakeTlsError::RecordKind { found: 0x15 },
        FakeTlsError::RecordVersion { found: 0x0301 },
        FakeTlsError::RecordTooLong { len: 16_641 },
        FakeTlsError::Alert,
        FakeTlsError::Truncated,
    ]);
    check([
        HelloError::NotHello,
        HelloError::Length { len: 117 },
        HelloError::TooManyRecords,
        HelloError::Malformed,
        HelloError::Digest,
        HelloError::Stale { seconds: 117 },
        HelloError::Future { seconds: 117 },
        HelloError::Replayed,
        HelloError::ServerName,
        HelloError::CipherSuite,
    ]);
    check_texts([
        CloseReason::ClientEof,
        CloseReason::UpstreamEof,
        CloseReason::DialFailed,
        CloseReason::DialTimeout,
        CloseReason::Idle,
        CloseReason::Refused(RelayRefusal::Header),
        CloseReason::Refused(RelayRefusal::Replayed),
        CloseReason::Refused(RelayRefusal::Timeout),
        CloseReason::UnknownDc(DcId::new(117)),
        CloseReason::ProxyHeader(ProxyHeaderError::TooLong),
        CloseReason::Records(FakeTlsError::Alert),
    ]);
}

#[test]
fn errors_of_handshakes() {
    check([
        HandshakeError::Envelope,
        HandshakeError::TooLong { len: 1003 },
        HandshakeError::Unexpected(ConstructorId::new(0x1234_5678)),
        HandshakeError::Nonce,
        HandshakeError::UnknownFingerprint,
        HandshakeError::PqLen { len: 117 },
        HandshakeError::Factor(FactorError::Even),
        HandshakeError::EncryptedLen { len: 255 },
        HandshakeError::Encrypt(RsaEncryptError::Entropy),
        HandshakeError::Answer,
        HandshakeError::Group(DhGroupError::NotSafePrime),
        HandshakeError::PublicValue(DhValueError::TooSmall),
        HandshakeError::KeyHash,
        HandshakeError::ZeroKeyId,
        HandshakeError::Refused,
        HandshakeError::Retries,
        HandshakeError::UnknownRun,
        HandshakeError::WrongFactors,
        HandshakeError::NotOffered,
        HandshakeError::InnerData,
        HandshakeError::LegacyScheme,
        HandshakeError::WrongDc(DcId::new(117)),
        HandshakeError::TooManyRuns,
        HandshakeError::Deadline,
    ]);
    check([
        ExchangeError::Handshake(HandshakeError::Nonce),
        ExchangeError::Transport { code: -404 },
    ]);
}

#[test]
fn errors_of_sessions() {
    let inner = MsgId::from_raw(1 << 33);
    check([
        ContainerError::NotAContainer,
        ContainerError::Truncated,
        ContainerError::TooMany { count: 1003 },
        ContainerError::Length { inner, len: 117 },
        ContainerError::Order { inner },
        ContainerError::Nested { inner },
        ContainerError::Repeated { inner },
        ContainerError::TrailingBytes { len: 117 },
    ]);
    check([
        PacketError::NoKey,
        PacketError::Closed,
        PacketError::Envelope(OpenError),
        PacketError::WrongSession,
        PacketError::WrongParity { msg_id: inner },
        PacketError::Container(ContainerError::Truncated),
        PacketError::NamesNothing,
        PacketError::Backlog,
    ]);
    check([
        RequestFailure::Closed,
        RequestFailure::MaybeExecuted,
        RequestFailure::Refused { code: 117 },
        RequestFailure::Undecodable,
        RequestFailure::Dropped,
    ]);
    check([SessionResumeError::UnknownFormat, SessionResumeError::NoSession]);
    check([
        RequestError::Closed,
        RequestError::NotAnObject { len: 117 },
        RequestError::TooLong { len: 1003, max: 1002 },
        RequestError::TooManyCalls { max: 1003 },
        RequestError::TooManyBytes { max: 1003 },
        RequestError::UnknownCall,
    ]);
    check([AnswerError::Closed, AnswerError::NotAnObject { len: 117 }, AnswerError::UnknownCall]);
    check([
        ClientPacketError::Plain,
        ClientPacketError::Handshake(HandshakeError::Nonce),
        ClientPacketError::Session(PacketError::NoKey),
    ]);
    check([
        ServerPacketError::UnknownLink,
        ServerPacketError::Handshake(HandshakeError::Nonce),
        ServerPacketError::UnknownKey(AuthKeyId::from_raw(117)),
        ServerPacketError::Envelope,
        ServerPacketError::OldVersion,
        ServerPacketError::Ended,
        ServerPacketError::Session(PacketError::NoKey),
        ServerPacketError::Full,
    ]);
    check([
        LogError::UnknownFormat,
        LogError::UnknownInput,
        LogError::Resume(mtp_session::client::ResumeError::Session(SessionResumeError::NoSession)),
    ]);
    check([
        ConnectionError::Link(LinkError::Replayed),
        ConnectionError::FromServer(ClientPacketError::Plain),
        ConnectionError::FromClient(ServerPacketError::Full),
    ]);
}
