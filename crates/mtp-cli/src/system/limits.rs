//! The limit of open descriptors, and how many connections fit under it.

use crate::terminal;

/// Raises the soft limit of descriptors to the hard limit, and returns the limit if there is one.
#[cfg(unix)]
pub(crate) fn raise_descriptors() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let hard = getrlimit(Resource::Nofile).maximum;
    // If the system refuses, the soft limit remains. It is read next.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard });
    getrlimit(Resource::Nofile).current.map(|files| usize::try_from(files).unwrap_or(usize::MAX))
}

/// There is no such limit here.
#[cfg(not(unix))]
pub(crate) fn raise_descriptors() -> Option<usize> {
    None
}

/// Raises the limit of descriptors, and returns how many connections a server may have: as many as wanted,
/// unless the descriptors do not suffice.
///
/// `each` is the number of descriptors for a connection.
pub(crate) fn connections(wanted: usize, each: usize) -> usize {
    let Some(descriptors) = raise_descriptors() else { return wanted };
    let fitting = fitting(descriptors, each);
    if fitting < wanted {
        terminal::note(&format!(
            "at most {fitting} connections instead of {wanted}: the hard limit is {descriptors} descriptors; \
             raise it with ulimit -Hn"
        ));
    } else {
        terminal::note(&format!("at most {wanted} connections; {descriptors} descriptors"));
    }
    wanted.min(fitting)
}

/// Returns how many connections fit under a limit of descriptors; at least one.
fn fitting(descriptors: usize, each: usize) -> usize {
    descriptors.saturating_sub(DESCRIPTORS_KEPT).checked_div(each).unwrap_or_default().max(1)
}

/// Descriptors kept for everything but connections: listeners, the store, the runtime, collectors of
/// counters.
pub(crate) const DESCRIPTORS_KEPT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fit_under_the_limit_of_descriptors() {
        assert_eq!(fitting(1024, 1), 960);
        assert_eq!(fitting(1024, 2), 480);
        assert_eq!(fitting(65, 1), 1);
        assert_eq!(fitting(64, 1), 1, "one is better than none");
    }

    #[cfg(unix)]
    #[test]
    fn the_soft_limit_is_raised_to_the_hard_limit() {
        use rustix::process::{Resource, getrlimit};
        let limit = raise_descriptors();
        assert_eq!(getrlimit(Resource::Nofile).current, getrlimit(Resource::Nofile).maximum);
        assert!(limit.is_none_or(|files| files >= 64));
    }
}
