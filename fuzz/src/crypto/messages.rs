//! Messages encrypted with an auth key.

use mtp_crypto::bind::{Binding, open_bind, seal_bind};
use mtp_crypto::cdn::CdnFileKey;
use mtp_crypto::ctr::CtrCipher;
use mtp_crypto::{
    AuthKeyId, EXTERNAL_HEADER_LEN, InnerHeader, MsgId, OpenJob, PADDING_MAX, PADDING_MIN, Padding,
    Salt, SealJob, SeqNo, SessionId, Side, begin, ige, open_batch, pad, seal_batch, v1,
};

use crate::input::{Cuts, Input};
use crate::known;
use crate::textbook::{self, Protocol, part};

/// Opens a packet, unmodified or with a sealed plaintext.
///
/// Input: protocol, sender and mode, the number of bytes covered by the key of 1.0, then the packet or plaintext.
pub fn message_open(data: &[u8]) {
    let mut input = Input::new(data);
    let mode = input.byte();
    let sender = if mode & 1 == 0 { Side::Client } else { Side::Server };
    let is_v1 = mode & 2 != 0;
    let covered = usize::from(input.u16());
    let protocol = if is_v1 { Protocol::One { covered } } else { Protocol::Two };
    let key = known::auth_key();
    let rest = input.rest();
    let is_sealed = mode & 4 == 0;
    let packet =
        if is_sealed { textbook::seal(key, sender, protocol, rest) } else { rest.to_vec() };
    let mut opened_in = packet.clone();
    let opened = if is_v1 {
        v1::open(key, sender, &mut opened_in)
    } else {
        mtp_crypto::open(key, sender, &mut opened_in)
    };
    if !is_sealed {
        return;
    }
    let plain = &rest[..rest.len() / 16 * 16];
    match (opened, expected_body(plain, protocol)) {
        (Ok(opened), Some(body)) => {
            assert_eq!(opened.body, body);
            assert_eq!(opened.header.salt.to_le_bytes(), part(plain, 0));
            assert_eq!(opened.header.session_id.to_le_bytes(), part(plain, 8));
            assert_eq!(opened.header.msg_id.to_le_bytes(), part(plain, 16));
            assert_eq!(opened.header.seq_no.to_le_bytes(), part(plain, 24));
            assert!(opened.quick_ack.as_raw() >> 31 == 1);
        }
        (Err(_), None) => {
            // A packet below the minimum length is rejected before decryption.
            let encrypted = &opened_in[EXTERNAL_HEADER_LEN..];
            assert!(encrypted.iter().all(|byte| *byte == 0) || opened_in == packet);
        }
        (opened, expected) => panic!("{opened:?} of {expected:?}"),
    }
}

/// Returns the expected result: the checks of the specification on the known plaintext.
fn expected_body(plain: &[u8], protocol: Protocol) -> Option<&[u8]> {
    let (header, rest) = plain.split_at_checked(InnerHeader::LEN)?;
    let len = usize::try_from(i32::from_le_bytes(part(header, 28))).ok()?;
    let (body, padding) = rest.split_at_checked(len).filter(|_| len.is_multiple_of(4))?;
    match protocol {
        Protocol::Two => (PADDING_MIN..=PADDING_MAX).contains(&padding.len()),
        Protocol::One { covered } => {
            padding.len() <= v1::PADDING_MAX && covered.min(plain.len()) == header.len() + len
        }
    }
    .then_some(body)
}

/// Seals messages: seal → open is the identity, batches equal single messages, and a flipped bit is detected.
///
/// Input: the padding, a position to damage, headers, then up to four bodies.
pub fn message_seal(data: &[u8]) {
    let mut input = Input::new(data);
    let padding = match input.byte() % 3 {
        0 => Padding::Minimum,
        1 => Padding::Random { max: input.u16() },
        _ => Padding::SizeClasses,
    };
    let damage = input.u16();
    let sender = if input.flag() { Side::Client } else { Side::Server };
    let header = InnerHeader {
        salt: Salt::from_raw(input.u64()),
        session_id: SessionId::from_raw(input.u64()),
        msg_id: MsgId::from_raw(input.u64()),
        seq_no: SeqNo::from_raw(input.u32().cast_signed()),
    };
    let key = known::auth_key();
    let entropy = &mut known::entropy(5);
    let mut singles = Vec::new();
    let mut bodies = Vec::new();
    for _ in 0..4 {
        let body = input.long();
        let mut packet = Vec::new();
        let start = begin(&mut packet, header);
        packet.extend_from_slice(body);
        let padded = pad(&mut packet, start, padding, entropy);
        assert_eq!(padded.is_ok(), body.len().is_multiple_of(4));
        if padded.is_ok() {
            singles.push(packet);
            bodies.push(body);
        }
    }
    let mut batch = singles.clone();
    let mut jobs: Vec<_> = batch.iter_mut().map(|one| SealJob::new(key, sender, one)).collect();
    seal_batch(&mut jobs);
    let tokens: Vec<_> = jobs.into_iter().map(|job| job.into_result().expect("padded")).collect();
    for ((single, batched), token) in singles.iter_mut().zip(&batch).zip(&tokens) {
        let plain = single[EXTERNAL_HEADER_LEN..].to_vec();
        assert_eq!(*batched, textbook::seal(key, sender, Protocol::Two, &plain));
        assert_eq!(mtp_crypto::seal(key, sender, single).as_ref(), Ok(token));
        assert_eq!(single, batched);
    }
    let mut opened_in = singles.clone();
    let mut jobs: Vec<_> = opened_in.iter_mut().map(|one| OpenJob::new(key, sender, one)).collect();
    open_batch(&mut jobs);
    for ((job, body), token) in jobs.into_iter().zip(bodies).zip(tokens) {
        let opened = job.into_result().expect("sealed");
        assert_eq!((opened.body, opened.header, opened.quick_ack), (body, header, token));
    }
    for mut packet in singles {
        let bit = usize::from(damage) % (packet.len() * 8);
        packet[bit / 8] ^= 1 << (bit % 8);
        assert!(mtp_crypto::open(key, sender, &mut packet).is_err(), "bit {bit} flipped");
    }
}

