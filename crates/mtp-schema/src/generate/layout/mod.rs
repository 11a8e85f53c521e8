//! Layout: the Rust types, their sizes, and the values that are boxed.

mod graph;
pub(super) mod names;
mod select;

pub(super) use self::graph::MESSAGE;
pub(super) use self::select::{named, select};

use std::collections::{BTreeMap, BTreeSet};

use self::graph::{Graph, Node};
use self::select::Selection;
use crate::{
    diagnostic::Diagnostic,
    model::{Combinator, CombinatorIx, FlagBit, Model, Primitive, Ty, TypeIx},
    tree::Section,
};

/// The input of the emitter.
pub(super) struct Plan<'m> {
    pub(super) model: &'m Model,
    /// Constructors and functions.
    pub(super) structs: BTreeMap<CombinatorIx, Struct>,
    /// Types with several constructors.
    pub(super) enums: BTreeMap<TypeIx, Enum>,
    /// Types with one constructor; its struct is the type.
    pub(super) singles: BTreeMap<TypeIx, CombinatorIx>,
}

/// The modules at the root of generated code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Root {
    /// Boxed types: enums, and structs of types with one constructor.
    Types,
    /// Constructors that share their type.
    Variants,
    /// Functions.
    Functions,
    /// Fields that share a bit.
    Groups,
}

impl Root {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Types => "types",
            Self::Variants => "variants",
            Self::Functions => "functions",
            Self::Groups => "groups",
        }
    }
}

/// A constructor or function as a struct.
pub(super) struct Struct {
    pub(super) root: Root,
    /// Modules below the root.
    pub(super) namespace: Vec<String>,
    pub(super) ident: String,
    pub(super) members: Vec<Member>,
    /// True if it has a lifetime.
    pub(super) borrows: bool,
    /// True if it is generic over the call that it wraps.
    pub(super) wraps_call: bool,
    /// The minimum number of bytes of its fields.
    pub(super) len_min: usize,
    /// True if the value is large and decoded in place.
    pub(super) is_large: bool,
}

impl Struct {
    /// Returns the groups among its fields, with the bits that they depend on.
    pub(super) fn groups(&self) -> impl Iterator<Item = (FlagBit, &Group)> {
        self.members.iter().filter_map(|member| match member {
            Member::Group { bit, group, .. } => Some((*bit, group)),
            _ => None,
        })
    }
}

/// A field of a struct.
pub(super) enum Member {
    /// A `true` flag.
    Flag { ident: String, bit: FlagBit, also: Vec<String> },
    /// A value.
    Value(Value),
    /// Values that share a bit.
    Group { ident: String, boxed: bool, bit: FlagBit, group: Group, also: Vec<String> },
}

/// Values that share a bit: a struct of them all, in a field named after the first.
// spec: tl 6.2
pub(super) struct Group {
    pub(super) type_ident: String,
    pub(super) borrows: bool,
    pub(super) values: Vec<Value>,
}

/// A value on the wire.
pub(super) struct Value {
    pub(super) ident: String,
    /// The index among the combinator's fields.
    pub(super) field: usize,
    /// The bit that it depends on; `None` inside a group.
    pub(super) bit: Option<FlagBit>,
    pub(super) boxed: bool,
    /// `true` flags under the same bit.
    pub(super) also: Vec<String>,
}

/// A type with several constructors.
pub(super) struct Enum {
    /// Modules below `types`.
    pub(super) namespace: Vec<String>,
    pub(super) ident: String,
    pub(super) variants: Vec<Variant>,
    pub(super) borrows: bool,
    /// True if the value fits two registers and there are few constructors.
    pub(super) is_small: bool,
}

/// A variant of an enum.
pub(super) struct Variant {
    pub(super) ident: String,
    pub(super) at: CombinatorIx,
    pub(super) form: Form,
}

/// The form of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A unit variant: the constructor has no fields.
    Unit,
    /// The constructor's struct.
    Inline,
    /// The constructor's struct in a box.
    Boxed,
}

/// An optional value larger than this is boxed, because most are absent.
// spec: tl 9.4
const OPTIONAL_MAX: usize = 32;
/// An unconditional value larger than this is boxed.
const REQUIRED_MAX: usize = 512;
/// A variant larger than this is boxed, unless it has the name of the type.
const VARIANT_MAX: usize = 128;
/// A type of up to this size is decoded inline, so that its value is passed in registers.
const SMALL_MAX: usize = 16;
/// With more constructors, the inlined code would be large.
const SMALL_VARIANTS_MAX: usize = 4;

