//! Paths and handles over the mock, in both colours.
#![allow(clippy::unit_arg, reason = "what a future answers in one colour is a value in the other")]
#![allow(clippy::arithmetic_side_effects, reason = "tests, not firmware")]

mod mock;
#[cfg(feature = "async")]
mod tasks;

use super::super::io::{Read, Seek, SeekFrom, Write};
use super::super::vnode::Slot;
use super::super::{colour, only_async, only_blocking};
use super::Vfs;
use crate::api::{FileId, NameBuf, NodeKind, OpenOptions};
use crate::error::{Error, Result};
use crate::table::HandleSlot;
use mock::Mock;
use std::string::{String, ToString};
use std::vec::Vec;

const CREATE: OpenOptions = OpenOptions::new().read().write().create();

/// The result of a test's body, in either colour.
#[only_blocking]
fn run<T>(done: T) -> T {
    done
}

/// The result of a test's body, in either colour.
#[only_async]
fn run<T>(body: impl Future<Output = T>) -> T {
    let mut body = core::pin::pin!(body);
    let mut context = core::task::Context::from_waker(core::task::Waker::noop());
    loop {
        if let core::task::Poll::Ready(done) = body.as_mut().poll(&mut context) {
            return done;
        }
    }
}

#[only_blocking]
fn pause() {}

