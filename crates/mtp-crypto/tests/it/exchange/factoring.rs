//! Factoring `pq`.

use mtp_crypto::CtrEntropy;
use mtp_crypto::exchange::{
    CURVES_MAX, Effort, FactorError, Pq, RHO_STEPS_MAX, ShortNumber, factor, factor_counting,
};
use mtp_env::Entropy;

use crate::prepared::Stuck;
use crate::vectors::{bytes, entries, number, text};

#[test]
// spec: crypto 8.3, 17#3
// spec: crypto 16
fn pq_vectors() {
    let mut even = 0;
    for entry in entries("pq", 21) {
        let pq = ShortNumber::read(&bytes(&entry, "pq_bytes")).unwrap();
        assert_eq!(pq, number(&entry, "pq"));
        if pq.is_multiple_of(2) {
            // "Not produced by servers; must still terminate."
            assert_eq!(factor(pq), Err(FactorError::Even));
            even += 1;
            continue;
        }
        let found = factor(pq).unwrap();
        assert_eq!(
            (found.p(), found.q(), found.pq()),
            (number(&entry, "p"), number(&entry, "q"), pq)
        );
        assert_eq!(ShortNumber::new(found.p()).as_bytes(), bytes(&entry, "p_bytes"));
        assert_eq!(ShortNumber::new(found.q()).as_bytes(), bytes(&entry, "q_bytes"));
        assert_eq!(ShortNumber::new(pq).as_bytes(), bytes(&entry, "pq_bytes"));
    }
    assert_eq!(even, 1);
}

#[test]
// spec: crypto 16
fn invalid_pq_vectors() {
    for entry in entries("pq_invalid", 7) {
        let expected = match (number(&entry, "pq"), text(&entry, "why")) {
            (0..=3, _) => FactorError::TooSmall,
            (_, "prime" | "prime close to 2^63") => FactorError::Prime,
            (_, "square of 2147483647") => FactorError::Square,
            (_, "more than two factors") => FactorError::Even,
            other => panic!("{other:?}"),
        };
        assert_eq!(factor(number(&entry, "pq")), Err(expected), "{}", text(&entry, "why"));
    }
}

#[test]
fn numbers_other_than_products_of_two_odd_primes_are_rejected() {
    let cube_root = 2_097_143u64;
    for (pq, expected) in [
        (3, FactorError::TooSmall),
        (4, FactorError::Even),
        (5, FactorError::Prime),
        (9, FactorError::Square),
        (25, FactorError::Square),
        (27, FactorError::ManyFactors),
        (45, FactorError::ManyFactors),
        (59 * 61 * 67, FactorError::ManyFactors),
        (2_097_143 * 2_097_133 * 2_097_131, FactorError::ManyFactors),
        (cube_root * cube_root * cube_root, FactorError::ManyFactors),
        (65_521 * 65_521 * 65_519 * 65_519, FactorError::Square),
        (u64::MAX, FactorError::ManyFactors),
        (18_446_744_073_709_551_557, FactorError::Prime),
        (4_294_967_291 * 4_294_967_291, FactorError::Square),
    ] {
        assert_eq!(factor(pq), Err(expected), "{pq}");
    }
}

