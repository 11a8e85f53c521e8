//! Seeds of the search for costs: the attacks that are known, from few bytes each.

use crate::Seeds;

/// A container of as many messages as there may be; packed; with two patterns.
const MANY: u8 = 10;
const PACKED: u8 = 0x10;
const TWO: u8 = 0x20;
/// An earlier packet again.
const AGAIN: u8 = 0xc0;

pub(crate) fn add(seeds: &mut Seeds) {
    for (first, second) in client_attacks() {
        let packet = |pattern: &[u8; 7]| [&[0x08][..], pattern].concat();
        let two = [packet(&first), packet(&second)].concat();
        // Twice, then answers, output and time.
        let rest = [4, 255, 7, 255, 6, 200, 0, AGAIN, 0, 7, 255];
        seeds.add("cost_session", &[&[0], &two, &two, &rest]);
        seeds.add("cost_session", &[&[1], &two, &[5, 255, 7, 255], &two, &rest]);
        // As the first of four clients; an answer; a replay on the link of the third; time.
        let many = [0x0d, 255, 0x0c, 2, AGAIN, 0, 0x0e, 200, 0x48, AGAIN, 0];
        seeds.add("cost_server", &[&two, &two, &many]);
        seeds.add("cost_center", &[&two, &many, &two]);
        seeds.add("cost_center", &[&two, &two, &two, &two]);
    }
    for method in 0..9 {
        let pattern = [MANY, 21, 0, method, 0, 0, 0];
        let calls = [&[0x08][..], &pattern, &[8, 1, 0, 0, 0, 4, 0, 0, 0]].concat();
        seeds.add("cost_center", &[&calls, &calls]);
    }
    for (first, second) in server_attacks() {
        // 1024 calls are made and written.
        let begin = [3, 3, 10, 0, 5, 31, 5, 31];
        let two = [&[0][..], &first, &[0], &second].concat();
        seeds.add("cost_client", &[&begin, &two, &two, &[5, 31, 4, 200, 5, 31], &two]);
        seeds.add("cost_client", &[&[0, 3, 10, 1, 5, 31], &two, &[5, 31], &two]);
        // Many containers, each with a few calls.
        let few = [3, 4, 0, 5, 0].repeat(12);
        seeds.add("cost_client", &[&[0], &few, &two, &two, &two]);
    }
    for stack in [0x80, 0x81, 0x82, 0x83, 0x85, 0x87, 0x00] {
        for options in [0, 1, 2, 12] {
            let bytes = [0x90, 4, 1, 2, 3, 4, 0x93, 4, 5, 6, 7, 8, 6];
            seeds.add("cost_relay", &[&[options, stack, 0, 0, 0, 4], &bytes, &bytes, &[5, 60]]);
            let flood = [0x91, 128].into_iter().chain([7; 128]).collect::<Vec<u8>>();
            let both = [&flood[..], &[0x93, 128], &[9; 128]].concat();
            seeds.add("cost_relay", &[&[options, stack, 0, 0, 0, 4], &both, &both, &both, &both]);
            // As much as both buffers take, and more, without output.
            if options != 2 {
                continue;
            }
            let most = [0x92, 255].into_iter().chain([7; 255]).collect::<Vec<u8>>();
            let both = [&most[..], &[0x93, 255], &[9; 255]].concat();
            seeds.add("cost_relay", &[&[options, stack, 0, 0, 0, 4], &both.repeat(20)]);
        }
    }
}

/// Pairs of packets of a client.
fn client_attacks() -> Vec<([u8; 7], [u8; 7])> {
    let fails = [MANY, 8, 7, 0, 0, 0, 0];
    vec![
        // Fans: calls that wait for many, then calls that fail at once.
        ([MANY, 4, 5, 9, 0, 0, 0], fails),
        ([MANY | PACKED, 4, 5, 9, 0, 0, 0], fails),
        ([MANY | TWO, 4, 5, 6, 8, 7, 0], fails),
        // Calls that wait for what never comes.
        ([6, 4, 6, 9, 0, 0, 0], fails),
        // A chain: each call waits for the one before, and the first fails.
        ([0, 4, 5, 0, 0, 0, 0], [MANY, 4, 0, 0, 0, 0, 0]),
        // Floods of questions, one packed.
        ([MANY, 10, 3, 10, 0, 0, 0], [MANY, 12, 2, 10, 0, 0, 0]),
        ([0x06 | PACKED, 10, 3, 13, 0, 0, 0], [0, 0x4a, 3, 13, 0, 0, 0]),
        ([MANY | PACKED, 17, 0, 15, 0, 0, 0], [MANY, 16, 0, 0, 0, 0, 0]),
        // Answers larger than their calls, acknowledged, requested again and dropped.
        ([MANY, 0, 0, 15, 0, 0, 0], [8, 14, 2, 9, 0, 0, 0]),
        ([6, 0, 0, 15, 0, 0, 0], [5, 12, 2, 13, 0, 0, 0]),
        ([6, 0, 0, 12, 0, 0, 0], [6, 18, 1, 0, 0, 0, 0]),
        // Duplicates, unreadable messages, sessions that do not exist.
        ([MANY, 0, 0, 0, 0, 0, 0], [AGAIN, 0, 0, 0, 0, 0, 0]),
        ([MANY | PACKED, 23, 0, 9, 0, 0, 0], [MANY, 19, 0, 0, 0, 0, 0]),
        ([8, 0x40, 0, 0xf0, 0, 0, 0], [MANY, 15, 4, 8, 0, 0, 0]),
    ]
}

/// Pairs of packets of a server.
fn server_attacks() -> Vec<([u8; 7], [u8; 7])> {
    vec![
        // Acknowledgments that name a container again and again.
        ([0, 2, 4, 13, 0, 0, 0], [0, 2, 2, 13, 0, 0, 0]),
        ([7 | PACKED, 2, 4, 13, 0, 0, 0], [7, 2, 2, 10, 0, 0, 0]),
        // Announcements of messages that never come, then messages.
        ([MANY, 12, 0, 0, 0, 0, 0], [MANY, 20, 0, 0, 0, 0, 0]),
        ([MANY, 10, 2, 0, 0, 0, 0], [MANY, 4, 3, 9, 0, 0, 0]),
        // Refusals, requests to send again, states, new sessions.
        ([MANY, 8, 2, 4, 0, 0, 0], [8, 9, 2, 0, 0, 0, 0]),
        ([4, 6, 2, 13, 0, 0, 0], [4, 17, 2, 0x4d, 0, 0, 0]),
        ([MANY, 14, 2, 0, 0, 0, 0], [MANY | PACKED, 15, 2, 0, 0, 0, 0]),
        ([MANY, 0, 2, 3, 0, 0, 0], [MANY | PACKED, 20, 0, 9, 0, 0, 0]),
    ]
}
