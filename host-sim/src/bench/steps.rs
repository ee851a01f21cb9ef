//! What each workload does, exactly as its definition says.

use fs_core::blocking::Volume;
use fs_core::{FileId, NameBuf, OpenOptions};

use super::ground::{
    Filling, MIB, Mounted, REWRITE, Xorshift, compare, filled, maintained, options, pattern,
    patterned, said, session, write_all, written,
};
use super::meter::{Meter, Ran};
use crate::chip::{Counters, Nor};
use crate::subject::Lent;

/// W1.
pub fn write_file(nor: &Nor, chunk: usize) -> Result<Ran, String> {
    let ran = written(nor, "/DATA.BIN", MIB, chunk)?;
    compare(nor, "/DATA.BIN", &patterned(0, MIB))?;
    Ok(ran)
}

/// W1 on a volume that is not fresh.
pub fn write_file_on(nor: &Nor, filling: Filling) -> Result<Ran, String> {
    filled(nor, filling)?;
    write_file(nor, 4096)
}

/// W1 after maintenance.
pub fn write_file_ahead(nor: &Nor) -> Result<Ran, String> {
    maintained(nor)?;
    write_file(nor, 4096)
}

/// W2.
pub fn read_file(nor: &Nor, chunk: usize) -> Result<Ran, String> {
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

/// W3: `times` overwrites of a file of `length` bytes, each followed by a sync; or only where the
/// volume asks for one, because the draft is full.
pub fn overwrite(
    nor: &Nor,
    length: usize,
    seed: u32,
    times: usize,
    sync: bool,
) -> Result<Ran, String> {
    written(nor, "/DATA.BIN", length, 4096)?;
    let mut wanted = patterned(0, length);
    let ran = session(nor, |volume| {
        let mut meter = Meter::new(nor);
        let options = OpenOptions::new().read().write();
        let file = meter.call("open", || volume.open("/DATA.BIN", options))?;
        let mut random = Xorshift(seed);
        for _ in 0..times {
            let at = random.below(length - 128);
            let bytes: Vec<u8> = (0..128).map(|_| random.next().to_le_bytes()[0]).collect();
            wanted[at..at + 128].copy_from_slice(&bytes);
            let written = write_all(&mut meter, volume, file, at as u64, &bytes);
            if sync || written == Err("write: DraftTooBig".into()) {
                meter.call("sync", || volume.sync_file(file))?;
            }
            if !sync && written.is_err() {
                write_all(&mut meter, volume, file, at as u64, &bytes)?;
            } else {
                written?;
            }
        }
        meter.call("close", || volume.close(file))?;
        Ok(meter.finish())
    })?;
    compare(nor, "/DATA.BIN", &wanted)?;
    Ok(ran)
}

const APPEND: OpenOptions = OpenOptions::new().create().append();

/// W4: `count` appends, a sync after each `each`.
pub fn append(nor: &Nor, count: usize, each: usize) -> Result<Ran, String> {
    let ran = session(nor, |volume| {
        let mut meter = Meter::new(nor);
        let file = meter.call("open", || volume.open("/LOG.TXT", APPEND))?;
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

/// W4 on a volume that is not fresh.
pub fn append_on(nor: &Nor, filling: Filling) -> Result<Ran, String> {
    filled(nor, filling)?;
    append(nor, 500, 1)
}

/// W4 by a program that opens the file for each line.
pub fn append_reopened(nor: &Nor) -> Result<Ran, String> {
    let ran = session(nor, |volume| {
        let mut meter = Meter::new(nor);
        for number in 0..2000 {
            let file = meter.call("open", || volume.open("/LOG.TXT", APPEND))?;
            write_all(&mut meter, volume, file, 0, &patterned(number * 32, 32))?;
            meter.call("close", || volume.close(file))?;
        }
        Ok(meter.finish())
    })?;
    compare(nor, "/LOG.TXT", &patterned(0, 2000 * 32))?;
    Ok(ran)
}

fn name(number: usize) -> String {
    format!("/D/F{number:04}.DAT")
}

fn created(nor: &Nor) -> Result<Ran, String> {
    session(nor, |volume| {
        let mut meter = Meter::new(nor);
        meter.call("mkdir", || volume.mkdir("/D"))?;
        for number in 0..500 {
            let file = meter.call("create", || volume.open(&name(number), REWRITE))?;
            write_all(&mut meter, volume, file, 0, &patterned(number, 64))?;
            meter.call("close", || volume.close(file))?;
        }
        Ok(meter.finish())
    })
}

/// W5, the first phase.
pub fn create_files(nor: &Nor) -> Result<Ran, String> {
    let ran = created(nor)?;
    (0..500).try_for_each(|number| compare(nor, &name(number), &patterned(number, 64)))?;
    Ok(ran)
}

/// W5, the second phase.
pub fn stat_files(nor: &Nor) -> Result<Ran, String> {
    created(nor)?;
    session(nor, |volume| {
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
    })
}

/// W5, the third phase.
pub fn list_files(nor: &Nor) -> Result<Ran, String> {
    created(nor)?;
    session(nor, |volume| {
        let mut meter = Meter::new(nor);
        let mut listing = meter.call("open", || volume.read_dir("/D"))?;
        let mut text = NameBuf::new();
        let mut names = Vec::new();
        while let Some(entry) = meter.call("next", || listing.next(&mut text))? {
            if entry.size != 64 {
                return Err(format!("{text} has {} bytes", entry.size));
            }
            names.push(format!("/D/{text}"));
        }
        names.sort();
        let right = names.into_iter().eq((0..500).map(name));
        if right { Ok(meter.finish()) } else { Err("other names than were made".into()) }
    })
}

/// W5, the last phase.
pub fn remove_files(nor: &Nor) -> Result<Ran, String> {
    created(nor)?;
    let ran = session(nor, |volume| {
        let mut meter = Meter::new(nor);
        for number in 0..500 {
            meter.call("remove", || volume.remove(&name(number)))?;
        }
        Ok(meter.finish())
    })?;
    session(nor, |volume| {
        let mut listing = volume.read_dir("/D").map_err(said("list"))?;
        match listing.next(&mut NameBuf::new()).map_err(said("list"))? {
            None => Ok(()),
            Some(_) => Err("something is left".into()),
        }
    })?;
    Ok(ran)
}

/// What there is before a mount of W6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// A format.
    Format,
    /// The files of W5.
    Creates,
    /// The same, and one change after which the power failed.
    PowerCut,
    /// The files of W5, made and removed.
    Removes,
    /// A volume that is nearly full.
    Filled(Filling),
}

/// W6.
pub fn mount(nor: &Nor, before: Before) -> Result<Ran, String> {
    let options = options();
    match before {
        Before::Format => {}
        Before::Creates | Before::PowerCut => drop(created(nor)?),
        Before::Removes => drop(remove_files(nor)?),
        Before::Filled(filling) => filled(nor, filling)?,
    }
    if before == Before::PowerCut {
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
    if before == Before::PowerCut {
        compare(nor, "/last", &patterned(0, 64))?;
    }
    Ok(ran)
}

/// W7.
pub fn random_reads(nor: &Nor) -> Result<Ran, String> {
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

/// W8: `times` rewrites of a file of `length` bytes.
pub fn rewrite(nor: &Nor, length: usize, times: usize) -> Result<Ran, String> {
    let ran = session(nor, |volume| {
        let mut meter = Meter::new(nor);
        for number in 0..times {
            let file = meter.call("open", || volume.open("/CONF.CFG", REWRITE))?;
            write_all(&mut meter, volume, file, 0, &patterned(number, length))?;
            meter.call("close", || volume.close(file))?;
        }
        Ok(meter.finish())
    })?;
    compare(nor, "/CONF.CFG", &patterned(times - 1, length))?;
    Ok(ran)
}

/// W8 on a volume that is not fresh.
pub fn rewrite_on(nor: &Nor, filling: Filling) -> Result<Ran, String> {
    filled(nor, filling)?;
    rewrite(nor, 4096, 1000)
}

/// W9: the mean time of ten trials, and the operations of all of them.
pub fn first_allocation(nor: &Nor, filling: Filling, ahead: bool) -> Result<Ran, String> {
    filled(nor, filling)?;
    let mut all = Ran::default();
    let mut counters = Counters::default();
    for number in 0..10 {
        if ahead {
            maintained(nor)?;
        }
        let path = format!("/NEW{number}.DAT");
        let ran = session(nor, |volume| {
            let mut meter = Meter::new(nor);
            let file = meter.call("create", || volume.open(&path, REWRITE))?;
            write_all(&mut meter, volume, file, 0, &patterned(number, 4096))?;
            meter.call("close", || volume.close(file))?;
            Ok(meter.finish())
        })?;
        if ran.percentile(100) >= all.calls_ns.iter().copied().max().unwrap_or(0) {
            all.worst = ran.worst;
        }
        all.total_ns += ran.total_ns / 10;
        all.user_bytes += ran.user_bytes;
        all.calls_ns.extend(ran.calls_ns);
        counters = counters.plus(&ran.counters);
    }
    all.counters = counters;
    all.calls_ns.sort_unstable();
    (0..10).try_for_each(|number| {
        compare(nor, &format!("/NEW{number}.DAT"), &patterned(number, 4096))
    })?;
    Ok(all)
}

/// W10.
pub fn replace(nor: &Nor) -> Result<Ran, String> {
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
