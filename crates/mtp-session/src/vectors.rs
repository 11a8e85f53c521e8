//! Reads `vectors/session.json` for tests.

extern crate std;

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

/// One entry of a section.
#[derive(Clone, Debug)]
pub(crate) struct Entry(Value);

/// Returns a section that is a list of `count` entries.
#[track_caller]
pub(crate) fn section(name: &str, count: usize) -> Vec<Entry> {
    let entries = whole(name).elements();
    assert_eq!(entries.len(), count, "entries of {name}");
    entries
}

/// Returns a section of any form.
#[track_caller]
pub(crate) fn whole(name: &str) -> Entry {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/session.json");
    let text = std::fs::read_to_string(path).unwrap();
    let root: Value = serde_json::from_str(&text).unwrap();
    Entry(root.get(name).unwrap_or_else(|| panic!("no section {name}")).clone())
}

impl Entry {
    pub(crate) fn field(&self, name: &str) -> Self {
        Self(self.0.get(name).unwrap_or_else(|| panic!("no field {name} in {self:?}")).clone())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    pub(crate) fn is_object(&self) -> bool {
        self.0.is_object()
    }

    pub(crate) fn at(&self, index: usize) -> Self {
        Self(self.0.get(index).unwrap().clone())
    }

    pub(crate) fn elements(&self) -> Vec<Self> {
        self.0.as_array().unwrap().iter().cloned().map(Self).collect()
    }

    pub(crate) fn entries(&self, name: &str) -> Vec<Self> {
        self.field(name).elements()
    }

    pub(crate) fn members(&self) -> Vec<(String, Self)> {
        let object = self.0.as_object().unwrap();
        object.iter().map(|(name, value)| (name.clone(), Self(value.clone()))).collect()
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.field(name).as_number()
    }

    pub(crate) fn optional_number(&self, name: &str) -> Option<u64> {
        self.has(name).then(|| self.number(name))
    }

    pub(crate) fn signed(&self, name: &str) -> i64 {
        self.field(name).as_signed()
    }

    /// Returns a number or a decimal string as a number; negative ones as two's complement.
    pub(crate) fn as_number(&self) -> u64 {
        let text = self.digits();
        text.parse().unwrap_or_else(|_| text.parse::<i64>().unwrap().cast_unsigned())
    }

    pub(crate) fn as_signed(&self) -> i64 {
        self.digits().parse().unwrap()
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.field(name).0.as_bool().unwrap()
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no text {name}"))
    }

    pub(crate) fn as_text(&self) -> &str {
        self.0.as_str().unwrap()
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.entries(name).iter().map(|entry| entry.0.as_str().unwrap().into()).collect()
    }

    pub(crate) fn numbers(&self, name: &str) -> Vec<u64> {
        self.entries(name).iter().map(Self::as_number).collect()
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        unhex(self.text(name))
    }

    pub(crate) fn base64(&self, name: &str) -> Vec<u8> {
        unbase64(self.text(name))
    }

    fn digits(&self) -> String {
        match &self.0 {
            Value::String(text) => text.clone(),
            Value::Number(number) => std::string::ToString::to_string(number),
            other => panic!("not a number: {other}"),
        }
    }
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn unbase64(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        other => panic!("not base64: {other}"),
    };
    let mut out = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for c in text.bytes().filter(|c| *c != b'=') {
        bits = bits << 6 | u32::from(digit(c));
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).unwrap());
        }
    }
    out
}
