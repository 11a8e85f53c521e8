//! Text of one constructor or function.

use super::{
    Gate,
    emit::{Emitter, line, literal, path},
    emit_large::is_apart,
    layout::{Group, MESSAGE, Member, Root, Struct, Value, names},
};
use crate::{
    model::{Combinator, CombinatorIx, FlagBit, ModelField, Ty},
    tree::Section,
};

/// Writes the struct of a constructor or function, and its implementations.
pub(super) fn emit(emitter: &mut Emitter<'_, '_>, at: CombinatorIx, plan: &Struct) {
    let one = emitter.plan.model.combinator(at);
    let fills = emitter.fills(at);
    let mut this = Writer { emitter, one, plan };
    this.declaration();
    this.constants();
    this.encode();
    this.decode(fills);
    if fills {
        this.fill(at);
    }
    this.methods();
    this.constructor_function();
    if plan.borrows {
        this.owned_form();
    }
    if one.section == Section::Functions {
        this.function();
    }
}

/// Writes the structs of values that share a bit.
pub(super) fn emit_groups(emitter: &mut Emitter<'_, '_>, at: CombinatorIx, plan: &Struct) {
    let one = emitter.plan.model.combinator(at);
    let mut this = Writer { emitter, one, plan };
    for (_, group) in plan.groups() {
        this.group(group);
    }
}

pub(super) struct Writer<'e, 'p, 'm> {
    pub(super) emitter: &'e mut Emitter<'p, 'm>,
    pub(super) one: &'e Combinator,
    pub(super) plan: &'e Struct,
}

/// Declarations.
impl Writer<'_, '_, '_> {
    fn group(&mut self, group: &Group) {
        let Group { type_ident, borrows, values } = group;
        let life = if *borrows { "<'a>" } else { "" };
        let fields: Vec<_> = values.iter().map(|value| self.field_text(value)).collect();
        line!(self.emitter.out, "/// {} of `{}`", fields.join(" "), self.one.name);
        self.emitter.derives();
        line!(self.emitter.out, "pub struct {type_ident}{life} {{");
        for value in values {
            self.value_declaration(value);
        }
        line!(self.emitter.out, "}}");
        if *borrows {
            self.emitter.owned_head(type_ident, "");
            line!(self.emitter.out, "        {type_ident} {{");
            for value in values {
                let owned = self.emitter.owned_value(self.one, value, "self");
                line!(self.emitter.out, "            {}: {owned},", value.ident);
            }
            line!(self.emitter.out, "        }}");
            line!(self.emitter.out, "    }}");
            line!(self.emitter.out, "}}");
        }
    }

    fn declaration(&mut self) {
        let one = self.one;
        if let Some(text) = &one.docs.description {
            self.emitter.out.doc(text);
            line!(self.emitter.out, "///");
        }
        line!(self.emitter.out, "/// `{}`", one.text.trim_end_matches(';'));
        if let Some(base) = &self.emitter.options.link {
            let page = match one.section {
                Section::Types => "constructor",
                Section::Functions => "method",
            };
            line!(self.emitter.out, "///");
            line!(self.emitter.out, "/// [Official documentation]({base}/{page}/{})", one.name);
        }
        self.emitter.derives();
        let generics = self.generics("'a", "X");
        let ident = &self.plan.ident;
        if self.plan.members.is_empty() {
            line!(self.emitter.out, "pub struct {ident}{generics};");
            return;
        }
        line!(self.emitter.out, "pub struct {ident}{generics} {{");
        for member in &self.plan.members {
            match member {
                Member::Flag { ident, bit, .. } => {
                    let name = self.flag_name(*bit).to_owned();
                    self.field_doc(&name, &format!("`{name}:{}?true`", self.bit(*bit)));
                    line!(self.emitter.out, "    pub {ident}: bool,");
                }
                Member::Value(value) => self.value_declaration(value),
                Member::Group { ident, boxed, group, .. } => {
                    let fields: Vec<_> =
                        group.values.iter().map(|value| self.field_text(value)).collect();
                    line!(self.emitter.out, "    /// {}", fields.join(" "));
                    let life = group.borrows.then_some("'a");
                    let ty = path(Root::Groups, &self.plan.namespace, &group.type_ident, life);
                    let ty = if *boxed { format!("Box<{ty}>") } else { ty };
                    line!(self.emitter.out, "    pub {ident}: Option<{ty}>,");
                }
            }
        }
        line!(self.emitter.out, "}}");
    }

    fn value_declaration(&mut self, value: &Value) {
        let name = self.field(value).name.clone();
        self.field_doc(&name, &self.field_text(value));
        let ty = self.value_type(value);
        line!(self.emitter.out, "    pub {}: {ty},", value.ident);
    }

    fn field_doc(&mut self, name: &str, text: &str) {
        if let Some((_, docs)) = self.one.docs.fields.iter().find(|(field, _)| field == name) {
            self.emitter.out.indent();
            self.emitter.out.doc(docs);
            line!(self.emitter.out, "///");
            self.emitter.out.dedent();
        }
        line!(self.emitter.out, "    /// {text}");
    }

    fn constants(&mut self) {
        let (bounds, generics) = (self.generics("", "X"), self.generics("'_", "X"));
        let (ident, id, name) = (&self.plan.ident, literal(self.one.id), self.one.name.as_str());
        line!(self.emitter.out, "impl{bounds} Constructor for {ident}{generics} {{");
        line!(self.emitter.out, "    const ID: ConstructorId = ConstructorId::new({id});");
        line!(self.emitter.out, "    const NAME: &'static str = {name:?};");
        line!(self.emitter.out, "}}");
    }

    /// `<'a, X>`; an empty lifetime leaves it out.
    pub(super) fn generics(&self, life: &str, call: &str) -> String {
        let life = if self.plan.borrows { life } else { "" };
        let call = if self.plan.wraps_call { call } else { "" };
        match (life, call) {
            ("", "") => String::new(),
            (one, "") | ("", one) => format!("<{one}>"),
            (life, call) => format!("<{life}, {call}>"),
        }
    }

    /// Returns `true` if the struct has a boxed form of its own; a variant has that of its enum.
    pub(super) fn is_boxed(&self) -> bool {
        self.plan.root != Root::Variants || self.one.result == Ty::Object
    }
}

