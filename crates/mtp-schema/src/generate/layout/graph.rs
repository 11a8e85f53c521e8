//! The graph of types that contain each other.

use std::collections::{BTreeMap, BTreeSet};

use super::select::Selection;
use crate::{
    diagnostic::{Diagnostic, DiagnosticCode},
    model::{Combinator, CombinatorIx, Model, Primitive, Ty, TypeIx},
    tree::Section,
};

/// A generated Rust type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    Struct(CombinatorIx),
    Enum(TypeIx),
}

pub(super) struct Graph<'m> {
    model: &'m Model,
    nodes: Vec<Node>,
    /// The cycle of each node, by number.
    component: BTreeMap<Node, usize>,
    order: Vec<Node>,
    /// Constructors that a field holds in the bare form.
    bare: BTreeSet<CombinatorIx>,
    borrowing: BTreeSet<Node>,
    open_ended: BTreeSet<Node>,
}

impl<'m> Graph<'m> {
    pub(super) fn new(model: &'m Model, selection: &Selection) -> Self {
        let structs = selection.combinators.iter().map(|&at| Node::Struct(at));
        let enums = selection.types.iter().map(|&at| Node::Enum(at));
        let mut graph = Self {
            model,
            nodes: structs.chain(enums).collect(),
            component: BTreeMap::new(),
            order: Vec::new(),
            bare: BTreeSet::new(),
            borrowing: BTreeSet::new(),
            open_ended: BTreeSet::new(),
        };
        for at in &selection.combinators {
            for field in &model.combinator(*at).fields {
                graph.bare.extend(held_bare(&field.ty));
            }
        }
        graph.find_cycles();
        graph.borrowing = graph.spread(|found, ty, _, _| graph.reaches_text(ty, found));
        graph.open_ended = graph.spread(|found, ty, id, last| {
            // The body of a message has a length.
            last && id != MESSAGE && graph.reaches_open_end(ty, found)
        });
        graph
    }

    /// Returns the nodes so that each follows those it contains inline, except in cycles.
    pub(super) fn order(&self) -> Vec<Node> {
        self.order.clone()
    }

    /// Returns `true` if a type contains a string or other bytes of the input.
    pub(super) fn borrows(&self, node: Node) -> bool {
        self.borrowing.contains(&node)
    }

    pub(super) fn ty_borrows(&self, ty: &Ty) -> bool {
        self.reaches_text(ty, &self.borrowing)
    }

    fn reaches_text(&self, ty: &Ty, found: &BTreeSet<Node>) -> bool {
        match ty {
            Ty::Primitive(Primitive::String | Primitive::Bytes) => true,
            Ty::Vector { item, .. } => self.reaches_text(item, found),
            _ => self.is_opaque(ty) || self.node(ty).is_some_and(|node| found.contains(&node)),
        }
    }

    /// Returns `true` if two types would contain each other inline without boxes.
    // spec: tl 9.4
    pub(super) fn on_cycle(&self, a: Node, b: Node) -> bool {
        self.component.get(&a).is_some_and(|one| self.component.get(&b) == Some(one))
    }

    /// Returns `true` if a constructor needs no struct: it has no fields, and its type has other constructors.
    pub(super) fn is_unit(&self, at: CombinatorIx) -> bool {
        let one = self.model.combinator(at);
        let Ty::Boxed(ty) = one.result else { return false };
        one.section == Section::Types
            && self.model.boxed_type(ty).constructors.len() > 1
            && one.fields.iter().all(|field| field.ty == Ty::True && field.condition.is_none())
            && !self.bare.contains(&at)
    }

    /// Returns the node that represents a type inline.
    pub(super) fn node(&self, ty: &Ty) -> Option<Node> {
        match ty {
            Ty::Bare(at) => Some(Node::Struct(*at)),
            Ty::Boxed(at) => match self.model.boxed_type(*at).constructors.as_slice() {
                [] => None,
                [only] => Some(Node::Struct(*only)),
                _ => Some(Node::Enum(*at)),
            },
            _ => None,
        }
    }

