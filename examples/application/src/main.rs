//! An application over tokio: connects to a data center and asks for its configuration.
//!
//! `application ADDRESS FILE`: the address of a data center and the file with its public key, for example those
//! of `mtp server`. The script `run` beside this package starts both.

use core::error::Error;
use std::{env, fs};

use mtp_api::functions::help::GetConfig;
use mtp_tokio::crypto::{DcId, exchange::RsaPublicKey};
use mtp_tokio::session::client::ClientConfig;
use mtp_tokio::transport::{framing::Framing, link::Stack};
use mtp_tokio::{Client, ClientOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(address), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: application ADDRESS FILE".into());
    };
    let server_key = RsaPublicKey::from_pem(&fs::read_to_string(file)?)?;

    let config = ClientConfig::new(DcId::new(2), [server_key].into());
    let stack = Stack::Plain(Framing::Intermediate);
    let (client, _notices) = Client::start(ClientOptions::new(address.as_str(), stack, config));
    let answer = client.invoke(&GetConfig {}).await?;
    println!("data center {} lists {} addresses", answer.this_dc, answer.dc_options.len());
    client.close().await;
    Ok(())
}
