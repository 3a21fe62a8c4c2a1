//! Labs whose grounds answer: what a plan asks in each of them is answered as recorded, but for what an input says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use labctl::kinds::KINDS;
use labctl::lab::{Ground, Site};
use labctl::local::sources;
use labctl::observe::{Answer, Ask, Reply};
use labctl::plan::{Step, marks};
use labctl::transport::simulated::SimulatedLab;
use labctl::transport::{ReachError, StepOutcome, Transport};

use crate::kinds::{Case, HEAD, cases};
use crate::simulated::Bench;

/// A lab, and who answers in it.
pub(crate) struct Scene {
    pub(crate) name: String,
    pub(crate) bench: Bench,
    ground: Answering,
    /// What a plan and a survey ask, with the answers: where an input's changes begin.
    pub(crate) asked: Vec<(Ground, Ask, Answer)>,
}

enum Answering {
    /// A case of `tests/suite/kinds/`.
    Case(Box<Case>),
    /// A simulated lab, as it was when the plan was made.
    Simulated(Box<SimulatedLab>),
}

/// What an input says instead.
pub(crate) type Instead = Vec<(Ground, Ask, Answer)>;

impl Scene {
    fn new(name: String, bench: Bench, ground: Answering) -> Self {
        let mut scene = Self { name, bench, ground, asked: Vec::new() };
        let lab = Altered { scene: &scene, instead: &Vec::new(), asked: Mutex::default() };
        scene.bench.plan(&lab);
        for site in scene.bench.lab.sites() {
            scene.survey_asks(site).iter().for_each(|ask| drop(lab.answer(&site.ground(), ask)));
        }
        let asked = lab.asked.into_inner().unwrap();
        scene.asked = asked.into_iter().map(|((ground, _), (ask, answer))| (ground, ask, answer)).collect();
        scene
    }

    fn case(path: &Path) -> Option<Self> {
        let case = Case::read(path);
        let bench =
            Bench::of(labctl::config::Sources::memory([("homelab.toml", format!("{HEAD}{}", case.lab).as_str())]));
        let name = path.file_stem()?.to_string_lossy().into_owned();
        Some(Self::new(name, bench.ok()?, Answering::Case(Box::new(case))))
    }

    /// The lab of a file that is shipped, simulated as its owner has it, or after an apply.
    fn simulated(name: &str, path: &str, is_applied: bool) -> Self {
        let mut sources = sources::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        for pin in labctl::config::pins(&sources) {
            sources.insert_pinned(pin.sha256, pin.stand_in.unwrap().as_bytes());
        }
        let bench = Bench::of(sources).unwrap();
        let mut world = bench.found(1);
        if is_applied {
            world = bench.apply(world, Vec::new()).1;
        }
        let lab = bench.simulated(world, Vec::new());
        Self::new(name.to_owned(), bench, Answering::Simulated(Box::new(lab)))
    }

    /// What `show NODE --as-toml` asks.
    fn survey_asks(&self, site: Site<'_>) -> Vec<Ask> {
        let Site::Node(node) = site else { return Vec::new() };
        let kinds = KINDS.iter().filter(|kind| kind.fits(site));
        let asks = kinds.flat_map(|kind| kind.survey_asks(node));
        let asks = asks.chain(marks::asks(&self.bench.lab, site, &self.bench.declared));
        asks.filter(|ask| !matches!(ask, Ask::Elsewhere { .. })).collect()
    }

    /// The same, answered.
    pub(crate) fn survey(&self, site: Site<'_>, instead: &Instead) -> Reply {
        let lab = Altered { scene: self, instead, asked: Mutex::default() };
        let answered = |ask: Ask| lab.answer(&site.ground(), &ask).ok().map(|answer| (ask, answer));
        self.survey_asks(site).into_iter().filter_map(answered).collect()
    }
}

/// A scene in which some answers are others.
pub(crate) struct Altered<'a> {
    pub(crate) scene: &'a Scene,
    pub(crate) instead: &'a Instead,
    pub(crate) asked: Mutex<BTreeMap<(Ground, String), (Ask, Answer)>>,
}

impl Altered<'_> {
    fn answer(&self, ground: &Ground, ask: &Ask) -> Result<Answer, ReachError> {
        let is_it = |(other, question, _): &&(Ground, Ask, Answer)| other == ground && question == ask;
        if let Some((.., answer)) = self.instead.iter().find(is_it).or_else(|| self.scene.asked.iter().find(is_it)) {
            return Ok(answer.clone());
        }
        let answer = match (&self.scene.ground, ground) {
            // It takes no time of this world.
            (Answering::Simulated(lab), _) => {
                let reply = lab.probe(ground, std::slice::from_ref(ask)).now_or_never();
                reply.expect("it waits for nothing")?.into_answer(ask)
            }
            (Answering::Case(case), Ground::Node(node)) if node == "n5" => case.answer(ask),
            (Answering::Case(_), _) => return Err(ReachError::NotYet("nobody is there".to_owned())),
        };
        let key = (ground.clone(), serde_json::to_string(ask).unwrap());
        self.asked.lock().unwrap().insert(key, (ask.clone(), answer.clone()));
        Ok(answer)
    }
}

impl Transport for Altered<'_> {
    fn probe<'a>(&'a self, ground: &'a Ground, asks: &'a [Ask]) -> BoxFuture<'a, Result<Reply, ReachError>> {
        let answers = asks.iter().map(|ask| Ok((ask.clone(), self.answer(ground, ask)?))).collect();
        async move { answers }.boxed()
    }

    fn act<'a>(&'a self, _: &'a Ground, leg: &'a [Step]) -> BoxFuture<'a, Vec<StepOutcome>> {
        async move { vec![StepOutcome::Done; leg.len()] }.boxed()
    }

    fn is_in_real_time(&self) -> bool {
        false
    }
}

/// All scenes; they take a while to set up.
pub(crate) static SCENES: LazyLock<Vec<Scene>> = LazyLock::new(|| {
    let mut scenes: Vec<Scene> = cases().iter().filter_map(|path| Scene::case(path)).collect();
    scenes.push(Scene::simulated("homelab-found", "homelab.toml", false));
    scenes.push(Scene::simulated("homelab-applied", "homelab.toml", true));
    scenes.push(Scene::simulated("cluster-found", "examples/cluster/homelab.toml", false));
    scenes.push(Scene::simulated("cluster-applied", "examples/cluster/homelab.toml", true));
    scenes
});
