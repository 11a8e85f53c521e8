//! Goal: arbitrary text is a schema that survives printing, or a report; arbitrary bytes are a value that survives
//! encoding, or an error.
//! Method: seeded mutations of real schemas and random tokens; bytes under schemas that invite trouble.

use core::fmt::Write as _;

use mtp_schema::{
    check,
    diagnostic::Color,
    diff::Diff,
    dynamic::Codec,
    generate::Generator,
    id::IdRule,
    model::{Model, Ty},
    parse, parse_text, print,
    source::Sources,
};

/// Parses any text. What is accepted survives printing.
fn check_schema(text: &str, rule: Option<IdRule>) {
    let mut sources = Sources::new();
    let file = sources.add("input", text);
    let (schema, findings) = parse(&sources, file, rule);
    for finding in findings.iter().chain(&check(&schema)) {
        assert!(!finding.render(&sources, Color::Never).is_empty());
    }
    let printed = print::schema(&schema);
    let again = parse_text("printed", &printed, rule);
    assert_eq!(again.as_ref().ok(), Some(&schema), "{printed}");
    assert!(Diff::new(&schema, &schema).is_empty());
    if let Ok(model) = Model::new(&schema) {
        // An empty selection of roots takes everything.
        let _ = Generator::new().schema_text("printed", printed).generate();
        check_values(&Codec::new(model), &[]);
    }
}

/// Decodes any bytes as a value and as a call. What is accepted encodes to bytes that decode to the same.
fn check_values(codec: &Codec, bytes: &[u8]) {
    for ty in [Ty::Object, Ty::Call] {
        let Ok(decoded) = codec.decode(&ty, bytes) else { continue };
        if decoded.lost.is_empty() {
            let written = codec.encode(&ty, &decoded.value).expect("a decoded value encodes");
            let again = codec.decode(&ty, &written).expect("an encoded value decodes");
            assert_eq!(again, decoded);
        }
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn random_tokens_never_panic() {
    let tokens = [
        "a",
        "b.c",
        "X",
        "Vector",
        "vector",
        "int",
        "true",
        "string",
        "flags",
        "#",
        "#1f",
        "flags.0?",
        ":",
        ";",
        ";\n",
        "=",
        "= A;\n",
        "= B;\n",
        "{",
        "}",
        "{X:Type}",
        "(",
        ")",
        "[",
        "]",
        "<",
        ">",
        "%",
        "!",
        "!X",
        "+",
        "*",
        ",",
        "?",
        "_",
        "@",
        "1",
        "4*[",
        "---",
        "---functions---\n",
        "---types---\n",
        "// c\n",
        "//@description d\n",
        "// LAYER 9\n",
        "// LAYER 8\n",
        "// RULE engine\n",
        "// ALLOW wrong-id\n",
        "===8===\n",
        "===9===\n",
        "aPrefix",
        "Int",
        "/*",
        "*/",
        "\n\n",
        "é",
        "x:int",
        "y:flags.1?string",
        "flags:#",
        "Object",
        "new",
        "Final",
    ];
    let mut random = Random(42);
    for _ in 0..3000 {
        let mut text = String::new();
        for _ in 0..random.below(40) {
            text.push_str(tokens[random.below(tokens.len())]);
            text.push_str(["", " "][random.below(2)]);
        }
        let rules = [None, Some(IdRule::Api), Some(IdRule::Engine)];
        check_schema(&text, rules[random.below(3)]);
    }
}

#[test]
fn mutated_schemas_never_panic() {
    let texts = [file("tests/it/generated/corners.tl"), file("../../schema/mtproto.tl")];
    let mut random = Random(7);
    for _ in 0..60 {
        let mut bytes = texts[random.below(2)].clone().into_bytes();
        for _ in 0..=random.below(3) {
            let from = random.below(bytes.len());
            let piece = bytes[from..(from + random.below(30)).min(bytes.len())].to_vec();
            let at = random.below(bytes.len());
            let to = (at + random.below(12)).min(bytes.len());
            bytes.splice(at..to, piece);
        }
        check_schema(&String::from_utf8_lossy(&bytes), None);
    }
}

#[test]
fn random_bytes_never_panic_the_codec() {
    for text in [
        "a#1 = A; b#2 x:vector<a> = B; c#3 x:Vector<Object> = C; d#4 flags:# x:flags.0?D = D;
         e#5 a:e1 b:e1 = E; e1#6 a:e2 b:e2 = E; e2#7 a:a b:a = E; f#8 x:string y:double z:Bool = F;
         ---functions--- g#9 {X:Type} query:!X = X; h#a x:Object = Object;",
        &file("tests/it/generated/corners.tl"),
    ] {
        let schema = parse_text("x.tl", text, IdRule::Api).unwrap();
        let codec = Codec::new(Model::new(&schema).unwrap());
        let ids: Vec<u32> = codec.model().combinators().map(|(_, one)| one.id).collect();
        let mut random = Random(99);
        for _ in 0..2000 {
            let mut bytes = Vec::new();
            for _ in 0..random.below(12) {
                let word = match random.below(4) {
                    0 => 0x1cb5_c415,
                    1 => u32::try_from(random.below(4)).unwrap(),
                    _ => ids[random.below(ids.len())],
                };
                bytes.extend(word.to_le_bytes());
            }
            check_values(&codec, &bytes);
        }
    }
}

/// A schema may require more than any input: constructors without bytes that double at each level.
// spec: tl 7
#[test]
fn schema_that_doubles_is_stopped_by_the_budget() {
    let mut text = String::from("top#1 a:x0 = Top; x100 = X;");
    for level in 0..100 {
        write!(text, "x{level} a:x{0} b:x{0} = X;", level + 1).unwrap();
    }
    let schema = parse_text("x.tl", &text, IdRule::Api).unwrap();
    let codec = Codec::new(Model::new(&schema).unwrap());
    let error = codec.decode(&Ty::Object, &[1, 0, 0, 0]).unwrap_err();
    assert_eq!(error.kind.class(), "bytes_limit");
}
