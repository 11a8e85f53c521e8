//! Branches for tests that can panic in a production build.
//!
//! A *switch* is a call `breaks(…)`, a `cfg!(…)` that never holds in production (`test`, a feature that begins with two
//! underscores), or a name that `let` binds to an expression with one of them. Code *behind a switch* is the branch of
//! an `if` whose condition asks for it, the other branch if the condition negates it, the arm whose guard does, what
//! `then` makes of it, and the rest of the condition.
//!
//! Behind a switch no production build may contain a macro that panics, `unwrap`, `expect` or an index, and no
//! assertion may ask a switch: the compiler keeps such branches, and their panics, unless `#[cfg(…)]` removes them.
//! Code under `#[cfg(test)]` or `#[cfg(feature = "__…")]` is none of production's and may do as it likes.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenTree};

use super::{Fault, Tree};
use crate::rust::{body_of_arm, children, holds_in_production, ident, is_ident, is_punct, line};

/// The method that asks whether a rule is broken on purpose.
const SWITCH: &str = "breaks";

/// Macros that panic.
const PANICS: [&str; 7] =
    ["panic", "unreachable", "todo", "unimplemented", "assert", "assert_eq", "assert_ne"];

/// Macros that assert, in production or in debug builds.
const ASSERTS: [&str; 6] =
    ["assert", "assert_eq", "assert_ne", "debug_assert", "debug_assert_eq", "debug_assert_ne"];

/// Methods that panic.
const UNWRAPS: [&str; 4] = ["unwrap", "expect", "unwrap_err", "expect_err"];

/// Words before `[` that are no value to be indexed.
const KEYWORDS: [&str; 12] =
    ["mut", "dyn", "in", "return", "let", "else", "match", "if", "as", "const", "ref", "break"];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in tree.crates.values().flatten() {
        let mut names = BTreeSet::new();
        let mut search = Search { path: &file.path, names: &mut names, faults: &mut faults };
        search.walk(&file.tokens);
    }
    faults
}

/// A walk through one file.
struct Search<'a> {
    path: &'a str,
    /// Names bound to a switch in the blocks around.
    names: &'a mut BTreeSet<String>,
    faults: &'a mut Vec<Fault>,
}

/// How an expression asks for a switch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// It holds if the switch does.
    Whether,
    /// It holds if the switch does not.
    WhetherNot,
}

