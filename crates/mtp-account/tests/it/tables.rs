//! Errors and peer ids of `vectors/account.json`.

use mtp_account::errors::{ApiError, ApiErrorName, ErrorAction, WAIT_SECS_MAX};
use mtp_account::peers::PeerId;
use serde_json::Value;

pub(crate) fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../vectors/account.json")).unwrap()
}

fn action_name(action: ErrorAction) -> (&'static str, Option<u32>, Option<bool>) {
    match action {
        ErrorAction::Wait { secs } => ("wait", Some(secs), None),
        ErrorAction::WaitChat { secs } => ("wait_chat", Some(secs), None),
        ErrorAction::MoveMain { center } => ("move_main", None, Some(center.is_some())),
        ErrorAction::MoveCall { center } => ("move_call", None, Some(center.is_some())),
        ErrorAction::LoggedOut => ("logged_out", None, None),
        ErrorAction::Rebind => ("rebind", None, None),
        ErrorAction::Password => ("password", None, None),
        ErrorAction::Init => ("init", None, None),
        ErrorAction::Chain => ("chain", None, None),
        ErrorAction::RetryLater => ("retry_later", None, None),
        ErrorAction::ResetState => ("reset_state", None, None),
        ErrorAction::RefreshReference => ("refresh_reference", None, None),
        ErrorAction::ReuploadPart { .. } => ("reupload_part", None, None),
        ErrorAction::RefreshConfig => ("refresh_config", None, None),
        ErrorAction::LeaveCdn => ("leave_cdn", None, None),
        ErrorAction::RetryCdn => ("retry_cdn", None, None),
        ErrorAction::AlreadyDone => ("already_done", None, None),
        _ => ("report", None, None),
    }
}

#[test]
fn error_vectors_give_name_argument_and_action() {
    let vectors = vectors();
    for case in vectors["rpc_error_actions"].as_array().unwrap() {
        let code = i32::try_from(case["code"].as_i64().unwrap()).unwrap();
        let error = ApiError::parse(code, case["text"].as_str().unwrap());
        assert_eq!(error.name.as_str(), case["name"].as_str().unwrap(), "{case}");
        assert_eq!(error.argument.map(u64::from), case["arg"].as_u64(), "{case}");
        let (action, secs, center) = action_name(error.action());
        assert_eq!(action, case["action"].as_str().unwrap(), "{case}");
        assert_eq!(secs.map(u64::from), case["wait_s"].as_u64(), "{case}");
        if center.is_some() {
            assert_eq!(center, case["dc_ok"].as_bool(), "{case}");
        }
    }
}

#[test]
fn waits_are_at_most_two_weeks_and_centers_at_most_1000() {
    let wait = |secs| match ApiError::parse(420, &format!("FLOOD_WAIT_{secs}")).action() {
        ErrorAction::Wait { secs } => secs,
        other => panic!("{other:?}"),
    };
    assert_eq!(wait(WAIT_SECS_MAX), WAIT_SECS_MAX);
    assert_eq!(wait(WAIT_SECS_MAX + 1), WAIT_SECS_MAX);
    let center = |n| ApiError::parse(303, &format!("FILE_MIGRATE_{n}")).action();
    assert_eq!(center(1000), ErrorAction::MoveCall { center: Some(1000) });
    assert_eq!(center(1001), ErrorAction::MoveCall { center: None });
}

#[test]
fn unknown_errors_keep_their_name() {
    let error = ApiError::parse(400, "BRAND_NEW_7_THING");
    assert_eq!(error.name, ApiErrorName::Other("BRAND_NEW_X_THING".to_owned()));
    assert_eq!(error.to_string(), "BRAND_NEW_X_THING (400, 7)");
    assert_eq!(ApiError::parse(500, "AUTH_RESTART_5").name, ApiErrorName::AuthRestart);
}

#[test]
fn marked_id_vectors_are_read_and_written_back() {
    let vectors = vectors();
    for case in vectors["marked_ids"].as_array().unwrap() {
        let marked = case["marked"].as_i64().unwrap();
        let found = PeerId::from_marked(marked);
        if case["error"].is_string() {
            assert!(found.is_err(), "{case}");
            continue;
        }
        let id = case["id"].as_i64().unwrap();
        let expected = match case["kind"].as_str().unwrap() {
            "user" => PeerId::User(id),
            "chat" => PeerId::Group(id),
            "channel" => PeerId::Channel(id),
            _ => PeerId::Secret(i32::try_from(id).unwrap()),
        };
        assert_eq!(found, Ok(expected), "{case}");
        assert_eq!(expected.to_marked(), Ok(marked), "{case}");
        assert_eq!(expected.is_monoforum(), case["monoforum"].as_bool().unwrap_or(false));
    }
}
