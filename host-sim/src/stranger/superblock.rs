//! Which volume it is: sections 4, 17 and 18.

use super::bytes::{Bytes, Crc};
use super::{Damage, Medium};

/// Bytes of a copy.
pub const SIZE: usize = 256;
const MAGIC: &[u8; 8] = b"\x9eVELLUM\x01";
const MARKER: &[u8; 8] = b"\x9eVELLUM\x00";

/// What a volume is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superblock {
    /// Version of the format.
    pub version: u16,
    /// Identity.
    pub uuid: [u8; 16],
    /// Key of the hash of names.
    pub hash_seed: [u8; 16],
    /// Features that may be ignored.
    pub compat: u32,
    /// Features that allow reading only.
    pub ro_compat: u32,
    /// Features that must be known.
    pub incompat: u32,
    /// Blocks.
    pub block_count: u32,
    /// Bytes of a block are 1 << this.
    pub block_log2: u8,
    /// Smallest program, likewise.
    pub program_unit_log2: u8,
    /// Smallest append, likewise.
    pub append_unit_log2: u8,
    /// What erased bytes read as.
    pub erase_value: u8,
    /// Bytes of the longest name.
    pub name_max: u16,
    /// Bytes of the pending set.
    pub pending_bytes_max: u16,
    /// Runs of the pending set.
    pub pending_items_max: u16,
    /// Blocks that the live journal may span.
    pub journal_blocks_max: u8,
    /// Name for people.
    pub label: String,
    /// The block that this copy was read from.
    pub read_from: u32,
}

impl Superblock {
    /// Bytes of a block.
    #[must_use]
    pub const fn block_bytes(&self) -> u64 {
        1 << self.block_log2
    }

    /// Bytes of the volume.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.block_bytes() * self.block_count as u64
    }

    /// What every checksum is seeded with.
    #[must_use]
    pub fn seed(&self) -> u32 {
        Crc::new().bytes(&self.uuid).sum()
    }

    /// Where a block begins.
    #[must_use]
    pub const fn offset(&self, block: u32) -> u64 {
        self.block_bytes() * block as u64
    }

    /// Smallest program.
    #[must_use]
    pub const fn program_unit(&self) -> u64 {
        1 << self.program_unit_log2
    }

    /// Whether it is a sector volume.
    #[must_use]
    pub const fn is_by_sector(&self) -> bool {
        self.program_unit() > 64
    }

    /// What the length of a record is padded to.
    pub(super) fn padding(&self) -> u64 {
        if self.is_by_sector() { 4 } else { self.program_unit().max(4) }
    }

    /// The anchor blocks.
    #[must_use]
    pub const fn anchors(&self) -> [u32; 2] {
        [0, self.block_count - 1]
    }

    /// Whether a block can hold anything but anchors.
    #[must_use]
    pub const fn is_inside(&self, block: u32) -> bool {
        block > 0 && block < self.block_count - 1
    }
}

/// What one place of a superblock holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A copy.
    Valid(Box<Superblock>),
    /// A copy of another version or with features that are not known.
    Unknown {
        /// The version.
        version: u16,
        /// Features that must be known.
        incompat: u32,
    },
    /// The complete formatting marker.
    Marker,
    /// Nothing, or a marker that was cut short.
    Blank,
    /// The magic number, and then a rule broken.
    Damaged(String),
    /// Something else.
    Foreign,
    /// The image ends before.
    Absent,
}

/// Why there is no volume to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Nothing is there.
    Blank,
    /// A format was begun and not finished.
    Begun,
    /// Another version of the format.
    Version(u16),
    /// Features that are not known, as bits.
    Features(u32),
    /// The volume is larger than what holds it.
    Short {
        /// Bytes of the volume.
        needs: u64,
        /// Bytes there are.
        has: u64,
    },
    /// A volume whose superblocks are damaged.
    Damaged(Damage),
    /// No volume.
    Foreign,
}

