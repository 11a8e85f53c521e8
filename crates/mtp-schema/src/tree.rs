//! The syntax tree of a schema, before names are resolved.

use core::fmt;

use crate::{
    diagnostic::Allowance,
    id::{IdRule, RuleSource},
    print,
    source::Place,
};

/// A parsed schema: the items of its files in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schema {
    /// The items in order. A schema starts in the types section.
    pub items: Vec<Item>,
    /// The rule that computes ids where none is written.
    pub rule: IdRule,
    /// The origin of the rule.
    pub rule_source: RuleSource,
}

impl Schema {
    /// Creates an empty schema.
    #[must_use]
    pub fn new(rule: IdRule) -> Self {
        Self { items: Vec::new(), rule, rule_source: RuleSource::Given }
    }

    /// Iterates over the declarations of both sections in order.
    pub fn declarations(&self) -> impl Iterator<Item = &Declaration> {
        self.items.iter().filter_map(|item| match item {
            Item::Declaration(declaration) => Some(declaration),
            _ => None,
        })
    }

    /// Iterates over the declarations of the types section.
    pub fn constructors(&self) -> impl Iterator<Item = &Declaration> {
        self.declarations().filter(|one| one.section == Section::Types)
    }

    /// Iterates over the declarations of the functions section.
    pub fn functions(&self) -> impl Iterator<Item = &Declaration> {
        self.declarations().filter(|one| one.section == Section::Functions)
    }

    /// Returns the layer of the last `// LAYER n` line or `===n===` marker.
    #[must_use]
    pub fn layer(&self) -> Option<u32> {
        self.items.iter().rev().find_map(|item| match item {
            Item::Comment(comment) => comment.layer(),
            Item::Layer(layer) => Some(*layer),
            _ => None,
        })
    }

    /// Finds a declaration by section and name.
    #[must_use]
    pub fn find(&self, section: Section, name: &str) -> Option<&Declaration> {
        self.declarations().find(|one| one.section == section && one.name.as_str() == name)
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::schema(self))
    }
}

/// An item of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item {
    /// A constructor, function or built-in type.
    Declaration(Declaration),
    /// `---types---` or `---functions---`.
    Section(Section),
    /// `===8===`: the layer of the declarations up to the next marker.
    Layer(u32),
    /// A comment.
    Comment(Comment),
    /// One or more empty lines.
    Blank,
}

/// The two sections of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the language has these two sections")]
pub enum Section {
    /// Constructors.
    Types,
    /// Functions.
    Functions,
}

impl Section {
    /// Returns the word inside the section's marker.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Types => "types",
            Self::Functions => "functions",
        }
    }
}

/// A line comment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Comment {
    /// The text after the two slashes.
    pub text: String,
    /// True if it follows something on the same line.
    pub trailing: bool,
}

impl Comment {
    /// Returns the layer of a `// LAYER n` line. The whole comment must have that form.
    // spec: tl 2.2
    #[must_use]
    pub fn layer(&self) -> Option<u32> {
        let number = self.header("layer")?;
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        if digits { number.parse().ok() } else { None }
    }

    /// Returns the rule of a `// RULE api` or `// RULE engine` line. The whole comment must have that form.
    #[must_use]
    pub fn rule(&self) -> Option<IdRule> {
        let name = self.header("rule")?;
        IdRule::ALL.into_iter().find(|rule| rule.as_str().eq_ignore_ascii_case(name))
    }

    /// Returns the known difference of a line such as `// ALLOW wrong-id:gzip_packed`.
    #[must_use]
    pub fn allowance(&self) -> Option<Allowance> {
        self.header("allow")?.parse().ok()
    }

    /// Returns the text after a word at the start of the comment.
    fn header(&self, word: &str) -> Option<&str> {
        let (first, rest) = self.text.trim().split_at_checked(word.len())?;
        if self.trailing || !first.eq_ignore_ascii_case(word) {
            return None;
        }
        Some(rest.strip_prefix(':').unwrap_or(rest).trim_start())
    }
}

