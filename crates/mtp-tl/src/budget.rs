//! Limits on what decoding one input may cost.

/// How deep, how many and how much: the cost that decoding one input may reach.
///
/// The peer chooses the bytes, so it would choose the cost too. The defaults let every legitimate
/// message of Telegram's API pass and stop the bombs: a nested `jsonArray` of a megabyte, a vector
/// that claims 2^31 items, a list of four-byte constructors whose Rust values are a hundred times larger.
///
/// ```
/// use mtp_tl::{Budget, Decoder};
///
/// let tight = Budget { depth_max: 8, ..Budget::DEFAULT };
/// let decoder = Decoder::with_budget(&[], tight);
/// assert_eq!(decoder.budget().depth_max, 8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How many constructors may be open inside each other.
    ///
    /// It bounds the stack of decoding, and of dropping, comparing and printing the value later.
    pub depth_max: u32,
    /// How many vector items one input may hold in all.
    pub elements_max: usize,
    /// How many bytes of heap decoding may take in all. Borrowed strings take none.
    ///
    /// While a vector moves to a larger place, its old one counts half as much again for a moment.
    pub bytes_max: usize,
}

impl Budget {
    /// The most that any input may cost: 128 levels, 4 Mi items, 64 MiB.
    ///
    /// The depth is the reference's; legitimate nesting comes from rich text, page blocks and
    /// replies' media and stays far below. The others are what the largest input that gzip may
    /// unpack to, 16 MiB, needs when it is made of `int`s, or of structures four times as large
    /// in memory as on the wire.
    // spec: tl 7
    pub const DEFAULT: Self = Self { depth_max: 128, elements_max: 1 << 22, bytes_max: 64 << 20 };

    /// Returns [`Budget::DEFAULT`] with the heap also in proportion to an input of `len` bytes.
    ///
    /// 32 bytes for each of the input's and 256 KiB besides: a hundred empty messages take 38 bytes for each of
    /// theirs and pass, a megabyte of them does not. [`Decoder::new`](crate::Decoder::new) uses it.
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

/// The heap that decoding may take for each byte of an input.
const BYTES_FACTOR: usize = 32;
/// The heap that decoding the shortest input may take, in bytes.
const BYTES_BASE: usize = 256 << 10;
