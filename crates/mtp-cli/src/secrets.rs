//! Secrets from files, the environment and the standard input. Arguments are visible to every user of the
//! machine.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use zeroize::Zeroizing;

/// A secret's text. It is wiped when dropped.
pub(crate) type SecretText = Zeroizing<String>;

/// The argument that means the standard input.
pub(crate) const STDIN: &str = "-";

/// Returns the text of an option: the argument itself, or the first line of the standard input for `-`.
pub(crate) fn argument(text: &str) -> anyhow::Result<SecretText> {
    if text != STDIN {
        return Ok(Zeroizing::new(text.to_owned()));
    }
    let whole = read(std::io::stdin().lock()).context("cannot read the standard input")?;
    first_line(&whole).context("the standard input is empty")
}

/// Returns the first line of a file; `-` is the standard input.
pub(crate) fn file(path: &Path) -> anyhow::Result<SecretText> {
    let whole = text(path)?;
    first_line(&whole).with_context(|| format!("{} is empty", path.display()))
}

/// Returns a file's lines without comments; `-` is the standard input.
pub(crate) fn lines(path: &Path) -> anyhow::Result<Vec<SecretText>> {
    let whole = text(path)?;
    let lines = whole.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(|line| Zeroizing::new(line.to_owned())).collect())
}

/// Returns an environment variable; none if it is not set or empty.
pub(crate) fn variable(name: &str) -> anyhow::Result<Option<SecretText>> {
    match std::env::var(name) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => bail!("{name} is not UTF-8"),
    }
}

/// Returns a secret from where it was given: an argument, a file, or the environment.
pub(crate) fn given(
    option: &str,
    argument_text: Option<&str>,
    path: Option<&Path>,
    variable_name: &str,
) -> anyhow::Result<Option<SecretText>> {
    let found = match (argument_text, path) {
        (Some(text), _) => argument(text).map(Some),
        (None, Some(path)) => file(path).map(Some),
        (None, None) => variable(variable_name),
    };
    found.with_context(|| option.to_owned())
}

fn text(path: &Path) -> anyhow::Result<SecretText> {
    if path == Path::new(STDIN) {
        return read(std::io::stdin().lock()).context("cannot read the standard input");
    }
    let context = || format!("cannot read {}", path.display());
    read(File::open(path).with_context(context)?).with_context(context)
}

/// Reads a bounded amount of text. A device or a FIFO may be behind it.
fn read(input: impl Read) -> anyhow::Result<SecretText> {
    // In one piece from the start: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LEN_MAX.saturating_add(1)));
    input.take(LEN_MAX as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > LEN_MAX {
        bail!("longer than {LEN_MAX} bytes");
    }
    Ok(Zeroizing::new(core::str::from_utf8(&bytes).context("not UTF-8")?.to_owned()))
}

fn first_line(text: &str) -> Option<SecretText> {
    let line = text.lines().next().map(str::trim).filter(|line| !line.is_empty())?;
    Some(Zeroizing::new(line.to_owned()))
}

/// Bytes of a file of secrets: some hundred secrets with names.
const LEN_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_bounded() {
        assert_eq!(*read(&b"secret\n"[..]).unwrap(), "secret\n");
        assert!(read(std::io::repeat(b'a').take(LEN_MAX as u64)).is_ok());
        assert!(read(std::io::repeat(b'a').take(LEN_MAX as u64 + 1)).is_err());
        assert!(read(std::io::repeat(0)).is_err(), "as from /dev/zero");
        assert!(read(&[0xff][..]).is_err());
    }

    #[test]
    fn one_secret_is_the_first_line() {
        assert_eq!(first_line(" secret \nmore\n").as_deref().map(String::as_str), Some("secret"));
        assert!(first_line("").is_none() && first_line("\nsecret").is_none());
    }
}
