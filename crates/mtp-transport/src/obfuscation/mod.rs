//! Obfuscation: a 64-byte header with keys, followed by two AES-256-CTR streams.
//!
//! ```text
//!  client header   0 ── 8 ─────────── 40 ────── 56 ─── 60 ─── 62 ─── 64
//!                  random   c2s key     c2s iv    tag    dc    random
//!                  sent unencrypted ──────────▶ │ sent encrypted ──▶
//!
//!  server's stream: key and iv are bytes 8..56 reversed
//!  with a secret:   each key becomes SHA-256(key | secret)
//! ```
//!
//! Obfuscation defeats simple protocol filters. It is not encryption: without a secret, every observer
//! can read the keys in the header.

mod header;

use mtp_crypto::DcId;
use mtp_crypto::ctr::CtrCipher;
use mtp_crypto::hash::sha256;
use mtp_env::Entropy;
use zeroize::Zeroizing;

pub use header::Filter;
pub(crate) use header::draw;

use crate::framing::Tag;
use crate::secret::SecretKey;

/// Length of the header, in bytes.
pub const HEADER_LEN: usize = 64;

/// The two ciphers of one end of a connection.
///
/// They run for the whole connection and are not reset between frames.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "there are two directions")]
pub struct Streams {
    /// Cipher for the bytes this end sends.
    pub outgoing: CtrCipher,
    /// Cipher for the bytes this end receives.
    pub incoming: CtrCipher,
}

/// Returns a client's header and its ciphers.
///
/// Send the header in one write with the first frame. An id that does not fit the header's 16 bits is
/// sent as [`DcId::UNSPECIFIED`].
// spec: transport 5.1
// spec: transport 5.3
#[must_use]
pub fn start(
    tag: Tag,
    dc: DcId,
    secret: Option<&SecretKey>,
    filter: Filter,
    entropy: &mut dyn Entropy,
) -> ([u8; HEADER_LEN], Streams) {
    let mut header = draw(filter, entropy);
    header::write_tail(&mut header, tag, dc);
    seal(header, secret)
}

/// Returns the header of a proxy to a data center whose downlink keys are those that the proxy's
/// client expects, so that the proxy forwards the downlink without re-encryption.
///
/// `client` is the client's header, `secret` the proxy's secret.
// spec: transport 7.2
pub(crate) fn start_mirrored(
    tag: Tag,
    dc: DcId,
    client: &[u8; HEADER_LEN],
    secret: &SecretKey,
    entropy: &mut dyn Entropy,
) -> ([u8; HEADER_LEN], Streams) {
    let mut material = Zeroizing::new(header::key_material(client));
    material.reverse();
    if let Some(key) = material.first_chunk_mut::<KEY_LEN>() {
        *key = sha256(&[&*key, secret.as_bytes()]);
    }
    material.reverse();
    // The filter checks only the first bytes, which stay random.
    let mut header = draw(Filter::Redraw, entropy);
    header::write_key_material(&mut header, &material);
    header::write_tail(&mut header, tag, dc);
    seal(header, None)
}

/// Encrypts bytes 56..64 of a header. Returns the header and the client's ciphers.
// spec: transport 5.3
pub(crate) fn seal(
    mut header: [u8; HEADER_LEN],
    secret: Option<&SecretKey>,
) -> ([u8; HEADER_LEN], Streams) {
    let [mut outgoing, incoming] = ciphers(&header, secret);
    let mut encrypted = header;
    outgoing.apply(&mut encrypted);
    if let (Some(clear), Some(hidden)) =
        (header.last_chunk_mut::<ENCRYPTED_LEN>(), encrypted.last_chunk())
    {
        *clear = *hidden;
    }
    (header, Streams { outgoing, incoming })
}

/// Contents of a client's header, with the server's ciphers.
#[derive(Debug)]
#[non_exhaustive]
pub struct AcceptedHeader {
    /// The framing inside.
    pub tag: Tag,
    /// The requested data center; only proxies need it.
    pub dc: DcId,
    /// Index of the secret that matched; `None` if there are no secrets.
    pub secret: Option<usize>,
    /// The ciphers. The incoming one has processed the header.
    pub streams: Streams,
}

/// Reads a client's header with each of the secrets in turn, or without a secret if there are none.
///
/// Returns `None` if no secret matches. A proxy must not answer such a client.
// spec: transport 5.4
// spec: transport 5.5
#[must_use]
pub fn accept<'s>(
    header: &[u8; HEADER_LEN],
    secrets: impl IntoIterator<Item = &'s SecretKey>,
) -> Option<AcceptedHeader> {
    let mut secrets = secrets.into_iter().enumerate().peekable();
    if secrets.peek().is_none() {
        return accept_with(header, None, None);
    }
    secrets.find_map(|(index, secret)| accept_with(header, Some(index), Some(secret)))
}

fn accept_with(
    header: &[u8; HEADER_LEN],
    index: Option<usize>,
    secret: Option<&SecretKey>,
) -> Option<AcceptedHeader> {
    let [mut incoming, outgoing] = ciphers(header, secret);
    let mut clear = *header;
    incoming.apply(&mut clear);
    let (tag, dc) = header::read_tail(&clear)?;
    Some(AcceptedHeader { tag, dc, secret: index, streams: Streams { outgoing, incoming } })
}

/// Returns the ciphers from client to server and from server to client.
// spec: transport 5.2
fn ciphers(header: &[u8; HEADER_LEN], secret: Option<&SecretKey>) -> [CtrCipher; 2] {
    let mut forward = Zeroizing::new(header::key_material(header));
    let client_to_server = cipher(&forward, secret);
    forward.reverse();
    [client_to_server, cipher(&forward, secret)]
}

fn cipher(material: &[u8; KEY_LEN + IV_LEN], secret: Option<&SecretKey>) -> CtrCipher {
    let (mut key, mut iv) = (Zeroizing::new([0; KEY_LEN]), [0; IV_LEN]);
    for (to, from) in key.iter_mut().chain(&mut iv).zip(material) {
        *to = *from;
    }
    if let Some(secret) = secret {
        *key = sha256(&[&*key, secret.as_bytes()]);
    }
    CtrCipher::new(&key, &iv)
}

/// Length of the encrypted part of the header.
const ENCRYPTED_LEN: usize = 8;
const KEY_LEN: usize = 32;
const IV_LEN: usize = 16;
