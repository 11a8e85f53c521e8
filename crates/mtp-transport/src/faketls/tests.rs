use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use mtp_crypto::CtrEntropy;
use mtp_env::UnixTime;
use serde_json::Value;

use super::*;
use crate::layer::Layer;
use crate::rig::{Dice, Rig, STREAMS, hex, shake_hands, vectors};
use crate::secret::{Domain, SecretKey};

const DOMAIN: &str = "example.com";

fn key_of(entry: &Value) -> SecretKey {
    SecretKey::new(hex(&entry["key"]).try_into().unwrap())
}

fn domain(name: &str) -> Domain {
    Domain::new(name.as_bytes()).unwrap()
}

fn key() -> SecretKey {
    SecretKey::new(*b"sixteen key byte")
}

fn client_with(key: SecretKey, profile: Profile) -> Rig<FakeTlsClient> {
    Rig::new(FakeTlsClient::new(FakeTlsClientConfig::new(key, domain(DOMAIN), profile)))
}

fn client() -> Rig<FakeTlsClient> {
    client_with(key(), Profile::chrome())
}

fn server_config() -> FakeTlsServerConfig {
    let other = (SecretKey::new([9; 16]), domain("other.example"));
    FakeTlsServerConfig { secrets: vec![other, (key(), domain(DOMAIN))], ..Default::default() }
}

fn server() -> Rig<FakeTlsServer> {
    Rig::new(FakeTlsServer::new(server_config(), false))
}

fn open_pair() -> (Rig<FakeTlsClient>, Rig<FakeTlsServer>) {
    let (mut client, mut server) = (client(), server());
    shake_hands(&mut client, &mut server, 1000);
    assert!(client.layer.can_send() && server.layer.can_send());
    (client, server)
}

fn stream(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from((11 * at + 7) % 256).unwrap()).collect()
}

fn verified(hello: &[u8], key: &SecretKey, now: u64) -> Result<Option<AcceptedHello>, HelloError> {
    let Some(hello) = ClientHello::collect(hello)? else { return Ok(None) };
    let secrets = [(key, Some(DOMAIN.as_bytes()))];
    let (now, window) = (UnixTime::from_secs(now), TimeWindow::default());
    hello.verify(secrets, now, window, ServerName::Exact).map(Some)
}

// spec: transport 8.1
#[test]
fn client_hellos_match_the_vectors() {
    let mut counted = 0;
    for entry in vectors("faketls")["client_hello"].as_array().unwrap() {
        let mut hello = hex(&entry["hello_random_zeroed"]);
        assert_eq!(hello.len() as u64, entry["total_len"].as_u64().unwrap());
        let now = entry["timestamp"].as_u64().unwrap();
        let random = client_hello::sign(&mut hello, &key_of(entry), UnixTime::from_secs(now));
        assert_eq!(random.to_vec(), hex(&entry["client_random"]));
        assert_eq!(hello, hex(&entry["hello"]));
        let collected = ClientHello::collect(&hello).unwrap().unwrap();
        assert_eq!(collected.consumed(), hello.len());
        let name = entry["domain"].as_str().unwrap().as_bytes();
        assert_eq!(collected.server_name(), Some(name));
        let key = key_of(entry);
        let window = TimeWindow::default();
        let accepted = collected
            .verify([(&key, Some(name))], UnixTime::from_secs(now), window, ServerName::Exact)
            .unwrap();
        assert_eq!(accepted.session_id.to_vec(), hex(&entry["session_id"]));
        assert_eq!((accepted.secret(), accepted.suite), (0, 0x1301));
        assert_eq!(accepted.hybrid, entry["name"] != "legacy_517");
        counted += 1;
    }
    assert_eq!(counted, 3);
}

