//! Generates the types and functions of `my_app.tl`.

use mtp_schema::generate::{Gate, Generator};

fn main() -> Result<(), impl core::fmt::Debug> {
    let generator = Generator::new().schema_file("my_app.tl").calls(Gate::Always);
    generator.runtime("::mtp_tokio::tl").build("my_app")
}
