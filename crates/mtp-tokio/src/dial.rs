//! Opening connections to names with several addresses, as RFC 8305 describes.
//!
//! ```text
//!   name ─ resolve ─▶ v6, v4, v6, v4, …   one attempt each 250 ms, or as soon as one fails
//!                        └──────────────▶ the first that is open wins, the others are dropped
//! ```
//!
//! The system resolves both families in one question, so there is no delay between the answers for IPv6 and
//! for IPv4. A name is resolved again for each connection.

use core::fmt;
use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::Poll;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::sleep;

/// Where to connect: addresses, or a name with a port.
///
/// A name is resolved for each connection. Of several addresses one is tried after the other, 250 ms apart
/// and both families in turn, and the first connection that opens is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Addresses(Arc<[SocketAddr]>),
    Name(Arc<str>),
}

impl Destination {
    /// Names a host with a port, like `example.org:443`.
    #[must_use]
    pub fn name(name: &str) -> Self {
        Self(Kind::Name(name.into()))
    }

    /// Lists addresses; at most [`ADDRESSES_MAX`] are tried.
    #[must_use]
    pub fn addresses(addresses: &[SocketAddr]) -> Self {
        Self(Kind::Addresses(addresses.into()))
    }

    /// Returns the addresses in the order in which they are tried.
    ///
    /// # Errors
    /// The name does not resolve, or there is no address.
    pub async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let found: Vec<_> = match &self.0 {
            Kind::Addresses(addresses) => addresses.to_vec(),
            Kind::Name(name) => lookup_host(&**name).await?.collect(),
        };
        if found.is_empty() {
            let text = format!("{self} has no address");
            return Err(io::Error::new(io::ErrorKind::NotFound, text));
        }
        Ok(interleave(found))
    }
}

impl From<SocketAddr> for Destination {
    fn from(address: SocketAddr) -> Self {
        Self(Kind::Addresses(Arc::new([address])))
    }
}

impl From<&str> for Destination {
    fn from(name: &str) -> Self {
        Self::name(name)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Name(name) => f.write_str(name),
            Kind::Addresses(addresses) => {
                for (number, address) in addresses.iter().enumerate() {
                    let comma = if number == 0 { "" } else { ", " };
                    write!(f, "{comma}{address}")?;
                }
                Ok(())
            }
        }
    }
}

/// Opens a connection.
///
/// # Errors
/// The name does not resolve, or no address accepts: the error names each of several.
pub async fn connect(destination: &Destination) -> io::Result<TcpStream> {
    let addresses = destination.resolve().await?;
    let stream = race(addresses, TcpStream::connect).await?;
    // Without it small packets wait for acknowledgements of earlier ones. A socket that refuses the option
    // works all the same.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Tries addresses until one attempt succeeds; the next begins after a delay, or at once after a failure.
async fn race<T, F>(addresses: Vec<SocketAddr>, connect: impl Fn(SocketAddr) -> F) -> io::Result<T>
where
    F: Future<Output = io::Result<T>>,
{
    let mut waiting = addresses.into_iter();
    let mut attempts: Vec<(SocketAddr, Pin<Box<F>>)> = Vec::new();
    let mut failures = Vec::new();
    loop {
        let begun = waiting.next().map(|address| (address, Box::pin(connect(address))));
        let has_more = begun.is_some();
        attempts.extend(begun);
        if attempts.is_empty() {
            return Err(failed(failures));
        }
        let delay = sleep(ATTEMPT_DELAY);
        tokio::pin!(delay);
        // Once there is nothing left to begin, a failure only leaves the others to wait for.
        let next = poll_fn(|cx| {
            let mut at = 0;
            while let Some((address, attempt)) = attempts.get_mut(at) {
                match attempt.as_mut().poll(cx) {
                    Poll::Ready(Ok(stream)) => return Poll::Ready(Some(stream)),
                    Poll::Ready(Err(error)) => {
                        failures.push((*address, error));
                        drop(attempts.remove(at));
                        return Poll::Ready(None);
                    }
                    Poll::Pending => at += 1,
                }
            }
            if has_more { delay.as_mut().poll(cx).map(|()| None) } else { Poll::Pending }
        });
        if let Some(stream) = next.await {
            return Ok(stream);
        }
    }
}

/// Alternates the families, beginning with that of the first address, and drops what is beyond the limit.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_ipv6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_ipv6);
    let mut second = second.into_iter();
    let mut mixed = Vec::new();
    for address in first {
        mixed.push(address);
        mixed.extend(second.next());
    }
    mixed.extend(second);
    mixed.truncate(ADDRESSES_MAX);
    mixed
}

