//! Encoding to a fixed buffer, and computing the length in advance.
//!
//! All outputs must give the same bytes, and a short buffer must give an error with the required length. The tests encode
//! values of every shape into buffers of every length around theirs.

use mtp_tl::{BareVec, VECTOR};
use mtp_tl::{Encode, EncodeError, Output, Rest, TlStr};

/// A value with strings, numbers, vectors, and absent and boxed values.
struct Everything {
    text: Vec<u8>,
}

impl Encode for Everything {
    fn encode<O: Output + ?Sized>(&self, mut out: &mut O) {
        VECTOR.encode(out);
        TlStr::from_bytes(&self.text).encode(out);
        vec![1_i32, 2, 3].encode(out);
        BareVec(vec![TlStr::from("a"), TlStr::from("bcd")]).encode(out);
        Some(Box::new(7_i64)).encode(out);
        None::<i32>.encode(out);
        // A reference to an output is an output.
        (&&1.5_f64).encode(&mut out);
        Rest::from(&b"tail"[..]).encode(&mut out);
        out.put_string(&self.text);
        out.put_count(9);
    }
}

// spec: tl 6.1
#[test]
fn buffers_and_vectors_receive_the_same_bytes_and_short_buffers_are_rejected() {
    for len in [0, 1, 2, 3, 4, 5, 252, 253, 254, 255, 256, 257, 700] {
        let value = Everything { text: vec![0xc3; len] };
        let bytes = value.to_bytes();
        assert_eq!(value.encoded_len(), bytes.len(), "{len}");
        assert_eq!(value.checked_len(), Ok(bytes.len()), "{len}");
        for room in [bytes.len(), bytes.len() + 1, bytes.len() + 300] {
            let mut buffer = vec![0xee; room];
            assert_eq!(value.encode_into(&mut buffer), Ok(bytes.len()), "{len} in {room}");
            let (written, rest) = buffer.split_at(bytes.len());
            assert_eq!(written, bytes);
            assert!(rest.iter().all(|byte| *byte == 0xee), "bytes after the value are unchanged");
        }
        for have in 0..bytes.len() {
            let mut buffer = vec![0; have];
            let small = EncodeError::BufferTooSmall { needed: bytes.len(), have };
            assert_eq!(value.encode_into(&mut buffer), Err(small), "{len} in {have}");
        }
    }
}

// spec: tl 6.1
#[test]
fn checked_len_rejects_values_that_peers_cannot_decode() {
    struct Count(usize);
    impl Encode for Count {
        fn encode<O: Output + ?Sized>(&self, out: &mut O) {
            out.put_count(self.0);
        }
    }
    let most = usize::try_from(i32::MAX).unwrap();
    assert_eq!(Count(most).checked_len(), Ok(4));
    let many = EncodeError::VectorTooLong { len: most + 1 };
    assert_eq!(Count(most + 1).checked_len(), Err(many));
    let longest = (1 << 24) - 1;
    assert_eq!(TlStr::from_bytes(&vec![0; longest]).checked_len(), Ok(4 + longest + 1));
    let long = EncodeError::StringTooLong { len: longest + 1 };
    assert_eq!(TlStr::from_bytes(&vec![0; longest + 1]).checked_len(), Err(long));
}
