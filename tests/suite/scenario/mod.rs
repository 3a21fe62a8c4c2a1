//! Scenarios as data (`tests/scenarios/*.toml`), and how one is played, on whatever lab: the real host and the simulated
//! one are told the same and must answer the same.

pub(crate) mod simulated;
pub(crate) mod transcript;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::workspace::Run;
use transcript::{Scene, Transcript};

/// What happens in which order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    #[serde(skip)]
    pub(crate) name: String,
    /// What it is about, in a sentence.
    #[expect(dead_code, reason = "for people")]
    pub(crate) about: String,
    acts: Vec<Act>,
}

/// One act. What it has is done in the order of the fields.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Act {
    /// What the file says from here on, behind `[lab]`, the VLANs and `[nodes.n5]`.
    declare: Option<String>,
    /// Pieces of the file that are replaced: from, to.
    replace: Vec<(String, String)>,
    /// A script that somebody runs on the host as root.
    by_hand: Option<String>,
    /// The words with which the simulation says that it doesn't know what `by_hand` would do. It plays no further then.
    beyond: Option<String>,
    /// What befalls the host: the words of `labctl demo break`, as far as a real host can be made to.
    event: Option<String>,
    /// `plan` or `apply`, with options; `apply` is planned first.
    run: Option<String>,
    /// How labctl ends.
    exit: i32,
    /// Words that must stand in what is told of this act.
    says: Vec<String>,
    /// Commands that look at the host without labctl, run as root.
    look: Vec<String>,
}

/// A lab with the host `n5`, and somebody who runs labctl against it.
pub(crate) trait Stage {
    /// Changes the tables behind the head of the file.
    fn declare(&mut self, tables: &str);
    /// Changes a piece of the file, which must be there.
    fn replace(&mut self, from: &str, to: &str);
    /// Runs labctl in the file's folder.
    fn labctl(&mut self, arguments: &[&str]) -> Run;
    /// Runs a script on the host as root: what it prints, or why it can't be run here.
    fn by_hand(&mut self, script: &str) -> Result<String, String>;
    /// Something befalls the host.
    fn happen(&mut self, event: &[&str]);
    /// Whether it may say of an act that it knows no more.
    fn has_an_end(&self) -> bool;
}

impl Scenario {
    /// All of them, by name.
    pub(crate) fn all() -> Vec<Self> {
        let folder = folder();
        let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let scenario: Self = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { name: path.file_stem().unwrap().to_str().unwrap().to_owned(), ..scenario }
    }

    /// What the real host told, as it is kept beside the scenario.
    pub(crate) fn kept(&self) -> PathBuf {
        folder().join(format!("{}.txt", self.name))
    }

    /// What the file says first.
    pub(crate) fn opening(&self) -> &str {
        self.acts.first().and_then(|act| act.declare.as_deref()).unwrap_or_default()
    }

    /// Plays all acts.
    pub(crate) fn play(&self, stage: &mut impl Stage) -> Transcript {
        let mut transcript = Transcript::default();
        for (at, act) in self.acts.iter().enumerate() {
            let place = format!("{}, act {}", self.name, at + 1);
            let Some(scene) = act.play(stage, &place) else { break };
            let told = scene.told();
            for words in &act.says {
                assert!(told.contains(words.as_str()), "{place}: {words:?} is not in\n{told}");
            }
            transcript.scenes.push(scene);
        }
        transcript
    }
}

impl Act {
    /// Nothing where the stage knows no more.
    fn play(&self, stage: &mut impl Stage, place: &str) -> Option<Scene> {
        let mut scene = Scene::default();
        if let Some(tables) = &self.declare {
            stage.declare(tables);
        }
        for (from, to) in &self.replace {
            stage.replace(from, to);
        }
        if let Some(script) = &self.by_hand {
            match (stage.by_hand(script), &self.beyond) {
                (Err(why), Some(words)) if stage.has_an_end() => {
                    assert!(why.contains(words.as_str()), "{place}: {words:?} is not in {why:?}");
                    return None;
                }
                (Ok(_), Some(words)) if stage.has_an_end() => panic!("{place}: it did not say {words:?}"),
                (Ok(printed), _) => scene.look(script, &printed),
                (Err(why), _) => panic!("{place}: {why}"),
            }
        }
        if let Some(event) = &self.event {
            stage.happen(&event.split_whitespace().collect::<Vec<_>>());
        }
        if let Some(run) = &self.run {
            let words: Vec<&str> = run.split_whitespace().collect();
            scene.run(stage, &words);
            assert_eq!(scene.code(), self.exit, "{place}: labctl {run}\n{}\n{}", scene.told(), scene.said());
        }
        for command in &self.look {
            let printed = stage.by_hand(command).unwrap_or_else(|why| panic!("{place}: {why}"));
            scene.look(command, &printed);
        }
        Some(scene)
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// The lab of all scenarios, but for how `n5` is reached: that stands on one line, so that everything else stands on
/// the same line everywhere.
pub(crate) fn head(ssh: &str) -> String {
    format!("{}ssh = {{ {ssh} }}\n", include_str!("head.toml"))
}
