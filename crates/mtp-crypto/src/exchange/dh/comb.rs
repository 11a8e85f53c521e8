//! Powers of 3 modulo the known prime, by a fixed-base comb.
//!
//! The exponent, zero-extended from 2048 to 2060 bits, is arranged in five rows of four blocks of 103
//! columns. A column of a block is a five-bit number, and the table holds, for each block and each
//! such number, the product of the corresponding powers of 3:
//!
//! ```text
//!             block 3       block 2       block 1       block 0
//!   row 0   411 … 309     308 … 206     205 … 103     102 …  0        bits of the exponent
//!   row 1   823 … 721        …             …          514 … 412
//!    …
//!   row 4  2059 … 1957       …             …         1750 … 1648
//! ```
//!
//! This takes 412 multiplications and 102 squarings, instead of 2048 squarings without a table. The
//! index of an entry is secret, so every lookup reads all entries of a block.

use crypto_bigint::U2048;
use mtp_kernels::Multiplier;
use zeroize::Zeroizing;

use super::group::KNOWN_MODULUS;
use crate::exchange::residue::{Residue2048, limbs};

/// Raises 3 to a secret power in constant time.
pub(super) fn power_of_3(exponent: &U2048) -> U2048 {
    let exponent = Zeroizing::new(limbs(exponent));
    match Multiplier::detect() {
        Some(multiplier) => power_by_kernel(&exponent, multiplier),
        None => power_portable(&exponent),
    }
}

/// Raises 3 to a power on a processor with the wide multiplier.
#[expect(clippy::indexing_slicing, reason = "the kernel asks for blocks and entries of the table")]
fn power_by_kernel(exponent: &[u64; 32], multiplier: Multiplier) -> U2048 {
    let shifted_one = KNOWN_MODULUS.shifted_one();
    let mut columns = Zeroizing::new([[0; BLOCKS]; COLUMNS]);
    for (indices, column) in columns.iter_mut().rev().zip(0..) {
        for (index, block) in indices.iter_mut().zip(0..) {
            *index = number(exponent, block * COLUMNS + column);
        }
    }
    let blocks = TABLE.as_chunks::<{ 1 << ROWS }>().0;
    let power = multiplier.comb::<BLOCKS, { 1 << ROWS }>(
        &KNOWN_MODULUS.for_kernels(&shifted_one),
        |block, entry| blocks[block][entry].as_limbs(),
        &*columns,
    );
    KNOWN_MODULUS.number(&Zeroizing::new(KNOWN_MODULUS.settle(power)))
}

fn power_portable(exponent: &[u64; 32]) -> U2048 {
    let entry = |column, block: usize, entries| {
        Residue2048::select(entries, number(exponent, block * COLUMNS + column))
    };
    let blocks = TABLE.as_chunks::<{ 1 << ROWS }>().0;
    let mut power = KNOWN_MODULUS.one();
    for column in (0..COLUMNS).rev() {
        power = KNOWN_MODULUS.square(&power);
        for (block, entries) in blocks.iter().enumerate() {
            power = KNOWN_MODULUS.mul(&power, &entry(column, block, entries));
        }
    }
    KNOWN_MODULUS.number(&power)
}

const ROWS: usize = 5;
const BLOCKS: usize = 4;
const COLUMNS: usize = 103;

const _: () = assert!(ROWS * BLOCKS * COLUMNS >= U2048::BITS as usize);

/// The entries of all blocks in Montgomery form. A test recomputes the file.
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
static TABLE: [Residue2048; BLOCKS << ROWS] = {
    let (limbs, _) = include_bytes!("powers_of_3.bin").as_chunks::<8>();
    assert!(limbs.len() == 32 * (BLOCKS << ROWS), "the file is complete");
    let mut table = [Residue2048::from_montgomery([0; 32]); BLOCKS << ROWS];
    let mut index = 0;
    while index < table.len() {
        let mut entry = [0; 32];
        let mut limb = 0;
        while limb < entry.len() {
            entry[limb] = u64::from_le_bytes(limbs[32 * index + limb]);
            limb += 1;
        }
        table[index] = Residue2048::from_montgomery(entry);
        index += 1;
    }
    table
};

/// Returns the number in a column, one bit from each row. The positions are public.
fn number(exponent: &[u64; 32], column: usize) -> u64 {
    (0..ROWS).fold(0, |number, row| {
        let bit = row * BLOCKS * COLUMNS + column;
        let limb = exponent.get(bit / 64).copied().unwrap_or_default();
        number | (limb >> (bit % 64) & 1) << row
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use mtp_env::Entropy;
    use num_bigint::BigUint;

    use super::*;
    use crate::CtrEntropy;
    use crate::exchange::DhGroup;

    #[test]
    fn kernel_and_portable_code_agree() {
        let Some(multiplier) = Multiplier::detect() else { return };
        let mut entropy = CtrEntropy::from_number(7);
        let mut exponents = Vec::from([[0; 32], [u64::MAX; 32], [1 << 63; 32]]);
        exponents.extend((0..20).map(|_| {
            core::array::from_fn(|_| {
                let mut bytes = [0; 8];
                entropy.fill(&mut bytes);
                u64::from_le_bytes(bytes)
            })
        }));
        for exponent in exponents {
            assert_eq!(power_by_kernel(&exponent, multiplier), power_portable(&exponent));
        }
    }

    #[test]
    fn table_holds_the_products_of_powers() {
        let prime = BigUint::from_bytes_be(&DhGroup::KNOWN.prime());
        let radix = BigUint::from(1u8) << 2048;
        let mut expected = Vec::new();
        for block in 0..BLOCKS {
            for number in 0..1usize << ROWS {
                let bits = (0..ROWS).filter(|row| number >> row & 1 == 1);
                let exponent: BigUint =
                    bits.map(|row| BigUint::from(1u8) << ((row * BLOCKS + block) * COLUMNS)).sum();
                let entry: BigUint = BigUint::from(3u8).modpow(&exponent, &prime) * &radix % &prime;
                let mut bytes = entry.to_bytes_le();
                bytes.resize(256, 0);
                expected.extend(bytes);
            }
        }
        assert!(expected == include_bytes!("powers_of_3.bin"), "powers_of_3.bin is out of date");
    }
}
