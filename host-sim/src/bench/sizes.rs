//! Operations of the device against the size of a file.

use std::fmt::Write;

use fs_core::OpenOptions;

use super::document::{Medium, table, time};
use super::ground::{MIB, Mounted, REWRITE, Xorshift, format, said, session, write_all};
use super::meter::{Meter, Ran};
use crate::chip::{Kind, Nor, Spec};

/// Calls that are measured for each size.
const SAMPLES: usize = 50;
/// Blocks of the chip: a quarter more than the largest file takes.
const BLOCKS: u32 = 5 << 16;
/// Bytes of a file.
const SIZES: [u64; 6] = [1 << 10, 16 << 10, 256 << 10, 4 << 20, 64 << 20, 1 << 30];

/// A table for each medium, of files of 1 KiB up to `most` bytes: device time and operations of
/// one call. Says on the error output how far it is.
#[must_use]
pub fn sizes(most: u64) -> String {
    let mut text = String::from(
        "One file on an otherwise empty volume of 1.25 GiB, full of what the medium reads where\n\
         nothing was written; means of 50 calls in device time / reads, programs (pages or\n\
         sectors), erases in 4 KiB. *append*: 32 B and a sync; *overwrite*: 128 B anywhere and a\n\
         sync; *read*: 128 B anywhere, after the overwrites, compared. Once each: the *first\n\
         allocation* after a mount (create, write 4 KiB, close), *truncate* to half, *remove*.\n",
    );
    for medium in &[Medium::NOR, Medium::CARD] {
        let of = medium.heading.split(':').next().unwrap_or_default();
        let _ = writeln!(text, "\n{of}:\n");
        text += &table(&[
            "size",
            "append",
            "overwrite",
            "read",
            "first allocation",
            "truncate",
            "remove",
        ]);
        for size in SIZES.into_iter().filter(|size| *size <= most) {
            eprintln!("{}: a file of {}", medium.name, shown(size));
            let cells = cells(Spec { blocks: BLOCKS, ..medium.spec }, size);
            let _ = writeln!(text, "| {} | {} |", shown(size), cells.join(" | "));
        }
    }
    text
}

fn shown(size: u64) -> String {
    match size {
        0x4000_0000.. => format!("{} GiB", size >> 30),
        0x10_0000.. => format!("{} MiB", size >> 20),
        _ => format!("{} KiB", size >> 10),
    }
}

/// What was written over a file of equal bytes, in order.
type Overlay = Vec<(u64, Vec<u8>)>;

/// What is measured on a chip with the file, and how many calls that are.
type Step<'a> = (u64, &'a dyn Fn(&mut Overlay) -> Result<Ran, String>);

fn cells(spec: Spec, size: u64) -> Vec<String> {
    let nor = Nor::new(spec);
    let blank = if spec.kind == Kind::Card { 0 } else { 0xFF };
    let mut over = Overlay::new();
    if let Err(why) = format(&nor).and_then(|()| fill(&nor, size, blank)) {
        return vec![format!("**not** run: {why}"); 6];
    }
    let steps: [Step<'_>; 6] = [
        (SAMPLES as u64, &|over| append(&nor, size, over)),
        (SAMPLES as u64, &|over| overwrite(&nor, size, over)),
        (SAMPLES as u64, &|over| read(&nor, size, blank, over)),
        (1, &|_| first_allocation(&nor)),
        (1, &|_| one(&nor, "truncate", |volume| volume.truncate("/file", size / 2))),
        (1, &|_| one(&nor, "remove", |volume| volume.remove("/file"))),
    ];
    let cell = |(each, step): Step<'_>| {
        step(&mut over).map_or_else(|why| format!("**not** run: {why}"), |ran| cell(&ran, each))
    };
    steps.into_iter().map(cell).collect()
}

