//! The key exchange compared with grammers, num-bigint (which grammers uses) and OpenSSL.

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, criterion_main};
use mtp_benches::{bytes, harness, report};
use mtp_crypto::exchange::{
    DhGenAnswer, DhGroup, DhSecret, KNOWN_KEYS, NewNonce, NewNonceHash, Pq, PrimeCache,
    RsaPrivateKey, RsaPublicKey, RsaSchemes, ServerNonce, TmpAes, factor, first_salt,
};
use mtp_crypto::{CtrEntropy, hash};
use num_bigint::BigUint;

fn pq(c: &mut Criterion) {
    print_percentiles();
    let mut group = c.benchmark_group("exchange/pq");
    let mut numbers = numbers(512).into_iter().cycle();
    group.bench_function("ours", |b| b.iter(|| factor(numbers.next().unwrap())));
    group.bench_function("grammers", |b| {
        b.iter(|| grammers_crypto::factorize(numbers.next().unwrap()));
    });
    group.finish();
}

/// Prints percentiles, because the mean hides slow cases.
fn print_percentiles() {
    let mut times = numbers(10_000).into_iter().map(|number| {
        let start = Instant::now();
        black_box(factor(number).unwrap());
        start.elapsed()
    });
    let mut times: Vec<_> = times.by_ref().collect();
    times.sort_unstable();
    for (name, at) in [("median", 5_000), ("p99", 9_900), ("worst", 9_999)] {
        let nanoseconds = u64::try_from(times[at].as_nanos()).unwrap_or(u64::MAX);
        report(&format!("exchange/pq/{name}"), nanoseconds);
    }
}

/// `g_a^b`: variable base, secret exponent.
fn power(c: &mut Criterion) {
    let mut group = c.benchmark_group("exchange/power");
    let (secret, exponent) = secret();
    let peer = *secret.public();
    group.bench_function("ours", |b| b.iter(|| secret.shared(&peer).unwrap()));
    let (base, prime) = (big(&peer), big(&DhGroup::KNOWN.prime()));
    group.bench_function("num_bigint", |b| b.iter(|| base.modpow(&exponent, &prime)));
    #[cfg(feature = "openssl")]
    group.bench_function("openssl", |b| openssl_power(b, &base, &exponent));
    group.finish();
}

/// `g^b`: fixed base, secret exponent.
fn power_of_3(c: &mut Criterion) {
    let mut group = c.benchmark_group("exchange/power_of_3");
    let (_, exponent) = secret();
    let mut entropy = CtrEntropy::from_number(1);
    group.bench_function("ours", |b| {
        b.iter(|| DhSecret::generate(&DhGroup::KNOWN, &mut entropy).unwrap());
    });
    let (base, prime) = (BigUint::from(3u8), big(&DhGroup::KNOWN.prime()));
    group.bench_function("num_bigint", |b| b.iter(|| base.modpow(&exponent, &prime)));
    #[cfg(feature = "openssl")]
    group.bench_function("openssl", |b| openssl_power(b, &base, &exponent));
    group.finish();
}

#[cfg(feature = "openssl")]
fn openssl_power(b: &mut criterion::Bencher<'_>, base: &BigUint, exponent: &BigUint) {
    use openssl::bn::{BigNum, BigNumContext};
    let number = |number: &BigUint| BigNum::from_slice(&number.to_bytes_be()).unwrap();
    let (base, mut exponent) = (number(base), number(exponent));
    exponent.set_const_time();
    let prime = number(&big(&DhGroup::KNOWN.prime()));
    let (mut power, mut context) = (BigNum::new().unwrap(), BigNumContext::new().unwrap());
    b.iter(|| power.mod_exp(&base, &exponent, &prime, &mut context).unwrap());
}

