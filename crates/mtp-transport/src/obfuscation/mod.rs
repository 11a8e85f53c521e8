//! Obfuscation: 64 random-looking bytes that carry keys, then two AES-256-CTR streams.
//!
//! ```text
//!  client header   0 ── 8 ─────────── 40 ────── 56 ─── 60 ─── 62 ─── 64
//!                  random   c2s key     c2s iv    tag    dc    random
//!                  sent in clear ──────────────▶ │ sent encrypted ──▶
//!
//!  server's stream: key and iv are bytes 8..56 reversed
//!  with a secret:   each key becomes SHA-256(key | secret)
//! ```
//!
//! It hides what is spoken, from filters and not from anyone who cares: without a secret the keys
//! are in the header for all to read.

mod dc_id;
mod header;

use mtp_crypto::ctr::CtrCipher;
use mtp_crypto::hash::sha256;
use mtp_env::Entropy;
use zeroize::Zeroizing;

pub use dc_id::DcId;
pub use header::Filter;
pub(crate) use header::draw;

use crate::framing::Tag;
use crate::secret::SecretKey;

/// The length of the header, in bytes.
pub const HEADER_LEN: usize = 64;

/// The two ciphers of one connection, seen from one of its ends.
///
/// They run for as long as the connection, never reset at frame borders.
#[derive(Debug)]
pub struct Streams {
    /// Encrypts what this end sends.
    pub outgoing: CtrCipher,
    /// Decrypts what this end receives.
    pub incoming: CtrCipher,
}

/// Makes a client's header and the ciphers behind it.
///
/// The header is sent as it is, and in one write with the first frame.
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

/// Makes a proxy's header to a data centre that then encrypts its stream with the very keys that
/// the proxy's own client expects, so that the proxy need not touch it.
///
/// `client` is the header that the client sent and `secret` the proxy's.
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
    // The filter looks at the first bytes only, which stay random.
    let mut header = draw(Filter::Redraw, entropy);
    header::write_key_material(&mut header, &material);
    header::write_tail(&mut header, tag, dc);
    seal(header, None)
}

/// Encrypts the end of a header made by hand, bytes 56..64, and returns the client's ciphers.
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

/// What a client's header says, and the server's ciphers.
#[derive(Debug)]
pub struct Accepted {
    /// The framing inside.
    pub tag: Tag,
    /// The data centre that the client wants; only a proxy needs it.
    pub dc: DcId,
    /// The number of the secret that fitted; `None` if there are none.
    pub secret: Option<usize>,
    /// The ciphers, the incoming one already behind the header.
    pub streams: Streams,
}

/// Reads a client's header with each of the secrets in turn, or with none if there are none.
///
/// `None` means that no secret fits. A proxy must not answer then.
// spec: transport 5.4
// spec: transport 5.5
#[must_use]
pub fn accept<'s>(
    header: &[u8; HEADER_LEN],
    secrets: impl IntoIterator<Item = &'s SecretKey>,
) -> Option<Accepted> {
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
) -> Option<Accepted> {
    let [mut incoming, outgoing] = ciphers(header, secret);
    let mut clear = *header;
    incoming.apply(&mut clear);
    let (tag, dc) = header::read_tail(&clear)?;
    Some(Accepted { tag, dc, secret: index, streams: Streams { outgoing, incoming } })
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

/// The part of the header that is sent encrypted.
const ENCRYPTED_LEN: usize = 8;
const KEY_LEN: usize = 32;
const IV_LEN: usize = 16;
