//! Runs a target on files to reproduce a finding: `cargo run -p mtp-fuzz --example replay TARGET FILE…`.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a chore")]

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().expect("a target");
    let (_, target) = mtp_fuzz::TARGETS.iter().find(|(known, _)| *known == name).expect("a target");
    for file in arguments {
        println!("{file}");
        target(&std::fs::read(file).unwrap());
    }
}
