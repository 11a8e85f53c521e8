//! Arbitrary values, for tests, mock servers and fuzz seeds.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{BYTES_KEY, FUNCTION_PREFIX, MESSAGE, hex, is_unused_word};
use crate::{
    model::{CombinatorIx, Model, Primitive, Ty, TypeIx},
    tree::Section,
};

/// A generator of arbitrary values. The same choices give the same values.
#[derive(Debug)]
pub struct Sampler<'m> {
    model: &'m Model,
    /// The minimum nesting of each constructor; absent if it has no finite value.
    depths: BTreeMap<CombinatorIx, u32>,
}

impl<'m> Sampler<'m> {
    /// Creates a generator for a schema.
    #[must_use]
    pub fn new(model: &'m Model) -> Self {
        let mut sampler = Self { model, depths: BTreeMap::new() };
        loop {
            let before = sampler.depths.len();
            for (at, _) in model.combinators() {
                if !sampler.depths.contains_key(&at)
                    && let Some(depth) = sampler.depth(at)
                {
                    sampler.depths.insert(at, depth);
                }
            }
            if sampler.depths.len() == before {
                return sampler;
            }
        }
    }

    /// Returns a value of a constructor or a call of a function, at most a few levels deeper than necessary; `None` if
    /// the constructor has no finite value. `choose(n)` returns a number below `n`.
    pub fn sample(&self, at: CombinatorIx, choose: &mut dyn FnMut(u32) -> u32) -> Option<Value> {
        let mut left = NODES_MAX;
        self.combinator(at, DEPTH, &mut left, choose)
    }

    /// Returns a value of a type, as [`Sampler::sample`] does for a constructor.
    pub fn sample_type(&self, ty: &Ty, choose: &mut dyn FnMut(u32) -> u32) -> Option<Value> {
        let mut left = NODES_MAX;
        self.value(ty, DEPTH, &mut left, choose)
    }

    fn combinator(
        &self,
        at: CombinatorIx,
        depth: u32,
        left: &mut u32,
        choose: &mut dyn FnMut(u32) -> u32,
    ) -> Option<Value> {
        self.depths.get(&at)?;
        *left = left.saturating_sub(1);
        let depth = if *left == 0 { 0 } else { depth };
        let one = self.model.combinator(at);
        let prefix = if one.section == Section::Functions { FUNCTION_PREFIX } else { "" };
        let mut object = Map::new();
        object.insert("_".to_owned(), format!("{prefix}{}", one.name).into());
        let mut bits = BTreeMap::new();
        for field in one.fields.iter().filter(|field| !field.is_flags) {
            if let Some(bit) = field.condition {
                // All fields under a bit are present, or none; and none beyond the depth.
                let is_set = *bits.entry(bit).or_insert_with(|| {
                    depth > 0
                        && one
                            .governed(bit.flags, bit.bit)
                            .all(|one| self.ty_depth(&one.ty).is_some())
                        && choose(2) == 1
                });
                if !is_set {
                    continue;
                }
            } else if field.ty == Ty::True {
                continue;
            }
            let value = if one.id == MESSAGE && field.name == "bytes" {
                0.into()
            } else {
                self.value(&field.ty, depth.saturating_sub(1), left, choose)?
            };
            if !(is_unused_word(field) && value.as_u64() == Some(0)) {
                object.insert(field.name.clone(), value);
            }
        }
        Some(Value::Object(object))
    }

    fn value(
        &self,
        ty: &Ty,
        depth: u32,
        left: &mut u32,
        choose: &mut dyn FnMut(u32) -> u32,
    ) -> Option<Value> {
        Some(match ty {
            Ty::Primitive(primitive) => primitive_value(*primitive, choose),
            Ty::True => Value::Bool(true),
            Ty::Vector { item, .. } => {
                let room = depth > 0 && self.ty_depth(item).is_some();
                let count = if room { choose(ITEMS_MAX) } else { 0 };
                let items =
                    (0..count).map(|_| self.value(item, depth.saturating_sub(1), left, choose));
                Value::Array(items.collect::<Option<_>>()?)
            }
            Ty::Bare(at) => self.combinator(*at, depth, left, choose)?,
            Ty::Boxed(at) => {
                self.combinator(self.constructor(*at, depth, choose)?, depth, left, choose)?
            }
            // Any object is allowed; use the smallest.
            Ty::Bool | Ty::Object | Ty::ResultOfCall => Value::Bool(choose(2) == 1),
            Ty::Call => {
                let calls = self.depths.keys().copied().filter(|at| {
                    let one = self.model.combinator(*at);
                    one.section == Section::Functions && !one.wraps_call()
                });
                let calls: Vec<_> = calls.collect();
                self.combinator(pick(&calls, choose)?, depth, left, choose)?
            }
        })
    }

