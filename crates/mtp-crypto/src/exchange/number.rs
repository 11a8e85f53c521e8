//! Conversion between big-endian byte strings and fixed-size integers.

use crypto_bigint::{Limb, Uint};

/// Reads a big-endian number, or returns `None` if it is longer than the integer.
pub(super) fn from_be<const LIMBS: usize>(bytes: &[u8]) -> Option<Uint<LIMBS>> {
    let mut number = Uint::ZERO;
    if bytes.len() > Limb::BYTES * LIMBS {
        return None;
    }
    for (limb, chunk) in number.as_mut_limbs().iter_mut().zip(bytes.rchunks(Limb::BYTES)) {
        *limb = chunk.iter().fold(Limb::ZERO, |limb, byte| limb.shl(8).bitor(Limb::from_u8(*byte)));
    }
    Some(number)
}

/// Fills `bytes` with the big-endian number, truncated to its lowest bytes.
pub(super) fn write_be<const LIMBS: usize>(number: &Uint<LIMBS>, bytes: &mut [u8]) {
    bytes.fill(0);
    for (chunk, limb) in bytes.rchunks_mut(Limb::BYTES).zip(number.as_limbs()) {
        for (to, from) in chunk.iter_mut().rev().zip(limb.0.to_le_bytes()) {
            *to = from;
        }
    }
}

/// Returns a number as 256 bytes.
pub(super) fn to_be_256<const LIMBS: usize>(number: &Uint<LIMBS>) -> [u8; 256] {
    let mut bytes = [0; 256];
    write_be(number, &mut bytes);
    bytes
}

/// Strips leading zero bytes.
pub(super) fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crypto_bigint::U128;

    use super::*;

    #[test]
    fn from_be_accepts_lengths_up_to_the_integers_own() {
        assert_eq!(from_be(&[]), Some(U128::ZERO));
        assert_eq!(from_be(&[1, 2, 3]), Some(U128::from_u32(0x1_0203)));
        let nine = [9, 8, 7, 6, 5, 4, 3, 2, 1];
        assert_eq!(from_be(&nine), Some(U128::from_u128(0x09_0807_0605_0403_0201)));
        assert_eq!(from_be(&[0xff; 16]), Some(U128::MAX));
        assert_eq!(from_be::<{ U128::LIMBS }>(&[0; 17]), None);
    }

    #[test]
    fn write_be_pads_with_leading_zeros() {
        let mut bytes = [0xee; 19];
        write_be(&U128::from_u128(0x09_0807_0605_0403_0201), &mut bytes);
        assert_eq!(bytes, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(without_zeros(&bytes).len(), 9);
        assert_eq!(without_zeros(&[0, 0]), [0u8; 0]);
    }
}
