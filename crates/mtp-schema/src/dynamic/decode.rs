//! Bytes to JSON.

use mtp_tl::{Budget, DecodeErrorKind as Wire, Decoder};
use serde_json::{Map, Number, Value};

use super::{
    BOOL_FALSE, BOOL_TRUE, BYTES_KEY, Codec, Decoded, DecodedAnswer, DynamicDecodeError,
    DynamicDecodeErrorKind, FUNCTION_PREFIX, GZIP_PACKED, Lost, MESSAGE, RPC_ERROR, RPC_RESULT,
    UNKNOWN_KEY, Unknown, VECTOR,
    gzip::{self, GzipError},
    hex, is_unused_word,
};
use crate::{
    model::{Combinator, CombinatorIx, Model, ModelField, Primitive, Ty},
    tree::Section,
};

type Result<T> = core::result::Result<T, DynamicDecodeError>;

pub(super) fn decode(codec: &Codec, ty: &Ty, bytes: &[u8]) -> Result<Decoded> {
    let mut run = Run::new(codec);
    let value = run.whole(ty, bytes)?;
    Ok(Decoded { value, lost: run.lost })
}

pub(super) fn decode_result(
    codec: &Codec,
    function: CombinatorIx,
    bytes: &[u8],
) -> Result<DecodedAnswer> {
    Run::new(codec).answer(codec.result_type(function), bytes)
}

pub(super) fn decode_rpc_result(
    codec: &Codec,
    bytes: &[u8],
    function: impl FnOnce(i64) -> Option<CombinatorIx>,
) -> Result<(i64, DecodedAnswer)> {
    let run = Run::new(codec);
    let mut input = Input::new(bytes);
    let id = input.word()?;
    if id != RPC_RESULT {
        return Err(input.unexpected(id, "rpc_result"));
    }
    let req_msg_id = input.long()?;
    let ty = function(req_msg_id).map_or(&Ty::Object, |function| codec.result_type(function));
    let header_len = input.offset();
    let answer = run.answer(ty, input.rest()).map_err(|mut error| {
        error.offset = error.offset.saturating_add(header_len);
        error.within("rpc_result.result".to_owned())
    })?;
    Ok((req_msg_id, answer))
}

/// State of one decoding: the schema and the remaining budget.
struct Run<'c> {
    codec: &'c Codec,
    model: &'c Model,
    depth: u32,
    elements_left: usize,
    bytes_left: usize,
    packed: bool,
    lost: Vec<Lost>,
}

/// Whole inputs.
impl<'c> Run<'c> {
    fn new(codec: &'c Codec) -> Self {
        let Budget { elements_max, bytes_max, .. } = codec.limits.budget;
        Self {
            codec,
            model: &codec.model,
            depth: 0,
            elements_left: elements_max,
            bytes_left: bytes_max,
            packed: false,
            lost: Vec::new(),
        }
    }

    /// Reads a value that fills `bytes`; it may be compressed.
    fn whole(&mut self, ty: &Ty, bytes: &[u8]) -> Result<Value> {
        let mut input = Input::new(bytes);
        let value = self.maybe_packed(ty, &mut input)?;
        input.finish()?;
        Ok(value)
    }

    // spec: tl 8
    fn answer(mut self, ty: &Ty, bytes: &[u8]) -> Result<DecodedAnswer> {
        let mut input = Input::new(bytes);
        if input.peek() == Some(GZIP_PACKED) {
            let unpacked = self.unpack(&mut input)?;
            input.finish()?;
            self.packed = true;
            return self.answer(ty, &unpacked).map_err(|one| one.within("gzip_packed".to_owned()));
        }
        if input.peek() == Some(RPC_ERROR) {
            input.word()?;
            let code = input.int()?;
            let message = String::from_utf8_lossy(input.string()?).into_owned();
            input.finish()?;
            return Ok(DecodedAnswer::Error { code, message });
        }
        let value = self.whole(ty, bytes)?;
        Ok(DecodedAnswer::Result(Decoded { value, lost: self.lost }))
    }

    /// Reads a value where `gzip_packed` is allowed in its place.
    // spec: tl 6.3
    fn maybe_packed(&mut self, ty: &Ty, input: &mut Input<'_>) -> Result<Value> {
        let boxed = matches!(
            ty,
            Ty::Object | Ty::Call | Ty::Bool | Ty::Boxed(_) | Ty::Vector { boxed: true, .. }
        );
        if !boxed || input.peek() != Some(GZIP_PACKED) {
            return self.value(ty, input);
        }
        let unpacked = self.unpack(input)?;
        self.packed = true;
        let value = self.whole(ty, &unpacked).map_err(|one| one.within("gzip_packed".to_owned()));
        self.packed = false;
        value
    }

