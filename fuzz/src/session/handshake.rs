//! The key exchange: an honest run that the fuzzer disturbs and forges with knowledge of its secrets.

use core::time::Duration;
use std::sync::{Arc, LazyLock};

use mtp_crypto::exchange::{NewNonce, RsaPublicKey, ServerNonce, TmpAes};
use mtp_crypto::{AuthKeyId, DcId};
use mtp_env::{Entropy, Now};
use mtp_session::client::{ClientHandshake, ClientHandshakeConfig};
use mtp_session::exchange::{Arithmetic, KeyRequest};
use mtp_session::link::{AfterSend, Outgoing};
use mtp_session::server::{ServerHandshake, ServerHandshakeConfig, Verdict};
use mtp_tl::Encode;

use super::substitute;
use crate::input::Input;
use crate::known;

/// Runs a client with an honest server. The fuzzer damages, repeats and forges answers.
///
/// Input: options, then operations with operands. Marks in forged bodies stand for nonces.
pub fn client_handshake(data: &[u8]) {
    let mut input = Input::new(data);
    let mut run = Run::new(input.byte());
    for _ in 0..10 {
        run.client_to_server();
        run.server_decides(Verdict::Unique);
        let Some(mut packet) = run.server_packet().or_else(|| run.last.clone()) else { break };
        let operation = input.byte();
        match operation & 7 {
            0 | 1 => {}
            2 => {
                let at = usize::from(input.u16()) % packet.len().max(1);
                packet[at] ^= input.byte();
            }
            3 => packet = input.long().to_vec(),
            4 => packet = run.plain(input.long()),
            5 => packet = run.server_dh_params(input.long()),
            6 => packet.truncate(usize::from(input.u16())),
            _ => run.now = run.now.after(Duration::from_secs(input.byte().into())),
        }
        run.client_takes(&packet);
        if operation & 0x80 != 0 {
            run.client_takes(&packet);
        }
        if run.client.is_done() || run.client.failure().is_some() {
            break;
        }
    }
    run.end();
}

/// Runs a server with an honest client and one that is the fuzzer, which knows the temporary key.
///
/// Input: options, then operations with operands. Marks in forged bodies stand for nonces and numbers.
pub fn server_handshake(data: &[u8]) {
    let mut input = Input::new(data);
    let mut run = Run::new(input.byte());
    for _ in 0..10 {
        let operation = input.byte();
        let honest = run.client_packet();
        let mut packet = honest.or_else(|| run.last.clone()).unwrap_or_default();
        match operation & 7 {
            0 | 1 => {}
            2 if !packet.is_empty() => {
                let at = usize::from(input.u16()) % packet.len();
                packet[at] ^= input.byte();
            }
            3 => packet = run.plain(input.long()),
            4 => packet = run.req_dh_params(input.long()),
            5 => packet = run.set_client_dh_params(input.long()),
            6 => packet = input.long().to_vec(),
            _ => run.now = run.now.after(Duration::from_secs(input.byte().into())),
        }
        run.server_takes(&packet);
        if operation & 0x80 != 0 {
            run.server_takes(&packet);
        }
        let verdict = match operation >> 4 & 7 {
            1 => Verdict::Collides,
            2 => Verdict::Refuse,
            _ => Verdict::Unique,
        };
        run.server_decides(verdict);
        while let Some(answer) = run.server_packet() {
            run.client_takes(&answer);
        }
        if input.is_empty() || run.is_closed {
            break;
        }
    }
    run.end();
}

/// An exchange between two honest sides, with all its secrets.
struct Run {
    client: ClientHandshake,
    server: ServerHandshake,
    now: Now,
    nonce: [u8; 16],
    new_nonce: [u8; 32],
    server_nonce: [u8; 16],
    pq: Vec<u8>,
    /// The latest packet of either side.
    last: Option<Vec<u8>>,
    made: Vec<AuthKeyId>,
    is_closed: bool,
}

