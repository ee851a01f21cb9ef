//! The workloads, each as its definition says.

use std::cell::Cell;

use fs_core::blocking::Volume;
use fs_core::error::Error;
use fs_core::{FileId, FormatOptions, MountOptions, NameBuf, OpenOptions};

use super::meter::{Meter, Ran, Row};
use crate::chip::{Nor, Spec};
use crate::clock::wall;
use crate::stranger;
use crate::subject::Lent;

/// A workload, what it is called, and what it does.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Its name in tables.
    pub name: &'static str,
    /// The aim of the model, in words.
    pub aim: &'static str,
    /// The best that a peer did, in words.
    pub peer: &'static str,
    /// Whether a test may run it.
    pub cheap: bool,
    body: fn(&Nor) -> Result<Ran, String>,
}

const MIB: usize = 1 << 20;

/// Every workload, in the order of the table.
pub const ALL: &[Workload] = &[
    row("W1 write 1 MiB, 512 B chunks", "4.3 s", "4.53 s, littlefs F", |nor| write_file(nor, 512)),
    row("W1 write 1 MiB, 4 KiB chunks", "4.3 s", "4.53 s, littlefs F", |nor| write_file(nor, 4096)),
    row("W2 read 1 MiB, 128 B chunks", "0.17 s", "0.169 s", |nor| read_file(nor, 128)),
    row("W2 read 1 MiB, 4 KiB chunks", "0.17 s", "0.169 s", |nor| read_file(nor, 4096)),
    row("W3 200 overwrites + sync, 1 MiB", "1.0 s", "3.9 s, SPIFFS", |nor| {
        overwrite(nor, MIB, 0x12345)
    }),
    row("W3 200 overwrites + sync, 16 KiB", "-", "1.6 s, SPIFFS", |nor| {
        overwrite(nor, 16 << 10, 0x777)
    }),
    row("W4 2000 appends of 32 B + sync", "2.4 s", "5.9 s, SPIFFS", |nor| append(nor, 2000, 1)),
    row("W4 2000 appends, sync each 64", "-", "1.06 s, SPIFFS", |nor| append(nor, 2000, 64)),
    cheap("W5 create 500 x 64 B", "1.6 s", "6.55 s, littlefs H", |nor| files(nor, 0)),
    cheap("W5 stat 500", "0.15 s", "2.05 s, littlefs H", |nor| files(nor, 1)),
    cheap("W5 list with sizes", "40 ms", "25 ms, SPIFFS", |nor| files(nor, 2)),
    cheap("W5 delete 500", "1.0 s", "0.67 s, littlefs B", |nor| files(nor, 3)),
    cheap("W6 mount, after format", "1 ms", "0.04 ms, littlefs H", |nor| mount(nor, 0, true)),
    cheap("W6 mount, 500 files, clean", "1 ms", "9.3 ms, littlefs H", |nor| mount(nor, 500, true)),
    cheap("W6 mount, 500 files, unclean", "3 ms", "-", |nor| mount(nor, 500, false)),
    row("W7 1000 random reads of 128 B", "30 ms", "28 ms, littlefs L", random_reads),
    row("W8 rewrite 4 KiB x 1000", "18 s", "38 s, SPIFFS", |nor| rewrite(nor, 4096)),
    cheap("W8 rewrite 64 B x 1000", "-", "1.95 s, littlefs H", |nor| rewrite(nor, 64)),
    row("W9 first allocation at 80 %", "12 ms", "75 ms, littlefs K", first_allocation),
    cheap("W10 replace 256 B x 200", "0.7 s", "2.38 s, littlefs K", replace),
];

const fn row(
    name: &'static str,
    aim: &'static str,
    peer: &'static str,
    body: fn(&Nor) -> Result<Ran, String>,
) -> Workload {
    Workload { name, aim, peer, cheap: false, body }
}

const fn cheap(
    name: &'static str,
    aim: &'static str,
    peer: &'static str,
    body: fn(&Nor) -> Result<Ran, String>,
) -> Workload {
    Workload { cheap: true, ..row(name, aim, peer, body) }
}

thread_local! {
    /// Whether the volumes of this thread are mounted so.
    static LOW_LATENCY: Cell<bool> = const { Cell::new(false) };
}

fn options() -> MountOptions {
    MountOptions { clock: wall, low_latency: LOW_LATENCY.get(), ..MountOptions::default() }
}

/// Runs a workload on an erased chip.
#[must_use]
pub fn run(workload: &Workload, spec: Spec, low_latency: bool) -> Row {
    LOW_LATENCY.set(low_latency);
    let nor = Nor::new(spec);
    let result = format(&nor).and_then(|()| (workload.body)(&nor));
    Row { name: workload.name, result: result.and_then(|ran| checked(&nor, ran)) }
}