/// Device time and operations of one of `each` calls.
pub fn cell(ran: &Ran, each: u64) -> String {
    let counters = ran.counters;
    let [reads, programs, erases] =
        [counters.reads, counters.program_pages, counters.erase_bytes / 4096]
            .map(|number| tenth(number, each));
    format!("{} / {reads}, {programs}, {erases}", time(ran.total_ns / each))
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit behind the point")]
pub(super) fn tenth(number: u64, each: u64) -> String {
    format!("{:.1}", number as f64 / each as f64)
}

fn fill(nor: &Nor, size: u64, blank: u8) -> Result<(), String> {
    let bytes = vec![blank; 64 << 10];
    session(nor, |volume| {
        let file = volume.open("/file", REWRITE).map_err(said("open"))?;
        let mut at = 0;
        while at < size {
            let rest = usize::try_from(size - at).unwrap_or(usize::MAX).min(bytes.len());
            write_all(&mut Meter::new(nor), volume, file, at, &bytes[..rest])?;
            at += rest as u64;
            if at.is_multiple_of(256 * MIB as u64) {
                eprintln!("  {} written", shown(at));
            }
        }
        volume.close(file).map_err(said("close"))
    })
}

fn append(nor: &Nor, size: u64, over: &mut Overlay) -> Result<Ran, String> {
    session(nor, |volume| {
        let options = OpenOptions::new().append();
        let file = volume.open("/file", options).map_err(said("open"))?;
        let mut meter = Meter::new(nor);
        for number in 0..SAMPLES {
            let line = [u8::try_from(number).unwrap_or(0); 32];
            write_all(&mut meter, volume, file, 0, &line)?;
            meter.call("sync", || volume.sync_file(file))?;
            over.push((size + number as u64 * 32, line.to_vec()));
        }
        let ran = meter.finish();
        volume.close(file).map_err(said("close"))?;
        Ok(ran)
    })
}

fn place(random: &mut Xorshift, size: u64) -> u64 {
    let number = u64::from(random.next()) << 20 ^ u64::from(random.next());
    number % (size - 128)
}

fn overwrite(nor: &Nor, size: u64, over: &mut Overlay) -> Result<Ran, String> {
    session(nor, |volume| {
        let options = OpenOptions::new().read().write();
        let file = volume.open("/file", options).map_err(said("open"))?;
        let mut meter = Meter::new(nor);
        let mut random = Xorshift(0x2468);
        for _ in 0..SAMPLES {
            let at = place(&mut random, size);
            let bytes: Vec<u8> = (0..128).map(|_| random.next().to_le_bytes()[0]).collect();
            write_all(&mut meter, volume, file, at, &bytes)?;
            meter.call("sync", || volume.sync_file(file))?;
            over.push((at, bytes));
        }
        let ran = meter.finish();
        volume.close(file).map_err(said("close"))?;
        Ok(ran)
    })
}

fn read(nor: &Nor, size: u64, blank: u8, over: &Overlay) -> Result<Ran, String> {
    session(nor, |volume| {
        let file = volume.open("/file", OpenOptions::READ).map_err(said("open"))?;
        let mut meter = Meter::new(nor);
        let mut random = Xorshift(0x1357);
        for number in 0..SAMPLES {
            // Every fifth is one that was overwritten.
            let at = match over.get(number) {
                Some((at, _)) if number % 5 == 0 => *at,
                _ => place(&mut random, size),
            };
            let mut found = [0; 128];
            let length = meter.call("read", || volume.read_at(file, at, &mut found))?;
            if found[..length] != wanted(at, blank, over)[..length] {
                return Err(format!("another content at {at}"));
            }
        }
        let ran = meter.finish();
        volume.close(file).map_err(said("close"))?;
        Ok(ran)
    })
}

fn wanted(at: u64, blank: u8, over: &Overlay) -> [u8; 128] {
    let mut bytes = [blank; 128];
    for (first, source) in over {
        for (index, byte) in source.iter().enumerate() {
            let inside =
                (first + index as u64).checked_sub(at).and_then(|at| usize::try_from(at).ok());
            if let Some(target) = inside.and_then(|at| bytes.get_mut(at)) {
                *target = *byte;
            }
        }
    }
    bytes
}

fn first_allocation(nor: &Nor) -> Result<Ran, String> {
    session(nor, |volume| {
        let mut meter = Meter::new(nor);
        let file = meter.call("create", || volume.open("/new", REWRITE))?;
        write_all(&mut meter, volume, file, 0, &[7; 4096])?;
        meter.call("close", || volume.close(file))?;
        Ok(meter.finish())
    })
}

fn one(
    nor: &Nor,
    what: &str,
    call: impl FnOnce(&Mounted<'_>) -> fs_core::Result<()>,
) -> Result<Ran, String> {
    session(nor, |volume| {
        let mut meter = Meter::new(nor);
        meter.call(what, || call(volume))?;
        let ran = meter.finish();
        volume.check().map_err(said("check"))?;
        Ok(ran)
    })
}
