//! Goal: the dynamic codec agrees with all vectors, loses only unknown constructors, and respects its limits.
//! Method: the sections of `vectors/tl.json`, counted; small schemas for each rule.

use mtp_schema::{
    dynamic::{Codec, DecodedAnswer, DynamicDecodeErrorKind, Limits, Sampler, Unknown},
    id::IdRule,
    merge::{OnConflict, merge},
    model::{Model, Ty},
    parse_text,
    tree::{Schema, Section},
};
use mtp_tl::Budget;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn vectors(section: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(&read("vectors/tl.json")).unwrap();
    all[section].as_array().unwrap().clone()
}

fn parse(text: &str) -> Schema {
    parse_text("x.tl", text, IdRule::Api).unwrap_or_else(|report| panic!("{report}"))
}

fn codec(text: &str) -> Codec {
    Codec::new(Model::new(&parse(text)).unwrap())
}

fn api() -> Codec {
    codec(&read("schema/api.tl"))
}

/// A codec for the API and the service schema.
fn both() -> Codec {
    let schemas = [parse(&read("schema/api.tl")), parse(&read("schema/mtproto.tl"))];
    Codec::new(Model::new(&merge(&schemas, OnConflict::Rename).unwrap()).unwrap())
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Compares values, and numbers by value: `1e+300` equals `1e300`.
#[track_caller]
fn assert_same(found: &Value, expected: &Value) {
    fn same(a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Number(a), Value::Number(b)) => {
                a.as_f64().map(f64::to_bits) == b.as_f64().map(f64::to_bits)
            }
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
            }
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
            }
            (a, b) => a == b,
        }
    }
    assert!(same(found, expected), "found {found}\nexpected {expected}");
}

// spec: tl 6
#[test]
fn primitive_vectors() {
    let codec = api();
    let entries = vectors("primitives");
    for entry in &entries {
        let ty = codec.model().type_of(entry["type"].as_str().unwrap()).unwrap();
        let encoded = bytes(entry["hex"].as_str().unwrap());
        assert_same(&codec.decode(&ty, &encoded).unwrap().value, &entry["value"]);
        assert_eq!(codec.encode(&ty, &entry["value"]).unwrap(), encoded, "{entry}");
    }
    assert_eq!(entries.len(), 64);
}

// spec: tl 6.1
#[test]
fn filled_string_vectors() {
    let codec = api();
    let ty = codec.model().type_of("bytes").unwrap();
    let entries = vectors("filled_strings");
    for entry in &entries {
        let number = |key: &str| usize::try_from(entry[key].as_u64().unwrap()).unwrap();
        let value = json!(entry["fill"].as_str().unwrap().repeat(number("length")));
        let encoded = codec.encode(&ty, &value);
        if number("length") >= 1 << 24 {
            // The API does not use the form with a length of seven bytes.
            assert!(encoded.is_err());
            continue;
        }
        let encoded = encoded.unwrap();
        assert_eq!(encoded.len(), number("total"));
        assert_eq!(hex(&Sha256::digest(&encoded)), entry["sha256"].as_str().unwrap());
        assert!(
            hex(&encoded[..encoded.len().min(8)])
                .starts_with(entry["header_hex"].as_str().unwrap())
        );
        let header_len = entry["header_hex"].as_str().unwrap().len() / 2;
        assert_eq!(encoded.len(), header_len + number("length") + number("padding"));
        assert_eq!(codec.decode(&ty, &encoded).unwrap().value, value);
    }
    assert_eq!(entries.len(), 19);
}

// spec: tl 13
#[test]
fn object_vectors_round_trip() {
    let codec = api();
    let entries = vectors("objects");
    for entry in &entries {
        let ty = if entry["kind"] == "function" { Ty::Call } else { Ty::Object };
        let encoded = bytes(entry["hex"].as_str().unwrap());
        let decoded = codec.decode(&ty, &encoded).unwrap();
        assert_same(&decoded.value, &entry["value"]);
        assert_eq!(decoded.lost, []);
        assert_eq!(hex(&codec.encode(&ty, &entry["value"]).unwrap()), hex(&encoded));
        assert_eq!(codec.encode(&ty, &decoded.value).unwrap(), encoded);
    }
    assert_eq!(entries.len(), 230);
}

