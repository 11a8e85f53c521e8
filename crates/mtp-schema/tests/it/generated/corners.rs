// Written by mtp-schema from layer 7. Do not edit.

/// The layer of the schema.
#[allow(dead_code, unreachable_pub, reason = "generated code")]
pub const LAYER: i32 = 7;

mod __prelude {
    #![allow(unused_imports, reason = "a small schema does not use all imports")]
    extern crate alloc;
    pub(super) use alloc::{borrow::Cow, boxed::Box, vec::Vec};
    pub(super) use ::mtp_tl::{
        Bare, BareVec, Constructor, ConstructorId, Decode, DecodeBare, DecodeError, Decoder,
        Encode, EncodeBare, Fill, Flags, Function, IntoOwned, Output, Rest, TlStr, True,
    };
}

/// Boxed types.
pub mod types {
    #![allow(
        dead_code, unreachable_pub, unused_imports, unused_qualifications, clippy::all, clippy::pedantic, clippy::exhaustive_structs,
        reason = "generated code, of which a user may need only a part"
    )]
    use super as __root;
    use __root::__prelude::*;

    /// A tree \[with\] \`odd\` \*marks\*
    ///
    /// `Tree`
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum Tree {
        /// `leaf value:int = Tree`
        Leaf(__root::variants::Leaf),
        /// `branch left:Tree right:Tree = Tree`
        Branch(__root::variants::Branch),
        /// `forest trees:Vector<Tree> = Tree`
        Forest(__root::variants::Forest),
        /// `stump = Tree`
        Stump,
    }
    impl Encode for Tree {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            match self {
                Self::Leaf(value) => value.encode_boxed(out),
                Self::Branch(value) => value.encode_boxed(out),
                Self::Forest(value) => value.encode_boxed(out),
                Self::Stump => ConstructorId::new(0xf736_21b0).encode(out),
            }
        }
    }
    impl<'a> Decode<'a> for Tree {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let id = d.id()?;
            match id.get() {
                0x77be_8730 => d.bare().map(Self::Leaf),
                0xbcc3_ba27 => d.bare().map(Self::Branch),
                0x402b_69e7 => d.bare().map(Self::Forest),
                0xf736_21b0 => Ok(Self::Stump),
                _ => Err(d.unexpected(id, "Tree")),
            }
        }
    }
    impl From<__root::variants::Leaf> for Tree {
        #[inline]
        fn from(value: __root::variants::Leaf) -> Self { Self::Leaf(value) }
    }
    impl From<__root::variants::Branch> for Tree {
        #[inline]
        fn from(value: __root::variants::Branch) -> Self { Self::Branch(value) }
    }
    impl From<__root::variants::Forest> for Tree {
        #[inline]
        fn from(value: __root::variants::Forest) -> Self { Self::Forest(value) }
    }

    /// `Message`
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum Message<'a> {
        /// `big a:string b:string c:string d:string e:string f:string = Message`
        Big(Box<__root::variants::Big<'a>>),
        /// `message a:string b:string c:string d:string e:string f:string = Message`
        Message(__root::variants::Message<'a>),
    }
    impl Encode for Message<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            match self {
                Self::Big(value) => value.encode_boxed(out),
                Self::Message(value) => value.encode_boxed(out),
            }
        }
    }
    impl<'a> Decode<'a> for Message<'a> {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let id = d.id()?;
            match id.get() {
                0xbd7d_889d => d.bare().map(Self::Big),
                0x4bc8_01f9 => d.bare().map(Self::Message),
                _ => Err(d.unexpected(id, "Message")),
            }
        }
        #[inline]
        fn decode_items(d: &mut Decoder<'a>, count: usize) -> Result<Vec<Self>, DecodeError> {
            d.fill_items(count, |d, item| Fill::fill(item, d))
        }
    }
    impl<'a> Fill<'a> for Message<'a> {
        const BLANK: Self = Self::Message(__root::variants::Message::BLANK);
        #[inline]
        fn fill(&mut self, d: &mut Decoder<'a>) -> Result<(), DecodeError> {
            match self {
                Self::Message(value) if d.is_next(__root::variants::Message::ID) => d.fill_boxed(value),
                _ => { *self = d.read()?; Ok(()) }
            }
        }
    }
    impl<'a> From<__root::variants::Big<'a>> for Message<'a> {
        #[inline]
        fn from(value: __root::variants::Big<'a>) -> Self { Self::Big(Box::new(value)) }
    }
    impl<'a> From<__root::variants::Message<'a>> for Message<'a> {
        #[inline]
        fn from(value: __root::variants::Message<'a>) -> Self { Self::Message(value) }
    }
    impl IntoOwned for Message<'_> {
        type Owned = Message<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            match self {
                Self::Big(value) => Message::Big(value.into_owned()),
                Self::Message(value) => Message::Message(value.into_owned()),
            }
        }
    }

    /// `Sheet`
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum Sheet<'a> {
        /// `sheetEmpty = Sheet`
        Empty,
        /// `sheet flags:# a:flags.1?true b:flags.2?true c:flags.31?true more:# d:more.0?true id:long name:flags.3?string title:flags.4?string note:flags.5?bytes tree:Tree any:flags.6?true x:flags.6?int y:flags.6?long z:more.1?double w:more.31?int parts:Vector<Sheet> at:%Point = Sheet`
        Sheet(__root::variants::Sheet<'a>),
    }
    impl Encode for Sheet<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            match self {
                Self::Empty => ConstructorId::new(0xec0c_ae98).encode(out),
                Self::Sheet(value) => value.encode_boxed(out),
            }
        }
    }
    impl<'a> Decode<'a> for Sheet<'a> {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let id = d.id()?;
            match id.get() {
                0xec0c_ae98 => Ok(Self::Empty),
                0xf133_b7b6 => d.bare().map(Self::Sheet),
                _ => Err(d.unexpected(id, "Sheet")),
            }
        }
        #[inline]
        fn decode_items(d: &mut Decoder<'a>, count: usize) -> Result<Vec<Self>, DecodeError> {
            d.fill_items(count, |d, item| Fill::fill(item, d))
        }
    }
    impl<'a> Fill<'a> for Sheet<'a> {
        const BLANK: Self = Self::Sheet(__root::variants::Sheet::BLANK);
        #[inline]
        fn fill(&mut self, d: &mut Decoder<'a>) -> Result<(), DecodeError> {
            match self {
                Self::Sheet(value) if d.is_next(__root::variants::Sheet::ID) => d.fill_boxed(value),
                _ => { *self = d.read()?; Ok(()) }
            }
        }
    }
    impl<'a> From<__root::variants::Sheet<'a>> for Sheet<'a> {
        #[inline]
        fn from(value: __root::variants::Sheet<'a>) -> Self { Self::Sheet(value) }
    }
    impl IntoOwned for Sheet<'_> {
        type Owned = Sheet<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            match self {
                Self::Empty => Sheet::Empty,
                Self::Sheet(value) => Sheet::Sheet(value.into_owned()),
            }
        }
    }

    /// `keywords flags:# self:flags.0?true type:string crate:int final:flags.1?string srp_B:flags.31?bytes = Keywords`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Keywords<'a> {
        /// `self:flags.0?true`
        pub self_: bool,
        /// `type:string`
        pub r#type: TlStr<'a>,
        /// `crate:int`
        pub crate_: i32,
        /// `final:flags.1?string`
        pub r#final: Option<TlStr<'a>>,
        /// `srp_B:flags.31?bytes`
        pub srp_b: Option<Cow<'a, [u8]>>,
    }
    impl Constructor for Keywords<'_> {
        const ID: ConstructorId = ConstructorId::new(0xfdfd_613f);
        const NAME: &'static str = "keywords";
    }
    impl EncodeBare for Keywords<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            let word0 = Flags::NONE.with(0, self.self_).with(1, self.r#final.is_some()).with(31, self.srp_b.is_some());
            out.put(&word0.bits().to_le_bytes());
            self.r#type.encode(out);
            out.put(&self.crate_.to_le_bytes());
            self.r#final.encode(out);
            self.srp_b.encode(out);
        }
    }
    impl Encode for Keywords<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Keywords<'a> {
        const BARE_LEN_MIN: usize = 12;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let word0: Flags = d.read()?;
            Ok(Self {
                r#type: d.read()?,
                crate_: d.read()?,
                r#final: d.optional(word0, 1)?,
                srp_b: d.optional(word0, 31)?,
                self_: word0.has(0),
            })
        }
    }
    impl<'a> Decode<'a> for Keywords<'a> {
        const LEN_MIN: usize = 16;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl<'a> Keywords<'a> {
        /// Creates a value without its conditional fields.
        #[inline]
        #[must_use]
        pub const fn new(r#type: TlStr<'a>, crate_: i32) -> Self {
            Self { self_: false, r#type, crate_, r#final: None, srp_b: None }
        }
    }
    impl IntoOwned for Keywords<'_> {
        type Owned = Keywords<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            Keywords {
                self_: self.self_,
                r#type: IntoOwned::into_owned(self.r#type),
                crate_: self.crate_,
                r#final: self.r#final.into_owned(),
                srp_b: self.srp_b.into_owned(),
            }
        }
    }

    /// `words a:int flags:# x:flags.0?int b:long flags2:# y:flags2.0?Bool z:flags.1?double = Words`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Words {
        /// `a:int`
        pub a: i32,
        /// `x:flags.0?int`
        pub x: Option<i32>,
        /// `b:long`
        pub b: i64,
        /// `y:flags2.0?Bool`
        pub y: Option<bool>,
        /// `z:flags.1?double`
        pub z: Option<f64>,
    }
    impl Constructor for Words {
        const ID: ConstructorId = ConstructorId::new(0xce1e_e904);
        const NAME: &'static str = "words";
    }
    impl EncodeBare for Words {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            let word1 = Flags::NONE.with(0, self.x.is_some()).with(1, self.z.is_some());
            let word4 = Flags::NONE.with(0, self.y.is_some());
            out.put([self.a.to_le_bytes(), word1.bits().to_le_bytes()].as_flattened());
            self.x.encode(out);
            self.b.encode(out);
            out.put(&word4.bits().to_le_bytes());
            self.y.encode(out);
            self.z.encode(out);
        }
    }
    impl Encode for Words {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Words {
        const BARE_LEN_MIN: usize = 20;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let field0 = d.read()?;
            let word1: Flags = d.read()?;
            let field2 = d.optional(word1, 0)?;
            let field3 = d.read()?;
            let word4: Flags = d.read()?;
            Ok(Self {
                a: field0,
                x: field2,
                b: field3,
                y: d.optional(word4, 0)?,
                z: d.optional(word1, 1)?,
            })
        }
    }
    impl<'a> Decode<'a> for Words {
        const LEN_MIN: usize = 24;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Words {
        /// Creates a value without its conditional fields.
        #[inline]
        #[must_use]
        pub const fn new(a: i32, b: i64) -> Self {
            Self { a, x: None, b, y: None, z: None }
        }
    }

    /// `shared flags:# both:flags.0?true first:flags.0?int second:flags.0?string only:flags.1?true also:flags.1?true told:flags.2?true value:flags.2?long = Shared`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Shared<'a> {
        /// `first:flags.0?int` `second:flags.0?string`
        pub first: Option<__root::groups::SharedFirst<'a>>,
        /// `only:flags.1?true`
        pub only: bool,
        /// `value:flags.2?long`
        pub value: Option<i64>,
    }
    impl Constructor for Shared<'_> {
        const ID: ConstructorId = ConstructorId::new(0x18fd_fc38);
        const NAME: &'static str = "shared";
    }
    impl EncodeBare for Shared<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            let word0 = Flags::NONE.with(0, self.first.is_some()).with(1, self.only).with(2, self.value.is_some());
            out.put(&word0.bits().to_le_bytes());
            if let Some(group) = &self.first { group.first.encode(out); }
            if let Some(group) = &self.first { group.second.encode(out); }
            self.value.encode(out);
        }
    }
    impl Encode for Shared<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Shared<'a> {
        const BARE_LEN_MIN: usize = 4;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let word0: Flags = d.read()?;
            Ok(Self {
                first: if word0.has(0) { Some(__root::groups::SharedFirst { first: d.read()?, second: d.read()? }) } else { None },
                value: d.optional(word0, 2)?,
                only: word0.has(1),
            })
        }
    }
    impl<'a> Decode<'a> for Shared<'a> {
        const LEN_MIN: usize = 8;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Shared<'_> {
        /// Returns `true` if `both:flags.0?true` is set; it shares its bit with `first`.
        #[inline]
        #[must_use]
        pub const fn both(&self) -> bool { self.first.is_some() }
        /// Returns `true` if `also:flags.1?true` is set; it shares its bit with `only`.
        #[inline]
        #[must_use]
        pub const fn also(&self) -> bool { self.only }
        /// Returns `true` if `told:flags.2?true` is set; it shares its bit with `value`.
        #[inline]
        #[must_use]
        pub const fn told(&self) -> bool { self.value.is_some() }
    }
    impl<'a> Shared<'a> {
        /// Creates a value without its conditional fields.
        #[inline]
        #[must_use]
        pub const fn new() -> Self {
            Self { first: None, only: false, value: None }
        }
    }
    impl IntoOwned for Shared<'_> {
        type Owned = Shared<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            Shared {
                first: self.first.into_owned(),
                only: self.only,
                value: self.value,
            }
        }
    }

    /// `apart flags:# before:int first:flags.3?int between:long second:flags.3?Tree after:flags.4?int = Apart`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Apart {
        /// `before:int`
        pub before: i32,
        /// `first:flags.3?int` `second:flags.3?Tree`
        pub first: Option<Box<__root::groups::ApartFirst>>,
        /// `between:long`
        pub between: i64,
        /// `after:flags.4?int`
        pub after: Option<i32>,
    }
    impl Constructor for Apart {
        const ID: ConstructorId = ConstructorId::new(0xc4d6_e483);
        const NAME: &'static str = "apart";
    }
    impl EncodeBare for Apart {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            let word0 = Flags::NONE.with(3, self.first.is_some()).with(4, self.after.is_some());
            out.put([word0.bits().to_le_bytes(), self.before.to_le_bytes()].as_flattened());
            if let Some(group) = &self.first { group.first.encode(out); }
            self.between.encode(out);
            if let Some(group) = &self.first { group.second.encode(out); }
            self.after.encode(out);
        }
    }
    impl Encode for Apart {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Apart {
        const BARE_LEN_MIN: usize = 16;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let word0: Flags = d.read()?;
            let field1 = d.read()?;
            let field2 = if word0.has(3) { Some(d.read()?) } else { None };
            let field3 = d.read()?;
            let field4 = if word0.has(3) { Some(d.read()?) } else { None };
            Ok(Self {
                before: field1,
                between: field3,
                first: match (field2, field4) { (Some(field2), Some(field4)) => Some(Box::new(__root::groups::ApartFirst { first: field2, second: field4 })), _ => None },
                after: d.optional(word0, 4)?,
            })
        }
    }
    impl<'a> Decode<'a> for Apart {
        const LEN_MIN: usize = 20;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Apart {
        /// Creates a value without its conditional fields.
        #[inline]
        #[must_use]
        pub const fn new(before: i32, between: i64) -> Self {
            Self { before, first: None, between, after: None }
        }
    }

    /// `early first:int one:int flags:# a:flags.0?int b:flags.0?int more:# c:more.0?int = Early`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Early {
        /// `first:int`
        pub first: i32,
        /// `one:int`
        pub one: i32,
        /// `a:flags.0?int` `b:flags.0?int`
        pub a: Option<__root::groups::EarlyA>,
        /// `c:more.0?int`
        pub c: Option<i32>,
    }
    impl Constructor for Early {
        const ID: ConstructorId = ConstructorId::new(0x4eea_d08c);
        const NAME: &'static str = "early";
    }
    impl EncodeBare for Early {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            let word2 = Flags::NONE.with(0, self.a.is_some());
            let word5 = Flags::NONE.with(0, self.c.is_some());
            out.put([self.first.to_le_bytes(), self.one.to_le_bytes(), word2.bits().to_le_bytes()].as_flattened());
            if let Some(group) = &self.a { group.a.encode(out); }
            if let Some(group) = &self.a { group.b.encode(out); }
            out.put(&word5.bits().to_le_bytes());
            self.c.encode(out);
        }
    }
    impl Encode for Early {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Early {
        const BARE_LEN_MIN: usize = 16;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let field0 = d.read()?;
            let field1 = d.read()?;
            let word2: Flags = d.read()?;
            let field3 = if word2.has(0) { Some(d.read()?) } else { None };
            let field4 = if word2.has(0) { Some(d.read()?) } else { None };
            let word5: Flags = d.read()?;
            Ok(Self {
                first: field0,
                one: field1,
                a: match (field3, field4) { (Some(field3), Some(field4)) => Some(__root::groups::EarlyA { a: field3, b: field4 }), _ => None },
                c: d.optional(word5, 0)?,
            })
        }
    }
    impl<'a> Decode<'a> for Early {
        const LEN_MIN: usize = 20;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Early {
        /// Creates a value without its conditional fields.
        #[inline]
        #[must_use]
        pub const fn new(first: i32, one: i32) -> Self {
            Self { first, one, a: None, c: None }
        }
    }

    /// `loose count:# = Loose`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Loose {
        /// `count:#`
        pub count: u32,
    }
    impl Constructor for Loose {
        const ID: ConstructorId = ConstructorId::new(0x0bb9_8e46);
        const NAME: &'static str = "loose";
    }
    impl EncodeBare for Loose {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            out.put(&self.count.to_le_bytes());
        }
    }
    impl Encode for Loose {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Loose {
        const BARE_LEN_MIN: usize = 4;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                count: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for Loose {
        const LEN_MIN: usize = 8;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }

    /// `result flags:# next:flags.0?Result = Result`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Result_ {
        /// `next:flags.0?Result`
        pub next: Option<Box<__root::types::Result_>>,
    }
    impl Constructor for Result_ {
        const ID: ConstructorId = ConstructorId::new(0x6199_bb60);
        const NAME: &'static str = "result";
    }
    impl EncodeBare for Result_ {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            let word0 = Flags::NONE.with(0, self.next.is_some());
            out.put(&word0.bits().to_le_bytes());
            self.next.encode(out);
        }
    }
    impl Encode for Result_ {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Result_ {
        const BARE_LEN_MIN: usize = 4;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let word0: Flags = d.read()?;
            Ok(Self {
                next: d.optional(word0, 0)?,
            })
        }
    }
    impl<'a> Decode<'a> for Result_ {
        const LEN_MIN: usize = 8;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Result_ {
        /// Creates a value without its conditional fields.
        #[inline]
        #[must_use]
        pub const fn new() -> Self {
            Self { next: None }
        }
    }

    /// `vec items:Vector<Vec> = Vec`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Vec_ {
        /// `items:Vector<Vec>`
        pub items: Vec<__root::types::Vec_>,
    }
    impl Constructor for Vec_ {
        const ID: ConstructorId = ConstructorId::new(0xaa5b_cd7c);
        const NAME: &'static str = "vec";
    }
    impl EncodeBare for Vec_ {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.items.encode(out);
        }
    }
    impl Encode for Vec_ {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Vec_ {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                items: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for Vec_ {
        const LEN_MIN: usize = 12;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }

    /// `option flags:# value:flags.0?Option = Option`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Option_ {
        /// `value:flags.0?Option`
        pub value: Option<Box<__root::types::Option_>>,
    }
    impl Constructor for Option_ {
        const ID: ConstructorId = ConstructorId::new(0xe376_acc3);
        const NAME: &'static str = "option";
    }
    impl EncodeBare for Option_ {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            let word0 = Flags::NONE.with(0, self.value.is_some());
            out.put(&word0.bits().to_le_bytes());
            self.value.encode(out);
        }
    }
    impl Encode for Option_ {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Option_ {
        const BARE_LEN_MIN: usize = 4;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let word0: Flags = d.read()?;
            Ok(Self {
                value: d.optional(word0, 0)?,
            })
        }
    }
    impl<'a> Decode<'a> for Option_ {
        const LEN_MIN: usize = 8;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Option_ {
        /// Creates a value without its conditional fields.
        #[inline]
        #[must_use]
        pub const fn new() -> Self {
            Self { value: None }
        }
    }

    /// `bare point:point line:vector<point> ends:%Point nested:Vector<vector<point>> = Bare`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Bare_ {
        /// `point:point`
        pub point: Bare<__root::types::Point>,
        /// `line:vector<point>`
        pub line: BareVec<Bare<__root::types::Point>>,
        /// `ends:point`
        pub ends: Bare<__root::types::Point>,
        /// `nested:Vector<vector<point>>`
        pub nested: Vec<BareVec<Bare<__root::types::Point>>>,
    }
    impl Constructor for Bare_ {
        const ID: ConstructorId = ConstructorId::new(0xe76b_d294);
        const NAME: &'static str = "bare";
    }
    impl EncodeBare for Bare_ {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.point.encode(out);
            self.line.encode(out);
            self.ends.encode(out);
            self.nested.encode(out);
        }
    }
    impl Encode for Bare_ {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Bare_ {
        const BARE_LEN_MIN: usize = 44;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                point: d.read()?,
                line: d.read()?,
                ends: d.read()?,
                nested: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for Bare_ {
        const LEN_MIN: usize = 48;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }

    /// `point x:double y:double = Point`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Point {
        /// `x:double`
        pub x: f64,
        /// `y:double`
        pub y: f64,
    }
    impl Constructor for Point {
        const ID: ConstructorId = ConstructorId::new(0x1a13_f5b9);
        const NAME: &'static str = "point";
    }
    impl EncodeBare for Point {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.x.encode(out);
            self.y.encode(out);
        }
    }
    impl Encode for Point {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Point {
        const BARE_LEN_MIN: usize = 16;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                x: d.read()?,
                y: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for Point {
        const LEN_MIN: usize = 20;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }

    /// `raw a:int128 b:int256 c:int512 yes:Bool unit:True = Raw`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Raw {
        /// `a:int128`
        pub a: [u8; 16],
        /// `b:int256`
        pub b: [u8; 32],
        /// `c:int512`
        pub c: [u8; 64],
        /// `yes:Bool`
        pub yes: bool,
        /// `unit:True`
        pub unit: True,
    }
    impl Constructor for Raw {
        const ID: ConstructorId = ConstructorId::new(0x66fc_d077);
        const NAME: &'static str = "raw";
    }
    impl EncodeBare for Raw {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.a.encode(out);
            self.b.encode(out);
            self.c.encode(out);
            self.yes.encode(out);
            self.unit.encode(out);
        }
    }
    impl Encode for Raw {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Raw {
        const BARE_LEN_MIN: usize = 120;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let mut value = Self::BLANK;
            value.fill(d)?;
            Ok(value)
        }
        #[inline]
        fn decode_bare_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> {
            let mut value = Box::new(Self::BLANK);
            value.fill(d)?;
            Ok(value)
        }
    }
    impl<'a> Decode<'a> for Raw {
        const LEN_MIN: usize = 124;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
        #[inline]
        fn decode_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> { d.boxed_box() }
        #[inline]
        fn decode_items(d: &mut Decoder<'a>, count: usize) -> Result<Vec<Self>, DecodeError> {
            d.fill_items(count, Decoder::fill_boxed)
        }
    }
    impl<'a> Fill<'a> for Raw {
        const BLANK: Self = Self { a: [0; 16], b: [0; 32], c: [0; 64], yes: false, unit: True, };
        #[inline]
        fn fill(&mut self, d: &mut Decoder<'a>) -> Result<(), DecodeError> {
            self.a = d.read()?;
            self.b = d.read()?;
            self.c = d.read()?;
            self.yes = d.read()?;
            self.unit = d.read()?;
            Ok(())
        }
    }

    /// `holder flags:# rare:flags.0?Message = Holder`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Holder<'a> {
        /// `rare:flags.0?Message`
        pub rare: Option<Box<__root::types::Message<'a>>>,
    }
    impl Constructor for Holder<'_> {
        const ID: ConstructorId = ConstructorId::new(0xa6b3_49d6);
        const NAME: &'static str = "holder";
    }
    impl EncodeBare for Holder<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            let word0 = Flags::NONE.with(0, self.rare.is_some());
            out.put(&word0.bits().to_le_bytes());
            self.rare.encode(out);
        }
    }
    impl Encode for Holder<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Holder<'a> {
        const BARE_LEN_MIN: usize = 4;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let word0: Flags = d.read()?;
            Ok(Self {
                rare: d.optional(word0, 0)?,
            })
        }
    }
    impl<'a> Decode<'a> for Holder<'a> {
        const LEN_MIN: usize = 8;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl<'a> Holder<'a> {
        /// Creates a value without its conditional fields.
        #[inline]
        #[must_use]
        pub const fn new() -> Self {
            Self { rare: None }
        }
    }
    impl IntoOwned for Holder<'_> {
        type Owned = Holder<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            Holder {
                rare: self.rare.into_owned(),
            }
        }
    }

    /// `page flags:# cover:Sheet top:flags.0?Sheet text:string = Page`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Page<'a> {
        /// `cover:Sheet`
        pub cover: __root::types::Sheet<'a>,
        /// `top:flags.0?Sheet`
        pub top: Option<Box<__root::types::Sheet<'a>>>,
        /// `text:string`
        pub text: TlStr<'a>,
    }
    impl Constructor for Page<'_> {
        const ID: ConstructorId = ConstructorId::new(0x7762_eca1);
        const NAME: &'static str = "page";
    }
    impl EncodeBare for Page<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            let word0 = Flags::NONE.with(0, self.top.is_some());
            out.put(&word0.bits().to_le_bytes());
            self.cover.encode(out);
            self.top.encode(out);
            self.text.encode(out);
        }
    }
    impl Encode for Page<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Page<'a> {
        const BARE_LEN_MIN: usize = 12;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let mut value = Self::BLANK;
            value.fill(d)?;
            Ok(value)
        }
        #[inline]
        fn decode_bare_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> {
            let mut value = Box::new(Self::BLANK);
            value.fill(d)?;
            Ok(value)
        }
    }
    impl<'a> Decode<'a> for Page<'a> {
        const LEN_MIN: usize = 16;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
        #[inline]
        fn decode_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> { d.boxed_box() }
        #[inline]
        fn decode_items(d: &mut Decoder<'a>, count: usize) -> Result<Vec<Self>, DecodeError> {
            d.fill_items(count, Decoder::fill_boxed)
        }
    }
    impl<'a> Fill<'a> for Page<'a> {
        const BLANK: Self = Self { cover: __root::types::Sheet::BLANK, top: None, text: TlStr::from_bytes(&[]), };
        #[inline]
        fn fill(&mut self, d: &mut Decoder<'a>) -> Result<(), DecodeError> {
            let word0: Flags = d.read()?;
            self.cover.fill(d)?;
            if word0.has(0) { self.top = Some(d.read()?); }
            self.text = d.read()?;
            Ok(())
        }
    }
    impl<'a> Page<'a> {
        /// Creates a value without its conditional fields.
        #[inline]
        #[must_use]
        pub const fn new(cover: __root::types::Sheet<'a>, text: TlStr<'a>) -> Self {
            Self { cover, top: None, text }
        }
    }
    impl IntoOwned for Page<'_> {
        type Owned = Page<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            Page {
                cover: self.cover.into_owned(),
                top: self.top.into_owned(),
                text: IntoOwned::into_owned(self.text),
            }
        }
    }

    /// `book flags:# pages:Vector<Page> back:Page spare:flags.0?Page = Book`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Book<'a> {
        /// `pages:Vector<Page>`
        pub pages: Vec<__root::types::Page<'a>>,
        /// `back:Page`
        pub back: __root::types::Page<'a>,
        /// `spare:flags.0?Page`
        pub spare: Option<Box<__root::types::Page<'a>>>,
    }
    impl Constructor for Book<'_> {
        const ID: ConstructorId = ConstructorId::new(0x56e8_4dfc);
        const NAME: &'static str = "book";
    }
    impl EncodeBare for Book<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            let word0 = Flags::NONE.with(0, self.spare.is_some());
            out.put(&word0.bits().to_le_bytes());
            self.pages.encode(out);
            self.back.encode(out);
            self.spare.encode(out);
        }
    }
    impl Encode for Book<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Book<'a> {
        const BARE_LEN_MIN: usize = 16;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let mut value = Self::BLANK;
            value.fill(d)?;
            Ok(value)
        }
        #[inline]
        fn decode_bare_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> {
            let mut value = Box::new(Self::BLANK);
            value.fill(d)?;
            Ok(value)
        }
    }
    impl<'a> Decode<'a> for Book<'a> {
        const LEN_MIN: usize = 20;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
        #[inline]
        fn decode_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> { d.boxed_box() }
        #[inline]
        fn decode_items(d: &mut Decoder<'a>, count: usize) -> Result<Vec<Self>, DecodeError> {
            d.fill_items(count, Decoder::fill_boxed)
        }
    }
    impl<'a> Fill<'a> for Book<'a> {
        const BLANK: Self = Self { pages: Vec::new(), back: __root::types::Page { cover: __root::types::Sheet::BLANK, top: None, text: TlStr::from_bytes(&[]),  }, spare: None, };
        #[inline]
        fn fill(&mut self, d: &mut Decoder<'a>) -> Result<(), DecodeError> {
            let word0: Flags = d.read()?;
            self.pages = d.read()?;
            d.fill_boxed(&mut self.back)?;
            if word0.has(0) { self.spare = Some(d.read()?); }
            Ok(())
        }
    }
    impl<'a> Book<'a> {
        /// Creates a value without its conditional fields.
        #[inline]
        #[must_use]
        pub const fn new(pages: Vec<__root::types::Page<'a>>, back: __root::types::Page<'a>) -> Self {
            Self { pages, back, spare: None }
        }
    }
    impl IntoOwned for Book<'_> {
        type Owned = Book<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            Book {
                pages: self.pages.into_owned(),
                back: self.back.into_owned(),
                spare: self.spare.into_owned(),
            }
        }
    }

    /// `message5#5bb8e511 msg_id:long seqno:int bytes:int body:Object = Message5`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Message5<'a> {
        /// `msg_id:long`
        pub msg_id: i64,
        /// `seqno:int`
        pub seqno: i32,
        /// `bytes:int`
        pub bytes: i32,
        /// `body:Object`
        pub body: Rest<'a>,
    }
    impl Constructor for Message5<'_> {
        const ID: ConstructorId = ConstructorId::new(0x5bb8_e511);
        const NAME: &'static str = "message5";
    }
    impl EncodeBare for Message5<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.msg_id.encode(out);
            out.put([self.seqno.to_le_bytes(), self.bytes.to_le_bytes()].as_flattened());
            self.body.encode(out);
        }
    }
    impl Encode for Message5<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Message5<'a> {
        const BARE_LEN_MIN: usize = 16;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let field0 = d.read()?;
            let field1 = d.read()?;
            let field2 = d.read()?;
            let field3 = Rest::from(d.take(usize::try_from(field2).unwrap_or(usize::MAX))?);
            Ok(Self {
                msg_id: field0,
                seqno: field1,
                bytes: field2,
                body: field3,
            })
        }
    }
    impl<'a> Decode<'a> for Message5<'a> {
        const LEN_MIN: usize = 20;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl IntoOwned for Message5<'_> {
        type Owned = Message5<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            Message5 {
                msg_id: self.msg_id,
                seqno: self.seqno,
                bytes: self.bytes,
                body: self.body.into_owned(),
            }
        }
    }

    /// `container messages:vector<message5> = Container`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Container<'a> {
        /// `messages:vector<message5>`
        pub messages: BareVec<Bare<__root::types::Message5<'a>>>,
    }
    impl Constructor for Container<'_> {
        const ID: ConstructorId = ConstructorId::new(0x0267_ca1e);
        const NAME: &'static str = "container";
    }
    impl EncodeBare for Container<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.messages.encode(out);
        }
    }
    impl Encode for Container<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Container<'a> {
        const BARE_LEN_MIN: usize = 4;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                messages: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for Container<'a> {
        const LEN_MIN: usize = 8;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl IntoOwned for Container<'_> {
        type Owned = Container<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            Container {
                messages: self.messages.into_owned(),
            }
        }
    }

    /// `any id:long rest:Object = Any`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Any<'a> {
        /// `id:long`
        pub id: i64,
        /// `rest:Object`
        pub rest: Rest<'a>,
    }
    impl Constructor for Any<'_> {
        const ID: ConstructorId = ConstructorId::new(0x4cbd_03f5);
        const NAME: &'static str = "any";
    }
    impl EncodeBare for Any<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.id.encode(out);
            self.rest.encode(out);
        }
    }
    impl Encode for Any<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Any<'a> {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                id: d.read()?,
                rest: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for Any<'a> {
        const LEN_MIN: usize = 12;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl IntoOwned for Any<'_> {
        type Owned = Any<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            Any {
                id: self.id,
                rest: self.rest.into_owned(),
            }
        }
    }

    /// `boxes ids:Vector<Int128> count:Int name:String = Boxes`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Boxes<'a> {
        /// `ids:Vector<Int128>`
        pub ids: Vec<__root::types::Int128>,
        /// `count:Int`
        pub count: __root::types::Int,
        /// `name:String`
        pub name: __root::types::String_<'a>,
    }
    impl Constructor for Boxes<'_> {
        const ID: ConstructorId = ConstructorId::new(0x9b62_e1d2);
        const NAME: &'static str = "boxes";
    }
    impl EncodeBare for Boxes<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.ids.encode(out);
            self.count.encode(out);
            self.name.encode(out);
        }
    }
    impl Encode for Boxes<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Boxes<'a> {
        const BARE_LEN_MIN: usize = 16;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                ids: d.read()?,
                count: d.read()?,
                name: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for Boxes<'a> {
        const LEN_MIN: usize = 20;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl IntoOwned for Boxes<'_> {
        type Owned = Boxes<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            Boxes {
                ids: self.ids,
                count: self.count,
                name: self.name.into_owned(),
            }
        }
    }

    /// `int128 4*[ int ] = Int128`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Int128 {
        /// `value:int128`
        pub value: [u8; 16],
    }
    impl Constructor for Int128 {
        const ID: ConstructorId = ConstructorId::new(0x84cc_f7b7);
        const NAME: &'static str = "int128";
    }
    impl EncodeBare for Int128 {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.value.encode(out);
        }
    }
    impl Encode for Int128 {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Int128 {
        const BARE_LEN_MIN: usize = 16;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                value: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for Int128 {
        const LEN_MIN: usize = 20;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }

    /// `int ? = Int`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Int {
        /// `value:int`
        pub value: i32,
    }
    impl Constructor for Int {
        const ID: ConstructorId = ConstructorId::new(0xa850_9bda);
        const NAME: &'static str = "int";
    }
    impl EncodeBare for Int {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            out.put(&self.value.to_le_bytes());
        }
    }
    impl Encode for Int {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Int {
        const BARE_LEN_MIN: usize = 4;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                value: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for Int {
        const LEN_MIN: usize = 8;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }

    /// `string ? = String`
    #[derive(Clone, Debug, PartialEq)]
    pub struct String_<'a> {
        /// `value:string`
        pub value: TlStr<'a>,
    }
    impl Constructor for String_<'_> {
        const ID: ConstructorId = ConstructorId::new(0xb528_6e24);
        const NAME: &'static str = "string";
    }
    impl EncodeBare for String_<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.value.encode(out);
        }
    }
    impl Encode for String_<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for String_<'a> {
        const BARE_LEN_MIN: usize = 4;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                value: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for String_<'a> {
        const LEN_MIN: usize = 8;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl IntoOwned for String_<'_> {
        type Owned = String_<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            String_ {
                value: IntoOwned::into_owned(self.value),
            }
        }
    }

    /// The namespace `outer`.
    pub mod outer {
        use super::__root;
        use __root::__prelude::*;

        /// `outer.type static:int = outer.Type`
        #[derive(Clone, Debug, PartialEq)]
        pub struct Type {
            /// `static:int`
            pub r#static: i32,
        }
        impl Constructor for Type {
            const ID: ConstructorId = ConstructorId::new(0xa724_240d);
            const NAME: &'static str = "outer.type";
        }
        impl EncodeBare for Type {
            fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
                out.put(&self.r#static.to_le_bytes());
            }
        }
        impl Encode for Type {
            fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
        }
        impl<'a> DecodeBare<'a> for Type {
            const BARE_LEN_MIN: usize = 4;
            #[inline]
            fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                Ok(Self {
                    r#static: d.read()?,
                })
            }
        }
        impl<'a> Decode<'a> for Type {
            const LEN_MIN: usize = 8;
            #[inline]
            fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
        }

        /// The namespace `inner`.
        pub mod inner {
            use super::__root;
            use __root::__prelude::*;

            /// `outer.inner.deep text:string = outer.inner.Deep`
            #[derive(Clone, Debug, PartialEq)]
            pub struct Deep<'a> {
                /// `text:string`
                pub text: TlStr<'a>,
            }
            impl Constructor for Deep<'_> {
                const ID: ConstructorId = ConstructorId::new(0xc0c0_1aaf);
                const NAME: &'static str = "outer.inner.deep";
            }
            impl EncodeBare for Deep<'_> {
                fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
                    self.text.encode(out);
                }
            }
            impl Encode for Deep<'_> {
                fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
            }
            impl<'a> DecodeBare<'a> for Deep<'a> {
                const BARE_LEN_MIN: usize = 4;
                #[inline]
                fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                    Ok(Self {
                        text: d.read()?,
                    })
                }
            }
            impl<'a> Decode<'a> for Deep<'a> {
                const LEN_MIN: usize = 8;
                #[inline]
                fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
            }
            impl IntoOwned for Deep<'_> {
                type Owned = Deep<'static>;
                #[inline]
                fn into_owned(self) -> Self::Owned {
                    Deep {
                        text: IntoOwned::into_owned(self.text),
                    }
                }
            }

            /// `outer.inner.deeper of:outer.inner.Deep = outer.inner.Deeper`
            #[derive(Clone, Debug, PartialEq)]
            pub struct Deeper<'a> {
                /// `of:outer.inner.Deep`
                pub of: __root::types::outer::inner::Deep<'a>,
            }
            impl Constructor for Deeper<'_> {
                const ID: ConstructorId = ConstructorId::new(0x2c35_9157);
                const NAME: &'static str = "outer.inner.deeper";
            }
            impl EncodeBare for Deeper<'_> {
                fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
                    self.of.encode(out);
                }
            }
            impl Encode for Deeper<'_> {
                fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
            }
            impl<'a> DecodeBare<'a> for Deeper<'a> {
                const BARE_LEN_MIN: usize = 4;
                #[inline]
                fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                    Ok(Self {
                        of: d.read()?,
                    })
                }
            }
            impl<'a> Decode<'a> for Deeper<'a> {
                const LEN_MIN: usize = 8;
                #[inline]
                fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
            }
            impl IntoOwned for Deeper<'_> {
                type Owned = Deeper<'static>;
                #[inline]
                fn into_owned(self) -> Self::Owned {
                    Deeper {
                        of: self.of.into_owned(),
                    }
                }
            }
        }
    }
}

