//! Complete exchanges: every packet of both parties from recorded random values.

use mtp_crypto::exchange::{
    DhGenAnswer, DhGroup, DhSecret, NewNonce, NewNonceHash, PrimeCache, RsaPrivateKey,
    RsaPublicKey, RsaScheme, RsaSchemes, ServerNonce, ShortNumber, TmpAes, factor, first_salt,
};
use mtp_crypto::{AuthKey, CtrEntropy};
use serde_json::Value;

use super::objects::{Run, packet};
use super::rsa::test_key;
use crate::prepared::Prepared;
use crate::vectors::{array, bytes, entries, number, section, text};

#[test]
// spec: crypto 7
// spec: crypto 8.2
// spec: crypto 8.4
// spec: crypto 8.7
// spec: crypto 8.8.6
// spec: crypto 8.10
fn auth_key_transcript_vectors() {
    let key = test_key();
    let mut packets = 0;
    for entry in entries("auth_key_transcripts", 5) {
        let replay = Replay::new(&key, &entry);
        let steps = entry["steps"].as_array().unwrap();
        let [req_pq, res_pq, req_dh_params, dh_params_ok, rest @ ..] = &steps[..] else {
            panic!("too few steps")
        };
        check(req_pq, "req_pq_multi", &replay.run.req_pq_multi());
        let pq = number(res_pq, "pq");
        let offer = [replay.key.public().fingerprint().as_raw()];
        check(res_pq, "resPQ", &replay.run.res_pq(ShortNumber::new(pq).as_bytes(), &offer));
        replay.check_req_dh_params(pq, req_dh_params);
        let a = replay.check_server_dh_params_ok(dh_params_ok);
        replay.check_key_generation(&a, rest);
        packets += steps.len();
    }
    assert_eq!(packets, 4 * 6 + 8);
}

/// Compares the body and packet of one step.
#[track_caller]
fn check(step: &Value, object: &str, body: &[u8]) {
    assert_eq!(text(step, "object"), object);
    assert_eq!(body, bytes(step, "body"), "{object}");
    assert_eq!(packet(number(step, "msg_id"), body), bytes(step, "packet"), "{object}");
}

struct Replay<'a> {
    key: &'a RsaPrivateKey,
    entry: &'a Value,
    run: Run,
    new_nonce: NewNonce,
    server_nonce: ServerNonce,
    tmp_aes: TmpAes,
}

impl<'a> Replay<'a> {
    fn new(key: &'a RsaPrivateKey, entry: &'a Value) -> Self {
        let run = Run {
            nonce: array(entry, "nonce"),
            server_nonce: array(entry, "server_nonce"),
            new_nonce: array(entry, "new_nonce"),
        };
        let (new_nonce, server_nonce) =
            (NewNonce::new(run.new_nonce), ServerNonce::new(run.server_nonce));
        let tmp_aes = TmpAes::derive(&new_nonce, &server_nonce);
        Self { key, entry, run, new_nonce, server_nonce, tmp_aes }
    }

    /// The client factors pq and encrypts; the server decrypts.
    fn check_req_dh_params(&self, pq: u64, step: &Value) {
        let found = factor(pq).unwrap();
        assert_eq!((found.p(), found.q()), (number(step, "p"), number(step, "q")));
        let numbers = [pq, found.p(), found.q()].map(ShortNumber::new);
        let numbers = [0, 1, 2].map(|index| numbers[index].as_bytes());
        let int = |field: &str| self.entry[field].as_i64().map(|int| i32::try_from(int).unwrap());
        let inner = self.run.inner_data(numbers, int("dc"), int("expires_in"));
        assert_eq!(inner, bytes(step, "p_q_inner_data"));

        let keys = step["rsa_attempts"].as_array().unwrap().iter();
        let keys = keys.flat_map(|attempt| bytes(attempt, "temp_key")).collect();
        let mut random = Prepared::new([bytes(step, "rsa_random_padding"), keys]);
        let encrypted = self.key.public().pad_encrypt(&inner, &mut random).unwrap();
        random.assert_used();
        let fingerprint = self.key.public().fingerprint().as_raw();
        let [_, p, q] = numbers;
        check(step, "req_DH_params", &self.run.req_dh_params([p, q], fingerprint, &encrypted));

        let mut blinding = CtrEntropy::from_number(1);
        let opened = self.key.decrypt(&encrypted, RsaSchemes::Current, &mut blinding).unwrap();
        assert!(opened.as_bytes().starts_with(&inner));
        assert_eq!(opened.scheme(), RsaScheme::Current);
    }

