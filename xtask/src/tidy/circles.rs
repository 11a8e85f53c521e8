//! Imports in a circle between the folders of one crate.
//!
//! A file imports another if a path in it, in a `use` or anywhere else, leads to an item of the other; what only tests
//! compile does not count. A module that merely re-exports an item is looked through: the import leads to the file that
//! defines the item, and the re-export itself is no import unless its file uses the name.
//!
//! In each folder, its files and its subfolders (each with all that is below it) are nodes of a graph. No circle of these
//! nodes may contain a folder, so that each folder can be read, and tested, after those it stands on. Circles between
//! files of one folder are allowed and can be listed: `cargo xtask tidy --circles-of-files`.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenTree};

use super::{Fault, Tree};
use crate::rust::{File, children, definitions, ident, is_ident, is_punct, words};

/// A path within a crate.
type Path = Vec<String>;

/// Who imports whom, by name, with one file that does and one that is imported.
type Graph = BTreeMap<String, BTreeMap<String, (String, String)>>;

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, files) in &tree.crates {
        let imports = Crate::read(files).imports(files);
        for folder in folders(files) {
            let within = |file: &str| file.starts_with(&folder);
            let inner: BTreeSet<_> =
                imports.iter().filter(|(a, b)| within(a) && within(b)).cloned().collect();
            let graph = graph(&inner, |file| child(&folder, file));
            for circle in circles(&graph).into_iter().filter(Circle::has_folder) {
                let list: Vec<_> = circle.names.iter().map(String::as_str).collect();
                let what = format!("imports in a circle: {}; {}", list.join(", "), circle.example);
                let at = folder.strip_suffix('/').unwrap_or(&folder);
                faults.push(Fault::new(
                    if at.is_empty() { name.clone() } else { at.to_owned() },
                    what,
                ));
            }
        }
    }
    faults
}

/// Prints the circles between files of one folder.
pub(super) fn print_files(tree: &Tree) {
    for (name, files) in &tree.crates {
        let imports = Crate::read(files).imports(files);
        let parent = |file: &str| file.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        let within = imports.into_iter().filter(|(from, to)| parent(from) == parent(to)).collect();
        for circle in circles(&graph(&within, str::to_owned)) {
            let list: Vec<_> = circle.names.iter().map(|file| short(file)).collect();
            println!("{name}: circle of files: {}", list.join(", "));
        }
    }
}

/// Returns every folder that holds files, at any depth, each with a slash behind it.
fn folders(files: &[File]) -> BTreeSet<String> {
    let below = |path: &str| {
        let ends = path.match_indices('/').map(|(end, _)| path[..=end].to_owned());
        ends.collect::<Vec<_>>()
    };
    files.iter().flat_map(|file| below(&file.path)).collect()
}

/// Returns the file or subfolder of `folder` that a file below it belongs to.
fn child(folder: &str, file: &str) -> String {
    let below = file.strip_prefix(folder).unwrap_or(file);
    match below.split_once('/') {
        Some((first, _)) => format!("{first}/"),
        None => below.to_owned(),
    }
}

/// Returns the path below `src`.
fn short(file: &str) -> &str {
    file.split_once("/src/").map_or(file, |(_, short)| short)
}

fn graph(imports: &BTreeSet<(String, String)>, group: impl Fn(&str) -> String) -> Graph {
    let mut graph = Graph::new();
    for (from, to) in imports {
        let (one, other) = (group(from), group(to));
        graph.entry(other.clone()).or_default();
        let imported = graph.entry(one.clone()).or_default();
        if one != other {
            imported.entry(other).or_insert((from.clone(), to.clone()));
        }
    }
    graph
}

/// Nodes that all reach each other.
struct Circle {
    names: BTreeSet<String>,
    /// The imports that close it.
    example: String,
}

impl Circle {
    /// Returns `false` for a circle of files that stand directly in `src`.
    fn has_folder(&self) -> bool {
        self.names.iter().any(|name| name.ends_with('/'))
    }
}

fn circles(graph: &Graph) -> Vec<Circle> {
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|name| (name.as_str(), reachable(graph, name))).collect();
    let reaches = |one: &str, other: &str| reach.get(one).is_some_and(|set| set.contains(other));
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for name in graph.keys() {
        if !reaches(name, name) || !seen.insert(name.clone()) {
            continue;
        }
        let names: BTreeSet<String> = graph
            .keys()
            .filter(|other| reaches(name, other) && reaches(other, name))
            .cloned()
            .collect();
        seen.extend(names.iter().cloned());
        let inner = names.iter().flat_map(|from| {
            graph.get(from).into_iter().flatten().filter(|(to, _)| names.contains(*to))
        });
        let example: Vec<_> =
            inner.map(|(_, (from, to))| format!("{} -> {}", short(from), short(to))).collect();
        found.push(Circle { names, example: example.join(", ") });
    }
    found
}

