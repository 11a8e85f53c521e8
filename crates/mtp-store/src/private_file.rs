//! Files that only their owner can read, from their first byte.
//!
//! A new file is created with mode 600 under a name beside its own and renamed into place, so that
//! readers see the old contents or the new. Paths that name a link, a device, a FIFO or a folder are
//! refused: nothing is followed, waited for or overwritten there. Where the system has no such modes
//! and flags (Windows), files have the permissions of their folder.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::StoreError;

/// Reads a file of at most `len_max` bytes; `None` if there is none.
///
/// Permissions of group and others are taken away.
///
/// # Errors
/// [`StoreError::NotAFile`], [`StoreError::TooLarge`], [`StoreError::Io`].
pub fn read(path: &Path, len_max: u64) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let Some(file) = open_as(path, OpenOptions::new().read(true))? else { return Ok(None) };
    let len = file.metadata().map_err(StoreError::io(path))?.len();
    let too_large = || StoreError::TooLarge { path: path.to_owned(), len_max };
    let capacity = usize::try_from(len.saturating_add(1)).ok().filter(|_| len <= len_max);
    // In one piece from the start: a buffer that grows leaves copies of secrets behind.
    let mut contents = Zeroizing::new(Vec::with_capacity(capacity.ok_or_else(too_large)?));
    let read = file.take(len_max.saturating_add(1)).read_to_end(&mut contents);
    let read = read.map_err(StoreError::io(path))?;
    if u64::try_from(read).is_ok_and(|read| read <= len_max) {
        Ok(Some(contents))
    } else {
        Err(too_large())
    }
}

/// Opens a regular file for reading and writing; `None` if there is none.
///
/// Permissions of group and others are taken away.
///
/// # Errors
/// [`StoreError::NotAFile`], [`StoreError::Io`].
pub fn open(path: &Path) -> Result<Option<File>, StoreError> {
    open_as(path, OpenOptions::new().read(true).write(true))
}

fn open_as(path: &Path, options: &mut OpenOptions) -> Result<Option<File>, StoreError> {
    no_follow(options);
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // What may be opened in no such way is looked at without opening it.
        Err(error) => {
            check_regular(path)?;
            return Err(StoreError::io(path)(error));
        }
    };
    let metadata = file.metadata().map_err(StoreError::io(path))?;
    if !metadata.is_file() {
        return Err(StoreError::NotAFile { path: path.to_owned() });
    }
    tighten(&file, &metadata);
    Ok(Some(file))
}

/// Creates an empty file in place of an existing one.
///
/// # Errors
/// [`StoreError::NotAFile`], [`StoreError::Io`].
pub fn create(path: &Path) -> Result<File, StoreError> {
    let fresh = Fresh::create(path)?;
    fresh.put_in_place().map_err(StoreError::io(path))
}

/// Replaces a file's contents, or creates it: durably, and all or none.
///
/// # Errors
/// [`StoreError::NotAFile`], [`StoreError::Io`]: the old contents are still in place.
pub fn replace(path: &Path, contents: &[u8]) -> Result<(), StoreError> {
    let mut fresh = Fresh::create(path)?;
    let written = fresh.file.write_all(contents).and_then(|()| fresh.file.sync_all());
    written.and_then(|()| fresh.put_in_place()).map(drop).map_err(StoreError::io(path))
}

/// Checks that a file can be created or replaced at this path, before there is anything to lose.
///
/// # Errors
/// [`StoreError::NotAFile`], [`StoreError::Io`].
pub fn check_writable(path: &Path) -> Result<(), StoreError> {
    // Dropped, it is removed.
    Fresh::create(path).map(drop)
}

/// Makes the entries of a file's folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened, and renaming is as durable as it gets.
    #[cfg(unix)]
    {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Appends to a path's last part.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    PathBuf::from(name)
}

/// A file on its way into place; removed unless it arrives.
pub(crate) struct Fresh {
    pub(crate) file: File,
    at: PathBuf,
    path: PathBuf,
    arrived: bool,
}

impl Fresh {
    pub(crate) fn create(path: &Path) -> Result<Self, StoreError> {
        check_regular(path)?;
        let at = beside(path, ".new");
        // A crash may have left one behind. Removing does not follow links.
        match fs::remove_file(&at) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::io(&at)(error));
            }
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        no_follow(&mut options);
        let file = options.open(&at).map_err(StoreError::io(&at))?;
        Ok(Self { file, at, path: path.to_owned(), arrived: false })
    }

    /// Renames the file; what is in it must have been synchronized before.
    pub(crate) fn put_in_place(mut self) -> io::Result<File> {
        fs::rename(&self.at, &self.path)?;
        self.arrived = true;
        sync_folder(&self.path)?;
        self.file.try_clone()
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if !self.arrived {
            // It will be removed by the next attempt.
            let _ = fs::remove_file(&self.at);
        }
    }
}

/// Returns an error if there is something at a path that is not a regular file.
fn check_regular(path: &Path) -> Result<(), StoreError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(StoreError::NotAFile { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::io(path)(error)),
    }
}

/// Neither follows a link at the end of the path nor waits for the other end of a FIFO.
fn no_follow(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);
        options.custom_flags(i32::from_ne_bytes(flags.bits().to_ne_bytes()));
    }
    #[cfg(not(unix))]
    let _ = options;
}

/// Takes the permissions of group and others away.
fn tighten(file: &File, metadata: &Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode();
        if mode & 0o077 != 0 {
            // Some file systems know no modes, and some files belong to others.
            let _ = file.set_permissions(fs::Permissions::from_mode(mode & 0o700));
        }
    }
    #[cfg(not(unix))]
    let _ = (file, metadata);
}