// spec: transport 8.4
// spec: transport 8.5
#[test]
fn server_hellos_match_the_vectors() {
    let mut counted = 0;
    for entry in vectors("faketls")["server_hello"].as_array().unwrap() {
        let (key, response) = (key_of(entry), hex(&entry["response"]));
        let random: [u8; 32] = hex(&entry["client_random"]).try_into().unwrap();
        let then = entry.get("then").map(hex).unwrap_or_default();
        let received = [&response[..], &then].concat();
        let checked = flight::check(&key, &random, &received);
        if entry["valid"] == false {
            assert_eq!(checked, Err(FakeTlsError::AnswerDigest), "{}", entry["name"]);
        } else {
            assert_eq!(checked, Ok(Some(response.len())), "{}", entry["name"]);
            for cut in 0..response.len() {
                assert_eq!(flight::check(&key, &random, &response[..cut]), Ok(None));
            }
            let (extensions, noise) = (&response[81..127], &response[138..]);
            let suite = u16::from_be_bytes([response[76], response[77]]);
            let session_id = response[44..76].try_into().unwrap();
            let hello = AcceptedHello { secret: 0, random, session_id, suite, hybrid: false };
            assert_eq!(flight::assemble(&key, &hello, extensions, noise), response);
        }
        counted += 1;
    }
    assert_eq!(counted, 6);
}

// spec: transport 8.3
#[test]
fn verification_matches_the_vectors() {
    let mut counted = 0;
    for entry in vectors("faketls")["verify"].as_array().unwrap() {
        let hello = hex(&entry["hello"]);
        assert_eq!(
            (entry["max_past"].as_u64(), entry["max_future"].as_u64()),
            (Some(600), Some(3))
        );
        let result = verified(&hello, &key_of(entry), entry["now"].as_u64().unwrap());
        let found = match &result {
            Ok(Some(_)) => "ok",
            Ok(None) => "need_more",
            Err(HelloError::Stale { .. }) => "stale",
            Err(HelloError::Future { .. }) => "future",
            Err(HelloError::Digest) => "bad_digest",
            Err(error) => panic!("{error}"),
        };
        let expected = entry["expect"].as_str().unwrap();
        let matches = found == expected || expected == "future_or_stale" && found != "ok";
        assert!(matches, "{}: {result:?}", entry["name"]);
        counted += 1;
    }
    assert_eq!(counted, 11);
}

// spec: transport 8.5
#[test]
fn records_match_the_vectors() {
    let mut counted = 0;
    for entry in vectors("faketls")["records"].as_array().unwrap() {
        let received = |wire: &Value| {
            let (_, mut server) = open_pair();
            server.receive(&hex(wire), 1).map(|()| server.inner.stream)
        };
        match entry["name"].as_str().unwrap() {
            "client_first_flight" => {
                let inner = [hex(&entry["wire_header"]), hex(&entry["frame_wire"])].concat();
                let (mut client, _) = open_pair();
                assert_eq!(client.seal(&inner), hex(&entry["wire"]));
                assert_eq!(received(&entry["wire"]), Ok(inner));
            }
            "split_2878" => {
                let (mut client, mut server) = open_pair();
                client.seal(b"first");
                let wire = client.seal(&stream(6000));
                assert_eq!(wire.len() as u64, entry["wire_len"].as_u64().unwrap());
                let digest = mtp_crypto::hash::sha256(&[&wire]);
                assert_eq!(digest.to_vec(), hex(&entry["wire_sha256"]));
                server.receive(&wire, 700).unwrap();
                assert!(server.inner.stream == stream(6000));
            }
            "ccs_in_stream_from_client" => assert_eq!(received(&entry["wire"]).unwrap(), b"ab"),
            "zero_length_record" => assert_eq!(received(&entry["wire"]).unwrap(), b"z"),
            "alert" => assert_eq!(received(&entry["wire"]), Err(FakeTlsError::Alert)),
            "handshake_after_established" => {
                let error = FakeTlsError::RecordKind { found: 0x16 };
                assert_eq!(received(&entry["wire"]), Err(error));
            }
            "wrong_version" => {
                let error = FakeTlsError::RecordVersion { found: 0x0301 };
                assert_eq!(received(&entry["wire"]), Err(error));
            }
            other => panic!("{other}"),
        }
        counted += 1;
    }
    assert_eq!(counted, 7);
    assert_eq!(vectors("faketls").as_object().unwrap().len(), 4);
}

