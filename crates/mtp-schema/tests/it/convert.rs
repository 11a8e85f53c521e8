//! Goal: JSON both ways, differences, and merging.
//! Method: the real schemas round trip; small schemas for each rule.

use mtp_schema::{
    diff::Diff,
    id::IdRule,
    json,
    merge::{OnConflict, merge},
    parse_text,
    tree::{Item, Schema},
};
use serde_json::Value;

fn file(name: &str) -> Schema {
    let path = format!("{}/../../schema/{name}", env!("CARGO_MANIFEST_DIR"));
    parse(&std::fs::read_to_string(path).unwrap())
}

fn parse(text: &str) -> Schema {
    parse_text("x.tl", text, IdRule::Api).unwrap_or_else(|report| panic!("{report}"))
}

// spec: tl 5
#[test]
fn real_schemas_survive_json() {
    for name in ["api.tl", "mtproto.tl"] {
        let schema = file(name);
        let value = json::to_json(&schema).unwrap();
        let back = json::from_json("x.json", &value.to_string()).unwrap();
        assert_eq!(Diff::new(&schema, &back).to_string(), "");
        assert!(back.constructors().eq(schema.constructors()), "{name}");
        assert!(back.functions().eq(schema.functions()), "{name}");
        assert_eq!(json::to_json(&back).unwrap(), value);
    }
}

/// No schema should have such fields, but none may be lost silently.
// spec: tl 5
#[test]
fn field_without_a_name_survives_json() {
    let schema = parse("photo#1 = A; a.b#2 flags:# photo x:int # [ y:int ] = B;");
    let value = json::to_json(&schema).unwrap();
    let names = |at: usize| value["constructors"][1]["params"][at]["name"].as_str();
    assert_eq!([names(0), names(1), names(2)], [Some("flags"), Some(""), Some("x")]);
    let back = json::from_json("x.json", &value.to_string()).unwrap();
    assert!(back.constructors().eq(schema.constructors()), "{value}");
}

#[test]
fn schema_does_not_differ_from_itself() {
    for text in
        ["a y:bytes y:int = A;", "a y:int y:int y:long = A;", "a 2 3 x:int = A;", "a int int = A;"]
    {
        let Ok(schema) = parse_text("x.tl", text, IdRule::Engine) else { continue };
        assert!(Diff::new(&schema, &schema).is_empty(), "{text}");
    }
    let (old, new) = (parse("a y:int y:long = A;"), parse("a y:int y:bytes = A;"));
    let diff = Diff::new(&old, &new);
    assert_eq!(diff.changed.len(), 1);
    assert_eq!(diff.changed[0].fields.len(), 1);
    assert_eq!(diff.changed[0].fields[0].name, "y (2)");
}

// spec: tl 5
#[test]
fn json_has_the_official_form() {
    let schema = parse(
        "vector#1cb5c415 {t:Type} # [ t ] = Vector t; int ? = Int; boolFalse#bc799737 = Bool;
         a#ffffffff flags:# x:flags.3?Vector<InputDocument> = A;
         ---functions---
         invokeAfterMsg#cb9f372d {X:Type} msg_id:long query:!X = X;",
    );
    let expected: Value = serde_json::from_str(
        r##"{ "constructors": [
                { "id": "481674261", "predicate": "vector", "params": [], "type": "Vector t" },
                { "id": "-1471112230", "predicate": "int", "params": [], "type": "Int" },
                { "id": "-1132882121", "predicate": "boolFalse", "params": [], "type": "Bool" },
                { "id": "-1", "predicate": "a", "params": [
                    { "name": "flags", "type": "#" },
                    { "name": "x", "type": "flags.3?Vector<InputDocument>" }], "type": "A" }],
              "methods": [
                { "id": "-878758099", "method": "invokeAfterMsg", "params": [
                    { "name": "msg_id", "type": "long" }, { "name": "query", "type": "!X" }],
                  "type": "X" }] }"##,
    )
    .unwrap();
    assert_eq!(json::to_json(&schema).unwrap(), expected);
    let back = json::from_json("x.json", &expected.to_string()).unwrap();
    assert_eq!(back.to_string().lines().count(), 6);
    assert!(back.to_string().contains("int#a8509bda ? = Int;"));
}

#[test]
fn declaration_without_json_form_is_refused() {
    let schema = parse(
        "vector#1 {t:Type} x:t = Vector t;
         box#2 {a:Type} x:a = Box a;
         good#3 x:int = Good;
         ---functions---
         pair#4 = Pair int Good;",
    );
    let findings = json::to_json(&schema).unwrap_err();
    let said: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["vector", "box", "pair"].map(|name| format!("`{name}` has no JSON form")));
}

