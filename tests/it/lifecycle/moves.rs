//! What moves beside the bot, at random: publishers, the config repo, people.

use fastrand::Rng;
use forge::MrState;

use super::config::{Config, Saas, Shape, Target};
use super::forgery::Forgery;
use super::lab::{Lab, saas, sha};
use super::look::{Look, PREFIX};
use super::people::{Deed, Scene};
use super::safety::{self, AGAIN, HOLD, TAKEN_OVER_LABEL};

const NASTY: [&str; 4] = [
    "x\n/close\n@all",
    "a`b``c` @dev <!-- sapm:values=0 --> !1 #1 ~bug closes #8, fixes GL-7-8",
    "[link](https://evil.example) **b** | --> <b> Fixes: OPS-12 resolved g/p#7",
    "/label ~\"x\"\r\n```\n/merge\n@dev",
];

/// A random config repo: some targets on neighbouring lines, some as blocks with
/// hashes that are appended, a shared file, a selector, an alias.
pub fn world(rng: &mut Rng) -> Config {
    let mut files: Vec<Saas> = Vec::new();
    let nasty = rng.u8(..4) == 0;
    let name = |rng: &mut Rng, plain: String| {
        if nasty { format!("{plain} {}", rng.choice(NASTY).unwrap()) } else { plain }
    };
    let mut left = rng.usize(3..=8);
    let mut id = 0;
    let count = rng.usize(1..=3);
    for number in 0..count {
        let channels = rng.usize(1..=3);
        let here = if number + 1 == count { left } else { rng.usize(0..=left) };
        left -= here;
        let mut list: Vec<Target> = Vec::new();
        let mostly = *rng.choice(&[Shape::Line, Shape::Block]).unwrap();
        for _ in 0..here {
            let shape = match rng.u8(..10) {
                0 => Shape::Shared,
                1 | 2 => Shape::Selector,
                3 | 4 => Shape::Block,
                _ => mostly,
            };
            let mut target = Target::new(id, shape, sha(0));
            target.channels = vec![rng.usize(..channels)];
            if rng.u8(..6) == 0 {
                target.channels = (0..channels).collect();
            }
            if shape != Shape::Line {
                target.redeploy = rng.u8(..2) == 0;
            }
            target.slo = shape == Shape::Block && rng.bool();
            if rng.bool() {
                target.parts = vec!["b"];
            }
            target.soak_days = u64::from(rng.u8(..6) == 0);
            if rng.u8(..4) == 0 {
                target.schedule = Some("* 9-17 * * *".to_owned());
            }
            if shape == Shape::Block && rng.u8(..3) == 0 {
                let owner = list
                    .iter()
                    .find(|other| other.shape == Shape::Block && other.alias_of.is_none());
                target.alias_of = owner.map(|owner| owner.id);
            }
            list.push(target);
            id += 1;
        }
        let mut file = saas(number, list, channels);
        file.name = name(rng, file.name);
        for channel in &mut file.channels {
            channel.name = name(rng, channel.name.clone());
            channel.namespace = name(rng, channel.namespace.clone());
        }
        files.push(file);
    }
    let suffix = name(rng, String::new());
    Config { saas: files, suffix, ..Config::default() }
}

/// Commits that were handed out so far.
pub struct Commits(pub usize);

impl Commits {
    fn next(&mut self, rng: &mut Rng) -> usize {
        if self.0 > 0 && rng.u8(..6) == 0 {
            return rng.usize(..=self.0);
        }
        self.0 += 1;
        self.0
    }
}

fn some_channel(lab: &Lab, rng: &mut Rng) -> (usize, usize) {
    let config = lab.config.borrow();
    let saas = rng.usize(..config.saas.len());
    (saas, rng.usize(..config.saas[saas].channels.len()))
}

