//! Text of the enum of all functions, with which a server decodes and dispatches calls.

use std::collections::BTreeSet;

use super::{
    Gate,
    emit::{Emitter, line, literal},
    layout::{Root, Struct, names},
};
use crate::{model::CombinatorIx, tree::Section};

/// A variant of the enum.
struct Variant<'p> {
    ident: String,
    at: CombinatorIx,
    plan: &'p Struct,
}

impl Variant<'_> {
    /// Returns the path of the function's struct from the root module.
    fn path(&self) -> String {
        let mut parts = vec![Root::Functions.as_str()];
        parts.extend(self.plan.namespace.iter().map(String::as_str));
        parts.push(&self.plan.ident);
        parts.join("::")
    }

    /// Returns the struct with its parameters. A wrapped call is kept as bytes.
    fn ty(&self, life: &str, runtime: &str) -> String {
        let path = self.path();
        match (self.plan.borrows, self.plan.wraps_call) {
            (false, false) => path,
            (true, false) => format!("{path}<{life}>"),
            (false, true) => format!("{path}<{runtime}::Rest<{life}>>"),
            (true, true) => format!("{path}<{life}, {runtime}::Rest<{life}>>"),
        }
    }

    fn boxed(&self, text: String) -> String {
        if self.plan.is_large { format!("{BOX}<{text}>") } else { text }
    }
}

