//! Memory and processor time of processes.

use core::time::Duration;
use std::path::PathBuf;

/// A process.
#[derive(Clone, Copy, Debug)]
pub(super) enum Process {
    /// This one.
    Own,
    /// The one with this id.
    Other(u32),
}

/// Returns the resident memory of a process in bytes, if the system has a `/proc`.
pub(super) fn resident(process: Process) -> Option<usize> {
    let status = read(process, "status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// Returns the processor time that a process has used, if the system has a `/proc`.
pub(super) fn busy(process: Process) -> Option<Duration> {
    let stat = read(process, "stat")?;
    // The name in parentheses may contain anything. The field behind it has number 3.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(14 - 3);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis(user.checked_add(system)?.checked_mul(TICK_MS)?))
}

fn read(process: Process, file: &str) -> Option<String> {
    let of = match process {
        Process::Own => "self".to_owned(),
        Process::Other(id) => id.to_string(),
    };
    let path: PathBuf = ["/proc", &of, file].iter().collect();
    std::fs::read_to_string(path).ok()
}

/// Unit of the times there, on every system that has them.
const TICK_MS: u64 = 10;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_system_answers() {
        let own = resident(Process::Own).unwrap();
        assert!(own > 1 << 18);
        assert!(resident(Process::Other(std::process::id())).is_some_and(|same| same > own / 2));
        assert!(busy(Process::Own).is_some() && busy(Process::Other(u32::MAX)).is_none());
    }
}
