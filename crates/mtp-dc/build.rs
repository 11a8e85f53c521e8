//! Generates the ids of the API's functions and constructors.

use std::path::Path;
use std::{env, fs};

use mtp_schema::generate::Generator;

fn main() -> Result<(), Box<dyn core::error::Error>> {
    println!("cargo::rerun-if-changed={SCHEMA}");
    let ids = Generator::new().schema_file(SCHEMA).generate_ids()?;
    let dir = env::var_os("OUT_DIR").ok_or("there is no OUT_DIR")?;
    fs::write(Path::new(&dir).join("ids.rs"), ids)?;
    Ok(())
}

const SCHEMA: &str = "schema/api.tl";
