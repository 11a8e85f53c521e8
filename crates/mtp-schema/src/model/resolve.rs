//! From the syntax tree to the model: names are resolved and misuse is reported.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    BoxedType, Combinator, CombinatorIx, Docs, FlagBit, Model, ModelField, Primitive, Ty, TypeIx,
    unsupported,
};
use crate::{
    diagnostic::{Diagnostic, DiagnosticCode},
    id::{self, IdRule},
    parser,
    source::Span,
    tree::{self, Declaration, Item, Name, ParameterKind, Schema, Section, Term, TermKind},
};

/// Resolves a schema; the model is complete only if no finding is an error.
pub(super) fn resolve(schema: &Schema) -> (Model, Vec<Diagnostic>) {
    let model = Model { layer: schema.layer(), ..Model::default() };
    let mut resolver = Resolver::new(model, schema.rule);
    let builtins = schema.constructors().filter(|one| is_builtin(one));
    resolver.builtins = builtins.map(|one| (one.name.to_string(), one.clone())).collect();
    resolver.prefixes = prefixes(schema);
    let documented = documented(schema);
    // Names first, because fields may refer to later declarations.
    let declarations: Vec<_> = documented
        .iter()
        .filter(|(one, _)| !is_builtin(one))
        .filter_map(|(one, docs)| Some((resolver.enter(one, docs)?, *one)))
        .collect();
    for (at, one) in declarations {
        resolver.body(at, one);
    }
    resolver.describe_types(schema);
    resolver.report_empty_types();
    resolver.report_endless();
    (resolver.model, resolver.findings)
}

/// Resolves a type expression that is not part of a schema.
pub(super) fn type_expression(model: &Model, text: &str) -> Result<Ty, Diagnostic> {
    let wrong = |why: String| Diagnostic::error(DiagnosticCode::UnknownType, Span::NONE, why);
    let schema = parser::parse_text("type", &format!("a x:{text} = A;"), IdRule::Engine)
        .map_err(|_| wrong(format!("`{text}` is not a type expression")))?;
    let field = schema.declarations().next().and_then(|one| match one.fields.as_slice() {
        [only] if only.condition.is_none() => Some(only),
        _ => None,
    });
    let field = field.ok_or_else(|| wrong(format!("`{text}` is not a type expression")))?;
    let mut resolver = Resolver::new(model.clone(), IdRule::Engine);
    let place = |one: Diagnostic| Diagnostic { span: Span::NONE, ..one };
    let ty = resolver.term(&field.term, &[]).map_err(place)?;
    if resolver.first_use.is_empty() {
        Ok(ty)
    } else {
        Err(wrong(format!("the schema has no type in `{text}`")))
    }
}

struct Resolver {
    model: Model,
    rule: IdRule,
    /// The first use of each boxed type.
    first_use: BTreeMap<TypeIx, Span>,
    /// Declarations of built-in types by name.
    builtins: BTreeMap<String, Declaration>,
    /// Declarations of the beginning of another function's call.
    prefixes: BTreeSet<(Section, Name)>,
    findings: Vec<Diagnostic>,
}

/// Declarations.
impl Resolver {
    fn new(model: Model, rule: IdRule) -> Self {
        Self {
            model,
            rule,
            first_use: BTreeMap::new(),
            builtins: BTreeMap::new(),
            prefixes: BTreeSet::new(),
            findings: Vec::new(),
        }
    }

    /// Assigns an index to a declaration; `None` if it has an error.
    fn enter(&mut self, one: &Declaration, docs: &Docs) -> Option<CombinatorIx> {
        let (span, name) = (one.head.0, one.name.as_str());
        if name == "_" {
            self.findings.push(unsupported(span, "constructors without a name are not supported"));
            return None;
        }
        if one.builtin {
            self.findings.push(unsupported(span, format!("there is no built-in type `{name}`")));
            return None;
        }
        let at = CombinatorIx(self.model.combinators.len());
        if self.model.find(one.section, name).is_some() {
            let what = one.section.as_str();
            let message = format!("`{name}` is declared twice among the {what}");
            self.findings.push(Diagnostic::error(DiagnosticCode::DuplicateName, span, message));
            return None;
        }
        let id = one.id(self.rule);
        let is_prefix = self.prefixes.contains(&(one.section, one.name.clone()));
        // Look-ups by id find the function; its prefix is found by name.
        let has_id = !is_prefix || one.section == Section::Types;
        // spec: tl 2.2
        if let Some(&other) = self.model.by_id.get(&(one.section, id))
            && has_id
        {
            let other = &self.model.combinator(other).name;
            let message = format!("`{name}` has the id {id:08x}, as `{other}` has");
            self.findings.push(Diagnostic::error(DiagnosticCode::DuplicateId, span, message));
            return None;
        }
        let names = match one.section {
            Section::Types => &mut self.model.constructors_by_name,
            Section::Functions => &mut self.model.functions_by_name,
        };
        names.insert(name.to_owned(), at);
        if has_id {
            self.model.by_id.insert((one.section, id), at);
        }
        let result = if one.section == Section::Types {
            match self.constructor_result(one, at) {
                Ok(result) => result,
                Err(finding) => {
                    self.findings.push(finding);
                    Ty::Object
                }
            }
        } else {
            Ty::Object
        };
        self.model.combinators.push(Combinator {
            section: one.section,
            name: one.name.clone(),
            id,
            fields: Vec::new(),
            result,
            text: one.to_string(),
            docs: docs.clone(),
            layer: one.layer,
            is_prefix,
            span,
        });
        Some(at)
    }

