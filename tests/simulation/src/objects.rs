//! The 16 objects of the strict mode, and the Worker's call to one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use cronozen_edge::commit::deduper::{Deduper, PLACES, place_of};
use cronozen_edge::commit::migration::Migrating;
use cronozen_edge::commit::single_flight::{Flights, SingleFlight};
use cronozen_edge::commit::{Commit, Committed, LookSendMark, SeenStore};
use cronozen_edge::error::PlatformError;
use cronozen_edge::event::EventId;
use cronozen_edge::message::{Marker, Message};
use cronozen_edge::platform::Clock;
use cronozen_edge::settings::Budget;
use cronozen_edge::time::Timestamp;
use tokio::sync::oneshot;
use tokio::task::spawn_local;

use crate::clock::{Ms, SECOND, pass, since_start};
use crate::fate::{CallFate, Fate, Step};
use crate::faults::Fault;
use crate::ledger::{Look, Put};
use crate::life::{Host, Life, WhileAlive};
use crate::queue::Producer;
use crate::world::World;

/// The rows that are durable: until when each event is remembered.
type Rows = Rc<RefCell<BTreeMap<String, Ms>>>;

/// One of the objects: what is durable, and what lives.
#[derive(Default)]
struct Place {
    rows: Rows,
    living: Option<(Rc<Life>, Flights)>,
}

/// All of them.
pub struct Objects(Vec<RefCell<Place>>);

impl Objects {
    pub fn new() -> Self {
        Self((0..PLACES).map(|_| RefCell::default()).collect())
    }

    /// Restarts an object, if it is alive.
    pub fn restart(&self, place: usize) -> bool {
        let living = self.0[place].borrow_mut().living.take();
        living.is_some_and(|(life, _)| {
            let lived = life.died().is_none();
            life.end();
            lived
        })
    }

    /// The object as it lives: a fresh life after an end.
    fn living(&self, place: usize, world: &World) -> (Rc<Life>, Flights, Rows) {
        let mut place = self.0[place].borrow_mut();
        let living = place.living.take().filter(|(life, _)| life.died().is_none());
        let (life, flights) =
            living.unwrap_or_else(|| (Life::new(world.clock), Flights::default()));
        place.living = Some((Rc::clone(&life), flights.clone()));
        (life, flights, Rc::clone(&place.rows))
    }
}

fn fault_of_restart(step: Step) -> Fault {
    match step {
        Step::BeforeLook => Fault::RestartedBeforeLook,
        Step::AfterLook => Fault::RestartedAfterLook,
        Step::BeforeSend => Fault::RestartedBeforeSend,
        Step::Stored => Fault::RestartedStored,
        Step::Acknowledged => Fault::RestartedAcknowledged,
        Step::Marked | Step::BeforeAnswer => Fault::RestartedMarked,
    }
}

/// The call of one delivery's Worker.
pub struct Caller {
    pub world: Rc<World>,
    /// The Worker's isolate.
    pub host: Host,
    pub delivery: usize,
    pub fate: Rc<Fate>,
}

impl Deduper for Caller {
    async fn commit(&self, message: Message, budget: Budget) -> Result<Committed, PlatformError> {
        self.host.step(Step::BeforeLook).await;
        self.die_during_the_call();
        let strike = |fault| self.host.ledger.strike(fault);
        let elapsed = self.world.clock.now().since(budget.arrived());
        let (answers, answer) = oneshot::channel();
        match self.fate.call {
            CallFate::Lost => {
                strike(Fault::CallLost);
                return pending().await;
            }
            CallFate::Refused => {
                strike(Fault::CallRefused);
                pass(2 * self.fate.call_there).await;
                return Err(PlatformError::new("Durable Object is overloaded."));
            }
            CallFate::Works { .. } | CallFate::AnswerLost => {
                let call = Call {
                    world: Rc::clone(&self.world),
                    delivery: self.delivery,
                    fate: Rc::clone(&self.fate),
                    elapsed,
                    deadline: budget.deadline(),
                };
                // On the wire, so without the Worker's isolate.
                spawn_local(async move { call.arrive(message, answers).await });
            }
        }
        let committed = answer.await;
        let CallFate::Works { back } = self.fate.call else {
            strike(Fault::CallAnswerLost);
            return Err(PlatformError::new("Network connection lost."));
        };
        if back >= SECOND {
            strike(Fault::CallLate);
        }
        pass(back).await;
        committed.map_err(|_| PlatformError::new("Durable Object reset."))
    }
}