/// `g^b` and `g_a^b`: both powers of one side of an exchange.
fn both_powers(c: &mut Criterion) {
    let mut group = c.benchmark_group("exchange/both_powers");
    let (secret, exponent) = secret();
    let peer = *secret.public();
    let mut entropy = CtrEntropy::from_number(1);
    group.bench_function("ours", |b| {
        b.iter(|| {
            let secret = DhSecret::generate(&DhGroup::KNOWN, &mut entropy).unwrap();
            secret.shared(&peer).unwrap()
        });
    });
    let (base, prime) = (big(&peer), big(&DhGroup::KNOWN.prime()));
    group.bench_function("num_bigint", |b| {
        b.iter(|| {
            black_box(BigUint::from(3u8).modpow(&exponent, &prime));
            base.modpow(&exponent, &prime)
        });
    });
    group.finish();
}

/// Ours and grammers: the whole encryption; num-bigint: only the power.
fn rsa_public(c: &mut Criterion) {
    let mut group = c.benchmark_group("exchange/rsa_public");
    let key = KNOWN_KEYS[0].public_key();
    let mut entropy = CtrEntropy::from_number(1);
    let data = bytes(100);
    group.bench_function("ours", |b| b.iter(|| key.pad_encrypt(&data, &mut entropy).unwrap()));
    let theirs = grammers_key(&key);
    let random = bytes(224).try_into().unwrap();
    group.bench_function("grammers", |b| {
        b.iter(|| grammers_crypto::rsa::encrypt_hashed(&data, &theirs, &random));
    });
    let (message, exponent) = (big(&bytes(255)), BigUint::from(key.exponent()));
    let modulus = big(&key.modulus());
    group.bench_function("num_bigint", |b| b.iter(|| message.modpow(&exponent, &modulus)));
    group.finish();
}

/// Ours and OpenSSL include blinding and checks; num-bigint has no private operation.
fn rsa_private(c: &mut Criterion) {
    let mut group = c.benchmark_group("exchange/rsa_private");
    let mut entropy = CtrEntropy::from_number(1);
    let key = RsaPrivateKey::generate(&mut entropy).unwrap();
    let sealed = key.public().pad_encrypt(&bytes(100), &mut entropy).unwrap();
    group.bench_function("ours", |b| {
        b.iter(|| key.decrypt(&sealed, RsaSchemes::Current, &mut entropy).unwrap());
    });
    #[cfg(feature = "openssl")]
    group.bench_function("openssl", |b| {
        let theirs = openssl::rsa::Rsa::private_key_from_pem(key.to_pkcs1_pem().as_bytes());
        let (theirs, mut out) = (theirs.unwrap(), [0; 256]);
        b.iter(|| theirs.private_decrypt(&sealed, &mut out, openssl::rsa::Padding::NONE).unwrap());
    });
    group.finish();
}

/// The first check of an unknown prime.
fn prime(c: &mut Criterion) {
    let mut group = c.benchmark_group("exchange/prime");
    let vectors: &str = include_str!("../../vectors/crypto.json");
    let entry = vectors.split("RFC 3526 group 14, g=2").nth(1).unwrap();
    let digits = entry.split("\"p\":").nth(1).unwrap().split('"').nth(1).unwrap();
    let prime = BigUint::parse_bytes(digits.as_bytes(), 16).unwrap().to_bytes_be();
    let mut entropy = CtrEntropy::from_number(1);
    group.sample_size(10);
    group.bench_function("ours", |b| {
        b.iter(|| DhGroup::check(2, &prime, &mut PrimeCache::new(), &mut entropy).unwrap());
    });
    group.finish();
}

