//! `mtp schema`.

use std::fs;

use serde_json::Value;

use crate::program::{Folder, repository, run, run_with_input};

const SMALL: &str = "// LAYER 7\na#01020304 x:int = T;\n---functions---\nf y:flags.0?int = T;\n";

#[test]
fn built_in_schemas_pass_the_check() {
    let files = [repository("schema/api.tl"), repository("schema/mtproto.tl")];
    let finished = run(["schema", "check", &files[0], &files[1]]);
    assert!(finished.stderr.ends_with("0 errors, 7 warnings\n"), "{}", finished.stderr);
    let lines = finished.success();
    assert!(lines.contains("api.tl: layer 230, 1704 constructors, 850 functions"), "{lines}");
    assert!(run(["schema", "fmt", "--check", &files[0]]).success().is_empty());
}

#[test]
fn errors_are_shown_at_their_place() {
    let finished = run_with_input(["schema", "check", "-"], SMALL.as_bytes());
    let shown = &finished.stderr;
    assert!(shown.contains("error[wrong-id]: the id of `a` should be"), "{shown}");
    assert!(shown.contains(" --> -:2:1\n"), "{shown}");
    assert!(shown.contains("2 | a#01020304 x:int = T;\n  | ^^^^^^^^^^\n"), "{shown}");
    assert!(shown.contains("error[flags]") && shown.contains("-:4:"), "{shown}");
    assert_eq!(finished.failure(1), "error: a schema has errors");
}

#[test]
fn canonical_form_is_printed_checked_and_written() {
    let folder = Folder::new("fmt");
    let file = folder.write("a.tl", "a   x:int=T ;  // why\n");
    let refused = run(["schema", "fmt", "--check", &file]).failure(1);
    assert!(refused.contains("mtp schema fmt --write"), "{refused}");
    let printed = run(["schema", "fmt", &file]).success();
    assert_eq!(printed, "a x:int = T;  // why\n");
    assert!(run(["schema", "fmt", "--write", &file]).success().is_empty());
    assert_eq!(fs::read_to_string(&file).unwrap(), printed);
    assert!(run(["schema", "fmt", "--check", &file]).success().is_empty());
    assert_eq!(run(["schema", "fmt", "--sorted", &file]).success(), "a x:int = T;\n");
}

#[test]
fn json_form_round_trips() {
    let folder = Folder::new("json");
    let api = repository("schema/mtproto.tl");
    let json = run(["schema", "json", &api]).success();
    let value: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["constructors"].as_array().unwrap().len(), 63);
    let file = folder.write("service.json", &json);
    let text = run(["schema", "json", &file]).success();
    let back = folder.write("service.tl", &text);
    assert_eq!(run(["schema", "json", &back]).success(), json);
    let broken = folder.write("broken.json", "{\"constructors\": 1}");
    assert_eq!(run(["schema", "json", &broken]).failure(1), "error: the schema cannot be used");
}

#[test]
fn differences_are_printed_as_text_and_json() {
    let folder = Folder::new("diff");
    let old = folder.write("old.tl", "a x:int = T;\nb = T;\n");
    let new = folder.write("new.tl", "a x:long = T;\nc = T;\n");
    let told = run(["schema", "diff", &old, &new]).success();
    for line in ["- b = T;", "+ c = T;", "~ a#", "    - x:int", "    + x:long"] {
        assert!(told.lines().any(|found| found.starts_with(line)), "{line} in {told}");
    }
    assert!(run(["schema", "diff", "--exit-code", &old, &old]).success().is_empty());
    assert_eq!(
        run(["schema", "diff", "--exit-code", &old, &new]).failure(1),
        "error: the schemas differ"
    );
    let json = run(["schema", "diff", "--json", &old, &new]).success();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["changed"][0]["fields"][0]["type"], serde_json::json!(["int", "long"]));
}

#[test]
fn code_is_generated_for_the_selected_functions() {
    let folder = Folder::new("gen");
    let api = repository("schema/api.tl");
    let out = folder.path("api.rs");
    let printed = run(["schema", "gen", "--only", "help.getConfig", &api]).success();
    assert!(printed.contains("pub struct GetConfig") && !printed.contains("PaymentForm"));
    run(["schema", "gen", "--only", "help.getConfig", "--out", &out, &api]).success();
    assert_eq!(fs::read_to_string(&out).unwrap().trim_end(), printed.trim_end());
    run(["schema", "gen", "--only", "help.noSuchThing", &api]).failure(1);
}

#[test]
fn conflicting_schemas_are_refused_or_merged() {
    let folder = Folder::new("merge");
    let one = folder.write("one.tl", "a x:int = T;\n");
    let other = folder.write("other.tl", "a x:long = T;\nb = T;\n");
    let refused = run(["schema", "merge", &one, &other]);
    assert!(refused.stderr.contains(&format!("{other}:1:1")), "{}", refused.stderr);
    refused.failure(1);
    let kept = run(["schema", "merge", "--on-conflict", "keep-first", &one, &other]).success();
    assert!(kept.contains("x:int") && !kept.contains("x:long") && kept.contains("b#"), "{kept}");
}

