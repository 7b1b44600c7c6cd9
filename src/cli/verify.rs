//! `gpuhpa verify`: from arguments to a verdict. The bundle and the JUnit file are written on every ending.

use std::path::{Path, PathBuf};

use clap::Args;
use tokio::sync::watch;

use super::console::Loudness;
use super::{ClusterArgs, Console, Exit, ScenarioArgs, doors, signals, signing};
use crate::clock::Clock;
use crate::evidence::{Facts, Kept, Signer};
use crate::judge;
use crate::live;
use crate::record::inventory::Inventory;
use crate::record::observation::{Observation, Seen};
use crate::record::plan::Plan;
use crate::record::records::Records;
use crate::record::scenario::Scenario;
use crate::record::verdict::Verdict;
use crate::run::{self, Leaving, RunError, Script, Signals};
use crate::world::{Book, Bundle, World};
use crate::{evidence, plan, scenario};

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Folder of the evidence; must not exist, or be empty [default: reports/RUN-ID]
    #[arg(long, value_name = "DIR")]
    report_dir: Option<PathBuf>,
    /// Write the JUnit file here too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Sign the bundle with this key: Ed25519, PKCS#8 in PEM, as `openssl genpkey -algorithm ed25519` makes it
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// Do not ask before changing the cluster; needed without a terminal
    #[arg(long, short = 'y')]
    yes: bool,
    /// Numbers in place of the names and addresses of nodes and API server, and of the context, in evidence and output
    #[arg(long)]
    redact: bool,
    /// Leave everything standing, and print the clean command
    #[arg(long)]
    keep: bool,
    /// Say nothing on the way
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more on the way
    #[arg(long, short)]
    verbose: bool,
}

pub(super) async fn verify(args: &VerifyArgs) -> Exit {
    let clock = Clock::start();
    // A pipeline finds its JUnit file also where there is no scenario to run, or no place for a bundle.
    let inventory = Inventory { started: clock.started(), ..Inventory::default() };
    let no_run = |error: String| {
        let seen = Observation { seq: 0, at_ms: clock.now_ms(), source: None, seen: not_begun(&error) };
        let scenario = Scenario::default();
        let verdict = judge::judge(Records::unchanged(&scenario, &inventory, &[seen]));
        let facts = Facts { verdict: &verdict, inventory: &inventory, run: "", scenario: &scenario.name, marks: &[] };
        put_junit(args.junit.as_deref(), &facts);
        Console::error(&error, None, Exit::Usage)
    };
    let scenario = match scenario::load(&args.scenario.files, args.scenario.namespace.as_deref()) {
        Ok(scenario) => scenario,
        Err(error) => return no_run(error.to_string()),
    };
    let signer = match args.sign.as_deref().map(signing::signer).transpose() {
        Ok(signer) => signer,
        Err(error) => return no_run(error),
    };
    let run = run::run_id(clock.started());
    let dir = args.report_dir.clone().unwrap_or_else(|| PathBuf::from("reports").join(&run));
    let bundle = match Bundle::create(&dir) {
        Ok(bundle) => bundle.covered(super::cover()),
        Err(error) => return no_run(error.to_string()),
    };
    if args.redact {
        bundle.cover().cover_hosts();
    }
    let plan = Plan { run, ..Plan::default() };
    let mut desk = Desk { args, scenario, signer, bundle, clock, inventory, plan };
    let mut signals = match signals::listen() {
        Ok(signals) => signals,
        Err(error) => return Console::error(&format!("signals cannot be handled: {error}"), None, Exit::Internal),
    };
    let prepared = tokio::select! {
        prepared = desk.prepare() => prepared,
        // The sender lives as long as the process.
        Ok(signal) = async { signals.wait_for(|signals| signals.count > 0).await.map(|signals| signals.last) } => {
            let what = format!("interrupted by {signal}; nothing was changed");
            Err(Refused { what, hint: None, exit: Exit::Interrupted })
        }
    };
    match prepared {
        Ok((world, kept)) => desk.perform(&world, &kept, signals).await,
        Err(refused) => desk.give_up(&refused),
    }
}

