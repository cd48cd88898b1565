//! The sums over many worlds, and their tables.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::causes::Cause;
use crate::clock::Ms;
use crate::faults::{Fault, Strikes};
use crate::history::{History, Kind};
use crate::invariants::Findings;
use crate::plan::{AttackKind, HangingSends, Mode, Plan};

/// The sums of one mode.
#[derive(Default, Clone)]
pub struct Sums {
    worlds: u64,
    /// The worlds in which sends hang, by the share that hangs.
    hanging: BTreeMap<HangingSends, u64>,
    /// The most sends for one object's events that were under way at once, in those worlds.
    sends_at_once: BTreeMap<HangingSends, u64>,
    events: u64,
    /// The deliveries, by kind.
    deliveries: BTreeMap<&'static str, u64>,
    /// The answers, by status. None counts the deliveries without an answer.
    answers: BTreeMap<Option<u16>, u64>,
    /// The duplicates, by cause.
    copies: BTreeMap<Cause, u64>,
    queued: u64,
    must_succeed: u64,
    worst_answer: Ms,
    strikes: Strikes,
}

impl Sums {
    pub fn count(&mut self, plan: &Plan, history: &History, findings: &Findings) {
        self.worlds += 1;
        if let Some(hanging) = plan.hanging {
            *self.hanging.entry(hanging).or_default() += 1;
            let most = self.sends_at_once.entry(hanging).or_default();
            *most = sends_at_once(history).max(*most);
        }
        self.events += plan.events.len() as u64;
        for trail in &history.trails {
            *self.deliveries.entry(kind(trail.kind)).or_default() += 1;
            *self.answers.entry(trail.answered.map(|(_, status)| status)).or_default() += 1;
        }
        for cause in &findings.causes {
            *self.copies.entry(*cause).or_default() += 1;
        }
        self.queued += history.copies.len() as u64;
        self.must_succeed += findings.must_succeed;
        self.worst_answer = self.worst_answer.max(findings.worst_answer);
        self.strikes.add(&history.strikes);
    }

    pub fn add(&mut self, other: &Self) {
        self.worlds += other.worlds;
        add(&mut self.hanging, &other.hanging);
        for (hanging, most) in &other.sends_at_once {
            let own = self.sends_at_once.entry(*hanging).or_default();
            *own = (*own).max(*most);
        }
        self.events += other.events;
        add(&mut self.deliveries, &other.deliveries);
        add(&mut self.answers, &other.answers);
        add(&mut self.copies, &other.copies);
        self.queued += other.queued;
        self.must_succeed += other.must_succeed;
        self.worst_answer = self.worst_answer.max(other.worst_answer);
        self.strikes.add(&other.strikes);
    }
}

fn add<K: Ord + Copy>(sums: &mut BTreeMap<K, u64>, others: &BTreeMap<K, u64>) {
    for (key, other) in others {
        *sums.entry(*key).or_default() += other;
    }
}

/// Returns the most sends that were under way at once. All events must belong to one object.
fn sends_at_once(history: &History) -> u64 {
    let sends = history.trails.iter().filter_map(|trail| trail.sent);
    let mut changes: Vec<(Ms, i64)> = sends
        .flat_map(|sent| {
            let settled = sent.acknowledged.or(sent.failed).unwrap_or(Ms::MAX);
            [(sent.at, 1), (settled, -1)]
        })
        .collect();
    changes.sort_unstable();
    let mut under_way = 0;
    let at_once = changes.iter().map(|(_, change)| {
        under_way += change;
        under_way
    });
    at_once.max().unwrap_or_default().unsigned_abs()
}

const KINDS: [&str; 8] = [
    "first attempts",
    "retries",
    "attempts sent twice",
    "retries by hand",
    "forged",
    "signed, but no event",
    "replayed",
    "replayed after the TTL",
];

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Attempt(0) => KINDS[0],
        Kind::Attempt(_) => KINDS[1],
        Kind::Twin(_) => KINDS[2],
        Kind::ByHand => KINDS[3],
        Kind::Attack(AttackKind::Forged(_)) => KINDS[4],
        Kind::Attack(AttackKind::SignedNoEvent) => KINDS[5],
        Kind::Attack(AttackKind::Replayed | AttackKind::ReplayedAtOnce) => KINDS[6],
        Kind::Attack(AttackKind::ReplayedLate) => KINDS[7],
    }
}

/// The sums of both modes.
#[derive(Default, Clone)]
pub struct Report([Sums; 2]);

