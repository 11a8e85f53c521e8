//! A second decoder that follows a description of the value. Its only limit is the depth.
//!
//! It implements the tables of the specification literally and copies everything.

/// The wire format of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// A fixed number of raw bytes.
    Fixed(usize),
    /// A `string` or `bytes`.
    Text,
    /// `boolTrue` or `boolFalse`.
    Bool,
    /// `true` as a value.
    True,
    /// A vector with its id.
    Vector(&'static Self),
    /// A vector without its id.
    BareVector(&'static Self),
    /// One of several constructors, each with its fields.
    Object(&'static [(u32, &'static [Self])]),
    /// Flags with the fields that their bits control. An encoder keeps the bits of `keep`.
    Flags { keep: u32, fields: &'static [(u32, Self)] },
    /// All remaining bytes.
    Tail,
    /// A shape that may contain this one.
    Later(fn() -> Self),
}

/// The result of the second decoder.
#[derive(Debug)]
pub(super) enum Verdict<'a> {
    /// A value: its canonical encoding, `true` if its strings were canonical, and the bytes after it.
    Value { canonical: Vec<u8>, strings_are_canonical: bool, rest: &'a [u8] },
    /// No value.
    Nothing,
    /// Nesting beyond the maximum depth.
    TooDeep,
}

pub(super) fn read<'a>(shape: &Shape, bytes: &'a [u8]) -> Verdict<'a> {
    let mut reader =
        Reader { rest: bytes, out: Vec::new(), depth: 0, too_deep: false, strict: true };
    match reader.value(*shape) {
        Some(()) => Verdict::Value {
            canonical: reader.out,
            strings_are_canonical: reader.strict,
            rest: reader.rest,
        },
        None if reader.too_deep => Verdict::TooDeep,
        None => Verdict::Nothing,
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    out: Vec<u8>,
    depth: u32,
    too_deep: bool,
    /// All strings so far were canonical.
    strict: bool,
}

impl<'a> Reader<'a> {
    fn value(&mut self, shape: Shape) -> Option<()> {
        match shape {
            Shape::Fixed(len) => {
                let bytes = self.take(len)?;
                self.out.extend_from_slice(bytes);
            }
            Shape::Text => self.text()?,
            Shape::Bool => {
                let id = self.word()?;
                (id == 0x9972_75b5 || id == 0xbc79_9737).then_some(())?;
            }
            Shape::True => (self.word()? == 0x3fed_d339).then_some(())?,
            Shape::Vector(item) => {
                (self.word()? == 0x1cb5_c415).then_some(())?;
                self.items(*item)?;
            }
            Shape::BareVector(item) => self.items(*item)?,
            Shape::Object(constructors) => {
                let id = self.word()?;
                let (_, fields) = constructors.iter().find(|(known, _)| *known == id)?;
                self.depth += 1;
                self.too_deep |= self.depth > DEPTH_MAX;
                (!self.too_deep).then_some(())?;
                fields.iter().try_for_each(|field| self.value(*field))?;
                self.depth -= 1;
            }
            Shape::Flags { keep, fields } => self.flags(keep, fields)?,
            Shape::Tail => {
                let rest = core::mem::take(&mut self.rest);
                self.out.extend_from_slice(rest);
            }
            Shape::Later(shape) => self.value(shape())?,
        }
        Some(())
    }

    fn text(&mut self) -> Option<()> {
        let (stood, at) = (self.rest, self.out.len());
        let len = match self.take(1)?[0] {
            254 => {
                let bytes = self.take(3)?;
                usize::from(bytes[0]) | usize::from(bytes[1]) << 8 | usize::from(bytes[2]) << 16
            }
            255 => {
                let bytes = self.take(7)?;
                let wide = |all: u64, byte: &u8| all << 8 | u64::from(*byte);
                usize::try_from(bytes.iter().rev().fold(0, wide)).ok()?
            }
            short => usize::from(short),
        };
        let body = self.take(len)?;
        while !(stood.len() - self.rest.len()).is_multiple_of(4) {
            self.take(1)?;
        }
        if body.len() < 254 {
            self.out.push(u8::try_from(body.len()).ok()?);
        } else {
            self.out
                .extend_from_slice(&(u32::try_from(body.len()).ok()? << 8 | 0xfe).to_le_bytes());
        }
        self.out.extend_from_slice(body);
        while !self.out.len().is_multiple_of(4) {
            self.out.push(0);
        }
        self.strict &= stood[..stood.len() - self.rest.len()] == self.out[at..];
        Some(())
    }

    fn items(&mut self, item: Shape) -> Option<()> {
        let count = self.word()?.cast_signed();
        (count >= 0).then_some(())?;
        (0..count).try_for_each(|_| self.value(item))
    }

    fn flags(&mut self, keep: u32, fields: &[(u32, Shape)]) -> Option<()> {
        let at = self.out.len();
        let flags = self.word()?;
        // Fields may share a bit. Bits without a field are dropped.
        self.out[at..].copy_from_slice(&(flags & keep).to_le_bytes());
        let present = fields.iter().filter(|(bit, _)| flags >> bit & 1 == 1);
        present.clone().try_for_each(|(_, field)| self.value(*field))
    }

    /// Copies a word and returns it.
    fn word(&mut self) -> Option<u32> {
        let bytes = self.take(4)?;
        self.out.extend_from_slice(bytes);
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }
}

/// Maximum depth: above that of the first decoder, and small enough for the stack.
const DEPTH_MAX: u32 = 300;
