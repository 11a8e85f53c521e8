//! Output of a connection.
//!
//! Goal: a driver's buffer stays bounded, no packet is lost, and none is written when the link cannot take it. Method: a client and a server, all bytes moved by hand on a virtual clock.
use core::time::Duration;

use super::peers::{
    QUESTION, answer, answers, begin, client, connection, entropy, server, server_link,
};
use mtp_env::Now;
use mtp_proto::{ClientConnection, ServerConnection, TRANSMIT_LEN};
use mtp_session::client::RequestOptions;
use mtp_transport::http::{ApiPath, HttpClientConfig};
use mtp_transport::link::{ClientLink, ClientLinkConfig, Stack};

struct Pair {
    now: Now,
    client: ClientConnection,
    server: ServerConnection,
}

impl Pair {
    /// Returns a pair after the first answer: the client has a key and the server's salt.
    fn acquainted(client: ClientConnection) -> Self {
        let now = begin();
        let server = ServerConnection::new(now, server_link(now, 1), server());
        let mut pair = Self { now, client, server };
        pair.call(&QUESTION);
        pair.run_until(1);
        pair
    }

    fn call(&mut self, body: &[u8]) {
        let options = RequestOptions::new().unpacked();
        self.client.client_mut().request(self.now, body, options).unwrap();
    }

    /// Returns the client's output of one poll.
    fn written(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let any = self.client.poll_transmit(self.now, &mut bytes);
        assert_eq!(any, !bytes.is_empty());
        bytes
    }

    /// Passes bytes to the server, answers its calls and returns the number of answers at the client.
    fn deliver(&mut self, bytes: &[u8]) -> usize {
        self.server.handle_bytes(self.now, bytes).unwrap();
        let mut count = 0;
        loop {
            answer(self.server.server_mut(), self.now);
            let mut back = Vec::new();
            if !self.server.poll_transmit(self.now, &mut back) {
                return count;
            }
            self.client.handle_bytes(self.now, &back).unwrap();
            count += answers(self.client.client_mut());
        }
    }

    fn step(&mut self) {
        self.now = self.now.after(Duration::from_millis(20));
        self.client.handle_timeout(self.now).unwrap();
        self.server.handle_timeout(self.now).unwrap();
    }

    /// Lets time pass and delivers the server's output.
    fn wait(&mut self) {
        self.step();
        assert_eq!(self.deliver(&[]), 0);
    }

    fn run_until(&mut self, wanted: usize) {
        let mut count = 0;
        for _ in 0..500 {
            if count == wanted {
                return;
            }
            let bytes = self.written();
            count += self.deliver(&bytes);
            self.step();
        }
        panic!("{count} answers of {wanted} within 10 s of virtual time");
    }
}

#[test]
fn output_is_split_at_transmit_len() {
    const CALL_LEN: usize = 20_000;
    let mut pair = Pair::acquainted(connection(begin(), 1));
    let mut body = QUESTION.to_vec();
    body.resize(CALL_LEN, 7);
    for _ in 0..30 {
        pair.call(&body);
    }
    let (mut pieces, mut count) = (Vec::new(), 0);
    loop {
        let bytes = pair.written();
        if bytes.is_empty() {
            break;
        }
        pieces.push(bytes.len());
        count += pair.deliver(&bytes);
    }
    // A packet may be as long as a container of calls.
    let longest = TRANSMIT_LEN + (1 << 15) + CALL_LEN;
    assert!(pieces.iter().all(|len| *len <= longest), "{pieces:?}");
    let (last, full) = pieces.split_last().unwrap();
    assert!(full.len() >= 30 * CALL_LEN / longest, "{pieces:?}");
    assert!(full.iter().all(|len| *len >= TRANSMIT_LEN), "only the last is shorter: {pieces:?}");
    assert!(*last < TRANSMIT_LEN, "{pieces:?}");
    pair.run_until(30 - count);
}

#[test]
fn a_closed_link_takes_no_packet_of_its_session() {
    let mut pair = Pair::acquainted(connection(begin(), 1));
    pair.call(&QUESTION);
    let now = pair.now;
    pair.client.close(now);
    assert!(pair.client.is_ending() && !pair.client.is_closed());
    assert_eq!(pair.written(), Vec::<u8>::new());
    assert!(pair.client.is_closed());
    // The call goes over the next link.
    pair.client.reconnect(now, super::peers::client_link(now, 8));
    pair.server.close(now);
    pair.server.reconnect(now, server_link(now, 2));
    pair.run_until(1);
}

// spec: transport 10.2
#[test]
fn an_http_request_waits_for_the_answer_before_it() {
    let now = begin();
    let stack = Stack::Http(HttpClientConfig::new("example.org".into(), ApiPath::default()));
    let link = ClientLink::new(now, ClientLinkConfig::new(stack), entropy(4));
    let mut pair = Pair::acquainted(ClientConnection::new(now, link, client(now, 3)));
    pair.call(&QUESTION);
    let mut first = pair.written();
    while first.is_empty() {
        // The request before it is a long poll; its answer comes first.
        pair.wait();
        first = pair.written();
    }
    pair.call(&QUESTION);
    pair.server.handle_bytes(pair.now, &first).unwrap();
    let mut back = Vec::new();
    while !pair.server.poll_transmit(pair.now, &mut back) {
        assert_eq!(pair.written(), Vec::<u8>::new(), "one request is in flight");
        answer(pair.server.server_mut(), pair.now);
        pair.step();
    }
    pair.client.handle_bytes(pair.now, &back).unwrap();
    let second = pair.written();
    assert!(!second.is_empty(), "the next request follows the answer");
    let count = answers(pair.client.client_mut()) + pair.deliver(&second);
    pair.run_until(2 - count);
}
