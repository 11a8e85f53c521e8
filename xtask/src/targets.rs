//! Other machines: bare metal, wasm, 32 bits, big endian.
//!
//! Only one toolchain is installed where this runs, so the standard library for other targets is
//! built from Debian's `rust-src` package, or taken prebuilt from `libstd-rust-web-dev`.

use anyhow::{Result, bail};

use crate::tree::cargo;

pub(crate) fn run(targets: &[String]) -> Result<()> {
    if !targets.is_empty() {
        bail!("no target can be built yet");
    }
    cargo(&["check", "--quiet", "-p", "mtp-proto"])
}