    fn unpack(&mut self, input: &mut Input<'_>) -> Result<Vec<u8>> {
        let max = self.codec.limits.unpacked_max;
        if self.packed {
            return Err(
                input.error(DynamicDecodeErrorKind::RecursionLimit { max: PACKED_DEPTH_MAX })
            );
        }
        let start = *input;
        input.word()?;
        let unpacked = gzip::unpack(input.string()?, max).map_err(|error| {
            start.error(match error {
                GzipError::Limit => DynamicDecodeErrorKind::DecompressionLimit { max },
                GzipError::Invalid => DynamicDecodeErrorKind::InvalidCompression,
            })
        })?;
        self.charge(unpacked.len(), &start)?;
        Ok(unpacked)
    }
}

/// Values by type.
impl Run<'_> {
    fn value(&mut self, ty: &Ty, input: &mut Input<'_>) -> Result<Value> {
        self.charge(VALUE_COST, input)?;
        match ty {
            Ty::Primitive(primitive) => self.primitive(*primitive, input),
            Ty::True => Ok(Value::Bool(true)),
            Ty::Bool => match input.word()? {
                BOOL_TRUE => Ok(Value::Bool(true)),
                BOOL_FALSE => Ok(Value::Bool(false)),
                id => Err(input.unexpected(id, "Bool")),
            },
            Ty::Vector { boxed, item } => {
                if *boxed {
                    let id = input.word()?;
                    if id != VECTOR {
                        return Err(input.unexpected(id, &self.model.type_name(ty)));
                    }
                }
                self.items(item, input)
            }
            Ty::Bare(at) => {
                let combinator = self.model.combinator(*at);
                self.fields(combinator, Map::new(), input)
            }
            Ty::Boxed(at) => {
                let id = input.word()?;
                let found = self.model.find_id(Section::Types, id);
                match found {
                    Some(found) if self.model.combinator(found).result == Ty::Boxed(*at) => {
                        self.constructor(found, input)
                    }
                    _ => self.stray(id, ty, input),
                }
            }
            Ty::Object | Ty::ResultOfCall => match input.word()? {
                BOOL_TRUE => Ok(Value::Bool(true)),
                BOOL_FALSE => Ok(Value::Bool(false)),
                id => match self.model.find_id(Section::Types, id) {
                    Some(found) => self.constructor(found, input),
                    None => self.stray(id, &Ty::Object, input),
                },
            },
            Ty::Call => {
                let id = input.word()?;
                match self.model.find_id(Section::Functions, id) {
                    Some(found) => self.constructor(found, input),
                    None => self.stray(id, ty, input),
                }
            }
        }
    }

    fn constructor(&mut self, at: CombinatorIx, input: &mut Input<'_>) -> Result<Value> {
        let combinator = self.model.combinator(at);
        self.fields(combinator, Map::new(), input)
    }

    /// Handles an id that is not allowed here, whether or not the schema has it.
    // spec: tl 7
    fn stray(&mut self, id: u32, expected: &Ty, input: &mut Input<'_>) -> Result<Value> {
        let known = matches!(id, VECTOR | BOOL_TRUE | BOOL_FALSE | GZIP_PACKED)
            || self.model.find_id(Section::Types, id).is_some()
            || self.model.find_id(Section::Functions, id).is_some();
        // In place of any object, a vector has items of unknown type, so it counts as unknown.
        let opaque = id == VECTOR && *expected == Ty::Object;
        match self.codec.unknown {
            Unknown::Keep if !known || opaque => {
                input.back();
                let offset = input.offset();
                self.lost.push(Lost { id, offset });
                let bytes = input.lose();
                self.charge(bytes.len().saturating_mul(2), input)?;
                let mut object = Map::new();
                object.insert(UNKNOWN_KEY.to_owned(), format!("{id:08x}").into());
                object.insert("offset".to_owned(), offset.into());
                object.insert("bytes".to_owned(), hex::encode(bytes).into());
                Ok(Value::Object(object))
            }
            _ if known => Err(input.unexpected(id, &self.model.type_name(expected))),
            _ => {
                input.back();
                Err(input.error(DynamicDecodeErrorKind::UnknownConstructor { id }))
            }
        }
    }

    fn items(&mut self, item: &Ty, input: &mut Input<'_>) -> Result<Value> {
        let start = *input;
        let count = input.count(self.least_len(item))?;
        let Some(left) = self.elements_left.checked_sub(count) else {
            let max = self.codec.limits.budget.elements_max;
            return Err(start.error(DynamicDecodeErrorKind::ElementsLimit { max }));
        };
        self.elements_left = left;
        let mut items = Vec::new();
        for at in 0..count {
            items.push(self.value(item, input).map_err(|error| error.within(format!("[{at}]")))?);
            if input.is_lost() {
                break;
            }
        }
        Ok(Value::Array(items))
    }

    fn fields(
        &mut self,
        combinator: &Combinator,
        mut object: Map<String, Value>,
        input: &mut Input<'_>,
    ) -> Result<Value> {
        let max = self.codec.limits.depth_max();
        if self.depth >= max {
            return Err(input.error(DynamicDecodeErrorKind::RecursionLimit { max }));
        }
        self.depth = self.depth.saturating_add(1);
        let prefix = if combinator.section == Section::Functions { FUNCTION_PREFIX } else { "" };
        let name = format!("{prefix}{}", combinator.name);
        self.charge(name.len(), input)?;
        object.insert("_".to_owned(), name.into());
        // Flags words by the index of their field.
        let mut words = Vec::new();
        let mut body_len = None;
        for (at, field) in combinator.fields.iter().enumerate() {
            if input.is_lost() {
                break;
            }
            let within = |error: DynamicDecodeError| {
                error.within(format!("{}.{}", combinator.name, field.name))
            };
            if field.is_flags {
                words.push((at, input.word().map_err(within)?));
                continue;
            }
            if !is_present(field, &words) {
                continue;
            }
            self.charge(field.name.len().saturating_add(KEY_COST), input)?;
            let value = if combinator.id == MESSAGE && field.ty == Ty::Object {
                self.body(body_len, input)
            } else if field.ty == Ty::Object || field.ty == Ty::Call {
                self.maybe_packed(&field.ty, input)
            } else {
                self.value(&field.ty, input)
            };
            let value = value.map_err(within)?;
            if combinator.id == MESSAGE && field.name == "bytes" {
                body_len = value.as_i64().and_then(|len| i32::try_from(len).ok());
            }
            // Flags are implied; bits that no field explains are shown.
            if !(is_unused_word(field) && value.as_u64() == Some(0)) {
                object.insert(field.name.clone(), value);
            }
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(Value::Object(object))
    }

    /// Reads a message's body. An unknown constructor in it does not affect the neighboring messages.
    // spec: tl 6.4
    fn body(&mut self, len: Option<i32>, input: &mut Input<'_>) -> Result<Value> {
        let length = len.unwrap_or(-1);
        let Ok(len) = usize::try_from(length) else {
            return Err(input.error(DynamicDecodeErrorKind::InvalidLength { length }));
        };
        let base = input.offset();
        let bytes = input.take(len)?;
        let lost_before = self.lost.len();
        // Messages from clients carry calls.
        let id = Input::new(bytes).peek();
        let call = id.and_then(|id| self.model.find_id(Section::Functions, id)).is_some();
        let ty = if call { Ty::Call } else { Ty::Object };
        let value = self.whole(&ty, bytes).map_err(|mut error| {
            error.offset = error.offset.saturating_add(base);
            error
        })?;
        for lost in self.lost.iter_mut().skip(lost_before) {
            lost.offset = lost.offset.saturating_add(base);
        }
        Ok(value)
    }

    // spec: tl 6
    fn primitive(&mut self, primitive: Primitive, input: &mut Input<'_>) -> Result<Value> {
        Ok(match primitive {
            Primitive::Nat => input.word()?.into(),
            Primitive::Int => input.int()?.into(),
            Primitive::Long => input.long()?.to_string().into(),
            Primitive::Double => {
                let bits = u64::from_le_bytes(*input.array()?);
                float(f64::from_bits(bits), || format!("nan:{bits:016x}"))
            }
            Primitive::Float => {
                let bits = u32::from_le_bytes(*input.array()?);
                float(f64::from(f32::from_bits(bits)), || format!("nan:{bits:08x}"))
            }
            Primitive::Int128 => hex::encode(input.array::<16>()?).into(),
            Primitive::Int256 => hex::encode(input.array::<32>()?).into(),
            Primitive::Int512 => hex::encode(input.array::<64>()?).into(),
            Primitive::Bytes => {
                let bytes = input.string()?;
                self.charge(bytes.len().saturating_mul(2), input)?;
                hex::encode(bytes).into()
            }
            Primitive::String => {
                let bytes = input.string()?;
                self.charge(bytes.len().saturating_mul(2), input)?;
                if let Ok(text) = core::str::from_utf8(bytes) {
                    text.into()
                } else {
                    // spec: tl 6.1
                    let mut object = Map::new();
                    object.insert(BYTES_KEY.to_owned(), hex::encode(bytes).into());
                    Value::Object(object)
                }
            }
        })
    }

    /// Returns a lower bound of the number of bytes that an item takes.
    fn least_len(&self, ty: &Ty) -> usize {
        let flat = |ty: &Ty| match ty {
            Ty::Primitive(primitive) => primitive.least_len(),
            Ty::True | Ty::Bare(_) => 0,
            Ty::Vector { boxed: true, .. } => 8,
            _ => 4,
        };
        match ty {
            Ty::Bare(at) => {
                let fields = self.model.combinator(*at).fields.iter();
                let sure = fields.filter(|field| field.condition.is_none());
                sure.fold(0, |sum, field| flat(&field.ty).saturating_add(sum))
            }
            ty => flat(ty),
        }
    }

    fn charge(&mut self, cost: usize, input: &Input<'_>) -> Result<()> {
        let max = self.codec.limits.budget.bytes_max;
        let left = self.bytes_left.checked_sub(cost);
        self.bytes_left =
            left.ok_or_else(|| input.error(DynamicDecodeErrorKind::BytesLimit { max }))?;
        Ok(())
    }
}

