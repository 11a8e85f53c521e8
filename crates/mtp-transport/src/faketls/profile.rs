//! Profiles: templates of client hellos in a small text format.
//!
//! ```text
//! # a comment
//! ciphers ITEMS              the cipher suites; required exactly once, first
//! extension TYPE ITEMS       one extension; TYPE is two hex bytes or a GREASE value
//! shuffle                    the extensions up to `end` are sent in random order
//! end
//! pad-to N                   adds a padding extension if the record is shorter than N - 4 bytes
//!
//! ITEMS, separated by spaces:
//!   1302        hex bytes                     random:32   that many random bytes
//!   "h2"        text without spaces           domain      the secret's domain
//!   grease0..6  one GREASE byte, twice        x25519      a public key, 32 bytes
//!   [ ITEMS ]   behind a length of 2 bytes    mlkem768    an encapsulation key, 1184 bytes
//!   < ITEMS >   behind a length of 1 byte     ( A | B )   one of several, drawn per connection
//! ```
//!
//! The lengths of lists, extensions and the hello are computed. Version, random, session id and
//! compression have the same form in all hellos and are not part of a profile.

use alloc::vec::Vec;
use core::fmt;
use core::str::{FromStr, SplitAsciiWhitespace};

use super::wire::ML_KEM_768_KEY_LEN;
use super::x25519::X25519_LEN;
use crate::secret::DOMAIN_LEN_MAX;

/// The longest hello that clients send, in bytes with its record header.
// spec: transport 8.1
pub const HELLO_LEN_MAX: usize = 4096;

/// Template for the hellos of one kind of client.
#[derive(Clone, Debug)]
pub struct Profile {
    pub(super) ciphers: Vec<Item>,
    pub(super) blocks: Vec<Block>,
    pub(super) pad_to: Option<usize>,
}

/// A group of adjacent extensions.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) shuffled: bool,
    pub(super) extensions: Vec<Vec<Item>>,
}

/// One part of a hello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Bytes(Vec<u8>),
    Grease(usize),
    Random(usize),
    Domain,
    X25519,
    MlKem768,
    /// Items prefixed by their length in one byte.
    Short(Vec<Item>),
    /// Items prefixed by their length in two bytes.
    Long(Vec<Item>),
    OneOf(Vec<Vec<Item>>),
}

impl Profile {
    /// Returns the current profile of official clients on Android, Windows and Linux.
    // spec: transport 8.2
    #[must_use]
    pub fn chrome() -> Self {
        Self::built_in(include_str!("profiles/chrome.txt"))
    }

    /// Returns the current profile of official clients on Apple's platforms.
    #[must_use]
    pub fn safari() -> Self {
        Self::built_in(include_str!("profiles/safari.txt"))
    }

    /// Returns the 517-byte profile for old proxies.
    #[must_use]
    pub fn legacy() -> Self {
        Self::built_in(include_str!("profiles/legacy.txt"))
    }

    #[expect(clippy::expect_used, reason = "a test parses every built-in profile")]
    fn built_in(text: &str) -> Self {
        text.parse().expect("built-in profiles are well-formed")
    }

    /// Returns the length of the longest record that the profile can produce.
    fn len_max(&self) -> usize {
        let extensions = self.blocks.iter().flat_map(|block| &block.extensions);
        let extensions = extensions.map(|items| items_len_max(items));
        let len = extensions.fold(items_len_max(&self.ciphers), usize::saturating_add);
        // Record and handshake headers, version, random, session id, length of the ciphers,
        // compression, length of the extensions.
        let fixed = 5 + 4 + 2 + 32 + 33 + 2 + 2 + 2;
        len.saturating_add(fixed).max(self.pad_to.unwrap_or(0))
    }
}

impl FromStr for Profile {
    type Err = ProfileError;

