//! Who may use the state now: the second user waits in line, or is told.
//!
//! **What it is.** [`Lock`] holds a value that one operation at a time may use. In the blocking
//! colour a second user can only be further up the same stack, and is told [`Error::Busy`]. In the
//! asynchronous colour tasks wait in the order in which they came.
//!
//! **Rules.**
//! 1. At most one [`Guard`] exists; dropping it, in whatever way, frees the value.
//! 2. Nobody overtakes a task that has a place in the line.
//! 3. When the value is free and the line is not empty, the line's first task has been woken.
//! 4. A waiting future that is dropped leaves the line, and passes the turn on if it had it.
//!
//! **After a power cut** nothing is left of it.
//!
//! **Cost.** Blocking: one flag. Asynchronous: a line of eight places. A task that finds the line
//! full is polled again and again until there is a place, and has no rank before that.
//!
//! [`Error::Busy`]: crate::error::Error::Busy

use super::{colour, only_async, only_blocking};
use crate::error::{Error, Result};
use core::cell::{RefCell, RefMut};
use core::ops::{Deref, DerefMut};

/// A value that one operation at a time may use.
#[derive(Debug)]
pub struct Lock<T> {
    value: RefCell<T>,
    line: Line,
}

/// The right to use the value, until dropped.
#[derive(Debug)]
pub struct Guard<'a, T> {
    // Fields are dropped in this order: the value is free before the next task is woken.
    value: RefMut<'a, T>,
    _release: Release<'a>,
}

#[derive(Debug)]
struct Release<'a>(&'a Line);

impl<T> Lock<T> {
    /// A lock around `value`.
    pub const fn new(value: T) -> Self {
        Self { value: RefCell::new(value), line: Line::new() }
    }

    /// The value, for whoever owns the lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value, out of the lock.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    fn try_lock(&self) -> Result<Guard<'_, T>> {
        let value = self.value.try_borrow_mut().map_err(|_| Error::Busy)?;
        Ok(Guard { value, _release: Release(&self.line) })
    }
}

#[only_blocking]
impl<T> Lock<T> {
    /// The value, unless an operation further up the same stack uses it.
    ///
    /// # Errors
    /// [`Error::Busy`] in that case.
    pub fn lock(&self) -> Result<Guard<'_, T>> {
        self.try_lock()
    }
}

#[only_async]
impl<T> Lock<T> {
    /// The value, as soon as the tasks that came before have done with it.
    ///
    /// # Errors
    /// None; the signature is that of the blocking colour.
    pub async fn lock(&self) -> Result<Guard<'_, T>> {
        let mut place = Place { line: &self.line, ticket: None };
        core::future::poll_fn(|context| {
            if place.is_first() {
                if let Ok(guard) = self.try_lock() {
                    place.leave();
                    return core::task::Poll::Ready(Ok(guard));
                }
            }
            place.wait(context.waker());
            core::task::Poll::Pending
        })
        .await
    }
}

#[colour]
impl<T> Lock<T> {
    /// Runs `change` on the value.
    ///
    /// # Errors
    /// As for `lock`.
    pub async fn with<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R> {
        let mut guard = self.lock().await?;
        Ok(change(&mut guard))
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        self.0.wake_first();
    }
}

/// Nobody can wait on the only stack there is.
#[only_blocking]
#[derive(Debug)]
struct Line;

#[only_blocking]
impl Line {
    const fn new() -> Self {
        Self
    }

    #[allow(clippy::unused_self, reason = "the other colour wakes a task here")]
    const fn wake_first(&self) {}
}

/// Tasks that can wait in line.
#[only_async]
const PLACES: usize = 8;

#[only_async]
#[derive(Debug)]
struct Waiting {
    ticket: u32,
    waker: core::task::Waker,
}

/// The tasks that wait, in the order in which they came.
///
/// A waker is the executor's code: it is cloned, called and dropped only while the line is not
/// borrowed.
#[only_async]
#[derive(Debug)]
struct Line {
    waiting: RefCell<heapless::Vec<Waiting, PLACES>>,
    ticket: core::cell::Cell<u32>,
}

#[only_async]
impl Line {
    const fn new() -> Self {
        Self { waiting: RefCell::new(heapless::Vec::new()), ticket: core::cell::Cell::new(0) }
    }

    fn first(&self) -> Option<u32> {
        self.waiting.borrow().first().map(|first| first.ticket)
    }

    fn wake_first(&self) {
        let waker = self.waiting.borrow().first().map(|first| first.waker.clone());
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn join(&self, waker: core::task::Waker) -> core::result::Result<u32, core::task::Waker> {
        let ticket = self.ticket.get().wrapping_add(1);
        let joined = self.waiting.borrow_mut().push(Waiting { ticket, waker });
        joined.map_err(|refused| refused.waker)?;
        self.ticket.set(ticket);
        Ok(ticket)
    }

    /// Puts `waker` in the place of the task with this ticket and hands the old one back.
    fn replace(&self, ticket: u32, waker: core::task::Waker) -> core::task::Waker {
        let mut waiting = self.waiting.borrow_mut();
        match waiting.iter_mut().find(|task| task.ticket == ticket) {
            Some(task) => core::mem::replace(&mut task.waker, waker),
            None => waker,
        }
    }

    fn leave(&self, ticket: u32) -> Option<Waiting> {
        let mut waiting = self.waiting.borrow_mut();
        let index = waiting.iter().position(|task| task.ticket == ticket)?;
        Some(waiting.remove(index))
    }
}

/// One task's wish to have the value; dropped with its future.
#[only_async]
struct Place<'a> {
    line: &'a Line,
    ticket: Option<u32>,
}

#[only_async]
impl Place<'_> {
    /// Whether no task is before this one.
    fn is_first(&self) -> bool {
        self.line.first() == self.ticket
    }

    fn wait(&mut self, waker: &core::task::Waker) {
        let waker = waker.clone();
        match self.ticket {
            Some(ticket) => drop(self.line.replace(ticket, waker)),
            None => match self.line.join(waker) {
                Ok(ticket) => self.ticket = Some(ticket),
                Err(waker) => waker.wake(),
            },
        }
    }

    fn leave(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            drop(self.line.leave(ticket));
        }
    }
}

#[only_async]
impl Drop for Place<'_> {
    fn drop(&mut self) {
        // Whoever was first may have been woken just now: the turn must not be lost with it.
        if let Some(ticket) = self.ticket {
            let was_first = self.is_first();
            drop(self.line.leave(ticket));
            if was_first {
                self.line.wake_first();
            }
        }
    }
}

#[cfg(test)]
mod tests;
