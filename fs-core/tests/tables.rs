//! Every table in RAM that has a fixed size, full: the call is refused with the error of its
//! documentation, nothing is changed, and when something has been given back it succeeds.
#![cfg(feature = "blocking")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "tests")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod shared;

use fs_core::blocking::Volume;
use fs_core::{
    AllocateFlags, AttributeChange, Error, FileId, FormatOptions, Memory, MountOptions, NameBuf,
    NodeKind, OpenOptions, RenameMode, Result, XattrMode,
};
use shared::Shared;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

const SLOTS: usize = 4;
const DRAFTS: usize = 2;

type Lent = Memory<2048, SLOTS, DRAFTS>;
type Mounted<'m> = Volume<'m, Shared>;
type Call = (&'static str, fn(&Mounted<'_>) -> Result<()>);

const READ: OpenOptions = OpenOptions::READ;
const WRITE: OpenOptions = OpenOptions::new().read().write();
const CREATE: OpenOptions = OpenOptions::new().write().create();

/// A volume with some of everything, unmounted.
fn prepared() -> Shared {
    let mut device = Shared(Rc::new(RefCell::new(vec![0xFF; 96 * shared::BLOCK])));
    Volume::format(&mut device, &mut Lent::new(), &FormatOptions::default()).unwrap();
    let mut memory = Lent::new();
    let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
    for path in ["/d", "/d/e", "/other", "/p", "/p/q"] {
        volume.mkdir(path).unwrap();
    }
    for number in 0..6 {
        volume.replace(&format!("/f{number}"), &[number; 20]).unwrap();
    }
    volume.replace("/d/x", b"content of x").unwrap();
    volume.replace("/d/z", &[7; 9000]).unwrap();
    volume.symlink("/d/x", "/link").unwrap();
    volume.set_xattr("/d/x", "user.a", b"value", XattrMode::Any).unwrap();
    volume.unmount().unwrap();
    device
}

/// Everything that a mount of what is on the medium now shows.
fn shown(device: &Shared) -> BTreeMap<String, String> {
    let bytes = device.0.borrow().clone();
    let mut device = Shared(Rc::new(RefCell::new(bytes)));
    let mut memory = Memory::<2048, 12, 2>::new();
    let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
    volume.check().unwrap();
    let mut found = BTreeMap::new();
    let mut directories = vec![String::new()];
    while let Some(directory) = directories.pop() {
        let mut listing = volume.read_dir(&format!("{directory}/")).unwrap();
        let mut name = NameBuf::new();
        while let Some(entry) = listing.next(&mut name).unwrap() {
            let path = format!("{directory}/{}", String::from_utf8_lossy(name.as_bytes()));
            let stat = volume.symlink_stat(&path).unwrap();
            let mut content = vec![0; 20_000];
            let length = match entry.kind {
                NodeKind::File => volume.read_file(&path, &mut content).unwrap(),
                NodeKind::Symlink => volume.read_link(&path, &mut content).unwrap(),
                NodeKind::Directory => {
                    directories.push(path.clone());
                    0
                }
            };
            let value = volume.get_xattr(&path, "user.a", &mut [0; 20]);
            let facts = (stat.kind, stat.links, stat.owner, value, &content[..length]);
            found.insert(path, format!("{facts:?}"));
        }
    }
    found
}

/// Calls that need a vnode, an open file or a draft of their own.
const CALLS: &[Call] = &[
    ("open", |v| v.open("/d/x", READ).and_then(|id| v.close(id))),
    ("create", |v| v.open("/d/new", CREATE).and_then(|id| v.close(id))),
    ("open and cut", |v| {
        let id = v.open("/d/x", WRITE.truncate())?;
        v.close(id)
    }),
    ("list", |v| v.read_dir("/d").and_then(|mut all| all.next(&mut NameBuf::new()).map(|_| ()))),
    ("stat", |v| v.stat("/d/x").map(|_| ())),
    ("stat of a link", |v| v.symlink_stat("/link").map(|_| ())),
    ("read a link", |v| v.read_link("/link", &mut [0; 20]).map(|_| ())),
    ("read", |v| v.read_file("/d/z", &mut [0; 9000]).map(|_| ())),
    ("mkdir", |v| v.mkdir("/d/made")),
    ("mkdir in the root", |v| v.mkdir("/made")),
    ("rmdir", |v| v.rmdir("/d/e")),
    ("remove", |v| v.remove("/d/x")),
    ("remove from the root", |v| v.remove("/link")),
    ("rename", |v| v.rename("/d/x", "/d/y")),
    ("rename across", |v| v.rename("/d/x", "/other/y")),
    ("rename over", |v| v.rename("/d/x", "/d/z")),
    ("rename a directory", |v| v.rename("/p/q", "/other/q")),
    ("swap", |v| v.rename_with("/d/x", "/d/z", RenameMode::Swap)),
    ("exchange", |v| v.exchange("/d/x", "/d/z")),
    ("link", |v| v.link("/d/x", "/other/l")),
    ("symlink", |v| v.symlink("/d", "/other/s")),
    ("replace", |v| v.replace("/d/x", b"another")),
    ("replace what is not there", |v| v.replace("/d/new", b"another")),
    ("replace by much", |v| v.replace("/d/x", &[3; 6000])),
    ("truncate", |v| v.truncate("/d/z", 100)),
    ("set an attribute", |v| v.set_xattr("/d/x", "user.a", b"new", XattrMode::Any)),
    ("set a large one", |v| v.set_xattr("/d/x", "user.a", &[1; 2000], XattrMode::Any)),
    ("remove an attribute", |v| v.remove_xattr("/d/x", "user.a")),
    ("set the size", |v| v.set_attributes("/d/z", AttributeChange::size(5))),
];

