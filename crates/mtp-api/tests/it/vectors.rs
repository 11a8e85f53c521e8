//! Goal: the generated types agree with the vectors of `vectors/tl.json`, which independent programs wrote.

use std::io::Read;

use mtp_api::{REGISTRY, functions, types};
use mtp_tl::registry::Kind;
use mtp_tl::{
    Budget, Constructor, Decode, DecodeError, DecodeErrorKind, Decoder, Encode, Function, Rest,
    TlStr, tl_struct,
};
use serde_json::Value;

tl_struct! {
    /// The answer to a call, around what the function declares.
    struct RpcResult<'a> = "rpc_result" # 0xf35c_6d01 {
        /// The message id of the call.
        req_msg_id: i64,
        /// The result or an error, possibly compressed.
        result: Rest<'a>,
    }
}

tl_struct! {
    /// The error of a call.
    struct RpcError<'a> = "rpc_error" # 0x2144_ca19 {
        /// The code.
        error_code: i32,
        /// The name.
        error_message: TlStr<'a>,
    }
}

fn section(name: &str) -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/tl.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    file[name].as_array().unwrap().clone()
}

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

// spec: tl 6
#[test]
fn every_object_decodes_canonically_and_encodes_to_the_same_bytes() {
    let entries = section("objects");
    let mut functions = 0;
    for entry in &entries {
        let (name, bytes) = (entry["name"].as_str().unwrap(), unhex(&entry["hex"]));
        let mut d = Decoder::new(&bytes).canonical();
        let known = REGISTRY.find(d.peek_id().unwrap()).unwrap();
        assert_eq!(known.name, name);
        assert_eq!(format!("{:08x}", known.id.get()), entry["id"].as_str().unwrap());
        let is_function = entry["kind"].as_str().unwrap() != "constructor";
        assert_eq!(known.kind, if is_function { Kind::Function } else { Kind::Constructor });
        functions += usize::from(is_function);
        let mut again = Vec::new();
        known.transcode(&mut d, &mut again).unwrap_or_else(|error| panic!("{name}: {error}"));
        d.finish().unwrap();
        assert_eq!(again, bytes, "{name}");
    }
    assert_eq!((entries.len(), functions), (230, FUNCTIONS));
}

/// Decodes the result of a call of `F` in an `rpc_result`.
fn result<F: Function>(outer: &RpcResult<'_>, check: impl Fn(&F::Answer)) {
    check(&F::decode_answer(&unpack(outer.result.as_bytes())).unwrap());
}

/// Unpacks `gzip_packed`.
fn unpack(bytes: &[u8]) -> Vec<u8> {
    let mut d = Decoder::new(bytes);
    if d.peek_id().unwrap().get() != 0x3072_cfa1 {
        return bytes.to_vec();
    }
    d.id().unwrap();
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(d.string().unwrap()).read_to_end(&mut unpacked).unwrap();
    unpacked
}

// spec: tl 8
#[test]
fn every_result_decodes_by_the_function_that_was_called() {
    let entries = section("rpc_results");
    for entry in &entries {
        let bytes = unhex(&entry["hex"]);
        let outer = RpcResult::from_bytes(&bytes).unwrap();
        assert_eq!(outer.req_msg_id.to_string(), entry["req_msg_id"].as_str().unwrap());
        let value = &entry["value"];
        match entry["method"].as_str().unwrap() {
            "contacts.getContactIDs" => {
                result::<functions::contacts::GetContactIDs>(&outer, |ids| {
                    assert_eq!(serde_json::json!(ids), *value);
                });
            }
            "messages.receivedQueue" => {
                result::<functions::messages::ReceivedQueue>(&outer, |ids| {
                    let ids: Vec<_> = ids.iter().map(i64::to_string).collect();
                    assert_eq!(serde_json::json!(ids), *value);
                });
            }
            "account.updateStatus" => {
                result::<functions::account::UpdateStatus>(&outer, |done| {
                    assert_eq!(serde_json::json!(done), *value);
                });
            }
            "users.getUsers" => {
                let count = value["repeat"].as_u64().unwrap_or(2);
                result::<functions::users::GetUsers>(&outer, |users| {
                    assert_eq!(users.len() as u64, count);
                    for user in users {
                        assert!(matches!(user, types::User::Empty(empty) if empty.id == 42));
                    }
                });
            }
            "any" => {
                let error = RpcError::from_bytes(outer.result.as_bytes()).unwrap();
                assert_eq!(i64::from(error.error_code), value["error_code"].as_i64().unwrap());
                assert_eq!(error.error_message, value["error_message"].as_str().unwrap());
            }
            other => panic!("no test for {other}"),
        }
        assert_eq!(outer.to_bytes(), bytes);
    }
    assert_eq!(entries.len(), 7);
}

