//! Limits on the cost of decoding one input.

/// Limits on the cost of decoding one input: depth, elements and heap.
///
/// The peer chooses the bytes and must not choose the cost. The defaults accept every legitimate
/// message of Telegram's API and reject bombs: a nested `jsonArray` of a megabyte, a vector that
/// claims 2^31 items, a list of four-byte constructors whose Rust values are a hundred times larger.
///
/// ```
/// use mtp_tl::{Budget, Decoder};
///
/// let decoder = Decoder::with_budget(&[], Budget::DEFAULT.with_depth_max(8));
/// assert_eq!(decoder.budget().depth_max, 8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// Maximum nesting of constructors.
    ///
    /// It bounds the stack used to decode the value, and later to drop, compare and print it.
    pub depth_max: u32,
    /// Maximum number of vector items in the whole input.
    pub elements_max: usize,
    /// Maximum heap allocated while decoding, in bytes. Borrowed strings allocate nothing.
    ///
    /// While a vector is reallocated, its old allocation exists in addition, so the peak can be
    /// half as much again.
    pub bytes_max: usize,
}

impl Budget {
    /// The default limits: 128 levels, 4 Mi items, 64 MiB.
    ///
    /// The depth is that of the reference implementation; legitimate nesting (rich text, page
    /// blocks, media of replies) stays far below it. Items and heap fit the largest input that gzip
    /// may unpack to, 16 MiB, if it consists of `int`s or of structures that are four times larger
    /// in memory than on the wire.
    // spec: tl 7
    pub const DEFAULT: Self = Self { depth_max: 128, elements_max: 1 << 22, bytes_max: 64 << 20 };

    /// Returns the budget with another [`depth_max`](Self::depth_max).
    #[must_use]
    pub const fn with_depth_max(mut self, depth_max: u32) -> Self {
        self.depth_max = depth_max;
        self
    }

    /// Returns the budget with another [`elements_max`](Self::elements_max).
    #[must_use]
    pub const fn with_elements_max(mut self, elements_max: usize) -> Self {
        self.elements_max = elements_max;
        self
    }

    /// Returns the budget with another [`bytes_max`](Self::bytes_max).
    #[must_use]
    pub const fn with_bytes_max(mut self, bytes_max: usize) -> Self {
        self.bytes_max = bytes_max;
        self
    }

    /// Returns [`Budget::DEFAULT`] with its heap limited in proportion to an input of `len` bytes.
    ///
    /// The limit is 32 bytes for each byte of input, plus 256 KiB: a hundred empty messages, which
    /// need 38 bytes for each byte, are accepted, and a megabyte of them is rejected.
    /// [`Decoder::new`](crate::Decoder::new) uses this budget.
    #[must_use]
    pub const fn for_len(len: usize) -> Self {
        let in_proportion = len.saturating_mul(BYTES_FACTOR).saturating_add(BYTES_BASE);
        let mut budget = Self::DEFAULT;
        if in_proportion < budget.bytes_max {
            budget.bytes_max = in_proportion;
        }
        budget
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Heap allowed for each byte of input.
const BYTES_FACTOR: usize = 32;
/// Heap allowed for any input, in bytes.
const BYTES_BASE: usize = 256 << 10;
