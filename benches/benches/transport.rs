//! Framing and obfuscation compared with the bare cipher and grammers.
//!
//! The bare cipher is the reference: `pipeline/*/ours` should reach 95 % of `pipeline/*/cipher` at
//! 1 KiB and at 64 KiB. All of them first copy the packet into the buffer. For padded framing the
//! reference is `cipher/padded`, the bare cipher with the same lengths: unpredictable lengths slow the
//! cipher down, too.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_main};
use grammers_crypto::DequeBuffer;
use grammers_mtproto::transport::{Abridged, Full, Intermediate, Obfuscated, Transport};
use mtp_benches::{bytes, harness};
use mtp_crypto::ctr::CtrCipher;
use mtp_crypto::{CtrEntropy, DcId, Side};
use mtp_env::Now;
use mtp_transport::framing::{
    Frame, FrameDecoder, FrameEncoder, FrameFlags, Framing, SERVER_BODY_LEN_MAX, Tag,
};
use mtp_transport::link::{ClientLink, ClientLinkConfig, ServerLink, ServerLinkConfig, Stack};

/// Lengths of encrypted packets: a ping, a page, a file part.
const PACKETS: [usize; 4] = [64 + 24, 1024 + 24, (64 << 10) + 24, (1 << 20) - 4096 - 24];

/// Framing and obfuscation of a client's output.
fn send(c: &mut Criterion) {
    let mut group = c.benchmark_group("pipeline/send");
    for len in PACKETS {
        let packet = bytes(len);
        let mut out = Vec::new();
        group.throughput(Throughput::Bytes(len as u64));

        let mut cipher = CtrCipher::new(&[7; 32], &[9; 16]);
        group.bench_function(BenchmarkId::new("cipher", len), |b| {
            b.iter(|| {
                out.clear();
                out.extend_from_slice(&[0; 4]);
                out.extend_from_slice(&packet);
                cipher.apply(&mut out);
            });
        });
        let (mut tails, tail) = (tails(), [7; 15]);
        group.bench_function(BenchmarkId::new("cipher/padded", len), |b| {
            b.iter(|| {
                out.clear();
                out.extend_from_slice(&[0; 4]);
                out.extend_from_slice(&packet);
                let end = out.len() + tails.next().unwrap_or(0);
                out.extend_from_slice(&tail);
                out.truncate(end);
                cipher.apply(&mut out);
            });
        });
        for tag in Tag::ALL {
            let mut link = client(tag);
            group.bench_function(BenchmarkId::new(format!("ours/{:?}", tag.framing()), len), |b| {
                b.iter(|| {
                    out.clear();
                    link_send!(link, &packet, &mut out);
                });
            });
        }
        let mut grammers = Obfuscated::new(Intermediate::new());
        let mut buffer = DequeBuffer::with_capacity(len, 128);
        group.bench_function(BenchmarkId::new("grammers/Intermediate", len), |b| {
            b.iter(|| {
                buffer.clear();
                buffer.extend(packet.iter().copied());
                grammers.pack(&mut buffer);
            });
        });
    }
    group.finish();
}

