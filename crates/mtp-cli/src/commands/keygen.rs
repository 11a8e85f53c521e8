//! `mtp keygen`: an RSA key pair for a server.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use mtp_crypto::OsEntropy;
use mtp_crypto::exchange::RsaPrivateKey;
use mtp_tokio::store::private_file;

use crate::failure::Failure;
use crate::terminal;

/// Arguments of `mtp keygen`.
#[derive(Args)]
pub(crate) struct Keygen {
    /// File for the private key; the public key is written beside it, with `.pub` appended
    #[arg(default_value = "server.pem")]
    out: PathBuf,
    /// Form of the private key's file
    #[arg(long, value_enum, default_value_t = Form::Pkcs8)]
    form: Form,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// BEGIN RSA PRIVATE KEY, and BEGIN RSA PUBLIC KEY beside it
    Pkcs1,
    /// BEGIN PRIVATE KEY, and BEGIN PUBLIC KEY beside it
    Pkcs8,
}

pub(crate) fn run(arguments: &Keygen) -> Result<(), Failure> {
    Ok(make(arguments)?)
}

fn make(arguments: &Keygen) -> anyhow::Result<()> {
    let mut public_path = arguments.out.clone().into_os_string();
    public_path.push(".pub");
    let public_path = PathBuf::from(public_path);
    // Both are checked before anything is written, so that no half of a pair is left.
    for path in [&arguments.out, &public_path] {
        if path.exists() && !arguments.force {
            bail!("{} exists (--force replaces it)", path.display());
        }
    }
    let key = RsaPrivateKey::generate(&mut OsEntropy)?;
    let (private, public) = match arguments.form {
        Form::Pkcs1 => (key.to_pkcs1_pem(), key.public().to_pkcs1_pem()),
        Form::Pkcs8 => (key.to_pkcs8_pem(), key.public().to_spki_pem()),
    };
    private_file::replace(&arguments.out, private.as_bytes())?;
    let written = std::fs::write(&public_path, public.as_bytes());
    written.with_context(|| format!("cannot write {}", public_path.display()))?;
    terminal::note(&format!(
        "{} is secret; give {} to clients",
        arguments.out.display(),
        public_path.display()
    ));
    terminal::result(format_args!("{:016x}", key.public().fingerprint().as_raw()));
    Ok(())
}
