//! Goal: generated code compiles, agrees with its schema, and is up to date.
//! Method: `corners.tl` has every corner case; its code is committed, compared, compiled and run.

use std::path::Path;

use mtp_schema::{
    dynamic::{Codec, Sampler},
    generate::{Gate, Generator},
    id::IdRule,
    model::{Model, Ty},
    tree::Section,
};
use mtp_tl::{
    Bare, Budget, CallError, Constructor, ConstructorId, Decode, DecodeErrorKind, Decoder, Encode,
    Function, IntoOwned, Rest, registry::Kind,
};

#[rustfmt::skip]
mod corners;
use corners::{Call, functions, groups, types, variants};

fn path(name: &str) -> String {
    format!("{}/tests/it/generated/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn generator() -> Generator {
    Generator::new().schema_file(path("corners.tl")).calls(Gate::Always).registry(Gate::Always)
}

fn api() -> Generator {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/api.tl");
    Generator::new().schema_file(path)
}

/// Run with `UPDATE=1` to write the file.
#[test]
fn committed_code_is_up_to_date() {
    let text = generator().generate().unwrap();
    assert_eq!(generator().generate().unwrap(), text);
    if std::env::var_os("UPDATE").is_some() {
        generator().write_to(Path::new(&path("")), "corners").unwrap();
    }
    let committed = std::fs::read_to_string(path("corners.rs")).unwrap();
    assert!(committed == text, "corners.rs is out of date: run with UPDATE=1");
}

/// Encodes a value, decodes it again, and returns the bytes.
#[track_caller]
fn check<T: Decode<'static> + Encode + PartialEq + core::fmt::Debug>(value: &T) -> &'static [u8] {
    let bytes = value.to_bytes().leak();
    assert_eq!(bytes.len(), value.encoded_len());
    assert_eq!(&T::from_bytes(bytes).unwrap(), value);
    let mut again = Vec::new();
    let entry = corners::REGISTRY.find(Decoder::new(bytes).peek_id().unwrap()).unwrap();
    entry.transcode(&mut Decoder::new(bytes), &mut again).unwrap();
    assert_eq!(again, bytes);
    bytes
}

#[test]
fn recursive_types_and_unit_variants_round_trip() {
    let leaf = || types::Tree::from(variants::Leaf { value: 3 });
    let branch = variants::Branch { left: Box::new(leaf()), right: Box::new(types::Tree::Stump) };
    let forest = variants::Forest { trees: vec![branch.into(), leaf()] };
    let bytes = check(&types::Tree::from(forest));
    assert_eq!(bytes.len(), 4 + 8 + 4 + 8 + 4 + 8);
    let error = types::Tree::from_bytes(&types::Words::ID.to_bytes()).unwrap_err();
    let id = types::Words::ID;
    assert_eq!(error.kind(), DecodeErrorKind::UnexpectedConstructor { id, expected: "Tree" });
}

// spec: tl 9.1
#[test]
fn keywords_and_prelude_names_are_escaped() {
    let mut value = types::Keywords::new("t".into(), 1);
    value.self_ = true;
    value.r#final = Some("".into());
    value.srp_b = Some(vec![1].into());
    let bytes = check(&value);
    assert_eq!(bytes[4..8], [3, 0, 0, 0x80]);
    check(&types::Result_::new());
    check(&types::Option_ { value: Some(Box::new(types::Option_::new())) });
    check(&types::Vec_ { items: vec![types::Vec_ { items: vec![] }] });
    let deep = types::outer::inner::Deep { text: "x".into() };
    check(&types::outer::inner::Deeper { of: deep });
    check(&types::outer::Type { r#static: 1 });
    assert_eq!(types::outer::inner::Deep::NAME, "outer.inner.deep");
    assert_eq!(corners::LAYER, 7);
}

// spec: tl 6.2
#[test]
fn flags_words_keep_their_position() {
    let mut value = types::Words::new(1, 2);
    value.y = Some(false);
    value.z = Some(0.0);
    let bytes = check(&value);
    assert_eq!(bytes.len(), 4 + 4 + 4 + 8 + 4 + 4 + 8);
    assert_eq!((bytes[8], bytes[20]), (2, 1));
    assert_eq!(types::Loose { count: 9 }.to_bytes()[4..], [9, 0, 0, 0]);
}

// spec: tl 6.2
#[test]
fn fields_that_share_a_bit_are_one_field() {
    let mut value = types::Shared::new();
    assert!(!value.both() && !value.told() && !value.also());
    assert_eq!(check(&value).len(), 8);
    value.first = Some(groups::SharedFirst { first: 0, second: "".into() });
    value.only = true;
    value.value = Some(0);
    assert!(value.both() && value.told() && value.also());
    assert_eq!(check(&value)[4], 7);

    let mut value = types::Apart::new(1, 2);
    let first = groups::ApartFirst { first: 3, second: types::Tree::Stump };
    value.first = Some(Box::new(first));
    value.after = Some(5);
    let bytes = check(&value);
    // flags, before, first, between, second, after
    assert_eq!(bytes.len(), 4 + 4 + 4 + 4 + 8 + 4 + 4);
    assert_eq!((bytes[12], bytes[16], bytes[28]), (3, 2, 5));

    let mut value = types::Early::new(1, 2);
    value.a = Some(groups::EarlyA { a: 3, b: 4 });
    value.c = Some(5);
    check(&value);
}

/// Large values are filled in place, and absent fields are skipped in runs.
// spec: tl 6.2
#[test]
fn large_values_round_trip_and_errors_keep_their_place() {
    let point = || Bare(types::Point { x: 1.0, y: 2.0 });
    let blank = || variants::Sheet::new(7, types::Tree::Stump, vec![], point());
    assert_eq!(check(&types::Sheet::from(blank())).len(), 4 + 4 + 4 + 8 + 4 + 8 + 16);
    // Each conditional field alone, then all of them.
    let changes: [fn(&mut variants::Sheet<'static>); 10] = [
        |one| one.a = true,
        |one| one.b = true,
        |one| one.c = true,
        |one| one.d = true,
        |one| one.name = Some("n".into()),
        |one| one.title = Some("".into()),
        |one| one.note = Some(vec![0; 300].into()),
        |one| one.x = Some(groups::SheetX_ { x: 0, y: 1 }),
        |one| one.z = Some(0.0),
        |one| one.w = Some(-1),
    ];
    let mut all = blank();
    for change in changes {
        let mut one = blank();
        change(&mut one);
        change(&mut all);
        check(&types::Sheet::from(one));
    }
    assert!(all.any() && !blank().any());
    all.parts = vec![all.clone().into(), types::Sheet::Empty, blank().into()];
    let sheet = types::Sheet::from(all);
    let bytes = check(&sheet);
    assert_eq!((bytes[4], bytes[7], bytes[8], bytes[11]), (0b111_1110, 0x80, 0b11, 0x80));

    let page = |top| types::Page { cover: sheet.clone(), top, text: "t".into() };
    check(&types::Page::new(types::Sheet::Empty, "".into()));
    let mut book =
        types::Book::new(vec![page(None), page(Some(Box::new(sheet.clone())))], page(None));
    book.spare = Some(Box::new(page(None)));
    let bytes = check(&book);
    for cut in 0..bytes.len() {
        let error = types::Book::from_bytes(&bytes[..cut]).unwrap_err();
        assert!(matches!(error.kind(), DecodeErrorKind::UnexpectedEof { .. }), "{error}");
        assert!(error.offset() <= cut);
    }
    // The ids of the first page's cover and of its tree.
    for (at, within) in [(24, "page"), (356, "sheet")] {
        let mut wrong = bytes.to_vec();
        wrong[at] ^= 1;
        let error = types::Book::from_bytes(&wrong).unwrap_err();
        assert_eq!((error.offset(), error.within()), (at, within), "{error}");
    }
}

// spec: tl 6
#[test]
fn bare_values_have_no_ids() {
    let point = Bare(types::Point { x: 1.0, y: 2.0 });
    let value = types::Bare_ {
        point: point.clone(),
        line: vec![point.clone(), point.clone()].into(),
        ends: point.clone(),
        nested: vec![vec![point].into()],
    };
    assert_eq!(check(&value).len(), 4 + 16 + 4 + 32 + 16 + 8 + 4 + 16);
    let raw = types::Raw { a: [1; 16], b: [2; 32], c: [3; 64], yes: true, unit: mtp_tl::True };
    assert_eq!(check(&raw).len(), 4 + 16 + 32 + 64 + 4 + 4);
}

// spec: tl 9.4
#[test]
fn large_variants_and_fields_are_boxed() {
    // `message` has the name of its type and stays inline; `big` is as large and boxed.
    assert!(size_of::<types::Message<'_>>() >= size_of::<variants::Message<'_>>());
    assert_eq!(size_of::<types::Holder<'_>>(), 8);
    let big = || variants::Big {
        a: "a".into(),
        b: "b".into(),
        c: "c".into(),
        d: "d".into(),
        e: "e".into(),
        f: "f".into(),
    };
    let message: types::Message<'_> = big().into();
    assert!(matches!(&message, types::Message::Big(boxed) if **boxed == big()));
    check(&types::Holder { rare: Some(Box::new(message)) });
}

#[test]
fn owned_values_outlive_their_input() {
    let mut shared = types::Shared::new();
    let second = String::from("text").into();
    shared.first = Some(groups::SharedFirst { first: 1, second });
    let bytes = shared.to_bytes();
    let owned: types::Shared<'static> = types::Shared::from_bytes(&bytes).unwrap().into_owned();
    drop(bytes);
    assert_eq!(owned, shared);
}

// spec: tl 8
#[test]
fn answer_has_the_type_that_the_function_declares() {
    /// What a client does with any function: the answer outlives the bytes it came in.
    fn answer<F: Function>(_: &F, bytes: &[u8]) -> F::Answer {
        F::decode_answer(bytes).unwrap()
    }
    const INTS: &[u8] = &[0x15, 0xc4, 0xb5, 0x1c, 1, 0, 0, 0, 9, 0, 0, 0];
    let inner = functions::Labelled { label: "l".into(), query: functions::GetInts };
    let call = functions::Call { layer: 7, query: inner };
    assert_eq!(answer(&call, INTS), [9]);
    assert_eq!(call.encode_answer(&vec![9]), INTS);
    assert_eq!(answer(&functions::GetAny, INTS), Rest::from(INTS));
    let bytes = call.to_bytes();
    // A server that does not know the query decodes the wrappers.
    let read = functions::Call::<Rest<'_>>::from_bytes(&bytes).unwrap();
    assert_eq!(Decoder::new(read.query.as_bytes()).peek_id(), Some(functions::Labelled::<()>::ID));
    check(&functions::outer::GetDeep { text: Some("t".into()) });
}

// spec: tl 8
#[test]
fn borrowed_and_owned_answers_encode_alike() {
    let text = String::from("deep");
    let deep = types::outer::inner::Deep { text: text.as_str().into() };
    let call = functions::outer::GetDeep { text: None };
    let bytes = call.encode_answer(&deep);
    let owned = functions::outer::GetDeep::decode_answer(&bytes).unwrap();
    assert_eq!(call.encode_answer(&owned), bytes);
    // `GetTexts` answers with a vector of strings, which borrow too.
    let texts = vec![text.as_str().into()];
    let bytes = functions::GetTexts.encode_answer(&texts);
    assert_eq!(functions::GetTexts::decode_answer(&bytes).unwrap(), texts);
}

// spec: tl 8
#[test]
fn call_is_decoded_by_its_id_and_owns_its_arguments() {
    let bytes = functions::outer::GetDeep { text: Some("t".into()) }.to_bytes();
    let call = Call::decode(&bytes).unwrap();
    drop(bytes);
    assert_eq!(call.name(), "outer.getDeep");
    assert_eq!(call.id(), functions::outer::GetDeep::ID);
    assert_eq!(call, functions::outer::GetDeep { text: Some("t".into()) }.into());
    let answer = match &call {
        Call::OuterGetDeep(call) => {
            let text = call.text.clone().unwrap();
            call.encode_answer(&types::outer::inner::Deep { text })
        }
        other => panic!("{}", other.name()),
    };
    assert_eq!(types::outer::inner::Deep::from_bytes(&answer).unwrap().text, "t");
    assert!(matches!(
        Call::decode(&functions::GetTree { id: 7 }.to_bytes()),
        Ok(Call::GetTree(functions::GetTree { id: 7 }))
    ));
}

// spec: tl 8
#[test]
fn wrapped_call_stays_bytes_until_it_is_decoded() {
    let inner = functions::Labelled { label: "l".into(), query: functions::GetInts };
    let bytes = functions::Call { layer: 7, query: inner }.to_bytes();
    let Ok(Call::Call(outer)) = Call::decode(&bytes) else { panic!("not the wrapper") };
    let Ok(Call::Labelled(inner)) = Call::decode(outer.query.as_bytes()) else {
        panic!("not the inner wrapper")
    };
    assert_eq!((outer.layer, &inner.label), (7, &"l".into()));
    assert_eq!(Call::decode(inner.query.as_bytes()), Ok(functions::GetInts.into()));
}

// spec: tl 7
#[test]
fn bytes_that_are_no_call_are_refused_with_the_reason() {
    let id = types::Words::ID;
    let unknown = Call::decode(&id.to_bytes()).unwrap_err();
    assert_eq!(unknown, CallError::UnknownFunction { id });
    assert_eq!(unknown.to_string(), format!("unknown function {id}"));
    let whole = functions::GetTree { id: 7 }.to_bytes();
    for len in 0..whole.len() {
        let error = Call::decode(&whole[..len]).unwrap_err();
        let CallError::Arguments(inner) = error else { panic!("{error}") };
        assert!(matches!(inner.kind(), DecodeErrorKind::UnexpectedEof { .. }), "{inner}");
        assert_eq!(core::error::Error::source(&error).unwrap().to_string(), inner.to_string());
    }
    let longer = [&whole[..], &[0; 4]].concat();
    let Err(CallError::Arguments(error)) = Call::decode(&longer) else { panic!("trailing bytes") };
    assert_eq!(error.kind(), DecodeErrorKind::TrailingBytes { remaining: 4 });
    let tight = Budget::DEFAULT.with_depth_max(0);
    let Err(CallError::Arguments(error)) = Call::decode_within(&whole, tight) else {
        panic!("beyond the budget")
    };
    assert_eq!(error.kind(), DecodeErrorKind::RecursionLimit { max: 0 });
}

#[test]
fn ids_are_constants_named_after_functions_and_constructors() {
    let ids = || generator().only(["outer", "getInts", "Tree"]).generate_ids().unwrap();
    let text = ids();
    for line in [
        format!("        pub const GET_DEEP: u32 = {};", literal(functions::outer::GetDeep::ID)),
        format!("    pub const GET_INTS: u32 = {};", literal(functions::GetInts::ID)),
        format!("    pub const LEAF: u32 = {};", literal(variants::Leaf::ID)),
        format!("            {} => \"outer.getDeep\",", literal(functions::outer::GetDeep::ID)),
    ] {
        assert!(text.lines().any(|one| one == line), "{line} in\n{text}");
    }
    assert!(!text.contains("GET_TREE") && !text.contains("WORDS"), "{text}");
    assert_eq!(ids(), text);
}

fn literal(id: ConstructorId) -> String {
    format!("0x{:04x}_{:04x}", id.get() >> 16, id.get() & 0xffff)
}

// spec: tl 6.4
#[test]
fn message_body_is_bounded_by_its_length() {
    let message = |body: &'static [u8]| {
        let bytes = i32::try_from(body.len()).unwrap();
        Bare(types::Message5 { msg_id: 1, seqno: 2, bytes, body: Rest::from(body) })
    };
    let container =
        types::Container { messages: vec![message(b"abcd"), message(b"efghijkl")].into() };
    let bytes = check(&container);
    let mut negative = bytes.to_vec();
    negative[20..24].copy_from_slice(&(-1_i32).to_le_bytes());
    assert!(types::Container::from_bytes(&negative).is_err());
    check(&types::Any { id: 1, rest: Rest::from(&b"rest"[..]) });
}

// spec: tl 9.8
#[test]
fn only_reached_declarations_are_generated() {
    let text = api().only(["Updates"]).generate().unwrap();
    let count = |what: &str| text.matches(what).count();
    // 186 with `Bool`, which is in the runtime.
    assert_eq!(count("impl<'a> Decode<'a> for"), 185);
    assert!(!text.contains("pub mod functions"));
    let login = api().only(["auth", "help.getConfig"]).generate().unwrap();
    assert!(login.contains("pub struct SendCode<") && login.contains("pub struct GetConfig"));
    assert!(!login.contains("GetNearestDc") && !login.contains("pub enum Update<"));
    assert!(login.len() * 6 < text.len() * 2);
    let error = api().only(["nothing", "Updates"]).generate().unwrap_err().to_string();
    assert!(error.contains("no namespace, function, type or constructor `nothing`"), "{error}");
}

#[test]
fn options_change_the_generated_text() {
    let plain = |schema: &str| Generator::new().schema_text("x.tl", schema);
    let schema = "a x:string = A;\n---functions---\nf = A;";
    let text = plain(schema).without_debug().without_partial_eq().generate().unwrap();
    assert!(text.contains("#[derive(Clone)]") && !text.contains("Debug"));
    let text = plain(schema).function_decoders(Gate::Never).generate().unwrap();
    assert!(!text.contains("DecodeBare<'a> for F "));
    let gate = Gate::Feature("server".to_owned());
    let text = plain(schema).function_decoders(gate).generate().unwrap();
    assert_eq!(text.matches("#[cfg(feature = \"server\")]").count(), 2);
    let text = plain(schema).link("https://example.org").runtime("crate::tl").generate().unwrap();
    assert!(text.contains("(https://example.org/method/f)") && text.contains("use crate::tl::{"));
    let two = plain(schema).schema_text("y.tl", "b = B;").generate().unwrap();
    assert!(two.contains("pub struct A<") && two.contains("pub struct B;"));
}

#[test]
fn declaration_without_rust_form_is_left_out_with_a_warning() {
    for (schema, message) in [
        ("a x:Object y:int = A;", "`a.x`: the end of this `Object` is unknown"),
        ("a x:Vector<Object> = A;", "`a.x`: the end of this `Vector<Object>` is unknown"),
        ("a x:Unknown y:int = A;", "`a.x`: the end of this `Unknown` is unknown"),
        ("a x:B y:int = A; b x:Object = B;", "`a.x`: the end of this `B` is unknown"),
        ("a x:float = A;", "`a.x`: `float` has no Rust code yet"),
    ] {
        let schema = format!("{schema} thing n:int = Thing;");
        let generator = || Generator::new().schema_text("x.tl", &*schema);
        let generated = generator().generate_with_warnings().unwrap();
        let warnings = generated.warnings.to_string();
        assert!(warnings.contains(&format!("warning[left-out]: {message}")), "{warnings}");
        assert!(warnings.contains("--> x.tl:1:1"), "{warnings}");
        assert!(generated.code.contains(&format!("// Left out: {message}.")), "{}", generated.code);
        assert!(
            generated.code.contains("pub struct Thing ") && !generated.code.contains("struct A")
        );
        // A declaration that is asked for is not left out.
        let error = generator().only(["a"]).generate().unwrap_err().to_string();
        assert!(error.contains(&format!("error[left-out]: {message}")), "{error}");
        assert!(
            generator()
                .only(["thing"])
                .generate_with_warnings()
                .unwrap()
                .warnings
                .diagnostics
                .is_empty()
        );
    }
}

#[test]
fn declaration_that_needs_one_left_out_is_left_out_too() {
    let schema = "a x:Object y:int = A; b x:a = B; c x:A y:int = C; d x:A = D; e z:int = A;
        ---functions---
        f x:b = D; g = Vector<Object>; h = A;";
    let generated = Generator::new().schema_text("x.tl", schema).generate_with_warnings().unwrap();
    let found: Vec<_> = generated.warnings.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "`a.x`: the end of this `Object` is unknown",
            "`b.x`: `a` is left out",
            "`f.x`: `b` is left out",
            "`g`: the end of each item of `Vector<Object>` is unknown",
        ]
    );
    // `A` has one constructor left, `e`, so that `c` can be generated.
    for expected in ["pub struct A {", "pub struct C {", "pub struct D {", "pub struct H;"] {
        assert!(generated.code.contains(expected), "{expected} in\n{}", generated.code);
    }
}

#[test]
fn invalid_schema_is_refused_at_its_place() {
    for (schema, message) in
        [("a x:Foo<int> = A;", "`Foo` cannot be applied"), ("a x:int", "expected `=`")]
    {
        let error =
            Generator::new().schema_text("x.tl", schema).generate().unwrap_err().to_string();
        assert!(error.contains(message) && error.contains("--> x.tl:1:"), "{error}");
    }
    let missing = Generator::new().schema_file("/nowhere.tl").generate().unwrap_err().to_string();
    assert!(missing.starts_with("error[io]: /nowhere.tl: "), "{missing}");
    let build = Generator::new().schema_text("x.tl", "a = A;").build("x").unwrap_err().to_string();
    assert!(build.contains("OUT_DIR is not set"));
}

/// Generated code and the dynamic codec agree on random values of every combinator.
// spec: tl 6
#[test]
fn samples_agree_with_the_dynamic_codec() {
    let text = std::fs::read_to_string(path("corners.tl")).unwrap();
    let schema = mtp_schema::parse_text("corners.tl", &text, IdRule::Api).unwrap();
    let codec = Codec::new(Model::new(&schema).unwrap());
    let sampler = Sampler::new(codec.model());
    let mut state = 1_u32;
    let mut choose = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((u64::from(state) * u64::from(below)) >> 32) as u32
    };
    let mut seen = 0;
    for entry in corners::REGISTRY.entries() {
        let (section, ty) = match entry.kind {
            Kind::Constructor => (Section::Types, Ty::Object),
            Kind::Function => (Section::Functions, Ty::Call),
        };
        let at = codec.model().find(section, entry.name).unwrap();
        for _ in 0..50 {
            let Some(value) = sampler.sample(at, &mut choose) else { continue };
            let encoded = codec.encode(&ty, &value).unwrap();
            let mut again = Vec::new();
            entry.transcode(&mut Decoder::new(&encoded), &mut again).unwrap();
            assert_eq!(again, encoded, "{value}");
            seen += 1;
        }
    }
    assert_eq!(seen, 50 * corners::REGISTRY.entries().len());
}
