//! Schema text: every input yields a schema or a report.

use mtp_schema::diagnostic::{Color, SchemaReport};
use mtp_schema::diff::Diff;
use mtp_schema::generate::Generator;
use mtp_schema::id::IdRule;
use mtp_schema::json::{from_json, to_json};
use mtp_schema::merge::{OnConflict, merge};
use mtp_schema::model::Model;
use mtp_schema::source::Sources;
use mtp_schema::tree::Schema;
use mtp_schema::{check, parse, parse_text, print};

use crate::input::Input;

/// Parses a schema: text → tree → text → tree agree, and so does the JSON form.
///
/// Input: the dialect, then the text.
pub fn schema_text(data: &[u8]) {
    let mut input = Input::new(data);
    let rule = input.pick(&RULES);
    let Ok(text) = core::str::from_utf8(input.rest()) else { return };
    let mut sources = Sources::new();
    let file = sources.add("fuzz.tl", text);
    let (schema, mut diagnostics) = parse(&sources, file, rule);
    let is_clean = diagnostics.is_empty();
    let checked = check(&schema);
    let is_sound = checked.is_empty();
    diagnostics.extend(checked);
    render(&SchemaReport::new(sources, diagnostics));
    let model = Model::new(&schema);
    let printed = print::schema(&schema);
    let sorted = print::sorted(&schema);
    if !is_clean {
        return;
    }
    let again = parsed(&printed, rule);
    assert_eq!(again, schema, "printed as\n{printed}");
    assert_eq!(print::schema(&again), printed);
    assert_eq!(print::sorted(&parsed(&sorted, rule)), sorted);
    assert_eq!(Model::new(&again).is_ok(), model.is_ok());
    let diff = Diff::new(&schema, &again);
    assert!(diff.is_empty(), "{diff}");
    if is_sound && model.is_ok() && rule == IdRule::Api {
        check_json(&schema);
    }
}

/// Parses the JSON form: JSON → tree → JSON agree.
pub fn schema_json(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    match from_json("fuzz.json", text) {
        Ok(schema) => {
            let printed = print::schema(&schema);
            let _ =
                (check(&schema), Model::new(&schema), parse_text("x.tl", &printed, schema.rule));
            check_json(&schema);
        }
        Err(report) => render(&report),
    }
}

/// Compares and merges two schemas.
///
/// Input: the dialect and the treatment of conflicts, then two texts separated by a byte 0xff.
pub fn schema_pair(data: &[u8]) {
    let mut input = Input::new(data);
    let rule = input.pick(&RULES);
    let on_conflict = input.pick(&[OnConflict::Refuse, OnConflict::KeepFirst, OnConflict::Rename]);
    let texts = input.rest();
    let border = texts.iter().position(|byte| *byte == 0xff).unwrap_or(texts.len());
    let (old, new) = (&texts[..border], texts.get(border + 1..).unwrap_or_default());
    let (Ok(old), Ok(new)) = (core::str::from_utf8(old), core::str::from_utf8(new)) else { return };
    let (Ok(old), Ok(new)) = (parse_text("old.tl", old, rule), parse_text("new.tl", new, rule))
    else {
        return;
    };
    let diff = Diff::new(&old, &new);
    let _ = (diff.render(Color::Never), diff.render(Color::Always), diff.to_json().to_string());
    assert_eq!(diff.is_empty(), Diff::new(&new, &old).is_empty(), "{diff}");
    let Ok(merged) = merge(&[old, new], on_conflict) else { return };
    let printed = print::schema(&merged);
    assert_eq!(print::schema(&parsed(&printed, rule)), printed);
}

/// Generates Rust code for a schema twice; the results are equal.
///
/// Input: the dialect, then the text.
pub fn schema_generate(data: &[u8]) {
    let mut input = Input::new(data);
    let rule = input.pick(&RULES);
    let Ok(text) = core::str::from_utf8(input.rest()) else { return };
    let generator = Generator::new().schema_text("fuzz.tl", text).rule(rule);
    match (generator.generate(), generator.generate()) {
        (Ok(one), Ok(other)) => assert_eq!(one, other),
        (Err(report), Err(_)) => render(&report),
        _ => panic!("two runs of the generator differ"),
    }
}

/// Checks that a schema survives a round trip through JSON, if it can be converted.
fn check_json(schema: &Schema) {
    let Ok(json) = to_json(schema) else { return };
    let again = from_json("fuzz.json", &json.to_string())
        .unwrap_or_else(|report| panic!("{report}\nof\n{json:#}"));
    let diff = Diff::new(schema, &again);
    assert!(diff.is_empty(), "{diff}");
    assert_eq!(to_json(&again), Ok(json));
}

fn parsed(text: &str, rule: IdRule) -> Schema {
    parse_text("printed.tl", text, rule).unwrap_or_else(|report| panic!("{report}\nof\n{text}"))
}

fn render(report: &SchemaReport) {
    let plain = report.render(Color::Never);
    assert!(!plain.contains('\u{1b}') || report.diagnostics.is_empty());
    assert!(report.render(Color::Always).len() >= plain.len());
}

const RULES: [IdRule; 2] = [IdRule::Api, IdRule::Engine];
