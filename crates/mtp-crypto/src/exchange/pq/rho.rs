//! Pollard's rho method in Brent's form, the fallback if the elliptic curves fail.

use super::RHO_STEPS_MAX;
use super::montgomery::Modulus;

/// Searches for a divisor of a composite modulus that is not a square; `steps` counts the work.
// spec: crypto 16
pub(super) fn find_divisor(modulus: &Modulus, steps: &mut u32) -> Option<u64> {
    (1..=SEEDS).find_map(|seed| walk(modulus, modulus.residue(seed), steps))
}

/// Iterates `x ← x² + seed` until a difference shares a divisor with the modulus.
///
/// The product of [`BATCH`] differences is tested at once. If it contains all factors, the steps of
/// the batch are repeated one by one.
fn walk(modulus: &Modulus, seed: u64, steps: &mut u32) -> Option<u64> {
    let step = |x| modulus.add(modulus.square(x), seed);
    let mut ahead = modulus.residue(2);
    for stride in (0..).map(|round| 1u32 << round) {
        *steps = steps.checked_add(2 * stride).filter(|steps| *steps <= RHO_STEPS_MAX)?;
        let behind = ahead;
        for _ in 0..stride {
            ahead = step(ahead);
        }
        for done in (0..stride).step_by(BATCH as usize) {
            let batch = (stride - done).min(BATCH);
            let start = ahead;
            let mut product = modulus.one();
            for _ in 0..batch {
                ahead = step(ahead);
                product = modulus.mul(product, modulus.sub(ahead, behind));
            }
            if let Some(divisor) = modulus.shared_divisor(product) {
                return Some(divisor);
            }
            if product == 0 {
                return single_steps(modulus, start, behind, batch, step);
            }
        }
    }
    None
}

fn single_steps(
    modulus: &Modulus,
    mut ahead: u64,
    behind: u64,
    batch: u32,
    step: impl Fn(u64) -> u64,
) -> Option<u64> {
    (0..batch).find_map(|_| {
        ahead = step(ahead);
        modulus.shared_divisor(modulus.sub(ahead, behind))
    })
}

const BATCH: u32 = 128;

/// Number of seeds. A second one is needed once in thousands of numbers.
const SEEDS: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_two_primes_are_factored() {
        for (p, q) in [(59, 61), (65_521, 65_537), (1_073_741_827, 2_147_483_647)] {
            let mut steps = 0;
            let divisor = find_divisor(&Modulus::new(p * q), &mut steps);
            assert!(divisor == Some(p) || divisor == Some(q), "{p}·{q}: {divisor:?}");
            assert!(steps <= RHO_STEPS_MAX);
        }
    }

    #[test]
    fn search_on_a_prime_ends_within_the_bound() {
        let mut steps = 0;
        assert_eq!(find_divisor(&Modulus::new((1 << 61) - 1), &mut steps), None);
        assert!(steps > RHO_STEPS_MAX / 2 && steps <= RHO_STEPS_MAX, "{steps}");
    }
}
