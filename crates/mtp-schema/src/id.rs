//! Constructor ids: the CRC-32 of a declaration's normal form.

use crate::{
    print,
    tree::{Declaration, Term, TermKind},
};

/// The two rules by which a declaration's id is computed.
// spec: tl 3, 4
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two rules that exist")]
pub enum IdRule {
    /// The rule of the client API, the service schema and secret chats.
    // spec: tl 4.2
    #[default]
    Api,
    /// The rule of TON, of `TDLib`'s own API and of VK.
    // spec: tl 4.3
    Engine,
}

impl IdRule {
    /// Writes the normal form whose CRC-32 is the id.
    #[must_use]
    pub fn normalize(self, declaration: &Declaration) -> String {
        print::declaration(declaration, Some(self))
    }

    /// Computes the id, whether or not one is written.
    #[must_use]
    pub fn compute(self, declaration: &Declaration) -> u32 {
        crc32(self.normalize(declaration).as_bytes())
    }

    fn other(self) -> Self {
        match self {
            Self::Api => Self::Engine,
            Self::Engine => Self::Api,
        }
    }
}

/// Why a written id differs from the computed one, if that is known to be all right.
// spec: tl 4.2
pub(crate) fn known_exception(declaration: &Declaration, rule: IdRule) -> Option<String> {
    let written = declaration.written_id?;
    let name = declaration.name.as_str();
    if let Some((_, _, why)) = EXCEPTIONS.iter().find(|(one, id, _)| *one == name && *id == written)
    {
        return Some((*why).to_owned());
    }
    if rule.other().compute(declaration) == written {
        return Some("it is the id of the other rule (API or engine)".to_owned());
    }
    if keeps_bytes(declaration) == written {
        return Some("it was computed without writing `bytes` as `string`".to_owned());
    }
    // Local names of old constructors carry a layer number that the id does not know of.
    unsuffixed(name).find_map(|plain| {
        let renamed = Declaration { name: crate::tree::Name::new(plain), ..declaration.clone() };
        (rule.compute(&renamed) == written || keeps_bytes(&renamed) == written)
            .then(|| format!("it is the id of `{plain}`"))
    })
}

/// Declarations whose id no rule gives.
const EXCEPTIONS: &[(&str, u32, &str)] = &[
    ("accessPointRule", 0x4679_b65f, "no rule is known that gives it; the protocol assigns it"),
    ("help.configSimple", 0x5a59_2a6c, "no rule is known that gives it; the protocol assigns it"),
    ("inputPeerPhotoFileLocationLegacy", 0x27d6_9997, "the declaration was renamed afterwards"),
    ("inputStickerSetThumbLegacy", 0x0dba_eae9, "the declaration was renamed afterwards"),
];

/// The API rule, but with `bytes` left as it is.
fn keeps_bytes(declaration: &Declaration) -> u32 {
    let mut kept = declaration.clone();
    // A name that the rule does not touch and that has the same text in the end.
    let placeholder = "\u{1}";
    for field in &mut kept.fields {
        if field.term.plain_name() == Some("bytes") {
            field.term = Term {
                kind: TermKind::Named {
                    name: crate::tree::Name::new(placeholder),
                    arguments: Vec::new(),
                },
                ..field.term.clone()
            };
        }
    }
    crc32(IdRule::Api.normalize(&kept).replace(placeholder, "bytes").as_bytes())
}

/// The name without a trailing number, `_layerN`, or `Prefix`.
fn unsuffixed(name: &str) -> impl Iterator<Item = &str> {
    let digits = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let layer = digits.strip_suffix("_layer").or_else(|| digits.strip_suffix("Layer"));
    let prefix = name.strip_suffix("Prefix");
    [layer, Some(digits), prefix]
        .into_iter()
        .flatten()
        .filter(move |plain| !plain.is_empty() && *plain != name)
}

/// CRC-32 with the reflected polynomial `0xEDB88320`, as in zlib.
// spec: tl 4
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: tl 4
    #[test]
    fn crc32_check_value() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }
}
