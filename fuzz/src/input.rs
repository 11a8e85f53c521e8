//! Decoding of the fuzzer's bytes: choices, numbers, byte strings, cuts.

/// A cursor over the fuzzer's bytes. It never fails: after the end all values are zero or empty.
#[derive(Clone, Debug)]
pub(crate) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) const fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    /// Chooses one of at most 256 options.
    pub(crate) fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        options[usize::from(self.byte()) % options.len()]
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        let taken = self.take(N);
        out[..taken.len()].copy_from_slice(taken);
        out
    }

    /// Takes up to `len` bytes.
    pub(crate) fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Takes bytes with a length prefix of one byte.
    pub(crate) fn short(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte());
        self.take(len)
    }

    /// Takes bytes with a length prefix of two bytes.
    pub(crate) fn long(&mut self) -> &'a [u8] {
        let len = usize::from(self.u16());
        self.take(len)
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads cuts: a count up to 7 and as many lengths.
    pub(crate) fn cuts(&mut self) -> Cuts<'a> {
        let count = usize::from(self.byte() & 7);
        Cuts { lens: self.take(count) }
    }
}

/// The lengths of the pieces in which a stream arrives, repeated cyclically. Without lengths the stream is not cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cuts<'a> {
    lens: &'a [u8],
}

impl Cuts<'_> {
    pub(crate) const WHOLE: Self = Self { lens: &[] };

    /// Cuts a stream. Zero means a length of 256.
    pub(crate) fn of(self, stream: &[u8]) -> impl Iterator<Item = &[u8]> {
        let mut rest = stream;
        let mut index = 0;
        core::iter::from_fn(move || {
            let len = match self.lens.get(index % self.lens.len().max(1)) {
                None => rest.len(),
                Some(0) => 256,
                Some(len) => usize::from(*len),
            };
            index += 1;
            let (piece, after) = rest.split_at(len.min(rest.len()));
            rest = after;
            (!piece.is_empty()).then_some(piece)
        })
    }
}
