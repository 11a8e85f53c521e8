//! One socket, and a stream for each address that sends to it.

use core::net::SocketAddr;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mtp_transport::datagram::DATAGRAM_LEN_MAX;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::stream::{Budget, DatagramStream, Guest};

/// A socket that receives datagrams from any address.
#[derive(Debug)]
pub(crate) struct Datagrams {
    socket: Arc<UdpSocket>,
    guests: Guests,
}

/// The addresses that have a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Guests(Arc<Mutex<HashMap<SocketAddr, mpsc::Sender<Vec<u8>>>>>);

impl Datagrams {
    pub(crate) async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Arc::new(UdpSocket::bind(address).await?);
        Ok(Self { socket, guests: Guests::default() })
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Dispatches datagrams until one comes from a new address.
    pub(crate) async fn accept(&self) -> io::Result<(DatagramStream, SocketAddr)> {
        // One byte longer than allowed, so that a longer datagram is not taken for a shorter one.
        let mut room = [0; DATAGRAM_LEN_MAX + 1];
        loop {
            let (len, address) = self.socket.recv_from(&mut room).await?;
            let datagram = room.get(..len).unwrap_or_default().to_vec();
            let Some(inbox) = self.guests.pass(address, datagram) else { continue };
            let guest = Guest {
                socket: self.socket.clone(),
                address,
                inbox,
                guests: self.guests.clone(),
                budget: Budget::Bytes(0),
            };
            return Ok((DatagramStream::accepted(guest), address));
        }
    }
}

impl Guests {
    /// Dispatches a datagram, and adds its address if it is new. The listener limits how many there are.
    fn pass(&self, address: SocketAddr, datagram: Vec<u8>) -> Option<mpsc::Receiver<Vec<u8>>> {
        let mut guests = self.lock();
        let (guest, inbox) = if let Some(guest) = guests.get(&address) {
            (guest, None)
        } else {
            let (outbox, inbox) = mpsc::channel(WAITING_MAX);
            (&*guests.entry(address).or_insert(outbox), Some(inbox))
        };
        // A reader that lags behind loses datagrams, as on the network.
        let _ = guest.try_send(datagram);
        inbox
    }

    pub(super) fn forget(&self, address: SocketAddr) {
        self.lock().remove(&address);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, mpsc::Sender<Vec<u8>>>> {
        // Every change is one insertion or removal.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Datagrams of one address that wait to be read.
const WAITING_MAX: usize = 64;
