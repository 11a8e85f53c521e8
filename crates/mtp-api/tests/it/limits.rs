//! Goal: decoding costs memory in proportion to the input, and no more stack than a small thread has.

use allocation_counter::measure;
use mtp_api::{types, variants};
use mtp_tl::VECTOR;
use mtp_tl::{Budget, Constructor, Decode, DecodeError, DecodeErrorKind, Encode, IntoOwned};

/// Decodes a type from bytes and drops the value.
type Read = fn(&[u8]) -> Result<(), DecodeErrorKind>;

fn read<'a, T: Decode<'a>>(bytes: &'a [u8]) -> Result<(), DecodeErrorKind> {
    T::from_bytes(bytes).map(drop).map_err(|error: DecodeError| error.kind())
}

fn ids(ids: &[u32]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.to_le_bytes()).collect()
}

// The gzip bomb is tested in `mtp-schema` and `mtp-session`, which decompress.
// spec: tl 7
#[test]
fn nested_and_counted_bombs_stay_within_their_memory_limit() {
    let vector = VECTOR.get();
    let array = variants::JsonArray::ID.get();
    let empty = variants::MessageEmpty::ID.get();
    let recursion = ids(&[array, vector, 1]).repeat(100_000);
    let count = ids(&[vector, 0x7fff_ffff]);
    // Enough of the smallest message for the count to be plausible; each value is large in memory.
    let wide = [ids(&[vector, 87_000]), ids(&[empty, 0, 7]).repeat(87_000)].concat();
    let nested_counts = ids(&[array, vector, 10_000]).repeat(20_000);
    let wide_max = u64::try_from(Budget::for_len(wide.len()).bytes_max).unwrap();
    let nested_max = u64::try_from(Budget::for_len(nested_counts.len()).bytes_max).unwrap();
    let bombs: [(&str, Vec<u8>, Read, u64, fn(DecodeErrorKind) -> bool); 5] = [
        (
            "recursion",
            recursion,
            |b| read::<types::JSONValue<'_>>(b),
            1 << 20,
            |kind| matches!(kind, DecodeErrorKind::RecursionLimit { .. }),
        ),
        (
            "count of numbers",
            count.clone(),
            |b| read::<Vec<i32>>(b),
            0,
            |kind| matches!(kind, DecodeErrorKind::UnexpectedEof { .. }),
        ),
        (
            "count of objects",
            count,
            |b| read::<Vec<types::Message<'_>>>(b),
            0,
            |kind| matches!(kind, DecodeErrorKind::UnexpectedEof { .. }),
        ),
        (
            "small on the wire",
            wide,
            |b| read::<Vec<types::Message<'_>>>(b),
            wide_max,
            |kind| matches!(kind, DecodeErrorKind::BytesLimit { .. }),
        ),
        (
            "counts in counts",
            nested_counts,
            |b| read::<types::JSONValue<'_>>(b),
            nested_max,
            |_| true,
        ),
    ];
    for (name, bytes, read, max, is_expected) in bombs {
        let mut found = Ok(());
        let cost = measure(|| found = read(&bytes));
        let kind = found.expect_err(name);
        assert!(is_expected(kind), "{name}: {kind:?}");
        // A growing vector briefly holds its old buffer, which is half as large.
        let max = max + max / 2;
        assert!(cost.bytes_max <= max, "{name}: {} bytes of {max}", cost.bytes_max);
    }
}

fn peer() -> types::Peer {
    variants::PeerUser { user_id: 1 }.into()
}

fn stories(levels: u32) -> Vec<u8> {
    let mut media = types::MessageMedia::Empty;
    for _ in 0..levels {
        let mut around = variants::MessageMediaStory::new(peer(), 1);
        let item = variants::StoryItem::new(1, 2, 3, Box::new(media));
        around.story = Some(Box::new(item.into()));
        media = around.into();
    }
    media.to_bytes()
}