/// One error of several attempts: the only one as it is, or each with its address.
fn failed(mut failures: Vec<(SocketAddr, io::Error)>) -> io::Error {
    if failures.len() > 1 {
        let kind = failures.last().map_or(io::ErrorKind::Other, |(_, error)| error.kind());
        let texts: Vec<_> =
            failures.iter().map(|(address, error)| format!("{address}: {error}")).collect();
        return io::Error::new(kind, texts.join("; "));
    }
    failures.pop().map_or_else(|| io::ErrorKind::NotFound.into(), |(_, error)| error)
}

/// Addresses of a name that are tried.
pub const ADDRESSES_MAX: usize = 8;

/// The pause between attempts.
// RFC 8305, section 5: recommended is 250 ms.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use core::future::pending;

    use tokio::time::Instant;

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_alternate_from_the_first_address_on() {
        let mixed = |texts: &[&str]| -> Vec<_> {
            interleave(addresses(texts)).iter().map(ToString::to_string).collect()
        };
        let six_first = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"];
        assert_eq!(mixed(&six_first), ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]);
        let four_first = ["1.1.1.1:1", "2.2.2.2:1", "[::1]:1", "[::2]:1", "[::3]:1"];
        assert_eq!(mixed(&four_first), ["1.1.1.1:1", "[::1]:1", "2.2.2.2:1", "[::2]:1", "[::3]:1"]);
        let many: Vec<_> = (1..=20).map(|port| format!("1.1.1.1:{port}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(mixed(&many).len(), ADDRESSES_MAX);
    }

    /// What becomes of an attempt, by its port: open after so many ms, or refused at once (0), or silent (1).
    async fn attempt(address: SocketAddr) -> io::Result<u16> {
        match address.port() {
            0 => Err(io::ErrorKind::ConnectionRefused.into()),
            1 => pending().await,
            ms => {
                sleep(Duration::from_millis(ms.into())).await;
                Ok(ms)
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_address_delays_by_one_attempt_and_a_refused_one_by_none() {
        for (ports, winner, elapsed) in [
            (&[100, 1][..], 100, 100),
            (&[1, 100], 100, 350),
            (&[0, 100], 100, 100),
            (&[0, 0, 1, 100], 100, 350),
            // The second begins later and is faster.
            (&[900, 100], 100, 350),
            (&[300, 100], 300, 300),
        ] {
            let began = Instant::now();
            let addresses =
                ports.iter().map(|port| SocketAddr::from(([127, 0, 0, 1], *port))).collect();
            let opened = race(addresses, attempt).await.unwrap();
            assert_eq!((opened, began.elapsed().as_millis()), (winner, elapsed), "{ports:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_error_names_every_address_that_failed() {
        let refused = race(addresses(&["1.1.1.1:0", "[::1]:0"]), attempt).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(
            refused.to_string(),
            "1.1.1.1:0: connection refused; [::1]:0: connection refused"
        );
        let refused = race(addresses(&["1.1.1.1:0"]), attempt).await.unwrap_err();
        assert_eq!(refused.to_string(), "connection refused");
        let nothing = Destination::addresses(&[]).resolve().await.unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::NotFound);
    }
}
