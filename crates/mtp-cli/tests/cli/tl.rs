//! `mtp tl`.

use serde_json::{Value, json};

use crate::program::{Folder, mtp, run, run_with_input};

#[track_caller]
fn decoded(arguments: &[&str]) -> Value {
    let out = run(["tl", "decode"].iter().chain(arguments)).success();
    serde_json::from_str(&out).unwrap()
}

#[test]
fn bytes_are_accepted_in_every_notation() {
    let call = json!({ "_": "fn:help.getConfig" });
    for text in ["6b18f9c4", "0x6B18F9C4", "6b18 f9c4", "axj5xA==", "axj5xA"] {
        assert_eq!(decoded(&[text]), call, "{text}");
    }
    let folder = Folder::new("tl");
    let file = folder.write("call.bin", [0x6b, 0x18, 0xf9, 0xc4]);
    assert_eq!(decoded(&["--file", &file]), call);
    let piped = run_with_input(["tl", "decode", "--file", "-"], &[0x6b, 0x18, 0xf9, 0xc4]);
    assert_eq!(serde_json::from_str::<Value>(&piped.success()).unwrap(), call);
}

#[test]
fn type_or_method_selects_the_meaning_of_bytes() {
    assert_eq!(decoded(&["--type", "Vector<int>", "15c4b51c010000002a000000"]), json!([42]));
    assert_eq!(decoded(&["--type", "long", "ffffffffffffffff"]), json!("-1"));
    let nearest = json!({ "_": "nearestDc", "country": "ZZ", "this_dc": 2, "nearest_dc": 2 });
    let result = "75171a8e025a5a000200000002000000";
    assert_eq!(decoded(&["--method", "help.getNearestDc", result]), nearest);
    let error = run(["tl", "encode", r#"{"_":"rpc_error","error_code":420,"error_message":"X"}"#]);
    let error = decoded(&["--method", "help.getNearestDc", error.success().trim()]);
    assert_eq!(error["error_code"], 420);
}

#[test]
fn encoded_value_decodes_to_the_same() {
    let values = [
        json!({ "_": "inputPeerUser", "user_id": "1", "access_hash": "-2" }),
        json!({ "_": "fn:users.getUsers", "id": [{ "_": "inputUserSelf" }] }),
        json!({ "_": "msg_container", "messages": [{
            "_": "message_5bb8e511", "msg_id": "4", "seqno": 1, "bytes": 12,
            "body": { "_": "pong", "msg_id": "5", "ping_id": "6" },
        }] }),
    ];
    for value in values {
        for to in ["hex", "base64"] {
            let bytes = run(["tl", "encode", "--to", to, &value.to_string()]).success();
            assert_eq!(decoded(&[bytes.trim()])["_"], value["_"]);
        }
    }
    let raw = mtp(["tl", "encode", "--to", "raw", r#"{"_":"fn:help.getConfig"}"#]);
    let raw = { raw }.output().unwrap();
    assert_eq!(raw.stdout, [0x6b, 0x18, 0xf9, 0xc4]);
}

#[test]
fn schema_option_replaces_the_built_in_schemas() {
    let folder = Folder::new("own");
    let schema = folder.write("own.tl", "a#01020304 x:int = T;\n");
    let bytes = "0403020107000000";
    assert_eq!(decoded(&["--schema", &schema, bytes]), json!({ "_": "a", "x": 7 }));
    let unknown = run(["tl", "decode", bytes]);
    assert!(unknown.stderr.contains("the schema has no #01020304"), "{}", unknown.stderr);
    assert!(unknown.success().contains("$unknown"));
}

#[test]
fn error_is_one_line_with_the_place() {
    let cut = ["tl", "decode", "--method", "help.getNearestDc", "75171a8e025a5a00"];
    let error = run(cut).failure(1);
    assert!(error.contains("byte 8 in nearestDc.this_dc"), "{error}");
    assert!(run(["tl", "decode", "xyz!"]).failure(1).contains("neither hexadecimal"));
    assert!(run(["tl", "decode", "--type", "Foo", "00"]).failure(1).contains("Foo"));
    assert!(run(["tl", "decode", "--method", "no.such", "00"]).failure(1).contains("no.such"));
    assert!(run(["tl", "encode", "{"]).failure(1).contains("not JSON"));
    assert!(run(["tl", "encode", r#"{"_":"inputPeerUser"}"#]).failure(1).contains("user_id"));
    assert_eq!(run(["tl", "decode"]).code, 2);
}

#[test]
fn ids_follow_the_rule_of_the_schema() {
    let folder = Folder::new("tl-rule");
    let query = "---functions---\ndemo.query data:bytes = Object;\n";
    let file = folder.write("query.tl", query);
    let value = r#"{"_":"fn:demo.query","data":""}"#;
    let encode = ["tl", "encode", "--schema", &file, value];
    let by_default = run(encode);
    assert!(by_default.stderr.contains("warning[ambiguous-rule]"), "{}", by_default.stderr);
    assert_eq!(by_default.success(), "8df78ddf00000000\n");
    let by_option = run(encode.iter().chain(&["--rule", "engine"]));
    assert_eq!(by_option.stderr, "");
    assert_eq!(by_option.success(), "761242e900000000\n");
    let header = folder.write("header.tl", format!("// RULE engine\n{query}"));
    let by_header = run(["tl", "encode", "--schema", &header, value]);
    assert_eq!(by_header.success(), "761242e900000000\n");
    let decoded = decoded(&["--schema", &header, "761242e900000000"]);
    assert_eq!(decoded, json!({ "_": "fn:demo.query", "data": "" }));
}

#[test]
fn flags_word_without_fields_is_implied() {
    let folder = Folder::new("tl-flags");
    let file = folder.write("flags.tl", "a#01020304 flags:# x:int = T;\n");
    let value = r#"{"_":"a","x":7}"#;
    let bytes = run(["tl", "encode", "--schema", &file, value]).success();
    assert_eq!(bytes, "040302010000000007000000\n");
    assert_eq!(decoded(&["--schema", &file, bytes.trim()]), json!({ "_": "a", "x": 7 }));
    let odd = decoded(&["--schema", &file, "040302010200000007000000"]);
    assert_eq!(odd, json!({ "_": "a", "flags": 2, "x": 7 }));
}
