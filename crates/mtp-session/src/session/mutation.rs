//! Rules that can be broken on purpose, so that whoever watches over them can be watched.
//!
//! Without the feature `__mutations` nothing here can be chosen, and the compiler leaves every trace of it out. Why it is
//! done this way: `docs/decisions/0005-mutations.md`.

use super::config::SessionConfig;

/// A rule to break; each names what goes wrong.
#[cfg_attr(
    not(feature = "__mutations"),
    expect(unreachable_pub, reason = "public with the feature")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "__mutations",
    expect(clippy::exhaustive_enums, reason = "tests go through all of them")
)]
pub enum Mutation {
    /// A client makes ids that only servers make.
    OddClientIds,
    /// A client uses its last id again for the next call.
    SameIdAgain,
    /// A container's id is not above those within.
    ContainerIdLow,
    /// A client does not count what must be acknowledged.
    NumbersStandStill,
    /// An acknowledgement is written with a number that asks for one.
    AcksOdd,
    /// A result is told twice.
    ResultsTwice,
    /// An acknowledgement ends a call.
    AcksEndCalls,
    /// A client handles a message as often as it comes.
    DuplicatesAccepted,
    /// A client acknowledges nothing.
    AcksNever,
    /// A client does not acknowledge again what comes again.
    DuplicatesNotAcked,
    /// A client believes a refusal that names nothing of its own.
    StrangersBelieved,
    /// A client repeats calls that must not run twice.
    OnceIgnored,
    /// A refused container is not taken apart into its messages.
    ContainersNotMapped,
    /// What a client saved loses its open calls.
    CallsLostAtResume,
    /// What a client saved loses its count of messages.
    CountLostAtResume,
    /// A client goes back to a session that is over.
    SessionsComeBack,
    /// A client keeps what it had to acknowledge for the next session.
    AcksOutliveSessions,
    /// A client begins a new session whenever a link comes up.
    LinksReplaceSessions,
    /// A client keeps its session although its ids are too high.
    Code17KeepsSession,
    /// Any message sets a client's clock back.
    TimeFalls,
    /// A client takes more calls than its limit.
    CallsUnlimited,
    /// A client dies of a pong that names nothing of its own.
    StrangersKill,
    /// A client's timer is due for ever.
    TimersSpin,
    /// A packed answer is told as it came.
    PackedTold,
    /// Acknowledgements have bytes behind them.
    BytesBehind,
    /// A client forgets the salts that it asked for.
    SaltsForgotten,
    /// A server runs a call as often as it comes.
    CallsRunAgain,
    /// A server does not listen to acknowledgements.
    AnswersNeverForgotten,
    /// Each session of a server makes ids of its own.
    IdsOfItsOwn,
    /// A server takes packets of any time.
    WindowNotChecked,
    /// A server takes packets with any salt.
    SaltsNotChecked,
    /// A server does not tell that a session is new.
    NoGreeting,
    /// A server tells less states than it is asked for.
    StatesCutShort,
    /// A server runs a call before the one that it comes after.
    OrderIgnored,
    /// A server keeps silent links.
    SilenceKept,
}

impl SessionConfig {
    /// Reports whether this rule is to be broken.
    #[cfg(feature = "__mutations")]
    pub(crate) fn breaks(&self, rule: Mutation) -> bool {
        self.broken == Some(rule)
    }

    /// Reports whether this rule is to be broken: never.
    #[cfg(not(feature = "__mutations"))]
    #[expect(clippy::unused_self, reason = "with the feature it is used")]
    pub(crate) const fn breaks(&self, _: Mutation) -> bool {
        false
    }
}