#[test]
fn json_that_is_not_a_schema_is_refused() {
    let one = |entry: &str| format!(r#"{{"constructors":[{entry}]}}"#);
    for (text, message) in [
        ("[", "EOF while parsing"),
        (r#"{"constructors":1}"#, "constructors: no list"),
        (&one("1"), "constructors[0]: no object"),
        (&one("{}"), "`predicate` is no string"),
        (&one(r#"{"predicate":"a","type":"A"}"#), "`id` is missing"),
        (&one(r#"{"predicate":"a","type":"A","id":"4294967296"}"#), "no 32-bit number"),
        (&one(r#"{"predicate":"a = A; b","type":"A","id":"1"}"#), "which is not allowed there"),
        (
            &one(r#"{"predicate":"a","type":"A","id":1,"params":[{"name":"x","type":"int;"}]}"#),
            "which",
        ),
        (&one(r#"{"predicate":"a","type":"<","id":"1"}"#), "error[syntax]"),
    ] {
        let report = json::from_json("x.json", text).unwrap_err().to_string();
        assert!(report.contains(message), "{text}: {report}");
    }
}

// spec: tl 9.7
#[test]
fn differences_are_found_by_name() {
    let old =
        parse("// LAYER 1\ngone = A; same x:int = A; b#5 flags:# u:flags.0?true x:int y:int = B;");
    let new =
        parse("// LAYER 2\nsame x:int = A; b#5 flags:# v:flags.1?true y:long x:int = B; new = A;");
    let diff = Diff::new(&old, &new);
    assert_eq!(
        diff.to_string(),
        "\
- gone = A;
+ new = A;
~ b#00000005 (same id)
    - u:flags.0?true
    - y:int
    + y:long
    + v:flags.1?true
    the fields are in another order
"
    );
    assert!(diff.changed[0].is_silent() && diff.changed[0].reordered);
    let json = diff.to_json();
    assert_eq!(json["layers"], serde_json::json!([1, 2]));
    assert_eq!(json["changed"][0]["fields"].as_array().unwrap().len(), 3);
    let moved = Diff::new(&parse("f = A;"), &parse("f x:int = B;"));
    assert!(moved.to_string().starts_with("~ f#"));
    assert!(moved.to_string().contains("+ = B") && !moved.changed[0].is_silent());
    assert!(Diff::new(&old, &old).is_empty());
}

// spec: tl 12.4
#[test]
fn merge_unites_flags_and_reports_conflicts() {
    let first =
        parse("// LAYER 7\n// about a\na#1 f:# u:f.0?true x:int = A;\n---functions---\ng = A;");
    let second = parse("// LAYER 9\na#1 f:# v:f.1?true x:int = A;\nb = B;  // tail\n");
    let merged = merge(&[first.clone(), second], OnConflict::Refuse).unwrap();
    assert_eq!(
        merged.to_string(),
        "\
// LAYER 9

// about a
a#00000001 f:# u:f.0?true v:f.1?true x:int = A;
b#a17cf9ff = B;

---functions---

g#2c3ec9a0 = A;
"
        .replace("a17cf9ff", &format!("{:08x}", id(&merged, "b")))
        .replace("2c3ec9a0", &format!("{:08x}", id(&merged, "g")))
    );
    let third = parse("// LAYER 3\na#2 x:long = A;");
    let both = [first, third];
    let conflicts = merge(&both, OnConflict::Refuse).unwrap_err();
    assert!(conflicts[0].message.contains("`a` is already declared"));
    let kept = merge(&both, OnConflict::KeepFirst).unwrap();
    assert_eq!(kept.constructors().count(), 1);
    let renamed = merge(&both, OnConflict::Rename).unwrap();
    assert!(renamed.to_string().contains("a_layer3#00000002 x:long = A;"));
    let service = file("mtproto.tl");
    let schemas = [file("api.tl"), service];
    // Both declare a constructor `message`.
    let conflicts = merge(&schemas, OnConflict::Refuse).unwrap_err();
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    let all = merge(&schemas, OnConflict::Rename).unwrap();
    assert!(
        all.to_string().contains(
            "msg_container#73f1f8dc messages:vector<message_5bb8e511> = MessageContainer;"
        )
    );
    assert_eq!(mtp_schema::model::Model::new(&all).err(), None);
    assert!(!matches!(all.items.last(), Some(Item::Blank)));
}

fn id(schema: &Schema, name: &str) -> u32 {
    schema.declarations().find(|one| one.name.as_str() == name).unwrap().id(schema.rule)
}

#[test]
fn merged_schema_has_no_gaps_where_comments_were() {
    let schema = parse("a#1 = A;\n\n// LAYER 7\n\nb#2 = B;\n");
    let merged = merge(&[schema], OnConflict::Refuse).unwrap();
    assert_eq!(merged.to_string(), "// LAYER 7\n\na#00000001 = A;\n\nb#00000002 = B;\n");
}
