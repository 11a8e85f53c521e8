//! Detects secret-dependent timing with the method of "dudect" (Reparaz, Balasch, Verbauwhede).
//!
//! Each test runs one operation on inputs of two classes in random order and compares the mean times
//! with Welch's t-test. Without a difference |t| stays below about 4.5 for any number of runs; with a
//! difference it grows with the square root of the number of runs. Run it on an idle machine:
//!
//! ```text
//! cd benches && cargo run --release --bin dudect            # or with a part of a test name
//! ```
//!
//! It exits with 1 if |t| of a test is above 10, which is conclusive. `docs/constant-time.md` describes
//! what each test covers.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use mtp_benches::bytes;
use mtp_crypto::exchange::{DhGroup, DhSecret, RsaPrivateKey, RsaSchemes};
use mtp_crypto::hash::{sha1, sha256};
use mtp_crypto::{AuthKey, CtrEntropy, OpenError, OpenJob, Side, ige, open, open_batch, v1};
use mtp_env::Entropy;

fn main() -> ExitCode {
    let only = std::env::args().nth(1).unwrap_or_default();
    let control = welch(SHORT, &mut *comparison());
    println!(
        "{:48} t = {control:7.2}   must be far from 0",
        "control: a comparison that stops early"
    );
    if control.abs() < T_FAIL {
        println!("the machine is too noisy: the control shows no difference");
        return ExitCode::FAILURE;
    }
    let mut worst = 0.0f64;
    for (name, runs, mut test) in tests() {
        if name.contains(&only) {
            let t = welch(runs, &mut *test);
            println!("{name:48} t = {t:7.2}   {}", verdict(t));
            worst = worst.max(t.abs());
        }
    }
    if worst > T_FAIL { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Runs the operation on an input of a class and returns its duration in nanoseconds.
type Test = Box<dyn FnMut(Class) -> u64>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    A,
    B,
}

fn tests() -> Vec<(&'static str, usize, Test)> {
    let key = || AuthKey::new(bytes(256).try_into().unwrap()).unwrap();
    let good = sealed(&key(), 96, 16);
    let flipped = |at: usize| {
        let mut packet = good.clone();
        packet[at] ^= 1;
        packet
    };
    let mut noise = CtrEntropy::from_number(5);
    let mut random = move |len: usize| {
        let mut packet = vec![0; len];
        noise.fill(&mut packet);
        packet
    };
    let id = key().id().to_le_bytes();
    let v1_good = sealed_v1(&key(), 96, 100);
    vec![
        (
            "msg_key: first byte wrong | last byte wrong",
            SHORT,
            rejected(&key(), flipped(8), flipped(23)),
        ),
        (
            "open: wrong msg_key | wrong length",
            SHORT,
            rejected(&key(), flipped(30), sealed(&key(), 98, 16)),
        ),
        ("open: wrong length | wrong padding", SHORT, {
            rejected(&key(), sealed(&key(), -4, 16), sealed(&key(), 104, 8))
        }),
        (
            "open_batch: wrong msg_key | wrong length",
            SHORT,
            rejected_in_batch(&key(), flipped(30), sealed(&key(), 98, 16)),
        ),
        ("open: one ciphertext | random ciphertexts", SHORT, {
            let (key, fixed) = (key(), flipped(40));
            Box::new(move |class| {
                let mut packet = random(fixed.len());
                packet[..8].copy_from_slice(&id);
                if class == Class::A {
                    packet.copy_from_slice(&fixed);
                }
                time(|| open(&key, Side::Client, &mut packet).map(|_| ()) == Err(OpenError))
            })
        }),
        ("v1 open: wrong msg_key | wrong length", SHORT, {
            let (key, mut wrong) = (key(), v1_good);
            wrong[9] ^= 1;
            let wrong_length = sealed_v1(&key, 98, 100);
            Box::new(move |class| {
                let from = if class == Class::A { &wrong } else { &wrong_length };
                let mut packet = from.clone();
                time(|| v1::open(&key, Side::Client, &mut packet).map(|_| ()) == Err(OpenError))
            })
        }),
        ("power: sparse exponent | random exponents", LONG, powers(&DhGroup::KNOWN)),
        (
            "generator's power: sparse | random exponents",
            LONG,
            Box::new(|class| {
                let mut entropy = Exponents::new(class);
                time(|| DhSecret::generate(&DhGroup::KNOWN, &mut entropy).is_ok())
            }),
        ),
        ("RSA decrypt: one ciphertext | random ciphertexts", LONG, {
            let mut entropy = CtrEntropy::from_number(6);
            let rsa = RsaPrivateKey::generate(&mut entropy).unwrap();
            let fixed = rsa.public().pad_encrypt(&[1; 96], &mut entropy).unwrap();
            Box::new(move |class| {
                let other = rsa.public().pad_encrypt(&[2; 96], &mut entropy).unwrap();
                let input = if class == Class::A { fixed } else { other };
                time(|| rsa.decrypt(&input, RsaSchemes::Current, &mut entropy).is_ok())
            })
        }),
    ]
}

/// The control: a comparison that stops at the first difference.
fn comparison() -> Test {
    let secret = bytes(256);
    let [mut front, mut end] = [secret.clone(), secret.clone()];
    front[0] ^= 1;
    end[255] ^= 1;
    Box::new(move |class| {
        let guess = if class == Class::A { &front } else { &end };
        time(|| {
            secret.iter().zip(guess).all(|(one, other)| black_box(one == other)) == black_box(false)
        })
    })
}

/// Opens a packet of either class, which must fail.
fn rejected(key: &AuthKey, a: Vec<u8>, b: Vec<u8>) -> Test {
    assert_eq!(a.len(), b.len());
    let key = AuthKey::new(*key.as_bytes()).unwrap();
    let mut packet = a.clone();
    Box::new(move |class| {
        packet.copy_from_slice(if class == Class::A { &a } else { &b });
        time(|| open(&key, Side::Client, &mut packet).map(|_| ()) == Err(OpenError))
    })
}

/// Opens a batch of three packets of either class, which must fail.
fn rejected_in_batch(key: &AuthKey, a: Vec<u8>, b: Vec<u8>) -> Test {
    assert_eq!(a.len(), b.len());
    let key = AuthKey::new(*key.as_bytes()).unwrap();
    let mut packets = [a.clone(), a.clone(), a.clone()];
    Box::new(move |class| {
        for packet in &mut packets {
            packet.copy_from_slice(if class == Class::A { &a } else { &b });
        }
        let mut jobs =
            packets.each_mut().map(|packet| OpenJob::new(&key, Side::Client, &mut packet[..]));
        let elapsed = time(|| {
            open_batch(&mut jobs);
            true
        });
        assert!(jobs.into_iter().all(|job| job.into_result() == Err(OpenError)));
        elapsed
    })
}

fn powers(group: &DhGroup) -> Test {
    let secret = |class| DhSecret::generate(group, &mut Exponents::new(class)).unwrap();
    let peer = *secret(Class::B).public();
    let sparse = secret(Class::A);
    let random: Vec<_> = (0..32).map(|_| secret(Class::B)).collect();
    let mut next = 0;
    Box::new(move |class| {
        next += 1;
        let of_class = if class == Class::A { &sparse } else { &random[next % random.len()] };
        time(|| of_class.shared(&peer).is_ok())
    })
}

/// Source of exponents: with a single bit, or random.
struct Exponents(Class);

impl Exponents {
    fn new(class: Class) -> Self {
        Self(class)
    }
}

impl Entropy for Exponents {
    fn fill(&mut self, out: &mut [u8]) {
        use std::sync::atomic::{AtomicU64, Ordering};
        static SEED: AtomicU64 = AtomicU64::new(0);
        match self.0 {
            Class::A => {
                out.fill(0);
                out[0] = 0x80;
            }
            Class::B => CtrEntropy::from_number(SEED.fetch_add(1, Ordering::Relaxed)).fill(out),
        }
    }
}

/// Returns an MTProto 2.0 packet with any declared length and padding, which `seal` would reject.
fn sealed(key: &AuthKey, length: i32, padding_len: usize) -> Vec<u8> {
    // The size of the plaintext does not depend on the declared length.
    let mut plain = vec![3; 144];
    plain[28..32].copy_from_slice(&length.to_le_bytes());
    plain[144 - padding_len..].fill(7);
    let bytes = key.as_bytes();
    let msg_key: [u8; 16] = sha256(&[&bytes[88..120], &plain])[8..24].try_into().unwrap();
    let a = sha256(&[&msg_key, &bytes[..36]]);
    let b = sha256(&[&bytes[40..76], &msg_key]);
    let aes_key = [&a[..8], &b[8..24], &a[24..]].concat().try_into().unwrap();
    let mut iv = [&b[..8], &a[8..24], &b[24..]].concat().try_into().unwrap();
    ige::encrypt(&aes_key, &mut iv, &mut plain).unwrap();
    [&key.id().to_le_bytes()[..], &msg_key, &plain].concat()
}

/// Returns an MTProto 1.0 packet with the message key over `covered` bytes.
fn sealed_v1(key: &AuthKey, length: i32, covered: usize) -> Vec<u8> {
    let mut plain = vec![3; 112];
    plain[28..32].copy_from_slice(&length.to_le_bytes());
    let bytes = key.as_bytes();
    let msg_key: [u8; 16] = sha1(&[&plain[..covered]])[4..].try_into().unwrap();
    let a = sha1(&[&msg_key, &bytes[..32]]);
    let b = sha1(&[&bytes[32..48], &msg_key, &bytes[48..64]]);
    let c = sha1(&[&bytes[64..96], &msg_key]);
    let d = sha1(&[&msg_key, &bytes[96..128]]);
    let aes_key = [&a[..8], &b[8..20], &c[4..16]].concat().try_into().unwrap();
    let mut iv = [&a[8..20], &b[..8], &c[16..20], &d[..8]].concat().try_into().unwrap();
    ige::encrypt(&aes_key, &mut iv, &mut plain).unwrap();
    [&key.id().to_le_bytes()[..], &msg_key, &plain].concat()
}

/// Times an operation, which must return `true`.
#[inline(never)]
fn time(operation: impl FnOnce() -> bool) -> u64 {
    let start = Instant::now();
    let expected = black_box(operation());
    let nanos = start.elapsed().as_nanos();
    assert!(expected, "unexpected result of the operation");
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

/// Returns Welch's t for the times of the two classes. The slowest tenth is dropped, because interrupts distort it.
fn welch(runs: usize, test: &mut dyn FnMut(Class) -> u64) -> f64 {
    let mut coin = CtrEntropy::from_number(7);
    let mut samples = Vec::with_capacity(runs);
    for _ in 0..runs {
        let mut toss = [0];
        coin.fill(&mut toss);
        let class = if toss[0] & 1 == 0 { Class::A } else { Class::B };
        samples.push((class, test(class)));
    }
    let mut sorted: Vec<_> = samples.iter().map(|(_, nanos)| *nanos).collect();
    sorted.sort_unstable();
    let cut = sorted[sorted.len() * 9 / 10];
    let moments = |wanted: Class| {
        let of_class = || samples.iter().filter(|(class, nanos)| *class == wanted && *nanos <= cut);
        let count = of_class().count() as f64;
        let mean = of_class().map(|(_, nanos)| *nanos as f64).sum::<f64>() / count;
        let square = |nanos: u64| (nanos as f64 - mean).powi(2);
        let variance = of_class().map(|(_, nanos)| square(*nanos)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    };
    let ((mean_a, error_a), (mean_b, error_b)) = (moments(Class::A), moments(Class::B));
    (mean_a - mean_b) / (error_a + error_b).sqrt().max(f64::MIN_POSITIVE)
}

fn verdict(t: f64) -> &'static str {
    match t.abs() {
        t if t < T_FINE => "no difference",
        t if t < T_FAIL => "inconclusive: repeat on an idle machine",
        _ => "TIMING DEPENDS ON THE CLASS",
    }
}

const SHORT: usize = 300_000;
const LONG: usize = 2_000;
const T_FINE: f64 = 4.5;
const T_FAIL: f64 = 10.0;
