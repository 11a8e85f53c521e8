//! All error types: each variant has a text of its own, and no text repeats that of its source.

use std::collections::BTreeSet;
use std::error::Error;

use mtp_crypto::DcId;
use mtp_transport::datagram::{self, Datagram, DatagramError, DatagramTooLong};
use mtp_transport::detect::Protocol;
use mtp_transport::faketls::{FakeTlsError, HelloError, ProfileError};
use mtp_transport::framing::{FrameEncodeError, FrameError};
use mtp_transport::http::HttpError;
use mtp_transport::link::{LinkError, LinkSendError};
use mtp_transport::middle_proxy::clusters::ClustersError;
use mtp_transport::middle_proxy::link::{MiddleLinkError, MiddleSendError};
use mtp_transport::middle_proxy::pool::{PoolOpenError, PoolPacketError};
use mtp_transport::middle_proxy::rpc::NotForwardable;
use mtp_transport::middle_proxy::secret::MiddleSecretError;
use mtp_transport::proxy_link::ProxyLinkError;
use mtp_transport::proxy_protocol::ProxyHeaderError;
use mtp_transport::relay::Overrun;
use mtp_transport::secret::SecretError;
use mtp_transport::websocket::WebSocketError;

fn datagram_too_long() -> DatagramTooLong {
    let bytes = [0; datagram::PACKET_LEN_MAX + 1];
    let packet = Datagram::Packet { bytes: &bytes, quick_ack: false };
    datagram::encode(&packet, &mut Vec::new()).unwrap_err()
}

const DATAGRAM: [DatagramError; 4] = [
    DatagramError::Empty,
    DatagramError::Kind { kind: 4 },
    DatagramError::Length { kind: 1, len: 3 },
    DatagramError::Code { code: 7 },
];

const FRAME: [FrameError; 11] = [
    FrameError::Empty,
    FrameError::Overlong { words: 3 },
    FrameError::TooLong { len: 9, max: 8 },
    FrameError::TooShort { len: 3, min: 4 },
    FrameError::Misaligned { len: 6 },
    FrameError::SeqNo { expected: 1, found: 2 },
    FrameError::Checksum { expected: 1, found: 10 },
    FrameError::ShortPacket { len: 5 },
    FrameError::UnknownControl { word: -7 },
    FrameError::InnerLength { declared: 8, available: 4 },
    FrameError::Truncated { have: 3 },
];

const FRAME_ENCODE: [FrameEncodeError; 4] = [
    FrameEncodeError::Empty,
    FrameEncodeError::Misaligned { len: 6 },
    FrameEncodeError::TooLong { len: 1 << 25 },
    FrameEncodeError::NotOurs,
];

const HTTP: [HttpError; 10] = [
    HttpError::HeadTooLong,
    HttpError::Malformed,
    HttpError::LengthRequired,
    HttpError::BodyTooLong { len: 9, limit: 8 },
    HttpError::NotImplemented,
    HttpError::NotFound,
    HttpError::TooManyRequests,
    HttpError::NoAnswer,
    HttpError::Truncated,
    HttpError::Unasked,
];

const HELLO: [HelloError; 10] = [
    HelloError::NotHello,
    HelloError::Length { len: 9 },
    HelloError::TooManyRecords,
    HelloError::Malformed,
    HelloError::Digest,
    HelloError::Stale { seconds: 700 },
    HelloError::Future { seconds: 7 },
    HelloError::Replayed,
    HelloError::ServerName,
    HelloError::CipherSuite,
];

const PROFILE: [ProfileError; 4] = [
    ProfileError::Line { line_number: 2 },
    ProfileError::Items { line_number: 2 },
    ProfileError::Incomplete,
    ProfileError::TooLong { len: 9999 },
];

const SECRET: [SecretError; 5] = [
    SecretError::TooShort { len: 3 },
    SecretError::TooLong { len: 300 },
    SecretError::Unsupported { first: 0xcc, len: 17 },
    SecretError::NotDecodable,
    SecretError::DomainTooShort { len: 0 },
];

const PROXY_HEADER: [ProxyHeaderError; 9] = [
    ProxyHeaderError::NoSignature,
    ProxyHeaderError::TooLong,
    ProxyHeaderError::Line,
    ProxyHeaderError::Command { found: 0x22 },
    ProxyHeaderError::Family { found: 0x12 },
    ProxyHeaderError::Addresses,
    ProxyHeaderError::Extension,
    ProxyHeaderError::Checksum,
    ProxyHeaderError::Truncated,
];

const CLUSTERS: [ClustersError; 4] = [
    ClustersError::TooLong { len: 9 },
    ClustersError::TooMany,
    ClustersError::Unfinished,
    ClustersError::NoTarget,
];

const MIDDLE_SECRET: [MiddleSecretError; 3] =
    [MiddleSecretError::Length { len: 9 }, MiddleSecretError::Page, MiddleSecretError::Selector];

const MIDDLE_LINK: [MiddleLinkError; 18] = [
    MiddleLinkError::Length { len: 9 },
    MiddleLinkError::SeqNo { expected: 1, found: 2 },
    MiddleLinkError::Checksum,
    MiddleLinkError::NotNonce,
    MiddleLinkError::Schema { schema: 4 },
    MiddleLinkError::Selector { selector: [1, 2, 3, 4] },
    MiddleLinkError::Clock { offset_s: -40 },
    MiddleLinkError::NotHandshake,
    MiddleLinkError::HandshakeLength { len: 8 },
    MiddleLinkError::Flags { flags: 8 },
    MiddleLinkError::WrongProcess,
    MiddleLinkError::ChecksumNotOffered,
    MiddleLinkError::Refused { code: 3 },
    MiddleLinkError::ClosedEarly,
    MiddleLinkError::Closed,
    MiddleLinkError::Truncated,
    MiddleLinkError::HandshakeTimeout,
    MiddleLinkError::Silent,
];

