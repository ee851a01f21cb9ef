//! `host-sim image`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use fs_core::NodeKind;
use fs_core::units::Time;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::stranger::{Report, Volume, check};
use crate::tool::{
    Copied, Failure, Flash, Item, Make, Mounted, Part, Result, date, dump, get, link_target, make,
    mounted, put, read_to, walk, write_from,
};

const EXAMPLES: &str = "\
Examples:
  host-sim image mkfs flash.img --chip w25q128jv --label data --from ./files
  host-sim image mkfs small.img --size 128K
  host-sim image ls -l -R flash.img
  host-sim image cat flash.img /etc/config
  host-sim image put flash.img settings.toml /etc/
  host-sim image get flash.img / ./copy
  host-sim image check flash.img
  host-sim image dump flash.img --part journal
  host-sim image info whole-chip.bin --offset 1M

Exit codes:
  0 done                             4 newer version or unknown features
  1 refused by the volume, or the    5 the volume is damaged
    check found something            6 a file of this machine cannot be
  2 called in a wrong way              read or written
  3 no Vellum volume

Commands that only read never write the file. The others change a copy, which takes the place of
the file when it is complete: after a cut or an error the file is as it was.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// The file, and where in it the volume lies.
#[derive(Debug, Args)]
struct Place {
    /// File that holds what the flash holds.
    image: PathBuf,
    /// Where in the file the volume begins; 4096, 4K and 0x1000 are the same.
    #[arg(long, value_parser = bytes, default_value = "0", value_name = "BYTES")]
    offset: u64,
    /// How much of the file is flash; everything behind the offset if not given.
    #[arg(long, value_parser = bytes, value_name = "BYTES")]
    size: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a volume, and fills it with a directory of this machine.
    Mkfs(Mkfs),
    /// Lists a directory.
    Ls(Ls),
    /// Writes the content of files to the standard output.
    Cat {
        #[command(flatten)]
        place: Place,
        /// Files of the volume.
        #[arg(required = true)]
        path: Vec<String>,
    },
    /// Copies a file or a directory with all it holds from the volume.
    Get {
        #[command(flatten)]
        place: Place,
        /// File or directory of the volume.
        path: String,
        /// Where to; into it, if it is a directory. The current directory if not given.
        #[arg(default_value = ".")]
        target: PathBuf,
    },
    /// Copies files and directories with all they hold to the volume.
    Put {
        #[command(flatten)]
        place: Place,
        /// Files or directories of this machine; `-` is the standard input. The last one is where
        /// to: a directory of the volume, or a new name if there is one source.
        #[arg(required = true, num_args = 2..)]
        paths: Vec<String>,
    },
    /// Removes files.
    Rm {
        #[command(flatten)]
        place: Place,
        /// Directories too, with all they hold.
        #[arg(short, long)]
        recursive: bool,
        /// Files of the volume.
        #[arg(required = true)]
        path: Vec<String>,
    },
    /// Makes directories.
    Mkdir {
        #[command(flatten)]
        place: Place,
        /// Those above them too, and existing ones are no error.
        #[arg(short, long)]
        parents: bool,
        /// Directories of the volume.
        #[arg(required = true)]
        path: Vec<String>,
    },
    /// Gives a file or directory another name, or moves it into a directory.
    Mv {
        #[command(flatten)]
        place: Place,
        /// What it is called.
        from: String,
        /// What it is to be called, or the directory to move it into.
        to: String,
    },
    /// Verifies every rule of the format, and counts the owners of every block.
    ///
    /// Two independent readers look: one knows docs/format.md alone and has the memory of this
    /// machine, the other is the filesystem itself.
    Check {
        #[command(flatten)]
        place: Place,
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Shows the structures of the volume in words.
    Dump {
        #[command(flatten)]
        place: Place,
        /// Only this part; may be given several times. Without it: all but the items.
        #[arg(long)]
        part: Vec<Part>,
    },
    /// Says what the volume is, and how full.
    Info {
        #[command(flatten)]
        place: Place,
        /// Prints one JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct Mkfs {
    /// File that holds what the flash holds; made if it is absent.
    image: PathBuf,
    /// Where in the file the volume begins.
    #[arg(long, value_parser = bytes, default_value = "0", value_name = "BYTES")]
    offset: u64,
    /// Bytes of the flash: 65536, 64K, 16M.
    #[arg(long, value_parser = bytes, conflicts_with = "chip", value_name = "BYTES")]
    size: Option<u64>,
    /// A known chip instead of a size.
    #[arg(long, value_parser = ["w25q128jv", "w25q64jv", "w25q32jv", "w25q16jv", "w25q80dv"])]
    chip: Option<String>,
    /// Bytes of the smallest erase.
    #[arg(long, value_parser = bytes, default_value = "4K", value_name = "BYTES")]
    block: u64,
    /// Bytes of the smallest program: 1 to 64, or 512 for a card, whose sectors need no erase.
    #[arg(long, value_parser = bytes, default_value = "1", value_name = "BYTES")]
    program_unit: u64,
    /// A name for the volume, up to 32 bytes.
    #[arg(long, default_value = "")]
    label: String,
    /// Directory of this machine whose content the volume gets.
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Whatever is there may be lost.
    #[arg(long)]
    force: bool,
    /// Takes identity and hash seed from this number, so that the image can be made again.
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Debug, Args)]
struct Ls {
    #[command(flatten)]
    place: Place,
    /// Directory or file of the volume.
    #[arg(default_value = "/")]
    path: String,
    /// Kind, size, links and time as well.
    #[arg(short)]
    long: bool,
    /// Everything below, too.
    #[arg(short = 'R', long)]
    recursive: bool,
    /// Prints one JSON array.
    #[arg(long)]
    json: bool,
}

/// A number of bytes: decimal or hexadecimal, perhaps with K, M, G or T behind it.
fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || "a number of bytes: 4096, 0x1000, 4K, 16M".to_owned();
    let shift = match text.bytes().last().map(|last| last.to_ascii_uppercase()) {
        Some(b'K') => 10,
        Some(b'M') => 20,
        Some(b'G') => 30,
        Some(b'T') => 40,
        _ => 0,
    };
    let digits = if shift == 0 { text } else { &text[..text.len() - 1] };
    let number = match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    number.ok().and_then(|number| number.checked_mul(1 << shift)).ok_or_else(wrong)
}

