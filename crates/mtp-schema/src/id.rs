//! Constructor ids: the CRC-32 of a declaration's normal form.

use crate::{
    print,
    tree::{Declaration, Item, Name, Schema, Section, Term, TermKind},
};

/// The rule by which a declaration's id is computed.
// spec: tl 3, 4
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two rules that exist")]
pub enum IdRule {
    /// Client API, service schema and secret chats.
    // spec: tl 4.2
    #[default]
    Api,
    /// TON, `TDLib`'s own API, and VK.
    // spec: tl 4.3
    Engine,
}

/// The origin of a schema's rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RuleSource {
    /// The caller of the parser chose it.
    Given,
    /// A `// RULE engine` line in the text.
    Header,
    /// Written ids that only one of the rules computes, or built-in types that only files of one rule declare.
    Detected,
    /// The API rule, because there is no other evidence.
    #[default]
    Default,
}

impl IdRule {
    pub(crate) const ALL: [Self; 2] = [Self::Api, Self::Engine];

    /// Returns the name that headers and options use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Engine => "engine",
        }
    }

    /// Chooses the rule of a schema: given by the caller, named in its header, detected, or the default.
    pub(crate) fn choose(given: Option<Self>, schema: &Schema) -> (Self, RuleSource) {
        if let Some(rule) = given {
            return (rule, RuleSource::Given);
        }
        let header = schema.items.iter().find_map(|item| match item {
            Item::Comment(comment) => comment.rule(),
            _ => None,
        });
        if let Some(rule) = header {
            return (rule, RuleSource::Header);
        }
        match Self::detect(schema) {
            Some(rule) => (rule, RuleSource::Detected),
            None => (Self::default(), RuleSource::Default),
        }
    }

    /// Detects the rule from written ids and declared built-in types.
    fn detect(schema: &Schema) -> Option<Self> {
        let (mut api, mut engine) = (0_usize, 0_usize);
        for one in schema.declarations() {
            let Some(written) = one.written_id else { continue };
            let [by_api, by_engine] = Self::ALL.map(|rule| rule.normalize(one));
            if by_api == by_engine {
                continue;
            }
            if crc32(by_api.as_bytes()) == written {
                api = api.saturating_add(1);
            } else if crc32(by_engine.as_bytes()) == written {
                engine = engine.saturating_add(1);
            }
        }
        if api != engine {
            return Some(if api > engine { Self::Api } else { Self::Engine });
        }
        // API files never declare these.
        let of_engine = |one: &Declaration| ENGINE_TYPES.contains(&one.name.as_str());
        schema.constructors().any(of_engine).then_some(Self::Engine)
    }

    /// Returns the normal form whose CRC-32 is the id.
    #[must_use]
    pub fn normalize(self, declaration: &Declaration) -> String {
        print::declaration(declaration, Some(self))
    }

    /// Computes the id and ignores a written one.
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

/// Returns the reason why a written id differs from the computed one, if the difference is known.
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
    if as_service_object(declaration, rule) == written {
        return Some("it was computed with `Object` as the result or without `%`".to_owned());
    }
    // The id does not include the layer number in the local name of an old constructor.
    unsuffixed(name).find_map(|plain| {
        let renamed = Declaration { name: Name::new(plain), ..declaration.clone() };
        (rule.compute(&renamed) == written || keeps_bytes(&renamed) == written)
            .then(|| format!("it is the id of `{plain}`"))
    })
}

/// Computes the id from the form that was used for service objects. Published files have other results, and `%Message`
/// in place of `message`.
// spec: tl 4.2
fn as_service_object(declaration: &Declaration, rule: IdRule) -> u32 {
    let mut other = declaration.clone();
    let has_bare =
        other.fields.iter_mut().fold(false, |any, field| lower_bare(&mut field.term) | any);
    if !has_bare {
        other.result.kind = TermKind::Named { name: Name::new("Object"), arguments: Vec::new() };
    }
    rule.compute(&other)
}

/// Replaces `%Message` by `message`; true if there was one.
fn lower_bare(term: &mut Term) -> bool {
    let TermKind::Named { name, arguments } = &mut term.kind else { return false };
    let mut any = arguments.iter_mut().fold(false, |any, one| lower_bare(one) | any);
    if term.bare && arguments.is_empty() && name.is_upper() {
        let base = name.base();
        let (first, rest) = base.split_at_checked(1).unwrap_or((base, ""));
        let lower = format!("{}{rest}", first.to_ascii_lowercase());
        *name = Name::new(match name.namespace() {
            "" => lower,
            namespace => format!("{namespace}.{lower}"),
        });
        term.bare = false;
        any = true;
    }
    any
}

/// Returns `true` if `prefix` declares the beginning of a call of `whole`: `namePrefix` has the id of the function `name`
/// and its first fields. `TDLib` puts such a prefix before an encoded call.
// spec: tl 2.2
// spec: tl 4.2
pub(crate) fn is_prefix(prefix: &Declaration, whole: &Declaration) -> bool {
    prefix.name.as_str().strip_suffix("Prefix") == Some(whole.name.as_str())
        && whole.section == Section::Functions
        && prefix.written_id.is_some()
        && prefix.written_id == whole.written_id
        && whole.fields.starts_with(&prefix.fields)
}

/// Declarations whose id no rule computes.
const EXCEPTIONS: &[(&str, u32, &str)] = &[
    ("accessPointRule", 0x4679_b65f, "the protocol assigns it; no known rule computes it"),
    ("help.configSimple", 0x5a59_2a6c, "the protocol assigns it; no known rule computes it"),
    ("inputPeerPhotoFileLocationLegacy", 0x27d6_9997, "the declaration was renamed afterwards"),
    ("inputStickerSetThumbLegacy", 0x0dba_eae9, "the declaration was renamed afterwards"),
];

/// Computes the id by the API rule without replacing `bytes`.
fn keeps_bytes(declaration: &Declaration) -> u32 {
    let mut kept = declaration.clone();
    // A placeholder that the rule does not replace.
    let placeholder = "\u{1}";
    for field in &mut kept.fields {
        if field.term.plain_name() == Some("bytes") {
            field.term = Term {
                kind: TermKind::Named { name: Name::new(placeholder), arguments: Vec::new() },
                ..field.term.clone()
            };
        }
    }
    crc32(IdRule::Api.normalize(&kept).replace(placeholder, "bytes").as_bytes())
}

/// Returns the name without a trailing number, `_layerN`, or `Prefix`.
fn unsuffixed(name: &str) -> impl Iterator<Item = &str> {
    let digits = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let layer = digits.strip_suffix("_layer").or_else(|| digits.strip_suffix("Layer"));
    let prefix = name.strip_suffix("Prefix");
    [layer, Some(digits), prefix]
        .into_iter()
        .flatten()
        .filter(move |plain| !plain.is_empty() && *plain != name)
}

/// Built-in types that only files of the engine rule declare.
// spec: tl 2.4
const ENGINE_TYPES: &[&str] =
    &["int32", "int53", "int64", "object", "function", "secureString", "secureBytes"];

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
