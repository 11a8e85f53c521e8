//! Curve25519 public keys for hellos.
//!
//! Censors can check that a key share is a point on the curve, so random bytes do not suffice. The
//! scalar is discarded and no key is agreed on: the arithmetic protects no secret, need not be
//! constant-time, and does not justify a dependency.
#![expect(clippy::arithmetic_side_effects, reason = "limbs stay below 2^54, products below 2^115")]
#![expect(clippy::cast_possible_truncation, reason = "limbs are masked to 51 bits")]
#![expect(clippy::many_single_char_names, reason = "the names of RFC 7748")]

use mtp_env::Entropy;

/// The length of a public key, in bytes.
pub(super) const X25519_LEN: usize = 32;

/// Draws a public key: the base point multiplied by a random scalar.
pub(super) fn draw_public_key(entropy: &mut dyn Entropy) -> [u8; X25519_LEN] {
    let mut scalar = [0; 32];
    entropy.fill(&mut scalar);
    let mut base = [0; 32];
    base[0] = 9;
    multiply(scalar, base)
}

/// Multiplies a point, given by its u coordinate, as in RFC 7748 section 5.
fn multiply(mut scalar: [u8; 32], point: [u8; 32]) -> [u8; 32] {
    scalar[0] &= 0xf8;
    scalar[31] = scalar[31] & 0x7f | 0x40;
    let u = Element::from_bytes(point);
    let (mut x2, mut z2) = (Element::ONE, Element::ZERO);
    let (mut x3, mut z3) = (u, Element::ONE);
    let bits = scalar.iter().rev().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    for bit in bits {
        if bit == 1 {
            ((x2, z2), (x3, z3)) = ((x3, z3), (x2, z2));
        }
        let (a, b) = (x2.add(z2), x2.sub(z2));
        let (c, d) = (x3.add(z3), x3.sub(z3));
        let (aa, bb) = (a.mul(a), b.mul(b));
        let e = aa.sub(bb);
        let (da, cb) = (d.mul(a), c.mul(b));
        let (sum, difference) = (da.add(cb), da.sub(cb));
        x3 = sum.mul(sum);
        z3 = u.mul(difference.mul(difference));
        x2 = aa.mul(bb);
        z2 = e.mul(aa.add(e.mul(Element([121_665, 0, 0, 0, 0]))));
        if bit == 1 {
            ((x2, z2), (x3, z3)) = ((x3, z3), (x2, z2));
        }
    }
    x2.mul(z2.invert()).to_bytes()
}

/// A number modulo 2^255 − 19 in five limbs of 51 bits, each slightly above at most.
#[derive(Clone, Copy)]
struct Element([u64; 5]);

const MASK: u64 = (1 << 51) - 1;

impl Element {
    const ZERO: Self = Self([0; 5]);
    const ONE: Self = Self([1, 0, 0, 0, 0]);

    fn from_bytes(bytes: [u8; 32]) -> Self {
        let [a, b, c, d] = words(bytes);
        Self([
            a & MASK,
            (a >> 51 | b << 13) & MASK,
            (b >> 38 | c << 26) & MASK,
            (c >> 25 | d << 39) & MASK,
            (d >> 12) & MASK,
        ])
    }

    fn to_bytes(self) -> [u8; 32] {
        // Twice, because the first carry can leave the lowest limb above 51 bits.
        let Self([a, b, c, d, e]) = self.carry().carry();
        // The value is below 2^255, so at most one modulus must be subtracted: adding 19 shows in
        // bit 255 whether it must.
        let over = [b, c, d, e].iter().fold((a + 19) >> 51, |carry, limb| (limb + carry) >> 51);
        let mut limbs = [a + 19 * over, b, c, d, e];
        let mut carry = 0;
        for limb in &mut limbs {
            *limb += carry;
            carry = *limb >> 51;
            *limb &= MASK;
        }
        let [a, b, c, d, e] = limbs;
        let words = [a | b << 51, b >> 13 | c << 38, c >> 26 | d << 25, d >> 39 | e << 12];
        let mut bytes = [0; 32];
        for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        bytes
    }

    fn add(self, other: Self) -> Self {
        let (Self([a, b, c, d, e]), Self([v, w, x, y, z])) = (self, other);
        Self([a + v, b + w, c + x, d + y, e + z]).carry()
    }

    fn sub(self, other: Self) -> Self {
        let (Self([a, b, c, d, e]), Self([v, w, x, y, z])) = (self, other);
        // Adding four times the modulus keeps every limb positive.
        let (low, high) = (4 * (MASK - 18), 4 * MASK);
        Self([a + low - v, b + high - w, c + high - x, d + high - y, e + high - z]).carry()
    }

    fn mul(self, other: Self) -> Self {
        let [a, b, c, d, e] = self.0.map(u128::from);
        let [v, w, x, y, z] = other.0.map(u128::from);
        let mut wide = [
            a * v + 19 * (b * z + c * y + d * x + e * w),
            a * w + b * v + 19 * (c * z + d * y + e * x),
            a * x + b * w + c * v + 19 * (d * z + e * y),
            a * y + b * x + c * w + d * v + 19 * (e * z),
            a * z + b * y + c * x + d * w + e * v,
        ];
        let mut carry = 0;
        for limb in &mut wide {
            *limb += carry;
            carry = *limb >> 51;
            *limb &= u128::from(MASK);
        }
        wide[0] += 19 * carry;
        Self(wide.map(|limb| limb as u64)).carry()
    }

    /// Returns the inverse by Fermat's theorem: the power 2^255 − 21, whose bits are all set but two.
    fn invert(self) -> Self {
        (0..255).rev().fold(Self::ONE, |power, bit| {
            let square = power.mul(power);
            if matches!(bit, 2 | 4) { square } else { square.mul(self) }
        })
    }

    fn carry(self) -> Self {
        let Self(mut limbs) = self;
        let mut carry = 0;
        for limb in &mut limbs {
            *limb += carry;
            carry = *limb >> 51;
            *limb &= MASK;
        }
        limbs[0] += 19 * carry;
        Self(limbs)
    }
}

fn words(bytes: [u8; 32]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::hex;

    fn key(text: &str) -> [u8; 32] {
        hex(&text.into()).try_into().unwrap()
    }

    #[test]
    fn scalar_multiplication_matches_rfc_7748() {
        let scalar = key("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
        let point = key("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
        let product = key("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
        assert_eq!(multiply(scalar, point), product);
        let scalar = key("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d");
        let point = key("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493");
        let product = key("95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
        assert_eq!(multiply(scalar, point), product);
    }

    #[test]
    fn iterated_multiplication_matches_rfc_7748() {
        let mut k = key("0900000000000000000000000000000000000000000000000000000000000000");
        let mut u = k;
        for _ in 0..1000 {
            (k, u) = (multiply(k, u), k);
        }
        let expected = "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51";
        assert_eq!(k, key(expected));
    }
}