/// Constructors of types that have several.
pub mod variants {
    #![allow(
        dead_code, unreachable_pub, unused_imports, unused_qualifications, clippy::all, clippy::pedantic, clippy::exhaustive_structs,
        reason = "generated code, of which a user may need only a part"
    )]
    use super as __root;
    use __root::__prelude::*;

    /// A leaf
    ///
    /// `leaf value:int = Tree`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Leaf {
        /// What it \<holds\>
        ///
        /// `value:int`
        pub value: i32,
    }
    impl Constructor for Leaf {
        const ID: ConstructorId = ConstructorId::new(0x77be_8730);
        const NAME: &'static str = "leaf";
    }
    impl EncodeBare for Leaf {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            out.put(&self.value.to_le_bytes());
        }
    }
    impl<'a> DecodeBare<'a> for Leaf {
        const BARE_LEN_MIN: usize = 4;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                value: d.read()?,
            })
        }
    }

    /// `branch left:Tree right:Tree = Tree`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Branch {
        /// `left:Tree`
        pub left: Box<__root::types::Tree>,
        /// `right:Tree`
        pub right: Box<__root::types::Tree>,
    }
    impl Constructor for Branch {
        const ID: ConstructorId = ConstructorId::new(0xbcc3_ba27);
        const NAME: &'static str = "branch";
    }
    impl EncodeBare for Branch {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.left.encode(out);
            self.right.encode(out);
        }
    }
    impl<'a> DecodeBare<'a> for Branch {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                left: d.read()?,
                right: d.read()?,
            })
        }
    }

    /// `forest trees:Vector<Tree> = Tree`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Forest {
        /// `trees:Vector<Tree>`
        pub trees: Vec<__root::types::Tree>,
    }
    impl Constructor for Forest {
        const ID: ConstructorId = ConstructorId::new(0x402b_69e7);
        const NAME: &'static str = "forest";
    }
    impl EncodeBare for Forest {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.trees.encode(out);
        }
    }
    impl<'a> DecodeBare<'a> for Forest {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                trees: d.read()?,
            })
        }
    }

    /// `big a:string b:string c:string d:string e:string f:string = Message`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Big<'a> {
        /// `a:string`
        pub a: TlStr<'a>,
        /// `b:string`
        pub b: TlStr<'a>,
        /// `c:string`
        pub c: TlStr<'a>,
        /// `d:string`
        pub d: TlStr<'a>,
        /// `e:string`
        pub e: TlStr<'a>,
        /// `f:string`
        pub f: TlStr<'a>,
    }
    impl Constructor for Big<'_> {
        const ID: ConstructorId = ConstructorId::new(0xbd7d_889d);
        const NAME: &'static str = "big";
    }
    impl EncodeBare for Big<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.a.encode(out);
            self.b.encode(out);
            self.c.encode(out);
            self.d.encode(out);
            self.e.encode(out);
            self.f.encode(out);
        }
    }
    impl<'a> DecodeBare<'a> for Big<'a> {
        const BARE_LEN_MIN: usize = 24;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let mut value = Self::BLANK;
            value.fill(d)?;
            Ok(value)
        }
        #[inline]
        fn decode_bare_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> {
            let mut value = Box::new(Self::BLANK);
            value.fill(d)?;
            Ok(value)
        }
    }
    impl<'a> Fill<'a> for Big<'a> {
        const BLANK: Self = Self { a: TlStr::from_bytes(&[]), b: TlStr::from_bytes(&[]), c: TlStr::from_bytes(&[]), d: TlStr::from_bytes(&[]), e: TlStr::from_bytes(&[]), f: TlStr::from_bytes(&[]), };
        #[inline]
        fn fill(&mut self, d: &mut Decoder<'a>) -> Result<(), DecodeError> {
            self.a = d.read()?;
            self.b = d.read()?;
            self.c = d.read()?;
            self.d = d.read()?;
            self.e = d.read()?;
            self.f = d.read()?;
            Ok(())
        }
    }
    impl IntoOwned for Big<'_> {
        type Owned = Big<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            Big {
                a: IntoOwned::into_owned(self.a),
                b: IntoOwned::into_owned(self.b),
                c: IntoOwned::into_owned(self.c),
                d: IntoOwned::into_owned(self.d),
                e: IntoOwned::into_owned(self.e),
                f: IntoOwned::into_owned(self.f),
            }
        }
    }

    /// `message a:string b:string c:string d:string e:string f:string = Message`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Message<'a> {
        /// `a:string`
        pub a: TlStr<'a>,
        /// `b:string`
        pub b: TlStr<'a>,
        /// `c:string`
        pub c: TlStr<'a>,
        /// `d:string`
        pub d: TlStr<'a>,
        /// `e:string`
        pub e: TlStr<'a>,
        /// `f:string`
        pub f: TlStr<'a>,
    }
    impl Constructor for Message<'_> {
        const ID: ConstructorId = ConstructorId::new(0x4bc8_01f9);
        const NAME: &'static str = "message";
    }
    impl EncodeBare for Message<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.a.encode(out);
            self.b.encode(out);
            self.c.encode(out);
            self.d.encode(out);
            self.e.encode(out);
            self.f.encode(out);
        }
    }
    impl<'a> DecodeBare<'a> for Message<'a> {
        const BARE_LEN_MIN: usize = 24;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let mut value = Self::BLANK;
            value.fill(d)?;
            Ok(value)
        }
        #[inline]
        fn decode_bare_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> {
            let mut value = Box::new(Self::BLANK);
            value.fill(d)?;
            Ok(value)
        }
    }
    impl<'a> Fill<'a> for Message<'a> {
        const BLANK: Self = Self { a: TlStr::from_bytes(&[]), b: TlStr::from_bytes(&[]), c: TlStr::from_bytes(&[]), d: TlStr::from_bytes(&[]), e: TlStr::from_bytes(&[]), f: TlStr::from_bytes(&[]), };
        #[inline]
        fn fill(&mut self, d: &mut Decoder<'a>) -> Result<(), DecodeError> {
            self.a = d.read()?;
            self.b = d.read()?;
            self.c = d.read()?;
            self.d = d.read()?;
            self.e = d.read()?;
            self.f = d.read()?;
            Ok(())
        }
    }
    impl IntoOwned for Message<'_> {
        type Owned = Message<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            Message {
                a: IntoOwned::into_owned(self.a),
                b: IntoOwned::into_owned(self.b),
                c: IntoOwned::into_owned(self.c),
                d: IntoOwned::into_owned(self.d),
                e: IntoOwned::into_owned(self.e),
                f: IntoOwned::into_owned(self.f),
            }
        }
    }

    /// `sheet flags:# a:flags.1?true b:flags.2?true c:flags.31?true more:# d:more.0?true id:long name:flags.3?string title:flags.4?string note:flags.5?bytes tree:Tree any:flags.6?true x:flags.6?int y:flags.6?long z:more.1?double w:more.31?int parts:Vector<Sheet> at:%Point = Sheet`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Sheet<'a> {
        /// `a:flags.1?true`
        pub a: bool,
        /// `b:flags.2?true`
        pub b: bool,
        /// `c:flags.31?true`
        pub c: bool,
        /// `d:more.0?true`
        pub d: bool,
        /// `id:long`
        pub id: i64,
        /// `name:flags.3?string`
        pub name: Option<TlStr<'a>>,
        /// `title:flags.4?string`
        pub title: Option<TlStr<'a>>,
        /// `note:flags.5?bytes`
        pub note: Option<Cow<'a, [u8]>>,
        /// `tree:Tree`
        pub tree: __root::types::Tree,
        /// `x:flags.6?int` `y:flags.6?long`
        pub x: Option<__root::groups::SheetX_>,
        /// `z:more.1?double`
        pub z: Option<f64>,
        /// `w:more.31?int`
        pub w: Option<i32>,
        /// `parts:Vector<Sheet>`
        pub parts: Vec<__root::types::Sheet<'a>>,
        /// `at:point`
        pub at: Bare<__root::types::Point>,
    }
    impl Constructor for Sheet<'_> {
        const ID: ConstructorId = ConstructorId::new(0xf133_b7b6);
        const NAME: &'static str = "sheet";
    }
    impl EncodeBare for Sheet<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            let mut word0 = Flags::NONE;
            let mut word4 = Flags::NONE.with(0, self.d);
            let any = self.__any();
            if any[0] { word0 = self.__flags0(word0); }
            if any[1] { word0 = self.__flags1(word0); }
            if any[2] { (word0, word4) = self.__flags2(word0, word4); }
            out.put([word0.bits().to_le_bytes(), word4.bits().to_le_bytes()].as_flattened());
            self.id.encode(out);
            if any[1] {
            self.name.encode(out);
            self.title.encode(out);
            self.note.encode(out);
            }
            self.tree.encode(out);
            if any[2] {
            if let Some(group) = &self.x { group.x.encode(out); }
            if let Some(group) = &self.x { group.y.encode(out); }
            self.z.encode(out);
            self.w.encode(out);
            }
            self.parts.encode(out);
            self.at.encode(out);
        }
    }
    impl Sheet<'_> {
        #[inline(never)]
        fn __any(&self) -> [bool; 3] {
            [
                self.a | self.b | self.c,
                self.name.is_some() | self.title.is_some() | self.note.is_some(),
                self.x.is_some() | self.z.is_some() | self.w.is_some(),
            ]
        }
        #[cold]
        #[inline]
        fn __flags0(&self, word0: Flags) -> Flags { word0.with(1, self.a).with(2, self.b).with(31, self.c) }
        #[cold]
        #[inline]
        fn __flags1(&self, word0: Flags) -> Flags { word0.with(3, self.name.is_some()).with(4, self.title.is_some()).with(5, self.note.is_some()) }
        #[cold]
        #[inline]
        fn __flags2(&self, word0: Flags, word4: Flags) -> (Flags, Flags) { (word0.with(6, self.x.is_some()), word4.with(1, self.z.is_some()).with(31, self.w.is_some())) }
    }
    impl<'a> DecodeBare<'a> for Sheet<'a> {
        const BARE_LEN_MIN: usize = 44;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let mut value = Self::BLANK;
            value.fill(d)?;
            Ok(value)
        }
        #[inline]
        fn decode_bare_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> {
            let mut value = Box::new(Self::BLANK);
            value.fill(d)?;
            Ok(value)
        }
    }
    impl<'a> Fill<'a> for Sheet<'a> {
        const BLANK: Self = Self { a: false, b: false, c: false, d: false, id: 0, name: None, title: None, note: None, tree: __root::types::Tree::Leaf(__root::variants::Leaf { value: 0,  }), x: None, z: None, w: None, parts: Vec::new(), at: Bare(__root::types::Point { x: 0.0, y: 0.0,  }), };
        #[inline]
        fn fill(&mut self, d: &mut Decoder<'a>) -> Result<(), DecodeError> {
            let word0: Flags = d.read()?;
            let word4: Flags = d.read()?;
            self.id = d.read()?;
            if word0.any(0x38) {
            if word0.has(3) { self.name = Some(d.read()?); }
            if word0.has(4) { self.title = Some(d.read()?); }
            if word0.has(5) { self.note = Some(d.read()?); }
            }
            self.tree = d.read()?;
            if word0.any(0x40) || word4.any(0x80000002) {
            if word0.has(6) { self.x = Some(__root::groups::SheetX_ { x: d.read()?, y: d.read()? }); }
            if word4.has(1) { self.z = Some(d.read()?); }
            if word4.has(31) { self.w = Some(d.read()?); }
            }
            self.parts = d.read()?;
            self.at = d.read()?;
            if word0.any(0x80000006) {
                self.a = word0.has(1);
                self.b = word0.has(2);
                self.c = word0.has(31);
            }
            if word4.any(0x1) {
                self.d = word4.has(0);
            }
            Ok(())
        }
    }
    impl Sheet<'_> {
        /// Returns `true` if `any:flags.6?true` is set; it shares its bit with `x`.
        #[inline]
        #[must_use]
        pub const fn any(&self) -> bool { self.x.is_some() }
    }
    impl<'a> Sheet<'a> {
        /// Creates a value without its conditional fields.
        #[inline]
        #[must_use]
        pub const fn new(id: i64, tree: __root::types::Tree, parts: Vec<__root::types::Sheet<'a>>, at: Bare<__root::types::Point>) -> Self {
            Self { a: false, b: false, c: false, d: false, id, name: None, title: None, note: None, tree, x: None, z: None, w: None, parts, at }
        }
    }
    impl IntoOwned for Sheet<'_> {
        type Owned = Sheet<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            Sheet {
                a: self.a,
                b: self.b,
                c: self.c,
                d: self.d,
                id: self.id,
                name: self.name.into_owned(),
                title: self.title.into_owned(),
                note: self.note.into_owned(),
                tree: self.tree,
                x: self.x,
                z: self.z,
                w: self.w,
                parts: self.parts.into_owned(),
                at: self.at,
            }
        }
    }
}

