//! One link between a proxy and a middle proxy, both ends.
//!
//! ```text
//!  proxy         [Nonce] ── good nonce: keys, handshake ──▶ [Handshake] ── handshake ──▶ [Ready]
//!  middle proxy  [Nonce] ── good nonce: nonce, keys ──────▶ [Handshake] ── handshake: handshake ──▶ [Ready]
//!  any state ── violation, deadline or end of stream ──▶ [Ended]
//! ```

mod config;
mod core_link;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use mtp_env::{Deadline, Entropy, Now};

pub use super::error::{MiddleLinkError, MiddleSendError};
pub use config::{FRAME_LEN_CEILING, LinkAddresses, MiddleLinkConfig};

use self::core_link::{CoreLink, Role};
use super::hello::ProcessId;
use super::rpc::MiddleMessage;
use super::secret::MiddleSecret;

/// The proxy's end of a link.
#[derive(Debug)]
pub struct MiddleClientLink(CoreLink);

/// The middle proxy's end of a link.
#[derive(Debug)]
pub struct MiddleServerLink(CoreLink);

impl MiddleClientLink {
    /// Returns the end of a connection opened at `now`.
    #[must_use]
    pub fn new(
        now: Now,
        config: Arc<MiddleLinkConfig>,
        secret: Arc<MiddleSecret>,
        addresses: LinkAddresses,
        process: ProcessId,
        entropy: Box<dyn Entropy + Send>,
    ) -> Self {
        let mut link =
            CoreLink::new(now, config, Role::Client { secret }, addresses, process, entropy);
        link.begin(now);
        Self(link)
    }
}

impl MiddleServerLink {
    /// Returns the end of a connection accepted at `now`. The proxy selects one of the secrets.
    #[must_use]
    pub fn new(
        now: Now,
        config: Arc<MiddleLinkConfig>,
        secrets: Arc<[Arc<MiddleSecret>]>,
        addresses: LinkAddresses,
        process: ProcessId,
        entropy: Box<dyn Entropy + Send>,
    ) -> Self {
        Self(CoreLink::new(now, config, Role::Server { secrets }, addresses, process, entropy))
    }
}

/// The methods that both ends have.
macro_rules! link_end {
    ($end:ident) => {
        impl $end {
            /// Handles received bytes. Then call [`Self::next_message`] until it returns `None`.
            pub fn handle_bytes(&mut self, now: Now, bytes: &[u8]) {
                self.0.handle_bytes(now, bytes);
            }

            /// Returns the next message, or `None` when more bytes are needed.
            ///
            /// Pings are answered here.
            ///
            /// # Errors
            ///
            /// The link has ended. Later calls return the same error.
            #[must_use = "a dropped message is lost"]
            pub fn next_message(
                &mut self,
                now: Now,
            ) -> Result<Option<MiddleMessage<'_>>, MiddleLinkError> {
                self.0.next_message(now)
            }

            /// Handles the end of the stream, after `next_message` has returned `None`.
            pub fn handle_eof(&mut self) -> MiddleLinkError {
                self.0.handle_eof()
            }

            /// Queues a message.
            ///
            /// # Errors
            ///
            /// The message cannot be sent. Nothing changes.
            pub fn send(&mut self, message: &MiddleMessage<'_>) -> Result<(), MiddleSendError> {
                self.0.send(message)
            }

            /// Appends output. Returns `true` if there was any.
            #[must_use]
            pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
                self.0.poll_transmit(out)
            }

            /// Returns `true` if [`Self::poll_transmit`] has output.
            #[must_use]
            pub fn has_output(&self) -> bool {
                self.0.has_output()
            }

            /// Returns `true` if packets are accepted: the link is ready and its queue is not full.
            #[must_use]
            pub fn wants_packets(&self) -> bool {
                self.0.wants_packets()
            }

            /// Returns `true` once both handshakes are complete and until the link ends.
            #[must_use]
            pub const fn is_ready(&self) -> bool {
                self.0.is_ready()
            }

            /// Returns why the link ended, if it did.
            #[must_use]
            pub const fn ended(&self) -> Option<MiddleLinkError> {
                self.0.ended()
            }

            /// Returns the next deadline of [`Self::handle_timeout`].
            #[must_use]
            pub fn poll_timeout(&self) -> Option<Deadline> {
                self.0.poll_timeout()
            }

            /// Handles a deadline.
            pub fn handle_timeout(&mut self, now: Now) {
                self.0.handle_timeout(now);
            }
        }
    };
}

link_end!(MiddleClientLink);
link_end!(MiddleServerLink);