fn pages(levels: u32) -> Vec<u8> {
    let mut media = types::MessageMedia::Empty;
    for _ in 0..levels {
        let item = variants::StoryItem::new(1, 2, 3, Box::new(media));
        let mut attribute = variants::WebPageAttributeStory::new(peer(), 1);
        attribute.story = Some(Box::new(item.into()));
        let mut page = variants::WebPage::new(1, "u".into(), "d".into(), 0);
        page.attributes = Some(vec![attribute.into()]);
        media = variants::MessageMediaWebPage::new(page.into()).into();
    }
    media.to_bytes()
}

fn paid(levels: u32) -> Vec<u8> {
    let mut media = types::MessageMedia::Empty;
    for _ in 0..levels {
        let inner = variants::MessageExtendedMedia { media: Box::new(media) };
        let extended_media = vec![inner.into()];
        media = variants::MessageMediaPaidMedia { stars_amount: 1, extended_media }.into();
    }
    media.to_bytes()
}

fn blocks(levels: u32) -> Vec<u8> {
    let mut block = types::PageBlock::Divider;
    for _ in 0..levels {
        block = variants::PageBlockDetails::new(vec![block], types::RichText::TextEmpty).into();
    }
    block.to_bytes()
}

fn text(levels: u32) -> Vec<u8> {
    let mut text = types::RichText::TextEmpty;
    for _ in 0..levels {
        text = variants::TextBold { text: Box::new(text) }.into();
    }
    text.to_bytes()
}

/// Decodes, clones, compares, prints and drops a value: everything that recurses as deep as the input.
fn live<'a, T>(bytes: &'a [u8])
where
    T: Decode<'a> + Encode + IntoOwned + Clone + PartialEq + core::fmt::Debug,
    T::Owned: core::fmt::Debug,
{
    let value = T::from_bytes(bytes).unwrap();
    assert!(value.clone() == value);
    assert!(value.to_bytes() == bytes);
    let printed = format!("{value:?}");
    assert!(format!("{:?}", value.into_owned()) == printed);
}

// The largest cycles of the schema; each level is two or three constructors.
// spec: tl 7
#[test]
fn values_at_the_depth_limit_need_little_stack() {
    type Make = fn(u32) -> Vec<u8>;
    let cycles: [(&'static str, Make, u32, fn(&[u8]), Read); 5] = [
        (
            "stories",
            stories,
            2,
            |b| live::<types::MessageMedia<'_>>(b),
            |b| read::<types::MessageMedia<'_>>(b),
        ),
        (
            "pages",
            pages,
            4,
            |b| live::<types::MessageMedia<'_>>(b),
            |b| read::<types::MessageMedia<'_>>(b),
        ),
        (
            "paid media",
            paid,
            2,
            |b| live::<types::MessageMedia<'_>>(b),
            |b| read::<types::MessageMedia<'_>>(b),
        ),
        (
            "blocks",
            blocks,
            1,
            |b| live::<types::PageBlock<'_>>(b),
            |b| read::<types::PageBlock<'_>>(b),
        ),
        ("text", text, 1, |b| live::<types::RichText<'_>>(b), |b| read::<types::RichText<'_>>(b)),
    ];
    let max = Budget::DEFAULT.depth_max;
    for (name, make, step, live, read) in cycles {
        // The peer inside the innermost level is one level more.
        let most = max / step - 1;
        let (fits, deeper) = (make(most), make(max / step + 1));
        let thread = std::thread::Builder::new().name(name.to_owned()).stack_size(STACK);
        let run = thread.spawn(move || {
            live(&fits);
            assert_eq!(read(&deeper), Err(DecodeErrorKind::RecursionLimit { max }), "{name}");
        });
        run.unwrap().join().unwrap();
    }
}

/// A quarter of a thread's default two megabytes, or half of it without optimization.
const STACK: usize = if cfg!(debug_assertions) { 1 << 20 } else { 512 << 10 };
