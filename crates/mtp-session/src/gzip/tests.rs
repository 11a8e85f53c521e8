//! Gzip members, packed and unpacked by both libraries.

use alloc::vec;

use super::*;
use crate::service::{Message, Wrappers};
use crate::vectors;

const LIMIT: usize = 1 << 20;

/// Unpacks a gzipped object, also inside `rpc_result` or `invokeAfterMsg`.
fn unpack(object: &[u8], limit: usize) -> Option<Vec<u8>> {
    let (before, object) = match Message::parse(object).unwrap() {
        Message::RpcResult(result) => {
            (Vec::new(), object[object.len() - result.result.as_bytes().len()..].to_vec())
        }
        Message::Object(body) => {
            let (_, query) = Wrappers::peel(body).unwrap();
            (body[..body.len() - query.len()].to_vec(), query.to_vec())
        }
        _ => (Vec::new(), object.to_vec()),
    };
    let Ok(Message::GzipPacked(packed)) = Message::parse(&object) else { panic!("not packed") };
    let mut out = before;
    let start = out.len();
    Inflater::new().unpack(packed.packed_data, limit, &mut out).ok()?;
    // The session rejects a second level the same way.
    let nested = matches!(Message::parse(&out[start..]), Ok(Message::GzipPacked(_)));
    (!nested).then_some(out)
}

// spec: session 8.13
// spec: session 20#17
#[test]
fn packed_objects_of_the_vectors_are_unpacked_or_rejected() {
    let section = vectors::whole("gzip");
    let limit = usize::try_from(section.number("unpacked_limit_default")).unwrap();
    let cases = section.entries("cases");
    assert_eq!(cases.len(), 14);
    for case in cases {
        let object =
            if case.has("object") { case.bytes("object") } else { case.base64("object_b64") };
        let unpacked = unpack(&object, limit);
        if case.text("verdict").starts_with("ok") {
            assert_eq!(unpacked.unwrap(), case.bytes("unpacked"), "{case:?}");
        } else {
            assert_eq!(unpacked, None, "{case:?}");
        }
        if let Some(len) = case.optional_number("unpacked_len") {
            assert_eq!(unpack(&object, usize::try_from(len).unwrap()).unwrap().len() as u64, len);
        }
    }
}

/// Returns random bytes less than `sides`.
fn noise(len: usize, sides: u32) -> Vec<u8> {
    let mut state = 7_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from((state >> 16) % sides).unwrap()
    };
    (0..len).map(next).collect()
}

fn member(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(Deflater::new().pack_within(content, &mut out));
    out
}

// spec: session 8.13
#[test]
fn packed_content_unpacks_to_itself() {
    let (mut deflater, mut inflater) = (Deflater::new(), Inflater::new());
    for len in [256, 1024, 16 * 1024, 300_000] {
        let content: Vec<u8> = (0..len).map(|at: u32| (at / 64).to_le_bytes()[0]).collect();
        let mut packed = vec![9];
        assert!(deflater.pack(&content, &mut packed));
        assert!(packed.len() <= content.len() * 9 / 10 + 1);
        let mut unpacked = vec![7, 7];
        inflater.unpack(&packed[1..], content.len(), &mut unpacked).unwrap();
        assert_eq!(unpacked[2..], content);
        let above = inflater.unpack(&packed[1..], content.len() - 1, &mut unpacked);
        assert_eq!(above, Err(GunzipError::TooLong { limit: content.len() - 1 }));
        assert_eq!(unpacked.len(), 2 + content.len());
    }
}

#[test]
fn incompressible_content_is_not_packed() {
    let noise = noise(20_000, 256);
    let mut out = vec![1];
    assert!(!Deflater::new().pack(&noise, &mut out));
    assert!(!Deflater::new().pack(&noise[..1000], &mut out));
    assert!(!Deflater::new().pack(&[], &mut out));
    assert_eq!(out, [1]);
}

// spec: session 8.13
#[test]
fn content_is_packed_if_it_shrinks_to_nine_tenths() {
    let (mut deflater, noise) = (Deflater::new(), noise(2_000, 256));
    let mut pack = |zeros: usize| {
        let content = [noise.as_slice(), &vec![0; zeros]].concat();
        let mut out = Vec::new();
        (deflater.pack(&content, &mut out), out.len(), content.len() - content.len() / 10)
    };
    let (_, len, allowed) = (0..500).map(&mut pack).find(|(worth, ..)| *worth).unwrap();
    assert!((allowed - 2..=allowed).contains(&len), "{len} of {allowed}");
    assert!(pack(1_000).0);
}

