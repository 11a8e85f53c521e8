//! Recorded runs of `auth_key_transcripts`: packets, configurations, clocks, randomness.

use mtp_crypto::DcId;
use mtp_env::Now;
use mtp_session::client::ClientHandshakeConfig;
use mtp_session::exchange::KeyRequest;
use mtp_session::server::ServerHandshakeConfig;
use serde_json::Value;

use super::{Script, at, hex, private_keys, public_keys, text};

pub fn steps(run: &Value) -> Vec<(&Value, Vec<u8>)> {
    run["steps"].as_array().unwrap().iter().map(|step| (step, hex(&step["packet"]))).collect()
}

pub fn client_config(crypto: &Value, run: &Value) -> ClientHandshakeConfig {
    let request = match run["expires_in"].as_i64() {
        None => KeyRequest::Permanent,
        Some(life) => KeyRequest::Temporary { expires_in_s: i32::try_from(life).unwrap() },
    };
    ClientHandshakeConfig::new(dc(run), request, public_keys(crypto))
}

pub fn server_config(crypto: &Value, run: &Value) -> ServerHandshakeConfig {
    let mut config = ServerHandshakeConfig::new(dc(run), private_keys(crypto));
    config.dcs = vec![dc(run)];
    config
}

fn dc(run: &Value) -> DcId {
    DcId::new(i32::try_from(run["dc"].as_i64().unwrap()).unwrap())
}

/// Returns the client's random draws, in order.
pub fn client_script(run: &Value) -> Script {
    let mut draws = vec![hex(&run["nonce"]), hex(&run["new_nonce"])];
    for step in run["steps"].as_array().unwrap() {
        match text(&step["object"]) {
            "req_DH_params" => {
                draws.push(hex(&step["rsa_random_padding"]));
                let attempts = step["rsa_attempts"].as_array().unwrap();
                draws.extend(attempts.iter().map(|attempt| hex(&attempt["temp_key"])));
            }
            "set_client_DH_params" => draws.extend([hex(&step["b"]), hex(&step["padding"])]),
            _ => {}
        }
    }
    Script::new(draws)
}

/// Returns the server's random draws, in order.
pub fn server_script(run: &Value) -> Script {
    let mut draws = vec![hex(&run["server_nonce"])];
    for step in run["steps"].as_array().unwrap() {
        match text(&step["object"]) {
            "req_DH_params" => {
                let prime = |name: &str| text(&step[name]).parse::<u32>().unwrap();
                // A server's primes lie between 2^30 and 2^31; the draw holds the lower 30 bits.
                draws.extend(["p", "q"].map(|name| (prime(name) << 2).to_le_bytes().to_vec()));
            }
            "server_DH_params_ok" => {
                // The blinding factor of the private key does not affect the result.
                draws.extend([vec![7; 256], hex(&step["a"]), hex(&step["padding"])]);
            }
            _ => {}
        }
    }
    Script::new(draws)
}

pub fn client_now() -> Now {
    at(1_705_754_877, 62_500_000)
}

pub fn server_now() -> Now {
    at(1_705_754_877, 125_000_000)
}
