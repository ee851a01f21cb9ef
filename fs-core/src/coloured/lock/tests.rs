//! Order, drops and wake-ups, without an executor.

use super::super::{only_async, only_blocking};
#[only_async]
use super::PLACES;
#[only_blocking]
use super::{Error, Lock};
#[only_async]
use super::{Guard, Lock, Result};
#[only_async]
use core::future::Future;
#[only_async]
use core::pin::Pin;
#[only_async]
use core::task::{Context, Poll, Waker};
#[only_async]
use std::boxed::Box;
#[only_async]
use std::sync::Arc;
#[only_async]
use std::sync::atomic::{AtomicU32, Ordering};
#[only_async]
use std::vec::Vec;

#[only_blocking]
#[test]
fn tells_the_second_user_and_serves_it_later() {
    let lock = Lock::new(1);
    let guard = lock.lock().unwrap();
    assert_eq!(lock.lock().err(), Some(Error::Busy));
    assert_eq!(lock.with(|value| *value), Err(Error::Busy));
    drop(guard);
    assert_eq!(lock.with(|value| *value), Ok(1));
}

#[only_async]
struct Count(AtomicU32);

#[only_async]
impl std::task::Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[only_async]
type Wanting<'l> = Pin<Box<dyn Future<Output = Result<Guard<'l, u32>>> + 'l>>;

/// A task that wants the lock, and how often it was woken.
#[only_async]
struct Task<'l> {
    future: Wanting<'l>,
    woken: Arc<Count>,
}

#[only_async]
impl<'l> Task<'l> {
    fn new(lock: &'l Lock<u32>) -> Self {
        Self { future: Box::pin(lock.lock()), woken: Arc::new(Count(AtomicU32::new(0))) }
    }

    fn poll(&mut self) -> Option<Guard<'l, u32>> {
        let waker = Waker::from(self.woken.clone());
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(guard) => Some(guard.unwrap()),
            Poll::Pending => None,
        }
    }

    fn woken(&self) -> u32 {
        self.woken.0.swap(0, Ordering::Relaxed)
    }
}

#[only_async]
#[test]
fn serves_tasks_in_the_order_in_which_they_came() {
    let lock = Lock::new(0);
    let mut holder = Task::new(&lock).poll();
    let mut tasks: Vec<Task> = (0..PLACES).map(|_| Task::new(&lock)).collect();
    assert!(tasks.iter_mut().all(|task| task.poll().is_none()));
    for turn in 0..PLACES {
        drop(holder.take());
        let woken: Vec<u32> = tasks.iter().map(Task::woken).collect();
        assert!(woken.iter().enumerate().all(|(index, n)| *n == u32::from(index == turn)));
        let later = tasks.iter_mut().skip(turn + 1).rev();
        assert!(later.map(Task::poll).all(|guard| guard.is_none()), "overtaken");
        assert!(Task::new(&lock).poll().is_none(), "a newcomer overtook the line");
        holder = tasks[turn].poll();
        assert!(holder.is_some());
    }
}

#[only_async]
#[test]
fn a_dropped_waiter_leaves_the_line_and_passes_its_turn_on() {
    let lock = Lock::new(0);
    let holder = Task::new(&lock).poll();
    let [mut first, mut second, mut third] = [(); 3].map(|()| Task::new(&lock));
    for task in [&mut first, &mut second, &mut third] {
        assert!(task.poll().is_none());
    }
    drop(second);
    drop(holder);
    assert_eq!((first.woken(), third.woken()), (1, 0));
    drop(first);
    assert_eq!(third.woken(), 1, "the turn was lost with the first task");
    assert!(third.poll().is_some());
}

#[only_async]
#[test]
fn a_dropped_holder_frees_the_value() {
    let lock = Lock::new(0);
    let mut waiting = Task::new(&lock);
    {
        let mut holder = Box::pin(async {
            let mut guard = lock.lock().await.unwrap();
            *guard = 7;
            core::future::pending::<()>().await;
        });
        assert!(holder.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(waiting.poll().is_none());
    }
    assert_eq!(waiting.woken(), 1);
    assert_eq!(waiting.poll().map(|guard| *guard), Some(7));
}

#[only_async]
#[test]
fn a_full_line_loses_nobody() {
    let lock = Lock::new(0);
    let mut holder = Task::new(&lock).poll();
    let mut tasks: Vec<Task> = (0..PLACES + 3).map(|_| Task::new(&lock)).collect();
    assert!(tasks.iter_mut().all(|task| task.poll().is_none()));
    let own: Vec<u32> = tasks.iter().skip(PLACES).map(Task::woken).collect();
    assert_eq!(own, [1, 1, 1], "they are polled again");
    let mut served = 0;
    while !tasks.is_empty() {
        drop(holder.take());
        // As an executor would: only tasks that were woken are polled.
        let ready = tasks.iter().position(|task| task.woken() > 0).expect("a lost wake-up");
        holder = tasks[ready].poll();
        if holder.is_some() {
            tasks.remove(ready);
            served += 1;
        }
        for task in &mut tasks {
            assert!(task.poll().is_none() || holder.is_none());
        }
    }
    assert_eq!(served, PLACES + 3);
}

#[only_async]
#[test]
fn the_newest_waker_of_a_task_is_the_one_that_counts() {
    let lock = Lock::new(0);
    let holder = Task::new(&lock).poll();
    let mut task = Task::new(&lock);
    assert!(task.poll().is_none());
    let old = core::mem::replace(&mut task.woken, Arc::new(Count(AtomicU32::new(0))));
    assert!(task.poll().is_none());
    drop(holder);
    assert_eq!((old.0.load(Ordering::Relaxed), task.woken()), (0, 1));
}
