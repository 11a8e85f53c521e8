//! Links to middle proxies. The fuzzer is a peer that knows the secret, or the clients of a pool.

use std::collections::BTreeMap;
use std::sync::Arc;

use aes::Aes256Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use mtp_crypto::DcId;
use mtp_transport::middle_proxy::ProcessId;
use mtp_transport::middle_proxy::clusters::{CLUSTERS_LEN_MAX, Clusters};
use mtp_transport::middle_proxy::keys::{Direction, LinkParts};
use mtp_transport::middle_proxy::link::{
    LinkAddresses, MiddleLinkConfig, MiddleLinkError, MiddleServerLink,
};
use mtp_transport::middle_proxy::pool::{
    MiddleClient, MiddlePool, MiddlePoolConfig, MiddleSetup, PoolAnswer, PoolClientId, PoolEvent,
    PoolLinkId,
};
use mtp_transport::middle_proxy::rpc::{
    ConnectionId, MiddleMessage, RequestFlags, check_forwardable, without_tail,
};
use mtp_transport::middle_proxy::secret::MiddleSecret;

use crate::input::{Cuts, Input};
use crate::known;

/// A middle proxy whose peer knows the secret and sends anything.
///
/// Input: options, cuts, then frames: a flag byte and a short payload for each. The frames are numbered, summed
/// and encrypted here, with a defect if the flags ask for one.
pub fn middle_link(data: &[u8]) {
    let mut input = Input::new(data);
    let options = input.byte();
    let cuts = input.cuts();
    let mut plain = Vec::new();
    let mut number = -1_i32;
    if options & 1 == 0 {
        frame(&mut plain, number, &handshake());
        number = 0;
    }
    while !input.is_empty() {
        let flags = input.byte();
        let payload = input.short();
        match flags & 7 {
            0 => plain.extend_from_slice(payload),
            1 => plain.extend_from_slice(&[4, 0, 0, 0]),
            2 => frame(&mut plain, number.wrapping_add(i32::from(flags >> 3)), payload),
            _ => {
                frame(&mut plain, number, payload);
                number = number.wrapping_add(1);
            }
        }
    }
    let whole = receive(&plain, Cuts::WHOLE);
    assert_eq!(receive(&plain, cuts), whole, "the result depends on the cuts");
}

type Received = (Vec<Vec<u8>>, Option<MiddleLinkError>, bool);

/// Returns the messages of a stream, the violation, and whether there is output.
fn receive(plain: &[u8], cuts: Cuts<'_>) -> Received {
    let process = ProcessId { number: 9, started: 9 };
    let entropy = Box::new(known::entropy(31));
    let config = Arc::new(MiddleLinkConfig::default());
    let now = known::start();
    let mut link =
        MiddleServerLink::new(now, config, Arc::from([secret()]), addresses(), process, entropy);
    let mut opening = Vec::new();
    frame(&mut opening, -2, &nonce());
    link.handle_bytes(now, &opening);
    assert_eq!(link.next_message(now), Ok(None));
    let mut answer = Vec::new();
    assert!(link.poll_transmit(&mut answer), "the middle proxy answers with its nonce");
    let stream = encrypt(&answer, plain);
    let mut seen = Vec::new();
    for piece in cuts.of(&stream) {
        link.handle_bytes(now, piece);
        loop {
            match link.next_message(now) {
                Ok(Some(message)) => {
                    let mut bytes = Vec::new();
                    message.encode(&mut bytes);
                    seen.push(bytes);
                }
                Ok(None) => break,
                Err(error) => return (seen, Some(error), link.has_output()),
            }
        }
    }
    (seen, None, link.has_output())
}

/// Encrypts as the peer of a middle proxy with this nonce does, block by block.
fn encrypt(answer: &[u8], plain: &[u8]) -> Vec<u8> {
    let secret = secret();
    let parts = LinkParts {
        server_nonce: answer[24..40].try_into().expect("16 bytes"),
        client_nonce: &[7; 16],
        client_time: time(),
        server: addresses().middle,
        client: addresses().proxy,
        secret: secret.as_bytes(),
    };
    let key = parts.key(Direction::Up);
    let cipher = Aes256Enc::new(key.key().into());
    let mut chain = *key.iv();
    let mut stream = plain.to_vec();
    for block in stream.as_chunks_mut::<16>().0 {
        block.iter_mut().zip(chain).for_each(|(byte, chain)| *byte ^= chain);
        cipher.encrypt_block(block.into());
        chain = *block;
    }
    stream
}