/// Returns what one node reaches by at least one step.
fn reachable<'a>(graph: &'a Graph, from: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = vec![from];
    while let Some(name) = open.pop() {
        for next in graph.get(name).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    found
}

/// A crate's modules.
#[derive(Default)]
struct Crate {
    modules: BTreeMap<Path, Module>,
}

#[derive(Default)]
struct Module {
    file: String,
    defines: BTreeSet<String>,
    /// Names that a `use` brings in, with what they stand for.
    bound: BTreeMap<String, Path>,
    /// Modules of which everything is brought in.
    globs: Vec<Path>,
}

/// A path in a file, seen from the module that it stands in.
struct Mention {
    module: Path,
    path: Path,
    /// The name under which a `use` brings it in.
    bound: Option<String>,
    /// Whether that `use` hands it on to other modules.
    is_exported: bool,
}

impl Crate {
    fn read(files: &[File]) -> Self {
        let mut read = Self::default();
        for file in files {
            read.add(&file.path, &file.module, &file.tokens);
        }
        // Only now is it known which first words are modules.
        for file in files {
            for mention in read.mentions(file) {
                read.bind(mention);
            }
        }
        read
    }

    fn add(&mut self, file: &str, path: &Path, tokens: &[TokenTree]) {
        let module = self.modules.entry(path.clone()).or_default();
        file.clone_into(&mut module.file);
        module.defines.extend(definitions(tokens));
        for three in tokens.windows(3) {
            if let [word, TokenTree::Ident(name), TokenTree::Group(body)] = three
                && is_ident(word, "mod")
                && body.delimiter() == Delimiter::Brace
            {
                let mut child = path.clone();
                child.push(name.to_string());
                self.add(file, &child, &children(body));
            }
        }
    }

    /// Notes what the `use`s of a file bring in.
    fn bind(&mut self, mention: Mention) {
        let Mention { module, path, bound: Some(name), .. } = mention else { return };
        let Some(module) = self.modules.get_mut(&module) else { return };
        match path.split_last() {
            Some((last, parent)) if last == "*" => module.globs.push(parent.to_vec()),
            _ => drop(module.bound.insert(name, path)),
        }
    }

