//! The form of generated code for some declarations of `api.tl`, and what it promises.
//!
//! `docs/decisions/0003-generated-code.md` gives the rules; the generator of `mtp-schema` writes this
//! form, letter by letter, the decoders of functions behind `#[cfg(feature = "server")]`. `RichText` is cut to two of its constructors.
#![allow(
    clippy::pedantic,
    unused_imports,
    unused_qualifications,
    reason = "generated code imports and names all it might need"
)]
#![allow(clippy::unwrap_used, reason = "a test")]

extern crate alloc;

/// One Rust type for each TL type.
pub mod types {
    use alloc::boxed::Box;
    use alloc::vec::Vec;
    use mtp_tl::{
        Constructor, ConstructorId, Decode, DecodeBare, DecodeError, Decoder, Encode, EncodeBare,
        Flags, IntoOwned, Output, TlStr,
    };

    /// `Peer`
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum Peer {
        /// `peerUser#59511722 user_id:long = Peer`
        User(super::variants::PeerUser),
        /// `peerChat#36c6019a chat_id:long = Peer`
        Chat(super::variants::PeerChat),
        /// `peerChannel#a2a5371e channel_id:long = Peer`
        Channel(super::variants::PeerChannel),
    }

    impl Encode for Peer {
        #[inline]
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            match self {
                Self::User(value) => value.encode_boxed(out),
                Self::Chat(value) => value.encode_boxed(out),
                Self::Channel(value) => value.encode_boxed(out),
            }
        }
    }

    impl<'a> Decode<'a> for Peer {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let id = d.id()?;
            match id.get() {
                0x5951_1722 => d.bare().map(Self::User),
                0x36c6_019a => d.bare().map(Self::Chat),
                0xa2a5_371e => d.bare().map(Self::Channel),
                _ => Err(d.unexpected(id, "Peer")),
            }
        }
    }

    impl From<super::variants::PeerUser> for Peer {
        #[inline]
        fn from(value: super::variants::PeerUser) -> Self {
            Self::User(value)
        }
    }

    impl From<super::variants::PeerChat> for Peer {
        #[inline]
        fn from(value: super::variants::PeerChat) -> Self {
            Self::Chat(value)
        }
    }

    impl From<super::variants::PeerChannel> for Peer {
        #[inline]
        fn from(value: super::variants::PeerChannel) -> Self {
            Self::Channel(value)
        }
    }

    /// `JSONValue`
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum JSONValue<'a> {
        /// `jsonNull#3f6d7b68 = JSONValue`
        JsonNull,
        /// `jsonBool#c7345e6a value:Bool = JSONValue`
        JsonBool(super::variants::JsonBool),
        /// `jsonNumber#2be0dfa4 value:double = JSONValue`
        JsonNumber(super::variants::JsonNumber),
        /// `jsonString#b71e767a value:string = JSONValue`
        JsonString(super::variants::JsonString<'a>),
        /// `jsonArray#f7444763 value:Vector<JSONValue> = JSONValue`
        JsonArray(super::variants::JsonArray<'a>),
        /// `jsonObject#99c1d49d value:Vector<JSONObjectValue> = JSONValue`
        JsonObject(super::variants::JsonObject<'a>),
    }

    impl Encode for JSONValue<'_> {
        #[inline]
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            match self {
                Self::JsonNull => ConstructorId::new(0x3f6d_7b68).encode(out),
                Self::JsonBool(value) => value.encode_boxed(out),
                Self::JsonNumber(value) => value.encode_boxed(out),
                Self::JsonString(value) => value.encode_boxed(out),
                Self::JsonArray(value) => value.encode_boxed(out),
                Self::JsonObject(value) => value.encode_boxed(out),
            }
        }
    }

    impl<'a> Decode<'a> for JSONValue<'a> {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let id = d.id()?;
            match id.get() {
                0x3f6d_7b68 => Ok(Self::JsonNull),
                0xc734_5e6a => d.bare().map(Self::JsonBool),
                0x2be0_dfa4 => d.bare().map(Self::JsonNumber),
                0xb71e_767a => d.bare().map(Self::JsonString),
                0xf744_4763 => d.bare().map(Self::JsonArray),
                0x99c1_d49d => d.bare().map(Self::JsonObject),
                _ => Err(d.unexpected(id, "JSONValue")),
            }
        }
    }

    impl IntoOwned for JSONValue<'_> {
        type Owned = JSONValue<'static>;

        #[inline]
        fn into_owned(self) -> JSONValue<'static> {
            match self {
                Self::JsonNull => JSONValue::JsonNull,
                Self::JsonBool(value) => JSONValue::JsonBool(value),
                Self::JsonNumber(value) => JSONValue::JsonNumber(value),
                Self::JsonString(value) => JSONValue::JsonString(value.into_owned()),
                Self::JsonArray(value) => JSONValue::JsonArray(value.into_owned()),
                Self::JsonObject(value) => JSONValue::JsonObject(value.into_owned()),
            }
        }
    }

    impl<'a> From<super::variants::JsonBool> for JSONValue<'a> {
        #[inline]
        fn from(value: super::variants::JsonBool) -> Self {
            Self::JsonBool(value)
        }
    }

    impl<'a> From<super::variants::JsonNumber> for JSONValue<'a> {
        #[inline]
        fn from(value: super::variants::JsonNumber) -> Self {
            Self::JsonNumber(value)
        }
    }

    impl<'a> From<super::variants::JsonString<'a>> for JSONValue<'a> {
        #[inline]
        fn from(value: super::variants::JsonString<'a>) -> Self {
            Self::JsonString(value)
        }
    }

    impl<'a> From<super::variants::JsonArray<'a>> for JSONValue<'a> {
        #[inline]
        fn from(value: super::variants::JsonArray<'a>) -> Self {
            Self::JsonArray(value)
        }
    }

    impl<'a> From<super::variants::JsonObject<'a>> for JSONValue<'a> {
        #[inline]
        fn from(value: super::variants::JsonObject<'a>) -> Self {
            Self::JsonObject(value)
        }
    }

    /// `jsonObjectValue#c0de1bd9 key:string value:JSONValue = JSONObjectValue`
    #[derive(Clone, Debug, PartialEq)]
    pub struct JSONObjectValue<'a> {
        /// `key:string`
        pub key: TlStr<'a>,
        /// `value:JSONValue`
        pub value: super::types::JSONValue<'a>,
    }

    impl Constructor for JSONObjectValue<'_> {
        const ID: ConstructorId = ConstructorId::new(0xc0de_1bd9);
        const NAME: &'static str = "jsonObjectValue";
    }

    impl EncodeBare for JSONObjectValue<'_> {
        #[inline]
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.key.encode(out);
            self.value.encode(out);
        }
    }

    impl<'a> DecodeBare<'a> for JSONObjectValue<'a> {
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self { key: d.read()?, value: d.read()? })
        }
    }

    impl Encode for JSONObjectValue<'_> {
        #[inline]
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            self.encode_boxed(out);
        }
    }

    impl<'a> Decode<'a> for JSONObjectValue<'a> {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            d.boxed()
        }
    }

    impl IntoOwned for JSONObjectValue<'_> {
        type Owned = JSONObjectValue<'static>;

        #[inline]
        fn into_owned(self) -> JSONObjectValue<'static> {
            JSONObjectValue { key: self.key.into_owned(), value: self.value.into_owned() }
        }
    }

    /// `RichText`
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum RichText {
        /// `textEmpty#dc3d824f = RichText`
        TextEmpty,
        /// `textBold#6724abc4 text:RichText = RichText`
        TextBold(super::variants::TextBold),
    }

    impl Encode for RichText {
        #[inline]
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            match self {
                Self::TextEmpty => ConstructorId::new(0xdc3d_824f).encode(out),
                Self::TextBold(value) => value.encode_boxed(out),
            }
        }
    }

    impl<'a> Decode<'a> for RichText {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let id = d.id()?;
            match id.get() {
                0xdc3d_824f => Ok(Self::TextEmpty),
                0x6724_abc4 => d.bare().map(Self::TextBold),
                _ => Err(d.unexpected(id, "RichText")),
            }
        }
    }

    impl From<super::variants::TextBold> for RichText {
        #[inline]
        fn from(value: super::variants::TextBold) -> Self {
            Self::TextBold(value)
        }
    }

    /// `messageFwdHeader#4e4df4bb flags:# imported:flags.7?true saved_out:flags.11?true from_id:flags.0?Peer from_name:flags.5?string date:int channel_post:flags.2?int post_author:flags.3?string saved_from_peer:flags.4?Peer saved_from_msg_id:flags.4?int saved_from_id:flags.8?Peer saved_from_name:flags.9?string saved_date:flags.10?int psa_type:flags.6?string = MessageFwdHeader`
    #[derive(Clone, Debug, PartialEq)]
    pub struct MessageFwdHeader<'a> {
        /// `imported:flags.7?true`
        pub imported: bool,
        /// `saved_out:flags.11?true`
        pub saved_out: bool,
        /// `from_id:flags.0?Peer`
        pub from_id: Option<super::types::Peer>,
        /// `from_name:flags.5?string`
        pub from_name: Option<TlStr<'a>>,
        /// `date:int`
        pub date: i32,
        /// `channel_post:flags.2?int`
        pub channel_post: Option<i32>,
        /// `post_author:flags.3?string`
        pub post_author: Option<TlStr<'a>>,
        /// `saved_from_peer:flags.4?Peer` `saved_from_msg_id:flags.4?int`
        pub saved_from_peer: Option<super::groups::MessageFwdHeaderSavedFromPeer>,
        /// `saved_from_id:flags.8?Peer`
        pub saved_from_id: Option<super::types::Peer>,
        /// `saved_from_name:flags.9?string`
        pub saved_from_name: Option<TlStr<'a>>,
        /// `saved_date:flags.10?int`
        pub saved_date: Option<i32>,
        /// `psa_type:flags.6?string`
        pub psa_type: Option<TlStr<'a>>,
    }

    impl MessageFwdHeader<'_> {
        /// Builds a value without its conditional fields.
        #[inline]
        #[must_use]
        pub fn new(date: i32) -> Self {
            Self {
                imported: false,
                saved_out: false,
                from_id: None,
                from_name: None,
                date,
                channel_post: None,
                post_author: None,
                saved_from_peer: None,
                saved_from_id: None,
                saved_from_name: None,
                saved_date: None,
                psa_type: None,
            }
        }
    }

    impl Constructor for MessageFwdHeader<'_> {
        const ID: ConstructorId = ConstructorId::new(0x4e4d_f4bb);
        const NAME: &'static str = "messageFwdHeader";
    }

    impl EncodeBare for MessageFwdHeader<'_> {
        #[inline]
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            Flags::NONE
                .with(7, self.imported)
                .with(11, self.saved_out)
                .with(0, self.from_id.is_some())
                .with(5, self.from_name.is_some())
                .with(2, self.channel_post.is_some())
                .with(3, self.post_author.is_some())
                .with(4, self.saved_from_peer.is_some())
                .with(8, self.saved_from_id.is_some())
                .with(9, self.saved_from_name.is_some())
                .with(10, self.saved_date.is_some())
                .with(6, self.psa_type.is_some())
                .encode(out);
            self.from_id.encode(out);
            self.from_name.encode(out);
            self.date.encode(out);
            self.channel_post.encode(out);
            self.post_author.encode(out);
            if let Some(group) = &self.saved_from_peer {
                group.saved_from_peer.encode(out);
            }
            if let Some(group) = &self.saved_from_peer {
                group.saved_from_msg_id.encode(out);
            }
            self.saved_from_id.encode(out);
            self.saved_from_name.encode(out);
            self.saved_date.encode(out);
            self.psa_type.encode(out);
        }
    }

    impl<'a> DecodeBare<'a> for MessageFwdHeader<'a> {
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            // Up to the last value that is no field of its own: locals, in the order of the wire.
            let flags: Flags = d.read()?;
            let from_id = d.optional(flags, 0)?;
            let from_name = d.optional(flags, 5)?;
            let date = d.read()?;
            let channel_post = d.optional(flags, 2)?;
            let post_author = d.optional(flags, 3)?;
            let saved_from_peer = d.optional(flags, 4)?;
            let saved_from_msg_id = d.optional(flags, 4)?;
            Ok(Self {
                imported: flags.has(7),
                saved_out: flags.has(11),
                from_id,
                from_name,
                date,
                channel_post,
                post_author,
                saved_from_peer: match (saved_from_peer, saved_from_msg_id) {
                    (Some(saved_from_peer), Some(saved_from_msg_id)) => {
                        Some(super::groups::MessageFwdHeaderSavedFromPeer {
                            saved_from_peer,
                            saved_from_msg_id,
                        })
                    }
                    _ => None,
                },
                saved_from_id: d.optional(flags, 8)?,
                saved_from_name: d.optional(flags, 9)?,
                saved_date: d.optional(flags, 10)?,
                psa_type: d.optional(flags, 6)?,
            })
        }
    }

    impl Encode for MessageFwdHeader<'_> {
        #[inline]
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            self.encode_boxed(out);
        }
    }

    impl<'a> Decode<'a> for MessageFwdHeader<'a> {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            d.boxed()
        }
    }

    impl IntoOwned for MessageFwdHeader<'_> {
        type Owned = MessageFwdHeader<'static>;

        #[inline]
        fn into_owned(self) -> MessageFwdHeader<'static> {
            MessageFwdHeader {
                imported: self.imported,
                saved_out: self.saved_out,
                from_id: self.from_id,
                from_name: self.from_name.into_owned(),
                date: self.date,
                channel_post: self.channel_post,
                post_author: self.post_author.into_owned(),
                saved_from_peer: self.saved_from_peer,
                saved_from_id: self.saved_from_id,
                saved_from_name: self.saved_from_name.into_owned(),
                saved_date: self.saved_date,
                psa_type: self.psa_type.into_owned(),
            }
        }
    }

    /// `messageReplies#83d60fc2 flags:# comments:flags.0?true replies:int replies_pts:int recent_repliers:flags.1?Vector<Peer> channel_id:flags.0?long max_id:flags.2?int read_max_id:flags.3?int = MessageReplies`
    #[derive(Clone, Debug, PartialEq)]
    pub struct MessageReplies {
        /// `replies:int`
        pub replies: i32,
        /// `replies_pts:int`
        pub replies_pts: i32,
        /// `recent_repliers:flags.1?Vector<Peer>`
        pub recent_repliers: Option<Vec<super::types::Peer>>,
        /// `channel_id:flags.0?long`
        pub channel_id: Option<i64>,
        /// `max_id:flags.2?int`
        pub max_id: Option<i32>,
        /// `read_max_id:flags.3?int`
        pub read_max_id: Option<i32>,
    }

    impl MessageReplies {
        /// Builds a value without its conditional fields.
        #[inline]
        #[must_use]
        pub fn new(replies: i32, replies_pts: i32) -> Self {
            Self {
                replies,
                replies_pts,
                recent_repliers: None,
                channel_id: None,
                max_id: None,
                read_max_id: None,
            }
        }

        /// Reports `comments:flags.0?true`, which shares its bit with `channel_id`.
        #[inline]
        #[must_use]
        pub fn comments(&self) -> bool {
            self.channel_id.is_some()
        }
    }

    impl Constructor for MessageReplies {
        const ID: ConstructorId = ConstructorId::new(0x83d6_0fc2);
        const NAME: &'static str = "messageReplies";
    }

    impl EncodeBare for MessageReplies {
        #[inline]
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            Flags::NONE
                .with(0, self.channel_id.is_some())
                .with(1, self.recent_repliers.is_some())
                .with(2, self.max_id.is_some())
                .with(3, self.read_max_id.is_some())
                .encode(out);
            self.replies.encode(out);
            self.replies_pts.encode(out);
            self.recent_repliers.encode(out);
            self.channel_id.encode(out);
            self.max_id.encode(out);
            self.read_max_id.encode(out);
        }
    }

    impl<'a> DecodeBare<'a> for MessageReplies {
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let flags: Flags = d.read()?;
            Ok(Self {
                replies: d.read()?,
                replies_pts: d.read()?,
                recent_repliers: d.optional(flags, 1)?,
                channel_id: d.optional(flags, 0)?,
                max_id: d.optional(flags, 2)?,
                read_max_id: d.optional(flags, 3)?,
            })
        }
    }

    impl Encode for MessageReplies {
        #[inline]
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            self.encode_boxed(out);
        }
    }

    impl<'a> Decode<'a> for MessageReplies {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            d.boxed()
        }
    }
}