    fn from_str(text: &str) -> Result<Self, ProfileError> {
        let mut profile = Self { ciphers: Vec::new(), blocks: Vec::new(), pad_to: None };
        let mut shuffling = false;
        for (index, line) in text.lines().enumerate() {
            let line_number = index.saturating_add(1);
            let mut words = line.split_ascii_whitespace();
            let Some(keyword) = words.next() else { continue };
            let known = match keyword {
                comment if comment.starts_with('#') => continue,
                "ciphers" if profile.ciphers.is_empty() => {
                    profile.ciphers =
                        items(&mut words, None, 0).ok_or(ProfileError::Items { line_number })?;
                    !profile.ciphers.is_empty()
                }
                "extension" => {
                    let extension =
                        extension(&mut words).ok_or(ProfileError::Items { line_number })?;
                    profile.push(extension, shuffling);
                    true
                }
                "shuffle" if !shuffling => {
                    shuffling = true;
                    profile.blocks.push(Block { shuffled: true, extensions: Vec::new() });
                    true
                }
                "end" if shuffling => {
                    shuffling = false;
                    profile.blocks.push(Block { shuffled: false, extensions: Vec::new() });
                    true
                }
                "pad-to" if profile.pad_to.is_none() => {
                    profile.pad_to = words.next().and_then(|number| number.parse().ok());
                    profile.pad_to.is_some()
                }
                _ => false,
            };
            if !known || words.next().is_some() {
                return Err(ProfileError::Line { line_number });
            }
        }
        if profile.ciphers.is_empty() || shuffling {
            return Err(ProfileError::Incomplete);
        }
        match profile.len_max() {
            ..=HELLO_LEN_MAX => Ok(profile),
            len => Err(ProfileError::TooLong { len }),
        }
    }
}

impl Profile {
    fn push(&mut self, extension: Vec<Item>, shuffled: bool) {
        match self.blocks.last_mut() {
            Some(block) if block.shuffled == shuffled => block.extensions.push(extension),
            _ => self.blocks.push(Block { shuffled, extensions: Vec::from([extension]) }),
        }
    }
}

/// Errors in the text of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileError {
    /// A line with an unknown or misplaced keyword, or with trailing words.
    Line {
        /// The line number, starting at 1.
        line_number: usize,
    },
    /// An item that is unknown, out of range or not closed.
    Items {
        /// The line number, starting at 1.
        line_number: usize,
    },
    /// No cipher suites, or `shuffle` without `end`.
    Incomplete,
    /// Hellos could exceed the length that proxies accept.
    TooLong {
        /// The longest record possible, in bytes.
        len: usize,
    },
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { line_number } => write!(f, "malformed line {line_number}"),
            Self::Items { line_number } => write!(f, "malformed items on line {line_number}"),
            Self::Incomplete => f.write_str("no cipher suites, or `shuffle` without `end`"),
            Self::TooLong { len } => {
                write!(f, "hello of up to {len} bytes, expected at most {HELLO_LEN_MAX}")
            }
        }
    }
}

impl core::error::Error for ProfileError {}

/// Parses an extension into two items: its type, and its content with a length.
fn extension(words: &mut SplitAsciiWhitespace<'_>) -> Option<Vec<Item>> {
    let kind = item(words.next()?, words, 0)?;
    let two_bytes = match &kind {
        Item::Bytes(bytes) => bytes.len() == 2,
        Item::Grease(_) => true,
        _ => false,
    };
    let content = Item::Long(items(words, None, 0)?);
    two_bytes.then(|| Vec::from([kind, content]))
}

/// Parses items up to a closing word or the end of the line.
fn items(
    words: &mut SplitAsciiWhitespace<'_>,
    close: Option<&str>,
    depth: usize,
) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    loop {
        match words.next() {
            word if word == close => return Some(items),
            word => items.push(item(word?, words, depth)?),
        }
    }
}

fn item(word: &str, words: &mut SplitAsciiWhitespace<'_>, depth: usize) -> Option<Item> {
    let inside = depth.checked_add(1).filter(|depth| *depth <= DEPTH_MAX);
    match word {
        "[" => Some(Item::Long(items(words, Some("]"), inside?)?)),
        "<" => Some(Item::Short(items(words, Some(">"), inside?)?)),
        "(" => one_of(words, inside?),
        "domain" => Some(Item::Domain),
        "x25519" => Some(Item::X25519),
        "mlkem768" => Some(Item::MlKem768),
        _ => {
            if let Some(number) = word.strip_prefix("grease") {
                return number.parse().ok().filter(|number| *number < GREASES).map(Item::Grease);
            }
            if let Some(number) = word.strip_prefix("random:") {
                return number.parse().ok().filter(|n| *n <= HELLO_LEN_MAX).map(Item::Random);
            }
            if let Some(text) = word.strip_prefix('"') {
                return Some(Item::Bytes(text.strip_suffix('"')?.as_bytes().to_vec()));
            }
            crate::secret::unhex(word).map(Item::Bytes)
        }
    }
}

