//! The results of a run of the benches.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// Times in nanoseconds and other figures by their names, such as `ige/encrypt/ours/1024`.
#[derive(Default)]
pub(crate) struct Measured {
    fastest: BTreeMap<String, f64>,
    mean: BTreeMap<String, f64>,
    figures: BTreeMap<String, f64>,
}

impl Measured {
    /// The fastest sample: on a shared machine, the others include other work.
    pub(crate) fn fastest(&self, name: &str) -> Option<f64> {
        self.fastest.get(name).copied()
    }

    /// The mean, for runs that each have another input.
    pub(crate) fn mean(&self, name: &str) -> Option<f64> {
        self.mean.get(name).copied()
    }

    pub(crate) fn figure(&self, name: &str) -> Option<f64> {
        self.figures.get(name).copied()
    }

    pub(crate) fn set_figure(&mut self, name: &str, figure: f64) {
        self.figures.insert(name.to_owned(), figure);
    }

    /// The clock frequency during the run, measured by a chain of 4,000 cycles.
    pub(crate) fn gigahertz(&self) -> Option<f64> {
        self.fastest("clock/4000_cycles").map(|nanoseconds| 4000.0 / nanoseconds)
    }

    /// Reads the lines `figure NAME = NUMBER`.
    pub(crate) fn read_figures(&mut self, printed: &str) {
        for line in printed.lines().filter_map(|line| line.strip_prefix("figure ")) {
            if let Some((name, figure)) = line.split_once(" = ")
                && let Ok(figure) = figure.trim().parse()
            {
                self.set_figure(name, figure);
            }
        }
    }

    /// Reads every `new/sample.json` below criterion's folder, named by the `benchmark.json` beside it.
    pub(crate) fn read_samples(&mut self, folder: &Path) -> Result<()> {
        let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
        for entry in entries {
            let path = entry?.path();
            if !path.is_dir() {
                continue;
            }
            if path.ends_with("new") {
                self.read_sample(&path).with_context(|| path.display().to_string())?;
            } else {
                self.read_samples(&path)?;
            }
        }
        Ok(())
    }

    fn read_sample(&mut self, folder: &Path) -> Result<()> {
        let read = |name: &str| -> Result<Value> {
            Ok(serde_json::from_str(&fs::read_to_string(folder.join(name))?)?)
        };
        let name = read("benchmark.json")?;
        let name = name.get("full_id").and_then(Value::as_str).context("no full_id")?.to_owned();
        let sample = read("sample.json")?;
        let numbers = |key: &str| -> Vec<f64> {
            let list = sample.get(key).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_f64).collect()
        };
        let (times, runs) = (numbers("times"), numbers("iters"));
        let each = times.iter().zip(&runs).map(|(time, runs)| time / runs);
        let fastest = each.min_by(f64::total_cmp).context("no sample")?;
        self.fastest.insert(name.clone(), fastest);
        self.mean.insert(name, times.iter().sum::<f64>() / runs.iter().sum::<f64>());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Measured;

    #[test]
    fn figures_are_the_lines_that_say_so() {
        let mut measured = Measured::default();
        measured.read_figures("noise\nfigure a/b = 12\nfigure bad\nfigure c = x\n");
        assert_eq!(measured.figure("a/b"), Some(12.0));
        assert_eq!(measured.figure("c"), None);
    }

    #[test]
    fn a_sample_gives_its_fastest_and_its_mean() {
        let folder = std::env::temp_dir().join(format!("xtask-sample-{}", std::process::id()));
        let new = folder.join("group/ours/16/new");
        std::fs::create_dir_all(&new).unwrap();
        std::fs::write(new.join("benchmark.json"), r#"{"full_id":"group/ours/16"}"#).unwrap();
        let sample = r#"{"iters":[1.0,2.0],"times":[10.0,14.0]}"#;
        std::fs::write(new.join("sample.json"), sample).unwrap();
        let mut measured = Measured::default();
        measured.read_samples(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(measured.fastest("group/ours/16"), Some(7.0));
        assert_eq!(measured.mean("group/ours/16"), Some(8.0));
    }
}
