//! Message encryption and the cipher modes compared with grammers, the `ige` crate and OpenSSL.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_main};
use mtp_benches::{bytes, harness};
use mtp_crypto::ctr::CtrCipher;
use mtp_crypto::{
    AuthKey, CtrEntropy, InnerHeader, OpenJob, Padding, SealJob, Side, open, open_batch, pad, seal,
    seal_batch,
};

/// Plaintexts of a typical call, a page, and a file part, padding included.
const MESSAGES: [usize; 4] = [128, 1024, 16 << 10, 64 << 10];
const STREAMS: [usize; 4] = [64, 1024, 16 << 10, 1 << 20];

/// Measures the duration of a clock cycle.
///
/// Each step depends on the previous one: 1 cycle for the `or` and 3 for the multiplication, on all
/// processors of the last ten years.
fn clock(c: &mut Criterion) {
    c.bench_function("clock/4000_cycles", |b| {
        b.iter(|| (0..1000).fold(black_box(3_u64), |x, _| (x | 1).wrapping_mul(x)));
    });
}

fn ige(c: &mut Criterion) {
    let (key, iv) = ([7; 32], [9; 32]);
    let mut group = c.benchmark_group("ige/encrypt");
    each(&mut group, &STREAMS, "ours", |data| {
        mtp_crypto::ige::encrypt(&key, &mut iv.clone(), data).unwrap();
    });
    each(&mut group, &STREAMS, "grammers", |data| {
        grammers_crypto::aes::ige_encrypt(data, &key, &iv);
    });
    each(&mut group, &STREAMS, "ige_crate", |data| {
        use aes::cipher::{Array, BlockModeEncrypt, KeyIvInit};
        let mut cipher = ige::Encryptor::<aes::Aes256Enc>::new(&key.into(), &iv.into());
        cipher.encrypt_blocks(Array::cast_slice_from_core_mut(data.as_chunks_mut().0));
    });
    #[cfg(feature = "openssl")]
    each(&mut group, &STREAMS, "openssl", |data| {
        openssl_ige(openssl::symm::Mode::Encrypt, &key, iv, data);
    });
    group.finish();

    let mut group = c.benchmark_group("ige/decrypt");
    each(&mut group, &STREAMS, "ours", |data| {
        mtp_crypto::ige::decrypt(&key, &mut iv.clone(), data).unwrap();
    });
    each(&mut group, &STREAMS, "grammers", |data| {
        grammers_crypto::aes::ige_decrypt(data, &key, &iv);
    });
    each(&mut group, &STREAMS, "ige_crate", |data| {
        use aes::cipher::{Array, BlockModeDecrypt, KeyIvInit};
        let mut cipher = ige::Decryptor::<aes::Aes256Dec>::new(&key.into(), &iv.into());
        cipher.decrypt_blocks(Array::cast_slice_from_core_mut(data.as_chunks_mut().0));
    });
    #[cfg(feature = "openssl")]
    each(&mut group, &STREAMS, "openssl", |data| {
        openssl_ige(openssl::symm::Mode::Decrypt, &key, iv, data);
    });
    group.finish();
}

#[cfg(feature = "openssl")]
fn openssl_ige(mode: openssl::symm::Mode, key: &[u8; 32], mut iv: [u8; 32], data: &mut [u8]) {
    let key = match mode {
        openssl::symm::Mode::Encrypt => openssl::aes::AesKey::new_encrypt(key),
        openssl::symm::Mode::Decrypt => openssl::aes::AesKey::new_decrypt(key),
    };
    // The API of OpenSSL cannot work in place.
    let input = data.to_vec();
    openssl::aes::aes_ige(&input, data, &key.unwrap(), &mut iv, mode);
}

fn ctr(c: &mut Criterion) {
    let mut group = c.benchmark_group("ctr");
    let mut cipher = CtrCipher::new(&[7; 32], &[9; 16]);
    each(&mut group, &STREAMS, "ours", |data| cipher.apply(data));
    let mut init = [7; 64];
    init[56..60].fill(0xef);
    let mut cipher = grammers_crypto::ObfuscatedCipher::new(&init);
    each(&mut group, &STREAMS, "grammers", |data| cipher.encrypt(data));
    group.finish();
}

