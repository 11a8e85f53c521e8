//! Generates the types of the enabled namespaces.

use mtp_schema::diagnostic::SchemaReport;
use mtp_schema::generate::{Gate, Generator};

/// Namespaces of functions; each is a feature.
const NAMESPACES: [&str; 27] = [
    "account",
    "aicompose",
    "auth",
    "bots",
    "channels",
    "chatlists",
    "communities",
    "contacts",
    "ephemeral",
    "folders",
    "fragment",
    "help",
    "langpack",
    "messages",
    "payments",
    "phone",
    "photos",
    "premium",
    "smsjobs",
    "stats",
    "stickers",
    "stories",
    "toncenter",
    "updates",
    "upload",
    "users",
    "wallet",
];

/// Functions that wrap other functions; every client needs them.
const WRAPPERS: [&str; 11] = [
    "initConnection",
    "invokeAfterMsg",
    "invokeAfterMsgs",
    "invokeWithApnsSecret",
    "invokeWithBusinessConnection",
    "invokeWithGooglePlayIntegrity",
    "invokeWithLayer",
    "invokeWithMessagesRange",
    "invokeWithReCaptcha",
    "invokeWithTakeout",
    "invokeWithoutUpdates",
];

fn main() -> Result<(), SchemaReport> {
    let mut generator = Generator::new()
        .schema_file("schema/api.tl")
        .function_decoders(Gate::Feature("server".to_owned()))
        .calls(Gate::Feature("calls".to_owned()))
        .registry(Gate::Feature("registry".to_owned()))
        .link("https://core.telegram.org");
    if !is_enabled("debug") {
        generator = generator.without_debug();
    }
    if !is_enabled("eq") {
        generator = generator.without_partial_eq();
    }
    if !is_enabled("full") {
        generator =
            generator.only(WRAPPERS).only(NAMESPACES.into_iter().filter(|name| is_enabled(name)));
        if is_enabled("updates") {
            generator = generator.only(["Updates"]);
        }
    }
    generator.build("api")
}

fn is_enabled(feature: &str) -> bool {
    std::env::var_os(format!("CARGO_FEATURE_{}", feature.to_uppercase())).is_some()
}
