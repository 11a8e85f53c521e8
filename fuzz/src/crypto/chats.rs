//! Secret chats: messages, sequence numbers, keys.

use mtp_crypto::exchange::{DhGroup, DhSecret};
use mtp_crypto::secret_chat::{
    ChatKeys, ChatVersion, ChatVersions, KeyAction, Received, Sequence, WireSeq, open, seal,
    seal_v1,
};
use mtp_crypto::{AuthKey, AuthKeyId, CtrEntropy, Padding, Side};

use crate::input::Input;
use crate::known;
use crate::textbook::{self, Protocol};

/// Opens a message of a chat, unmodified or with a sealed plaintext.
///
/// Input: versions and mode, the number of bytes covered by the key of 1.0, then the message or plaintext.
pub fn chat_open(data: &[u8]) {
    let mut input = Input::new(data);
    let mode = input.byte();
    let sender = if mode & 1 == 0 { Side::Client } else { Side::Server };
    let versions = if mode & 2 == 0 { ChatVersions::Two } else { ChatVersions::TwoThenOne };
    let covered = usize::from(input.u16());
    let rest = input.rest();
    let key = known::auth_key();
    let mut message = match mode >> 2 & 3 {
        0 => rest.to_vec(),
        1 => textbook::seal(key, sender, Protocol::Two, rest),
        2 => textbook::seal(key, Side::Client, Protocol::One { covered }, rest),
        _ => return check_sealed(sender, rest),
    };
    if let Ok(opened) = open(key, sender, &mut message, versions) {
        assert!(opened.body.len().is_multiple_of(4));
        assert!(versions == ChatVersions::TwoThenOne || opened.version == ChatVersion::Two);
    }
}

fn check_sealed(sender: Side, body: &[u8]) {
    let (key, entropy) = (known::auth_key(), &mut known::entropy(2));
    let Ok(mut two) = seal(key, sender, body, Padding::SizeClasses, entropy) else {
        assert!(!body.len().is_multiple_of(4));
        return;
    };
    let mut one = seal_v1(key, body, entropy).expect("the length is the same");
    for (message, version) in [(&mut two, ChatVersion::Two), (&mut one, ChatVersion::One)] {
        let opened = open(key, sender, message, ChatVersions::TwoThenOne).expect("as sealed");
        assert_eq!((opened.body, opened.version), (body, version));
    }
}

/// Exchanges messages between two parties. The fuzzer chooses the order of delivery; every message is delivered once and
/// in order, or a gap is reported.
///
/// Input: operations of one byte with operands.
pub fn chat_sequence(data: &[u8]) {
    let mut input = Input::new(data);
    let mut ends = [End::new(Side::Client), End::new(Side::Server)];
    while !input.is_empty() {
        let operation = input.byte();
        let (from, to) = if operation & 1 == 0 { (0, 1) } else { (1, 0) };
        match operation >> 1 & 3 {
            0 => ends[from].write(),
            1 | 2 => {
                let which = usize::from(input.byte());
                let written = ends[from].written.len();
                if written > 0 {
                    let (number, seq) = (which % written, ends[from].written[which % written]);
                    ends[to].take(number, seq);
                }
            }
            _ => {
                let seq = WireSeq {
                    in_seq_no: input.u32().cast_signed() >> (input.byte() & 31),
                    out_seq_no: input.u32().cast_signed() >> (input.byte() & 31),
                };
                // An impossible number aborts a chat, so it goes to a copy.
                let (created, accepted, peer) = ends[to].sequence.counters();
                let mut other = Sequence::resume(ends[to].sequence_side, created, accepted, peer);
                let _ = other.receive(seq, usize::MAX);
                let _ = other.next_ready();
            }
        }
    }
}

struct End {
    sequence: Sequence<usize>,
    sequence_side: Side,
    written: Vec<WireSeq>,
    /// The next message to deliver.
    due: usize,
}

