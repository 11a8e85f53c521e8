//! The methods that both sides' links have, written once.

/// Implements what does not depend on the side by handing it to the field `pipe`.
macro_rules! shared_by_links {
    ($link:ident) => {
        impl $link {
            /// Returns room for at least `min` received bytes.
            #[inline]
            pub fn spare(&mut self, min: usize) -> &mut [u8] {
                self.pipe.buffer.spare(min)
            }

            /// Counts the first `n` bytes of the room as received.
            #[inline]
            pub fn filled(&mut self, n: usize) {
                self.pipe.buffer.filled(n);
            }

            /// Receives bytes that are elsewhere, at the cost of a copy.
            pub fn handle_bytes(&mut self, bytes: &[u8]) {
                self.pipe.buffer.put(bytes);
            }

            /// Returns the bytes of memory that input takes: what is received and not taken, and
            /// room.
            #[must_use]
            pub fn held(&self) -> usize {
                self.pipe.buffer.held()
            }

            /// Gives the memory for input back if nothing is in it.
            pub fn release(&mut self) {
                self.pipe.buffer.release();
            }

            /// Judges the end of the peer's bytes; call it when `next_frame` has no more.
            ///
            /// An HTTP answer without a length ends here: ask `next_frame` once more.
            ///
            /// # Errors
            ///
            /// The stream ended inside a frame, a record or a handshake.
            pub fn handle_eof(&mut self) -> Result<(), $crate::link::LinkError> {
                self.pipe.handle_eof()
            }

            /// Reports whether a packet can be sent now.
            ///
            /// Handshakes must be over, and on HTTP it must be our turn. It may change with every
            /// call of `next_frame` and `finish`.
            #[must_use]
            pub fn can_send(&self) -> bool {
                self.pipe.can_send()
            }

            /// Reserves room for everything in front of a packet, which is then appended to `out`.
            ///
            /// One packet at a time: finish or cancel it before the next is begun.
            #[inline]
            pub fn begin(&mut self, out: &mut alloc::vec::Vec<u8>) -> $crate::link::Mark {
                self.pipe.begin(out)
            }

            /// Makes outer bytes of the packet that was appended since `begin`.
            ///
            /// # Errors
            ///
            /// The packet cannot be sent. Everything since `begin` is removed, nothing else
            /// changes.
            pub fn finish(
                &mut self,
                now: mtp_env::Now,
                out: &mut alloc::vec::Vec<u8>,
                mark: $crate::link::Mark,
                flags: $crate::framing::FrameFlags,
            ) -> Result<(), $crate::link::SendError> {
                self.pipe.finish(now, out, mark, flags)
            }

            /// Removes everything since `begin`: there was nothing to send.
            pub fn cancel(&mut self, out: &mut alloc::vec::Vec<u8>, mark: $crate::link::Mark) {
                $crate::link::pipe::Pipe::cancel(out, mark);
            }

            /// Appends what the stack itself wants to send, and reports whether that was anything.
            ///
            /// Ask after `new`, `next_frame`, `handle_timeout` and before closing the socket.
            #[must_use = "what was appended is to be sent"]
            pub fn poll_transmit(
                &mut self,
                now: mtp_env::Now,
                out: &mut alloc::vec::Vec<u8>,
            ) -> bool {
                self.pipe.poll_transmit(now, out)
            }

            /// Returns when `handle_timeout` is to be called, and what for.
            #[must_use]
            pub fn poll_timeout(&self) -> Option<mtp_env::Deadline> {
                self.pipe.poll_timeout()
            }

            /// Lets time pass. What it brings comes out of `next_frame` and `poll_transmit`.
            pub fn handle_timeout(&mut self, now: mtp_env::Now) {
                self.pipe.handle_timeout(now);
            }

            /// Reports whether the connection is over: drain `poll_transmit`, then close the
            /// socket.
            #[must_use]
            pub fn is_closed(&self) -> bool {
                self.pipe.is_closed()
            }
        }
    };
}

pub(super) use shared_by_links;
