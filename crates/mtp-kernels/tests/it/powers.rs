//! Modular powers against `num-bigint`.

use mtp_kernels::{Multiplier, Power, PowerJob, PowerModulus, radix_gap};
use num_bigint::BigUint;

/// Reproducible pseudorandom limbs.
struct Noise(u64);

impl Noise {
    fn limbs<const LIMBS: usize>(&mut self) -> [u64; LIMBS] {
        core::array::from_fn(|_| {
            self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            self.0 ^ self.0 >> 29
        })
    }
}

fn big(limbs: &[u64]) -> BigUint {
    limbs.iter().rev().fold(BigUint::ZERO, |number, limb| (number << 64) + *limb)
}

fn limbs<const LIMBS: usize>(number: &BigUint) -> [u64; LIMBS] {
    let mut digits = number.iter_u64_digits();
    core::array::from_fn(|_| digits.next().unwrap_or_default())
}

/// A modulus with the constants that the kernels take.
struct Constants<const LIMBS: usize> {
    n: [u64; LIMBS],
    inverse: u64,
    one: [u64; LIMBS],
    shifted_one: [u64; LIMBS],
}

impl<const LIMBS: usize> Constants<LIMBS> {
    fn new(n: [u64; LIMBS]) -> Self {
        let inverse = (0..6).fold(1_u64, |inverse, _| {
            inverse.wrapping_mul(2_u64.wrapping_sub(n[0].wrapping_mul(inverse)))
        });
        let radix = BigUint::from(1_u8) << (64 * LIMBS);
        let one = &radix % big(&n);
        let shifted_one = (radix << (2 * radix_gap(LIMBS))) % big(&n);
        Self {
            n,
            inverse: inverse.wrapping_neg(),
            one: limbs(&one),
            shifted_one: limbs(&shifted_one),
        }
    }

    fn modulus(&self) -> PowerModulus<'_, LIMBS> {
        let Self { n, inverse, one, shifted_one } = self;
        PowerModulus { n, inverse: *inverse, one, shifted_one }
    }

    /// Returns the number whose Montgomery form the result is.
    fn number(&self, Power { limbs, carry }: &Power<LIMBS>) -> BigUint {
        let form = (BigUint::from(*carry) << (64 * LIMBS)) + big(limbs);
        assert!(form < big(&self.n) * 2_u8, "the result is almost reduced");
        form * self.inverse_of_radix() % big(&self.n)
    }

    fn inverse_of_radix(&self) -> BigUint {
        (BigUint::from(1_u8) << (64 * LIMBS)).modinv(&big(&self.n)).unwrap()
    }
}

/// Moduli with every digit full, with few bits set, short ones, and random ones.
fn moduli<const LIMBS: usize>(noise: &mut Noise) -> Vec<[u64; LIMBS]> {
    let full = [u64::MAX; LIMBS];
    let mut sparse = [0; LIMBS];
    (sparse[0], sparse[LIMBS - 1]) = (1, 1 << 63);
    let mut short = [0; LIMBS];
    short[0] = 0xffff_ffff_ffff_ffc5;
    let mut moduli = vec![full, sparse, short];
    for _ in 0..8 {
        let mut random = noise.limbs();
        random[0] |= 1;
        moduli.push(random);
    }
    moduli
}

fn compare<const LIMBS: usize>() {
    let Some(multiplier) = Multiplier::detect() else { return };
    let mut noise = Noise(LIMBS as u64);
    for n in moduli::<LIMBS>(&mut noise) {
        let constants = Constants::new(n);
        let other = Constants::new([u64::MAX - 58; LIMBS]);
        let bases = [[u64::MAX; LIMBS], [0; LIMBS], noise.limbs(), noise.limbs()];
        for base in bases {
            for exponent in [[0; LIMBS], [u64::MAX; LIMBS], noise.limbs()] {
                let job = |constants| {
                    let modulus = Constants::modulus(constants);
                    PowerJob { modulus, base: &base, exponent: &exponent }
                };
                let expected = |constants: &Constants<LIMBS>| {
                    let number = big(&base) * constants.inverse_of_radix();
                    number.modpow(&big(&exponent), &big(&constants.n))
                };
                let [power] = multiplier.pow_each(&[job(&constants)]).unwrap();
                assert_eq!(constants.number(&power), expected(&constants));
                let [power, other_power] =
                    multiplier.pow_each(&[job(&constants), job(&other)]).unwrap();
                assert_eq!(constants.number(&power), expected(&constants));
                assert_eq!(other.number(&other_power), expected(&other));
            }
        }
    }
}

/// The other tests pass vacuously without the multiplier, so this one checks the detection.
#[test]
fn multiplier_is_detected_if_the_processor_has_it() {
    #[cfg(target_arch = "x86_64")]
    let expected = std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512ifma");
    #[cfg(not(target_arch = "x86_64"))]
    let expected = false;
    assert_eq!(Multiplier::detect().is_some(), expected);
}

#[test]
fn powers_of_1024_bits_match_their_definition() {
    compare::<16>();
}

#[test]
fn powers_of_2048_bits_match_their_definition() {
    compare::<32>();
}

#[test]
fn other_lengths_have_no_kernel() {
    let Some(multiplier) = Multiplier::detect() else { return };
    let constants = Constants::new([3; 8]);
    let job = PowerJob { modulus: constants.modulus(), base: &[1; 8], exponent: &[1; 8] };
    assert!(multiplier.pow_each(&[job]).is_none());
}
