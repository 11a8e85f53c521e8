//! Reads what is left of a damaged database, without `redb`.
//!
//! The B-trees of a file are walked from their roots, as `redb`'s `docs/design.md` describes them. A page
//! that is missing or makes no sense costs the entries below it and no others: records have checksums of
//! their own, so only whole ones are served. Pages that no root reaches are not searched for records; they
//! hold keys that were destroyed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

use super::header::{Header, PAGE_LEN};

/// A tree: its root, and the widths of its keys and values unless they vary.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tree {
    root: u64,
    key_len: Option<usize>,
    value_len: Option<usize>,
    /// Its entries.
    pub(super) len: u64,
}

/// A damaged file.
pub(super) struct Wreck<'a> {
    file: &'a File,
    header: &'a Header,
    /// Bytes that may still be read: pages of several sizes can overlap.
    budget: u64,
}

impl<'a> Wreck<'a> {
    pub(super) fn new(file: &'a File, header: &'a Header) -> Self {
        Self { file, header, budget: header.file_len.saturating_mul(4) }
    }

    /// Returns the tables that a commit slot names; none without a root.
    pub(super) fn tables(&mut self, slot: usize) -> Vec<(String, Tree)> {
        let mut tables = Vec::new();
        if let Some((root, len)) = self.header.user_root(slot) {
            let directory = Tree { root, key_len: None, value_len: None, len };
            let _ = self.each(directory, &mut |name, definition| {
                if let (Ok(name), Some(tree)) = (core::str::from_utf8(name), table(definition)) {
                    tables.push((name.to_owned(), tree));
                }
            });
        }
        tables
    }

    /// Visits every entry that can be read; returns how many there were.
    pub(super) fn each(&mut self, tree: Tree, take: &mut dyn FnMut(&[u8], &[u8])) -> u64 {
        let mut found = 0_u64;
        let mut seen = BTreeSet::new();
        let mut open = vec![tree.root];
        while let Some(number) = open.pop() {
            // No damage makes it run in circles.
            if !seen.insert(number) {
                continue;
            }
            let Some(page) = self.page(number) else { continue };
            match page.first() {
                Some(&LEAF) => {
                    let mut visit = |key: &[u8], value: &[u8]| {
                        found = found.saturating_add(1);
                        take(key, value);
                    };
                    leaf(&page, tree, &mut visit);
                }
                Some(&BRANCH) => open.extend(children(&page)),
                _ => {}
            }
        }
        found
    }

    fn page(&mut self, number: u64) -> Option<Vec<u8>> {
        let (at, len) = self.header.page(number)?;
        let end = at.checked_add(len)?;
        if end > self.header.file_len {
            return None;
        }
        self.budget = self.budget.checked_sub(len)?;
        let mut page = vec![0; usize::try_from(len).ok()?];
        let mut file = self.file;
        let read: io::Result<()> =
            file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut page));
        read.ok().map(|()| page)
    }
}

/// Reads the definition of a table.
fn table(definition: &[u8]) -> Option<Tree> {
    let width = |at: usize| match definition.get(at)? {
        0 => Some(None),
        _ => Some(Some(number(definition, at + 1)?)),
    };
    let (NORMAL, 1) = (*definition.first()?, *definition.get(9)?) else { return None };
    Some(Tree {
        len: u64::from_le_bytes(*definition.get(1..)?.first_chunk()?),
        root: u64::from_le_bytes(*definition.get(10..)?.first_chunk()?),
        key_len: width(42)?,
        value_len: width(47)?,
    })
}

/// Visits the entries of a leaf, as far as they make sense.
fn leaf(page: &[u8], tree: Tree, visit: &mut dyn FnMut(&[u8], &[u8])) -> Option<()> {
    let entries = usize::from(u16::from_le_bytes(*page.get(2..)?.first_chunk()?));
    let keys_at = 4;
    let values_at = keys_at + if tree.key_len.is_none() { 4 * entries } else { 0 };
    let first_key = values_at + if tree.value_len.is_none() { 4 * entries } else { 0 };
    let key_end = |entry: usize| match tree.key_len {
        Some(len) => len.checked_mul(entry + 1)?.checked_add(first_key),
        None => number(page, keys_at + 4 * entry),
    };
    let first_value = key_end(entries.checked_sub(1)?)?;
    let value_end = |entry: usize| match tree.value_len {
        Some(len) => len.checked_mul(entry + 1)?.checked_add(first_value),
        None => number(page, values_at + 4 * entry),
    };
    for entry in 0..entries {
        let before = entry.checked_sub(1);
        let key_start = before.map_or(Some(first_key), key_end);
        let value_start = before.map_or(Some(first_value), value_end);
        let key = key_start.zip(key_end(entry)).and_then(|(start, end)| page.get(start..end));
        let value = value_start.zip(value_end(entry)).and_then(|(start, end)| page.get(start..end));
        if let (Some(key), Some(value)) = (key, value) {
            visit(key, value);
        }
    }
    Some(())
}

/// Returns the page numbers below a branch.
fn children(page: &[u8]) -> Vec<u64> {
    let keys =
        page.get(2..).and_then(<[u8]>::first_chunk).map_or(0, |keys| u16::from_le_bytes(*keys));
    let children = usize::from(keys) + 1;
    let numbers = page.get(8 + 16 * children..).unwrap_or_default();
    let (numbers, _) = numbers.as_chunks::<8>();
    numbers.iter().take(children).map(|number| u64::from_le_bytes(*number)).collect()
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

const LEAF: u8 = 1;
const BRANCH: u8 = 2;
/// The type of tables with one value for each key.
const NORMAL: u8 = 3;

const _: () = assert!(PAGE_LEN >= 8, "pages hold their own headers");
