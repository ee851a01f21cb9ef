//! `host-sim explore`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use fs_core::mutant::{self, Mutant};
use hal_adapters::mutant as drivers;
use serde_json::{Value, json};

use super::Bar;
use crate::drop_futures::{self, DropPoint};
use crate::explore::outcome::Fault;
use crate::explore::suite::{Suite, What, disturb, repeat};
use crate::explore::{Fan, Options, Progress, replay, run};
use crate::scenario::{ON_WIRES, OTHER_MEDIA, Scenario};
use crate::subject::{Subject, Toy, Vellum};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only this scenario; may be given several times.
    #[arg(long)]
    scenario: Vec<String>,
    /// The scenarios of NOR flash on another medium.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(OTHER_MEDIA))]
    medium: Option<String>,
    /// Seed of scenarios and cuts.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Repeats one state: ENTRY:MODE:SEED, nested ones after a slash.
    #[arg(long)]
    replay: Option<String>,
    /// Ends after so many seconds.
    #[arg(long)]
    time: Option<u64>,
    /// Cuts in the recovery from each cut: a number, or `all`.
    #[arg(long, default_value = "2", value_parser = fan)]
    nested: Fan,
    /// Cuts in the recovery from those.
    #[arg(long, default_value = "1", value_parser = fan)]
    third: Fan,
    /// Makes one of so many of the first cuts.
    #[arg(long, default_value_t = 1)]
    one_in: u64,
    /// Ends after so many failures.
    #[arg(long, default_value_t = 20)]
    failures: usize,
    /// Threads; one for each core if not given.
    #[arg(long)]
    threads: Option<usize>,
    /// Disturbs in another way than by cuts alone: errors, bad-blocks, rot, lost, stale, twin,
    /// unit, unreadable, reads, cut-rot, cut-bad, full, bytes, or drops of futures.
    #[arg(long, value_parser = suite)]
    suite: Option<Chosen>,
    /// Disturbances of such a suite for each scenario.
    #[arg(long, default_value_t = 200)]
    each: u64,
    /// Switches a safety rule off: repeats what `host-sim mutants` has found.
    #[arg(long)]
    without: Option<String>,
    /// Lists the scenarios.
    #[arg(long)]
    list: bool,
    /// Prints one JSON value instead of text, and no progress.
    #[arg(long)]
    json: bool,
    /// Explores the explorer's own canary.
    #[arg(long)]
    toy: bool,
}

fn fan(text: &str) -> Result<Fan, String> {
    match text {
        "all" => Ok(Fan::All),
        number => number.parse().map(Fan::Some).map_err(|_| "a number or `all`".into()),
    }
}

#[derive(Debug, Clone, Copy)]
enum Chosen {
    Chip(Suite),
    Drops,
}