impl Search<'_> {
    fn walk(&mut self, tokens: &[TokenTree]) {
        let outer = self.names.clone();
        for (at, token) in tokens.iter().enumerate() {
            let rest = tokens.get(at + 1..).unwrap_or_default();
            match token {
                TokenTree::Group(group) => self.walk(&children(group)),
                TokenTree::Ident(word) if word == "let" => self.bind(rest),
                TokenTree::Ident(word) if word == "if" || word == "while" => self.branch(rest),
                TokenTree::Ident(word) if word == "then" || word == "then_some" => {
                    let before = tokens.get(..at).unwrap_or_default();
                    let start = before.iter().rposition(|token| is_punct(token, ';'));
                    let receiver = before.get(start.map_or(0, |start| start + 1)..);
                    let group = rest.iter().take(1).cloned().collect::<Vec<_>>();
                    if self.asks(receiver.unwrap_or_default()).is_some() {
                        self.judge(&group, "what follows a switch");
                    }
                }
                TokenTree::Ident(word) if ASSERTS.iter().any(|name| word == name) => {
                    if let [bang, TokenTree::Group(group), ..] = rest
                        && is_punct(bang, '!')
                        && self.asks(&children(group)).is_some()
                    {
                        let what = format!("`{word}!` asks a switch of tests");
                        self.faults.push(Fault::at(self.path, line(token), what));
                    }
                }
                _ => {}
            }
        }
        *self.names = outer;
    }

    /// Notes the name that a `let` binds to a switch.
    fn bind(&mut self, rest: &[TokenTree]) {
        let end = rest.iter().position(|token| is_punct(token, ';')).unwrap_or(rest.len());
        let statement = rest.get(..end).unwrap_or_default();
        let Some(equals) = statement.iter().position(|token| is_punct(token, '=')) else { return };
        let (pattern, value) = statement.split_at(equals);
        // A branch within the value is judged by itself.
        let is_plain = !value.iter().any(|token| is_ident(token, "if") || is_ident(token, "match"));
        if let ([TokenTree::Ident(name)], true) = (pattern, is_plain)
            && self.asks(value) == Some(Asks::Whether)
        {
            self.names.insert(name.to_string());
        }
    }

    /// Judges what depends on the condition at the head of these tokens.
    fn branch(&mut self, rest: &[TokenTree]) {
        let is_body = |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        let arrow = rest.windows(2).position(|pair| match pair {
            [one, other] => is_punct(one, '=') && is_punct(other, '>'),
            _ => false,
        });
        let body = rest.iter().position(is_body).unwrap_or(rest.len());
        let is_guard = arrow.is_some_and(|arrow| arrow < body);
        let condition = rest.get(..arrow.unwrap_or(body).min(body)).unwrap_or_default();
        let Some(asks) = self.asks(condition) else { return };
        self.judge(condition, "a condition with a switch");
        if is_guard {
            let (body, _) = body_of_arm(rest, condition.len() + 2);
            if asks == Asks::Whether {
                self.judge(&body, "an arm behind a switch");
            }
            return;
        }
        if asks == Asks::Whether {
            self.judge(rest.get(body..=body).unwrap_or_default(), "a branch behind a switch");
        } else if rest.get(body + 1).is_some_and(|token| is_ident(token, "else")) {
            let chain = rest.get(body + 2..).unwrap_or_default();
            let end = end_of_chain(chain);
            self.judge(chain.get(..end).unwrap_or_default(), "a branch behind a switch");
        }
    }

    /// Finds a switch in an expression, and whether it is negated.
    fn asks(&self, tokens: &[TokenTree]) -> Option<Asks> {
        for (at, token) in tokens.iter().enumerate() {
            let before = tokens.get(..at).unwrap_or_default();
            let rest = tokens.get(at + 1..).unwrap_or_default();
            let found = match token {
                TokenTree::Ident(word) if word == SWITCH => {
                    matches!(rest.first(), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis)
                        .then_some(Asks::Whether)
                }
                TokenTree::Ident(word) if word == "cfg" => match rest {
                    [bang, TokenTree::Group(group), ..] if is_punct(bang, '!') => {
                        match holds_in_production(&children(group)) {
                            Some(false) => Some(Asks::Whether),
                            Some(true) => Some(Asks::WhetherNot),
                            None => None,
                        }
                    }
                    _ => None,
                },
                TokenTree::Ident(word) if self.names.contains(&word.to_string()) => {
                    let is_field = before.last().is_some_and(|token| is_punct(token, '.'));
                    (!is_field).then_some(Asks::Whether)
                }
                TokenTree::Group(group) => self.asks(&children(group)),
                _ => None,
            };
            match found {
                Some(Asks::Whether) if is_negated(before) => return Some(Asks::WhetherNot),
                Some(Asks::WhetherNot) if is_negated(before) => return Some(Asks::Whether),
                Some(found) => return Some(found),
                None => {}
            }
        }
        None
    }

    /// Finds what can panic in these tokens.
    fn judge(&mut self, tokens: &[TokenTree], what: &str) {
        for (at, token) in tokens.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|at| tokens.get(at));
            let next = tokens.get(at + 1);
            let panics = match token {
                TokenTree::Ident(word) => {
                    let is_macro = next.is_some_and(|token| is_punct(token, '!'));
                    let is_method = before.is_some_and(|token| is_punct(token, '.'));
                    (is_macro && PANICS.iter().any(|name| word == name))
                        || (is_method && UNWRAPS.iter().any(|name| word == name))
                }
                TokenTree::Group(group) => {
                    self.judge(&children(group), what);
                    group.delimiter() == Delimiter::Bracket && before.is_some_and(is_indexed)
                }
                _ => false,
            };
            if panics {
                let fault = format!("{what} can panic in production: `{}`", shown(token));
                self.faults.push(Fault::at(self.path, line(token), fault));
            }
        }
    }
}

