//! The README's example.
//!
//! Goal: what the README shows is what runs. Method: its block is compared with the example of that name.

const README: &str = include_str!("../../../../README.md");
const EXAMPLE: &str = include_str!("../../examples/readme.rs");

#[test]
fn the_readme_shows_the_example_as_it_is() {
    let blocks = README.split("```").skip(1).step_by(2);
    let mut rust = blocks.filter_map(|block| block.strip_prefix("rust\n"));
    let client = rust.find(|block| block.contains("mtp_proto::")).expect("a block for embedders");
    assert!(EXAMPLE.contains(client.trim()), "README.md and examples/readme.rs differ");
}
