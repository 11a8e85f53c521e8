//! Service messages of the vectors, encoded and decoded.

use alloc::string::String;
use alloc::vec::Vec;

use mtp_crypto::{AuthKeyId, MsgId, Salt, SeqNo, SessionId};
use mtp_tl::{Constructor, Encode, Rest};

use super::wrappers as ids;
use super::*;
use crate::vectors::{self, Entry};

fn msg_id(entry: &Entry, name: &str) -> MsgId {
    MsgId::from_raw(entry.number(name))
}

fn msg_ids(entry: &Entry) -> MsgIds<'static> {
    MsgIds::new(entry.numbers("msg_ids").into_iter().map(MsgId::from_raw))
}

fn int(entry: &Entry, name: &str) -> i32 {
    i32::try_from(entry.signed(name)).unwrap()
}

/// Builds the content of an `rpc_result` that an entry describes.
fn result(fields: &Entry) -> Vec<u8> {
    let result = fields.field("result");
    if !result.is_object() {
        assert_eq!(result.as_text(), "boolTrue");
        return true.to_bytes();
    }
    let (name, value) = result.members().into_iter().next().unwrap();
    match name.as_str() {
        "rpc_error" => {
            let code = i32::try_from(value.at(0).as_signed()).unwrap();
            RpcError::new(code, value.at(1).as_text()).to_bytes()
        }
        "rpc_answer_unknown" => RpcAnswerUnknown {}.to_bytes(),
        "rpc_answer_dropped_running" => RpcAnswerDroppedRunning {}.to_bytes(),
        "rpc_answer_dropped" => RpcAnswerDropped {
            msg_id: msg_id(&value, "msg_id"),
            seq_no: SeqNo::from_raw(int(&value, "seq_no")),
            bytes: int(&value, "bytes"),
        }
        .to_bytes(),
        other => panic!("unknown result {other}"),
    }
}

/// Builds the message that an entry describes; `None` for wrappers and objects of other layers.
fn build(name: &str, f: &Entry, info: &[u8], content: &[u8]) -> Option<Vec<u8>> {
    let message = match name {
        "rpc_result" => Message::RpcResult(RpcResult {
            req_msg_id: msg_id(f, "req_msg_id"),
            result: Rest::from(content),
        }),
        "rpc_drop_answer" => {
            Message::RpcDropAnswer(RpcDropAnswer { req_msg_id: msg_id(f, "req_msg_id") })
        }
        "get_future_salts" => Message::GetFutureSalts(GetFutureSalts { num: int(f, "num") }),
        "future_salts" => Message::FutureSalts(FutureSalts {
            req_msg_id: msg_id(f, "req_msg_id"),
            now: u32::try_from(f.number("now")).unwrap(),
            salts: f
                .entries("salts")
                .iter()
                .map(|salt| FutureSalt {
                    valid_since: u32::try_from(salt.number("valid_since")).unwrap(),
                    valid_until: u32::try_from(salt.number("valid_until")).unwrap(),
                    salt: Salt::from_raw(salt.number("salt")),
                })
                .collect(),
        }),
        "ping" => Message::Ping(Ping { ping_id: f.number("ping_id") }),
        "pong" => Message::Pong(Pong { msg_id: msg_id(f, "msg_id"), ping_id: f.number("ping_id") }),
        "ping_delay_disconnect" => Message::PingDelayDisconnect(PingDelayDisconnect {
            ping_id: f.number("ping_id"),
            disconnect_delay: int(f, "disconnect_delay"),
        }),
        "destroy_session" => Message::DestroySession(DestroySession {
            session_id: SessionId::from_raw(f.number("session_id")),
        }),
        "destroy_session_ok" => Message::DestroySessionOk(DestroySessionOk {
            session_id: SessionId::from_raw(f.number("session_id")),
        }),
        "destroy_session_none" => Message::DestroySessionNone(DestroySessionNone {
            session_id: SessionId::from_raw(f.number("session_id")),
        }),
        "new_session_created" => Message::NewSessionCreated(NewSessionCreated {
            first_msg_id: msg_id(f, "first_msg_id"),
            unique_id: f.number("unique_id"),
            server_salt: Salt::from_raw(f.number("server_salt")),
        }),
        _ => return build_about_messages(name, f, info),
    };
    Some(message.to_bytes())
}

