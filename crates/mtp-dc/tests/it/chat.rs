//! Messages between two users and the echo user, and the updates of their sessions.

use mtp_server::Rate;
use serde_json::{Value, json};

use super::desk::{ANN, BEN, Client, Desk, Outcome, config, error, input_peer};

const ANNS: Client = Client(1);
const ANNS_OTHER: Client = Client(2);
const BENS: Client = Client(3);

/// A desk where both are logged in, and what Ann sees of Ben.
fn two() -> (Desk, Value) {
    let mut desk = Desk::new(config());
    desk.log_in(ANNS, ANN);
    desk.log_in(BENS, BEN);
    let ben = find(&mut desk, ANNS, BEN);
    (desk, ben)
}

fn find(desk: &mut Desk, client: Client, phone: &str) -> Value {
    let found = desk.call(client, "contacts.resolvePhone", json!({ "phone": phone })).unwrap();
    found["users"][0].clone()
}

fn send(desk: &mut Desk, client: Client, peer: &Value, text: &str, number: i64) -> Outcome {
    let random_id = number.to_string();
    let arguments = json!({ "peer": peer, "message": text, "random_id": random_id });
    desk.call(client, "messages.sendMessage", arguments)
}

fn pts(desk: &mut Desk, client: Client) -> i64 {
    desk.call(client, "updates.getState", json!({})).unwrap()["pts"].as_i64().unwrap()
}

fn difference(desk: &mut Desk, client: Client, pts: i64) -> Outcome {
    desk.call(client, "updates.getDifference", json!({ "pts": pts, "date": 1, "qts": 0 }))
}

fn texts(messages: &Value) -> Vec<&str> {
    messages.as_array().unwrap().iter().map(|at| at["message"].as_str().unwrap()).collect()
}

#[test]
fn a_message_reaches_all_sessions_of_both_users_except_the_callers() {
    let (mut desk, ben) = two();
    desk.log_in(ANNS_OTHER, ANN);
    let sent = send(&mut desk, ANNS, &input_peer(&ben), "hello", 7).unwrap();
    assert_eq!((&sent["_"], &sent["out"]), (&json!("updateShortSentMessage"), &json!(true)));
    assert_eq!((&sent["id"], &sent["pts"], &sent["pts_count"]), (&json!(1), &json!(2), &json!(1)));
    let told: Vec<_> = desk.pushes.iter().map(|(session, _)| *session).collect();
    assert_eq!(told, [ANNS_OTHER.session(), BENS.session()]);

    let to_ann = &desk.pushes[0].1["updates"][0]["message"];
    assert_eq!((&to_ann["out"], &to_ann["message"]), (&json!(true), &json!("hello")));
    assert_eq!(to_ann["peer_id"]["user_id"], ben["id"]);
    let to_ben = &desk.pushes[1].1;
    let update = &to_ben["updates"][0];
    assert_eq!((&update["_"], &update["pts"]), (&json!("updateNewMessage"), &json!(2)));
    assert!(update["message"].get("out").is_none());
    assert_eq!(update["message"]["from_id"], update["message"]["peer_id"]);
    let names: Vec<_> =
        to_ben["users"].as_array().unwrap().iter().map(|user| &user["first_name"]).collect();
    assert_eq!(names, ["Ann", "Ben"]);
    let phones: Vec<_> =
        to_ben["users"].as_array().unwrap().iter().map(|user| user.get("phone")).collect();
    assert_eq!(phones, [None, Some(&json!(BEN))], "numbers are their owners'");

    // Ben answers the user that the update named.
    let ann = to_ben["users"][0].clone();
    desk.pushes.clear();
    assert_eq!(send(&mut desk, BENS, &input_peer(&ann), "hello yourself", 8).unwrap()["id"], 2);
    assert_eq!(desk.pushes.len(), 2, "both of Ann's sessions");
}

#[test]
fn the_echo_user_returns_the_text() {
    let (mut desk, _) = two();
    let found =
        desk.call(ANNS, "contacts.resolveUsername", json!({ "username": "@Echo" })).unwrap();
    let echo = input_peer(&found["users"][0]);
    assert_eq!(send(&mut desk, ANNS, &echo, "is anybody there", 1).unwrap()["pts"], 2);
    let (session, heard) = desk.pushes.pop().unwrap();
    assert_eq!((session, desk.pushes.len()), (ANNS.session(), 0));
    assert_eq!(heard["updates"][0]["message"]["message"], "is anybody there");
    assert_eq!(heard["updates"][0]["pts"], 3);
}

#[test]
fn a_message_to_oneself_is_stored_once() {
    let (mut desk, _) = two();
    let myself = json!({ "_": "inputPeerSelf" });
    assert_eq!(send(&mut desk, ANNS, &myself, "milk", 1).unwrap()["pts"], 2);
    assert!(desk.pushes.is_empty());
    assert_eq!(pts(&mut desk, ANNS), 2);
}

