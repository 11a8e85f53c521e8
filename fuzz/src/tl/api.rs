//! The generated API compared with the dynamic codec.

use mtp_api::REGISTRY;
use mtp_schema::model::Ty;
use mtp_tl::registry::Kind;
use mtp_tl::{DecodeErrorKind, Decoder};

use crate::schema::REFUSING;

/// Decodes any object or call with its generated type: bytes → value → bytes → value agree, and both codecs
/// accept the same bytes.
///
/// Input: the bytes.
pub fn api_values(data: &[u8]) {
    let Some(entry) = Decoder::new(data).peek_id().and_then(|id| REGISTRY.find(id)) else { return };
    let mut d = Decoder::new(data);
    let mut canonical = Vec::new();
    let typed = entry.transcode(&mut d, &mut canonical).and_then(|()| d.finish());
    let is_call = entry.kind == Kind::Function;
    let ty = if is_call { Ty::Call } else { Ty::Object };
    let dynamic = REFUSING.decode(&ty, data);
    match (typed, dynamic) {
        (Ok(()), dynamic) => {
            let mut d = Decoder::new(&canonical);
            let mut again = Vec::new();
            let read = entry.transcode(&mut d, &mut again).and_then(|()| d.finish());
            assert_eq!((read, &again), (Ok(()), &canonical));
            // A nested call is raw bytes for the generated type and a value for the dynamic codec.
            if let Ok(dynamic) = dynamic {
                let written =
                    REFUSING.encode(&ty, &dynamic.value).expect("the decoded value can be encoded");
                assert!(written == canonical || is_call, "{}", dynamic.value);
            }
        }
        (Err(error), dynamic) => {
            assert!(error.offset() <= data.len());
            let limit = matches!(
                error.kind(),
                DecodeErrorKind::RecursionLimit { .. }
                    | DecodeErrorKind::ElementsLimit { .. }
                    | DecodeErrorKind::BytesLimit { .. }
            );
            // Only the dynamic codec unpacks packed objects.
            let packed = data.windows(4).any(|id| id == 0x3072_cfa1_u32.to_le_bytes());
            assert!(limit || packed || dynamic.is_err(), "{error}, but {dynamic:?}");
        }
    }
}
