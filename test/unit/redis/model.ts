// What Redis and two workers on one list do, in a few lines and without regard to speed.

/** What became of a worker's connection: `down` loses commands, `deaf` loses answers. */
export type Connection = 'fine' | 'down' | 'deaf';
/** 0 for the list itself, 1 for the one of anonymous events. */
export type Kind = 0 | 1;

const KINDS = [0, 1] as const;
const DEATHS_ALLOWED = 5;

/** An entry that a worker has taken. */
interface Taken {
  readonly id: string;
  readonly kind: Kind;
  readonly order: number;
}

/** A worker: what lies with it in Redis, and what it knows of that itself. */
export class ModelWorker {
  connection: Connection = 'fine';
  /** In Redis, oldest first. */
  readonly processing: Taken[] = [];
  /** In its memory, to be sent. */
  waiting: Taken[] = [];
  /** The leases it was given, and what of each is not settled. */
  readonly leases: { readonly all: readonly Taken[]; open: Taken[] }[] = [];
  /** Settled, but Redis does not know yet. */
  untold: { readonly taken: Taken; readonly buried: boolean }[] = [];
  alone = false;
  /** Where it may have taken what it knows nothing of. */
  readonly doubtful = new Set<Kind>();

  get held(): Taken[] {
    return [...this.waiting, ...this.leases.flatMap(({ open }) => open)];
  }
}

export class Model {
  readonly lists: readonly [string[], string[]] = [[], []];
  readonly dead: string[] = [];
  readonly deaths = new Map<string, number>();
  readonly #capacity: number;
  #arrivals = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** @returns whether it went well. */
  fetch(worker: ModelWorker): boolean {
    return KINDS.every((kind) => this.#giveBackUnknown(worker, kind) && this.#fetchFrom(worker, kind));
  }

  #giveBackUnknown(worker: ModelWorker, kind: Kind): boolean {
    if (!worker.doubtful.has(kind)) return true;
    const known = new Set([...worker.held, ...worker.untold.map(({ taken }) => taken)]);
    if (!this.#say(worker, () => this.#putBack(worker, (taken) => taken.kind === kind && !known.has(taken))))
      return false;
    return worker.doubtful.delete(kind);
  }

  take(worker: ModelWorker, maxEvents: number): string[] {
    const [first] = worker.waiting.toSorted((a, b) => a.order - b.order);
    const lease = worker.waiting.filter(({ kind }) => kind === first?.kind).slice(0, maxEvents);
    worker.waiting = worker.waiting.filter((taken) => !lease.includes(taken));
    if (lease.length > 0) worker.leases.push({ all: lease, open: lease });
    return lease.map(({ id }) => id);
  }

  /**
   * @param which Whether the event at that place in the lease is meant.
   * @returns whether Redis knows, where it has to.
   */
  settle(
    worker: ModelWorker,
    number: number,
    which: (place: number) => boolean,
    how: 'ack' | 'nack' | 'reject',
  ): boolean {
    const lease = worker.leases[number] as ModelWorker['leases'][number];
    const settled = lease.all.filter((taken, place) => which(place) && lease.open.includes(taken));
    lease.open = lease.open.filter((taken) => !settled.includes(taken));
    if (how === 'nack') {
      worker.waiting = [...worker.waiting, ...settled].toSorted((a, b) => a.order - b.order);
      return true;
    }
    worker.untold.push(...settled.map((taken) => ({ taken, buried: how === 'reject' })));
    return this.#tell(worker);
  }

  /** Others take over what a worker has that they take for dead. */
  takeOver(worker: ModelWorker): void {
    for (const { id } of worker.processing) this.deaths.set(id, (this.deaths.get(id) ?? 0) + 1);
    for (const taken of [...worker.processing])
      if ((this.deaths.get(taken.id) ?? 0) >= DEATHS_ALLOWED) this.#bury(worker, taken);
    this.#putBack(worker, () => true);
  }

  /** It learns that it was taken for dead. */
  wake(worker: ModelWorker): void {
    worker.waiting = [];
    this.#tell(worker);
  }

  close(worker: ModelWorker): void {
    this.#tell(worker);
    this.#putBack(worker, () => true);
  }

  beat(worker: ModelWorker): void {
    this.#tell(worker);
  }

  #fetchFrom(worker: ModelWorker, kind: Kind): boolean {
    const held = worker.held.length;
    const room = worker.alone && held > 0 ? 0 : this.#capacity - held - worker.untold.length;
    if (room <= 0) return true;
    const list = this.lists[kind];
    const came: Taken[] = [];
    let alone = false;
    worker.doubtful.add(kind);
    const told = this.#say(worker, () => {
      for (let id; came.length < room && !alone && (id = list[0]) !== undefined;) {
        const suspect = (this.deaths.get(id) ?? 0) >= 2;
        if (suspect && came.length + held > 0) break;
        alone = suspect;
        list.shift();
        came.push({ id, kind, order: this.#arrivals++ });
      }
      worker.processing.push(...came);
    });
    if (!told) return false;
    worker.doubtful.delete(kind);
    worker.alone = alone;
    const [bad, good] = [true, false].map((is) => came.filter(({ id }) => id.startsWith('poison') === is));
    worker.waiting.push(...(good ?? []));
    worker.untold.push(...(bad ?? []).map((taken) => ({ taken, buried: true })));
    return bad?.length === 0 || this.#tell(worker);
  }

  #tell(worker: ModelWorker): boolean {
    for (const kind of KINDS)
      for (const buried of [false, true]) {
        const some = worker.untold.filter((each) => each.taken.kind === kind && each.buried === buried);
        const told = this.#say(worker, () => {
          for (const { taken } of some)
            if (buried) this.#bury(worker, taken);
            else if (this.#remove(worker, taken)) this.deaths.delete(taken.id);
        });
        if (some.length > 0 && !told) return false;
        worker.untold = worker.untold.filter((each) => !some.includes(each));
      }
    return true;
  }

  /** @returns whether the worker knows that it was done. */
  #say(worker: ModelWorker, command: () => void): boolean {
    if (worker.connection !== 'down') command();
    return worker.connection === 'fine';
  }

  #bury(worker: ModelWorker, taken: Taken): void {
    if (!this.#remove(worker, taken)) return;
    this.dead.push(taken.id);
    this.deaths.delete(taken.id);
  }

  #putBack(worker: ModelWorker, which: (taken: Taken) => boolean): void {
    for (const taken of worker.processing.filter(which).toReversed()) {
      this.#remove(worker, taken);
      this.lists[taken.kind].unshift(taken.id);
    }
  }

  #remove(worker: ModelWorker, taken: Taken): boolean {
    const index = worker.processing.indexOf(taken);
    if (index >= 0) worker.processing.splice(index, 1);
    return index >= 0;
  }
}