/// Fills a table; what it gives is held until it is full no more.
type Fill = fn(&Mounted<'_>) -> Vec<FileId>;

/// Makes each call while a table is full. What is refused succeeds as soon as enough of what is
/// held is given back. Gives the names of those that were refused.
fn refused<const SLOTS: usize>(
    fill: Fill,
    error: Error,
    give_back: fn(&Mounted<'_>, FileId),
) -> Vec<&'static str> {
    let mut refused = Vec::new();
    for (name, call) in CALLS {
        let mut device = prepared();
        let image = device.clone();
        let mut memory = Memory::<2048, SLOTS, DRAFTS>::new();
        let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
        let mut held = fill(&volume);
        let mut before = shown(&image);
        let mut result = call(&volume);
        if result.is_ok() {
            continue;
        }
        loop {
            assert_eq!(result, Err(error), "{name}");
            assert_eq!(shown(&image), before, "{name} was refused");
            give_back(&volume, held.pop().unwrap());
            before = shown(&image);
            result = call(&volume);
            if result.is_ok() {
                break;
            }
            assert!(!held.is_empty(), "{name}, when nothing is held: {result:?}");
        }
        for id in held {
            volume.close(id).unwrap();
        }
        volume.check().unwrap();
        volume.unmount().unwrap();
        shown(&image);
        refused.push(*name);
    }
    refused
}

/// Open files that leave one vnode: what leads to a file takes that.
fn all_but_one(volume: &Mounted<'_>, options: OpenOptions) -> Vec<FileId> {
    let open = |number| volume.open(&format!("/f{number}"), options).unwrap();
    (0..SLOTS - 1).map(open).collect()
}

fn close(volume: &Mounted<'_>, id: FileId) {
    volume.close(id).unwrap();
}

#[test]
fn a_call_beyond_the_open_files_is_refused_and_changes_nothing() {
    // Open files of one vnode: what is full is the table of open files alone.
    let fill: Fill = |volume| (0..SLOTS).map(|_| volume.open("/f0", READ).unwrap()).collect();
    let refused = refused::<SLOTS>(fill, Error::NoSlot, close);
    assert_eq!(refused, ["open", "create", "open and cut", "list"]);
}

#[test]
fn a_call_beyond_the_vnodes_is_refused_and_changes_nothing() {
    let fill: Fill = |volume| {
        let held = all_but_one(volume, READ);
        assert_eq!(volume.open("/f5", READ), Err(Error::NoSlot));
        held
    };
    let refused = refused::<SLOTS>(fill, Error::NoSlot, close);
    // What leads to a name in the root is all that this takes.
    assert!(!refused.contains(&"remove from the root"), "{refused:?}");
    assert_eq!(refused.len(), CALLS.len() - 1, "{refused:?}");
}

#[test]
fn a_call_beyond_the_vnodes_leaves_what_was_written_to_the_files_in_use() {
    for (name, call) in CALLS {
        let mut device = prepared();
        let image = device.clone();
        let mut memory = Lent::new();
        let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
        let held = all_but_one(&volume, WRITE);
        for id in &held[..DRAFTS] {
            volume.write_at(*id, 0, b"not yet committed").unwrap();
        }
        let done = call(&volume).is_ok();
        for (number, id) in held.iter().enumerate() {
            let mut found = [0; 30];
            assert_eq!(volume.read_at(*id, 0, &mut found), Ok(20), "{name}");
            let wanted = if number < DRAFTS { b'n' } else { number as u8 };
            assert_eq!(found[0], wanted, "{name}, {done}");
            volume.close(*id).unwrap();
        }
        drop(volume);
        let found = shown(&image);
        assert!(found["/f0"].contains("110, 111, 116"), "{name}: {}", found["/f0"]);
    }
}

#[test]
fn a_call_beyond_the_drafts_is_refused_and_changes_nothing() {
    let fill: Fill = |volume| {
        let open = |number| {
            let id = volume.open(&format!("/f{number}"), WRITE).unwrap();
            volume.write_at(id, 0, b"a draft").unwrap();
            id
        };
        (0..DRAFTS).map(open).collect()
    };
    let refused = refused::<8>(fill, Error::NoDraft, |volume, id| {
        volume.sync_file(id).unwrap();
        volume.close(id).unwrap();
    });
    let drafts = [
        "open and cut",
        "replace",
        "replace by much",
        "truncate",
        "set a large one",
        "set the size",
    ];
    assert_eq!(refused, drafts);
}

#[test]
fn a_write_beyond_the_drafts_is_refused_and_changes_nothing() {
    let mut device = prepared();
    let image = device.clone();
    let before = shown(&image);
    let mut memory = Lent::new();
    let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
    let held: Vec<FileId> =
        (0..3).map(|number| volume.open(&format!("/f{number}"), WRITE).unwrap()).collect();
    for id in &held[..DRAFTS] {
        volume.write_at(*id, 0, b"a draft").unwrap();
    }
    let third = held[DRAFTS];
    assert_eq!(volume.write_at(third, 0, b"one too many"), Err(Error::NoDraft));
    assert_eq!(volume.set_len(third, 3), Err(Error::NoDraft));
    assert_eq!(
        volume.allocate(third, 0, 9000, AllocateFlags::empty()).map(|_| ()),
        Err(Error::NoDraft)
    );
    assert_eq!(shown(&image), before);
    assert_eq!(volume.stat_file(third).map(|found| found.size), Ok(20));
    volume.discard(held[0]).unwrap();
    assert_eq!(volume.write_at(third, 0, b"one too many"), Ok(12));
    volume.sync().unwrap();
    let after = shown(&image);
    assert_eq!(after["/f0"], before["/f0"], "what was discarded");
    assert!(after["/f2"] != before["/f2"] && after["/f1"] != before["/f1"]);
}

/// Uncommitted data is pinned in at most 24 runs. Where free space is in single blocks, eight
/// drafts of four blocks are more.
#[test]
fn a_write_beyond_the_pinned_runs_is_refused_and_loses_nothing() {
    let mut device = Shared(Rc::new(RefCell::new(vec![0xFF; 256 * shared::BLOCK])));
    let image = device.clone();
    Volume::format(&mut device, &mut Lent::new(), &FormatOptions::default()).unwrap();
    let mut memory = Memory::<2048, 12, 8>::new();
    let volume = Volume::mount(&mut device, &mut memory, MountOptions::default()).unwrap();
    let path = |number: usize| format!("/fill{number:03}");
    let mut made = 0;
    while volume.replace(&path(made), &[1; 4096]).is_ok() {
        made += 1;
    }
    volume
        .remove(&path(made))
        .or_else(|error| if error == Error::NotFound { Ok(()) } else { Err(error) })
        .unwrap();
    for number in (0..made).step_by(2) {
        volume.remove(&path(number)).unwrap();
    }
    volume.sync().unwrap();
    let held: Vec<FileId> =
        (0..8).map(|number| volume.open(&format!("/w{number}"), CREATE.read()).unwrap()).collect();
    let mut written = [0_u64; 8];
    let refusal = 'all: loop {
        for (number, id) in held.iter().enumerate() {
            match volume.write_at(*id, written[number], &[number as u8 + 1; 2048]) {
                Ok(taken) => written[number] += taken as u64,
                Err(error) => break 'all (number, error),
            }
        }
        assert!(written[0] < 60 * 4096, "never refused");
    };
    let (number, error) = refusal;
    assert_eq!(error, Error::NoDraft);
    for (id, written) in held.iter().zip(&written) {
        assert_eq!(volume.stat_file(*id).map(|found| found.size), Ok(*written));
    }
    volume.sync_file(held[(number + 1) % 8]).unwrap();
    volume.sync_file(held[(number + 2) % 8]).unwrap();
    written[number] +=
        volume.write_at(held[number], written[number], &[number as u8 + 1; 2048]).unwrap() as u64;
    for id in &held {
        volume.close(*id).unwrap();
    }
    volume.check().unwrap();
    drop(volume);
    let found = shown(&image);
    for (number, written) in written.iter().enumerate() {
        let content = vec![number as u8 + 1; *written as usize];
        assert!(found[&format!("/w{number}")].ends_with(&format!("{content:?})")), "{number}");
    }
}
