//! One front for the chores that take longer than a minute.

use anyhow::{Result, bail};
use clap::Args;

/// A chore with the arguments of its long run.
struct Long {
    name: &'static str,
    what: &'static str,
    arguments: &'static [&'static str],
}

const LONG: [Long; 8] = [
    Long {
        name: "fuzz",
        what: "an hour of all targets under libFuzzer; writes docs/fuzzing.md and keeps new inputs",
        arguments: &["fuzz", "--minutes", "60", "--keep", "--record"],
    },
    Long {
        name: "simulate",
        what: "a million seeds of clients and servers over bad links",
        arguments: &["simulate", "--seeds", "1000000"],
    },
    Long {
        name: "kills",
        what: "a hundred thousand seeds whose server is killed again and again",
        arguments: &["simulate", "--kills", "--seeds", "100000"],
    },
    Long {
        name: "updates",
        what: "a million seeds of an account and a server that loses, repeats and reorders updates",
        arguments: &["updates", "--seeds", "1000000"],
    },
    Long {
        name: "mutants",
        what: "changes of the core crates that no test notices; writes docs/testing.md",
        arguments: &["mutants", "--record"],
    },
    Long {
        name: "coverage",
        what: "lines of the core crates that no test runs; writes docs/testing.md",
        arguments: &["coverage", "--record"],
    },
    Long {
        name: "bench",
        what: "everything beside its peers; writes docs/benchmarks.md",
        arguments: &["bench", "--record"],
    },
    Long {
        name: "targets",
        what: "tests on 32 bits, aarch64 and s390x, builds for bare metal and wasm",
        arguments: &["targets"],
    },
];

/// Which long chore to run.
#[derive(Args)]
pub(crate) struct Options {
    /// The chore; without a name they are listed
    name: Option<String>,
    /// Further arguments of the chore, after `--`
    #[arg(last = true)]
    more: Vec<String>,
}

/// Returns the arguments of the chosen chore, or prints the list.
pub(crate) fn arguments(options: &Options) -> Result<Option<Vec<String>>> {
    let Some(name) = &options.name else {
        print!("{}", list());
        return Ok(None);
    };
    let Some(chosen) = LONG.iter().find(|long| long.name == name) else {
        let names: Vec<_> = LONG.iter().map(|long| long.name).collect();
        bail!("no long chore `{name}`; there are {}", names.join(", "));
    };
    let own = chosen.arguments.iter().map(|argument| (*argument).to_owned());
    Ok(Some(own.chain(options.more.iter().cloned()).collect()))
}

/// Lists the chores, one in a line.
fn list() -> String {
    let line = |Long { name, what, arguments }: &Long| {
        format!("{name:<10}{what}\n{:10}cargo xtask {}\n", "", arguments.join(" "))
    };
    LONG.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::Arguments;

    #[test]
    fn all_long_chores_have_arguments_that_parse() {
        for long in &LONG {
            let options = Options { name: Some(long.name.to_owned()), more: Vec::new() };
            let arguments = arguments(&options).unwrap().unwrap();
            let program = core::iter::once("xtask".to_owned());
            assert!(Arguments::try_parse_from(program.chain(arguments)).is_ok(), "{}", long.name);
            assert!(list().contains(long.what));
        }
    }

    #[test]
    fn further_arguments_follow_and_unknown_names_are_refused() {
        let more = vec!["--jobs".to_owned(), "1".to_owned()];
        let found = arguments(&Options { name: Some("simulate".to_owned()), more }).unwrap();
        assert_eq!(found.unwrap(), ["simulate", "--seeds", "1000000", "--jobs", "1"]);
        assert!(arguments(&Options { name: Some("nap".to_owned()), more: Vec::new() }).is_err());
    }
}
