//! The portable implementation of MTProto 2.0: message key, key derivation and cipher.
#![cfg_attr(
    not(test),
    expect(
        clippy::arithmetic_side_effects,
        reason = "positions are constants, lengths are of slices"
    )
)]

use mtp_kernels::{Block, Digest, MessageJob, Secret, msg_key};
use zeroize::Zeroize;

use super::ige::{self, Ignore, Observer};
use crate::hash::BlockHash;
use crate::parts::{concat, part};

/// Hashes a message, derives its keys and encrypts it.
pub(super) fn seal(secret: &Secret<'_>, blocks: &mut [Block]) -> Digest {
    let digest = PlainHash::new(secret, blocks).finish();
    encrypt(secret, &msg_key(&digest), blocks, Ignore);
    digest
}

/// Derives the keys of a message and hashes it while decrypting.
pub(super) fn open(secret: &Secret<'_>, msg_key: &Block, blocks: &mut [Block]) -> Digest {
    let mut keys = derive(secret, msg_key);
    let mut hash = MsgKeyHash::new(secret);
    ige::decrypt_blocks(&keys.key, &mut keys.iv, blocks, &mut hash);
    hash.finish()
}

/// Seals messages, hashing each one while encrypting the previous one.
pub(super) fn seal_each(messages: &mut [MessageJob<'_>]) {
    let mut previous: Option<&mut MessageJob<'_>> = None;
    for message in messages {
        let mut hash = PlainHash::new(&message.secret, message.blocks);
        if let Some(previous) = previous.take() {
            encrypt(&previous.secret, &previous.msg_key, previous.blocks, &mut hash);
        }
        message.digest = hash.finish();
        message.msg_key = msg_key(&message.digest);
        previous = Some(message);
    }
    if let Some(last) = previous {
        encrypt(&last.secret, &last.msg_key, last.blocks, Ignore);
    }
}

pub(super) fn open_each(messages: &mut [MessageJob<'_>]) {
    for message in messages {
        message.digest = open(&message.secret, &message.msg_key, message.blocks);
    }
}

fn encrypt(secret: &Secret<'_>, msg_key: &Block, blocks: &mut [Block], observer: impl Observer) {
    let mut keys = derive(secret, msg_key);
    ige::encrypt_blocks(&keys.key, &mut keys.iv, blocks, observer);
}

/// The AES key and initialization vector of one message.
pub(crate) struct Keys {
    pub(crate) key: [u8; 32],
    pub(crate) iv: [u8; 32],
}

impl Drop for Keys {
    fn drop(&mut self) {
        // As slices, because `zeroize` wipes arrays byte by byte.
        self.key[..].zeroize();
        self.iv[..].zeroize();
    }
}

// spec: crypto 4.2
pub(crate) fn derive(secret: &Secret<'_>, msg_key: &Block) -> Keys {
    let mut input = [0; 16 + 36];
    let (front, back) = input.split_at_mut(16);
    front.copy_from_slice(msg_key);
    back.copy_from_slice(secret.first);
    let mut a = BlockHash::new().finish(&input);
    let (front, back) = input.split_at_mut(36);
    front.copy_from_slice(secret.second);
    back.copy_from_slice(msg_key);
    let mut b = BlockHash::new().finish(&input);
    let keys = Keys {
        key: concat([part::<8>(&a, 0), part::<16>(&b, 8), part::<8>(&a, 24)]),
        iv: concat([part::<8>(&b, 0), part::<16>(&a, 8), part::<8>(&b, 24)]),
    };
    for secret in [&mut input[..], &mut a, &mut b] {
        secret.zeroize();
    }
    keys
}

/// The hash over a part of the auth key and the whole plaintext, fed while decrypting.
///
/// The part of the key fills half a block of the hash, so the plaintext starts at byte 32.
struct MsgKeyHash {
    hash: BlockHash,
    /// A partial block: initially the part of the key, finally the end of the plaintext.
    rest: [u8; 64],
    rest_len: usize,
}

impl MsgKeyHash {
    /// Number of cipher blocks that complete the first block of the hash.
    const LEAD: usize = (64 - 32) / size_of::<Block>();

    fn new(secret: &Secret<'_>) -> Self {
        let mut rest = [0; 64];
        let (front, _) = rest.split_at_mut(secret.prefix.len());
        front.copy_from_slice(secret.prefix);
        Self { hash: BlockHash::new(), rest, rest_len: secret.prefix.len() }
    }

    /// Hashes the next blocks of the plaintext: [`LEAD`](Self::LEAD) in the first call, then whole
    /// blocks of the hash in each call but the last.
    #[inline]
    fn update(&mut self, blocks: &[Block]) {
        let (whole, rest) = blocks.as_flattened().as_chunks();
        self.hash.update(whole);
        self.keep(rest);
    }

    #[inline]
    fn keep(&mut self, bytes: &[u8]) {
        let room = self.rest.get_mut(self.rest_len..).unwrap_or_default();
        for (byte, from) in room.iter_mut().zip(bytes) {
            *byte = *from;
        }
        self.rest_len += bytes.len();
        if self.rest_len >= self.rest.len() {
            self.hash.update(&[self.rest]);
            self.rest_len = 0;
        }
    }

    fn finish(mut self) -> Digest {
        let digest = self.hash.finish(self.rest.get(..self.rest_len).unwrap_or_default());
        self.rest[..].zeroize();
        digest
    }
}

impl Observer for &mut MsgKeyHash {
    const LEAD: usize = MsgKeyHash::LEAD;

    #[expect(clippy::inline_always, reason = "runs inside the decryption's loop")]
    #[inline(always)]
    fn observe(&mut self, blocks: &[Block]) {
        self.update(blocks);
    }
}

/// The hash over a message to be sealed, advanced while another message is being encrypted.
struct PlainHash<'m> {
    hash: MsgKeyHash,
    rest: &'m [Block],
}

impl<'m> PlainHash<'m> {
    fn new(secret: &Secret<'_>, blocks: &'m [Block]) -> Self {
        let mut hash = Self { hash: MsgKeyHash::new(secret), rest: blocks };
        hash.advance(MsgKeyHash::LEAD);
        hash
    }

    #[inline]
    fn advance(&mut self, blocks: usize) {
        let (now, later) = self.rest.split_at(blocks.min(self.rest.len()));
        self.hash.update(now);
        self.rest = later;
    }

    fn finish(mut self) -> Digest {
        self.hash.update(self.rest);
        self.hash.finish()
    }
}

impl Observer for &mut PlainHash<'_> {
    const LEAD: usize = 0;

    #[expect(clippy::inline_always, reason = "runs inside the encryption's loop")]
    #[inline(always)]
    fn observe(&mut self, _others: &[Block]) {
        if self.rest.len() >= ige::STRIDE {
            self.advance(ige::STRIDE);
        }
    }
}
