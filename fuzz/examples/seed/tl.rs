//! Seeds of values, schema texts and JSON.

use crate::{Seeds, hex, list, text, vectors};

pub(crate) fn add(seeds: &mut Seeds) {
    let all = vectors("tl");
    for one in list(&all["primitives"]).chain(list(&all["lenient"])) {
        let form = match one["type"].as_str().or(one["root"].as_str()).unwrap_or_default() {
            "int" => 0,
            "#" => 1,
            "long" => 2,
            "int128" => 3,
            "int256" => 4,
            "Bool" => 6,
            "double" => 19,
            "bytes" => 9,
            _ => 8,
        };
        seeds.add("tl_values", &[&[form], &hex(&one["hex"])]);
    }
    values(seeds);
    for one in list(&all["objects"]) {
        let mode = if text(&one["kind"]) == "function" { 2 } else { 0 };
        seeds.add("dynamic_bytes", &[&[mode, 0, 0], &hex(&one["hex"])]);
        seeds.add("api_values", &[&hex(&one["hex"])]);
        seeds.add("dynamic_json", &[&[mode >> 1], one["value"].to_string().as_bytes()]);
    }
    for one in list(&all["rpc_results"]) {
        seeds.add("dynamic_bytes", &[&[6, 0, 0], &hex(&one["hex"])]);
        seeds.add("dynamic_bytes", &[&[4, 0, 0], hex(&one["hex"]).get(12..).unwrap_or_default()]);
    }
    for one in list(&all["malformed"]) {
        seeds.add("dynamic_bytes", &[&[1, 0, 0], &hex(&one["hex"])]);
        seeds.add("api_values", &[&hex(&one["hex"])]);
    }
    let declarations: Vec<_> =
        list(&all["crc"]).map(|one| format!("{};\n", text(&one["declaration"]))).collect();
    for (declaration, one) in declarations.iter().zip(list(&all["crc"])) {
        let rule = u8::from(one["dialect"].as_str() != Some("api"));
        schema(seeds, rule, declaration);
    }
    for sample in SCHEMAS {
        schema(seeds, 0, sample);
        schema(seeds, 1, sample);
    }
    for (old, new) in SCHEMAS.iter().zip(SCHEMAS.iter().cycle().skip(1)) {
        for on_conflict in 0..3 {
            seeds.add("schema_pair", &[&[0, on_conflict], old.as_bytes(), &[0xff], new.as_bytes()]);
        }
    }
    for sample in JSON_SCHEMAS {
        seeds.add("schema_json", &[sample.as_bytes()]);
    }
}

fn schema(seeds: &mut Seeds, rule: u8, sample: &str) {
    seeds.add("schema_text", &[&[rule], sample.as_bytes()]);
    seeds.add("schema_generate", &[&[rule], sample.as_bytes()]);
}

/// Adds one value of each composite kind.
fn values(seeds: &mut Seeds) {
    let id = |id: u32| id.to_le_bytes();
    let (vector, leaf, fork) = (id(0x1cb5_c415), id(0x090a_0b0c), id(0x0d0e_0f10));
    let one = id(1);
    let tree = [&fork[..], &vector, &id(2), &leaf, b"\x03abc", &fork, &vector, &id(0)].concat();
    seeds.add("tl_values", &[&[5], &one]);
    seeds.add("tl_values", &[&[7], &id(0x3fed_d339)]);
    seeds.add("tl_values", &[&[10], &vector, &id(2), &one, &one]);
    seeds.add("tl_values", &[&[11], &one, &one, &one]);
    seeds.add("tl_values", &[&[12], &vector, &id(2), b"\x03abc", b"\x01a\0\0"]);
    seeds.add("tl_values", &[&[13], &vector, &one, &vector, &one, &id(0x9972_75b5)]);
    seeds.add("tl_values", &[&[14], &vector, &one, &one, &one, &one]);
    let flags = id(1 | 1 << 5 | 1 << 31);
    seeds.add(
        "tl_values",
        &[&[15], &id(0x1112_1314), &flags, &one, b"\x03abc", &vector, &one, &one],
    );
    seeds.add("tl_values", &[&[15], &id(0x1112_1314), &id(0x7fff_ffdf)]);
    let every = [
        &id(0x0102_0304)[..],
        &one,
        &[7; 8],
        &[8; 16],
        &id(0xbc79_9737),
        b"\x03abc",
        &[2, 0xc3, 0x28, 0],
        &vector,
        &one,
        &[9; 8],
        &one,
        b"\x00\0\0\0",
        &vector,
        &one,
        &[3; 12],
        &tree,
    ];
    seeds.add("tl_values", &[&[16], &every.concat()]);
    seeds.add("tl_values", &[&[17], &tree]);
    seeds.add("tl_values", &[&[18], b"anything"]);
    let deep: Vec<u8> = [&fork[..], &vector, &one].concat().repeat(130);
    seeds.add("tl_values", &[&[17], &deep]);
}

