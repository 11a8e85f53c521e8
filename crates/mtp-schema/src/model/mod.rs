//! A schema with its names resolved, for the generator and the dynamic codec.

mod resolve;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    diagnostic::{Diagnostic, DiagnosticCode},
    source::Span,
    tree::{Declaration, Name, Schema, Section},
};

/// A schema with all its names resolved.
#[derive(Clone, Debug, Default)]
pub struct Model {
    combinators: Vec<Combinator>,
    types: Vec<BoxedType>,
    constructors_by_name: BTreeMap<String, CombinatorIx>,
    functions_by_name: BTreeMap<String, CombinatorIx>,
    by_id: BTreeMap<(Section, u32), CombinatorIx>,
    types_by_name: BTreeMap<String, TypeIx>,
    left_out: BTreeSet<CombinatorIx>,
    layer: Option<u32>,
}

impl Model {
    /// Resolves a schema. [`crate::check`] also reports warnings and wrong ids.
    ///
    /// # Errors
    /// All errors except wrong ids: a written id takes precedence.
    pub fn new(schema: &Schema) -> Result<Self, Vec<Diagnostic>> {
        let (model, diagnostics) = resolve::resolve(schema);
        let errors: Vec<_> = diagnostics
            .into_iter()
            .filter(|one| one.severity == crate::diagnostic::Severity::Error)
            .collect();
        if errors.is_empty() { Ok(model) } else { Err(errors) }
    }

    pub(crate) fn findings(schema: &Schema) -> Vec<Diagnostic> {
        resolve::resolve(schema).1
    }

    /// Returns the layer of the schema, if stated.
    #[must_use]
    pub fn layer(&self) -> Option<u32> {
        self.layer
    }

    /// Returns `true` if a declaration only states a type that the compiler knows.
    pub(crate) fn is_builtin(one: &Declaration) -> bool {
        resolve::is_builtin(one)
    }

    /// Removes a constructor or function from iterators, look-ups and its type.
    pub(crate) fn leave_out(&mut self, at: CombinatorIx) {
        self.left_out.insert(at);
        for ty in &mut self.types {
            ty.constructors.retain(|one| *one != at);
        }
        for names in [&mut self.constructors_by_name, &mut self.functions_by_name] {
            names.retain(|_, one| *one != at);
        }
        self.by_id.retain(|_, one| *one != at);
    }

    pub(crate) fn is_left_out(&self, at: CombinatorIx) -> bool {
        self.left_out.contains(&at)
    }

    /// Iterates over all constructors and functions in the order of the schema.
    pub fn combinators(&self) -> impl Iterator<Item = (CombinatorIx, &Combinator)> {
        let all = self.combinators.iter().enumerate().map(|(at, one)| (CombinatorIx(at), one));
        all.filter(|(at, _)| !self.left_out.contains(at))
    }

    /// Iterates over all boxed types in the order of first use.
    pub fn types(&self) -> impl Iterator<Item = (TypeIx, &BoxedType)> {
        self.types.iter().enumerate().map(|(at, one)| (TypeIx(at), one))
    }

    /// Returns a constructor or function.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "indices are made by the resolver and stay valid")]
    pub fn combinator(&self, at: CombinatorIx) -> &Combinator {
        &self.combinators[at.0]
    }

    /// Returns a boxed type.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "indices are made by the resolver and stay valid")]
    pub fn boxed_type(&self, at: TypeIx) -> &BoxedType {
        &self.types[at.0]
    }

    /// Finds a constructor or function by name.
    #[must_use]
    pub fn find(&self, section: Section, name: &str) -> Option<CombinatorIx> {
        let names = match section {
            Section::Types => &self.constructors_by_name,
            Section::Functions => &self.functions_by_name,
        };
        names.get(name).copied()
    }

    /// Finds a constructor or function by id.
    #[must_use]
    pub fn find_id(&self, section: Section, id: u32) -> Option<CombinatorIx> {
        self.by_id.get(&(section, id)).copied()
    }

    /// Finds a boxed type by name.
    #[must_use]
    pub fn find_type(&self, name: &str) -> Option<TypeIx> {
        self.types_by_name.get(name).copied()
    }

    /// Resolves a type expression written by a user, such as `Vector<User>` or `inputPeerUser`.
    ///
    /// # Errors
    /// A finding without a place.
    pub fn type_of(&self, text: &str) -> Result<Ty, Diagnostic> {
        resolve::type_expression(self, text)
    }

    /// Returns a type as a schema writes it.
    #[must_use]
    pub fn type_name(&self, ty: &Ty) -> String {
        match ty {
            Ty::Primitive(primitive) => primitive.as_str().to_owned(),
            Ty::Bool => "Bool".to_owned(),
            Ty::True => "true".to_owned(),
            Ty::Vector { boxed, item } => {
                let word = if *boxed { "Vector" } else { "vector" };
                format!("{word}<{}>", self.type_name(item))
            }
            Ty::Boxed(at) => self.boxed_type(*at).name.to_string(),
            Ty::Bare(at) => self.combinator(*at).name.to_string(),
            Ty::Object => "Object".to_owned(),
            Ty::Call => "!X".to_owned(),
            Ty::ResultOfCall => "X".to_owned(),
        }
    }
}