pub(super) fn main(arguments: Arguments) -> ExitCode {
    match run(arguments.command) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Mkfs(order) => mkfs(order)?,
        Command::Ls(order) => ls(&order)?,
        Command::Cat { place, path } => cat(&place, &path)?,
        Command::Get { place, path, target } => {
            let bar = Bar::new();
            let copied = mounted(&mut place.open()?, true, |volume| {
                get(volume, &path, &target, &|done, all| bar.show(done, all))
            });
            bar.finish(&copied?);
        }
        Command::Put { place, paths } => put_all(&place, &paths)?,
        Command::Rm { place, recursive, path } => {
            mounted(&mut place.open()?, false, |volume| {
                path.iter().try_for_each(|path| rm(volume, path, recursive))
            })?;
        }
        Command::Mkdir { place, parents, path } => {
            mounted(&mut place.open()?, false, |volume| {
                path.iter().try_for_each(|path| mkdir(volume, path, parents))
            })?;
        }
        Command::Mv { place, from, to } => {
            mounted(&mut place.open()?, false, |volume| mv(volume, &from, &to))?;
        }
        Command::Check { place, json } => return checked(&place, json),
        Command::Dump { place, part } => {
            let mut text = String::new();
            let dumped = dump(&mut place.open()?, &part, &mut text);
            print(text.as_bytes())?;
            dumped?;
        }
        Command::Info { place, json } => info(&place, json)?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Place {
    fn open(&self) -> Result<Flash> {
        Flash::open(&self.image, self.offset, self.size)
    }
}

/// Writes to the standard output. That nobody reads any more is no error.
fn print(text: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::host(Path::new("the standard output"), "write", &error))
        }
        _ => Ok(()),
    }
}