impl Caller {
    /// All steps but the first and the last are the object's: the Worker dies somewhere among them.
    fn die_during_the_call(&self) {
        let Some(step) = self.host.fatal else { return };
        if matches!(step, Step::BeforeLook | Step::BeforeAnswer) {
            return;
        }
        let (host, after) = (self.host.clone(), self.fate.call_there + 4 * self.fate.row);
        spawn_local(async move {
            pass(after).await;
            host.ends_at(step);
        });
    }
}

/// A call on its way to the object.
struct Call {
    world: Rc<World>,
    delivery: usize,
    fate: Rc<Fate>,
    /// How long the delivery had been at the Worker.
    elapsed: Duration,
    deadline: Duration,
}

impl Call {
    async fn arrive(self, message: Message, answers: oneshot::Sender<Committed>) {
        pass(self.fate.call_there).await;
        let message = Message::from_parts(message.into_parts()).expect("the parts of a message");
        let world = &self.world;
        let place = usize::from(place_of(message.event_id()));
        let (life, flights, rows) = world.objects.living(place, world);
        world.ledger.tell(self.delivery, "entered", |trail, now| {
            trail.entered = Some(now);
            trail.object = Some(Rc::clone(&life));
        });
        let host = Host {
            life: Rc::clone(&life),
            ledger: world.ledger.clone(),
            fatal: self.fate.restart,
            fault: fault_of_restart,
        };
        let rows =
            RowStore { rows, host: host.clone(), delivery: self.delivery, takes: self.fate.row };
        let commit = SingleFlight {
            inner: LookSendMark {
                store: Migrating { store: rows, previous: None::<RowStore> },
                queue: Producer {
                    plan: Rc::clone(&world.plan),
                    clock: world.clock,
                    host,
                    delivery: self.delivery,
                    fate: Rc::clone(&self.fate),
                },
                clock: world.clock,
                background: WhileAlive(Rc::clone(&life)),
                log: world.ledger.clone(),
            },
            flights,
            clock: world.clock,
            background: WhileAlive(Rc::clone(&life)),
            log: world.ledger.clone(),
        };
        let began =
            world.clock.now().as_millis() - i64::try_from(self.elapsed.as_millis()).unwrap();
        let budget = Budget::new(Timestamp::from_millis(began), self.deadline);
        life.spawn(async move {
            let committed = commit.commit(message, budget).await;
            // The Worker may have gone.
            let _nobody = answers.send(committed);
        });
    }
}

/// An object's rows, for one delivery.
#[derive(Clone)]
struct RowStore {
    rows: Rows,
    host: Host,
    delivery: usize,
    takes: Ms,
}

impl SeenStore for RowStore {
    async fn seen(&self, event_id: &EventId) -> Result<bool, PlatformError> {
        self.host.step(Step::BeforeLook).await;
        let ends = self.rows.borrow().get(event_id.as_str()).copied();
        let mut now = 0;
        self.host.ledger.tell(self.delivery, "looked", |trail, at| {
            trail.look = Some(Look { at, as_of: at, in_doubt: false });
            now = at;
        });
        if ends.is_some_and(|ends| ends <= now) {
            self.host.ledger.strike(Fault::MarkerExpired);
        }
        self.host.step(Step::AfterLook).await;
        Ok(ends.is_some_and(|ends| ends > now))
    }

    fn mark(
        &self,
        event_id: &EventId,
        marker: Marker,
    ) -> impl Future<Output = Result<(), PlatformError>> + 'static {
        let (store, key) = (self.clone(), event_id.as_str().to_owned());
        async move {
            store.host.step(Step::Acknowledged).await;
            let ends = since_start(marker.ends_at());
            store.host.ledger.tell(store.delivery, "row", |trail, at| {
                trail.put =
                    Some(Put { at, applied: None, dropped: None, visible: Vec::new(), ends });
            });
            pass(store.takes).await;
            store.rows.borrow_mut().insert(key, ends);
            store.host.ledger.tell(store.delivery, "durable", |trail, now| {
                if let Some(put) = &mut trail.put {
                    put.applied = Some(now);
                }
            });
            store.host.step(Step::Marked).await;
            Ok(())
        }
    }
}
