//! Generated figures within hand-written pages, between two marks.

use std::fs;

use anyhow::{Context, Result};

use crate::tree::root;

/// Replaces the text between `<!-- NAME -->` and `<!-- end of NAME -->`.
pub(crate) fn write_between(page: &str, name: &str, text: &str) -> Result<()> {
    let path = root().join(page);
    let old = fs::read_to_string(&path).with_context(|| page.to_owned())?;
    let new =
        replaced(&old, name, text).with_context(|| format!("{page} has no marks `{name}`"))?;
    fs::write(&path, new)?;
    println!("wrote {page}");
    Ok(())
}

fn replaced(page: &str, name: &str, text: &str) -> Option<String> {
    let (open, close) = (format!("<!-- {name} -->"), format!("<!-- end of {name} -->"));
    let (before, rest) = page.split_once(&open)?;
    let (_, after) = rest.split_once(&close)?;
    Some(format!("{before}{open}\n{}\n{close}{after}", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let page = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n";
        let new = "a\n<!-- x -->\nnew\n<!-- end of x -->\nb\n";
        assert_eq!(replaced(page, "x", "new\n").as_deref(), Some(new));
        assert_eq!(replaced(page, "y", "new"), None);
    }
}
