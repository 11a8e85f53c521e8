//! Upload and download of files in parts.

use serde_json::{Value, json};

use super::desk::{ANN, Client, Desk, Outcome, bytes, config, error, hex};

const ONE: Client = Client(1);
const TWO: Client = Client(2);

fn save(desk: &mut Desk, client: Client, part: i32, content: &[u8]) -> Outcome {
    let arguments = json!({ "file_id": "77", "file_part": part, "bytes": hex(content) });
    desk.call(client, "upload.saveFilePart", arguments)
}

fn load(desk: &mut Desk, client: Client, id: &str, offset: u32, limit: i32) -> Outcome {
    let location = json!({
        "_": "inputDocumentFileLocation", "id": id, "access_hash": "0", "file_reference": "",
        "thumb_size": ""
    });
    let arguments = json!({ "location": location, "offset": offset.to_string(), "limit": limit });
    desk.call(client, "upload.getFile", arguments)
}

#[test]
fn an_uploaded_file_is_downloaded_in_ranges() {
    let mut desk = Desk::new(config());
    desk.log_in(ONE, ANN);
    let content: Vec<u8> = (0..10_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    for (part, chunk) in content.chunks(4096).enumerate() {
        let part = i32::try_from(part).unwrap();
        assert_eq!(save(&mut desk, ONE, part, chunk), Ok(json!(true)));
    }
    let file = load(&mut desk, ONE, "77", 0, 8192).unwrap();
    assert_eq!(
        (&file["_"], &file["type"]["_"]),
        (&json!("upload.file"), &json!("storage.fileUnknown"))
    );
    let mut read = bytes(&file["bytes"]);
    read.extend(bytes(&load(&mut desk, ONE, "77", 8192, 8192).unwrap()["bytes"]));
    assert_eq!(read, content);
    assert_eq!(load(&mut desk, ONE, "78", 0, 4096), error(400, "LOCATION_INVALID"));
    assert_eq!(load(&mut desk, ONE, "77", 0, 5000), error(400, "LIMIT_INVALID"));
    assert_eq!(load(&mut desk, ONE, "77", 5000, 4096), error(400, "OFFSET_INVALID"));
    assert_eq!(load(&mut desk, TWO, "77", 0, 4096), error(401, "AUTH_KEY_UNREGISTERED"));
    let photo = json!({ "_": "inputTakeoutFileLocation" });
    let other = desk.call(
        ONE,
        "upload.getFile",
        json!({ "location": photo, "offset": "0", "limit": 4096 }),
    );
    assert_eq!(other, error(400, "LOCATION_INVALID"));
}

#[test]
fn a_big_file_keeps_its_number_of_parts() {
    let mut desk = Desk::new(config());
    desk.log_in(ONE, ANN);
    let mut save = |part: i32, total: i32| {
        let arguments = json!({
            "file_id": "5", "file_part": part, "file_total_parts": total, "bytes": "00112233"
        });
        desk.call(ONE, "upload.saveBigFilePart", arguments)
    };
    assert_eq!(save(0, -1), Ok(json!(true)));
    assert_eq!(save(0, 1), Ok(json!(true)));
    assert_eq!(save(0, 2), error(400, "FILE_PARTS_INVALID"));
    assert_eq!(save(1, 1), error(400, "FILE_PARTS_INVALID"));
}

#[test]
fn files_without_login_are_readable_by_all_and_writable_by_their_key() {
    let mut config = config();
    config.files.without_login = true;
    let mut desk = Desk::new(config);
    assert_eq!(save(&mut desk, ONE, 0, b"open"), Ok(json!(true)));
    assert_eq!(load(&mut desk, TWO, "77", 0, 4096).unwrap()["bytes"], Value::from(hex(b"open")));
    assert_eq!(save(&mut desk, TWO, 0, b"mine"), error(400, "FILE_ID_INVALID"));
}

// spec: session 10
#[test]
fn the_quota_of_a_key_is_freed_by_time() {
    let mut config = config();
    config.files.key_bytes_max = 1000;
    let mut desk = Desk::new(config);
    desk.log_in(ONE, ANN);
    assert_eq!(save(&mut desk, ONE, 0, &[0; 744]), Ok(json!(true)));
    desk.wait(600);
    assert_eq!(save(&mut desk, ONE, 0, &[0; 745]), error(420, "FLOOD_WAIT_3000"));
    desk.wait(3000);
    assert_eq!(save(&mut desk, ONE, 0, &[0; 744]), Ok(json!(true)));
}