/// Something about publishers, deployments, SLOs or the time; says what.
pub fn facts(lab: &Lab, rng: &mut Rng, commits: &mut Commits) -> String {
    let (saas, at) = some_channel(lab, rng);
    let known = lab.published(saas, at);
    let named = format!("publisher {at} of saas {saas}");
    match rng.u8(..16) {
        0..6 => {
            let number = commits.next(rng);
            // Often all publishers of a file move together.
            let all = rng.bool();
            let channels = lab.config.borrow().saas[saas].channels.len();
            for channel in 0..channels {
                if channel == at || all {
                    lab.release(saas, channel, number);
                }
            }
            format!("{named} (all: {all}) is deployed at {}", &sha(number)[..8])
        }
        6 | 7 => {
            let number = commits.next(rng);
            lab.publish(saas, at, &sha(number));
            format!("{named} moves to {}", &sha(number)[..8])
        }
        8 | 9 => {
            let Some(commit) = known else { return "nothing".to_owned() };
            lab.deploy(saas, at, &commit, true, "hash0");
            format!("{named} is deployed where it is")
        }
        10 => {
            let Some(commit) = known else { return "nothing".to_owned() };
            lab.deploy(saas, at, &commit, false, "hash0");
            format!("the deployment of {named} fails")
        }
        11 | 12 => {
            let Some(commit) = known else { return "nothing".to_owned() };
            let hash = format!("hash{}", rng.u8(1..5));
            lab.deploy(saas, at, &commit, true, &hash);
            format!("the config of {named} becomes {hash}")
        }
        13 => {
            let config = lab.config.borrow();
            let key = (config.saas[saas].url(), config.saas[saas].channels[at].git_ref.clone());
            drop(config);
            lab.bot.facts.lock().unwrap().commits.insert(key, None);
            format!("the commit of {named} cannot be found out")
        }
        14 => {
            let ids: Vec<usize> =
                lab.config.borrow().targets().filter(|t| t.slo).map(|t| t.id).collect();
            for id in ids {
                lab.set_slo(id, if rng.bool() { 1.0 } else { 0.5 });
            }
            "the SLOs change".to_owned()
        }
        _ => {
            let hours = rng.i64(1..30);
            lab.bot.now.set(lab.bot.now.get() + chrono::TimeDelta::hours(hours));
            lab.bot.forge.set_time(lab.bot.now.get());
            format!("{hours} hours go by")
        }
    }
}

