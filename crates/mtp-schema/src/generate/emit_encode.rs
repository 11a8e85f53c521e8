//! Text of the encoder of one constructor or function.
//!
//! Most conditional fields of large constructors are absent, and testing each of them twice, for its flag and for its
//! value, dominates the cost of encoding. So neighbors are tested together first, as a few machine words combined by OR,
//! and each by itself only if any is present. Both tests are functions of their own, because the compiler would otherwise
//! compute every bit and keep all loaded values for later.

use core::fmt::Write as _;
use std::collections::BTreeSet;

use super::{
    emit::line,
    emit_large::Step,
    emit_struct::Writer,
    layout::{Member, Value},
};
use crate::model::{FlagBit, Primitive, Ty};

/// Minimum number of conditional fields for a common test.
const QUESTION_MIN: usize = 3;

/// A bit of a flags word, and the expression that is `true` if it is set.
type Presence = (FlagBit, String);

/// Conditional members that are tested together.
struct Question<'s> {
    /// Neighbors on the wire; `None` for `true` flags, which are not on the wire.
    run: Option<&'s [(FlagBit, usize)]>,
    presences: Vec<Presence>,
}

impl Question<'_> {
    /// Returns the flags words that hold its bits.
    fn words(&self) -> BTreeSet<usize> {
        self.presences.iter().map(|(bit, _)| bit.flags).collect()
    }
}