fn one_of(words: &mut SplitAsciiWhitespace<'_>, depth: usize) -> Option<Item> {
    let mut choices = Vec::from([Vec::new()]);
    loop {
        match words.next()? {
            ")" => return Some(Item::OneOf(choices)),
            "|" => choices.push(Vec::new()),
            word => choices.last_mut()?.push(item(word, words, depth)?),
        }
    }
}

fn items_len_max(items: &[Item]) -> usize {
    let lens = items.iter().map(|item| match item {
        Item::Bytes(bytes) => bytes.len(),
        Item::Grease(_) => 2,
        Item::Random(len) => *len,
        Item::Domain => DOMAIN_LEN_MAX,
        Item::X25519 => X25519_LEN,
        Item::MlKem768 => ML_KEM_768_KEY_LEN,
        Item::Short(items) => items_len_max(items).saturating_add(1),
        Item::Long(items) => items_len_max(items).saturating_add(2),
        Item::OneOf(choices) => choices.iter().map(|items| items_len_max(items)).max().unwrap_or(0),
    });
    lens.fold(0, usize::saturating_add)
}

/// GREASE values drawn for each hello.
pub(super) const GREASES: usize = 7;

/// Maximum nesting depth of brackets. Known hellos need three.
const DEPTH_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[track_caller]
    fn refused(text: &str, error: ProfileError) {
        assert_eq!(text.parse::<Profile>().unwrap_err(), error);
    }

    #[test]
    fn built_in_profiles_are_well_formed() {
        for profile in [Profile::chrome(), Profile::safari(), Profile::legacy()] {
            assert!(profile.len_max() > 517 - 1);
            assert!(profile.blocks.iter().flat_map(|block| &block.extensions).count() > 10);
        }
        assert_eq!(Profile::legacy().blocks.len(), 1);
    }

    #[test]
    fn malformed_profile_is_rejected_with_its_line() {
        refused("", ProfileError::Incomplete);
        refused("ciphers 1301\nshuffle", ProfileError::Incomplete);
        refused("# only\n\nciphers", ProfileError::Line { line_number: 3 });
        refused("ciphers 1301\nciphers 1302", ProfileError::Line { line_number: 2 });
        refused("ciphers 1301\nend", ProfileError::Line { line_number: 2 });
        refused("ciphers 1301\nshuffle\nshuffle", ProfileError::Line { line_number: 3 });
        refused("ciphers 1301\npad-to x", ProfileError::Line { line_number: 2 });
        refused("ciphers 1301\npad-to 5 6", ProfileError::Line { line_number: 2 });
        refused("cipher 1301", ProfileError::Line { line_number: 1 });
        for bad in ["130", "xy", "grease7", "random:4097", "random:", "[ 00", "00 ]", "< 00 ]"] {
            refused(&format!("ciphers {bad}"), ProfileError::Items { line_number: 1 });
        }
        for bad in ["( 00", "00 | 01", "\"h2", "[", "( | ] )"] {
            refused(&format!("ciphers {bad}"), ProfileError::Items { line_number: 1 });
        }
        for bad in ["", "00", "domain", "0000 [", "random:2"] {
            let text = format!("ciphers 1301\nextension {bad}");
            refused(&text, ProfileError::Items { line_number: 2 });
        }
    }

    #[test]
    fn depth_and_length_are_accepted_at_the_limit_and_rejected_above() {
        let nested =
            |depth: usize| format!("ciphers {}00 {}", "[ ".repeat(depth), "] ".repeat(depth));
        assert!(nested(DEPTH_MAX).parse::<Profile>().is_ok());
        refused(&nested(DEPTH_MAX + 1), ProfileError::Items { line_number: 1 });
        let long = |len: usize| format!("ciphers random:{len}");
        assert!(long(HELLO_LEN_MAX - 82).parse::<Profile>().is_ok());
        refused(&long(HELLO_LEN_MAX - 81), ProfileError::TooLong { len: HELLO_LEN_MAX + 1 });
    }
}
