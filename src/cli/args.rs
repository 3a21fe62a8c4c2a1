//! What was typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::which_lab::WhichLab;
use crate::lab::Address;

/// A declarative provisioner for a homelab: one file says what the lab should be, `plan` prints the difference,
/// `apply` closes it.
#[derive(Debug, Parser)]
#[command(name = "labctl", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// The lab's file
    #[arg(short, long, global = true, value_name = "FILE", default_value = "homelab.toml")]
    pub file: PathBuf,

    /// Print no colour (`NO_COLOR` does the same)
    #[arg(long, global = true)]
    pub no_color: bool,

    /// The files are a stranger's: run nothing but git, connect to nothing, read nothing outside of the current folder
    #[arg(long, global = true)]
    pub untrusted: bool,

    /// Say what is done on the way; twice: all of it
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what apply would do; changes nothing
    Plan(PlanArgs),
    /// Make the lab as the file says
    Apply(ApplyArgs),
    /// Plan, apply and plan again against a simulated lab; needs nothing and changes nothing
    Demo(DemoArgs),
    /// Check the file; needs no lab
    Validate(ValidateArgs),
    /// Show what one state of the files declares otherwise than another; needs no lab
    Diff(DiffArgs),
    /// Show one resource, or a node as the file that would declare it
    Show(ShowArgs),
    /// Print the kubeconfigs of clusters, or merge them into your own
    Kubeconfig(KubeconfigArgs),
    /// Print what depends on what; needs no lab
    Graph(GraphArgs),
    /// Give up a lock that its holder left behind
    Unlock(UnlockArgs),
    /// Remove what these addresses name, protected or not; data is moved aside
    Destroy(DestroyArgs),
    /// End what was moved aside, for good; without names: list it
    Purge(PurgeArgs),
    /// Accept a node's host key after showing its fingerprint
    Trust(TrustArgs),
    /// Print the JSON schema of the file
    Schema,
    /// Print a completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Which part of the lab, and how it is read.
#[derive(Debug, Clone, Default, Args)]
pub struct Selection {
    /// Only this address (and what it needs); may be given again
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<Address>,

    /// Not this address (nor what needs it); may be given again
    #[arg(long, value_name = "ADDRESS", conflicts_with = "target")]
    pub exclude: Vec<Address>,

    /// Take over what exists and differs: an address, or '*' for the whole lab
    #[arg(long, value_name = "ADDRESS", num_args = 1..)]
    pub adopt: Vec<String>,

    /// Leave out of this run whatever can't be reached: it is listed, and not waited for again
    #[arg(long)]
    pub skip_unreachable: bool,

    /// Read with what the login may read, without sudo: the rest is unknown
    #[arg(long)]
    pub read_only: bool,

    /// The lab: `real`, `simulated`, or `simulated:FOLDER`, which is kept between calls
    #[arg(long, value_name = "LAB", default_value_t)]
    pub lab: WhichLab,

    /// How many nodes are read, and changes made, at once
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub parallelism: u16,
}

/// How a plan is shown.
#[derive(Debug, Clone, Default, Args)]
pub struct Display {
    /// One line a resource
    #[arg(long)]
    pub concise: bool,

    /// The very commands, too; `=sh`: as a script that runs without labctl
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "list")]
    pub show_steps: Option<StepsForm>,
}

/// What is printed of a plan or a comparison, and where else it goes.
#[derive(Debug, Clone, Default, Args)]
pub struct Output {
    /// How it is printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Print it as JSON
    #[arg(long, conflicts_with = "format")]
    pub json: bool,

    /// Write the JSON into this file, too
    #[arg(long, value_name = "FILE")]
    pub json_into: Option<PathBuf>,
}

/// How a plan or a comparison is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal
    #[default]
    Text,
    /// A comment on a pull request
    Markdown,
    /// Annotations of GitHub Actions
    Github,
}

/// How steps are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StepsForm {
    /// Below each change.
    List,
    /// As a script for `sh`.
    Sh,
}

/// `labctl plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Which part.
    #[command(flatten)]
    pub selection: Selection,

    /// How it is shown.
    #[command(flatten)]
    pub display: Display,

    /// What is printed, and where else it goes.
    #[command(flatten)]
    pub output: Output,

    /// Save the plan in this file, for `labctl apply FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Exit with 2 where changes are pending
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// Write what came of it into this file, for Prometheus (`node_exporter`'s textfile collector)
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,

    /// Ask nothing: plan against what an earlier plan saw
    #[arg(long, requires = "observations", conflicts_with_all = ["out", "save_observations", "lab", "read_only"])]
    pub offline: bool,

    /// With `--offline`: the file that `--save-observations` wrote
    #[arg(long, value_name = "FILE", requires = "offline")]
    pub observations: Option<PathBuf>,

    /// Save what was read of the lab in this file, without secrets, for `plan --offline`
    #[arg(long, value_name = "FILE")]
    pub save_observations: Option<PathBuf>,
}

/// `labctl apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// A saved plan: exactly this is done, and nothing is asked
    #[arg(value_name = "FILE", conflicts_with_all = ["target", "exclude", "adopt", "adopt_only"])]
    pub plan: Option<PathBuf>,

    /// Which part.
    #[command(flatten)]
    pub selection: Selection,

    /// How it is shown.
    #[command(flatten)]
    pub display: Display,

    /// Don't ask
    #[arg(long)]
    pub auto_approve: bool,

    /// Set marks on what is as declared, and change nothing else
    #[arg(long, conflicts_with = "read_only")]
    pub adopt_only: bool,

    /// How long to wait for a node or cluster that somebody else has locked
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub lock_timeout: u64,

    /// Apply a checkout that does not contain what was last applied
    #[arg(long)]
    pub older: bool,
}

