// The types of node:sqlite as far as the documents use it: the installed types of Node are those of the oldest Node we support.
declare module 'node:sqlite' {
  export class DatabaseSync {
    constructor(path: string);
    exec(sql: string): void;
    prepare(sql: string): {
      run(...parameters: (string | number)[]): unknown;
      get(...parameters: (string | number)[]): Record<string, unknown> | undefined;
      all(...parameters: (string | number)[]): Record<string, unknown>[];
    };
    close(): void;
  }
}
