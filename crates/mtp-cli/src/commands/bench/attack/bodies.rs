//! What attackers write: bodies that no honest client sends.

use std::io::Write as _;

use mtp_session::service::MSG_CONTAINER;

/// A message of a container, or alone in a packet.
pub(super) struct Item {
    pub(super) msg_id: u64,
    pub(super) seq_no: u32,
    pub(super) body: Vec<u8>,
}

/// Writes a container.
pub(super) fn container(items: &[Item]) -> Vec<u8> {
    let mut out = words(&[MSG_CONTAINER.get(), count(items.len())]);
    for item in items {
        out.extend(item.msg_id.to_le_bytes());
        out.extend(words(&[item.seq_no, count(item.body.len())]));
        out.extend(&item.body);
    }
    out
}

/// Writes `gzip_packed`.
pub(super) fn gzip_packed(body: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(body)?;
    let mut out = words(&[GZIP_PACKED]);
    out.extend(string(&packer.finish()?));
    Ok(out)
}

/// Writes a string of TL.
pub(super) fn string(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len().saturating_add(8));
    match u8::try_from(text.len()) {
        Ok(len) if len < 254 => out.push(len),
        _ => out.extend((count(text.len()) << 8 | 0xfe).to_le_bytes()),
    }
    out.extend(text);
    while !out.len().is_multiple_of(4) {
        out.push(0);
    }
    out
}

/// Writes numbers of four bytes, ids among them.
pub(super) fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Writes `vector<long>`.
pub(super) fn longs(numbers: impl ExactSizeIterator<Item = u64>) -> Vec<u8> {
    let mut out = words(&[VECTOR, count(numbers.len())]);
    out.extend(numbers.flat_map(u64::to_le_bytes));
    out
}

/// Writes a call that waits for others.
pub(super) fn invoke_after_all(ids: impl ExactSizeIterator<Item = u64>, call: &[u8]) -> Vec<u8> {
    let mut out = words(&[INVOKE_AFTER_MSGS]);
    out.extend(longs(ids));
    out.extend(call);
    out
}

/// Writes a call that waits for another.
pub(super) fn invoke_after(id: u64, call: &[u8]) -> Vec<u8> {
    let mut out = words(&[INVOKE_AFTER_MSG]);
    out.extend(id.to_le_bytes());
    out.extend(call);
    out
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

const VECTOR: u32 = 0x1cb5_c415;
const GZIP_PACKED: u32 = 0x3072_cfa1;
const INVOKE_AFTER_MSG: u32 = 0xcb9f_372d;
const INVOKE_AFTER_MSGS: u32 = 0x3dc4_b4f0;
/// `msgs_state_req`
pub(super) const STATES: u32 = 0xda69_fb52;
/// `invokeWithLayer` without anything behind it: an error at once.
pub(super) const BROKEN_CALL: u32 = 0xda9b_0d0d;
/// `help.getConfig`
pub(super) const GET_CONFIG: u32 = 0xc4f9_186b;
/// `ping`
pub(super) const PING: u32 = 0x7abe_77ec;
/// `pong`
pub(super) const PONG: u32 = 0x3477_73c5;
/// `rpc_result`
pub(super) const RPC_RESULT: u32 = 0xf35c_6d01;
/// `bad_server_salt`
pub(super) const BAD_SERVER_SALT: u32 = 0xedab_447b;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_padded_to_words() {
        assert_eq!(string(b"ab"), [2, b'a', b'b', 0]);
        assert_eq!(string(b"abc"), [3, b'a', b'b', b'c']);
        let long = string(&[7; 254]);
        assert_eq!((&long[..4], long.len()), (&[254, 254, 0, 0][..], 260));
    }
}
