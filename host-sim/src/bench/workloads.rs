//! The list of workloads, and what they are compared with.

use super::document::Medium;
use super::ground::{Filling, MIB, checked, format, set_low_latency};
use super::meter::{Ran, Row};
use super::steps::{self, Before};
use crate::chip::{Kind, Nor, Spec};

/// What a figure is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Against {
    /// Microseconds that the project's performance model aims at; 0 if it has no aim here.
    pub aim_us: u64,
    /// What it aimed at before it had the format's own parameters, if that is another figure.
    pub first_us: u64,
    /// The best that a peer did, in words.
    pub peer: &'static str,
}

/// A workload, what it is called, and what it does.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Its name in tables.
    pub name: &'static str,
    /// On NOR flash, if it is a workload for that.
    pub nor: Option<Against>,
    /// On a card, likewise.
    pub card: Option<Against>,
    /// Microseconds, and those before the model had the format's own parameters, that the model
    /// aims at on NOR flash with low latency; 0: no aim.
    pub low_us: (u64, u64),
    /// Microseconds of the longest call on NOR flash.
    pub worst_us: u64,
    /// Whether a test may run it.
    pub cheap: bool,
    body: fn(&Nor) -> Result<Ran, String>,
}

type Body = fn(&Nor) -> Result<Ran, String>;

/// Microseconds that no call on NOR flash should exceed.
const WORST_NOR: u64 = 180_000;
/// The same with low latency.
const WORST_LOW: u64 = 70_000;
/// The same on a card.
const WORST_CARD: u64 = 25_000;

const fn row(name: &'static str, nor: (u64, &'static str), card: (u64, &'static str)) -> Workload {
    let (nor, card) = (Some(against(nor)), Some(against(card)));
    let (worst_us, low_us) = (WORST_NOR, (0, 0));
    Workload { name, nor, card, low_us, worst_us, cheap: false, body: |_| Err("empty".into()) }
}

