//! A client over HTTP that does not wait for the answer to one request before it sends the next.
//!
//! Goal: the driver goes on to what was sent ahead, though nothing more comes in from its socket. Method: as in the test
//! of the same name of `mtp-proto`, over a socket; a request that is held takes 25 s, the answers are asked for in less.

use core::time::Duration;
use std::sync::Arc;

use mtp_crypto::{AuthKey, CtrEntropy, OsEntropy, Salt};
use mtp_env::Now;
use mtp_session::client::{ClientSession, ClientSessionConfig, ClientSessionEvent, RequestOptions};
use mtp_session::established::{Established, KeyKind};
use mtp_session::link::LinkId;
use mtp_session::session::LinkKind;
use mtp_tokio::Clock;
use mtp_tokio::store::{MemoryStore, ServerKeyChange, ServerStore};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;

use crate::support::{NEAREST_DC, Plan, run};

const LINK: LinkId = LinkId::new(0);

/// Short, because the client's clock runs ahead by so much.
const ACK_DELAY: Duration = Duration::from_secs(1);

/// A session that believes in a stream, so that it makes packets whenever it likes.
struct Client {
    now: Now,
    entropy: CtrEntropy,
    session: ClientSession,
    socket: BufStream<TcpStream>,
}

impl Client {
    fn new(key: &Established, socket: TcpStream) -> Self {
        let (now, mut entropy) = (Clock::start().now(), OsEntropy::seeded());
        let mut config = ClientSessionConfig::default();
        config.ping = false;
        config.ack_delay = ACK_DELAY;
        let mut session = ClientSession::new(now, Arc::new(config), &mut entropy);
        session.set_key(now, key);
        session.link_up(now, LINK, LinkKind::Stream);
        Self { now, entropy, session, socket: BufStream::new(socket) }
    }

    /// Returns the next packet as a request; it may want to collect more for some milliseconds.
    fn request(&mut self) -> Vec<u8> {
        let mut packet = Vec::new();
        while self.session.poll_transmit(self.now, LINK, &mut packet, &mut self.entropy).is_none() {
            self.now = self.now.after(Duration::from_millis(20));
            self.session.handle_timeout(self.now);
        }
        let head = format!("POST /api HTTP/1.1\r\nContent-Length: {}\r\n\r\n", packet.len());
        [head.as_bytes(), &packet].concat()
    }

    fn call(&mut self) -> Vec<u8> {
        self.session.request(self.now, &NEAREST_DC.0, RequestOptions::new()).unwrap();
        self.request()
    }

    async fn send(&mut self, requests: &[u8]) {
        self.socket.write_all(requests).await.unwrap();
        self.socket.flush().await.unwrap();
    }

    /// Takes one answer; returns how many calls it answered.
    async fn hear(&mut self) -> usize {
        let (mut len, mut line) = (0, String::new());
        while line != "\r\n" {
            line.clear();
            assert!(self.socket.read_line(&mut line).await.unwrap() > 0, "the server hung up");
            if let Some(stated) = line.strip_prefix("Content-length: ") {
                len = stated.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; len];
        self.socket.read_exact(&mut body).await.unwrap();
        if len > 0 {
            self.session.handle_packet(self.now, LINK, &mut body).unwrap();
        }
        let mut answers = 0;
        while let Some(event) = self.session.poll_event() {
            if let ClientSessionEvent::Result { body, .. } = event {
                assert!(body.starts_with(&NEAREST_DC.1));
                answers += 1;
            }
        }
        answers
    }
}

// spec: transport 10.2
#[test]
fn requests_sent_ahead_are_answered_at_once() {
    run(async {
        let key = Established {
            key: Arc::new(AuthKey::new([9; AuthKey::LEN]).unwrap()),
            salt: Salt::from_raw(0),
            time_offset_ns: 0,
            kind: KeyKind::Permanent,
        };
        let store = MemoryStore::new();
        ServerStore::apply(&store, vec![ServerKeyChange::Created(key.clone())]).await.unwrap();
        let world = Plan { store: Some(Arc::new(store)), ..Plan::default() }.start().await;
        let socket = TcpStream::connect(world.address).await.unwrap();
        let mut client = Client::new(&key, socket);
        // Until the salt is known and a call answered.
        let mut request = client.call();
        loop {
            client.send(&request).await;
            if client.hear().await > 0 {
                break;
            }
            request = client.request();
        }
        client.now = client.now.after(ACK_DELAY);
        client.session.handle_timeout(client.now);
        // It acknowledges and is held, until there are calls behind it.
        let acks = client.request();
        client.send(&acks).await;
        let calls: Vec<_> = (0..3).flat_map(|_| client.call()).collect();
        client.send(&calls).await;
        let answered = tokio::time::timeout(Duration::from_secs(20), async {
            let mut answered = 0;
            for _ in 0..4 {
                answered += client.hear().await;
            }
            answered
        });
        assert_eq!(answered.await, Ok(3));
        drop(client);
        world.stop().await.unwrap();
    });
}
