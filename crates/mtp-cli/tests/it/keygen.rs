//! `mtp keygen`.

use std::fs;

use crate::program::{Folder, run};

#[test]
fn keys_are_written_in_the_requested_form() {
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
fn private_key_is_readable_only_by_its_owner() {
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
fn existing_files_are_overwritten_only_by_force() {
    let folder = Folder::new("overwrite");
    let path = folder.write("key", "precious");
    let error = run(["keygen", &path]).failure(1);
    assert!(error.contains("--force"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    run(["keygen", "--force", &path]).success();
    assert_ne!(fs::read_to_string(&path).unwrap(), "precious");
    // Nothing is written beside the public key of another pair.
    let other = folder.path("other");
    folder.write("other.pub", "precious");
    assert!(run(["keygen", &other]).failure(1).contains("other.pub exists"));
    assert!(!fs::exists(&other).unwrap());
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let folder = Folder::new("keygen-link");
    let target = folder.write("target", "precious");
    let path = folder.path("key");
    std::os::unix::fs::symlink(&target, &path).unwrap();
    let error = run(["keygen", "--force", &path]).failure(1);
    assert!(error.contains("is not a regular file"), "{error}");
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
}
