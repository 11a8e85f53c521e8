//! Calls and answers of one client, singly and in containers of 90, compared with grammers.
//!
//! Both pack, encrypt, decrypt and deliver. Ours also keeps each call until it is answered, detects duplicates and
//! acknowledges. grammers reads the clock and the system's entropy, which ours gets as arguments. For both, the first
//! packet of a round contains the acknowledgments of the previous one.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkGroup, Criterion, criterion_main, measurement::WallTime};
use mtp_benches::harness;
use mtp_benches::session::{CALLS, Client, Grammers, Ours, SECONDS, Server, call, key};

/// The measured part of a round.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Send,
    Receive,
}

/// Measures `iters` single calls.
fn single(client: &mut impl Client, server: &mut Server, part: Part, iters: u64) -> Duration {
    let mut rounds = Vec::new();
    let mut left = usize::try_from(iters).expect("fits usize");
    let body = call();
    while left > 0 {
        let count = left.min(CALLS);
        let (mut packets, mut ends) = (Vec::with_capacity(1 << 16), Vec::with_capacity(count));
        let start = Instant::now();
        for _ in 0..count {
            client.call(&body);
            packets.extend_from_slice(client.packet());
            ends.push(packets.len());
            client.clear();
        }
        let spent = start.elapsed();
        let (mut calls, mut from) = (Vec::new(), 0);
        for end in ends {
            calls.extend(server.calls(&packets[from..end]));
            from = end;
        }
        let mut answers = server.singly(&calls);
        let start = Instant::now();
        let answered: usize = answers.iter_mut().map(|packet| client.take(packet)).sum();
        let received = start.elapsed();
        assert_eq!(answered, count);
        let part = if part == Part::Send { spent } else { received };
        rounds.push(part / u32::try_from(count).expect("at most 90"));
        left -= count;
    }
    typical(rounds, iters)
}

/// Measures `iters` containers of 90 calls.
fn container(client: &mut impl Client, server: &mut Server, part: Part, iters: u64) -> Duration {
    let mut rounds = Vec::new();
    let body = call();
    for _ in 0..iters {
        let start = Instant::now();
        for _ in 0..CALLS {
            client.call(&body);
        }
        let packet = black_box(client.packet());
        let spent = start.elapsed();
        let calls = server.calls(packet);
        client.clear();
        let mut answer = server.together(&calls);
        let start = Instant::now();
        let answered = client.take(&mut answer);
        let received = start.elapsed();
        assert_eq!(answered, CALLS);
        rounds.push(if part == Part::Send { spent } else { received });
    }
    typical(rounds, iters)
}

/// Returns the median times `iters`, so that other load of the machine does not count.
fn typical(mut rounds: Vec<Duration>, iters: u64) -> Duration {
    rounds.sort_unstable();
    let median = rounds.get(rounds.len() / 2).copied().unwrap_or_default();
    median.saturating_mul(u32::try_from(iters).unwrap_or(u32::MAX))
}

type Run<C> = fn(&mut C, &mut Server, Part, u64) -> Duration;

fn measure<C: Client>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    mut client: C,
    seconds: u64,
    part: Part,
    run: Run<C>,
) {
    let mut server = Server::new(&key(), seconds);
    group.bench_function(name, |b| {
        b.iter_custom(|iters| run(&mut client, &mut server, part, iters));
    });
}

fn sessions(c: &mut Criterion) {
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let wall = wall.expect("the clock is after 1970").as_secs();
    for (name, part) in [("send", Part::Send), ("receive", Part::Receive)] {
        let key = key();
        let mut group = c.benchmark_group(format!("call/{name}"));
        measure(&mut group, "ours", Ours::new(&key), SECONDS, part, single);
        measure(&mut group, "grammers", Grammers::new(&key), wall, part, single);
        group.finish();
        let mut group = c.benchmark_group(format!("container of 90/{name}"));
        measure(&mut group, "ours", Ours::new(&key), SECONDS, part, container);
        measure(&mut group, "grammers", Grammers::new(&key), wall, part, container);
        group.finish();
    }
}

fn all() {
    sessions(&mut harness());
}

criterion_main!(all);