#[test]
// spec: crypto 8.3, 17#3
fn short_numbers_have_at_most_eight_bytes() {
    assert_eq!(ShortNumber::read(&[0xff; 8]), Some(u64::MAX));
    assert_eq!(ShortNumber::read(&[0; 9]), None);
    assert_eq!(ShortNumber::read(&[1, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    assert_eq!(ShortNumber::read(&[]), Some(0));
    assert_eq!(ShortNumber::new(0).as_bytes(), [0u8; 0]);
    assert_eq!(ShortNumber::new(0x0100).as_bytes(), [1, 0]);
    assert_eq!(ShortNumber::new(u64::MAX).as_bytes(), [0xff; 8]);
}

/// Products of random primes as servers generate them, within the bounds on the work.
#[test]
// spec: crypto 16
fn products_of_31_bit_primes_are_factored() {
    let mut entropy = CtrEntropy::from_number(1);
    let mut worst = Effort::default();
    for _ in 0..NUMBERS {
        let made = Pq::generate(&mut entropy);
        assert!(made.p() < made.q() && made.p() >= 1 << 30 && made.pq() < 1 << 63);
        check_product(made.pq(), made.p(), &mut worst);
    }
    assert!(worst.curves <= CURVES_MAX && worst.rho_steps <= RHO_STEPS_MAX, "{worst:?}");
}

/// Products of primes of all other sizes: structured, unbalanced, close together.
#[test]
// spec: crypto 16
fn products_of_primes_of_all_sizes_are_factored() {
    let mut entropy = CtrEntropy::from_number(2);
    let mut worst = Effort::default();
    let mut products = 0;
    for round in 0..NUMBERS {
        let p_bits = 2 + (round % 31) as u32;
        let q_bits = 2 + (round / 31 % (62 - u64::from(p_bits))) as u32;
        let p = prime_from(random(&mut entropy, p_bits));
        let q = if round % 4 == 0 {
            prime_from(p + 1)
        } else {
            prime_from(random(&mut entropy, q_bits))
        };
        let Some(pq) = p.checked_mul(q).filter(|_| p != q && p != 2 && q != 2) else { continue };
        check_product(pq, p.min(q), &mut worst);
        products += 1;
    }
    assert!(products > NUMBERS / 2, "{products}");
    assert!(worst.curves <= CURVES_MAX && worst.rho_steps <= RHO_STEPS_MAX, "{worst:?}");
}

/// For every number, the work is bounded and the result correct.
#[test]
// spec: crypto 16
fn arbitrary_numbers_end_within_the_bound() {
    let mut entropy = CtrEntropy::from_number(3);
    for round in 0..NUMBERS {
        let number = random(&mut entropy, 1 + (round % 64) as u32);
        let mut effort = Effort::default();
        match factor_counting(number, &mut effort) {
            Ok(found) => {
                assert_eq!(found.p().checked_mul(found.q()), Some(number));
                assert!(found.p() < found.q() && found.p() > 2);
            }
            Err(error) => assert_ne!(error, FactorError::GivenUp, "{number}"),
        }
        assert!(effort.curves <= CURVES_MAX && effort.rho_steps <= RHO_STEPS_MAX, "{effort:?}");
    }
}

#[test]
fn generate_ends_with_a_broken_entropy_source() {
    for byte in [0, 0x55, 0xff] {
        let made = Pq::generate(&mut Stuck(byte));
        assert_ne!(made.p(), made.q());
        assert_eq!(factor(made.pq()), Ok(made));
    }
}

/// Numbers per property, 10^5 in total.
const NUMBERS: u64 = 35_000;

#[track_caller]
fn check_product(pq: u64, p: u64, worst: &mut Effort) {
    let mut effort = Effort::default();
    let found = factor_counting(pq, &mut effort).unwrap_or_else(|error| panic!("{pq}: {error}"));
    assert_eq!((found.p(), found.q()), (p, pq / p));
    worst.curves = worst.curves.max(effort.curves);
    worst.rho_steps = worst.rho_steps.max(effort.rho_steps);
}

fn random(entropy: &mut CtrEntropy, bits: u32) -> u64 {
    let mut bytes = [0; 8];
    entropy.fill(&mut bytes);
    (u64::from_le_bytes(bytes) >> (64 - bits)) | 1 << (bits - 1)
}

fn prime_from(mut number: u64) -> u64 {
    while !is_prime(number) {
        number += 1;
    }
    number
}

/// A reference primality test: Miller-Rabin to the first twelve prime bases, which is exact for 64-bit
/// numbers, with plain division.
fn is_prime(number: u64) -> bool {
    let small = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if number < 2 || small.iter().any(|prime| number.is_multiple_of(*prime)) {
        return small.contains(&number);
    }
    let mul = |a: u64, b: u64| (u128::from(a) * u128::from(b) % u128::from(number)) as u64;
    let twos = (number - 1).trailing_zeros();
    small.into_iter().all(|base| {
        let (mut power, mut square, mut exponent) = (1, base, (number - 1) >> twos);
        while exponent > 0 {
            if exponent & 1 == 1 {
                power = mul(power, square);
            }
            square = mul(square, square);
            exponent >>= 1;
        }
        let mut squares = core::iter::successors(Some(power), |power| Some(mul(*power, *power)));
        power == 1 || squares.by_ref().take(twos as usize).any(|power| power == number - 1)
    })
}
