//! Seeds of streams, hellos and proxy links, and recorded conversations of every stack.

use mtp_fuzz::transport::{STACKS, recorded};

use crate::{Seeds, hex, list, text, vectors};

pub(crate) fn add(seeds: &mut Seeds) {
    let all = vectors("transport");
    for one in list(&all["decode"]) {
        let framing = FRAMINGS.iter().position(|name| one["framing"] == *name);
        let framing = framing.and_then(|at| u8::try_from(at).ok()).expect("one of four");
        // The role is that of the receiver.
        let sender = if text(&one["role"]) == "client" { 4 } else { 0 };
        let stream = hex(&one["stream"]);
        seeds.add("frame_decoder", &[&[framing | sender, 0xff, 0xff, 2, 1, 7], &stream]);
        if sender == 4 {
            seeds.add("client_link", &[&[framing, 2, 3, 1], &stream]);
        } else {
            seeds.add("server_link", &[&[0, 2, 3, 1], INITS[usize::from(framing)], &stream]);
            if framing < 3 {
                seeds.add("server_link", &[&[1 | framing << 2, 2, 3, 1], &stream]);
            }
        }
    }
    for one in list(&all["detection"]) {
        seeds.add("detection", &[&hex(&one["bytes"])]);
    }
    for framing in 0..8 {
        let frames = [
            &[0, 40][..],
            &[9; 40],
            &[1, 24],
            &[8; 24],
            &[6, 1, 2, 3, 4],
            &[4, 56],
            &[7; 56],
            &[7, 3, 1],
        ];
        seeds.add("frame_pair", &[&[framing, 2, 1, 9], &frames.concat()]);
    }
    links(seeds);
    for one in list(&all["faketls"]["client_hello"]) {
        let hello = hex(&one["hello"]);
        for signed in 0..2 {
            seeds.add("faketls_hello", &[&[signed], &hello]);
        }
        seeds.add("server_link", &[&[2, 1, 0], &hello]);
    }
    for one in list(&all["faketls"]["server_hello"]).take(3) {
        seeds.add("client_link", &[&[0x80 | 4, 1, 9], &hex(&one["response"])]);
    }
    for profile in PROFILES {
        seeds.add("faketls_profile", &[profile.as_bytes()]);
    }
    for one in list(&all["secrets"]) {
        seeds.add("proxy_text", &[text(&one["input"]).as_bytes()]);
    }
    for one in list(&all["links"]) {
        seeds.add("proxy_text", &[text(&one["link"]).as_bytes()]);
    }
    for one in list(&all["link_build"]) {
        seeds.add("proxy_text", &[&hex(&one["secret_bytes"])]);
    }
    let http = &all["http"];
    for field in ["request", "options_request"] {
        seeds.add("server_link", &[&[0, 2, 50, 1], &hex(&http[field])]);
    }
    seeds.add("client_link", &[&[13, 2, 50, 1], &hex(&http["response"])]);
    seeds.add("server_link", &[&[0, 2, 50, 1], &hex(&all["websocket"]["client_upgrade"])]);
    proxy_headers(seeds);
    middle(seeds);
}

/// Messages and configurations of middle proxies, frames for a link, operations on a pool.
fn middle(seeds: &mut Seeds) {
    let all = vectors("proxy");
    let mut stream = vec![0, 2, 5, 40];
    for one in list(&all["rpc"]).chain(list(&all["rpc_bad"])) {
        let payload = hex(one.get("bytes").unwrap_or(&one["payload"]));
        seeds.add("middle_rpc", &[&[0], &payload]);
        if let Ok(len) = u8::try_from(payload.len()) {
            seeds.add("middle_link", &[&[0, 1, 20, 3, len], &payload]);
            stream.extend_from_slice(&[3, len]);
            stream.extend_from_slice(&payload);
            stream.extend_from_slice(&[1, 0]);
            let talk = [&[2, 0, 1, 0, 1, 0x14, len][..], &payload, &[7, 0x17, 5, 3, 6, 1, 3]];
            seeds.add("middle_rpc", &[&talk.concat()]);
        }
    }
    seeds.add("middle_link", &[&stream]);
    for one in list(&all["frames"]) {
        let bytes = hex(&one["bytes"]);
        let len = u8::try_from(bytes.len()).unwrap();
        let options = u8::from(one["stage"] == "handshake");
        seeds.add("middle_link", &[&[options, 1, 9, 0, len], &bytes]);
    }
    for one in list(&all["config"]) {
        seeds.add("middle_rpc", &[&[1], text(&one["text"]).as_bytes()]);
    }
}

fn links(seeds: &mut Seeds) {
    for stack in 0..STACKS {
        let (up, down) = recorded(stack);
        // The target makes the opening itself, so one seed is empty and another is the whole recording.
        seeds.add("server_link", &[&[0x80, 3, 60, 1, 9], &up]);
        seeds.add("relay_cuts", &[&[8, 2, 50, 1], &up]);
        seeds.add("server_link", &[&[3 | stack << 2, 3, 60, 1, 9]]);
        seeds.add("client_link", &[&[stack, 3, 60, 1, 9], &down]);
        let talk = [
            &[stack, 2, 5, 100][..],
            &[0, 2, 7],
            &[3, 1, 9],
            &[8, 0, 1],
            &[6, 0, 0, 1, 2, 3, 4],
            &[4, 3, 3],
        ];
        seeds.add("link_pair", &[&talk.concat()]);
        seeds.add("link_pair", &[&talk.concat(), &[0x37, 0, 0]]);
        let relayed = [&[0x80 | stack, 1, 70][..], &[3, 5, 2, 3, 1, 2, 3, 0, 4, 9, 9, 9, 9, 5, 6]];
        for options in [8, 1 | 4, 2] {
            seeds.add("relay", &[&[options], &relayed.concat()]);
        }
    }
}

fn proxy_headers(seeds: &mut Seeds) {
    let lines = [
        "PROXY TCP4 203.0.113.7 198.51.100.9 51000 443\r\n\u{1}",
        "PROXY TCP6 2001:db8::1 ::1 51000 443\r\n",
        "PROXY UNKNOWN anything at all\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 65536 0\r\n",
    ];
    for line in lines {
        seeds.add("proxy_protocol", &[&[2, 13, 40], line.as_bytes()]);
        let operations = [&[0, u8::try_from(line.len()).unwrap()][..], line.as_bytes(), &[4, 20]];
        seeds.add("relay", &[&[16, 0, 0], &operations.concat()]);
    }
    let all = vectors("proxy");
    for one in list(&all["proxy_protocol"]).chain(list(&all["proxy_protocol_build"])) {
        seeds.add("proxy_protocol", &[&[2, 13, 40], &hex(&one["bytes"])]);
    }
}

const FRAMINGS: [&str; 4] = ["abridged", "intermediate", "padded_intermediate", "full"];
const INITS: [&[u8]; 4] = [&[0xef], &[0xee; 4], &[0xdd; 4], &[]];
const PROFILES: [&str; 3] = [
    include_str!("../../../crates/mtp-transport/src/faketls/profiles/chrome.txt"),
    include_str!("../../../crates/mtp-transport/src/faketls/profiles/legacy.txt"),
    include_str!("../../../crates/mtp-transport/src/faketls/profiles/safari.txt"),
];
