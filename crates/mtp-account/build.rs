//! Writes the enum of errors from `errors.tsv`.

use core::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn core::error::Error>> {
    println!("cargo::rerun-if-changed={TABLE}");
    let table = fs::read_to_string(TABLE)?;
    let mut names = String::new();
    let mut variants = String::new();
    let mut actions = String::new();
    let mut texts = String::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, argument, action, what] = fields[..] else {
            return Err(format!("four fields expected: {line}").into());
        };
        let variant = camel(name);
        writeln!(variants, "    /// `{name}`: {what}.")?;
        let (pattern, build) = match argument {
            "-" => (variant.clone(), format!("Self::{variant}")),
            kind => {
                writeln!(
                    variants,
                    "    {variant}(\n        /// The {kind}.\n        u32,\n    ),"
                )?;
                (format!("{variant}(_)"), format!("Self::{variant}(argument)"))
            }
        };
        let guard = if argument == "-" {
            writeln!(variants, "    {variant},")?;
            "_"
        } else {
            "Some(argument)"
        };
        writeln!(names, "            (\"{name}\", {guard}) => {build},")?;
        writeln!(texts, "            Self::{pattern} => \"{name}\",")?;
        writeln!(actions, "            Self::{pattern} => Action::{},", camel(action))?;
    }
    let code = format!(
        "/// An RPC error by name, from `errors.tsv`; those of other names keep their text.\n\
         #[derive(Clone, Debug, PartialEq, Eq, Hash)]\n#[non_exhaustive]\n\
         pub enum ApiErrorName {{\n{variants}    /// Any other name.\n    Other(\n        /// The name, without its argument.\n        String,\n    ),\n}}\n\n\
         impl ApiErrorName {{\n    pub(super) fn of(name: &str, argument: Option<u32>) -> Self {{\n        match (name, argument) {{\n{names}            _ => Self::Other(name.to_owned()),\n        }}\n    }}\n\n    \
         /// Returns the name without its argument, `X` in place of one in the middle.\n    #[must_use]\n    pub fn as_str(&self) -> &str {{\n        match self {{\n{texts}            Self::Other(name) => name,\n        }}\n    }}\n\n    \
         pub(super) fn action(&self) -> Action {{\n        match self {{\n{actions}            Self::Other(_) => Action::Report,\n        }}\n    }}\n}}\n"
    );
    let dir = env::var_os("OUT_DIR").ok_or("there is no OUT_DIR")?;
    fs::write(Path::new(&dir).join("errors.rs"), code)?;
    Ok(())
}

const TABLE: &str = "errors.tsv";

/// `2FA_CONFIRM_WAIT` → `TwoFaConfirmWait`.
fn camel(name: &str) -> String {
    let name = name.replace("2FA", "TWO_FA");
    let word = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_ascii_uppercase() + &rest.to_ascii_lowercase()
    };
    name.split('_').map(word).collect()
}
