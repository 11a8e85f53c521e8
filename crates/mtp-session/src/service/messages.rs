//! One struct per service message, in the order of the specification's table.

use mtp_crypto::{AuthKeyId, MsgId, Salt, SeqNo, SessionId};
use mtp_tl::Rest;

use super::field::messages;
use super::msg_ids::MsgIds;

messages! {
    /// Answer to a call.
    // spec: session 8.1
    RpcResult<'a> = "rpc_result" # 0xf35c_6d01 {
        /// Message id of the call; never a container's.
        req_msg_id: MsgId,
        /// Any boxed value, up to the end of the message.
        result: Rest<'a>,
    }

    /// Request to drop the answer to a call.
    // spec: session 8.3
    RpcDropAnswer = "rpc_drop_answer" # 0x58e4_a740 {
        /// Message id of the call.
        req_msg_id: MsgId,
    }

    /// The call to drop is unknown.
    RpcAnswerUnknown = "rpc_answer_unknown" # 0x5e2a_d36e {}

    /// The call is running; its answer will be dropped.
    RpcAnswerDroppedRunning = "rpc_answer_dropped_running" # 0xcd78_e586 {}

    /// The answer was dropped.
    RpcAnswerDropped = "rpc_answer_dropped" # 0xa43a_d8b7 {
        /// Message id of the answer.
        msg_id: MsgId,
        /// Sequence number of the answer.
        seq_no: SeqNo,
        /// Length of the answer in bytes.
        bytes: i32,
    }

    /// Request for future salts.
    // spec: session 6.2
    GetFutureSalts = "get_future_salts" # 0xb921_bd04 {
        /// Number of salts, 1 to 64.
        num: i32,
    }

    /// Request for a [`Pong`].
    // spec: session 8.5
    Ping = "ping" # 0x7abe_77ec {
        /// Returned in the pong.
        ping_id: u64,
    }

    /// Answer to a ping.
    Pong = "pong" # 0x3477_73c5 {
        /// Message id of the ping.
        msg_id: MsgId,
        /// `ping_id` of the ping.
        ping_id: u64,
    }

    /// Ping that also sets the delay after which the server closes a silent link.
    // spec: session 8.6
    PingDelayDisconnect = "ping_delay_disconnect" # 0xf342_7b8c {
        /// Returned in the pong.
        ping_id: u64,
        /// Seconds until the server closes the link, unless another `ping_delay_disconnect` arrives.
        disconnect_delay: i32,
    }

    /// Request to destroy another session of the same key.
    // spec: session 8.8
    DestroySession = "destroy_session" # 0xe751_2126 {
        /// Id of the session.
        session_id: SessionId,
    }

    /// The session was destroyed.
    DestroySessionOk = "destroy_session_ok" # 0xe220_45fc {
        /// Id of the session.
        session_id: SessionId,
    }

    /// The session did not exist.
    DestroySessionNone = "destroy_session_none" # 0x62d3_50c9 {
        /// Id of the session.
        session_id: SessionId,
    }

    /// The server created the session.
    // spec: session 8.10
    NewSessionCreated = "new_session_created" # 0x9ec2_0908 {
        /// Lowest message id known to this incarnation; older messages reached an earlier one or none.
        first_msg_id: MsgId,
        /// Id of the incarnation.
        unique_id: u64,
        /// Current salt.
        server_salt: Salt,
    }

    /// Any object, compressed by gzip.
    // spec: session 8.13
    GzipPacked<'a> = "gzip_packed" # 0x3072_cfa1 {
        /// One gzip member.
        packed_data: &'a [u8],
    }

    /// Acknowledgment of messages.
    // spec: session 8.14
    MsgsAck<'a> = "msgs_ack" # 0x62d6_b459 {
        /// Message ids; never of containers.
        msg_ids: MsgIds<'a>,
    }

    /// Rejection of a message.
    // spec: session 8.15
    BadMsgNotification = "bad_msg_notification" # 0xa7ef_f811 {
        /// Id of the message or container.
        bad_msg_id: MsgId,
        /// Its sequence number.
        bad_msg_seqno: SeqNo,
        /// Reason.
        error_code: i32,
    }

    /// Rejection of a message for its salt.
    // spec: session 6.1
    BadServerSalt = "bad_server_salt" # 0xedab_447b {
        /// Id of the message or container.
        bad_msg_id: MsgId,
        /// Its sequence number.
        bad_msg_seqno: SeqNo,
        /// Always 48.
        error_code: i32,
        /// Salt to use from now on.
        new_server_salt: Salt,
    }

    /// Request for the states of messages.
    // spec: session 8.16
    MsgsStateReq<'a> = "msgs_state_req" # 0xda69_fb52 {
        /// Message ids.
        msg_ids: MsgIds<'a>,
    }

    /// Requested states of messages.
    MsgsStateInfo<'a> = "msgs_state_info" # 0x04de_b57d {
        /// Message id of the request.
        req_msg_id: MsgId,
        /// One [`MessageState`](super::MessageState) per requested id, in order.
        info: &'a [u8],
    }

    /// Unsolicited states of messages.
    MsgsAllInfo<'a> = "msgs_all_info" # 0x8cc0_d131 {
        /// Message ids.
        msg_ids: MsgIds<'a>,
        /// One [`MessageState`](super::MessageState) per id, in order.
        info: &'a [u8],
    }

    /// Announcement of an answer.
    // spec: session 8.18
    MsgDetailedInfo = "msg_detailed_info" # 0x276d_3ec6 {
        /// Message id of the call.
        msg_id: MsgId,
        /// Message id of the answer.
        answer_msg_id: MsgId,
        /// Length of the answer in bytes.
        bytes: i32,
        /// Unused.
        status: i32,
    }

    /// Announcement of a message that is not an answer.
    MsgNewDetailedInfo = "msg_new_detailed_info" # 0x809d_b6df {
        /// Message id.
        answer_msg_id: MsgId,
        /// Length in bytes.
        bytes: i32,
        /// Unused.
        status: i32,
    }

    /// Request to resend messages.
    // spec: session 8.17
    MsgResendReq<'a> = "msg_resend_req" # 0x7d86_1a08 {
        /// Message ids.
        msg_ids: MsgIds<'a>,
    }

    /// Request to resend the answers to messages; legacy.
    MsgResendAnsReq<'a> = "msg_resend_ans_req" # 0x8610_baeb {
        /// Message ids.
        msg_ids: MsgIds<'a>,
    }

    /// Delay allowed for an HTTP response.
    // spec: session 14
    #[derive(Copy)]
    HttpWait = "http_wait" # 0x9299_359f {
        /// Milliseconds that the first message may wait for others.
        max_delay: i32,
        /// Milliseconds to wait after the latest message.
        wait_after: i32,
        /// Milliseconds to wait if there is no message.
        max_wait: i32,
    }

    /// Request to destroy the key that encrypts the packet.
    // spec: session 8.9
    DestroyAuthKey = "destroy_auth_key" # 0xd143_5160 {}

    /// The key was destroyed.
    DestroyAuthKeyOk = "destroy_auth_key_ok" # 0xf660_e1d4 {}

    /// The key did not exist.
    DestroyAuthKeyNone = "destroy_auth_key_none" # 0x0a9f_2259 {}

    /// The key was not destroyed.
    DestroyAuthKeyFail = "destroy_auth_key_fail" # 0xea10_9b13 {}

    /// Pushes were dropped; the client must fetch updates.
    // spec: session 8.20
    UpdatesTooLong = "updatesTooLong" # 0xe317_af7e {}

    /// Binding of a temporary key to a permanent one.
    // spec: session 15
    BindTempAuthKey<'a> = "auth.bindTempAuthKey" # 0xcdd4_2a05 {
        /// Id of the permanent key.
        perm_auth_key_id: AuthKeyId,
        /// Random number, equal to the one in the encrypted message.
        nonce: u64,
        /// Expiry of the temporary key in Unix seconds, equal to the one in the encrypted message.
        expires_at: i32,
        /// Proof of both keys; see [`mtp_crypto::bind`].
        encrypted_message: &'a [u8],
    }
}

impl HttpWait {
    /// Default of a server if a packet holds no `http_wait`.
    // spec: session 14
    pub const DEFAULT: Self = Self { max_delay: 0, wait_after: 0, max_wait: 25_000 };
}

/// A salt with its validity; always bare, inside [`FutureSalts`](super::FutureSalts).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the protocol's layout is fixed")]
pub struct FutureSalt {
    /// Start of validity in Unix seconds.
    pub valid_since: u32,
    /// End of validity in Unix seconds.
    pub valid_until: u32,
    /// The salt.
    pub salt: Salt,
}
