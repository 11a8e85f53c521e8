//! Seeds of service messages, key exchanges and lists of operations.

use serde_json::Value;

use crate::{Seeds, hex, list, text, vectors};

pub(crate) fn add(seeds: &mut Seeds) {
    let all = vectors("session");
    services(seeds, &all);
    handshakes(seeds);
    for one in list(&all["service_messages"]) {
        let body = marked(one);
        let len = u16::try_from(body.len()).unwrap().to_le_bytes();
        // A call is made and sent, the message arrives, time passes.
        let client =
            [&[3, 0, 0, 2, 0, 0, 7, 2][..], &len, &body, &[7, 0x20, 0], &len, &body, &[12, 2, 1]];
        seeds.add("session_client", &[&client.concat()]);
        let server = [
            &[0, 7, 2, 8, 0, 0x11, 0x11, 0x11, 0x11, 1, 2, 3, 4, 7, 0][..],
            &len,
            &body,
            &[12, 2, 1],
        ];
        seeds.add("session_server", &[&server.concat()]);
        if body.len() < 256 {
            let len = len[0];
            let inner =
                [&[10, 2, 2, 8, 0x11, 0x11, 0x11, 0x11, 1, 2, 3, 4, 0, len][..], &body, &[0]]
                    .concat();
            seeds.add("session_client", &[&[1, 0, 0, 2, 0, 0], &inner, &[12, 1, 31]]);
            seeds.add("session_server", &[&[0], &inner, &[0, 0, 1, 2, 12, 1, 31]]);
        }
    }
    for one in list(&all["gzip"]["cases"]) {
        let body = hex(&one["object"]);
        let len = u16::try_from(body.len()).unwrap_or(u16::MAX).to_le_bytes();
        seeds.add("session_client", &[&[0, 0, 0, 2, 0, 0, 7, 2], &len, &body]);
    }
    let lists: [&[u8]; 7] = [
        &[3, 0, 0, 0x10, 2, 2, 2, 6, 4, 4, 0xd0, 0x8d],
        &[3, 0, 2, 6, 4, 14, 4, 13, 0xcd, 12, 12, 0x20, 2, 2, 6, 4],
        &[0, 0, 2, 6, 0xfc, 0x0c, 0, 2, 4, 0x3d],
        &[1, 0, 0x0b, 2, 2, 6, 0x1b, 4, 4, 9, 10, 0xad],
        &[1, 0, 0x20, 0x20, 7, 0x17, 2, 6, 6, 0x18, 8, 0x0f, 15],
        &[2, 0xfd, 0, 2, 6, 4, 0xfd, 0xfd, 0, 2, 6, 4],
        &[3, 0, 9, 0xad, 2, 6, 10, 0xad, 4, 0xfd],
    ];
    for operations in lists {
        seeds.add("session_pair", &[operations]);
    }
    for stack in 0..mtp_fuzz::transport::STACKS {
        seeds.add("connection_pair", &[&[stack, 0, 0x50, 7, 2, 2, 7]]);
        seeds.add(
            "connection_pair",
            &[&[stack, 0, 3, 9, 0, 3, 200, 1, 5, 9, 0, 7, 2, 5, 9, 0, 11, 0, 7]],
        );
        seeds.add(
            "connection_pair",
            &[&[stack, 0, 7, 0, 8, 70, 0, 4, 7, 2, 0x18, 9, 0, 1, 7, 0xaf, 9, 10]],
        );
    }
}

fn services(seeds: &mut Seeds, all: &Value) {
    for one in list(&all["service_messages"]) {
        seeds.add("service_messages", &[&[0], &hex(&one["body"])]);
    }
    for one in list(&all["containers"]["cases"]) {
        let Some(id) = one["container_msg_id"].as_str().and_then(|id| id.parse::<u64>().ok())
        else {
            continue;
        };
        let seq_no =
            one["container_seqno"].as_i64().and_then(|it| i32::try_from(it).ok()).unwrap_or(0);
        let body = hex(&one["body"]);
        seeds.add("service_messages", &[&[1], &id.to_le_bytes(), &seq_no.to_le_bytes(), &body]);
        seeds.add("service_messages", &[&[4], &body]);
    }
    for one in list(&all["rpc_errors"]) {
        let code = one["code"].as_i64().and_then(|it| i32::try_from(it).ok()).unwrap_or(0);
        seeds.add(
            "service_messages",
            &[&[2], &code.to_le_bytes(), text(&one["message"]).as_bytes()],
        );
    }
    let ping = 0x7abe_77ec_u32.to_le_bytes();
    let layer = 0xda9b_0d0d_u32.to_le_bytes();
    let after = 0xcb9f_372d_u32.to_le_bytes();
    let no_updates = 0xbf94_59b7_u32.to_le_bytes();
    seeds
        .add("service_messages", &[&[3], &layer, &[230, 0, 0, 0], &after, &[5; 8], &ping, &[1; 8]]);
    seeds.add("service_messages", &[&[3], &no_updates, &ping, &[1; 8]]);
    let init =
        [&0xc1cd_5ea9_u32.to_le_bytes()[..], &[0; 4], &[7, 0, 0, 0], &b"\x01a\0\0".repeat(6)]
            .concat();
    seeds.add("service_messages", &[&[3], &layer, &[230, 0, 0, 0], &init, &ping, &[1; 8]]);
    let copy = [
        &0xe060_46b2_u32.to_le_bytes()[..],
        &0x5bb8_e511_u32.to_le_bytes(),
        &[1; 8],
        &[1, 0, 0, 0],
        &[4, 0, 0, 0],
        &[9; 4],
    ];
    seeds.add("service_messages", &[&[4], &copy.concat()]);
    seeds.add(
        "salts",
        &[
            &[64, 0, 0, 0, 0],
            &[7; 8],
            &1_700_000_137_u32.to_le_bytes(),
            &[0; 4],
            &1_700_001_800_u32.to_le_bytes(),
        ],
    );
    seeds.add(
        "salts",
        &[
            &[0, 0, 0, 0x80, 1],
            &1_700_000_137_u32.to_le_bytes(),
            &[9; 12],
            &[7; 8],
            &1_700_000_200_u32.to_le_bytes(),
        ],
    );
    let key = [&[7; 256][..], &[9; 8], &[0; 8], &[0; 4], &[0; 8]].concat();
    seeds.add("client_resume", &[&[1, 0, 0, 0, 0, 0, 0, 0]]);
    seeds.add("client_resume", &[&[1, 0, 0, 0, 1, 0, 0, 0], &key]);
    let temporary = [
        &[8; 256][..],
        &[9; 8],
        &[0; 8],
        &[1, 0, 0, 0],
        &1_763_900_000_000_000_000_u64.to_le_bytes(),
    ];
    seeds.add("client_resume", &[&[1, 0, 0, 0, 3, 0, 0, 0], &key, &temporary.concat()]);
}

