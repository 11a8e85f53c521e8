//! JSON to bytes.

use mtp_tl::{Encode as _, Output as _, STRING_LEN_MAX};
use serde_json::{Map, Value};

use super::{
    BYTES_KEY, Codec, DynamicEncodeError, DynamicEncodeErrorKind, FUNCTION_PREFIX, MESSAGE,
    UNKNOWN_KEY, VECTOR, hex, is_unused_word,
};
use crate::{
    model::{Combinator, CombinatorIx, Model, ModelField, Primitive, Ty},
    tree::Section,
};

type Result<T> = core::result::Result<T, DynamicEncodeError>;

pub(super) fn encode(codec: &Codec, ty: &Ty, value: &Value) -> Result<Vec<u8>> {
    let mut run =
        Run { model: &codec.model, depth: 0, depth_max: codec.limits.depth_max(), out: Vec::new() };
    run.value(ty, value)?;
    Ok(run.out)
}

struct Run<'c> {
    model: &'c Model,
    depth: u32,
    depth_max: u32,
    out: Vec<u8>,
}

impl Run<'_> {
    fn value(&mut self, ty: &Ty, value: &Value) -> Result<()> {
        match ty {
            Ty::Primitive(primitive) => self.primitive(*primitive, value),
            Ty::True => match value {
                Value::Bool(true) => Ok(()),
                _ => Err(wrong_form("true", value)),
            },
            Ty::Bool => match value {
                Value::Bool(value) => {
                    value.encode(&mut self.out);
                    Ok(())
                }
                _ => Err(wrong_form("Bool", value)),
            },
            Ty::Vector { boxed, item } => {
                if *boxed {
                    VECTOR.encode(&mut self.out);
                }
                self.items(item, value)
            }
            Ty::Bare(at) => {
                let named = self.named(ty, value)?;
                if named != *at {
                    return Err(self.wrong_type(named, ty));
                }
                self.fields(self.model.combinator(*at), value)
            }
            Ty::Boxed(expected) => {
                let at = self.named(ty, value)?;
                if self.model.combinator(at).result != Ty::Boxed(*expected) {
                    return Err(self.wrong_type(at, ty));
                }
                self.boxed(at, value)
            }
            Ty::Call => {
                let at = self.named(ty, value)?;
                if self.model.combinator(at).section == Section::Types {
                    return Err(self.wrong_type(at, ty));
                }
                self.boxed(at, value)
            }
            Ty::Object | Ty::ResultOfCall => match value {
                Value::Bool(value) => {
                    value.encode(&mut self.out);
                    Ok(())
                }
                Value::Object(object) if object.contains_key(UNKNOWN_KEY) => {
                    let bytes = object.get("bytes").and_then(Value::as_str).and_then(hex::decode);
                    self.out.put(&bytes.ok_or_else(|| wrong_form("Object", value))?);
                    Ok(())
                }
                _ => {
                    let at = self.named(ty, value)?;
                    if self.model.combinator(at).section == Section::Functions {
                        return Err(self.wrong_type(at, ty));
                    }
                    self.boxed(at, value)
                }
            },
        }
    }

    fn boxed(&mut self, at: CombinatorIx, value: &Value) -> Result<()> {
        let combinator = self.model.combinator(at);
        combinator.id.encode(&mut self.out);
        self.fields(combinator, value)
    }

    fn items(&mut self, item: &Ty, value: &Value) -> Result<()> {
        let Value::Array(items) = value else { return Err(wrong_form("a list", value)) };
        self.out.put_count(items.len());
        for (at, one) in items.iter().enumerate() {
            self.value(item, one).map_err(|error| error.within(format!("[{at}]")))?;
        }
        Ok(())
    }

    fn fields(&mut self, combinator: &Combinator, value: &Value) -> Result<()> {
        let object =
            value.as_object().ok_or_else(|| wrong_form(combinator.name.as_str(), value))?;
        if self.depth >= self.depth_max {
            return Err(DynamicEncodeErrorKind::RecursionLimit { max: self.depth_max }.into());
        }
        self.depth = self.depth.saturating_add(1);
        let name = |field: &str| format!("{}.{field}", combinator.name);
        for key in object.keys().filter(|key| *key != "_") {
            let known = combinator.fields.iter().any(|one| one.name == *key);
            if !known {
                let kind = DynamicEncodeErrorKind::UnknownField { field: key.clone() };
                return Err(DynamicEncodeError::from(kind).within(combinator.name.to_string()));
            }
        }
        let mut length_at = None;
        for (at, field) in combinator.fields.iter().enumerate() {
            if field.is_flags {
                flags(combinator, at, object)?.encode(&mut self.out);
                continue;
            }
            let Some(value) = object.get(&field.name) else {
                if is_unused_word(field) {
                    0_u32.encode(&mut self.out);
                    continue;
                }
                if is_due(combinator, field, object) {
                    let kind = DynamicEncodeErrorKind::MissingField { field: field.name.clone() };
                    return Err(DynamicEncodeError::from(kind).within(combinator.name.to_string()));
                }
                continue;
            };
            if field.ty == Ty::True && field.condition.is_some() {
                // The bit in the flags word is the value.
                continue;
            }
            if combinator.id == MESSAGE && field.name == "bytes" {
                length_at = Some(self.out.len());
            }
            let start = self.out.len();
            let ty = match &field.ty {
                // Messages from clients carry calls.
                Ty::Object if combinator.id == MESSAGE && is_call(value) => &Ty::Call,
                ty => ty,
            };
            self.value(ty, value).map_err(|error| error.within(name(&field.name)))?;
            if let (Some(at), Ty::Object) = (length_at, &field.ty) {
                self.patch_length(at, self.out.len().saturating_sub(start));
            }
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    /// Sets a message's `bytes` to the length of its body, regardless of the JSON.
    fn patch_length(&mut self, at: usize, len: usize) {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        if let Some(word) = self.out.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
            *word = len.to_le_bytes();
        }
    }

    /// Returns the constructor or function that an object names in `_`.
    fn named(&self, ty: &Ty, value: &Value) -> Result<CombinatorIx> {
        let name = value.as_object().and_then(|object| object.get("_")).and_then(Value::as_str);
        let Some(name) = name else { return Err(wrong_form(&self.model.type_name(ty), value)) };
        let found = match name.strip_prefix(FUNCTION_PREFIX) {
            Some(function) => self.model.find(Section::Functions, function),
            None => self.model.find(Section::Types, name),
        };
        found.ok_or_else(|| DynamicEncodeErrorKind::UnknownName { name: name.to_owned() }.into())
    }

    fn wrong_type(&self, at: CombinatorIx, expected: &Ty) -> DynamicEncodeError {
        let name = self.model.combinator(at).name.to_string();
        DynamicEncodeErrorKind::WrongType { name, expected: self.model.type_name(expected) }.into()
    }

    // spec: tl 6
    fn primitive(&mut self, primitive: Primitive, value: &Value) -> Result<()> {
        let wrong = || wrong_form(primitive.as_str(), value);
        let out = &mut self.out;
        match primitive {
            Primitive::Nat => number::<u32>(value).ok_or_else(wrong)?.encode(out),
            Primitive::Int => number::<i32>(value).ok_or_else(wrong)?.encode(out),
            Primitive::Long => number::<i64>(value).ok_or_else(wrong)?.encode(out),
            Primitive::Double => double(value).ok_or_else(wrong)?.encode(out),
            Primitive::Float => out.put(&float(value).ok_or_else(wrong)?.to_le_bytes()),
            Primitive::Int128 => out.put(&raw::<16>(value).ok_or_else(wrong)?),
            Primitive::Int256 => out.put(&raw::<32>(value).ok_or_else(wrong)?),
            Primitive::Int512 => out.put(&raw::<64>(value).ok_or_else(wrong)?),
            Primitive::Bytes => {
                let bytes = value.as_str().and_then(hex::decode).ok_or_else(wrong)?;
                self.string(&bytes)?;
            }
            Primitive::String => match value {
                Value::String(text) => self.string(text.as_bytes())?,
                Value::Object(object) => {
                    let bytes = object.get(BYTES_KEY).and_then(Value::as_str).and_then(hex::decode);
                    self.string(&bytes.ok_or_else(wrong)?)?;
                }
                _ => return Err(wrong()),
            },
        }
        Ok(())
    }

    // spec: tl 6.1
    fn string(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > STRING_LEN_MAX {
            return Err(DynamicEncodeErrorKind::StringTooLong { len: bytes.len() }.into());
        }
        self.out.put_string(bytes);
        Ok(())
    }
}