/// Decoding.
impl Writer<'_, '_, '_> {
    fn decode(&mut self, fills: bool) {
        let gate = match self.one.section {
            Section::Types => Gate::Always,
            Section::Functions => self.emitter.options.function_decoders.clone(),
        };
        if gate == Gate::Never {
            return;
        }
        let bounds = if self.plan.wraps_call { "<'a, X: Decode<'a>>" } else { "<'a>" };
        let this = format!("{}{}", self.plan.ident, self.generics("'a", "X"));
        let reads = self.one.fields.iter().any(is_on_wire);
        let d = if reads { "d" } else { "_" };
        self.emitter.out.gate(&gate);
        line!(self.emitter.out, "impl{bounds} DecodeBare<'a> for {this} {{");
        if self.plan.len_min > 0 {
            line!(self.emitter.out, "    const BARE_LEN_MIN: usize = {};", self.plan.len_min);
        }
        line!(self.emitter.out, "    #[inline]");
        if fills {
            self.decode_by_fill();
        } else {
            line!(
                self.emitter.out,
                "    fn decode_bare({d}: &mut Decoder<'a>) -> Result<Self, DecodeError> {{"
            );
            self.decode_fields();
            line!(self.emitter.out, "    }}");
        }
        line!(self.emitter.out, "}}");
        if self.is_boxed() {
            self.emitter.out.gate(&gate);
            let len_min = self.plan.len_min.saturating_add(ID_LEN);
            line!(self.emitter.out, "impl{bounds} Decode<'a> for {this} {{");
            line!(self.emitter.out, "    const LEN_MIN: usize = {len_min};");
            line!(self.emitter.out, "    #[inline]");
            line!(
                self.emitter.out,
                "    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {{ d.boxed() }}"
            );
            if fills {
                self.boxed_by_fill();
            }
            line!(self.emitter.out, "}}");
        }
    }

    /// Writes the fields in wire order, which a struct expression keeps. Up to the last flags word, or the last value of a
    /// group with other values in between, values are read into variables first.
    fn decode_fields(&mut self) {
        let named_until = self.named_until();
        let mut literal = Vec::new();
        for (index, field) in self.one.fields.iter().enumerate() {
            let early = index < named_until;
            if field.is_flags {
                line!(self.emitter.out, "        let word{index}: Flags = d.read()?;");
                continue;
            }
            for member in &self.plan.members {
                match member {
                    Member::Value(value) if value.field == index => {
                        let read = self.read(value);
                        if early {
                            line!(self.emitter.out, "        let field{index} = {read};");
                            literal.push(format!("{}: field{index}", value.ident));
                        } else {
                            literal.push(format!("{}: {read}", value.ident));
                        }
                    }
                    Member::Group { .. } => literal.extend(self.read_group(member, index, early)),
                    _ => {}
                }
            }
        }
        for member in &self.plan.members {
            if let Member::Flag { ident, bit, .. } = member {
                literal.push(format!("{ident}: word{}.has({})", bit.flags, bit.bit));
            }
        }
        if literal.is_empty() {
            line!(self.emitter.out, "        Ok(Self)");
            return;
        }
        line!(self.emitter.out, "        Ok(Self {{");
        for text in literal {
            line!(self.emitter.out, "            {text},");
        }
        line!(self.emitter.out, "        }})");
    }

    /// Returns the index of the first field that can be read inside the struct expression.
    fn named_until(&self) -> usize {
        if self.one.id == MESSAGE {
            return self.one.fields.len();
        }
        let last_word = self.one.fields.iter().rposition(|field| field.is_flags).unwrap_or(0);
        let apart = self.plan.groups().filter(|(_, group)| is_apart(self.one, &group.values));
        let last_apart = apart.filter_map(|(_, group)| group.values.last()).map(|one| one.field);
        last_apart.max().map_or(last_word, |last| last_word.max(last.saturating_add(1)))
    }

    /// Reads a group's value at a field index, and returns the struct field once the group is complete.
    fn read_group(&mut self, member: &Member, index: usize, early: bool) -> Option<String> {
        let Member::Group { ident, boxed, bit, group, .. } = member else { return None };
        let at = group.values.iter().position(|value| value.field == index)?;
        let is_last = at.saturating_add(1) == group.values.len();
        let condition = format!("word{}.has({})", bit.flags, bit.bit);
        if early {
            let read = self.read(group.values.get(at)?);
            line!(
                self.emitter.out,
                "        let field{index} = if {condition} {{ Some({read}) }} else {{ None }};"
            );
            if !is_last {
                return None;
            }
            let names = each(&group.values, |one| format!("field{}", one.field));
            let some = each(&group.values, |one| format!("Some(field{})", one.field));
            let made = self.group_value(group, *boxed, &|one| format!("field{}", one.field));
            let value = format!("match ({names}) {{ ({some}) => Some({made}), _ => None }}");
            return Some(format!("{ident}: {value}"));
        }
        if at > 0 {
            return None;
        }
        let made = self.group_value(group, *boxed, &|one| self.read(one));
        Some(format!("{ident}: if {condition} {{ Some({made}) }} else {{ None }}"))
    }

    /// Returns the expression of a group from those of its values.
    pub(super) fn group_value(
        &self,
        group: &Group,
        boxed: bool,
        value: &dyn Fn(&Value) -> String,
    ) -> String {
        let ty = path(Root::Groups, &self.plan.namespace, &group.type_ident, None);
        let fields = each(&group.values, |one| format!("{}: {}", one.ident, value(one)));
        let made = format!("{ty} {{ {fields} }}");
        if boxed { format!("Box::new({made})") } else { made }
    }

    fn read(&self, value: &Value) -> String {
        let field = self.field(value);
        if self.one.id == MESSAGE && field.ty == Ty::Object {
            // The preceding length bounds the body. A negative one becomes longer than any input.
            let length =
                self.one.fields.iter().position(|field| field.name == "bytes").unwrap_or(0);
            return format!(
                "Rest::from(d.take(usize::try_from(field{length}).unwrap_or(usize::MAX))?)"
            );
        }
        match value.bit {
            Some(bit) => format!("d.optional(word{}, {})?", bit.flags, bit.bit),
            None => "d.read()?".to_owned(),
        }
    }
}