/// Returns the ciphers and extensions of a hello, with random and GREASE bytes replaced.
fn skeleton(hello: &[u8]) -> (Vec<u8>, Vec<(u16, Vec<u8>)>) {
    let grease = |pair: &[u8]| pair[0] == pair[1] && pair[0] & 0x0f == 0x0a;
    let word = |at: usize| usize::from(u16::from_be_bytes([hello[at], hello[at + 1]]));
    let ciphers_len = word(76);
    let mut ciphers = hello[76..78 + ciphers_len].to_vec();
    assert!(grease(&ciphers[2..4]));
    ciphers[2..4].fill(0xaa);
    let mut at = 78 + ciphers_len + 4;
    assert_eq!(hello.len(), at + word(at - 2));
    let mut extensions = Vec::new();
    while at < hello.len() {
        let (mut kind, len) = (u16::from_be_bytes([hello[at], hello[at + 1]]), word(at + 2));
        if grease(&hello[at..at + 2]) {
            kind = 0xaaaa;
        }
        let mut content = hello[at + 4..at + 4 + len].to_vec();
        match kind {
            0x000a => content[2..4].fill(0xaa),
            0x002b => content[1..3].fill(0xaa),
            0x0033 => {
                content[2..4].fill(0xaa);
                let end = content.len();
                content[end - 32..].fill(0xaa);
                if len > 1000 {
                    content[11..11 + 1216].fill(0xaa);
                }
            }
            0xfe0d => {
                let end = content.len();
                content[5] = 0xaa;
                content[8..40].fill(0xaa);
                content[42..end].fill(0xaa);
            }
            _ => {}
        }
        extensions.push((kind, content));
        at += 4 + len;
    }
    (ciphers, extensions)
}

/// Draws hellos until one has the length wanted, which the ECH payload decides.
fn hello_of_len(profile: &Profile, name: &str, len: usize) -> Vec<u8> {
    let mut entropy = CtrEntropy::from_number(3);
    let mut draw = || client_hello::write(profile, &domain(name), &mut entropy);
    (0..50).map(|_| draw()).find(|hello| hello.len() == len).expect("no draw of this length")
}

// spec: transport 8.2
#[test]
fn profiles_match_the_layouts_of_the_vectors() {
    for entry in vectors("faketls")["client_hello"].as_array().unwrap() {
        let expected = hex(&entry["hello_random_zeroed"]);
        let legacy = entry["name"] == "legacy_517";
        let profile = if legacy { Profile::legacy() } else { Profile::chrome() };
        let name = entry["domain"].as_str().unwrap();
        let hello = hello_of_len(&profile, name, expected.len());
        assert_eq!(hello[..43], expected[..43]);
        let ((ciphers, mut extensions), (expected_ciphers, expected_extensions)) =
            (skeleton(&hello), skeleton(&expected));
        assert_eq!(ciphers, expected_ciphers);
        let count = extensions.len();
        if !legacy {
            assert!(
                extensions
                    .iter()
                    .map(|(kind, _)| kind)
                    .ne(expected_extensions.iter().map(|(kind, _)| kind))
            );
            extensions[1..count - 1].sort();
        }
        assert_eq!(extensions, expected_extensions, "{}", entry["name"]);
    }
}