impl Run {
    fn new(options: u8) -> Self {
        let public: Arc<[RsaPublicKey]> = Arc::clone(&PUBLIC_KEYS);
        let request = if options & 1 == 0 {
            KeyRequest::Permanent
        } else {
            KeyRequest::Temporary { expires_in_s: 3600 }
        };
        let arithmetic = if options & 2 == 0 { Arithmetic::Inline } else { Arithmetic::Deferred };
        let dc = DcId::new(2);
        let mut config = ClientHandshakeConfig::new(dc, request, public);
        config.arithmetic = arithmetic;
        // The client first draws its nonces, unless its arithmetic is deferred.
        let entropy = known::entropy(30);
        let (mut nonce, mut new_nonce) = ([0; 16], [0; 32]);
        let mut copy = known::entropy(30);
        copy.fill(&mut nonce);
        copy.fill(&mut new_nonce);
        let client = ClientHandshake::new(config, Box::new(entropy));
        let mut config = ServerHandshakeConfig::new(dc, Arc::clone(known::rsa_keys()));
        config.arithmetic = arithmetic;
        let server = ServerHandshake::new(Arc::new(config), Box::new(known::entropy(31)));
        Self {
            client,
            server,
            now: known::start(),
            nonce,
            new_nonce,
            server_nonce: [0; 16],
            pq: Vec::new(),
            last: None,
            made: Vec::new(),
            is_closed: false,
        }
    }

    fn client_packet(&mut self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let _ = self.client.poll_transmit(self.now, &mut out)?;
        self.last = Some(out.clone());
        Some(out)
    }

    fn client_to_server(&mut self) {
        while let Some(packet) = self.client_packet() {
            self.server_takes(&packet);
        }
    }

    fn client_takes(&mut self, packet: &[u8]) {
        let over = self.client.failure();
        let result = self.client.handle_packet(self.now, packet);
        while let Some(work) = self.client.poll_work() {
            let _ = self.client.handle_work(self.now, work.run());
        }
        if over.is_some() {
            assert_eq!(
                (result, self.client.failure()),
                (Ok(()), over),
                "a failed exchange ignores packets"
            );
        } else if result.is_err() {
            assert_eq!(self.client.failure(), result.err());
        }
    }

    fn server_takes(&mut self, packet: &[u8]) {
        if self.server.handle_packet(self.now, packet).is_err() {
            let mut out = Vec::new();
            while let Some(transmit) = self.server.poll_transmit(self.now, &mut out) {
                self.is_closed |= transmit.then == AfterSend::Close;
            }
            assert!(self.is_closed && self.server.is_idle());
        }
        while let Some(work) = self.server.poll_work() {
            let _ = self.server.handle_work(self.now, work.run());
        }
    }

    fn server_decides(&mut self, verdict: Verdict) {
        while let Some(new) = self.server.poll_key() {
            if verdict == Verdict::Unique {
                self.made.push(new.established.key.id());
            }
            self.server.decide(new.run, verdict);
        }
    }

    fn server_packet(&mut self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let transmit = self.server.poll_transmit(self.now, &mut out)?;
        if !matches!(transmit.what, Outgoing::Packet { .. }) {
            self.is_closed = true;
            return None;
        }
        // resPQ: envelope of 20 bytes, id, nonce, server_nonce, pq as a string of 8 bytes.
        if out.get(20..24) == Some(&0x0516_2463_u32.to_le_bytes()) {
            self.server_nonce.copy_from_slice(&out[40..56]);
            self.pq = out[57..65].to_vec();
        }
        self.last = Some(out.clone());
        Some(out)
    }