// spec: tl 8
#[test]
fn result_vectors_decode_by_the_function_that_was_called() {
    let codec = both();
    let entries = vectors("rpc_results");
    for entry in &entries {
        let encoded = bytes(entry["hex"].as_str().unwrap());
        let method = codec.model().find(Section::Functions, entry["method"].as_str().unwrap());
        let (id, answer) = codec.decode_rpc_result(&encoded, |_| method).unwrap();
        assert_eq!(id.to_string(), entry["req_msg_id"].as_str().unwrap());
        let expected = match entry["value"]["repeat"].as_u64() {
            Some(times) => {
                vec![entry["value"]["item"].clone(); usize::try_from(times).unwrap()].into()
            }
            None => entry["value"].clone(),
        };
        match answer {
            DecodedAnswer::Result(decoded) => {
                assert_same(&decoded.value, &expected);
                if entry.get("note").is_none() {
                    let again = codec.encode_result(method.unwrap(), &expected).unwrap();
                    assert_eq!(again, encoded[12..]);
                }
            }
            DecodedAnswer::Error { code, message } => {
                assert_eq!(json!({ "error_code": code, "error_message": message }), expected);
                assert_eq!(entry["result_type"], "rpc_error");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(entries.len(), 7);
}

// spec: tl 7
#[test]
fn malformed_vectors_are_refused_with_the_expected_class() {
    let codec = both();
    let entries = vectors("malformed");
    for entry in &entries {
        let ty = codec.model().type_of(entry["root"].as_str().unwrap()).unwrap();
        let encoded = match entry["build"].as_object() {
            Some(build) => {
                let times = usize::try_from(build["times"].as_u64().unwrap()).unwrap();
                let text = |key: &str| bytes(build[key].as_str().unwrap());
                [text("repeat_hex").repeat(times), text("tail_hex")].concat()
            }
            None => bytes(entry["hex"].as_str().unwrap()),
        };
        let class = match codec.decode(&ty, &encoded) {
            Ok(_) => "ok",
            Err(error) => {
                if let Some(expected) = entry["remaining"].as_u64() {
                    let remaining = usize::try_from(expected).unwrap();
                    assert_eq!(error.kind, DynamicDecodeErrorKind::TrailingBytes { remaining });
                }
                if let Some(expected) = entry["count"].as_i64() {
                    let length = i32::try_from(expected).unwrap();
                    assert_eq!(error.kind, DynamicDecodeErrorKind::InvalidLength { length });
                }
                error.kind.class()
            }
        };
        assert_eq!(class, entry["expect"].as_str().unwrap(), "{}", entry["name"]);
    }
    assert_eq!(entries.len(), 32);
}

// spec: tl 6.1
#[test]
fn lenient_vectors_are_accepted_and_encoded_canonically() {
    let codec = api();
    let entries = vectors("lenient");
    for entry in &entries {
        let ty = codec.model().type_of(entry["root"].as_str().unwrap()).unwrap();
        let value = codec.decode(&ty, &bytes(entry["hex"].as_str().unwrap())).unwrap().value;
        match entry["value_bytes"].as_str() {
            Some(expected) => assert_eq!(value, json!({ "$bytes": expected })),
            None => assert_same(&value, &entry["value"]),
        }
        let again = hex(&codec.encode(&ty, &value).unwrap());
        let canonical = entry["canonical_hex"].as_str();
        match canonical {
            Some(canonical) => assert_eq!(again, canonical),
            None if ty == codec.model().type_of("string").unwrap() => {
                assert_eq!(again, entry["hex"].as_str().unwrap());
            }
            None => assert_eq!(codec.decode(&ty, &bytes(&again)).unwrap().value, value),
        }
    }
    assert_eq!(entries.len(), 7);
}

// spec: tl 6.4
#[test]
fn unknown_constructor_affects_only_its_message() {
    let codec = both().with_unknown(Unknown::Keep);
    let container = json!({ "_": "msg_container", "messages": [
        { "_": "message_5bb8e511", "msg_id": "4", "seqno": 1, "bytes": 0,
          "body": { "$unknown": "deadbeef", "offset": 0, "bytes": "efbeadde01000000" } },
        { "_": "message_5bb8e511", "msg_id": "8", "seqno": 3, "bytes": 0,
          "body": { "_": "pong", "msg_id": "1", "ping_id": "2" } },
        { "_": "message_5bb8e511", "msg_id": "12", "seqno": 5, "bytes": 0,
          "body": { "_": "fn:ping", "ping_id": "2" } },
    ]});
    let encoded = codec.encode(&Ty::Object, &container).unwrap();
    let decoded = codec.decode(&Ty::Object, &encoded).unwrap();
    assert_eq!(decoded.lost.len(), 1);
    assert_eq!((decoded.lost[0].id, decoded.lost[0].offset), (0xdead_beef, 24));
    let messages = &decoded.value["messages"];
    assert_eq!(messages[0]["bytes"], 8);
    assert_eq!(messages[0]["body"]["bytes"], "efbeadde01000000");
    assert_eq!(messages[1]["body"]["ping_id"], "2");
    assert_eq!(messages[2]["body"]["_"], "fn:ping");
    assert_eq!(codec.encode(&Ty::Object, &decoded.value).unwrap(), encoded);
    // By default it is an error with its place.
    let error = both().decode(&Ty::Object, &encoded).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown constructor #deadbeef at byte 24 in msg_container.messages > [0] > message_5bb8e511.body"
    );
}

// spec: tl 7
#[test]
fn unknown_constructor_inside_a_value_ends_the_input() {
    let text = "a#a x:B y:int = A; b#b = B; c#c items:Vector<B> tail:int = C;";
    let keeping = codec(text).with_unknown(Unknown::Keep);
    let object = keeping.model().type_of("A").unwrap();
    let decoded = keeping.decode(&object, &bytes("0a000000efbeadde07000000")).unwrap();
    assert_eq!(
        decoded.value,
        json!({ "_": "a", "x": { "$unknown": "deadbeef", "offset": 4, "bytes": "efbeadde07000000" } })
    );
    let list = bytes("0c00000015c4b51c020000000b000000efbeadde");
    let decoded = keeping.decode(&Ty::Object, &list).unwrap();
    assert_eq!(decoded.value["items"].as_array().unwrap().len(), 2);
    assert_eq!(decoded.value.get("tail"), None);
    assert_eq!(decoded.lost[0].offset, 16);
    // A known but misplaced constructor is still an error.
    let error = keeping.decode(&object, &bytes("0a0000000a000000")).unwrap_err();
    assert_eq!(error.to_string(), "unexpected constructor #0000000a, expected B at byte 4 in a.x");
    // A kept constructor in a typed place cannot be encoded, because its end is unknown.
    assert!(keeping.encode(&object, &json!({ "_": "a", "x": { "$unknown": "1" } })).is_err());
}

// spec: tl 6.2
#[test]
fn fields_that_share_a_bit_are_required_together() {
    let codec =
        codec("a#a flags:# t:flags.0?true x:flags.0?int y:flags.0?bytes z:flags.31?true = A;");
    let encode = |value: Value| codec.encode(&Ty::Object, &value);
    let both = json!({ "_": "a", "x": 0, "y": "" });
    let encoded = encode(both).unwrap();
    assert_eq!(hex(&encoded), "0a000000010000000000000000000000");
    let decoded = codec.decode(&Ty::Object, &encoded).unwrap().value;
    assert_eq!(decoded, json!({ "_": "a", "t": true, "x": 0, "y": "" }));
    for (value, field) in [
        (json!({ "_": "a", "x": 0 }), "y"),
        (json!({ "_": "a", "y": "" }), "x"),
        (json!({ "_": "a", "t": true }), "x"),
    ] {
        let error = encode(value).unwrap_err().to_string();
        assert_eq!(error, format!("the field `{field}` is missing in a"));
    }
    assert_eq!(
        hex(&encode(json!({ "_": "a", "t": false, "z": true })).unwrap()),
        "0a00000000000080"
    );
}

#[test]
fn json_that_is_not_a_value_is_refused() {
    let codec = codec(
        "a#a x:int y:long z:B w:Vector<bytes> = A; b#b = B; c#c q:int128 f:double = C;
         ---functions---
         f#f {X:Type} query:!X = X;",
    );
    for (value, message) in [
        (json!({ "_": "a" }), "the field `x` is missing in a"),
        (json!({ "_": "a", "x": 1, "y": "1", "u": 1 }), "there is no field `u` in a"),
        (json!({ "_": "a", "x": "z" }), "expected int, found \"z\" in a.x"),
        (json!({ "_": "a", "x": 2_147_483_648_u32 }), "expected int, found 2147483648 in a.x"),
        (json!({ "_": "a", "x": 1, "y": 1.5 }), "expected long, found 1.5 in a.y"),
        (
            json!({ "_": "a", "x": 1, "y": 1, "z": { "_": "a" } }),
            "`a` is not a constructor of B in a.z",
        ),
        (json!({ "_": "a", "x": 1, "y": 1, "z": 3 }), "expected B, found 3 in a.z"),
        (
            json!({ "_": "a", "x": 1, "y": 1, "z": { "_": "b" }, "w": ["ab", "abc"] }),
            "expected bytes, found \"abc\" in a.w > [1]",
        ),
        (json!({ "_": "nothing" }), "the schema has no `nothing`"),
        (json!({ "_": "fn:f" }), "`f` is not a constructor of Object"),
        (json!([]), "expected Object, found a list"),
        (json!({ "_": "c", "q": "00", "f": 1 }), "expected int128, found \"00\" in c.q"),
    ] {
        let error = codec.encode(&Ty::Object, &value).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    let query = |inner: &str| json!({ "_": "fn:f", "query": { "_": inner } });
    assert!(codec.encode(&Ty::Call, &query("b")).is_err());
    let mut deep = json!({ "_": "fn:f", "query": {} });
    for _ in 0..200 {
        deep = json!({ "_": "fn:f", "query": deep });
    }
    let error = codec.encode(&Ty::Call, &deep).unwrap_err();
    assert!(error.to_string().starts_with("nested deeper than 128 levels"));
}

// spec: tl 7
#[test]
fn limits_hold_at_plus_minus_one() {
    let codec = codec("a#a x:Vector<A> = A; i#1 x:Vector<int> = I;");
    let nested = |depth: usize| {
        let mut all = bytes("0a00000015c4b51c01000000").repeat(depth - 1);
        all.extend(bytes("0a00000015c4b51c00000000"));
        all
    };
    assert!(codec.decode(&Ty::Object, &nested(128)).is_ok());
    let error = codec.decode(&Ty::Object, &nested(129)).unwrap_err();
    assert_eq!(error.kind, DynamicDecodeErrorKind::RecursionLimit { max: 128 });
    let with = |budget| codec.clone().with_limits(Limits::new(budget, 100));
    // Settings above the ceiling have no effect, so that none overflows the stack.
    let bottomless = with(Budget::DEFAULT.with_depth_max(u32::MAX));
    assert!(bottomless.decode(&Ty::Object, &nested(512)).is_ok());
    assert!(bottomless.decode(&Ty::Object, &nested(513)).is_err());
    let ints = [bytes("0100000015c4b51c03000000"), vec![0; 12]].concat();
    let three = with(Budget::DEFAULT.with_elements_max(3));
    assert!(three.decode(&Ty::Object, &ints).is_ok());
    let two = with(Budget::DEFAULT.with_elements_max(2));
    let error = two.decode(&Ty::Object, &ints).unwrap_err();
    assert_eq!(error.kind, DynamicDecodeErrorKind::ElementsLimit { max: 2 });
    let error = with(Budget::DEFAULT.with_bytes_max(300)).decode(&Ty::Object, &ints);
    assert_eq!(error.unwrap_err().kind, DynamicDecodeErrorKind::BytesLimit { max: 300 });
}

// spec: tl 6.3
#[test]
fn compressed_data_is_bounded_during_decompression() {
    use std::io::Write as _;
    let codec = codec("s#5 x:bytes = S;");
    let value = json!({ "_": "s", "x": "00".repeat(1000) });
    let plain = codec.encode(&Ty::Object, &value).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&plain).unwrap();
    let stream = encoder.finish().unwrap();
    let pack = |stream: &[u8]| {
        let mut out = bytes("a1cf7230");
        mtp_tl::Encode::encode(stream, &mut out);
        out
    };
    let limited = |max| codec.clone().with_limits(Limits::new(Budget::DEFAULT, max));
    let packed = pack(&stream);
    assert_eq!(limited(plain.len()).decode(&Ty::Object, &packed).unwrap().value, value);
    let error = limited(plain.len() - 1).decode(&Ty::Object, &packed).unwrap_err();
    assert_eq!(error.kind, DynamicDecodeErrorKind::DecompressionLimit { max: plain.len() - 1 });
    let junk_behind = pack(&[&stream[..], b"junk"].concat());
    let error = codec.decode(&Ty::Object, &junk_behind).unwrap_err();
    assert_eq!(error.kind, DynamicDecodeErrorKind::InvalidCompression);
}

/// Mutated vectors never panic, and an accepted value survives encoding.
// spec: tl 7
#[test]
fn mutated_objects_never_panic() {
    let codec = both().with_unknown(Unknown::Keep);
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut accepted = 0;
    for entry in vectors("objects") {
        let ty = if entry["kind"] == "function" { Ty::Call } else { Ty::Object };
        let original = bytes(entry["hex"].as_str().unwrap());
        for _ in 0..8 {
            let mut mutated = original.clone();
            for _ in 0..=random(2) {
                let at = random(mutated.len());
                mutated[at] ^= 1 << random(8);
            }
            mutated.truncate(mutated.len() - random(2) * random(mutated.len()));
            let Ok(decoded) = codec.decode(&ty, &mutated) else { continue };
            if decoded.lost.is_empty() {
                accepted += 1;
                let again = codec.encode(&ty, &decoded.value).unwrap();
                assert_eq!(codec.decode(&ty, &again).unwrap(), decoded);
            }
        }
    }
    assert!(accepted > 100, "{accepted}");
}

/// A random value of every constructor and function survives the codec unchanged.
// spec: tl 6
#[test]
fn sample_of_every_combinator_round_trips() {
    let codec = api();
    let sampler = Sampler::new(codec.model());
    let mut state = 1_u32;
    let mut choose = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((u64::from(state) * u64::from(below)) >> 32) as u32
    };
    let mut seen = 0;
    for (at, one) in codec.model().combinators() {
        let value = sampler.sample(at, &mut choose).unwrap();
        let ty = if one.section == Section::Functions { Ty::Call } else { Ty::Object };
        let encoded = codec.encode(&ty, &value).unwrap();
        assert_same(&codec.decode(&ty, &encoded).unwrap().value, &value);
        seen += 1;
    }
    // 2554 without `vector`, `boolTrue` and `boolFalse`.
    assert_eq!(seen, 2551);
}

/// A bomb costs memory in proportion to its length, or up to its limit.
// spec: tl 7
#[test]
fn bombs_stay_within_their_memory_limit() {
    let codec = both();
    let named = |name: &str| {
        let entry = vectors("malformed").into_iter().find(|entry| entry["name"] == name).unwrap();
        bytes(entry["hex"].as_str().unwrap())
    };
    let nested = [bytes("634744f715c4b51c01000000").repeat(100_000), bytes("687b6d3f")].concat();
    let zero_sized = bytes("15c4b51c00000040");
    let ty = |name: &str| codec.model().type_of(name).unwrap();
    let mib = 1_u64 << 20;
    for (name, ty, input, max, class) in [
        ("recursion", ty("JSONValue"), nested, mib, "recursion_limit"),
        ("count", ty("Vector<int>"), bytes("15c4b51cffffff7f"), 4096, "unexpected_eof"),
        ("items without bytes", ty("Vector<true>"), zero_sized, 4096, "invalid_length"),
        // Twice the limit, for a growing buffer.
        ("gzip", Ty::Object, named("gzip bomb, 64 MiB of zeroes"), 50 * mib, "decompression_limit"),
        ("gzip in gzip", Ty::Object, named("gzip_packed 50 deep"), mib, "recursion_limit"),
    ] {
        let mut found = "ok";
        let cost = allocation_counter::measure(|| {
            if let Err(error) = codec.decode(&ty, &input) {
                found = error.kind.class();
            }
        });
        assert_eq!(found, class, "{name}");
        assert!(cost.bytes_max <= max, "{name}: {} bytes", cost.bytes_max);
    }
}

// spec: tl 6.2
#[test]
fn flags_word_without_fields_is_implied() {
    let codec = codec("a#a flags:# x:int = A; ---functions--- f#f mode:# = A;");
    let plain = json!({ "_": "a", "x": 7 });
    let encoded = codec.encode(&Ty::Object, &plain).unwrap();
    assert_eq!(hex(&encoded), "0a0000000000000007000000");
    assert_eq!(codec.decode(&Ty::Object, &encoded).unwrap().value, plain);
    // Bits that no field explains are shown, so that nothing is lost.
    let odd = json!({ "_": "a", "flags": 2_147_483_649_u32, "x": 7 });
    let encoded = codec.encode(&Ty::Object, &odd).unwrap();
    assert_eq!(hex(&encoded), "0a0000000100008007000000");
    assert_eq!(codec.decode(&Ty::Object, &encoded).unwrap().value, odd);
    assert_eq!(hex(&codec.encode(&Ty::Call, &json!({ "_": "fn:f" })).unwrap()), "0f00000000000000");
}

// spec: tl 2.4
#[test]
fn boxed_built_in_values_have_the_id_of_their_declaration() {
    let codec = codec(
        "int128 4*[ int ] = Int128; a#5 v:Vector<Int128> w:Int = A; ---functions--- f#6 = Int32; g#7 = String;",
    );
    let value = json!({
        "_": "a",
        "v": [{ "_": "int128", "value": "01".repeat(16) }],
        "w": { "_": "int", "value": -1 },
    });
    let encoded = codec.encode(&Ty::Object, &value).unwrap();
    let ids = ["int128 4*[ int ] = Int128", "int ? = Int"]
        .map(|text| hex(&mtp_schema::id::crc32(text.as_bytes()).to_le_bytes()));
    assert_eq!(
        hex(&encoded),
        format!("0500000015c4b51c01000000{}{}{}ffffffff", ids[0], "01".repeat(16), ids[1])
    );
    assert_eq!(codec.decode(&Ty::Object, &encoded).unwrap().value, value);
    let answer = json!({ "_": "string", "value": "text" });
    let g = codec.model().find(Section::Functions, "g").unwrap();
    let encoded = codec.encode_result(g, &answer).unwrap();
    assert_eq!(hex(&encoded[..4]), hex(&mtp_schema::id::crc32(b"string ? = String").to_le_bytes()));
    assert_eq!(
        codec.decode_result(g, &encoded).unwrap(),
        DecodedAnswer::Result(codec.decode(&Ty::Object, &encoded).unwrap())
    );
}

#[test]
fn depth_is_limited_by_the_ceiling_whatever_the_budget() {
    let codec = codec("leaf#1 = Box; box#2 inside:Box = Box;");
    let ty = codec.model().type_of("Box").unwrap();
    for (budget, max) in [(10, 10), (Limits::DEPTH_CEILING + 5, Limits::DEPTH_CEILING)] {
        let mut limits = Limits::default();
        limits.budget.depth_max = budget;
        let codec = codec.clone().with_limits(limits);
        for (levels, is_accepted) in [(max - 1, true), (max, true), (max + 1, false)] {
            let boxes = usize::try_from(levels - 1).unwrap();
            let input = [2_u32.to_le_bytes().repeat(boxes), 1_u32.to_le_bytes().to_vec()].concat();
            let decoded = codec.decode(&ty, &input).map_err(|error| error.kind);
            let expected = if is_accepted {
                Ok(())
            } else {
                Err(DynamicDecodeErrorKind::RecursionLimit { max })
            };
            assert_eq!(decoded.map(|_| ()), expected, "{levels} of {max}");
        }
    }
}

/// Returns `gzip_packed` around a value.
fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, content).unwrap();
    let data = encoder.finish().unwrap();
    assert!(data.len() < 254);
    let mut bytes = bytes("a1cf7230");
    bytes.push(u8::try_from(data.len()).unwrap());
    bytes.extend(&data);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