/// Returns the declarations for which no code can be generated, with the reasons.
pub(super) fn unsupported(model: &Model, selection: &Selection) -> Vec<(CombinatorIx, Diagnostic)> {
    Graph::new(model, selection).unsupported()
}

/// Plans the code for a selection without [`unsupported`] declarations.
pub(super) fn plan<'m>(model: &'m Model, selection: &Selection) -> Plan<'m> {
    let graph = Graph::new(model, selection);
    let mut planner = Planner {
        model,
        graph,
        sizes: BTreeMap::new(),
        taken: BTreeMap::new(),
        plan: Plan {
            model,
            structs: BTreeMap::new(),
            enums: BTreeMap::new(),
            singles: BTreeMap::new(),
        },
    };
    // Names in schema order, so that a later declaration never renames an earlier one.
    let mut idents = BTreeMap::new();
    for &at in &selection.types {
        let ty = model.boxed_type(at);
        let namespace = modules(ty.name.namespace());
        let node = match ty.constructors.as_slice() {
            [] => continue,
            [only] => {
                planner.plan.singles.insert(at, *only);
                Node::Struct(*only)
            }
            _ => Node::Enum(at),
        };
        let ident = planner.ident(Root::Types, &namespace, names::camel(ty.name.base()));
        idents.insert(node, (Root::Types, namespace, ident));
    }
    for &at in &selection.combinators {
        if idents.contains_key(&Node::Struct(at)) || planner.graph.is_unit(at) {
            continue;
        }
        let one = model.combinator(at);
        let root = match one.section {
            Section::Types => Root::Variants,
            Section::Functions => Root::Functions,
        };
        let namespace = modules(one.name.namespace());
        let ident = planner.ident(root, &namespace, names::camel(one.name.base()));
        idents.insert(Node::Struct(at), (root, namespace, ident));
    }
    // Contents come first, so that their sizes are known.
    for node in planner.graph.order() {
        let Some((root, namespace, ident)) = idents.get(&node).cloned() else { continue };
        match node {
            Node::Struct(at) => planner.add_struct(at, root, namespace, ident),
            Node::Enum(at) => planner.add_enum(at, namespace, ident),
        }
    }
    planner.plan
}

/// Returns the modules for a dotted namespace.
pub(super) fn modules(namespace: &str) -> Vec<String> {
    namespace.split('.').filter(|part| !part.is_empty()).map(names::module).collect()
}

struct Planner<'m> {
    model: &'m Model,
    graph: Graph<'m>,
    sizes: BTreeMap<Node, Size>,
    taken: BTreeMap<(Root, Vec<String>), BTreeSet<String>>,
    plan: Plan<'m>,
}

