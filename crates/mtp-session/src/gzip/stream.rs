//! What is asked of a library: raw deflate streams (RFC 1951), whole in memory.

/// Inflates one stream after the other.
pub(crate) trait Inflate {
    /// Allocates the state.
    fn new() -> Self;

    /// Begins a stream.
    fn reset(&mut self);

    /// Goes on until `content`, of which the first `made` bytes are what the stream has made so far,
    /// is full or the stream has ended.
    ///
    /// `packed` is all that was not read yet.
    fn step(&mut self, packed: &[u8], content: &mut [u8], made: usize) -> Step;
}

/// What one step did.
pub(crate) struct Step {
    /// Bytes of the stream that were read.
    pub(crate) read: usize,
    /// Bytes of content that were made.
    pub(crate) wrote: usize,
    pub(crate) state: State,
}

/// How it stands with a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// There is more to be made.
    Going,
    /// It is over.
    Ended,
    /// It is broken or ends too early.
    Broken,
}

/// Deflates one stream after the other, fast rather than small.
pub(crate) trait Deflate {
    /// Allocates the state.
    fn new() -> Self;

    /// Makes a whole stream and returns its length, `None` if there is not enough room.
    fn whole(&mut self, content: &[u8], room: &mut [u8]) -> Option<usize>;
}
