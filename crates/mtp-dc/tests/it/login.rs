//! Logins by code and password, and their failures.

use mtp_crypto::CtrEntropy;
use mtp_crypto::srp::new_password;
use mtp_dc::{DcOption, LoginCode, SignUp};
use mtp_server::Rate;
use serde_json::{Value, json};

use super::desk::{
    ANN, BEN, CODE, Client, Desk, GUARDED, Outcome, config, error, guarded_config, hex, prove_to,
    read_algo,
};

const ONE: Client = Client(1);
const TWO: Client = Client(2);
const THREE: Client = Client(3);

fn whoami(desk: &mut Desk, client: Client) -> Outcome {
    desk.call(client, "users.getUsers", json!({ "id": [{ "_": "inputUserSelf" }] }))
}

fn check_password(desk: &mut Desk, client: Client, password: &Value) -> Outcome {
    desk.call(client, "auth.checkPassword", json!({ "password": password }))
}

#[test]
fn a_code_logs_in_and_log_out_logs_out() {
    let mut desk = Desk::new(config());
    let user = desk.log_in(ONE, &format!("+{ANN}"));
    assert_eq!((&user["first_name"], &user["last_name"]), (&json!("Ann"), &json!("Archer")));
    assert_eq!((&user["self"], &user["phone"]), (&json!(true), &json!(ANN)));
    assert_eq!(whoami(&mut desk, ONE).unwrap()[0], user);
    assert_eq!(whoami(&mut desk, TWO), error(401, "AUTH_KEY_UNREGISTERED"));
    assert_eq!(desk.call(ONE, "auth.logOut", json!({})).unwrap()["_"], "auth.loggedOut");
    assert_eq!(whoami(&mut desk, ONE), error(401, "AUTH_KEY_UNREGISTERED"));
}

#[test]
fn a_code_is_valid_for_its_key_number_and_time() {
    let mut desk = Desk::new(config());
    let hash = desk.send_code(ONE, ANN).unwrap();
    assert_eq!(desk.sign_in(TWO, ANN, &hash, CODE), error(400, "PHONE_CODE_EXPIRED"));
    assert_eq!(desk.sign_in(ONE, ANN, "other", CODE), error(400, "PHONE_CODE_EXPIRED"));
    assert_eq!(desk.sign_in(ONE, BEN, &hash, CODE), error(400, "PHONE_NUMBER_INVALID"));
    assert_eq!(desk.sign_in(ONE, ANN, &hash, ""), error(400, "PHONE_CODE_EMPTY"));
    desk.wait(299);
    assert_eq!(desk.sign_in(ONE, ANN, &hash, "1"), error(400, "PHONE_CODE_INVALID"));
    desk.wait(1);
    assert_eq!(desk.sign_in(ONE, ANN, &hash, CODE), error(400, "PHONE_CODE_EXPIRED"));
}

#[test]
fn a_code_is_void_after_three_wrong_ones() {
    let mut desk = Desk::new(config());
    let hash = desk.send_code(ONE, ANN).unwrap();
    for _ in 0..3 {
        assert_eq!(desk.sign_in(ONE, ANN, &hash, "00000"), error(400, "PHONE_CODE_INVALID"));
    }
    assert_eq!(desk.sign_in(ONE, ANN, &hash, CODE), error(400, "PHONE_CODE_EXPIRED"));
    let hash = desk.send_code(ONE, ANN).unwrap();
    for _ in 0..2 {
        assert_eq!(desk.sign_in(ONE, ANN, &hash, "00000"), error(400, "PHONE_CODE_INVALID"));
    }
    assert!(desk.sign_in(ONE, ANN, &hash, CODE).is_ok());
}

#[test]
fn a_code_can_be_sent_again_and_cancelled() {
    let mut desk = Desk::new(config());
    let hash = desk.send_code(ONE, ANN).unwrap();
    let named = json!({ "phone_number": ANN, "phone_code_hash": hash });
    let again = desk.call(ONE, "auth.resendCode", named.clone()).unwrap();
    assert_eq!(again["phone_code_hash"], hash.as_str());
    let expired = error(400, "PHONE_CODE_EXPIRED");
    assert_eq!(desk.call(TWO, "auth.cancelCode", named.clone()), expired);
    assert_eq!(desk.call(ONE, "auth.cancelCode", named.clone()), Ok(json!(true)));
    assert_eq!(desk.call(ONE, "auth.resendCode", named), expired);
    assert_eq!(desk.sign_in(ONE, ANN, &hash, CODE), expired);
}