/// Functions, each with the type of its answer.
pub mod functions {
    #![allow(
        dead_code, unreachable_pub, unused_imports, unused_qualifications, clippy::all, clippy::pedantic, clippy::exhaustive_structs,
        reason = "generated code, of which a user may need only a part"
    )]
    use super as __root;
    use __root::__prelude::*;

    /// `call {X:Type} layer:int query:!X = X`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Call<X> {
        /// `layer:int`
        pub layer: i32,
        /// `query:!X`
        pub query: X,
    }
    impl<X> Constructor for Call<X> {
        const ID: ConstructorId = ConstructorId::new(0xffa0_ae55);
        const NAME: &'static str = "call";
    }
    impl<X: Encode> EncodeBare for Call<X> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            out.put(&self.layer.to_le_bytes());
            self.query.encode(out);
        }
    }
    impl<X: Encode> Encode for Call<X> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a, X: Decode<'a>> DecodeBare<'a> for Call<X> {
        const BARE_LEN_MIN: usize = 4;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                layer: d.read()?,
                query: d.read()?,
            })
        }
    }
    impl<'a, X: Decode<'a>> Decode<'a> for Call<X> {
        const LEN_MIN: usize = 8;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl<X: Function> Function for Call<X> {
        type Answer = X::Answer;
        type AnswerRef<'r> = X::AnswerRef<'r>;
        #[inline]
        fn decode_answer(bytes: &[u8]) -> Result<Self::Answer, DecodeError> { X::decode_answer(bytes) }
    }

    /// `labelled {X:Type} label:string query:!X = X`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Labelled<'a, X> {
        /// `label:string`
        pub label: TlStr<'a>,
        /// `query:!X`
        pub query: X,
    }
    impl<X> Constructor for Labelled<'_, X> {
        const ID: ConstructorId = ConstructorId::new(0x400e_87e8);
        const NAME: &'static str = "labelled";
    }
    impl<X: Encode> EncodeBare for Labelled<'_, X> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.label.encode(out);
            self.query.encode(out);
        }
    }
    impl<X: Encode> Encode for Labelled<'_, X> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a, X: Decode<'a>> DecodeBare<'a> for Labelled<'a, X> {
        const BARE_LEN_MIN: usize = 4;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                label: d.read()?,
                query: d.read()?,
            })
        }
    }
    impl<'a, X: Decode<'a>> Decode<'a> for Labelled<'a, X> {
        const LEN_MIN: usize = 8;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl<X: 'static> IntoOwned for Labelled<'_, X> {
        type Owned = Labelled<'static, X>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            Labelled {
                label: IntoOwned::into_owned(self.label),
                query: self.query,
            }
        }
    }
    impl<X: Function> Function for Labelled<'_, X> {
        type Answer = X::Answer;
        type AnswerRef<'r> = X::AnswerRef<'r>;
        #[inline]
        fn decode_answer(bytes: &[u8]) -> Result<Self::Answer, DecodeError> { X::decode_answer(bytes) }
    }

    /// `getTree id:long = Tree`
    #[derive(Clone, Debug, PartialEq)]
    pub struct GetTree {
        /// `id:long`
        pub id: i64,
    }
    impl Constructor for GetTree {
        const ID: ConstructorId = ConstructorId::new(0x71ae_0b08);
        const NAME: &'static str = "getTree";
    }
    impl EncodeBare for GetTree {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.id.encode(out);
        }
    }
    impl Encode for GetTree {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for GetTree {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                id: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for GetTree {
        const LEN_MIN: usize = 12;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Function for GetTree {
        type Answer = __root::types::Tree;
        type AnswerRef<'r> = __root::types::Tree;
        #[inline]
        fn decode_answer(bytes: &[u8]) -> Result<Self::Answer, DecodeError> { Decode::from_bytes(bytes) }
    }

    /// `getInts = Vector<int>`
    #[derive(Clone, Debug, PartialEq)]
    pub struct GetInts;
    impl Constructor for GetInts {
        const ID: ConstructorId = ConstructorId::new(0x0305_1a6e);
        const NAME: &'static str = "getInts";
    }
    impl EncodeBare for GetInts {
        fn encode_bare<O: Output + ?Sized>(&self, _: &mut O) {
        }
    }
    impl Encode for GetInts {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for GetInts {
        #[inline]
        fn decode_bare(_: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self)
        }
    }
    impl<'a> Decode<'a> for GetInts {
        const LEN_MIN: usize = 4;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Function for GetInts {
        type Answer = Vec<i32>;
        type AnswerRef<'r> = Vec<i32>;
        #[inline]
        fn decode_answer(bytes: &[u8]) -> Result<Self::Answer, DecodeError> { Decode::from_bytes(bytes) }
    }

    /// `getTexts = Vector<string>`
    #[derive(Clone, Debug, PartialEq)]
    pub struct GetTexts;
    impl Constructor for GetTexts {
        const ID: ConstructorId = ConstructorId::new(0x0431_da85);
        const NAME: &'static str = "getTexts";
    }
    impl EncodeBare for GetTexts {
        fn encode_bare<O: Output + ?Sized>(&self, _: &mut O) {
        }
    }
    impl Encode for GetTexts {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for GetTexts {
        #[inline]
        fn decode_bare(_: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self)
        }
    }
    impl<'a> Decode<'a> for GetTexts {
        const LEN_MIN: usize = 4;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Function for GetTexts {
        type Answer = Vec<TlStr<'static>>;
        type AnswerRef<'r> = Vec<TlStr<'r>>;
        #[inline]
        fn decode_answer(bytes: &[u8]) -> Result<Self::Answer, DecodeError> { <Vec<TlStr<'_>> as Decode<'_>>::from_bytes(bytes).map(IntoOwned::into_owned) }
    }

    /// `getAll = Vector<Tree>`
    #[derive(Clone, Debug, PartialEq)]
    pub struct GetAll;
    impl Constructor for GetAll {
        const ID: ConstructorId = ConstructorId::new(0xa6b7_c021);
        const NAME: &'static str = "getAll";
    }
    impl EncodeBare for GetAll {
        fn encode_bare<O: Output + ?Sized>(&self, _: &mut O) {
        }
    }
    impl Encode for GetAll {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for GetAll {
        #[inline]
        fn decode_bare(_: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self)
        }
    }
    impl<'a> Decode<'a> for GetAll {
        const LEN_MIN: usize = 4;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Function for GetAll {
        type Answer = Vec<__root::types::Tree>;
        type AnswerRef<'r> = Vec<__root::types::Tree>;
        #[inline]
        fn decode_answer(bytes: &[u8]) -> Result<Self::Answer, DecodeError> { Decode::from_bytes(bytes) }
    }

    /// `getAny = Object`
    #[derive(Clone, Debug, PartialEq)]
    pub struct GetAny;
    impl Constructor for GetAny {
        const ID: ConstructorId = ConstructorId::new(0x92a0_a451);
        const NAME: &'static str = "getAny";
    }
    impl EncodeBare for GetAny {
        fn encode_bare<O: Output + ?Sized>(&self, _: &mut O) {
        }
    }
    impl Encode for GetAny {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for GetAny {
        #[inline]
        fn decode_bare(_: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self)
        }
    }
    impl<'a> Decode<'a> for GetAny {
        const LEN_MIN: usize = 4;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Function for GetAny {
        type Answer = Rest<'static>;
        type AnswerRef<'r> = Rest<'r>;
        #[inline]
        fn decode_answer(bytes: &[u8]) -> Result<Self::Answer, DecodeError> { <Rest<'_> as Decode<'_>>::from_bytes(bytes).map(IntoOwned::into_owned) }
    }

    /// `getInt = Int`
    #[derive(Clone, Debug, PartialEq)]
    pub struct GetInt;
    impl Constructor for GetInt {
        const ID: ConstructorId = ConstructorId::new(0x7b3b_3ce1);
        const NAME: &'static str = "getInt";
    }
    impl EncodeBare for GetInt {
        fn encode_bare<O: Output + ?Sized>(&self, _: &mut O) {
        }
    }
    impl Encode for GetInt {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for GetInt {
        #[inline]
        fn decode_bare(_: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self)
        }
    }
    impl<'a> Decode<'a> for GetInt {
        const LEN_MIN: usize = 4;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Function for GetInt {
        type Answer = __root::types::Int;
        type AnswerRef<'r> = __root::types::Int;
        #[inline]
        fn decode_answer(bytes: &[u8]) -> Result<Self::Answer, DecodeError> { Decode::from_bytes(bytes) }
    }

    /// The namespace `outer`.
    pub mod outer {
        use super::__root;
        use __root::__prelude::*;

        /// `outer.getDeep flags:# text:flags.0?string = outer.inner.Deep`
        #[derive(Clone, Debug, PartialEq)]
        pub struct GetDeep<'a> {
            /// `text:flags.0?string`
            pub text: Option<TlStr<'a>>,
        }
        impl Constructor for GetDeep<'_> {
            const ID: ConstructorId = ConstructorId::new(0x0249_1bea);
            const NAME: &'static str = "outer.getDeep";
        }
        impl EncodeBare for GetDeep<'_> {
            fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
                let word0 = Flags::NONE.with(0, self.text.is_some());
                out.put(&word0.bits().to_le_bytes());
                self.text.encode(out);
            }
        }
        impl Encode for GetDeep<'_> {
            fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
        }
        impl<'a> DecodeBare<'a> for GetDeep<'a> {
            const BARE_LEN_MIN: usize = 4;
            #[inline]
            fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                let word0: Flags = d.read()?;
                Ok(Self {
                    text: d.optional(word0, 0)?,
                })
            }
        }
        impl<'a> Decode<'a> for GetDeep<'a> {
            const LEN_MIN: usize = 8;
            #[inline]
            fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
        }
        impl<'a> GetDeep<'a> {
            /// Creates a value without its conditional fields.
            #[inline]
            #[must_use]
            pub const fn new() -> Self {
                Self { text: None }
            }
        }
        impl IntoOwned for GetDeep<'_> {
            type Owned = GetDeep<'static>;
            #[inline]
            fn into_owned(self) -> Self::Owned {
                GetDeep {
                    text: self.text.into_owned(),
                }
            }
        }
        impl Function for GetDeep<'_> {
            type Answer = __root::types::outer::inner::Deep<'static>;
            type AnswerRef<'r> = __root::types::outer::inner::Deep<'r>;
            #[inline]
            fn decode_answer(bytes: &[u8]) -> Result<Self::Answer, DecodeError> { <__root::types::outer::inner::Deep<'_> as Decode<'_>>::from_bytes(bytes).map(IntoOwned::into_owned) }
        }
    }
}