    /// Replaces marks with values of the run.
    fn marked(&self, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        substitute(&mut body, &[NONCE; 16], &self.nonce);
        substitute(&mut body, &[SERVER_NONCE; 16], &self.server_nonce);
        substitute(&mut body, &[NEW_NONCE; 32], &self.new_nonce);
        if let Ok(pq) = <[u8; 8]>::try_from(&*self.pq)
            && let Ok(factors) = mtp_crypto::exchange::factor(u64::from_be_bytes(pq))
        {
            // Numbers are strings: length, bytes, padding.
            substitute(&mut body, &[PQ; 12], &[&[8][..], &pq, &[0; 3]].concat());
            let prime = |prime: u64| [&[4][..], &prime.to_be_bytes()[4..], &[0; 3]].concat();
            substitute(&mut body, &[P; 8], &prime(factors.p()));
            substitute(&mut body, &[Q; 8], &prime(factors.q()));
        }
        let fingerprint = known::rsa_keys()[0].public().fingerprint().as_raw();
        substitute(&mut body, &[FINGERPRINT; 8], &fingerprint.to_le_bytes());
        body
    }

    /// Returns an unencrypted packet with a body that has marks.
    fn plain(&self, body: &[u8]) -> Vec<u8> {
        plain(&self.marked(body))
    }

    fn tmp_aes(&self) -> TmpAes {
        TmpAes::derive(&NewNonce::new(self.new_nonce), &ServerNonce::new(self.server_nonce))
    }

    /// Returns `server_DH_params_ok` with the fuzzer's inner data.
    fn server_dh_params(&self, inner: &[u8]) -> Vec<u8> {
        let sealed = self.tmp_aes().seal(&self.marked(inner), &mut known::entropy(32));
        let id = 0xd0e8_075c_u32.to_le_bytes();
        plain(&[&id[..], &self.nonce, &self.server_nonce, &sealed.to_bytes()].concat())
    }

    /// Returns `req_DH_params` with the fuzzer's inner data.
    fn req_dh_params(&self, inner: &[u8]) -> Vec<u8> {
        let mut inner = self.marked(inner);
        inner.truncate(144);
        let sealed = PUBLIC_KEYS[0].pad_encrypt(&inner, &mut known::entropy(33));
        let sealed = sealed.expect("at most 144 bytes");
        let numbers = self.marked(&[[P; 8], [Q; 8], [FINGERPRINT; 8]].concat());
        let id = 0xd712_e4be_u32.to_le_bytes();
        let nonces = [self.nonce, self.server_nonce].concat();
        plain(&[&id[..], &nonces, &numbers, &sealed[..].to_bytes()].concat())
    }

    /// Returns `set_client_DH_params` with the fuzzer's inner data.
    fn set_client_dh_params(&self, inner: &[u8]) -> Vec<u8> {
        let sealed = self.tmp_aes().seal(&self.marked(inner), &mut known::entropy(34));
        let id = 0xf504_5f1f_u32.to_le_bytes();
        plain(&[&id[..], &self.nonce, &self.server_nonce, &sealed.to_bytes()].concat())
    }

    /// Ends the run: timeouts end all exchanges, and a client's key must be one of the server's.
    fn end(mut self) {
        for _ in 0..3 {
            self.now = self.now.after(Duration::from_secs(3600));
            self.client.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
            self.server_decides(Verdict::Refuse);
            while self.server_packet().is_some() {}
        }
        assert!(self.server.is_idle() && self.server.poll_timeout().is_none());
        assert!(self.client.poll_timeout().is_none());
        if let Ok(established) = self.client.finish() {
            assert!(self.made.contains(&established.key.id()), "the server does not have the key");
        }
    }
}

/// Returns an unencrypted message.
fn plain(body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).expect("inputs are short");
    let msg_id = (known::start().unix.as_secs() << 32 | 4).to_le_bytes();
    [&[0; 8][..], &msg_id, &len.to_le_bytes(), body].concat()
}

static PUBLIC_KEYS: LazyLock<Arc<[RsaPublicKey]>> =
    LazyLock::new(|| known::rsa_keys().iter().map(|key| key.public().clone()).collect());

// Marks: repeated bytes that stand for random values of a run.
const NONCE: u8 = 0xe1;
const SERVER_NONCE: u8 = 0xe2;
const NEW_NONCE: u8 = 0xe3;
const PQ: u8 = 0xe4;
const P: u8 = 0xe5;
const Q: u8 = 0xe6;
const FINGERPRINT: u8 = 0xe7;