    fn constructor_result(
        &mut self,
        one: &Declaration,
        at: CombinatorIx,
    ) -> Result<Ty, Diagnostic> {
        let place = one.result.place.0;
        let TermKind::Named { name, arguments } = &one.result.kind else {
            return Err(Diagnostic::error(
                DiagnosticCode::Syntax,
                place,
                "this is no name of a type",
            ));
        };
        if !arguments.is_empty() {
            return Err(unsupported(place, "types with parameters are not supported")
                .note("the only such type is the built-in `Vector`"));
        }
        if one.result.bare || !name.is_upper() {
            return Err(Diagnostic::error(
                DiagnosticCode::Syntax,
                place,
                format!("`{}` is no name of a boxed type", one.result),
            )
            .note("the last part of a type's name starts with a capital"));
        }
        if matches!(name.as_str(), "Object" | "Function") {
            return Ok(Ty::Object);
        }
        if name.as_str() == "Bool" {
            return Err(unsupported(place, "the built-in type `Bool` has no other constructors")
                .note("they are `boolTrue` and `boolFalse`, without fields"));
        }
        let ty = self.type_named(name, place);
        if let Some(info) = self.model.types.get_mut(ty.0) {
            info.constructors.push(at);
        }
        Ok(Ty::Boxed(ty))
    }

    fn type_named(&mut self, name: &Name, span: Span) -> TypeIx {
        let next = TypeIx(self.model.types.len());
        let at = *self.model.types_by_name.entry(name.as_str().to_owned()).or_insert(next);
        if at == next {
            let constructors = Vec::new();
            self.model.types.push(BoxedType {
                name: name.clone(),
                constructors,
                description: None,
            });
            self.first_use.insert(at, span);
        }
        at
    }

    fn body(&mut self, at: CombinatorIx, one: &Declaration) {
        let variables: Vec<&str> =
            one.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        if let Some(number) = one.parameters.iter().find(|one| one.kind == ParameterKind::Nat) {
            let message = "types that depend on numbers are not supported";
            self.findings.push(unsupported(number.place.0, message));
            return;
        }
        if let (Section::Types, Some(parameter)) = (one.section, one.parameters.first()) {
            let message = "constructors with type parameters are not supported";
            self.findings.push(unsupported(parameter.place.0, message));
            return;
        }
        let mut fields: Vec<ModelField> = Vec::new();
        for field in &one.fields {
            match self.field(field, &fields, &variables) {
                Ok(resolved) => {
                    if let Some(FlagBit { flags, .. }) = resolved.condition
                        && let Some(word) = fields.get_mut(flags)
                    {
                        word.is_flags = true;
                    }
                    fields.push(resolved);
                }
                Err(finding) => self.findings.push(finding),
            }
        }
        let result = match one.section {
            Section::Types => None,
            Section::Functions => match self.function_result(one, &fields, &variables) {
                Ok(result) => Some(result),
                Err(finding) => {
                    self.findings.push(finding);
                    None
                }
            },
        };
        if let Some(combinator) = self.model.combinators.get_mut(at.0) {
            combinator.fields = fields;
            if let Some(result) = result {
                combinator.result = result;
            }
        }
    }

    fn function_result(
        &mut self,
        one: &Declaration,
        fields: &[ModelField],
        variables: &[&str],
    ) -> Result<Ty, Diagnostic> {
        let place = one.result.place.0;
        if let Some(name) = one.result.plain_name()
            && variables.contains(&name)
        {
            if fields.iter().any(|field| field.ty == Ty::Call) {
                return Ok(Ty::ResultOfCall);
            }
            return Err(Diagnostic::error(
                DiagnosticCode::TypeVariable,
                place,
                format!("the result is `{name}`, but no field is `!{name}`"),
            ));
        }
        match &one.result.kind {
            TermKind::Named { .. } => self.term(&one.result, variables),
            _ => Err(Diagnostic::error(DiagnosticCode::Syntax, place, "a result is a type")),
        }
    }

