//! Properties of any value and any bytes.

use std::borrow::Cow;

use mtp_tl::{Bare, BareVec, Decode, Decoder, Encode, Flags, TlStr, tl_enum, tl_struct};
use proptest::prelude::*;

tl_struct! {
    /// One field of each form.
    struct Every<'a> = "every" # 0x0102_0304 {
        int: i32,
        nat: u32,
        long: i64,
        raw: [u8; 16],
        flags: Flags,
        truth: bool,
        text: TlStr<'a>,
        blob: Cow<'a, [u8]>,
        longs: Vec<i64>,
        names: BareVec<TlStr<'a>>,
        pairs: Vec<Bare<Pair>>,
        tree: Tree<'a>,
    }
}
tl_struct! {
    /// A constructor of fixed size.
    struct Pair = "pair" # 0x0506_0708 {
        left: i32,
        right: i64,
    }
}
tl_struct! {
    /// A leaf.
    struct Leaf<'a> = "leaf" # 0x090a_0b0c {
        name: TlStr<'a>,
    }
}
tl_struct! {
    /// A fork.
    struct Fork<'a> = "fork" # 0x0d0e_0f10 {
        branches: Vec<Tree<'a>>,
    }
}
tl_enum! {
    /// A tree.
    enum Tree<'a> = "Tree" {
        /// A leaf.
        Leaf(Leaf<'a>),
        /// A fork.
        Fork(Fork<'a>),
    }
}

fn blob() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        9 => prop::collection::vec(any::<u8>(), 0..20),
        1 => prop::collection::vec(any::<u8>(), 250..260),
    ]
}

fn text() -> impl Strategy<Value = TlStr<'static>> {
    blob().prop_map(|bytes| TlStr::from(Cow::Owned(bytes)))
}

fn tree() -> impl Strategy<Value = Tree<'static>> {
    let leaf = text().prop_map(|name| Tree::Leaf(Leaf { name }));
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop::collection::vec(inner, 0..4).prop_map(|branches| Tree::Fork(Fork { branches }))
    })
}

prop_compose! {
    fn every()(
        (int, nat, long, truth, bits) in any::<(i32, u32, i64, bool, u32)>(),
        raw in any::<[u8; 16]>(),
        (text, blob) in (text(), blob()),
        longs in prop::collection::vec(any::<i64>(), 0..200),
        names in prop::collection::vec(text(), 0..5),
        pairs in prop::collection::vec(any::<(i32, i64)>(), 0..5),
        tree in tree(),
    ) -> Every<'static> {
        Every {
            int, nat, long, raw, flags: Flags::new(bits), truth, text, longs, tree,
            blob: Cow::Owned(blob),
            names: BareVec(names),
            pairs: pairs.into_iter().map(|(left, right)| Bare(Pair { left, right })).collect(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn encoded_values_decode_to_themselves(value in every(), tail in prop::collection::vec(any::<u8>(), 0..9)) {
        let mut bytes = value.to_bytes();
        prop_assert_eq!(bytes.len(), value.encoded_len());
        prop_assert_eq!(value.checked_len(), Ok(bytes.len()));
        prop_assert_eq!(bytes.len() % 4, 0);
        bytes.extend(&tail);
        let mut d = Decoder::new(&bytes).canonical();
        prop_assert_eq!(d.read::<Every<'_>>().unwrap(), value);
        prop_assert_eq!(d.take_rest(), &tail[..]);
    }

    #[test]
    fn truncated_input_gives_an_error_within_it(value in every(), at in any::<prop::sample::Index>()) {
        let bytes = value.to_bytes();
        let len = at.index(bytes.len());
        let error = Every::from_bytes(&bytes[..len]).unwrap_err();
        prop_assert!(error.offset() <= len);
    }

    // Damaged input gives an error, or a value that survives re-encoding.
    #[test]
    fn damaged_input_gives_an_error_or_a_consistent_value(
        value in every(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = value.to_bytes();
        for (at, byte) in damage {
            let len = bytes.len();
            bytes[at.index(len)] = byte;
        }
        if let Ok(read) = Every::from_bytes(&bytes) {
            let again = read.to_bytes();
            prop_assert_eq!(Every::from_bytes(&again).unwrap(), read);
        }
        let mut d = Decoder::new(&bytes).canonical();
        if let Ok(read) = d.read::<Every<'_>>() {
            prop_assert_eq!(read.to_bytes(), &bytes[..d.offset()]);
        }
    }

    #[test]
    fn arbitrary_bytes_never_read_past_the_end(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut d = Decoder::new(&bytes);
        let read = d.read::<Vec<Cow<'_, [u8]>>>();
        prop_assert!(d.offset() <= bytes.len());
        if let Err(error) = read {
            prop_assert!(error.offset() <= bytes.len());
        }
        let mut d = Decoder::new(&bytes);
        if let Ok(string) = d.string() {
            prop_assert!(string.len() < d.offset());
        } else {
            prop_assert_eq!(d.offset(), 0);
        }
    }
}
