//! Uploaded files, in parts, kept for a while.
//!
//! A file is named by the `file_id` that its client chose. Only the key that sent the first part may add
//! parts.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use mtp_crypto::AuthKeyId;
use mtp_env::{Instant, Now};

use crate::call::{Fault, seconds};
use crate::config::FileLimits;

/// A part of a file, as a call brings it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) id: i64,
    pub(crate) index: i32,
    pub(crate) total: Option<i32>,
    pub(crate) bytes: &'a [u8],
}

/// The files that are kept.
#[derive(Debug, Default)]
pub(crate) struct Files {
    by_id: BTreeMap<i64, File>,
    /// By the time of the last part.
    by_age: BTreeSet<(Instant, i64)>,
    /// Bytes kept for each key.
    owners: BTreeMap<AuthKeyId, usize>,
    bytes: usize,
}

#[derive(Debug)]
struct File {
    owner: AuthKeyId,
    parts: BTreeMap<u32, Vec<u8>>,
    /// The length of every part but the last.
    part_len: usize,
    /// The part that is shorter, if there is one: the last.
    short: Option<u32>,
    total: Option<u32>,
    touched: Instant,
    /// When the first part came, in seconds since 1970.
    born: i32,
}

impl Files {
    pub(crate) fn save(
        &mut self,
        now: Now,
        owner: AuthKeyId,
        part: Part<'_>,
        limits: FileLimits,
    ) -> Result<(), Fault> {
        self.expire(now, limits.life);
        let (index, total) = check_part(&part, limits.parts_max)?;
        let old = match self.by_id.get(&part.id) {
            Some(file) if file.owner != owner => return Err(Fault::new(400, "FILE_ID_INVALID")),
            Some(file) => {
                file.check(index, total, part.bytes.len())?;
                file.parts.get(&index).map_or(0, |old| cost(old.len()))
            }
            None => 0,
        };
        let new = cost(part.bytes.len());
        let kept = self.owners.get(&owner).copied().unwrap_or_default();
        let over = |has: usize, max: usize| has.saturating_sub(old).saturating_add(new) > max;
        if over(kept, limits.key_bytes_max) || over(self.bytes, limits.bytes_max) {
            return Err(Fault::flood(self.room_in(now, limits.life)));
        }
        *self.owners.entry(owner).or_default() = kept.saturating_sub(old).saturating_add(new);
        self.bytes = self.bytes.saturating_sub(old).saturating_add(new);
        let file = self.by_id.entry(part.id).or_insert_with(|| File::new(owner, now));
        self.by_age.remove(&(file.touched, part.id));
        file.touched = now.mono;
        self.by_age.insert((file.touched, part.id));
        file.put(index, total, part.bytes);
        Ok(())
    }

    /// Returns when a file's first part came, and its bytes in a range, cut at its end.
    pub(crate) fn load(
        &self,
        now: Now,
        id: i64,
        offset: usize,
        limit: usize,
    ) -> Result<(i32, Vec<u8>), Fault> {
        let file = self.by_id.get(&id).filter(|file| file.touched <= now.mono);
        let file = file.ok_or_else(|| Fault::new(400, "LOCATION_INVALID"))?;
        Ok((file.born, file.read(offset, limit)?))
    }

    /// Removes files whose life is over.
    fn expire(&mut self, now: Now, life: Duration) {
        while let Some(&(touched, id)) = self.by_age.first() {
            if touched + life > now.mono {
                break;
            }
            self.by_age.remove(&(touched, id));
            let Some(file) = self.by_id.remove(&id) else { continue };
            let freed = file.parts.values().map(|part| cost(part.len())).sum();
            self.bytes = self.bytes.saturating_sub(freed);
            if let Some(kept) = self.owners.get_mut(&file.owner) {
                *kept = kept.saturating_sub(freed);
                if *kept == 0 {
                    self.owners.remove(&file.owner);
                }
            }
        }
    }

    /// Returns how long until the oldest file makes room.
    fn room_in(&self, now: Now, life: Duration) -> Duration {
        self.by_age
            .first()
            .map_or(life, |(touched, _)| (*touched + life).saturating_since(now.mono))
    }
}

