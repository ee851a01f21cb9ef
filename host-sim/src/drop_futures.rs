//! Futures dropped at every await, with several tasks on one volume.
//!
//! **What it is.** Four tasks work in directories of their own on one asynchronous volume, polled
//! in turns. One of them is dropped at its n-th poll, for every n; the chip's operations are
//! pending once before and once after their effect, so every device operation can be the one that
//! is abandoned.
//!
//! **Rules.**
//! 1. Every completed operation of every task is kept, drafts included: the dropped operation
//!    alone is old or new.
//! 2. The other tasks finish without an error, the volume goes on, its check is clean.
//! 3. A volume sync and a power cut later the medium holds what RAM showed. If the power fails at
//!    the very poll of the drop, what tasks had under way is old or new as well.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Instant;

use fs_core::RenameMode;
use fs_core::api::{
    AllocateFlags, AttributeChange, Cookie, FileId, MountOptions, NameBuf, NodeKind,
    Op as Together, Owner, XattrMode,
};
use fs_core::asynchronous::Volume;
use fs_core::asynchronous::device::Either;
use fs_core::error::{Error, Result};
use fs_core::memory::Memory;

use crate::chip::{Nor, Way};
use crate::clock::wall;
use crate::drivers::asynchronous::OnWires;
use crate::exec::block_on;
use crate::explore::outcome::{Allowed, Fault, observe};
use crate::explore::play::spec_of;
use crate::explore::{Failure, Options, Progress, Report, Row, cores, guarded, lock};
use crate::fault::{Faults, TearMode};
use crate::model::{Access, CONTENT_MAX, Change, Entry, Model, Op, SAME, Slot, Tree};
use crate::rng::mix;
use crate::scenario::{Medium, Script, Tuning};
use crate::subject::{Ending, Mounting, Subject, Vellum, open_options};

/// Polls after which tasks count as stuck.
const POLLS_MAX: u64 = 10_000_000;
const BLOCKS: u32 = 40;
/// Room for the longest content of a task.
const READ: usize = 40_000;
const TUNING: Tuning = Tuning::TIGHT;
const TEARS: &[TearMode] =
    &[TearMode::Nothing, TearMode::RandomSubset, TearMode::Complete, TearMode::Unstable];

/// Which task is dropped when, and what becomes of the device operation it had under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DropPoint {
    /// The task.
    pub task: usize,
    /// How often it is polled before.
    pub polls: u64,
    /// What is left of its device operation.
    pub tear: TearMode,
    /// The power fails at once, instead of after the others have finished.
    pub cut: bool,
}

impl fmt::Display for DropPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{:?}:{}", self.task, self.polls, self.tear, u8::from(self.cut))
    }
}

impl DropPoint {
    /// Reads what [`fmt::Display`] wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let bad = || format!("`{text}` is not TASK:POLLS:MODE:CUT");
        let [task, polls, mode, cut] = text.split(':').collect::<Vec<_>>()[..] else {
            return Err(bad());
        };
        let tear = TEARS.iter().find(|tear| format!("{tear:?}") == mode);
        Ok(Self {
            task: task.parse().map_err(|_| bad())?,
            polls: polls.parse().map_err(|_| bad())?,
            tear: tear.copied().ok_or_else(bad)?,
            cut: cut == "1",
        })
    }
}

/// The chip, or the driver of one.
type Device = Either<Nor, OnWires>;

/// The chip as the volume has it, and what takes its power away.
async fn device(nor: &Nor) -> Result<Device> {
    if nor.spec().way == Way::Array {
        return Ok(Either::Left(nor.clone()));
    }
    Ok(Either::Right(OnWires::new(nor).await?))
}

