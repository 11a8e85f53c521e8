//! `mtp keygen`.

use std::fs;

use crate::program::{Folder, run};

#[test]
fn keys_have_the_form_that_is_asked_for() {
    let folder = Folder::new("keygen");
    for (form, private, public) in [
        ("pkcs1", "-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN RSA PUBLIC KEY-----"),
        ("pkcs8", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PUBLIC KEY-----"),
    ] {
        let path = folder.path(form);
        let fingerprint = run(["keygen", &path, "--form", form]).success();
        assert_eq!(fingerprint.trim().len(), 16, "{fingerprint}");
        assert!(fs::read_to_string(&path).unwrap().starts_with(private));
        assert!(fs::read_to_string(format!("{path}.pub")).unwrap().starts_with(public));
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_the_secret() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("permissions");
    let path = folder.path("key");
    run(["keygen", &path]).success();
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    run(["keygen", "--force", &path]).success();
    assert_eq!(mode(), 0o600);
}

#[test]
fn nothing_is_overwritten_unasked() {
    let folder = Folder::new("overwrite");
    let path = folder.write("key", "precious");
    let error = run(["keygen", &path]).failure(1);
    assert!(error.contains("--force"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    run(["keygen", "--force", &path]).success();
    assert_ne!(fs::read_to_string(&path).unwrap(), "precious");
    // Half a pair is none: nothing is written beside a public key of another.
    let other = folder.path("other");
    folder.write("other.pub", "precious");
    assert!(run(["keygen", &other]).failure(1).contains("other.pub exists"));
    assert!(!fs::exists(&other).unwrap());
}