#[test]
fn long_content_is_probed_in_its_middle() {
    let noise = noise(PROBE_LEN, 256);
    let pack = |len: usize, place: usize| {
        let mut content = vec![7; len];
        content[place..][..PROBE_LEN].copy_from_slice(&noise);
        Deflater::new().pack(&content, &mut Vec::new())
    };
    assert!(!pack(PROBE_FROM, PROBE_FROM / 2));
    assert!(pack(PROBE_FROM, 0));
    assert!(pack(PROBE_FROM - 1, PROBE_FROM / 2), "a short content is tried as a whole");
}

#[test]
fn incompressible_content_leaves_the_deflater_usable() {
    let (mut deflater, noise) = (Deflater::new(), noise(4_000, 256));
    let mut out = Vec::new();
    for round in 0..2_000 {
        let noise = &noise[round..][..256 + round % 1024];
        assert!(!deflater.pack(noise, &mut out), "{round}");
    }
    let content = vec![7; 40_000];
    assert!(deflater.pack(&content, &mut out));
    assert_eq!(out, member(&content), "as packed by a new deflater");
}

#[test]
fn bytes_after_the_stream_are_rejected_at_any_limit() {
    let mut packed = member(&[0; 256]);
    packed.insert(packed.len() - TRAILER_LEN, 0);
    let unpack = |limit| Inflater::new().unpack(&packed, limit, &mut Vec::new());
    assert_eq!(unpack(255), Err(GunzipError::TooLong { limit: 255 }));
    assert_eq!(unpack(256), Err(GunzipError::Malformed));
    assert_eq!(unpack(257), Err(GunzipError::Malformed));
}

#[test]
fn debug_output_contains_no_content() {
    let printed = alloc::format!("{:?} {:?}", Inflater::new(), Deflater::new());
    assert_eq!(printed, "Inflater(..) Deflater(..)");
}

#[test]
fn header_with_optional_fields_is_skipped() {
    let plain = member(&[0; 256]);
    let mut fancy = plain[..10].to_vec();
    fancy[3] = 2 | 4 | 8 | 16;
    fancy.extend([3, 0, 1, 2, 3]);
    fancy.extend(b"name\0comment\0");
    fancy.extend([0xaa, 0xbb]);
    fancy.extend(&plain[10..]);
    let mut out = Vec::new();
    Inflater::new().unpack(&fancy, LIMIT, &mut out).unwrap();
    assert_eq!(out, [0; 256]);
    fancy[3] |= 32;
    assert_eq!(Inflater::new().unpack(&fancy, LIMIT, &mut out), Err(GunzipError::Malformed));
}

#[test]
fn truncation_and_bit_flips_are_rejected_or_harmless() {
    let packed = member(&[5; 512]);
    let mut inflater = Inflater::new();
    let mut out = Vec::new();
    for len in 0..packed.len() {
        assert!(inflater.unpack(&packed[..len], LIMIT, &mut out).is_err(), "{len}");
    }
    for bit in 0..packed.len() * 8 {
        let mut flipped = packed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        out.clear();
        if inflater.unpack(&flipped, LIMIT, &mut out).is_ok() {
            // Only the time, system and text fields of the header are ignored.
            assert_eq!(out, [5; 512]);
        }
    }
    let mut two = packed.clone();
    two.extend(&packed);
    assert!(inflater.unpack(&two, LIMIT, &mut out).is_err());
}

/// Both libraries on the same bytes: the behavior of a session must not depend on its build.
#[cfg(feature = "std")]
mod both {
    use super::*;

    type Outcome = (Result<(), GunzipError>, Vec<u8>);

    struct Both {
        fast: Inflater<fast::Inflate>,
        portable: Inflater<portable::Inflate>,
        errors: [u32; 3],
    }

    impl Both {
        fn new() -> Self {
            let (fast, portable) = (Inflater::of_library(), Inflater::of_library());
            Self { fast, portable, errors: [0; 3] }
        }

        /// Unpacks with both libraries and asserts equal results.
        #[track_caller]
        fn unpack(&mut self, packed: &[u8], limit: usize) -> Outcome {
            let (mut one, mut other) = (vec![1], vec![1]);
            let result = self.fast.unpack(packed, limit, &mut one);
            assert_eq!(self.portable.unpack(packed, limit, &mut other), result);
            assert!(one == other, "different contents");
            match result {
                Ok(()) => {}
                Err(GunzipError::Malformed) => self.errors[0] += 1,
                Err(GunzipError::NotAnObject) => self.errors[1] += 1,
                Err(GunzipError::TooLong { .. }) => self.errors[2] += 1,
            }
            (result, one.split_off(1))
        }
    }

