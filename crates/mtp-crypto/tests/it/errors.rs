//! Errors return their source instead of printing it, so that a report shows each cause once.
//!
//! The test fails for an error type of the crate that is not checked here.

use core::error::Error;
use std::collections::BTreeSet;
use std::path::Path;

use mtp_crypto::bind::BindError;
use mtp_crypto::calls::CallKeyError;
use mtp_crypto::cdn::CdnError;
use mtp_crypto::exchange::{
    DhGroupError, DhValueError, FactorError, OpenAnswerError, RsaDecryptError, RsaEncryptError,
    RsaKeyError,
};
use mtp_crypto::ige::{self, NotWholeBlocks};
use mtp_crypto::key_file::{Cost, CostError, OpenFileError, SealFileError};
use mtp_crypto::secret_chat::{
    AgreementError, FewRandomBytes, LayerError, RekeyError, ResendRange, SequenceError,
    check_random_bytes,
};
use mtp_crypto::srp::{NewPasswordError, ProveError, VerifyError};
use mtp_crypto::{OpenError, SealError, ZeroKeyId};

/// The names of the checked types.
#[derive(Default)]
struct Checked(BTreeSet<String>);

impl Checked {
    #[track_caller]
    fn check<E: Error + 'static>(&mut self, errors: impl IntoIterator<Item = E>) {
        for error in errors {
            let mut outer = error.to_string();
            let mut source = error.source();
            while let Some(inner) = source {
                let text = inner.to_string();
                assert!(!outer.contains(&text), "{outer:?} prints its source {text:?}");
                (outer, source) = (text, inner.source());
            }
        }
        let name = core::any::type_name::<E>();
        self.0.insert(name.rsplit("::").next().unwrap().to_owned());
    }
}

#[test]
fn no_error_prints_its_source() {
    let mut checked = Checked::default();
    messages(&mut checked);
    key_exchange(&mut checked);
    passwords_and_key_files(&mut checked);
    chats_and_calls(&mut checked);

    let expected = error_types(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(expected.len() > 20, "the source was found");
    assert_eq!(checked.0, expected);
}

fn messages(checked: &mut Checked) {
    checked.check([OpenError]);
    checked.check([SealError::Body { len: 7 }, SealError::NotPadded { len: 40 }]);
    checked.check([BindError]);
    // Only a key with id zero yields this error, and no such key is known.
    checked.check::<ZeroKeyId>([]);
    checked.check::<NotWholeBlocks>(ige::encrypt(&[0; 32], &mut [0; 32], &mut [0; 17]).err());
    checked.check([
        CdnError::KeySize { key: 31, iv: 15 },
        CdnError::Offset { offset: 8 },
        CdnError::Hash,
    ]);
}

fn key_exchange(checked: &mut Checked) {
    checked.check([
        FactorError::TooSmall,
        FactorError::Even,
        FactorError::Prime,
        FactorError::Square,
        FactorError::ManyFactors,
        FactorError::GivenUp,
    ]);
    checked.check([
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
    checked.check([RsaEncryptError::TooLong { len: 145 }, RsaEncryptError::Entropy]);
    checked.check([RsaDecryptError]);
    checked.check([OpenAnswerError]);
    checked.check([
        DhGroupError::PrimeSize,
        DhGroupError::GeneratorRange { generator: 8 },
        DhGroupError::GeneratorNotResidue { generator: 2 },
        DhGroupError::NotSafePrime,
    ]);
    checked.check(DH_VALUE_ERRORS);
}

fn passwords_and_key_files(checked: &mut Checked) {
    checked.check([ProveError::ServerValue, ProveError::Entropy]);
    checked.check([VerifyError::ClientValue, VerifyError::Proof]);
    checked.check([NewPasswordError::Salt, NewPasswordError::Hash]);
    let cost: CostError = Cost::new(0, 0, 0).unwrap_err();
    checked.check([cost]);
    checked.check([SealFileError::TooLarge, SealFileError::Memory]);
    checked.check([
        OpenFileError::NotAKeyFile,
        OpenFileError::Version { found: 2 },
        OpenFileError::Cost(cost),
        OpenFileError::TooLarge { len: 1 << 20 },
        OpenFileError::Memory,
        OpenFileError::Password,
        OpenFileError::Contents,
    ]);
}

fn chats_and_calls(checked: &mut Checked) {
    let agreement = || {
        let values = DH_VALUE_ERRORS.into_iter().map(AgreementError::Value);
        values.chain([AgreementError::Fingerprint])
    };
    checked.check(agreement());
    checked.check(agreement().map(RekeyError::Agreement).chain([RekeyError::Unexpected]));
    let call = DH_VALUE_ERRORS.into_iter().map(CallKeyError::Value);
    checked.check(call.chain([CallKeyError::Commitment, CallKeyError::Fingerprint]));
    checked.check([
        LayerError::NotMonotonic { layer: 73, declared: 101 },
        LayerError::Downgrade { layer: 101 },
    ]);
    checked.check::<FewRandomBytes>(check_random_bytes(&[]).err());
    checked.check([
        SequenceError::Parity { seq_no: 1 },
        SequenceError::Acknowledgment { accepted: 1, before: 2, created: 3 },
        SequenceError::Gap { missing: 1001 },
        SequenceError::Resend { range: ResendRange { start_seq_no: 2, end_seq_no: 8 }, created: 3 },
        SequenceError::Exhausted,
    ]);
}

const DH_VALUE_ERRORS: [DhValueError; 4] = [
    DhValueError::TooLong { len: 257 },
    DhValueError::TooSmall,
    DhValueError::TooLarge,
    DhValueError::Entropy,
];

/// Returns the names of the error types in the source.
fn error_types(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(error_types(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            let impls =
                source.lines().filter_map(|line| line.strip_prefix("impl core::error::Error for "));
            names.extend(impls.map(|rest| rest.trim_end_matches([' ', '{', '}']).to_owned()));
        }
    }
    names
}
