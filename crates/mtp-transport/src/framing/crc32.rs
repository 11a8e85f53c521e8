//! CRC-32 of the full framing, sixteen bytes at a time.

/// Returns the CRC-32 (IEEE, reflected, as in zlib) of the parts put together.
// spec: transport 2.4
pub(crate) fn checksum(parts: &[&[u8]]) -> u32 {
    !parts.iter().fold(!0, |crc, part| update(crc, part))
}

#[expect(clippy::indexing_slicing, reason = "a table of 256 indexed by a byte")]
fn update(mut crc: u32, bytes: &[u8]) -> u32 {
    let (chunks, rest) = bytes.as_chunks::<STRIDE>();
    for chunk in chunks {
        let mut mixed = *chunk;
        for (byte, state) in mixed.iter_mut().zip(crc.to_le_bytes()) {
            *byte ^= state;
        }
        crc = 0;
        for (table, byte) in TABLES.iter().rev().zip(mixed) {
            crc ^= table[usize::from(byte)];
        }
    }
    for byte in rest {
        let [low, ..] = (crc ^ u32::from(*byte)).to_le_bytes();
        crc = TABLES[0][usize::from(low)] ^ (crc >> 8);
    }
    crc
}

const STRIDE: usize = 16;

/// `TABLES[k][b]` is the remainder of byte `b` followed by `k` zero bytes.
static TABLES: [[u32; 256]; STRIDE] = tables();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects,
    reason = "evaluated when built: a mistake would not compile"
)]
const fn tables() -> [[u32; 256]; STRIDE] {
    let mut tables = [[0; 256]; STRIDE];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut zeros = 1;
    while zeros < STRIDE {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[zeros - 1][byte];
            tables[zeros][byte] = tables[0][(before & 0xff) as usize] ^ (before >> 8);
            byte += 1;
        }
        zeros += 1;
    }
    tables
}

/// x^32 + x^26 + x^23 + … + 1, bits reflected.
const POLYNOMIAL: u32 = 0xedb8_8320;

#[cfg(test)]
mod tests {
    use super::checksum;

    #[test]
    fn agrees_with_the_check_value() {
        assert_eq!(checksum(&[b"123456789"]), 0xcbf4_3926);
        assert_eq!(checksum(&[]), 0);
    }

    #[test]
    fn does_not_depend_on_the_cut() {
        let bytes: [u8; 100] = core::array::from_fn(|i| u8::try_from(i * 7 % 251).unwrap());
        for cut in 0..=bytes.len() {
            let (front, back) = bytes.split_at(cut);
            assert_eq!(checksum(&[front, back]), checksum(&[&bytes]));
        }
    }
}
