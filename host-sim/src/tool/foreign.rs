//! Names for what is no Vellum volume, from the magic numbers of others.

use crate::stranger::Medium;

/// Bytes at a place, and what they are the mark of.
const MARKS: &[(u64, &[u8], &str)] = &[
    (8, b"littlefs", "a littlefs filesystem"),
    (4096 + 8, b"littlefs", "a littlefs filesystem"),
    (82, b"FAT32   ", "a FAT32 filesystem"),
    (54, b"FAT16   ", "a FAT16 filesystem"),
    (54, b"FAT12   ", "a FAT12 filesystem"),
    (54, b"FAT     ", "a FAT filesystem"),
    (3, b"EXFAT   ", "an exFAT filesystem"),
    (3, b"NTFS    ", "an NTFS filesystem"),
    (0, b"hsqs", "a SquashFS filesystem"),
    (0, b"-rom1fs-", "a romfs filesystem"),
    (0, b"\x45\x3d\xcd\x28", "a cramfs filesystem"),
    (0, b"UBI#", "a UBI device"),
    (0, b"\x31\x18\x10\x06", "a UBIFS filesystem"),
    (0, b"\x85\x19", "a JFFS2 filesystem"),
    (0, b"XFSB", "an XFS filesystem"),
    (1080, b"\x53\xef", "an ext2, ext3 or ext4 filesystem"),
    (1024, b"\x10\x20\xf5\xf2", "an F2FS filesystem"),
    (1024, b"\xe2\xe1\xf5\xe0", "an EROFS filesystem"),
    (0x1_0040, b"_BHRfS_M", "a btrfs filesystem"),
    (0x8001, b"CD001", "an ISO 9660 image"),
    (512, b"EFI PART", "a disk with a GPT partition table: give --offset of a partition"),
    (0, b"\x7fELF", "an ELF program"),
    (0, b"UF2\n", "a UF2 file: convert it to a binary image first"),
    (0, b":10", "an Intel HEX file: convert it to a binary image first"),
    (0, b":02", "an Intel HEX file: convert it to a binary image first"),
    (0, b"S0", "a Motorola S-record file: convert it to a binary image first"),
    (0, b"\x3a\xff\x26\xed", "an Android sparse image: convert it with simg2img first"),
    (0, b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (0, b"\xfd7zXZ\x00", "compressed with xz: unpack it first"),
    (0, b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first"),
    (0, b"PK\x03\x04", "a ZIP archive: unpack it first"),
    (257, b"ustar", "a tar archive"),
    (510, b"\x55\xaa", "a disk with an MBR partition table: give --offset of a partition"),
];

/// What the medium holds, if its mark is known.
#[must_use]
pub fn recognise(medium: &dyn Medium) -> Option<&'static str> {
    let found = MARKS.iter().find(|(at, mark, _)| {
        let mut bytes = vec![0; mark.len()];
        medium.read(*at, &mut bytes) && bytes == *mark
    });
    found.map(|(_, _, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::{MARKS, recognise};

    #[test]
    fn each_mark_is_recognised_where_it_stands_and_nothing_else_is() {
        for (at, mark, name) in MARKS {
            let mut bytes = vec![0x11; 1 << 17];
            let at = usize::try_from(*at).expect("small");
            bytes[at..at + mark.len()].copy_from_slice(mark);
            assert_eq!(recognise(&bytes), Some(*name));
        }
        assert_eq!(recognise(&vec![0x11; 1 << 17]), None);
        assert_eq!(recognise(&[0x11; 3]), None);
    }
}