fn frame(out: &mut Vec<u8>, number: i32, payload: &[u8]) {
    let start = out.len();
    let payload = &payload[..payload.len() & !3];
    let len = u32::try_from(payload.len() + 12).expect("short");
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(payload);
    let sum = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&sum.to_le_bytes());
}

fn nonce() -> Vec<u8> {
    let selector = secret().selector();
    [&0x7acb_87aa_u32.to_le_bytes()[..], &selector, &[1, 0, 0, 0], &time().to_le_bytes(), &[7; 16]]
        .concat()
}

fn handshake() -> Vec<u8> {
    [&0x7682_eef5_u32.to_le_bytes()[..], &[0; 28]].concat()
}

fn time() -> u32 {
    u32::try_from(known::start().unix.as_secs()).expect("before 2106")
}

fn secret() -> Arc<MiddleSecret> {
    Arc::new(MiddleSecret::from_bytes(&[0x5a; 64]).expect("long enough"))
}

fn addresses() -> LinkAddresses {
    let of = |text: &str| text.parse().expect("an address");
    LinkAddresses { proxy: of("192.0.2.10:40000"), middle: of("198.51.100.50:8888") }
}

/// Messages of any bytes, and a pool whose clients and middle proxies do anything.
///
/// Input: a selector; then a payload, a configuration text, or operations with operands.
pub fn middle_rpc(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() & 3 {
        0 => message(input.rest()),
        1 => {
            let text = String::from_utf8_lossy(input.rest());
            if let Ok(clusters) = Clusters::parse(&text, CLUSTERS_LEN_MAX) {
                assert!(clusters.is_same(&clusters.clone()) && clusters.ids().count() > 0);
            }
        }
        _ => pool(input),
    }
}

fn message(payload: &[u8]) {
    if let Some(message) = MiddleMessage::decode(payload) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        // Unknown parts of a request are dropped, with their flags; what is written is read and written again.
        let again = MiddleMessage::decode(&bytes).expect("what was written is read");
        let mut twice = Vec::new();
        again.encode(&mut twice);
        assert_eq!(twice, bytes);
    }
    let forwarded = check_forwardable(payload, 1 << 20).is_ok();
    assert!(!forwarded || (payload.len() >= 28 && payload.len().is_multiple_of(4)));
    assert!(payload.starts_with(without_tail(payload)));
}

/// A pool with its links, whose other ends send what the fuzzer says.
struct Net {
    pool: MiddlePool,
    ends: BTreeMap<PoolLinkId, MiddleServerLink>,
    clients: Vec<PoolClientId>,
    seen: Vec<ConnectionId>,
    now: mtp_env::Now,
}

fn pool(mut input: Input<'_>) {
    let clusters =
        Clusters::parse("default 2; proxy_for 2 198.51.100.50:8888;", 99).expect("a line");
    let mut config = MiddlePoolConfig::default();
    config.client_down_max = 512;
    config.clients_max = 6;
    config.clients_per_link = 2;
    config.links_max = 3;
    let process = ProcessId { number: 1, started: 1 };
    let setup = MiddleSetup::new(clusters, secret());
    let entropy = Box::new(known::entropy(32));
    let mut net = Net {
        pool: MiddlePool::new(config, setup, process, entropy),
        ends: BTreeMap::new(),
        clients: Vec::new(),
        seen: Vec::new(),
        now: known::start(),
    };
    while !input.is_empty() {
        let operation = input.byte();
        net.step(operation, &mut input);
        net.settle();
        assert!(net.pool.occupancy().0 <= 6 && net.ends.len() <= 3, "limits hold");
    }
    for client in core::mem::take(&mut net.clients) {
        net.pool.handle_client_gone(net.now, client);
    }
    assert_eq!(net.pool.occupancy().0, 0, "no client is left behind");
}

