//! Generates the types of the namespaces whose features are on.

use mtp_schema::diagnostic::Report;
use mtp_schema::generate::{Gate, Generator};

/// The namespaces of functions, each a feature of its own.
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

/// What every client needs: the functions around other functions.
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

fn main() -> Result<(), Report> {
    let mut generator = Generator::new()
        .schema_file("schema/api.tl")
        .function_decoders(Gate::Feature("server".to_owned()))
        .registry(Gate::Feature("registry".to_owned()))
        .link("https://core.telegram.org");
    if !is_on("debug") {
        generator = generator.without_debug();
    }
    if !is_on("eq") {
        generator = generator.without_partial_eq();
    }
    if !is_on("full") {
        generator =
            generator.only(WRAPPERS).only(NAMESPACES.into_iter().filter(|name| is_on(name)));
        if is_on("updates") {
            generator = generator.only(["Updates"]);
        }
    }
    generator.build("api")
}

fn is_on(feature: &str) -> bool {
    std::env::var_os(format!("CARGO_FEATURE_{}", feature.to_uppercase())).is_some()
}