#[test]
fn unpacked_length_is_limited() {
    let content = [1_u32.to_le_bytes(), [0; 4]].concat();
    let codec = codec("a#1 x:int = A; gzip_packed#3072cfa1 packed_data:string = Object;");
    for (max, is_accepted) in [(7, false), (8, true), (9, true)] {
        let codec = codec.clone().with_limits(Limits::new(Budget::default(), max));
        let decoded = codec.decode(&Ty::Object, &packed(&content)).map_err(|error| error.kind);
        let expected = if is_accepted {
            Ok(())
        } else {
            Err(DynamicDecodeErrorKind::DecompressionLimit { max })
        };
        assert_eq!(decoded.map(|_| ()), expected);
    }
}

#[test]
fn packed_objects_nest_once() {
    let content = [1_u32.to_le_bytes(), [0; 4]].concat();
    let codec = codec("a#1 x:int = A; gzip_packed#3072cfa1 packed_data:string = Object;");
    assert!(codec.decode(&Ty::Object, &content).is_ok());
    assert!(codec.decode(&Ty::Object, &packed(&content)).is_ok());
    let twice = codec.decode(&Ty::Object, &packed(&packed(&content)));
    assert_eq!(twice.unwrap_err().kind, DynamicDecodeErrorKind::RecursionLimit { max: 1 });
}
