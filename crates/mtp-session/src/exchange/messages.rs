//! TL objects of the key exchange. Nonces are raw bytes, as on the wire.

use alloc::vec::Vec;

use mtp_crypto::DcId;
use mtp_crypto::exchange::DhGenAnswer;
use mtp_tl::{
    Constructor as _, ConstructorId, DecodeError, Decoder, Encode as _, tl_enum, tl_struct,
};
use zeroize::Zeroizing;

use super::KeyRequest;

// spec: crypto 8.1
tl_struct! {
    /// First query of old clients.
    pub(crate) struct ReqPq = "req_pq" # 0x6046_9778 {
        pub nonce: [u8; 16],
    }
}
tl_struct! {
    /// First query.
    pub(crate) struct ReqPqMulti = "req_pq_multi" # 0xbe7e_8ef1 {
        pub nonce: [u8; 16],
    }
}
tl_struct! {
    /// Answer to the first query.
    pub(crate) struct ResPq<'a> = "resPQ" # 0x0516_2463 {
        pub nonce: [u8; 16],
        pub server_nonce: [u8; 16],
        pub pq: &'a [u8],
        pub fingerprints: Vec<i64>,
    }
}
tl_struct! {
    /// Factors of `pq` and the inner data, encrypted for the server's key.
    pub(crate) struct ReqDhParams<'a> = "req_DH_params" # 0xd712_e4be {
        pub nonce: [u8; 16],
        pub server_nonce: [u8; 16],
        pub p: &'a [u8],
        pub q: &'a [u8],
        pub fingerprint: i64,
        pub encrypted_data: &'a [u8],
    }
}
tl_struct! {
    /// Encrypted [`ServerDhInnerData`].
    pub(crate) struct DhParamsOk<'a> = "server_DH_params_ok" # 0xd0e8_075c {
        pub nonce: [u8; 16],
        pub server_nonce: [u8; 16],
        pub encrypted_answer: &'a [u8],
    }
}
tl_struct! {
    /// Refusal; current servers do not send it.
    pub(crate) struct DhParamsFail = "server_DH_params_fail" # 0x79cb_045d {
        pub nonce: [u8; 16],
        pub server_nonce: [u8; 16],
        pub hash: [u8; 16],
    }
}
tl_struct! {
    /// The server's half of the Diffie-Hellman agreement.
    pub(crate) struct ServerDhInnerData<'a> = "server_DH_inner_data" # 0xb589_0dba {
        pub nonce: [u8; 16],
        pub server_nonce: [u8; 16],
        pub g: i32,
        pub dh_prime: &'a [u8],
        pub g_a: &'a [u8],
        /// Unix time in seconds; unsigned, hence valid beyond 2038.
        pub server_time: u32,
    }
}
tl_struct! {
    /// The client's half of the Diffie-Hellman agreement.
    pub(crate) struct ClientDhInnerData<'a> = "client_DH_inner_data" # 0x6643_b654 {
        pub nonce: [u8; 16],
        pub server_nonce: [u8; 16],
        pub retry_id: i64,
        pub g_b: &'a [u8],
    }
}
tl_struct! {
    /// Encrypted [`ClientDhInnerData`].
    pub(crate) struct SetClientDhParams<'a> = "set_client_DH_params" # 0xf504_5f1f {
        pub nonce: [u8; 16],
        pub server_nonce: [u8; 16],
        pub encrypted_data: &'a [u8],
    }
}
tl_struct! {
    /// The key is accepted.
    pub(crate) struct DhGenOk = "dh_gen_ok" # 0x3bcb_f734 {
        pub nonce: [u8; 16],
        pub server_nonce: [u8; 16],
        pub hash: [u8; 16],
    }
}
tl_struct! {
    /// The key's id is taken; the client retries.
    pub(crate) struct DhGenRetry = "dh_gen_retry" # 0x46dc_1fb9 {
        pub nonce: [u8; 16],
        pub server_nonce: [u8; 16],
        pub hash: [u8; 16],
    }
}
tl_struct! {
    /// The key is refused.
    pub(crate) struct DhGenFail = "dh_gen_fail" # 0xa69d_ae02 {
        pub nonce: [u8; 16],
        pub server_nonce: [u8; 16],
        pub hash: [u8; 16],
    }
}
tl_enum! {
    /// Plain messages from a client.
    pub(crate) enum Query<'a> = "a query of the key exchange" {
        ReqPq(ReqPq),
        ReqPqMulti(ReqPqMulti),
        ReqDhParams(ReqDhParams<'a>),
        SetClientDhParams(SetClientDhParams<'a>),
    }
}
tl_enum! {
    /// Plain messages from a server.
    pub(crate) enum Answer<'a> = "an answer of the key exchange" {
        ResPq(ResPq<'a>),
        DhParamsOk(DhParamsOk<'a>),
        DhParamsFail(DhParamsFail),
        DhGenOk(DhGenOk),
        DhGenRetry(DhGenRetry),
        DhGenFail(DhGenFail),
    }
}

/// Acknowledgments that some clients send after each answer; servers ignore them.
// spec: crypto 7
pub(crate) const MSGS_ACK: ConstructorId = ConstructorId::new(0x62d6_b459);

impl<'a> Query<'a> {
    /// Reads a query and returns it with the bytes of its object.
    ///
    /// Trailing bytes are ignored: TDLib appends up to 255 random bytes to each plain message, within its length. A
    /// repeated query may have other trailing bytes, so repetitions are detected by the object alone.
    // spec: crypto 7
    pub(crate) fn parse(body: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let mut decoder = Decoder::new(body);
        let query = decoder.read()?;
        Ok((query, body.get(..decoder.offset()).unwrap_or(body)))
    }
}

impl<'a> Answer<'a> {
    /// Reads an answer. Trailing bytes are ignored: servers append random ones.
    // spec: crypto 7
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, DecodeError> {
        Decoder::new(body).read()
    }

    pub(crate) const fn id(&self) -> ConstructorId {
        match self {
            Self::ResPq(_) => ResPq::ID,
            Self::DhParamsOk(_) => DhParamsOk::ID,
            Self::DhParamsFail(_) => DhParamsFail::ID,
            Self::DhGenOk(_) => DhGenOk::ID,
            Self::DhGenRetry(_) => DhGenRetry::ID,
            Self::DhGenFail(_) => DhGenFail::ID,
        }
    }

    /// Returns any of the three final answers in one form.
    pub(crate) const fn as_dh_gen(&self) -> Option<DhGen> {
        let (outcome, nonce, server_nonce, hash) = match self {
            Self::DhGenOk(msg) => (DhGenAnswer::Ok, msg.nonce, msg.server_nonce, msg.hash),
            Self::DhGenRetry(msg) => (DhGenAnswer::Retry, msg.nonce, msg.server_nonce, msg.hash),
            Self::DhGenFail(msg) => (DhGenAnswer::Fail, msg.nonce, msg.server_nonce, msg.hash),
            _ => return None,
        };
        Some(DhGen { outcome, nonce, server_nonce, hash })
    }
}

/// Final answer of the server.
pub(crate) struct DhGen {
    pub(crate) outcome: DhGenAnswer,
    pub(crate) nonce: [u8; 16],
    pub(crate) server_nonce: [u8; 16],
    pub(crate) hash: [u8; 16],
}

impl DhGen {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let Self { nonce, server_nonce, hash, .. } = *self;
        match self.outcome {
            DhGenAnswer::Ok => DhGenOk { nonce, server_nonce, hash }.to_bytes(),
            DhGenAnswer::Retry => DhGenRetry { nonce, server_nonce, hash }.to_bytes(),
            DhGenAnswer::Fail => DhGenFail { nonce, server_nonce, hash }.to_bytes(),
        }
    }
}

/// Inner data that the client encrypts for the server's key; four constructors that differ in their last fields.
///
/// Hand-written, so that the secret in it is neither printed nor copied by accident.
pub(crate) struct PqInnerData<'a> {
    pub(crate) pq: &'a [u8],
    pub(crate) p: &'a [u8],
    pub(crate) q: &'a [u8],
    pub(crate) nonce: [u8; 16],
    pub(crate) server_nonce: [u8; 16],
    pub(crate) new_nonce: &'a [u8; 32],
    /// Absent from old clients.
    pub(crate) dc: Option<DcId>,
    pub(crate) request: KeyRequest,
}

