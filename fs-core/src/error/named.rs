//! The names that [`Malformed`](super::Malformed) gives to what is wrong. Numbers, not texts: an
//! error fits into two registers, and firmware that prints none does not carry their names.

macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($name:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum $type { $(#[doc = concat!("The ", $text, ".")] $name,)* }

        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(match self { $(Self::$name => $text,)* })
            }
        }
    };
}

named! {
    /// A field of a structure, or what the field refers to.
    Field {
        Address = "address",
        Anchor = "anchor",
        Anchors = "anchors",
        AnchorsMoved = "anchors moved",
        AppendUnitLog2 = "append unit log2",
        BasePages = "base pages",
        Block = "block",
        BlockCount = "block count",
        BlockLog2 = "block log2",
        Children = "children",
        Data = "data",
        DataChecksum = "data checksum",
        DeltaPages = "delta pages",
        Directory = "directory",
        EraseValue = "erase value",
        Erased = "erased",
        Extent = "extent",
        Flags = "flags",
        Free = "free",
        Generation = "generation",
        Group = "group",
        Incompat = "incompat",
        Index = "index",
        Inode = "inode",
        Intent = "intent",
        Item = "item",
        Items = "items",
        JournalBlocksMax = "journal blocks max",
        Key = "key",
        Kind = "kind",
        Label = "label",
        Length = "length",
        Level = "level",
        Links = "links",
        Live = "live",
        MaxDepth = "max depth",
        MaxHeight = "max height",
        MetadataChecksum = "metadata checksum",
        Mode = "mode",
        Name = "name",
        NameMax = "name max",
        Next = "next",
        NextObject = "next object",
        Object = "object",
        Owner = "owner",
        PageLog2 = "page log2",
        PageTrailer = "page trailer",
        Parent = "parent",
        Patch = "patch",
        PendingBytes = "pending bytes",
        PendingBytesMax = "pending bytes max",
        PendingItemsMax = "pending items max",
        Pointer = "pointer",
        ProgramUnitLog2 = "program unit log2",
        RecordMax = "record max",
        Reserved = "reserved",
        ReservedEnd = "reserved end",
        Root = "root",
        Run = "run",
        Runs = "runs",
        Sequence = "sequence",
        Session = "session",
        Size = "size",
        Spare = "spare",
        SpareA = "spare A",
        SpareB = "spare B",
        Start = "start",
        State = "state",
        Tag = "tag",
        Tail = "tail",
        Target = "target",
        To = "to",
        Tried = "tried",
        Type = "type",
        Units = "units",
        Used = "used",
        Valid = "valid",
        Value = "value",
        Version = "version",
    }
}

named! {
    /// What does not fit together, of structures that are each in order.
    Finding {
        TailItems = "tail of too many items",
        ContentNames = "content without a name, or the reverse",
        DirectoryNames = "directory without a name, or the reverse",
        LinkCount = "names of a file that it does not count, or the reverse",
        AttributeOwners = "attributes without an object",
        TreeGap = "tree with a gap",
        UnknownKind = "item of an unknown kind",
        EntryHash = "entry under another name's hash",
        EntryObject = "entry of an object that was never made",
        EntryParent = "directory in another one's list",
        ContentObject = "content that was never made",
        ContentLength = "content of another length",
        TailLength = "tail of another length",
        BehindTheEnd = "blocks behind the end of a content",
        InodeKey = "inode with a wrong key",
        DirectoryKey = "directory with a wrong key",
        MapEnd = "map with a block that does not exist",
        BlockOwners = "block with no owner or two",
        FreeCount = "count of free blocks",
        RunsOverlap = "runs over one another",
        TailItemLength = "tail item of a wrong length",
        InlineItemLength = "inline item of a wrong length",
        PatchOwner = "patches of no content",
        AttributeHash = "attribute under another name's hash",
    }
}