/// Returns `true` if `!` stands before the operand that these tokens begin.
fn is_negated(before: &[TokenTree]) -> bool {
    for token in before.iter().rev() {
        match token {
            TokenTree::Punct(mark) if matches!(mark.as_char(), '.' | ':' | '?') => {}
            TokenTree::Ident(word) if word != "let" && word != "if" && word != "in" => {}
            TokenTree::Group(_) => {}
            TokenTree::Punct(mark) => return mark.as_char() == '!',
            _ => return false,
        }
    }
    false
}

/// Finds the end of `if … {} else if … {} else {}` after the first `else`.
fn end_of_chain(tokens: &[TokenTree]) -> usize {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let is_body =
            matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        if is_body && !tokens.get(at).is_some_and(|token| is_ident(token, "else")) {
            return at;
        }
    }
    at
}

/// Returns `true` for a value before `[`.
fn is_indexed(before: &TokenTree) -> bool {
    match before {
        TokenTree::Ident(word) => !KEYWORDS.iter().any(|name| word == name),
        TokenTree::Group(group) => group.delimiter() != Delimiter::Brace,
        TokenTree::Punct(mark) => mark.as_char() == '?',
        TokenTree::Literal(_) => false,
    }
}

fn shown(token: &TokenTree) -> String {
    ident(token).map_or_else(|| token.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::super::rig::{lines, tree};
    use super::check;

    fn find(code: &str) -> Vec<String> {
        lines(&check(&tree(&[("crates/x/src/lib.rs", &format!("fn f() {{ {code} }}"))])))
    }

    #[test]
    fn a_branch_behind_a_switch_that_can_panic_is_found() {
        for code in [
            "if base.breaks(Rule::A) { panic!(\"on purpose\") }",
            "if base.breaks(Rule::A) { let x = list[0]; }",
            "if x && base.breaks(Rule::A) { y.unwrap(); }",
            "if !base.breaks(Rule::A) { good() } else { y.expect(\"z\"); }",
            "if !base.breaks(Rule::A) { good() } else if x { y.expect(\"z\"); }",
            "match x { A if base.breaks(Rule::A) => list[0], _ => 0 }",
            "if base.breaks(Rule::A) && list[0] == 1 { good() }",
            "let is_broken = base.breaks(Rule::A); if is_broken { unreachable!() }",
            "base.breaks(Rule::A).then(|| list[0]);",
            "if cfg!(test) { panic!() }",
            "if cfg!(feature = \"__rules\") { panic!() }",
            "if cfg!(not(test)) { good() } else { panic!() }",
            "assert!(!base.breaks(Rule::A), \"on purpose\");",
            "debug_assert!(!cfg!(test));",
            "if let (true, Some(x)) = (base.breaks(Rule::A), y) { list[x] }",
        ] {
            assert_eq!(find(code).len(), 1, "{code}: {:?}", find(code));
        }
    }

    #[test]
    fn other_branches_are_left_alone() {
        for code in [
            "if base.breaks(Rule::A) { x = list.get(0); }",
            "if !base.breaks(Rule::A) { x = list[0]; }",
            "if base.breaks(Rule::A) { good() } x = list[0];",
            "if y { panic!(\"a true invariant\") }",
            "if cfg!(feature = \"std\") { x = list[0]; }",
            "#[cfg(feature = \"__rules\")] if base.breaks(Rule::A) { panic!() }",
            "#[cfg(test)] mod tests { fn g() { if breaks(1) { panic!() } } }",
            "let x: [u8; 4] = if base.breaks(Rule::A) { [0; 4] } else { list[0] };",
            "fn breaks(rule: Rule) -> bool { rules[0] }",
        ] {
            assert_eq!(find(code), Vec::<String>::new(), "{code}");
        }
    }
}
