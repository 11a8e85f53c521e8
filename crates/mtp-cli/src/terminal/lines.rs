//! Lines of a log, written by a thread of their own.
//!
//! A terminal or a pipe may take its time, and lines come from places that hold locks.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::{io, thread};

/// A log on the standard error. Nobody waits for it: lines that it cannot take are counted.
pub(crate) struct Lines {
    queue: SyncSender<Entry>,
    lost: AtomicU64,
}

enum Entry {
    Line(String),
    /// Everything before it is written once the sender is dropped.
    Flush(SyncSender<()>),
}

impl Lines {
    /// Starts the thread.
    pub(crate) fn start() -> io::Result<Self> {
        Self::through(super::note)
    }

    fn through(write: impl Fn(&str) + Send + 'static) -> io::Result<Self> {
        let (queue, entries) = sync_channel(WAITING_MAX);
        thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&entries, write))?;
        Ok(Self { queue, lost: AtomicU64::new(0) })
    }

    /// Queues a line.
    pub(crate) fn note(&self, text: String) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 && !self.queue(format!("{lost} lines were lost: the log is too slow")) {
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
        if !self.queue(text) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything is written, or for a second.
    pub(crate) fn flush(&self) {
        let (written, done) = sync_channel(0);
        if self.queue.try_send(Entry::Flush(written)).is_ok() {
            // An error is the end of the writer's sender, and so is the time limit.
            let _ = done.recv_timeout(FLUSH_TIMEOUT);
        }
    }

    fn queue(&self, text: String) -> bool {
        match self.queue.try_send(Entry::Line(text)) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}

fn write_all(entries: &Receiver<Entry>, write: impl Fn(&str)) {
    while let Ok(entry) = entries.recv() {
        match entry {
            Entry::Line(text) => write(&text),
            Entry::Flush(written) => drop(written),
        }
    }
}

/// Lines that wait to be written.
const WAITING_MAX: usize = 1024;
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn lines_beyond_the_limit_are_counted_and_nobody_waits() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let (go, gate) = channel::<()>();
        let (started, begun) = channel();
        let out = written.clone();
        let lines = Lines::through(move |text| {
            let _ = started.send(());
            // Stalls at the first line, until the other end is dropped.
            let _ = gate.recv();
            out.lock().unwrap().push(text.to_owned());
        })
        .unwrap();
        lines.note("first".to_owned());
        begun.recv().unwrap();
        for number in 0..WAITING_MAX + 3 {
            lines.note(number.to_string());
        }
        assert_eq!(lines.lost.load(Ordering::Relaxed), 3);
        drop(go);
        // The queue has to be empty before a flush finds room.
        while begun.try_recv().is_ok() || written.lock().unwrap().len() <= WAITING_MAX {
            thread::yield_now();
        }
        lines.note("last".to_owned());
        lines.flush();
        let written = written.lock().unwrap();
        assert_eq!(written.len(), WAITING_MAX + 3);
        assert_eq!(written[..2], ["first", "0"]);
        let end = ["3 lines were lost: the log is too slow", "last"];
        assert_eq!(written[WAITING_MAX + 1..], end);
    }
}