// spec: transport 8.2
#[test]
fn generated_hellos_vary_like_those_of_browsers() {
    let mut entropy = CtrEntropy::from_number(4);
    let (mut lens, mut orders, mut shares) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for _ in 0..60 {
        let hello = client_hello::write(&Profile::chrome(), &domain(DOMAIN), &mut entropy);
        let (_, extensions) = skeleton(&hello);
        let order: Vec<u16> = extensions.iter().map(|(kind, _)| *kind).collect();
        assert_eq!((order[0], order[order.len() - 1], order.len()), (0xaaaa, 0xaaaa, 18));
        let share = hello.windows(6).position(|found| found == [0x11, 0xec, 0x04, 0xc0, 0, 0]);
        assert_eq!(share, None, "a share that starts with zeros");
        let at = hello.windows(4).position(|found| found == [0x11, 0xec, 0x04, 0xc0]).unwrap() + 4;
        for packed in hello[at..at + 1152].chunks(3) {
            let one = u16::from(packed[0]) | u16::from(packed[1] & 0x0f) << 8;
            let two = u16::from(packed[1] >> 4) | u16::from(packed[2]) << 4;
            assert!(one < 3329 && two < 3329);
        }
        shares.insert(hello[at..at + 1216].to_vec());
        lens.insert(hello.len());
        orders.insert(order);
    }
    assert_eq!(lens, BTreeSet::from([1721, 1753, 1785, 1817]));
    assert!(orders.len() > 55 && shares.len() == 60);
    let mut lens = BTreeSet::new();
    for _ in 0..30 {
        let hello = client_hello::write(&Profile::safari(), &domain(DOMAIN), &mut entropy);
        let (ciphers, extensions) = skeleton(&hello);
        lens.insert((ciphers.len(), extensions[6].1.len()));
    }
    assert_eq!(lens, BTreeSet::from([(30, 11), (30, 14), (44, 11), (44, 14)]));
    let longest = "a".repeat(182);
    for name in ["a", &longest] {
        let hello = client_hello::write(&Profile::legacy(), &domain(name), &mut entropy);
        assert_eq!(hello.len(), 517);
    }
}

