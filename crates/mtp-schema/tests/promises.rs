//! Goal: the promises of `mtp_schema::fuzz` hold for text and bytes that nobody meant.
//! Method: seeded mutations of real schemas and token soup; bytes under schemas that invite trouble.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use core::fmt::Write as _;

use mtp_schema::{dynamic::Codec, fuzz, id::IdRule, model::Model, parse_text};

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
fn token_soup() {
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
        fuzz::schema(&text, [IdRule::Api, IdRule::Engine][random.below(2)]);
    }
}

#[test]
fn mutated_schemas() {
    let texts = [file("tests/generated/corners.tl"), file("../../schema/mtproto.tl")];
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
        fuzz::schema(&String::from_utf8_lossy(&bytes), IdRule::Api);
    }
}

#[test]
fn random_bytes_under_awkward_schemas() {
    for text in [
        "a#1 = A; b#2 x:vector<a> = B; c#3 x:Vector<Object> = C; d#4 flags:# x:flags.0?D = D;
         e#5 a:e1 b:e1 = E; e1#6 a:e2 b:e2 = E; e2#7 a:a b:a = E; f#8 x:string y:double z:Bool = F;
         ---functions--- g#9 {X:Type} query:!X = X; h#a x:Object = Object;",
        &file("tests/generated/corners.tl"),
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
            fuzz::values(&codec, &bytes);
        }
    }
}

/// A schema may ask for more than any input holds: constructors without bytes, doubling at each level.
// spec: tl 7
#[test]
fn a_schema_that_doubles_is_stopped_by_the_budget() {
    let mut text = String::from("top#1 a:x0 = Top; x100 = X;");
    for level in 0..100 {
        write!(text, "x{level} a:x{0} b:x{0} = X;", level + 1).unwrap();
    }
    let schema = parse_text("x.tl", &text, IdRule::Api).unwrap();
    let codec = Codec::new(Model::new(&schema).unwrap());
    let error = codec.decode(&mtp_schema::model::Ty::Object, &[1, 0, 0, 0]).unwrap_err();
    assert_eq!(error.kind.class(), "bytes_limit");
}
