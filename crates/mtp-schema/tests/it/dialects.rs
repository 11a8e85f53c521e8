//! Goal: schemas of other projects are accepted, or refused at the right place with the reason.
//! Method: invented declarations in the forms of `TDLib`, TON, VK and old layers, with the expected findings by line and
//! column. Code is generated where there are no errors. Each finding shows its line with a caret.
// spec: tl 2.6
// spec: tl 3

use mtp_schema::{
    check,
    diagnostic::{Color, SchemaReport, Severity},
    generate::Generator,
    id::IdRule,
    parse, print,
    source::Sources,
};

/// Returns the findings as `line:column message`, warnings in parentheses.
fn findings(text: &str, rule: IdRule) -> Vec<String> {
    let mut sources = Sources::new();
    let file = sources.add("other.tl", text);
    let (schema, mut found) = parse(&sources, file, rule);
    if found.is_empty() {
        let printed = print::schema(&schema);
        let mut again = Sources::new();
        let file = again.add("printed.tl", &printed);
        assert_eq!(parse(&again, file, rule), (schema.clone(), Vec::new()), "{printed}");
        found = check(&schema);
    }
    let report = SchemaReport::new(sources, found);
    let found = &report.diagnostics;
    let shown = report.render(Color::Never);
    let places = shown.lines().filter_map(|line| line.trim_start().strip_prefix("--> other.tl:"));
    let places: Vec<&str> = places.collect();
    assert_eq!(places.len(), found.len(), "each finding has a place:\n{shown}");
    assert!(shown.matches('^').count() >= found.len(), "each finding has a caret:\n{shown}");
    let findings = found.iter().zip(places).map(|(one, place)| {
        let text = format!("{place} {}", one.message);
        if one.severity == Severity::Error { text } else { format!("({text})") }
    });
    findings.collect()
}

/// Checks a text. The generator succeeds if there are no errors.
#[track_caller]
fn dialect(text: &str, rule: IdRule, expected: &[&str]) {
    let found = findings(text, rule);
    assert_eq!(found, expected, "{text}");
    let generated = Generator::new().schema_text("other.tl", text).rule(rule).generate();
    let is_sound = found.iter().all(|one| one.starts_with('('));
    match generated {
        Ok(code) => assert!(is_sound && !code.is_empty()),
        Err(report) => assert!(!is_sound, "{report}"),
    }
}

/// Forms of a `TDLib` file: built-in types, documentation comments, bare vectors, no ids.
#[test]
fn tdlib_schema_is_supported() {
    let text = "\
double ? = Double;
string ? = String;

int32 = Int32;
int53 = Int53;
int64 = Int64;
bytes = Bytes;

boolFalse = Bool;
boolTrue = Bool;

vector {t:Type} # [ t ] = Vector t;

//@description A thing that went wrong @code Number of the kind; subject to change
//@text What people may read; may be empty
fault code:int32 text:string = Fault;

//@description Nothing to say
fine = Fine;

//@class Shelter @description Describes where somebody can stay

//@description A hut; a long story
//-that goes on here @beds Number of beds
//-@keeper_id Who opens the door; 0 if nobody
shelterHut beds:int32 keeper_id:int53 = Shelter;
//@description A tent
shelterTent = Shelter;

//@description A list @total_count Approximate total number @shelters The shelters; pass null if there are none
shelters total_count:int32 shelters:vector<shelter> rows:vector<vector<shelterRow>> map:bytes = Shelters;
//@description A row @is_open True, if open @price Price @hash Hash
shelterRow is_open:Bool price:double hash:int64 where:Shelter = ShelterRow;
shelter id:int53 = ShelterId;

---functions---

//@description Returns all @filter What to look for
getShelters filter:string limit:int32 = Shelters;
//@description Does it @ids The numbers
closeShelters ids:vector<int53> why:Fault = Fine;
testSquareInts x:vector<int32> = Fine;
";
    dialect(text, IdRule::Engine, &[]);
    let generated =
        Generator::new().schema_text("td.tl", text).rule(IdRule::Engine).generate().unwrap();
    for expected in [
        "/// A hut; a long story that goes on here",
        "pub rows: BareVec<BareVec<Bare<",
        "pub ids: BareVec<i64>",
        "/// Number of beds",
    ] {
        assert!(generated.contains(expected), "{expected}\n{generated}");
    }
}

