//! `mtp completions`, `mtp man`: what packagers install beside the program.

use std::io::stdout;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::failure::Failure;

/// Arguments of `mtp completions`.
#[derive(Args)]
pub(crate) struct Completions {
    /// The shell that will read the script
    shell: Shell,
}

pub(crate) fn run<Arguments: CommandFactory>(arguments: &Completions) -> Result<(), Failure> {
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "mtp", &mut stdout());
    Ok(())
}

pub(crate) fn man<Arguments: CommandFactory>() -> Result<(), Failure> {
    clap_mangen::Man::new(Arguments::command()).render(&mut stdout())?;
    Ok(())
}
