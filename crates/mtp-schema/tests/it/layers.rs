//! Goal: files that hold several layers, or the beginnings of calls, keep all of them.
//! Method: the forms of secret chats' and `TDLib`'s files, as text and as JSON.

use mtp_schema::{
    check,
    diagnostic::Severity,
    generate::{Gate, Generator},
    json,
    merge::{OnConflict, merge},
    model::Model,
    parse_text,
    tree::{Schema, Section},
};

fn parse(text: &str) -> Schema {
    parse_text("x.tl", text, None).unwrap_or_else(|report| panic!("{report}"))
}

fn names(schema: &Schema) -> Vec<String> {
    let head =
        |one: &mtp_schema::tree::Declaration| format!("{}#{:x}", one.name, one.id(schema.rule));
    schema.declarations().map(head).collect()
}

const MARKED: &str = "===8===\nnote#3 n:int = Note;\n===17===\nnote#4 n:int m:int = Note;\n";

// spec: tl 2.2
#[test]
fn newest_layer_keeps_the_name_and_older_ones_get_a_suffix() {
    let schema = parse(MARKED);
    assert_eq!(names(&schema), ["note_layer8#3", "note#4"]);
    assert_eq!(schema.layer(), Some(17));
    let layers: Vec<_> = schema.declarations().map(|one| one.layer).collect();
    assert_eq!(layers, [Some(8), Some(17)]);
    let printed = schema.to_string();
    assert!(printed.starts_with("===8===\nnote_layer8#00000003"), "{printed}");
    assert_eq!(parse(&printed), schema);
    let code = Generator::new().schema_text("x.tl", MARKED).generate().unwrap();
    assert!(code.contains("pub struct NoteLayer8") && code.contains("pub struct Note "), "{code}");
}

// spec: tl 2.2
#[test]
fn repeated_layer_comments_mark_layers_too() {
    let schema = parse("// LAYER 8\nnote#3 n:int = Note;\n\n// LAYER 17\nnote#4 m:int = Note;\n");
    assert_eq!(names(&schema), ["note_layer8#3", "note#4"]);
    // Without a newer declaration there is nothing to tell apart.
    let schema = parse("// LAYER 8\nnote#3 n:int = Note;\n// LAYER 17\nother#4 = Other;\n");
    assert_eq!(names(&schema), ["note#3", "other#4"]);
}

// spec: tl 2.2
#[test]
fn id_of_an_older_layer_is_computed_from_the_plain_name() {
    let schema = parse("===8===\nnote n:int = Note;\n===17===\nnote n:int m:int = Note;\n");
    let plain = parse("note n:int = Note;").declarations().next().unwrap().id(schema.rule);
    assert_eq!(schema.find(Section::Types, "note_layer8").unwrap().id(schema.rule), plain);
    assert_eq!(check(&schema), []);
}

// spec: tl 2.2
#[test]
fn section_marker_ends_a_layer() {
    let schema = parse("===8===\na#1 = A;\n---types---\nb#2 = A;\n---functions---\nf#3 = A;\n");
    let layers: Vec<_> = schema.declarations().map(|one| one.layer).collect();
    assert_eq!(layers, [Some(8), None, None]);
    for wrong in ["===x===\na = A;", "===8---\na = A;", "===8\na = A;", "===99999999999===\na = A;"]
    {
        assert!(parse_text("x.tl", wrong, None).is_err(), "{wrong}");
    }
}

// spec: tl 5
#[test]
fn layers_survive_json() {
    let text = r#"{"constructors":[
        {"id":"3","predicate":"note","params":[{"name":"n","type":"int"}],"type":"Note","layer":8},
        {"id":"4","predicate":"note","params":[{"name":"m","type":"int"}],"type":"Note","layer":"17"},
        {"id":"5","predicate":"plain","params":[],"type":"Plain"}],
        "methods":[{"id":"6","method":"f","params":[],"type":"Note"}]}"#;
    let schema = json::from_json("x.json", text).unwrap();
    assert_eq!(names(&schema), ["note_layer8#3", "note#4", "plain#5", "f#6"]);
    let layers: Vec<_> = schema.declarations().map(|one| one.layer).collect();
    assert_eq!(layers, [Some(8), Some(17), None, None]);
    let again = json::to_json(&schema).unwrap();
    assert_eq!(json::from_json("x.json", &again.to_string()).unwrap(), schema);
    assert_eq!(again["constructors"][0]["layer"], 8);
}

// spec: tl 5
#[test]
fn every_form_of_a_built_in_type_survives_json() {
    for text in [
        "int256 = Int256; int128 4*[ int ] = Int128; bytes = Bytes; int = Int;",
        "int256 8*[ int ] = Int256; int128 = Int128; object ? = Object; long ? = Long;",
    ] {
        let schema = parse(text);
        let value = json::to_json(&schema).unwrap();
        let again = json::from_json("x.json", &value.to_string()).unwrap();
        assert!(
            again.declarations().map(ToString::to_string).eq(schema.declarations().map(|one| {
                let id = one.id(schema.rule);
                let text = one.to_string();
                let (name, rest) = text.split_once(' ').unwrap();
                format!("{name}#{id:08x} {rest}")
            })),
            "{again}"
        );
    }
}