/// What the tasks do. Task n has the directory `/tn` for itself.
fn tasks() -> Vec<Vec<Op>> {
    let mut drafts = Script::new(0);
    for round in 0..4 {
        let text = Script::text("draft", round, 150 + 60 * round);
        drafts
            .open(0, "/t0/a", Access::CREATE)
            .write(0, 0, &text)
            .op(Op::Read(0))
            .write(0, 100, b"in the middle")
            .op(Op::SyncFile(0))
            .op(Op::Allocate(0, 0, 9000, true))
            .write(0, 20, b"drafted on")
            .close(0)
            .open(1, "/t0/b", Access::REWRITE)
            .write(1, 0, &text)
            .close(1)
            .rename("/t0/b", "/t0/c");
    }
    let mut names = Script::new(1);
    for round in 0..5 {
        let text = Script::text("name", round, 70 * round);
        names
            .mkdir("/t1/d")
            .replace("/t1/d/f", &text)
            .rename("/t1/d/f", "/t1/g")
            .rmdir("/t1/d")
            .op(Op::Truncate("/t1/g".into(), 30))
            .open(0, "/t1/g", Access::WRITE)
            .remove("/t1/g")
            .op(Op::Read(0))
            .close(0);
        let (swap, text) = (RenameMode::Swap, Script::text("link", round, 60));
        names
            .replace("/t1/x", &text)
            .replace("/t1/g2", b"")
            .op(Op::Link("/t1/x".into(), "/t1/y".into()))
            .op(Op::Symlink("y".into(), "/t1/s".into()))
            .replace("/t1/z", b"z")
            .op(Op::RenameWith("/t1/x".into(), "/t1/z".into(), swap))
            .op(Op::Exchange("/t1/s".into(), "/t1/x".into()))
            .op(Op::SetXattr("/t1/y".into(), "crc".into(), text))
            .op(Op::SetOwner("/t1/z".into(), 0o644, 1, 2))
            .op(Op::RemoveXattr("/t1/y".into(), "crc".into()))
            .open(0, "/t1/z", Access::WRITE)
            .write(0, 0, b"together")
            .replace("/t1/u", b"u")
            .op(Op::Transaction(vec![
                Change::Commit(0),
                Change::Rename("/t1/u".into(), "/t1/v".into()),
                Change::Remove("/t1/g2".into()),
            ]))
            .close(0)
            .remove("/t1/y")
            .remove("/t1/s");
    }
    let mut bulk = Script::new(2);
    for round in 0..16 {
        let text = Script::text("bulk", round, 440);
        bulk.replace(&format!("/t2/big{}", round % 3), &text);
    }
    let ops = |script: Script| script.lines().iter().map(|line| line.op.clone()).collect();
    vec![ops(drafts), ops(names), ops(bulk), ops(large())]
}

/// Contents in blocks: written, overwritten, cut, given up, replaced.
fn large() -> Script {
    let mut large = Script::new(3);
    for round in 0..2 {
        let text = |n: usize, len| Script::text("large", 10 * round + n, len);
        large
            .open(0, "/t3/l", Access::CREATE)
            .write(0, 0, &text(0, 3000))
            .write(0, 700, &text(1, 300))
            .op(Op::SyncFile(0))
            .write(0, 3000, &text(2, 2500))
            .op(Op::Read(0))
            .op(Op::SetLen(0, 1500))
            .write(0, 9000, &text(3, 100))
            .op(Op::Discard(0))
            .write(0, 5000, &text(4, 600))
            .close(0)
            .replace("/t3/r", &text(5, 5000))
            .op(Op::Truncate("/t3/r".into(), 1000))
            .open(0, "/t3/r", Access::WRITE)
            .write(0, 1000, &text(6, 900))
            .rename("/t3/r", "/t3/l")
            .write(0, 4000, &text(7, 700))
            .close(0)
            .replace("/t3/l", &text(8, 4500))
            .remove("/t3/l");
    }
    large
}

/// How far a task is.
#[derive(Debug, Clone, Default)]
struct Account {
    completed: usize,
    under_way: bool,
    refused: Option<(usize, Result<()>)>,
}

/// Drops futures everywhere. Of the polls of each task one in `options.one_in` is a drop.
pub fn run(options: &Options, progress: &(dyn Fn(Progress) + Sync)) -> Report {
    run_on(None, options, progress)
}

