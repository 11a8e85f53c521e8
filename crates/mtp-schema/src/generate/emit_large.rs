//! Text for large constructors, which are filled in place and skip absent fields in runs.

use core::fmt::Write as _;

use super::{
    emit::{Emitter, line, path},
    emit_struct::Writer,
    layout::{Enum, Form, MESSAGE, Member, Root, Value, Variant},
};
use crate::{
    model::{Combinator, CombinatorIx, FlagBit, Primitive, Ty, TypeIx},
    tree::Section,
};

/// Maximum number of conditional fields that one test of the flags skips.
///
/// With more, one common field would defeat the test; with fewer, the tests would cost what they save.
const RUN_MAX: usize = 8;
/// Minimum number of conditional fields for a common test.
const RUN_MIN: usize = 3;

/// A step of decoding, in wire order, with conditional neighbors together.
pub(super) enum Step {
    /// The flags word at an index.
    Word(usize),
    /// The unconditional value at an index.
    Value(usize),
    /// Conditional values, each with its bit and its index.
    Run(Vec<(FlagBit, usize)>),
}

/// Blank values.
impl Emitter<'_, '_> {
    /// Returns `true` if a constructor can be filled: it is large, and each field has a blank value.
    pub(super) fn fills(&self, at: CombinatorIx) -> bool {
        let one = self.plan.model.combinator(at);
        let Some(plan) = self.plan.structs.get(&at) else { return false };
        plan.is_large
            && one.section == Section::Types
            && one.id != MESSAGE
            && plan.groups().all(|(_, group)| !is_apart(one, &group.values))
            && self.blank_fields(at).is_some()
    }

    /// Returns the variant that is filled in place, if the type has one.
    pub(super) fn filled_variant<'e>(&self, one: &'e Enum) -> Option<&'e Variant> {
        one.variants.iter().find(|one| one.form == Form::Inline && self.fills(one.at))
    }

    /// Returns a constant expression for a value of a type; `None` if it requires a box.
    fn blank(&self, ty: &Ty) -> Option<String> {
        Some(match ty {
            Ty::Primitive(primitive) => match primitive {
                Primitive::Nat | Primitive::Int | Primitive::Long => "0".to_owned(),
                Primitive::Double | Primitive::Float => "0.0".to_owned(),
                Primitive::Int128 | Primitive::Int256 | Primitive::Int512 => {
                    format!("[0; {}]", primitive.least_len())
                }
                Primitive::String => "TlStr::from_bytes(&[])".to_owned(),
                Primitive::Bytes => "Cow::Borrowed(&[])".to_owned(),
            },
            Ty::Bool | Ty::True => "false".to_owned(),
            Ty::Vector { boxed: true, .. } => "Vec::new()".to_owned(),
            Ty::Vector { boxed: false, .. } => "BareVec(Vec::new())".to_owned(),
            Ty::Bare(at) => format!("Bare({})", self.blank_struct(*at)?),
            Ty::Boxed(at) => return self.blank_boxed(*at),
            Ty::Object => "Rest(Cow::Borrowed(&[]))".to_owned(),
            Ty::Call | Ty::ResultOfCall => return None,
        })
    }

    fn blank_boxed(&self, at: TypeIx) -> Option<String> {
        if self.plan.model.boxed_type(at).name.as_str() == "True" {
            return Some("True".to_owned());
        }
        let Some(one) = self.plan.enums.get(&at) else {
            return match self.plan.singles.get(&at) {
                Some(only) => self.blank_struct(*only),
                None => self.blank(&Ty::Object),
            };
        };
        let ty = path(Root::Types, &one.namespace, &one.ident, None);
        if self.filled_variant(one).is_some() {
            return Some(format!("{ty}::BLANK"));
        }
        one.variants.iter().find_map(|variant| match variant.form {
            Form::Unit => Some(format!("{ty}::{}", variant.ident)),
            Form::Inline => {
                Some(format!("{ty}::{}({})", variant.ident, self.blank_struct(variant.at)?))
            }
            Form::Boxed => None,
        })
    }

    fn blank_struct(&self, at: CombinatorIx) -> Option<String> {
        let plan = self.plan.structs.get(&at)?;
        let ty = path(plan.root, &plan.namespace, &plan.ident, None);
        Some(if plan.members.is_empty() {
            ty
        } else {
            format!("{ty} {{ {} }}", self.blank_fields(at)?)
        })
    }

    fn blank_fields(&self, at: CombinatorIx) -> Option<String> {
        let one = self.plan.model.combinator(at);
        let mut out = String::new();
        for member in &self.plan.structs.get(&at)?.members {
            let (ident, blank) = match member {
                Member::Flag { ident, .. } => (ident, "false".to_owned()),
                Member::Group { ident, .. } | Member::Value(Value { ident, bit: Some(_), .. }) => {
                    (ident, "None".to_owned())
                }
                Member::Value(Value { boxed: true, .. }) => return None,
                Member::Value(value) => {
                    (&value.ident, self.blank(&one.fields.get(value.field)?.ty)?)
                }
            };
            let _ = write!(out, "{ident}: {blank}, ");
        }
        Some(out)
    }

    /// Writes `Fill` for a type with several constructors, of which one is filled.
    pub(super) fn fill_enum(&mut self, one: &Enum, filled: &Variant) {
        let (ident, life) = (&one.ident, if one.borrows { "<'a>" } else { "" });
        let name = &filled.ident;
        let Some(inner) = self.plan.structs.get(&filled.at) else { return };
        let inner = path(inner.root, &inner.namespace, &inner.ident, None);
        line!(self.out, "impl<'a> Fill<'a> for {ident}{life} {{");
        line!(self.out, "    const BLANK: Self = Self::{name}({inner}::BLANK);");
        line!(self.out, "    #[inline]");
        line!(
            self.out,
            "    fn fill(&mut self, d: &mut Decoder<'a>) -> Result<(), DecodeError> {{"
        );
        line!(self.out, "        match self {{");
        line!(
            self.out,
            "            Self::{name}(value) if d.is_next({inner}::ID) => d.fill_boxed(value),"
        );
        line!(self.out, "            _ => {{ *self = d.read()?; Ok(()) }}");
        line!(self.out, "        }}");
        line!(self.out, "    }}");
        line!(self.out, "}}");
    }
}