fn mkfs(order: Mkfs) -> Result<()> {
    let sizes = [("128", 16), ("64", 8), ("32", 4), ("16", 2), ("80", 1)];
    let of = |chip: &String| {
        let mut sizes = sizes.iter();
        sizes.find(|(name, _)| chip["w25q".len()..].starts_with(name)).map(|(_, size)| size << 20)
    };
    let size = order.chip.as_ref().and_then(of).or(order.size);
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let order = Make {
        path: order.image,
        offset: order.offset,
        size,
        block: narrow(order.block),
        program_unit: narrow(order.program_unit),
        label: order.label,
        from: order.from,
        force: order.force,
        seed: order.seed,
    };
    let bar = Bar::new();
    let copied = make(&order, &|done, all| bar.show(done, all));
    bar.finish(&copied?);
    Ok(())
}

fn ls(order: &Ls) -> Result<()> {
    let depth = if order.recursive { usize::MAX } else { 1 };
    let (items, targets) = mounted(&mut order.place.open()?, true, |volume| {
        let items = walk(volume, &order.path, depth)?;
        let links = items.iter().filter(|item| item.attributes.kind == NodeKind::Symlink);
        let target = |item: &Item| Ok((item.path.clone(), link_target(volume, &item.path)?));
        let targets = links.map(target).collect::<Result<BTreeMap<_, _>>>()?;
        Ok((items, targets))
    })?;
    // A directory is asked for what it holds, a file for itself.
    let shown: Vec<&Item> = match items.first() {
        Some(first) if first.is_directory() => items.iter().skip(1).collect(),
        _ => items.iter().collect(),
    };
    let top =
        items.first().filter(|first| first.is_directory()).map_or(0, |first| first.path.len() + 1);
    if order.json {
        let json = |item: &&Item| item_json(item, targets.get(&item.path));
        let items: Vec<Value> = shown.iter().map(json).collect();
        return print(format!("{:#}\n", Value::from(items)).as_bytes());
    }
    let mut text = String::new();
    for item in shown {
        let slash = if item.is_directory() { "/" } else { "" };
        let name = item.path.get(top..).unwrap_or(&item.path);
        if order.long {
            let found = &item.attributes;
            let kind = kind_name(found.kind).chars().next().unwrap_or('?');
            let (size, links, when) = (found.size, found.links, date(found.modified));
            let target = targets.get(&item.path).map(|target| target.escape_ascii());
            let target = target.map_or_else(String::new, |target| format!(" -> {target}"));
            let end = format!("{name}{slash}{target}");
            text += format!("{kind} {size:>12} {links:>3}  {when:<16}  {end}\n").as_str();
        } else {
            text += format!("{name}{slash}\n").as_str();
        }
    }
    print(text.as_bytes())
}

const fn kind_name(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::File => "file",
        NodeKind::Directory => "directory",
        NodeKind::Symlink => "link",
    }
}

fn item_json(item: &Item, target: Option<&Vec<u8>>) -> Value {
    let found = &item.attributes;
    let time = |time: Time| if time == Time::UNKNOWN { Value::Null } else { time.0.into() };
    json!({
        "path": item.path,
        "kind": kind_name(found.kind),
        "size": found.size,
        "links": found.links,
        "object": found.object.0,
        "modified_ns": time(found.modified),
        "born_ns": time(found.born),
        "target": target.map(|target| String::from_utf8_lossy(target).into_owned()),
    })
}

fn cat(place: &Place, paths: &[String]) -> Result<()> {
    mounted(&mut place.open()?, true, |volume| {
        for path in paths {
            let items = walk(volume, path, 0)?;
            for item in items {
                if item.is_directory() {
                    return Err(Failure::Refused(format!("{path} is a directory")));
                }
                let mut out = std::io::stdout().lock();
                read_to(volume, &item, &mut out, Path::new("the standard output"))?;
            }
        }
        Ok(())
    })
}