impl Writer<'_, '_, '_> {
    pub(super) fn encode(&mut self) {
        let (bounds, generics) = (self.generics("", "X: Encode"), self.generics("'_", "X"));
        let ident = &self.plan.ident;
        let steps = self.steps();
        let questions = self.questions(&steps);
        let mut body = self.words(&steps, &questions);
        let mut words = Vec::new();
        for step in &steps {
            if let Some(word) = self.word_of_step(step) {
                words.push(word);
                continue;
            }
            body.extend(put_words(&mut words));
            match step {
                Step::Word(_) => {}
                Step::Value(index) => body.extend(self.encode_field(*index)),
                Step::Run(run) => {
                    let at = questions.iter().position(|one| one.run == Some(run.as_slice()));
                    body.extend(at.map(|at| format!("if any[{at}] {{")));
                    body.extend(run.iter().filter_map(|(_, index)| self.encode_field(*index)));
                    body.extend(at.map(|_| "}".to_owned()));
                }
            }
        }
        body.extend(put_words(&mut words));
        let out = if body.is_empty() { "_" } else { "out" };
        line!(self.emitter.out, "impl{bounds} EncodeBare for {ident}{generics} {{");
        line!(self.emitter.out, "    fn encode_bare<O: Output + ?Sized>(&self, {out}: &mut O) {{");
        for text in body {
            line!(self.emitter.out, "        {text}");
        }
        line!(self.emitter.out, "    }}");
        line!(self.emitter.out, "}}");
        if self.is_boxed() {
            line!(self.emitter.out, "impl{bounds} Encode for {ident}{generics} {{");
            line!(
                self.emitter.out,
                "    fn encode<O: Output + ?Sized>(&self, out: &mut O) {{ self.encode_boxed(out); }}"
            );
            line!(self.emitter.out, "}}");
        }
        self.answers(&questions);
    }

    /// Returns the expression of an unconditional one-word value. Neighbors of this kind are written by one call.
    fn word_of_step(&self, step: &Step) -> Option<String> {
        match step {
            Step::Word(index) => Some(format!("word{index}.bits().to_le_bytes()")),
            Step::Value(index) => self.plan.members.iter().find_map(|member| match member {
                Member::Value(value) if value.field == *index => match self.field(value).ty {
                    Ty::Primitive(Primitive::Int | Primitive::Nat) => {
                        Some(format!("self.{}.to_le_bytes()", value.ident))
                    }
                    _ => None,
                },
                _ => None,
            }),
            Step::Run(_) => None,
        }
    }

    /// Returns the common tests: the runs of a large constructor, and the `true` flags of each word.
    fn questions<'s>(&self, steps: &'s [Step]) -> Vec<Question<'s>> {
        if !self.plan.is_large || self.plan.wraps_call {
            return Vec::new();
        }
        let mut questions = Vec::new();
        for step in steps {
            match step {
                Step::Word(index) => {
                    let is_flag = |member: &&Member| matches!(member, Member::Flag { .. });
                    let flags = self.plan.members.iter().filter(is_flag).filter_map(presence);
                    let presences: Vec<_> = flags.filter(|(bit, _)| bit.flags == *index).collect();
                    questions.push(Question { run: None, presences });
                }
                Step::Run(run) => {
                    questions.push(Question { run: Some(run), presences: self.presences(run) });
                }
                Step::Value(_) => {}
            }
        }
        questions.retain(|one| one.presences.len() >= QUESTION_MIN);
        questions
    }

    /// Returns the statements that compute the flags words and the results of all common tests.
    // spec: tl 6.2
    fn words(&self, steps: &[Step], questions: &[Question<'_>]) -> Vec<String> {
        let is_asked = |one: &Presence| questions.iter().any(|q| q.presences.contains(one));
        let lonely = self.plan.members.iter().filter_map(presence).filter(|one| !is_asked(one));
        let lonely: Vec<Presence> = lonely.collect();
        let mut out = Vec::new();
        for step in steps {
            let Step::Word(index) = step else { continue };
            let is_asked = questions.iter().any(|one| one.words().contains(index));
            let mutable = if is_asked { "mut " } else { "" };
            out.push(format!("let {mutable}word{index} = Flags::NONE{};", with(&lonely, *index)));
        }
        if !questions.is_empty() {
            out.push("let any = self.__any();".to_owned());
        }
        for (at, question) in questions.iter().enumerate() {
            let words = question.words();
            let names: Vec<_> = words.iter().map(|word| format!("word{word}")).collect();
            let (names, targets) = match names.as_slice() {
                [one] => (one.clone(), one.clone()),
                several => (several.join(", "), format!("({})", several.join(", "))),
            };
            out.push(format!("if any[{at}] {{ {targets} = self.__flags{at}({names}); }}"));
        }
        out
    }

    /// Writes the functions that test each member by itself. No name in a schema starts with `_`.
    fn answers(&mut self, questions: &[Question<'_>]) {
        if questions.is_empty() {
            return;
        }
        let generics = self.generics("'_", "X");
        line!(self.emitter.out, "impl {}{generics} {{", self.plan.ident);
        line!(self.emitter.out, "    #[inline(never)]");
        line!(self.emitter.out, "    fn __any(&self) -> [bool; {}] {{", questions.len());
        line!(self.emitter.out, "        [");
        for question in questions {
            let any: Vec<_> = question.presences.iter().map(|(_, is)| is.as_str()).collect();
            line!(self.emitter.out, "            {},", any.join(" | "));
        }
        line!(self.emitter.out, "        ]");
        line!(self.emitter.out, "    }}");
        for (at, question) in questions.iter().enumerate() {
            let words = question.words();
            let arguments: Vec<_> = words.iter().map(|word| format!("word{word}: Flags")).collect();
            let results: Vec<_> = words
                .iter()
                .map(|word| format!("word{word}{}", with(&question.presences, *word)))
                .collect();
            let (ty, result) = match results.as_slice() {
                [one] => ("Flags".to_owned(), one.clone()),
                several => {
                    let types = vec!["Flags"; several.len()].join(", ");
                    (format!("({types})"), format!("({})", several.join(", ")))
                }
            };
            line!(self.emitter.out, "    #[cold]");
            line!(self.emitter.out, "    #[inline]");
            line!(
                self.emitter.out,
                "    fn __flags{at}(&self, {}) -> {ty} {{ {result} }}",
                arguments.join(", ")
            );
        }
        line!(self.emitter.out, "}}");
    }

    /// Returns the members of a run.
    fn presences(&self, run: &[(FlagBit, usize)]) -> Vec<Presence> {
        let in_run = |member: &&Member| match member {
            Member::Value(value) => run.iter().any(|(_, index)| *index == value.field),
            Member::Group { group, .. } => {
                group.values.iter().any(|value| run.iter().any(|(_, index)| *index == value.field))
            }
            Member::Flag { .. } => false,
        };
        self.plan.members.iter().filter(in_run).filter_map(presence).collect()
    }

    /// Returns the statement that writes the field at an index; `None` if it is not on the wire.
    fn encode_field(&self, index: usize) -> Option<String> {
        self.plan.members.iter().find_map(|member| match member {
            Member::Value(value) if value.field == index => {
                Some(format!("self.{}.encode(out);", value.ident))
            }
            Member::Group { ident, group, .. } => {
                let value = group.values.iter().find(|value| value.field == index)?;
                let inner = &value.ident;
                Some(format!("if let Some(group) = &self.{ident} {{ group.{inner}.encode(out); }}"))
            }
            _ => None,
        })
    }
}

/// Returns the statement that writes neighboring words; `None` if there are none.
fn put_words(words: &mut Vec<String>) -> Option<String> {
    match core::mem::take(words).as_slice() {
        [] => None,
        [one] => Some(format!("out.put(&{one});")),
        several => Some(format!("out.put([{}].as_flattened());", several.join(", "))),
    }
}

/// Returns the bit of a conditional member, and the expression that is `true` if it is set.
fn presence(member: &Member) -> Option<Presence> {
    match member {
        Member::Flag { ident, bit, .. } => Some((*bit, format!("self.{ident}"))),
        Member::Value(Value { ident, bit: Some(bit), .. }) | Member::Group { ident, bit, .. } => {
            Some((*bit, format!("self.{ident}.is_some()")))
        }
        Member::Value(_) => None,
    }
}

/// Returns the calls that set the bits of one word.
fn with(presences: &[Presence], word: usize) -> String {
    let of_word = presences.iter().filter(|(bit, _)| bit.flags == word);
    of_word.fold(String::new(), |mut out, (bit, present)| {
        let _ = write!(out, ".with({}, {present})", bit.bit);
        out
    })
}
