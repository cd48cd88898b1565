// The data that the parts of the bench exchange.

export type Form = "bytes" | "string";

/** A body. Every part of the bench makes its own copy. */
export interface Description {
  readonly size: number;
  readonly altered: boolean;
}

/** The headers of one delivery, as the senders of each kind make them. */
export interface Headers {
  readonly cronozen: string;
  readonly github: string;
  readonly stripe: string;
  readonly standard: Readonly<Record<string, string>>;
  readonly svix: Readonly<Record<string, string>>;
}

/** A contender, as its runtime lists it. */
export interface Listed {
  readonly name: string;
  /** The forms that it accepts. */
  readonly forms: readonly Form[];
  /** True if it also parses the body as JSON. */
  readonly parses: boolean;
}

export interface Contender extends Listed {
  readonly header: keyof Headers;
  /** True if bytes must be Node's Buffer. */
  readonly buffer?: boolean;
  /** May also refuse by throwing an error. */
  // biome-ignore lint/suspicious/noExplicitAny: each has its own kind of header
  accepts(body: any, header: any): boolean | Promise<boolean>;
}

/** Asks a runtime to verify one delivery again and again. */
export interface Request {
  readonly contender: string;
  readonly form: Form;
  readonly body: Description;
  readonly headers: Headers;
  readonly count: number;
}

export interface Reply {
  readonly accepted: number;
  readonly milliseconds: number;
  readonly error?: string;
}

export interface Runtime {
  readonly name: string;
  readonly version: string;
  /** The length of a sample, in milliseconds. */
  readonly sample: number;
  readonly contenders: readonly Listed[];
  run(request: Request): Promise<Reply>;
  stop(): Promise<unknown>;
}

/** One contender with one form of bodies in one runtime. */
export interface Entry {
  readonly runtime: Runtime;
  readonly contender: Listed;
  readonly form: Form;
}

export interface Timed extends Entry {
  /** By size, in microseconds a verification, in the order of the rounds. */
  readonly samples: Map<number, number[]>;
}
