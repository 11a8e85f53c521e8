//! The limits on the cost of decoding: each one at its boundary, and bombs with their memory measured.

use std::borrow::Cow;

use allocation_counter::measure;
use mtp_tl::{
    Bare, BareVec, Budget, Constructor, Decode, DecodeErrorKind, Decoder, Encode, EncodeError,
    Rest, TlStr, tl_enum, tl_struct,
};

tl_struct! {
    /// A list of nodes.
    struct List = "list" # 0x0000_0001 {
        items: Vec<Node>,
    }
}
tl_struct! {
    /// Takes no bytes when bare.
    struct Leaf = "leaf" # 0x0000_0002 {}
}
tl_struct! {
    /// Large in memory.
    struct Wide = "wide" # 0x0000_0003 {
        a: [u8; 64], b: [u8; 64], c: [u8; 64], d: [u8; 64],
        e: [u8; 64], f: [u8; 64], g: [u8; 64], h: [u8; 64],
    }
}
tl_enum! {
    /// At least four bytes on the wire, and always more than 512 in memory.
    enum Node = "Node" {
        /// Nested nodes.
        List(List),
        /// Small on the wire.
        Leaf(Leaf),
        /// Boxed.
        Wide(Box<Wide>),
        /// Large in place.
        WideHere(WideHere),
    }
}
tl_struct! {
    /// `Wide` in place.
    struct WideHere = "wideHere" # 0x0000_0004 {
        wide: Bare<Wide>,
    }
}

/// Returns the id and count of a boxed vector.
fn header(count: i32) -> Vec<u8> {
    let mut bytes = mtp_tl::VECTOR.to_bytes();
    count.encode(&mut bytes);
    bytes
}

/// Decodes `bytes`, which must fail. Returns the error and the peak of allocated bytes.
#[track_caller]
fn fail<'a, T: Decode<'a>>(bytes: &'a [u8], budget: Budget) -> (DecodeErrorKind, u64) {
    let mut kind = None;
    let cost = measure(|| {
        let mut d = Decoder::with_budget(bytes, budget);
        kind = d.read::<T>().and_then(|_| d.finish()).err().map(|error| error.kind());
    });
    (kind.unwrap(), cost.bytes_max)
}

// spec: tl 7
#[test]
fn vector_counts_beyond_the_input_allocate_nothing() {
    for count in [1, 1000, i32::MAX] {
        let bytes = header(count);
        let needed = usize::try_from(count).unwrap().saturating_mul(4);
        let expected = DecodeErrorKind::UnexpectedEof { needed, have: 0 };
        assert_eq!(fail::<Vec<i32>>(&bytes, Budget::DEFAULT), (expected, 0));
        assert_eq!(fail::<Vec<Node>>(&bytes, Budget::DEFAULT), (expected, 0));
    }
    let negative = DecodeErrorKind::InvalidLength { count: -1 };
    assert_eq!(fail::<Vec<i64>>(&header(-1), Budget::DEFAULT), (negative, 0));
    assert_eq!(fail::<BareVec<i64>>(&header(-1)[4..], Budget::DEFAULT), (negative, 0));
}