    fn field(
        &mut self,
        field: &tree::Field,
        before: &[ModelField],
        variables: &[&str],
    ) -> Result<ModelField, Diagnostic> {
        let span = field.place.0;
        let Some(name) = &field.name else {
            return Err(unsupported(span, "fields without a name are not supported"));
        };
        if before.iter().any(|other| other.name == *name) {
            let message = format!("there are two fields `{name}`");
            return Err(Diagnostic::error(DiagnosticCode::DuplicateField, span, message));
        }
        let condition = match &field.condition {
            Some(condition) => Some(flag_bit(condition, before, variables)?),
            None => None,
        };
        let ty = match (field.call, field.term.plain_name()) {
            (true, Some(variable)) if variables.contains(&variable) => Ty::Call,
            (true, _) => {
                let message = format!("`!{}` needs a variable", field.term);
                return Err(Diagnostic::error(DiagnosticCode::TypeVariable, span, message)
                    .note("declare it before the fields, as in `{X:Type}`"));
            }
            (false, _) => self.term(&field.term, variables)?,
        };
        let api = self.rule == IdRule::Api;
        if ty == Ty::True && condition.is_none() && api {
            return Err(Diagnostic::error(
                DiagnosticCode::UnconditionalTrue,
                span,
                "a field of type `true` without a condition has no meaning",
            )
            .note("write `flags.N?true`, or use the engine dialect"));
        }
        if ty == Ty::Call && condition.is_some() {
            return Err(unsupported(span, "a call under a condition is not supported"));
        }
        Ok(ModelField { name: name.clone(), ty, condition, is_flags: false })
    }
}

// spec: tl 2.3
fn flag_bit(
    condition: &tree::Condition,
    before: &[ModelField],
    variables: &[&str],
) -> Result<FlagBit, Diagnostic> {
    let span = condition.place.0;
    let name = condition.flags.as_str();
    if variables.contains(&name) {
        return Err(unsupported(span, "conditions on a parameter are not supported"));
    }
    let Some(flags) = before.iter().position(|field| field.name == name) else {
        let message = format!("there is no field `{name}` before this condition");
        return Err(Diagnostic::error(DiagnosticCode::Flags, span, message));
    };
    let word = before.get(flags);
    if word.is_none_or(|word| word.ty != Ty::Primitive(Primitive::Nat)) {
        let message = format!("the field `{name}` is not a flags word: its type is not `#`");
        return Err(Diagnostic::error(DiagnosticCode::Flags, span, message));
    }
    if word.is_some_and(|word| word.condition.is_some()) {
        return Err(unsupported(span, "a flags word under a condition is not supported"));
    }
    match u8::try_from(condition.bit) {
        Ok(bit @ 0..=31) => Ok(FlagBit { flags, bit }),
        _ => Err(Diagnostic::error(
            DiagnosticCode::Flags,
            span,
            format!("there is no bit {}", condition.bit),
        )
        .note("a flags field has the bits 0 to 31")),
    }
}

/// Types.
impl Resolver {
    fn term(&mut self, term: &Term, variables: &[&str]) -> Result<Ty, Diagnostic> {
        let span = term.place.0;
        match &term.kind {
            TermKind::Nat => Ok(Ty::Primitive(Primitive::Nat)),
            TermKind::Number(_) | TermKind::Sum(..) => {
                Err(Diagnostic::error(DiagnosticCode::Syntax, span, "a number is not a type"))
            }
            TermKind::Repeat { .. } => {
                Err(unsupported(span, "repetitions outside of built-in types are not supported")
                    .note("write `vector<T>`, which carries its length"))
            }
            TermKind::Named { name, arguments } => {
                self.named(name, arguments, term.bare, span, variables)
            }
        }
    }

