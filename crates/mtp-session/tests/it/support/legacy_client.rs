//! Packets of a client from before 2021: `req_pq`, and `p_q_inner_data` without a data center under plain RSA.

use mtp_crypto::CtrEntropy;
use mtp_crypto::exchange::{ShortNumber, factor};
use mtp_tl::Encode as _;

use super::{public_keys, unhex, vectors};

pub fn first_query() -> Vec<u8> {
    plain(&[unhex("78974660"), vec![5; 16]].concat())
}

/// Builds `req_DH_params` in answer to a `resPQ` packet.
pub fn second_query(res_pq: &[u8]) -> Vec<u8> {
    let server_nonce = &res_pq[40..56];
    let pq = &res_pq[57..65];
    let factors = factor(ShortNumber::read(pq).unwrap()).unwrap();
    let [p, q] =
        [factors.p(), factors.q()].map(|prime| ShortNumber::new(prime).as_bytes().to_bytes());
    let nonces = [vec![5; 16], server_nonce.to_vec()].concat();
    let inner =
        [unhex("ec5ac983"), pq.to_bytes(), p.clone(), q.clone(), nonces.clone(), vec![9; 32]]
            .concat();
    let key = &public_keys(&vectors("crypto"))[0];
    let encrypted = key.legacy_encrypt(&inner, &mut CtrEntropy::from_number(2)).unwrap();
    let fingerprint = key.fingerprint().as_raw().to_le_bytes().to_vec();
    plain(&[unhex("bee412d7"), nonces, p, q, fingerprint, encrypted[..].to_bytes()].concat())
}

fn plain(body: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 16];
    packet.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    packet.extend(body);
    packet
}
