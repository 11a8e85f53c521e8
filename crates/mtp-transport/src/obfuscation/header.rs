//! The 64 bytes before encryption: what may stand there and where.

use mtp_env::Entropy;

use super::{DcId, HEADER_LEN, IV_LEN, KEY_LEN};
use crate::framing::Tag;

/// Whether headers that look like something else are redrawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it is done or it is not")]
pub enum Filter {
    /// A header must not begin like anything else a server detects: on a bare connection.
    #[default]
    Redraw,
    /// Any header will do, because the server does not look: inside FakeTLS.
    Any,
}

/// Draws 64 random bytes that may begin a connection.
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
    // Only a broken source comes here; what it gives is no secret, but must not hang us.
    if let Some(head) = header.first_chunk_mut::<8>() {
        *head = [1; 8];
    }
    header
}

/// Reports whether a header may begin with these bytes, by the list that all clients share.
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

/// Reports whether a server that looks at current TLS hellos could take this for one.
///
/// The shared list is older than hellos above 767 bytes; the specification asks new clients for this.
// spec: transport 1.1
fn looks_like_tls(head: [u8; 8]) -> bool {
    head.starts_with(&[0x16, 3, 1])
}

/// Writes tag and data centre.
pub(crate) fn write_tail(header: &mut [u8; HEADER_LEN], tag: Tag, dc: DcId) {
    if let Some([tag_field @ .., dc_low, dc_high, _, _]) = header.last_chunk_mut::<TAIL_LEN>() {
        tag_field.copy_from_slice(&tag.to_bytes());
        [*dc_low, *dc_high] = dc.as_raw().to_le_bytes();
    }
}

/// Reads tag and data centre from a decrypted header; `None` if the tag is unknown.
pub(crate) fn read_tail(header: &[u8; HEADER_LEN]) -> Option<(Tag, DcId)> {
    let [a, b, c, d, dc_low, dc_high, _, _] = *header.last_chunk::<TAIL_LEN>()?;
    let tag = Tag::from_bytes([a, b, c, d])?;
    Some((tag, DcId::from_raw(i16::from_le_bytes([dc_low, dc_high]))))
}

/// Returns key and IV of the client's direction, bytes 8..56.
pub(crate) fn key_material(header: &[u8; HEADER_LEN]) -> [u8; KEY_LEN + IV_LEN] {
    let mut material = [0; KEY_LEN + IV_LEN];
    for (to, from) in material.iter_mut().zip(header.iter().skip(KEY_AT)) {
        *to = *from;
    }
    material
}

/// Writes key and IV of the client's direction, bytes 8..56.
pub(crate) fn write_key_material(header: &mut [u8; HEADER_LEN], material: &[u8; KEY_LEN + IV_LEN]) {
    for (to, from) in header.iter_mut().skip(KEY_AT).zip(material) {
        *to = *from;
    }
}

const KEY_AT: usize = 8;
const TAIL_LEN: usize = 8;

/// One draw in 2^7.99 is refused, so a sound source never needs this many.
const DRAWS_MAX: usize = 128;

const _: () = assert!(KEY_AT + KEY_LEN + IV_LEN + TAIL_LEN == HEADER_LEN);

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    // spec: transport 5.1
    #[test]
    fn prefix_filter_vectors() {
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

    /// Gives each of its blocks once, then ones.
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
    fn what_a_server_would_mistake_is_redrawn() {
        let refused =
            [*b"HEAD 1.1", [0xef; 8], [2, 2, 2, 2, 0, 0, 0, 0], [0x16, 3, 1, 6, 9, 1, 1, 1]];
        assert_eq!(draw(Filter::Redraw, &mut Script(refused.to_vec())), [1; HEADER_LEN]);
        for head in refused {
            let any = draw(Filter::Any, &mut Script([head].to_vec()));
            assert_eq!(any[..8], head);
        }
    }

    #[test]
    fn a_broken_source_does_not_hang() {
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
