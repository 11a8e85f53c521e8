//! A database's file, up to a length.

use core::sync::atomic::{AtomicU64, Ordering};
use std::io;
use std::sync::Arc;

use redb::StorageBackend;
use redb::backends::FileBackend;

/// A file that does not grow beyond a limit.
#[derive(Debug)]
pub(super) struct Quota {
    pub(super) file: FileBackend,
    pub(super) bytes_max: Arc<AtomicU64>,
}

impl StorageBackend for Quota {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len > self.bytes_max.load(Ordering::Relaxed) && len > self.file.len()? {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}
