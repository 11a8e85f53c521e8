//! Constants and helpers of the record format.

/// Record types and the record version.
pub(super) const CHANGE_CIPHER_SPEC: u8 = 0x14;
pub(super) const ALERT: u8 = 0x15;
pub(super) const HANDSHAKE: u8 = 0x16;
pub(super) const APPLICATION_DATA: u8 = 0x17;
pub(super) const TLS_1_2: [u8; 2] = [3, 3];
pub(super) const RECORD_HEADER_LEN: usize = 5;

/// The record that TLS 1.3 still sends for middleboxes.
pub(super) const CHANGE_CIPHER_SPEC_RECORD: [u8; 6] = [CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1];

/// Offset of the random in a record that holds a hello of either side.
pub(super) const RANDOM_AT: usize = 11;
pub(super) const RANDOM_LEN: usize = 32;

/// The TLS 1.3 cipher suites offered by real clients.
pub(super) const SUITES: core::ops::RangeInclusive<u16> = 0x1301..=0x1303;

/// The hybrid group X25519MLKEM768 and plain X25519.
pub(super) const GROUP_HYBRID: u16 = 0x11ec;
pub(super) const GROUP_X25519: u16 = 0x001d;

/// The length of an ML-KEM-768 encapsulation key, in bytes.
pub(super) const ML_KEM_768_KEY_LEN: usize = 1184;

/// Returns the header of a record of version 3.3.
pub(super) fn record_header(kind: u8, len: u16) -> [u8; RECORD_HEADER_LEN] {
    let ([major, minor], [high, low]) = (TLS_1_2, len.to_be_bytes());
    [kind, major, minor, high, low]
}

/// Content of a record and the bytes after it, or `None` if the record is incomplete.
pub(super) type Split<'a> = Option<(&'a [u8], &'a [u8])>;

/// Draws a number below `bound`. The bias, at most `bound` in 2^32, is not observable in a hello.
pub(super) fn draw_below(bound: u32, entropy: &mut dyn mtp_env::Entropy) -> u32 {
    let mut word = [0; 4];
    entropy.fill(&mut word);
    (u64::from(u32::from_le_bytes(word)).wrapping_mul(u64::from(bound)) >> 32) as u32
}
