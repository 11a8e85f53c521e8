//! Checksums of frames: CRC-32, and CRC-32C where both ends agreed on it.

/// The checksum behind each frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checksum {
    /// CRC-32 (IEEE), as zlib computes it.
    Crc32,
    /// CRC-32C (Castagnoli).
    Crc32c,
}

impl Checksum {
    // spec: proxy 2.1
    pub(super) fn of(self, bytes: &[u8]) -> u32 {
        match self {
            Self::Crc32 => crc32fast::hash(bytes),
            Self::Crc32c => crc32c(bytes),
        }
    }
}

fn crc32c(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut crc = !0_u32;
    for &[a, b, c, d, e, f, g, h] in words {
        let low = crc ^ u32::from_le_bytes([a, b, c, d]);
        let [a, b, c, d] = low.to_le_bytes();
        crc = [a, b, c, d, e, f, g, h]
            .iter()
            .zip(TABLES.iter().rev())
            .fold(0, |crc, (&byte, table)| crc ^ look_up(table, byte));
    }
    for &byte in rest {
        let [low, ..] = crc.to_le_bytes();
        crc = (crc >> 8) ^ look_up(&TABLES[0], low ^ byte);
    }
    !crc
}

#[expect(clippy::indexing_slicing, reason = "a table has an entry for each byte")]
fn look_up(table: &[u32; 256], byte: u8) -> u32 {
    table[usize::from(byte)]
}

/// `TABLES[n][byte]` is the remainder of a byte followed by `n` zero bytes.
static TABLES: [[u32; 256]; 8] = tables();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects,
    reason = "evaluated by the compiler, with constant bounds"
)]
const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut number = 1;
    while number < 8 {
        let mut byte = 0;
        while byte < 256 {
            let shorter = tables[number - 1][byte];
            tables[number][byte] = (shorter >> 8) ^ tables[0][(shorter & 0xff) as usize];
            byte += 1;
        }
        number += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: proxy 2.1
    #[test]
    fn checksums_match_published_values() {
        let digits = b"123456789";
        assert_eq!(Checksum::Crc32.of(digits), 0xcbf4_3926);
        assert_eq!(Checksum::Crc32c.of(digits), 0xe306_9283);
        // RFC 3720 B.4.
        assert_eq!(Checksum::Crc32c.of(&[0; 32]), 0x8a91_36aa);
        assert_eq!(Checksum::Crc32c.of(&[0xff; 32]), 0x62a8_ab43);
        let counted: [u8; 32] = core::array::from_fn(|number| u8::try_from(number).unwrap());
        assert_eq!(Checksum::Crc32c.of(&counted), 0x46dd_794e);
        assert_eq!(Checksum::Crc32c.of(&[]), 0);
    }
}
