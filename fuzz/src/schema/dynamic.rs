//! The dynamic codec with the complete schema of this repository.

use std::sync::LazyLock;

use mtp_schema::dynamic::{Codec, DecodedAnswer, Limits, Unknown};
use mtp_schema::id::IdRule;
use mtp_schema::merge::{OnConflict, merge};
use mtp_schema::model::{CombinatorIx, Model, Ty};
use mtp_schema::parse_text;
use mtp_schema::tree::Section;
use mtp_tl::Budget;
use serde_json::Value;

use crate::input::Input;

/// Decodes bytes with the schema: bytes → JSON → bytes → JSON agree.
///
/// Input: the expected type and the treatment of unknown objects, a function for results, then the bytes.
pub fn dynamic_bytes(data: &[u8]) {
    let mut input = Input::new(data);
    let mode = input.byte();
    let codec = if mode & 1 == 0 { &*REFUSING } else { &*KEEPING };
    let function = FUNCTIONS[usize::from(input.u16()) % FUNCTIONS.len()];
    let bytes = input.rest();
    match mode >> 1 & 3 {
        0 => check(codec, &Ty::Object, bytes),
        1 => check(codec, &Ty::Call, bytes),
        2 => check_result(codec, function, bytes),
        _ => {
            let _ = codec.decode_rpc_result(bytes, |id| (id & 1 == 0).then_some(function));
        }
    }
}

/// Encodes JSON with the schema: JSON → bytes → JSON → bytes agree.
///
/// Input: object or call, then the JSON.
pub fn dynamic_json(data: &[u8]) {
    let mut input = Input::new(data);
    let ty = if input.flag() { Ty::Call } else { Ty::Object };
    let Ok(value) = serde_json::from_slice::<Value>(input.rest()) else { return };
    match KEEPING.encode(&ty, &value) {
        Ok(bytes) => {
            let Ok(decoded) = KEEPING.decode(&ty, &bytes) else { return };
            if decoded.lost.is_empty() {
                let again =
                    KEEPING.encode(&ty, &decoded.value).expect("the decoded value can be encoded");
                // JSON may set flag bits without a field; decoding does not return them.
                assert_eq!(again.len(), bytes.len());
                check(&KEEPING, &ty, &bytes);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn check(codec: &Codec, ty: &Ty, bytes: &[u8]) {
    match codec.decode(ty, bytes) {
        Ok(decoded) if decoded.lost.is_empty() => {
            let canonical =
                codec.encode(ty, &decoded.value).expect("the decoded value can be encoded");
            let again = codec.decode(ty, &canonical).expect("the encoded value can be decoded");
            assert_eq!(again, decoded);
            assert_eq!(codec.encode(ty, &again.value).as_deref(), Ok(&*canonical));
        }
        Ok(_) => {}
        Err(error) => {
            assert!(error.offset <= bytes.len().max(UNPACKED_MAX));
            assert!(!error.to_string().is_empty());
        }
    }
}

fn check_result(codec: &Codec, function: CombinatorIx, bytes: &[u8]) {
    let Ok(DecodedAnswer::Result(decoded)) = codec.decode_result(function, bytes) else { return };
    if decoded.lost.is_empty() {
        let canonical = codec
            .encode_result(function, &decoded.value)
            .expect("the decoded value can be encoded");
        let again =
            codec.decode_result(function, &canonical).expect("the encoded value can be decoded");
        assert_eq!(again, DecodedAnswer::Result(decoded));
    }
}

/// The committed schema: API and service messages.
pub(crate) static REFUSING: LazyLock<Codec> = LazyLock::new(|| {
    let parse = |text| parse_text("schema.tl", text, IdRule::Api).expect("the schema is valid");
    let schemas = [
        parse(include_str!("../../../schema/api.tl")),
        parse(include_str!("../../../schema/mtproto.tl")),
    ];
    let merged = merge(&schemas, OnConflict::Rename).expect("renaming resolves all conflicts");
    let model = Model::new(&merged).expect("the schema is valid");
    Codec::new(model).with_limits(Limits::new(Budget::DEFAULT, UNPACKED_MAX))
});

static KEEPING: LazyLock<Codec> = LazyLock::new(|| REFUSING.clone().with_unknown(Unknown::Keep));

static FUNCTIONS: LazyLock<Vec<CombinatorIx>> = LazyLock::new(|| {
    let all = REFUSING.model().combinators();
    all.filter(|(_, one)| one.section == Section::Functions).map(|(at, _)| at).collect()
});

/// Small, so that unpacking does not dominate the run time.
const UNPACKED_MAX: usize = 1 << 16;