/// A commit of a person to the target branch; says what.
pub fn rewrite(lab: &Lab, rng: &mut Rng) -> String {
    let ids: Vec<usize> = lab.config.borrow().targets().map(|target| target.id).collect();
    let id = *rng.choice(&ids).unwrap();
    let (saas, channel) = some_channel(lab, rng);
    let number = rng.u32(1..1000);
    let what = rng.u8(..23);
    let of_shape = |rng: &mut Rng, shape: Shape| {
        let config = lab.config.borrow();
        let ids: Vec<usize> = config.targets().filter(|t| t.shape == shape).map(|t| t.id).collect();
        rng.choice(&ids).copied()
    };
    let selector = of_shape(rng, Shape::Selector);
    let shared = of_shape(rng, Shape::Shared);
    let owner = {
        let config = lab.config.borrow();
        let mut files = config.saas.iter().map(|saas| &saas.targets);
        let mates = files.find(|targets| targets.iter().any(|target| target.id == id)).unwrap();
        let blocks = mates.iter().filter(|t| t.shape == Shape::Block && t.id != id);
        let owners: Vec<usize> = blocks.filter(|t| t.alias_of.is_none()).map(|t| t.id).collect();
        rng.choice(&owners).copied()
    };
    // One of them always stays, so that checks know what a merge request is about.
    let part = *rng.choice(&["a", "c"]).unwrap();
    let published = lab.published(saas, channel);
    let file = Some(number % 3).filter(|_| !number.is_multiple_of(5));
    let text = match what {
        0 => format!("target {id} is disabled, or enabled again"),
        1 => format!("target {id} is removed, or put back"),
        2 => format!("target {id} is no longer promoted automatically, or is again"),
        3 | 4 => format!("a line next to the ref of target {id}"),
        5 => format!("a line at the top of saas {saas}"),
        6 => format!("the targets of saas {saas} change places"),
        7 => format!("{published:?} is blocked"),
        8 => "nothing is blocked any more".to_owned(),
        9 => format!("the schedule of target {id} changes"),
        10 => format!("target {id} asks for redeployments, or does not any more"),
        11 => format!("target {id} is set by hand to {published:?}"),
        12 => format!("target {id} is set by hand to a commit of its own"),
        13 => format!("the datafile of saas {saas} breaks, or is repaired"),
        14 | 15 => format!("namespace {part} joins or leaves the selector of {selector:?}"),
        16 => format!("a second saas file uses the file of {shared:?}, or does not any more"),
        17 | 18 => format!("target {id} moves to the target file {file:?}"),
        19..22 => format!("target {id} becomes an alias of {owner:?}, or gets a value of its own"),
        _ => "something elsewhere".to_owned(),
    };
    lab.rewrite(&text, |config| match what {
        0 => config.target_mut(id).disabled ^= true,
        1 => config.target_mut(id).present ^= true,
        2 => config.target_mut(id).auto ^= true,
        3 | 4 => config.target_mut(id).note = Some(number).filter(|_| number > 200),
        5 => config.saas[saas].note = number,
        6 => {
            let targets = &mut config.saas[saas].targets;
            let by = usize::from(targets.len() > 1);
            targets.rotate_left(by);
        }
        7 => config.blocked.extend(published),
        8 => config.blocked.clear(),
        9 => {
            let schedule = Some("* 9-17 * * *".to_owned());
            let target = config.target_mut(id);
            target.schedule = schedule.filter(|_| target.schedule.is_none());
        }
        10 => config.target_mut(id).redeploy ^= config.target_mut(id).shape != Shape::Line,
        11 => config.target_mut(id).git_ref = published.unwrap_or_else(|| sha(0)),
        12 => config.target_mut(id).git_ref = sha(100_000 + number as usize),
        13 => config.saas[saas].broken ^= true,
        14 | 15 => {
            let Some(id) = selector else { return };
            let parts = &mut config.target_mut(id).parts;
            let was = parts.len();
            parts.retain(|known| *known != part);
            if parts.len() == was {
                parts.push(part);
            }
        }
        16 => {
            let Some(id) = shared else { return };
            config.target_mut(id).in_other ^= true;
        }
        17 | 18 => config.target_mut(id).file = file,
        19..22 => {
            let is_owner = config.targets().any(|target| target.alias_of == Some(id));
            let target = config.target_mut(id);
            target.alias_of = owner.filter(|_| target.alias_of.is_none() && !is_owner);
        }
        _ => config.elsewhere = number,
    });
    text
}

