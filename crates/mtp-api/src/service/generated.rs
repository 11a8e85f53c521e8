// Written by mtp-schema. Do not edit.

mod __prelude {
    #![allow(unused_imports, reason = "a small schema does not use all of it")]
    extern crate alloc;
    pub(super) use alloc::{borrow::Cow, boxed::Box, vec::Vec};
    pub(super) use ::mtp_tl::{
        Bare, BareVec, Constructor, ConstructorId, Decode, DecodeBare, DecodeError, Decoder,
        Encode, EncodeBare, Fill, Flags, Function, IntoOwned, Output, Rest, TlStr, number::True,
    };
}

/// Types: what may stand where a schema names a type.
pub mod types {
    #![allow(
        dead_code, unreachable_pub, unused_imports, unused_qualifications, clippy::all, clippy::pedantic,
        reason = "a program wrote this, and its user may need a part of it"
    )]
    use super as __root;
    use __root::__prelude::*;

    /// `P_Q_inner_data`
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum PQInnerData<'a> {
        /// `p_q_inner_data#83c95aec pq:bytes p:bytes q:bytes nonce:int128 server_nonce:int128 new_nonce:int256 = P_Q_inner_data`
        PQInnerData(__root::variants::PQInnerData<'a>),
        /// `p_q_inner_data_dc#a9f55f95 pq:bytes p:bytes q:bytes nonce:int128 server_nonce:int128 new_nonce:int256 dc:int = P_Q_inner_data`
        Dc(Box<__root::variants::PQInnerDataDc<'a>>),
        /// `p_q_inner_data_temp#3c6a84d4 pq:bytes p:bytes q:bytes nonce:int128 server_nonce:int128 new_nonce:int256 expires_in:int = P_Q_inner_data`
        Temp(Box<__root::variants::PQInnerDataTemp<'a>>),
        /// `p_q_inner_data_temp_dc#56fddf88 pq:bytes p:bytes q:bytes nonce:int128 server_nonce:int128 new_nonce:int256 dc:int expires_in:int = P_Q_inner_data`
        TempDc(Box<__root::variants::PQInnerDataTempDc<'a>>),
    }
    impl Encode for PQInnerData<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            match self {
                Self::PQInnerData(value) => value.encode_boxed(out),
                Self::Dc(value) => value.encode_boxed(out),
                Self::Temp(value) => value.encode_boxed(out),
                Self::TempDc(value) => value.encode_boxed(out),
            }
        }
    }
    impl<'a> Decode<'a> for PQInnerData<'a> {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let id = d.id()?;
            match id.get() {
                0x83c9_5aec => d.bare().map(Self::PQInnerData),
                0xa9f5_5f95 => d.bare().map(Self::Dc),
                0x3c6a_84d4 => d.bare().map(Self::Temp),
                0x56fd_df88 => d.bare().map(Self::TempDc),
                _ => Err(d.unexpected(id, "P_Q_inner_data")),
            }
        }
        #[inline]
        fn decode_items(d: &mut Decoder<'a>, count: usize) -> Result<Vec<Self>, DecodeError> {
            d.fill_items(count, |d, item| Fill::fill(item, d))
        }
    }
    impl<'a> Fill<'a> for PQInnerData<'a> {
        const BLANK: Self = Self::PQInnerData(__root::variants::PQInnerData::BLANK);
        #[inline]
        fn fill(&mut self, d: &mut Decoder<'a>) -> Result<(), DecodeError> {
            match self {
                Self::PQInnerData(value) if d.is_next(__root::variants::PQInnerData::ID) => d.fill_boxed(value),
                _ => { *self = d.read()?; Ok(()) }
            }
        }
    }
    impl<'a> From<__root::variants::PQInnerData<'a>> for PQInnerData<'a> {
        #[inline]
        fn from(value: __root::variants::PQInnerData<'a>) -> Self { Self::PQInnerData(value) }
    }
    impl<'a> From<__root::variants::PQInnerDataDc<'a>> for PQInnerData<'a> {
        #[inline]
        fn from(value: __root::variants::PQInnerDataDc<'a>) -> Self { Self::Dc(Box::new(value)) }
    }
    impl<'a> From<__root::variants::PQInnerDataTemp<'a>> for PQInnerData<'a> {
        #[inline]
        fn from(value: __root::variants::PQInnerDataTemp<'a>) -> Self { Self::Temp(Box::new(value)) }
    }
    impl<'a> From<__root::variants::PQInnerDataTempDc<'a>> for PQInnerData<'a> {
        #[inline]
        fn from(value: __root::variants::PQInnerDataTempDc<'a>) -> Self { Self::TempDc(Box::new(value)) }
    }
    impl IntoOwned for PQInnerData<'_> {
        type Owned = PQInnerData<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            match self {
                Self::PQInnerData(value) => PQInnerData::PQInnerData(value.into_owned()),
                Self::Dc(value) => PQInnerData::Dc(value.into_owned()),
                Self::Temp(value) => PQInnerData::Temp(value.into_owned()),
                Self::TempDc(value) => PQInnerData::TempDc(value.into_owned()),
            }
        }
    }

    /// `Server_DH_Params`
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum ServerDHParams<'a> {
        /// `server_DH_params_fail#79cb045d nonce:int128 server_nonce:int128 new_nonce_hash:int128 = Server_DH_Params`
        Fail(__root::variants::ServerDHParamsFail),
        /// `server_DH_params_ok#d0e8075c nonce:int128 server_nonce:int128 encrypted_answer:bytes = Server_DH_Params`
        Ok(__root::variants::ServerDHParamsOk<'a>),
    }
    impl Encode for ServerDHParams<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            match self {
                Self::Fail(value) => value.encode_boxed(out),
                Self::Ok(value) => value.encode_boxed(out),
            }
        }
    }
    impl<'a> Decode<'a> for ServerDHParams<'a> {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let id = d.id()?;
            match id.get() {
                0x79cb_045d => d.bare().map(Self::Fail),
                0xd0e8_075c => d.bare().map(Self::Ok),
                _ => Err(d.unexpected(id, "Server_DH_Params")),
            }
        }
    }
    impl<'a> From<__root::variants::ServerDHParamsFail> for ServerDHParams<'a> {
        #[inline]
        fn from(value: __root::variants::ServerDHParamsFail) -> Self { Self::Fail(value) }
    }
    impl<'a> From<__root::variants::ServerDHParamsOk<'a>> for ServerDHParams<'a> {
        #[inline]
        fn from(value: __root::variants::ServerDHParamsOk<'a>) -> Self { Self::Ok(value) }
    }
    impl IntoOwned for ServerDHParams<'_> {
        type Owned = ServerDHParams<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            match self {
                Self::Fail(value) => ServerDHParams::Fail(value),
                Self::Ok(value) => ServerDHParams::Ok(value.into_owned()),
            }
        }
    }

    /// `Set_client_DH_params_answer`
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum SetClientDHParamsAnswer {
        /// `dh_gen_ok#3bcbf734 nonce:int128 server_nonce:int128 new_nonce_hash1:int128 = Set_client_DH_params_answer`
        DhGenOk(__root::variants::DhGenOk),
        /// `dh_gen_retry#46dc1fb9 nonce:int128 server_nonce:int128 new_nonce_hash2:int128 = Set_client_DH_params_answer`
        DhGenRetry(__root::variants::DhGenRetry),
        /// `dh_gen_fail#a69dae02 nonce:int128 server_nonce:int128 new_nonce_hash3:int128 = Set_client_DH_params_answer`
        DhGenFail(__root::variants::DhGenFail),
    }
    impl Encode for SetClientDHParamsAnswer {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            match self {
                Self::DhGenOk(value) => value.encode_boxed(out),
                Self::DhGenRetry(value) => value.encode_boxed(out),
                Self::DhGenFail(value) => value.encode_boxed(out),
            }
        }
    }
    impl<'a> Decode<'a> for SetClientDHParamsAnswer {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let id = d.id()?;
            match id.get() {
                0x3bcb_f734 => d.bare().map(Self::DhGenOk),
                0x46dc_1fb9 => d.bare().map(Self::DhGenRetry),
                0xa69d_ae02 => d.bare().map(Self::DhGenFail),
                _ => Err(d.unexpected(id, "Set_client_DH_params_answer")),
            }
        }
    }
    impl From<__root::variants::DhGenOk> for SetClientDHParamsAnswer {
        #[inline]
        fn from(value: __root::variants::DhGenOk) -> Self { Self::DhGenOk(value) }
    }
    impl From<__root::variants::DhGenRetry> for SetClientDHParamsAnswer {
        #[inline]
        fn from(value: __root::variants::DhGenRetry) -> Self { Self::DhGenRetry(value) }
    }
    impl From<__root::variants::DhGenFail> for SetClientDHParamsAnswer {
        #[inline]
        fn from(value: __root::variants::DhGenFail) -> Self { Self::DhGenFail(value) }
    }

    /// `RpcDropAnswer`
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum RpcDropAnswer {
        /// `rpc_answer_unknown#5e2ad36e = RpcDropAnswer`
        RpcAnswerUnknown,
        /// `rpc_answer_dropped_running#cd78e586 = RpcDropAnswer`
        RpcAnswerDroppedRunning,
        /// `rpc_answer_dropped#a43ad8b7 msg_id:long seq_no:int bytes:int = RpcDropAnswer`
        RpcAnswerDropped(__root::variants::RpcAnswerDropped),
    }
    impl Encode for RpcDropAnswer {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            match self {
                Self::RpcAnswerUnknown => ConstructorId::new(0x5e2a_d36e).encode(out),
                Self::RpcAnswerDroppedRunning => ConstructorId::new(0xcd78_e586).encode(out),
                Self::RpcAnswerDropped(value) => value.encode_boxed(out),
            }
        }
    }
    impl<'a> Decode<'a> for RpcDropAnswer {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let id = d.id()?;
            match id.get() {
                0x5e2a_d36e => Ok(Self::RpcAnswerUnknown),
                0xcd78_e586 => Ok(Self::RpcAnswerDroppedRunning),
                0xa43a_d8b7 => d.bare().map(Self::RpcAnswerDropped),
                _ => Err(d.unexpected(id, "RpcDropAnswer")),
            }
        }
    }
    impl From<__root::variants::RpcAnswerDropped> for RpcDropAnswer {
        #[inline]
        fn from(value: __root::variants::RpcAnswerDropped) -> Self { Self::RpcAnswerDropped(value) }
    }

    /// `DestroySessionRes`
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum DestroySessionRes {
        /// `destroy_session_ok#e22045fc session_id:long = DestroySessionRes`
        DestroySessionOk(__root::variants::DestroySessionOk),
        /// `destroy_session_none#62d350c9 session_id:long = DestroySessionRes`
        DestroySessionNone(__root::variants::DestroySessionNone),
    }
    impl Encode for DestroySessionRes {
        #[inline(always)]
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            match self {
                Self::DestroySessionOk(value) => value.encode_boxed(out),
                Self::DestroySessionNone(value) => value.encode_boxed(out),
            }
        }
    }
    impl<'a> Decode<'a> for DestroySessionRes {
        #[inline(always)]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let id = d.id()?;
            match id.get() {
                0xe220_45fc => d.bare().map(Self::DestroySessionOk),
                0x62d3_50c9 => d.bare().map(Self::DestroySessionNone),
                _ => Err(d.unexpected(id, "DestroySessionRes")),
            }
        }
    }
    impl From<__root::variants::DestroySessionOk> for DestroySessionRes {
        #[inline]
        fn from(value: __root::variants::DestroySessionOk) -> Self { Self::DestroySessionOk(value) }
    }
    impl From<__root::variants::DestroySessionNone> for DestroySessionRes {
        #[inline]
        fn from(value: __root::variants::DestroySessionNone) -> Self { Self::DestroySessionNone(value) }
    }

    /// `DestroyAuthKeyRes`
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum DestroyAuthKeyRes {
        /// `destroy_auth_key_ok#f660e1d4 = DestroyAuthKeyRes`
        DestroyAuthKeyOk,
        /// `destroy_auth_key_none#0a9f2259 = DestroyAuthKeyRes`
        DestroyAuthKeyNone,
        /// `destroy_auth_key_fail#ea109b13 = DestroyAuthKeyRes`
        DestroyAuthKeyFail,
    }
    impl Encode for DestroyAuthKeyRes {
        #[inline(always)]
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            match self {
                Self::DestroyAuthKeyOk => ConstructorId::new(0xf660_e1d4).encode(out),
                Self::DestroyAuthKeyNone => ConstructorId::new(0x0a9f_2259).encode(out),
                Self::DestroyAuthKeyFail => ConstructorId::new(0xea10_9b13).encode(out),
            }
        }
    }
    impl<'a> Decode<'a> for DestroyAuthKeyRes {
        #[inline(always)]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let id = d.id()?;
            match id.get() {
                0xf660_e1d4 => Ok(Self::DestroyAuthKeyOk),
                0x0a9f_2259 => Ok(Self::DestroyAuthKeyNone),
                0xea10_9b13 => Ok(Self::DestroyAuthKeyFail),
                _ => Err(d.unexpected(id, "DestroyAuthKeyRes")),
            }
        }
    }

    /// `BadMsgNotification`
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum BadMsgNotification {
        /// `bad_msg_notification#a7eff811 bad_msg_id:long bad_msg_seqno:int error_code:int = BadMsgNotification`
        BadMsgNotification(__root::variants::BadMsgNotification),
        /// `bad_server_salt#edab447b bad_msg_id:long bad_msg_seqno:int error_code:int new_server_salt:long = BadMsgNotification`
        BadServerSalt(__root::variants::BadServerSalt),
    }
    impl Encode for BadMsgNotification {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            match self {
                Self::BadMsgNotification(value) => value.encode_boxed(out),
                Self::BadServerSalt(value) => value.encode_boxed(out),
            }
        }
    }
    impl<'a> Decode<'a> for BadMsgNotification {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let id = d.id()?;
            match id.get() {
                0xa7ef_f811 => d.bare().map(Self::BadMsgNotification),
                0xedab_447b => d.bare().map(Self::BadServerSalt),
                _ => Err(d.unexpected(id, "BadMsgNotification")),
            }
        }
    }
    impl From<__root::variants::BadMsgNotification> for BadMsgNotification {
        #[inline]
        fn from(value: __root::variants::BadMsgNotification) -> Self { Self::BadMsgNotification(value) }
    }
    impl From<__root::variants::BadServerSalt> for BadMsgNotification {
        #[inline]
        fn from(value: __root::variants::BadServerSalt) -> Self { Self::BadServerSalt(value) }
    }

    /// `MsgResendReq`
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum MsgResendReq {
        /// `msg_resend_req#7d861a08 msg_ids:Vector<long> = MsgResendReq`
        MsgResendReq(__root::variants::MsgResendReq),
        /// `msg_resend_ans_req#8610baeb msg_ids:Vector<long> = MsgResendReq`
        MsgResendAnsReq(__root::variants::MsgResendAnsReq),
    }
    impl Encode for MsgResendReq {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            match self {
                Self::MsgResendReq(value) => value.encode_boxed(out),
                Self::MsgResendAnsReq(value) => value.encode_boxed(out),
            }
        }
    }
    impl<'a> Decode<'a> for MsgResendReq {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let id = d.id()?;
            match id.get() {
                0x7d86_1a08 => d.bare().map(Self::MsgResendReq),
                0x8610_baeb => d.bare().map(Self::MsgResendAnsReq),
                _ => Err(d.unexpected(id, "MsgResendReq")),
            }
        }
    }
    impl From<__root::variants::MsgResendReq> for MsgResendReq {
        #[inline]
        fn from(value: __root::variants::MsgResendReq) -> Self { Self::MsgResendReq(value) }
    }
    impl From<__root::variants::MsgResendAnsReq> for MsgResendReq {
        #[inline]
        fn from(value: __root::variants::MsgResendAnsReq) -> Self { Self::MsgResendAnsReq(value) }
    }

    /// `MsgDetailedInfo`
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum MsgDetailedInfo {
        /// `msg_detailed_info#276d3ec6 msg_id:long answer_msg_id:long bytes:int status:int = MsgDetailedInfo`
        MsgDetailedInfo(__root::variants::MsgDetailedInfo),
        /// `msg_new_detailed_info#809db6df answer_msg_id:long bytes:int status:int = MsgDetailedInfo`
        MsgNewDetailedInfo(__root::variants::MsgNewDetailedInfo),
    }
    impl Encode for MsgDetailedInfo {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            match self {
                Self::MsgDetailedInfo(value) => value.encode_boxed(out),
                Self::MsgNewDetailedInfo(value) => value.encode_boxed(out),
            }
        }
    }
    impl<'a> Decode<'a> for MsgDetailedInfo {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let id = d.id()?;
            match id.get() {
                0x276d_3ec6 => d.bare().map(Self::MsgDetailedInfo),
                0x809d_b6df => d.bare().map(Self::MsgNewDetailedInfo),
                _ => Err(d.unexpected(id, "MsgDetailedInfo")),
            }
        }
    }
    impl From<__root::variants::MsgDetailedInfo> for MsgDetailedInfo {
        #[inline]
        fn from(value: __root::variants::MsgDetailedInfo) -> Self { Self::MsgDetailedInfo(value) }
    }
    impl From<__root::variants::MsgNewDetailedInfo> for MsgDetailedInfo {
        #[inline]
        fn from(value: __root::variants::MsgNewDetailedInfo) -> Self { Self::MsgNewDetailedInfo(value) }
    }

    /// `IpPort`
    #[derive(Clone, Debug, PartialEq)]
    #[non_exhaustive]
    pub enum IpPort<'a> {
        /// `ipPort#d433ad73 ipv4:int port:int = IpPort`
        IpPort(__root::variants::IpPort),
        /// `ipPortSecret#37982646 ipv4:int port:int secret:bytes = IpPort`
        Secret(__root::variants::IpPortSecret<'a>),
    }
    impl Encode for IpPort<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            match self {
                Self::IpPort(value) => value.encode_boxed(out),
                Self::Secret(value) => value.encode_boxed(out),
            }
        }
    }
    impl<'a> Decode<'a> for IpPort<'a> {
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let id = d.id()?;
            match id.get() {
                0xd433_ad73 => d.bare().map(Self::IpPort),
                0x3798_2646 => d.bare().map(Self::Secret),
                _ => Err(d.unexpected(id, "IpPort")),
            }
        }
    }
    impl<'a> From<__root::variants::IpPort> for IpPort<'a> {
        #[inline]
        fn from(value: __root::variants::IpPort) -> Self { Self::IpPort(value) }
    }
    impl<'a> From<__root::variants::IpPortSecret<'a>> for IpPort<'a> {
        #[inline]
        fn from(value: __root::variants::IpPortSecret<'a>) -> Self { Self::Secret(value) }
    }
    impl IntoOwned for IpPort<'_> {
        type Owned = IpPort<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            match self {
                Self::IpPort(value) => IpPort::IpPort(value),
                Self::Secret(value) => IpPort::Secret(value.into_owned()),
            }
        }
    }

    /// `resPQ#05162463 nonce:int128 server_nonce:int128 pq:bytes server_public_key_fingerprints:Vector<long> = ResPQ`
    #[derive(Clone, Debug, PartialEq)]
    pub struct ResPQ<'a> {
        /// `nonce:int128`
        pub nonce: [u8; 16],
        /// `server_nonce:int128`
        pub server_nonce: [u8; 16],
        /// `pq:bytes`
        pub pq: Cow<'a, [u8]>,
        /// `server_public_key_fingerprints:Vector<long>`
        pub server_public_key_fingerprints: Vec<i64>,
    }
    impl Constructor for ResPQ<'_> {
        const ID: ConstructorId = ConstructorId::new(0x0516_2463);
        const NAME: &'static str = "resPQ";
    }
    impl EncodeBare for ResPQ<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.nonce.encode(out);
            self.server_nonce.encode(out);
            self.pq.encode(out);
            self.server_public_key_fingerprints.encode(out);
        }
    }
    impl Encode for ResPQ<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for ResPQ<'a> {
        const BARE_LEN_MIN: usize = 44;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                nonce: d.read()?,
                server_nonce: d.read()?,
                pq: d.read()?,
                server_public_key_fingerprints: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for ResPQ<'a> {
        const LEN_MIN: usize = 48;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl IntoOwned for ResPQ<'_> {
        type Owned = ResPQ<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            ResPQ {
                nonce: self.nonce,
                server_nonce: self.server_nonce,
                pq: IntoOwned::into_owned(self.pq),
                server_public_key_fingerprints: self.server_public_key_fingerprints,
            }
        }
    }

    /// `server_DH_inner_data#b5890dba nonce:int128 server_nonce:int128 g:int dh_prime:bytes g_a:bytes server_time:int = Server_DH_inner_data`
    #[derive(Clone, Debug, PartialEq)]
    pub struct ServerDHInnerData<'a> {
        /// `nonce:int128`
        pub nonce: [u8; 16],
        /// `server_nonce:int128`
        pub server_nonce: [u8; 16],
        /// `g:int`
        pub g: i32,
        /// `dh_prime:bytes`
        pub dh_prime: Cow<'a, [u8]>,
        /// `g_a:bytes`
        pub g_a: Cow<'a, [u8]>,
        /// `server_time:int`
        pub server_time: i32,
    }
    impl Constructor for ServerDHInnerData<'_> {
        const ID: ConstructorId = ConstructorId::new(0xb589_0dba);
        const NAME: &'static str = "server_DH_inner_data";
    }
    impl EncodeBare for ServerDHInnerData<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.nonce.encode(out);
            self.server_nonce.encode(out);
            out.put(&self.g.to_le_bytes());
            self.dh_prime.encode(out);
            self.g_a.encode(out);
            out.put(&self.server_time.to_le_bytes());
        }
    }
    impl Encode for ServerDHInnerData<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for ServerDHInnerData<'a> {
        const BARE_LEN_MIN: usize = 48;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                nonce: d.read()?,
                server_nonce: d.read()?,
                g: d.read()?,
                dh_prime: d.read()?,
                g_a: d.read()?,
                server_time: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for ServerDHInnerData<'a> {
        const LEN_MIN: usize = 52;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl IntoOwned for ServerDHInnerData<'_> {
        type Owned = ServerDHInnerData<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            ServerDHInnerData {
                nonce: self.nonce,
                server_nonce: self.server_nonce,
                g: self.g,
                dh_prime: IntoOwned::into_owned(self.dh_prime),
                g_a: IntoOwned::into_owned(self.g_a),
                server_time: self.server_time,
            }
        }
    }

    /// `client_DH_inner_data#6643b654 nonce:int128 server_nonce:int128 retry_id:long g_b:bytes = Client_DH_Inner_Data`
    #[derive(Clone, Debug, PartialEq)]
    pub struct ClientDHInnerData<'a> {
        /// `nonce:int128`
        pub nonce: [u8; 16],
        /// `server_nonce:int128`
        pub server_nonce: [u8; 16],
        /// `retry_id:long`
        pub retry_id: i64,
        /// `g_b:bytes`
        pub g_b: Cow<'a, [u8]>,
    }
    impl Constructor for ClientDHInnerData<'_> {
        const ID: ConstructorId = ConstructorId::new(0x6643_b654);
        const NAME: &'static str = "client_DH_inner_data";
    }
    impl EncodeBare for ClientDHInnerData<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.nonce.encode(out);
            self.server_nonce.encode(out);
            self.retry_id.encode(out);
            self.g_b.encode(out);
        }
    }
    impl Encode for ClientDHInnerData<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for ClientDHInnerData<'a> {
        const BARE_LEN_MIN: usize = 44;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                nonce: d.read()?,
                server_nonce: d.read()?,
                retry_id: d.read()?,
                g_b: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for ClientDHInnerData<'a> {
        const LEN_MIN: usize = 48;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl IntoOwned for ClientDHInnerData<'_> {
        type Owned = ClientDHInnerData<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            ClientDHInnerData {
                nonce: self.nonce,
                server_nonce: self.server_nonce,
                retry_id: self.retry_id,
                g_b: IntoOwned::into_owned(self.g_b),
            }
        }
    }

    /// `rsa_public_key#7a19cb76 n:bytes e:bytes = RSAPublicKey`
    #[derive(Clone, Debug, PartialEq)]
    pub struct RSAPublicKey<'a> {
        /// `n:bytes`
        pub n: Cow<'a, [u8]>,
        /// `e:bytes`
        pub e: Cow<'a, [u8]>,
    }
    impl Constructor for RSAPublicKey<'_> {
        const ID: ConstructorId = ConstructorId::new(0x7a19_cb76);
        const NAME: &'static str = "rsa_public_key";
    }
    impl EncodeBare for RSAPublicKey<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.n.encode(out);
            self.e.encode(out);
        }
    }
    impl Encode for RSAPublicKey<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for RSAPublicKey<'a> {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                n: d.read()?,
                e: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for RSAPublicKey<'a> {
        const LEN_MIN: usize = 12;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl IntoOwned for RSAPublicKey<'_> {
        type Owned = RSAPublicKey<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            RSAPublicKey {
                n: IntoOwned::into_owned(self.n),
                e: IntoOwned::into_owned(self.e),
            }
        }
    }

    /// `bind_auth_key_inner#75a3f765 nonce:long temp_auth_key_id:long perm_auth_key_id:long temp_session_id:long expires_at:int = BindAuthKeyInner`
    #[derive(Clone, Debug, PartialEq)]
    pub struct BindAuthKeyInner {
        /// `nonce:long`
        pub nonce: i64,
        /// `temp_auth_key_id:long`
        pub temp_auth_key_id: i64,
        /// `perm_auth_key_id:long`
        pub perm_auth_key_id: i64,
        /// `temp_session_id:long`
        pub temp_session_id: i64,
        /// `expires_at:int`
        pub expires_at: i32,
    }
    impl Constructor for BindAuthKeyInner {
        const ID: ConstructorId = ConstructorId::new(0x75a3_f765);
        const NAME: &'static str = "bind_auth_key_inner";
    }
    impl EncodeBare for BindAuthKeyInner {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.nonce.encode(out);
            self.temp_auth_key_id.encode(out);
            self.perm_auth_key_id.encode(out);
            self.temp_session_id.encode(out);
            out.put(&self.expires_at.to_le_bytes());
        }
    }
    impl Encode for BindAuthKeyInner {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for BindAuthKeyInner {
        const BARE_LEN_MIN: usize = 36;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                nonce: d.read()?,
                temp_auth_key_id: d.read()?,
                perm_auth_key_id: d.read()?,
                temp_session_id: d.read()?,
                expires_at: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for BindAuthKeyInner {
        const LEN_MIN: usize = 40;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }

    /// `rpc_result#f35c6d01 req_msg_id:long result:Object = RpcResult`
    #[derive(Clone, Debug, PartialEq)]
    pub struct RpcResult<'a> {
        /// `req_msg_id:long`
        pub req_msg_id: i64,
        /// `result:Object`
        pub result: Rest<'a>,
    }
    impl Constructor for RpcResult<'_> {
        const ID: ConstructorId = ConstructorId::new(0xf35c_6d01);
        const NAME: &'static str = "rpc_result";
    }
    impl EncodeBare for RpcResult<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.req_msg_id.encode(out);
            self.result.encode(out);
        }
    }
    impl Encode for RpcResult<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for RpcResult<'a> {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                req_msg_id: d.read()?,
                result: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for RpcResult<'a> {
        const LEN_MIN: usize = 12;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl IntoOwned for RpcResult<'_> {
        type Owned = RpcResult<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            RpcResult {
                req_msg_id: self.req_msg_id,
                result: self.result.into_owned(),
            }
        }
    }

    /// `rpc_error#2144ca19 error_code:int error_message:string = RpcError`
    #[derive(Clone, Debug, PartialEq)]
    pub struct RpcError<'a> {
        /// `error_code:int`
        pub error_code: i32,
        /// `error_message:string`
        pub error_message: TlStr<'a>,
    }
    impl Constructor for RpcError<'_> {
        const ID: ConstructorId = ConstructorId::new(0x2144_ca19);
        const NAME: &'static str = "rpc_error";
    }
    impl EncodeBare for RpcError<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            out.put(&self.error_code.to_le_bytes());
            self.error_message.encode(out);
        }
    }
    impl Encode for RpcError<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for RpcError<'a> {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                error_code: d.read()?,
                error_message: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for RpcError<'a> {
        const LEN_MIN: usize = 12;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl IntoOwned for RpcError<'_> {
        type Owned = RpcError<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            RpcError {
                error_code: self.error_code,
                error_message: IntoOwned::into_owned(self.error_message),
            }
        }
    }

    /// `future_salt#0949d9dc valid_since:int valid_until:int salt:long = FutureSalt`
    #[derive(Clone, Debug, PartialEq)]
    pub struct FutureSalt {
        /// `valid_since:int`
        pub valid_since: i32,
        /// `valid_until:int`
        pub valid_until: i32,
        /// `salt:long`
        pub salt: i64,
    }
    impl Constructor for FutureSalt {
        const ID: ConstructorId = ConstructorId::new(0x0949_d9dc);
        const NAME: &'static str = "future_salt";
    }
    impl EncodeBare for FutureSalt {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            out.put([self.valid_since.to_le_bytes(), self.valid_until.to_le_bytes()].as_flattened());
            self.salt.encode(out);
        }
    }
    impl Encode for FutureSalt {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for FutureSalt {
        const BARE_LEN_MIN: usize = 16;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                valid_since: d.read()?,
                valid_until: d.read()?,
                salt: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for FutureSalt {
        const LEN_MIN: usize = 20;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }

    /// `future_salts#ae500895 req_msg_id:long now:int salts:vector<future_salt> = FutureSalts`
    #[derive(Clone, Debug, PartialEq)]
    pub struct FutureSalts {
        /// `req_msg_id:long`
        pub req_msg_id: i64,
        /// `now:int`
        pub now: i32,
        /// `salts:vector<future_salt>`
        pub salts: BareVec<Bare<__root::types::FutureSalt>>,
    }
    impl Constructor for FutureSalts {
        const ID: ConstructorId = ConstructorId::new(0xae50_0895);
        const NAME: &'static str = "future_salts";
    }
    impl EncodeBare for FutureSalts {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.req_msg_id.encode(out);
            out.put(&self.now.to_le_bytes());
            self.salts.encode(out);
        }
    }
    impl Encode for FutureSalts {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for FutureSalts {
        const BARE_LEN_MIN: usize = 16;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                req_msg_id: d.read()?,
                now: d.read()?,
                salts: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for FutureSalts {
        const LEN_MIN: usize = 20;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }

    /// `pong#347773c5 msg_id:long ping_id:long = Pong`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Pong {
        /// `msg_id:long`
        pub msg_id: i64,
        /// `ping_id:long`
        pub ping_id: i64,
    }
    impl Constructor for Pong {
        const ID: ConstructorId = ConstructorId::new(0x3477_73c5);
        const NAME: &'static str = "pong";
    }
    impl EncodeBare for Pong {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.msg_id.encode(out);
            self.ping_id.encode(out);
        }
    }
    impl Encode for Pong {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Pong {
        const BARE_LEN_MIN: usize = 16;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                msg_id: d.read()?,
                ping_id: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for Pong {
        const LEN_MIN: usize = 20;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }

    /// `new_session_created#9ec20908 first_msg_id:long unique_id:long server_salt:long = NewSession`
    #[derive(Clone, Debug, PartialEq)]
    pub struct NewSession {
        /// `first_msg_id:long`
        pub first_msg_id: i64,
        /// `unique_id:long`
        pub unique_id: i64,
        /// `server_salt:long`
        pub server_salt: i64,
    }
    impl Constructor for NewSession {
        const ID: ConstructorId = ConstructorId::new(0x9ec2_0908);
        const NAME: &'static str = "new_session_created";
    }
    impl EncodeBare for NewSession {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.first_msg_id.encode(out);
            self.unique_id.encode(out);
            self.server_salt.encode(out);
        }
    }
    impl Encode for NewSession {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for NewSession {
        const BARE_LEN_MIN: usize = 24;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                first_msg_id: d.read()?,
                unique_id: d.read()?,
                server_salt: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for NewSession {
        const LEN_MIN: usize = 28;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }

    /// `http_wait#9299359f max_delay:int wait_after:int max_wait:int = HttpWait`
    #[derive(Clone, Debug, PartialEq)]
    pub struct HttpWait {
        /// `max_delay:int`
        pub max_delay: i32,
        /// `wait_after:int`
        pub wait_after: i32,
        /// `max_wait:int`
        pub max_wait: i32,
    }
    impl Constructor for HttpWait {
        const ID: ConstructorId = ConstructorId::new(0x9299_359f);
        const NAME: &'static str = "http_wait";
    }
    impl EncodeBare for HttpWait {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            out.put([self.max_delay.to_le_bytes(), self.wait_after.to_le_bytes(), self.max_wait.to_le_bytes()].as_flattened());
        }
    }
    impl Encode for HttpWait {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for HttpWait {
        const BARE_LEN_MIN: usize = 12;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                max_delay: d.read()?,
                wait_after: d.read()?,
                max_wait: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for HttpWait {
        const LEN_MIN: usize = 16;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }

    /// `msgs_ack#62d6b459 msg_ids:Vector<long> = MsgsAck`
    #[derive(Clone, Debug, PartialEq)]
    pub struct MsgsAck {
        /// `msg_ids:Vector<long>`
        pub msg_ids: Vec<i64>,
    }
    impl Constructor for MsgsAck {
        const ID: ConstructorId = ConstructorId::new(0x62d6_b459);
        const NAME: &'static str = "msgs_ack";
    }
    impl EncodeBare for MsgsAck {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.msg_ids.encode(out);
        }
    }
    impl Encode for MsgsAck {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for MsgsAck {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                msg_ids: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for MsgsAck {
        const LEN_MIN: usize = 12;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }

    /// `msgs_state_req#da69fb52 msg_ids:Vector<long> = MsgsStateReq`
    #[derive(Clone, Debug, PartialEq)]
    pub struct MsgsStateReq {
        /// `msg_ids:Vector<long>`
        pub msg_ids: Vec<i64>,
    }
    impl Constructor for MsgsStateReq {
        const ID: ConstructorId = ConstructorId::new(0xda69_fb52);
        const NAME: &'static str = "msgs_state_req";
    }
    impl EncodeBare for MsgsStateReq {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.msg_ids.encode(out);
        }
    }
    impl Encode for MsgsStateReq {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for MsgsStateReq {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                msg_ids: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for MsgsStateReq {
        const LEN_MIN: usize = 12;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }

    /// `msgs_state_info#04deb57d req_msg_id:long info:string = MsgsStateInfo`
    #[derive(Clone, Debug, PartialEq)]
    pub struct MsgsStateInfo<'a> {
        /// `req_msg_id:long`
        pub req_msg_id: i64,
        /// `info:string`
        pub info: TlStr<'a>,
    }
    impl Constructor for MsgsStateInfo<'_> {
        const ID: ConstructorId = ConstructorId::new(0x04de_b57d);
        const NAME: &'static str = "msgs_state_info";
    }
    impl EncodeBare for MsgsStateInfo<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.req_msg_id.encode(out);
            self.info.encode(out);
        }
    }
    impl Encode for MsgsStateInfo<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for MsgsStateInfo<'a> {
        const BARE_LEN_MIN: usize = 12;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                req_msg_id: d.read()?,
                info: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for MsgsStateInfo<'a> {
        const LEN_MIN: usize = 16;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl IntoOwned for MsgsStateInfo<'_> {
        type Owned = MsgsStateInfo<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            MsgsStateInfo {
                req_msg_id: self.req_msg_id,
                info: IntoOwned::into_owned(self.info),
            }
        }
    }

    /// `msgs_all_info#8cc0d131 msg_ids:Vector<long> info:string = MsgsAllInfo`
    #[derive(Clone, Debug, PartialEq)]
    pub struct MsgsAllInfo<'a> {
        /// `msg_ids:Vector<long>`
        pub msg_ids: Vec<i64>,
        /// `info:string`
        pub info: TlStr<'a>,
    }
    impl Constructor for MsgsAllInfo<'_> {
        const ID: ConstructorId = ConstructorId::new(0x8cc0_d131);
        const NAME: &'static str = "msgs_all_info";
    }
    impl EncodeBare for MsgsAllInfo<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.msg_ids.encode(out);
            self.info.encode(out);
        }
    }
    impl Encode for MsgsAllInfo<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for MsgsAllInfo<'a> {
        const BARE_LEN_MIN: usize = 12;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                msg_ids: d.read()?,
                info: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for MsgsAllInfo<'a> {
        const LEN_MIN: usize = 16;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl IntoOwned for MsgsAllInfo<'_> {
        type Owned = MsgsAllInfo<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            MsgsAllInfo {
                msg_ids: self.msg_ids,
                info: IntoOwned::into_owned(self.info),
            }
        }
    }

    /// `accessPointRule#4679b65f phone_prefix_rules:string dc_id:int ips:vector<IpPort> = AccessPointRule`
    #[derive(Clone, Debug, PartialEq)]
    pub struct AccessPointRule<'a> {
        /// `phone_prefix_rules:string`
        pub phone_prefix_rules: TlStr<'a>,
        /// `dc_id:int`
        pub dc_id: i32,
        /// `ips:vector<IpPort>`
        pub ips: BareVec<__root::types::IpPort<'a>>,
    }
    impl Constructor for AccessPointRule<'_> {
        const ID: ConstructorId = ConstructorId::new(0x4679_b65f);
        const NAME: &'static str = "accessPointRule";
    }
    impl EncodeBare for AccessPointRule<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.phone_prefix_rules.encode(out);
            out.put(&self.dc_id.to_le_bytes());
            self.ips.encode(out);
        }
    }
    impl Encode for AccessPointRule<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for AccessPointRule<'a> {
        const BARE_LEN_MIN: usize = 12;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                phone_prefix_rules: d.read()?,
                dc_id: d.read()?,
                ips: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for AccessPointRule<'a> {
        const LEN_MIN: usize = 16;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl IntoOwned for AccessPointRule<'_> {
        type Owned = AccessPointRule<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            AccessPointRule {
                phone_prefix_rules: IntoOwned::into_owned(self.phone_prefix_rules),
                dc_id: self.dc_id,
                ips: self.ips.into_owned(),
            }
        }
    }

    /// The namespace `help`.
    pub mod help {
        use super::__root;
        use __root::__prelude::*;

        /// `help.configSimple#5a592a6c date:int expires:int rules:vector<AccessPointRule> = help.ConfigSimple`
        #[derive(Clone, Debug, PartialEq)]
        pub struct ConfigSimple<'a> {
            /// `date:int`
            pub date: i32,
            /// `expires:int`
            pub expires: i32,
            /// `rules:vector<AccessPointRule>`
            pub rules: BareVec<__root::types::AccessPointRule<'a>>,
        }
        impl Constructor for ConfigSimple<'_> {
            const ID: ConstructorId = ConstructorId::new(0x5a59_2a6c);
            const NAME: &'static str = "help.configSimple";
        }
        impl EncodeBare for ConfigSimple<'_> {
            fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
                out.put([self.date.to_le_bytes(), self.expires.to_le_bytes()].as_flattened());
                self.rules.encode(out);
            }
        }
        impl Encode for ConfigSimple<'_> {
            fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
        }
        impl<'a> DecodeBare<'a> for ConfigSimple<'a> {
            const BARE_LEN_MIN: usize = 12;
            #[inline]
            fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                Ok(Self {
                    date: d.read()?,
                    expires: d.read()?,
                    rules: d.read()?,
                })
            }
        }
        impl<'a> Decode<'a> for ConfigSimple<'a> {
            const LEN_MIN: usize = 16;
            #[inline]
            fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
        }
        impl IntoOwned for ConfigSimple<'_> {
            type Owned = ConfigSimple<'static>;
            #[inline]
            fn into_owned(self) -> Self::Owned {
                ConfigSimple {
                    date: self.date,
                    expires: self.expires,
                    rules: self.rules.into_owned(),
                }
            }
        }
    }
}