/// Builds messages about other messages, HTTP and keys.
fn build_about_messages(name: &str, f: &Entry, info: &[u8]) -> Option<Vec<u8>> {
    let message = match name {
        "msgs_ack" => Message::MsgsAck(MsgsAck { msg_ids: msg_ids(f) }),
        "bad_msg_notification" => Message::BadMsgNotification(BadMsgNotification {
            bad_msg_id: msg_id(f, "bad_msg_id"),
            bad_msg_seqno: SeqNo::from_raw(int(f, "bad_msg_seqno")),
            error_code: int(f, "error_code"),
        }),
        "bad_server_salt" => Message::BadServerSalt(BadServerSalt {
            bad_msg_id: msg_id(f, "bad_msg_id"),
            bad_msg_seqno: SeqNo::from_raw(int(f, "bad_msg_seqno")),
            error_code: int(f, "error_code"),
            new_server_salt: Salt::from_raw(f.number("new_server_salt")),
        }),
        "msgs_state_req" => Message::MsgsStateReq(MsgsStateReq { msg_ids: msg_ids(f) }),
        "msgs_state_info" => {
            Message::MsgsStateInfo(MsgsStateInfo { req_msg_id: msg_id(f, "req_msg_id"), info })
        }
        "msgs_all_info" => Message::MsgsAllInfo(MsgsAllInfo { msg_ids: msg_ids(f), info }),
        "msg_detailed_info" => Message::MsgDetailedInfo(MsgDetailedInfo {
            msg_id: msg_id(f, "msg_id"),
            answer_msg_id: msg_id(f, "answer_msg_id"),
            bytes: int(f, "bytes"),
            status: int(f, "status"),
        }),
        "msg_new_detailed_info" => Message::MsgNewDetailedInfo(MsgNewDetailedInfo {
            answer_msg_id: msg_id(f, "answer_msg_id"),
            bytes: int(f, "bytes"),
            status: int(f, "status"),
        }),
        "msg_resend_req" => Message::MsgResendReq(MsgResendReq { msg_ids: msg_ids(f) }),
        "msg_resend_ans_req" => Message::MsgResendAnsReq(MsgResendAnsReq { msg_ids: msg_ids(f) }),
        "http_wait" => Message::HttpWait(HttpWait {
            max_delay: int(f, "max_delay"),
            wait_after: int(f, "wait_after"),
            max_wait: int(f, "max_wait"),
        }),
        "destroy_auth_key" => Message::DestroyAuthKey(DestroyAuthKey {}),
        "destroy_auth_key_ok" => Message::DestroyAuthKeyOk(DestroyAuthKeyOk {}),
        "destroy_auth_key_none" => Message::DestroyAuthKeyNone(DestroyAuthKeyNone {}),
        "destroy_auth_key_fail" => Message::DestroyAuthKeyFail(DestroyAuthKeyFail {}),
        _ => return None,
    };
    Some(message.to_bytes())
}