/// What was written is right: the filesystem and the reader of the specification say so.
fn checked(nor: &Nor, ran: Ran) -> Result<Ran, String> {
    let image = nor.image();
    let report = stranger::check(&image).map_err(|refused| format!("check: {refused:?}"))?;
    if let Some(damage) = report.findings.first() {
        return Err(format!("check: {damage}"));
    }
    session(nor, |volume| volume.check().map(|_| ()).map_err(|error| format!("check: {error:?}")))?;
    Ok(ran)
}

fn format(nor: &Nor) -> Result<(), String> {
    let options = FormatOptions { uuid: [5; 16], hash_seed: [6; 16], ..FormatOptions::default() };
    let mut memory = Lent::new();
    Volume::format(&mut nor.clone(), &mut memory, &options).map_err(said("format"))
}

fn said(what: &str) -> impl Fn(Error) -> String + use<'_> {
    move |error| match error {
        Error::TooLarge => "files of this size are not there yet".into(),
        error => format!("{what}: {error:?}"),
    }
}

pub type Mounted<'m> = Volume<'m, Nor>;

/// Mounts, works, unmounts; outside of any timer.
pub fn session<T>(
    nor: &Nor,
    body: impl FnOnce(&Mounted<'_>) -> Result<T, String>,
) -> Result<T, String> {
    let mut device = nor.clone();
    let mut memory = Lent::new();
    let volume = Volume::mount(&mut device, &mut memory, options()).map_err(said("mount"))?;
    let result = body(&volume)?;
    volume.unmount().map_err(said("unmount"))?;
    Ok(result)
}

/// The content of a file at an offset.
fn pattern(at: usize) -> u8 {
    (at as u64).wrapping_mul(2_654_435_761).to_le_bytes()[3]
}

fn patterned(at: usize, length: usize) -> Vec<u8> {
    (at..at + length).map(pattern).collect()
}

struct Xorshift(u32);

impl Xorshift {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        self.next() as usize % bound
    }
}

const REWRITE: OpenOptions = OpenOptions::new().write().create().truncate();

fn write_all(
    meter: &mut Meter,
    volume: &Mounted<'_>,
    file: FileId,
    mut at: u64,
    mut bytes: &[u8],
) -> Result<(), String> {
    while !bytes.is_empty() {
        let taken = meter.call("write", || volume.write_at(file, at, bytes));
        let taken = taken.map_err(|error| match error.as_str() {
            "write: TooLarge" => "files of this size are not there yet".into(),
            _ => error,
        })?;
        meter.wrote(taken);
        at += taken as u64;
        bytes = bytes.get(taken.max(1)..).unwrap_or_default();
    }
    Ok(())
}

/// Writes a file of the pattern; the meter runs.
fn written(nor: &Nor, name: &str, length: usize, chunk: usize) -> Result<Ran, String> {
    session(nor, |volume| {
        let mut meter = Meter::new(nor);
        let file = meter.call("open", || volume.open(name, REWRITE))?;
        for at in (0..length).step_by(chunk) {
            let bytes = patterned(at, chunk.min(length - at));
            write_all(&mut meter, volume, file, at as u64, &bytes)?;
        }
        meter.call("sync", || volume.sync_file(file))?;
        meter.call("close", || volume.close(file))?;
        Ok(meter.finish())
    })
}

fn write_file(nor: &Nor, chunk: usize) -> Result<Ran, String> {
    let ran = written(nor, "/DATA.BIN", MIB, chunk)?;
    compare(nor, "/DATA.BIN", &patterned(0, MIB))?;
    Ok(ran)
}

fn compare(nor: &Nor, name: &str, wanted: &[u8]) -> Result<(), String> {
    session(nor, |volume| {
        let file = volume.open(name, OpenOptions::READ).map_err(said("open"))?;
        let mut found = vec![0; wanted.len() + 1];
        let mut done = 0;
        loop {
            let read = volume.read_at(file, done as u64, &mut found[done..]);
            match read.map_err(said("read"))? {
                0 => break,
                read => done += read,
            }
        }
        volume.close(file).map_err(said("close"))?;
        if found[..done] == *wanted { Ok(()) } else { Err(format!("{name} has another content")) }
    })
}

