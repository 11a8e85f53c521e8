//! Help, versions, completions and manual pages.

use crate::program::{Folder, run};

#[test]
fn every_command_has_help() {
    let commands: [&[&str]; 19] = [
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
        &["replay"],
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
fn version_and_completions_are_printed() {
    assert_eq!(run(["--version"]).success().trim(), concat!("mtp ", env!("CARGO_PKG_VERSION")));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(run(["completions", shell]).success().contains("keygen"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    assert!(run(["man"]).success().contains(".TH mtp 1"));
    let page = run(["man", "schema", "check"]).success();
    assert!(page.contains(".TH mtp-schema-check 1"), "{page}");
    assert!(run(["man", "nothing"]).failure(1).contains("no command nothing"));
    let folder = Folder::new("man");
    run(["man", "--dir", &folder.path("man1")]).success();
    for page in ["mtp", "mtp-server", "mtp-client", "mtp-proxy", "mtp-link-make", "mtp-bench"] {
        let text = std::fs::read_to_string(folder.path(&format!("man1/{page}.1"))).unwrap();
        assert!(text.contains(&format!(".TH {page} 1")), "{text}");
    }
}

#[test]
fn wrong_arguments_exit_with_2() {
    assert_eq!(run(["no-such-command"]).code, 2);
    assert_eq!(run(["demo", "--timeout", "soon"]).code, 2);
    assert_eq!(run(["client", "--connect", "127.0.0.1:1"]).code, 2);
}
