//! A minimal TL encoder and decoder for the objects of the exchange.
//!
//! The crate under test has no TL, but these tests reproduce whole packets. The code follows the
//! tables of the specification.

pub(crate) struct Run {
    pub(crate) nonce: [u8; 16],
    pub(crate) server_nonce: [u8; 16],
    pub(crate) new_nonce: [u8; 32],
}

impl Run {
    fn object(&self, id: u32, fields: &[&[u8]]) -> Vec<u8> {
        [&[&id.to_le_bytes()[..], &self.nonce, &self.server_nonce], fields].concat().concat()
    }

    pub(crate) fn req_pq_multi(&self) -> Vec<u8> {
        [&0xbe7e_8ef1_u32.to_le_bytes()[..], &self.nonce].concat()
    }

    pub(crate) fn res_pq(&self, pq: &[u8], fingerprints: &[u64]) -> Vec<u8> {
        let count = u32::try_from(fingerprints.len()).unwrap().to_le_bytes();
        let list = fingerprints.iter().flat_map(|one| one.to_le_bytes()).collect::<Vec<_>>();
        let vector = 0x1cb5_c415_u32.to_le_bytes();
        self.object(0x0516_2463, &[&string(pq), &vector, &count, &list])
    }

    /// Selects the constructor by the fields that are present.
    pub(crate) fn inner_data(
        &self,
        [pq, p, q]: [&[u8]; 3],
        dc: Option<i32>,
        expires_in: Option<i32>,
    ) -> Vec<u8> {
        let id: u32 = match (dc, expires_in) {
            (None, None) => 0x83c9_5aec,
            (Some(_), None) => 0xa9f5_5f95,
            (None, Some(_)) => 0x3c6a_84d4,
            (Some(_), Some(_)) => 0x56fd_df88,
        };
        let mut object = [&id.to_le_bytes()[..], &string(pq), &string(p), &string(q)].concat();
        object.extend([&self.nonce[..], &self.server_nonce, &self.new_nonce].concat());
        object.extend(dc.into_iter().chain(expires_in).flat_map(i32::to_le_bytes));
        object
    }

    pub(crate) fn req_dh_params(
        &self,
        [p, q]: [&[u8]; 2],
        fingerprint: u64,
        encrypted: &[u8],
    ) -> Vec<u8> {
        let fingerprint = fingerprint.to_le_bytes();
        self.object(0xd712_e4be, &[&string(p), &string(q), &fingerprint, &string(encrypted)])
    }

    pub(crate) fn server_dh_params_ok(&self, encrypted_answer: &[u8]) -> Vec<u8> {
        self.object(0xd0e8_075c, &[&string(encrypted_answer)])
    }

    pub(crate) fn server_dh_inner_data(
        &self,
        g: i32,
        [prime, g_a]: [&[u8]; 2],
        server_time: i32,
    ) -> Vec<u8> {
        let (g, time) = (g.to_le_bytes(), server_time.to_le_bytes());
        self.object(0xb589_0dba, &[&g, &string(prime), &string(g_a), &time])
    }

    pub(crate) fn client_dh_inner_data(&self, retry_id: [u8; 8], g_b: &[u8]) -> Vec<u8> {
        self.object(0x6643_b654, &[&retry_id, &string(g_b)])
    }

    pub(crate) fn set_client_dh_params(&self, encrypted: &[u8]) -> Vec<u8> {
        self.object(0xf504_5f1f, &[&string(encrypted)])
    }

    pub(crate) fn dh_gen(&self, id: u32, hash: &[u8; 16]) -> Vec<u8> {
        self.object(id, &[hash])
    }
}

/// Returns an object as an unencrypted message.
pub(crate) fn packet(msg_id: u64, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&[0; 8][..], &msg_id.to_le_bytes(), &len, body].concat()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let mut string = match u8::try_from(bytes.len()) {
        Ok(len @ ..254) => vec![len],
        _ => [&[0xfe], &u32::try_from(bytes.len()).unwrap().to_le_bytes()[..3]].concat(),
    };
    string.extend_from_slice(bytes);
    string.resize(string.len().next_multiple_of(4), 0);
    string
}

/// Reads consecutive fields.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let (bytes, rest) = self.0.split_first_chunk().unwrap();
        self.0 = rest;
        *bytes
    }

    pub(crate) fn int(&mut self) -> i32 {
        i32::from_le_bytes(self.bytes())
    }

    pub(crate) fn string(&mut self) -> &'a [u8] {
        let (header, len) = match self.0 {
            [0xfe, a, b, c, ..] => (4, u32::from_le_bytes([*a, *b, *c, 0]) as usize),
            [len, ..] => (1, usize::from(*len)),
            [] => panic!("no string"),
        };
        let string = &self.0[header..header + len];
        self.0 = &self.0[(header + len).next_multiple_of(4)..];
        string
    }
}