/// Constructors that share their type with others.
pub mod variants {
    #![allow(
        dead_code, unreachable_pub, unused_imports, unused_qualifications, clippy::all, clippy::pedantic,
        reason = "a program wrote this, and its user may need a part of it"
    )]
    use super as __root;
    use __root::__prelude::*;

    /// `p_q_inner_data#83c95aec pq:bytes p:bytes q:bytes nonce:int128 server_nonce:int128 new_nonce:int256 = P_Q_inner_data`
    #[derive(Clone, Debug, PartialEq)]
    pub struct PQInnerData<'a> {
        /// `pq:bytes`
        pub pq: Cow<'a, [u8]>,
        /// `p:bytes`
        pub p: Cow<'a, [u8]>,
        /// `q:bytes`
        pub q: Cow<'a, [u8]>,
        /// `nonce:int128`
        pub nonce: [u8; 16],
        /// `server_nonce:int128`
        pub server_nonce: [u8; 16],
        /// `new_nonce:int256`
        pub new_nonce: [u8; 32],
    }
    impl Constructor for PQInnerData<'_> {
        const ID: ConstructorId = ConstructorId::new(0x83c9_5aec);
        const NAME: &'static str = "p_q_inner_data";
    }
    impl EncodeBare for PQInnerData<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.pq.encode(out);
            self.p.encode(out);
            self.q.encode(out);
            self.nonce.encode(out);
            self.server_nonce.encode(out);
            self.new_nonce.encode(out);
        }
    }
    impl<'a> DecodeBare<'a> for PQInnerData<'a> {
        const BARE_LEN_MIN: usize = 76;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let mut value = Self::BLANK;
            value.fill(d)?;
            Ok(value)
        }
        #[inline]
        fn decode_bare_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> {
            let mut value = Box::new(Self::BLANK);
            value.fill(d)?;
            Ok(value)
        }
    }
    impl<'a> Fill<'a> for PQInnerData<'a> {
        const BLANK: Self = Self { pq: Cow::Borrowed(&[]), p: Cow::Borrowed(&[]), q: Cow::Borrowed(&[]), nonce: [0; 16], server_nonce: [0; 16], new_nonce: [0; 32], };
        #[inline]
        fn fill(&mut self, d: &mut Decoder<'a>) -> Result<(), DecodeError> {
            self.pq = d.read()?;
            self.p = d.read()?;
            self.q = d.read()?;
            self.nonce = d.read()?;
            self.server_nonce = d.read()?;
            self.new_nonce = d.read()?;
            Ok(())
        }
    }
    impl IntoOwned for PQInnerData<'_> {
        type Owned = PQInnerData<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            PQInnerData {
                pq: IntoOwned::into_owned(self.pq),
                p: IntoOwned::into_owned(self.p),
                q: IntoOwned::into_owned(self.q),
                nonce: self.nonce,
                server_nonce: self.server_nonce,
                new_nonce: self.new_nonce,
            }
        }
    }

    /// `p_q_inner_data_dc#a9f55f95 pq:bytes p:bytes q:bytes nonce:int128 server_nonce:int128 new_nonce:int256 dc:int = P_Q_inner_data`
    #[derive(Clone, Debug, PartialEq)]
    pub struct PQInnerDataDc<'a> {
        /// `pq:bytes`
        pub pq: Cow<'a, [u8]>,
        /// `p:bytes`
        pub p: Cow<'a, [u8]>,
        /// `q:bytes`
        pub q: Cow<'a, [u8]>,
        /// `nonce:int128`
        pub nonce: [u8; 16],
        /// `server_nonce:int128`
        pub server_nonce: [u8; 16],
        /// `new_nonce:int256`
        pub new_nonce: [u8; 32],
        /// `dc:int`
        pub dc: i32,
    }
    impl Constructor for PQInnerDataDc<'_> {
        const ID: ConstructorId = ConstructorId::new(0xa9f5_5f95);
        const NAME: &'static str = "p_q_inner_data_dc";
    }
    impl EncodeBare for PQInnerDataDc<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.pq.encode(out);
            self.p.encode(out);
            self.q.encode(out);
            self.nonce.encode(out);
            self.server_nonce.encode(out);
            self.new_nonce.encode(out);
            out.put(&self.dc.to_le_bytes());
        }
    }
    impl<'a> DecodeBare<'a> for PQInnerDataDc<'a> {
        const BARE_LEN_MIN: usize = 80;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let mut value = Self::BLANK;
            value.fill(d)?;
            Ok(value)
        }
        #[inline]
        fn decode_bare_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> {
            let mut value = Box::new(Self::BLANK);
            value.fill(d)?;
            Ok(value)
        }
    }
    impl<'a> Fill<'a> for PQInnerDataDc<'a> {
        const BLANK: Self = Self { pq: Cow::Borrowed(&[]), p: Cow::Borrowed(&[]), q: Cow::Borrowed(&[]), nonce: [0; 16], server_nonce: [0; 16], new_nonce: [0; 32], dc: 0, };
        #[inline]
        fn fill(&mut self, d: &mut Decoder<'a>) -> Result<(), DecodeError> {
            self.pq = d.read()?;
            self.p = d.read()?;
            self.q = d.read()?;
            self.nonce = d.read()?;
            self.server_nonce = d.read()?;
            self.new_nonce = d.read()?;
            self.dc = d.read()?;
            Ok(())
        }
    }
    impl IntoOwned for PQInnerDataDc<'_> {
        type Owned = PQInnerDataDc<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            PQInnerDataDc {
                pq: IntoOwned::into_owned(self.pq),
                p: IntoOwned::into_owned(self.p),
                q: IntoOwned::into_owned(self.q),
                nonce: self.nonce,
                server_nonce: self.server_nonce,
                new_nonce: self.new_nonce,
                dc: self.dc,
            }
        }
    }

    /// `p_q_inner_data_temp#3c6a84d4 pq:bytes p:bytes q:bytes nonce:int128 server_nonce:int128 new_nonce:int256 expires_in:int = P_Q_inner_data`
    #[derive(Clone, Debug, PartialEq)]
    pub struct PQInnerDataTemp<'a> {
        /// `pq:bytes`
        pub pq: Cow<'a, [u8]>,
        /// `p:bytes`
        pub p: Cow<'a, [u8]>,
        /// `q:bytes`
        pub q: Cow<'a, [u8]>,
        /// `nonce:int128`
        pub nonce: [u8; 16],
        /// `server_nonce:int128`
        pub server_nonce: [u8; 16],
        /// `new_nonce:int256`
        pub new_nonce: [u8; 32],
        /// `expires_in:int`
        pub expires_in: i32,
    }
    impl Constructor for PQInnerDataTemp<'_> {
        const ID: ConstructorId = ConstructorId::new(0x3c6a_84d4);
        const NAME: &'static str = "p_q_inner_data_temp";
    }
    impl EncodeBare for PQInnerDataTemp<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.pq.encode(out);
            self.p.encode(out);
            self.q.encode(out);
            self.nonce.encode(out);
            self.server_nonce.encode(out);
            self.new_nonce.encode(out);
            out.put(&self.expires_in.to_le_bytes());
        }
    }
    impl<'a> DecodeBare<'a> for PQInnerDataTemp<'a> {
        const BARE_LEN_MIN: usize = 80;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let mut value = Self::BLANK;
            value.fill(d)?;
            Ok(value)
        }
        #[inline]
        fn decode_bare_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> {
            let mut value = Box::new(Self::BLANK);
            value.fill(d)?;
            Ok(value)
        }
    }
    impl<'a> Fill<'a> for PQInnerDataTemp<'a> {
        const BLANK: Self = Self { pq: Cow::Borrowed(&[]), p: Cow::Borrowed(&[]), q: Cow::Borrowed(&[]), nonce: [0; 16], server_nonce: [0; 16], new_nonce: [0; 32], expires_in: 0, };
        #[inline]
        fn fill(&mut self, d: &mut Decoder<'a>) -> Result<(), DecodeError> {
            self.pq = d.read()?;
            self.p = d.read()?;
            self.q = d.read()?;
            self.nonce = d.read()?;
            self.server_nonce = d.read()?;
            self.new_nonce = d.read()?;
            self.expires_in = d.read()?;
            Ok(())
        }
    }
    impl IntoOwned for PQInnerDataTemp<'_> {
        type Owned = PQInnerDataTemp<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            PQInnerDataTemp {
                pq: IntoOwned::into_owned(self.pq),
                p: IntoOwned::into_owned(self.p),
                q: IntoOwned::into_owned(self.q),
                nonce: self.nonce,
                server_nonce: self.server_nonce,
                new_nonce: self.new_nonce,
                expires_in: self.expires_in,
            }
        }
    }

    /// `p_q_inner_data_temp_dc#56fddf88 pq:bytes p:bytes q:bytes nonce:int128 server_nonce:int128 new_nonce:int256 dc:int expires_in:int = P_Q_inner_data`
    #[derive(Clone, Debug, PartialEq)]
    pub struct PQInnerDataTempDc<'a> {
        /// `pq:bytes`
        pub pq: Cow<'a, [u8]>,
        /// `p:bytes`
        pub p: Cow<'a, [u8]>,
        /// `q:bytes`
        pub q: Cow<'a, [u8]>,
        /// `nonce:int128`
        pub nonce: [u8; 16],
        /// `server_nonce:int128`
        pub server_nonce: [u8; 16],
        /// `new_nonce:int256`
        pub new_nonce: [u8; 32],
        /// `dc:int`
        pub dc: i32,
        /// `expires_in:int`
        pub expires_in: i32,
    }
    impl Constructor for PQInnerDataTempDc<'_> {
        const ID: ConstructorId = ConstructorId::new(0x56fd_df88);
        const NAME: &'static str = "p_q_inner_data_temp_dc";
    }
    impl EncodeBare for PQInnerDataTempDc<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.pq.encode(out);
            self.p.encode(out);
            self.q.encode(out);
            self.nonce.encode(out);
            self.server_nonce.encode(out);
            self.new_nonce.encode(out);
            out.put([self.dc.to_le_bytes(), self.expires_in.to_le_bytes()].as_flattened());
        }
    }
    impl<'a> DecodeBare<'a> for PQInnerDataTempDc<'a> {
        const BARE_LEN_MIN: usize = 84;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            let mut value = Self::BLANK;
            value.fill(d)?;
            Ok(value)
        }
        #[inline]
        fn decode_bare_box(d: &mut Decoder<'a>) -> Result<Box<Self>, DecodeError> {
            let mut value = Box::new(Self::BLANK);
            value.fill(d)?;
            Ok(value)
        }
    }
    impl<'a> Fill<'a> for PQInnerDataTempDc<'a> {
        const BLANK: Self = Self { pq: Cow::Borrowed(&[]), p: Cow::Borrowed(&[]), q: Cow::Borrowed(&[]), nonce: [0; 16], server_nonce: [0; 16], new_nonce: [0; 32], dc: 0, expires_in: 0, };
        #[inline]
        fn fill(&mut self, d: &mut Decoder<'a>) -> Result<(), DecodeError> {
            self.pq = d.read()?;
            self.p = d.read()?;
            self.q = d.read()?;
            self.nonce = d.read()?;
            self.server_nonce = d.read()?;
            self.new_nonce = d.read()?;
            self.dc = d.read()?;
            self.expires_in = d.read()?;
            Ok(())
        }
    }
    impl IntoOwned for PQInnerDataTempDc<'_> {
        type Owned = PQInnerDataTempDc<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            PQInnerDataTempDc {
                pq: IntoOwned::into_owned(self.pq),
                p: IntoOwned::into_owned(self.p),
                q: IntoOwned::into_owned(self.q),
                nonce: self.nonce,
                server_nonce: self.server_nonce,
                new_nonce: self.new_nonce,
                dc: self.dc,
                expires_in: self.expires_in,
            }
        }
    }

    /// `server_DH_params_fail#79cb045d nonce:int128 server_nonce:int128 new_nonce_hash:int128 = Server_DH_Params`
    #[derive(Clone, Debug, PartialEq)]
    pub struct ServerDHParamsFail {
        /// `nonce:int128`
        pub nonce: [u8; 16],
        /// `server_nonce:int128`
        pub server_nonce: [u8; 16],
        /// `new_nonce_hash:int128`
        pub new_nonce_hash: [u8; 16],
    }
    impl Constructor for ServerDHParamsFail {
        const ID: ConstructorId = ConstructorId::new(0x79cb_045d);
        const NAME: &'static str = "server_DH_params_fail";
    }
    impl EncodeBare for ServerDHParamsFail {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.nonce.encode(out);
            self.server_nonce.encode(out);
            self.new_nonce_hash.encode(out);
        }
    }
    impl<'a> DecodeBare<'a> for ServerDHParamsFail {
        const BARE_LEN_MIN: usize = 48;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                nonce: d.read()?,
                server_nonce: d.read()?,
                new_nonce_hash: d.read()?,
            })
        }
    }

    /// `server_DH_params_ok#d0e8075c nonce:int128 server_nonce:int128 encrypted_answer:bytes = Server_DH_Params`
    #[derive(Clone, Debug, PartialEq)]
    pub struct ServerDHParamsOk<'a> {
        /// `nonce:int128`
        pub nonce: [u8; 16],
        /// `server_nonce:int128`
        pub server_nonce: [u8; 16],
        /// `encrypted_answer:bytes`
        pub encrypted_answer: Cow<'a, [u8]>,
    }
    impl Constructor for ServerDHParamsOk<'_> {
        const ID: ConstructorId = ConstructorId::new(0xd0e8_075c);
        const NAME: &'static str = "server_DH_params_ok";
    }
    impl EncodeBare for ServerDHParamsOk<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.nonce.encode(out);
            self.server_nonce.encode(out);
            self.encrypted_answer.encode(out);
        }
    }
    impl<'a> DecodeBare<'a> for ServerDHParamsOk<'a> {
        const BARE_LEN_MIN: usize = 36;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                nonce: d.read()?,
                server_nonce: d.read()?,
                encrypted_answer: d.read()?,
            })
        }
    }
    impl IntoOwned for ServerDHParamsOk<'_> {
        type Owned = ServerDHParamsOk<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            ServerDHParamsOk {
                nonce: self.nonce,
                server_nonce: self.server_nonce,
                encrypted_answer: IntoOwned::into_owned(self.encrypted_answer),
            }
        }
    }

    /// `dh_gen_ok#3bcbf734 nonce:int128 server_nonce:int128 new_nonce_hash1:int128 = Set_client_DH_params_answer`
    #[derive(Clone, Debug, PartialEq)]
    pub struct DhGenOk {
        /// `nonce:int128`
        pub nonce: [u8; 16],
        /// `server_nonce:int128`
        pub server_nonce: [u8; 16],
        /// `new_nonce_hash1:int128`
        pub new_nonce_hash1: [u8; 16],
    }
    impl Constructor for DhGenOk {
        const ID: ConstructorId = ConstructorId::new(0x3bcb_f734);
        const NAME: &'static str = "dh_gen_ok";
    }
    impl EncodeBare for DhGenOk {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.nonce.encode(out);
            self.server_nonce.encode(out);
            self.new_nonce_hash1.encode(out);
        }
    }
    impl<'a> DecodeBare<'a> for DhGenOk {
        const BARE_LEN_MIN: usize = 48;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                nonce: d.read()?,
                server_nonce: d.read()?,
                new_nonce_hash1: d.read()?,
            })
        }
    }

    /// `dh_gen_retry#46dc1fb9 nonce:int128 server_nonce:int128 new_nonce_hash2:int128 = Set_client_DH_params_answer`
    #[derive(Clone, Debug, PartialEq)]
    pub struct DhGenRetry {
        /// `nonce:int128`
        pub nonce: [u8; 16],
        /// `server_nonce:int128`
        pub server_nonce: [u8; 16],
        /// `new_nonce_hash2:int128`
        pub new_nonce_hash2: [u8; 16],
    }
    impl Constructor for DhGenRetry {
        const ID: ConstructorId = ConstructorId::new(0x46dc_1fb9);
        const NAME: &'static str = "dh_gen_retry";
    }
    impl EncodeBare for DhGenRetry {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.nonce.encode(out);
            self.server_nonce.encode(out);
            self.new_nonce_hash2.encode(out);
        }
    }
    impl<'a> DecodeBare<'a> for DhGenRetry {
        const BARE_LEN_MIN: usize = 48;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                nonce: d.read()?,
                server_nonce: d.read()?,
                new_nonce_hash2: d.read()?,
            })
        }
    }

    /// `dh_gen_fail#a69dae02 nonce:int128 server_nonce:int128 new_nonce_hash3:int128 = Set_client_DH_params_answer`
    #[derive(Clone, Debug, PartialEq)]
    pub struct DhGenFail {
        /// `nonce:int128`
        pub nonce: [u8; 16],
        /// `server_nonce:int128`
        pub server_nonce: [u8; 16],
        /// `new_nonce_hash3:int128`
        pub new_nonce_hash3: [u8; 16],
    }
    impl Constructor for DhGenFail {
        const ID: ConstructorId = ConstructorId::new(0xa69d_ae02);
        const NAME: &'static str = "dh_gen_fail";
    }
    impl EncodeBare for DhGenFail {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.nonce.encode(out);
            self.server_nonce.encode(out);
            self.new_nonce_hash3.encode(out);
        }
    }
    impl<'a> DecodeBare<'a> for DhGenFail {
        const BARE_LEN_MIN: usize = 48;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                nonce: d.read()?,
                server_nonce: d.read()?,
                new_nonce_hash3: d.read()?,
            })
        }
    }

    /// `rpc_answer_dropped#a43ad8b7 msg_id:long seq_no:int bytes:int = RpcDropAnswer`
    #[derive(Clone, Debug, PartialEq)]
    pub struct RpcAnswerDropped {
        /// `msg_id:long`
        pub msg_id: i64,
        /// `seq_no:int`
        pub seq_no: i32,
        /// `bytes:int`
        pub bytes: i32,
    }
    impl Constructor for RpcAnswerDropped {
        const ID: ConstructorId = ConstructorId::new(0xa43a_d8b7);
        const NAME: &'static str = "rpc_answer_dropped";
    }
    impl EncodeBare for RpcAnswerDropped {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.msg_id.encode(out);
            out.put([self.seq_no.to_le_bytes(), self.bytes.to_le_bytes()].as_flattened());
        }
    }
    impl<'a> DecodeBare<'a> for RpcAnswerDropped {
        const BARE_LEN_MIN: usize = 16;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                msg_id: d.read()?,
                seq_no: d.read()?,
                bytes: d.read()?,
            })
        }
    }

    /// `destroy_session_ok#e22045fc session_id:long = DestroySessionRes`
    #[derive(Clone, Debug, PartialEq)]
    pub struct DestroySessionOk {
        /// `session_id:long`
        pub session_id: i64,
    }
    impl Constructor for DestroySessionOk {
        const ID: ConstructorId = ConstructorId::new(0xe220_45fc);
        const NAME: &'static str = "destroy_session_ok";
    }
    impl EncodeBare for DestroySessionOk {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.session_id.encode(out);
        }
    }
    impl<'a> DecodeBare<'a> for DestroySessionOk {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                session_id: d.read()?,
            })
        }
    }

    /// `destroy_session_none#62d350c9 session_id:long = DestroySessionRes`
    #[derive(Clone, Debug, PartialEq)]
    pub struct DestroySessionNone {
        /// `session_id:long`
        pub session_id: i64,
    }
    impl Constructor for DestroySessionNone {
        const ID: ConstructorId = ConstructorId::new(0x62d3_50c9);
        const NAME: &'static str = "destroy_session_none";
    }
    impl EncodeBare for DestroySessionNone {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.session_id.encode(out);
        }
    }
    impl<'a> DecodeBare<'a> for DestroySessionNone {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                session_id: d.read()?,
            })
        }
    }

    /// `bad_msg_notification#a7eff811 bad_msg_id:long bad_msg_seqno:int error_code:int = BadMsgNotification`
    #[derive(Clone, Debug, PartialEq)]
    pub struct BadMsgNotification {
        /// `bad_msg_id:long`
        pub bad_msg_id: i64,
        /// `bad_msg_seqno:int`
        pub bad_msg_seqno: i32,
        /// `error_code:int`
        pub error_code: i32,
    }
    impl Constructor for BadMsgNotification {
        const ID: ConstructorId = ConstructorId::new(0xa7ef_f811);
        const NAME: &'static str = "bad_msg_notification";
    }
    impl EncodeBare for BadMsgNotification {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.bad_msg_id.encode(out);
            out.put([self.bad_msg_seqno.to_le_bytes(), self.error_code.to_le_bytes()].as_flattened());
        }
    }
    impl<'a> DecodeBare<'a> for BadMsgNotification {
        const BARE_LEN_MIN: usize = 16;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                bad_msg_id: d.read()?,
                bad_msg_seqno: d.read()?,
                error_code: d.read()?,
            })
        }
    }

    /// `bad_server_salt#edab447b bad_msg_id:long bad_msg_seqno:int error_code:int new_server_salt:long = BadMsgNotification`
    #[derive(Clone, Debug, PartialEq)]
    pub struct BadServerSalt {
        /// `bad_msg_id:long`
        pub bad_msg_id: i64,
        /// `bad_msg_seqno:int`
        pub bad_msg_seqno: i32,
        /// `error_code:int`
        pub error_code: i32,
        /// `new_server_salt:long`
        pub new_server_salt: i64,
    }
    impl Constructor for BadServerSalt {
        const ID: ConstructorId = ConstructorId::new(0xedab_447b);
        const NAME: &'static str = "bad_server_salt";
    }
    impl EncodeBare for BadServerSalt {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.bad_msg_id.encode(out);
            out.put([self.bad_msg_seqno.to_le_bytes(), self.error_code.to_le_bytes()].as_flattened());
            self.new_server_salt.encode(out);
        }
    }
    impl<'a> DecodeBare<'a> for BadServerSalt {
        const BARE_LEN_MIN: usize = 24;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                bad_msg_id: d.read()?,
                bad_msg_seqno: d.read()?,
                error_code: d.read()?,
                new_server_salt: d.read()?,
            })
        }
    }

    /// `msg_resend_req#7d861a08 msg_ids:Vector<long> = MsgResendReq`
    #[derive(Clone, Debug, PartialEq)]
    pub struct MsgResendReq {
        /// `msg_ids:Vector<long>`
        pub msg_ids: Vec<i64>,
    }
    impl Constructor for MsgResendReq {
        const ID: ConstructorId = ConstructorId::new(0x7d86_1a08);
        const NAME: &'static str = "msg_resend_req";
    }
    impl EncodeBare for MsgResendReq {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.msg_ids.encode(out);
        }
    }
    impl<'a> DecodeBare<'a> for MsgResendReq {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                msg_ids: d.read()?,
            })
        }
    }

    /// `msg_resend_ans_req#8610baeb msg_ids:Vector<long> = MsgResendReq`
    #[derive(Clone, Debug, PartialEq)]
    pub struct MsgResendAnsReq {
        /// `msg_ids:Vector<long>`
        pub msg_ids: Vec<i64>,
    }
    impl Constructor for MsgResendAnsReq {
        const ID: ConstructorId = ConstructorId::new(0x8610_baeb);
        const NAME: &'static str = "msg_resend_ans_req";
    }
    impl EncodeBare for MsgResendAnsReq {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.msg_ids.encode(out);
        }
    }
    impl<'a> DecodeBare<'a> for MsgResendAnsReq {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                msg_ids: d.read()?,
            })
        }
    }

    /// `msg_detailed_info#276d3ec6 msg_id:long answer_msg_id:long bytes:int status:int = MsgDetailedInfo`
    #[derive(Clone, Debug, PartialEq)]
    pub struct MsgDetailedInfo {
        /// `msg_id:long`
        pub msg_id: i64,
        /// `answer_msg_id:long`
        pub answer_msg_id: i64,
        /// `bytes:int`
        pub bytes: i32,
        /// `status:int`
        pub status: i32,
    }
    impl Constructor for MsgDetailedInfo {
        const ID: ConstructorId = ConstructorId::new(0x276d_3ec6);
        const NAME: &'static str = "msg_detailed_info";
    }
    impl EncodeBare for MsgDetailedInfo {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.msg_id.encode(out);
            self.answer_msg_id.encode(out);
            out.put([self.bytes.to_le_bytes(), self.status.to_le_bytes()].as_flattened());
        }
    }
    impl<'a> DecodeBare<'a> for MsgDetailedInfo {
        const BARE_LEN_MIN: usize = 24;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                msg_id: d.read()?,
                answer_msg_id: d.read()?,
                bytes: d.read()?,
                status: d.read()?,
            })
        }
    }

    /// `msg_new_detailed_info#809db6df answer_msg_id:long bytes:int status:int = MsgDetailedInfo`
    #[derive(Clone, Debug, PartialEq)]
    pub struct MsgNewDetailedInfo {
        /// `answer_msg_id:long`
        pub answer_msg_id: i64,
        /// `bytes:int`
        pub bytes: i32,
        /// `status:int`
        pub status: i32,
    }
    impl Constructor for MsgNewDetailedInfo {
        const ID: ConstructorId = ConstructorId::new(0x809d_b6df);
        const NAME: &'static str = "msg_new_detailed_info";
    }
    impl EncodeBare for MsgNewDetailedInfo {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.answer_msg_id.encode(out);
            out.put([self.bytes.to_le_bytes(), self.status.to_le_bytes()].as_flattened());
        }
    }
    impl<'a> DecodeBare<'a> for MsgNewDetailedInfo {
        const BARE_LEN_MIN: usize = 16;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                answer_msg_id: d.read()?,
                bytes: d.read()?,
                status: d.read()?,
            })
        }
    }

    /// `ipPort#d433ad73 ipv4:int port:int = IpPort`
    #[derive(Clone, Debug, PartialEq)]
    pub struct IpPort {
        /// `ipv4:int`
        pub ipv4: i32,
        /// `port:int`
        pub port: i32,
    }
    impl Constructor for IpPort {
        const ID: ConstructorId = ConstructorId::new(0xd433_ad73);
        const NAME: &'static str = "ipPort";
    }
    impl EncodeBare for IpPort {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            out.put([self.ipv4.to_le_bytes(), self.port.to_le_bytes()].as_flattened());
        }
    }
    impl<'a> DecodeBare<'a> for IpPort {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                ipv4: d.read()?,
                port: d.read()?,
            })
        }
    }

    /// `ipPortSecret#37982646 ipv4:int port:int secret:bytes = IpPort`
    #[derive(Clone, Debug, PartialEq)]
    pub struct IpPortSecret<'a> {
        /// `ipv4:int`
        pub ipv4: i32,
        /// `port:int`
        pub port: i32,
        /// `secret:bytes`
        pub secret: Cow<'a, [u8]>,
    }
    impl Constructor for IpPortSecret<'_> {
        const ID: ConstructorId = ConstructorId::new(0x3798_2646);
        const NAME: &'static str = "ipPortSecret";
    }
    impl EncodeBare for IpPortSecret<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            out.put([self.ipv4.to_le_bytes(), self.port.to_le_bytes()].as_flattened());
            self.secret.encode(out);
        }
    }
    impl<'a> DecodeBare<'a> for IpPortSecret<'a> {
        const BARE_LEN_MIN: usize = 12;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                ipv4: d.read()?,
                port: d.read()?,
                secret: d.read()?,
            })
        }
    }
    impl IntoOwned for IpPortSecret<'_> {
        type Owned = IpPortSecret<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            IpPortSecret {
                ipv4: self.ipv4,
                port: self.port,
                secret: IntoOwned::into_owned(self.secret),
            }
        }
    }
}