    /// Returns `true` for a boxed type without constructors, in a schema that is a fragment. Its values are kept as
    /// bytes.
    pub(super) fn is_opaque(&self, ty: &Ty) -> bool {
        match ty {
            Ty::Boxed(at) => self.model.boxed_type(*at).constructors.is_empty(),
            Ty::Object => true,
            _ => false,
        }
    }

    /// Returns the declarations for which no code can be generated, with the reasons.
    pub(super) fn unsupported(&self) -> Vec<(CombinatorIx, Diagnostic)> {
        let structs = self.nodes.iter().filter_map(|node| match node {
            Node::Struct(at) => Some(*at),
            Node::Enum(_) => None,
        });
        let found = structs.filter_map(|at| {
            let one = self.model.combinator(at);
            let (message, note) = self.obstacle(one)?;
            let found = Diagnostic::error(DiagnosticCode::LeftOut, one.span, message);
            Some((at, if note.is_empty() { found } else { found.note(note) }))
        });
        found.collect()
    }

    /// Returns the first reason why no code can be generated for a combinator, and an explanation.
    fn obstacle(&self, one: &Combinator) -> Option<(String, &'static str)> {
        let last = one.fields.len().saturating_sub(1);
        for (index, field) in one.fields.iter().enumerate() {
            let name = format!("{}.{}", one.name, field.name);
            if holds_float(&field.ty) {
                return Some((format!("`{name}`: `float` has no Rust code yet"), ""));
            }
            if held_bare(&field.ty).is_some_and(|inner| self.model.is_left_out(inner)) {
                let ty = self.model.type_name(&field.ty);
                return Some((format!("`{name}`: `{ty}` is left out"), ""));
            }
            let inner = match &field.ty {
                Ty::Vector { item, .. } => Some(&**item),
                ty if index < last => Some(ty),
                _ => None,
            };
            let is_open = inner.is_some_and(|ty| self.reaches_open_end(ty, &self.open_ended));
            if is_open && one.id != MESSAGE {
                let ty = self.model.type_name(&field.ty);
                return Some((format!("`{name}`: the end of this `{ty}` is unknown"), STAYS_BYTES));
            }
        }
        match &one.result {
            result if holds_float(result) => {
                Some((format!("`{}`: `float` has no Rust code yet", one.name), ""))
            }
            Ty::Bare(inner) if self.model.is_left_out(*inner) => {
                Some((format!("`{}`: its result is left out", one.name), ""))
            }
            Ty::Vector { item, .. } if self.reaches_open_end(item, &self.open_ended) => {
                let ty = self.model.type_name(&one.result);
                Some((
                    format!("`{}`: the end of each item of `{ty}` is unknown", one.name),
                    STAYS_BYTES,
                ))
            }
            _ => None,
        }
    }

    /// Returns `true` if a value takes all remaining input, because its end is unknown.
    fn reaches_open_end(&self, ty: &Ty, found: &BTreeSet<Node>) -> bool {
        match ty {
            Ty::Vector { item, .. } => self.reaches_open_end(item, found),
            _ => self.is_opaque(ty) || self.node(ty).is_some_and(|node| found.contains(&node)),
        }
    }

