//! One world: the gateway with its sender, its attackers and its platform.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::runtime::Builder;
use tokio::task::{LocalSet, spawn_local};

use crate::attacker;
use crate::clock::{MINUTE, Ms, VirtualClock, pass};
use crate::fate::ObjectEnd;
use crate::faults::Fault;
use crate::history::{History, Recorder};
use crate::kv::Kv;
use crate::location::Location;
use crate::objects::Objects;
use crate::plan::{Mode, Plan};
use crate::sender;

/// The time after the last delivery in which all work that is under way ends.
const AFTERMATH: Ms = 5 * MINUTE;

/// The state that everything in a world shares.
pub struct World {
    pub plan: Rc<Plan>,
    pub mode: Mode,
    pub clock: VirtualClock,
    pub recorder: Recorder,
    pub locations: Vec<Location>,
    pub kv: RefCell<Kv>,
    pub objects: Objects,
}

/// Runs a world to its end, and returns its history.
pub fn run(plan: &Rc<Plan>, mode: Mode) -> History {
    let runtime =
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    LocalSet::new().block_on(&runtime, run_tasks(Rc::clone(plan), mode))
}

async fn run_tasks(plan: Rc<Plan>, mode: Mode) -> History {
    let clock = VirtualClock::start();
    let recorder = Recorder::new(clock);
    let world = Rc::new(World {
        mode,
        clock,
        locations: (0..plan.locations).map(|_| Location::default()).collect(),
        kv: RefCell::new(Kv::new(plan.cache_ttl)),
        objects: Objects::new(clock, &recorder),
        recorder,
        plan,
    });
    let mut tasks = Vec::new();
    for event in 0..world.plan.events.len() {
        tasks.push(spawn_local(sender::send(Rc::clone(&world), event)));
    }
    for attack in 0..world.plan.attacks.len() {
        tasks.push(spawn_local(attacker::attack(Rc::clone(&world), attack)));
    }
    if mode == Mode::Strict {
        tasks.push(spawn_local(deploy_objects(Rc::clone(&world))));
    }
    for task in tasks {
        task.await.expect("the world's own tasks do not panic");
    }
    pass(AFTERMATH).await;
    world.recorder.close()
}

/// Restarts objects at the planned times, as deployments do.
async fn deploy_objects(world: Rc<World>) {
    let mut restarts = world.plan.restarts.clone();
    restarts.sort_unstable();
    for (at, shard) in restarts {
        world.clock.until(at).await;
        if world.objects.has_leases(shard) {
            world.recorder.strike(Fault::RestartedByDeployment);
        }
        world.objects.end(&world, shard, ObjectEnd::Restart);
    }
}
