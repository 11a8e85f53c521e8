//! Goal: the grammar of both dialects, errors with places, and the printer as the inverse of the parser.
//! Method: small texts with their canonical form or their rendered error; the real schemas.

use mtp_schema::{
    diagnostic::Color,
    id::IdRule,
    parse_text, print,
    tree::{Schema, Section},
};

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../../schema/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn parse(text: &str) -> Schema {
    parse_text("x.tl", text, IdRule::Api).unwrap_or_else(|report| panic!("{report}"))
}

/// `text` prints as `expected`, and so does `expected`.
#[track_caller]
fn prints(text: &str, expected: &str) {
    let schema = parse(text);
    assert_eq!(schema.to_string(), expected);
    let again = parse(expected);
    assert_eq!(again, schema);
    assert_eq!(again.to_string(), expected);
}

#[track_caller]
fn fails(text: &str, expected: &str) {
    let report = parse_text("x.tl", text, IdRule::Api).unwrap_err();
    assert_eq!(report.render(Color::Never).trim(), expected.trim());
}

// spec: tl 2.1
// spec: tl 2.3
#[test]
fn every_form_prints_canonically() {
    prints("a#1=A;", "a#00000001 = A;\n");
    prints("a\n  x : int\t= A ;b=B;", "a x:int = A;\nb = B;\n");
    prints("v#1CB5C415 {t:Type} # [ t ] = Vector t;", "v#1cb5c415 {t:Type} # [ t ] = Vector t;\n");
    prints("int ? = Int;", "int ? = Int;\n");
    prints("int128 4 * [int] = Int128;", "int128 4*[ int ] = Int128;\n");
    prints(
        "a x:Vector<long> y:(vector (vector int)) z:%(Vector T) u:flags2.31?%ns.T = ns.a.A;",
        "a x:Vector<long> y:vector<vector<int>> z:%Vector<T> u:flags2.31?%ns.T = ns.a.A;\n",
    );
    prints("f {X:Type} q:!X = X;", "f {X:Type} q:!X = X;\n");
    prints("g = (Vector int);", "g = Vector<int>;\n");
    prints("g = Vector int;", "g = Vector<int>;\n");
    prints(
        "t {t:Type} {n:#} a:n*[ x:t ] b:(tuple t (n + 1)) = Tuple t n;",
        "t {t:Type} {n:#} a:n*[ x:t ] b:(tuple t (n+1)) = Tuple t n;\n",
    );
    prints("@read _#12 x:# = R;", "@read _#00000012 x:# = R;\n");
    prints("a = A;\n\n\n--- functions ---\nb = A;", "a = A;\n\n---functions---\nb = A;\n");
}

// spec: tl 2.2
#[test]
fn comments_are_kept_and_layers_recognized() {
    prints(
        "// LAYER 7 \n\n\n//// x ; y\na //in\n x:int = A; // after\n//end",
        "// LAYER 7\n\n//// x ; y\n//in\na x:int = A;  // after\n//end\n",
    );
    assert_eq!(parse("// LAYER 230").layer(), Some(230));
    assert_eq!(parse("//layer: 8\n//LAYER 17\n").layer(), Some(17));
    for not in ["// LAYER 8 x", "// LAYERS", "a = A; // LAYER 8", "//LAYER -1", "// LAYER", "//é"]
    {
        assert_eq!(parse(not).layer(), None, "{not}");
    }
    let twice = parse("---functions---\nf=A;\n---types---\na=A;\n---functions---\ng=A;");
    let names: Vec<_> = twice.functions().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["f", "g"]);
    assert!(twice.find(Section::Types, "a").is_some());
}

// spec: tl 2.5
#[test]
fn one_run_reports_all_errors() {
    fails(
        "a#xyz = A;\nb x:Vector<int = B;\ngood = A;\nc int;\n---things---\nd = ;\n",
        "\
error[syntax]: `#xyz` is not an id
 --> x.tl:1:2
  |
1 | a#xyz = A;
  |  ^^^^
  = an id is `#` and one to eight hexadecimal digits

error[syntax]: this bracket is not closed: expected `>`, found `=`
 --> x.tl:2:11
  |
2 | b x:Vector<int = B;
  |           ^

error[syntax]: expected `=` and a result type, found `;`
 --> x.tl:4:6
  |
4 | c int;
  |      ^

error[syntax]: there is no section `things`
 --> x.tl:5:4
  |
5 | ---things---
  |    ^^^^^^
  = the markers are `---types---` and `---functions---`

error[syntax]: expected a result type, found `;`
 --> x.tl:6:5
  |
6 | d = ;
  |     ^

5 errors, 0 warnings",
    );
}

// spec: tl 2.5
#[test]
fn missing_semicolon_affects_one_declaration() {
    for text in ["a x:int = A\nb#1 = B;\nc = C;", "a x:int = A\nb = B;\nc = C;"] {
        fails(
            text,
            "\
error[syntax]: expected `;` at the end of the declaration of `a`
 --> x.tl:1:12
  |
1 | a x:int = A
  |            ^

1 error, 0 warnings",
        );
    }
}