/// Reads the place at `at`, which is block `block`.
pub fn place(medium: &dyn Medium, at: u64, block: u32) -> Place {
    let mut bytes = [0; SIZE];
    if !medium.read(at, &mut bytes) {
        return Place::Absent;
    }
    let mut marker = [0xff; SIZE];
    marker[..8].copy_from_slice(MARKER);
    if bytes == marker {
        return Place::Marker;
    }
    let cut_short = bytes.iter().zip(&marker).all(|(byte, mark)| byte & mark == *mark);
    // Where nothing is erased, zeros are as good as blank.
    if cut_short || bytes == [0; SIZE] {
        return Place::Blank;
    }
    if !bytes.starts_with(MAGIC) {
        return Place::Foreign;
    }
    let mut fields = Bytes(&bytes[8..]);
    if fields.u32() != Some(Crc::new().bytes(&bytes[12..]).sum()) {
        return Place::Damaged("the checksum of the superblock is wrong".into());
    }
    let mut features = Bytes(&bytes[48..60]);
    let version = fields.u16().unwrap_or(0);
    let incompat = (features.u32(), features.u32(), features.u32()).2.unwrap_or(0);
    if version != 1 || incompat & !INCOMPAT_KNOWN != 0 {
        return Place::Unknown { version, incompat };
    }
    match decode(&bytes, block) {
        Ok(superblock) => Place::Valid(Box::new(superblock)),
        Err(field) => Place::Damaged(format!("the field {field} of the superblock is wrong")),
    }
}

const INCOMPAT_KNOWN: u32 = 0;

fn decode(bytes: &[u8; SIZE], read_from: u32) -> Result<Superblock, &'static str> {
    let end = "end";
    let mut b = Bytes(&bytes[12..]);
    let version = b.u16().ok_or(end)?;
    let reserved = b.u16().ok_or(end)?;
    let uuid = b.array().ok_or(end)?;
    let hash_seed = b.array().ok_or(end)?;
    let (compat, ro_compat) = (b.u32().ok_or(end)?, b.u32().ok_or(end)?);
    let (incompat, block_count) = (b.u32().ok_or(end)?, b.u32().ok_or(end)?);
    let [block_log2, page_log2, program_unit_log2, append_unit_log2] = b.array().ok_or(end)?;
    let [erase_value, metadata_checksum, data_checksum, page_trailer] = b.array().ok_or(end)?;
    let (name_max, pending_bytes_max) = (b.u16().ok_or(end)?, b.u16().ok_or(end)?);
    let (pending_items_max, record_max) = (b.u16().ok_or(end)?, b.u16().ok_or(end)?);
    let [journal_blocks_max, max_height, max_depth, anchors_moved] = b.array().ok_or(end)?;
    let anchors = [b.u32().ok_or(end)?, b.u32().ok_or(end)?];
    let label: [u8; 32] = b.array().ok_or(end)?;
    let text = label.split(|byte| *byte == 0).next().unwrap_or_default();
    let padded = label.iter().skip(text.len()).all(|byte| *byte == 0);
    let block_bytes = 1_u32.checked_shl(block_log2.into()).unwrap_or(0);
    let pending_most = block_bytes.saturating_sub(512);
    let rules = [
        (reserved == 0, "reserved"),
        (block_count >= 8, "block_count"),
        ((11..=16).contains(&block_log2), "block_log2"),
        (page_log2 == 9, "page_log2"),
        (program_unit_log2 <= 9, "program_unit_log2"),
        (
            (8..=9).contains(&append_unit_log2) && append_unit_log2 >= program_unit_log2,
            "append_unit_log2",
        ),
        (matches!(erase_value, 0 | 255), "erase_value"),
        (metadata_checksum == 1, "metadata_checksum"),
        (data_checksum == 0, "data_checksum"),
        (page_trailer == 4, "page_trailer"),
        ((1..=255).contains(&name_max), "name_max"),
        ((512..=pending_most).contains(&u32::from(pending_bytes_max)), "pending_bytes_max"),
        ((16..=1024).contains(&pending_items_max), "pending_items_max"),
        (record_max == 1040, "record_max"),
        ((2..=16).contains(&journal_blocks_max), "journal_blocks_max"),
        (max_height == 8, "max_height"),
        (max_depth == 64, "max_depth"),
        (anchors_moved == 0, "anchors_moved"),
        (anchors == [0, block_count.saturating_sub(1)], "anchor_b"),
        (padded && std::str::from_utf8(text).is_ok(), "label"),
        (b.0.iter().all(|byte| *byte == 0), "reserved_end"),
    ];
    if let Some((_, field)) = rules.iter().find(|(kept, _)| !kept) {
        return Err(field);
    }
    let label = String::from_utf8_lossy(text).into_owned();
    Ok(Superblock {
        version,
        uuid,
        hash_seed,
        compat,
        ro_compat,
        incompat,
        block_count,
        block_log2,
        program_unit_log2,
        append_unit_log2,
        erase_value,
        name_max,
        pending_bytes_max,
        pending_items_max,
        journal_blocks_max,
        label,
        read_from,
    })
}