/// Framing and obfuscation of a client's input.
fn receive(c: &mut Criterion) {
    let mut group = c.benchmark_group("pipeline/receive");
    for len in PACKETS {
        let packet = bytes(len);
        group.throughput(Throughput::Bytes(len as u64));

        let mut cipher = CtrCipher::new(&[7; 32], &[9; 16]);
        let mut buffer = vec![0; len + 4];
        group.bench_function(BenchmarkId::new("cipher", len), |b| {
            b.iter_batched_ref(
                || vec![1; len + 4],
                |stream| {
                    buffer.copy_from_slice(stream);
                    cipher.apply(&mut buffer);
                },
                BatchSize::LargeInput,
            );
        });
        // A server adds at most three bytes of padding.
        let mut tails = tails();
        let mut padded = vec![0; len + 4 + 3];
        group.bench_function(BenchmarkId::new("cipher/padded", len), |b| {
            b.iter_batched_ref(
                || vec![1; len + 4 + tails.next().unwrap_or(0) % 4],
                |stream| {
                    let padded = &mut padded[..stream.len()];
                    padded.copy_from_slice(stream);
                    cipher.apply(padded);
                },
                BatchSize::LargeInput,
            );
        });
        for tag in Tag::ALL {
            let mut link = client(tag);
            let mut opening = Vec::new();
            link_send!(link, &packet, &mut opening);
            let mut server = server(&opening);
            group.bench_function(BenchmarkId::new(format!("ours/{:?}", tag.framing()), len), |b| {
                b.iter_batched_ref(
                    || {
                        let mut stream = Vec::new();
                        link_send!(server, &packet, &mut stream);
                        stream
                    },
                    |stream| {
                        link.spare(stream.len())[..stream.len()].copy_from_slice(stream);
                        link.filled(stream.len());
                        assert!(matches!(
                            link.next_frame(Now::default()),
                            Ok(Some(Frame::Packet { bytes, .. })) if bytes.len() == len
                        ));
                    },
                    BatchSize::LargeInput,
                );
            });
        }
        let mut grammers = Obfuscated::new(Intermediate::new());
        let mut opening = DequeBuffer::with_capacity(len, 128);
        opening.extend(packet.iter().copied());
        grammers.pack(&mut opening);
        let mut server = server(&opening[..]);
        group.bench_function(BenchmarkId::new("grammers/Intermediate", len), |b| {
            b.iter_batched_ref(
                || {
                    let mut stream = Vec::new();
                    link_send!(server, &packet, &mut stream);
                    stream
                },
                |stream| {
                    buffer.copy_from_slice(stream);
                    assert_eq!(grammers.unpack(&mut buffer).unwrap().data_range.len(), len);
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// Framings alone: encoding and decoding of a packet.
fn framings(c: &mut Criterion) {
    for framing in Framing::ALL {
        let mut group = c.benchmark_group(format!("transport/{framing:?}"));
        for len in PACKETS {
            let packet = bytes(len);
            group.throughput(Throughput::Bytes(len as u64));
            let mut encoder = FrameEncoder::new(framing, Side::Client);
            let mut decoder = FrameDecoder::new(framing, Side::Client, SERVER_BODY_LEN_MAX);
            let entropy = &mut CtrEntropy::from_number(1);
            let mut out = Vec::new();
            group.bench_function(BenchmarkId::new("ours", len), |b| {
                b.iter(|| {
                    out.clear();
                    let mark = encoder.begin(&mut out);
                    out.extend_from_slice(&packet);
                    encoder.finish(&mut out, mark, FrameFlags::default(), entropy).unwrap();
                    decoder.spare(out.len())[..out.len()].copy_from_slice(&out);
                    decoder.filled(out.len());
                    assert!(matches!(decoder.next_frame(), Ok(Some(Frame::Packet { .. }))));
                });
            });
            let mut buffer = DequeBuffer::with_capacity(len, 128);
            let mut there_and_back = |pair: &mut dyn FnMut() -> (Box<dyn Transport>, usize)| {
                let (mut peer, init) = pair();
                let (mut first, mut received) = (true, Vec::new());
                group.bench_function(BenchmarkId::new("grammers", len), |b| {
                    b.iter(|| {
                        buffer.clear();
                        buffer.extend(packet.iter().copied());
                        peer.pack(&mut buffer);
                        let skip = if core::mem::take(&mut first) { init } else { 0 };
                        received.clear();
                        received.extend_from_slice(&buffer[skip..]);
                        peer.unpack(&mut received).unwrap().data_range.len()
                    });
                });
            };
            match framing {
                Framing::Abridged => there_and_back(&mut || (Box::new(Abridged::new()), 1)),
                Framing::Intermediate => there_and_back(&mut || (Box::new(Intermediate::new()), 4)),
                Framing::Full => there_and_back(&mut || (Box::new(Full::new()), 0)),
                Framing::PaddedIntermediate => {}
            }
        }
        group.finish();
    }
}

macro_rules! link_send {
    ($link:expr, $packet:expr, $out:expr) => {{
        let mark = $link.begin($out);
        $out.extend_from_slice($packet);
        $link.finish(Now::default(), $out, mark, FrameFlags::default()).unwrap();
    }};
}
use link_send;

/// Returns an endless sequence of a client's padding lengths.
fn tails() -> impl Iterator<Item = usize> {
    bytes(4099).into_iter().map(|byte| usize::from(byte & 15)).cycle()
}

fn client(tag: Tag) -> ClientLink {
    let stack = Stack::Obfuscated { tag, dc: DcId::new(2), secret: None };
    let entropy = Box::new(CtrEntropy::from_number(1));
    ClientLink::new(Now::default(), ClientLinkConfig::new(stack), entropy)
}

/// Returns the server's end of a connection that starts with these bytes.
fn server(opening: &[u8]) -> ServerLink {
    let entropy = Box::new(CtrEntropy::from_number(2));
    let mut link = ServerLink::new(Now::default(), ServerLinkConfig::default(), entropy);
    link.handle_bytes(opening);
    assert!(matches!(link.next_frame(Now::default()), Ok(Some(Frame::Packet { .. }))));
    link
}

fn all() {
    let mut harness = harness();
    send(&mut harness);
    receive(&mut harness);
    framings(&mut harness);
}

criterion_main!(all);
