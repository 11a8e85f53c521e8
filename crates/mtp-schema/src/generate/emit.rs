//! Text of the module tree.

use core::fmt::{self, Write as _};
use std::collections::BTreeMap;

use super::{
    Gate, Options, emit_struct,
    layout::{Enum, Form, Plan, Root, Struct},
};
use crate::{
    diagnostic::Diagnostic,
    model::{CombinatorIx, Primitive, Ty, TypeIx},
    tree::Section,
};

/// Writes all modules, after a list of the declarations that are left out.
pub(super) fn emit(plan: &Plan<'_>, options: &Options, left_out: &[Diagnostic]) -> String {
    let mut emitter = Emitter { plan, options, out: Text::default() };
    emitter.root(left_out);
    emitter.out.into_text()
}

pub(super) struct Emitter<'p, 'm> {
    pub(super) plan: &'p Plan<'m>,
    pub(super) options: &'p Options,
    pub(super) out: Text,
}

/// Writes one line, with the arguments of `format!`.
macro_rules! line {
    ($out:expr) => { $out.line(format_args!("")) };
    ($out:expr, $($text:tt)*) => { $out.line(format_args!($($text)*)) };
}
pub(super) use line;

/// An entry of a module.
#[derive(Clone, Copy)]
enum Entry<'p> {
    Struct(CombinatorIx, &'p Struct),
    Groups(CombinatorIx, &'p Struct),
    Enum(TypeIx, &'p Enum),
}

/// A module: its entries, then its submodules.
#[derive(Default)]
struct Module<'p> {
    entries: Vec<Entry<'p>>,
    modules: BTreeMap<&'p str, Module<'p>>,
}

impl<'p> Module<'p> {
    fn add(&mut self, path: &'p [String], entry: Entry<'p>) {
        let module = path.iter().fold(self, |module, part| module.modules.entry(part).or_default());
        module.entries.push(entry);
    }
}

impl<'p> Emitter<'p, '_> {
    fn root(&mut self, left_out: &[Diagnostic]) {
        let layer = self.plan.model.layer();
        let of = layer.map_or(String::new(), |layer| format!(" from layer {layer}"));
        line!(self.out, "// Written by mtp-schema{of}. Do not edit.");
        for finding in left_out {
            line!(self.out, "// Left out: {finding}.");
        }
        line!(self.out);
        if let Some(layer) = layer {
            line!(self.out, "/// The layer of the schema.");
            line!(self.out, "#[allow(dead_code, unreachable_pub, reason = \"generated code\")]");
            line!(self.out, "pub const LAYER: i32 = {layer};");
            line!(self.out);
        }
        self.prelude();
        let mut roots: BTreeMap<Root, Module<'p>> = BTreeMap::new();
        let plan = self.plan;
        for (at, one) in &plan.enums {
            roots.entry(Root::Types).or_default().add(&one.namespace, Entry::Enum(*at, one));
        }
        for (at, one) in &plan.structs {
            roots.entry(one.root).or_default().add(&one.namespace, Entry::Struct(*at, one));
            if one.groups().next().is_some() {
                let groups = roots.entry(Root::Groups).or_default();
                groups.add(&one.namespace, Entry::Groups(*at, one));
            }
        }
        for (root, module) in &roots {
            let doc = match root {
                Root::Types => "Boxed types.",
                Root::Variants => "Constructors of types that have several.",
                Root::Functions => "Functions, each with the type of its answer.",
                Root::Groups => "Fields that share a flag bit: all of them are present, or none.",
            };
            self.module(root.as_str(), doc, module, true);
        }
        self.calls();
        self.registry();
    }

    /// Writes the imports of all modules.
    fn prelude(&mut self) {
        let runtime = &self.options.runtime;
        line!(self.out, "mod __prelude {{");
        line!(
            self.out,
            "    #![allow(unused_imports, reason = \"a small schema does not use all imports\")]"
        );
        line!(self.out, "    extern crate alloc;");
        line!(self.out, "    pub(super) use alloc::{{borrow::Cow, boxed::Box, vec::Vec}};");
        line!(self.out, "    pub(super) use {runtime}::{{");
        line!(
            self.out,
            "        Bare, BareVec, Constructor, ConstructorId, Decode, DecodeBare, DecodeError, Decoder,"
        );
        line!(
            self.out,
            "        Encode, EncodeBare, Fill, Flags, Function, IntoOwned, Output, Rest, TlStr, True,"
        );
        line!(self.out, "    }};");
        line!(self.out, "}}");
        line!(self.out);
    }

    fn module(&mut self, name: &str, doc: &str, module: &Module<'p>, top: bool) {
        line!(self.out, "/// {doc}");
        line!(self.out, "pub mod {name} {{");
        self.out.indent();
        if top {
            line!(self.out, "#![allow(");
            line!(
                self.out,
                "    dead_code, unreachable_pub, unused_imports, unused_qualifications, clippy::all, clippy::pedantic, clippy::exhaustive_structs,"
            );
            line!(
                self.out,
                "    reason = \"generated code, of which a user may need only a part\""
            );
            line!(self.out, ")]");
            line!(self.out, "use super as __root;");
        } else {
            line!(self.out, "use super::__root;");
        }
        line!(self.out, "use __root::__prelude::*;");
        for entry in &module.entries {
            line!(self.out);
            match *entry {
                Entry::Struct(at, one) => emit_struct::emit(self, at, one),
                Entry::Groups(at, one) => emit_struct::emit_groups(self, at, one),
                Entry::Enum(at, one) => self.enumeration(at, one),
            }
        }
        for (name, inner) in &module.modules {
            line!(self.out);
            let doc = format!("The namespace `{}`.", name.trim_start_matches("r#"));
            self.module(name, &doc, inner, false);
        }
        self.out.dedent();
        line!(self.out, "}}");
        if top {
            line!(self.out);
        }
    }

    /// Writes a type with several constructors.
    fn enumeration(&mut self, at: TypeIx, one: &Enum) {
        let ident = &one.ident;
        let ty = self.plan.model.boxed_type(at);
        let (life, anonymous) = if one.borrows { ("<'a>", "<'_>") } else { ("", "") };
        if let Some(text) = &ty.description {
            self.out.doc(text);
            line!(self.out, "///");
        }
        line!(self.out, "/// `{}`", ty.name);
        self.derives();
        line!(self.out, "#[non_exhaustive]");
        line!(self.out, "pub enum {ident}{life} {{");
        for variant in &one.variants {
            let path = self.struct_type(variant.at, "'a");
            self.declaration_doc(variant.at);
            match variant.form {
                Form::Unit => line!(self.out, "    {},", variant.ident),
                Form::Inline => line!(self.out, "    {}({path}),", variant.ident),
                Form::Boxed => line!(self.out, "    {}(Box<{path}>),", variant.ident),
            }
        }
        line!(self.out, "}}");

        // A value that is returned through memory in two halves and loaded as one stalls the processor.
        let always = if one.is_small { "(always)" } else { "" };
        line!(self.out, "impl Encode for {ident}{anonymous} {{");
        if one.is_small {
            line!(self.out, "    #[inline(always)]");
        }
        line!(self.out, "    fn encode<O: Output + ?Sized>(&self, out: &mut O) {{");
        line!(self.out, "        match self {{");
        for variant in &one.variants {
            let id = literal(self.plan.model.combinator(variant.at).id);
            let name = &variant.ident;
            match variant.form {
                Form::Unit => line!(
                    self.out,
                    "            Self::{name} => ConstructorId::new({id}).encode(out),"
                ),
                _ => line!(self.out, "            Self::{name}(value) => value.encode_boxed(out),"),
            }
        }
        line!(self.out, "        }}");
        line!(self.out, "    }}");
        line!(self.out, "}}");

        line!(self.out, "impl<'a> Decode<'a> for {ident}{life} {{");
        line!(self.out, "    #[inline{always}]");
        line!(self.out, "    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {{");
        line!(self.out, "        let id = d.id()?;");
        line!(self.out, "        match id.get() {{");
        for variant in &one.variants {
            let id = literal(self.plan.model.combinator(variant.at).id);
            let name = &variant.ident;
            match variant.form {
                Form::Unit => line!(self.out, "            {id} => Ok(Self::{name}),"),
                _ => line!(self.out, "            {id} => d.bare().map(Self::{name}),"),
            }
        }
        line!(self.out, "            _ => Err(d.unexpected(id, {:?})),", ty.name.as_str());
        line!(self.out, "        }}");
        line!(self.out, "    }}");
        let filled = self.filled_variant(one);
        if filled.is_some() {
            line!(self.out, "    #[inline]");
            line!(
                self.out,
                "    fn decode_items(d: &mut Decoder<'a>, count: usize) -> Result<Vec<Self>, DecodeError> {{"
            );
            line!(self.out, "        d.fill_items(count, |d, item| Fill::fill(item, d))");
            line!(self.out, "    }}");
        }
        line!(self.out, "}}");
        if let Some(filled) = filled {
            self.fill_enum(one, filled);
        }

        for variant in one.variants.iter().filter(|variant| variant.form != Form::Unit) {
            let inner = self.struct_type(variant.at, "'a");
            let wrap = if variant.form == Form::Boxed { "Box::new(value)" } else { "value" };
            let name = &variant.ident;
            line!(self.out, "impl{life} From<{inner}> for {ident}{life} {{");
            line!(self.out, "    #[inline]");
            line!(self.out, "    fn from(value: {inner}) -> Self {{ Self::{name}({wrap}) }}");
            line!(self.out, "}}");
        }
        if one.borrows {
            self.owned_enum(one);
        }
    }

    fn owned_enum(&mut self, one: &Enum) {
        let ident = &one.ident;
        self.owned_head(ident, "");
        line!(self.out, "        match self {{");
        for variant in &one.variants {
            let name = &variant.ident;
            if variant.form == Form::Unit {
                line!(self.out, "            Self::{name} => {ident}::{name},");
                continue;
            }
            let borrows = self.plan.structs.get(&variant.at).is_some_and(|one| one.borrows);
            let value = if borrows { "value.into_owned()" } else { "value" };
            line!(self.out, "            Self::{name}(value) => {ident}::{name}({value}),");
        }
        line!(self.out, "        }}");
        line!(self.out, "    }}");
        line!(self.out, "}}");
    }

    /// Writes the beginning of an `IntoOwned`, up to the body of its method.
    pub(super) fn owned_head(&mut self, ident: &str, call: &str) {
        let bounds = if call.is_empty() { "" } else { "<X: 'static>" };
        line!(self.out, "impl{bounds} IntoOwned for {ident}<'_{call}> {{");
        line!(self.out, "    type Owned = {ident}<'static{call}>;");
        line!(self.out, "    #[inline]");
        line!(self.out, "    fn into_owned(self) -> Self::Owned {{");
    }

    fn registry(&mut self) {
        let gate = self.options.registry.clone();
        if gate == Gate::Never {
            return;
        }
        let runtime = &self.options.runtime;
        let units = self.plan.enums.values().flat_map(|one| &one.variants);
        let units = units.filter(|variant| variant.form == Form::Unit).map(|variant| &variant.at);
        let mut entries: Vec<_> = self
            .plan
            .structs
            .keys()
            .chain(units)
            .map(|at| (self.plan.model.combinator(*at), self.registered_type(*at)))
            // The function has the id of its prefix.
            .filter(|(one, _)| !one.is_prefix)
            .map(|(one, ty)| (one.section, one.id, one, ty))
            .collect();
        entries.sort_by_key(|(section, id, ..)| (*id, *section));
        line!(self.out, "/// All constructors and functions of this module, by id.");
        self.out.gate(&gate);
        line!(
            self.out,
            "#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic, reason = \"generated code\")]"
        );
        line!(
            self.out,
            "pub static REGISTRY: {runtime}::registry::Registry = {runtime}::registry::Registry::new(&["
        );
        for (section, id, one, ty) in entries {
            let kind = match section {
                Section::Types => "Constructor",
                Section::Functions => "Function",
            };
            let (id, name) = (literal(id), one.name.as_str());
            let answer = if section == Section::Functions && !one.wraps_call() {
                format!(
                    ".with_answer(|bytes, out| {runtime}::registry::transcode_answer::<{ty}>(bytes, out))"
                )
            } else {
                String::new()
            };
            line!(
                self.out,
                "    {runtime}::registry::Entry::new({id}, {name:?}, {runtime}::registry::Kind::{kind}, |d, out| {runtime}::registry::transcode::<{ty}>(d, out)){answer},"
            );
        }
        line!(self.out, "]);");
    }

    /// Returns the type whose boxed form a combinator is.
    fn registered_type(&self, at: CombinatorIx) -> String {
        let one = self.plan.model.combinator(at);
        let path = match (&one.result, one.section) {
            (Ty::Boxed(_), Section::Types) => self.rust_type(&one.result, "'_"),
            _ => self.struct_type(at, "'_"),
        };
        let path = path.replace("__root::", "");
        let runtime = &self.options.runtime;
        match (one.wraps_call(), path.strip_suffix('>')) {
            (false, _) => path,
            (true, Some(open)) => format!("{open}, {runtime}::Rest<'_>>"),
            (true, None) => format!("{path}<{runtime}::Rest<'_>>"),
        }
    }

    /// Writes the declaration of a constructor or function as documentation.
    pub(super) fn declaration_doc(&mut self, at: CombinatorIx) {
        let text = self.plan.model.combinator(at).text.trim_end_matches(';');
        line!(self.out, "    /// `{text}`");
    }

    pub(super) fn derives(&mut self) {
        let derives = self.options.derives.join(", ");
        if !derives.is_empty() {
            line!(self.out, "#[derive({derives})]");
        }
    }

    /// Returns the struct of a constructor, with its lifetime.
    pub(super) fn struct_type(&self, at: CombinatorIx, life: &str) -> String {
        let Some(one) = self.plan.structs.get(&at) else { return String::new() };
        path(one.root, &one.namespace, &one.ident, one.borrows.then_some(life))
    }

    /// Returns the Rust type of a TL type.
    pub(super) fn rust_type(&self, ty: &Ty, life: &str) -> String {
        match ty {
            Ty::Primitive(primitive) => match primitive {
                Primitive::Nat => "u32".to_owned(),
                Primitive::Int => "i32".to_owned(),
                Primitive::Long => "i64".to_owned(),
                Primitive::Double => "f64".to_owned(),
                Primitive::Float => "f32".to_owned(),
                Primitive::Int128 => "[u8; 16]".to_owned(),
                Primitive::Int256 => "[u8; 32]".to_owned(),
                Primitive::Int512 => "[u8; 64]".to_owned(),
                Primitive::String => format!("TlStr<{life}>"),
                Primitive::Bytes => format!("Cow<{life}, [u8]>"),
            },
            Ty::Bool | Ty::True => "bool".to_owned(),
            Ty::Vector { boxed: true, item } => format!("Vec<{}>", self.rust_type(item, life)),
            Ty::Vector { boxed: false, item } => format!("BareVec<{}>", self.rust_type(item, life)),
            Ty::Bare(at) => format!("Bare<{}>", self.struct_type(*at, life)),
            Ty::Boxed(at) => {
                if let Some(one) = self.plan.enums.get(at) {
                    return path(
                        Root::Types,
                        &one.namespace,
                        &one.ident,
                        one.borrows.then_some(life),
                    );
                }
                if self.plan.model.boxed_type(*at).name.as_str() == "True" {
                    return "True".to_owned();
                }
                match self.plan.singles.get(at) {
                    Some(one) => self.struct_type(*one, life),
                    // A type without constructors is kept as bytes.
                    None => format!("Rest<{life}>"),
                }
            }
            Ty::Object => format!("Rest<{life}>"),
            Ty::Call => "X".to_owned(),
            Ty::ResultOfCall => format!("X::AnswerRef<{life}>"),
        }
    }
}

