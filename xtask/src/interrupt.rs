//! Ctrl-C, SIGTERM and SIGHUP as messages.

use std::fs;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// From [`Interrupt::listen`] on, the signals that ask a program to end no longer end this one: they make
/// [`Interrupt::wait`] return early, so that the children can be stopped first.
pub(crate) struct Interrupt {
    signals: Receiver<()>,
}

impl Interrupt {
    pub(crate) fn listen() -> Result<Self> {
        let mut watched = vec![SIGINT, SIGTERM];
        if !hangup_is_ignored() {
            watched.push(SIGHUP);
        }
        let mut signals = Signals::new(watched).context("cannot listen for Ctrl-C and SIGTERM")?;
        let (sender, receiver) = channel();
        thread::spawn(move || {
            for _ in signals.forever() {
                if sender.send(()).is_err() {
                    return;
                }
            }
        });
        Ok(Self { signals: receiver })
    }

    /// Waits for `time`, or less: true means a signal came.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        match self.signals.recv_timeout(time) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => false,
            // The listening thread is gone, which only happens when the program ends: treat it as a signal.
            Err(RecvTimeoutError::Disconnected) => true,
        }
    }
}

/// Under `nohup` a hang-up is ignored on purpose; catching it would undo what the user asked for.
fn hangup_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored_signals(&status) & (1 << (SIGHUP - 1)) != 0
}

/// The `SigIgn` bit mask of a `/proc/<pid>/status` text; 0 where there is none (macOS).
fn ignored_signals(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
impl Interrupt {
    /// An interrupt that the test raises itself, through the sender.
    pub(crate) fn by_hand() -> (std::sync::mpsc::Sender<()>, Self) {
        let (sender, signals) = channel();
        (sender, Self { signals })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nohup_is_recognised() {
        assert_eq!(ignored_signals("Name:\txtask\nSigIgn:\t0000000000001001\nSigCgt:\t0\n"), 0x1001);
        assert_eq!(ignored_signals("Name:\txtask\n"), 0);
    }

    #[test]
    fn a_signal_ends_the_wait_and_silence_does_not() {
        let (raise, interrupt) = Interrupt::by_hand();
        assert!(!interrupt.wait(Duration::from_millis(1)));
        raise.send(()).expect("the receiver lives");
        assert!(interrupt.wait(Duration::from_secs(60)));
    }
}