const PREFIXED: &str = "---functions---
wrapPrefix#dc50891a connection_id:string = Error;
wrap#dc50891a {X:Type} connection_id:string query:!X = X;
get#2 = Bool;";

// spec: tl 2.2
#[test]
fn prefix_of_a_call_may_have_its_id() {
    let schema = parse(PREFIXED);
    let errors = |schema: &Schema| {
        let mut findings = check(schema);
        findings
            .retain(|one| one.severity == Severity::Error && one.subject.as_deref() != Some("get"));
        findings
    };
    assert_eq!(errors(&schema), []);
    let model = Model::new(&schema).unwrap();
    let found = model.find_id(Section::Functions, 0xdc50_891a).unwrap();
    assert_eq!(model.combinator(found).name.as_str(), "wrap");
    assert!(model.combinator(model.find(Section::Functions, "wrapPrefix").unwrap()).is_prefix);
    let value = json::to_json(&schema).unwrap();
    assert_eq!(names(&json::from_json("x.json", &value.to_string()).unwrap()), names(&schema));
    assert_eq!(names(&merge(&[schema.clone(), schema], OnConflict::Refuse).unwrap()).len(), 3);
    let code =
        Generator::new().schema_text("x.tl", PREFIXED).calls(Gate::Always).registry(Gate::Always);
    let code = code.generate().unwrap();
    assert!(code.contains("pub struct WrapPrefix") && !code.contains("WrapPrefix("), "{code}");
    // Other fields, or another id, make it a mistake.
    for (from, to) in
        [("connection_id:string = E", "x:string = E"), ("Prefix#dc50891a", "Two#dc50891a")]
    {
        let other = PREFIXED.replacen(from, to, 1);
        let Err(findings) = Model::new(&parse(&other)) else { panic!("{other}") };
        assert!(findings[0].message.contains("has the id dc50891a"), "{findings:?}");
    }
    // TDLib declares the beginning among the types.
    let typed = parse(
        "wrapPrefix#dc50891a connection_id:string = Error;
        ---functions---
        wrap#dc50891a {X:Type} connection_id:string query:!X = X;",
    );
    assert_eq!(errors(&typed), []);
}

// spec: tl 12.4
#[test]
fn merging_writes_each_id_once() {
    let layers = [
        parse("// LAYER 3\nnote#00000003 x:int y:int = Note; list#7 of:vector<note> = List;\n"),
        parse("// LAYER 2\nnote#00000002 x:int = Note; old#6 of:vector<note> = Old;\n"),
        parse("// LAYER 1\nnote#00000002 x:int = Note; older#5 of:vector<note> = Older;\n"),
    ];
    let merged = merge(&layers, OnConflict::Rename).unwrap();
    assert_eq!(names(&merged), ["note#3", "list#7", "note_layer2#2", "old#6", "older#5"]);
    // Bare references follow.
    for name in ["old", "older"] {
        let found = merged.find(Section::Types, name).unwrap().to_string();
        assert!(found.contains("of:vector<note_layer2>"), "{found}");
    }
    assert_eq!(Model::new(&merged).err(), None);
    assert_eq!(names(&merge(&layers, OnConflict::KeepFirst).unwrap()).len(), 4);
}

// spec: tl 12.4
#[test]
fn merging_refuses_an_id_of_two_names_or_two_forms() {
    let two_names = [parse("a#1 x:int = A;"), parse("b#1 y:long = B;")];
    let found = merge(&two_names, OnConflict::Refuse).unwrap_err();
    assert_eq!(found[0].message, "`b` has the id 00000001, as `a` has");
    assert_eq!(names(&merge(&two_names, OnConflict::KeepFirst).unwrap()), ["a#1"]);
    let two_forms = [parse("a#1 x:int = A;"), parse("a#1 y:long = A;")];
    let found = merge(&two_forms, OnConflict::Rename).unwrap_err();
    assert_eq!(found[0].message, "`a` has one id and two forms");
    // `bytes` and `string` are one on the wire and in the id.
    let alike = [parse("a x:string = A;"), parse("a x:bytes = A;")];
    assert_eq!(merge(&alike, OnConflict::Rename).unwrap().constructors().count(), 1);
}

// spec: tl 12.4
#[test]
fn new_names_of_a_merge_are_never_taken() {
    let schemas = [
        parse("// LAYER 9\nnote#1 = Note; note_layer8#2 = Note;"),
        parse("// LAYER 8\nnote#3 = Note;"),
    ];
    let merged = merge(&schemas, OnConflict::Rename).unwrap();
    assert_eq!(names(&merged), ["note#1", "note_layer8#2", "note_00000003#3"]);
}
