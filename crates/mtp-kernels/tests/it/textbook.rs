//! Kernels against direct implementations of the definitions: all lengths, batch sizes and
//! alignments.

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use mtp_kernels::{Block, Digest, Kernels, MessageJob, Secret, msg_key};
use sha2::{Digest as _, Sha256};

/// Reproducible pseudorandom bytes.
struct Noise(u64);

impl Noise {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        self.0.to_be_bytes()[0]
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        [(); N].map(|()| self.byte())
    }

    fn blocks(&mut self, count: usize) -> Vec<Block> {
        (0..count).map(|_| self.array()).collect()
    }
}

/// Parts of an auth key.
struct Pieces([u8; 36], [u8; 36], [u8; 32]);

impl Pieces {
    fn new(noise: &mut Noise) -> Self {
        Self(noise.array(), noise.array(), noise.array())
    }

    fn secret(&self) -> Secret<'_> {
        Secret { first: &self.0, second: &self.1, prefix: &self.2 }
    }

    fn hash(&self, plain: &[Block]) -> Digest {
        sha256(&[&self.2, plain.as_flattened()])
    }

    fn derive(&self, msg_key: &Block) -> ([u8; 32], [u8; 32]) {
        let (a, b) = (sha256(&[msg_key, &self.0]), sha256(&[&self.1, msg_key]));
        let key = [&a[..8], &b[8..24], &a[24..]].concat();
        let iv = [&b[..8], &a[8..24], &b[24..]].concat();
        (key.try_into().unwrap(), iv.try_into().unwrap())
    }

    /// Encrypts and returns the hash.
    fn seal(&self, blocks: &mut [Block]) -> Digest {
        let digest = self.hash(blocks);
        let (key, mut iv) = self.derive(&msg_key(&digest));
        ige_encrypt(&key, &mut iv, blocks);
        digest
    }

    /// Decrypts and returns the hash.
    fn open(&self, msg_key: &Block, blocks: &mut [Block]) -> Digest {
        let (key, mut iv) = self.derive(msg_key);
        ige_decrypt(&key, &mut iv, blocks);
        self.hash(blocks)
    }
}

fn sha256(parts: &[&[u8]]) -> Digest {
    Sha256::digest(parts.concat()).into()
}

fn xor(one: &[u8], other: &[u8]) -> Block {
    core::array::from_fn(|at| one[at] ^ other[at])
}

fn ige_encrypt(key: &[u8; 32], iv: &mut [u8; 32], blocks: &mut [Block]) {
    let cipher = aes::Aes256Enc::new(key.into());
    for block in blocks {
        let plain = *block;
        let mut inner = xor(&plain, &iv[..16]).into();
        cipher.encrypt_block(&mut inner);
        *block = xor(&inner, &iv[16..]);
        *iv = [*block, plain].concat().try_into().unwrap();
    }
}

fn ige_decrypt(key: &[u8; 32], iv: &mut [u8; 32], blocks: &mut [Block]) {
    let cipher = aes::Aes256Dec::new(key.into());
    for block in blocks {
        let sealed = *block;
        let mut inner = xor(&sealed, &iv[16..]).into();
        cipher.decrypt_block(&mut inner);
        *block = xor(&inner, &iv[..16]);
        *iv = [sealed, *block].concat().try_into().unwrap();
    }
}

/// Lengths in blocks: all short ones, which cover the loops of four and eight, and a few long ones.
fn lengths() -> impl Iterator<Item = usize> {
    (0..=260).chain([511, 512, 1023, 4096])
}

/// The other tests pass vacuously without kernels, so this one checks the detection.
#[test]
fn kernels_are_detected_if_the_processor_supports_them() {
    #[cfg(target_arch = "x86_64")]
    let expected = std::arch::is_x86_feature_detected!("aes")
        && std::arch::is_x86_feature_detected!("sha")
        && std::arch::is_x86_feature_detected!("ssse3")
        && std::arch::is_x86_feature_detected!("sse4.1");
    #[cfg(not(target_arch = "x86_64"))]
    let expected = false;
    assert_eq!(Kernels::detect().is_some(), expected);
}

#[test]
fn ige_matches_its_definition() {
    let Some(kernels) = Kernels::detect() else { return };
    let mut noise = Noise(1);
    for len in lengths() {
        let (key, iv, plain) = (noise.array(), noise.array(), noise.blocks(len));
        let (mut expected, mut expected_iv) = (plain.clone(), iv);
        ige_encrypt(&key, &mut expected_iv, &mut expected);
        let (mut blocks, mut running) = (plain.clone(), iv);
        // In two calls, which continue one stream.
        let (front, back) = blocks.split_at_mut(len / 3);
        kernels.ige_encrypt(&key, &mut running, front);
        kernels.ige_encrypt(&key, &mut running, back);
        assert!(blocks == expected && running == expected_iv, "encrypt {len}");

        let (mut expected, mut expected_iv) = (plain.clone(), iv);
        ige_decrypt(&key, &mut expected_iv, &mut expected);
        let (mut blocks, mut running) = (plain, iv);
        let (front, back) = blocks.split_at_mut(len / 3);
        kernels.ige_decrypt(&key, &mut running, front);
        kernels.ige_decrypt(&key, &mut running, back);
        assert!(blocks == expected && running == expected_iv, "decrypt {len}");
    }
}

