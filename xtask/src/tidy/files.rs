//! Each file by itself: its length, words that must not stand in code, unsafe code, clocks in tests.

use super::{Fault, Tree};
use crate::tree::{CORE, Source};

/// The longest source file; beyond it a module holds more than one idea.
const LINES_MAX: usize = 800;

/// Words that must not stand in code, with the reason printed beside a find.
const FORBIDDEN: [(&str, &str); 5] = [
    (concat!("todo", "!("), "unfinished code is not committed"),
    (concat!("unimplemented", "!("), "unfinished code is not committed"),
    (concat!("dbg", "!("), "a debugging aid was left in"),
    (concat!("#[ign", "ore"), "a test runs or does not exist"),
    (concat!("FIX", "ME"), "fix it or file an issue"),
];

/// The only folder that may hold unsafe code: decision 0004.
const UNSAFE_ALLOWED: &str = "crates/mtp-kernels/";

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for source in &tree.sources {
        check_file(source, &mut faults);
    }
    faults
}

/// Returns `true` for files that a program wrote.
pub(super) fn is_generated(path: &str) -> bool {
    path.contains("/generated/") || path.ends_with("/generated.rs")
}

fn check_file(source: &Source, faults: &mut Vec<Fault>) {
    let Source { path, text } = source;
    let lines = text.lines().count();
    if lines > LINES_MAX && !is_generated(path) {
        faults.push(Fault::new(path, format!("{lines} lines, at most {LINES_MAX}")));
    }
    for (number, line) in text.lines().enumerate() {
        let mut fault = |what: String| faults.push(Fault::at(path, number + 1, what));
        for (word, why) in FORBIDDEN {
            if line.contains(word) {
                fault(format!("{word}: {why}"));
            }
        }
        if line.contains(concat!("uns", "afe {")) && !path.starts_with(UNSAFE_ALLOWED) {
            fault(format!("unsafe code lives in {UNSAFE_ALLOWED}"));
        }
        if path.contains("/tests/") && line.contains(concat!("sle", "ep(")) {
            fault("no test waits for a clock".to_owned());
        }
    }
    let is_core = CORE.iter().any(|name| path == &format!("crates/{name}/src/lib.rs"));
    if is_core && !text.contains("#![no_std]") {
        faults.push(Fault::new(path, "a core crate is no_std"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::rig::{lines, tree};
    use super::*;

    #[test]
    fn forbidden_words_and_long_files_are_found() {
        let long = "//\n".repeat(LINES_MAX + 1);
        let marked = concat!("fn a() { todo", "!(); }");
        let found = check(&tree(&[
            ("crates/x/src/a.rs", marked),
            ("crates/x/src/b.rs", &long),
            ("crates/x/src/generated/c.rs", &long),
            ("crates/x/tests/d.rs", concat!("fn d() { sle", "ep(1) }")),
            ("crates/mtp-tl/src/lib.rs", "fn e() {}"),
        ]));
        assert_eq!(
            lines(&found),
            [
                concat!("crates/x/src/a.rs:1: todo", "!(: unfinished code is not committed"),
                "crates/x/src/b.rs: 801 lines, at most 800",
                "crates/x/tests/d.rs:1: no test waits for a clock",
                "crates/mtp-tl/src/lib.rs: a core crate is no_std",
            ]
        );
        assert!(check(&tree(&[("crates/mtp-tl/src/lib.rs", "#![no_std]\nfn f() {}")])).is_empty());
    }
}
