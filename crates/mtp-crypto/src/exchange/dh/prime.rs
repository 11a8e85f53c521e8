//! Safe primes other than the usual one: tested properly, remembered.

use alloc::collections::VecDeque;

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Limb, NonZero, Odd, U2048};
use crypto_primes::hazmat::{AStarBase, LucasCheck, MillerRabin, lucas_test};
use mtp_env::Entropy;

use crate::exchange::number::to_be_256;
use crate::hash::sha256;

/// Remembers which moduli are safe primes and which are not.
///
/// One cache serves all uses of Diffie-Hellman groups: key exchange, passwords, secret chats and
/// calls. It keeps the last [`PRIME_CACHE_LEN`] answers, as hashes.
// spec: crypto 10.2.4
#[derive(Debug, Default)]
pub struct PrimeCache {
    known: VecDeque<([u8; 32], bool)>,
}

impl PrimeCache {
    /// Starts with nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { known: VecDeque::new() }
    }

    pub(super) fn is_safe_prime(&mut self, number: &Odd<U2048>, entropy: &mut dyn Entropy) -> bool {
        let hash = sha256(&[&to_be_256(number.as_ref())]);
        if let Some((_, answer)) = self.known.iter().find(|(known, _)| *known == hash) {
            return *answer;
        }
        let answer = is_safe_prime(number, entropy);
        if self.known.len() == PRIME_CACHE_LEN {
            self.known.pop_front();
        }
        self.known.push_back((hash, answer));
        answer
    }
}

/// Answers that a [`PrimeCache`] keeps, the newest ones; 33 bytes each.
pub const PRIME_CACHE_LEN: usize = 64;

/// Odd primes whose multiples are refused without a power.
const SMALL_PRIMES_END: u8 = 251;

/// Rounds with random bases behind the Baillie-PSW test. An adversary who knew a composite that
/// passes the latter, and nobody does, would pass with one chance in 2^32.
const RANDOM_ROUNDS: usize = 16;

/// Reports whether a number p of 2048 bits and q = (p - 1) / 2 are both prime.
///
/// The bases are random because composites can be made for any bases known before. With q prime,
/// p needs one power only: Pocklington's theorem proves it prime if 2^(p-1) = 1 and 2² - 1 shares
/// no divisor with p, since q is above its root.
// spec: crypto 10.2.3
fn is_safe_prime(p: &Odd<U2048>, entropy: &mut dyn Entropy) -> bool {
    let half = p.as_ref().shr_vartime(1);
    let q: Option<Odd<U2048>> = Odd::new(half).into();
    let Some(q) = q else { return false };
    if has_small_divisor(&q) {
        return false;
    }
    let miller_rabin = MillerRabin::new(q);
    if miller_rabin.test_base_two().is_composite() || !fermat_holds_for_two(p) {
        return false;
    }
    if lucas_test(q, AStarBase, LucasCheck::Bpsw21).is_composite() {
        return false;
    }
    (0..RANDOM_ROUNDS).all(|_| {
        let mut bytes = [0; 256];
        entropy.fill(&mut bytes);
        miller_rabin.test(&U2048::from_be_slice(&bytes)).is_probably_prime()
    })
}

/// Reports whether q or p = 2q + 1 is a multiple of a small odd number.
fn has_small_divisor(q: &U2048) -> bool {
    (3..=SMALL_PRIMES_END)
        .step_by(2)
        .filter_map(|divisor| NonZero::new(Limb::from_u8(divisor)).into_option())
        .any(|divisor| {
            let remainder = q.rem_limb(divisor).0;
            remainder == 0 || 2 * remainder + 1 == divisor.get().0
        })
}

fn fermat_holds_for_two(p: &Odd<U2048>) -> bool {
    let params = FixedMontyParams::new_vartime(*p);
    let two = FixedMontyForm::new(&U2048::from_u8(2), &params);
    let exponent = p.as_ref().wrapping_sub(&U2048::ONE);
    two.pow_vartime(&exponent) == FixedMontyForm::one(&params)
}
