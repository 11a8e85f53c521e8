//! Interface of a compression library: raw deflate streams (RFC 1951) in memory.

/// Decompressor of deflate streams.
pub(crate) trait Inflate {
    /// Allocates the state.
    fn new() -> Self;

    /// Starts a new stream.
    fn reset(&mut self);

    /// Decompresses until `content` is full or the stream has ended.
    ///
    /// The first `produced` bytes of `content` are the output so far; `packed` is the unread input.
    fn step(&mut self, packed: &[u8], content: &mut [u8], produced: usize) -> Step;
}

/// Result of one step.
pub(crate) struct Step {
    /// Bytes of input read.
    pub(crate) read: usize,
    /// Bytes of output written.
    pub(crate) wrote: usize,
    pub(crate) state: State,
}

/// State of a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// More output follows.
    Running,
    /// The stream has ended.
    Ended,
    /// The stream is damaged or truncated.
    Broken,
}

/// Compressor of deflate streams, optimized for speed.
pub(crate) trait Deflate {
    /// Allocates the state.
    fn new() -> Self;

    /// Writes a complete stream into `room` and returns its length; `None` if there is not enough room.
    fn whole(&mut self, content: &[u8], room: &mut [u8]) -> Option<usize>;
}
