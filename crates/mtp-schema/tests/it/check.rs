//! Goal: each check reports the right place, and the real schemas pass.
//! Method: one small schema for each code, with the expected span.

use mtp_schema::{
    check,
    diagnostic::{DiagnosticCode, Severity},
    id::IdRule,
    parse,
    source::Sources,
};

/// Returns the findings as `code: source text`, warnings in parentheses.
fn findings(text: &str, rule: IdRule) -> Vec<String> {
    let mut sources = Sources::new();
    let file = sources.add("x.tl", text);
    let (schema, errors) = parse(&sources, file, rule);
    assert_eq!(errors, [], "{text}");
    check(&schema)
        .iter()
        .map(|one| {
            let shown = format!("{}: {}", one.code, sources.snippet(one.span));
            if one.severity == Severity::Error { shown } else { format!("({shown})") }
        })
        .collect()
}

#[track_caller]
fn finds(text: &str, expected: &[&str]) {
    assert_eq!(findings(text, IdRule::Api), expected, "{text}");
}

// spec: tl 2.5
#[test]
fn misuse_is_reported_at_its_place() {
    finds("a = A; b x:A y:Vector<a> z:%A = B;", &[]);
    finds("a x:Bb = A;", &["(unknown-type: Bb)"]);
    finds("a x:bb = A;", &["unknown-type: bb"]);
    finds("a x:flags.0?int = A;", &["flags: flags.0"]);
    finds("a x:flags.0?int flags:# = A;", &["flags: flags.0"]);
    finds("a flags:int x:flags.0?int = A;", &["flags: flags.0"]);
    finds("a flags:# x:flags.31?int = A;", &[]);
    finds("a flags:# x:flags.32?int = A;", &["flags: flags.32"]);
    finds("a flags:# f2:flags.0?# x:f2.1?int = A;", &["unsupported: f2.1"]);
    finds("a x:true = A;", &["unconditional-true: x:true"]);
    assert_eq!(findings("a x:true = A;", IdRule::Engine), [""; 0]);
    finds("a x:int x:long = A;", &["duplicate-field: x:long"]);
    finds("a = A; a x:int = A;", &["duplicate-name: a"]);
    finds("a#1 = A; b#1 = A;", &["duplicate-id: b#1", "wrong-id: a#1", "wrong-id: b#1"]);
    finds("a = A; b = A; c x:%A = C;", &["bare-type: %A"]);
    finds("a x:a = A;", &["endless: a"]);
    finds("a x:b = A; b x:a = B;", &["endless: a"]);
    finds("a x:vector<a> flags:# y:flags.0?a = A;", &[]);
    finds("a = Object;", &[]);
    finds("a x:Type = A;", &["type-variable: Type"]);
    finds("a x:Vector = A;", &["syntax: Vector"]);
    finds("a x:Foo<int> = A;", &["unsupported: Foo<int>"]);
    finds("a x:Int = A;", &[]);
    finds("a x:4*[ int ] = A;", &["unsupported: 4*[ int ]"]);
    finds("a # [ int ] = A;", &["unsupported: #", "unsupported: [ int ]"]);
    finds("a {t:Type} x:t = A;", &["unsupported: t"]);
    finds("a = A t;", &["unsupported: A t"]);
    finds("a = a;", &["syntax: a"]);
    finds("_ = A;", &["unsupported: _"]);
    finds("foo ? = Foo;", &["unsupported: foo"]);
}

/// `Bool` is built in, but other declarations of its constructors are checked.
// spec: tl 2.4
#[test]
fn other_declarations_of_bool_are_refused() {
    finds("boolTrue = Bool; boolFalse = Bool;", &[]);
    finds("boolTrue x:int = Bool;", &["unsupported: Bool"]);
    finds(
        "a.b flags:# photo t:flags.0?int action:Missing = Bool;",
        &["unsupported: Bool", "unsupported: photo", "(unknown-type: Missing)"],
    );
}

// spec: tl 2.3
#[test]
fn wrapper_needs_a_type_variable_and_a_call() {
    finds("---functions--- f {X:Type} a:int query:!X = X;", &[]);
    finds("---functions--- f query:!X = X;", &["type-variable: query:!X", "(unknown-type: X)"]);
    finds("---functions--- f {X:Type} = X;", &["type-variable: X"]);
    finds("---functions--- f {X:Type} x:X = X;", &["type-variable: X", "type-variable: X"]);
    finds("---functions--- f {n:#} = Bool;", &["unsupported: n"]);
    finds(
        "---functions--- f {X:Type} flags:# q:flags.0?!X = Bool;",
        &["unsupported: q:flags.0?!X"],
    );
}

// spec: tl 4.2
#[test]
fn wrong_id_is_an_error_and_known_exception_a_warning() {
    // Published files have other results than those the ids were computed with, and `%Message` for `message`.
    finds(
        "gzip_packed#3072cfa1 packed_data:string = GzipPacked;",
        &["(wrong-id: gzip_packed#3072cfa1)"],
    );
    finds(
        "message#5bb8e511 msg_id:long seqno:int bytes:int body:Object = Message;
         msg_container#73f1f8dc messages:vector<%Message> = MessageContainer;",
        &["(wrong-id: msg_container#73f1f8dc)"],
    );
    finds(
        "gzip_packed#3072cfa1 packed_data:long = GzipPacked;",
        &["wrong-id: gzip_packed#3072cfa1"],
    );
    finds("boolFalse#bc799738 = Bool;", &["wrong-id: boolFalse#bc799738"]);
    finds("boolFalse#bc799737 = Bool;", &[]);
    finds(
        "ipPortSecret#37982646 ipv4:int port:int secret:bytes = IpPort;",
        &["(wrong-id: ipPortSecret#37982646)"],
    );
    // The local name of an older layer's constructor.
    finds(
        "decryptedMessageActionNoop23#a82fdd63 = DecryptedMessageAction;",
        &["(wrong-id: decryptedMessageActionNoop23#a82fdd63)"],
    );
    finds(
        "decryptedMessageActionNoop_layer23#a82fdd63 = DecryptedMessageAction;",
        &["(wrong-id: decryptedMessageActionNoop_layer23#a82fdd63)"],
    );
}

#[test]
fn real_schemas_pass() {
    for (name, warnings) in [("api.tl", 0), ("mtproto.tl", 7)] {
        let path = format!("{}/../../schema/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let found = findings(&text, IdRule::Api);
        assert!(found.iter().all(|one| one.starts_with('(')), "{found:#?}");
        assert_eq!(found.len(), warnings, "{found:#?}");
    }
    assert_eq!(DiagnosticCode::WrongId.as_str(), "wrong-id");
}
