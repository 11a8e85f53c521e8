//! Deflate streams by `flate2` on zlib-rs, which needs the standard library.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::stream::{self, State, Step};

pub(crate) struct Inflate(Decompress);

impl stream::Inflate for Inflate {
    fn new() -> Self {
        Self(Decompress::new(false))
    }

    fn reset(&mut self) {
        self.0.reset(false);
    }

    fn step(&mut self, packed: &[u8], content: &mut [u8], produced: usize) -> Step {
        let (read, wrote) = (self.0.total_in(), self.0.total_out());
        let room = content.get_mut(produced..).unwrap_or_default();
        let state = match self.0.decompress(packed, room, FlushDecompress::None) {
            Ok(Status::StreamEnd) => State::Ended,
            Ok(Status::Ok) => State::Running,
            Ok(Status::BufError) | Err(_) => State::Broken,
        };
        let count = |now: u64, before: u64| usize::try_from(now.saturating_sub(before));
        let read = count(self.0.total_in(), read).unwrap_or(packed.len());
        let wrote = count(self.0.total_out(), wrote).unwrap_or(0);
        Step { read, wrote, state }
    }
}

pub(crate) struct Deflate(Compress);

impl stream::Deflate for Deflate {
    fn new() -> Self {
        Self(Compress::new(Compression::fast(), false))
    }

    fn whole(&mut self, content: &[u8], room: &mut [u8]) -> Option<usize> {
        self.0.reset();
        let status = self.0.compress(content, room, FlushCompress::Finish);
        if !matches!(status, Ok(Status::StreamEnd)) {
            // zlib-rs 0.6 does not fully reset a stream with pending output and panics eventually.
            *self = stream::Deflate::new();
            return None;
        }
        usize::try_from(self.0.total_out()).ok()
    }
}
