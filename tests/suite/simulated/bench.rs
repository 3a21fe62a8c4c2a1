//! A lab file and its simulated lab in this process: planned and applied by the very code that the commands run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use labctl::apply::{Limits, State};
use labctl::cli::{Ended, Locks, Progress, drive, read_grounds};
use labctl::config::Sources;
use labctl::graph::Graph;
use labctl::kinds::{self, Declared};
use labctl::lab::{Address, Lab, SecretName, load};
use labctl::plan::applied::{Applied, Origin};
use labctl::plan::lock::Holder;
use labctl::plan::{Action, Change, Options, Plan, Step, build, next_wave};
use labctl::transport::simulated::{Fault, SimulatedLab, World};
use labctl::transport::{Source, Transport};
use zeroize::Zeroizing;

/// A file that was read.
pub(crate) struct Bench {
    pub(crate) lab: Lab,
    pub(crate) declared: Vec<Declared>,
    pub(crate) graph: Graph,
    pub(crate) sources: Arc<Sources>,
}

/// Every secret is its own name; blobs are those of the sources.
struct Values(Arc<Sources>);

impl Source for Values {
    fn secret(&self, name: &SecretName) -> Result<Zeroizing<Vec<u8>>, String> {
        Ok(Zeroizing::new(name.0.clone().into_bytes()))
    }

    fn blob(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.bytes(path).map(<[u8]>::to_vec).ok_or_else(|| format!("no {path}"))
    }
}

pub(crate) struct Silent;

impl Progress for Silent {
    fn leg(&mut self, _: &Change, _: &[Step], _: bool) {}
    fn ended(&mut self, _: &Change, _: &State) {}
    fn note(&mut self, _: &str) {}
}

pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

impl Bench {
    /// The file must be without errors.
    pub(crate) fn new(text: &str) -> Self {
        Self::try_new(text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
    }

    /// The same with other files beside it.
    pub(super) fn with(text: &str, files: &[(&str, &str)]) -> Self {
        Self::try_with(text, files).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
    }

    pub(super) fn try_new(text: &str) -> Result<Self, String> {
        Self::try_with(text, &[])
    }

    fn try_with(text: &str, files: &[(&str, &str)]) -> Result<Self, String> {
        let sources = Sources::memory(std::iter::once(("homelab.toml", text)).chain(files.iter().copied()));
        Self::of(sources)
    }

    /// The same of files that were read already.
    pub(crate) fn of(sources: Sources) -> Result<Self, String> {
        let loaded = load(&sources);
        let errors: Vec<_> = loaded
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == labctl::config::Severity::Error)
            .collect();
        let lab = loaded.lab.filter(|_| errors.is_empty()).ok_or_else(|| format!("{errors:#?}"))?;
        let declared = kinds::declare(&lab);
        let graph = Graph::new(&declared);
        if let Some(cycle) = graph.cycles().first() {
            return Err(format!("{cycle:#?}"));
        }
        Ok(Self { declared, graph, lab, sources: Arc::new(sources) })
    }

    /// These resources, those below these tables, and all that needs them.
    pub(super) fn with_users(&self, addresses: &[Address]) -> BTreeSet<Address> {
        self.graph.with_users(addresses)
    }

    /// The machines as their owner has them.
    pub(crate) fn found(&self, seed: u64) -> World {
        World::found(&self.lab, seed)
    }

    pub(crate) fn simulated(&self, world: World, faults: Vec<Fault>) -> SimulatedLab {
        SimulatedLab::new(&self.lab, world, Arc::new(Values(Arc::clone(&self.sources)))).with_faults(faults)
    }

    /// Reads and plans; takes over whatever differs.
    pub(crate) fn plan(&self, transport: &dyn Transport) -> Plan {
        let seen = wait(read_grounds(&self.lab, &self.declared, self.lab.sites(), transport, 10));
        let everything = Address::new(Vec::<String>::new());
        let options = Options { adopt: vec![everything], ..Options::default() };
        build(&self.lab, &self.declared, &self.graph, &seen, &options)
    }