fn read_file(nor: &Nor, chunk: usize) -> Result<Ran, String> {
    written(nor, "/DATA.BIN", MIB, 4096)?;
    session(nor, |volume| {
        let mut meter = Meter::new(nor);
        let file = meter.call("open", || volume.open("/DATA.BIN", OpenOptions::READ))?;
        let mut buffer = vec![0; chunk];
        for at in (0..MIB).step_by(chunk) {
            read_whole(&mut meter, volume, file, at, &mut buffer)?;
        }
        meter.call("close", || volume.close(file))?;
        Ok(meter.finish())
    })
}

fn read_whole(
    meter: &mut Meter,
    volume: &Mounted<'_>,
    file: FileId,
    at: usize,
    buffer: &mut [u8],
) -> Result<(), String> {
    let mut done = 0;
    while done < buffer.len() {
        let place = (at + done) as u64;
        match meter.call("read", || volume.read_at(file, place, &mut buffer[done..]))? {
            0 => return Err("the file is too short".into()),
            read => done += read,
        }
    }
    let right = buffer.iter().enumerate().all(|(index, byte)| *byte == pattern(at + index));
    if right { Ok(()) } else { Err(format!("another content at {at}")) }
}

fn overwrite(nor: &Nor, length: usize, seed: u32) -> Result<Ran, String> {
    written(nor, "/DATA.BIN", length, 4096)?;
    let mut wanted = patterned(0, length);
    let ran = session(nor, |volume| {
        let mut meter = Meter::new(nor);
        let options = OpenOptions::new().read().write();
        let file = meter.call("open", || volume.open("/DATA.BIN", options))?;
        let mut random = Xorshift(seed);
        for _ in 0..200 {
            let at = random.below(length - 128);
            let bytes: Vec<u8> = (0..128).map(|_| random.next().to_le_bytes()[0]).collect();
            wanted[at..at + 128].copy_from_slice(&bytes);
            write_all(&mut meter, volume, file, at as u64, &bytes)?;
            meter.call("sync", || volume.sync_file(file))?;
        }
        meter.call("close", || volume.close(file))?;
        Ok(meter.finish())
    })?;
    compare(nor, "/DATA.BIN", &wanted)?;
    Ok(ran)
}

fn append(nor: &Nor, count: usize, each: usize) -> Result<Ran, String> {
    let ran = session(nor, |volume| {
        let mut meter = Meter::new(nor);
        let options = OpenOptions::new().create().append();
        let file = meter.call("open", || volume.open("/LOG.TXT", options))?;
        for number in 0..count {
            write_all(&mut meter, volume, file, 0, &patterned(number * 32, 32))?;
            if (number + 1) % each == 0 {
                meter.call("sync", || volume.sync_file(file))?;
            }
        }
        meter.call("close", || volume.close(file))?;
        Ok(meter.finish())
    })?;
    compare(nor, "/LOG.TXT", &patterned(0, count * 32))?;
    Ok(ran)
}

fn name(number: usize) -> String {
    format!("/D/F{number:04}.DAT")
}

fn created(nor: &Nor, count: usize) -> Result<Ran, String> {
    session(nor, |volume| {
        let mut meter = Meter::new(nor);
        meter.call("mkdir", || volume.mkdir("/D"))?;
        for number in 0..count {
            let file = meter.call("create", || volume.open(&name(number), REWRITE))?;
            write_all(&mut meter, volume, file, 0, &patterned(number, 64))?;
            meter.call("close", || volume.close(file))?;
        }
        Ok(meter.finish())
    })
}

/// Phase 0 creates, 1 stats, 2 lists, 3 removes.
fn files(nor: &Nor, phase: u8) -> Result<Ran, String> {
    let made = created(nor, 500)?;
    for number in 0..500 {
        compare(nor, &name(number), &patterned(number, 64))?;
        if phase != 0 {
            break;
        }
    }
    match phase {
        0 => Ok(made),
        1 => session(nor, |volume| {
            let mut order: Vec<usize> = (0..500).collect();
            let mut random = Xorshift(0x00ab_cdef);
            for index in (1..order.len()).rev() {
                order.swap(index, random.below(index + 1));
            }
            let mut meter = Meter::new(nor);
            for number in order {
                let found = meter.call("stat", || volume.stat(&name(number)))?;
                if found.size != 64 {
                    return Err(format!("{} has {} bytes", name(number), found.size));
                }
            }
            Ok(meter.finish())
        }),
        2 => session(nor, |volume| {
            let mut meter = Meter::new(nor);
            let mut listing = meter.call("open", || volume.read_dir("/D"))?;
            let mut text = NameBuf::new();
            let mut count = 0;
            while let Some(entry) = meter.call("next", || listing.next(&mut text))? {
                if entry.size != 64 {
                    return Err(format!("{text} has {} bytes", entry.size));
                }
                count += 1;
            }
            if count == 500 { Ok(meter.finish()) } else { Err(format!("{count} names")) }
        }),
        _ => session(nor, |volume| {
            let mut meter = Meter::new(nor);
            for number in 0..500 {
                meter.call("remove", || volume.remove(&name(number)))?;
            }
            Ok(meter.finish())
        }),
    }
}

