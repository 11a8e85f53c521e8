//! The head of a request or response: its end, and the headers about the body.

use httparse::Header;

use super::{HEAD_LEN_MAX, HttpError};

/// Incremental search for the end of a head. Scans each byte once.
#[derive(Debug, Default)]
pub(crate) struct HeadScanner {
    seen: usize,
}

impl HeadScanner {
    /// Returns the length of the head with its final empty line.
    ///
    /// `bytes` starts with the head and is never shorter than in the previous call.
    pub(crate) fn end(&mut self, bytes: &[u8]) -> Result<Option<usize>, HttpError> {
        let window = bytes.get(..HEAD_LEN_MAX).unwrap_or(bytes);
        // The empty line, with either line break, may have begun up to three bytes earlier.
        let from = self.seen.saturating_sub(3);
        for (at, byte) in window.iter().enumerate().skip(from) {
            let rest = window.get(at..).unwrap_or_default();
            if *byte == b'\n' && (rest.starts_with(b"\n\n") || rest.starts_with(b"\n\r\n")) {
                let len = if rest.starts_with(b"\n\n") { 2 } else { 3 };
                self.seen = 0;
                return Ok(Some(at.saturating_add(len)));
            }
        }
        self.seen = window.len();
        if window.len() == HEAD_LEN_MAX { Err(HttpError::HeadTooLong) } else { Ok(None) }
    }
}

/// Headers about the body and the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// The length of the body, if declared.
    pub(super) length: Option<u64>,
    /// The connection closes after this exchange.
    pub(super) close: bool,
}

impl Facts {
    /// Parses the header lines; `minor` is the minor HTTP version.
    ///
    /// Different lengths, or a length together with a transfer encoding, are rejected: they are used
    /// for request smuggling.
    pub(super) fn read(headers: &[Header<'_>], minor: Option<u8>) -> Result<Self, HttpError> {
        let mut facts = Self { length: None, close: minor == Some(0) };
        for length in named(headers, "content-length") {
            let length = decimal(length).ok_or(HttpError::Malformed)?;
            if facts.length.is_some_and(|before| before != length) {
                return Err(HttpError::Malformed);
            }
            facts.length = Some(length);
        }
        if lists(headers, "connection", "close") {
            facts.close = true;
        } else if lists(headers, "connection", "keep-alive") {
            facts.close = false;
        }
        let encoded = named(headers, "transfer-encoding").next().is_some();
        match (encoded, facts.length) {
            (true, Some(_)) => Err(HttpError::Malformed),
            (true, None) => Err(HttpError::LengthRequired),
            (false, _) => Ok(facts),
        }
    }
}

/// Checks that the parser accepted the whole head.
pub(crate) fn complete(result: httparse::Result<usize>) -> Result<(), HttpError> {
    match result {
        Ok(httparse::Status::Complete(_)) => Ok(()),
        Err(httparse::Error::TooManyHeaders) => Err(HttpError::HeadTooLong),
        Ok(httparse::Status::Partial) | Err(_) => Err(HttpError::Malformed),
    }
}

/// Returns the value of a header that occurs exactly once.
pub(crate) fn value<'h>(headers: &'h [Header<'_>], name: &str) -> Option<&'h [u8]> {
    let mut found = named(headers, name);
    found.next().filter(|_| found.next().is_none())
}

/// Returns `true` if a word occurs in the comma-separated lists of a header, ignoring case.
pub(crate) fn lists(headers: &[Header<'_>], name: &str, word: &str) -> bool {
    named(headers, name).any(|value| has_word(value, word))
}

fn named<'h>(headers: &'h [Header<'_>], name: &str) -> impl Iterator<Item = &'h [u8]> {
    let lines = headers.iter().filter(move |line| line.name.eq_ignore_ascii_case(name));
    lines.map(|line| line.value.trim_ascii())
}

fn has_word(list: &[u8], word: &str) -> bool {
    let mut words = list.split(|byte| *byte == b',');
    words.any(|found| found.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

/// Parses a number that consists of digits only.
fn decimal(value: &[u8]) -> Option<u64> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    digits.then(|| core::str::from_utf8(value).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn end_of_head_is_found_for_every_split() {
        for head in ["GET / HTTP/1.1\r\nA: b\r\n\r\n", "GET / HTTP/1.1\nA: b\n\n"] {
            let mut scanner = HeadScanner::default();
            for cut in 0..head.len() {
                assert_eq!(scanner.end(&head.as_bytes()[..cut]), Ok(None));
            }
            assert_eq!(scanner.end(head.as_bytes()), Ok(Some(head.len())));
        }
    }

    // spec: transport 15
    #[test]
    fn head_is_accepted_at_the_limit_and_rejected_above() {
        let mut head = vec![b'x'; HEAD_LEN_MAX];
        head[HEAD_LEN_MAX - 3..].copy_from_slice(b"\n\r\n");
        assert_eq!(HeadScanner::default().end(&head), Ok(Some(HEAD_LEN_MAX)));
        head.insert(0, b'x');
        assert_eq!(HeadScanner::default().end(&head), Err(HttpError::HeadTooLong));
        assert_eq!(HeadScanner::default().end(&head[..HEAD_LEN_MAX - 1]), Ok(None));
    }

    fn facts(lines: &[(&str, &str)], minor: u8) -> Result<(Option<u64>, bool), HttpError> {
        let headers: vec::Vec<_> =
            lines.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect();
        Facts::read(&headers, Some(minor)).map(|facts| (facts.length, facts.close))
    }

    #[test]
    fn ambiguous_content_length_is_rejected() {
        assert_eq!(facts(&[("CONTENT-length", " 40 ")], 1), Ok((Some(40), false)));
        assert_eq!(
            facts(&[("Content-Length", "40"), ("Content-Length", "40")], 1),
            Ok((Some(40), false))
        );
        let differ = [("Content-Length", "40"), ("Content-Length", "41")];
        assert_eq!(facts(&differ, 1), Err(HttpError::Malformed));
        for bad in ["", "-1", "+4", "4,4", "0x4", "18446744073709551616"] {
            assert_eq!(facts(&[("Content-Length", bad)], 1), Err(HttpError::Malformed), "{bad}");
        }
        let both = [("Transfer-Encoding", "chunked"), ("Content-Length", "4")];
        assert_eq!(facts(&both, 1), Err(HttpError::Malformed));
        assert_eq!(facts(&both[..1], 1), Err(HttpError::LengthRequired));
    }

    #[test]
    fn connection_persistence_follows_version_and_header() {
        assert_eq!(facts(&[], 1), Ok((None, false)));
        assert_eq!(facts(&[], 0), Ok((None, true)));
        assert_eq!(facts(&[("Connection", "Keep-Alive")], 0), Ok((None, false)));
        assert_eq!(facts(&[("Connection", "x, Close")], 1), Ok((None, true)));
    }
}
