//! What the program says about itself.

use crate::program::run;

#[test]
fn every_command_has_help() {
    let commands: [&[&str]; 18] = [
        &[],
        &["demo"],
        &["server"],
        &["client"],
        &["proxy"],
        &["keygen"],
        &["link"],
        &["link", "parse"],
        &["link", "make"],
        &["bench"],
        &["schema"],
        &["schema", "check"],
        &["schema", "fmt"],
        &["schema", "diff"],
        &["schema", "gen"],
        &["tl"],
        &["tl", "decode"],
        &["tl", "encode"],
    ];
    for command in commands {
        let help = run(command.iter().chain(&["--help"])).success();
        let usage = format!("Usage: mtp {}", command.join(" "));
        assert!(help.contains(usage.trim_end()), "{help}");
    }
    assert!(run(["--help"]).success().contains("Exit codes:"));
}

#[test]
fn versions_completions_and_the_manual_page() {
    assert_eq!(run(["--version"]).success().trim(), concat!("mtp ", env!("CARGO_PKG_VERSION")));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(run(["completions", shell]).success().contains("keygen"), "{shell}");
    }
    assert!(run(["man"]).success().starts_with(".ie"));
}

#[test]
fn wrong_arguments_have_a_code_of_their_own() {
    assert_eq!(run(["no-such-command"]).code, 2);
    assert_eq!(run(["demo", "--timeout", "soon"]).code, 2);
    assert_eq!(run(["client", "--connect", "127.0.0.1:1"]).code, 2);
}
