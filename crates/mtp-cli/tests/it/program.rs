//! Runs the program: to its end, or in the background until a test is done with it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

/// A command line of the program.
pub(crate) fn mtp<I>(arguments: I) -> Command
where
    I: IntoIterator,
    I::Item: AsRef<std::ffi::OsStr>,
{
    let mut command = Command::new(env!("CARGO_BIN_EXE_mtp"));
    command.args(arguments).env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

/// Result of a finished run.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    fn new(output: Output) -> Self {
        Self {
            code: output.status.code().expect("the program was not killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Returns the standard output of a successful run.
    #[track_caller]
    pub(crate) fn success(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }

    /// Returns the error line of a failed run with this exit code.
    #[track_caller]
    pub(crate) fn failure(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        let last = self.stderr.lines().last().unwrap_or_default().to_owned();
        let count = self.stderr.lines().filter(|line| line.starts_with("error:")).count();
        assert_eq!((count, last.starts_with("error: ")), (1, true), "{self:?}");
        last
    }
}

/// Runs to the end.
pub(crate) fn run<I>(arguments: I) -> Finished
where
    I: IntoIterator,
    I::Item: AsRef<std::ffi::OsStr>,
{
    Finished::new(mtp(arguments).output().unwrap())
}

/// Runs to the end with something on the standard input.
pub(crate) fn run_with_input<I>(arguments: I, input: &[u8]) -> Finished
where
    I: IntoIterator,
    I::Item: AsRef<std::ffi::OsStr>,
{
    let mut command = mtp(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that fails early does not read it.
    if let Err(error) = child.stdin.take().unwrap().write_all(input) {
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    }
    Finished::new(child.wait_with_output().unwrap())
}

/// A run in the background, which ends with the test.
pub(crate) struct Background {
    child: Child,
    /// Lines of the standard error so far.
    log: Vec<String>,
    address: Option<String>,
    stderr: BufReader<ChildStderr>,
}

impl Background {
    pub(crate) fn start<I>(arguments: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<std::ffi::OsStr>,
    {
        Self::of(mtp(arguments))
    }

    /// Starts a command line.
    pub(crate) fn of(mut command: Command) -> Self {
        command.stdin(Stdio::null());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, log: Vec::new(), address: None, stderr }
    }

    /// Reads lines until one contains `part`, and returns that one.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, part: &str) -> String {
        loop {
            let mut line = String::new();
            let len = self.stderr.read_line(&mut line).unwrap();
            assert_ne!(len, 0, "the program ended before it said {part:?}: {:#?}", self.log);
            self.log.push(line.trim_end().to_owned());
            if line.contains(part) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// Sends a signal, such as TERM.
    #[cfg(unix)]
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        let kill = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.child.id())])
            .status()
            .unwrap();
        assert!(kill.success());
    }

    /// Reads what the program prints until it ends, and returns its exit code.
    #[cfg(unix)]
    #[track_caller]
    pub(crate) fn end(&mut self) -> i32 {
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        self.log.extend(rest.lines().map(str::to_owned));
        let status = self.child.wait().unwrap();
        status.code().unwrap_or_else(|| panic!("{status}: {:#?}", self.log))
    }

    /// Returns the lines read so far.
    #[cfg(unix)]
    pub(crate) fn log(&self) -> &[String] {
        &self.log
    }

    /// Returns the address that the program listens on.
    #[track_caller]
    pub(crate) fn address(&mut self) -> String {
        if let Some(address) = &self.address {
            return address.clone();
        }
        let line = self.wait_for("listens on ");
        let (_, rest) = line.split_once("listens on ").unwrap();
        let address = rest.split(';').next().unwrap().to_owned();
        self.address = Some(address.clone());
        address
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A folder that is removed with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(test: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        fs::write(self.0.join(name), contents).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> String {
    format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"))
}
