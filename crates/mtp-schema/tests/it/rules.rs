//! Goal: the rule that computes ids belongs to the schema.
//! Method: one declaration whose id differs between the rules, in files that say or reveal their rule.

use mtp_schema::{
    check,
    diagnostic::DiagnosticCode,
    id::{IdRule, RuleSource},
    merge::{OnConflict, merge},
    parse_text, print,
    tree::Schema,
};

/// `bytes` is part of the id by the engine rule alone.
const QUERY: &str = "---functions---\ndemo.query data:bytes = Object;\n";
const BY_API: u32 = 0xdf8d_f78d;
const BY_ENGINE: u32 = 0xe942_1276;

fn parse(text: &str) -> Schema {
    parse_text("x.tl", text, None).unwrap_or_else(|report| panic!("{report}"))
}

#[track_caller]
fn chooses(text: &str, source: RuleSource, rule: IdRule, id: u32) {
    let schema = parse(text);
    assert_eq!((schema.rule_source, schema.rule), (source, rule), "{text}");
    assert_eq!(schema.functions().next().unwrap().id(schema.rule), id, "{text}");
    // What is printed has the same rule, in both orders.
    for printed in [print::schema(&schema), print::sorted(&schema)] {
        let again = parse(&printed);
        assert_eq!((again.rule_source, again.rule), (source, rule), "{printed}");
    }
}

// spec: tl 4.3
#[test]
fn header_chooses_the_rule() {
    for header in ["// RULE engine", "//rule: ENGINE", "// LAYER 7\n// RULE engine"] {
        chooses(&format!("{header}\n{QUERY}"), RuleSource::Header, IdRule::Engine, BY_ENGINE);
    }
    let ton = "// RULE api\nobject ? = Object;\n";
    chooses(&format!("{ton}{QUERY}"), RuleSource::Header, IdRule::Api, BY_API);
    for no_header in ["// RULE engines", "// RULE", "a = A; // RULE engine", "// The RULE engine"] {
        chooses(&format!("{no_header}\n{QUERY}"), RuleSource::Default, IdRule::Api, BY_API);
    }
}

// spec: tl 4.3
#[test]
fn given_rule_takes_precedence_over_the_header() {
    let text = format!("// RULE engine\n{QUERY}");
    let schema = parse_text("x.tl", &text, IdRule::Api).unwrap();
    assert_eq!((schema.rule_source, schema.rule), (RuleSource::Given, IdRule::Api));
}

// spec: tl 4.3
#[test]
fn written_ids_and_built_in_types_reveal_the_rule() {
    for text in [
        // The id of `liteServer.query`, which only the engine rule gives.
        "---functions---\ndemo.query data:bytes = Object; liteServer.query#798c06df data:bytes = Object;\n",
        "object ? = Object;\n---functions---\ndemo.query data:bytes = Object;\n",
        "int53 = Int53;\n---functions---\ndemo.query data:bytes = Object;\n",
    ] {
        chooses(text, RuleSource::Detected, IdRule::Engine, BY_ENGINE);
    }
    let api = "resPQ#05162463 nonce:int128 server_nonce:int128 pq:bytes server_public_key_fingerprints:Vector<long> = ResPQ;
        object ? = Object;\n---functions---\ndemo.query data:bytes = Object;\n";
    chooses(api, RuleSource::Detected, IdRule::Api, BY_API);
}

// spec: tl 4.3
#[test]
fn id_that_depends_on_an_unknown_rule_is_a_warning() {
    let found = |text: &str| {
        let findings = check(&parse(text));
        findings
            .into_iter()
            .filter(|one| one.code == DiagnosticCode::AmbiguousRule)
            .collect::<Vec<_>>()
    };
    let warnings = found(QUERY);
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        warnings[0].message,
        format!(
            "`demo.query` has the id {BY_API:08x} by the API rule, {BY_ENGINE:08x} by the engine rule"
        )
    );
    assert!(found(&format!("// RULE api\n{QUERY}")).is_empty());
    assert!(found("a x:int = A;").is_empty());
    assert!(found("a#1 x:bytes = A;").is_empty());
}

// spec: tl 12.4
#[test]
fn merged_schema_keeps_the_ids_of_each_rule() {
    let engine = parse(&format!("// RULE engine\n{QUERY}"));
    let api = parse("---functions---\nother data:bytes = Object;\n");
    let merged = merge(&[engine, api.clone()], OnConflict::Refuse).unwrap();
    assert!(merged.to_string().contains(&format!("demo.query#{BY_ENGINE:08x}")), "{merged}");
    let id = api.functions().next().unwrap().id(IdRule::Api);
    assert!(merged.to_string().contains(&format!("other#{id:08x}")), "{merged}");
    assert_eq!(parse(&merged.to_string()).rule, IdRule::Engine);
}

// spec: tl 4.2
#[test]
fn allowed_difference_is_a_warning() {
    let errors = |text: &str| {
        let findings = check(&parse(text));
        findings
            .iter()
            .filter(|one| one.severity == mtp_schema::diagnostic::Severity::Error)
            .count()
    };
    let wrong = "a#1 = A; b#2 = B;";
    assert_eq!(errors(wrong), 2);
    assert_eq!(errors(&format!("// ALLOW wrong-id:a\n{wrong}")), 1);
    assert_eq!(errors(&format!("// ALLOW wrong-id\n{wrong}")), 0);
    assert_eq!(errors(&format!("// ALLOW flags\n{wrong}")), 2);
    assert!("no-such-finding".parse::<mtp_schema::diagnostic::Allowance>().is_err());
}