/// Waits until it is polled again.
#[only_async]
async fn pause() {
    let mut waited = false;
    core::future::poll_fn(|context| {
        if core::mem::replace(&mut waited, true) {
            return core::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        core::task::Poll::Pending
    })
    .await;
}

/// Slots for a filesystem and its handles.
struct Room {
    vnodes: [Slot<()>; 6],
    handles: [HandleSlot; 3],
}

impl Room {
    fn new() -> Self {
        Self { vnodes: [const { Slot::EMPTY }; 6], handles: [HandleSlot::EMPTY; 3] }
    }

    fn vfs(&mut self) -> Vfs<'_, Mock<'_>> {
        Vfs::new(Mock::new(&mut self.vnodes), &mut self.handles)
    }
}

/// What must hold between operations: nothing held, nothing left behind, as many uses as handles.
#[colour]
async fn at_rest(vfs: &Vfs<'_, Mock<'_>>, uses: u32) {
    let mut mock = vfs.enter().await.unwrap();
    assert_eq!((mock.left, mock.table.abandon(), mock.uses()), (0, 0, uses));
}

#[colour]
async fn fail(vfs: &Vfs<'_, Mock<'_>>, operation: &'static str) {
    vfs.enter().await.unwrap().failing = operation;
}

#[colour]
async fn content(vfs: &Vfs<'_, Mock<'_>>, path: &str) -> Result<String> {
    let mut buffer = [0; 64];
    let count = vfs.read_file(path, &mut buffer).await?;
    Ok(String::from_utf8_lossy(&buffer[..count]).to_string())
}

/// What a cut would leave of a file's content.
#[colour]
async fn committed(vfs: &Vfs<'_, Mock<'_>>, path: &str) -> String {
    let object = vfs.stat(path).await.unwrap().object.0;
    let mock = vfs.enter().await.unwrap();
    String::from_utf8_lossy(&mock.nodes[&object].committed).to_string()
}

#[colour]
async fn put_file(vfs: &Vfs<'_, Mock<'_>>, path: &str, text: &str) {
    vfs.replace(path, text.as_bytes()).await.unwrap();
}

#[test]
#[colour]
fn paths_lead_where_their_names_say() {
    let mut room = Room::new();
    let vfs = room.vfs();
    run(async {
        vfs.mkdir("/a").await.unwrap();
        vfs.mkdir("a/b/").await.unwrap();
        put_file(&vfs, "a/b/c", "deep").await;
        for path in ["a/b/c", "/a//b/./c", "../../a/b/../b/c", "a/../a/b/c"] {
            assert_eq!(content(&vfs, path).await.as_deref(), Ok("deep"), "{path}");
        }
        assert_eq!(vfs.stat("").await.unwrap().kind, NodeKind::Directory);
        assert_eq!(vfs.stat("a/b/..").await.unwrap(), vfs.stat("a").await.unwrap());
        assert_eq!(content(&vfs, "a/x/c").await, Err(Error::NotFound));
        assert_eq!(content(&vfs, "a/b/c/d").await, Err(Error::NotADirectory));
        assert_eq!(content(&vfs, "a/b").await, Err(Error::IsADirectory));
        assert_eq!(vfs.read_file("a/b/c", &mut [0; 3]).await, Err(Error::Invalid));
        assert_eq!(vfs.stat(&"a/".repeat(65)).await.err(), Some(Error::NotFound));
        at_rest(&vfs, 0).await;
    });
}

#[test]
#[colour]
fn a_walk_is_as_long_as_its_path() {
    let mut room = Room::new();
    let vfs = room.vfs();
    run(async {
        let mut path = String::new();
        for _ in 0..90 {
            path.push_str("d/");
            vfs.mkdir(&path).await.unwrap();
        }
        assert!(vfs.stat(&path).await.is_ok());
        assert!(vfs.stat(&(path.clone() + "../../d/d")).await.is_ok());
        assert_eq!(vfs.stat(&(path + "d")).await.err(), Some(Error::NotFound));
        at_rest(&vfs, 0).await;
    });
}

#[test]
#[colour]
fn the_root_can_neither_be_made_nor_removed_nor_renamed() {
    let mut room = Room::new();
    let vfs = room.vfs();
    run(async {
        assert_eq!(vfs.mkdir("/").await, Err(Error::Exists));
        assert_eq!(vfs.rmdir("/.").await, Err(Error::Invalid));
        assert_eq!(vfs.remove("").await, Err(Error::IsADirectory));
        assert_eq!(vfs.rename("/", "a").await, Err(Error::Invalid));
        assert_eq!(vfs.open("/", CREATE).await, Err(Error::IsADirectory));
        assert_eq!(vfs.open("/", OpenOptions::READ).await, Err(Error::IsADirectory));
        assert_eq!(vfs.remove("a/..").await, Err(Error::Invalid));
        at_rest(&vfs, 0).await;
    });
}

#[test]
#[colour]
fn a_written_file_is_committed_by_close_and_its_id_is_stale_then() {
    let mut room = Room::new();
    let vfs = room.vfs();
    run(async {
        let id = vfs.open("f", CREATE).await.unwrap();
        assert_eq!(vfs.write_at(id, 2, b"xy").await, Ok(2));
        assert_eq!(content(&vfs, "f").await.as_deref(), Ok("\0\0xy"));
        assert_eq!(committed(&vfs, "f").await, "");
        vfs.set_len(id, 3).await.unwrap();
        assert_eq!(vfs.stat_file(id).await.unwrap().size, 3);
        at_rest(&vfs, 1).await;
        assert_eq!(vfs.close(id).await, Ok(()));
        assert_eq!(committed(&vfs, "f").await, "\0\0x");
        let other = vfs.open("f", CREATE).await.unwrap();
        assert_ne!(id, other);
        for stale in [vfs.close(id).await, vfs.sync_file(id).await, vfs.set_len(id, 0).await] {
            assert_eq!(stale, Err(Error::Stale));
        }
        assert_eq!(vfs.read_at(id, 0, &mut [0]).await, Err(Error::Stale));
        at_rest(&vfs, 1).await;
    });
}

#[test]
#[colour]
fn a_failed_close_reports_and_leaves_the_content_uncommitted() {
    let mut room = Room::new();
    let vfs = room.vfs();
    run(async {
        let id = vfs.open("f", CREATE).await.unwrap();
        vfs.write_at(id, 0, b"new").await.unwrap();
        fail(&vfs, "fsync").await;
        assert_eq!(vfs.close(id).await, Err(Error::NoSpace));
        assert_eq!(vfs.close(id).await, Err(Error::Stale));
        fail(&vfs, "").await;
        assert_eq!(committed(&vfs, "f").await, "");
        vfs.sync().await.unwrap();
        assert_eq!(committed(&vfs, "f").await, "new");
        at_rest(&vfs, 0).await;
    });
}

#[test]
#[colour]
fn a_handle_does_only_what_it_was_opened_for() {
    let mut room = Room::new();
    let vfs = room.vfs();
    run(async {
        put_file(&vfs, "f", "old").await;
        let reading = vfs.open("f", OpenOptions::READ).await.unwrap();
        assert_eq!(vfs.write_at(reading, 0, b"x").await, Err(Error::BadAccess));
        assert_eq!(vfs.set_len(reading, 0).await, Err(Error::BadAccess));
        assert_eq!(vfs.discard(reading).await, Err(Error::BadAccess));
        let appending = vfs.open("f", OpenOptions::new().append()).await.unwrap();
        assert_eq!(vfs.read_at(appending, 0, &mut [0]).await, Err(Error::BadAccess));
        assert_eq!(vfs.write_at(appending, 0, b"er").await, Ok(2));
        let mut seen = [0; 8];
        assert_eq!(vfs.read_at(reading, 1, &mut seen).await, Ok(4));
        assert_eq!(&seen[..4], b"lder");
        vfs.discard(appending).await.unwrap();
        assert_eq!(content(&vfs, "f").await.as_deref(), Ok("old"));
        assert_eq!(vfs.open("f", OpenOptions::new()).await, Err(Error::Invalid));
    });
}

#[test]
#[colour]
fn an_open_that_fails_leaves_neither_hold_nor_use_nor_handle() {
    let mut room = Room::new();
    let vfs = room.vfs();
    run(async {
        put_file(&vfs, "f", "old").await;
        let truncating = CREATE.truncate();
        for operation in ["lookup", "getattr", "open", "setattr"] {
            fail(&vfs, operation).await;
            assert_eq!(vfs.open("f", truncating).await, Err(Error::NoSpace), "{operation}");
            at_rest(&vfs, 0).await;
        }
        for operation in ["create", "open", "getattr"] {
            fail(&vfs, operation).await;
            assert_eq!(vfs.open("new", CREATE).await, Err(Error::NoSpace), "{operation}");
            at_rest(&vfs, 0).await;
        }
        fail(&vfs, "").await;
        assert_eq!(vfs.open("f", CREATE.create_new()).await, Err(Error::Exists));
        vfs.mkdir("d").await.unwrap();
        assert_eq!(vfs.open("d", CREATE).await, Err(Error::IsADirectory));
        at_rest(&vfs, 0).await;
        let mut ids = [None; 3];
        for id in &mut ids {
            *id = vfs.open("f", OpenOptions::READ).await.ok();
        }
        assert!(ids.iter().all(Option::is_some));
        assert_eq!(vfs.open("newer", CREATE).await, Err(Error::NoSlot));
        assert_eq!(vfs.stat("newer").await.err(), Some(Error::NotFound));
        at_rest(&vfs, 3).await;
    });
}

#[test]
#[colour]
fn other_operations_that_fail_leave_no_hold() {
    let mut room = Room::new();
    let vfs = room.vfs();
    run(async {
        vfs.mkdir("d").await.unwrap();
        put_file(&vfs, "d/f", "old").await;
        let all = ["lookup", "mkdir", "remove", "rename", "getattr", "setattr", "fsync", "write"];
        for operation in all {
            fail(&vfs, operation).await;
            let results = [
                vfs.stat("d/f").await.map(drop),
                vfs.read_dir("d").await.map(drop),
                vfs.truncate("d/f", 1).await,
                vfs.replace("d/f", b"new").await,
                vfs.mkdir("d/new").await,
                vfs.rename("d/f", "d/g").await,
                vfs.remove("d/g").await,
            ];
            assert!(results.contains(&Err(Error::NoSpace)), "{operation}");
            at_rest(&vfs, 0).await;
            fail(&vfs, "").await;
            for path in ["d/f", "d/g"] {
                let _ = vfs.remove(path).await;
            }
            let _ = vfs.rmdir("d/new").await;
            put_file(&vfs, "d/f", "old").await;
        }
        assert_eq!(vfs.rename("d/f", "x/g").await, Err(Error::NotFound));
        assert_eq!(vfs.rmdir("d").await, Err(Error::NotEmpty));
        at_rest(&vfs, 0).await;
    });
}

#[test]
#[colour]
fn a_removed_file_keeps_its_content_until_the_last_close() {
    let mut room = Room::new();
    let vfs = room.vfs();
    run(async {
        put_file(&vfs, "f", "kept").await;
        let id = vfs.open("f", OpenOptions::READ).await.unwrap();
        let object = vfs.stat_file(id).await.unwrap().object.0;
        vfs.remove("f").await.unwrap();
        assert_eq!(vfs.stat("f").await.err(), Some(Error::NotFound));
        let mut seen = [0; 4];
        assert_eq!(vfs.read_at(id, 0, &mut seen).await, Ok(4));
        assert!(vfs.enter().await.unwrap().nodes.contains_key(&object));
        vfs.close(id).await.unwrap();
        assert!(!vfs.enter().await.unwrap().nodes.contains_key(&object));
        put_file(&vfs, "g", "unopened").await;
        vfs.remove("g").await.unwrap();
        assert_eq!(vfs.enter().await.unwrap().nodes.len(), 1);
        at_rest(&vfs, 0).await;
    });
}

#[test]
#[colour]
fn a_debt_that_cannot_be_paid_is_reported_by_sync_and_paid_later() {
    let mut room = Room::new();
    let vfs = room.vfs();
    run(async {
        put_file(&vfs, "f", "x").await;
        fail(&vfs, "inactive").await;
        assert_eq!(vfs.remove("f").await, Ok(()));
        assert_eq!(vfs.stat("/").await.map(drop), Ok(()));
        assert_eq!(vfs.sync().await, Err(Error::NoSpace));
        fail(&vfs, "").await;
        assert_eq!(vfs.sync().await, Ok(()));
        assert_eq!(vfs.enter().await.unwrap().nodes.len(), 1);
    });
}

#[test]
#[colour]
fn dropped_handles_are_closed_by_the_next_operation_without_a_commit() {
    let mut room = Room::new();
    let vfs = room.vfs();
    run(async {
        for _ in 0..9 {
            let mut file = vfs.open_file("f", CREATE).await.unwrap();
            assert_eq!(file.write(b"draft").await, Ok(5));
            let _listing = vfs.read_dir("").await.unwrap();
        }
        assert_eq!(content(&vfs, "f").await.as_deref(), Ok("draft"));
        assert_eq!(committed(&vfs, "f").await, "");
        at_rest(&vfs, 0).await;
        vfs.sync().await.unwrap();
        assert_eq!(committed(&vfs, "f").await, "draft");
        let file = vfs.open_file("f", CREATE).await.unwrap();
        vfs.remove("f").await.unwrap();
        drop(file);
        assert_eq!(vfs.enter().await.unwrap().nodes.len(), 1);
    });
}

#[test]
#[colour]
fn a_file_reads_writes_and_seeks_from_its_position() {
    let mut room = Room::new();
    let vfs = room.vfs();
    run(async {
        vfs.enter().await.unwrap().write_max = 3;
        let mut file = vfs.open_file("f", CREATE).await.unwrap();
        file.write_all(b"0123456789").await.unwrap();
        file.flush().await.unwrap();
        assert_eq!((file.position(), committed(&vfs, "f").await.as_str()), (10, "0123456789"));
        assert_eq!(file.seek(SeekFrom::End(-4)).await, Ok(6));
        let mut two = [0; 2];
        file.read_exact(&mut two).await.unwrap();
        assert_eq!((&two, file.seek(SeekFrom::Current(-8)).await), (b"67", Ok(0)));
        assert_eq!(file.seek(SeekFrom::Current(-1)).await, Err(Error::Invalid));
        assert_eq!(file.seek(SeekFrom::Start(2)).await, Ok(2));
        assert_eq!(file.write(b"ab").await, Ok(2));
        file.set_len(5).await.unwrap();
        assert_eq!(file.stat().await.unwrap().size, 5);
        file.close().await.unwrap();
        assert_eq!(committed(&vfs, "f").await, "01ab4");
        let mut log = vfs.open_file("f", OpenOptions::new().append()).await.unwrap();
        log.write_all(b"5678").await.unwrap();
        assert_eq!(log.position(), 9);
        let id = log.into_id();
        let mut log = vfs.file(id);
        log.discard().await.unwrap();
        assert_eq!(log.stat().await.unwrap().size, 5);
        at_rest(&vfs, 1).await;
    });
}

#[test]
#[colour]
fn a_listing_gives_every_entry_once_while_others_come_and_go() {
    let mut room = Room::new();
    let vfs = room.vfs();
    run(async {
        vfs.mkdir("d").await.unwrap();
        for name in ["d/a", "d/b", "d/c"] {
            put_file(&vfs, name, "12").await;
        }
        let mut listing = vfs.read_dir("d").await.unwrap();
        let mut name = NameBuf::new();
        let mut seen = Vec::new();
        while let Some(entry) = listing.next(&mut name).await.unwrap() {
            assert_eq!((entry.kind, entry.size), (NodeKind::File, 2));
            seen.push(name.to_string());
            let _ = vfs.remove("d/a").await;
            fail(&vfs, "readdir").await;
            assert_eq!(listing.next(&mut name).await, Err(Error::NoSpace));
            fail(&vfs, "").await;
        }
        assert_eq!(seen, ["a", "b", "c"]);
        listing.rewind();
        assert!(listing.next(&mut name).await.unwrap().is_some());
        assert_eq!(name.as_str(), Some("b"));
        drop(listing);
        assert_eq!(vfs.read_dir("d/b").await.err(), Some(Error::NotADirectory));
        at_rest(&vfs, 0).await;
    });
}

#[test]
#[colour]
fn a_rename_replaces_and_keeps_open_files_open() {
    let mut room = Room::new();
    let vfs = room.vfs();
    run(async {
        vfs.mkdir("d").await.unwrap();
        put_file(&vfs, "d/new", "new").await;
        put_file(&vfs, "f", "old").await;
        let id = vfs.open("f", OpenOptions::READ).await.unwrap();
        vfs.rename("d/new", "f").await.unwrap();
        assert_eq!(content(&vfs, "f").await.as_deref(), Ok("new"));
        let mut seen = [0; 3];
        assert_eq!(vfs.read_at(id, 0, &mut seen).await, Ok(3));
        assert_eq!(&seen, b"old");
        vfs.close(id).await.unwrap();
        assert_eq!(vfs.enter().await.unwrap().nodes.len(), 3);
        at_rest(&vfs, 0).await;
    });
}

#[test]
#[colour]
fn a_replacement_that_fails_leaves_the_old_content() {
    let mut room = Room::new();
    let vfs = room.vfs();
    run(async {
        put_file(&vfs, "f", "old").await;
        for operation in ["setattr", "write", "fsync"] {
            fail(&vfs, operation).await;
            assert_eq!(vfs.replace("f", b"new").await, Err(Error::NoSpace));
            fail(&vfs, "").await;
            assert_eq!(content(&vfs, "f").await.as_deref(), Ok("old"), "{operation}");
        }
        vfs.enter().await.unwrap().write_max = 1;
        put_file(&vfs, "f", "new").await;
        assert_eq!(committed(&vfs, "f").await, "new");
        vfs.truncate("f", 1).await.unwrap();
        assert_eq!(committed(&vfs, "f").await, "n");
        at_rest(&vfs, 0).await;
    });
}

#[only_blocking]
#[test]
fn an_operation_inside_another_is_told_to_wait_and_loses_nothing() {
    let mut room = Room::new();
    let vfs = room.vfs();
    let id = vfs.open("f", CREATE).unwrap();
    let file = vfs.open_file("f", CREATE).unwrap();
    let guard = vfs.enter().unwrap();
    assert_eq!(vfs.write_at(id, 0, b"x"), Err(Error::Busy));
    assert_eq!(vfs.close(id), Err(Error::Busy));
    drop(file);
    drop(guard);
    at_rest(&vfs, 1);
    assert_eq!(vfs.write_at(id, 0, b"x"), Ok(1));
}

#[test]
#[colour]
fn an_id_of_an_earlier_mount_is_stale() {
    let mut room = Room::new();
    run(async {
        let old: FileId = room.vfs().open("f", CREATE).await.unwrap();
        let vfs = room.vfs();
        vfs.open("f", CREATE).await.unwrap();
        assert_eq!(vfs.stat_file(old).await.err(), Some(Error::Stale));
    });
}
