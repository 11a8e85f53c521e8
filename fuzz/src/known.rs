//! What both the targets and their seeds know: keys, a clock, randomness.
//!
//! The fuzzer holds the keys: what it makes is sealed with them, so that it gets past the integrity
//! checks without a production path that skips them.

use std::sync::{Arc, LazyLock};

use mtp_crypto::exchange::RsaPrivateKey;
use mtp_crypto::{AuthKey, CtrEntropy};
use mtp_env::{Instant, Now, UnixTime};

/// Returns randomness that is the same in every run.
pub(crate) fn entropy(number: u64) -> CtrEntropy {
    CtrEntropy::from_number(number)
}

/// Returns when every run begins.
pub(crate) fn start() -> Now {
    Now { mono: Instant::from_micros(50_000_000), unix: UnixTime::from_secs(1_763_800_000) }
}

/// The key that clients and servers of all targets share with the fuzzer.
pub(crate) fn auth_key() -> &'static Arc<AuthKey> {
    static KEY: LazyLock<Arc<AuthKey>> = LazyLock::new(|| {
        let bytes = core::array::from_fn(|at| u8::try_from(at % 251).unwrap_or(0));
        Arc::new(AuthKey::new(bytes).expect("its id is not zero"))
    });
    &KEY
}

/// The published private key of the vectors.
pub(crate) fn rsa_keys() -> &'static Arc<[RsaPrivateKey]> {
    static KEYS: LazyLock<Arc<[RsaPrivateKey]>> = LazyLock::new(|| {
        let key = RsaPrivateKey::from_pem(include_str!("test_key.pem"));
        Arc::new([key.expect("the test key is sound")])
    });
    &KEYS
}