const MIDDLE_SEND: [MiddleSendError; 3] =
    [MiddleSendError::NotReady, MiddleSendError::Full, MiddleSendError::Length { len: 9 }];

const NOT_FORWARDABLE: [NotForwardable; 3] = [
    NotForwardable::Length { len: 9 },
    NotForwardable::InnerLength { len: 9 },
    NotForwardable::Constructor { id: 9 },
];

const POOL_OPEN: [PoolOpenError; 2] = [PoolOpenError::NoCluster(DcId::new(2)), PoolOpenError::Full];

fn pool_packet() -> Vec<PoolPacketError> {
    vec![
        PoolPacketError::Ended,
        PoolPacketError::Full,
        PoolPacketError::NotForwardable(NOT_FORWARDABLE[0]),
    ]
}

fn fake_tls() -> Vec<FakeTlsError> {
    let mut all = HELLO.map(FakeTlsError::Hello).to_vec();
    all.extend([
        FakeTlsError::Answer,
        FakeTlsError::AnswerTooLong,
        FakeTlsError::AnswerDigest,
        FakeTlsError::RecordKind { found: 0x16 },
        FakeTlsError::RecordVersion { found: 0x0301 },
        FakeTlsError::RecordTooLong { len: 20_000 },
        FakeTlsError::Alert,
        FakeTlsError::Truncated,
    ]);
    all
}

fn websocket() -> Vec<WebSocketError> {
    let mut all = vec![WebSocketError::Head(HttpError::Malformed)];
    all.extend([
        WebSocketError::NotUpgrade,
        WebSocketError::BadUpgrade,
        WebSocketError::Refused { status: 404 },
        WebSocketError::BadAnswer,
        WebSocketError::Reserved { first: 0xc2 },
        WebSocketError::Length,
        WebSocketError::Mask,
        WebSocketError::Control,
        WebSocketError::Fragment,
        WebSocketError::Text,
        WebSocketError::Truncated,
    ]);
    all
}

fn proxy_link() -> Vec<ProxyLinkError> {
    vec![
        ProxyLinkError::NotProxyLink,
        ProxyLinkError::EmptyServer,
        ProxyLinkError::ServerTooLong { len: 256 },
        ProxyLinkError::ServerNotText,
        ProxyLinkError::Port,
        ProxyLinkError::NotDecodable,
        ProxyLinkError::Secret(SecretError::NotDecodable),
    ]
}

fn link() -> Vec<LinkError> {
    let mut all = FRAME.map(LinkError::Frame).to_vec();
    all.extend(HTTP.map(LinkError::Http));
    all.extend(websocket().into_iter().map(LinkError::WebSocket));
    all.extend(fake_tls().into_iter().map(LinkError::FakeTls));
    all.extend(Protocol::ALL[3..6].iter().copied().map(LinkError::NotAccepted));
    all.extend([
        LinkError::HandshakeTimeout,
        LinkError::HandshakeTruncated,
        LinkError::Header,
        LinkError::Replayed,
    ]);
    all
}

fn link_send() -> Vec<LinkSendError> {
    let mut all = FRAME_ENCODE.map(LinkSendError::Encode).to_vec();
    all.extend([LinkSendError::NotReady, LinkSendError::StaleMark]);
    all
}

/// Checks the texts of a type's variants, and the chain of each.
fn check<E: Error>(errors: &[E]) {
    let texts: BTreeSet<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), errors.len(), "two variants have the same text: {texts:?}");
    for error in errors {
        let mut text = error.to_string();
        assert!(!text.is_empty() && !text.ends_with('.'), "{text:?}");
        let mut next = error.source();
        while let Some(source) = next {
            let inner = source.to_string();
            assert!(!text.contains(&inner), "{text:?} repeats its source {inner:?}");
            text = inner;
            next = source.source();
        }
    }
}

#[test]
fn no_error_prints_its_source() {
    check(&DATAGRAM);
    check(&[datagram_too_long()]);
    check(&FRAME);
    check(&FRAME_ENCODE);
    check(&HTTP);
    check(&HELLO);
    check(&PROFILE);
    check(&SECRET);
    check(&PROXY_HEADER);
    check(&CLUSTERS);
    check(&MIDDLE_SECRET);
    check(&MIDDLE_LINK);
    check(&MIDDLE_SEND);
    check(&NOT_FORWARDABLE);
    check(&POOL_OPEN);
    check(&pool_packet());
    check(&fake_tls());
    check(&websocket());
    check(&proxy_link());
    check(&link());
    check(&link_send());
    check(&[Overrun]);
}

#[test]
fn transparent_errors_return_the_source_of_the_inner_error() {
    let head = WebSocketError::Head(HttpError::Malformed);
    let link = LinkError::WebSocket(head);
    assert_eq!(link.to_string(), head.to_string());
    let source = link.source().and_then(|source| source.downcast_ref::<HttpError>());
    assert_eq!(source, Some(&HttpError::Malformed));
    assert!(LinkError::Http(HttpError::Malformed).source().is_none());
    assert!(FakeTlsError::Hello(HelloError::Digest).source().is_none());
}
