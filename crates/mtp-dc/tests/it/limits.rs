//! Limits of the arguments and answers of methods.
//!
//! Goal: each limit holds at its value and one beyond it. Method: a table for each kind of limit; the calls that have
//! no option to count up are made by hand.

use mtp_dc::SignUp;
use mtp_server::Rate;
use serde_json::{Value, json};

use super::desk::{ANN, Client, Desk, Outcome, config, error, hex};
use super::login::settings;

const ONE: Client = Client(1);

/// Returns a desk where Ann is logged in and may send any number of messages.
fn desk() -> Desk {
    let mut config = config();
    config.messages = Rate::UNLIMITED;
    let mut desk = Desk::new(config);
    desk.log_in(ONE, ANN);
    desk
}

/// Makes a call with as many items as the limit allows, then with one more.
#[track_caller]
fn check(
    desk: &mut Desk,
    max: usize,
    refused: &Outcome,
    mut call: impl FnMut(&mut Desk, usize) -> Outcome,
) {
    let allowed = call(desk, max);
    assert!(allowed.is_ok(), "{max}: {allowed:?}");
    assert_eq!(call(desk, max + 1), *refused);
}

fn send(desk: &mut Desk, text: &str, random_id: usize) -> Outcome {
    let arguments = json!({
        "peer": { "_": "inputPeerSelf" }, "message": text, "random_id": random_id.to_string()
    });
    desk.call(ONE, "messages.sendMessage", arguments)
}

fn repeated(item: &Value, count: usize) -> Value {
    Value::Array(vec![item.clone(); count])
}

#[test]
fn a_vector_of_arguments_is_limited() {
    let mut desk = desk();
    let limit = error(400, "LIMIT_INVALID");
    let myself = json!({ "_": "inputUserSelf" });
    check(&mut desk, 200, &limit, |desk, count| {
        desk.call(ONE, "users.getUsers", json!({ "id": repeated(&myself, count) }))
    });
    let id = json!({ "_": "inputMessageID", "id": 1 });
    check(&mut desk, 100, &limit, |desk, count| {
        desk.call(ONE, "messages.getMessages", json!({ "id": repeated(&id, count) }))
    });
    let peer = json!({ "_": "inputDialogPeer", "peer": { "_": "inputPeerSelf" } });
    check(&mut desk, 100, &limit, |desk, count| {
        desk.call(ONE, "messages.getPeerDialogs", json!({ "peers": repeated(&peer, count) }))
    });
    let contact = json!({
        "_": "inputPhoneContact", "client_id": "1", "phone": "99966299999", "first_name": "",
        "last_name": ""
    });
    check(&mut desk, 500, &limit, |desk, count| {
        let contacts = repeated(&contact, count);
        desk.call(ONE, "contacts.importContacts", json!({ "contacts": contacts }))
    });
    check(&mut desk, 10_000, &limit, |desk, count| {
        let keys = repeated(&json!(""), count);
        let arguments = json!({ "lang_pack": "x", "lang_code": "en", "keys": keys });
        desk.call(ONE, "langpack.getStrings", arguments)
    });
    check(&mut desk, 32, &limit, |desk, count| {
        let tokens = repeated(&json!("00"), count);
        let settings = json!({ "_": "codeSettings", "logout_tokens": tokens });
        let arguments = json!({
            "phone_number": ANN, "api_id": 1, "api_hash": "x", "settings": settings
        });
        desk.call(ONE, "auth.sendCode", arguments)
    });
}

#[test]
fn a_message_has_at_most_4096_units_of_utf_16() {
    let mut desk = desk();
    let too_long = error(400, "MESSAGE_TOO_LONG");
    check(&mut desk, 4096, &too_long, |desk, len| send(desk, &"x".repeat(len), len));
    // Outside of the basic plane a character takes two units.
    check(&mut desk, 2048, &too_long, |desk, len| send(desk, &"😀".repeat(len), len));
}

