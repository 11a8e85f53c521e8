//! `mtp completions`, `mtp man`: what packagers install beside the program.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::terminal;

/// Arguments of `mtp completions`.
#[derive(Args)]
pub(crate) struct Completions {
    /// The shell that will read the script
    shell: Shell,
}

pub(crate) fn run<Arguments: CommandFactory>(arguments: &Completions) {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "mtp", &mut script);
    terminal::bytes(&script);
}

pub(crate) fn man<Arguments: CommandFactory>() -> Result<(), Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
    terminal::bytes(&page);
    Ok(())
}
