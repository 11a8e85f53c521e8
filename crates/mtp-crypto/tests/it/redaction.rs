//! No public type prints a secret. Each type is formatted here or listed as having none.
//!
//! The test fails for a public type that is in neither list.

use core::fmt::{Debug, Write as _};
use std::collections::BTreeSet;
use std::path::Path;

use crate::prepared::Prepared;
use crate::vectors::{array, bytes, entries, section, text};
use mtp_crypto::calls::{Callee, Caller};
use mtp_crypto::ctr::CtrCipher;
use mtp_crypto::exchange::{
    DhGroup, DhSecret, NewNonce, RsaPrivateKey, RsaSchemes, ServerNonce, TmpAes,
};
use mtp_crypto::key_file::{KeyFile, KeyFileEntry};
use mtp_crypto::secret_chat::{self, ChatKeys, ChatVersions, KeyHash};
use mtp_crypto::srp::{Challenge, PasswordAlgo, Verifier, prove};
use mtp_crypto::{
    AuthKey, CtrEntropy, InnerHeader, OpenJob, Padding, SealJob, Side, cdn, open, pad,
};
use mtp_env::{Entropy, UnixTime};

/// Types without secrets: errors, identifiers, options, counters, public values.
const WITHOUT_SECRETS: &str = "
    AgreementError BindError Binding CallKeyError CdnError Cost CostError DhGenAnswer DhGroup
    DcId DhGroupError DhValueError Effort Engine FactorError FewRandomBytes FileFingerprint Fingerprint
    InnerHeader KeyAction KnownKey KnownKeyKind LayerError MsgIdKind NewNonceHash NewPasswordError
    NotWholeBlocks OpenAnswerError OpenError OpenFileError OsEntropy Padding PasswordAlgo PeerLayer
    Pq PrimeCache ProveError Received RekeyError ResendRange RsaDecryptError RsaEncryptError
    RsaKeyError RsaPublicKey RsaScheme RsaSchemes SealError SealFileError Sequence SequenceError
    ShortNumber Side KeyFileSalt VerifyError ChatVersion ChatVersions WireSeq ZeroKeyId
";

/// The names of the formatted types.
#[derive(Default)]
struct Printed(BTreeSet<String>);

impl Printed {
    /// Formats the value and searches for three consecutive bytes of the secret.
    #[track_caller]
    fn check<T: Debug>(&mut self, value: &T, secret: &[u8]) {
        let mut printed = format!("{value:?} {value:#?}").to_lowercase();
        // Join lists that span several lines.
        printed.retain(|c| !c.is_whitespace());
        assert!(secret.len() >= 16, "the secret is too short for a search");
        for window in secret.windows(3) {
            let (mut hex, mut decimal, mut spread) = (String::new(), String::new(), String::new());
            for byte in window {
                write!(hex, "{byte:02x}").unwrap();
                write!(decimal, "{byte},").unwrap();
                write!(spread, "{byte:02x},").unwrap();
            }
            for found in [&hex, decimal.trim_end_matches(','), spread.trim_end_matches(',')] {
                assert!(!printed.contains(found), "{found} in {printed}");
            }
        }
        let name = core::any::type_name::<T>();
        let name = name.split('<').next().unwrap().rsplit("::").next().unwrap();
        // An empty `Debug` output would pass, but is of no use.
        assert!(printed.starts_with(&name.to_lowercase()), "{name}: {printed}");
        self.0.insert(name.to_owned());
    }
}

fn secret(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    CtrEntropy::from_number(seed).fill(&mut bytes);
    bytes
}

fn secret_array<const N: usize>(seed: u64) -> [u8; N] {
    secret(seed, N).try_into().unwrap()
}

