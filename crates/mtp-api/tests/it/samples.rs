//! Goal: random values of every constructor, function and answer survive their generated types unchanged.
//! Method: the dynamic codec, which shares no code with generated types, samples and encodes them.

use mtp_api::{LAYER, REGISTRY};
use mtp_schema::dynamic::{Codec, Sampler};
use mtp_schema::id::IdRule;
use mtp_schema::model::{Model, Ty};
use mtp_schema::tree::Section;
use mtp_tl::{ConstructorId, Decoder};

/// A small generator; the same seed gives the same samples.
fn choices() -> impl FnMut(u32) -> u32 {
    let mut state = 1_u32;
    move |below| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u32::try_from((u64::from(state) * u64::from(below)) >> 32).unwrap()
    }
}

fn codec() -> Codec {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/api.tl");
    let text = std::fs::read_to_string(path).unwrap();
    let schema = mtp_schema::parse_text("api.tl", &text, IdRule::Api).unwrap();
    Codec::new(Model::new(&schema).unwrap())
}

// spec: tl 6
#[test]
fn sample_of_every_combinator_round_trips() {
    let codec = codec();
    let sampler = Sampler::new(codec.model());
    let mut choose = choices();
    let mut combinators = 0;
    for (at, one) in codec.model().combinators() {
        // Declared and never used: the generator leaves them out.
        let Some(entry) = REGISTRY.find(ConstructorId::new(one.id)) else {
            assert!(["error", "null", "true"].contains(&one.name.as_str()), "{}", one.name);
            continue;
        };
        assert_eq!(entry.name, one.name.as_str());
        let ty = if one.section == Section::Functions { Ty::Call } else { Ty::Object };
        for _ in 0..SAMPLES {
            let value = sampler.sample(at, &mut choose).unwrap();
            let bytes = codec.encode(&ty, &value).unwrap();
            let mut d = Decoder::new(&bytes).canonical();
            let mut again = Vec::new();
            entry.transcode(&mut d, &mut again).unwrap_or_else(|error| panic!("{value}: {error}"));
            d.finish().unwrap();
            assert!(again == bytes, "{value}");
        }
        combinators += 1;
    }
    assert_eq!((LAYER, combinators, REGISTRY.entries().len()), (230, 2548, 2548));
}

/// The table holds `transcode_answer::<F>` for each function, so it compiles only if each satisfies the bound of a
/// generic `invoke`.
// spec: tl 8
#[test]
fn owned_answer_of_every_function_round_trips() {
    let codec = codec();
    let sampler = Sampler::new(codec.model());
    let mut choose = choices();
    let (mut answered, mut wrappers) = (0, 0);
    for (at, one) in codec.model().combinators() {
        if one.section == Section::Types {
            continue;
        }
        let entry = REGISTRY.find(ConstructorId::new(one.id)).unwrap();
        if one.wraps_call() {
            assert!(entry.transcode_answer(&[], &mut Vec::new()).is_none());
            wrappers += 1;
            continue;
        }
        for _ in 0..SAMPLES {
            let value = sampler.sample_type(&one.result, &mut choose).unwrap();
            let bytes = codec.encode_result(at, &value).unwrap();
            let mut again = Vec::new();
            let read = entry.transcode_answer(&bytes, &mut again).unwrap();
            read.unwrap_or_else(|error| panic!("{}: {value}: {error}", one.name));
            assert!(again == bytes, "{}: {value}", one.name);
        }
        answered += 1;
    }
    assert_eq!((answered, wrappers), (839, 11));
}

/// How many values of each.
const SAMPLES: usize = 4;
