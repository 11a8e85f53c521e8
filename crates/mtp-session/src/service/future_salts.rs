//! Future salts.

use alloc::vec::Vec;

use mtp_crypto::MsgId;
use mtp_tl::{
    Constructor, ConstructorId, DecodeBare, DecodeError, DecodeErrorKind, Decoder, Encode,
    EncodeBare, Output,
};

use super::field::Field;
use super::messages::FutureSalt;

/// Answer to `get_future_salts`: a bare vector of bare salts, not inside `rpc_result`.
///
/// `future_salts`
// spec: session 6.2
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the protocol's layout is fixed")]
pub struct FutureSalts {
    /// Message id of the request; never a container's.
    pub req_msg_id: MsgId,
    /// Server time in Unix seconds.
    pub now: u32,
    /// Salts, ordered by time.
    pub salts: Vec<FutureSalt>,
}

impl Constructor for FutureSalts {
    const ID: ConstructorId = ConstructorId::new(0xae50_0895);
    const NAME: &'static str = "future_salts";
}

impl EncodeBare for FutureSalts {
    fn encode_bare<O: Output + ?Sized>(&self, out: &mut O) {
        self.req_msg_id.write(out);
        self.now.write(out);
        out.put_count(self.salts.len());
        for salt in &self.salts {
            salt.valid_since.write(out);
            salt.valid_until.write(out);
            salt.salt.write(out);
        }
    }
}

impl Encode for FutureSalts {
    fn encode<O: Output + ?Sized>(&self, out: &mut O) {
        self.encode_boxed(out);
    }
}

impl<'a> DecodeBare<'a> for FutureSalts {
    fn decode_bare(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let req_msg_id = MsgId::read(d)?;
        let now = u32::read(d)?;
        let count = d.count(SALT_LEN)?;
        if count > SALTS_MAX {
            return Err(d.error(DecodeErrorKind::ElementsLimit { max: SALTS_MAX }));
        }
        let mut salts = Vec::with_capacity(count);
        for _ in 0..count {
            salts.push(FutureSalt {
                valid_since: u32::read(d)?,
                valid_until: u32::read(d)?,
                salt: Field::read(d)?,
            });
        }
        Ok(Self { req_msg_id, now, salts })
    }
}

/// Length of a bare salt.
const SALT_LEN: usize = 16;
/// Maximum number of salts. Servers send at most 64; the rest is margin.
const SALTS_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use mtp_crypto::Salt;

    use super::*;

    #[test]
    fn salts_of_a_message_are_limited() {
        let salt = FutureSalt { valid_since: 1, valid_until: 2, salt: Salt::from_raw(3) };
        for (count, is_accepted) in
            [(SALTS_MAX - 1, true), (SALTS_MAX, true), (SALTS_MAX + 1, false)]
        {
            let message =
                FutureSalts { req_msg_id: MsgId::from_raw(4), now: 5, salts: vec![salt; count] };
            let mut body = vec![];
            message.encode_bare(&mut body);
            let decoded = FutureSalts::decode_bare(&mut Decoder::new(&body));
            assert_eq!(decoded.is_ok_and(|decoded| decoded == message), is_accepted, "{count}");
        }
    }
}