/// Methods.
impl Writer<'_, '_, '_> {
    /// Writes methods for flags that share their bit with a field.
    fn methods(&mut self) {
        let mut methods = Vec::new();
        for member in &self.plan.members {
            let (ident, also, set) = match member {
                Member::Value(value) => (&value.ident, &value.also, ".is_some()"),
                Member::Group { ident, also, .. } => (ident, also, ".is_some()"),
                Member::Flag { ident, also, .. } => (ident, also, ""),
            };
            let (Member::Flag { bit, .. }
            | Member::Group { bit, .. }
            | Member::Value(Value { bit: Some(bit), .. })) = member
            else {
                continue;
            };
            let bit = self.bit(*bit);
            for flag in also {
                let text = format!(
                    "`{flag}:{bit}?true` is set; it shares its bit with `{}`",
                    ident.trim_start_matches("r#")
                );
                methods.push((names::snake(flag), text, format!("self.{ident}{set}")));
            }
        }
        if methods.is_empty() {
            return;
        }
        let (bounds, generics) = (self.generics("", "X"), self.generics("'_", "X"));
        line!(self.emitter.out, "impl{bounds} {}{generics} {{", self.plan.ident);
        for (method, text, value) in methods {
            line!(self.emitter.out, "    /// Returns `true` if {text}.");
            line!(self.emitter.out, "    #[inline]");
            line!(self.emitter.out, "    #[must_use]");
            line!(self.emitter.out, "    pub const fn {method}(&self) -> bool {{ {value} }}");
        }
        line!(self.emitter.out, "}}");
    }

    /// Writes `new`, which takes the unconditional fields, for structs with conditional ones.
    // spec: tl 9.12
    fn constructor_function(&mut self) {
        let is_required =
            |member: &Member| matches!(member, Member::Value(Value { bit: None, .. }));
        if self.plan.members.iter().all(is_required) {
            return;
        }
        let generics = self.generics("'a", "X");
        let mut arguments = Vec::new();
        let mut fields = Vec::new();
        for member in &self.plan.members {
            match member {
                Member::Value(value) if value.bit.is_none() => {
                    arguments.push(format!("{}: {}", value.ident, self.value_type(value)));
                    fields.push(value.ident.clone());
                }
                Member::Value(Value { ident, .. }) | Member::Group { ident, .. } => {
                    fields.push(format!("{ident}: None"));
                }
                Member::Flag { ident, .. } => fields.push(format!("{ident}: false")),
            }
        }
        let (arguments, fields) = (arguments.join(", "), fields.join(", "));
        line!(self.emitter.out, "impl{generics} {}{generics} {{", self.plan.ident);
        line!(self.emitter.out, "    /// Creates a value without its conditional fields.");
        line!(self.emitter.out, "    #[inline]");
        line!(self.emitter.out, "    #[must_use]");
        line!(self.emitter.out, "    pub const fn new({arguments}) -> Self {{");
        line!(self.emitter.out, "        Self {{ {fields} }}");
        line!(self.emitter.out, "    }}");
        line!(self.emitter.out, "}}");
    }

    fn owned_form(&mut self) {
        let ident = &self.plan.ident;
        let call = if self.plan.wraps_call { ", X" } else { "" };
        self.emitter.owned_head(ident, call);
        line!(self.emitter.out, "        {ident} {{");
        for member in &self.plan.members {
            let field = self.emitter.owned_member(self.one, member, "self");
            line!(self.emitter.out, "            {field},");
        }
        line!(self.emitter.out, "        }}");
        line!(self.emitter.out, "    }}");
        line!(self.emitter.out, "}}");
    }

    // spec: tl 8
    fn function(&mut self) {
        let (bounds, generics) = (self.generics("", "X: Function"), self.generics("'_", "X"));
        let owned = self.emitter.rust_type(&self.one.result, "'static");
        let borrowed = self.emitter.rust_type(&self.one.result, "'r");
        let decoded = match self.one.result {
            Ty::ResultOfCall => "X::decode_answer(bytes)".to_owned(),
            _ if owned == borrowed => "Decode::from_bytes(bytes)".to_owned(),
            _ => {
                let read = self.emitter.rust_type(&self.one.result, "'_");
                format!("<{read} as Decode<'_>>::from_bytes(bytes).map(IntoOwned::into_owned)")
            }
        };
        let owned = if self.one.result == Ty::ResultOfCall { "X::Answer" } else { &owned };
        line!(self.emitter.out, "impl{bounds} Function for {}{generics} {{", self.plan.ident);
        line!(self.emitter.out, "    type Answer = {owned};");
        line!(self.emitter.out, "    type AnswerRef<'r> = {borrowed};");
        line!(self.emitter.out, "    #[inline]");
        line!(
            self.emitter.out,
            "    fn decode_answer(bytes: &[u8]) -> Result<Self::Answer, DecodeError> {{ {decoded} }}"
        );
        line!(self.emitter.out, "}}");
    }
}