// spec: tl 6.1
#[test]
fn string_lengths_beyond_the_input_allocate_nothing() {
    // On 32-bit targets the required length saturates.
    let tebibyte = usize::try_from((1_u64 << 40) + 8).unwrap_or(usize::MAX);
    let claims: [(&[u8], usize, usize); 4] = [
        (&[200, 0, 0, 0], 204, 4),
        (&[254, 255, 255, 255], (1 << 24) + 4, 4),
        (&[255, 0, 0, 0, 0, 0, 1, 0], tebibyte, 8),
        (&[255, 0, 0], 8, 3),
    ];
    for (bytes, needed, have) in claims {
        let expected = DecodeErrorKind::UnexpectedEof { needed, have };
        assert_eq!(fail::<TlStr<'_>>(bytes, Budget::DEFAULT), (expected, 0));
    }
    // The largest 7-byte length does not overflow.
    let (kind, cost) = fail::<&[u8]>(&[255; 8], Budget::DEFAULT);
    assert!(matches!(kind, DecodeErrorKind::UnexpectedEof { have: 8, .. }) && cost == 0);
}

// spec: tl 7
#[test]
fn zero_length_items_are_bounded_by_the_input_length() {
    let mut bytes = header(40);
    bytes.resize(40, 0);
    let mut d = Decoder::new(&bytes);
    assert_eq!(d.read::<Vec<Bare<Leaf>>>().unwrap().len(), 40);
    assert_eq!(d.remaining(), 32);
    let bytes = [header(41), vec![0; 32]].concat();
    let expected = DecodeErrorKind::InvalidLength { count: 41 };
    assert_eq!(fail::<Vec<Bare<Leaf>>>(&bytes, Budget::DEFAULT), (expected, 0));
}

// spec: tl 7
#[test]
fn each_constructor_counts_towards_the_depth_limit() {
    for (levels, depth_max, fits) in
        [(3, 4, true), (4, 4, false), (127, 128, true), (128, 128, false)]
    {
        let mut bytes = [List::ID.to_bytes(), header(1)].concat().repeat(levels);
        bytes.extend(Leaf {}.to_bytes());
        let budget = Budget::DEFAULT.with_depth_max(depth_max);
        let mut d = Decoder::with_budget(&bytes, budget);
        let result = d.read::<Node>();
        assert_eq!(result.is_ok(), fits);
        if let Err(error) = result {
            assert_eq!(error.kind(), DecodeErrorKind::RecursionLimit { max: depth_max });
        }
    }
}

// spec: tl 7
#[test]
fn recursion_bomb_allocates_one_item_per_level() {
    let bytes = [List::ID.to_bytes(), header(1)].concat().repeat(1_000_000);
    let (kind, cost) = fail::<Node>(&bytes, Budget::DEFAULT);
    assert_eq!(kind, DecodeErrorKind::RecursionLimit { max: 128 });
    // Each level claims one item, so the reservation is one item.
    assert!(cost <= 128 * size_of::<Node>() as u64, "{cost} bytes");
}

// Each level claims as many items as the rest of the input could hold.
// spec: tl 7
#[test]
fn nested_counts_stay_within_the_heap_budget() {
    let levels = 120;
    let mut bytes = Vec::new();
    for level in 0..levels {
        bytes.extend([List::ID.to_bytes(), header(5_000 - level)].concat());
    }
    bytes.resize(40_000, 0);
    let budget = Budget::for_len(bytes.len());
    let (kind, cost) = fail::<Node>(&bytes, budget);
    assert_eq!(kind, DecodeErrorKind::BytesLimit { max: budget.bytes_max });
    assert!(cost <= budget.bytes_max as u64, "{cost} bytes");
}

// Four bytes on the wire become more than 512 in memory.
// spec: tl 7
#[test]
fn items_larger_in_memory_than_on_the_wire_are_charged() {
    let count = 100_000;
    let bytes = [header(count), Leaf {}.to_bytes().repeat(100_000)].concat();
    let budget = Budget::for_len(bytes.len());
    assert_eq!(budget.bytes_max, 32 * bytes.len() + (256 << 10));
    let (kind, cost) = fail::<Vec<Node>>(&bytes, budget);
    assert_eq!(kind, DecodeErrorKind::BytesLimit { max: budget.bytes_max });
    // While a vector grows, the old and the new allocation exist together.
    assert!(cost <= 2 * budget.bytes_max as u64, "{cost} bytes");

    let few = [header(500), Leaf {}.to_bytes().repeat(500)].concat();
    assert_eq!(Vec::<Node>::from_bytes(&few).unwrap().len(), 500);
}

#[test]
fn heap_limit_is_exact() {
    let node = Node::Wide(Box::new(wide()));
    let bytes = node.to_bytes();
    let need = size_of::<Wide>();
    let tight = |bytes_max| Budget::DEFAULT.with_bytes_max(bytes_max);
    assert_eq!(Decoder::with_budget(&bytes, tight(need)).read::<Node>().unwrap(), node);
    let (kind, cost) = fail::<Node>(&bytes, tight(need - 1));
    assert_eq!((kind, cost), (DecodeErrorKind::BytesLimit { max: need - 1 }, 0));

    let longs = vec![1_i64; 10].to_bytes();
    assert!(Decoder::with_budget(&longs, tight(80)).read::<Vec<i64>>().is_ok());
    let expected = DecodeErrorKind::BytesLimit { max: 79 };
    assert_eq!(fail::<Vec<i64>>(&longs, tight(79)), (expected, 0));
}

#[test]
fn elements_limit_covers_all_vectors_together() {
    let bytes = vec![vec![1_i32, 2], vec![3]].to_bytes();
    let tight = |elements_max| Budget::DEFAULT.with_elements_max(elements_max);
    assert!(Decoder::with_budget(&bytes, tight(5)).read::<Vec<Vec<i32>>>().is_ok());
    let (kind, _) = fail::<Vec<Vec<i32>>>(&bytes, tight(4));
    assert_eq!(kind, DecodeErrorKind::ElementsLimit { max: 4 });
}

#[test]
fn allocations_of_decoding_and_encoding_are_minimal() {
    let text = "borrowed ".repeat(100);
    let bytes = text.to_bytes();
    let mut buffer = vec![0; bytes.len()];
    let cost = measure(|| {
        let read = <TlStr<'_> as Decode>::from_bytes(&bytes).unwrap();
        assert_eq!(read.encode_into(&mut buffer), Ok(bytes.len()));
        assert_eq!(Cow::<'_, [u8]>::from_bytes(&bytes).unwrap().encoded_len(), bytes.len());
    });
    assert_eq!(cost.count_total, 0);
    assert_eq!(buffer, bytes);
    // An output vector grows once for a whole string, and once for all numbers.
    let longs = vec![7_i64; 5_000];
    for (cost, len) in [
        (measure(|| drop(text.to_bytes())), bytes.len()),
        (measure(|| drop(longs.to_bytes())), longs.encoded_len()),
    ] {
        assert_eq!(cost.count_total, 2, "{len}");
        assert!(cost.bytes_total <= 256 + len as u64, "{len}");
    }
    // Vectors of numbers, and vectors whose count is honest, take one allocation.
    let longs = longs.to_bytes();
    assert_eq!(measure(|| drop(Vec::<i64>::from_bytes(&longs).unwrap())).count_total, 1);
    let strings = vec!["a string of some length"; 100].to_bytes();
    assert_eq!(measure(|| drop(Vec::<TlStr<'_>>::from_bytes(&strings).unwrap())).count_total, 1);
}

// spec: tl 7
#[test]
fn trailing_bytes_are_rejected_by_from_bytes_only() {
    let bytes = [7_i64.to_bytes(), vec![1, 2, 3]].concat();
    let error = i64::from_bytes(&bytes).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::TrailingBytes { remaining: 3 });
    assert_eq!(error.offset(), 8);
    let mut d = Decoder::new(&bytes);
    assert_eq!(d.read::<i64>().unwrap(), 7);
    assert_eq!(d.read::<Rest<'_>>().unwrap().as_bytes(), [1, 2, 3]);
    assert!(d.finish().is_ok());
}

// spec: tl 6.1
#[test]
fn strings_of_every_length_encode_alike_to_vectors_and_buffers() {
    let mut buffer = vec![0; 1024];
    for len in 0..=600_usize {
        let text = vec![0xab_u8; len];
        let written = text.as_slice().encode_into(&mut buffer).unwrap();
        let mut behind = vec![1, 2, 3];
        text.as_slice().encode(&mut behind);
        assert_eq!(written, text.as_slice().encoded_len());
        assert_eq!(buffer.get(..written), behind.get(3..), "{len}");
        assert_eq!(behind.get(3..), Some(text.to_bytes().as_slice()), "{len}");
    }
}

// spec: tl 6
#[test]
fn vectors_of_numbers_encode_like_single_numbers() {
    for count in [0, 1, 63, 64, 65, 127, 128, 129, 1_000] {
        let numbers: Vec<i64> = (0..count).map(|n| n * 0x0123_4567_89ab).collect();
        let one_by_one: Vec<u8> = numbers.iter().flat_map(Encode::to_bytes).collect();
        assert_eq!(numbers.to_bytes().get(8..), Some(one_by_one.as_slice()), "{count}");
        assert_eq!(numbers.encoded_len(), one_by_one.len() + 8);
    }
}

#[test]
fn buffers_of_the_exact_length_suffice() {
    let value = wide();
    let needed = value.encoded_len();
    for have in [0, 3, 4, needed - 1, needed, needed + 1] {
        let mut buffer = vec![0xee; have];
        let result = value.encode_into(&mut buffer);
        if have < needed {
            assert_eq!(result, Err(EncodeError::BufferTooSmall { needed, have }));
        } else {
            assert_eq!(result, Ok(needed));
            assert_eq!(buffer.get(..needed), Some(&value.to_bytes()[..]));
            assert!(buffer.iter().skip(needed).all(|&byte| byte == 0xee));
        }
    }
}

// spec: tl 6.1
#[test]
fn checked_len_rejects_strings_above_the_limit() {
    let len_max = mtp_tl::STRING_LEN_MAX;
    for (len, header_len) in [(253, 1), (254, 4), (len_max, 4), (len_max + 1, 8)] {
        let string: Cow<'_, [u8]> = Cow::Owned(vec![b'x'; len]);
        let bytes = string.to_bytes();
        assert_eq!(bytes.len(), (len + header_len).next_multiple_of(4));
        assert_eq!(string.encoded_len(), bytes.len());
        assert_eq!(Cow::<'_, [u8]>::from_bytes(&bytes).unwrap(), string);
        let checked =
            if len > len_max { Err(EncodeError::StringTooLong { len }) } else { Ok(bytes.len()) };
        assert_eq!(string.checked_len(), checked);
    }
}

fn wide() -> Wide {
    Wide {
        a: [1; 64],
        b: [2; 64],
        c: [3; 64],
        d: [4; 64],
        e: [5; 64],
        f: [6; 64],
        g: [7; 64],
        h: [8; 64],
    }
}
