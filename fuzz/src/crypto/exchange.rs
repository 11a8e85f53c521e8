//! The arithmetic of the key exchange.

use std::sync::LazyLock;

use mtp_crypto::exchange::{
    CURVES_MAX, DhGroup, DhSecret, Effort, FactorError, NewNonce, PrimeCache, RHO_STEPS_MAX,
    RsaSchemes, ServerNonce, ShortNumber, TmpAes, factor_counting,
};
use mtp_crypto::hash::sha1;

use crate::input::Input;
use crate::{known, textbook};

/// Factors numbers: the product of the factors is the number, and the effort is bounded.
///
/// Input: the encoded number.
pub fn pq_factor(data: &[u8]) {
    let Some(pq) = ShortNumber::read(data) else {
        assert!(data.len() > 8);
        return;
    };
    assert_eq!(ShortNumber::read(ShortNumber::new(pq).as_bytes()), Some(pq));
    let mut effort = Effort::default();
    let factors = factor_counting(pq, &mut effort);
    assert!(effort.curves <= CURVES_MAX && effort.rho_steps <= RHO_STEPS_MAX);
    match factors {
        Ok(found) => {
            assert!(found.p() < found.q() && found.p() > 2);
            assert_eq!(found.p().checked_mul(found.q()), Some(pq));
        }
        Err(FactorError::Square) => assert_eq!(pq.isqrt().pow(2), pq),
        Err(FactorError::Even) => assert!(pq.is_multiple_of(2)),
        Err(error) => assert_ne!(error, FactorError::GivenUp, "{pq}"),
    }
}

/// Decrypts blocks with the server's key: any blocks, and encrypted ones.
///
/// Input: the mode, a bit to flip, then block or data.
pub fn rsa_inner(data: &[u8]) {
    let mut input = Input::new(data);
    let mode = input.byte() % 3;
    let bit = usize::from(input.u16()) % 2048;
    let bytes = input.rest();
    let entropy = &mut known::entropy(3);
    let key = &known::rsa_keys()[0];
    let schemes = RsaSchemes::CurrentAndLegacy;
    let mut encrypted = match mode {
        0 => {
            let _ = key.decrypt(bytes, schemes, entropy);
            return;
        }
        1 => key.public().pad_encrypt(bytes, entropy),
        _ => key.public().legacy_encrypt(bytes, entropy),
    };
    let Ok(block) = &mut encrypted else { return };
    if let Ok(inner) = key.decrypt(block, schemes, entropy) {
        assert!(inner.as_bytes().starts_with(bytes));
    } else {
        assert_eq!(mode, 2, "only the legacy scheme restricts lengths");
    }
    block[bit / 8] ^= 1 << (bit % 8);
    assert!(key.decrypt(block, schemes, entropy).is_err(), "bit {bit} flipped");
}

/// Opens packets with the temporary key: any bytes, and sealed plaintexts.
///
/// Input: the mode, the length covered by the hash, then the plaintext or packet.
pub fn tmp_aes(data: &[u8]) {
    let mut input = Input::new(data);
    let mode = input.byte() % 3;
    let hashed = usize::from(input.u16());
    let bytes = input.rest();
    let (new, server) = (NewNonce::new([4; 32]), ServerNonce::new([5; 16]));
    let aes = TmpAes::derive(&new, &server);
    if mode == 0 {
        let sealed = aes.seal(bytes, &mut known::entropy(4));
        assert_eq!(aes.open(&sealed).expect("as sealed").as_bytes(), bytes);
        let _ = aes.open(bytes);
        return;
    }
    let covered = &bytes[..hashed.min(bytes.len())];
    let hash = if mode == 1 { sha1(&[covered]) } else { [0; 20] };
    let mut sealed = [&hash, bytes].concat();
    sealed.truncate(sealed.len() / 16 * 16);
    let (key, mut iv) = tmp_keys(new.as_bytes(), server.as_bytes());
    textbook::ige_encrypt(&key, &mut iv, &mut sealed);
    let kept = sealed.len().saturating_sub(20);
    let sound = sealed.len() >= 20 && covered.len() <= kept && kept - covered.len() <= 15;
    match aes.open(&sealed) {
        Ok(opened) => {
            assert!(mode == 1 && sound);
            assert_eq!(opened.as_bytes(), covered);
        }
        Err(_) => assert!(mode == 2 || !sound),
    }
}

/// Returns the temporary key by the formula of the specification.
fn tmp_keys(new: &[u8; 32], server: &[u8; 16]) -> ([u8; 32], [u8; 32]) {
    let new_server = sha1(&[new, server]);
    let server_new = sha1(&[server, new]);
    let new_new = sha1(&[new, new]);
    let key = [&new_server, &server_new[..12]].concat();
    let iv = [&server_new[12..], &new_new, &new[..4]].concat();
    (textbook::part(&key, 0), textbook::part(&iv, 0))
}

/// Checks groups and public values. With a valid value both sides compute the same key.
///
/// Input: group or value, the generator, then the number.
pub fn dh_values(data: &[u8]) {
    let mut input = Input::new(data);
    if input.flag() {
        let generator = i32::from(input.byte()) - 4;
        let entropy = &mut known::entropy(8);
        if let Ok(group) = DhGroup::check(generator, input.rest(), &mut PrimeCache::new(), entropy)
        {
            assert_eq!(group.generator(), generator);
            assert!((2..=7).contains(&generator));
        }
        return;
    }
    let value = input.rest();
    let bits = value
        .iter()
        .position(|byte| *byte != 0)
        .map_or(0, |zeros| (value.len() - zeros) * 8 - value[zeros].leading_zeros() as usize);
    match SECRET.shared(value) {
        Ok(shared) => {
            assert!(bits > 1984 && value.len() <= 256);
            assert_ne!(shared.as_bytes(), &[0; 256]);
        }
        Err(_) => assert!(bits <= 1984 || bits >= 2048 || value.len() > 256),
    }
}

/// Returns the secret of the honest side.
static SECRET: LazyLock<DhSecret> = LazyLock::new(|| {
    DhSecret::generate(&DhGroup::KNOWN, &mut known::entropy(7)).expect("one draw suffices")
});