#[test]
fn refusal_has_a_reason_and_a_place() {
    for (text, message) in [
        ("Final Int;", "unsupported]: `Final` statements are not supported"),
        ("User#1 = User;", "syntax]: a declaration cannot be called `User`"),
        ("/* x */ a = A;", "unsupported]: the language has no block comments"),
        ("f (a b:int) = A;", "unsupported]: several names for one type in parentheses"),
        ("f {a b:Type} = A;", "unsupported]: several variables in one pair of braces"),
        ("f a:int {X:Type} = A;", "syntax]: variables in braces come before the fields"),
        ("f ns.a:int = A;", "syntax]: a field cannot be called `ns.a`"),
        ("f a:Ns.int = A;", "syntax]: `Ns.int` has a namespace that starts with a capital"),
        ("f a:flags.x?int = A;", "syntax]: a `?` follows the number of a bit"),
        ("f a:flags.99999999999?int = A;", "flags]: there is no such bit"),
        ("f#123456789 = A;", "syntax]: `#123456789` is not an id"),
        ("f a:§ = A;", "syntax]: expected a type, found `§`"),
        ("f", "syntax]: expected `=` and a result type, found the end of the file"),
        ("f = A", "syntax]: expected `;` at the end of the declaration, found the end of the file"),
        ("---functions", "syntax]: expected `---`, found the end of the file"),
        ("f a:(int = A;", "syntax]: this bracket is not closed: expected `)`, found `=`"),
        ("f a:4*[ int = A;", "syntax]: this bracket is not closed: expected `]`, found `=`"),
        ("f {X:Type = A;", "syntax]: this bracket is not closed: expected `}`, found `=`"),
        ("f a:(4 5) = A;", "syntax]: only a named type can be applied to arguments"),
    ] {
        let report = parse_text("x.tl", text, IdRule::Api).unwrap_err().to_string();
        assert!(report.contains(message), "{text}:\n{report}");
        assert!(report.contains("--> x.tl:1:"), "{report}");
    }
}

#[test]
fn nesting_and_number_of_errors_are_bounded() {
    let nested = |n| format!("a x:{}int{} = A;", "(".repeat(n), ")".repeat(n));
    assert!(parse_text("x", &nested(32), IdRule::Api).is_ok());
    assert!(parse_text("x", &nested(33), IdRule::Api).is_err());
    for open in ["(", "<", "a<", "[", "4*[", "%", "{"] {
        let bomb = format!("a x:{}", open.repeat(200_000));
        assert!(parse_text("x", &bomb, IdRule::Api).is_err());
    }
    let report = parse_text("x", &"!;".repeat(5000), IdRule::Api).unwrap_err();
    assert_eq!(report.diagnostics.len(), 201);
}

#[test]
fn long_lines_are_cut_around_the_caret() {
    let line = format!("a {}= A;", "x:int ".repeat(50).replacen("x:int x:int x:int x", "x:! y", 1));
    let shown = parse_text("x", &line.replace("x:int = A", "x:= A"), IdRule::Api).unwrap_err();
    assert!(shown.to_string().lines().all(|line| line.chars().count() < 130), "{shown}");
    let coloured = shown.render(Color::Always);
    assert!(coloured.contains("\x1b[1;31merror[syntax]\x1b[0m"));
}

// spec: tl 2.3
#[test]
fn real_schemas_survive_parse_and_print() {
    for name in ["mtproto.tl", "api.tl"] {
        let schema = parse(&file(name));
        let printed = schema.to_string();
        assert_eq!(parse(&printed), schema, "{name}");
        assert_eq!(parse(&printed).to_string(), printed, "{name}");
        let sorted = print::sorted(&schema);
        assert_eq!(print::sorted(&parse(&sorted)), sorted, "{name}");
    }
    let api = parse(&file("api.tl"));
    assert_eq!(api.layer(), Some(230));
    assert_eq!((api.constructors().count(), api.functions().count()), (1704, 850));
}

/// The service schema with seeded mutations never panics, and an accepted text survives printing.
#[test]
fn mutated_schemas_never_panic() {
    let text = file("mtproto.tl");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let pieces = ["", ";", "=", "#", "{", "}", "<", ">", "(", ")", "[", "]", "---", "//", ".", "?"];
    let mut accepted = 0;
    for _ in 0..400 {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..=random(3) {
            let at = random(bytes.len());
            let to = (at + random(12)).min(bytes.len());
            let piece = pieces[random(pieces.len())];
            bytes.splice(at..to, piece.bytes());
        }
        let mutated = String::from_utf8_lossy(&bytes).into_owned();
        match parse_text("x.tl", &mutated, IdRule::Api) {
            Ok(schema) => {
                accepted += 1;
                assert_eq!(parse(&schema.to_string()), schema);
            }
            Err(report) => assert!(report.has_errors() && !report.to_string().is_empty()),
        }
    }
    assert!((20..380).contains(&accepted), "{accepted}");
}

#[test]
fn nesting_of_brackets_is_limited() {
    for (depth, is_accepted) in [(31, true), (32, true), (33, false)] {
        let text = format!("a x:{}int{} = A;", "Vector<".repeat(depth), ">".repeat(depth));
        let parsed = parse_text("x.tl", &text, IdRule::Api);
        assert_eq!(parsed.is_ok(), is_accepted, "{depth}: {parsed:?}");
    }
}

#[test]
fn errors_of_a_schema_are_limited() {
    for (wrong, reported) in [(199, 199), (200, 200), (201, 201), (300, 201)] {
        let text = "a = ;\n".repeat(wrong);
        let report = parse_text("x.tl", &text, IdRule::Api).unwrap_err();
        let rendered = report.render(Color::Never);
        assert_eq!(report.diagnostics.len(), reported, "{wrong}");
        assert_eq!(rendered.contains("stopped after 200 errors"), wrong > 200, "{wrong}");
    }
}
