//! A file with all writes kept in memory, so that a database can be looked at without being changed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

/// A file with all writes kept in memory.
///
/// Clones share their contents.
#[derive(Clone, Debug)]
pub(super) struct Overlay(Arc<Mutex<Contents>>);

#[derive(Debug)]
struct Contents {
    /// None once the overlay is shut.
    file: Option<File>,
    file_len: u64,
    len: u64,
    /// Changed pages by their number.
    pages: BTreeMap<u64, Box<[u8]>>,
}

impl Overlay {
    /// Lays an overlay over a file.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let file_len = file.metadata()?.len();
        let contents =
            Contents { file: Some(file), file_len, len: file_len, pages: BTreeMap::new() };
        Ok(Self(Arc::new(Mutex::new(contents))))
    }

    /// Drops file and contents, whoever else has a clone.
    pub(super) fn shut(&self) {
        let mut contents = self.lock();
        contents.file = None;
        contents.pages.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        // A page is either the file's or ours, whatever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    /// Reads a page of the file, filled up with zeros.
    fn file_page(&mut self, number: u64) -> io::Result<Box<[u8]>> {
        let mut page = vec![0; PAGE_LEN].into_boxed_slice();
        let at = number.saturating_mul(PAGE_LEN as u64);
        let len = self.file_len.saturating_sub(at).min(PAGE_LEN as u64);
        let file = self.file.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        if let Some(room) = usize::try_from(len).ok().and_then(|len| page.get_mut(..len)) {
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(room)?;
        }
        Ok(page)
    }

    /// Visits the parts of the pages that a range covers.
    fn visit(
        &mut self,
        offset: u64,
        len: usize,
        mut visit: impl FnMut(
            &mut Self,
            u64,
            core::ops::Range<usize>,
            core::ops::Range<usize>,
        ) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut done = 0;
        while done < len {
            let at = offset.checked_add(done as u64).ok_or(io::ErrorKind::InvalidInput)?;
            let (number, inner) = (at / PAGE_LEN as u64, at % PAGE_LEN as u64);
            let inner = usize::try_from(inner).unwrap_or_default();
            let part = (PAGE_LEN - inner).min(len - done);
            visit(self, number, inner..inner + part, done..done + part)?;
            done += part;
        }
        Ok(())
    }
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut contents = self.lock();
        let end = offset.saturating_add(out.len() as u64);
        if end > contents.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        contents.visit(offset, out.len(), |contents, number, inner, outer| {
            let fetched;
            let page = if let Some(page) = contents.pages.get(&number) {
                page
            } else {
                fetched = contents.file_page(number)?;
                &fetched
            };
            if let (Some(to), Some(from)) = (out.get_mut(outer), page.get(inner)) {
                to.copy_from_slice(from);
            }
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len > LEN_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut contents = self.lock();
        contents.len = len;
        // What is cut off reads as zeros if the file grows again.
        contents.file_len = contents.file_len.min(len);
        let first = len.div_ceil(PAGE_LEN as u64);
        contents.pages.retain(|number, _| *number < first);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.lock().visit(offset, data.len(), |contents, number, inner, outer| {
            let mut page = match contents.pages.remove(&number) {
                Some(page) => page,
                None => contents.file_page(number)?,
            };
            if let (Some(to), Some(from)) = (page.get_mut(inner), data.get(outer)) {
                to.copy_from_slice(from);
            }
            contents.pages.insert(number, page);
            Ok(())
        })
    }
}

const PAGE_LEN: usize = 4096;

/// No database is longer: 16 TiB.
const LEN_MAX: u64 = 1 << 44;
