//! Where a client connects, and over what.

use core::net::SocketAddr;

use anyhow::{Context, anyhow, bail};
use mtp_tokio::Destination;
use mtp_transport::address;
use mtp_transport::link::Stack;

use super::ClientArguments;
use crate::failure::{Code, Failure, OrCode};
use crate::transport::{DataCenter, Proxy, Transport};
use crate::{secrets, terminal};

/// Where to connect, and the transport there.
pub(super) struct Route {
    pub(super) destination: Destination,
    pub(super) stack: Stack,
}

impl Route {
    /// Returns the route that the arguments describe.
    pub(super) fn of(arguments: &ClientArguments) -> Result<Self, Failure> {
        let dc = arguments.data_center();
        if let Some(proxy) = proxy(arguments)? {
            if arguments.connect.is_some() {
                terminal::note(&format!(
                    "the proxy connects to data center {} as it knows it, not to --connect",
                    arguments.dc_number()
                ));
            }
            let transport = arguments.transport.unwrap_or(Transport::Padded);
            let stack =
                transport.proxied(&proxy.secret, dc, arguments.hello).context("--transport")?;
            return Ok(Self { destination: named(&proxy.address)?, stack });
        }
        let transport = arguments.transport.unwrap_or(Transport::Intermediate);
        let (destination, host) = match &arguments.connect {
            Some(connect) => (named(connect)?, connect.clone()),
            None => published(dc, transport)?,
        };
        Ok(Self { destination, stack: transport.stack(&host, dc) })
    }
}

fn proxy(arguments: &ClientArguments) -> Result<Option<Proxy>, Failure> {
    let (link, file) = (arguments.proxy_link.as_deref(), arguments.proxy_link_file.as_deref());
    if link.is_some() || file.is_some() {
        let link = secrets::given("--proxy-link", link, file, "MTP_PROXY_LINK")?;
        return Ok(link.map(|link| Proxy::from_link(&link)).transpose()?);
    }
    let Some(address) = &arguments.proxy else { return Ok(None) };
    let (secret, file) = (arguments.secret.as_deref(), arguments.secret_file.as_deref());
    let secret = secrets::given("--secret", secret, file, "MTP_SECRET")?;
    let secret = secret
        .context("--proxy needs a secret: give --secret-file, MTP_SECRET or --secret")
        .or_code(Code::Arguments)?;
    let secret = secret.parse().context("the proxy's secret")?;
    Ok(Some(Proxy { address: address.clone(), secret }))
}

/// Returns a destination by its address or name. Names are resolved for each connection.
fn named(text: &str) -> anyhow::Result<Destination> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(address.into());
    }
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    // A name with a colon is an IPv6 address without brackets.
    if host.is_empty() || host.contains(':') || !is_port {
        bail!("{text} is not an address with a port, like 127.0.0.1:4443");
    }
    Ok(Destination::name(text))
}

/// Returns the published address of a data center, and the host name of requests there.
fn published(dc: DataCenter, transport: Transport) -> anyhow::Result<(Destination, String)> {
    // Clients in browsers have hosts of their own; without TLS they are reached on port 80.
    if transport == Transport::Ws {
        let host = address::web_host(dc.link)
            .with_context(|| format!("data center {} has no web sockets", dc.link))?;
        return Ok((Destination::name(&format!("{host}:80")), host));
    }
    let [usual, http, _] = address::PORTS;
    let port = if transport == Transport::Http { http } else { usual };
    let found = address::of(dc.link).next();
    let found = found.ok_or_else(|| {
        anyhow!("no address of data center {} is published; --connect names one", dc.link)
    })?;
    Ok((SocketAddr::new(found, port).into(), found.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_need_a_port() {
        for text in ["127.0.0.1:443", "[::1]:443", "example.org:443", "localhost:1"] {
            assert!(named(text).is_ok(), "{text}");
        }
        for text in ["", "example.org", "::1", ":443", "example.org:", "example.org:x", "a:65536"] {
            assert!(named(text).is_err(), "{text}");
        }
    }
}