/// Compares the wrappers of a body with those of an entry.
fn check_wrapper(name: &str, f: &Entry, body: &[u8]) {
    let (wrappers, query) = Wrappers::peel(body).unwrap();
    assert_eq!(query, ids::HELP_GET_CONFIG.get().to_le_bytes());
    let text = |name: &str| f.text(name).as_bytes();
    match name {
        "invokeWithLayer" => {
            assert_eq!(wrappers.layer, Some(int(f, "layer")));
            if let Some(init) = wrappers.init {
                let described = f.field("query").field("initConnection");
                assert_eq!(init.api_id, int(&described, "api_id"));
                assert_eq!(init.device_model, described.text("device_model").as_bytes());
                assert_eq!(init.system_lang_code, described.text("system_lang_code").as_bytes());
                assert_eq!((init.proxy, init.params), (None, None));
            }
        }
        "invokeAfterMsg" => {
            assert_eq!(wrappers.after, Some(MsgIds::new([msg_id(f, "msg_id")])));
        }
        "invokeAfterMsgs" => assert_eq!(wrappers.after, Some(msg_ids(f))),
        "invokeWithoutUpdates" => assert!(wrappers.without_updates),
        "invokeWithTakeout" => assert_eq!(wrappers.takeout_id, Some(f.signed("takeout_id"))),
        "invokeWithMessagesRange" => {
            let range = f.field("range");
            let expected = (int(&range, "min_id"), int(&range, "max_id"));
            assert_eq!(wrappers.messages_range, Some(expected));
        }
        "invokeWithBusinessConnection" => {
            assert_eq!(wrappers.business_connection, Some(text("connection_id")));
        }
        "invokeWithGooglePlayIntegrity" => {
            assert_eq!(wrappers.play_integrity, Some((text("nonce"), text("token"))));
        }
        "invokeWithApnsSecret" => {
            assert_eq!(wrappers.apns_secret, Some((text("nonce"), text("secret"))));
        }
        "invokeWithReCaptcha" => assert_eq!(wrappers.recaptcha, Some(text("token"))),
        other => panic!("no test for {other}"),
    }
}

// spec: session 8
// spec: session 9
// spec: session 20#18
#[test]
fn every_service_message_is_encoded_and_decoded() {
    for entry in &vectors::section("service_messages", 57) {
        let (name, fields, body) = (entry.text("name"), entry.field("fields"), entry.bytes("body"));
        let info = if fields.has("info") { fields.bytes("info") } else { Vec::new() };
        let content = if name == "rpc_result" { result(&fields) } else { Vec::new() };
        match name {
            "bind_auth_key_inner" => {
                // Not a message of a session; it belongs to `mtp_crypto::bind`.
                assert_eq!(body.len(), 40);
            }
            "auth.bindTempAuthKey" => {
                let bind = BindTempAuthKey {
                    perm_auth_key_id: AuthKeyId::from_raw(fields.number("perm_auth_key_id")),
                    nonce: fields.number("nonce"),
                    expires_at: int(&fields, "expires_at"),
                    encrypted_message: &[0; 104],
                };
                assert_eq!(bind.to_bytes(), body);
            }
            "updatesTooLong" => assert_eq!(UpdatesTooLong {}.to_bytes(), body),
            _ => match build(name, &fields, &info, &content) {
                Some(built) => {
                    assert_eq!(built, body, "{entry:?}");
                    assert_eq!(Message::parse(&body).unwrap().to_bytes(), body, "{entry:?}");
                }
                None => check_wrapper(name, &fields, &body),
            },
        }
        check_cuts(name, &body);
    }
}

/// Asserts that no prefix of a service message parses and that trailing bytes are rejected.
fn check_cuts(name: &str, body: &[u8]) {
    let mut longer = body.to_vec();
    longer.extend([0; 4]);
    let is_object = matches!(Message::parse(body), Ok(Message::Object(_)));
    let open_ended = is_object || name == "rpc_result";
    assert_eq!(Message::parse(&longer).is_ok(), open_ended, "{name}");
    for len in 0..body.len() {
        let cut = Message::parse(&body[..len]);
        assert!(cut.is_err() || (open_ended && len >= 4), "{name} cut to {len}");
    }
}