    fn named(
        &mut self,
        name: &Name,
        arguments: &[Term],
        bare: bool,
        span: Span,
        variables: &[&str],
    ) -> Result<Ty, Diagnostic> {
        let text = name.as_str();
        if variables.contains(&text) {
            return Err(Diagnostic::error(
                DiagnosticCode::TypeVariable,
                span,
                format!("a value of the type variable `{text}` cannot be decoded"),
            )
            .note(format!("a call whose result is `{text}` is written `!{text}`")));
        }
        if matches!(text, "Vector" | "vector") {
            let [item] = arguments else {
                let message = format!("`{text}` takes one type, not {}", arguments.len());
                return Err(Diagnostic::error(DiagnosticCode::Syntax, span, message));
            };
            let item = Box::new(self.term(item, variables)?);
            return Ok(Ty::Vector { boxed: text == "Vector" && !bare, item });
        }
        if !arguments.is_empty() {
            return Err(unsupported(span, format!("`{text}` cannot be applied to a type"))
                .note("the only type with parameters is `Vector`"));
        }
        match text {
            "true" => return Ok(Ty::True),
            "Bool" if !bare => return Ok(Ty::Bool),
            "Object" | "object" if !bare => return Ok(Ty::Object),
            "Function" | "function" if !bare => return Ok(Ty::Call),
            "Type" => {
                return Err(Diagnostic::error(
                    DiagnosticCode::TypeVariable,
                    span,
                    "`Type` has no values",
                ));
            }
            _ => {}
        }
        if let Some(primitive) = Primitive::named(text) {
            return Ok(Ty::Primitive(primitive));
        }
        if !name.is_upper() {
            let found = self.model.find(Section::Types, text);
            return found.map(Ty::Bare).ok_or_else(|| {
                let message = format!("there is no constructor `{text}`");
                Diagnostic::error(DiagnosticCode::UnknownType, span, message)
                    .note("a lower-case name as a type is a constructor without its id")
            });
        }
        if let Some(builtin) = boxed_builtin(text) {
            if bare {
                return Ok(Ty::Primitive(builtin));
            }
            return Ok(Ty::Boxed(self.boxed_builtin(name, builtin, span)));
        }
        let ty = self.type_named(name, span);
        if !bare {
            return Ok(Ty::Boxed(ty));
        }
        match self.model.boxed_type(ty).constructors.as_slice() {
            [only] => Ok(Ty::Bare(*only)),
            several => Err(Diagnostic::error(
                DiagnosticCode::BareType,
                span,
                format!("`%{text}` needs one constructor, `{text}` has {}", several.len()),
            )),
        }
    }

    /// Returns the type of a boxed built-in value: the id of the built-in declaration, then the value.
    // spec: tl 2.4
    fn boxed_builtin(&mut self, name: &Name, value: Primitive, span: Span) -> TypeIx {
        let ty = self.type_named(name, span);
        if !self.model.boxed_type(ty).constructors.is_empty() {
            return ty;
        }
        let text = builtin_text(name.as_str());
        let lower = lower_first(name.as_str());
        let one = self.builtins.get(&lower).cloned().or_else(|| {
            let schema = parser::parse_text("built-in", &text, self.rule).ok()?;
            schema.declarations().next().cloned()
        });
        let Some(one) = one else { return ty };
        let at = CombinatorIx(self.model.combinators.len());
        let id = one.id(self.rule);
        let field = ModelField {
            name: "value".to_owned(),
            ty: Ty::Primitive(value),
            condition: None,
            is_flags: false,
        };
        self.model.combinators.push(Combinator {
            section: Section::Types,
            name: Name::new(lower.clone()),
            id,
            fields: vec![field],
            result: Ty::Boxed(ty),
            text: one.to_string(),
            docs: Docs::default(),
            layer: None,
            is_prefix: false,
            span,
        });
        self.model.constructors_by_name.entry(lower).or_insert(at);
        self.model.by_id.entry((Section::Types, id)).or_insert(at);
        if let Some(ty) = self.model.types.get_mut(ty.0) {
            ty.constructors.push(at);
        }
        ty
    }

    // spec: tl 2.5
    fn report_empty_types(&mut self) {
        for (at, span) in &self.first_use {
            let ty = self.model.boxed_type(*at);
            if ty.constructors.is_empty() {
                let message = format!("the type `{}` has no constructors", ty.name);
                self.findings.push(Diagnostic::warning(
                    DiagnosticCode::UnknownType,
                    *span,
                    message,
                ));
            }
        }
    }

    /// Reports bare constructors that contain themselves unconditionally. Recursion through a vector, a condition or an id
    /// consumes bytes, so that the input bounds it.
    fn report_endless(&mut self) {
        let sure = |at: CombinatorIx| {
            let fields = &self.model.combinator(at).fields;
            fields.iter().filter_map(|field| match (&field.condition, &field.ty) {
                (None, Ty::Bare(inner)) => Some(*inner),
                _ => None,
            })
        };
        let mut done = BTreeSet::new();
        let mut endless = BTreeSet::new();
        for (root, _) in self.model.combinators() {
            // Depth first with an explicit stack; `path` holds the open nodes.
            let mut stack = vec![(root, false)];
            let mut path = BTreeSet::new();
            while let Some((at, leaving)) = stack.pop() {
                if leaving {
                    path.remove(&at);
                    done.insert(at);
                } else if path.contains(&at) {
                    endless.insert(at);
                } else if !done.contains(&at) {
                    path.insert(at);
                    stack.push((at, true));
                    stack.extend(sure(at).map(|inner| (inner, false)));
                }
            }
        }
        for at in endless {
            let one = self.model.combinator(at);
            let message = format!("`{}` contains itself unconditionally", one.name);
            self.findings.push(Diagnostic::error(DiagnosticCode::Endless, one.span, message));
        }
    }

