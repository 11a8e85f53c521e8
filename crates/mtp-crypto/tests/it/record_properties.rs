//! Properties of encrypted messages: round trips, rejection of modified packets, batches, and the
//! cipher mode.

use aes::cipher::{Array, KeyInit, KeyIvInit};
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt};
use mtp_crypto::{
    AuthKey, CtrEntropy, InnerHeader, MsgId, OpenError, OpenJob, Padding, Salt, SealError, SealJob,
    SeqNo, SessionId, Side, ige, open, open_batch, pad, seal, seal_batch, v1,
};
use mtp_env::Entropy;
use proptest::prelude::*;

const HEADER: InnerHeader = InnerHeader {
    salt: Salt::from_raw(0x0102_0304_0506_0708),
    session_id: SessionId::from_raw(0xa1a2_a3a4_a5a6_a7a8),
    msg_id: MsgId::from_raw(0x65ab_c0fd_4000_0004),
    seq_no: SeqNo::from_raw(5),
};

#[derive(Clone, Copy, Debug)]
enum Version {
    One,
    Two(Padding),
}

fn key(seed: u64) -> AuthKey {
    let mut bytes = [0; 256];
    CtrEntropy::from_number(seed).fill(&mut bytes);
    AuthKey::new(bytes).unwrap()
}

fn body(len: usize) -> Vec<u8> {
    let mut body = vec![0; len];
    CtrEntropy::from_number(99).fill(&mut body);
    body
}

fn padded(version: Version, body: &[u8], entropy: &mut CtrEntropy) -> Vec<u8> {
    let mut packet = Vec::new();
    let start = mtp_crypto::begin(&mut packet, HEADER);
    packet.extend_from_slice(body);
    match version {
        Version::One => v1::pad(&mut packet, start, entropy).unwrap(),
        Version::Two(padding) => pad(&mut packet, start, padding, entropy).unwrap(),
    }
    packet
}

fn sealed(version: Version, key: &AuthKey, sender: Side, body: &[u8]) -> Vec<u8> {
    let mut packet = padded(version, body, &mut CtrEntropy::from_number(body.len() as u64));
    match version {
        Version::One => v1::seal(key, sender, &mut packet).unwrap(),
        Version::Two(_) => seal(key, sender, &mut packet).unwrap(),
    };
    packet
}

fn opened<'p>(
    version: Version,
    key: &AuthKey,
    sender: Side,
    packet: &'p mut [u8],
) -> Result<mtp_crypto::Opened<'p>, OpenError> {
    match version {
        Version::One => v1::open(key, sender, packet),
        Version::Two(_) => open(key, sender, packet),
    }
}

const VERSIONS: [Version; 4] = [
    Version::One,
    Version::Two(Padding::Minimum),
    Version::Two(Padding::Random { max: 1024 }),
    Version::Two(Padding::SizeClasses),
];

#[test]
fn sealed_messages_of_every_length_open_to_their_bodies() {
    let key = key(1);
    for len in (0..=2048).step_by(4) {
        let body = body(len);
        for version in VERSIONS {
            for sender in [Side::Client, Side::Server] {
                let mut packet = sealed(version, &key, sender, &body);
                let opened = opened(version, &key, sender, &mut packet).unwrap();
                assert!(opened.header == HEADER && opened.body == body, "{len} {version:?}");
            }
        }
    }
}

