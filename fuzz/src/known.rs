//! Constants of all targets: keys, the clock, entropy.
//!
//! The fuzzer has the keys and seals its messages with them. So they pass the integrity checks, and no
//! production path has to skip those.

use std::sync::{Arc, LazyLock};

use mtp_crypto::exchange::RsaPrivateKey;
use mtp_crypto::{AuthKey, CtrEntropy};
use mtp_env::{Instant, Now, UnixTime};

/// Returns deterministic entropy.
pub(crate) fn entropy(number: u64) -> CtrEntropy {
    CtrEntropy::from_number(number)
}

/// Returns the start time of every run.
pub(crate) fn start() -> Now {
    Now { mono: Instant::from_micros(50_000_000), unix: UnixTime::from_secs(1_763_800_000) }
}

/// Returns the auth key shared by the fuzzer and all clients and servers.
pub(crate) fn auth_key() -> &'static Arc<AuthKey> {
    static KEY: LazyLock<Arc<AuthKey>> = LazyLock::new(|| {
        let bytes = core::array::from_fn(|at| u8::try_from(at % 251).unwrap_or(0));
        Arc::new(AuthKey::new(bytes).expect("the key id is not zero"))
    });
    &KEY
}

/// Returns the published private key of the vectors.
pub(crate) fn rsa_keys() -> &'static Arc<[RsaPrivateKey]> {
    static KEYS: LazyLock<Arc<[RsaPrivateKey]>> = LazyLock::new(|| {
        let key = RsaPrivateKey::from_pem(include_str!("test_key.pem"));
        Arc::new([key.expect("the test key is valid")])
    });
    &KEYS
}