/// Owned values.
impl Emitter<'_, '_> {
    /// Returns the field of a struct expression that takes a member of `from` and owns its bytes.
    pub(super) fn owned_member(&self, one: &Combinator, member: &Member, from: &str) -> String {
        match member {
            Member::Flag { ident, .. } => format!("{ident}: {from}.{ident}"),
            Member::Value(value) => {
                format!("{}: {}", value.ident, self.owned_value(one, value, from))
            }
            Member::Group { ident, group, .. } => {
                let into = if group.borrows { ".into_owned()" } else { "" };
                format!("{ident}: {from}.{ident}{into}")
            }
        }
    }

    fn owned_value(&self, one: &Combinator, value: &Value, from: &str) -> String {
        let Some(field) = one.fields.get(value.field) else { return String::new() };
        let borrows = self.rust_type(&field.ty, "'a").contains("'a");
        let ident = &value.ident;
        match (borrows, &field.ty) {
            // In a `Call`, a wrapped call is bytes.
            (_, Ty::Call) if from != "self" => format!("IntoOwned::into_owned({from}.{ident})"),
            (false, _) => format!("{from}.{ident}"),
            // `Cow::into_owned` is another method.
            (true, Ty::Primitive(_)) if value.bit.is_none() => {
                format!("IntoOwned::into_owned({from}.{ident})")
            }
            (true, _) => format!("{from}.{ident}.into_owned()"),
        }
    }
}