/// Computes a flags word from the fields that are present.
// spec: tl 6.2
fn flags(combinator: &Combinator, at: usize, object: &Map<String, Value>) -> Result<u32> {
    // In some schemas bits without fields have a meaning.
    let given = combinator.fields.get(at).and_then(|flags| object.get(&flags.name));
    let mut word = match given {
        None => 0,
        Some(value) => number::<u32>(value).ok_or_else(|| wrong_form("#", value))?,
    };
    for field in &combinator.fields {
        let Some(condition) = field.condition.filter(|one| one.flags == at) else { continue };
        let mask = 1_u32.checked_shl(condition.bit.into()).unwrap_or(0);
        word &= !mask;
    }
    for field in &combinator.fields {
        let Some(condition) = field.condition.filter(|one| one.flags == at) else { continue };
        let present = match (object.get(&field.name), &field.ty) {
            (None, _) => false,
            // A flag that is `false` is absent.
            (Some(Value::Bool(set)), Ty::True) => *set,
            (Some(other), Ty::True) => {
                let error = wrong_form("true", other);
                return Err(error.within(format!("{}.{}", combinator.name, field.name)));
            }
            (Some(_), _) => true,
        };
        if present {
            word |= 1_u32.checked_shl(condition.bit.into()).unwrap_or(0);
        }
    }
    Ok(word)
}