impl<'p> Emitter<'p, '_> {
    /// Writes `Call`, if it is enabled.
    pub(super) fn calls(&mut self) {
        let gate = self.options.calls.clone();
        if gate == Gate::Never {
            return;
        }
        let variants = self.call_variants();
        let runtime = self.options.runtime.clone();
        line!(self.out, "/// A call of one of these functions, as a server receives it.");
        line!(self.out, "///");
        line!(self.out, "/// A wrapped call is kept as bytes; decode it with [`Call::decode`].");
        self.call_item(&gate);
        self.derives();
        line!(self.out, "#[non_exhaustive]");
        line!(self.out, "pub enum Call {{");
        for one in &variants {
            self.declaration_doc(one.at);
            let ty = one.boxed(one.ty("'static", &runtime));
            line!(self.out, "    {}({ty}),", one.ident);
        }
        line!(self.out, "}}");
        line!(self.out);
        self.call_item(&gate);
        line!(self.out, "impl Call {{");
        self.call_decoders(&variants);
        self.call_accessor(
            "Returns the id of the function.",
            "id(&self) -> {runtime}::ConstructorId",
            &variants,
            |id, _| format!("{runtime}::ConstructorId::new({id})"),
        );
        line!(self.out);
        self.call_accessor(
            "Returns the name of the function in the schema.",
            "name(&self) -> &'static str",
            &variants,
            |_, name| format!("{name:?}"),
        );
        line!(self.out, "}}");
        for one in &variants {
            let ty = one.ty("'static", &runtime);
            let call =
                if one.plan.is_large { format!("{BOX}::new(call)") } else { "call".to_owned() };
            line!(self.out);
            self.out.gate(&gate);
            line!(self.out, "impl From<{ty}> for Call {{");
            line!(self.out, "    fn from(call: {ty}) -> Self {{ Self::{}({call}) }}", one.ident);
            line!(self.out, "}}");
        }
    }

    /// Returns the functions in schema order, so that a later one never renames an earlier one.
    fn call_variants(&self) -> Vec<Variant<'p>> {
        let mut taken = BTreeSet::new();
        let plan = self.plan;
        let functions = plan.structs.iter().filter(|(at, one)| {
            one.root == Root::Functions && !plan.model.combinator(**at).is_prefix
        });
        functions
            .map(|(&at, one)| {
                let name = &plan.model.combinator(at).name;
                let parts = name.as_str().split('.').map(names::camel);
                let ident = names::unique(parts.collect(), &mut taken);
                Variant { ident, at, plan: one }
            })
            .collect()
    }

    fn call_item(&mut self, gate: &Gate) {
        self.out.gate(gate);
        line!(
            self.out,
            "#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic, reason = \"generated code\")]"
        );
    }

    fn call_decoders(&mut self, variants: &[Variant<'_>]) {
        let runtime = self.options.runtime.clone();
        for text in [
            "/// Decodes a call that is the whole of `bytes`, within the budget for its length.",
            "///",
            "/// # Errors",
            "/// The id is unknown, the arguments are invalid, or bytes follow them.",
        ] {
            line!(self.out, "    {text}");
        }
        line!(self.out, "    pub fn decode(bytes: &[u8]) -> Result<Self, {runtime}::CallError> {{");
        line!(
            self.out,
            "        Self::decode_within(bytes, {runtime}::Budget::for_len(bytes.len()))"
        );
        line!(self.out, "    }}");
        line!(self.out);
        line!(self.out, "    /// Decodes a call that is the whole of `bytes`, within a budget.");
        line!(self.out, "    ///");
        line!(self.out, "    /// # Errors");
        line!(self.out, "    /// As [`Call::decode`].");
        line!(
            self.out,
            "    pub fn decode_within(bytes: &[u8], budget: {runtime}::Budget) -> Result<Self, {runtime}::CallError> {{"
        );
        line!(
            self.out,
            "        #[allow(unused_imports, reason = \"not every schema has strings\")]"
        );
        line!(self.out, "        use {runtime}::IntoOwned;");
        line!(self.out, "        let mut d = {runtime}::Decoder::with_budget(bytes, budget);");
        line!(self.out, "        let id = match d.peek_id() {{");
        line!(self.out, "            Some(id) => id,");
        line!(self.out, "            None => d.id()?,");
        line!(self.out, "        }};");
        line!(self.out, "        let call = match id.get() {{");
        for one in variants {
            let id = literal(self.plan.model.combinator(one.at).id);
            let ty = one.ty("'_", &runtime);
            line!(self.out, "            {id} => {{");
            line!(self.out, "                let call: {ty} = d.read()?;");
            let owned = self.owned_call(one);
            let owned = if one.plan.is_large { format!("{BOX}::new({owned})") } else { owned };
            line!(self.out, "                Self::{}({owned})", one.ident);
            line!(self.out, "            }}");
        }
        line!(
            self.out,
            "            _ => return Err({runtime}::CallError::UnknownFunction {{ id }}),"
        );
        line!(self.out, "        }};");
        line!(self.out, "        d.finish()?;");
        line!(self.out, "        Ok(call)");
        line!(self.out, "    }}");
        line!(self.out);
    }

    /// Returns the expression that converts a decoded call to an owned one.
    fn owned_call(&self, variant: &Variant<'_>) -> String {
        if variant.plan.wraps_call {
            let combinator = self.plan.model.combinator(variant.at);
            let fields =
                variant.plan.members.iter().map(|one| self.owned_member(combinator, one, "call"));
            return format!("{} {{ {} }}", variant.path(), fields.collect::<Vec<_>>().join(", "));
        }
        let owned = if variant.plan.borrows { "IntoOwned::into_owned(call)" } else { "call" };
        owned.to_owned()
    }

    fn call_accessor(
        &mut self,
        doc: &str,
        signature: &str,
        variants: &[Variant<'_>],
        value: impl Fn(&str, &str) -> String,
    ) {
        let signature = signature.replace("{runtime}", &self.options.runtime);
        line!(self.out, "    /// {doc}");
        line!(self.out, "    #[must_use]");
        line!(self.out, "    pub const fn {signature} {{");
        // Without functions there is no value to match.
        let matched = if variants.is_empty() { "*self" } else { "self" };
        line!(self.out, "        match {matched} {{");
        for one in variants {
            let combinator = self.plan.model.combinator(one.at);
            debug_assert_eq!(combinator.section, Section::Functions);
            let value = value(&literal(combinator.id), combinator.name.as_str());
            line!(self.out, "            Self::{}(_) => {value},", one.ident);
        }
        line!(self.out, "        }}");
        line!(self.out, "    }}");
    }
}

/// The path of `Box` from the root module, which has no imports.
const BOX: &str = "__prelude::Box";
