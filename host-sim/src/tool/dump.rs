//! The structures of a volume in words.

use std::fmt::Write;

use super::{Failure, Flash, Result};
use crate::stranger::{
    Change, Kind, Medium, Place, Record, Report, RunState, Slot, Superblock, Volume, check,
};

/// What can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Identity, limits and both copies.
    Superblock,
    /// Entries that say where the journal starts.
    Anchors,
    /// Records and their changes.
    Journal,
    /// What the journal says and the tree does not.
    Pending,
    /// Nodes.
    Tree,
    /// Items, what is pending included.
    Items,
    /// Owners of blocks.
    Space,
}

/// The parts that are asked for, in words.
///
/// # Errors
/// What is wrong with the volume, after everything that could be read.
pub fn dump(flash: &mut Flash, parts: &[Part], out: &mut String) -> Result<()> {
    let superblock = flash.volume()?;
    let wants = |part| parts.is_empty() || parts.contains(&part);
    if wants(Part::Superblock) {
        show_superblock(flash, &superblock, out);
    }
    if wants(Part::Anchors) {
        show_anchors(flash, &superblock, out);
    }
    let volume = Volume::read(flash, &superblock).map_err(|damage| {
        Failure::Damaged(format!("{}: damaged at {damage}", flash.path().display()))
    })?;
    if wants(Part::Journal) {
        show_journal(&volume, out);
    }
    if wants(Part::Pending) {
        show_pending(&volume, out);
    }
    if wants(Part::Tree) {
        show_tree(&volume, out);
    }
    if parts.contains(&Part::Items) {
        show_items(&volume, out);
    }
    if wants(Part::Space) {
        let report = check(flash).map_err(|refused| Failure::no_volume(flash, refused))?;
        show_space(&superblock, &report, out);
    }
    Ok(())
}

macro_rules! line {
    ($out:expr, $($text:tt)*) => {{
        // Writing to a string does not fail.
        let _ = writeln!($out, $($text)*);
    }};
}

/// Sixteen bytes as digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn show_superblock(flash: &Flash, superblock: &Superblock, out: &mut String) {
    let s = superblock;
    line!(out, "superblock");
    line!(out, "  format version {}, read from block {}", s.version, s.read_from);
    line!(out, "  uuid {}, label \"{}\"", hex(&s.uuid), s.label);
    let (blocks, bytes) = (s.block_count, s.block_bytes());
    line!(out, "  {blocks} blocks of {bytes} bytes, {} bytes in all", s.size());
    line!(out, "  program unit {}, append unit {}", s.program_unit(), 1 << s.append_unit_log2);
    line!(out, "  erased bytes read as {:#04x}", s.erase_value);
    let (compat, ro, incompat) = (s.compat, s.ro_compat, s.incompat);
    line!(out, "  features: compat {compat:#x}, ro_compat {ro:#x}, incompat {incompat:#x}");
    line!(out, "  names to {} bytes", s.name_max);
    let (bytes, items) = (s.pending_bytes_max, s.pending_items_max);
    line!(out, "  pending set to {bytes} bytes and {items} runs");
    line!(out, "  journal to {} blocks", s.journal_blocks_max);
    for block in s.anchors() {
        let text = match crate::stranger::place(flash, s.offset(block), block) {
            Place::Valid(copy) => {
                let same = Superblock { read_from: s.read_from, ..*copy } == *s;
                if same { "a copy of it".into() } else { "another superblock".into() }
            }
            Place::Unknown { version, incompat } => {
                format!("version {version}, incompat {incompat:#x}: not known")
            }
            Place::Marker => "a format was begun".into(),
            Place::Blank => "blank".into(),
            Place::Damaged(what) => what,
            Place::Foreign | Place::Absent => "something else".into(),
        };
        line!(out, "  block {block}: {text}");
    }
}