impl End {
    const fn new(side: Side) -> Self {
        Self { sequence: Sequence::new(side), sequence_side: side, written: Vec::new(), due: 0 }
    }

    fn write(&mut self) {
        self.written.push(self.sequence.stamp().expect("fewer than 2^30 messages"));
    }

    fn take(&mut self, number: usize, seq: WireSeq) {
        let received = self.sequence.receive(seq, number).expect("the peer is honest");
        match received {
            Received::Deliver(message) => {
                self.deliver(message);
                while let Some(message) = self.sequence.next_ready().expect("the peer is honest") {
                    self.deliver(message);
                }
            }
            Received::Duplicate => assert!(number < self.due || self.sequence.has_gap()),
            Received::Waits { .. } => assert!(number > self.due),
        }
    }

    fn deliver(&mut self, message: usize) {
        assert_eq!(message, self.due);
        self.due += 1;
    }
}

/// Changes keys between two parties. The fuzzer delivers, drops and forges messages.
///
/// Input: operations of one byte with operands. Only a few are run, because each computes powers.
pub fn chat_keys(data: &[u8]) {
    let mut input = Input::new(data);
    let entropy = &mut known::entropy(11);
    let first = || AuthKey::new(*known::auth_key().as_bytes()).expect("the key id is not zero");
    let since = known::start().unix;
    let mut ends = [(); 2].map(|()| ChatKeys::new(DhGroup::KNOWN, first(), since));
    let mut wires: [Vec<KeyAction>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..12 {
        let operation = input.byte();
        let (from, to) = if operation & 1 == 0 { (0, 1) } else { (1, 0) };
        match operation >> 1 & 7 {
            0 => wires[from].extend(ends[from].request(entropy).ok()),
            1..=3 if !wires[from].is_empty() => {
                let action = wires[from].remove(0);
                wires[to].extend(deliver(&mut ends[to], &action, entropy));
            }
            4 => drop(wires[from].pop()),
            5 => {
                let action = forged(&mut input);
                let _ = deliver(&mut ends[to], &action, entropy);
            }
            6 => ends[to].forget_old(),
            _ => ends[to].note_sent(),
        }
        for end in &mut ends {
            let _ = end.wants_new_key(known::start().unix);
            let current = end.current().id();
            assert!(end.key(current).is_some());
        }
        if input.is_empty() {
            return;
        }
    }
}

fn deliver(to: &mut ChatKeys, action: &KeyAction, entropy: &mut CtrEntropy) -> Option<KeyAction> {
    let now = known::start().unix;
    match *action {
        KeyAction::Request { exchange_id, g_a } => {
            to.on_request(exchange_id, &g_a, entropy).ok().flatten()
        }
        KeyAction::Accept { exchange_id, g_b, fingerprint } => {
            to.on_accept(now, exchange_id, &g_b, fingerprint).ok()
        }
        KeyAction::Commit { exchange_id, fingerprint } => {
            to.on_commit(now, exchange_id, fingerprint).ok()
        }
        KeyAction::Abort { exchange_id } => {
            to.on_abort(exchange_id);
            None
        }
        KeyAction::Noop => None,
    }
}

fn forged(input: &mut Input<'_>) -> KeyAction {
    let exchange_id = input.u64().cast_signed();
    let mut value = [0; 256];
    let honest = DhSecret::generate(&DhGroup::KNOWN, &mut known::entropy(input.byte().into()));
    if let Ok(honest) = honest {
        value = *honest.public();
        value[usize::from(input.byte())] ^= input.byte();
    }
    let fingerprint = AuthKeyId::from_raw(input.u64());
    match input.byte() & 3 {
        0 => KeyAction::Request { exchange_id, g_a: value },
        1 => KeyAction::Accept { exchange_id, g_b: value, fingerprint },
        2 => KeyAction::Commit { exchange_id, fingerprint },
        _ => KeyAction::Abort { exchange_id },
    }
}