fn put_all(place: &Place, paths: &[String]) -> Result<()> {
    let Some((target, sources)) = paths.split_last() else { return Ok(()) };
    let bar = Bar::new();
    let copied = mounted(&mut place.open()?, false, |volume| {
        let mut sum = Copied::default();
        if sources.len() > 1 {
            let found = walk(volume, target, 0)?;
            if !found.first().is_some_and(Item::is_directory) {
                return Err(Failure::Usage(format!("{target} is not a directory of the volume")));
            }
        }
        for source in sources {
            let copied = if source == "-" {
                let mut input = std::io::stdin().lock();
                let bytes = write_from(volume, target, &mut input, Path::new("standard input"))?;
                Copied { files: 1, bytes, ..Copied::default() }
            } else {
                let before = sum.bytes;
                put(volume, Path::new(source), target, false, &|done, all| {
                    bar.show(before + done, before + all);
                })?
            };
            sum.files += copied.files;
            sum.directories += copied.directories;
            sum.links += copied.links;
            sum.names += copied.names;
            sum.attributes += copied.attributes;
            sum.bytes += copied.bytes;
            sum.left_out.extend(copied.left_out);
        }
        Ok(sum)
    });
    bar.finish(&copied?);
    Ok(())
}

fn rm(volume: &Mounted<'_>, path: &str, recursive: bool) -> Result<()> {
    let items = walk(volume, path, if recursive { usize::MAX } else { 0 })?;
    if !recursive && items.first().is_some_and(Item::is_directory) {
        return Err(Failure::Refused(format!("{path} is a directory; -r removes it")));
    }
    for item in items.iter().rev().filter(|item| !item.path.is_empty()) {
        let removed =
            if item.is_directory() { volume.rmdir(&item.path) } else { volume.remove(&item.path) };
        removed.map_err(|error| Failure::of(&item.path, error))?;
    }
    Ok(())
}

fn mkdir(volume: &Mounted<'_>, path: &str, parents: bool) -> Result<()> {
    let mut above = String::new();
    if parents {
        for part in path.split('/').filter(|part| !part.is_empty()) {
            above = format!("{above}/{part}");
            match volume.mkdir(&above) {
                Ok(()) => {}
                Err(fs_core::Error::Exists) if walk(volume, &above, 0)?[0].is_directory() => {}
                Err(error) => return Err(Failure::of(&above, error)),
            }
        }
        return Ok(());
    }
    volume.mkdir(path).map_err(|error| Failure::of(path, error))
}

fn mv(volume: &Mounted<'_>, from: &str, to: &str) -> Result<()> {
    let source = walk(volume, from, 0)?;
    let into = volume.stat(to).is_ok_and(|found| found.kind == NodeKind::Directory);
    let target = match source.first() {
        Some(source) if into => format!("{}/{}", to.trim_end_matches('/'), source.name()),
        _ => to.to_owned(),
    };
    volume.rename(from, &target).map_err(|error| Failure::of(&format!("{from} to {target}"), error))
}

/// What both readers say.
fn checked(place: &Place, as_json: bool) -> Result<ExitCode> {
    let mut flash = place.open()?;
    flash.volume()?;
    let report = check(&flash).map_err(|refused| Failure::no_volume(&flash, refused))?;
    let own = mounted(&mut flash, true, |volume| {
        volume.check().map_err(|error| Failure::of("the filesystem's own check", error))
    });
    let held = report.findings.is_empty() && own.is_ok();
    if as_json {
        print(format!("{:#}\n", report_json(&report, own.as_ref().err(), held)).as_bytes())?;
    } else {
        print(report_text(&report, own.as_ref().err(), held).as_bytes())?;
    }
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn report_text(report: &Report, own: Option<&Failure>, held: bool) -> String {
    let Report { nodes, items, files, directories, free, erased, .. } = report;
    let mut text =
        format!("{files} files, {directories} directories, {items} items, {nodes} nodes\n");
    let owners = report.by_owner();
    let owners = owners.iter().map(|(owner, count)| format!("{count} {owner}"));
    let owners: Vec<_> = owners.collect();
    text +=
        format!("blocks: {}; {free} free, {erased} of them erased\n", owners.join(", ")).as_str();
    let stop = if report.clean { "clean" } else { "unclean: the next mount for writing settles" };
    text += format!("last stop: {stop}\n").as_str();
    for damage in &report.findings {
        text += format!("WRONG: {damage}\n").as_str();
    }
    if let Some(failure) = own {
        text += format!("WRONG: {failure}\n").as_str();
    }
    text + if held { "everything is right\n" } else { "the volume is damaged\n" }
}

fn report_json(report: &Report, own: Option<&Failure>, held: bool) -> Value {
    let owners = report.by_owner().into_iter();
    let owners: serde_json::Map<String, Value> =
        owners.map(|(owner, count)| (owner.to_string(), count.into())).collect();
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|damage| json!({"block": damage.block, "what": damage.what}))
        .collect();
    json!({
        "held": held,
        "clean": report.clean,
        "files": report.files,
        "directories": report.directories,
        "items": report.items,
        "nodes": report.nodes,
        "blocks_by_owner": owners,
        "blocks_free": report.free,
        "blocks_erased": report.erased,
        "findings": findings,
        "own_check": own.map_or_else(|| Value::from("held"), |own| own.to_string().into()),
    })
}