/// Index of a constructor or function in a [`Model`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CombinatorIx(usize);

/// Index of a boxed type in a [`Model`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeIx(usize);

/// A boxed type and its constructors.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BoxedType {
    /// The full name.
    pub name: Name,
    /// Its constructors in order; empty if the schema is a fragment.
    pub constructors: Vec<CombinatorIx>,
    /// The text of its `//@class` comment.
    pub description: Option<String>,
}

/// A constructor or function.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Combinator {
    /// Constructor or function.
    pub section: Section,
    /// The full name.
    pub name: Name,
    /// The id, written or computed.
    pub id: u32,
    /// The fields in wire order, including flags words.
    pub fields: Vec<ModelField>,
    /// The type of a constructor, or of a function's result.
    pub result: Ty,
    /// The canonical text of the declaration.
    pub text: String,
    /// The text of `//@description` and `//@name` comments.
    pub docs: Docs,
    /// Its layer, in a schema of several layers.
    pub layer: Option<u32>,
    /// True if it declares the beginning of another function's call and has its id, as in `TDLib`'s files.
    pub is_prefix: bool,
    /// The span of name and id.
    pub span: Span,
}

impl Combinator {
    /// Returns `true` if it wraps another call: a field is `!X`.
    #[must_use]
    pub fn wraps_call(&self) -> bool {
        self.fields.iter().any(|field| field.ty == Ty::Call)
    }

    /// Returns the fields that depend on a bit of the flags word at an index, in order.
    pub fn governed(&self, flags: usize, bit: u8) -> impl Iterator<Item = &ModelField> {
        self.fields.iter().filter(move |field| field.condition == Some(FlagBit { flags, bit }))
    }
}

/// Documentation comments in `TDLib`'s form.
// spec: tl 2.2
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Docs {
    /// The description of the declaration.
    pub description: Option<String>,
    /// Fields with their descriptions.
    pub fields: Vec<(String, String)>,
}

/// A field on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelField {
    /// The name.
    pub name: String,
    /// The type, without the condition.
    pub ty: Ty,
    /// The bit that it depends on, if it is conditional.
    pub condition: Option<FlagBit>,
    /// True for a flags word: a `#` that later conditions refer to.
    pub is_flags: bool,
}

/// A bit of a flags word of the same declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "two numbers, nothing can be added")]
pub struct FlagBit {
    /// The index of the flags word among the fields.
    pub flags: usize,
    /// The number of the bit, 0 to 31.
    pub bit: u8,
}

/// A type of a field or result.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Ty {
    /// A built-in type without an id on the wire.
    Primitive(Primitive),
    /// `Bool`, always with an id.
    Bool,
    /// `true`, which takes no bytes.
    True,
    /// A vector.
    Vector {
        /// True if the vector has its id.
        boxed: bool,
        /// The type of the items.
        item: Box<Ty>,
    },
    /// A type with a constructor id.
    Boxed(TypeIx),
    /// A constructor without its id.
    Bare(CombinatorIx),
    /// Any boxed value.
    Object,
    /// `!X`: any function call.
    Call,
    /// `X`: the result of the wrapped call.
    ResultOfCall,
}

/// Built-in types without an id.
// spec: tl 2.4
// spec: tl 6
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Primitive {
    /// 4 bytes, unsigned: `#`.
    Nat,
    /// 4 bytes, signed.
    Int,
    /// 8 bytes, signed.
    Long,
    /// 8 bytes, binary64.
    Double,
    /// 4 bytes, binary32.
    Float,
    /// 16 bytes.
    Int128,
    /// 32 bytes.
    Int256,
    /// 64 bytes.
    Int512,
    /// Text.
    String,
    /// Bytes.
    Bytes,
}

impl Primitive {
    /// Returns the name that schemas use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nat => "#",
            Self::Int => "int",
            Self::Long => "long",
            Self::Double => "double",
            Self::Float => "float",
            Self::Int128 => "int128",
            Self::Int256 => "int256",
            Self::Int512 => "int512",
            Self::String => "string",
            Self::Bytes => "bytes",
        }
    }

    /// Returns the number of bytes on the wire, or the minimum for strings.
    #[must_use]
    pub fn least_len(self) -> usize {
        match self {
            Self::Nat | Self::Int | Self::Float | Self::String | Self::Bytes => 4,
            Self::Long | Self::Double => 8,
            Self::Int128 => 16,
            Self::Int256 => 32,
            Self::Int512 => 64,
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "int" | "int32" => Self::Int,
            "long" | "int53" | "int64" => Self::Long,
            "double" => Self::Double,
            "float" => Self::Float,
            "int128" => Self::Int128,
            "int256" => Self::Int256,
            "int512" => Self::Int512,
            "string" | "secureString" => Self::String,
            "bytes" | "secureBytes" => Self::Bytes,
            _ => return None,
        })
    }
}

fn unsupported(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(DiagnosticCode::Unsupported, span, message)
}