#[test]
fn stream_is_the_same_for_every_split() {
    for (piece, profile) in
        [(1, Profile::chrome()), (7, Profile::safari()), (3000, Profile::legacy())]
    {
        let (mut client, mut server) = (client_with(key(), profile), server());
        shake_hands(&mut client, &mut server, piece);
        assert_eq!(server.layer.secret(), Some(1));
        let (mut up, mut down, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        for len in [0, 64, 2877, 2878, 2879, 5756, 5757, 16_384, 16_385, 40_000] {
            up.extend(client.seal(&stream(len)));
            down.extend(server.seal(&stream(len)));
            expected.extend(stream(len));
        }
        server.receive(&up, piece).unwrap();
        client.receive(&down, piece).unwrap();
        assert!(server.inner.stream == expected && client.inner.stream == expected);
        assert_eq!((server.eof(), client.eof()), (Ok(()), Ok(())));
    }
}

// spec: transport 8.4
#[test]
fn answer_has_the_configured_shape() {
    let answer = |shape: FlightShape, profile: Profile| {
        let config = FakeTlsServerConfig { shape, ..server_config() };
        let (mut client, mut server) =
            (client_with(key(), profile), Rig::new(FakeTlsServer::new(config, false)));
        server.receive(&client.transmit(), 1).unwrap();
        let answer = server.transmit();
        client.receive(&answer, 100).unwrap();
        assert!(client.layer.can_send());
        answer
    };
    let usual = answer(FlightShape::default(), Profile::chrome());
    assert!((127 + 11 + 2500..=127 + 11 + 3619).contains(&usual.len()));
    assert_eq!(usual[81..85], [0x00, 0x33, 0x00, 0x24]);
    let hybrid = FlightShape { hybrid: true, version_first: true, noise_len: 0..=0 };
    let longer = answer(hybrid.clone(), Profile::chrome());
    assert_eq!(longer.len(), 127 + 1088 + 11 + 64);
    assert_eq!(longer[81..95], [0, 0x2b, 0, 2, 3, 4, 0, 0x33, 4, 0x64, 0x11, 0xec, 4, 0x60]);
    // A client without a hybrid share gets none.
    assert_eq!(answer(hybrid, Profile::legacy()).len(), 127 + 11 + 64);
    let longest = FlightShape { noise_len: u16::MAX..=u16::MAX, ..FlightShape::default() };
    assert_eq!(answer(longest, Profile::chrome()).len(), 127 + 11 + 16_384);
}

/// Splits a hello into records of the given sizes; the last size repeats.
fn in_records(hello: &[u8], sizes: &[usize]) -> Vec<u8> {
    let (mut rest, mut out, mut sizes) = (&hello[5..], Vec::new(), sizes.iter().peekable());
    while !rest.is_empty() {
        let size = if sizes.len() > 1 { *sizes.next().unwrap() } else { **sizes.peek().unwrap() };
        let (part, after) = rest.split_at(size.min(rest.len()));
        out.extend_from_slice(&[0x16, 3, 1]);
        out.extend_from_slice(&u16::try_from(part.len()).unwrap().to_be_bytes());
        out.extend_from_slice(part);
        rest = after;
    }
    out
}

// spec: transport 8.3
#[test]
fn hello_in_several_records_is_reassembled() {
    let hello = client().transmit();
    for sizes in [&[200][..], &[1, 2, 3, 2000], &[100, 1], &[1715, 1], &[500, 500, 500]] {
        let spread = in_records(&hello, sizes);
        let records = spread.len().saturating_sub(hello.len()) / 5 + 1;
        let mut server = server();
        let result = server.receive(&spread, 11);
        if records > HELLO_RECORDS_MAX {
            assert_eq!(result, Err(FakeTlsError::Hello(HelloError::TooManyRecords)));
        } else {
            assert_eq!(result, Ok(()), "{sizes:?}");
            assert!(!server.transmit().is_empty());
        }
    }
    let ten = hello.len().div_ceil(10);
    assert!(server().receive(&in_records(&hello, &[ten]), 99).is_ok());
}

#[track_caller]
fn refused(change: impl Fn(&mut Vec<u8>), error: HelloError) {
    let mut hello =
        client_hello::write(&Profile::chrome(), &domain(DOMAIN), &mut CtrEntropy::from_number(5));
    change(&mut hello);
    let now = UnixTime::from_secs(1_763_800_000);
    client_hello::sign(&mut hello, &key(), now);
    for piece in [1, 5000] {
        let mut server = server();
        assert_eq!(server.receive(&hello, piece), Err(FakeTlsError::Hello(error)));
        assert!(server.transmit().is_empty(), "a rejected hello must not be answered");
        assert!(!server.layer.can_send());
    }
}

// spec: transport 8.3
// spec: transport 13.4
#[test]
fn invalid_hello_is_rejected_with_its_error() {
    let start = 78;
    refused(|hello| hello[43] = 31, HelloError::Malformed);
    refused(|hello| hello[77] = 0x21, HelloError::Malformed);
    refused(|hello| hello[5] = 2, HelloError::NotHello);
    refused(|hello| hello[2] = 3, HelloError::NotHello);
    refused(|hello| hello[0] = 0x17, HelloError::NotHello);
    refused(|hello| hello[start + 2..start + 8].fill(0xaa), HelloError::CipherSuite);
    let long = |hello: &mut Vec<u8>| hello[6..9].copy_from_slice(&[1, 0, 0]);
    refused(long, HelloError::Length { len: 0x1_0004 });
    let name = |hello: &mut Vec<u8>| {
        let at = hello.windows(11).position(|found| found == DOMAIN.as_bytes()).unwrap();
        hello[at] = b'x';
    };
    refused(name, HelloError::ServerName);
    let mut strange = client_with(SecretKey::new([1; 16]), Profile::chrome());
    let error = FakeTlsError::Hello(HelloError::Digest);
    assert_eq!(server().receive(&strange.transmit(), 99), Err(error));
    let mut server = server();
    let hello = client().transmit();
    server.pass(600);
    let error = FakeTlsError::Hello(HelloError::Stale { seconds: 600 });
    assert_eq!(server.receive(&hello, 99), Err(error));
    // The domain of another secret is rejected, unless any name is accepted.
    let mut other = client_with(SecretKey::new([9; 16]), Profile::chrome());
    let hello = other.transmit();
    let error = FakeTlsError::Hello(HelloError::ServerName);
    assert_eq!(self::server().receive(&hello, 99), Err(error));
    let config = FakeTlsServerConfig { server_name: ServerName::Any, ..server_config() };
    let mut lenient = Rig::new(FakeTlsServer::new(config, false));
    assert_eq!(lenient.receive(&hello, 99), Ok(()));
    assert_eq!(lenient.layer.secret(), Some(0));
}

// spec: transport 15
#[test]
fn hello_length_is_accepted_at_the_limits_and_rejected_beyond() {
    let (low, high) = (*HELLO_BODY_LEN.start(), *HELLO_BODY_LEN.end());
    let hello = |len: usize| {
        let [.., a, b, c] = u32::try_from(len - 4).unwrap().to_be_bytes();
        let [high, low] = u16::try_from(len).unwrap().to_be_bytes();
        ClientHello::collect(
            &[&[0x16, 3, 1, high, low, 1, a, b, c][..], &vec![0; len - 4]].concat(),
        )
    };
    assert!(hello(low).unwrap().is_some() && hello(high).unwrap().is_some());
    assert_eq!(hello(low - 1).unwrap_err(), HelloError::Length { len: 99 });
    assert_eq!(hello(high + 1).unwrap_err(), HelloError::Length { len: 16_385 });
    assert_eq!(ClientHello::collect(&[0x16, 3, 1, 0, 0]), Err(HelloError::Length { len: 0 }));
}

// spec: transport 8.5, 13.3
#[test]
fn invalid_answer_is_rejected() {
    let answered = |change: &dyn Fn(&mut Vec<u8>)| {
        let (mut client, mut server) = (client(), server());
        server.receive(&client.transmit(), 99).unwrap();
        let mut answer = server.transmit();
        change(&mut answer);
        client.receive(&answer, 50)
    };
    assert_eq!(answered(&|_| {}), Ok(()));
    assert_eq!(answered(&|answer| answer[200] ^= 1), Err(FakeTlsError::AnswerDigest));
    assert_eq!(answered(&|answer| answer[0] = 0x15), Err(FakeTlsError::Answer));
    assert_eq!(answered(&|answer| answer[2] = 1), Err(FakeTlsError::Answer));
    assert_eq!(answered(&|answer| answer[127] = 0x17), Err(FakeTlsError::Answer));
    assert_eq!(answered(&|answer| answer[132] = 2), Err(FakeTlsError::Answer));
    // More handshake records are tolerated, up to a limit.
    let more = |count: usize| {
        move |answer: &mut Vec<u8>| {
            let extra = [0x16, 3, 3, 0, 1, 0].repeat(count);
            answer.splice(127..127, extra);
        }
    };
    assert_eq!(answered(&more(16)), Err(FakeTlsError::AnswerDigest));
    assert_eq!(answered(&more(17)), Err(FakeTlsError::Answer));
    let mut client = client();
    client.transmit();
    let mut endless = [&[0x16, 3, 3, 0, 100][..], &[0; 100]].concat();
    endless.extend([0x16, 3, 3, 0xff, 0xff]);
    endless.resize(ANSWER_LEN_MAX, 0);
    assert_eq!(client.receive(&endless, 4096), Ok(()));
    assert_eq!(client.receive(&[0], 1), Err(FakeTlsError::AnswerTooLong));
}

// spec: transport 8.5
#[test]
fn record_length_is_accepted_at_the_limit_and_rejected_above() {
    let record = |len: u16| [&[0x17, 3, 3][..], &len.to_be_bytes(), &vec![7; len.into()]].concat();
    let (mut client, mut server) = open_pair();
    client.receive(&record(u16::MAX), 1000).unwrap();
    assert_eq!(client.inner.stream.len(), 65_535);
    server.receive(&record(16_640), 1000).unwrap();
    assert_eq!(server.inner.stream.len(), 16_640);
    let error = FakeTlsError::RecordTooLong { len: 16_641 };
    assert_eq!(server.receive(&record(16_641), 1000), Err(error));
    let (_, mut server) = open_pair();
    let error = FakeTlsError::RecordTooLong { len: 2 };
    assert_eq!(server.receive(&[0x14, 3, 3, 0, 2, 1, 1], 1), Err(error));
}

#[test]
fn end_of_stream_within_a_record_is_an_error() {
    let (mut client, mut server) = open_pair();
    assert_eq!(server.eof(), Ok(()));
    client.receive(&[0x17, 3, 3, 0, 2, 1], 1).unwrap();
    assert_eq!(client.eof(), Err(FakeTlsError::Truncated));
    assert_eq!(self::client().eof(), Err(FakeTlsError::Truncated));
    let mut server = self::server();
    assert_eq!(server.eof(), Ok(()));
    server.receive(&[0x16], 1).unwrap();
    assert_eq!(server.eof(), Err(FakeTlsError::Truncated));
}

#[test]
fn debug_output_hides_the_key() {
    let config = FakeTlsClientConfig::new(key(), domain(DOMAIN), Profile::legacy());
    let shown: String = alloc::format!("{config:?} {:?}", server_config());
    assert!(shown.contains(DOMAIN) && !shown.contains("sixteen"), "{shown}");
}

#[test]
fn mutated_streams_yield_bytes_or_errors() {
    let (mut client, mut server) = (client_with(key(), Profile::legacy()), server());
    let hello = client.transmit();
    server.receive(&hello, 1000).unwrap();
    let answer = server.transmit();
    client.receive(&answer, 1000).unwrap();
    let data = [client.seal(&stream(100)), client.seal(&stream(30)), client.seal(b"a")].concat();
    let mut dice = Dice(30);
    let (mut hellos, mut streams, mut errors) = (0, 0, 0);
    for round in 0..2 * STREAMS {
        let piece = 1 + dice.roll(700);
        if round % 2 == 0 {
            // A mutated hello is rejected or incomplete, and never answered.
            let mut bytes = if round % 4 == 0 { hello.clone() } else { in_records(&hello, &[130]) };
            dice.mutate(&mut bytes);
            let mut server = self::server();
            let result = server.receive(&bytes, piece);
            // Only the time can change without invalidating a hello.
            bytes.resize(bytes.len().max(hello.len()), 0);
            let good = bytes[..39] == hello[..39] && bytes[43..hello.len()] == hello[43..];
            assert!(server.transmit().is_empty() || good || round % 4 != 0);
            hellos += usize::from(result.is_err());
        } else {
            let mut bytes = data.clone();
            dice.mutate(&mut bytes);
            let mut records = if round % 4 == 1 { Records::server() } else { Records::client() };
            let mut rest = &bytes[..];
            loop {
                match records.open(rest) {
                    Ok(crate::layer::Step::Stream { skip, len }) => {
                        streams += usize::from(len > 0);
                        rest = &rest[skip + len..];
                    }
                    Ok(_) => break,
                    Err(_) => {
                        errors += 1;
                        break;
                    }
                }
            }
        }
    }
    for _ in 0..STREAMS {
        let mut bytes = answer.clone();
        dice.mutate(&mut bytes);
        if !bytes.starts_with(&answer) {
            let _ = flight::check(&key(), &[0; 32], &bytes).map(|found| assert_eq!(found, None));
        }
    }
    assert!(hellos > 1000 && streams > 1000 && errors > 1000, "{hellos} {streams} {errors}");
}