    /// The server draws its secret and encrypts the public value; the client decrypts.
    fn check_server_dh_params_ok(&self, step: &Value) -> DhSecret {
        let group = DhGroup::KNOWN;
        let a = DhSecret::generate(&group, &mut Prepared::new([bytes(step, "a")])).unwrap();
        assert_eq!(a.public()[..], bytes(step, "g_a"));
        let time = i32::try_from(number(step, "server_time")).unwrap();
        let values = [&group.prime()[..], a.public()];
        let inner = self.run.server_dh_inner_data(group.generator(), values, time);
        assert_eq!(inner, bytes(step, "server_DH_inner_data"));

        let sealed = self.seal(&inner, step);
        check(step, "server_DH_params_ok", &self.run.server_dh_params_ok(&sealed));
        assert_eq!(self.tmp_aes.open(&sealed).unwrap().as_bytes(), inner);
        a
    }

    /// The client draws secrets until the server accepts the key.
    fn check_key_generation(&self, a: &DhSecret, steps: &[Value]) {
        let group = DhGroup::check(
            3,
            &DhGroup::KNOWN.prime(),
            &mut PrimeCache::new(),
            &mut Prepared::new([]),
        )
        .unwrap();
        let mut retry_id = [0; 8];
        for pair in steps.chunks(2) {
            let [set_client, answer] = pair else { panic!("an answer is missing") };
            let b =
                DhSecret::generate(&group, &mut Prepared::new([bytes(set_client, "b")])).unwrap();
            assert_eq!(b.public()[..], bytes(set_client, "g_b"));
            assert_eq!(retry_id, array(set_client, "retry_id"));
            let inner = self.run.client_dh_inner_data(retry_id, b.public());
            assert_eq!(inner, bytes(set_client, "client_DH_inner_data"));
            let sealed = self.seal(&inner, set_client);
            check(set_client, "set_client_DH_params", &self.run.set_client_dh_params(&sealed));
            assert_eq!(self.tmp_aes.open(&sealed).unwrap().as_bytes(), inner);

            let shared = b.shared(a.public()).unwrap();
            assert_eq!(shared.as_bytes(), a.shared(b.public()).unwrap().as_bytes());
            assert_eq!(shared.as_bytes()[..], bytes(set_client, "auth_key"));
            let key = shared.into_auth_key().unwrap();
            assert_eq!(key.id().to_le_bytes(), array(set_client, "auth_key_id"));
            assert_eq!(key.aux_hash(), array(set_client, "auth_key_aux_hash"));
            self.check_answer(&key, answer);
            retry_id = key.aux_hash();
        }
        let salt = first_salt(&self.new_nonce, &self.server_nonce);
        assert_eq!(salt.to_le_bytes(), array(self.entry, "server_salt"));
    }

    fn check_answer(&self, key: &AuthKey, step: &Value) {
        let (id, answer) = match text(step, "object") {
            "dh_gen_ok" => (0x3bcb_f734, DhGenAnswer::Ok),
            "dh_gen_retry" => (0x46dc_1fb9, DhGenAnswer::Retry),
            "dh_gen_fail" => (0xa69d_ae02, DhGenAnswer::Fail),
            other => panic!("{other}"),
        };
        let hash = NewNonceHash::of_dh_gen(&self.new_nonce, answer, key.aux_hash());
        check(step, text(step, "object"), &self.run.dh_gen(id, hash.as_bytes()));
    }

    fn seal(&self, inner: &[u8], step: &Value) -> Vec<u8> {
        let mut padding = Prepared::new([bytes(step, "padding")]);
        let sealed = self.tmp_aes.seal(inner, &mut padding);
        padding.assert_used();
        sealed
    }
}

