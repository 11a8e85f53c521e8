//! The form of generated code for a few declarations of `api.tl`, and its behavior.
//!
//! `docs/decisions/0003-generated-code.md` has the rules. The generator of `mtp-schema` writes exactly this form, except
//! that decoders of functions require the feature `server`. `RichText` is reduced to two of its constructors.
#![allow(
    clippy::pedantic,
    clippy::enum_variant_names,
    unreachable_pub,
    dead_code,
    unused_imports,
    unused_qualifications,
    reason = "generated code is public, and imports and qualifies everything it might need"
)]

pub mod types;

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

/// Functions.
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
        type Answer = X::Answer;
        type AnswerRef<'r> = X::AnswerRef<'r>;
        #[inline]
        fn decode_answer(bytes: &[u8]) -> Result<Self::Answer, DecodeError> {
            X::decode_answer(bytes)
        }
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
            type Answer = Vec<i32>;
            type AnswerRef<'r> = Vec<i32>;
            #[inline]
            fn decode_answer(bytes: &[u8]) -> Result<Self::Answer, DecodeError> {
                Decode::from_bytes(bytes)
            }
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
fn values_that_share_a_bit_are_present_together() {
    let mut header = types::MessageFwdHeader::new(5);
    header.saved_from_peer = Some(groups::MessageFwdHeaderSavedFromPeer {
        saved_from_peer: variants::PeerUser { user_id: 7 }.into(),
        saved_from_msg_id: 0,
    });
    header.psa_type = Some("".into());
    let bytes = header.to_bytes();
    assert_eq!(types::MessageFwdHeader::from_bytes(&bytes).unwrap(), header);
    // Bits 4 and 6: present although zero and empty.
    assert_eq!(bytes.get(4..8), Some(&[0x50, 0, 0, 0][..]));
}

// spec: tl 6.2
#[test]
fn true_is_implied_by_a_value_that_shares_its_bit() {
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
fn wrapper_has_the_answer_type_of_its_query() {
    fn answer<F: Function>(_: &F, bytes: &[u8]) -> F::Answer {
        F::decode_answer(bytes).unwrap()
    }
    let query = functions::contacts::GetContactIDs { hash: 1 };
    let call = functions::InvokeWithLayer { layer: 230, query };
    assert_eq!(answer(&call, &[0x15, 0xc4, 0xb5, 0x1c, 1, 0, 0, 0, 9, 0, 0, 0]), [9]);

    // A server can decode a wrapper without knowing the query.
    let bytes = check(&call);
    let read = functions::InvokeWithLayer::<Rest<'_>>::from_bytes(&bytes).unwrap();
    let inner = Decoder::new(read.query.as_bytes()).peek_id();
    assert_eq!(inner, Some(functions::contacts::GetContactIDs::ID));
}

// spec: tl 7
#[test]
fn nesting_beyond_the_limit_is_rejected() {
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
fn unexpected_id_is_reported_and_not_consumed() {
    let bytes = types::MessageFwdHeader::new(1).to_bytes();
    let mut d = Decoder::new(&bytes);
    let error = d.read::<types::Peer>().unwrap_err();
    let id = types::MessageFwdHeader::ID;
    assert_eq!(error.kind(), DecodeErrorKind::UnexpectedConstructor { id, expected: "Peer" });
    assert_eq!((error.offset(), d.offset()), (0, 0));
    assert_eq!(error.to_string(), "unexpected constructor #4e4df4bb, expected Peer at byte 0");
}

#[test]
fn path_names_the_constructors_around_an_error() {
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