/// Forms of TON's files: written and computed ids, flags words of any name, bare constructors, `Object`.
#[test]
fn ton_schema_is_supported() {
    let text = "\
int ? = Int;
long ? = Long;
double ? = Double;
string ? = String;
object ? = Object;
function ? = Function;
bytes data:string = Bytes;
true = True;
boolTrue = Bool;
boolFalse = Bool;
vector {t:Type} # [ t ] = Vector t;

int128 4*[ int ] = Int128;
int256 8*[ int ] = Int256;

node.keyId id:int256 = node.KeyId;
node.pub.ed key:int256 = node.PublicKey;
node.pub.aes key:int256 = node.PublicKey;
node.pub.overlay name:bytes = node.PublicKey;
node.blockRef workchain:int shard:long seqno:int root:int256 = node.BlockRef;
lite.head#3c2b3224 mode:# id:node.blockRef at:mode.1?int extra:mode.0?%node.KeyId has:mode.7?true = lite.Head;
lite.heads ids:(vector node.blockRef) all:(vector (vector lite.head)) complete:Bool = lite.Heads;
lite.sign.set.ordinary validator:int signs:(vector lite.sign) = lite.sign.Set;
lite.sign who:int256 sign:bytes = lite.Sign;
storage.secret key:secureString blob:secureBytes = storage.Secret;
db.empty = db.Value;
db.wrapped value:true extra:# = db.Value;
net.packet rand:bytes flags:# from:flags.0?node.PublicKey to:flags.1?node.keyId msgs:flags.3?(vector net.msg) seqno:flags.6?long sig:flags.11?bytes = net.Packet;
net.msg id:int256 body:bytes = net.Msg;
net.answer data:Object = net.Answer;

---functions---

lite.getHead#c716a817 id:node.blockRef mode:# = lite.Head;
lite.query data:bytes = Object;
lite.wait seqno:int timeout_ms:int = Object;
net.callIt query:Function = Object;
node.resolve key:node.PublicKey = lite.Heads;
---types---
late.one x:int = late.One;
";
    dialect(text, IdRule::Engine, &[]);
}

