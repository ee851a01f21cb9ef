//! Several tasks at once, and futures dropped at every place where they wait.

use super::super::super::only_async;

#[only_async]
mod asynchronous {
    use super::super::{CREATE, Room, content, run};
    use crate::api::{FileId, NameBuf, OpenOptions};
    use crate::error::Result;
    use core::pin::{Pin, pin};
    use core::task::{Context, Poll, Waker};
    use std::boxed::Box;
    use std::vec::Vec;

    /// Polls `future` at most `polls` times.
    fn poll<F: Future + ?Sized>(mut future: Pin<&mut F>, polls: usize) -> Option<F::Output> {
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..polls {
            if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
                return Some(done);
            }
        }
        None
    }

    #[test]
    fn tasks_are_served_in_the_order_in_which_they_came() {
        let mut room = Room::new();
        let vfs = room.vfs();
        let id = run(vfs.open("log", OpenOptions::new().append().create())).unwrap();
        let letters: Vec<[u8; 1]> = (b'a'..b'e').map(|letter| [letter]).collect();
        let write = |letter| Box::pin(vfs.write_at(id, 0, letter));
        let mut tasks: Vec<_> = letters.iter().map(|letter| Some(write(letter))).collect();
        // They come in the order a, b, c, d; later the newest is polled most often.
        for task in tasks.iter_mut().flatten() {
            assert!(poll(task.as_mut(), 1).is_none());
        }
        while tasks.iter().any(Option::is_some) {
            for task in tasks.iter_mut().rev() {
                if task.as_mut().is_some_and(|task| poll(task.as_mut(), 2).is_some()) {
                    *task = None;
                }
            }
        }
        assert_eq!(run(content(&vfs, "log")).as_deref(), Ok("abcd"));
    }

    #[test]
    fn a_dropped_open_leaves_nothing_behind_wherever_it_waits() {
        let mut completed = false;
        for polls in 1.. {
            let mut room = Room::new();
            let vfs = room.vfs();
            run(vfs.mkdir("d")).unwrap();
            run(vfs.replace("d/f", b"old")).unwrap();
            {
                let opening = pin!(vfs.open("d/f", CREATE.truncate()));
                let opened: Option<Result<FileId>> = poll(opening, polls);
                completed = opened.is_some();
            }
            let expected = u32::from(completed);
            let mock = run(vfs.enter()).unwrap();
            assert_eq!(mock.uses(), expected, "dropped after {polls} polls");
            drop(mock);
            assert!(vfs.handles.has_room());
            if completed {
                assert!(polls > 5, "{polls}");
                break;
            }
            assert_eq!(run(content(&vfs, "d/f")).as_deref(), Ok("old"));
        }
        assert!(completed);
    }

    #[test]
    fn a_dropped_operation_leaves_the_state_before_or_after_it() {
        for polls in 1..20 {
            let mut room = Room::new();
            let vfs = room.vfs();
            run(vfs.mkdir("d")).unwrap();
            let id = run(vfs.open("d/f", CREATE)).unwrap();
            run(vfs.write_at(id, 0, b"draft")).unwrap();
            let mut listing = run(vfs.read_dir("d")).unwrap();
            let _ = poll(pin!(vfs.rename("d/f", "g")), polls);
            let _ = poll(pin!(listing.next(&mut NameBuf::new())), polls);
            let _ = poll(pin!(vfs.close(id)), polls);
            drop(listing);
            let open = run(vfs.stat_file(id)).is_ok();
            let mock = run(vfs.enter()).unwrap();
            assert_eq!(mock.uses(), u32::from(open), "dropped after {polls} polls");
            drop(mock);
            let (old, new) = (run(content(&vfs, "d/f")), run(content(&vfs, "g")));
            assert_eq!(u32::from(old.is_ok()) + u32::from(new.is_ok()), 1);
            assert_eq!(old.or(new).as_deref(), Ok("draft"));
        }
    }

    #[test]
    fn a_task_that_is_dropped_in_the_middle_lets_the_others_go_on() {
        let mut room = Room::new();
        let vfs = room.vfs();
        run(vfs.replace("f", b"x")).unwrap();
        let mut first = Box::pin(vfs.stat("f"));
        let mut second = Box::pin(vfs.stat("f"));
        assert!(poll(first.as_mut(), 1).is_none());
        assert!(poll(second.as_mut(), 9).is_none(), "the first one has the lock");
        drop(first);
        assert!(poll(second.as_mut(), 9).is_some_and(|found| found.is_ok()));
        assert!(run(vfs.enter()).unwrap().left > 0, "the dropped one left holds");
    }
}
