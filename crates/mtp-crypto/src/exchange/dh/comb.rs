//! Powers of 3 modulo the usual prime, by a fixed-base comb.
//!
//! The exponent's 2060 bits, its own 2048 and zeros above, are written in five rows of four blocks
//! of 103 columns. A column of a block is a number of five bits, and the table has, for each block
//! and each such number, the product of the powers of 3 that its bits stand for:
//!
//! ```text
//!             block 3       block 2       block 1       block 0
//!   row 0   411 … 309     308 … 206     205 … 103     102 …  0        bits of the exponent
//!   row 1   823 … 721        …             …          514 … 412
//!    …
//!   row 4  2059 … 1957       …             …         1750 … 1648
//! ```
//!
//! So 412 multiplications and 102 squarings do what takes 2048 squarings without a table. Which
//! entry is taken is secret: all entries of a block are read each time.

use crypto_bigint::modular::ConstMontyForm;
use crypto_bigint::{U2048, Uint, Word};
use subtle::ConstantTimeEq;

use super::group::KnownPrime;

/// Raises 3 to a secret power, in a time that does not depend on the power.
pub(super) fn power_of_3(exponent: &U2048) -> U2048 {
    let mut power = Residue::ONE;
    for column in (0..COLUMNS).rev() {
        power = power.square();
        for (block, entries) in TABLE.as_chunks().0.iter().enumerate() {
            power = power.mul(&select(entries, number(exponent, block * COLUMNS + column)));
        }
    }
    power.retrieve()
}

type Residue = ConstMontyForm<KnownPrime, { U2048::LIMBS }>;

/// An entry: the residue times 2^2048, little-endian.
type Entry = [u8; 256];
type Block = [Entry; 1 << ROWS];

const ROWS: usize = 5;
const BLOCKS: usize = 4;
const COLUMNS: usize = 103;

const _: () = assert!(ROWS * BLOCKS * COLUMNS >= U2048::BITS as usize);

/// The blocks' entries. A test computes them anew.
static TABLE: [Entry; BLOCKS << ROWS] = {
    let (entries, rest) = include_bytes!("powers_of_3.bin").as_chunks();
    assert!(rest.is_empty());
    match entries.first_chunk() {
        Some(entries) => *entries,
        None => panic!("the table is complete"),
    }
};

/// Collects the bits of a column, one from each row.
fn number(exponent: &U2048, column: usize) -> Word {
    (0..ROWS).fold(0, |number, row| number | bit(exponent, row * BLOCKS * COLUMNS + column) << row)
}

/// Returns a bit of the exponent; which one is public.
fn bit(exponent: &U2048, index: usize) -> Word {
    let word_bits = Word::BITS as usize;
    let word = exponent.as_words().get(index / word_bits).copied().unwrap_or_default();
    word >> (index % word_bits) & 1
}

/// Returns the entry of a secret number, reading all of them.
fn select(entries: &Block, number: Word) -> Residue {
    let mut words = [0; U2048::LIMBS];
    for (entry, candidate) in entries.iter().zip(0..) {
        let mask = Word::from(number.ct_eq(&candidate).unwrap_u8()).wrapping_neg();
        for (word, bytes) in words.iter_mut().zip(entry.as_chunks().0) {
            *word |= Word::from_le_bytes(*bytes) & mask;
        }
    }
    Residue::from_montgomery(Uint::from_words(words))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use num_bigint::BigUint;

    use super::*;
    use crate::exchange::DhGroup;

    #[test]
    fn the_table_holds_the_powers() {
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
        assert!(TABLE.as_flattened() == expected, "the file is to be these bytes");
    }

    #[test]
    fn every_entry_can_be_selected() {
        for block in TABLE.as_chunks::<{ 1 << ROWS }>().0 {
            for (number, entry) in block.iter().enumerate() {
                let selected = select(block, number as Word);
                assert_eq!(selected.as_montgomery().to_le_bytes().as_slice(), entry);
            }
        }
    }
}
