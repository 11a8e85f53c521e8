//! Transports: any bytes, cut anywhere.
//!
//! The first bytes of an input choose what is fuzzed and where the rest is cut; what comes out must
//! not depend on the cut.

use mtp_crypto::{CtrEntropy, Side};
use mtp_env::Now;
use mtp_transport::faketls::{FakeTlsClientConfig, FakeTlsServerConfig, Profile};
use mtp_transport::framing::{Decoder, Tag};
use mtp_transport::http::{ApiPath, HttpClientConfig};
use mtp_transport::link::{ClientConfig, ServerConfig, Stack};
use mtp_transport::obfuscation::{self, DcId, Filter};
use mtp_transport::secret::{Domain, SecretKey};
use mtp_transport::websocket::{WebSocketClientConfig, WebSocketPath};
use mtp_transport::{ClientLink, Frame, FrameFlags, Framing, ServerLink};

/// Any bytes against the decoder of each framing and side.
pub fn decoder(input: &[u8]) {
    let Some(([kind, cut], stream)) = input.split_first_chunk() else { return };
    let framing = pick(&Framing::ALL, *kind);
    let sender = if kind & 0x80 == 0 { Side::Client } else { Side::Server };
    let run = |piece: usize| {
        let mut decoder = Decoder::new(framing, sender, 1 << 16);
        let mut seen = Vec::new();
        for chunk in stream.chunks(piece) {
            for (to, from) in decoder.spare(chunk.len()).iter_mut().zip(chunk) {
                *to = *from;
            }
            decoder.filled(chunk.len());
            loop {
                match decoder.next_frame() {
                    Ok(Some(frame)) => seen.push(summary(frame)),
                    Ok(None) => break,
                    Err(error) => return (seen, Some(error)),
                }
            }
        }
        (seen, decoder.handle_eof().err())
    };
    assert_eq!(run(usize::MAX), run(usize::from(*cut).max(1)), "the cut matters");
}

/// Any bytes against a server that accepts everything.
pub fn server_link(input: &[u8]) {
    let Some((cut, stream)) = input.split_first() else { return };
    let whole = feed(server(), stream, usize::MAX);
    assert_eq!(whole, feed(server(), stream, usize::from(*cut).max(1)), "the cut matters");
}

/// Any bytes *inside* obfuscation: the fuzzer holds the key and gets past the header.
pub fn obfuscated(input: &[u8]) {
    let Some(([tag, cut], inner)) = input.split_first_chunk() else { return };
    let tag = pick(&Tag::ALL, *tag);
    let (header, mut streams) =
        obfuscation::start(tag, DcId::new(2), Some(&key()), Filter::Redraw, &mut entropy());
    let mut stream = header.to_vec();
    let mut inner = inner.to_vec();
    streams.outgoing.apply(&mut inner);
    stream.append(&mut inner);
    let whole = feed(server(), &stream, usize::MAX);
    assert_eq!(whole, feed(server(), &stream, usize::from(*cut).max(1)), "the cut matters");
}

/// Any bytes against a client of each stack that has said its first words.
pub fn client_link(input: &[u8]) {
    let Some(([kind, cut], stream)) = input.split_first_chunk() else { return };
    let stack = pick(&stacks(), *kind);
    let whole = feed(client(&stack), stream, usize::MAX);
    assert_eq!(whole, feed(client(&stack), stream, usize::from(*cut).max(1)), "the cut matters");
}

/// What the two links have in common for a fuzzer.
trait Link {
    fn receive(&mut self, bytes: &[u8]);
    fn next(&mut self) -> Result<Option<u64>, String>;
    fn end(&mut self) -> Option<String>;
}

macro_rules! link {
    ($link:ty) => {
        impl Link for $link {
            fn receive(&mut self, bytes: &[u8]) {
                self.handle_bytes(bytes);
            }

            fn next(&mut self) -> Result<Option<u64>, String> {
                let frame = self.next_frame(Now::default());
                frame.map(|frame| frame.map(summary)).map_err(|error| error.to_string())
            }

            fn end(&mut self) -> Option<String> {
                let mut out = Vec::new();
                let _ = self.poll_transmit(Now::default(), &mut out);
                assert!(!self.poll_transmit(Now::default(), &mut out), "drained at once");
                self.handle_eof().err().map(|error| error.to_string())
            }
        }
    };
}

link!(ClientLink);
link!(ServerLink);

/// Feeds a link in pieces; returns summaries of the frames and how it ended.
fn feed(mut link: impl Link, stream: &[u8], piece: usize) -> (Vec<u64>, Option<String>) {
    let mut seen = Vec::new();
    for chunk in stream.chunks(piece) {
        link.receive(chunk);
        loop {
            match link.next() {
                Ok(Some(frame)) => seen.push(frame),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(link.next(), Err(error.clone()), "a failure is final");
                    return (seen, Some(error));
                }
            }
        }
    }
    (seen, link.end())
}

/// Returns a number that tells frames apart, and overwrites packets, which are ours.
fn summary(frame: Frame<'_>) -> u64 {
    match frame {
        Frame::Packet { bytes, quick_ack } => {
            let sum = bytes
                .iter()
                .fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
            bytes.fill(0xff);
            sum.wrapping_mul(2) | u64::from(quick_ack)
        }
        Frame::QuickAck(token) => u64::from(token.as_raw()),
        Frame::Error(code) => u64::from(code.get().cast_unsigned()) << 32,
    }
}

fn server() -> ServerLink {
    let mut fake_tls = FakeTlsServerConfig::default();
    fake_tls.secrets.push((key(), domain()));
    let fake_tls = Some(fake_tls);
    let config = ServerConfig { secrets: vec![key()], fake_tls, ..Default::default() };
    ServerLink::new(Now::default(), config, Box::new(entropy()))
}

fn client(stack: &Stack) -> ClientLink {
    let config = ClientConfig::new(stack.clone());
    let mut link = ClientLink::new(Now::default(), config, Box::new(entropy()));
    let mut out = Vec::new();
    let _ = link.poll_transmit(Now::default(), &mut out);
    if link.can_send() {
        let mark = link.begin(&mut out);
        out.extend_from_slice(&[5; 40]);
        let sent = link.finish(Now::default(), &mut out, mark, FrameFlags::default());
        assert_eq!(sent, Ok(()));
    }
    link
}

fn stacks() -> Vec<Stack> {
    let (dc, host) = (DcId::new(2), || "venus".to_owned());
    let mut stacks = Framing::ALL.map(Stack::Plain).to_vec();
    stacks.extend(Tag::ALL.map(|tag| Stack::Obfuscated { tag, dc, secret: Some(key()) }));
    let config = WebSocketClientConfig::new(host(), WebSocketPath::default());
    stacks.push(Stack::WebSocket { tag: Tag::ABRIDGED, dc, config });
    stacks.push(Stack::Http(HttpClientConfig::new(host(), ApiPath::default())));
    let config = FakeTlsClientConfig::new(key(), domain(), Profile::legacy());
    stacks.push(Stack::FakeTls { dc, config });
    stacks
}

fn key() -> SecretKey {
    SecretKey::new([3; 16])
}

fn domain() -> Domain {
    Domain::new(b"example.com").unwrap_or_else(|error| unreachable!("{error}"))
}

fn entropy() -> CtrEntropy {
    CtrEntropy::from_number(9)
}

fn pick<T: Clone>(all: &[T], by: u8) -> T {
    let index = usize::from(by & 0x7f).checked_rem(all.len()).unwrap_or_default();
    all.get(index).cloned().unwrap_or_else(|| unreachable!("the index is below the length"))
}
