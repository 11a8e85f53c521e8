//! The plaintext header: its layout and its forbidden prefixes.

use mtp_crypto::DcId;
use mtp_env::Entropy;

use super::{HEADER_LEN, IV_LEN, KEY_LEN};
use crate::framing::Tag;

/// Whether headers that resemble another protocol are redrawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a header is filtered or not")]
pub enum Filter {
    /// Redraw headers that begin like another protocol. Required outside FakeTLS.
    #[default]
    Redraw,
    /// Accept any header. Inside FakeTLS the server does not detect protocols.
    Any,
}

/// Draws 64 random bytes that pass the filter.
// spec: transport 5.1
pub(crate) fn draw(filter: Filter, entropy: &mut dyn Entropy) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    for _ in 0..DRAWS_MAX {
        entropy.fill(&mut header);
        let acceptable = match (filter, header.first_chunk()) {
            (Filter::Redraw, Some(head)) => is_allowed(*head) && !looks_like_tls(*head),
            (Filter::Redraw | Filter::Any, _) => true,
        };
        if acceptable {
            return header;
        }
    }
    // Reached only with broken entropy, which must not cause an endless loop.
    if let Some(head) = header.first_chunk_mut::<8>() {
        *head = [1; 8];
    }
    header
}

/// Returns `true` if a header may begin with these bytes. All clients use the same list.
// spec: transport 5.1
pub(crate) fn is_allowed(head: [u8; 8]) -> bool {
    let [a, b, c, d, rest @ ..] = head;
    let forbidden = a == 0xef
        || matches!(
            &[a, b, c, d],
            b"HEAD"
                | b"POST"
                | b"GET "
                | b"OPTI"
                | [0x16, 3, 1, 2]
                | [0xdd, 0xdd, 0xdd, 0xdd]
                | [0xee, 0xee, 0xee, 0xee]
        )
        || rest == [0; 4];
    !forbidden
}

/// Returns `true` if a server could mistake the header for a TLS client hello.
///
/// The common list predates hellos above 767 bytes, so the specification requires this check of new
/// clients.
// spec: transport 1.1
fn looks_like_tls(head: [u8; 8]) -> bool {
    head.starts_with(&[0x16, 3, 1])
}

/// Writes tag and data center.
pub(crate) fn write_tail(header: &mut [u8; HEADER_LEN], tag: Tag, dc: DcId) {
    if let Some([tag_field @ .., dc_low, dc_high, _, _]) = header.last_chunk_mut::<TAIL_LEN>() {
        tag_field.copy_from_slice(&tag.to_bytes());
        let dc = dc.to_i16().unwrap_or_default();
        [*dc_low, *dc_high] = dc.to_le_bytes();
    }
}

/// Reads tag and data center from a decrypted header. Returns `None` if the tag is unknown.
pub(crate) fn read_tail(header: &[u8; HEADER_LEN]) -> Option<(Tag, DcId)> {
    let [a, b, c, d, dc_low, dc_high, _, _] = *header.last_chunk::<TAIL_LEN>()?;
    let tag = Tag::from_bytes([a, b, c, d])?;
    Some((tag, DcId::from(i16::from_le_bytes([dc_low, dc_high]))))
}

/// Returns key and IV of the client-to-server direction, bytes 8..56.
pub(crate) fn key_material(header: &[u8; HEADER_LEN]) -> [u8; KEY_LEN + IV_LEN] {
    let mut material = [0; KEY_LEN + IV_LEN];
    for (to, from) in material.iter_mut().zip(header.iter().skip(KEY_AT)) {
        *to = *from;
    }
    material
}

/// Writes key and IV of the client-to-server direction, bytes 8..56.
pub(crate) fn write_key_material(header: &mut [u8; HEADER_LEN], material: &[u8; KEY_LEN + IV_LEN]) {
    for (to, from) in header.iter_mut().skip(KEY_AT).zip(material) {
        *to = *from;
    }
}

const KEY_AT: usize = 8;
const TAIL_LEN: usize = 8;

/// One draw in about 250 is rejected, so working entropy never needs this many.
const DRAWS_MAX: usize = 128;

const _: () = assert!(KEY_AT + KEY_LEN + IV_LEN + TAIL_LEN == HEADER_LEN);

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    // spec: transport 5.1
    #[test]
    fn prefix_filter_matches_the_vectors() {
        let text = include_str!("../../../../vectors/transport.json");
        let all: Value = serde_json::from_str(text).unwrap();
        let entries = all["obfuscated2"]["prefix_filter"].as_array().unwrap();
        for entry in entries {
            let prefix = entry["prefix"].as_str().unwrap();
            let mut head = [1; 8];
            for (at, byte) in head.iter_mut().take(prefix.len() / 2).enumerate() {
                *byte = u8::from_str_radix(&prefix[2 * at..2 * at + 2], 16).unwrap();
            }
            assert_eq!(is_allowed(head), entry["allowed"].as_bool().unwrap(), "{prefix}");
        }
        assert_eq!(entries.len(), 15);
    }

    /// Entropy that returns each of its blocks once, then ones.
    struct Script(alloc::vec::Vec<[u8; 8]>);

    impl Entropy for Script {
        fn fill(&mut self, out: &mut [u8]) {
            out.fill(1);
            if let Some(head) = self.0.pop() {
                out[..8].copy_from_slice(&head);
            }
        }
    }

    #[test]
    fn header_that_resembles_another_protocol_is_redrawn() {
        let refused =
            [*b"HEAD 1.1", [0xef; 8], [2, 2, 2, 2, 0, 0, 0, 0], [0x16, 3, 1, 6, 9, 1, 1, 1]];
        assert_eq!(draw(Filter::Redraw, &mut Script(refused.to_vec())), [1; HEADER_LEN]);
        for head in refused {
            let any = draw(Filter::Any, &mut Script([head].to_vec()));
            assert_eq!(any[..8], head);
        }
    }

    #[test]
    fn broken_entropy_causes_no_endless_loop() {
        struct Zeros;
        impl Entropy for Zeros {
            fn fill(&mut self, out: &mut [u8]) {
                out.fill(0);
            }
        }
        let header = draw(Filter::Redraw, &mut Zeros);
        assert!(is_allowed(*header.first_chunk().unwrap()));
    }
}
