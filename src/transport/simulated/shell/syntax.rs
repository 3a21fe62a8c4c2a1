//! The syntax of the part of POSIX sh that labctl's own scripts use.

/// Statements one after another.
pub(super) type List = Vec<Statement>;

/// Pipelines joined by `&&` and `||`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) first: Pipeline,
    pub(super) rest: Vec<(Joint, Pipeline)>,
}

/// What joins two pipelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    And,
    Or,
}

/// Commands joined by `|`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pipeline {
    pub(super) negated: bool,
    pub(super) commands: Vec<Command>,
}

/// A command and where its input and output go.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Command {
    pub(super) form: Form,
    pub(super) redirections: Vec<Redirection>,
}

/// The forms of a command.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    Simple { assignments: Vec<(String, Word)>, words: Vec<Word> },
    Group(List),
    Subshell(List),
    If { arms: Vec<(List, List)>, otherwise: List },
    Loop { until: bool, condition: List, body: List },
    For { name: String, words: Option<Vec<Word>>, body: List },
    Case { word: Word, arms: Vec<(Vec<Word>, List)> },
    Function { name: String, body: std::sync::Arc<Command> },
}

/// `2>file`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Redirection {
    pub(super) descriptor: u32,
    pub(super) to: Target,
}

/// Where a redirection leads.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    Read(Word),
    Write(Word),
    Append(Word),
    Descriptor(u32),
    Closed,
}

/// A word before its expansion.
pub(super) type Word = Vec<Piece>;

/// A piece of a word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    Text { text: String, quoted: bool },
    Parameter { name: String, operation: Option<(Operation, Word)>, quoted: bool },
    Output { list: List, quoted: bool },
    Sum(Word),
}

/// What `${name…}` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Default { also_empty: bool },
    Alternative { also_empty: bool },
    Needed { also_empty: bool },
    Length,
    CutStart { longest: bool },
    CutEnd { longest: bool },
}
