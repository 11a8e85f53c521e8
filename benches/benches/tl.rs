//! TL beside grammers: a page of history and a list of numbers, read and written.
//!
//! Both read the same bytes, which our encoder wrote, and give the same bytes back. Allocations are
//! counted before anything is timed; the counting allocator stays in place for both.

use std::hint::black_box;

use allocation_counter::measure;
use criterion::{Criterion, Throughput, criterion_main};
use grammers_tl_types::{self as grammers, Deserializable, Serializable};
use mtp_api::{types, variants};
use mtp_benches::harness;
use mtp_tl::{Decode, Encode, IntoOwned};

/// What `messages.getHistory` answers for a group: `messages.messages` of 100 messages and their 30 senders.
///
/// Texts have about a hundred bytes; every fifth message has two entities, every tenth was edited, every
/// twentieth is a reply.
fn history() -> types::messages::Messages<'static> {
    let peer: types::Peer = variants::PeerChat { chat_id: 1_234_567_890 }.into();
    let messages = (0..100_i32).map(|n| {
        let text = TEXTS.iter().cycle().nth(n.unsigned_abs() as usize).copied().unwrap_or_default();
        let mut message =
            variants::Message::new(10_000 + n, peer.clone(), 1_790_000_000 + n, text.into());
        let sender = variants::PeerUser { user_id: 5_000_000_000 + i64::from(n % 30) };
        message.from_id = Some(sender.into());
        message.out = n % 30 == 0;
        if n % 5 == 0 {
            let bold = variants::MessageEntityBold { offset: 0, length: 7 }.into();
            let italic = variants::MessageEntityItalic { offset: 8, length: 4 }.into();
            message.entities = Some(vec![bold, italic]);
        }
        if n % 10 == 3 {
            message.edit_date = Some(1_790_000_100 + n);
        }
        if n % 20 == 7 {
            let mut header = variants::MessageReplyHeader::new();
            header.reply_to_msg_id = Some(9_999 + n);
            message.reply_to = Some(Box::new(header.into()));
        }
        message.into()
    });
    let users = (0..30_i64).map(|n| {
        let mut user = variants::User::new(5_000_000_000 + n);
        user.access_hash = Some(0x1234_5678_9abc_def0 ^ n);
        user.first_name = Some(format!("First{n}").into());
        user.last_name = Some(format!("Surname{n}").into());
        user.username = Some(format!("username_{n}").into());
        user.phone = Some(format!("4179000{n:04}").into());
        user.status = Some(variants::UserStatusOffline { was_online: 1_789_999_000 }.into());
        user.into()
    });
    let page = variants::messages::Messages {
        messages: messages.collect(),
        topics: vec![],
        chats: vec![],
        users: users.collect(),
    };
    page.into()
}

const TEXTS: [&str; 5] = [
    "Did you see the weather for the weekend? It should clear up by noon, so the early train will be fine for us.",
    "See you at the station around seven then. I have the tickets, please bring something warm for the evening walk.",
    "Yes, gladly",
    "The timetable is at https://example.org/timetable?from=Zurich&to=Chur \u{2014} the 8:07 is full already, so take the one after it and sit in front.",
    "Ich komme etwas sp\u{e4}ter, bitte nicht warten! Der Bus hat wieder Versp\u{e4}tung, sagt die Anzeige am Bahnhof.",
];

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
    count("decode/ours, into_owned", || drop(Ours::from_bytes(&bytes).map(IntoOwned::into_owned)));
    count("decode/grammers", || drop(Theirs::from_bytes(&bytes)));
    count("encode/ours", || drop(ours.to_bytes()));
    count("encode/ours, into a buffer", || {
        let _ = ours.encode_into(&mut buffer);
    });
    count("encode/grammers", || drop(theirs.to_bytes()));

    let mut group = c.benchmark_group("history/decode");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("ours", |b| b.iter(|| Ours::from_bytes(black_box(&bytes))));
    group.bench_function("ours, into_owned", |b| {
        b.iter(|| Ours::from_bytes(black_box(&bytes)).map(IntoOwned::into_owned));
    });
    group.bench_function("grammers", |b| b.iter(|| Theirs::from_bytes(black_box(&bytes))));
    group.finish();

    let mut group = c.benchmark_group("history/encode");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("ours", |b| b.iter(|| black_box(&ours).to_bytes()));
    group.bench_function("ours, into a buffer", |b| {
        b.iter(|| black_box(&ours).encode_into(black_box(&mut buffer)));
    });
    group.bench_function("grammers", |b| b.iter(|| black_box(&theirs).to_bytes()));
    group.finish();
}

/// `Vector<long>`, as ids and hashes travel.
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
    println!("history/{what}: {} allocations, {} bytes", found.count_total, found.bytes_total);
}

fn benches() {
    let mut c = harness();
    page(&mut c);
    longs(&mut c);
    c.final_summary();
}

criterion_main!(benches);
