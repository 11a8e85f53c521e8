//! What the system says of processes, and how many files it lets one open.

use core::time::Duration;
use std::path::PathBuf;

/// A process whose memory can be asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Process {
    /// This one.
    Own,
    /// The one with this number.
    Other(u32),
}

/// Returns the resident memory of a process in bytes, where the system has a `/proc`.
pub(super) fn resident(process: Process) -> Option<usize> {
    let status = read(process, "status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// Returns the processor time that a process has used, where the system has a `/proc`.
pub(super) fn busy(process: Process) -> Option<Duration> {
    let stat = read(process, "stat")?;
    // The name, in parentheses, may hold anything. Behind it the fields are counted from 3.
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

/// The unit of times there, on every system that has them.
const TICK_MS: u64 = 10;

/// Lets the process open as many files as it may, and returns their number where there is a limit.
#[cfg(unix)]
pub(super) fn raise_open_files() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let hard = getrlimit(Resource::Nofile).maximum;
    // A system that refuses leaves the soft limit, which is looked at next.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard });
    getrlimit(Resource::Nofile).current.map(|files| usize::try_from(files).unwrap_or(usize::MAX))
}

/// There is no such limit here.
#[cfg(not(unix))]
pub(super) fn raise_open_files() -> Option<usize> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_system_answers() {
        let own = resident(Process::Own).unwrap();
        assert!(own > 1 << 18);
        assert!(resident(Process::Other(std::process::id())).is_some_and(|same| same > own / 2));
        assert!(busy(Process::Own).is_some() && busy(Process::Other(u32::MAX)).is_none());
        assert!(raise_open_files().is_none_or(|files| files >= 64));
    }
}