const SCHEMAS: [&str; 8] = [
    "// LAYER 7\n\nboolFalse#bc799737 = Bool;\nboolTrue#997275b5 = Bool;\ntrue#3fedd339 = True;\n\
     vector#1cb5c415 {t:Type} # [ t ] = Vector t;\n\n---functions---\n\nping ping_id:long = Pong;\n\
     pong msg_id:long ping_id:long = Pong;\n",
    "int ? = Int;\nlong ? = Long;\nstring ? = String;\nint128 4*[ int ] = Int128;\n\
     user flags:# self:flags.0?true id:long name:flags.1?string photo:flags.1?Photo = User;\n\
     photo sizes:Vector<int> = Photo;\n// trailing\n---functions---\ngetUser id:long = User;\n",
    "t {t:Type} {n:#} a:n*[ x:t ] b:(tuple t (n + 1)) = Tuple t n;\ntuple {t:Type} {n:#} [ t ] = Tuple t n;\n",
    "a.b c:%(Vector a.B) d:vector<vector<int>> e:!X = a.B; // no\n//@class x @description y @c z\nf {X:Type} q:!X = X;\n",
    "// LAYER 8\nping#7abe77ec ping_id:long = Pong;\n---types---\nleaf name:string = Tree;\n\
     fork#0d0e0f10 branches:Vector<Tree> = Tree;\n---functions---\ninvokeWithLayer {X:Type} layer:int query:!X = X;\n",
    "a#1=A;a#1=A;a x:B=A;b y:flags.40?int=B\nc z:=;\n--functions--\n\u{e9} \u{2028}\n",
    "page flags:# part:flags.0?true url:string blocks:Vector<PageBlock> photos:flags.2?Vector<Photo> = Page;\n\
     pageBlockText text:RichText = PageBlock;\ntextEmpty = RichText;\ntextBold text:RichText = RichText;\n\
     photo id:long = Photo;\n",
    "",
];

const JSON_SCHEMAS: [&str; 5] = [
    r#"{"constructors":[{"id":"-1132882121","predicate":"boolFalse","params":[],"type":"Bool"},{"id":"481674261","predicate":"vector","params":[],"type":"Vector t"}],"methods":[{"id":"-878758099","method":"invokeAfterMsg","params":[{"name":"msg_id","type":"long"},{"name":"query","type":"!X"}],"type":"X"}]}"#,
    r##"{"constructors":[{"id":"1","predicate":"user","params":[{"name":"flags","type":"#"},{"name":"self","type":"flags.0?true"},{"name":"ids","type":"Vector<long>"}],"type":"User"}],"methods":[]}"##,
    r#"{"constructors":[{"id":9,"predicate":"a.b","params":[{"name":"x","type":"%Message"},{"name":"y","type":"vector<%Message>"}],"type":"a.B"}]}"#,
    r#"{"constructors":[{"id":"x","predicate":"A b","params":[{}],"type":"-"}],"methods":[{"id":"4294967295","method":"m","params":[{"name":"","type":""}],"type":"X"}]}"#,
    "[]",
];
