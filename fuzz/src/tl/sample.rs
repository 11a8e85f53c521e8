//! Sample types with every kind of field, and their shapes for the second decoder.

use std::borrow::Cow;

use mtp_tl::{
    Bare, BareVec, Constructor, ConstructorId, Decode, DecodeBare, DecodeError, Decoder, Encode,
    EncodeBare, Flags, Output, TlStr, tl_enum, tl_struct,
};

use super::naive::Shape;

tl_struct! {
    /// One field of every kind.
    pub(super) struct Every<'a> = "every" # 0x0102_0304 {
        int: i32,
        long: i64,
        raw: [u8; 16],
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
    /// A type of fixed length.
    pub(super) struct Pair = "pair" # 0x0506_0708 {
        left: i32,
        right: i64,
    }
}
tl_struct! {
    /// A leaf of the tree.
    pub(super) struct Leaf<'a> = "leaf" # 0x090a_0b0c {
        name: TlStr<'a>,
    }
}
tl_struct! {
    /// An inner node of the tree.
    pub(super) struct Fork<'a> = "fork" # 0x0d0e_0f10 {
        branches: Vec<Tree<'a>>,
    }
}
tl_enum! {
    /// A recursive type.
    pub(super) enum Tree<'a> = "Tree" {
        /// A leaf of the tree.
        Leaf(Leaf<'a>),
        /// An inner node of the tree.
        Fork(Fork<'a>),
    }
}

/// Conditional fields: bit 0, bit 31, and two that share bit 5.
#[derive(Debug, PartialEq)]
pub(super) struct Options<'a> {
    silent: bool,
    number: Option<i32>,
    text: Option<TlStr<'a>>,
    list: Option<Vec<i32>>,
}

impl Constructor for Options<'_> {
    const ID: ConstructorId = ConstructorId::new(0x1112_1314);
    const NAME: &'static str = "options";
}

impl EncodeBare for Options<'_> {
    fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
        let shared = self.text.is_some() || self.list.is_some();
        Flags::NONE
            .with(0, self.silent)
            .with(31, self.number.is_some())
            .with(5, shared)
            .encode(out);
        self.number.encode(out);
        self.text.encode(out);
        self.list.encode(out);
    }
}

impl Encode for Options<'_> {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        self.encode_boxed(out);
    }
}

impl<'a> DecodeBare<'a> for Options<'a> {
    const BARE_LEN_MIN: usize = 4;

    fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let flags: Flags = d.read()?;
        Ok(Self {
            silent: flags.has(0),
            number: d.optional(flags, 31)?,
            text: d.optional(flags, 5)?,
            list: d.optional(flags, 5)?,
        })
    }
}

impl<'a> Decode<'a> for Options<'a> {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.boxed()
    }
}

pub(super) const OPTIONS: Shape = Shape::Object(&[(
    0x1112_1314,
    &[Shape::Flags {
        keep: 1 | 1 << 5 | 1 << 31,
        fields: &[(31, Shape::Fixed(4)), (5, Shape::Text), (5, Shape::Vector(&Shape::Fixed(4)))],
    }],
)]);

pub(super) const TREE: Shape = Shape::Object(&[
    (0x090a_0b0c, &[Shape::Text]),
    (0x0d0e_0f10, &[Shape::Vector(&Shape::Later(tree))]),
]);

/// Returns the shape, because a constant cannot refer to itself.
const fn tree() -> Shape {
    TREE
}

pub(super) const EVERY: Shape = Shape::Object(&[(
    0x0102_0304,
    &[
        Shape::Fixed(4),
        Shape::Fixed(8),
        Shape::Fixed(16),
        Shape::Bool,
        Shape::Text,
        Shape::Text,
        Shape::Vector(&Shape::Fixed(8)),
        Shape::BareVector(&Shape::Text),
        Shape::Vector(&Shape::Fixed(12)),
        TREE,
    ],
)]);