/// All computations of a client in one exchange, from `pq` to the first salt.
///
/// The steps of grammers hide their state and use the system's entropy, so a server cannot be
/// simulated. Its side calls its functions in the order of `grammers_mtproto::authentication`.
fn client(c: &mut Criterion) {
    let mut group = c.benchmark_group("exchange/client");
    let key = KNOWN_KEYS[0].public_key();
    let g_a = *secret().0.public();
    let answer = bytes(564);
    let mut numbers = numbers(512).into_iter().cycle();
    let (new_nonce, server_nonce) = (NewNonce::new([7; 32]), ServerNonce::new([9; 16]));
    let sealed =
        TmpAes::derive(&new_nonce, &server_nonce).seal(&answer, &mut CtrEntropy::from_number(2));

    let mut entropy = CtrEntropy::from_number(1);
    let mut primes = PrimeCache::new();
    let prime = DhGroup::KNOWN.prime();
    group.bench_function("ours", |b| {
        b.iter(|| {
            black_box(factor(numbers.next().unwrap()).unwrap());
            black_box(key.pad_encrypt(&answer[..100], &mut entropy).unwrap());
            let aes = TmpAes::derive(&new_nonce, &server_nonce);
            black_box(aes.open(&sealed).unwrap());
            let group = DhGroup::check(3, &prime, &mut primes, &mut entropy).unwrap();
            let secret = DhSecret::generate(&group, &mut entropy).unwrap();
            black_box(aes.seal(&answer[..304], &mut entropy));
            let key = secret.shared(&g_a).unwrap().into_auth_key().unwrap();
            black_box(NewNonceHash::of_dh_gen(&new_nonce, DhGenAnswer::Ok, key.aux_hash()));
            black_box(first_salt(&new_nonce, &server_nonce));
            key
        });
    });
    let key = grammers_key(&key);
    let random = bytes(224).try_into().unwrap();
    let (nonce, server_nonce) = ([7; 32], [9; 16]);
    group.bench_function("grammers", |b| {
        b.iter(|| {
            black_box(grammers_crypto::factorize(numbers.next().unwrap()));
            black_box(grammers_crypto::rsa::encrypt_hashed(&answer[..100], &key, &random));
            let (aes_key, iv) =
                grammers_crypto::generate_key_data_from_nonce(&server_nonce, &nonce);
            let mut opened = sealed.clone();
            grammers_crypto::aes::ige_decrypt(&mut opened, &aes_key, &iv);
            black_box(hash::sha1(&[&opened[20..584]]));
            let prime = big(&prime);
            let exponent = big(&bytes(256));
            black_box(BigUint::from(3u8).modpow(&exponent, &prime));
            let shared = big(&g_a).modpow(&exponent, &prime);
            let mut data = answer[..336].to_vec();
            black_box(hash::sha1(&[&data[20..324]]));
            grammers_crypto::aes::ige_encrypt(&mut data, &aes_key, &iv);
            let mut shared = shared.to_bytes_be();
            shared.resize(256, 0);
            let key = grammers_crypto::AuthKey::from_bytes(shared.try_into().unwrap());
            black_box(key.calc_new_nonce_hash(&nonce, 1));
            data
        });
    });
    group.finish();
}

fn numbers(count: usize) -> Vec<u64> {
    let mut entropy = CtrEntropy::from_number(5);
    (0..count).map(|_| Pq::generate(&mut entropy).pq()).collect()
}

/// Returns a secret and its exponent.
fn secret() -> (DhSecret, BigUint) {
    let secret = DhSecret::generate(&DhGroup::KNOWN, &mut CtrEntropy::from_number(1)).unwrap();
    // `bytes` uses the same seed.
    (secret, big(&bytes(256)))
}

fn big(bytes: &[u8]) -> BigUint {
    BigUint::from_bytes_be(bytes)
}

fn grammers_key(key: &RsaPublicKey) -> grammers_crypto::rsa::Key {
    let (modulus, exponent) = (big(&key.modulus()).to_string(), key.exponent().to_string());
    grammers_crypto::rsa::Key::new(&modulus, &exponent).unwrap()
}

fn exchange() {
    let mut criterion = harness();
    pq(&mut criterion);
    power(&mut criterion);
    power_of_3(&mut criterion);
    both_powers(&mut criterion);
    rsa_public(&mut criterion);
    rsa_private(&mut criterion);
    prime(&mut criterion);
    client(&mut criterion);
}

criterion_main!(exchange);