/// A combinator: `name#id {params} fields = result;`
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Declaration {
    /// Its section.
    pub section: Section,
    /// The layer of the preceding marker. Of several declarations of one name, the newest keeps the name and the others
    /// are called `name_layerN`.
    pub layer: Option<u32>,
    /// Annotations such as `@read` before functions of VK's dialect, without the `@`.
    pub annotations: Vec<String>,
    /// The full name; `_` for VK's nameless constructors.
    pub name: Name,
    /// The written id, if there is one.
    pub written_id: Option<u32>,
    /// The parameters in braces.
    pub parameters: Vec<Parameter>,
    /// True if there is a `?` in place of fields, as in `int ? = Int`.
    pub builtin: bool,
    /// The fields in order.
    pub fields: Vec<Field>,
    /// The type after `=`.
    pub result: Term,
    /// The whole declaration.
    pub place: Place,
    /// Name and id.
    pub head: Place,
}

impl Declaration {
    /// Returns the written id, else the id that the rule computes.
    #[must_use]
    pub fn id(&self, rule: IdRule) -> u32 {
        self.written_id.unwrap_or_else(|| rule.compute(self))
    }
}

impl fmt::Display for Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::declaration(self, None))
    }
}

/// A dotted name such as `messages.sendMessage` or `e2e.chain.Block`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Creates a name without checking it; the parser does.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the full name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns everything before the last dot, empty if there is none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.0.rsplit_once('.').map_or("", |(namespace, _)| namespace)
    }

    /// Returns everything after the last dot.
    #[must_use]
    pub fn base(&self) -> &str {
        self.0.rsplit_once('.').map_or(&self.0, |(_, base)| base)
    }

    /// Returns `true` if this is the name of a boxed type: its last part starts with a capital letter.
    #[must_use]
    pub fn is_upper(&self) -> bool {
        self.base().starts_with(|c: char| c.is_ascii_uppercase())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `{X:Type}` or `{n:#}`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameter {
    /// The variable's name.
    pub name: String,
    /// Its kind.
    pub kind: ParameterKind,
    /// The name inside the braces.
    pub place: Place,
}

/// The kind of a parameter in braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the language has these two kinds")]
pub enum ParameterKind {
    /// `{X:Type}`: a type.
    Type,
    /// `{n:#}`: a number.
    Nat,
}

/// A field: `name:condition?!term`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// The name, absent in forms such as `# [ t ]`.
    pub name: Option<String>,
    /// `flags.3?`.
    pub condition: Option<Condition>,
    /// True if a `!` precedes the type: the field is a call whose result is the type variable.
    pub call: bool,
    /// The type.
    pub term: Term,
    /// The whole field.
    pub place: Place,
}

/// `flags.3?`: the field is present if that bit of that earlier field is set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Condition {
    /// The name of the flags field.
    pub flags: String,
    /// The number of the bit. The parser accepts any number; the checks reject those above 31.
    pub bit: u32,
    /// `flags.3`.
    pub place: Place,
}

/// A type expression.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Term {
    /// True if a `%` precedes it.
    pub bare: bool,
    /// Its form.
    pub kind: TermKind,
    /// The whole expression.
    pub place: Place,
}

impl Term {
    /// Returns the name, if this is a name without arguments and without `%`.
    #[must_use]
    pub fn plain_name(&self) -> Option<&str> {
        match &self.kind {
            TermKind::Named { name, arguments } if arguments.is_empty() && !self.bare => {
                Some(name.as_str())
            }
            _ => None,
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::term(self))
    }
}

/// The forms of a type expression.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TermKind {
    /// `long`, `Vector<long>`, `(vector long)`.
    Named {
        /// The name.
        name: Name,
        /// The arguments.
        arguments: Vec<Term>,
    },
    /// `#`.
    Nat,
    /// `4` as an argument.
    Number(u64),
    /// `n + 1` as an argument.
    Sum(Box<Term>, u64),
    /// `4*[ int ]`, or `[ t ]` after a `#`.
    Repeat {
        /// The count: a number, a variable, or `None` for the preceding `#`.
        count: Option<Box<Term>>,
        /// The repeated fields.
        fields: Vec<Field>,
    },
}