#[test]
fn numbers_have_five_to_fifteen_digits() {
    let mut desk = Desk::new(config());
    for (number, fits) in [
        ("1234", false),
        ("12345", true),
        ("+1 (234) 567-890", true),
        ("123456789012345", true),
        ("1234567890123456", false),
        ("12345x", false),
        ("", false),
    ] {
        let sent = desk.send_code(ONE, number).map(|_| ());
        let expected = Err((400, "PHONE_NUMBER_INVALID".to_owned()));
        assert_eq!(sent, if fits { Ok(()) } else { expected }, "{number}");
    }
}

#[test]
fn an_unknown_number_gets_an_account() {
    let mut desk = Desk::new(config());
    let user = desk.log_in(ONE, "4912345");
    assert_eq!((&user["first_name"], &user["username"]), (&json!("4912345"), &json!("u4912345")));
    assert_eq!(desk.log_in(TWO, "4912345")["id"], user["id"]);
}

#[test]
fn an_unknown_number_may_have_to_sign_up() {
    let mut config = config();
    config.sign_up = SignUp::Asked;
    let mut desk = Desk::new(config);
    let hash = desk.send_code(ONE, "4912345").unwrap();
    let sign_up = |first_name: &str| {
        json!({
            "phone_number": "4912345", "phone_code_hash": hash,
            "first_name": first_name, "last_name": "New"
        })
    };
    let early = desk.call(ONE, "auth.signUp", sign_up("Nell"));
    assert_eq!(early, error(400, "PHONE_CODE_EXPIRED"), "the code comes first");
    let asked = desk.sign_in(ONE, "4912345", &hash, CODE).unwrap();
    assert_eq!(asked["_"], "auth.authorizationSignUpRequired");
    assert_eq!(desk.call(ONE, "auth.signUp", sign_up(" ")), error(400, "FIRSTNAME_INVALID"));
    let user = desk.call(ONE, "auth.signUp", sign_up("Nell")).unwrap()["user"].clone();
    assert_eq!((&user["first_name"], &user["last_name"]), (&json!("Nell"), &json!("New")));
}

#[test]
fn accounts_are_bounded() {
    let mut config = config();
    config.accounts_max = 4; // two, the echo, and one more
    let mut desk = Desk::new(config);
    desk.log_in(ONE, "4912345");
    let hash = desk.send_code(TWO, "4912346").unwrap();
    let refused = error(400, "PHONE_NUMBER_APP_SIGNUP_FORBIDDEN");
    assert_eq!(desk.sign_in(TWO, "4912346", &hash, CODE), refused);
}

#[test]
fn an_unknown_number_is_refused_when_sign_up_is_closed() {
    let mut config = config();
    config.sign_up = SignUp::Closed;
    let mut desk = Desk::new(config);
    let hash = desk.send_code(ONE, "4912345").unwrap();
    let refused = error(400, "PHONE_NUMBER_UNOCCUPIED");
    assert_eq!(desk.sign_in(ONE, "4912345", &hash, CODE), refused);
}

#[test]
fn a_random_code_is_given_to_the_embedder_only() {
    let mut config = config();
    config.login_code = LoginCode::Random;
    let mut desk = Desk::new(config);
    let hash = desk.send_code(ONE, ANN).unwrap();
    let (phone, code) = desk.codes.pop().unwrap();
    assert_eq!((phone.as_str(), code.len()), (ANN, 5));
    assert!(desk.sign_in(ONE, ANN, &hash, &code).is_ok());
}

// spec: crypto 13
#[test]
fn a_password_is_required_after_the_code() {
    let mut desk = Desk::new(guarded_config());
    let (phone, password) = GUARDED;
    let hash = desk.send_code(ONE, phone).unwrap();
    let needed = error(401, "SESSION_PASSWORD_NEEDED");
    assert_eq!(desk.sign_in(ONE, phone, &hash, CODE), needed);
    assert_eq!(whoami(&mut desk, ONE), error(401, "AUTH_KEY_UNREGISTERED"));
    let proof = desk.proof(ONE, password);
    let user = check_password(&mut desk, ONE, &proof).unwrap()["user"].clone();
    assert_eq!(user["first_name"], "Guy");
    assert!(whoami(&mut desk, ONE).is_ok());
}

