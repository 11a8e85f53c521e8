//! Methods common to both links.

/// Implements the methods that do not depend on the side, by delegation to the field `pipe`.
macro_rules! shared_by_links {
    ($link:ident) => {
        impl $link {
            /// Returns writable space for at least `min` received bytes.
            #[inline]
            pub fn spare(&mut self, min: usize) -> &mut [u8] {
                self.pipe.buffer.spare(min)
            }

            /// Marks the first `n` bytes of that space as received. A closed link ignores them.
            #[inline]
            pub fn filled(&mut self, n: usize) {
                self.pipe.filled(n);
            }

            /// Receives bytes from a buffer of the caller, at the cost of a copy. A closed link
            /// ignores them.
            pub fn handle_bytes(&mut self, bytes: &[u8]) {
                self.pipe.put(bytes);
            }

            /// Returns the size of the receive buffer in bytes.
            #[must_use]
            pub fn held(&self) -> usize {
                self.pipe.buffer.held()
            }

            /// Frees the receive buffer if it is empty.
            pub fn release(&mut self) {
                self.pipe.buffer.release();
            }

            /// Stops reading: the packet returned last closes the connection.
            ///
            /// Frames behind that packet are dropped, whether they were received with it or arrive
            /// later. Packets and a transport error can still be sent.
            pub fn stop_reading(&mut self) {
                self.pipe.stop_reading();
            }

            /// Handles the end of the peer's stream. Call it after `next_frame` has returned `None`.
            ///
            /// An HTTP response without a length ends here: call `next_frame` once more.
            ///
            /// # Errors
            ///
            /// The stream ended within a frame, a record or a handshake.
            pub fn handle_eof(&mut self) -> Result<(), $crate::link::LinkError> {
                self.pipe.handle_eof()
            }

            /// Returns `true` if a packet can be sent now.
            ///
            /// The handshake must be complete and, over HTTP, a request must be waiting for its
            /// response. Every call of `next_frame` and `finish` may change it.
            #[must_use]
            pub fn can_send(&self) -> bool {
                self.pipe.can_send()
            }

            /// Reserves space for all headers. Append the packet to `out` afterwards.
            ///
            /// Finish or cancel the packet before beginning another one.
            #[inline]
            pub fn begin(&mut self, out: &mut alloc::vec::Vec<u8>) -> $crate::link::PacketMark {
                self.pipe.begin(out)
            }

            /// Frames, encrypts and wraps the packet appended since `begin`.
            ///
            /// # Errors
            ///
            /// The packet cannot be sent. Everything since `begin` is removed; nothing else
            /// changes.
            pub fn finish(
                &mut self,
                now: mtp_env::Now,
                out: &mut alloc::vec::Vec<u8>,
                mark: $crate::link::PacketMark,
                flags: $crate::framing::FrameFlags,
            ) -> Result<(), $crate::link::LinkSendError> {
                self.pipe.finish(now, out, mark, flags)
            }

            /// Removes everything appended since `begin`.
            pub fn cancel(
                &mut self,
                out: &mut alloc::vec::Vec<u8>,
                mark: $crate::link::PacketMark,
            ) {
                $crate::link::pipe::Pipe::cancel(out, mark);
            }

            /// Appends the stack's own output: handshakes, pongs, closes. Returns `true` if there
            /// was any.
            ///
            /// Poll after `new`, `next_frame` and `handle_timeout`, and before closing the socket.
            #[must_use = "appended bytes must be sent"]
            pub fn poll_transmit(
                &mut self,
                now: mtp_env::Now,
                out: &mut alloc::vec::Vec<u8>,
            ) -> bool {
                self.pipe.poll_transmit(now, out)
            }

            /// Returns the next deadline of `handle_timeout`, with its reason.
            #[must_use]
            pub fn poll_timeout(&self) -> Option<mtp_env::Deadline> {
                self.pipe.poll_timeout()
            }

            /// Handles a deadline. Its effects appear in `next_frame` and `poll_transmit`.
            pub fn handle_timeout(&mut self, now: mtp_env::Now) {
                self.pipe.handle_timeout(now);
            }

            /// Returns `true` if the link is closed: drain `poll_transmit`, then close the socket.
            #[must_use]
            pub fn is_closed(&self) -> bool {
                self.pipe.is_closed()
            }
        }
    };
}

pub(super) use shared_by_links;
