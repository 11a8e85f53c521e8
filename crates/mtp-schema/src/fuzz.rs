//! Bodies for fuzz targets: ordinary functions that panic if a promise is broken. The targets in `fuzz/` and the
//! tests that replay their corpora call them.

use crate::{
    diagnostic::Colour,
    diff::Diff,
    dynamic::Codec,
    id::IdRule,
    model::{Model, Ty},
    parser, print,
    source::Sources,
};

/// Parses any text; what is accepted must survive printing, and nothing may panic on the way to the
/// findings.
///
/// # Panics
/// A promise is broken.
pub fn schema(text: &str, rule: IdRule) {
    let mut sources = Sources::new();
    let file = sources.add("input", text);
    let (schema, findings) = parser::parse(&sources, file, rule);
    for finding in findings.iter().chain(&crate::check(&schema)) {
        assert!(!finding.render(&sources, Colour::Never).is_empty());
    }
    let printed = print::schema(&schema);
    let again = parser::parse_text("printed", &printed, rule);
    assert_eq!(again.as_ref().ok(), Some(&schema), "{printed}");
    assert!(Diff::new(&schema, &schema).is_empty());
    if let Ok(model) = Model::new(&schema) {
        // An empty selection of roots takes everything.
        let _ = crate::generate::Generator::new().schema_text("printed", printed).generate();
        values(&Codec::new(model), &[]);
    }
}

/// Reads any bytes as a value or call; what is accepted must be written back to bytes that read the same.
///
/// # Panics
/// A promise is broken.
pub fn values(codec: &Codec, bytes: &[u8]) {
    for ty in [Ty::Object, Ty::Call] {
        let Ok(decoded) = codec.decode(&ty, bytes) else { continue };
        if decoded.lost.is_empty() {
            let written = codec.encode(&ty, &decoded.value);
            let again = written.map(|written| codec.decode(&ty, &written));
            assert_eq!(again, Ok(Ok(decoded)), "{bytes:02x?}");
        }
    }
}