// spec: crypto 13
#[test]
fn a_password_check_is_valid_once_for_its_key_and_time() {
    let mut desk = Desk::new(guarded_config());
    let (phone, password) = GUARDED;
    for client in [ONE, TWO] {
        let hash = desk.send_code(client, phone).unwrap();
        assert!(desk.sign_in(client, phone, &hash, CODE).is_err());
    }
    let invalid_id = error(400, "SRP_ID_INVALID");
    let wrong = desk.proof(ONE, "wrong horse");
    assert_eq!(check_password(&mut desk, ONE, &wrong), error(400, "PASSWORD_HASH_INVALID"));
    assert_eq!(check_password(&mut desk, ONE, &wrong), invalid_id, "used up");
    let empty = json!({ "_": "inputCheckPasswordEmpty" });
    assert_eq!(check_password(&mut desk, ONE, &empty), error(400, "PASSWORD_HASH_INVALID"));
    let of_one = desk.proof(ONE, password);
    assert_eq!(check_password(&mut desk, TWO, &of_one), invalid_id, "another key's");
    let unregistered = error(401, "AUTH_KEY_UNREGISTERED");
    assert_eq!(check_password(&mut desk, THREE, &of_one), unregistered, "before any code");
    let newer = desk.proof(ONE, password);
    assert_eq!(check_password(&mut desk, ONE, &of_one), invalid_id, "replaced by a newer one");
    desk.wait(300);
    assert_eq!(check_password(&mut desk, ONE, &newer), unregistered, "too late");
}

// spec: crypto 13
#[test]
fn a_client_value_without_the_password_is_refused() {
    let mut desk = Desk::new(guarded_config());
    let hash = desk.send_code(ONE, GUARDED.0).unwrap();
    assert!(desk.sign_in(ONE, GUARDED.0, &hash, CODE).is_err());
    let mut proof = desk.proof(ONE, GUARDED.1);
    proof["A"] = hex(&[0; 256]).into();
    assert_eq!(check_password(&mut desk, ONE, &proof), error(400, "PASSWORD_HASH_INVALID"));
}

// spec: crypto 13
#[test]
fn a_password_can_be_set_changed_and_removed() {
    let mut desk = Desk::new(config());
    desk.log_in(ONE, ANN);
    let none = json!({ "_": "inputCheckPasswordEmpty" });
    let change = |desk: &mut Desk, shown: &Value, settings: Value| {
        let arguments = json!({ "password": shown, "new_settings": settings });
        desk.call(ONE, "account.updatePasswordSettings", arguments)
    };
    let first = desk.call(ONE, "account.getPassword", json!({})).unwrap();
    assert!(first.get("current_algo").is_none());
    let set = settings(&first, "first", 32);
    assert_eq!(change(&mut desk, &none, settings(&first, "x", 31)), error(400, "NEW_SALT_INVALID"));
    let mut short = set.clone();
    short["new_password_hash"] = hex(&[7; 255]).into();
    assert_eq!(change(&mut desk, &none, short), error(400, "NEW_SETTINGS_INVALID"));
    assert_eq!(change(&mut desk, &none, set), Ok(json!(true)));

    // The second one needs the first, and what was asked under the first is void.
    let asked = desk.call(ONE, "account.getPassword", json!({})).unwrap();
    assert_eq!(asked["hint"], "h");
    let second = settings(&asked, "second", 32);
    assert_eq!(change(&mut desk, &none, second.clone()), error(400, "PASSWORD_HASH_INVALID"));
    let hash = desk.send_code(TWO, ANN).unwrap();
    assert!(desk.sign_in(TWO, ANN, &hash, CODE).is_err());
    let stale = desk.proof(TWO, "first");
    assert_eq!(change(&mut desk, &prove_to(&asked, "first"), second), Ok(json!(true)));
    assert_eq!(check_password(&mut desk, TWO, &stale), error(400, "SRP_PASSWORD_CHANGED"));

    let remove = json!({
        "_": "account.passwordInputSettings", "new_algo": { "_": "passwordKdfAlgoUnknown" },
        "new_password_hash": "", "hint": ""
    });
    let shown = desk.proof(ONE, "second");
    assert_eq!(change(&mut desk, &shown, remove), Ok(json!(true)));
    desk.wait(100);
    assert!(!desk.log_in(THREE, ANN).is_null());

    // Telethon removes a password with the algorithm it was offered and no hash.
    let set = settings(&asked, "third", 32);
    let none = json!({ "_": "inputCheckPasswordEmpty" });
    assert_eq!(change(&mut desk, &none, set.clone()), Ok(json!(true)));
    let mut remove = set;
    remove["new_password_hash"] = json!("");
    let shown = desk.proof(ONE, "third");
    assert_eq!(change(&mut desk, &shown, remove), Ok(json!(true)));
    let left = desk.call(ONE, "account.getPassword", json!({})).unwrap();
    assert!(left.get("has_password").is_none());
}