/// Fields that share a flag bit: all of them are present, or none.
pub mod groups {
    #![allow(
        dead_code, unreachable_pub, unused_imports, unused_qualifications, clippy::all, clippy::pedantic, clippy::exhaustive_structs,
        reason = "generated code, of which a user may need only a part"
    )]
    use super as __root;
    use __root::__prelude::*;

    /// `first:flags.0?int` `second:flags.0?string` of `shared`
    #[derive(Clone, Debug, PartialEq)]
    pub struct SharedFirst<'a> {
        /// `first:flags.0?int`
        pub first: i32,
        /// `second:flags.0?string`
        pub second: TlStr<'a>,
    }
    impl IntoOwned for SharedFirst<'_> {
        type Owned = SharedFirst<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            SharedFirst {
                first: self.first,
                second: IntoOwned::into_owned(self.second),
            }
        }
    }

    /// `first:flags.3?int` `second:flags.3?Tree` of `apart`
    #[derive(Clone, Debug, PartialEq)]
    pub struct ApartFirst {
        /// `first:flags.3?int`
        pub first: i32,
        /// `second:flags.3?Tree`
        pub second: __root::types::Tree,
    }

    /// `a:flags.0?int` `b:flags.0?int` of `early`
    #[derive(Clone, Debug, PartialEq)]
    pub struct EarlyA {
        /// `a:flags.0?int`
        pub a: i32,
        /// `b:flags.0?int`
        pub b: i32,
    }

    /// `x:flags.6?int` `y:flags.6?long` of `sheet`
    #[derive(Clone, Debug, PartialEq)]
    pub struct SheetX_ {
        /// `x:flags.6?int`
        pub x: i32,
        /// `y:flags.6?long`
        pub y: i64,
    }
}