impl Report {
    pub fn sums(&mut self, mode: Mode) -> &mut Sums {
        &mut self.0[mode as usize]
    }

    pub fn add(&mut self, other: &Self) {
        for (sums, others) in self.0.iter_mut().zip(&other.0) {
            sums.add(others);
        }
    }

    /// Returns the faults that never struck, each with a mode in which it could.
    pub fn never_struck(&self) -> Vec<(Mode, Fault)> {
        let all = Mode::ALL.iter().flat_map(|mode| Fault::ALL.iter().map(|fault| (*mode, *fault)));
        all.filter(|(mode, fault)| {
            fault.applies(*mode) && self.0[*mode as usize].strikes.of(*fault) == 0
        })
        .collect()
    }

    fn row(&self, name: &str, cell: impl Fn(Mode, &Sums) -> Option<String>) -> String {
        let [kv, strict] = Mode::ALL
            .map(|mode| cell(mode, &self.0[mode as usize]).unwrap_or_else(|| "–".to_owned()));
        format!("| {name} | {kv} | {strict} |\n")
    }

    fn number(&self, name: &str, number: impl Fn(&Sums) -> u64) -> String {
        self.row(name, |_, sums| Some(grouped(number(sums))))
    }
}

/// Writes the tables in Markdown.
impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        text += "| | kv | strict |\n|---|---:|---:|\n";
        text += &self.number("worlds", |sums| sums.worlds);
        for hanging in HangingSends::ALL {
            let percent = hanging.percent();
            let worlds = |sums: &Sums| sums.hanging.get(&hanging).copied().unwrap_or_default();
            let most = |sums: &Sums| sums.sends_at_once.get(&hanging).copied().unwrap_or_default();
            text += &self.number(&format!("– with {percent} % of sends hanging for 57 s"), worlds);
            text += &self.number("– – most sends of one object's events at once", most);
        }
        text += &self.number("events", |sums| sums.events);
        text += &self.number("deliveries", |sums| sums.deliveries.values().sum());
        for kind in KINDS {
            let count = |sums: &Sums| sums.deliveries.get(kind).copied().unwrap_or_default();
            text += &self.number(&format!("– {kind}"), count);
        }
        let mut statuses: Vec<Option<u16>> =
            self.0.iter().flat_map(|sums| sums.answers.keys().copied()).collect();
        statuses.sort_unstable();
        statuses.dedup();
        for status in statuses {
            let name =
                status.map_or_else(|| "without an answer".to_owned(), |s| format!("answered {s}"));
            let count = |sums: &Sums| sums.answers.get(&status).copied().unwrap_or_default();
            text += &self.number(&name, count);
        }
        text += &self
            .row("worst answer time", |_, sums| Some(format!("{} ms", grouped(sums.worst_answer))));
        text += &self.number("attempts that had to succeed, and did", |sums| sums.must_succeed);
        text += &self.number("messages queued", |sums| sums.queued);
        text +=
            &self.number("events queued", |sums| sums.queued - sums.copies.values().sum::<u64>());
        text += "\n| duplicates queued | kv | per million events | strict | per million events |\n";
        text += "|---|---:|---:|---:|---:|\n";
        for cause in Cause::ALL {
            let [kv, strict] = Mode::ALL.map(|mode| {
                let sums = &self.0[mode as usize];
                cause.applies(mode).then(|| sums.copies.get(&cause).copied().unwrap_or_default())
            });
            text += &self.copies(cause.text(), [kv, strict]);
        }
        text +=
            &self.copies("all", Mode::ALL.map(|m| Some(self.0[m as usize].copies.values().sum())));
        text += "\n| faults that struck | kv | strict |\n|---|---:|---:|\n";
        for fault in Fault::ALL {
            text += &self.row(fault.text(), |mode, sums| {
                fault.applies(mode).then(|| grouped(sums.strikes.of(*fault)))
            });
        }
        formatter.write_str(&text)
    }
}

impl Report {
    fn copies(&self, name: &str, counts: [Option<u64>; 2]) -> String {
        let mut row = format!("| {name}");
        for (count, sums) in counts.into_iter().zip(&self.0) {
            match count {
                None => row += " | – | –",
                Some(count) => {
                    let per_million = count * 1_000_000 / sums.events.max(1);
                    let _infallible =
                        write!(row, " | {} | {}", grouped(count), grouped(per_million));
                }
            }
        }
        row + " |\n"
    }
}

/// Returns a number with commas between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
