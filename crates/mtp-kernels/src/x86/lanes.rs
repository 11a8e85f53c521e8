//! Several messages side by side.
//!
//! One chain leaves the cipher's units idle nine tenths of the time, one hash its unit half of it.
//! Messages of a batch have nothing to do with each other, so they take turns: eight chains of
//! rounds take hardly longer than one, two hashes no longer than one.

use core::arch::x86_64::{_mm_setzero_si128, _mm_xor_si128};
use core::cmp::Reverse;

use super::aes::{DECRYPT, ENCRYPT, ROUNDS, RoundKeys, last_round, round};
use super::block::{load, peek, poke, store_halves};
use super::ige::Chain;
use super::message::{Covered, Derived, derive, open, seal};
use super::sha256::{State, compress_each};
use crate::{Block, Message, msg_key};

/// Seals every message.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn seal_each(messages: &mut [Message<'_>]) {
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

/// Opens every message.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
pub(crate) fn open_each(messages: &mut [Message<'_>]) {
    for group in messages.chunks_mut(LANES) {
        if let [one] = group {
            one.digest = open(&one.secret, &one.msg_key, one.blocks);
            continue;
        }
        crypt_each::<DECRYPT>(group);
        hash_each(group, &order(group));
    }
}

/// Chains that run side by side: as many as rounds can be under way at once.
const LANES: usize = 8;

/// The places of a group's messages, the longest first; places behind the group are at the end.
type Order = [usize; LANES];

fn order(group: &[Message<'_>]) -> Order {
    let mut order = core::array::from_fn(|place| place);
    order.sort_unstable_by_key(|place| Reverse(group.get(*place).map(|m| m.blocks.len())));
    order
}

/// Hashes what the message keys cover, two messages at a time.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
fn hash_each(group: &mut [Message<'_>], order: &Order) {
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
fn hash_pair(longer: &mut Message<'_>, other: &mut Message<'_>) {
    let covered = Covered::new(&longer.secret, longer.blocks.len());
    let covered_other = Covered::new(&other.secret, other.blocks.len());
    let mut states = [State::new(); 2];
    for number in 0..covered_other.count() {
        let block = covered.block(longer.blocks, number);
        let block_other = covered_other.block(other.blocks, number);
        states = compress_each(states, [block, block_other]);
    }
    let [mut state, state_other] = states;
    for number in covered_other.count()..covered.count() {
        state = state.compress(covered.block(longer.blocks, number));
    }
    longer.digest = store_halves(state.digest());
    other.digest = store_halves(state_other.digest());
}

/// Runs every message through the cipher under its message key.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
fn crypt_each<const DIRECTION: bool>(group: &mut [Message<'_>]) {
    let mut lanes: [Lane<'_>; LANES] = core::array::from_fn(|_| Lane::idle());
    for (lane, message) in lanes.iter_mut().zip(group) {
        let Derived { key, iv } = derive(&message.secret, load(&message.msg_key));
        lane.keys = RoundKeys::new::<DIRECTION>(key);
        lane.chain = Chain::new::<DIRECTION>(&lane.keys, iv, message.blocks);
        lane.blocks = message.blocks;
    }
    let mut lanes = lanes.each_mut();
    lanes.sort_unstable_by_key(|lane| Reverse(lane.blocks.len()));
    for active in (1..=LANES).rev() {
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

/// A message on its way through the cipher.
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
        Self { keys: RoundKeys { keys: [zero; ROUNDS + 1] }, chain, blocks: &mut [], done: 0 }
    }

    fn left(&self) -> usize {
        self.blocks.len().saturating_sub(self.done)
    }
}

/// Runs some lanes for some blocks, which all of them have.
#[target_feature(enable = "aes,sha,ssse3,sse4.1")]
#[expect(clippy::indexing_slicing, reason = "the compiler knows the loop's numbers")]
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
