//! What every chip on an SPI has in common: chip select, and bytes both ways.

use embedded_hal::spi::{ErrorKind, Operation};

use super::Exchange;
use crate::clock::Clock;

/// A chip behind its pins.
pub(super) trait Pins {
    /// Pulls chip select low, or lets it rise.
    fn select(&mut self, low: bool);

    /// One byte each way.
    fn byte(&mut self, sent: u8) -> Result<u8, ErrorKind>;

    /// The clock that every byte advances.
    fn clock(&self) -> &Clock;
}

pub(super) fn exchange(pins: &mut impl Pins, bytes: &mut [u8]) -> Result<(), ErrorKind> {
    bytes.iter_mut().try_for_each(|byte| {
        *byte = pins.byte(*byte)?;
        Ok(())
    })
}

pub(super) fn send(pins: &mut impl Pins, bytes: &[u8]) -> Result<(), ErrorKind> {
    bytes.iter().try_for_each(|byte| pins.byte(*byte).map(|_| ()))
}

/// Zeros go out while bytes are read: a host may not rely on ones.
pub(super) fn receive(pins: &mut impl Pins, bytes: &mut [u8]) -> Result<(), ErrorKind> {
    bytes.fill(0);
    exchange(pins, bytes)
}

pub(super) fn transfer(
    pins: &mut impl Pins,
    read: &mut [u8],
    write: &[u8],
) -> Result<(), ErrorKind> {
    for at in 0..read.len().max(write.len()) {
        let received = pins.byte(write.get(at).copied().unwrap_or(0))?;
        if let Some(byte) = read.get_mut(at) {
            *byte = received;
        }
    }
    Ok(())
}

/// A transaction: chip select rises at its end, however it ends.
pub(super) fn operate(
    pins: &mut impl Pins,
    operations: &mut [Operation<'_, u8>],
) -> Result<(), ErrorKind> {
    pins.select(true);
    let result = operations.iter_mut().try_for_each(|operation| match operation {
        Operation::Read(bytes) => receive(pins, bytes),
        Operation::Write(bytes) => send(pins, bytes),
        Operation::Transfer(read, write) => transfer(pins, read, write),
        Operation::TransferInPlace(bytes) => exchange(pins, bytes),
        Operation::DelayNs(ns) => {
            pins.clock().advance_ns(u64::from(*ns));
            Ok(())
        }
    });
    pins.select(false);
    result
}

/// What went over the wires, a pair of lines for each time that chip select was low or high, runs
/// of equal bytes as one.
#[must_use]
pub fn transcript(log: &[Exchange]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for span in log.chunk_by(|a, b| a.selected == b.selected && a.transaction == b.transaction) {
        let select = if span[0].selected { "low" } else { "high" };
        let line = |bytes: Vec<u8>| {
            let runs = bytes.chunk_by(|a, b| a == b);
            runs.fold(String::new(), |mut line, run| {
                let times = if run.len() > 1 { format!("*{}", run.len()) } else { String::new() };
                write!(line, " {:02x}{times}", run[0]).expect("a string");
                line
            })
        };
        let sent = line(span.iter().map(|byte| byte.sent).collect());
        let received = line(span.iter().map(|byte| byte.received).collect());
        writeln!(text, "{select} >{sent}\n{select} <{received}").expect("a string");
    }
    text
}