/// `labctl validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

/// `labctl diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// What is compared with: a file, or a Git revision
    #[arg(value_name = "BASE", default_value = "HEAD")]
    pub base: String,

    /// What is compared: a file, or a Git revision; the files as they lie here where absent
    #[arg(value_name = "HEAD")]
    pub head: Option<String>,

    /// One line a resource
    #[arg(long)]
    pub concise: bool,

    /// What is printed, and where else it goes.
    #[command(flatten)]
    pub output: Output,

    /// Exit with 2 where something differs
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// `labctl show`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct ShowArgs {
    /// A resource's address, a file that `plan --out` wrote, or with `--as-toml` a node's name
    #[arg(
        value_name = "ADDRESS|FILE|NODE",
        required_unless_present = "journal",
        default_value = "",
        hide_default_value = true
    )]
    pub what: String,

    /// What applies from this folder did, step by step, and what came of it
    #[arg(long, conflicts_with_all = ["what", "as_toml"])]
    pub journal: bool,

    /// A saved plan, or the journal, as JSON
    #[arg(long, conflicts_with = "as_toml")]
    pub json: bool,

    /// Print what is on the node as the tables that would declare it
    #[arg(long)]
    pub as_toml: bool,

    /// With `--as-toml`: also what is not declared yet
    #[arg(long, requires = "as_toml")]
    pub undeclared: bool,

    /// Read with what the login may read, without sudo
    #[arg(long)]
    pub read_only: bool,

    /// The lab: `real`, `simulated`, or `simulated:FOLDER`
    #[arg(long, value_name = "LAB", default_value_t)]
    pub lab: WhichLab,
}

/// `labctl unlock`.
#[derive(Debug, Args)]
pub struct UnlockArgs {
    /// The lock's id, as `plan` and `apply` tell it
    pub id: String,

    /// The lab: `real`, `simulated`, or `simulated:FOLDER`
    #[arg(long, value_name = "LAB", default_value_t)]
    pub lab: WhichLab,
}

/// `labctl destroy`.
#[derive(Debug, Args)]
pub struct DestroyArgs {
    /// What: each is asked to be typed again
    #[arg(value_name = "ADDRESS", required = true)]
    pub addresses: Vec<Address>,

    /// How long to wait for a node or cluster that somebody else has locked
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub lock_timeout: u64,

    /// The lab: `real`, `simulated`, or `simulated:FOLDER`
    #[arg(long, value_name = "LAB", default_value_t)]
    pub lab: WhichLab,
}

/// `labctl purge`.
#[derive(Debug, Args)]
pub struct PurgeArgs {
    /// What, as the list names it: each is asked to be typed again
    #[arg(value_name = "NODE:NAME")]
    pub names: Vec<String>,

    /// How long to wait for a node that somebody else has locked
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub lock_timeout: u64,

    /// The lab: `real`, `simulated`, or `simulated:FOLDER`
    #[arg(long, value_name = "LAB", default_value_t)]
    pub lab: WhichLab,
}

/// `labctl graph`.
#[derive(Debug, Args)]
pub struct GraphArgs {
    /// The form
    #[arg(long, value_enum, default_value_t = GraphForm::Text)]
    pub format: GraphForm,
}

/// How a graph is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphForm {
    /// Indented text.
    Text,
    /// Graphviz.
    Dot,
    /// Mermaid.
    Mermaid,
}

/// `labctl kubeconfig`.
#[derive(Debug, Args)]
pub struct KubeconfigArgs {
    /// The clusters; all of the lab where none is named
    #[arg(value_name = "CLUSTER")]
    pub clusters: Vec<String>,

    /// Put it into your own kubeconfig, of which a copy is kept
    #[arg(long)]
    pub merge: bool,

    /// With `--merge`: into this file
    #[arg(long, value_name = "FILE", requires = "merge")]
    pub into: Option<PathBuf>,

    /// Keep an SSH tunnel open, and let the kubeconfig lead through it
    #[arg(long)]
    pub tunnel: bool,

    /// With `--tunnel` and one cluster: the port on this machine; any free one where absent
    #[arg(long, value_name = "PORT", requires = "tunnel", default_value_t = 0)]
    pub port: u16,
}

/// `labctl trust`.
#[derive(Debug, Args)]
pub struct TrustArgs {
    /// The node
    pub node: String,

    /// Accept without asking, if the fingerprint is this one
    #[arg(long, value_name = "SHA256:…")]
    pub fingerprint: Option<String>,
}

/// `labctl demo`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DemoArgs {
    /// Something else than the demonstration.
    #[command(subcommand)]
    pub command: Option<DemoCommand>,

    /// At once, for nobody to watch
    #[arg(long)]
    pub fast: bool,

    /// What looks like chance in the lab is always the same for the same number
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Let things go wrong: `NODE@STEP=WHAT`, as in `n5@12=drop-during`; several with commas
    #[arg(long, value_name = "LIST")]
    pub fault: Vec<String>,
}

/// `labctl demo …`.
#[derive(Debug, Subcommand)]
pub enum DemoCommand {
    /// Break something in a simulated lab that is kept, as somebody would by hand
    Break(BreakArgs),
}

/// `labctl demo break`.
#[derive(Debug, Args)]
pub struct BreakArgs {
    /// The node
    pub node: String,

    /// What: `reboot`, `property vms compression=off`, `mode /etc/x 0600`, …; without words: all of them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub what: Vec<String>,

    /// The lab: `simulated` or `simulated:FOLDER`
    #[arg(long, value_name = "LAB", default_value = "simulated")]
    pub lab: WhichLab,
}
