//! Visits every state a scenario can reach, breadth first, so that a trace is short.

use super::action::Action;
use super::choices::Choices;
use super::content::{
    BLOCKS_MAX, BlockState, Body, Content, Contents, Entry, Items, KEYS, Kind, Node, Place,
    Pointer, Record, SEED, Scalars,
};
use super::fingerprint::fingerprint;
use super::medium::{Cell, Device, Medium, Stop};
use super::mount::Mount;
use super::oracle;
use super::replay;
use super::scenario::Scenario;
use super::settle;
use std::collections::{HashSet, VecDeque};

/// One state: the medium, RAM if power is on, what may be shown, and what was used up.
#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    medium: Medium,
    mount: Option<Mount>,
    allowed: Vec<Items>,
    operations: u8,
    cuts: u8,
    failures: u8,
}

/// How a state was first reached: enough to repeat it with a log.
struct Origin {
    parent: usize,
    action: Action,
    choices: Box<[(u8, u8)]>,
}

/// What a run found.
pub(super) struct Outcome {
    pub states: usize,
    pub transitions: u64,
    /// The broken promise, and what led to it.
    pub violation: Option<(String, Vec<String>)>,
}

/// Visits every state of `scenario` or stops at the first violation.
pub(super) fn explore(scenario: &Scenario) -> Outcome {
    let mut contents = Contents::default();
    let actions = Action::list(scenario.actions);
    let start = formatted(scenario, &mut contents);
    let mut seen = HashSet::from([fingerprint(&start)]);
    let mut origins = vec![Origin { parent: 0, action: Action::Mount, choices: Box::new([]) }];
    let mut queue = VecDeque::from([(0, start.clone())]);
    let mut transitions = 0;
    while let Some((number, state)) = queue.pop_front() {
        for action in possible(scenario, &state, &actions) {
            let mut choices = Choices::default();
            loop {
                transitions += 1;
                let mut run = Run::new(scenario, &mut contents, &mut choices, false);
                let result = run.step(&state, action);
                let origin = Origin { parent: number, action, choices: choices.taken().into() };
                match result {
                    Err(what) => {
                        let trace = repeat(scenario, &mut contents, start, &origins, &origin);
                        let violation = Some((what, trace));
                        return Outcome { states: seen.len(), transitions, violation };
                    }
                    Ok(next) if seen.insert(fingerprint(&next)) => {
                        origins.push(origin);
                        queue.push_back((origins.len() - 1, next));
                    }
                    Ok(_) => {}
                }
                if !choices.advance() {
                    break;
                }
            }
        }
    }
    Outcome { states: seen.len(), transitions, violation: None }
}

fn possible(scenario: &Scenario, state: &State, actions: &[Action]) -> Vec<Action> {
    if state.mount.is_none() {
        return vec![Action::Mount];
    }
    let mut possible = Vec::new();
    if state.operations < scenario.operations {
        possible.extend_from_slice(actions);
    }
    if state.cuts < scenario.cuts {
        possible.push(Action::Cut);
    }
    possible
}

/// Runs the way to a violation again, with a log.
fn repeat(
    scenario: &Scenario,
    contents: &mut Contents,
    mut state: State,
    origins: &[Origin],
    last: &Origin,
) -> Vec<String> {
    let mut way = vec![last];
    let mut number = last.parent;
    while number != 0 {
        way.push(&origins[number]);
        number = origins[number].parent;
    }
    let mut lines = Vec::new();
    for origin in way.into_iter().rev() {
        let mut choices = Choices::repeating(&origin.choices);
        let mut run = Run::new(scenario, contents, &mut choices, true);
        let next = run.step(&state, origin.action);
        lines.push(format!("{:?}: {}", origin.action, run.log.join("; ")));
        if let Ok(next) = next {
            state = next;
        }
    }
    lines
}

/// One operation from one state, with one string of choices.
struct Run<'a> {
    scenario: &'a Scenario,
    contents: &'a mut Contents,
    choices: &'a mut Choices,
    logging: bool,
    log: Vec<String>,
}

impl<'a> Run<'a> {
    fn new(
        scenario: &'a Scenario,
        contents: &'a mut Contents,
        choices: &'a mut Choices,
        logging: bool,
    ) -> Self {
        Self { scenario, contents, choices, logging, log: Vec::new() }
    }

    fn step(&mut self, state: &State, action: Action) -> Result<State, String> {
        let mut next = state.clone();
        let mut mount = next.mount.take();
        let mut device = Device::new(
            std::mem::take(&mut next.medium),
            self.contents,
            self.choices,
            self.scenario,
        );
        device.cuts = state.cuts < self.scenario.cuts;
        device.log = self.logging.then(Vec::new);
        let mut intended = None;
        let ended = match (action, &mut mount) {
            (Action::Mount, _) | (_, None) => {
                power_on(&mut device, &state.allowed).map(|ready| mount = Some(ready))
            }
            (Action::Cut, _) => {
                device.lose_cache();
                Err(Stop::Cut)
            }
            (_, Some(mount)) => {
                device.failures = self.scenario.failures - state.failures;
                intended = action.outcome(&device, mount);
                if intended.is_none() {
                    return Ok(state.clone());
                }
                next.operations += 1;
                action.run(&mut device, mount)
            }
        };
        if intended.is_some() {
            next.failures = self.scenario.failures - device.failures;
        }
        self.log = device.log.take().unwrap_or_default();
        next.medium = device.medium;
        self.judge(state, next, mount, action, ended, intended)
    }