/// Settings for a new password whose salt is `added` bytes longer than the offered one.
pub(crate) fn settings(asked: &Value, password: &str, added: usize) -> Value {
    let offered = read_algo(&asked["new_algo"]);
    let (algo, verifier) =
        new_password(&offered, password.as_bytes(), &mut CtrEntropy::new([3; 32]));
    let mut json = asked["new_algo"].clone();
    json["salt1"] = hex(&algo.salt1()[..offered.salt1().len() + added]).into();
    let hash = hex(&verifier.to_bytes());
    json!({
        "_": "account.passwordInputSettings",
        "new_algo": json, "new_password_hash": hash, "hint": "h"
    })
}

// spec: session 10
#[test]
fn attempts_above_the_rate_are_refused() {
    let mut config = config();
    config.login_attempts = Rate::new(4, core::time::Duration::from_secs(60));
    config.code_attempts_max = 100;
    let mut desk = Desk::new(config);
    let hash = desk.send_code(ONE, ANN).unwrap();
    for _ in 0..4 {
        assert_eq!(desk.sign_in(ONE, ANN, &hash, "00000"), error(400, "PHONE_CODE_INVALID"));
    }
    let other = desk.send_code(TWO, ANN).unwrap();
    assert_eq!(desk.sign_in(TWO, ANN, &other, CODE), error(420, "FLOOD_WAIT_60"), "by anybody");
    desk.wait(59);
    assert_eq!(desk.sign_in(ONE, ANN, &hash, CODE), error(420, "FLOOD_WAIT_1"));
    desk.wait(1);
    assert!(desk.sign_in(ONE, ANN, &hash, CODE).is_ok());
}

#[test]
fn code_requests_above_the_rate_are_refused() {
    let mut desk = Desk::new(config());
    for _ in 0..5 {
        assert!(desk.send_code(ONE, ANN).is_ok());
    }
    assert_eq!(desk.send_code(ONE, BEN).map(Value::from), error(420, "FLOOD_WAIT_10"));
    assert!(desk.send_code(TWO, ANN).is_ok(), "others are not held back");
}

#[test]
fn one_key_too_many_logs_the_oldest_out() {
    let mut config = config();
    config.logins_per_account_max = 2;
    let mut desk = Desk::new(config);
    for client in [ONE, TWO, THREE] {
        desk.log_in(client, ANN);
    }
    assert_eq!(whoami(&mut desk, ONE), error(401, "AUTH_KEY_UNREGISTERED"), "the oldest");
    assert!(whoami(&mut desk, TWO).is_ok() && whoami(&mut desk, THREE).is_ok());
    assert_eq!(desk.log_in(TWO, BEN)["first_name"], "Ben", "another account on the same key");
    desk.log_in(ONE, ANN);
    assert!(whoami(&mut desk, THREE).is_ok(), "the key that left made room");
}

#[test]
fn an_exported_authorization_is_imported_once() {
    let mut config = config();
    config.dc_options = vec![DcOption::new(4, "127.0.0.1", 443)];
    let mut desk = Desk::new(config);
    let user = desk.log_in(ONE, ANN);
    let export = |desk: &mut Desk, dc: i32| {
        desk.call(ONE, "auth.exportAuthorization", json!({ "dc_id": dc }))
    };
    assert_eq!(export(&mut desk, 3), error(400, "DC_ID_INVALID"));
    let exported = export(&mut desk, 4).unwrap();
    let import = json!({ "id": exported["id"], "bytes": exported["bytes"] });
    let imported = desk.call(TWO, "auth.importAuthorization", import.clone()).unwrap();
    assert_eq!(imported["user"]["id"], user["id"]);
    assert!(whoami(&mut desk, TWO).is_ok() && whoami(&mut desk, ONE).is_ok());
    let again = desk.call(THREE, "auth.importAuthorization", import);
    assert_eq!(again, error(400, "AUTH_BYTES_INVALID"));
}

#[test]
fn a_destroyed_key_is_logged_out() {
    let mut desk = Desk::new(config());
    desk.log_in(ONE, ANN);
    desk.api.forget_key(ONE.session().key);
    assert_eq!(whoami(&mut desk, ONE), error(401, "AUTH_KEY_UNREGISTERED"));
}

#[test]
fn no_secret_is_printed() {
    let mut config = guarded_config();
    config.login_code = LoginCode::Random;
    assert!(!format!("{config:?}").contains(GUARDED.1));
    let mut desk = Desk::new(config);
    desk.layer = 230;
    desk.send_code(ONE, ANN).unwrap();
    let (_, code) = desk.codes.pop().unwrap();
    assert!(!format!("{:?}", desk.api).contains(&code));
}
