//! The judge against recorded runs and changes of them: every check holding, failing and inconclusive; what no run may
//! do; and what an attacker or an unlucky moment could do to a verdict.

mod control;
mod course;
mod hold;
mod lawful;
mod oracle;
mod picture;
mod prediction;
mod properties;
mod recorded;
mod run;
mod scale_down;
mod scale_up;
mod setup;
mod world;
