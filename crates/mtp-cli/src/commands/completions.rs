//! `mtp completions`, `mtp man`: files that packages install beside the program.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::terminal;

/// Arguments of `mtp completions`.
#[derive(Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

pub(crate) fn run<Arguments: CommandFactory>(arguments: &Completions) {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "mtp", &mut script);
    terminal::bytes(&script);
}

/// Arguments of `mtp man`.
#[derive(Args)]
pub(crate) struct Manual {
    /// Command of the page, such as `schema check` [default: the program]
    command: Vec<String>,
    /// Write the pages of all commands into this folder instead
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

pub(crate) fn man<Arguments: CommandFactory>(arguments: &Manual) -> Result<(), Failure> {
    let mut command = Arguments::command();
    if let Some(folder) = &arguments.dir {
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(command, folder));
        written.with_context(|| format!("cannot write into {}", folder.display()))?;
        return Ok(());
    }
    // Completes the names of commands.
    command.build();
    for name in &arguments.command {
        let found = command.find_subcommand(name).cloned();
        command = found.with_context(|| format!("there is no command {name}; see mtp --help"))?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    terminal::bytes(&page);
    Ok(())
}