/// Returns `true` if an absent field is required: it is unconditional, or another field under its bit is present.
// spec: tl 6.2
fn is_due(combinator: &Combinator, field: &ModelField, object: &Map<String, Value>) -> bool {
    let Some(bit) = field.condition else { return field.ty != Ty::True };
    field.ty != Ty::True
        && combinator.governed(bit.flags, bit.bit).any(|other| match object.get(&other.name) {
            None | Some(Value::Bool(false)) if other.ty == Ty::True => false,
            other => other.is_some(),
        })
}

fn is_call(value: &Value) -> bool {
    let name = value.get("_").and_then(Value::as_str);
    name.is_some_and(|name| name.starts_with(FUNCTION_PREFIX))
}

fn number<T: core::str::FromStr>(value: &Value) -> Option<T> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => {
            number.to_string().parse().ok().filter(|one: &f64| one.is_finite())
        }
        Value::String(text) => match text.strip_prefix("nan:") {
            Some(bits) => u64::from_str_radix(bits, 16).ok().map(f64::from_bits),
            None => special(text),
        },
        _ => None,
    }
}

fn float(value: &Value) -> Option<f32> {
    match value {
        Value::Number(number) => {
            number.to_string().parse().ok().filter(|one: &f32| one.is_finite())
        }
        Value::String(text) => match text.strip_prefix("nan:") {
            Some(bits) => u32::from_str_radix(bits, 16).ok().map(f32::from_bits),
            None => match text.as_str() {
                "inf" => Some(f32::INFINITY),
                "-inf" => Some(f32::NEG_INFINITY),
                "nan" => Some(f32::NAN),
                _ => None,
            },
        },
        _ => None,
    }
}

fn special(text: &str) -> Option<f64> {
    match text {
        "inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        "nan" => Some(f64::NAN),
        _ => None,
    }
}

fn raw<const N: usize>(value: &Value) -> Option<[u8; N]> {
    hex::decode(value.as_str()?)?.try_into().ok()
}

fn wrong_form(expected: &str, value: &Value) -> DynamicEncodeError {
    let found = match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        other => other.to_string().chars().take(40).collect(),
    };
    DynamicEncodeErrorKind::WrongForm { expected: expected.to_owned(), found }.into()
}
