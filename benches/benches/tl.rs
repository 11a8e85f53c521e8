//! TL compared with grammers: decoding and encoding of a page of history and a list of numbers.
//!
//! Both decode the same bytes, made by our encoder, and encode them identically. Allocations are counted
//! before times are measured; both run with the counting allocator.

use std::hint::black_box;

use allocation_counter::measure;
use criterion::{BatchSize, Criterion, Throughput, criterion_main};
use grammers_tl_types::{self as grammers, Deserializable, Serializable};
use mtp_api::types;
use mtp_benches::history::history;
use mtp_benches::{harness, report};
use mtp_tl::{Decode, Encode, IntoOwned};

fn page(c: &mut Criterion) {
    type Ours<'a> = types::messages::Messages<'a>;
    type Theirs = grammers::enums::messages::Messages;

    let bytes = history().to_bytes();
    let (ours, theirs) = (Ours::from_bytes(&bytes).unwrap(), Theirs::from_bytes(&bytes).unwrap());
    assert_eq!(ours.to_bytes(), bytes);
    assert_eq!(theirs.to_bytes(), bytes);
    let mut buffer = vec![0; bytes.len()];

    println!("history: {} bytes", bytes.len());
    count("decode/ours", || drop(Ours::from_bytes(&bytes)));
    count("decode/ours_owned", || drop(Ours::from_bytes(&bytes).map(IntoOwned::into_owned)));
    count("decode/grammers", || drop(Theirs::from_bytes(&bytes)));
    count("encode/ours", || drop(ours.to_bytes()));
    count("encode/ours_into_buffer", || {
        let _ = ours.encode_into(&mut buffer);
    });
    count("encode/grammers", || drop(theirs.to_bytes()));

    // The value is dropped outside of the measured time.
    let mut group = c.benchmark_group("history/decode");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("ours", |b| {
        b.iter_batched(|| &bytes, |bytes| Ours::from_bytes(bytes), BatchSize::PerIteration);
    });
    group.bench_function("ours_owned", |b| {
        let run = |bytes: &Vec<u8>| Ours::from_bytes(bytes).map(IntoOwned::into_owned);
        b.iter_batched(|| &bytes, run, BatchSize::PerIteration);
    });
    group.bench_function("grammers", |b| {
        b.iter_batched(|| &bytes, |bytes| Theirs::from_bytes(bytes), BatchSize::PerIteration);
    });
    group.finish();

    let mut group = c.benchmark_group("history/decode_and_drop");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("ours", |b| b.iter(|| drop(Ours::from_bytes(black_box(&bytes)))));
    group.bench_function("ours_owned", |b| {
        b.iter(|| drop(Ours::from_bytes(black_box(&bytes)).map(IntoOwned::into_owned)));
    });
    group.bench_function("grammers", |b| b.iter(|| drop(Theirs::from_bytes(black_box(&bytes)))));
    group.finish();

    let mut group = c.benchmark_group("history/encode");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("ours", |b| b.iter(|| black_box(&ours).to_bytes()));
    group.bench_function("ours_into_buffer", |b| {
        b.iter(|| black_box(&ours).encode_into(black_box(&mut buffer)));
    });
    group.bench_function("grammers", |b| b.iter(|| black_box(&theirs).to_bytes()));
    group.finish();
}

/// `Vector<long>`, the type of lists of ids and hashes.
fn longs(c: &mut Criterion) {
    let numbers: Vec<i64> = (0..10_000).map(|n| n * 0x0123_4567_89ab).collect();
    let bytes = Encode::to_bytes(&numbers);
    assert_eq!(Serializable::to_bytes(&numbers), bytes);
    assert_eq!(<Vec<i64> as Deserializable>::from_bytes(&bytes).unwrap(), numbers);

    let mut group = c.benchmark_group("longs/decode");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("ours", |b| {
        b.iter(|| <Vec<i64> as Decode<'_>>::from_bytes(black_box(&bytes)))
    });
    group.bench_function("grammers", |b| {
        b.iter(|| <Vec<i64> as Deserializable>::from_bytes(black_box(&bytes)));
    });
    group.finish();

    let mut group = c.benchmark_group("longs/encode");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("ours", |b| b.iter(|| Encode::to_bytes(black_box(&numbers))));
    group.bench_function("grammers", |b| b.iter(|| Serializable::to_bytes(black_box(&numbers))));
    group.finish();
}

fn count(what: &str, run: impl FnOnce()) {
    let found = measure(run);
    report(&format!("allocations/history/{what}"), found.count_total);
    report(&format!("allocated/history/{what}"), found.bytes_total);
}

fn benches() {
    let mut c = harness();
    page(&mut c);
    longs(&mut c);
    c.final_summary();
}

criterion_main!(benches);
