//! The syntax tree of a schema: what was written, before any meaning is given to it.

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
    /// Everything in the text, in order. A schema starts in the types section.
    pub items: Vec<Item>,
    /// The rule that computes ids where none is written.
    pub rule: IdRule,
    /// Where the rule comes from.
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

/// One thing in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item {
    /// A constructor, function or built-in type.
    Declaration(Declaration),
    /// `---types---` or `---functions---`.
    Section(Section),
    /// `===8===`: the layer of the declarations up to the next marker of any kind.
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
pub struct Comment {
    /// What follows the two slashes.
    pub text: String,
    /// Whether it stands behind something on the same line.
    pub trailing: bool,
}

impl Comment {
    /// Reads the layer number of a `// LAYER n` line: the whole comment must have that form.
    // spec: tl 2.2
    #[must_use]
    pub fn layer(&self) -> Option<u32> {
        let number = self.header("layer")?;
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        if digits { number.parse().ok() } else { None }
    }

    /// Reads the rule of a `// RULE api` or `// RULE engine` line: the whole comment must have that form.
    #[must_use]
    pub fn rule(&self) -> Option<IdRule> {
        let name = self.header("rule")?;
        IdRule::ALL.into_iter().find(|rule| rule.as_str().eq_ignore_ascii_case(name))
    }

    /// Reads the finding that a line `// ALLOW wrong-id:gzip_packed` allows.
    #[must_use]
    pub fn allowance(&self) -> Option<Allowance> {
        self.header("allow")?.parse().ok()
    }

    /// Returns what follows a word at the start of the comment.
    fn header(&self, word: &str) -> Option<&str> {
        let (first, rest) = self.text.trim().split_at_checked(word.len())?;
        if self.trailing || !first.eq_ignore_ascii_case(word) {
            return None;
        }
        Some(rest.strip_prefix(':').unwrap_or(rest).trim_start())
    }
}

/// One combinator: `name#id {params} fields = result;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// The section it stands in.
    pub section: Section,
    /// The layer of the last marker before it. Of several declarations of one name the newest keeps the name; the
    /// others are called `name_layerN`.
    pub layer: Option<u32>,
    /// Words such as `@read` before a function of VK's dialect, without the `@`.
    pub annotations: Vec<String>,
    /// The full name; `_` for VK's nameless constructors.
    pub name: Name,
    /// The id as written, if it was.
    pub written_id: Option<u32>,
    /// What stands in braces.
    pub parameters: Vec<Parameter>,
    /// Whether a `?` stands in place of fields: a built-in type.
    pub builtin: bool,
    /// The fields in order.
    pub fields: Vec<Field>,
    /// What stands behind `=`.
    pub result: Term,
    /// The whole declaration.
    pub place: Place,
    /// Name and id.
    pub head: Place,
}

impl Declaration {
    /// Returns the id: the written one, else what the rule gives.
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
    /// Makes a name of its text. The parser alone decides what is a name, so nothing is checked.
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

    /// Returns what follows the last dot.
    #[must_use]
    pub fn base(&self) -> &str {
        self.0.rsplit_once('.').map_or(&self.0, |(_, base)| base)
    }

    /// Tells whether this is the name of a boxed type: its last part starts with a capital.
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
pub struct Parameter {
    /// The variable's name.
    pub name: String,
    /// What it stands for.
    pub kind: ParameterKind,
    /// The name inside the braces.
    pub place: Place,
}

/// What a parameter in braces stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the language has these two kinds")]
pub enum ParameterKind {
    /// `{X:Type}`: a type.
    Type,
    /// `{n:#}`: a number.
    Nat,
}

/// One field: `name:condition?!term`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name, absent in forms such as `# [ t ]`.
    pub name: Option<String>,
    /// `flags.3?`.
    pub condition: Option<Condition>,
    /// Whether a `!` stands before the type: any function call whose result the variable names.
    pub call: bool,
    /// The type.
    pub term: Term,
    /// The whole field.
    pub place: Place,
}

/// `flags.3?`: the field is there if that bit of that earlier field is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Name of the flags field.
    pub flags: String,
    /// Number of the bit. The parser takes any number; above 31 the checks refuse it.
    pub bit: u32,
    /// `flags.3`.
    pub place: Place,
}

/// A type expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Whether `%` stands before it.
    pub bare: bool,
    /// What it is.
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
        /// What it is applied to.
        arguments: Vec<Term>,
    },
    /// `#`.
    Nat,
    /// `4` as an argument.
    Number(u64),
    /// `n + 1` as an argument.
    Sum(Box<Term>, u64),
    /// `4*[ int ]`, or `[ t ]` behind a `#`.
    Repeat {
        /// How often: a number, a variable, or the `#` before.
        count: Option<Box<Term>>,
        /// What is repeated.
        fields: Vec<Field>,
    },
}