// spec: session 9
#[test]
fn a_session_without_updates_is_not_subscribed() {
    let mut desk = Desk::new(config());
    desk.log_in(ANNS, ANN);
    let ben = find(&mut desk, ANNS, BEN);
    desk.log_in(BENS, BEN);
    desk.api.forget_session(BENS.session(), BENS.session().key);
    let state = |desk: &mut Desk, without_updates| {
        desk.call_with(BENS, "updates.getState", json!({}), |caller| mtp_dc::Caller {
            without_updates,
            ..caller
        })
    };
    state(&mut desk, true).unwrap();
    send(&mut desk, ANNS, &input_peer(&ben), "one", 1).unwrap();
    assert!(desk.pushes.is_empty());
    state(&mut desk, false).unwrap();
    send(&mut desk, ANNS, &input_peer(&ben), "two", 2).unwrap();
    assert_eq!(desk.pushes.len(), 1);
}

#[test]
fn subscriptions_are_bounded_and_end_with_the_session_and_the_login() {
    let mut config = config();
    config.subscribers_max = 2;
    let mut desk = Desk::new(config);
    let sessions = [Client(11), Client(12), Client(13)];
    for client in sessions {
        desk.log_in(client, BEN);
    }
    desk.log_in(ANNS, ANN);
    let ben = input_peer(&find(&mut desk, ANNS, BEN));
    let told = |desk: &mut Desk, number| {
        desk.pushes.clear();
        send(desk, ANNS, &ben, "x", number).unwrap();
        desk.pushes.iter().map(|(session, _)| *session).collect::<Vec<_>>()
    };
    assert_eq!(told(&mut desk, 1), [sessions[1].session(), sessions[2].session()]);
    desk.api.forget_session(sessions[1].session(), sessions[1].session().key);
    assert_eq!(told(&mut desk, 2), [sessions[2].session()]);
    desk.call(sessions[2], "auth.logOut", json!({})).unwrap();
    assert_eq!(told(&mut desk, 3), []);
}

