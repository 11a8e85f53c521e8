//! Goal: whoever reads an error knows what was wrong. Method: every error that can be made from outside, printed:
//! another text for each, in lower case, without a full stop, with its numbers in it.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use core::error::Error;
use std::collections::BTreeSet;

use mtp_crypto::bind::BindError;
use mtp_crypto::calls::CallError;
use mtp_crypto::cdn::CdnError;
use mtp_crypto::envelope::SealError;
use mtp_crypto::exchange::{
    DhGroupError, DhValueError, FactorError, OpenAnswerError, RsaDecryptError, RsaEncryptError,
    RsaKeyError,
};
use mtp_crypto::key_file::{OpenFileError, SealFileError};
use mtp_crypto::secret_chat::{AgreementError, LayerError, RekeyError, SequenceError};
use mtp_crypto::srp::{NewPasswordError, ProveError, VerifyError};
use mtp_crypto::{OpenError, ige};

/// Checks the texts of one type's values and that each says something else.
#[track_caller]
fn check<E: Error>(errors: impl IntoIterator<Item = E>) {
    let mut texts = BTreeSet::new();
    for error in errors {
        let text = error.to_string();
        assert!(text.contains(' ') && !text.ends_with('.'), "{error:?}: {text:?}");
        // Names such as RSA stay as they are.
        let second = text.chars().nth(1).unwrap();
        assert!(!text.starts_with(char::is_uppercase) || second.is_uppercase(), "{text:?}");
        // Numbers of fields are in the text.
        let debugged = format!("{error:?}");
        for number in debugged.split(|c: char| !c.is_ascii_digit()).filter(|n| n.len() > 2) {
            assert!(text.contains(number), "{debugged} says {text:?}");
        }
        assert!(texts.insert(text), "two errors with one text: {texts:?}");
    }
}

#[test]
fn of_packets() {
    check([OpenError]);
    check([BindError]);
    check([SealError::Body { len: 1003 }, SealError::NotPadded { len: 1003 }]);
    check([ige::encrypt(&[0; 32], &mut [0; 32], &mut [0; 117]).unwrap_err()]);
    check([
        CdnError::KeySize { key: 317, iv: 163 },
        CdnError::Offset { offset: 1003 },
        CdnError::Hash,
    ]);
}

#[test]
fn of_key_exchanges() {
    check([OpenAnswerError]);
    check([RsaDecryptError]);
    check([RsaEncryptError::TooLong { len: 1003 }, RsaEncryptError::Entropy]);
    check([
        RsaKeyError::Pem,
        RsaKeyError::Label,
        RsaKeyError::Der,
        RsaKeyError::Algorithm,
        RsaKeyError::ModulusSize { bits: 1024 },
        RsaKeyError::ModulusEven,
        RsaKeyError::Exponent,
        RsaKeyError::Inconsistent,
        RsaKeyError::Entropy,
    ]);
    check([
        FactorError::TooSmall,
        FactorError::Even,
        FactorError::Prime,
        FactorError::Square,
        FactorError::ManyFactors,
        FactorError::GivenUp,
    ]);
    check([
        DhGroupError::PrimeSize,
        DhGroupError::GeneratorRange { generator: 117 },
        DhGroupError::GeneratorNotResidue { generator: 117 },
        DhGroupError::NotSafePrime,
    ]);
    check([
        DhValueError::TooLong { len: 317 },
        DhValueError::TooSmall,
        DhValueError::TooLarge,
        DhValueError::Entropy,
    ]);
}

#[test]
fn of_passwords_and_key_files() {
    check([ProveError::ServerValue, ProveError::Entropy]);
    check([VerifyError::ClientValue, VerifyError::Proof]);
    check([NewPasswordError::Salt, NewPasswordError::Hash]);
    check([SealFileError::TooLarge, SealFileError::Memory]);
    check([
        OpenFileError::NotAKeyFile,
        OpenFileError::Version { found: 117 },
        OpenFileError::TooLarge { len: 1003 },
        OpenFileError::Memory,
        OpenFileError::Password,
        OpenFileError::Contents,
    ]);
}

#[test]
fn of_chats_and_calls() {
    check([
        CallError::Value(DhValueError::TooSmall),
        CallError::Commitment,
        CallError::Fingerprint,
    ]);
    let agreement = [AgreementError::Value(DhValueError::TooSmall), AgreementError::Fingerprint];
    check(agreement);
    check([RekeyError::Agreement(AgreementError::Fingerprint), RekeyError::Unexpected]);
    check([
        LayerError::NotMonotonic { layer: 117, declared: 118 },
        LayerError::Downgrade { layer: 117 },
    ]);
    check([
        SequenceError::Parity { seq_no: 117 },
        SequenceError::Acknowledgement { accepted: 117, before: 118, created: 119 },
        SequenceError::Gap { missing: 117 },
        SequenceError::Exhausted,
    ]);
}