fn info(place: &Place, as_json: bool) -> Result<()> {
    let mut flash = place.open()?;
    let superblock = flash.volume()?;
    let shown = flash.path().display().to_string();
    let damaged = |damage| Failure::Damaged(format!("{shown}: {damage}"));
    let volume = Volume::read(&flash, &superblock).map_err(damaged)?;
    let files = volume.files().map_err(damaged)?;
    let bytes: u64 = files.0.values().map(|file| file.inode.size).sum();
    let count = |kind| files.0.values().filter(|file| file.inode.kind == kind).count();
    let scalars = &volume.replayed.state.scalars;
    let (free, block) = (u64::from(scalars.free), superblock.block_bytes());
    if as_json {
        let text = json!({
            "label": superblock.label,
            "uuid": crate::tool::hex(&superblock.uuid),
            "version": superblock.version,
            "blocks": superblock.block_count,
            "block_bytes": block,
            "program_unit": superblock.program_unit(),
            "bytes": superblock.size(),
            "blocks_free": free,
            "files": count(1),
            "directories": count(2),
            "links": count(3),
            "content_bytes": bytes,
            "clean": volume.replayed.clean,
            "session": volume.replayed.entry.session,
            "erases": scalars.erases,
        });
        return print(format!("{text:#}\n").as_bytes());
    }
    let (blocks, size) = (superblock.block_count, superblock.size());
    let label = if superblock.label.is_empty() { "-" } else { &superblock.label };
    let stop = if volume.replayed.clean { "clean" } else { "unclean" };
    let text = format!(
        "Vellum volume, format version {}\n\
         label       {label}\n\
         uuid        {}\n\
         size        {size} bytes: {blocks} blocks of {block}\n\
         free        {} bytes: {free} blocks\n\
         files       {} in {} directories, {bytes} bytes\n\
         last stop   {stop}, session {}\n",
        superblock.version,
        crate::tool::hex(&superblock.uuid),
        free * block,
        count(1),
        count(2),
        volume.replayed.entry.session,
    );
    print(text.as_bytes())
}

/// How far a copy is, on a terminal.
struct Bar(RefCell<Option<ProgressBar>>);

impl Bar {
    const fn new() -> Self {
        Self(RefCell::new(None))
    }

    fn show(&self, done: u64, all: u64) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let mut bar = self.0.borrow_mut();
        let bar = bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("[{bar:40}] {bytes} of {total_bytes}");
            let bar = ProgressBar::new(all);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        bar.set_length(all);
        bar.set_position(done);
    }

    /// Removes the bar and says what was left out.
    fn finish(&self, copied: &Copied) {
        if let Some(bar) = &*self.0.borrow() {
            bar.finish_and_clear();
        }
        for (path, why) in &copied.left_out {
            eprintln!("left out: {}: {why}", path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let table = [("0", 0), ("4096", 4096), ("4K", 4096), ("0x1000", 4096), ("16m", 16 << 20)];
        for (text, number) in table {
            assert_eq!(bytes(text), Ok(number), "{text}");
        }
        for text in ["", "K", "4KB", "-1", "99999999T"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