impl Planner<'_> {
    fn ident(&mut self, root: Root, namespace: &[String], wish: String) -> String {
        names::unique(wish, self.taken.entry((root, namespace.to_vec())).or_default())
    }

    fn add_struct(&mut self, at: CombinatorIx, root: Root, namespace: Vec<String>, ident: String) {
        let one = self.model.combinator(at);
        let mut members = Vec::new();
        let mut taken = BTreeSet::new();
        let mut size = Size::NOTHING;
        let mut done = BTreeSet::new();
        for (index, field) in one.fields.iter().enumerate() {
            if field.is_flags || field.condition.is_none() && field.ty == Ty::True {
                continue;
            }
            let Some(bit) = field.condition else {
                let value = self.value(at, index, None, &mut taken);
                size = size.beside(self.value_size(one, &value));
                members.push(Member::Value(value));
                continue;
            };
            if !done.insert(bit) {
                continue;
            }
            let member = self.conditional(at, bit, &namespace, &ident, &mut taken);
            size = size.beside(self.member_size(one, &member));
            members.push(member);
        }
        let size = size.padded();
        self.sizes.insert(Node::Struct(at), size);
        let planned = Struct {
            root,
            namespace,
            ident,
            members,
            borrows: self.graph.borrows(Node::Struct(at)),
            wraps_call: one.wraps_call(),
            len_min: self.len_min(one),
            is_large: size.bytes > VARIANT_MAX,
        };
        self.plan.structs.insert(at, planned);
    }

    /// Returns the member for everything under one bit.
    // spec: tl 6.2
    fn conditional(
        &mut self,
        at: CombinatorIx,
        bit: FlagBit,
        namespace: &[String],
        owner: &str,
        taken: &mut BTreeSet<String>,
    ) -> Member {
        let one = self.model.combinator(at);
        let under = |flag: bool| {
            one.fields
                .iter()
                .enumerate()
                .filter(move |(_, field)| field.condition == Some(bit))
                .filter(move |(_, field)| (field.ty == Ty::True) == flag)
        };
        let flags: Vec<String> = under(true).map(|(_, field)| field.name.clone()).collect();
        let values: Vec<usize> = under(false).map(|(index, _)| index).collect();
        match values.as_slice() {
            [] => {
                let (first, also) = flags.split_first().map_or(("", &[][..]), |(a, b)| (a, b));
                let ident = names::unique(names::snake(first), taken);
                Member::Flag { ident, bit, also: also.to_vec() }
            }
            [only] => {
                let mut value = self.value(at, *only, Some(bit), taken);
                value.also = flags;
                Member::Value(value)
            }
            several => {
                let mut inner = BTreeSet::new();
                let values: Vec<Value> =
                    several.iter().map(|&index| self.value(at, index, None, &mut inner)).collect();
                let first = several.first().and_then(|&index| one.fields.get(index));
                let first = first.map_or("", |field| &field.name);
                let wish = format!("{owner}{}", names::camel(first));
                let borrows = values.iter().any(|value| {
                    one.fields
                        .get(value.field)
                        .is_some_and(|field| self.graph.ty_borrows(&field.ty))
                });
                Member::Group {
                    ident: names::unique(names::snake(first), taken),
                    boxed: self.group_size(one, &values).bytes > OPTIONAL_MAX,
                    bit,
                    also: flags,
                    group: Group {
                        type_ident: self.ident(Root::Groups, namespace, wish),
                        borrows,
                        values,
                    },
                }
            }
        }
    }

    fn group_size(&self, one: &Combinator, values: &[Value]) -> Size {
        let sizes = values.iter().map(|value| self.value_size(one, value));
        sizes.fold(Size::NOTHING, Size::beside).padded()
    }

    fn value(
        &self,
        at: CombinatorIx,
        field: usize,
        bit: Option<FlagBit>,
        taken: &mut BTreeSet<String>,
    ) -> Value {
        let one = self.model.combinator(at);
        let (name, ty) = one.fields.get(field).map_or(("", &Ty::Object), |f| (&f.name, &f.ty));
        let conditional = one.fields.get(field).is_some_and(|field| field.condition.is_some());
        let max = if conditional { OPTIONAL_MAX } else { REQUIRED_MAX };
        let cyclic =
            self.graph.node(ty).is_some_and(|to| self.graph.on_cycle(Node::Struct(at), to));
        // Vectors and strings already store their contents out of line.
        let nested = matches!(ty, Ty::Boxed(_) | Ty::Bare(_));
        let boxed = nested && (cyclic || self.size(ty).bytes > max);
        let ident = names::unique(names::snake(name), taken);
        Value { ident, field, bit, boxed, also: Vec::new() }
    }

    fn add_enum(&mut self, at: TypeIx, namespace: Vec<String>, ident: String) {
        let ty = self.model.boxed_type(at);
        let names: Vec<(String, String)> = ty
            .constructors
            .iter()
            .map(|one| self.model.combinator(*one).name.base())
            .map(|name| (names::variant(name, ty.name.base()), names::camel(name)))
            .collect();
        let mut taken = BTreeSet::new();
        let mut largest = Size::NOTHING;
        let mut variants = Vec::new();
        for (one, (short, full)) in ty.constructors.iter().zip(&names) {
            let size = self.sizes.get(&Node::Struct(*one)).copied().unwrap_or(Size::NOTHING);
            let main = *full == names::camel(ty.name.base());
            let boxed = size.bytes > if main { REQUIRED_MAX } else { VARIANT_MAX };
            let form = match (self.graph.is_unit(*one), boxed) {
                (true, _) => Form::Unit,
                (false, false) => Form::Inline,
                (false, true) => Form::Boxed,
            };
            largest = largest.or(if boxed { Size::POINTER } else { size });
            let alone = names.iter().filter(|(other, _)| other == short).count() == 1;
            let wish = if alone { short } else { full };
            let ident = names::unique(wish.clone(), &mut taken);
            variants.push(Variant { ident, at: *one, form });
        }
        let borrows = self.graph.borrows(Node::Enum(at));
        let size = largest.tagged();
        let is_small = size.bytes <= SMALL_MAX
            && variants.len() <= SMALL_VARIANTS_MAX
            && variants.iter().all(|variant| variant.form != Form::Boxed);
        self.sizes.insert(Node::Enum(at), size);
        self.plan.enums.insert(at, Enum { namespace, ident, variants, borrows, is_small });
    }

    fn member_size(&self, one: &Combinator, member: &Member) -> Size {
        match member {
            Member::Flag { .. } => Size::new(1, 1),
            Member::Value(value) => self.value_size(one, value),
            Member::Group { boxed: true, .. } => Size::POINTER,
            Member::Group { group, .. } => self.group_size(one, &group.values).tagged(),
        }
    }

    fn value_size(&self, one: &Combinator, value: &Value) -> Size {
        let Some(field) = one.fields.get(value.field) else { return Size::NOTHING };
        let plain = if value.boxed { Size::POINTER } else { self.size(&field.ty) };
        // Numbers have no niche for `None`.
        let number = matches!(field.ty, Ty::Primitive(one) if !is_text(one));
        let niche = value.boxed || !number;
        if value.bit.is_some() && !niche { plain.tagged() } else { plain }
    }

    /// Returns the maximum size on a 64-bit machine.
    fn size(&self, ty: &Ty) -> Size {
        match ty {
            Ty::Primitive(Primitive::Nat | Primitive::Int | Primitive::Float) => Size::new(4, 4),
            Ty::Primitive(Primitive::Long | Primitive::Double) => Size::new(8, 8),
            Ty::Primitive(Primitive::String | Primitive::Bytes) | Ty::Vector { .. } => {
                Size::new(24, 8)
            }
            Ty::Primitive(raw) => Size::new(raw.least_len(), 1),
            Ty::Bool => Size::new(1, 1),
            Ty::True => Size::NOTHING,
            Ty::Boxed(_) | Ty::Bare(_) => self
                .graph
                .node(ty)
                .and_then(|node| self.sizes.get(&node).copied())
                .unwrap_or(Size::new(24, 8)),
            Ty::Object | Ty::Call | Ty::ResultOfCall => Size::new(24, 8),
        }
    }

    fn len_min(&self, one: &Combinator) -> usize {
        let sure = one.fields.iter().filter(|field| field.condition.is_none());
        sure.fold(0, |sum, field| {
            sum.saturating_add(match &field.ty {
                Ty::Primitive(primitive) => primitive.least_len(),
                Ty::Vector { boxed: true, .. } => 8,
                Ty::Vector { boxed: false, .. } | Ty::Bool => 4,
                Ty::Boxed(_) if !self.graph.is_opaque(&field.ty) => 4,
                Ty::Bare(at) => self.plan.structs.get(at).map_or(0, |inner| inner.len_min),
                _ => 0,
            })
        })
    }
}

fn is_text(primitive: Primitive) -> bool {
    matches!(primitive, Primitive::String | Primitive::Bytes)
}

/// Size and alignment of a Rust type.
#[derive(Clone, Copy)]
struct Size {
    bytes: usize,
    align: usize,
}

impl Size {
    const NOTHING: Self = Self { bytes: 0, align: 1 };
    const POINTER: Self = Self { bytes: 8, align: 8 };

    fn new(bytes: usize, align: usize) -> Self {
        Self { bytes, align }
    }

    /// Adds a field. The compiler orders fields by alignment, so there are no gaps.
    fn beside(self, other: Self) -> Self {
        let bytes = self.bytes.saturating_add(other.bytes);
        Self { bytes, align: self.align.max(other.align) }
    }

    fn or(self, other: Self) -> Self {
        Self { bytes: self.bytes.max(other.bytes), align: self.align.max(other.align) }
    }

    fn padded(self) -> Self {
        let bytes = self.bytes.checked_next_multiple_of(self.align).unwrap_or(usize::MAX);
        Self { bytes, ..self }
    }

    fn tagged(self) -> Self {
        self.beside(Self::new(self.align, self.align)).padded()
    }
}