fn suite(text: &str) -> Result<Chosen, String> {
    if text == "drops" {
        return Ok(Chosen::Drops);
    }
    let found = Suite::ALL.iter().find(|suite| suite.name() == text);
    found.copied().map(Chosen::Chip).ok_or_else(|| {
        let names: Vec<_> = Suite::ALL.iter().map(|suite| suite.name()).collect();
        format!("{}, or drops", names.join(", "))
    })
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    if arguments.list {
        list(arguments.json);
        return ExitCode::SUCCESS;
    }
    if let Some(name) = &arguments.without {
        let rule = Mutant::ALL.iter().find(|rule| rule.name() == name);
        let of_driver = drivers::Mutant::ALL.iter().find(|rule| rule.name() == name);
        if rule.is_none() && of_driver.is_none() {
            eprintln!("there is no rule `{name}`; see `host-sim mutants --list`");
            return ExitCode::from(2);
        }
        mutant::set(rule.copied());
        drivers::set(of_driver.copied());
    }
    let mut scenarios = Vec::new();
    for name in &arguments.scenario {
        let Some(scenario) = Scenario::named(name) else {
            eprintln!("there is no scenario `{name}`; see --list");
            return ExitCode::from(2);
        };
        scenarios.push(scenario);
    }
    let subject = subject(arguments.toy);
    if let Some(text) = &arguments.replay {
        return again(&*subject, &scenarios, arguments, text);
    }
    if scenarios.is_empty() {
        scenarios = match &arguments.medium {
            Some(medium) => Scenario::on(medium).collect(),
            None => Scenario::all().collect(),
        };
    }
    let options = Options {
        seed: arguments.seed,
        scenarios,
        nested: [arguments.nested, arguments.third],
        one_in: arguments.one_in.max(1),
        time: arguments.time.map(Duration::from_secs),
        failures_max: arguments.failures,
        threads: arguments.threads,
        ..Options::default()
    };
    let bar = Bar::new(arguments.json);
    let show = |progress: Progress| {
        bar.show(progress.done, progress.jobs, progress.states, progress.failures);
    };
    let report = match arguments.suite {
        Some(Chosen::Drops) => drop_futures::run_on(wires(arguments), &options, &show),
        Some(Chosen::Chip(suite)) => disturb(&*subject, suite, arguments.each, &options, &show),
        None => run(&*subject, &options, &show),
    };
    bar.clear();
    if arguments.json {
        println!("{:#}", report.json());
    } else {
        println!("{report}");
        for failure in &report.failures {
            println!("\n{failure}");
        }
    }
    if report.held() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The medium, if it is one that drivers of both colours reach.
fn wires(arguments: &Arguments) -> Option<&str> {
    arguments.medium.as_deref().filter(|medium| ON_WIRES.contains(medium))
}

fn list(as_json: bool) {
    if as_json {
        let one = |scenario: &Scenario| {
            let Scenario { name, story, covers, .. } = scenario;
            json!({"name": name, "story": story, "covers": covers})
        };
        println!("{:#}", Scenario::all().map(one).collect::<Value>());
        return;
    }
    for scenario in Scenario::all() {
        println!("{:<20} {}", scenario.name, scenario.story);
    }
}

fn subject(toy: bool) -> Box<dyn Subject> {
    if toy { Box::new(Toy::default()) } else { Box::new(Vellum) }
}

fn again(
    subject: &dyn Subject,
    scenarios: &[&'static Scenario],
    arguments: &Arguments,
    text: &str,
) -> ExitCode {
    if let Some(Chosen::Drops) = arguments.suite {
        let point = DropPoint::parse(text);
        let result =
            point.map(|point| drop_futures::repeat(wires(arguments), point, arguments.seed));
        return told(result, &[], arguments.json);
    }
    let [scenario] = scenarios else {
        eprintln!("--replay needs one --scenario");
        return ExitCode::from(2);
    };
    let mut lines = Vec::new();
    let result = match arguments.suite {
        Some(Chosen::Chip(suite)) => What::parse(suite, text)
            .map(|what| repeat(subject, suite, scenario, arguments.seed, what).map(|_| ())),
        _ => replay::parse(text).map(|cuts| {
            let mut tell = |line| {
                if arguments.json {
                    lines.push(line);
                } else {
                    println!("{line}");
                }
            };
            replay::replay(subject, scenario, arguments.seed, &cuts, &mut tell)
        }),
    };
    told(result, &lines, arguments.json)
}

/// Says what a repeated state came to; `story` is what was not printed on the way.
fn told(result: Result<Result<(), Fault>, String>, story: &[String], as_json: bool) -> ExitCode {
    let result = match result {
        Ok(result) => result,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    let fault = result.as_ref().err();
    if as_json {
        let (during, what) = (fault.map(|fault| &fault.during), fault.map(|fault| &fault.what));
        let held = fault.is_none();
        println!("{:#}", json!({"held": held, "during": during, "what": what, "story": story}));
    } else {
        match fault {
            None => println!("everything held"),
            Some(fault) => println!("{}\n{}", fault.during, fault.what),
        }
    }
    if fault.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
