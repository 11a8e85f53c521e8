//! Every message of the session layer, in the order of the specification's table.

use mtp_crypto::{AuthKeyId, MsgId, Salt, SeqNo, SessionId};
use mtp_tl::Rest;

use super::field::messages;
use super::msg_ids::MsgIds;

messages! {
    /// The answer to a call.
    // spec: session 8.1
    RpcResult<'a> = "rpc_result" # 0xf35c_6d01 {
        /// The message that held the call; never a container.
        req_msg_id: MsgId,
        /// The answer: any boxed value, up to the end of the message.
        result: Rest<'a>,
    }

    /// Asks the server to forget the answer to a call.
    // spec: session 8.3
    RpcDropAnswer = "rpc_drop_answer" # 0x58e4_a740 {
        /// The message that held the call.
        req_msg_id: MsgId,
    }

    /// Says that nothing is known of a call to drop.
    RpcAnswerUnknown = "rpc_answer_unknown" # 0x5e2a_d36e {}

    /// Says that a call runs, and that its answer will be dropped.
    RpcAnswerDroppedRunning = "rpc_answer_dropped_running" # 0xcd78_e586 {}

    /// Says which answer was dropped.
    RpcAnswerDropped = "rpc_answer_dropped" # 0xa43a_d8b7 {
        /// The answer's id.
        msg_id: MsgId,
        /// The answer's number.
        seq_no: SeqNo,
        /// The answer's length.
        bytes: i32,
    }

    /// Asks for salts.
    // spec: session 6.2
    GetFutureSalts = "get_future_salts" # 0xb921_bd04 {
        /// How many, 1 to 64.
        num: i32,
    }

    /// Asks for a [`Pong`].
    // spec: session 8.5
    Ping = "ping" # 0x7abe_77ec {
        /// Comes back.
        ping_id: u64,
    }

    /// Answers a ping.
    Pong = "pong" # 0x3477_73c5 {
        /// The ping's id as a message.
        msg_id: MsgId,
        /// What the ping carried.
        ping_id: u64,
    }

    /// A ping that also tells the server when to give up on the link.
    // spec: session 8.6
    PingDelayDisconnect = "ping_delay_disconnect" # 0xf342_7b8c {
        /// Comes back.
        ping_id: u64,
        /// Seconds until the server closes the link, unless another of these comes before.
        disconnect_delay: i32,
    }

    /// Asks the server to forget another session of the same key.
    // spec: session 8.8
    DestroySession = "destroy_session" # 0xe751_2126 {
        /// The session.
        session_id: SessionId,
    }

    /// Says that a session is forgotten.
    DestroySessionOk = "destroy_session_ok" # 0xe220_45fc {
        /// The session.
        session_id: SessionId,
    }

    /// Says that there is no such session.
    DestroySessionNone = "destroy_session_none" # 0x62d3_50c9 {
        /// The session.
        session_id: SessionId,
    }

    /// Says that the server began to keep a session.
    // spec: session 8.10
    NewSessionCreated = "new_session_created" # 0x9ec2_0908 {
        /// Messages below this id were received by an earlier incarnation, or never.
        first_msg_id: MsgId,
        /// Names the incarnation.
        unique_id: u64,
        /// The current salt.
        server_salt: Salt,
    }

    /// Any object, packed by gzip.
    // spec: session 8.13
    GzipPacked<'a> = "gzip_packed" # 0x3072_cfa1 {
        /// One gzip member.
        packed_data: &'a [u8],
    }

    /// Acknowledges messages.
    // spec: session 8.14
    MsgsAck<'a> = "msgs_ack" # 0x62d6_b459 {
        /// The messages; never containers.
        msg_ids: MsgIds<'a>,
    }

    /// Says that a message was not accepted.
    // spec: session 8.15
    BadMsgNotification = "bad_msg_notification" # 0xa7ef_f811 {
        /// The message, or the container.
        bad_msg_id: MsgId,
        /// Its number.
        bad_msg_seqno: SeqNo,
        /// Why.
        error_code: i32,
    }

    /// Says that a message was not accepted because of its salt.
    // spec: session 6.1
    BadServerSalt = "bad_server_salt" # 0xedab_447b {
        /// The message, or the container.
        bad_msg_id: MsgId,
        /// Its number.
        bad_msg_seqno: SeqNo,
        /// Always 48.
        error_code: i32,
        /// The salt to use.
        new_server_salt: Salt,
    }

    /// Asks what became of messages.
    // spec: session 8.16
    MsgsStateReq<'a> = "msgs_state_req" # 0xda69_fb52 {
        /// The messages.
        msg_ids: MsgIds<'a>,
    }

    /// Says what became of messages.
    MsgsStateInfo<'a> = "msgs_state_info" # 0x04de_b57d {
        /// The request.
        req_msg_id: MsgId,
        /// One [`MessageState`](super::MessageState) for each id asked about, in order.
        info: &'a [u8],
    }

    /// Says what became of messages, without having been asked.
    MsgsAllInfo<'a> = "msgs_all_info" # 0x8cc0_d131 {
        /// The messages.
        msg_ids: MsgIds<'a>,
        /// One [`MessageState`](super::MessageState) each, in order.
        info: &'a [u8],
    }

    /// Says that an answer is at hand.
    // spec: session 8.18
    MsgDetailedInfo = "msg_detailed_info" # 0x276d_3ec6 {
        /// The call.
        msg_id: MsgId,
        /// The answer.
        answer_msg_id: MsgId,
        /// The answer's length.
        bytes: i32,
        /// Means nothing.
        status: i32,
    }

    /// Says that a message is at hand which answers nothing.
    MsgNewDetailedInfo = "msg_new_detailed_info" # 0x809d_b6df {
        /// The message.
        answer_msg_id: MsgId,
        /// Its length.
        bytes: i32,
        /// Means nothing.
        status: i32,
    }

    /// Asks for messages again.
    // spec: session 8.17
    MsgResendReq<'a> = "msg_resend_req" # 0x7d86_1a08 {
        /// The messages.
        msg_ids: MsgIds<'a>,
    }

    /// Asks for the answers to messages again; legacy.
    MsgResendAnsReq<'a> = "msg_resend_ans_req" # 0x8610_baeb {
        /// The messages.
        msg_ids: MsgIds<'a>,
    }

    /// Lets an HTTP server hold its answer back.
    // spec: session 14
    #[derive(Copy)]
    HttpWait = "http_wait" # 0x9299_359f {
        /// Milliseconds for which the first message may wait for others.
        max_delay: i32,
        /// Milliseconds of quiet after the latest message.
        wait_after: i32,
        /// Milliseconds to wait if there is no message at all.
        max_wait: i32,
    }

    /// Asks the server to destroy the key that encrypts the packet.
    // spec: session 8.9
    DestroyAuthKey = "destroy_auth_key" # 0xd143_5160 {}

    /// Says that the key is gone.
    DestroyAuthKeyOk = "destroy_auth_key_ok" # 0xf660_e1d4 {}

    /// Says that there was no such key.
    DestroyAuthKeyNone = "destroy_auth_key_none" # 0x0a9f_2259 {}

    /// Says that the key was not destroyed.
    DestroyAuthKeyFail = "destroy_auth_key_fail" # 0xea10_9b13 {}

    /// Says that more happened than the server will push.
    // spec: session 8.20
    UpdatesTooLong = "updatesTooLong" # 0xe317_af7e {}

    /// Binds a temporary key to a permanent one.
    // spec: session 15
    BindTempAuthKey<'a> = "auth.bindTempAuthKey" # 0xcdd4_2a05 {
        /// The permanent key.
        perm_auth_key_id: AuthKeyId,
        /// A random number, the same as inside.
        nonce: u64,
        /// When the temporary key dies, in seconds; the same as inside.
        expires_at: i32,
        /// The proof: see [`mtp_crypto::bind`].
        encrypted_message: &'a [u8],
    }
}

impl HttpWait {
    /// What a server assumes if a packet holds none.
    // spec: session 14
    pub const DEFAULT: Self = Self { max_delay: 0, wait_after: 0, max_wait: 25_000 };
}

/// A salt and when it is accepted; always bare, within [`FutureSalts`](super::FutureSalts).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the protocol's layout is fixed")]
pub struct FutureSalt {
    /// Accepted from then on, in seconds.
    pub valid_since: u32,
    /// Accepted until then, in seconds.
    pub valid_until: u32,
    /// The salt.
    pub salt: Salt,
}
