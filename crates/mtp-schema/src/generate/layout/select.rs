//! Selection of the declarations that the roots reach.

use std::collections::BTreeSet;

use crate::{
    diagnostic::{Diagnostic, DiagnosticCode},
    model::{Combinator, CombinatorIx, Model, Ty, TypeIx},
    source::Span,
    tree::Section,
};

/// The part of a schema for which code is generated.
#[derive(Clone, Debug, Default)]
pub(in crate::generate) struct Selection {
    /// Constructors and functions.
    pub(in crate::generate) combinators: BTreeSet<CombinatorIx>,
    /// Boxed types.
    pub(in crate::generate) types: BTreeSet<TypeIx>,
}

/// Follows fields and results from the roots. Without roots, everything is selected.
// spec: tl 9.8
pub(in crate::generate) fn select(
    model: &Model,
    only: &BTreeSet<String>,
) -> Result<Selection, Vec<Diagnostic>> {
    let mut walk = Walk { model, found: Selection::default(), open: Vec::new() };
    walk.roots(only)?;
    walk.run();
    Ok(walk.found)
}

/// Selects the roots and the constructors of their types, without following fields.
pub(in crate::generate) fn named(
    model: &Model,
    only: &BTreeSet<String>,
) -> Result<BTreeSet<CombinatorIx>, Vec<Diagnostic>> {
    let mut walk = Walk { model, found: Selection::default(), open: Vec::new() };
    walk.roots(only)?;
    Ok(walk.found.combinators)
}

/// API schemas declare `true`, `null` and the old `error` without using them; they are selected only if used.
fn is_relic(combinator: &Combinator) -> bool {
    matches!(combinator.id, 0x3fed_d339 | 0x5673_0bcc | 0xc4b9_f9bb)
}

struct Walk<'m> {
    model: &'m Model,
    found: Selection,
    open: Vec<CombinatorIx>,
}

impl Walk<'_> {
    fn roots(&mut self, only: &BTreeSet<String>) -> Result<(), Vec<Diagnostic>> {
        if only.is_empty() {
            for (at, combinator) in self.model.combinators() {
                if !is_relic(combinator) {
                    self.combinator(at);
                }
            }
        }
        let mut unknown = Vec::new();
        for root in only {
            if !self.root(root) {
                let message =
                    format!("the schema has no namespace, function, type or constructor `{root}`");
                unknown.push(Diagnostic::error(DiagnosticCode::UnknownName, Span::NONE, message));
            }
        }
        if unknown.is_empty() { Ok(()) } else { Err(unknown) }
    }

    fn root(&mut self, root: &str) -> bool {
        let mut any = false;
        for (at, combinator) in self.model.combinators() {
            let named = combinator.name.as_str() == root;
            let within =
                combinator.section == Section::Functions && combinator.name.namespace() == root;
            if named || within {
                self.combinator(at);
                any = true;
            }
        }
        if let Some(at) = self.model.find_type(root) {
            self.ty(&Ty::Boxed(at));
            any = true;
        }
        any
    }

    fn run(&mut self) {
        while let Some(at) = self.open.pop() {
            let combinator = self.model.combinator(at);
            for field in &combinator.fields {
                self.ty(&field.ty);
            }
            if combinator.section == Section::Functions {
                self.ty(&combinator.result);
            }
        }
    }

    fn combinator(&mut self, at: CombinatorIx) {
        if !self.model.is_left_out(at) && self.found.combinators.insert(at) {
            self.open.push(at);
            // The type comes with all its constructors, because a peer may send any of them.
            if let Ty::Boxed(ty) = self.model.combinator(at).result
                && self.model.combinator(at).section == Section::Types
            {
                self.ty(&Ty::Boxed(ty));
            }
        }
    }

    fn ty(&mut self, ty: &Ty) {
        match ty {
            Ty::Vector { item, .. } => self.ty(item),
            Ty::Bare(at) => self.combinator(*at),
            Ty::Boxed(at) => {
                let ty = self.model.boxed_type(*at);
                // The runtime has `True`.
                if ty.name.as_str() != "True" && self.found.types.insert(*at) {
                    for &constructor in &ty.constructors {
                        self.combinator(constructor);
                    }
                }
            }
            _ => {}
        }
    }
}
