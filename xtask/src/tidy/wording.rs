//! The words of comments and pages: American spelling, and none of the phrases that readers stumbled over.
//!
//! Looked at are the comments of all Rust files and all Markdown pages, without code in backticks and blocks. Exempt:
//! the protocol reference `docs/spec`, which keeps the words of its sources, and what programs wrote.

use anyhow::Result;

use super::files::is_generated;
use super::{Fault, Tree};
use crate::tree::{Source, sources};

/// Beginnings of British words and their American forms; the rest of the word stays.
const BRITISH: [(&str, &str); 29] = [
    ("centre", "center"),
    ("centring", "centering"),
    ("metre", "meter"),
    ("fibre", "fiber"),
    ("behaviour", "behavior"),
    ("honour", "honor"),
    ("colour", "color"),
    ("favour", "favor"),
    ("neighbour", "neighbor"),
    ("humour", "humor"),
    ("labour", "labor"),
    ("flavour", "flavor"),
    ("harbour", "harbor"),
    ("endeavour", "endeavor"),
    ("licence", "license"),
    ("defence", "defense"),
    ("offence", "offense"),
    ("artefact", "artifact"),
    ("catalogue", "catalog"),
    ("programme ", "program "),
    ("judgement", "judgment"),
    ("grey", "gray"),
    ("whilst", "while"),
    ("amongst", "among"),
    ("labelled", "labeled"),
    ("labelling", "labeling"),
    ("modelled", "modeled"),
    ("signalled", "signaled"),
    ("signalling", "signaling"),
];

/// Words in -ise that are American as well; all others end in -ize.
const ISE: [&str; 36] = [
    "advertise",
    "advise",
    "appraise",
    "arise",
    "braise",
    "bruise",
    "chaise",
    "chastise",
    "comprise",
    "compromise",
    "concise",
    "crise",
    "cruise",
    "demise",
    "despise",
    "devise",
    "disguise",
    "enterprise",
    "excise",
    "exercise",
    "expertise",
    "franchise",
    "imprecise",
    "improvise",
    "likewise",
    "noise",
    "otherwise",
    "praise",
    "precise",
    "premise",
    "promise",
    "raise",
    "revise",
    "rise",
    "supervise",
    "surprise",
];

/// More of them, whose stems are short.
const ISE_SHORT: [&str; 6] = ["wise", "guise", "poise", "anise", "vise", "merchandise"];

/// Phrases with what is meant.
const PHRASES: [(&str, &str); 18] = [
    ("reports whether", "returns `true` if"),
    ("says whether", "returns `true` if"),
    ("tells whether", "returns `true` if"),
    ("is told", "name the value or the event"),
    ("are told", "name the value or the event"),
    ("was told", "name the value or the event"),
    ("be told", "name the value or the event"),
    ("tells", "say what it returns or contains"),
    ("goes before", "precedes, takes precedence"),
    ("go before", "precede, take precedence"),
    ("speaks of", "mentions, concerns"),
    ("speak of", "mention, concern"),
    ("whoever", "name the caller, the peer, the owner"),
    ("somebody", "name the caller, the peer, the owner"),
    ("in sight", "say what is meant"),
    ("beside itself", "say where it is stored"),
    ("what became of", "outcome"),
    ("in vain", "without effect, fails"),
];

/// Pages and folders that are not ours to reword.
const EXEMPT: [&str; 4] = ["docs/spec/", "docs/spec-map.md", "vectors/", "LICENSE"];

pub(super) fn check(tree: &Tree) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    let is_ours = |source: &&Source| !EXEMPT.iter().any(|part| source.path.starts_with(part));
    for source in tree.sources.iter().filter(is_ours) {
        // This file is made of the words it looks for.
        if !is_generated(&source.path) && !source.path.ends_with("tidy/wording.rs") {
            check_text(source, comments(&source.text), &mut faults);
        }
    }
    for source in sources(".md")?.iter().filter(is_ours) {
        check_text(source, prose(&source.text), &mut faults);
    }
    Ok(faults)
}

/// Judges numbered lines of prose.
fn check_text(source: &Source, lines: Vec<(usize, String)>, faults: &mut Vec<Fault>) {
    for (number, line) in lines {
        let line = line.to_lowercase();
        for word in line.split(|mark: char| !mark.is_alphanumeric() && mark != '_') {
            if let Some(better) = american(word) {
                let what = format!("`{word}`: American spelling is `{better}`");
                faults.push(Fault::at(&source.path, number, what));
            }
        }
        // The longer phrases stand before the shorter ones that they contain.
        let phrase = PHRASES.iter().find(|(phrase, _)| contains_words(&line, phrase));
        if let Some((phrase, better)) = phrase {
            let what = format!("\"{phrase}\": {better}");
            faults.push(Fault::at(&source.path, number, what));
        }
    }
}

