//! Buffers kept for reuse, so that steady traffic does not allocate.

use alloc::vec::Vec;

/// Empty buffers, up to a total capacity.
#[derive(Clone, Debug)]
pub(crate) struct Buffers {
    spare: Vec<Vec<u8>>,
    bytes: usize,
    bytes_max: usize,
}

impl Buffers {
    pub(crate) const fn new(bytes_max: usize) -> Self {
        Self { spare: Vec::new(), bytes: 0, bytes_max }
    }

    /// Returns an empty buffer.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let buffer = self.spare.pop().unwrap_or_default();
        self.bytes = self.bytes.saturating_sub(buffer.capacity());
        buffer
    }

    /// Frees all kept buffers.
    pub(crate) fn trim(&mut self) {
        self.spare = Vec::new();
        self.bytes = 0;
    }

    /// Keeps a buffer for reuse if there is room for it.
    pub(crate) fn put(&mut self, mut buffer: Vec<u8>) {
        let bytes = self.bytes.saturating_add(buffer.capacity());
        if buffer.capacity() > 0 && bytes <= self.bytes_max {
            buffer.clear();
            self.bytes = bytes;
            self.spare.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_above_the_limit_are_dropped() {
        let mut buffers = Buffers::new(100);
        buffers.put(Vec::with_capacity(60));
        buffers.put(Vec::with_capacity(41));
        buffers.put(Vec::with_capacity(40));
        buffers.put(Vec::with_capacity(1));
        assert_eq!(buffers.take().capacity(), 40);
        assert_eq!(buffers.take().capacity(), 60);
        assert_eq!((buffers.take().capacity(), buffers.bytes), (0, 0));
        buffers.put(Vec::with_capacity(99));
        buffers.put(Vec::with_capacity(1));
        assert_eq!(buffers.bytes, 100);
    }
}