/// Why a run does not begin.
struct Refused {
    what: String,
    hint: Option<String>,
    exit: Exit,
}

/// What verify holds on its way.
struct Desk<'a> {
    args: &'a VerifyArgs,
    scenario: Scenario,
    signer: Option<Signer>,
    bundle: Bundle,
    clock: Clock,
    inventory: Inventory,
    plan: Plan,
}

impl Desk<'_> {
    /// Everything before the first change: cluster, inventory, plan, consent.
    async fn prepare(&mut self) -> Result<(World, Kept), Refused> {
        let no =
            |what: String, hint: Option<&str>, exit: Exit| Refused { what, hint: hint.map(ToOwned::to_owned), exit };
        let cluster = live::connect(self.args.cluster.kubeconfig.as_deref(), self.args.cluster.context.as_deref())
            .await
            .map_err(|e| {
                no(e.to_string(), Some("name a kubeconfig with --kubeconfig, or a context with --context"), Exit::Usage)
            })?;
        let world = doors::world(&self.args.cluster, &cluster, &self.scenario, self.clock, &self.bundle)
            .map_err(|e| no(e, None, Exit::Internal))?;
        self.inventory = plan::survey(&world, &self.scenario).await.map_err(|e| {
            let (exit, hint) = super::plan::unsurveyed(&e);
            no(e.to_string(), Some(hint), exit)
        })?;
        // Its name may be a word that stands elsewhere too, as k3s' `default`: only here it is the context's.
        let hidden = if self.args.redact { "CONTEXT" } else { &cluster.context };
        hidden.clone_into(&mut self.inventory.context);
        self.inventory.server.clone_from(&cluster.server);
        doors::tell_hosts(self.bundle.cover(), &self.inventory, &self.scenario);
        self.plan = plan::plan(&self.scenario, &self.inventory, &self.plan.run);
        let kept = evidence::begin(&self.bundle, &self.scenario, &self.inventory, &self.plan)
            .map_err(|e| no(e.to_string(), None, Exit::Internal))?;
        if !self.inventory.hpa_served {
            return Err(no("the platform does not serve autoscaling/v2".to_owned(), None, Exit::NotApplicable));
        }
        if let Some(first) = self.plan.refusals.first() {
            let all: Vec<&str> = self.plan.refusals.iter().map(|refusal| refusal.what.as_str()).collect();
            return Err(no(format!("this run cannot pass: {}", all.join("; ")), Some(&first.hint), Exit::Usage));
        }
        self.consent().await?;
        Ok((world, kept))
    }

    /// Shows every change before the first one, and asks.
    async fn consent(&self) -> Result<(), Refused> {
        if !self.args.quiet {
            Console::say(&self.bundle.cover().text(&super::plan::changes(&self.inventory, &self.plan)));
        }
        if self.args.yes {
            return Ok(());
        }
        let no = |what: &str, hint: Option<&str>| {
            Err(Refused { what: what.to_owned(), hint: hint.map(ToOwned::to_owned), exit: Exit::Usage })
        };
        match Console::ask("Make these changes?").await {
            Some(true) => Ok(()),
            Some(false) => no("not confirmed; nothing was changed", None),
            None => {
                no("there is no terminal to ask on; nothing was changed", Some("add --yes to run without a question"))
            }
        }
    }

    async fn perform(&self, world: &World, kept: &Kept, signals: watch::Receiver<Signals>) -> Exit {
        let loudness = match (self.args.quiet, self.args.verbose) {
            (true, _) => Loudness::Quiet,
            (_, true) => Loudness::Verbose,
            _ => Loudness::Normal,
        };
        let console = Console::new(self.clock, loudness, self.bundle.cover().clone());
        let script = Script {
            world,
            scenario: &self.scenario,
            inventory: &self.inventory,
            kept,
            plan: &self.plan,
            progress: &console,
            signals,
            leaving: if self.args.keep { Leaving::Keep } else { Leaving::Restore },
        };
        let outcome = run::run(script).await;
        console.done();
        let signed = self.put(&outcome.verdict, kept);
        Console::verdict(&outcome.verdict);
        Console::say(&format!("evidence: {}", self.bundle.dir().display()));
        let exit = match signed {
            // Why the bundle could not be signed is told; what ended the run is told first.
            Err(exit) if outcome.error.is_none() => exit,
            _ => self.ending(&outcome),
        };
        if !outcome.verdict.restored {
            let (dir, again) = (self.bundle.dir().display(), self.args.cluster.again());
            Console::say(&format!("to remove what is left: gpuhpa clean {dir}{again}"));
        }
        exit
    }

    /// The JUnit file where a pipeline looks for it, and the signature of a bundle that is whole.
    fn put(&self, verdict: &Verdict, kept: &Kept) -> Result<(), Exit> {
        let Kept { scenario, inventory, plan } = kept;
        let facts = Facts { verdict, inventory, run: &plan.run, scenario: &scenario.name, marks: &[] };
        put_junit(self.args.junit.as_deref(), &facts);
        self.signer.as_ref().map_or(Ok(()), |signer| signing::put(&self.bundle, signer, &facts))
    }

    fn ending(&self, outcome: &run::Outcome) -> Exit {
        let Some(error) = &outcome.error else { return Exit::of(&outcome.verdict) };
        let (hint, exit) = match error {
            RunError::Interrupted(_) => (None, Exit::Interrupted),
            error if error.is_evidence() => (
                Some("the run ended there; make room, or name a folder on another disk with --report-dir"),
                Exit::Internal,
            ),
            _ => (None, Exit::of(&outcome.verdict)),
        };
        Console::error(&self.bundle.cover().text(&error.to_string()), hint, exit)
    }

    /// What would have been kept, where nothing can be.
    fn unkept(&self) -> Kept {
        let Self { scenario, inventory, plan, .. } = self;
        Kept { scenario: scenario.clone(), inventory: inventory.clone(), plan: plan.clone() }
    }

    /// A run that did not begin leaves its bundle and its JUnit file too. Why it did not is an observation as any other,
    /// so that the verdict can be derived from the bundle.
    fn give_up(&self, refused: &Refused) -> Exit {
        let begun = evidence::begin(&self.bundle, &self.scenario, &self.inventory, &self.plan);
        let (kept, failed) = match begun {
            Ok(kept) => (kept, None),
            Err(error) => (self.unkept(), Some(error)),
        };
        let book = Book::new(self.clock, self.bundle.clone());
        book.note(not_begun(&refused.what), None);
        let Kept { scenario, inventory, plan } = &kept;
        let (verdict, prediction) = book.read(|timeline| {
            let records = Records::unchanged(scenario, inventory, timeline);
            (judge::judge(records), judge::predict(records))
        });
        let (verdict, prediction) = (&verdict, &prediction);
        let finished = book.read(|timeline| {
            let ending =
                evidence::Ending { scenario, inventory, plan, journal: &[], timeline, load: None, verdict, prediction };
            evidence::finish(&self.bundle, &ending)
        });
        let signed = self.put(verdict, &kept);
        if let Some(error) = failed.or(book.failure()).or(finished.err()) {
            Console::say(&format!("error: {error}"));
        }
        let exit = Console::error(&self.bundle.cover().text(&refused.what), refused.hint.as_deref(), refused.exit);
        signed.err().unwrap_or(exit)
    }
}

fn not_begun(why: &str) -> Seen {
    Seen::NotBegun { why: why.to_owned() }
}

fn put_junit(path: Option<&Path>, facts: &Facts<'_>) {
    if let Some(path) = path
        && let Err(error) = evidence::put_junit(path, facts)
    {
        Console::say(&format!("error: {error}"));
    }
}
