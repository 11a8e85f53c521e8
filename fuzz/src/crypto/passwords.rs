//! Two-factor passwords: the server's side with any client, the client's side with any server.

use std::sync::LazyLock;

use mtp_crypto::exchange::DhGroup;
use mtp_crypto::srp::{Challenge, PasswordAlgo, Verifier, check_new_password, new_password, prove};

use crate::input::Input;
use crate::known;

/// Verifies proofs, proves passwords and accepts new passwords.
///
/// Input: the operation, then the values of the peer.
pub fn srp(data: &[u8]) {
    let mut input = Input::new(data);
    let algo = || PasswordAlgo::new(DhGroup::KNOWN, b"salt one", b"salt two");
    let entropy = &mut known::entropy(12);
    match input.byte() % 3 {
        0 => {
            let verifier = Verifier::from_bytes(&VERIFIER);
            let challenge = Challenge::new(algo(), verifier, entropy).expect("one draw suffices");
            let (m1, a) = (input.array::<32>(), input.rest());
            assert!(challenge.verify(a, &m1).is_err(), "the password is unknown");
        }
        1 => {
            let value = input.rest();
            // The derivation needs 100,000 hashes, so most valid values are skipped.
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

/// Returns a verifier of a password that no input contains.
static VERIFIER: LazyLock<[u8; 256]> = LazyLock::new(|| {
    let offered = PasswordAlgo::new(DhGroup::KNOWN, b"salt one", b"salt two");
    new_password(&offered, b"unknown to the fuzzer", &mut known::entropy(13)).1.to_bytes()
});