/// Returns the American form of a British word.
fn american(word: &str) -> Option<String> {
    // Names of items are not prose.
    if word.contains('_') {
        return None;
    }
    for (british, form) in BRITISH {
        if let Some(rest) = word.strip_prefix(british.trim_end()) {
            return Some(format!("{}{rest}", form.trim_end()));
        }
    }
    if let Some(stem) = word.strip_prefix("analys")
        && matches!(stem, "e" | "ed" | "ing")
    {
        return Some(format!("analyz{stem}"));
    }
    for ending in ["ise", "ised", "ises", "iser", "isers", "ising", "isation", "isations"] {
        let Some(stem) = word.strip_suffix(ending) else { continue };
        let whole = format!("{stem}ise");
        let is_american = ISE.iter().any(|word| whole.ends_with(word))
            || ISE_SHORT.iter().any(|word| whole.ends_with(word));
        if stem.len() >= 3 && !is_american {
            return Some(format!("{stem}{}", ending.replacen('s', "z", 1)));
        }
    }
    None
}

/// Returns `true` if the phrase stands between other letters than its own.
fn contains_words(line: &str, phrase: &str) -> bool {
    line.match_indices(phrase).any(|(at, _)| {
        let is_letter = |mark: Option<char>| mark.is_some_and(char::is_alphanumeric);
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        let after = line.get(at + phrase.len()..).and_then(|tail| tail.chars().next());
        !is_letter(before) && !is_letter(after)
    })
}

/// Returns the comments of Rust source, without examples and code.
fn comments(text: &str) -> Vec<(usize, String)> {
    let mut is_example = false;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some(at) = start_of_comment(line) else {
            is_example = false;
            continue;
        };
        let comment = line.get(at..).unwrap_or_default().trim_start_matches(['/', '!']);
        if comment.trim_start().starts_with("```") {
            is_example = !is_example;
        } else if !is_example {
            found.push((number + 1, without_code(comment)));
        }
    }
    found
}

/// Finds the `//` that opens a comment, not one within a string.
fn start_of_comment(line: &str) -> Option<usize> {
    let mut is_string = false;
    let mut marks = line.char_indices().peekable();
    while let Some((at, mark)) = marks.next() {
        match mark {
            '\\' if is_string => drop(marks.next()),
            '"' => is_string = !is_string,
            '/' if !is_string && marks.peek().is_some_and(|(_, next)| *next == '/') => {
                return Some(at);
            }
            _ => {}
        }
    }
    None
}

/// Returns the lines of a page that are not code.
fn prose(text: &str) -> Vec<(usize, String)> {
    let mut is_code = false;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            found.push((number + 1, without_code(line)));
        }
    }
    found
}

/// Removes what stands in backticks, and the targets of links.
fn without_code(line: &str) -> String {
    let mut kept = String::new();
    for (at, part) in line.split('`').enumerate() {
        kept.push_str(if at % 2 == 0 { part } else { "`" });
    }
    let mut parts = kept.split("](");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push(']');
        text.push_str(part.split_once(')').map_or("", |(_, rest)| rest));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(path: &str, text: &str) -> Vec<String> {
        let source = Source { path: path.to_owned(), text: text.to_owned() };
        let lines = if path == "a.md" { prose(text) } else { comments(text) };
        let mut faults = Vec::new();
        check_text(&source, lines, &mut faults);
        super::super::rig::lines(&faults)
    }

    #[test]
    fn british_words_are_found_and_american_ones_are_not() {
        for (word, form) in [
            ("centre", "center"),
            ("centres", "centers"),
            ("behaviours", "behaviors"),
            ("honoured", "honored"),
            ("serialise", "serialize"),
            ("initialisation", "initialization"),
            ("optimising", "optimizing"),
            ("recognises", "recognizes"),
            ("analysed", "analyzed"),
            ("labelled", "labeled"),
        ] {
            assert_eq!(american(word).as_deref(), Some(form), "{word}");
        }
        for word in [
            "center",
            "otherwise",
            "exercising",
            "promised",
            "raises",
            "rising",
            "noise",
            "wiser",
            "surprising",
            "precise",
            "analysis",
            "analyses",
            "serialize",
            "our",
            "hour",
            "four",
            "disguised",
            "revised",
            "size",
            "is",
            "this",
            "basis",
        ] {
            assert_eq!(american(word), None, "{word}");
        }
    }

    #[test]
    fn phrases_are_found_in_comments_and_pages_only() {
        let code =
            "fn a() { b(\"whoever // tells\") } // Whoever tells\n/// Reports whether it is.\n";
        assert_eq!(find("a.rs", code).len(), 2);
        let example = "/// ```\n/// // whoever\n/// ```\n/// fine: `tells`\nfn a() {}\n";
        assert_eq!(find("a.rs", example), Vec::<String>::new());
        let page = "It tells.\n```\nit tells\n```\nA [link](whoever.md), hotels, `tells`.\n";
        assert_eq!(find("a.md", page), ["a.md:1: \"tells\": say what it returns or contains"]);
    }
}