    /// Drives a plan, and each wave that it deferred, as far as there is something to go on with. How far each change
    /// came.
    fn waves(&self, plan: Plan, transport: &SimulatedLab) -> BTreeMap<String, State> {
        let (mut wave, mut states) = (plan, BTreeMap::new());
        loop {
            let ended = self.carry_out(&wave, transport);
            // Whoever is killed plans no further wave.
            let is_killed = format!("{ended:?}").contains("labctl was killed");
            let moved = !is_killed && ended.changes.iter().any(|(_, state)| *state == State::Done);
            states.extend(ended.changes.into_iter().map(|(change, state)| (change.address.to_string(), state)));
            if !moved || !wave.changes.iter().any(|change| change.action == Action::Deferred) {
                return states;
            }
            let now = self.plan(&self.simulated(transport.world(), Vec::new()));
            wave = next_wave(&wave, now);
        }
    }

    /// Plans, applies with faults, and gives back how far each change came and the machines afterwards.
    pub(crate) fn apply(&self, world: World, faults: Vec<Fault>) -> (BTreeMap<String, State>, World) {
        let plan = self.plan(&self.simulated(world.clone(), Vec::new()));
        let transport = self.simulated(world, faults);
        let states = self.waves(plan, &transport);
        (states, transport.world())
    }

    /// Applies without faults; nothing may fail, and nothing may be left.
    pub(crate) fn converge(&self, world: World) -> World {
        let (states, world) = self.apply(world, Vec::new());
        for (address, state) in &states {
            assert_eq!(*state, State::Done, "{address}");
        }
        self.expect_nothing_left(&world);
        world
    }

    pub(super) fn expect_nothing_left(&self, world: &World) {
        assert_eq!(world.gaps(), Vec::<String>::new());
        let plan = self.plan(&self.simulated(world.clone(), Vec::new()));
        for change in &plan.changes {
            assert!(!change.is_due() && !change.is_error(), "left: {change:#?}");
        }
    }

    /// How many steps an undisturbed apply runs on each node.
    pub(super) fn steps(&self, world: World) -> BTreeMap<String, u32> {
        let plan = self.plan(&self.simulated(world.clone(), Vec::new()));
        let transport = self.simulated(world, Vec::new());
        self.waves(plan, &transport);
        transport.steps()
    }

    /// Locks what the plan touches, does it, and unlocks.
    pub(super) fn carry_out(&self, plan: &Plan, transport: &SimulatedLab) -> Ended {
        let locks = self.locks(transport);
        wait(locks.take(plan)).unwrap_or_else(|taken| panic!("{taken:?}"));
        let (_sender, mut interrupts) = tokio::sync::mpsc::channel(1);
        let ended = wait(drive(plan, &locks, Limits::default(), &mut Silent, &mut interrupts));
        wait(locks.release());
        ended
    }

    /// The same locks, held by the same run, on a lab that went on meanwhile.
    pub(super) fn locks_like<'a>(&'a self, locks: &Locks<'_>, transport: &'a dyn Transport) -> Locks<'a> {
        locks.on(transport, &self.lab)
    }

    /// The locks of a new run.
    pub(super) fn locks<'a>(&'a self, transport: &'a dyn Transport) -> Locks<'a> {
        static RUN: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
        let holder = Holder {
            id: format!("{:08x}", RUN.fetch_add(1, std::sync::atomic::Ordering::Relaxed)),
            who: "jax@laptop".to_owned(),
            since: "2026-01-02T03:04:05Z".parse().unwrap(),
            lab: self.lab.name.clone(),
            labctl: "0".to_owned(),
            changes: Vec::new(),
            process: None,
        };
        let applied = Applied::new(Origin::new(&self.sources, None), holder.who.clone(), holder.since, None);
        let applied = self.lab.sites().map(|site| (site.ground(), applied.clone())).collect();
        Locks::new(transport, &self.lab, holder, applied)
    }
}