/// Flips every bit of whole packets: key id, message key, every block.
#[test]
// spec: crypto 5#4, 5#5, 5#13, 17#19
fn packets_with_a_flipped_bit_are_rejected_and_wiped() {
    let key = key(2);
    for version in [VERSIONS[0], VERSIONS[1]] {
        for len in [0, 4, 64] {
            let good = sealed(version, &key, Side::Server, &body(len));
            for bit in 0..good.len() * 8 {
                let mut packet = good.clone();
                packet[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(opened(version, &key, Side::Server, &mut packet), Err(OpenError));
                // A wrong key id is detected before decryption, so nothing is wiped.
                let untouched = bit < 64;
                assert!(untouched || packet[24..].iter().all(|byte| *byte == 0), "bit {bit}");
            }
        }
    }
}

#[test]
// spec: crypto 5#1, 5#3, 17#18
fn truncated_packets_are_rejected_and_short_tails_are_ignored() {
    let key = key(3);
    for version in VERSIONS {
        let good = sealed(version, &key, Side::Client, &body(96));
        for len in 0..good.len() {
            let mut packet = good[..len].to_vec();
            assert_eq!(opened(version, &key, Side::Client, &mut packet), Err(OpenError));
        }
        for more in 1..=40 {
            let mut packet = good.clone();
            packet.resize(good.len() + more, 0xee);
            let accepted = opened(version, &key, Side::Client, &mut packet).is_ok();
            assert_eq!(accepted, more < 16, "{more} bytes after the last block");
        }
    }
}

#[test]
fn reflected_packets_and_packets_under_other_keys_are_rejected() {
    for version in VERSIONS {
        let mut packet = sealed(version, &key(4), Side::Client, &body(32));
        assert_eq!(opened(version, &key(4), Side::Server, &mut packet.clone()), Err(OpenError));
        assert_eq!(opened(version, &key(5), Side::Client, &mut packet.clone()), Err(OpenError));
        // The other MTProto version under the same key.
        let other = if matches!(version, Version::One) { VERSIONS[1] } else { Version::One };
        assert_eq!(opened(other, &key(4), Side::Client, &mut packet), Err(OpenError));
    }
}

#[test]
// spec: crypto 4.3
fn padding_differs_between_encryptions() {
    let mut entropy = CtrEntropy::from_number(1);
    let [one, other] = [(); 2].map(|()| padded(VERSIONS[1], &body(32), &mut entropy));
    assert_eq!(one[..mtp_crypto::PREFIX_LEN + 32], other[..mtp_crypto::PREFIX_LEN + 32]);
    assert_ne!(one, other);
}

#[test]
fn seal_rejects_packets_that_are_not_padded() {
    let key = key(6);
    let good = padded(VERSIONS[1], &body(32), &mut CtrEntropy::from_number(1));
    for len in 0..good.len() {
        let mut packet = good[..len].to_vec();
        let refused = seal(&key, Side::Client, &mut packet);
        assert_eq!(refused, Err(SealError::NotPadded { len }));
        assert_eq!(packet, good[..len], "unchanged");
    }
    let mut packet = good.clone();
    packet.extend_from_slice(&[0; 4]);
    let refused = seal(&key, Side::Client, &mut packet);
    assert_eq!(refused, Err(SealError::NotPadded { len: good.len() + 4 }));

    let mut entropy = CtrEntropy::from_number(1);
    for (len, found) in [(3, 3), (57, 1), (58, 2), (59, 3)] {
        let mut out = vec![0; len];
        let refused = pad(&mut out, 0, Padding::Minimum, &mut entropy);
        assert_eq!(refused, Err(SealError::Body { len: found }));
        assert_eq!(out, vec![0; len], "unchanged");
    }
    let refused = pad(&mut Vec::new(), 7, Padding::Minimum, &mut entropy);
    assert_eq!(refused, Err(SealError::Body { len: 0 }));
}

#[test]
fn batches_give_the_results_of_single_calls() {
    let keys = [key(7), key(8), key(9)];
    let senders = [Side::Client, Side::Server];
    let sizes = (0..40).map(|n| n * 52);
    let mut packets: Vec<Vec<u8>> =
        sizes.map(|len| padded(VERSIONS[1], &body(len), &mut CtrEntropy::from_number(1))).collect();
    packets[11].truncate(50);
    let pairs = || keys.iter().cycle().zip(senders.iter().cycle());

    let mut singly = packets.clone();
    let expected: Vec<_> = singly
        .iter_mut()
        .zip(pairs())
        .map(|(packet, (key, side))| seal(key, *side, packet))
        .collect();
    let mut jobs: Vec<_> = packets
        .iter_mut()
        .zip(pairs())
        .map(|(packet, (key, side))| SealJob::new(key, *side, packet))
        .collect();
    seal_batch(&mut jobs);
    let results: Vec<_> = jobs.into_iter().map(SealJob::into_result).collect();
    assert_eq!(results, expected);
    assert_eq!(packets, singly);
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);

    packets[23][30] ^= 1;
    singly[23][30] ^= 1;
    let mut jobs: Vec<_> = packets
        .iter_mut()
        .zip(pairs())
        .map(|(packet, (key, side))| OpenJob::new(key, *side, packet))
        .collect();
    open_batch(&mut jobs);
    for (index, ((job, packet), (key, side))) in
        jobs.into_iter().zip(&mut singly).zip(pairs()).enumerate()
    {
        let expected = open(key, *side, packet);
        assert_eq!(expected.is_err(), [11, 23].contains(&index));
        assert_eq!(job.into_result(), expected);
    }
    // A job that was not part of a batch runs in `into_result`.
    let job = SealJob::new(&keys[0], Side::Client, &mut packets[11]);
    assert_eq!(job.into_result(), Err(SealError::NotPadded { len: 50 }));
}