#[test]
fn no_public_type_prints_a_secret() {
    let mut printed = Printed::default();
    record_layer(&mut printed);
    key_exchange(&mut printed);
    passwords(&mut printed);
    chats_and_calls(&mut printed);

    let exempt: BTreeSet<_> = WITHOUT_SECRETS.split_whitespace().map(str::to_owned).collect();
    let both: Vec<_> = exempt.intersection(&printed.0).collect();
    assert!(both.is_empty(), "listed as without secrets, but formatted: {both:?}");
    let known: BTreeSet<_> = exempt.union(&printed.0).cloned().collect();
    let public = public_types(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(public.contains("AuthKey"), "the source was found");
    let missing: Vec<_> = public.difference(&known).collect();
    assert!(missing.is_empty(), "public, but neither formatted nor listed: {missing:?}");
}

/// Reading freed memory is undefined behavior, so the test only checks that each secret type has drop
/// glue.
#[test]
fn every_secret_type_needs_drop() {
    #[track_caller]
    fn check<T>() {
        assert!(core::mem::needs_drop::<T>(), "{} is not wiped", core::any::type_name::<T>());
    }
    check::<AuthKey>();
    check::<CtrEntropy>();
    check::<CtrCipher>();
    check::<cdn::CdnFileKey>();
    check::<KeyFileEntry>();
    check::<KeyFile>();
    check::<NewNonce>();
    check::<TmpAes>();
    check::<DhSecret>();
    check::<RsaPrivateKey>();
    check::<Verifier>();
    check::<Challenge>();
    check::<ChatKeys>();
    check::<secret_chat::FileKey>();
    check::<secret_chat::FileCipher>();
    check::<Caller>();
    check::<Callee>();
}

fn record_layer(printed: &mut Printed) {
    let (key, iv) = (secret_array::<32>(1), secret_array::<16>(2));
    printed.check(&CtrEntropy::new(key), &key);
    let mut cipher = CtrCipher::new(&key, &iv);
    cipher.apply(&mut [0; 5]);
    printed.check(&cipher, &key);
    printed.check(&cipher, &iv);
    printed.check(&cdn::CdnFileKey::new(&key, &iv).unwrap(), &key);

    let bytes = secret(3, 256);
    let auth_key = AuthKey::new(secret_array(3)).unwrap();
    printed.check(&auth_key, &bytes);
    let body = secret(4, 64);
    let mut packet = Vec::new();
    let header = InnerHeader {
        salt: mtp_crypto::Salt::from_raw(1),
        session_id: mtp_crypto::SessionId::from_raw(2),
        msg_id: mtp_crypto::MsgId::from_raw(4),
        seq_no: mtp_crypto::SeqNo::from_raw(1),
    };
    let start = mtp_crypto::begin(&mut packet, header);
    packet.extend_from_slice(&body);
    pad(&mut packet, start, Padding::Minimum, &mut CtrEntropy::from_number(1)).unwrap();
    let job = SealJob::new(&auth_key, Side::Client, &mut packet);
    printed.check(&job, &body);
    printed.check(&job, &bytes);
    job.into_result().unwrap();
    let mut again = packet.clone();
    printed.check(&open(&auth_key, Side::Client, &mut again).unwrap(), &body);
    let mut jobs = [OpenJob::new(&auth_key, Side::Client, &mut packet)];
    printed.check(&jobs[0], &bytes);
    mtp_crypto::open_batch(&mut jobs);
    printed.check(&jobs[0], &body);

    let stored = KeyFileEntry {
        dc: mtp_crypto::DcId::new(1),
        expires_at: None,
        key: auth_key,
        salts: vec![],
    };
    printed.check(&stored, &bytes);
    printed.check(&KeyFile { clock_offset: 0, keys: vec![stored] }, &bytes);
}

fn key_exchange(printed: &mut Printed) {
    let new_nonce = NewNonce::new(secret_array(5));
    printed.check(&new_nonce, &secret(5, 32));
    for entry in &entries("tmp_aes", 4) {
        let new_nonce = NewNonce::new(array(entry, "new_nonce"));
        let tmp_aes = TmpAes::derive(&new_nonce, &ServerNonce::new(array(entry, "server_nonce")));
        printed.check(&tmp_aes, &bytes(entry, "tmp_aes_key"));
        printed.check(&tmp_aes, &bytes(entry, "tmp_aes_iv"));
    }
    let tmp_aes = TmpAes::derive(&new_nonce, &ServerNonce::new([1; 16]));
    let answer = secret(6, 100);
    let sealed = tmp_aes.seal(&answer, &mut CtrEntropy::from_number(1));
    printed.check(&tmp_aes.open(&sealed).unwrap(), &answer);

    let exponent = secret(7, 256);
    let dh = DhSecret::generate(&DhGroup::KNOWN, &mut Prepared::new([exponent.clone()])).unwrap();
    printed.check(&dh, &exponent);
    let shared = dh.shared(dh.public()).unwrap();
    let bytes_of_shared = *shared.as_bytes();
    printed.check(&shared, &bytes_of_shared);

    let entry = &section("rsa_test_key");
    let rsa = RsaPrivateKey::from_pem(text(entry, "private_pkcs1_pem")).unwrap();
    for field in ["d", "p", "q"] {
        printed.check(&rsa, &bytes(entry, field));
    }
    let data = secret(8, 96);
    let mut entropy = CtrEntropy::from_number(2);
    let encrypted = rsa.public().pad_encrypt(&data, &mut entropy).unwrap();
    let inner = rsa.decrypt(&encrypted, RsaSchemes::Current, &mut entropy).unwrap();
    printed.check(&inner, &data);
}

fn passwords(printed: &mut Printed) {
    let algo = PasswordAlgo::new(DhGroup::KNOWN, &secret(9, 40), &secret(10, 16));
    let verifier = secret_array::<256>(11);
    printed.check(&Verifier::from_bytes(&verifier), &verifier);
    let exponent = secret(12, 256);
    let mut entropy = Prepared::new([exponent.clone()]);
    let challenge =
        Challenge::new(algo.clone(), Verifier::from_bytes(&verifier), &mut entropy).unwrap();
    printed.check(&challenge, &verifier);
    printed.check(&challenge, &exponent);
    let proof = prove(&algo, b"password", challenge.public(), &mut CtrEntropy::from_number(1));
    let proof = proof.unwrap();
    printed.check(&proof, &proof.a);
    printed.check(&proof, &proof.m1);
}

fn chats_and_calls(printed: &mut Printed) {
    let mut entropy = CtrEntropy::from_number(13);
    let bytes = secret(14, 256);
    let key = AuthKey::new(secret_array(14)).unwrap();
    let hash = KeyHash::new(&key, &key);
    printed.check(&hash, hash.as_bytes());
    let body = secret(15, 64);
    let sealed = secret_chat::seal(&key, Side::Client, &body, Padding::Minimum, &mut entropy);
    let mut sealed = sealed.unwrap();
    let message = secret_chat::open(&key, Side::Client, &mut sealed, ChatVersions::Two).unwrap();
    printed.check(&message, &body);
    let mut keys = ChatKeys::new(DhGroup::KNOWN, key, UnixTime::from_secs(1));
    printed.check(&keys, &bytes);
    let exponent = secret(16, 256);
    let _request = keys.request(&mut Prepared::new([exponent.clone(), vec![7; 8]])).unwrap();
    printed.check(&keys, &exponent);
    let (file_key, file_iv) = (secret_array(17), secret_array(18));
    let file = secret_chat::FileKey::new(file_key, file_iv);
    printed.check(&file, &file_key);
    printed.check(&file, &file_iv);
    printed.check(&file.cipher(), &file_key);

    let exponents = || Prepared::new([exponent.clone()]);
    let caller = Caller::new(&DhGroup::KNOWN, &mut exponents()).unwrap();
    printed.check(&caller, &exponent);
    let callee = Callee::new(&DhGroup::KNOWN, caller.g_a_hash(), &mut entropy).unwrap();
    printed.check(&callee, &caller.g_a_hash());
    let agreed = caller.accepted(callee.public()).unwrap();
    printed.check(&agreed, agreed.key.as_bytes());
}

/// Returns the names of public structs and enums in the source.
fn public_types(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(public_types(&path));
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let items = source.lines().filter_map(|line| {
            let line = line.trim_start();
            line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "))
        });
        let name = |item: &str| {
            item.split(|c: char| !c.is_alphanumeric() && c != '$').next().unwrap().to_owned()
        };
        // `$name` is from the macros of identifiers and nonces, which have tests of their own.
        names.extend(items.map(name).filter(|name| !name.starts_with('$')));
    }
    names
}
