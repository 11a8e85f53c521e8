//! Key files: round trips, limits, and rejection of modified files.

use mtp_crypto::key_file::{
    Cost, KEYS_MAX, KeyFile, KeyFileEntry, KeyFileSalt, OpenFileError, SALTS_MAX, SealFileError,
    open_file, seal_file,
};
use mtp_crypto::{AuthKey, CtrEntropy, DcId, Salt};

const HEADER_LEN: usize = 57;

fn cheap() -> Cost {
    Cost::new(8, 1, 1).unwrap()
}

fn contents(keys: usize, salts: usize) -> KeyFile {
    let salt = |n: usize| KeyFileSalt {
        salt: Salt::from_raw(n as u64 + 1),
        valid_since: 1_700_000_000,
        valid_until: 1_700_001_800,
    };
    let key = |n: usize| KeyFileEntry {
        dc: DcId::new(-10_002),
        expires_at: (n % 2 == 1).then_some(1_700_086_400),
        key: AuthKey::new([u8::try_from(n).unwrap() + 1; 256]).unwrap(),
        salts: (0..salts).map(salt).collect(),
    };
    KeyFile { clock_offset: -1_500_000_000, keys: (0..keys).map(key).collect() }
}

fn sealed(file: &KeyFile) -> Vec<u8> {
    seal_file(file, b"password", cheap(), &mut CtrEntropy::from_number(1)).unwrap()
}

#[test]
fn sealed_files_open_to_their_contents() {
    for (keys, salts) in [(0, 0), (1, 0), (2, 3), (KEYS_MAX, SALTS_MAX)] {
        let file = contents(keys, salts);
        let opened = open_file(&sealed(&file), b"password").unwrap();
        assert_eq!(opened.clock_offset, file.clock_offset);
        assert_eq!(opened.keys.len(), keys);
        for (one, other) in opened.keys.iter().zip(&file.keys) {
            assert_eq!((one.dc, one.expires_at), (other.dc, other.expires_at));
            assert_eq!(one.key.as_bytes(), other.key.as_bytes());
            assert_eq!(one.salts, other.salts);
        }
    }
}

#[test]
fn contents_above_the_limits_are_rejected() {
    for file in [contents(KEYS_MAX + 1, 0), contents(1, SALTS_MAX + 1), contents(1, 300)] {
        let refused = seal_file(&file, b"", cheap(), &mut CtrEntropy::from_number(1));
        assert_eq!(refused, Err(SealFileError::TooLarge));
    }
    let mut huge = sealed(&contents(KEYS_MAX, SALTS_MAX));
    let len = huge.len() - HEADER_LEN - 16;
    huge.push(0);
    assert_eq!(open_file(&huge, b"").err(), Some(OpenFileError::TooLarge { len: len + 1 }));
}

#[test]
fn modified_and_truncated_files_are_rejected() {
    let good = sealed(&contents(1, 1));
    assert_eq!(open_file(&good, b"Password").err(), Some(OpenFileError::Password));
    assert_eq!(open_file(&good, b"").err(), Some(OpenFileError::Password));
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        let error = open_file(&changed, b"password").err().unwrap();
        let expected = match at {
            0..4 => error == OpenFileError::NotAKeyFile,
            4 => error == OpenFileError::Version { found: 0 },
            // Some changes to the cost exceed its limits; others give another key.
            5..17 => matches!(error, OpenFileError::Cost(_) | OpenFileError::Password),
            _ => error == OpenFileError::Password,
        };
        assert!(expected, "byte {at}: {error:?}");
    }
    for len in 0..good.len() {
        let error = open_file(&good[..len], b"password").err().unwrap();
        let short = len < HEADER_LEN + 16;
        let expected = if short { OpenFileError::NotAKeyFile } else { OpenFileError::Password };
        assert_eq!(error, expected, "{len} bytes");
    }
}

/// Each of these costs would take minutes or gigabytes, so they must be rejected before the key is
/// derived.
#[test]
fn costs_outside_the_limits_are_rejected_before_derivation() {
    let good = sealed(&contents(0, 0));
    for (memory_kib, passes, lanes) in [
        (u32::MAX, 1, 1),
        ((256 << 10) + 1, 1, 1),
        (64, u32::MAX, 1),
        (64, 17, 1),
        (64, 1, u32::MAX),
        (64, 1, 5),
        (7, 1, 1),
        (15, 1, 2),
        (0, 1, 1),
        (64, 0, 1),
        (64, 1, 0),
    ] {
        let mut hostile = good.clone();
        for (at, number) in [(5, memory_kib), (9, passes), (13, lanes)] {
            hostile[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        let error = Cost::new(memory_kib, passes, lanes).unwrap_err();
        assert_eq!(open_file(&hostile, b"password").err(), Some(OpenFileError::Cost(error)));
    }
    assert_eq!(Cost::new(256 << 10, 16, 4), Ok(Cost::MAX));
    assert_eq!(Cost::new(64 << 10, 3, 1), Ok(Cost::default()));
    Cost::new(16, 1, 2).unwrap();
}

#[test]
fn files_are_opened_with_the_cost_in_their_header() {
    let file = contents(1, 1);
    let cost = Cost::new(32, 2, 2).unwrap();
    let sealed = seal_file(&file, b"p", cost, &mut CtrEntropy::from_number(1)).unwrap();
    assert_eq!(open_file(&sealed, b"p").unwrap().keys.len(), 1);
    let again = seal_file(&file, b"p", cost, &mut CtrEntropy::from_number(2)).unwrap();
    assert_ne!(sealed[HEADER_LEN..], again[HEADER_LEN..], "salt and nonce are fresh");
}