/// Reading.
impl Writer<'_, '_, '_> {
    /// Returns the steps in wire order.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut run = Vec::new();
        for (index, field) in self.one.fields.iter().enumerate() {
            let step = if field.is_flags {
                Step::Word(index)
            } else if field.ty == Ty::True {
                continue;
            } else if let Some(bit) = field.condition {
                run.push((bit, index));
                if run.len() < RUN_MAX {
                    continue;
                }
                Step::Run(core::mem::take(&mut run))
            } else {
                Step::Value(index)
            };
            if !run.is_empty() {
                steps.push(Step::Run(core::mem::take(&mut run)));
            }
            steps.push(step);
        }
        if !run.is_empty() {
            steps.push(Step::Run(run));
        }
        steps
    }

    /// Returns the test that any field of a run is present; `None` if the run is too short.
    fn any(run: &[(FlagBit, usize)]) -> Option<String> {
        if run.len() < RUN_MIN {
            return None;
        }
        let mut masks: Vec<(usize, u32)> = Vec::new();
        for (bit, _) in run {
            let mask = bit_mask(*bit);
            match masks.iter_mut().find(|(word, _)| *word == bit.flags) {
                Some((_, all)) => *all |= mask,
                None => masks.push((bit.flags, mask)),
            }
        }
        let tests = masks.iter().map(|(word, mask)| format!("word{word}.any({mask:#x})"));
        Some(tests.collect::<Vec<_>>().join(" || "))
    }

    /// Writes `Fill`.
    pub(super) fn fill(&mut self, at: CombinatorIx) {
        let this = format!("{}{}", self.plan.ident, self.generics("'a", "X"));
        let fields = self.emitter.blank_fields(at).unwrap_or_default();
        line!(self.emitter.out, "impl<'a> Fill<'a> for {this} {{");
        line!(self.emitter.out, "    const BLANK: Self = Self {{ {}}};", fields);
        line!(self.emitter.out, "    #[inline]");
        line!(
            self.emitter.out,
            "    fn fill(&mut self, d: &mut Decoder<'a>) -> Result<(), DecodeError> {{"
        );
        for step in self.steps() {
            match step {
                Step::Word(index) => {
                    line!(self.emitter.out, "        let word{index}: Flags = d.read()?;");
                }
                Step::Value(index) => self.fill_value(index),
                Step::Run(run) => self.fill_run(&run),
            }
        }
        self.fill_flags();
        line!(self.emitter.out, "        Ok(())");
        line!(self.emitter.out, "    }}");
        line!(self.emitter.out, "}}");
    }

    /// Writes the `true` flags. Most are unset, so each word is tested first.
    fn fill_flags(&mut self) {
        let mut words: Vec<(usize, Vec<(FlagBit, String)>)> = Vec::new();
        for member in &self.plan.members {
            let Member::Flag { ident, bit, .. } = member else { continue };
            match words.iter_mut().find(|(word, _)| *word == bit.flags) {
                Some((_, flags)) => flags.push((*bit, ident.clone())),
                None => words.push((bit.flags, vec![(*bit, ident.clone())])),
            }
        }
        for (word, flags) in words {
            let mask = flags.iter().fold(0, |mask, (bit, _)| mask | bit_mask(*bit));
            line!(self.emitter.out, "        if word{word}.any({mask:#x}) {{");
            for (bit, ident) in flags {
                line!(self.emitter.out, "            self.{ident} = word{word}.has({});", bit.bit);
            }
            line!(self.emitter.out, "        }}");
        }
    }

    fn fill_value(&mut self, index: usize) {
        let member = |member: &&Member| matches!(member, Member::Value(one) if one.field == index);
        let Some(Member::Value(value)) = self.plan.members.iter().find(member) else { return };
        let ident = &value.ident;
        let emitter = &self.emitter;
        let Ty::Boxed(at) = self.field(value).ty else {
            line!(self.emitter.out, "        self.{ident} = d.read()?;");
            return;
        };
        let plan = emitter.plan;
        let fills_enum =
            plan.enums.get(&at).is_some_and(|one| emitter.filled_variant(one).is_some());
        let fills_struct = plan.singles.get(&at).is_some_and(|only| emitter.fills(*only));
        if fills_enum {
            line!(self.emitter.out, "        self.{ident}.fill(d)?;");
        } else if fills_struct {
            line!(self.emitter.out, "        d.fill_boxed(&mut self.{ident})?;");
        } else {
            line!(self.emitter.out, "        self.{ident} = d.read()?;");
        }
    }

    fn fill_run(&mut self, run: &[(FlagBit, usize)]) {
        let any = Self::any(run);
        if let Some(any) = &any {
            line!(self.emitter.out, "        if {any} {{");
        }
        for (bit, index) in run {
            for member in &self.plan.members {
                let (ident, value) = match member {
                    Member::Value(value) if value.field == *index => {
                        (&value.ident, "d.read()?".to_owned())
                    }
                    Member::Group { ident, boxed, group, .. }
                        if group.values.first().is_some_and(|one| one.field == *index) =>
                    {
                        (ident, self.group_value(group, *boxed, &|_| "d.read()?".to_owned()))
                    }
                    _ => continue,
                };
                let (word, bit) = (bit.flags, bit.bit);
                line!(
                    self.emitter.out,
                    "        if word{word}.has({bit}) {{ self.{ident} = Some({value}); }}"
                );
            }
        }
        if any.is_some() {
            line!(self.emitter.out, "        }}");
        }
    }

    /// Writes the boxed decoders that build on `Fill`.
    pub(super) fn boxed_by_fill(&mut self) {
        line!(self.emitter.out, "    #[inline]");
        line!(
            self.emitter.out,
            "    fn decode_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> {{ d.boxed_box() }}"
        );
        line!(self.emitter.out, "    #[inline]");
        line!(
            self.emitter.out,
            "    fn decode_items(d: &mut Decoder<'a>, count: usize) -> Result<Vec<Self>, DecodeError> {{"
        );
        line!(self.emitter.out, "        d.fill_items(count, Decoder::fill_boxed)");
        line!(self.emitter.out, "    }}");
    }

    /// Writes the bare decoders that build on `Fill`.
    pub(super) fn decode_by_fill(&mut self) {
        line!(
            self.emitter.out,
            "    fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {{"
        );
        line!(self.emitter.out, "        let mut value = Self::BLANK;");
        line!(self.emitter.out, "        value.fill(d)?;");
        line!(self.emitter.out, "        Ok(value)");
        line!(self.emitter.out, "    }}");
        line!(self.emitter.out, "    #[inline]");
        line!(
            self.emitter.out,
            "    fn decode_bare_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> {{"
        );
        line!(self.emitter.out, "        let mut value = Box::new(Self::BLANK);");
        line!(self.emitter.out, "        value.fill(d)?;");
        line!(self.emitter.out, "        Ok(value)");
        line!(self.emitter.out, "    }}");
    }
}

fn bit_mask(bit: FlagBit) -> u32 {
    1_u32.checked_shl(u32::from(bit.bit)).unwrap_or(0)
}

/// Returns `true` if there are other values between those of a group.
pub(super) fn is_apart(one: &Combinator, values: &[Value]) -> bool {
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return false };
    let mut span = one.fields.iter().enumerate().take(last.field).skip(first.field);
    span.any(|(index, field)| {
        (field.is_flags || field.ty != Ty::True) && values.iter().all(|value| value.field != index)
    })
}