fn message_encrypt(c: &mut Criterion) {
    let mut group = c.benchmark_group("message/encrypt");
    let mut entropy = CtrEntropy::from_number(2);
    let (ours, theirs) = keys();
    for size in MESSAGES {
        group.throughput(Throughput::Bytes(size as u64));
        let body = bytes(size - 48);
        group.bench_function(BenchmarkId::new("ours", size), |b| {
            let mut packet = Vec::with_capacity(size + 64);
            b.iter(|| {
                packet.clear();
                let start = mtp_crypto::begin(&mut packet, HEADER);
                packet.extend_from_slice(&body);
                pad(&mut packet, start, Padding::Minimum, &mut entropy).unwrap();
                seal(&ours, Side::Client, &mut packet).unwrap()
            });
        });
        let plain = bytes(size - 16);
        group.bench_function(BenchmarkId::new("grammers", size), |b| {
            let mut packet = grammers_crypto::DequeBuffer::with_capacity(size + 64, 24);
            b.iter(|| {
                packet.clear();
                packet.extend(plain.iter().copied());
                grammers_crypto::encrypt_data_v2(&mut packet, &theirs);
            });
        });
    }
    group.finish();
}

fn message_decrypt(c: &mut Criterion) {
    let mut group = c.benchmark_group("message/decrypt");
    let (ours, theirs) = keys();
    for size in MESSAGES {
        group.throughput(Throughput::Bytes(size as u64));
        let sealed = sealed(&ours, size);
        group.bench_function(BenchmarkId::new("ours", size), |b| {
            let mut packet = sealed.clone();
            b.iter(|| {
                packet.copy_from_slice(&sealed);
                open(&ours, Side::Server, &mut packet).unwrap().body.len()
            });
        });
        group.bench_function(BenchmarkId::new("grammers", size), |b| {
            let mut packet = sealed.clone();
            b.iter(|| {
                packet.copy_from_slice(&sealed);
                grammers_crypto::decrypt_data_v2(&mut packet, &theirs).unwrap().len()
            });
        });
    }
    group.finish();
}

/// Sixteen messages in one call, with one key.
fn message_batch(c: &mut Criterion) {
    let mut group = c.benchmark_group("message/batch_16");
    let (key, _) = keys();
    for size in MESSAGES {
        group.throughput(Throughput::Bytes(16 * size as u64));
        let padded = vec![padded(size); 16];
        group.bench_function(BenchmarkId::new("seal", size), |b| {
            let jobs = |mut packets: Vec<Vec<u8>>| {
                let job = |packet| SealJob::new(&key, Side::Client, packet);
                let mut jobs: Vec<_> = packets.iter_mut().map(|packet| job(packet)).collect();
                seal_batch(&mut jobs);
                drop(jobs);
                packets
            };
            b.iter_batched(|| padded.clone(), jobs, BatchSize::SmallInput);
        });
        let sealed = vec![sealed(&key, size); 16];
        group.bench_function(BenchmarkId::new("open", size), |b| {
            let jobs = |mut packets: Vec<Vec<u8>>| {
                let job = |packet| OpenJob::new(&key, Side::Server, packet);
                let mut jobs: Vec<_> = packets.iter_mut().map(|packet| job(packet)).collect();
                open_batch(&mut jobs);
                drop(jobs);
                packets
            };
            b.iter_batched(|| sealed.clone(), jobs, BatchSize::SmallInput);
        });
    }
    group.finish();
}

/// Runs `function` in place over one buffer of each size.
fn each(
    group: &mut BenchmarkGroup<'_, WallTime>,
    sizes: &[usize],
    name: &str,
    mut function: impl FnMut(&mut [u8]),
) {
    for size in sizes {
        group.throughput(Throughput::Bytes(*size as u64));
        let mut data = bytes(*size);
        group.bench_function(BenchmarkId::new(name, size), |b| b.iter(|| function(&mut data)));
    }
}

const HEADER: InnerHeader = InnerHeader {
    salt: mtp_crypto::Salt::from_raw(1),
    session_id: mtp_crypto::SessionId::from_raw(2),
    msg_id: mtp_crypto::MsgId::from_raw(1 << 62),
    seq_no: mtp_crypto::SeqNo::from_raw(1),
};

fn keys() -> (AuthKey, grammers_crypto::AuthKey) {
    let key: [u8; 256] = bytes(256).try_into().unwrap();
    (AuthKey::new(key).unwrap(), grammers_crypto::AuthKey::from_bytes(key))
}

/// Returns a padded packet with `size` bytes of plaintext.
fn padded(size: usize) -> Vec<u8> {
    let mut packet = Vec::new();
    let start = mtp_crypto::begin(&mut packet, HEADER);
    packet.extend_from_slice(&bytes(size - 48));
    pad(&mut packet, start, Padding::Minimum, &mut CtrEntropy::from_number(3)).unwrap();
    packet
}

fn sealed(key: &AuthKey, size: usize) -> Vec<u8> {
    let mut packet = padded(size);
    seal(key, Side::Server, &mut packet).unwrap();
    packet
}

fn crypto() {
    let mut criterion = harness();
    clock(&mut criterion);
    ige(&mut criterion);
    ctr(&mut criterion);
    message_encrypt(&mut criterion);
    message_decrypt(&mut criterion);
    message_batch(&mut criterion);
}

criterion_main!(crypto);
