use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::code::TransportCode;
use crate::framing::{CLIENT_BODY_LEN_MAX, SERVER_BODY_LEN_MAX};
use crate::layer::Layer;
use crate::rig::{Dice, Rig, STREAMS, hex, vectors};

fn client() -> Rig<HttpClient> {
    let config = HttpClientConfig::new(String::from("149.154.167.51"), ApiPath::default());
    Rig::new(HttpClient::new(&config, CLIENT_BODY_LEN_MAX))
}

fn server() -> Rig<HttpServer> {
    Rig::new(HttpServer::new(HttpServerConfig::default(), SERVER_BODY_LEN_MAX))
}

fn packet(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at % 256).unwrap()).collect()
}

#[track_caller]
fn refused(request: &str, error: HttpError, status: &str) {
    for piece in [1, request.len()] {
        let mut server = server();
        assert_eq!(server.receive(request.as_bytes(), piece), Err(error));
        let answer = String::from_utf8(server.transmit()).unwrap();
        assert!(answer.starts_with(&alloc::format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains("Connection: close"), "{answer}");
        assert!(server.layer.is_closed());
        assert!(server.transmit().is_empty());
    }
}

// spec: transport 10.1
// spec: transport 10.2
#[test]
fn requests_and_responses_match_the_vectors() {
    let http = vectors("http");
    let (request, response) = (hex(&http["request"]), hex(&http["response"]));
    let body = packet(40);
    assert_eq!(client().seal(&body), request);
    for piece in [1, 7, 1000] {
        let mut server = server();
        server.receive(&request, piece).unwrap();
        assert_eq!(server.inner.packets, [body.as_slice()]);
        assert_eq!(server.seal(&body), response);
        let mut client = client();
        client.seal(&body);
        client.receive(&response, piece).unwrap();
        assert_eq!(client.inner.packets, [body.as_slice()]);

        server.receive(&hex(&http["options_request"]), piece).unwrap();
        assert_eq!(server.transmit(), hex(&http["options_response_reference_proxy"]));
        assert!(!server.layer.is_closed());
    }
}

// spec: transport 10.3
#[test]
fn server_decisions_match_the_vectors() {
    let http = vectors("http");
    let mut counted = 0;
    for entry in http["server_decisions"].as_array().unwrap() {
        let (method, path) = (entry["method"].as_str().unwrap(), entry["path"].as_str().unwrap());
        let mut request = alloc::format!("{method} {path} HTTP/1.1\r\nHost: x\r\n");
        let len = entry["content_length"].as_u64();
        if let Some(len) = len {
            request = alloc::format!("{request}Content-Length: {len}\r\n");
        }
        request += "\r\n";
        let mut server = server();
        let mut result = server.receive(request.as_bytes(), 9);
        if let (Ok(()), Some(len)) = (&result, len) {
            result = server.receive(&packet(usize::try_from(len).unwrap()), 9);
        }
        let answer = if entry["expect"] == "forward" {
            assert_eq!((result, server.inner.packets.len()), (Ok(()), 1), "{entry}");
            server.seal(b"")
        } else {
            let answer = server.transmit();
            let status = entry["expect"].as_u64().unwrap();
            assert!(answer.starts_with(alloc::format!("HTTP/1.1 {status} ").as_bytes()), "{entry}");
            assert_eq!(result.is_ok(), status == 200, "{entry}");
            answer
        };
        let cors = answer.windows(15).any(|found| found == b"Access-Control-");
        assert_eq!(cors, entry["cors"] == true, "{entry}");
        counted += 1;
    }
    assert_eq!(counted, 12);
}

// spec: transport 10.3
#[test]
fn statuses_map_to_transport_codes_as_in_the_vectors() {
    let http = vectors("http");
    let mut counted = 0;
    for entry in http["status_to_code"].as_array().unwrap() {
        let code = i32::try_from(entry["code"].as_i64().unwrap()).unwrap();
        let code = TransportCode::new(code).unwrap();
        let mut server = server();
        server.receive(&client().seal(&packet(8)), 100).unwrap();
        let mut answer = Vec::new();
        assert!(server.layer.error(server.now, code, &mut answer));
        assert!(server.layer.is_closed());
        let status = entry["status"].as_u64().unwrap();
        assert!(answer.starts_with(alloc::format!("HTTP/1.1 {status} ").as_bytes()), "{entry}");
        for piece in [1, 1000] {
            let mut client = client();
            client.seal(&packet(8));
            client.receive(&answer, piece).unwrap();
            assert_eq!(client.inner.errors, [code]);
            assert!(client.layer.is_closed());
        }
        counted += 1;
    }
    assert_eq!(counted, 4);
    assert_eq!(http.as_object().unwrap().len(), 6, "some vectors are not tested");
}

#[test]
fn one_connection_carries_many_packets() {
    let (mut client, mut server) = (client(), server());
    for (turn, len) in [16, 40, 96, 100, 1000, 10_000, 100_000, 1_044_476].into_iter().enumerate() {
        let piece = if len < 2000 { 1 + turn } else { 4096 };
        let sent = packet(len);
        assert!(client.layer.can_send() && !server.layer.can_send());
        server.receive(&client.seal(&sent), piece).unwrap();
        assert_eq!(server.inner.packets.pop(), Some(sent.clone()));
        assert!(!client.layer.can_send() && server.layer.can_send());
        client.receive(&server.seal(&sent[..len / 2 + 5]), piece).unwrap();
        assert_eq!(client.inner.packets.pop().as_deref(), Some(&sent[..len / 2 + 5]));
    }
    client.eof().unwrap();
    server.eof().unwrap();
}

// spec: transport 10.2
#[test]
fn held_request_gets_an_empty_response_when_the_hold_time_expires() {
    let (mut client, mut server) = (client(), server());
    server.receive(&client.seal(&packet(8)), 100).unwrap();
    assert_eq!(
        server.layer.poll_timeout().unwrap().at,
        (server.now.mono + HttpServerConfig::default().hold)
    );
    server.pass_to_deadline().unwrap();
    assert!(!server.layer.can_send());
    client.receive(&server.transmit(), 1).unwrap();
    assert_eq!(client.inner, crate::rig::Inner::default());
    assert!(client.layer.can_send());
    server.receive(&client.seal(&packet(8)), 100).unwrap();
    assert_eq!(server.inner.packets.len(), 2);
}

// spec: transport 10.2
#[test]
fn pipelined_request_releases_the_held_request_with_an_empty_response() {
    let mut server = server();
    let request = client().seal(&packet(8));
    server.receive(&request, 100).unwrap();
    // No bytes, the line break that some clients add to a body, and an incomplete request do not.
    for behind in [&b""[..], b"\r\n", &request[..request.len() - 1]] {
        assert!(!server.layer.make_way(behind));
    }
    server.receive(&request, 100).unwrap();
    assert_eq!(server.inner.packets.len(), 1);
    assert!(server.layer.make_way(&request));
    let empty = String::from_utf8(server.transmit()).unwrap();
    assert!(empty.starts_with("HTTP/1.1 200 ") && empty.ends_with("Content-length: 0\r\n\r\n"));
    server.open().unwrap();
    assert_eq!(server.inner.packets.len(), 2);
    assert!(!server.layer.make_way(b""), "no request waits any more");
    // An invalid request counts as well; it is rejected after the response.
    assert!(server.layer.make_way(b"PUT /api HTTP/1.1\r\n\r\n"));
    assert!(!server.layer.make_way(&request), "both are answered");
}

#[test]
fn client_fails_when_the_response_times_out() {
    let mut client = client();
    client.seal(&packet(8));
    assert_eq!(client.pass_to_deadline(), Err(HttpError::NoAnswer));
    assert!(client.layer.is_closed());
}

// spec: transport 10.3
#[test]
fn invalid_request_is_rejected_with_its_status() {
    refused("nonsense\r\n\r\n", HttpError::Malformed, "400");
    refused(
        "POST /api HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 8\r\n\r\n",
        HttpError::Malformed,
        "400",
    );
    refused(
        "POST /api HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        HttpError::LengthRequired,
        "411",
    );
    refused("POST /api HTTP/1.1\r\nContent-Length: 0\r\n\r\n", HttpError::NotImplemented, "501");
    refused("PUT /api HTTP/1.1\r\nContent-Length: 4\r\n\r\n", HttpError::NotImplemented, "501");
    refused("OPTIONS /other HTTP/1.1\r\n\r\n", HttpError::NotFound, "404");
    refused(
        "POST /apixxxxxxxxxxx HTTP/1.1\r\nContent-Length: 4\r\n\r\n",
        HttpError::HeadTooLong,
        "414",
    );
    let lines = "A: b\r\n".repeat(HEADERS_MAX);
    refused(
        &alloc::format!("POST /api HTTP/1.1\r\nC: d\r\n{lines}\r\n"),
        HttpError::HeadTooLong,
        "414",
    );
    refused(
        &alloc::format!("POST /api HTTP/1.1\r\n{}", "x".repeat(HEAD_LEN_MAX)),
        HttpError::HeadTooLong,
        "414",
    );
}

#[test]
fn lengths_are_accepted_at_the_limit_and_rejected_above() {
    let request = |len: u64| alloc::format!("POST /api HTTP/1.1\r\nContent-Length: {len}\r\n\r\n");
    assert_eq!(server().receive(request(1_044_476).as_bytes(), 99), Ok(()));
    let limit = SERVER_BODY_LEN_MAX;
    let error = HttpError::BodyTooLong { len: 1_044_480, limit };
    assert_eq!(server().receive(request(1_044_480).as_bytes(), 99), Err(error));
    let error = HttpError::BodyTooLong { len: u64::MAX, limit };
    assert_eq!(server().receive(request(u64::MAX).as_bytes(), 99), Err(error));
    let path = |len: usize| {
        alloc::format!("POST /api{} HTTP/1.1\r\nContent-Length: 4\r\n\r\n", "x".repeat(len - 4))
    };
    assert_eq!(server().receive(path(PATH_LEN_MAX).as_bytes(), 99), Ok(()));
    let lines = "A: b\r\n".repeat(HEADERS_MAX - 1);
    let request = alloc::format!("POST /api HTTP/1.1\r\nContent-Length: 4\r\n{lines}\r\n");
    assert_eq!(server().receive(request.as_bytes(), 99), Ok(()));
}

#[test]
fn pipelined_requests_are_limited() {
    let mut server = server();
    let request = client().seal(&packet(8));
    server.receive(&request, 100).unwrap();
    // The second request waits for the first response.
    server.receive(&request, 100).unwrap();
    assert_eq!(server.inner.packets.len(), 1);
    server.seal(b"answer");
    server.open().unwrap();
    assert_eq!(server.inner.packets.len(), 2);
    let flood = vec![b'x'; HEAD_LEN_MAX + SERVER_BODY_LEN_MAX];
    assert_eq!(server.receive(&flood[1..], 1 << 20), Ok(()));
    assert_eq!(server.receive(&flood[..1], 1), Err(HttpError::TooManyRequests));
    assert!(server.transmit().starts_with(b"HTTP/1.1 429 "));

    let preflight = "OPTIONS /api HTTP/1.1\r\n\r\n".repeat(30);
    let mut server = self::server();
    assert_eq!(server.receive(preflight.as_bytes(), 5000), Err(HttpError::TooManyRequests));
    assert!(server.transmit().len() < 6000);
}

// spec: transport 13.5
#[test]
fn responses_are_parsed_for_every_split() {
    let answered = |answer: &str, piece: usize| {
        let mut client = client();
        client.seal(&packet(8));
        let result = client.receive(answer.as_bytes(), piece);
        (result, client)
    };
    for piece in [1, 1000] {
        let head = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
        let (result, client) = answered(&alloc::format!("{head}\x6c\u{7e}\x7e\x7e"), piece);
        // A body of one positive word is neither a packet nor a transport error.
        assert_eq!((result, client.inner), (Ok(()), crate::rig::Inner::default()));

        let (result, mut client) = answered("HTTP/1.0 200 OK\r\n\r\nto the end", piece);
        assert_eq!((result, client.inner.packets.len()), (Ok(()), 0));
        client.eof().unwrap();
        assert_eq!(client.inner.packets, [b"to the end"]);
        assert!(client.layer.is_closed());

        let (result, _) = answered("HTTP/1.1 200 OK\r\n\r\n", piece);
        assert_eq!(result, Err(HttpError::LengthRequired));
        let (result, mut client) =
            answered("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n1234567", piece);
        assert_eq!((result, client.eof()), (Ok(()), Err(HttpError::Truncated)));
        let (result, _) = answered("HTTP/1.1 200 OK\r\nContent-Length: 4194305\r\n\r\n", piece);
        assert_eq!(result, Ok(()));
        let (result, _) = answered("HTTP/1.1 200 OK\r\nContent-Length: 4195329\r\n\r\n", piece);
        assert!(matches!(result, Err(HttpError::BodyTooLong { .. })), "{result:?}");
        let (result, _) = answered("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore", piece);
        assert_eq!(result, Err(HttpError::Unasked));
    }
    // A body of one negative word is a transport error.
    let mut client = client();
    client.seal(&packet(8));
    client.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x6c\xfe\xff\xff", 3).unwrap();
    assert_eq!(client.inner.errors, [TransportCode::NOT_FOUND]);
}

// spec: transport 10.3
#[test]
fn request_through_a_forward_proxy_has_an_absolute_target() {
    let mut config = HttpClientConfig::new(String::from("149.154.167.51:80"), ApiPath::default());
    config.proxy = Some(ForwardProxy { authorization: Some(String::from("Basic eDp5").into()) });
    let request = Rig::new(HttpClient::new(&config, CLIENT_BODY_LEN_MAX)).seal(b"1234");
    let expected = "POST HTTP://149.154.167.51:80/api HTTP/1.1\r\nHost: 149.154.167.51:80\r\n\
        Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic eDp5\r\nContent-Length: 4\r\n\r\n1234";
    assert_eq!(String::from_utf8(request).unwrap(), expected);
    assert!(!alloc::format!("{config:?}").contains("eDp5"));
}

#[test]
fn every_path_round_trips() {
    for (test, cors) in [(false, false), (false, true), (true, false), (true, true)] {
        let path = ApiPath { test, cors };
        assert_eq!(ApiPath::parse(path.as_str()), Some(path));
        assert!(path.as_str().len() <= PATH_LEN_MAX);
    }
}

#[test]
fn mutated_streams_yield_packets_or_errors() {
    let request = client().seal(&packet(40));
    let response = hex(&vectors("http")["response"]);
    let mut dice = Dice(10);
    let (mut packets, mut errors) = (0, 0);
    for round in 0..2 * STREAMS {
        let mut bytes = if round % 2 == 0 { request.repeat(2) } else { response.clone() };
        dice.mutate(&mut bytes);
        let piece = 1 + dice.roll(bytes.len().max(1));
        let (result, inner) = if round % 2 == 0 {
            let mut server = server();
            (server.receive(&bytes, piece), server.inner)
        } else {
            let mut client = client();
            client.seal(b"1234");
            (client.receive(&bytes, piece), client.inner)
        };
        packets += inner.packets.len();
        errors += usize::from(result.is_err());
    }
    assert!(packets > 1000 && errors > 1000, "{packets} packets, {errors} errors");
}