const fn against((aim_us, peer): (u64, &'static str)) -> Against {
    Against { aim_us, first_us: 0, peer }
}

impl Workload {
    const fn does(self, body: Body) -> Self {
        Self { body, ..self }
    }

    /// What the model aimed at before: microseconds on NOR flash, and on a card.
    const fn first(self, nor_us: u64, card_us: u64) -> Self {
        let nor = match self.nor {
            Some(nor) => Some(Against { first_us: nor_us, ..nor }),
            None => None,
        };
        let card = match self.card {
            Some(card) => Some(Against { first_us: card_us, ..card }),
            None => None,
        };
        Self { nor, card, ..self }
    }

    const fn cheap(self) -> Self {
        Self { cheap: true, ..self }
    }

    const fn nor_only(self) -> Self {
        Self { card: None, ..self }
    }

    const fn worst(self, worst_us: u64) -> Self {
        Self { worst_us, ..self }
    }

    /// With low latency, and what the model aimed at before.
    const fn low(self, us: u64, first_us: u64) -> Self {
        Self { low_us: (us, first_us), ..self }
    }

    /// Nothing is erased, so low latency makes no difference.
    const fn erases_nothing(self) -> Self {
        match self.nor {
            Some(Against { aim_us, first_us, .. }) => self.low(aim_us, first_us),
            None => self,
        }
    }

    /// What it is compared with on such a medium.
    #[must_use]
    pub fn against(&self, medium: &Medium) -> Option<Against> {
        let (aim_us, first_us) = self.low_us;
        match medium.spec.kind {
            Kind::Card => self.card,
            _ if medium.low_latency => self.nor.map(|nor| Against { aim_us, first_us, ..nor }),
            _ => self.nor,
        }
    }

    /// Microseconds that no call of it should exceed.
    #[must_use]
    pub fn worst_us_on(&self, medium: &Medium) -> u64 {
        match medium.spec.kind {
            Kind::Card => WORST_CARD,
            _ if medium.low_latency => WORST_LOW,
            _ => self.worst_us,
        }
    }
}

const FULL: Filling = Filling::Contiguous(80);
const LITTLEFS_F: &str = "4.53 s, littlefs F";
const NONE: (u64, &str) = (0, "-");

/// Every workload, in the order of the table.
pub static ALL: &[Workload] = &[
    row("W1 write 1 MiB, 512 B chunks", (4_300_000, LITTLEFS_F), (600_000, "1.08 s, littlefs S6"))
        .does(|nor| steps::write_file(nor, 512))
        .low(13_400_000, 0),
    row("W1 write 1 MiB, 4 KiB chunks", (4_300_000, LITTLEFS_F), (600_000, "0.68 s, FatFs"))
        .does(|nor| steps::write_file(nor, 4096))
        .low(13_400_000, 0),
    row("W1 erased ahead", (1_900_000, "-"), NONE)
        .does(steps::write_file_ahead)
        .nor_only()
        .erases_nothing(),
    row("W1 aged", (4_300_000, "9.03 s, SPIFFS"), (600_000, "-"))
        .does(|nor| steps::write_file_on(nor, Filling::Aged))
        .low(13_400_000, 0),
    row("W1 at 80 %, contiguous", NONE, NONE).does(|nor| steps::write_file_on(nor, FULL)),
    row("W1 at 80 %, fragmented", NONE, NONE)
        .does(|nor| steps::write_file_on(nor, Filling::Fragmented)),
    row("W2 read 1 MiB, 128 B chunks", (170_000, "0.169 s, littlefs F"), (390_000, "-"))
        .does(|nor| steps::read_file(nor, 128))
        .erases_nothing(),
    row(
        "W2 read 1 MiB, 512 B chunks",
        (170_000, "0.169 s, littlefs F"),
        (390_000, "0.42 s, littlefs S6"),
    )
    .does(|nor| steps::read_file(nor, 512))
    .erases_nothing(),
    row(
        "W2 read 1 MiB, 4 KiB chunks",
        (170_000, "0.169 s, littlefs F"),
        (390_000, "0.39 s, FatFs"),
    )
    .does(|nor| steps::read_file(nor, 4096))
    .erases_nothing(),
    row(
        "W3 200 overwrites + sync, 1 MiB",
        (1_000_000, "3.9 s, SPIFFS"),
        (600_000, "0.98 s, FatFs"),
    )
    .does(|nor| steps::overwrite(nor, MIB, 0x12345, 200, true))
    .worst(200_000),
    row("W3 200 overwrites, sync when refused", (0, "499 s, littlefs F"), (0, "0.51 s, FatFs"))
        .does(|nor| steps::overwrite(nor, MIB, 0x12345, 200, false)),
    row("W3 200 overwrites + sync, 16 KiB", (0, "1.6 s, SPIFFS"), NONE)
        .does(|nor| steps::overwrite(nor, 16 << 10, 0x777, 200, true)),
    row("W3L 20,000 overwrites + sync, 1 MiB", (160_000_000, "-"), NONE)
        .does(|nor| steps::overwrite(nor, MIB, 0x12345, 20_000, true))
        .nor_only(),
    row(
        "W4 2000 appends of 32 B + sync",
        (2_400_000, "5.9 s, SPIFFS"),
        (3_700_000, "6.67 s, FatFs"),
    )
    .does(|nor| steps::append(nor, 2000, 1))
    .low(6_400_000, 3_500_000),
    row("W4 2000 appends, sync each 64", (0, "1.06 s, SPIFFS"), (0, "0.28 s, FatFs"))
        .does(|nor| steps::append(nor, 2000, 64)),
    row("W4 2000 times open, append, close", NONE, NONE).does(steps::append_reopened),
    row("W4 500 appends at 80 %, contiguous", NONE, NONE).does(|nor| steps::append_on(nor, FULL)),
    row("W4 500 appends at 80 %, fragmented", NONE, (0, "1.67 s, FatFs"))
        .does(|nor| steps::append_on(nor, Filling::Fragmented)),
    row("W4L 20,000 appends of 32 B + sync", (24_000_000, "62 s, SPIFFS"), (38_000_000, "-"))
        .does(|nor| steps::append(nor, 20_000, 1))
        .low(66_000_000, 39_000_000),
    row("W5 create 500 x 64 B", (2_600_000, "6.55 s, littlefs H"), (6_000_000, "11.6 s, FatFs"))
        .first(1_600_000, 2_500_000)
        .does(steps::create_files)
        .cheap(),
    row("W5 stat 500", (150_000, "2.05 s, littlefs H"), (500_000, "2.95 s, embedded-sdmmc"))
        .does(steps::stat_files)
        .cheap()
        .erases_nothing(),
    row("W5 list with sizes", (40_000, "25 ms, SPIFFS"), (250_000, "12 ms, FatFs"))
        .does(steps::list_files)
        .cheap()
        .erases_nothing(),
    row("W5 delete 500", (1_350_000, "0.67 s, littlefs B"), (2_500_000, "2.95 s, littlefs S1"))
        .first(1_000_000, 1_700_000)
        .does(steps::remove_files)
        .cheap(),
    row("W6 mount, after format", (1_000, "0.04 ms, littlefs H"), (3_000, "1.1 ms, FatFs"))
        .does(|nor| steps::mount(nor, Before::Format))
        .cheap()
        .erases_nothing(),
    row("W6 mount, 500 files, clean", (3_200, "9.3 ms, littlefs H"), (12_000, "1.1 ms, FatFs"))
        .first(1_000, 3_000)
        .does(|nor| steps::mount(nor, Before::Creates))
        .cheap()
        .erases_nothing(),
    row("W6 mount, 500 files, unclean", (8_400, "-"), (17_000, "-"))
        .first(3_000, 5_000)
        .does(|nor| steps::mount(nor, Before::PowerCut))
        .cheap()
        .erases_nothing(),
    row("W6 mount, 500 files removed", (3_200, "-"), (12_000, "-"))
        .first(1_000, 3_000)
        .does(|nor| steps::mount(nor, Before::Removes))
        .cheap()
        .erases_nothing(),
    row("W6 mount at 80 %, contiguous", (3_200, "1.8 ms, littlefs H"), (12_000, "1.1 ms, FatFs"))
        .first(1_000, 3_000)
        .does(|nor| steps::mount(nor, Before::Filled(FULL)))
        .erases_nothing(),
    row("W6 mount at 80 %, fragmented", (3_200, "1.8 ms, littlefs H"), (12_000, "1.1 ms, FatFs"))
        .first(1_000, 3_000)
        .does(|nor| steps::mount(nor, Before::Filled(Filling::Fragmented)))
        .erases_nothing(),
    row("W7 1000 random reads of 128 B", (30_000, "28 ms, littlefs L"), (420_000, "0.46 s, FatFs"))
        .does(steps::random_reads)
        .erases_nothing(),
    row(
        "W8 rewrite 4 KiB x 1000",
        (18_000_000, "38 s, SPIFFS"),
        (4_800_000, "12.5 s, littlefs S10"),
    )
    .does(|nor| steps::rewrite(nor, 4096, 1000))
    .low(54_000_000, 0),
    row("W8 rewrite 64 B x 1000", (0, "1.95 s, littlefs H"), (0, "2.77 s, littlefs S1"))
        .does(|nor| steps::rewrite(nor, 64, 1000))
        .cheap(),
    row("W8 at 80 %, fragmented", (40_000_000, "-"), NONE)
        .does(|nor| steps::rewrite_on(nor, Filling::Fragmented))
        .nor_only()
        .low(54_000_000, 0),
    row("W8 at 95 %", (55_000_000, "-"), NONE)
        .does(|nor| steps::rewrite_on(nor, Filling::Contiguous(95)))
        .nor_only()
        .low(55_000_000, 0),
    row(
        "W9 first allocation at 80 %, contiguous",
        (60_000, "75 ms, littlefs K"),
        (12_000, "7 ms, FatFs"),
    )
    .first(0, 5_000)
    .does(|nor| steps::first_allocation(nor, FULL, false)),
    row("W9 first allocation at 80 %, fragmented", (60_000, "-"), (12_000, "-"))
        .first(0, 5_000)
        .does(|nor| steps::first_allocation(nor, Filling::Fragmented, false)),
    row("W9 at 80 %, contiguous, erased ahead", (12_000, "-"), NONE)
        .does(|nor| steps::first_allocation(nor, FULL, true))
        .nor_only()
        .erases_nothing(),
    row(
        "W10 replace 256 B x 200",
        (700_000, "2.38 s, littlefs K"),
        (800_000, "2.14 s, littlefs S1"),
    )
    .does(steps::replace)
    .cheap(),
];

/// Runs a workload on a new chip; with `low_latency` volumes are mounted so.
#[must_use]
pub fn run(workload: &Workload, spec: Spec, low_latency: bool) -> Row {
    set_low_latency(low_latency);
    let nor = Nor::new(spec);
    let result = format(&nor).and_then(|()| (workload.body)(&nor));
    let result = result.and_then(|ran| Ok(Ran { unread: checked(&nor)?, ..ran }));
    Row { name: workload.name, result }
}