/// Values that share one bit.
pub mod groups {
    /// `saved_from_peer:flags.4?Peer` `saved_from_msg_id:flags.4?int` of `messageFwdHeader`
    #[derive(Clone, Debug, PartialEq)]
    pub struct MessageFwdHeaderSavedFromPeer {
        /// `saved_from_peer:flags.4?Peer`
        pub saved_from_peer: super::types::Peer,
        /// `saved_from_msg_id:flags.4?int`
        pub saved_from_msg_id: i32,
    }
}

/// Constructors that share their type with others.
pub mod variants {
    use alloc::boxed::Box;
    use alloc::vec::Vec;
    use mtp_tl::{
        Constructor, ConstructorId, DecodeBare, DecodeError, Decoder, Encode, EncodeBare,
        IntoOwned, Output, TlStr,
    };

    /// `peerUser#59511722 user_id:long = Peer`
    #[derive(Clone, Debug, PartialEq)]
    pub struct PeerUser {
        /// `user_id:long`
        pub user_id: i64,
    }

    impl Constructor for PeerUser {
        const ID: ConstructorId = ConstructorId::new(0x5951_1722);
        const NAME: &'static str = "peerUser";
    }

    impl EncodeBare for PeerUser {
        #[inline]
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.user_id.encode(out);
        }
    }

    impl<'a> DecodeBare<'a> for PeerUser {
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self { user_id: d.read()? })
        }
    }

    /// `peerChat#36c6019a chat_id:long = Peer`
    #[derive(Clone, Debug, PartialEq)]
    pub struct PeerChat {
        /// `chat_id:long`
        pub chat_id: i64,
    }

    impl Constructor for PeerChat {
        const ID: ConstructorId = ConstructorId::new(0x36c6_019a);
        const NAME: &'static str = "peerChat";
    }

    impl EncodeBare for PeerChat {
        #[inline]
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.chat_id.encode(out);
        }
    }

    impl<'a> DecodeBare<'a> for PeerChat {
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self { chat_id: d.read()? })
        }
    }

    /// `peerChannel#a2a5371e channel_id:long = Peer`
    #[derive(Clone, Debug, PartialEq)]
    pub struct PeerChannel {
        /// `channel_id:long`
        pub channel_id: i64,
    }

    impl Constructor for PeerChannel {
        const ID: ConstructorId = ConstructorId::new(0xa2a5_371e);
        const NAME: &'static str = "peerChannel";
    }

    impl EncodeBare for PeerChannel {
        #[inline]
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.channel_id.encode(out);
        }
    }

    impl<'a> DecodeBare<'a> for PeerChannel {
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self { channel_id: d.read()? })
        }
    }

    /// `jsonBool#c7345e6a value:Bool = JSONValue`
    #[derive(Clone, Debug, PartialEq)]
    pub struct JsonBool {
        /// `value:Bool`
        pub value: bool,
    }

    impl Constructor for JsonBool {
        const ID: ConstructorId = ConstructorId::new(0xc734_5e6a);
        const NAME: &'static str = "jsonBool";
    }

    impl EncodeBare for JsonBool {
        #[inline]
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.value.encode(out);
        }
    }

    impl<'a> DecodeBare<'a> for JsonBool {
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self { value: d.read()? })
        }
    }

    /// `jsonNumber#2be0dfa4 value:double = JSONValue`
    #[derive(Clone, Debug, PartialEq)]
    pub struct JsonNumber {
        /// `value:double`
        pub value: f64,
    }

    impl Constructor for JsonNumber {
        const ID: ConstructorId = ConstructorId::new(0x2be0_dfa4);
        const NAME: &'static str = "jsonNumber";
    }

    impl EncodeBare for JsonNumber {
        #[inline]
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.value.encode(out);
        }
    }

    impl<'a> DecodeBare<'a> for JsonNumber {
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self { value: d.read()? })
        }
    }

    /// `jsonString#b71e767a value:string = JSONValue`
    #[derive(Clone, Debug, PartialEq)]
    pub struct JsonString<'a> {
        /// `value:string`
        pub value: TlStr<'a>,
    }

    impl Constructor for JsonString<'_> {
        const ID: ConstructorId = ConstructorId::new(0xb71e_767a);
        const NAME: &'static str = "jsonString";
    }

    impl EncodeBare for JsonString<'_> {
        #[inline]
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.value.encode(out);
        }
    }

    impl<'a> DecodeBare<'a> for JsonString<'a> {
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self { value: d.read()? })
        }
    }

    impl IntoOwned for JsonString<'_> {
        type Owned = JsonString<'static>;

        #[inline]
        fn into_owned(self) -> JsonString<'static> {
            JsonString { value: self.value.into_owned() }
        }
    }

    /// `jsonArray#f7444763 value:Vector<JSONValue> = JSONValue`
    #[derive(Clone, Debug, PartialEq)]
    pub struct JsonArray<'a> {
        /// `value:Vector<JSONValue>`
        pub value: Vec<super::types::JSONValue<'a>>,
    }

    impl Constructor for JsonArray<'_> {
        const ID: ConstructorId = ConstructorId::new(0xf744_4763);
        const NAME: &'static str = "jsonArray";
    }

    impl EncodeBare for JsonArray<'_> {
        #[inline]
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.value.encode(out);
        }
    }

    impl<'a> DecodeBare<'a> for JsonArray<'a> {
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self { value: d.read()? })
        }
    }

    impl IntoOwned for JsonArray<'_> {
        type Owned = JsonArray<'static>;

        #[inline]
        fn into_owned(self) -> JsonArray<'static> {
            JsonArray { value: self.value.into_owned() }
        }
    }

    /// `jsonObject#99c1d49d value:Vector<JSONObjectValue> = JSONValue`
    #[derive(Clone, Debug, PartialEq)]
    pub struct JsonObject<'a> {
        /// `value:Vector<JSONObjectValue>`
        pub value: Vec<super::types::JSONObjectValue<'a>>,
    }

    impl Constructor for JsonObject<'_> {
        const ID: ConstructorId = ConstructorId::new(0x99c1_d49d);
        const NAME: &'static str = "jsonObject";
    }

    impl EncodeBare for JsonObject<'_> {
        #[inline]
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.value.encode(out);
        }
    }

    impl<'a> DecodeBare<'a> for JsonObject<'a> {
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self { value: d.read()? })
        }
    }

    impl IntoOwned for JsonObject<'_> {
        type Owned = JsonObject<'static>;

        #[inline]
        fn into_owned(self) -> JsonObject<'static> {
            JsonObject { value: self.value.into_owned() }
        }
    }

    /// `textBold#6724abc4 text:RichText = RichText`
    #[derive(Clone, Debug, PartialEq)]
    pub struct TextBold {
        /// `text:RichText`
        pub text: Box<super::types::RichText>,
    }

    impl Constructor for TextBold {
        const ID: ConstructorId = ConstructorId::new(0x6724_abc4);
        const NAME: &'static str = "textBold";
    }

    impl EncodeBare for TextBold {
        #[inline]
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.text.encode(out);
        }
    }

    impl<'a> DecodeBare<'a> for TextBold {
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self { text: d.read()? })
        }
    }
}

