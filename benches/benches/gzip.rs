//! Unpacking compared with grammers.
//!
//! Ours is the gzip module of `mtp-session`: a reused state with zlib-rs. grammers makes a
//! `flate2::write::GzDecoder` for each message, with miniz_oxide and a buffer of 32 KiB. In this workspace the feature
//! of zlib-rs applies to grammers as well, so this bench reproduces the steps of grammers with miniz_oxide.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_main};
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush, MZStatus};
use mtp_benches::gzip::{Unpacker, pack};
use mtp_benches::harness;

/// Length of the gzip header without optional fields.
const HEADER_LEN: usize = 10;
const TRAILER_LEN: usize = 8;
/// Length of the buffer of flate2.
const BUFFER_LEN: usize = 32 << 10;

fn gunzip(c: &mut Criterion) {
    let mut group = c.benchmark_group("gunzip");
    for len in [1 << 10, 64 << 10] {
        let content = content(len);
        let packed = pack(&content);
        group.throughput(Throughput::Bytes(len as u64));
        let mut out = Vec::new();
        let mut unpacker = Unpacker::new();
        group.bench_function(BenchmarkId::new("ours", len), |b| {
            b.iter(|| {
                out.clear();
                unpacker.unpack(&packed, len, &mut out);
            });
        });
        assert_eq!(out, content);
        group.bench_function(BenchmarkId::new("grammers", len), |b| b.iter(|| theirs(&packed)));
        assert_eq!(theirs(&packed), content);
    }
    group.finish();
}

fn theirs(packed: &[u8]) -> Vec<u8> {
    let mut rest = &packed[HEADER_LEN..packed.len() - TRAILER_LEN];
    let mut state = InflateState::new_boxed(DataFormat::Raw);
    let mut buffer = Vec::with_capacity(BUFFER_LEN);
    let mut sum = flate2::Crc::new();
    let mut out = Vec::new();
    loop {
        buffer.resize(BUFFER_LEN, 0);
        let done = inflate(&mut state, rest, &mut buffer, MZFlush::None);
        rest = &rest[done.bytes_consumed..];
        sum.update(&buffer[..done.bytes_written]);
        out.extend_from_slice(&buffer[..done.bytes_written]);
        if done.status.expect("the member is complete") == MZStatus::StreamEnd {
            break;
        }
    }
    assert_eq!(sum.sum().to_le_bytes(), packed[packed.len() - TRAILER_LEN..][..4]);
    out
}

/// Returns text that compresses to about a third, like typical answers.
fn content(len: usize) -> Vec<u8> {
    let text = (0..).flat_map(|n: u64| {
        let word = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52;
        format!("user {word} joined the group {}; ", n % 97).into_bytes()
    });
    text.take(len).collect()
}

fn all() {
    gunzip(&mut harness());
}

criterion_main!(all);