// spec: session 8
#[test]
fn constructor_ids_match_the_vectors() {
    let known: &[(&str, ConstructorId)] = &[
        ("rpc_result", RpcResult::ID),
        ("rpc_error", RPC_ERROR),
        ("rpc_answer_unknown", RpcAnswerUnknown::ID),
        ("rpc_answer_dropped_running", RpcAnswerDroppedRunning::ID),
        ("rpc_answer_dropped", RpcAnswerDropped::ID),
        ("future_salts", FutureSalts::ID),
        ("pong", Pong::ID),
        ("destroy_session_ok", DestroySessionOk::ID),
        ("destroy_session_none", DestroySessionNone::ID),
        ("new_session_created", NewSessionCreated::ID),
        ("msg_container", MSG_CONTAINER),
        ("message", MESSAGE),
        ("msg_copy", MSG_COPY),
        ("gzip_packed", GzipPacked::ID),
        ("msgs_ack", MsgsAck::ID),
        ("bad_msg_notification", BadMsgNotification::ID),
        ("bad_server_salt", BadServerSalt::ID),
        ("msg_resend_req", MsgResendReq::ID),
        ("msg_resend_ans_req", MsgResendAnsReq::ID),
        ("msgs_state_req", MsgsStateReq::ID),
        ("msgs_state_info", MsgsStateInfo::ID),
        ("msgs_all_info", MsgsAllInfo::ID),
        ("msg_detailed_info", MsgDetailedInfo::ID),
        ("msg_new_detailed_info", MsgNewDetailedInfo::ID),
        ("http_wait", HttpWait::ID),
        ("rpc_drop_answer", RpcDropAnswer::ID),
        ("get_future_salts", GetFutureSalts::ID),
        ("ping", Ping::ID),
        ("ping_delay_disconnect", PingDelayDisconnect::ID),
        ("destroy_session", DestroySession::ID),
        ("destroy_auth_key", DestroyAuthKey::ID),
        ("destroy_auth_key_ok", DestroyAuthKeyOk::ID),
        ("destroy_auth_key_none", DestroyAuthKeyNone::ID),
        ("destroy_auth_key_fail", DestroyAuthKeyFail::ID),
        ("updatesTooLong", UpdatesTooLong::ID),
        ("help_getConfig", ids::HELP_GET_CONFIG),
        ("help_getNearestDc", ids::HELP_GET_NEAREST_DC),
        ("invokeAfterMsg", ids::INVOKE_AFTER_MSG),
        ("invokeAfterMsgs", ids::INVOKE_AFTER_MSGS),
        ("invokeWithLayer", ids::INVOKE_WITH_LAYER),
        ("initConnection", ids::INIT_CONNECTION),
        ("invokeWithoutUpdates", ids::INVOKE_WITHOUT_UPDATES),
        ("invokeWithTakeout", ids::INVOKE_WITH_TAKEOUT),
        ("invokeWithMessagesRange", ids::INVOKE_WITH_MESSAGES_RANGE),
        ("messageRange", ids::MESSAGE_RANGE),
        ("invokeWithBusinessConnection", ids::INVOKE_WITH_BUSINESS_CONNECTION),
        ("invokeWithGooglePlayIntegrity", ids::INVOKE_WITH_GOOGLE_PLAY_INTEGRITY),
        ("invokeWithApnsSecret", ids::INVOKE_WITH_APNS_SECRET),
        ("invokeWithReCaptcha", ids::INVOKE_WITH_RECAPTCHA),
        ("auth_bindTempAuthKey", BindTempAuthKey::ID),
        ("boolTrue", mtp_tl::BOOL_TRUE),
    ];
    // Not messages of a session: bare salts, an object of `mtp_crypto::bind` and a call of the API.
    let foreign = ["future_salt", "bind_auth_key_inner", "updates_getState"];
    let members = vectors::whole("constructor_ids").members();
    assert_eq!(members.len(), 54);
    for (name, id) in members {
        if foreign.contains(&name.as_str()) {
            continue;
        }
        let found = known.iter().find(|(known, _)| *known == name);
        let found = found.unwrap_or_else(|| panic!("{name} is unknown"));
        assert_eq!(u32::from_str_radix(id.as_text(), 16).unwrap(), found.1.get(), "{name}");
    }
    let names: Vec<String> = known.iter().map(|(name, _)| (*name).into()).collect();
    assert_eq!(names.len() + foreign.len(), 54);
}

// spec: session 8.12
#[test]
fn msg_copy_holds_one_boxed_message() {
    let mut body = MSG_COPY.get().to_le_bytes().to_vec();
    body.extend(MESSAGE.get().to_le_bytes());
    body.extend(5_u64.to_le_bytes());
    body.extend(3_i32.to_le_bytes());
    body.extend(4_u32.to_le_bytes());
    body.extend(*b"body");
    let inner = copied(&body).unwrap();
    assert_eq!((inner.msg_id, inner.body), (MsgId::from_raw(5), &b"body"[..]));
    for len in 0..body.len() {
        assert!(copied(&body[..len]).is_err());
    }
}
