//! The server's part of a link: silence, and responses held over HTTP.

use mtp_env::{Instant, Now};

use crate::service::HttpWait;
use crate::session::link_state;

/// A link of a server session.
pub(super) type Link = link_state::Link<ServerLink>;

/// What only a server keeps of a link.
#[derive(Debug, Default)]
pub(crate) struct ServerLink {
    /// When the link is closed unless another `ping_delay_disconnect` arrives.
    pub(super) disconnect_at: Option<Instant>,
    /// Over HTTP: the packet that waits for its response.
    pub(super) held: Option<Held>,
}

/// A packet that waits for its response over HTTP.
// spec: session 14
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(super) since: Instant,
    pub(super) wait: HttpWait,
    /// When the first and the latest message for the response were queued.
    pub(super) queued: Option<(Instant, Instant)>,
    /// The response is due and that was reported; when the link can take it is up to its driver.
    pub(super) is_due: bool,
}

impl Held {
    pub(super) const fn new(now: Now, wait: HttpWait) -> Self {
        Self { since: now.mono, wait, queued: None, is_due: false }
    }
}
