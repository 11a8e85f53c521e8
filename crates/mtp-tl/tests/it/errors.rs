//! Errors return their source instead of printing it, so that a report shows each cause once.

use core::error::Error;

use mtp_tl::{
    Budget, CallError, ConstructorId, Decode, DecodeError, DecodeErrorKind, Decoder, Encode,
    EncodeError, TlStr, True, VECTOR,
};

#[track_caller]
fn check<E: Error>(error: &E, expected: &str) {
    assert_eq!(error.to_string(), expected);
    assert!(error.source().is_none(), "{error}");
}

#[test]
fn decode_errors_print_kind_offset_and_constructor() {
    let fail = |bytes: &[u8], budget| -> DecodeError {
        let mut d = Decoder::with_budget(bytes, budget);
        d.read::<Vec<i32>>().unwrap_err()
    };
    let two = vec![1, 2].to_bytes();
    check(
        &fail(&two[..6], Budget::DEFAULT),
        "unexpected end of input: 4 bytes needed, 2 left at byte 4",
    );
    let error = True::from_bytes(&VECTOR.to_bytes()).unwrap_err();
    check(&error, "unexpected constructor #1cb5c415, expected True at byte 0");
    let negative = [VECTOR.to_bytes(), (-1).to_bytes()].concat();
    check(&fail(&negative, Budget::DEFAULT), "invalid vector count -1 at byte 4");
    check(&fail(&two, Budget::DEFAULT.with_elements_max(1)), "more than 1 vector items at byte 8");
    check(
        &fail(&two, Budget::DEFAULT.with_bytes_max(7)),
        "value needs more than 7 bytes of heap at byte 8",
    );
    let error = i32::from_bytes(&[0; 9]).unwrap_err();
    check(&error, "5 trailing bytes after the value at byte 4");
    let error = Decoder::new(&[1, 1, 1, 1]).canonical().read::<TlStr<'_>>().unwrap_err();
    check(&error, "string is not in canonical form at byte 0");
    let mut d = Decoder::new(&[]);
    let error = d.error(DecodeErrorKind::RecursionLimit { max: 8 });
    check(&error, "nested deeper than 8 constructors at byte 0");
    let error = d.error(DecodeErrorKind::UnknownConstructor { id: ConstructorId::new(7) });
    check(&error, "unknown constructor #00000007 at byte 0");
}

#[test]
fn call_errors_return_the_error_of_the_arguments_as_source() {
    check(&CallError::UnknownFunction { id: ConstructorId::new(7) }, "unknown function #00000007");
    let inner = i32::from_bytes(&[]).unwrap_err();
    let error = CallError::from(inner);
    assert_eq!(error.to_string(), "invalid arguments of a call");
    assert_eq!(error.source().map(ToString::to_string), Some(inner.to_string()));
}

#[test]
fn encode_errors_print_their_numbers() {
    let error = EncodeError::BufferTooSmall { needed: 12, have: 8 };
    check(&error, "buffer too small: 12 bytes needed, 8 available");
    check(&EncodeError::StringTooLong { len: 16_777_216 }, "string of 16777216 bytes is too long");
    let error = EncodeError::VectorTooLong { len: 2_147_483_648 };
    check(&error, "vector of 2147483648 items is too long");
}