/// Extensions of VK's compiler: type parameters, numbers in types, repetitions, annotations.
#[test]
fn vk_extensions_are_refused_at_their_place() {
    dialect(
        "\
pair {X:Type} {Y:Type} a:X b:Y = Pair X Y;
maybeTrue {t:Type} value:t = Maybe t;
maybeFalse {t:Type} = Maybe t;
tuple {t:Type} {n:#} [ t ] = Tuple t n;
dictionaryField {t:Type} key:string value:t = DictionaryField t;
dictionary#1f4c618f {t:Type} %(Vector %(DictionaryField t)) = Dictionary t;
box fields_mask:# name:fields_mask.0?string where:fields_mask.31?%Point = Box;
point x:double y:double = Point;
line points:2*[ point ] = Line;
table n:# rows:n*[ int ] = Table;
---functions---
@read box.get id:int = Box;
@any @readwrite box.put {n:#} id:int data:(tuple int n) = Maybe Box;
",
        IdRule::Engine,
        &[
            "1:7 constructors with type parameters are not supported",
            "1:34 types with parameters are not supported",
            "2:12 constructors with type parameters are not supported",
            "2:30 types with parameters are not supported",
            "3:13 constructors with type parameters are not supported",
            "3:23 types with parameters are not supported",
            "4:17 types that depend on numbers are not supported",
            "4:30 types with parameters are not supported",
            "5:18 constructors with type parameters are not supported",
            "5:47 types with parameters are not supported",
            "6:22 constructors with type parameters are not supported",
            "6:63 types with parameters are not supported",
            "9:13 repetitions outside of built-in types are not supported",
            "10:16 repetitions outside of built-in types are not supported",
            "13:26 types that depend on numbers are not supported",
        ],
    );
}

/// Parts of formal TL that no schema uses.
#[test]
fn formal_tl_is_refused_at_its_place() {
    let table: &[(&str, IdRule, &[&str])] = &[
        (
            "Final A;\nNew B;\na = A;",
            IdRule::Api,
            &["1:1 `Final` statements are not supported", "2:1 `New` statements are not supported"],
        ),
        (
            "a forall X:Type = A;",
            IdRule::Api,
            &["1:3 fields without a name are not supported", "1:12 `Type` has no values"],
        ),
        (
            "a (x y : int) = A;",
            IdRule::Api,
            &["1:3 several names for one type in parentheses are not supported"],
        ),
        (
            "a x:(vector int = A;",
            IdRule::Api,
            &["1:5 this bracket is not closed: expected `)`, found `=`"],
        ),
        ("/* old */ a = A;", IdRule::Api, &["1:1 the language has no block comments"]),
        ("a x:!X = A;", IdRule::Api, &["1:3 `!X` needs a variable"]),
        (
            "a flags:# x:flags.a?int = A;",
            IdRule::Api,
            &["1:20 a `?` follows the number of a bit, or stands in place of all fields"],
        ),
        (
            "a x:vector<int>> = A;\nb = B",
            IdRule::Api,
            &[
                "1:16 expected a type, found `>`",
                "2:6 expected `;` at the end of the declaration, found the end of the file",
            ],
        ),
        // The dynamic codec supports it; the generator leaves it out.
        ("a x:float y:(vector float) = A;", IdRule::Engine, &[]),
        (
            "a\u{2028}x:int = A; \u{feff}b = B; c d:\u{fc}nt = C;",
            IdRule::Api,
            &["1:2 expected a type, found `\u{2028}`", "1:26 expected a type, found `\u{fc}`"],
        ),
        ("---messages---\na = A;", IdRule::Api, &["1:4 there is no section `messages`"]),
    ];
    let found: Vec<_> = table.iter().map(|(text, rule, _)| findings(text, *rule)).collect();
    let expected: Vec<_> = table.iter().map(|(.., expected)| expected.to_vec()).collect();
    assert_eq!(found, expected, "{found:#?}");
}

/// Forms of ten-year-old layers.
#[test]
fn old_layers_are_supported() {
    let text = "\
// LAYER 23

boolFalse#bc799737 = Bool;
boolTrue#997275b5 = Bool;
vector#1cb5c415 {t:Type} # [ t ] = Vector t;
error#c4b9f9bb code:int text:string = Error;
null#56730bcc = Null;

inputWhoEmpty = InputWho;
inputWhoSelf = InputWho;
inputWhoContact user_id:int = InputWho;
chatIs flags:# admin:flags.3?true title:string photo:flags.1?Pic date:int = ChatIs;
picEmpty = Pic;
pic id:long size:int bytes:bytes = Pic;
port ipv4:int port:int = IpPort;
config date:int test_mode:Bool dc_options:Vector<DcOption> sizes:Vector<int> = Config;
dcOption id:int hostname:string ip_address:string port:int = DcOption;
double.flags flags:# flags2:# a:flags2.31?int b:flags.0?Vector<string> c:flags2.31?long = DoubleFlags;
count n:# m:# = Count;

---functions---

invokeAfter {X:Type} msg_id:long query:!X = X;
invokeWithLayer1 {X:Type} query:!X = X;
contacts.getIds hash:string = Vector<int>;
help.getConfig = Config;
who.are id:Vector<InputWho> = Vector<Pic>;
";
    dialect(text, IdRule::Api, &[]);
}

/// Any part of a text gives findings and never a panic.
#[test]
fn truncated_text_never_panics() {
    let text = "a#1 {X:Type} {n:#} @read f:fl.3?(Vector %(T n)) n*[ x:t ] !X 4*[int] (a b:T)=(X 3+2);---functions---//x\n";
    for from in 0..text.len() {
        for to in from..=text.len() {
            for rule in [IdRule::Api, IdRule::Engine] {
                let mut sources = Sources::new();
                let file = sources.add("cut.tl", &text[from..to]);
                let (schema, mut found) = parse(&sources, file, rule);
                found.extend(check(&schema));
                let _ =
                    Generator::new().schema_text("cut.tl", &text[from..to]).rule(rule).generate();
                let count = found.len();
                let shown = SchemaReport::new(sources, found).render(Color::Never);
                assert!(
                    count == 0 || shown.contains("cut.tl:1:") || shown.contains("cut.tl:2:"),
                    "{shown}"
                );
            }
        }
    }
}
