//! Registries: lookup by id and transcoding.
#![allow(clippy::redundant_closure, reason = "only a closure is general over both lifetimes")]

use mtp_tl::registry::{Entry, Kind, Registry, transcode};
use mtp_tl::{ConstructorId, DecodeErrorKind, Decoder, Encode};

const VECTOR_OF_INTS: u32 = 0x1cb5_c415;
const BOOL_TRUE: u32 = 0x9972_75b5;
const FUNCTION: u32 = 0xc4f9_186b;

/// In ascending order of ids.
static ENTRIES: [Entry; 3] = [
    Entry::new(VECTOR_OF_INTS, "vector", Kind::Constructor, |d, out| transcode::<Vec<i32>>(d, out)),
    Entry::new(BOOL_TRUE, "boolTrue", Kind::Constructor, |d, out| transcode::<bool>(d, out)),
    Entry::new(FUNCTION, "help.getConfig", Kind::Function, |d, out| transcode::<i32>(d, out)),
];

const REGISTRY: Registry = Registry::new(&ENTRIES);

fn transcoded(bytes: &[u8]) -> Result<Vec<u8>, DecodeErrorKind> {
    let (mut d, mut out) = (Decoder::new(bytes), Vec::new());
    REGISTRY.transcode(&mut d, &mut out).map_err(|error| error.kind())?;
    d.finish().unwrap();
    Ok(out)
}

#[test]
fn find_returns_the_entry_of_an_id() {
    assert_eq!(REGISTRY.entries().len(), 3);
    for entry in REGISTRY.entries() {
        assert_eq!(REGISTRY.find(entry.id).map(|found| found.name), Some(entry.name));
    }
    assert!(REGISTRY.find(ConstructorId::new(7)).is_none());
}

// spec: tl 7
#[test]
fn transcode_preserves_known_values_and_rejects_everything_else() {
    for bytes in [vec![1, 2, 3].to_bytes(), true.to_bytes()] {
        assert_eq!(transcoded(&bytes), Ok(bytes));
    }
    let unknown = ConstructorId::new(7);
    let expected = DecodeErrorKind::UnknownConstructor { id: unknown };
    assert_eq!(transcoded(&7_u32.to_le_bytes()), Err(expected));
    let id = ConstructorId::new(FUNCTION);
    let expected = DecodeErrorKind::UnexpectedConstructor { id, expected: "Object" };
    assert_eq!(transcoded(&FUNCTION.to_le_bytes()), Err(expected), "a function is not a value");
    let expected = DecodeErrorKind::UnexpectedEof { needed: 4, have: 2 };
    assert_eq!(transcoded(&[1, 2]), Err(expected));
}
