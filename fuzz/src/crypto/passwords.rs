//! Two-factor passwords: the server's side against any client, the client's against any server.

use std::sync::LazyLock;

use mtp_crypto::exchange::DhGroup;
use mtp_crypto::srp::{Challenge, PasswordAlgo, Verifier, check_new_password, new_password, prove};

use crate::input::Input;
use crate::known;

/// Verifies proofs, proves passwords, accepts new ones.
///
/// Input: which of them, then the peer's values.
pub fn srp(data: &[u8]) {
    let mut input = Input::new(data);
    let algo = || PasswordAlgo::new(DhGroup::KNOWN, b"salt one", b"salt two");
    let entropy = &mut known::entropy(12);
    match input.byte() % 3 {
        0 => {
            let verifier = Verifier::from_bytes(&VERIFIER);
            let challenge = Challenge::new(algo(), verifier, entropy).expect("one draw suffices");
            let (m1, a) = (input.array::<32>(), input.rest());
            assert!(challenge.verify(a, &m1).is_err(), "nobody knows the password");
        }
        1 => {
            let value = input.rest();
            // Deriving takes 100,000 hashes, so most values that pass their check are left alone.
            if value.len() != 256 || value[..255] == [0; 255] {
                let _ = prove(&algo(), b"password", value, entropy);
            }
        }
        _ => {
            let (salt1, salt2) = (input.short(), input.short());
            let chosen = PasswordAlgo::new(DhGroup::KNOWN, salt1, salt2);
            let accepted = check_new_password(&algo(), &chosen, input.rest());
            if accepted.is_ok() {
                assert!(salt1.starts_with(b"salt one") && salt1.len() >= 8 + 32);
                assert_eq!(salt2, b"salt two");
            }
        }
    }
}

/// A verifier of a password that no input can contain.
static VERIFIER: LazyLock<[u8; 256]> = LazyLock::new(|| {
    let offered = PasswordAlgo::new(DhGroup::KNOWN, b"salt one", b"salt two");
    new_password(&offered, b"unknown to the fuzzer", &mut known::entropy(13)).1.to_bytes()
});
