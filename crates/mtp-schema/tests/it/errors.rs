//! Errors print their details and have no source, so that a report shows each cause once.

use core::error::Error;

use mtp_schema::{
    diagnostic::{Allowance, AllowanceError, Diagnostic, SchemaReport},
    dynamic::{Codec, DynamicDecodeError, DynamicEncodeError},
    id::IdRule,
    model::{Model, Ty},
    parse_text,
};
use serde_json::json;

#[track_caller]
fn check<E: Error>(error: &E, expected: &str) {
    assert_eq!(error.to_string(), expected);
    assert!(error.source().is_none(), "{error}");
}

fn codec() -> Codec {
    let schema = parse_text("x.tl", "a#1 x:int = A;", IdRule::Api).unwrap();
    Codec::new(Model::new(&schema).unwrap())
}

#[test]
fn report_prints_its_findings_with_their_places() {
    let report: SchemaReport = parse_text("x.tl", "a", IdRule::Api).unwrap_err();
    let message = "expected `=` and a result type, found the end of the file";
    let finding: &Diagnostic = &report.diagnostics[0];
    check(finding, message);
    let shown = format!(
        "error[syntax]: {message}\n --> x.tl:1:2\n  |\n1 | a\n  |  ^\n\n1 error, 0 warnings"
    );
    check(&report, &shown);
}

#[test]
fn allowance_error_names_the_unknown_finding() {
    let error: AllowanceError = "odd:a".parse::<Allowance>().unwrap_err();
    check(&error, "unknown finding `odd`; an example is `wrong-id`");
}

#[test]
fn codec_errors_print_kind_and_place() {
    let error: DynamicDecodeError = codec().decode(&Ty::Object, &[1, 0, 0, 0]).unwrap_err();
    check(&error, "unexpected end of input: 4 bytes needed, 0 available at byte 4 in a.x");
    let error: DynamicEncodeError = codec().encode(&Ty::Object, &json!({ "_": "a" })).unwrap_err();
    check(&error, "the field `x` is missing in a");
}
