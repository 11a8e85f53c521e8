//! What a database's file says of itself. The layout is `redb`'s: see its `docs/design.md`.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::StoreError;

/// The beginning of a database's file.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) file_len: u64,
    bytes: Vec<u8>,
    page_len: u64,
    region_header_pages: u64,
    region_pages: u64,
    full_regions: u64,
    trailing_pages: u64,
}

impl Header {
    /// Reads a header, or says why there is none.
    pub(super) fn read(path: &Path, mut file: &File) -> Result<Result<Self, String>, StoreError> {
        let file_len = file.metadata().map_err(StoreError::io(path))?.len();
        let mut bytes = Vec::new();
        let start = file.seek(SeekFrom::Start(0));
        let read = start.and_then(|_| file.take(LEN as u64).read_to_end(&mut bytes));
        read.map_err(StoreError::io(path))?;
        if bytes.is_empty() {
            return Ok(Err("it is empty".into()));
        }
        if !bytes.starts_with(MAGIC) {
            return Ok(Err("it does not begin as a database".into()));
        }
        let whole = bytes.len() == LEN;
        let parsed = Self::parse(file_len, bytes).filter(|_| whole);
        Ok(parsed.ok_or_else(|| format!("only {file_len} bytes of it are there")))
    }

    fn parse(file_len: u64, bytes: Vec<u8>) -> Option<Self> {
        let number = |at: usize| {
            let bytes = bytes.get(at..)?.first_chunk()?;
            Some(u64::from(u32::from_le_bytes(*bytes)))
        };
        Some(Self {
            file_len,
            page_len: number(12)?,
            region_header_pages: number(16)?,
            region_pages: number(20)?,
            full_regions: number(24)?,
            trailing_pages: number(28)?,
            bytes,
        })
    }

    /// Returns the format of the file if it is newer than `redb` is.
    pub(super) fn newer(&self) -> Option<u8> {
        let format = |slot| self.slot(slot).and_then(|slot| slot.first());
        format(0).filter(|one| **one > FORMAT && Some(*one) == format(1)).copied()
    }

    /// Returns the length that the file must have.
    pub(super) fn check(&self) -> Result<u64, String> {
        let sensible = self.page_len == PAGE_LEN
            && (1..=REGION_PAGES_MAX).contains(&self.region_pages)
            && self.region_header_pages <= REGION_PAGES_MAX
            && self.trailing_pages <= self.region_pages
            && self.full_regions.saturating_add(self.trailing_pages) > 0;
        let trailing = match self.trailing_pages {
            0 => 0,
            pages => self.region_header_pages.saturating_add(pages),
        };
        let pages = self.region_len_pages().checked_mul(self.full_regions);
        let pages = pages.and_then(|pages| pages.checked_add(trailing)?.checked_add(1));
        let len = pages.and_then(|pages| pages.checked_mul(PAGE_LEN));
        len.filter(|_| sensible).ok_or_else(|| "its header makes no sense".into())
    }

    /// Returns the slot of the last commit.
    pub(super) fn primary(&self) -> usize {
        self.bytes.get(MAGIC.len()).map_or(0, |flags| usize::from(flags & 1))
    }

    /// Returns the root and the length of a slot's directory of tables.
    pub(super) fn user_root(&self, slot: usize) -> Option<(u64, u64)> {
        let slot = self.slot(slot)?;
        let number = |at: usize| Some(u64::from_le_bytes(*slot.get(at..)?.first_chunk()?));
        if *slot.get(1)? == 0 { None } else { Some((number(8)?, number(32)?)) }
    }

    /// Returns place and length of a page.
    pub(super) fn page(&self, number: u64) -> Option<(u64, u64)> {
        let order = number >> 59;
        let index = number & (0x000f_ffff_u64 >> order);
        let region = (number >> 20) & 0x000f_ffff;
        let len = PAGE_LEN.checked_shl(u32::try_from(order).ok()?)?;
        let region_at = region.checked_mul(self.region_len_pages())?;
        let header = region_at.checked_add(self.region_header_pages)?.checked_add(1)?;
        let at = header.checked_mul(PAGE_LEN)?.checked_add(index.checked_mul(len)?)?;
        Some((at, len))
    }

    fn region_len_pages(&self) -> u64 {
        self.region_header_pages.saturating_add(self.region_pages)
    }

    fn slot(&self, slot: usize) -> Option<&[u8]> {
        let at = if slot == 0 { 64 } else { 192 };
        self.bytes.get(at..at + 128)
    }
}

/// The length of a page.
pub(super) const PAGE_LEN: u64 = 4096;
/// The file format of `redb` 3 and 4.
pub(super) const FORMAT: u8 = 3;
const MAGIC: &[u8] = b"redb\x1a\x0a\xa9\x0d\x0a";
/// The header's length, with both commit slots.
const LEN: usize = 320;
/// Pages of a region of 4 GiB.
const REGION_PAGES_MAX: u64 = 1 << 20;