/// Opens the binding message of a temporary key: ours is accepted, the fuzzer's only if it is valid.
///
/// Input: the fields, the number of bytes covered by the message key, then a plaintext.
pub fn bind_open(data: &[u8]) {
    let mut input = Input::new(data);
    let key = known::auth_key();
    let request = Binding {
        nonce: input.u64(),
        temp_auth_key_id: AuthKeyId::from_raw(input.u64()),
        perm_auth_key_id: key.id(),
        temp_session_id: SessionId::from_raw(input.u64()),
        expires_at: input.u32().cast_signed(),
    };
    let msg_id = MsgId::from_raw(input.u64());
    let ours = seal_bind(key, msg_id, &request, &mut known::entropy(6));
    assert_eq!(open_bind(key, msg_id, &request, &ours), Ok(()));
    let other = MsgId::from_raw(msg_id.as_raw() ^ 1);
    assert!(open_bind(key, other, &request, &ours).is_err());
    let covered = usize::from(input.byte());
    let plain = input.rest();
    let theirs = textbook::seal(key, Side::Client, Protocol::One { covered }, plain);
    if open_bind(key, msg_id, &request, &theirs).is_ok() {
        let body = expected_body(&plain[..plain.len() / 16 * 16], Protocol::One { covered });
        let body = body.expect("opening succeeded");
        assert_eq!(body[4..12], request.nonce.to_le_bytes());
        assert_eq!(body[36..40], request.expires_at.to_le_bytes());
    }
}

/// Compares the ciphers with their definitions, whole and in pieces.
///
/// Input: key, vectors, an offset, cuts, then the data.
pub fn ciphers(data: &[u8]) {
    let mut input = Input::new(data);
    let (key, iv): ([u8; 32], [u8; 32]) = (input.array(), input.array());
    let offset = input.u64();
    let cuts = input.cuts();
    let data = input.rest();
    check_ige(&key, iv, data, cuts);
    check_ctr(&key, &part(&iv, 0), data, cuts);
    let file = CdnFileKey::new(&key, &iv[..16]).expect("32 and 16 bytes");
    let mut once = data.to_vec();
    let applied = file.apply(offset, &mut once);
    assert_eq!(applied.is_ok(), offset.is_multiple_of(16) && offset < 1 << 36);
    if applied.is_ok() {
        assert_eq!(file.apply(offset, &mut once), Ok(()));
    }
    assert_eq!(once, data);
}

fn check_ige(key: &[u8; 32], iv: [u8; 32], data: &[u8], cuts: Cuts<'_>) {
    type Cipher = fn(&[u8; 32], &mut [u8; 32], &mut [u8]) -> Result<(), ige::NotWholeBlocks>;
    type Textbook = fn(&[u8; 32], &mut [u8; 32], &mut [u8]);
    let pairs: [(Cipher, Textbook); 2] =
        [(ige::encrypt, textbook::ige_encrypt), (ige::decrypt, textbook::ige_decrypt)];
    if !data.len().is_multiple_of(16) {
        for (cipher, _) in pairs {
            let (mut untouched, mut iv_after) = (data.to_vec(), iv);
            assert!(cipher(key, &mut iv_after, &mut untouched).is_err());
            assert_eq!((&*untouched, iv_after), (data, iv));
        }
        return;
    }
    for (cipher, slow) in pairs {
        let (mut fast, mut fast_iv) = (data.to_vec(), iv);
        assert_eq!(cipher(key, &mut fast_iv, &mut fast), Ok(()));
        let (mut expected, mut expected_iv) = (data.to_vec(), iv);
        slow(key, &mut expected_iv, &mut expected);
        assert_eq!((&fast, fast_iv), (&expected, expected_iv));
        let (mut pieces, mut pieces_iv) = (Vec::new(), iv);
        let blocks: Vec<_> = cuts.of(data).map(<[u8]>::len).collect();
        let mut rest = data;
        for blocks in blocks {
            let (piece, after) = rest.split_at((blocks * 16).min(rest.len()));
            rest = after;
            let mut piece = piece.to_vec();
            assert_eq!(cipher(key, &mut pieces_iv, &mut piece), Ok(()));
            pieces.append(&mut piece);
        }
        assert_eq!((pieces, pieces_iv), (expected, expected_iv));
    }
}

fn check_ctr(key: &[u8; 32], iv: &[u8; 16], data: &[u8], cuts: Cuts<'_>) {
    let mut expected = data.to_vec();
    let start = u128::from_be_bytes(*iv);
    for (block, number) in expected.chunks_mut(16).zip(0..) {
        let mut keystream = start.wrapping_add(number).to_be_bytes();
        ige::encrypt(key, &mut [0; 32], &mut keystream).expect("the length is one block");
        for (byte, mask) in block.iter_mut().zip(keystream) {
            *byte ^= mask;
        }
    }
    let mut cipher = CtrCipher::new(key, iv);
    let mut pieces = Vec::new();
    for piece in cuts.of(data) {
        let mut piece = piece.to_vec();
        cipher.apply(&mut piece);
        pieces.append(&mut piece);
    }
    assert_eq!(pieces, expected);
}
