//! Session strings that the other programs wrote, of `vectors/account.json`.

use mtp_account::foreign::{
    ForeignError, ForeignSession, read_mtcute, read_mtkruto, read_numbered, read_pyrogram,
    write_gramjs, write_mtcute, write_mtkruto, write_pyrogram, write_telethon,
};
use serde_json::Value;

use crate::tables::vectors;

type Read = fn(&str) -> Result<ForeignSession, ForeignError>;

const READERS: [Read; 4] = [read_numbered, read_pyrogram, read_mtcute, read_mtkruto];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn check(vectors: &Value, case: &Value, session: &ForeignSession) {
    let seed = case["auth_key_seed"].as_u64().map(|seed| seed.to_string());
    let key = seed.map_or(&case["auth_key"], |seed| &vectors["auth_keys"][seed]);
    assert_eq!(hex(session.key.as_bytes()), key.as_str().unwrap(), "{case}");
    let center = case["dc_id"].as_u64().or(case["main"]["id"].as_u64()).unwrap();
    assert_eq!(u64::from(session.center), center, "{case}");
    if let Some(test) = case["test_mode"].as_bool().or(case["main"]["testMode"].as_bool()) {
        assert_eq!(session.test, Some(test), "{case}");
    }
    let host = case["address"].as_str().or(case["main"]["ipAddress"].as_str());
    if let (Some(address), Some(host)) = (&session.address, host) {
        assert_eq!(address.host, host, "{case}");
        let port = case["port"].as_u64().or(case["main"]["port"].as_u64()).unwrap();
        assert_eq!(u64::from(address.port), port, "{case}");
    }
    let user = case["user_id"].as_i64().or(case["self"]["user_id"].as_i64());
    assert_eq!(session.user.map(|user| user.id), user, "{case}");
    assert_eq!(session.api_id.map(u64::from), case["api_id"].as_u64(), "{case}");
}

fn cases<'a>(
    vectors: &'a Value,
    section: &str,
    list: &str,
) -> impl Iterator<Item = (&'a Value, &'a str)> {
    let list = vectors[section][list].as_array().unwrap().iter();
    list.map(|case| (case, case["string"].as_str().unwrap()))
}

#[test]
fn telethon_strings_are_read_and_written_letter_for_letter() {
    let vectors = vectors();
    for (case, text) in cases(&vectors, "session_telethon_string", "good") {
        let session = read_numbered(text).unwrap();
        check(&vectors, case, &session);
        assert_eq!(write_telethon(&session).unwrap().as_str(), text);
    }
    for (case, text) in cases(&vectors, "session_telethon_string", "edge") {
        let expected = match case["name"].as_str().unwrap() {
            "empty" => Some(ForeignError::Empty),
            "all-zero key means no key" => Some(ForeignError::NoKey),
            "padding stripped" => None,
            _ => Some(ForeignError::Form),
        };
        assert_eq!(read_numbered(text).err(), expected, "{case}");
    }
}

#[test]
fn gramjs_strings_are_read_and_written_letter_for_letter() {
    let vectors = vectors();
    for (case, text) in cases(&vectors, "session_gramjs_string", "good") {
        let session = read_numbered(text).unwrap();
        check(&vectors, case, &session);
        assert_eq!(write_gramjs(&session).unwrap().as_str(), text);
    }
    for (case, text) in cases(&vectors, "session_gramjs_string", "edge") {
        check(&vectors, case, &read_numbered(text).unwrap());
    }
}

#[test]
fn pyrogram_strings_of_three_forms_are_read_and_two_are_written() {
    let vectors = vectors();
    for list in ["good", "old"] {
        for (case, text) in cases(&vectors, "session_pyrogram_string", list) {
            let session = read_pyrogram(text).unwrap();
            check(&vectors, case, &session);
            if case["name"] != "old 32-bit" {
                assert_eq!(write_pyrogram(&session).unwrap().as_str(), text);
            }
        }
    }
}

#[test]
fn mtcute_strings_are_read_and_read_back() {
    let vectors = vectors();
    for (case, text) in cases(&vectors, "session_mtcute_string", "good") {
        let session = read_mtcute(text).unwrap();
        check(&vectors, case, &session);
        let written = write_mtcute(&session).unwrap();
        check(&vectors, case, &read_mtcute(&written).unwrap());
        // Written without media, as the program itself does if both options are equal.
        if case["main"] == case["media"] {
            assert_eq!(written.as_str(), text);
        }
    }
}

#[test]
fn mtkruto_strings_are_read_and_written_letter_for_letter() {
    let vectors = vectors();
    for (case, text) in cases(&vectors, "session_mtkruto_string", "good") {
        let session = read_mtkruto(text).unwrap();
        check(&vectors, case, &session);
        assert_eq!(write_mtkruto(&session).unwrap().as_str(), text);
    }
}

#[test]
fn conversions_give_what_the_other_programs_read() {
    let vectors = vectors();
    let case = &vectors["session_conversions"]["cases"][0];
    let mut session = read_mtcute(case["string"].as_str().unwrap()).unwrap();
    let expect = |name: &str| case[name].as_str().unwrap();
    assert_eq!(write_telethon(&session).unwrap().as_str(), expect("to_telethon"));
    assert_eq!(write_gramjs(&session).unwrap().as_str(), expect("to_gramjs"));
    assert_eq!(write_mtkruto(&session).unwrap().as_str(), expect("to_mtkruto"));
    assert_eq!(write_pyrogram(&session).unwrap().as_str(), expect("to_pyrogram_no_api_id"));
    session.api_id = Some(12345);
    assert_eq!(write_pyrogram(&session).unwrap().as_str(), expect("to_pyrogram"));
}

#[test]
fn strings_are_read_up_to_the_limit_and_refused_above() {
    assert_eq!(read_mtcute(&"A".repeat(2048)).err(), Some(ForeignError::Form));
    assert_eq!(read_mtcute(&"A".repeat(2049)).err(), Some(ForeignError::TooLong));
}

#[test]
fn damaged_strings_are_refused_without_panic() {
    let vectors = vectors();
    for section in ["telethon", "gramjs", "pyrogram", "mtcute", "mtkruto"] {
        for (_, text) in cases(&vectors, &format!("session_{section}_string"), "good") {
            for reader in READERS {
                for cut in 0..text.len() {
                    let _ = reader(&text[..cut]);
                    let mut damaged = text.to_owned();
                    damaged.replace_range(cut..=cut, "_");
                    let _ = reader(&damaged);
                }
            }
        }
    }
}