/// What can be called.
pub mod functions {
    use mtp_tl::{
        Constructor, ConstructorId, Decode, DecodeBare, DecodeError, Decoder, Encode, EncodeBare,
        Function, Output,
    };

    /// `invokeWithLayer#da9b0d0d {X:Type} layer:int query:!X = X`
    #[derive(Clone, Debug, PartialEq)]
    pub struct InvokeWithLayer<X> {
        /// `layer:int`
        pub layer: i32,
        /// `query:!X`
        pub query: X,
    }

    impl<X> Constructor for InvokeWithLayer<X> {
        const ID: ConstructorId = ConstructorId::new(0xda9b_0d0d);
        const NAME: &'static str = "invokeWithLayer";
    }

    impl<X: Encode> EncodeBare for InvokeWithLayer<X> {
        #[inline]
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.layer.encode(out);
            self.query.encode(out);
        }
    }

    impl<'a, X: Decode<'a>> DecodeBare<'a> for InvokeWithLayer<X> {
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self { layer: d.read()?, query: d.read()? })
        }
    }

    impl<X: Encode> Encode for InvokeWithLayer<X> {
        #[inline]
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            self.encode_boxed(out);
        }
    }

    impl<'a, X: Decode<'a>> Decode<'a> for InvokeWithLayer<X> {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            d.boxed()
        }
    }

    impl<X: Function> Function for InvokeWithLayer<X> {
        type Response<'r> = X::Response<'r>;
    }

    /// `contacts`
    pub mod contacts {
        use alloc::vec::Vec;
        use mtp_tl::{
            Constructor, ConstructorId, Decode, DecodeBare, DecodeError, Decoder, Encode,
            EncodeBare, Function, Output,
        };

        /// `contacts.getContactIDs#7adc669d hash:long = Vector<int>`
        #[derive(Clone, Debug, PartialEq)]
        pub struct GetContactIDs {
            /// `hash:long`
            pub hash: i64,
        }

        impl Constructor for GetContactIDs {
            const ID: ConstructorId = ConstructorId::new(0x7adc_669d);
            const NAME: &'static str = "contacts.getContactIDs";
        }

        impl EncodeBare for GetContactIDs {
            #[inline]
            fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
                self.hash.encode(out);
            }
        }

        impl<'a> DecodeBare<'a> for GetContactIDs {
            #[inline]
            fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                Ok(Self { hash: d.read()? })
            }
        }

        impl Encode for GetContactIDs {
            #[inline]
            fn encode<O: Output + ?Sized>(&self, out: &mut O) {
                self.encode_boxed(out);
            }
        }

        impl<'a> Decode<'a> for GetContactIDs {
            #[inline]
            fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                d.boxed()
            }
        }

        impl Function for GetContactIDs {
            type Response<'r> = Vec<i32>;
        }
    }
}