const ENGINE: &str = "---functions---\ndemo.query data:bytes = Object;\n";

#[test]
fn id_that_depends_on_the_rule_is_reported_unless_a_rule_is_chosen() {
    let folder = Folder::new("rule");
    let file = folder.write("engine.tl", ENGINE);
    let finished = run(["schema", "check", &file]);
    assert!(finished.stderr.contains("warning[ambiguous-rule]"), "{}", finished.stderr);
    finished.success();
    assert_eq!(run(["schema", "check", "--rule", "engine", &file]).stderr, "");
    let header = folder.write("header.tl", format!("// RULE engine\n{ENGINE}"));
    assert_eq!(run(["schema", "check", &header]).stderr, "");
    let json = run(["schema", "json", &header]).success();
    assert!(json.contains(&0xe942_1276_u32.cast_signed().to_string()), "{json}");
}

#[test]
fn known_difference_is_allowed_by_an_option() {
    let wrong = "a#00000001 = A;\nb#00000002 = B;\n";
    let check = |allow: &[&str]| {
        let arguments = ["schema", "check", "-"].iter().chain(allow);
        run_with_input(arguments, wrong.as_bytes())
    };
    check(&[]).failure(1);
    check(&["--allow", "wrong-id:a"]).failure(1);
    check(&["--allow", "wrong-id:a,wrong-id:b"]).success();
    let finished = check(&["--allow", "wrong-id"]);
    assert!(finished.stderr.ends_with("0 errors, 2 warnings\n"), "{}", finished.stderr);
    finished.success();
    assert_eq!(check(&["--allow", "nothing"]).code, 2);
}

#[test]
fn published_service_object_is_a_warning() {
    let text = b"gzip_packed#3072cfa1 packed_data:string = GzipPacked;";
    let finished = run_with_input(["schema", "check", "-"], text);
    assert!(finished.stderr.contains("warning[wrong-id]"), "{}", finished.stderr);
    finished.success();
}

#[test]
fn declaration_without_rust_form_is_left_out_and_named() {
    let text = b"box value:int o:Object tail:int = Box;\nthing n:int = Thing;\n";
    let finished = run_with_input(["schema", "gen", "-"], text);
    assert!(finished.stderr.contains("warning[left-out]: `box.o`"), "{}", finished.stderr);
    let code = finished.success();
    assert!(code.contains("pub struct Thing") && !code.contains("pub struct Box"), "{code}");
}

#[test]
fn calls_and_ids_are_generated_on_request() {
    let text = b"---functions---\nmy.add a:int b:int = Vector<int>;\n";
    let plain = run_with_input(["schema", "gen", "-"], text).success();
    assert!(!plain.contains("enum Call"));
    let calls = run_with_input(["schema", "gen", "--calls", "-"], text).success();
    assert!(calls.contains("MyAdd(functions::my::Add)"), "{calls}");
    let ids = run_with_input(["schema", "gen", "--ids", "-"], text).success();
    assert!(ids.contains("pub const ADD: u32") && !ids.contains("struct"), "{ids}");
}

#[test]
fn merging_three_layers_writes_each_id_once() {
    let folder = Folder::new("layers");
    let files = [
        folder.write("3.tl", "// LAYER 3\nnote#00000003 x:int y:int = Note;\n"),
        folder.write("2.tl", "// LAYER 2\nnote#00000002 x:int = Note;\n"),
        folder.write("1.tl", "// LAYER 1\nnote#00000002 x:int = Note;\n"),
    ];
    let merge = ["schema", "merge", "--on-conflict", "rename", &files[0], &files[1], &files[2]];
    let merged = run(merge).success();
    let heads: Vec<_> = merged.lines().filter_map(|line| line.split_once(" x:")).collect();
    let heads: Vec<_> = heads.into_iter().map(|(head, _)| head).collect();
    assert_eq!(heads, ["note#00000003", "note_layer2#00000002"], "{merged}");
}

#[test]
fn layers_in_one_file_are_kept() {
    let folder = Folder::new("marks");
    let marks = "===8===\nnote#00000003 n:int = Note;\n===17===\nnote#00000004 m:int = Note;\n";
    let file = folder.write("secret.tl", marks);
    let printed = run(["schema", "fmt", &file]).success();
    assert!(printed.contains("===8===\nnote_layer8#00000003"), "{printed}");
    let json = folder.write("secret.json", run(["schema", "json", &file]).success());
    assert_eq!(run(["schema", "fmt", &json]).success(), printed);
    let code = run(["schema", "gen", &json]).success();
    assert!(code.contains("pub struct NoteLayer8") && code.contains("pub struct Note "), "{code}");
}