impl File {
    fn new(owner: AuthKeyId, now: Now) -> Self {
        Self {
            owner,
            parts: BTreeMap::new(),
            part_len: 0,
            short: None,
            total: None,
            touched: now.mono,
            born: seconds(now.unix.as_secs()),
        }
    }

    /// Checks a further part: all have the same length but the last, which may be shorter.
    fn check(&self, index: u32, total: Option<u32>, len: usize) -> Result<(), Fault> {
        if self.total.is_some() && total.is_some() && self.total != total {
            return Err(Fault::new(400, "FILE_PARTS_INVALID"));
        }
        let others = || self.parts.keys().filter(|other| **other != index);
        if others().next().is_none() {
            return Ok(());
        }
        let part_len = self.part_len.max(len);
        if !part_len.is_multiple_of(PART_LEN_STEP) || !PART_LEN_MAX.is_multiple_of(part_len) {
            return Err(Fault::new(400, "FILE_PART_SIZE_INVALID"));
        }
        // At most one part is shorter, and it is the last.
        let short = match self.short.filter(|short| *short != index) {
            short if len == self.part_len => short,
            None if len < self.part_len => Some(index),
            None if others().count() == 1 => others().next().copied(),
            _ => return Err(Fault::new(400, "FILE_PART_SIZE_CHANGED")),
        };
        let last = others().max().copied().unwrap_or_default().max(index);
        match short {
            Some(short) if short != last => Err(Fault::new(400, "FILE_PART_SIZE_CHANGED")),
            _ => Ok(()),
        }
    }

    /// Stores a part that passed [`Self::check`].
    fn put(&mut self, index: u32, total: Option<u32>, bytes: &[u8]) {
        self.total = total.or(self.total);
        self.parts.insert(index, bytes.to_vec());
        self.part_len = self.parts.values().map(Vec::len).max().unwrap_or_default();
        let last = self.parts.last_key_value();
        self.short = last.filter(|(_, part)| part.len() < self.part_len).map(|(index, _)| *index);
    }

    fn read(&self, offset: usize, limit: usize) -> Result<Vec<u8>, Fault> {
        let mut out = Vec::new();
        let count = self.parts.last_key_value().map_or(0, |(last, _)| last.saturating_add(1));
        let mut index = offset.checked_div(self.part_len).unwrap_or_default();
        let mut skip = offset.checked_rem(self.part_len).unwrap_or_default();
        while out.len() < limit {
            let Some(number) = u32::try_from(index).ok().filter(|number| *number < count) else {
                break;
            };
            let Some(part) = self.parts.get(&number) else {
                let message = alloc::format!("FILE_PART_{number}_MISSING");
                return Err(Fault::new(400, message));
            };
            let wanted = limit.saturating_sub(out.len());
            let rest = part.get(skip..).unwrap_or_default();
            out.extend_from_slice(rest.get(..wanted).unwrap_or(rest));
            index = index.saturating_add(1);
            skip = 0;
        }
        Ok(out)
    }
}

/// Checks a part alone.
fn check_part(part: &Part<'_>, parts_max: u32) -> Result<(u32, Option<u32>), Fault> {
    let index = u32::try_from(part.index).ok().filter(|index| *index < parts_max);
    let index = index.ok_or_else(|| Fault::new(400, "FILE_PART_INVALID"))?;
    if part.bytes.is_empty() {
        return Err(Fault::new(400, "FILE_PART_EMPTY"));
    }
    if part.bytes.len() > PART_LEN_MAX {
        return Err(Fault::new(400, "FILE_PART_TOO_BIG"));
    }
    let Some(total) = part.total else { return Ok((index, None)) };
    let total = u32::try_from(total).ok().filter(|total| (1..=parts_max).contains(total));
    match total {
        Some(total) if index < total => Ok((index, Some(total))),
        _ => Err(Fault::new(400, "FILE_PARTS_INVALID")),
    }
}

