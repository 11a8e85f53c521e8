//! Seeds of keys, messages and numbers.

use serde_json::Value;

use crate::{Seeds, hex, list, text, vectors};

pub(crate) fn add(seeds: &mut Seeds) {
    let all = vectors("crypto");
    keys(seeds, &all);
    messages(seeds, &all);
    exchange(seeds, &all);
    let operations = [
        &[0, 0, 0, 2, 2, 2, 0, 2, 1][..],
        &[0, 1, 2, 0, 3, 0, 0, 0, 2, 1, 2, 0, 5, 0],
        &[0, 6, 1, 0, 0, 0, 0, 0, 0, 0, 7, 7],
    ];
    for list in operations {
        seeds.add("chat_sequence", &[list]);
    }
    for list in [
        &[0, 2, 3, 4, 5][..],
        &[0, 1, 2, 3, 4, 5, 12],
        &[0, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 5, 3, 0],
    ] {
        seeds.add("chat_keys", &[list]);
    }
    for one in list(&all["srp"]).take(1) {
        let m1 = hex(&one["m1"]);
        seeds.add("srp", &[&[0], &m1[..m1.len().min(32)], &hex(&one["a"])]);
    }
    seeds.add("srp", &[&[0], &[7; 32], &[1; 256]]);
    seeds.add("srp", &[&[1], &[0xff; 200]]);
    seeds.add("srp", &[&[2, 8], b"salt one", &[8], b"salt two", &[2; 256]]);
    let longer = [b"salt one".as_slice(), &[5; 32]].concat();
    seeds.add("srp", &[&[2, 40], &longer, &[8], b"salt two", &[2; 256]]);
}

fn keys(seeds: &mut Seeds, all: &Value) {
    for one in list(&all["rsa_known_public_keys"]) {
        seeds.add("key_text", &[&[0], text(&one["pem"]).as_bytes()]);
    }
    let test = &all["rsa_test_key"];
    for (field, kind) in [
        ("public_pkcs1_pem", 0),
        ("public_spki_pem", 0),
        ("private_pkcs1_pem", 2),
        ("private_pkcs8_pem", 2),
    ] {
        let Some(pem) = test[field].as_str() else { continue };
        seeds.add("key_text", &[&[kind], pem.as_bytes()]);
        seeds.add("key_text", &[&[kind + 1], &der(pem)]);
    }
    let stored = [&2_i32.to_le_bytes()[..], &[0; 4], &[6; 256], &[1], &[9; 16]].concat();
    seeds.add("key_file", &[&[1], &[0; 8], &[0]]);
    seeds.add("key_file", &[&[1], &[1; 8], &[1], &stored]);
    seeds.add("key_file", &[&[1], &[1; 8], &[2], &stored, &stored]);
    let header = [b"MTPK\x01".as_slice(), &[8, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], &[7; 40]].concat();
    seeds.add("key_file", &[&[0], &header, &[0; 16]]);
}

/// Decodes the body of a PEM document.
fn der(pem: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in pem.lines().filter(|line| !line.starts_with('-')).flat_map(str::bytes) {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
        }
    }
    out
}