/// The volume that `medium` holds from its first byte on.
///
/// # Errors
/// Why there is none.
pub fn find(medium: &dyn Medium) -> Result<Superblock, Refused> {
    let first = place(medium, 0, 0);
    let last = match &first {
        Place::Valid(superblock) => {
            let block = superblock.block_count - 1;
            place(medium, superblock.offset(block), block)
        }
        _ => last_place(medium),
    };
    let damaged = |block, what: &String| Refused::Damaged(Damage::at(block, what.clone()));
    let unknown = |version, incompat| match version {
        1 => Refused::Features(incompat),
        other => Refused::Version(other),
    };
    let found = match (first, last) {
        (Place::Valid(superblock), Place::Marker) => {
            let slots = super::slots(medium, &superblock);
            let newest = super::journal::ranked(&slots).first().map(|entry| entry.block);
            if newest != Some(0) {
                return Err(Refused::Begun);
            }
            *superblock
        }
        (Place::Valid(superblock), _) => *superblock,
        (Place::Unknown { version, incompat }, _) => return Err(unknown(version, incompat)),
        (Place::Marker, _) | (_, Place::Marker) => return Err(Refused::Begun),
        (_, Place::Valid(superblock)) => *superblock,
        (Place::Blank, Place::Blank | Place::Absent) => return Err(Refused::Blank),
        (_, Place::Unknown { version, incompat }) => return Err(unknown(version, incompat)),
        (Place::Damaged(what), _) => return Err(damaged(0, &what)),
        (_, Place::Damaged(what)) => {
            return Err(Refused::Damaged(Damage::of(format!("in the last block {what}"))));
        }
        _ => return Err(Refused::Foreign),
    };
    let (needs, has) = (found.size(), medium.size());
    if has < needs { Err(Refused::Short { needs, has }) } else { Ok(found) }
}

/// What the last block holds, for the first block size that gives something; the size of a block
/// is a matter of the device, which a file does not tell.
fn last_place(medium: &dyn Medium) -> Place {
    let mut found = Place::Absent;
    for log2 in [12, 11, 13, 14, 15, 16] {
        let Some(block) = (medium.size() >> log2).checked_sub(1) else { continue };
        let number = u32::try_from(block).unwrap_or(u32::MAX);
        let here = place(medium, block << log2, number);
        match &here {
            Place::Valid(found) if found.block_log2 != log2 || found.block_count - 1 != number => {}
            Place::Valid(_) | Place::Marker | Place::Unknown { .. } => return here,
            Place::Damaged(_) => found = here,
            _ if found == Place::Absent => found = here,
            _ => {}
        }
    }
    found
}