    fn describe_types(&mut self, schema: &Schema) {
        for item in &schema.items {
            let Item::Comment(comment) = item else { continue };
            let Some(text) = comment.text.strip_prefix("@class ") else { continue };
            let (name, description) = text.split_once(" @description ").unwrap_or((text, ""));
            if let Some(at) = self.model.find_type(name.trim())
                && let Some(ty) = self.model.types.get_mut(at.0)
            {
                ty.description = Some(description.trim().to_owned());
            }
        }
    }
}

/// Returns the declarations of the beginning of another function's call.
// spec: tl 2.2
fn prefixes(schema: &Schema) -> BTreeSet<(Section, Name)> {
    let functions: BTreeMap<&str, &Declaration> =
        schema.functions().map(|one| (one.name.as_str(), one)).collect();
    let is_prefix = |one: &&Declaration| {
        let whole = one.name.as_str().strip_suffix("Prefix").and_then(|name| functions.get(name));
        whole.is_some_and(|whole| id::is_prefix(one, whole))
    };
    schema.declarations().filter(is_prefix).map(|one| (one.section, one.name.clone())).collect()
}

/// Returns `true` if a declaration only states a type that the compiler knows.
// spec: tl 2.4
pub(super) fn is_builtin(one: &Declaration) -> bool {
    let name = one.name.as_str();
    let result = match &one.result.kind {
        TermKind::Named { name, .. } => name.as_str(),
        _ => "",
    };
    match name {
        "boolTrue" | "boolFalse" => result == "Bool" && one.fields.is_empty(),
        "vector" | "object" | "function" => true,
        _ => Primitive::named(name).is_some(),
    }
}

fn boxed_builtin(name: &str) -> Option<Primitive> {
    Primitive::named(&lower_first(name))
}

fn lower_first(name: &str) -> String {
    let (first, rest) = name.split_at_checked(1).unwrap_or((name, ""));
    format!("{}{rest}", first.to_ascii_lowercase())
}

/// Returns the usual declaration of a built-in type, for schemas that use the boxed type without declaring it.
// spec: tl 2.4
fn builtin_text(upper: &str) -> String {
    let lower = lower_first(upper);
    let fields = match lower.as_str() {
        "int128" => " 4*[ int ]",
        "int256" => " 8*[ int ]",
        "int512" => " 16*[ int ]",
        "int32" | "int53" | "int64" | "bytes" => "",
        _ => " ?",
    };
    format!("{lower}{fields} = {upper};")
}

/// Returns each declaration with the documentation comments directly before it.
fn documented(schema: &Schema) -> Vec<(&Declaration, Docs)> {
    let mut found = Vec::new();
    let mut pending = String::new();
    for item in &schema.items {
        match item {
            Item::Comment(comment) if comment.trailing => {}
            Item::Comment(comment) => match comment.text.strip_prefix('-') {
                Some(more) if !pending.is_empty() => {
                    pending.push(' ');
                    pending.push_str(more.trim());
                }
                _ if comment.text.starts_with("@class ") => {}
                _ if comment.text.starts_with('@') => {
                    pending.push(' ');
                    pending.push_str(comment.text.trim());
                }
                _ => pending.clear(),
            },
            Item::Declaration(declaration) => {
                found.push((declaration, read_docs(&pending)));
                pending.clear();
            }
            Item::Section(_) | Item::Layer(_) | Item::Blank => pending.clear(),
        }
    }
    found
}

fn read_docs(text: &str) -> Docs {
    let mut docs = Docs::default();
    for part in text.split(" @").skip(1) {
        let (word, rest) = part.split_once(' ').unwrap_or((part, ""));
        let rest = rest.trim().to_owned();
        match word {
            "description" => docs.description = Some(rest),
            // Such files escape a field named `description` as `param_description`.
            word => {
                let field = word.strip_prefix("param_").unwrap_or(word);
                docs.fields.push((field.to_owned(), rest));
            }
        }
    }
    docs
}
