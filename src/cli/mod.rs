//! One file per command: wires the stages, nothing else. Arguments in, exit code out.

mod apply;
mod args;
mod completions;
mod demo;
mod destroy;
mod diff;
mod drive;
mod exit;
mod graph;
mod kubeconfig;
mod legs;
mod locks;
mod measure;
mod offline;
mod outcome;
mod output;
mod permissions;
mod pinned;
mod plan;
mod precautions;
mod progress;
mod purge;
mod read;
mod reboots;
mod recorder;
mod saved;
mod schema;
mod show;
mod signals;
mod skipping;
mod stage;
mod terminal;
mod trust;
mod unlock;
mod validate;
mod waves;
mod which_lab;

pub use args::Cli;
pub use drive::{Ended, Interrupt, drive};
pub use exit::{Exit, Failure};
pub use locks::{Locks, Taken};
pub use progress::Progress;
pub use read::grounds as read_grounds;
pub use skipping::Skipping;

use crate::report::redaction;
use args::Command;
use terminal::Terminal;

/// Runs what was typed.
pub fn run(cli: &Cli) -> Exit {
    let terminal = Terminal::new(cli.no_color);
    log(cli.verbose, terminal.paint_messages.color);
    let result = match &cli.command {
        command if cli.untrusted && !is_harmless(command) => Err(untrusted()),
        Command::Plan(args) => in_runtime(plan::run(cli, args, terminal)),
        Command::Apply(args) => in_runtime(apply::run(cli, args, terminal)),
        Command::Show(args) => in_runtime(show::run(cli, args, terminal)),
        Command::Demo(args) => in_runtime(demo::run(cli, args, terminal)),
        Command::Destroy(args) => in_runtime(destroy::run(cli, args, terminal)),
        Command::Purge(args) => in_runtime(purge::run(cli, args, terminal)),
        Command::Unlock(args) => in_runtime(unlock::run(cli, args, terminal)),
        Command::Kubeconfig(args) => in_runtime(kubeconfig::run(cli, args, terminal)),
        Command::Trust(args) => in_runtime(trust::run(cli, args, terminal)),
        Command::Validate(args) => validate::run(cli, args, terminal),
        Command::Diff(args) => diff::run(cli, args, terminal),
        Command::Graph(args) => graph::run(cli, args, terminal),
        Command::Schema => schema::run(terminal),
        Command::Completions { shell } => Ok(completions::run(*shell, terminal)),
    };
    result.unwrap_or_else(|failure| {
        if !failure.words.is_empty() {
            terminal.fail(&failure.words);
        }
        failure.exit
    })
}

/// Whether a command runs nothing (but git, to read a revision), connects to nothing and needs no secret.
fn is_harmless(command: &Command) -> bool {
    match command {
        Command::Validate(_) | Command::Diff(_) | Command::Graph(_) | Command::Schema | Command::Completions { .. } => {
            true
        }
        Command::Plan(args) => args.offline,
        Command::Apply(_)
        | Command::Show(_)
        | Command::Demo(_)
        | Command::Destroy(_)
        | Command::Purge(_)
        | Command::Unlock(_)
        | Command::Kubeconfig(_)
        | Command::Trust(_) => false,
    }
}

fn untrusted() -> Failure {
    let words = "`--untrusted` refuses what connects, runs programs of the file or reads secrets: with it, `validate`, \
                 `diff`, `graph` and `plan --offline` can be used";
    Failure::error(words)
}

fn in_runtime(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::error(format!("the runtime could not be started: {error}")))?;
    let result = runtime.block_on(work);
    // A name look-up that is late must not keep the process from ending.
    runtime.shutdown_background();
    result
}

/// Standard error without the values of secrets.
struct Redacted;

impl std::io::Write for Redacted {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let line_text = String::from_utf8_lossy(line);
        std::io::stderr().write_all(redaction::redacted(&line_text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

/// What labctl does, on stderr. Of the libraries only warnings: their traces would hold what goes over the wire.
fn log(verbose: u8, color: bool) {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    let level = match verbose {
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let targets = Targets::new().with_target("labctl", level).with_default(LevelFilter::WARN);
    let lines = tracing_subscriber::fmt::layer().with_writer(|| Redacted).with_ansi(color).without_time();
    // A terminal that died must not end an apply: a line that can't be written is not complained of on it.
    let lines = lines.log_internal_errors(false);
    // A second subscriber in one process can only come from a test; the first one stays.
    let _ = tracing_subscriber::registry().with(targets).with(lines).try_init();
}