fn show_anchors(medium: &dyn Medium, superblock: &Superblock, out: &mut String) {
    line!(out, "anchors");
    for slot in crate::stranger::slots(medium, superblock) {
        match slot {
            Slot::Torn { block, slot } => {
                line!(out, "  block {block} slot {slot}: neither blank nor an entry");
            }
            Slot::Valid(e) => {
                let first = if e.first { ", first of a settle" } else { "" };
                let (block, slot, number, session) = (e.block, e.slot, e.sequence, e.session);
                line!(out, "  block {block} slot {slot}: entry {number}, session {session}{first}");
                let [a, b] = e.spares;
                let (start, sequence) = (e.start, e.start_sequence);
                line!(out, "    starts at block {start}, record {sequence}; spares {a}, {b}");
                line!(out, "    root {}; generation {}", shown_pointer(&e.root), e.generation);
            }
        }
    }
}

fn shown_pointer(pointer: &crate::stranger::Pointer) -> String {
    let crate::stranger::Pointer { block, generation, base_pages, delta_pages, level, full } =
        pointer;
    let pages = if *base_pages == 1 { "1 page".into() } else { format!("{base_pages} pages") };
    let deltas = if *delta_pages == 0 { String::new() } else { format!(" and {delta_pages}") };
    let full = if *full { ", full" } else { "" };
    format!("block {block} (generation {generation}, level {level}, {pages}{deltas}{full})")
}

fn show_journal(volume: &Volume, out: &mut String) {
    let found = &volume.replayed;
    let chain: Vec<String> = found.chain.iter().map(u32::to_string).collect();
    let end = if found.clean { "closed by a seal" } else { "not closed: an unclean stop" };
    line!(out, "journal");
    let (entry, chain) = (&found.entry, chain.join(" -> "));
    line!(out, "  entry {} of session {} counts", entry.sequence, entry.session);
    for (entry, why) in &found.passed_over {
        let (number, session) = (entry.sequence, entry.session);
        line!(out, "  entry {number} of session {session} does not: {why}");
    }
    line!(out, "  {} records in blocks {chain}; {end}", found.records.len());
    for record in &found.records {
        show_record(record, out);
    }
}

fn show_record(record: &Record, out: &mut String) {
    let kind = match record.kind {
        Kind::Change => "changes",
        Kind::Header => "header",
        Kind::Checkpoint => "checkpoint",
        Kind::More => "more of a checkpoint",
        Kind::Seal => "seal",
    };
    let last = if record.last { ", complete" } else { "" };
    let Record { block, at, length, sequence, .. } = record;
    line!(out, "  block {block} byte {at}: record {sequence}, {kind}{last}, {length} bytes");
    for change in &record.changes {
        line!(out, "    {}", shown_change(change));
    }
}

fn shown_change(change: &Change) -> String {
    let mark = |flag: &bool, name: &str| if *flag { format!(" ({name})") } else { String::new() };
    let run = |start: u32, length: u16| match length {
        1 => format!("block {start}"),
        more => format!("blocks {start} to {}", u64::from(start) + u64::from(more) - 1),
    };
    match change {
        Change::Put { fresh, key, value } => {
            format!("put {key}{}: {}", mark(fresh, "fresh"), shown_value(key.kind, value))
        }
        Change::Delete { vanish, key } => format!("delete {key}{}", mark(vanish, "vanish")),
        Change::Point { fresh, level, key, pointer } => {
            let (fresh, to) = (mark(fresh, "fresh"), shown_pointer(pointer));
            format!("point at level {level} from {key}{fresh} to {to}")
        }
        Change::Unpoint { vanish, level, key } => {
            format!("unpoint at level {level} from {key}{}", mark(vanish, "vanish"))
        }
        Change::Fold { level, low, high } => format!("fold level {level} from {low} to {high}"),
        Change::Root(pointer) => format!("root is {}", shown_pointer(pointer)),
        Change::Run { tag, start, length } => {
            let verb = ["take", "give", "erased", "no longer erased", "leave"];
            let verb = verb.get(usize::from(*tag).wrapping_sub(7)).unwrap_or(&"?");
            format!("{verb} {}", run(*start, *length))
        }
        Change::State { start, length, state } => {
            format!("{} {}", run(*start, *length), shown_state(*state))
        }
        Change::Scalars(s) => {
            let [a, b] = s.spares;
            let root = shown_pointer(&s.root);
            let erased = if s.spare_erased { " (erased)" } else { "" };
            format!(
                "scalars: next {}, spares {a}{erased} and {b}, root {root}, generation {}, next object {}, \
                 {} free, cursor {}, {} erases",
                s.next, s.generation, s.next_object, s.free, s.cursor, s.erases
            )
        }
        Change::Objects(next) => format!("objects below {next} may be in use"),
    }
}