/// A call of one of these functions, as a server receives it.
///
/// A wrapped call is kept as bytes; decode it with [`Call::decode`].
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated code")]
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Call {
    /// `call {X:Type} layer:int query:!X = X`
    Call(functions::Call<::mtp_tl::Rest<'static>>),
    /// `labelled {X:Type} label:string query:!X = X`
    Labelled(functions::Labelled<'static, ::mtp_tl::Rest<'static>>),
    /// `getTree id:long = Tree`
    GetTree(functions::GetTree),
    /// `getInts = Vector<int>`
    GetInts(functions::GetInts),
    /// `getTexts = Vector<string>`
    GetTexts(functions::GetTexts),
    /// `getAll = Vector<Tree>`
    GetAll(functions::GetAll),
    /// `outer.getDeep flags:# text:flags.0?string = outer.inner.Deep`
    OuterGetDeep(functions::outer::GetDeep<'static>),
    /// `getAny = Object`
    GetAny(functions::GetAny),
    /// `getInt = Int`
    GetInt(functions::GetInt),
}

#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated code")]
impl Call {
    /// Decodes a call that is the whole of `bytes`, within the budget for its length.
    ///
    /// # Errors
    /// The id is unknown, the arguments are invalid, or bytes follow them.
    pub fn decode(bytes: &[u8]) -> Result<Self, ::mtp_tl::CallError> {
        Self::decode_within(bytes, ::mtp_tl::Budget::for_len(bytes.len()))
    }

    /// Decodes a call that is the whole of `bytes`, within a budget.
    ///
    /// # Errors
    /// As [`Call::decode`].
    pub fn decode_within(bytes: &[u8], budget: ::mtp_tl::Budget) -> Result<Self, ::mtp_tl::CallError> {
        #[allow(unused_imports, reason = "not every schema has strings")]
        use ::mtp_tl::IntoOwned;
        let mut d = ::mtp_tl::Decoder::with_budget(bytes, budget);
        let id = match d.peek_id() {
            Some(id) => id,
            None => d.id()?,
        };
        let call = match id.get() {
            0xffa0_ae55 => {
                let call: functions::Call<::mtp_tl::Rest<'_>> = d.read()?;
                Self::Call(functions::Call { layer: call.layer, query: IntoOwned::into_owned(call.query) })
            }
            0x400e_87e8 => {
                let call: functions::Labelled<'_, ::mtp_tl::Rest<'_>> = d.read()?;
                Self::Labelled(functions::Labelled { label: IntoOwned::into_owned(call.label), query: IntoOwned::into_owned(call.query) })
            }
            0x71ae_0b08 => {
                let call: functions::GetTree = d.read()?;
                Self::GetTree(call)
            }
            0x0305_1a6e => {
                let call: functions::GetInts = d.read()?;
                Self::GetInts(call)
            }
            0x0431_da85 => {
                let call: functions::GetTexts = d.read()?;
                Self::GetTexts(call)
            }
            0xa6b7_c021 => {
                let call: functions::GetAll = d.read()?;
                Self::GetAll(call)
            }
            0x0249_1bea => {
                let call: functions::outer::GetDeep<'_> = d.read()?;
                Self::OuterGetDeep(IntoOwned::into_owned(call))
            }
            0x92a0_a451 => {
                let call: functions::GetAny = d.read()?;
                Self::GetAny(call)
            }
            0x7b3b_3ce1 => {
                let call: functions::GetInt = d.read()?;
                Self::GetInt(call)
            }
            _ => return Err(::mtp_tl::CallError::UnknownFunction { id }),
        };
        d.finish()?;
        Ok(call)
    }

    /// Returns the id of the function.
    #[must_use]
    pub const fn id(&self) -> ::mtp_tl::ConstructorId {
        match self {
            Self::Call(_) => ::mtp_tl::ConstructorId::new(0xffa0_ae55),
            Self::Labelled(_) => ::mtp_tl::ConstructorId::new(0x400e_87e8),
            Self::GetTree(_) => ::mtp_tl::ConstructorId::new(0x71ae_0b08),
            Self::GetInts(_) => ::mtp_tl::ConstructorId::new(0x0305_1a6e),
            Self::GetTexts(_) => ::mtp_tl::ConstructorId::new(0x0431_da85),
            Self::GetAll(_) => ::mtp_tl::ConstructorId::new(0xa6b7_c021),
            Self::OuterGetDeep(_) => ::mtp_tl::ConstructorId::new(0x0249_1bea),
            Self::GetAny(_) => ::mtp_tl::ConstructorId::new(0x92a0_a451),
            Self::GetInt(_) => ::mtp_tl::ConstructorId::new(0x7b3b_3ce1),
        }
    }

    /// Returns the name of the function in the schema.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Call(_) => "call",
            Self::Labelled(_) => "labelled",
            Self::GetTree(_) => "getTree",
            Self::GetInts(_) => "getInts",
            Self::GetTexts(_) => "getTexts",
            Self::GetAll(_) => "getAll",
            Self::OuterGetDeep(_) => "outer.getDeep",
            Self::GetAny(_) => "getAny",
            Self::GetInt(_) => "getInt",
        }
    }
}