    /// Chooses any constructor within the depth, beyond it one of the shallowest.
    fn constructor(
        &self,
        at: TypeIx,
        depth: u32,
        choose: &mut dyn FnMut(u32) -> u32,
    ) -> Option<CombinatorIx> {
        let all = &self.model.boxed_type(at).constructors;
        let finite: Vec<_> =
            all.iter().filter_map(|one| Some((*self.depths.get(one)?, *one))).collect();
        let least = finite.iter().map(|(depth, _)| *depth).min()?;
        let fits: Vec<_> = finite
            .iter()
            .filter(|(needs, _)| *needs <= depth.max(least))
            .map(|(_, one)| *one)
            .collect();
        pick(&fits, choose)
    }

    fn depth(&self, at: CombinatorIx) -> Option<u32> {
        let fields = &self.model.combinator(at).fields;
        let sure = fields.iter().filter(|field| field.condition.is_none());
        sure.map(|field| self.ty_depth(&field.ty))
            .try_fold(0_u32, |most, depth| Some(most.max(depth?)))
            .map(|depth| depth.saturating_add(1))
    }

    /// Returns the minimum nesting of a type, as far as known.
    fn ty_depth(&self, ty: &Ty) -> Option<u32> {
        match ty {
            Ty::Bare(at) => self.depths.get(at).copied(),
            Ty::Boxed(at) => {
                let all = &self.model.boxed_type(*at).constructors;
                all.iter().filter_map(|one| self.depths.get(one)).min().copied()
            }
            _ => Some(0),
        }
    }
}

/// Returns a primitive, often a boundary value.
fn primitive_value(primitive: Primitive, choose: &mut dyn FnMut(u32) -> u32) -> Value {
    let mut word = || u64::from(choose(u32::MAX)) << 32 | u64::from(choose(u32::MAX));
    match primitive {
        Primitive::Nat => (word() >> 32).into(),
        Primitive::Int => match word() % 4 {
            0 => 0.into(),
            1 => i32::MIN.into(),
            _ => (word().cast_signed() >> 32).into(),
        },
        Primitive::Long => match word() % 4 {
            0 => "0".into(),
            1 => i64::MIN.to_string().into(),
            _ => word().cast_signed().to_string().into(),
        },
        Primitive::Double => match word() % 4 {
            0 => "-inf".into(),
            1 => "nan".into(),
            // A 32-bit number is exact in a double and has one text form.
            _ => f64::from((word() >> 32) as u32).into(),
        },
        Primitive::Float => f64::from((word() >> 48) as u16).into(),
        Primitive::Int128 => raw(16, &mut word),
        Primitive::Int256 => raw(32, &mut word),
        Primitive::Int512 => raw(64, &mut word),
        Primitive::Bytes => {
            let len = string_len(word());
            raw(len, &mut word)
        }
        Primitive::String => match word() % 8 {
            0 => {
                let mut object = Map::new();
                object.insert(BYTES_KEY.to_owned(), "c328".into());
                Value::Object(object)
            }
            1 => "Привет, 世界 😀".into(),
            _ => "x".repeat(string_len(word())).into(),
        },
    }
}

/// Returns a length: mostly short, sometimes near the limit of the short header.
fn string_len(word: u64) -> usize {
    match word % 16 {
        0 => 253,
        1 => 254,
        2 => 256,
        other => usize::try_from(other).unwrap_or(0),
    }
}

fn raw(len: usize, word: &mut dyn FnMut() -> u64) -> Value {
    let words = len.div_ceil(8);
    let bytes: Vec<u8> = (0..words).flat_map(|_| word().to_le_bytes()).take(len).collect();
    hex::encode(&bytes).into()
}

fn pick<T: Copy>(all: &[T], choose: &mut dyn FnMut(u32) -> u32) -> Option<T> {
    let count = u32::try_from(all.len()).unwrap_or(u32::MAX);
    let at = if count == 0 { 0 } else { choose(count) };
    all.get(usize::try_from(at).ok()?).copied()
}

/// Maximum nesting beyond which the shallowest constructors are chosen.
const DEPTH: u32 = 5;
/// Number of constructors after which the shallowest are chosen.
const NODES_MAX: u32 = 200;
/// Exclusive upper bound of the items of a vector.
const ITEMS_MAX: u32 = 4;