fn decode(root: &str, bytes: &[u8]) -> Result<(), DecodeError> {
    match root {
        "Object" => {
            let mut d = Decoder::new(bytes);
            REGISTRY.transcode(&mut d, &mut Vec::new()).and_then(|()| d.finish())
        }
        "InputPeer" => types::InputPeer::from_bytes(bytes).map(|_| ()),
        "JSONValue" => types::JSONValue::from_bytes(bytes).map(|_| ()),
        "MessageViews" => types::MessageViews::from_bytes(bytes).map(|_| ()),
        other => panic!("no test for {other}"),
    }
}

// `mtp-schema` tests compressed objects, `mtp-tl` primitives.
// spec: tl 7
#[test]
fn malformed_bytes_are_refused_with_the_expected_error() {
    let mut seen = 0;
    for entry in section("malformed") {
        let (name, root) = (entry["name"].as_str().unwrap(), entry["root"].as_str().unwrap());
        let is_primitive = matches!(root, "Bool" | "string" | "Vector<int>" | "vector<int>");
        if is_primitive || name.starts_with("gzip") {
            continue;
        }
        seen += 1;
        let bytes = match entry.get("build") {
            None => unhex(&entry["hex"]),
            Some(build) => {
                let times = usize::try_from(build["times"].as_u64().unwrap()).unwrap();
                [unhex(&build["repeat_hex"]).repeat(times), unhex(&build["tail_hex"])].concat()
            }
        };
        let class = match decode(root, &bytes).map_err(|error| error.kind()) {
            Ok(()) => "ok",
            Err(DecodeErrorKind::UnexpectedEof { .. }) => "unexpected_eof",
            Err(DecodeErrorKind::UnknownConstructor { id }) => {
                assert_eq!(format!("{:08x}", id.get()), entry["constructor"].as_str().unwrap());
                "unknown_constructor"
            }
            Err(DecodeErrorKind::UnexpectedConstructor { .. }) => "unexpected_constructor",
            Err(DecodeErrorKind::TrailingBytes { remaining }) => {
                assert_eq!(remaining as u64, entry["remaining"].as_u64().unwrap());
                "trailing_bytes"
            }
            Err(DecodeErrorKind::RecursionLimit { max }) => {
                assert_eq!(max, Budget::DEFAULT.depth_max);
                "recursion_limit"
            }
            Err(other) => panic!("{name}: {other}"),
        };
        assert_eq!(class, entry["expect"].as_str().unwrap(), "{name}");
    }
    assert_eq!(seen, 13);
}

// spec: tl 6.2
#[test]
fn unknown_flag_bits_are_dropped() {
    let entries = section("lenient");
    let entry = entries.iter().find(|entry| entry["root"] == "MessageViews").unwrap();
    let bytes = unhex(&entry["hex"]);
    let views = types::MessageViews::from_bytes(&bytes).unwrap();
    assert_eq!(views, types::MessageViews::new());
    assert_eq!(views.to_bytes(), [&types::MessageViews::ID.to_bytes()[..], &[0; 4]].concat());
}

/// How many of the objects are functions.
const FUNCTIONS: usize = 48;
