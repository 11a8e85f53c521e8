//! One Rust type for each TL type.

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
