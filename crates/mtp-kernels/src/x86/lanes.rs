//! Several messages in parallel.
//!
//! A single chain leaves the cipher's execution units mostly idle. The messages of a batch are
//! independent, so eight interleaved chains take hardly longer than one. Two interleaved hashes take
//! one to two times as long as one, depending on the processor.

use core::arch::x86_64::{_mm_setzero_si128, _mm_xor_si128};
use core::cmp::Reverse;

use super::aes::{DECRYPT, ENCRYPT, ROUNDS, RoundKeys, last_round, round};
use super::block::{load, peek, poke, store_halves};
use super::ige::Chain;
use super::message::{Covered, Derived, derive, open, seal};
use super::sha256::{State, compress_pair};
use crate::message::{Block, MessageJob, msg_key};

/// Seals all messages.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn seal_each(messages: &mut [MessageJob<'_>]) {
    for group in messages.chunks_mut(LANES) {
        if let [one] = group {
            one.digest = seal(&one.secret, one.blocks);
            one.msg_key = msg_key(&one.digest);
            continue;
        }
        hash_each(group, &order(group));
        for message in &mut *group {
            message.msg_key = msg_key(&message.digest);
        }
        crypt_each::<ENCRYPT>(group);
    }
}

/// Opens all messages.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn open_each(messages: &mut [MessageJob<'_>]) {
    for group in messages.chunks_mut(LANES) {
        if !opens_faster(group) {
            for message in group {
                message.digest = open(&message.secret, &message.msg_key, message.blocks);
            }
            continue;
        }
        crypt_each::<DECRYPT>(group);
        hash_each(group, &order(group));
    }
}

/// Returns `true` if opening a group in parallel is faster than one by one.
///
/// One by one, the hash of a message is interleaved with its chain, which is not the case here. Four
/// messages of the same length make up for it; one long message with short ones does not.
fn opens_faster(group: &[MessageJob<'_>]) -> bool {
    let lens = group.iter().map(|message| message.blocks.len());
    let longest = lens.clone().max().unwrap_or_default();
    let all = lens.fold(0, usize::saturating_add);
    longest.saturating_mul(3) < all
}

/// Chains that run in parallel: the number of rounds that the processor can have in flight.
const LANES: usize = 8;

/// The indices of a group's messages, longest first. Indices beyond the group are at the end.
type Order = [usize; LANES];

fn order(group: &[MessageJob<'_>]) -> Order {
    let mut order = core::array::from_fn(|place| place);
    order.sort_unstable_by_key(|place| Reverse(group.get(*place).map(|m| m.blocks.len())));
    order
}

/// Hashes the messages, two at a time.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
fn hash_each(group: &mut [MessageJob<'_>], order: &Order) {
    for pair in order.as_chunks::<2>().0 {
        match group.get_disjoint_mut(*pair) {
            Ok([longer, other]) => hash_pair(longer, other),
            Err(_) => {
                if let Some(last) = group.get_mut(pair[0]) {
                    let covered = Covered::new(&last.secret, last.blocks.len());
                    last.digest = store_halves(covered.hash(last.blocks));
                }
            }
        }
    }
}

#[inline]
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
fn hash_pair(longer: &mut MessageJob<'_>, other: &mut MessageJob<'_>) {
    let covered = Covered::new(&longer.secret, longer.blocks.len());
    let covered_other = Covered::new(&other.secret, other.blocks.len());
    let (mut state, mut state_other) = (State::new(), State::new());
    for number in 0..covered_other.count() {
        let block = covered.block(longer.blocks, number);
        let block_other = covered_other.block(other.blocks, number);
        (state, state_other) = compress_pair((state, block), (state_other, block_other));
    }
    for number in covered_other.count()..covered.count() {
        state = state.compress(covered.block(longer.blocks, number));
    }
    longer.digest = store_halves(state.digest());
    other.digest = store_halves(state_other.digest());
}

/// Encrypts or decrypts all messages under their message keys.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
fn crypt_each<const DIRECTION: bool>(group: &mut [MessageJob<'_>]) {
    match group.len() {
        0..=2 => crypt_up_to::<DIRECTION, 2>(group),
        3..=4 => crypt_up_to::<DIRECTION, 4>(group),
        _ => crypt_up_to::<DIRECTION, LANES>(group),
    }
}

/// Encrypts or decrypts up to `PLACES` messages. Unused places cost the wiping of their round keys.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
fn crypt_up_to<const DIRECTION: bool, const PLACES: usize>(group: &mut [MessageJob<'_>]) {
    let mut lanes: [Lane<'_>; PLACES] = core::array::from_fn(|_| Lane::idle());
    for (lane, message) in lanes.iter_mut().zip(group) {
        let Derived { key, iv } = derive(&message.secret, load(&message.msg_key));
        lane.keys.expand::<DIRECTION>(key);
        lane.chain = Chain::new::<DIRECTION>(&lane.keys, iv, message.blocks);
        lane.blocks = message.blocks;
    }
    let mut lanes = lanes.each_mut();
    lanes.sort_unstable_by_key(|lane| Reverse(lane.blocks.len()));
    for active in (1..=PLACES).rev() {
        let steps = lanes.get(active.wrapping_sub(1)).map_or(0, |shortest| shortest.left());
        macro_rules! run {
            ($($count:literal)*) => {
                match active {
                    $($count => if let Some(longest) = lanes.first_chunk_mut() {
                        run::<DIRECTION, $count>(longest, steps);
                    })*
                    _ => {}
                }
            };
        }
        run!(1 2 3 4 5 6 7 8);
    }
}

/// A message being encrypted or decrypted.
struct Lane<'m> {
    keys: RoundKeys,
    chain: Chain,
    blocks: &'m mut [Block],
    done: usize,
}

impl Lane<'_> {
    #[target_feature(enable = "aes,sha,ssse3,sse4.1")]
    fn idle() -> Self {
        let zero = _mm_setzero_si128();
        let chain = Chain { state: zero, before: zero, current: zero };
        Self { keys: RoundKeys::zeroed(), chain, blocks: &mut [], done: 0 }
    }

    fn left(&self) -> usize {
        self.blocks.len().saturating_sub(self.done)
    }
}

/// Advances lanes by a number of blocks that all of them have left.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
#[expect(clippy::indexing_slicing, reason = "the bounds of the loop are constants")]
fn run<const DIRECTION: bool, const COUNT: usize>(
    lanes: &mut [&mut Lane<'_>; COUNT],
    steps: usize,
) {
    let zero = _mm_setzero_si128();
    let (mut states, mut next_ins) = ([zero; COUNT], [zero; COUNT]);
    for _ in 0..steps {
        for ((state, next_in), lane) in states.iter_mut().zip(&mut next_ins).zip(&mut *lanes) {
            let next = peek(lane.blocks, lane.done.wrapping_add(1));
            *next_in = _mm_xor_si128(next, lane.keys.first());
            *state = lane.chain.state;
        }
        for number in 1..ROUNDS {
            for (state, lane) in states.iter_mut().zip(&*lanes) {
                *state = round::<DIRECTION>(*state, lane.keys.keys[number]);
            }
        }
        for ((state, next_in), lane) in states.iter().zip(&next_ins).zip(&mut *lanes) {
            let last_key = lane.chain.last_key(lane.keys.last(), *next_in);
            let state = last_round::<DIRECTION>(*state, last_key);
            let next = _mm_xor_si128(*next_in, lane.keys.first());
            let output = lane.chain.advance(state, next, *next_in);
            poke(lane.blocks, lane.done, output);
            lane.done = lane.done.wrapping_add(1);
        }
    }
}