/// Helpers for names and types.
impl Writer<'_, '_, '_> {
    #[expect(clippy::indexing_slicing, reason = "the layout took the index from this list")]
    pub(super) fn field(&self, value: &Value) -> &ModelField {
        &self.one.fields[value.field]
    }

    fn value_type(&self, value: &Value) -> String {
        let plain = self.emitter.rust_type(&self.field(value).ty, "'a");
        let boxed = if value.boxed { format!("Box<{plain}>") } else { plain };
        if value.bit.is_some() { format!("Option<{boxed}>") } else { boxed }
    }

    /// Returns a field as `views:flags.10?int`, in backticks.
    fn field_text(&self, value: &Value) -> String {
        let field = self.field(value);
        let condition = field.condition.map_or(String::new(), |bit| format!("{}?", self.bit(bit)));
        format!("`{}:{condition}{}`", field.name, self.emitter.plan.model.type_name(&field.ty))
    }

    /// Returns the name of the flag of a `bool` field.
    fn flag_name(&self, bit: FlagBit) -> &str {
        self.one.governed(bit.flags, bit.bit).next().map_or("", |field| &field.name)
    }

    /// Returns a bit as `flags.3`.
    fn bit(&self, bit: FlagBit) -> String {
        let word = self.one.fields.get(bit.flags).map_or("", |field| &field.name);
        format!("{word}.{}", bit.bit)
    }
}

fn each(values: &[Value], text: impl Fn(&Value) -> String) -> String {
    values.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn is_on_wire(field: &ModelField) -> bool {
    field.is_flags || field.ty != Ty::True
}

const ID_LEN: usize = 4;
