//! Rust names for TL names. The rules must never change, because a rename breaks users.

use std::collections::BTreeSet;

/// Returns the name of a struct or enum: split at `_`, with each part's first letter in upper case. `p_q_inner_data`
/// becomes `PQInnerData`; `inputBotInlineMessageID64` keeps its capitals.
// spec: tl 9.1
pub(in crate::generate) fn camel(name: &str) -> String {
    let mut out = String::new();
    for part in name.split('_') {
        let mut chars = part.chars();
        if let Some(first) = chars.next() {
            out.push(first.to_ascii_uppercase());
            out.push_str(chars.as_str());
        }
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) || PRELUDE.contains(&out.as_str()) {
        out.push('_');
    }
    out
}

/// Returns the name of a field or module: `snake_case`, raw if it is a keyword, with `_` appended if it cannot be raw.
// spec: tl 9.1
pub(in crate::generate) fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut previous_low = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && previous_low {
            out.push('_');
        }
        previous_low = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(c.to_ascii_lowercase());
    }
    match out.as_str() {
        "self" | "super" | "crate" | "_" => format!("{out}_"),
        keyword if KEYWORDS.contains(&keyword) => format!("r#{out}"),
        _ => out,
    }
}

/// Returns the name of a module: as a field's, except for the modules that generated code has itself.
pub(in crate::generate) fn module(name: &str) -> String {
    match snake(name).as_str() {
        taken @ ("types" | "variants" | "functions" | "groups") => format!("{taken}_"),
        free => free.to_owned(),
    }
}

/// Returns the name of a constant: as a field's, in capitals.
pub(in crate::generate) fn constant(name: &str) -> String {
    snake(name).trim_start_matches("r#").to_ascii_uppercase()
}

/// Returns the name of a variant: the constructor's without the type's as prefix, if the rest is a name. If two of an
/// enum collide, both keep the whole name.
pub(in crate::generate) fn variant(constructor: &str, boxed: &str) -> String {
    let full = camel(constructor);
    let Some(short) = full.strip_prefix(&camel(boxed)) else { return full };
    let starts_word = short.starts_with(|c: char| c.is_ascii_uppercase());
    if starts_word && short != "Self" { short.to_owned() } else { full }
}

/// Appends `_` to a name until it is not taken.
pub(in crate::generate) fn unique(mut name: String, taken: &mut BTreeSet<String>) -> String {
    while !taken.insert(name.clone()) {
        name.push('_');
    }
    name
}

/// Names that generated code uses unqualified.
const PRELUDE: &[&str] = &[
    "IntoOwned",
    "True",
    "X",
    "Bare",
    "BareVec",
    "Box",
    "Clone",
    "Constructor",
    "ConstructorId",
    "Cow",
    "Debug",
    "Decode",
    "DecodeBare",
    "DecodeError",
    "DecodeErrorKind",
    "Decoder",
    "Default",
    "Encode",
    "EncodeBare",
    "Err",
    "Fill",
    "Flags",
    "From",
    "Function",
    "None",
    "Ok",
    "Option",
    "Output",
    "PartialEq",
    "Rest",
    "Result",
    "Self",
    "Some",
    "String",
    "TlStr",
    "Vec",
];

/// The keywords of all editions, including reserved ones.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    // spec: tl 9.1
    #[test]
    fn rust_names() {
        for (tl, rust) in [
            ("message", "Message"),
            ("server_DH_params_ok", "ServerDHParamsOk"),
            ("p_q_inner_data_dc", "PQInnerDataDc"),
            ("inputBotInlineMessageID64", "InputBotInlineMessageID64"),
            ("JSONValue", "JSONValue"),
            ("result", "Result_"),
            ("vec", "Vec_"),
        ] {
            assert_eq!(camel(tl), rust);
        }
        for (tl, rust) in [
            ("type", "r#type"),
            ("self", "self_"),
            ("crate", "crate_"),
            ("srp_B", "srp_b"),
            ("workchainId", "workchain_id"),
            ("flags2", "flags2"),
        ] {
            assert_eq!(snake(tl), rust);
        }
        for (tl, rust) in [
            ("getContactIDs", "GET_CONTACT_IDS"),
            ("req_DH_params", "REQ_DH_PARAMS"),
            ("type", "TYPE"),
        ] {
            assert_eq!(constant(tl), rust);
        }
        for (constructor, boxed, rust) in [
            ("inputPeerUser", "InputPeer", "User"),
            ("inputPeerSelf", "InputPeer", "InputPeerSelf"),
            ("message", "Message", "Message"),
            ("messageEmpty", "Message", "Empty"),
            ("inputBotInlineMessageID64", "InputBotInlineMessageID", "InputBotInlineMessageID64"),
            ("updatesTooLong", "Updates", "TooLong"),
            ("chatForbidden", "Chat", "Forbidden"),
        ] {
            assert_eq!(variant(constructor, boxed), rust);
        }
    }
}
