//! A client's run: it waits for a session, makes calls one after the other, and ends.
//!
//! The client goes on through lost connections and refusals for as long as there is time; it ends at once
//! if no attempt can succeed. The last setback is the reason that is printed.

use core::time::Duration;

use anyhow::{Context, anyhow};
use mtp_session::client::{Evidence, RequestOptions};
use mtp_tokio::{Client, ClientOptions, Destination, InvokeError, Notice, Notices, Setback};
use tokio::time::timeout;

use crate::api::{Api, Call};
use crate::failure::{Code, Failure, OrCode};
use crate::terminal;

/// What a client does in a run.
pub(super) struct Visit<'a> {
    api: &'a Api,
    calls: &'a [Call],
    timeout: Duration,
    verbose: bool,
    /// A setback was printed.
    explained: bool,
}

impl<'a> Visit<'a> {
    pub(super) const fn new(
        api: &'a Api,
        calls: &'a [Call],
        timeout: Duration,
        verbose: bool,
    ) -> Self {
        Self { api, calls, timeout, verbose, explained: false }
    }

    /// Connects, makes the calls and prints their answers.
    pub(super) async fn run(
        mut self,
        destination: &Destination,
        options: ClientOptions,
    ) -> Result<(), Failure> {
        self.resolve(destination).await?;
        let (client, mut notices) = Client::start(options);
        let outcome = match self.ready(&client, &mut notices).await {
            Ok(()) => self.call(&client, &mut notices).await,
            failed => failed,
        };
        client.close().await;
        outcome
    }

    /// Checks that the name resolves. One that does not is unlikely to within the time limit.
    async fn resolve(&self, destination: &Destination) -> Result<(), Failure> {
        let resolved = match timeout(self.timeout, destination.resolve()).await {
            Ok(resolved) => resolved.map_err(anyhow::Error::from),
            Err(_) => Err(anyhow!("no answer within {} s", self.timeout.as_secs_f64())),
        };
        resolved
            .map(drop)
            .with_context(|| format!("cannot resolve {destination}"))
            .or_code(Code::NoConnection)
    }

    /// Waits until calls flow.
    async fn ready(&mut self, client: &Client, notices: &mut Notices) -> Result<(), Failure> {
        let limit = self.timeout;
        let waiting = async {
            let ready = client.ready();
            tokio::pin!(ready);
            loop {
                tokio::select! {
                    outcome = &mut ready => return outcome.map_err(|setback| hopeless(&setback)),
                    Some(notice) = notices.recv() => self.handle(notice)?,
                }
            }
        };
        let Ok(outcome) = timeout(limit, waiting).await else {
            let text = format!("no session within {} s", limit.as_secs_f64());
            return Err(match client.setback() {
                Some(setback) => {
                    let code = code(&setback);
                    Failure { error: anyhow::Error::from(setback).context(text), code }
                }
                None => Failure { error: anyhow!(text), code: Code::NoConnection },
            });
        };
        outcome
    }

    /// Makes the calls.
    async fn call(&mut self, client: &Client, notices: &mut Notices) -> Result<(), Failure> {
        let (api, limit) = (self.api, self.timeout);
        for call in self.calls {
            let answering = client.invoke_raw(call.body.clone(), RequestOptions::new());
            let answering = async {
                tokio::pin!(answering);
                loop {
                    tokio::select! {
                        answer = &mut answering => return Ok::<_, Failure>(answer),
                        Some(notice) = notices.recv() => self.handle(notice)?,
                    }
                }
            };
            let Ok(answer) = timeout(limit, answering).await else {
                let text = format!("{}: no answer within {} s", call.name, limit.as_secs_f64());
                let error = match client.setback() {
                    Some(setback) => anyhow::Error::from(setback).context(text),
                    None => anyhow!(text),
                };
                return Err(error).or_code(Code::NoConnection);
            };
            let value = match answer? {
                Ok(body) => api.show_result(call, &body)?,
                Err(error) => {
                    let code = match error {
                        InvokeError::Rpc { .. } => Code::CallRefused,
                        _ => Code::NoConnection,
                    };
                    let error = anyhow::Error::from(error).context(call.name.clone());
                    return Err(Failure { error, code });
                }
            };
            terminal::json(&value);
        }
        Ok(())
    }

    /// Prints a notice, or returns the failure that it means.
    fn handle(&mut self, notice: Notice) -> Result<(), Failure> {
        match &notice {
            Notice::KeyCreated(established) if self.verbose => {
                let id = established.key.id().as_raw();
                let kind = if established.kind.is_temporary() { "temporary" } else { "permanent" };
                terminal::note(&format!("key {id:016x} created: {kind}"));
            }
            Notice::StoreFailed(_) => {
                let Notice::StoreFailed(error) = notice else { return Ok(()) };
                return Err(anyhow::Error::from(error).context("--session").into());
            }
            Notice::PermanentKeyLost { authenticated } => return Err(key_unknown(*authenticated)),
            Notice::Disconnected { reason, .. } if reason.is_final() => {
                return Err(hopeless(reason));
            }
            // The first setback explains the wait; all are printed only on request.
            Notice::Disconnected { .. } | Notice::ExchangeFailed(_) | Notice::Refused(_)
                if self.verbose || !self.explained =>
            {
                self.explained = true;
                terminal::note(&notice.to_string());
            }
            Notice::StoreDamaged(_) | Notice::NotResumed(_) => terminal::note(&notice.to_string()),
            _ => {}
        }
        Ok(())
    }
}

/// Returns the failure for a setback after which no attempt can succeed.
fn hopeless(setback: &Setback) -> Failure {
    match setback {
        Setback::KeyUnknown(evidence) => key_unknown(*evidence == Evidence::Authenticated),
        setback => {
            let code = code(setback);
            let error = anyhow::Error::from(setback.clone());
            let error = match setback {
                Setback::Exchange(_) => {
                    anyhow!("no key: {error:#} (--rsa-pub names the key of the server)")
                }
                _ => error,
            };
            Failure { error, code }
        }
    }
}

/// Returns the failure for a key that the server does not know.
fn key_unknown(authenticated: bool) -> Failure {
    let text = if authenticated {
        "the server does not know the key of the session: another server created it, or this one has \
         forgotten it; without --session, or with another file, a new key is created"
    } else {
        "the server does not know the key (transport error -404); without --session, or with another \
         file, a new key is created"
    };
    Failure { error: anyhow!(text), code: Code::NoKey }
}

/// Returns the exit code that a setback stands for.
const fn code(setback: &Setback) -> Code {
    match setback {
        Setback::Exchange(_) | Setback::KeyUnknown(_) => Code::NoKey,
        _ => Code::NoConnection,
    }
}