    /// Packs a member with each library, regardless of its size.
    fn members(content: &[u8]) -> [Vec<u8>; 2] {
        fn streams<S: Deflate>(content: &[u8]) -> Vec<u8> {
            let mut room = vec![0; 2 * content.len() + EXPANSION_MAX];
            let len = S::new().whole(content, &mut room).unwrap();
            let mut member = HEADER.to_vec();
            member.extend(&room[..len]);
            member.extend(crc32fast::hash(content).to_le_bytes());
            member.extend(length_word(content));
            member
        }
        [streams::<fast::Deflate>(content), streams::<portable::Deflate>(content)]
    }

    // spec: session 8.13
    #[test]
    fn each_library_unpacks_the_output_of_both() {
        let mut both = Both::new();
        let mut contents: Vec<Vec<u8>> = [0, 1, 4, 255, 256, 4096, 4100, 65_536, 1_000_000]
            .into_iter()
            .flat_map(|len| [1, 2, 17, 256].map(|sides| noise(len, sides)))
            .collect();
        contents.push(b"tell them apart, ".repeat(30_000));
        for content in &contents {
            for packed in members(content) {
                let whole = both.unpack(&packed, content.len());
                if content.is_empty() || content.len() % 4 != 0 {
                    assert_eq!(whole, (Err(GunzipError::NotAnObject), vec![]));
                } else {
                    assert!(whole == (Ok(()), content.clone()), "{}", content.len());
                    let limit = content.len() - 1;
                    let above = both.unpack(&packed, limit);
                    assert_eq!(above, (Err(GunzipError::TooLong { limit }), vec![]));
                }
            }
        }
    }

    #[test]
    fn both_libraries_pack_the_same_contents() {
        for (sides, shrinks) in [(1, true), (4, true), (256, false)] {
            let content = noise(40_000, sides);
            let (mut one, mut other) = (Vec::new(), Vec::new());
            let mut fast = Deflater::<fast::Deflate>::of_library();
            let mut portable = Deflater::<portable::Deflate>::of_library();
            for _ in 0..3 {
                assert_eq!(fast.pack(&content, &mut one), shrinks);
                assert_eq!(portable.pack(&content, &mut other), shrinks);
            }
            assert_eq!((one.is_empty(), other.is_empty()), (!shrinks, !shrinks));
        }
    }

    #[test]
    fn both_libraries_reject_the_same_streams() {
        let mut both = Both::new();
        let contents = [noise(512, 256), noise(600, 3), vec![5; 20_000], b"abcd".repeat(100)];
        for packed in contents.iter().flat_map(|content| members(content)) {
            for len in 0..packed.len() {
                let (cut, _) = both.unpack(&packed[..len], LIMIT);
                assert_eq!(cut, Err(GunzipError::Malformed), "cut at {len}");
            }
            for bit in 0..packed.len() * 8 {
                let mut flipped = packed.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                for limit in [300, 1000, LIMIT] {
                    let _ = both.unpack(&flipped, limit);
                }
            }
            let mut late = packed.clone();
            late.insert(packed.len() - 8, 0);
            assert_eq!(both.unpack(&late, LIMIT).0, Err(GunzipError::Malformed));
        }
        let [malformed, _, too_long] = both.errors;
        assert!(malformed > 1000 && too_long > 1000, "{malformed} {too_long}");
    }

    #[test]
    fn both_libraries_stop_a_bomb_at_the_limit() {
        let mut both = Both::new();
        for mut packed in members(&vec![0; 40 << 20]) {
            assert!(packed.len() < 1 << 20, "{}", packed.len());
            for limit in [0, 3, 4096, LIMIT, (40 << 20) - 1] {
                let (result, content) = both.unpack(&packed, limit);
                assert_eq!(result, Err(GunzipError::TooLong { limit }));
                assert!(content.is_empty());
            }
            // Damage beyond the limit does not matter.
            packed.truncate(packed.len() / 2);
            let (result, _) = both.unpack(&packed, LIMIT);
            assert_eq!(result, Err(GunzipError::TooLong { limit: LIMIT }));
        }
    }
}