/// Functions: requests, each with the type of its result.
pub mod functions {
    #![allow(
        dead_code, unreachable_pub, unused_imports, unused_qualifications, clippy::all, clippy::pedantic,
        reason = "a program wrote this, and its user may need a part of it"
    )]
    use super as __root;
    use __root::__prelude::*;

    /// `req_pq#60469778 nonce:int128 = ResPQ`
    #[derive(Clone, Debug, PartialEq)]
    pub struct ReqPq {
        /// `nonce:int128`
        pub nonce: [u8; 16],
    }
    impl Constructor for ReqPq {
        const ID: ConstructorId = ConstructorId::new(0x6046_9778);
        const NAME: &'static str = "req_pq";
    }
    impl EncodeBare for ReqPq {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.nonce.encode(out);
        }
    }
    impl Encode for ReqPq {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for ReqPq {
        const BARE_LEN_MIN: usize = 16;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                nonce: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for ReqPq {
        const LEN_MIN: usize = 20;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Function for ReqPq {
        type Response<'r> = __root::types::ResPQ<'r>;
    }

    /// `req_pq_multi#be7e8ef1 nonce:int128 = ResPQ`
    #[derive(Clone, Debug, PartialEq)]
    pub struct ReqPqMulti {
        /// `nonce:int128`
        pub nonce: [u8; 16],
    }
    impl Constructor for ReqPqMulti {
        const ID: ConstructorId = ConstructorId::new(0xbe7e_8ef1);
        const NAME: &'static str = "req_pq_multi";
    }
    impl EncodeBare for ReqPqMulti {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.nonce.encode(out);
        }
    }
    impl Encode for ReqPqMulti {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for ReqPqMulti {
        const BARE_LEN_MIN: usize = 16;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                nonce: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for ReqPqMulti {
        const LEN_MIN: usize = 20;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Function for ReqPqMulti {
        type Response<'r> = __root::types::ResPQ<'r>;
    }

    /// `req_DH_params#d712e4be nonce:int128 server_nonce:int128 p:bytes q:bytes public_key_fingerprint:long encrypted_data:bytes = Server_DH_Params`
    #[derive(Clone, Debug, PartialEq)]
    pub struct ReqDHParams<'a> {
        /// `nonce:int128`
        pub nonce: [u8; 16],
        /// `server_nonce:int128`
        pub server_nonce: [u8; 16],
        /// `p:bytes`
        pub p: Cow<'a, [u8]>,
        /// `q:bytes`
        pub q: Cow<'a, [u8]>,
        /// `public_key_fingerprint:long`
        pub public_key_fingerprint: i64,
        /// `encrypted_data:bytes`
        pub encrypted_data: Cow<'a, [u8]>,
    }
    impl Constructor for ReqDHParams<'_> {
        const ID: ConstructorId = ConstructorId::new(0xd712_e4be);
        const NAME: &'static str = "req_DH_params";
    }
    impl EncodeBare for ReqDHParams<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.nonce.encode(out);
            self.server_nonce.encode(out);
            self.p.encode(out);
            self.q.encode(out);
            self.public_key_fingerprint.encode(out);
            self.encrypted_data.encode(out);
        }
    }
    impl Encode for ReqDHParams<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for ReqDHParams<'a> {
        const BARE_LEN_MIN: usize = 52;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                nonce: d.read()?,
                server_nonce: d.read()?,
                p: d.read()?,
                q: d.read()?,
                public_key_fingerprint: d.read()?,
                encrypted_data: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for ReqDHParams<'a> {
        const LEN_MIN: usize = 56;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl IntoOwned for ReqDHParams<'_> {
        type Owned = ReqDHParams<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            ReqDHParams {
                nonce: self.nonce,
                server_nonce: self.server_nonce,
                p: IntoOwned::into_owned(self.p),
                q: IntoOwned::into_owned(self.q),
                public_key_fingerprint: self.public_key_fingerprint,
                encrypted_data: IntoOwned::into_owned(self.encrypted_data),
            }
        }
    }
    impl Function for ReqDHParams<'_> {
        type Response<'r> = __root::types::ServerDHParams<'r>;
    }

    /// `set_client_DH_params#f5045f1f nonce:int128 server_nonce:int128 encrypted_data:bytes = Set_client_DH_params_answer`
    #[derive(Clone, Debug, PartialEq)]
    pub struct SetClientDHParams<'a> {
        /// `nonce:int128`
        pub nonce: [u8; 16],
        /// `server_nonce:int128`
        pub server_nonce: [u8; 16],
        /// `encrypted_data:bytes`
        pub encrypted_data: Cow<'a, [u8]>,
    }
    impl Constructor for SetClientDHParams<'_> {
        const ID: ConstructorId = ConstructorId::new(0xf504_5f1f);
        const NAME: &'static str = "set_client_DH_params";
    }
    impl EncodeBare for SetClientDHParams<'_> {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.nonce.encode(out);
            self.server_nonce.encode(out);
            self.encrypted_data.encode(out);
        }
    }
    impl Encode for SetClientDHParams<'_> {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for SetClientDHParams<'a> {
        const BARE_LEN_MIN: usize = 36;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                nonce: d.read()?,
                server_nonce: d.read()?,
                encrypted_data: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for SetClientDHParams<'a> {
        const LEN_MIN: usize = 40;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl IntoOwned for SetClientDHParams<'_> {
        type Owned = SetClientDHParams<'static>;
        #[inline]
        fn into_owned(self) -> Self::Owned {
            SetClientDHParams {
                nonce: self.nonce,
                server_nonce: self.server_nonce,
                encrypted_data: IntoOwned::into_owned(self.encrypted_data),
            }
        }
    }
    impl Function for SetClientDHParams<'_> {
        type Response<'r> = __root::types::SetClientDHParamsAnswer;
    }

    /// `rpc_drop_answer#58e4a740 req_msg_id:long = RpcDropAnswer`
    #[derive(Clone, Debug, PartialEq)]
    pub struct RpcDropAnswer {
        /// `req_msg_id:long`
        pub req_msg_id: i64,
    }
    impl Constructor for RpcDropAnswer {
        const ID: ConstructorId = ConstructorId::new(0x58e4_a740);
        const NAME: &'static str = "rpc_drop_answer";
    }
    impl EncodeBare for RpcDropAnswer {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.req_msg_id.encode(out);
        }
    }
    impl Encode for RpcDropAnswer {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for RpcDropAnswer {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                req_msg_id: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for RpcDropAnswer {
        const LEN_MIN: usize = 12;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Function for RpcDropAnswer {
        type Response<'r> = __root::types::RpcDropAnswer;
    }

    /// `get_future_salts#b921bd04 num:int = FutureSalts`
    #[derive(Clone, Debug, PartialEq)]
    pub struct GetFutureSalts {
        /// `num:int`
        pub num: i32,
    }
    impl Constructor for GetFutureSalts {
        const ID: ConstructorId = ConstructorId::new(0xb921_bd04);
        const NAME: &'static str = "get_future_salts";
    }
    impl EncodeBare for GetFutureSalts {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            out.put(&self.num.to_le_bytes());
        }
    }
    impl Encode for GetFutureSalts {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for GetFutureSalts {
        const BARE_LEN_MIN: usize = 4;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                num: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for GetFutureSalts {
        const LEN_MIN: usize = 8;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Function for GetFutureSalts {
        type Response<'r> = __root::types::FutureSalts;
    }

    /// `ping#7abe77ec ping_id:long = Pong`
    #[derive(Clone, Debug, PartialEq)]
    pub struct Ping {
        /// `ping_id:long`
        pub ping_id: i64,
    }
    impl Constructor for Ping {
        const ID: ConstructorId = ConstructorId::new(0x7abe_77ec);
        const NAME: &'static str = "ping";
    }
    impl EncodeBare for Ping {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.ping_id.encode(out);
        }
    }
    impl Encode for Ping {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for Ping {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                ping_id: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for Ping {
        const LEN_MIN: usize = 12;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Function for Ping {
        type Response<'r> = __root::types::Pong;
    }

    /// `ping_delay_disconnect#f3427b8c ping_id:long disconnect_delay:int = Pong`
    #[derive(Clone, Debug, PartialEq)]
    pub struct PingDelayDisconnect {
        /// `ping_id:long`
        pub ping_id: i64,
        /// `disconnect_delay:int`
        pub disconnect_delay: i32,
    }
    impl Constructor for PingDelayDisconnect {
        const ID: ConstructorId = ConstructorId::new(0xf342_7b8c);
        const NAME: &'static str = "ping_delay_disconnect";
    }
    impl EncodeBare for PingDelayDisconnect {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.ping_id.encode(out);
            out.put(&self.disconnect_delay.to_le_bytes());
        }
    }
    impl Encode for PingDelayDisconnect {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for PingDelayDisconnect {
        const BARE_LEN_MIN: usize = 12;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                ping_id: d.read()?,
                disconnect_delay: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for PingDelayDisconnect {
        const LEN_MIN: usize = 16;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Function for PingDelayDisconnect {
        type Response<'r> = __root::types::Pong;
    }

    /// `destroy_session#e7512126 session_id:long = DestroySessionRes`
    #[derive(Clone, Debug, PartialEq)]
    pub struct DestroySession {
        /// `session_id:long`
        pub session_id: i64,
    }
    impl Constructor for DestroySession {
        const ID: ConstructorId = ConstructorId::new(0xe751_2126);
        const NAME: &'static str = "destroy_session";
    }
    impl EncodeBare for DestroySession {
        fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
            self.session_id.encode(out);
        }
    }
    impl Encode for DestroySession {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for DestroySession {
        const BARE_LEN_MIN: usize = 8;
        #[inline]
        fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self {
                session_id: d.read()?,
            })
        }
    }
    impl<'a> Decode<'a> for DestroySession {
        const LEN_MIN: usize = 12;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Function for DestroySession {
        type Response<'r> = __root::types::DestroySessionRes;
    }

    /// `destroy_auth_key#d1435160 = DestroyAuthKeyRes`
    #[derive(Clone, Debug, PartialEq)]
    pub struct DestroyAuthKey;
    impl Constructor for DestroyAuthKey {
        const ID: ConstructorId = ConstructorId::new(0xd143_5160);
        const NAME: &'static str = "destroy_auth_key";
    }
    impl EncodeBare for DestroyAuthKey {
        fn encode_bare<O: Output + ?Sized>(&self, _: &mut O) {
        }
    }
    impl Encode for DestroyAuthKey {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
    }
    impl<'a> DecodeBare<'a> for DestroyAuthKey {
        #[inline]
        fn decode_bare(_: &mut Decoder<'a>) -> Result<Self, DecodeError> {
            Ok(Self)
        }
    }
    impl<'a> Decode<'a> for DestroyAuthKey {
        const LEN_MIN: usize = 4;
        #[inline]
        fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
    }
    impl Function for DestroyAuthKey {
        type Response<'r> = __root::types::DestroyAuthKeyRes;
    }

    /// The namespace `auth`.
    pub mod auth {
        use super::__root;
        use __root::__prelude::*;

        /// `auth.bindTempAuthKey#cdd42a05 perm_auth_key_id:long nonce:long expires_at:int encrypted_message:bytes = Bool`
        #[derive(Clone, Debug, PartialEq)]
        pub struct BindTempAuthKey<'a> {
            /// `perm_auth_key_id:long`
            pub perm_auth_key_id: i64,
            /// `nonce:long`
            pub nonce: i64,
            /// `expires_at:int`
            pub expires_at: i32,
            /// `encrypted_message:bytes`
            pub encrypted_message: Cow<'a, [u8]>,
        }
        impl Constructor for BindTempAuthKey<'_> {
            const ID: ConstructorId = ConstructorId::new(0xcdd4_2a05);
            const NAME: &'static str = "auth.bindTempAuthKey";
        }
        impl EncodeBare for BindTempAuthKey<'_> {
            fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
                self.perm_auth_key_id.encode(out);
                self.nonce.encode(out);
                out.put(&self.expires_at.to_le_bytes());
                self.encrypted_message.encode(out);
            }
        }
        impl Encode for BindTempAuthKey<'_> {
            fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
        }
        impl<'a> DecodeBare<'a> for BindTempAuthKey<'a> {
            const BARE_LEN_MIN: usize = 24;
            #[inline]
            fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                Ok(Self {
                    perm_auth_key_id: d.read()?,
                    nonce: d.read()?,
                    expires_at: d.read()?,
                    encrypted_message: d.read()?,
                })
            }
        }
        impl<'a> Decode<'a> for BindTempAuthKey<'a> {
            const LEN_MIN: usize = 28;
            #[inline]
            fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
        }
        impl IntoOwned for BindTempAuthKey<'_> {
            type Owned = BindTempAuthKey<'static>;
            #[inline]
            fn into_owned(self) -> Self::Owned {
                BindTempAuthKey {
                    perm_auth_key_id: self.perm_auth_key_id,
                    nonce: self.nonce,
                    expires_at: self.expires_at,
                    encrypted_message: IntoOwned::into_owned(self.encrypted_message),
                }
            }
        }
        impl Function for BindTempAuthKey<'_> {
            type Response<'r> = bool;
        }

        /// `auth.dropTempAuthKeys#8e48a188 except_auth_keys:Vector<long> = Bool`
        #[derive(Clone, Debug, PartialEq)]
        pub struct DropTempAuthKeys {
            /// `except_auth_keys:Vector<long>`
            pub except_auth_keys: Vec<i64>,
        }
        impl Constructor for DropTempAuthKeys {
            const ID: ConstructorId = ConstructorId::new(0x8e48_a188);
            const NAME: &'static str = "auth.dropTempAuthKeys";
        }
        impl EncodeBare for DropTempAuthKeys {
            fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
                self.except_auth_keys.encode(out);
            }
        }
        impl Encode for DropTempAuthKeys {
            fn encode<O: Output + ?Sized>(&self, out: &mut O) { self.encode_boxed(out); }
        }
        impl<'a> DecodeBare<'a> for DropTempAuthKeys {
            const BARE_LEN_MIN: usize = 8;
            #[inline]
            fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                Ok(Self {
                    except_auth_keys: d.read()?,
                })
            }
        }
        impl<'a> Decode<'a> for DropTempAuthKeys {
            const LEN_MIN: usize = 12;
            #[inline]
            fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> { d.boxed() }
        }
        impl Function for DropTempAuthKeys {
            type Response<'r> = bool;
        }
    }
}