use mtp_tl::{
    Budget, Constructor, Decode, DecodeErrorKind, Decoder, Encode, Function, IntoOwned, Rest,
};

#[track_caller]
fn check<T: for<'a> Decode<'a> + Encode + PartialEq + core::fmt::Debug>(value: &T) -> Vec<u8> {
    let bytes = value.to_bytes();
    assert_eq!(bytes.len(), value.encoded_len());
    assert_eq!(&T::from_bytes(&bytes).unwrap(), value);
    bytes
}

// spec: tl 6.2
#[test]
fn values_that_share_a_bit_are_there_together() {
    let mut header = types::MessageFwdHeader::new(5);
    header.saved_from_peer = Some(groups::MessageFwdHeaderSavedFromPeer {
        saved_from_peer: variants::PeerUser { user_id: 7 }.into(),
        saved_from_msg_id: 0,
    });
    header.psa_type = Some("".into());
    let bytes = header.to_bytes();
    assert_eq!(types::MessageFwdHeader::from_bytes(&bytes).unwrap(), header);
    // Bits 4 and 6: present though zero and empty.
    assert_eq!(bytes.get(4..8), Some(&[0x50, 0, 0, 0][..]));
}

// spec: tl 6.2
#[test]
fn a_true_is_implied_by_the_value_that_shares_its_bit() {
    let mut replies = types::MessageReplies::new(1, 2);
    assert!(!replies.comments());
    check(&replies);
    replies.channel_id = Some(0);
    replies.recent_repliers = Some(Vec::new());
    assert!(replies.comments());
    check(&replies);
}

