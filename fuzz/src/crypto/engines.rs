//! Kernels compared with the portable code.

use mtp_crypto::engine::Engine;
use mtp_kernels::{MessageJob, Secret};

use crate::input::Input;

/// Runs all operations of kernels on both engines and compares the results.
///
/// Input: keys, the offset in memory, cuts, then the messages.
pub fn engines(data: &[u8]) {
    let mut input = Input::new(data);
    let (first, second) = (input.array(), input.array());
    let prefix = input.array();
    let secret = Secret { first: &first, second: &second, prefix: &prefix };
    let msg_key = input.array();
    let offset = usize::from(input.byte() % 16);
    let cuts = input.cuts();
    let rest = input.rest();
    let messages: Vec<_> = cuts.of(rest).map(|message| Buffer::new(message, offset)).collect();
    let whole = Buffer::new(rest, offset);
    let [best, portable] = [Engine::best(), Engine::Portable].map(|engine| {
        let [mut sealed, mut opened] = [whole.clone(), whole.clone()];
        let digests = [
            engine.seal(&secret, sealed.blocks()),
            engine.open(&secret, &msg_key, opened.blocks()),
        ];
        let [mut encrypted, mut decrypted] = [whole.clone(), whole.clone()];
        let mut ivs = [prefix; 2];
        engine.ige_encrypt(&prefix, &mut ivs[0], encrypted.blocks());
        engine.ige_decrypt(&prefix, &mut ivs[1], decrypted.blocks());
        let batches = [Engine::seal_each, Engine::open_each].map(|each| {
            let mut changed = messages.clone();
            let mut batch: Vec<_> = changed
                .iter_mut()
                .map(|message| MessageJob::new(secret, msg_key, message.blocks()))
                .collect();
            each(engine, &mut batch);
            let results: Vec<_> =
                batch.iter().map(|message| (message.msg_key, message.digest)).collect();
            (changed, results)
        });
        (sealed, opened, digests, encrypted, decrypted, ivs, batches)
    });
    assert!(best == portable, "kernels and portable code differ");
}

/// Bytes at an offset. An incomplete block is not modified.
#[derive(Clone, PartialEq, Eq)]
struct Buffer {
    bytes: Vec<u8>,
    offset: usize,
}

impl Buffer {
    fn new(message: &[u8], offset: usize) -> Self {
        Self { bytes: [&vec![0; offset], message].concat(), offset }
    }

    fn blocks(&mut self) -> &mut [[u8; 16]] {
        self.bytes[self.offset..].as_chunks_mut().0
    }
}
