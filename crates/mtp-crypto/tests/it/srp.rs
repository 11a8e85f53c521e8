//! Two-factor passwords: client and server against the vectors and against each other.

use crate::prepared::{Prepared, Stuck};
use crate::vectors::{array, bytes, entries, text};
use mtp_crypto::CtrEntropy;
use mtp_crypto::exchange::{DhGroup, PrimeCache};
use mtp_crypto::srp::{
    Challenge, NewPasswordError, PasswordAlgo, ProveError, Verifier, VerifyError,
    check_new_password, new_password, prove,
};

#[test]
// spec: crypto 13
fn srp_vectors() {
    let (mut clients, mut servers) = (0, 0);
    for entry in &entries("srp", 4) {
        let name = text(entry, "name");
        let algo =
            PasswordAlgo::new(DhGroup::KNOWN, &bytes(entry, "salt1"), &bytes(entry, "salt2"));
        let a = bytes(entry, "a");
        // The entry with a = 1 is never drawn and has a unit test.
        if a.len() == 256 {
            let (password, b) = (bytes(entry, "password"), bytes(entry, "B"));
            let proof = prove(&algo, &password, &b, &mut Prepared::new([a])).unwrap();
            assert_eq!((proof.a, proof.m1), (array(entry, "A"), array(entry, "M1")), "{name}");
            clients += 1;
        }
        if entry.get("b").is_none() {
            continue;
        }
        let prefix = bytes(entry, "server_salt1_prefix");
        let offered = PasswordAlgo::new(DhGroup::KNOWN, &prefix, algo.salt2());
        let mut entropy = Prepared::new([bytes(entry, "client_random_32")]);
        let (chosen, verifier) = new_password(&offered, &bytes(entry, "password"), &mut entropy);
        assert_eq!(chosen.salt1(), algo.salt1());
        assert_eq!(verifier.to_bytes(), array(entry, "new_password_hash"));
        let verifier = check_new_password(&offered, &chosen, &verifier.to_bytes()).unwrap();
        let mut entropy = Prepared::new([bytes(entry, "b")]);
        let challenge = Challenge::new(algo, verifier, &mut entropy).unwrap();
        assert_eq!(*challenge.public(), array(entry, "B"));
        challenge.verify(&bytes(entry, "A"), &bytes(entry, "M1")).unwrap();
        servers += 1;
    }
    assert_eq!((clients, servers), (3, 2));
}

struct Account {
    algo: PasswordAlgo,
    verifier: [u8; 256],
    entropy: CtrEntropy,
}

impl Account {
    fn new(password: &[u8]) -> Self {
        let mut entropy = CtrEntropy::from_number(4);
        let offered = PasswordAlgo::new(DhGroup::KNOWN, b"prefix..", b"second salt");
        let (algo, verifier) = new_password(&offered, password, &mut entropy);
        Self { algo, verifier: verifier.to_bytes(), entropy }
    }

    fn challenge(&mut self) -> Challenge {
        let verifier = Verifier::from_bytes(&self.verifier);
        Challenge::new(self.algo.clone(), verifier, &mut self.entropy).unwrap()
    }
}

#[test]
fn proofs_of_other_passwords_are_rejected() {
    let mut account = Account::new(b"right");
    let challenge = account.challenge();
    let b = *challenge.public();
    let proof = prove(&account.algo, b"right", &b, &mut CtrEntropy::from_number(5)).unwrap();
    assert_eq!(challenge.verify(&proof.a, &proof.m1), Ok(()));

    let challenge = account.challenge();
    let b = *challenge.public();
    let wrong = prove(&account.algo, b"wrong", &b, &mut CtrEntropy::from_number(5)).unwrap();
    assert_eq!(challenge.verify(&wrong.a, &wrong.m1), Err(VerifyError::Proof));
    // A proof is valid for its own challenge only.
    assert_eq!(account.challenge().verify(&proof.a, &proof.m1), Err(VerifyError::Proof));
    assert_eq!(account.challenge().verify(&proof.a, &proof.m1[..31]), Err(VerifyError::Proof));
}

#[test]
// spec: crypto 13, 17#30
fn client_values_that_cancel_the_password_are_rejected() {
    let mut account = Account::new(b"right");
    let prime = DhGroup::KNOWN.prime();
    let mut beside = [prime, prime];
    beside[0][255] -= 1;
    beside[1][255] += 1;
    for a in [&[][..], &[0; 256], &[1], &prime, &beside[0], &beside[1], &[0xff; 256], &[1; 257]] {
        assert_eq!(account.challenge().verify(a, &[0; 32]), Err(VerifyError::ClientValue));
    }
    assert_eq!(account.challenge().verify(&[2], &[0; 32]), Err(VerifyError::Proof));
}

#[test]
// spec: crypto 13, 17#29
fn server_values_out_of_range_are_rejected() {
    let account = Account::new(b"right");
    let prime = DhGroup::KNOWN.prime();
    let mut below = prime;
    below[255] -= 1;
    let prove = |b: &[u8]| {
        prove(&account.algo, b"right", b, &mut CtrEntropy::from_number(5)).map(|proof| proof.m1)
    };
    for b in [&[][..], &[0; 256], &[1; 247], &[1; 257], &prime, &[0xff; 256]] {
        assert_eq!(prove(b), Err(ProveError::ServerValue));
    }
    prove(&below).unwrap();
    prove(&[1; 248]).unwrap();
    prove(&prime[..248]).unwrap();
}

#[test]
// spec: crypto 13
fn new_passwords_must_extend_the_offered_salt() {
    let with = |salt1: &[u8], salt2: &[u8]| PasswordAlgo::new(DhGroup::KNOWN, salt1, salt2);
    let offered = with(b"prefix", b"second");
    let chosen = |len| with(&[&b"prefix"[..], &vec![7; len]].concat(), b"second");
    let good = [0x55; 256];
    assert!(check_new_password(&offered, &chosen(32), &good).is_ok());
    assert!(check_new_password(&offered, &chosen(100), &good).is_ok());
    let refused = |chosen: &PasswordAlgo, hash: &[u8]| {
        check_new_password(&offered, chosen, hash).err().unwrap()
    };
    assert_eq!(refused(&chosen(31), &good), NewPasswordError::Salt);
    assert_eq!(refused(&with(&[7; 64], b"second"), &good), NewPasswordError::Salt);
    let other = with(&[&b"prefix"[..], &[7; 32]].concat(), b"other");
    assert_eq!(refused(&other, &good), NewPasswordError::Salt);
    let other_group = DhGroup::check(
        4,
        &DhGroup::KNOWN.prime(),
        &mut PrimeCache::new(),
        &mut Prepared::default(),
    );
    let other = PasswordAlgo::new(other_group.unwrap(), chosen(32).salt1(), b"second");
    assert_eq!(refused(&other, &good), NewPasswordError::Salt);
    for hash in [&[][..], &[0x55; 255], &[0; 256], &[0xff; 256], &DhGroup::KNOWN.prime()] {
        assert_eq!(refused(&chosen(32), hash), NewPasswordError::Hash);
    }
}

#[test]
fn broken_entropy_source_gives_an_error() {
    let account = Account::new(b"right");
    let proof = prove(&account.algo, b"right", &[1; 256], &mut Stuck(0)).map(|proof| proof.m1);
    assert_eq!(proof, Err(ProveError::Entropy));
}