/// Returns an id as a Rust literal.
pub(super) fn literal(id: u32) -> String {
    format!("0x{:04x}_{:04x}", id >> 16, id & 0xffff)
}

/// Returns the path of an item, valid in any generated module.
pub(super) fn path(root: Root, namespace: &[String], ident: &str, life: Option<&str>) -> String {
    let mut out = format!("__root::{}::", root.as_str());
    for part in namespace {
        let _ = write!(out, "{part}::");
    }
    out.push_str(ident);
    if let Some(life) = life {
        let _ = write!(out, "<{life}>");
    }
    out
}

/// Text with indentation.
#[derive(Default)]
pub(super) struct Text {
    text: String,
    depth: usize,
}

impl Text {
    pub(super) fn into_text(self) -> String {
        self.text
    }

    pub(super) fn line(&mut self, text: fmt::Arguments<'_>) {
        let start = self.text.len();
        for _ in 0..self.depth {
            self.text.push_str("    ");
        }
        let before = self.text.len();
        let _ = self.text.write_fmt(text);
        if self.text.len() == before {
            self.text.truncate(start);
        }
        self.text.push('\n');
    }

    pub(super) fn indent(&mut self) {
        self.depth = self.depth.saturating_add(1);
    }

    pub(super) fn dedent(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Writes the attribute that puts the next item behind a feature.
    pub(super) fn gate(&mut self, gate: &Gate) {
        if let Gate::Feature(feature) = gate {
            self.line(format_args!("#[cfg(feature = {feature:?})]"));
        }
    }

    /// Writes text from a schema as documentation: on one line, with characters escaped that rustdoc would interpret.
    pub(super) fn doc(&mut self, text: &str) {
        let mut safe = String::new();
        for c in text.chars() {
            if c.is_ascii_punctuation()
                && !matches!(c, '.' | ',' | ';' | ':' | '\'' | '"' | '-' | '/' | '(' | ')')
            {
                safe.push('\\');
            }
            safe.push(if c.is_control() { ' ' } else { c });
        }
        self.line(format_args!("/// {}", safe.trim()));
    }
}