impl<'a> PqInnerData<'a> {
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let id = match (self.dc, self.request) {
            (None, KeyRequest::Permanent) => P_Q_INNER_DATA,
            (Some(_), KeyRequest::Permanent) => P_Q_INNER_DATA_DC,
            (None, KeyRequest::Temporary { .. }) => P_Q_INNER_DATA_TEMP,
            (Some(_), KeyRequest::Temporary { .. }) => P_Q_INNER_DATA_TEMP_DC,
        };
        let mut out = Zeroizing::new(Vec::with_capacity(INNER_DATA_LEN_MAX));
        let to: &mut Vec<u8> = &mut out;
        id.encode(to);
        for number in [self.pq, self.p, self.q] {
            number.encode(to);
        }
        self.nonce.encode(to);
        self.server_nonce.encode(to);
        self.new_nonce.encode(to);
        if let Some(dc) = self.dc {
            dc.as_i32().encode(to);
        }
        if let KeyRequest::Temporary { expires_in_s } = self.request {
            expires_in_s.encode(to);
        }
        out
    }

    /// Reads an object. Trailing bytes are ignored: random padding up to 192 bytes (235 before 2021).
    // spec: crypto 8.4
    pub(crate) fn parse(data: &'a [u8]) -> Result<Self, DecodeError> {
        let mut d = Decoder::new(data);
        let id = d.id()?;
        let (has_dc, is_temporary) = match id {
            P_Q_INNER_DATA => (false, false),
            P_Q_INNER_DATA_DC => (true, false),
            P_Q_INNER_DATA_TEMP => (false, true),
            P_Q_INNER_DATA_TEMP_DC => (true, true),
            _ => return Err(d.unexpected(id, "P_Q_inner_data")),
        };
        let (pq, p, q) = (d.string()?, d.string()?, d.string()?);
        let (nonce, server_nonce, new_nonce) = (d.read()?, d.read()?, d.array()?);
        let dc = if has_dc { Some(DcId::new(d.read()?)) } else { None };
        let request = if is_temporary {
            KeyRequest::Temporary { expires_in_s: d.read()? }
        } else {
            KeyRequest::Permanent
        };
        Ok(Self { pq, p, q, nonce, server_nonce, new_nonce, dc, request })
    }
}

const P_Q_INNER_DATA: ConstructorId = ConstructorId::new(0x83c9_5aec);
const P_Q_INNER_DATA_DC: ConstructorId = ConstructorId::new(0xa9f5_5f95);
const P_Q_INNER_DATA_TEMP: ConstructorId = ConstructorId::new(0x3c6a_84d4);
const P_Q_INNER_DATA_TEMP_DC: ConstructorId = ConstructorId::new(0x56fd_df88);

/// Capacity that is never exceeded (104 bytes suffice for numbers of 8 and 4 bytes), so that a growing vector leaves no
/// copy of the secret behind.
const INNER_DATA_LEN_MAX: usize = 144;
