//! The committed code of the service schema: fresh, and right about ids and forms.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

use mtp_api::service::{functions, types};
use mtp_schema::generate::Generator;
use mtp_tl::{Bare, BareVec, Constructor, Decode, Encode, Function, Rest};

/// Everything but containers and what belongs to the API.
const ROOTS: [&str; 38] = [
    "ResPQ",
    "P_Q_inner_data",
    "Server_DH_Params",
    "Server_DH_inner_data",
    "Client_DH_Inner_Data",
    "Set_client_DH_params_answer",
    "RSAPublicKey",
    "BindAuthKeyInner",
    "RpcResult",
    "RpcError",
    "RpcDropAnswer",
    "FutureSalts",
    "Pong",
    "DestroySessionRes",
    "DestroyAuthKeyRes",
    "NewSession",
    "HttpWait",
    "MsgsAck",
    "BadMsgNotification",
    "MsgResendReq",
    "MsgsStateReq",
    "MsgsStateInfo",
    "MsgsAllInfo",
    "MsgDetailedInfo",
    "help.ConfigSimple",
    "req_pq",
    "req_pq_multi",
    "req_DH_params",
    "set_client_DH_params",
    "rpc_drop_answer",
    "get_future_salts",
    "ping",
    "ping_delay_disconnect",
    "destroy_session",
    "destroy_auth_key",
    "auth.bindTempAuthKey",
    "auth.dropTempAuthKeys",
    "AccessPointRule",
];

/// Run with `MTP_BLESS=1` to write the file after a change of the schema or the generator.
#[test]
fn the_code_is_fresh() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = here.join("schema/mtproto.tl");
    let text = Generator::new().schema_file(schema).only(ROOTS).generate().unwrap();
    let path = here.join("src/service/generated.rs");
    if std::env::var_os("MTP_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(committed == text, "generated.rs is stale: run this test with MTP_BLESS=1");
}

// spec: tl 6
#[test]
fn salts_are_a_bare_vector_of_bare_salts() {
    let salt = types::FutureSalt { valid_since: 1, valid_until: 2, salt: 3 };
    let salts = types::FutureSalts { req_msg_id: 4, now: 5, salts: BareVec(vec![Bare(salt)]) };
    let bytes = salts.to_bytes();
    assert_eq!(bytes.len(), 4 + 8 + 4 + 4 + 16);
    assert_eq!(types::FutureSalts::from_bytes(&bytes), Ok(salts));
    assert_eq!(types::FutureSalts::ID.get(), 0xae50_0895);
}

#[test]
fn a_result_is_whatever_ends_the_message() {
    let error = types::RpcError { error_code: 420, error_message: "FLOOD_WAIT_3".into() };
    let bytes = error.to_bytes();
    let result = types::RpcResult { req_msg_id: 9, result: Rest::from(&bytes[..]) }.to_bytes();
    let read = types::RpcResult::from_bytes(&result).unwrap();
    assert_eq!(types::RpcError::from_bytes(read.result.as_bytes()), Ok(error));
}

#[test]
fn a_ping_is_answered_by_a_pong() {
    fn answer<F: Function>(_: &F, bytes: &'static [u8]) -> F::Response<'static> {
        F::Response::from_bytes(bytes).unwrap()
    }
    const PONG: [u8; 20] = [0xc5, 0x73, 0x77, 0x34, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
    let expected = types::Pong { msg_id: 1, ping_id: 2 };
    assert_eq!(answer(&functions::Ping { ping_id: 2 }, &PONG), expected);
}