/// An exchange with a production server, from Telegram's documentation.
#[test]
// spec: crypto 8.3
// spec: crypto 8.7
// spec: crypto 8.8.6
// spec: crypto 8.10
fn documentation_sample_of_2024() {
    let sample = section("auth_key_documentation_sample_2024");
    let key = test_key();
    let replay = Replay::new(&key, &sample);
    let run = &replay.run;
    let msg_id = u64::from_le_bytes(bytes(&sample, "sent_1")[8..16].try_into().unwrap());
    assert_eq!(packet(msg_id, &run.req_pq_multi()), bytes(&sample, "sent_1"));

    let found = factor(number(&sample, "pq")).unwrap();
    assert_eq!((found.p(), found.q()), (number(&sample, "p"), number(&sample, "q")));
    let numbers = [found.pq(), found.p(), found.q()].map(ShortNumber::new);
    let numbers = [0, 1, 2].map(|index| numbers[index].as_bytes());
    let offers = sample["fingerprints"].as_array().unwrap().iter();
    let offers = offers.map(|offer| crate::vectors::hex(offer.as_str().unwrap()));
    let offers = offers.map(|offer| u64::from_le_bytes(offer.try_into().unwrap()));
    let res_pq = run.res_pq(numbers[0], &offers.collect::<Vec<_>>());
    assert_eq!(res_pq, bytes(&sample, "received_1_without_trailer"));
    assert_eq!(run.inner_data(numbers, Some(2), None), bytes(&sample, "data"));

    let g_a = bytes(&sample, "g_a");
    let prime = bytes(&sample, "dh_prime");
    let answer = run.server_dh_inner_data(3, [&prime, &g_a], 1_705_754_877);
    assert_eq!(answer, bytes(&sample, "answer"));
    let sealed = bytes(&sample, "encrypted_answer");
    assert_eq!(replay.tmp_aes.open(&sealed).unwrap().as_bytes(), answer);
    let mut padding = Prepared::new([bytes(&sample, "answer_padding")]);
    assert_eq!(replay.tmp_aes.seal(&answer, &mut padding), sealed);

    let group = DhGroup::check(3, &prime, &mut PrimeCache::new(), &mut Prepared::new([])).unwrap();
    let b = DhSecret::generate(&group, &mut Prepared::new([bytes(&sample, "b")])).unwrap();
    assert_eq!(b.public()[..], bytes(&sample, "g_b"));
    let inner = run.client_dh_inner_data([0; 8], b.public());
    assert_eq!(inner, bytes(&sample, "client_DH_inner_data"));
    let mut padding = Prepared::new([bytes(&sample, "client_padding")]);
    let sealed = replay.tmp_aes.seal(&inner, &mut padding);
    assert_eq!(sealed, bytes(&sample, "client_encrypted_data"));

    let shared = b.shared(&g_a).unwrap();
    assert_eq!(shared.as_bytes()[..], bytes(&sample, "auth_key"));
    let key = shared.into_auth_key().unwrap();
    assert_eq!(key.id().to_le_bytes(), array(&sample, "auth_key_id"));
    assert_eq!(key.aux_hash(), array(&sample, "auth_key_aux_hash"));
    let hash = NewNonceHash::of_dh_gen(&replay.new_nonce, DhGenAnswer::Ok, key.aux_hash());
    assert!(hash.matches(&array(&sample, "new_nonce_hash1")));
    let salt = first_salt(&replay.new_nonce, &replay.server_nonce);
    assert_eq!(salt.to_le_bytes(), array(&sample, "server_salt"));
}

/// All four constructors of the inner data round trip under both schemes.
#[test]
// spec: crypto 8.1
// spec: crypto 8.5
fn p_q_inner_data_vectors() {
    let key = test_key();
    let mut entropy = CtrEntropy::from_number(31);
    let nonces: Vec<u8> = (0..64).collect();
    let run = Run {
        nonce: nonces[..16].try_into().unwrap(),
        server_nonce: nonces[16..32].try_into().unwrap(),
        new_nonce: nonces[32..].try_into().unwrap(),
    };
    for entry in entries("p_q_inner_data_variants", 4) {
        let int = |field: &str| entry[field].as_i64().map(|int| i32::try_from(int).unwrap());
        let data = run.inner_data([&[15], &[3], &[5]], int("dc"), int("expires_in"));
        assert_eq!(data, bytes(&entry, "serialized"), "{}", text(&entry, "name"));
        for legacy in [false, true] {
            let public = key.public();
            let encrypt =
                if legacy { RsaPublicKey::legacy_encrypt } else { RsaPublicKey::pad_encrypt };
            let encrypted = encrypt(public, &data, &mut entropy).unwrap();
            let opened =
                key.decrypt(&encrypted, RsaSchemes::CurrentAndLegacy, &mut entropy).unwrap();
            assert!(opened.as_bytes().starts_with(&data));
            assert_eq!(opened.as_bytes().len() == data.len(), legacy);
        }
    }
}