impl Net {
    fn step(&mut self, operation: u8, input: &mut Input<'_>) {
        let chosen = usize::from(operation >> 4);
        let client = self.clients.get(chosen % self.clients.len().max(1)).copied();
        match operation & 7 {
            0 => {
                let of = |text: &str| text.parse().expect("an address");
                let flags = RequestFlags::ABRIDGED;
                let facts = MiddleClient::new(of("203.0.113.7:1"), of("192.0.2.10:443"), flags);
                if let Ok(client) = self.pool.open(self.now, DcId::new(2), facts) {
                    self.clients.push(client);
                }
            }
            1 | 2 => {
                let packet = if operation & 8 == 0 { vec![3; 40] } else { input.short().to_vec() };
                if let Some(client) = client {
                    let _ = self.pool.handle_client_packet(self.now, client, &packet, true);
                }
            }
            3 => {
                if let Some(client) = client {
                    self.pool.handle_client_gone(self.now, client);
                    self.clients.retain(|one| *one != client);
                }
            }
            4 => self.answer(chosen, input),
            5 => {
                let seconds = core::time::Duration::from_secs(u64::from(input.byte()));
                self.now = self.now.after(seconds);
                self.pool.handle_timeout(self.now);
            }
            6 => {
                let link = self.ends.keys().nth(chosen % self.ends.len().max(1)).copied();
                if let Some(link) = link {
                    self.ends.remove(&link);
                    self.pool.handle_link_eof(self.now, link);
                }
            }
            _ => {
                if let Some(client) = client {
                    self.take(client);
                }
            }
        }
    }

    /// A middle proxy sends a message of any bytes, mostly for a client that exists.
    fn answer(&mut self, chosen: usize, input: &mut Input<'_>) {
        let mut payload = input.short().to_vec();
        payload.truncate(payload.len() & !3);
        let known = self.seen.get(chosen % self.seen.len().max(1));
        let at = if payload.starts_with(&[0x0d, 0xda, 0x03, 0x44]) { 8 } else { 4 };
        if let (Some(known), Some(field)) = (known, payload.get_mut(at..at + 8)) {
            field.copy_from_slice(&known.as_raw().to_le_bytes());
        }
        let end = self.ends.values_mut().nth(chosen % 3);
        if let (Some(end), Some(message)) = (end, MiddleMessage::decode(&payload)) {
            let _ = end.send(&message);
        }
    }

    fn take(&mut self, client: PoolClientId) {
        while let Some(answer) = self.pool.next_answer(client) {
            if let PoolAnswer::End(_) = answer {
                self.clients.retain(|one| *one != client);
                assert!(self.pool.next_answer(client).is_none(), "the end is the last answer");
            }
        }
    }

    fn settle(&mut self) {
        // Links that fail at once are opened again after a wait, so this ends.
        while let Some(event) = self.pool.poll_event() {
            match event {
                PoolEvent::Connect { link, .. } => {
                    let process = ProcessId { number: 2, started: 2 };
                    let entropy = Box::new(known::entropy(link.as_raw()));
                    let config = Arc::new(MiddleLinkConfig::default());
                    let secrets = Arc::from([secret()]);
                    let end = MiddleServerLink::new(
                        self.now,
                        config,
                        secrets,
                        addresses(),
                        process,
                        entropy,
                    );
                    self.ends.insert(link, end);
                    self.pool.handle_link_connected(self.now, link, addresses());
                }
                PoolEvent::LinkReady(link) => self.carry(link),
                PoolEvent::LinkDown { link, .. } => drop(self.ends.remove(&link)),
                _ => {}
            }
            for link in self.ends.keys().copied().collect::<Vec<_>>() {
                self.carry(link);
            }
        }
        for link in self.ends.keys().copied().collect::<Vec<_>>() {
            self.carry(link);
        }
    }

    fn carry(&mut self, link: PoolLinkId) {
        let mut bytes = Vec::new();
        let _ = self.pool.poll_link_transmit(link, &mut bytes);
        let Some(end) = self.ends.get_mut(&link) else { return };
        end.handle_bytes(self.now, &bytes);
        while let Ok(Some(message)) = end.next_message(self.now) {
            if let MiddleMessage::Request(request) = message {
                assert!(request.packet.len() >= 28, "only what may be forwarded");
                if !self.seen.contains(&request.connection) {
                    self.seen.push(request.connection);
                }
            }
        }
        assert_eq!(end.ended(), None, "our own end violates nothing");
        bytes.clear();
        let _ = end.poll_transmit(&mut bytes);
        self.pool.handle_link_bytes(self.now, link, &bytes);
    }
}