fn handshakes(seeds: &mut Seeds) {
    let (nonces, new_nonce) = ([&[0xe1; 16][..], &[0xe2; 16]].concat(), [0xe3; 32]);
    for options in 0..4 {
        seeds.add("client_handshake", &[&[options, 0, 0, 0]]);
        seeds.add("client_handshake", &[&[options, 0x80, 0, 0x80]]);
        seeds.add("server_handshake", &[&[options, 0, 0, 0]]);
        seeds.add("server_handshake", &[&[options, 0x80, 0, 0x10, 0x10, 0]]);
        seeds.add("server_handshake", &[&[options, 0, 0, 0x20]]);
    }
    for (step, at) in [(0, 30), (1, 60), (1, 200), (2, 30), (2, 60)] {
        seeds.add("client_handshake", &[&[0], &[0].repeat(step), &[2, at, 0, 4]]);
        seeds.add("server_handshake", &[&[0], &[0].repeat(step), &[2, at, 0, 4]]);
    }
    let vector = 0x1cb5_c415_u32.to_le_bytes();
    let res_pq = [
        &0x0516_2463_u32.to_le_bytes()[..],
        &[0xe1; 16],
        &[5; 16],
        &[0xe4; 12],
        &vector,
        &[1, 0, 0, 0],
        &[0xe7; 8],
    ]
    .concat();
    sealed(seeds, "client_handshake", &[0, 4], &res_pq);
    let all = vectors("crypto");
    let prime = hex(&all["dh_public_range"]["p"]);
    let string = |bytes: &[u8]| [&[254, 0, 1, 0][..], bytes].concat();
    let inner = [
        &0xb589_0dba_u32.to_le_bytes()[..],
        &nonces,
        &[3, 0, 0, 0],
        &string(&prime),
        &string(&[0x55; 256]),
        &1_763_800_000_u32.to_le_bytes(),
    ]
    .concat();
    sealed(seeds, "client_handshake", &[0, 0, 5], &inner);
    for id in [0x3bcb_f734_u32, 0x46dc_1fb9, 0xa69d_ae02, 0x79cb_045d] {
        let body = [&id.to_le_bytes()[..], &nonces, &[7; 16]].concat();
        sealed(seeds, "client_handshake", &[0, 0, 4], &body);
        sealed(seeds, "client_handshake", &[0, 0, 0, 4], &body);
    }
    for id in [0x6046_9778_u32, 0xbe7e_8ef1] {
        sealed(seeds, "server_handshake", &[0, 3], &[&id.to_le_bytes()[..], &[6; 16]].concat());
    }
    for (id, end) in [
        (0x83c9_5aec_u32, &[][..]),
        (0xa9f5_5f95, &[2, 0, 0, 0]),
        (0x3c6a_84d4, &[16, 14, 0, 0]),
        (0x56fd_df88, &[2, 0, 0, 0, 16, 14, 0, 0]),
    ] {
        let inner =
            [&id.to_le_bytes()[..], &[0xe4; 12], &[0xe5; 8], &[0xe6; 8], &nonces, &new_nonce, end]
                .concat();
        let mut begun = vec![0, 0];
        begun.push(4);
        sealed(seeds, "server_handshake", &begun, &inner);
        let half =
            [&0x6643_b654_u32.to_le_bytes()[..], &nonces, &[0; 8], &string(&[0x55; 256])].concat();
        let (len, half_len) = (inner.len().to_le_bytes(), half.len().to_le_bytes());
        seeds.add("server_handshake", &[&begun, &len[..2], &inner, &[5], &half_len[..2], &half]);
    }
}

/// Adds an input that ends with a length-prefixed body.
fn sealed(seeds: &mut Seeds, target: &'static str, before: &[u8], body: &[u8]) {
    let len = u16::try_from(body.len()).unwrap().to_le_bytes();
    seeds.add(target, &[before, &len, body]);
}

/// Returns the body of a service message with marks in place of message ids.
fn marked(one: &Value) -> Vec<u8> {
    let mut body = hex(&one["body"]);
    let mut at = 4;
    while let Some(place) = body.get_mut(at..at + 8) {
        // The time of the vectors determines the upper bytes of their ids.
        if place[6..] == [0x53, 0x65]
            || place[6..] == [0xf1, 0x53]
            || place[5..] == [0xf1, 0x53, 0x65]
        {
            place.copy_from_slice(&[0, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee]);
        }
        at += 4;
    }
    body.truncate(body.len() / 4 * 4);
    body
}
