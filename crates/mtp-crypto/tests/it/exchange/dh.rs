//! Diffie-Hellman groups, public values and powers.

use mtp_crypto::CtrEntropy;
use mtp_crypto::exchange::{
    DhGroup, DhGroupError, DhSecret, DhValueError, PRIME_CACHE_LEN, PrimeCache,
};
use num_bigint::BigUint;

use crate::prepared::{Prepared, Stuck};
use crate::vectors::{bytes, entries, hex, number, section, text};

fn check(generator: i32, prime: &[u8], cache: &mut PrimeCache) -> Result<DhGroup, DhGroupError> {
    DhGroup::check(generator, prime, cache, &mut CtrEntropy::from_number(5))
}

#[test]
// spec: crypto 10.1, 17#6
// spec: crypto 10.2.1
// spec: crypto 10.2.2
// spec: crypto 10.2.3
fn dh_params_vectors() {
    let mut cache = PrimeCache::new();
    for entry in entries("dh_params", 21) {
        let (generator, prime) = (i32::try_from(number(&entry, "g")).unwrap(), bytes(&entry, "p"));
        let group = check(generator, &prime, &mut cache);
        let name = text(&entry, "name");
        if entry["accept"].as_bool().unwrap() {
            let group = group.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!((group.generator(), &group.prime()[..]), (generator, &prime[..]));
        } else {
            let expected = match text(&entry, "why") {
                "wrong size" => DhGroupError::PrimeSize,
                "g is not an allowed quadratic residue" if (2..=7).contains(&generator) => {
                    DhGroupError::GeneratorNotResidue { generator }
                }
                "g is not an allowed quadratic residue" => {
                    DhGroupError::GeneratorRange { generator }
                }
                _ => DhGroupError::NotSafePrime,
            };
            assert_eq!(group.unwrap_err(), expected, "{name}");
        }
    }
}

#[test]
// spec: crypto 10.3, 17#7
fn dh_public_range_vectors() {
    let ranges = section("dh_public_range");
    assert_eq!(hex(text(&ranges, "p")), DhGroup::KNOWN.prime());
    let list = |field: &str| {
        let list = ranges[field].as_array().unwrap().iter();
        list.map(|value| hex(value.as_str().unwrap())).collect::<Vec<_>>()
    };
    let (reject, mut accept) = (list("reject"), list("accept"));
    assert_eq!((reject.len(), accept.len()), (10, 3));
    accept.push(bytes(&ranges, "accept_short_249_bytes"));

    let secret = DhSecret::generate(&DhGroup::KNOWN, &mut CtrEntropy::from_number(1)).unwrap();
    for value in accept {
        assert!(secret.shared(&value).is_ok(), "{value:02x?}");
    }
    for value in reject {
        let error = secret.shared(&value).unwrap_err();
        let small = value.starts_with(&[0; 8]);
        let expected = if small { DhValueError::TooSmall } else { DhValueError::TooLarge };
        assert_eq!(error, expected, "{value:02x?}");
    }
    assert_eq!(secret.shared(&[1; 257]).unwrap_err(), DhValueError::TooLong { len: 257 });
    assert_eq!(secret.shared(&[]).unwrap_err(), DhValueError::TooSmall);
}

/// (p - 1) / 2 is prime and p is composite without a small divisor: only a power modulo p detects it.
#[test]
// spec: crypto 10.2.3
fn composite_with_a_prime_half_is_rejected() {
    let composite = hex(concat!(
        "88681531cf4881d96a01710c97c612e2dd58a9b0fb1d364b8aca866a2c323976f18f86a1029f873ac27270b9a9bc81f8",
        "2ba63e6a4b825d5ab8f1eb7d1cfcc53c36e75ca7de4f690b3db34598ab687846bd544e943f29b65ea57fb72c65cc9d3d",
        "973012dc08d17a12332d9df831e9bd6248225ca876c837b8f30341810b3eb5e174fa516c0a5d648980e138ca0445b628",
        "2afba5a181a215945097506cf8153a8747603ecee113802f42a0ae1f88c48333e42aac42dbfd268e8f93c7325db76163",
        "3ab4f8d1a2d304af68d1b1cb1a347a4084733cdef92cfe2dd81ea4a2e2d407a730a417ad1a03a5614e087b0c905f23df",
        "352e761b2ecf4cd960534f6e98fb71f7",
    ));
    assert_eq!(composite.len(), 256);
    let refused = check(4, &composite, &mut PrimeCache::new()).unwrap_err();
    assert_eq!(refused, DhGroupError::NotSafePrime);
}

