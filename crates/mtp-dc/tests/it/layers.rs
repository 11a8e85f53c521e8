//! Every answer that differs between layers, decoded by the schema of each.

use serde_json::{Value, json};

use super::desk::{ANN, BEN, Client, Desk, config, error, input_peer};

const ONE: Client = Client(1);
const TWO: Client = Client(2);

/// The layers in which a form changed, and one beyond each end of the known range.
const LAYERS: [i32; 23] = [
    155, 158, 160, 164, 167, 173, 176, 178, 181, 185, 189, 195, 196, 202, 214, 216, 218, 221, 223,
    224, 227, 229, 231,
];

/// Makes each call whose answer or update changed.
fn visit(layer: i32) -> usize {
    let mut desk = Desk::new(config());
    desk.layer = layer;
    desk.log_in(ONE, ANN);
    desk.log_in(TWO, BEN);
    let found = desk.call(ONE, "contacts.resolvePhone", json!({ "phone": BEN })).unwrap();
    let ben = found["users"][0].clone();
    let text = json!({ "peer": input_peer(&ben), "message": "hello", "random_id": "1" });
    desk.call(ONE, "messages.sendMessage", text).unwrap();
    let pushed = &desk.pushes[0].1["updates"][0]["message"];
    assert_eq!((&pushed["message"], &pushed["id"]), (&json!("hello"), &json!(1)));
    let read: Vec<Value> = [
        ("help.getConfig", json!({})),
        ("users.getUsers", json!({ "id": [{ "_": "inputUserSelf" }] })),
        ("users.getFullUser", json!({ "id": { "_": "inputUserSelf" } })),
        ("account.getPassword", json!({})),
        ("updates.getDifference", json!({ "pts": 0, "date": 1, "qts": 0 })),
        (
            "messages.getDialogs",
            json!({
                "offset_date": 0, "offset_id": 0, "offset_peer": { "_": "inputPeerEmpty" },
                "limit": 9, "hash": "0"
            }),
        ),
        (
            "messages.getHistory",
            json!({
                "peer": input_peer(&ben), "offset_id": 0, "offset_date": 0, "add_offset": 0,
                "limit": 9, "max_id": 0, "min_id": 0, "hash": "0"
            }),
        ),
        (
            "messages.getHistory",
            json!({
                "peer": input_peer(&ben), "offset_id": 0, "offset_date": 0, "add_offset": 1,
                "limit": 1, "max_id": 0, "min_id": 0, "hash": "0"
            }),
        ),
    ]
    .into_iter()
    .map(|(method, arguments)| {
        let answer = desk.call(ONE, method, arguments);
        answer.unwrap_or_else(|error| panic!("{method} in layer {layer}: {error:?}"))
    })
    .collect();
    assert_eq!(read[1][0]["first_name"], "Ann");
    assert_eq!(read[2]["full_user"]["common_chats_count"], 0);
    assert_eq!(read[5]["dialogs"][0]["top_message"], 1);
    assert_eq!(read[7]["_"], "messages.messagesSlice");
    read.len()
}

#[test]
fn answers_decode_in_every_layer() {
    for layer in LAYERS {
        assert_eq!(visit(layer), 8);
    }
}

#[test]
fn a_client_below_the_oldest_layer_cannot_log_in() {
    let mut desk = Desk::new(config());
    desk.layer = 154;
    let refused = desk.send_code(ONE, ANN).map(Value::from);
    assert_eq!(refused, error(406, "UPDATE_APP_TO_LOGIN"));
    assert!(desk.call(ONE, "help.getNearestDc", json!({})).is_ok());
}
