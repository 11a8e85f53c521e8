//! Whole stacks of each side with any bytes, also within the obfuscation. The fuzzer has the secret.

use core::time::Duration;

use mtp_crypto::DcId;
use mtp_crypto::hash::hmac_sha256;
use mtp_env::Now;
use mtp_transport::framing::{FrameFlags, Tag};
use mtp_transport::link::{ClientLink, LinkError, ServerLink};
use mtp_transport::obfuscation::{Filter, start};

use super::{STACKS, Seen, client, key, server};
use crate::input::{Cuts, Input};
use crate::known;

/// Feeds a server with bytes: unmodified, after an obfuscated header, or with a signed hello.
///
/// Input: the prefix, cuts, then the stream.
pub fn server_link(data: &[u8]) {
    let mut input = Input::new(data);
    let mode = input.byte();
    let cuts = input.cuts();
    let rest = input.rest();
    let stream = match mode & 3 {
        0 => rest.to_vec(),
        1 => obfuscated(Tag::ALL[usize::from(mode >> 2) % 3], mode & 0x80 != 0, rest),
        2 => signed(rest),
        // The opening of a client, then the fuzzer's bytes.
        _ => [opening(&mut client(mode >> 2)), rest.to_vec()].concat(),
    };
    let asks_secret = mode & 0x80 != 0;
    let whole = feed(server(asks_secret), &stream, Cuts::WHOLE);
    assert_eq!(whole, feed(server(asks_secret), &stream, cuts), "the result depends on the cuts");
}

/// Feeds a client of each stack after its opening.
///
/// Input: the stack and whether to sign a FakeTLS answer, cuts, then the stream.
pub fn client_link(data: &[u8]) {
    let mut input = Input::new(data);
    let mode = input.byte();
    let cuts = input.cuts();
    let mut stream = input.rest().to_vec();
    let run = |stream: &[u8], cuts| {
        let mut link = client(mode);
        opening(&mut link);
        feed(link, stream, cuts)
    };
    if mode % STACKS == STACKS - 1 && mode & 0x80 != 0 {
        sign_answer(&opening(&mut client(mode)), &mut stream);
    }
    assert_eq!(run(&stream, Cuts::WHOLE), run(&stream, cuts), "the result depends on the cuts");
}

/// Obfuscates a stream like a client.
fn obfuscated(tag: Tag, has_secret: bool, inner: &[u8]) -> Vec<u8> {
    let secret = has_secret.then(key);
    let entropy = &mut known::entropy(11);
    let (header, mut streams) = start(tag, DcId::new(2), secret.as_ref(), Filter::Redraw, entropy);
    let mut stream = inner.to_vec();
    streams.outgoing.apply(&mut stream);
    [&header[..], &stream].concat()
}

/// Sets the digest of a hello like a client.
pub(super) fn signed(hello: &[u8]) -> Vec<u8> {
    let mut hello = hello.to_vec();
    let end = hello
        .first_chunk()
        .map_or(0, |[_, _, _, high, low]| 5 + usize::from(u16::from_be_bytes([*high, *low])));
    if let Some(record) = hello.get_mut(..end)
        && record.len() >= RANDOM_AT + 32
    {
        record[RANDOM_AT..RANDOM_AT + 32].fill(0);
        let mut digest = hmac_sha256(key().as_bytes(), &[record]);
        let time = u32::try_from(known::start().unix.as_secs()).unwrap_or(0).to_le_bytes();
        for (byte, mask) in digest[28..].iter_mut().zip(time) {
            *byte ^= mask;
        }
        record[RANDOM_AT..RANDOM_AT + 32].copy_from_slice(&digest);
    }
    hello
}

/// Sets the digest of an answer like a server.
///
/// It covers all bytes up to the end of the first record of application data.
fn sign_answer(hello: &[u8], answer: &mut [u8]) {
    let mut end = 0;
    while let Some([kind, _, _, high, low]) = answer.get(end..).and_then(|rest| rest.first_chunk())
    {
        let is_last = *kind == 0x17;
        end += 5 + usize::from(u16::from_be_bytes([*high, *low]));
        if is_last {
            break;
        }
    }
    let Some(answer) = answer.get_mut(..end).filter(|answer| answer.len() >= RANDOM_AT + 32) else {
        return;
    };
    answer[RANDOM_AT..RANDOM_AT + 32].fill(0);
    let digest = hmac_sha256(key().as_bytes(), &[&hello[RANDOM_AT..RANDOM_AT + 32], answer]);
    answer[RANDOM_AT..RANDOM_AT + 32].copy_from_slice(&digest);
}

/// Offset of the random in both hellos, after the record header, the handshake header and the version.
const RANDOM_AT: usize = 11;

/// Returns the first output of a client: its handshake, and a packet if it can send one.
pub(super) fn opening(link: &mut ClientLink) -> Vec<u8> {
    let mut out = Vec::new();
    let _ = link.poll_transmit(known::start(), &mut out);
    if link.can_send() {
        let mark = link.begin(&mut out);
        out.extend_from_slice(&[5; 40]);
        let sent = link.finish(known::start(), &mut out, mark, FrameFlags::default());
        assert_eq!(sent, Ok(()));
    }
    out
}

/// Operations that client and server links share.
trait Link {
    fn receive(&mut self, bytes: &[u8]);
    fn next(&mut self, now: Now) -> Result<Option<Seen>, LinkError>;
    fn finish(&mut self, now: Now) -> (usize, Option<LinkError>);
}

macro_rules! link {
    ($link:ty) => {
        impl Link for $link {
            fn receive(&mut self, bytes: &[u8]) {
                self.handle_bytes(bytes);
            }

            fn next(&mut self, now: Now) -> Result<Option<Seen>, LinkError> {
                self.next_frame(now).map(|frame| frame.map(Seen::note))
            }

            /// Drains the output of the link, ends its input and advances the time by an hour.
            fn finish(&mut self, now: Now) -> (usize, Option<LinkError>) {
                let mut out = Vec::new();
                let _ = self.poll_transmit(now, &mut out);
                assert!(!self.poll_transmit(now, &mut out), "a second call returns nothing");
                let error = self.handle_eof().err();
                let later = now.after(Duration::from_secs(3600));
                self.handle_timeout(later);
                assert!(self.poll_timeout().is_none_or(|next| next.at > later.mono));
                (out.len(), error)
            }
        }
    };
}

link!(ClientLink);
link!(ServerLink);

/// Feeds a link in pieces. Returns the frames, the length of its output and its error.
fn feed(
    mut link: impl Link,
    stream: &[u8],
    cuts: Cuts<'_>,
) -> (Vec<Seen>, usize, Option<LinkError>) {
    let now = known::start();
    let mut seen = Vec::new();
    for piece in cuts.of(stream) {
        link.receive(piece);
        loop {
            match link.next(now) {
                Ok(Some(frame)) => seen.push(frame),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(link.next(now), Err(error.clone()), "a failure is final");
                    assert!(!error.to_string().is_empty());
                    return (seen, link.finish(now).0, Some(error));
                }
            }
        }
    }
    let (answered, error) = link.finish(now);
    assert!(answered < 2 * stream.len() + 8000, "the output is bounded by the input");
    (seen, answered, error)
}