#[test]
fn a_difference_returns_missed_messages() {
    let (mut desk, ben) = two();
    let peer = input_peer(&ben);
    // Zero is what a client says that knows no state; the first there is is one.
    for none in [0, 1] {
        assert_eq!(difference(&mut desk, BENS, none).unwrap()["_"], "updates.differenceEmpty");
    }
    for number in 1..=120 {
        desk.wait(1);
        send(&mut desk, ANNS, &peer, &format!("{number}"), number).unwrap();
    }
    let slice = difference(&mut desk, BENS, 11).unwrap();
    assert_eq!(slice["_"], "updates.differenceSlice");
    assert_eq!(slice["intermediate_state"]["pts"], 111);
    let rest = difference(&mut desk, BENS, 111).unwrap();
    assert_eq!((&rest["_"], &rest["state"]["pts"]), (&json!("updates.difference"), &json!(121)));
    let read = texts(&rest["new_messages"]);
    assert_eq!(read, (111..=120).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(rest["users"].as_array().unwrap().len(), 2);
    let ahead = difference(&mut desk, BENS, 122);
    assert_eq!(ahead, error(400, "PERSISTENT_TIMESTAMP_INVALID"));
    let arguments = json!({ "pts": 10, "date": 1, "qts": 0, "pts_total_limit": 100 });
    let long = desk.call(BENS, "updates.getDifference", arguments).unwrap();
    assert_eq!((&long["_"], &long["pts"]), (&json!("updates.differenceTooLong"), &json!(121)));
    let arguments = json!({ "pts": 10, "date": 1, "qts": 0, "pts_limit": 5 });
    let short = desk.call(BENS, "updates.getDifference", arguments).unwrap();
    assert_eq!(short["intermediate_state"]["pts"], 15);
}

#[test]
fn mailboxes_are_bounded() {
    let mut config = config();
    config.mailbox_messages_max = 3;
    let mut desk = Desk::new(config);
    desk.log_in(ANNS, ANN);
    desk.log_in(BENS, BEN);
    let peer = input_peer(&find(&mut desk, ANNS, BEN));
    for number in 1..=5 {
        send(&mut desk, ANNS, &peer, "x", number).unwrap();
    }
    assert_eq!(difference(&mut desk, BENS, 2).unwrap()["_"], "updates.differenceTooLong");
    let rest = difference(&mut desk, BENS, 3).unwrap();
    assert_eq!(rest["new_messages"].as_array().unwrap().len(), 3);
}

#[test]
fn dialogs_and_history_are_paged() {
    let (mut desk, ben) = two();
    let peer = input_peer(&ben);
    for (number, text) in ["one", "two", "three"].into_iter().enumerate() {
        send(&mut desk, ANNS, &peer, text, i64::try_from(number).unwrap() + 1).unwrap();
    }
    let echo = desk.call(BENS, "contacts.resolveUsername", json!({ "username": "echo" })).unwrap();
    send(&mut desk, BENS, &input_peer(&echo["users"][0]), "echo", 9).unwrap();
    let list = |desk: &mut Desk, offset_id: i32, limit: i32| {
        let empty = json!({ "_": "inputPeerEmpty" });
        let arguments = json!({
            "offset_date": 0, "offset_id": offset_id, "offset_peer": empty, "limit": limit,
            "hash": "0"
        });
        desk.call(BENS, "messages.getDialogs", arguments).unwrap()
    };
    let all = list(&mut desk, 0, 100);
    assert_eq!(all["_"], "messages.dialogs");
    assert_eq!(texts(&all["messages"]), ["echo", "three"]);
    assert_eq!(
        (&all["dialogs"][0]["unread_count"], &all["dialogs"][1]["unread_count"]),
        (&json!(1), &json!(3))
    );
    let first = list(&mut desk, 0, 1);
    assert_eq!((&first["_"], &first["count"]), (&json!("messages.dialogsSlice"), &json!(2)));
    let second = list(&mut desk, 4, 1);
    assert_eq!(texts(&second["messages"]), ["three"]);

    let ann = input_peer(&find(&mut desk, BENS, ANN));
    let peers = [&ann, &json!({ "_": "inputPeerSelf" })]
        .map(|peer| json!({ "_": "inputDialogPeer", "peer": peer }));
    let named = desk.call(BENS, "messages.getPeerDialogs", json!({ "peers": peers })).unwrap();
    assert_eq!(texts(&named["messages"]), ["three"]);
    let tops = [&named["dialogs"][0]["top_message"], &named["dialogs"][1]["top_message"]];
    assert_eq!(tops, [&all["dialogs"][1]["top_message"], &json!(0)], "an empty chat is one too");
    assert_eq!(named["users"].as_array().unwrap().len(), 2);

    let page = |desk: &mut Desk, limit: i32| {
        let arguments = json!({
            "peer": ann, "offset_id": 0, "offset_date": 0, "add_offset": 0, "limit": limit,
            "max_id": 0, "min_id": 0, "hash": "0"
        });
        desk.call(BENS, "messages.getHistory", arguments).unwrap()
    };
    let whole = page(&mut desk, 100);
    assert_eq!(
        (&whole["_"], texts(&whole["messages"])),
        (&json!("messages.messages"), vec!["three", "two", "one"])
    );
    let part = page(&mut desk, 2);
    assert_eq!((&part["_"], &part["count"]), (&json!("messages.messagesSlice"), &json!(3)));

    let read = json!({ "peer": ann, "max_id": 2 });
    let affected = desk.call(BENS, "messages.readHistory", read).unwrap();
    assert_eq!(affected["_"], "messages.affectedMessages");
    assert_eq!(list(&mut desk, 0, 100)["dialogs"][1]["unread_count"], 1);
    assert_eq!(desk.call(BENS, "updates.getState", json!({})).unwrap()["unread_count"], 2);
    let ids =
        json!({ "id": [{ "_": "inputMessageID", "id": 2 }, { "_": "inputMessageID", "id": 77 }] });
    let got = desk.call(BENS, "messages.getMessages", ids).unwrap();
    assert_eq!(texts(&got["messages"]), ["two"]);
    let pinned = desk.call(BENS, "messages.getPinnedDialogs", json!({ "folder_id": 0 })).unwrap();
    assert_eq!(pinned["dialogs"], json!([]));
}

#[test]
fn an_invalid_message_is_refused() {
    let (mut desk, ben) = two();
    let peer = input_peer(&ben);
    let longest = "😀".repeat(2048);
    for (text, expected) in [
        ("", Some("MESSAGE_EMPTY")),
        (" \n", Some("MESSAGE_EMPTY")),
        (&*format!("{longest}x"), Some("MESSAGE_TOO_LONG")),
        (&*longest, None),
    ] {
        let sent = send(&mut desk, ANNS, &peer, text, 5).map(|_| json!(null));
        assert_eq!(sent, expected.map_or(Ok(json!(null)), |message| error(400, message)));
    }
    assert_eq!(send(&mut desk, ANNS, &peer, "x", 5), error(400, "RANDOM_ID_DUPLICATE"));
    assert_eq!(send(&mut desk, ANNS, &peer, "x", 0), error(400, "RANDOM_ID_EMPTY"));
    let mut stranger = peer.clone();
    stranger["access_hash"] = "1".into();
    let chat = json!({ "_": "inputPeerChat", "chat_id": "1" });
    let channel = json!({ "_": "inputPeerChannel", "channel_id": "1", "access_hash": "1" });
    for wrong in [stranger, chat, channel, json!({ "_": "inputPeerEmpty" })] {
        assert_eq!(send(&mut desk, ANNS, &wrong, "x", 6), error(400, "PEER_ID_INVALID"));
    }
    let later =
        json!({ "peer": peer, "message": "x", "random_id": "8", "schedule_date": 2_000_000_000 });
    let refused = desk.call(ANNS, "messages.sendMessage", later);
    assert_eq!(refused, error(400, "SCHEDULE_DATE_INVALID"));
    assert_eq!(pts(&mut desk, BENS), 2);
}

#[test]
fn replies_and_formatting_are_accepted_and_dropped() {
    let (mut desk, ben) = two();
    let reply = json!({
        "_": "inputReplyToMessage", "reply_to_msg_id": 1, "top_msg_id": 2, "quote_text": "q",
        "reply_to_peer_id": { "_": "inputPeerSelf" }, "quote_offset": 3,
        "monoforum_peer_id": { "_": "inputPeerSelf" }, "todo_item_id": 4, "poll_option": "00"
    });
    let bold = json!({ "_": "messageEntityBold", "offset": 0, "length": 1 });
    let arguments = json!({
        "peer": input_peer(&ben), "message": "plain", "random_id": "3", "reply_to": reply,
        "entities": [bold], "no_webpage": true
    });
    desk.call(ANNS, "messages.sendMessage", arguments).unwrap();
    assert_eq!(desk.pushes[0].1["updates"][0]["message"]["message"], "plain");
}

// spec: session 10
#[test]
fn messages_above_the_rate_are_refused() {
    let mut config = config();
    config.messages = Rate::new(2, core::time::Duration::from_secs(3));
    let mut desk = Desk::new(config);
    desk.log_in(ANNS, ANN);
    let myself = json!({ "_": "inputPeerSelf" });
    assert!(send(&mut desk, ANNS, &myself, "x", 1).is_ok());
    assert!(send(&mut desk, ANNS, &myself, "x", 2).is_ok());
    assert_eq!(send(&mut desk, ANNS, &myself, "x", 3), error(420, "FLOOD_WAIT_3"));
    desk.wait(3);
    assert!(send(&mut desk, ANNS, &myself, "x", 3).is_ok());
}

#[test]
fn users_are_found_by_name_number_and_hash() {
    let (mut desk, ben) = two();
    let unknown = desk.call(ANNS, "contacts.resolveUsername", json!({ "username": "nobody" }));
    assert_eq!(unknown, error(400, "USERNAME_NOT_OCCUPIED"));
    let unknown = desk.call(ANNS, "contacts.resolvePhone", json!({ "phone": "4912345" }));
    assert_eq!(unknown, error(400, "PHONE_NOT_OCCUPIED"));
    let ann =
        desk.call(BENS, "contacts.resolveUsername", json!({ "username": "annarcher" })).unwrap();
    assert_eq!(ann["peer"]["user_id"], ann["users"][0]["id"]);

    let contact = |phone: &str, number: &str| {
        json!({
            "_": "inputPhoneContact", "client_id": number, "phone": phone,
            "first_name": "x", "last_name": ""
        })
    };
    let contacts = [contact(BEN, "5"), contact("4912345", "6"), contact("no number", "7")];
    let imported =
        desk.call(ANNS, "contacts.importContacts", json!({ "contacts": contacts })).unwrap();
    assert_eq!(imported["imported"].as_array().unwrap().len(), 1);
    assert_eq!(imported["imported"][0]["client_id"], "5");
    assert_eq!(imported["users"][0]["id"], ben["id"]);
    let contacts = desk.call(ANNS, "contacts.getContacts", json!({ "hash": "0" })).unwrap();
    assert_eq!(contacts["contacts"], json!([]));

    let named =
        json!({ "_": "inputUser", "user_id": ben["id"], "access_hash": ben["access_hash"] });
    let wrong = json!({ "_": "inputUser", "user_id": ben["id"], "access_hash": "1" });
    let users = json!({ "id": [named, wrong, { "_": "inputUserEmpty" }] });
    let users = desk.call(ANNS, "users.getUsers", users).unwrap();
    assert_eq!(users.as_array().unwrap().len(), 1);
    let full = desk.call(ANNS, "users.getFullUser", json!({ "id": named })).unwrap();
    assert_eq!(
        (&full["full_user"]["id"], &full["users"][0]["first_name"]),
        (&ben["id"], &json!("Ben"))
    );
    let refused = desk.call(ANNS, "users.getFullUser", json!({ "id": wrong }));
    assert_eq!(refused, error(400, "USER_ID_INVALID"));
}