/// The range is 2^(2048 - 64) to p - 2^(2048 - 64), inclusive.
#[test]
// spec: crypto 10.3
fn range_of_public_values_is_inclusive() {
    let (one, margin) = (BigUint::from(1_u32), BigUint::from(1_u32) << (2048 - 64));
    let highest = BigUint::from_bytes_be(&DhGroup::KNOWN.prime()) - &margin;
    let secret = DhSecret::generate(&DhGroup::KNOWN, &mut CtrEntropy::from_number(1)).unwrap();
    let read = |value: &BigUint| secret.shared(&value.to_bytes_be()).map(drop);
    assert_eq!(read(&(&margin - &one)), Err(DhValueError::TooSmall));
    assert_eq!((read(&margin), read(&highest)), (Ok(()), Ok(())));
    assert_eq!(read(&(&highest + &one)), Err(DhValueError::TooLarge));
}

#[test]
// spec: crypto 10.2.4
fn prime_cache_avoids_repeated_tests_and_is_bounded() {
    let prime = bytes(&entries("dh_params", 21)[9], "p");
    let mut cache = PrimeCache::new();
    check(2, &prime, &mut cache).unwrap();
    // An empty prepared source panics if the test draws bases again.
    DhGroup::check(4, &prime, &mut cache, &mut Prepared::default()).unwrap();

    // Composites evict the prime only when the cache is full.
    let composite = |number: usize| {
        let mut composite = [0xff; 256];
        composite[1] = u8::try_from(number).unwrap();
        composite
    };
    for number in 0..PRIME_CACHE_LEN - 1 {
        assert_eq!(
            check(4, &composite(number), &mut cache).unwrap_err(),
            DhGroupError::NotSafePrime
        );
    }
    DhGroup::check(4, &prime, &mut cache, &mut Prepared::default()).unwrap();
    assert!(check(4, &composite(PRIME_CACHE_LEN), &mut cache).is_err());
    assert_eq!(check(4, &composite(0), &mut cache).unwrap_err(), DhGroupError::NotSafePrime);
}

#[test]
fn both_parties_agree_on_the_secret_in_every_group() {
    let other = bytes(&entries("dh_params", 21)[9], "p");
    let mut cache = PrimeCache::new();
    let mut entropy = CtrEntropy::from_number(7);
    let known = DhGroup::KNOWN.prime();
    for (generator, prime) in [(3, &known[..]), (4, &known), (7, &known), (2, &other), (5, &other)]
    {
        let group = check(generator, prime, &mut cache).unwrap();
        let a = DhSecret::generate(&group, &mut entropy).unwrap();
        let b = DhSecret::generate(&group, &mut entropy).unwrap();
        let shared = a.shared(b.public()).unwrap();
        assert_eq!(shared.as_bytes(), b.shared(a.public()).unwrap().as_bytes());
        shared.into_auth_key().unwrap();
    }
}

/// Both the table of powers of 3 and the general power.
#[test]
fn powers_agree_with_num_bigint() {
    let prime = BigUint::from_bytes_be(&DhGroup::KNOWN.prime());
    let mut exponents: Vec<[u8; 256]> = vec![[0xff; 256], [0x55; 256]];
    let mut entropy = CtrEntropy::from_number(11);
    exponents.extend((0..30).map(|_| {
        let mut exponent = [0; 256];
        mtp_env::Entropy::fill(&mut entropy, &mut exponent);
        exponent
    }));
    for generator in [3, 4] {
        let group = check(generator, &DhGroup::KNOWN.prime(), &mut PrimeCache::new()).unwrap();
        let plain = BigUint::from(generator.cast_unsigned());
        for exponent in &exponents {
            let secret =
                DhSecret::generate(&group, &mut Prepared::new([exponent.to_vec()])).unwrap();
            let expected = plain.modpow(&BigUint::from_bytes_be(exponent), &prime);
            assert_eq!(BigUint::from_bytes_be(secret.public()), expected);
            let shared = secret.shared(secret.public()).unwrap();
            let expected = expected.modpow(&BigUint::from_bytes_be(exponent), &prime);
            assert_eq!(BigUint::from_bytes_be(shared.as_bytes()), expected);
        }
    }
}

/// Short exponents give public values out of range; they are drawn again, a bounded number of times.
#[test]
// spec: crypto 10.3, 17#7
fn exponents_with_small_public_values_are_drawn_again() {
    let mut one = vec![0; 256];
    one[255] = 1;
    let mut entropy = Prepared::new([vec![0; 256], one, vec![0xab; 256]]);
    DhSecret::generate(&DhGroup::KNOWN, &mut entropy).unwrap();
    entropy.assert_used();
    let error = DhSecret::generate(&DhGroup::KNOWN, &mut Stuck(0)).unwrap_err();
    assert_eq!(error, DhValueError::Entropy);
}

#[test]
fn secrets_are_not_printed() {
    let secret = DhSecret::generate(&DhGroup::KNOWN, &mut Stuck(0xab)).unwrap();
    assert_eq!(format!("{secret:?}"), "DhSecret(DhGroup(3, known prime), ..)");
    let shared = secret.shared(secret.public()).unwrap();
    assert_eq!(format!("{shared:?}"), "SharedSecret(..)");
}