    /// Holds the outcome of an operation against the promises.
    fn judge(
        &mut self,
        before: &State,
        mut next: State,
        mount: Option<Mount>,
        action: Action,
        ended: Result<(), Stop>,
        intended: Option<Items>,
    ) -> Result<State, String> {
        let mut allow = |items: Option<Items>| {
            next.allowed.extend(items);
            next.allowed.sort_unstable();
            next.allowed.dedup();
        };
        match ended {
            Err(Stop::Violation(what)) => return Err(what),
            Err(Stop::Cut) => {
                allow(intended);
                next.cuts += 1;
                return Ok(next);
            }
            Err(Stop::Failed) => {
                allow(intended);
                next.mount = mount;
                let kept = next.mount.as_ref().map(Mount::shown)
                    == before.mount.as_ref().map(Mount::shown);
                return if kept { Ok(next) } else { Err("CHANGED by a failed operation".into()) };
            }
            Ok(()) => {}
        }
        let Some(mount) = mount else { return Ok(next) };
        if matches!(action, Action::Buffer { .. }) {
            allow(intended);
        } else {
            next.allowed = vec![mount.shown()];
        }
        let wrong = intended.is_some_and(|intended| intended != mount.shown());
        if wrong {
            return Err(format!("WRONG: shows {:?} after success", mount.shown()));
        }
        self.check(&next.medium, &mount)?;
        next.mount = Some(mount);
        Ok(next)
    }

    fn check(&mut self, medium: &Medium, mount: &Mount) -> Result<(), String> {
        let mut checked = oracle::roles(self.scenario, mount);
        if checked.is_ok() && !self.scenario.sector && !mount.doubtful {
            checked = oracle::both_entries_lead_here(self.scenario, self.contents, medium, mount);
        }
        match checked {
            Err(Stop::Violation(what)) => Err(what),
            _ => Ok(()),
        }
    }
}

/// Mounts, compares what it shows, and settles unless the last record is a seal.
fn power_on(device: &mut Device, allowed: &[Items]) -> Result<Mount, Stop> {
    let mut mount = replay::mount(device)?;
    let shown = mount.shown();
    if !allowed.contains(&shown) {
        let what = format!("LOST OR INVENTED: shows {shown:?}, allowed {allowed:?}");
        return Err(Stop::Violation(what));
    }
    if !mount.sealed {
        device.forget_readings();
        settle::settle(device, &mut mount)?;
    }
    Ok(mount)
}

/// A formatted volume: blocks 0 and 1 are the anchors, 2 the journal, 3 its next block, 4 the
/// node, 5 and 6 the spares.
fn formatted(scenario: &Scenario, contents: &mut Contents) -> State {
    let root = Pointer { block: 4, generation: 1 };
    let scalars = Scalars { next: 3, spares: [5, 6], spare_erased: false, root };
    let mut blocks = [BlockState::Free; BLOCKS_MAX];
    blocks[..7].fill(BlockState::Used);
    let mut medium = Medium::blank(scenario);
    let mut put = |block: u8, content: Content| {
        let id = contents.id(content);
        medium.set(Place { block, slot: 0 }, Cell::Sound(id));
    };
    put(4, Content::Node(Node { pointer: root, items: [0; KEYS], blocks }));
    let mut body = Body::of(Kind::Checkpoint { first: true, last: true });
    body.scalars = Some(scalars);
    // As a settle would: the same blocks in the same roles give the same bytes.
    body.runs = [2, 5, 6].map(|block| (block, BlockState::Used)).into();
    let record = Record::seal(scenario, SEED, 1, body);
    let image = scenario.image_records > 0;
    put(
        2,
        if image { Content::Image(vec![record.clone()]) } else { Content::Record(record.clone()) },
    );
    let entry =
        |sequence: u8| Entry { sequence, session: 1, start: 2, seed: SEED, first: false, root };
    put(0, Content::Entry(entry(1)));
    put(1, Content::Entry(entry(2)));
    let mut mount = Mount::at_start_of(&entry(2), Place { block: 1, slot: 0 });
    mount.apply(&record.body, 2);
    mount.checksum = record.checksum;
    mount.slot = 1;
    mount.blank_slot = [Some(1); 2];
    mount.tree_blocks = blocks;
    if image {
        mount.landed(scenario, 0, vec![record]);
    }
    let allowed = vec![mount.shown()];
    State { medium, mount: Some(mount), allowed, operations: 0, cuts: 0, failures: 0 }
}