impl From<functions::Call<::mtp_tl::Rest<'static>>> for Call {
    fn from(call: functions::Call<::mtp_tl::Rest<'static>>) -> Self { Self::Call(call) }
}

impl From<functions::Labelled<'static, ::mtp_tl::Rest<'static>>> for Call {
    fn from(call: functions::Labelled<'static, ::mtp_tl::Rest<'static>>) -> Self { Self::Labelled(call) }
}

impl From<functions::GetTree> for Call {
    fn from(call: functions::GetTree) -> Self { Self::GetTree(call) }
}

impl From<functions::GetInts> for Call {
    fn from(call: functions::GetInts) -> Self { Self::GetInts(call) }
}

impl From<functions::GetTexts> for Call {
    fn from(call: functions::GetTexts) -> Self { Self::GetTexts(call) }
}

impl From<functions::GetAll> for Call {
    fn from(call: functions::GetAll) -> Self { Self::GetAll(call) }
}

impl From<functions::outer::GetDeep<'static>> for Call {
    fn from(call: functions::outer::GetDeep<'static>) -> Self { Self::OuterGetDeep(call) }
}

impl From<functions::GetAny> for Call {
    fn from(call: functions::GetAny) -> Self { Self::GetAny(call) }
}

impl From<functions::GetInt> for Call {
    fn from(call: functions::GetInt) -> Self { Self::GetInt(call) }
}
/// All constructors and functions of this module, by id.
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated code")]
pub static REGISTRY: ::mtp_tl::registry::Registry = ::mtp_tl::registry::Registry::new(&[
    ::mtp_tl::registry::Entry::new(0x0249_1bea, "outer.getDeep", ::mtp_tl::registry::Kind::Function, |d, out| ::mtp_tl::registry::transcode::<functions::outer::GetDeep<'_>>(d, out)).with_answer(|bytes, out| ::mtp_tl::registry::transcode_answer::<functions::outer::GetDeep<'_>>(bytes, out)),
    ::mtp_tl::registry::Entry::new(0x0267_ca1e, "container", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Container<'_>>(d, out)),
    ::mtp_tl::registry::Entry::new(0x0305_1a6e, "getInts", ::mtp_tl::registry::Kind::Function, |d, out| ::mtp_tl::registry::transcode::<functions::GetInts>(d, out)).with_answer(|bytes, out| ::mtp_tl::registry::transcode_answer::<functions::GetInts>(bytes, out)),
    ::mtp_tl::registry::Entry::new(0x0431_da85, "getTexts", ::mtp_tl::registry::Kind::Function, |d, out| ::mtp_tl::registry::transcode::<functions::GetTexts>(d, out)).with_answer(|bytes, out| ::mtp_tl::registry::transcode_answer::<functions::GetTexts>(bytes, out)),
    ::mtp_tl::registry::Entry::new(0x0bb9_8e46, "loose", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Loose>(d, out)),
    ::mtp_tl::registry::Entry::new(0x18fd_fc38, "shared", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Shared<'_>>(d, out)),
    ::mtp_tl::registry::Entry::new(0x1a13_f5b9, "point", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Point>(d, out)),
    ::mtp_tl::registry::Entry::new(0x2c35_9157, "outer.inner.deeper", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::outer::inner::Deeper<'_>>(d, out)),
    ::mtp_tl::registry::Entry::new(0x400e_87e8, "labelled", ::mtp_tl::registry::Kind::Function, |d, out| ::mtp_tl::registry::transcode::<functions::Labelled<'_, ::mtp_tl::Rest<'_>>>(d, out)),
    ::mtp_tl::registry::Entry::new(0x402b_69e7, "forest", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Tree>(d, out)),
    ::mtp_tl::registry::Entry::new(0x4bc8_01f9, "message", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Message<'_>>(d, out)),
    ::mtp_tl::registry::Entry::new(0x4cbd_03f5, "any", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Any<'_>>(d, out)),
    ::mtp_tl::registry::Entry::new(0x4eea_d08c, "early", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Early>(d, out)),
    ::mtp_tl::registry::Entry::new(0x56e8_4dfc, "book", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Book<'_>>(d, out)),
    ::mtp_tl::registry::Entry::new(0x5bb8_e511, "message5", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Message5<'_>>(d, out)),
    ::mtp_tl::registry::Entry::new(0x6199_bb60, "result", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Result_>(d, out)),
    ::mtp_tl::registry::Entry::new(0x66fc_d077, "raw", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Raw>(d, out)),
    ::mtp_tl::registry::Entry::new(0x71ae_0b08, "getTree", ::mtp_tl::registry::Kind::Function, |d, out| ::mtp_tl::registry::transcode::<functions::GetTree>(d, out)).with_answer(|bytes, out| ::mtp_tl::registry::transcode_answer::<functions::GetTree>(bytes, out)),
    ::mtp_tl::registry::Entry::new(0x7762_eca1, "page", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Page<'_>>(d, out)),
    ::mtp_tl::registry::Entry::new(0x77be_8730, "leaf", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Tree>(d, out)),
    ::mtp_tl::registry::Entry::new(0x7b3b_3ce1, "getInt", ::mtp_tl::registry::Kind::Function, |d, out| ::mtp_tl::registry::transcode::<functions::GetInt>(d, out)).with_answer(|bytes, out| ::mtp_tl::registry::transcode_answer::<functions::GetInt>(bytes, out)),
    ::mtp_tl::registry::Entry::new(0x84cc_f7b7, "int128", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Int128>(d, out)),
    ::mtp_tl::registry::Entry::new(0x92a0_a451, "getAny", ::mtp_tl::registry::Kind::Function, |d, out| ::mtp_tl::registry::transcode::<functions::GetAny>(d, out)).with_answer(|bytes, out| ::mtp_tl::registry::transcode_answer::<functions::GetAny>(bytes, out)),
    ::mtp_tl::registry::Entry::new(0x9b62_e1d2, "boxes", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Boxes<'_>>(d, out)),
    ::mtp_tl::registry::Entry::new(0xa6b3_49d6, "holder", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Holder<'_>>(d, out)),
    ::mtp_tl::registry::Entry::new(0xa6b7_c021, "getAll", ::mtp_tl::registry::Kind::Function, |d, out| ::mtp_tl::registry::transcode::<functions::GetAll>(d, out)).with_answer(|bytes, out| ::mtp_tl::registry::transcode_answer::<functions::GetAll>(bytes, out)),
    ::mtp_tl::registry::Entry::new(0xa724_240d, "outer.type", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::outer::Type>(d, out)),
    ::mtp_tl::registry::Entry::new(0xa850_9bda, "int", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Int>(d, out)),
    ::mtp_tl::registry::Entry::new(0xaa5b_cd7c, "vec", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Vec_>(d, out)),
    ::mtp_tl::registry::Entry::new(0xb528_6e24, "string", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::String_<'_>>(d, out)),
    ::mtp_tl::registry::Entry::new(0xbcc3_ba27, "branch", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Tree>(d, out)),
    ::mtp_tl::registry::Entry::new(0xbd7d_889d, "big", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Message<'_>>(d, out)),
    ::mtp_tl::registry::Entry::new(0xc0c0_1aaf, "outer.inner.deep", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::outer::inner::Deep<'_>>(d, out)),
    ::mtp_tl::registry::Entry::new(0xc4d6_e483, "apart", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Apart>(d, out)),
    ::mtp_tl::registry::Entry::new(0xce1e_e904, "words", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Words>(d, out)),
    ::mtp_tl::registry::Entry::new(0xe376_acc3, "option", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Option_>(d, out)),
    ::mtp_tl::registry::Entry::new(0xe76b_d294, "bare", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Bare_>(d, out)),
    ::mtp_tl::registry::Entry::new(0xec0c_ae98, "sheetEmpty", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Sheet<'_>>(d, out)),
    ::mtp_tl::registry::Entry::new(0xf133_b7b6, "sheet", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Sheet<'_>>(d, out)),
    ::mtp_tl::registry::Entry::new(0xf736_21b0, "stump", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Tree>(d, out)),
    ::mtp_tl::registry::Entry::new(0xfdfd_613f, "keywords", ::mtp_tl::registry::Kind::Constructor, |d, out| ::mtp_tl::registry::transcode::<types::Keywords<'_>>(d, out)),
    ::mtp_tl::registry::Entry::new(0xffa0_ae55, "call", ::mtp_tl::registry::Kind::Function, |d, out| ::mtp_tl::registry::transcode::<functions::Call<::mtp_tl::Rest<'_>>>(d, out)),
]);