/// The definition of the mode, one block at a time.
fn textbook(encrypt: bool, key: [u8; 32], iv: [u8; 32], data: &mut [u8]) {
    let (encryption, decryption) =
        (aes::Aes256Enc::new(&key.into()), aes::Aes256Dec::new(&key.into()));
    let (mut cipher_before, mut plain_before) = (iv[..16].to_vec(), iv[16..].to_vec());
    for chunk in data.chunks_mut(16) {
        let input = chunk.to_vec();
        let (whiten_in, whiten_out) =
            if encrypt { (&cipher_before, &plain_before) } else { (&plain_before, &cipher_before) };
        let mut block = aes::Block::default();
        for i in 0..16 {
            block[i] = input[i] ^ whiten_in[i];
        }
        if encrypt {
            encryption.encrypt_block(&mut block);
        } else {
            decryption.decrypt_block(&mut block);
        }
        for i in 0..16 {
            chunk[i] = block[i] ^ whiten_out[i];
        }
        (cipher_before, plain_before) =
            if encrypt { (chunk.to_vec(), input) } else { (input, chunk.to_vec()) };
    }
}

fn ige_crate(encrypt: bool, key: [u8; 32], iv: [u8; 32], data: &mut [u8]) {
    let (blocks, _) = data.as_chunks_mut();
    let blocks = Array::cast_slice_from_core_mut(blocks);
    if encrypt {
        ::ige::Encryptor::<aes::Aes256Enc>::new(&key.into(), &iv.into()).encrypt_blocks(blocks);
    } else {
        ::ige::Decryptor::<aes::Aes256Dec>::new(&key.into(), &iv.into()).decrypt_blocks(blocks);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    // spec: crypto 2
    fn ige_matches_its_definition_and_the_ige_crate(
        key: [u8; 32],
        iv: [u8; 32],
        blocks in 0usize..70,
        cut in 0usize..70,
        seed: u64,
    ) {
        let mut plain = vec![0; blocks * 16];
        CtrEntropy::from_number(seed).fill(&mut plain);
        let cut = cut.min(blocks) * 16;

        let mut expected = plain.clone();
        textbook(true, key, iv, &mut expected);
        let mut theirs = plain.clone();
        ige_crate(true, key, iv, &mut theirs);
        prop_assert_eq!(&theirs, &expected);

        let mut ours = plain.clone();
        let mut running_iv = iv;
        let (head, tail) = ours.split_at_mut(cut);
        ige::encrypt(&key, &mut running_iv, head).unwrap();
        ige::encrypt(&key, &mut running_iv, tail).unwrap();
        prop_assert_eq!(&ours, &expected);

        textbook(false, key, iv, &mut expected);
        prop_assert_eq!(&expected, &plain);
        ige_crate(false, key, iv, &mut theirs);
        prop_assert_eq!(&theirs, &plain);
        let mut running_iv = iv;
        let (head, tail) = ours.split_at_mut(cut);
        ige::decrypt(&key, &mut running_iv, head).unwrap();
        ige::decrypt(&key, &mut running_iv, tail).unwrap();
        prop_assert_eq!(ours, plain);
    }

    /// Random bytes after the right key id, so that they are decrypted.
    #[test]
    fn random_packets_are_rejected(noise in proptest::collection::vec(any::<u8>(), 0..400), seed: u64) {
        let key = key(seed);
        let mut packet = [&key.id().to_le_bytes()[..], &noise].concat();
        for version in [VERSIONS[0], VERSIONS[1]] {
            let mut packet = packet.clone();
            prop_assert_eq!(opened(version, &key, Side::Client, &mut packet), Err(OpenError));
        }
        let job = OpenJob::new(&key, Side::Server, &mut packet);
        prop_assert_eq!(job.into_result(), Err(OpenError));
    }
}