#[test]
fn owned_values_outlive_their_input() {
    let string = |text| types::JSONValue::from(variants::JsonString { value: text });
    let value = types::JSONObjectValue {
        key: "k".into(),
        value: variants::JsonArray { value: vec![types::JSONValue::JsonNull, string("v".into())] }
            .into(),
    };
    let bytes = value.to_bytes();
    let owned: types::JSONObjectValue<'static> =
        types::JSONObjectValue::from_bytes(&bytes).unwrap().into_owned();
    drop(bytes);
    assert_eq!(owned, value);
}

// spec: tl 8
#[test]
fn a_wrapper_answers_with_what_its_query_answers_with() {
    fn answer<F: Function>(_: &F, bytes: &'static [u8]) -> F::Response<'static> {
        F::Response::from_bytes(bytes).unwrap()
    }
    let query = functions::contacts::GetContactIDs { hash: 1 };
    let call = functions::InvokeWithLayer { layer: 230, query };
    assert_eq!(answer(&call, &[0x15, 0xc4, 0xb5, 0x1c, 1, 0, 0, 0, 9, 0, 0, 0]), [9]);

    // A server that does not know the query reads what is around it.
    let bytes = check(&call);
    let read = functions::InvokeWithLayer::<Rest<'_>>::from_bytes(&bytes).unwrap();
    let inner = Decoder::new(read.query.as_bytes()).peek_id();
    assert_eq!(inner, Some(functions::contacts::GetContactIDs::ID));
}

// spec: tl 7
#[test]
fn nesting_ends_at_the_limit() {
    let depth_max = Budget::DEFAULT.depth_max;
    for (levels, fits) in
        [(20, true), (depth_max, true), (depth_max + 1, false), (1_000_000, false)]
    {
        let mut bytes = variants::TextBold::ID.to_bytes().repeat(levels as usize);
        bytes.extend(0xdc3d_824f_u32.to_le_bytes());
        let result = types::RichText::from_bytes(&bytes);
        assert_eq!(result.is_ok(), fits, "{levels} levels");
        if let Err(error) = result {
            assert_eq!(error.kind(), DecodeErrorKind::RecursionLimit { max: depth_max });
            assert_eq!(error.offset(), 4 * (depth_max as usize + 1));
            assert_eq!(error.within(), "textBold");
        }
    }
}

#[test]
fn an_unexpected_id_is_named_and_left_in_place() {
    let bytes = types::MessageFwdHeader::new(1).to_bytes();
    let mut d = Decoder::new(&bytes);
    let error = d.read::<types::Peer>().unwrap_err();
    let id = types::MessageFwdHeader::ID;
    assert_eq!(error.kind(), DecodeErrorKind::UnexpectedConstructor { id, expected: "Peer" });
    assert_eq!((error.offset(), d.offset()), (0, 0));
    assert_eq!(error.to_string(), "unexpected constructor #4e4df4bb, expected Peer at byte 0");
}

#[test]
fn an_error_knows_the_constructors_around_it() {
    let value = variants::JsonString { value: "text".into() };
    let object = types::JSONObjectValue { key: "key".into(), value: value.into() };
    let bytes = types::JSONValue::from(variants::JsonObject { value: vec![object] }).to_bytes();
    let cut = bytes.get(..bytes.len() - 4).unwrap();
    let mut d = Decoder::new(cut);
    let error = d.read::<types::JSONValue<'_>>().unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::UnexpectedEof { needed: 8, have: 4 });
    assert_eq!(error.offset(), cut.len() - 4);
    let path: Vec<_> = d.path().collect();
    assert_eq!(path, ["jsonObject", "jsonObjectValue", "jsonString"]);
}
