//! Goal: ids by both rules, and the exceptions of the protocol.
//! Method: all entries of `crc` and `crc_exceptions` in `vectors/tl.json`, and the real schemas.

use mtp_schema::{id::IdRule, parse_text, tree::Schema};
use serde_json::Value;

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn parse(text: &str, rule: IdRule) -> Schema {
    parse_text("x.tl", text, rule).unwrap_or_else(|report| panic!("{report}"))
}

// spec: tl 4, 4.1, 4.3
#[test]
fn id_vectors() {
    let vectors: Value = serde_json::from_str(&read("vectors/tl.json")).unwrap();
    let mut seen = 0;
    for entry in vectors["crc"].as_array().unwrap() {
        let text = |key: &str| entry[key].as_str().unwrap();
        let rule = match text("dialect") {
            "api" => IdRule::Api,
            "engine" => IdRule::Engine,
            other => panic!("{other}"),
        };
        let schema = parse(&format!("{};", text("declaration")), rule);
        let one = schema.declarations().next().unwrap();
        assert_eq!(rule.normalize(one), text("normalized"));
        assert_eq!(format!("{:08x}", one.id(rule)), text("id"), "{one}");
        seen += 1;
    }
    assert_eq!(seen, 35);
    let mut exceptions = 0;
    for entry in vectors["crc_exceptions"].as_array().unwrap() {
        let declaration = entry["declaration"].as_str().unwrap();
        let id = entry["id"].as_str().unwrap();
        let (name, rest) = declaration.split_once(' ').unwrap();
        let schema = parse(&format!("{name}#{id} {rest};"), IdRule::Api);
        let one = schema.declarations().next().unwrap();
        assert_ne!(IdRule::Api.compute(one), one.written_id.unwrap(), "{one}");
        assert_eq!(format!("{:08x}", one.id(IdRule::Api)), id);
        if entry["note"].as_str().unwrap().contains("engine") {
            assert_eq!(IdRule::Engine.compute(one), one.written_id.unwrap(), "{one}");
        }
        exceptions += 1;
    }
    assert_eq!(exceptions, 4);
}

// spec: tl 4.2
#[test]
fn ids_of_the_real_schemas_are_recomputed() {
    for (path, expected) in [
        ("schema/api.tl", &[][..]),
        ("schema/mtproto.tl", &["ipPortSecret", "accessPointRule", "help.configSimple"][..]),
    ] {
        let schema = parse(&read(path), IdRule::Api);
        let differing: Vec<_> = schema
            .declarations()
            .filter(|one| one.written_id.is_some_and(|id| id != IdRule::Api.compute(one)))
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(differing, expected, "{path}");
        assert!(schema.declarations().all(|one| one.written_id.is_some()));
    }
}