fn is_present(field: &ModelField, words: &[(usize, u32)]) -> bool {
    let Some(condition) = field.condition else { return true };
    let word = words.iter().find(|(at, _)| *at == condition.flags);
    word.is_some_and(|(_, word)| word.checked_shr(condition.bit.into()).is_some_and(|w| w & 1 == 1))
}

fn float(value: f64, other_nan: impl FnOnce() -> String) -> Value {
    match Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value == f64::INFINITY => "inf".into(),
        None if value == f64::NEG_INFINITY => "-inf".into(),
        None if value.to_bits() == f64::NAN.to_bits() => "nan".into(),
        None => other_nan().into(),
    }
}

/// A cursor. A copy keeps a position.
#[derive(Clone, Copy)]
struct Input<'a> {
    all: &'a [u8],
    at: usize,
    lost: bool,
}

impl<'a> Input<'a> {
    fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0, lost: false }
    }

    fn offset(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a [u8] {
        self.all.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u32> {
        self.rest().first_chunk().map(|id| u32::from_le_bytes(*id))
    }

    fn word(&mut self) -> Result<u32> {
        self.read(Decoder::read)
    }

    fn int(&mut self) -> Result<i32> {
        self.read(Decoder::read)
    }

    fn long(&mut self) -> Result<i64> {
        self.read(Decoder::read)
    }

    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N]> {
        self.read(Decoder::array)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        self.read(|d| d.take(len))
    }

    fn string(&mut self) -> Result<&'a [u8]> {
        self.read(Decoder::string)
    }

    fn count(&mut self, item_len_min: usize) -> Result<usize> {
        self.read(|d| d.count(item_len_min))
    }

    /// Steps back before the id just read.
    fn back(&mut self) {
        self.at = self.at.saturating_sub(4);
    }

    /// Takes the rest and ends the input.
    fn lose(&mut self) -> &'a [u8] {
        let rest = self.rest();
        self.at = self.all.len();
        self.lost = true;
        rest
    }

    fn is_lost(&self) -> bool {
        self.lost
    }

    fn finish(&self) -> Result<()> {
        match self.rest().len() {
            0 => Ok(()),
            remaining => Err(self.error(DynamicDecodeErrorKind::TrailingBytes { remaining })),
        }
    }

    fn error(&self, kind: DynamicDecodeErrorKind) -> DynamicDecodeError {
        DynamicDecodeError { kind, offset: self.at, path: Vec::new() }
    }

    fn unexpected(&mut self, id: u32, expected: &str) -> DynamicDecodeError {
        self.back();
        let expected = expected.to_owned();
        self.error(DynamicDecodeErrorKind::UnexpectedConstructor { id, expected })
    }

    /// Reads with the primitives of `mtp-tl`, without limits, because `Run` has its own.
    fn read<T>(
        &mut self,
        read: impl FnOnce(&mut Decoder<'a>) -> core::result::Result<T, mtp_tl::DecodeError>,
    ) -> Result<T> {
        let open = Budget::DEFAULT
            .with_depth_max(u32::MAX)
            .with_elements_max(usize::MAX)
            .with_bytes_max(usize::MAX);
        let rest = self.rest();
        let mut decoder = Decoder::with_budget(rest, open);
        match read(&mut decoder) {
            Ok(value) => {
                let used = rest.len().saturating_sub(decoder.remaining());
                self.at = self.at.saturating_add(used);
                Ok(value)
            }
            Err(error) => Err(self.error(match error.kind() {
                Wire::InvalidLength { count } => {
                    DynamicDecodeErrorKind::InvalidLength { length: count }
                }
                Wire::UnexpectedEof { needed, have } => {
                    DynamicDecodeErrorKind::UnexpectedEof { needed, have }
                }
                // The primitives have no other errors.
                _ => DynamicDecodeErrorKind::UnexpectedEof { needed: 0, have: rest.len() },
            })),
        }
    }
}

/// Maximum nesting of `gzip_packed`.
const PACKED_DEPTH_MAX: u32 = 1;
/// Bytes of heap charged for each value.
const VALUE_COST: usize = size_of::<Value>();
/// Bytes of heap charged for each field of an object, besides its name.
const KEY_COST: usize = size_of::<String>().saturating_add(size_of::<u64>());