    /// Lists the imports between files.
    fn imports(&self, files: &[File]) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for file in files {
            let mut counts = BTreeMap::new();
            words(&without_uses(&file.tokens), &mut counts);
            for mention in self.mentions(file) {
                // A re-export is an import only for a file that also uses the name.
                let is_unused = mention.bound.is_some_and(|name| !counts.contains_key(&name));
                if mention.is_exported && is_unused {
                    continue;
                }
                if let Some(to) = self.resolve(&mention.path, 0)
                    && to != file.path
                {
                    found.insert((file.path.clone(), to));
                }
            }
        }
        found
    }

    /// Finds the file that defines what a path names.
    fn resolve(&self, path: &[String], depth: usize) -> Option<String> {
        const DEPTH_MAX: usize = 16;
        if depth > DEPTH_MAX {
            return None;
        }
        let mut length = 0;
        while self.modules.contains_key(path.get(..=length).unwrap_or(&["*".to_owned()])) {
            length += 1;
        }
        let module_path = path.get(..length)?;
        let module = self.modules.get(module_path)?;
        let Some(name) = path.get(length) else { return Some(module.file.clone()) };
        if module.defines.contains(name) {
            return Some(module.file.clone());
        }
        if let Some(target) = module.bound.get(name) {
            let mut target = target.clone();
            target.extend(path.get(length + 1..)?.iter().cloned());
            return self.resolve(&target, depth + 1);
        }
        let defining = module.globs.iter().filter(|glob| glob.as_slice() != module_path);
        let mut through = defining.filter_map(|glob| {
            let mut target = glob.clone();
            target.push(name.clone());
            self.defines(&target, depth + 1).then(|| self.resolve(&target, depth + 1)).flatten()
        });
        through.next().or_else(|| Some(module.file.clone()))
    }

    /// Returns `true` if a module defines or brings in the last name of a path.
    fn defines(&self, path: &[String], depth: usize) -> bool {
        let Some((name, module)) = path.split_last() else { return false };
        if self.modules.contains_key(path) {
            return true;
        }
        self.modules.get(module).is_some_and(|module| {
            module.defines.contains(name)
                || module.bound.contains_key(name)
                || (depth < 4
                    && module.globs.iter().any(|glob| {
                        let mut target = glob.clone();
                        target.push(name.clone());
                        self.defines(&target, depth + 1)
                    }))
        })
    }

    /// Lists the paths in a file that lead into its own crate.
    fn mentions(&self, file: &File) -> Vec<Mention> {
        let mut found = Vec::new();
        self.collect(&file.module, &file.tokens, &mut found);
        found
    }

    fn collect(&self, module: &Path, tokens: &[TokenTree], found: &mut Vec<Mention>) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let before = at.checked_sub(1).and_then(|at| tokens.get(at));
            let rest = tokens.get(at..).unwrap_or_default();
            match (token, rest) {
                (TokenTree::Ident(word), _) if word == "use" && opens_use(rest, before) => {
                    let end = rest.iter().position(|token| is_punct(token, ';'));
                    let end = end.unwrap_or(rest.len());
                    let is_exported = is_exported(tokens.get(..at).unwrap_or_default());
                    let mut paths = Vec::new();
                    flatten(rest.get(1..end).unwrap_or_default(), &mut Vec::new(), &mut paths);
                    for (path, name) in paths {
                        let Some(path) = self.absolute(module, &path) else { continue };
                        let (module, bound) = (module.clone(), Some(name));
                        found.push(Mention { module, path, bound, is_exported });
                    }
                    at += end;
                }
                (_, [word, TokenTree::Ident(name), TokenTree::Group(body), ..])
                    if is_ident(word, "mod") && body.delimiter() == Delimiter::Brace =>
                {
                    let mut child = module.clone();
                    child.push(name.to_string());
                    self.collect(&child, &children(body), found);
                    at += 2;
                }
                (TokenTree::Group(group), _) => self.collect(module, &children(group), found),
                // `pub(in crate::a)` names a place, not an item.
                (TokenTree::Ident(word), _) if word == "in" && at == 0 => break,
                (TokenTree::Ident(_), _) if !follows_colons(tokens, at) => {
                    let path = plain_path(rest);
                    if path.len() > 1
                        && let Some(path) = self.absolute(module, &path)
                    {
                        let module = module.clone();
                        found.push(Mention { module, path, bound: None, is_exported: false });
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Returns a path from the crate's root on, unless it leads out of the crate.
    fn absolute(&self, module: &Path, path: &[String]) -> Option<Path> {
        let (first, mut rest) = path.split_first()?;
        let mut base = match first.as_str() {
            "crate" => Path::new(),
            "self" => module.clone(),
            "super" => module.split_last()?.1.to_vec(),
            name => {
                let mut child = module.clone();
                child.push(name.to_owned());
                if !self.modules.contains_key(&child) {
                    return None;
                }
                child
            }
        };
        while rest.first().is_some_and(|word| word == "super") {
            base.pop()?;
            rest = rest.get(1..)?;
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }
}

/// Returns `true` for a `use` that opens an item, not for the `use<'a>` of a type.
fn opens_use(rest: &[TokenTree], before: Option<&TokenTree>) -> bool {
    !rest.get(1).is_some_and(|token| is_punct(token, '<'))
        && !before.is_some_and(|token| is_punct(token, '.'))
}

/// Returns `true` if `::` stands before this token.
fn follows_colons(tokens: &[TokenTree], at: usize) -> bool {
    let before = at.checked_sub(2).and_then(|from| tokens.get(from..at));
    matches!(before, Some([one, other]) if is_punct(one, ':') && is_punct(other, ':'))
}

/// Returns `true` if the tokens before a `use` make it visible elsewhere.
fn is_exported(before: &[TokenTree]) -> bool {
    match before {
        [.., word] if is_ident(word, "pub") => true,
        [.., word, TokenTree::Group(_)] => is_ident(word, "pub"),
        _ => false,
    }
}

/// Lists the paths of a tree of `use`, each with the name it brings in.
fn flatten(tokens: &[TokenTree], prefix: &mut Path, found: &mut Vec<(Path, String)>) {
    // The comma behind the last item of a list opens no further branch.
    let branches = tokens.split(|token| is_punct(token, ','));
    for branch in branches.filter(|branch| !branch.is_empty()) {
        let mut path = prefix.clone();
        let mut name = None;
        let mut words = branch.iter();
        let mut is_leaf = true;
        while let Some(token) = words.next() {
            match token {
                TokenTree::Ident(word) if word == "as" => {
                    name = words.next().and_then(ident).map(ToString::to_string);
                }
                // `self` in a list is the module before it.
                TokenTree::Ident(word) if word == "self" && !path.is_empty() => {}
                TokenTree::Ident(word) => path.push(word.to_string()),
                TokenTree::Punct(mark) if mark.as_char() == '*' => path.push("*".to_owned()),
                TokenTree::Group(list) => {
                    flatten(&children(list), &mut path.clone(), found);
                    is_leaf = false;
                }
                _ => {}
            }
        }
        if let (true, Some(last)) = (is_leaf, path.last()) {
            let name = name.unwrap_or_else(|| last.clone());
            found.push((path, name));
        }
    }
}

/// Reads `a::b::c` at the head of these tokens.
fn plain_path(tokens: &[TokenTree]) -> Path {
    let mut path = Path::new();
    let mut at = 0;
    while let Some(word) = tokens.get(at).and_then(ident) {
        path.push(word.to_string());
        match tokens.get(at + 1..at + 3) {
            Some([one, other]) if is_punct(one, ':') && is_punct(other, ':') => at += 3,
            _ => break,
        }
    }
    path
}

/// Removes all `use` items.
fn without_uses(tokens: &[TokenTree]) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let rest = tokens.get(at..).unwrap_or_default();
        if is_ident(token, "use") && opens_use(rest, kept.last()) {
            at += rest.iter().position(|token| is_punct(token, ';')).unwrap_or(rest.len());
        } else {
            kept.push(token.clone());
        }
        at += 1;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::rig::{lines, tree};
    use super::*;

    fn find(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> =
            files.iter().map(|(path, text)| (format!("crates/x/src/{path}"), *text)).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        lines(&check(&tree(&files)))
    }

    #[test]
    fn folders_that_import_each_other_are_found() {
        let lib = ("lib.rs", "mod a; mod b;");
        let circle = find(&[
            lib,
            ("a/mod.rs", "use crate::b::B; pub struct A;"),
            ("b/mod.rs", "pub struct B(super::a::A);"),
        ]);
        assert_eq!(
            circle,
            [
                "crates/x/src: imports in a circle: a/, b/; a/mod.rs -> b/mod.rs, b/mod.rs -> a/mod.rs"
            ]
        );
        let down = find(&[
            lib,
            ("a/mod.rs", "use crate::b::B; pub struct A;"),
            ("b/mod.rs", "pub struct B;"),
        ]);
        assert_eq!(down, Vec::<String>::new());
    }

    #[test]
    fn a_folder_and_the_one_within_are_two() {
        let lib = ("lib.rs", "mod a;");
        let inner = ("a/b/mod.rs", "use super::A; pub struct B(A);");
        let circle = find(&[lib, ("a/mod.rs", "mod b; pub struct A; fn f(b: b::B) {}"), inner]);
        assert_eq!(circle.len(), 1, "{circle:?}");
        // A re-export that the file itself does not use is no import.
        let facade = find(&[lib, ("a/mod.rs", "mod b; pub use b::B; pub struct A;"), inner]);
        assert_eq!(facade, Vec::<String>::new());
        let used = "mod b; pub use b::B; pub struct A; fn f(b: B) {}";
        assert_eq!(find(&[lib, ("a/mod.rs", used), inner]).len(), 1);
    }

    #[test]
    fn imports_look_through_re_exports_and_globs() {
        let files = |a: &'static str| {
            [
                ("lib.rs", "mod a; mod b; mod door; pub use door::*;"),
                ("door/mod.rs", "mod inner; pub use inner::I; pub use crate::b::B;"),
                ("door/inner.rs", "pub struct I;"),
                ("a/mod.rs", a),
                ("b/mod.rs", "use crate::a::A; pub struct B;"),
            ]
        };
        // `door` hands on what `b` defines, and `b` imports `a`.
        assert_eq!(find(&files("use crate::door::B; pub struct A;")).len(), 1);
        assert_eq!(find(&files("use crate::B; pub struct A;")).len(), 1);
        assert_eq!(find(&files("use crate::door::I; pub struct A;")), Vec::<String>::new());
    }

    #[test]
    fn tests_and_circles_of_files_do_not_count() {
        let found = find(&[
            ("lib.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod c; #[cfg(test)] mod tests { use crate::b::B; } pub struct A(c::C);"),
            ("a/c.rs", "use super::A; pub struct C;"),
            ("b/mod.rs", "use crate::a::{self, A}; pub struct B;"),
        ]);
        assert_eq!(found, Vec::<String>::new());
        let found = find(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "use crate::a::A; pub struct B;"),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }
}