#[test]
fn counter_mode_matches_its_definition_and_wraps() {
    let Some(kernels) = Kernels::detect() else { return };
    let mut noise = Noise(5);
    for len in lengths() {
        let (key, plain) = (noise.array(), noise.blocks(len));
        let cipher = aes::Aes256Enc::new(&key.into());
        let keys = kernels.ctr_keys(&key);
        let near_overflow = [u128::from(u64::MAX) - 40, u128::MAX - 40, u128::MAX << 64 | 7];
        for start in near_overflow.into_iter().chain([u128::from_be_bytes(noise.array())]) {
            let mut blocks = plain.clone();
            kernels.ctr(&keys, start, &mut blocks);
            for (at, (block, plain)) in blocks.iter().zip(&plain).enumerate() {
                let mut pad = start.wrapping_add(at as u128).to_be_bytes().into();
                cipher.encrypt_block(&mut pad);
                assert_eq!(*block, xor(plain, &pad), "block {at} of {len} from {start:x}");
            }
        }
    }
}

#[test]
fn seal_and_open_match_their_definition() {
    let Some(kernels) = Kernels::detect() else { return };
    let mut noise = Noise(2);
    for len in lengths() {
        let (pieces, plain) = (Pieces::new(&mut noise), noise.blocks(len));
        let (mut expected, mut blocks) = (plain.clone(), plain.clone());
        let digest = pieces.seal(&mut expected);
        assert_eq!(kernels.seal(&pieces.secret(), &mut blocks), digest, "seal {len}");
        assert!(blocks == expected, "seal {len}");
        assert_eq!(kernels.open(&pieces.secret(), &msg_key(&digest), &mut blocks), digest);
        assert!(blocks == plain, "open {len}");

        // A wrong message key.
        let (foreign, mut expected) = (noise.array(), plain.clone());
        let digest = pieces.open(&foreign, &mut expected);
        assert_eq!(kernels.open(&pieces.secret(), &foreign, &mut blocks), digest, "open {len}");
        assert!(blocks == expected, "open {len}");
    }
}

#[test]
fn batches_give_the_results_of_single_calls() {
    let Some(kernels) = Kernels::detect() else { return };
    let mut noise = Noise(3);
    for count in 0..=20 {
        for spread in [1, 2, 40] {
            let all: Vec<_> = (0..count)
                .map(|_| {
                    let len = 7 + usize::from(noise.byte()) % spread;
                    (Pieces::new(&mut noise), noise.array(), noise.blocks(len))
                })
                .collect();
            for seals in [true, false] {
                let mut buffers: Vec<_> = all.iter().map(|(.., blocks)| blocks.clone()).collect();
                let mut messages: Vec<_> = all
                    .iter()
                    .zip(&mut buffers)
                    .map(|((pieces, key, _), blocks)| {
                        MessageJob::new(pieces.secret(), *key, blocks)
                    })
                    .collect();
                if seals {
                    kernels.seal_each(&mut messages);
                } else {
                    kernels.open_each(&mut messages);
                }
                for (message, (pieces, key, blocks)) in messages.iter().zip(&all) {
                    let mut expected = blocks.clone();
                    let digest = if seals {
                        pieces.seal(&mut expected)
                    } else {
                        pieces.open(key, &mut expected)
                    };
                    assert_eq!(message.digest, digest, "{count} {spread} {seals}");
                    assert!(*message.blocks == expected, "{count} {spread} {seals}");
                    assert!(!seals || message.msg_key == msg_key(&digest));
                }
            }
        }
    }
}

#[test]
fn batches_of_very_different_lengths_open_to_their_plaintexts() {
    let Some(kernels) = Kernels::detect() else { return };
    let mut noise = Noise(4);
    let pieces = Pieces::new(&mut noise);
    let plains = [0, 300, 1, 0, 64, 2, 5000, 63, 3, 0].map(|len| noise.blocks(len));
    let mut sealed = plains.clone();
    let mut messages: Vec<_> =
        sealed.iter_mut().map(|blocks| MessageJob::new(pieces.secret(), [0; 16], blocks)).collect();
    kernels.seal_each(&mut messages);
    let digests: Vec<_> = messages.iter().map(|message| message.digest).collect();
    kernels.open_each(&mut messages);
    assert!(messages.iter().map(|message| message.digest).eq(digests));
    assert!(sealed == plains);
}

#[test]
fn unaligned_blocks_are_supported() {
    let Some(kernels) = Kernels::detect() else { return };
    let mut noise = Noise(5);
    let pieces = Pieces::new(&mut noise);
    let plain = noise.blocks(40);
    let mut expected = plain.clone();
    let digest = pieces.seal(&mut expected);
    let mut room = vec![0; 41 * 16];
    for offset in 0..16 {
        let (blocks, _) = room[offset..][..40 * 16].as_chunks_mut();
        blocks.copy_from_slice(&plain);
        assert_eq!(kernels.seal(&pieces.secret(), blocks), digest);
        assert!(blocks == expected, "offset {offset}");
        assert_eq!(kernels.open(&pieces.secret(), &msg_key(&digest), blocks), digest);
        assert!(blocks == plain, "offset {offset}");
        let mut message = [MessageJob::new(pieces.secret(), [0; 16], blocks)];
        kernels.seal_each(&mut message);
        assert!(message[0].digest == digest && *message[0].blocks == expected, "offset {offset}");
    }
}

#[test]
fn debug_output_contains_no_secrets() {
    let mut blocks = [[0xab; 16]; 3];
    let secret = Secret { first: &[0xab; 36], second: &[0xab; 36], prefix: &[0xab; 32] };
    let message = MessageJob::new(secret, [1; 16], &mut blocks);
    let printed = format!("{secret:?} {message:?}");
    assert_eq!(printed, "Secret(..) MessageJob { blocks: 3, .. }");
    assert_eq!(MessageJob::default().blocks.len(), 0);
}