#[test]
fn a_page_and_a_difference_have_at_most_100_messages() {
    let mut desk = desk();
    for number in 1..=100 {
        send(&mut desk, "text", number).unwrap();
    }
    let history = |desk: &mut Desk| {
        let arguments = json!({
            "peer": { "_": "inputPeerSelf" }, "offset_id": 0, "offset_date": 0, "add_offset": 0,
            "limit": 1000, "max_id": 0, "min_id": 0, "hash": "0"
        });
        desk.call(ONE, "messages.getHistory", arguments).unwrap()
    };
    let difference = |desk: &mut Desk| {
        let arguments = json!({ "pts": 1, "date": 1, "qts": 0 });
        desk.call(ONE, "updates.getDifference", arguments).unwrap()
    };
    assert_eq!(history(&mut desk)["_"], "messages.messages");
    assert_eq!(difference(&mut desk)["_"], "updates.difference");
    send(&mut desk, "text", 101).unwrap();
    let (page, slice) = (history(&mut desk), difference(&mut desk));
    assert_eq!((&page["_"], &page["count"]), (&json!("messages.messagesSlice"), &json!(101)));
    assert_eq!(page["messages"].as_array().unwrap().len(), 100);
    assert_eq!(slice["_"], "updates.differenceSlice");
    assert_eq!(slice["new_messages"].as_array().unwrap().len(), 100);
}

#[test]
fn a_phone_number_has_at_most_32_characters() {
    let mut desk = Desk::new(config());
    check(&mut desk, 32, &error(400, "PHONE_NUMBER_INVALID"), |desk, len| {
        let phone = format!("{ANN:->len$}");
        desk.send_code(ONE, &phone).map(Value::from)
    });
}

#[test]
fn a_name_has_at_most_64_characters() {
    for (first, last) in [(64, 65), (65, 64)] {
        let mut config = config();
        config.sign_up = SignUp::Asked;
        let mut desk = Desk::new(config);
        let hash = desk.send_code(ONE, "4912345").unwrap();
        desk.sign_in(ONE, "4912345", &hash, super::desk::CODE).unwrap();
        let sign_up = |first: usize, last: usize| {
            json!({
                "phone_number": "4912345", "phone_code_hash": hash,
                "first_name": "ä".repeat(first), "last_name": "ä".repeat(last)
            })
        };
        let refused = desk.call(ONE, "auth.signUp", sign_up(first, last));
        assert_eq!(refused, error(400, "FIRSTNAME_INVALID"));
        assert!(desk.call(ONE, "auth.signUp", sign_up(64, 64)).is_ok());
    }
}

#[test]
fn a_password_has_a_hint_of_at_most_255_and_a_salt_of_at_most_128_bytes() {
    let change = |desk: &mut Desk, settings: Value| {
        let none = json!({ "_": "inputCheckPasswordEmpty" });
        let arguments = json!({ "password": none, "new_settings": settings });
        desk.call(ONE, "account.updatePasswordSettings", arguments)
    };
    let invalid = error(400, "NEW_SETTINGS_INVALID");
    let mut desk = desk();
    let asked = desk.call(ONE, "account.getPassword", json!({})).unwrap();
    let settings = settings(&asked, "password", 32);
    for (key, longest) in [("hint", 255), ("salt1", 128)] {
        let with_len = |len: usize| {
            let mut settings = settings.clone();
            if key == "hint" {
                settings["hint"] = "h".repeat(len).into();
            } else {
                let salt = settings["new_algo"]["salt1"].as_str().unwrap().to_owned();
                let more = hex(&vec![7; len - salt.len() / 2]);
                settings["new_algo"]["salt1"] = (salt + &more).into();
            }
            settings
        };
        assert_eq!(change(&mut desk, with_len(longest + 1)), invalid, "{key}");
    }
    let mut longest = settings;
    longest["hint"] = "h".repeat(255).into();
    let salt = longest["new_algo"]["salt1"].as_str().unwrap().to_owned();
    longest["new_algo"]["salt1"] = (salt.clone() + &hex(&vec![7; 128 - salt.len() / 2])).into();
    assert_eq!(change(&mut desk, longest), Ok(json!(true)));
}