    /// Returns the nodes that have a property because one of their fields or constructors has it. The arguments of `has`
    /// are the nodes found so far, the type of the field, the id of the constructor, and `true` for the last field.
    fn spread(&self, has: impl Fn(&BTreeSet<Node>, &Ty, u32, bool) -> bool) -> BTreeSet<Node> {
        let mut found = BTreeSet::new();
        loop {
            let before = found.len();
            for node in &self.nodes {
                let yes = match node {
                    Node::Struct(at) => {
                        let one = self.model.combinator(*at);
                        let last = one.fields.len().saturating_sub(1);
                        let mut fields = one.fields.iter().enumerate();
                        fields.any(|(at, field)| has(&found, &field.ty, one.id, at == last))
                    }
                    Node::Enum(at) => {
                        let constructors = &self.model.boxed_type(*at).constructors;
                        constructors.iter().any(|one| found.contains(&Node::Struct(*one)))
                    }
                };
                if yes {
                    found.insert(*node);
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }

    /// Finds cycles with Tarjan's algorithm and an explicit stack, contents first.
    fn find_cycles(&mut self) {
        let mut search = Search::default();
        for root in self.nodes.clone() {
            if search.index.contains_key(&root) {
                continue;
            }
            search.enter(root, self.contents(root));
            while let Some((node, rest)) = search.calls.last_mut() {
                let node = *node;
                match rest.pop() {
                    Some(next) if !search.index.contains_key(&next) => {
                        search.enter(next, self.contents(next));
                    }
                    Some(next) if search.open.contains(&next) => search.lower(node, next, false),
                    Some(_) => {}
                    None => {
                        search.calls.pop();
                        if let Some((parent, _)) = search.calls.last() {
                            search.lower(*parent, node, true);
                        }
                        search.close(node, &mut self.component, &mut self.order);
                    }
                }
            }
        }
    }

    /// Returns the nodes that a node would contain inline without boxes.
    fn contents(&self, node: Node) -> Vec<Node> {
        match node {
            Node::Struct(at) => {
                let fields = self.model.combinator(at).fields.iter();
                fields.filter_map(|field| self.node(&field.ty)).collect()
            }
            Node::Enum(at) => {
                let constructors = &self.model.boxed_type(at).constructors;
                constructors.iter().map(|&one| Node::Struct(one)).collect()
            }
        }
    }
}

#[derive(Default)]
struct Search {
    index: BTreeMap<Node, usize>,
    low: BTreeMap<Node, usize>,
    stack: Vec<Node>,
    open: BTreeSet<Node>,
    calls: Vec<(Node, Vec<Node>)>,
}

impl Search {
    fn enter(&mut self, node: Node, contents: Vec<Node>) {
        let index = self.index.len();
        self.index.insert(node, index);
        self.low.insert(node, index);
        self.stack.push(node);
        self.open.insert(node);
        self.calls.push((node, contents));
    }

    fn lower(&mut self, node: Node, other: Node, returned: bool) {
        let from = if returned { self.low.get(&other) } else { self.index.get(&other) };
        let from = from.copied().unwrap_or(usize::MAX);
        if let Some(low) = self.low.get_mut(&node) {
            *low = (*low).min(from);
        }
    }

    fn close(&mut self, node: Node, component: &mut BTreeMap<Node, usize>, order: &mut Vec<Node>) {
        if self.low.get(&node) != self.index.get(&node) {
            return;
        }
        // A component has the number of its first node in the order.
        let number = order.len();
        let mut members = BTreeSet::new();
        while let Some(member) = self.stack.pop() {
            self.open.remove(&member);
            component.insert(member, number);
            members.insert(member);
            if member == node {
                break;
            }
        }
        // Structs first, so that on a cycle their fields are boxed and not the variants of enums.
        order.extend(members);
    }
}

const STAYS_BYTES: &str =
    "values of any type, and of types without constructors, are kept as bytes and must be last";

/// `message` in a container; its field `bytes` is the length of the body.
pub(in crate::generate) const MESSAGE: u32 = 0x5bb8_e511;

fn held_bare(ty: &Ty) -> Option<CombinatorIx> {
    match ty {
        Ty::Vector { item, .. } => held_bare(item),
        Ty::Bare(at) => Some(*at),
        _ => None,
    }
}

fn holds_float(ty: &Ty) -> bool {
    match ty {
        Ty::Vector { item, .. } => holds_float(item),
        ty => *ty == Ty::Primitive(Primitive::Float),
    }
}