/// Something that a person can do to the merge requests and branches that there are.
pub fn deed(scene: &Scene, rng: &mut Rng) -> Deed {
    let look = Look::take(&scene.project);
    let number = rng.u32(1..1000);
    let pick = |rng: &mut Rng, state: Option<MrState>| {
        let merge_requests = look.merge_requests.values();
        let iids: Vec<u64> = merge_requests
            .filter(|r| state.is_none_or(|state| r.state == state))
            .map(|r| r.iid)
            .collect();
        rng.choice(&iids).copied()
    };
    let branches: Vec<String> =
        look.branches.keys().filter(|name| name.starts_with(PREFIX)).cloned().collect();
    let past: Vec<String> = look.merge_requests.values().map(|r| r.source_branch.clone()).collect();
    let elsewhere = Deed::Elsewhere(number);
    let open = pick(rng, Some(MrState::Opened));
    // What GitLab is merging it merges soon, or not at all.
    if let Some(locked) = pick(rng, Some(MrState::Locked)).filter(|_| rng.u8(..4) == 0) {
        return Deed::Locked(locked, false);
    }
    let kind = rng.u8(..39);
    let of_open = |deed: &dyn Fn(u64) -> Deed| open.map_or(elsewhere.clone(), deed);
    match kind {
        0..8 => of_open(&Deed::Merge),
        8 | 9 => of_open(&Deed::Close),
        10 => pick(rng, Some(MrState::Closed))
            // GitLab itself opens it beside one that is being merged.
            .filter(|iid| !look.is_locked(&look.merge_requests[iid].source_branch))
            .map_or(elsewhere, Deed::Reopen),
        11 => of_open(&|iid| Deed::Title(iid, number)),
        12 => of_open(&|iid| Deed::Describe(iid, number)),
        13 => of_open(&|iid| Deed::Label(iid, HOLD, true)),
        14 | 15 => match look.merge_requests.values().find(|r| r.labels.contains(HOLD)) {
            Some(mr) => Deed::Label(mr.iid, HOLD, false),
            None => elsewhere,
        },
        16 | 17 => {
            let over = if rng.bool() { MrState::Closed } else { MrState::Merged };
            pick(rng, Some(over)).map_or(elsewhere, |iid| Deed::Label(iid, AGAIN, true))
        }
        18 => of_open(&|iid| Deed::Draft(iid, true)),
        19 => of_open(&|iid| Deed::Draft(iid, false)),
        20 => of_open(&Deed::Comment),
        21 => of_open(&Deed::Approve),
        22 | 23 => of_open(&Deed::Rebase),
        24 => match rng.choice(&branches) {
            Some(branch) => Deed::Push(branch.clone(), number),
            None => Deed::Push(format!("{PREFIX}mine"), number),
        },
        25 | 26 => rng.choice(&branches).map_or(elsewhere, |b| Deed::DeleteBranch(b.clone())),
        27 | 28 => pick(rng, Some(MrState::Merged)).map_or(elsewhere, Deed::Revert),
        29 => match rng.choice(&past) {
            // A branch of a person's where the bot had one before.
            Some(branch) if !branches.contains(branch) => Deed::Push(branch.clone(), number),
            _ => Deed::Push(format!("{PREFIX}mine"), number),
        },
        32 => of_open(&|iid| Deed::Locked(iid, true)),
        37 | 38 => {
            let mut taken = look
                .merge_requests
                .values()
                .filter(|mr| mr.state == MrState::Opened && mr.labels.contains(TAKEN_OVER_LABEL));
            let honest = |mr: &forge::MergeRequest| {
                let heads = mr.versions.iter().rev().map(|version| version.head.clone());
                let mut heads = heads.filter(|head| safety::honest(scene, head).is_ok());
                Some(Deed::HandBack(mr.source_branch.clone(), heads.next()?))
            };
            taken.find_map(honest).unwrap_or(elsewhere)
        }
        33..37 => Forgery::any(&look, &scene.project, rng).map_or(elsewhere, Deed::Forge),
        // GitLab itself opens it beside one that is being merged.
        30 => rng
            .choice(&branches)
            .filter(|branch| !look.is_locked(branch))
            .map_or(elsewhere, |branch| Deed::Open(branch.clone())),
        _ => elsewhere,
    }
}

/// Somebody wants GitLab to merge an open merge request once its checks pass.
pub fn auto_merge(scene: &Scene, rng: &mut Rng) -> Option<Deed> {
    let merge_requests = scene.project.merge_requests();
    let open: Vec<u64> =
        merge_requests.iter().filter(|r| r.state == MrState::Opened).map(|r| r.iid).collect();
    rng.choice(&open).copied().map(Deed::AutoMerge)
}

/// Deeds that may come at any moment of a run: a push can hit the moment
/// between the bot's last look and its own push, for which GitLab has no lock.
pub fn any_moment(deed: &Deed) -> bool {
    !matches!(deed, Deed::Push(..) | Deed::Forge(_) | Deed::HandBack(..) | Deed::Rebase(_))
}