fn messages(seeds: &mut Seeds, all: &Value) {
    for one in list(&all["messages"]) {
        let plain = hex(&one["plaintext"]);
        let body_len = plain.get(28..32).map_or(0, |len| u16::from_le_bytes([len[0], len[1]]));
        let covered = (32 + body_len).to_le_bytes();
        for mode in 0..4 {
            seeds.add("message_open", &[&[mode], &covered, &plain]);
        }
    }
    for one in list(&all["messages_negative"]) {
        seeds.add("message_open", &[&[4, 0, 0], &hex(&one["encrypted_message"])]);
    }
    let header = [&[5; 28][..], &4_u32.to_le_bytes(), &[0xb5, 0x75, 0x72, 0x99]].concat();
    for padding in [12, 1024, 1028, 28] {
        seeds.add("message_open", &[&[0, 0, 0], &header, &vec![7; padding]]);
    }
    seeds.add("message_open", &[&[2, 36, 0], &header, &[7; 12]]);
    seeds.add("message_open", &[&[2, 36, 0], &header, &[7; 28]]);
    let headers = [3; 28];
    for padding in 0..3 {
        let start = [padding, 9, 0, 1, 0, 0];
        let start = if padding == 1 { &start[..6] } else { &start[..4] };
        seeds.add(
            "message_seal",
            &[start, &headers, &[4, 0, 1, 2, 3, 4, 8, 0], &[9; 8], &[0, 1], &[8; 256]],
        );
    }
    let inner = [
        &[0; 16][..],
        &[8; 8],
        &[0; 4],
        &40_u32.to_le_bytes(),
        &0x75a3_f765_u32.to_le_bytes(),
        &[1; 8],
        &[2; 8],
        &[3; 8],
        &[4; 8],
        &[5; 4],
        &[6; 8],
    ]
    .concat();
    seeds.add("bind_open", &[&[1; 8], &[2; 8], &[4; 8], &[5; 4], &[8; 8], &[72], &inner]);
    for len in [0, 1, 16, 160, 1024] {
        seeds.add(
            "ciphers",
            &[&[1; 32], &[2; 32], &16_u64.to_le_bytes(), &[3, 1, 2, 7], &vec![5; len]],
        );
    }
    for (len, cuts) in [(16, &[0][..]), (160, &[1, 48]), (640, &[2, 64, 80]), (900, &[3, 7, 0, 33])]
    {
        let pieces = [&[1; 36][..], &[2; 36], &[3; 32], &[4; 16], &[5]].concat();
        seeds.add("engines", &[&pieces, cuts, &vec![6; len]]);
    }
    for one in list(&all["aes_ige"]).filter(|one| one["bits"] == 256) {
        seeds.add(
            "ciphers",
            &[&hex(&one["key"]), &hex(&one["iv"]), &[0; 8], &[0], &hex(&one["plaintext"])],
        );
    }
    let body = [&4_u32.to_le_bytes()[..], &[1; 4], &[2; 24]].concat();
    seeds.add("chat_open", &[&[4, 0, 0], &body]);
    seeds.add("chat_open", &[&[2 | 8, 8, 0], &body[..16]]);
    seeds.add("chat_open", &[&[12, 0, 0], &[7; 64]]);
    for one in list(&all["secret_chat_messages"]).take(3) {
        seeds.add("chat_open", &[&[4, 0, 0], &hex(&one["plaintext"])]);
    }
}

fn exchange(seeds: &mut Seeds, all: &Value) {
    for one in list(&all["pq"]) {
        seeds.add("pq_factor", &[&hex(&one["pq_bytes"])]);
    }
    for one in list(&all["pq_invalid"]) {
        let number: u64 = text(&one["pq"]).parse().unwrap_or(0);
        seeds.add("pq_factor", &[&number.to_be_bytes()]);
    }
    seeds.add("pq_factor", &[&[1; 9]]);
    for one in list(&all["rsa_pad"]).take(2) {
        seeds.add("rsa_inner", &[&[1, 9, 0], &hex(&one["data"])]);
    }
    seeds.add("rsa_inner", &[&[1, 9, 0], &[5; 144]]);
    seeds.add("rsa_inner", &[&[2, 9, 0], &[5; 96]]);
    for one in list(&all["rsa_pad_negative"]).take(3) {
        seeds.add("rsa_inner", &[&[0, 0, 0], &hex(&one["encrypted_data"])]);
    }
    seeds.add("rsa_inner", &[&[0, 0, 0], &[7; 256]]);
    let answer = hex(&all["server_dh_answer_2013_sample"]["answer"]);
    let len = u16::try_from(answer.len()).unwrap().to_le_bytes();
    seeds.add("tmp_aes", &[&[0], &len, &answer]);
    seeds.add("tmp_aes", &[&[1], &len, &answer, &[0; 8]]);
    seeds.add("tmp_aes", &[&[1], &len, &answer, &[0; 40]]);
    seeds.add("tmp_aes", &[&[2, 9, 0], &answer]);
    for one in list(&all["dh_params"]).take(12) {
        let generator = one["g"].as_i64().and_then(|g| u8::try_from(g + 4).ok()).unwrap_or(0);
        seeds.add("dh_values", &[&[1, generator], &hex(&one["p"])]);
    }
    let range = &all["dh_public_range"];
    for one in list(&range["reject"]).chain(list(&range["accept"])) {
        seeds.add("dh_values", &[&[0], &hex(one)]);
    }
    seeds.add("dh_values", &[&[0], &hex(&range["accept_short_249_bytes"])]);
}