const fn shown_state(state: RunState) -> &'static str {
    match state {
        RunState::Free => "free",
        RunState::Erased => "erased",
        RunState::Used => "in use",
        RunState::Leaving => "leaving",
    }
}

fn shown_value(kind: u8, value: &[u8]) -> String {
    let length = value.len();
    let text = match kind {
        2 => match crate::stranger::Dirent::decode(value) {
            Ok(entry) => {
                let kind = ["?", "file", "directory", "symbolic link"];
                let kind = kind.get(usize::from(entry.kind)).unwrap_or(&"?");
                let name = entry.name.escape_ascii();
                let size = entry.inode.map_or_else(String::new, |inode| {
                    format!(", {} bytes in object {}", inode.size, inode.data)
                });
                format!("{kind} {} \"{name}\"{size}", entry.object)
            }
            Err(what) => what.into(),
        },
        3 => {
            let head = value.get(..length.min(40)).unwrap_or_default();
            format!("\"{}\"", head.escape_ascii())
        }
        9 => {
            let bits = |part: &[u8]| part.iter().map(|byte| byte.count_ones()).sum::<u32>();
            let (used, erased) = value.split_at(length.min(32));
            let erased = erased.get(..erased.len().min(32)).unwrap_or_default();
            format!("{} blocks in use, {} erased", bits(used), bits(erased))
        }
        143 => {
            let counts = value.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            let counts: Vec<String> = counts.map(|count| count.to_string()).collect();
            format!("erased {} times", counts.join(", "))
        }
        _ => hex(value.get(..length.min(24)).unwrap_or_default()),
    };
    format!("{length} bytes, {text}")
}

fn show_pending(volume: &Volume, out: &mut String) {
    let state = &volume.replayed.state;
    line!(out, "pending");
    let (bytes, most) = (state.pending_bytes(), volume.superblock.pending_bytes_max);
    line!(out, "  {} entries, {bytes} of {most} bytes", state.entries.len());
    for ((level, key), value) in &state.entries {
        let text = match value {
            None => "gone".into(),
            Some(value) if *level == 0 => shown_value(key.kind, value),
            Some(value) => hex(value),
        };
        line!(out, "    level {level} {key}: {text}");
    }
    let runs = state.runs();
    line!(out, "  {} runs", runs.len());
    for (start, length, run) in runs {
        line!(out, "    {} blocks from {start}: {}", length, shown_state(run));
    }
}

fn show_tree(volume: &Volume, out: &mut String) {
    let height = volume.replayed.state.scalars.root.level + 1;
    let (nodes, items) = (volume.tree.nodes.len(), volume.tree.items.len());
    line!(out, "tree");
    line!(out, "  {height} levels, {nodes} nodes, {items} items with those that are pending");
    for node in &volume.tree.nodes {
        let (pointer, items) = (shown_pointer(&node.pointer), node.items);
        line!(out, "  {pointer}: {items} items, from {} to {}", node.low, node.high);
    }
}

fn show_items(volume: &Volume, out: &mut String) {
    line!(out, "items");
    for (key, value) in &volume.tree.items {
        line!(out, "  {key}: {}", shown_value(key.kind, value));
    }
}

fn show_space(superblock: &Superblock, report: &Report, out: &mut String) {
    line!(out, "space");
    line!(out, "  {} blocks free, {} of them erased", report.free, report.erased);
    let mut runs: Vec<(u32, u32, String)> = Vec::new();
    for block in 0..superblock.block_count {
        let owner = report.owners.get(&block);
        let text = owner.map_or_else(|| "free".into(), ToString::to_string);
        match runs.last_mut() {
            Some((_, last, before)) if *before == text => *last = block,
            _ => runs.push((block, block, text)),
        }
    }
    for (first, last, text) in runs {
        if first == last {
            line!(out, "  block {first}: {text}");
        } else {
            line!(out, "  blocks {first} to {last}: {text}");
        }
    }
}