/// The same on a medium of [`crate::scenario::ON_WIRES`]: every exchange on the wires is pending
/// once before and once after.
pub fn run_on(
    medium: Option<&str>,
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
) -> Report {
    let begin = Instant::now();
    let tasks = tasks();
    let rows: Vec<Mutex<Row>> =
        (0..tasks.len()).map(|task| Mutex::new(Row::new(&format!("task {task}")))).collect();
    let failures = Mutex::new(Vec::new());
    let mut jobs = Vec::new();
    for task in 0..tasks.len() {
        match guarded(|| polls_of(medium, &tasks, task)) {
            Ok(polls) => jobs.extend(points(task, polls, options)),
            Err(fault) => lock(&failures).push(failure(medium, options.seed, "none", fault)),
        }
    }
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let late = || options.time.is_some_and(|time| begin.elapsed() >= time);
    std::thread::scope(|scope| {
        for _ in 0..options.threads.unwrap_or_else(cores) {
            scope.spawn(|| {
                while let Some(point) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if late() || lock(&failures).len() >= options.failures_max {
                        break;
                    }
                    let result = guarded(|| once(medium, &tasks, *point, options.seed));
                    lock(&rows[point.task]).state(1, true);
                    if let Err(fault) = result {
                        let failure = failure(medium, options.seed, &point.to_string(), fault);
                        if !(options.known)(&failure) {
                            lock(&failures).push(failure);
                        }
                    }
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    let failures = lock(&failures).len();
                    progress(Progress { done, jobs: jobs.len(), states: done as u64, failures });
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap_or_default();
    failures.sort_by_key(Failure::replay);
    Report {
        subject: "vellum, dropped futures".into(),
        seed: options.seed,
        rows: rows.into_iter().map(|row| row.into_inner().unwrap_or_default()).collect(),
        failures,
        known: 0,
        complete: done.into_inner() == jobs.len(),
        elapsed: begin.elapsed(),
    }
}

/// Repeats one drop.
///
/// # Errors
/// What did not hold.
pub fn repeat(medium: Option<&str>, point: DropPoint, seed: u64) -> std::result::Result<(), Fault> {
    guarded(|| once(medium, &tasks(), point, seed))
}

fn failure(medium: Option<&str>, seed: u64, what: &str, fault: Fault) -> Failure {
    let medium = medium.map_or(String::new(), |medium| format!(" --medium {medium}"));
    Failure::of(&format!("drops{medium}"), "", seed, what, fault)
}

fn points(task: usize, polls: u64, options: &Options) -> Vec<DropPoint> {
    let all = (0..polls)
        .filter(|poll| mix(options.seed, mix(task as u64, *poll)).is_multiple_of(options.one_in));
    all.flat_map(|polls| {
        let key = mix(options.seed, polls);
        let tear = TEARS[usize::try_from(key % TEARS.len() as u64).unwrap_or(0)];
        [false, true].map(|cut| DropPoint { task, polls, tear, cut })
    })
    .collect()
}

type Lent = Memory<2048, 8, 5>;

fn chip(medium: Option<&str>) -> std::result::Result<Nor, Fault> {
    let medium = medium.map_or(Some(Medium::nor(BLOCKS)), |name| Medium::on_wires(name, BLOCKS));
    let medium = medium.ok_or_else(|| Fault::new("preparation", "there is no such medium"))?;
    let mut nor = Nor::new(spec_of(medium));
    let failed = |error: Error| Fault::new("preparation", format!("{error:?}"));
    Vellum.format(&mut nor, TUNING).map_err(failed)?;
    let mut made = Ok(());
    let session = Vellum.session(&mut nor, TUNING, Mounting::Write, &mut |volume| {
        made = (0..4).try_for_each(|task| volume.call(&Op::Mkdir(format!("/t{task}"))));
        Ending::Unmounted
    });
    session.and(made).map_err(failed)?;
    Ok(nor)
}

/// How often task `task` is polled until it is done.
fn polls_of(
    medium: Option<&str>,
    tasks: &[Vec<Op>],
    task: usize,
) -> std::result::Result<u64, Fault> {
    let nor = chip(medium)?;
    let mut memory = Lent::new();
    let opened = block_on(device(&nor));
    let mut device = opened.map_err(|error| Fault::new("open", format!("{error:?}")))?;
    let options = MountOptions { clock: wall, ..MountOptions::default() };
    let mounted = block_on(Volume::mount(&mut device, &mut memory, options));
    let volume = mounted.map_err(|error| Fault::new("mount", format!("{error:?}")))?;
    let accounts = accounts(tasks);
    let mut running = start(&volume, tasks, &accounts);
    let polls = turns(&mut running, None)?;
    for (account, ops) in accounts.iter().zip(tasks) {
        settled(&account.borrow(), ops)?;
    }
    Ok(polls[task])
}

type Accounts = Vec<Rc<RefCell<Account>>>;
type Running<'v> = Vec<Option<Pin<Box<dyn Future<Output = ()> + 'v>>>>;

fn accounts(tasks: &[Vec<Op>]) -> Accounts {
    tasks.iter().map(|_| Rc::default()).collect()
}

fn start<'v>(
    volume: &'v Volume<'_, Device>,
    tasks: &'v [Vec<Op>],
    accounts: &Accounts,
) -> Running<'v> {
    let each = tasks.iter().zip(accounts);
    each.map(|(ops, account)| {
        let future: Pin<Box<dyn Future<Output = ()>>> =
            Box::pin(work(volume, ops, Rc::clone(account)));
        Some(future)
    })
    .collect()
}

/// Polls in turns until all are done, or until `victim` was polled as often as it may be; then
/// it is dropped. Says how often each was polled.
fn turns(
    running: &mut Running<'_>,
    victim: Option<DropPoint>,
) -> std::result::Result<Vec<u64>, Fault> {
    let mut polls = vec![0; running.len()];
    let mut context = Context::from_waker(Waker::noop());
    let mut dropped = false;
    while running.iter().any(Option::is_some) {
        for (task, slot) in running.iter_mut().enumerate() {
            if let Some(point) = victim.filter(|point| !dropped && point.task == task) {
                if polls[task] == point.polls {
                    *slot = None;
                    dropped = true;
                    if point.cut {
                        return Ok(polls);
                    }
                }
            }
            let Some(future) = slot else { continue };
            polls[task] += 1;
            if future.as_mut().poll(&mut context).is_ready() {
                *slot = None;
            }
        }
        if polls.iter().sum::<u64>() > POLLS_MAX {
            return Err(Fault::new("tasks", format!("stuck after {polls:?} polls")));
        }
    }
    Ok(polls)
}

async fn work(volume: &Volume<'_, Device>, ops: &[Op], account: Rc<RefCell<Account>>) {
    let mut open = BTreeMap::new();
    for (number, op) in ops.iter().enumerate() {
        account.borrow_mut().under_way = true;
        let result = call(volume, op, &mut open).await;
        let mut account = account.borrow_mut();
        account.under_way = false;
        if result.is_err() {
            account.refused = Some((number, result));
            return;
        }
        account.completed += 1;
    }
}

async fn call(
    volume: &Volume<'_, Device>,
    op: &Op,
    open: &mut BTreeMap<Slot, FileId>,
) -> Result<()> {
    let id =
        |slot: &Slot, open: &BTreeMap<Slot, FileId>| open.get(slot).copied().ok_or(Error::Stale);
    match op {
        Op::Open(slot, path, access) => {
            let id = volume.open(path, open_options(*access)).await?;
            open.insert(*slot, id);
            Ok(())
        }
        Op::Close(slot) => {
            let id = id(slot, open)?;
            open.remove(slot);
            volume.close(id).await
        }
        Op::Write(slot, at, bytes) => {
            let (id, mut done) = (id(slot, open)?, 0);
            while done < bytes.len() {
                done += volume.write_at(id, at + done as u64, &bytes[done..]).await?;
            }
            Ok(())
        }
        Op::SyncFile(slot) => volume.sync_file(id(slot, open)?).await,
        Op::Allocate(slot, from, length, _) => {
            let flags = AllocateFlags::PERSIST;
            volume.allocate(id(slot, open)?, *from, *length, flags).await.map(|_| ())
        }
        Op::Read(slot) => {
            let mut content = vec![0; READ];
            volume.read_at(id(slot, open)?, 0, &mut content).await.map(|_| ())
        }
        Op::Mkdir(path) => volume.mkdir(path).await,
        Op::Rmdir(path) => volume.rmdir(path).await,
        Op::Remove(path) => volume.remove(path).await,
        Op::Rename(from, to) => volume.rename(from, to).await,
        Op::RenameWith(from, to, mode) => volume.rename_with(from, to, *mode).await,
        Op::Exchange(one, other) => volume.exchange(one, other).await,
        Op::Link(file, name) => volume.link(file, name).await,
        Op::Symlink(target, path) => volume.symlink(target, path).await,
        Op::SetXattr(path, name, value) => {
            volume.set_xattr(path, name, value, XattrMode::Any).await
        }
        Op::RemoveXattr(path, name) => volume.remove_xattr(path, name).await,
        Op::SetOwner(path, mode, user, group) => {
            let owner = Owner { mode: *mode, user: *user, group: *group };
            volume.set_attributes(path, AttributeChange::owner(owner)).await
        }
        Op::Transaction(changes) => {
            let ids = changes.iter().map(|change| match change {
                Change::Commit(slot) => id(slot, open).map(Together::Commit),
                Change::Rename(from, to) => Ok(Together::Rename { from, to }),
                Change::Remove(path) => Ok(Together::Remove(path)),
            });
            volume.commit(&ids.collect::<Result<Vec<_>>>()?).await
        }
        Op::SetLen(slot, len) => volume.set_len(id(slot, open)?, *len).await,
        Op::Discard(slot) => volume.discard(id(slot, open)?).await,
        Op::Truncate(path, len) => volume.truncate(path, *len).await,
        Op::Replace(path, bytes) => volume.replace(path, bytes).await,
        _ => Err(Error::NotSupported),
    }
}

fn settled(account: &Account, ops: &[Op]) -> std::result::Result<(), Fault> {
    match &account.refused {
        Some((number, result)) => {
            Err(Fault::new(crate::explore::play::shown(&ops[*number]), format!("{result:?}")))
        }
        None => Ok(()),
    }
}

/// What a task may have left: one model, or several if an operation was under way.
fn models(account: &Account, ops: &[Op], task: usize) -> Vec<Model> {
    let mut model = Model::new();
    model.apply(&Op::Mkdir(format!("/t{task}")));
    for op in &ops[..account.completed] {
        model.apply(op);
    }
    match ops.get(account.completed).filter(|_| account.under_way) {
        Some(op) => model.after_error(op),
        None => vec![model],
    }
}

/// Every union of one tree of each task.
fn unions(models: &[Vec<Model>], tree: impl Fn(&Model) -> Tree) -> Vec<Tree> {
    let mut all = vec![Tree::default()];
    for choices in models {
        let with = |base: &Tree| {
            let base = base.clone();
            choices
                .iter()
                .map(&tree)
                .map(move |own| {
                    let mut both = base.clone();
                    both.extend(&own);
                    both
                })
                .collect::<Vec<Tree>>()
        };
        all = all.iter().flat_map(with).collect();
    }
    all
}

fn once(
    medium: Option<&str>,
    tasks: &[Vec<Op>],
    point: DropPoint,
    seed: u64,
) -> std::result::Result<(), Fault> {
    let nor = chip(medium)?;
    let accounts = accounts(tasks);
    nor.with_wires(|wires| wires.seed = mix(seed, point.polls));
    let allowed = {
        let mut memory = Lent::new();
        let opened = block_on(device(&nor));
        let mut device = opened.map_err(|error| Fault::new("open", format!("{error:?}")))?;
        let switch = match &device {
            Either::Left(_) => None,
            Either::Right(wires) => Some(wires.switch()),
        };
        let options = MountOptions { clock: wall, ..MountOptions::default() };
        let mounted = block_on(Volume::mount(&mut device, &mut memory, options));
        let volume = mounted.map_err(|error| Fault::new("mount", format!("{error:?}")))?;
        nor.set_faults(Faults {
            seed: mix(seed, point.polls),
            dropped: Some(point.tear),
            ..Faults::none()
        });
        let mut running = start(&volume, tasks, &accounts);
        turns(&mut running, Some(point))?;
        if point.cut {
            // The power fails before anyone can clean up.
            match switch {
                Some(switch) => switch.off(),
                None => nor.power_off(),
            }
        }
        drop(running);
        let left: Vec<Vec<Model>> = accounts
            .iter()
            .zip(tasks)
            .enumerate()
            .map(|(task, (account, ops))| models(&account.borrow(), ops, task))
            .collect();
        for (account, ops) in accounts.iter().zip(tasks) {
            settled(&account.borrow(), ops)?;
        }
        if point.cut {
            Allowed::any(unions(&left, Model::committed))
        } else {
            let shown = Allowed::any(unions(&left, Model::visible));
            Allowed::any([goes_on(&volume, &shown)?])
        }
    };
    after(&nor, &allowed)
}

/// The volume shows an allowed state, is clean, and takes another file and a sync.
fn goes_on(volume: &Volume<'_, Device>, shown: &Allowed) -> std::result::Result<Tree, Fault> {
    let failed = |during: &str, error: Error| Fault::new(during, format!("{error:?}"));
    let during = "after the drop";
    let tree = block_on(seen(volume)).map_err(|error| failed(during, error))?;
    if shown.find(&tree).is_none() {
        return Err(Fault::new(during, shown.differences(&tree)));
    }
    block_on(volume.check()).map_err(|error| failed("check after the drop", error))?;
    block_on(volume.replace("/after", b"goes on")).map_err(|error| failed("next call", error))?;
    block_on(volume.sync()).map_err(|error| failed("sync after the drop", error))?;
    block_on(volume.check()).map_err(|error| failed("check after the sync", error))?;
    let wanted = tree.with("/after", Entry::File(b"goes on".as_slice().into()));
    let tree = block_on(seen(volume)).map_err(|error| failed("after the sync", error))?;
    if tree == wanted {
        Ok(tree)
    } else {
        Err(Fault::new("after the sync", wanted.differences(&tree, 6)))
    }
}

/// Power off and on, and the blocking colour looks.
fn after(nor: &Nor, allowed: &Allowed) -> std::result::Result<(), Fault> {
    nor.power_off();
    nor.set_faults(Faults::none());
    nor.power_on();
    for during in ["first mount afterwards", "second mount afterwards"] {
        let mut result = Ok(());
        let ended = Vellum.session(&mut nor.clone(), TUNING, Mounting::Write, &mut |volume| {
            result = observe(volume, during).and_then(|tree| match allowed.find(&tree) {
                Some(_) => Ok(()),
                None => Err(Fault::new(during, allowed.differences(&tree))),
            });
            if let Err(error) = volume.check() {
                result = result.clone().and(Err(Fault::new(during, format!("check: {error:?}"))));
            }
            Ending::Dropped
        });
        result?;
        ended.map_err(|error| Fault::new(during, format!("{error:?}")))?;
        nor.power_off();
        nor.power_on();
    }
    // A driver whose exchange was dropped ends it on the wires as it can, so those are not judged.
    match nor.breaches().first() {
        None => Ok(()),
        Some((number, breach)) => {
            Err(Fault::new("the chip's rules", format!("command {number}: {breach:?}")))
        }
    }
}

async fn seen(volume: &Volume<'_, Device>) -> Result<Tree> {
    let mut tree = Tree::default();
    let mut waiting = vec![String::new()];
    let mut name = NameBuf::new();
    while let Some(directory) = waiting.pop() {
        let mut entries = Vec::new();
        let mut listing = volume.read_dir(&format!("{directory}/")).await?;
        while let Some(entry) = listing.next(&mut name).await? {
            entries.push((format!("{directory}/{name}"), entry.kind));
        }
        drop(listing);
        for (path, kind) in entries {
            let found = volume.symlink_stat(&path).await?;
            if found.links > 1 {
                tree.add_fact(&path, SAME, found.object.0.to_string().as_bytes());
            }
            if let Some(Owner { mode, user, group }) = found.owner {
                tree.add_fact(&path, "owner", format!("{mode:o} {user} {group}").as_bytes());
            }
            if kind == NodeKind::Symlink {
                let mut target = vec![0; CONTENT_MAX];
                let length = volume.read_link(&path, &mut target).await?;
                let target = String::from_utf8_lossy(&target[..length]);
                tree.insert(path.as_str().into(), Entry::Symlink(target.as_ref().into()));
                continue;
            }
            let (mut at, mut name) = (Cookie::START, NameBuf::new());
            while let Some(next) = volume.list_xattr(&path, at, &mut name).await? {
                let mut value = vec![0; CONTENT_MAX];
                let text = String::from_utf8_lossy(name.as_bytes()).into_owned();
                let length = volume.get_xattr(&path, &text, &mut value).await?;
                tree.add_fact(&path, &format!("attribute {text}"), &value[..length]);
                at = next;
            }
            if kind == NodeKind::Directory {
                tree.insert(path.as_str().into(), Entry::Directory);
                waiting.push(path);
                continue;
            }
            let mut content = vec![0; READ];
            let length = volume.read_file(&path, &mut content).await?;
            content.truncate(length);
            tree.insert(path.as_str().into(), Entry::File(content.into()));
        }
    }
    tree.number_to_path();
    Ok(tree)
}