fn mount(nor: &Nor, count: usize, clean: bool) -> Result<Ran, String> {
    let options = options();
    if count > 0 {
        created(nor, count)?;
    }
    if !clean {
        let (mut device, mut memory) = (nor.clone(), Lent::new());
        let volume = Volume::mount(&mut device, &mut memory, options).map_err(said("mount"))?;
        volume.replace("/last", &patterned(0, 64)).map_err(said("replace"))?;
        drop(volume);
    }
    let mut meter = Meter::new(nor);
    let (mut device, mut memory) = (nor.clone(), Lent::new());
    let volume = meter.call("mount", || Volume::mount(&mut device, &mut memory, options))?;
    let ran = meter.finish();
    volume.unmount().map_err(said("unmount"))?;
    Ok(ran)
}

fn random_reads(nor: &Nor) -> Result<Ran, String> {
    written(nor, "/DATA.BIN", MIB, 4096)?;
    session(nor, |volume| {
        let mut meter = Meter::new(nor);
        let file = meter.call("open", || volume.open("/DATA.BIN", OpenOptions::READ))?;
        let mut random = Xorshift(0x5555);
        let mut buffer = [0; 128];
        for _ in 0..1000 {
            read_whole(&mut meter, volume, file, random.below(MIB - 128), &mut buffer)?;
        }
        meter.call("close", || volume.close(file))?;
        Ok(meter.finish())
    })
}

fn rewrite(nor: &Nor, length: usize) -> Result<Ran, String> {
    let ran = session(nor, |volume| {
        let mut meter = Meter::new(nor);
        for number in 0..1000 {
            let file = meter.call("open", || volume.open("/CONF.CFG", REWRITE))?;
            write_all(&mut meter, volume, file, 0, &patterned(number, length))?;
            meter.call("close", || volume.close(file))?;
        }
        Ok(meter.finish())
    })?;
    compare(nor, "/CONF.CFG", &patterned(999, length))?;
    Ok(ran)
}

fn first_allocation(nor: &Nor) -> Result<Ran, String> {
    let blocks = u64::from(nor.spec().blocks);
    session(nor, |volume| {
        let mut meter = Meter::new(nor);
        volume.mkdir("/D").map_err(said("mkdir"))?;
        for number in 0..blocks * 4096 * 8 / 10 / 65536 {
            let file = volume.open(&format!("/D/{number}"), REWRITE).map_err(said("open"))?;
            for at in (0..65536).step_by(4096) {
                write_all(&mut meter, volume, file, at as u64, &patterned(at, 4096))?;
            }
            volume.close(file).map_err(said("close"))?;
        }
        Ok(())
    })?;
    let mut all = Ran::default();
    for number in 0..10 {
        let ran = session(nor, |volume| {
            let mut meter = Meter::new(nor);
            let path = format!("/NEW{number}.DAT");
            let file = meter.call("create", || volume.open(&path, REWRITE))?;
            write_all(&mut meter, volume, file, 0, &patterned(0, 4096))?;
            meter.call("close", || volume.close(file))?;
            Ok(meter.finish())
        })?;
        // The mean of the trials is what the table shows.
        all.total_ns += ran.total_ns / 10;
        all.user_bytes += ran.user_bytes;
        all.worst = ran.worst;
        all.calls_ns.extend(ran.calls_ns);
        all.counters = ran.counters;
    }
    all.calls_ns.sort_unstable();
    Ok(all)
}

fn replace(nor: &Nor) -> Result<Ran, String> {
    session(nor, |volume| {
        volume.replace("/CONF.CFG", &patterned(7, 256)).map_err(said("replace"))
    })?;
    let ran = session(nor, |volume| {
        let mut meter = Meter::new(nor);
        for number in 0..200 {
            let file = meter.call("open", || volume.open("/CONF.TMP", REWRITE))?;
            write_all(&mut meter, volume, file, 0, &patterned(number, 256))?;
            meter.call("close", || volume.close(file))?;
            meter.call("rename", || volume.rename("/CONF.TMP", "/CONF.CFG"))?;
        }
        Ok(meter.finish())
    })?;
    compare(nor, "/CONF.CFG", &patterned(199, 256))?;
    Ok(ran)
}
