//! Goal: random values of every constructor and function go through their generated types unchanged.
//! Method: the dynamic codec, which shares no code with the generator's output, makes and writes them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use mtp_api::{LAYER, REGISTRY};
use mtp_schema::dynamic::{Codec, Sampler};
use mtp_schema::id::IdRule;
use mtp_schema::model::{Model, Ty};
use mtp_schema::tree::Section;
use mtp_tl::{ConstructorId, Decoder};

// spec: tl 6
#[test]
fn samples_of_everything_round_trip() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/api.tl");
    let text = std::fs::read_to_string(path).unwrap();
    let schema = mtp_schema::parse_text("api.tl", &text, IdRule::Api).unwrap();
    let codec = Codec::new(Model::new(&schema).unwrap());
    let sampler = Sampler::new(codec.model());
    let mut state = 1_u32;
    let mut choose = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u32::try_from((u64::from(state) * u64::from(below)) >> 32).unwrap()
    };
    let mut combinators = 0;
    for (at, one) in codec.model().combinators() {
        // Declared and used nowhere: the generator leaves them out.
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

/// How many values of each.
const SAMPLES: usize = 4;