/// Checks a range by the published rules.
pub(crate) fn check_range(offset: i64, limit: i32, precise: bool) -> Result<(usize, usize), Fault> {
    let step = if precise { 1024 } else { 4096 };
    let limit = usize::try_from(limit).ok().filter(|limit| {
        *limit > 0
            && *limit <= CHUNK_LEN
            && limit.is_multiple_of(step)
            && (precise || CHUNK_LEN.is_multiple_of(*limit))
    });
    let limit = limit.ok_or_else(|| Fault::new(400, "LIMIT_INVALID"))?;
    let offset = usize::try_from(offset).ok().filter(|offset| offset.is_multiple_of(step));
    let offset = offset.ok_or_else(|| Fault::new(400, "OFFSET_INVALID"))?;
    let last = offset.saturating_add(limit).saturating_sub(1);
    if offset.checked_div(CHUNK_LEN) == last.checked_div(CHUNK_LEN) {
        Ok((offset, limit))
    } else {
        Err(Fault::new(400, "LIMIT_INVALID"))
    }
}

/// Returns the bytes that a part is counted with: its own and its overhead.
const fn cost(len: usize) -> usize {
    len.saturating_add(PART_COST)
}

/// The longest part.
const PART_LEN_MAX: usize = 512 << 10;
/// The length of a part is a multiple of it, and divides the longest.
const PART_LEN_STEP: usize = 1 << 10;
/// A range must lie within one such piece of a file.
const CHUNK_LEN: usize = 1 << 20;
/// The overhead that a part is counted with.
const PART_COST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: FileLimits = FileLimits {
        without_login: true,
        key_bytes_max: 100_000,
        bytes_max: 150_000,
        parts_max: 100,
        life: Duration::from_secs(60),
    };

    fn at(secs: u64) -> Now {
        Now::default().after(Duration::from_secs(secs))
    }

    fn key(number: u64) -> AuthKeyId {
        AuthKeyId::from_raw(number)
    }

    fn part(id: i64, index: i32, bytes: &[u8]) -> Part<'_> {
        Part { id, index, total: None, bytes }
    }

    fn error(message: &'static str) -> Result<(), Fault> {
        Err(Fault::new(400, message))
    }

    /// Saves parts of these indices and lengths into one file and compares the last answer.
    #[track_caller]
    fn check_parts(parts: &[(i32, usize)], expected: &Result<(), Fault>) {
        let mut files = Files::default();
        let mut answer = Ok(());
        for (index, len) in parts {
            assert_eq!(answer, Ok(()), "before part {index}");
            answer = files.save(at(0), key(1), part(9, *index, &alloc::vec![7; *len]), LIMITS);
        }
        assert_eq!(&answer, expected);
    }

    #[test]
    fn all_parts_but_the_last_have_the_same_length() {
        let changed = || error("FILE_PART_SIZE_CHANGED");
        check_parts(&[(0, 1024), (1, 1024), (2, 5)], &Ok(()));
        check_parts(&[(2, 5), (0, 1024), (1, 1024)], &Ok(()));
        check_parts(&[(0, 1024), (2, 5), (1, 1024)], &Ok(()));
        check_parts(&[(0, 2048), (1, 1024), (1, 2048), (2, 1024)], &Ok(()));
        check_parts(&[(0, 1024), (1, 5), (2, 5)], &changed());
        check_parts(&[(0, 1024), (1, 5), (2, 1024)], &changed());
        check_parts(&[(0, 5), (1, 1024)], &changed());
        check_parts(&[(0, 1024), (1, 1024), (2, 2048)], &changed());
        check_parts(&[(0, 1025), (1, 5)], &error("FILE_PART_SIZE_INVALID"));
        check_parts(&[(0, 3 * 1024), (1, 5)], &error("FILE_PART_SIZE_INVALID"));
    }

    #[test]
    fn a_part_is_checked_alone() {
        let longest = alloc::vec![0; PART_LEN_MAX + 1];
        let fits = |part: Part<'_>| check_part(&part, 100).map(|_| ());
        assert_eq!(fits(part(1, 99, &longest[1..])), Ok(()));
        assert_eq!(fits(part(1, 99, &longest)), error("FILE_PART_TOO_BIG"));
        assert_eq!(fits(part(1, 100, b"x")), error("FILE_PART_INVALID"));
        assert_eq!(fits(part(1, -1, b"x")), error("FILE_PART_INVALID"));
        assert_eq!(fits(part(1, 0, b"")), error("FILE_PART_EMPTY"));
        let of = |index, total| Part { total: Some(total), ..part(1, index, b"x") };
        assert_eq!(fits(of(99, 100)), Ok(()));
        for (index, total) in [(0, 0), (0, 101), (3, 3), (0, -2)] {
            assert_eq!(fits(of(index, total)), error("FILE_PARTS_INVALID"));
        }
    }

    #[test]
    fn ranges_follow_the_published_rules() {
        let range = |offset, limit, precise| check_range(offset, limit, precise);
        assert_eq!(range(0, 1 << 20, false), Ok((0, 1 << 20)));
        assert_eq!(range(4096, 4096, false), Ok((4096, 4096)));
        assert_eq!(range(1024, 3072, true), Ok((1024, 3072)));
        for (offset, limit, precise) in
            [(0, 0, true), (0, -1, true), (0, (1 << 20) + 4096, true), (0, 1000, true)]
        {
            assert_eq!(range(offset, limit, precise), Err(Fault::new(400, "LIMIT_INVALID")));
        }
        assert_eq!(range(0, 12_288, false), Err(Fault::new(400, "LIMIT_INVALID")));
        assert_eq!(range((1 << 20) - 4096, 8192, true), Err(Fault::new(400, "LIMIT_INVALID")));
        assert_eq!(range(1024, 4096, false), Err(Fault::new(400, "OFFSET_INVALID")));
        assert_eq!(range(-4096, 4096, false), Err(Fault::new(400, "OFFSET_INVALID")));
        assert!(range(i64::MAX - 4095, 4096, false).is_ok());
    }

    #[test]
    fn saved_parts_are_read_back() {
        let mut files = Files::default();
        let bytes: Vec<u8> = (0..5_000_u32).map(|at| at.to_le_bytes()[0]).collect();
        for (index, chunk) in bytes.chunks(2048).enumerate() {
            let index = i32::try_from(index).unwrap();
            files.save(at(0), key(1), part(9, index, chunk), LIMITS).unwrap();
        }
        let load = |offset, limit| files.load(at(0), 9, offset, limit).unwrap().1;
        assert_eq!(load(0, 8192), bytes);
        assert_eq!(load(1024, 2048), bytes[1024..3072]);
        assert_eq!(load(4096, 4096), bytes[4096..]);
        assert!(load(8192, 4096).is_empty() && load(usize::MAX, 4096).is_empty());
        assert!(files.load(at(0), 8, 0, 4096).is_err());
    }

    #[test]
    fn a_missing_part_is_named() {
        let mut files = Files::default();
        for index in [0, 2] {
            files.save(at(0), key(1), part(9, index, &[7; 1024]), LIMITS).unwrap();
        }
        let read = files.load(at(0), 9, 0, 4096).map(|_| ());
        assert_eq!(read, error("FILE_PART_1_MISSING"));
    }

    #[test]
    fn quotas_hold_until_files_expire() {
        let mut files = Files::default();
        let bytes = alloc::vec![0; 50_000 - PART_COST];
        let save = |files: &mut Files, now, owner, id| {
            files.save(now, key(owner), part(id, 0, &bytes), LIMITS)
        };
        assert_eq!(save(&mut files, at(0), 1, 1), Ok(()));
        assert_eq!(save(&mut files, at(10), 1, 2), Ok(()));
        assert_eq!(save(&mut files, at(20), 1, 2), Ok(()), "the same part once more");
        let wait = |secs| Err(Fault::flood(Duration::from_secs(secs)));
        assert_eq!(save(&mut files, at(20), 1, 3), wait(40), "the key's quota");
        assert_eq!(save(&mut files, at(20), 2, 3), Ok(()));
        assert_eq!(save(&mut files, at(20), 2, 4), wait(40), "everybody's");
        assert_eq!(save(&mut files, at(20), 2, 1), error("FILE_ID_INVALID"), "another's file");
        assert_eq!(save(&mut files, at(60), 2, 4), Ok(()));
        assert!(files.load(at(60), 1, 0, 4096).is_err());
        assert_eq!(save(&mut files, at(600), 3, 5), Ok(()));
        assert_eq!((files.bytes, files.owners.len(), files.by_id.len()), (50_000, 1, 1));
    }
}
